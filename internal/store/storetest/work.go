package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
)

// taker is a process that wants a lease, with a clock of its own.
func taker(db *store.DB, name string, clock *time.Time) *store.Lease {
	n := 0
	return db.NewLease("tickets/1", store.LeaseOptions{
		Holder: name, Now: func() time.Time { return *clock },
		Token: func() string { n++; return fmt.Sprint(name, "-", n) },
	})
}

func leases(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	ctx := context.Background()
	// Their wall clocks are a year apart.
	clockA, clockB := at, at.AddDate(1, 0, 0)
	a, b := taker(db, "a", &clockA), taker(db, "b", &clockB)
	try := func(l *store.Lease, want string) {
		t.Helper()
		got, err := l.Try(ctx)
		if err != nil || got != want || l.Token() != want {
			t.Errorf("Try = %q, %v (Token %q), want %q", got, err, l.Token(), want)
		}
	}
	fence := func(token string) error {
		return db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
			if err := tx.Fence("tickets/1", token); err != nil {
				return err
			}
			_, err := tx.RaiseWork("fenced", token, time.Time{})
			return err
		})
	}
	try(a, "a-1")
	try(a, "a-1")
	try(b, "") // sees the beat for the first time
	clockB = clockB.Add(14 * time.Second)
	try(b, "") // not long enough
	try(a, "a-1")
	clockB = clockB.Add(14 * time.Second)
	try(b, "") // the beat moved
	if err := fence("a-1"); err != nil {
		t.Errorf("Fence(holder) = %v", err)
	}
	clockB = clockB.Add(14 * time.Second)
	try(b, "") // a fence is a beat
	clockB = clockB.Add(15 * time.Second)
	got, err := b.Try(ctx)
	if err != nil || got == "" || got == "a-1" {
		t.Fatalf("Try(unchanged for 15 s) = %q, %v, want a token of b", got, err)
	}
	if err := fence("a-1"); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Fence(woken up) = %v, want ErrFenced", err)
	}
	try(a, "")
	if err := fence(got); err != nil {
		t.Errorf("Fence(new holder) = %v", err)
	}
	read(t, db, func(tx *store.Tx) error {
		holder, err := tx.LeaseHolder("tickets/1")
		if holder != "b" {
			t.Errorf("LeaseHolder = %q, want b", holder)
		}
		return err
	})
	if err := b.Release(ctx); err != nil {
		t.Errorf("Release = %v", err)
	}
	if got, err := a.Try(ctx); err != nil || got == "" {
		t.Errorf("Try(released) = %q, %v, want a token", got, err)
	}
	if err := b.Release(ctx); err != nil {
		t.Errorf("Release(not held) = %v", err)
	}
}

func leaseContention(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	clock := at
	var held atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		l := taker(db, fmt.Sprint("t", i), &clock)
		all.Go(func() {
			token, err := l.Try(context.Background())
			if err != nil {
				t.Errorf("Try: %v", err)
			}
			if token != "" {
				held.Add(1)
			}
		})
	}
	all.Wait()
	if held.Load() != 1 {
		t.Errorf("%d hold the lease, want 1", held.Load())
	}
}

func work(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	raise := func(subject string, notBefore time.Time) (w store.Work) {
		write(t, db, func(tx *store.Tx) (err error) {
			w, err = tx.RaiseWork("poll", subject, notBefore)
			return err
		})
		return w
	}
	finish := func(generation int64) (more bool) {
		write(t, db, func(tx *store.Tx) (err error) {
			more, err = tx.FinishWork("poll", "a", generation)
			return err
		})
		return more
	}
	due := func(now time.Time) (subjects []string) {
		read(t, db, func(tx *store.Tx) error {
			var after *store.Work
			for {
				page, err := tx.OpenWork(now, after, 1)
				if err != nil || len(page) == 0 {
					return err
				}
				subjects = append(subjects, page[0].Subject)
				after = &page[0]
			}
		})
		return subjects
	}
	later := at.Add(time.Hour)
	if got := raise("a", at); got.Generation != 1 || !got.NotBefore.Equal(at) {
		t.Errorf("RaiseWork = %+v, want generation 1 at %s", got, at)
	}
	if got := raise("a", later); got.Generation != 2 || !got.NotBefore.Equal(at) {
		t.Errorf("RaiseWork(later, while open) = %+v, want generation 2 and the earlier time", got)
	}
	raise("b", later)
	if diff := cmp.Diff([]string{"a"}, due(at)); diff != "" {
		t.Errorf("OpenWork(now) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, due(later)); diff != "" {
		t.Errorf("OpenWork(later) (-want +got):\n%s", diff)
	}
	if !finish(1) {
		t.Error("FinishWork(1 of 2) = false, want more")
	}
	write(t, db, func(tx *store.Tx) error { return tx.FailWork("poll", "a", "no answer", later) })
	read(t, db, func(tx *store.Tx) error {
		w, ok, err := tx.Work("poll", "a")
		if diff := cmp.Diff(store.Work{Kind: "poll", Subject: "a", Generation: 2, Done: 1, NotBefore: later, Failures: 1, Error: "no answer"}, w); diff != "" || !ok {
			t.Errorf("Work (-want +got):\n%s", diff)
		}
		return err
	})
	if got := raise("a", time.Time{}); !got.NotBefore.IsZero() {
		t.Errorf("RaiseWork(now, after a failure) = %+v, want at once", got)
	}
	if finish(3) {
		t.Error("FinishWork(3 of 3) = true, want no more")
	}
	if finish(1) {
		t.Error("FinishWork(an old generation) = true, want no more")
	}
	if got := raise("a", later); !got.NotBefore.Equal(later) || got.Done != 3 {
		t.Errorf("RaiseWork(later, while done) = %+v, want the later time", got)
	}
	read(t, db, func(tx *store.Tx) error {
		counts, err := tx.CountWork()
		if diff := cmp.Diff(map[string]int64{"poll": 2}, counts); diff != "" {
			t.Errorf("CountWork (-want +got):\n%s", diff)
		}
		return err
	})
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{7})
	_, _ = r.Read(b) // never fails
	return b
}

func blobs(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	ctx := context.Background()
	for i, size := range []int{0, 1, store.ChunkSize - 1, store.ChunkSize, store.ChunkSize + 1, 3*store.ChunkSize + 17} {
		id, want := fmt.Sprint("blb_", i), random(size)
		n, err := db.WriteBlob(ctx, id, iotest.HalfReader(bytes.NewReader(want)), int64(size))
		if err != nil || n != int64(size) {
			t.Fatalf("WriteBlob(%d bytes) = %d, %v", size, n, err)
		}
		b, err := db.OpenBlob(ctx, id)
		if err != nil {
			t.Fatalf("OpenBlob: %v", err)
		}
		if b.Size() != int64(size) {
			t.Errorf("Size = %d, want %d", b.Size(), size)
		}
		if err := iotest.TestReader(io.NewSectionReader(b, 0, min(b.Size(), 3000)), want[:min(size, 3000)]); err != nil {
			t.Errorf("reading %d bytes: %v", size, err)
		}
		got, err := io.ReadAll(b.Reader())
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("ReadAll(%d bytes) differs, %v", size, err)
		}
	}
	if _, err := db.WriteBlob(ctx, "blb_1", bytes.NewReader(nil), 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("WriteBlob(taken id) = %v, want conflict", err)
	}
	read(t, db, func(tx *store.Tx) error {
		stale, err := tx.StaleBlobs(time.Now().Add(time.Hour), 100)
		if len(stale) != 6 {
			t.Errorf("StaleBlobs = %v, want the 6 to which no run refers", stale)
		}
		return err
	})
	for i := range 6 {
		if err := db.RemoveBlob(ctx, fmt.Sprint("blb_", i)); err != nil {
			t.Errorf("RemoveBlob: %v", err)
		}
	}
	if _, err := db.OpenBlob(ctx, "blb_5"); !fault.Is(err, fault.NotFound) {
		t.Errorf("OpenBlob(removed) = %v, want not_found", err)
	}
}

func failedBlobs(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	body := random(store.ChunkSize + 5)
	ctx, cancel := context.WithCancel(context.Background())
	for name, c := range map[string]struct {
		ctx  context.Context
		body io.Reader
		max  int64
		want func(error) bool
	}{
		"too large": {context.Background(), bytes.NewReader(body), store.ChunkSize + 4, func(err error) bool { return fault.Is(err, fault.TooLarge) }},
		"broken":    {context.Background(), io.MultiReader(bytes.NewReader(body), iotest.ErrReader(errRefused)), 1 << 30, func(err error) bool { return errors.Is(err, errRefused) }},
		"cancelled": {
			ctx, io.MultiReader(bytes.NewReader(body[:store.ChunkSize]), readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF })), 1 << 30,
			func(err error) bool { return errors.Is(err, context.Canceled) },
		},
	} {
		if _, err := db.WriteBlob(c.ctx, "blb_"+name, c.body, c.max); !c.want(err) {
			t.Errorf("WriteBlob(%s) = %v", name, err)
		}
	}
	read(t, db, func(tx *store.Tx) error {
		left, err := tx.StaleBlobs(time.Now().Add(time.Hour), 100)
		if len(left) != 0 {
			t.Errorf("blobs left = %v, want none", left)
		}
		return err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func check(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	save(t, db, nil, sample("prd_1", 3), 0)
	if _, err := db.WriteBlob(context.Background(), "blb_1", bytes.NewReader(random(10)), 10); err != nil {
		t.Fatalf("WriteBlob: %v", err)
	}
	if err := db.Check(context.Background()); err != nil {
		t.Errorf("Check = %v", err)
	}
	execute(t, db, "DELETE FROM blob_chunk")
	execute(t, db, "UPDATE model_object SET doc = '{' WHERE kind = 'threat'")
	execute(t, db, "UPDATE product SET doc = '{'")
	f := fault.As(db.Check(context.Background()))
	if f == nil || len(f.Fields) != 5 {
		t.Errorf("Check(4 broken documents, 1 broken blob) = %v, want 5 findings", f)
	}
}

// backup: each of the files that are made while others write holds one state.
func backup(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	dir := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for w := range 2 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ { // two rows that only come together
				write(t, db, func(tx *store.Tx) error {
					id := fmt.Sprint(w, "-", i)
					return errors.Join(put(tx, "left/"+id, "1"), put(tx, "right/"+id, "1"), tx.Audit("s", entry("x", id)))
				})
			}
		})
	}
	save(t, db, nil, sample("prd_1", 20), 0)
	if _, err := db.WriteBlob(ctx, "blb_1", bytes.NewReader(random(store.ChunkSize+9)), 1<<30); err != nil {
		t.Fatalf("WriteBlob: %v", err)
	}
	want, _ := load(t, db, "prd_1")
	path := dir + "/backup"
	if err := db.Backup(context.Background(), path); err != nil {
		t.Errorf("Backup: %v", err)
	}
	stop()
	all.Wait()
	if err := db.Backup(context.Background(), path); !fault.Is(err, fault.Conflict) {
		t.Errorf("Backup(file exists) = %v, want conflict", err)
	}
	options, cut := restoreTarget(t, db)
	if err := store.Restore(context.Background(), options, path); err != nil {
		t.Fatalf("Restore: %v", err)
	}
	if err := store.Restore(context.Background(), options, path); !fault.Is(err, fault.Conflict) {
		t.Errorf("Restore(over a database) = %v, want conflict", err)
	}
	copied := openWith(t, options)
	if err := copied.Check(context.Background()); err != nil {
		t.Errorf("Check(restored) = %v", err)
	}
	got, _ := load(t, copied, "prd_1")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("restored model (-want +got):\n%s", diff)
	}
	read(t, copied, func(tx *store.Tx) error {
		left, err := tx.Settings("left/")
		right, err2 := tx.Settings("right/")
		heads, err3 := tx.AuditHeads("s")
		if len(left) != len(right) || int64(len(left)) != heads["s"] {
			t.Errorf("restored %d left, %d right, %d audited, want equal numbers", len(left), len(right), heads["s"])
		}
		return errors.Join(err, err2, err3)
	})
	b, err := copied.OpenBlob(context.Background(), "blb_1")
	if err != nil {
		t.Fatalf("OpenBlob(restored): %v", err)
	}
	if got, err := io.ReadAll(b.Reader()); err != nil || !bytes.Equal(got, random(store.ChunkSize+9)) {
		t.Errorf("restored blob differs, %v", err)
	}
	write(t, copied, func(tx *store.Tx) error { return tx.Audit("s", entry("after", "restore")) })
	damagedBackups(t, path, cut)
}
