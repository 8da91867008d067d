package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
)

// Start works until Stop. Jobs and the leadership that a process left behind on
// this database's SQLite file are dropped first: the file's lock proves that
// process dead. Periodic work is due at once: a leader is elected only after
// seconds, and after a crash it was perhaps missed.
func (q *Queue) Start(ctx context.Context) error {
	if q.db.SQLite() != nil {
		for _, left := range []string{"DELETE FROM river_job WHERE state = 'running'", "DELETE FROM river_leader"} {
			if _, err := q.db.SQLite().ExecContext(ctx, left); err != nil {
				return fmt.Errorf("queue: drop what a dead process left: %w", err)
			}
		}
	}
	err := q.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, p := range q.o.Periodic {
			if err := Due(ctx, tx, p.Kind, p.Subject, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("queue: start periodic work: %w", err)
	}
	if err := q.sweepOnce(ctx); err != nil {
		return err
	}
	// The life of the workers is ended by Stop, not by the context of the start.
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	if err := q.client.Start(run); err != nil {
		stop()
		return fmt.Errorf("queue: start: %w", err)
	}
	q.sweep.stop = stop
	q.sweep.ended.Go(func() { q.sweeping(run) })
	return nil
}

// Stop takes no more work and waits for what runs; when the context ends before
// that, the handlers' contexts are cancelled, and what they did not finish stays
// due. A queue that was not started is stopped already.
func (q *Queue) Stop(ctx context.Context) error {
	if q.sweep.stop == nil {
		return nil
	}
	q.stopping.Store(true)
	err := q.client.Stop(ctx)
	if err != nil {
		// Cancelled handlers get a moment to return.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = q.client.StopAndCancel(end)
	}
	q.sweep.stop()
	q.sweep.ended.Wait()
	if err != nil {
		return fmt.Errorf("queue: stop: %w", err)
	}
	return nil
}

// later is an error that puts a subject off without counting a failure.
type later struct {
	until  time.Time
	reason string
}

func (l later) Error() string { return l.reason }

// Later is returned by a handler that cannot go on before a time (a rate limit, a
// pause) though nothing failed. reason is for people.
func Later(until time.Time, reason string) error { return later{until, reason} }

// worker runs the handlers.
type worker struct {
	river.WorkerDefaults[workArgs]
	q *Queue
}

// Work implements river.Worker. Its error is only that the outcome could not be written.
func (w *worker) Work(ctx context.Context, job *river.Job[workArgs]) error {
	q, kind, subject := w.q, job.Args.Of, job.Args.Subject
	handler := q.o.Handlers[kind]
	var due store.Work
	var open bool
	// The handler alone is bounded by ctx; what is around it is short.
	err := q.db.Read(context.WithoutCancel(ctx), func(_ context.Context, tx *store.Tx) error {
		var err error
		due, open, err = tx.Work(string(kind), subject)
		return err
	})
	if err != nil {
		return err
	}
	if handler == nil {
		// Another replica is newer and will have it; the sweep makes its job.
		q.o.Logger.DebugContext(ctx, "no handler for due work", "kind", kind, "subject", subject)
		open = false
	}
	var outcome error
	run := open && due.Generation > due.Done && !due.NotBefore.After(q.o.Now())
	if run {
		outcome = call(ctx, handler, subject)
	}
	// The outcome is written even if the run was cancelled.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return q.db.Write(end, func(end context.Context, tx *store.Tx) error {
		more := false
		if run {
			var err error
			if more, err = q.conclude(end, tx, due, outcome, ctx.Err()); err != nil {
				return err
			}
		} else if handler != nil {
			// Raised between the look and now: without this lock its cause would have
			// found our job running, and no other would come before the sweep.
			again, ok, err := tx.LockWork(string(kind), subject)
			if err != nil {
				return err
			}
			more = ok && again.Generation > again.Done && again.Generation != due.Generation && !again.NotBefore.After(q.o.Now())
		}
		if err := complete(end, tx, job); err != nil {
			return err
		}
		if more {
			return insert(end, tx, workArgs{kind, subject})
		}
		return nil
	})
}

// conclude writes what came of a run and reports whether the subject is to run
// again at once.
func (q *Queue) conclude(ctx context.Context, tx *store.Tx, due store.Work, outcome, ended error) (more bool, err error) {
	var wait later
	switch {
	case outcome == nil:
		return tx.FinishWork(due.Kind, due.Subject, due.Generation)
	case errors.Is(ended, context.Canceled):
		return false, nil // the queue is being stopped; the work stays due
	case errors.As(outcome, &wait):
		return tx.PostponeWork(due.Kind, due.Subject, due.Generation, plain(wait.reason), wait.until)
	}
	put := q.o.Backoff(due.Failures + 1)
	q.o.Logger.WarnContext(ctx, "background work failed", "kind", due.Kind, "subject", due.Subject, "failures", due.Failures+1, "again_in", put, "error", outcome, "cause", errors.Unwrap(outcome))
	reason := outcome.Error()
	if f := fault.As(outcome); f != nil {
		reason = f.Error()
	}
	return false, tx.FailWork(due.Kind, due.Subject, plain(reason), q.o.Now().Add(put))
}

// plain makes any text fit for the store.
func plain(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
	if r := []rune(s); len(r) > 500 {
		s = string(r[:500]) + "..."
	}
	return s
}

// call turns a panic of a handler into its error.
func call(ctx context.Context, h Handler, subject string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, subject)
}

// complete ends the job in the transaction that writes the outcome: were it ended
// later, a cause in between would find it running and be lost. A job that was
// rescued from us meanwhile is not there any more, which is as well.
func complete[A river.JobArgs](ctx context.Context, tx *store.Tx, job *river.Job[A]) (err error) {
	if tx.Postgres() != nil {
		_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx.Postgres(), job)
	} else {
		_, err = river.JobCompleteTx[*riversqlite.Driver](ctx, tx.SQLite(), job)
	}
	if errors.Is(err, river.ErrNotFound) {
		return nil
	}
	return err
}

// tickArgs is the job by which the leading replica makes periodic work due.
type tickArgs struct {
	Of      Kind   `json:"kind" river:"unique"`
	Subject string `json:"subject" river:"unique"`
}

// Kind implements river.JobArgs.
func (tickArgs) Kind() string { return "tick" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (a tickArgs) InsertOpts() river.InsertOpts {
	o := workArgs(a).InsertOpts()
	o.Queue = laneFast
	return o
}

type ticker struct {
	river.WorkerDefaults[tickArgs]
	q *Queue
}

// Work implements river.Worker.
func (t *ticker) Work(ctx context.Context, job *river.Job[tickArgs]) error {
	return t.q.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := Due(ctx, tx, job.Args.Of, job.Args.Subject, time.Time{}); err != nil {
			return err
		}
		return complete(ctx, tx, job)
	})
}

// periodicJobs are run by the leader once per interval; the first time is Start's
// own, or a leader's election would be one more at an odd moment.
func periodicJobs(list []Periodic) []*river.PeriodicJob {
	var out []*river.PeriodicJob
	for _, p := range list {
		out = append(out, river.NewPeriodicJob(river.PeriodicInterval(p.Every), func() (river.JobArgs, *river.InsertOpts) {
			return tickArgs{p.Kind, p.Subject}, nil
		}, &river.PeriodicJobOpts{}))
	}
	return out
}

// sweepPage bounds what one sweep looks at.
const sweepPage = 500

func (q *Queue) sweeping(ctx context.Context) {
	t := time.NewTicker(q.o.Sweep)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := q.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			q.o.Logger.WarnContext(ctx, "sweep of due work failed", "error", err)
		}
	}
}

// sweepOnce gives jobs to work that is due and has none, a page per call, and
// drops jobs whose process died.
func (q *Queue) sweepOnce(ctx context.Context) error {
	var open []store.Work
	err := q.db.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		if open, err = tx.OpenWork(q.o.Now(), q.sweep.after, sweepPage); err == nil && len(open) == 0 && q.sweep.after != nil {
			open, err = tx.OpenWork(q.o.Now(), nil, sweepPage)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("queue: sweep: %w", err)
	}
	q.sweep.after = nil
	if len(open) == 0 {
		return nil
	}
	if len(open) == sweepPage {
		q.sweep.after = &open[len(open)-1]
	}
	args := make([]river.JobArgs, len(open))
	for i, w := range open {
		args[i] = workArgs{Kind(w.Kind), w.Subject}
	}
	err = q.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := q.dropDead(ctx, tx); err != nil {
			return err
		}
		return insert(ctx, tx, args...)
	})
	if err != nil {
		return fmt.Errorf("queue: sweep: %w", err)
	}
	return nil
}

// dropDead deletes jobs that run for longer than any may. River's own rescuer
// looks every 30 s only; as a job is no more than a hint, the sweep's next one
// takes its place.
func (q *Queue) dropDead(ctx context.Context, tx *store.Tx) (err error) {
	before := time.Now().Add(-q.o.Rescue).UTC()
	const query = "DELETE FROM river_job WHERE state = 'running' AND kind IN ('work', 'tick') AND attempted_at < $1"
	if tx.Postgres() != nil {
		_, err = tx.Postgres().Exec(ctx, query, before)
	} else {
		// River keeps times as text there.
		_, err = tx.SQLite().ExecContext(ctx, query, before.Format("2006-01-02 15:04:05.000"))
	}
	return err
}
