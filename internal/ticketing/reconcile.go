package ticketing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
)

// Reconcile brings tickets and models of a connection into agreement: creates,
// resolves, comments, moves, edits and links what is due. What fails with one
// ticket stops no other, nor does a product that cannot be read. It returns when to
// call again, zero where nothing is due by itself; an error is ours (the database,
// the host), the tracker's are states.
func (e *Engine) Reconcile(ctx context.Context, connection string) (time.Time, error) {
	return e.on(ctx, connection, func(ctx context.Context, r *run) error {
		var products []model.ProductID
		err := e.o.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
			ours, err := tx.TicketProducts(connection)
			if err != nil {
				return err
			}
			theirs, err := e.o.Host.Products(ctx, tx, connection)
			if err != nil {
				return fmt.Errorf("list products: %w", err)
			}
			products = slices.Compact(slices.Sorted(slices.Values(append(ours, theirs...))))
			return nil
		})
		if err != nil {
			return err
		}
		for _, p := range products {
			// What the tracker tells changes what is wanted; then look once more.
			again := true
			for n := 0; n < 3 && again && err == nil; n++ {
				again, err = r.product(ctx, p)
			}
			if err != nil {
				if err = r.spoilt(ctx, err); err != nil {
					return err
				}
				continue
			}
			if again {
				r.due(r.now())
			} else {
				e.o.Looked(connection, p)
			}
		}
		return nil
	})
}

// work is what a run knows about one product.
type work struct {
	product model.ProductID
	plan    Plan
	wants   map[Key]*Want
	intents map[Key]store.Intent
	links   []store.TicketLink // of this connection
	linked  map[Key]bool       // live on any connection
	peers   map[Key][]string
	others  map[Key][]Peer // live on other connections
	belongs map[Key][]Key  // whose tickets are to be linked with a key's, both ways
}

func (r *run) load(ctx context.Context, p model.ProductID) (*work, error) {
	w := &work{product: p, wants: map[Key]*Want{}, intents: map[Key]store.Intent{}, linked: map[Key]bool{}, peers: map[Key][]string{}, others: map[Key][]Peer{}, belongs: map[Key][]Key{}}
	err := r.e.o.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if w.plan, err = r.e.o.Host.Wants(ctx, tx, p); err != nil {
			return fmt.Errorf("wants of product %s: %w", p, err)
		}
		before := r.asked
		if r.asked, err = asked(tx, r.id, p); err != nil {
			return err
		}
		if r.of != p || r.asked != before {
			// Another product gives other fields, and a person may have mended what was refused.
			clear(r.refused)
			clear(r.doubted)
		}
		r.of, r.again = p, false
		intents, err := tx.Intents(store.IntentFilter{Product: p})
		if err != nil {
			return err
		}
		for _, i := range intents {
			w.intents[keyOf(i)] = i
		}
		rows, err := tx.Links(store.LinkFilter{Product: p})
		for _, l := range rows {
			key := Key{l.Object, Purpose(l.Purpose)}
			if l.State == string(LinkLive) || l.State == string(LinkUndone) || l.State == string(LinkDeleted) {
				w.linked[key] = true
			}
			if l.Connection == r.id {
				w.links = append(w.links, l)
				if l.State == string(LinkLive) {
					w.peers[key] = append(w.peers[key], l.TicketID)
				}
			} else if l.State == string(LinkLive) {
				w.others[key] = append(w.others[key], Peer{l.Connection, l.TicketID, l.TicketKey, l.URL})
			}
		}
		return err
	})
	for i := range w.plan.Wants {
		want := &w.plan.Wants[i]
		w.wants[want.Key] = want
		for _, k := range want.LinksTo {
			w.belongs[want.Key], w.belongs[k] = append(w.belongs[want.Key], k), append(w.belongs[k], want.Key)
		}
	}
	return w, err
}

// product reconciles one product and reports whether to look at it again at once.
func (r *run) product(ctx context.Context, p model.ProductID) (again bool, err error) {
	w, err := r.load(ctx, p)
	if err != nil {
		return false, err
	}
	if err := r.plan(ctx, w); err != nil || r.again {
		return r.again, err
	}
	if r.conn.Adopt && len(w.intents) > 0 {
		if err := r.adopt(ctx); err != nil {
			return false, err
		}
		return true, nil
	}
	created, hinted, err := r.intents(ctx, w)
	if err != nil || hinted {
		return hinted, err
	}
	news, err := r.agree(ctx, w)
	return created || news, err
}

// plan records an intent for every new want, and withdraws those that are not wanted any more.
func (r *run) plan(ctx context.Context, w *work) error {
	var fresh []*Want
	for i := range w.plan.Wants {
		want := &w.plan.Wants[i]
		_, planned := w.intents[want.Key]
		if want.State == WantOpen && want.Target.Connection == r.id && !planned && !w.linked[want.Key] {
			fresh = append(fresh, want)
		}
	}
	holds := hold(w.plan, fresh)
	var changed []store.Intent
	var dropped []store.Intent
	for key, i := range w.intents {
		if i.State == store.IntentLinked {
			continue
		}
		want := w.wants[key]
		open := want != nil && want.State == WantOpen && !w.linked[key]
		waits := i.State == store.IntentHeld || i.State == store.IntentReady || i.State == store.IntentFailed
		switch {
		case !waits || i.Connection != r.id:
		case !open && i.Attempts == 0:
			dropped = append(dropped, i)
		case !open && i.Kind != withdrawn:
			// An attempt may still turn up: the sweep finds its owner here.
			i.State, i.Kind, i.Reason = store.IntentFailed, withdrawn, "not wanted any more"
			changed = append(changed, i)
		case open && i.Kind == withdrawn:
			i.State, i.Kind, i.Reason = store.IntentReady, "", ""
			changed = append(changed, i)
		case open && i.Attempts == 0 && want.Target.Connection != r.id && want.Target.Connection != "":
			i.Connection, i.State, i.Kind, i.Reason = want.Target.Connection, ready(i.State), "", ""
			changed = append(changed, i)
		}
	}
	if len(fresh)+len(changed)+len(dropped) == 0 {
		return nil
	}
	now := r.now()
	return r.write(ctx, func(tx *store.Tx) error {
		// What a person publishes meanwhile must not be held for what was so before.
		if n, err := asked(tx, r.id, w.product); err != nil || n != r.asked {
			r.again = err == nil
			return err
		}
		for _, i := range dropped {
			if err := tx.DropIntent(i.Product, i.Object, i.Purpose); err != nil {
				return err
			}
			delete(w.intents, keyOf(i))
		}
		for _, i := range changed {
			if err := tx.SaveIntent(i); err != nil {
				return err
			}
			w.intents[keyOf(i)] = i
		}
		for n, want := range fresh {
			i := store.Intent{
				Product: w.product, Object: want.Key.Object, Purpose: string(want.Key.Purpose), Connection: r.id,
				Marker: Marker(r.e.o.Instance, w.product, want.Key, 0), State: store.IntentReady,
				// The order of wants is that of creation.
				CreatedAt: now.Add(time.Duration(n) * time.Microsecond),
			}
			if reason := holds[want.Key]; reason != "" {
				i.State, i.Reason = store.IntentHeld, reason
			}
			if _, err := tx.AddIntent(i); err != nil {
				return err
			}
			w.intents[want.Key] = i
		}
		return nil
	})
}

// withdrawn is the failure of an intent that is not wanted any more.
const withdrawn = "withdrawn"

func ready(state string) string {
	if state == store.IntentHeld {
		return state
	}
	return store.IntentReady
}

// hold returns why new wants wait for a person.
func hold(p Plan, fresh []*Want) map[Key]string {
	n := map[bool]int{}
	for _, w := range fresh {
		n[w.Key.Purpose == ForVulnerability]++
	}
	out := map[Key]string{}
	limit := p.Policy.askAbove()
	for _, w := range fresh {
		vulnerability := w.Key.Purpose == ForVulnerability
		switch {
		case vulnerability && p.First && limit >= 0:
			out[w.Key] = "these are the first results of the product: release the tickets that are wanted"
		case !vulnerability && !p.Policy.Auto && !p.Policy.Published[w.Key.Object]:
			out[w.Key] = "waits to be published"
		case limit >= 0 && n[vulnerability] > limit && !p.Policy.Published[w.Key.Object]:
			out[w.Key] = fmt.Sprintf("%d new tickets at once: release those that are wanted", n[vulnerability])
		}
	}
	return out
}

// agree compares every linked ticket with what is wanted and removes the
// difference. It reports whether the model was told something.
func (r *run) agree(ctx context.Context, w *work) (news bool, err error) {
	var due []*store.TicketLink
	for i := range w.links {
		row := &w.links[i]
		if row.RetryAt.After(r.now()) {
			r.due(row.RetryAt)
			continue
		}
		s, err := r.situation(w, *row)
		if err != nil {
			return news, err
		}
		if Decide(s) != nil || !row.RetryAt.IsZero() && s.Link.State == LinkLive {
			due = append(due, row)
		}
	}
	for chunk := range slices.Chunk(due, 100) {
		seen, err := r.read(ctx, chunk)
		if err != nil {
			return news, err
		}
		for _, row := range chunk {
			told, err := r.settle(ctx, w, *row, seen[row.TicketID])
			if err != nil {
				return news, err
			}
			news = news || told
		}
	}
	return news, nil
}

func (r *run) situation(w *work, row store.TicketLink) (Situation, error) {
	l, err := linkOf(row)
	if err != nil {
		return Situation{}, err
	}
	var afar []Peer
	for _, k := range w.belongs[l.Key] {
		afar = append(afar, w.others[k]...)
	}
	return Situation{Want: w.wants[l.Key], Link: &l, Table: r.settings.Status, Policy: w.plan.Policy, Caps: r.caps, Peers: w.peers, Afar: afar, Now: r.now()}, nil
}

// read returns the tickets of the links by id.
func (r *run) read(ctx context.Context, rows []*store.TicketLink) (map[string]*tracker.Ticket, error) {
	if err := r.identify(ctx); err != nil {
		return nil, err
	}
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.TicketID)
	}
	return r.get(ctx, slices.Compact(slices.Sorted(slices.Values(ids))))
}

func (r *run) get(ctx context.Context, ids []string) (map[string]*tracker.Ticket, error) {
	r.point("get")
	tickets, err := r.tr.Get(ctx, ids)
	if err != nil {
		if stop := r.failed(err); stop != nil {
			return nil, stop
		}
		r.conn.Reason = "tickets cannot be read: " + tracker.AsError(err).Plain()
		r.due(r.now().Add(backoff(r.conn.Failures, r.id)))
		return nil, errStop
	}
	r.ok()
	out := map[string]*tracker.Ticket{}
	for i := range tickets {
		out[tickets[i].ID] = &tickets[i]
	}
	return out, nil
}

// settle acts on one link. Only errors that end the run are returned.
func (r *run) settle(ctx context.Context, w *work, row store.TicketLink, seen *tracker.Ticket) (news bool, err error) {
	for conflicts := 0; ; conflicts++ {
		s, err := r.situation(w, row)
		if err != nil {
			return false, err
		}
		if seen == nil {
			see, err := r.sees(ctx, row.TicketID)
			if err != nil || !see {
				return false, err
			}
		}
		s.Seen, s.Absent = seen, seen == nil
		news, err = r.act(ctx, s, row, Decide(s))
		var refused *tracker.Error
		if err == nil || !errors.As(err, &refused) {
			return news, err
		}
		if refused.Kind == tracker.KindConflict && conflicts < 3 {
			again, err := r.get(ctx, []string{row.TicketID})
			if err != nil {
				return news, err
			}
			seen = again[row.TicketID]
			if row, err = r.link(ctx, row); err != nil {
				return news, err
			}
			continue
		}
		return news, r.refusedLink(ctx, row, refused)
	}
}

// link reads a link again: its actions may have saved part of what they did.
func (r *run) link(ctx context.Context, row store.TicketLink) (store.TicketLink, error) {
	err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		row, err = linkNow(tx, row)
		return err
	})
	return row, err
}

// refusedLink remembers why an action on a ticket failed and when to try again.
func (r *run) refusedLink(ctx context.Context, row store.TicketLink, refused *tracker.Error) error {
	stop := r.failed(refused)
	row, err := r.link(ctx, row)
	if err != nil {
		return err
	}
	row.Failures++
	wait := backoff(row.Failures, row.TicketID)
	if refused.Kind == tracker.KindPermission || refused.Kind == tracker.KindInvalid || refused.Kind == tracker.KindUnsupported {
		wait = retryFailed
	}
	row.Reason, row.RetryAt, row.UpdatedAt = refused.Error(), r.now().Add(wait), r.now()
	r.due(row.RetryAt)
	if err := r.write(ctx, func(tx *store.Tx) error { return saveLink(tx, row) }); err != nil && !errors.Is(err, errLetGo) {
		return err
	}
	return stop
}
