package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// The kinds of background work on tickets; the subject is a connection, or ""
// for the periodic ones, which make the others due.
const (
	WorkReconcile queue.Kind = "tickets"
	WorkPoll      queue.Kind = "poll"
	WorkSweep     queue.Kind = "sweep"
	WorkPollAll   queue.Kind = "poll-all"
	WorkSweepAll  queue.Kind = "sweep-all"
	WorkTime      queue.Kind = "time" // what changes by the passing of time alone
)

// host is what the reconciler sees of the application.
type host struct{ a *App }

// Wants returns what a product wants of its trackers now.
func (h host) Wants(_ context.Context, tx *store.Tx, id model.ProductID) (ticketing.Plan, error) {
	m, _, err := tx.LoadModel(id)
	if err != nil {
		return ticketing.Plan{}, err
	}
	wants, p, err := h.a.wants(tx, m)
	if err != nil {
		return ticketing.Plan{}, err
	}
	first, err := firstResults(tx, id)
	return ticketing.Plan{Wants: wants, Policy: p, First: first}, err
}

func (a *App) wants(tx *store.Tx, m *model.Model) ([]ticketing.Want, ticketing.Policy, error) {
	in, err := a.ticketInput(tx, m)
	if err != nil || m.Product.Template { // a template is for copying: nobody works on it
		return nil, in.Policy, err
	}
	return ticketing.Wants(in), in.Policy, nil
}

// ticketInput is what decides which tickets a product wants.
func (a *App) ticketInput(tx *store.Tx, m *model.Model) (ticketing.Input, error) {
	in := ticketing.Input{Model: m, Page: a.page(m.Product.ID), Now: a.Now()}
	var err error
	if in.Policy, _, err = ticketPolicy(tx, m.Product.ID); err != nil {
		return in, err
	}
	if in.Verdicts, err = a.verdicts(tx, m, in.Now); err != nil {
		return in, err
	}
	if in.Known, err = ticketing.KnownTickets(tx, m.Product.ID); err != nil {
		return in, err
	}
	in.Ratings = map[model.ThreatID]ticketing.Rating{}
	for _, r := range risk.Rate(m, in.Verdicts, a.settings(in.Now)).Threats {
		x := ticketing.Rating{Current: r.Exact.Current, Band: string(r.Band)}
		if r.Unrated {
			x.Band = ""
		}
		in.Ratings[r.Threat] = x
	}
	return in, nil
}

// page returns the address of our page about an object.
func (a *App) page(product model.ProductID) func(kind, id string) string {
	if a.BaseURL == "" {
		return nil
	}
	return func(kind, id string) string {
		place := map[string]string{"threat": "threats", "weakness": "threats", "countermeasure": "countermeasures"}[kind]
		return strings.TrimSuffix(a.BaseURL, "/") + "/products/" + string(product) + "/" + place + "?open=" + url.QueryEscape(id)
	}
}

// firstResults reports whether the product has had no more than one run of results.
func firstResults(tx *store.Tx, product model.ProductID) (bool, error) {
	runs, err := tx.Runs(store.RunQuery{Product: product, Visible: store.Everything(), State: store.RunDone, Limit: 2})
	return len(runs) < 2, err
}

// Products returns the products whose wants on the connection may have changed.
func (h host) Products(_ context.Context, tx *store.Tx, connection string) ([]model.ProductID, error) {
	marks, err := tx.Settings(markPrefix(connection))
	if err != nil {
		return nil, err
	}
	h.a.marks.saw(marks)
	out := make([]model.ProductID, 0, len(marks))
	for _, m := range marks {
		out = append(out, model.ProductID(strings.TrimPrefix(m.Key, markPrefix(connection))))
	}
	return out, nil
}

func markPrefix(connection string) string { return "tickets.look/" + connection + "/" }

// wakeTickets makes the reconciler look at a product on every connection that
// its tickets are or should be on. The mark and the work commit with the cause.
func (a *App) wakeTickets(ctx context.Context, tx *store.Tx, product model.ProductID, at time.Time) error {
	if a.Without["reconciler"] {
		return nil
	}
	p, _, err := ticketPolicy(tx, product)
	if err != nil {
		return err
	}
	links, err := tx.Links(store.LinkFilter{Product: product})
	if err != nil {
		return err
	}
	ids := p.Connections()
	for _, l := range links {
		ids = append(ids, l.Connection)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := mark(tx, id, product, at); err != nil {
			return err
		}
		if err := queue.Due(ctx, tx, WorkReconcile, id, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// mark raises the version of the product's mark on a connection.
func mark(tx *store.Tx, connection string, product model.ProductID, at time.Time) error {
	return tx.RaiseSetting(markPrefix(connection)+string(product), "{}", at)
}

// Observed takes a tracker's news into the models: states, reasons, estimates.
func (h host) Observed(ctx context.Context, tx *store.Tx, connection string, obs []ticketing.Observation) error {
	byProduct := map[model.ProductID][]ticketing.Observation{}
	var order []model.ProductID
	for _, o := range obs {
		if _, ok := byProduct[o.Product]; !ok {
			order = append(order, o.Product)
		}
		byProduct[o.Product] = append(byProduct[o.Product], o)
	}
	slices.Sort(order)
	for _, product := range order {
		switch _, err := tx.Product(product, store.Everything()); {
		case fault.Is(err, fault.NotFound):
			continue // the product was deleted; its tickets are closed by the reconciler
		case err != nil:
			return fmt.Errorf("app: take news of connection %s: %w", connection, err)
		}
		news := byProduct[product]
		c := System("tracker")
		c.Name = connection
		cause := Cause{Kind: "ticket", Text: "news from the tracker", Ref: connection}
		_, err := changeIn(ctx, h.a, tx, c, product, cause, func(ch *changing) (struct{}, error) {
			for _, o := range news {
				before := ch.said(o)
				if err := ch.observe(o); err != nil {
					return struct{}{}, err
				}
				if ch.said(o) != before {
					continue // the object's own row tells
				}
				// What moves nothing here is news all the same: who looks at the ticket
				// sees it, and pages hear of rows alone.
				if err := ch.record("tickets.news", string(o.Purpose)+"/"+o.Object, nil, map[string]any{"ticket": o.TicketKey, "state": o.State, "estimate": o.Estimate}); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
		if err != nil {
			return fmt.Errorf("app: take news of connection %s: %w", connection, err)
		}
	}
	return nil
}

// said is what the model holds of what a ticket tells: its object's state, the reason and the cost.
func (ch *changing) said(o ticketing.Observation) string {
	for i := range ch.model.Countermeasures {
		if c := &ch.model.Countermeasures[i]; string(c.ID) == o.Object {
			cost := model.Cost{}
			if c.Cost != nil {
				cost = *c.Cost
			}
			return fmt.Sprint(c.State, c.StateReason, cost)
		}
	}
	for i := range ch.model.Threats {
		if t := &ch.model.Threats[i]; string(t.ID) == o.Object {
			return fmt.Sprint(t.Status, t.StatusReason)
		}
	}
	return ""
}

// observe takes one ticket's news in; what says nothing new changes nothing.
func (ch *changing) observe(o ticketing.Observation) error {
	set := model.Set{By: model.SetByTracker, Actor: cmp.Or(o.Actor, o.TicketKey), At: ch.at, Reason: o.TicketKey}
	e := &editor{m: ch.model, set: set, random: ch.app.id}
	switch o.Purpose {
	case ticketing.ForCountermeasure:
		return ch.observeCountermeasure(e, o)
	case ticketing.ForThreat:
		return ch.observeThreat(e, o)
	default:
		// A vulnerability ticket that a person closes changes no rating: only a passing test does.
		return nil
	}
}

func (ch *changing) observeCountermeasure(e *editor, o ticketing.Observation) error {
	i := slices.IndexFunc(ch.model.Countermeasures, func(c model.Countermeasure) bool { return string(c.ID) == o.Object })
	if i < 0 {
		return nil
	}
	c := &ch.model.Countermeasures[i]
	state := c.State
	reason := c.StateReason
	switch o.State {
	case ticketing.MeansImplemented:
		state, reason = model.Implemented, ""
		ch.cause.Text, ch.cause.Ref = o.TicketKey+" was closed as done", o.TicketKey
	case ticketing.MeansRejected:
		state, reason = model.Rejected, cmp.Or(o.Reason, "closed as not to be done in "+o.TicketKey+"; no reason was given")
		ch.cause.Text, ch.cause.Ref = o.TicketKey+" was closed as not to be done", o.TicketKey
	case ticketing.MeansRequired, ticketing.MeansInProgress:
		// An open ticket takes back only what a tracker claimed before: a person's
		// word here is not overruled by a ticket that merely is open.
		if (c.State == model.Implemented || c.State == model.Rejected) && c.Sets["state"].By == model.SetByTracker {
			state, reason = model.Required, ""
			ch.cause.Text, ch.cause.Ref = o.TicketKey+" was reopened", o.TicketKey
		}
	}
	if c.State == state && c.StateReason == reason {
		return ch.estimate(e, c, o)
	}
	c.Sets = copySets(c.Sets)
	assign(e, &c.Sets, "state", &c.State, &state, same)
	assign(e, &c.Sets, "state_reason", &c.StateReason, &reason, same)
	return ch.estimate(e, c, o)
}

// hoursPerDay turns a tracker's seconds of work into days.
const hoursPerDay = 8

// estimate takes the team's estimate as the countermeasure's cost, unless a person set that here.
func (ch *changing) estimate(e *editor, c *model.Countermeasure, o ticketing.Observation) error {
	if o.Estimate.Seconds <= 0 || c.Sets["cost"].By == model.SetByPerson {
		return nil
	}
	days := float64(o.Estimate.Seconds) / 3600 / hoursPerDay
	cost := &model.Cost{Amount: days, Unit: "days"}
	c.Sets = copySets(c.Sets)
	assign(e, &c.Sets, "cost", &c.Cost, &cost, samePointer)
	return nil
}

func (ch *changing) observeThreat(e *editor, o ticketing.Observation) error {
	i := slices.IndexFunc(ch.model.Threats, func(t model.Threat) bool { return string(t.ID) == o.Object })
	if i < 0 {
		return nil
	}
	t := &ch.model.Threats[i]
	status, reason := t.Status, t.StatusReason
	byTracker := t.Sets["status"].By == model.SetByTracker
	switch o.State {
	case ticketing.MeansImplemented:
		if t.Status == model.Open || t.Status == model.Mitigated {
			status, reason = model.Mitigated, "closed as done in "+o.TicketKey
			ch.cause.Text, ch.cause.Ref = o.TicketKey+" was closed as done", o.TicketKey
		}
	case ticketing.MeansRejected:
		// Carrying a risk is a person's decision with an owner and an end; the
		// ticket only says why nobody will do it.
		if t.Status == model.Open || byTracker {
			status, reason = model.Open, cmp.Or(o.Reason, "closed as not to be done in "+o.TicketKey)+": decide whether the risk is accepted"
		}
	case ticketing.MeansRequired, ticketing.MeansInProgress:
		if byTracker {
			status, reason = model.Open, ""
		}
	}
	if t.Status == status && t.StatusReason == reason {
		return nil
	}
	t.Sets = copySets(t.Sets)
	assign(e, &t.Sets, "status", &t.Status, &status, same)
	assign(e, &t.Sets, "status_reason", &t.StatusReason, &reason, same)
	return ch.mitigate(e, t, o)
}

// mitigate gives a threat without a countermeasure, whose ticket was closed as
// done, the countermeasure that the ticket was: implemented, with share 100. So
// the rating follows the same laws as any other; reopening takes it back.
func (ch *changing) mitigate(e *editor, t *model.Threat, o ticketing.Observation) error {
	id := model.NewCountermeasureID(ch.model.Product.ID, t.Where, "ticket-of-"+string(t.ID))
	i := slices.IndexFunc(ch.model.Countermeasures, func(c model.Countermeasure) bool { return c.ID == id })
	state := model.Required
	if t.Status == model.Mitigated {
		state = model.Implemented
	}
	if i >= 0 {
		c := &ch.model.Countermeasures[i]
		c.Sets = copySets(c.Sets)
		assign(e, &c.Sets, "state", &c.State, &state, same)
		return nil
	}
	if state != model.Implemented {
		return nil
	}
	ch.model.Countermeasures = append(ch.model.Countermeasures, model.Countermeasure{
		ID: id, Where: t.Where, Ref: "ticket-of-" + string(t.ID), Title: "What was done in " + o.TicketKey, State: state, Origin: model.ByPerson, Sets: model.Sets{"state": e.set},
	})
	ch.model.Links = append(ch.model.Links, model.Link{Threat: t.ID, Countermeasure: id, Share: 100, Origin: model.ByPerson})
	return nil
}

// policyPrefix begins the keys of the ticket policies of products.
const policyPrefix = "tickets.policy/"

func policyKey(product model.ProductID) string { return policyPrefix + string(product) }

// ticketPolicy returns a product's policy with its version; the zero policy at version 0.
func ticketPolicy(tx *store.Tx, product model.ProductID) (ticketing.Policy, int64, error) {
	var p ticketing.Policy
	s, err := tx.Setting(policyKey(product))
	if err != nil || s.Version == 0 {
		return p, 0, err
	}
	if err := json.Unmarshal([]byte(s.Doc), &p); err != nil {
		return p, 0, fmt.Errorf("app: ticket policy of product %s: %w", product, err)
	}
	return p, s.Version, nil
}
