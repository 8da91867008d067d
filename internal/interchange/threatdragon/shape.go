package threatdragon

import (
	"slices"

	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// shapes and dataTypes are the words that version 2 uses for the kinds.
var shapes = map[kind]string{
	actor: "actor", process: "process", store: "store", flow: "flow", box: "trust-boundary-box", curve: "trust-boundary-curve", text: "td-text-block",
}

var dataTypes = map[kind]string{
	actor: "tm.Actor", process: "tm.Process", store: "tm.Store", flow: "tm.Flow", box: "tm.BoundaryBox", curve: "tm.Boundary", text: "tm.Text",
}

// object makes an object of keys and values.
func object(pairs ...any) *jsontree.Node {
	n := jsontree.NewObject()
	for i := 0; i+1 < len(pairs); i += 2 {
		var v *jsontree.Node
		switch x := pairs[i+1].(type) {
		case *jsontree.Node:
			v = x
		case string:
			v = jsontree.String(x)
		case bool:
			v = jsontree.Bool(x)
		case float64:
			v = jsontree.Number(x)
		default:
			v = jsontree.Null()
		}
		n.Set(pairs[i].(string), v)
	}
	return n
}

// look is how version 2 draws a kind.
func look(k kind, name *jsontree.Node) *jsontree.Node {
	stroke := func() *jsontree.Node { return object("stroke", "#333333", "strokeWidth", 1.0, "strokeDasharray", nil) }
	switch k {
	case store:
		return object("text", object("text", name), "topLine", stroke(), "bottomLine", stroke())
	case flow:
		return object("line", object("stroke", "#333333", "strokeWidth", 1.0, "strokeDasharray", nil,
			"sourceMarker", object("name", ""), "targetMarker", object("name", "block")))
	case curve:
		return object("line", object("stroke", "#333333", "strokeWidth", 3.0, "strokeDasharray", "5 5", "sourceMarker", "", "targetMarker", ""))
	case box:
		return object("label", object("text", name))
	case text:
		return object("text", object("text", name))
	}
	return object("text", object("text", name), "body", stroke())
}

// template returns an empty cell of version 2.
func template(k kind, id string) *jsontree.Node {
	n := jsontree.NewObject()
	data := object("type", dataTypes[k], "name", "", "description", "")
	switch k {
	case box, curve:
		data.Set("isTrustBoundary", jsontree.Bool(true))
	case text:
	default:
		data.Set("outOfScope", jsontree.Bool(false))
		data.Set("reasonOutOfScope", jsontree.String(""))
	}
	if k == flow {
		data.Set("isBidirectional", jsontree.Bool(false))
		data.Set("protocol", jsontree.String(""))
	}
	data.Set("hasOpenThreats", jsontree.Bool(false))
	if k == actor || k == process || k == store || k == flow {
		data.Set("threats", jsontree.NewList())
	}
	if k == flow || k == curve {
		n.Set("shape", jsontree.String(shapes[k]))
		n.Set("attrs", look(k, nil))
		n.Set("width", jsontree.Number(200))
		n.Set("height", jsontree.Number(100))
		n.Set("zIndex", jsontree.Number(10))
		n.Set("connector", jsontree.String("smooth"))
		n.Set("data", data)
		n.Set("id", jsontree.String(id))
		n.Set("source", object("x", 0.0, "y", 0.0))
		n.Set("target", object("x", 0.0, "y", 0.0))
		return n
	}
	n.Set("position", object("x", 0.0, "y", 0.0))
	n.Set("size", object("width", 0.0, "height", 0.0))
	n.Set("attrs", look(k, jsontree.String("")))
	n.Set("visible", jsontree.Bool(true))
	n.Set("shape", jsontree.String(shapes[k]))
	n.Set("zIndex", jsontree.Number(0))
	n.Set("id", jsontree.String(id))
	n.Set("data", data)
	return n
}

// cellID is the id that a new cell gets: Threat Dragon takes none of one character.
func cellID(id model.ElementID) string {
	if len(id) < 2 {
		return "cell-" + string(id)
	}
	return string(id)
}

// reshape makes a cell of another kind of component.
func reshape(t *thing) {
	k := t.kind()
	name := t.node.Get("attrs", "text", "text")
	if name == nil {
		name = jsontree.String(t.component.Name)
	}
	t.node.Set("shape", jsontree.String(shapes[k]))
	t.node.Set("attrs", look(k, name))
	dataOf(t.node).Set("type", jsontree.String(dataTypes[k]))
	t.node.Delete("type") // what version 1 said
}

// drawing are the keys of a cell of version 1 that say how it is drawn; all
// others are properties, known ones and others, which version 2 has in data.
var drawing = []string{"type", "size", "position", "angle", "id", "z", "attrs", "smooth", "source", "target", "vertices", "labels", "embeds", "parent"}

// convert makes a cell of version 1 one of version 2 and loses nothing that
// Threat Dragon's own conversion loses: properties, unknown keys and ids stay,
// and a name does not grow by its protocol.
func convert(old *jsontree.Node, k kind) *jsontree.Node {
	stripHash(old)
	c := newCell(old.Value(), 1)
	n := jsontree.NewObject()
	move := func(key, as string) {
		if v := old.Get(key); v != nil {
			n.Set(as, v)
		}
	}
	name := old.Get("attrs", "text", "text")
	if name == nil {
		name = jsontree.String(c.name())
	}
	line := k == flow || k == curve
	if !line {
		move("position", "position")
		move("size", "size")
		move("angle", "angle")
		n.Set("visible", jsontree.Bool(true))
	}
	n.Set("shape", jsontree.String(shapes[k]))
	n.Set("attrs", look(k, name))
	if line {
		n.Set("width", jsontree.Number(200))
		n.Set("height", jsontree.Number(100))
		n.Set("connector", jsontree.String("smooth"))
		if c.prop("isBidirectional").Bool() {
			n.SetPath(jsontree.String("block"), "attrs", "line", "sourceMarker", "name")
		}
		for _, key := range []string{"source", "target"} {
			end := old.Get(key)
			if id := end.Get("id"); id != nil {
				end = object("cell", id)
			}
			if end != nil {
				n.Set(key, end)
			}
		}
		move("vertices", "vertices")
		if labels := old.Get("labels"); labels.List() {
			named := false
			for _, l := range labels.Items() {
				if text := l.Get("attrs", "text"); text.Object() {
					named = named || text.Get("text").Text() != ""
					l.SetPath(text, "attrs", "label")
					l.Get("attrs").Delete("text")
				}
			}
			if named { // an empty label is drawn as a dash
				n.Set("labels", labels)
			}
		}
	}
	if z := old.Get("z"); z != nil {
		n.Set("zIndex", z)
	} else {
		n.Set("zIndex", jsontree.Number(0))
	}
	move("id", "id")
	data := jsontree.NewObject()
	data.Set("type", jsontree.String(dataTypes[k]))
	data.Set("name", jsontree.String(c.name()))
	for _, key := range old.Keys() {
		if !slices.Contains(drawing, key) {
			data.Set(key, old.Get(key))
		}
	}
	if k == curve || k == box {
		data.Set("isTrustBoundary", jsontree.Bool(true))
	}
	if data.Get("hasOpenThreats") == nil {
		open := slices.ContainsFunc(data.Get("threats").Items(), func(t *jsontree.Node) bool { return t.Get("status").Text() == statusWords[model.Open] })
		data.Set("hasOpenThreats", jsontree.Bool(open))
	}
	n.Set("data", data)
	return n
}
