package api

import (
	"context"
	"net/http"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

const tagStandards = "Standards"

// standards declares the library's standards, how far products keep them, and what
// is asked about components.
func (s *API) standards() {
	type nothing struct{}
	register(s, op{method: http.MethodGet, path: "/library/standards", id: "list-standards", tag: tagStandards, summary: "List the library's standards", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.Page[app.StandardHead], error) {
			return s.app.Standards(ctx, c)
		})
	type one struct {
		Ref string `path:"ref" maxLength:"200"`
	}
	register(s, op{method: http.MethodGet, path: "/library/standards/{ref}", id: "get-standard", tag: tagStandards, summary: "Show a standard with its clauses and what serves them", action: policy.LibraryRead},
		func(ctx context.Context, c app.Caller, in *one) (app.StandardView, error) {
			return s.app.Standard(ctx, c, in.Ref)
		})
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/standards", id: "list-product-standards", tag: tagStandards, summary: "How far a product keeps the library's standards", action: policy.ProductRead,
		about: "Which of them it is to keep is changed with the product: PATCH /products/{product}, standards.",
	},
		func(ctx context.Context, c app.Caller, in *InProduct) (app.ProductStandards, error) {
			return s.app.ProductStandards(ctx, c, in.Product)
		})
	type coverage struct {
		InProduct
		Ref string `path:"ref" maxLength:"200" doc:"Of the standard"`
		Paging
		Level  int      `query:"level" minimum:"-1" maximum:"9" default:"-1" doc:"Up to this level; 0 is all of it, left out the level that is applied"`
		Status []string `query:"status,explode" enum:"gap,planned,implemented,proven,not-applicable" doc:"Any of these"`
		Search string   `query:"q" maxLength:"200" doc:"Words in the id or the title"`
	}
	register(s, op{method: http.MethodGet, path: "/products/{product}/standards/{ref}", id: "get-product-standard", tag: tagStandards, summary: "How far a product keeps a standard, clause by clause", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *coverage) (app.CoverageView, error) {
			f := app.CoverageFilter{Statuses: in.Status, Search: in.Search, Cursor: in.Cursor, Limit: in.Limit}
			if in.Level >= 0 {
				f.Level = &in.Level
			}
			return s.app.Coverage(ctx, c, in.Product, in.Ref, f)
		})
	type component struct {
		InProduct
		ID model.ElementID `path:"id" maxLength:"100" doc:"Of the component"`
	}
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/components/{id}/questionnaire", id: "get-component-questionnaire", tag: tagProducts, summary: "What is to be asked about a component, and what it says", action: policy.ProductRead,
		about: "The answers are attributes of the component: they are given by changing it in the drawing.",
	},
		func(ctx context.Context, c app.Caller, in *component) (app.ComponentQuestions, error) {
			return s.app.ComponentQuestions(ctx, c, in.Product, in.ID)
		})
}
