package interchange_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/model"
)

// beside is a file whose generator put the threats into the diagram.
func beside(cells string) string {
	return `{
  "version": "2.6.2",
  "summary": {"title": "Shop", "owner": "", "description": "", "id": 0},
  "detail": {
    "contributors": [], "reviewer": "", "diagramTop": 1, "threatTop": 0,
    "diagrams": [{"id": 0, "title": "Data flow", "diagramType": "STRIDE", "thumbnail": "", "version": "2.6.2",
      ` + cells + `,
      "threats": [
        {"id": "t-1", "title": "SQL injection", "type": "Tampering", "status": "Open", "severity": "High", "description": "d", "mitigation": "Bind parameters.", "associatedComponent": "web"},
        {"id": "t-2", "title": "Leak", "type": "Information Disclosure", "status": "Mitigated", "severity": "Low", "description": "", "mitigation": "Encrypt.", "component": "orders"},
        "none",
        {"id": "t-3", "title": "Nobody feels responsible", "type": "Repudiation", "status": "Open", "severity": "Low", "description": "", "mitigation": ""}
      ]
    }]
  }
}`
}

const (
	besideNew = `"cells": [
        {"id": "web", "shape": "process", "zIndex": 1, "position": {"x": 0, "y": 0}, "size": {"width": 60, "height": 60}, "data": {"type": "tm.Process", "name": "Web server", "hasOpenThreats": false, "threats": []}},
        {"id": "store", "shape": "store", "zIndex": 2, "position": {"x": 200, "y": 0}, "size": {"width": 60, "height": 60}, "data": {"type": "tm.Store", "name": "Orders", "hasOpenThreats": false, "threats": []}}
      ]`
	besideOld = `"diagramJson": {"cells": [
        {"id": "web", "type": "tm.Process", "position": {"x": 0, "y": 0}, "size": {"width": 60, "height": 60}, "attrs": {"text": {"text": "Web server"}}},
        {"id": "store", "type": "tm.Store", "position": {"x": 200, "y": 0}, "size": {"width": 60, "height": 60}, "attrs": {"text": {"text": "Orders"}}}
      ]}`
)

// TestThreatsBesideCells: threats that stand in a diagram are those of the elements
// that they name, and stay where they stood; of version 1 they go into the cells.
func TestThreatsBesideCells(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{"version 2": beside(besideNew), "version 1": beside(besideOld)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := read(t, []byte(data))
			places := map[string]model.ElementID{}
			for _, threat := range i.Model.Threats {
				places[threat.Title] = threat.Where
			}
			want := map[string]model.ElementID{"SQL injection": "web", "Leak": "store", "Nobody feels responsible": model.AtProduct}
			if diff := cmp.Diff(want, places); diff != "" {
				t.Errorf("places of the threats (-want +got):\n%s", diff)
			}
			if i.Counts.Threats != 3 || len(i.Model.Countermeasures) != 2 {
				t.Errorf("counted %d threats and read %d countermeasures, want 3 and 2", i.Counts.Threats, len(i.Model.Countermeasures))
			}
			guesses := 0
			for _, n := range i.Notes {
				if n.Level == imported.Guess && strings.Contains(n.Text, "beside the cells") && n.At != "" {
					guesses++
				}
				if strings.Contains(n.Text, `"threats"`) || strings.Contains(n.Text, `"associatedComponent"`) {
					t.Errorf("note %q, want none on keys that are read", n.Text)
				}
			}
			if guesses != 3 {
				t.Errorf("notes on threats beside the cells = %d, want one for each of 3", guesses)
			}
			out := tdWrite(t, through(t, i.Model))
			again, err := interchange.Read(out, interchange.Options{Product: i.Model.Product.ID})
			if err != nil {
				t.Fatalf("Read(Write(m)) = %v", err)
			}
			if diff := tdSame(i.Model, again.Model); diff != "" {
				t.Errorf("Read(Write(m)) (-want +got):\n%s\n%s", diff, out)
			}
			var before, after any
			if json.Unmarshal([]byte(data), &before) != nil || json.Unmarshal(out, &after) != nil {
				t.Fatal("no JSON")
			}
			if diff := cmp.Diff(before, after); name == "version 2" && diff != "" {
				t.Errorf("the file that nobody changed was changed (-want +got):\n%s", diff)
			}
			if at := bytes.Index(out, []byte(`"t-1"`)); name == "version 1" && at > bytes.Index(out, []byte(`"tm.Store"`)) {
				t.Errorf("the threat of the web server stands outside its cell:\n%s", out)
			}
		})
	}
}

// TestThreatsBesideDiagrams: threats that stand in no diagram are told.
func TestThreatsBesideDiagrams(t *testing.T) {
	t.Parallel()
	i := read(t, []byte(`{"summary": {"title": "x"}, "detail": {"diagramTop": 0, "diagrams": [], "threats": [{"title": "a"}, {"title": "b"}]}}`))
	want := []imported.Note{{Level: imported.Refused, Where: "file", At: "in:1:84", Text: "2 threats stand in no diagram: kept in the file, and not in the model"}}
	if diff := cmp.Diff(want, i.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestAgents: the shapes for agents and their tools are processes, and are written as they were.
func TestAgents(t *testing.T) {
	t.Parallel()
	data := []byte(beside(`"cells": [
        {"id": "web", "shape": "agent", "zIndex": 0, "position": {"x": 0, "y": 0}, "size": {"width": 150, "height": 80}, "label": "Planner", "data": {"type": "tm.Agent", "name": "Planner", "hasOpenThreats": false, "threats": []}},
        {"id": "store", "shape": "agent-tool", "zIndex": 0, "position": {"x": 300, "y": 0}, "size": {"width": 150, "height": 80}, "data": {"type": "tm.Tool", "name": "Orders", "hasOpenThreats": false, "threats": []}}
      ]`))
	i := read(t, data)
	if i.Counts.Process != 2 || len(i.Model.Components) != 2 {
		t.Fatalf("read %d processes and %d components, want 2 of each", i.Counts.Process, len(i.Model.Components))
	}
	i.Model.Components[0].Name = "Renamed"
	out := tdWrite(t, i.Model)
	for _, want := range []string{`"shape": "agent"`, `"shape": "agent-tool"`, `"name": "Renamed"`} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("Write lacks %s:\n%s", want, out)
		}
	}
}

// TestThumbnails: Threat Dragon shows no model with a picture that it does not have.
func TestThumbnails(t *testing.T) {
	t.Parallel()
	for methodology, want := range map[string]string{
		"STRIDE": "thumbnail.stride.jpg", "LINDDUN": "thumbnail.linddun.jpg", "CIA": "thumbnail.cia.jpg", "DIE": "thumbnail.die.jpg", "CIADIE": "thumbnail.die.jpg",
		"PLOT4ai": "thumbnail.plot4ai.jpg", "EOP": "thumbnail.eop.jpg", "Generic": "thumbnail.jpg", "OTM": "thumbnail.jpg", "": "thumbnail.stride.jpg",
	} {
		m := &model.Model{Product: model.Product{ID: "shop", Name: "Shop"}, Diagrams: []model.Diagram{{ID: "0", Title: "D", Methodology: methodology}}}
		var doc struct {
			Detail struct{ Diagrams []struct{ Thumbnail string } }
		}
		if err := json.Unmarshal(tdWrite(t, m), &doc); err != nil {
			t.Fatal(err)
		}
		if got := doc.Detail.Diagrams[0].Thumbnail; got != "./public/content/images/"+want {
			t.Errorf("thumbnail of %q = %q, want %q", methodology, got, want)
		}
	}
}

// TestTwins: of a key that a kept object has twice our YAML holds the last, as JSON's readers do.
func TestTwins(t *testing.T) {
	t.Parallel()
	stable(t, []byte(`{"summary": {"title": "x", "custom": {"a": 1, "b": 2, "a": 3}}, "detail": {"diagramTop": 0, "diagrams": []}}`))
}
