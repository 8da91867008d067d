package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// watched notes until when a body may be read.
type watched struct {
	*httptest.ResponseRecorder
	until time.Time
	asked bool
}

func (w *watched) SetReadDeadline(t time.Time) error {
	w.until = t
	return nil
}

// Read is the body: nothing, and a look at the deadline.
func (w *watched) Read([]byte) (int, error) {
	w.asked = w.asked || w.until.After(time.Now())
	return 0, io.EOF
}

// Whoever is nobody cannot hold a connection by a body that never comes, with an
// idempotency key or without.
func TestBodiesOfStrangersEnd(t *testing.T) {
	t.Parallel()
	h := New(nil, Options{RequestID: func() string { return "req_1" }}).Handler()
	for _, key := range []string{"", "k"} {
		w := &watched{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Prefix+"/session", w)
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		h.ServeHTTP(w, r)
		if !w.asked || w.Code < 400 || w.Code >= 500 {
			t.Errorf("key %q: the body is read with a deadline: %t, the answer is %d, want true and a refusal", key, w.asked, w.Code)
		}
	}
}
