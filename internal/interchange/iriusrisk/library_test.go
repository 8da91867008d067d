package iriusrisk_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/iriusrisk"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/sharedtest"
	builtin "github.com/threatloop/threatloop/library"
)

// loaded converts a library and loads the result, alone or over the base; its own tests must come out.
func loaded(t testing.TB, path string, base *library.Library) (*iriusrisk.LibraryImport, *library.Library) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !iriusrisk.DetectLibrary(data) {
		t.Fatalf("DetectLibrary(%s) = false, want true", path)
	}
	got, err := iriusrisk.ConvertLibrary(data, iriusrisk.LibraryOptions{Name: filepath.Base(path), Base: base})
	if err != nil {
		t.Fatalf("ConvertLibrary(%s) = %v", path, err)
	}
	layers := []library.Layer{{Name: "converted", Files: got.Files}}
	if base != nil {
		layers = append([]library.Layer{{Name: "built-in", Files: builtin.Files}}, layers...)
	}
	lib, err := library.LoadLayers(layers...)
	if err != nil {
		t.Fatalf("LoadLayers = %v", err)
	}
	return got, lib
}

func TestSampleLibraries(t *testing.T) {
	t.Parallel()
	base, err := library.Load(builtin.Files)
	if err != nil {
		t.Fatal(err)
	}
	type entries struct{ Threats, Weaknesses, Countermeasures, Links, Rules, Attributes, Tested int }
	for _, c := range []struct {
		name   string
		counts iriusrisk.LibraryCounts
		want   entries
	}{
		{
			"STRIDE-with-CAPEC.xml",
			iriusrisk.LibraryCounts{Patterns: 6, UseCases: 6, Threats: 38, Weaknesses: 53, WeaknessLinks: 63, Rules: 52, Conditions: 51, Actions: 89},
			entries{Threats: 38, Links: 63, Rules: 38, Attributes: 44},
		},
		{
			"cwe-top-25.xml",
			iriusrisk.LibraryCounts{Patterns: 9, UseCases: 12, Threats: 23, Weaknesses: 25, WeaknessLinks: 25, Countermeasures: 18},
			entries{Threats: 23, Countermeasures: 18, Links: 25},
		},
		{"aws-default-content-tuning.xml", iriusrisk.LibraryCounts{Rules: 17, Actions: 136, RulesKept: 17}, entries{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := sharedtest.Dir(t, "samples", "iriusrisk-library", c.name)
			got, lib := loaded(t, path, nil)
			if diff := cmp.Diff(c.counts, got.Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			counted := entries{Rules: len(lib.Rules), Attributes: len(lib.Attributes)}
			for _, p := range lib.Patterns {
				counted.Threats += len(p.Threats)
				counted.Countermeasures += len(p.Countermeasures)
				for _, th := range p.Threats {
					counted.Links += len(th.Weaknesses)
				}
			}
			if diff := cmp.Diff(c.want, counted); diff != "" {
				t.Errorf("library (-want +got):\n%s", diff)
			}
			if failures := generate.Test(lib).Failures; len(failures) > 0 {
				t.Errorf("tests of the rules: %v", failures)
			}
			kept := 0
			for _, n := range got.Notes {
				if n.Level == imported.Refused {
					t.Errorf("refused at %s: %s", n.At, n.Text)
				}
				if n.Level == imported.Kept && n.At != "" {
					kept++
				}
			}
			if kept != c.counts.RulesKept {
				t.Errorf("%d rules are noted as kept, want %d", kept, c.counts.RulesKept)
			}
			if testing.Short() {
				return // the built-in library takes its time
			}
			over, whole := loaded(t, path, base)
			if over.Counts != got.Counts || len(whole.Rules) != len(base.Rules)+len(lib.Rules) || whole.Ref != base.Ref {
				t.Errorf("over the built-in library %+v, %d rules, ref %s", over.Counts, len(whole.Rules), whole.Ref)
			}
		})
	}
}

func TestConvertLibrary(t *testing.T) {
	t.Parallel()
	got, lib := loaded(t, filepath.Join("testdata", "library.xml"), nil)
	if failures := generate.Test(lib).Failures; len(failures) > 0 {
		t.Errorf("tests of the rules: %v", failures)
	}
	want := iriusrisk.LibraryCounts{
		Patterns: 2, UseCases: 2, Threats: 3, Weaknesses: 2, WeaknessLinks: 3, Countermeasures: 2, Definitions: 1, Standards: 1, Rules: 11, Conditions: 10, Actions: 15, RulesKept: 4,
	}
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if lib.Ref != "our-lib" || lib.Version != "3" || lib.Name != "Our & theirs" || lib.Description != "**Made** for tests" {
		t.Errorf("head = %s %s %s %q", lib.Ref, lib.Version, lib.Name, lib.Description)
	}
	whens := map[string]string{}
	for _, r := range lib.Rules {
		when := ""
		if r.When != nil {
			when = r.When.Source
		}
		whens[r.Ref] = strings.Join([]string{string(r.For), when, strings.Join(r.Apply, ","), strings.Join(r.Require, ","), strings.Join(r.Recommend, ",")}, "|")
	}
	wantRules := map[string]string{
		"conclude":               "product|'in-cloud' in answers.where|||",
		"cloudy-stores":          "component|facts.is_cloud && component.type == 'odd-store'|other|log|",
		"one-threat":             "component|!facts.is_cloud|sql-injection-capec-66||",
		"over-the-border-target": "flow|flow.crosses_boundary && 'clear' in flow.tags|other||",
		"over-the-border-source": "flow|flow.crosses_boundary && 'clear' in flow.tags||bind|",
		"field":                  `product|product.custom["size"] == 'big'||bind|`,
		"always":                 "product|product.name != '-'|||log",
		"either":                 "product|'in-cloud' in answers.where || 'at-home' in answers.where|sql-injection-capec-66,sql-injection-uc1||",
	}
	if diff := cmp.Diff(wantRules, whens); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	bind := lib.Countermeasure("bind")
	if bind == nil || bind.Default != "required" || bind.Test != "Send one." || bind.Cost.Amount != 4 || bind.Title != `Bind: "parameters"` || bind.Description != "Line one.\n  indented\n* star" {
		t.Errorf("bind = %+v", bind)
	}
	if w := lib.Weakness("cwe-89"); w == nil || w.CWE != 89 || w.Title != "Statements built from input" || w.Test != "- Try a quote" {
		t.Errorf("cwe-89 = %+v", w)
	}
	if w := lib.Weakness("other-cwe-89"); w == nil || w.Title != "Another body" {
		t.Errorf("other-cwe-89 = %+v, want the second body under a ref of its own", w)
	}
	if s := lib.Standard("nist-800-53"); s == nil || s.Name != "NIST SP 800-53" || s.Clause("SI-10") == nil || s.Clause("SI-10").Title != "Information Input Validation" {
		t.Errorf("standard = %+v", s)
	}
	typ := lib.Type("odd-store")
	if typ == nil || typ.Kind != "store" || !slices.Equal(typ.Patterns, []string{"sql-injection-uc1", "sql-injection-capec-66"}) || !slices.Equal(typ.Aliases, []string{"odd database"}) {
		t.Errorf("type = %+v", typ)
	}
	q := lib.Question("where")
	if q == nil || q.Kind != library.Choices || len(q.Options) != 2 || q.Help != "Think first\n\n**At home**: In a cellar" {
		t.Errorf("question = %+v", q)
	}
	for _, want := range []struct {
		level imported.Level
		words string
	}{
		{imported.Kept, "CONDITION_OF_THE_MOON"},
		{imported.Kept, "module workflow"},
		{imported.Kept, "by hand"},
		{imported.Kept, "EXTEND_RISK_PATTERN"},
		{imported.Kept, `"ELSEWHERE" is not in this library`},
		{imported.Kept, `"Implemented" is a product's`},
		{imported.Kept, `"wonder"`},
		{imported.Guess, "cut to 0 to 100"},
		{imported.Guess, "without a weakness"},
		{imported.Refused, `"NONE" is not defined`},
	} {
		if !noted(got.Notes, want.level, "", want.words) {
			t.Errorf("no note %s with %q in %+v", want.level, want.words, got.Notes)
		}
	}
	rules := got.Files["rules/rules.yaml"]
	for _, words := range []string{"#   if CONDITION_OF_THE_MOON full", "#   | when then end", "#   do EXTEND_RISK_PATTERN a | b (of x)"} {
		if !strings.Contains(rules, words) {
			t.Errorf("the rules hold no comment %q:\n%s", words, rules)
		}
	}
	again, _ := loaded(t, filepath.Join("testdata", "library.xml"), nil)
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("twice differs:\n%s", diff)
	}
}

// Refs that the base has are not taken from it: a layer would replace its entries.
func TestConvertLibraryKeepsTheBase(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("loads the built-in library three times")
	}
	base, err := library.Load(builtin.Files)
	if err != nil {
		t.Fatal(err)
	}
	got, lib := loaded(t, filepath.Join("testdata", "library.xml"), base)
	if lib.Ref != base.Ref || lib.Name != base.Name || lib.Version != base.Version {
		t.Errorf("head = %s %s %s, want the base's", lib.Ref, lib.Name, lib.Version)
	}
	for _, p := range base.Patterns {
		if now := lib.Pattern(p.Ref); now == nil || now.Name != p.Name {
			t.Errorf("pattern %s of the base was replaced", p.Ref)
		}
	}
	if lib.Pattern("our-lib-sql-injection-uc1") == nil && lib.Pattern("sql-injection-uc1") == nil {
		t.Errorf("the pattern is missing: %v", slices.Sorted(maps.Keys(got.Files)))
	}
}

func TestConvertLibraryRefuses(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"<project ref='a' name='b'/>": "no IriusRisk library",
		"<library>":                   "cut off",
		"<!DOCTYPE x [<!ENTITY a 'b'>]><library ref='a'/>": "document type",
	} {
		_, err := iriusrisk.ConvertLibrary([]byte(text), iriusrisk.LibraryOptions{Name: "l.xml"})
		var f *fault.Error
		if !errors.As(err, &f) || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "l.xml:1:") {
			t.Errorf("ConvertLibrary(%s) = %v, want a fault with %q", text, err, words)
		}
	}
}

func FuzzConvertLibrary(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "library.xml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("<library ref='%'><riskPatterns><riskPattern ref=''><usecases><usecase><threats><threat/><threat/></threats></usecase></usecases></riskPattern></riskPatterns><rules><rule module='main'><actions><action/></actions></rule></rules></library>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := iriusrisk.ConvertLibrary(data, iriusrisk.LibraryOptions{})
		if err != nil {
			if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Code == "library.invalid" {
				t.Fatalf("ConvertLibrary = %v, want a fault of the file", err)
			}
			return
		}
		if _, err := library.Load(got.Files); err != nil {
			t.Fatalf("Load = %v", err)
		}
	})
}
