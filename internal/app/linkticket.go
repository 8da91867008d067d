package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/builtin"
)

// LinkTicketInput links an existing ticket to an object.
type LinkTicketInput struct {
	Connection string `json:"connection"`
	Object     string `json:"object" doc:"Id of a countermeasure, threat or weakness"`
	Purpose    string `json:"purpose" enum:"countermeasure,threat,vulnerability"`
	Ticket     string `json:"ticket" doc:"Id or key in the tracker"`
}

// LinkTicket links an existing ticket to an object of the product.
func (a *App) LinkTicket(ctx context.Context, c Caller, product model.ProductID, in LinkTicketInput) error {
	var accept func(tracker.Ticket) bool
	_, err := reach(ctx, a, c, outside[struct{}]{
		action: policy.TicketsEdit, product: product, cause: Cause{Kind: "ticket", Text: in.Ticket + " was linked", Ref: in.Ticket},
		look: func(tx *store.Tx) error {
			m, _, err := tx.LoadModel(product)
			if err != nil {
				return err
			}
			if _, ok := objectTitles(m)[in.Object]; !ok {
				return notFound("object", in.Object)
			}
			accept, err = a.linkable(tx, c, product, in)
			return err
		},
		call: func(ctx context.Context) (struct{}, error) {
			key := ticketing.Key{Object: in.Object, Purpose: ticketing.Purpose(in.Purpose)}
			return struct{}{}, a.ticketing.LinkTicket(ctx, in.Connection, product, key, nil, in.Ticket, accept)
		},
		note: func(ch *changing, _ struct{}) error {
			ch.wake = true
			return ch.record("tickets.link", in.Purpose+"/"+in.Object, nil, in)
		},
	})
	return err
}

// linkable refuses a ticket that the caller would not be shown, since whoever links
// it sees it: on the built-in board one of products that they do not see; elsewhere
// one of a tracker that none of their products works with, and what it returns does
// not accept. The tracker shows us more than it shows them: who does not say where
// the product's tickets go may link those of the projects where they are or go.
func (a *App) linkable(tx *store.Tx, c Caller, product model.ProductID, in LinkTicketInput) (accept func(tracker.Ticket) bool, err error) {
	conn, err := tx.Connection(in.Connection)
	if err != nil {
		return nil, err
	}
	if conn.Kind == "builtin" {
		card, err := builtin.Board{Tx: tx, Connection: in.Connection}.Card(in.Ticket)
		if err != nil {
			return nil, err
		}
		return nil, a.allowCard(tx, c, policy.TicketsRead, in.Connection, card.ID)
	}
	if a.allow(tx, c, policy.ConnectionRead, "") == nil {
		return nil, nil
	}
	p, _, err := ticketPolicy(tx, product)
	if err != nil {
		return nil, err
	}
	own, err := ownConnections(tx, c)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(p.Connections(), in.Connection) && !own(in.Connection) {
		return nil, notFound("connection", in.Connection)
	}
	if a.allow(tx, c, policy.TicketsPublish, product) == nil {
		return nil, nil
	}
	projects := p.Projects(in.Connection)
	links, err := tx.Links(store.LinkFilter{Product: product, Connection: in.Connection, State: string(ticketing.LinkLive)})
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		var s ticketing.Snapshot
		if err := json.Unmarshal([]byte(l.Snapshot), &s); err != nil {
			return nil, fmt.Errorf("app: ticket %s: %w", l.TicketKey, err)
		}
		projects = append(projects, s.Project)
	}
	return func(t tracker.Ticket) bool {
		return slices.ContainsFunc(projects, func(p string) bool { return p != "" && strings.EqualFold(p, t.Project) })
	}, nil
}

// UnlinkTicket lets go of a ticket: nothing is read from it or written to it any more.
func (a *App) UnlinkTicket(ctx context.Context, c Caller, product model.ProductID, in LinkTicketInput) error {
	_, err := change(ctx, a, c, policy.TicketsEdit, product, Cause{Kind: "ticket", Text: in.Ticket + " was unlinked", Ref: in.Ticket}, func(ch *changing) (struct{}, error) {
		key := ticketing.Key{Object: in.Object, Purpose: ticketing.Purpose(in.Purpose)}
		if err := ticketing.Unlink(ch.tx, in.Connection, product, key, in.Ticket, ch.at); err != nil {
			return struct{}{}, err
		}
		ch.wake = true
		return struct{}{}, ch.record("tickets.unlink", in.Purpose+"/"+in.Object, in, nil)
	})
	return err
}

// RecreateTicket plans a new ticket for an object whose ticket was deleted.
func (a *App) RecreateTicket(ctx context.Context, c Caller, product model.ProductID, object, purpose string) error {
	_, err := change(ctx, a, c, policy.TicketsPublish, product, Cause{Kind: "ticket", Text: "a deleted ticket is made again", Ref: object}, func(ch *changing) (struct{}, error) {
		if err := a.ticketing.Recreate(ch.tx, product, ticketing.Key{Object: object, Purpose: ticketing.Purpose(purpose)}); err != nil {
			return struct{}{}, err
		}
		ch.wake = true
		return struct{}{}, ch.record("tickets.recreate", purpose+"/"+object, nil, nil)
	})
	return err
}
