package pytm

import (
	"slices"

	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
)

// document is a file by its parts, in whatever form it has them.
type document struct {
	root                              jsontree.Value // what is said of the model itself
	elements, flows, boundaries, data []jsontree.Value
}

// classKeys are the keys under which the forms name the class of an object: what
// --json prints and pytm.load reads, the template, and the list of old.
var classKeys = []string{"__class__", "type", "Element"}

// classOf is the name of an object's class; "" where it does not say.
func classOf(v jsontree.Value) string { return classValue(v).Text() }

func classValue(v jsontree.Value) jsontree.Value {
	for _, key := range classKeys {
		if class := v.Get(key); class.Exists() && (key != "type" || isClass(class.Text())) {
			return class
		}
	}
	return jsontree.Value{}
}

// isClass reports whether a word is the name of a class of elements.
func isClass(word string) bool {
	_, ok := classes[word]
	return ok && word != ""
}

// isTemplate knows pytm's template of a model: elements with a type, flows between
// their names. Every element must say a class, so that no other tool's file is taken.
func isTemplate(root jsontree.Value) bool {
	elements, flows := root.Get("elements").Items(), root.Get("flows").Items()
	if len(elements) == 0 || !root.Get("name").Exists() || !root.Get("flows").Array() {
		return false
	}
	names := map[string]bool{}
	for _, e := range elements {
		if !isClass(e.Get("type").Text()) || e.Get("name").Text() == "" {
			return false
		}
		names[e.Get("name").Text()] = true
	}
	return !slices.ContainsFunc(flows, func(f jsontree.Value) bool {
		return !names[nameOf(f.Get("source"))] || !names[nameOf(sink(f))]
	})
}

// isList knows the list of old, in which each object says its class as "Element"
// and one of them is the model.
func isList(root jsontree.Value) bool {
	if !root.Array() {
		return false
	}
	models := 0
	for _, v := range root.Items() {
		switch class := v.Get("Element").Text(); {
		case class == "TM":
			models++
		case !isClass(class) && class != "Boundary" && class != "Dataflow" && class != "Data":
			return false
		}
	}
	return models == 1
}

// sink is where a flow goes to; the template calls it its target.
func sink(flow jsontree.Value) jsontree.Value {
	if v := flow.Get("sink"); v.Exists() {
		return v
	}
	return flow.Get("target")
}

// nameOf is what a reference names: a text, or {"$ref": "..."}.
func nameOf(v jsontree.Value) string {
	if v.Object() {
		v = v.Get("$ref")
	}
	return v.Text()
}

// parts parts the file.
func (r *reader) parts(root jsontree.Value) document {
	if !isList(root) {
		return document{
			root: root, flows: r.objects(root, "flows"), boundaries: r.objects(root, "boundaries"), data: r.objects(root, "data"),
			elements: slices.Concat(r.objects(root, "actors"), r.objects(root, "assets"), r.objects(root, "elements")),
		}
	}
	d := document{}
	for _, v := range root.Items() {
		if id := v.Get("id").Text(); id != "" {
			r.ids[id] = v.Get("name").Text()
		}
		switch v.Get("Element").Text() {
		case "TM":
			d.root = v
		case "Boundary":
			d.boundaries = append(d.boundaries, v)
		case "Dataflow":
			d.flows = append(d.flows, v)
		case "Data":
			d.data = append(d.data, v)
		default:
			d.elements = append(d.elements, v)
		}
	}
	return d
}

// refers is the name of the thing that a value refers to: by name, or by the id of
// the list of old.
func (r *reader) refers(v jsontree.Value) string {
	name := nameOf(v)
	if v.Object() && r.ids[name] != "" {
		name = r.ids[name]
	}
	return reading.Line(name)
}
