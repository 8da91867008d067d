package ticketing_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
)

// TestReconcileProperties drives the engine with people, tests, lost answers
// and kills in any order, and then lets things come to rest.
func TestReconcileProperties(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		db, err := store.Open(context.Background(), store.Options{Path: filepath.Join(dir, fmt.Sprintf("%d.db", n))})
		if err != nil {
			rt.Fatalf("open store: %v", err)
		}
		defer db.Close()
		m := &machine{bench: benchOn(rt, db, 2), texts: map[string]string{}}
		rt.Repeat(map[string]func(*rapid.T){
			"reconcile": func(*rapid.T) { m.work(m.e.Reconcile) },
			"poll":      func(*rapid.T) { m.work(m.e.Poll) },
			"sweep":     func(*rapid.T) { m.work(m.e.Sweep) },
			"time": func(rt *rapid.T) {
				m.Advance(time.Duration(rapid.SampledFrom([]int{1, 20, 70, 400, 4000, 90000}).Draw(rt, "seconds")) * time.Second)
			},
			"fault": func(rt *rapid.T) {
				op := rapid.SampledFrom([]string{"create", "comment", "transition", "edit", "link", "changed", "find", "probe"}).Draw(rt, "op")
				how := rapid.SampledFrom([]string{"before", "after"}).Draw(rt, "how")
				if op == "create" && rapid.Bool().Draw(rt, "late") {
					how = "late"
				}
				m.mem.fail = once(op, how, nil)
			},
			"lag":  func(rt *rapid.T) { m.mem.lag = time.Duration(rapid.IntRange(0, 120).Draw(rt, "lag")) * time.Second },
			"kill": func(rt *rapid.T) { m.kill(rapid.IntRange(1, 8).Draw(rt, "after")) },
			"new": func(*rapid.T) {
				if len(m.h.m.Countermeasures) < 5 {
					m.h.add(len(m.h.m.Countermeasures))
				}
			},
			"person decides": func(rt *rapid.T) {
				i := rapid.IntRange(0, len(m.h.m.Countermeasures)-1).Draw(rt, "which")
				m.h.set(i, rapid.SampledFrom([]model.State{model.Required, model.Implemented, model.StateNotApplicable, model.Recommended}).Draw(rt, "state"))
			},
			"test result": func(rt *rapid.T) {
				i := rapid.IntRange(0, len(m.h.m.Countermeasures)-1).Draw(rt, "which")
				m.h.verdict(i, rapid.SampledFrom([]model.Verdict{model.Fail, model.Pass}).Draw(rt, "verdict"), "q")
			},
			"person moves": func(rt *rapid.T) {
				if k := m.any(rt); k != nil {
					c := rapid.SampledFrom([]tracker.Category{tracker.New, tracker.InProgress, tracker.Done}).Draw(rt, "category")
					m.mem.human(k.ID, c, rapid.SampledFrom([]string{"", "Won't Do"}).Draw(rt, "resolution"), "because")
				}
			},
			"person writes": func(rt *rapid.T) {
				if k := m.any(rt); k != nil && m.texts[k.ID] == "" {
					m.texts[k.ID] = fmt.Sprintf("Mine, %d.", rapid.IntRange(0, 99).Draw(rt, "text"))
					k.Body, k.Summary, k.Updated = m.texts[k.ID]+"\n\n"+k.Body, m.texts[k.ID], m.Now()
				}
			},
			"model text": func(rt *rapid.T) {
				i := rapid.IntRange(0, len(m.h.m.Countermeasures)-1).Draw(rt, "which")
				m.h.cm(i).Description = fmt.Sprintf("Text %d.", rapid.IntRange(0, 99).Draw(rt, "text"))
			},
			"": func(*rapid.T) { m.invariants() },
		})
		m.rest()
	})
}

type machine struct {
	*bench
	texts map[string]string
}

func (m *machine) work(fn func(context.Context, string) (time.Time, error)) {
	if _, err := fn(context.Background(), connection); err != nil {
		m.t.Fatalf("engine: %v", err)
	}
}

// kill ends the process at the nth border of an external call and starts another.
func (m *machine) kill(n int) {
	m.hit = func(point string) {
		if n--; n == 0 {
			panic(killed{point})
		}
	}
	if _, dead := survive(func() error { _, err := m.e.Reconcile(context.Background(), connection); return err }); dead {
		m.restart()
		m.hit = nil
		m.reconcile() // notes the dead process's lease
		m.Advance(16 * time.Second)
	}
	m.hit = nil
}

func (m *machine) any(rt *rapid.T) *tracker.Ticket {
	if len(m.mem.issues) == 0 {
		return nil
	}
	return m.mem.issues[rapid.IntRange(0, len(m.mem.issues)-1).Draw(rt, "ticket")]
}

// invariants hold at every moment.
func (m *machine) invariants() {
	seen := map[string]string{}
	for _, l := range m.links() {
		if l.State != "live" {
			continue
		}
		k := l.Object + " " + l.Purpose
		if seen[k] != "" {
			m.t.Fatalf("%s is linked to %s and %s", k, seen[k], l.TicketKey)
		}
		seen[k] = l.TicketKey
	}
	for id, text := range m.texts {
		if k := m.mem.issue(id); !strings.HasPrefix(k.Body, text) || k.Summary != text {
			m.t.Fatalf("ticket %s lost a person's text %q: %q, %q", id, text, k.Summary, k.Body)
		}
	}
	for id := range m.mem.comments {
		texts := map[string]bool{}
		for _, c := range m.mem.comments[id] {
			if c.Author == "Bot" && texts[c.Text] {
				m.t.Fatalf("ticket %s has the comment %q twice", id, c.Text)
			}
			texts[c.Text] = true
		}
	}
}

// rest lets everything settle and checks that model and tracker agree.
func (m *machine) rest() {
	m.mem.fail = nil
	for range 4 {
		m.settle()
		m.Advance(26 * time.Hour)
		m.poll()
		m.sweep()
	}
	m.settle()
	m.invariants()
	m.read(func(tx *store.Tx) error {
		plan, err := m.h.Wants(context.Background(), tx, product)
		if err != nil {
			return err
		}
		for _, w := range plan.Wants {
			l := m.link(w.Key)
			if n := m.mem.open(l.Marker); n > 1 {
				m.t.Fatalf("%d open tickets for %v", n, w.Key)
			}
			k, ok := m.mem.issue(l.TicketID), false
			switch closed := k.Category == tracker.Done; w.State {
			case ticketing.WantClosed:
				ok = closed || strings.Contains(l.Snapshot, `"human_at"`)
			case ticketing.WantOpen:
				ok = !closed || strings.Contains(l.Snapshot, `"human_at"`)
			default:
				ok = true
			}
			if !ok {
				m.t.Fatalf("%v is %s and should be %s because of %s; nobody but us moved it", w.Key, k.Status, w.State, w.Cause)
			}
		}
		return nil
	})
	m.quiet()
}
