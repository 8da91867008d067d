package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
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
// other sites' pages, the hash of an idempotent request, a log line.
func (s *API) wrap(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := s.o.RequestID()
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		ctx := context.WithValue(r.Context(), requestKey, id)
		log := &recorder{ResponseWriter: w, status: 200}
		defer func() {
			if v := recover(); v != nil {
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				s.o.Logger.ErrorContext(ctx, "request panicked", "request", id, "panic", v)
				if !log.wrote {
					writeProblem(log, errors.New("panic"), id)
				}
			}
			s.o.Logger.DebugContext(ctx, "request", "request", id, "method", r.Method, "path", r.URL.Path, "status", log.status, "took", time.Since(start))
		}()
		c, err := s.caller(ctx, r, id)
		if err != nil {
			writeProblem(log, s.fail(ctx, err), id)
			return
		}
		if c.Kind == "person" {
			if err := cross.Check(r); err != nil {
				writeProblem(log, fault.Wrap(err, fault.Forbidden, "request.cross_origin", "a page of another site must not act for you"), id)
				return
			}
		}
		if key := r.Header.Get("Idempotency-Key"); key != "" && r.Method == http.MethodPost {
			if err := idempotent(r, &c, key); err != nil {
				writeProblem(log, err, id)
				return
			}
		}
		next.ServeHTTP(log, r.WithContext(context.WithValue(ctx, callerKey, c)))
	})
}

// caller finds out who asks: a token wins over a session; nobody is a caller without a kind.
func (s *API) caller(ctx context.Context, r *http.Request, id string) (app.Caller, error) {
	base := app.Caller{Source: "api", RequestID: id, UserAgent: r.UserAgent()}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		base.IP = host
	}
	if auth := r.Header.Get("Authorization"); auth != "" {
		token, ok := strings.CutPrefix(auth, "Bearer ")
		if !ok {
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

// maxHashed bounds the bodies of idempotent JSON requests; uploads have hashes of their own.
const maxHashed = 1 << 20

func idempotent(r *http.Request, c *app.Caller, key string) error {
	if len(key) > 200 {
		return fault.New(fault.Invalid, "idempotency.key", "the idempotency key is too long").With("header.Idempotency-Key", "expected at most 200 characters")
	}
	c.Key = key
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		c.Hash = app.HashRequest(r.Method, r.URL.RequestURI())
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHashed+1))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "request.body", "the request body could not be read")
	}
	if len(body) > maxHashed {
		return fault.New(fault.TooLarge, "request.too_large", "the request body is larger than 1 MiB")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.Hash = app.HashRequest(r.Method, r.URL.RequestURI(), string(body))
	return nil
}

// recorder notes the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush passes on for streams.
func (r *recorder) Flush() {
	_ = http.NewResponseController(r.ResponseWriter).Flush() // not every writer flushes; nothing depends on it
}
