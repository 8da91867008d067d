package drawio

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"maps"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// maxPages bounds the pages of a file, maxNesting the groups in each other.
const (
	maxPages   = 200
	maxNesting = 50
)

// page is one page of a file with its cells in their order.
type page struct {
	title string
	cells []*cell
	byID  map[string]*cell
	// joined are the ids of the cells at which a line ends.
	joined map[string]bool
}

// cell is a vertex or an edge. The wrapper <object> or <UserObject> that carries
// a label and own attributes is one with the cell in it.
type cell struct {
	id, label      string
	parent         *cell
	parentID       string
	source, target string
	vertex, edge   bool
	hidden         bool // a layer or a shape that draw.io does not show
	style          map[string]string
	attrs          []xmltree.Attr // the wrapper's own
	box            model.Box      // relative to the parent
	boxed          bool
	points         []model.Point // on the way of an edge, relative to the parent
	from, to       *model.Point  // loose ends of an edge
	el             *xmltree.Element
	opts           imported.Options
	children       int
}

func (c *cell) at() string { return c.el.At(c.opts) }

// attr returns an attribute of the wrapper, whatever its case.
func (c *cell) attr(names ...string) string {
	for _, name := range names {
		for _, a := range c.attrs {
			if strings.EqualFold(a.Name, name) && strings.TrimSpace(a.Value) != "" {
				return strings.TrimSpace(a.Value)
			}
		}
	}
	return ""
}

// origin is where the cell's parent stands, from the page's corner.
func (c *cell) origin() model.Point {
	var p model.Point
	parent := c.parent
	for n := 0; parent != nil && n < maxNesting; n++ {
		if parent.vertex {
			p.X, p.Y = p.X+parent.box.X, p.Y+parent.box.Y
		}
		parent = parent.parent
	}
	return p
}

// place is the cell's box on the page.
func (c *cell) place() model.Box {
	o := c.origin()
	return model.Box{X: o.X + c.box.X, Y: o.Y + c.box.Y, W: c.box.W, H: c.box.H}
}

// pages returns the pages of a file. A page's drawing stands in it as XML, or
// deflated and in base64, which together may come to imported.MaxBytes.
func pages(root *xmltree.Element, opts imported.Options) ([]page, error) {
	if root.Name == "mxGraphModel" {
		p, err := newPage("", root, opts)
		return []page{p}, err
	}
	var all []page
	left := imported.MaxBytes
	total := 0
	for i, d := range root.All("diagram") {
		if i >= maxPages {
			return nil, reading.TooMany("pages", maxPages)
		}
		graph, from := d.Child("mxGraphModel"), opts
		if graph == nil && d.Text() != "" {
			text, err := Inflate(d.Text(), left)
			if err != nil {
				return nil, d.Fault(opts, "page %q: %v", d.Attr("name"), err)
			}
			left -= len(text)
			if from.Name == "" {
				from.Name = "file"
			}
			from.Name += "#" + pageName(d, i) // lines are those of the page as it was before it was packed
			if graph, err = xmltree.Parse(text, from); err != nil {
				return nil, err
			}
		}
		if graph == nil {
			all = append(all, page{title: pageName(d, i)})
			continue
		}
		p, err := newPage(pageName(d, i), graph, from)
		if err != nil {
			return nil, err
		}
		if total += len(p.cells); total > reading.MaxElements {
			return nil, reading.TooMany("cells", reading.MaxElements)
		}
		all = append(all, p)
	}
	return all, nil
}

func pageName(d *xmltree.Element, i int) string {
	if name := reading.Line(d.Attr("name")); name != "" {
		return name
	}
	return fmt.Sprintf("Page-%d", i+1)
}

// Inflate unpacks a page: base64, deflate, percent-encoding. At most limit bytes come out.
func Inflate(text string, limit int) ([]byte, error) {
	packed, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("is neither XML nor base64")
	}
	r := flate.NewReader(bytes.NewReader(packed))
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		if len(packed) > 0 && packed[0] == '<' {
			return packed, nil // base64 alone, as IriusRisk has it
		}
		return nil, fmt.Errorf("cannot be unpacked: %w", err)
	}
	if len(data) > limit {
		return nil, fault.New(fault.TooLarge, "model.too_large", "unpacks to more than %d MiB", imported.MaxBytes>>20)
	}
	s, err := url.PathUnescape(string(data))
	if err != nil && bytes.HasPrefix(data, []byte("%3C")) {
		return nil, fmt.Errorf("cannot be unpacked: its percent-encoding is damaged")
	}
	if err != nil {
		return data, nil
	}
	return []byte(s), nil
}

func newPage(title string, graph *xmltree.Element, opts imported.Options) (page, error) {
	p := page{title: title, byID: map[string]*cell{}, joined: map[string]bool{}}
	root := graph.Child("root")
	if root == nil {
		return p, nil
	}
	if len(root.Children) > reading.MaxElements {
		return p, reading.TooMany("cells", reading.MaxElements)
	}
	for _, el := range root.Children {
		c := newCell(el, opts)
		if c == nil {
			continue
		}
		p.cells = append(p.cells, c)
		for _, end := range []string{c.source, c.target} {
			if c.edge && end != "" {
				p.joined[end] = true
			}
		}
		if _, taken := p.byID[c.id]; !taken {
			p.byID[c.id] = c
		}
	}
	for _, c := range p.cells {
		if parent := p.byID[c.parentID]; parent != c && parent != nil {
			c.parent = parent
			if c.vertex {
				parent.children++
			}
		}
	}
	p.fill()
	return p, nil
}

// fill counts what lies in frames without being grouped with them: people put
// icons onto a frame as often as into it.
func (p *page) fill() {
	type shape struct {
		c   *cell
		box model.Box
	}
	var frames, all []shape
	for _, c := range p.cells {
		if !c.vertex || !c.boxed || c.parent != nil && c.parent.edge {
			continue
		}
		s := shape{c, c.place()}
		all = append(all, s)
		if c.children == 0 && isFrame(c) {
			frames = append(frames, s)
		}
	}
	if len(frames) > maxBoundaries {
		return // more boundaries are refused anyway, and counting takes time by the product
	}
	for _, f := range frames {
		for _, s := range all {
			if s.c != f.c && s.box.W*s.box.H < f.box.W*f.box.H && f.box.Contains(s.box.Center()) {
				f.c.children++
			}
		}
	}
}

func newCell(el *xmltree.Element, opts imported.Options) *cell {
	c := &cell{el: el, opts: opts}
	inner := el
	switch el.Name {
	case "mxCell":
		c.id, c.label = el.Attr("id"), el.Attr("value")
	case "object", "UserObject":
		if inner = el.Child("mxCell"); inner == nil {
			return nil
		}
		c.id, c.label = el.Attr("id"), el.Attr("label")
		for _, a := range el.Attrs {
			if a.Name != "id" && a.Name != "label" && a.Name != "placeholders" && a.Name != "ir.sourceStyle" {
				c.attrs = append(c.attrs, a)
			}
		}
		c.label = c.filled(c.label)
	default:
		return nil
	}
	c.label = htmltext.Line(c.label)
	c.parentID, c.source, c.target = inner.Attr("parent"), inner.Attr("source"), inner.Attr("target")
	c.vertex, c.edge = inner.Attr("vertex") == "1", inner.Attr("edge") == "1"
	c.hidden = inner.Attr("visible") == "0"
	c.style = style(inner.Attr("style"))
	geometry := inner.Child("mxGeometry")
	if geometry == nil {
		return c
	}
	c.box = model.Box{X: number(geometry, "x"), Y: number(geometry, "y"), W: number(geometry, "width"), H: number(geometry, "height")}
	c.boxed = c.box.W > 0 && c.box.H > 0
	for _, p := range geometry.Children {
		switch point := (model.Point{X: number(p, "x"), Y: number(p, "y")}); {
		case p.Name == "mxPoint" && p.Attr("as") == "sourcePoint":
			c.from = &point
		case p.Name == "mxPoint" && p.Attr("as") == "targetPoint":
			c.to = &point
		case p.Name == "Array" && p.Attr("as") == "points":
			for _, q := range p.All("mxPoint") {
				c.points = append(c.points, model.Point{X: number(q, "x"), Y: number(q, "y")})
			}
		}
	}
	return c
}

var place = regexp.MustCompile(`%([A-Za-z][A-Za-z0-9_]*)%`)

// filled returns what is shown of a label that keeps places for the object's own
// attributes: "%name%". Shapes of the C4 model show all they have in one label;
// of those it is the name alone, or what a relationship does.
func (c *cell) filled(label string) string {
	if c.el.Attr("placeholders") != "1" {
		return label
	}
	if c.attr("c4Type") != "" {
		if own := c.attr("c4Name", "c4Description"); own != "" {
			return html.EscapeString(own)
		}
	}
	return place.ReplaceAllStringFunc(label, func(s string) string {
		if v := c.attr(s[1 : len(s)-1]); v != "" {
			return html.EscapeString(v)
		}
		return s
	})
}

func number(e *xmltree.Element, name string) float64 {
	n, err := strconv.ParseFloat(e.Attr(name), 64)
	if err != nil || math.IsNaN(n) || math.Abs(n) > 1e7 {
		return 0
	}
	return n
}

// style splits "ellipse;html=1;dashed=1" into its keys; the name without a value,
// which is a shape's, stands under "".
func style(s string) map[string]string {
	all := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case key == "":
		case ok:
			all[key] = value
		case all[""] == "":
			all[""] = key
		}
	}
	return all
}

// Boxes returns where a page draws what carries a mark in its style, by the mark's
// value: IriusRisk marks its components and zones with "ir.ref". What is drawn
// twice stands nowhere in particular and is left out.
func Boxes(root *xmltree.Element, mark string, opts imported.Options) (map[string]model.Box, error) {
	all, err := pages(root, opts)
	if err != nil {
		return nil, err
	}
	boxes, drawn := map[string]model.Box{}, map[string]int{}
	for _, p := range all {
		for _, c := range p.cells {
			if ref := c.style[mark]; ref != "" && c.vertex && c.boxed {
				boxes[ref] = c.place()
				drawn[ref]++
			}
		}
	}
	maps.DeleteFunc(boxes, func(ref string, _ model.Box) bool { return drawn[ref] > 1 })
	return boxes, nil
}
