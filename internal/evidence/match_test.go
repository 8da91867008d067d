package evidence_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/model"
)

// shop is a small model: an API and a web page with the same two weaknesses each, and one at the store.
func shop() *model.Model {
	return &model.Model{
		Product: model.Product{ID: "shop"},
		Components: []model.Component{
			{ID: "api", Kind: model.Process, Name: "Order API", Locations: []string{"https://shop.example/api", "src/api/**"}},
			{ID: "web", Kind: model.Process, Name: "Web page", Locations: []string{"https://shop.example", "src/web/**"}},
			{ID: "db", Kind: model.Store, Name: "Orders"},
		},
		Flows: []model.Flow{{ID: "f1", From: "web", To: "api"}},
		Weaknesses: []model.Weakness{
			{ID: "w-api-89", Where: "api", Ref: "sql-injection", CWE: 89},
			{ID: "w-api-79", Where: "api", Ref: "xss", CWE: 79},
			{ID: "w-web-79", Where: "web", Ref: "xss", CWE: 79},
			{ID: "w-db-284", Where: "db", Ref: "access", CWE: 284},
			{ID: "w-db-22", Where: "db", Ref: "path", CWE: 22},
			{ID: "w-old", Where: "db", Ref: "gone", CWE: 352, Retired: &model.Retired{}},
		},
		Countermeasures: []model.Countermeasure{
			{ID: "c-api-bind", Where: "api", Ref: "bind-parameters", Mandatory: []string{"suite.must"}},
			{ID: "c-web-csp", Where: "web", Ref: "CM-12"},
		},
	}
}

// TestMatchOfCopies: a test that names an original reaches what plays its part, where the original does not stand itself.
func TestMatchOfCopies(t *testing.T) {
	t.Parallel()
	m := shop()
	m.Countermeasures = append(m.Countermeasures,
		model.Countermeasure{ID: "c-db-own", Where: "db", Ref: "our-bind-parameters"},
		model.Countermeasure{ID: "c-api-own", Where: "api", Ref: "our-bind-parameters"},
		model.Countermeasure{ID: "c-web-own", Where: "web", Ref: "newest-bind-parameters"},
	)
	originals := func(ref string) []string {
		return map[string][]string{"our-bind-parameters": {"bind-parameters"}, "newest-bind-parameters": {"our-bind-parameters", "bind-parameters"}}[ref]
	}
	at := func(where string) evidence.Result {
		return evidence.Result{ID: "r", Verdict: evidence.Pass, Refs: []string{"Bind-Parameters"}, Component: where}
	}
	for _, tt := range []struct {
		name      string
		originals func(string) []string
		pins      []evidence.Pin
		res       evidence.Result
		state     evidence.State
		want      model.CountermeasureID
	}{
		{"a copy stands there alone", originals, nil, at("db"), evidence.Matched, "c-db-own"},
		{"a copy of a copy", originals, nil, at("web"), evidence.Matched, "c-web-own"},
		{"the original stands there too", originals, nil, at("api"), evidence.Matched, "c-api-bind"},
		{"nobody knows of copies", nil, nil, at("db"), evidence.Unmatched, ""},
		{"a person mapped the rule to the original", originals, []evidence.Pin{{Tool: "x", Rule: "r", Ref: "bind-parameters", Where: "db"}}, evidence.Result{ID: "r", Verdict: evidence.Pass}, evidence.Matched, "c-db-own"},
		{"a person refused the rule for the original", originals, []evidence.Pin{{Tool: "x", Rule: "r", Ref: "bind-parameters", Refuse: true}}, at("db"), evidence.Refused, ""},
	} {
		o := evidence.NewMatcherOf(m, tt.pins, nil, evidence.Originals{Countermeasures: tt.originals}).Match("x", tt.res)
		var got model.CountermeasureID
		if len(o.Matches) == 1 {
			got = o.Matches[0].Countermeasure
		}
		if o.State != tt.state || got != tt.want || len(o.Matches) > 1 {
			t.Errorf("%s: Match = %s %v, want %s %q", tt.name, o.State, o.Matches, tt.state, tt.want)
		}
	}
}

// TestMatchOfCopiedWeaknesses: what names an original weakness reaches its copy, and no countermeasure of the same name is in the way.
func TestMatchOfCopiedWeaknesses(t *testing.T) {
	t.Parallel()
	m := shop()
	m.Weaknesses = append(m.Weaknesses,
		model.Weakness{ID: "w-db-own", Where: "db", Ref: "our-sql-injection", CWE: 89},
		model.Weakness{ID: "w-api-own", Where: "api", Ref: "our-sql-injection", CWE: 89},
	)
	m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: "c-db-same", Where: "db", Ref: "sql-injection"})
	known := evidence.Originals{Weaknesses: func(ref string) []string {
		return map[string][]string{"our-sql-injection": {"sql-injection"}}[ref]
	}}
	match := func(res evidence.Result, known evidence.Originals, pins ...evidence.Pin) string {
		o := evidence.NewMatcherOf(m, pins, nil, known).Match("x", res)
		got := string(o.State)
		for _, one := range o.Matches {
			got += " " + string(one.Weakness) + string(one.Countermeasure)
		}
		return got
	}
	at := func(where string) evidence.Result {
		return evidence.Result{ID: "r", Verdict: evidence.Pass, Refs: []string{"SQL-injection"}, Component: where}
	}
	refuse := evidence.Pin{Tool: "x", Rule: "r", Ref: "sql-injection", Refuse: true}
	for _, tt := range []struct{ name, got, want string }{
		{"only a countermeasure of the name stands there", match(at("db"), known), "matched c-db-same w-db-own"},
		{"the original stands there too", match(at("api"), known), "matched w-api-89"},
		{"nobody knows of copies", match(at("db"), evidence.Originals{}), "matched c-db-same"},
		{"functions for countermeasures say nothing of weaknesses", match(at("db"), evidence.Originals{Countermeasures: known.Weaknesses}), "matched c-db-same"},
		{"a person refused the rule for the original", match(at("db"), known, refuse), "refused"},
		{"a person mapped the rule to the original", match(evidence.Result{ID: "r", Verdict: evidence.Pass}, known, evidence.Pin{Tool: "x", Rule: "r", Ref: "sql-injection", Where: "db"}), "matched c-db-same w-db-own"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: Match = %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	at := func(uri string) []evidence.Location { return []evidence.Location{{URI: uri}} }
	cases := []struct {
		name  string
		tool  string
		pins  []evidence.Pin
		res   evidence.Result
		state evidence.State
		want  string // subjects and bases, or part of the reason
	}{
		{"same cwe at one place", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{89}}, evidence.Matched, "w-api-89:cwe"},
		{"descendant", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{23}}, evidence.Matched, "w-db-22:descendant"},
		{"ancestor is proposed only", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{943}}, evidence.Unmatched, "nothing in the model"},
		{"a pillar takes nothing from below", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{862}}, evidence.Unmatched, "nothing in the model"},
		{"deprecated stands for its replacement", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{443}}, evidence.Unmatched, "nothing in the model"},
		{"two places and no location", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{79}}, evidence.Ambiguous, "2 places"},
		{"location narrows by url", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{79}, Locations: at("https://shop.example/cart?q=1")}, evidence.Matched, "w-web-79:cwe"},
		{"longest prefix wins", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{79}, Locations: at("https://SHOP.example:443/api/orders")}, evidence.Matched, "w-api-79:cwe"},
		{"prefix ends at a segment", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{79}, Locations: at("https://shop.example/apiary")}, evidence.Matched, "w-web-79:cwe"},
		{"path glob", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{79}, Locations: at("src/web/a/b.ts")}, evidence.Matched, "w-web-79:cwe"},
		{"several locations, several places", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{79}, Locations: append(at("src/web/a.ts"), at("src/api/b.go")...)}, evidence.Matched, "w-api-79:cwe w-web-79:cwe"},
		{"observed where nothing fits", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{89}, Locations: at("src/web/a.ts")}, evidence.Unmatched, "observed at web"},
		{"component by name", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{79}, Component: "order api"}, evidence.Matched, "w-api-79:cwe"},
		{"retired takes nothing", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{352}}, evidence.Unmatched, "nothing in the model"},
		{"a pass matches no cwe", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Pass, CWEs: []int{89}}, evidence.Unmatched, "names no weakness"},
		{"a pass matches by tag", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Pass, Refs: []string{"cwe-89"}}, evidence.Matched, "w-api-89:reference"},
		{"a tag with a suffix", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Pass, Refs: []string{"cwe-89-login_form"}}, evidence.Matched, "w-api-89:reference"},
		{"reference by ref, case ignored", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Pass, Refs: []string{"Bind-Parameters"}}, evidence.Matched, "c-api-bind:reference"},
		{"reference beats cwe", "x", nil, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{89}, Refs: []string{"CM-12"}}, evidence.Matched, "c-web-csp:reference"},
		{"reference in a name", "x", nil, evidence.Result{ID: "r", Name: "headers are set (CM-12)", Verdict: evidence.Pass}, evidence.Matched, "c-web-csp:reference"},
		{"mandatory test by its id", "x", nil, evidence.Result{ID: "suite.must", Verdict: evidence.Pass}, evidence.Matched, "c-api-bind:reference"},
		{"rule table corrects the tool", "ZAP", nil, evidence.Result{ID: "40018", Verdict: evidence.Fail, CWEs: []int{79}}, evidence.Matched, "w-api-89:rule"},
		{"rule table by last part", "CodeQL", nil, evidence.Result{ID: "js/sql-injection", Verdict: evidence.Fail}, evidence.Matched, "w-api-89:rule"},
		{"pin", "gosec", []evidence.Pin{{Tool: "GoSec", Rule: "G1", Ref: "xss", Where: "web"}}, evidence.Result{ID: "G1", Verdict: evidence.Fail}, evidence.Matched, "w-web-79:pinned"},
		{"refused for one weakness", "x", []evidence.Pin{{Tool: "x", Rule: "r", Ref: "sql-injection", Refuse: true, Reason: "test data"}}, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{89}}, evidence.Refused, "test data"},
		{"refused for all", "x", []evidence.Pin{{Tool: "x", Rule: "r", Refuse: true}}, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{89}}, evidence.Refused, "refused"},
		{"a refusal is for its rule", "x", []evidence.Pin{{Tool: "x", Rule: "other", Refuse: true}}, evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{89}}, evidence.Matched, "w-api-89:cwe"},
	}
	for _, c := range cases {
		o := evidence.NewMatcher(shop(), c.pins, nil).Match(c.tool, c.res)
		got := o.Reason
		if o.State == evidence.Matched {
			var parts []string
			for _, m := range o.Matches {
				parts = append(parts, string(m.Weakness)+string(m.Countermeasure)+":"+string(m.Basis))
				if m.Reason == "" {
					t.Errorf("%s: match %v has no reason", c.name, m)
				}
			}
			got = strings.Join(parts, " ")
			if got != c.want {
				t.Errorf("%s: Match = %s, want %s", c.name, got, c.want)
			}
		}
		if o.State != c.state || !strings.Contains(got, c.want) {
			t.Errorf("%s: Match = %s %q, want %s %q", c.name, o.State, got, c.state, c.want)
		}
	}
}

func TestMatchProposes(t *testing.T) {
	t.Parallel()
	m := evidence.NewMatcher(shop(), nil, nil)
	for _, c := range []struct {
		cwe  int
		want []model.WeaknessID
	}{
		{943, []model.WeaknessID{"w-api-89"}}, // wider than 89
		{74, []model.WeaknessID{"w-api-79", "w-api-89", "w-web-79"}},
		{264, nil}, // an obsolete category without members
		{1004, nil},
	} {
		o := m.Match("x", evidence.Result{ID: "r", Verdict: evidence.Fail, CWEs: []int{c.cwe}})
		var got []model.WeaknessID
		for _, p := range o.Proposed {
			got = append(got, p.Weakness)
			if p.Basis != evidence.ByAncestor {
				t.Errorf("Match(CWE-%d) proposes %v, want basis ancestor", c.cwe, p)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || o.State != evidence.Unmatched {
			t.Errorf("Match(CWE-%d) = %s, proposals (-want +got):\n%s", c.cwe, o.State, diff)
		}
	}
}

func TestObserveLeavesOutParents(t *testing.T) {
	t.Parallel()
	report := `<testsuite name="pkg">
<testcase classname="pkg" name="TestA/sub"><failure/></testcase>
<testcase classname="pkg" name="TestA"><failure/></testcase>
<testcase classname="pkg" name="TestAB"><failure/></testcase>
<testcase classname="pkg" name="TestB"/>
<testcase classname="pkg" name="TestC CWE-89"/>
</testsuite>`
	r, err := evidence.Open(strings.NewReader(report), int64(len(report)), evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, got, err := evidence.Observe(t.Context(), r, evidence.NewMatcher(shop(), nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range got {
		names = append(names, o.Result.Name)
	}
	if diff := cmp.Diff([]string{"TestA/sub", "TestAB", "TestC CWE-89"}, names); diff != "" || sum.Counts.Total() != 5 {
		t.Errorf("Observe kept, of %d (-want +got):\n%s", sum.Counts.Total(), diff)
	}
}
