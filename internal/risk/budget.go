package risk

import (
	"cmp"
	"math"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

// Gain is what a countermeasure would take off the summed current risk of the
// open threats if it alone were done.
type Gain struct {
	Countermeasure model.CountermeasureID `json:"countermeasure"`
	Takes          float64                `json:"takes"`   // points of the exact sum
	Threats        int                    `json:"threats"` // open threats that it would lower
}

// Rounded returns what it takes off rounded once, half up.
func (g Gain) Rounded() int { return round(g.Takes) }

// Gains returns the gain of every countermeasure that is not retired, by id.
// "Done" means implemented and, where a test fails on it or on a weakness of
// its, repaired: its own shares count, nothing else changes. What counts
// already takes nothing. Rejected and not applicable countermeasures are rated as if the
// decision were turned. The iriusrisk method is followed in its points.
func Gains(m *model.Model, v model.Verdicts, s Settings) []Gain {
	p := newPlan(m, v, s)
	gains := make([]Gain, 0, len(m.Countermeasures))
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		if c.Retired != nil {
			continue
		}
		gain := Gain{Countermeasure: c.ID}
		for _, e := range p.effects[c.ID] {
			if points := p.left(e.threat, p.done[e.threat]) - p.left(e.threat, p.done[e.threat]+e.share); points > 0 {
				gain.Takes += points
				gain.Threats++
			}
		}
		gains = append(gains, gain)
	}
	slices.SortFunc(gains, func(a, b Gain) int { return cmp.Compare(a.Countermeasure, b.Countermeasure) })
	return gains
}

// plan is the part of the ratings that work on countermeasures can change: what
// each threat rates with a given reduction, and what each countermeasure adds.
type plan struct {
	method   Method
	inherent []float64 // by threat
	added    []float64 // iriusrisk: increment by threat
	done     []float64 // reduction that counts already: percent, or points with iriusrisk
	effects  map[model.CountermeasureID][]effect
}

// effect is a share, or points, that a countermeasure would add at a threat.
type effect struct {
	threat int
	share  float64
}

func newPlan(m *model.Model, v model.Verdicts, s Settings) *plan {
	r := newRater(m, v, s)
	p := &plan{method: r.s.Method, effects: map[model.CountermeasureID][]effect{}}
	order := make([]int, 0, len(m.Threats))
	for i := range m.Threats {
		if m.Threats[i].Retired == nil {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(m.Threats[a].ID, m.Threats[b].ID) })
	for _, i := range order {
		if a := r.assess(&m.Threats[i]); a.rating.Standing == StandsOpen {
			p.add(&a)
		}
	}
	return p
}

func (p *plan) add(a *assessment) {
	n := len(p.inherent)
	p.inherent = append(p.inherent, a.before)
	done, added := a.sums.current, 0.0
	if a.irius != nil {
		done, added = a.irius.sumCurrent, a.irius.increment
	}
	p.done, p.added = append(p.done, done), append(p.added, added)
	for i := range a.links {
		l := &a.links[i]
		if l.countermeasure == nil || l.inCurrent || l.share == 0 {
			continue
		}
		share := l.share
		if a.irius != nil {
			share = math.Ceil(l.share * a.before / 100)
		}
		effects := p.effects[l.Countermeasure]
		if k := len(effects); k > 0 && effects[k-1].threat == n {
			effects[k-1].share += share
		} else {
			p.effects[l.Countermeasure] = append(effects, effect{n, share})
		}
	}
}

// left is what the threat rates with the reduction.
func (p *plan) left(threat int, reduction float64) float64 {
	if p.method == IriusRisk {
		return percent(p.inherent[threat] - reduction + p.added[threat])
	}
	return reduced(p.inherent[threat], reduction)
}

// Budget is money or days to spend, in the unit of the costs ("days", "EUR").
type Budget struct {
	Amount float64 `json:"amount"`
	Unit   string  `json:"unit"`
}

// Proposal is the set of countermeasures that a budget buys. All risk figures
// are exact sums of current ratings over open threats.
type Proposal struct {
	Budget          Budget                   `json:"budget"`
	Countermeasures []model.CountermeasureID `json:"countermeasures"` // sorted
	Cost            float64                  `json:"cost"`
	Before          float64                  `json:"before"`
	After           float64                  `json:"after"`
	// Exact: no other set within the budget leaves less. Otherwise Least is a
	// figure below which no set within the budget can come; it equals After
	// where Exact.
	Exact bool    `json:"exact"`
	Least float64 `json:"least"`
	// Uncosted are candidates left out because they have no cost in the unit.
	Uncosted []model.CountermeasureID `json:"uncosted,omitempty"`
	// Curve is risk against spend from nothing to everything, by rising cost and
	// falling risk. Below the limit of an exact answer it is the best possible
	// at each cost, else what the greedy choice leaves.
	Curve []Spend `json:"curve"`
}

// Spend is a point of the curve.
type Spend struct {
	Cost float64 `json:"cost"`
	Risk float64 `json:"risk"`
}

// exactLimit is the number of candidates up to which every set is tried: a
// million sets take a fraction of a second.
const exactLimit = 18

// curvePoints bounds the points of an exact curve.
const curvePoints = 200

// candidate is a countermeasure that would take something off and has a cost.
type candidate struct {
	id      model.CountermeasureID
	cost    float64
	effects []effect
}

// Propose returns the set of countermeasures within the budget that lowers the
// summed current risk most: of up to 18 candidates exactly, of more by taking
// the best gain per cost again and again (or the single best, if that is
// better), with a bound. The gain of a set is submodular, so the greedy choice
// is at least (1 - 1/e) / 2 of the best (Leskovec and others, 2007); Least is
// the bound for this very input and usually far closer.
//
// Candidates are live countermeasures that are neither rejected nor not
// applicable, that would take something off, and whose cost is in the unit.
// Of equal sets the cheaper, then the one that comes first by ids, is proposed.
func Propose(m *model.Model, v model.Verdicts, s Settings, b Budget) Proposal {
	p := newPlan(m, v, s)
	out := Proposal{Budget: b, Countermeasures: []model.CountermeasureID{}}
	candidates, uncosted := p.candidates(m, b.Unit)
	out.Uncosted = uncosted
	out.Before = p.total(p.done)
	// Three costs of a tenth come to a little more than three tenths in binary.
	amount := b.Amount + slack*max(1, math.Abs(b.Amount))
	var chosen []int
	if len(candidates) <= exactLimit {
		x := newSearch(p, candidates, amount)
		x.try(0, 0, out.Before)
		chosen, out.Exact, out.Curve = x.best.set(len(candidates)), true, x.curve(out.Before)
	} else {
		var bound float64
		chosen, bound = p.greedy(candidates, amount)
		if out.Least = max(0, out.Before-bound); slices.ContainsFunc(p.added, func(x float64) bool { return x > 0 }) {
			out.Least = 0 // an increment that is cut at 100 is not submodular
		}
		_, out.Curve = p.pick(candidates, math.Inf(1))
	}
	done := slices.Clone(p.done)
	for _, i := range chosen {
		c := candidates[i]
		out.Countermeasures = append(out.Countermeasures, c.id)
		out.Cost += c.cost
		for _, e := range c.effects {
			done[e.threat] += e.share
		}
	}
	slices.Sort(out.Countermeasures)
	out.After = p.total(done)
	if out.Exact {
		out.Least = out.After
	}
	out.Least = min(out.Least, out.After)
	return out
}

func (p *plan) total(done []float64) float64 {
	sum := 0.0
	for t := range done {
		sum += p.left(t, done[t])
	}
	return sum
}

func (p *plan) candidates(m *model.Model, unit string) (list []candidate, uncosted []model.CountermeasureID) {
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		if c.Retired != nil || c.State == model.Rejected || c.State == model.StateNotApplicable {
			continue
		}
		x := candidate{id: c.ID, effects: p.effects[c.ID]}
		if p.gain(x, p.done) <= 0 {
			continue
		}
		if c.Cost == nil || c.Cost.Unit != unit || !(c.Cost.Amount >= 0) || math.IsInf(c.Cost.Amount, 1) {
			uncosted = append(uncosted, c.ID)
			continue
		}
		x.cost = c.Cost.Amount
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(a.id, b.id) })
	slices.Sort(uncosted)
	return list, uncosted
}

// gain is what the candidate takes off on top of what is done.
func (p *plan) gain(c candidate, done []float64) float64 {
	sum := 0.0
	for _, e := range c.effects {
		sum += p.left(e.threat, done[e.threat]) - p.left(e.threat, done[e.threat]+e.share)
	}
	return sum
}
