package cyclonedx

import (
	"cmp"
	"maps"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// place resolves what a threat affects.
func (r *reader) place(ref string) (model.ElementID, bool) {
	if p := r.part(ref); p != nil {
		return p.c.ID, true
	}
	if id, ok := r.flows[ref]; ok {
		return id, true
	}
	if z := r.zones[ref]; z != nil {
		return z.id, true
	}
	return model.AtProduct, ref != "" && ref == r.product
}

func (r *reader) placeThreat(t *threat) error {
	where := "threat " + t.ref
	if t.t.Title == "" {
		t.t.Title = cmp.Or(reading.Title(t.t.Description), t.ref, "Untitled threat")
		r.Note(imported.Guess, t.v.At(), where, "has no title")
	}
	r.Out.Counts.Threats++
	var at []model.ElementID
	seen := map[model.ElementID]bool{}
	for _, v := range t.places {
		ref := cmp.Or(text(v), text(v.Get("object")))
		id, ok := r.place(ref)
		if !ok {
			r.Note(imported.Refused, v.At(), where, "what it affects, %q, does not exist in the file", ref)
		} else if !seen[id] {
			seen[id] = true
			at = append(at, id)
		}
	}
	if len(at) == 0 {
		at = []model.ElementID{model.AtProduct}
		r.Note(imported.Guess, t.v.At(), where, "names nothing that it affects; it stands at the product")
	}
	var known []*control
	for _, ref := range t.controls {
		if c := r.controls[ref]; c != nil {
			known = append(known, c)
		} else {
			r.Note(imported.Refused, t.v.At(), where, "the control %q does not exist in the file", ref)
		}
	}
	extra := kept(t.v)
	for _, id := range at {
		if len(r.Model.Threats) >= reading.MaxThreats || len(r.Model.Links) >= 4*reading.MaxThreats {
			return reading.TooMany("threats", reading.MaxThreats)
		}
		mt := t.t
		mt.Where, mt.Extra = id, maps.Clone(extra)
		tid := r.Threat(mt, t.ref)
		for _, cwe := range t.cwes {
			r.Link(tid, r.CWE(id, cwe), "", 0)
		}
		for _, c := range known {
			c.used = true
			share := c.share
			if share == 0 {
				share = 100 / float64(len(known))
			}
			r.Link(tid, "", r.counter(c, id).ID, share)
		}
	}
	if n := len(known); n > 1 && known[0].share == 0 {
		r.Note(imported.Guess, t.v.At(), where, "the file does not say what each of its %d controls takes off the risk; each takes an equal part", n)
	}
	return nil
}

func (r *reader) counter(c *control, at model.ElementID) *model.Countermeasure {
	m, had := r.Countermeasure(at, c.ref, cmp.Or(c.name, reading.Title(c.description), c.ref), c.description, c.state)
	if !had {
		m.StateReason, m.Extra = c.reason, kept(c.v)
	}
	return m
}

// unused puts controls that no threat names where the file applies them, else at the product.
func (r *reader) unused() {
	for _, c := range r.controlList {
		if c.assumed {
			r.Note(imported.Guess, c.v.At(), "control "+c.ref, "is assumed to be in effect in the file; it counts as implemented")
		}
		if c.used {
			continue
		}
		at := model.AtProduct
		for _, v := range c.applies {
			if id, ok := r.place(cmp.Or(text(v), text(v.Get("object")))); ok {
				at = id
				break
			}
		}
		r.counter(c, at)
		r.Note(imported.Guess, c.v.At(), "control "+c.ref, "no threat names it; it lowers no rating until a person links it")
	}
}
