package threatdragon

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// thing is an element of a diagram on its way into a cell; one of the pointers is set, but for the product.
type thing struct {
	id    model.ElementID
	extra model.Extra
	node  *jsontree.Node
	fresh bool // the file had no cell for it

	diagram model.DiagramID // where all below are nil: of the product itself

	zone      *model.Zone
	component *model.Component
	flow      *model.Flow
	curve     *model.Curve
	text      *model.TextBlock
}

func (t *thing) kind() kind {
	switch {
	case t.zone != nil:
		return box
	case t.flow != nil:
		return flow
	case t.curve != nil:
		return curve
	case t.text != nil:
		return text
	case t.component.Kind == model.Actor:
		return actor
	case t.component.Kind == model.Process:
		return process
	}
	return store
}

// list tells things apart whose order among each other the model keeps.
func (t *thing) list() kind {
	if t.component != nil {
		return process
	}
	return t.kind()
}

// things returns the elements of a diagram in the order of the model.
func (w *writer) things(d model.DiagramID) []*thing {
	m := w.drawn
	var all []*thing
	for i := range m.Zones {
		if z := &m.Zones[i]; z.Diagram == d {
			all = append(all, &thing{id: z.ID, extra: z.Extra, zone: z})
		}
	}
	for i := range m.Components {
		if c := &m.Components[i]; c.Diagram == d {
			all = append(all, &thing{id: c.ID, extra: c.Extra, component: c})
		}
	}
	for i := range m.Curves {
		if c := &m.Curves[i]; c.Diagram == d {
			all = append(all, &thing{id: c.ID, extra: c.Extra, curve: c})
		}
	}
	for i := range m.Texts {
		if t := &m.Texts[i]; t.Diagram == d {
			all = append(all, &thing{id: t.ID, extra: t.Extra, text: t})
		}
	}
	for i := range m.Flows {
		if f := &m.Flows[i]; f.Diagram == d {
			all = append(all, &thing{id: f.ID, extra: f.Extra, flow: f})
		}
	}
	return all
}

// diagramNode returns a diagram with its cells.
func (w *writer) diagramNode(d *model.Diagram, index int) (*jsontree.Node, error) {
	kept := keptOf(d.Extra)
	n := kept.Edit()
	methodology := d.Methodology
	if len(methodology) < 3 { // Threat Dragon takes none; STRIDE is what it assumes
		methodology = "STRIDE"
	}
	if n == nil {
		w.added = true
		n = jsontree.NewObject()
		n.Set("id", jsontree.Number(float64(w.nextDiagram(d.ID))))
		n.Set("title", jsontree.String(d.Title))
		n.Set("diagramType", jsontree.String(methodology))
		n.Set("placeholder", jsontree.String(""))
		n.Set("thumbnail", jsontree.String(thumbnail(d.Methodology)))
		n.Set("version", jsontree.String(written))
	}
	before, _ := cellsOf(kept)
	old := before == 1 || before == 0 && w.old
	list := n.Get("cells").Items()
	if old && kept.Exists() {
		list = n.Get("diagramJson", "cells").Items()
		stripHash(n)
		if d := n.Get("diagramJson"); d.Object() {
			if d.Delete("cells"); d.Len() == 0 {
				n.Delete("diagramJson")
			}
		}
		n.Set("version", jsontree.String(written))
		n.Set("diagramType", jsontree.String(methodology))
		if n.Get("thumbnail") == nil {
			n.Set("thumbnail", jsontree.String(thumbnail(d.Methodology)))
		}
	}
	title := oneLine(n.Get("title").Text())
	if title == "" {
		title = "Diagram " + string(d.ID)
	}
	setText(n, "title", title, d.Title)
	setText(n, "description", n.Get("description").Text(), d.Description)
	if base := n.Get("diagramType").Text(); base != d.Methodology && !(base == "" && d.Methodology == "STRIDE") {
		n.Set("diagramType", jsontree.String(methodology))
	}
	things := w.things(d.ID)
	bases := w.bases(d, things, old)
	for _, t := range things {
		bases.patch(w, t)
	}
	w.threatsBeside(n, things, index, old)
	strange := kept.Get("cells").Exists() && !kept.Get("cells").Null() && !kept.Get("cells").Array() // stays as written while nothing is drawn
	if cells := w.arrange(list, things, index); cells.Len() > 0 || n.Get("cells") != nil && !strange || !kept.Exists() || old {
		n.Set("cells", cells)
	}
	w.slots = append(w.slots, slot{kind: "diagram/", id: string(d.ID), path: strconv.Itoa(index), node: n, own: own{Made: w.made[d.ID]}})
	return n, nil
}

// nextDiagram returns the id, which Threat Dragon wants to be a number, of a new diagram.
func (w *writer) nextDiagram(id model.DiagramID) int {
	if n, err := strconv.Atoi(string(id)); err == nil && n >= w.diagram && n < 1e9 {
		w.diagram = n
	}
	w.diagram++
	return w.diagram - 1
}

// thumbnail names the picture of a methodology. Threat Dragon shows no page of a
// model with a picture that it does not have.
func thumbnail(methodology string) string {
	name := strings.ToLower(methodology)
	switch name {
	case "cia", "die", "eop", "linddun", "plot4ai", "stride":
		name = "." + name
	case "ciadie":
		name = ".die"
	case "":
		name = ".stride"
	default:
		name = ""
	}
	return "./public/content/images/thumbnail" + name + ".jpg"
}

// arrange puts the cells where they stood in the file. Things of one kind follow
// each other as in the model; new ones come last.
func (w *writer) arrange(list []*jsontree.Node, things []*thing, index int) *jsontree.Node {
	waiting := map[kind][]*thing{}
	here := make(map[string]*thing, len(things))
	for _, t := range things {
		waiting[t.list()] = append(waiting[t.list()], t)
		here[string(t.id)] = t
	}
	cells := jsontree.NewList()
	put := func(t *thing) {
		path := fmt.Sprint(index, ".", cells.Len())
		cells.Append(t.node)
		w.slots = append(w.slots, slot{kind: "element/", id: string(t.id), path: path, node: t.node})
		w.threatsOf(t, path)
	}
	for _, entry := range list {
		if !entry.IsText() {
			cells.Append(entry) // a cell that is no element
			continue
		}
		t := here[entry.Text()]
		if t == nil {
			continue // deleted, or in another diagram now
		}
		next := waiting[t.list()]
		waiting[t.list()] = next[1:]
		put(next[0])
	}
	for _, k := range []kind{box, process, curve, text, flow} {
		for _, t := range waiting[k] {
			put(t)
		}
	}
	return cells
}

// stripHash takes out what AngularJS left in files of version 1.
func stripHash(n *jsontree.Node) {
	if n == nil {
		return
	}
	n.Delete("$$hashKey")
	for _, key := range n.Keys() {
		stripHash(n.Get(key))
	}
	for _, item := range n.Items() {
		stripHash(item)
	}
}
