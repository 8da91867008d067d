package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// sheet is a diagram of a product, as its editor works on it.
type sheet struct {
	caller
	product string
}

// sheet makes a product with a diagram "d": the Internet (zone "net", trust 0)
// around a protected zone "dmz" (trust 60), an actor "user" in the one, a process
// "web" in the other, and a flow "f" from the actor to the process.
func (s *server) sheet() sheet {
	s.t.Helper()
	d := sheet{s.admin, s.admin.product("Parcel desk")}
	d.change(put("diagrams", "d", 0, m{"title": "Main"}), put("flows", "f", 0, m{"diagram": "d", "name": "orders", "from": "user", "to": "web", "carries": l{"cards"}}),
		put("zones", "net", 0, m{"diagram": "d", "name": "Internet", "trust": 0, "box": box(0, 0, 1000, 600)}),
		put("zones", "dmz", 0, m{"diagram": "d", "name": "DMZ", "trust": 60, "box": box(500, 0, 400, 400)}),
		put("components", "user", 0, m{"diagram": "d", "kind": "actor", "name": "Customer", "box": box(100, 100, 100, 60)}),
		put("components", "web", 0, m{"diagram": "d", "kind": "process", "name": "Shop", "stores": l{"cards"}, "box": box(600, 100, 100, 60)}),
		put("assets", "cards", 0, m{"name": "Cards", "value": m{"confidentiality": 90, "integrity": 60, "availability": 30}}),
	).want(200)
	return d
}

type (
	m = map[string]any
	l = []any
)

func box(x, y, w, h float64) m { return m{"x": x, "y": y, "w": w, "h": h} }

func put(kind, id string, version int, element m) m {
	return m{"kind": kind, "id": id, "op": "put", "version": version, "element": element}
}

func drop(kind, id string, version int) m {
	return m{"kind": kind, "id": id, "op": "delete", "version": version}
}

func (d sheet) change(changes ...m) answer {
	d.s.t.Helper()
	return d.post("/products/"+d.product+"/drawing/changes", m{"changes": changes})
}

func (d sheet) open() answer {
	d.s.t.Helper()
	return d.get("/products/" + d.product + "/drawing").want(200)
}

// element returns an element of a drawing by its list and id.
func (a answer) element(list, id string) m {
	for _, e := range a.list(list) {
		if e := e.(m); e["id"] == id {
			return e
		}
	}
	return nil
}

func TestDrawingOpens(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	empty := s.admin.get("/products/" + s.admin.product("Empty") + "/drawing").want(200)
	for _, list := range []string{"diagrams", "zones", "components", "flows", "curves", "texts", "assets"} {
		if got, ok := empty.at(list).([]any); !ok || len(got) != 0 {
			t.Errorf("%s of an empty product = %v, want an empty list", list, empty.at(list))
		}
	}
	if got := empty.at("diagram"); got != nil {
		t.Errorf("diagram of an empty product = %v, want null", got)
	}

	d := s.sheet()
	open := d.open()
	if open.text("diagram") != "d" || open.header.Get("ETag") != `"2"` {
		t.Errorf("drawing shows %q at %s, want d at version 2", open.text("diagram"), open.header.Get("ETag"))
	}
	if got := open.element("components", "web")["zone"]; got != "dmz" {
		t.Errorf("zone of web = %v, want dmz, in whose box it lies", got)
	}
	if got := open.element("zones", "dmz")["parent"]; got != "net" {
		t.Errorf("parent of dmz = %v, want net, which encloses it", got)
	}
	want := m{
		"user": m{"zone": "net", "trust": 0.0, "exposure": 100.0, "exposure_path": l{"user"}},
		"web":  m{"zone": "dmz", "trust": 60.0, "exposure": 80.0, "exposure_path": l{"user", "f", "web"}, "value": m{"confidentiality": 90.0, "integrity": 60.0, "availability": 30.0}},
		"f":    m{"trust": 0.0, "exposure": 100.0, "exposure_path": l{"user", "f"}, "crosses": l{"dmz"}, "value": m{"confidentiality": 90.0, "integrity": 60.0, "availability": 30.0}},
		"net":  m{"trust": 0.0, "exposure": 100.0, "exposure_path": l{"user"}, "value": m{"confidentiality": 90.0, "integrity": 60.0, "availability": 30.0}},
		"dmz":  m{"zone": "net", "trust": 60.0, "exposure": 80.0, "exposure_path": l{"user", "f", "web"}, "value": m{"confidentiality": 90.0, "integrity": 60.0, "availability": 30.0}},
	}
	if diff := gocmp.Diff(any(want), open.at("facts")); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	versions := m{"user": 2.0, "web": 2.0, "f": 2.0, "net": 2.0, "dmz": 2.0, "diagrams/d": 2.0, "assets/cards": 2.0}
	if diff := gocmp.Diff(any(versions), open.at("versions")); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	alone := d.get("/products/" + d.product + "/drawing/facts?diagram=d").want(200)
	if diff := gocmp.Diff(open.at("facts"), alone.at("facts")); diff != "" {
		t.Errorf("facts without the drawing differ (-with +without):\n%s", diff)
	}
	d.get("/products/" + d.product + "/drawing?diagram=none").want(404)

	// A threat shows at its element.
	d.post("/products/"+d.product+"/threats", m{"where": "web", "title": "T", "impact": m{"confidentiality": 100, "integrity": 0, "availability": 0}, "ease": 75}).want(201)
	got := d.open().at("facts", "web").(m)
	if got["threats"] != 1.0 || got["band"] != "high" || got["current"] != 73.0 || got["verified"] != 73.0 {
		t.Errorf("facts of web = %v, want one open threat, high, of 73", got)
	}
}

func TestChangesAreAllOrNothing(t *testing.T) {
	t.Parallel()
	d := serve(t, settings{}).sheet()
	before := d.open()
	for name, c := range map[string]struct {
		changes []m
		code    string
		where   string
	}{
		"unknown key":      {[]m{put("components", "ok", 0, m{"diagram": "d", "kind": "process", "name": "X"}), put("components", "bad", 0, m{"diagram": "d", "kind": "process", "colour": "red"})}, "drawing.invalid", "body.changes[1].element"},
		"lost end":         {[]m{put("components", "ok", 0, m{"diagram": "d", "kind": "process", "name": "X"}), put("flows", "g", 0, m{"diagram": "d", "name": "g", "from": "ok", "to": "none"})}, "model.invalid", "flow g"},
		"twice":            {[]m{put("texts", "t", 0, m{"text": "a"}), put("texts", "t", 0, m{"text": "b"})}, "drawing.invalid", "body.changes[1].id"},
		"not usable":       {[]m{put("texts", "a/b", 0, m{"text": "a"})}, "drawing.invalid", "body.changes[0].id"},
		"the product's":    {[]m{put("components", "product", 0, m{"kind": "process", "name": "X"})}, "drawing.invalid", "body.changes[0].id"},
		"goes with":        {[]m{put("flows", "g", 0, m{"diagram": "d", "name": "g", "from": "user", "to": "web"}), drop("components", "web", 0)}, "drawing.invalid", "body.changes[0]"},
		"another's id":     {[]m{put("texts", "web", 0, m{"text": "a"})}, "model.invalid", "text web"},
		"no document":      {[]m{{"kind": "texts", "id": "t", "op": "put"}}, "drawing.invalid", "body.changes[0].element"},
		"own id otherwise": {[]m{put("texts", "t", 0, m{"id": "u", "text": "a"})}, "drawing.invalid", "body.changes[0].element.id"},
	} {
		got := d.change(c.changes...).want(422)
		if got.text("code") != c.code || got.text("errors", 0, "where") != c.where {
			t.Errorf("%s: code %s at %s, want %s at %s", name, got.text("code"), got.text("errors", 0, "where"), c.code, c.where)
		}
	}
	if diff := gocmp.Diff(before.doc, d.open().doc); diff != "" {
		t.Errorf("refused changes left something behind (-before +after):\n%s", diff)
	}
}

func TestConflictsCarryWhatIsThere(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	d := s.sheet()
	id, bob := s.person("Bob")
	s.admin.put("/products/"+d.product+"/members/"+id, m{"role": "modeller"}).want(204)
	bobs := sheet{bob, d.product}

	web := d.open().element("components", "web")
	renamed := m{}
	for k, v := range web {
		renamed[k] = v
	}
	renamed["name"] = "Storefront"
	bobs.change(put("components", "web", 2, renamed), drop("flows", "f", 2)).want(200)

	web["description"] = "sells"
	user := d.open().element("components", "user")
	user["name"] = "Buyer"
	flow := m{"diagram": "d", "name": "purchases", "from": "user", "to": "web"}
	got := d.change(put("components", "user", 2, user), put("components", "web", 2, web), put("flows", "f", 2, flow)).want(412)
	if got.text("code") != "drawing.stale" || len(got.list("conflicts")) != 2 {
		t.Fatalf("conflicts = %s, want those of web and f", got.body)
	}
	first := got.at("conflicts", 0).(m)
	if first["id"] != "web" || first["version"] != 3.0 || first["by"] != "Bob" || first["by_id"] != id || first["element"].(m)["name"] != "Storefront" || first["at"] == nil {
		t.Errorf("the conflict of web is %v, want Bob's Storefront at version 3", first)
	}
	second := got.at("conflicts", 1).(m)
	if second["id"] != "f" || second["version"] != 0.0 || second["element"] != nil || second["by"] != "Bob" {
		t.Errorf("the conflict of f is %v, want it deleted by Bob", second)
	}
	if got := d.open().element("components", "user")["name"]; got != "Customer" {
		t.Errorf("user is called %v, want nothing changed", got)
	}

	// With what is there now it goes through; what is gone already may be deleted again.
	renamed["description"] = "sells"
	d.change(put("components", "user", 2, user), put("components", "web", 3, renamed), put("flows", "f", 0, flow)).want(200)
	d.change(drop("texts", "never", 0), drop("curves", "gone", 7)).want(200)
	// Sending what is there already is nobody's loss.
	again := d.change(put("components", "user", 2, d.open().element("components", "user"))).want(200)
	if got := again.at("versions", "user"); got != 4.0 {
		t.Errorf("version of what did not change = %v, want 4 still", got)
	}
	// If-Match asks for the whole.
	sheet{d.with("If-Match", `"2"`), d.product}.change(put("texts", "t", 0, m{"diagram": "d", "text": "a"})).want(412)
	// Two tabs that add the same id do not overwrite each other.
	d.change(put("texts", "t", 0, m{"diagram": "d", "text": "a"})).want(200)
	d.change(put("texts", "t", 0, m{"diagram": "d", "text": "b"})).want(412)
}

func TestDeletingTakesAlong(t *testing.T) {
	t.Parallel()
	d := serve(t, settings{}).sheet()
	threat := d.post("/products/"+d.product+"/threats", m{"where": "web", "title": "T", "impact": m{"confidentiality": 100, "integrity": 0, "availability": 0}, "ease": 75}).want(201).text("id")
	web, flow := d.open().element("components", "web"), d.open().element("flows", "f")
	got := d.change(drop("components", "web", 0), drop("assets", "cards", 0), drop("zones", "dmz", 0)).want(200)
	var removed []string
	for _, r := range got.list("removed") {
		removed = append(removed, r.(m)["kind"].(string)+"/"+r.(m)["id"].(string))
	}
	if diff := gocmp.Diff([]string{"assets/cards", "components/web", "flows/f", "zones/dmz"}, removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if got := d.get("/products/" + d.product + "/threats/" + threat).want(200).at("retired"); got == nil {
		t.Error("the threat at what was deleted is not retired")
	}
	// Undone, nothing is lost: the threat is back with its place.
	delete(web, "stores")
	delete(web, "zone")
	delete(flow, "carries")
	back := d.change(put("components", "web", 0, web), put("flows", "f", 0, flow)).want(200)
	if got := d.get("/products/" + d.product + "/threats/" + threat).want(200).at("retired"); got != nil {
		t.Errorf("the threat is still retired after its place came back: %v", got)
	}
	if got := back.at("facts", "web", "threats"); got != 1.0 {
		t.Errorf("open threats at web = %v, want 1", got)
	}
	// A diagram takes its drawing along.
	if got := d.change(drop("diagrams", "d", 0)).want(200).list("removed"); len(got) != 5 {
		t.Errorf("with the diagram went %v, want it, a zone, two components and a flow", got)
	}
}

func TestContainmentFollowsTheDrawing(t *testing.T) {
	t.Parallel()
	d := serve(t, settings{}).sheet()
	move := func(kind, id string, change m) answer {
		t.Helper()
		open := d.open()
		e := open.element(kind, id)
		for k, v := range change {
			e[k] = v
		}
		return d.change(put(kind, id, int(open.at("versions", id).(float64)), e)).want(200)
	}
	zone := func() any { return d.open().element("components", "web")["zone"] }

	// Dragged out of the zone: the page sends the zone that it knows.
	got := move("components", "web", m{"box": box(100, 450, 100, 60)})
	if zone() != "net" || got.text("also", 0, "id") != "web" || got.at("also", 0, "element", "zone") != "net" {
		t.Errorf("web dragged out lies in %v, told %s, want net and the page told", zone(), got.body)
	}
	if got.at("facts", "web", "exposure") != 100.0 || got.at("facts", "f", "crosses") != nil || got.at("facts", "user") != nil {
		t.Errorf("facts after the drag = %v, want those of web and f alone, that changed", got.at("facts"))
	}
	// The zone drawn around it.
	got = move("zones", "dmz", m{"box": box(50, 400, 400, 150)})
	if zone() != "dmz" || got.text("also", 0, "id") != "web" {
		t.Errorf("web under a moved zone lies in %v, told %s, want dmz", zone(), got.body)
	}
	// Said by hand against the drawing, it holds while the drawing says the same.
	move("components", "web", m{"zone": "net"})
	move("components", "web", m{"name": "Desk"})
	move("zones", "dmz", m{"name": "Inside"})
	if zone() != "net" {
		t.Errorf("web said to lie in net lies in %v", zone())
	}
	move("components", "web", m{"zone": ""})
	if zone() != nil {
		t.Errorf("web taken out of every zone lies in %v", zone())
	}
	// Until it is dragged.
	move("components", "web", m{"box": box(60, 450, 100, 60)})
	if zone() != "dmz" {
		t.Errorf("web dragged within dmz lies in %v", zone())
	}
	// Bringing it to the front is no move.
	move("components", "web", m{"zone": "net"})
	move("components", "web", m{"box": m{"x": 60, "y": 450, "w": 100, "h": 60, "z": 9}})
	if zone() != "net" {
		t.Errorf("web brought to the front lies in %v, want net still", zone())
	}
	// A curve between the ends of the flow is crossed.
	got = d.change(put("curves", "c", 0, m{"diagram": "d", "points": l{m{"x": 0, "y": 300}, m{"x": 1000, "y": 300}}})).want(200)
	if crosses := d.open().element("flows", "f")["crosses"]; !gocmp.Equal(crosses, any(l{"c"})) || got.text("also", 0, "id") != "f" {
		t.Errorf("the flow crosses %v, told %s, want the curve", crosses, got.body)
	}
	// What is deleted around it gives it back.
	d.change(drop("zones", "dmz", 0), drop("zones", "net", 0)).want(200)
	if zone() != nil {
		t.Errorf("web without zones lies in %v", zone())
	}
}

func TestChangesOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	d := s.sheet()
	keyed := sheet{d.with("Idempotency-Key", "k1"), d.product}
	add := put("texts", "t", 0, m{"diagram": "d", "text": "note", "box": box(1, 1, 10, 10)})
	first := keyed.change(add).want(200)
	if second := keyed.change(add).want(200); !gocmp.Equal(first.doc, second.doc) {
		t.Errorf("the same key answered %s, then %s", first.body, second.body)
	}
	keyed.change(drop("texts", "t", 0)).want(409)

	// A batch of thousands is taken, with a key as well.
	var many []m
	for i := range 3000 {
		many = append(many, put("components", fmt.Sprint("c", i), 0, m{"diagram": "d", "kind": "process", "name": strings.Repeat("long name ", 30), "box": box(float64(i), 0, 10, 10)}))
	}
	big := sheet{d.with("Idempotency-Key", "k2"), d.product}.change(many...).want(200)
	if got := len(big.at("versions").(m)); got != 3000 {
		t.Errorf("a batch of 3000 wrote %d", got)
	}
	for range 2001 {
		many = append(many, drop("texts", "t", 0))
	}
	if got := d.change(many...); got.status != 422 {
		t.Errorf("a batch of 5001 = %d, want 422", got.status)
	}
}

func TestHistoryGroupsByRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	d := s.sheet()
	path := "/products/" + d.product + "/history"
	user := d.open().element("components", "user")
	user["name"] = "Buyer"
	d.post("/products/"+d.product+"/drawing/changes", m{"label": "Rename <b>Customer</b>", "changes": l{put("components", "user", 2, user), put("texts", "t", 0, m{"diagram": "d", "text": "hi"})}}).want(200)
	d.change(drop("components", "user", 0)).want(200)

	got := d.get(path).want(200)
	if len(got.list("items")) != 4 {
		t.Fatalf("history = %s, want the creation and three batches", got.body)
	}
	newest, named := got.at("items", 0).(m), got.at("items", 1).(m)
	if newest["label"] != nil || len(newest["changes"].(l)) != 2 {
		t.Errorf("the deletion is %v, want the component and its flow without a label", newest)
	}
	if named["label"] != "Rename <b>Customer</b>" || named["actor_name"] != "Ada" || named["source"] == "" || len(named["changes"].(l)) != 2 {
		t.Errorf("the batch is %v, want Ada's with its label and two changes", named)
	}
	i := slices.IndexFunc(named["changes"].(l), func(c any) bool { return c.(m)["id"] == "user" })
	c := named["changes"].(l)[i].(m)
	if c["action"] != "model.change" || c["kind"] != "component" || c["name"] != "Buyer" || c["old"].(m)["name"] != "Customer" || c["new"].(m)["name"] != "Buyer" {
		t.Errorf("the change of user is %v, want both documents", c)
	}

	// One object, page by page, with the label of its batch.
	one := d.get(path + "?object=component/user&limit=1").want(200)
	if one.text("items", 0, "changes", 0, "action") != "model.remove" || one.text("next") == "" {
		t.Fatalf("history of user = %s, want its deletion and more", one.body)
	}
	two := d.get(path + "?object=component/user&limit=1&cursor=" + one.text("next")).want(200)
	if two.text("items", 0, "label") != "Rename <b>Customer</b>" || len(two.list("items", 0, "changes")) != 1 {
		t.Errorf("the second page = %s, want the batch with its label and user alone", two.body)
	}
	three := d.get(path + "?object=component/user&limit=1&cursor=" + two.text("next")).want(200)
	if three.text("items", 0, "changes", 0, "action") != "model.add" || three.text("next") != "" {
		t.Errorf("the third page = %s, want the addition and no more", three.body)
	}
	if got := d.get(path + "?diagram=d").want(200).list("items"); len(got) != 3 {
		t.Errorf("history of the diagram has %d groups, want 3: not the product's creation", len(got))
	}
	// Put back as it was.
	d.change(put("components", "user", 0, newest["changes"].(l)[0].(m)["old"].(m))).want(200)
	if got := d.get("/products/" + d.product + "/audit/check"); got.status == 200 && got.at("whole") != true {
		t.Errorf("the audit trail = %s, want it whole", got.body)
	}
}

func TestPlanSummary(t *testing.T) {
	t.Parallel()
	d := serve(t, settings{}).sheet()
	web := d.open().element("components", "web")
	web["type"] = "web-application"
	d.change(put("components", "web", 2, web)).want(200)
	path := "/products/" + d.product + "/plan"
	plan, sum := d.get(path).want(200), d.get(path+"/summary").want(200)
	adds := map[string]float64{}
	for _, i := range plan.list("items") {
		if i.(m)["action"] == "add" {
			adds[i.(m)["kind"].(string)]++
		}
	}
	for kind, name := range map[string]string{"threat": "threats", "weakness": "weaknesses", "countermeasure": "countermeasures"} {
		if got := sum.at("counts", "add", name); got != adds[kind] || adds[kind] == 0 {
			t.Errorf("the summary adds %v %s, want the plan's %v", got, name, adds[kind])
		}
	}
	here := d.get(path + "/summary?where=f").want(200)
	for _, i := range here.list("items") {
		if i.(m)["where"] != "f" || i.(m)["where_name"] != "orders" {
			t.Errorf("the summary of f has %v", i)
		}
	}
	var keys l
	for _, i := range plan.list("items") {
		keys = append(keys, i.(m)["key"])
	}
	for _, i := range sum.list("items") {
		if !slices.Contains(keys, i.(m)["key"]) {
			t.Errorf("the plan has no step %v", i.(m)["key"])
		}
	}
	d.post(path, m{"all": true}).want(200)
	if got := d.get(path + "/summary").want(200); len(got.list("items")) != 0 {
		t.Errorf("after applying the summary = %s, want nothing", got.body)
	}
	// Another type: the summary follows at once.
	web["type"] = ""
	d.change(put("components", "web", 3, web)).want(200)
	if got := d.get(path+"/summary").want(200).at("counts", "retire"); got == 0.0 {
		t.Errorf("the summary retires %v after the type was taken away, want what it brought", got)
	}
}

// TestPlanSummaryCountsAsTheReview leaves out what was refused, and counts links once nothing at their ends moves.
func TestPlanSummaryCountsAsTheReview(t *testing.T) {
	t.Parallel()
	d := serve(t, settings{}).sheet()
	web := d.open().element("components", "web")
	web["type"] = "web-application"
	d.change(put("components", "web", 2, web)).want(200)
	path := "/products/" + d.product + "/plan"
	before := d.get(path + "/summary").want(200)
	threats, _ := before.at("counts", "add", "threats").(float64)
	if links := before.at("counts", "links"); threats == 0 || links != 0.0 {
		t.Fatalf("the summary = %s, want threats and no link: each goes with what it links", before.body)
	}
	var threat string
	for _, i := range before.list("items") {
		if i.(m)["kind"] == "threat" {
			threat = i.(m)["key"].(string)
		}
	}
	// Asked again at once: the refusal is no change of the model, and the summary follows it all the same.
	d.post(path, m{"refuse": l{m{"key": threat, "reason": "not here"}}}).want(200)
	after := d.get(path + "/summary").want(200)
	if got := after.at("counts", "add", "threats"); got != threats-1 {
		t.Errorf("the summary adds %v threats after one of %v was refused", got, threats)
	}
	for _, i := range after.list("items") {
		if i.(m)["key"] == threat {
			t.Errorf("the summary has the refused step %v", i)
		}
	}
	// All but the links is accepted: nothing carries them any more.
	var keys l
	for _, i := range d.get(path).want(200).list("items") {
		if i.(m)["kind"] != "link" {
			keys = append(keys, i.(m)["key"])
		}
	}
	d.post(path, m{"accept": keys}).want(200)
	left := d.get(path).want(200).list("items")
	alone := d.get(path + "/summary").want(200)
	if got := alone.at("counts", "links"); len(left) == 0 || got != float64(len(left)) || len(alone.list("items")) != 0 {
		t.Errorf("the summary = %s, want the %d links that are left counted, and no item", alone.body, len(left))
	}
}

func TestEventsTellWhoChangedWhat(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	d := s.sheet()
	events := d.follow("/events?product="+d.product, "")
	told := func() m {
		t.Helper()
		var data m
		if err := json.Unmarshal([]byte(events.next()["data"]), &data); err != nil {
			t.Fatal(err)
		}
		return data
	}
	done := d.post("/products/"+d.product+"/drawing/changes", m{"label": "Note", "changes": l{
		put("texts", "b", 0, m{"diagram": "d", "text": "hi"}), put("texts", "a", 0, m{"diagram": "d", "text": "hi"}),
	}}).want(200)
	got := told()
	if got["actor_name"] != "Ada" || got["actor"] == nil || got["request_id"] != done.header.Get("X-Request-Id") || !gocmp.Equal(got["objects"], any(l{"text/a", "text/b"})) {
		t.Errorf("the event of a batch is %v, want Ada's with both texts and the request's id", got)
	}
	var many []m
	for i := range 60 {
		many = append(many, put("texts", fmt.Sprint("t", i), 0, m{"diagram": "d", "text": "x"}))
	}
	d.change(many...).want(200)
	if got := told(); got["objects"] != nil || got["actor_name"] != "Ada" || got["request_id"] == nil {
		t.Errorf("the event of 60 changes is %v, want Ada's without objects", got)
	}
	// What several did before anybody looked is told request by request, each with its name.
	d.change(put("texts", "c", 0, m{"diagram": "d", "text": "x"})).want(200)
	before := events.next()["id"]
	id, eve := s.person("Eve")
	s.admin.put("/products/"+d.product+"/members/"+id, m{"role": "modeller"}).want(204)
	eve.post("/products/"+d.product+"/drawing/changes", m{"changes": l{put("texts", "d", 0, m{"diagram": "d", "text": "x"})}}).want(200)
	d.change(put("texts", "e", 0, m{"diagram": "d", "text": "x"})).want(200)
	events = d.follow("/events?product="+d.product, before)
	for _, want := range []struct{ name, object string }{{"Ada", "user/" + id}, {"Eve", "text/d"}, {"Ada", "text/e"}} {
		if got := told(); got["actor_name"] != want.name || !gocmp.Equal(got["objects"], any(l{want.object})) {
			t.Errorf("an event of what was missed is %v, want %s by %s", got, want.object, want.name)
		}
	}
	// The installation's own trail says nothing to whoever follows.
	all := d.follow("/events", "")
	s.person("Mallory")
	if got := all.next(); strings.Contains(got["data"], "objects") || strings.Contains(got["data"], "actor") {
		t.Errorf("the event of the installation is %v, want no detail", got)
	}
}
