package generate_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// served is the small library in which more countermeasures serve clauses, of two standards and several levels.
func served(t testing.TB) *library.Library {
	t.Helper()
	fsys := smallFiles(t)
	for _, f := range fsys {
		text := string(f.Data)
		for _, r := range [][2]string{
			{"title: Limit input,", `title: Limit input, standards: ["asvs-5.0:2.2.1", "asvs-5.0:2.2.10", "house:H-2"],`},
			{"title: Use TLS,", `title: Use TLS, standards: ["asvs-5.0:12.2.1"],`},
			{"title: Keep an audit log,", `title: Keep an audit log, standards: ["asvs-5.0:16.3.1"],`},
			{"  - {id: \"1.2.4\"", "  - {id: \"2.2.1\", title: A, level: 1}\n  - {id: \"2.2.10\", title: B, level: 2}\n  - {id: \"12.2.1\", title: C, level: 2}\n  - {id: \"16.3.1\", title: D, level: 3}\n  - {id: \"1.2.4\""},
		} {
			text = strings.ReplaceAll(text, r[0], r[1])
		}
		f.Data = []byte(text)
	}
	fsys["standards/house.yaml"] = &fstest.MapFile{Data: []byte("standard: house\nname: House rules\nclauses: [{id: H-2, title: Limits}, {id: H-10, title: Nobody serves this}]\n")}
	lib, err := library.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func TestStandardRequiresWhatServesIt(t *testing.T) {
	t.Parallel()
	lib := served(t)
	m := generated(t, &model.Model{
		Product:    model.Product{ID: "p", Name: "P"},
		Components: []model.Component{{ID: "web", Name: "Web", Kind: model.Process, Type: "web"}},
	}, lib)
	state := func() model.State { return countermeasure(t, m, "input-limits").State }
	if state() != model.Recommended {
		t.Fatalf("input-limits is %s before, want recommended", state())
	}
	m.Product.Standards = []string{"asvs-5.0:1", "house"}
	p := plan(t, m, lib)
	changes := []string{
		`change countermeasure "Bind parameters" at Web (web): why ["web"] -> ["standard asvs-5.0","web"]`,
		`change countermeasure "Limit input" at Web (web): state "recommended" -> "required"; why ["web"] -> ["standard asvs-5.0","standard house","web"]`,
	}
	if diff := cmp.Diff(changes, texts(p)); diff != "" {
		t.Errorf("plan differs (-want +got):\n%s", diff)
	}
	m = generate.Apply(m, p, noon, nil)
	c := countermeasure(t, m, "input-limits")
	var got []model.Why
	for _, w := range c.Why {
		if strings.HasPrefix(w.Rule, "standard ") {
			got = append(got, w)
		}
	}
	whys := []model.Why{
		{Rule: "standard asvs-5.0", Library: lib.Stamp(), Facts: []model.Fact{{Name: "product.standards", Value: `"asvs-5.0:1"`}}, Text: "The product keeps Application verification up to level 1; this serves 2.2.1."},
		{Rule: "standard house", Library: lib.Stamp(), Facts: []model.Fact{{Name: "product.standards", Value: `"house"`}}, Text: "The product keeps House rules; this serves H-2."},
	}
	if diff := cmp.Diff(whys, got); diff != "" || c.State != model.Required {
		t.Errorf("input-limits is %s, reasons differ (-want +got):\n%s", c.State, diff)
	}
	if again := plan(t, m, lib); len(again.Items) > 0 {
		t.Errorf("the next plan has %v, want nothing", texts(again))
	}
	m.Product.Standards = nil
	m = generate.Apply(m, plan(t, m, lib), noon, nil)
	if state() != model.Recommended {
		t.Errorf("input-limits is %s after the standard is gone, want recommended", state())
	}
}

func TestUnknownStandardsAreNoted(t *testing.T) {
	t.Parallel()
	lib := served(t)
	res := want(t, &model.Model{Product: model.Product{ID: "p", Standards: []string{"asvs-5.0:4", "asvs-4.0"}}}, lib)
	notes := []generate.Note{
		{Where: "product.standards", Text: "asvs-5.0 has no level 4"},
		{Where: "product.standards", Text: "the library has no standard asvs-4.0; nothing is required for it"},
	}
	if diff := cmp.Diff(notes, res.Notes); diff != "" {
		t.Errorf("notes differ (-want +got):\n%s", diff)
	}
}

// TestStandardsOnlyRaise: a standard adds and takes away nothing, raises what serves it and nothing else; a
// higher level raises no less; and without it all is as before, but for what a person decided.
func TestStandardsOnlyRaise(t *testing.T) {
	t.Parallel()
	lib := served(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt)
		before := want(t, m, lib)
		var last *generate.Result
		for _, standards := range [][]string{{"asvs-5.0:1"}, {"asvs-5.0:2"}, {"asvs-5.0:3"}, {"asvs-5.0"}, {"asvs-5.0", "house"}} {
			with := *m
			with.Product.Standards = standards
			after := want(t, &with, lib)
			if len(after.Countermeasures) != len(before.Countermeasures) || asJSON(t, after.Threats) != asJSON(t, before.Threats) || asJSON(t, after.Links) != asJSON(t, before.Links) {
				rt.Fatalf("%v changes what is wanted", standards)
			}
			for i := range after.Countermeasures {
				a, b := &after.Countermeasures[i], &before.Countermeasures[i]
				raised := slices.ContainsFunc(a.Why, func(w model.Why) bool { return strings.HasPrefix(w.Rule, "standard ") })
				switch {
				case a.ID != b.ID:
					rt.Fatalf("%v moves %s", standards, b.ID)
				case raised && a.State != model.Required, !raised && a.State != b.State:
					rt.Fatalf("%v makes %s %s, was %s", standards, a.Ref, a.State, b.State)
				case raised && !slices.ContainsFunc(a.Standards, func(c model.Clause) bool { return strings.HasPrefix(standards[0], c.Standard) || c.Standard == "house" }):
					rt.Fatalf("%v raises %s, which serves %v", standards, a.Ref, a.Standards)
				case last != nil && last.Countermeasures[i].State == model.Required && a.State != model.Required:
					rt.Fatalf("%v no longer requires %s", standards, a.Ref)
				}
			}
			last = after
		}
	})
}

func TestStandardGoneLeavesWhatAPersonDecided(t *testing.T) {
	t.Parallel()
	lib := served(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt)
		plain := generated(t, m, lib)
		m.Product.Standards = []string{"asvs-5.0", "house"}
		with := generated(t, m, lib)
		kept := edit(rt, with)
		with.Product.Standards = nil
		after := generated(t, with, lib)
		got, states := fieldsOf(after), fieldsOf(plain)
		for field, value := range got {
			want := states[field]
			if by, edited := kept[field]; edited {
				want = by
			}
			if value != want {
				rt.Fatalf("%s is %q once the standard is gone, want %q", field, value, want)
			}
		}
	})
}
