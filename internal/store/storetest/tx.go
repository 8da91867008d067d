package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

var errRefused = errors.New("refused")

func settingDoc(t testing.TB, db *store.DB, key string) string {
	t.Helper()
	var s store.Setting
	read(t, db, func(tx *store.Tx) (err error) {
		s, err = tx.Setting(key)
		return err
	})
	return s.Doc
}

func put(tx *store.Tx, key, doc string) error {
	return tx.SetSetting(store.Setting{Key: key, Doc: doc, At: at})
}

func rollback(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
		return errors.Join(put(tx, "k", "1"), tx.Audit("s", store.Audit{At: at, Action: "x"}), errRefused)
	})
	if !errors.Is(err, errRefused) {
		t.Errorf("Write = %v, want %v", err, errRefused)
	}
	if got := settingDoc(t, db, "k"); got != "" {
		t.Errorf("after a rollback the setting is %q, want none", got)
	}
	read(t, db, func(tx *store.Tx) error {
		heads, err := tx.AuditHeads("s")
		if len(heads) != 0 {
			t.Errorf("after a rollback the audit heads are %v, want none", heads)
		}
		return err
	})
	write(t, db, func(tx *store.Tx) error { return put(tx, "k", "2") })
	if got := settingDoc(t, db, "k"); got != "2" {
		t.Errorf("setting = %q, want 2", got)
	}
}

func panics(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	func() {
		defer func() {
			if got := recover(); got != "at the disco" {
				t.Errorf("recovered %v, want the panic of the function", got)
			}
		}()
		_ = db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
			if err := put(tx, "k", "1"); err != nil {
				t.Error(err)
			}
			panic("at the disco")
		})
	}()
	if got := settingDoc(t, db, "k"); got != "" {
		t.Errorf("after a panic the setting is %q, want none", got)
	}
	write(t, db, func(tx *store.Tx) error { return put(tx, "k", "2") }) // the connection is free again
}

func cancellation(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	for i := range 20 { // more often than there are connections
		ctx, cancel := context.WithCancel(context.Background())
		err := db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
			if err := put(tx, "k", "1"); err != nil {
				return err
			}
			cancel()
			switch i % 3 {
			case 0:
				return nil // commits into a cancelled context
			case 1:
				_, err := tx.Setting("k")
				return err
			}
			return put(tx, "other", "1")
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Write(cancelled in the middle, way %d) = %v, want %v", i%3, err, context.Canceled)
		}
	}
	if got := settingDoc(t, db, "k"); got != "" {
		t.Errorf("after cancelled transactions the setting is %q, want none", got)
	}
	write(t, db, func(tx *store.Tx) error { return put(tx, "k", "2") })
}

func cancelledWait(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	write(t, db, func(tx *store.Tx) error { return put(tx, "k", "1") })
	holds, done := make(chan struct{}), make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		write(t, db, func(tx *store.Tx) error {
			if err := tx.SetSetting(store.Setting{Key: "k", Doc: "2", Version: 1, At: at}); err != nil {
				return err
			}
			close(holds)
			<-done
			return nil
		})
	})
	<-holds
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		return tx.SetSetting(store.Setting{Key: "k", Doc: "3", Version: 1, At: at})
	})
	close(done)
	first.Wait()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Write(waiting for another) = %v, want %v", err, context.DeadlineExceeded)
	}
	if got := settingDoc(t, db, "k"); got != "2" {
		t.Errorf("setting = %q, want 2", got)
	}
}

func nested(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	err := db.Write(context.Background(), func(ctx context.Context, _ *store.Tx) error {
		return db.Write(ctx, func(context.Context, *store.Tx) error { return nil })
	})
	if err == nil {
		t.Error("Write inside Write = nil, want an error")
	}
}

func snapshot(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	write(t, db, func(tx *store.Tx) error { return put(tx, "k", "1") })
	read(t, db, func(tx *store.Tx) error {
		if _, err := tx.Setting("k"); err != nil {
			return err
		}
		write(t, db, func(tx *store.Tx) error {
			return tx.SetSetting(store.Setting{Key: "k", Doc: "2", Version: 1, At: at})
		})
		s, err := tx.Setting("k")
		if s.Doc != "1" {
			t.Errorf("a read transaction sees %q, want what was there when it began", s.Doc)
		}
		if err := put(tx, "new", "1"); err == nil {
			t.Error("a write in Read = nil, want an error")
		}
		return err
	})
}

func concurrentWriters(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	const writers, rounds = 8, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for r := range rounds {
				write(t, db, func(tx *store.Tx) error {
					if _, err := tx.RaiseWork("count", "one", time.Time{}); err != nil {
						return err
					}
					return put(tx, fmt.Sprintf("w%d-%d", w, r), "1")
				})
			}
		})
	}
	all.Wait()
	read(t, db, func(tx *store.Tx) error {
		w, _, err := tx.Work("count", "one")
		if w.Generation != writers*rounds {
			t.Errorf("generation = %d, want %d", w.Generation, writers*rounds)
		}
		list, err2 := tx.Settings("w")
		if len(list) != writers*rounds {
			t.Errorf("settings = %d, want %d", len(list), writers*rounds)
		}
		return errors.Join(err, err2)
	})
}

func refusedText(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	for _, text := range []string{"a\x00b", "a\xffb"} {
		err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return put(tx, text, "1") })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("SetSetting(%q) = %v, want an invalid fault", text, err)
		}
		m := sample("prd_1", 1)
		m.Product.Name = text
		err = db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
			_, err := tx.SaveModel(nil, m, store.Save{By: "u", At: at})
			return err
		})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("SaveModel(name %q) = %v, want an invalid fault", text, err)
		}
		// In a document a NUL is escaped and harmless.
		m = sample(model.ProductID("prd_"+fmt.Sprint(len(text), text[1])), 1)
		m.Threats[0].Description = "x\x00y"
		save(t, db, nil, m, 0)
		got, _ := load(t, db, m.Product.ID)
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("a NUL in a document (-want +got):\n%s", diff)
		}
	}
}

func references(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	for name, fn := range map[string]func(*store.Tx) error{
		"SetMembership": func(tx *store.Tx) error {
			return tx.SetMembership(store.Membership{User: "nobody", Product: "none", Role: "viewer"})
		},
		"AddSession": func(tx *store.Tx) error { return tx.AddSession(store.Session{Hash: "h", User: "nobody"}) },
		"AddComment": func(tx *store.Tx) error { return tx.AddComment(store.Comment{ID: "c", Product: "none"}) },
		"AddRun": func(tx *store.Tx) error {
			_, err := tx.AddRun(store.Run{ID: "r", Product: "none"})
			return err
		},
		"LoadModel":     func(tx *store.Tx) error { _, _, err := tx.LoadModel("none"); return err },
		"SetSummary":    func(tx *store.Tx) error { return tx.SetSummary("none", store.Summary{}) },
		"DeleteProduct": func(tx *store.Tx) error { return tx.DeleteProduct("none") },
	} {
		err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return fn(tx) })
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s(of nothing) = %v, want a not_found fault", name, err)
		}
	}
	write(t, db, func(tx *store.Tx) error { return tx.AddAccount(store.Account{ID: "usr_1", Email: "a@example.org"}) })
	token := func(tx *store.Tx) error { return tx.AddToken(store.Token{ID: "t", Hash: "h", User: "usr_1"}) }
	write(t, db, token)
	if err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return token(tx) }); !fault.Is(err, fault.Conflict) {
		t.Errorf("AddToken(again) = %v, want a conflict fault", err)
	}
}
