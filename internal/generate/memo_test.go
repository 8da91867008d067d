package generate_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
)

// redraw changes a model in place, as a person in the editor would.
func redraw(rt *rapid.T, m *model.Model) {
	component := func() *model.Component {
		if len(m.Components) == 0 {
			return &model.Component{}
		}
		return &m.Components[rapid.IntRange(0, len(m.Components)-1).Draw(rt, "component")]
	}
	flow := func() *model.Flow {
		if len(m.Flows) == 0 {
			return &model.Flow{}
		}
		return &m.Flows[rapid.IntRange(0, len(m.Flows)-1).Draw(rt, "flow")]
	}
	switch rapid.IntRange(0, 11).Draw(rt, "edit") {
	case 0:
		c := component()
		c.Name += "'"
		c.Tags = []string{"legacy"}
	case 1:
		component().Tags = nil
	case 2:
		c := component()
		if c.Kind == model.Process {
			c.Type = rapid.SampledFrom([]string{"", "web"}).Draw(rt, "type")
		}
	case 3:
		f := flow()
		if f.Attributes == nil {
			f.Attributes = map[string]string{}
		}
		f.Attributes[rapid.SampledFrom([]string{"encrypted", "public_network"}).Draw(rt, "attribute")] = rapid.SampledFrom([]string{"yes", "no"}).Draw(rt, "value")
	case 4:
		f := flow()
		f.Bidirectional = !f.Bidirectional
	case 5:
		c := component()
		c.OutOfScope = !c.OutOfScope
	case 6:
		if len(m.Zones) > 0 {
			m.Zones[rapid.IntRange(0, len(m.Zones)-1).Draw(rt, "zone")].Trust = rapid.IntRange(0, 100).Draw(rt, "trust")
		}
	case 7:
		if n := len(m.Components); n > 0 {
			i := rapid.IntRange(0, n-1).Draw(rt, "gone")
			id := m.Components[i].ID
			m.Components = slices.Delete(m.Components, i, i+1)
			m.Flows = slices.DeleteFunc(m.Flows, func(f model.Flow) bool { return f.To == id || f.From == id })
		}
	case 8:
		id := model.ElementID(fmt.Sprintf("n%d", rapid.IntRange(0, 1000).Draw(rt, "id")))
		if !slices.ContainsFunc(m.Components, func(c model.Component) bool { return c.ID == id }) {
			m.Components = append(m.Components, model.Component{ID: id, Name: "New", Kind: model.Store, Type: "database"})
		}
	case 9:
		if n := len(m.Flows); n > 0 {
			m.Flows = slices.Delete(m.Flows, n-1, n)
		}
	case 10:
		m.Answers = []model.Answer{{Question: "reach", Values: []string{rapid.SampledFrom([]string{"internet", "intranet"}).Draw(rt, "reach")}}}
	case 11:
		m.Assets[rapid.IntRange(0, 2).Draw(rt, "asset")].Value.Confidentiality = rapid.IntRange(0, 100).Draw(rt, "worth")
	}
}

// byPlace is a result cut into places.
func byPlace(t testing.TB, r *generate.Result) map[model.ElementID]string {
	t.Helper()
	cut := map[model.ElementID]*generate.Wanted{}
	at := func(where model.ElementID) *generate.Wanted {
		if cut[where] == nil {
			cut[where] = &generate.Wanted{Where: where}
		}
		return cut[where]
	}
	home := map[model.ThreatID]model.ElementID{}
	for _, x := range r.Threats {
		at(x.Where).Threats = append(at(x.Where).Threats, x)
		home[x.ID] = x.Where
	}
	for _, x := range r.Weaknesses {
		at(x.Where).Weaknesses = append(at(x.Where).Weaknesses, x)
	}
	for _, x := range r.Countermeasures {
		at(x.Where).Countermeasures = append(at(x.Where).Countermeasures, x)
	}
	for _, x := range r.Links {
		w := at(home[x.Threat])
		w.Links = append(w.Links, x)
	}
	out := map[model.ElementID]string{}
	for where, w := range cut {
		out[where] = asJSON(t, w)
	}
	return out
}

// TestMemoForgetsNothing: after any edits, a memo answers what Desired answers, and
// names every place where something is wanted that was not, or no longer.
func TestMemoForgetsNothing(t *testing.T) {
	t.Parallel()
	lib := small(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt)
		memo, told := generate.NewMemo(lib), generate.NewMemo(lib)
		before := map[model.ElementID]string{}
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			res := want(t, m, lib)
			got, err := memo.Desired(m)
			if err != nil {
				rt.Fatalf("Memo.Desired: %v", err)
			}
			if a, b := asJSON(t, got), asJSON(t, res); a != b {
				rt.Fatalf("Memo.Desired = %s\nwant %s", a, b)
			}
			// What a caller does to a result is its own business.
			for i := range got.Threats {
				got.Threats[i].Why[0].Library = "changed"
			}
			after := byPlace(t, res)
			changed, err := told.Update(m)
			if err != nil {
				rt.Fatalf("Memo.Update: %v", err)
			}
			for _, w := range changed {
				if now, ok := after[w.Where]; ok && now != asJSON(t, w) {
					rt.Fatalf("Memo.Update at %s = %s\nwant %s", w.Where, asJSON(t, w), now)
				} else if !ok && len(w.Threats)+len(w.Weaknesses)+len(w.Countermeasures) > 0 {
					rt.Fatalf("Memo.Update at %s = %s, want nothing there", w.Where, asJSON(t, w))
				}
				delete(before, w.Where)
				if now, ok := after[w.Where]; ok {
					before[w.Where] = now
				}
			}
			if a, b := asJSON(t, before), asJSON(t, after); a != b {
				rt.Fatalf("what the updates add up to = %s\nwant %s", a, b)
			}
			redraw(rt, m)
		}
	})
}
