package ticketing

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
)

// bond is a link under work: what is stored, what is wanted, what was seen.
type bond struct {
	Situation
	row  store.TicketLink
	seen tracker.Ticket
	wait time.Time // something is to be tried again then
}

// errLetGo ends the work on a link that a person let go of meanwhile.
var errLetGo = errors.New("ticketing: a person let go of the link")

// act does the actions on one link in their order and remembers the result. It
// reports whether the model was told something. A refusal by the tracker is a
// *tracker.Error; what was done before it is remembered. A link that a person lets
// go of meanwhile stays as they left it.
func (r *run) act(ctx context.Context, s Situation, row store.TicketLink, actions []Action) (news bool, err error) {
	if news, err = r.carryOut(ctx, s, row, actions); errors.Is(err, errLetGo) {
		return false, nil
	}
	return news, err
}

func (r *run) carryOut(ctx context.Context, s Situation, row store.TicketLink, actions []Action) (news bool, err error) {
	b := &bond{Situation: s, row: row}
	if s.Seen != nil {
		b.seen = *s.Seen
	}
	// What was refused waits for its time, whoever reads the ticket meanwhile.
	waits := s.Want == nil && row.Failures > 0 && row.RetryAt.After(r.now())
	if len(actions) == 0 && s.Seen != nil && !waits && (row.RetryAt != (time.Time{}) || row.Failures > 0) {
		actions = []Action{{Kind: ActAgree}}
	}
	for _, a := range actions {
		switch a.Kind {
		case ActObserve:
			return true, r.observe(ctx, b, a)
		case ActRedirect:
			return true, r.redirect(ctx, b, a)
		case ActSuspect:
			return false, r.suspect(ctx, b)
		case ActTombstone:
			return true, r.tombstone(ctx, b)
		case ActFollow:
			b.row.TicketKey, b.row.URL, b.Link.TicketKey = b.seen.Key, b.seen.URL, b.seen.Key
		case ActNote:
			err = r.note(ctx, b, *a.Note)
		case ActTransition:
			err = r.transition(ctx, b, a)
		case ActEdit:
			err = r.edit(ctx, b, a)
		case ActFreeze:
			b.Link.Snapshot.Frozen = a.Why
		case ActRelate:
			err = r.relate(ctx, b, a)
		case ActBackLink:
			err = r.backLink(ctx, b)
		case ActRelease:
			b.row.State = string(LinkUndone)
		}
		if err != nil {
			// Keep the parts that were done; what was asked for is not agreed yet.
			if e := r.save(ctx, b, nil); e != nil {
				return false, e
			}
			return false, err
		}
	}
	if len(actions) == 0 {
		return false, nil
	}
	if !waits {
		if b.wait.IsZero() {
			b.row.Failures, b.row.Reason = 0, standing(b.Link.Snapshot)
		}
		b.row.RetryAt = b.wait
	}
	r.due(b.row.RetryAt)
	if b.row.State == string(LinkUndone) && s.Want != nil && s.Want.State == WantOpen {
		b.row.State = string(LinkLive) // published again
	}
	want := s.settled()
	if !b.wait.IsZero() {
		want = nil
	}
	return false, r.save(ctx, b, want)
}

// save remembers the agreement about a link; want nil leaves what we asked for as it was.
func (r *run) save(ctx context.Context, b *bond, want *Want) error {
	acting := b.Link.Snapshot.Acting
	snap := b.Link.Snapshot.agree(want, b.seen, b.Table)
	if want == nil && acting != "" {
		// Whether the transition happened is not known: the next reading tells.
		snap.Acting, snap.Meaning = acting, b.Link.Snapshot.Meaning
	}
	if want != nil {
		b.row.Objects = want.Objects
	}
	snap.Noted = slices.DeleteFunc(snap.Noted, func(t time.Time) bool { return r.now().Sub(t) >= 24*time.Hour })
	b.Link.Snapshot = snap
	b.row.Snapshot, b.row.UpdatedAt = encode(snap), r.now()
	return r.write(ctx, func(tx *store.Tx) error { return saveLink(tx, b.row) })
}

// saveLink saves a link as a run leaves it; errLetGo where a person has let go of it.
func saveLink(tx *store.Tx, row store.TicketLink) error {
	now, err := linkNow(tx, row)
	if err != nil {
		return err
	}
	if now.State == string(LinkUnlinked) {
		return errLetGo
	}
	return tx.SaveLink(row)
}

// linkNow returns a link as it is stored; as given where it is not.
func linkNow(tx *store.Tx, row store.TicketLink) (store.TicketLink, error) {
	rows, err := tx.Links(store.LinkFilter{Product: row.Product, Object: row.Object, Purpose: row.Purpose, Connection: row.Connection, TicketID: row.TicketID})
	if err != nil || len(rows) != 1 {
		return row, err
	}
	return rows[0], nil
}

// standing says what a person should know about a link that has no failure.
func standing(n Snapshot) string {
	if n.Stuck != "" {
		return "needs a hand: no way leads from " + n.Status + " to where the ticket should be"
	}
	return n.Frozen
}
