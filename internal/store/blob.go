package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// ChunkSize is the size of the pieces in which a blob is stored, in bytes.
const ChunkSize = 1 << 20

// WriteBlob stores what r yields under the id, piece by piece, each in a
// transaction of its own, and returns its size. It holds one piece in memory.
// More than max bytes are fault.TooLarge; an error of r is returned as it is.
// Whenever it fails, nothing of the blob remains. A taken id is fault.Conflict.
func (db *DB) WriteBlob(ctx context.Context, id string, r io.Reader, max int64) (size int64, err error) {
	err = db.Write(ctx, func(_ context.Context, tx *Tx) error {
		n, err := tx.exec("INSERT INTO blob (id, size, complete, at) VALUES ($1, 0, FALSE, $2) ON CONFLICT (id) DO NOTHING", id, stamp(db.now()))
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "blob.exists", "there is an upload %s already", id)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store: blob %s: %w", id, err)
	}
	if size, err = db.writeChunks(ctx, id, r, max); err != nil {
		return 0, errors.Join(err, db.RemoveBlob(context.WithoutCancel(ctx), id))
	}
	return size, nil
}

func (db *DB) writeChunks(ctx context.Context, id string, r io.Reader, max int64) (size int64, err error) {
	buf := make([]byte, ChunkSize)
	for n := int64(0); ; n++ {
		got, readErr := io.ReadFull(r, buf)
		last := errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF)
		if readErr != nil && !last {
			return 0, readErr
		}
		size += int64(got)
		if size > max {
			return 0, fault.New(fault.TooLarge, "blob.too_large", "the upload is larger than %d bytes", max)
		}
		err := db.Write(ctx, func(_ context.Context, tx *Tx) error {
			if got > 0 {
				if _, err := tx.exec("INSERT INTO blob_chunk (blob_id, n, data) VALUES ($1, $2, $3)", id, n, buf[:got]); err != nil {
					return err
				}
			}
			if !last {
				return nil
			}
			_, err := tx.exec("UPDATE blob SET size = $2, complete = TRUE WHERE id = $1", id, size)
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("store: blob %s: %w", id, err)
		}
		db.point("blob.chunk")
		if last {
			return size, nil
		}
	}
}

// RemoveBlob removes a blob; an absent one is no error. Its pieces go in
// transactions of bounded size.
func (db *DB) RemoveBlob(ctx context.Context, id string) error {
	for more := true; more; {
		err := db.Write(ctx, func(_ context.Context, tx *Tx) error {
			n, err := tx.exec("DELETE FROM blob_chunk WHERE blob_id = $1 AND n IN (SELECT n FROM blob_chunk WHERE blob_id = $1 ORDER BY n LIMIT 64)", id)
			if more = n > 0; err != nil || more {
				return err
			}
			_, err = tx.exec("DELETE FROM blob WHERE id = $1", id)
			return err
		})
		if err != nil {
			return fmt.Errorf("store: remove blob %s: %w", id, err)
		}
	}
	return nil
}

// StaleBlobs returns blobs that were begun before the time and never completed,
// or that no run refers to, by id: left behind by a process that ended.
func (tx *Tx) StaleBlobs(before time.Time, max int) ([]string, error) {
	list, err := collect(tx, func(row func(...any) error) (id string, err error) { return id, row(&id) },
		"SELECT b.id FROM blob b WHERE b.at < $1 AND (NOT b.complete OR NOT EXISTS (SELECT 1 FROM run r WHERE r.blob_id = b.id)) ORDER BY b.id LIMIT $2",
		stamp(before), limit(max))
	if err != nil {
		return nil, fmt.Errorf("store: stale blobs: %w", err)
	}
	return list, nil
}

// Blob is a complete stored blob. ReadAt is safe for concurrent use; it reads
// pieces as they are asked for and remembers the last.
type Blob struct {
	db   *DB
	ctx  context.Context
	id   string
	size int64

	mu    sync.Mutex
	n     int64 // of the remembered piece; -1 is none
	chunk []byte
}

// OpenBlob opens a complete blob for reading under the context; fault.NotFound if there is none.
func (db *DB) OpenBlob(ctx context.Context, id string) (*Blob, error) {
	b := &Blob{db: db, ctx: ctx, id: id, n: -1}
	err := db.Read(ctx, func(_ context.Context, tx *Tx) error {
		ok, err := tx.one("SELECT size FROM blob WHERE id = $1 AND complete", []any{id}, &b.size)
		if err == nil && !ok {
			err = fault.New(fault.NotFound, "blob.not_found", "there is no upload %s, or no longer", id)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: blob %s: %w", id, err)
	}
	return b, nil
}

// Size returns the size of the blob in bytes.
func (b *Blob) Size() int64 { return b.size }

// Reader returns a new reader from the blob's start.
func (b *Blob) Reader() *io.SectionReader { return io.NewSectionReader(b, 0, b.size) }

// ReadAt implements io.ReaderAt.
func (b *Blob) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("store: blob %s: negative offset", b.id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for n < len(p) {
		if off >= b.size {
			return n, io.EOF
		}
		if err := b.load(off / ChunkSize); err != nil {
			return n, err
		}
		c := copy(p[n:], b.chunk[off%ChunkSize:])
		n, off = n+c, off+int64(c)
	}
	return n, nil
}

func (b *Blob) load(n int64) error {
	if b.n == n {
		return nil
	}
	b.n = -1
	err := b.db.Read(b.ctx, func(_ context.Context, tx *Tx) error {
		ok, err := tx.one("SELECT data FROM blob_chunk WHERE blob_id = $1 AND n = $2", []any{b.id, n}, &b.chunk)
		if err == nil && !ok {
			err = fault.New(fault.NotFound, "blob.not_found", "there is no upload %s, or no longer", b.id)
		}
		return err
	})
	if err == nil && int64(len(b.chunk)) != min(ChunkSize, b.size-n*ChunkSize) {
		err = fmt.Errorf("piece %d has %d bytes", n, len(b.chunk))
	}
	if err != nil {
		return fmt.Errorf("store: blob %s: %w", b.id, err)
	}
	b.n = n
	return nil
}
