package cyclonedx

import (
	"cmp"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// finish puts the parts together.
func (r *reader) finish() (*imported.Import, error) {
	if n := len(r.zoneList) + len(r.partList) + len(r.flowList); n > reading.MaxElements {
		return nil, reading.TooMany("elements", reading.MaxElements)
	}
	if len(r.Model.Diagrams) == 0 && len(r.partList)+len(r.zoneList) > 0 {
		r.Model.Diagrams = []model.Diagram{{ID: "diagram", Title: r.Model.Product.Name}}
	}
	if len(r.Model.Diagrams) > 0 {
		r.Note(imported.Info, "", "file", "the format has no positions; arrange the diagram on the page")
	}
	r.Out.Counts.Diagrams = len(r.Model.Diagrams)
	r.placeZones()
	r.placeParts()
	for _, f := range r.flowList {
		r.placeFlow(f)
	}
	r.trust()
	for _, t := range r.threatList {
		if err := r.placeThreat(t); err != nil {
			return nil, err
		}
	}
	r.unused()
	return r.Finish()
}

func (r *reader) placeZones() {
	for _, z := range r.zoneList {
		if z.parent != "" && r.zones[z.parent] == nil {
			r.Note(imported.Refused, z.parentAt.At(), "trust zone "+z.ref, "its parent %q does not exist in the file", z.parent)
			z.parent = ""
		}
	}
	done := map[*zone]bool{}
	for _, z := range r.zoneList {
		on := map[*zone]bool{}
		for at := z; at != nil && !done[at]; at = r.zones[at.parent] {
			on[at] = true
			next := r.zones[at.parent]
			if at.parent == "" {
				break
			}
			if on[next] {
				r.Note(imported.Refused, at.parentAt.At(), "trust zone "+at.ref, "contains itself by way of its parents; its parent is left out")
				at.parent = ""
				break
			}
		}
		for at := range on {
			done[at] = true
		}
	}
	for _, z := range r.zoneList {
		mz := model.Zone{ID: z.id, Diagram: r.diagram(z.diagram), Name: r.Named(z.name, cmp.Or(z.ref, "Trust zone"), z.v.At()), Description: z.description, Extra: kept(z.v)}
		if p := r.zones[z.parent]; z.parent != "" && p != nil {
			mz.Parent = p.id
		}
		if z.trust != nil {
			mz.Trust = *z.trust
		} else {
			mz.Guess = true
		}
		r.names[z.id] = mz.Name
		r.Out.Counts.Boundary++
		r.Model.Zones = append(r.Model.Zones, mz)
	}
}

func (r *reader) diagram(d model.DiagramID) model.DiagramID {
	if d == "" && len(r.Model.Diagrams) > 0 {
		return r.Model.Diagrams[0].ID
	}
	return d
}

// zoneOf resolves the zone of a part: its own, else that of the parts around it.
// Each part is looked at once.
func (r *reader) zoneOf(p *part) model.ElementID {
	var path []*part
	on := map[*part]bool{}
	var found model.ElementID
	for at := p; at != nil; {
		if known, ok := r.inZone[at]; ok {
			found = known
			break
		}
		path, on[at] = append(path, at), true
		where := reading.Where("component", at.c.ID, at.c.Name)
		if ref := text(at.zone); ref != "" {
			if z := r.zones[ref]; z != nil {
				found = z.id
				break
			}
			r.Note(imported.Refused, at.zone.At(), where, "its trust zone %q does not exist in the file", ref)
		}
		ref := text(at.parent)
		next := r.parts[ref]
		switch {
		case ref == "":
			next = nil
		case next == nil:
			r.Note(imported.Refused, at.parent.At(), where, "its parent %q does not exist in the file", ref)
		case on[next]:
			r.Note(imported.Refused, at.parent.At(), where, "contains itself by way of its parents")
			next = nil
		}
		at = next
	}
	for _, at := range path {
		r.inZone[at] = found
	}
	return found
}

func (r *reader) placeParts() {
	for _, p := range r.partList {
		c := &p.c
		c.Diagram, c.Zone = r.diagram(c.Diagram), r.zoneOf(p)
		where := reading.Where("component", c.ID, c.Name)
		c.Stores = append(c.Stores, r.assetRefs(where, p.stores)...)
		c.Processes = append(c.Processes, r.assetRefs(where, p.handles)...)
		r.Type(c, p.v.At(), p.written, c.Name)
		r.Count(c.Kind)
		c.Extra = kept(p.v)
		r.Model.Components = append(r.Model.Components, *c)
	}
}

func (r *reader) assetRefs(where string, refs []jsontree.Value) []model.AssetID {
	var ids []model.AssetID
	seen := map[model.AssetID]bool{}
	for _, ref := range refs {
		name := cmp.Or(text(ref), text(ref.Get("bom-ref")))
		id, ok := r.assets[name]
		if !ok {
			r.Note(imported.Refused, ref.At(), where, "the data set %q does not exist in the file", name)
		} else if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *reader) placeFlow(f *flow) {
	ref := string(f.f.ID)
	f.f.ID = r.Element("data flow", ref, len(r.Model.Flows)+1, f.v.At())
	where := reading.Where("data flow", f.f.ID, f.f.Name)
	if _, taken := r.flows[ref]; !taken && ref != "" {
		r.flows[ref] = f.f.ID
	}
	f.f.From, f.f.To = r.flowEnd(where, "source", f.from), r.flowEnd(where, "destination", f.to)
	otherwise := "Flow"
	if a, b := r.names[f.f.From], r.names[f.f.To]; a != "" && b != "" {
		otherwise = a + " to " + b
	}
	f.f.Name = r.Named(f.f.Name, otherwise, f.v.At())
	f.f.Diagram = r.diagram(f.f.Diagram)
	f.f.Carries = append(f.f.Carries, r.assetRefs(where, f.carries)...)
	if !f.derived {
		f.f.Extra = kept(f.v)
	}
	r.names[f.f.ID] = f.f.Name
	r.Out.Counts.Flow++
	r.Model.Flows = append(r.Model.Flows, f.f)
}

// flowEnd resolves an end: a ref, or a ref with its type ({type, object}).
func (r *reader) flowEnd(where, side string, v jsontree.Value) model.ElementID {
	ref := text(v)
	if v.Object() {
		ref = text(v.Get("object"))
		if t := text(v.Get("type")); t != "" {
			if p := r.parts[typed(t, ref)]; p != nil {
				return p.c.ID
			}
		}
	}
	if ref == "" {
		r.Note(imported.Refused, v.At(), where, "has no %s; the end is loose", side)
		return ""
	}
	if p := r.part(ref); p != nil {
		return p.c.ID
	}
	if z := r.zones[ref]; z != nil {
		r.Note(imported.Guess, v.At(), where, "its %s %q is a trust zone; the flow ends at the zone", side, ref)
		return z.id
	}
	r.Note(imported.Refused, v.At(), where, "its %s %q does not exist in the file; the end is loose", side, ref)
	return ""
}

// typed is the key of a part by its type and name, for files whose names are
// unique within a type only.
func typed(kind, name string) string {
	if i := strings.LastIndexByte(kind, '/'); i >= 0 {
		kind = kind[i+1:]
	}
	return strings.NewReplacer("_", "-").Replace(strings.TrimSuffix(kind, "s")) + " " + name
}

// part finds a part by its name, whatever its type.
func (r *reader) part(ref string) *part {
	for _, key := range []string{ref, "component " + ref, "data-store " + ref, "actor " + ref} {
		if p := r.parts[key]; p != nil {
			return p
		}
	}
	return nil
}

// trust sets what the file does not say of zones.
func (r *reader) trust() {
	members, actors := map[model.ElementID]int{}, map[model.ElementID]int{}
	for i := range r.Model.Components {
		c := &r.Model.Components[i]
		members[c.Zone]++
		if c.Kind == model.Actor {
			actors[c.Zone]++
		}
	}
	for i := range r.Model.Zones {
		z := &r.Model.Zones[i]
		if !z.Guess {
			continue
		}
		why := ""
		if z.Trust = 50; members[z.ID] > 0 && members[z.ID] == actors[z.ID] {
			z.Trust, why = 0, ", because only actors stand in it"
		} else if reading.Untrusted(z.Name) {
			z.Trust, why = 0, ", for its name"
		}
		r.Note(imported.Guess, r.zoneList[i].v.At(), reading.Where("trust zone", z.ID, z.Name), "the file does not say how far the zone is trusted; %d of 100 is set%s", z.Trust, why)
	}
}
