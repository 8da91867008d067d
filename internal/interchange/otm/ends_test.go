package otm_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/otm"
	"github.com/threatloop/threatloop/internal/model"
)

// TestFlowEndsAtZone: a flow that ends at a trust zone is a data flow between two
// components for every other tool, and ends at the zone again when it comes back.
func TestFlowEndsAtZone(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Product:  model.Product{ID: "prd_1", Name: "Shop"},
		Diagrams: []model.Diagram{{ID: "0", Title: "Main"}},
		Zones:    []model.Zone{{ID: "dmz", Diagram: "0", Name: "DMZ", Trust: 40, Box: &model.Box{X: 100, Y: 50, W: 300, H: 200}}, {ID: "lan", Diagram: "0", Name: "LAN", Trust: 80}},
		Components: []model.Component{
			{ID: "user", Diagram: "0", Kind: model.Actor, Name: "User"},
		},
		Flows: []model.Flow{
			{ID: "a", Diagram: "0", Name: "In", From: "user", To: "dmz"}, {ID: "b", Diagram: "0", Name: "Within", From: "dmz", To: "lan", Bidirectional: true}, {ID: "c", Diagram: "0", Name: "Loose", From: "user"},
		},
		Threats: []model.Threat{{ID: "thr_1", Where: "a", Ref: "own/a", Title: "Read", Status: model.Open, Impact: model.CIA{Confidentiality: 50}, Ease: 50, Origin: model.ByPerson}},
	}
	data, _, err := otm.Write(m)
	if err != nil {
		t.Fatalf("Write = %v", err)
	}
	var file struct {
		Components []struct {
			ID     string            `json:"id"`
			Parent map[string]string `json:"parent"`
		} `json:"components"`
		Dataflows []struct {
			ID, Source, Destination string
			Threats                 []any
		} `json:"dataflows"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, c := range file.Components {
		parts[c.ID] = c.Parent["trustZone"]
	}
	if len(parts) != 3 || len(file.Dataflows) != 2 || len(file.Dataflows[0].Threats) != 1 {
		t.Fatalf("components %v, data flows %+v, want one for the user and each zone, and the two that are joined", parts, file.Dataflows)
	}
	for _, f := range file.Dataflows {
		for _, end := range []string{f.Source, f.Destination} {
			if _, ok := parts[end]; !ok {
				t.Errorf("data flow %s ends at %q, which is no component", f.ID, end)
			}
		}
	}
	if got := parts[file.Dataflows[0].Destination]; got != "dmz" {
		t.Errorf("the flow into the zone ends in %q, want dmz", got)
	}
	root, err := jsontree.Parse(data, imported.Options{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := otm.Read(root, imported.Options{Product: "prd_1"})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	if diff := cmp.Diff(m.Flows, back.Model.Flows); diff != "" {
		t.Errorf("flows that come back (-want +got):\n%s", diff)
	}
	if len(back.Model.Components) != 1 || slices.ContainsFunc(back.Notes, func(n imported.Note) bool { return n.Level == imported.Guess || n.Level == imported.Refused }) {
		t.Errorf("components %+v, notes %+v, want the user alone and nothing guessed", back.Model.Components, back.Notes)
	}
}
