package app

import (
	"cmp"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// LinkInput sets the link between a threat, a weakness and a countermeasure.
type LinkInput struct {
	Threat         model.ThreatID         `json:"threat"`
	Weakness       model.WeaknessID       `json:"weakness,omitempty"`
	Countermeasure model.CountermeasureID `json:"countermeasure,omitempty"`
	Share          float64                `json:"share" minimum:"0" maximum:"100"`
	Version        int64                  `json:"version,omitempty" minimum:"0" doc:"Of the link that the change is based on; left out, the last writer wins"`
	Reset          []string               `json:"reset,omitempty" maxItems:"2" enum:"share,retired" doc:"Fields that go back to what the rules say, instead of the share"`
	Reason         string                 `json:"reason,omitempty" maxLength:"2000"`
}

func (in LinkInput) id() string {
	return string(in.Threat) + "/" + string(in.Weakness) + "/" + string(in.Countermeasure)
}

// expectLink refuses a change that was based on an older version of the link.
func (ch *changing) expectLink(in LinkInput) error {
	return ch.expect(store.KindLink, store.LinkID(model.Link{Threat: in.Threat, Weakness: in.Weakness, Countermeasure: in.Countermeasure}), in.Version)
}

// linkAt returns the stored link between the same ends, or nil.
func (e *editor) linkAt(in LinkInput) *model.Link {
	for i := range e.m.Links {
		l := &e.m.Links[i]
		if l.Threat == in.Threat && l.Weakness == in.Weakness && l.Countermeasure == in.Countermeasure {
			return l
		}
	}
	return nil
}

// link adds a link or changes the share of an existing one, which brings it back if it was retired.
func (e *editor) link(in LinkInput) error {
	e.set.Reason = in.Reason
	l := e.linkAt(in)
	if l == nil {
		if len(in.Reset) > 0 {
			return notFound("link", in.id())
		}
		e.m.Links = append(e.m.Links, model.Link{Threat: in.Threat, Weakness: in.Weakness, Countermeasure: in.Countermeasure, Share: in.Share, Origin: model.ByPerson})
		return nil
	}
	l.Sets = copySets(l.Sets)
	if len(in.Reset) > 0 {
		return e.resetLink(l, in.Reset)
	}
	assign(e, &l.Sets, "share", &l.Share, &in.Share, same)
	back := false
	return e.retire(&l.Retired, &l.Sets, l.Origin, &back)
}

// editLink changes an existing link; its id is the three ids joined by slashes.
func (e *editor) editLink(id string, in LinkEdit) error {
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return notFound("link", id)
	}
	l := e.linkAt(LinkInput{Threat: model.ThreatID(parts[0]), Weakness: model.WeaknessID(parts[1]), Countermeasure: model.CountermeasureID(parts[2])})
	if l == nil {
		return notFound("link", id)
	}
	e.set.Reason = in.Reason
	l.Sets = copySets(l.Sets)
	if len(in.Reset) > 0 {
		if err := e.resetLink(l, in.Reset); err != nil {
			return err
		}
	}
	assign(e, &l.Sets, "share", &l.Share, in.Share, same)
	return e.retire(&l.Retired, &l.Sets, l.Origin, in.Retired)
}

// unlink removes a hand-made link and retires a generated one.
func (e *editor) unlink(in LinkInput) error {
	l := e.linkAt(in)
	if l == nil {
		return notFound("link", in.id())
	}
	if l.Origin == model.ByPerson {
		id := store.LinkID(*l)
		e.m.Links = slices.DeleteFunc(e.m.Links, func(x model.Link) bool { return store.LinkID(x) == id })
		return nil
	}
	l.Sets = copySets(l.Sets)
	e.set.Reason = cmp.Or(in.Reason, "removed by "+e.set.Actor)
	gone := true
	return e.retire(&l.Retired, &l.Sets, l.Origin, &gone)
}

// retire takes an object out of all figures, or brings it back, and marks that a
// person decided it; regeneration then leaves it as it is. A nil wish and what
// is so already change nothing.
func (e *editor) retire(dst **model.Retired, sets *model.Sets, origin model.Origin, wish *bool) error {
	if wish == nil || *wish == (*dst != nil) {
		return nil
	}
	if *wish && e.set.Reason == "" {
		return fault.New(fault.Invalid, "retire.reason", "retiring needs a reason").With("body.reason", "expected why it is not wanted")
	}
	*dst = nil
	if *wish {
		*dst = &model.Retired{At: e.set.At, Reason: e.set.Reason}
	}
	if *sets == nil {
		*sets = model.Sets{}
	}
	(*sets)["retired"] = e.set
	if !*wish && origin != model.ByRule {
		delete(*sets, "retired") // nobody but people decides about it anyway
	}
	return nil
}

// scope takes a component or flow out of scope, with a reason, or back in.
func (e *editor) scope(kind, id string, in ScopeEdit) error {
	out, reason := (*bool)(nil), (*string)(nil)
	switch kind {
	case store.KindComponent:
		for i := range e.m.Components {
			if c := &e.m.Components[i]; string(c.ID) == id {
				out, reason = &c.OutOfScope, &c.OutOfScopeReason
			}
		}
	case store.KindFlow:
		for i := range e.m.Flows {
			if f := &e.m.Flows[i]; string(f.ID) == id {
				out, reason = &f.OutOfScope, &f.OutOfScopeReason
			}
		}
	}
	if out == nil {
		return notFound(kind, id)
	}
	if in.OutOfScope && in.Reason == "" {
		return fault.New(fault.Invalid, "scope.reason", "taking something out of scope needs a reason").With("body.out_of_scope_reason", "expected why it is out of scope")
	}
	*out, *reason = in.OutOfScope, in.Reason
	if !in.OutOfScope {
		*reason = ""
	}
	return nil
}

// ScopeEdit takes a component or flow out of scope or back in.
type ScopeEdit struct {
	OutOfScope bool   `json:"out_of_scope"`
	Reason     string `json:"out_of_scope_reason,omitempty" maxLength:"2000" doc:"Needed to take something out"`
}
