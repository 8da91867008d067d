package ticketing

import (
	"context"
	"slices"
)

// relate links a ticket to another one; doing it again changes nothing.
func (r *run) relate(ctx context.Context, b *bond, a Action) error {
	r.point("link")
	if err := r.tr.Link(ctx, b.seen.ID, a.Ticket); err != nil {
		return err
	}
	r.ok()
	snap := &b.Link.Snapshot
	snap.Related = slices.Compact(slices.Sorted(slices.Values(append(snap.Related, a.Ticket))))
	return nil
}

// backLink sets the link to our page, replacing an older one.
func (r *run) backLink(ctx context.Context, b *bond) error {
	r.point("backlink")
	global := "threatloop:" + r.e.o.Instance + ":" + b.Link.Key.Object + ":" + string(b.Link.Key.Purpose)
	if err := r.tr.SetBackLink(ctx, b.seen.ID, global, b.Want.Page, b.Want.Title); err != nil {
		return err
	}
	r.ok()
	b.Link.Snapshot.Back = true
	return nil
}
