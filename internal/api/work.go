package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

const tagWork = "People's work"

// The kinds of objects that are edited by their id.
const (
	kindThreat         = "threat"
	kindWeakness       = "weakness"
	kindCountermeasure = "countermeasure"
)

// work declares what people do together: owning, commenting, editing in bulk.
func (s *API) work() {
	s.owning()
	s.comments()
	s.edits()
	s.removing()
}

func (s *API) owning() {
	type people struct {
		Paging
		Text    string          `query:"q" maxLength:"200" doc:"In the name; for administrators of the installation in the e-mail address too"`
		Product model.ProductID `query:"product" maxLength:"60" doc:"Members of this product, and the administrators of the installation"`
	}
	register(s, op{
		method: http.MethodGet, path: "/people", id: "list-people", tag: tagWork, summary: "Whom one can name as an owner", action: policy.UserRead,
		about: "By name. Without a product those with whom one shares one; everybody for administrators of the installation. E-mail addresses are for them alone.",
	},
		func(ctx context.Context, c app.Caller, in *people) (app.Page[app.PersonView], error) {
			return s.app.People(ctx, c, in.Product, in.Text, in.Cursor, in.Limit)
		})
	type assigned struct{ Paging }
	register(s, op{
		method: http.MethodGet, path: "/assigned", id: "list-assigned", tag: tagWork, summary: "What the caller owns and is not done", action: policy.ProductList,
		about: "Open threats, and countermeasures that are recommended or required, of all products that the caller may see and that are not archived. The highest current rating comes first.",
	},
		func(ctx context.Context, c app.Caller, in *assigned) (app.Page[app.AssignedView], error) {
			return s.app.Assigned(ctx, c, in.Cursor, in.Limit)
		})
}

func (s *API) comments() {
	const path = "/products/{product}/comments"
	type list struct {
		InProduct
		Paging
		Object string `query:"object" maxLength:"120" doc:"Kind and id: threat/ID; left out, all of the product"`
	}
	register(s, op{method: http.MethodGet, path: path, id: "list-comments", tag: tagWork, summary: "List the comments on an object", action: policy.ProductRead, about: "The oldest first."},
		func(ctx context.Context, c app.Caller, in *list) (app.Page[app.CommentView], error) {
			return s.app.Comments(ctx, c, in.Product, in.Object, in.Cursor, in.Limit)
		})
	type add struct {
		InProduct
		Body app.CommentInput
	}
	register(s, op{method: http.MethodPost, path: path, id: "add-comment", tag: tagWork, summary: "Comment on an object", action: policy.CommentWrite, status: http.StatusCreated},
		func(ctx context.Context, c app.Caller, in *add) (app.CommentView, error) {
			return s.app.AddComment(ctx, c, in.Product, in.Body)
		})
	type OneComment struct {
		InProduct
		Comment string `path:"comment" maxLength:"60"`
	}
	type edit struct {
		OneComment
		Changing
		Body struct {
			Text string `json:"text" minLength:"1" maxLength:"10000" doc:"Plain text"`
		}
	}
	register(s, op{method: http.MethodPatch, path: path + "/{comment}", id: "edit-comment", tag: tagWork, summary: "Change one's own comment", action: policy.CommentWrite},
		at(func(ctx context.Context, c app.Caller, in *edit, version int64) (app.CommentView, error) {
			return s.app.EditComment(ctx, c, in.Product, in.Comment, version, in.Body.Text)
		}))
	do(s, op{
		method: http.MethodDelete, path: path + "/{comment}", id: "delete-comment", tag: tagWork, summary: "Delete a comment", action: policy.CommentWrite,
		about: "One's own, or anybody's for who manages comments.",
	},
		func(ctx context.Context, c app.Caller, in *OneComment) error {
			return s.app.DeleteComment(ctx, c, in.Product, in.Comment)
		})
	register(s, op{
		method: http.MethodPost, path: path + "/{comment}/restore", id: "restore-comment", tag: tagWork, summary: "Bring a deleted comment back", action: policy.CommentWrite,
		about: "It is the same comment, with its id, author and times. Who deleted it may, and who manages comments.",
	},
		func(ctx context.Context, c app.Caller, in *OneComment) (app.CommentView, error) {
			return s.app.RestoreComment(ctx, c, in.Product, in.Comment)
		})
}

func (s *API) edits() {
	type edits struct {
		InProduct
		Body app.EditsInput
	}
	schemas := s.huma.OpenAPI().Components.Schemas
	fields := map[string]*huma.Schema{}
	for kind, t := range map[string]reflect.Type{
		kindThreat: reflect.TypeFor[app.ThreatEdit](), kindWeakness: reflect.TypeFor[app.WeaknessEdit](),
		kindCountermeasure: reflect.TypeFor[app.CountermeasureEdit](), "link": reflect.TypeFor[app.LinkEdit](),
		"component": reflect.TypeFor[app.ScopeEdit](), "flow": reflect.TypeFor[app.ScopeEdit](),
	} {
		fields[kind] = schemas.Schema(t, true, "")
	}
	register(s, op{
		method: http.MethodPost, path: "/products/{product}/edits", id: "make-edits", tag: tagWork, summary: "Make several edits, all or none", action: policy.CountermeasureState, max: 8 << 20,
		about: "Each edit takes the right that it takes alone. Where objects are no longer at the version that an edit names, nothing is changed and the problem names each of them. " +
			"To undo, send the former values with the new versions; for a field that nobody had set before, reset.",
	},
		func(ctx context.Context, c app.Caller, in *edits) (app.EditsView, error) {
			if err := checkSets(schemas, fields, in.Body.Edits); err != nil {
				return app.EditsView{}, err
			}
			return s.app.Edits(ctx, c, in.Product, in.Body)
		})
}

// checkSets holds the fields of each edit to the description of its kind.
func checkSets(schemas huma.Registry, fields map[string]*huma.Schema, edits []app.OneEdit) error {
	bad := fault.New(fault.Invalid, "request.invalid", "validation failed")
	for i, e := range edits {
		var v any
		if err := json.Unmarshal(e.Set, &v); err != nil {
			return fmt.Errorf("api: decode edit %d: %w", i, err) // it came as part of a JSON document
		}
		path, result := huma.NewPathBuffer(make([]byte, 0, 64), 0), huma.ValidateResult{}
		path.Push(fmt.Sprintf("body.edits[%d].set", i))
		huma.Validate(schemas, fields[e.Kind], path, huma.ModeWriteToServer, v, &result)
		for _, err := range result.Errors {
			where, text := fmt.Sprintf("body.edits[%d].set", i), err.Error()
			if d, ok := err.(*huma.ErrorDetail); ok { // the value stays out, as everywhere
				where, text = d.Location, d.Message
			}
			bad.With(where, "%s", text)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func (s *API) removing() {
	type Reasoned struct {
		Changing
		Reason string `query:"reason" maxLength:"2000" doc:"Needed where it is retired"`
	}
	const about = "What was added by hand and has neither ticket nor evidence goes, with its links. Everything else is retired, with a reason, and keeps its history; regeneration does not bring it back."
	type threat struct {
		OneThreat
		Reasoned
	}
	remove := func(kind string) op {
		many := kind + "s"
		if kind == kindWeakness {
			many = "weaknesses"
		}
		return op{method: http.MethodDelete, path: "/products/{product}/" + many + "/{" + kind + "}", id: "remove-" + kind, tag: tagRisks, summary: "Remove or retire a " + kind, action: policy.ModelEdit, about: about}
	}
	register(s, remove(kindThreat), at(func(ctx context.Context, c app.Caller, in *threat, version int64) (app.RemovedView, error) {
		return s.app.Remove(ctx, c, in.Product, kindThreat, string(in.Threat), version, in.Reason)
	}))
	type weakness struct {
		OneWeakness
		Reasoned
	}
	register(s, remove(kindWeakness), at(func(ctx context.Context, c app.Caller, in *weakness, version int64) (app.RemovedView, error) {
		return s.app.Remove(ctx, c, in.Product, kindWeakness, string(in.Weakness), version, in.Reason)
	}))
	type countermeasure struct {
		OneCountermeasure
		Reasoned
	}
	register(s, remove(kindCountermeasure), at(func(ctx context.Context, c app.Caller, in *countermeasure, version int64) (app.RemovedView, error) {
		return s.app.Remove(ctx, c, in.Product, kindCountermeasure, string(in.Countermeasure), version, in.Reason)
	}))
}
