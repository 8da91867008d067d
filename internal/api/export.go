package api

import (
	"context"
	"mime"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

func (s *API) exports() {
	formats, content := []any{}, map[string]*huma.MediaType{}
	about := "The whole model, as it is now. What the format cannot say is left out or kept under a key of ours, where its own program opens the file all the same; " +
		"the header X-Notes counts those places. A Threat Dragon file that was imported and not changed comes out as it was; " +
		"otherwise its threats show their tickets and ratings under the key `threatloop`.\n"
	for _, w := range app.ExportFormats() {
		formats = append(formats, string(w.Name))
		content[w.MediaType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		about += "\n- `" + string(w.Name) + "`: " + w.Title
	}
	product := &huma.Param{Name: "product", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
	s.plain(op{method: http.MethodGet, path: "/products/{product}/export", id: "export-model", tag: tagPlans, summary: "Download the model as a file", action: policy.ProductRead, about: about},
		huma.Operation{
			Parameters: []*huma.Param{product, {Name: "format", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: formats, Default: "threatloop"}}},
			Responses:  map[string]*huma.Response{"200": {Description: "The file", Content: content}},
		}, func(w http.ResponseWriter, r *http.Request, c app.Caller) error {
			f, err := s.app.ExportModel(r.Context(), c, model.ProductID(r.PathValue("product")), r.URL.Query().Get("format"))
			if err != nil {
				return err
			}
			w.Header().Set("X-Notes", strconv.Itoa(len(f.Notes)))
			sendFile(w, f)
			return nil
		})
	type nothing struct{}
	register(s, op{
		method: http.MethodGet, path: "/formats", id: "list-formats", tag: tagPlans, summary: "The formats of model files", action: policy.InstanceRead,
		about: "What a file is in is told by its content: an import names none.",
	},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.Page[app.FormatView], error) {
			return s.app.Formats(ctx, c)
		})
	type list struct {
		Items []app.SourceView `json:"items"`
	}
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/sources", id: "list-sources", tag: tagPlans, summary: "The model files that the product came from", action: policy.ProductRead,
		about: "The newest version of each file, the newest first. An import compares a file with the version before.",
	},
		func(ctx context.Context, c app.Caller, in *InProduct) (list, error) {
			items, err := s.app.Sources(ctx, c, in.Product)
			return list{items}, err
		})
	s.plain(op{method: http.MethodGet, path: "/products/{product}/sources/{source}", id: "get-source", tag: tagPlans, summary: "Download a model file as it was given", action: policy.ModelEdit, about: "It may say more than the model shows. One that fills in custom fields which the caller does not see is refused."},
		huma.Operation{
			Parameters: []*huma.Param{product, {Name: "source", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
			Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
				"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			}}},
		}, func(w http.ResponseWriter, r *http.Request, c app.Caller) error {
			f, err := s.app.SourceFile(r.Context(), c, model.ProductID(r.PathValue("product")), r.PathValue("source"))
			if err != nil {
				return err
			}
			sendFile(w, f)
			return nil
		})
}

// sendFile answers with a file to be stored.
func sendFile(w http.ResponseWriter, f app.ModelFile) {
	w.Header().Set("Content-Type", f.MediaType)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	w.Header().Set("Content-Length", strconv.Itoa(len(f.Data)))
	_, _ = w.Write(f.Data) // the client is gone; there is nobody to tell
}
