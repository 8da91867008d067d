package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
)

// op describes an operation.
type op struct {
	method, path string
	id           string
	tag          string
	summary      string
	about        string
	action       policy.Action // what package app asks for; "" only where open is set
	open         string        // why it needs no identity
	status       int           // of success; 0 is 200, or 204 without an answer
	max          int64         // bytes of the body; 0 is 1 MiB
	raw          bool          // the body is not JSON: the handler binds it to an idempotency key
}

// The extensions by which the description names what an operation takes.
const (
	actionKey = "x-action" // the action that must be allowed
	openKey   = "x-open"   // why nobody needs to be signed in
)

// pattern is how the router knows the operation.
func (o op) pattern() string { return o.method + " " + o.path }

// operation returns the description of what is declared, and notes it for the middleware.
func (s *API) operation(o op) huma.Operation {
	s.routes[o.pattern()] = route{open: o.open != "", raw: o.raw, max: cmp.Or(o.max, maxHashed)}

	h := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, Description: o.about, Tags: []string{o.tag},
		DefaultStatus: o.status, MaxBodyBytes: o.max, RejectUnknownQueryParameters: true, Extensions: map[string]any{},
	}
	if o.action != "" {
		h.Extensions[actionKey] = string(o.action)
	}
	if o.open != "" {
		h.Security = []map[string][]string{}
		h.Extensions[openKey] = o.open
	}
	if o.method == http.MethodPost && o.open == "" {
		h.Parameters = append(h.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header",
			Description: "The same key with the same request gives the first answer again; with another request it is refused (409)",
			Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: ptr(maxKey)},
		})
	}
	return h
}

// reply is a JSON answer with the version of what it shows.
type reply[T any] struct {
	ETag     string         `header:"ETag" doc:"Version of what is shown; send it as If-Match with a change"`
	Location string         `header:"Location" hidden:"true"`
	Cookie   []*http.Cookie `header:"Set-Cookie" hidden:"true"`
	Body     T
}

// empty is an answer without a body.
type empty struct {
	Cookie []*http.Cookie `header:"Set-Cookie" hidden:"true"`
}

// versioned is what has an ETag.
type versioned interface{ ETag() int64 }

// signing is an answer that changes the browser's session.
type signing interface{ cookies() []*http.Cookie }

// register declares an operation with its handler.
func register[I, O any](s *API, o op, f func(ctx context.Context, c app.Caller, in *I) (O, error)) {
	o.status = cmp.Or(o.status, http.StatusOK)
	huma.Register(s.huma, s.operation(o), func(ctx context.Context, in *I) (*reply[O], error) {
		out, err := f(ctx, callerOf(ctx), in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		r := &reply[O]{Body: out}
		if v, ok := any(out).(versioned); ok && v.ETag() > 0 { // 0 is what nobody has set yet
			r.ETag = etag(v.ETag())
		}
		if v, ok := any(out).(signing); ok {
			r.Cookie = v.cookies()
		}
		return r, nil
	})
	var zero O
	if _, ok := any(zero).(versioned); !ok {
		delete(s.described(o).Responses[strconv.Itoa(o.status)].Headers, "ETag")
	}
}

// do declares an operation that answers 204.
func do[I any](s *API, o op, f func(ctx context.Context, c app.Caller, in *I) error) {
	doWith(s, o, func(ctx context.Context, c app.Caller, in *I) ([]*http.Cookie, error) { return nil, f(ctx, c, in) })
}

// doWith is do for what changes the browser's session.
func doWith[I any](s *API, o op, f func(ctx context.Context, c app.Caller, in *I) ([]*http.Cookie, error)) {
	o.status = http.StatusNoContent
	huma.Register(s.huma, s.operation(o), func(ctx context.Context, in *I) (*empty, error) {
		cookies, err := f(ctx, callerOf(ctx), in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &empty{Cookie: cookies}, nil
	})
}

// plain declares an operation that reads or writes a stream and therefore stands
// beside the framework; the description of its parameters and answers is d's.
func (s *API) plain(o op, d huma.Operation, f func(w http.ResponseWriter, r *http.Request, c app.Caller) error) {
	o.raw = true
	h := s.operation(o)
	h.Parameters = append(h.Parameters, d.Parameters...)
	h.RequestBody, h.Responses = d.RequestBody, d.Responses
	s.huma.OpenAPI().AddOperation(&h)
	known := map[string]bool{}
	for _, p := range h.Parameters {
		known[p.Name] = p.In == "query"
	}
	s.mux.HandleFunc(o.pattern(), func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		err := unknownQuery(r, known)
		if err == nil {
			err = f(w, r, callerOf(ctx))
		}
		if err != nil {
			writeProblem(w, s.fail(ctx, err), requestID(ctx))
		}
	})
}

func unknownQuery(r *http.Request, known map[string]bool) error {
	bad := fault.New(fault.Invalid, "request.invalid", "validation failed")
	for name := range r.URL.Query() {
		if !known[name] {
			bad.With("query."+name, "unknown query parameter")
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// described returns the description of a declared operation.
func (s *API) described(o op) *huma.Operation {
	item := s.huma.OpenAPI().Paths[o.path]
	switch o.method {
	case http.MethodGet:
		return item.Get
	case http.MethodPut:
		return item.Put
	case http.MethodPost:
		return item.Post
	case http.MethodPatch:
		return item.Patch
	default:
		return item.Delete
	}
}

// finish settles what concerns all operations of the description.
func (s *API) finish() {
	doc := s.huma.OpenAPI()
	schemas := doc.Components.Schemas
	problem := schemas.Schema(problemType, true, "Problem")
	for _, item := range doc.Paths {
		for _, o := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete} {
			if o == nil {
				continue
			}
			// One answer describes them all: whatever is refused is a problem.
			for status := range o.Responses {
				if status >= "400" {
					delete(o.Responses, status)
				}
			}
			o.Responses["default"] = &huma.Response{Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: problem}}}
		}
	}
	delete(schemas.Map(), "HumaErrorModel")
	delete(schemas.Map(), "HumaErrorDetail")
	// What has a useful zero value may be left out of a request.
	for name, optional := range map[string][]string{"ConnectionSettings": {"status"}, "TicketingPolicy": {"vulnerabilities", "default"}} {
		schema := schemas.Map()[name]
		schema.Required = slices.DeleteFunc(schema.Required, func(field string) bool { return slices.Contains(optional, field) })
		schema.PrecomputeMessages()
	}
}

func ptr[T any](v T) *T { return &v }

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// version reads the version that a change was based on; 0 asks for none.
func (c *Changing) version() (int64, error) { return ifMatch(c.IfMatch) }

// at hands a handler the version that its change was based on.
func at[I any, P interface {
	*I
	version() (int64, error)
}, O any](fn func(context.Context, app.Caller, P, int64) (O, error)) func(context.Context, app.Caller, *I) (O, error) {
	return func(ctx context.Context, c app.Caller, in *I) (O, error) {
		version, err := P(in).version()
		if err != nil {
			var none O
			return none, err
		}
		return fn(ctx, c, in, version)
	}
}

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
