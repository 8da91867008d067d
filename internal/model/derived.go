package model

import (
	"cmp"
	"slices"
)

// ValueSource tells where the value at a place comes from.
type ValueSource int

// The sources of a value.
const (
	FromAssets  ValueSource = iota // the highest of the assets there
	FromProduct                    // no asset there: the product's
	Stated                         // the product's own place, with a value that was given
	Guessed                        // no asset there and no value of the product: 50
)

// Situation is what the drawing says of an element.
type Situation struct {
	Exposure      float64   // 0..100
	Nearest       ElementID // the component whose exposure it is; "" where it is none's
	Trust         float64   // 0..100, of the least trusted part
	TrustGuess    bool      // nobody said how trusted the place is
	ExposureGuess bool      // nothing tells how exposed the place is: 50
	OutOfScope    bool
	Unknown       bool // the element is not in the model: it stands as the product does
	// Value is what can be lost there, 0..100 each; ValueOf has the asset that
	// gives it, by confidentiality, integrity and availability ("": none does).
	Value       CIA
	ValueOf     [3]AssetID
	ValueSource ValueSource
	Assets      []*Asset // all of them, by id, each once
}

// Derived answers what follows from the drawing of a model. Each element is
// worked out once, when it is first asked for; all of them together take time
// linear in the model and in the nesting of its zones. The model must not change
// meanwhile. It is not safe for concurrent use.
type Derived struct {
	*Network
	zones   map[ElementID]*Zone
	flows   map[ElementID]int
	curves  map[ElementID]bool
	texts   map[ElementID]bool
	assets  map[AssetID]*Asset
	known   map[ElementID]*Situation
	inside  map[ElementID][]int // components in a zone, nested zones included; built when first asked for
	crossed map[ElementID][]int // flows over a curve; built when first asked for
	whole   *Situation          // the product's exposure; worked out when first asked for
}

// Derive prepares a model for questions about its drawing; k, above 0 up to 1, is
// what is left of exposure where a flow enters a more trusted zone.
func Derive(m *Model, k float64) *Derived {
	d := &Derived{
		zones:  make(map[ElementID]*Zone, len(m.Zones)),
		flows:  make(map[ElementID]int, len(m.Flows)),
		curves: make(map[ElementID]bool, len(m.Curves)),
		texts:  make(map[ElementID]bool, len(m.Texts)),
		assets: make(map[AssetID]*Asset, len(m.Assets)),
		known:  map[ElementID]*Situation{},
	}
	for i := range m.Zones {
		d.zones[m.Zones[i].ID] = &m.Zones[i]
	}
	for i := range m.Flows {
		d.flows[m.Flows[i].ID] = i
	}
	for i := range m.Curves {
		d.curves[m.Curves[i].ID] = true
	}
	for i := range m.Texts {
		d.texts[m.Texts[i].ID] = true
	}
	for i := range m.Assets {
		d.assets[m.Assets[i].ID] = &m.Assets[i]
	}
	d.Network = newNetwork(m, k, d.zones)
	return d
}

// At returns the situation of an element. A component or flow is itself; a zone
// is as exposed as the most exposed component in it and holds their assets; a
// curve is that of the flows that cross it; a text, and what is not in the
// model, stands as the product does. The answer must not be changed.
func (d *Derived) At(id ElementID) *Situation {
	if s := d.known[id]; s != nil {
		return s
	}
	var s *Situation
	if c, ok := d.byID[id]; ok && id != AtProduct {
		s = d.component(c)
	} else if f, ok := d.flows[id]; ok {
		s = d.flow(&d.m.Flows[f])
	} else if z := d.zones[id]; z != nil {
		s = d.zone(z)
	} else if d.curves[id] {
		s = d.curve(id)
	} else {
		s = d.product()
		s.Unknown = id != AtProduct && !d.texts[id]
	}
	d.known[id] = s
	return s
}

func (d *Derived) component(i int) *Situation {
	c := &d.m.Components[i]
	s := &Situation{Exposure: d.exposure[i], Nearest: c.ID, Trust: d.trust[i], TrustGuess: d.guessed[i], OutOfScope: c.OutOfScope}
	d.value(s, c.Stores, c.Processes)
	return s
}

// flow: exposure is the higher of its ends. With both ends loose it is the product's.
func (d *Derived) flow(f *Flow) *Situation {
	s := &Situation{Trust: 100, OutOfScope: f.OutOfScope}
	from, to := d.Ends(f)
	for _, end := range []int{from, to} {
		if end >= 0 {
			d.expose(s, end)
			s.TrustGuess = s.TrustGuess || d.guessed[end]
		}
	}
	if s.Nearest == "" {
		d.exposeAsProduct(s)
	}
	d.value(s, f.Carries)
	return s
}

// expose takes the component's exposure if it is higher; on a tie the lower id
// names it, so that the order of the model's lists does not show.
func (d *Derived) expose(s *Situation, c int) {
	e, id := d.exposure[c], d.m.Components[c].ID
	if s.Nearest == "" || e > s.Exposure || e == s.Exposure && id < s.Nearest {
		s.Exposure, s.Nearest = e, id
	}
	s.Trust = min(s.Trust, d.trust[c])
}

func (d *Derived) zone(z *Zone) *Situation {
	if d.inside == nil {
		d.inside = map[ElementID][]int{}
		for i := range d.m.Components {
			at := d.m.Components[i].Zone
			for depth := 0; at != "" && d.zones[at] != nil && depth <= len(d.zones); depth++ {
				d.inside[at] = append(d.inside[at], i)
				at = d.zones[at].Parent
			}
		}
	}
	s := &Situation{Trust: 100}
	var held [][]AssetID
	for _, i := range d.inside[z.ID] {
		d.expose(s, i)
		held = append(held, d.m.Components[i].Stores, d.m.Components[i].Processes)
	}
	s.Trust, s.TrustGuess = percent(z.Trust), z.Guess
	if s.Nearest == "" {
		s.Exposure = max(LeastExposure, 100-s.Trust)
	}
	d.value(s, held...)
	return s
}

func (d *Derived) curve(id ElementID) *Situation {
	if d.crossed == nil {
		d.crossed = map[ElementID][]int{}
		for i := range d.m.Flows {
			for _, c := range d.m.Flows[i].Crosses {
				d.crossed[c] = append(d.crossed[c], i)
			}
		}
	}
	s := &Situation{Trust: 100}
	var carried [][]AssetID
	for _, i := range d.crossed[id] {
		from, to := d.Ends(&d.m.Flows[i])
		for _, end := range []int{from, to} {
			if end >= 0 {
				d.expose(s, end)
			}
		}
		carried = append(carried, d.m.Flows[i].Carries)
	}
	if s.Nearest == "" {
		d.exposeAsProduct(s)
	}
	d.value(s, carried...)
	return s
}

// product: its value where one is given, else the highest of all assets.
func (d *Derived) product() *Situation {
	s := &Situation{Trust: 100}
	d.exposeAsProduct(s)
	all := make([]AssetID, 0, len(d.m.Assets))
	for i := range d.m.Assets {
		all = append(all, d.m.Assets[i].ID)
	}
	d.value(s, all)
	if v := d.m.Product.Value; v != nil {
		s.Value, s.ValueOf, s.ValueSource = clamped(*v), [3]AssetID{}, Stated
	}
	return s
}

// exposeAsProduct gives the product's exposure: as stated, else that of its most
// exposed process or store (the actors outside are not the product), else 50.
func (d *Derived) exposeAsProduct(s *Situation) {
	if d.whole == nil {
		d.whole = &Situation{Trust: 100}
		d.exposeWhole(d.whole)
	}
	s.Exposure, s.Nearest, s.Trust, s.ExposureGuess = d.whole.Exposure, d.whole.Nearest, d.whole.Trust, d.whole.ExposureGuess
}

func (d *Derived) exposeWhole(s *Situation) {
	if e := d.m.Product.Exposure; e != nil {
		s.Exposure = percent(*e)
		s.Trust = 100 - s.Exposure
		return
	}
	for i := range d.m.Components {
		if c := &d.m.Components[i]; c.Kind != Actor && !c.OutOfScope {
			d.expose(s, i)
		}
	}
	if s.Nearest == "" {
		s.Exposure, s.Trust, s.ExposureGuess = 50, 50, true
	}
}

// Asset returns the asset with the id, or nil.
func (d *Derived) Asset(id AssetID) *Asset { return d.assets[id] }

// Held returns the assets of the lists by id, each once.
func (d *Derived) Held(lists ...[]AssetID) []*Asset {
	var assets []*Asset
	seen := map[AssetID]bool{}
	for _, list := range lists {
		for _, id := range list {
			if a := d.assets[id]; a != nil && !seen[id] {
				seen[id] = true
				assets = append(assets, a)
			}
		}
	}
	slices.SortFunc(assets, func(a, b *Asset) int { return cmp.Compare(a.ID, b.ID) })
	return assets
}

// value fills in what the assets of the lists are worth, or the product's value
// where there are none, or 50.
func (d *Derived) value(s *Situation, lists ...[]AssetID) {
	s.Assets = d.Held(lists...)
	switch v := d.m.Product.Value; {
	case len(s.Assets) > 0:
		s.ValueSource = FromAssets
		for _, a := range s.Assets {
			s.take(a)
		}
	case v != nil:
		s.Value, s.ValueSource = clamped(*v), FromProduct
	default:
		s.Value, s.ValueSource = CIA{50, 50, 50}, Guessed
	}
}

// take raises the value to the asset's.
func (s *Situation) take(a *Asset) {
	v := clamped(a.Value)
	for i, side := range []struct {
		to *int
		v  int
	}{{&s.Value.Confidentiality, v.Confidentiality}, {&s.Value.Integrity, v.Integrity}, {&s.Value.Availability, v.Availability}} {
		if s.ValueOf[i] == "" || side.v > *side.to {
			*side.to, s.ValueOf[i] = side.v, a.ID
		}
	}
}

func clamped(v CIA) CIA {
	return CIA{min(max(v.Confidentiality, 0), 100), min(max(v.Integrity, 0), 100), min(max(v.Availability, 0), 100)}
}

// ExposurePath returns the way by which the element got its exposure: that of its
// nearest component, and for a flow the flow at its end; nil where no component
// gives it. limit bounds the number of flows as in Path.
func (d *Derived) ExposurePath(id ElementID, limit int) []ElementID {
	c, ok := d.byID[d.At(id).Nearest]
	if !ok {
		return nil
	}
	path := d.Path(c, limit)
	if _, flow := d.flows[id]; !flow || d.known[id].ExposureGuess {
		return path
	}
	if i := slices.Index(path, id); i >= 0 {
		return path[:i+1]
	}
	if f := &d.m.Flows[d.flows[id]]; f.From == path[len(path)-1] || f.To == path[len(path)-1] {
		path = append(path, id)
	}
	return path
}

// Crossed returns what the flow crosses: the zones around exactly one of its
// ends, those around its begin first, each from the inside out, then curves.
func (d *Derived) Crossed(f *Flow) []ElementID {
	from, to := d.Ends(f)
	var list []ElementID
	if from >= 0 && to >= 0 && d.m.Components[from].Zone != d.m.Components[to].Zone {
		a, b := d.around(d.m.Components[from].Zone), d.around(d.m.Components[to].Zone)
		for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
			a, b = a[:len(a)-1], b[:len(b)-1]
		}
		list = append(append(list, a...), b...)
	}
	return append(list, f.Crosses...)
}

// around returns the zone and those around it, from the inside out.
func (d *Derived) around(id ElementID) []ElementID {
	var list []ElementID
	for z := d.zones[id]; id != "" && z != nil && len(list) <= len(d.zones); z = d.zones[id] {
		list = append(list, id)
		id = z.Parent
	}
	return list
}
