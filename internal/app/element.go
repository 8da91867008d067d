package app

import (
	"encoding/json"
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

// put replaces the element with the id, or appends it. The document's own id
// must be the address's or empty; unknown keys are refused.
func putElement(m *model.Model, kind ElementKind, id string, doc json.RawMessage) error {
	switch kind {
	case KindDiagrams:
		return put(&m.Diagrams, id, doc, func(d *model.Diagram) *model.DiagramID { return &d.ID })
	case KindZones:
		return put(&m.Zones, id, doc, func(z *model.Zone) *model.ElementID { return &z.ID })
	case KindComponents:
		return put(&m.Components, id, doc, func(c *model.Component) *model.ElementID { return &c.ID })
	case KindFlows:
		return put(&m.Flows, id, doc, func(f *model.Flow) *model.ElementID { return &f.ID })
	case KindCurves:
		return put(&m.Curves, id, doc, func(c *model.Curve) *model.ElementID { return &c.ID })
	case KindTexts:
		return put(&m.Texts, id, doc, func(t *model.TextBlock) *model.ElementID { return &t.ID })
	case KindAssets:
		return put(&m.Assets, id, doc, func(a *model.Asset) *model.AssetID { return &a.ID })
	default:
		return fault.New(fault.NotFound, "element.kind", "there is no kind of element called %q", kind)
	}
}

func put[T any, ID ~string](list *[]T, id string, doc json.RawMessage, idOf func(*T) *ID) error {
	var v T
	if err := decodeStrict(doc, &v); err != nil {
		return fault.Wrap(err, fault.Invalid, "element.invalid", "the element is not valid").With("body", "%s", err.Error())
	}
	if own := string(*idOf(&v)); own != "" && own != id {
		return fault.New(fault.Invalid, "element.id", "the element's id does not match the address").With("body.id", "is %q, expected %q or none", own, id)
	}
	*idOf(&v) = ID(id)
	for i := range *list {
		if string(*idOf(&(*list)[i])) == id {
			(*list)[i] = v
			return nil
		}
	}
	*list = append(*list, v)
	return nil
}

// deleteElement takes an element out with what cannot be without it: a
// diagram takes its drawing along, a component its flows; a zone's content
// moves to the zone around it. Threats at vanished places are for the plan to retire.
func deleteElement(m *model.Model, kind ElementKind, id string, at time.Time) error {
	before := elementCount(m, kind)
	eid := model.ElementID(id)
	switch kind {
	case KindDiagrams:
		d := model.DiagramID(id)
		m.Diagrams = slices.DeleteFunc(m.Diagrams, func(x model.Diagram) bool { return x.ID == d })
		m.Zones = slices.DeleteFunc(m.Zones, func(x model.Zone) bool { return x.Diagram == d })
		m.Components = slices.DeleteFunc(m.Components, func(x model.Component) bool { return x.Diagram == d })
		m.Flows = slices.DeleteFunc(m.Flows, func(x model.Flow) bool { return x.Diagram == d })
		m.Curves = slices.DeleteFunc(m.Curves, func(x model.Curve) bool { return x.Diagram == d })
		m.Texts = slices.DeleteFunc(m.Texts, func(x model.TextBlock) bool { return x.Diagram == d })
	case KindZones:
		i := slices.IndexFunc(m.Zones, func(z model.Zone) bool { return z.ID == eid })
		if i >= 0 {
			parent := m.Zones[i].Parent
			m.Zones = slices.Delete(m.Zones, i, i+1)
			for j := range m.Zones {
				if m.Zones[j].Parent == eid {
					m.Zones[j].Parent = parent
				}
			}
			for j := range m.Components {
				if m.Components[j].Zone == eid {
					m.Components[j].Zone = parent
				}
			}
		}
	case KindComponents:
		n := len(m.Components)
		m.Components = slices.DeleteFunc(m.Components, func(x model.Component) bool { return x.ID == eid })
		if len(m.Components) < n {
			m.Flows = slices.DeleteFunc(m.Flows, func(x model.Flow) bool { return x.From == eid || x.To == eid })
		}
	case KindFlows:
		m.Flows = slices.DeleteFunc(m.Flows, func(x model.Flow) bool { return x.ID == eid })
	case KindCurves:
		m.Curves = slices.DeleteFunc(m.Curves, func(x model.Curve) bool { return x.ID == eid })
	case KindTexts:
		m.Texts = slices.DeleteFunc(m.Texts, func(x model.TextBlock) bool { return x.ID == eid })
	case KindAssets:
		a := model.AssetID(id)
		m.Assets = slices.DeleteFunc(m.Assets, func(x model.Asset) bool { return x.ID == a })
		without := func(ids []model.AssetID) []model.AssetID {
			return slices.DeleteFunc(slices.Clone(ids), func(x model.AssetID) bool { return x == a })
		}
		for i := range m.Components {
			m.Components[i].Stores, m.Components[i].Processes = without(m.Components[i].Stores), without(m.Components[i].Processes)
		}
		for i := range m.Flows {
			m.Flows[i].Carries = without(m.Flows[i].Carries)
		}
	default:
		return fault.New(fault.NotFound, "element.kind", "there is no kind of element called %q", kind)
	}
	if elementCount(m, kind) == before {
		return notFound("element", id)
	}
	retireLost(m, at)
	return nil
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

// retireLost marks hand-made and imported risks whose place is gone; what rules
// brought is retired by the plan, which knows whether anything touched it.
func retireLost(m *model.Model, at time.Time) {
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
	gone := &model.Retired{At: at, Reason: "its place was deleted"}
	for i := range m.Threats {
		if t := &m.Threats[i]; !places[t.Where] && t.Retired == nil {
			t.Retired = gone
		}
	}
	for i := range m.Weaknesses {
		if w := &m.Weaknesses[i]; !places[w.Where] && w.Retired == nil {
			w.Retired = gone
		}
	}
	for i := range m.Countermeasures {
		if c := &m.Countermeasures[i]; !places[c.Where] && c.Retired == nil {
			c.Retired = gone
		}
	}
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

// cloneModel returns a deep copy, so that a change can be compared with what was before.
func cloneModel(m *model.Model) (*model.Model, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	var out model.Model
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, err
	}
	return &out, nil
}
