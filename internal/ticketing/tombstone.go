package ticketing

import (
	"context"
	"time"

	"github.com/threatloop/threatloop/internal/store"
)

// suspect remembers since when the tracker does not show a ticket.
func (r *run) suspect(ctx context.Context, b *bond) error {
	snap := b.Link.Snapshot
	snap.Missing = r.now()
	b.row.Reason = "the tracker does not show this ticket; looking again before it counts as deleted"
	b.row.RetryAt = r.now().Add(confirmAfter)
	r.due(b.row.RetryAt)
	b.row.Snapshot, b.row.UpdatedAt = encode(snap), r.now()
	return r.write(ctx, func(tx *store.Tx) error { return saveLink(tx, b.row) })
}

// tombstone records that a ticket is deleted or hidden, and tells the model.
func (r *run) tombstone(ctx context.Context, b *bond) error {
	snap := b.Link.Snapshot
	b.row.State, b.row.Reason = string(LinkDeleted), "the ticket is deleted or hidden from us"
	b.row.RetryAt, b.row.Failures = time.Time{}, 0
	if err := r.tell(ctx, b, snap, Observation{At: r.now()}); err != nil {
		return err
	}
	if r.settings.Recreate && b.Link.Own {
		return r.write(ctx, func(tx *store.Tx) error { return r.e.Recreate(tx, b.row.Product, b.Link.Key) })
	}
	return nil
}
