package app

import (
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// actionMove is the audit row of a diagram that was put elsewhere among the
// others; its documents are orderNotes.
const actionMove = "model.move"

// orderNote says where a diagram stands.
type orderNote struct {
	Title string          `json:"title"`
	After model.DiagramID `json:"after"` // "" for the first
}

// movement is a diagram that was put elsewhere.
type movement struct {
	id       model.DiagramID
	was, now orderNote
}

// movedKeys names the diagrams that were put elsewhere, for the store.
func (ch *changing) movedKeys() []store.ObjectKey {
	keys := make([]store.ObjectKey, len(ch.moved))
	for i, m := range ch.moved {
		keys[i] = store.ObjectKey{Kind: store.KindDiagram, ID: string(m.id)}
	}
	return keys
}

// checkAfter refuses places that no state of the model would make valid.
func (b *batch) checkAfter(bad *fault.Error) {
	behind := map[string]bool{}
	deleted := map[string]bool{}
	for i := range b.changes {
		if c := &b.changes[i]; c.Kind == KindDiagrams && c.Op == "delete" {
			deleted[c.ID] = true
		}
	}
	for i := range b.changes {
		c := &b.changes[i]
		if c.After == nil {
			continue
		}
		after := *c.After
		switch {
		case c.Kind != KindDiagrams || c.Op != "put":
			add(bad, i, ".after", "is for diagrams that are put")
		case after == c.ID:
			add(bad, i, ".after", "is the diagram itself")
		case deleted[after]:
			add(bad, i, ".after", "is deleted in this batch")
		case behind[after]:
			add(bad, i, ".after", "is named by another diagram of this batch too: only one can follow it")
		}
		behind[after] = true
	}
}

// lostPlaces returns the diagrams that others of the batch are to follow and
// that are not there: somebody deleted them meanwhile.
func (b *batch) lostPlaces(before *elements) []ElementConflict {
	put := map[string]bool{}
	for i := range b.changes {
		if c := &b.changes[i]; c.Kind == KindDiagrams && c.Op == "put" {
			put[c.ID] = true
		}
	}
	var lost []ElementConflict
	for i := range b.changes {
		if a := b.changes[i].After; a != nil && *a != "" && !put[*a] && before.at(KindDiagrams, *a) == nil {
			lost = append(lost, ElementConflict{ElementRef: ElementRef{KindDiagrams, *a}, Element: []byte("null")})
		}
	}
	return lost
}

// stays reports whether a diagram stands already where its change puts it.
func stays(m *model.Model, c *ElementChange) bool {
	return c.After == nil || string(predecessor(m.Diagrams, model.DiagramID(c.ID))) == *c.After
}

// predecessor returns the diagram before another one; "" for the first.
func predecessor(list []model.Diagram, id model.DiagramID) model.DiagramID {
	i := slices.IndexFunc(list, func(d model.Diagram) bool { return d.ID == id })
	if i < 1 {
		return ""
	}
	return list[i-1].ID
}

// arrange puts the diagrams of the batch where it says, each behind the one that
// it names, which may be moved itself.
func (b *batch) arrange() error {
	m := b.ch.model
	after, waiting := map[model.DiagramID]int{}, 0
	for i := range b.changes {
		if c := &b.changes[i]; c.After != nil {
			after[model.DiagramID(c.ID)] = i
			waiting++
		}
	}
	if waiting == 0 {
		return nil
	}
	var order, moved []model.Diagram
	for _, d := range m.Diagrams {
		if _, ok := after[d.ID]; ok {
			moved = append(moved, d)
		} else {
			order = append(order, d)
		}
	}
	for len(moved) > 0 {
		left := len(moved)
		moved = slices.DeleteFunc(moved, func(d model.Diagram) bool {
			at := model.DiagramID(*b.changes[after[d.ID]].After)
			i := slices.IndexFunc(order, func(o model.Diagram) bool { return o.ID == at })
			if i < 0 && at != "" {
				return false
			}
			order = slices.Insert(order, i+1, d)
			return true
		})
		if len(moved) == left {
			bad := errDrawing()
			for _, d := range moved {
				add(bad, after[d.ID], ".after", "these diagrams are to follow each other in a circle")
			}
			return bad
		}
	}
	if slices.EqualFunc(order, m.Diagrams, func(a, b model.Diagram) bool { return a.ID == b.ID }) {
		return nil
	}
	b.ch.noteMoves(order, after)
	first := m.Diagrams[0].ID
	m.Diagrams = order
	if order[0].ID != first {
		nameDiagram(m, first)
	}
	return nil
}

// noteMoves notes which diagrams that were there before stand elsewhere now.
func (ch *changing) noteMoves(order []model.Diagram, moved map[model.DiagramID]int) {
	was := ch.before.Diagrams
	for _, d := range order {
		_, asked := moved[d.ID]
		if !asked || !slices.ContainsFunc(was, func(o model.Diagram) bool { return o.ID == d.ID }) {
			continue
		}
		ch.moved = append(ch.moved, movement{
			d.ID, orderNote{d.Title, predecessor(was, d.ID)}, orderNote{d.Title, predecessor(order, d.ID)},
		})
	}
}

// nameDiagram says of what names no diagram that it is drawn in the one that was
// the first, where people saw it, before another one becomes the first.
func nameDiagram(m *model.Model, first model.DiagramID) {
	name := func(d *model.DiagramID) {
		if *d == "" {
			*d = first
		}
	}
	for i := range m.Zones {
		name(&m.Zones[i].Diagram)
	}
	for i := range m.Components {
		name(&m.Components[i].Diagram)
	}
	for i := range m.Flows {
		name(&m.Flows[i].Diagram)
	}
	for i := range m.Curves {
		name(&m.Curves[i].Diagram)
	}
	for i := range m.Texts {
		name(&m.Texts[i].Diagram)
	}
}
