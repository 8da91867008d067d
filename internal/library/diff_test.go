package library_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/library"
)

func loadOver(t *testing.T, over map[string]string) *library.Library {
	t.Helper()
	l, err := library.Load(files(over))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDiff(t *testing.T) {
	t.Parallel()
	older := loadOver(t, map[string]string{"library.yaml": webHead, "q2.yaml": webQuestions, "r.yaml": rule("for: flow\nwhen: flow.crosses_boundary\napply: [inj]" + tail)})
	newer := loadOver(t, map[string]string{
		"library.yaml":   strings.Replace(strings.Replace(webHead, "pci: payment", "gdpr: people", 1), "name: T", "name: U", 1),
		"types/web.yaml": strings.Replace(types, "Web application", "Web & pages", 1),
		"q2.yaml":        strings.Replace(webQuestions, "Administration?", "Admin?", 1),
		"r.yaml":         rule("for: flow\nwhen: flow.bidirectional\napply: [inj]" + tail),
		"patterns/inj.yaml": strings.Replace(strings.Replace(pattern, "  - ref: read\n", "  - {ref: write, title: Data is changed, impact: {integrity: 9}, ease: 5, weaknesses: [{ref: unbound}]}\n  - ref: read\n", 1),
			"cost: {amount: 1,", "cost: {amount: 2,", 1),
		"patterns/new.yaml":   "pattern: new\nname: New\nweaknesses: [{ref: more, title: More}]\nthreats: []\n",
		"standards/asvs.yaml": strings.Replace(standard, "title: Last", "title: The last", 1),
	})
	want := []string{
		`head library "U" changed name="T">"U"`,
		`tag gdpr "people" added`,
		`tag pci "payment" removed`,
		`type web "Web & pages" changed name="Web application">"Web & pages"`,
		`pattern new "New" added`,
		`threat inj/write "Data is changed" added in pattern inj`,
		`countermeasure bind "Bind" changed in pattern inj cost={"amount":1,"unit":"days"}>{"amount":2,"unit":"days"}`,
		`rule r "R" changed when="flow.crosses_boundary">"flow.bidirectional"`,
		`question about-web/admin "Admin?" changed in questionnaire about-web title="Administration?">"Admin?"`,
		`clause asvs-5.0:1.2.10 "The last" changed in standard asvs-5.0 title="Last">"The last"`,
	}
	if diff := cmp.Diff(want, described(library.Diff(older, newer))); diff != "" {
		t.Errorf("Diff differs (-want +got):\n%s", diff)
	}
}

func described(changes []library.Change) []string {
	var all []string
	for _, c := range changes {
		text := fmt.Sprintf("%s %s %q %s", c.Kind, c.Ref, c.Title, c.What)
		if c.In != nil {
			text += " in " + c.In.Kind + " " + c.In.Ref
		}
		for _, f := range c.Fields {
			text += fmt.Sprintf(" %s=%s>%s", f.Field, f.Old, f.New)
		}
		all = append(all, text)
	}
	return all
}

// TestDiffOfTests: a change of a test alone is told, and is the same library for products.
func TestDiffOfTests(t *testing.T) {
	t.Parallel()
	with := func(tests string) *library.Library {
		return loadOver(t, map[string]string{"r.yaml": rule("for: component\nwhen: component.type == 'web'\napply: [inj]\ntitle: R\nreason: because\ntests:\n" + tests)})
	}
	fires := "  - {name: fires, model: {components: [{id: c, type: web}]}, fires: [c]}\n"
	older, newer := with(fires+"  - {name: silent, model: {}, fires: []}\n"), with(strings.ReplaceAll(fires, "id: c,", "id: c, name: X,")+"  - {name: quiet, model: {}, fires: []}\n")
	if older.Stamp() != newer.Stamp() {
		t.Errorf("Stamp() = %s and %s, want the same: only tests differ", older.Stamp(), newer.Stamp())
	}
	var got []string
	for _, c := range library.Diff(older, newer) {
		got = append(got, c.Text()+" in "+c.In.Kind+" "+c.In.Ref)
		if !c.OfTest() {
			t.Errorf("OfTest() = false for %s, want true", c.Text())
		}
	}
	want := []string{"test r/fires changed: model in rule r", "test r/quiet added in rule r", "test r/silent removed in rule r"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Diff differs (-want +got):\n%s", diff)
	}
	if found := library.Diff(older, with(fires+"  - {name: silent, model: {}, fires: []}\n")); found != nil {
		t.Errorf("Diff of the same tests = %v, want none", found)
	}
}

// TestDiffOfWhatMoves: what goes to another pattern, or another questionnaire, changed and is not new.
func TestDiffOfWhatMoves(t *testing.T) {
	t.Parallel()
	older := loadOver(t, nil)
	newer := loadOver(t, map[string]string{
		"patterns/inj.yaml": strings.Replace(pattern, "  - {ref: unbound, title: Unbound input, cwe: 89}\n", "  - {ref: other, title: O}\n", 1),
		"patterns/two.yaml": "pattern: two\nname: Two\nweaknesses: [{ref: unbound, title: Unbound input, cwe: 89}]\nthreats: []\n",
	})
	want := []string{
		`pattern two "Two" added`, `weakness other "O" added in pattern inj`, `weakness unbound "Unbound input" changed in pattern two pattern="inj">"two"`,
	}
	if diff := cmp.Diff(want, described(library.Diff(older, newer))); diff != "" {
		t.Errorf("Diff differs (-want +got):\n%s", diff)
	}
}

// TestDiffLaws: no difference means the same digest, and the way back is the way there in reverse.
func TestDiffLaws(t *testing.T) {
	t.Parallel()
	draw := func(rt *rapid.T, name string) *library.Library {
		fsys := files(nil)
		for _, ref := range []string{"a", "b", "c"} {
			if version := rapid.IntRange(0, 2).Draw(rt, name+ref); version > 0 {
				fsys[ref+".yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, "pattern: %s\nname: N\nweaknesses: [{ref: %s-w, title: T%d}]\nthreats: []\n", ref, ref, version)}
			}
		}
		l, err := library.Load(fsys)
		if err != nil {
			rt.Fatal(err)
		}
		return l
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := draw(rt, "older"), draw(rt, "newer")
		there, back := library.Diff(a, b), library.Diff(b, a)
		if same := a.Digest == b.Digest; same != (len(there) == 0) {
			rt.Fatalf("same digest %t, differences %v", same, described(there))
		}
		reverse := map[library.What]library.What{library.Added: library.Removed, library.Removed: library.Added, library.Changed: library.Changed}
		summary := func(list []library.Change, turn bool) []string {
			got := map[string]bool{}
			for _, c := range list {
				what := c.What
				if turn {
					what = reverse[what]
				}
				got[fmt.Sprint(c.Kind, c.Ref, what, len(c.Fields))] = true
			}
			return slices.Sorted(maps.Keys(got))
		}
		if x, y := summary(there, false), summary(back, true); !slices.Equal(x, y) {
			rt.Fatalf("there %v, back reversed %v", x, y)
		}
	})
}
