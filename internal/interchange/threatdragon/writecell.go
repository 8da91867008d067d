package threatdragon

import (
	"math"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// bases are the elements of a diagram as their cells alone say, by id: what
// differs from them was changed since the file was read.
type bases struct {
	*diagramReader
	rawID      map[model.ElementID]string // the id of the cell, which flows name
	zones      map[model.ElementID]*model.Zone
	components map[model.ElementID]*model.Component
	flows      map[model.ElementID]*model.Flow
	curves     map[model.ElementID]*model.Curve
	texts      map[model.ElementID]*model.TextBlock
	nodes      map[model.ElementID]*jsontree.Node
}

// bases gives every thing its cell, as the file had it or a new one, and reads them.
func (w *writer) bases(d *model.Diagram, things []*thing, old bool) *bases {
	b := &bases{
		diagramReader: w.scratch(d), rawID: map[model.ElementID]string{}, nodes: map[model.ElementID]*jsontree.Node{},
		zones: map[model.ElementID]*model.Zone{}, components: map[model.ElementID]*model.Component{}, flows: map[model.ElementID]*model.Flow{},
		curves: map[model.ElementID]*model.Curve{}, texts: map[model.ElementID]*model.TextBlock{},
	}
	cells := make([]cell, len(things))
	for i, t := range things {
		kept := keptOf(t.extra)
		if kept.Exists() && sameList(newCell(kept, 2).kind, t.kind()) {
			t.node = kept.Edit()
			if old || kept.Get("shape").Null() && !kept.Get("data").Object() && kept.Get("z").Exists() {
				t.node = convert(t.node, t.kind())
			}
		} else {
			t.node, t.fresh = template(t.kind(), cellID(t.id)), true
		}
		b.nodes[t.id] = t.node
		cells[i] = newCell(t.node.Value(), 2)
		if _, taken := b.byID[cells[i].id]; taken && !strings.HasPrefix(string(t.id), "cell_") {
			// Copied in Threatloop; of two cells that had one id in the file already, the id says so.
			t.node.Set("id", jsontree.String(cellID(t.id)))
			cells[i] = newCell(t.node.Value(), 2)
		}
		if cells[i].id != "" {
			if _, taken := b.byID[cells[i].id]; !taken {
				b.byID[cells[i].id] = t.id
			}
		}
		b.rawID[t.id] = cells[i].id
	}
	for i, t := range things {
		if cells[i].kind == flow {
			continue
		}
		b.node(cells[i], t.id)
		if t.zone != nil {
			b.ends[t.id] = t.zone.Name
		} else if t.component != nil {
			b.ends[t.id] = t.component.Name
		}
	}
	for i, t := range things {
		if cells[i].kind == flow {
			b.flow(cells[i], t.id)
		}
	}
	for i := range b.m.Zones {
		b.zones[b.m.Zones[i].ID] = &b.m.Zones[i]
	}
	for i := range b.m.Components {
		b.components[b.m.Components[i].ID] = &b.m.Components[i]
	}
	for i := range b.m.Flows {
		b.flows[b.m.Flows[i].ID] = &b.m.Flows[i]
	}
	for i := range b.m.Curves {
		b.curves[b.m.Curves[i].ID] = &b.m.Curves[i]
	}
	for i := range b.m.Texts {
		b.texts[b.m.Texts[i].ID] = &b.m.Texts[i]
	}
	return b
}

// sameList reports whether cells of both kinds stand in one list of the model.
func sameList(a, b kind) bool {
	component := func(k kind) bool { return k == actor || k == process || k == store }
	return a == b || component(a) && component(b)
}

// patch writes into a thing's cell what the model says otherwise.
func (b *bases) patch(w *writer, t *thing) {
	switch {
	case t.zone != nil:
		base := b.zones[t.id]
		setName(t, base.Name, t.zone.Name)
		setData(t.node, "description", base.Description, t.zone.Description)
		setBox(t.node, base.Box, t.zone.Box)
	case t.component != nil:
		c, base := t.component, b.components[t.id]
		if base.Kind != c.Kind {
			reshape(t)
		}
		setName(t, base.Name, c.Name)
		setData(t.node, "description", base.Description, c.Description)
		setBox(t.node, base.Box, c.Box)
		setScope(t.node, base.OutOfScope, c.OutOfScope, base.OutOfScopeReason, c.OutOfScopeReason)
		setAttributes(t, base.Attributes, c.Attributes)
	case t.flow != nil:
		b.patchFlow(t)
	case t.curve != nil:
		base := b.curves[t.id]
		setName(t, base.Name, t.curve.Name)
		setData(t.node, "description", base.Description, t.curve.Description)
		if points := t.curve.Points; !slices.Equal(base.Points, points) && len(points) >= 2 {
			t.node.Set("source", endNode(points[0]))
			t.node.Set("target", endNode(points[len(points)-1]))
			setPoints(t.node, points[1:len(points)-1])
		}
	default:
		base := b.texts[t.id]
		if base.Text != t.text.Text {
			dataOf(t.node).Set("name", jsontree.String(t.text.Text))
			t.node.SetPath(jsontree.String(t.text.Text), "attrs", "text", "text")
		}
		setBox(t.node, base.Box, t.text.Box)
	}
}

func (b *bases) patchFlow(t *thing) {
	f, base := t.flow, b.flows[t.id]
	if newCell(t.node.Value(), 2).name() == "" { // it is called after what it joins, as that is called now
		base.Name = b.called(f.From, f.To)
	}
	setName(t, base.Name, f.Name)
	setData(t.node, "description", base.Description, f.Description)
	setData(t.node, "protocol", base.Protocol, f.Protocol)
	if base.Bidirectional != f.Bidirectional {
		dataOf(t.node).Set("isBidirectional", jsontree.Bool(f.Bidirectional))
		if f.Bidirectional {
			t.node.SetPath(jsontree.String("block"), "attrs", "line", "sourceMarker", "name")
		} else {
			t.node.SetPath(jsontree.String(""), "attrs", "line", "sourceMarker", "name")
		}
	}
	setScope(t.node, base.OutOfScope, f.OutOfScope, base.OutOfScopeReason, f.OutOfScopeReason)
	setAttributes(t, base.Attributes, f.Attributes)
	if !slices.Equal(base.Vertices, f.Vertices) {
		setPoints(t.node, f.Vertices)
	}
	b.setEnd(t, "source", base.From, f.From, base.FromPoint, f.FromPoint)
	b.setEnd(t, "target", base.To, f.To, base.ToPoint, f.ToPoint)
}

// setEnd moves an end of a flow. An end that stays keeps its port. One that
// nothing places any more is anchored: Threat Dragon does not open a diagram with
// a flow to a cell that is not there.
func (b *bases) setEnd(t *thing, key string, was, now model.ElementID, wasAt, at *model.Point) {
	if was == now && (wasAt == nil) == (at == nil) && (at == nil || *wasAt == *at) && !t.fresh {
		return
	}
	if node := b.nodes[now]; now != "" && node != nil {
		id := b.rawID[now]
		if id == "" {
			id = cellID(now)
			node.Set("id", jsontree.String(id))
			b.rawID[now] = id
		}
		end := jsontree.NewObject()
		end.Set("cell", jsontree.String(id))
		t.node.Set(key, end)
		return
	}
	if at == nil {
		at = &model.Point{}
		if v := t.flow.Vertices; len(v) > 0 {
			at = &v[0]
		}
	}
	t.node.Set(key, endNode(*at))
}

// endNode is where a line ends: Threat Dragon takes only whole numbers there. Adding 0 makes 0 of -0.
func endNode(p model.Point) *jsontree.Node {
	return pointNode(model.Point{X: math.Round(p.X) + 0, Y: math.Round(p.Y) + 0})
}

// minSize is the least width and height that Threat Dragon takes.
const minSize = 10

func pointNode(p model.Point) *jsontree.Node {
	n := jsontree.NewObject()
	n.Set("x", jsontree.Number(p.X))
	n.Set("y", jsontree.Number(p.Y))
	return n
}

func setPoints(n *jsontree.Node, points []model.Point) {
	list := jsontree.NewList()
	for _, p := range points {
		list.Append(pointNode(p))
	}
	n.Set("vertices", list)
}

// dataOf returns the properties of a cell; an edge that was never converted has none yet.
func dataOf(n *jsontree.Node) *jsontree.Node {
	if data := n.Get("data"); data.Object() {
		return data
	}
	c := newCell(n.Value(), 2)
	data := jsontree.NewObject()
	if c.kind != unknown {
		data.Set("type", jsontree.String(dataTypes[c.kind]))
	}
	if name := c.props.Get("name"); name.Exists() {
		data.Set("name", name.Edit())
	} else if name := c.name(); name != "" {
		data.Set("name", jsontree.String(name))
	}
	if description := c.props.Get("description"); description.Exists() {
		data.Set("description", description.Edit())
	}
	data.Set("hasOpenThreats", jsontree.Bool(false))
	n.Set("data", data)
	return data
}

func setData(n *jsontree.Node, key, base, now string) {
	if base != now {
		dataOf(n).Set(key, jsontree.String(now))
	}
}

func setScope(n *jsontree.Node, was, now bool, reason, nowReason string) {
	if was != now {
		dataOf(n).Set("outOfScope", jsontree.Bool(now))
	}
	setData(n, "reasonOutOfScope", reason, nowReason)
}

func setBox(n *jsontree.Node, base, now *model.Box) {
	if now == nil || base != nil && *base == *now {
		return
	}
	if base == nil {
		base = &model.Box{X: now.X + 1, Y: now.Y + 1, W: now.W + 1, H: now.H + 1, Z: now.Z + 1}
	}
	set := func(was, is float64, keys ...string) {
		if was != is {
			n.SetPath(jsontree.Number(is), keys...)
		}
	}
	position, size := []string{"position"}, []string{"size"}
	if n.Get("position") == nil && n.Get("size") == nil && n.Get("x") != nil {
		position, size = nil, nil // written on the cell itself, where it would win over these
	}
	set(base.X, now.X, append(position, "x")...)
	set(base.Y, now.Y, append(position, "y")...)
	set(base.W, max(now.W, minSize), append(size, "width")...)
	set(base.H, max(now.H, minSize), append(size, "height")...)
	set(float64(base.Z), float64(now.Z), "zIndex")
}

// setName writes a name where it stands and where it is drawn.
func setName(t *thing, base, now string) {
	if base == now && (!t.fresh || now == "") { // a new cell's base is only the name that the reader would give it
		return
	}
	n, name := t.node, jsontree.String(now)
	dataOf(n).Set("name", name)
	if k := t.kind(); k == flow || k == curve {
		setLabel(n, name)
		return
	}
	drawn := false
	for _, key := range []string{"headerText", "labelText", "label", "text"} {
		switch v := n.Get("attrs", key); {
		case v.Get("text") != nil:
			v.Set("text", name)
			drawn = true
		case v.IsText():
			n.Get("attrs").Set(key, name)
			drawn = true
		}
	}
	if !drawn && t.kind() == box {
		n.SetPath(name, "attrs", "label", "text")
	} else if !drawn {
		n.SetPath(name, "attrs", "text", "text")
	}
}

// setLabel writes the name of a line into the first of its labels, in the form that it has.
func setLabel(n *jsontree.Node, name *jsontree.Node) {
	labels := n.Get("labels").Items()
	if len(labels) > 0 && !labels[0].Object() {
		n.Get("labels").SetItem(0, name)
		return
	}
	if len(labels) > 0 {
		for _, key := range []string{"labelText", "label", "text"} {
			if v := labels[0].Get("attrs", key); v.Get("text") != nil {
				v.Set("text", name)
				return
			}
		}
		labels[0].SetPath(name, "attrs", "label", "text")
		return
	}
	label := jsontree.NewObject()
	label.Set("position", jsontree.Number(0.5))
	label.SetPath(name, "attrs", "label", "text")
	n.Set("labels", jsontree.NewList(label))
}

// setAttributes writes the boxes of an element that were ticked or not.
func setAttributes(t *thing, base, now map[string]string) {
	for _, a := range attributes[t.kind()] {
		was, is := base[a.name], now[a.name]
		if was == is {
			continue
		}
		data := dataOf(t.node)
		switch {
		case is == "":
			data.Delete(a.property)
			t.node.Delete(a.property)
		case a.property != "privilegeLevel" && (is == "yes" || is == "no"):
			data.Set(a.property, jsontree.Bool(is == "yes"))
		default:
			data.Set(a.property, jsontree.String(is))
		}
	}
}
