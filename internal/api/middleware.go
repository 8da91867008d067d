package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
)

const sessionCookie = "threatloop_session"

var problemType = reflect.TypeFor[Problem]()

type contextKey int

const (
	callerKey contextKey = iota
	requestKey
)

func callerOf(ctx context.Context) app.Caller {
	c, _ := ctx.Value(callerKey).(app.Caller)
	return c
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey).(string)
	return id
}

// wrap adds what every request needs: an id, the caller, protection against
// other sites' pages, the hash of an idempotent request, a log line, and
// problems where the router would answer in plain text.
func (s *API) wrap(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := s.o.RequestID()
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		ctx := context.WithValue(r.Context(), requestKey, id)
		log := &recorder{ResponseWriter: w, status: http.StatusOK}
		if w.Header().Add("Vary", "Accept-Encoding"); TakesGzip(r) {
			packed := &compressor{ResponseWriter: w, s: s}
			log.ResponseWriter = packed
			defer func() {
				if log.whole {
					packed.finish()
				}
			}()
		}
		defer func() {
			v := recover()
			if v != nil && v != http.ErrAbortHandler {
				s.o.Logger.ErrorContext(ctx, "request panicked", "request", id, "panic", v, "stack", string(debug.Stack()))
				if !log.wrote {
					writeProblem(log, errors.New("panic"), id)
					v = nil
				}
			}
			s.o.Logger.DebugContext(ctx, "request", "request", id, "method", r.Method, "path", r.URL.Path, "status", log.status, "took", time.Since(start))
			log.whole = v == nil
			if v != nil {
				// What was written must not pass for a whole answer: the connection is cut.
				panic(http.ErrAbortHandler)
			}
		}()
		inner, pattern, p := s.route(log, r)
		if p != nil {
			writeProblem(log, p, id)
			return
		}
		c, err := s.caller(ctx, r, id)
		if err != nil {
			writeProblem(log, s.fail(ctx, err), id)
			return
		}
		if r.Header.Get("Authorization") == "" {
			// A browser sends its cookie along with whatever a page of another site asks
			// for; signing somebody in as somebody else is refused the same way.
			if err := cross.Check(r); err != nil {
				writeProblem(log, fault.Wrap(err, fault.Forbidden, "request.cross_origin", "a page of another site must not act for you"), id)
				return
			}
		}
		to := s.routes[pattern]
		if c.Kind == "" && !to.open {
			writeProblem(log, fault.New(fault.Unauthenticated, "session.none", "sign in, or send an API token as Authorization: Bearer"), id)
			return
		}
		if key := r.Header.Get("Idempotency-Key"); key != "" && r.Method == http.MethodPost {
			// Anybody may begin to sign in; nobody may take for ever over it. A connection
			// without deadlines is the server's own in tests.
			within := http.NewResponseController(w)
			if to.open {
				_ = within.SetReadDeadline(time.Now().Add(patience))
			}
			err := idempotent(inner, &c, key, to)
			if to.open {
				_ = within.SetReadDeadline(time.Time{})
			}
			if err != nil {
				writeProblem(log, s.fail(ctx, err), id)
				return
			}
		}
		next.ServeHTTP(log, inner.WithContext(context.WithValue(ctx, callerKey, c)))
	})
}

// route returns the request as the router sees it and the pattern that it
// matches, or the problem that there is none.
func (s *API) route(w http.ResponseWriter, r *http.Request) (*http.Request, string, *Problem) {
	inner := new(http.Request)
	*inner = *r
	inner.URL = new(url.URL)
	*inner.URL = *r.URL
	inner.URL.Path = strings.TrimPrefix(r.URL.Path, Prefix)
	inner.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, Prefix)
	status := http.StatusNotFound
	// The router would redirect an unclean path, to a place without our prefix.
	if inner.URL.Path == path.Clean(inner.URL.Path) {
		h, pattern := s.mux.Handler(inner)
		if pattern != "" {
			return inner, pattern, nil
		}
		refused := probe{header: http.Header{}}
		h.ServeHTTP(&refused, inner)
		if refused.status == http.StatusMethodNotAllowed {
			status = refused.status
			w.Header().Set("Allow", refused.header.Get("Allow"))
		}
	}
	detail := "nothing is here; the description at " + Prefix + "/openapi.json lists what there is"
	if status == http.StatusMethodNotAllowed {
		detail = "this path does not take " + methodName(r.Method)
	}
	return nil, "", &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: codeOf(status), Detail: detail}
}

// methodName is a method as it may be repeated to a client.
func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	default:
		return "this method"
	}
}

// probe takes an answer of the router that is not sent.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// caller finds out who asks: a token wins over a session; nobody is a caller without a kind.
func (s *API) caller(ctx context.Context, r *http.Request, id string) (app.Caller, error) {
	base := app.Caller{Source: "api", RequestID: id, UserAgent: r.UserAgent(), IP: s.o.address(r)}
	if auth := r.Header.Get("Authorization"); auth != "" {
		scheme, token, _ := strings.Cut(auth, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return base, fault.New(fault.Unauthenticated, "token.form", "the Authorization header must be a Bearer token")
		}
		return s.app.AuthenticateToken(ctx, base, strings.TrimSpace(token))
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return base, nil
	}
	base.Source = "web"
	c, err := s.app.AuthenticateSession(ctx, base, cookie.Value)
	if fault.Is(err, fault.Unauthenticated) {
		return base, nil // an old cookie is nobody, so that signing in again works
	}
	return c, err
}

const (
	maxKey = 200 // characters of an idempotency key
	// maxHashed bounds the bodies of idempotent requests in bytes where the operation
	// does not, as the framework bounds the bodies of all; uploads have hashes of their own.
	maxHashed = 1 << 20
)

// idempotent binds the request's key to what is asked. A raw body is left to its
// handler.
func idempotent(r *http.Request, c *app.Caller, key string, to route) error {
	if len(key) > maxKey {
		return fault.New(fault.Invalid, "idempotency.key", "the idempotency key is too long").With("header.Idempotency-Key", "expected at most %d characters", maxKey)
	}
	c.Key = key
	if to.raw {
		c.Hash = app.HashRequest(r.Method, r.URL.RequestURI())
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, to.max+1))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "request.body", "the request body could not be read")
	}
	if int64(len(body)) > to.max {
		return fault.New(fault.TooLarge, "request.too_large", "the request body is larger than %d MiB", to.max>>20)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.Hash = app.HashRequest(r.Method, r.URL.RequestURI(), string(body))
	return nil
}

// fail turns an error into a problem, and logs what the client must not see.
func (s *API) fail(ctx context.Context, err error) *Problem {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		// The client went away; nothing of ours failed, and nobody reads the answer.
		return newProblem(fault.Wrap(err, fault.Unavailable, "request.cancelled", "the request was cancelled"), requestID(ctx))
	}
	p := newProblem(err, requestID(ctx))
	if p.Status >= http.StatusInternalServerError {
		cause := err
		if f := fault.As(err); f != nil && f.Unwrap() != nil {
			cause = fmt.Errorf("%w: %w", err, f.Unwrap())
		}
		s.o.Logger.ErrorContext(ctx, "request failed", "request", p.RequestID, "code", p.Code, "error", cause)
	}
	return p
}

// recorder notes the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
	whole  bool // the answer came to its end
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write notes that the answer began.
func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
