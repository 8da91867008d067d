package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/threatloop/threatloop/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// latest stands for the newest schema that this program knows.
const latest = math.MaxInt64

// migrate brings the schema forward to the version. Replicas that start together
// take turns by a session lock; on SQLite the file's lock is enough.
func (db *DB) migrate(ctx context.Context, version int64) error {
	p, err := db.provider()
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return db.explain(fmt.Errorf("store: read the schema's version: %w", err))
	}
	if current > target {
		return newer("database", current, target)
	}
	results, err := p.UpTo(ctx, min(version, target))
	if err != nil {
		return db.explain(fmt.Errorf("store: migrate: %w", err))
	}
	for _, r := range results {
		db.log.InfoContext(ctx, "schema migrated", "version", r.Source.Version, "took", r.Duration)
	}
	if version < target {
		return nil // the columns are not all there yet
	}
	return db.listProducts(ctx)
}

// newer says that what was written, a database or a backup, is of a newer schema than the program knows.
func newer(what string, version, known int64) error {
	return fault.New(fault.Unsupported, "store.newer", "the %s was written by a newer version (schema %d, this program knows %d); update the program", what, version, known)
}

// knownSchema refuses the schema of a backup that is newer than the newest that
// this program knows, before anything is made of it.
func (db *DB) knownSchema(version int64) error {
	p, err := db.provider()
	if err != nil {
		return err
	}
	sources := p.ListSources() // by version
	if known := sources[len(sources)-1].Version; version > known {
		return newer("backup", version, known)
	}
	return nil
}

// SchemaVersion returns the version of the schema that the database has.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	p, err := db.provider()
	if err != nil {
		return 0, err
	}
	v, err := p.GetDBVersion(ctx)
	if err != nil {
		return 0, db.explain(fmt.Errorf("store: read the schema's version: %w", err))
	}
	return v, nil
}

func (db *DB) provider() (*goose.Provider, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if db.pg {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, fmt.Errorf("store: migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db.write, sub, options...)
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	return p, nil
}

// Exclusively runs fn while no other replica runs one under the same key; the
// queue migrates its own tables so. On SQLite there is no other replica.
func (db *DB) Exclusively(ctx context.Context, key int64, fn func(context.Context) error) (err error) {
	if !db.pg {
		return fn(ctx)
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return db.explain(fmt.Errorf("store: lock %d: %w", key, err))
	}
	defer conn.Release()
	// Asking again and again: a session that waits inside pg_advisory_lock keeps a
	// snapshot, for which CREATE INDEX CONCURRENTLY in fn would wait in turn.
	for locked := false; !locked; {
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&locked); err != nil {
			return db.explain(fmt.Errorf("store: lock %d: %w", key, err))
		}
		if !locked {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	defer func() {
		if _, e := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key); e != nil {
			err = errors.Join(err, db.explain(fmt.Errorf("store: unlock %d: %w", key, e)))
		}
	}()
	return fn(ctx)
}
