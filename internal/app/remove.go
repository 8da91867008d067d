package app

import (
	"context"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// RemovedView says what became of an object that a person did not want.
type RemovedView struct {
	Removed bool           `json:"removed" doc:"It is gone with its links; otherwise it was retired"`
	Retired *model.Retired `json:"retired,omitempty"`
	Version int64          `json:"version,omitempty" doc:"Of what was retired"`
}

// Remove takes a threat, weakness or countermeasure (kind: store.KindThreat and
// its like) out of the model. What was added by hand and has neither ticket nor
// evidence goes, with its links; everything else is retired, which needs a
// reason, and keeps its history.
func (a *App) Remove(ctx context.Context, c Caller, product model.ProductID, kind, id string, version int64, reason string) (RemovedView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, Cause{Kind: "edited", Text: "a " + kind + " was removed", Ref: id}, func(ch *changing) (RemovedView, error) {
		if err := ch.expect(kind, id, version); err != nil {
			return RemovedView{}, err
		}
		e := ch.editor()
		e.set.Reason = reason
		o, err := e.removable(kind, id)
		if err != nil {
			return RemovedView{}, err
		}
		touched, err := a.touched(ch.tx, product)
		if err != nil {
			return RemovedView{}, err
		}
		if o.origin == model.ByPerson && !touched(generate.Kind(kind), id) {
			o.remove()
			return RemovedView{Removed: true}, nil
		}
		if *o.retired != nil {
			return RemovedView{}, fault.New(fault.Conflict, kind+".retired", "the %s is retired already", kind)
		}
		*o.sets = copySets(*o.sets)
		gone := true
		if err := e.retire(o.retired, o.sets, o.origin, &gone); err != nil {
			return RemovedView{}, fault.New(fault.Invalid, "retire.reason", "what rules brought, or has tickets or evidence, is retired, and that needs a reason").With("query.reason", "expected why it is not wanted")
		}
		v := RemovedView{Retired: *o.retired}
		if err := ch.save(); err != nil {
			return RemovedView{}, err
		}
		ch.saved = true
		v.Version = ch.versions.Of(kind, id)
		return v, nil
	})
}

// removable is an object that can be removed or retired.
type removable struct {
	origin  model.Origin
	retired **model.Retired
	sets    *model.Sets
	remove  func()
}

func (e *editor) removable(kind, id string) (removable, error) {
	unlink := func(of func(model.Link) bool) { e.m.Links = slices.DeleteFunc(e.m.Links, of) }
	switch kind {
	case store.KindThreat:
		t, err := e.threatAt(model.ThreatID(id))
		if err != nil {
			return removable{}, err
		}
		return removable{t.Origin, &t.Retired, &t.Sets, func() {
			unlink(func(l model.Link) bool { return string(l.Threat) == id })
			e.m.Threats = slices.DeleteFunc(e.m.Threats, func(x model.Threat) bool { return string(x.ID) == id })
		}}, nil
	case store.KindWeakness:
		w, err := e.weaknessAt(model.WeaknessID(id))
		if err != nil {
			return removable{}, err
		}
		return removable{w.Origin, &w.Retired, &w.Sets, func() {
			unlink(func(l model.Link) bool { return string(l.Weakness) == id })
			e.m.Weaknesses = slices.DeleteFunc(e.m.Weaknesses, func(x model.Weakness) bool { return string(x.ID) == id })
		}}, nil
	case store.KindCountermeasure:
		c, err := e.countermeasureAt(model.CountermeasureID(id))
		if err != nil {
			return removable{}, err
		}
		return removable{c.Origin, &c.Retired, &c.Sets, func() { e.removeCountermeasure(model.CountermeasureID(id)) }}, nil
	default:
		return removable{}, notFound("kind", kind)
	}
}

// removeCountermeasure takes a countermeasure out. A weakness that only it joined
// with a threat stays joined with it: the flaw is still there.
func (e *editor) removeCountermeasure(id model.CountermeasureID) {
	type pair struct {
		t model.ThreatID
		w model.WeaknessID
	}
	lost, joined := []pair{}, map[pair]bool{}
	for _, l := range e.m.Links {
		switch {
		case l.Countermeasure != id:
			joined[pair{l.Threat, l.Weakness}] = true
		case l.Weakness != "":
			lost = append(lost, pair{l.Threat, l.Weakness})
		}
	}
	e.m.Links = slices.DeleteFunc(e.m.Links, func(l model.Link) bool { return l.Countermeasure == id })
	for _, p := range lost {
		if !joined[p] {
			joined[p] = true
			e.m.Links = append(e.m.Links, model.Link{Threat: p.t, Weakness: p.w, Origin: model.ByPerson})
		}
	}
	e.m.Countermeasures = slices.DeleteFunc(e.m.Countermeasures, func(x model.Countermeasure) bool { return x.ID == id })
}
