// Package risk turns a threat model and the verdicts of its evidence into
// ratings: per threat inherent, verified, current and projected, each 0 to 100,
// with the explanation of every figure, the product's summary, the difference
// between two ratings, and the set of countermeasures that a budget buys.
//
// Everything here is a pure, total function: no clock, no I/O, no panic on a
// model that Validate would refuse (what does not exist counts nowhere, figures
// are clamped to their range), and the order of the model's lists never
// matters. Rate grows linearly with the model.
//
// What is not said elsewhere and is decided here: a threat that a file or ticket
// calls mitigated stays open, since only countermeasures lower a rating
// (ClaimedMitigated flags one that has none). A contradicted countermeasure
// stays in the projection, for repairing it is planned work. What is out of
// scope is rated but counted apart, and still carries exposure. Bands and
// tolerances look at the rounded rating, so that nobody sees 75 called high.
// Trusting a zone more never raises the exposure of a component that is alone
// in it; it can raise that of others, because flows out of it no longer climb.
//
// With the threatloop method projected <= current <= verified <= inherent holds
// always. The iriusrisk method reproduces another tool's figures and quirks;
// the order does not hold there.
package risk

import (
	"math"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// Method names a way of rating.
type Method string

// The methods.
const (
	// Threatloop: sqrt(impact * exposure * ease / 100), less the shares of what
	// counts; nothing is rounded before the end.
	Threatloop Method = "threatloop"
	// IriusRisk: the figures of IriusRisk with their intermediate rounding.
	IriusRisk Method = "iriusrisk"
)

// Settings are the choices that ratings depend on. The zero value is usable:
// every field's zero means the default that its comment gives.
type Settings struct {
	// Method: "" is the product's own method, and threatloop where it names none.
	Method Method `json:"method,omitempty"`
	// K is what is left of exposure when a flow enters a more trusted zone,
	// above 0 up to 1; 0, and what is no number, is 0.8.
	K float64 `json:"k,omitempty"`
	// Bands are the lower limits of the bands; zero is 25, 50, 75.
	Bands Bands `json:"bands,omitzero"`
	// RestoreThreat makes a fail withdraw every link of the threat instead of
	// those of the countermeasure that it contradicts.
	RestoreThreat bool `json:"restore_threat,omitempty"`
	// Tolerance is the highest current rating carried without a decision,
	// 0..100; nil is the product's. A band is said by its upper limit: Bands.Upper.
	Tolerance *float64 `json:"tolerance,omitempty"`
	// CategoryTolerance holds tolerances by threat category ("stride:tampering");
	// a threat in several is held to the lowest. It replaces Tolerance there.
	CategoryTolerance map[string]float64 `json:"category_tolerance,omitempty"`
	// Now decides whether an acceptance has ended; the zero time ends none.
	Now time.Time `json:"now,omitzero"`
	// Weights are used by the iriusrisk method only.
	Weights Weights `json:"weights,omitzero"`
}

// Weights are the settings of an IriusRisk tenant. BusinessImpact and Asset
// both 0 mean 1 to 1, as do Exposure and Ease; older tenants have 8 to 1 for
// the first pair. The factors of tests are 1, as by default there.
type Weights struct {
	BusinessImpact     float64 `json:"business_impact,omitempty"`
	Asset              float64 `json:"asset,omitempty"`
	Exposure           float64 `json:"exposure,omitempty"`
	Ease               float64 `json:"ease,omitempty"`
	VulnerabilityFound float64 `json:"vulnerability_found,omitempty"` // share of the impact of a failed weakness that is added; 0 by default
}

// Band is a range of the scale.
type Band string

// The bands. Unrated is the band of a threat that nobody has rated.
const (
	Low      Band = "low"
	Medium   Band = "medium"
	High     Band = "high"
	Critical Band = "critical"
	Unrated  Band = "unrated"
)

// Bands are the lower limits of medium, high and critical, 0..100, ascending.
type Bands struct {
	Medium   int `json:"medium"`
	High     int `json:"high"`
	Critical int `json:"critical"`
}

// defaultBands are those of a Settings without bands: below 25 low, 50 medium,
// 75 high, from 75 critical.
var defaultBands = Bands{Medium: 25, High: 50, Critical: 75}

// Of returns the band of a rounded rating. Bands of zero are the default ones.
func (b Bands) Of(rating int) Band {
	b = b.orDefault()
	switch {
	case rating >= b.Critical:
		return Critical
	case rating >= b.High:
		return High
	case rating >= b.Medium:
		return Medium
	}
	return Low
}

// Upper returns the highest rounded rating of the band, for a tolerance that
// was given as a band. An unknown band gives 100.
func (b Bands) Upper(band Band) int {
	b = b.orDefault()
	switch band {
	case Low:
		return b.Medium - 1
	case Medium:
		return b.High - 1
	case High:
		return b.Critical - 1
	}
	return 100
}

func (b Bands) orDefault() Bands {
	if b == (Bands{}) {
		return defaultBands
	}
	return b
}

// Figures are the four ratings as shown: 0..100, rounded half up.
type Figures struct {
	Inherent  int `json:"inherent"`
	Verified  int `json:"verified"`
	Current   int `json:"current"`
	Projected int `json:"projected"`
}

// Exact are the four ratings as computed, 0..100 (sums exceed it).
type Exact struct {
	Inherent  float64 `json:"inherent"`
	Verified  float64 `json:"verified"`
	Current   float64 `json:"current"`
	Projected float64 `json:"projected"`
}

// Rounded returns the figures rounded once, half up.
func (e Exact) Rounded() Figures {
	return Figures{Inherent: round(e.Inherent), Verified: round(e.Verified), Current: round(e.Current), Projected: round(e.Projected)}
}

func (e Exact) plus(o Exact) Exact {
	return Exact{e.Inherent + o.Inherent, e.Verified + o.Verified, e.Current + o.Current, e.Projected + o.Projected}
}

// Standing says in which group a threat is shown and counted.
type Standing string

// The standings.
const (
	StandsOpen    Standing = "open"         // counts in the product's figures
	StandsCarried Standing = "carried"      // accepted or transferred, and the acceptance has not ended: rated, shown apart
	StandsClosed  Standing = "closed"       // not applicable, avoided or eliminated: rates 0
	StandsOutside Standing = "out_of_scope" // at an element that is out of scope: rated, shown apart
	StandsRetired Standing = "retired"      // counts nowhere; only an explanation shows it
)

// Flag is an assumption behind a rating, or something about it that waits for a person.
type Flag string

// The flags.
const (
	ProductValue     Flag = "value_of_product"  // no asset is modelled here: the product's value was taken
	GuessedValue     Flag = "value_guessed"     // no asset here and no value of the product: 50
	GuessedTrust     Flag = "trust_guessed"     // nobody said how trusted this place is
	GuessedExposure  Flag = "exposure_guessed"  // nothing tells how exposed this place is: 50
	FromSeverity     Flag = "from_severity"     // a file's word for the severity decided the inherent rating
	SetByHand        Flag = "inherent_set"      // the inherent rating was given, not computed
	NotRated         Flag = "unrated"           // neither ratings nor a severity: somebody has to rate it
	ClaimedMitigated Flag = "claimed_mitigated" // declared mitigated, and no countermeasure counts
	NoEnd            Flag = "no_end"            // accepted or transferred without an end date
	AcceptanceEnded  Flag = "acceptance_ended"  // the acceptance is over: the threat is open again
	Contradiction    Flag = "contradicted"      // a test fails on what was claimed
	Reopened         Flag = "question_reopened" // a test fails on what was called not applicable or was rejected
	UnknownPlace     Flag = "place_unknown"     // the place is not in the model: rated as the product
	OverMitigated    Flag = "shares_exceed_100" // the shares of the countermeasures sum to more than 100
)

// Rating is what a threat rates.
type Rating struct {
	Threat model.ThreatID  `json:"threat"`
	Where  model.ElementID `json:"where"`
	Figures
	Exact Exact `json:"exact"`
	// Impact, Exposure and Likelihood (exposure * ease / 100) are 0..100; all 0
	// where the inherent rating did not come from them. A closed threat keeps
	// them. With the iriusrisk method Likelihood is its probability.
	Impact     float64  `json:"impact"`
	Exposure   float64  `json:"exposure"`
	Likelihood float64  `json:"likelihood"`
	Band       Band     `json:"band"`          // of the current rating, as rounded
	InherentIn Band     `json:"inherent_band"` // of the inherent rating, as rounded
	Gap        int      `json:"assurance_gap"` // verified less current, as rounded: claimed and not proven
	Standing   Standing `json:"standing"`
	// AcceptedUntil is the end of the acceptance; nil where there is none or no end.
	AcceptedUntil *time.Time `json:"accepted_until,omitempty"`
	// OverTolerance: an open threat whose current rating, as rounded, exceeds the tolerance.
	OverTolerance bool   `json:"over_tolerance,omitempty"`
	Unrated       bool   `json:"unrated,omitempty"`
	Flags         []Flag `json:"flags,omitempty"` // sorted
}

// Ratings are the ratings of one product. Threats is sorted by id and leaves
// retired ones out.
type Ratings struct {
	Method  Method   `json:"method"`
	Threats []Rating `json:"threats"`
	Summary Summary  `json:"summary"`
}

// Threat returns the rating of the threat; false for an unknown or retired one.
func (r Ratings) Threat(id model.ThreatID) (Rating, bool) {
	lo, hi := 0, len(r.Threats)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if r.Threats[mid].Threat < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(r.Threats) && r.Threats[lo].Threat == id {
		return r.Threats[lo], true
	}
	return Rating{}, false
}

// Tally sums up a group of threats.
type Tally struct {
	Threats  int          `json:"threats"`
	Highest  Figures      `json:"highest"`
	Sum      Figures      `json:"sum"` // of the exact ratings, rounded once
	SumExact Exact        `json:"sum_exact"`
	Bands    map[Band]int `json:"bands"` // by band of the current rating; every band has a key
}

// Summary is what a product shows. Open holds its figures; what is carried or
// out of scope stands apart.
type Summary struct {
	Open    Tally `json:"open"`
	Carried Tally `json:"carried"`
	Outside Tally `json:"out_of_scope"`
	Closed  int   `json:"closed"`
	// Unrated, OverTolerance, Contradicted and Guessed count open threats.
	Unrated       int     `json:"unrated"`
	OverTolerance int     `json:"over_tolerance"`
	Contradicted  int     `json:"contradicted"`
	Guessed       int     `json:"guessed"`       // rest on a guessed value, trust or exposure
	Gap           int     `json:"assurance_gap"` // summed verified less summed current, rounded once
	Highest       int     `json:"highest"`       // the highest current rating of an open threat
	Band          Band    `json:"band"`          // of Highest
	Tolerance     float64 `json:"tolerance"`     // 100 where none is set
}

// Climb returns what is left of exposure when a flow enters a more trusted zone:
// K, or its default.
func (s Settings) Climb() float64 {
	if !(s.K > 0) {
		return model.DefaultClimb
	}
	return min(s.K, 1)
}

func (s Settings) normal(m *model.Model) Settings {
	if s.Method == "" {
		s.Method = Method(m.Product.Method)
	}
	if s.Method != IriusRisk {
		s.Method = Threatloop
	}
	s.K = s.Climb()
	s.Bands = s.Bands.orDefault()
	if s.Tolerance == nil {
		s.Tolerance = m.Product.Tolerance
	}
	w := &s.Weights
	if !(w.BusinessImpact > 0) && !(w.Asset > 0) {
		w.BusinessImpact, w.Asset = 1, 1
	}
	if !(w.Exposure > 0) && !(w.Ease > 0) {
		w.Exposure, w.Ease = 1, 1
	}
	for _, f := range []*float64{&w.BusinessImpact, &w.Asset, &w.Exposure, &w.Ease, &w.VulnerabilityFound} {
		if !(*f > 0) || math.IsInf(*f, 1) {
			*f = 0
		}
	}
	if w.BusinessImpact+w.Asset == 0 {
		w.BusinessImpact, w.Asset = 1, 1
	}
	if w.Exposure+w.Ease == 0 {
		w.Exposure, w.Ease = 1, 1
	}
	return s
}

// round is half up for what is not negative.
func round(x float64) int { return int(math.Round(x)) }

// percent brings any number into 0..100; what is no number is 0.
func percent(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 100)
}
