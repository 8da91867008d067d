package threatdragon

import (
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

// Measures of a laid out diagram, in pixels.
const (
	cellWidth, cellHeight = 160.0, 80.0
	gapX, gapY            = 180.0, 100.0
	border                = 40.0
	perRow                = 4
)

// lay sets w.drawn: the model with a place for every element that has none. What
// stands in no diagram is shown in one that is made for it.
func (w *writer) lay() {
	d := *w.m
	d.Diagrams = slices.Clone(d.Diagrams)
	d.Zones, d.Components = slices.Clone(d.Zones), slices.Clone(d.Components)
	d.Flows, d.Curves, d.Texts = slices.Clone(d.Flows), slices.Clone(d.Curves), slices.Clone(d.Texts)
	w.drawn = &d
	known := map[model.DiagramID]bool{}
	for i := range d.Diagrams {
		known[d.Diagrams[i].ID] = true
	}
	made := model.DiagramID("model")
	for known[made] {
		made += "-"
	}
	need := false
	in := func(id *model.DiagramID) {
		if *id == "" || !known[*id] {
			*id, need = made, true
		}
	}
	for i := range d.Zones {
		in(&d.Zones[i].Diagram)
	}
	for i := range d.Components {
		in(&d.Components[i].Diagram)
	}
	for i := range d.Flows {
		in(&d.Flows[i].Diagram)
	}
	for i := range d.Curves {
		in(&d.Curves[i].Diagram)
	}
	for i := range d.Texts {
		in(&d.Texts[i].Diagram)
	}
	if need {
		d.Diagrams = append(d.Diagrams, model.Diagram{ID: made, Title: w.m.Product.Name, Methodology: "STRIDE"})
		w.made[made] = true
	}
	for i := range d.Diagrams {
		layDiagram(&d, d.Diagrams[i].ID)
	}
}

// canvas lays out the elements of one diagram that have no box: zones around
// what they hold, below whatever is drawn already.
type canvas struct {
	zones      map[model.ElementID][]*model.Zone
	components map[model.ElementID][]*model.Component
	seen       map[model.ElementID]bool
}

func layDiagram(m *model.Model, d model.DiagramID) {
	c := canvas{map[model.ElementID][]*model.Zone{}, map[model.ElementID][]*model.Component{}, map[model.ElementID]bool{}}
	y, undrawn := border, false
	free := map[model.ElementID]bool{} // zones of this diagram that are laid out here
	use := func(b *model.Box) {
		if b == nil {
			undrawn = true
		} else {
			y = max(y, b.Y+b.H+gapY)
		}
	}
	for i := range m.Zones {
		if z := &m.Zones[i]; z.Diagram == d && z.Box == nil && !keptOf(z.Extra).Get("position").Object() {
			free[z.ID] = true
		}
	}
	for i := range m.Zones {
		z := &m.Zones[i]
		if z.Diagram != d {
			continue
		}
		use(z.Box)
		if free[z.ID] {
			parent := z.Parent
			if !free[parent] {
				parent = ""
			}
			c.zones[parent] = append(c.zones[parent], z)
		}
	}
	for i := range m.Components {
		k := &m.Components[i]
		if k.Diagram != d {
			continue
		}
		use(k.Box)
		if k.Box == nil && !keptOf(k.Extra).Get("position").Object() {
			zone := k.Zone
			if !free[zone] {
				zone = ""
			}
			c.components[zone] = append(c.components[zone], k)
		}
	}
	for i := range m.Texts {
		if t := &m.Texts[i]; t.Diagram == d {
			use(t.Box)
			if t.Box == nil && !keptOf(t.Extra).Get("position").Object() {
				t.Box = &model.Box{X: border, Y: y, W: cellWidth, H: cellHeight}
				y += cellHeight + gapY
			}
		}
	}
	if undrawn {
		c.lay("", border, y, 0)
	}
}

// lay places what a zone holds at the point and returns how much room it takes.
func (c *canvas) lay(zone model.ElementID, x, y float64, depth int) (width, height float64) {
	for i, k := range c.components[zone] {
		column, row := float64(i%perRow), float64(i/perRow)
		k.Box = &model.Box{X: x + column*(cellWidth+gapX), Y: y + row*(cellHeight+gapY), W: cellWidth, H: cellHeight, Z: depth + 1}
		width = max(width, (column+1)*cellWidth+column*gapX)
		height = (row+1)*cellHeight + row*gapY
	}
	for _, z := range c.zones[zone] {
		if c.seen[z.ID] {
			continue // zones that contain each other
		}
		c.seen[z.ID] = true
		if height > 0 {
			height += gapY
		}
		w, h := c.lay(z.ID, x+border, y+height+border, depth+1)
		z.Box = &model.Box{X: x, Y: y + height, W: max(w, cellWidth) + 2*border, H: max(h, cellHeight) + 2*border, Z: depth - 50}
		width = max(width, z.Box.W)
		height += z.Box.H
	}
	return width, height
}
