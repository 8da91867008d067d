package api

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/library"
)

const ownPattern = `pattern: house-rules
name: House rules
weaknesses:
  - {ref: no-house-rules, title: Nobody wrote the rules of the house down, description: D, test: T}
countermeasures:
  - {ref: write-house-rules, title: Write the rules of the house down, description: D, test: T}
threats:
  - ref: everybody-does-as-they-like
    title: Everybody does as they like
    impact: {integrity: 40}
    ease: 50
    weaknesses:
      - {ref: no-house-rules, countermeasures: [{ref: write-house-rules, share: 80}]}
`

const ownRule = `rules:
  - rule: every-web-application
    title: Every web application
    for: component
    types: [web-application]
    apply: [house-rules]
    reason: Every web application needs the rules of the house.
    tests:
      - name: fires
        model: {components: [{id: app, type: web-application}]}
        fires: [app]
      - name: silent
        model: {components: [{id: db, type: relational-database}]}
        fires: []
`

// smallLibrary is a built-in library that stays as it is while the shipped one grows.
var smallLibrary = library.Files{
	"library.yaml":                   "ref: small\nname: Small\nversion: \"1\"\nvocabulary:\n  attributes:\n    encrypted: {values: [\"yes\", \"no\"], for: [flow, store], text: Is it encrypted?}\n",
	"types/web-application.yaml":     "type: web-application\nname: Web application\nkind: process\npatterns: [sql-injection]\n",
	"types/relational-database.yaml": "type: relational-database\nname: Relational database\nkind: store\naliases: [mysql]\n",
	"patterns/sql-injection.yaml": "# The oldest one.\npattern: sql-injection\nname: SQL injection\nweaknesses: [{ref: sql-from-input, title: SQL is built from input}]\ncountermeasures: [{ref: bind-parameters, title: Bind parameters}]\n" +
		"threats:\n  - ref: read-data\n    title: Data of others is read\n    impact: {confidentiality: 80}\n    ease: 70\n    weaknesses:\n      - {ref: sql-from-input, countermeasures: [{ref: bind-parameters, share: 90}]}\n",
	"patterns/open-door.yaml": "pattern: open-door\nname: Open door\nweaknesses: [{ref: no-lock, title: There is no lock}]\ncountermeasures: [{ref: fit-lock, title: Fit a lock}]\n" +
		"threats:\n  - {ref: walk-in, title: Anybody walks in, impact: {integrity: 50}, ease: 90, weaknesses: [{ref: no-lock, countermeasures: [{ref: fit-lock, share: 80}]}]}\n",
	"rules/all.yaml": "rules:\n  - rule: unknown-process\n    title: A process of unknown type\n    for: component\n    kinds: [process]\n    when: component.type == ''\n    apply: [open-door]\n    reason: Nobody said what it is.\n    tests:\n" +
		"      - {name: fires, model: {components: [{id: p, kind: process}]}, fires: [p]}\n      - {name: silent, model: {components: [{id: p, type: web-application}]}, fires: []}\n",
	"questionnaires/web.yaml": "questionnaire: web\nname: Web\ngroups:\n  - group: reach\n    title: Reach\n    questions:\n      - {question: public, title: Is it public?, kind: yes_no}\n",
}

// entry writes an entry of the draft.
func (c caller) entry(kind, ref, text string) answer {
	c.s.t.Helper()
	return c.put("/library/entries/"+kind+"/"+ref, map[string]any{"text": text}).want(200)
}

// publish puts the draft in force.
func (c caller) publish(name string) answer {
	c.s.t.Helper()
	return c.post("/library/publish", map[string]any{"name": name}).want(201)
}

func TestWriteLibraryEntries(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{files: smallLibrary})
	_, bob := s.person("bob")
	const base = "/library/entries/pattern/sql-injection"
	built := bob.get(base).want(200)
	if built.text("layer") != "built-in" || built.header.Get("ETag") != "" || !strings.Contains(built.text("text"), "pattern: sql-injection") || built.text("built_in") != built.text("text") {
		t.Errorf("a built-in entry = %s, want its text and no version", built.body)
	}
	var brings []string
	for i := range built.list("used_by") {
		brings = append(brings, built.text("used_by", i, "kind")+" "+built.text("used_by", i, "how"))
	}
	if !slices.Contains(brings, "rule brings") && !slices.Contains(brings, "type brings") {
		t.Errorf("the pattern is used by %v, want what brings it", brings)
	}
	// From the other side the same is told.
	for _, u := range built.list("used_by") {
		use, _ := u.(map[string]any)
		path := fmt.Sprintf("/library/entries/%s/%s", use["kind"], use["ref"])
		names := bob.get(path).want(200).list("names")
		want := map[string]any{"kind": "pattern", "ref": "sql-injection", "title": "SQL injection", "how": use["how"]}
		if !slices.ContainsFunc(names, func(x any) bool { return cmp.Equal(x, any(want)) }) {
			t.Errorf("%s names %v, want the pattern, which it goes by", path, names)
		}
	}

	// Only administrators of the installation write.
	own := strings.Replace(built.text("text"), "name: SQL injection", "name: Our SQL injection", 1)
	bob.put(base, map[string]any{"text": own}).want(403)
	bob.remove(base).want(403)
	bob.post(base+"/revert", nil).want(403)
	bob.post(base+"/copy", map[string]any{"ref": "x"}).want(403)
	s.as("").put(base, map[string]any{"text": own}).want(401)

	// A change names what it is based on.
	first := s.admin.with("If-None-Match", "*").put(base, map[string]any{"text": own}).want(200)
	if first.text("layer") != "changed" || first.text("draft") != "changed" || first.text("title") != "Our SQL injection" || first.text("published") != built.text("text") {
		t.Errorf("the changed entry = %s", first.body)
	}
	tag := first.header.Get("ETag")
	if got := s.admin.with("If-None-Match", "*").put(base, map[string]any{"text": own}).want(409).text("code"); got != "entry.exists" {
		t.Errorf("beginning a second time has the code %q, want entry.exists", got)
	}
	second := s.admin.with("If-Match", tag).put(base, map[string]any{"text": own + "# more\n"}).want(200)
	s.admin.with("If-Match", tag).put(base, map[string]any{"text": own}).want(412)
	s.admin.with("If-Match", tag).remove(base).want(412)
	s.admin.with("If-Match", tag).post(base+"/revert", nil).want(412)

	// What does not check is kept, and told at its place.
	broken := s.admin.with("If-Match", second.header.Get("ETag")).put(base, map[string]any{"text": "pattern: sql-injection\nnames: X\n"}).want(200)
	if broken.text("text") != "pattern: sql-injection\nnames: X\n" || broken.at("found", 0, "line") == nil || broken.at("problems").(float64) < 1 {
		t.Errorf("a text that does not check = %s, want it kept with its problems", broken.body)
	}
	at := map[string]bool{}
	for i := range broken.list("found") {
		at[fmt.Sprintf("%v %s", broken.at("found", i, "line"), broken.text("found", i, "layer"))] = true
	}
	if !at["2 own"] {
		t.Errorf("problems stand at %v, want one in line 2 of the own text", at)
	}
	for text, want := range map[string]string{
		"pattern: [\n":                   "own",
		"pattern: other\nname: O\n":      "other",
		"type: sql-injection\nname: O\n": "type",
	} {
		got := s.admin.entry("pattern", "sql-injection", text)
		if !strings.Contains(got.text("found", 0, "layer")+got.text("found", 0, "text"), want) {
			t.Errorf("%q is told as %v, want it to name %q", text, got.at("found"), want)
		}
	}
	if list := s.admin.get("/library/entries?broken=true").want(200); list.at("total") != 1.0 || list.text("items", 0, "ref") != "sql-injection" {
		t.Errorf("what has problems = %s, want the one", list.body)
	}
	s.admin.put(base, map[string]any{"text": " \n"}).want(422)
	s.admin.put("/library/entries/pattern/Big", map[string]any{"text": "x"}).want(422)
	s.admin.put("/library/entries/colour/x", map[string]any{"text": "x"}).want(404)

	// Back to what is built in; taking out; an own one.
	s.admin.remove(base).want(204)
	s.admin.remove(base).want(404)
	if got := s.admin.get(base).want(200); got.text("layer") != "built-in" || got.at("draft") != nil {
		t.Errorf("after it was deleted the entry = %s, want the built-in one", got.body)
	}
	if got := s.admin.put(base, map[string]any{"removed": true}).want(200); got.text("layer") != "removed" || got.text("draft") != "removed" || got.text("text") == "" {
		t.Errorf("a removed entry = %s", got.body)
	}
	if got := s.admin.post(base+"/revert", nil).want(200); got.text("layer") != "built-in" {
		t.Errorf("a reverted entry = %s, want the built-in one", got.body)
	}
	s.admin.put("/library/entries/pattern/nobodys", map[string]any{"removed": true}).want(422)
	copied := s.admin.post(base+"/copy", map[string]any{"ref": "our-injection"}).want(201)
	if copied.text("ref") != "our-injection" || copied.text("layer") != "own" || copied.text("draft") != "new" || len(copied.list("found")) == 0 {
		t.Errorf("a copy = %s, want an own entry, and told that nothing brings it", copied.body)
	}
	if got, want := copied.text("title"), s.admin.get(base).want(200).text("title")+" (copy)"; got != want {
		t.Errorf("the copy is called %q, want %q", got, want)
	}
	s.admin.post(base+"/copy", map[string]any{"ref": "our-injection"}).want(409)
	if got := s.admin.post(base+"/copy", map[string]any{"ref": "our-other", "name": "Our: other"}).want(201).text("title"); got != "Our: other" {
		t.Errorf("the copy is called %q, want the name that it was given", got)
	}
	s.admin.remove("/library/entries/pattern/our-other").want(204)
	if got := s.admin.get("/library/draft/check").want(200); got.at("passes") != true {
		t.Errorf("a draft with a copy = %s, want it to pass", got.body)
	}

	// Search, filter and pages.
	all := s.admin.get("/library/entries?limit=1000").want(200)
	if got, _ := all.at("layers", "own").(float64); got != 1 || all.at("changed") != 1.0 || all.at("total").(float64) != 8 {
		t.Errorf("the list counts %v of %v, want one own entry among many", all.at("layers"), all.at("total"))
	}
	if got := s.admin.get("/library/entries?q=our-%20injection&kind=pattern&kind=rule").want(200); got.text("items", 0, "ref") != "our-injection" {
		t.Errorf("a search finds %s, want the copy", got.body)
	}
	var walked []string
	for next := ""; ; {
		page := s.admin.get("/library/entries?kind=pattern&limit=2&cursor=" + next).want(200)
		for i := range page.list("items") {
			walked = append(walked, page.text("items", i, "ref"))
		}
		if next = page.text("next"); next == "" {
			break
		}
	}
	if n, _ := all.at("kinds", "pattern").(float64); len(walked) != int(n) || !slices.IsSorted(walked) {
		t.Errorf("page by page come %d patterns, want %v in order", len(walked), n)
	}
	trail := string(s.admin.get("/audit?object=library/pattern/our-injection").want(200).body)
	if !strings.Contains(trail, "library.edit") || !strings.Contains(trail, `"new":{"text":"pattern: our-injection`) && !strings.Contains(trail, "our-injection") {
		t.Errorf("the audit trail of the copy = %s", trail)
	}
}

func TestPublishLibrary(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{files: smallLibrary})
	_, bob := s.person("bob")
	product := s.admin.product("Shop")
	s.admin.put("/products/"+product+"/elements/components/app", map[string]any{"kind": "process", "type": "web-application", "name": "Shop"}).want(200)
	s.admin.post("/products/"+product+"/plan", map[string]any{"all": true}).want(200)
	if got := s.admin.get("/products/"+product+"/plan/summary").want(200).at("counts", "change"); got != 0.0 {
		t.Fatalf("the plan of an applied product changes %v", got)
	}
	before := s.admin.get("/library").want(200)
	if before.at("in_force", "number") != 0.0 || before.text("in_force", "condition") != "current" {
		t.Errorf("a fresh installation = %v, want the built-in library", before.at("in_force"))
	}

	s.admin.entry("rule", "every-web-application", ownRule)
	bad := s.admin.post("/library/publish", map[string]any{"name": "Early"}).want(422)
	if at := bad.fieldsAt(); !strings.Contains(at["own/rules/every-web-application.yaml:6:13"], "house-rules") {
		t.Errorf("a draft that does not check is refused at %v, want the unknown pattern at its place", at)
	}
	s.admin.entry("pattern", "house-rules", ownPattern)
	s.admin.entry("rule", "every-web-application", strings.Replace(ownRule, "fires: [app]", "fires: []", 1))
	bad = s.admin.post("/library/publish", map[string]any{"name": "Early"}).want(422)
	if text := strings.Join(slices.Collect(mapValues(bad.fieldsAt())), "\n"); !strings.Contains(text, `test "fires"`) || !strings.Contains(text, "no test shows the rule firing") {
		t.Errorf("a draft with failing tests is refused with %s", text)
	}
	failing := s.admin.get("/library/draft/check").want(200)
	if failing.at("passes") != false || failing.text("failures", 0, "kind") != "rule" || failing.text("failures", 0, "ref") != "every-web-application" || failing.at("failures", 0, "line") == nil {
		t.Errorf("the check = %s, want the failing test at its rule", failing.body)
	}
	s.admin.entry("rule", "every-web-application", ownRule)

	// Tried against a product, nothing is stored.
	tried := s.admin.post("/library/draft/plan", map[string]any{"product": product}).want(200)
	if tried.at("counts", "add", "threats") != 1.0 || !strings.Contains(string(tried.body), "Everybody does as they like") || tried.text("plan", "to") == before.text("stamp") {
		t.Errorf("the plan by the draft = %s, want the own threat", tried.body)
	}
	s.admin.post("/library/draft/plan", map[string]any{"product": "prd_none"}).want(422)
	bob.post("/library/draft/plan", map[string]any{"product": product}).want(403)
	if got := s.admin.get("/products/" + product + "/plan").want(200).text("to"); got != before.text("stamp") {
		t.Errorf("the product plans by %q while there is a draft, want %q", got, before.text("stamp"))
	}

	draft := s.admin.get("/library/draft").want(200)
	bob.with("If-Match", draft.header.Get("ETag")).post("/library/publish", map[string]any{"name": "Bob's"}).want(403)
	s.admin.with("If-Match", `"1"`).post("/library/publish", map[string]any{"name": "Old"}).want(412)
	one := s.admin.with("If-Match", draft.header.Get("ETag")).post("/library/publish", map[string]any{"name": "House rules", "comment": "They were missing."}).want(201)
	if one.at("number") != 1.0 || one.at("in_force") != true || one.at("entries") != 2.0 || one.text("by_name") != "Ada" {
		t.Errorf("the first version = %s", one.body)
	}
	if got := s.admin.post("/library/publish", map[string]any{"name": "Again"}).want(409).text("code"); got != "library.same" {
		t.Errorf("publishing twice has the code %q, want library.same", got)
	}

	// Every plan follows at once.
	now := bob.get("/library").want(200)
	if now.text("stamp") == before.text("stamp") || now.at("in_force", "number") != 1.0 {
		t.Errorf("the library in force = %s, want the published one", now.body)
	}
	if got := s.admin.get("/products/" + product + "/plan/summary").want(200); got.at("counts", "add", "threats") != 1.0 {
		t.Errorf("the plan after publishing = %s, want the own threat", got.body)
	}
	if got := bob.get("/library/patterns/house-rules").want(200).text("name"); got != "House rules" {
		t.Errorf("the published pattern = %q", got)
	}
	applied := s.admin.post("/products/"+product+"/plan", map[string]any{"all": true}).want(200)
	if applied.at("counts", "add") == nil {
		t.Errorf("the plan applied %s", applied.body)
	}
	if got := s.admin.get("/library/entries/pattern/house-rules").want(200); got.at("products") != 1.0 || got.at("draft") != nil {
		t.Errorf("the published entry = %s, want it held by a product and without a draft", got.body)
	}

	// A second version takes the rule out; what was touched is retired, not lost.
	s.admin.remove("/library/entries/rule/every-web-application").want(204)
	s.admin.remove("/library/entries/pattern/house-rules").want(204)
	s.admin.put("/library/entries/rule/unknown-process", map[string]any{"removed": true}).want(200)
	s.admin.publish("Without")
	if got := s.admin.get("/products/" + product + "/plan/summary").want(200); got.at("counts", "retire") == 0.0 {
		t.Errorf("the plan after the second version = %s, want the own threat to go", got.body)
	}
	list := bob.get("/library/versions").want(200)
	if len(list.list("items")) != 2 || list.text("items", 0, "name") != "Without" || list.at("items", 1, "in_force") != false {
		t.Errorf("the versions = %s", list.body)
	}
	if page := bob.get("/library/versions?limit=1").want(200); page.text("next") == "" || bob.get("/library/versions?cursor="+page.text("next")).want(200).at("items", 0, "number") != 1.0 {
		t.Errorf("the first page of versions = %s", page.body)
	}

	// An older version comes back as a draft; discarding takes it away again.
	bob.post("/library/versions/1/restore", nil).want(403)
	s.admin.post("/library/versions/9/restore", nil).want(404)
	back := s.admin.post("/library/versions/1/restore", nil).want(200)
	if back.at("entries") != 2.0 || back.at("changed") != 3.0 {
		t.Errorf("the restored draft = %s, want two entries and three changes", back.body)
	}
	bob.remove("/library/draft").want(403)
	s.admin.with("If-Match", `"1"`).remove("/library/draft").want(412)
	s.admin.with("If-Match", back.header.Get("ETag")).remove("/library/draft").want(204)
	if got := s.admin.get("/library/draft").want(200); got.at("changed") != 0.0 || got.at("entries") != 1.0 {
		t.Errorf("the discarded draft = %s, want what is published", got.body)
	}
	trail := string(s.admin.get("/audit?limit=100").want(200).body)
	for _, action := range []string{"library.publish", "library.restore", "library.discard", "library/version/1"} {
		if !strings.Contains(trail, action) {
			t.Errorf("the audit trail has nothing of %s", action)
		}
	}
}

func TestLibraryFiles(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{files: smallLibrary})
	_, bob := s.person("bob")
	bob.upload("/library/import", ownPattern).want(403)
	s.admin.upload("/library/import", "PK\x03\x04 broken").want(422)

	// A preview stores nothing.
	preview := s.admin.upload("/library/import?preview=true&name=house.yaml", ownPattern).want(200)
	if preview.at("applied") != false || preview.at("added") != 1.0 || preview.text("items", 0, "file") != "house.yaml" || preview.text("items", 0, "ref") != "house-rules" {
		t.Errorf("the preview = %s", preview.body)
	}
	if got := s.admin.get("/library/draft").want(200); got.at("entries") != 0.0 {
		t.Errorf("after a preview the draft = %s", got.body)
	}

	// What cannot be taken is refused by its line, and the rest comes in.
	builtIn := s.admin.get("/library/entries/pattern/sql-injection").want(200).text("text")
	pack := packed(t, map[string]string{
		"lib/patterns/house.yaml": ownPattern, "lib/rules.yaml": ownRule + "  - rule: every-web-application\n    title: Twice\n", "lib/sql.yaml": builtIn,
		"lib/broken.yaml": "pattern: x\n  y: [\n", "lib/other.yaml": "title: nothing of ours\n", "README.md": "# ours",
	})
	done := s.admin.upload("/library/import?name=lib.zip", pack).want(200)
	actions := map[string]string{}
	for i := range done.list("items") {
		actions[done.text("items", i, "file")+" "+fmt.Sprint(done.at("items", i, "line"))] = done.text("items", i, "action")
	}
	want := map[string]string{"lib/broken.yaml 1": "refused", "lib/other.yaml 1": "refused", "lib/patterns/house.yaml 1": "added", "lib/rules.yaml 2": "added", "lib/rules.yaml 15": "refused", "lib/sql.yaml 2": "same"}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("what became of the files (-want +got):\n%s", diff)
	}
	if done.at("added") != 2.0 || done.at("refused") != 3.0 || done.at("same") != 1.0 || len(done.list("problems")) != 0 {
		t.Errorf("the import = %s", done.body)
	}
	if again := s.admin.upload("/library/import", pack).want(200); again.at("same") != 3.0 || again.at("added") != 0.0 {
		t.Errorf("importing again = %s, want nothing new", again.body)
	}
	s.admin.entry("head", "library", "ref: house\nname: Our house\nversion: \"7\"\nvocabulary:\n  tags: {house: of the house}\n")
	s.admin.publish("With files")

	// What is exported is a library, and comes in again as what it was.
	export := func(of string) map[string]string {
		got := bob.get("/library/export?of=" + of).want(200)
		if kind := got.header.Get("Content-Type"); kind != "application/zip" {
			t.Errorf("the export is %s, want a zip", kind)
		}
		return unpackedFiles(t, got.body)
	}
	own := export("own")
	if own["patterns/house-rules.yaml"] != ownPattern || len(own) != 3 {
		t.Errorf("the own layer has %d files, want the three entries", len(own))
	}
	whole := export("effective")
	if whole["patterns/house-rules.yaml"] != ownPattern || whole["patterns/sql-injection.yaml"] != builtIn || !strings.Contains(whole["library.yaml"], "of the house") {
		t.Errorf("the whole library has %d files, want built-in and own ones", len(whole))
	}
	bob.get("/library/export?of=nothing").want(422)
	other := serve(t, settings{files: smallLibrary})
	in := other.admin.upload("/library/import", string(bob.get("/library/export?of=own").want(200).body)).want(200)
	if in.at("added").(float64)+in.at("changed").(float64) != 3 {
		t.Errorf("another installation takes %s", in.body)
	}
	other.admin.publish("Taken over")
	if got, want := other.admin.get("/library").want(200).text("stamp"), s.admin.get("/library").want(200).text("stamp"); got != want {
		t.Errorf("the library taken over = %s, want %s", got, want)
	}
}

func TestTryQuestionnaire(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{files: smallLibrary})
	_, bob := s.person("bob")
	s.admin.entry("questionnaire", "house", "questionnaire: house\nname: House\ngroups:\n  - group: house\n    title: House\n    questions:\n"+
		"      - {question: has_house, title: Is there a house?, kind: yes_no}\n      - {question: house_floors, title: How many floors?, kind: number, when: answers.has_house}\n")
	s.admin.entry("rule", "no-house", "rules:\n  - rule: no-house\n    title: No house\n    for: product\n    when: answers.house_floors > 3.0\n    apply: [house-rules]\n    reason: High houses need rules.\n    tests:\n"+
		"      - {name: fires, model: {answers: {has_house: true, house_floors: 4}}, fires: [product]}\n      - {name: silent, model: {}, fires: []}\n")
	s.admin.entry("pattern", "house-rules", ownPattern)
	const path = "/library/draft/questionnaires/house/preview"
	bob.post(path, map[string]any{"answers": map[string]any{}}).want(403)
	empty := s.admin.post(path, map[string]any{"answers": map[string]any{}}).want(200)
	if diff := cmp.Diff([]any{"has_house"}, empty.at("preview", "visible")); diff != "" {
		t.Errorf("without answers are shown (-want +got):\n%s", diff)
	}
	full := s.admin.post(path, map[string]any{"answers": map[string]any{"has_house": true, "house_floors": 5}}).want(200)
	if len(full.list("preview", "visible")) != 2 || full.at("preview", "brings", "threats") != 1.0 || full.text("questionnaire", "name") != "House" {
		t.Errorf("with answers = %s, want both questions and a threat", full.body)
	}
	s.admin.post("/library/draft/questionnaires/none/preview", map[string]any{"answers": map[string]any{}}).want(404)
	s.admin.entry("pattern", "house-rules", "pattern: house-rules\n")
	s.admin.post(path, map[string]any{"answers": map[string]any{}}).want(422)
}

func mapValues[K comparable, V any](m map[K]V) func(func(V) bool) {
	return func(yield func(V) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func packed(t *testing.T, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, content := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func unpackedFiles(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return files
}

// TestWholePatterns: whatever a threat names is in the answer, of the pattern itself or of another, once.
func TestWholePatterns(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	used := 0
	for _, head := range s.admin.get("/library/patterns?limit=1000").want(200).list("items") {
		p := s.admin.get("/library/patterns/" + head.(map[string]any)["pattern"].(string)).want(200)
		titles := map[string]int{}
		for _, list := range []string{"weaknesses", "countermeasures", "used_weaknesses", "used_countermeasures"} {
			for _, x := range p.list(list) {
				titles[x.(map[string]any)["ref"].(string)]++
				if strings.HasPrefix(list, "used") {
					used++
				}
			}
		}
		for _, threat := range p.list("threats") {
			weaknesses, _ := threat.(map[string]any)["weaknesses"].([]any)
			for _, w := range weaknesses {
				refs := []any{w}
				measures, _ := w.(map[string]any)["countermeasures"].([]any)
				for _, named := range append(refs, measures...) {
					if ref := named.(map[string]any)["ref"].(string); titles[ref] != 1 {
						t.Errorf("%s names %s, which is in the answer %d times", p.text("pattern"), ref, titles[ref])
					}
				}
			}
		}
	}
	if used == 0 {
		t.Error("no pattern uses another's: the test shows nothing")
	}
}

// TestSearchLibrary: what an entry says is found, and numbers of CWE and CAPEC as people write them.
func TestSearchLibrary(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	found := func(q string) (refs []string) {
		for _, e := range s.admin.get("/library/entries?kind=pattern&limit=1000&q=" + url.QueryEscape(q)).want(200).list("items") {
			refs = append(refs, e.(map[string]any)["ref"].(string))
		}
		return refs
	}
	for _, q := range []string{"CWE-89", "cwe89", "cwe-89 capec-108", "PreparedStatement", "bind every value", "asvs-5.0:1.2.4"} {
		if got := found(q); !slices.Contains(got, "sql-injection") {
			t.Errorf("a search for %q finds %v, want sql-injection among them", q, got)
		}
	}
	for _, q := range []string{"CWE-8", "capec-10", "bind every zeppelin"} {
		if got := found(q); slices.Contains(got, "sql-injection") {
			t.Errorf("a search for %q finds %v, which does not have it", q, got)
		}
	}
}
