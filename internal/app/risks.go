package app

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// picture is a product's model with everything that views need, read once.
type picture struct {
	m        *model.Model
	versions store.Versions
	verdicts model.Verdicts
	ratings  risk.Ratings
	takes    map[model.CountermeasureID]int
	names    map[model.ElementID]string
	tickets  map[string][]TicketRef // by object id
}

// picture reads a product for its views.
func (a *App) picture(tx *store.Tx, id model.ProductID) (*picture, error) {
	m, versions, err := tx.LoadModel(id)
	if err != nil {
		return nil, err
	}
	return a.pictureOf(tx, m, versions)
}

func (a *App) pictureOf(tx *store.Tx, m *model.Model, versions store.Versions) (*picture, error) {
	at := a.Now()
	v, err := a.verdicts(tx, m, at)
	if err != nil {
		return nil, err
	}
	p := &picture{m: m, versions: versions, verdicts: v, ratings: risk.Rate(m, v, a.settings(at)), names: elementNames(m), takes: map[model.CountermeasureID]int{}}
	for _, g := range risk.Gains(m, v, a.settings(at)) {
		p.takes[g.Countermeasure] = int(math.Round(g.Takes))
	}
	p.tickets, err = a.ticketRefs(tx, m)
	return p, err
}

// elementNames are the names of the places of threats.
func elementNames(m *model.Model) map[model.ElementID]string {
	names := map[model.ElementID]string{model.AtProduct: m.Product.Name}
	for _, z := range m.Zones {
		names[z.ID] = z.Name
	}
	for i := range m.Components {
		names[m.Components[i].ID] = m.Components[i].Name
	}
	for i := range m.Curves {
		names[m.Curves[i].ID] = m.Curves[i].Name
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		names[f.ID] = cmp.Or(f.Name, names[f.From]+" to "+names[f.To])
	}
	return names
}

func (p *picture) threat(t *model.Threat) ThreatView {
	v := ThreatView{Threat: *t, WhereName: p.names[t.Where], Tickets: p.tickets[string(t.ID)], Version: p.versions.Of(store.KindThreat, string(t.ID))}
	v.Rating, _ = p.ratings.Threat(t.ID) // a retired threat has no rating: zero
	for _, l := range p.m.Links {
		if l.Threat != t.ID || l.Retired != nil {
			continue
		}
		if l.Weakness != "" && !slices.Contains(v.Weaknesses, l.Weakness) {
			v.Weaknesses = append(v.Weaknesses, l.Weakness)
		}
		if l.Countermeasure != "" && !slices.Contains(v.Countermeasures, l.Countermeasure) {
			v.Countermeasures = append(v.Countermeasures, l.Countermeasure)
		}
	}
	return v
}

func evidenceView(e model.Evidence) Evidence {
	v := Evidence{Verdict: cmp.Or(e.Verdict, model.Untested), Stale: e.Stale, Text: e.Text}
	if !e.At.IsZero() {
		v.At = &e.At
	}
	return v
}

func (p *picture) weakness(w *model.Weakness) WeaknessView {
	v := WeaknessView{
		Weakness: *w, WhereName: p.names[w.Where], Evidence: evidenceView(p.verdicts.Weaknesses[w.ID]), Tickets: p.tickets[string(w.ID)],
		Version: p.versions.Of(store.KindWeakness, string(w.ID)),
	}
	for _, l := range p.m.Links {
		if l.Weakness == w.ID && l.Retired == nil && !slices.Contains(v.Threats, l.Threat) {
			v.Threats = append(v.Threats, l.Threat)
		}
	}
	return v
}

func (p *picture) countermeasure(c *model.Countermeasure) CountermeasureView {
	v := CountermeasureView{
		Countermeasure: *c, WhereName: p.names[c.Where], Evidence: evidenceView(p.verdicts.Countermeasures[c.ID]),
		Takes: p.takes[c.ID], Tickets: p.tickets[string(c.ID)], Version: p.versions.Of(store.KindCountermeasure, string(c.ID)),
	}
	for _, l := range p.m.Links {
		if l.Countermeasure != c.ID || l.Retired != nil {
			continue
		}
		if l.Weakness != "" && !slices.Contains(v.Weaknesses, l.Weakness) {
			v.Weaknesses = append(v.Weaknesses, l.Weakness)
		}
		if !slices.Contains(v.Threats, l.Threat) {
			v.Threats = append(v.Threats, l.Threat)
		}
	}
	return v
}

// RiskFilter selects threats, weaknesses or countermeasures of a product; empty fields select all.
type RiskFilter struct {
	Text    string // in the title or place, case aside
	Where   model.ElementID
	State   string // status of a threat, state of a countermeasure, verdict of a weakness
	Band    string
	Retired bool // retired ones instead of the others
	Cursor  string
	Limit   int
}

func (f RiskFilter) matches(title, place string, where model.ElementID, state string, retired bool) bool {
	text := strings.ToLower(f.Text)
	return retired == f.Retired && (f.Where == "" || f.Where == where) && (f.State == "" || f.State == state) &&
		(text == "" || strings.Contains(strings.ToLower(title), text) || strings.Contains(strings.ToLower(place), text))
}

// Threats lists a product's threats by id.
func (a *App) Threats(ctx context.Context, c Caller, id model.ProductID, f RiskFilter) (Page[ThreatView], error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (Page[ThreatView], error) {
		p, err := a.picture(tx, id)
		if err != nil {
			return Page[ThreatView]{}, err
		}
		var selected []*model.Threat
		for i := range p.m.Threats {
			t := &p.m.Threats[i]
			if !f.matches(t.Title, p.names[t.Where], t.Where, string(t.Status), t.Retired != nil) {
				continue
			}
			if r, _ := p.ratings.Threat(t.ID); f.Band != "" && string(r.Band) != f.Band {
				continue
			}
			selected = append(selected, t)
		}
		cut, err := paginate(selected, func(t **model.Threat) string { return string((*t).ID) }, f.Cursor, f.Limit)
		return mapPage(cut, p.threat), err
	})
}

// Weaknesses lists a product's weaknesses by id.
func (a *App) Weaknesses(ctx context.Context, c Caller, id model.ProductID, f RiskFilter) (Page[WeaknessView], error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (Page[WeaknessView], error) {
		p, err := a.picture(tx, id)
		if err != nil {
			return Page[WeaknessView]{}, err
		}
		var selected []*model.Weakness
		for i := range p.m.Weaknesses {
			w := &p.m.Weaknesses[i]
			if f.matches(w.Title, p.names[w.Where], w.Where, string(evidenceView(p.verdicts.Weaknesses[w.ID]).Verdict), w.Retired != nil) {
				selected = append(selected, w)
			}
		}
		cut, err := paginate(selected, func(w **model.Weakness) string { return string((*w).ID) }, f.Cursor, f.Limit)
		return mapPage(cut, p.weakness), err
	})
}

// Countermeasures lists a product's countermeasures by id.
func (a *App) Countermeasures(ctx context.Context, c Caller, id model.ProductID, f RiskFilter) (Page[CountermeasureView], error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (Page[CountermeasureView], error) {
		p, err := a.picture(tx, id)
		if err != nil {
			return Page[CountermeasureView]{}, err
		}
		var selected []*model.Countermeasure
		for i := range p.m.Countermeasures {
			m := &p.m.Countermeasures[i]
			if f.matches(m.Title, p.names[m.Where], m.Where, string(m.State), m.Retired != nil) {
				selected = append(selected, m)
			}
		}
		cut, err := paginate(selected, func(m **model.Countermeasure) string { return string((*m).ID) }, f.Cursor, f.Limit)
		return mapPage(cut, p.countermeasure), err
	})
}

func mapPage[T, U any](in Page[*T], view func(*T) U) Page[U] {
	out := Page[U]{Items: make([]U, 0, len(in.Items)), Next: in.Next}
	for _, v := range in.Items {
		out.Items = append(out.Items, view(v))
	}
	return out
}

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

func (p *picture) threatByID(id model.ThreatID) (ThreatView, error) {
	for i := range p.m.Threats {
		if p.m.Threats[i].ID == id {
			return p.threat(&p.m.Threats[i]), nil
		}
	}
	return ThreatView{}, notFound("threat", string(id))
}

func (p *picture) weaknessByID(id model.WeaknessID) (WeaknessView, error) {
	for i := range p.m.Weaknesses {
		if p.m.Weaknesses[i].ID == id {
			return p.weakness(&p.m.Weaknesses[i]), nil
		}
	}
	return WeaknessView{}, notFound("weakness", string(id))
}

func (p *picture) countermeasureByID(id model.CountermeasureID) (CountermeasureView, error) {
	for i := range p.m.Countermeasures {
		if p.m.Countermeasures[i].ID == id {
			return p.countermeasure(&p.m.Countermeasures[i]), nil
		}
	}
	return CountermeasureView{}, notFound("countermeasure", string(id))
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
		m, _, err := tx.LoadModel(product)
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
		if in.Status != nil {
			needed := policy.ThreatStatus
			if *in.Status == model.Transferred {
				needed = policy.ThreatAccept
			}
			if err := ch.also(needed); err != nil {
				return ThreatView{}, err
			}
		}
		if err := ch.editor().threat(id, in); err != nil {
			return ThreatView{}, err
		}
		return view(ch, func(p *picture) (ThreatView, error) { return p.threatByID(id) })
	})
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
	action := policy.ModelEdit
	if in.stateOnly() {
		action = policy.CountermeasureState
	}
	return change(ctx, a, c, action, product, edited("a countermeasure was edited"), func(ch *changing) (CountermeasureView, error) {
		if err := ch.expect(store.KindCountermeasure, string(id), version); err != nil {
			return CountermeasureView{}, err
		}
		if in.State != nil {
			if *in.State == model.Rejected || *in.State == model.StateNotApplicable {
				if err := ch.also(policy.CountermeasureReject); err != nil {
					return CountermeasureView{}, err
				}
			}
			ch.cause.Text = "a countermeasure was set to " + string(*in.State)
			ch.cause.Ref = string(id)
		}
		if err := ch.editor().countermeasure(id, in); err != nil {
			return CountermeasureView{}, err
		}
		return view(ch, func(p *picture) (CountermeasureView, error) { return p.countermeasureByID(id) })
	})
}

// SetLink adds a link or changes its share.
func (a *App) SetLink(ctx context.Context, c Caller, product model.ProductID, in LinkInput) (ThreatView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a link was set"), func(ch *changing) (ThreatView, error) {
		ch.editor().link(in)
		return view(ch, func(p *picture) (ThreatView, error) { return p.threatByID(in.Threat) })
	})
}

// RemoveLink removes a hand-made link, and retires a generated one.
func (a *App) RemoveLink(ctx context.Context, c Caller, product model.ProductID, in LinkInput) (ThreatView, error) {
	return change(ctx, a, c, policy.ModelEdit, product, edited("a link was removed"), func(ch *changing) (ThreatView, error) {
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
	return change(ctx, a, c, policy.ModelEdit, product, edited("the "+stored+" was edited"), func(ch *changing) (ElementView, error) {
		if err := ch.expect(stored, id, version); err != nil {
			return ElementView{}, err
		}
		if len(id) > 100 || strings.ContainsAny(id, "\x00\x1f/") {
			return ElementView{}, fault.New(fault.Invalid, "element.id", "the id is not usable").With("path.id", "expected at most 100 characters without slashes and control characters")
		}
		if err := putElement(ch.model, kind, id, doc); err != nil {
			return ElementView{}, err
		}
		model.Place(ch.model)
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
	_, err := change(ctx, a, c, policy.ModelEdit, product, edited("the "+stored+" was deleted"), func(ch *changing) (struct{}, error) {
		if err := ch.expect(stored, id, version); err != nil {
			return struct{}{}, err
		}
		if err := deleteElement(ch.model, kind, id, ch.at); err != nil {
			return struct{}{}, err
		}
		model.Place(ch.model)
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
		m, _, err := tx.LoadModel(product)
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
		if t.Acceptance == nil || t.Acceptance.Ends.After(ch.at) || t.Status != model.Accepted {
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
