package app

import (
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// ElementKind is the kind of a thing that is drawn or listed in a model and
// edited one by one.
type ElementKind string

// The kinds of elements, as they stand in the address.
const (
	KindDiagrams   ElementKind = "diagrams"
	KindZones      ElementKind = "zones"
	KindComponents ElementKind = "components"
	KindFlows      ElementKind = "flows"
	KindCurves     ElementKind = "curves"
	KindTexts      ElementKind = "texts"
	KindAssets     ElementKind = "assets"
)

// ElementKinds lists the kinds.
func ElementKinds() []ElementKind {
	return []ElementKind{KindAssets, KindComponents, KindCurves, KindDiagrams, KindFlows, KindTexts, KindZones}
}

// deleteElement takes an element out with what cannot be without it, as removal says.
func deleteElement(m *model.Model, kind ElementKind, id string) error {
	before := elementCount(m, kind)
	gone := removal{}
	if !gone.add(kind, id) {
		return fault.New(fault.NotFound, "element.kind", "there is no kind of element called %q", kind)
	}
	gone.apply(m)
	if elementCount(m, kind) == before {
		return notFound("element", id)
	}
	return nil
}

// removal is a set of elements to be taken out together: a diagram takes its
// drawing along, a component its flows; a zone's content moves to the nearest
// zone around it that stays; an asset leaves the lists that name it.
type removal struct {
	diagrams map[model.DiagramID]bool
	assets   map[model.AssetID]bool
	zones    map[model.ElementID]bool
	comps    map[model.ElementID]bool
	flows    map[model.ElementID]bool
	curves   map[model.ElementID]bool
	texts    map[model.ElementID]bool
}

// add notes an element; false for an unknown kind.
func (r *removal) add(kind ElementKind, id string) bool {
	switch kind {
	case KindDiagrams:
		include(&r.diagrams, model.DiagramID(id))
	case KindAssets:
		include(&r.assets, model.AssetID(id))
	case KindZones:
		include(&r.zones, model.ElementID(id))
	case KindComponents:
		include(&r.comps, model.ElementID(id))
	case KindFlows:
		include(&r.flows, model.ElementID(id))
	case KindCurves:
		include(&r.curves, model.ElementID(id))
	case KindTexts:
		include(&r.texts, model.ElementID(id))
	default:
		return false
	}
	return true
}

func include[K comparable](set *map[K]bool, key K) {
	if *set == nil {
		*set = map[K]bool{}
	}
	(*set)[key] = true
}

// apply takes the elements out.
func (r *removal) apply(m *model.Model) {
	m.Diagrams = slices.DeleteFunc(m.Diagrams, func(x model.Diagram) bool { return r.diagrams[x.ID] })
	for i := range m.Zones {
		if z := &m.Zones[i]; r.diagrams[z.Diagram] {
			include(&r.zones, z.ID)
		}
	}
	if len(r.zones) > 0 {
		r.takeZones(m)
	}
	m.Components = slices.DeleteFunc(m.Components, func(x model.Component) bool {
		if r.diagrams[x.Diagram] {
			include(&r.comps, x.ID)
		}
		return r.comps[x.ID]
	})
	m.Curves = slices.DeleteFunc(m.Curves, func(x model.Curve) bool {
		if r.diagrams[x.Diagram] {
			include(&r.curves, x.ID)
		}
		return r.curves[x.ID]
	})
	// A flow may end at any of these, and at what belongs to another diagram.
	ended := func(id model.ElementID) bool { return r.comps[id] || r.zones[id] || r.curves[id] }
	m.Flows = slices.DeleteFunc(m.Flows, func(x model.Flow) bool {
		return r.diagrams[x.Diagram] || r.flows[x.ID] || ended(x.From) || ended(x.To)
	})
	m.Texts = slices.DeleteFunc(m.Texts, func(x model.TextBlock) bool { return r.diagrams[x.Diagram] || r.texts[x.ID] })
	for i := range m.Flows {
		if f := &m.Flows[i]; slices.ContainsFunc(f.Crosses, func(id model.ElementID) bool { return r.curves[id] }) {
			f.Crosses = slices.DeleteFunc(slices.Clone(f.Crosses), func(id model.ElementID) bool { return r.curves[id] })
		}
	}
	if len(r.assets) > 0 {
		r.takeAssets(m)
	}
}

// takeZones moves what lies in the zones outwards before they go.
func (r *removal) takeZones(m *model.Model) {
	parents := map[model.ElementID]model.ElementID{}
	for i := range m.Zones {
		parents[m.Zones[i].ID] = m.Zones[i].Parent
	}
	staying := func(id model.ElementID) model.ElementID {
		for steps := 0; r.zones[id] && steps <= len(parents); steps++ {
			id = parents[id]
		}
		return id
	}
	m.Zones = slices.DeleteFunc(m.Zones, func(x model.Zone) bool { return r.zones[x.ID] })
	for i := range m.Zones {
		m.Zones[i].Parent = staying(m.Zones[i].Parent)
	}
	for i := range m.Components {
		m.Components[i].Zone = staying(m.Components[i].Zone)
	}
}

func (r *removal) takeAssets(m *model.Model) {
	m.Assets = slices.DeleteFunc(m.Assets, func(x model.Asset) bool { return r.assets[x.ID] })
	without := func(ids []model.AssetID) []model.AssetID {
		if !slices.ContainsFunc(ids, func(x model.AssetID) bool { return r.assets[x] }) {
			return ids
		}
		return slices.DeleteFunc(slices.Clone(ids), func(x model.AssetID) bool { return r.assets[x] })
	}
	for i := range m.Components {
		m.Components[i].Stores, m.Components[i].Processes = without(m.Components[i].Stores), without(m.Components[i].Processes)
	}
	for i := range m.Flows {
		m.Flows[i].Carries = without(m.Flows[i].Carries)
	}
}

func elementCount(m *model.Model, kind ElementKind) int {
	switch kind {
	case KindDiagrams:
		return len(m.Diagrams)
	case KindZones:
		return len(m.Zones)
	case KindComponents:
		return len(m.Components)
	case KindFlows:
		return len(m.Flows)
	case KindCurves:
		return len(m.Curves)
	case KindTexts:
		return len(m.Texts)
	case KindAssets:
		return len(m.Assets)
	default:
		return 0
	}
}

// lostPlace is why a risk is retired whose place was deleted.
const lostPlace = "its place was deleted"

// retireLost marks the risks whose place is gone. They come back with it
// (reviveFound); what rules brought and nothing touched is removed by the plan.
func retireLost(m *model.Model, at time.Time) {
	places := placesOf(m)
	gone := &model.Retired{At: at, Reason: lostPlace}
	setRetired(m, func(where model.ElementID, retired *model.Retired) *model.Retired {
		if retired == nil && !places[where] {
			return gone
		}
		return retired
	})
}

// setRetired asks fn for every risk whether it is to be retired. A list in which
// that changes anything is replaced, since models share their lists.
func setRetired(m *model.Model, fn func(model.ElementID, *model.Retired) *model.Retired) {
	retireIn(&m.Threats, func(t *model.Threat) (model.ElementID, **model.Retired) { return t.Where, &t.Retired }, fn)
	retireIn(&m.Weaknesses, func(w *model.Weakness) (model.ElementID, **model.Retired) { return w.Where, &w.Retired }, fn)
	retireIn(&m.Countermeasures, func(c *model.Countermeasure) (model.ElementID, **model.Retired) { return c.Where, &c.Retired }, fn)
}

func retireIn[T any](list *[]T, at func(*T) (model.ElementID, **model.Retired), fn func(model.ElementID, *model.Retired) *model.Retired) {
	own := false
	for i := range *list {
		where, retired := at(&(*list)[i])
		next := fn(where, *retired)
		if next == *retired {
			continue
		}
		if !own {
			*list, own = slices.Clone(*list), true
			_, retired = at(&(*list)[i])
		}
		*retired = next
	}
}

// reviveFound brings back the risks that were retired with their place, where the
// place is there again: undoing a deletion loses nothing that people wrote.
func reviveFound(m *model.Model) {
	places := placesOf(m)
	setRetired(m, func(where model.ElementID, retired *model.Retired) *model.Retired {
		if retired != nil && retired.Reason == lostPlace && places[where] {
			return nil
		}
		return retired
	})
}

// placesOf returns the places that risks may stand at.
func placesOf(m *model.Model) map[model.ElementID]bool {
	places := map[model.ElementID]bool{model.AtProduct: true}
	for _, z := range m.Zones {
		places[z.ID] = true
	}
	for i := range m.Components {
		places[m.Components[i].ID] = true
	}
	for i := range m.Flows {
		places[m.Flows[i].ID] = true
	}
	for i := range m.Curves {
		places[m.Curves[i].ID] = true
	}
	for i := range m.Texts {
		places[m.Texts[i].ID] = true
	}
	return places
}

// element returns one element as stored.
func element(m *model.Model, kind ElementKind, id string) (any, error) {
	find := func(n int, at func(int) (string, any)) (any, error) {
		for i := range n {
			if got, v := at(i); got == id {
				return v, nil
			}
		}
		return nil, notFound("element", id)
	}
	switch kind {
	case KindDiagrams:
		return find(len(m.Diagrams), func(i int) (string, any) { return string(m.Diagrams[i].ID), m.Diagrams[i] })
	case KindZones:
		return find(len(m.Zones), func(i int) (string, any) { return string(m.Zones[i].ID), m.Zones[i] })
	case KindComponents:
		return find(len(m.Components), func(i int) (string, any) { return string(m.Components[i].ID), m.Components[i] })
	case KindFlows:
		return find(len(m.Flows), func(i int) (string, any) { return string(m.Flows[i].ID), m.Flows[i] })
	case KindCurves:
		return find(len(m.Curves), func(i int) (string, any) { return string(m.Curves[i].ID), m.Curves[i] })
	case KindTexts:
		return find(len(m.Texts), func(i int) (string, any) { return string(m.Texts[i].ID), m.Texts[i] })
	case KindAssets:
		return find(len(m.Assets), func(i int) (string, any) { return string(m.Assets[i].ID), m.Assets[i] })
	default:
		return nil, fault.New(fault.NotFound, "element.kind", "there is no kind of element called %q", kind)
	}
}
