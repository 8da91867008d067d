package ticketing

import (
	"context"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
)

// observe tells the model what the tracker says now, in the transaction that
// remembers it.
func (r *run) observe(ctx context.Context, b *bond, a Action) error {
	o := Observation{Estimate: b.seen.Estimate, At: r.now()}
	moved := a.Meaning != b.Link.Snapshot.Meaning
	if moved && (a.Meaning == MeansRejected || a.Meaning == MeansDuplicate) {
		// The comment with which it was closed is the reason.
		r.point("comments")
		comments, err := r.tr.Comments(ctx, b.seen.ID)
		if err != nil {
			return err
		}
		for _, c := range comments {
			if !strings.Contains(c.Text, refPrefix) && strings.TrimSpace(c.Text) != "" {
				o.Reason, o.Actor = strings.TrimSpace(c.Text), c.Author
			}
		}
	}
	snap := b.Link.Snapshot.agree(nil, b.seen, b.Table)
	if moved {
		snap.HumanAt = r.now()
		// From where they put it we may try again.
		snap.Stuck = ""
	}
	b.row.TicketKey, b.row.URL = b.seen.Key, b.seen.URL
	b.row.Failures, b.row.RetryAt, b.row.Reason = 0, time.Time{}, standing(snap)
	return r.tell(ctx, b, snap, o)
}

// tell saves the link and passes the state of all tickets of its objects on.
func (r *run) tell(ctx context.Context, b *bond, snap Snapshot, o Observation) error {
	b.row.Snapshot, b.row.UpdatedAt = encode(snap), r.now()
	return r.write(ctx, func(tx *store.Tx) error {
		if err := saveLink(tx, b.row); err != nil {
			return err
		}
		obs, err := r.together(tx, b.row, o)
		if err != nil {
			return err
		}
		return r.e.o.Host.Observed(ctx, tx, r.id, obs)
	})
}

// together returns the observations of a link's objects: the state is that of
// all their tickets together.
func (r *run) together(tx *store.Tx, row store.TicketLink, o Observation) ([]Observation, error) {
	rows, err := tx.Links(store.LinkFilter{Product: row.Product, Object: row.Object, Purpose: row.Purpose})
	if err != nil {
		return nil, err
	}
	var ms []Meaning
	for _, other := range rows {
		l, err := linkOf(other)
		if err != nil {
			return nil, err
		}
		switch l.State {
		case LinkLive:
			ms = append(ms, l.Snapshot.Meaning)
		case LinkDeleted:
			ms = append(ms, MeansDeleted)
		}
	}
	o.Product, o.Purpose, o.TicketKey, o.URL, o.State = row.Product, Purpose(row.Purpose), row.TicketKey, row.URL, Together(ms)
	var out []Observation
	for _, object := range row.Objects {
		o.Object = object
		out = append(out, o)
	}
	return out, nil
}

// redirect follows a ticket that was closed as a duplicate to the other one.
func (r *run) redirect(ctx context.Context, b *bond, a Action) error {
	r.point("get")
	others, err := r.tr.Get(ctx, []string{a.Ticket})
	if err != nil {
		return err
	}
	if len(others) == 0 {
		// What it duplicates cannot be seen: a person has to say what that means.
		return r.observe(ctx, b, Action{Kind: ActObserve, Meaning: MeansDuplicate})
	}
	snap := b.Link.Snapshot.agree(nil, b.seen, b.Table)
	b.row.State, b.row.Reason = string(LinkFollowed), "closed as a duplicate of "+others[0].Key
	row := r.manual(b.row.Product, b.Link.Key, b.row.Objects, others[0])
	return r.write(ctx, func(tx *store.Tx) error {
		if err := r.addLink(tx, row); err != nil {
			return err
		}
		b.row.Snapshot, b.row.UpdatedAt = encode(snap), r.now()
		if err := saveLink(tx, b.row); err != nil {
			return err
		}
		return r.tellLinked(ctx, tx, row)
	})
}

// manual is a link to a ticket that we did not make.
func (r *run) manual(p model.ProductID, key Key, objects []string, t tracker.Ticket) store.TicketLink {
	now := r.now()
	snap := Snapshot{}.agree(nil, t, r.settings.Status)
	snap.Meaning = "" // its state is news
	return store.TicketLink{
		Connection: r.id, TicketID: t.ID, Product: p, Object: key.Object, Purpose: string(key.Purpose), TicketKey: t.Key, URL: t.URL,
		State: string(LinkLive), Objects: objects, Snapshot: encode(snap), CreatedAt: now, UpdatedAt: now,
	}
}

// addLink saves a link unless the ticket is linked to the object already.
func (r *run) addLink(tx *store.Tx, row store.TicketLink) error {
	old, err := tx.Links(store.LinkFilter{Product: row.Product, Object: row.Object, Purpose: row.Purpose, Connection: row.Connection, TicketID: row.TicketID})
	if err != nil {
		return err
	}
	if len(old) == 1 {
		row = old[0]
		row.State, row.Reason, row.UpdatedAt = string(LinkLive), "", r.now()
	}
	return tx.SaveLink(row)
}

// LinkTicket links an existing ticket, by id or key, to one of our objects.
// Nothing is written into it but comments and links, and its state counts.
// fault.NotFound where the tracker does not show it, and where accept is not nil
// and does not take it.
func (e *Engine) LinkTicket(ctx context.Context, connection string, p model.ProductID, key Key, objects []string, ticket string, accept func(tracker.Ticket) bool) error {
	missing := false
	linked := false
	_, err := e.on(ctx, connection, func(ctx context.Context, r *run) error {
		if err := r.identify(ctx); err != nil {
			return err
		}
		found, err := r.tr.Get(ctx, []string{ticket})
		if err != nil {
			if stop := r.failed(err); stop != nil {
				return stop
			}
			return fault.Wrap(err, fault.Unavailable, "ticket.unread", "the tracker did not show %s: %s", ticket, tracker.AsError(err).Error())
		}
		if len(found) == 0 || accept != nil && !accept(found[0]) {
			missing = true
			return nil
		}
		if len(objects) == 0 {
			objects = []string{key.Object}
		}
		row := r.manual(p, key, objects, found[0])
		linked = true
		return r.write(ctx, func(tx *store.Tx) error {
			if err := r.addLink(tx, row); err != nil {
				return err
			}
			intents, err := tx.Intents(store.IntentFilter{Product: p, Object: key.Object, Purpose: string(key.Purpose), States: []string{store.IntentHeld, store.IntentReady, store.IntentFailed}})
			if err != nil {
				return err
			}
			for _, i := range intents {
				if i.Attempts == 0 {
					if err := tx.DropIntent(i.Product, i.Object, i.Purpose); err != nil {
						return err
					}
				}
			}
			return r.tellLinked(ctx, tx, row)
		})
	})
	switch {
	case err != nil:
		return err
	case missing:
		return fault.New(fault.NotFound, "ticket.not_found", "the tracker shows no ticket %s; check the key and the permission", ticket)
	case !linked:
		return fault.New(fault.Unavailable, "ticket.connection_busy", "the tracker connection is paused or another process works on it; try again")
	}
	return nil
}
