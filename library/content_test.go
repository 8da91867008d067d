package library_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

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

// TestStandards holds the declared clauses to the published catalogues, where these are at hand, and
// the countermeasures to clauses that are declared.
func TestStandards(t *testing.T) {
	t.Parallel()
	lib := load(t)
	asvs := table(t, "asvs-5.0.0.csv", "req_id", "L")
	body, err := os.ReadFile(sharedtest.Dir(t, "standards", "masvs-2.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	masvs := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\s*- id: (MASVS-\w+-\d+)$`).FindAllStringSubmatch(string(body), -1) {
		masvs[m[1]] = true
	}
	texts := table(t, "asvs-5.0.0.csv", "req_id", "req_description")
	for _, s := range lib.Standards {
		for _, c := range s.Clauses {
			switch s.Ref {
			case "asvs-5.0":
				if level := asvs["V"+c.ID]; level != strconv.Itoa(c.Level) {
					t.Errorf("%s: asvs-5.0:%s has level %d, the catalogue has %q", c.At, c.ID, c.Level, level)
				}
				if strings.Contains(strings.ToLower(texts["V"+c.ID]), strings.ToLower(c.Title)) {
					t.Errorf("%s: the title of asvs-5.0:%s is copied from the catalogue", c.At, c.ID)
				}
			case "masvs-2":
				if !masvs[c.ID] {
					t.Errorf("%s: masvs-2:%s is in no catalogue", c.At, c.ID)
				}
				if strings.Contains(string(body), c.Title) {
					t.Errorf("%s: the title of masvs-2:%s is copied from the catalogue", c.At, c.ID)
				}
			}
			if len(c.Title) > 80 {
				t.Errorf("%s: the title of %s:%s has %d characters, want 80 or less: our own few words", c.At, s.Ref, c.ID, len(c.Title))
			}
		}
	}
	if got := len(lib.Standard("asvs-5.0").Clauses); got != len(asvs) {
		t.Errorf("asvs-5.0 has %d clauses, want all %d: a gap nobody declares is a gap nobody sees", got, len(asvs))
	}
	if got := len(lib.Standard("masvs-2").Clauses); got != len(masvs) {
		t.Errorf("masvs-2 has %d clauses, want all %d", got, len(masvs))
	}
	served := map[string]bool{}
	for _, p := range lib.Patterns {
		for _, c := range p.Countermeasures {
			for _, clause := range c.Standards {
				if s := lib.Standard(clause.Standard); s == nil || s.Clause(clause.Clause) == nil {
					t.Errorf("countermeasure %s: %s:%s is not declared", c.Ref, clause.Standard, clause.Clause)
				}
				served[clause.Standard+":"+clause.Clause] = true
			}
		}
	}
	if len(served) < 100 {
		t.Errorf("%d clauses are served, want 100 or more", len(served))
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
	threats, countermeasures, stacks := 0, 0, 0
	for _, p := range lib.Patterns {
		threats += len(p.Threats)
		countermeasures += len(p.Countermeasures)
		for _, c := range p.Countermeasures {
			if strings.Contains(c.Description, "\n- ") {
				stacks++
			}
		}
	}
	for _, tt := range []struct {
		what      string
		got, want int
	}{
		{"component types", len(lib.Types), 60},
		{"risk patterns", len(lib.Patterns), 80},
		{"threats", threats, 200},
		{"countermeasures", countermeasures, 250},
		{"questionnaires", len(lib.Questionnaires), 6},
		{"countermeasures that name stacks", stacks, countermeasures * 2 / 3},
	} {
		if tt.got < tt.want {
			t.Errorf("%d %s, want %d or more", tt.got, tt.what, tt.want)
		}
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

// TestNoThreatTwice: two threats of a pattern always stand at one place together; where they are also treated by the
// same countermeasures in the same order of weight, a team would talk about one thing twice.
func TestNoThreatTwice(t *testing.T) {
	t.Parallel()
	for _, p := range load(t).Patterns {
		treated := map[string]string{}
		for _, threat := range p.Threats {
			var by []library.Share
			for _, w := range threat.Weaknesses {
				by = append(by, w.Countermeasures...)
			}
			slices.SortStableFunc(by, func(a, b library.Share) int {
				return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Ref, b.Ref))
			})
			var refs []string
			for _, c := range by {
				refs = append(refs, c.Ref)
			}
			key := strings.Join(refs, " ")
			if other, ok := treated[key]; ok {
				t.Errorf("threats %s and %s of %s are treated alike (%s), want one threat", other, threat.Ref, p.Ref, key)
			}
			treated[key] = threat.Ref
		}
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
				read := "answers." + question.Ref
				if question.Attribute != "" {
					read = "attributes." + question.Attribute
				}
				if !strings.Contains(text.String(), read) {
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
		{"Browser", model.Actor, "end-user"},
		{"Web Application", model.Process, "web-application"},
		{"REST API", model.Process, "web-api"},
		{"PostgreSQL", model.Store, "relational-database"},
		{"Redis", model.Store, "cache"},
		{"Message Queue", model.Store, "message-queue"},
		{"Kafka", model.Store, "event-stream"},
		{"Elasticsearch", model.Store, "search-index"},
		{"S3", model.Store, "object-storage"},
		{"NAS", model.Store, "file-share"},
		{"Active Directory", model.Process, "identity-provider"},
		{"Kubernetes", model.Process, "container-orchestrator"},
		{"AWS Lambda", model.Process, "serverless-function"},
		{"API Gateway", model.Process, "api-gateway"},
		{"Load Balancer", model.Process, "load-balancer"},
		{"Jenkins", model.Process, "ci-system"},
		{"GitLab", model.Store, "source-repository"},
		{"Payment provider", model.Actor, "payment-service-provider"},
		{"Visitor", model.Actor, "anonymous-visitor"},
		{"Support", model.Actor, "support-agent"},
		{"DevOps engineer", model.Actor, "operations-engineer"},
		{"OpenAI", model.Actor, "hosted-model-provider"},
		{"AI agent", model.Process, "llm-agent"},
		{"MCP server", model.Process, "tool-server"},
		{"Vector database", model.Store, "vector-store"},
		{"PLC", model.Process, "industrial-controller"},
		{"POS terminal", model.Process, "card-terminal"},
		{"Mail server", model.Process, "email-service"},
		{"Database", model.Actor, ""},
	} {
		if got := lib.TypeFor(tt.word, tt.kind); got != tt.want {
			t.Errorf("TypeFor(%q, %s) = %q, want %q", tt.word, tt.kind, got, tt.want)
		}
	}
}
