package httpcore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/tracker"
)

// failed turns a failure without an answer into a typed error. left says
// whether the request's headers went out.
func (c *Client) failed(r Request, id string, left bool, err error) *tracker.Error {
	e := &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindUnavailable, Op: r.Op, RequestID: id, Err: c.hide(err)}
	if left && !reads(r) {
		e.Outcome = tracker.Ambiguous
	}
	switch {
	case errors.Is(err, errRedirect):
		e.Kind = tracker.KindProtocol
	case errors.Is(err, errPrivate):
		e.Kind = tracker.KindInvalid
	case errors.Is(err, context.DeadlineExceeded):
		e.Reason = fmt.Sprintf("no answer within %s", c.cfg.Timeout)
	}
	return e
}

func reads(r Request) bool { return r.Read || r.Method == http.MethodGet }

// judge decides what an answer means.
func (c *Client) judge(r Request, id string, resp *http.Response, body []byte, rerr error) (*Response, *tracker.Error) {
	e := &tracker.Error{Op: r.Op, Status: resp.StatusCode, RequestID: id, Outcome: tracker.Rejected}
	e.RetryAfter = c.limit.learn(r.Scope, resp.StatusCode, resp.Header)
	maybe := tracker.Ambiguous
	if reads(r) {
		maybe = tracker.Rejected
	}
	s := resp.StatusCode
	if s >= 200 && s < 300 {
		if e := c.success(r, resp, body, rerr, e, maybe); e != nil {
			return nil, e
		}
		return &Response{Status: s, Header: resp.Header}, nil
	}
	e.Kind, e.Outcome = classify(s, resp.Header, maybe)
	switch {
	case rerr != nil:
		e.Err = c.hide(rerr)
	case s >= 300 && s < 400:
		e.Reason = "the tracker answers with a redirect, which is not followed; check the address of the connection"
	case looksHTML(resp.Header, body):
		e.Reason = "the answer is a web page, not the tracker's API (a login page, a proxy or a wrong address)"
	default:
		e.Reason, e.Fields = c.cfg.Refusal(s, resp.Header, body)
		e.Reason = clip(c.redact(e.Reason), 500)
		for k, v := range e.Fields {
			e.Fields[k] = clip(c.redact(v), 300)
		}
	}
	return nil, e
}

// success checks a 2xx answer; an answer that cannot be read says nothing about
// what was done.
func (c *Client) success(r Request, resp *http.Response, body []byte, rerr error, e *tracker.Error, maybe tracker.Outcome) *tracker.Error {
	e.Outcome, e.Kind = maybe, tracker.KindProtocol
	switch {
	case rerr != nil:
		e.Kind, e.Err = tracker.KindUnavailable, c.hide(rerr)
		e.Reason = "the answer broke off"
		return e
	case int64(len(body)) > c.cfg.MaxBody:
		e.Reason = fmt.Sprintf("the answer is larger than %d bytes", c.cfg.MaxBody)
		return e
	case looksHTML(resp.Header, body):
		e.Reason = "the answer is a web page, not the tracker's API (a login page, a proxy or a wrong address)"
		return e
	case r.Out == nil:
		return nil
	}
	if err := json.Unmarshal(body, r.Out); err != nil {
		e.Reason = "the answer is not the JSON that the tracker's API promises"
		e.Err = c.hide(err)
		return e
	}
	return nil
}

// classify maps a status to kind and outcome. Only a status that says "not
// done" is a rejection; every other one leaves a write ambiguous.
func classify(s int, h http.Header, maybe tracker.Outcome) (tracker.ErrorKind, tracker.Outcome) {
	switch s {
	case http.StatusUnauthorized:
		return tracker.KindAuth, tracker.Rejected
	case http.StatusForbidden:
		if loginDenied(h) {
			return tracker.KindAuth, tracker.Rejected
		}
		return tracker.KindPermission, tracker.Rejected
	case http.StatusNotFound, http.StatusGone:
		return tracker.KindNotFound, tracker.Rejected
	case http.StatusConflict, http.StatusPreconditionFailed:
		return tracker.KindConflict, tracker.Rejected
	case http.StatusTooManyRequests:
		return tracker.KindRateLimited, tracker.Rejected
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge,
		http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusLengthRequired,
		http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return tracker.KindInvalid, tracker.Rejected
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return tracker.KindProtocol, tracker.Rejected
	case http.StatusRequestTimeout:
		return tracker.KindUnavailable, maybe
	}
	if s >= 500 {
		return tracker.KindUnavailable, maybe
	}
	return tracker.KindProtocol, maybe
}

// loginDenied recognises Jira Data Center's lock-out: further tries would need
// a CAPTCHA, so the connection must stop.
func loginDenied(h http.Header) bool {
	if h.Get("X-Authentication-Denied-Reason") != "" {
		return true
	}
	switch h.Get("X-Seraph-Loginreason") {
	case "AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED", "AUTHORISATION_FAILED":
		return true
	}
	return false
}

func looksHTML(h http.Header, body []byte) bool {
	if t, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && (t == "text/html" || t == "application/xhtml+xml") {
		return true
	}
	b := bytes.TrimLeft(body, " \t\r\n\ufeff")
	return len(b) > 0 && b[0] == '<'
}

// hidden is a cause whose text holds no secret. Only a context's end stays
// recognisable behind it.
type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.err }

func (c *Client) hide(err error) error {
	h := &hidden{}
	for _, s := range []error{context.Canceled, context.DeadlineExceeded, errRedirect, errPrivate} {
		if errors.Is(err, s) {
			h.err = s
		}
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	h.text = clip(c.redact(err.Error()), 500)
	return h
}

// redact removes the credentials from a text, in whatever form they were echoed.
func (c *Client) redact(s string) string {
	for _, secret := range c.cfg.Secrets {
		if len(secret) < 4 {
			continue
		}
		s = strings.ReplaceAll(s, secret, "[redacted]")
		s = strings.ReplaceAll(s, url.QueryEscape(secret), "[redacted]")
		s = strings.ReplaceAll(s, url.PathEscape(secret), "[redacted]")
	}
	return s
}

func redactURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "unreadable"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// clip makes one printable line of at most n runes.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n-1]) + "…"
	}
	return s
}

func firstLine(body []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	return string(line)
}
