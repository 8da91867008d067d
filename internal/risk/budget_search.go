package risk

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// search tries every set of the candidates, adding and taking back one at a time.
type search struct {
	p          *plan
	candidates []candidate
	amount     float64
	total      float64 // cost of everything
	done       []float64
	taken      uint32
	best       solution
	cells      []Spend // lowest risk per slice of the spend; an infinite cost is an empty cell
}

type solution struct {
	taken      uint32
	cost, risk float64
}

func (s solution) set(n int) []int {
	var list []int
	for i := range n {
		if s.taken>>i&1 == 1 {
			list = append(list, i)
		}
	}
	return list
}

func newSearch(p *plan, candidates []candidate, amount float64) *search {
	x := &search{p: p, candidates: candidates, amount: amount, done: slices.Clone(p.done)}
	for _, c := range candidates {
		x.total += c.cost
	}
	x.cells = make([]Spend, curvePoints+1)
	for i := range x.cells {
		x.cells[i] = Spend{Cost: math.Inf(1), Risk: math.Inf(1)}
	}
	x.best = solution{risk: math.Inf(1)}
	return x
}

// slack hides what the order of float additions does to sums that are equal.
const slack = 1e-9

// try decides on candidate i and all after it.
func (x *search) try(i int, cost, risk float64) {
	if i == len(x.candidates) {
		x.note(cost, risk)
		return
	}
	c := x.candidates[i]
	kept := make([]float64, len(c.effects))
	lower := risk
	for k, e := range c.effects {
		kept[k] = x.done[e.threat]
		lower -= x.p.left(e.threat, kept[k])
		x.done[e.threat] += e.share
		lower += x.p.left(e.threat, x.done[e.threat])
	}
	x.taken |= 1 << i
	x.try(i+1, cost+c.cost, lower)
	x.taken &^= 1 << i
	for k, e := range c.effects {
		x.done[e.threat] = kept[k]
	}
	x.try(i+1, cost, risk)
}

func (x *search) note(cost, risk float64) {
	if cost <= x.amount || x.taken == 0 {
		if b := &x.best; risk < b.risk-slack || risk <= b.risk+slack && cost < b.cost-slack {
			x.best = solution{taken: x.taken, cost: cost, risk: risk}
		}
	}
	cell := 0
	if x.total > 0 {
		cell = min(curvePoints, int(math.Ceil(cost/x.total*curvePoints)))
	}
	if c := &x.cells[cell]; risk < c.Risk-slack || risk <= c.Risk+slack && cost < c.Cost {
		*c = Spend{Cost: cost, Risk: max(0, risk)}
	}
}

// curve keeps what lowers the risk as the cost rises; it begins with no spend.
func (x *search) curve(before float64) []Spend {
	curve := []Spend{{Cost: 0, Risk: before}}
	for _, c := range x.cells {
		if math.IsInf(c.Cost, 1) {
			continue
		}
		switch last := &curve[len(curve)-1]; {
		case c.Risk >= last.Risk-slack:
		case c.Cost == last.Cost:
			last.Risk = c.Risk
		default:
			curve = append(curve, c)
		}
	}
	return curve
}

// greedy returns the better of the picks by gain per cost and the best single
// candidate, and a figure that no set within the amount can take off more than:
// what the picks take off, plus the best fraction of what the others would add.
func (p *plan) greedy(candidates []candidate, amount float64) (chosen []int, bound float64) {
	chosen, _ = p.pick(candidates, amount)
	best := p.takenBy(candidates, chosen)
	bound = p.bound(candidates, nil, amount)
	bound = min(bound, p.bound(candidates, chosen, amount))
	for i, c := range candidates {
		if takes := p.gain(c, p.done); c.cost <= amount && takes > best+slack {
			best, chosen = takes, []int{i}
		}
	}
	return chosen, max(bound, best)
}

func (p *plan) takenBy(candidates []candidate, chosen []int) float64 {
	done := p.with(candidates, chosen)
	return p.total(p.done) - p.total(done)
}

func (p *plan) with(candidates []candidate, chosen []int) []float64 {
	done := slices.Clone(p.done)
	for _, i := range chosen {
		for _, e := range candidates[i].effects {
			done[e.threat] += e.share
		}
	}
	return done
}

// bound: by submodularity no set takes off more than the chosen ones do plus the
// gains, on top of those, of its other members; and those fit the whole amount.
func (p *plan) bound(candidates []candidate, chosen []int, amount float64) float64 {
	done := p.with(candidates, chosen)
	in := make(map[int]bool, len(chosen))
	for _, i := range chosen {
		in[i] = true
	}
	type offer struct{ gain, cost float64 }
	var offers []offer
	for i, c := range candidates {
		if g := p.gain(c, done); !in[i] && g > 0 && c.cost <= amount {
			offers = append(offers, offer{g, c.cost})
		}
	}
	slices.SortFunc(offers, func(a, b offer) int { return cmp.Compare(b.gain*a.cost, a.gain*b.cost) })
	sum := p.total(p.done) - p.total(done)
	for _, o := range offers {
		if o.cost <= amount {
			sum += o.gain
			amount -= o.cost
			continue
		}
		sum += o.gain * amount / o.cost
		break
	}
	return sum
}

// pick takes the best gain per cost that still fits, again and again, and
// returns the picks with the risk after each. A gain only shrinks as others are
// taken, so the best is found by looking again only at the head of a heap.
func (p *plan) pick(candidates []candidate, amount float64) (chosen []int, curve []Spend) {
	done := slices.Clone(p.done)
	h := &offers{}
	for i, c := range candidates {
		h.list = append(h.list, newOffered(i, p.gain(c, done), c.cost))
	}
	heap.Init(h)
	cost, risk := 0.0, p.total(done)
	curve = []Spend{{0, risk}}
	for len(h.list) > 0 {
		head := h.list[0]
		c := candidates[head.index]
		now := newOffered(head.index, p.gain(c, done), c.cost)
		switch {
		case now.gain <= slack || cost+c.cost > amount:
			heap.Pop(h)
			continue
		case now.rate < head.rate:
			h.list[0] = now
			heap.Fix(h, 0)
			continue
		}
		heap.Pop(h)
		chosen = append(chosen, head.index)
		for _, e := range c.effects {
			done[e.threat] += e.share
		}
		cost, risk = cost+c.cost, max(0, risk-now.gain)
		if last := &curve[len(curve)-1]; last.Cost == cost {
			last.Risk = risk
		} else {
			curve = append(curve, Spend{cost, risk})
		}
	}
	return chosen, curve
}

type offered struct {
	index      int
	gain, rate float64
}

func newOffered(index int, gain, cost float64) offered {
	if cost == 0 {
		return offered{index, gain, math.Inf(1)}
	}
	return offered{index, gain, gain / cost}
}

// offers is a heap: the highest rate first, then the lowest index.
type offers struct{ list []offered }

func (h *offers) Len() int { return len(h.list) }
func (h *offers) Less(i, j int) bool {
	a, b := h.list[i], h.list[j]
	return cmp.Or(cmp.Compare(b.rate, a.rate), cmp.Compare(a.index, b.index)) < 0
}
func (h *offers) Swap(i, j int) { h.list[i], h.list[j] = h.list[j], h.list[i] }
func (h *offers) Push(x any)    { h.list = append(h.list, x.(offered)) }
func (h *offers) Pop() any {
	last := len(h.list) - 1
	x := h.list[last]
	h.list = h.list[:last]
	return x
}
