package generate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// applied is a standard that the product keeps.
type applied struct {
	as       string // as the product says it: "asvs-5.0:2"
	standard *library.Standard
	level    int // highest that counts; 0 is all
}

// counts tells whether the clause is among those to be kept. What a standard gives no level is.
func (a applied) counts(c *library.StandardClause) bool {
	return c != nil && (a.level == 0 || c.Level <= a.level)
}

// standards returns what the product keeps and notes what the library does not have.
func (g *generator) standards() []applied {
	var all []applied
	for _, as := range g.m.Product.Standards {
		ref, level, ok := model.ParseStandard(as)
		s := g.lib.Standard(ref)
		if !ok || s == nil {
			g.notes = append(g.notes, Note{"product.standards", "the library has no standard " + as + "; nothing is required for it"})
			continue
		}
		if levels := s.Levels(); level > 0 && !slices.Contains(levels, level) {
			g.notes = append(g.notes, Note{"product.standards", fmt.Sprintf("%s has no level %d", ref, level)})
		}
		all = append(all, applied{as, s, level})
	}
	return all
}

// keepStandards makes required what serves a clause of the product's standards. It
// adds nothing: a clause that nothing here serves is a gap, and Coverage shows it.
func (g *generator) keepStandards(s *site) {
	if len(g.kept) == 0 {
		return
	}
	for _, c := range s.countermeasures {
		list, known := g.serving[c.lib]
		if !known {
			list = g.serves(c.lib, g.kept)
			g.serving[c.lib] = list
		}
		for _, why := range list {
			c.state = model.Required
			c.why.because(why)
		}
	}
}

// serves returns a reason for each standard with a clause that the countermeasure serves.
func (g *generator) serves(c *library.Countermeasure, all []applied) []model.Why {
	var list []model.Why
	for _, a := range all {
		var clauses []string
		for _, served := range c.Standards {
			if served.Standard == a.standard.Ref && a.counts(a.standard.Clause(served.Clause)) {
				clauses = append(clauses, served.Clause)
			}
		}
		if len(clauses) == 0 {
			continue
		}
		slices.SortFunc(clauses, library.CompareClauses)
		clauses = slices.Compact(clauses)
		text := "The product keeps " + a.standard.Name
		if a.level > 0 {
			text += fmt.Sprintf(" up to level %d", a.level)
		}
		list = append(list, model.Why{
			Rule: "standard " + a.standard.Ref, Library: g.stamp,
			Facts: []model.Fact{{Name: "product.standards", Value: library.FormatValue(a.as)}},
			Text:  text + "; this serves " + strings.Join(clauses, ", ") + ".",
		})
	}
	return list
}
