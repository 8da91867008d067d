package library_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
)

const valueQuestions = `questionnaire: value
name: Value
groups:
  - group: stake
    title: At stake
    questions: [{question: harm, title: Harm?, kind: yes_no}]
`

const webQuestions = `questionnaire: about-web
name: About web applications
types: [web]
groups:
  - group: basics
    title: Basics
    questions:
      - {attribute: note, title: What is it?}
      - {attribute: login, title: Who signs in?, options: [{ref: staff, title: Our people}, {ref: all, title: Everybody}]}
      - {attribute: admin, title: Administration?, when: "component.attributes.login == 'all' && answers.web"}
`

const webHead = `ref: t
version: "1"
name: T
vocabulary:
  tags: {pci: payment}
  attributes:
    encrypted: {values: [yes, no], for: [flow, store], text: Encrypted?}
    note: {for: [process], text: Anything}
    login: {values: [all, staff], for: [process], text: Who signs in}
    admin: {values: [yes, no], for: [process], text: Administration}
`

func TestQuestionnaireIncludes(t *testing.T) {
	t.Parallel()
	l, err := library.Load(files(map[string]string{
		"v.yaml": valueQuestions,
		"w.yaml": "questionnaire: wide\nname: Wide\ninclude: [q, value]\n",
		"x.yaml": "questionnaire: wider\nname: Wider\ninclude: [value, wide]\ngroups: [{group: end, title: E, questions: [{question: last, title: L, kind: text}]}]\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string][]string{"value": {"stake"}, "wide": {"g", "stake"}, "wider": {"stake", "g", "end"}} {
		var got []string
		for _, g := range l.Questionnaire(ref).Groups {
			got = append(got, g.Ref)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("questionnaire %s has other groups (-want +got):\n%s", ref, diff)
		}
	}
	if l.Question("harm") != &l.Questionnaire("value").Groups[0].Questions[0] || l.Question("last") == nil {
		t.Error("Question(harm) is not the question of the questionnaire that has it")
	}
}

func TestComponentQuestionnaire(t *testing.T) {
	t.Parallel()
	l, err := library.Load(files(map[string]string{"library.yaml": webHead, "w.yaml": webQuestions}))
	if err != nil {
		t.Fatal(err)
	}
	q := l.ComponentQuestionnaire("web")
	if q == nil || q.Ref != "about-web" || l.ComponentQuestionnaire("other") != nil {
		t.Fatalf("ComponentQuestionnaire(web) = %v, want about-web", q)
	}
	type form struct {
		Ref     string
		Kind    library.QuestionKind
		Options []library.Option
	}
	var got []form
	for _, one := range q.Groups[0].Questions {
		got = append(got, form{one.Ref, one.Kind, one.Options})
	}
	want := []form{
		{"note", library.Text, nil},
		{"login", library.Choice, []library.Option{{Ref: "all", Title: "Everybody"}, {Ref: "staff", Title: "Our people"}}},
		{"admin", library.YesNo, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("questions differ (-want +got):\n%s", diff)
	}
	if l.Question("note") != nil {
		t.Error("Question(note) is a question of the product, want none: its answer is an attribute")
	}
}

func TestQuestionnairesRefuse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"unknown", map[string]string{"w.yaml": "questionnaire: w\nname: W\ninclude: [valu, q]\n", "v.yaml": valueQuestions}, []string{`w.yaml:3:11: include: unknown questionnaire "valu"; did you mean "value"?`}},
		{"circle", map[string]string{"a.yaml": "questionnaire: a\nname: A\ninclude: [b]\n", "b.yaml": "questionnaire: b\nname: B\ninclude: [a]\n"}, []string{
			"a.yaml:1:1: questionnaires include each other: a -> b -> a", "b.yaml:1:1: questionnaires include each other: b -> a -> b",
		}},
		{"no groups", map[string]string{"w.yaml": "questionnaire: w\nname: W\n"}, []string{`w.yaml:1:1: questionnaire: "groups" is missing`}},
		{"group twice", map[string]string{"w.yaml": "questionnaire: w\nname: W\ninclude: [q]\ngroups: [{group: g, title: G, questions: []}]\n"}, []string{`w.yaml:1:1: group "g" is there twice, in questionnaires "q" and "w"`}},
		{"unknown attribute", map[string]string{"w.yaml": strings.Replace(webQuestions, "attribute: note", "attribute: nte", 1)}, []string{`w.yaml:8:9: attribute: unknown attribute "nte"; did you mean "note"?`}},
		{"attribute of others", map[string]string{"w.yaml": strings.Replace(webQuestions, "attribute: note", "attribute: encrypted", 1)}, []string{`w.yaml:8:9: attribute "encrypted" is for flow, store, not for a process such as the component type "web"`}},
		{"unknown type", map[string]string{"w.yaml": strings.Replace(webQuestions, "types: [web]", "types: [wbe]", 1)}, []string{`w.yaml:3:9: types: unknown type "wbe"; did you mean "web"?`}},
		{"type twice", map[string]string{"w.yaml": webQuestions, "x.yaml": "questionnaire: x\nname: X\ntypes: [web]\ngroups: []\n"}, []string{`x.yaml:1:1: component type "web" has a questionnaire already, "about-web" at w.yaml:1:1`}},
		{"asked twice", map[string]string{"w.yaml": strings.Replace(webQuestions, "attribute: admin", "attribute: note", 1)}, []string{`w.yaml:10:9: attribute "note" is asked for twice, first at w.yaml:8:9`}},
		{"mixed", map[string]string{"w.yaml": webQuestions + "      - {question: other, title: O, kind: text}\n"}, []string{`w.yaml:1:1: questionnaire "about-web" asks of the product and of components`}},
		{"kind", map[string]string{"w.yaml": strings.Replace(webQuestions, "What is it?", "What, kind: text", 1)}, []string{`w.yaml:8:40: question: unknown key "kind"`}},
		{"untitled value", map[string]string{"w.yaml": strings.Replace(webQuestions, ", {ref: all, title: Everybody}", "", 1)}, []string{`w.yaml:9:9: attribute "login" has the value "all", and no option gives it a title`}},
		{"unknown value", map[string]string{"w.yaml": strings.Replace(webQuestions, "[{ref: staff", "[{ref: al, title: A}, {ref: staff", 1)}, []string{`w.yaml:9:9: option "al" is no value of attribute "login"; did you mean "all"?`}},
		{"titled text", map[string]string{"w.yaml": strings.Replace(webQuestions, "What is it?", "What, options: [{ref: a, title: A}]", 1)}, []string{`w.yaml:8:9: attribute "note" is free text and has no options`}},
		{"misspelt value", map[string]string{"w.yaml": strings.Replace(webQuestions, "'all'", "'al'", 1)}, []string{`w.yaml:10:89: unknown value of attribute login "al"; did you mean "all"?`}},
		{"a flow", map[string]string{"w.yaml": strings.Replace(webQuestions, "component.attributes.login == 'all'", "flow.name == ''", 1)}, []string{`w.yaml:10:59: "flow" is known in rules for flow and not here`}},
		{"facts", map[string]string{"w.yaml": strings.Replace(webQuestions, "component.attributes.login == 'all'", "facts.x", 1)}, []string{`w.yaml:10:59: "facts" is known in rules for component and not here`}},
		{"circle of conditions", map[string]string{"w.yaml": strings.Replace(webQuestions, "title: What is it?", "title: W, when: \"component.attributes.note == ''\"", 1)}, []string{`w.yaml:8:9: the conditions of the questions for the attributes note, note go round in a circle`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			over := map[string]string{"library.yaml": webHead}
			for file, text := range tc.files {
				over[file] = text
			}
			_, err := library.Load(files(over))
			f := fault.As(err)
			if f == nil {
				t.Fatalf("Load(%s) = %v, want a fault", tc.name, err)
			}
			var got []string
			for _, one := range f.Fields {
				got = append(got, one.Where+": "+one.Text)
			}
			if len(got) != len(tc.want) {
				t.Errorf("Load(%s) has %d errors, want %d: %v", tc.name, len(got), len(tc.want), got)
			}
			for i, w := range tc.want {
				if i < len(got) && !strings.HasPrefix(got[i], w) {
					t.Errorf("Load(%s) error %d = %s, want %s", tc.name, i, got[i], w)
				}
			}
		})
	}
}
