package generate_test

import (
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
)

// TestRulesSeeTheRatingsExposure: what a rule reads as exposure and value is what the rating
// of a threat there is made of.
func TestRulesSeeTheRatingsExposure(t *testing.T) {
	t.Parallel()
	fsys := smallFiles(t)
	fsys["rules/rules.yaml"] = &fstest.MapFile{Data: []byte(`rules:
  - {rule: c, title: C, for: component, conclude: {exposure_of_c: component.exposure, value_of_c: component.max.confidentiality}, reason: R, tests: []}
  - {rule: f, title: F, for: flow, conclude: {exposure_of_f: flow.exposure, value_of_f: flow.max.confidentiality}, reason: R, tests: []}
`)}
	lib, err := library.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt)
		for _, fact := range want(t, m, lib).Facts {
			m.Threats = []model.Threat{{ID: "thr", Where: fact.Where, Ref: "x", Title: "X", Impact: model.CIA{Confidentiality: 100}, Ease: 100, Status: model.Open, Origin: model.ByPerson}}
			e, err := risk.Explain(m, model.Verdicts{}, risk.Settings{}, "thr")
			if err != nil {
				t.Fatal(err)
			}
			expected := e.Exposure.Value
			if strings.HasPrefix(fact.Fact, "value") {
				expected = e.Impact.Dimensions[0].Value
			}
			if got := library.FormatValue(int(math.Floor(expected + 0.5))); fact.Value != got {
				rt.Fatalf("%s at %s = %s for rules, %s for the rating", fact.Fact, fact.Where, fact.Value, got)
			}
		}
	})
}
