package httpcore

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
)

const secret = "s3cr3t/token+value"

// manual is a clock that only moves when somebody sleeps.
type manual struct {
	mu sync.Mutex
	at time.Time
}

func (m *manual) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

func (m *manual) sleep(ctx context.Context, d time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = m.at.Add(d)
	return ctx.Err()
}

func client(t *testing.T, h http.HandlerFunc, change ...func(*Config)) (*Client, *manual) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return clientAt(t, srv.URL, change...)
}

func clientAt(t *testing.T, base string, change ...func(*Config)) (*Client, *manual) {
	t.Helper()
	m := &manual{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	cfg := Config{Base: base, AllowPrivate: true, Now: m.now, Sleep: m.sleep, Rand: func() float64 { return 0.5 }, Timeout: 60 * time.Second}
	cfg.Auth, cfg.Secrets = BearerAuth(secret)
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatalf("New(%s) = %v", base, err)
	}
	t.Cleanup(c.Close)
	return c, m
}

func post() Request {
	return Request{Op: "create", Method: http.MethodPost, Path: "/issue", Body: map[string]string{"a": "b"}, Out: &map[string]any{}}
}

func read() Request {
	return Request{Op: "read", Method: http.MethodGet, Path: "/issue", Out: &map[string]any{}}
}

// typed sends a request that must fail.
func typed(t *testing.T, c *Client, r Request) *tracker.Error {
	t.Helper()
	_, err := c.Do(context.Background(), r)
	var e *tracker.Error
	if !errors.As(err, &e) {
		t.Fatalf("Do(%s) = %v, want a *tracker.Error", r.Op, err)
	}
	return e
}

func TestStatusIsClassified(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct {
		kind    tracker.ErrorKind
		outcome tracker.Outcome
	}{
		400: {tracker.KindInvalid, tracker.Rejected}, 401: {tracker.KindAuth, tracker.Rejected}, 403: {tracker.KindPermission, tracker.Rejected},
		404: {tracker.KindNotFound, tracker.Rejected}, 409: {tracker.KindConflict, tracker.Rejected}, 413: {tracker.KindInvalid, tracker.Rejected},
		422: {tracker.KindInvalid, tracker.Rejected}, 429: {tracker.KindRateLimited, tracker.Rejected}, 408: {tracker.KindUnavailable, tracker.Ambiguous},
		500: {tracker.KindUnavailable, tracker.Ambiguous}, 502: {tracker.KindUnavailable, tracker.Ambiguous}, 503: {tracker.KindUnavailable, tracker.Ambiguous},
		504: {tracker.KindUnavailable, tracker.Ambiguous}, 418: {tracker.KindProtocol, tracker.Ambiguous}, 302: {tracker.KindProtocol, tracker.Ambiguous},
		307: {tracker.KindProtocol, tracker.Rejected},
	} {
		var n atomic.Int32
		c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		e := typed(t, c, post())
		if e.Kind != want.kind || e.Outcome != want.outcome || e.Status != status {
			t.Errorf("POST answered %d = %s, %s, want %s, %s", status, e.Kind, e.Outcome, want.kind, want.outcome)
		}
		if n.Load() != 1 {
			t.Errorf("POST answered %d was sent %d times, want once", status, n.Load())
		}
	}
}

func TestCaptchaIsAuth(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X-Seraph-LoginReason", "X-Authentication-Denied-Reason"} {
		c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(name, "AUTHENTICATION_DENIED")
			w.WriteHeader(http.StatusForbidden)
		})
		if e := typed(t, c, read()); e.Kind != tracker.KindAuth {
			t.Errorf("403 with %s = %s, want auth", name, e.Kind)
		}
	}
}

// cutter accepts connections, serves the first `good` requests with keep-alive
// and closes the connection after reading any further one.
func cutter(t *testing.T, good int32) (string, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n.Add(1) <= good {
			fmt.Fprint(w, "{}")
			return
		}
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, &n
}

func TestNothingButGetIsRepeated(t *testing.T) {
	t.Parallel()
	for _, good := range []int32{0, 1, 3} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			for _, body := range []any{nil, map[string]string{"k": strings.Repeat("v", 100_000)}} {
				base, n := cutter(t, good)
				c, _ := clientAt(t, base)
				for range good { // leaves kept-alive connections behind
					if _, err := c.Do(context.Background(), read()); err != nil {
						t.Fatal(err)
					}
				}
				e := typed(t, c, Request{Op: "write", Method: method, Path: "/x", Body: body})
				if e.Outcome != tracker.Ambiguous || e.Kind != tracker.KindUnavailable {
					t.Errorf("%s cut after %d = %s, %s, want ambiguous, unavailable", method, good, e.Outcome, e.Kind)
				}
				if got := n.Load() - good; got != 1 {
					t.Errorf("%s was sent %d times, want once", method, got)
				}
			}
		}
	}
	base, n := cutter(t, 0)
	c, _ := clientAt(t, base)
	search := post()
	search.Read = true
	if e := typed(t, c, search); e.Outcome == tracker.Ambiguous || n.Load() != 1 {
		t.Errorf("cut search = %s after %d requests, want certainty and one", e.Outcome, n.Load())
	}
}

func TestWritesUseFreshConnections(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	from := map[string][]string{}
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		from[r.Method] = append(from[r.Method], r.RemoteAddr)
		fmt.Fprint(w, "{}")
	})
	for range 3 {
		for _, r := range []Request{read(), post()} {
			if _, err := c.Do(context.Background(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	distinct := func(ss []string) int { slices.Sort(ss); return len(slices.Compact(ss)) }
	if w, r := distinct(from[http.MethodPost]), distinct(from[http.MethodGet]); w != 3 || r != 1 {
		t.Errorf("3 writes over %d connections, 3 reads over %d, want 3 and 1", w, r)
	}
}

func TestGetIsRepeated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ retries, failures, want int }{{0, 2, 3}, {0, 9, 3}, {-1, 1, 1}, {5, 9, 6}} {
		var n atomic.Int32
		cl, m := client(t, func(w http.ResponseWriter, _ *http.Request) {
			if int(n.Add(1)) <= c.failures {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			fmt.Fprint(w, "{}")
		}, func(cfg *Config) { cfg.Retries = c.retries })
		start := m.now()
		_, err := cl.Do(context.Background(), read())
		if int(n.Load()) != c.want || (err == nil) != (c.failures < c.want) {
			t.Errorf("GET with %d failures, retries %d: %d requests, %v, want %d", c.failures, c.retries, n.Load(), err, c.want)
		}
		if c.want > 1 && m.now().Equal(start) {
			t.Error("GET was repeated without a pause")
		}
	}
}

func TestNotSent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	tls := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived over an untrusted connection") }))
	defer tls.Close()
	tls.Config.ErrorLog = nil
	for name, base := range map[string]string{"refused": closed, "unknown authority": tls.URL, "no such host": "http://tracker.invalid"} {
		c, _ := clientAt(t, base)
		if e := typed(t, c, post()); e.Outcome != tracker.NotSent || e.Kind != tracker.KindUnavailable {
			t.Errorf("%s: %s, %s, want not_sent, unavailable (%v)", name, e.Outcome, e.Kind, e)
		}
	}
}

func TestPrivateAuthority(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Errorf("protocol %s, want HTTP/1", r.Proto)
		}
		fmt.Fprint(w, "{}")
	}))
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	c, _ := clientAt(t, srv.URL, func(cfg *Config) { cfg.RootCAs = pool })
	if _, err := c.Do(context.Background(), post()); err != nil {
		t.Errorf("POST to a server of a configured authority = %v", err)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			fmt.Fprint(w, "{")
			w.(http.Flusher).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, func(cfg *Config) { cfg.Timeout = time.Second; cfg.Retries = -1 })
	defer close(release)
	var wg sync.WaitGroup
	for _, path := range []string{"/silent", "/drip"} {
		wg.Go(func() {
			r := post()
			r.Path = path
			if _, err := c.Do(context.Background(), r); tracker.AsError(err).Outcome != tracker.Ambiguous || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("POST %s without an answer = %v, want ambiguous", path, err)
			}
		})
		wg.Go(func() {
			r := read()
			r.Path = path
			if _, err := c.Do(context.Background(), r); tracker.AsError(err).Outcome == tracker.Ambiguous || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("GET %s without an answer = %v, want certainty that nothing changed", path, err)
			}
		})
	}
	wg.Wait()
}

func TestCancelledWhenTheRequestHasArrived(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	c, _ := client(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err := c.Do(ctx, post())
	if e := tracker.AsError(err); err == nil || e.Outcome != tracker.Ambiguous || !errors.Is(err, context.Canceled) {
		t.Errorf("POST cancelled on arrival = %v, want ambiguous", err)
	}
	_, err = c.Do(ctx, post())
	if e := tracker.AsError(err); err == nil || e.Outcome != tracker.NotSent {
		t.Errorf("POST cancelled before = %v, want not_sent", err)
	}
}

func TestUnreadableAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, body, text string }{
		"html":       {"text/html; charset=utf-8", "<html>Log in</html>", "web page"},
		"sniffed":    {"application/json", "\n <!DOCTYPE html>", "web page"},
		"cut":        {"application/json", `{"id": "1", "ke`, "JSON"},
		"empty":      {"application/json", "", "JSON"},
		"big":        {"application/json", strings.Repeat(" ", 2000), "larger"},
		"wrong kind": {"application/json", `[1]`, "JSON"},
	} {
		cl, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			fmt.Fprint(w, c.body)
		}, func(cfg *Config) { cfg.MaxBody = 1000 })
		e := typed(t, cl, post())
		if e.Outcome != tracker.Ambiguous || e.Kind != tracker.KindProtocol || !strings.Contains(e.Error(), c.text) {
			t.Errorf("%s: %s, %s, %q, want ambiguous, protocol, %q", name, e.Outcome, e.Kind, e, c.text)
		}
		if e := typed(t, cl, read()); e.Outcome != tracker.Rejected {
			t.Errorf("%s: GET = %s, want rejected", name, e.Outcome)
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var stolen atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { stolen.Add(1); fmt.Fprint(w, "{}") }))
	defer other.Close()
	target := other.URL
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/inside":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/there":
			if r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, "{}")
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			http.Redirect(w, r, target, http.StatusTemporaryRedirect)
		}
	})
	for path, fine := range map[string]bool{"/inside": true, "/loop": false, "/outside": false} {
		r := read()
		r.Path = path
		_, err := c.Do(context.Background(), r)
		if (err == nil) != fine || err != nil && tracker.AsError(err).Kind != tracker.KindProtocol {
			t.Errorf("GET %s = %v, want ok %v", path, err, fine)
		}
	}
	if e := typed(t, c, post()); e.Kind != tracker.KindProtocol || e.Outcome != tracker.Rejected {
		t.Errorf("POST redirected = %s, %s, want protocol, rejected", e.Kind, e.Outcome)
	}
	if n := stolen.Load(); n != 0 {
		t.Errorf("%d requests followed a redirect to another origin", n)
	}
}

func TestPathStaysBelowBase(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) { got.Store(r.RequestURI); fmt.Fprint(w, "{}") })
	for _, p := range []string{"http://evil.example/x", "//evil.example/x"} {
		r := post()
		r.Path = p
		if e := typed(t, c, r); e.Outcome != tracker.NotSent {
			t.Errorf("Do(%s) = %s, want not_sent", p, e.Outcome)
		}
	}
	r := read()
	r.Path = "/issue/" + url.PathEscape("a/../b?c") + "/x"
	if _, err := c.Do(context.Background(), r); err != nil || got.Load() != "/issue/a%2F..%2Fb%3Fc/x" {
		t.Errorf("Do(escaped) sent %v, %v", got.Load(), err)
	}
}

func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 302, 400, 401, 500} {
		c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
			echo := r.Header.Get("Authorization") + " " + url.QueryEscape(secret)
			w.Header().Set("Location", "http://other.example/?t="+url.QueryEscape(secret))
			w.Header().Set("X-Request-Id", "id")
			w.WriteHeader(status)
			fmt.Fprintf(w, "denied for %s", echo)
		})
		for _, r := range []Request{post(), read()} {
			e := typed(t, c, r)
			for _, text := range []string{e.Error(), fmt.Sprintf("%v %+v %#v %q", e, e, e, e.Reason), fmt.Sprintf("%+v %#v", e.Err, e.Err)} {
				if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
					t.Errorf("%d %s: the error shows the credential: %s", status, r.Method, text)
				}
			}
		}
	}
	if _, err := New(Config{Base: "http://user:" + secret + "@host/"}); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("New(credential in URL) = %v, want an error without it", err)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	reset := time.Date(2026, 1, 2, 3, 5, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		header http.Header
		want   time.Duration // 0: some backoff
	}{
		"seconds":          {http.Header{"Retry-After": {"30"}}, 30 * time.Second},
		"date":             {http.Header{"Retry-After": {reset.Format(http.TimeFormat)}}, time.Minute},
		"reset":            {http.Header{"X-Ratelimit-Reset": {"2026-01-02T03:05:05Z"}}, time.Minute},
		"reset to minutes": {http.Header{"X-Ratelimit-Reset": {"2026-01-02T03:06Z"}}, 115 * time.Second},
		"interval":         {http.Header{"X-Ratelimit-Interval-Seconds": {"10"}}, 10 * time.Second},
		"nothing":          {http.Header{}, 0},
		"nonsense":         {http.Header{"Retry-After": {"soon"}}, 0},
	} {
		var n atomic.Int32
		cl, m := client(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) > 3 {
				fmt.Fprint(w, "{}")
				return
			}
			for k, v := range c.header {
				w.Header()[k] = v
			}
			w.WriteHeader(http.StatusTooManyRequests)
		})
		e := typed(t, cl, read())
		if e.Kind != tracker.KindRateLimited || e.RetryAfter <= 0 || c.want > 0 && e.RetryAfter != c.want {
			t.Errorf("%s: %s, RetryAfter %s, want %s", name, e.Kind, e.RetryAfter, c.want)
		}
		if c.want == 0 {
			continue
		}
		if e := typed(t, cl, post()); e.Outcome != tracker.NotSent || e.Kind != tracker.KindRateLimited || e.RetryAfter != c.want || n.Load() != 1 {
			t.Errorf("%s: during the pause %s, %s after %d requests, want not_sent and one request", name, e.Outcome, e.RetryAfter, n.Load())
		}
		if got := cl.PausedUntil().Sub(m.now()); got != c.want {
			t.Errorf("%s: PausedUntil is in %s, want %s", name, got, c.want)
		}
		n.Store(3)
		_ = m.sleep(context.Background(), c.want)
		if _, err := cl.Do(context.Background(), post()); err != nil {
			t.Errorf("%s: after the pause %v", name, err)
		}
	}
}

func TestSlowsDownNearTheLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header, value string
		want          time.Duration
	}{
		"near": {"X-RateLimit-NearLimit", "true", 2 * time.Second}, "not near": {"X-RateLimit-NearLimit", "false", 0}, "tokens left": {"X-RateLimit-Remaining", "5", 0},
	} {
		cl, m := client(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(c.header, c.value); fmt.Fprint(w, "{}") })
		start := m.now()
		for range 3 {
			if _, err := cl.Do(context.Background(), post()); err != nil {
				t.Fatal(err)
			}
		}
		if got := m.now().Sub(start); got != c.want {
			t.Errorf("%s: three requests took %s, want %s", name, got, c.want)
		}
	}
	cl, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Interval-Seconds", "30")
		fmt.Fprint(w, "{}")
	})
	if _, err := cl.Do(context.Background(), post()); err != nil {
		t.Fatal(err)
	}
	if e := typed(t, cl, post()); e.Outcome != tracker.NotSent || e.RetryAfter != 30*time.Second {
		t.Errorf("Do() without tokens = %s, %s, want not_sent, 30s", e.Outcome, e.RetryAfter)
	}
}

func TestBackoffGrowsWithoutTimes(t *testing.T) {
	t.Parallel()
	c, m := client(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	var got []time.Duration
	for range 14 {
		e := typed(t, c, read())
		got = append(got, e.RetryAfter)
		_ = m.sleep(context.Background(), e.RetryAfter)
	}
	if !slices.IsSorted(got) || got[0] >= got[5] || got[13] > maxBackoff {
		t.Errorf("backoffs = %v, want rising up to %s", got, maxBackoff)
	}
}

func TestPerIssueLimitPausesTheIssueOnly(t *testing.T) {
	t.Parallel()
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/1" {
			w.Header().Set("Retry-After", "20")
			w.Header().Set("RateLimit-Reason", "jira-per-issue-on-write")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, "{}")
	})
	write := func(scope string) error {
		_, err := c.Do(context.Background(), Request{Op: "edit", Method: http.MethodPut, Path: "/" + scope, Scope: scope})
		return err
	}
	for range 2 {
		if e := tracker.AsError(write("1")); e == nil || e.Kind != tracker.KindRateLimited {
			t.Errorf("write to issue 1 = %v, want rate_limited", e)
		}
	}
	if err := write("2"); err != nil {
		t.Errorf("write to issue 2 = %v, want it to pass", err)
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	gate := make(chan struct{})
	c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		<-gate
		now.Add(-1)
		fmt.Fprint(w, "{}")
	})
	run := func(scope string, free int) {
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				_, err := c.Do(context.Background(), Request{Op: "edit", Method: http.MethodPut, Path: "/x", Scope: scope})
				if err != nil {
					t.Error(err)
				}
			})
		}
		for range 12 {
			gate <- struct{}{}
		}
		wg.Wait()
		if n := most.Swap(0); n > int32(free) {
			t.Errorf("scope %q: %d requests at a time, want at most %d", scope, n, free)
		}
	}
	run("", DefaultConcurrency)
	run("issue", 1)
}

func TestPointsSurroundEveryExchange(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, "served")
		fmt.Fprint(w, "{}")
	}, func(cfg *Config) {
		cfg.Point = func(name string) { mu.Lock(); defer mu.Unlock(); got = append(got, name) }
		cfg.NewID = func() string { return "request-7" }
	})
	if _, err := c.Do(context.Background(), post()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"create/before", "served", "create/after"}; !slices.Equal(got, want) {
		t.Errorf("points = %v, want %v", got, want)
	}
}

func TestNewRefusesBadAddresses(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "jira.example.org", "ftp://x", "http://", "https://u@h", "https://h/?q=1", "https://h/#f", "file:///etc/passwd"} {
		if _, err := New(Config{Base: base}); err == nil {
			t.Errorf("New(%q) = nil, want an error", base)
		}
	}
}
