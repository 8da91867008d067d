package app

import (
	"fmt"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
)

// testCauses says in a clause each what evidence did that lowers ratings, and
// what it did that raises them; "" where it did nothing of the kind. What a report
// counts does not say that: a threat falls when the last failure of many goes, in
// a report that may count other failures only.
func testCauses(m *model.Model, was, now model.Verdicts) (better, worse string) {
	passes := func(e model.Evidence) bool { return e.Verdict == model.Pass && !e.Stale }
	fails := func(e model.Evidence) bool { return e.Verdict == model.Fail }
	var proven, unproven, broken, found, gone []string
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		old, e := was.Countermeasures[c.ID], now.Countermeasures[c.ID]
		switch {
		case c.Retired != nil:
		case passes(e) && !passes(old):
			proven = append(proven, c.Title)
		case fails(e) && !fails(old):
			broken = append(broken, c.Title)
		case passes(old) && !passes(e):
			unproven = append(unproven, c.Title)
		}
	}
	for i := range m.Weaknesses {
		w := &m.Weaknesses[i]
		old, e := was.Weaknesses[w.ID], now.Weaknesses[w.ID]
		switch {
		case w.Retired != nil:
		case fails(e) && !fails(old):
			found = append(found, w.Title)
		case fails(old) && !fails(e):
			gone = append(gone, w.Title)
		}
	}
	type clause struct {
		titles    []string
		one, many string
	}
	first := func(clauses ...clause) string {
		for _, c := range clauses {
			switch n := len(c.titles); n {
			case 0:
			case 1:
				return fmt.Sprintf("“%s” %s", c.titles[0], c.one)
			default:
				return fmt.Sprintf("“%s” and %d more %s", c.titles[0], n-1, c.many)
			}
		}
		return ""
	}
	return first(clause{proven, "is proven", "are proven"}, clause{gone, "is no longer found", "are no longer found"}),
		first(clause{found, "was found", "were found"}, clause{broken, "does not hold", "do not hold"}, clause{unproven, "is no longer proven", "are no longer proven"})
}

// movedBy returns what to say of the cause of a move: for what tests moved, what
// they did in the direction of the move, else the cause of the change.
func (ch *changing) movedBy(was, now model.Verdicts) func(before, after risk.Figures) string {
	if ch.tested == "" {
		return func(risk.Figures, risk.Figures) string { return ch.cause.Text }
	}
	better, worse := testCauses(ch.model, was, now)
	return func(before, after risk.Figures) string {
		did := worse
		if after.Current < before.Current || after.Current == before.Current && after.Verified < before.Verified {
			did = better
		}
		if did == "" {
			return ch.cause.Text
		}
		return ch.tested + ": " + did
	}
}
