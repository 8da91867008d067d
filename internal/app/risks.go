package app

import (
	"context"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// Threat shows one threat.
func (a *App) Threat(ctx context.Context, c Caller, product model.ProductID, id model.ThreatID) (ThreatView, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (ThreatView, error) {
		p, err := a.picture(tx, product)
		if err != nil {
			return ThreatView{}, err
		}
		return p.threatByID(id)
	})
}

// Weakness shows one weakness.
func (a *App) Weakness(ctx context.Context, c Caller, product model.ProductID, id model.WeaknessID) (WeaknessView, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (WeaknessView, error) {
		p, err := a.picture(tx, product)
		if err != nil {
			return WeaknessView{}, err
		}
		return p.weaknessByID(id)
	})
}

// Countermeasure shows one countermeasure.
func (a *App) Countermeasure(ctx context.Context, c Caller, product model.ProductID, id model.CountermeasureID) (CountermeasureView, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (CountermeasureView, error) {
		p, err := a.picture(tx, product)
		if err != nil {
			return CountermeasureView{}, err
		}
		return p.countermeasureByID(id)
	})
}

// Explain explains a threat's ratings.
func (a *App) Explain(ctx context.Context, c Caller, product model.ProductID, id model.ThreatID) (risk.Explanation, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (risk.Explanation, error) {
		m, _, err := tx.ReadModel(product)
		if err != nil {
			return risk.Explanation{}, err
		}
		v, err := a.verdicts(tx, m, a.Now())
		if err != nil {
			return risk.Explanation{}, err
		}
		return risk.Explain(m, v, a.settings(a.Now()), id)
	})
}

// SpendBudget proposes the countermeasures that lower the summed current risk most
// within a budget, with the curve of risk against spend.
func (a *App) SpendBudget(ctx context.Context, c Caller, product model.ProductID, b risk.Budget) (risk.Proposal, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (risk.Proposal, error) {
		m, _, err := tx.ReadModel(product)
		if err != nil {
			return risk.Proposal{}, err
		}
		at := a.Now()
		v, err := a.verdicts(tx, m, at)
		if err != nil {
			return risk.Proposal{}, err
		}
		return risk.Propose(m, v, a.settings(at), b), nil
	})
}

// view finishes an edit: it saves, and shows what came of it.
func view[T any](ch *changing, show func(*picture) (T, error)) (T, error) {
	var zero T
	if err := ch.save(); err != nil {
		return zero, err
	}
	ch.saved = true
	p, err := ch.app.pictureOf(ch.tx, ch.model, ch.versions)
	if err != nil {
		return zero, err
	}
	return show(p)
}

func edited(what string) Cause { return Cause{Kind: "edited", Text: what} }

// AddThreat adds a threat by hand.
func (a *App) AddThreat(ctx context.Context, c Caller, product model.ProductID, in ThreatInput) (ThreatView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a threat was added by hand"), func(ch *changing) (ThreatView, error) {
		if err := ch.checkOwner(&in.Owner, ""); err != nil {
			return ThreatView{}, err
		}
		id := ch.editor().addThreat(in)
		return view(ch, func(p *picture) (ThreatView, error) { return p.threatByID(id) })
	})
}

// EditThreat changes a threat; what is changed stays a person's.
func (a *App) EditThreat(ctx context.Context, c Caller, product model.ProductID, id model.ThreatID, version int64, in ThreatEdit) (ThreatView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a threat was edited"), func(ch *changing) (ThreatView, error) {
		if err := ch.expect(store.KindThreat, string(id), version); err != nil {
			return ThreatView{}, err
		}
		if err := ch.editThreat(ch.editor(), id, in); err != nil {
			return ThreatView{}, err
		}
		return view(ch, func(p *picture) (ThreatView, error) { return p.threatByID(id) })
	})
}

// editThreat applies an edit whose first permission was asked: what decides
// about carrying a risk takes more.
func (ch *changing) editThreat(e *editor, id model.ThreatID, in ThreatEdit) error {
	t, err := e.threatAt(id)
	if err != nil {
		return err
	}
	carried := t.Status == model.Accepted || t.Status == model.Transferred
	ended := in.Status != nil && *in.Status != t.Status || slices.Contains(in.Reset, "status") && t.Status != model.Open
	switch {
	case in.Status != nil && *in.Status == model.Transferred, carried && ended:
		err = ch.also(policy.ThreatAccept)
	case in.Status != nil, ended:
		err = ch.also(policy.ThreatStatus)
	}
	if err != nil {
		return err
	}
	if in.Owner != nil {
		if err := ch.checkOwner(in.Owner, t.Owner); err != nil {
			return err
		}
	}
	return e.threat(id, in)
}

// checkOwner cleans an owner and refuses the account of somebody who cannot see
// the product; what is no account is free text, and what stands there stays.
func (ch *changing) checkOwner(owner *string, now string) error {
	*owner = cleanLine(*owner, 200)
	if *owner == now || !strings.HasPrefix(*owner, accountPrefix) {
		return nil
	}
	list, err := ch.tx.Names(store.People{IDs: []string{*owner}})
	if err != nil {
		return err
	}
	if len(list) == 1 && !list[0].Disabled {
		if list[0].Admin {
			return nil
		}
		role, err := ch.tx.Role(*owner, ch.model.Product.ID)
		if err != nil || role != "" {
			return err
		}
	}
	return fault.New(fault.Invalid, "owner.unknown", "the owner is nobody who can see this product; give them a role first").With("body.owner", "expected the id of a member, or a name")
}

// AcceptThreat records the decision to carry a threat's risk until a date.
func (a *App) AcceptThreat(ctx context.Context, c Caller, product model.ProductID, id model.ThreatID, version int64, in AcceptanceInput) (ThreatView, error) {
	cause := Cause{Kind: "acceptance", Text: "the risk was accepted: " + in.Reason, Ref: string(id)}
	return change(ctx, a, c, policy.ThreatAccept, product, cause, func(ch *changing) (ThreatView, error) {
		if err := ch.expect(store.KindThreat, string(id), version); err != nil {
			return ThreatView{}, err
		}
		if err := ch.editor().accept(id, in); err != nil {
			return ThreatView{}, err
		}
		return view(ch, func(p *picture) (ThreatView, error) { return p.threatByID(id) })
	})
}

// AddWeakness adds a weakness by hand and links it to its threat.
func (a *App) AddWeakness(ctx context.Context, c Caller, product model.ProductID, in WeaknessInput) (WeaknessView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a weakness was added by hand"), func(ch *changing) (WeaknessView, error) {
		id, err := ch.editor().addWeakness(in)
		if err != nil {
			return WeaknessView{}, err
		}
		return view(ch, func(p *picture) (WeaknessView, error) { return p.weaknessByID(id) })
	})
}

// EditWeakness changes a weakness.
func (a *App) EditWeakness(ctx context.Context, c Caller, product model.ProductID, id model.WeaknessID, version int64, in WeaknessEdit) (WeaknessView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a weakness was edited"), func(ch *changing) (WeaknessView, error) {
		if err := ch.expect(store.KindWeakness, string(id), version); err != nil {
			return WeaknessView{}, err
		}
		if err := ch.editor().weakness(id, in); err != nil {
			return WeaknessView{}, err
		}
		return view(ch, func(p *picture) (WeaknessView, error) { return p.weaknessByID(id) })
	})
}

// AddCountermeasure adds a countermeasure by hand and links it to its threat.
func (a *App) AddCountermeasure(ctx context.Context, c Caller, product model.ProductID, in CountermeasureInput) (CountermeasureView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a countermeasure was added by hand"), func(ch *changing) (CountermeasureView, error) {
		if err := ch.checkOwner(&in.Owner, ""); err != nil {
			return CountermeasureView{}, err
		}
		id, err := ch.editor().addCountermeasure(in)
		if err != nil {
			return CountermeasureView{}, err
		}
		return view(ch, func(p *picture) (CountermeasureView, error) { return p.countermeasureByID(id) })
	})
}

// EditCountermeasure changes a countermeasure. Changing nothing but its state
// is allowed to developers too.
func (a *App) EditCountermeasure(ctx context.Context, c Caller, product model.ProductID, id model.CountermeasureID, version int64, in CountermeasureEdit) (CountermeasureView, error) {
	return change(ctx, a, c, policy.CountermeasureState, product, edited("a countermeasure was edited"), func(ch *changing) (CountermeasureView, error) {
		if err := ch.expect(store.KindCountermeasure, string(id), version); err != nil {
			return CountermeasureView{}, err
		}
		if in.State != nil {
			ch.cause.Text, ch.cause.Ref = "a countermeasure was set to "+string(*in.State), string(id)
		}
		if err := ch.editCountermeasure(ch.editor(), id, in); err != nil {
			return CountermeasureView{}, err
		}
		return view(ch, func(p *picture) (CountermeasureView, error) { return p.countermeasureByID(id) })
	})
}

// editCountermeasure applies an edit of somebody who may set the state: whatever
// else it changes takes more.
func (ch *changing) editCountermeasure(e *editor, id model.CountermeasureID, in CountermeasureEdit) error {
	if !in.stateOnly() {
		if err := ch.also(policy.ModelEdit); err != nil {
			return err
		}
	}
	if in.State != nil && (*in.State == model.Rejected || *in.State == model.StateNotApplicable) {
		if err := ch.also(policy.CountermeasureReject); err != nil {
			return err
		}
	}
	c, err := e.countermeasureAt(id)
	if err != nil {
		return err
	}
	if in.Owner != nil {
		if err := ch.checkOwner(in.Owner, c.Owner); err != nil {
			return err
		}
	}
	return e.countermeasure(id, in)
}

// SetLink adds a link or changes its share.
func (a *App) SetLink(ctx context.Context, c Caller, product model.ProductID, in LinkInput) (ThreatView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a link was set"), func(ch *changing) (ThreatView, error) {
		if err := ch.expectLink(in); err != nil {
			return ThreatView{}, err
		}
		if err := ch.editor().link(in); err != nil {
			return ThreatView{}, err
		}
		return view(ch, func(p *picture) (ThreatView, error) { return p.threatByID(in.Threat) })
	})
}

// RemoveLink removes a hand-made link, and retires a generated one.
func (a *App) RemoveLink(ctx context.Context, c Caller, product model.ProductID, in LinkInput) (ThreatView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a link was removed"), func(ch *changing) (ThreatView, error) {
		if err := ch.expectLink(in); err != nil {
			return ThreatView{}, err
		}
		if err := ch.editor().unlink(in); err != nil {
			return ThreatView{}, err
		}
		return view(ch, func(p *picture) (ThreatView, error) { return p.threatByID(in.Threat) })
	})
}

// Element shows one element of a model with its version.
func (a *App) Element(ctx context.Context, c Caller, product model.ProductID, kind ElementKind, id string) (ElementView, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (ElementView, error) {
		m, versions, err := tx.LoadModel(product)
		if err != nil {
			return ElementView{}, err
		}
		v, err := element(m, kind, id)
		return ElementView{Kind: kind, ID: id, Version: versions.Of(strings.TrimSuffix(string(kind), "s"), id), Element: v}, err
	})
}

// ElementView is one element with its version.
type ElementView struct {
	Kind    ElementKind `json:"kind"`
	ID      string      `json:"id"`
	Version int64       `json:"version"`
	Element any         `json:"element"`
}

// PutElement adds or replaces one element of a model.
func (a *App) PutElement(ctx context.Context, c Caller, product model.ProductID, kind ElementKind, id string, version int64, doc []byte) (ElementView, error) {
	stored := strings.TrimSuffix(string(kind), "s")
	return redraw(ctx, a, c, product, edited("the "+stored+" was edited"), func(ch *changing) (ElementView, error) {
		if err := ch.expect(stored, id, version); err != nil {
			return ElementView{}, err
		}
		if len(id) > 100 || strings.ContainsAny(id, "\x00\x1f/") {
			return ElementView{}, fault.New(fault.Invalid, "element.id", "the id is not usable").With("path.id", "expected at most 100 characters without slashes and control characters")
		}
		b := newBatch(ch, nil)
		if err := b.put(newElements(ch.model), &ElementChange{Kind: kind, ID: id, Op: "put", Element: doc}); err != nil {
			return ElementView{}, err
		}
		b.settle()
		if err := ch.save(); err != nil {
			return ElementView{}, err
		}
		ch.saved = true
		v, err := element(ch.model, kind, id)
		return ElementView{Kind: kind, ID: id, Version: ch.versions.Of(stored, id), Element: v}, err
	})
}

// DeleteElement takes an element out of a model, with what cannot be without it.
func (a *App) DeleteElement(ctx context.Context, c Caller, product model.ProductID, kind ElementKind, id string, version int64) error {
	stored := strings.TrimSuffix(string(kind), "s")
	_, err := redraw(ctx, a, c, product, edited("the "+stored+" was deleted"), func(ch *changing) (struct{}, error) {
		if err := ch.expect(stored, id, version); err != nil {
			return struct{}{}, err
		}
		if err := deleteElement(ch.model, kind, id); err != nil {
			return struct{}{}, err
		}
		newBatch(ch, nil).settle()
		return struct{}{}, nil
	})
	return err
}

// Model returns a product's complete model with its version.
func (a *App) Model(ctx context.Context, c Caller, product model.ProductID) (*model.Model, int64, error) {
	type both struct {
		m *model.Model
		v int64
	}
	b, err := query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (both, error) {
		m, versions, err := tx.LoadModel(product)
		if err != nil {
			return both{}, err
		}
		looking, err := newOnlooker(tx, c)
		if err != nil {
			return both{}, err
		}
		m, err = looking.model(m)
		return both{m, versions.Product}, err
	})
	return b.m, b.v, err
}

// RatingHistory returns what moved a product's ratings, newest first.
func (a *App) RatingHistory(ctx context.Context, c Caller, product model.ProductID, threat model.ThreatID, cursor string, limit int) (Page[RatingChange], error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (Page[RatingChange], error) {
		page := Page[RatingChange]{Items: []RatingChange{}}
		var before int64
		if cursor != "" {
			if err := decodeCursor(cursor, &before); err != nil {
				return page, err
			}
		}
		limit = clampLimit(limit)
		rows, err := tx.RatingChanges(product, threat, before, limit)
		if err != nil {
			return page, err
		}
		m, _, err := tx.ReadModel(product)
		if err != nil {
			return page, err
		}
		titles := map[model.ThreatID]string{}
		for i := range m.Threats {
			titles[m.Threats[i].ID] = m.Threats[i].Title
		}
		for _, r := range rows {
			page.Items = append(page.Items, RatingChange{
				At: r.At, Threat: string(r.Threat), Title: titles[r.Threat], Before: shown(r.Before), After: shown(r.After),
				Cause: Cause{Kind: r.CauseKind, Text: r.CauseText, Ref: r.CauseRef},
			})
		}
		if len(rows) == limit {
			page.Next = encodeCursor(rows[len(rows)-1].Seq)
		}
		return page, nil
	})
}

// endAcceptances opens threats again whose acceptance is over. Ratings see that
// by themselves; this makes it visible in the model and its trail.
func (ch *changing) endAcceptances() error {
	for i := range ch.model.Threats {
		t := &ch.model.Threats[i]
		if t.Acceptance == nil || t.Acceptance.Ends.After(ch.at) || t.Status != model.Accepted && t.Status != model.Transferred {
			continue
		}
		t.Sets = copySets(t.Sets)
		ended := t.Acceptance.Ends
		t.Status, t.Acceptance = model.Open, nil
		t.StatusReason = "the acceptance ended on " + ended.Format("2006-01-02")
		t.Sets["status"] = model.Set{By: model.SetByPerson, Actor: "the acceptance's end date", At: ch.at}
	}
	return nil
}
