package ticketing

import (
	"context"

	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
)

// transition closes or reopens a ticket. That it is under way is committed
// first, so that after a crash our own move is not taken for a person's. Where a
// person moved it since it was read it is a conflict, and to be decided again.
func (r *run) transition(ctx context.Context, b *bond, a Action) error {
	if !b.wait.IsZero() {
		return nil // its comment comes first
	}
	if err := r.unchanged(ctx, b); err != nil {
		return err
	}
	snap := &b.Link.Snapshot
	snap.Acting = string(WantOpen)
	if a.Wish.Category == tracker.Done {
		snap.Acting = string(WantClosed)
	}
	b.row.Snapshot, b.row.UpdatedAt = encode(*snap), r.now()
	if err := r.write(ctx, func(tx *store.Tx) error { return saveLink(tx, b.row) }); err != nil {
		return err
	}
	r.point("transition")
	t, err := r.tr.Transition(ctx, b.seen.ID, *a.Wish)
	r.point("transitioned")
	refused := tracker.AsError(err)
	if err == nil {
		r.ok()
		t.Estimate = b.seen.Estimate // a new one is news of the next reading
		b.seen = t
		// An accepted request proves nothing.
		if b.Table.Read(t).Closed() == (a.Wish.Category == tracker.Done) {
			snap.Stuck = ""
			return nil
		}
	} else if refused.Kind != tracker.KindNoTransition {
		if refused.Outcome != tracker.Ambiguous {
			snap.Acting = ""
		}
		return err
	}
	snap.Acting = ""
	snap.Stuck = b.Want.Cause + "|" + b.seen.StatusID
	move := "reopened"
	if a.Wish.Category == tracker.Done {
		move = "closed"
	}
	return r.comment(ctx, b.seen.ID, *note("stuck-"+snap.Stuck, "This ticket should be "+move+" now, and Threatloop finds no way to do it. Please move it by hand.", b.Want.Cause), &b.wait)
}

// unchanged makes sure that nobody changed since it was read what we decide upon: many
// tickets are read at once and worked on one by one. Otherwise it is a conflict.
func (r *run) unchanged(ctx context.Context, b *bond) error {
	read, err := r.get(ctx, []string{b.seen.ID})
	if err != nil {
		return err
	}
	was, is := b.seen, read[b.seen.ID]
	if is == nil || is.StatusID != was.StatusID || is.Status != was.Status || is.Resolution != was.Resolution || is.Summary != was.Summary || is.Body != was.Body {
		return &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindConflict, Op: "change", Reason: "the ticket was changed meanwhile"}
	}
	return nil
}
