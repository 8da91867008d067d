package ticketing

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// Sweep reads every ticket of ours: tickets that were created twice are merged
// into the one with the lowest id, lost news are told, and tickets that the
// tracker does not show any more are confirmed as deleted. It returns when to
// sweep again. Nothing is ever deleted.
func (e *Engine) Sweep(ctx context.Context, connection string) (time.Time, error) {
	return e.on(ctx, connection, func(ctx context.Context, r *run) error {
		now := r.now()
		if last := r.conn.LastSweep; !last.IsZero() && now.Sub(last) < e.o.SweepEvery && (r.conn.SweepDue.IsZero() || now.Before(r.conn.SweepDue)) {
			r.due(r.sweepNext())
			return nil
		}
		if err := r.identify(ctx); err != nil {
			return err
		}
		byMarker := map[string][]tracker.Ticket{}
		complete := true
		err := r.pages(ctx, time.Time{}, "", func(tickets []tracker.Ticket) error {
			for _, t := range tickets {
				for _, m := range t.Markers {
					byMarker[m] = append(byMarker[m], tracker.Ticket{ID: t.ID, Key: t.Key, URL: t.URL, Category: t.Category, Created: t.Created, Markers: t.Markers, PropertyMarker: t.PropertyMarker})
				}
				if err := r.seen(ctx, t); err != nil {
					return err
				}
			}
			return nil
		}, &complete)
		if err != nil {
			return err
		}
		markers := make([]string, 0)
		for m, ts := range byMarker {
			if len(carrying(ts, m)) > 1 {
				markers = append(markers, m)
			}
		}
		slices.Sort(markers)
		for _, m := range markers {
			if err := r.merge(ctx, m, carrying(byMarker[m], m)); err != nil {
				return err
			}
		}
		if err := r.confirm(ctx); err != nil {
			return err
		}
		if !complete {
			r.due(now.Add(backoff(r.conn.Failures, r.id)))
			return nil
		}
		r.conn.LastSweep, r.conn.SweepDue = now, time.Time{}
		r.due(r.sweepNext())
		return nil
	})
}

func (r *run) sweepNext() time.Time {
	next := r.conn.LastSweep.Add(r.e.o.SweepEvery)
	if !r.conn.SweepDue.IsZero() && r.conn.SweepDue.Before(next) {
		return r.conn.SweepDue
	}
	return next
}

// genuine reports whether a second ticket with an intent's marker can come from
// us: only an intent that was sent more than once, or found again, can have two,
// and a late create does not come days later. Anything else is a person's clone.
func genuine(i store.Intent, t tracker.Ticket) bool {
	return (i.Attempts > 1 || i.Attempts == 0) && (i.SentAt.IsZero() || t.Created.IsZero() || t.Created.Before(i.SentAt.Add(24*time.Hour)))
}

// merge keeps the ticket with the lowest id and closes the others as its duplicates.
func (r *run) merge(ctx context.Context, marker string, tickets []tracker.Ticket) error {
	var i store.Intent
	var rows []store.TicketLink
	err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error {
		intents, err := tx.Intents(store.IntentFilter{Marker: marker, Connection: r.id, States: []string{store.IntentLinked}})
		if err != nil || len(intents) == 0 {
			return err
		}
		i = intents[0]
		rows, err = tx.Links(store.LinkFilter{Product: i.Product, Object: i.Object, Purpose: i.Purpose, Connection: r.id, State: string(LinkLive)})
		return err
	})
	if err != nil || i.Marker == "" {
		return err
	}
	tickets = slices.DeleteFunc(tickets, func(t tracker.Ticket) bool {
		return !genuine(i, t) && !slices.ContainsFunc(rows, func(l store.TicketLink) bool { return l.TicketID == t.ID })
	})
	if len(tickets) < 2 {
		return nil
	}
	keep := tickets[0]
	if err := r.relink(ctx, i, rows, keep); err != nil {
		return err
	}
	for _, t := range tickets[1:] {
		if t.Category == tracker.Done {
			continue
		}
		err := r.closeDuplicate(ctx, t, keep)
		if refused := (*tracker.Error)(nil); asTracker(err, &refused) {
			if stop := r.failed(refused); stop != nil {
				return stop
			}
			r.conn.Reason = t.Key + " is a duplicate of " + keep.Key + " and could not be closed: " + refused.Error()
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// relink makes the kept ticket the linked one.
func (r *run) relink(ctx context.Context, i store.Intent, rows []store.TicketLink, keep tracker.Ticket) error {
	at := slices.IndexFunc(rows, func(l store.TicketLink) bool { return l.Own })
	if at < 0 || rows[at].TicketID == keep.ID {
		return nil
	}
	read, err := r.get(ctx, []string{keep.ID})
	if err != nil || read[keep.ID] == nil {
		return err
	}
	old := rows[at]
	fresh := r.newLink(nil, i, *read[keep.ID], true)
	fresh.Objects = old.Objects
	fresh.Reason = "merged with " + old.TicketKey + ", which was created twice"
	old.State, old.Reason = string(LinkFollowed), "a duplicate of "+keep.Key
	err = r.write(ctx, func(tx *store.Tx) error {
		if err := saveLink(tx, old); err != nil {
			return err
		}
		if err := tx.SaveLink(fresh); err != nil {
			return err
		}
		return r.tellLinked(ctx, tx, fresh)
	})
	if errors.Is(err, errLetGo) {
		return nil
	}
	return err
}

func (r *run) closeDuplicate(ctx context.Context, t, keep tracker.Ticket) error {
	n := Note{Key: "merged", Body: richtext.Doc{richtext.P(
		richtext.Text("Created twice because an answer was lost. The work goes on in "), richtext.Bold(keep.Key),
		richtext.Text("; this one is closed by Threatloop."))}}
	var wait time.Time
	if err := r.comment(ctx, t.ID, n, &wait); err != nil || !wait.IsZero() {
		return err
	}
	if r.caps.Links {
		r.point("link")
		if err := r.tr.Link(ctx, t.ID, keep.ID); err != nil {
			return err
		}
	}
	resolution := r.settings.Status.DuplicateResolution
	if resolution == "" {
		resolution = "Duplicate"
	}
	table := r.settings.Status
	r.point("transition")
	_, err := r.tr.Transition(ctx, t.ID, tracker.Wish{Category: tracker.Done, Statuses: table.Done, Resolution: resolution, Fields: table.Fields, MaxHops: table.MaxHops, DuplicateOf: keep.ID})
	return err
}

// confirm looks for tickets that the tracker does not show any more.
func (r *run) confirm(ctx context.Context) error {
	var rows []store.TicketLink
	err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		rows, err = tx.Links(store.LinkFilter{Connection: r.id, State: string(LinkLive)})
		return err
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	var missing []store.TicketLink
	for chunk := range slices.Chunk(rows, 100) {
		var ids []string
		for _, row := range chunk {
			ids = append(ids, row.TicketID)
		}
		shown, err := r.get(ctx, slices.Compact(slices.Sorted(slices.Values(ids))))
		if err != nil {
			return err
		}
		for _, row := range chunk {
			if t := shown[row.TicketID]; t == nil {
				missing = append(missing, row)
			} else if err := r.seen(ctx, *t); err != nil {
				return err
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	// A view that shrank by so much at once is a reindex, a lost permission or the wrong account.
	if len(rows) >= 5 && len(missing)*5 > len(rows) {
		r.conn.Reason = "the tracker shows " + count(len(rows)-len(missing), "ticket") + " of " + itoa(len(rows)) + "; none is taken for deleted"
		return nil
	}
	see, err := r.sees(ctx, missing[0].TicketID)
	if err != nil || !see {
		return err
	}
	for _, row := range missing {
		l, err := linkOf(row)
		if err != nil {
			return err
		}
		s := Situation{Link: &l, Absent: true, Table: r.settings.Status, Caps: r.caps, Now: r.now()}
		if _, err := r.act(ctx, s, row, Decide(s)); err != nil {
			return err
		}
	}
	return nil
}

func asTracker(err error, e **tracker.Error) bool { return err != nil && errors.As(err, e) }
