package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

// maxFieldValue bounds a value by which products are found, in bytes: an index
// takes no longer ones. Longer values are compared by their beginning.
const maxFieldValue = 512

// FieldFilter narrows to products that store one of the values in a custom field.
type FieldFilter struct {
	Key    string
	Values []string
	// Roles narrows to products on which the user of Visible has one of them: whoever
	// may not see a value does not find by it. Nil asks for none.
	Roles []string
}

// CustomValues splits what is stored in a custom field: several options of a
// choice are a JSON array of texts, anything else is one value.
func CustomValues(stored string) []string {
	if len(stored) > 0 && stored[0] == '[' {
		var list []string
		if json.Unmarshal([]byte(stored), &list) == nil && list != nil {
			return list
		}
	}
	return []string{stored}
}

// setFields makes a product findable by what it stores in custom fields.
func (tx *Tx) setFields(id model.ProductID, custom map[string]string) error {
	if _, err := tx.exec("DELETE FROM product_field WHERE product_id = $1", string(id)); err != nil {
		return err
	}
	var rows [][]any
	for _, key := range slices.Sorted(maps.Keys(custom)) {
		values := CustomValues(custom[key])
		for i := range values {
			values[i] = cut(values[i], maxFieldValue)
		}
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			if v != "" {
				rows = append(rows, []any{key, v, string(id)})
			}
		}
	}
	return tx.bulk("product_field", []string{"key", "value", "product_id"}, "", rows)
}

// filterFields adds a condition per custom field.
func (c *conditions) filterFields(q ProductQuery) {
	for _, f := range q.Fields {
		args := []any{f.Key}
		for _, v := range f.Values {
			args = append(args, cut(v, maxFieldValue))
		}
		c.add("p.id IN (SELECT product_id FROM product_field WHERE key = ? AND value IN ("+questions(len(f.Values))+"))", args...)
		c.asRole(q.Visible, f.Roles)
	}
}

// asRole narrows to products on which the user has one of the roles; nil to none.
func (c *conditions) asRole(v Visible, roles []string) {
	if v.All || roles == nil {
		return
	}
	args := []any{v.User}
	for _, r := range roles {
		args = append(args, r)
	}
	c.add("p.id IN (SELECT product_id FROM membership WHERE user_id = ? AND role IN ("+questions(len(roles))+"))", args...)
}

// questions returns n placeholders of conditions.add.
func questions(n int) string {
	s := ""
	for i := range n {
		if i > 0 {
			s += ", "
		}
		s += "?"
	}
	return s
}

// FieldFacet returns the values that the products of a query store in a custom
// field, the most used first, at most 100; only of products on which the user has
// one of the roles, nil for all.
func (tx *Tx) FieldFacet(q ProductQuery, key string, roles []string) ([]Facet, error) {
	var c conditions
	c.filterProducts(q)
	c.add("f.key = ?", key)
	c.asRole(q.Visible, roles)
	list, err := collect(tx, func(row func(...any) error) (v Facet, err error) { return v, row(&v.Value, &v.Products) },
		"SELECT f.value, count(*)"+q.narrowFrom()+" JOIN product_field f ON f.product_id = p.id"+c.where()+" GROUP BY f.value ORDER BY count(*) DESC, f.value LIMIT 100", c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: values of field %s: %w", key, err)
	}
	return list, nil
}

// FieldUse returns how many products store something in each custom field.
func (tx *Tx) FieldUse() (map[string]int64, error) {
	type use struct {
		key string
		n   int64
	}
	list, err := collect(tx, func(row func(...any) error) (u use, err error) { return u, row(&u.key, &u.n) },
		"SELECT key, count(DISTINCT product_id) FROM product_field GROUP BY key")
	if err != nil {
		return nil, fmt.Errorf("store: use of custom fields: %w", err)
	}
	out := map[string]int64{}
	for _, u := range list {
		out[u.key] = u.n
	}
	return out, nil
}
