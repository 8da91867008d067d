package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

const (
	tagResults = "Test results"
	// maxWait is how long an upload may wait to be read, in seconds.
	maxWait = 60
)

func (s *API) results() {
	s.upload()
	type runs struct {
		InProduct
		Paging
	}
	register(s, op{method: http.MethodGet, path: "/products/{product}/runs", id: "list-runs", tag: tagResults, summary: "List uploads, newest first", action: policy.ResultsRead},
		func(ctx context.Context, c app.Caller, in *runs) (app.Page[app.RunView], error) {
			return s.app.Runs(ctx, c, in.Product, in.Cursor, in.Limit)
		})
	type run struct {
		InProduct
		Run string `path:"run" maxLength:"100"`
	}
	register(s, op{method: http.MethodGet, path: "/products/{product}/runs/{run}", id: "get-run", tag: tagResults, summary: "Show an upload and what it changed", action: policy.JobRead},
		func(ctx context.Context, c app.Caller, in *run) (app.RunView, error) {
			return s.app.Run(ctx, c, in.Product, in.Run)
		})
	type finish struct {
		InProduct
		Body struct {
			Run    string `json:"run" minLength:"1" maxLength:"200" doc:"Name that the uploads of the run share"`
			Reason string `json:"reason,omitempty" maxLength:"2000"`
		}
	}
	do(s, op{
		method: http.MethodPost, path: "/products/{product}/runs/finish", id: "finish-run", tag: tagResults, summary: "Declare a run whole", action: policy.ResultsUpload,
		about: "Every part of it was uploaded: findings of scanners that the run lacks are gone. A test that it lacks keeps its verdict.",
	},
		func(ctx context.Context, c app.Caller, in *finish) error {
			return s.app.FinishRun(ctx, c, in.Product, in.Body.Run, in.Body.Reason)
		})

	type evidence struct {
		InProduct
		Paging
		Triage  bool   `query:"triage" doc:"Only failures that wait for a person to say what they are about"`
		Subject string `query:"subject" maxLength:"100" doc:"Only what is about this weakness or countermeasure"`
	}
	register(s, op{method: http.MethodGet, path: "/products/{product}/evidence", id: "list-evidence", tag: tagResults, summary: "List the evidence", action: policy.ResultsRead},
		func(ctx context.Context, c app.Caller, in *evidence) (app.Page[app.EvidenceView], error) {
			return s.app.Evidence(ctx, c, in.Product, app.EvidenceFilter{Triage: in.Triage, Subject: in.Subject, Cursor: in.Cursor, Limit: in.Limit})
		})
	type triage struct {
		InProduct
		Body app.TriageInput
	}
	do(s, op{method: http.MethodPost, path: "/products/{product}/triage", id: "triage", tag: tagResults, summary: "Decide what a result is about", action: policy.ResultsTriage},
		func(ctx context.Context, c app.Caller, in *triage) error {
			return s.app.Triage(ctx, c, in.Product, in.Body)
		})
	type dismiss struct {
		InProduct
		Body app.DismissInput
	}
	do(s, op{
		method: http.MethodPost, path: "/products/{product}/triage/dismissals", id: "dismiss", tag: tagResults, summary: "Dismiss several results", action: policy.ResultsTriage,
		about: "They are evidence of nothing in this product, now and in later reports, with all results of their rules. All of them or none.",
	},
		func(ctx context.Context, c app.Caller, in *dismiss) error {
			return s.app.Dismiss(ctx, c, in.Product, in.Body)
		})
}

// upload declares the upload of a report. It stands beside the framework, which
// would hold the body in memory.
func (s *API) upload() {
	text := func(name, about string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: about, Schema: &huma.Schema{Type: huma.TypeString, MaxLength: ptr(200)}}
	}
	yes := func(name, about string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: about, Schema: &huma.Schema{Type: huma.TypeBoolean, Default: false}}
	}
	run := s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[app.RunView](), true, "RunView")
	answer := func(about string) *huma.Response {
		return &huma.Response{
			Description: about, Content: map[string]*huma.MediaType{"application/json": {Schema: run}},
			Headers: map[string]*huma.Param{"Location": {Description: "The run", Schema: &huma.Schema{Type: huma.TypeString}}},
		}
	}
	s.plain(op{
		method: http.MethodPost, path: "/products/{product}/results", id: "upload-results", tag: tagResults, summary: "Upload a report of a test tool", action: policy.ResultsUpload,
		about: "The body is the report as it is, plain, gzip or zip, of any media type; it is streamed, and its format is told by its content. " +
			"The same report for the same target is the same upload and gives the answer of the first.",
	},
		huma.Operation{
			Parameters: []*huma.Param{
				{Name: "product", In: "path", Required: true, Description: "Id of the product", Schema: &huma.Schema{Type: huma.TypeString}},
				text("source", "Tool, suite and configuration; a result replaces only what the same source said. Left out, it is the format"),
				text("branch", "Branch that was tested"), text("environment", "Environment that was tested"),
				text("run", "Name that several uploads of one run share; left out, the upload is a run of its own"),
				text("build", "Build that was tested"), text("name", "Of the file, for messages"),
				text("format", "Read it as this format instead of telling it by its content"),
				yes("complete", "The sender declares the run whole"), yes("dry_run", "Read it and say what would change; store nothing"),
				{Name: "at", In: "query", Description: "When the tests ran; left out, what the file says, or now", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
				{Name: "wait", In: "query", Description: "Seconds to wait for the report to be read", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: ptr(0.0), Maximum: ptr(float64(maxWait)), Default: 0}},
			},
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
			Responses: map[string]*huma.Response{
				"200": answer("It is read: within the wait, or because it was here before, or as a dry run"),
				"202": answer("It is taken and will be read"),
			},
		}, s.takeReport)
}

func (s *API) takeReport(w http.ResponseWriter, r *http.Request, c app.Caller) error {
	in, wait, err := uploadQuery(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, product := r.Context(), model.ProductID(r.PathValue("product"))
	v, err := s.app.Upload(ctx, c, product, in, r.Body)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if !in.DryRun {
		w.Header().Set("Location", Prefix+"/products/"+url.PathEscape(string(product))+"/runs/"+url.PathEscape(v.ID))
		if wait > 0 && pending(v) {
			repeat := v.Repeat
			if v, err = s.app.Await(ctx, c, product, v.ID, wait); err != nil {
				return err
			}
			v.Repeat = repeat
		}
		if pending(v) {
			status = http.StatusAccepted
		}
	}
	if err := v.Refusal(); err != nil {
		return err
	}
	return writeJSON(w, status, v)
}

func pending(v app.RunView) bool { return v.State == "queued" || v.State == "parsing" }

func writeJSON(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // the client is gone; there is nobody to tell
	return nil
}

// uploadQuery reads the query of an upload.
func uploadQuery(q url.Values) (in app.UploadInput, wait time.Duration, err error) {
	bad := fault.New(fault.Invalid, "request.invalid", "validation failed")
	in = app.UploadInput{Name: q.Get("name"), Format: q.Get("format"), Source: q.Get("source"), Branch: q.Get("branch"), Environment: q.Get("environment"), Run: q.Get("run"), Build: q.Get("build")}
	for _, name := range []string{"name", "format", "source", "branch", "environment", "run", "build"} {
		if len([]rune(q.Get(name))) > 200 {
			bad.With("query."+name, "expected length <= 200")
		}
	}
	for _, b := range []struct {
		name string
		dst  *bool
	}{{"complete", &in.Complete}, {"dry_run", &in.DryRun}} {
		if text := q.Get(b.name); text != "" {
			if *b.dst, err = strconv.ParseBool(text); err != nil {
				bad.With("query."+b.name, "expected true or false")
			}
		}
	}
	if text := q.Get("at"); text != "" {
		if in.At, err = time.Parse(time.RFC3339, text); err != nil {
			bad.With("query.at", "expected a date and time as in 2006-01-02T15:04:05Z")
		}
	}
	if text := q.Get("wait"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxWait {
			bad.With("query.wait", "expected a number of seconds from 0 to %d", maxWait)
		}
		wait = time.Duration(n) * time.Second
	}
	if len(bad.Fields) > 0 {
		return in, 0, bad
	}
	return in, wait, nil
}
