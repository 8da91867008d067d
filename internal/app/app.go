// Package app is what Threatloop does: its use cases. Every question goes
// through query and every change through change, which hold permission,
// transaction, the pure core, saving, re-rating, audit and the wake-up of
// background work. It knows no HTTP and no SQL.
//
// The use cases stand one file per noun: product.go, model.go, plan.go,
// results.go, tickets.go, people.go. Host (host.go) is what the ticket
// reconciler needs of the application.
package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// Options are what an App is made of.
type Options struct {
	DB *store.DB
	// Library is the built-in library, loaded; use cases ask App.Library.
	Library *library.Library
	// Files are what Library was loaded from; without them it cannot be changed.
	Files   fs.FS
	Keys    *identity.KeyRing
	Now     func() time.Time
	Random  io.Reader // cryptographic
	BaseURL string    // for links in tickets
	// SetupToken is what the first account needs; "" is nothing.
	SetupToken identity.Secret
	Risk       risk.Settings
	Fresh      time.Duration // how long a pass verifies
	Limit      int64         // largest report in bytes
	// AllowPrivate lets trackers live at private addresses.
	AllowPrivate bool
	Point        func(name string) // called around every external call; for crash tests
	// Tickets configures the reconciler; DB, Host, Tracker, Clock, Random and Point are set here.
	Tickets ticketing.Options
	Logger  *slog.Logger
	// Without switches off a part of the loop ("matcher", "reconciler"), to prove that checks notice.
	Without map[string]bool
}

// App holds the use cases. It is safe for concurrent use.
type App struct {
	Options
	ticketing *ticketing.Engine
	randomMu  sync.Mutex
	passwords *identity.Passwords
	adapterMu sync.Mutex
	adapters  map[string]adapter
	marks     marks
	summaries summaries
	memos     memos
	standings standings
	libraries libraries
	forged    forged
}

// New returns the application. Background work runs where Handlers are given to a queue.
func New(o Options) *App {
	if o.Point == nil {
		o.Point = func(string) {}
	}
	if o.Limit <= 0 {
		o.Limit = 2 << 30
	}
	a := &App{Options: o, adapters: map[string]adapter{}}
	var err error
	if a.libraries.base, err = readBuiltIn(o.Files); err != nil {
		a.log().Error("the library cannot be changed", "error", err)
	}
	a.libraries.now.Store(&libraryInForce{Library: o.Library, condition: LibraryCurrent})
	a.passwords = identity.NewPasswords(a.randomReader(), 2)
	t := o.Tickets
	t.DB, t.Host, t.Tracker, t.Clock, t.Random, t.Point, t.Looked = o.DB, host{a}, a.Tracker, o.Now, a.randomReader(), o.Point, a.marks.lookedAt
	a.ticketing = ticketing.New(t)
	return a
}

// log is where what nobody is told of goes.
func (a *App) log() *slog.Logger {
	if a.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Logger
}

// Close gives up what only one process may hold, so that another can go on at once.
func (a *App) Close(ctx context.Context) error { return a.ticketing.Close(ctx) }

// Caller is who asks, and from where.
type Caller struct {
	User      string // account id; "" is nobody
	Name      string
	Kind      string // "person", "token", "system"
	Admin     bool   // instance administrator
	Scopes    policy.Scopes
	Product   model.ProductID // a token bound to one product
	Source    string          // "api", "web", "webhook", "tracker", "test", "system"
	RequestID string
	IP        string
	UserAgent string
	// Key and Hash make a change idempotent: the same key with the same request
	// hash gives the first answer again.
	Key     string
	Hash    string
	session string // hash of the session that was presented
}

// System is the caller of background work.
func System(source string) Caller { return Caller{Name: source, Kind: "system", Source: source} }

func (c Caller) actor() string {
	if c.User != "" {
		return c.User
	}
	return c.Source
}

// id returns a new random id with the prefix.
func (a *App) id(prefix string) string {
	var b [16]byte
	a.randomMu.Lock()
	defer a.randomMu.Unlock()
	if _, err := io.ReadFull(a.Random, b[:]); err != nil {
		panic(fmt.Errorf("app: random source: %w", err)) // the system's random source never fails; without it nothing is safe
	}
	return model.RandomID(prefix, b)
}

// randomReader serialises the use of the random source.
func (a *App) randomReader() io.Reader { return lockedReader{a} }

type lockedReader struct{ a *App }

func (l lockedReader) Read(p []byte) (int, error) {
	l.a.randomMu.Lock()
	defer l.a.randomMu.Unlock()
	return l.a.Random.Read(p)
}

// query answers a question about one product, or the instance where product is "".
func query[T any](ctx context.Context, a *App, c Caller, action policy.Action, product model.ProductID, fn func(*store.Tx) (T, error)) (T, error) {
	var out T
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error {
		if err := a.allow(tx, c, action, product); err != nil {
			return err
		}
		if err := a.follow(tx); err != nil {
			return err
		}
		var err error
		out, err = fn(tx)
		return err
	})
	return out, err
}

// change carries out a change of one product, or of the instance where product
// is "". What fn did to ch.model is validated, saved, audited and re-rated in
// the same transaction as everything else that it did.
func change[T any](ctx context.Context, a *App, c Caller, action policy.Action, product model.ProductID, cause Cause, fn func(*changing) (T, error)) (T, error) {
	return changeAs(ctx, a, c, action, product, product, cause, fn)
}

// attach is change for what belongs to a product and leaves its model and ratings alone.
func attach[T any](ctx context.Context, a *App, c Caller, action policy.Action, product model.ProductID, fn func(*changing) (T, error)) (T, error) {
	return changeAs(ctx, a, c, action, product, "", Cause{}, func(ch *changing) (T, error) {
		ch.stream = product
		return fn(ch)
	})
}

var errKeyReused = fault.New(fault.Conflict, "idempotency.reused", "the idempotency key was used for another request; take a new one")

// changeAs checks permission on scope and changes the model of product.
func changeAs[T any](ctx context.Context, a *App, c Caller, action policy.Action, scope, product model.ProductID, cause Cause, fn func(*changing) (T, error)) (T, error) {
	var out T
	err := a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var zero T
		out = zero
		if err := a.allow(tx, c, action, scope); err != nil {
			return err
		}
		if c.Key != "" {
			if answered, err := a.claim(tx, c, &out); err != nil || answered {
				return err
			}
		}
		if err := alive(tx, c, action, scope); err != nil {
			return err
		}
		if err := a.follow(tx); err != nil {
			return err
		}
		var err error
		out, err = changeIn(ctx, a, tx, c, product, cause, fn)
		if err != nil || c.Key == "" {
			return err
		}
		result, err := json.Marshal(out)
		if err != nil {
			return fmt.Errorf("app: keep the answer for key %s: %w", c.Key, err)
		}
		return tx.AnswerIdempotency(store.Answered{Actor: c.actor(), Key: c.Key, Status: 200, Body: result})
	})
	return out, err
}

// changing is a change under way.
type changing struct {
	ctx      context.Context
	app      *App
	tx       *store.Tx
	caller   Caller
	at       time.Time
	cause    Cause
	tested   string       // by what tests came in, for causes to name; empty for other changes
	before   *model.Model // as stored; nil for a new product
	model    *model.Model // to be changed by fn
	versions store.Versions
	stands   *standing // before; once it is saved, after; nil for a new product
	head     int64     // of the audit trail before
	drawing  bool      // only what is drawn is edited
	audits   []store.Audit
	moved    []movement      // diagrams that were put elsewhere among the others
	wake     bool            // tickets may have to follow even though the model did not change
	saved    bool            // fn saved by itself
	stream   model.ProductID // whose audit trail it is, where no model is changed
}

// changeIn is change within a transaction that is open already and permitted.
func changeIn[T any](ctx context.Context, a *App, tx *store.Tx, c Caller, product model.ProductID, cause Cause, fn func(*changing) (T, error)) (T, error) {
	var zero T
	ch := &changing{ctx: ctx, app: a, tx: tx, caller: c, at: store.Truncate(a.Now()), cause: cause}
	if cause.Actor == "" {
		ch.cause.Actor = c.Name
	}
	if product != "" {
		if err := ch.open(product, model.Clone); err != nil {
			return zero, err
		}
	}
	out, err := fn(ch)
	if err != nil {
		return zero, err
	}
	if ch.model != nil && !ch.saved {
		if err := ch.save(); err != nil {
			return zero, err
		}
	}
	return out, ch.flushAudit(product)
}

// open takes up a product's model: as it is stored, and a copy to be changed.
func (ch *changing) open(product model.ProductID, copied func(*model.Model) *model.Model) error {
	m, versions, err := ch.tx.ReadModel(product)
	if err != nil {
		return err
	}
	s, head, err := ch.app.standing(ch.tx, m, ch.at)
	if err != nil {
		return err
	}
	ch.before, ch.model, ch.versions, ch.stands, ch.head = m, copied(m), versions, s, head
	return nil
}

// set returns the mark that the caller leaves on fields it sets.
func (ch *changing) set(by model.Setter) model.Set {
	return model.Set{By: by, Actor: ch.caller.Name, At: ch.at}
}

func (ch *changing) editor() *editor {
	return &editor{
		m: ch.model, set: ch.set(model.SetByPerson), random: ch.app.id,
		wanted: sync.OnceValues(func() (*generate.Result, error) { return ch.app.desired(ch.model, ch.app.Library()) }),
	}
}

// expect refuses a change that was based on an older version of an object; 0 does not ask.
func (ch *changing) expect(kind, id string, version int64) error {
	if version == 0 {
		return nil
	}
	if now := ch.versions.Of(kind, id); now != version {
		return fault.New(fault.Stale, kind+".stale", "the %s was changed meanwhile; look at it again and repeat the change", kind).With("header.If-Match", "is %d, now %d", version, now)
	}
	return nil
}

// save validates and stores the model, and records what moved.
func (ch *changing) save() error {
	model.Sort(ch.model)
	if err := model.Validate(ch.model); err != nil {
		return err
	}
	saved, err := ch.tx.SaveModel(ch.before, ch.model, store.Save{By: ch.caller.actor(), At: ch.at, Expect: ch.versions.Product, Moved: ch.movedKeys()})
	if err != nil {
		return err
	}
	changed := len(saved.Written)+len(saved.Removed) > 0
	ch.note(saved)
	old, now := modelObjects(ch.before, saved.Written, saved.Removed), modelObjects(ch.model, saved.Written)
	ch.auditModel(saved, old, now)
	if ch.drawing && !ch.wake && !weighty(saved, old, now) {
		ch.carry(true)
		return nil
	}
	if matters(saved) {
		if err := ch.rematch(); err != nil {
			return err
		}
	}
	if err := ch.rerate(); err != nil {
		return err
	}
	if ch.drawing {
		ch.carry(false)
	}
	if changed || ch.wake {
		return ch.app.wakeTickets(ch.ctx, ch.tx, ch.model.Product.ID, ch.at)
	}
	return nil
}

// note notes the versions of what was written.
func (ch *changing) note(saved store.Saved) {
	if _, versions, ok := ch.tx.Stored(ch.model.Product.ID); ok {
		ch.versions = versions
		return
	}
	objects := make(map[store.ObjectKey]int64, len(ch.versions.Objects)+len(saved.Written))
	maps.Copy(objects, ch.versions.Objects)
	for _, key := range saved.Written {
		objects[key] = saved.Version
	}
	ch.versions = store.Versions{Product: saved.Version, Objects: objects}
}

// carry gives how the saved model stands to its readers, once it is committed
// and if nobody else moved the audit trail since it was worked out; the plan too,
// where nothing changed for it.
func (ch *changing) carry(planned bool) {
	m, versions, ok := ch.tx.Stored(ch.model.Product.ID)
	if !ok {
		return
	}
	a, stands, head := ch.app, ch.stands, ch.head
	ch.tx.AfterCommit(func() {
		from, to := ch.tx.AuditMoved(store.ProductStream(m.Product.ID))
		if from != head || to <= head {
			return
		}
		a.standings.put(m, to, stands)
		if p, ok := a.summaries.get(m.Product.ID, head); ok && planned {
			p.head, p.version = to, versions.Product
			a.summaries.put(m.Product.ID, p)
		}
	})
}

// record adds an audit entry; old and new are encoded as JSON, nil for none.
func (ch *changing) record(action, object string, old, new any) error {
	entry := store.Audit{
		At: ch.at, Actor: ch.caller.actor(), ActorKind: ch.caller.Kind, Source: ch.caller.Source, RequestID: ch.caller.RequestID,
		Action: action, Object: object,
	}
	for _, side := range []struct {
		v   any
		dst *json.RawMessage
	}{{old, &entry.Old}, {new, &entry.New}} {
		if side.v == nil {
			continue
		}
		data, err := json.Marshal(side.v)
		if err != nil {
			return fmt.Errorf("app: audit %s: %w", action, err)
		}
		*side.dst = data
	}
	ch.audits = append(ch.audits, entry)
	return nil
}

// auditModel records every object of the model that was written or removed, as
// it was and as it is.
func (ch *changing) auditModel(saved store.Saved, old, now map[store.ObjectKey]any) {
	for _, key := range saved.Written {
		action := "model.change"
		was, had := old[key]
		if !had {
			action = "model.add"
		}
		var o any
		if had {
			o = was
			if len(ch.moved) > 0 && equal(was, now[key]) {
				continue // its move is told below
			}
		}
		_ = ch.record(action, key.Kind+"/"+auditID(key), o, now[key]) // values that were just stored as JSON encode again
	}
	for _, key := range saved.Removed {
		_ = ch.record("model.remove", key.Kind+"/"+auditID(key), old[key], nil)
	}
	for _, m := range ch.moved {
		_ = ch.record(actionMove, store.KindDiagram+"/"+string(m.id), m.was, m.now)
	}
}

func (ch *changing) flushAudit(product model.ProductID) error {
	if len(ch.audits) == 0 {
		return nil
	}
	stream := store.InstanceStream
	if product == "" {
		product = ch.stream
	}
	if product == "" && ch.model != nil {
		product = ch.model.Product.ID
	}
	if product != "" {
		stream = store.ProductStream(product)
	}
	return ch.tx.Audit(stream, ch.audits...)
}

// HashRequest returns the hash under which an idempotency key is bound to a request.
func HashRequest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
