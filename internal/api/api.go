// Package api is the REST interface: an adapter over package app, one file per
// resource, no SQL and no rules. Operations are declared in code; the OpenAPI
// document follows from them and needs no running server (Spec).
//
// What the framework does by default and we do not: it adds a $schema link made
// from the Host header to every body (off), it echoes refused values back (taken
// out), it answers 500 with the error's text (a request id instead), and the
// router answers unknown paths in plain text (a problem).
package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/library"
)

// Options are what the interface needs besides the application.
type Options struct {
	Logger     *slog.Logger
	RequestID  func() string  // an id that no other request has
	Secure     bool           // cookies only over HTTPS
	EventEvery time.Duration  // how often changes are looked for; 0 is 250 ms
	Version    string         // of the program
	Proxies    []netip.Prefix // whose X-Forwarded-For is believed
	Temp       string         // folder in which a backup is made before it is sent; "" is the system's
}

// API holds the operations.
type API struct {
	app  *app.App
	o    Options
	huma huma.API
	mux  *http.ServeMux
	// routes are what the middleware must know of an operation, by its pattern.
	routes map[string]route
	// streams is closed when the streams of events have to end.
	streams chan struct{}
	zippers sync.Pool // of *gzip.Writer
	// spec is Spec, encoded when it is first asked for: nothing is registered after New.
	spec       func() ([]byte, error)
	endStreams sync.Once
}

type route struct {
	open bool  // needs no identity
	raw  bool  // the body is left to the handler
	max  int64 // bytes of the body
}

// Prefix is the path below which everything stands.
const Prefix = "/api/v1"

// New returns the interface of an application; a may be nil where only Spec is called.
func New(a *app.App, o Options) *API {
	if o.EventEvery <= 0 {
		o.EventEvery = 250 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	s := &API{app: a, o: o, mux: http.NewServeMux(), routes: map[string]route{}, streams: make(chan struct{})}
	s.huma = humago.New(s.mux, config(o.Version))
	s.spec = sync.OnceValues(s.Spec)
	s.people()
	s.products()
	s.drawing()
	s.portfolio()
	s.fields()
	s.risks()
	s.work()
	s.plans()
	s.exports()
	s.results()
	s.tickets()
	s.instance()
	s.events()
	s.finish()
	return s
}

func config(version string) huma.Config {
	c := huma.DefaultConfig("Threatloop", version)
	c.CreateHooks = nil
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.Info.Description = "Threat models that stay true: products, generated threats, tickets, test evidence and ratings."
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.Servers = []*huma.Server{{URL: Prefix}}
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[identity.Secret](), reflect.TypeFor[secret]())
	registry.RegisterTypeAlias(reflect.TypeFor[library.Expr](), reflect.TypeFor[expression]())
	registry.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[document]())
	c.Components.Schemas = registry
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token, limited to its scopes, or the token of a session"},
		"session": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "A signed-in browser"},
	}
	c.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	c.Transformers = []huma.Transformer{func(ctx huma.Context, _ string, v any) (any, error) {
		if m, ok := v.(*huma.ErrorModel); ok {
			return fromHuma(m, requestID(ctx.Context())), nil
		}
		return v, nil
	}}
	return c
}

// schemaName names a type in the description: plainly where it is of the model
// or the application, with its package in front where it is of another part.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	part := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
	switch part {
	case "", "api", "app", "model":
		return name
	default:
		return strings.ToUpper(part[:1]) + part[1:] + name
	}
}

// secret is the schema of identity.Secret.
type secret string

// Schema returns a string that is written and never read.
func (secret) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "password", WriteOnly: true}
}

// expression is the schema of library.Expr, which is its source.
type expression string

// Schema returns a string.
func (expression) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "CEL"}
}

// document is the schema of any JSON.
type document struct{}

// Schema returns the schema that allows everything.
func (document) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// Handler returns the interface with authentication, request ids and logging around it.
func (s *API) Handler() http.Handler { return s.wrap(s.mux) }

// EndStreams ends the streams of events, which never end by themselves: a server
// that shuts down waits for all others. Subscribers come back with the id of
// their last event. It may be called more than once.
func (s *API) EndStreams() { s.endStreams.Do(func() { close(s.streams) }) }

// Spec returns the OpenAPI 3.1 document as indented JSON with keys in a fixed order.
func (s *API) Spec() ([]byte, error) {
	data, err := json.Marshal(s.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("api: encode the description: %w", err)
	}
	// Once more through a map: the framework's own order of extensions is not fixed.
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("api: encode the description: %w", err)
	}
	if data, err = json.MarshalIndent(v, "", "  "); err != nil {
		return nil, fmt.Errorf("api: encode the description: %w", err)
	}
	return append(data, '\n'), nil
}
