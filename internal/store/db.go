// Package store keeps everything that outlives a request: models and their
// ratings, evidence, tickets, the audit trail, accounts and what is due. It
// holds all SQL of the program, in one dialect for SQLite and PostgreSQL: $n
// placeholders, times as BIGINT Unix microseconds, JSON documents that SQL never
// looks into, and a column for whatever is filtered or sorted.
//
// DB is opened once; work happens in DB.Read and DB.Write, whose Tx carries one
// method per noun of the product. A Tx is used by one goroutine and never after
// its function returned. The package knows no permissions and no rules.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/threatloop/threatloop/internal/fault"
)

// Options says which database to open. Exactly one of Path and DatabaseURL is given.
type Options struct {
	// Path is the SQLite file; it is created when absent.
	Path string
	// DatabaseURL is a PostgreSQL connection string (postgres://...).
	DatabaseURL string
	// ReadOnly opens without taking the file's lock and without migrating, so
	// that a backup or a check can run beside a server; Write is refused.
	ReadOnly bool
	// Point is called in write transactions at "tx.begin", "tx.commit" (just
	// before) and "tx.committed" (just after), and "blob.chunk" per stored piece
	// of a blob. Crash tests end the process there. Nil is none.
	Point func(name string)
	// Now is the clock by which blobs are dated; nil is time.Now.
	Now func() time.Time
	// Logger gets what an operator should know; nil discards it.
	Logger *slog.Logger
}

// DB is an open database with the current schema. It is safe for concurrent use.
type DB struct {
	pg     bool
	path   string
	ro     bool
	write  *sql.DB // SQLite: one connection, immediate transactions; PostgreSQL: the pool
	read   *sql.DB // SQLite: query_only connections; PostgreSQL: the same as write
	pool   *pgxpool.Pool
	unlock func() error
	point  func(string)
	now    func() time.Time
	log    *slog.Logger
	models modelCache
	sent   atomic.Int64 // statements
}

// Statements returns how many statements transactions have sent so far. Tests hold
// use cases to a number that does not grow with the data.
func (db *DB) Statements() int64 { return db.sent.Load() }

// Open opens the database and brings its schema up to date. A second server on
// the same SQLite file, a file that is not a database, and a server that cannot
// be reached are fault.Unavailable; options that contradict are fault.Invalid.
func Open(ctx context.Context, o Options) (*DB, error) {
	return openAt(ctx, o, latest)
}

// openAt is Open for a schema of a certain version.
func openAt(ctx context.Context, o Options, version int64) (*DB, error) {
	if (o.Path == "") == (o.DatabaseURL == "") {
		return nil, fault.New(fault.Invalid, "store.options", "give either a database file or a database URL")
	}
	db := &DB{path: o.Path, ro: o.ReadOnly, point: o.Point, now: o.Now, log: o.Logger, unlock: func() error { return nil }}
	if db.point == nil {
		db.point = func(string) {}
	}
	if db.now == nil {
		db.now = time.Now
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	open := db.openSQLite
	if o.DatabaseURL != "" {
		open = func(ctx context.Context) error { return db.openPostgres(ctx, o.DatabaseURL) }
	}
	if err := open(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if !o.ReadOnly {
		if err := db.migrate(ctx, version); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

// Close ends every connection and frees the file's lock. Transactions that run
// are rolled back by the engine.
func (db *DB) Close() error {
	var errs []error
	if db.read != nil {
		errs = append(errs, db.read.Close())
	}
	if db.write != nil && db.write != db.read {
		errs = append(errs, db.write.Close())
	}
	if db.pool != nil {
		db.pool.Close()
	}
	errs = append(errs, db.unlock())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

// Postgres returns the connection pool, or nil where the engine is SQLite. Only
// the job queue uses it.
func (db *DB) Postgres() *pgxpool.Pool { return db.pool }

// SQLite returns the pool of the one write connection, or nil where the engine
// is PostgreSQL. Only the job queue uses it. A caller that is inside Write must
// not use it: it would wait for itself.
func (db *DB) SQLite() *sql.DB {
	if db.pg {
		return nil
	}
	return db.write
}

// Engine returns "sqlite" or "postgresql".
func (db *DB) Engine() string {
	if db.pg {
		return "postgresql"
	}
	return "sqlite"
}

// Ping answers whether the database can be reached now; fault.Unavailable if not.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	if err := db.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return db.explain(fmt.Errorf("store: ping: %w", err))
	}
	return nil
}

func (db *DB) openPostgres(ctx context.Context, url string) error {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The parse error can carry the URL with its password.
		return fault.New(fault.Invalid, "store.database_url", "the database URL cannot be read; expected postgres://user@host:port/name")
	}
	// The queue's listener and leader hold connections of their own.
	config.MaxConns = max(config.MaxConns, 12)
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "threatloop"
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return db.explain(fmt.Errorf("store: open PostgreSQL: %w", err))
	}
	db.pg, db.pool = true, pool
	db.write = stdlib.OpenDBFromPool(pool)
	db.read = db.write
	var version int
	if err := db.read.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return fault.Wrap(err, fault.Unavailable, "store.unavailable", "the database server cannot be reached; check the database URL and that the server runs")
	}
	if version < 130000 {
		return fault.New(fault.Unsupported, "store.version", "the database server is PostgreSQL %d; version 13 or newer is needed", version/10000)
	}
	return nil
}
