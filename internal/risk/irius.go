package risk

import (
	"math"

	"github.com/threatloop/threatloop/internal/model"
)

// iriusSteps are the intermediate figures of the iriusrisk method.
type iriusSteps struct {
	weakness                      float64 // highest impact of the threat's weaknesses
	assets, business, impact      float64
	exposure, probability         float64
	increment                     float64
	sumVerified, sumCurrent, sumP float64 // points taken off
}

// iriusRisk reproduces the figures of IriusRisk, as fitted against its public
// exports: integers by floor at every step, the highest weakness entering
// twice, one 50/50/50 asset where there is none, a passed test counting
// whatever the state of the countermeasure, and no order between projected and
// current. A countermeasure counts once per weakness, as the vendor's own
// script walks the links. Verified, which that tool does not have, counts passed tests only.
//
// What the flows of a component carry counts as its assets, as sent and received
// assets do there. A flow has no trust zone there; its least trusted end is taken. An unset
// weakness impact is 100. A stale pass is not a pass.
func (r *rater) iriusRisk(a *assessment) Exact {
	inherent, given := r.givenInherent(a.threat)
	a.given = given
	st := &iriusSteps{}
	a.irius = st
	failed := r.iriusWeaknesses(a, st)
	if given == "" {
		r.iriusInherent(a, st)
		inherent = math.Round(math.Sqrt(st.impact * st.probability))
		a.rating.Impact, a.rating.Exposure, a.rating.Likelihood = st.impact, st.exposure, st.probability
	}
	for i := range a.links {
		l := &a.links[i]
		if l.countermeasure == nil {
			continue
		}
		e := r.v.Countermeasures[l.Countermeasure]
		passed := e.Verdict == model.Pass && !e.Stale
		done := l.countermeasure.State == model.Implemented
		l.passed = passed
		l.inVerified = passed
		l.inCurrent = passed || done && e.Verdict != model.Fail
		l.inProjected = done || l.countermeasure.State == model.Required
		l.contradictedBy = ""
		if done && e.Verdict == model.Fail {
			l.contradictedBy = "countermeasure " + string(l.Countermeasure)
		}
		points := math.Ceil(l.share * inherent / 100)
		if l.inVerified {
			l.tookVerified = points
		}
		if l.inCurrent {
			l.tookCurrent = points
		}
		if l.inProjected {
			l.tookProjected = points
		}
		st.sumVerified += l.tookVerified
		st.sumCurrent += l.tookCurrent
		st.sumP += l.tookProjected
	}
	st.increment = math.Floor(r.s.Weights.VulnerabilityFound * failed * inherent / 100)
	left := func(points float64) float64 { return percent(inherent - points + st.increment) }
	return Exact{Inherent: inherent, Verified: left(st.sumVerified), Current: left(st.sumCurrent), Projected: left(st.sumP)}
}

// iriusWeaknesses fills in the highest impact of the threat's weaknesses and
// returns that of the failed ones.
func (r *rater) iriusWeaknesses(a *assessment, st *iriusSteps) (failed float64) {
	st.weakness = -1
	for _, l := range a.links {
		w := r.weaknesses[l.Weakness]
		if l.Weakness == "" || w == nil {
			continue
		}
		impact := percent(float64(w.Impact))
		if w.Impact == 0 {
			impact = 100
		}
		st.weakness = max(st.weakness, impact)
		if r.v.Weaknesses[l.Weakness].Verdict == model.Fail {
			failed = max(failed, impact)
		}
	}
	if st.weakness < 0 {
		st.weakness = 100
	}
	return failed
}

func (r *rater) iriusInherent(a *assessment, st *iriusSteps) {
	w := r.s.Weights
	hit := byDimension(a.threat.Impact)
	values := [][dimensions]float64{{50, 50, 50}}
	if assets := r.places.moved(a.threat.Where); len(assets) > 0 {
		values = values[:0]
		for _, asset := range assets {
			values = append(values, byDimension(asset.Value))
		}
	}
	highest := 0.0
	for _, v := range values {
		st.assets = max(st.assets, math.Floor((v[0]+v[1]+v[2])/3))
		for d := range v {
			highest = max(highest, w.BusinessImpact*hit[d]*st.weakness/100+w.Asset*v[d])
		}
	}
	st.business = math.Floor(highest / (w.BusinessImpact + w.Asset))
	st.impact = math.Floor((w.BusinessImpact*st.business*st.weakness/100 + w.Asset*st.assets) / (w.BusinessImpact + w.Asset))
	st.exposure = max(1, 100-a.place.Trust)
	st.probability = math.Floor((w.Exposure*st.exposure + w.Ease*percent(float64(a.threat.Ease))) / (w.Exposure + w.Ease))
}
