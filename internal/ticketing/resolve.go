package ticketing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
)

const (
	sweepAfter = 10 * time.Minute // a resolved ambiguity
	// numbersInFlight is how far a tracker's numbers may run ahead of its tickets.
	numbersInFlight = 100
)

// settleTime is how long a create may still be executed after its last attempt ended.
func (r *run) settleTime() time.Duration {
	switch {
	case r.caps.Immediate:
		return 0
	case r.caps.Probe:
		return r.e.o.Settle
	}
	return 3 * r.e.o.Settle
}

// ambiguous records that a ticket may exist, for an attempt that ended at the time.
func (r *run) ambiguous(ctx context.Context, i store.Intent, why string, ended time.Time) (store.Intent, error) {
	if r.caps.Immediate || ended.After(r.now()) && i.SentAt.After(r.now()) {
		ended = r.now()
	}
	i.State, i.Lookups, i.SettleAt = store.IntentAmbiguous, 0, ended.Add(r.settleTime())
	i.DueAt = r.now()
	i.Reason = why
	return i, r.write(ctx, func(tx *store.Tx) error { return tx.SaveIntent(i) })
}

// resolve looks for the ticket of an unanswered create: by number, then by
// search. Found, it is linked; not found, it is looked for later; only after the
// settle time, by a tracker that shows what we know, the create is sent again
// with the same marker.
func (r *run) resolve(ctx context.Context, w *work, i store.Intent) (store.Intent, error) {
	see, err := r.sees(ctx, "")
	if err != nil {
		return i, err
	}
	last := !r.now().Before(i.SettleAt)
	var hits []tracker.Ticket
	certain := see
	if r.caps.Probe && i.Attempts > 0 {
		water, err := r.water(ctx, i.Project)
		if err == nil {
			r.point("probe")
			var found []tracker.Ticket
			found, err = r.tr.Probe(ctx, i.Project, i.HighWater, i.Marker)
			hits = carrying(found, i.Marker)
		}
		if err != nil {
			if stop := r.failed(err); stop != nil {
				return i, stop
			}
			certain = false
		} else {
			// What was numbered before this look does not carry the marker and never
			// will; a number may be given out a little before its ticket is there.
			i.HighWater = max(i.HighWater, water-numbersInFlight)
		}
	}
	if len(hits) == 0 {
		r.point("find")
		found, err := r.tr.Find(ctx, i.Marker)
		if err != nil {
			if stop := r.failed(err); stop != nil {
				return i, stop
			}
			certain = false
		}
		hits = carrying(found, i.Marker)
	}
	if len(hits) > 0 {
		r.ok()
		r.sweepAt(r.now().Add(sweepAfter))
		if len(hits) > 1 {
			r.sweepAt(r.now())
		}
		return r.linkNew(ctx, w, w.wants[keyOf(i)], i, hits[0], true)
	}
	i.Lookups++
	switch {
	case last && certain:
		i.State, i.DueAt, i.SettleAt, i.Reason = store.IntentReady, r.now(), time.Time{}, ""
		r.sweepAt(r.now().Add(sweepAfter))
	case last:
		// Unknown is not absent: do not send before the tracker can be trusted.
		i.DueAt = r.now().Add(backoff(i.Lookups, i.Marker))
		i.Reason = "whether the ticket exists cannot be found out: the tracker does not show what we know"
	default:
		i.DueAt = r.lookAt(i)
		i.Reason = fmt.Sprintf("ambiguous until %s: the create was not answered and its ticket is not found yet", i.SettleAt.Format("15:04:05"))
	}
	return i, r.write(ctx, func(tx *store.Tx) error { return tx.SaveIntent(i) })
}

// lookAt is when an ambiguous intent is looked for next.
func (r *run) lookAt(i store.Intent) time.Time {
	started := i.SettleAt.Add(-r.settleTime())
	for _, d := range r.e.o.ResolveAfter {
		if t := started.Add(d); t.After(r.now()) && t.Before(i.SettleAt) {
			return t
		}
	}
	return i.SettleAt
}

func (r *run) sweepAt(t time.Time) {
	if r.conn.SweepDue.IsZero() || t.Before(r.conn.SweepDue) {
		r.conn.SweepDue = t
	}
}

// carrying returns the tickets that really carry the marker, lowest id first. A
// search's word for it is not enough, and where one has it in its hidden
// property those that show it in label or text only are people's clones.
func carrying(tickets []tracker.Ticket, marker string) []tracker.Ticket {
	var out []tracker.Ticket
	for _, t := range tickets {
		if slices.Contains(t.Markers, marker) {
			out = append(out, t)
		}
	}
	if slices.ContainsFunc(out, func(t tracker.Ticket) bool { return t.PropertyMarker == marker }) {
		out = slices.DeleteFunc(out, func(t tracker.Ticket) bool { return t.PropertyMarker != marker })
	}
	slices.SortFunc(out, func(a, b tracker.Ticket) int { return compareIDs(a.ID, b.ID) })
	return slices.CompactFunc(out, func(a, b tracker.Ticket) bool { return a.ID == b.ID })
}

// compareIDs orders ids by their number where they have one.
func compareIDs(a, b string) int {
	if x, y := number(a), number(b); x != y {
		if x < y {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// adopt looks through all tickets with our label for such that belong to an
// intent: after a connection was added again or a backup restored nothing is
// created twice.
func (r *run) adopt(ctx context.Context) error {
	if err := r.identify(ctx); err != nil {
		return err
	}
	complete := true
	err := r.pages(ctx, time.Time{}, "", func(tickets []tracker.Ticket) error {
		for _, t := range tickets {
			if _, err := r.claim(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}, &complete)
	if err != nil {
		return err
	}
	if !complete {
		r.due(r.now().Add(backoff(r.conn.Failures, r.id)))
		return errStop
	}
	r.conn.Adopt = false
	// Stored at once: a long import that is cut short must not start with this again.
	r.before = r.conn
	return r.write(ctx, func(tx *store.Tx) error { return tx.SetConnectionStatus(r.conn) })
}

// claim links a ticket that nothing is linked to yet to the intent whose marker
// it carries, and reports whether it did.
func (r *run) claim(ctx context.Context, t tracker.Ticket) (bool, error) {
	for _, marker := range t.Markers {
		var mine []store.Intent
		err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
			mine, err = tx.Intents(store.IntentFilter{Marker: marker, Connection: r.id, Open: true})
			return err
		})
		if err != nil || len(mine) == 0 {
			if err != nil {
				return false, err
			}
			continue
		}
		// One look at the product serves all its tickets: hundreds may be adopted at once.
		w := r.claims[mine[0].Product]
		if w == nil {
			if w, err = r.load(ctx, mine[0].Product); err != nil {
				return false, err
			}
			r.claims[mine[0].Product] = w
		}
		if w.linked[keyOf(mine[0])] {
			return false, nil
		}
		_, err = r.linkNew(ctx, w, w.wants[keyOf(mine[0])], mine[0], t, true)
		return err == nil, err
	}
	return false, nil
}
