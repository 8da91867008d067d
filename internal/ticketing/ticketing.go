// Package ticketing keeps our threat models and the issue trackers in agreement.
//
// Wants and Decide are pure: which tickets should exist, and what to do about
// one. Engine acts: Reconcile compares what should be with what is and removes
// the difference, Poll reads what changed, Sweep merges duplicates and confirms
// deletions, Inbox takes a webhook's hint. Work is triggered by level, never by
// edge: every method may be called at any time, any number of times.
//
// Invariants. An intent is committed before the first byte of a create leaves.
// An unanswered create is never sent again before its settle time is over and
// the tracker, asked with a healthy identity, does not show its marker. Every
// write is fenced by the connection's lease. A ticket's news are told to the
// model in the transaction that remembers them. A person's text and moves win.
//
// The package does not know HTTP, adapters, permissions or how a model is saved.
package ticketing

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
)

// Host is the application that owns the models.
type Host interface {
	// Wants returns what a product wants now; build it with KnownTickets and Wants.
	Wants(ctx context.Context, tx *store.Tx, p model.ProductID) (Plan, error)
	// Observed takes a tracker's news into the models, with audit and rating. It
	// runs in the transaction that remembers the news, and is told the same value
	// again where it changed nothing: it compares.
	Observed(ctx context.Context, tx *store.Tx, connection string, obs []Observation) error
	// Products returns the products whose wants on the connection may differ from
	// what was agreed: those that changed, and every product at least once a day.
	Products(ctx context.Context, tx *store.Tx, connection string) ([]model.ProductID, error)
}

// Plan is what a product wants.
type Plan struct {
	Wants  []Want
	Policy Policy
	// First marks that the product's results were imported for the first time:
	// vulnerability tickets then wait for a person.
	First bool
}

// MeansLinked is told when a ticket was created or found for an object.
const MeansLinked Meaning = "linked"

// Observation is what a tracker tells about one of our objects.
type Observation struct {
	Product   model.ProductID
	Object    string // the countermeasure, threat, weakness itself, also where a requirement shares the ticket
	Purpose   Purpose
	TicketKey string
	URL       string
	// State is that of all the object's tickets together: implemented, rejected,
	// required, in_progress or deleted; MeansLinked for a new ticket.
	State    Meaning
	Reason   string           // the closing comment of a rejection
	Actor    string           // who wrote it, as the tracker names them; "" unknown
	Estimate tracker.Estimate // of this ticket
	At       time.Time
}

// Options configure an Engine. DB, Host and Tracker are required.
type Options struct {
	DB   *store.DB
	Host Host
	// Tracker returns the adapter of a connection, with its credential opened.
	Tracker func(ctx context.Context, connection string) (tracker.Tracker, error)
	Clock   func() time.Time // nil is time.Now
	Random  io.Reader        // nil is crypto/rand
	// Settle is how long an unanswered create may still be executed by a tracker
	// whose tickets can be probed by number; three times as long where they
	// cannot. 0 is 5 minutes.
	Settle time.Duration
	// AttemptFor is the longest time that an adapter waits for a create's answer: a
	// process that died may have had its request under way until then. 0 is 1 minute.
	AttemptFor time.Duration
	// ResolveAfter are the times after an attempt at which its ticket is looked
	// for; nil is 0, 10 s, 30 s, 2 min, 5 min.
	ResolveAfter []time.Duration
	PollEvery    time.Duration // 0 is 60 s
	SweepEvery   time.Duration // 0 is 1 h
	LeaseAfter   time.Duration // 0 is 15 s
	// Looked is told, within Reconcile, of a product that Host.Products named and
	// that agrees now as far as it can: what is still open is remembered here.
	Looked   func(connection string, p model.ProductID)
	Point    func(name string)
	Instance string // our installation's id: part of every marker
	Holder   string // this process, for people
}

// Engine acts on trackers. It is safe for concurrent use; per connection one
// method runs at a time, over all processes.
type Engine struct {
	o  Options
	mu sync.Mutex
	by map[string]*session
}

// session is what the engine remembers of a connection between calls. Nothing
// in it is needed after a restart.
type session struct {
	turn       chan struct{} // holds one token while a method runs
	lease      *store.Lease
	identified time.Time
	seeing     time.Time
	forms      map[tracker.Target]form
	foreign    string // the last ticket of others that a poll read
	version    int64  // of the connection for which the above holds
}

type form struct {
	at time.Time
	tracker.Form
}

// New returns an engine.
func New(o Options) *Engine {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Settle == 0 {
		o.Settle = 5 * time.Minute
	}
	if o.AttemptFor == 0 {
		o.AttemptFor = time.Minute
	}
	if o.ResolveAfter == nil {
		o.ResolveAfter = []time.Duration{0, 10 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute}
	}
	if o.PollEvery == 0 {
		o.PollEvery = time.Minute
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = time.Hour
	}
	if o.LeaseAfter == 0 {
		o.LeaseAfter = 15 * time.Second
	}
	if o.Looked == nil {
		o.Looked = func(string, model.ProductID) {}
	}
	if o.Point == nil {
		o.Point = func(string) {}
	}
	return &Engine{o: o, by: map[string]*session{}}
}

// Close gives the leases up, so that another process can go on at once.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, s := range e.by {
		if err := s.lease.Release(ctx); err != nil {
			return fmt.Errorf("ticketing: release connection %s: %w", id, err)
		}
		delete(e.by, id)
	}
	return nil
}

func (e *Engine) session(connection string) *session {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.by[connection]
	if s == nil {
		s = &session{turn: make(chan struct{}, 1), forms: map[tracker.Target]form{}, lease: e.o.DB.NewLease("tracker/"+connection, store.LeaseOptions{
			Holder: e.o.Holder, After: e.o.LeaseAfter, Token: e.token, Now: e.o.Clock,
		})}
		e.by[connection] = s
	}
	return s
}

func (e *Engine) token() string {
	var b [16]byte
	if _, err := io.ReadFull(e.o.Random, b[:]); err != nil {
		// A lease must not be shared: without randomness nobody may hold one.
		panic(fmt.Sprintf("ticketing: no randomness for a lease: %v", err))
	}
	return hex.EncodeToString(b[:])
}

var markerText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Marker returns the 26 characters that a ticket carries: 130 bits derived from
// what the ticket is for. Derived, not random, so that tickets are found again
// after a backup was restored or a connection was deleted and added again.
func Marker(instance string, p model.ProductID, key Key, generation int64) string {
	return markerText.EncodeToString(hash("marker", instance, string(p), key.Object, string(key.Purpose), itoa(int(generation))))[:26]
}

// KnownTickets returns what stands in the trackers for a product, for Input.Known.
func KnownTickets(tx *store.Tx, p model.ProductID) (map[Key]Known, error) {
	rows, err := tx.Links(store.LinkFilter{Product: p})
	if err != nil {
		return nil, err
	}
	out, meanings := map[Key]Known{}, map[Key][]Meaning{}
	for _, row := range rows {
		if row.State != string(LinkLive) && row.State != string(LinkDeleted) {
			continue
		}
		l, err := linkOf(row)
		if err != nil {
			return nil, err
		}
		k, ok := out[l.Key]
		if !ok || l.Own && l.State == LinkLive {
			k.Cause, k.Verdict, k.Episode = l.Snapshot.Cause, l.Snapshot.Verdict, l.Snapshot.Episode
			k.Members = l.Objects
		}
		m := l.Snapshot.Meaning
		if l.State == LinkDeleted {
			m = MeansDeleted
		} else {
			k.Keys = append(k.Keys, l.TicketKey)
		}
		meanings[l.Key] = append(meanings[l.Key], m)
		k.Meaning = Together(meanings[l.Key])
		out[l.Key] = k
	}
	return out, nil
}

// Release lets held intents of the keys go out; no keys means all of the
// product. It returns how many were released.
func Release(tx *store.Tx, p model.ProductID, keys ...Key) (int, error) {
	if err := ask(tx, "", p); err != nil {
		return 0, err
	}
	return reset(tx, store.IntentFilter{Product: p, States: []string{store.IntentHeld}}, keys)
}

// Retry lets intents that failed, or wait before they are sent again, be tried
// now, after what hindered them was fixed: those of the connection ("" is any),
// narrowed to the product and keys where given. It returns how many there are.
func Retry(tx *store.Tx, connection string, p model.ProductID, keys ...Key) (int, error) {
	if err := ask(tx, connection, p); err != nil {
		return 0, err
	}
	return reset(tx, store.IntentFilter{Connection: connection, Product: p, States: []string{store.IntentFailed, store.IntentReady}}, keys)
}

func reset(tx *store.Tx, f store.IntentFilter, keys []Key) (int, error) {
	intents, err := tx.Intents(f)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, i := range intents {
		if len(keys) > 0 && !contains(keys, keyOf(i)) || i.Kind == withdrawn || i.State == store.IntentReady && i.DueAt.IsZero() {
			continue
		}
		i.State, i.Kind, i.Reason, i.DueAt = store.IntentReady, "", "", time.Time{}
		if err := tx.SaveIntent(i); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Recreate plans a new ticket, with a new marker, for an object whose ticket was deleted.
func (e *Engine) Recreate(tx *store.Tx, p model.ProductID, key Key) error {
	i, err := tx.Intent(p, key.Object, string(key.Purpose))
	if err != nil {
		return err
	}
	links, err := tx.Links(store.LinkFilter{Product: p, Object: key.Object, Purpose: string(key.Purpose), State: string(LinkLive)})
	if err != nil {
		return err
	}
	if len(links) > 0 {
		return fault.New(fault.Conflict, "ticket.exists", "%s is linked to %s already", key.Object, links[0].TicketKey)
	}
	old, err := tx.Links(store.LinkFilter{Product: p, Object: key.Object, Purpose: string(key.Purpose), State: string(LinkDeleted)})
	if err != nil {
		return err
	}
	for _, l := range old {
		l.State = string(LinkUnlinked)
		if err := tx.SaveLink(l); err != nil {
			return err
		}
	}
	i.Generation++
	i.Marker = Marker(e.o.Instance, p, key, i.Generation)
	// Looked for before it is sent: after a restored backup it may be there.
	i.State, i.Attempts, i.Lookups, i.SettleAt, i.DueAt, i.Reason = store.IntentAmbiguous, 0, 0, e.now(), e.now(), "looking whether it exists already"
	return tx.SaveIntent(i)
}

// Unlink lets go of a connection's ticket, named by id or key: nothing is read from
// it or written to it any more.
func Unlink(tx *store.Tx, connection string, p model.ProductID, key Key, ticket string, now time.Time) error {
	links, err := tx.Links(store.LinkFilter{Connection: connection, Product: p, Object: key.Object, Purpose: string(key.Purpose)})
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.TicketID == ticket || l.TicketKey == ticket {
			l.State, l.UpdatedAt = string(LinkUnlinked), now
			return tx.SaveLink(l)
		}
	}
	return fault.New(fault.NotFound, "ticket.no_link", "%s is not linked to %s", key.Object, ticket)
}

// Inbox takes a verified webhook's hint and reports whether it is new. It only
// writes down what to look at; Poll looks.
func (e *Engine) Inbox(ctx context.Context, connection string, h tracker.Hint) (fresh bool, err error) {
	err = e.o.DB.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		fresh, err = tx.ReceiveDelivery(connection, h.Delivery, h.Tickets, e.now())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("ticketing: inbox of connection %s: %w", connection, err)
	}
	return fresh, nil
}

func (e *Engine) now() time.Time { return store.Truncate(e.o.Clock()) }

func keyOf(i store.Intent) Key { return Key{i.Object, Purpose(i.Purpose)} }

func contains(keys []Key, k Key) bool {
	for _, x := range keys {
		if x == k {
			return true
		}
	}
	return false
}

// number returns the number at the end of a ticket key, 0 for none.
func number(key string) int64 {
	i := strings.LastIndexFunc(key, func(r rune) bool { return r < '0' || r > '9' })
	var n int64
	for _, r := range key[i+1:] {
		if n > 1<<53 {
			return 0
		}
		n = n*10 + int64(r-'0')
	}
	return n
}
