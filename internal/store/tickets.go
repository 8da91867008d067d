package store

import (
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// Connection is a configured tracker. People edit the upper half; the lower half
// is what the reconciler knows about it.
type Connection struct {
	ID         string
	Name       string
	Kind       string // "builtin", "jira"
	Version    int64  // of what people edit
	Doc        string // JSON of the settings; holds no secret
	Credential string // sealed credential, "" where none is needed

	State       string // "active" or "paused"
	Reason      string // why it is paused or degraded, for people
	PausedUntil time.Time
	Failures    int64 // in a row
	LastSuccess time.Time
	LastPoll    time.Time
	PolledTo    time.Time // changes up to here have been seen
	LastSweep   time.Time
	SweepDue    time.Time // a sweep is wanted then, besides the periodic one
	Adopt       bool      // look for tickets of ours before the next create
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

const connectionColumns = `id, name, kind, version, doc, credential, state, reason, paused_until, failures, last_success, last_poll, polled_to, last_sweep, sweep_due, adopt, created_at, updated_at`

func scanConnection(row func(dest ...any) error) (Connection, error) {
	var c Connection
	err := row(&c.ID, &c.Name, &c.Kind, &c.Version, &c.Doc, &c.Credential, &c.State, &c.Reason, (*stamp)(&c.PausedUntil), &c.Failures,
		(*stamp)(&c.LastSuccess), (*stamp)(&c.LastPoll), (*stamp)(&c.PolledTo), (*stamp)(&c.LastSweep), (*stamp)(&c.SweepDue), &c.Adopt, (*stamp)(&c.CreatedAt), (*stamp)(&c.UpdatedAt))
	return c, err
}

// Connections returns all connections, by name.
func (tx *Tx) Connections() ([]Connection, error) {
	out, err := collect(tx, scanConnection, `SELECT `+connectionColumns+` FROM tracker_connection ORDER BY name, id`)
	if err != nil {
		return nil, fmt.Errorf("store: list connections: %w", err)
	}
	return out, nil
}

// Connection returns one connection; fault.NotFound where there is none.
func (tx *Tx) Connection(id string) (Connection, error) {
	out, err := collect(tx, scanConnection, `SELECT `+connectionColumns+` FROM tracker_connection WHERE id = $1`, id)
	if err != nil {
		return Connection{}, fmt.Errorf("store: connection %s: %w", id, err)
	}
	if len(out) == 0 {
		return Connection{}, fault.New(fault.NotFound, "store.no_connection", "there is no tracker connection %s", id)
	}
	return out[0], nil
}

// AddConnection saves a new connection, active and in adopt mode: tickets of
// ours that are there already are found before anything is created.
func (tx *Tx) AddConnection(c Connection) error {
	_, err := tx.exec(`INSERT INTO tracker_connection (`+connectionColumns+`) VALUES ($1, $2, $3, 1, $4, $5, 'active', '', 0, 0, 0, 0, 0, 0, 0, TRUE, $6, $6)`,
		c.ID, c.Name, c.Kind, c.Doc, c.Credential, stamp(c.CreatedAt))
	if err != nil {
		return fmt.Errorf("store: add connection %s: %w", c.ID, err)
	}
	return nil
}

// EditConnection saves what people edit (name, settings, credential) and
// resumes the connection. fault.Stale where c.Version is not the current one.
func (tx *Tx) EditConnection(c Connection) error {
	n, err := tx.exec(`UPDATE tracker_connection SET name = $3, doc = $4, credential = $5, version = version + 1, state = 'active', reason = '', paused_until = 0, failures = 0, updated_at = $6
		WHERE id = $1 AND version = $2`, c.ID, c.Version, c.Name, c.Doc, c.Credential, stamp(c.UpdatedAt))
	if err != nil {
		return fmt.Errorf("store: edit connection %s: %w", c.ID, err)
	}
	if n == 0 {
		return fault.New(fault.Stale, "store.stale_connection", "the connection was changed meanwhile; load it again")
	}
	return nil
}

// SetConnectionStatus saves what the reconciler knows about a connection. It
// does nothing where the connection was edited since it was read: what was
// learnt with the old credential says nothing about the new one.
func (tx *Tx) SetConnectionStatus(c Connection) error {
	_, err := tx.exec(`UPDATE tracker_connection SET state = $2, reason = $3, paused_until = $4, failures = $5, last_success = $6, last_poll = $7, polled_to = $8, last_sweep = $9, sweep_due = $10, adopt = $11
		WHERE id = $1 AND version = $12`, c.ID, c.State, c.Reason, stamp(c.PausedUntil), c.Failures, stamp(c.LastSuccess), stamp(c.LastPoll), stamp(c.PolledTo), stamp(c.LastSweep), stamp(c.SweepDue), c.Adopt, c.Version)
	if err != nil {
		return fmt.Errorf("store: status of connection %s: %w", c.ID, err)
	}
	return nil
}

// DeleteConnection forgets a connection, its links and intents. The tickets
// stay; a new connection to the same tracker finds them by their markers.
func (tx *Tx) DeleteConnection(id string) error {
	for _, q := range []string{
		`DELETE FROM ticket_link WHERE connection_id = $1`, `DELETE FROM ticket_intent WHERE connection_id = $1`,
		`DELETE FROM ticket_note WHERE connection_id = $1`, `DELETE FROM ticket_delivery WHERE connection_id = $1`,
		`DELETE FROM ticket_inbox WHERE connection_id = $1`, `DELETE FROM tracker_connection WHERE id = $1`,
	} {
		if _, err := tx.exec(q, id); err != nil {
			return fmt.Errorf("store: delete connection %s: %w", id, err)
		}
	}
	return nil
}

// ReceiveDelivery records a webhook delivery and the tickets it points to, in
// one row per ticket however many deliveries there are. It reports false for a
// delivery that was received before. delivery "" is never a repetition.
func (tx *Tx) ReceiveDelivery(connection, delivery string, tickets []string, at time.Time) (bool, error) {
	if delivery != "" {
		n, err := tx.exec(`INSERT INTO ticket_delivery (connection_id, delivery, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, connection, delivery, stamp(at))
		if err != nil {
			return false, fmt.Errorf("store: receive delivery on %s: %w", connection, err)
		}
		if n == 0 {
			return false, nil
		}
	}
	for _, t := range tickets {
		if _, err := tx.exec(`INSERT INTO ticket_inbox (connection_id, ticket_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, connection, t, stamp(at)); err != nil {
			return false, fmt.Errorf("store: inbox of %s: %w", connection, err)
		}
	}
	return true, nil
}

// LastDelivery returns when the newest webhook delivery that is still remembered
// came; zero for none.
func (tx *Tx) LastDelivery(connection string) (time.Time, error) {
	var at time.Time
	if _, err := tx.one(`SELECT at FROM ticket_delivery WHERE connection_id = $1 ORDER BY at DESC LIMIT 1`, []any{connection}, (*stamp)(&at)); err != nil {
		return time.Time{}, fmt.Errorf("store: last delivery on %s: %w", connection, err)
	}
	return at, nil
}

// InboxTickets returns at most limit tickets that somebody said changed, oldest first.
func (tx *Tx) InboxTickets(connection string, limit int) ([]string, error) {
	out, err := collect(tx, func(row func(dest ...any) error) (s string, err error) { return s, row(&s) },
		`SELECT ticket_id FROM ticket_inbox WHERE connection_id = $1 ORDER BY at, ticket_id LIMIT $2`, connection, limit)
	if err != nil {
		return nil, fmt.Errorf("store: inbox of %s: %w", connection, err)
	}
	return out, nil
}

// ClearInbox forgets tickets of the inbox and deliveries received before the time.
func (tx *Tx) ClearInbox(connection string, tickets []string, before time.Time) error {
	for _, t := range tickets {
		if _, err := tx.exec(`DELETE FROM ticket_inbox WHERE connection_id = $1 AND ticket_id = $2`, connection, t); err != nil {
			return fmt.Errorf("store: clear inbox of %s: %w", connection, err)
		}
	}
	if _, err := tx.exec(`DELETE FROM ticket_delivery WHERE connection_id = $1 AND at < $2`, connection, stamp(before)); err != nil {
		return fmt.Errorf("store: forget deliveries of %s: %w", connection, err)
	}
	return nil
}

// StartNote records that a comment is about to be sent. done is true where it
// has been; sent is when an attempt whose outcome nobody knows began, zero for
// none. The time of an unanswered attempt is kept.
func (tx *Tx) StartNote(connection, ticket, key string, at time.Time) (done bool, sent time.Time, err error) {
	ok, err := tx.one(`SELECT done, sent_at FROM ticket_note WHERE connection_id = $1 AND ticket_id = $2 AND note_key = $3`, []any{connection, ticket, key}, &done, (*stamp)(&sent))
	if err == nil && !ok {
		_, err = tx.exec(`INSERT INTO ticket_note (connection_id, ticket_id, note_key, done, sent_at) VALUES ($1, $2, $3, FALSE, $4)`, connection, ticket, key, stamp(at))
	}
	if err != nil {
		return false, time.Time{}, fmt.Errorf("store: note %s on %s: %w", key, ticket, err)
	}
	return done, sent, nil
}

// EndNote records how sending a comment ended: done for good, or certainly not sent.
func (tx *Tx) EndNote(connection, ticket, key string, done bool) error {
	q := `UPDATE ticket_note SET done = TRUE WHERE connection_id = $1 AND ticket_id = $2 AND note_key = $3`
	if !done {
		q = `DELETE FROM ticket_note WHERE connection_id = $1 AND ticket_id = $2 AND note_key = $3`
	}
	if _, err := tx.exec(q, connection, ticket, key); err != nil {
		return fmt.Errorf("store: note %s on %s: %w", key, ticket, err)
	}
	return nil
}
