package generate

import (
	"fmt"
	"slices"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// Report is the outcome of a library's own tests.
type Report struct {
	Rules    int       `json:"rules"`
	Tests    int       `json:"tests"`
	Failures []Failure `json:"failures,omitempty"` // in order of rules
	Warnings []Failure `json:"warnings,omitempty"`
}

// Failure is a test that did not come out as it says, or a rule without the tests it needs.
type Failure struct {
	At   string `json:"at"` // file:line:column
	Rule string `json:"rule,omitempty"`
	Test string `json:"test,omitempty"`
	Text string `json:"text"`
}

// Test runs the tests of every rule, each on its model with the whole library at
// work, and refuses rules without a test in which they fire and one in which they stay silent.
func Test(lib *library.Library) Report {
	r := Report{Rules: len(lib.Rules)}
	for _, rule := range lib.Rules {
		fires, silent := false, false
		for _, test := range rule.Tests {
			r.Tests++
			fires = fires || len(test.Fires) > 0
			silent = silent || len(test.Fires) == 0
			fail := func(format string, args ...any) {
				r.Failures = append(r.Failures, Failure{test.At.String(), rule.Ref, test.Name, fmt.Sprintf(format, args...)})
			}
			res, err := desired(test.Model, lib, true)
			if err != nil {
				fail("%v", err)
				continue
			}
			got := slices.Compact(slices.Sorted(slices.Values(res.fired[rule.Ref])))
			if !slices.Equal(got, test.Fires) {
				fail("fires at %s, expected %s", list(got), list(test.Fires))
			}
			for _, n := range res.Notes {
				fail("%s: %s", n.Where, n.Text)
			}
		}
		if !fires {
			r.Failures = append(r.Failures, Failure{rule.Position.String(), rule.Ref, "", "no test shows the rule firing"})
		}
		if !silent {
			r.Failures = append(r.Failures, Failure{rule.Position.String(), rule.Ref, "", "no test shows the rule staying silent"})
		}
	}
	for _, w := range lib.Warnings {
		r.Warnings = append(r.Warnings, Failure{At: w.At.String(), Text: w.Text})
	}
	return r
}

func list(ids []model.ElementID) string {
	if len(ids) == 0 {
		return "nothing"
	}
	return fmt.Sprint(ids)
}
