package api

import (
	"context"
	"net/http"
	"time"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/policy"
)

// Selecting narrows products.
type Selecting struct {
	Text     string   `query:"q" maxLength:"200" doc:"In the name, case and accents aside"`
	Tag      string   `query:"tag" maxLength:"200"`
	Team     string   `query:"team" maxLength:"200"`
	Owner    string   `query:"owner" maxLength:"200"`
	Fields   []string `query:"field,explode" maxItems:"50" doc:"KEY:value of a custom field; of several with one key any, of several keys all"`
	Band     string   `query:"band" enum:"low,medium,high,critical,unrated" doc:"Of the highest current rating; unrated is a threat that nobody has rated"`
	Archived bool     `query:"archived" doc:"Archived ones instead of the others"`
	Template bool     `query:"template" doc:"Templates instead of the others"`
}

func (in Selecting) filter() app.ProductFilter {
	return app.ProductFilter{Text: in.Text, Tag: in.Tag, Team: in.Team, Owner: in.Owner, Fields: in.Fields, Band: in.Band, Archived: in.Archived, Template: in.Template}
}

// portfolio declares what is asked of many products at once, and of one at a glance.
func (s *API) portfolio() {
	type head struct {
		Selecting
		By string `query:"by" enum:"product,team,tag" doc:"Rows of the heat map; left out: products while there are at most 40, else teams"`
	}
	register(s, op{
		method: http.MethodGet, path: "/portfolio", id: "get-portfolio", tag: tagProducts, summary: "Sums over the products, with their heat map", action: policy.ProductList,
		about: "Only products that the caller may see. The filter is that of the list of products.",
	},
		func(ctx context.Context, c app.Caller, in *head) (app.PortfolioView, error) {
			return s.app.Portfolio(ctx, c, in.filter(), in.By)
		})

	register(s, op{
		method: http.MethodGet, path: "/products/{product}/overview", id: "get-overview", tag: tagProducts, summary: "A product at one glance", action: policy.ProductRead,
		about: "The four ratings, what exceeds the tolerance, likelihood and impact, countermeasures, evidence, tickets, and what a person should settle.",
	},
		func(ctx context.Context, c app.Caller, in *InProduct) (app.OverviewView, error) {
			return s.app.Overview(ctx, c, in.Product)
		})

	type since struct {
		InProduct
		From time.Time `query:"from" doc:"From this time on, instead of from the caller's last visit"`
	}
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/since", id: "get-since", tag: tagProducts, summary: "What happened since the last visit", action: policy.ProductRead,
		about: "In sentences, newest first. Who never marked a visit sees the last seven days.",
	},
		func(ctx context.Context, c app.Caller, in *since) (app.SinceView, error) {
			return s.app.Since(ctx, c, in.Product, in.From)
		})
	register(s, op{method: http.MethodPut, path: "/products/{product}/visit", id: "mark-visit", tag: tagProducts, summary: "Mark that the product was looked at now", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *InProduct) (app.VisitView, error) {
			return s.app.Visit(ctx, c, in.Product)
		})
	s.creating()
}

// creating declares the ways to a new product, and what shows beforehand what it would be.
func (s *API) creating() {
	type sampled struct {
		Body struct {
			Name string `json:"name,omitempty" maxLength:"200" doc:"Left out, the sample's own"`
		}
	}
	register(s, op{
		method: http.MethodPost, path: "/products/sample", id: "create-sample", tag: tagProducts, summary: "Make the sample product", action: policy.ProductCreate,
		status: http.StatusCreated, about: "A small shop with a drawing, answers, an applied plan and some decisions. No tickets are made.",
	},
		func(ctx context.Context, c app.Caller, in *sampled) (app.ProductView, error) {
			return s.app.CreateSample(ctx, c, in.Body.Name)
		})

	type clone struct {
		InProduct
		Body app.CloneInput
	}
	register(s, op{
		method: http.MethodPost, path: "/products/{product}/clone", id: "clone-product", tag: tagProducts, summary: "Make a product of another", action: policy.ProductCreate,
		status: http.StatusCreated, about: "The copy has the drawing, the answers and everything made or edited by hand; no tickets, evidence, comments and acceptances.",
	},
		func(ctx context.Context, c app.Caller, in *clone) (app.ProductView, error) {
			return s.app.CloneProduct(ctx, c, in.Product, in.Body)
		})

	type remove struct {
		InProduct
		Body struct {
			Name string `json:"name" maxLength:"200" doc:"The product's name, to confirm"`
		}
	}
	do(s, op{
		method: http.MethodDelete, path: "/products/{product}", id: "delete-product", tag: tagProducts, summary: "Delete an archived product", action: policy.ProductDelete,
		about: "With everything in it, for good. Its audit trail stays, and so do its tickets in their trackers.",
	},
		func(ctx context.Context, c app.Caller, in *remove) error {
			return s.app.DeleteProduct(ctx, c, in.Product, in.Body.Name)
		})

	type preview struct {
		Ref  string `path:"ref" maxLength:"100"`
		Body app.PreviewInput
	}
	register(s, op{
		method: http.MethodPost, path: "/library/questionnaires/{ref}/preview", id: "preview-answers", tag: tagProducts, summary: "What answers would bring into a new product", action: policy.LibraryRead,
		about: "Nothing is stored. Answers may be given in part.",
	},
		func(ctx context.Context, c app.Caller, in *preview) (app.AnswersPreview, error) {
			return s.app.PreviewAnswers(ctx, c, in.Ref, in.Body)
		})
	type previewIn struct {
		InProduct
		Body app.PreviewInput
	}
	register(s, op{
		method: http.MethodPost, path: "/products/{product}/answers/preview", id: "preview-product-answers", tag: tagProducts, summary: "What answers would change in a product", action: policy.ProductRead,
		about: "Nothing is stored.",
	},
		func(ctx context.Context, c app.Caller, in *previewIn) (app.AnswersPreview, error) {
			return s.app.PreviewProductAnswers(ctx, c, in.Product, in.Body)
		})

	type load struct {
		Preview bool   `query:"preview" doc:"Say what was understood; store nothing"`
		File    string `query:"name" maxLength:"200" doc:"Of the file, for messages"`
		Name    string `query:"product_name" maxLength:"200" doc:"Of the product; left out, what the file says"`
		RawBody []byte `contentType:"application/octet-stream"`
	}
	register(s, op{
		method: http.MethodPost, path: "/imports", id: "import-product", tag: tagPlans, summary: "Make a product of a model file", action: policy.ProductCreate,
		status: http.StatusCreated, max: maxModel, raw: true, about: "A file of any known kind, told by its content, of any media type, up to 32 MiB. It is kept: see the operation get-source.",
	},
		func(ctx context.Context, c app.Caller, in *load) (app.NewImportView, error) {
			if c.Key != "" {
				c.Hash = app.HashRequest(c.Hash, string(in.RawBody))
			}
			return s.app.ImportProduct(ctx, c, in.File, in.Name, in.RawBody, in.Preview)
		})
}
