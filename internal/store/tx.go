package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Tx is one transaction. Its methods use the context that Read or Write was
// given. Errors of the engine that a person can act on are faults; after any
// error of a method the function must return it, since PostgreSQL refuses
// everything that follows in the same transaction.
type Tx struct {
	db       *DB
	ctx      context.Context
	q        querier
	lite     *sql.Tx
	pg       pgx.Tx
	writable bool
	audited  []pendingAudit
	models   map[model.ProductID]cachedModel // read and stored in this transaction, where it writes
	heads    map[string]headMove
	after    []func()
}

// AfterCommit makes fn run when the transaction is committed, and not when it is
// rolled back; of Read, never. It must not use the transaction but for AuditMoved.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// querier is what *sql.Tx and *sql.Conn share.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// SQLite returns the transaction for a library that writes in it too, or nil
// where the engine is PostgreSQL.
func (tx *Tx) SQLite() *sql.Tx { return tx.lite }

// Postgres returns the transaction for a library that writes in it too, or nil
// where the engine is SQLite or the transaction only reads.
func (tx *Tx) Postgres() pgx.Tx { return tx.pg }

const attempts = 5

type inWrite struct{}

// Read runs fn in a transaction that sees one state of the database and cannot
// change it.
func (db *DB) Read(ctx context.Context, fn func(context.Context, *Tx) error) (err error) {
	var options *sql.TxOptions
	if db.pg {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	t, err := db.read.BeginTx(ctx, options)
	if err != nil {
		return db.explain(fmt.Errorf("store: begin: %w", err))
	}
	defer func() {
		// Nothing was written; whether the rollback arrives does not matter.
		_ = t.Rollback()
	}()
	return db.explain(fn(ctx, &Tx{db: db, ctx: ctx, q: t, lite: liteOnly(db, t)}))
}

func liteOnly(db *DB, t *sql.Tx) *sql.Tx {
	if db.pg {
		return nil
	}
	return t
}

// Write runs fn in a transaction and commits it when fn returns nil. An error,
// a panic (raised again) or a context that ends rolls everything back. fn is run
// again, at most 5 times in all, when the engine asks for it (a deadlock, a
// serialization failure): it must have no effect outside tx. Write inside Write
// is an error.
func (db *DB) Write(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if db.ro {
		return fault.New(fault.Unavailable, "store.read_only", "the database was opened for reading only")
	}
	if ctx.Value(inWrite{}) == db {
		return errors.New("store: write inside write")
	}
	ctx = context.WithValue(ctx, inWrite{}, db)
	for n := 1; ; n++ {
		err := db.writeOnce(ctx, fn)
		if err == nil || n == attempts || !isRetryable(err) {
			return db.explain(err)
		}
		db.log.DebugContext(ctx, "transaction repeated", "attempt", n, "cause", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(n*n) * 5 * time.Millisecond):
		}
	}
}

func (db *DB) writeOnce(ctx context.Context, fn func(context.Context, *Tx) error) (err error) {
	tx, commit, rollback, err := db.begin(ctx)
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // an error or a panic
			rollback()
		}
	}()
	db.point("tx.begin")
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := tx.flushAudit(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	db.point("tx.commit")
	done = true
	if err := commit(); err != nil {
		return fmt.Errorf("store: commit: %w", err)
	}
	db.point("tx.committed")
	tx.share()
	for _, fn := range tx.after {
		fn()
	}
	return nil
}

func (db *DB) begin(ctx context.Context) (tx *Tx, commit func() error, rollback func(), err error) {
	if !db.pg {
		t, err := db.write.BeginTx(ctx, nil)
		if err != nil {
			return nil, nil, nil, err
		}
		return &Tx{db: db, ctx: ctx, q: t, lite: t, writable: true}, t.Commit, func() { _ = t.Rollback() }, nil
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	var t pgx.Tx
	if err := conn.Raw(func(c any) (err error) {
		t, err = c.(*stdlib.Conn).Conn().Begin(ctx)
		return err
	}); err != nil {
		conn.Close()
		return nil, nil, nil, err
	}
	// Through Raw: once database/sql has given a broken connection back to the
	// pool, Raw refuses and the pool, which sees the open transaction, closes it.
	commit = func() error {
		defer conn.Close()
		return conn.Raw(func(any) error { return t.Commit(ctx) })
	}
	rollback = func() {
		defer conn.Close()
		// The context may have ended; an idle connection must not keep its locks for that.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = conn.Raw(func(any) error { return t.Rollback(end) })
	}
	return &Tx{db: db, ctx: ctx, q: conn, pg: t, writable: true}, commit, rollback, nil
}

// explain is DB.explain for an error of a statement. The PostgreSQL driver calls a
// connection bad on which the context ended; that is no lost database.
func (tx *Tx) explain(err error) error {
	if ended := tx.ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w: %w", ended, err)
	}
	return tx.db.explain(err)
}

// exec runs a statement and returns how many rows it changed.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	if err := checkText(args); err != nil {
		return 0, err
	}
	tx.db.sent.Add(1)
	r, err := tx.q.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return 0, tx.explain(err)
	}
	return r.RowsAffected()
}

// one scans the single row of a query into dest; ok is false where there is none.
func (tx *Tx) one(query string, args []any, dest ...any) (ok bool, err error) {
	rows, err := tx.query(query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, tx.explain(rows.Err())
	}
	if err := rows.Scan(dest...); err != nil {
		return false, err
	}
	return true, tx.explain(rows.Close())
}

func (tx *Tx) query(query string, args ...any) (*sql.Rows, error) {
	if err := checkText(args); err != nil {
		return nil, err
	}
	tx.db.sent.Add(1)
	rows, err := tx.q.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return nil, tx.explain(err)
	}
	return rows, nil
}

// collect returns the rows of a query, each read by scan.
func collect[T any](tx *Tx, scan func(row func(dest ...any) error) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	err := each(tx, func(row func(dest ...any) error) error {
		v, err := scan(row)
		if err == nil {
			out = append(out, v)
		}
		return err
	}, query, args...)
	return out, err
}

// each calls fn for every row of a query.
func each(tx *Tx, fn func(row func(dest ...any) error) error, query string, args ...any) error {
	rows, err := tx.query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return tx.explain(rows.Err())
}

// Rows per VALUES list. On PostgreSQL 100 rows save round trips; SQLite looks
// every parameter's name up in a list, so that long lists cost it time.
const (
	rowsPostgres = 100
	rowsSQLite   = 8
	copyFrom     = 200 // rows from which on COPY is faster than VALUES lists
)

// bulk inserts rows. Each row has one value per column; suffix is the ON CONFLICT
// clause or "".
func (tx *Tx) bulk(table string, columns []string, suffix string, rows [][]any) error {
	if err := tx.insert(table, columns, suffix, rows); err != nil {
		return tx.explain(fmt.Errorf("insert into %s: %w", table, err))
	}
	return nil
}

func (tx *Tx) insert(table string, columns []string, suffix string, rows [][]any) error {
	size := rowsSQLite
	if tx.pg != nil {
		size = rowsPostgres
		if suffix == "" && len(rows) >= copyFrom { // COPY knows no ON CONFLICT
			for _, r := range rows {
				if err := checkText(r); err != nil {
					return err
				}
			}
			_, err := tx.pg.CopyFrom(tx.ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
			return err
		}
	}
	var full *sql.Stmt
	args := make([]any, 0, size*len(columns))
	for chunk := range slices.Chunk(rows, size) {
		args = args[:0]
		for _, r := range chunk {
			args = append(args, r...)
		}
		if len(chunk) < size {
			_, err := tx.exec(valuesInsert(table, columns, len(chunk), suffix), args...)
			return err
		}
		if err := checkText(args); err != nil {
			return err
		}
		if full == nil {
			var err error
			if full, err = tx.q.PrepareContext(tx.ctx, valuesInsert(table, columns, size, suffix)); err != nil {
				return err
			}
			defer full.Close()
		}
		tx.db.sent.Add(1)
		if _, err := full.ExecContext(tx.ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func valuesInsert(table string, columns []string, rows int, suffix string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", table, strings.Join(columns, ", "))
	for r := range rows {
		if r > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for c := range columns {
			if c > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "$%d", r*len(columns)+c+1)
		}
		b.WriteByte(')')
	}
	b.WriteByte(' ')
	b.WriteString(suffix)
	return b.String()
}

// inChunk bounds an IN list.
const inChunk = 500

// placeholders returns "$from, $from+1, ..." for n values.
func placeholders(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", from+i)
	}
	return b.String()
}

// checkText refuses text that PostgreSQL would refuse, on both engines: a NUL or
// invalid UTF-8. Readers of untrusted files replace both before they come here.
func checkText(args []any) error {
	for _, a := range args {
		var s string
		switch v := a.(type) {
		case string:
			s = v
		case nil, int, int64, bool, float64, []byte, driver.Valuer:
			continue
		default:
			rv := reflect.ValueOf(a)
			if rv.Kind() != reflect.String {
				continue
			}
			s = rv.String()
		}
		if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
			return fault.New(fault.Invalid, "store.text", "a text holds a NUL character or is not valid UTF-8; remove that character")
		}
	}
	return nil
}

// stamp stores a time as Unix microseconds; 0 is the zero time.
type stamp time.Time

// Value implements driver.Valuer.
func (s stamp) Value() (driver.Value, error) {
	if time.Time(s).IsZero() {
		return int64(0), nil
	}
	return time.Time(s).UnixMicro(), nil
}

// Scan implements sql.Scanner.
func (s *stamp) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("store: time is %T, want int64", v)
	}
	*s = stamp{}
	if n != 0 {
		*s = stamp(time.UnixMicro(n).UTC())
	}
	return nil
}

// Truncate returns the time as the store keeps it: UTC, in microseconds.
func Truncate(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
