package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// EditsInput are several edits that are made together or not at all.
type EditsInput struct {
	Label string    `json:"label,omitempty" maxLength:"200" doc:"What was done, for the audit trail and the history of ratings"`
	Edits []OneEdit `json:"edits" minItems:"1" maxItems:"1000"`
}

// OneEdit is one of several edits.
type OneEdit struct {
	Kind    string          `json:"kind" enum:"threat,weakness,countermeasure,link,component,flow"`
	ID      string          `json:"id" maxLength:"310" doc:"Of a link its three ids joined by slashes; a part may be empty"`
	Version int64           `json:"version,omitempty" minimum:"0" doc:"What the edit was based on; left out, the last writer wins"`
	Set     json.RawMessage `json:"set" doc:"The fields of the PATCH of that kind; of a link share, retired, reset and reason; of a component or flow out_of_scope and out_of_scope_reason"`
}

// LinkEdit is a change of an existing link; nil fields are left alone.
type LinkEdit struct {
	Share   *float64 `json:"share,omitempty" minimum:"0" maximum:"100" doc:"Percent of the threat's risk that it takes off"`
	Retired *bool    `json:"retired,omitempty" doc:"True takes it out, with a reason; false brings it back"`
	Reset   []string `json:"reset,omitempty" maxItems:"2" enum:"share,retired" doc:"Fields that go back to what the rules say"`
	Reason  string   `json:"reason,omitempty" maxLength:"2000"`
}

// EditsView is what several edits came to, in their order.
type EditsView struct {
	Items   []EditedView `json:"items"`
	Version int64        `json:"version" doc:"Of the product"`
}

// EditedView is one edited object as it is now.
type EditedView struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Version int64  `json:"version"`
	State   string `json:"state,omitempty" doc:"Status of a threat, state of a countermeasure"`
	Retired bool   `json:"retired,omitempty"`
}

// Edits makes up to 1,000 edits in one transaction. Each takes the permission
// that it takes alone. Where objects are not at the version that their edit was
// based on, nothing is changed and the fault.Stale names every one of them.
func (a *App) Edits(ctx context.Context, c Caller, product model.ProductID, in EditsInput) (EditsView, error) {
	label := cmp.Or(cleanLine(in.Label, 200), fmt.Sprintf("%d edits", len(in.Edits)))
	return change(ctx, a, c, policy.CountermeasureState, product, edited(label), func(ch *changing) (EditsView, error) {
		if err := ch.expectAll(in.Edits); err != nil {
			return EditsView{}, err
		}
		e := ch.editor()
		for i, one := range in.Edits {
			if err := ch.editOne(e, one); err != nil {
				return EditsView{}, inEdit(err, i)
			}
		}
		if err := ch.record("model.edits", "product/"+string(product), nil, map[string]any{"label": label, "edits": len(in.Edits)}); err != nil {
			return EditsView{}, err
		}
		if err := ch.save(); err != nil {
			return EditsView{}, err
		}
		ch.saved = true
		return ch.editsView(e, in.Edits)
	})
}

// stored is the key under which the edited object stands.
func (o OneEdit) stored() store.ObjectKey {
	if o.Kind == store.KindLink {
		return store.ObjectKey{Kind: o.Kind, ID: strings.ReplaceAll(o.ID, "/", "\x1f")}
	}
	return store.ObjectKey{Kind: o.Kind, ID: o.ID}
}

func (ch *changing) expectAll(edits []OneEdit) error {
	stale := fault.New(fault.Stale, "edits.stale", "some of these were changed meanwhile; nothing was done: look at them again and repeat the change")
	for i, one := range edits {
		key := one.stored()
		if now := ch.versions.Of(key.Kind, key.ID); one.Version != 0 && now != one.Version {
			stale.With(fmt.Sprintf("body.edits[%d].version", i), "%s %s is at %d, was %d", one.Kind, one.ID, now, one.Version)
		}
	}
	if len(stale.Fields) > 0 {
		return stale
	}
	return nil
}

// inEdit says in which edit a fault is.
func inEdit(err error, i int) error {
	f := fault.As(err)
	if f == nil || f.Kind == fault.Forbidden {
		return err
	}
	where := fmt.Sprintf("body.edits[%d]", i)
	out := fault.Wrap(err, f.Kind, f.Code, "%s", f.Public)
	for _, field := range f.Fields {
		out.With(strings.Replace(field.Where, "body", where+".set", 1), "%s", field.Text)
	}
	if len(out.Fields) == 0 {
		out.With(where, "%s", f.Public)
	}
	return out
}

func (ch *changing) editOne(e *editor, one OneEdit) error {
	switch one.Kind {
	case store.KindCountermeasure:
		in, err := decodeSet[CountermeasureEdit](one.Set)
		if err != nil {
			return err
		}
		return ch.editCountermeasure(e, model.CountermeasureID(one.ID), in)
	case store.KindThreat, store.KindWeakness, store.KindLink, store.KindComponent, store.KindFlow:
		if err := ch.also(policy.ModelEdit); err != nil {
			return err
		}
	default:
		return fault.New(fault.Invalid, "edits.kind", "there is no kind of object %q that can be edited so", one.Kind).With("body.kind", "expected threat, weakness, countermeasure, link, component or flow")
	}
	switch one.Kind {
	case store.KindThreat:
		in, err := decodeSet[ThreatEdit](one.Set)
		if err != nil {
			return err
		}
		return ch.editThreat(e, model.ThreatID(one.ID), in)
	case store.KindWeakness:
		in, err := decodeSet[WeaknessEdit](one.Set)
		if err != nil {
			return err
		}
		return e.weakness(model.WeaknessID(one.ID), in)
	case store.KindLink:
		in, err := decodeSet[LinkEdit](one.Set)
		if err != nil {
			return err
		}
		return e.editLink(one.ID, in)
	default:
		in, err := decodeSet[ScopeEdit](one.Set)
		if err != nil {
			return err
		}
		return e.scope(one.Kind, one.ID, in)
	}
}

func decodeSet[T any](set json.RawMessage) (T, error) {
	var v T
	if err := decodeStrict(set, &v); err != nil {
		return v, fault.Wrap(err, fault.Invalid, "edits.set", "the fields of an edit are not those of its kind").With("body", "%s", err.Error())
	}
	return v, nil
}

// editsView shows the edited objects with their versions.
func (ch *changing) editsView(e *editor, edits []OneEdit) (EditsView, error) {
	v := EditsView{Items: make([]EditedView, 0, len(edits)), Version: ch.versions.Product}
	for _, one := range edits {
		key := one.stored()
		item := EditedView{Kind: one.Kind, ID: one.ID, Version: ch.versions.Of(key.Kind, key.ID)}
		switch one.Kind {
		case store.KindThreat:
			t, err := e.threatAt(model.ThreatID(one.ID))
			if err != nil {
				return v, err
			}
			item.State, item.Retired = string(t.Status), t.Retired != nil
		case store.KindWeakness:
			w, err := e.weaknessAt(model.WeaknessID(one.ID))
			if err != nil {
				return v, err
			}
			item.Retired = w.Retired != nil
		case store.KindCountermeasure:
			c, err := e.countermeasureAt(model.CountermeasureID(one.ID))
			if err != nil {
				return v, err
			}
			item.State, item.Retired = string(c.State), c.Retired != nil
		}
		v.Items = append(v.Items, item)
	}
	return v, nil
}
