package drawio

import (
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// shape is what a vertex is drawn as.
type shape int

const (
	nothing shape = iota
	unclear       // a component of a kind that only its words can tell
	actor
	process
	store
	zone
	curve
	text
)

// types are the words of the attribute "type" or "kind" that a person may give a
// shape, in small letters only.
var types = map[string]shape{
	"process": process, "service": process, "application": process, "externalentity": actor, "external": actor, "actor": actor, "user": actor, "interactor": actor,
	"datastore": store, "store": store, "database": store, "trustboundary": zone, "trustzone": zone, "boundary": zone, "zone": zone, "text": text, "note": text,
}

// what tells what a vertex is: by what a person or IriusRisk wrote on it, then by
// its shape, then by what it holds.
func (r *reader) what(c *cell) shape {
	if s, ok := types[letters(c.attr("type", "kind"))]; ok {
		return s
	}
	switch c.style["ir.type"] {
	case "TRUSTZONE":
		return zone
	case "COMPONENT":
		return unclear
	}
	base, form := c.style[""], strings.ToLower(c.style["shape"])
	switch {
	case base == "edgeLabel":
		return nothing
	case base == "text" || form == "text" || strings.HasPrefix(form, "note"):
		if c.label == "" {
			return nothing
		}
		return text
	case form == "requiredinterface" && c.style["dashed"] == "1":
		return curve
	case isStore(c):
		return store
	case form == "umlactor" || form == "actor" || strings.Contains(form, "person") || strings.HasSuffix(form, ".user") || strings.HasSuffix(form, ".users"):
		return actor
	case isEllipse(c):
		return process
	case isZone(c) || r.frames[c]:
		return zone
	case base == "group" && c.children > 0:
		return nothing
	case form != "" && form != "rectangle" && form != "label" && form != "ext" || c.style["image"] != "" || base == "image":
		if c.label == "" && !r.page.joined[c.id] {
			return nothing // a picture that stands for itself
		}
		return unclear
	case c.label == "" && !r.page.joined[c.id]:
		return nothing
	case r.notated && c.style["rounded"] != "1":
		return actor // among ellipses and open rectangles a plain one stands for who is outside
	}
	return unclear
}

func isEllipse(c *cell) bool {
	base, form := c.style[""], strings.ToLower(c.style["shape"])
	return base == "ellipse" || form == "ellipse" || form == "doubleellipse" || base == "doubleEllipse" || strings.HasSuffix(form, ".process") && strings.Contains(form, "dfd")
}

func isStore(c *cell) bool {
	form := strings.ToLower(c.style["shape"])
	switch form {
	case "partialrectangle", "datastore", "cylinder", "cylinder2", "cylinder3", "mxgraph.flowchart.database", "mxgraph.flowchart.direct_data", "mxgraph.flowchart.stored_data":
		return true
	}
	return strings.Contains(form, "database") || strings.Contains(form, "datastore") || strings.Contains(form, "data_store")
}

// isZone knows dashed boxes, lanes and containers with something in them, and
// boxes whose label says that they are a boundary.
func isZone(c *cell) bool {
	return c.style["dashed"] == "1" || boundaryWords(c.label) || c.children > 0 && isFrame(c)
}

// isFrame knows what is made to hold other shapes: lanes, containers, and the
// frames of the icon libraries, such as a cloud, a network or a subnet.
func isFrame(c *cell) bool {
	return c.style[""] == "swimlane" || c.style["shape"] == "swimlane" || c.style["container"] == "1" || strings.Contains(c.style["shape"], "group")
}

// maxFrames bounds the boxes that are looked at as zones: each is compared with every shape.
const maxFrames = 500

// frame finds the plain boxes that are drawn around other shapes and that no line
// joins: people draw zones so who know no notation.
func (r *reader) frame() {
	r.frames = map[*cell]bool{}
	type placed struct {
		*cell
		model.Box
	}
	var boxes, shapes []placed
	for _, c := range r.page.cells {
		if !c.vertex || !c.boxed || c.label == "" || c.parent != nil && c.parent.edge {
			continue
		}
		what := r.what(c)
		if what != unclear && what != actor && what != process && what != store {
			continue
		}
		b := placed{c, c.place()}
		shapes = append(shapes, b)
		_, said := types[letters(c.attr("type", "kind"))]
		if form := c.style["shape"]; !said && !r.page.joined[c.id] && (what == unclear || what == actor) && (form == "" || form == "rectangle") && c.style["image"] == "" && c.style["ir.type"] == "" && len(boxes) < maxFrames {
			boxes = append(boxes, b)
		}
	}
	for _, b := range boxes {
		r.frames[b.cell] = slices.ContainsFunc(shapes, func(s placed) bool {
			return s.cell != b.cell && s.X >= b.X && s.Y >= b.Y && s.X+s.W <= b.X+b.W && s.Y+s.H <= b.Y+b.H && 2*s.W*s.H <= b.W*b.H
		})
	}
}

func boundaryWords(label string) bool {
	words := " " + strings.ReplaceAll(model.Slug(label), "-", " ") + " "
	for _, w := range []string{" trust boundary ", " trust zone ", " boundary ", " trustzone "} {
		if strings.Contains(words, w) {
			return true
		}
	}
	return false
}

// untrusted reports whether a zone's name says that anybody is in it.
func untrusted(name string) bool {
	words := " " + strings.ReplaceAll(model.Slug(name), "-", " ") + " "
	for _, w := range []string{" internet ", " public internet ", " untrusted "} {
		if strings.Contains(words, w) {
			return true
		}
	}
	return false
}

// words are those by which the library may know the shape: IriusRisk's definition
// and the last word of a shape of one of the icon libraries.
func words(c *cell) []string {
	var all []string
	if ref := c.style["ir.componentDefinition.ref"]; ref != "" {
		ref = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(ref, "CD-"), "V2-"), "v2-")
		all = append(all, strings.ReplaceAll(model.Slug(ref), "-", " "))
	}
	for _, key := range []string{"resIcon", "shape", "grIcon", "prIcon"} {
		form := c.style[key]
		if i := strings.LastIndexByte(form, '.'); i >= 0 && !strings.HasSuffix(form, ".resourceIcon") && !strings.HasSuffix(form, ".productIcon") {
			all = append(all, strings.ReplaceAll(model.Slug(form[i+1:]), "-", " "))
		}
	}
	return all
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}
