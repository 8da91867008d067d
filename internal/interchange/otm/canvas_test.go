package otm_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/model"
)

// TestCanvas reads a file of an editor that writes all of its canvas as components,
// with threats and mitigations that say themselves where they belong.
func TestCanvas(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/canvas.json")
	if err != nil {
		t.Fatal(err)
	}
	i := read(t, data)
	m := i.Model
	if diff := cmp.Diff(imported.Counts{Diagrams: 1, Actor: 1, Process: 1, Store: 1, Flow: 1, Boundary: 2, Text: 1, Threats: 4}, i.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	zones := map[model.ElementID]model.ElementID{}
	for _, c := range m.Components {
		zones[c.ID] = c.Zone
	}
	if diff := cmp.Diff(map[model.ElementID]model.ElementID{"ann": "out", "api": "in", "book": "in"}, zones); diff != "" {
		t.Errorf("zones of the components (-want +got):\n%s", diff)
	}
	if len(m.Texts) != 1 || m.Texts[0].Text != "ask\nthe guard" || m.Texts[0].Box == nil {
		t.Errorf("texts = %+v, want the note where it is drawn", m.Texts)
	}
	if f := m.Flows[0]; f.Protocol != "HTTPS" || !cmp.Equal(f.Attributes, map[string]string{"encrypted": "yes", "public_network": "no"}) {
		t.Errorf("flow = %+v, want what its attributes say", f)
	}
	wheres, titles := map[model.ThreatID]string{}, map[model.CountermeasureID]string{}
	got := map[string]string{}
	for _, th := range m.Threats {
		wheres[th.ID] = th.Title + " at " + string(th.Where)
		got[wheres[th.ID]+" #"+th.Ref] = string(th.Status)
	}
	if diff := cmp.Diff(map[string]string{"Forged order at api #otm/t1": "open", "Torn page at book #otm/t2": "mitigated", "Lost at product #otm/lost": "open", "Lost at product #otm/lost-2": "open"}, got); diff != "" {
		t.Errorf("threats (-want +got):\n%s", diff)
	}
	for _, c := range m.Countermeasures {
		titles[c.ID] = c.Title + " " + string(c.State)
	}
	links := map[string]float64{}
	for _, l := range m.Links {
		links[wheres[l.Threat]+": "+titles[l.Countermeasure]] = l.Share
	}
	if diff := cmp.Diff(map[string]float64{"Forged order at api: Seal implemented": 60, "Forged order at api: Guard required": 20, "Torn page at book: Seal implemented": 60}, links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	for _, want := range []struct {
		level imported.Level
		words string
	}{
		{imported.Guess, `by its type "trustBoundaryNode" it is taken as a trust zone`},
		{imported.Guess, "6 elements name themselves as their parents: the trust zones are told by the drawing"},
		{imported.Guess, "no likelihood and no impact is above 5"},
		{imported.Refused, `the component "gone" does not exist`},
	} {
		n := 0
		for _, note := range i.Notes {
			if note.Level == want.level && strings.Contains(note.Text, want.words) && note.At != "" {
				n++
			}
		}
		if n == 0 {
			t.Errorf("no note %s with %q in %+v", want.level, want.words, i.Notes)
		}
	}
	roundTrip(t, m, nil)
}

// TestFlowAttributes reads attributes of flows as StartLeft takes them out of the Microsoft tool.
func TestFlowAttributes(t *testing.T) {
	t.Parallel()
	m := read(t, []byte(`otmVersion: 0.1.0
project: {id: p, name: P}
components: [{id: a, name: A, type: api}, {id: b, name: B, type: db}]
dataflows: [{id: f, name: F, source: a, destination: b, attributes: {Provides Confidentiality: "Yes", Source Authenticated: Not Selected, Generic Data Flow: {}}}]
`)).Model
	if diff := cmp.Diff(map[string]string{"encrypted": "yes"}, m.Flows[0].Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}
