package library_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
	starter "github.com/threatloop/threatloop/library"
)

// loadOnce reads the starter library once for all tests: it is immutable.
var loadOnce = sync.OnceValues(func() (*library.Library, error) { return library.Load(starter.Files) })

func load(t testing.TB) *library.Library {
	t.Helper()
	lib, err := loadOnce()
	if err == nil {
		return lib
	}
	if f := fault.As(err); f != nil {
		for _, field := range f.Fields {
			t.Errorf("%s: %s", field.Where, field.Text)
		}
	}
	t.Fatalf("load the starter library: %v", err)
	return nil
}

func TestRulesDoAsTheyTest(t *testing.T) {
	t.Parallel()
	report := generate.Test(load(t))
	for _, f := range slices.Concat(report.Failures, report.Warnings) {
		t.Errorf("%s: rule %q, test %q: %s", f.At, f.Rule, f.Test, f.Text)
	}
	if report.Rules < 25 || report.Tests < 2*report.Rules {
		t.Errorf("%d rules with %d tests, want 25 or more with two each", report.Rules, report.Tests)
	}
}

func desired(t *testing.T, m *model.Model) *generate.Result {
	t.Helper()
	if err := model.Validate(m); err != nil {
		t.Fatal(err)
	}
	res, err := generate.Desired(m, load(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range res.Notes {
		t.Errorf("note on %s: %s", n.Where, n.Text)
	}
	seen := map[string]bool{}
	for _, threat := range res.Threats {
		if key := string(threat.Where) + ": " + threat.Title; seen[key] {
			t.Errorf("the threat %q is there twice", key)
		} else {
			seen[key] = true
		}
	}
	return res
}

func refs(res *generate.Result, where model.ElementID) []string {
	var out []string
	for _, threat := range res.Threats {
		if threat.Where == where {
			out = append(out, threat.Ref)
		}
	}
	slices.Sort(out)
	return out
}

// threeTiers is browser, application and database, the diagram that everybody draws first.
func threeTiers() *model.Model {
	return &model.Model{
		Product: model.Product{ID: "p", Name: "Club"},
		Assets:  []model.Asset{{ID: "members", Name: "Members", Value: model.CIA{Confidentiality: 75, Integrity: 60, Availability: 40}}},
		Zones: []model.Zone{
			{ID: "out", Name: "Internet", Trust: 0}, {ID: "front", Name: "Front", Trust: 40}, {ID: "back", Name: "Back", Trust: 80},
		},
		Components: []model.Component{
			{ID: "member", Kind: model.Actor, Type: "end-user", Name: "Member", Zone: "out"},
			{ID: "app", Kind: model.Process, Type: "web-application", Name: "Club pages", Zone: "front", Processes: []model.AssetID{"members"}},
			{ID: "db", Kind: model.Store, Type: "relational-database", Name: "Club database", Zone: "back", Stores: []model.AssetID{"members"}},
		},
		Flows: []model.Flow{
			{ID: "pages", Name: "Pages", From: "member", To: "app", Protocol: "HTTPS", Bidirectional: true, Attributes: map[string]string{"encrypted": "yes", "public_network": "yes"}},
			{ID: "queries", Name: "Queries", From: "app", To: "db", Protocol: "SQL", Carries: []model.AssetID{"members"}},
		},
	}
}

func TestThreeTiers(t *testing.T) {
	t.Parallel()
	res := desired(t, threeTiers())
	if n := len(res.Threats); n < 25 || n > 60 {
		t.Errorf("%d threats, want 25 to 60", n)
	}
	for where, want := range map[model.ElementID][]string{
		"app":     {"sql-injection/read-other-customers-data", "cross-site-scripting/stored-script-acts-as-user", "credential-attacks/account-taken-with-known-password"},
		"db":      {"data-at-rest/stored-data-copied", "direct-store-access/store-opened-around-application"},
		"queries": {"unencrypted-transport/data-read-in-transit"},
		"pages":   {"weak-transport-encryption/encrypted-traffic-read"},
	} {
		got := refs(res, where)
		for _, ref := range want {
			if !slices.Contains(got, ref) {
				t.Errorf("at %s: %v, want %s among them", where, got, ref)
			}
		}
	}
	if got := refs(res, model.AtProduct); len(got) != 0 {
		t.Errorf("at the product: %v, want nothing without answers", got)
	}
}

func answers(given map[string][]string) *model.Model {
	m := &model.Model{Product: model.Product{ID: "p", Name: "P"}}
	for _, question := range slices.Sorted(keys(given)) {
		m.Answers = append(m.Answers, model.Answer{Question: question, Values: given[question]})
	}
	return m
}

func keys(m map[string][]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestProductsByAnswersAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		answers  map[string][]string
		value    model.CIA
		exposure int
	}{
		{"intranet tool", map[string][]string{
			"data": {"business"}, "harm_if_changed": {"nuisance"}, "harm_if_down": {"days"}, "reach": {"company"}, "clients": {"pages"}, "admin": {"same"},
			"accounts": {"provider"}, "database": {"sql"}, "payments": {"none"}, "secrets": {"configuration"}, "backups": {"never"}, "logs": {"local"},
		}, model.CIA{Confidentiality: 60, Integrity: 50, Availability: 30}, 45},
		{"patient portal", map[string][]string{
			"data": {"sensitive"}, "people": {"crowd"}, "harm_if_changed": {"danger"}, "harm_if_down": {"hours"}, "reach": {"internet"}, "clients": {"pages"}, "admin": {"separate"},
			"accounts": {"own"}, "second_factor": {"everybody"}, "database": {"sql"}, "payments": {"none"}, "secrets": {"manager"}, "backups": {"rehearsed"}, "logs": {"central"},
		}, model.CIA{Confidentiality: 95, Integrity: 95, Availability: 65}, 80},
		{"interface for partners", map[string][]string{
			"data": {"financial"}, "harm_if_changed": {"loss"}, "harm_if_down": {"minutes"}, "reach": {"partners"}, "clients": {"programs"}, "admin": {"separate"}, "multi_tenant": {"yes"},
			"accounts": {"provider"}, "database": {"document"}, "messages": {"yes"}, "third_parties": {"calls-us"}, "secrets": {"unsure"}, "backups": {"rehearsed"}, "logs": {"central"},
		}, model.CIA{Confidentiality: 70, Integrity: 75, Availability: 90}, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res := desired(t, answers(tt.answers))
			if n := len(res.Threats); n < 10 || n > 20 {
				t.Errorf("%d threats, want 10 to 20: %v", n, refs(res, model.AtProduct))
			}
			if res.Value == nil || res.Value.Value != tt.value {
				t.Errorf("value = %v, want %v", res.Value, tt.value)
			}
			if res.Exposure == nil || res.Exposure.Value != tt.exposure {
				t.Errorf("exposure = %v, want %d", res.Exposure, tt.exposure)
			}
		})
	}
}

// demo reads the demo's answers and diagram as one model.
func demo(t *testing.T) *model.Model {
	t.Helper()
	lib := load(t)
	data := func(name string) []byte {
		body, err := os.ReadFile(filepath.Join(sharedtest.Root(t), "internal", "demo", "data", name))
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	in, err := interchange.Read(data("diagram.json"), interchange.Options{
		GuessType: func(kind model.Kind, name string, _ map[string]string) string { return lib.TypeFor(name, kind) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Questionnaire string
		Answers       map[string]any
	}
	if err := json.Unmarshal(data("answers.json"), &file); err != nil {
		t.Fatal(err)
	}
	if lib.Questionnaire(file.Questionnaire) == nil {
		t.Fatalf("questionnaire %q is not in the library", file.Questionnaire)
	}
	given := map[string][]string{}
	for question, value := range file.Answers {
		switch v := value.(type) {
		case bool:
			given[question] = []string{map[bool]string{true: "yes", false: "no"}[v]}
		case string:
			given[question] = []string{v}
		case []any:
			for _, one := range v {
				given[question] = append(given[question], one.(string))
			}
		}
	}
	in.Model.Answers = answers(given).Answers
	return in.Model
}

// TestDemo: what the demo's reports refer to stands at one place only, so that no result is ambiguous.
func TestDemo(t *testing.T) {
	t.Parallel()
	m := demo(t)
	for _, c := range m.Components {
		if c.Type == "" {
			t.Errorf("component %s has no type", c.Name)
		}
	}
	res := desired(t, m)
	if n := len(res.Threats); n < 25 || n > 60 {
		t.Errorf("%d threats, want 25 to 60", n)
	}
	var weak, counter []model.ElementID
	for _, w := range res.Weaknesses {
		if w.Ref == "sql-built-from-input" || w.CWE == 89 {
			weak = append(weak, w.Where)
		}
	}
	for _, c := range res.Countermeasures {
		if c.Ref == "parameterised-queries" {
			counter = append(counter, c.Where)
			if c.State != model.Required {
				t.Errorf("parameterised-queries is %s, want %s", c.State, model.Required)
			}
		}
	}
	if len(weak) != 1 || !slices.Equal(weak, counter) {
		t.Errorf("SQL injection stands at %v and its countermeasure at %v, want one same place", weak, counter)
	}
	alone := desired(t, &model.Model{Product: m.Product, Answers: m.Answers})
	if n := len(alone.Threats); n < 10 || n > 20 {
		t.Errorf("%d threats by the answers alone, want 10 to 20: %v", n, refs(alone, model.AtProduct))
	}
}
