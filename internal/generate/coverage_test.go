package generate_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
)

// counter is a countermeasure in a state that serves clauses of ASVS.
func counter(id string, state model.State, clauses ...string) model.Countermeasure {
	c := model.Countermeasure{ID: model.CountermeasureID(id), Ref: id, Title: id, Where: "web", State: state}
	for _, clause := range clauses {
		c.Standards = append(c.Standards, model.Clause{Standard: "asvs-5.0", Clause: clause})
	}
	return c
}

func TestCoverageOfOneClause(t *testing.T) {
	t.Parallel()
	lib := served(t)
	pass, fail, stale := model.Evidence{Verdict: model.Pass}, model.Evidence{Verdict: model.Fail}, model.Evidence{Verdict: model.Pass, Stale: true}
	for _, tc := range []struct {
		name     string
		list     []model.Countermeasure
		evidence map[model.CountermeasureID]model.Evidence
		weakness model.Evidence
		want     generate.CoverageStatus
	}{
		{"nothing serves it", nil, nil, model.Evidence{}, generate.Gap},
		{"another clause", []model.Countermeasure{counter("a", model.Implemented, "12.2.1")}, nil, model.Evidence{}, generate.Gap},
		{"recommended", []model.Countermeasure{counter("a", model.Recommended, "1.2.4")}, nil, model.Evidence{}, generate.Gap},
		{"rejected", []model.Countermeasure{counter("a", model.Rejected, "1.2.4")}, map[model.CountermeasureID]model.Evidence{"a": pass}, model.Evidence{}, generate.Gap},
		{"required", []model.Countermeasure{counter("a", model.Required, "1.2.4")}, nil, model.Evidence{}, generate.Planned},
		{"implemented", []model.Countermeasure{counter("a", model.Implemented, "1.2.4")}, nil, model.Evidence{}, generate.Implemented},
		{"proven", []model.Countermeasure{counter("a", model.Implemented, "1.2.4")}, map[model.CountermeasureID]model.Evidence{"a": pass}, model.Evidence{}, generate.Proven},
		{"proven before anybody said so", []model.Countermeasure{counter("a", model.Required, "1.2.4")}, map[model.CountermeasureID]model.Evidence{"a": pass}, model.Evidence{}, generate.Proven},
		{"proof too old", []model.Countermeasure{counter("a", model.Implemented, "1.2.4")}, map[model.CountermeasureID]model.Evidence{"a": stale}, model.Evidence{}, generate.Implemented},
		{"contradicted", []model.Countermeasure{counter("a", model.Implemented, "1.2.4")}, map[model.CountermeasureID]model.Evidence{"a": fail}, model.Evidence{}, generate.Planned},
		{"weakness shown", []model.Countermeasure{counter("a", model.Implemented, "1.2.4")}, map[model.CountermeasureID]model.Evidence{"a": pass}, fail, generate.Planned},
		{"not applicable", []model.Countermeasure{counter("a", model.StateNotApplicable, "1.2.4")}, nil, model.Evidence{}, generate.NotApplicable},
		{"the worst counts", []model.Countermeasure{counter("a", model.Implemented, "1.2.4"), counter("b", model.Required, "1.2.4"), counter("c", model.StateNotApplicable, "1.2.4")}, nil, model.Evidence{}, generate.Planned},
		{"not applicable here, done there", []model.Countermeasure{counter("a", model.Implemented, "1.2.4"), counter("c", model.StateNotApplicable, "1.2.4")}, nil, model.Evidence{}, generate.Implemented},
		{"retired", []model.Countermeasure{func() model.Countermeasure {
			c := counter("a", model.Implemented, "1.2.4")
			c.Retired = &model.Retired{Reason: "r"}
			return c
		}()}, nil, model.Evidence{}, generate.Gap},
	} {
		m := &model.Model{Countermeasures: tc.list, Links: []model.Link{{Threat: "t", Weakness: "w", Countermeasure: "a"}}}
		v := model.Verdicts{Countermeasures: tc.evidence, Weaknesses: map[model.WeaknessID]model.Evidence{"w": tc.weakness}}
		got := generate.Coverage(lib, m, "asvs-5.0", 1, v)
		if got.Clauses[0].ID != "1.2.4" || got.Clauses[0].Status != tc.want {
			t.Errorf("%s: clause %s is %s, want %s", tc.name, got.Clauses[0].ID, got.Clauses[0].Status, tc.want)
		}
	}
}

func TestCoverageOfAStandard(t *testing.T) {
	t.Parallel()
	lib := served(t)
	m := generated(t, &model.Model{
		Product:    model.Product{ID: "p", Name: "P", Standards: []string{"asvs-5.0:2"}},
		Components: []model.Component{{ID: "web", Name: "Web", Kind: model.Process, Type: "web"}},
	}, lib)
	m.Countermeasures = append(m.Countermeasures, counter("mine", model.Implemented, "12.2.1", "12.2.1", "9.9.9"))
	got := generate.Coverage(lib, m, "asvs-5.0", 2, model.Verdicts{})
	limits, bind := countermeasure(t, m, "input-limits"), countermeasure(t, m, "bind-parameters")
	of := func(c *model.Countermeasure, s generate.CoverageStatus) []generate.CountermeasureCoverage {
		return []generate.CountermeasureCoverage{{ID: c.ID, Ref: c.Ref, Title: c.Title, Where: c.Where, State: c.State, Verdict: model.Untested, Status: s}}
	}
	want := &generate.StandardCoverage{
		Standard: "asvs-5.0", Name: "Application verification", Version: "5.0.0", Level: 2, Applied: true,
		Clauses: []generate.ClauseCoverage{
			{ID: "1.2.4", Title: "Bind parameters", Level: 1, Status: generate.Planned, Countermeasures: of(bind, generate.Planned), Library: []string{"bind-parameters"}},
			{ID: "2.2.1", Title: "A", Level: 1, Status: generate.Planned, Countermeasures: of(limits, generate.Planned), Library: []string{"input-limits"}},
			{ID: "2.2.10", Title: "B", Level: 2, Status: generate.Planned, Countermeasures: of(limits, generate.Planned), Library: []string{"input-limits"}},
			{ID: "12.2.1", Title: "C", Level: 2, Status: generate.Implemented, Countermeasures: of(countermeasure(t, m, "mine"), generate.Implemented), Library: []string{"use-tls"}},
		},
		Totals:     generate.CoverageTotals{Clauses: 4, Planned: 3, Implemented: 1},
		Undeclared: []string{"9.9.9"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Coverage differs (-want +got):\n%s", diff)
	}
	if house := generate.Coverage(lib, m, "house", 0, model.Verdicts{}); house.Applied || house.Totals.Gap != 1 || house.Totals.Planned != 1 {
		t.Errorf("Coverage(house) = %+v, want one gap and one planned, not applied", house.Totals)
	}
	if none := generate.Coverage(lib, m, "none", 0, model.Verdicts{}); none != nil {
		t.Errorf("Coverage(none) = %v, want nil", none)
	}
}

// TestCoverageLaws: totals add up, order leaves no trace, and applying a standard leaves no clause worse.
func TestCoverageLaws(t *testing.T) {
	t.Parallel()
	lib := served(t)
	rank := []generate.CoverageStatus{generate.Gap, generate.Planned, generate.Implemented, generate.Proven}
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt)
		before := generate.Coverage(lib, generated(t, m, lib), "asvs-5.0", 0, model.Verdicts{})
		m.Product.Standards = []string{"asvs-5.0"}
		with := generated(t, m, lib)
		after := generate.Coverage(lib, with, "asvs-5.0", 0, model.Verdicts{})
		for i := range after.Clauses {
			b, a := before.Clauses[i], after.Clauses[i]
			if slices.Index(rank, a.Status) < slices.Index(rank, b.Status) || a.Status == generate.Gap && len(a.Countermeasures) > 0 {
				rt.Fatalf("clause %s is %s with the standard, was %s", a.ID, a.Status, b.Status)
			}
		}
		if s := after.Totals; s.Clauses != len(after.Clauses) || s.Gap+s.Planned+s.Implemented+s.Proven+s.NotApplicable != s.Clauses {
			rt.Fatalf("totals %+v do not add up", s)
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 3))
		r.Shuffle(len(with.Countermeasures), func(i, j int) {
			with.Countermeasures[i], with.Countermeasures[j] = with.Countermeasures[j], with.Countermeasures[i]
		})
		if a, b := asJSON(t, after), asJSON(t, generate.Coverage(lib, with, "asvs-5.0", 0, model.Verdicts{})); a != b {
			rt.Fatalf("Coverage depends on order:\n%s\n%s", a, b)
		}
	})
}
