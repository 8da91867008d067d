package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExport takes a file in and gets it, and others, out.
func TestExport(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	file, err := os.ReadFile(filepath.Join("..", "demo", "data", "diagram.json"))
	if err != nil {
		t.Fatal(err)
	}
	id := s.admin.upload("/imports?name=diagram.json&product_name=Parcel%20desk%20%C3%9C", string(file)).want(201).text("product", "id")
	at := "/products/" + id

	for _, c := range []struct{ format, media, name, begins string }{
		{"", "application/yaml", "parcel-desk.yaml", "threatloop: 1\n"},
		{"threatloop", "application/yaml", "parcel-desk.yaml", "threatloop: 1\n"},
		{"threat-dragon", "application/json", "parcel-desk.json", "{\n  \"version\""},
	} {
		query := ""
		if c.format != "" {
			query = "?format=" + c.format
		}
		got := s.admin.get(at + "/export" + query).want(200)
		if m := got.header.Get("Content-Type"); m != c.media {
			t.Errorf("%q has the type %s, want %s", c.format, m, c.media)
		}
		if d := got.header.Get("Content-Disposition"); d != "attachment; filename="+c.name {
			t.Errorf("%q is called %s, want %s", c.format, d, c.name)
		}
		if !strings.HasPrefix(string(got.body), c.begins) {
			t.Errorf("%q begins %.40s, want %s", c.format, got.body, c.begins)
		}
	}
	dragon := s.admin.get(at + "/export?format=threat-dragon").want(200).body
	var was, is map[string]any
	if err := json.Unmarshal(file, &was); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(dragon), &is); err != nil {
		t.Fatalf("the export is no JSON: %v", err)
	}
	if again := s.admin.upload(at+"/imports?preview=true", string(dragon)).want(200); again.at("added") != 0.0 || again.at("changed") != 0.0 {
		t.Errorf("the export again = %s", again.body)
	}

	writes := map[string]bool{}
	for _, f := range s.admin.get("/formats").want(200).at("items").([]any) {
		f := f.(map[string]any)
		if f["title"] == "" {
			t.Errorf("the format %v has no title", f["name"])
		}
		if as, ok := f["export"].(string); ok {
			s.admin.get(at + "/export?format=" + as).want(200)
			writes[as] = true
		}
	}
	if !writes["threatloop"] || !writes["threat-dragon"] || !writes["otm"] {
		t.Errorf("formats are written as %v, want threatloop, threat-dragon and otm among them", writes)
	}

	list := s.admin.get(at + "/sources").want(200)
	source := list.text("items", 0, "id")
	if list.text("items", 0, "name") != "diagram.json" {
		t.Errorf("sources = %s", list.body)
	}
	got := s.admin.get(at + "/sources/" + source).want(200)
	if string(got.body) != string(file) || got.header.Get("Content-Disposition") != "attachment; filename=diagram.json" {
		t.Errorf("the kept file has %d bytes, called %s, want %d, diagram.json", len(got.body), got.header.Get("Content-Disposition"), len(file))
	}

	s.admin.get(at + "/export?format=word").want(422)
	s.admin.get(at + "/export?kind=x").want(422)
	s.admin.get("/products/prd_none/export").want(404)
	s.admin.get(at + "/sources/none").want(404)
	_, other := s.person("Ola")
	other.get(at + "/export").want(404)
	other.get(at + "/sources/" + source).want(404)
}
