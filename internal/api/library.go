package api

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

// Entry is the path of an entry of the library.
type Entry struct {
	Kind string `path:"kind" maxLength:"20" doc:"head, type, pattern, rule, questionnaire or standard"`
	Ref  string `path:"ref" maxLength:"200" doc:"That of the head is library"`
}

const entryPath = "/library/entries/{kind}/{ref}"

// authoring declares what changes the organisation's own layer of the library.
func (s *API) authoring() {
	s.entries()
	s.draft()
	s.versions()
	s.tryLibrary()
	s.expressions()
	s.standards()
}

func (s *API) entries() {
	type list struct {
		Paging
		Kind   []string `query:"kind,explode" enum:"head,type,pattern,rule,questionnaire,standard" doc:"Any of these kinds"`
		Layer  []string `query:"layer,explode" enum:"built-in,own,changed,removed" doc:"Any of these"`
		Draft  bool     `query:"draft" doc:"Only what publishing would change"`
		Broken bool     `query:"broken" doc:"Only what has problems in the draft"`
		Search string   `query:"q" maxLength:"200" doc:"Words in the ref, the title or the text"`
	}
	register(s, op{
		method: http.MethodGet, path: "/library/entries", id: "list-library-entries", tag: tagLibrary, summary: "The library's entries, with what the draft makes of them", action: policy.LibraryRead,
		about: "Component types, patterns, rules, questionnaires and standards of the built-in library and of the organisation's own layer over it, and the head with the vocabulary.",
	},
		func(ctx context.Context, c app.Caller, in *list) (app.EntryList, error) {
			return s.app.Entries(ctx, c, app.EntryFilter{Kinds: in.Kind, Layers: in.Layer, Draft: in.Draft, Broken: in.Broken, Search: in.Search, Cursor: in.Cursor, Limit: in.Limit})
		})
	register(s, op{method: http.MethodGet, path: entryPath, id: "get-library-entry", tag: tagLibrary, summary: "Show an entry with its text and where it is used", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, in *Entry) (app.EntryView, error) {
			return s.app.Entry(ctx, c, in.Kind, in.Ref)
		})
	type put struct {
		Entry
		Changing
		IfNoneMatch string `header:"If-None-Match" doc:"* refuses an entry of which the own layer speaks already"`
		Body        app.EntryInput
	}
	register(s, op{
		method: http.MethodPut, path: entryPath, id: "put-library-entry", tag: tagLibrary, summary: "Write an entry of the draft", action: policy.LibraryEdit,
		about: "Whatever is wrong with the text, it is kept, and the answer says what is wrong. Nothing plans by it before it is published.",
	},
		at(func(ctx context.Context, c app.Caller, in *put, version int64) (app.EntryView, error) {
			if in.IfNoneMatch != "" && in.IfNoneMatch != "*" {
				return app.EntryView{}, fault.New(fault.Invalid, "request.if_none_match", "If-None-Match takes only *").With("header.If-None-Match", "expected *")
			}
			return s.app.PutEntry(ctx, c, in.Kind, in.Ref, version, in.IfNoneMatch == "*", in.Body)
		}))
	type change struct {
		Entry
		Changing
	}
	do(s, op{
		method: http.MethodDelete, path: entryPath, id: "delete-library-entry", tag: tagLibrary, summary: "No longer speak of an entry in the draft", action: policy.LibraryEdit,
		about: "A built-in entry is as it is built in again, an own one is gone.",
	},
		func(ctx context.Context, c app.Caller, in *change) error {
			version, err := ifMatch(in.IfMatch)
			if err != nil {
				return err
			}
			return s.app.DeleteEntry(ctx, c, in.Kind, in.Ref, version)
		})
	register(s, op{method: http.MethodPost, path: entryPath + "/revert", id: "revert-library-entry", tag: tagLibrary, summary: "Make an entry of the draft what is published", action: policy.LibraryEdit},
		at(func(ctx context.Context, c app.Caller, in *change, version int64) (app.EntryView, error) {
			return s.app.RevertEntry(ctx, c, in.Kind, in.Ref, version)
		}))
	type copied struct {
		Entry
		Body struct {
			Ref  string `json:"ref" minLength:"1" maxLength:"100" doc:"Of the copy"`
			Name string `json:"name,omitempty" maxLength:"200" doc:"Of the copy; left out, that of the original with (copy) after it"`
		}
	}
	register(s, op{
		method: http.MethodPost, path: entryPath + "/copy", id: "copy-library-entry", tag: tagLibrary, summary: "Make an own entry of another under a new ref", action: policy.LibraryEdit,
		status: http.StatusCreated, about: "What may be said only once becomes the copy's own: the weaknesses and countermeasures that a pattern defines get refs that begin with that of the copy. Of a type the words of other tools are left out; the copy of a questionnaire includes it.",
	},
		func(ctx context.Context, c app.Caller, in *copied) (app.EntryView, error) {
			return s.app.CopyEntry(ctx, c, in.Kind, in.Ref, in.Body.Ref, in.Body.Name)
		})
}

func (s *API) draft() {
	type nothing struct{}
	register(s, op{method: http.MethodGet, path: "/library/draft", id: "get-library-draft", tag: tagLibrary, summary: "How far the draft of the own layer is", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.DraftView, error) { return s.app.Draft(ctx, c) })
	register(s, op{
		method: http.MethodGet, path: "/library/draft/check", id: "check-library-draft", tag: tagLibrary, summary: "Check the draft and run the tests of all rules", action: policy.LibraryEdit,
		about: "May take some seconds.",
	},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.DraftCheck, error) {
			return s.app.CheckDraft(ctx, c)
		})
	do(s, op{method: http.MethodDelete, path: "/library/draft", id: "discard-library-draft", tag: tagLibrary, summary: "Make the draft what is published", action: policy.LibraryEdit},
		func(ctx context.Context, c app.Caller, in *Changing) error {
			revision, err := in.version()
			if err != nil {
				return err
			}
			return s.app.DiscardDraft(ctx, c, revision)
		})
	type publish struct {
		Changing
		Body app.VersionInput
	}
	register(s, op{
		method: http.MethodPost, path: "/library/publish", id: "publish-library", tag: tagLibrary, summary: "Put the draft in force", action: policy.LibraryEdit,
		status: http.StatusCreated, about: "With If-Match, the revision of the draft, it is refused where the draft was changed meanwhile. What does not check, or whose tests fail, is refused with everything that is wrong. The plans of all products follow at once; nothing is applied by itself.",
	},
		at(func(ctx context.Context, c app.Caller, in *publish, revision int64) (app.VersionView, error) {
			return s.app.PublishLibrary(ctx, c, revision, in.Body)
		}))
	type load struct {
		Changing
		Preview bool   `query:"preview" doc:"Say what would come in; store nothing"`
		Name    string `query:"name" maxLength:"200" doc:"Of the file, for messages"`
		RawBody []byte `contentType:"application/octet-stream"`
	}
	register(s, op{
		method: http.MethodPost, path: "/library/import", id: "import-library", tag: tagLibrary, summary: "Take library files into the draft", action: policy.LibraryEdit,
		max: maxModel, raw: true, about: "A zip of YAML files, or one YAML file, of any media type, up to 32 MiB. What cannot be taken is refused at its place and the rest comes in; nothing is taken out of the draft.",
	},
		at(func(ctx context.Context, c app.Caller, in *load, revision int64) (app.LibraryImport, error) {
			if c.Key != "" {
				c.Hash = app.HashRequest(c.Hash, string(in.RawBody))
			}
			return s.app.ImportLibrary(ctx, c, revision, in.Name, in.RawBody, in.Preview)
		}))
}

func (s *API) versions() {
	register(s, op{method: http.MethodGet, path: "/library/versions", id: "list-library-versions", tag: tagLibrary, summary: "The published versions of the own layer, newest first", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, in *Paging) (app.Page[app.VersionView], error) {
			return s.app.Versions(ctx, c, in.Cursor, in.Limit)
		})
	type restore struct {
		Number int64 `path:"number" minimum:"1"`
		Changing
	}
	register(s, op{
		method: http.MethodPost, path: "/library/versions/{number}/restore", id: "restore-library-version", tag: tagLibrary, summary: "Make the draft what an older version was", action: policy.LibraryEdit,
		about: "Nothing plans by it before it is published.",
	},
		at(func(ctx context.Context, c app.Caller, in *restore, revision int64) (app.DraftView, error) {
			return s.app.RestoreVersion(ctx, c, revision, in.Number)
		}))
	s.plain(op{
		method: http.MethodGet, path: "/library/export", id: "export-library", tag: tagLibrary, summary: "Download a library as files", action: policy.LibraryRead,
		about: "A zip of YAML files, an entry a file, which the command `threatloop library check` reads unpacked.",
	},
		huma.Operation{
			Parameters: []*huma.Param{{
				Name: "of", In: "query", Description: "effective: all that is in force. own: the published layer of the organisation. draft: that layer as it is being written",
				Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"effective", "own", "draft"}, Default: "effective"},
			}},
			Responses: map[string]*huma.Response{"200": {Description: "The files", Content: map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}},
		}, s.sendLibrary)
}

func (s *API) sendLibrary(w http.ResponseWriter, r *http.Request, c app.Caller) error {
	of := r.URL.Query().Get("of")
	switch of {
	case "", "effective", "own", "draft":
	default:
		return fault.New(fault.Invalid, "request.invalid", "validation failed").With("query.of", "expected effective, own or draft")
	}
	name, data, err := s.app.ExportLibrary(r.Context(), c, of)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the client is gone; there is nobody to tell
	return nil
}

func (s *API) tryLibrary() {
	type plan struct {
		Body struct {
			Product model.ProductID `json:"product" minLength:"1" maxLength:"60"`
		}
	}
	register(s, op{
		method: http.MethodPost, path: "/library/draft/plan", id: "try-library-plan", tag: tagLibrary, summary: "The plan of a product by the draft", action: policy.LibraryEdit,
		about: "Nothing is stored. It takes the right to see the product's plan, too.",
	},
		func(ctx context.Context, c app.Caller, in *plan) (app.TriedPlan, error) {
			return s.app.TryPlan(ctx, c, in.Body.Product)
		})
	type answers struct {
		Ref  string `path:"ref" maxLength:"200"`
		Body struct {
			Answers app.Answers `json:"answers"`
		}
	}
	register(s, op{
		method: http.MethodPost, path: "/library/draft/questionnaires/{ref}/preview", id: "try-library-questionnaire", tag: tagLibrary, summary: "Try a questionnaire of the draft out", action: policy.LibraryEdit,
		about: "What the answers show and bring in, by the draft. Of a component questionnaire the answers are attributes of a component of its first type. Nothing is stored.",
	},
		func(ctx context.Context, c app.Caller, in *answers) (app.TriedQuestionnaire, error) {
			return s.app.TryQuestionnaire(ctx, c, strings.TrimSpace(in.Ref), app.PreviewInput{Answers: in.Body.Answers})
		})
}

func (s *API) expressions() {
	type complete struct{ Body app.CompletionInput }
	register(s, op{
		method: http.MethodPost, path: "/library/complete", id: "complete-expression", tag: tagLibrary, summary: "What an expression may go on with at the cursor", action: policy.LibraryEdit,
		about: "With the words of the draft where that loads, and of what is in force where it does not.",
	},
		func(ctx context.Context, c app.Caller, in *complete) (app.Completions, error) {
			return s.app.Complete(ctx, c, in.Body)
		})
	type expression struct{ Body app.ExpressionInput }
	register(s, op{method: http.MethodPost, path: "/library/expression", id: "check-expression", tag: tagLibrary, summary: "Check one expression", action: policy.LibraryEdit},
		func(ctx context.Context, c app.Caller, in *expression) (app.ExpressionCheck, error) {
			return s.app.CheckExpression(ctx, c, in.Body)
		})
	type diff struct {
		Paging
		From string `query:"from" maxLength:"20" default:"in-force" doc:"built-in, in-force, draft, or the number of a version"`
		To   string `query:"to" maxLength:"20" default:"draft" doc:"Likewise"`
	}
	register(s, op{
		method: http.MethodGet, path: "/library/diff", id: "diff-library", tag: tagLibrary, summary: "What differs between two libraries, entry by entry", action: policy.LibraryRead,
		about: "A version stands on the built-in library that it was published on. A draft that does not load is refused with what is wrong with it.",
	},
		func(ctx context.Context, c app.Caller, in *diff) (app.LibraryDiff, error) {
			return s.app.DiffLibraries(ctx, c, in.From, in.To, in.Cursor, in.Limit)
		})
}
