package generate

import (
	"cmp"
	"strings"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// encrypted is the attribute of a flow that says whether its content is.
const encrypted = "encrypted"

// channel is over what flows between two elements travel, as far as a drawing tells.
type channel struct {
	protocol  string
	encrypted bool
}

func channelOf(protocol string, attributes map[string]string) channel {
	return channel{strings.ToLower(strings.TrimSpace(protocol)), attributes[encrypted] == "yes"}
}

// connection is what the flows between two elements over one channel have in
// common, whichever way they run.
type connection struct {
	one, other string // ids of the ends, in order
	channel
}

// connect finds the leading flow of every connection, for the rules that speak once
// for it: the one with the most valuable content, so that the finding is rated by
// what can be lost; of several the one that asks, then the first by id. It also
// marks the flows that answer another.
func (v *views) connect(m *model.Model) {
	worth := carriedWorth(m)
	leads := make(map[connection]*library.Flow, len(v.flows))
	of := func(f *library.Flow) connection {
		return connection{min(f.Source.ID, f.Target.ID), max(f.Source.ID, f.Target.ID), channelOf(f.Protocol, f.Attributes)}
	}
	for _, f := range v.flows {
		if !connects(f) {
			continue
		}
		c := of(f)
		// Flows come in order of ids, so that the first of equals stays.
		if lead := leads[c]; lead == nil || cmp.Or(cmp.Compare(worth[f.ID], worth[lead.ID]), cmp.Compare(asking(f), asking(lead))) > 0 {
			leads[c] = f
		}
	}
	type way struct{ from, to string }
	ways := make(map[way]bool, len(v.flows))
	for _, f := range v.flows {
		if connects(f) {
			ways[way{f.Source.ID, f.Target.ID}] = true
		}
	}
	v.lead = map[string]model.ElementID{}
	for _, f := range v.flows {
		if !connects(f) {
			continue
		}
		f.Answer = asking(f) < 0 && ways[way{f.Target.ID, f.Source.ID}]
		if lead := leads[of(f)]; lead != f {
			v.lead[f.ID] = model.ElementID(lead.ID)
		}
	}
}

// connects tells whether the flow can have a connection in common with others: it is in scope and has two ends.
func connects(f *library.Flow) bool { return !f.OutOfScope && f.Source.ID != "" && f.Target.ID != "" }

// leading returns the flow at which findings about a flow's connection stand.
func (v *views) leading(f *library.Flow) model.ElementID {
	if lead, follows := v.lead[f.ID]; follows {
		return lead
	}
	return model.ElementID(f.ID)
}

// carriedWorth returns by flow the highest value of the assets that it is said to carry.
func carriedWorth(m *model.Model) map[string]int {
	values := make(map[model.AssetID]int, len(m.Assets))
	for i := range m.Assets {
		a := &m.Assets[i]
		values[a.ID] = max(a.Value.Confidentiality, a.Value.Integrity, a.Value.Availability)
	}
	worth := map[string]int{}
	for i := range m.Flows {
		for _, id := range m.Flows[i].Carries {
			worth[string(m.Flows[i].ID)] = max(worth[string(m.Flows[i].ID)], values[id])
		}
	}
	return worth
}

// asking is higher the more a flow looks like the one that asks: a person calls a
// process, a process asks a store, and whoever is less trusted calls the other.
func asking(f *library.Flow) int {
	if d := cmp.Compare(turn(f.Target.Kind), turn(f.Source.Kind)); d != 0 {
		return d
	}
	return cmp.Compare(f.Target.Trust, f.Source.Trust)
}

func turn(k model.Kind) int {
	switch k {
	case model.Actor:
		return 0
	case model.Store:
		return 2
	}
	return 1
}
