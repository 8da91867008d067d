package generate

import (
	"cmp"
	"slices"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// CoverageStatus says how far a clause of a standard is kept.
type CoverageStatus string

// The statuses, worst first; a clause has the worst of the countermeasures that serve it.
const (
	Gap           CoverageStatus = "gap"            // nothing serves it, or only what is recommended or rejected
	Planned       CoverageStatus = "planned"        // required and not done, or said to be done and contradicted by evidence
	Implemented   CoverageStatus = "implemented"    // said to be done
	Proven        CoverageStatus = "proven"         // shown by evidence that is fresh
	NotApplicable CoverageStatus = "not-applicable" // a person said so of everything that serves it
)

// StandardCoverage tells clause by clause how far a product keeps a standard.
type StandardCoverage struct {
	Standard string           `json:"standard"`
	Name     string           `json:"name"`
	Version  string           `json:"version,omitempty"`
	Level    int              `json:"level,omitempty"` // clauses above it are left out; 0 is all
	Applied  bool             `json:"applied"`         // the product keeps the standard, at whatever level
	Clauses  []ClauseCoverage `json:"clauses"`         // in order of library.CompareClauses
	Totals   CoverageTotals   `json:"totals"`
	// Undeclared are clauses that countermeasures of the product name and the standard does not have, sorted.
	Undeclared []string `json:"undeclared,omitempty"`
}

// CoverageTotals counts clauses by status; they add up to Clauses.
type CoverageTotals struct {
	Clauses       int `json:"clauses"`
	Gap           int `json:"gap"`
	Planned       int `json:"planned"`
	Implemented   int `json:"implemented"`
	Proven        int `json:"proven"`
	NotApplicable int `json:"not_applicable"`
}

// ClauseCoverage is one clause with what serves it in the product.
type ClauseCoverage struct {
	ID              string                   `json:"id"`
	Title           string                   `json:"title"`
	Level           int                      `json:"level,omitempty"`
	Status          CoverageStatus           `json:"status"`
	Countermeasures []CountermeasureCoverage `json:"countermeasures,omitempty"` // in order of places, refs and ids
	// Library are the refs of the library's countermeasures that serve the clause, sorted: what could fill a gap.
	Library []string `json:"library,omitempty"`
}

// CountermeasureCoverage is a countermeasure that serves a clause, where it stands.
type CountermeasureCoverage struct {
	ID      model.CountermeasureID `json:"id"`
	Ref     string                 `json:"ref"`
	Title   string                 `json:"title"`
	Where   model.ElementID        `json:"where"`
	State   model.State            `json:"state"`
	Verdict model.Verdict          `json:"verdict"`            // of its own evidence
	Stale   bool                   `json:"stale,omitempty"`    // a pass that is too old to prove anything
	Failing []model.WeaknessID     `json:"failing,omitempty"`  // its weaknesses that evidence shows to be present, sorted
	Text    string                 `json:"evidence,omitempty"` // which test or rule, in which run
	Status  CoverageStatus         `json:"status"`
}

// Coverage tells how far the model keeps a standard of the library up to a level
// (0 is all of it); nil where the library has no such standard. Retired countermeasures count nowhere, those that a person or a
// file brought count like those of rules. What evidence says counts as in ratings: a fail on a countermeasure or on a weakness that it
// is linked to takes the claim back, a fresh pass proves it.
func Coverage(lib *library.Library, m *model.Model, standard string, level int, verdicts model.Verdicts) *StandardCoverage {
	s := lib.Standard(standard)
	if s == nil {
		return nil
	}
	out := &StandardCoverage{Standard: s.Ref, Name: s.Name, Version: s.Version, Level: level, Clauses: []ClauseCoverage{}}
	for _, as := range m.Product.Standards {
		ref, _, _ := model.ParseStandard(as)
		out.Applied = out.Applied || ref == standard
	}
	could := libraryServes(lib, standard)
	serving := map[string][]CountermeasureCoverage{}
	failing := failingWeaknesses(m, verdicts)
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		if c.Retired != nil {
			continue
		}
		var one CountermeasureCoverage
		seen := map[string]bool{}
		for _, clause := range c.Standards {
			if clause.Standard != standard || seen[clause.Clause] {
				continue
			}
			seen[clause.Clause] = true
			if one.ID == "" {
				one = coverOne(c, verdicts.Countermeasures[c.ID], failing[c.ID])
			}
			serving[clause.Clause] = append(serving[clause.Clause], one)
		}
	}
	for id := range serving {
		if s.Clause(id) == nil {
			out.Undeclared = append(out.Undeclared, id)
		}
	}
	slices.SortFunc(out.Undeclared, library.CompareClauses)
	for i := range s.Clauses {
		c := &s.Clauses[i]
		if !(applied{standard: s, level: level}).counts(c) {
			continue
		}
		list := serving[c.ID]
		slices.SortFunc(list, func(a, b CountermeasureCoverage) int {
			return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.ID, b.ID))
		})
		clause := ClauseCoverage{ID: c.ID, Title: c.Title, Level: c.Level, Status: statusOf(list), Countermeasures: list, Library: could[c.ID]}
		out.Totals.count(clause.Status)
		out.Clauses = append(out.Clauses, clause)
	}
	return out
}

// libraryServes returns the refs of the library's countermeasures by the clause that they serve.
func libraryServes(lib *library.Library, standard string) map[string][]string {
	could := map[string][]string{}
	for i := range lib.Patterns {
		for _, c := range lib.Patterns[i].Countermeasures {
			for _, clause := range c.Standards {
				if clause.Standard == standard {
					could[clause.Clause] = append(could[clause.Clause], c.Ref)
				}
			}
		}
	}
	for id, refs := range could {
		slices.Sort(refs)
		could[id] = slices.Compact(refs)
	}
	return could
}

// failingWeaknesses returns the weaknesses with a fail by the countermeasures that are linked to them.
func failingWeaknesses(m *model.Model, verdicts model.Verdicts) map[model.CountermeasureID][]model.WeaknessID {
	all := map[model.CountermeasureID][]model.WeaknessID{}
	for i := range m.Links {
		l := &m.Links[i]
		if l.Retired == nil && l.Countermeasure != "" && l.Weakness != "" && verdicts.Weaknesses[l.Weakness].Verdict == model.Fail {
			all[l.Countermeasure] = append(all[l.Countermeasure], l.Weakness)
		}
	}
	for id, list := range all {
		slices.Sort(list)
		all[id] = slices.Compact(list)
	}
	return all
}

func coverOne(c *model.Countermeasure, e model.Evidence, failing []model.WeaknessID) CountermeasureCoverage {
	one := CountermeasureCoverage{
		ID: c.ID, Ref: c.Ref, Title: c.Title, Where: c.Where, State: c.State,
		Verdict: cmp.Or(e.Verdict, model.Untested), Stale: e.Stale, Failing: failing, Text: e.Text,
	}
	contradicted := e.Verdict == model.Fail || len(failing) > 0
	switch {
	case c.State == model.StateNotApplicable:
		one.Status = NotApplicable
	case c.State == model.Rejected:
		one.Status = Gap
	case !contradicted && e.Verdict == model.Pass && !e.Stale:
		one.Status = Proven
	case c.State == model.Implemented && !contradicted:
		one.Status = Implemented
	case c.State == model.Implemented || c.State == model.Required:
		one.Status = Planned
	default:
		one.Status = Gap
	}
	return one
}

// statusOf is the worst of all that applies.
func statusOf(list []CountermeasureCoverage) CoverageStatus {
	if len(list) == 0 {
		return Gap
	}
	order := []CoverageStatus{Gap, Planned, Implemented, Proven, NotApplicable}
	worst := len(order) - 1
	for _, c := range list {
		worst = min(worst, slices.Index(order, c.Status))
	}
	return order[worst]
}

func (t *CoverageTotals) count(s CoverageStatus) {
	t.Clauses++
	switch s {
	case Gap:
		t.Gap++
	case Planned:
		t.Planned++
	case Implemented:
		t.Implemented++
	case Proven:
		t.Proven++
	case NotApplicable:
		t.NotApplicable++
	}
}
