package risk

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/model"
)

// Gains says what Rate shows once the countermeasure is implemented and nothing fails.
func TestGainIsWhatImplementingTakesOff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		s.Method = rapid.SampledFrom([]Method{Threatloop, IriusRisk}).Draw(t, "method")
		clear(v.Weaknesses)
		for id, e := range v.Countermeasures {
			if e.Verdict == model.Fail {
				delete(v.Countermeasures, id)
			}
		}
		gains := Gains(m, v, s)
		before := Rate(m, v, s).Summary.Open.SumExact.Current
		for i, g := range gains {
			was := m.Countermeasures[i].State
			m.Countermeasures[i].State = model.Implemented
			took := before - Rate(m, v, s).Summary.Open.SumExact.Current
			m.Countermeasures[i].State = was
			if math.Abs(took-g.Takes) > 1e-9 {
				t.Fatalf("Gains(%s) = %g, implementing takes %g", g.Countermeasure, g.Takes, took)
			}
		}
	})
}

func TestGainOfRepairingWhatFails(t *testing.T) {
	t.Parallel()
	m := guarded(model.Implemented, 50)
	v := model.Verdicts{Weaknesses: map[model.WeaknessID]model.Evidence{"w": {Verdict: model.Fail}}}
	got := Gains(m, v, Settings{})
	want := []Gain{{Countermeasure: "cm", Takes: math.Sqrt(90*60) / 2, Threats: 1}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("Gains (-want +got):\n%s", diff)
	}
	if got := Gains(m, model.Verdicts{}, Settings{})[0].Takes; got != 0 {
		t.Errorf("Gains of what counts already = %g, want 0", got)
	}
}

func TestProposeIsExactAndTheGreedyBoundHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		amount := float64(rapid.IntRange(0, 20).Draw(t, "budget"))
		got := Propose(m, v, s, Budget{Amount: amount, Unit: "days"})
		p := newPlan(m, v, s)
		candidates, _ := p.candidates(m, "days")
		best := got.Before
		for set := range 1 << len(candidates) {
			chosen := solution{taken: uint32(set)}.set(len(candidates))
			cost := 0.0
			for _, i := range chosen {
				cost += candidates[i].cost
			}
			if cost <= amount {
				best = min(best, p.total(p.with(candidates, chosen)))
			}
		}
		if !got.Exact || math.Abs(got.After-best) > 1e-6 || got.Cost > amount {
			t.Fatalf("Propose(%g) leaves %g at %g, the best set leaves %g", amount, got.After, got.Cost, best)
		}
		chosen, bound := p.greedy(candidates, amount)
		took, most := p.takenBy(candidates, chosen), got.Before-best
		if bound < most-1e-6 {
			t.Fatalf("greedy says at most %g can be taken off, %g can", bound, most)
		}
		if took < (1-1/math.E)/2*most-1e-6 {
			t.Fatalf("greedy takes %g off, below its bound for a best of %g", took, most)
		}
		last := Spend{Cost: -1, Risk: math.Inf(1)}
		for _, point := range got.Curve {
			if point.Cost <= last.Cost || point.Risk >= last.Risk {
				t.Fatalf("the curve does not fall: %v", got.Curve)
			}
			last = point
		}
	})
}

func TestProposeLarge(t *testing.T) {
	t.Parallel()
	m, v := ladder(120)
	m.Countermeasures[0].Cost = &model.Cost{Amount: 1, Unit: "EUR"}
	got := Propose(m, v, Settings{}, Budget{Amount: 40, Unit: "days"})
	if got.Exact || got.Cost > 40 || !(got.Least <= got.After && got.After < got.Before) {
		t.Errorf("Propose(120 countermeasures) = exact %v, cost %g, least %g, after %g, before %g", got.Exact, got.Cost, got.Least, got.After, got.Before)
	}
	if close := (got.Before - got.After) / (got.Before - got.Least); close < 0.9 {
		t.Errorf("Propose(120 countermeasures) is known to be %g of the best, want 0.9 of this easy input", close)
	}
	if diff := cmp.Diff([]model.CountermeasureID{"m000000"}, got.Uncosted); diff != "" {
		t.Errorf("Uncosted (-want +got):\n%s", diff)
	}
	done := *m
	done.Countermeasures = append([]model.Countermeasure(nil), m.Countermeasures...)
	clean := model.Verdicts{Countermeasures: map[model.CountermeasureID]model.Evidence{}}
	for id, e := range v.Countermeasures {
		clean.Countermeasures[id] = e
	}
	for i := range done.Countermeasures {
		for _, id := range got.Countermeasures {
			if done.Countermeasures[i].ID == id {
				done.Countermeasures[i].State = model.Implemented
				delete(clean.Countermeasures, id)
			}
		}
	}
	if after := Rate(&done, clean, Settings{}).Summary.Open.SumExact.Current; math.Abs(after-got.After) > 1e-6 {
		t.Errorf("doing what is proposed leaves %g, proposed was %g", after, got.After)
	}
}

// Costs in tenths do not sum up exactly in binary; a budget of three tenths buys
// what costs one and two.
func TestProposeSpendsTheWholeBudget(t *testing.T) {
	t.Parallel()
	for _, n := range []int{9, 30} { // every set is tried; the best gain per cost is taken
		m, v := ladder(n)
		for i := range m.Countermeasures {
			m.Countermeasures[i].Cost = &model.Cost{Amount: 0.1, Unit: "days"}
		}
		got := Propose(m, v, Settings{}, Budget{Amount: 0.3, Unit: "days"})
		if len(got.Countermeasures) != 3 || got.After < got.Least {
			t.Errorf("Propose(0.3 days, %d of 0.1 day each) = %v, after %g, least %g, want 3", n, got.Countermeasures, got.After, got.Least)
		}
	}
}
