package risk

import "github.com/threatloop/threatloop/internal/model"

// dimension is an index into a CIA.
type dimension int

const dimensions = 3

var dimensionNames = [dimensions]string{"confidentiality", "integrity", "availability"}

func byDimension(c model.CIA) [dimensions]float64 {
	return [dimensions]float64{percent(float64(c.Confidentiality)), percent(float64(c.Integrity)), percent(float64(c.Availability))}
}

// place is what a threat's rating takes from where it stands.
type place struct {
	*model.Situation
	flags []Flag
}

// places answers where threats stand. Each place is worked out once.
type places struct {
	m       *model.Model
	derived *model.Derived
	flows   map[model.ElementID]int
	known   map[model.ElementID]*place
	carried map[int][]model.AssetID // by component, what its flows carry; built when first asked for
}

func newPlaces(m *model.Model, k float64) *places {
	p := &places{m: m, derived: model.Derive(m, k), flows: make(map[model.ElementID]int, len(m.Flows)), known: map[model.ElementID]*place{}}
	for i := range m.Flows {
		p.flows[m.Flows[i].ID] = i
	}
	return p
}

// at returns the place of a threat, with the assumptions behind it as flags.
func (p *places) at(id model.ElementID) *place {
	if pl := p.known[id]; pl != nil {
		return pl
	}
	s := p.derived.At(id)
	pl := &place{Situation: s}
	for _, f := range []struct {
		stands bool
		flag   Flag
	}{
		{s.TrustGuess, GuessedTrust},
		{s.ExposureGuess, GuessedExposure},
		{s.ValueSource == model.FromProduct, ProductValue},
		{s.ValueSource == model.Guessed, GuessedValue},
		{s.Unknown, UnknownPlace},
	} {
		if f.stands {
			pl.flags = append(pl.flags, f.flag)
		}
	}
	p.known[id] = pl
	return pl
}

// moved returns the assets stored, processed, sent or received by a component:
// the iriusrisk method does not tell these apart.
func (p *places) moved(id model.ElementID) []*model.Asset {
	i, ok := p.derived.Index(id)
	if !ok {
		return p.at(id).Assets
	}
	if p.carried == nil {
		p.carried = map[int][]model.AssetID{}
		for k := range p.m.Flows {
			from, to := p.derived.Ends(&p.m.Flows[k])
			for _, end := range []int{from, to} {
				if end >= 0 {
					p.carried[end] = append(p.carried[end], p.m.Flows[k].Carries...)
				}
			}
		}
	}
	c := &p.m.Components[i]
	return p.derived.Held(c.Stores, c.Processes, p.carried[i])
}
