package evidence

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// Run is one upload, ready to be folded in. Several uploads may be parts of one
// run (shards): they share ID, Scope and At and differ in Part.
type Run struct {
	Scope
	ID           string
	Part         string    // tells the uploads of one run apart: the content's hash
	At           time.Time // when the run took place; decides what is newer
	Summary      Summary
	Observations []Observation
}

// Item points at a row in a Diff.
type Item struct {
	Key       string          `json:"key"`
	Component model.ElementID `json:"component,omitempty"`
	ID        string          `json:"id"`
	Name      string          `json:"name,omitempty"`
	Standing  Standing        `json:"standing"`
	Reason    string          `json:"reason"`
	Matches   []Match         `json:"matches,omitempty"`
	Proposed  []Match         `json:"proposed,omitempty"`
}

// Diff is the answer to an upload: what it changed. The first four lists hold
// rows that are evidence of something; Unmatched and Ambiguous failures wait for a person.
type Diff struct {
	Repeat       bool     `json:"repeat"` // this very upload had been folded in before: nothing changed
	New          []Item   `json:"new"`
	StillFailing []Item   `json:"still_failing"`
	PassedNow    []Item   `json:"passed_now"` // failed before; passed, or is gone by the rules
	Reopened     []Item   `json:"reopened"`   // passed or was gone before; fails
	NotTestedNow []Item   `json:"not_tested_now"`
	Unmatched    []Item   `json:"unmatched"`
	Ambiguous    []Item   `json:"ambiguous"`
	Asks         []string `json:"asks,omitempty"` // what was not concluded and needs a person's word
}

// Fold adds a run to a ledger and says what changed. It is pure: l is not modified. The result does not
// depend on the order in which runs are folded in; folding the same part of a run again changes
// nothing; an older run never overwrites what a newer one said; error and not_run replace no verdict.
func Fold(l Ledger, run Run) (Ledger, Diff) {
	before := newJudge(&l)
	next := Ledger{Rows: slices.Clone(l.Rows), Runs: slices.Clone(l.Runs), Decisions: l.Decisions}
	if !next.record(&run) {
		return l, Diff{Repeat: true}
	}
	index := make(map[rowID]int, len(next.Rows))
	for i := range next.Rows {
		index[next.Rows[i].id()] = i
	}
	touched := map[rowID]bool{}
	for i := range run.Observations {
		for _, row := range rowsOf(&run, &run.Observations[i]) {
			id := row.id()
			touched[id] = true
			if at, known := index[id]; known {
				next.Rows[at] = merge(next.Rows[at], row)
			} else {
				index[id] = len(next.Rows)
				next.Rows = append(next.Rows, row)
			}
		}
	}
	slices.SortFunc(next.Rows, compareRows)
	return next, compare(before, &next, &run, touched)
}

// record adds the run to the ledger's runs; false where this part is known.
func (l *Ledger) record(run *Run) bool {
	s := &run.Summary
	rec := RunRecord{
		Scope: run.Scope, ID: run.ID, Parts: []string{run.Part}, At: run.At, Tool: s.Tool, RuleSet: s.RuleSet,
		Targets: slices.Sorted(slices.Values(s.Targets)), Scanner: !s.Declarable, Complete: s.Complete, Reasons: s.Reasons, Counts: s.Counts,
	}
	for i := range l.Runs {
		old := &l.Runs[i]
		if old.ID != run.ID || old.Scope != run.Scope {
			continue
		}
		if slices.Contains(old.Parts, run.Part) {
			return false
		}
		merged := *old
		merged.Parts = sortedUnion(old.Parts, rec.Parts)
		merged.Targets = sortedUnion(old.Targets, rec.Targets)
		merged.Reasons = sortedUnion(old.Reasons, rec.Reasons)
		merged.Tool, merged.RuleSet = max(old.Tool, rec.Tool), max(old.RuleSet, rec.RuleSet)
		merged.Scanner, merged.Complete = old.Scanner && rec.Scanner, old.Complete && rec.Complete
		if rec.At.Before(merged.At) {
			merged.At = rec.At
		}
		merged.Counts.Fail += rec.Counts.Fail
		merged.Counts.Pass += rec.Counts.Pass
		merged.Counts.Error += rec.Counts.Error
		merged.Counts.NotRun += rec.Counts.NotRun
		l.Runs[i] = merged
		slices.SortFunc(l.Runs, compareRuns)
		return true
	}
	l.Runs = append(l.Runs, rec)
	slices.SortFunc(l.Runs, compareRuns)
	return true
}

func sortedUnion(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

// rowsOf returns the rows that an observation speaks for: one per component
// that it matches, else one that waits. What could never be evidence leaves none.
func rowsOf(run *Run, o *Observation) []Row {
	r := &o.Result
	if r.Verdict != Fail && len(o.Matches) == 0 && len(r.CWEs) == 0 && len(r.Refs) == 0 {
		return nil
	}
	base := Row{
		Scope: run.Scope, Key: r.Key, Tool: run.Summary.Tool, RuleSet: run.Summary.RuleSet, Target: targetOf(run, r), FirstAt: run.At,
		Attempt: r.Verdict, AttemptAt: run.At, AttemptRun: run.ID, Result: *r, State: o.State, Reason: o.Reason, Proposed: o.Proposed,
	}
	if r.Verdict.Conclusive() {
		base.Verdict, base.VerdictAt, base.VerdictRun, base.Suppressed = r.Verdict, run.At, run.ID, r.Suppressed
	}
	return spread(base, o.Matches)
}

// spread returns a row per component of the matches, which are sorted by it; without any, the row itself.
func spread(base Row, matches []Match) []Row {
	base.Component, base.Matches = "", nil
	if len(matches) == 0 {
		return []Row{base}
	}
	var rows []Row
	for _, m := range matches {
		if n := len(rows); n > 0 && rows[n-1].Component == m.Where {
			rows[n-1].Matches = append(rows[n-1].Matches, m)
			continue
		}
		row := base
		row.Component, row.Matches = m.Where, []Match{m}
		rows = append(rows, row)
	}
	return rows
}

// Rematch applies a changed model or changed pins to evidence that is already
// there: every row is matched again as if its result had just arrived, and keeps its verdict and times.
func Rematch(l Ledger, m *Matcher) Ledger {
	next := Ledger{Runs: l.Runs, Decisions: l.Decisions, Rows: make([]Row, 0, len(l.Rows))}
	index := map[rowID]int{}
	for _, row := range l.Rows {
		res := row.Result
		if row.Verdict == Fail {
			res.Verdict = Fail // a test that did not run this time still failed before, and matches as that
		}
		o := m.Match(row.Tool, res)
		row.State, row.Reason, row.Proposed = o.State, o.Reason, o.Proposed
		for _, r := range spread(row, o.Matches) {
			if at, known := index[r.id()]; known {
				next.Rows[at] = merge(next.Rows[at], r)
				continue
			}
			index[r.id()] = len(next.Rows)
			next.Rows = append(next.Rows, r)
		}
	}
	slices.SortFunc(next.Rows, compareRows)
	return next
}

// targetOf is the target of a result: the site it names, or the run's only one.
func targetOf(run *Run, r *Result) string {
	t := run.Summary.Targets
	if len(r.Suite) > 0 && slices.Contains(t, r.Suite[0]) {
		return r.Suite[0]
	}
	if len(t) == 1 {
		return t[0]
	}
	return ""
}

// merge joins two states of one row: per part the newer wins, and at the same
// time the worse. It is commutative, associative and idempotent.
func merge(a, b Row) Row {
	if newerAttempt(b, a) {
		a, b = b, a
	}
	if newerVerdict(b, a) {
		a.Verdict, a.VerdictAt, a.VerdictRun, a.Suppressed = b.Verdict, b.VerdictAt, b.VerdictRun, b.Suppressed
	}
	if b.FirstAt.Before(a.FirstAt) {
		a.FirstAt = b.FirstAt
	}
	return a
}

var worseness = map[Outcome]int{"": 0, NotRun: 1, Error: 2, Pass: 3, Fail: 4}

func newerAttempt(a, b Row) bool {
	return cmp.Or(a.AttemptAt.Compare(b.AttemptAt), cmp.Compare(worseness[a.Attempt], worseness[b.Attempt]), cmp.Compare(a.AttemptRun, b.AttemptRun)) > 0
}

func newerVerdict(a, b Row) bool {
	open := func(r Row) int {
		if r.Suppressed {
			return 0
		}
		return worseness[r.Verdict]
	}
	return cmp.Or(a.VerdictAt.Compare(b.VerdictAt), cmp.Compare(open(a), open(b)), cmp.Compare(a.VerdictRun, b.VerdictRun)) > 0
}

// compare lists what the run changed, row by row in canonical order.
func compare(before *judge, l *Ledger, run *Run, touched map[rowID]bool) Diff {
	after := newJudge(l)
	var d Diff
	missing := 0
	for i := range l.Rows {
		r := &l.Rows[i]
		if r.Scope != run.Scope {
			continue
		}
		now, why := after.standing(r)
		was := Standing("")
		if old := before.rows[r.id()]; old != nil {
			was, _ = before.standing(old)
		}
		item := Item{Key: r.Key, Component: r.Component, ID: r.Result.ID, Name: r.Result.Name, Standing: now, Reason: why, Matches: r.Matches}
		seen := touched[r.id()]
		inRun := seen && r.AttemptRun == run.ID
		if len(r.Matches) == 0 {
			if inRun && now == Failing {
				item.Reason, item.Proposed = r.Reason, r.Proposed
				switch r.State {
				case Ambiguous:
					d.Ambiguous = append(d.Ambiguous, item)
				case Unmatched:
					d.Unmatched = append(d.Unmatched, item)
				}
			}
			continue
		}
		switch {
		case now == Failing && (was == Passing || was == Cleared):
			d.Reopened = append(d.Reopened, item)
		case now == Failing && was == Failing && inRun && r.Attempt == Fail:
			d.StillFailing = append(d.StillFailing, item)
		case now == Failing && was != Failing:
			d.New = append(d.New, item)
		case was == Failing && now != Failing:
			d.PassedNow = append(d.PassedNow, item)
		case was != "" && was != Ended && now != Cleared && (!seen || inRun && !r.Attempt.Conclusive()):
			d.NotTestedNow = append(d.NotTestedNow, item)
			if now == Failing && !seen {
				missing++
			}
		}
	}
	if why := after.verdicts[runID{run.Scope, run.ID}]; why != "" && missing > 0 && !run.Summary.Declarable {
		d.Asks = append(d.Asks, fmt.Sprintf("%d failures of this source are not in run %s; they stay open because %s: confirm the run if it is whole", missing, run.ID, why))
	}
	return d
}
