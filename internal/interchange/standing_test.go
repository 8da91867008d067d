package interchange_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// tdSchema is what Threat Dragon asks of a file.
func tdSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open("testdata/threat-dragon-v2.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("td.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("td.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tdOpens says why Threat Dragon would not take the file for one of its own; nil if it would.
func tdOpens(s *jsonschema.Schema, data []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// TestStandings: what threats have beside the model is seen in the file, which
// Threat Dragon opens, and makes no difference when it comes back.
func TestStandings(t *testing.T) {
	t.Parallel()
	schema := tdSchema(t)
	m := read(t, file(t, filepath.Join(sharedtest.Dir(t, "samples", "threat-dragon"), "v2-all-methodologies.json"))).Model
	m.Threats = append(m.Threats, model.Threat{ID: "thr_of_product", Where: model.AtProduct, Ref: "own/a", Title: "Nobody looks", Status: model.Open, Origin: model.ByPerson})
	all := interchange.Standings{}
	for i := range m.Threats {
		all[m.Threats[i].ID] = interchange.Standing{
			Tickets: []interchange.Ticket{{Key: "SHOP-12", URL: "https://jira.example.org/browse/SHOP-12", For: "threat", State: "open", Status: "To Do"}},
			Rating:  &interchange.Rating{Inherent: 80, Verified: 80, Current: 40, Projected: 10, Band: "medium"},
		}
	}
	out, _, err := interchange.WriteShowing("threat-dragon", m, all)
	if err != nil {
		t.Fatalf("WriteShowing = %v", err)
	}
	if err := tdOpens(schema, out); err != nil {
		t.Errorf("Threat Dragon does not open it: %v", err)
	}
	if got, want := strings.Count(string(out), `"key": "SHOP-12"`), len(m.Threats); got != want {
		t.Errorf("the file shows %d tickets, want %d", got, want)
	}
	i := read(t, out)
	if diff := tdSame(m, i.Model); diff != "" {
		t.Errorf("the model that comes back (-want +got):\n%s", diff)
	}
	named := false
	for _, n := range i.Notes {
		named = named || strings.Contains(n.Text, "SHOP-12")
	}
	if !named {
		t.Errorf("notes = %v, want one that names the ticket", i.Notes)
	}
	if again := tdWrite(t, through(t, i.Model)); !bytes.Equal(out, again) {
		t.Errorf("converted, what the file shows is lost:\n%s", cmp.Diff(string(out), string(again)))
	}
	less, _, err := interchange.WriteShowing("threat-dragon", i.Model, nil)
	if err != nil || strings.Contains(string(less), "SHOP-12") {
		t.Errorf("WriteShowing without standings keeps those of the file, %v", err)
	}
	interchange.DropStanding(i.Model)
	if less := tdWrite(t, i.Model); strings.Contains(string(less), "SHOP-12") {
		t.Errorf("DropStanding left standings")
	}
}

// TestStandingCopied: who copies a threat in Threat Dragon does not copy its ticket.
func TestStandingCopied(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Product: model.Product{ID: "prd_1", Name: "Shop"}, Diagrams: []model.Diagram{{ID: "0", Title: "Main", Methodology: "STRIDE"}},
		Components: []model.Component{{ID: "web", Diagram: "0", Kind: model.Process, Name: "Web", Box: &model.Box{X: 1, Y: 2, W: 30, H: 40}}},
		Threats:    []model.Threat{{ID: "thr_1", Where: "web", Ref: "own/a", Title: "Forged", Status: model.Open, Origin: model.ByPerson}},
	}
	out, _, err := interchange.WriteShowing("threat-dragon", m, interchange.Standings{"thr_1": {Tickets: []interchange.Ticket{{Key: "SHOP-1", For: "threat", State: "open"}}}})
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	diagram := doc["detail"].(map[string]any)["diagrams"].([]any)[0].(map[string]any)
	cell := diagram["cells"].([]any)[0].(map[string]any)
	second := map[string]any{}
	for k, v := range cell {
		second[k] = v
	}
	second["id"] = "copy"
	diagram["cells"] = []any{cell, second}
	edited, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	i := read(t, edited)
	if len(i.Model.Threats) != 2 {
		t.Fatalf("threats = %+v, want the one and its copy", i.Model.Threats)
	}
	if got := strings.Count(string(tdWrite(t, i.Model)), "SHOP-1"); got != 1 {
		t.Errorf("the ticket is at %d threats, want only where it was", got)
	}
}

// TestThreatDragonOpens checks what is written of models of every kind against what Threat Dragon asks.
func TestThreatDragonOpens(t *testing.T) {
	t.Parallel()
	schema := tdSchema(t)
	for _, dir := range []string{"threat-dragon", "otm", "tm7", "threagile"} {
		files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "samples", dir), "*.*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			data := file(t, path)
			i, err := interchange.Read(data, interchange.Options{Product: "prd_1"})
			if err != nil || i.Format == "threat-dragon-v2" && tdOpens(schema, data) != nil {
				continue // no model, or a file of Threat Dragon's own that it does not know
			}
			if err := tdOpens(schema, tdWrite(t, i.Model)); err != nil {
				t.Errorf("%s, written for Threat Dragon: %v", filepath.Base(path), err)
			}
		}
	}
}
