package model

// Contains reports whether the point lies in the box or on its border.
func (b Box) Contains(p Point) bool {
	return p.X >= b.X && p.X <= b.X+b.W && p.Y >= b.Y && p.Y <= b.Y+b.H
}

// Center returns the middle of the box.
func (b Box) Center() Point { return Point{X: b.X + b.W/2, Y: b.Y + b.H/2} }

// Encloses reports whether the other box lies wholly in b; equal boxes enclose each other.
func (b Box) Encloses(o Box) bool {
	return o.X >= b.X && o.Y >= b.Y && o.X+o.W <= b.X+b.W && o.Y+o.H <= b.Y+b.H
}

func (b Box) area() float64 { return b.W * b.H }

// Place derives from the drawing what the drawing says: the parent of every
// zone (the smallest zone that encloses it), the zone of every component (the
// smallest one that contains its centre) and the curves that every flow
// crosses. Elements of different diagrams do not see each other; an element
// without a box keeps what it has. Place returns the components whose centre
// lies in zones that overlap without nesting, for which the smallest is a guess.
func Place(m *Model) []ElementID {
	zones := map[DiagramID][]*Zone{}
	for i := range m.Zones {
		if z := &m.Zones[i]; z.Box != nil {
			zones[z.Diagram] = append(zones[z.Diagram], z)
		}
	}
	order := map[ElementID]int{}
	for i := range m.Zones {
		order[m.Zones[i].ID] = i
	}
	for i := range m.Zones {
		if z := &m.Zones[i]; z.Box != nil {
			z.Parent = parentZone(z, zones[z.Diagram], order)
		}
	}
	var unclear []ElementID
	for i := range m.Components {
		c := &m.Components[i]
		if c.Box == nil {
			continue
		}
		zone, clear := zoneAt(c.Box.Center(), zones[c.Diagram])
		c.Zone = zone
		if !clear {
			unclear = append(unclear, c.ID)
		}
	}
	placeCrossings(m)
	return unclear
}

func parentZone(z *Zone, candidates []*Zone, order map[ElementID]int) ElementID {
	var best *Zone
	for _, o := range candidates {
		if o == z || !o.Box.Encloses(*z.Box) {
			continue
		}
		if *o.Box == *z.Box && order[o.ID] > order[z.ID] {
			continue // of two equal boxes the one drawn first is the outer one
		}
		if best == nil || o.Box.area() < best.Box.area() || o.Box.area() == best.Box.area() && order[o.ID] > order[best.ID] {
			best = o
		}
	}
	if best == nil {
		return ""
	}
	return best.ID
}

func zoneAt(p Point, candidates []*Zone) (zone ElementID, clear bool) {
	var best *Zone
	for _, z := range candidates {
		if z.Box.Contains(p) && (best == nil || z.Box.area() <= best.Box.area()) {
			best = z
		}
	}
	if best == nil {
		return "", true
	}
	for _, z := range candidates {
		if z.Box.Contains(p) && !z.Box.Encloses(*best.Box) {
			return best.ID, false
		}
	}
	return best.ID, true
}

func placeCrossings(m *Model) {
	curves := map[DiagramID][]*Curve{}
	for i := range m.Curves {
		c := &m.Curves[i]
		curves[c.Diagram] = append(curves[c.Diagram], c)
	}
	boxes := map[ElementID]*Box{}
	for i := range m.Components {
		boxes[m.Components[i].ID] = m.Components[i].Box
	}
	for i := range m.Zones {
		boxes[m.Zones[i].ID] = m.Zones[i].Box
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		line := f.line(boxes)
		if len(line) < 2 {
			continue
		}
		f.Crosses = nil
		for _, c := range curves[f.Diagram] {
			if crosses(line, c.Points) {
				f.Crosses = append(f.Crosses, c.ID)
			}
		}
	}
}

// line returns the points of the flow from end to end; nil when an end has no place.
func (f *Flow) line(boxes map[ElementID]*Box) []Point {
	from, ok := end(f.From, f.FromPoint, boxes)
	if !ok {
		return nil
	}
	to, ok := end(f.To, f.ToPoint, boxes)
	if !ok {
		return nil
	}
	line := make([]Point, 0, len(f.Vertices)+2)
	line = append(line, from)
	line = append(line, f.Vertices...)
	return append(line, to)
}

func end(id ElementID, p *Point, boxes map[ElementID]*Box) (Point, bool) {
	if b := boxes[id]; id != "" && b != nil {
		return b.Center(), true
	}
	if p != nil {
		return *p, true
	}
	return Point{}, false
}

// crosses reports whether two polylines meet.
func crosses(a, b []Point) bool {
	for i := 1; i < len(a); i++ {
		for j := 1; j < len(b); j++ {
			if meet(a[i-1], a[i], b[j-1], b[j]) {
				return true
			}
		}
	}
	return false
}

// meet reports whether the segments pq and rs have a point in common.
func meet(p, q, r, s Point) bool {
	d1, d2 := side(r, s, p), side(r, s, q)
	d3, d4 := side(p, q, r), side(p, q, s)
	if d1*d2 < 0 && d3*d4 < 0 {
		return true
	}
	return d1 == 0 && between(r, s, p) || d2 == 0 && between(r, s, q) ||
		d3 == 0 && between(p, q, r) || d4 == 0 && between(p, q, s)
}

func side(a, b, c Point) float64 {
	return sign((b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X))
}

func sign(f float64) float64 {
	switch {
	case f > 0:
		return 1
	case f < 0:
		return -1
	}
	return 0
}

func between(a, b, p Point) bool {
	return p.X >= min(a.X, b.X) && p.X <= max(a.X, b.X) && p.Y >= min(a.Y, b.Y) && p.Y <= max(a.Y, b.Y)
}
