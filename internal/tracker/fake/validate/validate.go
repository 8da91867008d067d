// Package validate holds every exchange with the fake Jira to the published API
// descriptions: a request or answer that matches no operation, has an unknown
// query parameter or breaks a schema fails the test with the operation's id.
// Only tests use it. The descriptions live outside the repository; where they
// are absent the fake runs unchecked, unless THREATLOOP_REQUIRE_SHARED=1.
package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/threatloop/threatloop/internal/sharedtest"
	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// description is a loaded and mended API description.
type description struct {
	router routers.Router
	adf    *jsonschema.Schema // of bodies, on Cloud
	dc     bool
}

var (
	loadCloud = sync.OnceValues(func() (*description, error) { return load("jira-cloud-v3.json", false) })
	loadDC    = sync.OnceValues(func() (*description, error) { return load("jira-dc-10.3.json", true) })
	dir       string
	dirOnce   sync.Once
)

// Handler returns the fake behind a check of every exchange. Deviations are
// reported with t.Errorf.
func Handler(t testing.TB, s *fake.Server) http.Handler {
	t.Helper()
	if !present(t) {
		t.Logf("API descriptions are absent: exchanges with the fake are not validated")
		return s
	}
	dirOnce.Do(func() { dir = sharedtest.Dir(t, "openapi") })
	flavour, _, _ := s.Credential()
	get := loadCloud
	if flavour == fake.DataCenter {
		get = loadDC
	}
	d, err := get()
	if err != nil {
		t.Fatalf("load API description: %v", err)
	}
	var mu sync.Mutex
	done := false
	t.Cleanup(func() { mu.Lock(); defer mu.Unlock(); done = true })
	report := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if !done { // an exchange may outlive its test
			t.Errorf(format, args...)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.serve(w, r, s, report) })
}

func present(t testing.TB) bool {
	if os.Getenv("THREATLOOP_REQUIRE_SHARED") == "1" {
		return true
	}
	base := os.Getenv("THREATLOOP_SHARED")
	switch {
	case base == "":
		base = filepath.Join(sharedtest.Root(t), "..", "shared")
	case !filepath.IsAbs(base):
		base = filepath.Join(sharedtest.Root(t), base)
	}
	_, err := os.Stat(filepath.Join(base, "openapi", "jira-cloud-v3.json"))
	return err == nil
}

// recorder keeps an answer until it was checked.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (d *description) serve(w http.ResponseWriter, r *http.Request, next http.Handler, report func(string, ...any)) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	in, err := d.request(r, raw)
	if err != nil {
		report("request %s %s: %v", r.Method, r.URL.RequestURI(), err)
	}
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(rec, r)
	if in != nil && rec.header.Get(fake.FaultHeader) == "" {
		if err := d.response(r.Context(), in, rec); err != nil {
			report("answer to %s: %v", in.Route.Operation.OperationID, err)
		}
	}
	for k, v := range rec.header {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(rec.body.Bytes())
}

// request checks a request; the input is nil where no operation matches.
func (d *description) request(r *http.Request, raw []byte) (*openapi3filter.RequestValidationInput, error) {
	c := r.Clone(context.WithoutCancel(r.Context()))
	c.Body = io.NopCloser(bytes.NewReader(raw))
	c.URL = d.published(r.URL)
	c.Host = ""
	route, params, err := d.router.FindRoute(c)
	if err != nil {
		return nil, fmt.Errorf("matches no published operation: %w", err)
	}
	in := &openapi3filter.RequestValidationInput{Request: c, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, ExcludeReadOnlyValidations: true,
	}}
	if err := openapi3filter.ValidateRequest(c.Context(), in); err != nil {
		return in, fmt.Errorf("%s: %w", route.Operation.OperationID, err)
	}
	if err := knownQuery(route, c.URL.Query()); err != nil {
		return in, fmt.Errorf("%s: %w", route.Operation.OperationID, err)
	}
	if d.adf != nil {
		if err := d.documents(raw); err != nil {
			return in, fmt.Errorf("%s: not a document: %w", route.Operation.OperationID, err)
		}
	}
	return in, nil
}

// published maps an address onto the described server: without the gateway's
// prefix, and the server information of REST v2, which Cloud has as well.
func (d *description) published(u *url.URL) *url.URL {
	c := *u
	if rest, ok := strings.CutPrefix(c.Path, "/ex/jira/"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		c.Path, c.RawPath = "/"+rest, ""
	}
	if !d.dc && c.Path == "/rest/api/2/serverInfo" {
		c.Path = "/rest/api/3/serverInfo"
	}
	return &c
}

func knownQuery(route *routers.Route, q url.Values) error {
	known := map[string]bool{}
	for _, ps := range []openapi3.Parameters{route.PathItem.Parameters, route.Operation.Parameters} {
		for _, p := range ps {
			if p.Value.In == "query" {
				known[p.Value.Name] = true
			}
		}
	}
	for name := range q {
		if !known[name] {
			return fmt.Errorf("the query parameter %q is not published", name)
		}
	}
	return nil
}

// documents checks every Atlassian document in a request body.
func (d *description) documents(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return walk(v, func(m map[string]any) error { return d.adf.Validate(m) })
}

func walk(v any, check func(map[string]any) error) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := walk(e, check); err != nil {
				return err
			}
		}
	case map[string]any:
		if v["type"] == "doc" {
			return check(v)
		}
		for _, e := range v {
			if err := walk(e, check); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *description) response(ctx context.Context, in *openapi3filter.RequestValidationInput, rec *recorder) error {
	options := *in.Options
	// An empty body is reported as one that cannot be decoded.
	options.ExcludeResponseBody = rec.body.Len() == 0
	return openapi3filter.ValidateResponse(context.WithoutCancel(ctx), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: rec.status,
		Header: rec.header, Body: io.NopCloser(bytes.NewReader(rec.body.Bytes())), Options: &options,
	})
}

// load reads a description and mends what is known to be wrong in it. It is not
// validated as a whole: its examples do not hold.
func load(name string, dc bool) (*description, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	doc.Servers = nil
	if dc {
		doc.Servers = openapi3.Servers{{URL: "/rest"}}
	}
	m := mender{seen: map[*openapi3.Schema]bool{}, dc: dc}
	m.document(doc)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	d := &description{router: router, dc: dc}
	if !dc {
		if d.adf, err = ADFSchema(filepath.Join(dir, "adf-schema-full.json")); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// ADFSchema compiles the published schema of Atlassian documents.
func ADFSchema(path string) (*jsonschema.Schema, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("adf.json", v); err != nil {
		return nil, err
	}
	return c.Compile("adf.json")
}

// CheckADF validates a tree against a compiled schema.
func CheckADF(schema *jsonschema.Schema, tree any) error {
	b, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// mender repairs the known defects of the published descriptions.
type mender struct {
	seen map[*openapi3.Schema]bool
	dc   bool
}

// undeclared are answers that every operation may give whether or not it says so.
var undeclared = []int{400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504}

func (m *mender) document(doc *openapi3.T) {
	for _, s := range doc.Components.Schemas {
		m.schema(s)
	}
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			m.operation(path, op)
		}
	}
}

func (m *mender) operation(path string, op *openapi3.Operation) {
	for _, p := range op.Parameters {
		m.schema(p.Value.Schema)
	}
	if op.RequestBody != nil {
		for _, c := range op.RequestBody.Value.Content {
			m.schema(c.Schema)
			if m.dc && op.OperationID == "setProperty_2" { // declared a string; it is any JSON
				c.Schema = openapi3.NewSchemaRef("", &openapi3.Schema{Nullable: true})
			}
		}
	}
	for _, r := range op.Responses.Map() {
		for _, c := range r.Value.Content {
			m.schema(c.Schema)
			if m.dc && listed[op.OperationID+" "+path] && c.Schema != nil { // declared as the item; it is a list or page
				c.Schema = openapi3.NewSchemaRef("", &openapi3.Schema{Nullable: true})
			}
		}
	}
	text := ""
	for _, status := range undeclared {
		if op.Responses.Status(status) == nil {
			op.Responses.Set(strconv.Itoa(status), &openapi3.ResponseRef{Value: &openapi3.Response{Description: &text}})
		}
	}
	// Named in the operation's prose only.
	if m.dc && op.OperationID == "getTransitions" && path == "/api/2/issue/{issueIdOrKey}/transitions" {
		op.Parameters = append(op.Parameters, &openapi3.ParameterRef{Value: openapi3.NewQueryParameter("expand").WithSchema(openapi3.NewStringSchema())})
	}
}

var listed = map[string]bool{
	"getCreateIssueMetaProjectIssueTypes /api/2/issue/createmeta/{projectIdOrKey}/issuetypes":    true,
	"getCreateIssueMetaFields /api/2/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}": true,
	"getAllStatuses /api/2/project/{projectIdOrKey}/statuses":                                    true,
	"getResolutions /api/2/resolution":                                                           true,
}

// free are the Data Center schemas whose maps are declared as objects or
// strings and hold any JSON.
var free = []string{"fields", "properties", "renderedFields", "value"}

func (m *mender) schema(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil || m.seen[ref.Value] {
		return
	}
	s := ref.Value
	m.seen[s] = true
	if s.Type == nil && len(s.AllOf) == 0 && len(s.OneOf) == 0 && len(s.AnyOf) == 0 {
		s.Nullable = true // any value is meant, null included
	}
	if s.Format == "date-time" {
		s.Format = "" // Jira's offsets have no colon, in its own examples too
	}
	for name, p := range s.Properties {
		if m.dc && slices.Contains(free, name) {
			m.loosen(p)
		}
		m.schema(p)
	}
	m.schema(s.Items)
	m.schema(s.AdditionalProperties.Schema)
	for _, list := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		for _, e := range list {
			m.schema(e)
		}
	}
}

func (m *mender) loosen(p *openapi3.SchemaRef) {
	switch {
	case p.Value == nil || p.Ref != "":
	case p.Value.AdditionalProperties.Schema != nil:
		p.Value.AdditionalProperties.Schema = openapi3.NewSchemaRef("", &openapi3.Schema{Nullable: true})
	case p.Value.Type != nil && p.Value.Type.Is("string"):
		p.Value = &openapi3.Schema{Nullable: true}
	}
}
