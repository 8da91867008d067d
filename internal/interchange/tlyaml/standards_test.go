package tlyaml_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/model"
)

// TestStandardsRoundTrip: what a product keeps is part of the file.
func TestStandardsRoundTrip(t *testing.T) {
	t.Parallel()
	m := &model.Model{Product: model.Product{ID: "p", Name: "P", Standards: []string{"asvs-5.0:2", "masvs-2"}}}
	text, err := tlyaml.Write(m)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tlyaml.Parse(text, imported.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := tlyaml.Read(root, imported.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(in.Model.Product.Standards, m.Product.Standards) {
		t.Errorf("read back the product keeps %v, want %v", in.Model.Product.Standards, m.Product.Standards)
	}
	again, err := tlyaml.Write(in.Model)
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("written again (%v) it is\n%s\nwant\n%s", err, again, text)
	}
	wrong, err := tlyaml.Parse(bytes.Replace(text, []byte("asvs-5.0:2"), []byte("asvs-5.0:x"), 1), imported.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tlyaml.Read(wrong, imported.Options{}); err == nil || !strings.Contains(err.Error(), "is not of the form standard or standard:level") {
		t.Errorf("Read(a standard with the level x) = %v, want a refusal", err)
	}
}
