package threatdragon

import (
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// cell is one cell of a diagram, of either version, with the version's
// differences taken away: in version 1 properties sit on the cell itself, in
// version 2 in its data.
type cell struct {
	raw     jsontree.Value
	kind    kind
	version int
	index   int // in its diagram
	id      string
	props   jsontree.Value
}

type kind int

const (
	unknown kind = iota
	actor
	process
	store
	flow
	box
	curve
	text
)

// kinds maps what stands in shape (version 2), data.type and type (version 1),
// including the misspelt shape that released versions wrote.
var kinds = map[string]kind{
	"actor": actor, "tm.actor": actor,
	"process": process, "tm.process": process,
	"agent": process, "tm.agent": process, "agent-tool": process, "tm.tool": process,
	"store": store, "tm.store": store,
	"flow": flow, "tm.flow": flow, "edge": flow,
	"trust-boundary-box": box, "trust-broundary-box": box, "tm.boundarybox": box,
	"trust-boundary-curve": curve, "trust-broundary-curve": curve, "trust-boundary": curve, "tm.boundary": curve,
	"td-text-block": text, "tm.text": text,
}

func newCell(raw jsontree.Value, version int) cell {
	c := cell{raw: raw, version: version, id: raw.Get("id").Text(), props: raw}
	if data := raw.Get("data"); data.Object() {
		c.props = data
	}
	for _, name := range []string{raw.Get("shape").Text(), raw.Get("data", "type").Text(), raw.Get("type").Text()} {
		if k := kinds[strings.ToLower(name)]; k != unknown {
			c.kind = k
			break
		}
	}
	return c
}

// prop returns a property from data or, in version 1 and in files that mix both, from the cell.
func (c cell) prop(name string) jsontree.Value {
	if v := c.props.Get(name); v.Exists() {
		return v
	}
	return c.raw.Get(name)
}

// name returns the name with line breaks, which older versions put in to wrap it, as blanks.
func (c cell) name() string {
	if name := oneLine(c.props.Get("name").Text()); name != "" {
		return name
	}
	if name := oneLine(attrsText(c.raw.Get("attrs"))); name != "" {
		return name
	}
	if labels := c.raw.Get("labels"); labels.Array() {
		for _, label := range labels.Items() {
			if name := oneLine(labelText(label)); name != "" {
				return name
			}
		}
	}
	return oneLine(c.raw.Get("label").Text())
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// labelText reads the five forms that a label has in the wild.
func labelText(label jsontree.Value) string {
	if label.Object() {
		return attrsText(label.Get("attrs"))
	}
	return label.Text()
}

func attrsText(attrs jsontree.Value) string {
	for _, key := range []string{"labelText", "label", "text"} {
		v := attrs.Get(key)
		if v.Object() {
			v = v.Get("text")
		}
		if t := v.Text(); t != "" {
			return t
		}
	}
	return ""
}

func (c cell) box() *model.Box {
	position, size := c.raw.Get("position"), c.raw.Get("size")
	if flat := c.raw; !position.Exists() && !size.Exists() && flat.Get("x").Exists() && flat.Get("width").Exists() {
		position, size = flat, flat // as the drawing library takes it, too, and generators write it
	}
	if !position.Object() || !size.Object() {
		return nil
	}
	b := model.Box{X: number(position.Get("x")), Y: number(position.Get("y")), W: number(size.Get("width")), H: number(size.Get("height"))}
	b.Z = c.z()
	return &b
}

func (c cell) z() int {
	for _, key := range []string{"zIndex", "z"} {
		if n, ok := c.raw.Get(key).Number(); ok && n > -1e9 && n < 1e9 {
			return int(n)
		}
	}
	return 0
}

func number(v jsontree.Value) float64 {
	n, _ := v.Number()
	return n
}

// end is one end of a flow or curve: a cell, or a loose point.
type end struct {
	cell  string
	point *model.Point
}

func (c cell) end(key string) end {
	v := c.raw.Get(key)
	if !v.Object() {
		return end{cell: v.Text()}
	}
	for _, name := range []string{"cell", "id"} {
		if id := v.Get(name).Text(); id != "" {
			return end{cell: id}
		}
	}
	return end{point: point(v)}
}

func point(v jsontree.Value) *model.Point {
	x, okX := v.Get("x").Number()
	y, okY := v.Get("y").Number()
	if !okX || !okY {
		return nil
	}
	return &model.Point{X: x, Y: y}
}

func (c cell) vertices() []model.Point {
	var points []model.Point
	for _, v := range c.raw.Get("vertices").Items() {
		if p := point(v); p != nil {
			points = append(points, *p)
		}
	}
	return points
}

// attribute says under which word of the vocabulary a property is kept.
type attribute struct{ property, name string }

var attributes = map[kind][]attribute{
	actor: {{"providesAuthentication", "provides_authentication"}},
	process: {
		{"handlesCardPayment", "card_payment"},
		{"handlesGoodsOrServices", "goods_or_services"},
		{"isWebApplication", "web_application"},
		{"privilegeLevel", "privilege_level"},
	},
	store: {
		{"isALog", "is_log"},
		{"isEncrypted", "encrypted"},
		{"isSigned", "signed"},
		{"storesCredentials", "stores_credentials"},
		{"storesInventory", "stores_inventory"},
	},
	flow: {{"isEncrypted", "encrypted"}, {"isPublicNetwork", "public_network"}},
}

// attributes returns what the boxes of the element say: "yes", "no", or a text. A
// property that the file does not have stays unknown.
func (c cell) attributes() map[string]string {
	var all map[string]string
	for _, a := range attributes[c.kind] {
		v := c.prop(a.property)
		value := ""
		switch {
		case v.Null():
		case string(v.Raw()) == "true":
			value = "yes"
		case string(v.Raw()) == "false":
			value = "no"
		default:
			value = strings.TrimSpace(v.Text())
		}
		if value == "" {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[a.name] = value
	}
	return all
}
