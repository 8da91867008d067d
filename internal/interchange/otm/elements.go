package otm

import (
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// nested is a trust zone or a component, while its place is being found.
type nested struct {
	n         *node
	component bool
	note      bool // a text that stands among the components
	id        model.ElementID
	where     string
	outside   bool // stands for "no zone" in a file of ours

	parent   *nested
	parentAt *node // where the parent is said

	diagram model.DiagramID
	box     *model.Box // as written: relative to the parent, unless the file is absolute
	z       int        // index in Zones or Components

	zone   model.ElementID // around it, once zoned
	zoned  bool
	seen   bool // the parents were followed from here
	x, y   float64
	corner model.DiagramID // x and y are of the corner in this diagram
	moved  bool
}

// placed is where threats can be named.
type placed struct {
	id    model.ElementID
	where string
	n     *node
}

// outsideID begins the ids of zones that Write makes for components outside every zone.
const outsideID = "threatloop-outside-"

// endID begins the ids of components that Write makes for zones that flows end at.
const endID = "threatloop-end-"

func (r *reader) elements(root *node) {
	for i, n := range root.get("trustZones").each() {
		r.declare(n, false, i+1)
	}
	for i, n := range root.get("components").each() {
		r.declare(n, true, i+1)
	}
	for _, e := range r.order {
		r.findParent(e)
	}
	for _, e := range r.order {
		r.cutCycle(e)
	}
	for _, e := range r.order {
		r.drawn(e)
	}
	absolute := r.absolute()
	for _, e := range r.order {
		if e.note {
			r.text(e, absolute)
		} else if e.component {
			r.component(e, absolute)
		} else if !e.outside {
			r.zone(e, absolute)
		}
	}
}

// declare gives an element its id.
func (r *reader) declare(n *node, component bool, serial int) {
	what, known := "trust zone", r.zones
	if component {
		what, known = "component", r.parts
	}
	if !n.is(object) {
		r.Note(imported.Refused, n.at(), what, "is no mapping")
		return
	}
	id := strings.TrimSpace(n.get("id").str())
	e := &nested{n: n, component: component}
	if !component && strings.HasPrefix(id, outsideID) && ours(n.get("attributes")) {
		e.outside = true
		r.zones[id] = e
		return
	}
	if zone := r.zones[n.get("attributes").get(prefix+"end").str()]; component && strings.HasPrefix(id, endID) && zone != nil {
		r.ends[id] = zone
		r.places = append(r.places, placed{id: zone.id, where: zone.where, n: n})
		return
	}
	e.id = r.Element(what, id, serial, n.at())
	e.where = reading.Where(what, e.id, reading.Line(n.get("name").str()))
	if r.canvas(e); component && !e.component {
		known = r.zones
	}
	if e.note {
		r.order = append(r.order, e)
		return
	}
	if id != "" && known[id] == nil {
		known[id] = e
	}
	r.order = append(r.order, e)
	r.places = append(r.places, placed{id: e.id, where: e.where, n: n})
}

// findParent resolves the parent in both dialects: {trustZone: ID} or
// {component: ID}, and {id: ID, type: ...} of early drafts.
func (r *reader) findParent(e *nested) {
	p := e.n.get("parent")
	if r.alone(e) {
		return
	}
	if p.none() {
		if e.component {
			r.Note(imported.Guess, e.n.at(), e.where, "has no parent; it stands outside every trust zone")
		}
		return
	}
	e.parentAt = p
	zone, part := p.get("trustZone"), p.get("component")
	id := p.get("id")
	if p.is(words) {
		id = p
	}
	switch {
	case !zone.none() && !part.none():
		r.Note(imported.Refused, p.at(), e.where, "has two parents, the trust zone %q and the component %q; the component is taken", zone.str(), part.str())
		e.parent = r.parts[strings.TrimSpace(part.str())]
	case !part.none():
		e.parent, id = r.parts[strings.TrimSpace(part.str())], part
	case !zone.none():
		e.parent, id = r.zones[strings.TrimSpace(zone.str())], zone
	case id != nil:
		ref := strings.TrimSpace(id.str())
		if e.parent = r.zones[ref]; e.parent == nil || strings.EqualFold(p.get("type").str(), "component") {
			if c := r.parts[ref]; c != nil {
				e.parent = c
			}
		}
	}
	switch {
	case id != nil && e.parent == nil:
		if z := r.zoneByWord(id.str()); z != nil && part.none() {
			e.parent = z
			r.Note(imported.Guess, id.at(), e.where, "its parent %q is no id but the type or name of the trust zone %s; it is taken", id.str(), z.id)
			break
		}
		other := r.parts[strings.TrimSpace(id.str())]
		if !part.none() {
			other = r.zones[strings.TrimSpace(id.str())]
		}
		if other != nil {
			e.parent = other
			r.Note(imported.Guess, id.at(), e.where, "its parent %q is of the other kind, trust zone or component; it is taken", id.str())
			break
		}
		r.Note(imported.Refused, id.at(), e.where, "its parent %q does not exist in the file; it stands outside every trust zone", id.str())
	case e.parent == nil:
		r.Note(imported.Refused, p.at(), e.where, "its parent names neither a trustZone nor a component; it stands outside every trust zone")
	}
}

// zoneByWord returns the only trust zone of a type or name, or nil: some writers
// refer to zones so.
func (r *reader) zoneByWord(word string) *nested {
	if r.byWord == nil {
		r.byWord = map[string]*nested{}
		for _, e := range r.order {
			if e.component {
				continue
			}
			kind, name := e.n.get("type").str(), e.n.get("name").str()
			for _, w := range []string{kind, name} {
				if other, taken := r.byWord[w]; taken && other != e {
					r.byWord[w] = nil
				} else {
					r.byWord[w] = e
				}
			}
		}
	}
	if word == "" {
		return nil
	}
	return r.byWord[word]
}

// cutCycle takes the parent off an element whose parents lead back to it.
func (r *reader) cutCycle(e *nested) {
	var path []*nested
	on := map[*nested]bool{}
	for at := e; at != nil && !at.seen; at = at.parent {
		if on[at] {
			last := path[len(path)-1]
			r.Note(imported.Refused, last.parentAt.at(), last.where, "contains itself by way of its parents; its parent is left out")
			last.parent = nil
			break
		}
		on[at] = true
		path = append(path, at)
	}
	for _, p := range path {
		p.seen = true
	}
}

// zoneOf returns the trust zone around an element, through the components around
// it. Each element is looked at once.
func zoneOf(e *nested) model.ElementID {
	var path []*nested
	var found model.ElementID
	for at := e; at != nil; at = at.parent {
		if at.zoned {
			found = at.zone
			break
		}
		path = append(path, at)
		if p := at.parent; p != nil && !p.component {
			if !p.outside {
				found = p.id
			}
			break
		}
	}
	for _, p := range path {
		p.zone, p.zoned = found, true
	}
	return found
}

// Sizes of what has a position and no size.
const (
	partWidth, partHeight = 160, 70
	zoneWidth, zoneHeight = 400, 300
)

// drawn finds the diagram of an element and its box there: the first
// representation with a position, else the first in a diagram.
func (r *reader) drawn(e *nested) {
	for _, rep := range e.n.get("representations").each() {
		name := rep.get("representation", "represetation").str() // the specification's own example misspells it
		if !r.diagrams[name] {
			if !r.others[name] && rep.is(object) {
				r.Note(imported.Refused, cmpNode(rep.get("representation"), rep).at(), e.where, "the representation %q does not exist in the file", name)
			}
			continue
		}
		position, size := rep.get("position", "postion"), rep.get("size")
		x, okX := position.get("x").number()
		y, okY := position.get("y").number()
		if !okX || !okY {
			if e.diagram == "" {
				e.diagram = model.DiagramID(name)
			}
			continue
		}
		if e.box != nil {
			continue
		}
		w, okW := size.get("width", "with").number()
		h, okH := size.get("height").number()
		if !okW || !okH || w <= 0 || h <= 0 {
			if w, h = partWidth, partHeight; !e.component {
				w, h = zoneWidth, zoneHeight
			}
			r.Note(imported.Guess, rep.at(), e.where, "has a position and no size; %g by %g is taken", w, h)
		}
		e.diagram, e.box = model.DiagramID(name), &model.Box{X: x, Y: y, W: w, H: h}
		var own model.Box
		if r.overlay(e.where, rep.get("attributes"), &own) {
			e.box.Z = own.Z
		}
	}
	if e.diagram == "" && !r.exact {
		e.diagram = r.first
	}
}

// absolute reports whether the positions of the file are meant from the
// diagram's corner, against the rule: when that puts more elements into their
// parents than the rule does.
func (r *reader) absolute() bool {
	if r.exact {
		return false
	}
	relative, fixed := 0, 0
	var first *nested
	for _, e := range r.order {
		p := e.parent
		if e.box == nil || p == nil || p.box == nil || p.diagram != e.diagram {
			continue
		}
		if (model.Box{W: p.box.W, H: p.box.H}).Contains(e.box.Center()) {
			relative++
		}
		if p.box.Contains(e.box.Center()) {
			fixed++
			first = e
		}
	}
	if fixed <= relative {
		return false
	}
	r.Note(imported.Guess, first.n.at(), "file", "positions are taken as counted from the corner of the diagram: taken as counted from the parent, as OTM says, fewer elements would lie in theirs")
	return true
}

// at moves the box of an element to where it stands in the diagram.
func (e *nested) at(absolute bool) *model.Box {
	if e.box == nil {
		return nil
	}
	b := *e.box
	if !absolute {
		x, y := e.parent.cornerIn(e.diagram)
		b.X, b.Y = b.X+x, b.Y+y
	}
	return &b
}

// cornerIn is where an element's own corner stands in the diagram.
func (e *nested) cornerIn(d model.DiagramID) (x, y float64) {
	if e == nil {
		return 0, 0
	}
	if e.moved && e.corner == d {
		return e.x, e.y
	}
	e.x, e.y = e.parent.cornerIn(d)
	if e.box != nil && e.diagram == d {
		e.x, e.y = e.x+e.box.X, e.y+e.box.Y
	}
	e.moved, e.corner = true, d
	return e.x, e.y
}

func (r *reader) zone(e *nested, absolute bool) {
	n := e.n
	z := model.Zone{ID: e.id, Description: n.get("description").str(), Diagram: e.diagram}
	r.overlay(e.where, n.get("attributes"), &z)
	z.ID, z.Box = e.id, e.at(absolute)
	if z.Diagram != "" && !r.hasDiagram(z.Diagram) {
		z.Diagram = e.diagram
	}
	z.Name = r.Named(n.get("name").str(), cmpOr(string(e.id), "Trust zone"), n.at())
	z.Parent = zoneOf(e)
	risk := n.get("risk")
	var trust int
	ok := false
	if rating := risk.get("trustRating"); !rating.none() {
		trust, ok = r.percent(e.where, "trustRating", rating, n)
	}
	if z.Trust = trust; !ok {
		z.Trust, z.Guess = 50, true
		why := ""
		if reading.Untrusted(z.Name) || reading.Untrusted(n.get("type").str()) {
			z.Trust, why = 0, ", for its name"
		}
		r.Note(imported.Guess, n.at(), e.where, "the file does not say how far the zone is trusted; %d of 100 is set%s", z.Trust, why)
	}
	known := []string{"id", "name", "description", "parent", "risk", "representations", "threats"}
	z.Extra = keep(z.Extra, r.withPlace(e, withRisk(leftover(n, known...), risk, "trustRating")))
	r.unknown("trust zone", n, append(known, "type", "attributes", "properties")...)
	r.unknown("trust zone risk", cmpNode(risk, &node{}), "trustRating")
	r.Out.Counts.Boundary++
	r.form(e.where, "trust zone", n, zoneForm)
	e.z = len(r.Model.Zones)
	r.Model.Zones = append(r.Model.Zones, z)
}

func (r *reader) hasDiagram(id model.DiagramID) bool {
	for i := range r.Model.Diagrams {
		if r.Model.Diagrams[i].ID == id {
			return true
		}
	}
	return false
}

// withPlace adds to a leftover what of the parent and the representations the
// model has no place for.
func (r *reader) withPlace(e *nested, left *node) *node {
	var more []member
	if e.parent != nil && e.parent.component {
		id := &node{kind: words, text: string(e.parent.id)}
		more = append(more, member{key: "parent", value: &node{kind: object, members: []member{{key: "component", value: id}}}})
	}
	var others []*node
	used := false
	for _, rep := range e.n.get("representations").each() {
		mine := e.diagram != "" && rep.get("representation").str() == string(e.diagram)
		if mine && !used && (e.box == nil) == rep.get("position").none() {
			used = true
			if kept := leftover(rep, "representation", "position", "size"); kept != nil && !plainID(kept, e.id) {
				kept.members = append(kept.members, member{key: "representation", value: rep.get("representation")})
				others = append([]*node{kept}, others...) // it comes first where it is written, too
			}
			continue
		}
		others = append(others, rep)
	}
	if len(others) > 0 {
		more = append(more, member{key: "representations", value: &node{kind: list, items: others}})
	}
	if len(more) == 0 {
		return left
	}
	if left == nil {
		left = &node{kind: object}
	}
	left.members = append(left.members, more...)
	return left
}

// elementID is the id that Write gives to an element's representation.
func elementID(id model.ElementID) string { return string(id) + "-representation" }

// plainID reports whether a representation says nothing but the id that Write gives it.
func plainID(rep *node, id model.ElementID) bool {
	return len(rep.members) == 1 && rep.members[0].key == "id" && rep.members[0].value.str() == elementID(id)
}

func (r *reader) component(e *nested, absolute bool) {
	n := e.n
	c := model.Component{ID: e.id, Description: n.get("description").str(), Diagram: e.diagram}
	own := r.overlay(e.where, n.get("attributes"), &c)
	c.ID, c.Box, c.Tags = e.id, e.at(absolute), r.tags(e.where, n)
	if c.Diagram != "" && !r.hasDiagram(c.Diagram) {
		c.Diagram = e.diagram
	}
	c.Name = r.Named(n.get("name").str(), cmpOr(n.get("type").str(), "Component"), n.at())
	c.Zone = zoneOf(e)
	assets := n.get("assets")
	if assets.is(list) { // a dialect: a list without saying how
		c.Processes = r.assetsOf(e.where, assets)
	} else {
		c.Processes, c.Stores = r.assetsOf(e.where, assets.get("processed")), r.assetsOf(e.where, assets.get("stored"))
		r.unknown("component assets", cmpNode(assets, &node{}), "processed", "stored")
	}
	if attributes := n.get("attributes"); !ours(attributes) {
		r.attributes(&c, n.get("properties")) // so StartLeft called them at first
		r.attributes(&c, attributes)
	}
	known := []string{"id", "name", "description", "parent", "representations", "assets", "threats", "tags"}
	written := n.get("type").str()
	if own && c.Kind != "" {
		if written == cmpOr(c.Type, string(c.Kind)) && n.get("attributes").get(prefix+"otm_type").none() {
			known = append(known, "type")
		}
	} else {
		if written == "" {
			r.Note(imported.Guess, n.at(), e.where, "has no type")
		}
		c.Kind = canvasKinds[reading.Letters(written)]
		r.Type(&c, n.at(), written, c.Name)
	}
	r.Count(c.Kind)
	c.Extra = keep(c.Extra, r.withPlace(e, leftover(n, known...)))
	r.unknown("component", n, "id", "name", "description", "parent", "representations", "assets", "threats", "tags", "type", "attributes", "properties")
	r.form(e.where, "component", n, componentForm)
	e.z = len(r.Model.Components)
	r.Model.Components = append(r.Model.Components, c)
}

// attributes takes over what a component's attributes say with yes or no, and of
// its scope; all of them are kept as written.
func (r *reader) attributes(c *model.Component, attributes *node) {
	if ours(attributes) || !attributes.is(object) {
		return
	}
	for _, m := range attributes.members {
		word := ""
		switch strings.ToLower(m.value.str()) {
		case "true", "yes":
			word = "yes"
		case "false", "no":
			word = "no"
		}
		if name := strings.ReplaceAll(model.Slug(m.key), "-", "_"); word != "" && name != "x" && name != "out_of_scope" {
			if c.Attributes == nil {
				c.Attributes = map[string]string{}
			}
			c.Attributes[name] = word
		}
	}
	if out := attributes.get("Out Of Scope", "outOfScope"); out.truth() {
		c.OutOfScope = true
		c.OutOfScopeReason = attributes.get("Reason For Out Of Scope", "reasonOutOfScope").str()
	}
}

func (r *reader) assetsOf(where string, refs *node) []model.AssetID {
	var ids []model.AssetID
	seen := map[model.AssetID]bool{}
	for _, ref := range refs.each() {
		name := strings.TrimSpace(ref.str())
		if ref.is(object) {
			name = strings.TrimSpace(ref.get("asset", "id").str())
		}
		id, ok := r.assets[name]
		switch {
		case name == "":
		case !ok:
			r.Note(imported.Refused, ref.at(), where, "the asset %q does not exist in the file", name)
		case !seen[id]:
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
