package evidence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// Policy says which evidence counts for a product, and for how long.
type Policy struct {
	Branch      string                   // only this branch moves ratings; "" is any
	Environment string                   // only this environment; "" is any
	Fresh       time.Duration            // how long a pass verifies; 0 is 90 days
	FreshOf     map[string]time.Duration // by source, where it differs
}

// DefaultFresh is how long a pass verifies where nothing else is set.
const DefaultFresh = 90 * 24 * time.Hour

func (p *Policy) fresh(source string) time.Duration {
	if d, ok := p.FreshOf[source]; ok && d > 0 {
		return d
	}
	if p.Fresh > 0 {
		return p.Fresh
	}
	return DefaultFresh
}

func (p *Policy) counts(r *Row) bool {
	return (p.Branch == "" || p.Branch == r.Branch) && (p.Environment == "" || p.Environment == r.Environment)
}

// Verdicts concludes what the evidence says about every weakness and
// countermeasure of the model that it touches: any failing row is a fail; else a pass that
// somebody tied to it by reference or pin is a pass, stale once it is older than the policy allows;
// else it is untested, and absent from the answer unless a mandatory test is missing. A countermeasure with mandatory tests
// passes only when each of them does. A pass is never concluded from a CWE alone.
func Verdicts(m *model.Model, l Ledger, now time.Time, p Policy) model.Verdicts {
	j := newJudge(&l)
	bySubject := map[Subject][]*Row{}
	for i := range l.Rows {
		r := &l.Rows[i]
		if !p.counts(r) {
			continue
		}
		for _, x := range r.Matches {
			bySubject[x.Subject] = append(bySubject[x.Subject], r)
		}
	}
	out := model.Verdicts{Weaknesses: map[model.WeaknessID]model.Evidence{}, Countermeasures: map[model.CountermeasureID]model.Evidence{}}
	for _, w := range m.Weaknesses {
		if rows := bySubject[Subject{Weakness: w.ID}]; len(rows) > 0 {
			out.Weaknesses[w.ID] = j.verdict(Subject{Weakness: w.ID}, rows, nil, now, &p)
		}
	}
	for _, c := range m.Countermeasures {
		if rows := bySubject[Subject{Countermeasure: c.ID}]; len(rows) > 0 {
			out.Countermeasures[c.ID] = j.verdict(Subject{Countermeasure: c.ID}, rows, c.Mandatory, now, &p)
		}
	}
	return out
}

// verdict concludes over the rows of one subject.
func (j *judge) verdict(s Subject, rows []*Row, mandatory []string, now time.Time, p *Policy) model.Evidence {
	var fail, pass *Row
	fails := 0
	fresh := func(r *Row) bool { return !now.After(r.VerdictAt.Add(p.fresh(r.Source))) }
	met := map[string]bool{}
	for _, r := range rows {
		standing, _ := j.standing(r)
		switch {
		case standing == Failing:
			fails++
			if fail == nil || r.VerdictAt.After(fail.VerdictAt) {
				fail = r
			}
		case standing == Passing && explicit(r, s):
			if pass == nil || r.VerdictAt.After(pass.VerdictAt) {
				pass = r
			}
			if fresh(r) {
				for _, name := range mandatory {
					if strings.EqualFold(r.Result.ID, name) || slices.ContainsFunc(r.Result.Refs, func(ref string) bool { return strings.EqualFold(ref, name) }) {
						met[name] = true
					}
				}
			}
		}
	}
	if fail != nil {
		text := fmt.Sprintf("%s failed in run %s of %s (%s)", fail.Result.ID, fail.VerdictRun, fail.Source, reasonFor(fail, s))
		if fails > 1 {
			text += fmt.Sprintf(", and %d more", fails-1)
		}
		return model.Evidence{Verdict: model.Fail, Stale: !fresh(fail), At: fail.VerdictAt, Text: text}
	}
	if pass == nil {
		at, text := rows[0].AttemptAt, "no test that refers to it has passed"
		for _, r := range rows {
			if r.AttemptAt.After(at) {
				at = r.AttemptAt
			}
		}
		return model.Evidence{Verdict: model.Untested, At: at, Text: text}
	}
	for _, name := range mandatory {
		if !met[name] {
			return model.Evidence{Verdict: model.Untested, At: pass.VerdictAt, Text: fmt.Sprintf("the mandatory test %q has not passed, or not lately", name)}
		}
	}
	e := model.Evidence{Verdict: model.Pass, At: pass.VerdictAt, Stale: !fresh(pass)}
	e.Text = fmt.Sprintf("%s passed in run %s of %s (%s)", pass.Result.ID, pass.VerdictRun, pass.Source, reasonFor(pass, s))
	if e.Stale {
		e.Text += fmt.Sprintf("; older than %d days", int(p.fresh(pass.Source).Hours()/24))
	}
	return e
}

func explicit(r *Row, s Subject) bool {
	return slices.ContainsFunc(r.Matches, func(m Match) bool { return m.Subject == s && m.Basis.Explicit() })
}

func reasonFor(r *Row, s Subject) string {
	for _, m := range r.Matches {
		if m.Subject == s {
			return m.Reason
		}
	}
	return ""
}
