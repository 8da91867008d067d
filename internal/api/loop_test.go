package api

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const junit = `<?xml version="1.0"?>
<testsuites><testsuite name="login" tests="2" failures="1">
<testcase classname="login" name="locks out"/>
<testcase classname="login" name="hides errors"><failure message="no"/></testcase>
</testsuite></testsuites>`

// eventually polls until ok or a minute is over: background work runs beside the test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-tick.C
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{work: true, limit: 64 << 10})
	path := "/products/" + s.admin.product("Parcel desk")
	token := s.as(s.admin.post("/tokens", map[string]any{"name": "pipeline", "scopes": []string{"upload"}}).want(201).text("token"))

	dry := token.upload(path+"/results?source=unit&dry_run=true", junit).want(200)
	if dry.text("state") != "done" || dry.at("counts", "fail") != 1.0 {
		t.Errorf("a dry run = %s, want it read with one failure", dry.body)
	}
	if n := len(s.admin.get(path + "/runs").want(200).list("items")); n != 0 {
		t.Errorf("there are %d runs after a dry run, want none", n)
	}

	taken := token.upload(path+"/results?source=unit&name=a.xml", junit).want(202)
	at := strings.TrimPrefix(taken.header.Get("Location"), Prefix)
	if at != path+"/runs/"+taken.text("id") {
		t.Errorf("Location = %q, want the run", at)
	}
	eventually(t, "the upload is read", func() bool { return token.get(at).want(200).text("state") == "done" })

	repeat := token.upload(path+"/results?source=unit&name=a.xml", junit).want(200)
	if repeat.text("id") != taken.text("id") || repeat.at("repeat") != true || repeat.text("state") != "done" {
		t.Errorf("the same upload again = %s, want the answer of the first", repeat.body)
	}

	waited := token.upload(path+"/results?source=unit&wait=20", strings.Replace(junit, `<failure message="no"/>`, "", 1)).want(200)
	if waited.text("state") != "done" || waited.at("complete") != true || waited.at("counts", "pass") != 2.0 {
		t.Errorf("a waiting upload = %s, want it read", waited.body)
	}

	truncated := token.upload(path+"/results?source=cut&wait=20", junit[:strings.Index(junit, "</testsuite>")]).want(200)
	if truncated.text("state") != "done" || truncated.at("complete") != false || len(truncated.list("reasons")) == 0 {
		t.Errorf("a truncated report = %s, want it read as incomplete, with the reason", truncated.body)
	}

	token.upload(path+"/results?wait=20", "hello, this is no report").want(415)
	token.upload(path+"/results?dry_run=1", "hello, this is no report").want(415)
	token.upload(path+"/results", "").want(422)
	token.upload(path+"/results", strings.Repeat("<!-- long -->", 8<<10)).want(413)
	for query, field := range map[string]string{
		"wait=61": "query.wait", "wait=x": "query.wait", "at=yesterday": "query.at", "complete=perhaps": "query.complete",
		"colour=red": "query.colour", "source=" + strings.Repeat("s", 201): "query.source",
	} {
		if got := token.upload(path+"/results?"+query, junit).want(422).text("errors", 0, "where"); got != field {
			t.Errorf("?%.20s names %q, want %s", query, got, field)
		}
	}
	if n := len(s.admin.get(path + "/runs").want(200).list("items")); n != 4 {
		t.Errorf("there are %d runs, want 4: two whole ones, a truncated one, a refused one", n)
	}
	triage := s.admin.get(path + "/evidence?triage=true").want(200).list("items")
	if len(triage) == 0 {
		t.Fatal("no failure waits in triage, want the one of the truncated run")
	}
	row, _ := triage[0].(map[string]any)
	s.admin.post(path+"/triage", map[string]any{"evidence": row["id"], "decision": "dismiss", "reason": "not about this product"}).want(204)
	if n := len(s.admin.get(path + "/evidence?triage=true").want(200).list("items")); n >= len(triage) {
		t.Errorf("%d failures wait after one was dismissed, want fewer than %d", n, len(triage))
	}
	dismissed(t, s, path, token)
}

// dismissed tries dismissing results together: all of them, or none where one is not there.
func dismissed(t *testing.T, s *server, path string, token caller) {
	t.Helper()
	cases := ""
	for i := range 5 {
		cases += fmt.Sprintf(`<testcase classname="own" name="case %d"><failure message="no"/></testcase>`, i)
	}
	token.upload(path+"/results?source=several&wait=20", "<testsuites><testsuite name=\"own\">"+cases+"</testsuite></testsuites>").want(200)
	waiting := func() (ids []string) {
		for _, e := range s.admin.get(path + "/evidence?triage=true").want(200).list("items") {
			if row, _ := e.(map[string]any); row["source"] == "several" {
				ids = append(ids, row["id"].(string))
			}
		}
		return ids
	}
	ids := waiting()
	if len(ids) != 5 {
		t.Fatalf("%d failures of five wait", len(ids))
	}
	refused := s.admin.post(path+"/triage/dismissals", map[string]any{"evidence": []string{ids[0], "none", ids[1]}, "reason": "a trial"}).want(404)
	if got := refused.text("errors", 0, "where"); got != "body.evidence[1]" || len(waiting()) != 5 {
		t.Errorf("the refusal names %q and %d wait, want the second of the list and all five", got, len(waiting()))
	}
	s.admin.post(path+"/triage/dismissals", map[string]any{"evidence": []string{ids[3], ids[0], ids[3]}, "reason": "a trial"}).want(204)
	if diff := cmp.Diff([]string{ids[1], ids[2], ids[4]}, waiting()); diff != "" {
		t.Errorf("what waits after two were dismissed (-want +got):\n%s", diff)
	}
}

// TestLoop goes from answers to a closed ticket over the interface alone.
func TestLoop(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{work: true})
	questionnaire := s.admin.get("/library/questionnaires").want(200).text("items", 0, "questionnaire")
	if n := len(s.admin.get("/library/questionnaires/" + questionnaire).want(200).list("groups")); n == 0 {
		t.Errorf("the questionnaire %s has no groups", questionnaire)
	}
	pattern := s.admin.get("/library/patterns?limit=1").want(200).text("items", 0, "pattern")
	s.admin.get("/library/patterns/" + pattern).want(200)
	s.admin.get("/library/patterns/none").want(404)
	if n := len(s.admin.get("/library/types").want(200).list("items")); n == 0 {
		t.Error("the library has no component types")
	}

	path := "/products/" + s.admin.product("Parcel desk")
	diagram, err := os.ReadFile(filepath.Join("..", "demo", "data", "diagram.json"))
	if err != nil {
		t.Fatal(err)
	}
	preview := s.admin.upload(path+"/imports?preview=true&name=diagram.json", string(diagram)).want(200)
	if preview.at("applied") != false || preview.at("added") == 0.0 {
		t.Errorf("the preview = %s, want additions and nothing applied", preview.body)
	}
	if loaded := s.admin.upload(path+"/imports?name=diagram.json", string(diagram)).want(200); loaded.at("added") != preview.at("added") {
		t.Errorf("the import added %v, the preview said %v", loaded.at("added"), preview.at("added"))
	}
	plan := s.admin.get(path + "/plan").want(200)
	if len(plan.list("items")) == 0 {
		t.Fatal("the plan is empty")
	}
	tag := plan.header.Get("ETag")
	one := s.admin.with("If-Match", tag).post(path+"/plan", map[string]any{"accept": []any{plan.at("items", 0, "key")}}).want(200)
	if one.at("applied") == 0.0 {
		t.Errorf("accepting one step = %s, want it applied", one.body)
	}
	s.admin.with("If-Match", tag).post(path+"/plan", map[string]any{"all": true}).want(412)
	if all := s.admin.with("If-Match", one.header.Get("ETag")).post(path+"/plan", map[string]any{"all": true}).want(200); all.at("left") != 0.0 {
		t.Errorf("%v steps are left after all were accepted", all.at("left"))
	}
	threat := s.admin.get(path+"/threats?limit=1").want(200).text("items", 0, "id")
	s.admin.get(path + "/threats/" + threat + "/explanation").want(200)

	spent := s.admin.get(path + "/budget?amount=6").want(200)
	if cost, before, after := spent.at("cost").(float64), spent.at("before").(float64), spent.at("after").(float64); cost <= 0 || cost > 6 || after >= before || len(spent.list("countermeasures")) == 0 || len(spent.list("curve")) < 2 {
		t.Errorf("a budget of 6 days buys %s, want something within it that lowers the risk, and a curve", spent.body)
	}
	if none := s.admin.get(path + "/budget?amount=6&unit=EUR").want(200); len(none.list("countermeasures")) != 0 || len(none.list("uncosted")) == 0 {
		t.Errorf("a budget in a unit that nothing costs buys %s, want nothing, and what is left out named", none.body)
	}
	s.admin.get(path + "/budget").want(422)
	proposed := s.admin.get(path + "/tickets/proposals?limit=3").want(200)
	if n := len(proposed.list("items")); n != 3 || proposed.at("items", 0, "takes").(float64) < proposed.at("items", 2, "takes").(float64) {
		t.Errorf("the proposals are %s, want three, the most useful first", proposed.body)
	}

	board := s.admin.post("/connections", map[string]any{"name": "Board", "kind": "builtin", "settings": map[string]any{}}).want(201).text("id")
	if tag := s.admin.get(path + "/tickets/policy").want(200).header.Get("ETag"); tag != "" {
		t.Errorf("a policy that nobody set has the ETag %s", tag)
	}
	set := s.admin.put(path+"/tickets/policy", map[string]any{"push": "required", "auto": true, "ask_above": -1, "default": map[string]any{"connection": board, "project": "DESK"}}).want(200)
	again := map[string]any{"push": "both", "auto": true, "ask_above": -1, "default": map[string]any{"connection": board, "project": "DESK"}}
	s.admin.with("If-Match", set.header.Get("ETag")).put(path+"/tickets/policy", again).want(200)
	s.admin.with("If-Match", set.header.Get("ETag")).put(path+"/tickets/policy", map[string]any{}).want(412)
	var key, object string
	eventually(t, "a ticket is published", func() bool {
		for _, item := range s.admin.get(path + "/tickets?limit=1000").want(200).list("items") {
			if m, _ := item.(map[string]any); m["state"] == "open" {
				key, _ = m["id"].(string)
				object, _ = m["object"].(string)
				return true
			}
		}
		return false
	})
	cards := "/connections/" + board + "/tickets"
	if n := len(s.admin.get(cards + "?project=DESK").want(200).list("items")); n == 0 {
		t.Error("the board is empty")
	}
	s.admin.post(cards+"/"+key+"/comments", map[string]any{"text": "on it"}).want(201)
	if n := len(s.admin.get(cards + "/" + key).want(200).list("comments")); n == 0 {
		t.Error("the comment is not on the card")
	}

	// The board is for the people of a product: each sees the tickets of theirs.
	people := map[string]caller{}
	for name, role := range map[string]string{"dora": "developer", "vera": "viewer", "oscar": ""} {
		id, c := s.person(name)
		if people[name] = c; role != "" {
			s.admin.put(path+"/members/"+id, map[string]any{"role": role}).want(204)
		}
	}
	for name, want := range map[string]int{"dora": 1, "vera": 1, "oscar": 0} {
		if got := len(people[name].get("/connections").want(200).list("items")); got != want {
			t.Errorf("%s sees %d connections, want %d", name, got, want)
		}
		if got := len(people[name].get(cards).want(200).list("items")) > 0; got != (want > 0) {
			t.Errorf("%s sees tickets on the board: %v, want %v", name, got, want > 0)
		}
	}
	if got := people["dora"].get("/connections/" + board).want(200); got.at("queue", "linked") != nil || got.text("name") != "Board" {
		t.Errorf("a developer sees %s of the connection, want its name and no figures", got.body)
	}
	people["oscar"].get("/connections/" + board).want(404)
	people["oscar"].get(cards + "/" + key).want(404)
	people["oscar"].post(cards+"/"+key+"/move", map[string]any{"status": "Done"}).want(404)
	people["vera"].get(cards + "/" + key).want(200)
	people["vera"].post(cards+"/"+key+"/move", map[string]any{"status": "Done"}).want(403)
	people["vera"].post(cards+"/"+key+"/comments", map[string]any{"text": "me too"}).want(403)
	people["dora"].post(cards+"/"+key+"/comments", map[string]any{"text": "mine"}).want(201)
	people["dora"].post(cards+"/"+key+"/move", map[string]any{"status": "Done"}).want(200)
	eventually(t, "the countermeasure follows its ticket", func() bool {
		return s.admin.get(path+"/countermeasures/"+object).want(200).text("state") == "implemented"
	})
	if got := s.admin.get(path+"/ratings/history?limit=5").want(200).text("items", 0, "cause", "kind"); got != "ticket" {
		t.Errorf("the newest change of a rating is by %q, want ticket", got)
	}
	for _, check := range []string{path + "/audit/check", "/audit/check"} {
		if got := s.admin.get(check).want(200); got.at("whole") != true || got.at("rows") == 0.0 {
			t.Errorf("GET %s = %s, want a whole trail", check, got.body)
		}
	}
	if n := len(s.admin.get(path + "/audit?limit=3").want(200).list("items")); n != 3 {
		t.Errorf("a page of the trail has %d rows, want 3", n)
	}
}
