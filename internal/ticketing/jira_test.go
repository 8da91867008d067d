package ticketing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/fake"
	"github.com/threatloop/threatloop/internal/tracker/httpcore"
	"github.com/threatloop/threatloop/internal/tracker/jira"
)

// openJira connects the bench to a fake Jira instead of the tracker in memory.
func (b *bench) openJira(t testing.TB, opt fake.Options) *fake.Server {
	t.Helper()
	opt.Now = b.Now
	opt.Sleep = func(context.Context, time.Duration) {}
	site := fake.New(opt)
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	flavour, email, token := site.Credential()
	cfg := jira.Config{BaseURL: srv.URL, Email: email, Token: token}
	if flavour == fake.DataCenter {
		cfg = jira.Config{BaseURL: srv.URL, PAT: token}
	}
	cfg.HTTP = httpcore.Config{
		AllowPrivate: true, Now: b.Now, Timeout: 10 * time.Second,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	client, err := jira.New(cfg)
	if err != nil {
		t.Fatalf("jira.New() = %v", err)
	}
	t.Cleanup(client.Close)
	b.tr = client
	b.restart()
	return site
}

// killed is what a simulated kill -9 panics with.
type killed struct{ point string }

// survive runs fn and reports whether it was killed on the way.
func survive(fn func() error) (err error, dead bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(killed); !ok {
				panic(p)
			}
			dead = true
		}
	}()
	return fn(), false
}

func TestThousandTicketsWithLostAnswersAndKills(t *testing.T) {
	t.Parallel()
	n := map[fake.Flavour]int{fake.Cloud: 1000, fake.DataCenter: 250}
	if testing.Short() {
		n = map[fake.Flavour]int{fake.Cloud: 100, fake.DataCenter: 50}
	}
	for _, flavour := range []fake.Flavour{fake.Cloud, fake.DataCenter} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			crash(t, n[flavour], flavour, 11)
		})
	}
}

func crash(t *testing.T, n int, flavour fake.Flavour, seed uint64) {
	t.Helper()
	t.Logf("seed %d", seed)
	b := &bench{clock: newClock(), t: t, rand: rand.New(rand.NewPCG(seed, seed))}
	at := func(name string) {
		if b.hit != nil {
			b.hit(name)
		}
	}
	db, err := store.Open(context.Background(), store.Options{Path: filepath.Join(t.TempDir(), "t.db"), Point: at})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b.db = db
	b.mem = newMemory(b.clock)
	b.h = newHost(n, b.Now)
	b.write(func(tx *store.Tx) error {
		return tx.AddConnection(store.Connection{ID: connection, Name: "Jira", Kind: "jira", Doc: "{}", CreatedAt: b.Now()})
	})
	site := b.openJira(t, fake.Options{Flavour: flavour, Seed: seed, Lag: 30 * time.Second})
	for _, kind := range []fake.FaultKind{fake.DropBefore, fake.DropAfter, fake.CommitLate} {
		site.Inject(fake.Fault{Kind: kind, Op: "createIssue", Probability: 0.0718, Delay: 20 * time.Second})
	}
	kills, hits := 0, map[string]int{}
	b.hit = func(point string) {
		hits[point]++
		if b.rand.Float64() < 0.003 {
			kills++
			panic(killed{point})
		}
	}
	for round := 0; ; round++ {
		if round > 20*n {
			t.Fatalf("not settled after %d rounds: %d issues, %d kills, connection %+v", round, len(site.Issues()), kills, b.conn())
		}
		var next time.Time
		err, dead := survive(func() (err error) {
			next, err = b.e.Reconcile(context.Background(), connection)
			return err
		})
		if dead {
			b.restart()
			b.Advance(time.Second)
			continue
		}
		if err != nil {
			t.Fatalf("Reconcile() = %v", err)
		}
		if next.IsZero() {
			break
		}
		b.Advance(max(time.Second, next.Sub(b.Now())))
	}
	b.hit = nil
	b.Advance(time.Hour)
	b.sweep()
	b.poll()
	issues := site.Issues()
	links := b.links()
	byKey := map[string]string{}
	for _, l := range links {
		if l.State == "live" {
			byKey[l.TicketKey] = l.Object
		}
	}
	if len(issues) != n || len(links) != n || len(byKey) != n {
		t.Errorf("%d issues, %d links to %d tickets, want %d each and no duplicate", len(issues), len(links), len(byKey), n)
	}
	for _, i := range issues {
		if byKey[i.Key] == "" {
			t.Errorf("issue %s is linked to nothing", i.Key)
		}
	}
	posts := site.Requests()["createIssue"]
	t.Logf("%d tickets, %d posts, %d kills, %v of virtual time", n, posts, kills, b.Now().Sub(newClock().Now()).Round(time.Second))
	if posts <= n || kills == 0 {
		t.Errorf("%d posts and %d kills for %d tickets: the test tested nothing", posts, kills, n)
	}
	for _, p := range []string{"ticketing.create", "ticketing.created", "ticketing.probe", "tx.commit", "tx.committed"} {
		if hits[p] == 0 {
			t.Errorf("point %s was never passed", p)
		}
	}
}

func TestLoopOnJira(t *testing.T) {
	t.Parallel()
	for _, flavour := range []fake.Flavour{fake.Cloud, fake.DataCenter} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3)
			site := b.openJira(t, fake.Options{Flavour: flavour})
			b.settle()
			b.poll()
			first := b.link(forCM(0))
			b.Advance(2 * time.Minute)
			if err := site.SetStatus(first.TicketKey, "Done", "", ""); err != nil {
				t.Fatal(err)
			}
			b.Advance(2 * time.Minute)
			b.poll()
			if got := b.h.cm(0).State; got != model.Implemented {
				t.Fatalf("state after Done = %s, want implemented; connection %+v", got, b.conn())
			}
			b.h.verdict(0, model.Fail, "parameter q")
			b.settle()
			vuln := b.link(forWeakness(0))
			i, _ := site.Issue(vuln.TicketKey)
			if !strings.HasPrefix(i.Summary, "Vulnerability:") {
				t.Errorf("vulnerability ticket = %+v", i)
			}
			got, err := b.tr.Get(context.Background(), []string{vuln.TicketID})
			if err != nil || len(got) != 1 || fmt.Sprint(got[0].Links) != fmt.Sprint([]string{first.TicketID}) {
				t.Errorf("Get(vulnerability) = %+v, %v, want it linked to %s", got, err, first.TicketID)
			}
			b.Advance(time.Hour)
			b.h.verdict(0, model.Pass, "run 2")
			b.settle()
			if got, err := b.tr.Get(context.Background(), []string{vuln.TicketID}); err != nil || got[0].Category != tracker.Done {
				t.Errorf("vulnerability ticket after the pass = %+v, %v, want done", got, err)
			}
			before := site.Requests()["total"]
			b.settle()
			if n := site.Requests()["total"] - before; n != 0 {
				t.Errorf("a reconcile with nothing to do cost %d requests: %v", n, site.Requests())
			}
			if ticketing.Marker("inst_1", product, forCM(0), 0) != first.Marker {
				t.Errorf("marker = %s, want the one derived from what the ticket is for", first.Marker)
			}
		})
	}
}
