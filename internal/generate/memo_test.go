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
	switch rapid.IntRange(0, 13).Draw(rt, "edit") {
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
	case 12:
		flow().Protocol = rapid.SampledFrom([]string{"", "http", "HTTP", "amqp"}).Draw(rt, "protocol")
	case 13:
		f := flow()
		f.From, f.To = f.To, f.From
	}
}

// TestMemoForgetsNothing: after any edits, a memo answers what Desired answers.
func TestMemoForgetsNothing(t *testing.T) {
	t.Parallel()
	lib := small(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt)
		memo := generate.NewMemo(lib)
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
			redraw(rt, m)
		}
	})
}
