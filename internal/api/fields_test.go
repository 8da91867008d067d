package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// field defines a custom field.
func (c caller) field(key string, in map[string]any) answer {
	c.s.t.Helper()
	return c.put("/fields/"+key, in).want(200)
}

// fieldsAt are the texts of a problem by where they stand.
func (a answer) fieldsAt() map[string]string {
	out := map[string]string{}
	for i := range a.list("errors") {
		out[a.text("errors", i, "where")] = a.text("errors", i, "text")
	}
	return out
}

func TestDefineFields(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	if got := s.admin.get("/fields").want(200); len(got.list("items")) != 0 || got.header.Get("ETag") != "" {
		t.Errorf("the fields of a fresh installation = %s, want none", got.body)
	}
	s.admin.with("If-None-Match", "*").put("/fields/class", map[string]any{
		"name": "Data class", "type": "choice", "required": true, "options": []any{map[string]any{"ref": "open", "text": "Open"}, map[string]any{"ref": "secret", "text": "Secret"}},
	}).want(200)
	if got := s.admin.with("If-None-Match", "*").put("/fields/class", map[string]any{"name": "Other", "type": "text"}).want(409).text("code"); got != "field.exists" {
		t.Errorf("defining a key twice has the code %q, want field.exists", got)
	}
	s.admin.field("cost", map[string]any{"name": "Cost centre", "type": "text", "pattern": `K-\d{4}`})
	s.admin.field("review", map[string]any{"name": "Next review", "type": "date", "visible_to": "approver"})
	got := s.admin.get("/fields").want(200)
	var keys []string
	for i := range got.list("items") {
		keys = append(keys, got.text("items", i, "key"))
	}
	if diff := cmp.Diff([]string{"class", "cost", "review"}, keys); diff != "" {
		t.Errorf("the fields (-want +got):\n%s", diff)
	}
	if got.text("items", 1, "visible_to") != "viewer" || got.text("items", 1, "editable_by") != "modeller" || got.text("items", 2, "editable_by") != "approver" {
		t.Errorf("roles that were left out = %s", got.body)
	}

	// Everybody reads them; only administrators of the installation change them.
	_, bob := s.person("bob")
	if read := bob.get("/fields").want(200); len(read.list("items")) != 3 || read.at("items", 0, "products") != nil {
		t.Errorf("somebody reads %s, want three fields without their use", read.body)
	}
	bob.put("/fields/own", map[string]any{"name": "Own", "type": "text"}).want(403)
	bob.remove("/fields/class").want(403)

	// A change that was based on an older version is refused, in an order too.
	tag, all := fmt.Sprintf("%q", fmt.Sprint(got.at("items", 1, "version"))), got.header.Get("ETag")
	s.admin.with("If-Match", tag).put("/fields/cost", map[string]any{"name": "Cost centre", "type": "text", "help": "As in the ledger"}).want(200)
	s.admin.with("If-Match", tag).put("/fields/cost", map[string]any{"name": "Mine", "type": "text"}).want(412)
	s.admin.with("If-Match", tag).remove("/fields/cost").want(412)
	s.admin.with("If-Match", all).put("/fields/order", map[string]any{"keys": []string{"review", "class", "cost"}}).want(412)
	s.admin.put("/fields/order", map[string]any{"keys": []string{"review", "class"}}).want(422)
	if got := s.admin.put("/fields/order", map[string]any{"keys": []string{"review", "class", "cost"}}).want(200).text("items", 0, "key"); got != "review" {
		t.Errorf("the first field in the new order = %q, want review", got)
	}

	// What makes no sense is refused at its place.
	for where, in := range map[string]map[string]any{
		"body.pattern":         {"name": "P", "type": "text", "pattern": "("},
		"body.options":         {"name": "P", "type": "choice"},
		"body.options[1].ref":  {"name": "P", "type": "choice", "options": []any{map[string]any{"ref": "a", "text": "A"}, map[string]any{"ref": "a", "text": "B"}}},
		"body.options[0].text": {"name": "P", "type": "choice", "options": []any{map[string]any{"ref": "a", "text": " "}}},
		"body.max":             {"name": "P", "type": "number", "min": 3, "max": 2},
		"body.min":             {"name": "P", "type": "text", "min": 3},
		"body.name":            {"name": "data CLASS", "type": "text"},
		"body.editable_by":     {"name": "P", "type": "text", "visible_to": "approver", "editable_by": "viewer"},
		"body.type":            {"name": "P", "type": "colour"},
	} {
		if at := s.admin.put("/fields/p", in).want(422).fieldsAt(); at[where] == "" {
			t.Errorf("defining %v is refused at %v, want it at %s", in, at, where)
		}
	}
	s.admin.put("/fields/9", map[string]any{"name": "P", "type": "text"}).want(422)

	// Trying out asks the server, because its expressions are not a browser's.
	try := func(value string) answer {
		return s.admin.post("/fields/try", map[string]any{"field": map[string]any{"name": "P", "type": "text", "pattern": `[A-Z]+|\d+`}, "value": value}).want(200)
	}
	if try("ABC").at("fits") != true || try("ABC1").at("fits") != false || !strings.Contains(try("ABC1").text("text"), "expected") {
		t.Errorf("trying a pattern = %s and %s, want it to hold the whole text", try("ABC").body, try("ABC1").body)
	}
	if objects := s.admin.get("/audit?limit=20").want(200); !strings.Contains(string(objects.body), "field/class") || !strings.Contains(string(objects.body), "field.order") {
		t.Errorf("the audit trail has nothing of the fields: %s", objects.body)
	}
}

func TestCustomValues(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	options := []any{map[string]any{"ref": "a", "text": "A"}, map[string]any{"ref": "b", "text": "B"}}
	bob, _ := s.person("bob")
	s.admin.field("class", map[string]any{"name": "Class", "type": "choice", "required": true, "options": options})
	s.admin.field("duties", map[string]any{"name": "Duties", "type": "choice", "multiple": true, "options": options})
	s.admin.field("cost", map[string]any{"name": "Cost", "type": "text", "pattern": `K-\d+`})
	s.admin.field("users", map[string]any{"name": "Users", "type": "number", "min": 1, "max": 10})
	s.admin.field("lead", map[string]any{"name": "Lead", "type": "user"})
	s.admin.field("end", map[string]any{"name": "End", "type": "date"})
	s.admin.field("wiki", map[string]any{"name": "Wiki", "type": "link"})

	bad := s.admin.post("/products", map[string]any{"name": "P", "custom": map[string]any{
		"duties": `["a","c"]`, "cost": "K-", "users": "11", "lead": "usr_nobody", "end": "31.12.2030", "wiki": "javascript:alert(1)", "unheard": "x",
	}}).want(422)
	var at []string
	for where, text := range bad.fieldsAt() {
		if at = append(at, where); !strings.Contains(text, "expected") {
			t.Errorf("at %s it says %q, want what was expected", where, text)
		}
	}
	slices.Sort(at)
	want := []string{"body.custom.class", "body.custom.cost", "body.custom.duties", "body.custom.end", "body.custom.lead", "body.custom.unheard", "body.custom.users", "body.custom.wiki"}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Errorf("refused at (-want +got):\n%s", diff)
	}

	made := s.admin.post("/products", map[string]any{"name": "P", "custom": map[string]any{
		"class": "a", "duties": `["b","a","b"]`, "cost": " K-1 ", "users": "2.5", "lead": bob, "end": "2030-12-31", "wiki": "https://wiki.example.org/p",
	}}).want(201)
	stored := map[string]any{"class": "a", "duties": `["a","b"]`, "cost": "K-1", "users": "2.5", "lead": bob, "end": "2030-12-31", "wiki": "https://wiki.example.org/p"}
	if diff := cmp.Diff(stored, made.at("custom")); diff != "" {
		t.Errorf("custom (-want +got):\n%s", diff)
	}
	if made.text("custom_names", bob) != "bob" || made.at("custom_problems") != nil {
		t.Errorf("the product = %s, want the lead's name and nothing to settle", made.body)
	}
	product := "/products/" + made.text("id")
	patch := func(custom map[string]any) answer { return s.admin.patch(product, map[string]any{"custom": custom}) }
	if got := patch(map[string]any{"cost": "", "users": "3"}).want(200); got.at("custom", "cost") != nil || got.at("custom", "users") != "3" || got.at("custom", "class") != "a" {
		t.Errorf("custom after a change of two = %v, want the others as they were", got.at("custom"))
	}
	if patch(map[string]any{"class": ""}).want(422).fieldsAt()["body.custom.class"] == "" {
		t.Error("a required value could be taken away")
	}

	// Definitions change; values stay and what no longer fits is told.
	s.admin.field("users", map[string]any{"name": "Users", "type": "number", "max": 1})
	s.admin.field("wiki", map[string]any{"name": "Wiki", "type": "date"})
	s.admin.remove("/fields/end").want(204)
	got := s.admin.get(product).want(200)
	problems := map[string]string{}
	for i := range got.list("custom_problems") {
		problems[got.text("custom_problems", i, "key")] = got.text("custom_problems", i, "kind")
	}
	if diff := cmp.Diff(map[string]string{"users": "unfit", "wiki": "unfit", "end": "undefined"}, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got.at("custom", "users") != "3" || got.at("custom", "end") != "2030-12-31" {
		t.Errorf("custom = %v, want the values that were stored", got.at("custom"))
	}
	patch(map[string]any{"users": "3", "class": "b"}).want(200) // what is stored may stay
	patch(map[string]any{"users": "4"}).want(422)
	patch(map[string]any{"end": "2031-01-01"}).want(422)
	patch(map[string]any{"end": "2030-12-31"}).want(200)
	if gone := s.admin.get("/fields").want(200); gone.text("removed", 0, "key") != "end" || gone.at("removed", 0, "products") != 1.0 {
		t.Errorf("removed fields = %v, want the end with one product", gone.at("removed"))
	}
	s.admin.field("end", map[string]any{"name": "End", "type": "date"})
	patch(map[string]any{"end": "2031-01-01"}).want(200)

	// Samples, copies and templates are made all the same, and say what is missing.
	for name, p := range map[string]answer{
		"sample":   s.admin.post("/products/sample", map[string]any{}).want(201),
		"template": s.admin.post("/products", map[string]any{"name": "T", "template": true}).want(201),
	} {
		if p.text("custom_problems", 0, "key") != "class" || p.text("custom_problems", 0, "kind") != "missing" {
			t.Errorf("the problems of a %s = %v, want the missing class", name, p.at("custom_problems"))
		}
		if name == "template" {
			from := map[string]any{"name": "Made of it", "from_template": p.text("id")}
			s.admin.post("/products", from).want(422)
			from["custom"] = map[string]any{"class": "b"}
			s.admin.post("/products", from).want(201)
		}
	}
}

func TestCustomValuesByRole(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	s.admin.field("secret", map[string]any{"name": "Secret", "type": "choice", "visible_to": "approver", "options": []any{map[string]any{"ref": "a", "text": "A"}}})
	s.admin.field("state", map[string]any{"name": "State", "type": "text", "editable_by": "developer"})
	s.admin.field("plain", map[string]any{"name": "Plain", "type": "text"})
	id := s.admin.post("/products", map[string]any{"name": "P", "custom": map[string]any{"secret": "a", "state": "x", "plain": "y"}}).want(201).text("id")
	as := map[string]caller{}
	for _, role := range []string{"viewer", "developer", "modeller", "approver"} {
		user, c := s.person(role)
		s.admin.put("/products/"+id+"/members/"+user, map[string]any{"role": role}).want(204)
		as[role] = c
	}
	// As it was given, a file says what its giver saw.
	file := s.admin.get("/products/" + id + "/export").want(200)
	s.admin.upload("/products/"+id+"/imports?name=model.yaml", string(file.body)).want(200)
	source := s.admin.get("/products/"+id+"/sources").want(200).text("items", 0, "id")
	for role, status := range map[string]int{"viewer": 403, "developer": 403, "modeller": 403, "approver": 200} {
		as[role].get("/products/" + id + "/sources/" + source).want(status)
	}
	for role, sees := range map[string]bool{"viewer": false, "modeller": false, "approver": true} {
		c := as[role]
		for what, got := range map[string]any{
			"product":  c.get("/products/"+id).want(200).at("custom", "secret"),
			"list":     c.get("/products").want(200).at("items", 0, "custom", "secret"),
			"overview": c.get("/products/"+id+"/overview").want(200).at("product", "custom", "secret"),
			"model":    c.get("/products/"+id+"/model").want(200).at("model", "product", "custom", "secret"),
		} {
			if (got == "a") != sees {
				t.Errorf("a %s sees %v in the %s, want it seen: %v", role, got, what, sees)
			}
		}
		if body := string(c.get("/products/" + id + "/history").want(200).body); strings.Contains(body, `"secret":"a"`) != sees {
			t.Errorf("a %s reads the history %s, want the value in it: %v", role, body, sees)
		}
		found := 0
		if sees {
			found = 1
		}
		if got := len(c.get("/products?field=secret:a").want(200).list("items")); got != found {
			t.Errorf("a %s finds %d products by the value, want %d", role, got, found)
		}
		if got := len(c.get("/portfolio").want(200).list("facets", "fields", 0, "values")); got != found {
			t.Errorf("a %s is offered %d values to filter by, want %d", role, got, found)
		}
	}
	fill := func(role, key, value string) answer {
		return as[role].patch("/products/"+id+"/custom", map[string]any{"custom": map[string]any{key: value}})
	}
	fill("viewer", "state", "new").want(403)
	fill("developer", "state", "new").want(200)
	if at := fill("developer", "plain", "new").want(403).fieldsAt(); !strings.Contains(at["body.custom.plain"], "modeller") {
		t.Errorf("a developer is refused at %v, want the role that may", at)
	}
	fill("modeller", "plain", "new").want(200)
	fill("modeller", "secret", "a").want(403) // says nothing of what is stored
	fill("approver", "secret", "").want(200)
	if got := s.admin.get("/products/" + id).want(200).at("custom"); !cmp.Equal(got, map[string]any{"state": "new", "plain": "new"}) {
		t.Errorf("custom = %v, want what the roles could change", got)
	}
	s.admin.patch("/products/"+id, map[string]any{"custom": map[string]any{"secret": "a"}}).want(200)
	// Who copies what they may not see all of gets the rest.
	copied := as["modeller"].post("/products/"+id+"/clone", map[string]any{"name": "Copy"}).want(201)
	if got := copied.at("custom"); !cmp.Equal(got, map[string]any{"state": "new", "plain": "new"}) {
		t.Errorf("the copy has %v, want it without the secret", got)
	}
}

func TestProductsByField(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	options := []any{map[string]any{"ref": "a", "text": "A"}, map[string]any{"ref": "b", "text": "B"}}
	s.admin.field("class", map[string]any{"name": "Class", "type": "choice", "options": options})
	s.admin.field("duties", map[string]any{"name": "Duties", "type": "choice", "multiple": true, "options": options})
	for name, custom := range map[string]map[string]any{"One": {"class": "a", "duties": `["a","b"]`}, "Two": {"class": "b", "duties": `["b"]`}, "Three": {"class": "a"}} {
		s.admin.post("/products", map[string]any{"name": name, "custom": custom}).want(201)
	}
	for query, want := range map[string][]string{
		"field=class:a":                {"One", "Three"},
		"field=class:a&field=class:b":  {"One", "Three", "Two"},
		"field=duties:b&field=class:a": {"One"},
		"field=class:none":             nil,
	} {
		got := s.admin.get("/products?" + query).want(200)
		var names []string
		for i := range got.list("items") {
			names = append(names, got.text("items", i, "name"))
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("GET /products?%s (-want +got):\n%s", query, diff)
		}
		if n := s.admin.get("/portfolio?" + query).want(200).at("products"); n != float64(len(want)) {
			t.Errorf("GET /portfolio?%s counts %v products, want %d", query, n, len(want))
		}
	}
	s.admin.get("/products?field=unheard:a").want(422)
	facets := s.admin.get("/portfolio").want(200)
	want := []any{
		map[string]any{"key": "class", "name": "Class", "values": []any{map[string]any{"value": "a", "text": "A", "products": 2.0}, map[string]any{"value": "b", "text": "B", "products": 1.0}}},
		map[string]any{"key": "duties", "name": "Duties", "values": []any{map[string]any{"value": "b", "text": "B", "products": 2.0}, map[string]any{"value": "a", "text": "A", "products": 1.0}}},
	}
	if diff := cmp.Diff(want, facets.at("facets", "fields")); diff != "" {
		t.Errorf("facets (-want +got):\n%s", diff)
	}
}

func TestAddressesAreForAdministrators(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	bob, c := s.person("bob")
	s.person("carol")
	if got := s.admin.get("/users?q=carol@").want(200); len(got.list("items")) != 1 || got.text("items", 0, "email") != "carol@example.org" {
		t.Errorf("an administrator finds %s, want carol by her address", got.body)
	}
	all := c.get("/users").want(200)
	if len(all.list("items")) != 3 {
		t.Errorf("somebody sees %s, want three accounts", all.body)
	}
	for i := range all.list("items") {
		own := all.text("items", i, "id") == bob
		if got := all.text("items", i, "email"); own && got != "bob@example.org" || !own && got != "" {
			t.Errorf("bob sees the address %q of %s", got, all.text("items", i, "name"))
		}
	}
	if got := c.get("/users?q=example.org").want(200).list("items"); len(got) != 0 {
		t.Errorf("a search by address finds %v for bob, want nothing", got)
	}
	var walked []string
	for next := ""; ; {
		page := c.get("/users?limit=1&cursor=" + next).want(200)
		walked = append(walked, page.text("items", 0, "name"))
		if next = page.text("next"); next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"Ada", "bob", "carol"}, walked); diff != "" {
		t.Errorf("names page by page (-want +got):\n%s", diff)
	}
}
