package model

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
)

// Validate checks the invariants of the package comment. The error is a
// fault.Invalid with one field per violation, at most 50, in a fixed order.
func Validate(m *Model) error {
	v := validator{err: fault.New(fault.Invalid, "model.invalid", "the model is not consistent")}
	v.product(m)
	elements := v.elements(m)
	v.assets(m)
	v.risks(m, elements)
	if len(v.err.Fields) == 0 {
		return nil
	}
	return v.err
}

type validator struct{ err *fault.Error }

func (v *validator) add(where, format string, args ...any) {
	if len(v.err.Fields) < 50 {
		v.err.With(where, format, args...)
	}
}

func (v *validator) percent(where, name string, n float64) {
	if !inPercent(n) {
		v.add(where, "%s is %g, expected 0 to 100", name, n)
	}
}

func inPercent(n float64) bool { return n >= 0 && n <= 100 }

func (v *validator) cia(where, name string, c CIA) {
	v.percent(where, name+".confidentiality", float64(c.Confidentiality))
	v.percent(where, name+".integrity", float64(c.Integrity))
	v.percent(where, name+".availability", float64(c.Availability))
}

func (c CIA) inPercent() bool {
	return inPercent(float64(c.Confidentiality)) && inPercent(float64(c.Integrity)) && inPercent(float64(c.Availability))
}

// unique notes an id. What is wrong is put into words only then: most models are right.
func unique[K ~string](v *validator, seen map[K]bool, kind string, id K) {
	if id == "" {
		v.add(kind, "has no id")
		return
	}
	if seen[id] {
		v.add(kind+" "+string(id), "id is used twice")
	}
	seen[id] = true
}

func (v *validator) product(m *Model) {
	p := &m.Product
	if p.Value != nil {
		v.cia("product", "value", *p.Value)
	}
	if p.Exposure != nil {
		v.percent("product", "exposure", float64(*p.Exposure))
	}
	if p.Tolerance != nil {
		v.percent("product", "tolerance", *p.Tolerance)
	}
	if p.Method != "" && p.Method != "threatloop" && p.Method != "iriusrisk" {
		v.add("product", "method is %q, expected threatloop or iriusrisk", p.Method)
	}
	standards := map[string]bool{}
	for _, s := range p.Standards {
		ref, _, ok := ParseStandard(s)
		if !ok {
			v.add("product", "standard %q is not of the form standard or standard:level, such as asvs-5.0:2", s)
		} else if standards[ref] {
			v.add("product", "standard %q is applied twice", ref)
		}
		standards[ref] = true
	}
	seen := map[string]bool{}
	for _, a := range m.Answers {
		unique(v, seen, "answer", a.Question)
	}
}

// elements checks what is drawn and returns the places that threats may stand at.
func (v *validator) elements(m *Model) map[ElementID]bool {
	diagrams := map[DiagramID]bool{}
	for _, d := range m.Diagrams {
		unique(v, diagrams, "diagram", d.ID)
	}
	inDiagram := func(where string, d DiagramID) {
		if d != "" && !diagrams[d] {
			v.add(where, "diagram %q does not exist", d)
		}
	}
	seen := map[ElementID]bool{AtProduct: true}
	places := map[ElementID]bool{AtProduct: true}
	zones := map[ElementID]ElementID{}
	for _, z := range m.Zones {
		unique(v, seen, "zone", z.ID)
		inDiagram("zone "+string(z.ID), z.Diagram)
		v.percent("zone "+string(z.ID), "trust", float64(z.Trust))
		zones[z.ID] = z.Parent
		places[z.ID] = true
	}
	endless := endlessZones(zones)
	for _, z := range m.Zones {
		if _, ok := zones[z.Parent]; z.Parent != "" && !ok {
			v.add("zone "+string(z.ID), "parent %q is not a zone", z.Parent)
		}
		if endless[z.ID] {
			v.add("zone "+string(z.ID), "contains itself")
		}
	}
	for i := range m.Components {
		c := &m.Components[i]
		where := "component " + string(c.ID)
		unique(v, seen, "component", c.ID)
		inDiagram(where, c.Diagram)
		if c.Kind != Actor && c.Kind != Process && c.Kind != Store {
			v.add(where, "kind is %q, expected actor, process or store", c.Kind)
		}
		if _, ok := zones[c.Zone]; c.Zone != "" && !ok {
			v.add(where, "zone %q is not a zone", c.Zone)
		}
		if c.Trust != nil {
			v.percent(where, "trust", float64(*c.Trust))
		}
		places[c.ID] = true
	}
	for i := range m.Curves {
		unique(v, seen, "curve", m.Curves[i].ID)
		inDiagram("curve "+string(m.Curves[i].ID), m.Curves[i].Diagram)
		places[m.Curves[i].ID] = true
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		where := "flow " + string(f.ID)
		unique(v, seen, "flow", f.ID)
		inDiagram(where, f.Diagram)
		for _, end := range []ElementID{f.From, f.To} {
			if end != "" && (!places[end] || end == AtProduct) {
				v.add(where, "end %q is not a component", end)
			}
		}
	}
	for i := range m.Flows {
		places[m.Flows[i].ID] = true
	}
	for i := range m.Texts {
		unique(v, seen, "text", m.Texts[i].ID)
		places[m.Texts[i].ID] = true
	}
	return places
}

// endlessZones returns the zones whose chain of parents never ends, in linear time.
func endlessZones(parents map[ElementID]ElementID) map[ElementID]bool {
	endless, done := map[ElementID]bool{}, map[ElementID]bool{"": true}
	for start := range parents {
		var path []ElementID
		on := map[ElementID]bool{}
		at := start
		for !done[at] && !on[at] {
			on[at] = true
			path = append(path, at)
			at = parents[at] // "" for a parent that does not exist
		}
		for _, id := range path {
			done[id] = true
			if on[at] || endless[at] {
				endless[id] = true
			}
		}
	}
	return endless
}

func (v *validator) assets(m *Model) {
	assets := map[AssetID]bool{}
	for _, a := range m.Assets {
		unique(v, assets, "asset", a.ID)
		v.cia("asset "+string(a.ID), "value", a.Value)
	}
	known := func(where string, lists ...[]AssetID) {
		for _, list := range lists {
			for _, id := range list {
				if !assets[id] {
					v.add(where, "asset %q does not exist", id)
				}
			}
		}
	}
	for i := range m.Components {
		known("component "+string(m.Components[i].ID), m.Components[i].Stores, m.Components[i].Processes)
	}
	for i := range m.Flows {
		known("flow "+string(m.Flows[i].ID), m.Flows[i].Carries)
	}
}

func (v *validator) risks(m *Model, places map[ElementID]bool) {
	at := func(kind, id string, where ElementID) {
		if !places[where] {
			v.add(kind+" "+id, "place %q does not exist", where)
		}
	}
	threats := make(map[ThreatID]bool, len(m.Threats))
	for i := range m.Threats {
		t := &m.Threats[i]
		unique(v, threats, "threat", t.ID)
		if t.Retired == nil {
			at("threat", string(t.ID), t.Where)
		}
		if !t.Impact.inPercent() || !inPercent(float64(t.Ease)) {
			v.cia("threat "+string(t.ID), "impact", t.Impact)
			v.percent("threat "+string(t.ID), "ease", float64(t.Ease))
		}
		if t.Inherent != nil {
			v.percent("threat "+string(t.ID), "inherent", *t.Inherent)
		}
		switch t.Status {
		case Open, Mitigated, NotApplicable, Accepted, Transferred, Avoided, Eliminated:
		default:
			v.add("threat "+string(t.ID), "status is %q, expected open, mitigated, not_applicable, accepted, transferred, avoided or eliminated", t.Status)
		}
	}
	weaknesses := make(map[WeaknessID]bool, len(m.Weaknesses))
	for i := range m.Weaknesses {
		w := &m.Weaknesses[i]
		unique(v, weaknesses, "weakness", w.ID)
		if w.Retired == nil {
			at("weakness", string(w.ID), w.Where)
		}
		if !inPercent(float64(w.Impact)) {
			v.percent("weakness "+string(w.ID), "impact", float64(w.Impact))
		}
	}
	countermeasures := make(map[CountermeasureID]bool, len(m.Countermeasures))
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		unique(v, countermeasures, "countermeasure", c.ID)
		if c.Retired == nil {
			at("countermeasure", string(c.ID), c.Where)
		}
		switch c.State {
		case Recommended, Required, Implemented, Rejected, StateNotApplicable:
		default:
			v.add("countermeasure "+string(c.ID), "state is %q, expected recommended, required, implemented, rejected or not_applicable", c.State)
		}
	}
	for i := range m.Links {
		l := &m.Links[i]
		if i == 0 || CompareLinks(m.Links[i-1], *l) < 0 {
			continue
		}
		v.linksOnce(m) // in another order than that of ids, or twice
		break
	}
	for i := range m.Links {
		l := &m.Links[i]
		where := func() string { return fmt.Sprintf("link %s/%s/%s", l.Threat, l.Weakness, l.Countermeasure) }
		if !threats[l.Threat] {
			v.add(where(), "threat does not exist")
		}
		if l.Weakness != "" && !weaknesses[l.Weakness] {
			v.add(where(), "weakness does not exist")
		}
		if l.Countermeasure != "" && !countermeasures[l.Countermeasure] {
			v.add(where(), "countermeasure does not exist")
		}
		if l.Weakness == "" && l.Countermeasure == "" {
			v.add(where(), "names neither a weakness nor a countermeasure")
		}
		if !inPercent(l.Share) {
			v.percent(where(), "share", l.Share)
		}
	}
}

// linksOnce refuses links that are there twice.
func (v *validator) linksOnce(m *Model) {
	type ends struct {
		threat         ThreatID
		weakness       WeaknessID
		countermeasure CountermeasureID
	}
	seen := make(map[ends]bool, len(m.Links))
	for i := range m.Links {
		l := &m.Links[i]
		e := ends{l.Threat, l.Weakness, l.Countermeasure}
		if seen[e] {
			v.add(fmt.Sprintf("link %s/%s/%s", l.Threat, l.Weakness, l.Countermeasure), "is there twice")
		}
		seen[e] = true
	}
}

// Sort brings every list whose order has no meaning into the order of its ids.
// The order of what is drawn (zones, components, flows, curves, texts, diagrams) is kept.
// A list that is in order is not written to.
func Sort(m *Model) {
	sortList(m.Answers, compareAnswers)
	sortList(m.Assets, compareAssets)
	sortList(m.Threats, compareThreats)
	sortList(m.Weaknesses, compareWeaknesses)
	sortList(m.Countermeasures, compareCountermeasures)
	sortList(m.Links, CompareLinks)
}

// Sorted returns the model as Sort would leave it, and does not change m. Lists that are in order already are shared with m.
func Sorted(m *Model) *Model {
	out := *m
	out.Answers = sortedList(m.Answers, compareAnswers)
	out.Assets = sortedList(m.Assets, compareAssets)
	out.Threats = sortedList(m.Threats, compareThreats)
	out.Weaknesses = sortedList(m.Weaknesses, compareWeaknesses)
	out.Countermeasures = sortedList(m.Countermeasures, compareCountermeasures)
	out.Links = sortedList(m.Links, CompareLinks)
	return &out
}

func compareAnswers(a, b Answer) int                 { return cmp.Compare(a.Question, b.Question) }
func compareAssets(a, b Asset) int                   { return cmp.Compare(a.ID, b.ID) }
func compareThreats(a, b Threat) int                 { return cmp.Compare(a.ID, b.ID) }
func compareWeaknesses(a, b Weakness) int            { return cmp.Compare(a.ID, b.ID) }
func compareCountermeasures(a, b Countermeasure) int { return cmp.Compare(a.ID, b.ID) }

func sortedList[T any](list []T, compare func(a, b T) int) []T {
	if slices.IsSortedFunc(list, compare) {
		return list
	}
	list = slices.Clone(list)
	slices.SortFunc(list, compare)
	return list
}

func sortList[T any](list []T, compare func(a, b T) int) {
	if !slices.IsSortedFunc(list, compare) {
		slices.SortFunc(list, compare)
	}
}

// CompareLinks orders links by threat, weakness and countermeasure.
func CompareLinks(a, b Link) int {
	return cmp.Or(cmp.Compare(a.Threat, b.Threat), cmp.Compare(a.Weakness, b.Weakness), cmp.Compare(a.Countermeasure, b.Countermeasure))
}
