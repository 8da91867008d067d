package otm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// Write returns the model as an Open Threat Model 0.2.0 in JSON, always the same
// bytes for the same model, and notes on what other tools will not find in it:
// only Threatloop reads the attributes under "threatloop.".
func Write(m *model.Model) ([]byte, []imported.Note, error) {
	w := &writer{
		parent: map[model.ElementID]model.ElementID{}, corners: map[spot]model.Point{},
		m: m, zones: map[model.ElementID]*model.Zone{}, parts: map[model.ElementID]*model.Component{},
		flaws: map[model.WeaknessID]*model.Weakness{}, counters: map[model.CountermeasureID]*model.Countermeasure{},
		ids: map[string]bool{}, at: map[model.ElementID][]*model.Threat{}, linked: map[model.ThreatID][]*model.Link{},
		threatID: map[model.ThreatID]string{}, cureID: map[model.CountermeasureID]string{}, reduction: map[model.CountermeasureID]float64{}, where: map[model.ThreatID]model.ElementID{},
		places:  map[model.ElementID]bool{},
		complex: map[model.CountermeasureID]bool{}, named: map[model.CountermeasureID]bool{}, outside: map[int]bool{}, ends: map[model.ElementID]bool{},
	}
	w.index()
	root := w.root()
	var b bytes.Buffer
	var flat bytes.Buffer
	root.write(&flat)
	if err := json.Indent(&b, flat.Bytes(), "", "  "); err != nil {
		return nil, nil, fmt.Errorf("otm: write the model %s: %w", m.Product.ID, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), w.notes(), nil
}

type writer struct {
	m         *model.Model
	zones     map[model.ElementID]*model.Zone
	parts     map[model.ElementID]*model.Component
	flaws     map[model.WeaknessID]*model.Weakness
	counters  map[model.CountermeasureID]*model.Countermeasure
	ids       map[string]bool // of threats, with "t", and of mitigations, with "m"
	at        map[model.ElementID][]*model.Threat
	linked    map[model.ThreatID][]*model.Link
	threatID  map[model.ThreatID]string
	cureID    map[model.CountermeasureID]string
	where     map[model.ThreatID]model.ElementID
	reduction map[model.CountermeasureID]float64
	complex   map[model.CountermeasureID]bool     // its links need our own words
	named     map[model.CountermeasureID]bool     // a threat of the file names it
	parent    map[model.ElementID]model.ElementID // the components around elements
	corners   map[spot]model.Point
	places    map[model.ElementID]bool // that name their threats in the file
	outside   map[int]bool             // trust of zones made for components outside every zone
	ends      map[model.ElementID]bool // zones that a flow ends at
	loose     []model.Flow

	interleaved bool // a loose flow comes before one that joins components
}

func (w *writer) index() {
	m := w.m
	for i := range m.Zones {
		w.zones[m.Zones[i].ID] = &m.Zones[i]
	}
	for i := range m.Components {
		w.parts[m.Components[i].ID] = &m.Components[i]
	}
	w.findParents()
	for id := range w.zones {
		w.places[id] = true
	}
	for id := range w.parts {
		w.places[id] = true
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		w.places[f.ID] = w.joins(f)
	}
	for i := range m.Weaknesses {
		w.flaws[m.Weaknesses[i].ID] = &m.Weaknesses[i]
	}
	for i := range m.Countermeasures {
		w.counters[m.Countermeasures[i].ID] = &m.Countermeasures[i]
	}
	for i := range m.Threats {
		t := &m.Threats[i]
		w.where[t.ID] = t.Where
		w.at[t.Where] = append(w.at[t.Where], t)
		w.threatID[t.ID] = w.id("t", t.Ref, t.Where, string(t.ID))
	}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		w.cureID[c.ID] = w.id("m", c.Ref, c.Where, string(c.ID))
	}
	for i := range m.Links {
		l := &m.Links[i]
		w.linked[l.Threat] = append(w.linked[l.Threat], l)
		if l.Countermeasure != "" {
			if before, ok := w.reduction[l.Countermeasure]; ok && before != l.Share {
				w.complex[l.Countermeasure] = true
			}
			w.reduction[l.Countermeasure] = max(w.reduction[l.Countermeasure], l.Share)
			if l.Weakness != "" || l.Origin != model.ByImport || len(l.Sets) > 0 || l.Retired != nil {
				w.complex[l.Countermeasure] = true
			}
		}
	}
}

// id returns the id under which a threat or mitigation is written: the one it
// came with from an OTM file, with its place where another has it already; else ours.
func (w *writer) id(space, ref string, where model.ElementID, otherwise string) string {
	id := otherwise
	if own, ok := strings.CutPrefix(ref, Key+"/"); ok {
		id = own
	}
	for _, candidate := range []string{id, id + "@" + string(where), otherwise} {
		if !w.ids[space+candidate] {
			id = candidate
			break
		}
	}
	for n := 2; w.ids[space+id]; n++ {
		id = fmt.Sprintf("%s-%d", otherwise, n)
	}
	w.ids[space+id] = true
	return id
}

// kept returns what an object had from an OTM file beside the model.
func kept(e model.Extra) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if raw := e[Key]; len(raw) > 0 && json.Unmarshal(raw, &fields) == nil {
		return fields
	}
	return nil
}

// out is an object that is being written.
type out struct {
	members []field
}

type field struct {
	key string
	raw json.RawMessage
}

func (o *out) set(key string, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return // a model holds nothing that JSON cannot hold
	}
	o.members = append(o.members, field{key, bytes.TrimSpace(b.Bytes())})
}

// text sets a text that is not empty.
func (o *out) text(key, s string) {
	if s != "" {
		o.set(key, s)
	}
}

// rest sets what was kept and is not there yet, by name, and the attributes last.
func (o *out) rest(kept map[string]json.RawMessage, own map[string]string) {
	have := map[string]bool{"attributes": true}
	for _, f := range o.members {
		have[f.key] = true
	}
	for _, k := range slices.Sorted(maps.Keys(kept)) {
		if !have[k] {
			o.members = append(o.members, field{k, kept[k]})
		}
	}
	o.attributes(kept["attributes"], own)
}

func (o *out) attributes(kept json.RawMessage, own map[string]string) {
	var fields map[string]json.RawMessage
	if len(kept) > 0 {
		_ = json.Unmarshal(kept, &fields) // what is no mapping has no attributes
	}
	a := &out{}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		a.members = append(a.members, field{k, fields[k]})
	}
	for _, k := range slices.Sorted(maps.Keys(own)) {
		a.set(k, own[k])
	}
	if len(a.members) > 0 {
		o.members = append(o.members, field{"attributes", a.raw()})
	}
}

func (o *out) raw() json.RawMessage {
	var b bytes.Buffer
	o.write(&b)
	return b.Bytes()
}

func (o *out) write(b *bytes.Buffer) {
	b.WriteByte('{')
	for i, f := range o.members {
		if i > 0 {
			b.WriteByte(',')
		}
		quote(b, f.key)
		b.WriteByte(':')
		b.Write(f.raw)
	}
	b.WriteByte('}')
}

func joined(all []json.RawMessage) json.RawMessage {
	b := []byte{'['}
	for i, raw := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, raw...)
	}
	return append(b, ']')
}

func (w *writer) root() *out {
	m := w.m
	root := &out{}
	top := kept(m.Extra)
	var assets, zones, parts, flows, threats, cures []json.RawMessage
	for i := range m.Assets {
		assets = append(assets, asset(&m.Assets[i]))
	}
	for i := range m.Zones {
		zones = append(zones, w.zone(&m.Zones[i]))
	}
	for i := range m.Components {
		parts = append(parts, w.component(&m.Components[i]))
	}
	for _, t := range slices.Sorted(maps.Keys(w.outside)) {
		zones = append(zones, outsideZone(t))
	}
	for i := range m.Flows {
		if f := &m.Flows[i]; w.joins(f) {
			flows = append(flows, w.flow(f))
			w.interleaved = w.interleaved || len(w.loose) > 0
		} else {
			w.loose = append(w.loose, *f)
		}
	}
	for i := range m.Zones {
		if z := &m.Zones[i]; w.ends[z.ID] {
			parts = append(parts, endPart(z))
		}
	}
	for i := range m.Threats {
		threats = append(threats, w.threat(&m.Threats[i]))
	}
	for i := range m.Countermeasures {
		cures = append(cures, w.mitigation(&m.Countermeasures[i]))
	}
	root.set("otmVersion", Version)
	root.members = append(root.members, field{"project", w.project()})
	root.members = append(root.members, field{"representations", w.representations(top["representations"])})
	for _, l := range []struct {
		key string
		all []json.RawMessage
	}{{"assets", assets}, {"trustZones", zones}, {"components", parts}, {"dataflows", flows}, {"threats", threats}, {"mitigations", cures}} {
		root.members = append(root.members, field{l.key, joined(l.all)})
	}
	delete(top, "representations")
	for _, k := range slices.Sorted(maps.Keys(top)) {
		if k != "otmVersion" && k != "project" && !isOneOf(k, lists) {
			root.members = append(root.members, field{k, top[k]})
		}
	}
	return root
}

func (w *writer) project() json.RawMessage {
	m, p := w.m, &w.m.Product
	o := &out{}
	o.set("name", p.Name)
	o.set("id", string(p.ID))
	o.text("description", p.Description)
	o.text("owner", p.Owner)
	if len(p.Tags) > 0 {
		o.set("tags", p.Tags)
	}
	own := rest(p, p.Extra, "id", "name", "description", "owner", "tags")
	own[prefix+"format"] = "1"
	var order []model.ElementID
	if w.interleaved {
		for i := range m.Flows {
			order = append(order, m.Flows[i].ID)
		}
	}
	all := ownModel{Answers: m.Answers, Curves: m.Curves, Texts: m.Texts, Flows: w.loose, FlowOrder: order, Weaknesses: w.ownWeaknesses(), Links: w.ownLinks()}
	maps.Copy(own, rest(all, nil))
	others := model.Extra{}
	for k, v := range m.Extra {
		if k != Key {
			others[k] = v
		}
	}
	if len(others) > 0 {
		if raw, err := json.Marshal(others); err == nil {
			own[prefix+"model_extra"] = string(raw)
		}
	}
	o.rest(kept(p.Extra), own)
	return o.raw()
}

// ownWeaknesses are those that are not what a reader makes of a threat's CWEs.
func (w *writer) ownWeaknesses() []model.Weakness {
	told := map[model.WeaknessID]bool{}
	for i := range w.m.Links {
		if l := &w.m.Links[i]; w.derived(l) {
			told[l.Weakness] = true
		}
	}
	var list []model.Weakness
	for i := range w.m.Weaknesses {
		if f := &w.m.Weaknesses[i]; !told[f.ID] || !w.plainCWE(f) {
			list = append(list, *f)
		}
	}
	return list
}

func (w *writer) plainCWE(f *model.Weakness) bool {
	if f.CWE <= 0 {
		return false
	}
	a, errA := json.Marshal(f)
	b, errB := json.Marshal(reading.CWE(w.m.Product.ID, f.Where, f.CWE))
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// derived reports whether a reader makes the link of a threat's CWEs.
func (w *writer) derived(l *model.Link) bool {
	f := w.flaws[l.Weakness]
	if f == nil || l.Countermeasure != "" || l.Share != 0 || l.Origin != model.ByImport || len(l.Sets) > 0 || l.Retired != nil || !w.plainCWE(f) {
		return false
	}
	for _, other := range w.linked[l.Threat] { // the same CWE by another of the threat's weaknesses hides it
		if g := w.flaws[other.Weakness]; g != nil && g.CWE == f.CWE && (g != f || other.Countermeasure != "") {
			return false
		}
	}
	return w.where[l.Threat] == f.Where
}

func (w *writer) ownLinks() []model.Link {
	var list []model.Link
	for i := range w.m.Links {
		l := &w.m.Links[i]
		if l.Countermeasure != "" && (w.complex[l.Countermeasure] || !w.places[w.where[l.Threat]]) || l.Countermeasure == "" && !w.derived(l) {
			list = append(list, *l)
		}
	}
	return list
}

func (w *writer) representations(others json.RawMessage) json.RawMessage {
	var all []json.RawMessage
	for i := range w.m.Diagrams {
		d := &w.m.Diagrams[i]
		o := &out{}
		o.set("name", d.Title)
		o.set("id", string(d.ID))
		o.set("type", "diagram")
		o.text("description", d.Description)
		left := kept(d.Extra)
		if left["size"] == nil {
			width, height := w.extent(d.ID)
			o.set("size", map[string]float64{"width": width, "height": height})
		}
		own := rest(d, d.Extra, "id", "title", "description")
		if left["size"] == nil {
			own[prefix+"size"] = "computed"
		}
		o.rest(left, own)
		all = append(all, o.raw())
	}
	var more []json.RawMessage
	if len(others) > 0 && json.Unmarshal(others, &more) == nil {
		all = append(all, more...)
	}
	return joined(all)
}

// extent is the size of a diagram: its furthest element and a margin, at least 1000.
func (w *writer) extent(id model.DiagramID) (width, height float64) {
	width, height = 1000, 1000
	grow := func(d model.DiagramID, b *model.Box) {
		if d == id && b != nil {
			width, height = max(width, math.Ceil(b.X+b.W+100)), max(height, math.Ceil(b.Y+b.H+100))
		}
	}
	for i := range w.m.Zones {
		grow(w.m.Zones[i].Diagram, w.m.Zones[i].Box)
	}
	for i := range w.m.Components {
		grow(w.m.Components[i].Diagram, w.m.Components[i].Box)
	}
	return width, height
}

func asset(a *model.Asset) json.RawMessage {
	o := &out{}
	o.set("name", a.Name)
	o.set("id", string(a.ID))
	o.text("description", a.Description)
	left := kept(a.Extra)
	risk := &out{}
	risk.set("confidentiality", a.Value.Confidentiality)
	risk.set("integrity", a.Value.Integrity)
	risk.set("availability", a.Value.Availability)
	risk.merge(left["risk"])
	o.members = append(o.members, field{"risk", risk.raw()})
	o.rest(left, rest(a, a.Extra, "id", "name", "description", "value"))
	return o.raw()
}

// merge adds the members of a kept object that are not there yet.
func (o *out) merge(raw json.RawMessage) {
	var fields map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &fields) != nil {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		if !slices.ContainsFunc(o.members, func(f field) bool { return f.key == k }) {
			o.members = append(o.members, field{k, fields[k]})
		}
	}
}

// notes says what other tools will not find.
func (w *writer) notes() []imported.Note {
	i := &imported.Import{}
	for _, n := range []struct {
		n    int
		text string
	}{
		{len(w.loose), "flows have a loose end and stand in the project's attributes"},
		{len(w.m.Curves), "boundary curves stand in the project's attributes"},
		{len(w.m.Texts), "texts stand in the project's attributes"},
		{len(w.m.Answers), "answers to the questionnaire stand in the project's attributes"},
	} {
		if n.n > 0 {
			i.Add(imported.Kept, "file", "%d %s, where only Threatloop reads them", n.n, n.text)
		}
	}
	if len(w.outside) > 0 {
		i.Add(imported.Info, "file", "a component of OTM needs a parent: trust zones named %q stand around those outside every trust zone", outsideName)
	}
	if len(w.ends) > 0 {
		i.Add(imported.Info, "file", "a data flow of OTM joins components: %s for trust zones that flows end at", reading.Plural(len(w.ends), "component stands in", "components stand in"))
	}
	return i.Notes
}
