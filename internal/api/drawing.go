package api

import (
	"context"
	"net/http"
	"time"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

const (
	tagDrawing = "Diagrams"
	// maxChanges is the size of a batch of changes in bytes that is taken.
	maxChanges = 16 << 20
)

// drawing declares what the diagram editor works with.
func (s *API) drawing() {
	type chosen struct {
		InProduct
		Diagram model.DiagramID `query:"diagram" maxLength:"100" doc:"Id of a diagram; left out, the first"`
	}
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/drawing", id: "get-drawing", tag: tagDrawing, summary: "Open a diagram", action: policy.ProductRead,
		about: "What is drawn, the version of each element, and what follows from the drawing: containment, trust, exposure, crossing, and the risk at each element.",
	},
		func(ctx context.Context, c app.Caller, in *chosen) (app.Drawing, error) {
			return s.app.Drawing(ctx, c, in.Product, in.Diagram)
		})
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/drawing/facts", id: "get-drawing-facts", tag: tagDrawing, summary: "What follows from a diagram", action: policy.ProductRead,
	},
		func(ctx context.Context, c app.Caller, in *chosen) (app.DrawingFacts, error) {
			return s.app.DrawingFacts(ctx, c, in.Product, in.Diagram)
		})

	type changes struct {
		InProduct
		Changing
		Body app.ChangesInput
	}
	register(s, op{
		method: http.MethodPost, path: "/products/{product}/drawing/changes", id: "change-drawing", tag: tagDrawing, summary: "Change what is drawn, all or nothing", action: policy.ModelEdit,
		max: maxChanges, about: "The order of the changes does not matter; references have to hold after all of them. Where an element is not at the version that its change names, nothing is changed, " +
			"and the problem (412, drawing.stale) lists every such element as it is now. Deleting takes along what cannot be without it, and the answer says what went. " +
			"The zone of a component and the parent of a zone follow the drawing when that changes, unless the batch sets them. If-Match asks for the version of the product as well.",
	},
		at(func(ctx context.Context, c app.Caller, in *changes, version int64) (app.ChangesView, error) {
			return s.app.ChangeDrawing(ctx, c, in.Product, version, in.Body)
		}))

	type summary struct {
		InProduct
		Where model.ElementID `query:"where" maxLength:"100" doc:"Only at this element"`
	}
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/plan/summary", id: "get-plan-summary", tag: tagPlans, summary: "What the library would change, in short", action: policy.PlanRead,
		about: "Made to be asked for after every change of a drawing.",
	},
		func(ctx context.Context, c app.Caller, in *summary) (app.PlanSummary, error) {
			return s.app.PlanSummary(ctx, c, in.Product, in.Where)
		})

	type history struct {
		InProduct
		Cursor  string          `query:"cursor" doc:"The value of next of the page before"`
		Limit   int             `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Requests on a page"`
		Object  string          `query:"object" maxLength:"200" doc:"Only of this object: component/ID"`
		Diagram model.DiagramID `query:"diagram" maxLength:"100" doc:"Only of this diagram and what is drawn in it"`
		Text    string          `query:"q" maxLength:"200" doc:"Words that are all in what the person did, or in the kind, id and name of one thing that was changed"`
		Actors  []string        `query:"actor,explode" maxItems:"50" doc:"By any of these account ids, or of what acts by itself; several are repeated or separated by commas"`
		Kinds   []string        `query:"kind,explode" maxItems:"20" doc:"Changes of things of these kinds; several as above"`
		From    time.Time       `query:"from" doc:"From this time on"`
		Before  time.Time       `query:"before" doc:"Before this time"`
	}
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/history", id: "list-history", tag: tagDrawing, summary: "What changed in the model, newest first", action: policy.ProductRead,
		about: "Grouped by request, each object with its whole document before and after, so that an earlier state can be looked at and put back.",
	},
		func(ctx context.Context, c app.Caller, in *history) (app.Page[app.HistoryGroup], error) {
			return s.app.History(ctx, c, in.Product, app.HistoryFilter{
				Object: in.Object, Diagram: in.Diagram, Text: in.Text, Actors: several(in.Actors), Kinds: several(in.Kinds), From: in.From, Before: in.Before, Cursor: in.Cursor, Limit: in.Limit,
			})
		})
}
