package model

import (
	"cmp"
	"slices"
)

const (
	// LeastExposure is what remains of exposure however deep a component lies.
	LeastExposure = 5
	// DefaultClimb is what is left of exposure where a flow enters a more trusted
	// zone, unless a rating's settings say otherwise.
	DefaultClimb = 0.8
)

// Trust of a component outside every zone where nobody said it: a guess.
const (
	actorTrust = 0
	otherTrust = 50
)

// step is a flow taken in one direction, out of the component that holds it.
type step struct {
	to    int // component
	flow  int
	climb bool // enters a more trusted zone
}

// Network is the components of a model, joined by its flows, with their trust
// and exposure. Components are named by their index in the model, which must
// not change while the network is in use. It is not safe for concurrent use.
type Network struct {
	m        *Model
	k        float64
	byID     map[ElementID]int
	trust    []float64
	guessed  []bool
	exposure []float64
	out      [][]step
	before   []step // the last step of each component's path, to = -1 at its begin; built when first asked for
}

// newNetwork computes the exposure of every component:
//
//	exposure(c) = max(5, 100 - trust(c), max over flows s->c of k * exposure(s))
//
// with k, above 0 up to 1, only where the flow climbs. Out-of-scope elements take
// part: an attack passes through what somebody else answers for. It is linear in
// the model but for a sort of the components.
func newNetwork(m *Model, k float64, zones map[ElementID]*Zone) *Network {
	n := &Network{
		m: m, k: k,
		byID:     make(map[ElementID]int, len(m.Components)),
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
func trustOf(c *Component, zones map[ElementID]*Zone) (trust float64, guessed bool) {
	if z := zones[c.Zone]; z != nil && c.Zone != "" {
		return percent(z.Trust), z.Guess
	}
	switch {
	case c.Trust != nil:
		return percent(*c.Trust), false
	case c.Kind == Actor:
		return actorTrust, true
	}
	return otherTrust, true
}

// percent brings a figure of a model that was not validated into 0..100.
func percent(n int) float64 { return float64(min(max(n, 0), 100)) }

// Index returns the index of the component with the id.
func (n *Network) Index(id ElementID) (int, bool) {
	i, ok := n.byID[id]
	return i, ok
}

// Trust returns how trusted the component's place is, 0..100, and whether nobody said so.
func (n *Network) Trust(c int) (trust float64, guess bool) { return n.trust[c], n.guessed[c] }

// Exposure returns how near the component is to an untrusted zone, 5..100.
func (n *Network) Exposure(c int) float64 { return n.exposure[c] }

// Own is the exposure that the component has without any flow, 5..100.
func (n *Network) Own(c int) float64 { return max(LeastExposure, 100-n.trust[c]) }

// Ends returns the components at the ends of a flow; -1 for a loose end, or one at something else.
func (n *Network) Ends(f *Flow) (from, to int) {
	from, to = -1, -1
	if i, ok := n.byID[f.From]; ok && f.From != "" {
		from = i
	}
	if i, ok := n.byID[f.To]; ok && f.To != "" {
		to = i
	}
	return from, to
}

func (n *Network) connect() {
	for i := range n.m.Flows {
		from, to := n.Ends(&n.m.Flows[i])
		if from < 0 || to < 0 || from == to {
			continue
		}
		n.out[from] = append(n.out[from], step{to: to, flow: i, climb: n.trust[to] > n.trust[from]})
		if n.m.Flows[i].Bidirectional {
			n.out[to] = append(n.out[to], step{to: from, flow: i, climb: n.trust[from] > n.trust[to]})
		}
	}
}

// spread settles the components from the most exposed downwards. Because a flow
// keeps exposure or multiplies it by k, what is pushed comes out in falling
// order, so two queues replace the heap of Dijkstra's algorithm and the whole
// is linear but for the sort. Cycles end because nothing is settled twice.
func (n *Network) spread() {
	own := make([]int, len(n.out))
	for i := range own {
		own[i] = i
	}
	slices.SortFunc(own, func(a, b int) int { return cmp.Compare(n.Own(b), n.Own(a)) })
	type reached struct {
		component int
		exposure  float64
	}
	var climbed []reached
	settled := make([]bool, len(n.out))
	var level []int // settled at the same exposure, steps not yet taken
	for len(own) > 0 || len(climbed) > 0 {
		var next reached
		if len(own) > 0 && (len(climbed) == 0 || n.Own(own[0]) >= climbed[0].exposure) {
			next = reached{own[0], n.Own(own[0])}
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

// gives reports whether the step brings the component at its end the exposure that it has.
func (n *Network) gives(from int, s step) bool {
	arrives := n.exposure[from]
	if s.climb {
		arrives *= n.k
	}
	return arrives == n.exposure[s.to]
}

// trace finds for every component the last step of its path: first how many
// steps each is away from where its exposure is a component's own, then among the
// steps from one nearer the one with the lowest ids. Paths are therefore
// shortest, do not depend on the order of lists, and the path of a component is
// that of the one before it and one step more.
func (n *Network) trace() {
	if n.before != nil {
		return
	}
	away := make([]int, len(n.out))
	n.before = make([]step, len(n.out))
	queue := make([]int, 0, len(n.out))
	for c := range n.out {
		away[c], n.before[c].to = -1, -1
		if n.Own(c) == n.exposure[c] {
			away[c] = 0
			queue = append(queue, c)
		}
	}
	for head := 0; head < len(queue); head++ {
		for _, s := range n.out[queue[head]] {
			if away[s.to] < 0 && n.gives(queue[head], s) {
				away[s.to] = away[queue[head]] + 1
				queue = append(queue, s.to)
			}
		}
	}
	for from := range n.out {
		for _, s := range n.out[from] {
			if away[s.to] != away[from]+1 || !n.gives(from, s) {
				continue
			}
			known, came := &n.before[s.to], step{to: from, flow: s.flow, climb: s.climb}
			if known.to < 0 || n.compare(came, *known) < 0 {
				*known = came
			}
		}
	}
}

func (n *Network) compare(a, b step) int {
	return cmp.Or(cmp.Compare(n.m.Flows[a.flow].ID, n.m.Flows[b.flow].ID), cmp.Compare(n.m.Components[a.to].ID, n.m.Components[b.to].ID))
}

// Path returns one way by which the component got its exposure: component, flow,
// component, ..., this component; the shortest one, and among those the one with
// the lowest flow ids. It begins where the exposure is a component's own. Of a
// way of more than limit flows (0: no limit) only the part next to the component
// is given; it goes on with the path of its first component.
func (n *Network) Path(c, limit int) []ElementID {
	n.trace()
	path := []ElementID{n.m.Components[c].ID}
	for s := n.before[c]; s.to >= 0 && (limit <= 0 || len(path) <= 2*limit-1); s = n.before[s.to] {
		path = append(path, n.m.Flows[s.flow].ID, n.m.Components[s.to].ID)
	}
	slices.Reverse(path)
	return path
}
