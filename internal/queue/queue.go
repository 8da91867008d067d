// Package queue knows what is due and when. What is due is a row of the store
// with a generation (store.Work); a River job is only the hint that wakes a
// worker. Every cause raises the generation in its own transaction, and a run is
// done only with the generation at which it began, so that a "look now" during a
// run is never lost; a job that is lost is made again by the sweep.
//
// A handler may be run again for the same cause (after a crash, a rescue) and
// must leave the same state then; work that must not be done by two processes is
// fenced by a lease of the store. This is the only package that imports River.
package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/threatloop/threatloop/internal/store"
)

// Kind names what is done. Kinds that begin with "bulk-" have workers of their
// own, so that long imports do not keep a webhook waiting.
type Kind string

const bulkPrefix = "bulk-"

// The lanes, each a River queue.
const (
	laneFast = "default"
	laneBulk = "bulk"
)

func (k Kind) lane() string {
	if strings.HasPrefix(string(k), bulkPrefix) {
		return laneBulk
	}
	return laneFast
}

// Handler does what is due for a subject, as of now. An error puts the subject
// off (see Options.Backoff, Later). The context ends after Options.Timeout and
// when the queue is stopped.
type Handler func(ctx context.Context, subject string) error

// Periodic makes a kind due for a subject again and again, once per interval
// whatever the number of replicas.
type Periodic struct {
	Kind    Kind
	Subject string
	Every   time.Duration
}

// Options configure a queue; the zero value of a duration or number is its default.
type Options struct {
	Handlers map[Kind]Handler
	Periodic []Periodic
	// Workers and BulkWorkers are how many handlers run at once in this process: 8 and 2.
	Workers, BulkWorkers int
	// Poll is how often each lane looks for jobs of which no notification came: 150 ms.
	Poll time.Duration
	// Sweep is how often work that is due and has no job gets one: 1 s. It bounds
	// how exactly "not before" is kept.
	Sweep time.Duration
	// Rescue is after what time a running job's process counts as dead: 2 minutes.
	Rescue time.Duration
	// Timeout bounds a run of a handler; below Rescue, three quarters of it.
	Timeout time.Duration
	// Backoff is how long a subject is put off after n failures in a row, n >= 1:
	// 1 s doubling up to 30 s.
	Backoff func(n int64) time.Duration
	// Now is the clock of "not before"; nil is time.Now.
	Now func() time.Time
	// Logger gets failures; nil discards them.
	Logger *slog.Logger
}

// Queue works what is due. Construct it with New.
type Queue struct {
	db     *store.DB
	o      Options
	client client
	// stopping is set by Stop: what River calls an error then is what was asked for.
	stopping atomic.Bool
	sweep    struct {
		after *store.Work
		stop  context.CancelFunc
		ended sync.WaitGroup
	}
}

// client is what the River clients of both engines share.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

// New makes a queue over a database and brings the tables of its jobs up to
// date. Nothing runs before Start.
func New(ctx context.Context, db *store.DB, o Options) (*Queue, error) {
	o = withDefaults(o)
	if o.Timeout >= o.Rescue {
		return nil, fmt.Errorf("queue: the timeout %s is not below the rescue time %s", o.Timeout, o.Rescue)
	}
	if err := Migrate(ctx, db); err != nil {
		return nil, err
	}
	q := &Queue{db: db, o: o}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{q: q})
	river.AddWorker(workers, &ticker{q: q})
	config := &river.Config{
		Queues: map[string]river.QueueConfig{
			laneFast: {MaxWorkers: o.Workers},
			laneBulk: {MaxWorkers: o.BulkWorkers},
		},
		Workers:                     workers,
		FetchCooldown:               min(20*time.Millisecond, o.Poll),
		FetchPollInterval:           o.Poll,
		JobTimeout:                  o.Timeout,
		RescueStuckJobsAfter:        o.Rescue,
		RetryPolicy:                 retrySoon{},
		CompletedJobRetentionPeriod: 10 * time.Minute,
		DiscardedJobRetentionPeriod: time.Hour,
		Logger:                      quiet(o.Logger, q.stopping.Load),
		PeriodicJobs:                periodicJobs(o.Periodic),
	}
	var err error
	if pool := db.Postgres(); pool != nil {
		q.client, err = river.NewClient(riverpgxv5.New(pool), config)
	} else {
		q.client, err = river.NewClient(riversqlite.New(db.SQLite()), config)
	}
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return q, nil
}

func withDefaults(o Options) Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.Poll, 150*time.Millisecond)
	set(&o.Sweep, time.Second)
	set(&o.Rescue, 2*time.Minute)
	set(&o.Timeout, o.Rescue/4*3)
	if o.Workers <= 0 {
		o.Workers = 8
	}
	if o.BulkWorkers <= 0 {
		o.BulkWorkers = 2
	}
	if o.Backoff == nil {
		o.Backoff = Backoff
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Backoff is the default of Options.Backoff: 1 s, doubling up to 30 s.
func Backoff(n int64) time.Duration {
	return min(time.Second<<min(max(n-1, 0), 5), 30*time.Second)
}

// migrationLock keeps two replicas from migrating at once.
const migrationLock = 0x7468726561747100

// Migrate brings the tables of the jobs up to date. New does it too; a program
// that only makes things due (Due) calls it once.
func Migrate(ctx context.Context, db *store.DB) error {
	err := db.Exclusively(ctx, migrationLock, func(ctx context.Context) error {
		if pool := db.Postgres(); pool != nil {
			m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
			return migrate(ctx, m, err)
		}
		m, err := rivermigrate.New(riversqlite.New(db.SQLite()), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
		return migrate(ctx, m, err)
	})
	if err != nil {
		return fmt.Errorf("queue: migrate: %w", err)
	}
	return nil
}

func migrate[TTx any](ctx context.Context, m *rivermigrate.Migrator[TTx], err error) error {
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// quiet keeps River's own messages below warning out of the log, and while the
// queue is stopping those about contexts that were cancelled by that.
func quiet(l *slog.Logger, stopping func() bool) *slog.Logger {
	return slog.New(warnings{l.Handler(), stopping})
}

type warnings struct {
	slog.Handler
	stopping func() bool
}

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	if w.stopping() && cancelled(r) {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

// cancelled reports whether a record is about a context that was cancelled;
// River mostly writes errors as their texts.
func cancelled(r slog.Record) bool {
	found := false
	r.Attrs(func(a slog.Attr) bool {
		found = strings.Contains(a.Value.String(), context.Canceled.Error())
		return !found
	})
	return found
}

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(a), w.stopping}
}

func (w warnings) WithGroup(g string) slog.Handler {
	return warnings{w.Handler.WithGroup(g), w.stopping}
}

// retrySoon is for the job whose outcome could not be written; the work itself
// has its own backoff.
type retrySoon struct{}

func (retrySoon) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(time.Second) }

// workArgs is the one kind of job of ours.
type workArgs struct {
	Of      Kind   `json:"kind" river:"unique"`
	Subject string `json:"subject" river:"unique"`
}

// Kind implements river.JobArgs.
func (workArgs) Kind() string { return "work" }

// InsertOpts implements river.JobArgsWithInsertOpts. A job is unique until it
// ended; Completed is left out, or a subject could be worked only once.
func (a workArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: a.Of.lane(),
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	}
}

// inserters only insert, in transactions that are given to them: they have no
// connection and no state.
type inserters struct {
	lite *river.Client[*sql.Tx]
	pg   *river.Client[pgx.Tx]
}

var newInserters = sync.OnceValues(func() (inserters, error) {
	// Below FetchCooldown, River withholds notifications; a cause must not wait for a poll.
	config := &river.Config{Logger: slog.New(slog.DiscardHandler), FetchCooldown: time.Millisecond, FetchPollInterval: time.Second}
	lite, err1 := river.NewClient(riversqlite.New(nil), config)
	pg, err2 := river.NewClient(riverpgxv5.New(nil), config)
	return inserters{lite, pg}, errors.Join(err1, err2)
})

func insert(ctx context.Context, tx *store.Tx, args ...river.JobArgs) error {
	in, err := newInserters()
	if err != nil {
		return err
	}
	params := make([]river.InsertManyParams, len(args))
	for i, a := range args {
		params[i] = river.InsertManyParams{Args: a}
	}
	if tx.Postgres() != nil {
		_, err = in.pg.InsertManyTx(ctx, tx.Postgres(), params)
	} else {
		_, err = in.lite.InsertManyTx(ctx, tx.SQLite(), params)
	}
	return err
}

// Due makes a kind of work due for a subject, not before the time (zero is now),
// with and only with the commit of the transaction. If it is due already this is
// one more cause, not one more run; while it runs, it will run again.
func Due(ctx context.Context, tx *store.Tx, kind Kind, subject string, notBefore time.Time) error {
	_, err := tx.RaiseWork(string(kind), subject, notBefore)
	// What is due later gets its job from the sweep: a job that waits for its time
	// would keep out one that is to run now.
	if err == nil && !notBefore.After(time.Now()) {
		err = insert(ctx, tx, workArgs{kind, subject})
	}
	if err != nil {
		return fmt.Errorf("queue: make %s of %s due: %w", kind, subject, err)
	}
	return nil
}
