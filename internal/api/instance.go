package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/licences"
	"github.com/threatloop/threatloop/internal/policy"
)

const (
	tagInstance = "Installation"
	tagLibrary  = "Library"
	tagAudit    = "Audit"
)

func (s *API) instance() {
	type nothing struct{}
	register(s, op{method: http.MethodGet, path: "/instance", id: "get-instance", tag: tagInstance, summary: "Version, engine and limits", action: policy.InstanceRead},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.InstanceView, error) {
			v, err := s.app.Instance(ctx, c)
			v.Version = s.o.Version
			return v, err
		})
	register(s, op{method: http.MethodGet, path: "/actions", id: "list-actions", tag: tagInstance, summary: "List the actions that roles and tokens allow", action: policy.InstanceRead},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.Page[policy.Described], error) {
			if err := s.app.Check(ctx, c, policy.InstanceRead, ""); err != nil {
				return app.Page[policy.Described]{}, err
			}
			return app.Page[policy.Described]{Items: policy.Actions()}, nil
		})
	register(s, op{method: http.MethodGet, path: "/policy", id: "get-policy", tag: tagInstance, summary: "Who may do what: every action with the least role that may take it", action: policy.InstanceRead},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.Page[policy.Row], error) {
			if err := s.app.Check(ctx, c, policy.InstanceRead, ""); err != nil {
				return app.Page[policy.Row]{}, err
			}
			return app.Page[policy.Row]{Items: policy.Table()}, nil
		})
	s.plain(op{method: http.MethodGet, path: "/openapi.json", id: "get-openapi", tag: tagInstance, summary: "This description", open: "it is the same for everybody and public with the source"},
		huma.Operation{Responses: map[string]*huma.Response{"200": {Description: "OpenAPI 3.1", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}}}},
		func(w http.ResponseWriter, _ *http.Request, _ app.Caller) error {
			data, err := s.spec()
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(data) // the client is gone; there is nobody to tell
			return nil
		})
	s.plain(op{method: http.MethodGet, path: "/licences", id: "get-licences", tag: tagInstance, summary: "The licences of everything in this program", open: "they are the same for everybody and public with the source"},
		huma.Operation{Responses: map[string]*huma.Response{"200": {Description: "The licences", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}}}},
		func(w http.ResponseWriter, _ *http.Request, _ app.Caller) error {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, licences.Notices()) // the client is gone; there is nobody to tell
			return nil
		})
	s.plain(op{
		method: http.MethodPost, path: "/backup", id: "take-backup", tag: tagInstance, summary: "Download a backup", action: policy.BackupTake,
		about: "Everything of the database, whole and consistent, while it is in use: an SQLite file, or a dump of PostgreSQL in a format of our own. " +
			"The keys that open stored credentials are not in it.",
	},
		huma.Operation{Responses: map[string]*huma.Response{"200": {Description: "The backup", Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}},
		s.sendBackup)
	s.library()
	s.authoring()
	s.audit()
}

func (s *API) sendBackup(w http.ResponseWriter, r *http.Request, c app.Caller) error {
	dir, err := os.MkdirTemp(s.o.Temp, "threatloop-backup-")
	if err != nil {
		return fmt.Errorf("api: backup: %w", err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			s.o.Logger.ErrorContext(r.Context(), "a sent backup could not be removed", "folder", dir, "error", err)
		}
	}()
	path := filepath.Join(dir, "backup")
	if err := s.app.Backup(r.Context(), c, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("api: backup: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("api: backup: %w", err)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="threatloop.backup"`)
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	if _, err := io.Copy(w, f); err != nil {
		// The length was announced, so the client sees that this is not all.
		s.o.Logger.DebugContext(r.Context(), "a backup was not sent whole", "request", requestID(r.Context()), "error", err)
	}
	return nil
}

func (s *API) library() {
	type nothing struct{}
	register(s, op{method: http.MethodGet, path: "/library", id: "get-library", tag: tagLibrary, summary: "The library's version and vocabulary", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.LibraryView, error) {
			return s.app.LibraryHead(ctx, c)
		})
	register(s, op{method: http.MethodGet, path: "/library/types", id: "list-component-types", tag: tagLibrary, summary: "List component types", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, in *Paging) (app.Page[library.Type], error) {
			return s.app.ComponentTypes(ctx, c, in.Cursor, in.Limit)
		})
	register(s, op{method: http.MethodGet, path: "/library/patterns", id: "list-patterns", tag: tagLibrary, summary: "List risk patterns", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, in *Paging) (app.Page[app.PatternView], error) {
			return s.app.Patterns(ctx, c, in.Cursor, in.Limit)
		})
	type one struct {
		Ref string `path:"ref" maxLength:"200"`
	}
	register(s, op{method: http.MethodGet, path: "/library/patterns/{ref}", id: "get-pattern", tag: tagLibrary, summary: "Show a risk pattern with what its threats use of others", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, in *one) (app.WholePattern, error) {
			return s.app.Pattern(ctx, c, in.Ref)
		})
	register(s, op{method: http.MethodGet, path: "/library/questionnaires", id: "list-questionnaires", tag: tagLibrary, summary: "List questionnaires", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, in *Paging) (app.Page[app.QuestionnaireView], error) {
			return s.app.Questionnaires(ctx, c, in.Cursor, in.Limit)
		})
	register(s, op{method: http.MethodGet, path: "/library/questionnaires/{ref}", id: "get-questionnaire", tag: tagLibrary, summary: "Show a questionnaire with its questions and conditions", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, in *one) (library.Questionnaire, error) {
			return s.app.Questionnaire(ctx, c, in.Ref)
		})
}

func (s *API) audit() {
	type Filter struct {
		Paging
		Text    string    `query:"q" maxLength:"200" doc:"Words that are all in the action, the object's id or name, or the name of who acted; case and accents do not matter"`
		Object  string    `query:"object" maxLength:"300" doc:"Only of this object, as rows name it"`
		Kind    string    `query:"kind" maxLength:"100" doc:"Only of objects of this kind, which is what stands before the slash"`
		Actors  []string  `query:"actor,explode" maxItems:"50" doc:"By any of these account ids, or of what acts by itself; several are repeated or separated by commas"`
		Actions []string  `query:"action,explode" maxItems:"100" doc:"Any of these; several as above"`
		Sources []string  `query:"source,explode" maxItems:"10" doc:"api, web, webhook, tracker, test, system; several as above"`
		From    time.Time `query:"from" doc:"From this time on"`
		Before  time.Time `query:"before" doc:"Before this time"`
	}
	filter := func(f *Filter) app.AuditFilter {
		return app.AuditFilter{
			Text: f.Text, Object: f.Object, Kind: f.Kind, Actors: several(f.Actors), Actions: several(f.Actions), Sources: several(f.Sources),
			From: f.From, Before: f.Before, Cursor: f.Cursor, Limit: f.Limit,
		}
	}
	const about = "A page may hold fewer rows than limit, or none, and still have a next one: where few of many rows are looked for, each page looks at so many of them."
	type nothing struct{}
	register(s, op{method: http.MethodGet, path: "/audit", id: "list-audit", tag: tagAudit, summary: "The audit trail of the installation, newest first", about: about, action: policy.AuditRead},
		func(ctx context.Context, c app.Caller, in *Filter) (app.Page[app.AuditView], error) {
			return s.app.Audit(ctx, c, "", filter(in))
		})
	register(s, op{method: http.MethodGet, path: "/audit/values", id: "list-audit-values", tag: tagAudit, summary: "Who acted in the installation's audit trail, and how", action: policy.AuditRead},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.AuditValues, error) {
			return s.app.AuditValues(ctx, c, "")
		})
	register(s, op{method: http.MethodGet, path: "/audit/check", id: "check-audit", tag: tagAudit, summary: "Whether the installation's audit trail is whole", action: policy.AuditRead},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.AuditCheck, error) {
			return s.app.VerifyAudit(ctx, c, "")
		})
	type ofProduct struct {
		InProduct
		Filter
	}
	register(s, op{method: http.MethodGet, path: "/products/{product}/audit", id: "list-product-audit", tag: tagAudit, summary: "The audit trail of a product, newest first", about: about, action: policy.AuditRead},
		func(ctx context.Context, c app.Caller, in *ofProduct) (app.Page[app.AuditView], error) {
			return s.app.Audit(ctx, c, in.Product, filter(&in.Filter))
		})
	register(s, op{method: http.MethodGet, path: "/products/{product}/audit/values", id: "list-product-audit-values", tag: tagAudit, summary: "Who acted in a product's audit trail, and how", action: policy.AuditRead},
		func(ctx context.Context, c app.Caller, in *InProduct) (app.AuditValues, error) {
			return s.app.AuditValues(ctx, c, in.Product)
		})
	register(s, op{method: http.MethodGet, path: "/products/{product}/audit/check", id: "check-product-audit", tag: tagAudit, summary: "Whether a product's audit trail is whole", action: policy.AuditRead},
		func(ctx context.Context, c app.Caller, in *InProduct) (app.AuditCheck, error) {
			return s.app.VerifyAudit(ctx, c, in.Product)
		})
}
