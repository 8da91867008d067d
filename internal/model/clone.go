package model

import (
	"encoding/json"
	"maps"
	"slices"
)

// Clone returns a deep copy: whatever is changed in one is not changed in the
// other. Nil stays nil and empty stays empty.
func Clone(m *Model) *Model {
	out := *m
	out.Product.own()
	out.Answers = cloneList(m.Answers, (*Answer).own)
	out.Assets = cloneList(m.Assets, (*Asset).own)
	out.Diagrams = cloneList(m.Diagrams, (*Diagram).own)
	out.Zones = cloneList(m.Zones, (*Zone).own)
	out.Components = cloneList(m.Components, (*Component).own)
	out.Flows = cloneList(m.Flows, (*Flow).own)
	out.Curves = cloneList(m.Curves, (*Curve).own)
	out.Texts = cloneList(m.Texts, (*TextBlock).own)
	out.Threats = cloneList(m.Threats, (*Threat).own)
	out.Weaknesses = cloneList(m.Weaknesses, (*Weakness).own)
	out.Countermeasures = cloneList(m.Countermeasures, (*Countermeasure).own)
	out.Links = cloneList(m.Links, (*Link).own)
	out.Extra = cloneExtra(m.Extra)
	return &out
}

// cloneList copies a list; own makes each of its elements, which were copied
// flatly, share nothing with the original.
func cloneList[T any](list []T, own func(*T)) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(list))
	copy(out, list)
	for i := range out {
		own(&out[i])
	}
	return out
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func cloneExtra(e Extra) Extra {
	if e == nil {
		return nil
	}
	out := make(Extra, len(e))
	for k, v := range e {
		out[k] = slices.Clone(v)
	}
	return out
}

func cloneSets(s Sets) Sets {
	if s == nil {
		return nil
	}
	out := make(Sets, len(s))
	for k, v := range s {
		v.Wanted = slices.Clone[json.RawMessage](v.Wanted)
		out[k] = v
	}
	return out
}

func cloneWhy(list []Why) []Why {
	return cloneList(list, func(w *Why) { w.Facts = slices.Clone(w.Facts) })
}

func (p *Product) own() {
	p.Tags = slices.Clone(p.Tags)
	p.Standards = slices.Clone(p.Standards)
	p.Value = clonePointer(p.Value)
	p.Exposure = clonePointer(p.Exposure)
	p.Tolerance = clonePointer(p.Tolerance)
	p.Custom = maps.Clone(p.Custom)
	p.Sets = cloneSets(p.Sets)
	p.Extra = cloneExtra(p.Extra)
}

func (a *Answer) own() { a.Values = slices.Clone(a.Values) }

func (a *Asset) own() { a.Extra = cloneExtra(a.Extra) }

func (d *Diagram) own() { d.Extra = cloneExtra(d.Extra) }

func (z *Zone) own() {
	z.Box = clonePointer(z.Box)
	z.Extra = cloneExtra(z.Extra)
}

func (c *Component) own() {
	c.Trust = clonePointer(c.Trust)
	c.Tags = slices.Clone(c.Tags)
	c.Attributes = maps.Clone(c.Attributes)
	c.Stores = slices.Clone(c.Stores)
	c.Processes = slices.Clone(c.Processes)
	c.Locations = slices.Clone(c.Locations)
	c.Box = clonePointer(c.Box)
	c.Extra = cloneExtra(c.Extra)
}

func (f *Flow) own() {
	f.FromPoint = clonePointer(f.FromPoint)
	f.ToPoint = clonePointer(f.ToPoint)
	f.Vertices = slices.Clone(f.Vertices)
	f.Tags = slices.Clone(f.Tags)
	f.Attributes = maps.Clone(f.Attributes)
	f.Carries = slices.Clone(f.Carries)
	f.Crosses = slices.Clone(f.Crosses)
	f.Extra = cloneExtra(f.Extra)
}

func (c *Curve) own() {
	c.Points = slices.Clone(c.Points)
	c.Extra = cloneExtra(c.Extra)
}

func (t *TextBlock) own() {
	t.Box = clonePointer(t.Box)
	t.Extra = cloneExtra(t.Extra)
}

func (t *Threat) own() {
	t.Categories = slices.Clone(t.Categories)
	t.CAPEC = slices.Clone(t.CAPEC)
	t.Inherent = clonePointer(t.Inherent)
	t.Acceptance = clonePointer(t.Acceptance)
	t.Why = cloneWhy(t.Why)
	t.Sets = cloneSets(t.Sets)
	t.Retired = clonePointer(t.Retired)
	t.Extra = cloneExtra(t.Extra)
}

func (w *Weakness) own() {
	w.Why = cloneWhy(w.Why)
	w.Sets = cloneSets(w.Sets)
	w.Retired = clonePointer(w.Retired)
	w.Extra = cloneExtra(w.Extra)
}

func (c *Countermeasure) own() {
	c.Standards = slices.Clone(c.Standards)
	c.Cost = clonePointer(c.Cost)
	c.Mandatory = slices.Clone(c.Mandatory)
	c.Why = cloneWhy(c.Why)
	c.Sets = cloneSets(c.Sets)
	c.Retired = clonePointer(c.Retired)
	c.Extra = cloneExtra(c.Extra)
}

func (l *Link) own() {
	l.Sets = cloneSets(l.Sets)
	l.Retired = clonePointer(l.Retired)
}
