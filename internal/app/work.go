package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
)

// Handlers are the application's background work by kind.
func (a *App) Handlers() map[queue.Kind]queue.Handler {
	h := map[queue.Kind]queue.Handler{
		WorkResults: a.ReadRun,
		WorkTime:    func(ctx context.Context, _ string) error { return a.passTime(ctx) },
	}
	if !a.Without["reconciler"] {
		h[WorkReconcile] = a.reconcile
		h[WorkPoll] = a.poll
		h[WorkSweep] = func(ctx context.Context, id string) error { return again(a.ticketing.Sweep(ctx, id)) }
		h[WorkPollAll] = func(ctx context.Context, _ string) error { return a.eachConnection(ctx, WorkPoll) }
		h[WorkSweepAll] = func(ctx context.Context, _ string) error { return a.sweepAll(ctx) }
	}
	return h
}

// Periodic is the work that comes again by itself.
func (a *App) Periodic(pollEvery, sweepEvery time.Duration) []queue.Periodic {
	p := []queue.Periodic{{Kind: WorkTime, Every: min(time.Minute, pollEvery)}}
	if !a.Without["reconciler"] {
		p = append(p, queue.Periodic{Kind: WorkPollAll, Every: pollEvery}, queue.Periodic{Kind: WorkSweepAll, Every: sweepEvery})
	}
	return p
}

// again turns the reconciler's "call me again then" into the queue's.
func again(next time.Time, err error) error {
	if err != nil || next.IsZero() {
		return err
	}
	return queue.Later(next, "more is due")
}

// reconcile brings a connection into agreement. The marks of products that were
// looked at go, unless they were raised meanwhile.
func (a *App) reconcile(ctx context.Context, connection string) error {
	next, err := a.ticketing.Reconcile(ctx, connection)
	if fault.Is(err, fault.NotFound) {
		return nil // the connection was removed
	}
	if marks := a.marks.looked(connection); len(marks) > 0 {
		e := a.DB.Write(ctx, func(_ context.Context, tx *store.Tx) error {
			for key, version := range marks {
				// One that was raised meanwhile stays.
				if err := tx.RemoveSettingAt(key, version); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = e
		}
	}
	if err != nil {
		return fmt.Errorf("app: reconcile connection %s: %w", connection, err)
	}
	return again(next, nil)
}

// marks remembers, while a connection is reconciled, at which version each
// product's mark was read and which products were then looked at.
type marks struct {
	mu   sync.Mutex
	read map[string]int64            // mark -> version
	done map[string]map[string]int64 // connection -> marks of products that were looked at
}

func (m *marks) saw(list []store.Setting) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.read == nil {
		m.read, m.done = map[string]int64{}, map[string]map[string]int64{}
	}
	for _, s := range list {
		m.read[s.Key] = s.Version
	}
}

func (m *marks) lookedAt(connection string, p model.ProductID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := markPrefix(connection) + string(p)
	version, ok := m.read[key]
	if !ok {
		return
	}
	delete(m.read, key)
	if m.done[connection] == nil {
		m.done[connection] = map[string]int64{}
	}
	m.done[connection][key] = version
}

// looked returns and forgets the marks of the products that were looked at.
func (m *marks) looked(connection string) map[string]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.done[connection]
	delete(m.done, connection)
	return out
}

// poll asks a tracker what changed. News wake the reconciler by themselves, in
// their own transaction; what is due later is left to the periodic poll.
func (a *App) poll(ctx context.Context, connection string) error {
	next, err := a.ticketing.Poll(ctx, connection)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || next.IsZero() {
		return err
	}
	// What a webhook pointed to does not wait for the next period where another
	// process was at work on the connection, or it is paused.
	var waiting []string
	err = a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		waiting, err = tx.InboxTickets(connection, 1)
		return err
	})
	if err != nil || len(waiting) == 0 {
		return err
	}
	return again(next, nil)
}

// eachConnection makes work due for every connection.
func (a *App) eachConnection(ctx context.Context, kind queue.Kind) error {
	return a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Connections()
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := queue.Due(ctx, tx, kind, c.ID, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweepAll looks for duplicates and deletions, and once a day makes every
// product be compared with its tickets whatever changed.
func (a *App) sweepAll(ctx context.Context) error {
	if err := a.eachConnection(ctx, WorkSweep); err != nil {
		return err
	}
	const key = "tickets.compared"
	now := store.Truncate(a.Now())
	var last store.Setting
	var policies []store.Setting
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		if last, err = tx.Setting(key); err != nil || last.Version > 0 && now.Sub(last.At) < 24*time.Hour {
			return err
		}
		policies, err = tx.Settings(policyPrefix)
		return err
	})
	if err != nil || last.Version > 0 && now.Sub(last.At) < 24*time.Hour {
		return err
	}
	// Few at a time: everybody else's changes wait for the end of a transaction.
	for chunk := range slices.Chunk(policies, 100) {
		err := a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for _, p := range chunk {
				if err := a.wakeTickets(ctx, tx, model.ProductID(strings.TrimPrefix(p.Key, policyPrefix)), now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return a.DB.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		last.At, last.Doc = now, "{}"
		return tx.SetSetting(last)
	})
}

// passTime re-rates products whose figures change by the passing of time alone
// (an acceptance ends, a pass gets stale) and clears what is over. A product with
// which that fails stops no other.
func (a *App) passTime(ctx context.Context) error {
	now := store.Truncate(a.Now())
	var failed []error
	for {
		var due []model.ProductID
		err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
			due, err = tx.DueRecompute(now, 100)
			return err
		})
		if err != nil {
			return err
		}
		failures := len(failed)
		for _, id := range due {
			err := a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := changeIn(ctx, a, tx, System("system"), id, Cause{Kind: "expiry", Text: "time passed: an acceptance ended or a test result got stale"}, func(ch *changing) (struct{}, error) {
					ch.wake = true
					return struct{}{}, ch.endAcceptances()
				})
				return err
			})
			if err != nil {
				failed = append(failed, fmt.Errorf("app: pass time over product %s: %w", id, err))
			}
			if ctx.Err() != nil || fault.Is(err, fault.Unavailable) {
				return errors.Join(failed...)
			}
		}
		if len(due) < 100 || len(failed)-failures == len(due) {
			break
		}
	}
	err := a.DB.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		_, err := tx.RemoveExpired(now, 24*time.Hour)
		return err
	})
	return errors.Join(append(failed, err)...)
}
