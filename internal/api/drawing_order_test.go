package api

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// move puts a diagram behind another one, "" for the first place.
func move(id string, version int, title, after string) m {
	c := put("diagrams", id, version, m{"title": title})
	c["after"] = after
	return c
}

// order returns the ids of the diagrams as they stand.
func (d sheet) order() string {
	d.s.t.Helper()
	var ids []string
	for _, x := range d.open().list("diagrams") {
		ids = append(ids, x.(m)["id"].(string))
	}
	return strings.Join(ids, " ")
}

// sheets makes a product with the diagrams d, e and f.
func (s *server) sheets() sheet {
	s.t.Helper()
	d := s.sheet()
	d.change(put("diagrams", "e", 0, m{"title": "E"}), put("diagrams", "g", 0, m{"title": "G"})).want(200) // version 3
	return d
}

func TestDiagramsAreMoved(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	d := s.sheets()
	if got := d.order(); got != "d e g" {
		t.Fatalf("new diagrams stand as %s, want at the end: d e g", got)
	}
	for _, c := range []struct {
		changes []m
		want    string
	}{
		{[]m{move("g", 3, "G", "")}, "g d e"},
		{[]m{move("g", 4, "G", "e")}, "d e g"},
		{[]m{move("g", 5, "G", "d"), move("e", 3, "E", "g")}, "d g e"},
		{[]m{move("d", 2, "Main", "e"), move("e", 6, "E", "g")}, "g e d"}, // e stays behind g
		{[]m{move("new", 0, "New", "g")}, "g new e d"},
		{[]m{move("x", 0, "X", "y"), move("y", 0, "Y", "new")}, "g new y x e d"},
		{[]m{drop("diagrams", "y", 0), move("x", 9, "X", "")}, "x g new e d"},
	} {
		d.change(c.changes...).want(200)
		if got := d.order(); got != c.want {
			t.Fatalf("after %v the diagrams stand as %s, want %s", c.changes, got, c.want)
		}
	}
	export := d.get("/products/" + d.product + "/export?format=threat-dragon").want(200)
	var titles []string
	for _, x := range export.list("detail", "diagrams") {
		titles = append(titles, x.(m)["title"].(string))
	}
	if want := []string{"X", "G", "New", "E", "Main"}; !slices.Equal(titles, want) {
		t.Errorf("the diagrams of the exported file stand as %v, want %v", titles, want)
	}
}

func TestMovesAreVersionedAndTold(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	d := s.sheets()
	path := "/products/" + d.product + "/history?diagram=g"
	view := d.post("/products/"+d.product+"/drawing/changes", m{"label": "Move diagram G", "changes": l{move("g", 3, "G", "")}}).want(200)
	if got := view.at("versions", "diagrams/g"); got != view.at("version") || got != 4.0 {
		t.Errorf("version of what was moved = %v, want the product's, 4", got)
	}
	if diff := gocmp.Diff(any(m{"diagrams/d": 2.0, "diagrams/e": 3.0, "diagrams/g": 4.0}), onlyDiagrams(d.open())); diff != "" {
		t.Errorf("versions of the diagrams (-want +got):\n%s", diff)
	}
	// What nothing follows from: no rating and no fact moved.
	if got := view.at("facts").(m); len(got) != 0 {
		t.Errorf("facts that changed = %v, want none", got)
	}
	told := d.get(path).want(200)
	want := m{"action": "model.move", "kind": "diagram", "id": "g", "name": "G", "old": m{"title": "G", "after": "e"}, "new": m{"title": "G", "after": ""}}
	if diff := gocmp.Diff(l{want}, told.list("items", 0, "changes")); diff != "" || told.text("items", 0, "label") != "Move diagram G" {
		t.Errorf("history of the move %q (-want +got):\n%s", told.text("items", 0, "label"), diff)
	}

	// Somebody who did not see the move moves it too: it is shown, and nothing is changed.
	stale := d.change(move("g", 3, "G", "d")).want(412)
	if got := stale.at("conflicts", 0, "id"); got != "g" || stale.text("conflicts", 0, "by") != "Ada" {
		t.Errorf("the conflict is %s, want about g, by Ada", stale.body)
	}
	// The same move again loses nobody's.
	d.change(move("g", 3, "G", "")).want(200)
	// Renaming does not move, moving another does not touch it.
	d.change(put("diagrams", "g", 4, m{"title": "First"}), move("d", 2, "Main", "e")).want(200)
	if got := d.order(); got != "g e d" {
		t.Errorf("order = %s, want g e d", got)
	}
	// The one to stand behind is gone.
	d.change(drop("diagrams", "e", 0)).want(200)
	gone := d.change(move("d", 5, "Main", "e")).want(412)
	if diff := gocmp.Diff(m{"kind": "diagrams", "id": "e", "version": 0.0, "element": nil}, only(gone.at("conflicts", 0), "kind", "id", "version", "element")); diff != "" {
		t.Errorf("the conflict (-want +got):\n%s", diff)
	}
	if got := d.get("/products/" + d.product + "/audit/check"); got.status == 200 && got.at("whole") != true {
		t.Errorf("the audit trail = %s, want it whole", got.body)
	}
}

func onlyDiagrams(a answer) any {
	all := m{}
	for k, v := range a.at("versions").(m) {
		if strings.HasPrefix(k, "diagrams/") {
			all[k] = v
		}
	}
	return all
}

func only(v any, keys ...string) m {
	out := m{}
	for _, k := range keys {
		out[k] = v.(m)[k]
	}
	return out
}

func TestPlacesThatCannotBe(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	d := s.sheets()
	for _, c := range []struct {
		name    string
		changes []m
	}{
		{"behind itself", []m{move("e", 3, "E", "e")}},
		{"in a circle", []m{move("e", 3, "E", "g"), move("g", 3, "G", "e")}},
		{"two behind one", []m{move("e", 3, "E", "d"), move("g", 3, "G", "d")}},
		{"behind what goes", []m{move("e", 3, "E", "g"), drop("diagrams", "g", 0)}},
		{"of a component", []m{func() m {
			c := put("components", "c", 0, m{"diagram": "d", "kind": "process", "name": "C"})
			c["after"] = "d"
			return c
		}()}},
	} {
		if got := d.change(c.changes...).want(422).text("code"); got != "drawing.invalid" {
			t.Errorf("%s is refused with %s, want drawing.invalid", c.name, got)
		}
	}
	if got := d.order(); got != "d e g" {
		t.Errorf("order after what was refused = %s, want d e g", got)
	}
}

// TestNothingChangesItsDiagram: what names no diagram is seen with the first one,
// and stays there when another one becomes the first.
func TestNothingChangesItsDiagram(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	d := s.sheets()
	d.change(put("components", "stray", 0, m{"kind": "process", "name": "Stray"})).want(200)
	d.change(move("g", 3, "G", "")).want(200)
	if got := d.open(); got.text("diagram") != "g" || len(got.list("components")) != 0 {
		t.Errorf("the first diagram = %s, want g, with nothing in it", got.body)
	}
	if got := d.get("/products/"+d.product+"/drawing?diagram=d").want(200).element("components", "stray"); got["diagram"] != "d" {
		t.Errorf("stray = %v, want it in d, where people saw it", got)
	}
}
