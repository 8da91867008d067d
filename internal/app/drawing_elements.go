package app

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// elements finds what is drawn or listed in a model by kind and id. It must not
// be used after elements were taken out of the model.
type elements struct {
	m     *model.Model
	index map[ElementKind]map[string]int
}

func newElements(m *model.Model) *elements {
	e := &elements{m: m, index: map[ElementKind]map[string]int{}}
	indexOf(e, KindDiagrams, m.Diagrams, func(x *model.Diagram) string { return string(x.ID) })
	indexOf(e, KindZones, m.Zones, func(x *model.Zone) string { return string(x.ID) })
	indexOf(e, KindComponents, m.Components, func(x *model.Component) string { return string(x.ID) })
	indexOf(e, KindFlows, m.Flows, func(x *model.Flow) string { return string(x.ID) })
	indexOf(e, KindCurves, m.Curves, func(x *model.Curve) string { return string(x.ID) })
	indexOf(e, KindTexts, m.Texts, func(x *model.TextBlock) string { return string(x.ID) })
	indexOf(e, KindAssets, m.Assets, func(x *model.Asset) string { return string(x.ID) })
	return e
}

func indexOf[T any](e *elements, kind ElementKind, list []T, id func(*T) string) {
	at := make(map[string]int, len(list))
	for i := range list {
		at[id(&list[i])] = i
	}
	e.index[kind] = at
}

// at returns a pointer to the element in the model, or nil.
func (e *elements) at(kind ElementKind, id string) any {
	i, ok := e.index[kind][id]
	if !ok {
		return nil
	}
	return e.nth(kind, i)
}

func (e *elements) nth(kind ElementKind, i int) any {
	switch kind {
	case KindDiagrams:
		return &e.m.Diagrams[i]
	case KindZones:
		return &e.m.Zones[i]
	case KindComponents:
		return &e.m.Components[i]
	case KindFlows:
		return &e.m.Flows[i]
	case KindCurves:
		return &e.m.Curves[i]
	case KindTexts:
		return &e.m.Texts[i]
	case KindAssets:
		return &e.m.Assets[i]
	default:
		return nil
	}
}

// each calls fn with every element, kind by kind in the order of the model.
func (e *elements) each(fn func(kind ElementKind, id string, v any)) {
	for _, kind := range ElementKinds() {
		ids := make([]string, len(e.index[kind]))
		for id, i := range e.index[kind] {
			ids[i] = id
		}
		for i, id := range ids {
			fn(kind, id, e.nth(kind, i))
		}
	}
}

// put replaces the element with the id of v, or appends it.
func (e *elements) put(v any) {
	switch v := v.(type) {
	case *model.Diagram:
		putIn(e.index[KindDiagrams], &e.m.Diagrams, string(v.ID), *v)
	case *model.Zone:
		putIn(e.index[KindZones], &e.m.Zones, string(v.ID), *v)
	case *model.Component:
		putIn(e.index[KindComponents], &e.m.Components, string(v.ID), *v)
	case *model.Flow:
		putIn(e.index[KindFlows], &e.m.Flows, string(v.ID), *v)
	case *model.Curve:
		putIn(e.index[KindCurves], &e.m.Curves, string(v.ID), *v)
	case *model.TextBlock:
		putIn(e.index[KindTexts], &e.m.Texts, string(v.ID), *v)
	case *model.Asset:
		putIn(e.index[KindAssets], &e.m.Assets, string(v.ID), *v)
	}
}

func putIn[T any](index map[string]int, list *[]T, id string, v T) {
	if i, ok := index[id]; ok {
		(*list)[i] = v
		return
	}
	index[id] = len(*list)
	*list = append(*list, v)
}

// decodeElement reads the document of an element. Its own id must be the given
// one or empty; unknown keys are refused.
func decodeElement(kind ElementKind, id string, doc json.RawMessage) (any, error) {
	switch kind {
	case KindDiagrams:
		return decodeAs(id, doc, func(d *model.Diagram) *model.DiagramID { return &d.ID })
	case KindZones:
		return decodeAs(id, doc, func(z *model.Zone) *model.ElementID { return &z.ID })
	case KindComponents:
		return decodeAs(id, doc, func(c *model.Component) *model.ElementID { return &c.ID })
	case KindFlows:
		return decodeAs(id, doc, func(f *model.Flow) *model.ElementID { return &f.ID })
	case KindCurves:
		return decodeAs(id, doc, func(c *model.Curve) *model.ElementID { return &c.ID })
	case KindTexts:
		return decodeAs(id, doc, func(t *model.TextBlock) *model.ElementID { return &t.ID })
	case KindAssets:
		return decodeAs(id, doc, func(a *model.Asset) *model.AssetID { return &a.ID })
	default:
		return nil, fault.New(fault.NotFound, "element.kind", "there is no kind of element called %q", kind)
	}
}

func decodeAs[T any, ID ~string](id string, doc json.RawMessage, idOf func(*T) *ID) (any, error) {
	var v T
	if err := decodeStrict(doc, &v); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "element.invalid", "the element is not valid").With("body", "%s", err.Error())
	}
	if own := string(*idOf(&v)); own != "" && own != id {
		return nil, fault.New(fault.Invalid, "element.id", "the element's id does not match the address").With("body.id", "is %q, expected %q or none", own, id)
	}
	*idOf(&v) = ID(id)
	return &v, nil
}

// follow makes containment and crossing agree with the drawing where that
// changed: for what was moved or is new, and for what the drawing answers
// otherwise than before because something else moved. said names the elements
// whose zone somebody has just set: they keep it.
func follow(before, m *model.Model, said map[model.ElementID]bool) {
	was, now := placed(before), placed(m)
	old := newElements(before)
	for i := range m.Zones {
		z, then := &m.Zones[i], (*model.Zone)(nil)
		if o, ok := old.at(KindZones, string(z.ID)).(*model.Zone); ok {
			then = o
		}
		if z.Box == nil || said[z.ID] {
			continue
		}
		if then == nil || then.Diagram != z.Diagram || !samePlace(then.Box, z.Box) || was.zones[z.ID] != now.zones[z.ID] {
			z.Parent = now.zones[z.ID]
		}
	}
	for i := range m.Components {
		c := &m.Components[i]
		if c.Box == nil || said[c.ID] {
			continue
		}
		then, ok := old.at(KindComponents, string(c.ID)).(*model.Component)
		if !ok || then.Diagram != c.Diagram || !samePlace(then.Box, c.Box) || was.zones[c.ID] != now.zones[c.ID] {
			c.Zone = now.zones[c.ID]
		}
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		then, ok := old.at(KindFlows, string(f.ID)).(*model.Flow)
		if !ok || !reflect.DeepEqual(then, f) || !slices.Equal(was.crosses[f.ID], now.crosses[f.ID]) {
			f.Crosses = now.crosses[f.ID]
		}
	}
}

// placing is what the drawing says of containment and crossing.
type placing struct {
	zones   map[model.ElementID]model.ElementID // the zone of a component, the parent of a zone
	crosses map[model.ElementID][]model.ElementID
}

// placed asks the drawing of a model without changing the model.
func placed(m *model.Model) placing {
	c := &model.Model{
		Zones: append([]model.Zone(nil), m.Zones...), Components: append([]model.Component(nil), m.Components...),
		Flows: append([]model.Flow(nil), m.Flows...), Curves: m.Curves,
	}
	model.Place(c)
	p := placing{
		zones:   make(map[model.ElementID]model.ElementID, len(c.Zones)+len(c.Components)),
		crosses: make(map[model.ElementID][]model.ElementID, len(c.Flows)),
	}
	for i := range c.Zones {
		p.zones[c.Zones[i].ID] = c.Zones[i].Parent
	}
	for i := range c.Components {
		p.zones[c.Components[i].ID] = c.Components[i].Zone
	}
	for i := range c.Flows {
		p.crosses[c.Flows[i].ID] = c.Flows[i].Crosses
	}
	return p
}

// samePlace reports whether two boxes cover the same; how they are stacked does not matter.
func samePlace(a, b *model.Box) bool {
	return a == b || a != nil && b != nil && a.X == b.X && a.Y == b.Y && a.W == b.W && a.H == b.H
}
