package ticketing

import (
	"cmp"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

// Proposal is an object whose ticket would help most.
type Proposal struct {
	Key   Key
	Title string
	// Takes is the share of the current ratings, summed over its threats, that it stands for.
	Takes float64
}

// Propose returns the n most useful objects to publish by hand: required
// countermeasures by what they take off the current ratings, and open threats
// without any countermeasure by their rating. What has a ticket is left out.
func Propose(in Input, n int) []Proposal {
	in.Policy.Push = PushBoth
	b := newWanting(in)
	b.countermeasures()
	b.threats()
	var out []Proposal
	for _, w := range b.out {
		if _, known := in.Known[w.Key]; known || w.State != WantOpen || in.Policy.Published[w.Key.Object] {
			continue
		}
		p := Proposal{Key: w.Key, Title: w.Summary}
		if w.Key.Purpose == ForThreat {
			p.Takes = in.Ratings[model.ThreatID(w.Key.Object)].Current
		}
		for _, o := range w.Objects {
			p.Takes += b.takes(model.CountermeasureID(o))
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(x, y Proposal) int {
		return cmp.Or(cmp.Compare(y.Takes, x.Takes), cmp.Compare(x.Key.Purpose, y.Key.Purpose), cmp.Compare(x.Key.Object, y.Key.Object))
	})
	return out[:min(n, len(out))]
}

// takes sums what a countermeasure's links take off the current ratings, at most all of each.
func (b *wanting) takes(id model.CountermeasureID) float64 {
	share := map[model.ThreatID]float64{}
	for _, l := range b.byCM[id] {
		share[l.Threat] += l.Share
	}
	sum := 0.0
	for _, t := range b.threatsOf(&model.Countermeasure{ID: id}) {
		sum += b.Ratings[t.ID].Current * min(100, share[t.ID]) / 100
	}
	return sum
}
