package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	houseStandard = "standard: house-1\nname: House standard\nversion: \"1\"\nurl: https://example.org/house\nclauses:\n" +
		"  - {id: \"1.1\", title: Rules are written down, level: 1}\n  - {id: \"1.2\", title: Rules are read, level: 2}\n  - {id: \"2.1\", title: Nobody serves this, level: 1}\n"
	componentQuestions = "questionnaire: about-web-applications\nname: About web applications\ntypes: [web-application]\ngroups:\n  - group: house\n    title: House\n    questions:\n" +
		"      - {attribute: has_rules, title: Are there rules?, help: Ask the house.}\n      - {attribute: rules_where, title: Where are they?, when: component.attributes.has_rules == 'yes'}\n"
	houseHead = "ref: house\nname: House\nversion: \"1\"\nvocabulary:\n  attributes:\n    has_rules: {values: [\"yes\", \"no\"], for: [process], text: Are there rules?}\n    rules_where: {for: [process], text: Where are the rules?}\n"
)

// house publishes an own layer with a standard, what serves it and a component questionnaire.
func (s *server) house() {
	s.t.Helper()
	s.admin.entry("standard", "house-1", houseStandard)
	s.admin.entry("head", "library", houseHead)
	s.admin.entry("questionnaire", "about-web-applications", componentQuestions)
	s.admin.entry("rule", "every-web-application", ownRule)
	s.admin.entry("pattern", "house-rules", strings.Replace(ownPattern, "{ref: write-house-rules,", "{ref: write-house-rules, standards: [\"house-1:1.1\", \"house-1:1.2\"],", 1))
	s.admin.publish("House")
}

func TestStandards(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{files: smallLibrary})
	s.house()
	_, bob := s.person("bob")
	product := s.admin.product("Shop")
	path := "/products/" + product
	s.admin.put(path+"/elements/components/app", map[string]any{"kind": "process", "type": "web-application", "name": "Shop"}).want(200)
	s.admin.post(path+"/plan", map[string]any{"all": true}).want(200)

	list := bob.get("/library/standards").want(200)
	i := slices.IndexFunc(list.list("items"), func(x any) bool { return x.(map[string]any)["ref"] == "house-1" })
	if i < 0 || list.at("items", i, "clauses") != 3.0 || list.at("items", i, "served") != 2.0 || !cmp.Equal(list.at("items", i, "levels"), []any{1.0, 2.0}) {
		t.Errorf("the standards = %s, want the own one with three clauses, two of them served", list.body)
	}
	one := bob.get("/library/standards/house-1").want(200)
	if one.text("list", 0, "countermeasures", 0, "ref") != "write-house-rules" || len(one.list("list", 2, "countermeasures")) != 0 {
		t.Errorf("the standard = %s", one.body)
	}
	bob.get("/library/standards/none").want(404)

	// A standard stays applied, and a wrong one is refused at its place.
	bob.patch(path, map[string]any{"standards": []string{"house-1"}}).want(404)
	tag := s.admin.get(path).want(200).header.Get("ETag")
	kept := s.admin.with("If-Match", tag).patch(path, map[string]any{"standards": []string{"house-1:1"}}).want(200)
	if !cmp.Equal(kept.at("standards"), []any{"house-1:1"}) {
		t.Errorf("the product = %s, want the standard applied", kept.body)
	}
	s.admin.with("If-Match", tag).patch(path, map[string]any{"standards": []string{}}).want(412)
	bad := s.admin.patch(path, map[string]any{"standards": []string{"house-1:7", "none", "house-1", "Not!"}}).want(422).fieldsAt()
	for _, where := range []string{"body.standards[0]", "body.standards[1]", "body.standards[2]", "body.standards[3]"} {
		if !strings.Contains(bad[where], "") || bad[where] == "" {
			t.Errorf("refused at %v, want it at %s", bad, where)
		}
	}
	s.admin.post(path+"/plan", map[string]any{"all": true}).want(200)
	of := s.admin.get(path + "/standards").want(200)
	if of.text("items", 0, "standard") != "house-1" || of.at("items", 0, "applied") != true || of.at("items", 0, "level") != 1.0 || of.at("items", 0, "counts", "gap") != 1.0 || of.at("items", 0, "counts", "planned") != 1.0 {
		t.Errorf("the product's standards = %v, want a gap and something planned in front", of.at("items", 0))
	}
	bob.get(path + "/standards").want(404)
	bob.get(path + "/standards/house-1").want(404)
	clauses := s.admin.get(path + "/standards/house-1").want(200)
	if clauses.at("total") != 2.0 || clauses.text("items", 0, "status") != "planned" || clauses.text("items", 0, "countermeasures", 0, "where_name") != "Shop" || clauses.text("items", 1, "status") != "gap" {
		t.Errorf("the clauses = %s", clauses.body)
	}
	measure := clauses.text("items", 0, "countermeasures", 0, "id")
	if got := s.admin.get(path + "/standards/house-1?level=0&limit=2").want(200); got.at("total") != 3.0 || got.text("next") == "" ||
		s.admin.get(path+"/standards/house-1?level=0&limit=2&cursor="+got.text("next")).want(200).text("items", 0, "id") != "2.1" {
		t.Errorf("all clauses page by page = %s", got.body)
	}
	s.admin.patch(path+"/countermeasures/"+measure, map[string]any{"state": "implemented"}).want(200)
	if got := s.admin.get(path + "/standards/house-1?status=implemented&status=proven").want(200); got.at("total") != 1.0 || got.at("counts", "planned") != 0.0 {
		t.Errorf("what is implemented = %s", got.body)
	}
	if got := s.admin.get("/library/standards/house-1").want(200); got.at("products") != 1.0 {
		t.Errorf("%v products keep the standard, want 1", got.at("products"))
	}
	s.admin.get(path + "/standards/none").want(404)
	if made := s.admin.post("/products", map[string]any{"name": "Kept from the start", "standards": []string{"house-1"}}).want(201); !cmp.Equal(made.at("standards"), []any{"house-1"}) {
		t.Errorf("a new product keeps %v, want the standard", made.at("standards"))
	}
	s.admin.post("/products", map[string]any{"name": "N", "standards": []string{"none"}}).want(422)
	if copied := s.admin.post("/products", map[string]any{"name": "Copy", "from_template": product, "standards": []string{"house-1:2"}}).want(201); !cmp.Equal(copied.at("standards"), []any{"house-1:2"}) {
		t.Errorf("a copy keeps %v, want what was said for it", copied.at("standards"))
	}
}

func TestComponentQuestionnaire(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{files: smallLibrary})
	s.house()
	product := s.admin.product("Shop")
	path := "/products/" + product
	s.admin.put(path+"/elements/components/app", map[string]any{"kind": "process", "type": "web-application", "name": "Shop"}).want(200)
	s.admin.put(path+"/elements/components/other", map[string]any{"kind": "process", "name": "Other"}).want(200)
	first := s.admin.get(path + "/components/app/questionnaire").want(200)
	if first.text("questionnaire") != "about-web-applications" || len(first.list("groups", 0, "questions")) != 1 || first.text("groups", 0, "questions", 0, "kind") != "yes_no" || first.at("progress", "answered") != 0.0 {
		t.Errorf("the questions = %s, want the unconditional one", first.body)
	}
	s.admin.with("If-Match", first.header.Get("ETag")).put(path+"/elements/components/app", map[string]any{"kind": "process", "type": "web-application", "name": "Shop", "attributes": map[string]any{"has_rules": "yes"}}).want(200)
	second := s.admin.get(path + "/components/app/questionnaire").want(200)
	if len(second.list("groups", 0, "questions")) != 2 || second.text("groups", 0, "questions", 0, "value") != "yes" || second.at("progress", "answered") != 1.0 || second.at("progress", "total") != 2.0 {
		t.Errorf("after an answer = %s, want the conditional question too", second.body)
	}
	if none := s.admin.get(path + "/components/other/questionnaire").want(200); none.at("questionnaire") != nil || len(none.list("groups")) != 0 {
		t.Errorf("a component without a type is asked %s", none.body)
	}
	s.admin.get(path + "/components/none/questionnaire").want(404)
	_, bob := s.person("bob")
	bob.get(path + "/components/app/questionnaire").want(404)
	s.admin.put(path+"/answers", map[string]any{"questionnaire": "about-web-applications", "answers": map[string]any{}}).want(422)

	tried := s.admin.post("/library/draft/questionnaires/about-web-applications/preview", map[string]any{"answers": map[string]any{"has_rules": "yes", "rules_where": "in the hall", "encrypted": "maybe"}}).want(200)
	if tried.at("preview", "progress", "answered") != 2.0 || tried.text("preview", "problems", 0, "question") != "encrypted" || tried.at("preview", "brings", "threats").(float64) < 1 {
		t.Errorf("trying the component questionnaire = %s", tried.body)
	}
}

func TestLibraryDifference(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{files: smallLibrary})
	_, bob := s.person("bob")
	s.house()
	s.admin.remove("/library/entries/standard/house-1").want(204)
	s.admin.get("/library/diff").want(422)
	s.admin.entry("pattern", "house-rules", strings.Replace(ownPattern, "ease: 50", "ease: 60", 1))
	between := func(query string) map[string]string {
		out := map[string]string{}
		for next := ""; ; {
			page := bob.get("/library/diff?limit=2&" + query + "&cursor=" + next).want(200)
			for i := range page.list("items") {
				out[page.text("items", i, "kind")+" "+page.text("items", i, "ref")] = page.text("items", i, "what")
			}
			if next = page.text("next"); next == "" {
				return out
			}
		}
	}
	if diff := cmp.Diff(map[string]string{"pattern house-rules": "changed", "standard house-1": "removed"}, between("from=in-force&to=draft")); diff != "" {
		t.Errorf("the draft against what is in force (-want +got):\n%s", diff)
	}
	want := map[string]string{
		"head library": "changed", "pattern house-rules": "added", "rule every-web-application": "added", "questionnaire about-web-applications": "added", "standard house-1": "added",
	}
	if diff := cmp.Diff(want, between("from=built-in&to=1")); diff != "" {
		t.Errorf("the first version against what is built in (-want +got):\n%s", diff)
	}
	got := bob.get("/library/diff").want(200)
	var eases []string
	for i := range got.list("items", 0, "parts") {
		for j := range got.list("items", 0, "parts", i, "fields") {
			if got.text("items", 0, "parts", i, "fields", j, "field") == "ease" {
				eases = append(eases, fmt.Sprint(got.at("items", 0, "parts", i, "fields", j, "old"), " to ", got.at("items", 0, "parts", i, "fields", j, "new")))
			}
		}
	}
	if !slices.Equal(eases, []string{"50 to 60"}) || !strings.Contains(got.text("items", 0, "old_text"), "ease: 50") || !strings.Contains(got.text("items", 0, "new_text"), "ease: 60") {
		t.Errorf("the difference of the pattern = %v", got.at("items", 0))
	}
	bob.get("/library/diff?from=7").want(404)
	bob.get("/library/diff?from=yesterday").want(422)
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{files: smallLibrary})
	_, bob := s.person("bob")
	s.admin.entry("head", "library", houseHead)
	complete := func(target, text string) []string {
		got := s.admin.post("/library/complete", map[string]any{"for": target, "text": text, "offset": len(text)}).want(200)
		var labels []string
		for i := range got.list("items") {
			labels = append(labels, got.text("items", i, "label"))
		}
		return labels
	}
	if got := complete("component", "component.attributes.has_r"); !slices.Contains(got, "has_rules") {
		t.Errorf("completing a word of the draft gives %v", got)
	}
	if got := complete("flow", "component."); len(got) != 0 {
		t.Errorf("completing what the target does not have gives %v", got)
	}
	bob.post("/library/complete", map[string]any{"for": "flow", "text": "", "offset": 0}).want(403)
	s.admin.post("/library/complete", map[string]any{"for": "house", "text": "", "offset": 0}).want(422)
	check := func(text string) answer {
		return s.admin.post("/library/expression", map[string]any{"for": "component", "expect": "bool", "text": text}).want(200)
	}
	if got := check("component.attributes.has_rules == 'yes'"); got.at("ok") != true || got.text("type") != "bool" {
		t.Errorf("a sound expression = %s", got.body)
	}
	if got := check("true &&\n component.nme == 'x'"); got.at("ok") != false || got.at("problems", 0, "line") != 2.0 || !strings.Contains(got.text("problems", 0, "text"), "nme") {
		t.Errorf("an unknown field = %s, want it in line 2", got.body)
	}
	if got := check("component.name"); got.at("ok") != false {
		t.Errorf("text where a condition is expected = %s", got.body)
	}
	bob.post("/library/expression", map[string]any{"for": "flow", "text": "true"}).want(403)
}
