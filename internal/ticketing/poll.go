package ticketing

import (
	"context"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
)

const (
	overlap      = 5 * time.Minute // of two polls: clocks differ and searches lag
	deliveryKeep = 7 * 24 * time.Hour
	inboxAtOnce  = 100
	foreignOnce  = 100 // tickets of others that a poll reads
)

// Poll reads what changed in a tracker and tells the models. Tickets that a
// webhook pointed to are read by id at once; the poll proper is one request
// where nothing changed, and that request includes a ticket we know, so that an
// empty answer means blind, never "deleted". Tickets that people linked by hand are
// read besides, since they lack our label. It returns when to poll again.
func (e *Engine) Poll(ctx context.Context, connection string) (time.Time, error) {
	return e.on(ctx, connection, func(ctx context.Context, r *run) error {
		hinted, err := r.inbox(ctx)
		if err != nil {
			return err
		}
		if hinted && r.now().Sub(r.conn.LastPoll) < e.o.PollEvery {
			r.due(r.conn.LastPoll.Add(e.o.PollEvery))
			return nil
		}
		return r.poll(ctx)
	})
}

// inbox reads the tickets that webhooks pointed to, and reports whether there were any.
func (r *run) inbox(ctx context.Context) (hinted bool, err error) {
	for {
		var ids []string
		err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
			ids, err = tx.InboxTickets(r.id, inboxAtOnce)
			return err
		})
		if err != nil || len(ids) == 0 {
			return hinted, err
		}
		hinted = true
		seen, err := r.get(ctx, ids)
		if err != nil {
			return hinted, err
		}
		spoils := len(r.spoils)
		for _, id := range ids {
			if t := seen[id]; t != nil {
				if err := r.spoilt(ctx, r.seen(ctx, *t)); err != nil {
					return hinted, err
				}
			}
		}
		if len(r.spoils) > spoils {
			return hinted, nil // they stay, and are read again with the next
		}
		err = r.write(ctx, func(tx *store.Tx) error { return tx.ClearInbox(r.id, ids, r.now().Add(-deliveryKeep)) })
		if err != nil {
			return hinted, err
		}
	}
}

func (r *run) poll(ctx context.Context) error {
	started := r.now()
	known := ""
	err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error {
		rows, err := tx.Links(store.LinkFilter{Connection: r.id, State: string(LinkLive), Limit: 50})
		for _, row := range rows {
			l, err := linkOf(row)
			if err != nil {
				return err
			}
			// One that somebody else made lacks our label and would not be found by it.
			if l.Snapshot.Missing.IsZero() && l.Own {
				known = l.TicketID
				break
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	since := time.Time{}
	if !r.conn.PolledTo.IsZero() {
		since = r.conn.PolledTo.Add(-overlap - r.caps.SearchLag)
	}
	complete := true
	blind := known != ""
	err = r.pages(ctx, since, known, func(tickets []tracker.Ticket) error {
		for _, t := range tickets {
			if t.ID == known {
				blind = false
			}
			if err := r.spoilt(ctx, r.seen(ctx, t)); err != nil {
				return err
			}
		}
		return nil
	}, &complete)
	if err != nil {
		return err
	}
	r.conn.LastPoll = r.now()
	r.due(r.conn.LastPoll.Add(r.e.o.PollEvery))
	switch {
	case !complete:
		return nil
	case blind:
		return r.blind(ctx, known)
	}
	r.ok()
	if len(r.spoils) == 0 {
		r.conn.PolledTo = started
	}
	return r.foreign(ctx)
}

// foreign reads tickets that we did not make, some at a time, one after the other.
// One that is not shown is left to the sweep.
func (r *run) foreign(ctx context.Context) error {
	var ids []string
	err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		ids, err = tx.ForeignTickets(r.id)
		return err
	})
	if err != nil || len(ids) == 0 {
		return err
	}
	if len(ids) > foreignOnce {
		next, _ := slices.BinarySearchFunc(ids, r.s.foreign, func(id, last string) int {
			if id <= last {
				return -1
			}
			return 1
		})
		ids = append(ids[next:], ids[:next]...)[:foreignOnce]
		r.s.foreign = ids[foreignOnce-1]
	}
	shown, err := r.get(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if t := shown[id]; t != nil {
			if err := r.spoilt(ctx, r.seen(ctx, *t)); err != nil {
				return err
			}
		}
	}
	return nil
}

// blind is a poll whose answer lacks a ticket that must be in it.
func (r *run) blind(ctx context.Context, known string) error {
	see, err := r.sees(ctx, known)
	if err != nil || !see {
		return err
	}
	shown, err := r.get(ctx, []string{known})
	if err != nil {
		return err
	}
	r.conn.Reason = "the tracker's search does not show what it should; changes may be seen late"
	if shown[known] != nil {
		return nil
	}
	// The others are shown, this one is not: look at another one next time.
	return r.eachLink(ctx, known, func(row store.TicketLink, l Link) error {
		s := Situation{Link: &l, Absent: true, Table: r.settings.Status, Caps: r.caps, Now: r.now()}
		_, err := r.act(ctx, s, row, Decide(s))
		return err
	})
}

// pages reads all pages of changed tickets. complete is false where the tracker failed on the way.
func (r *run) pages(ctx context.Context, since time.Time, known string, fn func([]tracker.Ticket) error, complete *bool) error {
	q := tracker.ChangeQuery{Label: Label, Since: since, Now: r.now(), Known: known}
	for {
		r.point("changed")
		page, err := r.tr.Changed(ctx, q)
		if err != nil {
			*complete = false
			if stop := r.failed(err); stop != nil {
				return stop
			}
			r.conn.Reason = "changes cannot be read: " + tracker.AsError(err).Plain()
			return nil
		}
		if err := fn(page.Tickets); err != nil {
			return err
		}
		if page.Next == "" || page.Next == q.Cursor {
			return nil
		}
		q.Cursor = page.Next
	}
}

// seen takes a ticket as just read: its news go to the model, and a ticket of
// ours that nothing is linked to is claimed.
func (r *run) seen(ctx context.Context, t tracker.Ticket) error {
	linked := false
	err := r.eachLink(ctx, t.ID, func(row store.TicketLink, l Link) error {
		linked = true
		if l.State != LinkLive {
			return nil
		}
		s := Situation{Link: &l, Seen: &t, Table: r.settings.Status, Caps: r.caps, Now: r.now()}
		_, err := r.act(ctx, s, row, Decide(s))
		if refused := (*tracker.Error)(nil); asTracker(err, &refused) {
			return r.refusedLink(ctx, row, refused)
		}
		return err
	})
	if err != nil || linked {
		return err
	}
	claimed, err := r.claim(ctx, t)
	if err != nil || claimed {
		return err
	}
	return r.stray(ctx, t)
}

// stray asks for a sweep where a ticket carries the marker of one that is linked already.
func (r *run) stray(ctx context.Context, t tracker.Ticket) error {
	for _, marker := range t.Markers {
		err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error {
			intents, err := tx.Intents(store.IntentFilter{Marker: marker, Connection: r.id})
			if err == nil && len(intents) > 0 && genuine(intents[0], t) && t.Category != tracker.Done {
				r.sweepAt(r.now())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) eachLink(ctx context.Context, ticket string, fn func(store.TicketLink, Link) error) error {
	var rows []store.TicketLink
	err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		rows, err = tx.Links(store.LinkFilter{Connection: r.id, TicketID: ticket})
		return err
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		l, err := linkOf(row)
		if err != nil {
			return err
		}
		if err := fn(row, l); err != nil {
			return err
		}
	}
	return nil
}
