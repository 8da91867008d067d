package threatdragon

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

type diagramReader struct {
	*reader
	diagram *model.Diagram
	index   int                        // of the diagram in the file
	byID    map[string]model.ElementID // the file's cell id -> ours, in this diagram
	ends    map[model.ElementID]string // the names of what a flow may join
	unnamed int
}

// cells reads the cells and returns the list that stands for them in the
// diagram's Extra: an element's id, or the whole cell where it is no element.
func (r *diagramReader) cells(raws []jsontree.Value, version int) json.RawMessage {
	list := make([]json.RawMessage, len(raws))
	cells := make([]cell, len(raws))
	ids := make([]model.ElementID, len(raws))
	for i, raw := range raws {
		cells[i] = newCell(raw, version)
		cells[i].index = i
		if cells[i].kind == unknown {
			list[i] = raw.Raw()
			r.note(imported.Refused, raw, r.where(), "cell %q has the unknown shape %q; it is kept in the file and is not in the model",
				cells[i].id, raw.Get("shape").Text()+raw.Get("type").Text())
			continue
		}
		ids[i] = r.element(cells[i], i)
		list[i] = quoted(string(ids[i]))
	}
	for i, c := range cells {
		if c.kind != unknown && c.kind != flow {
			r.node(c, ids[i])
		}
	}
	for i, c := range cells {
		if c.kind == flow {
			r.flow(c, ids[i])
		}
	}
	if r.unnamed > 0 {
		r.note(imported.Guess, r.drawn["diagram/"+string(r.diagram.ID)], r.where(), "%s named here after what it is or joins", plural(r.unnamed, "element has no name and is", "elements have no name and are"))
	}
	return joined(list)
}

func (r *diagramReader) where() string { return "diagram " + string(r.diagram.ID) }

// element returns the id of a cell: the file's, or a derived one where the file
// has none or uses it twice, as it does after "duplicate diagram".
func (r *diagramReader) element(c cell, index int) model.ElementID {
	own := c.prop(OwnKey)
	id := model.ElementID(c.id)
	if given := model.ElementID(own.Get("id").Text()); given != "" && !r.elements[given] {
		id = given
	}
	if id == "" || r.elements[id] {
		base := []string{string(r.m.Product.ID), string(r.diagram.ID), c.id}
		if c.id == "" {
			base = append(base, fmt.Sprint(index))
		}
		for id = model.ElementID(model.DeriveID("cell", base...)); r.elements[id]; id = model.ElementID(model.DeriveID("cell", base...)) {
			base = append(base, "again")
		}
		if c.id == "" {
			r.note(imported.Guess, c.raw, r.where(), "cell %d has no id; it is called %s here", index+1, id)
		} else {
			r.note(imported.Guess, c.raw.Get("id"), r.where(), "the id %q of a cell is already taken; this one is called %s here", c.id, id)
		}
	}
	r.elements[id] = true
	r.sited(string(id), r.index, ".", index)
	r.drawn["element/"+string(id)] = c.raw
	if own.Object() {
		r.own["element/"+string(id)] = own
	}
	if c.id != "" {
		if _, taken := r.byID[c.id]; !taken {
			r.byID[c.id] = id
		}
	}
	return id
}

// dataKeys are the keys of a cell's properties that are understood or derived.
var dataKeys = []string{
	"type", "name", "description", "isTrustBoundary", "hasOpenThreats", "outOfScope", "reasonOutOfScope", "threats",
	"isBidirectional", "protocol", "trustBoundaryIds", "crossingFlows", "containedElements", "threatFrequency",
}

// cellKeys are those of a cell itself, of both versions.
var cellKeys = []string{
	"id", "shape", "type", "zIndex", "z", "visible", "attrs", "data", "position", "size", "x", "y", "angle", "ports", "source", "target",
	"vertices", "labels", "label", "connector", "width", "height", "smooth", "tools", "threats",
}

func (r *diagramReader) node(c cell, id model.ElementID) {
	r.known(c)
	name := c.name()
	description := c.props.Get("description").Text()
	switch c.kind {
	case box:
		r.out.Counts.Boundary++
		z := model.Zone{ID: id, Diagram: r.diagram.ID, Name: r.named(name, "Trust zone"), Description: description, Box: c.box()}
		z.Extra = model.Extra{Key: r.keep(c, id, z.Name)}
		r.m.Zones = append(r.m.Zones, z)
		r.ends[id] = z.Name
	case curve:
		r.out.Counts.Boundary++
		k := model.Curve{ID: id, Diagram: r.diagram.ID, Name: name, Description: description, Points: c.points()}
		k.Extra = model.Extra{Key: r.keep(c, id, k.Name)}
		r.m.Curves = append(r.m.Curves, k)
	case text:
		r.out.Counts.Text++
		words := c.props.Get("name").Text()
		if words == "" {
			words = attrsText(c.raw.Get("attrs"))
		}
		t := model.TextBlock{ID: id, Diagram: r.diagram.ID, Text: words, Box: c.box()}
		t.Extra = model.Extra{Key: r.keep(c, id, "text")}
		r.m.Texts = append(r.m.Texts, t)
	default:
		r.component(c, id, name, description)
	}
}

func (r *diagramReader) component(c cell, id model.ElementID, name, description string) {
	k := model.Component{
		ID: id, Diagram: r.diagram.ID, Description: description, Box: c.box(), Attributes: c.attributes(),
		OutOfScope: c.prop("outOfScope").Bool(), OutOfScopeReason: c.prop("reasonOutOfScope").Text(),
	}
	switch c.kind {
	case actor:
		k.Kind, k.Name = model.Actor, r.named(name, "Actor")
		r.out.Counts.Actor++
	case process:
		k.Kind, k.Name = model.Process, r.named(name, "Process")
		r.out.Counts.Process++
	default:
		k.Kind, k.Name = model.Store, r.named(name, "Store")
		r.out.Counts.Store++
	}
	if r.opts.GuessType != nil {
		k.Type = r.opts.GuessType(k.Kind, k.Name, k.Attributes)
	}
	if k.Type != "" {
		r.note(imported.Guess, c.raw, fmt.Sprintf("component %s (%s)", id, k.Name), "the type %q is chosen by the name and properties", k.Type)
	} else {
		r.out.TypeHints = append(r.out.TypeHints, imported.TypeHint{Element: id, Kind: k.Kind, Words: hintWords(k.Name, k.Attributes)})
	}
	k.Extra = model.Extra{Key: r.keep(c, id, k.Name)}
	if k.Type != "" {
		k.Extra[guessKey] = quoted(k.Type)
	}
	r.m.Components = append(r.m.Components, k)
	r.ends[id] = k.Name
}

func hintWords(name string, attributes map[string]string) []string {
	words := strings.Fields(strings.ToLower(name))
	for _, a := range slices.Sorted(maps.Keys(attributes)) {
		if attributes[a] == "yes" {
			words = append(words, a)
		}
	}
	return words
}

func (r *diagramReader) flow(c cell, id model.ElementID) {
	r.known(c)
	r.out.Counts.Flow++
	f := model.Flow{
		ID: id, Diagram: r.diagram.ID, Name: c.name(), Description: c.props.Get("description").Text(), Vertices: c.vertices(),
		Bidirectional: c.prop("isBidirectional").Bool(), Protocol: oneLine(c.prop("protocol").Text()), Attributes: c.attributes(),
		OutOfScope: c.prop("outOfScope").Bool(), OutOfScopeReason: c.prop("reasonOutOfScope").Text(),
	}
	f.From, f.FromPoint = r.end(c, id, "source")
	f.To, f.ToPoint = r.end(c, id, "target")
	if f.Name == "" {
		r.unnamed++
		f.Name = r.called(f.From, f.To)
	}
	f.Extra = model.Extra{Key: r.keep(c, id, f.Name)}
	r.m.Flows = append(r.m.Flows, f)
}

// called returns what a flow without a name is called.
func (r *diagramReader) called(from, to model.ElementID) string {
	if from, to := r.ends[from], r.ends[to]; from != "" && to != "" {
		return from + " to " + to
	}
	return "Flow"
}

// end resolves an end of a flow. One that names no component of the diagram becomes loose.
func (r *diagramReader) end(c cell, id model.ElementID, key string) (model.ElementID, *model.Point) {
	e := c.end(key)
	if e.cell == "" {
		return "", e.point
	}
	at, ok := r.byID[e.cell]
	if _, joins := r.ends[at]; ok && joins {
		return at, nil
	}
	why := "does not exist in this diagram"
	if ok {
		why = "is no component"
	}
	r.note(imported.Guess, c.raw.Get(key), fmt.Sprintf("flow %s (%s)", id, c.name()), "its %s %q %s; the end is loose", key, e.cell, why)
	return "", nil
}

func (c cell) points() []model.Point {
	var points []model.Point
	if e := c.end("source"); e.point != nil {
		points = append(points, *e.point)
	}
	points = append(points, c.vertices()...)
	if e := c.end("target"); e.point != nil {
		points = append(points, *e.point)
	}
	return points
}

func (r *diagramReader) named(name, otherwise string) string {
	if name != "" {
		return name
	}
	r.unnamed++
	return otherwise
}

func (r *diagramReader) known(c cell) {
	properties := slices.Clone(dataKeys)
	for _, list := range attributes {
		for _, a := range list {
			properties = append(properties, a.property)
		}
	}
	if c.raw.Get("data").Object() {
		r.unknownKeys("data", c.raw.Get("data"), properties...)
		r.unknownKeys("cell", c.raw, cellKeys...)
		return
	}
	r.unknownKeys("cell", c.raw, append(properties, cellKeys...)...)
}

// keep reads the threats of a cell, in data and on the cell, and returns the cell
// as written with the ids of its threats in their places and without our own key.
func (r *diagramReader) keep(c cell, id model.ElementID, name string) json.RawMessage {
	with := map[string]json.RawMessage{OwnKey: nil}
	r.misshapen(c.raw, "data", "an object", jsontree.Value.Object, place(id, name))
	r.wordless(c.props, place(id, name), "name", "description", "reasonOutOfScope", "protocol")
	r.misshapen(c.raw, "threats", "a list", jsontree.Value.Array, place(id, name))
	number := func(v jsontree.Value) bool { _, ok := v.Number(); return ok }
	for _, key := range []string{"x", "y"} {
		r.misshapen(c.raw.Get("position"), key, "a number", number, place(id, name))
	}
	for _, key := range []string{"width", "height"} {
		r.misshapen(c.raw.Get("size"), key, "a number", number, place(id, name))
	}
	if data := c.raw.Get("data"); data.Object() {
		r.misshapen(data, "threats", "a list", jsontree.Value.Array, place(id, name))
		inData := map[string]json.RawMessage{OwnKey: nil}
		if data.Get("threats").Array() {
			inData["threats"] = r.threatsOf(data.Get("threats"), c, ".data.", id, name)
		}
		with["data"] = data.Replace(inData)
	}
	if threats := c.raw.Get("threats"); threats.Array() {
		with["threats"] = r.threatsOf(threats, c, ".", id, name)
	}
	return c.raw.Replace(with)
}
