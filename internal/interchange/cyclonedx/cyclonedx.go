// Package cyclonedx reads threat models in the formats that go by the name of
// TM-BOM, all in JSON:
//
//   - the OWASP Threat Model Library (objects with a symbolic_name, a scope),
//   - CycloneDX 2.0 with blueprints, threats, controls and risks (a draft of the
//     standard; what is read is what its schemas have in common since 2026),
//   - CycloneDX 1.x with services and their data flows, or with a threat model of
//     another tool inside.
//
// None of them has positions. Ids are the file's (symbolic_name, bom-ref); a threat
// stands once per place that it affects. Objects are kept as written in Extra under Key.
package cyclonedx

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which objects are kept as written.
const Key = "tm-bom"

// dialect is one of the formats.
type dialect int

const (
	none dialect = iota
	library
	cdx2
	cdx1
)

// Detect reports whether the document is a threat model in one of the formats. A
// bill of materials without services, flows or a threat model inside is none.
func Detect(root jsontree.Value) bool { return dialectOf(root) != none }

func dialectOf(root jsontree.Value) dialect {
	d := plainDialect(root)
	if d == none && root.Get("bomFormat").Text() == "CycloneDX" && len(attachments(root, imported.Options{})) > 0 {
		return cdx1
	}
	return d
}

// plainDialect is dialectOf without a look at documents inside, which are not
// looked into for further ones.
func plainDialect(root jsontree.Value) dialect {
	switch {
	case !root.Object():
		return none
	case root.Get("specFormat").Text() == "CycloneDX" || root.Get("bomFormat").Text() == "CycloneDX" && strings.HasPrefix(root.Get("specVersion").Text(), "2"):
		if len(root.Get("blueprints").Items()) > 0 || !root.Get("threats").Null() || !root.Get("risks").Null() {
			return cdx2
		}
		return none
	case root.Get("bomFormat").Text() == "CycloneDX":
		if len(root.Get("services").Items()) > 0 {
			return cdx1
		}
		return none
	case root.Get("scope").Object() && (root.Get("trust_zones").Array() || root.Get("data_flows").Array() || root.Get("threat_personas").Array()):
		return library
	case strings.Contains(root.Get("$schema").Text(), "project-threat-model-library"):
		return library
	}
	return none
}

// Read returns the model of a document that Detect knows.
func Read(root jsontree.Value, opts imported.Options) (*imported.Import, error) {
	d := dialectOf(root)
	if d == cdx1 {
		if i, err := readAttached(root, opts); i != nil || err != nil {
			return i, err
		}
	}
	r := &reader{
		Builder: reading.New(imported.TMBOM, Key, opts), zones: map[string]*zone{}, parts: map[string]*part{}, assets: map[string]model.AssetID{},
		flows: map[string]model.ElementID{}, joined: map[model.ElementID]bool{}, inZone: map[*part]model.ElementID{}, controls: map[string]*control{}, names: map[model.ElementID]string{},
	}
	switch d {
	case library:
		r.library(root)
	case cdx2:
		r.blueprints(root)
	case cdx1:
		r.services(root)
	default:
		return nil, fault.New(fault.Invalid, "model.tmbom", "the file is no threat model that can be read").
			With(root.At(), "expected an OWASP threat model (with a scope), or a CycloneDX document with blueprints, threats or services")
	}
	return r.finish()
}

// What a dialect's reader fills in; the rest is the same for all.
type (
	zone struct {
		v           jsontree.Value
		ref, name   string
		description string
		trust       *int
		parent      string
		id          model.ElementID
		diagram     model.DiagramID
		parentAt    jsontree.Value
	}
	part struct {
		v               jsontree.Value
		ref             string
		c               model.Component
		written         string // its type in the file's words
		zone, parent    jsontree.Value
		stores, handles []jsontree.Value
	}
	flow struct {
		v        jsontree.Value
		f        model.Flow
		from, to jsontree.Value
		carries  []jsontree.Value
		derived  bool // of something that is no flow in the file
	}
	control struct {
		v                 jsontree.Value
		name, description string
		state             model.State
		reason            string
		share             float64 // 0 is not said
		used              bool
		ref               string
		applies           []jsontree.Value
		assumed           bool
	}
	threat struct {
		v        jsontree.Value
		ref      string
		t        model.Threat
		cwes     []int
		places   []jsontree.Value
		controls []string
	}
)

type reader struct {
	*reading.Builder
	zones    map[string]*zone
	parts    map[string]*part
	assets   map[string]model.AssetID
	flows    map[string]model.ElementID
	controls map[string]*control
	names    map[model.ElementID]string
	joined   map[model.ElementID]bool
	inZone   map[*part]model.ElementID
	product  string // the ref of the whole system, where the file names it

	zoneList    []*zone
	partList    []*part
	flowList    []*flow
	controlList []*control
	threatList  []*threat
}

// kept is an object as written, for Extra.
func kept(v jsontree.Value) model.Extra {
	raw := v.Raw()
	if len(raw) == 0 {
		return nil
	}
	return model.Extra{Key: raw}
}

// without is an object as written without the keys that became objects of their own.
func without(v jsontree.Value, keys ...string) model.Extra {
	with := map[string]json.RawMessage{}
	for _, k := range keys {
		with[k] = nil
	}
	if raw := v.Replace(with); string(raw) != "{}" {
		return model.Extra{Key: raw}
	}
	return nil
}

func text(v jsontree.Value) string { return reading.Line(v.Text()) }

// declareZone adds a zone to those that references can name.
func (r *reader) declareZone(z *zone) {
	if r.zones[z.ref] != nil && z.ref != "" {
		r.Note(imported.Refused, z.v.At(), "trust zone "+z.ref, "the id is used by two trust zones; references mean the first")
	} else {
		r.zones[z.ref] = z
	}
	z.id = r.Element("trust zone", z.ref, len(r.zoneList)+1, z.v.At())
	r.zoneList = append(r.zoneList, z)
}

func (r *reader) declarePart(p *part) {
	if r.parts[p.ref] != nil && p.ref != "" {
		r.Note(imported.Refused, p.v.At(), "component "+p.ref, "the id is used by two components; references mean the first")
	} else {
		r.parts[p.ref] = p
	}
	p.c.ID = r.Element("component", p.ref, len(r.partList)+1, p.v.At())
	p.c.Name = r.Named(p.c.Name, cmpOr(p.written, "Component"), p.v.At())
	r.names[p.c.ID] = p.c.Name
	r.partList = append(r.partList, p)
}

func (r *reader) addAsset(ref string, a model.Asset, at string) {
	a.ID = model.AssetID(ref)
	if ref == "" || r.assets[ref] != "" {
		r.Note(imported.Refused, at, "data set "+ref, "has no id, or one that is used twice; it is left out")
		return
	}
	if a.Name == "" {
		a.Name = ref
	}
	r.assets[ref] = a.ID
	r.Model.Assets = append(r.Model.Assets, a)
}

func cmpOr(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

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
		mz := model.Zone{ID: z.id, Diagram: r.diagram(z.diagram), Name: r.Named(z.name, cmpOr(z.ref, "Trust zone"), z.v.At()), Description: z.description, Extra: kept(z.v)}
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
		name := cmpOr(text(ref), text(ref.Get("bom-ref")))
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
		}
		r.Note(imported.Guess, r.zoneList[i].v.At(), reading.Where("trust zone", z.ID, z.Name), "the file does not say how far the zone is trusted; %d of 100 is set%s", z.Trust, why)
	}
}

// place resolves what a threat affects.
func (r *reader) place(ref string) (model.ElementID, bool) {
	if p := r.part(ref); p != nil {
		return p.c.ID, true
	}
	if id, ok := r.flows[ref]; ok {
		return id, true
	}
	if z := r.zones[ref]; z != nil {
		return z.id, true
	}
	return model.AtProduct, ref != "" && ref == r.product
}

func (r *reader) placeThreat(t *threat) error {
	where := "threat " + t.ref
	if t.t.Title == "" {
		t.t.Title = cmpOr(reading.Title(t.t.Description), t.ref, "Untitled threat")
		r.Note(imported.Guess, t.v.At(), where, "has no title")
	}
	r.Out.Counts.Threats++
	var at []model.ElementID
	seen := map[model.ElementID]bool{}
	for _, v := range t.places {
		ref := cmpOr(text(v), text(v.Get("object")))
		id, ok := r.place(ref)
		if !ok {
			r.Note(imported.Refused, v.At(), where, "what it affects, %q, does not exist in the file", ref)
		} else if !seen[id] {
			seen[id] = true
			at = append(at, id)
		}
	}
	if len(at) == 0 {
		at = []model.ElementID{model.AtProduct}
		r.Note(imported.Guess, t.v.At(), where, "names nothing that it affects; it stands at the product")
	}
	var known []*control
	for _, ref := range t.controls {
		if c := r.controls[ref]; c != nil {
			known = append(known, c)
		} else {
			r.Note(imported.Refused, t.v.At(), where, "the control %q does not exist in the file", ref)
		}
	}
	extra := kept(t.v)
	for _, id := range at {
		if len(r.Model.Threats) >= reading.MaxThreats || len(r.Model.Links) >= 4*reading.MaxThreats {
			return reading.TooMany("threats", reading.MaxThreats)
		}
		mt := t.t
		mt.Where, mt.Extra = id, maps.Clone(extra)
		tid := r.Threat(mt, t.ref)
		for _, cwe := range t.cwes {
			r.Link(tid, r.CWE(id, cwe), "", 0)
		}
		for _, c := range known {
			c.used = true
			share := c.share
			if share == 0 {
				share = 100 / float64(len(known))
			}
			r.Link(tid, "", r.counter(c, id).ID, share)
		}
	}
	if n := len(known); n > 1 && known[0].share == 0 {
		r.Note(imported.Guess, t.v.At(), where, "the file does not say what each of its %d controls takes off the risk; each takes an equal part", n)
	}
	return nil
}

func (r *reader) counter(c *control, at model.ElementID) *model.Countermeasure {
	m, had := r.Countermeasure(at, c.ref, cmpOr(c.name, reading.Title(c.description), c.ref), c.description, c.state)
	if !had {
		m.StateReason, m.Extra = c.reason, kept(c.v)
	}
	return m
}

// unused puts controls that no threat names where the file applies them, else at the product.
func (r *reader) unused() {
	for _, c := range r.controlList {
		if c.assumed {
			r.Note(imported.Guess, c.v.At(), "control "+c.ref, "is assumed to be in effect in the file; it counts as implemented")
		}
		if c.used {
			continue
		}
		at := model.AtProduct
		for _, v := range c.applies {
			if id, ok := r.place(cmpOr(text(v), text(v.Get("object")))); ok {
				at = id
				break
			}
		}
		r.counter(c, at)
		r.Note(imported.Guess, c.v.At(), "control "+c.ref, "no threat names it; it lowers no rating until a person links it")
	}
}

func (r *reader) declareControl(c *control) {
	if c.ref == "" {
		c.ref = model.Slug(c.name)
	}
	if r.controls[c.ref] != nil {
		r.Note(imported.Refused, c.v.At(), "control "+c.ref, "the id is used by two controls; the first one counts")
		return
	}
	r.controls[c.ref] = c
	r.controlList = append(r.controlList, c)
}

// unknown counts the keys of the document that are only kept; known are the
// others, with blanks between them.
func (r *reader) unknown(root jsontree.Value, known string) {
	for _, m := range root.Members() {
		if !m.Value.Null() && !slices.Contains(strings.Fields(known), m.Key) {
			r.Unknown("file", m.Key, m.Value.At())
		}
	}
}

// number returns a figure of 0 to 100; another one is noted and brought into range.
func (r *reader) number(v jsontree.Value, where, name string) *int {
	f, ok := v.Number()
	if !ok {
		if !v.Null() {
			r.Note(imported.Refused, v.At(), where, "%s is %s, expected a number from 0 to 100", name, fmt.Sprintf("%.40q", v.Text()))
		}
		return nil
	}
	if f < 0 || f > 100 {
		r.Note(imported.Refused, v.At(), where, "%s is %g, expected 0 to 100; %g is taken", name, f, min(max(f, 0), 100))
	}
	n := int(min(max(f, 0), 100) + 0.5)
	return &n
}
