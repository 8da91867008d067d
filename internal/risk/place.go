package risk

import (
	"cmp"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

// dimension is an index into a CIA.
type dimension int

const dimensions = 3

var dimensionNames = [dimensions]string{"confidentiality", "integrity", "availability"}

func byDimension(c model.CIA) [dimensions]float64 {
	return [dimensions]float64{percent(float64(c.Confidentiality)), percent(float64(c.Integrity)), percent(float64(c.Availability))}
}

// worth is what can be lost at a place.
type worth struct {
	value  [dimensions]float64
	from   [dimensions]model.AssetID // the asset that gives the value; "" where none does
	assets []*model.Asset            // all of them, by id, each once
}

// place is what a threat's rating takes from where it stands.
type place struct {
	worth    worth
	exposure float64
	nearest  int     // component whose exposure it is; -1 where it is none's
	trust    float64 // of the least trusted part: the iriusrisk method rates by it
	outside  bool    // out of scope
	flags    []Flag
}

// places answers where threats stand. Each place is worked out once.
type places struct {
	m       *model.Model
	net     *network
	zones   map[model.ElementID]*model.Zone
	flows   map[model.ElementID]int
	curves  map[model.ElementID]bool
	texts   map[model.ElementID]bool
	assets  map[model.AssetID]*model.Asset
	known   map[model.ElementID]*place
	inside  map[model.ElementID][]int // components in a zone, nested zones included; built when first asked for
	crossed map[model.ElementID][]int // flows over a curve; built when first asked for
	whole   *place                    // the product's exposure; worked out when first asked for
	carried map[int][]model.AssetID   // by component, what its flows carry; built when first asked for
}

func newPlaces(m *model.Model, k float64) *places {
	p := &places{
		m:      m,
		zones:  make(map[model.ElementID]*model.Zone, len(m.Zones)),
		flows:  make(map[model.ElementID]int, len(m.Flows)),
		curves: make(map[model.ElementID]bool, len(m.Curves)),
		assets: make(map[model.AssetID]*model.Asset, len(m.Assets)),
		known:  map[model.ElementID]*place{},
	}
	for i := range m.Zones {
		p.zones[m.Zones[i].ID] = &m.Zones[i]
	}
	for i := range m.Flows {
		p.flows[m.Flows[i].ID] = i
	}
	for i := range m.Curves {
		p.curves[m.Curves[i].ID] = true
	}
	p.texts = make(map[model.ElementID]bool, len(m.Texts))
	for i := range m.Texts {
		p.texts[m.Texts[i].ID] = true
	}
	for i := range m.Assets {
		p.assets[m.Assets[i].ID] = &m.Assets[i]
	}
	p.net = newNetwork(m, k, p.zones)
	return p
}

// at returns the place of a threat. A component or flow is itself; a zone is
// as exposed as the most exposed component in it and holds their assets; a
// curve is that of the flows that cross it; a text, and what is not in the
// model, is rated as the product.
func (p *places) at(id model.ElementID) *place {
	if pl := p.known[id]; pl != nil {
		return pl
	}
	var pl *place
	if c, ok := p.net.byID[id]; ok && id != model.AtProduct {
		pl = p.component(c)
	} else if f, ok := p.flows[id]; ok {
		pl = p.flow(f)
	} else if z := p.zones[id]; z != nil {
		pl = p.zone(z)
	} else if p.curves[id] {
		pl = p.curve(id)
	} else {
		pl = p.product()
		if id != model.AtProduct && !p.texts[id] {
			pl.flags = append(pl.flags, UnknownPlace)
		}
	}
	p.known[id] = pl
	return pl
}

func (p *places) component(i int) *place {
	c := &p.m.Components[i]
	pl := &place{exposure: p.net.exposure[i], nearest: i, trust: p.net.trust[i], outside: c.OutOfScope}
	if p.net.guessed[i] {
		pl.flags = append(pl.flags, GuessedTrust)
	}
	p.value(pl, c.Stores, c.Processes)
	return pl
}

// moved returns the assets stored, processed, sent or received by a component:
// the iriusrisk method does not tell these apart.
func (p *places) moved(id model.ElementID) []*model.Asset {
	i, ok := p.net.byID[id]
	if !ok {
		return p.at(id).worth.assets
	}
	if p.carried == nil {
		p.carried = map[int][]model.AssetID{}
		for k := range p.m.Flows {
			from, to := p.net.ends(&p.m.Flows[k])
			for _, end := range []int{from, to} {
				if end >= 0 {
					p.carried[end] = append(p.carried[end], p.m.Flows[k].Carries...)
				}
			}
		}
	}
	c := &p.m.Components[i]
	return p.held(c.Stores, c.Processes, p.carried[i])
}

// flow: exposure is the higher of its ends. With both ends loose it is the product's.
func (p *places) flow(i int) *place {
	f := &p.m.Flows[i]
	pl := &place{nearest: -1, trust: 100}
	from, to := p.net.ends(f)
	for _, end := range []int{from, to} {
		if end < 0 {
			continue
		}
		p.expose(pl, end)
		if p.net.guessed[end] && !slices.Contains(pl.flags, GuessedTrust) {
			pl.flags = append(pl.flags, GuessedTrust)
		}
	}
	if pl.nearest < 0 {
		p.exposeAsProduct(pl)
	}
	pl.outside = f.OutOfScope
	p.value(pl, f.Carries)
	return pl
}

// expose takes the component's exposure if it is higher; on a tie the lower id
// names it, so that the order of the model's lists does not show.
func (p *places) expose(pl *place, c int) {
	e := p.net.exposure[c]
	if pl.nearest < 0 || e > pl.exposure || e == pl.exposure && p.m.Components[c].ID < p.m.Components[pl.nearest].ID {
		pl.exposure, pl.nearest = e, c
	}
	pl.trust = min(pl.trust, p.net.trust[c])
}

func (p *places) zone(z *model.Zone) *place {
	if p.inside == nil {
		p.inside = map[model.ElementID][]int{}
		for i := range p.m.Components {
			at := p.m.Components[i].Zone
			for depth := 0; at != "" && p.zones[at] != nil && depth <= len(p.zones); depth++ {
				p.inside[at] = append(p.inside[at], i)
				at = p.zones[at].Parent
			}
		}
	}
	pl := &place{nearest: -1, trust: 100}
	var held [][]model.AssetID
	for _, i := range p.inside[z.ID] {
		p.expose(pl, i)
		held = append(held, p.m.Components[i].Stores, p.m.Components[i].Processes)
	}
	pl.trust = percent(float64(z.Trust))
	if pl.nearest < 0 {
		pl.exposure = max(leastExposure, 100-pl.trust)
	}
	if z.Guess {
		pl.flags = append(pl.flags, GuessedTrust)
	}
	p.value(pl, held...)
	return pl
}

func (p *places) curve(id model.ElementID) *place {
	if p.crossed == nil {
		p.crossed = map[model.ElementID][]int{}
		for i := range p.m.Flows {
			for _, c := range p.m.Flows[i].Crosses {
				p.crossed[c] = append(p.crossed[c], i)
			}
		}
	}
	pl := &place{nearest: -1, trust: 100}
	var carried [][]model.AssetID
	for _, i := range p.crossed[id] {
		from, to := p.net.ends(&p.m.Flows[i])
		for _, end := range []int{from, to} {
			if end >= 0 {
				p.expose(pl, end)
			}
		}
		carried = append(carried, p.m.Flows[i].Carries)
	}
	if pl.nearest < 0 {
		p.exposeAsProduct(pl)
	}
	p.value(pl, carried...)
	return pl
}

// product: its value where one is given, else the highest of all assets.
func (p *places) product() *place {
	pl := &place{nearest: -1, trust: 100}
	p.exposeAsProduct(pl)
	all := make([]model.AssetID, 0, len(p.m.Assets))
	for i := range p.m.Assets {
		all = append(all, p.m.Assets[i].ID)
	}
	p.value(pl, all)
	if v := p.m.Product.Value; v != nil {
		pl.worth.value, pl.worth.from = byDimension(*v), [dimensions]model.AssetID{}
		pl.flags = slices.DeleteFunc(pl.flags, func(f Flag) bool { return f == ProductValue })
	}
	return pl
}

// exposeAsProduct gives the product's exposure: as stated, else that of its most
// exposed process or store (the actors outside are not the product), else 50.
func (p *places) exposeAsProduct(pl *place) {
	if p.whole == nil {
		p.whole = &place{nearest: -1, trust: 100}
		p.exposeWhole(p.whole)
	}
	pl.exposure, pl.nearest, pl.trust = p.whole.exposure, p.whole.nearest, p.whole.trust
	pl.flags = append(pl.flags, p.whole.flags...)
}

func (p *places) exposeWhole(pl *place) {
	if e := p.m.Product.Exposure; e != nil {
		pl.exposure = percent(float64(*e))
		pl.trust = 100 - pl.exposure
		return
	}
	for i := range p.m.Components {
		if c := &p.m.Components[i]; c.Kind != model.Actor && !c.OutOfScope {
			p.expose(pl, i)
		}
	}
	if pl.nearest < 0 {
		pl.exposure, pl.trust = 50, 50
		pl.flags = append(pl.flags, GuessedExposure)
	}
}

// held returns the assets of the lists by id, each once.
func (p *places) held(lists ...[]model.AssetID) []*model.Asset {
	var assets []*model.Asset
	seen := map[model.AssetID]bool{}
	for _, list := range lists {
		for _, id := range list {
			if a := p.assets[id]; a != nil && !seen[id] {
				seen[id] = true
				assets = append(assets, a)
			}
		}
	}
	slices.SortFunc(assets, func(a, b *model.Asset) int { return cmp.Compare(a.ID, b.ID) })
	return assets
}

// value fills in what the assets of the lists are worth, or the product's value
// where there are none, or 50.
func (p *places) value(pl *place, lists ...[]model.AssetID) {
	w := &pl.worth
	w.assets = p.held(lists...)
	if len(w.assets) == 0 {
		if v := p.m.Product.Value; v != nil {
			w.value = byDimension(*v)
			pl.flags = append(pl.flags, ProductValue)
			return
		}
		w.value = [dimensions]float64{50, 50, 50}
		pl.flags = append(pl.flags, GuessedValue)
		return
	}
	for _, a := range w.assets {
		for d, v := range byDimension(a.Value) {
			if w.from[d] == "" || v > w.value[d] {
				w.value[d], w.from[d] = v, a.ID
			}
		}
	}
}
