package api

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	fetch := func(path, encoding string) *http.Response {
		t.Helper()
		req := s.admin.request("GET", path, nil)
		req.Header.Set("Accept-Encoding", encoding) // set by hand, the client leaves the answer as it is
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	for _, c := range []struct {
		name, path, encoding, want string
	}{
		{"large", "/openapi.json", "br, gzip;q=0.8", "gzip"},
		{"not asked for", "/openapi.json", "br", ""},
		{"refused", "/openapi.json", "gzip;q=0, identity", ""},
		{"small", "/setup", "gzip", ""},
		{"a stream", "/events", "gzip", ""},
	} {
		res := fetch(c.path, c.encoding)
		if got := res.Header.Get("Content-Encoding"); res.StatusCode != 200 || got != c.want || res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: GET %s = %d, encoded as %q, Vary %q, want %q", c.name, c.path, res.StatusCode, got, res.Header.Get("Vary"), c.want)
		}
	}
	z, err := gzip.NewReader(fetch("/openapi.json", "gzip").Body)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil || !json.Valid(data) {
		t.Errorf("the compressed answer does not read back: %v", err)
	}
}
