package library_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/threatloop/threatloop/internal/evidence/cwe"
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

// table reads a catalogue and returns the chosen columns by the first of them.
func table(t *testing.T, file, key, value string) map[string]string {
	t.Helper()
	f, err := os.Open(sharedtest.Dir(t, "standards", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%s: %d rows, %v", file, len(rows), err)
	}
	k, v := slices.Index(rows[0], key), slices.Index(rows[0], value)
	if k < 0 || v < 0 {
		t.Fatalf("%s has the columns %v, want %s and %s", file, rows[0], key, value)
	}
	out := map[string]string{}
	for _, row := range rows[1:] {
		out[row[k]] = row[v]
	}
	return out
}

func TestStandards(t *testing.T) {
	t.Parallel()
	lib := load(t)
	asvs := table(t, "asvs-5.0.0.csv", "req_id", "L")
	body, err := os.ReadFile(sharedtest.Dir(t, "standards", "masvs-2.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	masvs := regexp.MustCompile(`(?m)^\s*- id: (MASVS-\w+-\d+)$`).FindAllStringSubmatch(string(body), -1)
	known := map[string]bool{}
	for _, m := range masvs {
		known[m[1]] = true
	}
	served := 0
	for _, p := range lib.Patterns {
		for _, c := range p.Countermeasures {
			for _, clause := range c.Standards {
				ok := false
				switch clause.Standard {
				case "asvs-5.0":
					_, ok = asvs["V"+clause.Clause]
				case "masvs-2":
					ok = known[clause.Clause]
				}
				if !ok {
					t.Errorf("countermeasure %s: %s:%s is in no catalogue", c.Ref, clause.Standard, clause.Clause)
				}
				served++
			}
		}
	}
	if served < 100 {
		t.Errorf("%d clauses are served, want 100 or more", served)
	}
}

func TestAttackPatterns(t *testing.T) {
	t.Parallel()
	status := table(t, "capec.csv", "id", "status")
	for _, p := range load(t).Patterns {
		for _, threat := range p.Threats {
			for _, id := range threat.CAPEC {
				if s, ok := status[strconv.Itoa(id)]; !ok || s == "Deprecated" || s == "Obsolete" {
					t.Errorf("threat %s/%s: CAPEC-%d has the status %q, want one in use", p.Ref, threat.Ref, id, s)
				}
			}
		}
	}
}

// TestWeaknessesMap: a scanner's finding can only meet a weakness whose CWE may be mapped to.
func TestWeaknessesMap(t *testing.T) {
	t.Parallel()
	tree, with := cwe.Default(), 0
	for _, p := range load(t).Patterns {
		for _, w := range p.Weaknesses {
			if w.CWE == 0 {
				continue
			}
			with++
			if e, ok := tree.Lookup(w.CWE); !ok || e.Usage != cwe.Allowed && e.Usage != cwe.WithReview {
				t.Errorf("weakness %s: CWE-%d is %q, want one that findings may be mapped to", w.Ref, w.CWE, e.Usage)
			}
		}
	}
	if with < 40 {
		t.Errorf("%d weaknesses have a CWE, want 40 or more", with)
	}
}

func TestEnoughIsThere(t *testing.T) {
	t.Parallel()
	lib := load(t)
	if got := len(lib.Types); got < 15 {
		t.Errorf("%d component types, want 15 or more", got)
	}
	if got := len(lib.Patterns); got < 12 {
		t.Errorf("%d risk patterns, want 12 or more", got)
	}
	conditional := 0
	for _, q := range lib.Questionnaires {
		for _, g := range q.Groups {
			for _, question := range g.Questions {
				if question.When != nil {
					conditional++
				}
			}
		}
	}
	if conditional < 2 {
		t.Errorf("%d conditional questions, want 2 or more", conditional)
	}
	for _, w := range lib.Warnings {
		t.Errorf("%s: %s", w.At, w.Text)
	}
}

// TestEverythingIsExplained holds the library to what a person needs to agree or disagree with it.
func TestEverythingIsExplained(t *testing.T) {
	t.Parallel()
	for _, p := range load(t).Patterns {
		for _, w := range p.Weaknesses {
			if w.Test == "" || w.Description == "" {
				t.Errorf("weakness %s lacks a description or a test", w.Ref)
			}
		}
		for _, c := range p.Countermeasures {
			if c.Test == "" || c.Description == "" {
				t.Errorf("countermeasure %s lacks a description or a test", c.Ref)
			}
			if c.Cost == nil || c.Cost.Unit != "days" || c.Cost.Amount <= 0 || c.Cost.Amount > 10 {
				t.Errorf("countermeasure %s costs %v, want 0 to 10 days", c.Ref, c.Cost)
			}
		}
		for _, threat := range p.Threats {
			path := p.Ref + "/" + threat.Ref
			if threat.Because == "" || threat.Description == "" || len(threat.Categories) == 0 {
				t.Errorf("threat %s lacks a description, a category or a because", path)
			}
			sum := 0.0
			for _, w := range threat.Weaknesses {
				if len(w.Countermeasures) == 0 {
					t.Errorf("threat %s: nothing is done about weakness %s", path, w.Ref)
				}
				for _, c := range w.Countermeasures {
					sum += c.Share
				}
			}
			if sum < 75 || sum > 100 {
				t.Errorf("threat %s: all countermeasures take off %g %%, want 75 to 100", path, sum)
			}
		}
	}
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

// TestAllAnswersAreRead: an answer that nothing reads asks people for nothing.
func TestAllAnswersAreRead(t *testing.T) {
	t.Parallel()
	lib := load(t)
	var text bytes.Buffer
	files, err := filepath.Glob("*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("files of the library: %v, %v", files, err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(body)
	}
	for _, q := range lib.Questionnaires {
		for _, g := range q.Groups {
			for _, question := range g.Questions {
				if !strings.Contains(text.String(), "answers."+question.Ref) {
					t.Errorf("no rule reads the answer to %s", question.Ref)
				}
			}
		}
	}
}

// TestNamesOfOtherTools: words that people write into diagrams lead to the types.
func TestNamesOfOtherTools(t *testing.T) {
	t.Parallel()
	lib := load(t)
	for _, tt := range []struct {
		word string
		kind model.Kind
		want string
	}{
		{"Customer", model.Actor, "end-user"},
		{"Admin", model.Actor, "administrator"},
		{"Web Application", model.Process, "web-application"},
		{"REST API", model.Process, "web-api"},
		{"PostgreSQL", model.Store, "relational-database"},
		{"Redis", model.Store, "cache"},
		{"Message Queue", model.Store, "message-queue"},
		{"Payment provider", model.Actor, "third-party-service"},
		{"Database", model.Actor, ""},
	} {
		if got := lib.TypeFor(tt.word, tt.kind); got != tt.want {
			t.Errorf("TypeFor(%q, %s) = %q, want %q", tt.word, tt.kind, got, tt.want)
		}
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

// TestPageNamesEverything: docs/library-content.md explains each type, pattern and rule.
func TestPageNamesEverything(t *testing.T) {
	t.Parallel()
	lib := load(t)
	page, err := os.ReadFile(filepath.Join(sharedtest.Root(t), "docs", "library-content.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, typ := range lib.Types {
		all = append(all, typ.Ref)
	}
	for _, p := range lib.Patterns {
		all = append(all, p.Ref)
	}
	for _, r := range lib.Rules {
		all = append(all, r.Ref)
	}
	for _, ref := range all {
		if !bytes.Contains(page, []byte("`"+ref+"`")) {
			t.Errorf("docs/library-content.md does not name `%s`", ref)
		}
	}
}
