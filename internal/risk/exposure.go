package risk

import (
	"cmp"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

// leastExposure is what remains of exposure however deep a component lies.
const leastExposure = 5

// step is a flow taken in one direction, out of the component that holds it.
type step struct {
	to    int // component
	flow  int
	climb bool // enters a more trusted zone
}

// network is the components with their trust and exposure.
type network struct {
	m        *model.Model
	k        float64
	byID     map[model.ElementID]int
	trust    []float64
	guessed  []bool // the trust was said by nobody
	exposure []float64
	out      [][]step
}

// newNetwork computes the exposure of every component:
//
//	exposure(c) = max(5, 100 - trust(c), max over flows s->c of k * exposure(s))
//
// with k only where the flow climbs. Out-of-scope elements take part: an attack
// passes through what somebody else answers for.
func newNetwork(m *model.Model, k float64, zones map[model.ElementID]*model.Zone) *network {
	n := &network{
		m: m, k: k,
		byID:     make(map[model.ElementID]int, len(m.Components)),
		trust:    make([]float64, len(m.Components)),
		guessed:  make([]bool, len(m.Components)),
		exposure: make([]float64, len(m.Components)),
		out:      make([][]step, len(m.Components)),
	}
	for i := range m.Components {
		c := &m.Components[i]
		n.byID[c.ID] = i
		n.trust[i], n.guessed[i] = trustOf(c, zones)
	}
	n.connect()
	n.spread()
	return n
}

// trustOf returns the trust of a component's innermost zone; outside every zone
// its own, else 0 for an actor and 50 for everything else, which is a guess.
func trustOf(c *model.Component, zones map[model.ElementID]*model.Zone) (trust float64, guessed bool) {
	if z := zones[c.Zone]; z != nil && c.Zone != "" {
		return percent(float64(z.Trust)), z.Guess
	}
	switch {
	case c.Trust != nil:
		return percent(float64(*c.Trust)), false
	case c.Kind == model.Actor:
		return 0, true
	}
	return 50, true
}

// ends returns the components at the ends of a flow; -1 for a loose end.
func (n *network) ends(f *model.Flow) (from, to int) {
	from, to = -1, -1
	if i, ok := n.byID[f.From]; ok && f.From != "" {
		from = i
	}
	if i, ok := n.byID[f.To]; ok && f.To != "" {
		to = i
	}
	return from, to
}

func (n *network) connect() {
	for i := range n.m.Flows {
		from, to := n.ends(&n.m.Flows[i])
		if from < 0 || to < 0 || from == to {
			continue
		}
		n.out[from] = append(n.out[from], step{to: to, flow: i, climb: n.trust[to] > n.trust[from]})
		if n.m.Flows[i].Bidirectional {
			n.out[to] = append(n.out[to], step{to: from, flow: i, climb: n.trust[from] > n.trust[to]})
		}
	}
}

// own is the exposure that a component has without any flow.
func (n *network) own(c int) float64 { return max(leastExposure, 100-n.trust[c]) }

// spread settles the components from the most exposed downwards. Because a flow
// keeps exposure or multiplies it by k, what is pushed comes out in falling
// order, so two queues replace the heap of Dijkstra's algorithm and the whole
// is linear but for the sort. Cycles end because nothing is settled twice.
func (n *network) spread() {
	own := make([]int, len(n.out))
	for i := range own {
		own[i] = i
	}
	slices.SortFunc(own, func(a, b int) int { return cmp.Compare(n.own(b), n.own(a)) })
	type reached struct {
		component int
		exposure  float64
	}
	var climbed []reached
	settled := make([]bool, len(n.out))
	var level []int // settled at the same exposure, steps not yet taken
	for len(own) > 0 || len(climbed) > 0 {
		var next reached
		if len(own) > 0 && (len(climbed) == 0 || n.own(own[0]) >= climbed[0].exposure) {
			next = reached{own[0], n.own(own[0])}
			own = own[1:]
		} else {
			next = climbed[0]
			climbed = climbed[1:]
		}
		if settled[next.component] {
			continue
		}
		settled[next.component] = true
		level = append(level[:0], next.component)
		for len(level) > 0 {
			c := level[len(level)-1]
			level = level[:len(level)-1]
			n.exposure[c] = next.exposure
			for _, s := range n.out[c] {
				switch {
				case settled[s.to]:
				case s.climb:
					climbed = append(climbed, reached{s.to, n.k * next.exposure})
				default:
					settled[s.to] = true
					level = append(level, s.to)
				}
			}
		}
	}
}

// path returns one way by which the component got its exposure: component, flow,
// component, ..., this component; the shortest one, and among those the one
// with the lowest flow ids. It begins where the exposure is a component's own.
func (n *network) path(c int) []model.ElementID {
	into := make([][]step, len(n.out)) // step.to is the component it comes from
	for from := range n.out {
		for _, s := range n.out[from] {
			into[s.to] = append(into[s.to], step{to: from, flow: s.flow, climb: s.climb})
		}
	}
	towards := map[int]step{c: {to: -1}} // the next component on the way to c
	for queue := []int{c}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if n.own(at) == n.exposure[at] {
			return n.trail(at, towards)
		}
		steps := into[at]
		slices.SortFunc(steps, func(a, b step) int {
			return cmp.Or(cmp.Compare(n.m.Flows[a.flow].ID, n.m.Flows[b.flow].ID),
				cmp.Compare(n.m.Components[a.to].ID, n.m.Components[b.to].ID))
		})
		for _, s := range steps {
			arrives := n.exposure[s.to]
			if s.climb {
				arrives *= n.k
			}
			if _, seen := towards[s.to]; !seen && arrives == n.exposure[at] {
				towards[s.to] = step{to: at, flow: s.flow, climb: s.climb}
				queue = append(queue, s.to)
			}
		}
	}
	return []model.ElementID{n.m.Components[c].ID}
}

func (n *network) trail(from int, towards map[int]step) []model.ElementID {
	ids := []model.ElementID{n.m.Components[from].ID}
	for s := towards[from]; s.to >= 0; s = towards[s.to] {
		ids = append(ids, n.m.Flows[s.flow].ID, n.m.Components[s.to].ID)
	}
	return ids
}
