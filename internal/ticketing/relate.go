package ticketing

import (
	"context"
	"slices"

	"github.com/threatloop/threatloop/internal/tracker"
)

// relate links a ticket to another one; doing it again changes nothing. What is in
// another tracker, and what this one cannot link, is linked as a page of the web is.
func (r *run) relate(ctx context.Context, b *bond, a Action) error {
	mark, err := a.Ticket, error(nil)
	if a.Afar != nil {
		mark, err = a.Afar.mark(), r.relateAfar(ctx, b, *a.Afar)
	} else {
		r.point("link")
		err = r.tr.Link(ctx, b.seen.ID, a.Ticket)
		if err != nil && tracker.AsError(err).Kind == tracker.KindUnsupported && r.caps.BackLink {
			err = r.relateByPage(ctx, b, a.Ticket)
		}
	}
	if err != nil {
		return err
	}
	r.ok()
	snap := &b.Link.Snapshot
	snap.Related = slices.Compact(slices.Sorted(slices.Values(append(snap.Related, mark))))
	return nil
}

// relateByPage links a ticket of the same tracker, which has its links switched off.
func (r *run) relateByPage(ctx context.Context, b *bond, ticket string) error {
	found, err := r.tr.Get(ctx, []string{ticket})
	if err != nil || len(found) == 0 {
		return err // deleted or hidden: there is nothing to link
	}
	return r.relateAfar(ctx, b, Peer{r.id, found[0].ID, found[0].Key, found[0].URL})
}

func (r *run) relateAfar(ctx context.Context, b *bond, p Peer) error {
	r.point("backlink")
	return r.tr.SetBackLink(ctx, b.seen.ID, "threatloop:"+r.e.o.Instance+":"+p.mark(), p.URL, p.Key)
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
