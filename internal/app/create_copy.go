package app

import (
	"context"
	"maps"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// CloneInput says what a copy of a product is called and takes along.
type CloneInput struct {
	Name    string       `json:"name" minLength:"1" maxLength:"200"`
	Team    *string      `json:"team,omitempty" maxLength:"200" doc:"Left out, that of the original"`
	Include CloneInclude `json:"include,omitzero" doc:"What comes along beside the drawing, the answers and everything made or edited by hand"`
}

// CloneInclude is what a copy can take along.
type CloneInclude struct {
	States bool `json:"states,omitempty" doc:"States of countermeasures and threats; acceptances never come along"`
	Owners bool `json:"owners,omitempty" doc:"Owners of the product, its threats and countermeasures"`
}

// CloneProduct makes a new product of one: with its drawing, answers and what
// people made and edited, without tickets, evidence, comments and acceptances.
func (a *App) CloneProduct(ctx context.Context, c Caller, from model.ProductID, in CloneInput) (ProductView, error) {
	return change(ctx, a, c, policy.ProductCreate, "", Cause{Kind: "edited", Text: "the product was cloned", Ref: string(from)}, func(ch *changing) (ProductView, error) {
		return ch.copyOf(from, in.Include, func(p *model.Product) error {
			p.Name = strings.TrimSpace(in.Name)
			if in.Team != nil {
				p.Team = strings.TrimSpace(*in.Team)
			}
			return nil
		})
	})
}

// copyWith makes a product of a template; what the input says replaces what the template says.
func (ch *changing) copyWith(in ProductInput) (ProductView, error) {
	if in.Questionnaire != "" || len(in.Answers) > 0 {
		return ProductView{}, errTemplateAnswers
	}
	ch.cause.Text, ch.cause.Ref = "the product was made of a template", string(in.FromTemplate)
	return ch.copyOf(in.FromTemplate, CloneInclude{}, func(p *model.Product) error {
		p.Name, p.Owner, p.Template = strings.TrimSpace(in.Name), in.Owner, in.Template
		for _, f := range []struct{ dst, src *string }{
			{&p.Description, &in.Description}, {&p.Team, &in.Team}, {&p.Branch, &in.Branch}, {&p.Environment, &in.Environment},
		} {
			if *f.src != "" {
				*f.dst = strings.TrimSpace(*f.src)
			}
		}
		if len(in.Tags) > 0 {
			p.Tags = in.Tags
		}
		if len(in.Standards) > 0 {
			if err := ch.app.applyStandards(p, in.Standards); err != nil {
				return err
			}
		}
		return ch.setCustom(policy.Administrator, in.Custom, !in.Template)
	})
}

func (ch *changing) copyOf(from model.ProductID, include CloneInclude, head func(*model.Product) error) (ProductView, error) {
	if err := ch.app.allow(ch.tx, ch.caller, policy.ProductRead, from); err != nil {
		return ProductView{}, err
	}
	m, _, err := ch.tx.LoadModel(from)
	if err != nil {
		return ProductView{}, err
	}
	c := copier{m: m, from: from, to: model.ProductID(ch.app.id("prd")), random: ch.app.id, include: include}
	if err := c.run(ch.app); err != nil {
		return ProductView{}, err
	}
	m.Product.Template = false
	// The copy's maker will see all of it: what they may not see here is left behind.
	looking, err := newOnlooker(ch.tx, ch.caller)
	if err != nil {
		return ProductView{}, err
	}
	if m.Product.Custom, err = looking.custom(from, m.Product.Custom); err != nil {
		return ProductView{}, err
	}
	ch.model = m
	if err := head(&m.Product); err != nil {
		return ProductView{}, err
	}
	refused, _, err := refusals(ch.tx, from)
	if err != nil {
		return ProductView{}, err
	}
	view, err := ch.created()
	if err != nil {
		return view, err
	}
	if len(refused) > 0 {
		if err := saveRefusals(ch.tx, c.to, 0, c.refusals(refused), ch.at); err != nil {
			return view, err
		}
	}
	if err := ch.copySources(from, &c); err != nil {
		return view, err
	}
	return view, ch.record("product.clone", "product/"+string(c.to), nil, map[string]any{"from": from, "states": include.States, "owners": include.Owners})
}

// copier turns a copy of a model into a model of another product. Drawn things
// keep their ids, which are unique in a model only; what is derived from the
// product is derived anew, so that the library recognises its own.
type copier struct {
	m        *model.Model
	from, to model.ProductID
	random   func(prefix string) string
	include  CloneInclude

	threats         map[model.ThreatID]model.ThreatID
	weaknesses      map[model.WeaknessID]model.WeaknessID
	countermeasures map[model.CountermeasureID]model.CountermeasureID
}

func (c *copier) run(a *App) error {
	m := c.m
	m.Product.ID = c.to
	if !c.include.Owners {
		m.Product.Owner = ""
	}
	c.threats, c.weaknesses, c.countermeasures = map[model.ThreatID]model.ThreatID{}, map[model.WeaknessID]model.WeaknessID{}, map[model.CountermeasureID]model.CountermeasureID{}
	m.Threats = keep(m.Threats, func(t *model.Threat) bool { return t.Retired == nil })
	m.Weaknesses = keep(m.Weaknesses, func(w *model.Weakness) bool { return w.Retired == nil })
	m.Countermeasures = keep(m.Countermeasures, func(x *model.Countermeasure) bool { return x.Retired == nil })
	for i := range m.Threats {
		c.threat(&m.Threats[i])
	}
	for i := range m.Weaknesses {
		w := &m.Weaknesses[i]
		id := w.ID
		if w.ID = model.NewWeaknessID(c.to, w.Where, w.Ref); id != model.NewWeaknessID(c.from, w.Where, w.Ref) {
			w.ID = model.WeaknessID(c.random("wkn"))
		}
		c.weaknesses[id] = w.ID
	}
	for i := range m.Countermeasures {
		c.countermeasure(&m.Countermeasures[i])
	}
	m.Links = keep(m.Links, c.link)
	if c.include.States {
		return nil
	}
	return c.states(a)
}

// forget takes fields out of what somebody set.
func forget(sets *model.Sets, fields ...string) {
	*sets = maps.Clone(*sets)
	for _, f := range fields {
		delete(*sets, f)
	}
	if len(*sets) == 0 {
		*sets = nil
	}
}

func (c *copier) threat(t *model.Threat) {
	id := t.ID
	if t.ID = model.NewThreatID(c.to, t.Where, t.Ref); id != model.NewThreatID(c.from, t.Where, t.Ref) {
		t.ID = model.ThreatID(c.random("thr"))
	}
	c.threats[id] = t.ID
	t.Acceptance = nil
	if decided := t.Status == model.Accepted || t.Status == model.Transferred; decided || !c.include.States {
		t.Status, t.StatusReason = model.Open, ""
		forget(&t.Sets, "status", "status_reason")
	}
	if !c.include.Owners {
		t.Owner = ""
		forget(&t.Sets, "owner")
	}
}

func (c *copier) countermeasure(x *model.Countermeasure) {
	id := x.ID
	if x.ID = model.NewCountermeasureID(c.to, x.Where, x.Ref); id != model.NewCountermeasureID(c.from, x.Where, x.Ref) {
		x.ID = model.CountermeasureID(c.random("cms"))
	}
	c.countermeasures[id] = x.ID
	if !c.include.Owners {
		x.Owner = ""
		forget(&x.Sets, "owner")
	}
}

// link moves a link to the new ids; false where one of its ends did not come along.
func (c *copier) link(l *model.Link) bool {
	ok := l.Retired == nil
	move(&l.Threat, c.threats, &ok)
	move(&l.Weakness, c.weaknesses, &ok)
	move(&l.Countermeasure, c.countermeasures, &ok)
	return ok
}

func move[ID ~string](id *ID, to map[ID]ID, ok *bool) {
	if *id == "" {
		return
	}
	next, there := to[*id]
	*id, *ok = next, *ok && there
}

// states brings countermeasures back to what the library would say, and those that
// no rule brought to required.
func (c *copier) states(a *App) error {
	want, err := generate.Desired(c.m, a.Library())
	if err != nil {
		return err
	}
	wanted := map[model.CountermeasureID]model.State{}
	for i := range want.Countermeasures {
		wanted[want.Countermeasures[i].ID] = want.Countermeasures[i].State
	}
	for i := range c.m.Countermeasures {
		x := &c.m.Countermeasures[i]
		x.StateReason = ""
		forget(&x.Sets, "state", "state_reason")
		if state, ok := wanted[x.ID]; ok && x.Origin == model.ByRule {
			x.State = state
		} else if x.State != model.Recommended {
			x.State = model.Required
		}
	}
	return nil
}

// DeleteProduct deletes an archived product with everything in it; its audit trail
// stays, and so do its tickets in their trackers. Name is the product's, to confirm.
func (a *App) DeleteProduct(ctx context.Context, c Caller, id model.ProductID, name string) error {
	_, err := attach(ctx, a, c, policy.ProductDelete, id, func(ch *changing) (struct{}, error) {
		row, err := ch.tx.Product(id, store.Everything())
		if err != nil {
			return struct{}{}, err
		}
		if !row.Archived {
			return struct{}{}, fault.New(fault.Conflict, "product.not_archived", "only an archived product can be deleted; archive %s first", row.Name)
		}
		if strings.TrimSpace(name) != row.Name {
			return struct{}{}, fault.New(fault.Invalid, "product.confirm", "the name does not match; nothing was deleted").With("body.name", "expected the product's name exactly, %q", row.Name)
		}
		m, _, err := ch.tx.LoadModel(id)
		if err != nil {
			return struct{}{}, err
		}
		tickets, err := ch.tx.ForgetTickets(id)
		if err != nil {
			return struct{}{}, err
		}
		if err := ch.tx.DeleteProduct(id); err != nil {
			return struct{}{}, err
		}
		if err := forgetLeft(ch.tx, id); err != nil {
			return struct{}{}, err
		}
		for _, key := range []string{policyKey(id), decisionsKey(id), refusalsKey(id), ticketing.AskKey(string(id))} {
			if err := ch.tx.RemoveSetting(key); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, ch.record("product.delete", "product/"+string(id), map[string]any{
			"name": row.Name, "threats": len(m.Threats), "weaknesses": len(m.Weaknesses), "countermeasures": len(m.Countermeasures), "tickets": tickets,
		}, nil)
	})
	return err
}
