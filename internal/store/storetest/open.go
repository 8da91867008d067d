// Package storetest opens throw-away databases for tests of this and other
// packages, and holds the conformance suite that the store passes on both
// engines. Only tests use it.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/pgtest"
)

// SQLite returns a new empty database in the test's temp dir.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return openWith(t, store.Options{Path: filepath.Join(t.TempDir(), "test.db")})
}

// Postgres returns a new empty database on this test binary's PostgreSQL; see pgtest.URL.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return openWith(t, store.Options{DatabaseURL: PostgresURL(t)})
}

// PostgresURL returns the URL of a new database that has the schema and no rows.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return pgtest.URL(t, "store", func(url string) error {
		db, err := store.Open(context.Background(), store.Options{DatabaseURL: url})
		if err != nil {
			return err
		}
		return db.Close()
	})
}

// Each runs a test on SQLite and on PostgreSQL, as parallel subtests. open may be
// called more than once; each call gives another database.
func Each(t *testing.T, test func(t *testing.T, open func(*testing.T) *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) *store.DB { return SQLite(t) })
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) *store.DB { return Postgres(t) })
	})
}

func openWith(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// restoreTarget returns where a backup of db can be restored, and a function for
// further such places.
func restoreTarget(t *testing.T, db *store.DB) (store.Options, func() store.Options) {
	t.Helper()
	next := func() store.Options {
		if db.Engine() == "sqlite" {
			return store.Options{Path: filepath.Join(t.TempDir(), "restored.db")}
		}
		return store.Options{DatabaseURL: pgtest.URL(t, "", nil)}
	}
	return next(), next
}

// damagedBackups restores what a broken disk would leave of a backup.
func damagedBackups(t *testing.T, path string, target func() store.Options) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	for i := len(flipped) / 3; i < len(flipped)/3+4096; i++ {
		flipped[i] ^= 1
	}
	for name, content := range map[string][]byte{"cut": whole[:len(whole)/2], "flipped": flipped, "empty": nil, "text": []byte("hello\n")} {
		broken := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(broken, content, 0o600); err != nil {
			t.Fatal(err)
		}
		o := target()
		if err := store.Restore(context.Background(), o, broken); !fault.Is(err, fault.Invalid) {
			t.Errorf("Restore(%s) = %v, want an invalid fault", name, err)
		}
		if o.Path != "" {
			if _, err := os.Stat(o.Path); err == nil {
				t.Errorf("Restore(%s) left a database behind", name)
			}
		}
	}
}
