package otm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

const outsideName = "Outside every trust zone"

// outsideZone is a zone around components that stand in none.
func outsideZone(trust int) json.RawMessage {
	o := &out{}
	o.set("id", fmt.Sprint(outsideID, trust))
	o.set("name", outsideName)
	o.set("risk", map[string]int{"trustRating": trust})
	o.attributes(nil, map[string]string{prefix + "outside": "true"})
	return o.raw()
}

// joins reports whether both ends of a flow are somewhere: in OTM it joins two
// components, and a zone has one that stands for it.
func (w *writer) joins(f *model.Flow) bool {
	return (w.parts[f.From] != nil || w.zones[f.From] != nil) && (w.parts[f.To] != nil || w.zones[f.To] != nil)
}

// end is the component that a flow of OTM ends at, and its diagram.
func (w *writer) end(id model.ElementID) (string, model.DiagramID) {
	if c := w.parts[id]; c != nil {
		return string(id), c.Diagram
	}
	w.ends[id] = true
	return endID + string(id), w.zones[id].Diagram
}

// endPart is a component that stands for a zone that flows end at.
func endPart(z *model.Zone) json.RawMessage {
	o := &out{}
	o.set("id", endID+string(z.ID))
	o.set("name", z.Name)
	o.set("type", "generic")
	o.set("parent", map[string]string{"trustZone": string(z.ID)})
	if z.Box != nil {
		rep := &out{}
		rep.set("representation", string(z.Diagram))
		rep.set("position", map[string]float64{"x": 10, "y": 30})
		rep.set("size", map[string]float64{"width": 80, "height": 30})
		rep.set("id", elementID(model.ElementID(endID)+z.ID))
		o.members = append(o.members, field{"representations", joined([]json.RawMessage{rep.raw()})})
	}
	o.attributes(nil, map[string]string{prefix + "end": string(z.ID)})
	return o.raw()
}

// findParents finds the components around elements, where an OTM file said one
// that still is in the same zone. What would contain itself has none.
func (w *writer) findParents() {
	find := func(extra model.Extra, self, zone model.ElementID) {
		var p struct {
			Component model.ElementID `json:"component"`
		}
		raw := kept(extra)["parent"]
		if len(raw) == 0 || json.Unmarshal(raw, &p) != nil || p.Component == self {
			return
		}
		if c := w.parts[p.Component]; c != nil && c.Zone == zone {
			w.parent[self] = p.Component
		}
	}
	for i := range w.m.Zones {
		find(w.m.Zones[i].Extra, w.m.Zones[i].ID, w.m.Zones[i].Parent)
	}
	for i := range w.m.Components {
		find(w.m.Components[i].Extra, w.m.Components[i].ID, w.m.Components[i].Zone)
	}
	done := map[model.ElementID]bool{"": true}
	for i := range w.m.Components {
		on := map[model.ElementID]bool{}
		at := w.m.Components[i].ID
		for ; !done[at]; at = w.parent[at] {
			if on[w.parent[at]] {
				delete(w.parent, at)
			}
			on[at] = true
		}
		for id := range on {
			done[id] = true
		}
	}
}

// place writes the parent, and the representation with the position relative to it.
func (w *writer) place(o *out, id, parentPart, zone model.ElementID, diagram model.DiagramID, box *model.Box, left map[string]json.RawMessage) {
	if diagram == "" {
		if raw := left["representations"]; len(raw) > 0 {
			o.members = append(o.members, field{"representations", raw})
		}
		return
	}
	rep := &out{}
	rep.set("representation", string(diagram))
	own := map[string]string{}
	if box != nil {
		x, y := w.corner(parentPart, zone, diagram)
		rep.set("position", map[string]json.Number{"x": difference(box.X, x), "y": difference(box.Y, y)})
		rep.set("size", map[string]float64{"width": box.W, "height": box.H})
		if box.Z != 0 {
			own[prefix+"z"] = fmt.Sprint(box.Z)
		}
	}
	var others []json.RawMessage
	_ = json.Unmarshal(left["representations"], &others) // what is no list has none
	all := []json.RawMessage{nil}
	merged := false
	for _, raw := range others {
		var m map[string]json.RawMessage
		if !merged && json.Unmarshal(raw, &m) == nil && text(m["representation"]) == string(diagram) && (box == nil || m["position"] == nil) && m["size"] == nil {
			merged = true
			attributes := m["attributes"]
			delete(m, "attributes")
			if raw, err := json.Marshal(m); err == nil {
				rep.merge(raw)
			}
			rep.attributes(attributes, own)
			continue
		}
		all = append(all, raw)
	}
	if !merged {
		rep.set("id", elementID(id))
		rep.attributes(nil, own)
	}
	all[0] = rep.raw()
	o.members = append(o.members, field{"representations", joined(all)})
}

func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// difference returns a number that, added to b, gives a again.
func difference(a, b float64) json.Number {
	d := a - b
	if b+d != a && d+b != a {
		d = math.Nextafter(d, math.Inf(1))
		if b+d != a {
			d = math.Nextafter(math.Nextafter(a-b, math.Inf(-1)), math.Inf(-1))
		}
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return "0" // no box of a valid drawing has such a place
	}
	return json.Number(raw)
}

// spot is an element in a diagram.
type spot struct {
	id      model.ElementID
	diagram model.DiagramID
}

// corner is where the positions inside a component or zone are counted from. It
// follows the parents as a reader does.
func (w *writer) corner(part, zone model.ElementID, d model.DiagramID) (x, y float64) {
	id := part
	if id == "" {
		id = zone
	}
	if id == "" {
		return 0, 0
	}
	at := spot{id, d}
	if p, ok := w.corners[at]; ok {
		return p.X, p.Y
	}
	if c := w.parts[id]; c != nil {
		if c.Box != nil && c.Diagram == d {
			return c.Box.X, c.Box.Y
		}
		x, y = w.corner(w.parent[id], c.Zone, d)
	} else if z := w.zones[id]; z != nil {
		if z.Box != nil && z.Diagram == d {
			return z.Box.X, z.Box.Y
		}
		x, y = w.corner(w.parent[id], z.Parent, d)
	}
	w.corners[at] = model.Point{X: x, Y: y}
	return x, y
}

func (w *writer) zone(z *model.Zone) json.RawMessage {
	left := kept(z.Extra)
	o := &out{}
	o.set("id", string(z.ID))
	o.set("name", z.Name)
	if raw := left["type"]; len(raw) > 0 {
		o.members = append(o.members, field{"type", raw})
	}
	o.text("description", z.Description)
	risk := &out{}
	risk.set("trustRating", z.Trust)
	risk.merge(left["risk"])
	o.members = append(o.members, field{"risk", risk.raw()})
	part := w.parent[z.ID]
	switch {
	case part != "":
		o.set("parent", map[string]string{"component": string(part)})
	case z.Parent != "":
		o.set("parent", map[string]string{"trustZone": string(z.Parent)})
	}
	w.place(o, z.ID, part, z.Parent, z.Diagram, z.Box, left)
	delete(left, "parent")
	o.threats(w, z.ID)
	o.rest(left, rest(z, z.Extra, "id", "name", "description", "trust", "parent", "box", "diagram"))
	return o.raw()
}

func (w *writer) component(c *model.Component) json.RawMessage {
	left := kept(c.Extra)
	o := &out{}
	o.set("id", string(c.ID))
	o.set("name", c.Name)
	if raw := left["type"]; len(raw) > 0 && raw[0] == '"' {
		o.members = append(o.members, field{"type", raw})
	} else {
		o.set("type", cmpOr(c.Type, string(c.Kind)))
	}
	o.text("description", c.Description)
	part := w.parent[c.ID]
	switch {
	case part != "":
		o.set("parent", map[string]string{"component": string(part)})
	case c.Zone != "":
		o.set("parent", map[string]string{"trustZone": string(c.Zone)})
	default:
		trust := 50
		if c.Kind == model.Actor {
			trust = 0
		}
		if c.Trust != nil {
			trust = *c.Trust
		}
		w.outside[trust] = true
		o.set("parent", map[string]string{"trustZone": fmt.Sprint(outsideID, trust)})
	}
	w.place(o, c.ID, part, c.Zone, c.Diagram, c.Box, left)
	delete(left, "parent")
	if len(c.Processes)+len(c.Stores) > 0 {
		o.set("assets", map[string][]model.AssetID{"processed": orEmpty(c.Processes), "stored": orEmpty(c.Stores)})
	}
	o.threats(w, c.ID)
	if len(c.Tags) > 0 {
		o.set("tags", c.Tags)
	}
	own := rest(c, c.Extra, "id", "name", "description", "zone", "box", "diagram", "tags", "stores", "processes")
	if text(left["type"]) == cmpOr(c.Type, string(c.Kind)) {
		own[prefix+"otm_type"] = "kept" // it is the file's own word, too
	}
	o.rest(left, own)
	return o.raw()
}

func orEmpty(list []model.AssetID) []model.AssetID {
	if list == nil {
		return []model.AssetID{}
	}
	return list
}

func (w *writer) flow(f *model.Flow) json.RawMessage {
	left := kept(f.Extra)
	o := &out{}
	o.set("id", string(f.ID))
	o.set("name", f.Name)
	o.text("description", f.Description)
	if f.Bidirectional {
		o.set("bidirectional", true)
	}
	from, told := w.end(f.From)
	to, there := w.end(f.To)
	o.set("source", from)
	o.set("destination", to)
	if len(f.Carries) > 0 {
		o.set("assets", f.Carries)
	}
	o.threats(w, f.ID)
	if len(f.Tags) > 0 {
		o.set("tags", f.Tags)
	}
	own := rest(f, f.Extra, "id", "name", "description", "bidirectional", "from", "to", "carries", "tags", "diagram")
	if told == "" {
		told = there
	}
	if told != f.Diagram {
		own[prefix+"diagram"] = string(f.Diagram)
	}
	if scoped := []byte("scope"); !f.OutOfScope && (bytes.Contains(bytes.ToLower(left["attributes"]), scoped) || bytes.Contains(bytes.ToLower(left["properties"]), scoped)) {
		own[prefix+"out_of_scope"] = "false" // whatever the words of the file's own attributes say
	}
	o.rest(left, own)
	return o.raw()
}

var statusWords = map[model.ThreatStatus]string{
	model.Open: "exposed", model.Mitigated: "mitigated", model.Accepted: "accepted", model.NotApplicable: "not-applicable",
	model.Transferred: "transferred", model.Avoided: "avoided", model.Eliminated: "eliminated",
}

var stateWords = map[model.State]string{
	model.Recommended: "recommended", model.Required: "required", model.Implemented: "implemented",
	model.Rejected: "rejected", model.StateNotApplicable: "not-applicable",
}

// threats writes the threats at an element, with their mitigations.
func (o *out) threats(w *writer, at model.ElementID) {
	var all []json.RawMessage
	for _, t := range w.at[at] {
		i := &out{}
		i.set("threat", w.threatID[t.ID])
		i.set("state", statusWords[t.Status])
		var cures []json.RawMessage
		seen := map[model.CountermeasureID]bool{}
		for _, l := range w.linked[t.ID] {
			c := w.counters[l.Countermeasure]
			if c == nil || seen[c.ID] {
				continue
			}
			seen[c.ID], w.named[c.ID] = true, true
			m := &out{}
			m.set("mitigation", w.cureID[c.ID])
			m.set("state", stateWords[c.State])
			cures = append(cures, m.raw())
		}
		if len(cures) > 0 {
			i.members = append(i.members, field{"mitigations", joined(cures)})
		}
		all = append(all, i.raw())
	}
	if len(all) > 0 {
		o.members = append(o.members, field{"threats", joined(all)})
	}
}

// severities are the figures that stand for a severity without ratings.
var severities = map[string]float64{"low": 15, "medium": 40, "high": 65, "critical": 88}

// riskOf returns likelihood (nil is unknown) and impact of a threat as they are written.
func riskOf(t *model.Threat) (likelihood *float64, impact float64) {
	impact = float64(max(t.Impact.Confidentiality, t.Impact.Integrity, t.Impact.Availability))
	if impact == 0 && t.Ease == 0 {
		return nil, severities[t.Severity]
	}
	l := float64(t.Ease)
	return &l, impact
}

func (w *writer) threat(t *model.Threat) json.RawMessage {
	left := kept(t.Extra)
	o := &out{}
	o.set("name", t.Title)
	o.set("id", w.threatID[t.ID])
	o.text("description", t.Description)
	categories := make([]string, 0, len(t.Categories))
	for _, c := range t.Categories {
		categories = append(categories, reading.CategoryName(c))
	}
	var strange []string
	if raw := left["categories"]; len(raw) > 0 && json.Unmarshal(raw, &strange) == nil {
		categories = append(categories, strange...)
	}
	if len(categories) > 0 {
		o.set("categories", categories)
	}
	var cwes []string
	for _, l := range w.linked[t.ID] {
		if f := w.flaws[l.Weakness]; f != nil && f.CWE > 0 {
			cwes = append(cwes, fmt.Sprintf("CWE-%d", f.CWE))
		}
	}
	slices.Sort(cwes)
	if cwes = slices.Compact(cwes); len(cwes) > 0 {
		o.set("cwes", cwes)
	}
	likelihood, impact := riskOf(t)
	risk := &out{}
	var was struct{ Likelihood json.RawMessage } // what rates nothing, because the impact is unknown
	if likelihood == nil && impact == 0 && json.Unmarshal(left["risk"], &was) == nil && len(was.Likelihood) > 0 {
		risk.set("likelihood", was.Likelihood)
	} else {
		risk.set("likelihood", likelihood)
	}
	risk.set("impact", impact)
	risk.merge(left["risk"])
	o.members = append(o.members, field{"risk", risk.raw()})
	own := rest(t, t.Extra, "title", "description", "categories", "where", "status")
	if !w.places[t.Where] {
		own[prefix+"where"], own[prefix+"status"] = string(t.Where), string(t.Status)
	}
	if !roundTrips(t.Categories) {
		own[prefix+"categories"] = string(mustJSON(t.Categories))
	}
	o.rest(left, own)
	return o.raw()
}

// roundTrips reports whether a reader gives the categories back.
func roundTrips(categories []string) bool {
	for _, c := range categories {
		if code, ok := reading.Category(reading.CategoryName(c)); !ok || code != c {
			return false
		}
	}
	return true
}

func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

func (w *writer) mitigation(c *model.Countermeasure) json.RawMessage {
	left := kept(c.Extra)
	o := &out{}
	o.set("name", c.Title)
	o.set("id", w.cureID[c.ID])
	o.text("description", c.Description)
	share, linked := w.reduction[c.ID]
	if !linked {
		share = 100
		if raw := left["riskReduction"]; len(raw) > 0 {
			_ = json.Unmarshal(raw, &share) // what is no number stays 100
		}
	}
	o.set("riskReduction", share)
	own := rest(c, c.Extra, "title", "description", "state")
	if !w.named[c.ID] {
		own[prefix+"state"] = string(c.State)
	}
	o.rest(left, own)
	return o.raw()
}
