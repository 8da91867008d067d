package model

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawnNetwork draws a model with nested zones, components and flows among them.
func drawnNetwork(t *rapid.T) *Model {
	m := &Model{}
	percent := rapid.IntRange(0, 100)
	for i := range rapid.IntRange(0, 5).Draw(t, "zones") {
		z := Zone{ID: ElementID(fmt.Sprint("z", i)), Trust: percent.Draw(t, "trust")}
		if i > 0 && rapid.Bool().Draw(t, "nested") {
			z.Parent = m.Zones[rapid.IntRange(0, i-1).Draw(t, "parent")].ID
		}
		m.Zones = append(m.Zones, z)
	}
	n := rapid.IntRange(1, 12).Draw(t, "components")
	for i := range n {
		c := Component{ID: ElementID(fmt.Sprint("c", i)), Kind: rapid.SampledFrom([]Kind{Actor, Process, Store}).Draw(t, "kind")}
		if len(m.Zones) > 0 && rapid.Bool().Draw(t, "zoned") {
			c.Zone = rapid.SampledFrom(m.Zones).Draw(t, "zone").ID
		}
		m.Components = append(m.Components, c)
	}
	for i := range rapid.IntRange(0, 25).Draw(t, "flows") {
		m.Flows = append(m.Flows, Flow{
			ID: ElementID(fmt.Sprint("f", i)), Bidirectional: rapid.Bool().Draw(t, "both"),
			From: rapid.SampledFrom(m.Components).Draw(t, "from").ID, To: rapid.SampledFrom(m.Components).Draw(t, "to").ID,
		})
	}
	return m
}

// TestPathsGiveTheExposure: walking a path from where it begins gives the exposure
// that the element has, along flows that lead that way.
func TestPathsGiveTheExposure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, k := drawnNetwork(t), rapid.SampledFrom([]float64{0.5, 0.8, 1}).Draw(t, "k")
		d := Derive(m, k)
		for i := range m.Components {
			if e := d.Exposure(i); e < LeastExposure || e > 100 {
				t.Fatalf("exposure of %s = %g, want 5 to 100", m.Components[i].ID, e)
			}
			path := d.Path(i, 0)
			at, _ := d.Index(path[0])
			carried := d.Own(at)
			for j := 1; j < len(path); j += 2 {
				f := m.Flows[slices.IndexFunc(m.Flows, func(f Flow) bool { return f.ID == path[j] })]
				if !(f.From == path[j-1] && f.To == path[j+1] || f.Bidirectional && f.To == path[j-1] && f.From == path[j+1]) {
					t.Fatalf("path %v: %s does not lead from %s to %s", path, path[j], path[j-1], path[j+1])
				}
				next, _ := d.Index(path[j+1])
				below, _ := d.Trust(at)
				if above, _ := d.Trust(next); above > below {
					carried *= k
				}
				at = next
			}
			if at != i || carried != d.Exposure(i) {
				t.Fatalf("path %v gives %g, want %g", path, carried, d.Exposure(i))
			}
			if short := d.Path(i, 1); !slices.Equal(short, path[max(0, len(path)-3):]) {
				t.Fatalf("path of one flow = %v, want the end of %v", short, path)
			}
		}
	})
}

// TestFactsDoNotDependOnOrder: shuffled lists give the same situations and paths.
func TestFactsDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawnNetwork(t)
		other := &Model{
			Zones: rapid.Permutation(m.Zones).Draw(t, "zones"), Components: rapid.Permutation(m.Components).Draw(t, "components"),
			Flows: rapid.Permutation(m.Flows).Draw(t, "flows"),
		}
		a, b := Derive(m, DefaultClimb), Derive(other, DefaultClimb)
		ids := []ElementID{AtProduct}
		for i := range m.Zones {
			ids = append(ids, m.Zones[i].ID)
		}
		for i := range m.Components {
			ids = append(ids, m.Components[i].ID)
		}
		for i := range m.Flows {
			ids = append(ids, m.Flows[i].ID)
			if x, y := a.Crossed(&m.Flows[i]), b.Crossed(&m.Flows[i]); !slices.Equal(x, y) {
				t.Fatalf("%s crosses %v or %v", m.Flows[i].ID, x, y)
			}
		}
		for _, id := range ids {
			if diff := cmp.Diff(a.At(id), b.At(id)); diff != "" {
				t.Fatalf("At(%s) depends on the order:\n%s", id, diff)
			}
			if x, y := a.ExposurePath(id, 0), b.ExposurePath(id, 0); !slices.Equal(x, y) {
				t.Fatalf("ExposurePath(%s) = %v or %v", id, x, y)
			}
		}
	})
}

func TestCrossed(t *testing.T) {
	t.Parallel()
	m := &Model{
		Zones:      []Zone{{ID: "out"}, {ID: "in", Parent: "out"}, {ID: "core", Parent: "in"}, {ID: "side", Parent: "out"}},
		Components: []Component{{ID: "a", Zone: "core"}, {ID: "b", Zone: "side"}, {ID: "c", Zone: "out"}, {ID: "d"}},
		Curves:     []Curve{{ID: "line"}},
	}
	d := Derive(m, DefaultClimb)
	for _, c := range []struct {
		flow Flow
		want []ElementID
	}{
		{Flow{From: "a", To: "b"}, []ElementID{"core", "in", "side"}},
		{Flow{From: "c", To: "a"}, []ElementID{"core", "in"}},
		{Flow{From: "a", To: "d", Crosses: []ElementID{"line"}}, []ElementID{"core", "in", "out", "line"}},
		{Flow{From: "a", To: "a"}, nil},
		{Flow{From: "a", Crosses: []ElementID{"line"}}, []ElementID{"line"}},
	} {
		if got := d.Crossed(&c.flow); !slices.Equal(got, c.want) {
			t.Errorf("Crossed(%s to %s) = %v, want %v", c.flow.From, c.flow.To, got, c.want)
		}
	}
}

// BenchmarkDerive works out all facts of 3,000 elements and more: 1,500 components
// in 150 nested zones, each with a flow to the next, which is one long chain.
func BenchmarkDerive(b *testing.B) {
	m := &Model{}
	for i := range 150 {
		z := Zone{ID: ElementID(fmt.Sprint("z", i)), Trust: i % 101}
		if i%10 > 0 {
			z.Parent = m.Zones[i-1].ID
		}
		m.Zones = append(m.Zones, z)
	}
	for i := range 1500 {
		m.Components = append(m.Components, Component{ID: ElementID(fmt.Sprint("c", i)), Kind: Process, Zone: m.Zones[i/10].ID})
		m.Flows = append(m.Flows, Flow{ID: ElementID(fmt.Sprint("f", i)), From: m.Components[i].ID, To: ElementID(fmt.Sprint("c", (i+1)%1500))})
	}
	for b.Loop() {
		d := Derive(m, DefaultClimb)
		for i := range m.Zones {
			d.At(m.Zones[i].ID)
		}
		for i := range m.Components {
			d.ExposurePath(m.Components[i].ID, 50)
		}
		for i := range m.Flows {
			d.ExposurePath(m.Flows[i].ID, 50)
			d.Crossed(&m.Flows[i])
		}
	}
}
