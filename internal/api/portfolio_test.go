package api

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample makes the sample product and returns its id.
func (c caller) sample() string {
	c.s.t.Helper()
	return c.post("/products/sample", map[string]any{}).want(201).text("id")
}

func (a answer) ids() []string {
	var out []string
	for i := range a.list("items") {
		out = append(out, a.text("items", i, "id"))
	}
	return out
}

func TestProductList(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	made := map[string]string{}
	for _, p := range []map[string]any{
		{"name": "Alpha", "team": "Shop", "tags": []string{"web", "pay"}, "owner": "Bob"},
		{"name": "Beta", "team": "Shop", "tags": []string{"web"}},
		{"name": "Gamma", "team": "Core"},
		{"name": "Mould", "template": true},
	} {
		made[p["name"].(string)] = s.admin.post("/products", p).want(201).text("id")
	}
	demo := s.admin.sample()
	made["Parcel desk"] = demo
	for query, want := range map[string][]string{
		"":                             {"Alpha", "Beta", "Gamma", "Parcel desk"},
		"?team=Shop":                   {"Alpha", "Beta", "Parcel desk"},
		"?tag=web":                     {"Alpha", "Beta"},
		"?tag=pay&team=Shop":           {"Alpha"},
		"?owner=Bob":                   {"Alpha"},
		"?band=low":                    {"Alpha", "Beta", "Gamma"},
		"?template=true":               {"Mould"},
		"?q=gam":                       {"Gamma"},
		"?sort=-updated&limit=1":       {"Parcel desk"},
		"?sort=rating&limit=1":         {"Parcel desk"},
		"?archived=true":               nil,
		"?sort=vulnerabilities&q=beta": {"Beta"},
	} {
		var ids []string
		for _, name := range want {
			ids = append(ids, made[name])
		}
		got := s.admin.get("/products" + query).want(200)
		if diff := cmp.Diff(ids, got.ids()); diff != "" {
			t.Errorf("GET /products%s (-want +got):\n%s", query, diff)
		}
	}
	// Every order is walked whole, each product once; only the first page counts.
	for _, sort := range []string{"name", "rating", "-updated", "last_test", "vulnerabilities"} {
		var walked []string
		next := ""
		for {
			page := s.admin.get("/products?limit=1&sort=" + sort + "&cursor=" + next).want(200)
			if total := page.at("total"); next == "" && total != 4.0 || next != "" && total != nil {
				t.Errorf("total by %s after %q = %v", sort, next, total)
			}
			walked = append(walked, page.ids()...)
			if next = page.text("next"); next == "" {
				break
			}
		}
		slices.Sort(walked)
		if walked = slices.Compact(walked); len(walked) != 4 {
			t.Errorf("by %s %d products are walked, want 4", sort, len(walked))
		}
	}
	p := s.admin.get("/products/" + demo).want(200)
	if len(p.list("trend")) == 0 || p.at("trend", len(p.list("trend"))-1, "current") != p.at("risk", "open", "highest", "current") {
		t.Errorf("the trend %v does not end with the rating %v", p.at("trend"), p.at("risk", "open", "highest"))
	}
	if p.at("bands", "high") == nil || p.at("team") != "Shop" {
		t.Errorf("the product = %s, want its bands and team", p.body)
	}
}

func TestPortfolio(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	s.admin.post("/products", map[string]any{"name": "Empty", "team": "Core"}).want(201)
	s.admin.post("/products", map[string]any{"name": "Mould", "template": true}).want(201)
	demo := s.admin.sample()
	got := s.admin.get("/portfolio").want(200)
	p := s.admin.get("/products/" + demo).want(200)
	if got.at("products") != 2.0 || got.at("untested") != 2.0 {
		t.Errorf("the portfolio = %s, want two products that nobody tested", got.body)
	}
	if diff := cmp.Diff(p.at("bands"), got.at("bands")); diff != "" {
		t.Errorf("bands (-product +portfolio):\n%s", diff)
	}
	if got.text("heat", "by") != "product" || got.text("heat", "rows", 0, "key") != demo {
		t.Errorf("the heat map = %v, want the sample first", got.at("heat"))
	}
	teams := s.admin.get("/portfolio?by=team").want(200)
	if n := len(teams.list("heat", "rows")); n != 2 || teams.text("heat", "rows", 0, "key") != "Shop" {
		t.Errorf("the heat map by team = %v, want Shop and Core", teams.at("heat"))
	}
	if n := len(s.admin.get("/portfolio?by=tag&tag=sample").want(200).list("heat", "rows")); n != 1 {
		t.Errorf("the heat map by tag has %d rows, want 1", n)
	}
	_, outsider := s.person("outsider")
	if got := outsider.get("/portfolio").want(200); got.at("products") != 0.0 || len(got.list("heat", "rows"))+len(got.list("facets", "teams")) != 0 {
		t.Errorf("somebody without products sees %s", got.body)
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	path := "/library/questionnaires/web-product/preview"
	none := s.admin.post(path, map[string]any{"answers": map[string]any{}}).want(200)
	if none.at("progress", "answered") != 0.0 || len(none.list("visible")) == 0 || len(none.list("missing")) != len(none.list("visible")) {
		t.Errorf("the preview of nothing = %s", none.body)
	}
	some := s.admin.post(path, map[string]any{"answers": map[string]any{"database": []string{"sql"}, "reach": "internet", "unheard": "of"}}).want(200)
	if some.at("progress", "answered") != 2.0 || some.text("problems", 0, "question") != "unheard" {
		t.Errorf("the preview = progress %v, problems %v", some.at("progress"), some.at("problems"))
	}
	if some.at("brings", "threats").(float64) <= none.at("brings", "threats").(float64) || some.at("highest", "inherent") == 0.0 {
		t.Errorf("a database on the internet brings %v, nothing brings %v", some.at("brings"), none.at("brings"))
	}
	if i := some.at("brings", "items", 0).(map[string]any); i["kind"] != "threat" || i["because"] == "" || i["band"] == "" {
		t.Errorf("the first item = %v, want a threat with its reason", i)
	}
	if got := s.admin.get("/products").want(200).at("total"); got != 0.0 {
		t.Errorf("previews left %v products", got)
	}
	s.admin.post("/library/questionnaires/none/preview", map[string]any{"answers": map[string]any{}}).want(404)

	demo := s.admin.sample()
	answers := s.admin.get("/products/" + demo + "/answers").want(200)
	same := map[string]any{"answers": answers.at("answers")}
	got := s.admin.post("/products/"+demo+"/answers/preview", same).want(200)
	if got.at("changes", "add") != 0.0 || got.at("changes", "remove") != 0.0 {
		t.Errorf("the same answers change %v", got.at("changes"))
	}
	less := map[string]any{"answers": map[string]any{"reach": "company"}}
	if got := s.admin.post("/products/"+demo+"/answers/preview", less).want(200); got.at("changes", "remove") == 0.0 {
		t.Errorf("fewer answers change %v, want something removed", got.at("changes"))
	}
	if again := s.admin.get("/products/" + demo + "/answers").want(200); again.at("version") != answers.at("version") {
		t.Error("a preview changed the product")
	}
}

func TestClone(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	demo := s.admin.sample()
	s.as("").post("/products/"+demo+"/clone", map[string]any{"name": "X"}).want(401)
	id, viewer := s.person("viewer")
	viewer.post("/products/"+demo+"/clone", map[string]any{"name": "X"}).want(404)
	s.admin.put("/products/"+demo+"/members/"+id, map[string]any{"role": "viewer"}).want(204)
	if got := viewer.post("/products/"+demo+"/clone", map[string]any{"name": "Mine"}).want(201); got.text("name") != "Mine" || got.text("owner") != "" {
		t.Errorf("the clone = %s", got.body)
	}
	reader := s.as(s.admin.post("/tokens", map[string]any{"name": "r", "scopes": []string{"read"}}).want(201).text("token"))
	reader.post("/products/"+demo+"/clone", map[string]any{"name": "X"}).want(403)

	states := func(id string) map[string]any {
		return s.admin.get("/products/"+id+"/overview").want(200).at("countermeasures", "states").(map[string]any)
	}
	fresh := s.admin.post("/products/"+demo+"/clone", map[string]any{"name": "Fresh"}).want(201).text("id")
	if got := states(fresh); got["implemented"] != 0.0 || got["rejected"] != 0.0 {
		t.Errorf("the states of a fresh clone = %v, want none done", got)
	}
	whole := s.admin.post("/products/"+demo+"/clone", map[string]any{"name": "Whole", "include": map[string]any{"states": true, "owners": true}}).want(201).text("id")
	if diff := cmp.Diff(states(demo), states(whole)); diff != "" {
		t.Errorf("states (-original +clone):\n%s", diff)
	}
	for _, id := range []string{fresh, whole} {
		if counts := s.admin.get("/products/" + id + "/plan").want(200).at("counts"); counts.(map[string]any)["add"] != nil || counts.(map[string]any)["remove"] != nil {
			t.Errorf("the library would still change the clone: %v", counts)
		}
	}
	// By way of a template.
	s.admin.patch("/products/"+fresh, map[string]any{"template": true}).want(200)
	made := s.admin.post("/products", map[string]any{"name": "Of a mould", "from_template": fresh}).want(201)
	if made.at("template") == true || len(s.admin.get("/products/"+made.text("id")+"/threats").want(200).list("items")) == 0 {
		t.Errorf("what was made of a template = %s", made.body)
	}
	s.admin.post("/products", map[string]any{"name": "X", "from_template": fresh, "questionnaire": "web-product"}).want(422)
}

func TestArchivedAndDeleted(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	id := s.admin.sample()
	path := "/products/" + id
	if got := s.admin.send("DELETE", path, map[string]any{"name": "Parcel desk"}).want(409).text("code"); got != "product.not_archived" {
		t.Errorf("deleting a product in use has the code %q", got)
	}
	s.admin.put(path+"/archived", map[string]any{"archived": true}).want(200)
	for _, r := range []answer{
		s.admin.patch(path, map[string]any{"name": "X"}), s.admin.post(path+"/plan", map[string]any{"all": true}),
		s.admin.post(path+"/threats", map[string]any{"title": "T", "where": "product", "impact": map[string]any{"confidentiality": 1, "integrity": 1, "availability": 1}, "ease": 50}),
	} {
		if r.want(409).text("code") != "product.archived" {
			t.Errorf("%s has the code %q, want product.archived", r.what, r.text("code"))
		}
	}
	s.admin.get(path + "/overview").want(200)
	s.admin.put(path+"/visit", nil).want(200)
	s.admin.put(path+"/archived", map[string]any{"archived": false}).want(200)
	s.admin.patch(path, map[string]any{"description": "back"}).want(200)
	s.admin.put(path+"/archived", map[string]any{"archived": true}).want(200)
	s.admin.send("DELETE", path, map[string]any{"name": "Parcel"}).want(422)
	_, other := s.person("other")
	other.send("DELETE", path, map[string]any{"name": "Parcel desk"}).want(404)
	s.admin.send("DELETE", path, map[string]any{"name": "Parcel desk"}).want(204)
	s.admin.get(path).want(404)
	if err := s.app.DB.VerifyAudit(t.Context(), "product/"+id); err != nil {
		t.Errorf("the audit trail of a deleted product: %v", err)
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	id := s.admin.sample()
	path := "/products/" + id
	first := s.admin.get(path + "/since").want(200)
	if first.at("since") != nil || len(first.list("items")) == 0 {
		t.Errorf("before any visit = %s, want the last days", first.body)
	}
	s.admin.put(path+"/visit", nil).want(200)
	if got := s.admin.get(path + "/since").want(200); len(got.list("items")) != 0 || got.at("since") == nil {
		t.Errorf("right after a visit = %s, want nothing", got.body)
	}
	list := s.admin.get(path + "/countermeasures?state=required").want(200)
	cm := list.text("items", 0, "id")
	s.admin.patch(path+"/countermeasures/"+cm, map[string]any{"state": "implemented", "reason": "done"}).want(200)
	got := s.admin.get(path + "/since").want(200)
	if len(got.list("items")) == 0 || got.text("items", 0, "text") == "" {
		t.Fatalf("after a change = %s, want it told", got.body)
	}
	if !slices.ContainsFunc(got.list("items"), func(i any) bool {
		return i.(map[string]any)["object"] == "countermeasure/"+cm && i.(map[string]any)["actor_name"] == "Ada"
	}) {
		t.Errorf("items = %v, want one about %s by Ada", got.at("items"), cm)
	}
	before := s.admin.put(path+"/visit", nil).want(200)
	if before.text("before") == "" {
		t.Errorf("the second visit = %s, want the one before", before.body)
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	id := s.admin.sample()
	got := s.admin.get("/products/" + id + "/overview").want(200)
	threats := got.at("product", "risk", "open", "threats").(float64)
	cells := got.at("matrix", "apart").(float64)
	for i := range got.list("matrix", "cells") {
		cells += got.at("matrix", "cells", i, "count").(float64)
	}
	if cells != threats || threats == 0 {
		t.Errorf("the matrix has %v threats, the product %v", cells, threats)
	}
	if len(got.list("top")) != 10 || got.at("top", 0, "rating", "current") != got.at("highest", "current") {
		t.Errorf("top = %v, want ten, the highest (%v) first", got.at("top"), got.at("highest"))
	}
	sum := 0.0
	for _, n := range got.at("countermeasures", "states").(map[string]any) {
		sum += n.(float64)
	}
	if n := len(s.admin.get("/products/" + id + "/countermeasures?limit=1000").want(200).list("items")); sum != float64(n) {
		t.Errorf("countermeasures by state sum up to %v, there are %d", sum, n)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	answers := map[string]any{"database": []string{"sql"}, "reach": "internet"}
	id := s.admin.post("/products", map[string]any{"name": "P", "questionnaire": "web-product", "answers": answers}).want(201).text("id")
	path := "/products/" + id + "/plan"
	plan := s.admin.get(path).want(200)
	var key, title string
	for _, i := range plan.list("items") {
		if m := i.(map[string]any); m["kind"] == "threat" && m["action"] == "add" {
			key, title = m["key"].(string), m["title"].(string)
			if m["where_name"] != "P" {
				t.Errorf("a threat of the product is at %v, want P", m["where_name"])
			}
			break
		}
	}
	keys := 0
	for i := range plan.list("places") {
		keys += len(plan.list("places", i, "keys"))
	}
	if keys != len(plan.list("items")) {
		t.Errorf("the places have %d steps, the plan %d", keys, len(plan.list("items")))
	}
	refuse := map[string]any{"refuse": []any{map[string]any{"key": key, "reason": "not ours to worry about"}}}
	if got := s.admin.post(path, refuse).want(200); got.at("refused") != 1.0 || got.at("applied") != 0.0 {
		t.Errorf("refusing = %s", got.body)
	}
	s.admin.post(path, map[string]any{"accept": []string{key}}).want(422)
	if got := s.admin.post(path, map[string]any{"all": true}).want(200); got.at("left") != 0.0 {
		t.Errorf("all but what is refused leaves %v", got.at("left"))
	}
	if got := s.admin.get("/products/" + id + "/threats?q=" + url.QueryEscape(title)).want(200); len(got.list("items")) != 0 {
		t.Errorf("the refused threat came: %s", got.body)
	}
	after := s.admin.get(path).want(200)
	if len(after.list("items")) != 0 || after.text("refused", 0, "key") != key || after.text("refused", 0, "by_name") != "Ada" {
		t.Errorf("the plan afterwards = %s", after.body)
	}
	clone := s.admin.post("/products/"+id+"/clone", map[string]any{"name": "Q"}).want(201).text("id")
	if got := s.admin.get("/products/" + clone + "/plan").want(200); len(got.list("items")) != 0 || len(got.list("refused")) != 1 {
		t.Errorf("the plan of a clone = %v and %v refused, want nothing and one", got.at("counts"), got.at("refused"))
	}
	s.admin.post(path, map[string]any{"unrefuse": []string{"add threat none"}}).want(422)
	s.admin.post(path, map[string]any{"unrefuse": []string{key}}).want(200)
	if got := s.admin.get(path).want(200); got.text("items", 0, "key") != key {
		t.Errorf("the plan after the refusal was taken back = %s", got.body)
	}
}

func TestImportProduct(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	file, err := os.ReadFile(filepath.Join("..", "demo", "data", "diagram.json"))
	if err != nil {
		t.Fatal(err)
	}
	preview := s.admin.upload("/imports?preview=true&name=diagram.json", string(file)).want(201)
	if preview.text("name") != "Parcel desk" || preview.at("import", "added") == 0.0 || preview.at("product") != nil {
		t.Errorf("the preview = %s", preview.body)
	}
	if got := s.admin.get("/products").want(200).at("total"); got != 0.0 {
		t.Errorf("a preview left %v products", got)
	}
	made := s.admin.upload("/imports?product_name=Mine", string(file)).want(201)
	if made.text("name") != "Mine" || made.at("import", "added") != preview.at("import", "added") {
		t.Errorf("the import = %s", made.body)
	}
	again := s.admin.upload("/products/"+made.text("product", "id")+"/imports?preview=true", string(file)).want(200)
	if again.at("added") != 0.0 {
		t.Errorf("the same file again adds %v, want 0", again.at("added"))
	}
	s.admin.upload("/imports", "no model").want(422)
}
