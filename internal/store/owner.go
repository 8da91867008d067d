package store

import (
	"fmt"

	"github.com/threatloop/threatloop/internal/model"
)

// ownerOf returns the owner that stands beside an object's document; "" for none
// and for kinds that have none.
func ownerOf(value any) string {
	switch v := value.(type) {
	case *model.Threat:
		return v.Owner
	case *model.Countermeasure:
		return v.Owner
	default:
		return ""
	}
}

// OwnedProducts returns the products, archived ones left out, that the caller may
// see and in which the owner has at least one threat or countermeasure, by id.
func (tx *Tx) OwnedProducts(owner string, visible Visible) ([]model.ProductID, error) {
	if owner == "" {
		return nil, nil
	}
	var c conditions
	c.add("o.owner = ?", owner)
	c.add("o.owner <> ''") // as the index says
	c.add("p.archived = ?", false)
	c.visible("o.product_id", visible)
	ids, err := collect(tx, func(row func(...any) error) (id model.ProductID, err error) { return id, row((*string)(&id)) },
		"SELECT DISTINCT o.product_id FROM model_object o JOIN product p ON p.id = o.product_id"+c.where()+" ORDER BY o.product_id", c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: products with work of %s: %w", owner, err)
	}
	return ids, nil
}

// HasObject reports whether a product has the object now.
func (tx *Tx) HasObject(product model.ProductID, key ObjectKey) (bool, error) {
	query, args := "SELECT 1 FROM model_object WHERE product_id = $1 AND kind = $2 AND id = $3", []any{string(product), key.Kind, key.ID}
	if key.Kind == KindProduct {
		query, args = "SELECT 1 FROM product WHERE id = $1 AND id = $2", []any{string(product), key.ID}
	}
	var n int
	ok, err := tx.one(query, args, &n)
	if err != nil {
		return false, fmt.Errorf("store: look for %s of product %s: %w", key.Kind, product, err)
	}
	return ok, nil
}
