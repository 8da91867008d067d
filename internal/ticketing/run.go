package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
)

// Settings is the part of a connection's document that the engine reads.
type Settings struct {
	Status StatusTable `json:"status"`
	// Recreate makes a ticket again, with a new marker, when it was deleted;
	// otherwise a person is asked.
	Recreate bool `json:"recreate,omitempty"`
}

const (
	identityFor  = time.Minute
	formFor      = 10 * time.Minute
	breakerAfter = 5
	backoffMax   = 5 * time.Minute
	retryFailed  = 24 * time.Hour
	spoilsMost   = 20 // so many failing one by one have a cause in common
)

// errStop ends a run: the connection was paused, its state says why.
var errStop = errors.New("ticketing: the connection is paused")

// run is one call of an engine's method on one connection.
type run struct {
	e        *Engine
	s        *session
	id       string
	token    string
	conn     store.Connection
	before   store.Connection
	settings Settings
	tr       tracker.Tracker
	caps     tracker.Capabilities
	next     time.Time // when something is due again; zero for never
	waters   map[string]int64
	refused  map[string]store.Intent // targets that refused, by target
	doubted  map[string]string       // why a target refused one ticket, by target
	claims   map[model.ProductID]*work
	of       model.ProductID // what was loaded last
	asked    int64           // how often people had asked for another try when it was loaded
	again    bool            // somebody asked since: what was loaded is old
	spoils   []error
}

// on runs fn on a connection if it may be worked on now. It returns when to call
// again, zero for no need.
func (e *Engine) on(ctx context.Context, id string, fn func(context.Context, *run) error) (next time.Time, err error) {
	s := e.session(id)
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("ticketing: connection %s: %w", id, ctx.Err())
	}
	token, err := s.lease.Try(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("ticketing: connection %s: %w", id, err)
	}
	if token == "" {
		// Another process works on it, or died: tried often enough to see it still.
		return e.now().Add(e.o.LeaseAfter / 3), nil
	}
	r := &run{e: e, s: s, id: id, token: token, waters: map[string]int64{}, refused: map[string]store.Intent{}, doubted: map[string]string{}, claims: map[model.ProductID]*work{}}
	err = e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		r.conn, err = tx.Connection(id)
		return err
	})
	if err == nil {
		err = json.Unmarshal([]byte(r.conn.Doc), &r.settings)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("ticketing: connection %s: %w", id, err)
	}
	r.before = r.conn
	if s.version != r.conn.Version {
		// A person changed or retried it: what was learnt before may not hold.
		s.version, s.identified, s.seeing = r.conn.Version, time.Time{}, time.Time{}
		clear(s.forms)
	}
	if r.conn.State == "paused" {
		if r.conn.PausedUntil.IsZero() || e.now().Before(r.conn.PausedUntil) {
			return r.conn.PausedUntil, nil
		}
		r.conn.State, r.conn.PausedUntil = "active", time.Time{}
		s.identified = time.Time{}
	}
	if r.tr, err = e.o.Tracker(ctx, id); err != nil {
		f := fault.As(err)
		if f == nil || f.Kind != fault.Invalid && f.Kind != fault.Unsupported {
			return time.Time{}, fmt.Errorf("ticketing: open connection %s: %w", id, err)
		}
		// Another try gives the same answer; a person has to mend the settings.
		r.pause(f.Error(), time.Time{})
		return time.Time{}, r.write(ctx, func(tx *store.Tx) error { return tx.SetConnectionStatus(r.conn) })
	}
	r.caps = r.tr.Capabilities()
	err = fn(ctx, r)
	if errors.Is(err, errStop) {
		err = nil
		r.due(r.conn.PausedUntil)
	}
	err = errors.Join(append(r.spoils, err)...)
	if r.conn != r.before && !errors.Is(err, store.ErrFenced) {
		err = errors.Join(err, r.write(ctx, func(tx *store.Tx) error { return tx.SetConnectionStatus(r.conn) }))
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("ticketing: connection %s: %w", id, err)
	}
	return r.next, nil
}

// write runs fn in a transaction that fails where another process holds the connection.
func (r *run) write(ctx context.Context, fn func(tx *store.Tx) error) error {
	return r.e.o.DB.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		if err := tx.Fence("tracker/"+r.id, r.token); err != nil {
			return err
		}
		return fn(tx)
	})
}

func (r *run) now() time.Time { return r.e.now() }

// due notes that something is to be done at the time.
func (r *run) due(t time.Time) {
	if !t.IsZero() && (r.next.IsZero() || t.Before(r.next)) {
		r.next = t
	}
}

// spoilt takes an error that concerns one product or ticket alone, such as a model
// that cannot be read: the others go on, and the run fails in the end. It returns
// the error where no other can do better now.
func (r *run) spoilt(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, errStop) || errors.Is(err, store.ErrFenced) || fault.Is(err, fault.Unavailable) {
		return err
	}
	if r.spoils = append(r.spoils, err); len(r.spoils) > spoilsMost {
		return errStop
	}
	return nil
}

// point marks the borders of every external call, for crash tests.
func (r *run) point(name string) { r.e.o.Point("ticketing." + name) }

// ok notes that the tracker answered.
func (r *run) ok() {
	r.conn.Failures = 0
	if r.conn.State == "active" {
		r.conn.Reason = ""
	}
	r.conn.LastSuccess = r.now()
}

// failed turns an error of the tracker into a state of the connection. It
// returns errStop where no other call makes sense now.
func (r *run) failed(err error) error {
	e := tracker.AsError(err)
	now := r.now()
	switch e.Kind {
	case tracker.KindAuth:
		// Another try may lock the account out.
		r.pause("the tracker refuses the credential; enter a new one", time.Time{})
		return errStop
	case tracker.KindRateLimited:
		r.conn.Failures++
		wait := e.RetryAfter
		if wait <= 0 {
			wait = backoff(r.conn.Failures, r.id)
		}
		r.pause("the tracker limits requests", now.Add(wait))
		return errStop
	case tracker.KindUnavailable, tracker.KindProtocol:
		r.conn.Failures++
		if r.conn.Failures >= breakerAfter || e.RetryAfter > 0 {
			wait := max(e.RetryAfter, backoff(r.conn.Failures-breakerAfter+3, r.id))
			r.pause("the tracker does not answer as it should: "+e.Plain(), now.Add(wait))
			return errStop
		}
	}
	return nil
}

func (r *run) pause(reason string, until time.Time) {
	r.conn.State, r.conn.Reason, r.conn.PausedUntil = "paused", reason, until
	r.s.identified, r.s.seeing = time.Time{}, time.Time{}
}

// backoff is 5 s, 10 s, 20 s, ... up to 5 minutes, with up to a quarter more so
// that several connections do not come back together.
func backoff(failures int64, spread string) time.Duration {
	d := backoffMax
	if failures < 7 {
		d = min(backoffMax, 5*time.Second<<max(0, failures-1))
	}
	return d + d*time.Duration(hash(spread)[0])/1024
}

// identify makes sure that the tracker knows us: a wrong credential may look like an empty tracker.
func (r *run) identify(ctx context.Context) error {
	if now := r.now(); r.s.identified.IsZero() || now.Sub(r.s.identified) >= identityFor {
		r.point("identify")
		if _, err := r.tr.Identify(ctx); err != nil {
			if stop := r.failed(err); stop != nil {
				return stop
			}
			r.pause("the tracker does not say who we are: "+tracker.AsError(err).Error(), now.Add(backoff(r.conn.Failures, r.id)))
			return errStop
		}
		r.s.identified = now
		r.ok()
	}
	return nil
}

// sees makes sure that absence means something: we are identified, and of some
// tickets that we know at least one is shown. except is not counted on.
func (r *run) sees(ctx context.Context, except string) (bool, error) {
	if err := r.identify(ctx); err != nil {
		return false, err
	}
	now := r.now()
	if !r.s.seeing.IsZero() && now.Sub(r.s.seeing) < identityFor {
		return true, nil
	}
	var ids []string
	err := r.e.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error {
		rows, err := tx.Links(store.LinkFilter{Connection: r.id, State: string(LinkLive), Limit: 20})
		for _, row := range rows {
			if row.TicketID != except && len(ids) < 5 {
				ids = append(ids, row.TicketID)
			}
		}
		return err
	})
	if err != nil || len(ids) == 0 {
		return err == nil, err
	}
	r.point("get")
	shown, err := r.tr.Get(ctx, ids)
	if err != nil {
		return false, r.failed(err)
	}
	if len(shown) == 0 {
		r.conn.Reason = "the tracker shows none of the tickets we know: a permission is missing, or they were deleted"
		return false, nil
	}
	r.s.seeing = now
	r.ok()
	return true, nil
}
