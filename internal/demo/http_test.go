package demo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/demo"
	"github.com/threatloop/threatloop/internal/server"
)

// wire speaks plain HTTP, so that the test holds the interface and not our client to its word.
type wire struct {
	t     *testing.T
	base  string
	token string
}

// doc is a JSON object.
type doc = map[string]any

func (w *wire) send(method, path, contentType string, body []byte) (int, doc) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.base+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	var out doc
	if len(data) > 0 {
		if err := json.Unmarshal(data, &out); err != nil {
			w.t.Fatalf("%s %s = %d %s: %v", method, path, res.StatusCode, data, err)
		}
	}
	return res.StatusCode, out
}

// want sends and expects a status.
func (w *wire) want(status int, method, path string, in any) doc {
	w.t.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			w.t.Fatal(err)
		}
	}
	got, out := w.send(method, path, "application/json", body)
	if got != status {
		w.t.Fatalf("%s %s = %d %v, want %d", method, path, got, out, status)
	}
	return out
}

func (w *wire) get(path string) doc { w.t.Helper(); return w.want(200, "GET", path, nil) }

func (w *wire) file(path, name string) doc {
	w.t.Helper()
	data, err := demo.File(name)
	if err != nil {
		w.t.Fatal(err)
	}
	status, out := w.send("POST", path, "application/octet-stream", data)
	if status != 200 {
		w.t.Fatalf("POST %s of %s = %d %v, want 200", path, name, status, out)
	}
	return out
}

// one returns the item of a list whose keys have the values.
func (w *wire) one(path string, keys doc) doc {
	w.t.Helper()
	for _, item := range w.items(path) {
		fits := true
		for k, v := range keys {
			fits = fits && fmt.Sprint(item[k]) == fmt.Sprint(v)
		}
		if fits {
			return item
		}
	}
	return nil
}

func (w *wire) items(path string) []doc {
	w.t.Helper()
	if strings.HasPrefix(path, "/products/") {
		path += "?limit=1000"
	}
	list, _ := w.get(path)["items"].([]any)
	out := make([]doc, len(list))
	for i := range list {
		out[i], _ = list[i].(doc)
	}
	return out
}

func (w *wire) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patient)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("after %s still not: %s", patient, what)
		}
		<-tick.C
	}
}

// at walks into a document: at(d, "rating", "exact", "current").
func at(d doc, path ...string) any {
	var v any = d
	for _, key := range path {
		m, _ := v.(doc)
		v = m[key]
	}
	return v
}

func number(d doc, path ...string) float64 {
	f, _ := at(d, path...).(float64)
	return f
}

// TestSevenStepsOverHTTP goes round the loop with nothing but HTTP requests.
func TestSevenStepsOverHTTP(t *testing.T) {
	t.Parallel()
	long(t)
	w := &wire{t: t, base: start(t, server.Config{})}
	w.token = fmt.Sprint(w.want(201, "POST", "/setup", doc{"email": "ada@example.org", "name": "Ada", "password": "a long enough passphrase"})["token"])
	w.token = fmt.Sprint(w.want(201, "POST", "/tokens", doc{"name": "test", "scopes": []string{"admin"}})["token"])

	// 1: answers and a Threat Dragon file.
	answers, err := demo.File("answers.json")
	if err != nil {
		t.Fatal(err)
	}
	in := doc{}
	if err := json.Unmarshal(answers, &in); err != nil {
		t.Fatal(err)
	}
	in["name"] = "Parcel desk"
	p := "/products/" + fmt.Sprint(w.want(201, "POST", "/products", in)["id"])
	if imported := w.file(p+"/imports?name=diagram.json", "diagram.json"); imported["format"] != "threat-dragon-v2" || number(imported, "added") == 0 {
		t.Errorf("the import answers %v, want a Threat Dragon 2 file with elements", imported)
	}

	// 2: the plan, each item with its reason, and applied.
	plan := w.get(p + "/plan")
	for _, raw := range plan["items"].([]any) {
		if item := raw.(doc); item["action"] == "add" && item["kind"] != "product" && item["kind"] != "link" && item["why"] == nil {
			t.Errorf("plan item %v has no reason", item["key"])
		}
	}
	if done := w.want(200, "POST", p+"/plan", doc{"all": true}); number(done, "applied") == 0 || number(done, "left") != 0 {
		t.Errorf("applying = %v applied, %v left, want all", done["applied"], done["left"])
	}
	threat := func() doc { return w.one(p+"/threats", doc{"ref": "sql-injection/read-other-customers-data"}) }
	countermeasure := func() doc { return w.one(p+"/countermeasures", doc{"ref": "parameterised-queries"}) }
	start := threat()
	if i, pr := number(start, "rating", "exact", "inherent"), number(start, "rating", "exact", "projected"); i <= 0 || pr >= i {
		t.Fatalf("SQL injection rates %v inherent and %v projected, want projected below inherent", i, pr)
	}

	// 3: one ticket per required countermeasure and per open threat without one.
	connection := fmt.Sprint(w.want(201, "POST", "/connections", doc{"name": "Board", "kind": "builtin", "settings": doc{"status": doc{}}})["id"])
	w.want(200, "PUT", p+"/tickets/policy", doc{
		"push": "both", "auto": true, "ask_above": -1,
		"vulnerabilities": doc{"open": "contradicted", "close_on_pass": true, "reopen": true}, "default": doc{"connection": connection, "project": "SHOP"},
	})
	w.want(200, "POST", p+"/tickets/publish", doc{"all": true})
	want := map[string]bool{}
	for _, c := range w.items(p + "/countermeasures") {
		if c["state"] == "required" {
			want[fmt.Sprint(c["id"])] = true
		}
	}
	for _, x := range w.items(p + "/threats") {
		if x["status"] == "open" && x["countermeasures"] == nil {
			want[fmt.Sprint(x["id"])] = true
		}
	}
	w.eventually("every wanted ticket is open", func() bool {
		open := 0
		for _, k := range w.items(p + "/tickets") {
			if want[fmt.Sprint(k["object"])] && k["state"] == "open" {
				open++
			}
		}
		return open == len(want)
	})
	if n := len(w.items("/connections/" + connection + "/tickets")); n != len(want) {
		t.Errorf("the board has %d tickets, want %d", n, len(want))
	}

	// 4: done is implemented, and the current rating falls.
	ticket := w.one(p+"/tickets", doc{"object": countermeasure()["id"]})
	card := "/connections/" + connection + "/tickets/" + fmt.Sprint(ticket["id"])
	w.want(200, "POST", card+"/move", doc{"status": "Done"})
	w.eventually("the countermeasure is implemented", func() bool { return countermeasure()["state"] == "implemented" })
	claimed := threat()
	if number(claimed, "rating", "current") >= number(start, "rating", "current") || number(claimed, "rating", "verified") != number(start, "rating", "verified") {
		t.Errorf("ratings after done = %v, before %v, want current lower and verified the same", claimed["rating"], start["rating"])
	}

	// 5: failing reports take exactly that back and open a linked vulnerability ticket.
	upload := func(source, name string) {
		t.Helper()
		if run := w.file(p+"/results?wait=30&source="+source+"&name="+name, name); run["state"] != "done" {
			t.Fatalf("upload of %s is %v: %v", name, run["state"], run["error"])
		}
	}
	upload("unit", "junit-fail.xml")
	upload("acceptance", "cucumber-fail.json")
	upload("scan", "zap-fail.xml")
	if got, want := fmt.Sprint(at(threat(), "rating", "exact")), fmt.Sprint(at(start, "rating", "exact")); got != want {
		t.Errorf("exact rating after the failing reports = %s, want %s as before the ticket was closed", got, want)
	}
	vulnerability := func() doc { return w.one(p+"/tickets", doc{"purpose": "vulnerability"}) }
	w.eventually("a vulnerability ticket is open", func() bool { return vulnerability()["state"] == "open" })
	w.eventually("it is linked to the countermeasure's ticket", func() bool {
		return strings.Contains(fmt.Sprint(w.get("/connections/" + connection + "/tickets/" + fmt.Sprint(vulnerability()["id"]))["links"]), fmt.Sprint(ticket["id"]))
	})

	// 6: passing reports prove it.
	upload("unit", "junit-pass.xml")
	upload("acceptance", "cucumber-pass.json")
	upload("scan", "zap-pass.xml")
	if got := threat(); number(got, "rating", "verified") >= number(start, "rating", "verified") || number(got, "rating", "current") != number(claimed, "rating", "current") {
		t.Errorf("ratings after the passing reports = %v, want verified below %v and current %v", got["rating"], number(start, "rating", "verified"), number(claimed, "rating", "current"))
	}
	w.eventually("the vulnerability ticket is closed", func() bool { return vulnerability()["state"] == "closed" })
	w.eventually("the countermeasure's ticket says that it is verified", func() bool { return strings.Contains(fmt.Sprint(w.get(card)["comments"]), "Verified") })

	// 7: the audit trail.
	if check := w.get(p + "/audit/check"); check["whole"] != true || number(check, "rows") < 100 {
		t.Errorf("the audit check = %v, want a whole trail of all that happened", check)
	}
	if history := w.items(p + "/ratings/history"); len(history) < 4 {
		t.Errorf("the history has %d changes, want one per step that moved a rating", len(history))
	}
}
