package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/fault"
)

func open(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL+"/", "tl_secret")
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	return c
}

func TestNewRefusesWhatIsNoServer(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "localhost:8080", "ftp://example.org", "://"} {
		if _, err := client.New(base, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("New(%q) = %v, want invalid", base, err)
		}
	}
}

func TestPostIsRepeatedWithTheSameKey(t *testing.T) {
	t.Parallel()
	var keys, bodies []string
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		keys, bodies = append(keys, r.Header.Get("Idempotency-Key")), append(bodies, string(body))
		if len(keys) == 1 {
			panic(http.ErrAbortHandler) // the answer is lost
		}
		fmt.Fprint(w, `{"n": 7}`)
	})
	var out struct{ N int }
	if err := c.Post(t.Context(), "/things", map[string]int{"a": 1}, &out); err != nil || out.N != 7 {
		t.Fatalf("Post() = %d, %v, want the second answer", out.N, err)
	}
	if len(keys) != 2 || keys[0] == "" || keys[0] != keys[1] || bodies[0] != bodies[1] || bodies[0] != `{"a":1}` {
		t.Errorf("requests had keys %q and bodies %q, want the same twice", keys, bodies)
	}
}

func TestUploadIsSentOnceAndCounted(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	c := open(t, func(_ http.ResponseWriter, r *http.Request) {
		n.Add(1)
		if key := r.Header.Get("Idempotency-Key"); key != "" {
			t.Errorf("the upload carries the key %q, want none: its content decides", key)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	var sent int64
	err := c.Upload(t.Context(), "/files", "application/octet-stream", bytes.NewReader(make([]byte, 5000)), func(n int64) { sent = n }, nil)
	if !fault.Is(err, fault.Unavailable) || n.Load() != 1 || sent != 5000 {
		t.Errorf("Upload() = %v after %d requests and %d bytes, want unavailable after 1 and 5000", err, n.Load(), sent)
	}
}

func TestProblemsComeBackAsFaults(t *testing.T) {
	t.Parallel()
	status, kind, body := 412, "application/problem+json", `{"code": "threat.stale", "detail": "changed meanwhile", "errors": [{"where": "header.If-Match", "text": "is 1, now 2"}]}`
	var match, auth string
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		match, auth = r.Header.Get("If-Match"), r.Header.Get("Authorization")
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	err := c.DoIf(t.Context(), http.MethodPatch, "/x", 1, map[string]string{}, nil)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Stale || f.Code != "threat.stale" || f.Public != "changed meanwhile" || len(f.Fields) != 1 {
		t.Errorf("DoIf() = %#v, want the stale fault with its field", err)
	}
	if match != `"1"` || auth != "Bearer tl_secret" {
		t.Errorf("the request had If-Match %q and Authorization %q", match, auth)
	}
	// What stands before the server answers HTML, and must not be taken for it.
	status, kind, body = 403, "text/html", "<html>proxy</html>"
	if err := c.Get(t.Context(), "/x", nil); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "HTTP 403") {
		t.Errorf("Get() of HTML = %v, want unavailable with the status", err)
	}
	status, kind, body = 200, "text/html", "<html>sign in</html>"
	var out struct{}
	if err := c.Get(t.Context(), "/x", &out); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Get() of HTML with 200 = %v, want unavailable", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/x" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		t.Errorf("the client followed to %s with %q", r.URL.Path, r.Header.Get("Authorization"))
	})
	if err := c.Get(t.Context(), "/x", nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Get() of a redirect = %v, want unavailable", err)
	}
}
