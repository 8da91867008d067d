package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"modernc.org/sqlite"

	"github.com/threatloop/threatloop/internal/fault"
)

// registerCollation teaches SQLite PostgreSQL's COLLATE "C": comparison by bytes.
var registerCollation = sync.OnceValue(func() error {
	return sqlite.RegisterCollationUtf8("C", strings.Compare)
})

func (db *DB) openSQLite(ctx context.Context) error {
	if err := registerCollation(); err != nil {
		return fmt.Errorf("store: register collation: %w", err)
	}
	path, err := filepath.Abs(db.path)
	if err != nil {
		return fmt.Errorf("store: open %s: %w", db.path, err)
	}
	db.path = path
	if db.ro {
		if _, err := os.Stat(path); err != nil {
			return fault.Wrap(err, fault.NotFound, "store.no_file", "there is no database at %s", path)
		}
	} else {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fault.Wrap(err, fault.Unavailable, "store.unavailable", "the folder of the database %s cannot be made", path)
		}
		// Two servers on one file would both act on the same tickets.
		if db.unlock, err = lockFile(path + ".lock"); err != nil {
			db.unlock = func() error { return nil }
			return fault.Wrap(err, fault.Unavailable, "store.locked", "another process uses the database %s; stop it, or give this one its own file", path)
		}
	}
	if !db.ro {
		// SQLite would make it readable for everybody; its journals follow the file.
		if err := createPrivate(path); err != nil {
			return fault.Wrap(err, fault.Unavailable, "store.unavailable", "the database %s cannot be opened for writing", path)
		}
	}
	pragmas := []string{"busy_timeout(5000)", "foreign_keys(1)", "synchronous(FULL)", "temp_store(MEMORY)", "cache_size(-16000)"}
	db.write, err = sql.Open("sqlite", sqliteURL(path, append([]string{"journal_mode(WAL)"}, pragmas...), "_txlock", "immediate"))
	if err != nil {
		return fmt.Errorf("store: open %s: %w", path, err)
	}
	db.write.SetMaxOpenConns(1)
	db.read, err = sql.Open("sqlite", sqliteURL(path, append(pragmas, "query_only(1)")))
	if err != nil {
		return fmt.Errorf("store: open %s: %w", path, err)
	}
	db.read.SetMaxOpenConns(8)
	db.read.SetMaxIdleConns(8)
	var version string
	first := db.write
	if db.ro {
		first = db.read
	}
	if err := first.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return db.explain(fmt.Errorf("store: open %s: %w", path, err))
	}
	if !atLeast(version, 3, 51, 3) {
		return fault.New(fault.Unsupported, "store.version", "SQLite %s can corrupt a database in WAL mode; 3.51.3 or newer is needed", version)
	}
	if !db.ro {
		var mode string
		if err := db.write.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
			return db.explain(fmt.Errorf("store: open %s: %w", path, err))
		}
		if mode != "wal" {
			return fault.New(fault.Unavailable, "store.wal", "the file system of %s does not support SQLite's WAL mode (journal mode is %s); use a local disk", path, mode)
		}
	}
	return nil
}

func sqliteURL(path string, pragmas []string, more ...string) string {
	q := url.Values{"_pragma": pragmas}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	// A path may hold '?', '#' or '%'.
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), OmitHost: true}).String() + "?" + q.Encode()
}

// atLeast reports whether a dotted version is not below want; what is not a number counts as 0.
func atLeast(version string, want ...int) bool {
	parts := strings.Split(version, ".")
	for i, w := range want {
		n := 0
		if i < len(parts) {
			fmt.Sscanf(parts[i], "%d", &n)
		}
		if n != w {
			return n > w
		}
	}
	return true
}

// openSide opens another connection to a file, for a backup.
func openSide(path string) (*sql.DB, error) {
	side, err := sql.Open("sqlite", sqliteURL(path, []string{"busy_timeout(5000)", "synchronous(FULL)"}))
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	side.SetMaxOpenConns(1)
	return side, nil
}

// createPrivate makes an empty file that only its owner may read; an existing one
// stays as it is.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
