package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/threatloop/threatloop/internal/fault"
)

// ErrFenced says that the lease was taken over by another holder: whoever gets
// it stops at once and writes nothing.
var ErrFenced = errors.New("store: the lease is held by another")

// isUnique reports whether err is the violation of a unique index or primary key.
func isUnique(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// isForeign reports whether err is the violation of a foreign key.
func isForeign(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23503"
}

// isRetryable reports whether the same transaction, run again, can succeed: a
// serialization failure, a deadlock, or a file that was busy.
func isRetryable(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_BUSY
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// explain turns what an operator can act on into a fault; everything else,
// cancellation included, stays as it is.
func (db *DB) explain(err error) error {
	switch {
	case err == nil, fault.As(err) != nil,
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrFenced):
		return err
	case isFull(err):
		return fault.Wrap(err, fault.Unavailable, "store.full", "the database's disk is full; nothing was changed; free some space and try again")
	case isCorrupt(err):
		return fault.Wrap(err, fault.Unavailable, "store.corrupt", "the database is damaged or is not a database; restore a backup")
	case isRetryable(err):
		return fault.Wrap(err, fault.Unavailable, "store.busy", "the database is busy; nothing was changed; try again")
	case isForeign(err):
		return fault.Wrap(err, fault.NotFound, "store.reference", "what this belongs to does not exist, or no longer")
	case isUnique(err):
		return fault.Wrap(err, fault.Conflict, "store.exists", "this exists already")
	case isGone(err):
		return fault.Wrap(err, fault.Unavailable, "store.unavailable", "the database cannot be reached now; try again in a moment")
	}
	return err
}

func isFull(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_FULL
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53100" || errors.Is(err, syscall.ENOSPC)
}

func isCorrupt(err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return false
	}
	code := lite.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

func isGone(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM:
			return true
		}
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// 08 connection, 53 resources, 57P shutdown, 25006 a standby.
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57P") ||
			pg.Code == "25006" || pg.Code == "3D000" || strings.HasPrefix(pg.Code, "28")
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "closed pool") || strings.Contains(err.Error(), "database is closed")
}
