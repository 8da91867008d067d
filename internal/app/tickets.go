package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// TicketPolicyView is a product's standing decision about its tickets.
type TicketPolicyView struct {
	ticketing.Policy
	Version int64 `json:"version"`
}

// ETag returns the version of the policy.
func (v TicketPolicyView) ETag() int64 { return v.Version }

// TicketPolicy shows a product's ticket policy.
func (a *App) TicketPolicy(ctx context.Context, c Caller, product model.ProductID) (TicketPolicyView, error) {
	return query(ctx, a, c, policy.TicketsRead, product, func(tx *store.Tx) (TicketPolicyView, error) {
		p, version, err := ticketPolicy(tx, product)
		return TicketPolicyView{p, version}, err
	})
}

// SetTicketPolicy replaces a product's ticket policy; what follows is published at once where it says so.
func (a *App) SetTicketPolicy(ctx context.Context, c Caller, product model.ProductID, version int64, p ticketing.Policy) (TicketPolicyView, error) {
	if err := p.Validate(); err != nil {
		return TicketPolicyView{}, err
	}
	return change(ctx, a, c, policy.TicketsPublish, product, Cause{Kind: "ticket", Text: "the ticket policy was changed"}, func(ch *changing) (TicketPolicyView, error) {
		old, now, err := ticketPolicy(ch.tx, product)
		if err != nil {
			return TicketPolicyView{}, err
		}
		if version != 0 && version != now {
			return TicketPolicyView{}, fault.New(fault.Stale, "policy.stale", "the ticket policy was changed meanwhile; look at it again")
		}
		if err := checkTargets(ch.tx, p); err != nil {
			return TicketPolicyView{}, err
		}
		// What people published or took back is kept by its own operations.
		p.Published, p.Unwanted = old.Published, old.Unwanted
		if err := ch.savePolicy(product, now, p); err != nil {
			return TicketPolicyView{}, err
		}
		// A field that was demanded, or another project: what failed may go through now.
		if _, err := ticketing.Retry(ch.tx, "", product); err != nil {
			return TicketPolicyView{}, err
		}
		return TicketPolicyView{p, now + 1}, ch.record("tickets.policy", "product/"+string(product), old, p)
	})
}

// checkTargets refuses a policy whose tickets could not be made wherever they go.
func checkTargets(tx *store.Tx, p ticketing.Policy) error {
	bad := fault.New(fault.Invalid, "policy.target", "the policy does not say where tickets are to be made")
	check := func(where string, t ticketing.Target) error {
		if t.Connection == "" {
			return nil
		}
		conn, err := tx.Connection(t.Connection)
		switch {
		case fault.Is(err, fault.NotFound):
			bad.With(where+".connection", "there is no connection %q", t.Connection)
		case err != nil:
			return err
		// Projects name their issue types as they like; we do not guess one.
		case conn.Kind == "jira" && t.Type == "" && p.Default.Type == "":
			bad.With(where+".type", "tickets of %s need an issue type, for example Task", conn.Name)
		}
		return nil
	}
	if err := check("body.default", p.Default); err != nil {
		return err
	}
	for i, r := range p.Routes {
		if err := check(fmt.Sprintf("body.routes[%d].target", i), r.Target); err != nil {
			return err
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func (ch *changing) savePolicy(product model.ProductID, version int64, p ticketing.Policy) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("app: ticket policy of product %s: %w", product, err)
	}
	ch.wake = true
	return ch.tx.SetSetting(store.Setting{Key: policyKey(product), Version: version, At: ch.at, Doc: string(data)})
}

// known refuses ids that no countermeasure, threat or weakness of the model has:
// what is published is remembered, and nothing would ever forget them.
func known(m *model.Model, objects []string) error {
	have := make(map[string]bool, len(m.Countermeasures)+len(m.Threats)+len(m.Weaknesses))
	for i := range m.Countermeasures {
		have[string(m.Countermeasures[i].ID)] = true
	}
	for i := range m.Threats {
		have[string(m.Threats[i].ID)] = true
	}
	for i := range m.Weaknesses {
		have[string(m.Weaknesses[i].ID)] = true
	}
	for n, id := range objects {
		if !have[id] {
			return fault.New(fault.Invalid, "publish.object", "the product has no %q", id).
				With(fmt.Sprintf("body.objects[%d]", n), "expected the id of a countermeasure, threat or weakness")
		}
	}
	return nil
}

// PublishInput says which tickets go out.
type PublishInput struct {
	All     bool     `json:"all,omitempty" doc:"Everything that is held"`
	Objects []string `json:"objects,omitempty" maxItems:"5000" doc:"Ids of countermeasures, threats or weaknesses"`
}

// PublishedView is what a publication did.
type PublishedView struct {
	Released int `json:"released" doc:"Held tickets that go out now"`
	Named    int `json:"named" doc:"Objects that are published from now on"`
}

// Publish lets tickets go out: those that wait for a person, and named objects whatever the policy pushes by itself.
func (a *App) Publish(ctx context.Context, c Caller, product model.ProductID, in PublishInput) (PublishedView, error) {
	return change(ctx, a, c, policy.TicketsPublish, product, Cause{Kind: "ticket", Text: "tickets were published"}, func(ch *changing) (PublishedView, error) {
		if err := known(ch.model, in.Objects); err != nil {
			return PublishedView{}, err
		}
		p, version, err := ticketPolicy(ch.tx, product)
		if err != nil {
			return PublishedView{}, err
		}
		if p.Default.Connection == "" && len(p.Routes) == 0 {
			return PublishedView{}, fault.New(fault.Conflict, "publish.nowhere", "the product's ticket policy names no tracker; set it first")
		}
		var v PublishedView
		objects := in.Objects
		if in.All {
			wants, _, err := a.wants(ch.tx, ch.model)
			if err != nil {
				return v, err
			}
			for _, w := range wants {
				if w.State == ticketing.WantOpen {
					objects = append(objects, w.Key.Object)
				}
			}
		}
		p.Published, p.Unwanted = maps.Clone(p.Published), maps.Clone(p.Unwanted)
		if p.Published == nil {
			p.Published = map[string]bool{}
		}
		for _, id := range objects {
			if !p.Published[id] {
				p.Published[id] = true
				v.Named++
			}
			delete(p.Unwanted, id)
		}
		if err := ch.savePolicy(product, version, p); err != nil {
			return v, err
		}
		var keys []ticketing.Key
		if !in.All {
			for _, id := range in.Objects {
				for _, purpose := range []ticketing.Purpose{ticketing.ForCountermeasure, ticketing.ForThreat, ticketing.ForVulnerability} {
					keys = append(keys, ticketing.Key{Object: id, Purpose: purpose})
				}
			}
		}
		if in.All || len(keys) > 0 {
			if v.Released, err = ticketing.Release(ch.tx, product, keys...); err != nil {
				return v, err
			}
		}
		return v, ch.record("tickets.publish", "product/"+string(product), nil, map[string]any{"all": in.All, "objects": in.Objects, "released": v.Released})
	})
}

// Unpublish takes the publication of objects back: what we created and nobody touched is closed.
func (a *App) Unpublish(ctx context.Context, c Caller, product model.ProductID, objects []string) error {
	_, err := change(ctx, a, c, policy.TicketsPublish, product, Cause{Kind: "ticket", Text: "a publication was undone"}, func(ch *changing) (struct{}, error) {
		p, version, err := ticketPolicy(ch.tx, product)
		if err != nil {
			return struct{}{}, err
		}
		if err := known(ch.model, objects); err != nil {
			return struct{}{}, err
		}
		p.Published, p.Unwanted = maps.Clone(p.Published), maps.Clone(p.Unwanted)
		if p.Unwanted == nil {
			p.Unwanted = map[string]ticketing.Unpublish{}
		}
		for _, id := range objects {
			delete(p.Published, id)
			p.Unwanted[id] = ticketing.Unpublish{By: c.Name, At: ch.at}
		}
		if err := ch.savePolicy(product, version, p); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("tickets.unpublish", "product/"+string(product), nil, objects)
	})
	return err
}

// TicketView is a ticket of a product, or one that is to be.
type TicketView struct {
	TicketRef
	ID         string `json:"id,omitempty" doc:"The tracker's id"`
	Connection string `json:"connection"`
	Object     string `json:"object"`
	Summary    string `json:"summary"`
	place      string // in the list
}

// ticketOrder is in which order tickets are listed, by their state.
var ticketOrder = []string{"failed", "deleted", "hidden", "held", "ambiguous", "pending", "open", "implemented", "closed", "rejected", "undone", "followed"}

// Tickets lists a product's tickets, also those that wait or failed: what needs a
// person first, then by what it is for; on its first page with their total.
func (a *App) Tickets(ctx context.Context, c Caller, product model.ProductID, cursor string, limit int) (Page[TicketView], error) {
	return query(ctx, a, c, policy.TicketsRead, product, func(tx *store.Tx) (Page[TicketView], error) {
		m, _, err := tx.ReadModel(product)
		if err != nil {
			return Page[TicketView]{}, err
		}
		list, err := a.ticketViews(tx, m)
		if err != nil {
			return Page[TicketView]{}, err
		}
		page, err := paginate(list, func(v *TicketView) string { return v.place }, cursor, limit)
		if cursor == "" {
			total := len(list)
			page.Total = &total
		}
		return page, err
	})
}

// intentStates are the states of tickets that are to be, as people read them.
var intentStates = map[string]string{store.IntentHeld: "held", store.IntentReady: "pending", store.IntentSent: "pending", store.IntentAmbiguous: "ambiguous", store.IntentFailed: "failed"}

func (a *App) ticketViews(tx *store.Tx, m *model.Model) ([]TicketView, error) {
	links, err := tx.Links(store.LinkFilter{Product: m.Product.ID})
	if err != nil {
		return nil, err
	}
	return a.viewTickets(tx, m, links)
}

// viewTickets are the tickets of links and those that are to be, in order.
func (a *App) viewTickets(tx *store.Tx, m *model.Model, links []store.TicketLink) ([]TicketView, error) {
	intents, err := tx.Intents(store.IntentFilter{Product: m.Product.ID, Open: true})
	if err != nil {
		return nil, err
	}
	titles := sync.OnceValue(func() map[string]string { return objectTitles(m) }) // most tickets say what they are for
	out := make([]TicketView, 0, len(links)+len(intents))
	add := func(v TicketView) {
		if v.Summary == "" {
			v.Summary = titles()[v.Object]
		}
		rank := slices.Index(ticketOrder, v.State)
		v.place = string(rune('b'+rank)) + v.Object + "/" + v.Purpose + "/" + v.Connection + "/" + v.ID // an unknown state is the first
		out = append(out, v)
	}
	for i := range links {
		l := &links[i]
		if l.State == "unlinked" {
			continue
		}
		var s ticketing.Snapshot
		if err := json.Unmarshal([]byte(l.Snapshot), &s); err != nil {
			return nil, fmt.Errorf("app: ticket %s: %w", l.TicketKey, err)
		}
		add(TicketView{
			TicketRef: TicketRef{Key: l.TicketKey, URL: l.URL, Status: s.Status, State: linkState(*l, s), Purpose: l.Purpose, Note: l.Reason, Estimate: estimateOf(s.Estimate)},
			ID:        l.TicketID, Connection: l.Connection, Object: l.Object, Summary: s.Summary,
		})
	}
	for _, i := range intents {
		note := i.Reason
		if i.State == store.IntentAmbiguous {
			note = cmp.Or(note, "the tracker did not answer") + "; decided by " + i.SettleAt.UTC().Format("15:04 MST")
		}
		add(TicketView{TicketRef: TicketRef{State: intentStates[i.State], Purpose: i.Purpose, Note: note}, Connection: i.Connection, Object: i.Object})
	}
	slices.SortFunc(out, func(x, y TicketView) int { return strings.Compare(x.place, y.place) })
	return out, nil
}

func linkState(l store.TicketLink, s ticketing.Snapshot) string {
	if l.State != "live" {
		return l.State
	}
	switch s.Meaning {
	case ticketing.MeansImplemented:
		if l.Purpose == string(ticketing.ForVulnerability) {
			return "closed"
		}
		return "implemented"
	case ticketing.MeansRejected, ticketing.MeansDuplicate:
		return "rejected"
	default:
		return "open"
	}
}

func objectTitles(m *model.Model) map[string]string {
	titles := map[string]string{}
	for i := range m.Threats {
		titles[string(m.Threats[i].ID)] = m.Threats[i].Title
	}
	for i := range m.Weaknesses {
		titles[string(m.Weaknesses[i].ID)] = m.Weaknesses[i].Title
	}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		titles[string(c.ID)] = c.Title
		titles[ticketing.RequirementID(m.Product.ID, c.Ref)] = c.Title
	}
	return titles
}

// ticketRefs are a product's tickets by object, the one for its work before the one for
// what tests found; a ticket that serves several objects stands at each.
func (a *App) ticketRefs(tx *store.Tx, m *model.Model) (map[string][]TicketRef, error) {
	links, err := tx.Links(store.LinkFilter{Product: m.Product.ID})
	if err != nil {
		return nil, err
	}
	list, err := a.viewTickets(tx, m, links)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(x, y TicketView) int {
		return cmp.Or(strings.Compare(x.Purpose, y.Purpose), strings.Compare(x.Connection, y.Connection), strings.Compare(x.ID, y.ID))
	})
	serves := map[string][]string{}
	for _, l := range links {
		serves[l.Object+"/"+l.Purpose+"/"+l.TicketID] = l.Objects
	}
	out := map[string][]TicketRef{}
	for _, v := range list {
		objects := serves[v.Object+"/"+v.Purpose+"/"+v.ID]
		if len(objects) == 0 {
			objects = []string{v.Object}
		}
		for _, o := range objects {
			out[o] = append(out[o], v.TicketRef)
		}
	}
	return out, nil
}

// ticketedObjects are the objects that have or wait for a ticket.
func (a *App) ticketedObjects(tx *store.Tx, product model.ProductID) (map[string]bool, error) {
	out := map[string]bool{}
	links, err := tx.Links(store.LinkFilter{Product: product})
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		out[l.Object] = true
		for _, o := range l.Objects {
			out[o] = true
		}
	}
	intents, err := tx.Intents(store.IntentFilter{Product: product})
	for _, i := range intents {
		if i.Attempts > 0 {
			out[i.Object] = true
		}
	}
	return out, err
}

// PlannedTicket is a ticket that would be created.
type PlannedTicket struct {
	Object  string `json:"object"`
	Purpose string `json:"purpose"`
	Summary string `json:"summary"`
	Project string `json:"project,omitempty"`
}

// ProposedTicket is an object whose ticket would help most.
type ProposedTicket struct {
	Object  string  `json:"object" doc:"Id of a countermeasure, or of a threat without one"`
	Purpose string  `json:"purpose"`
	Summary string  `json:"summary"`
	Takes   float64 `json:"takes" doc:"Points of the current ratings, summed over its threats, that it stands for"`
}

// ProposeTickets returns the most useful objects to publish by hand, the best first;
// what has a ticket, and what was published already, is left out.
func (a *App) ProposeTickets(ctx context.Context, c Caller, product model.ProductID, limit int) (Page[ProposedTicket], error) {
	return query(ctx, a, c, policy.TicketsRead, product, func(tx *store.Tx) (Page[ProposedTicket], error) {
		out := Page[ProposedTicket]{Items: []ProposedTicket{}}
		m, _, err := tx.ReadModel(product)
		if err != nil {
			return out, err
		}
		in, err := a.ticketInput(tx, m)
		if err != nil {
			return out, err
		}
		for _, p := range ticketing.Propose(in, limit) {
			out.Items = append(out.Items, ProposedTicket{Object: p.Key.Object, Purpose: string(p.Key.Purpose), Summary: p.Title, Takes: p.Takes})
		}
		return out, nil
	})
}

// plannedTickets are the tickets that a model would want and that are not there.
func (a *App) plannedTickets(tx *store.Tx, m *model.Model) ([]PlannedTicket, error) {
	wants, _, err := a.wants(tx, m)
	if err != nil {
		return nil, err
	}
	there, err := a.ticketedObjects(tx, m.Product.ID)
	if err != nil {
		return nil, err
	}
	var out []PlannedTicket
	for _, w := range wants {
		if w.State == ticketing.WantOpen && !there[w.Key.Object] && w.Target.Connection != "" {
			out = append(out, PlannedTicket{Object: w.Key.Object, Purpose: string(w.Key.Purpose), Summary: w.Summary, Project: w.Target.Project})
		}
	}
	return out, nil
}
