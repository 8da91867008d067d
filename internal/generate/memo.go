package generate

import (
	"maps"
	"reflect"
	"slices"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// Memo evaluates a library for one product again and again, asking after a change
// only the rules that can see it. What it answers is what Desired answers, byte for
// byte. It is not safe for concurrent use, and keeps nothing of the models it is
// given: they may change afterwards.
type Memo struct {
	lib *library.Library
	g   *generator // nil before the first evaluation and after one that failed
}

// NewMemo returns a Memo that has seen no model yet.
func NewMemo(lib *library.Library) *Memo { return &Memo{lib: lib} }

// Library returns the library that is evaluated.
func (mm *Memo) Library() *library.Library { return mm.lib }

// Desired returns what Desired does. Its cost is that of the change and of the result's size.
func (mm *Memo) Desired(m *model.Model) (*Result, error) {
	if _, err := mm.see(m); err != nil {
		return nil, err
	}
	return mm.g.result(m), nil
}

// see brings the evaluation to the model and returns the places that were looked at again.
func (mm *Memo) see(m *model.Model) (map[model.ElementID]bool, error) {
	places, err := mm.next(m)
	if err != nil {
		mm.g = nil
	}
	return places, err
}

func (mm *Memo) next(m *model.Model) (map[model.ElementID]bool, error) {
	old := mm.g
	if old == nil || !sameProduct(old.m, m) {
		return mm.afresh(m)
	}
	if light, ok := lightly(old.m, m); ok {
		return mm.inPlace(m, light)
	}
	g := newGenerator(read(m), mm.lib)
	g.owned = true
	if err := g.start(); err != nil {
		return nil, err
	}
	if !sameProductRules(old, g) {
		return mm.afresh(m)
	}
	again := different(old.views, g.views)
	g.found, g.sites, g.serving = old.found, old.sites, old.serving
	mm.g = g
	return g.askAgain(again)
}

// afresh evaluates everything.
func (mm *Memo) afresh(m *model.Model) (map[model.ElementID]bool, error) {
	places := map[model.ElementID]bool{}
	if mm.g != nil {
		for where := range mm.g.sites {
			places[where] = true
		}
	}
	g := newGenerator(read(m), mm.lib)
	g.owned = true
	if err := g.start(); err != nil {
		return nil, err
	}
	if err := g.evaluateAll(); err != nil {
		return nil, err
	}
	mm.g = g
	for where := range g.sites {
		places[where] = true
	}
	return places, nil
}

// read copies what rules see of a model.
func read(m *model.Model) *model.Model {
	return model.Clone(&model.Model{Product: m.Product, Answers: m.Answers, Assets: m.Assets, Zones: m.Zones, Components: m.Components, Flows: m.Flows})
}

func sameProduct(a, b *model.Model) bool {
	return a.Product.ID == b.Product.ID && reflect.DeepEqual(a.Product, b.Product) && reflect.DeepEqual(a.Answers, b.Answers)
}

// sameProductRules tells whether what elements see of the product is the same.
func sameProductRules(a, b *generator) bool {
	return reflect.DeepEqual(a.views.product, b.views.product) && maps.Equal(a.facts.Own, b.facts.Own) && reflect.DeepEqual(a.product, b.product)
}

// light is a change that moves nothing but what rules read of an element itself: no
// zone, no trust, no way and no value.
type light struct{ components, flows []int }

// lightly tells whether the models differ in nothing but light changes, and which.
func lightly(a, b *model.Model) (light, bool) {
	var l light
	if len(a.Components) != len(b.Components) || len(a.Flows) != len(b.Flows) || !slices.EqualFunc(a.Zones, b.Zones, sameZone) || !slices.EqualFunc(a.Assets, b.Assets, sameAsset) {
		return l, false
	}
	for i := range a.Components {
		x, y := &a.Components[i], &b.Components[i]
		if x.ID != y.ID || x.Kind != y.Kind || x.Zone != y.Zone || x.OutOfScope != y.OutOfScope || !sameInt(x.Trust, y.Trust) ||
			!slices.Equal(x.Stores, y.Stores) || !slices.Equal(x.Processes, y.Processes) {
			return l, false
		}
		if x.Name != y.Name || x.Type != y.Type || !slices.Equal(x.Tags, y.Tags) || !maps.Equal(x.Attributes, y.Attributes) {
			l.components = append(l.components, i)
		}
	}
	for i := range a.Flows {
		x, y := &a.Flows[i], &b.Flows[i]
		if x.ID != y.ID || x.From != y.From || x.To != y.To || x.Bidirectional != y.Bidirectional || x.OutOfScope != y.OutOfScope ||
			!slices.Equal(x.Carries, y.Carries) || !slices.Equal(x.Crosses, y.Crosses) {
			return l, false
		}
		if x.Name != y.Name || x.Protocol != y.Protocol || !slices.Equal(x.Tags, y.Tags) || !maps.Equal(x.Attributes, y.Attributes) {
			if x.Attributes[publicNetwork] != y.Attributes[publicNetwork] || channelOf(x.Protocol, x.Attributes) != channelOf(y.Protocol, y.Attributes) {
				return l, false
			}
			l.flows = append(l.flows, i)
		}
	}
	return l, true
}

func sameZone(a, b model.Zone) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Trust == b.Trust && a.Parent == b.Parent
}

func sameAsset(a, b model.Asset) bool { return a.ID == b.ID && a.Name == b.Name && a.Value == b.Value }

func sameInt(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

// inPlace takes light changes over into what rules see, and asks for their elements again.
func (mm *Memo) inPlace(m *model.Model, l light) (map[model.ElementID]bool, error) {
	g := mm.g
	if len(l.components)+len(l.flows) == 0 {
		return nil, nil
	}
	again := map[model.ElementID]bool{}
	touched := map[*library.Component]bool{}
	for _, i := range l.components {
		c := model.Clone(&model.Model{Components: m.Components[i : i+1]}).Components[0]
		g.m.Components[i] = c
		v := g.views.byID[string(c.ID)]
		v.Name, v.Type, v.Tags, v.Attributes = c.Name, c.Type, c.Tags, withDefaults(&c, mm.lib)
		again[c.ID], touched[v] = true, true
	}
	for _, i := range l.flows {
		f := model.Clone(&model.Model{Flows: m.Flows[i : i+1]}).Flows[0]
		g.m.Flows[i] = f
		v := g.views.flowOf(f.ID)
		v.Name, v.Protocol, v.Tags, v.Attributes = f.Name, f.Protocol, f.Tags, f.Attributes
		again[f.ID] = true
	}
	for _, v := range g.views.flows {
		if touched[v.Source] || touched[v.Target] {
			again[model.ElementID(v.ID)] = true
		}
	}
	product, facts, figures, was := g.product, g.facts, g.figures, *g.views.product
	if err := g.productRules(); err != nil {
		return nil, err
	}
	before := &generator{views: &views{product: &was}, facts: facts, product: product, figures: figures}
	if !sameProductRules(before, g) {
		return mm.afresh(m)
	}
	return g.askAgain(again)
}

// different returns the elements of which rules see something else than before, those that came and those that went.
func different(a, b *views) map[model.ElementID]bool {
	again := map[model.ElementID]bool{}
	for _, c := range b.components {
		if old := a.byID[c.ID]; old == nil || !sameComponent(old, c) {
			again[model.ElementID(c.ID)] = true
		}
	}
	for _, c := range a.components {
		if b.byID[c.ID] == nil {
			again[model.ElementID(c.ID)] = true
		}
	}
	before := make(map[string]*library.Flow, len(a.flows))
	for _, f := range a.flows {
		before[f.ID] = f
	}
	for _, f := range b.flows {
		old := before[f.ID]
		delete(before, f.ID)
		if old == nil || again[model.ElementID(f.Source.ID)] || again[model.ElementID(f.Target.ID)] || a.lead[f.ID] != b.lead[f.ID] || !sameFlow(old, f) {
			again[model.ElementID(f.ID)] = true
		}
	}
	for id := range before {
		again[model.ElementID(id)] = true
	}
	return again
}

func sameComponent(a, b *library.Component) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Kind == b.Kind && a.Type == b.Type && *a.Zone == *b.Zone && a.Trust == b.Trust && a.Exposure == b.Exposure &&
		a.InternetFacing == b.InternetFacing && a.Inbound == b.Inbound && a.Outbound == b.Outbound && a.Max == b.Max && a.OutOfScope == b.OutOfScope &&
		slices.Equal(a.Tags, b.Tags) && maps.Equal(a.Attributes, b.Attributes) && slices.Equal(a.Stores, b.Stores) && slices.Equal(a.Processes, b.Processes)
}

// sameFlow compares flows; of their ends, which are compared as components where they are some, only what else they may be.
func sameFlow(a, b *library.Flow) bool {
	return a.Name == b.Name && a.Protocol == b.Protocol && a.Bidirectional == b.Bidirectional && a.CrossesBoundary == b.CrossesBoundary &&
		a.IntoMoreTrusted == b.IntoMoreTrusted && a.Answer == b.Answer && a.Exposure == b.Exposure && a.Max == b.Max && a.OutOfScope == b.OutOfScope &&
		slices.Equal(a.Tags, b.Tags) && maps.Equal(a.Attributes, b.Attributes) && slices.Equal(a.Carries, b.Carries) &&
		sameComponent(a.Source, b.Source) && sameComponent(a.Target, b.Target)
}

// askAgain evaluates the elements and collects anew what is wanted where they wanted something, or want it now.
func (g *generator) askAgain(again map[model.ElementID]bool) (map[model.ElementID]bool, error) {
	places := map[model.ElementID]bool{}
	gone := maps.Clone(again)
	fresh := map[model.ElementID][]source{}
	take := func(f *found) {
		for _, w := range f.wants {
			if list := fresh[w.where]; w.where != "" && (len(list) == 0 || list[len(list)-1].element != f.element) {
				fresh[w.where] = append(list, source{f.class, f.element})
				places[w.where] = true
			}
		}
	}
	leave := func(id model.ElementID) {
		if f := g.found[id]; f != nil {
			for _, w := range f.wants {
				if w.where != "" {
					places[w.where] = true
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(again)) {
		var f *found
		var err error
		if c := g.views.byID[string(id)]; c != nil {
			f, err = g.component(c)
		} else if v := g.views.flowOf(id); v != nil {
			f, err = g.flow(v)
		} else {
			continue
		}
		if err != nil {
			return nil, err
		}
		leave(id)
		delete(gone, id)
		g.found[id] = f
		take(f)
	}
	for id := range gone {
		leave(id)
		delete(g.found, id)
	}
	for where := range places {
		from := fresh[where]
		if old := g.sites[where]; old != nil {
			for _, s := range old.from {
				if !again[s.element] {
					from = append(from, s)
				}
			}
		}
		slices.SortFunc(from, source.compare)
		g.collect(where, from)
	}
	return places, nil
}

// collect makes the site of what the elements want there.
func (g *generator) collect(where model.ElementID, from []source) {
	if len(from) == 0 {
		delete(g.sites, where)
		return
	}
	s := &site{where: where, from: from}
	for _, source := range from {
		f := g.found[source.element]
		if source.class == ofProduct {
			f = g.product
		}
		for i := range f.wants {
			if w := &f.wants[i]; w.where == where {
				g.take(s, w)
			}
		}
	}
	g.carryOut(s)
	g.keepStandards(s)
	g.sites[where] = s
}
