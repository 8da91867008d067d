package api

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// FuzzHeaders reads what clients send in headers and in the query of an upload:
// it is understood, or refused as the client's mistake.
func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{"", "*", `"7"`, `W/"7"`, "7", `""`, "-1", "product:prd_x:12", "instance:0", ":1", "a:", "a:-1", "wait=60&at=2026-01-02T03:04:05Z", "wait=61", "complete=yes", "%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := ifMatch(text); err != nil && !fault.Is(err, fault.Invalid) || err == nil && n < 0 {
			t.Errorf("ifMatch(%q) = %d, %v", text, n, err)
		} else if n > 0 {
			if again, err := ifMatch(etag(n)); err != nil || again != n {
				t.Errorf("ifMatch(etag(%d)) = %d, %v", n, again, err)
			}
		}
		stream, seq, ok, err := lastEvent(text)
		if err != nil && !fault.Is(err, fault.Invalid) || ok && (stream == "" || seq < 0) {
			t.Errorf("lastEvent(%q) = %q, %d, %v", text, stream, seq, err)
		}
		if ok {
			if s, n, _, err := lastEvent(stream + ":" + strconv.FormatInt(seq, 10)); err != nil || s != stream || n != seq {
				t.Errorf("lastEvent(%q) does not come back: %q, %d, %v", text, s, n, err)
			}
		}
		q, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		if _, wait, err := uploadQuery(q); err != nil && !fault.Is(err, fault.Invalid) || wait < 0 || wait > maxWait*time.Second {
			t.Errorf("uploadQuery(%q) = %v, %v", text, wait, err)
		}
	})
}
