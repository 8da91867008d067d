// Package selfmodel_test keeps Threatloop's own threat model,
// docs/threat-model/model.yaml, true: to the library, to the tests that it
// names, and to the risk that it says is carried.
package selfmodel_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/sharedtest"
	starter "github.com/threatloop/threatloop/library"
)

var update = flag.Bool("update", false, "bring docs/threat-model/model.yaml to the present library and form")

const command = "go test ./internal/selfmodel -update"

func modelFile(t testing.TB) string {
	t.Helper()
	return filepath.Join(sharedtest.Root(t), "docs", "threat-model", "model.yaml")
}

func readModel(t testing.TB) (*model.Model, []byte) {
	t.Helper()
	data, err := os.ReadFile(modelFile(t))
	if err != nil {
		t.Fatal(err)
	}
	i, err := interchange.Read(data, interchange.Options{Name: "model.yaml"})
	if err != nil {
		t.Fatalf("read the threat model: %v", err)
	}
	for _, n := range i.Notes {
		if n.Level != "info" {
			t.Errorf("%s: %s: %s", n.Level, n.Where, n.Text)
		}
	}
	return i.Model, data
}

// TestModelIsWhatTheLibrarySays fails when the model, the library or the form of
// the file changed and the file was not brought along. It runs before the
// others, which read what it writes.
func TestModelIsWhatTheLibrarySays(t *testing.T) {
	m, data := readModel(t)
	lib, err := library.Load(starter.Files)
	if err != nil {
		t.Fatalf("load the library: %v", err)
	}
	wanted, err := generate.Desired(m, lib)
	if err != nil {
		t.Fatalf("generate: %v", err)
	}
	for _, n := range wanted.Notes {
		t.Errorf("%s: %s", n.Where, n.Text)
	}
	plan := generate.MakePlan(m, wanted, nil)
	if *update {
		m = generate.Apply(m, plan, time.Now().UTC().Truncate(time.Second), nil)
	} else if !plan.Empty() {
		changes := slices.DeleteFunc(slices.Clone(plan.Items), func(i generate.Item) bool { return i.Action == generate.Keep })
		for _, i := range changes[:min(10, len(changes))] {
			t.Logf("%s", i.Text)
		}
		t.Errorf("the model is not what library %s wants of it, %d changes wait; run %s and review the difference", lib.Stamp(), len(changes), command)
	}
	text, err := interchange.Write(m)
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	switch {
	case bytes.Equal(text, data):
	case *update:
		if err := os.WriteFile(modelFile(t), text, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the file is not as Threatloop writes it; run %s", command)
	}
}

// TestDecisionsSurviveRegeneration spoils everything that rules own and has it
// generated again: what people decided, and the file, must be as before.
func TestDecisionsSurviveRegeneration(t *testing.T) {
	t.Parallel()
	m, data := readModel(t)
	lib, err := library.Load(starter.Files)
	if err != nil {
		t.Fatalf("load the library: %v", err)
	}
	for i := range m.Threats {
		if th := &m.Threats[i]; th.Origin == model.ByRule {
			th.Title, th.Ease, th.Why = "spoilt", 1, nil
		}
	}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		if _, decided := c.Sets["state"]; c.Origin == model.ByRule && !decided {
			c.State = model.Recommended
		}
	}
	m.Links = slices.DeleteFunc(m.Links, func(l model.Link) bool { return l.Origin == model.ByRule })
	wanted, err := generate.Desired(m, lib)
	if err != nil {
		t.Fatalf("generate: %v", err)
	}
	text, err := interchange.Write(generate.Apply(m, generate.MakePlan(m, wanted, nil), time.Time{}, nil))
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	if diff := cmp.Diff(string(data), string(text)); diff != "" {
		t.Errorf("regenerated (-want +got):\n%s", diff)
	}
}

// TestNothingExceedsTheTolerance holds the model's tolerance, which is the
// highest rating carried today: it may be lowered, and nothing may rise above it.
func TestNothingExceedsTheTolerance(t *testing.T) {
	t.Parallel()
	m, _ := readModel(t)
	if m.Product.Tolerance == nil {
		t.Fatal("the model has no tolerance")
	}
	ratings := risk.Rate(m, model.Verdicts{}, risk.Settings{})
	for _, r := range ratings.Threats {
		if r.OverTolerance {
			t.Errorf("threat %s at %s is rated %d, want at most %g", r.Threat, r.Where, r.Current, *m.Product.Tolerance)
		}
	}
	if got := float64(ratings.Summary.Highest); got < *m.Product.Tolerance {
		t.Errorf("the highest rating is %g; lower the tolerance of %g to it, so that it stays so", got, *m.Product.Tolerance)
	}
	if ratings.Summary.Guessed > 0 || ratings.Summary.Unrated > 0 {
		t.Errorf("%d threats rest on guesses and %d are unrated, want none", ratings.Summary.Guessed, ratings.Summary.Unrated)
	}
}

var (
	isTest        = regexp.MustCompile(`^(Test|Fuzz)`)
	packageOrTest = regexp.MustCompile(`\b(?:internal|cmd|library)(?:/[a-z]+)*\b|\b(?:Test|Fuzz)[A-Z]\w*`)
	testFunction  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
)

// testsIn returns the tests of the package in a folder.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range testFunction.FindAllSubmatch(text, -1) {
			names[string(found[1])] = true
		}
	}
	return names
}

// TestImplementedNamesItsTest checks that what is called implemented names a
// test, and that every test named anywhere exists. A test belongs to the
// package named last before it: "internal/api TestSession and TestCursors".
func TestImplementedNamesItsTest(t *testing.T) {
	t.Parallel()
	m, _ := readModel(t)
	root := sharedtest.Root(t)
	known := map[string]map[string]bool{}
	named := func(where, reason string) (count int) {
		dir := ""
		for _, word := range packageOrTest.FindAllString(reason, -1) {
			if !isTest.MatchString(word) {
				dir = word
				continue
			}
			if known[dir] == nil {
				known[dir] = testsIn(t, filepath.Join(root, filepath.FromSlash(dir)))
			}
			if dir == "" || !known[dir][word] {
				t.Errorf("%s names %s %s, which does not exist", where, dir, word)
			}
			count++
		}
		return count
	}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		where := "countermeasure " + c.Ref + " at " + string(c.Where)
		count := named(where, c.StateReason)
		if c.State == model.Implemented && count == 0 && c.Retired == nil {
			t.Errorf("%s is implemented and names no test: %q", where, c.StateReason)
		}
		if c.State == model.StateNotApplicable && c.StateReason == "" {
			t.Errorf("%s is not applicable without a reason", where)
		}
	}
	for i := range m.Threats {
		th := &m.Threats[i]
		named("threat "+th.Ref+" at "+string(th.Where), th.StatusReason)
		if th.Status != model.Open && th.StatusReason == "" {
			t.Errorf("threat %s at %s is %s without a reason", th.Ref, th.Where, th.Status)
		}
	}
	if dirs := slices.Sorted(maps.Keys(known)); len(dirs) < 8 {
		t.Errorf("tests of %v are named, want more than a handful of packages", dirs)
	}
}
