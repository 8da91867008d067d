// Package drawio reads drawings of draw.io (diagrams.net) as data-flow diagrams:
// the shapes of the usual notations (ellipse, rectangle, open rectangle or
// cylinder, dashed box), IriusRisk's own marks, and for everything else the words
// of labels and shapes. A drawing says little about threats, so nearly all that
// comes out is a guess, and noted as one.
//
// Format: the cells of mxGraph as draw.io saves them; a page may be deflated.
package drawio

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which own attributes of shapes are kept.
const Key = "drawio"

// What takes time by the product with what is drawn.
const (
	maxBoundaries = 2_000
	maxPoints     = 40_000
)

// Detect reports whether the element is the root of a drawing.
func Detect(root *xmltree.Element) bool {
	return root != nil && (root.Name == "mxfile" || root.Name == "mxGraphModel")
}

type reader struct {
	*reading.Builder
	page    *page
	diagram model.DiagramID
	ids     map[*cell]model.ElementID
	ends    map[model.ElementID]string // names of what a flow may join
	sites   map[model.ElementID]string // where zones and components stand in the file
	frames  map[*cell]bool             // plain boxes of the page that are drawn around other shapes
	notated bool                       // the page uses the shapes of a data-flow diagram
	points  int
}

// Read returns the model of a drawing. Each page is a diagram.
func Read(root *xmltree.Element, opts imported.Options) (*imported.Import, error) {
	all, err := pages(root, opts)
	if err != nil {
		return nil, err
	}
	r := &reader{Builder: reading.New(imported.DrawIO, Key, opts), ids: map[*cell]model.ElementID{}, ends: map[model.ElementID]string{}, sites: map[model.ElementID]string{}}
	title := strings.TrimSuffix(path.Base(strings.ReplaceAll(opts.Name, `\`, "/")), path.Ext(opts.Name))
	if len(all) == 1 && title == "" {
		title = all[0].title
	}
	r.Product("", strings.TrimSuffix(title, ".drawio"))
	for i := range all {
		r.read(&all[i], i)
	}
	switch {
	case r.Out.Counts.Boundary > maxBoundaries:
		return nil, reading.TooMany("boundaries", maxBoundaries)
	case r.points > maxPoints:
		return nil, reading.TooMany("points on flows and curves", maxPoints)
	case len(r.Model.Components)+len(r.Model.Zones) == 0:
		r.Note(imported.Guess, "", "file", "nothing in the drawing looks like a component")
	}
	unclear := model.Place(r.Model)
	for _, id := range unclear {
		r.Note(imported.Guess, r.sites[id], "component "+string(id), "stands in boxes that overlap; the smallest is taken as its zone")
	}
	r.trust()
	return r.Finish()
}

func (r *reader) read(p *page, index int) {
	r.page, r.diagram = p, model.DiagramID(strconv.Itoa(index))
	title := p.title
	if title == "" {
		title = "Drawing"
	}
	r.Model.Diagrams = append(r.Model.Diagrams, model.Diagram{ID: r.diagram, Title: title, Methodology: "STRIDE"})
	r.Out.Counts.Diagrams++
	r.notated = slices.ContainsFunc(p.cells, func(c *cell) bool { return c.vertex && (isEllipse(c) || isStore(c)) })
	labels := map[*cell][]string{} // words that stand at an edge in cells of their own
	for _, c := range p.cells {
		if c.vertex && c.parent != nil && c.parent.edge && c.label != "" {
			labels[c.parent] = append(labels[c.parent], c.label)
		}
	}
	r.hidden()
	r.frame()
	for i, c := range p.cells {
		if c.vertex && (c.parent == nil || !c.parent.edge) {
			r.vertex(c, i)
		}
	}
	for i, c := range p.cells {
		if c.edge {
			beside := strings.Join(labels[c], ", ")
			if c.label == "" {
				c.label, beside = beside, ""
			}
			r.edge(c, i, beside)
		}
	}
}

// hidden tells of shapes that draw.io does not show: who looks at the drawing there
// would wonder where they come from.
func (r *reader) hidden() {
	below := map[*cell]int{}
	for _, c := range r.page.cells {
		if !c.vertex && !c.edge {
			continue
		}
		for n, h := 0, c; h != nil && n < maxNesting; n, h = n+1, h.parent {
			if h.hidden {
				below[h]++
				break
			}
		}
	}
	for _, c := range r.page.cells {
		if n := below[c]; n > 0 {
			r.Note(imported.Guess, c.at(), "diagram "+string(r.diagram), "%q is hidden in the drawing; what is drawn in it is in the model all the same (%d shapes and lines)", cmp.Or(c.label, c.id), n)
		}
	}
}

// vertex reads a shape as what it is drawn as.
func (r *reader) vertex(c *cell, serial int) {
	box := c.place()
	box.Z = min(serial, 1_000_000)
	switch what := r.what(c); what {
	case nothing:
	case text:
		r.Out.Counts.Text++
		r.Model.Texts = append(r.Model.Texts, model.TextBlock{ID: r.Element("text", c.id, serial, c.at()), Diagram: r.diagram, Text: c.label, Box: &box})
	case zone:
		r.Out.Counts.Boundary++
		z := model.Zone{
			ID: r.Element("zone", c.id, serial, c.at()), Diagram: r.diagram, Name: r.Named(c.label, "Trust zone", c.at()),
			Description: c.description(), Trust: 50, Guess: true, Box: &box, Extra: r.own(c),
		}
		if n, err := strconv.Atoi(c.attr("trust", "trustRating", "trust_rating", "trust_level", "trustLevel")); err == nil && n >= 0 && n <= 100 {
			z.Trust, z.Guess = n, false
		}
		r.ids[c] = z.ID
		r.ends[z.ID] = z.Name
		r.sites[z.ID] = c.at()
		if r.frames[c] {
			r.Note(imported.Guess, c.at(), "zone "+string(z.ID)+" ("+z.Name+")", "is a plain box; it is taken as a zone, because other shapes lie in it and no line joins it")
		}
		r.Model.Zones = append(r.Model.Zones, z)
	case curve:
		r.Out.Counts.Boundary++
		middle := box.X + box.W/2
		r.points += 2
		r.Model.Curves = append(r.Model.Curves, model.Curve{
			ID: r.Element("boundary", c.id, serial, c.at()), Diagram: r.diagram, Name: c.label,
			Points: []model.Point{{X: middle, Y: box.Y}, {X: middle, Y: box.Y + box.H}},
		})
	default:
		r.component(c, what, &box, serial)
	}
}

func (r *reader) component(c *cell, what shape, box *model.Box, serial int) {
	k := model.Component{
		ID: r.Element("component", c.id, serial, c.at()), Diagram: r.diagram, Name: r.Named(c.label, "Component", c.at()),
		Kind: map[shape]model.Kind{actor: model.Actor, process: model.Process, store: model.Store}[what],
		Box:  box, Description: c.description(), Extra: r.own(c),
	}
	if k.Description == k.Name {
		k.Description = ""
	}
	if yes := c.attr("out_of_scope", "outOfScope"); strings.EqualFold(yes, "true") || strings.EqualFold(yes, "yes") {
		k.OutOfScope = true
	}
	r.Type(&k, c.at(), append(words(c), k.Name)...)
	r.Count(k.Kind)
	r.ids[c] = k.ID
	r.ends[k.ID] = k.Name
	r.sites[k.ID] = c.at()
	r.Model.Components = append(r.Model.Components, k)
}

// understood are the attributes of a shape that the model takes.
var understood = []string{
	"description", "tooltip", "trust", "trustrating", "trust_rating", "trust_level", "trustlevel", "out_of_scope", "outofscope", "type", "kind", "protocol", "encrypted", "authenticated", "link",
	"c4name", "c4description", "c4technology",
}

// description is what a person wrote about a shape.
func (c *cell) description() string { return c.attr("description", "tooltip", "c4Description") }

// own keeps the attributes that a person gave to a shape.
func (r *reader) own(c *cell) model.Extra {
	if len(c.attrs) == 0 {
		return nil
	}
	all := map[string]string{}
	for _, a := range c.attrs {
		all[a.Name] = a.Value
		if !slices.Contains(understood, strings.ToLower(a.Name)) {
			r.Unknown("shape", a.Name, c.at())
		}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return model.Extra{Key: raw}
}

// edge reads a line as a flow, or as a boundary where it joins nothing and is
// dashed. What stands beside the flow's label is its description.
func (r *reader) edge(c *cell, serial int, beside string) {
	from, to := r.end(c.source), r.end(c.target)
	o := c.origin()
	line := func(p *model.Point) *model.Point {
		if p == nil {
			return nil
		}
		return &model.Point{X: p.X + o.X, Y: p.Y + o.Y}
	}
	var way []model.Point
	for i := range c.points {
		way = append(way, *line(&c.points[i]))
	}
	r.points += len(way) + 2
	if from == "" && to == "" && (c.style["dashed"] == "1" || boundaryWords(c.label)) {
		r.Out.Counts.Boundary++
		k := model.Curve{ID: r.Element("boundary", c.id, serial, c.at()), Diagram: r.diagram, Name: c.label}
		for _, p := range []*model.Point{line(c.from), line(c.to)} {
			if p != nil {
				k.Points = append(k.Points, *p)
			}
		}
		if len(k.Points) == 2 {
			k.Points = slices.Insert(k.Points, 1, way...)
		} else {
			k.Points = append(k.Points, way...)
		}
		r.Model.Curves = append(r.Model.Curves, k)
		return
	}
	r.Out.Counts.Flow++
	f := model.Flow{
		ID: r.Element("flow", c.id, serial, c.at()), Diagram: r.diagram, From: from, To: to, Vertices: way,
		Description: c.description(), Protocol: reading.Line(c.attr("protocol", "c4Technology")), Extra: r.own(c),
	}
	if f.Description = strings.TrimSpace(f.Description + "\n\n" + beside); f.Description == c.label {
		f.Description = "" // a relationship of the C4 model is called after it
	}
	if from == "" {
		f.FromPoint = line(c.from)
		r.loose(c, "begins", c.source)
	}
	if to == "" {
		f.ToPoint = line(c.to)
		r.loose(c, "ends", c.target)
	}
	for _, name := range []string{"encrypted", "authenticated"} {
		if v := strings.ToLower(c.attr(name)); v != "" {
			if f.Attributes == nil {
				f.Attributes = map[string]string{}
			}
			f.Attributes[name] = map[string]string{"true": "yes", "1": "yes", "yes": "yes"}[v]
			if f.Attributes[name] == "" {
				f.Attributes[name] = "no"
			}
		}
	}
	start, end := c.style["startArrow"], c.style["endArrow"]
	hasStart, hasEnd := start != "" && start != "none", end != "none" // an arrow at the end is the default
	switch {
	case hasStart && hasEnd:
		f.Bidirectional = true
	case hasStart:
		f.From, f.To, f.FromPoint, f.ToPoint = f.To, f.From, f.ToPoint, f.FromPoint
		slices.Reverse(f.Vertices)
	}
	otherwise := "Flow"
	if r.ends[f.From] != "" && r.ends[f.To] != "" {
		otherwise = r.ends[f.From] + " to " + r.ends[f.To]
	}
	f.Name = r.Named(c.label, otherwise, c.at())
	r.Model.Flows = append(r.Model.Flows, f)
}

func (r *reader) loose(c *cell, how, at string) {
	name := c.label
	if name == "" {
		name = c.id
	}
	if at != "" && r.page.byID[at] == nil {
		r.Note(imported.Refused, c.at(), "flow "+name, "%s at the cell %q, which is not on the page; the end is loose", how, at)
		return
	}
	r.Note(imported.Guess, c.at(), "flow "+name, "%s at no component; the end is loose", how)
}

// end returns the element that a line is joined to: the cell, or what it is drawn in.
func (r *reader) end(id string) model.ElementID {
	c := r.page.byID[id]
	for n := 0; c != nil && n < maxNesting; n++ {
		if at := r.ids[c]; at != "" {
			return at
		}
		c = c.parent
	}
	return ""
}

// trust sets how far the zones are trusted that do not say it.
func (r *reader) trust() {
	members, actors := map[model.ElementID]int{}, map[model.ElementID]int{}
	outside := 0
	for i := range r.Model.Components {
		c := &r.Model.Components[i]
		if c.Zone == "" {
			outside++
			continue
		}
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
		if members[z.ID] > 0 && members[z.ID] == actors[z.ID] || untrusted(z.Name) {
			z.Trust, why = 0, ", because only actors stand in it or its name says so"
		}
		r.Note(imported.Guess, r.sites[z.ID], "zone "+string(z.ID)+" ("+z.Name+")", "the drawing does not say how far the zone is trusted; %d of 100 is set%s", z.Trust, why)
	}
	if outside > 0 {
		r.Note(imported.Guess, "", "file", "%s outside every trust boundary: actors count as trusted 0 of 100, everything else 50", reading.Plural(outside, "component stands", "components stand"))
	}
}
