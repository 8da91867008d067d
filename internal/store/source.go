package store

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Source is a model file that a product was made of or updated from.
type Source struct {
	ID     string
	Name   string // of the file
	Format string
	At     time.Time
	By     string
	Size   int64  // of the content in bytes
	Data   []byte // the file as given; nil where only the head was asked for
}

const sourceColumns = "id, name, format, at, by_actor, size"

// Sources returns what files a product was made of, without their content, the newest first.
func (tx *Tx) Sources(p model.ProductID) ([]Source, error) {
	list, err := collect(tx, func(row func(...any) error) (s Source, err error) {
		return s, row(&s.ID, &s.Name, &s.Format, (*stamp)(&s.At), &s.By, &s.Size)
	}, "SELECT "+sourceColumns+" FROM product_source WHERE product_id = $1 ORDER BY at DESC, id", string(p))
	if err != nil {
		return nil, fmt.Errorf("store: files of product %s: %w", p, err)
	}
	return list, nil
}

// Source returns a file of a product with its content; fault.NotFound if there is none.
func (tx *Tx) Source(p model.ProductID, id string) (Source, error) {
	var s Source
	var packed []byte
	ok, err := tx.one("SELECT "+sourceColumns+", content FROM product_source WHERE product_id = $1 AND id = $2", []any{string(p), id},
		&s.ID, &s.Name, &s.Format, (*stamp)(&s.At), &s.By, &s.Size, &packed)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "source.not_found", "the product has no file %s", id)
	}
	if err == nil {
		s.Data, err = unpack(packed, s.Size)
	}
	if err != nil {
		return s, fmt.Errorf("store: file %s of product %s: %w", id, p, err)
	}
	return s, nil
}

// SetSource stores a file of a product in the place of the one with the same id.
func (tx *Tx) SetSource(p model.ProductID, s Source) error {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(s.Data); err != nil {
		return fmt.Errorf("store: pack file %s: %w", s.ID, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("store: pack file %s: %w", s.ID, err)
	}
	_, err := tx.exec("INSERT INTO product_source (product_id, "+sourceColumns+`, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (product_id, id) DO UPDATE SET name = $3, format = $4, at = $5, by_actor = $6, size = $7, content = $8`,
		string(p), s.ID, s.Name, s.Format, stamp(s.At), s.By, int64(len(s.Data)), packed.Bytes())
	if err != nil {
		return fmt.Errorf("store: file %s of product %s: %w", s.ID, p, err)
	}
	return nil
}

func unpack(packed []byte, size int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err == nil && int64(len(data)) != size {
		err = fmt.Errorf("has %d bytes, expected %d", len(data), size)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return data, nil
}
