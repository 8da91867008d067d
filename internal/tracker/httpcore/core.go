// Package httpcore is the one HTTP client behind every tracker adapter. It
// knows what a failed request may have done and says so in a *tracker.Error:
// certainly not sent, rejected, or ambiguous. It never repeats a request that
// is not a GET, never follows a redirect to another origin, gives credentials
// to the configured origin only, refuses private addresses unless they are
// allowed, and bounds size, time and concurrency. It knows no tracker.
package httpcore

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
)

// Defaults of a Config's zero values.
const (
	DefaultTimeout     = 60 * time.Second
	DefaultMaxBody     = 10 << 20
	DefaultConcurrency = 4
	DefaultRetries     = 2
	maxRedirects       = 3
)

// Config describes one connection to one origin.
type Config struct {
	Base         string            // absolute http(s) URL; requests go below its path and to its origin only
	Auth         func(http.Header) // adds the credential to a request for the origin; nil for none
	Secrets      []string          // texts that must never be seen in an error
	AllowPrivate bool              // permit loopback and private addresses (link-local stays refused)
	RootCAs      *x509.CertPool    // nil: the system's
	Timeout      time.Duration     // of one attempt including the reading of its answer; 0: DefaultTimeout
	Retries      int               // repetitions of a failed GET; 0: DefaultRetries, negative: none
	MaxBody      int64             // bytes of an answer; 0: DefaultMaxBody
	Concurrency  int               // requests at a time; 0: DefaultConcurrency
	UserAgent    string

	Now   func() time.Time                                 // nil: the system clock
	Sleep func(ctx context.Context, d time.Duration) error // nil: a timer
	Rand  func() float64                                   // in [0,1), for jitter; nil: the system's
	NewID func() string                                    // id of a request, sent as X-Request-Id; nil: none is sent
	Point func(name string)                                // called with "<op>/before" and "<op>/after" around every exchange
	// Refusal reads the tracker's own error body; nil takes its first line.
	Refusal func(status int, h http.Header, body []byte) (reason string, fields map[string]string)
}

// Client sends requests of one connection. It is safe for concurrent use.
type Client struct {
	cfg    Config
	base   *url.URL
	reads  *http.Client
	writes *http.Client
	limit  *limiter
}

// New returns a client, or an error where the base is not an absolute http(s)
// URL without credentials.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(cfg.Base)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("httpcore: the address %q is not an absolute http or https URL", redactURL(cfg.Base))
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("httpcore: the address must not hold credentials, a query or a fragment")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = ""
	cfg.defaults()
	c := &Client{cfg: cfg, base: base, limit: newLimiter(cfg)}
	// A write opens its own connection: one that was kept alive may have been
	// closed by the server, and then nobody knows whether the request arrived.
	c.reads = &http.Client{Transport: c.transport(false), CheckRedirect: c.redirect}
	c.writes = &http.Client{Transport: c.transport(true), CheckRedirect: noRedirect}
	return c, nil
}

func (cfg *Config) defaults() {
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	switch {
	case cfg.Retries == 0:
		cfg.Retries = DefaultRetries
	case cfg.Retries < 0:
		cfg.Retries = 0
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = DefaultConcurrency
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "threatloop"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	if cfg.Point == nil {
		cfg.Point = func(string) {}
	}
	if cfg.Refusal == nil {
		cfg.Refusal = func(_ int, _ http.Header, body []byte) (string, map[string]string) { return firstLine(body), nil }
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (c *Client) transport(fresh bool) *http.Transport {
	d := &net.Dialer{Timeout: 15 * time.Second, Control: guard(c.cfg.AllowPrivate)}
	return &http.Transport{
		DialContext:         d.DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: c.cfg.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 15 * time.Second,
		DisableKeepAlives:   fresh,
		MaxIdleConnsPerHost: c.cfg.Concurrency,
		IdleConnTimeout:     60 * time.Second,
		// HTTP/2 repeats requests on its own after GOAWAY; HTTP/1.1 with no
		// body getter does not.
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Close drops idle connections.
func (c *Client) Close() { c.reads.CloseIdleConnections() }

// PausedUntil returns the time before which the tracker asked for silence; zero
// when it did not.
func (c *Client) PausedUntil() time.Time { return c.limit.pausedUntil("") }

// Request is one exchange.
type Request struct {
	Op     string // for errors and points: "create issue"
	Method string
	Path   string     // below the base, escaped
	Query  url.Values // nil for none
	Body   any        // encoded as JSON; nil for none
	Out    any        // where the JSON answer goes; nil when it is of no interest
	Read   bool       // changes nothing although it is not a GET (a search); it is still never repeated
	Scope  string     // ticket that is written: writes of one scope do not overlap
}

// Response is what is left of an answer besides its body.
type Response struct {
	Status int
	Header http.Header
}

// Do sends the request. Its error is always a *tracker.Error. A GET is repeated
// after failures that may pass; nothing else ever is. While the tracker has
// asked for silence Do fails at once with KindRateLimited, outcome NotSent.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	var payload []byte
	if r.Body != nil {
		var err error
		if payload, err = json.Marshal(r.Body); err != nil {
			return nil, &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindInvalid, Op: r.Op, Reason: "the request cannot be encoded", Err: err}
		}
	}
	release, terr := c.limit.enter(ctx, r)
	if terr != nil {
		return nil, terr
	}
	defer release()
	for attempt := 0; ; attempt++ {
		resp, terr := c.once(ctx, r, payload)
		if terr == nil {
			return resp, nil
		}
		if !repeatable(r, terr) || attempt >= c.cfg.Retries || ctx.Err() != nil {
			return nil, terr
		}
		if err := c.cfg.Sleep(ctx, c.backoff(attempt, terr.RetryAfter)); err != nil {
			return nil, terr
		}
	}
}

// repeatable reports whether a failed exchange may be sent again: a GET that
// failed for a reason that passes within seconds.
func repeatable(r Request, e *tracker.Error) bool {
	return r.Method == http.MethodGet && e.Kind == tracker.KindUnavailable && e.RetryAfter <= 5*time.Second
}

// backoff is 0.5 s, 1 s, 2 s, ... each between half and the whole of it.
func (c *Client) backoff(attempt int, asked time.Duration) time.Duration {
	d := 500 * time.Millisecond << attempt
	d = d/2 + time.Duration(c.cfg.Rand()*float64(d/2))
	return max(d, asked)
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, r Request, payload []byte) (*Response, *tracker.Error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	// After this the request may be executed: the headers are on their way. The
	// transport closes the connection before it reports a cancelled request, so
	// a flag that is not set when it returns stays unset.
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }})
	req, id, err := c.request(ctx, r, payload)
	if err != nil {
		return nil, &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindInvalid, Op: r.Op, Reason: "the request cannot be built", Err: c.hide(err)}
	}
	client := c.writes
	if r.Method == http.MethodGet {
		client = c.reads
	}
	c.cfg.Point(r.Op + "/before")
	resp, err := client.Do(req)
	if err != nil {
		c.cfg.Point(r.Op + "/after")
		return nil, c.failed(r, id, left.Load(), err)
	}
	body, rerr := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody+1))
	_ = resp.Body.Close()
	c.cfg.Point(r.Op + "/after")
	if rid := requestID(resp.Header); rid != "" {
		id = rid
	}
	return c.judge(r, id, resp, body, rerr)
}

func (c *Client) request(ctx context.Context, r Request, payload []byte) (*http.Request, string, error) {
	u := *c.base
	ref, err := url.Parse(r.Path)
	if err != nil || ref.IsAbs() || ref.Host != "" {
		return nil, "", fmt.Errorf("the path %q is not below the tracker's address", r.Path)
	}
	u.RawPath = u.EscapedPath() + ref.EscapedPath()
	u.Path += ref.Path
	u.RawQuery = r.Query.Encode()
	var body io.Reader
	if payload != nil {
		body = bytes.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), body)
	if err != nil {
		return nil, "", err
	}
	req.GetBody = nil // nothing below us can send the body a second time
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	id := ""
	if c.cfg.NewID != nil {
		id = c.cfg.NewID()
		req.Header.Set("X-Request-Id", id)
	}
	if c.cfg.Auth != nil {
		c.cfg.Auth(req.Header)
	}
	return req, id, nil
}

var errRedirect = errors.New("redirect refused")

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// redirect lets a read follow a redirect within the origin, a few times.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	if !sameOrigin(req.URL, c.base) {
		return fmt.Errorf("%w: the tracker redirects to another address (%s), which is never followed; check the address of the connection", errRedirect, req.URL.Host)
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d redirects", errRedirect, maxRedirects)
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

// requestID is the tracker's own id of the exchange where it gives one.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Arequestid", "Atl-Request-Id", "Atl-Traceid", "X-Request-Id"} {
		if v := h.Get(name); v != "" {
			return clip(v, 100)
		}
	}
	return ""
}

// BasicAuth returns an Auth for HTTP Basic and the texts to keep secret.
func BasicAuth(user, password string) (func(http.Header), []string) {
	v := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	return func(h http.Header) { h.Set("Authorization", "Basic "+v) }, []string{password, v}
}

// BearerAuth returns an Auth for a bearer token and the texts to keep secret.
func BearerAuth(token string) (func(http.Header), []string) {
	return func(h http.Header) { h.Set("Authorization", "Bearer "+token) }, []string{token}
}
