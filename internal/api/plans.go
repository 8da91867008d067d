package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/policy"
)

const (
	tagPlans = "Plan and import"
	// maxModel is the size of a model file in bytes that is taken.
	maxModel = 32 << 20
)

func (s *API) plans() {
	register(s, op{method: http.MethodGet, path: "/products/{product}/plan", id: "get-plan", tag: tagPlans, summary: "What the library would change", action: policy.PlanRead},
		func(ctx context.Context, c app.Caller, in *InProduct) (app.PlanView, error) {
			return s.app.Plan(ctx, c, in.Product)
		})
	type apply struct {
		InProduct
		Changing
		Body app.PlanInput
	}
	register(s, op{
		method: http.MethodPost, path: "/products/{product}/plan", id: "apply-plan", tag: tagPlans, summary: "Apply the plan, whole or step by step", action: policy.PlanApply,
		max: 8 << 20, about: "With If-Match the plan is applied only where the product is still the one that was looked at. Applying again changes nothing.",
	},
		at(func(ctx context.Context, c app.Caller, in *apply, version int64) (app.AppliedView, error) {
			return s.app.ApplyPlan(ctx, c, in.Product, version, in.Body)
		}))

	type load struct {
		InProduct
		Changing
		Preview bool   `query:"preview" doc:"Say what would come in; store nothing"`
		Name    string `query:"name" maxLength:"200" doc:"Of the file, for messages"`
		Type    string `header:"Content-Type" hidden:"true"`
		RawBody []byte `contentType:"application/octet-stream"`
	}
	imports := op{
		method: http.MethodPost, path: "/products/{product}/imports", id: "import-model", tag: tagPlans, summary: "Take a model file into a product", action: policy.ModelEdit,
		max: maxModel + 4<<20, raw: true, about: "A model file of any known kind, told by its content, of any media type, up to 32 MiB. A newer version of a file that the product came from is merged three ways: " +
			"what was added, changed and removed in the file since is so here, edits made here stay, and each difference is told. Of any other file what is new is added and what has the same id is replaced. " +
			"Nothing that somebody touched is deleted. A preview takes no more than reading the product.\n\n" +
			"As a form (multipart/form-data) with the file in the part `file` and a part `take` for each change that is wanted, `kind/id` of an item of the preview, only these are taken. " +
			"What is not, and what cannot be without it (`waiting` counts them), is offered again when the same file or a newer one comes. " +
			"A part `theirs` for an item with `conflict` takes the file's side of it; without one what was done here stays, and is not asked about again. The value `all` stands for every change or conflict.",
	}
	register(s, imports, func(ctx context.Context, c app.Caller, in *load) (app.ImportView, error) {
		version, err := ifMatch(in.IfMatch)
		if err != nil {
			return app.ImportView{}, err
		}
		if c.Key != "" {
			c.Hash = app.HashRequest(c.Hash, string(in.RawBody))
		}
		form, err := readModelForm(in.Type, in.RawBody)
		if err != nil {
			return app.ImportView{}, err
		}
		file := app.ModelUpload{Name: cmp.Or(in.Name, form.name), Data: form.file, Take: form.take, Theirs: form.theirs}
		return s.app.ImportPart(ctx, c, in.Product, version, file, in.Preview)
	})
	s.described(imports).RequestBody.Content["multipart/form-data"] = modelFormMedia()
}
