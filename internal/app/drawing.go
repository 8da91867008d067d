package app

import (
	"context"
	"reflect"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// Drawing is everything that an editor opens a diagram with.
type Drawing struct {
	Version  int64             `json:"version" doc:"Of the product"`
	Diagrams []model.Diagram   `json:"diagrams" doc:"All of the product"`
	Diagram  *model.DiagramID  `json:"diagram" doc:"The one that is shown; null where there is none"`
	Zones    []model.Zone      `json:"zones" doc:"Of the diagram, as all that follow; what names no diagram is shown with the first one"`
	Comps    []model.Component `json:"components"`
	Flows    []model.Flow      `json:"flows"`
	Curves   []model.Curve     `json:"curves"`
	Texts    []model.TextBlock `json:"texts"`
	Assets   []model.Asset     `json:"assets" doc:"All of the product"`
	Versions map[string]int64  `json:"versions" doc:"Version of each element by its id, of diagrams by diagrams/ID, of assets by assets/ID"`
	Facts    Facts             `json:"facts" doc:"What follows for each component, flow, zone and curve, by id"`
}

// ETag returns the version of the product.
func (d Drawing) ETag() int64 { return d.Version }

// DrawingFacts is what follows from a drawing, without the drawing.
type DrawingFacts struct {
	Version int64            `json:"version" doc:"Of the product"`
	Diagram *model.DiagramID `json:"diagram" doc:"The one that is shown; null where there is none"`
	Facts   Facts            `json:"facts"`
}

// ETag returns the version of the product.
func (d DrawingFacts) ETag() int64 { return d.Version }

// Facts are the facts of elements by their id.
type Facts map[model.ElementID]ElementFacts

// ElementFacts is what follows for one component, flow, zone or curve. What is
// absent is none, false or 0.
type ElementFacts struct {
	Zone         model.ElementID     `json:"zone,omitempty" doc:"Innermost zone of a component, the zone around a zone"`
	Trust        int                 `json:"trust" doc:"0 to 100; of a flow that of its less trusted end"`
	TrustGuess   bool                `json:"trust_guess,omitempty" doc:"Nobody said how trusted the place is"`
	Exposure     int                 `json:"exposure" doc:"0 to 100: how near an untrusted zone is"`
	ExposurePath []model.ElementID   `json:"exposure_path,omitempty" doc:"Component, flow, component, ... by which the exposure came, this element at the end of its nearest component's path; at most 101 ids, a longer way goes on with the path of its first id"`
	Crosses      []model.ElementID   `json:"crosses,omitempty" doc:"Zones that a flow enters or leaves, and curves"`
	Value        *model.CIA          `json:"value,omitempty" doc:"Highest of the assets stored, processed or carried; absent without an asset"`
	Threats      int                 `json:"threats,omitempty" doc:"Open ones at this element"`
	Band         risk.Band           `json:"band,omitempty" enum:"low,medium,high,critical,unrated" doc:"Of current; absent without an open threat"`
	Current      int                 `json:"current,omitempty" doc:"Highest current rating of an open threat"`
	Verified     int                 `json:"verified,omitempty" doc:"Highest verified rating of an open threat"`
	Measures     map[model.State]int `json:"countermeasures,omitempty" doc:"Countermeasures at this element by state"`
}

// pathFlows bounds the flows of a path, which keeps the facts of a long chain of
// components from growing with its square.
const pathFlows = 50

// facts works out the facts of everything drawn.
func facts(m *model.Model, ratings risk.Ratings, climb float64) Facts {
	d := model.Derive(m, climb)
	all := make(Facts, len(m.Components)+len(m.Flows)+len(m.Zones)+len(m.Curves))
	measures := map[model.ElementID]map[model.State]int{}
	for i := range m.Countermeasures {
		if c := &m.Countermeasures[i]; c.Retired == nil {
			if measures[c.Where] == nil {
				measures[c.Where] = map[model.State]int{}
			}
			measures[c.Where][c.State]++
		}
	}
	add := func(id model.ElementID, zone model.ElementID, crosses []model.ElementID) {
		s := d.At(id)
		f := ElementFacts{
			Zone: zone, Trust: int(s.Trust), TrustGuess: s.TrustGuess, Exposure: risk.Exact{Current: s.Exposure}.Rounded().Current,
			ExposurePath: d.ExposurePath(id, pathFlows), Crosses: crosses, Measures: measures[id],
		}
		if s.ValueSource == model.FromAssets {
			f.Value = &s.Value
		}
		all[id] = f
	}
	for i := range m.Zones {
		add(m.Zones[i].ID, m.Zones[i].Parent, nil)
	}
	for i := range m.Components {
		add(m.Components[i].ID, m.Components[i].Zone, nil)
	}
	for i := range m.Flows {
		add(m.Flows[i].ID, "", d.Crossed(&m.Flows[i]))
	}
	for i := range m.Curves {
		add(m.Curves[i].ID, "", nil)
	}
	for i := range ratings.Threats {
		r := &ratings.Threats[i]
		f, drawn := all[r.Where]
		if !drawn || r.Standing != risk.StandsOpen {
			continue
		}
		f.Threats++
		if f.Band == "" || f.Band == risk.Unrated && r.Band != risk.Unrated || r.Current > f.Current {
			f.Band, f.Current = r.Band, r.Current
		}
		f.Verified = max(f.Verified, r.Verified)
		all[r.Where] = f
	}
	return all
}

// differing returns the facts that were not the same before.
func (f Facts) differing(before Facts) Facts {
	out := Facts{}
	for id, now := range f {
		if was, ok := before[id]; !ok || !reflect.DeepEqual(was, now) {
			out[id] = now
		}
	}
	return out
}

// Drawing shows one diagram of a product; the first where none is asked for.
func (a *App) Drawing(ctx context.Context, c Caller, product model.ProductID, diagram model.DiagramID) (Drawing, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (Drawing, error) {
		m, versions, err := tx.ReadModel(product)
		if err != nil {
			return Drawing{}, err
		}
		shown, in, err := choose(m, diagram)
		if err != nil {
			return Drawing{}, err
		}
		stands, _, err := a.standing(tx, m, a.Now())
		if err != nil {
			return Drawing{}, err
		}
		d := Drawing{
			Version: versions.Product, Diagrams: keep(m.Diagrams, func(*model.Diagram) bool { return true }), Diagram: shown,
			Zones: keep(m.Zones, func(z *model.Zone) bool { return in(z.Diagram) }), Comps: keep(m.Components, func(c *model.Component) bool { return in(c.Diagram) }),
			Flows: keep(m.Flows, func(f *model.Flow) bool { return in(f.Diagram) }), Curves: keep(m.Curves, func(c *model.Curve) bool { return in(c.Diagram) }),
			Texts: keep(m.Texts, func(t *model.TextBlock) bool { return in(t.Diagram) }), Assets: keep(m.Assets, func(*model.Asset) bool { return true }),
			Facts: factsOf(m, stands.facts(), in),
		}
		d.Versions = make(map[string]int64, len(versions.Objects))
		for i := range d.Diagrams {
			d.version(versions, KindDiagrams, string(d.Diagrams[i].ID))
		}
		for i := range d.Zones {
			d.version(versions, KindZones, string(d.Zones[i].ID))
		}
		for i := range d.Comps {
			d.version(versions, KindComponents, string(d.Comps[i].ID))
		}
		for i := range d.Flows {
			d.version(versions, KindFlows, string(d.Flows[i].ID))
		}
		for i := range d.Curves {
			d.version(versions, KindCurves, string(d.Curves[i].ID))
		}
		for i := range d.Texts {
			d.version(versions, KindTexts, string(d.Texts[i].ID))
		}
		for i := range d.Assets {
			d.version(versions, KindAssets, string(d.Assets[i].ID))
		}
		return d, nil
	})
}

func (d *Drawing) version(versions store.Versions, kind ElementKind, id string) {
	d.Versions[kind.label(id)] = versions.Of(kind.stored(), id)
}

// DrawingFacts shows what follows from a diagram; the first where none is asked for.
func (a *App) DrawingFacts(ctx context.Context, c Caller, product model.ProductID, diagram model.DiagramID) (DrawingFacts, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (DrawingFacts, error) {
		m, versions, err := tx.ReadModel(product)
		if err != nil {
			return DrawingFacts{}, err
		}
		shown, in, err := choose(m, diagram)
		if err != nil {
			return DrawingFacts{}, err
		}
		stands, _, err := a.standing(tx, m, a.Now())
		if err != nil {
			return DrawingFacts{}, err
		}
		return DrawingFacts{Version: versions.Product, Diagram: shown, Facts: factsOf(m, stands.facts(), in)}, nil
	})
}

// factsOf returns the facts of the elements of the chosen diagram.
func factsOf(m *model.Model, all Facts, in func(model.DiagramID) bool) Facts {
	out := make(Facts, len(all))
	add := func(diagram model.DiagramID, id model.ElementID) {
		if in(diagram) {
			out[id] = all[id]
		}
	}
	for i := range m.Zones {
		add(m.Zones[i].Diagram, m.Zones[i].ID)
	}
	for i := range m.Components {
		add(m.Components[i].Diagram, m.Components[i].ID)
	}
	for i := range m.Flows {
		add(m.Flows[i].Diagram, m.Flows[i].ID)
	}
	for i := range m.Curves {
		add(m.Curves[i].Diagram, m.Curves[i].ID)
	}
	return out
}

// choose returns the diagram to be shown, nil for none, and tells what is drawn
// in it: what names no diagram, as in a file written by hand, is with the first.
func choose(m *model.Model, asked model.DiagramID) (shown *model.DiagramID, in func(model.DiagramID) bool, err error) {
	if len(m.Diagrams) == 0 {
		if asked != "" {
			return nil, nil, notFound("diagram", string(asked))
		}
		return nil, func(d model.DiagramID) bool { return d == "" }, nil
	}
	first := m.Diagrams[0].ID
	for i := range m.Diagrams {
		if id := m.Diagrams[i].ID; id == asked || asked == "" {
			return &id, func(d model.DiagramID) bool { return d == id || d == "" && id == first }, nil
		}
	}
	return nil, nil, notFound("diagram", string(asked))
}

// keep returns what is wanted of a list; never nil.
func keep[T any](list []T, wanted func(*T) bool) []T {
	out := make([]T, 0, len(list))
	for i := range list {
		if wanted(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}

// stored is the kind as the store names it.
func (k ElementKind) stored() string { return string(k[:max(len(k)-1, 0)]) }

// label names an element among all that a drawing lists: the ids of elements are
// unique among each other, those of diagrams and assets stand apart.
func (k ElementKind) label(id string) string {
	if k == KindDiagrams || k == KindAssets {
		return string(k) + "/" + id
	}
	return id
}
