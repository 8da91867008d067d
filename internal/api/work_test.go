package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/policy"
)

// team is a product with hand-made risks and people in several roles.
type team struct {
	*server
	product string // its address
	id      string
	viewer  caller
	dev     caller
	modder  caller
	devID   string
}

func newTeam(t *testing.T) team {
	t.Helper()
	s := serve(t, settings{})
	x := team{server: s, id: s.admin.product("Parcel desk")}
	x.product = "/products/" + x.id
	join := func(name string, role policy.Role) (string, caller) {
		id, c := s.person(name)
		s.admin.put(x.product+"/members/"+id, map[string]any{"role": role}).want(204)
		return id, c
	}
	_, x.viewer = join("viewer", policy.Viewer)
	x.devID, x.dev = join("dev", policy.Developer)
	_, x.modder = join("modder", policy.Modeller)
	return x
}

func (x team) threat(title string, set map[string]any) string {
	x.t.Helper()
	body := map[string]any{"title": title, "where": "product", "impact": map[string]any{"confidentiality": 50, "integrity": 50, "availability": 50}, "ease": 50}
	for k, v := range set {
		body[k] = v
	}
	return x.modder.post(x.product+"/threats", body).want(201).text("id")
}

func (x team) measure(threat, title string) string {
	x.t.Helper()
	return x.modder.post(x.product+"/countermeasures", map[string]any{"threat": threat, "title": title, "share": 50}).want(201).text("id")
}

func texts(list []any) []string {
	var out []string
	for _, v := range list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

func (a answer) column(name string) []string {
	var out []string
	for i := range a.list("items") {
		out = append(out, a.text("items", i, name))
	}
	return out
}

func TestWhatOneMayDo(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	for _, c := range []struct {
		who       string
		c         caller
		role      policy.Role
		may, not  policy.Action
		may2, no2 policy.Action // on the installation
	}{
		{"viewer", x.viewer, policy.Viewer, policy.ProductRead, policy.CommentWrite, policy.ProductCreate, policy.UserManage},
		{"developer", x.dev, policy.Developer, policy.CountermeasureState, policy.ModelEdit, policy.TokenOwn, policy.SettingsManage},
		{"modeller", x.modder, policy.Modeller, policy.ModelEdit, policy.ThreatAccept, policy.LibraryRead, policy.LibraryEdit},
		{"instance administrator", x.admin, policy.Administrator, policy.ProductDelete, policy.LibraryRead, policy.UserManage, policy.ProductRead},
	} {
		p := c.c.get(x.product).want(200)
		can := texts(p.list("can"))
		if p.text("role") != string(c.role) || !slices.IsSorted(can) || !slices.Contains(can, string(c.may)) || slices.Contains(can, string(c.not)) {
			t.Errorf("%s: role %q, can %v; want %s, with %s and without %s", c.who, p.text("role"), can, c.role, c.may, c.not)
		}
		can = texts(c.c.get("/session").want(200).list("can"))
		if !slices.Contains(can, string(c.may2)) || slices.Contains(can, string(c.no2)) {
			t.Errorf("%s on the installation can %v; want %s and not %s", c.who, can, c.may2, c.no2)
		}
	}
	made := x.admin.post("/tokens", map[string]any{"name": "t", "scopes": []string{"read"}}).want(201)
	if can := texts(x.as(made.text("token")).get(x.product).want(200).list("can")); slices.Contains(can, string(policy.ModelEdit)) || !slices.Contains(can, string(policy.ProductRead)) {
		t.Errorf("a token that reads can %v", can)
	}
}

func TestPeopleToPick(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	_, stranger := x.person("stranger")
	for _, c := range []struct {
		who  string
		c    caller
		path string
		want []string
	}{
		{"a member of the product", x.dev, "/people?product=" + x.id, []string{"Ada", "dev", "modder", "viewer"}},
		{"a member by name", x.dev, "/people?q=MOD&product=" + x.id, []string{"modder"}},
		{"a member who shares it", x.dev, "/people", []string{"Ada", "dev", "modder", "viewer"}},
		{"a stranger", stranger, "/people", []string{"stranger"}},
		{"a member by e-mail", x.dev, "/people?q=example.org", nil},
		{"an administrator", x.admin, "/people", []string{"Ada", "dev", "modder", "stranger", "viewer"}},
		{"an administrator by e-mail", x.admin, "/people?q=stranger@", []string{"stranger"}},
	} {
		if diff := cmp.Diff(c.want, c.c.get(c.path).want(200).column("name")); diff != "" {
			t.Errorf("%s sees (-want +got):\n%s", c.who, diff)
		}
	}
	stranger.get("/people?product=" + x.id).want(404)
	if got := x.dev.get("/people").want(200); got.at("items", 0, "email") != nil || got.at("total") != 4.0 {
		t.Errorf("a member sees %s, want no e-mail addresses and a total of 4", got.body)
	}
	if got := x.admin.get("/people").want(200).text("items", 0, "email"); got != "ada@example.org" {
		t.Errorf("an administrator sees the e-mail %q, want ada@example.org", got)
	}
	first := x.admin.get("/people?limit=3").want(200)
	rest := x.admin.get("/people?limit=3&cursor=" + first.text("next")).want(200)
	if got := append(first.column("name"), rest.column("name")...); len(got) != 5 || rest.at("next") != nil || rest.at("total") != nil {
		t.Errorf("two pages show %v", got)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	high := map[string]any{"confidentiality": 100, "integrity": 100, "availability": 100}
	a := x.threat("Alpha", map[string]any{"impact": high, "ease": 100, "owner": x.devID, "categories": []string{"stride:tampering"}})
	b := x.threat("beta", map[string]any{"owner": "The platform team"})
	c := x.threat("Ä third", map[string]any{"ease": 10, "categories": []string{"stride:spoofing"}})
	x.modder.patch(x.product+"/threats/"+b, map[string]any{"status": "avoided", "reason": "gone"}).want(200)
	list := x.product + "/threats?"
	for query, want := range map[string][]string{
		"sort=title": {"Ä third", "Alpha", "beta"}, "sort=-title": {"beta", "Alpha", "Ä third"}, "sort=-rating": {"Alpha", "Ä third", "beta"}, "sort=rating": {"beta", "Ä third", "Alpha"},
		"sort=-updated": {"beta", "Ä third", "Alpha"}, "sort=state": {"Ä third", "Alpha", "beta"}, "sort=-owner": {"beta", "Alpha", "Ä third"}, "sort=where": {"Ä third", "Alpha", "beta"},
		"sort=title&state=open": {"Ä third", "Alpha"}, "sort=title&state=open,avoided": {"Ä third", "Alpha", "beta"}, "sort=title&state=avoided&state=open": {"Ä third", "Alpha", "beta"},
		"owner=none": {"Ä third"}, "owner=" + x.devID: {"Alpha"}, "category=tampering": {"Alpha"}, "category=stride:spoofing,tampering&sort=title": {"Ä third", "Alpha"},
		"origin=rule": nil, "origin=person,rule&sort=title": {"Ä third", "Alpha", "beta"}, "ticket=none&sort=title": {"Ä third", "Alpha", "beta"}, "ticket=open": nil, "ticket=problem": nil,
		"q=a+third": {"Ä third"}, "q=PLATFORM": {"beta"}, "q=dev": {"Alpha"}, "owner=me": nil, "retired=true": nil,
	} {
		got := x.modder.get(list + query).want(200)
		if diff := cmp.Diff(want, got.column("title")); diff != "" {
			t.Errorf("?%s (-want +got):\n%s", query, diff)
		}
		if total := got.at("total"); total != float64(len(want)) {
			t.Errorf("?%s has the total %v, want %d", query, total, len(want))
		}
	}
	if got := x.dev.get(list + "owner=me").want(200); got.text("items", 0, "id") != a || got.text("items", 0, "owner_name") != "dev" {
		t.Errorf("what is mine = %s, want Alpha of dev", got.body)
	}
	if got := x.modder.get(x.product + "/threats/" + b).want(200).text("owner_name"); got != "The platform team" {
		t.Errorf("owner_name = %q, want the text", got)
	}
	for _, query := range []string{"sort=colour", "state=done", "band=hot", "origin=moon", "ticket=lost"} {
		x.modder.get(list + query).want(422)
	}
	// Pages in any order show everything once.
	for _, sort := range []string{"", "rating", "-rating", "-title", "owner", "-updated"} {
		var got []string
		cursor := ""
		for range 4 {
			page := x.modder.get(list + "limit=1&sort=" + sort + cursor)
			if sort == "" {
				page = x.modder.get(list + "limit=1" + cursor)
			}
			got = append(got, page.want(200).column("id")...)
			if page.text("next") == "" {
				break
			}
			cursor = "&cursor=" + page.text("next")
		}
		slices.Sort(got)
		want := []string{a, b, c}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("pages sorted by %q show %v, want each of %v once", sort, got, want)
		}
	}
	next := x.modder.get(list + "limit=1&sort=title").want(200).text("next")
	x.modder.get(list + "limit=1&sort=rating&cursor=" + next).want(422)

	m := x.measure(a, "Do it")
	got := x.modder.get(x.product + "/countermeasures?band=high,critical,medium&brief=true").want(200)
	if got.text("items", 0, "id") != m || got.at("items", 0, "current") == 0.0 || got.text("items", 0, "band") == "" {
		t.Errorf("countermeasures of threats = %s, want %s with the rating of its threat", got.body, m)
	}
	if got := x.modder.get(x.product+"/countermeasures?state=open").want(422).text("errors", 0, "where"); got != "query.state" {
		t.Errorf("a state of threats is told at %q, want query.state", got)
	}
}

func TestAssigned(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	low := x.threat("Low", map[string]any{"ease": 10, "owner": x.devID})
	high := x.threat("High", map[string]any{"ease": 100, "owner": x.devID})
	done := x.threat("Done", map[string]any{"owner": x.devID})
	m := x.measure(high, "Do it")
	finished := x.measure(high, "Done it")
	for _, id := range []string{m, finished} {
		x.modder.patch(x.product+"/countermeasures/"+id, map[string]any{"owner": x.devID}).want(200)
	}
	x.modder.patch(x.product+"/threats/"+done, map[string]any{"status": "eliminated", "reason": "gone"}).want(200)
	x.dev.patch(x.product+"/countermeasures/"+finished, map[string]any{"state": "implemented"}).want(200)

	got := x.dev.get("/assigned").want(200)
	if diff := cmp.Diff([]string{m, high, low}, got.column("id")); diff != "" {
		t.Errorf("assigned (-want +got):\n%s", diff)
	}
	if got.at("total") != 3.0 || got.text("items", 0, "product_name") != "Parcel desk" || got.text("items", 0, "state") != "required" {
		t.Errorf("assigned = %s", got.body)
	}
	first := x.dev.get("/assigned?limit=2").want(200)
	if rest := x.dev.get("/assigned?limit=2&cursor=" + first.text("next")).want(200).column("id"); !slices.Equal(rest, []string{low}) {
		t.Errorf("the second page shows %v, want %s", rest, low)
	}
	if n := len(x.modder.get("/assigned").want(200).list("items")); n != 0 {
		t.Errorf("a modeller who owns nothing has %d, want none", n)
	}
	x.admin.remove(x.product + "/members/" + x.devID).want(204)
	if n := len(x.dev.get("/assigned").want(200).list("items")); n != 0 {
		t.Errorf("who may not see the product any more has %d, want none", n)
	}
}

func TestComments(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	threat := x.threat("Alpha", nil)
	path := x.product + "/comments"
	on := "threat/" + threat
	events := x.viewer.get(x.product + "/comments?object=" + on).want(200)
	if n := len(events.list("items")); n != 0 {
		t.Errorf("%d comments at first, want none", n)
	}
	x.viewer.post(path, map[string]any{"object": on, "text": "Me too"}).want(403)
	first := x.dev.post(path, map[string]any{"object": on, "text": "  Is <b>this</b> so?\r\nReally  "}).want(201)
	if first.text("text") != "Is <b>this</b> so?\nReally" || first.text("author_name") != "dev" || first.at("mine") != true {
		t.Errorf("the comment = %s", first.body)
	}
	second := x.modder.post(path, map[string]any{"object": on, "text": "Yes."}).want(201)
	for _, bad := range []map[string]any{
		{"object": on, "text": ""},
		{"object": on, "text": "  \n "},
		{"object": on, "text": strings.Repeat("x", 10001)},
		{"object": "answer/x", "text": "T"},
		{"object": "threat", "text": "T"},
	} {
		x.dev.post(path, bad).want(422)
	}
	x.dev.post(path, map[string]any{"object": "threat/none", "text": "T"}).want(404)

	one := path + "/" + first.text("id")
	x.modder.patch(one, map[string]any{"text": "No."}).want(403)
	x.admin.patch(one, map[string]any{"text": "No."}).want(403)
	edited := x.dev.with("If-Match", first.header.Get("ETag")).patch(one, map[string]any{"text": "Is it?"}).want(200)
	if edited.text("text") != "Is it?" || edited.text("edited_at") == "" || edited.header.Get("ETag") == first.header.Get("ETag") {
		t.Errorf("the edited comment = %s", edited.body)
	}
	x.dev.with("If-Match", first.header.Get("ETag")).patch(one, map[string]any{"text": "Stale"}).want(412)
	got := x.viewer.get(path + "?object=" + on).want(200)
	if diff := cmp.Diff([]string{"Is it?", "Yes."}, got.column("text")); diff != "" || got.at("total") != 2.0 || got.at("items", 0, "mine") != false {
		t.Errorf("comments = %s (-want +got):\n%s", got.body, diff)
	}
	if n := x.viewer.get(x.product + "/threats/" + threat).want(200).at("comments"); n != 2.0 {
		t.Errorf("the threat has %v comments, want 2", n)
	}
	page := x.viewer.get(path + "?limit=1&object=" + on).want(200)
	if rest := x.viewer.get(path + "?limit=1&object=" + on + "&cursor=" + page.text("next")).want(200); rest.text("items", 0, "text") != "Yes." {
		t.Errorf("the second page = %s", rest.body)
	}
	x.dev.remove(path + "/" + second.text("id")).want(403)
	x.admin.remove(path + "/" + second.text("id")).want(204)
	x.dev.remove(one).want(204)
	x.dev.remove(one).want(404)

	// What comes back is the same comment.
	x.dev.post(path+"/"+second.text("id")+"/restore", nil).want(403)
	x.modder.post(one+"/restore", nil).want(403)
	x.dev.post(path+"/cmt_none/restore", nil).want(404)
	x.admin.post(path+"/"+second.text("id")+"/restore", nil).want(200)
	for range 2 {
		if back := x.dev.post(one+"/restore", nil).want(200); string(back.body) != string(edited.body) {
			t.Errorf("the comment came back as %s, want it as it was: %s", back.body, edited.body)
		}
	}
	got = x.viewer.get(path + "?object=" + on).want(200)
	if diff := cmp.Diff([]string{"Is it?", "Yes."}, got.column("text")); diff != "" {
		t.Errorf("comments that came back (-want +got):\n%s", diff)
	}
	if got := x.admin.get(x.product + "/audit?object=" + on + "&limit=2").want(200).column("action"); !slices.Equal(got, []string{"comment.restore", "comment.restore"}) {
		t.Errorf("the newest of the audit trail = %v, want two that came back, each once", got)
	}
	x.dev.remove(one).want(204)
	if got := x.admin.get(x.product + "/audit?object=" + on).want(200).column("action"); !slices.Contains(got, "comment.add") || !slices.Contains(got, "comment.change") || !slices.Contains(got, "comment.remove") {
		t.Errorf("the audit trail of the threat has %v, want what was said, changed and deleted", got)
	}
}

// TestAuditNames: people read a trail by names, as they are now or else as they were.
func TestAuditNames(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	threat := x.threat("Alpha", nil)
	measure := x.measure(threat, "Shield")
	x.modder.patch(x.product+"/threats/"+threat, map[string]any{"title": "Beta"}).want(200)
	gone := x.threat("Gamma", nil)
	x.modder.patch(x.product+"/threats/"+gone, map[string]any{"title": "Delta"}).want(200)
	x.modder.remove(x.product + "/threats/" + gone).want(200)
	names := func(path string) map[string][]string {
		got := map[string][]string{}
		a := x.admin.get(path).want(200)
		for i := range a.list("items") {
			object := a.text("items", i, "object")
			got[object] = append(got[object], a.text("items", i, "object_name"))
		}
		return got
	}
	here, all := names(x.product+"/audit?limit=100"), names("/audit?limit=100")
	for _, c := range []struct {
		in     map[string][]string
		object string
		want   []string
	}{
		{here, "threat/" + threat, []string{"Beta", "Beta"}},
		{here, "countermeasure/" + measure, []string{"Shield"}},
		{here, "threat/" + gone, []string{"Delta", "Delta", "Gamma"}},
		{here, "product/" + x.id, []string{"Parcel desk"}},
		{all, "user/" + x.devID, nil},
	} {
		got := c.in[c.object]
		if c.want == nil {
			c.want = slices.Repeat([]string{"dev"}, max(len(got), 1))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("the rows about %s name it %q, want %q", c.object, got, c.want)
		}
	}
}

func TestSeveralEdits(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	threat := x.threat("Alpha", nil)
	var edits []any
	var ids []string
	for i := range 3 {
		ids = append(ids, x.measure(threat, fmt.Sprint("Do ", i)))
	}
	versions := map[string]any{}
	for i := range ids {
		versions[ids[i]] = x.dev.get(x.product + "/countermeasures/" + ids[i]).want(200).at("version")
		edits = append(edits, map[string]any{"kind": "countermeasure", "id": ids[i], "version": versions[ids[i]], "set": map[string]any{"state": "implemented"}})
	}
	path := x.product + "/edits"
	done := x.dev.with("Idempotency-Key", "k1").post(path, map[string]any{"label": "Implement 3", "edits": edits}).want(200)
	for i := range ids {
		if done.text("items", i, "id") != ids[i] || done.text("items", i, "state") != "implemented" || done.at("items", i, "version") == versions[ids[i]] {
			t.Errorf("edit %d = %v", i, done.at("items", i))
		}
	}
	if again := x.dev.with("Idempotency-Key", "k1").post(path, map[string]any{"label": "Implement 3", "edits": edits}).want(200); string(again.body) != string(done.body) {
		t.Errorf("the same request again = %s, want %s", again.body, done.body)
	}

	// Two of three are not what they were: both are named, and nothing is done.
	x.modder.patch(x.product+"/countermeasures/"+ids[0], map[string]any{"title": "Other"}).want(200)
	x.modder.patch(x.product+"/countermeasures/"+ids[2], map[string]any{"title": "Other"}).want(200)
	var undo []any
	for i := range ids {
		undo = append(undo, map[string]any{"kind": "countermeasure", "id": ids[i], "version": done.at("items", i, "version"), "set": map[string]any{"state": "required"}})
	}
	stale := x.dev.post(path, map[string]any{"edits": undo}).want(412)
	if len(stale.list("errors")) != 2 || stale.text("errors", 0, "where") != "body.edits[0].version" || stale.text("errors", 1, "where") != "body.edits[2].version" || !strings.Contains(stale.text("errors", 1, "text"), ids[2]) {
		t.Errorf("the conflict = %s, want the first and the third named", stale.body)
	}
	if got := x.dev.get(x.product + "/countermeasures/" + ids[1]).want(200).text("state"); got != "implemented" {
		t.Errorf("state = %q after a refused request, want implemented", got)
	}
	for i := range undo {
		delete(undo[i].(map[string]any), "version")
	}
	x.dev.post(path, map[string]any{"edits": undo}).want(200)

	// Each edit takes its own permission, and the fields of its kind.
	x.dev.post(path, map[string]any{"edits": []any{undo[0], map[string]any{"kind": "threat", "id": threat, "set": map[string]any{"ease": 1}}}}).want(403)
	x.dev.post(path, map[string]any{"edits": []any{map[string]any{"kind": "countermeasure", "id": ids[0], "set": map[string]any{"state": "rejected", "reason": "no"}}}}).want(403)
	for set, where := range map[string]string{
		`{"ease":101}`: "body.edits[0].set.ease", `{"colour":"red"}`: "body.edits[0].set.colour", `{"title":""}`: "body.edits[0].set.title",
		`{"status":"accepted"}`: "body.edits[0].set.status", `{"reset":["id"]}`: "body.edits[0].set.reset[0]", `[]`: "body.edits[0].set", `{"status":"avoided"}`: "body.edits[0].set.status_reason",
	} {
		bad := x.modder.send("POST", path, `{"edits":[{"kind":"threat","id":"`+threat+`","set":`+set+`}]}`).want(422)
		if got := bad.text("errors", 0, "where"); got != where {
			t.Errorf("set %s is refused at %q, want %q: %s", set, got, where, bad.body)
		}
	}
	if got := x.modder.post(path, map[string]any{"edits": []any{map[string]any{"kind": "threat", "id": "none", "set": map[string]any{"ease": 1}}}}).want(404).text("errors", 0, "where"); got != "body.edits[0]" {
		t.Errorf("an unknown object is told at %q, want body.edits[0]", got)
	}
	x.modder.post(path, map[string]any{"edits": []any{}}).want(422)
	x.modder.post(path, map[string]any{"edits": []any{map[string]any{"kind": "planet", "id": "x", "set": map[string]any{}}}}).want(422)
	link := threat + "//" + ids[0]
	x.modder.post(path, map[string]any{"edits": []any{map[string]any{"kind": "link", "id": link, "set": map[string]any{"share": 12}}}}).want(200)

	rows := x.admin.get(x.product + "/audit?object=product/" + x.id).want(200)
	if !slices.Contains(rows.column("action"), "model.edits") {
		t.Errorf("the audit trail has %v, want model.edits", rows.column("action"))
	}
}

func TestTrees(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	threat := x.threat("Alpha", map[string]any{"owner": x.devID})
	weakness := x.modder.post(x.product+"/weaknesses", map[string]any{"threat": threat, "title": "A flaw", "cwe": 89}).want(201).text("id")
	through := x.modder.post(x.product+"/countermeasures", map[string]any{"threat": threat, "weakness": weakness, "title": "Through", "share": 30}).want(201).text("id")
	direct := x.measure(threat, "Direct")

	got := x.viewer.get(x.product + "/threats/" + threat + "/tree").want(200)
	if got.text("threat", "owner_name") != "dev" || got.text("explanation", "threat") != threat || got.header.Get("ETag") == "" {
		t.Errorf("the tree's threat = %s", got.body)
	}
	if got.text("weaknesses", 0, "id") != weakness || got.at("weaknesses", 0, "cwe") != 89.0 || got.text("weaknesses", 0, "countermeasures", 0, "id") != through || got.at("weaknesses", 0, "countermeasures", 0, "share") != 30.0 {
		t.Errorf("the tree's weaknesses = %v", got.at("weaknesses"))
	}
	if len(got.list("countermeasures")) != 1 || got.text("countermeasures", 0, "id") != direct {
		t.Errorf("the tree's countermeasures = %v, want %s alone", got.at("countermeasures"), direct)
	}
	under := x.viewer.get(x.product + "/countermeasures/" + through + "/tree").want(200)
	if under.text("threats", 0, "id") != threat || under.at("threats", 0, "share") != 30.0 || under.text("threats", 0, "through", 0) != weakness || under.text("weaknesses", 0, "id") != weakness {
		t.Errorf("the countermeasure's tree = %s", under.body)
	}
	if got := x.viewer.get(x.product + "/weaknesses/" + weakness).want(200); got.text("title") != "A flaw" || got.header.Get("ETag") == "" {
		t.Errorf("the weakness = %s", got.body)
	}
	x.viewer.get(x.product + "/threats/none/tree").want(404)
	x.viewer.get(x.product + "/countermeasures/none/tree").want(404)
	x.viewer.get(x.product + "/weaknesses/none").want(404)

	x.viewer.remove(x.product + "/threats/" + threat).want(403)
	if gone := x.modder.remove(x.product + "/countermeasures/" + direct).want(200); gone.at("removed") != true {
		t.Errorf("removing a hand-made countermeasure = %s", gone.body)
	}
	x.modder.get(x.product + "/countermeasures/" + direct).want(404)
}

func TestListsOfPeopleArePaged(t *testing.T) {
	t.Parallel()
	x := newTeam(t)
	for i := range 3 {
		x.admin.post("/tokens", map[string]any{"name": fmt.Sprint("t", i), "scopes": []string{"read"}}).want(201)
		x.admin.post("/connections", map[string]any{"name": fmt.Sprint("Board ", i), "kind": "builtin", "settings": map[string]any{}}).want(201)
	}
	for path, name := range map[string]string{"/tokens": "name", "/connections": "name", x.product + "/members": "name"} {
		all := x.admin.get(path).want(200).column(name)
		first := x.admin.get(path + "?limit=2").want(200)
		rest := x.admin.get(path + "?limit=2&cursor=" + first.text("next")).want(200)
		if got := append(first.column(name), rest.column(name)...); len(all) < 3 || !slices.Equal(got, all) {
			t.Errorf("%s in pages of two = %v, want %v", path, got, all)
		}
	}
}
