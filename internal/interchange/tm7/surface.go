package tm7

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// kinds are the generic kinds, and the shapes that stand for them where a template
// has generic kinds of its own.
var kinds = map[string]string{
	"GE.P": "process", "GE.EI": "actor", "GE.DS": "store", "GE.DF": "flow", "GE.TB.B": "box", "GE.TB.L": "line", "GE.TB": "box", "GE.A": "text",
}

var shapes = map[string]string{
	"StencilEllipse": "process", "StencilRectangle": "actor", "StencilParallelLines": "store", "BorderBoundary": "box",
	"Connector": "flow", "LineBoundary": "line", "Annotation": "text",
}

// noGUID is the end of what joins nothing.
const noGUID = "00000000-0000-0000-0000-000000000000"

// The properties that the tool itself knows, by the fixed GUIDs of their names.
const (
	outOfScope       = "71f3d9aa-b8ef-4e54-8126-607a1d903103"
	outOfScopeReason = "752473b6-52d4-4776-9a24-202153f7d579"
)

// property is one property of a drawn element.
type property struct{ display, name, value string }

// drawing is one drawn element.
type drawing struct {
	e          *xmltree.Element
	kind       string
	guid       string
	label      string // of the stencil, as the first heading has it
	name       string
	properties []property
	typeID     string
	id         model.ElementID
}

func (r *reader) drawing(pair *xmltree.Element) *drawing {
	v := pair.Child("Value")
	if v == nil || v.Attr("nil") == "true" {
		return nil
	}
	d := &drawing{e: v, guid: cmp.Or(v.Child("Guid").Text(), pair.Child("Key").Text()), typeID: v.Child("TypeId").Text()}
	for _, p := range v.Child("Properties").All("anyType") {
		display, value := p.Child("DisplayName").Text(), p.Child("Value")
		if strings.HasSuffix(p.Attr("type"), "HeaderDisplayAttribute") {
			if d.label == "" {
				d.label = display
			}
			continue
		}
		q := property{display: display, name: p.Child("Name").Text(), value: selected(p, value)}
		if display == "Name" && d.name == "" {
			d.name = q.value
			continue
		}
		d.properties = append(d.properties, q)
	}
	shape := v.Attr("type")
	if i := strings.LastIndexByte(shape, ':'); i >= 0 {
		shape = shape[i+1:]
	}
	generic := r.base.generic(v.Child("GenericTypeId").Text(), d.typeID)
	d.kind = kinds[generic]
	if byShape := shapes[shape]; d.kind == "" || (byShape == "box" || byShape == "line" || byShape == "flow") && d.kind != byShape {
		d.kind = byShape // how it is drawn decides where a template's words do not fit
	}
	if s, ok := r.base.stencils[d.typeID]; ok && d.label == "" {
		d.label = s.name
	}
	return d
}

// selected returns a property's value: of a list the item that is chosen, "" for none.
func selected(p, value *xmltree.Element) string {
	items := value.All("string")
	if len(items) == 0 {
		return value.Text()
	}
	i, err := strconv.Atoi(p.Child("SelectedIndex").Text())
	if err != nil || i < 0 || i >= len(items) {
		return ""
	}
	switch text := items[i].Text(); text {
	case "Select", "Not Selected":
		return ""
	default:
		return text
	}
}

// get returns the value of the property with the name, or shown under it.
func (d *drawing) get(names ...string) string {
	for _, n := range names {
		for _, p := range d.properties {
			if p.name == n || strings.EqualFold(p.display, n) {
				return p.value
			}
		}
	}
	return ""
}

// number reads a coordinate; white space and decimals of other tools are fine.
func number(e *xmltree.Element) (float64, bool) {
	f, err := strconv.ParseFloat(e.Text(), 64)
	if err != nil || f != f || f > 1e6 || f < -1e6 {
		return 0, false
	}
	return f, true
}

func (d *drawing) box() *model.Box {
	x, okX := number(d.e.Child("Left"))
	y, okY := number(d.e.Child("Top"))
	w, okW := number(d.e.Child("Width"))
	h, okH := number(d.e.Child("Height"))
	if !okX || !okY || !okW || !okH || w <= 0 || h <= 0 {
		return nil
	}
	return &model.Box{X: x, Y: y, W: w, H: h}
}

func (d *drawing) point(x, y string) *model.Point {
	px, okX := number(d.e.Child(x))
	py, okY := number(d.e.Child(y))
	if !okX || !okY {
		return nil
	}
	return &model.Point{X: px, Y: py}
}

// surface reads a diagram.
func (r *reader) surface(e *xmltree.Element, index int) error {
	guid := e.Child("Guid").Text()
	d := model.Diagram{ID: model.DiagramID(guid), Methodology: "STRIDE"}
	for i := range r.Model.Diagrams {
		if guid == "" || r.Model.Diagrams[i].ID == d.ID {
			d.ID = model.DiagramID(model.DeriveID("dia", string(r.Model.Product.ID), guid, strconv.Itoa(index)))
			r.Note(imported.Guess, e.At(r.Opts), "diagram "+guid, "the id is missing or used by two diagrams; this one is called %s here", d.ID)
			break
		}
	}
	if d.ID == "" {
		d.ID = model.DiagramID(model.DeriveID("dia", string(r.Model.Product.ID), strconv.Itoa(index)))
	}
	for _, p := range e.Child("Properties").All("anyType") {
		if p.Child("DisplayName").Text() == "Name" && d.Title == "" {
			d.Title = reading.Line(p.Child("Value").Text())
		}
	}
	if d.Title == "" {
		d.Title = cmp.Or(reading.Line(e.Child("Header").Text()), "Diagram "+strconv.Itoa(index+1))
	}
	r.Model.Diagrams = append(r.Model.Diagrams, d)
	r.Out.Counts.Diagrams++

	here := map[string]model.ElementID{}
	var nodes, lines []*drawing
	for _, list := range []struct {
		name, what string
		into       *[]*drawing
	}{{"Borders", "element", &nodes}, {"Lines", "line", &lines}} {
		pairs := e.Child(list.name).All("KeyValueOfguidanyType")
		if len(pairs) > reading.MaxElements {
			return reading.TooMany("elements", reading.MaxElements)
		}
		for i, pair := range pairs {
			w := r.drawing(pair)
			switch {
			case w == nil:
				r.Note(imported.Refused, pair.At(r.Opts), "diagram "+string(d.ID), "holds an element without a value")
				continue
			case w.kind == "":
				r.Note(imported.Refused, w.e.At(r.Opts), "element "+w.guid, "the shape %q of the type %q is unknown; it is not in the model", w.e.Attr("type"), w.typeID)
				continue
			}
			w.id = r.Element(list.what, w.guid, len(r.Model.Diagrams)*reading.MaxElements+i, w.e.At(r.Opts))
			if _, twice := here[w.guid]; !twice {
				here[w.guid] = w.id
			}
			if _, twice := r.ids[w.guid]; !twice {
				r.ids[w.guid] = w.id
			}
			*list.into = append(*list.into, w)
		}
	}
	ends := map[string]model.ElementID{}
	for _, w := range nodes {
		r.node(w, d.ID)
		if w.kind == "process" || w.kind == "actor" || w.kind == "store" || w.kind == "box" {
			ends[w.guid] = here[w.guid]
		}
	}
	for _, w := range lines {
		if w.kind == "flow" {
			r.flow(w, d.ID, ends)
		} else {
			r.line(w, d.ID)
		}
	}
	return nil
}

func (r *reader) node(w *drawing, diagram model.DiagramID) {
	at := w.e.At(r.Opts)
	r.at[w.id] = at
	box := w.box()
	if box == nil && w.kind != "flow" && w.kind != "line" {
		r.Note(imported.Guess, at, "element "+w.guid, "has no place in the diagram")
	}
	switch w.kind {
	case "box", "line", "flow":
		z := model.Zone{ID: w.id, Diagram: diagram, Name: r.Named(w.name, cmp.Or(w.label, "Trust zone"), at), Box: box, Extra: w.extra()}
		r.Model.Zones = append(r.Model.Zones, z)
		r.names[w.id] = z.Name
		r.Out.Counts.Boundary++
	case "text":
		r.Model.Texts = append(r.Model.Texts, model.TextBlock{ID: w.id, Diagram: diagram, Text: w.name, Box: box, Extra: w.extra()})
		r.Out.Counts.Text++
	default:
		c := model.Component{
			ID: w.id, Diagram: diagram, Kind: model.Kind(w.kind), Name: r.Named(w.name, cmp.Or(w.label, unnamed[w.kind]), at), Box: box,
			OutOfScope: strings.EqualFold(w.get(outOfScope, "Out Of Scope"), "true"), Attributes: w.attributes(componentAttributes), Extra: w.extra(),
		}
		if c.OutOfScope {
			c.OutOfScopeReason = w.get(outOfScopeReason, "Reason For Out Of Scope")
		}
		r.Type(&c, at, stencilWords(w), c.Name)
		r.Model.Components = append(r.Model.Components, c)
		r.names[w.id] = c.Name
		r.Count(c.Kind)
	}
}

// unnamed are the names of what has neither a name nor a stencil's.
var unnamed = map[string]string{"actor": "Actor", "process": "Process", "store": "Store"}

// stencilWords are what a stencil is called: by its heading, else by the last
// part of its id ("SE.P.TMCore.WebApp"); "" for one that says nothing.
func stencilWords(w *drawing) string {
	label := w.label
	if label == "" {
		if i := strings.LastIndexByte(w.typeID, '.'); i >= 0 && strings.HasPrefix(w.typeID, "SE.") {
			label = w.typeID[i+1:]
		}
	}
	if strings.HasPrefix(label, "Generic ") {
		return ""
	}
	return label
}

// attributeNames are properties of the tool's templates with our words for them. A
// template in another language shows them otherwise and keeps their ids.
type attributeNames []struct{ display, id, name string }

var componentAttributes = attributeNames{
	{"Stores Credentials", "storesCredentials", "stores_credentials"},
	{"Stores Log Data", "storesLogData", "is_log"},
	{"Encrypted", "encrypted", "encrypted"},
	{"Signed", "signed", "signed"},
	{"Implements or Uses an Authentication Mechanism", "implementsAuthenticationScheme", "provides_authentication"},
	{"Authenticates Itself", "authenticatesItself", "provides_authentication"},
}

var flowAttributes = attributeNames{
	{"Provides Confidentiality", "providesConfidentiality", "encrypted"}, {"Source Authenticated", "authenticatesSource", "authenticated"},
}

func (w *drawing) attributes(names attributeNames) map[string]string {
	var all map[string]string
	for _, a := range names {
		value := w.get(a.display, a.id)
		switch strings.ToLower(value) {
		case "yes", "true":
			value = "yes"
		case "no", "false":
			value = "no"
		}
		if all[a.name] != "" || value != "yes" && value != "no" {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[a.name] = value
	}
	return all
}

// extra keeps the type and the properties that say something.
func (w *drawing) extra() model.Extra {
	kept := struct {
		Type       string            `json:"type,omitempty"`
		Stencil    string            `json:"stencil,omitempty"`
		Properties map[string]string `json:"properties,omitempty"`
	}{Type: w.typeID, Stencil: w.label, Properties: map[string]string{}}
	for _, p := range w.properties {
		switch {
		case p.value == "" || p.name == outOfScope || p.name == outOfScopeReason || p.display == "Dataflow Order" && p.value == "0":
		default:
			kept.Properties[cmp.Or(p.display, p.name)] = p.value
		}
	}
	return extra(kept)
}

func (r *reader) flow(w *drawing, diagram model.DiagramID, ends map[string]model.ElementID) {
	at := w.e.At(r.Opts)
	f := model.Flow{
		ID: w.id, Diagram: diagram, Attributes: w.attributes(flowAttributes), Extra: w.extra(),
		OutOfScope: strings.EqualFold(w.get(outOfScope, "Out Of Scope"), "true"),
	}
	if f.OutOfScope {
		f.OutOfScopeReason = w.get(outOfScopeReason, "Reason For Out Of Scope")
	}
	f.From, f.FromPoint = r.end(w, ends, "Source")
	f.To, f.ToPoint = r.end(w, ends, "Target")
	otherwise := cmp.Or(w.label, "Flow")
	if a, b := r.names[f.From], r.names[f.To]; a != "" && b != "" {
		otherwise = a + " to " + b
	}
	f.Name = r.Named(w.name, otherwise, at)
	if l := stencilWords(w); l != "" && l != "Request" && l != "Response" {
		f.Protocol = l
	}
	if middle := w.middle(); middle != nil {
		f.Vertices = []model.Point{*middle}
	}
	r.Model.Flows = append(r.Model.Flows, f)
	r.names[w.id] = f.Name
	r.Out.Counts.Flow++
}

// end resolves an end of a flow; one that joins nothing is loose where it is drawn.
func (r *reader) end(w *drawing, ends map[string]model.ElementID, side string) (model.ElementID, *model.Point) {
	guid := w.e.Child(side + "Guid").Text()
	if id, ok := ends[guid]; ok {
		return id, nil
	}
	point := w.point(side+"X", side+"Y")
	where := reading.Where("flow", w.id, reading.Line(w.name))
	if guid == "" || guid == noGUID {
		r.Note(imported.Guess, w.e.At(r.Opts), where, "its %s joins nothing; the end is loose", strings.ToLower(side))
	} else {
		r.Note(imported.Refused, cmpElement(w.e.Child(side+"Guid"), w.e).At(r.Opts), where, "its %s %q is no element of this diagram; the end is loose", strings.ToLower(side), guid)
	}
	return "", point
}

func cmpElement(a, b *xmltree.Element) *xmltree.Element {
	if a != nil {
		return a
	}
	return b
}

// curve returns the point of the drawn curve at t, 0 to 1: a line bent towards its handle.
func curve(s, h, e model.Point, t float64) model.Point {
	a, b, c := (1-t)*(1-t), 2*t*(1-t), t*t
	return model.Point{X: a*s.X + b*h.X + c*e.X, Y: a*s.Y + b*h.Y + c*e.Y}
}

// middle is the point in the middle of a drawn curve, nil where it is straight.
func (w *drawing) middle() *model.Point {
	s, h, e := w.point("SourceX", "SourceY"), w.point("HandleX", "HandleY"), w.point("TargetX", "TargetY")
	if s == nil || h == nil || e == nil || *h == (model.Point{}) {
		return nil
	}
	m, straight := curve(*s, *h, *e, 0.5), curve(*s, model.Point{X: (s.X + e.X) / 2, Y: (s.Y + e.Y) / 2}, *e, 0.5)
	if dx, dy := m.X-straight.X, m.Y-straight.Y; dx*dx+dy*dy < 9 {
		return nil
	}
	return &m
}

func (r *reader) line(w *drawing, diagram model.DiagramID) {
	k := model.Curve{ID: w.id, Diagram: diagram, Name: reading.Line(cmp.Or(w.name, w.label)), Extra: w.extra()}
	s, h, e := w.point("SourceX", "SourceY"), w.point("HandleX", "HandleY"), w.point("TargetX", "TargetY")
	switch {
	case s == nil || e == nil:
		r.Note(imported.Guess, w.e.At(r.Opts), "boundary "+w.guid, "has no place in the diagram")
	case h == nil:
		k.Points = []model.Point{*s, *e}
	default:
		for _, t := range []float64{0, 0.25, 0.5, 0.75, 1} {
			k.Points = append(k.Points, curve(*s, *h, *e, t))
		}
	}
	r.Model.Curves = append(r.Model.Curves, k)
	r.names[w.id] = k.Name
	r.Out.Counts.Boundary++
}
