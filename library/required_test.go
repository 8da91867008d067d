package library_test

import (
	"testing"

	"github.com/threatloop/threatloop/internal/model"
)

// TestRequiredLowersARisk checks over the models of all rules' tests that what
// the library wants done lowers the rating of a threat: work that lowers nothing cannot be ranked,
// and nobody sees what it is for.
func TestRequiredLowersARisk(t *testing.T) {
	t.Parallel()
	reported := map[string]bool{}
	for _, rule := range load(t).Rules {
		for _, test := range rule.Tests {
			res := desired(t, test.Model)
			linked := map[model.CountermeasureID]bool{}
			for _, l := range res.Links {
				linked[l.Countermeasure] = true
			}
			for i := range res.Countermeasures {
				c := &res.Countermeasures[i]
				if !linked[c.ID] && !reported[rule.Ref+c.Ref] {
					reported[rule.Ref+c.Ref] = true
					t.Errorf("%s: in %q of rule %q the countermeasure %s stands at %s against no threat", test.At, test.Name, rule.Ref, c.Ref, c.Where)
				}
			}
		}
	}
}
