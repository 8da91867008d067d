package library

import (
	"slices"
	"strings"
	"testing"

	starter "github.com/threatloop/threatloop/library"
)

func TestCopy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, text, to, want string }{
		{EntryPattern, "# why\npattern: p\nname: P\nweaknesses:\n  - ref: w\n    title: W\ncountermeasures:\n  - {ref: c, title: C}\nthreats: []\n", "q", "# A copy of p. Its weaknesses and countermeasures are its own.\n# why\npattern: q\nname: P\nweaknesses:\n  - ref: q-w\n    stands_for: w\n    title: W\ncountermeasures:\n  - {ref: q-c, stands_for: c, title: C}\nthreats: []\n"},
		{EntryPattern, "pattern: p\nname: P\ncountermeasures:\n  - title: C\n    ref: c\n  - ref: d\n    stands_for: e\n    title: D\nthreats: []\n", "q", "# A copy of p. Its weaknesses and countermeasures are its own.\npattern: q\nname: P\ncountermeasures:\n  - title: C\n    ref: q-c\n    stands_for: c\n  - ref: q-d\n    stands_for: d\n    title: D\nthreats: []\n"},
		{EntryPattern, "pattern: p\nname: P\nweaknesses: [{ref: w, title: W}]\nthreats:\n  - ref: t\n    title: w\n    weaknesses: [{ref: w, countermeasures: [{ref: d, share: 1}, {ref: c, share: 2}]}]\n", "q", "# A copy of p. What it defines is its own. It shares with other patterns, where these are edited:\n# c, d\npattern: q\nname: P\nweaknesses: [{ref: q-w, stands_for: w, title: W}]\nthreats:\n  - ref: t\n    title: w\n    weaknesses: [{ref: q-w, countermeasures: [{ref: d, share: 1}, {ref: c, share: 2}]}]\n"},
		{EntryType, "type: \"a\"  # once\nname: A\nkind: store\naliases: [b]\n", "7", "type: \"7\"  # once\nname: A\nkind: store\n"},
		{EntryRule, "rules:\n  # why\n  - rule: r\n    title: R\n", "s", "rules:\n  # why\n  - rule: s\n    title: R\n"},
		{EntryQuestionnaire, "questionnaire: web\nname: The \"web\"\ngroups: []\n", "own", "questionnaire: own\nname: \"The \\\"web\\\"\"\ninclude: [web]\n"},
	} {
		got, err := Copy(tt.kind, tt.text, tt.to, "")
		if err != nil || got != tt.want {
			t.Errorf("Copy(%s %q) = %q, %v, want %q", tt.kind, tt.text, got, err, tt.want)
		}
	}
	if got, err := Copy(EntryPattern, "pattern: q\nname: Q\nweaknesses:\n  - {ref: q-w, stands_for: w, title: W}\nthreats: []\n", "r", ""); err != nil || !strings.Contains(got, "{ref: r-q-w, stands_for: q-w, title: W}") {
		t.Errorf("Copy of a copy = %q, %v, want its weakness to stand for the first copy's", got, err)
	}
	if got, err := Copy(EntryType, "pattern: p\n", "q", ""); err == nil {
		t.Errorf("Copy of another kind = %q, want it refused", got)
	}
}

// TestCopiesLoad: a copy of any entry stands beside what it was copied from.
func TestCopyNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, text, name, want string }{
		{EntryType, "type: a\nname: A # the first\nkind: store\n", "B: \"two\"", "type: b\nname: \"B: \\\"two\\\"\" # the first\nkind: store\n"},
		{EntryType, "name: 'It''s A'\ntype: a\nkind: store\n", "B", "name: \"B\"\ntype: b\nkind: store\n"},
		{EntryType, "type: a\nname: >-\n  A and\n  more\nkind: store\n", "B", "type: b\nname: \"B\"\nkind: store\n"},
		{EntryType, "type: a\nname: A and\n  more\nkind: store\n", "B", "type: b\nname: \"B\"\nkind: store\n"},
		{EntryRule, "rules:\n  - rule: r\n    title: Ré\n    reason: Ré\n", "S", "rules:\n  - rule: b\n    title: \"S\"\n    reason: Ré\n"},
		{EntryRule, "rules:\n  - rule: r\n    reason: R\n", "S", "rules:\n  - rule: b\n    title: \"S\"\n    reason: R\n"},
		{EntryRule, "rules:\n  - {rule: r, title: R, reason: R}\n", "S", "rules:\n  - {rule: b, title: \"S\", reason: R}\n"},
		{EntryQuestionnaire, "questionnaire: web\nname: Web\ngroups: []\n", "Ours", "questionnaire: b\nname: \"Ours\"\ninclude: [web]\n"},
	} {
		if got, err := Copy(tt.kind, tt.text, "b", tt.name); err != nil || got != tt.want {
			t.Errorf("Copy(%s %q, %q) = %q, %v, want %q", tt.kind, tt.text, tt.name, got, err, tt.want)
		}
	}
}

func TestCopiesLoad(t *testing.T) {
	t.Parallel()
	base, err := LoadLayers(Layer{Name: "base", Files: starter.Files})
	if err != nil {
		t.Fatal(err)
	}
	own := Files{}
	for _, e := range base.Entries() {
		_, _, text := base.Source(e.Kind, e.Ref)
		copied, err := Copy(e.Kind, text, "own-"+e.Ref, e.Title+" (copy)")
		if err != nil {
			t.Fatal(err)
		}
		own[e.Kind+"/"+e.Ref+".yaml"] = copied
	}
	both, err := LoadLayers(Layer{Name: "base", Files: starter.Files}, Layer{Name: "own", Files: own})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range both.Entries() {
		if from := strings.TrimPrefix(e.Ref, "own-"); e.Layer == "own" {
			title := ""
			for _, b := range base.Entries() {
				if b.Kind == e.Kind && b.Ref == from {
					title = b.Title + " (copy)"
				}
			}
			if e.Title != title {
				t.Errorf("the copy %s %s is called %q, want %q", e.Kind, e.Ref, e.Title, title)
			}
		}
	}
	// Whoever edits a copied pattern leaves everything else as it is: what it defines, its own threats name.
	for _, p := range base.Patterns {
		copied := both.Pattern("own-" + p.Ref)
		if len(copied.Weaknesses) != len(p.Weaknesses) || len(copied.Countermeasures) != len(p.Countermeasures) {
			t.Errorf("the copy of %s defines %d weaknesses and %d countermeasures, want %d and %d", p.Ref, len(copied.Weaknesses), len(copied.Countermeasures), len(p.Weaknesses), len(p.Countermeasures))
		}
		if want := p.Name + " (copy)"; copied.Name != want {
			t.Errorf("the copy of %s is called %q, want %q", p.Ref, copied.Name, want)
		}
		for i, w := range copied.Weaknesses {
			if original := p.Weaknesses[i].Ref; w.StandsFor != original {
				t.Errorf("%s stands for %q, want %s", w.Ref, w.StandsFor, original)
			} else if got, want := both.WeaknessOriginals(w.Ref), append([]string{original}, base.WeaknessOriginals(original)...); !slices.Equal(got, want) {
				t.Errorf("WeaknessOriginals(%s) = %v, want %v", w.Ref, got, want)
			}
		}
		for i, c := range copied.Countermeasures {
			if original := p.Countermeasures[i].Ref; c.StandsFor != original {
				t.Errorf("%s stands for %q, want %s", c.Ref, c.StandsFor, original)
			} else if got, want := both.Originals(c.Ref), append([]string{original}, base.Originals(original)...); !slices.Equal(got, want) {
				t.Errorf("Originals(%s) = %v, want %v", c.Ref, got, want)
			}
		}
		for _, threat := range copied.Threats {
			for _, w := range threat.Weaknesses {
				if slices.ContainsFunc(p.Weaknesses, func(one Weakness) bool { return one.Ref == w.Ref }) {
					t.Errorf("threat %s of the copy of %s names the weakness %s of the original", threat.Ref, p.Ref, w.Ref)
				}
				for _, c := range w.Countermeasures {
					if slices.ContainsFunc(p.Countermeasures, func(one Countermeasure) bool { return one.Ref == c.Ref }) {
						t.Errorf("threat %s of the copy of %s names the countermeasure %s of the original", threat.Ref, p.Ref, c.Ref)
					}
				}
			}
		}
	}
}
