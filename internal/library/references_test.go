package library_test

import (
	"encoding/csv"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// TestStarterWeaknesses: every CWE is one that findings may be mapped to.
func TestStarterWeaknesses(t *testing.T) {
	t.Parallel()
	tree := cwe.Default()
	for _, p := range starterLibrary(t).Patterns {
		for _, w := range p.Weaknesses {
			if w.CWE == 0 {
				continue
			}
			e, ok := tree.Lookup(w.CWE)
			if !ok {
				t.Errorf("%s: weakness %s has CWE-%d, which does not exist", w.At, w.Ref, w.CWE)
			} else if e.Usage != cwe.Allowed && e.Usage != cwe.WithReview {
				t.Errorf("%s: weakness %s has CWE-%d (%s), whose mapping is %s", w.At, w.Ref, w.CWE, e.Name, e.Usage)
			}
		}
	}
}

func column(t *testing.T, name string, at int) map[string]bool {
	t.Helper()
	f, err := os.Open(sharedtest.Dir(t, "standards", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, row := range rows {
		if at < len(row) {
			found[row[at]] = true
		}
	}
	return found
}

// TestStarterReferences: every clause and every attack pattern exists in the published lists.
func TestStarterReferences(t *testing.T) {
	t.Parallel()
	asvs, capec := column(t, "asvs-5.0.0.csv", 4), column(t, "capec.csv", 0)
	masvs := map[string]bool{}
	text, err := os.ReadFile(sharedtest.Dir(t, "standards", "masvs-2.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`- id: (MASVS-[A-Z]+-[0-9]+)`).FindAllStringSubmatch(string(text), -1) {
		masvs[m[1]] = true
	}
	if len(asvs) < 300 || len(capec) < 300 || len(masvs) < 20 {
		t.Fatalf("read %d ASVS, %d CAPEC and %d MASVS ids, want hundreds and dozens", len(asvs), len(capec), len(masvs))
	}
	for _, s := range starterLibrary(t).Standards {
		for _, c := range s.Clauses {
			if s.Ref == "asvs-5.0" && !asvs["V"+c.ID] || s.Ref == "masvs-2" && !masvs[c.ID] {
				t.Errorf("%s: %s has no clause %s", c.At, s.Ref, c.ID)
			}
		}
	}
	for _, p := range starterLibrary(t).Patterns {
		for _, threat := range p.Threats {
			for _, id := range threat.CAPEC {
				if !capec[strconv.Itoa(id)] {
					t.Errorf("%s: CAPEC-%d does not exist", threat.At, id)
				}
			}
		}
	}
}
