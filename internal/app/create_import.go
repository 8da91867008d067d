package app

import (
	"cmp"
	"context"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

// NewImportView is what was understood of a model file that makes a product.
type NewImportView struct {
	Name    string       `json:"name" doc:"Of the product: as asked for, or as the file says"`
	Import  ImportView   `json:"import"`
	Product *ProductView `json:"product,omitempty" doc:"What was made; absent for a preview"`
}

// ETag returns the version of the product; 0 for a preview.
func (v NewImportView) ETag() int64 {
	if v.Product == nil {
		return 0
	}
	return v.Product.Version
}

// ImportProduct makes a product of a model file, called name or as the file says.
// With preview it only says what it understood, and stores nothing.
func (a *App) ImportProduct(ctx context.Context, c Caller, file, name string, data []byte, preview bool) (NewImportView, error) {
	// Before the file is looked at: reading is expensive.
	if err := a.Check(ctx, c, policy.ProductCreate, ""); err != nil {
		return NewImportView{}, err
	}
	id := model.ProductID(a.id("prd"))
	read, err := a.readModel(id, file, data)
	if err != nil {
		return NewImportView{}, err
	}
	m := read.Model
	m.Product.ID = id
	m.Product.Name = cmp.Or(strings.TrimSpace(name), strings.TrimSpace(m.Product.Name), cleanLine(strings.TrimSuffix(file, ".json"), 200), "Imported product")
	v := NewImportView{Name: m.Product.Name, Import: ImportView{Summary: interchange.Summarise(read)}}
	v.Import.Added = len(m.Assets) + len(m.Diagrams) + len(m.Zones) + len(m.Components) + len(m.Flows) + len(m.Curves) + len(m.Texts) +
		len(m.Threats) + len(m.Weaknesses) + len(m.Countermeasures)
	if preview {
		return v, nil
	}
	cause := Cause{Kind: "import", Text: "the product was made of a model file", Ref: cleanLine(file, 200)}
	return change(ctx, a, c, policy.ProductCreate, "", cause, func(ch *changing) (NewImportView, error) {
		ch.model = model.Clone(m)
		product, err := ch.created()
		if err != nil {
			return NewImportView{}, err
		}
		if _, err := ch.keepSource("", file, read, data); err != nil {
			return NewImportView{}, err
		}
		out := v
		out.Product, out.Import.Applied, out.Import.Version = &product, true, product.Version
		return out, ch.record("model.import", "product/"+string(id), nil, map[string]any{"name": file, "format": v.Import.Format, "added": v.Import.Added})
	})
}
