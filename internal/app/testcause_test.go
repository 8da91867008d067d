package app

import (
	"testing"

	"github.com/threatloop/threatloop/internal/model"
)

func TestTestCauses(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Countermeasures: []model.Countermeasure{{ID: "c1", Title: "Bind"}, {ID: "c2", Title: "Escape"}, {ID: "c3", Title: "Gone", Retired: &model.Retired{}}},
		Weaknesses:      []model.Weakness{{ID: "w1", Title: "Injection"}, {ID: "w2", Title: "Overflow"}},
	}
	pass, fail, stale := model.Evidence{Verdict: model.Pass}, model.Evidence{Verdict: model.Fail}, model.Evidence{Verdict: model.Pass, Stale: true}
	verdicts := func(c1, c2, w1, w2 model.Evidence) model.Verdicts {
		return model.Verdicts{
			Countermeasures: map[model.CountermeasureID]model.Evidence{"c1": c1, "c2": c2, "c3": c1},
			Weaknesses:      map[model.WeaknessID]model.Evidence{"w1": w1, "w2": w2},
		}
	}
	var none model.Evidence
	for _, x := range []struct {
		name          string
		was, now      model.Verdicts
		better, worse string
	}{
		{"nothing moved", verdicts(pass, none, fail, none), verdicts(pass, none, fail, none), "", ""},
		{"the last failure of one goes", verdicts(fail, none, fail, none), verdicts(pass, none, none, none), "“Bind” is proven", ""},
		{"two are proven", verdicts(none, stale, none, none), verdicts(pass, pass, none, none), "“Bind” and 1 more are proven", ""},
		{"a finding is gone", verdicts(none, none, fail, fail), verdicts(none, none, pass, none), "“Injection” and 1 more are no longer found", ""},
		{"found", verdicts(pass, none, none, none), verdicts(fail, none, fail, none), "", "“Injection” was found"},
		{"fails alone", verdicts(pass, none, none, none), verdicts(fail, none, none, none), "", "“Bind” does not hold"},
		{"no longer tested", verdicts(pass, none, none, none), verdicts(stale, none, none, none), "", "“Bind” is no longer proven"},
		{"both ways", verdicts(none, none, none, fail), verdicts(pass, none, fail, fail), "“Bind” is proven", "“Injection” was found"},
	} {
		better, worse := testCauses(m, x.was, x.now)
		if better != x.better || worse != x.worse {
			t.Errorf("%s: testCauses() = %q, %q, want %q, %q", x.name, better, worse, x.better, x.worse)
		}
	}
}
