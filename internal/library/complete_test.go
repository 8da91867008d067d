package library_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/library"
)

// completing loads a library with a fact, two questionnaires and words.
func completing(t testing.TB) *library.Library {
	t.Helper()
	l, err := library.Load(files(map[string]string{
		"library.yaml": webHead, "w.yaml": webQuestions,
		"types/db.yaml": "type: database\nname: Database\nkind: store\n",
		"rules/r.yaml":  rule("for: component\nconclude: {sensitive: true}" + tail),
	}))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// at takes the cursor, a bar, out of an expression.
func at(text string) (source string, offset int) {
	before, after, _ := strings.Cut(text, "|")
	return before + after, len([]rune(before))
}

func TestComplete(t *testing.T) {
	t.Parallel()
	l := completing(t)
	for _, tc := range []struct {
		target library.Target
		text   string
		want   []string // the expression with each completion in place
	}{
		{library.ForProduct, "|", []string{"answers", "components", "facts", "flows", "product", "has(", "true", "false"}},
		{library.ForFlow, "fl|", []string{"flow"}},
		{library.ForFlow, "f|", []string{"facts", "flow", "false"}},
		{library.ForFlow, "flow.so|", []string{"flow.source"}},
		{library.ForFlow, "flow.source.ty|pe == 'web'", []string{"flow.source.type == 'web'"}},
		{library.ForFlow, "flow.b| && true", []string{"flow.bidirectional && true"}},
		{library.ForFlow, "flow.source.kind == |", []string{"flow.source.kind == 'actor'", "flow.source.kind == 'process'", "flow.source.kind == 'store'", "flow.source.kind == answers", "flow.source.kind == facts", "flow.source.kind == flow", "flow.source.kind == product", "flow.source.kind == has(", "flow.source.kind == true", "flow.source.kind == false"}},
		{library.ForFlow, "flow.source.kind == 'pr|", []string{"flow.source.kind == 'process'"}},
		{library.ForFlow, "flow.source.kind == \"pr|o\" && true", []string{"flow.source.kind == \"process\" && true"}},
		{library.ForFlow, "flow.source.kind == 'pr| && flow.name == 'x'", []string{"flow.source.kind == 'process' && flow.name == 'x'"}},
		{library.ForFlow, "flow.target.type in ['web', 'd|']", []string{"flow.target.type in ['web', 'database']"}},
		{library.ForFlow, "flow.target.type in ['web', d|]", []string{"flow.target.type in ['web', 'database']"}},
		{library.ForFlow, "flow.name == '|'", nil},
		{library.ForFlow, "flow.attributes.e|", []string{"flow.attributes.encrypted"}},
		{library.ForFlow, "flow.attributes.encrypted != 'y|'", []string{"flow.attributes.encrypted != 'yes'"}},
		{library.ForFlow, "flow.name.st|", []string{"flow.name.startsWith("}},
		{library.ForFlow, "flow.exposure > 3 |", nil},
		{library.ForFlow, "(flow.exposure) f|", nil},
		{library.ForFlow, "nothing.|", nil},
		{library.ForFlow, "flow.nothing.|", nil},
		{library.ForFlow, "component.|", nil},
		{library.ForComponent, "facts.|", []string{"facts.sensitive"}},
		{library.ForFlow, "facts.|", nil},
		{library.ForComponent, "'p|' in component.tags", []string{"'pci' in component.tags"}},
		{library.ForComponent, "component.tags.exists(t, t == 'p|", []string{"component.tags.exists(t, t == 'pci'"}},
		{library.ForComponent, "component.tags.ex|", []string{"component.tags.exists(", "component.tags.exists_one("}},
		{library.ForProduct, "components.exists(c, c.ty|)", []string{"components.exists(c, c.type)"}},
		{library.ForProduct, "components.exists(c, c|)", []string{"components.exists(c, c)", "components.exists(c, components)"}},
		{library.ForProduct, "components.exists(c, c.type == 'w|')", []string{"components.exists(c, c.type == 'web')"}},
		{library.ForProduct, "components.exists(c, c.tags.exists(t, t == 'p|'))", []string{"components.exists(c, c.tags.exists(t, t == 'pci'))"}},
		{library.ForProduct, "components.exists(c, true) && c.|", nil},
		{library.ForProduct, "answers.reach == 'int|'", []string{"answers.reach == 'internet'", "answers.reach == 'intranet'"}},
		{library.ForProduct, "'h|' in answers.data", []string{"'health' in answers.data"}},
		{library.ForProduct, "answers.re|", []string{"answers.reach"}},
		{library.ForProduct, "'ü' == answers.re|", []string{"'ü' == answers.reach"}},
		{library.ForQuestion, "|", []string{"answers", "has(", "true", "false"}},
		{library.ForComponentQuestion, "component.attributes.lo|", []string{"component.attributes.login"}},
		{library.ForComponentQuestion, "component.attributes.login == 's|'", []string{"component.attributes.login == 'staff'"}},
	} {
		source, offset := at(tc.text)
		var got []string
		for _, c := range library.Complete(l, tc.target, source, offset) {
			runes := []rune(source)
			got = append(got, string(runes[:c.From])+c.Insert+string(runes[c.To:]))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("Complete(%s, %q) differs (-want +got):\n%s", tc.target, tc.text, diff)
		}
	}
	source, offset := at("answers.reach == 'intr|'")
	want := []library.Completion{{Label: "intranet", Kind: library.CompleteWord, Detail: "N", Insert: "intranet", From: 18, To: 22}}
	if diff := cmp.Diff(want, library.Complete(l, library.ForProduct, source, offset)); diff != "" {
		t.Errorf("Complete(%q) differs (-want +got):\n%s", source, diff)
	}
}

// TestCompleteLeadsToWhatCompiles walks from every variable over all fields.
func TestCompleteLeadsToWhatCompiles(t *testing.T) {
	t.Parallel()
	l := completing(t)
	for _, target := range []library.Target{library.ForProduct, library.ForComponent, library.ForFlow, library.ForQuestion, library.ForComponentQuestion} {
		walked := 0
		var walk func(path string, depth int)
		walk = func(path string, depth int) {
			for _, c := range library.Complete(l, target, path, len(path)) {
				if c.Kind != library.CompleteField && c.Kind != library.CompleteVariable {
					continue
				}
				walked++
				next := path + c.Insert
				if _, found := library.CheckExpression(l, target, "", next); found != nil && !strings.Contains(found[0].Text, "expected true or false, a number or text") {
					t.Errorf("CheckExpression(%s, %q) = %v, want what Complete offers to be known", target, next, found)
				}
				if depth < 4 {
					walk(next+".", depth+1)
				}
			}
		}
		walk("", 0)
		if walked < 4 {
			t.Errorf("Complete leads to %d names for %s, want more", walked, target)
		}
	}
}

func TestCheckExpression(t *testing.T) {
	t.Parallel()
	l := completing(t)
	for _, tc := range []struct {
		target         library.Target
		expect, source string
		typ            string
		want           []library.ExpressionProblem
	}{
		{library.ForFlow, "bool", "flow.crosses_boundary", "bool", nil},
		{library.ForFlow, "", "flow.exposure + 1", "int", nil},
		{library.ForFlow, "int", "flow.name", "", []library.ExpressionProblem{{1, 1, "expression: expected a whole number, found text"}}},
		{library.ForFlow, "bool", "true &&\n  flow.nme == ''", "", []library.ExpressionProblem{{2, 8, `a flow has no field "nme"; did you mean "name"?`}}},
		{library.ForFlow, "bool", "flow.source.type == 'wbe'", "", []library.ExpressionProblem{{1, 21, `unknown component type "wbe"; did you mean "web"?`}}},
		{library.ForFlow, "bool", " ", "", []library.ExpressionProblem{{1, 1, "expected CEL, found nothing"}}},
		{library.ForFlow, "bool", "flow.exposure >", "", []library.ExpressionProblem{{1, 16, `it ends too early: expected a value after ">"`}}},
		{"zone", "bool", "true", "", []library.ExpressionProblem{{1, 1, `there are no expressions for "zone"`}}},
	} {
		typ, found := library.CheckExpression(l, tc.target, tc.expect, tc.source)
		if diff := cmp.Diff(tc.want, found); typ != tc.typ || diff != "" {
			t.Errorf("CheckExpression(%s, %q) = %q, want %q; problems (-want +got):\n%s", tc.target, tc.source, typ, tc.typ, diff)
		}
	}
}

// FuzzComplete: whatever is typed, completions stand within it and around the cursor.
func FuzzComplete(f *testing.F) {
	for _, text := range []string{"flow.source.type == 'w", "'a' in component.tags", "components.exists(c, c.", "answers.reach in ['", "a.b.(", "x.exists(t, t.exists(u, u.", "'\\"} {
		f.Add(text, len(text))
	}
	l := completing(f)
	f.Fuzz(func(t *testing.T, text string, offset int) {
		length := len([]rune(text))
		cursor := max(0, min(offset, length))
		for _, target := range []library.Target{library.ForProduct, library.ForFlow, library.ForComponentQuestion} {
			found := library.Complete(l, target, text, offset)
			for _, c := range found {
				if c.From < 0 || c.From > cursor || c.To < cursor || c.To > length || c.Label == "" || c.Insert == "" {
					t.Errorf("Complete(%q, %d) offers %+v", text, offset, c)
				}
			}
			if !slices.EqualFunc(found, library.Complete(l, target, text, offset), func(a, b library.Completion) bool { return a == b }) {
				t.Errorf("Complete(%q, %d) is not always the same", text, offset)
			}
		}
		library.CheckExpression(l, library.ForFlow, "bool", text)
	})
}
