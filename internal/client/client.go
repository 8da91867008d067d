// Package client speaks the REST interface for commands that need a server. It
// knows paths, problems, idempotency keys and uploads; the shapes of answers
// are the ones that package api documents.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// Client is a connection to one server with one token. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New returns a client for the server at base ("https://threatloop.example") that
// authenticates with an API or session token; "" stays anonymous.
func New(base, token string) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.New(fault.Invalid, "client.url", "%q is no server address; expected http(s)://host[:port]", base)
	}
	return &Client{base: u, token: token, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// WithToken returns a client for the same server with another token.
func (c *Client) WithToken(token string) *Client {
	return &Client{base: c.base, token: token, http: c.http}
}

// Get reads path (below /api/v1) into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.Do(ctx, http.MethodGet, path, nil, out)
}

// Post sends in as JSON and reads the answer into out (nil ignores it). It
// carries an idempotency key and is repeated when the answer was lost, so that
// the server executes it once.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	return c.Do(ctx, http.MethodPost, path, in, out)
}

// Do performs a request. Failures that the server names come back as faults
// with its code and text.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	return c.DoIf(ctx, method, path, 0, in, out)
}

// DoIf is Do for a change that is based on a version of what it changes, the
// number of its ETag; fault.Stale where it was changed meanwhile. 0 does not ask.
func (c *Client) DoIf(ctx context.Context, method, path string, version int64, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("client: encode request for %s: %w", path, err)
		}
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	var last error
	for attempt := range 3 {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return last
			case <-time.After(time.Duration(attempt) * 300 * time.Millisecond):
			}
		}
		var r io.Reader
		if body != nil {
			r = bytes.NewReader(body)
		}
		retry, err := c.once(ctx, request{method, path, "application/json", key, version}, r, out)
		if err == nil || !retry {
			return err
		}
		last = err
	}
	return last
}

// Upload sends a body as it is (a report, a model file) and reads the answer
// into out. It is sent once and without an idempotency key: the content decides
// whether the server has seen it. Progress, where not nil, is told how many bytes have left.
func (c *Client) Upload(ctx context.Context, path, contentType string, body io.Reader, progress func(int64), out any) error {
	if progress != nil {
		body = &counter{r: body, tell: progress}
	}
	_, err := c.once(ctx, request{http.MethodPost, path, contentType, "", 0}, body, out)
	return err
}

type request struct {
	method, path, contentType, key string
	version                        int64 // 0 is any
}

// once performs one request and reports whether a repetition may help.
func (c *Client) once(ctx context.Context, r request, body io.Reader, out any) (retry bool, err error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base.String()+"/api/v1"+r.path, body)
	if err != nil {
		return false, fmt.Errorf("client: %s %s: %w", r.method, r.path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", r.contentType)
	}
	if r.method == http.MethodPost && r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	if r.version > 0 {
		req.Header.Set("If-Match", `"`+strconv.FormatInt(r.version, 10)+`"`)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	res, err := c.http.Do(req)
	if err != nil {
		var op *net.OpError
		text := "the server at %s did not answer; is it running and is the address right?"
		if errors.As(err, &op) && op.Op == "dial" {
			text = "nothing listens at %s; is the server running and is the address right?"
		}
		return ctx.Err() == nil, fault.Wrap(err, fault.Unavailable, "client.unreachable", text, c.base.Host)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return res.StatusCode == 502 || res.StatusCode == 503 || res.StatusCode == 504, c.failure(res)
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		return false, nil
	}
	if w, ok := out.(io.Writer); ok {
		if _, err := io.Copy(w, res.Body); err != nil {
			return false, fmt.Errorf("client: read answer of %s: %w", r.path, err)
		}
		return false, nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return r.method == http.MethodGet, fault.Wrap(err, fault.Unavailable, "client.answer", "the answer of %s %s is not what a Threatloop server says", r.method, r.path)
	}
	return false, nil
}

func (c *Client) failure(res *http.Response) error {
	var p struct {
		Code      string        `json:"code"`
		Detail    string        `json:"detail"`
		Title     string        `json:"title"`
		RequestID string        `json:"request_id"`
		Errors    []fault.Field `json:"errors"`
	}
	data, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(data, &p) != nil {
		return fault.New(fault.Unavailable, "client.answer", "%s answered HTTP %d and is no Threatloop server, or something stands before it", c.base.Host, res.StatusCode)
	}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	f := fault.New(kindOf(res.StatusCode), p.Code, "%s", p.Detail)
	f.Fields = p.Errors
	if f.Kind == fault.Internal && p.RequestID != "" {
		f.Public += " (" + p.RequestID + ")"
	}
	return f
}

func kindOf(status int) fault.Kind {
	for _, k := range []fault.Kind{
		fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict,
		fault.Stale, fault.TooLarge, fault.Unsupported, fault.RateLimited, fault.Unavailable,
	} {
		if k.Status() == status {
			return k
		}
	}
	if status < 500 {
		return fault.Invalid
	}
	return fault.Internal
}

func newKey() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("client: random key: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

type counter struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}
