package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// TicketLink is the bond between an object of ours and a ticket. Many to many.
type TicketLink struct {
	Connection string
	TicketID   string
	Product    model.ProductID
	Object     string
	Purpose    string
	TicketKey  string
	URL        string
	Marker     string // of the intent that made it; "" for one linked by hand
	Own        bool
	State      string // "live", "deleted", "followed", "undone", "unlinked"
	Reason     string // what hinders or is special, for people; "" for nothing
	Failures   int64  // of the last action, in a row
	RetryAt    time.Time
	Objects    []string // whose state follows the ticket
	Snapshot   string   // JSON of the last agreement
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

const linkColumns = `connection_id, ticket_id, product_id, object_id, purpose, ticket_key, url, marker, own, state, reason, failures, retry_at, objects, snapshot, created_at, updated_at`

func scanLink(row func(dest ...any) error) (TicketLink, error) {
	var l TicketLink
	var objects string
	if err := row(&l.Connection, &l.TicketID, &l.Product, &l.Object, &l.Purpose, &l.TicketKey, &l.URL, &l.Marker, &l.Own, &l.State, &l.Reason,
		&l.Failures, (*stamp)(&l.RetryAt), &objects, &l.Snapshot, (*stamp)(&l.CreatedAt), (*stamp)(&l.UpdatedAt)); err != nil {
		return l, err
	}
	if err := json.Unmarshal([]byte(objects), &l.Objects); err != nil {
		return l, fmt.Errorf("objects of link %s: %w", l.TicketKey, err)
	}
	return l, nil
}

// SaveLink adds or replaces a link.
func (tx *Tx) SaveLink(l TicketLink) error {
	objects, err := json.Marshal(l.Objects)
	if err == nil {
		_, err = tx.exec(`INSERT INTO ticket_link (`+linkColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
			ON CONFLICT (connection_id, ticket_id, product_id, object_id, purpose) DO UPDATE SET ticket_key = excluded.ticket_key, url = excluded.url, marker = excluded.marker,
			own = excluded.own, state = excluded.state, reason = excluded.reason, failures = excluded.failures, retry_at = excluded.retry_at,
			objects = excluded.objects, snapshot = excluded.snapshot, updated_at = excluded.updated_at`,
			l.Connection, l.TicketID, l.Product, l.Object, l.Purpose, l.TicketKey, l.URL, l.Marker, l.Own, l.State, l.Reason, l.Failures, stamp(l.RetryAt),
			string(objects), l.Snapshot, stamp(l.CreatedAt), stamp(l.UpdatedAt))
	}
	if err != nil {
		return fmt.Errorf("store: link %s to %s: %w", l.Object, l.TicketKey, err)
	}
	return nil
}

// LinkFilter selects links. Empty fields do not narrow.
type LinkFilter struct {
	Product    model.ProductID
	Object     string
	Purpose    string
	Connection string
	TicketID   string
	State      string
	Limit      int
}

// Links returns the links of the filter, by product, object, purpose and ticket.
func (tx *Tx) Links(f LinkFilter) ([]TicketLink, error) {
	c := &conditions{}
	for _, p := range []struct{ column, value string }{
		{"product_id", string(f.Product)},
		{"object_id", f.Object},
		{"purpose", f.Purpose},
		{"connection_id", f.Connection},
		{"ticket_id", f.TicketID},
		{"state", f.State},
	} {
		if p.value != "" {
			c.add(p.column+" = ?", p.value)
		}
	}
	q := `SELECT ` + linkColumns + ` FROM ticket_link` + c.where() + ` ORDER BY product_id, object_id, purpose, ticket_id`
	if f.Limit > 0 {
		q += " LIMIT " + c.arg(f.Limit)
	}
	out, err := collect(tx, scanLink, q, c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: list links: %w", err)
	}
	return out, nil
}

// ForeignTickets returns the ids of the tickets on a connection that we did not
// make and that are linked, each once, in order.
func (tx *Tx) ForeignTickets(connection string) ([]string, error) {
	out, err := collect(tx, func(row func(dest ...any) error) (id string, err error) { return id, row(&id) },
		`SELECT DISTINCT ticket_id FROM ticket_link WHERE connection_id = $1 AND NOT own AND state = 'live' ORDER BY ticket_id`, connection)
	if err != nil {
		return nil, fmt.Errorf("store: foreign tickets of %s: %w", connection, err)
	}
	return out, nil
}

// TicketCounts is what a connection's page shows of its queue.
type TicketCounts struct {
	Intents map[string]int64 // by state
	Links   map[string]int64 // by state
	Oldest  time.Time        // of the intents that are not linked; zero for none
}

// CountTickets counts a connection's intents and links by state.
func (tx *Tx) CountTickets(connection string) (TicketCounts, error) {
	out := TicketCounts{Intents: map[string]int64{}, Links: map[string]int64{}}
	for table, into := range map[string]map[string]int64{"ticket_intent": out.Intents, "ticket_link": out.Links} {
		err := each(tx, func(row func(dest ...any) error) error {
			var state string
			var n int64
			err := row(&state, &n)
			into[state] = n
			return err
		}, `SELECT state, count(*) FROM `+table+` WHERE connection_id = $1 GROUP BY state`, connection)
		if err != nil {
			return out, fmt.Errorf("store: count tickets of %s: %w", connection, err)
		}
	}
	open, err := tx.Intents(IntentFilter{Connection: connection, Open: true, Limit: 1})
	if err != nil {
		return out, err
	}
	if len(open) > 0 {
		out.Oldest = open[0].CreatedAt
	}
	return out, nil
}

// TicketProducts returns the products with work of ours on the connection,
// whatever changed in their models: an intent that is not linked, or a link
// whose last action failed.
func (tx *Tx) TicketProducts(connection string) ([]model.ProductID, error) {
	out, err := collect(tx, func(row func(dest ...any) error) (p model.ProductID, err error) { return p, row(&p) },
		`SELECT product_id FROM ticket_intent WHERE connection_id = $1 AND state <> 'linked'
		UNION SELECT product_id FROM ticket_link WHERE connection_id = $1 AND state = 'live' AND retry_at > 0 ORDER BY 1`, connection)
	if err != nil {
		return nil, fmt.Errorf("store: products with open tickets on %s: %w", connection, err)
	}
	return out, nil
}
