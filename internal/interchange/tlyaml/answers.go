package tlyaml

import (
	"reflect"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/model"
)

// answersFile is a product described by answers alone.
type answersFile struct {
	Name          string         `json:"name"`
	Questionnaire string         `json:"questionnaire"`
	Answers       []model.Answer `json:"answers"`
}

// DetectAnswers reports whether the mapping is a file of answers: it has the key
// answers, and neither a product nor the key "threatloop".
func DetectAnswers(root *yaml.Node) bool {
	if Detect(root) {
		return false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "answers" {
			return true
		}
	}
	return false
}

// ReadAnswers returns a model that holds nothing but the product and its answers.
func ReadAnswers(root *yaml.Node, opts imported.Options) (*imported.Import, error) {
	d := &decoder{opts: opts, fault: fault.New(fault.Invalid, "model.syntax", "the file of answers is not right")}
	var f answersFile
	d.decode(root, reflect.ValueOf(&f).Elem(), "", 0)
	if len(d.fault.Fields) > 0 {
		return nil, d.fault
	}
	if f.Name == "" {
		f.Name = "Untitled product"
	}
	m := &model.Model{Product: model.Product{ID: opts.Product, Name: f.Name, Questionnaire: f.Questionnaire}, Answers: f.Answers}
	if m.Product.ID == "" {
		m.Product.ID = model.ProductID(model.DeriveID("prd", f.Name))
	}
	if err := model.Validate(m); err != nil {
		return nil, err
	}
	return &imported.Import{Format: imported.Answers, Model: m}, nil
}
