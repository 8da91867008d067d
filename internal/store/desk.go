package store

import (
	"fmt"

	"github.com/threatloop/threatloop/internal/model"
)

// TicketsOf returns which tickets of a connection belong to products that may be
// seen, with those products: ticket ids as the tracker has them.
func (tx *Tx) TicketsOf(connection string, visible Visible) (map[string][]model.ProductID, error) {
	c := &conditions{}
	c.add("connection_id = ?", connection)
	c.visible("product_id", visible)
	out := map[string][]model.ProductID{}
	err := each(tx, func(row func(...any) error) error {
		var id string
		var product model.ProductID
		if err := row(&id, &product); err != nil {
			return err
		}
		out[id] = append(out[id], product)
		return nil
	}, "SELECT DISTINCT ticket_id, product_id FROM ticket_link"+c.where()+" ORDER BY ticket_id, product_id", c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: whose the tickets of connection %s are: %w", connection, err)
	}
	return out, nil
}

// ConnectionsOf returns the connections on which products that may be seen have
// tickets or wait for some, by id.
func (tx *Tx) ConnectionsOf(visible Visible) ([]string, error) {
	c := &conditions{}
	c.visible("product_id", visible)
	where := c.where()
	list, err := collect(tx, func(row func(...any) error) (id string, err error) { return id, row(&id) },
		"SELECT connection_id FROM ticket_link"+where+" UNION SELECT connection_id FROM ticket_intent"+where+" ORDER BY 1", c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: connections of products: %w", err)
	}
	return list, nil
}
