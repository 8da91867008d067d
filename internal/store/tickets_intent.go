package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// The states of an intent.
const (
	IntentHeld      = "held"      // waits for a person to release it
	IntentReady     = "intent"    // to be sent
	IntentSent      = "sent"      // committed before the first byte left; no answer stored yet
	IntentAmbiguous = "ambiguous" // unanswered: a ticket may exist
	IntentLinked    = "linked"
	IntentFailed    = "failed" // certainly not created; Reason says why
)

// Intent is the will to have a ticket for an object and purpose, recorded before
// the tracker is told. There is at most one per product, object and purpose.
type Intent struct {
	Product    model.ProductID
	Object     string
	Purpose    string
	Connection string
	Marker     string // unique; the same in every attempt
	Generation int64  // grows when a deleted ticket is to be made again
	State      string
	Attempts   int64
	Lookups    int64     // of the present ambiguity
	Project    string    // of the last attempt
	Target     string    // project, type and what else a refusal may concern
	HighWater  int64     // highest ticket number known before the last attempt
	SentAt     time.Time // of the last attempt
	DueAt      time.Time // not before
	SettleAt   time.Time // end of the present ambiguity
	Kind       string    // class of the failure
	Reason     string    // why it is held, failed or ambiguous, for people
	CreatedAt  time.Time
}

const intentColumns = `product_id, object_id, purpose, connection_id, marker, generation, state, attempts, lookups, project, target, high_water, sent_at, due_at, settle_at, kind, reason, created_at`

func scanIntent(row func(dest ...any) error) (Intent, error) {
	var i Intent
	err := row(&i.Product, &i.Object, &i.Purpose, &i.Connection, &i.Marker, &i.Generation, &i.State, &i.Attempts, &i.Lookups, &i.Project, &i.Target,
		&i.HighWater, (*stamp)(&i.SentAt), (*stamp)(&i.DueAt), (*stamp)(&i.SettleAt), &i.Kind, &i.Reason, (*stamp)(&i.CreatedAt))
	return i, err
}

// AddIntent records an intent unless there is one for its product, object and
// purpose, and reports whether it did.
func (tx *Tx) AddIntent(i Intent) (bool, error) {
	n, err := tx.exec(`INSERT INTO ticket_intent (`+intentColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING`,
		i.Product, i.Object, i.Purpose, i.Connection, i.Marker, i.Generation, i.State, i.Attempts, i.Lookups, i.Project, i.Target, i.HighWater,
		stamp(i.SentAt), stamp(i.DueAt), stamp(i.SettleAt), i.Kind, i.Reason, stamp(i.CreatedAt))
	if err != nil {
		return false, fmt.Errorf("store: intent %s %s: %w", i.Purpose, i.Object, err)
	}
	return n == 1, nil
}

// SaveIntent replaces an intent.
func (tx *Tx) SaveIntent(i Intent) error {
	_, err := tx.exec(`UPDATE ticket_intent SET connection_id = $4, marker = $5, generation = $6, state = $7, attempts = $8, lookups = $9, project = $10, target = $11, high_water = $12,
		sent_at = $13, due_at = $14, settle_at = $15, kind = $16, reason = $17 WHERE product_id = $1 AND object_id = $2 AND purpose = $3`,
		i.Product, i.Object, i.Purpose, i.Connection, i.Marker, i.Generation, i.State, i.Attempts, i.Lookups, i.Project, i.Target, i.HighWater,
		stamp(i.SentAt), stamp(i.DueAt), stamp(i.SettleAt), i.Kind, i.Reason)
	if err != nil {
		return fmt.Errorf("store: intent %s %s: %w", i.Purpose, i.Object, err)
	}
	return nil
}

// DropIntent forgets an intent of which certainly no ticket exists.
func (tx *Tx) DropIntent(p model.ProductID, object, purpose string) error {
	if _, err := tx.exec(`DELETE FROM ticket_intent WHERE product_id = $1 AND object_id = $2 AND purpose = $3`, p, object, purpose); err != nil {
		return fmt.Errorf("store: drop intent %s %s: %w", purpose, object, err)
	}
	return nil
}

// IntentFilter selects intents. Empty fields do not narrow.
type IntentFilter struct {
	Product    model.ProductID
	Connection string
	Object     string
	Purpose    string
	Marker     string
	States     []string
	Open       bool // all but linked ones
	Limit      int
}

// Intents returns the intents of the filter, oldest first.
func (tx *Tx) Intents(f IntentFilter) ([]Intent, error) {
	c := &conditions{}
	if f.Product != "" {
		c.add("product_id = ?", f.Product)
	}
	if f.Connection != "" {
		c.add("connection_id = ?", f.Connection)
	}
	if f.Object != "" {
		c.add("object_id = ?", f.Object)
	}
	if f.Purpose != "" {
		c.add("purpose = ?", f.Purpose)
	}
	if f.Marker != "" {
		c.add("marker = ?", f.Marker)
	}
	if f.Open {
		c.parts = append(c.parts, "state <> 'linked'")
	}
	if len(f.States) > 0 {
		var in []string
		for _, s := range f.States {
			in = append(in, c.arg(s))
		}
		c.parts = append(c.parts, "state IN ("+strings.Join(in, ", ")+")")
	}
	q := `SELECT ` + intentColumns + ` FROM ticket_intent` + c.where() + ` ORDER BY created_at, product_id, object_id, purpose`
	if f.Limit > 0 {
		q += " LIMIT " + c.arg(f.Limit)
	}
	out, err := collect(tx, scanIntent, q, c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: list intents: %w", err)
	}
	return out, nil
}

// Intent returns the intent of a product, object and purpose; fault.NotFound where there is none.
func (tx *Tx) Intent(p model.ProductID, object, purpose string) (Intent, error) {
	out, err := tx.Intents(IntentFilter{Product: p, Object: object, Purpose: purpose})
	if err != nil {
		return Intent{}, err
	}
	if len(out) == 0 {
		return Intent{}, fault.New(fault.NotFound, "store.no_intent", "no ticket is planned for %s", object)
	}
	return out[0], nil
}
