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

// alone is the kind of a refusal that concerns one ticket, not all of its target.
const alone = "alone"

// intents works on what is not linked yet, oldest first, and reports whether a
// ticket was linked. It is hinted and stops early when a webhook came in: what
// people do is not kept waiting by a long import.
func (r *run) intents(ctx context.Context, w *work) (linked, hinted bool, err error) {
	var open []store.Intent
	for _, i := range w.intents {
		if i.State != store.IntentLinked && i.State != store.IntentHeld && i.Connection == r.id {
			open = append(open, i)
		}
	}
	slices.SortFunc(open, func(a, b store.Intent) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.Marker, b.Marker)
	})
	for _, i := range open {
		if i.State == store.IntentFailed && i.Kind != alone && !i.DueAt.IsZero() && i.DueAt.After(r.now()) {
			r.refused[i.Target] = i
		}
	}
	for _, i := range open {
		done, err := r.intent(ctx, w, i)
		if err != nil {
			return linked, false, err
		}
		linked = linked || done
		if r.again {
			return linked, true, nil // look once more, with what the person changed
		}
		if hinted, err = r.inbox(ctx); err != nil || hinted {
			return linked, hinted, err
		}
	}
	return linked, false, nil
}

// intent takes one intent as far as it goes now.
func (r *run) intent(ctx context.Context, w *work, i store.Intent) (linked bool, err error) {
	if i.State == store.IntentSent {
		// The process that sent it died before it stored the answer.
		if i, err = r.ambiguous(ctx, i, "the answer to the create was not stored", i.SentAt.Add(r.e.o.AttemptFor)); err != nil {
			return false, err
		}
	}
	for {
		if i.DueAt.After(r.now()) {
			r.due(i.DueAt)
			return false, nil
		}
		switch i.State {
		case store.IntentAmbiguous:
			i, err = r.resolve(ctx, w, i)
		case store.IntentReady, store.IntentFailed:
			if i.Kind == withdrawn || i.State == store.IntentFailed && i.DueAt.IsZero() {
				return false, nil
			}
			want := w.wants[keyOf(i)]
			if want == nil || want.State != WantOpen || w.linked[keyOf(i)] {
				return false, nil
			}
			i, err = r.create(ctx, w, want, i)
		default:
			return i.State == store.IntentLinked, nil
		}
		if err != nil || r.again {
			return false, err
		}
	}
}

// create sends one create, or finds out why not.
func (r *run) create(ctx context.Context, w *work, want *Want, i store.Intent) (store.Intent, error) {
	at := tracker.Target{Project: want.Target.Project, Type: want.Target.Type, Parent: want.Target.Parent}
	i.Target, i.Project = at.Project+" / "+at.Type, at.Project
	if o, ok := r.refused[i.Target]; ok && (o.Object != i.Object || o.Purpose != i.Purpose) {
		return r.fail(ctx, i, o.Kind, o.Reason, o.DueAt)
	}
	if err := r.identify(ctx); err != nil {
		return i, err
	}
	missing, err := r.missing(ctx, at, want.Fields)
	if err != nil {
		return i, err
	}
	if missing != "" {
		if i, err = r.fail(ctx, i, string(tracker.KindInvalid), missing, r.now().Add(retryFailed)); !r.again {
			r.refused[i.Target] = i // the others fail with its reason
		}
		return i, err
	}
	water, err := r.water(ctx, at.Project)
	if err != nil {
		return r.refusedCreate(ctx, i, err)
	}
	i.State, i.Attempts, i.Lookups, i.HighWater, i.SentAt = store.IntentSent, i.Attempts+1, 0, water, r.now()
	i.Kind, i.Reason, i.DueAt, i.SettleAt = "", "", time.Time{}, time.Time{}
	// Committed before the first byte leaves.
	if err := r.write(ctx, func(tx *store.Tx) error { return tx.SaveIntent(i) }); err != nil {
		return i, err
	}
	r.point("create")
	t, err := r.tr.Create(ctx, tracker.Draft{
		Target: at, Marker: i.Marker, Object: i.Object, Instance: r.e.o.Instance, Summary: want.Summary, Body: want.Body,
		Labels: want.Labels, Priority: want.Priority, Assignee: want.Target.Assignee, Fields: want.Fields,
	})
	r.point("created")
	if err == nil {
		r.ok()
		delete(r.refused, i.Target)
		r.waters[at.Project] = max(r.waters[at.Project], number(t.Key))
		return r.linkNew(ctx, w, want, i, t, false)
	}
	if tracker.AsError(err).Outcome == tracker.Ambiguous {
		stop := r.failed(err)
		i, err = r.ambiguous(ctx, i, "the create was not answered: "+tracker.AsError(err).Error(), r.now())
		if err == nil {
			err = stop
		}
		return i, err
	}
	return r.refusedCreate(ctx, i, err)
}

// water returns a ticket number of the project that is taken already; it need
// not be the highest, since everything above it is looked at.
func (r *run) water(ctx context.Context, project string) (int64, error) {
	water, ok := r.waters[project]
	if ok || !r.caps.Probe {
		return water, nil
	}
	r.point("highwater")
	water, err := r.tr.HighWater(ctx, project)
	if err == nil {
		r.waters[project] = water
	}
	return water, err
}

// refusedCreate keeps an intent whose ticket was certainly not created.
func (r *run) refusedCreate(ctx context.Context, i store.Intent, cause error) (store.Intent, error) {
	e := tracker.AsError(cause)
	stop := r.failed(cause)
	var err error
	switch e.Kind {
	case tracker.KindAuth, tracker.KindRateLimited, tracker.KindUnavailable, tracker.KindProtocol, tracker.KindConflict:
		i.State, i.Kind, i.Reason = store.IntentReady, string(e.Kind), e.Error()
		i.DueAt = r.now().Add(max(e.RetryAfter, backoff(max(1, r.conn.Failures), i.Marker)))
		err = r.write(ctx, func(tx *store.Tx) error { return tx.SaveIntent(i) })
	default:
		reason := e.Error()
		var fields []string
		own := false
		for id, text := range e.Fields {
			fields = append(fields, fmt.Sprintf("field %s: %s", id, text))
			own = own || slices.Contains([]string{"summary", "description", "labels", "priority", "assignee"}, id)
		}
		slices.Sort(fields)
		if len(fields) > 0 {
			reason = "the tracker refuses the ticket: " + strings.Join(fields, "; ")
		}
		// What the tracker demands there it demands of all: ask once, not for each. Where
		// it does not say what was wrong, only a second one shows that it was not the ticket.
		unsaid := e.Kind == tracker.KindInvalid && len(e.Fields) == 0 && r.doubted[i.Target] != reason
		kind := string(e.Kind)
		if own || unsaid {
			kind = alone
		}
		if i, err = r.fail(ctx, i, kind, reason, r.now().Add(retryFailed)); err == nil && !own && !r.again {
			if r.doubted[i.Target] = reason; !unsaid {
				r.refused[i.Target] = i
			}
			clear(r.s.forms)
		}
	}
	if err == nil {
		err = stop
	}
	r.due(i.DueAt)
	return i, err
}

// fail records a refusal; the intent is tried again at the time, or when a person
// says so. If one said so since the product was loaded, it stays ready.
func (r *run) fail(ctx context.Context, i store.Intent, kind, reason string, again time.Time) (store.Intent, error) {
	err := r.write(ctx, func(tx *store.Tx) error {
		now, err := asked(tx, r.id, i.Product)
		if err != nil {
			return err
		}
		if r.again = now != r.asked; r.again {
			i.State, i.Kind, i.Reason, i.DueAt = store.IntentReady, "", "", time.Time{}
		} else {
			i.State, i.Kind, i.Reason, i.DueAt = store.IntentFailed, kind, reason, again
		}
		return tx.SaveIntent(i)
	})
	return i, err
}

// missing names the fields that the tracker demands there and nobody gives.
func (r *run) missing(ctx context.Context, at tracker.Target, given map[string]any) (string, error) {
	f, ok := r.s.forms[at]
	if !ok || r.now().Sub(f.at) >= formFor {
		r.point("form")
		got, err := r.tr.Form(ctx, at)
		if err != nil {
			if stop := r.failed(err); stop != nil {
				return "", stop
			}
			switch e := tracker.AsError(err); e.Kind {
			case tracker.KindPermission, tracker.KindNotFound, tracker.KindInvalid:
				return fmt.Sprintf("tickets cannot be created in %s as %s: %s", at.Project, at.Type, e.Error()), nil
			}
			return "", nil // the create itself will tell
		}
		f = form{at: r.now(), Form: got}
		r.s.forms[at] = f
	}
	var names []string
	for _, field := range f.Fields {
		_, have := given[field.ID]
		if field.Required && !have && !slices.Contains(standardFields, field.ID) {
			names = append(names, fmt.Sprintf("%s (%s)", field.Name, field.ID))
		}
	}
	if names == nil {
		return "", nil
	}
	slices.Sort(names)
	return fmt.Sprintf("%s demands fields of a %s that have no value: %s; map them in the policy", at.Project, at.Type, strings.Join(names, ", ")), nil
}

// standardFields are those that every adapter fills by itself.
var standardFields = []string{"summary", "project", "issuetype", "description", "reporter", "labels", "parent", "title", "type"}

// linkNew links a ticket that was created, or found.
func (r *run) linkNew(ctx context.Context, w *work, want *Want, i store.Intent, t tracker.Ticket, found bool) (store.Intent, error) {
	i.State, i.Kind, i.Reason, i.DueAt, i.SettleAt = store.IntentLinked, "", "", time.Time{}, time.Time{}
	row := r.newLink(want, i, t, found)
	err := r.write(ctx, func(tx *store.Tx) error {
		if err := tx.SaveIntent(i); err != nil {
			return err
		}
		if err := tx.SaveLink(row); err != nil {
			return err
		}
		return r.tellLinked(ctx, tx, row)
	})
	if err == nil {
		w.intents[keyOf(i)] = i
		w.linked[keyOf(i)] = true
	}
	return i, err
}

func (r *run) newLink(want *Want, i store.Intent, t tracker.Ticket, found bool) store.TicketLink {
	now := r.now()
	snap := Snapshot{}.agree(want, t, r.settings.Status)
	objects := []string{i.Object}
	if want != nil {
		snap.Block, snap.Band, snap.BlockAt = digest(want.Body), want.Band, now
		if !found || t.Summary == want.Summary {
			snap.Sent = want.Summary
		}
		objects = want.Objects
		for _, l := range want.Labels {
			if slices.Contains(t.Labels, l) {
				snap.Ours = append(snap.Ours, l)
			}
		}
		slices.Sort(snap.Ours)
	}
	if found {
		// It may have been worked on since: compare with what it was made as.
		snap.Meaning, snap.Estimate = MeansRequired, tracker.Estimate{}
	}
	if block, ok := blockOf(t.Body, i.Marker); ok {
		snap.Written = digestText(block)
	}
	return store.TicketLink{
		Connection: r.id, TicketID: t.ID, Product: i.Product, Object: i.Object, Purpose: i.Purpose, TicketKey: t.Key, URL: t.URL,
		Marker: i.Marker, Own: true, State: string(LinkLive), Objects: objects, Snapshot: encode(snap), CreatedAt: now, UpdatedAt: now,
	}
}

func (r *run) tellLinked(ctx context.Context, tx *store.Tx, row store.TicketLink) error {
	var obs []Observation
	for _, o := range row.Objects {
		obs = append(obs, Observation{Product: row.Product, Object: o, Purpose: Purpose(row.Purpose), TicketKey: row.TicketKey, URL: row.URL, State: MeansLinked, At: r.now()})
	}
	return r.e.o.Host.Observed(ctx, tx, r.id, obs)
}
