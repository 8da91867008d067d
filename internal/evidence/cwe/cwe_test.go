package cwe

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The figures of CWE 4.15: 964 weaknesses by abstraction and mapping usage, and
// the shape of view 1000.
func TestGraph(t *testing.T) {
	t.Parallel()
	tree, err := Parse(table)
	if err != nil {
		t.Fatal(err)
	}
	if v, d := tree.Version(); v != "4.15" || d != "2024-07-16" {
		t.Errorf("Version() = %s of %s, want 4.15 of 2024-07-16", v, d)
	}
	kinds, usages, parents, edges, several, roots, deprecated := map[Kind]int{}, map[Usage]int{}, 0, 0, 0, 0, 0
	for _, id := range tree.IDs() {
		e, _ := tree.Lookup(id)
		kinds[e.Kind]++
		usages[e.Usage]++
		edges += len(e.Parents)
		if len(e.Parents) > 0 {
			parents++
		}
		if len(e.Parents) > 1 {
			several++
		}
		old := strings.HasPrefix(e.Name, "DEPRECATED")
		if old {
			deprecated++
		}
		if len(e.Parents) == 0 && !old && len(tree.Children(id)) > 0 {
			roots++
		}
		for _, p := range e.Parents {
			if _, ok := tree.Lookup(p); !ok || !slices.Contains(tree.Children(p), id) {
				t.Errorf("CWE-%d has parent %d, which is unknown or does not know it", id, p)
			}
		}
	}
	if diff := cmp.Diff(map[Kind]int{Pillar: 10, Class: 112, Base: 536, Variant: 299, Compound: 7}, kinds); diff != "" {
		t.Errorf("weaknesses by kind (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[Usage]int{Allowed: 752, WithReview: 86, Discouraged: 42, Prohibited: 84}, usages); diff != "" {
		t.Errorf("weaknesses by usage (-want +got):\n%s", diff)
	}
	got := [5]int{edges, parents, several, roots, deprecated}
	if want := [5]int{1077, 929, 140, 10, 25}; got != want {
		t.Errorf("edges, children, with several parents, roots, deprecated = %v, want %v", got, want)
	}
	categories, views := 0, 0
	for _, e := range tree.entries {
		switch e.Kind {
		case Category:
			categories++
		case View:
			views++
		}
	}
	if categories != 409 || views != 54 {
		t.Errorf("%d categories and %d views, want 409 and 54", categories, views)
	}
}

// Every weakness reaches a root in at most five steps, so the graph has no cycle.
func TestDepth(t *testing.T) {
	t.Parallel()
	tree := Default()
	levels := map[int]int{}
	for _, id := range tree.IDs() {
		e, _ := tree.Lookup(id)
		if strings.HasPrefix(e.Name, "DEPRECATED") {
			continue
		}
		best := -1
		for _, root := range tree.IDs() {
			if r, _ := tree.Lookup(root); r.Kind == Pillar {
				if d := tree.Distance(id, root); d >= 0 && (best < 0 || d < best) {
					best = d
				}
			}
		}
		levels[best]++
	}
	if levels[-1] > 0 || levels[0] != 10 || len(levels) != 6 {
		t.Errorf("weaknesses by distance from their nearest pillar = %v, want 10 at 0, none without, 6 levels", levels)
	}
}

func TestRelations(t *testing.T) {
	t.Parallel()
	tree := Default()
	if diff := cmp.Diff([]int{344, 671, 1391}, tree.Parents(798)); diff != "" {
		t.Errorf("Parents(798) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{668, 706}, tree.Parents(22)); diff != "" {
		t.Errorf("Parents(22) (-want +got):\n%s", diff)
	}
	for _, c := range []struct{ id, above, want int }{
		{89, 89, 0}, {259, 798, 1}, {564, 89, 1}, {564, 943, 2}, {89, 564, -1}, {352, 345, 1}, {16, 89, -1}, {999999, 89, -1},
	} {
		if got := tree.Distance(c.id, c.above); got != c.want {
			t.Errorf("Distance(%d, %d) = %d, want %d", c.id, c.above, got, c.want)
		}
	}
	for id, want := range map[int]bool{89: true, 707: false, 200: false, 20: false, 287: false, 16: false, 1000: false, 4711: false} {
		if got := tree.MapsDown(id); got != want {
			t.Errorf("MapsDown(%d) = %v, want %v", id, got, want)
		}
	}
	for id, want := range map[int][]int{16: nil, 264: nil, 592: {287}, 217: {766, 767}, 89: nil} {
		if diff := cmp.Diff(want, tree.Aliases(id)); diff != "" {
			t.Errorf("Aliases(%d) (-want +got):\n%s", id, diff)
		}
	}
	if got := tree.Aliases(310); len(got) == 0 {
		t.Error("Aliases(310) is empty, want the category's members")
	}
	if got, want := tree.Name(352), "Cross-Site Request Forgery (CSRF)"; got != want {
		t.Errorf("Name(352) = %q, want %q", got, want)
	}
}

func TestParseIDs(t *testing.T) {
	t.Parallel()
	tree := Default()
	for field, want := range map[string][]int{
		"CWE-79": {79}, "cwe-079": {79}, "79": {79}, "CWE ID 259,CWE ID 798": {259, 798}, "CWE ID 22, CWE ID 73": {22, 73},
		"external/cwe/cwe-079": {79}, "CWE-79: Improper Neutralization of 3 inputs": {79}, "https://cwe.mitre.org/data/definitions/79.html": {79},
		"-1": nil, "0": nil, "None": nil, "": nil, "text": nil, "1 of 3 problems": nil, "89, CWE-564": {89, 564}, "22;73": {22, 73},
		"CWE-99999": nil, "CWE79": {79}, "cwe:89": {89}, "CWE-89 CWE-89": {89}, "iriusriskcwe-942-cors_allowed": {942}, "79 80": {79, 80}, "CWE-79/80": {79, 80},
		"12345678901234567890": nil, "CWE-": nil, "CWE_ID=89": nil,
	} {
		if diff := cmp.Diff(want, tree.ParseIDs(field)); diff != "" {
			t.Errorf("ParseIDs(%q) (-want +got):\n%s", field, diff)
		}
	}
	for text, want := range map[string][]int{
		"login refuses SQL (CWE-89)": {89}, "returns 404": nil, "79": nil, "iriusrisk-cwe-693-clickjack": {693}, "accwere 89": nil,
	} {
		if diff := cmp.Diff(want, tree.FindIDs(text)); diff != "" {
			t.Errorf("FindIDs(%q) (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseRefusesDamage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"W\t1", "W\tx\tB\tA\t-\t-\tname", "W\t1\tZ\tA\t-\t-\tname", "Q\t1\tname", "C\t1\tname"} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("Parse(%q) = %v, want an error that names line 1", text, err)
		}
	}
}

func FuzzParseIDs(f *testing.F) {
	f.Add("CWE-79, external/cwe/cwe-089; 22")
	f.Fuzz(func(t *testing.T, s string) {
		for _, id := range Default().ParseIDs(s) {
			if _, ok := Default().Lookup(id); !ok {
				t.Errorf("ParseIDs(%q) gives %d, which is not in the catalogue", s, id)
			}
		}
	})
}
