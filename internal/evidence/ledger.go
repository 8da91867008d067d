package evidence

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// Scope separates evidence that must not mix. A result replaces only what the
// same source said about the same branch and environment.
type Scope struct {
	Product     model.ProductID `json:"product"`
	Branch      string          `json:"branch,omitempty"`
	Environment string          `json:"environment,omitempty"`
	Source      string          `json:"source"` // the tool, test suite and configuration, named by the sender
}

// Row is the evidence of one test or finding at one component.
type Row struct {
	Scope
	Key       string          `json:"key"`                 // Result.Key
	Component model.ElementID `json:"component,omitempty"` // "" while nothing matches
	Tool      string          `json:"tool"`
	RuleSet   string          `json:"rule_set,omitempty"`
	Target    string          `json:"target,omitempty"`
	FirstAt   time.Time       `json:"first_at"` // first observed

	// The last conclusive verdict, pass or fail; "" while there is none.
	Verdict    Outcome   `json:"verdict,omitempty"`
	VerdictAt  time.Time `json:"verdict_at,omitzero"`
	VerdictRun string    `json:"verdict_run,omitempty"`
	Suppressed bool      `json:"suppressed,omitempty"` // the tool or its auditor set the failure aside

	// The last attempt of any kind, and what it said.
	Attempt    Outcome   `json:"attempt"`
	AttemptAt  time.Time `json:"attempt_at"`
	AttemptRun string    `json:"attempt_run"`
	Result     Result    `json:"result"`
	State      State     `json:"state"`
	Reason     string    `json:"reason,omitempty"`
	Matches    []Match   `json:"matches,omitempty"` // all at Component
	Proposed   []Match   `json:"proposed,omitempty"`
}

// RunRecord remembers a run, so that what is absent from it can be judged
// whatever the order in which runs arrive.
type RunRecord struct {
	Scope
	ID       string    `json:"id"`
	Parts    []string  `json:"parts"`
	At       time.Time `json:"at"`
	Tool     string    `json:"tool"`
	RuleSet  string    `json:"rule_set,omitempty"`
	Targets  []string  `json:"targets,omitempty"`
	Scanner  bool      `json:"scanner"`  // its report lists findings, so that absence can mean gone
	Complete bool      `json:"complete"` // no sign to the contrary in any part
	Reasons  []string  `json:"reasons,omitempty"`
	Counts   Counts    `json:"counts"`
}

// DecisionKind is what a person may decide about evidence, apart from pins.
type DecisionKind string

// The kinds of decisions.
const (
	Retested     DecisionKind = "retest"        // Key (at Component): looked at again and fixed
	SourceEnded  DecisionKind = "source_ended"  // Source: its evidence up to now no longer counts
	RunConfirmed DecisionKind = "run_confirmed" // Run, of a scanner (of Source, or of each that has it): it is whole, what it lacks is gone
)

// Decision is a person's word with a reason; it holds for what was observed up to its time.
type Decision struct {
	Kind      DecisionKind    `json:"kind"`
	Source    string          `json:"source,omitempty"`
	Key       string          `json:"key,omitempty"`
	Component model.ElementID `json:"component,omitempty"`
	Run       string          `json:"run,omitempty"`
	By        string          `json:"by"`
	At        time.Time       `json:"at"`
	Reason    string          `json:"reason"`
}

// Ledger is the evidence of a product, or of a part of it that is closed under
// Scope. Rows and Runs are in canonical order after Fold. What a row means now follows from the whole:
// ask Judge.
type Ledger struct {
	Rows      []Row       `json:"rows"`
	Runs      []RunRecord `json:"runs"`
	Decisions []Decision  `json:"decisions,omitempty"`
}

// Standing is what a row says now.
type Standing string

// The standings of a row. Only Failing contradicts, only Passing can verify.
const (
	Failing   Standing = "failing"
	Passing   Standing = "passing"
	Cleared   Standing = "cleared"    // a failure that is gone
	SetAside  Standing = "suppressed" // a failure that the tool's auditor set aside
	NotTested Standing = "not_tested" // no conclusive verdict yet
	Ended     Standing = "ended"      // its source was retired
)

type rowID struct {
	Scope
	key       string
	component model.ElementID
}

func (r *Row) id() rowID { return rowID{r.Scope, r.Key, r.Component} }

// judge answers for the rows of one ledger.
type judge struct {
	rows      map[rowID]*Row
	closers   map[Scope][]RunRecord
	complete  map[Scope]map[string]bool   // run id -> no sign of incompleteness
	passes    map[Scope]map[string][]*Row // by reference: in runs that are whole, newest first
	decisions []Decision
	confirmed map[confirmation]bool
	verdicts  map[runID]string // why a run closes nothing, "" where it does
}

// runID names a run: tools that share a build may share the id of their runs.
type runID struct {
	Scope
	run string
}

// confirmation is what RunConfirmed names; source "" is every one.
type confirmation struct{ run, source string }

func newJudge(l *Ledger) *judge {
	j := &judge{
		rows: map[rowID]*Row{}, closers: map[Scope][]RunRecord{}, complete: map[Scope]map[string]bool{},
		passes: map[Scope]map[string][]*Row{}, decisions: l.Decisions, confirmed: map[confirmation]bool{}, verdicts: map[runID]string{},
	}
	for i := range l.Decisions {
		if d := &l.Decisions[i]; d.Kind == RunConfirmed {
			j.confirmed[confirmation{d.Run, d.Source}] = true
		}
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		j.rows[r.id()] = r
		if r.Verdict == Pass {
			for _, ref := range references(r) {
				if j.passes[r.Scope] == nil {
					j.passes[r.Scope] = map[string][]*Row{}
				}
				j.passes[r.Scope][ref] = append(j.passes[r.Scope][ref], r)
			}
		}
	}
	j.judgeRuns(l.Runs)
	for _, refs := range j.passes {
		for ref, rows := range refs {
			rows = slices.DeleteFunc(rows, func(r *Row) bool { return !j.complete[r.Scope][r.VerdictRun] })
			slices.SortFunc(rows, func(a, b *Row) int { return cmp.Or(b.VerdictAt.Compare(a.VerdictAt), compareRows(*a, *b)) })
			refs[ref] = rows
		}
	}
	return j
}

// stream separates runs that may be compared: one scope, tool, rule set and target list.
type stream struct {
	Scope
	tool, ruleSet, targets string
}

// judgeRuns decides, in the order of time, which runs may close what they lack.
// The baseline is the last that did: two small runs in a row do not excuse each other.
func (j *judge) judgeRuns(runs []RunRecord) {
	runs = slices.Clone(runs)
	slices.SortFunc(runs, compareRuns)
	baseline := map[stream]int{}
	for _, r := range runs {
		if j.complete[r.Scope] == nil {
			j.complete[r.Scope] = map[string]bool{}
		}
		j.complete[r.Scope][r.ID] = r.Complete
		targets := slices.Sorted(slices.Values(r.Targets))
		s := stream{r.Scope, strings.ToLower(r.Tool), r.RuleSet, strings.Join(targets, "\x00")}
		total := r.Counts.Total()
		why := ""
		switch {
		case !r.Scanner:
			why = "a test run lists only what it ran"
		case j.confirmed[confirmation{r.ID, ""}], j.confirmed[confirmation{r.ID, r.Source}]:
		case !r.Complete:
			why = "the run is incomplete: " + strings.Join(r.Reasons, "; ")
		case total == 0:
			why = "the run is empty"
		case 2*total < baseline[s]:
			why = "the run has less than half of the results of the one before"
		}
		j.verdicts[runID{r.Scope, r.ID}] = why
		if why == "" {
			baseline[s] = total
			j.closers[r.Scope] = append(j.closers[r.Scope], r)
		} else {
			baseline[s] = max(baseline[s], total)
		}
	}
}

// standing concludes what a row says, with the reason.
func (j *judge) standing(r *Row) (Standing, string) {
	for _, d := range j.decisions {
		if d.Kind == SourceEnded && d.Source == r.Source && !d.At.Before(r.AttemptAt) {
			return Ended, because("the source was retired by "+d.By, d.Reason)
		}
	}
	switch {
	case r.Verdict == "":
		return NotTested, "it has not run to a conclusion yet"
	case r.Verdict == Pass:
		return Passing, "passed in run " + r.VerdictRun
	case r.Suppressed:
		return SetAside, "set aside in the tool in run " + r.VerdictRun
	}
	for _, d := range j.decisions {
		if d.Kind == Retested && d.Key == r.Key && d.Component == r.Component && d.At.After(r.VerdictAt) {
			return Cleared, because("retested by "+d.By, d.Reason)
		}
	}
	if r.Component != "" {
		// A pass names no place where it matches nothing explicitly; it is still the same test.
		if twin := j.rows[rowID{r.Scope, r.Key, ""}]; twin != nil && twin.Verdict == Pass && twin.VerdictAt.After(r.VerdictAt) {
			return Cleared, "the same test passed in run " + twin.VerdictRun
		}
	}
	for _, run := range j.closers[r.Scope] {
		if run.At.After(r.AttemptAt) && covers(&run, r) {
			return Cleared, "absent from the complete run " + run.ID
		}
	}
	for _, ref := range references(r) {
		for _, other := range j.passes[r.Scope][ref] {
			if !other.VerdictAt.After(r.AttemptAt) {
				break // the newest come first
			}
			if other.Key != r.Key {
				return Cleared, "it is gone, and " + other.Result.ID + " with the same reference passed in run " + other.VerdictRun
			}
		}
	}
	return Failing, "failed in run " + r.VerdictRun
}

// covers reports whether a run would have shown the row's finding: same tool, rule set and target.
func covers(run *RunRecord, r *Row) bool {
	if !strings.EqualFold(run.Tool, r.Tool) || run.RuleSet != r.RuleSet {
		return false
	}
	if r.Target == "" {
		return len(run.Targets) == 0
	}
	return slices.Contains(run.Targets, r.Target)
}

// references are the explicit references of a row's test, lower case.
func references(r *Row) []string {
	out := make([]string, 0, len(r.Result.Refs))
	for _, ref := range r.Result.Refs {
		out = append(out, strings.ToLower(ref))
	}
	return out
}

// Judge returns what each row says now and why, in the order of l.Rows.
func (l Ledger) Judge() []Judgement {
	j := newJudge(&l)
	out := make([]Judgement, len(l.Rows))
	for i := range l.Rows {
		s, why := j.standing(&l.Rows[i])
		out[i] = Judgement{Standing: s, Reason: why}
	}
	return out
}

// Judgement is a row's standing with its reason.
type Judgement struct {
	Standing Standing `json:"standing"`
	Reason   string   `json:"reason"`
}

func compareScopes(a, b Scope) int {
	return cmp.Or(cmp.Compare(a.Product, b.Product), cmp.Compare(a.Branch, b.Branch), cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Source, b.Source))
}

func compareRows(a, b Row) int {
	return cmp.Or(compareScopes(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Component, b.Component))
}

func compareRuns(a, b RunRecord) int {
	return cmp.Or(a.At.Compare(b.At), compareScopes(a.Scope, b.Scope), cmp.Compare(a.ID, b.ID))
}
