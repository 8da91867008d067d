package cucumber

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/threatloop/threatloop/internal/evidence/readertest"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

func TestJSONTraps(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/traps.json")
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := readertest.Read(ReadJSON, data)
	if err != nil || !sum.Complete || !sum.Declarable {
		t.Fatalf("ReadJSON = %v, summary %+v, want a complete, declarable run", err, sum)
	}
	type line struct {
		Name    string
		Verdict result.Verdict
		Refs    string
		CWEs    []int
		At      result.Location
		Detail  string
	}
	var lines []line
	for _, r := range got {
		lines = append(lines, line{r.Name, r.Verdict, strings.Join(r.Refs, " "), r.CWEs, r.Location(), r.Detail})
	}
	at := func(n int) result.Location { return result.Location{URI: "features/login.feature", Line: n} }
	want := []line{
		{"after a failed background", result.Fail, "CM-1", nil, at(5), "a user (failed)\nno database"},
		{"after a good one", result.Pass, "CM-1 cwe-89-login", []int{89}, at(9), ""},
		{"row", result.Pass, "CM-1", nil, at(20), ""},
		{"row", result.Fail, "CM-1", nil, at(21), "(failed)"},
		{"retried", result.Pass, "CM-1", nil, at(30), ""},
		{"hook fails", result.Fail, "CM-1", nil, at(40), "(failed)\ntear-down"},
		{"undefined step", result.NotRun, "CM-1", nil, at(50), "(undefined)"},
		{"pending", result.NotRun, "CM-1", nil, at(55), "(pending)"},
		{"no status", result.NotRun, "CM-1", nil, at(56), "y (undefined)"},
		{"no step", result.NotRun, "CM-1", nil, at(60), ""},
		{"failing step hook", result.Fail, "CM-1", nil, at(70), "(failed)"},
		{"plain tags", result.Fail, "cwe-79", []int{79}, result.Location{URI: "features/b.feature", Line: 7}, "(failed)\nTraceback\nassert"},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("ReadJSON(traps.json) (-want +got):\n%s", diff)
	}
	if got[2].Key == got[3].Key {
		t.Errorf("two rows of an outline have the same key %s", got[2].Key)
	}
}

// TestHooks checks that a failing hook, which has no words, is told by where it stands.
func TestHooks(t *testing.T) {
	t.Parallel()
	got, _, err := readertest.Read(ReadJSON, []byte(`[{"keyword": "Feature", "name": "F", "elements": [{"name": "S", "type": "scenario",
"before": [{"match": {"location": "Hooks.start()"}, "result": {"status": "failed", "error_message": "no browser"}}], "steps": []}]}]`))
	if want := "Hooks.start() (failed)\nno browser"; err != nil || len(got) != 1 || got[0].Detail != want {
		t.Errorf("ReadJSON(failing hook) = %+v, %v, want the detail %q", got, err, want)
	}
}

func TestMessagesCutOff(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/cut.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := readertest.Read(ReadMessages, data)
	if err != nil || len(got) != 1 {
		t.Fatalf("ReadMessages = %d results, %v, want 1", len(got), err)
	}
	r := got[0]
	if r.Verdict != result.Fail || r.Name != "rejects" || r.Location().Line != 3 || !cmp.Equal(r.Refs, []string{"cwe-89"}) || !strings.Contains(r.Detail, "expected 403") {
		t.Errorf("ReadMessages = %+v, want the failed scenario with its tag and line", r)
	}
	if sum.Complete || len(sum.Reasons) != 2 || sum.Tool != "cucumber-js" || !sum.StartedAt.Equal(time.Unix(1767225600, 0)) {
		t.Errorf("summary %+v, want incomplete for two reasons, with tool and time", sum)
	}
}

func TestBrokenJSONKeepsFinishedScenarios(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/traps.json")
	if err != nil {
		t.Fatal(err)
	}
	cut := data[:strings.Index(string(data), `"name": "hook fails"`)]
	got, sum, err := readertest.Read(ReadJSON, cut)
	if err != nil || len(got) != 5 || sum.Complete {
		t.Errorf("ReadJSON(cut) = %d results, complete %v, %v, want 5, incomplete", len(got), sum.Complete, err)
	}
}

func FuzzJSON(f *testing.F)     { readertest.Fuzz(f, ReadJSON, false, "scans/cucumber", "bdd-security") }
func FuzzMessages(f *testing.F) { readertest.Fuzz(f, ReadMessages, false, "scans/cucumber") }
