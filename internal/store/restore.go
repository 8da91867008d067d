package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/threatloop/threatloop/internal/fault"
)

func damaged(what string) error {
	return fault.New(fault.Invalid, "restore.damaged", "the backup is damaged: %s", what)
}

func restorePostgres(ctx context.Context, o Options, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return fault.Wrap(err, fault.NotFound, "restore.no_file", "the backup %s cannot be read", path)
	}
	defer f.Close()
	// The whole file is checked before anything is changed.
	header, err := verifyDump(f)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	db := &DB{point: func(string) {}, log: slog.New(slog.DiscardHandler), unlock: func() error { return nil }}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.openPostgres(ctx, o.DatabaseURL); err != nil {
		return err
	}
	var tables int
	if err := db.pool.QueryRow(ctx, "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()").Scan(&tables); err != nil {
		return db.explain(err)
	}
	if tables > 0 {
		return fault.New(fault.Conflict, "restore.exists", "the database is not empty; restore into a new one")
	}
	if err := db.knownSchema(header.Schema); err != nil {
		return err
	}
	if err := db.migrate(ctx, header.Schema); err != nil {
		return err
	}
	if err := db.load(ctx, f); err != nil {
		return db.explain(err)
	}
	return db.migrate(ctx, latest)
}

// verifyDump reads a dump to its end and returns its header.
func verifyDump(r io.Reader) (h backupHeader, err error) {
	lines := bufio.NewReaderSize(r, 1<<20)
	sum := sha256.New()
	// A document of a row can be long; lines are hashed in pieces and only short
	// ones, which ours are, are kept.
	var line []byte
	first := true
	for {
		piece, err := lines.ReadSlice('\n')
		if len(line) < 1<<16 {
			line = append(line, piece...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			sum.Write(piece)
			continue
		}
		if err != nil {
			return h, damaged("it is cut off")
		}
		if first {
			if json.Unmarshal(line, &h) != nil || h.Format != backupFormat {
				return h, damaged("it does not begin like a backup of a PostgreSQL database")
			}
			if h.Version != 1 {
				return h, fault.New(fault.Unsupported, "restore.version", "the backup has version %d; this program knows version 1", h.Version)
			}
			first = false
		}
		var end backupEnd
		// Rows never begin so: COPY's text of a row is values between tabs, and the
		// hash settles the rest.
		if bytes.HasPrefix(line, []byte(`{"end":true`)) && json.Unmarshal(line, &end) == nil && end.SHA256 == hex.EncodeToString(sum.Sum(nil)) {
			if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
				return h, damaged("something follows its end")
			}
			return h, nil
		}
		sum.Write(piece)
		line = line[:0]
	}
}

// load copies the rows of a verified dump in one transaction.
func (db *DB) load(ctx context.Context, r io.Reader) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	known, err := tablesOf(ctx, tx)
	if err != nil {
		return err
	}
	lines := bufio.NewReaderSize(r, 1<<20)
	if _, err := lines.ReadBytes('\n'); err != nil {
		return err
	}
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		var t backupTable
		if err := json.Unmarshal(line, &t); err != nil {
			return damaged("a table's head cannot be read")
		}
		if t.Table == "" { // the end
			return tx.Commit(ctx)
		}
		// Names come from a file: only those of our schema are put into SQL.
		i := slices.IndexFunc(known, func(k backupTable) bool { return k.Table == t.Table })
		if i < 0 || !slices.Equal(known[i].Columns, t.Columns) {
			return damaged(fmt.Sprintf("its table %s is not one of schema's", pgx.Identifier{t.Table}.Sanitize()))
		}
		if _, err := tx.Conn().PgConn().CopyFrom(ctx, &rowsOf{lines: lines}, "COPY "+t.sql()+" FROM STDIN"); err != nil {
			return fmt.Errorf("table %s: %w", t.Table, err)
		}
	}
}

// rowsOf yields the lines up to "\.", which it takes away.
type rowsOf struct {
	lines *bufio.Reader
	rest  []byte
	mid   bool // rest ended within a line
	ended bool
}

func (r *rowsOf) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		piece, err := r.lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return 0, err
		}
		if !r.mid && bytes.Equal(piece, []byte("\\.\n")) {
			r.ended = true
			continue
		}
		r.mid = err != nil
		r.rest = piece // valid until the next ReadSlice, which comes only when it is used up
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
