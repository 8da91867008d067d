// Package api is the REST interface: an adapter over package app, one file per
// resource, no SQL and no rules. Operations are declared in code; the OpenAPI
// document follows from them and needs no running server (Spec).
//
// What the framework does by default and we do not: it adds a $schema link made
// from the Host header to every body (off), it echoes refused values back (taken
// out), it answers 500 with the error's text (a request id instead).
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
)

// Options are what the interface needs besides the application.
type Options struct {
	Logger     *slog.Logger
	RequestID  func() string
	Secure     bool          // cookies only over HTTPS
	EventEvery time.Duration // how often changes are looked for; 250 ms
	Version    string
}

// API holds the operations.
type API struct {
	app  *app.App
	o    Options
	huma huma.API
	mux  *http.ServeMux
	// actions holds, per operation id, what must be allowed; a test walks them all.
	actions map[string]policy.Action
}

// Prefix is the path below which everything stands.
const Prefix = "/api/v1"

// New returns the handler of everything below Prefix.
func New(a *app.App, o Options) *API {
	if o.EventEvery <= 0 {
		o.EventEvery = 250 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &API{app: a, o: o, mux: http.NewServeMux(), actions: map[string]policy.Action{}}
	config := huma.DefaultConfig("Threatloop", o.Version)
	config.CreateHooks = nil
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Info.Description = "Threat models that stay true: products, generated threats, tickets, test evidence and ratings."
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Servers = []*huma.Server{{URL: Prefix}}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token (tl_...), limited to its scopes"},
		"session": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "A signed-in browser"},
	}
	config.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	config.Transformers = []huma.Transformer{func(ctx huma.Context, _ string, v any) (any, error) {
		if m, ok := v.(*huma.ErrorModel); ok {
			return fromHuma(m, requestID(ctx.Context())), nil
		}
		return v, nil
	}}
	s.huma = humago.New(s.mux, config)
	s.people()
	s.products()
	s.risks()
	s.plans()
	s.results()
	s.tickets()
	s.instance()
	s.describeProblems()
	return s
}

// Handler returns the interface with authentication, request ids and logging around it.
func (s *API) Handler() http.Handler { return s.wrap(http.StripPrefix(Prefix, s.mux)) }

// Spec returns the OpenAPI 3.1 document as indented JSON.
func (s *API) Spec() ([]byte, error) {
	data, err := json.MarshalIndent(s.huma.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("api: encode the description: %w", err)
	}
	return append(data, '\n'), nil
}

// reply is a JSON answer with the version of what it shows.
type reply[T any] struct {
	ETag   string `header:"ETag" doc:"Version of what is shown; send it as If-Match with a change"`
	Body   T
	Cookie []*http.Cookie `header:"Set-Cookie" hidden:"true"`
}

type none struct{}

// versioned is what has an ETag.
type versioned interface{ ETag() int64 }

// op describes an operation.
type op struct {
	method, path string
	id           string
	tag          string
	summary      string
	about        string
	action       policy.Action
	open         bool // needs no identity
	status       int
	max          int64 // bytes of the body
}

// register declares an operation with its handler.
func register[I, O any](s *API, o op, f func(ctx context.Context, c app.Caller, in *I) (O, error)) {
	h := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, Description: o.about, Tags: []string{o.tag},
		DefaultStatus: o.status, MaxBodyBytes: o.max, RejectUnknownQueryParameters: true,
	}
	if o.open {
		h.Security = []map[string][]string{}
	}
	if o.method == http.MethodPost {
		h.Parameters = append(h.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Description: "The same key with the same request gives the first answer again", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: ptr(200)}})
	}
	s.actions[o.id] = o.action
	huma.Register(s.huma, h, func(ctx context.Context, in *I) (*reply[O], error) {
		c := callerOf(ctx)
		if !o.open && c.Kind == "" {
			return nil, newProblem(fault.New(fault.Unauthenticated, "session.none", "sign in, or send an API token as Authorization: Bearer"), requestID(ctx))
		}
		out, err := f(ctx, c, in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		r := &reply[O]{Body: out}
		if v, ok := any(out).(versioned); ok {
			r.ETag = etag(v.ETag())
		}
		if v, ok := any(out).(interface{ Cookies() []*http.Cookie }); ok {
			r.Cookie = v.Cookies()
		}
		return r, nil
	})
}

// do declares an operation that answers 204.
func do[I any](s *API, o op, f func(ctx context.Context, c app.Caller, in *I) error) {
	h := huma.Operation{OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, Description: o.about, Tags: []string{o.tag},
		DefaultStatus: http.StatusNoContent, RejectUnknownQueryParameters: true}
	s.actions[o.id] = o.action
	huma.Register(s.huma, h, func(ctx context.Context, in *I) (*struct{}, error) {
		c := callerOf(ctx)
		if c.Kind == "" {
			return nil, newProblem(fault.New(fault.Unauthenticated, "session.none", "sign in, or send an API token as Authorization: Bearer"), requestID(ctx))
		}
		if err := f(ctx, c, in); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	})
}

// fail turns an error into a problem, and logs what the client must not see.
func (s *API) fail(ctx context.Context, err error) *Problem {
	p := newProblem(err, requestID(ctx))
	if p.Status >= 500 {
		cause := err
		if f := fault.As(err); f != nil && f.Unwrap() != nil {
			cause = fmt.Errorf("%w: %w", err, f.Unwrap())
		}
		s.o.Logger.ErrorContext(ctx, "request failed", "request", p.RequestID, "code", p.Code, "error", cause)
	}
	return p
}

func ptr[T any](v T) *T { return &v }

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// ifMatch reads an If-Match header; "" and * do not ask.
func ifMatch(h string) (int64, error) {
	h = strings.TrimSpace(h)
	if h == "" || h == "*" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(h, "W/"), `"`), 10, 64)
	if err != nil || n <= 0 {
		return 0, fault.New(fault.Invalid, "request.if_match", "If-Match is not an ETag of ours").With("header.If-Match", "expected the ETag of an earlier answer")
	}
	return n, nil
}

// describeProblems replaces the framework's error model in the description by ours.
func (s *API) describeProblems() {
	doc := s.huma.OpenAPI()
	ref := doc.Components.Schemas.Schema(problemType, true, "Problem")
	for _, path := range doc.Paths {
		for _, operation := range []*huma.Operation{path.Get, path.Put, path.Post, path.Patch, path.Delete} {
			if operation == nil {
				continue
			}
			operation.Responses["default"] = &huma.Response{Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: ref}}}
		}
	}
	delete(doc.Components.Schemas.Map(), "ErrorModel")
	delete(doc.Components.Schemas.Map(), "ErrorDetail")
}
