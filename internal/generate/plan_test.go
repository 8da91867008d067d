package generate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// web is one exposed web application with what the small library generates for it.
func web(t testing.TB) *model.Model {
	return generated(t, &model.Model{
		Product:    model.Product{ID: "p", Name: "P"},
		Components: []model.Component{{ID: "web", Name: "Web", Kind: model.Process, Type: "web"}},
	}, small(t))
}

func countermeasure(t testing.TB, m *model.Model, ref string) *model.Countermeasure {
	t.Helper()
	for i := range m.Countermeasures {
		if m.Countermeasures[i].Ref == ref {
			return &m.Countermeasures[i]
		}
	}
	t.Fatalf("there is no countermeasure %s", ref)
	return nil
}

func texts(p *generate.Plan) []string {
	list := []string{}
	for _, i := range p.Items {
		list = append(list, i.Text)
	}
	return list
}

func plan(t testing.TB, m *model.Model, lib *library.Library) *generate.Plan {
	return generate.MakePlan(m, want(t, m, lib), nil)
}

func TestPlanKeepsAndShowsThePersonsValue(t *testing.T) {
	t.Parallel()
	m := web(t)
	c := countermeasure(t, m, "bind-parameters")
	c.State = model.Rejected
	c.Sets = model.Sets{"state": {By: model.SetByPerson, Actor: "ann", At: noon}}
	p := plan(t, m, small(t))
	want := []string{`keep countermeasure "Bind parameters" at Web (web): state "rejected" was set by person, the rules want "required"`}
	if diff := cmp.Diff(want, texts(p)); diff != "" {
		t.Errorf("plan differs (-want +got):\n%s", diff)
	}
	if !p.Empty() {
		t.Error("Empty() = false for a plan that only keeps")
	}
	after := countermeasure(t, generate.Apply(m, p, noon, nil), "bind-parameters")
	if got := string(after.Sets["state"].Wanted); got != `"required"` || after.State != model.Rejected {
		t.Errorf("after applying, state %s with wanted %s, want rejected with \"required\"", after.State, got)
	}
	if len(c.Sets["state"].Wanted) > 0 {
		t.Error("Apply wrote into the stored model")
	}
}

func TestImplementedIsNoContradiction(t *testing.T) {
	t.Parallel()
	m := web(t)
	countermeasure(t, m, "bind-parameters").State = model.Implemented
	countermeasure(t, m, "input-limits").State = model.Rejected
	if got := texts(plan(t, m, small(t))); len(got) > 0 {
		t.Errorf("plan = %q, want nothing", got)
	}
}

func TestUpgradeKeepsStateAndSaysWhatMoved(t *testing.T) {
	t.Parallel()
	m := web(t)
	countermeasure(t, m, "bind-parameters").State = model.Implemented
	limits := countermeasure(t, m, "input-limits")
	limits.Title, limits.Sets = "Mine", model.Sets{"title": {By: model.SetByPerson, At: noon}}
	upgraded := edited(t, "cost: {amount: 2, unit: days}, default: required", "cost: {amount: 3, unit: days}, default: recommended")
	p := plan(t, m, upgraded)
	got := strings.ReplaceAll(strings.ReplaceAll(strings.Join(texts(p), "\n"), upgraded.Stamp(), "NEW"), small(t).Stamp(), "OLD")
	want := `change product "P": library "OLD" -> "NEW"
change countermeasure "Bind parameters" at Web (web): cost {"amount":2,"unit":"days"} -> {"amount":3,"unit":"days"}
keep countermeasure "Mine" at Web (web): title "Mine" was set by person, the rules want "Limit input"`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan differs (-want +got):\n%s", diff)
	}
	after := generate.Apply(m, p, noon, nil)
	if c := countermeasure(t, after, "bind-parameters"); c.State != model.Implemented || c.Cost.Amount != 3 || c.Why[0].Library != upgraded.Stamp() {
		t.Errorf("after the upgrade %+v, want implemented, 3 days and the new stamp", c)
	}
}

func TestRetireAndRevive(t *testing.T) {
	t.Parallel()
	m := web(t)
	c := countermeasure(t, m, "bind-parameters")
	ticket := func(_ generate.Kind, id string) bool { return id == string(c.ID) }
	m.Components[0].OutOfScope = true
	p := generate.MakePlan(m, want(t, m, small(t)), ticket)
	if got := p.Counts(); got[generate.Retire] != 1 || got[generate.Remove] != 7 {
		t.Fatalf("Counts() = %v, want 1 retired and 7 removed:\n%s", got, lines(p))
	}
	m = generate.Apply(m, p, noon, nil)
	retired := countermeasure(t, m, "bind-parameters").Retired
	if want := (&model.Retired{At: noon, Reason: "Web (web) is out of scope"}); !cmp.Equal(retired, want) {
		t.Errorf("retired = %+v, want %+v", retired, want)
	}
	if len(m.Countermeasures) != 1 || len(m.Threats) != 0 || len(m.Links) != 0 {
		t.Errorf("%d countermeasures, %d threats, %d links are left, want 1, 0, 0", len(m.Countermeasures), len(m.Threats), len(m.Links))
	}
	m.Components[0].OutOfScope = false
	p = plan(t, m, small(t))
	if got := p.Counts(); got[generate.Revive] != 1 || got[generate.Add] != 7 {
		t.Errorf("Counts() = %v, want 1 revived and 7 added", got)
	}
	m = generate.Apply(m, p, noon, nil)
	if c := countermeasure(t, m, "bind-parameters"); c.Retired != nil || len(c.Why) != 1 {
		t.Errorf("revived %+v, want it live with its reason", c)
	}
}

func TestReasonsOfRetirement(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*model.Model) *library.Library
		want   string
	}{
		{"place removed", func(m *model.Model) *library.Library { m.Components = nil; return small(t) }, "its place web is no longer in the model"},
		{"type changed", func(m *model.Model) *library.Library { m.Components[0].Type = ""; return small(t) }, `no rule wants it any more; it was brought by "web"`},
		{"gone from the library", func(*model.Model) *library.Library { return edited(t, "input-limits", "input-bounds") }, "the library NEW no longer has it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := web(t)
			c := countermeasure(t, m, "input-limits")
			c.Owner = "ann"
			lib := tc.change(m)
			for _, i := range plan(t, m, lib).Items {
				if i.ID == string(c.ID) {
					if got := strings.ReplaceAll(i.Reason, lib.Stamp(), "NEW"); i.Action != generate.Retire || got != tc.want {
						t.Errorf("item = %s %q, want retire %q", i.Action, got, tc.want)
					}
					return
				}
			}
			t.Errorf("the plan does not speak of %s", c.ID)
		})
	}
}

func TestHandMadeThingsAreLeftAlone(t *testing.T) {
	t.Parallel()
	m := web(t)
	rule := m.Threats[0]
	m.Threats = append(m.Threats, model.Threat{ID: "thr_mine", Where: "web", Ref: "mine", Title: "Mine", Status: model.Open, Origin: model.ByPerson})
	c := countermeasure(t, m, "bind-parameters")
	m.Links = append(m.Links, model.Link{Threat: "thr_mine", Countermeasure: c.ID, Share: 50, Origin: model.ByPerson})
	if got := texts(plan(t, m, small(t))); len(got) > 0 {
		t.Errorf("plan = %q, want nothing", got)
	}
	m.Components[0].Type = ""
	after := generate.Apply(m, plan(t, m, small(t)), noon, nil)
	if len(after.Threats) != 1 || after.Threats[0].ID != "thr_mine" || len(after.Links) != 1 {
		t.Errorf("after the type was taken away: %d threats, %d links, want the hand-made ones", len(after.Threats), len(after.Links))
	}
	if got := countermeasure(t, after, "bind-parameters"); got.Retired == nil {
		t.Error("a countermeasure at a hand-made link was not kept as retired")
	}
	if rule.Origin != model.ByRule {
		t.Errorf("origin = %s, want rule", rule.Origin)
	}
}

func TestPersonsFiguresOfTheProductStay(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Product: model.Product{ID: "p", Name: "P", Value: &model.CIA{Confidentiality: 10}},
		Answers: []model.Answer{{Question: "personal_data", Values: []string{"yes"}}, {Question: "reach", Values: []string{"internet"}}},
	}
	p := plan(t, m, small(t))
	m = generate.Apply(m, p, noon, nil)
	if m.Product.Value.Confidentiality != 10 || m.Product.Exposure == nil || *m.Product.Exposure != 90 {
		t.Errorf("value %+v, exposure %v, want the person's 10 and the rules' 90", m.Product.Value, m.Product.Exposure)
	}
	m.Answers = m.Answers[:1]
	m = generate.Apply(m, plan(t, m, small(t)), noon, nil)
	if m.Product.Exposure != nil || m.Product.Value == nil {
		t.Errorf("value %+v, exposure %v, want the person's value and no exposure", m.Product.Value, m.Product.Exposure)
	}
}

func TestPlanAsJSON(t *testing.T) {
	t.Parallel()
	m := web(t)
	m.Components[0].Tags = []string{"legacy"}
	m.Zones, m.Components[0].Zone = []model.Zone{{ID: "z", Name: "Z", Trust: 10}}, "z"
	b, err := json.Marshal(plan(t, m, small(t)).Items[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"action":"change","kind":"countermeasure","id":"` + string(countermeasure(t, m, "input-limits").ID) + `","where":"web","title":"Limit input","fields":[{"field":"state","old":"recommended","new":"required"},{"field":"why","old":["web"],"new":["limit-brittle","web"]}],"text":"change countermeasure \"Limit input\" at Web (web): state \"recommended\" -\u003e \"required\"; why [\"web\"] -\u003e [\"limit-brittle\",\"web\"]"}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("item as JSON differs (-want +got):\n%s", diff)
	}
}

func TestFailedEvaluationNamesRuleAndElement(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, when, want string }{
		{"missing element", "product.tags[0] == component.name", `rule "clear-store" (rules/rules.yaml:`},
		{"cost", "component.name.matches('(a*)*b') && [1,2,3,4,5,6,7,8,9,10].exists(a, [1,2,3,4,5,6,7,8,9,10].exists(b, [1,2,3,4,5,6,7,8,9,10].exists(c, [1,2,3,4,5,6,7,8,9,10].exists(d, [1,2,3,4,5,6,7,8,9,10].exists(e, a + b + c + d + e > 1000)))))", "cost limit exceeded"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			lib := edited(t, "component.attributes.encrypted != 'yes' && component.max.confidentiality >= 50", tc.when)
			m := &model.Model{Product: model.Product{ID: "p"}, Components: []model.Component{{ID: "db", Kind: model.Store, Type: "database", Name: strings.Repeat("a", 40) + "b"}}}
			_, err := generate.Desired(m, lib)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "at db") {
				t.Errorf("Desired = %v, want an error with %q at db", err, tc.want)
			}
		})
	}
}

// TestRulesReadCustomFields has a rule fire on a custom field of the product: a
// field without a value reads as empty text, and has and in tell the difference.
func TestRulesReadCustomFields(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		when   string
		custom map[string]string
		want   bool
	}{
		{`product.custom["class"] == "secret"`, map[string]string{"class": "secret"}, true},
		{`product.custom["class"] == "secret"`, map[string]string{"class": "public"}, false},
		{`product.custom["class"] == "secret"`, nil, false},
		{`product.custom.class == "secret"`, map[string]string{"class": "secret"}, true},
		{`product.custom["class"] == ""`, nil, true},
		{`product.custom["class"] != ""`, map[string]string{"other": "x"}, false},
		{`product.custom["duties"].contains('"pci"')`, map[string]string{"duties": `["gdpr","pci"]`}, true},
		{`product.custom["duties"].contains('"pci"')`, map[string]string{"duties": `["gdpr"]`}, false},
		{`has(product.custom.class)`, map[string]string{"class": "x"}, true},
		{`has(product.custom.class)`, nil, false},
		{`"class" in product.custom`, map[string]string{"class": "x"}, true},
		{`"class" in product.custom`, map[string]string{"other": "x"}, false},
		{`size(product.custom) == 2`, map[string]string{"class": "x", "other": "y"}, true},
		{`product.custom.exists(k, product.custom[k] == "y")`, map[string]string{"class": "x", "other": "y"}, true},
		{`product.custom.exists(k, product.custom[k] == "z")`, map[string]string{"class": "x", "other": "y"}, false},
	} {
		lib := edited(t, "component.attributes.encrypted != 'yes' && component.max.confidentiality >= 50", "'"+strings.ReplaceAll(tc.when, "'", "''")+"'")
		m := &model.Model{
			Product:    model.Product{ID: "p", Custom: tc.custom},
			Components: []model.Component{{ID: "db", Kind: model.Store, Type: "database", Name: "DB"}},
		}
		want, err := generate.Desired(m, lib)
		if err != nil {
			t.Fatalf("Desired with %s = %v", tc.when, err)
		}
		silent, err := generate.Desired(m, edited(t, "component.attributes.encrypted != 'yes' && component.max.confidentiality >= 50", "1 > 2"))
		if err != nil {
			t.Fatal(err)
		}
		if fired := !cmp.Equal(want.Countermeasures, silent.Countermeasures); fired != tc.want {
			t.Errorf("a rule with %s fired on %v = %v, want %v", tc.when, tc.custom, fired, tc.want)
		}
	}
}

func TestLibraryTestsAreRun(t *testing.T) {
	t.Parallel()
	with := func(tests string) *library.Library {
		return edited(t, "reason: Something confidential is stored in clear.\n    tests: []", "reason: Clear.\n    tests: "+tests)
	}
	of := func(r generate.Report) []string {
		got := []string{}
		for _, f := range r.Failures {
			if f.Rule == "clear-store" {
				got = append(got, strings.TrimSpace(f.Test+" "+f.Text))
			}
		}
		return got
	}
	fires := `{name: fires, model: {assets: [{id: a, value: {confidentiality: 90}}], components: [{id: db, type: database, stores: [a]}]}, fires: [db]}`
	silent := `{name: silent, model: {components: [{id: db, type: database, attributes: {encrypted: yes}}]}, fires: []}`
	for _, tc := range []struct {
		name, tests string
		want        []string
	}{
		{"both", "[" + fires + ", " + silent + "]", []string{}},
		{"none", "[]", []string{"no test shows the rule firing", "no test shows the rule staying silent"}},
		{"only silent", "[" + silent + "]", []string{"no test shows the rule firing"}},
		{"wrong", "[" + fires + ", " + strings.Replace(silent, "yes}", "no}", 1) + "]", []string{"silent fires at [db], expected nothing"}},
	} {
		if diff := cmp.Diff(tc.want, of(generate.Test(with(tc.tests)))); diff != "" {
			t.Errorf("Test(%s) differs (-want +got):\n%s", tc.name, diff)
		}
	}
}
