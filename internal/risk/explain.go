package risk

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Explanation shows how a threat's ratings came about. Lines says the same in
// plain sentences; everything else is for those who draw it.
type Explanation struct {
	Threat   model.ThreatID  `json:"threat"`
	Title    string          `json:"title"`
	Method   Method          `json:"method"`
	Rating   Rating          `json:"rating"`
	Impact   *ImpactStep     `json:"impact,omitempty"`   // nil where the inherent rating was not computed
	Exposure *ExposureStep   `json:"exposure,omitempty"` // nil as above
	Ease     int             `json:"ease"`
	Inherent FormulaStep     `json:"inherent"`
	Links    []LinkStep      `json:"links"`
	Results  []ReductionStep `json:"results"` // verified, current, projected
	Flags    []FlagText      `json:"flags,omitempty"`
	Lines    []string        `json:"lines"`
}

// ImpactStep is the impact by dimension; Value is the highest, or with the
// iriusrisk method that method's own figure.
type ImpactStep struct {
	Value      float64         `json:"value"`
	Worst      string          `json:"worst"` // name of the dimension that decides
	Dimensions []DimensionStep `json:"dimensions"`
	Formula    string          `json:"formula"`
}

// DimensionStep is threat impact * value / 100 of one security property.
type DimensionStep struct {
	Name   string        `json:"name"` // confidentiality, integrity, availability
	Threat float64       `json:"threat"`
	Value  float64       `json:"value"`
	Asset  model.AssetID `json:"asset,omitempty"` // the asset that gives the value
	Source string        `json:"source"`          // "asset", "product" or "guess"
	Result float64       `json:"result"`
}

// ExposureStep is how near an untrusted zone the place is. Path alternates
// components and flows and begins where the exposure is a component's own; it
// is empty where no component gave it. With the iriusrisk method Value is the
// probability, Own the exposure, and there is no path.
type ExposureStep struct {
	Value   float64           `json:"value"`
	Own     float64           `json:"own"`    // exposure at the start of the path: 100 less trust, at least 5
	K       float64           `json:"k"`      // what is left per boundary into a more trusted zone
	Climbs  int               `json:"climbs"` // number of such boundaries on the path
	Path    []model.ElementID `json:"path"`
	Guessed []model.ElementID `json:"guessed,omitempty"` // components on the path whose trust nobody said
	Formula string            `json:"formula"`
}

// FormulaStep is a formula with its numbers.
type FormulaStep struct {
	Value   float64 `json:"value"`
	Formula string  `json:"formula"`
}

// LinkStep is one weakness, with the countermeasure that serves the threat
// through it, and why it counts or does not.
type LinkStep struct {
	Weakness            model.WeaknessID       `json:"weakness,omitempty"`
	WeaknessTitle       string                 `json:"weakness_title,omitempty"`
	WeaknessVerdict     model.Verdict          `json:"weakness_verdict,omitempty"`
	Countermeasure      model.CountermeasureID `json:"countermeasure,omitempty"`
	CountermeasureTitle string                 `json:"countermeasure_title,omitempty"`
	State               model.State            `json:"state,omitempty"`
	Verdict             model.Verdict          `json:"verdict,omitempty"`
	Stale               bool                   `json:"stale,omitempty"` // the pass is too old to verify
	Evidence            string                 `json:"evidence,omitempty"`
	Share               float64                `json:"share"`
	ContradictedBy      string                 `json:"contradicted_by,omitempty"` // "weakness ID" or "countermeasure ID"
	Verified            bool                   `json:"counts_verified"`
	Current             bool                   `json:"counts_current"`
	Projected           bool                   `json:"counts_projected"`
	Why                 string                 `json:"why"`
}

// ReductionStep is inherent less what counts. Share is the percentage before it is cut at 100.
type ReductionStep struct {
	Rating  string  `json:"rating"` // verified, current, projected
	Share   float64 `json:"share"`
	Value   float64 `json:"value"`
	Formula string  `json:"formula"`
}

// FlagText is a flag and its sentence.
type FlagText struct {
	Flag Flag   `json:"flag"`
	Text string `json:"text"`
}

var flagTexts = map[Flag]string{
	ProductValue:     "no asset is modelled here: the value of the product was taken",
	GuessedValue:     "no asset is modelled here and the product has no value: 50 was taken",
	GuessedTrust:     "nobody said how far this place is trusted: the trust is a guess",
	GuessedExposure:  "nothing says how exposed this place is: 50 was taken",
	FromSeverity:     "impact and ease are not both given: the severity decided",
	SetByHand:        "the inherent rating was given and not computed",
	NotRated:         "neither ratings nor a severity are given: somebody has to rate this threat",
	ClaimedMitigated: "declared mitigated, but no countermeasure counts: the rating stays",
	NoEnd:            "carried without an end date",
	AcceptanceEnded:  "the acceptance has ended: the threat is open again",
	Contradiction:    "a test fails on what was claimed: its reduction is withdrawn",
	Reopened:         "a test fails on what was called not applicable or rejected: decide again",
	UnknownPlace:     "the place is not in the model: rated as the product",
	OverMitigated:    "the shares of the planned countermeasures sum to more than 100 percent; 100 is taken",
}

// Text returns the flag as a sentence for people.
func (f Flag) Text() string {
	if t, ok := flagTexts[f]; ok {
		return t
	}
	return string(f)
}

// Explain shows how the ratings of one threat come about; retired threats
// included. The error is a fault.NotFound for a threat that is not in the model.
func Explain(m *model.Model, v model.Verdicts, s Settings, id model.ThreatID) (Explanation, error) {
	for i := range m.Threats {
		if m.Threats[i].ID == id {
			r := newRater(m, v, s)
			a := r.assess(&m.Threats[i])
			return r.explain(&a), nil
		}
	}
	return Explanation{}, fault.New(fault.NotFound, "risk.threat_unknown", "threat %q is not in the model", id)
}

func (r *rater) explain(a *assessment) Explanation {
	e := Explanation{Threat: a.threat.ID, Title: a.threat.Title, Method: r.s.Method, Rating: a.rating, Ease: a.threat.Ease, Links: []LinkStep{}}
	e.Inherent = FormulaStep{Value: a.before, Formula: r.inherentFormula(a)}
	if a.given == "" {
		e.Impact = r.impactStep(a)
		e.Exposure = r.exposureStep(a)
	}
	for i := range a.links {
		e.Links = append(e.Links, r.linkStep(&a.links[i]))
	}
	e.Results = r.reductions(a)
	for _, f := range a.rating.Flags {
		e.Flags = append(e.Flags, FlagText{Flag: f, Text: f.Text()})
	}
	e.Lines = r.lines(a, &e)
	return e
}

func (r *rater) inherentFormula(a *assessment) string {
	switch a.given {
	case givenByHand:
		return "inherent = " + num(a.before) + ", given by hand"
	case givenSeverity:
		return fmt.Sprintf("inherent = %s, for the severity %q", num(a.before), strings.TrimSpace(a.threat.Severity))
	case givenNothing:
		return "inherent = 0: the threat is not rated"
	}
	if r.s.Method == IriusRisk {
		return fmt.Sprintf("inherent = round(sqrt(impact %s * probability %s)) = %s", num(a.irius.impact), num(a.irius.probability), num(a.before))
	}
	return fmt.Sprintf("inherent = sqrt(impact %s * exposure %s * ease %d / 100) = %s", num(a.rating.Impact), num(a.rating.Exposure), a.threat.Ease, num(a.before))
}

func (r *rater) impactStep(a *assessment) *ImpactStep {
	value := byDimension(a.place.Value)
	hits := byDimension(a.threat.Impact)
	step := &ImpactStep{Value: a.rating.Impact, Worst: dimensionNames[a.impact.worst]}
	for d, hit := range hits {
		ds := DimensionStep{Name: dimensionNames[d], Threat: hit, Value: value[d], Asset: a.place.ValueOf[d], Result: a.impact.by[d], Source: "product"}
		switch {
		case ds.Asset != "":
			ds.Source = "asset"
		case r.m.Product.Value == nil:
			ds.Source = "guess"
		}
		step.Dimensions = append(step.Dimensions, ds)
	}
	if st := a.irius; st != nil {
		k := r.s.Weights
		step.Formula = fmt.Sprintf("impact = floor((%s * business %s * weakness %s / 100 + %s * assets %s) / %s) = %s",
			num(k.BusinessImpact), num(st.business), num(st.weakness), num(k.Asset), num(st.assets), num(k.BusinessImpact+k.Asset), num(st.impact))
		return step
	}
	d := step.Dimensions[a.impact.worst]
	step.Formula = fmt.Sprintf("impact = %s %s * value %s / 100 = %s", d.Name, num(d.Threat), num(d.Value), num(step.Value))
	return step
}

func (r *rater) exposureStep(a *assessment) *ExposureStep {
	net := r.places.derived
	step := &ExposureStep{Value: a.rating.Exposure, Own: a.place.Exposure, K: r.s.K, Path: []model.ElementID{}}
	if st := a.irius; st != nil {
		step.Value, step.Own = st.probability, st.exposure
		step.Formula = fmt.Sprintf("probability = floor((%s * exposure %s + %s * ease %d) / %s) = %s",
			num(r.s.Weights.Exposure), num(st.exposure), num(r.s.Weights.Ease), a.threat.Ease, num(r.s.Weights.Exposure+r.s.Weights.Ease), num(st.probability))
		return step
	}
	nearest, ok := net.Index(a.place.Nearest)
	if !ok {
		step.Formula = "exposure = " + num(step.Value)
		return step
	}
	step.Path = net.Path(nearest, 0)
	start, _ := net.Index(step.Path[0])
	step.Own = net.Own(start)
	before := math.Inf(1)
	for i := 0; i < len(step.Path); i += 2 {
		c, _ := net.Index(step.Path[i])
		trust, guess := net.Trust(c)
		if guess {
			step.Guessed = append(step.Guessed, step.Path[i])
		}
		if trust > before {
			step.Climbs++
		}
		before = trust
	}
	trust, _ := net.Trust(start)
	step.Formula = fmt.Sprintf("exposure = max(%d, 100 - trust %s)", model.LeastExposure, num(trust))
	if step.Climbs > 0 {
		step.Formula += fmt.Sprintf(" * %s ^ %d", num(step.K), step.Climbs)
	}
	step.Formula += " = " + num(step.Value)
	if last := step.Path[len(step.Path)-1]; last != a.threat.Where && r.isFlow(a.threat.Where) && !slices.Contains(step.Path, a.threat.Where) {
		step.Path = append(step.Path, a.threat.Where)
	}
	return step
}

func (r *rater) isFlow(id model.ElementID) bool { _, ok := r.places.flows[id]; return ok }

func (r *rater) linkStep(l *linked) LinkStep {
	step := LinkStep{
		Weakness: l.Weakness, Countermeasure: l.Countermeasure, Share: l.share, ContradictedBy: l.contradictedBy,
		Verified: l.inVerified, Current: l.inCurrent, Projected: l.inProjected,
	}
	if l.Weakness != "" {
		step.WeaknessTitle = r.weaknesses[l.Weakness].Title
		e := r.v.Weaknesses[l.Weakness]
		step.WeaknessVerdict = orUntested(e.Verdict)
		if e.Verdict == model.Fail {
			step.Evidence = e.Text
		}
	}
	if l.countermeasure == nil {
		step.Why = "the weakness makes the threat possible; no countermeasure is linked through it"
		return step
	}
	e := r.v.Countermeasures[l.Countermeasure]
	step.CountermeasureTitle, step.State = l.countermeasure.Title, l.countermeasure.State
	step.Verdict = orUntested(e.Verdict)
	step.Stale = e.Stale && e.Verdict == model.Pass
	if e.Text != "" {
		step.Evidence = e.Text
	}
	step.Why = r.why(l, &step)
	return step
}

func orUntested(v model.Verdict) model.Verdict {
	if v == "" {
		return model.Untested
	}
	return v
}

// why says in which ratings the link counts, and for the others why not.
func (r *rater) why(l *linked, step *LinkStep) string {
	if r.s.Method != IriusRisk {
		switch step.State {
		case model.Rejected:
			return "counts nowhere: rejected"
		case model.StateNotApplicable:
			return "counts nowhere: not applicable"
		}
	}
	var in []string
	for _, c := range []struct {
		name   string
		counts bool
	}{{"verified", l.inVerified}, {"current", l.inCurrent}, {"projected", l.inProjected}} {
		if c.counts {
			in = append(in, c.name)
		}
	}
	reasons := []string{"it is " + string(step.State)}
	if l.passed {
		reasons = append(reasons, "its test passes")
	}
	switch {
	case l.contradictedBy != "":
		reasons = append(reasons, "a test fails on "+l.contradictedBy)
	case step.Stale:
		reasons = append(reasons, "its passing test is too old to verify")
	case !l.passed:
		reasons = append(reasons, "no passing test verifies it")
	}
	where := "nowhere"
	if len(in) > 0 {
		where = "in " + strings.Join(in, ", ")
	}
	return "counts " + where + ": " + strings.Join(reasons, "; ")
}

func (r *rater) reductions(a *assessment) []ReductionStep {
	exact := a.rating.Exact
	steps := []ReductionStep{
		{Rating: "verified", Share: a.sums.verified, Value: exact.Verified},
		{Rating: "current", Share: a.sums.current, Value: exact.Current},
		{Rating: "projected", Share: a.sums.projected, Value: exact.Projected},
	}
	taken := [3]float64{}
	if st := a.irius; st != nil {
		taken = [3]float64{st.sumVerified, st.sumCurrent, st.sumP}
	}
	for i := range steps {
		s := &steps[i]
		switch {
		case a.irius != nil:
			s.Share = 0
			for _, l := range a.links {
				if counts := [3]bool{l.inVerified, l.inCurrent, l.inProjected}[i]; counts {
					s.Share += l.share
				}
			}
			s.Formula = fmt.Sprintf("%s = %s - %s + %s = %s", s.Rating, num(a.before), num(taken[i]), num(a.irius.increment), num(s.Value))
		case s.Share > 100:
			s.Formula = fmt.Sprintf("%s = %s * (1 - 100 / 100) = %s, of shares %s", s.Rating, num(a.before), num(s.Value), num(s.Share))
		default:
			s.Formula = fmt.Sprintf("%s = %s * (1 - %s / 100) = %s", s.Rating, num(a.before), num(s.Share), num(s.Value))
		}
		if a.rating.Standing == StandsClosed || a.rating.Standing == StandsRetired {
			s.Formula = s.Rating + " = 0: the threat is " + string(a.threat.Status)
			if a.rating.Standing == StandsRetired {
				s.Formula = s.Rating + " = 0: the threat is retired"
			}
		}
	}
	return steps
}

func (r *rater) lines(a *assessment, e *Explanation) []string {
	var lines []string
	if e.Impact != nil {
		lines = append(lines, r.impactLine(e.Impact))
		lines = append(lines, e.Impact.Formula)
	}
	if e.Exposure != nil {
		line := e.Exposure.Formula
		if len(e.Exposure.Path) > 1 {
			line += ", by way of " + r.names(e.Exposure.Path, " > ")
		}
		if len(e.Exposure.Guessed) > 0 {
			line += "; the trust of " + r.names(e.Exposure.Guessed, ", ") + " is a guess"
		}
		lines = append(lines, line)
	}
	lines = append(lines, e.Inherent.Formula)
	for _, l := range e.Links {
		lines = append(lines, linkLine(&l))
	}
	for _, s := range e.Results {
		lines = append(lines, s.Formula)
	}
	f := a.rating.Figures
	lines = append(lines, fmt.Sprintf("shown: inherent %d, verified %d, current %d (%s), projected %d", f.Inherent, f.Verified, f.Current, a.rating.Band, f.Projected))
	switch {
	case a.rating.Standing == StandsCarried && a.rating.AcceptedUntil != nil:
		lines = append(lines, "shown apart: "+string(a.threat.Status)+" until "+a.rating.AcceptedUntil.UTC().Format("2006-01-02"))
	case a.rating.Standing == StandsCarried:
		lines = append(lines, "shown apart: "+string(a.threat.Status))
	case a.rating.Standing == StandsOutside:
		lines = append(lines, "shown apart: the element is out of scope")
	}
	for _, fl := range e.Flags {
		lines = append(lines, "note: "+fl.Text)
	}
	return lines
}

func (r *rater) impactLine(s *ImpactStep) string {
	var parts []string
	for _, d := range s.Dimensions {
		source := "the product"
		switch d.Source {
		case "asset":
			source = "asset " + strconv.Quote(r.places.derived.Asset(d.Asset).Name)
		case "guess":
			source = "a guess"
		}
		parts = append(parts, fmt.Sprintf("%s %s with a value of %s (%s)", d.Name, num(d.Threat), num(d.Value), source))
	}
	return "the threat hurts " + strings.Join(parts, ", ")
}

func linkLine(l *LinkStep) string {
	through := ""
	if l.Weakness != "" {
		through = "weakness " + strconv.Quote(l.WeaknessTitle)
	}
	if l.Countermeasure == "" {
		return through + ": " + l.Why
	}
	if through != "" {
		through = " against " + through
	}
	return fmt.Sprintf("countermeasure %q%s, share %s percent, %s", l.CountermeasureTitle, through, num(l.Share), l.Why)
}

// names writes elements with the names that people gave, or the ids.
func (r *rater) names(path []model.ElementID, between string) string {
	names := make([]string, len(path))
	for i, id := range path {
		names[i] = string(id)
		if c, ok := r.places.derived.Index(id); ok && r.m.Components[c].Name != "" {
			names[i] = r.m.Components[c].Name
		} else if f, ok := r.places.flows[id]; ok && r.m.Flows[f].Name != "" {
			names[i] = r.m.Flows[f].Name
		}
	}
	return strings.Join(names, between)
}

// num writes a number with at most two decimals.
func num(x float64) string {
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}
