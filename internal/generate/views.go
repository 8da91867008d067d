package generate

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// Trust of a component outside every zone where nobody said it, and the trust up
// to which a place counts as public.
const (
	actorTrust  = 0
	otherTrust  = 50
	publicTrust = 10
)

// publicNetwork is the attribute of a flow that brings what it enters near the Internet.
const publicNetwork = "public_network"

// unknown stands for a figure of the product that nobody said.
const unknown = 50

// views is the model as rules see it, each list in order of ids.
type views struct {
	product    *library.Product
	components []*library.Component
	flows      []*library.Flow
	byID       map[string]*library.Component
	bare       []*model.CIA // values of elements without an asset: the product's, once it is known
	loose      []*library.Flow
	derived    *model.Derived
	lead       map[string]model.ElementID // by flow that is not the leading one of its connection
}

func newViews(m *model.Model, lib *library.Library) *views {
	v := &views{
		product: &library.Product{Name: m.Product.Name, Tags: m.Product.Tags, Custom: m.Product.Custom, Exposure: unknown},
		byID:    make(map[string]*library.Component, len(m.Components)),
		derived: model.Derive(m, model.DefaultClimb),
	}
	if v.product.Custom == nil {
		v.product.Custom = map[string]string{}
	}
	assets := map[model.AssetID]*model.Asset{}
	for i := range m.Assets {
		assets[m.Assets[i].ID] = &m.Assets[i]
	}
	zones := map[model.ElementID]*library.Zone{}
	for i := range m.Zones {
		z := &m.Zones[i]
		zones[z.ID] = &library.Zone{ID: string(z.ID), Name: z.Name, Trust: z.Trust}
	}
	for i := range m.Components {
		c := v.component(&m.Components[i], zones, assets, lib)
		v.components = append(v.components, c)
		v.byID[c.ID] = c
	}
	for i := range m.Flows {
		v.flows = append(v.flows, v.flow(&m.Flows[i], zones, assets))
	}
	slices.SortFunc(v.components, func(a, b *library.Component) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(v.flows, func(a, b *library.Flow) int { return cmp.Compare(a.ID, b.ID) })
	v.expose()
	v.connect(m)
	return v
}

func (v *views) component(c *model.Component, zones map[model.ElementID]*library.Zone, assets map[model.AssetID]*model.Asset, lib *library.Library) *library.Component {
	view := &library.Component{
		ID: string(c.ID), Name: c.Name, Kind: c.Kind, Type: c.Type, Tags: c.Tags, Zone: zones[c.Zone],
		Trust: otherTrust, OutOfScope: c.OutOfScope, Stores: names(c.Stores, assets), Processes: names(c.Processes, assets),
	}
	switch {
	case view.Zone != nil && c.Zone != "":
		view.Trust = view.Zone.Trust
	case c.Trust != nil:
		view.Trust = *c.Trust
	case c.Kind == model.Actor:
		view.Trust = actorTrust
	}
	if view.Zone == nil {
		view.Zone = &library.Zone{}
	}
	view.Attributes = withDefaults(c, lib)
	v.value(&view.Max, v.derived.At(c.ID))
	return view
}

// withDefaults returns a component's attributes, on top of those of its type.
func withDefaults(c *model.Component, lib *library.Library) library.Attributes {
	t := lib.Type(c.Type)
	if t == nil || len(t.Attributes) == 0 {
		return c.Attributes
	}
	all := make(library.Attributes, len(t.Attributes)+len(c.Attributes))
	maps.Copy(all, t.Attributes)
	maps.Copy(all, c.Attributes)
	return all
}

func (v *views) flow(f *model.Flow, zones map[model.ElementID]*library.Zone, assets map[model.AssetID]*model.Asset) *library.Flow {
	view := &library.Flow{
		ID: string(f.ID), Name: f.Name, Protocol: f.Protocol, Tags: f.Tags, Attributes: f.Attributes, Bidirectional: f.Bidirectional,
		Source: v.end(f.From, zones), Target: v.end(f.To, zones), Carries: names(f.Carries, assets), OutOfScope: f.OutOfScope,
	}
	from, to := view.Source, view.Target
	joined := from.ID != "" && to.ID != ""
	view.CrossesBoundary = len(f.Crosses) > 0 || joined && from.Zone.ID != to.Zone.ID
	view.IntoMoreTrusted = joined && (to.Trust > from.Trust || f.Bidirectional && from.Trust > to.Trust)
	from.Outbound++
	to.Inbound++
	v.reach(view, from, to)
	if f.Bidirectional {
		to.Outbound++
		from.Inbound++
		v.reach(view, to, from)
	}
	v.value(&view.Max, v.derived.At(f.ID))
	return view
}

// reach marks what a flow brings near the Internet.
func (v *views) reach(f *library.Flow, from, to *library.Component) {
	if to.Kind == model.Actor || from.ID == "" {
		return
	}
	if from.Trust <= publicTrust || f.Attributes[publicNetwork] == "yes" {
		to.InternetFacing = true
	}
}

// end returns the component at a flow's end. A zone reads as a component without
// kind; anything else, and a loose end, as an empty one.
func (v *views) end(id model.ElementID, zones map[model.ElementID]*library.Zone) *library.Component {
	if c := v.byID[string(id)]; c != nil && id != "" {
		return c
	}
	c := &library.Component{ID: string(id), Zone: &library.Zone{}, Trust: otherTrust}
	if z := zones[id]; z != nil {
		c.Name, c.Zone, c.Trust = z.Name, z, z.Trust
	}
	return c
}

// flowOf returns the flow with the id, or nil.
func (v *views) flowOf(id model.ElementID) *library.Flow {
	i, there := slices.BinarySearchFunc(v.flows, string(id), func(f *library.Flow, id string) int { return cmp.Compare(f.ID, id) })
	if !there {
		return nil
	}
	return v.flows[i]
}

// inScope returns the id of a component that may take threats, or "".
func (v *views) inScope(c *library.Component) model.ElementID {
	if known := v.byID[c.ID]; known == nil || known.OutOfScope {
		return ""
	}
	return model.ElementID(c.ID)
}

func names(ids []model.AssetID, assets map[model.AssetID]*model.Asset) []string {
	var list []string
	for _, id := range ids {
		if a := assets[id]; a != nil {
			list = append(list, cmp.Or(a.Name, string(a.ID)))
		}
	}
	slices.Sort(list)
	return list
}

// value takes the highest value of the assets; without any it waits for the product's.
func (v *views) value(to *model.CIA, s *model.Situation) {
	if s.ValueSource == model.FromAssets {
		*to = s.Value
		return
	}
	v.bare = append(v.bare, to)
}

// expose gives components and flows the exposure of design.md section 4, with the default factor.
func (v *views) expose() {
	for _, c := range v.components {
		c.Exposure = rounded(v.derived.At(model.ElementID(c.ID)).Exposure)
	}
	for _, f := range v.flows {
		_, known := v.byID[f.Source.ID]
		_, also := v.byID[f.Target.ID]
		if !known && !also {
			v.loose = append(v.loose, f)
			continue
		}
		f.Exposure = rounded(v.derived.At(model.ElementID(f.ID)).Exposure)
	}
}

func rounded(x float64) int { return int(math.Floor(x + 0.5)) }

// settle gives the product's figures to everything that takes them over: a
// person's first, then what rules set, then what the components say, then 50.
func (g *generator) settle(f *figures) {
	value, exposure := f.value(), f.exposure()
	p, v := &g.m.Product, g.views
	v.product.Value = model.CIA{Confidentiality: unknown, Integrity: unknown, Availability: unknown}
	switch {
	case p.Value != nil && !setByRule(p.Sets, "value"):
		v.product.Value = *p.Value
	case value != nil:
		v.product.Value = value.Value
	}
	switch {
	case p.Exposure != nil && !setByRule(p.Sets, "exposure"):
		v.product.Exposure = *p.Exposure
	case exposure != nil:
		v.product.Exposure = exposure.Value
	default:
		most := -1
		for _, c := range v.components {
			if c.Kind != model.Actor && !c.OutOfScope {
				most = max(most, c.Exposure)
			}
		}
		if most >= 0 {
			v.product.Exposure = most
		}
	}
	for _, to := range v.bare {
		*to = v.product.Value
	}
	for _, f := range v.loose {
		f.Exposure = v.product.Exposure
	}
}

func setByRule(s model.Sets, field string) bool { return s[field].By == model.SetByRule }
