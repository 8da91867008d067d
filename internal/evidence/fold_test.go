package evidence_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/model"
	"pgregory.net/rapid"
)

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return day0.Add(time.Duration(n) * 24 * time.Hour) }

// runOn builds a run of day n; results are written "key verdict cwe|ref", such as "t1 fail 89".
func runOn(n int, scanner, complete bool, results ...string) evidence.Run {
	run := evidence.Run{
		Scope: evidence.Scope{Product: "shop", Source: "ci"}, ID: fmt.Sprintf("run-%02d", n), Part: "p", At: day(n),
		Summary: evidence.Summary{Tool: "tool", Complete: complete, Declarable: !scanner},
	}
	if !complete {
		run.Summary.Reasons = []string{"cut off"}
	}
	m := evidence.NewMatcher(shop(), nil, nil)
	for _, text := range results {
		f := strings.Fields(text)
		res := evidence.Result{Key: f[0], ID: f[0], Name: f[0], Verdict: evidence.Outcome(f[1])}
		if res.Verdict == "suppressed" {
			res.Verdict, res.Suppressed = evidence.Fail, true
		}
		for _, extra := range f[2:] {
			if extra[0] >= '0' && extra[0] <= '9' {
				id := 0
				_, _ = fmt.Sscan(extra, &id)
				res.CWEs = append(res.CWEs, id)
			} else {
				res.Refs = append(res.Refs, extra)
			}
		}
		run.Summary.Counts.Add(res.Verdict)
		run.Observations = append(run.Observations, m.Match("tool", res))
	}
	return run
}

func fold(l evidence.Ledger, runs ...evidence.Run) (evidence.Ledger, evidence.Diff) {
	var d evidence.Diff
	for _, r := range runs {
		l, d = evidence.Fold(l, r)
	}
	return l, d
}

// words lists a diff as "category:key".
func words(d evidence.Diff) string {
	var out []string
	for _, c := range []struct {
		name  string
		items []evidence.Item
	}{{"new", d.New}, {"still", d.StillFailing}, {"passed", d.PassedNow}, {"reopened", d.Reopened}, {"untested", d.NotTestedNow}, {"unmatched", d.Unmatched}, {"ambiguous", d.Ambiguous}} {
		for _, i := range c.items {
			out = append(out, c.name+":"+i.Key)
		}
	}
	if len(d.Asks) > 0 {
		out = append(out, "asks")
	}
	return strings.Join(out, " ")
}

func TestFoldDiff(t *testing.T) {
	t.Parallel()
	test := func(n int, results ...string) evidence.Run { return runOn(n, false, true, results...) }
	scan := func(n int, results ...string) evidence.Run { return runOn(n, true, true, results...) }
	cases := []struct {
		name string
		runs []evidence.Run
		want string // diff of the last
	}{
		{"new", []evidence.Run{test(1, "a fail 89")}, "new:a"},
		{"still", []evidence.Run{test(1, "a fail 89"), test(2, "a fail 89")}, "still:a"},
		{"passed", []evidence.Run{test(1, "a fail 89"), test(2, "a pass 89")}, "passed:a"},
		{"reopened", []evidence.Run{test(1, "a fail cwe-89"), test(2, "a pass cwe-89"), test(3, "a fail cwe-89")}, "reopened:a"},
		{"an error closes nothing", []evidence.Run{test(1, "a fail 89"), test(2, "a error 89")}, "untested:a"},
		{"skipped closes nothing", []evidence.Run{test(1, "a fail cwe-89"), test(2, "a not_run cwe-89")}, "untested:a"},
		{"a vanished test keeps its fail", []evidence.Run{test(1, "a fail 89"), test(2, "b pass")}, "untested:a"},
		{"renamed, same reference", []evidence.Run{test(1, "a fail cwe-89"), test(2, "b pass cwe-89")}, "passed:a"},
		{"renamed, in a broken file", []evidence.Run{test(1, "a fail cwe-89"), runOn(2, false, false, "b pass cwe-89")}, "untested:a"},
		{"skipped is not vanished", []evidence.Run{test(1, "a fail cwe-89"), test(2, "a not_run cwe-89", "b pass cwe-89")}, "untested:a"},
		{"scanner: gone", []evidence.Run{scan(1, "a fail 89", "b fail 22"), scan(2, "b fail 22")}, "still:b passed:a"},
		{"scanner: incomplete", []evidence.Run{scan(1, "a fail 89", "b fail 22"), runOn(2, true, false, "b fail 22")}, "still:b untested:a asks"},
		{"scanner: empty", []evidence.Run{scan(1, "a fail 89"), scan(2)}, "untested:a asks"},
		{"scanner: much smaller", []evidence.Run{scan(1, "a fail 89", "b fail 22", "c fail 22"), scan(2, "b fail 22")}, "still:b untested:a untested:c asks"},
		{"scanner: small twice", []evidence.Run{scan(1, "a fail 89", "b fail 22", "c fail 22"), scan(2, "b fail 22"), scan(3, "b fail 22")}, "still:b untested:a untested:c asks"},
		{"scanner: set aside in the tool", []evidence.Run{scan(1, "a fail 89"), scan(2, "a suppressed 89")}, "passed:a"},
		{"unmatched", []evidence.Run{scan(1, "a fail 352")}, "unmatched:a"},
		{"ambiguous", []evidence.Run{scan(1, "a fail 79")}, "ambiguous:a"},
		{"unmatched passes are nothing", []evidence.Run{test(1, "a pass 352", "b pass")}, ""},
		{"older fail after newer pass", []evidence.Run{test(2, "a pass 89"), test(1, "a fail 89")}, ""},
	}
	for _, c := range cases {
		_, d := fold(evidence.Ledger{}, c.runs...)
		if got := words(d); got != c.want {
			t.Errorf("%s: diff = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFoldOtherSourcesAreLeftAlone(t *testing.T) {
	t.Parallel()
	l, _ := fold(evidence.Ledger{}, runOn(1, true, true, "a fail 89"))
	for _, change := range []func(*evidence.Run){
		func(r *evidence.Run) { r.Source = "other" },
		func(r *evidence.Run) { r.Branch = "feature" },
		func(r *evidence.Run) { r.Environment = "test" },
		func(r *evidence.Run) { r.Summary.RuleSet = "quick" },
		func(r *evidence.Run) { r.Summary.Tool = "another" },
		func(r *evidence.Run) { r.Summary.Targets = []string{"https://elsewhere.example"} },
	} {
		run := runOn(2, true, true, "b fail 22")
		change(&run)
		next, _ := evidence.Fold(l, run)
		i := slices.IndexFunc(next.Rows, func(r evidence.Row) bool { return r.Key == "a" })
		if got := next.Judge()[i]; got.Standing != evidence.Failing {
			t.Errorf("after a run of %+v tool %s rules %q: a is %s (%s), want failing", run.Scope, run.Summary.Tool, run.Summary.RuleSet, got.Standing, got.Reason)
		}
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	l, _ := fold(evidence.Ledger{}, runOn(1, true, true, "a fail 89"), runOn(2, true, true))
	for _, c := range []struct {
		d    evidence.Decision
		want evidence.Standing
	}{
		{evidence.Decision{Kind: evidence.Retested, Key: "a", Component: "api", At: day(3)}, evidence.Cleared},
		{evidence.Decision{Kind: evidence.Retested, Key: "a", Component: "api", At: day(0)}, evidence.Failing},
		{evidence.Decision{Kind: evidence.Retested, Key: "b", At: day(3)}, evidence.Failing},
		{evidence.Decision{Kind: evidence.RunConfirmed, Run: "run-02", At: day(3)}, evidence.Cleared},
		{evidence.Decision{Kind: evidence.RunConfirmed, Source: "ci", Run: "run-02", At: day(3)}, evidence.Cleared},
		{evidence.Decision{Kind: evidence.RunConfirmed, Source: "other", Run: "run-02", At: day(3)}, evidence.Failing},
		{evidence.Decision{Kind: evidence.SourceEnded, Source: "ci", At: day(3)}, evidence.Ended},
		{evidence.Decision{Kind: evidence.SourceEnded, Source: "other", At: day(3)}, evidence.Failing},
	} {
		l.Decisions = []evidence.Decision{c.d}
		if got := l.Judge()[0]; got.Standing != c.want || got.Reason == "" {
			t.Errorf("after %+v: a is %s (%s), want %s with a reason", c.d, got.Standing, got.Reason, c.want)
		}
	}
	l.Decisions = []evidence.Decision{{Kind: evidence.Retested, Key: "a", Component: "api", At: day(3)}}
	l, d := fold(l, runOn(4, true, true, "a fail 89"))
	if got := words(d); got != "reopened:a" || l.Judge()[0].Standing != evidence.Failing {
		t.Errorf("a fails again after a retest: diff %q, standing %s, want reopened and failing", got, l.Judge()[0].Standing)
	}
}

// Tools that share the id of a build do not share what is said of their runs.
func TestRunsOfOneIDAreApart(t *testing.T) {
	t.Parallel()
	other := runOn(2, true, true, "b fail 79")
	other.Source = "other"
	l, d := fold(evidence.Ledger{}, runOn(1, true, true, "a fail 89"), other, runOn(2, true, false))
	if len(d.Asks) != 1 || l.Judge()[0].Standing != evidence.Failing {
		t.Errorf("an incomplete run beside a whole one of its id asks %q and a is %s, want it to ask and a to fail", d.Asks, l.Judge()[0].Standing)
	}
	if _, d := fold(l, runOn(3, true, true, "a fail 89"), runOn(2, true, false)); len(d.Asks) != 0 {
		t.Errorf("the run again asks %q, want nothing", d.Asks)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		runs []evidence.Run
		now  int
		want model.Evidence // Verdict and Stale only
	}{
		{"by cwe fails", []evidence.Run{runOn(1, false, true, "a fail 89")}, 2, model.Evidence{Verdict: model.Fail}},
		{"never passes by cwe", []evidence.Run{runOn(1, false, true, "a fail 89"), runOn(2, false, true, "a pass 89")}, 3, model.Evidence{Verdict: model.Untested}},
		{"passes by reference", []evidence.Run{runOn(1, false, true, "a pass cwe-89")}, 2, model.Evidence{Verdict: model.Pass}},
		{"a stale pass", []evidence.Run{runOn(1, false, true, "a pass cwe-89")}, 92, model.Evidence{Verdict: model.Pass, Stale: true}},
		{"still fresh on the last day", []evidence.Run{runOn(1, false, true, "a pass cwe-89")}, 91, model.Evidence{Verdict: model.Pass}},
		{"a fail does not age", []evidence.Run{runOn(1, false, true, "a fail cwe-89")}, 400, model.Evidence{Verdict: model.Fail, Stale: true}},
		{"one fail beats passes", []evidence.Run{runOn(1, false, true, "a fail cwe-89"), runOn(2, false, true, "a fail cwe-89", "b pass cwe-89")}, 3, model.Evidence{Verdict: model.Fail}},
		{"gone is not passed", []evidence.Run{runOn(1, true, true, "a fail 89", "b fail 22"), runOn(2, true, true, "b fail 22")}, 3, model.Evidence{Verdict: model.Untested}},
	} {
		l, _ := fold(evidence.Ledger{}, c.runs...)
		got := evidence.Verdicts(shop(), l, day(c.now), evidence.Policy{}).Weaknesses["w-api-89"]
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(model.Evidence{}, "At", "Text")); diff != "" || got.Text == "" {
			t.Errorf("%s: verdict %+v (-want +got):\n%s", c.name, got, diff)
		}
	}
}

func TestMandatoryTests(t *testing.T) {
	t.Parallel()
	verdict := func(now int, runs ...evidence.Run) model.Verdict {
		l, _ := fold(evidence.Ledger{}, runs...)
		return evidence.Verdicts(shop(), l, day(now), evidence.Policy{}).Countermeasures["c-api-bind"].Verdict
	}
	if got := verdict(2, runOn(1, false, true, "a pass bind-parameters")); got != model.Untested {
		t.Errorf("without its mandatory test: %s, want untested", got)
	}
	if got := verdict(2, runOn(1, false, true, "a pass bind-parameters", "suite.must pass")); got != model.Pass {
		t.Errorf("with its mandatory test: %s, want pass", got)
	}
	if got := verdict(95, runOn(1, false, true, "suite.must pass"), runOn(94, false, true, "a pass bind-parameters")); got != model.Untested {
		t.Errorf("with a stale mandatory test: %s, want untested", got)
	}
	if got := verdict(2, runOn(1, false, true, "a pass bind-parameters", "suite.must fail")); got != model.Fail {
		t.Errorf("with its mandatory test failing: %s, want fail", got)
	}
}

func TestOnlyTheNamedBranchCounts(t *testing.T) {
	t.Parallel()
	run := runOn(1, false, true, "a fail 89")
	run.Branch = "feature"
	l, _ := fold(evidence.Ledger{}, run)
	if got := evidence.Verdicts(shop(), l, day(2), evidence.Policy{Branch: "main"}).Weaknesses; len(got) != 0 {
		t.Errorf("a failure on another branch moves %v, want nothing", got)
	}
	if got := evidence.Verdicts(shop(), l, day(2), evidence.Policy{}).Weaknesses["w-api-89"].Verdict; got != model.Fail {
		t.Errorf("a failure where any branch counts = %s, want fail", got)
	}
}

func TestRematch(t *testing.T) {
	t.Parallel()
	l, _ := fold(evidence.Ledger{}, runOn(1, true, true, "a fail 79"))
	pins := []evidence.Pin{{Tool: "tool", Rule: "a", Ref: "xss", Where: "web"}}
	l = evidence.Rematch(l, evidence.NewMatcher(shop(), pins, nil))
	if got := evidence.Verdicts(shop(), l, day(2), evidence.Policy{}).Weaknesses["w-web-79"].Verdict; got != model.Fail || len(l.Rows) != 1 {
		t.Errorf("after a pin: verdict %s with %d rows, want fail with 1", got, len(l.Rows))
	}
	l = evidence.Rematch(l, evidence.NewMatcher(shop(), []evidence.Pin{{Tool: "tool", Rule: "a", Refuse: true}}, nil))
	if got := evidence.Verdicts(shop(), l, day(2), evidence.Policy{}).Weaknesses; len(got) != 0 || l.Rows[0].State != evidence.Refused {
		t.Errorf("after a refusal: %v, state %s, want nothing, refused", got, l.Rows[0].State)
	}
}

// drawRuns draws runs of different times over a small set of tests and findings.
func drawRuns(t *rapid.T) []evidence.Run {
	shapes := []string{"a %s 89", "b %s cwe-89", "c %s cwe-89", "d %s 79", "e %s 22", "f %s CM-12", "g %s 352", "h %s 23 cwe-22"}
	var runs []evidence.Run
	for n := range rapid.IntRange(1, 7).Draw(t, "runs") {
		var results []string
		for i, s := range shapes {
			if v := rapid.SampledFrom([]string{"", "", "pass", "fail", "fail", "error", "not_run", "suppressed"}).Draw(t, fmt.Sprintf("%d-%d", n, i)); v != "" {
				results = append(results, fmt.Sprintf(s, v))
			}
		}
		run := runOn(n, rapid.Bool().Draw(t, "scanner"), rapid.IntRange(0, 3).Draw(t, "whole") > 0, results...)
		run.Source = rapid.SampledFrom([]string{"ci", "ci", "nightly"}).Draw(t, "source")
		runs = append(runs, run)
	}
	return runs
}

func TestFoldLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		runs := drawRuns(t)
		want, _ := fold(evidence.Ledger{}, runs...)
		shuffled := rapid.Permutation(runs).Draw(t, "order")
		got, _ := fold(evidence.Ledger{}, shuffled...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the order of uploads matters (-by time +shuffled):\n%s", diff)
		}
		if diff := cmp.Diff(want.Judge(), got.Judge()); diff != "" {
			t.Fatalf("the order of uploads matters to standings:\n%s", diff)
		}
		again := rapid.SampledFrom(runs).Draw(t, "again")
		repeated, d := evidence.Fold(want, again)
		if diff := cmp.Diff(want, repeated); diff != "" || !d.Repeat || words(d) != "" {
			t.Fatalf("folding %s again changes something (%+v):\n%s", again.ID, d, diff)
		}
		now := day(rapid.IntRange(0, 200).Draw(t, "now"))
		checkVerdicts(t, want, now)
	})
}

// checkVerdicts states the laws of section 5 against the rows, naively.
func checkVerdicts(t *rapid.T, l evidence.Ledger, now time.Time) {
	m := shop()
	verdicts := evidence.Verdicts(m, l, now, evidence.Policy{})
	judged := l.Judge()
	for _, w := range m.Weaknesses {
		failing, byRef := false, false
		for i, r := range l.Rows {
			for _, x := range r.Matches {
				if x.Weakness != w.ID {
					continue
				}
				failing = failing || judged[i].Standing == evidence.Failing
				byRef = byRef || judged[i].Standing == evidence.Passing && (x.Basis == evidence.ByReference || x.Basis == evidence.ByPin)
			}
		}
		want := model.Untested
		switch {
		case failing:
			want = model.Fail
		case byRef:
			want = model.Pass
		}
		got := verdicts.Weaknesses[w.ID].Verdict
		if got == "" {
			got = model.Untested
		}
		if got != want {
			t.Fatalf("verdict of %s = %s, want %s (failing %v, passing by reference %v)", w.ID, got, want, failing, byRef)
		}
	}
	for i, r := range l.Rows {
		if r.Verdict == evidence.Fail && !r.Suppressed && judged[i].Standing == evidence.Passing {
			t.Fatalf("row %s whose last verdict is fail is passing", r.Key)
		}
		if (r.State == evidence.Ambiguous || r.State == evidence.Unmatched) && len(r.Matches) > 0 {
			t.Fatalf("row %s is %s and matches %v", r.Key, r.State, r.Matches)
		}
	}
}
