package model

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/fault"
)

func zone(id ElementID, x, y, w, h float64) Zone {
	return Zone{ID: id, Diagram: "d", Box: &Box{X: x, Y: y, W: w, H: h}}
}

func component(id ElementID, x, y float64) Component {
	return Component{ID: id, Diagram: "d", Kind: Process, Box: &Box{X: x - 5, Y: y - 5, W: 10, H: 10}}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	m := &Model{
		Zones: []Zone{
			zone("inner", 20, 20, 30, 30), zone("outer", 0, 0, 100, 100), zone("side", 40, 40, 80, 80),
			zone("twin1", 300, 0, 50, 50), zone("twin2", 300, 0, 50, 50),
		},
		Components: []Component{
			component("in", 25, 25), component("mid", 10, 90), component("off", 200, 200),
			component("both", 90, 90), component("twin", 310, 10),
		},
		Curves: []Curve{{ID: "curve", Diagram: "d", Points: []Point{{150, 0}, {150, 300}}}, {ID: "other", Diagram: "e", Points: []Point{{150, 0}, {150, 300}}}},
		Flows: []Flow{
			{ID: "across", Diagram: "d", From: "in", To: "off"},
			{ID: "around", Diagram: "d", From: "in", To: "off", Vertices: []Point{{25, 400}, {200, 400}}},
			{ID: "loose", Diagram: "d", FromPoint: &Point{0, 150}, ToPoint: &Point{150, 150}},
			{ID: "nowhere", Diagram: "d", From: "in"},
		},
	}
	unclear := Place(m)
	got := map[ElementID]ElementID{}
	for _, z := range m.Zones {
		got[z.ID] = z.Parent
	}
	for _, c := range m.Components {
		got[c.ID] = c.Zone
	}
	want := map[ElementID]ElementID{
		"inner": "outer", "outer": "", "side": "", "twin1": "", "twin2": "twin1",
		"in": "inner", "mid": "outer", "off": "", "both": "side", "twin": "twin2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Place: zones (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]ElementID{"both"}, unclear); diff != "" {
		t.Errorf("Place: unclear (-want +got):\n%s", diff)
	}
	crossed := map[ElementID][]ElementID{}
	for _, f := range m.Flows {
		crossed[f.ID] = f.Crosses
	}
	wantCrossed := map[ElementID][]ElementID{"across": {"curve"}, "around": nil, "loose": {"curve"}, "nowhere": nil}
	if diff := cmp.Diff(wantCrossed, crossed); diff != "" {
		t.Errorf("Place: crossings (-want +got):\n%s", diff)
	}
}

func TestPlaceIsAForest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &Model{}
		n := rapid.IntRange(0, 12).Draw(t, "zones")
		side := rapid.IntRange(0, 6)
		for i := range n {
			m.Zones = append(m.Zones, zone(ElementID(rune('a'+i)), float64(side.Draw(t, "x")), float64(side.Draw(t, "y")), float64(side.Draw(t, "w")), float64(side.Draw(t, "h"))))
		}
		m.Diagrams = []Diagram{{ID: "d"}}
		m.Components = append(m.Components, component("component", float64(side.Draw(t, "cx")), float64(side.Draw(t, "cy"))))
		Place(m)
		if err := Validate(m); err != nil {
			t.Fatalf("Validate after Place = %v", err)
		}
	})
}

func TestMeetIsSymmetric(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		point := rapid.Custom(func(t *rapid.T) Point {
			return Point{float64(rapid.IntRange(-5, 5).Draw(t, "x")), float64(rapid.IntRange(-5, 5).Draw(t, "y"))}
		})
		p, q, r, s := point.Draw(t, "p"), point.Draw(t, "q"), point.Draw(t, "r"), point.Draw(t, "s")
		if meet(p, q, r, s) != meet(s, r, q, p) {
			t.Fatalf("meet(%v, %v, %v, %v) depends on the order", p, q, r, s)
		}
		if !meet(p, q, q, r) {
			t.Fatalf("meet of segments with a common end = false")
		}
	})
}

func TestZonesThatContainThemselves(t *testing.T) {
	t.Parallel()
	m := &Model{Zones: []Zone{
		{ID: "a", Parent: "b"}, {ID: "b", Parent: "a"}, {ID: "leads there", Parent: "a"}, {ID: "self", Parent: "self"}, {ID: "top"}, {ID: "below", Parent: "top"},
	}}
	err := fault.As(Validate(m))
	if err == nil {
		t.Fatal("Validate = nil, want the zones that contain themselves")
	}
	var got []string
	for _, f := range err.Fields {
		got = append(got, f.Where)
	}
	if diff := cmp.Diff([]string{"zone a", "zone b", "zone leads there", "zone self"}, got); diff != "" {
		t.Errorf("Validate (-want +got):\n%s", diff)
	}
}
