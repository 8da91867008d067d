package queue_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

const kind queue.Kind = "look"

// patience is how long a test waits for the real engines before it gives up.
const patience = 30 * time.Second

func fast(h queue.Handler) queue.Options {
	return queue.Options{
		Handlers: map[queue.Kind]queue.Handler{kind: h},
		Poll:     100 * time.Millisecond, Sweep: 50 * time.Millisecond,
		Rescue: time.Minute, Timeout: 30 * time.Second,
		Backoff: func(int64) time.Duration { return 50 * time.Millisecond },
	}
}

func start(t *testing.T, db *store.DB, o queue.Options) *queue.Queue {
	t.Helper()
	q, err := queue.New(context.Background(), db, o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if err := q.Start(context.Background()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() { stop(t, q) })
	return q
}

func stop(t *testing.T, q *queue.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := q.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

func due(t *testing.T, db *store.DB, subject string, notBefore time.Time) {
	t.Helper()
	err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return queue.Due(ctx, tx, kind, subject, notBefore)
	})
	if err != nil {
		t.Errorf("Due(%s): %v", subject, err)
	}
}

// idle waits until nothing is open.
func idle(t *testing.T, db *store.DB) {
	t.Helper()
	await(t, "all work to be done", func() bool {
		var open map[string]int64
		err := db.Read(context.Background(), func(_ context.Context, tx *store.Tx) (err error) {
			open, err = tx.CountWork()
			return err
		})
		if err != nil {
			t.Fatalf("CountWork: %v", err)
		}
		return len(open) == 0
	})
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %s in vain for %s", patience, what)
		panic("unreachable")
	}
}

func each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.DB) { test(t, open(t)) })
}

func TestPickUpIsFast(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ran := make(chan time.Time, 1)
		o := fast(func(context.Context, string) error { ran <- time.Now(); return nil })
		o.Sweep = time.Hour // the job alone has to do it
		start(t, db, o)
		best := time.Hour
		for i := range 5 {
			begin := time.Now()
			due(t, db, fmt.Sprint("s", i), time.Time{})
			best = min(best, receive(t, "the handler", ran).Sub(begin))
			idle(t, db)
		}
		if best > 200*time.Millisecond {
			t.Errorf("best pick-up of 5 = %s, want at most 200ms", best)
		}
	})
}

func TestCauseDuringRunIsNotLost(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var runs atomic.Int64
		running, goOn := make(chan struct{}, 9), make(chan struct{})
		o := fast(func(context.Context, string) error {
			runs.Add(1)
			running <- struct{}{}
			<-goOn
			return nil
		})
		o.Sweep = time.Hour
		start(t, db, o)
		due(t, db, "a", time.Time{})
		receive(t, "the first run", running)
		due(t, db, "a", time.Time{})
		due(t, db, "a", time.Time{})
		goOn <- struct{}{}
		receive(t, "the second run", running)
		goOn <- struct{}{}
		idle(t, db)
		if got := runs.Load(); got != 2 {
			t.Errorf("runs = %d, want 2", got)
		}
	})
}

func TestRollbackLeavesNoJob(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var subjects sync.Map
		start(t, db, fast(func(_ context.Context, s string) error { subjects.Store(s, true); return nil }))
		refused := errors.New("refused")
		err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			if err := queue.Due(ctx, tx, kind, "rolled back", time.Time{}); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatalf("Write = %v, want %v", err, refused)
		}
		due(t, db, "kept", time.Time{})
		idle(t, db)
		if _, ok := subjects.Load("kept"); !ok {
			t.Error("the committed cause was not worked")
		}
		if _, ok := subjects.Load("rolled back"); ok {
			t.Error("the cause that was rolled back was worked")
		}
	})
}

func TestManyCausesOfOneSubject(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var runs, atOnce atomic.Int64
		var state, seen atomic.Int64
		start(t, db, fast(func(context.Context, string) error {
			if atOnce.Add(1) > 1 {
				t.Error("two runs of one subject at once")
			}
			defer atOnce.Add(-1)
			runs.Add(1)
			seen.Store(state.Load())
			return nil
		}))
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				state.Add(1)
				due(t, db, "one", time.Time{})
			})
		}
		all.Wait()
		idle(t, db)
		if got := runs.Load(); got < 1 || got > 50 {
			t.Errorf("runs = %d, want 1 to 50", got)
		}
		if got := seen.Load(); got != 50 {
			t.Errorf("the last run saw %d of 50 causes", got)
		}
	})
}

func TestFailureIsRepeatedAndPanicIsFailure(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var runs atomic.Int64
		start(t, db, fast(func(context.Context, string) error {
			switch runs.Add(1) {
			case 1:
				return errors.New("no \x00 luck")
			case 2:
				panic("at the disco")
			case 3:
				return queue.Later(time.Now().Add(10*time.Millisecond), "asked to wait")
			}
			return nil
		}))
		due(t, db, "a", time.Time{})
		idle(t, db)
		if got := runs.Load(); got != 4 {
			t.Errorf("runs = %d, want 4", got)
		}
	})
}

// A person who asks for another try while a run is about to be put off for a day
// gets it at once.
func TestCauseDuringARunThatIsPutOff(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var runs atomic.Int64
		start(t, db, fast(func(context.Context, string) error {
			if runs.Add(1) == 1 {
				due(t, db, "a", time.Time{})
				return queue.Later(time.Now().Add(24*time.Hour), "asked to wait")
			}
			return nil
		}))
		due(t, db, "a", time.Time{})
		idle(t, db)
		if got := runs.Load(); got != 2 {
			t.Errorf("runs = %d, want 2", got)
		}
	})
}

func TestNotBefore(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ran := make(chan string, 9)
		start(t, db, fast(func(_ context.Context, s string) error { ran <- s; return nil }))
		begin := time.Now()
		due(t, db, "hurried", begin.Add(time.Hour))
		due(t, db, "hurried", time.Time{})
		if got := receive(t, "the hurried run", ran); got != "hurried" {
			t.Errorf("first run = %s, want hurried", got)
		}
		begin = time.Now()
		due(t, db, "later", begin.Add(400*time.Millisecond))
		if got := receive(t, "the later run", ran); got != "later" || time.Since(begin) < 400*time.Millisecond {
			t.Errorf("second run = %s after %s, want later after 400ms", got, time.Since(begin))
		}
	})
}

func TestTimeoutIsFailure(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var runs atomic.Int64
		o := fast(func(ctx context.Context, _ string) error {
			if runs.Add(1) == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		o.Timeout = 100 * time.Millisecond
		start(t, db, o)
		due(t, db, "a", time.Time{})
		idle(t, db)
		if got := runs.Load(); got != 2 {
			t.Errorf("runs = %d, want 2", got)
		}
	})
}

func TestPeriodic(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ran := make(chan struct{}, 99)
		o := fast(func(context.Context, string) error { ran <- struct{}{}; return nil })
		o.Periodic = []queue.Periodic{{Kind: kind, Every: time.Second}}
		start(t, db, o)
		receive(t, "the periodic run", ran)
		receive(t, "another periodic run", ran)
	})
}

func TestStopLeavesWorkDue(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		running := make(chan struct{})
		q := start(t, db, func() queue.Options {
			o := fast(func(ctx context.Context, _ string) error {
				close(running)
				<-ctx.Done()
				return ctx.Err()
			})
			o.Rescue, o.Timeout = time.Hour, 30*time.Minute
			return o
		}())
		due(t, db, "a", time.Time{})
		receive(t, "the run", running)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Fatalf("Stop: %v", err)
		}
		var w store.Work
		err := db.Read(context.Background(), func(_ context.Context, tx *store.Tx) (err error) {
			w, _, err = tx.Work(string(kind), "a")
			return err
		})
		if err != nil || w.Generation <= w.Done || w.Failures != 0 {
			t.Errorf("work after Stop = %+v, %v, want open without failures", w, err)
		}
		ran := make(chan struct{}, 1)
		start(t, db, fast(func(context.Context, string) error { ran <- struct{}{}; return nil }))
		receive(t, "the run after the restart", ran)
	})
}

// A process that dies leaves its job running for ever. Here a database is closed
// under a client on SQLite, and one client is simply forgotten on PostgreSQL.
func TestDeadProcess(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "test.db")
		running := make(chan struct{}, 1)
		dead := dyingSQLite(t, path, running)
		receive(t, "the run of the first process", running)
		if err := dead.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		db, err := store.Open(context.Background(), store.Options{Path: path})
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		t.Cleanup(func() { db.Close() })
		o := fast(func(context.Context, string) error { running <- struct{}{}; return nil })
		o.Rescue, o.Timeout = time.Hour, time.Minute
		begin := time.Now()
		start(t, db, o)
		receive(t, "the run of the second process", running)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("the work of a dead process was taken up after %s, want at start", took)
		}
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		url := storetest.PostgresURL(t)
		running := make(chan string, 9)
		never := make(chan struct{})
		first := openURL(t, url)
		short := func(h queue.Handler) queue.Options {
			o := fast(h)
			o.Rescue, o.Timeout = 2*time.Second, time.Second
			return o
		}
		stuck := short(func(context.Context, string) error {
			running <- "first"
			<-never
			return nil
		})
		stuck.Workers = 1 // which is taken for ever: it cannot have the rescued job too
		q, err := queue.New(context.Background(), first, stuck)
		if err != nil {
			t.Fatalf("New: %v", err)
		}
		if err := q.Start(context.Background()); err != nil {
			t.Fatalf("Start: %v", err)
		}
		t.Cleanup(func() { close(never); stop(t, q) })
		due(t, first, "a", time.Time{})
		receive(t, "the run of the first process", running)
		second := openURL(t, url)
		begin := time.Now()
		start(t, second, short(func(context.Context, string) error { running <- "second"; return nil }))
		if got := receive(t, "the run of the second process", running); got != "second" {
			t.Errorf("run of = %s, want second", got)
		}
		if took := time.Since(begin); took > patience/2 {
			t.Errorf("the job was rescued after %s, want about 2s", took)
		}
	})
}

func dyingSQLite(t *testing.T, path string, running chan<- struct{}) *store.DB {
	t.Helper()
	never := make(chan struct{})
	db, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	o := fast(func(context.Context, string) error { running <- struct{}{}; <-never; return nil })
	o.Rescue, o.Timeout = time.Hour, time.Minute
	q, err := queue.New(context.Background(), db, o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if err := q.Start(context.Background()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		close(never)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = q.Stop(ctx) // its database is gone; only its goroutines have to end
	})
	due(t, db, "a", time.Time{})
	return db
}

func openURL(t *testing.T, url string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{DatabaseURL: url})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestTwoReplicasMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	var all sync.WaitGroup
	for range 3 {
		db := openURL(t, url)
		all.Go(func() {
			if err := queue.Migrate(context.Background(), db); err != nil {
				t.Errorf("Migrate: %v", err)
			}
		})
	}
	all.Wait()
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		if got := queue.Backoff(n); got != want {
			t.Errorf("Backoff(%d) = %s, want %s", n, got, want)
		}
	}
}
