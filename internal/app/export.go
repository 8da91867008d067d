package app

import (
	"context"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// ModelFile is a model, written in some format.
type ModelFile struct {
	Name      string // of the file, with its ending
	MediaType string
	Data      []byte
	Notes     []interchange.Note // what the format cannot say
}

// ExportFormats are the formats that models can be exported in, by name.
func ExportFormats() []interchange.Writable { return interchange.Written() }

// FormatView is a format of model files.
type FormatView struct {
	Name   string `json:"name" doc:"As imports tell it"`
	Title  string `json:"title" doc:"For people, with how its files look"`
	Export string `json:"export,omitempty" doc:"Name to export models by; absent where the format is only read"`
}

// Formats lists the formats that model files can be in.
func (a *App) Formats(ctx context.Context, c Caller) (Page[FormatView], error) {
	page := Page[FormatView]{Items: []FormatView{}}
	if err := a.Check(ctx, c, policy.InstanceRead, ""); err != nil {
		return page, err
	}
	for _, f := range interchange.Readables() {
		page.Items = append(page.Items, FormatView{Name: string(f.Name), Title: f.Title, Export: string(f.Write)})
	}
	return page, nil
}

// ExportModel writes a product's model in a format; "" is Threatloop's own. An
// unknown format is fault.Invalid.
func (a *App) ExportModel(ctx context.Context, c Caller, product model.ProductID, format string) (ModelFile, error) {
	if format == "" {
		format = string(interchange.Threatloop)
	}
	var to *interchange.Writable
	for _, w := range interchange.Written() {
		if string(w.Name) == format {
			to = &w
		}
	}
	m, err := query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (*model.Model, error) {
		m, _, err := tx.LoadModel(product)
		return m, err
	})
	if err != nil {
		return ModelFile{}, err
	}
	if to == nil {
		bad := fault.New(fault.Invalid, "export.format", "models are not written in the format %q", format)
		for _, w := range interchange.Written() {
			bad.With("query.format", "%s: %s", w.Name, w.Title)
		}
		return ModelFile{}, bad
	}
	data, notes, err := interchange.WriteAs(to.Name, m, nil)
	if err != nil {
		return ModelFile{}, err
	}
	return ModelFile{Name: model.Slug(m.Product.Name) + to.Extension, MediaType: to.MediaType, Data: data, Notes: notes}, nil
}
