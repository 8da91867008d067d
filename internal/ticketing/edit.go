package ticketing

import (
	"context"
	"slices"

	"github.com/threatloop/threatloop/internal/tracker"
)

// edit writes what is ours and reads back how it stands there.
func (r *run) edit(ctx context.Context, b *bond, a Action) error {
	if a.Edit.Block != nil || a.Edit.Summary != nil {
		if err := r.unchanged(ctx, b); err != nil {
			return err
		}
	}
	r.point("edit")
	if err := r.tr.Edit(ctx, b.seen.ID, *a.Edit); err != nil {
		return err
	}
	r.point("edited")
	r.ok()
	read, err := r.get(ctx, []string{b.seen.ID})
	if err != nil {
		return err
	}
	t := read[b.seen.ID]
	if t == nil {
		return nil // the next reading finds out why
	}
	snap := &b.Link.Snapshot
	if a.Edit.Block != nil {
		snap.Block, snap.Band, snap.BlockAt = digest(*a.Edit.Block), b.Want.Band, r.now()
		if block, ok := blockOf(t.Body, b.Link.Marker); ok {
			snap.Written = digestText(block)
		}
	}
	if a.Edit.Summary != nil {
		snap.Sent = *a.Edit.Summary
	}
	snap.Restored = snap.Restored || slices.ContainsFunc(a.Edit.AddLabels, func(l string) bool { return slices.Contains(snap.Ours, l) })
	snap.Ours = slices.Sorted(slices.Values(b.Want.Labels))
	b.seen = meanwhile(b.seen, *t)
	return nil
}

// meanwhile returns a ticket as it is after a change of ours, but in the state and
// with the estimate that it had before: what a person did to these in between has
// not been told yet, and is news of the next reading.
func meanwhile(before, after tracker.Ticket) tracker.Ticket {
	after.Status, after.StatusID, after.Category = before.Status, before.StatusID, before.Category
	after.Resolution, after.DuplicateOf, after.Estimate = before.Resolution, before.DuplicateOf, before.Estimate
	return after
}
