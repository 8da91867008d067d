package risk

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/model"
)

var (
	states   = []model.State{model.Recommended, model.Required, model.Implemented, model.Rejected, model.StateNotApplicable}
	verdicts = []model.Verdict{model.Untested, model.Pass, model.Fail}
	statuses = []model.ThreatStatus{model.Open, model.Open, model.Open, model.Mitigated, model.Accepted, model.Transferred, model.NotApplicable}
)

// drawn is a random small model with its verdicts; cycles, loose ends and
// missing zones included.
func drawn(t *rapid.T) (*model.Model, model.Verdicts, Settings) {
	pct := rapid.IntRange(0, 100)
	cia := func(name string) model.CIA {
		return model.CIA{Confidentiality: pct.Draw(t, name+"C"), Integrity: pct.Draw(t, name+"I"), Availability: pct.Draw(t, name+"A")}
	}
	m := &model.Model{Product: model.Product{ID: "p"}}
	if rapid.Bool().Draw(t, "valued") {
		v := cia("product")
		m.Product.Value = &v
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "assets") {
		m.Assets = append(m.Assets, model.Asset{ID: model.AssetID(fmt.Sprint("a", i)), Value: cia("asset")})
	}
	someAssets := func() []model.AssetID {
		var ids []model.AssetID
		for i := range m.Assets {
			if rapid.Bool().Draw(t, "held") {
				ids = append(ids, m.Assets[i].ID)
			}
		}
		return ids
	}
	zones := []model.ElementID{""}
	for i := range rapid.IntRange(0, 4).Draw(t, "zones") {
		id := model.ElementID(fmt.Sprint("z", i))
		m.Zones = append(m.Zones, model.Zone{ID: id, Trust: pct.Draw(t, "trust"), Parent: zones[rapid.IntRange(0, len(zones)-1).Draw(t, "parent")]})
		zones = append(zones, id)
	}
	where := []model.ElementID{model.AtProduct}
	for i := range rapid.IntRange(1, 6).Draw(t, "components") {
		id := model.ElementID(fmt.Sprint("c", i))
		m.Components = append(m.Components, model.Component{
			ID: id, Kind: rapid.SampledFrom([]model.Kind{model.Actor, model.Process, model.Store}).Draw(t, "kind"),
			Zone: rapid.SampledFrom(zones).Draw(t, "zone"), Stores: someAssets(), OutOfScope: rapid.IntRange(0, 9).Draw(t, "outside") == 0,
		})
		where = append(where, id)
	}
	ends := append([]model.ElementID{""}, where[1:]...)
	for i := range rapid.IntRange(0, 8).Draw(t, "flows") {
		id := model.ElementID(fmt.Sprint("f", i))
		m.Flows = append(m.Flows, model.Flow{
			ID: id, From: rapid.SampledFrom(ends).Draw(t, "from"), To: rapid.SampledFrom(ends).Draw(t, "to"),
			Bidirectional: rapid.Bool().Draw(t, "both"), Carries: someAssets(),
		})
		where = append(where, id)
	}
	where = append(where, zones[1:]...)
	place := func() model.ElementID { return rapid.SampledFrom(where).Draw(t, "where") }
	v := model.Verdicts{Weaknesses: map[model.WeaknessID]model.Evidence{}, Countermeasures: map[model.CountermeasureID]model.Evidence{}}
	evidence := func() model.Evidence {
		return model.Evidence{Verdict: rapid.SampledFrom(verdicts).Draw(t, "verdict"), Stale: rapid.Bool().Draw(t, "stale")}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "threats") {
		m.Threats = append(m.Threats, model.Threat{
			ID: model.ThreatID(fmt.Sprint("t", i)), Where: place(), Impact: cia("impact"), Ease: pct.Draw(t, "ease"),
			Severity: rapid.SampledFrom([]string{"", "", "high", "tbd"}).Draw(t, "severity"), Status: rapid.SampledFrom(statuses).Draw(t, "status"),
		})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "weaknesses") {
		id := model.WeaknessID(fmt.Sprint("w", i))
		m.Weaknesses = append(m.Weaknesses, model.Weakness{ID: id, Where: place(), Impact: pct.Draw(t, "wImpact")})
		v.Weaknesses[id] = evidence()
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "countermeasures") {
		id := model.CountermeasureID(fmt.Sprint("m", i))
		m.Countermeasures = append(m.Countermeasures, model.Countermeasure{
			ID: id, Where: place(), State: rapid.SampledFrom(states).Draw(t, "state"),
			Cost: &model.Cost{Amount: float64(rapid.IntRange(0, 9).Draw(t, "cost")), Unit: "days"},
		})
		v.Countermeasures[id] = evidence()
	}
	for i := range m.Threats {
		for w := -1; w < len(m.Weaknesses); w++ {
			for c := -1; c < len(m.Countermeasures); c++ {
				l := model.Link{Threat: m.Threats[i].ID, Share: rapid.Float64Range(0, 100).Draw(t, "share")}
				if w >= 0 {
					l.Weakness = m.Weaknesses[w].ID
				}
				if c >= 0 {
					l.Countermeasure = m.Countermeasures[c].ID
				}
				if (w >= 0 || c >= 0) && rapid.Bool().Draw(t, "linked") {
					m.Links = append(m.Links, l)
				}
			}
		}
	}
	s := Settings{K: rapid.Float64Range(0.1, 1).Draw(t, "k"), RestoreThreat: rapid.Bool().Draw(t, "restore")}
	return m, v, s
}

// higher lists the ratings of a in which a threat rates higher in b.
func higher(a, b Ratings) []string {
	var out []string
	for i := range a.Threats {
		x, y := a.Threats[i].Exact, b.Threats[i].Exact
		for name, rise := range map[string]float64{
			"inherent": y.Inherent - x.Inherent, "verified": y.Verified - x.Verified,
			"current": y.Current - x.Current, "projected": y.Projected - x.Projected,
		} {
			if rise > 0 {
				out = append(out, fmt.Sprintf("%s %s rises by %g", a.Threats[i].Threat, name, rise))
			}
		}
	}
	return out
}

func TestLawProjectedCurrentVerifiedInherent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, r := range Rate(drawn(t)).Threats {
			e, f := r.Exact, r.Figures
			if !(0 <= e.Projected && e.Projected <= e.Current && e.Current <= e.Verified && e.Verified <= e.Inherent && e.Inherent <= 100) {
				t.Fatalf("threat %s: exact ratings are out of order: %+v", r.Threat, e)
			}
			if f.Projected > f.Current || f.Current > f.Verified || f.Verified > f.Inherent || r.Gap < 0 {
				t.Fatalf("threat %s: ratings are out of order: %+v", r.Threat, f)
			}
		}
	})
}

func TestLawImplementingNeverRaises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		before := Rate(m, v, s)
		m.Countermeasures[rapid.IntRange(0, len(m.Countermeasures)-1).Draw(t, "which")].State = model.Implemented
		if rises := higher(before, Rate(m, v, s)); rises != nil {
			t.Fatalf("implementing raises: %v", rises)
		}
	})
}

func TestLawFailingNeverLowers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		before := Rate(m, v, s)
		if len(m.Weaknesses) > 0 && rapid.Bool().Draw(t, "weakness") {
			v.Weaknesses[m.Weaknesses[0].ID] = model.Evidence{Verdict: model.Fail}
		} else {
			v.Countermeasures[m.Countermeasures[0].ID] = model.Evidence{Verdict: model.Fail}
		}
		if falls := higher(Rate(m, v, s), before); falls != nil {
			t.Fatalf("failing lowers (seen backwards): %v", falls)
		}
	})
}

func TestLawFailGivesBackExactlyWhatWasClaimed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		s.RestoreThreat = false
		clear(v.Weaknesses)
		clear(v.Countermeasures)
		id := m.Countermeasures[0].ID
		m.Countermeasures[0].State = model.Required
		before := Rate(m, v, s)
		m.Countermeasures[0].State = model.Implemented
		v.Countermeasures[id] = model.Evidence{Verdict: model.Fail}
		after := Rate(m, v, s)
		for i := range before.Threats {
			if before.Threats[i].Exact != after.Threats[i].Exact {
				t.Fatalf("claim and fail: %+v, before the claim %+v", after.Threats[i].Exact, before.Threats[i].Exact)
			}
		}
	})
}

func TestLawRecommendingChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		before := Rate(m, v, s)
		m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: "new", Where: model.AtProduct, State: model.Recommended})
		for i := range m.Threats {
			l := model.Link{Threat: m.Threats[i].ID, Countermeasure: "new", Share: 100}
			m.Links = append(m.Links, l)
		}
		if diff := cmp.Diff(before, Rate(m, v, s)); diff != "" {
			t.Fatalf("recommending changes the ratings (-before +after):\n%s", diff)
		}
	})
}

func TestLawOrderOfListsNeverMatters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		s.Method = rapid.SampledFrom([]Method{Threatloop, IriusRisk}).Draw(t, "method")
		budget := Budget{Amount: 9, Unit: "days"}
		before, gains, proposal := Rate(m, v, s), Gains(m, v, s), Propose(m, v, s, budget)
		var told []Explanation
		for _, r := range before.Threats {
			e, _ := Explain(m, v, s, r.Threat)
			told = append(told, e)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		shuffle(rng, m.Assets)
		shuffle(rng, m.Zones)
		shuffle(rng, m.Components)
		shuffle(rng, m.Flows)
		shuffle(rng, m.Threats)
		shuffle(rng, m.Weaknesses)
		shuffle(rng, m.Countermeasures)
		shuffle(rng, m.Links)
		for i := range m.Components {
			shuffle(rng, m.Components[i].Stores)
		}
		if diff := cmp.Diff(before, Rate(m, v, s)); diff != "" {
			t.Fatalf("order changes the ratings:\n%s", diff)
		}
		if diff := cmp.Diff(gains, Gains(m, v, s)); diff != "" {
			t.Fatalf("order changes the gains:\n%s", diff)
		}
		if diff := cmp.Diff(proposal, Propose(m, v, s, budget)); diff != "" {
			t.Fatalf("order changes the proposal:\n%s", diff)
		}
		for i, r := range before.Threats {
			e, _ := Explain(m, v, s, r.Threat)
			if diff := cmp.Diff(told[i], e); diff != "" {
				t.Fatalf("order changes the explanation:\n%s", diff)
			}
		}
	})
}

func shuffle[T any](rng *rand.Rand, list []T) {
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// What is retired rates as if it were not in the model.
func TestLawRetiredCountsNowhere(t *testing.T) {
	t.Parallel()
	retired := &model.Retired{At: time.Unix(0, 0), Reason: "no rule wants it"}
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		without := *m
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			without.Threats = m.Threats[1:]
			m.Threats = append([]model.Threat(nil), m.Threats...)
			m.Threats[0].Retired = retired
		case 1:
			without.Countermeasures = m.Countermeasures[1:]
			m.Countermeasures = append([]model.Countermeasure(nil), m.Countermeasures...)
			m.Countermeasures[0].Retired = retired
		case 2:
			if len(m.Weaknesses) == 0 {
				return
			}
			without.Weaknesses = m.Weaknesses[1:]
			m.Weaknesses = append([]model.Weakness(nil), m.Weaknesses...)
			m.Weaknesses[0].Retired = retired
		case 3:
			if len(m.Links) == 0 {
				return
			}
			without.Links = m.Links[1:]
			m.Links = append([]model.Link(nil), m.Links...)
			m.Links[0].Retired = retired
		}
		if diff := cmp.Diff(Rate(&without, v, s), Rate(m, v, s)); diff != "" {
			t.Fatalf("what is retired counts (-without +retired):\n%s", diff)
		}
	})
}

func TestLawExposureFallsWithKAndNeverByAFlow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		base := Rate(m, v, s)
		lower := s
		lower.K *= rapid.Float64Range(0.2, 1).Draw(t, "factor")
		if rises := higher(base, Rate(m, v, lower)); rises != nil {
			t.Fatalf("a lower k raises: %v", rises)
		}
		ends := rapid.SampledFrom(m.Components)
		m.Flows = append(m.Flows, model.Flow{ID: "new", From: ends.Draw(t, "a").ID, To: ends.Draw(t, "b").ID})
		if falls := higher(Rate(m, v, s), base); falls != nil {
			t.Fatalf("a new flow lowers (seen backwards): %v", falls)
		}
	})
}

// Trusting one component more never raises its own exposure. That of others may
// rise: what comes from it no longer climbs into them.
func TestLawTrustNeverRaisesOwnExposure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		c := &m.Components[0]
		m.Zones = append(m.Zones, model.Zone{ID: "alone", Trust: rapid.IntRange(0, 100).Draw(t, "low")})
		c.Zone = "alone"
		m.Threats = []model.Threat{{ID: "t", Where: c.ID, Impact: model.CIA{Integrity: 100}, Ease: 100, Status: model.Open}}
		before := Rate(m, v, s).Threats[0].Exposure
		z := &m.Zones[len(m.Zones)-1]
		z.Trust = rapid.IntRange(z.Trust, 100).Draw(t, "high")
		if after := Rate(m, v, s).Threats[0].Exposure; after > before {
			t.Fatalf("exposure rises from %g to %g with trust %d", before, after, z.Trust)
		}
	})
}
