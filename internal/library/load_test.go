package library_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
)

const head = `ref: t
version: "1"
name: T
vocabulary:
  tags: {pci: payment}
  attributes:
    encrypted: {values: [yes, no], for: [flow, store], text: Encrypted?}
    note: {for: [process], text: Anything}
`

const types = `type: web
name: Web application
kind: process
patterns: [inj]
aliases: [website]
attributes: {note: plain}
`

const pattern = `pattern: inj
name: Injection
weaknesses:
  - {ref: unbound, title: Unbound input, cwe: 89}
countermeasures:
  - {ref: bind, title: Bind, standards: ["asvs-5.0:1.2.4"], cost: {amount: 1, unit: days}, default: required}
threats:
  - ref: read
    title: Data is read
    categories: [stride:tampering]
    impact: {confidentiality: 90}
    ease: 75
    weaknesses: [{ref: unbound, countermeasures: [{ref: bind, share: 80}]}]
`

const questionnaire = `questionnaire: q
name: Q
groups:
  - group: g
    title: G
    questions:
      - {question: reach, title: Reach?, kind: choice, options: [{ref: internet, title: I}, {ref: intranet, title: N}]}
      - {question: web, title: Web?, kind: yes_no}
      - {question: data, title: Data?, kind: choices, options: [{ref: health, title: H}, {ref: money, title: M}]}
      - {question: users, title: Users?, kind: number, when: answers.web}
`

const standard = `standard: asvs-5.0
name: ASVS
version: 5.0.0
url: https://example.org/
clauses:
  - {id: "1.2.10", title: Last, level: 3}
  - {id: "1.2.4", title: Bind, level: 1}
`

// rule wraps the body of one rule; its lines begin at rules.yaml line 3.
func rule(body string) string {
	return "rules:\n  - rule: r\n    " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n    ") + "\n"
}

const tail = `
title: R
reason: because
tests: []`

func files(over map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{"library.yaml": head, "types/web.yaml": types, "patterns/inj.yaml": pattern, "questionnaires/q.yaml": questionnaire, "standards/asvs.yaml": standard} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range over {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestLoadReadsAll(t *testing.T) {
	t.Parallel()
	l, err := library.Load(files(map[string]string{"rules/r.yaml": rule("for: flow\nwhen: flow.crosses_boundary\napply: [inj]" + tail)}))
	if err != nil {
		t.Fatalf("Load(good) = %v, want no error", err)
	}
	if got, want := l.Stamp()[:4], "t@1+"; got != want || len(l.Stamp()) != 12 {
		t.Errorf("Stamp() = %q, want %s and 8 digits", l.Stamp(), want)
	}
	if got := l.TypeFor("WebSite", "process"); got != "web" {
		t.Errorf("TypeFor(WebSite) = %q, want web", got)
	}
	if got := l.TypeFor("WebSite", "store"); got != "" {
		t.Errorf("TypeFor(WebSite, store) = %q, want none", got)
	}
	if l.Pattern("inj") == nil || l.Weakness("unbound").CWE != 89 || l.Countermeasure("bind").Standards[0].Clause != "1.2.4" || l.Question("users") == nil {
		t.Error("look-ups miss what the files define")
	}
}

func TestStampIgnoresOrderAndFiles(t *testing.T) {
	t.Parallel()
	a := "for: product\nconclude: {a: true}" + tail
	b := strings.ReplaceAll("for: product\nconclude: {b: true}"+tail, "\n", "\n    ")
	one, err := library.Load(files(map[string]string{"rules/r.yaml": rule(a) + "  - rule: s\n    " + b + "\n"}))
	if err != nil {
		t.Fatal(err)
	}
	two, err := library.Load(files(map[string]string{"rules/z.yaml": rule(a), "a.yaml": "# moved\nrules:\n  - rule: s\n    " + b + "\n"}))
	if err != nil {
		t.Fatal(err)
	}
	if one.Stamp() != two.Stamp() {
		t.Errorf("Stamp() = %s and %s, want the same for moved rules", one.Stamp(), two.Stamp())
	}
	three, err := library.Load(files(map[string]string{"rules/r.yaml": rule(a)}))
	if err != nil {
		t.Fatal(err)
	}
	if one.Stamp() == three.Stamp() {
		t.Errorf("Stamp() = %s for two contents", one.Stamp())
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, file, text string
		want             []string
	}{
		{"unknown key", "types/web.yaml", strings.Replace(types, "kind:", "knd: x\nkind:", 1), []string{`types/web.yaml:3:1: component type: unknown key "knd"; did you mean "kind"?`}},
		{"duplicate key", "types/web.yaml", types + "name: again\n", []string{`types/web.yaml:7:1: key "name" is there twice, first in line 2`}},
		{"missing key", "types/web.yaml", "type: web\nkind: process\n", []string{`types/web.yaml:1:1: component type: "name" is missing`}},
		{"wrong type", "types/web.yaml", strings.Replace(types, "[website]", "website", 1), []string{"types/web.yaml:5:10: aliases: expected a list, found text"}},
		{"number for text", "types/web.yaml", strings.Replace(types, "Web application", "5", 1), []string{"types/web.yaml:2:7: name: expected text, found a number"}},
		{"alias", "types/web.yaml", "type: &a web\nname: *a\nkind: process\n", []string{
			"types/web.yaml:1:7: anchors, aliases and merge keys are not allowed: write it out",
			"types/web.yaml:2:7: anchors, aliases and merge keys are not allowed: write it out",
		}},
		{"merge key", "types/web.yaml", "<<: {type: web}\nname: W\n", []string{"types/web.yaml:1:1: anchors, aliases and merge keys are not allowed: write it out", "types/web.yaml:1:1: the file has none"}},
		{"broken YAML", "types/web.yaml", "type: [web\nname: x\n", []string{"types/web.yaml:2:1: ',' or ']' must be specified"}},
		{"second document", "types/web.yaml", types + "---\ntype: x\n", []string{"types/web.yaml:8:1: a second YAML document"}},
		{"empty", "types/web.yaml", "", []string{"types/web.yaml:1:1: the file is empty"}},
		{"something else", "types/web.yaml", "hello: world\n", []string{"types/web.yaml:1:1: the file has none of the keys"}},
		{"two refs", "types/two.yaml", types, []string{`types/web.yaml:1:1: component type "web" is there twice, first at types/two.yaml:1:1`}},
		{"dangling pattern", "types/web.yaml", strings.Replace(types, "[inj]", "[injj]", 1), []string{`types/web.yaml:4:12: patterns: unknown pattern "injj"; did you mean "inj"?`}},
		{"stand-in for nothing", "patterns/inj.yaml", strings.Replace(pattern, "{ref: bind,", "{ref: bind, stands_for: bond,", 1), []string{`patterns/inj.yaml:6:29: stands_for: unknown countermeasure "bond"; did you mean "bind"?`}},
		{"stand-in for itself", "patterns/inj.yaml", strings.Replace(pattern, "{ref: bind,", "{ref: bind, stands_for: bind,", 1), []string{`patterns/inj.yaml:6:5: stands_for: the countermeasure "bind" stands for itself`}},
		{"weakness in the place of nothing", "patterns/inj.yaml", strings.Replace(pattern, "{ref: unbound, title", "{ref: unbound, stands_for: bind, title", 1), []string{`patterns/inj.yaml:4:32: stands_for: unknown weakness "bind"`}},
		{"weakness in its own place", "patterns/inj.yaml", strings.Replace(pattern, "  - {ref: unbound, title: Unbound input, cwe: 89}", "  - {ref: unbound, stands_for: other, title: U}\n  - {ref: other, stands_for: unbound, title: O}", 1), []string{`patterns/inj.yaml:4:5: stands_for: the weakness "unbound" stands for itself`, `patterns/inj.yaml:5:5: stands_for: the weakness "other" stands for itself`}},
		{"dangling countermeasure", "patterns/inj.yaml", strings.Replace(pattern, "[{ref: bind,", "[{ref: bond,", 1), []string{`patterns/inj.yaml:13:57: ref: unknown countermeasure "bond"; did you mean "bind"?`}},
		{"category", "patterns/inj.yaml", strings.Replace(pattern, "stride:tampering", "stride:tempering", 1), []string{`patterns/inj.yaml:10:18: categories: unknown category "stride:tempering"; did you mean "stride:tampering"?`}},
		{"standard", "patterns/inj.yaml", strings.Replace(pattern, "asvs-5.0:1.2.4", "asvs-5.0:1.2", 1), []string{`patterns/inj.yaml:6:42: standards: asvs-5.0 has no clause "1.2"`}},
		{"unknown standard", "patterns/inj.yaml", strings.Replace(pattern, "asvs-5.0:1.2.4", "asvs-5:1.2.4", 1), []string{`patterns/inj.yaml:6:42: standards: unknown standard "asvs-5"; did you mean "asvs-5.0"?`}},
		{"no clause form", "patterns/inj.yaml", strings.Replace(pattern, "asvs-5.0:1.2.4", "asvs", 1), []string{`patterns/inj.yaml:6:42: standards: "asvs" is not of the form standard:clause`}},
		{"clause twice", "standards/asvs.yaml", standard + "  - {id: \"1.2.4\", title: Again}\n", []string{`standards/asvs.yaml:8:5: clause "1.2.4" is there twice, first in line 7`}},
		{"standard twice", "standards/b.yaml", standard, []string{`standards/b.yaml:1:1: standard "asvs-5.0" is there twice, first at standards/asvs.yaml:1:1`}},
		{"level of a clause", "standards/asvs.yaml", strings.Replace(standard, "level: 3", "level: 0", 1), []string{`standards/asvs.yaml:6:40: level: expected a number from 1 to 9, found 0`}},
		{"address of a standard", "standards/asvs.yaml", strings.Replace(standard, "https:", "http:", 1), []string{`standards/asvs.yaml:4:6: url: "http://example.org/" does not begin with https://`}},
		{"share", "patterns/inj.yaml", strings.Replace(pattern, "share: 80", "share: 101", 1), []string{"patterns/inj.yaml:13:70: share: expected a number from 0 to 100, found 101"}},
		{"attribute value", "types/web.yaml", strings.Replace(types, "note: plain", "encrypted: maybe", 1), []string{
			`types/web.yaml:6:25: attribute "encrypted" is for flow, store, not for a process`, `types/web.yaml:6:25: attribute "encrypted": "maybe" is not one of yes, no`,
		}},
		{"condition of a question", "questionnaires/q.yaml", strings.Replace(questionnaire, "answers.web", "answers.wbe", 1), []string{`questionnaires/q.yaml:10:70: unknown question "wbe"; did you mean "web"?`}},
		{"circle of questions", "questionnaires/q.yaml", strings.Replace(questionnaire, "kind: yes_no}", "kind: yes_no, when: answers.users > 3}", 1), []string{"questionnaires/q.yaml:10:9: the conditions of the questions users, web, users go round in a circle"}},
		{"misspelt field", "rules/r.yaml", rule("for: flow\nwhen: flow.crosses_bondary\napply: [inj]" + tail), []string{`rules/r.yaml:4:16: a flow has no field "crosses_bondary"; did you mean "crosses_boundary"?`}},
		{"misspelt nested field", "rules/r.yaml", rule("for: flow\nwhen: flow.source.zone.trst > 3\napply: [inj]" + tail), []string{`rules/r.yaml:4:28: a zone has no field "trst"; did you mean "trust"?`}},
		{"misspelt variable", "rules/r.yaml", rule("for: flow\nwhen: flwo.crosses_boundary\napply: [inj]" + tail), []string{`rules/r.yaml:4:11: unknown name "flwo"; did you mean "flow"?`}},
		{"variable of another target", "rules/r.yaml", rule("for: flow\nwhen: component.type == 'web'\napply: [inj]" + tail), []string{`rules/r.yaml:4:11: "component" is known in rules for component and not here; known here: answers, facts, flow, product`}},
		{"misspelt attribute", "rules/r.yaml", rule("for: flow\nwhen: flow.attributes.encrpted == 'yes'\napply: [inj]" + tail), []string{`rules/r.yaml:4:27: unknown attribute "encrpted"; did you mean "encrypted"?`}},
		{"misspelt value", "rules/r.yaml", rule("for: flow\nwhen: flow.attributes.encrypted != 'yess'\napply: [inj]" + tail), []string{`rules/r.yaml:4:40: unknown value of attribute encrypted "yess"; did you mean "yes"?`}},
		{"misspelt type in a list", "rules/r.yaml", rule("for: flow\nwhen: flow.source.type in ['web', 'wbe']\napply: [inj]" + tail), []string{`rules/r.yaml:4:39: unknown component type "wbe"; did you mean "web"?`}},
		{"misspelt kind", "rules/r.yaml", rule("for: component\nwhen: \"'proces' == component.kind\"\napply: [inj]" + tail), []string{`rules/r.yaml:4:12: unknown component kind "proces"; did you mean "process"?`}},
		{"misspelt tag", "rules/r.yaml", rule("for: component\nwhen: \"'pcii' in component.tags\"\napply: [inj]" + tail), []string{`rules/r.yaml:4:12: unknown tag "pcii"; did you mean "pci"?`}},
		{"misspelt tag in a macro", "rules/r.yaml", rule("for: component\nwhen: component.tags.exists(t, t == 'pcii')\napply: [inj]" + tail), []string{`rules/r.yaml:4:41: unknown tag "pcii"; did you mean "pci"?`}},
		{"misspelt literal in a macro", "rules/r.yaml", rule("for: component\nwhen: \"['wbe'].exists(t, t == component.type)\"\napply: [inj]" + tail), []string{`rules/r.yaml:4:13: unknown component type "wbe"; did you mean "web"?`}},
		{"misspelt option", "rules/r.yaml", rule("for: product\nwhen: answers.reach == 'internat'\napply: [inj]" + tail), []string{`rules/r.yaml:4:28: unknown option of question reach "internat"; did you mean "internet"?`}},
		{"misspelt option of several", "rules/r.yaml", rule("for: product\nwhen: \"'helth' in answers.data\"\napply: [inj]" + tail), []string{`rules/r.yaml:4:12: unknown option of question data "helth"; did you mean "health"?`}},
		{"folded", "rules/r.yaml", rule("for: flow\nwhen: >-\n  flow.crosses_boundary &&\n  flow.attributes.encrypted ==\n  'yess'\napply: [inj]" + tail), []string{`rules/r.yaml:7:7: unknown value of attribute encrypted "yess"`}},
		{"literal block", "rules/r.yaml", rule("for: flow\nwhen: |\n  flow.crosses_boundary &&\n    flow.nme == ''\napply: [inj]" + tail), []string{`rules/r.yaml:6:14: a flow has no field "nme"; did you mean "name"?`}},
		{"quotes in quotes", "rules/r.yaml", rule("for: flow\nwhen: 'flow.name == ''ü'' && flow.nme == ''x'''\napply: [inj]" + tail), []string{`rules/r.yaml:4:39: a flow has no field "nme"`}},
		{"not bool", "rules/r.yaml", rule("for: flow\nwhen: flow.exposure\napply: [inj]" + tail), []string{"rules/r.yaml:4:11: when: expected true or false, found a whole number; compare flow.exposure, like flow.exposure > 0"}},
		{"wrong operand", "rules/r.yaml", rule("for: flow\nwhen: flow.exposure == 'high'\napply: [inj]" + tail), []string{`rules/r.yaml:4:25: "==" compares values of one kind, found a whole number (flow.exposure) and text ('high')`}},
		{"cut off", "rules/r.yaml", rule("for: flow\nwhen: flow.exposure >\napply: [inj]" + tail), []string{`rules/r.yaml:4:26: it ends too early: expected a value after ">"`}},
		{"unknown fact", "rules/r.yaml", rule("for: flow\nwhen: facts.sensitiv\nconclude: {sensitive: true}" + tail), []string{`rules/r.yaml:4:17: no rule for flow or product concludes the fact "sensitiv"; did you mean "sensitive"?`}},
		{"no such rule target", "rules/r.yaml", rule("for: zone\napply: [inj]" + tail), []string{`rules/r.yaml:3:10: for: "zone" is not one of product, component, flow`}},
		{"does nothing", "rules/r.yaml", rule("for: flow" + tail), []string{`rules/r.yaml:2:5: rule "r" does nothing`}},
		{"type of another kind", "rules/r.yaml", rule("for: component\nkinds: [actor, store]\ntypes: [web]\napply: [inj]" + tail), []string{`rules/r.yaml:2:5: rule "r" never fires for the type "web", which is of the kind process: the rule is for actor, store`}},
		{"set out of range", "rules/r.yaml", rule("for: product\nset: {exposure: 101}" + tail), []string{"rules/r.yaml:4:21: exposure: expected a whole number from 0 to 100 or CEL, found 101"}},
		{"test of unknown question", "rules/r.yaml", rule("for: product\nconclude: {x: true}\ntitle: R\nreason: b\ntests: [{name: a, model: {answers: {rech: internet}}, fires: []}]"), []string{`rules/r.yaml:7:41: answers: unknown question "rech"; did you mean "reach"?`}},
		{"test with a dangling zone", "rules/r.yaml", rule("for: product\nconclude: {x: true}\ntitle: R\nreason: b\ntests: [{name: a, model: {components: [{id: c, zone: z}]}, fires: []}]"), []string{`rules/r.yaml:7:30: the model is not consistent; component c: zone "z" is not a zone`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := library.Load(files(map[string]string{tc.file: tc.text}))
			f := fault.As(err)
			if f == nil || f.Kind != fault.Invalid || f.Code != "library.invalid" {
				t.Fatalf("Load(%s) = %v, want a fault library.invalid", tc.name, err)
			}
			if len(f.Fields) != len(tc.want) {
				t.Errorf("Load(%s) has %d errors, want %d", tc.name, len(f.Fields), len(tc.want))
			}
			for i, got := range f.Fields {
				if line := got.Where + ": " + got.Text; i >= len(tc.want) || !strings.HasPrefix(line, tc.want[i]) {
					t.Errorf("Load(%s) error %d = %s, want %v", tc.name, i, line, tc.want)
				}
			}
		})
	}
}

func twoRules(a, b string) string {
	body := func(s string) string { return strings.ReplaceAll(s+tail, "\n", "\n    ") }
	return "rules:\n  - rule: a\n    " + body(a) + "\n  - rule: b\n    " + body(b) + "\n"
}

func TestLoadRefusesContradictions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, a, b, want string }{
		{"two values of a fact", "for: product\nconclude: {x: 1}", "for: product\nconclude: {x: 2}", `rules/r.yaml:10:16: rules "a" and "b" set fact x to different values (1, 2) and can both fire`},
		{"same value", "for: product\nconclude: {x: 1}", "for: product\nwhen: answers.web\nconclude: {x: 1}", ""},
		{"two exposures", "for: product\nset: {exposure: 10}", "for: product\nwhen: answers.web\nset: {exposure: 20}", `rules/r.yaml:11:21: rules "a" and "b" set exposure to different values (10, 20) and can both fire`},
		{"raise is no conflict", "for: product\nraise: {exposure: 10}", "for: product\nraise: {exposure: 20}", ""},
		{"other options", "for: product\nwhen: answers.reach == 'internet'\nset: {exposure: 90}", "for: product\nwhen: \"answers.web && 'intranet' == answers.reach\"\nset: {exposure: 20}", ""},
		{"same option", "for: product\nwhen: answers.reach == 'internet'\nset: {exposure: 90}", "for: product\nwhen: answers.reach in ['internet', 'intranet']\nset: {exposure: 20}", `rules/r.yaml:12:21: rules "a" and "b"`},
		{"yes and no", "for: product\nwhen: answers.web\nset: {exposure: 90}", "for: product\nwhen: \"!answers.web\"\nset: {exposure: 20}", ""},
		{"option and its negation", "for: product\nwhen: answers.reach == 'internet'\nset: {exposure: 90}", "for: product\nwhen: answers.reach != 'internet'\nset: {exposure: 20}", ""},
		{"an or is no exclusion", "for: product\nwhen: answers.web || answers.reach == 'internet'\nset: {exposure: 90}", "for: product\nwhen: answers.reach == 'intranet'\nset: {exposure: 20}", `rules/r.yaml:12:21: rules "a" and "b"`},
		{"other kinds", "for: component\nkinds: [actor]\nconclude: {x: 1}", "for: component\nkinds: [store]\nconclude: {x: 2}", ""},
		{"fact of two targets", "for: component\nconclude: {x: 1}", "for: flow\nconclude: {x: 1}", `rules/r.yaml:10:16: fact "x" is concluded for component by rule "a" and for flow by rule "b"`},
		{"fact of two types", "for: product\nwhen: answers.web\nconclude: {x: 1}", "for: product\nwhen: \"!answers.web\"\nconclude: {x: true}", `rules/r.yaml:12:16: fact "x" is int in rule "a" and bool in rule "b"`},
		{"circle", "for: product\nwhen: facts.x\nconclude: {y: true}", "for: product\nwhen: facts.y\nconclude: {x: true}", `rules/r.yaml:2:5: rules go round in a circle, each reads what another concludes: "a" -> "b" -> "a"`},
		{"circle through values", "for: product\nconclude: {y: facts.x}", "for: product\nwhen: facts.y\nconclude: {x: true}", `rules/r.yaml:2:5: rules go round in a circle`},
		{"circle through the product", "for: product\nwhen: product.exposure > 3\nconclude: {y: true}", "for: product\nwhen: facts.y\nset: {exposure: 3}", `rules/r.yaml:2:5: rules go round in a circle`},
		{"types flow through facts", "for: product\nconclude: {y: facts.x + 1}", "for: product\nconclude: {x: product.exposure}", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := library.Load(files(map[string]string{"rules/r.yaml": twoRules(tc.a, tc.b)}))
			if tc.want == "" {
				if err != nil {
					t.Fatalf("Load(%s) = %v, want no error", tc.name, err)
				}
				return
			}
			f := fault.As(err)
			if f == nil || len(f.Fields) != 1 || !strings.HasPrefix(f.Fields[0].Where+": "+f.Fields[0].Text, tc.want) {
				t.Errorf("Load(%s) = %v, want %s", tc.name, err, tc.want)
			}
		})
	}
}

func TestLoadNamesAllErrorsUpToFifty(t *testing.T) {
	t.Parallel()
	_, err := library.Load(files(map[string]string{"types/web.yaml": types + strings.Repeat("x: 1\n", 1) + strings.Repeat("- ", 0), "patterns/inj.yaml": strings.Replace(pattern, "ease: 75", "ease: 175", 1)}))
	want := []fault.Field{
		{Where: "patterns/inj.yaml:12:11", Text: "ease: expected a number from 0 to 100, found 175"},
		{Where: "types/web.yaml:7:1", Text: `component type: unknown key "x"`},
	}
	if diff := cmp.Diff(want, fault.As(err).Fields); diff != "" {
		t.Errorf("Load(two errors) differs (-want +got):\n%s", diff)
	}
	var many strings.Builder
	for i := range 80 {
		many.WriteString("k" + strings.Repeat("q", i) + ": 1\n")
	}
	_, err = library.Load(files(map[string]string{"types/web.yaml": types + many.String()}))
	if got := len(fault.As(err).Fields); got != 50 {
		t.Errorf("Load(80 errors) names %d, want 50", got)
	}
}
