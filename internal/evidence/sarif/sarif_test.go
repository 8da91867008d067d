package sarif

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/threatloop/threatloop/internal/evidence/readertest"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

func TestTraps(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/traps.sarif")
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := readertest.Read(Read, data)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		ID         string
		Verdict    result.Verdict
		Suppressed bool
		Severity   result.Severity
		Score      float64
		CWEs       []int
		Detail     string
		At         result.Location
	}
	var lines []line
	for _, r := range got {
		lines = append(lines, line{r.ID, r.Verdict, r.Suppressed, r.Severity, r.Score, r.CWEs, r.Detail, r.Location()})
	}
	want := []line{
		{"T1", result.Fail, false, result.Critical, 9.1, []int{89}, "bad x", result.Location{URI: "src/a.c", Line: 3, Method: "a.B"}},
		{"T1", result.Fail, false, result.Critical, 9.1, []int{89}, "bad x", result.Location{URI: "C:/x y.c"}},
		{"T1/sub", result.Pass, false, result.Critical, 9.1, []int{89}, "ok", result.Location{}},
		{"T2", result.Fail, false, result.Low, 0, []int{79}, "a", result.Location{}},
		{"T2", result.Fail, true, result.Medium, 0, []int{79}, "b", result.Location{}},
		{"T2", result.Fail, false, result.Medium, 0, []int{79}, "c", result.Location{}},
		{"T2", result.NotRun, false, result.Medium, 0, []int{79}, "e", result.Location{}},
		{"E1", result.Fail, false, result.Medium, 0, []int{502, 611}, "from an extension", result.Location{}},
		{"no rule at all", result.Fail, false, result.Medium, 0, []int{798}, "no rule at all", result.Location{}},
		{"T3", result.Fail, false, result.Medium, 0, []int{327, 328}, "word", result.Location{}},
		{"T4", result.Fail, false, result.Medium, 0, []int{22}, "bare", result.Location{}},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("Read(traps.sarif) (-want +got):\n%s", diff)
	}
	if got[3].Fingerprint != "h=1" || got[4].Key != got[3].Key+"-2" {
		t.Errorf("equal fingerprints: %q, keys %s and %s, want the second marked", got[3].Fingerprint, got[3].Key, got[4].Key)
	}
	if !cmp.Equal(got[7].Refs, []string{"CM-9"}) {
		t.Errorf("refs of the extension's rule = %q, want CM-9", got[7].Refs)
	}
	if sum.Tool != "T" || sum.ToolVersion != "1.2" || sum.RuleSet != "nightly" || !cmp.Equal(sum.Targets, []string{"https://git.example/shop"}) {
		t.Errorf("summary %+v, want tool T 1.2, rule set nightly and the repository", sum)
	}
	if sum.Complete || sum.Declarable || sum.StartedAt.IsZero() || !strings.Contains(strings.Join(sum.Notes, " "), "1 results are marked absent") {
		t.Errorf("summary %+v, want incomplete, with a start, and the absent result noted", sum)
	}
}

// The order of members is free: with the tool first the answer is the same.
func TestOrderOfMembers(t *testing.T) {
	t.Parallel()
	results := `"results": [{"ruleId": "R", "message": {"text": "m"}}]`
	tool := `"tool": {"driver": {"name": "T", "rules": [{"id": "R", "properties": {"tags": ["CWE-89"]}}]}}`
	first, _, err := readertest.Read(Read, []byte(`{"runs": [{`+tool+`,`+results+`}]}`))
	if err != nil {
		t.Fatal(err)
	}
	last, _, err := readertest.Read(Read, []byte(`{"runs": [{`+results+`,`+tool+`}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, last); diff != "" || len(first) != 1 || !cmp.Equal(first[0].CWEs, []int{89}) {
		t.Errorf("results of %+v (-tool first +tool last):\n%s", first, diff)
	}
}

// Semgrep writes the same words for every fingerprint that it does not give away.
func TestFingerprintsThatAreNone(t *testing.T) {
	t.Parallel()
	got, _, err := readertest.Read(Read, []byte(`{"runs": [{"results": [{"ruleId": "R", "message": {"text": "m"}, "fingerprints": {"matchBasedId/v1": "requires login"}}]}]}`))
	if err != nil || len(got) != 1 || got[0].Fingerprint != "" {
		t.Errorf("Read = %+v, %v, want one result without a fingerprint", got, err)
	}
}

// SARIF 1 is another format under the same name: what reads the same is read, and a note says so.
func TestVersion1(t *testing.T) {
	t.Parallel()
	got, sum, err := readertest.Read(Read, []byte(`{"version": "1.0.0", "runs": [{"tool": {"name": "Old"},
"results": [{"ruleId": "X", "level": "error", "message": "told", "locations": [{"resultFile": {"uri": "file:///a.c", "region": {"startLine": 3}}}]}]}]}`))
	if err != nil || len(got) != 1 || sum.Tool != "Old" || !strings.Contains(strings.Join(sum.Notes, " "), "SARIF version 1.0.0") {
		t.Fatalf("Read = %+v, %+v, %v, want one result of Old and a note on the version", got, sum, err)
	}
	if at := got[0].Location(); got[0].Detail != "told" || at.URI != "/a.c" || at.Line != 3 {
		t.Errorf("result = %+v, want its message and its place", got[0])
	}
}

func TestCutOff(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/traps.sarif")
	if err != nil {
		t.Fatal(err)
	}
	cut := data[:strings.Index(string(data), `{"ruleId": "T2", "message": {"text": "c"}`)]
	got, sum, err := readertest.Read(Read, cut)
	if err != nil || len(got) != 5 || sum.Complete {
		t.Errorf("Read(cut) = %d results, complete %v, %v, want 5, incomplete", len(got), sum.Complete, err)
	}
}

func FuzzRead(f *testing.F) { readertest.Fuzz(f, Read, false, "scans/sarif") }
