package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/threatloop/threatloop/internal/fault"
)

// Backup writes everything to a new file while the database is in use: on SQLite
// a database file (VACUUM INTO), on PostgreSQL a dump of one snapshot in a format
// of our own (backupHeader). Jobs are not part of it: they are hints that are made again
// from what is due. The file has its name only when it is complete; an existing
// one is fault.Conflict.
func (db *DB) Backup(ctx context.Context, path string) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fault.New(fault.Conflict, "backup.exists", "there is a file %s already; give the backup another name", path)
	}
	partial := path + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: backup: %w", err)
	}
	dump := db.dumpSQLite
	if db.pg {
		dump = db.dumpPostgres
	}
	if err := dump(ctx, partial); err != nil {
		return errors.Join(db.explain(fmt.Errorf("store: backup to %s: %w", path, err)), removeIfThere(partial))
	}
	if err := syncFile(partial); err != nil {
		return errors.Join(db.explain(fmt.Errorf("store: backup to %s: %w", path, err)), removeIfThere(partial))
	}
	if err := os.Rename(partial, path); err != nil {
		return fmt.Errorf("store: backup to %s: %w", path, err)
	}
	return syncFile(filepath.Dir(path))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	// Some systems cannot sync a folder; its entry is then as safe as they make it.
	if err := f.Sync(); err != nil && filepath.Ext(path) == ".partial" {
		f.Close()
		return err
	}
	return f.Close()
}

func (db *DB) dumpSQLite(ctx context.Context, path string) error {
	// A connection of its own: the read pool may not even write another file, and
	// the write connection must stay free.
	conn, err := openSide(db.path)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := createPrivate(path); err != nil {
		return err
	}
	if _, err = conn.ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return err
	}
	copied, err := openSide(path)
	if err != nil {
		return err
	}
	defer copied.Close()
	var jobs int
	if err := copied.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'river_job'").Scan(&jobs); err != nil || jobs == 0 {
		return err
	}
	_, err = copied.ExecContext(ctx, "DELETE FROM river_job")
	return err
}

// backupHeader is the first line of a dump of PostgreSQL. After it come the
// tables, each a line {"table", "columns"}, its rows as COPY's text format writes
// them, and a line "\."; the last line is {"end": true, "sha256"} with the hash
// of everything before it.
type backupHeader struct {
	Format  string `json:"format"` // backupFormat
	Version int    `json:"version"`
	Schema  int64  `json:"schema"` // version of the schema that the rows fit
}

const backupFormat = "threatloop-backup"

type backupTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

type backupEnd struct {
	End    bool   `json:"end"`
	SHA256 string `json:"sha256"`
}

// hashing writes through a hash.
type hashing struct {
	w    io.Writer
	hash hash.Hash
}

func (h *hashing) Write(p []byte) (int, error) {
	h.hash.Write(p)
	return h.w.Write(p)
}

func (h *hashing) line(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = h.Write(append(b, '\n'))
	}
	return err
}

func (db *DB) dumpPostgres(ctx context.Context, path string) error {
	schema, err := db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 1<<20)
	out := &hashing{buffered, sha256.New()}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	tables, err := tablesOf(ctx, tx)
	if err != nil {
		return err
	}
	if err := out.line(backupHeader{backupFormat, 1, schema}); err != nil {
		return err
	}
	for _, t := range tables {
		if err := out.line(t); err != nil {
			return err
		}
		if _, err := tx.Conn().PgConn().CopyTo(ctx, out, "COPY "+t.sql()+" TO STDOUT"); err != nil {
			return fmt.Errorf("table %s: %w", t.Table, err)
		}
		if _, err := io.WriteString(out, "\\.\n"); err != nil {
			return err
		}
	}
	if err := out.line(backupEnd{true, hex.EncodeToString(out.hash.Sum(nil))}); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func (t backupTable) sql() string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = pgx.Identifier{c}.Sanitize()
	}
	return pgx.Identifier{t.Table}.Sanitize() + " (" + strings.Join(columns, ", ") + ")"
}

// tablesOf returns our tables, those that others refer to first.
func tablesOf(ctx context.Context, tx pgx.Tx) ([]backupTable, error) {
	rows, err := tx.Query(ctx, `SELECT table_name, column_name FROM information_schema.columns c
		WHERE table_schema = current_schema() AND table_name NOT LIKE 'river\_%' AND table_name <> 'goose_db_version'
		AND EXISTS (SELECT 1 FROM information_schema.tables t WHERE t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE')
		ORDER BY table_name COLLATE "C", ordinal_position`)
	if err != nil {
		return nil, err
	}
	columns := map[string][]string{}
	var names []string
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		if columns[table] == nil {
			names = append(names, table)
		}
		columns[table] = append(columns[table], column)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	refers := map[string][]string{}
	rows, err = tx.Query(ctx, `SELECT a.relname, b.relname FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
		WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace AND a.oid <> b.oid`)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var from, to string
		if err := rows.Scan(&from, &to); err != nil {
			return nil, err
		}
		refers[from] = append(refers[from], to)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []backupTable
	done := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if done[name] || columns[name] == nil {
			return
		}
		done[name] = true
		slices.Sort(refers[name])
		for _, to := range refers[name] {
			add(to)
		}
		out = append(out, backupTable{name, columns[name]})
	}
	for _, name := range names {
		add(name)
	}
	return out, nil
}

// Restore makes a new database from a backup of the same engine. The SQLite file
// must not exist and the PostgreSQL database must be empty, else fault.Conflict;
// a damaged backup is fault.Invalid and one of a newer program fault.Unsupported,
// and nothing of either remains.
func Restore(ctx context.Context, o Options, path string) error {
	if (o.Path == "") == (o.DatabaseURL == "") {
		return fault.New(fault.Invalid, "store.options", "give either a database file or a database URL")
	}
	var err error
	if o.Path != "" {
		err = restoreSQLite(ctx, o, path)
	} else {
		err = restorePostgres(ctx, o, path)
	}
	if err != nil && fault.As(err) == nil {
		return fmt.Errorf("store: restore %s: %w", path, err)
	}
	return err
}

func restoreSQLite(ctx context.Context, o Options, path string) (err error) {
	// A journal that was left behind would be played into the restored file.
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if _, err := os.Lstat(o.Path + suffix); err == nil {
			return fault.New(fault.Conflict, "restore.exists", "there is a database at %s already; move it away first", o.Path+suffix)
		}
	}
	var version int64
	backup, err := Open(ctx, Options{Path: path, ReadOnly: true})
	if err == nil {
		err = backup.Check(ctx)
		if err == nil {
			err = backup.read.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&version)
		}
		if err == nil && backup.knownSchema(version) != nil {
			return errors.Join(backup.knownSchema(version), backup.Close())
		}
		err = errors.Join(err, backup.Close())
	}
	if err != nil {
		why := "it is no database of ours"
		if f := fault.As(err); f != nil {
			why = f.Public
		}
		return fault.Wrap(err, fault.Invalid, "restore.damaged", "%s is not a whole backup: %s", path, why)
	}
	partial := o.Path + ".partial"
	if err := copyFile(path, partial); err != nil {
		return errors.Join(err, removeIfThere(partial))
	}
	if err := os.Rename(partial, o.Path); err != nil {
		return err
	}
	if err := syncFile(filepath.Dir(o.Path)); err != nil {
		return err
	}
	db, err := Open(ctx, o) // forward to our schema
	if err != nil {
		return err
	}
	return db.Close()
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Sync(); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
