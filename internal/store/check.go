package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/threatloop/threatloop/internal/fault"
)

// maxFindings bounds what Check reports.
const maxFindings = 50

// Check looks the whole database over: the file's integrity and its references
// on SQLite, and on both engines that every audit chain is unbroken, that every
// product and every object of its model can be read, and that stored blobs are whole. The error
// is fault.Unavailable with one field per finding, at most 50.
func (db *DB) Check(ctx context.Context) error {
	found := fault.New(fault.Unavailable, "store.corrupt", "the database is damaged; restore a backup")
	add := func(where, text string) {
		if len(found.Fields) < maxFindings {
			found.With(where, "%s", text)
		}
	}
	err := db.Read(ctx, func(_ context.Context, tx *Tx) error {
		if !db.pg {
			if err := tx.checkFile(add); err != nil || len(found.Fields) > 0 {
				return err
			}
		}
		if err := tx.checkModels(add); err != nil {
			return err
		}
		if err := tx.checkBlobs(add); err != nil {
			return err
		}
		streams, err := collect(tx, func(row func(...any) error) (s string, err error) { return s, row(&s) },
			"SELECT stream FROM audit_head UNION SELECT stream FROM audit ORDER BY 1")
		if err != nil {
			return err
		}
		for _, s := range streams {
			err := tx.verifyAudit(s)
			if f := fault.As(err); f != nil && f.Code == "audit.broken" {
				add("audit "+s, f.Public)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: check: %w", err)
	}
	if len(found.Fields) > 0 {
		return found
	}
	return nil
}

func (tx *Tx) checkFile(add func(where, text string)) error {
	err := each(tx, func(row func(...any) error) error {
		var text string
		err := row(&text)
		if text != "ok" {
			add("file", text)
		}
		return err
	}, "PRAGMA integrity_check(50)")
	if err != nil {
		return err
	}
	return each(tx, func(row func(...any) error) error {
		var table, parent string
		var id, key any
		err := row(&table, &id, &parent, &key)
		add("table "+table, fmt.Sprintf("row %v refers to a row of %s that is not there", id, parent))
		return err
	}, "PRAGMA foreign_key_check")
}

// checkModels decodes every product and every object; it keeps none.
func (tx *Tx) checkModels(add func(where, text string)) error {
	err := each(tx, func(row func(...any) error) error {
		var product string
		var doc []byte
		if err := row(&product, &doc); err != nil {
			return err
		}
		if json.Unmarshal(doc, new(productDoc)) != nil {
			add("product "+product, "its document cannot be read")
		}
		return nil
	}, "SELECT id, doc FROM product ORDER BY id")
	if err != nil {
		return err
	}
	return each(tx, func(row func(...any) error) error {
		var product, kind, id string
		var doc []byte
		if err := row(&product, &kind, &id, &doc); err != nil {
			return err
		}
		if err := readable(kind, doc); err != nil {
			add(fmt.Sprintf("product %s, %s %s", product, kind, id), "its document cannot be read")
		}
		return nil
	}, "SELECT product_id, kind, id, doc FROM model_object ORDER BY product_id, kind, id")
}

func (tx *Tx) checkBlobs(add func(where, text string)) error {
	return each(tx, func(row func(...any) error) error {
		var id string
		var size, pieces int64
		err := row(&id, &size, &pieces)
		if want := (size + ChunkSize - 1) / ChunkSize; err == nil && pieces != want {
			add("upload "+id, fmt.Sprintf("it has %d of %d pieces", pieces, want))
		}
		return err
	}, `SELECT b.id, b.size, count(c.n) FROM blob b LEFT JOIN blob_chunk c ON c.blob_id = b.id WHERE b.complete GROUP BY b.id, b.size ORDER BY b.id`)
}
