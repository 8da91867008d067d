package risk

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// Rate rates every threat of the model. Evidence that is absent from v is untested.
func Rate(m *model.Model, v model.Verdicts, s Settings) Ratings {
	r := newRater(m, v, s)
	out := Ratings{Method: r.s.Method, Threats: make([]Rating, 0, len(m.Threats))}
	for i := range m.Threats {
		if m.Threats[i].Retired == nil {
			a := r.assess(&m.Threats[i])
			out.Threats = append(out.Threats, a.rating)
			r.spare = a.links[:0]
		}
	}
	slices.SortFunc(out.Threats, func(a, b Rating) int { return cmp.Compare(a.Threat, b.Threat) })
	out.Summary = r.summarise(out.Threats)
	return out
}

// rater is a model prepared for rating.
type rater struct {
	m               *model.Model
	v               model.Verdicts
	s               Settings
	places          *places
	weaknesses      map[model.WeaknessID]*model.Weakness
	countermeasures map[model.CountermeasureID]*model.Countermeasure
	links           map[model.ThreatID][]*model.Link // see byThreat
	spare           []linked                         // of an assessment that nobody needs any more
}

func newRater(m *model.Model, v model.Verdicts, s Settings) *rater {
	r := &rater{m: m, v: v, s: s.normal(m)}
	r.places = newPlaces(m, r.s.K)
	r.weaknesses = make(map[model.WeaknessID]*model.Weakness, len(m.Weaknesses))
	for i := range m.Weaknesses {
		r.weaknesses[m.Weaknesses[i].ID] = &m.Weaknesses[i]
	}
	r.countermeasures = make(map[model.CountermeasureID]*model.Countermeasure, len(m.Countermeasures))
	for i := range m.Countermeasures {
		r.countermeasures[m.Countermeasures[i].ID] = &m.Countermeasures[i]
	}
	r.links = r.byThreat()
	return r
}

// byThreat returns the live links of each threat in order, of the same link said twice the one with the higher share first.
func (r *rater) byThreat() map[model.ThreatID][]*model.Link {
	live := make([]*model.Link, 0, len(r.m.Links))
	for i := range r.m.Links {
		if l := &r.m.Links[i]; r.live(l) {
			live = append(live, l)
		}
	}
	// A stored model is in order, which sorting finds out in one walk.
	slices.SortStableFunc(live, func(a, b *model.Link) int {
		return cmp.Or(model.CompareLinks(*a, *b), cmp.Compare(percent(b.Share), percent(a.Share)))
	})
	all := make(map[model.ThreatID][]*model.Link, len(r.m.Threats))
	for from, i := 0, 1; i <= len(live); i++ {
		if i == len(live) || live[i].Threat != live[from].Threat {
			all[live[from].Threat] = live[from:i:i]
			from = i
		}
	}
	return all
}

// live: neither the link nor what it joins is retired or missing.
func (r *rater) live(l *model.Link) bool {
	if l.Retired != nil || l.Weakness == "" && l.Countermeasure == "" {
		return false
	}
	if l.Weakness != "" {
		if w := r.weaknesses[l.Weakness]; w == nil || w.Retired != nil {
			return false
		}
	}
	if l.Countermeasure != "" {
		if c := r.countermeasures[l.Countermeasure]; c == nil || c.Retired != nil {
			return false
		}
	}
	return true
}

// assessment is a rating with everything that led to it.
type assessment struct {
	threat *model.Threat
	place  *place
	impact impact
	given  string // what replaced the computed inherent rating; "" is nothing
	links  []linked
	sums   sums
	before float64 // inherent before the standing is looked at
	irius  *iriusSteps
	rating Rating
}

// impact is the dimension that a threat hurts most.
type impact struct {
	value float64
	by    [dimensions]float64
	worst dimension
}

// linked is a link with what it counts for.
type linked struct {
	*model.Link
	countermeasure                           *model.Countermeasure // nil: the weakness only makes the threat possible
	share                                    float64
	passed                                   bool // pass and fresh, and the state lets it count
	contradictedBy                           string
	fails                                    bool // the fail is on the countermeasure or a weakness of its
	inVerified, inCurrent, inProjected       bool
	tookVerified, tookCurrent, tookProjected float64 // iriusrisk: what the link takes off, in points
}

// sums are the shares that count, in percent; they may exceed 100.
type sums struct{ verified, current, projected float64 }

func (r *rater) assess(t *model.Threat) assessment {
	a := assessment{threat: t, place: r.places.at(t.Where)}
	a.rating = Rating{Threat: t.ID, Where: t.Where}
	flags := slices.Clone(a.place.flags)
	a.links = r.count(t.ID)
	for _, l := range a.links {
		if l.inVerified {
			a.sums.verified += l.share
		}
		if l.inCurrent {
			a.sums.current += l.share
		}
		if l.inProjected {
			a.sums.projected += l.share
		}
	}
	a.impact = r.impactOf(t, a.place)
	var exact Exact
	if r.s.Method == IriusRisk {
		exact = r.iriusRisk(&a)
	} else {
		exact = r.threatloop(&a)
	}
	if a.given != "" {
		flags = slices.DeleteFunc(flags, func(f Flag) bool { return f != UnknownPlace })
	}
	flags = append(flags, r.givenFlags(&a)...)
	a.before = exact.Inherent
	standing := r.stand(&a.rating, t, a.place, &flags)
	if standing == StandsClosed || standing == StandsRetired {
		exact = Exact{}
	}
	flags = append(flags, r.claimFlags(&a)...)
	r.finish(&a.rating, exact, standing, flags)
	a.rating.OverTolerance = standing == StandsOpen && float64(a.rating.Current) > r.tolerance(t)
	return a
}

// threatloop computes design section 4 with nothing rounded.
func (r *rater) threatloop(a *assessment) Exact {
	inherent, given := r.givenInherent(a.threat)
	a.given = given
	if given == "" {
		a.rating.Impact = a.impact.value
		a.rating.Exposure = a.place.Exposure
		a.rating.Likelihood = a.place.Exposure * percent(float64(a.threat.Ease)) / 100
		inherent = math.Sqrt(a.rating.Impact * a.rating.Likelihood)
	}
	return Exact{
		Inherent: inherent, Verified: reduced(inherent, a.sums.verified),
		Current: reduced(inherent, a.sums.current), Projected: reduced(inherent, a.sums.projected),
	}
}

// reduced takes the shares, in percent, off. Shares are kept in percent so that
// whole ones are exact; x * 100 / 100 can exceed x, hence the cut.
func reduced(inherent, shares float64) float64 {
	return min(inherent, inherent*(100-min(100, shares))/100)
}

// impactOf weighs what the threat does by what can be lost at the place.
func (r *rater) impactOf(t *model.Threat, pl *place) impact {
	var im impact
	value := byDimension(pl.Value)
	for d, hit := range byDimension(t.Impact) {
		im.by[d] = hit * value[d] / 100
		if im.by[d] > im.value {
			im.value, im.worst = im.by[d], dimension(d)
		}
	}
	return im
}

// What can replace the computed inherent rating.
const (
	givenByHand   = "set"
	givenSeverity = "severity"
	givenNothing  = "unrated"
)

// severities are the inherent ratings of a file's words, where it gives nothing better.
var severities = map[string]float64{"low": 15, "medium": 40, "high": 65, "critical": 88}

// givenInherent returns the inherent rating that is not computed, and what gave
// it. A severity decides only where impact or ease is missing.
func (r *rater) givenInherent(t *model.Threat) (float64, string) {
	if t.Inherent != nil && !math.IsNaN(*t.Inherent) {
		return percent(*t.Inherent), givenByHand
	}
	noImpact, noEase := t.Impact == model.CIA{}, t.Ease == 0
	word := strings.ToLower(strings.TrimSpace(t.Severity))
	switch {
	case !noImpact && !noEase:
		return 0, ""
	case word != "":
		if v, ok := severities[word]; ok {
			return v, givenSeverity
		}
		return 0, givenNothing
	case noImpact && noEase:
		return 0, givenNothing
	}
	return 0, ""
}

func (r *rater) givenFlags(a *assessment) []Flag {
	switch a.given {
	case givenByHand:
		return []Flag{SetByHand}
	case givenSeverity:
		return []Flag{FromSeverity}
	case givenNothing:
		a.rating.Unrated = true
		return []Flag{NotRated}
	}
	return nil
}

// count decides for each link of the threat in which ratings it counts. A
// contradiction does not depend on any state, so that no change of state can
// raise a rating through it.
func (r *rater) count(id model.ThreatID) []linked {
	live := r.links[id]
	links := slices.Grow(r.spare, len(live))
	r.spare = nil
	var failing map[model.CountermeasureID]string
	all := ""
	for i, l := range live {
		if i > 0 && model.CompareLinks(*live[i-1], *l) == 0 {
			continue // once per threat and weakness, with the higher share
		}
		links = append(links, linked{Link: l, share: percent(l.Share), countermeasure: r.countermeasures[l.Countermeasure]})
		by := ""
		if l.Weakness != "" && r.v.Weaknesses[l.Weakness].Verdict == model.Fail {
			by = "weakness " + string(l.Weakness)
		}
		if l.Countermeasure != "" {
			if r.v.Countermeasures[l.Countermeasure].Verdict == model.Fail {
				by = "countermeasure " + string(l.Countermeasure)
			}
			if by != "" && failing[l.Countermeasure] == "" {
				if failing == nil {
					failing = map[model.CountermeasureID]string{}
				}
				failing[l.Countermeasure] = by
			}
		}
		if by != "" && all == "" {
			all = by
		}
	}
	for i := range links {
		l := &links[i]
		if l.countermeasure == nil {
			continue
		}
		l.contradictedBy = failing[l.Countermeasure]
		l.fails = l.contradictedBy != ""
		if l.contradictedBy == "" && r.s.RestoreThreat {
			l.contradictedBy = all
		}
		r.countLink(l)
	}
	return links
}

func (r *rater) countLink(l *linked) {
	e := r.v.Countermeasures[l.Countermeasure]
	state := l.countermeasure.State
	if state == model.Rejected || state == model.StateNotApplicable {
		return
	}
	l.passed = e.Verdict == model.Pass && !e.Stale
	holds := l.contradictedBy == ""
	l.inVerified = l.passed && holds
	l.inCurrent = (l.passed || state == model.Implemented) && holds
	// A contradicted countermeasure stays in the projection: repairing it is part of the planned work.
	l.inProjected = l.passed || state == model.Implemented || state == model.Required
}

// stand decides in which group the threat is. A retired threat stands retired.
func (r *rater) stand(out *Rating, t *model.Threat, pl *place, flags *[]Flag) Standing {
	switch {
	case t.Retired != nil:
		return StandsRetired
	case t.Status == model.NotApplicable || t.Status == model.Avoided || t.Status == model.Eliminated:
		return StandsClosed
	case pl.OutOfScope:
		return StandsOutside
	case t.Status != model.Accepted && t.Status != model.Transferred:
		return StandsOpen
	case t.Acceptance == nil || t.Acceptance.Ends.IsZero():
		*flags = append(*flags, NoEnd)
		return StandsCarried
	}
	ends := t.Acceptance.Ends
	out.AcceptedUntil = &ends
	if !r.s.Now.IsZero() && !r.s.Now.Before(ends) {
		*flags = append(*flags, AcceptanceEnded)
		return StandsOpen
	}
	return StandsCarried
}

// claimFlags tells where evidence and claims disagree.
func (r *rater) claimFlags(a *assessment) []Flag {
	var flags []Flag
	counts, contradicted, reopened := false, false, false
	closed := a.threat.Status == model.NotApplicable || a.threat.Status == model.Avoided || a.threat.Status == model.Eliminated
	for _, l := range a.links {
		counts = counts || l.inCurrent
		if closed && (l.Weakness != "" && r.v.Weaknesses[l.Weakness].Verdict == model.Fail ||
			l.Countermeasure != "" && r.v.Countermeasures[l.Countermeasure].Verdict == model.Fail) {
			reopened = true
		}
		if l.contradictedBy == "" {
			continue
		}
		switch l.countermeasure.State {
		case model.Rejected, model.StateNotApplicable:
			reopened = reopened || l.fails
		case model.Implemented:
			contradicted = true
		default:
			contradicted = contradicted || l.passed
		}
	}
	if contradicted {
		flags = append(flags, Contradiction)
	}
	if reopened {
		flags = append(flags, Reopened)
	}
	if a.threat.Status == model.Mitigated && !counts {
		flags = append(flags, ClaimedMitigated)
	}
	if a.sums.projected > 100 {
		flags = append(flags, OverMitigated)
	}
	return flags
}

func (r *rater) finish(out *Rating, exact Exact, standing Standing, flags []Flag) {
	out.Exact = exact
	out.Figures = exact.Rounded()
	out.Band, out.InherentIn = r.s.Bands.Of(out.Current), r.s.Bands.Of(out.Inherent)
	if out.Unrated {
		out.Band, out.InherentIn = Unrated, Unrated
	}
	out.Gap = out.Verified - out.Current
	out.Standing = standing
	slices.Sort(flags)
	if out.Flags = slices.Compact(flags); len(out.Flags) == 0 {
		out.Flags = nil
	}
}

// tolerance of the threat: the lowest of its categories, else the general one, else 100.
func (r *rater) tolerance(t *model.Threat) float64 {
	limit, found := 100.0, false
	for _, c := range t.Categories {
		if x, ok := r.s.CategoryTolerance[c]; ok {
			limit, found = min(limit, percent(x)), true
		}
	}
	if !found && r.s.Tolerance != nil {
		limit = percent(*r.s.Tolerance)
	}
	return limit
}
