package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// listedAtOnce bounds how many products one transaction lists.
const listedAtOnce = 50

// listProducts fills in the columns that repeat what documents say, so that lists
// and searches read none, of products that an older program wrote. A migration that
// adds such a column sets listed to false where there is something to fill in.
// Where there is none it only looks. What is done is committed bit by bit, so
// that a start that is cut off goes on with the next; replicas that start at once
// wait for each other's products and find them done.
func (db *DB) listProducts(ctx context.Context) error {
	for {
		left := false
		err := db.Read(ctx, func(_ context.Context, tx *Tx) (err error) {
			var id string
			left, err = tx.one("SELECT id FROM product WHERE NOT listed LIMIT 1", nil, &id)
			return err
		})
		if err != nil {
			return fmt.Errorf("store: products that are not listed: %w", err)
		}
		if !left {
			return nil
		}
		if err := db.Write(ctx, func(_ context.Context, tx *Tx) error { return tx.listSome() }); err != nil {
			return fmt.Errorf("store: list products anew: %w", err)
		}
	}
}

// listSome lists the next products. On PostgreSQL they are locked first, as who
// changes a product locks it, so that nothing is written over by what was read before.
func (tx *Tx) listSome() error {
	query := "SELECT id, doc FROM product WHERE NOT listed ORDER BY id LIMIT $1"
	if tx.pg != nil {
		query += " FOR UPDATE"
	}
	type row struct {
		id  model.ProductID
		doc []byte
	}
	rows, err := collect(tx, func(scan func(...any) error) (r row, err error) { return r, scan((*string)(&r.id), &r.doc) }, query, listedAtOnce)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := tx.listProduct(r.id, r.doc); err != nil {
			return fmt.Errorf("product %s: %w", r.id, err)
		}
	}
	return nil
}

// listProduct fills in the columns of one product. A document that cannot be read
// is for DB.Check to report; it keeps no program from starting.
func (tx *Tx) listProduct(id model.ProductID, doc []byte) error {
	var head productDoc
	if err := json.Unmarshal(doc, &head); err != nil {
		tx.db.log.WarnContext(tx.ctx, "a product cannot be read", "product", id, "cause", err)
		_, err := tx.exec("UPDATE product SET listed = TRUE WHERE id = $1", string(id))
		return err
	}
	if err := tx.setTags(id, head.Product.Tags); err != nil {
		return err
	}
	if err := tx.setFields(id, head.Product.Custom); err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE product SET listed = TRUE, team = $2, template = $3 WHERE id = $1", string(id), head.Product.Team, head.Product.Template); err != nil {
		return err
	}
	if err := tx.listOwners(id); err != nil {
		return err
	}
	if err := tx.listTrend(id); err != nil {
		return err
	}
	if err := tx.listUses(&head.Product); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE product_summary SET last_test = coalesce((SELECT max(r.at) FROM run r WHERE r.product_id = $1 AND r.complete AND r.state = 'done'), 0)
		WHERE product_id = $1`, string(id))
	return err
}

// listTrend keeps the trend of what was rated in the last trendSpan before the last
// rating, and of the one rating that held when that began.
func (tx *Tx) listTrend(id model.ProductID) error {
	var last time.Time
	if _, err := tx.one("SELECT coalesce(max(at), 0) FROM product_rating WHERE product_id = $1", []any{string(id)}, (*stamp)(&last)); err != nil || last.IsZero() {
		return err
	}
	var points []TrendPoint
	err := each(tx, func(row func(...any) error) error {
		var p TrendPoint
		err := row((*stamp)(&p.At), &p.Current, &p.Verified)
		points = thinTrend(points, p)
		return err
	}, `SELECT at, current_max, verified_max FROM product_rating
		WHERE product_id = $1 AND at >= coalesce((SELECT max(at) FROM product_rating WHERE product_id = $1 AND at <= $2), 0) ORDER BY at, seq`,
		string(id), stamp(last.Add(-trendSpan)))
	if err != nil {
		return err
	}
	return tx.saveTrend(id, points)
}

// listOwners takes the owners of a product's objects from their documents. An
// acceptance has an owner of its own, so that only a decoded document can tell.
func (tx *Tx) listOwners(id model.ProductID) error {
	type owned struct{ kind, id, owner string }
	var list []owned
	err := each(tx, func(row func(...any) error) error {
		var o owned
		var doc []byte
		if err := row(&o.kind, &o.id, &doc); err != nil {
			return err
		}
		var own struct {
			Owner string `json:"owner"`
		}
		if err := json.Unmarshal(doc, &own); err != nil {
			tx.db.log.WarnContext(tx.ctx, "an object cannot be read", "product", id, "kind", o.kind, "id", o.id, "cause", err)
			return nil
		}
		if o.owner = own.Owner; o.owner != "" {
			list = append(list, o)
		}
		return nil
	}, `SELECT kind, id, doc FROM model_object WHERE product_id = $1 AND kind IN ($2, $3) AND owner = '' AND doc LIKE '%"owner":%' ORDER BY kind, id`,
		string(id), KindThreat, KindCountermeasure)
	if err != nil {
		return err
	}
	for _, o := range list {
		if _, err := tx.exec("UPDATE model_object SET owner = $4 WHERE product_id = $1 AND kind = $2 AND id = $3", string(id), o.kind, o.id, o.owner); err != nil {
			return err
		}
	}
	return nil
}
