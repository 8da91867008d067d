package server

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPageIsCompressedForWhoTakesIt(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"index.html":   {Data: []byte("<!doctype html>")},
		"assets/a.js":  {Data: []byte(strings.Repeat("let a = 1;\n", 200))},
		"assets/a.png": {Data: []byte("\x89PNG")},
	}
	h, err := page(files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, encoding, ranged, want, vary string }{
		{"/assets/a.js", "br, gzip;q=0.8", "", "gzip", "Accept-Encoding"},
		{"/assets/a.js", "gzip;q=0", "", "", "Accept-Encoding"},
		{"/assets/a.js", "gzip; q=0.000", "", "", "Accept-Encoding"},
		{"/assets/a.js", "", "", "", "Accept-Encoding"},
		{"/assets/a.js", "gzip", "bytes=0-9", "", "Accept-Encoding"},
		{"/assets/a.png", "gzip", "", "", ""},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.Header.Set("Accept-Encoding", c.encoding)
		if c.ranged != "" {
			r.Header.Set("Range", c.ranged)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got, vary := w.Header().Get("Content-Encoding"), w.Header().Get("Vary"); got != c.want || vary != c.vary || w.Code >= 300 {
			t.Errorf("GET %s with Accept-Encoding %q, Range %q = %d, encoded as %q, Vary %q, want %q and %q", c.path, c.encoding, c.ranged, w.Code, got, vary, c.want, c.vary)
		}
	}
}
