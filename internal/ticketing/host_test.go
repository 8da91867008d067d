package ticketing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
)

const (
	product    = model.ProductID("prd_shop")
	connection = "con_1"
)

// host keeps one product's model as the application would.
type host struct {
	m        *model.Model
	verdicts model.Verdicts
	ratings  map[model.ThreatID]ticketing.Rating
	policy   ticketing.Policy
	first    bool
	now      func() time.Time
	log      []string
	last     map[string]ticketing.Observation
	others   []model.ProductID // that cannot be read
	deaf     string            // the object of which nothing can be told
	planned  func()            // called once what is wanted was worked out
}

// newHost has n required countermeasures, each against a threat through a weakness of its own.
func newHost(n int, now func() time.Time) *host {
	h := &host{
		m: &model.Model{Product: model.Product{ID: product, Name: "Shop"}}, now: now, last: map[string]ticketing.Observation{},
		ratings: map[model.ThreatID]ticketing.Rating{}, verdicts: model.Verdicts{Weaknesses: map[model.WeaknessID]model.Evidence{}, Countermeasures: map[model.CountermeasureID]model.Evidence{}},
		policy: ticketing.Policy{
			Auto: true, AskAbove: -1, Default: ticketing.Target{Connection: connection, Project: "SEC", Type: "Task"},
			Vulnerabilities: ticketing.VulnerabilityPolicy{ClosePass: true, Reopen: true},
		},
	}
	h.m.Components = []model.Component{{ID: "cmp_web", Kind: model.Process, Name: "Web shop"}}
	for i := range n {
		h.add(i)
	}
	return h
}

func cm(i int) model.CountermeasureID { return model.CountermeasureID(fmt.Sprintf("cms_%04d", i)) }
func wk(i int) model.WeaknessID       { return model.WeaknessID(fmt.Sprintf("wkn_%04d", i)) }

func forCM(i int) ticketing.Key {
	return ticketing.Key{Object: string(cm(i)), Purpose: ticketing.ForCountermeasure}
}

func forWeakness(i int) ticketing.Key {
	return ticketing.Key{Object: string(wk(i)), Purpose: ticketing.ForVulnerability}
}

func (h *host) add(i int) {
	t := model.ThreatID(fmt.Sprintf("thr_%04d", i))
	h.m.Threats = append(h.m.Threats, model.Threat{ID: t, Where: "cmp_web", Ref: fmt.Sprintf("threat-%d", i), Title: fmt.Sprintf("Threat %d", i), Status: model.Open})
	h.m.Weaknesses = append(h.m.Weaknesses, model.Weakness{ID: wk(i), Where: "cmp_web", Ref: fmt.Sprintf("weakness-%d", i), Title: fmt.Sprintf("Weakness %d", i), CWE: 89})
	h.m.Countermeasures = append(h.m.Countermeasures, model.Countermeasure{
		ID: cm(i), Where: "cmp_web", Ref: fmt.Sprintf("measure-%d", i), Title: fmt.Sprintf("Measure %d", i), State: model.Required,
		Description: "Bind every value.", Test: "A quote in a field gives no error.",
	})
	h.m.Links = append(h.m.Links, model.Link{Threat: t, Weakness: wk(i), Countermeasure: cm(i), Share: 100})
	h.ratings[t] = ticketing.Rating{Current: 73, Band: "high"}
}

func (h *host) cm(i int) *model.Countermeasure { return &h.m.Countermeasures[i] }

// set is a person's change of a countermeasure's state.
func (h *host) set(i int, s model.State) {
	c := h.cm(i)
	c.State, c.Sets = s, model.Sets{"state": {By: model.SetByPerson, At: h.now()}}
}

func (h *host) verdict(i int, v model.Verdict, text string) {
	h.verdicts.Weaknesses[wk(i)] = model.Evidence{Verdict: v, At: h.now(), Text: text}
}

func (h *host) input(known map[ticketing.Key]ticketing.Known) ticketing.Input {
	return ticketing.Input{
		Model: h.m, Verdicts: h.verdicts, Ratings: h.ratings, Policy: h.policy, Known: known, Now: h.now(),
		Page: func(kind, id string) string { return "https://tl.example/" + kind + "/" + id },
	}
}

func (h *host) Wants(_ context.Context, tx *store.Tx, p model.ProductID) (ticketing.Plan, error) {
	if p != product {
		return ticketing.Plan{}, fmt.Errorf("product %s cannot be read", p)
	}
	known, err := ticketing.KnownTickets(tx, p)
	if err != nil {
		return ticketing.Plan{}, err
	}
	plan := ticketing.Plan{Wants: ticketing.Wants(h.input(known)), Policy: h.policy, First: h.first}
	if h.planned != nil {
		h.planned()
	}
	return plan, nil
}

func (h *host) Products(context.Context, *store.Tx, string) ([]model.ProductID, error) {
	return append([]model.ProductID{product}, h.others...), nil
}

func (h *host) Observed(_ context.Context, _ *store.Tx, _ string, obs []ticketing.Observation) error {
	for _, o := range obs {
		if o.Object == h.deaf {
			return fmt.Errorf("object %s cannot be read", o.Object)
		}
		h.last[o.Object] = o
		h.log = append(h.log, fmt.Sprintf("%s %s %s %s", o.Purpose, o.Object, o.State, o.TicketKey))
		if o.Purpose != ticketing.ForCountermeasure {
			continue
		}
		state, ok := map[ticketing.Meaning]model.State{
			ticketing.MeansImplemented: model.Implemented, ticketing.MeansRejected: model.Rejected,
			ticketing.MeansRequired: model.Required, ticketing.MeansInProgress: model.Required,
		}[o.State]
		if !ok {
			continue
		}
		for i := range h.m.Countermeasures {
			if c := &h.m.Countermeasures[i]; string(c.ID) == o.Object && c.State != state {
				c.State, c.StateReason = state, o.Reason
				c.Sets = model.Sets{"state": {By: model.SetByTracker, At: o.At, Reason: o.Reason}}
			}
		}
	}
	return nil
}

// bench is an engine on a database with a tracker.
type bench struct {
	*clock
	t    reporter
	db   *store.DB
	h    *host
	mem  *memory
	tr   tracker.Tracker
	more map[string]tracker.Tracker // of other connections
	e    *ticketing.Engine
	rand *rand.Rand
	hit  func(point string)
}

// openDB opens a database without the store's own test helper, so that an
// abandoned transaction of a simulated kill does not fail its clean-up.
func openDB(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return db
}

// reporter is what testing.TB and rapid.T share.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func newBench(t testing.TB, n int) *bench {
	t.Helper()
	return benchOn(t, openDB(t), n)
}

func benchOn(t reporter, db *store.DB, n int) *bench {
	t.Helper()
	b := &bench{clock: newClock(), t: t, db: db, rand: rand.New(rand.NewPCG(1, 2))}
	b.mem = newMemory(b.clock)
	b.tr = b.mem
	b.h = newHost(n, b.Now)
	b.write(func(tx *store.Tx) error {
		return tx.AddConnection(store.Connection{ID: connection, Name: "Test", Kind: "memory", Doc: "{}", CreatedAt: b.Now()})
	})
	b.restart()
	return b
}

// restart is a new process: nothing but the database is left.
func (b *bench) restart() {
	b.e = ticketing.New(ticketing.Options{
		DB: b.db, Host: b.h, Clock: b.Now, Instance: "inst_1", Holder: "test",
		Random: letters{b.rand},
		Tracker: func(_ context.Context, id string) (tracker.Tracker, error) {
			if tr := b.more[id]; tr != nil {
				return tr, nil
			}
			return b.tr, nil
		},
		Point: func(name string) {
			if b.hit != nil {
				b.hit(name)
			}
		},
	})
}

type letters struct{ r *rand.Rand }

func (l letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(l.r.Uint32())
	}
	return len(p), nil
}

func (b *bench) write(fn func(*store.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return fn(tx) }); err != nil {
		b.t.Fatalf("write: %v", err)
	}
}

func (b *bench) read(fn func(*store.Tx) error) {
	b.t.Helper()
	if err := b.db.Read(context.Background(), func(_ context.Context, tx *store.Tx) error { return fn(tx) }); err != nil {
		b.t.Fatalf("read: %v", err)
	}
}

func (b *bench) reconcile() time.Time {
	b.t.Helper()
	next, err := b.e.Reconcile(context.Background(), connection)
	if err != nil {
		b.t.Fatalf("Reconcile() = %v", err)
	}
	return next
}

func (b *bench) poll() time.Time {
	b.t.Helper()
	next, err := b.e.Poll(context.Background(), connection)
	if err != nil {
		b.t.Fatalf("Poll() = %v", err)
	}
	return next
}

func (b *bench) sweep() time.Time {
	b.t.Helper()
	next, err := b.e.Sweep(context.Background(), connection)
	if err != nil {
		b.t.Fatalf("Sweep() = %v", err)
	}
	return next
}

// settle lets time pass until nothing is due.
func (b *bench) settle() {
	b.t.Helper()
	for range 200 {
		next := b.reconcile()
		if next.IsZero() || next.Sub(b.Now()) > 12*time.Hour {
			return
		}
		if d := next.Sub(b.Now()); d > 0 {
			b.Advance(d)
		}
	}
	b.t.Fatalf("the reconciler does not come to rest")
}

func (b *bench) conn() (c store.Connection) {
	b.t.Helper()
	b.read(func(tx *store.Tx) (err error) {
		c, err = tx.Connection(connection)
		return err
	})
	return c
}

func (b *bench) links() (out []store.TicketLink) {
	b.t.Helper()
	b.read(func(tx *store.Tx) (err error) {
		out, err = tx.Links(store.LinkFilter{Connection: connection})
		return err
	})
	return out
}

// link returns the live link of a key.
func (b *bench) link(k ticketing.Key) store.TicketLink {
	b.t.Helper()
	for _, l := range b.links() {
		if l.Object == k.Object && l.Purpose == string(k.Purpose) && l.State == "live" {
			return l
		}
	}
	b.t.Fatalf("no live link of %v; links %+v", k, b.links())
	return store.TicketLink{}
}

func (b *bench) ticket(k ticketing.Key) *tracker.Ticket { return b.mem.issue(b.link(k).TicketID) }

func (b *bench) intent(k ticketing.Key) (i store.Intent) {
	b.t.Helper()
	b.read(func(tx *store.Tx) (err error) {
		i, err = tx.Intent(product, k.Object, string(k.Purpose))
		return err
	})
	return i
}

// notes are our comments on a ticket, without their reference lines.
func (b *bench) notes(id string) (out []string) {
	for _, c := range b.mem.comments[id] {
		if head, _, ok := strings.Cut(c.Text, "\n"); ok && c.Author == "Bot" {
			out = append(out, head)
		}
	}
	return out
}

// quiet fails the test if another round changes or asks anything but reads.
func (b *bench) quiet() {
	b.t.Helper()
	b.reconcile()
	before := map[string]int{}
	for k, v := range b.mem.calls {
		before[k] = v
	}
	b.reconcile()
	for _, op := range []string{"create", "edit", "transition", "comment", "link", "backlink", "get"} {
		if n := b.mem.calls[op] - before[op]; n != 0 {
			b.t.Errorf("a reconcile with nothing to do made %d calls of %s", n, op)
		}
	}
}
