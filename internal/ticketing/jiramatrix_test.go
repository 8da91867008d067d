package ticketing_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/fake"
)

func flavours(t *testing.T, fn func(t *testing.T, flavour fake.Flavour)) {
	for _, flavour := range []fake.Flavour{fake.Cloud, fake.DataCenter} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			fn(t, flavour)
		})
	}
}

// Row 16: what is archived is read-only. Nothing is pushed, nothing is concluded from
// it, and it goes on when the project is brought back.
func TestArchivedProjectOnJira(t *testing.T) {
	t.Parallel()
	flavours(t, func(t *testing.T, flavour fake.Flavour) {
		b := newBench(t, 2)
		site := b.openJira(t, fake.Options{Flavour: flavour})
		b.settle()
		first := b.link(forCM(0))
		if err := site.ArchiveProject("SEC", true); err != nil {
			t.Fatal(err)
		}
		b.Advance(time.Hour)
		b.h.verdict(0, model.Fail, "parameter q") // to be noted on the ticket
		b.h.add(2)                                // and one more ticket
		b.reconcile()
		before := site.Requests()
		for range 8 {
			b.Advance(2 * time.Hour)
			b.reconcile()
			b.poll()
			b.sweep()
		}
		after := site.Requests()
		for _, op := range []string{"createIssue", "addComment", "doTransition", "editIssue"} {
			if n := after[op] - before[op]; n != 0 {
				t.Errorf("%d requests of %s in 16 hours, want it let alone after the refusal", n, op)
			}
		}
		l := b.link(forCM(0))
		if l.Failures == 0 || l.Reason == "" || l.TicketKey != first.TicketKey {
			t.Errorf("link = %+v, want it live with the reason why nothing is written", l)
		}
		if i := b.intent(forCM(2)); i.State != store.IntentFailed || i.Reason == "" {
			t.Errorf("intent of the new ticket = %s %q, want it failed with the reason", i.State, i.Reason)
		}
		if got := b.h.cm(0).State; got != model.Required {
			t.Errorf("countermeasure = %s, want it as it was", got)
		}
		if err := site.ArchiveProject("SEC", false); err != nil {
			t.Fatal(err)
		}
		b.Advance(25 * time.Hour)
		b.settle()
		b.link(forCM(2))
		if i, _ := site.Issue(first.TicketKey); len(i.Comments) != 1 || b.link(forCM(0)).Reason != "" {
			t.Errorf("after it was brought back: %d comments, reason %q, want the note and no reason", len(i.Comments), b.link(forCM(0)).Reason)
		}
	})
}

// Row 18: a project with a new key keeps its tickets, and the old key in a policy is
// good for new ones, whose lost answers are resolved as any.
func TestRenamedProjectOnJira(t *testing.T) {
	t.Parallel()
	flavours(t, func(t *testing.T, flavour fake.Flavour) {
		b := newBench(t, 3)
		site := b.openJira(t, fake.Options{Flavour: flavour, Lag: time.Hour}) // only numbers find what was lost
		b.settle()
		first := b.link(forCM(0))
		if err := site.RenameProject("SEC", "SAFE"); err != nil {
			t.Fatal(err)
		}
		b.Advance(2 * time.Hour)
		b.poll()
		for i := range 3 {
			if l := b.link(forCM(i)); !strings.HasPrefix(l.TicketKey, "SAFE-") || !strings.Contains(l.URL, l.TicketKey) {
				t.Errorf("link %d is %s at %s, want the new key", i, l.TicketKey, l.URL)
			}
		}
		if now := b.link(forCM(0)); now.TicketID != first.TicketID {
			t.Errorf("ticket = %s, want %s", now.TicketID, first.TicketID)
		}
		b.restart() // what this process has seen of numbers goes
		b.h.add(3)
		site.Inject(fake.Fault{Kind: fake.DropAfter, Op: "createIssue", Times: 1})
		b.reconcile()
		b.settle()
		if got := b.intent(forCM(3)); got.HighWater != 3 || got.Attempts != 1 {
			t.Errorf("the intent began above %d and was sent %d times, want 3, the last number under either key, and once", got.HighWater, got.Attempts)
		}
		if n := len(site.Issues()); n != 4 || !strings.HasPrefix(b.link(forCM(3)).TicketKey, "SAFE-") {
			t.Errorf("%d issues, the new one %s, want four and the new key", n, b.link(forCM(3)).TicketKey)
		}
		if err := site.SetStatus(b.link(forCM(0)).TicketKey, "Done", "Done", ""); err != nil {
			t.Fatal(err)
		}
		b.Advance(2 * time.Hour)
		b.poll()
		if got := b.h.cm(0).State; got != model.Implemented {
			t.Errorf("countermeasure = %s, want its ticket still to count", got)
		}
	})
}

// Row 19: of a deleted project nothing is told and nothing is concluded; the
// connection says what is missing, and so does each ticket that was to be made.
func TestDeletedProjectOnJira(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 8} {
		flavours(t, func(t *testing.T, flavour fake.Flavour) {
			b := newBench(t, n)
			site := b.openJira(t, fake.Options{Flavour: flavour})
			b.settle()
			if err := site.SetStatus(b.link(forCM(0)).TicketKey, "Done", "Done", ""); err != nil {
				t.Fatal(err)
			}
			b.Advance(time.Minute)
			b.poll()
			if err := site.DeleteProject("SEC"); err != nil {
				t.Fatal(err)
			}
			b.h.add(n)
			posts := site.Requests()["createIssue"]
			for range 12 {
				b.Advance(2 * time.Hour)
				b.reconcile()
				for what, look := range []func() time.Time{b.poll, b.sweep} {
					if look(); b.conn().Reason == "" {
						t.Errorf("after the %s the connection says nothing", []string{"poll", "sweep"}[what])
					}
				}
			}
			for i := range n {
				want := model.Required
				if i == 0 {
					want = model.Implemented
				}
				if l := b.link(forCM(i)); l.State != "live" || b.h.cm(i).State != want {
					t.Errorf("ticket %d is %s and its countermeasure %s, want it live and %s", i, l.State, b.h.cm(i).State, want)
				}
			}
			i := b.intent(forCM(n))
			if i.State != store.IntentFailed || !strings.Contains(i.Reason, "SEC") || site.Requests()["createIssue"] != posts {
				t.Errorf("the new ticket is %s: %q after %d requests, want it failed with the project's name and none", i.State, i.Reason, site.Requests()["createIssue"]-posts)
			}
		})
	}
}

// Row 44: a limit in the middle of many creates keeps what was made and goes on after it.
func TestLimitInTheMiddleOfMany(t *testing.T) {
	t.Parallel()
	flavours(t, func(t *testing.T, flavour fake.Flavour) {
		const n = 30
		b := newBench(t, n)
		site := b.openJira(t, fake.Options{Flavour: flavour})
		site.Inject(fake.Fault{Kind: fake.RateLimit, Op: "createIssue", Skip: 16, Times: 1, RetryAfter: "60", Reason: "jira-quota-global-based"})
		next := b.reconcile()
		if got := len(b.links()); got != 16 || b.conn().State != "paused" || next.Sub(b.Now()) < time.Minute {
			t.Fatalf("%d links, connection %s, next in %v; want 16 kept and a pause of a minute", got, b.conn().State, next.Sub(b.Now()))
		}
		b.restart() // what was made is in the database, not in the process
		b.settle()
		if posts := site.Requests()["createIssue"]; len(site.Issues()) != n || len(b.links()) != n || posts != n+1 {
			t.Errorf("%d issues, %d links, %d posts, want %d, %d and %d", len(site.Issues()), len(b.links()), posts, n, n, n+1)
		}
	})
}

// Row 45: of many creates some are refused for what is in them. The others are made.
func TestSomeOfManyAreRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		const n = 12
		b := benchOn(rt, openDB(t), n)
		bad := map[int]bool{}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, n-1), 0, n).Draw(rt, "bad") {
			bad[i] = true
		}
		says := rapid.SampledFrom([]string{"summary", "description", "priority"}).Draw(rt, "field")
		at := 0
		b.mem.fail = func(op string) (string, *tracker.Error) {
			if op != "create" {
				return "", nil
			}
			// In the order of the objects: the nth create of the first round is of the nth.
			defer func() { at++ }()
			if at < n && bad[at] {
				e := refusal(tracker.KindInvalid, http.StatusBadRequest)
				e.Fields = map[string]string{says: "is not taken"}
				return "refuse", e
			}
			return "", nil
		}
		b.settle()
		for i := range n {
			state := b.intent(forCM(i)).State
			if bad[i] && state != store.IntentFailed || !bad[i] && state != store.IntentLinked {
				rt.Errorf("intent %d = %s, refused %v", i, state, bad[i])
			}
		}
		if got := len(b.mem.issues); got != n-len(bad) || at != n {
			rt.Errorf("%d tickets after %d creates, want %d after %d", got, at, n-len(bad), n)
		}
	})
}

// A refusal that does not say what was wrong may be of that ticket alone: the next one
// tells, and only two of a kind stop the others.
func TestRefusalWithoutFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		refused         int // the first so many
		creates, linked int
	}{{"one", 1, 6, 5}, {"all", 6, 2, 0}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 6)
			n := 0
			b.mem.fail = func(op string) (string, *tracker.Error) {
				if op != "create" {
					return "", nil
				}
				if n++; n <= c.refused {
					return "refuse", refusal(tracker.KindInvalid, http.StatusRequestEntityTooLarge)
				}
				return "", nil
			}
			b.reconcile()
			if n != c.creates || len(b.links()) != c.linked {
				t.Errorf("%d creates and %d links, want %d and %d", n, len(b.links()), c.creates, c.linked)
			}
		})
	}
}

// Row 55: a link type that is renamed is replaced, and where links are switched off
// tickets are linked as pages are; nothing else waits for it.
func TestLinkTypesChange(t *testing.T) {
	t.Parallel()
	for name, types := range map[string][]fake.LinkType{
		"renamed":      {{ID: "10003", Name: "Belongs to", Inward: "belongs to", Outward: "belongs to"}},
		"switched off": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flavours(t, func(t *testing.T, flavour fake.Flavour) {
				b := newBench(t, 1)
				site := b.openJira(t, fake.Options{Flavour: flavour})
				b.settle()
				first := b.link(forCM(0))
				b.Advance(2 * time.Minute)
				if err := site.SetStatus(first.TicketKey, "Done", "", ""); err != nil {
					t.Fatal(err)
				}
				b.Advance(2 * time.Minute)
				b.poll()
				site.SetLinkTypes(types...)
				b.h.verdict(0, model.Fail, "parameter q")
				b.settle()
				vuln := b.link(forWeakness(0))
				i, _ := site.Issue(vuln.TicketKey)
				c, _ := site.Issue(first.TicketKey)
				if types != nil {
					if !slices.Contains(i.Links, "belongs to "+first.TicketKey) {
						t.Errorf("links = %v, want one of the type that is there", i.Links)
					}
				} else if got := i.RemoteLinks["threatloop:inst_1:"+connection+"/"+first.TicketID]; got != first.URL {
					t.Errorf("remote links = %v, want %s among them", i.RemoteLinks, first.URL)
				}
				if len(i.RemoteLinks) == 0 || vuln.Reason != "" || vuln.Failures != 0 {
					t.Errorf("vulnerability ticket has remote links %v, link %+v; want the one to our page and no failure", i.RemoteLinks, vuln)
				}
				if len(c.RemoteLinks) != 1 {
					t.Errorf("countermeasure's ticket has remote links %v, want the one to our page", c.RemoteLinks)
				}
				before := site.Requests()["total"]
				b.Advance(time.Hour)
				b.reconcile()
				if n := site.Requests()["total"] - before; n != 0 {
					t.Errorf("%d requests with nothing to do", n)
				}
			})
		})
	}
}

// Row 56: a vulnerability's ticket in one Jira and its countermeasure's in another are
// linked both ways, once.
func TestTicketsOfTwoTrackersAreLinked(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	near := b.openJira(t, fake.Options{Flavour: fake.Cloud})
	here := b.tr
	far := b.openJira(t, fake.Options{Flavour: fake.DataCenter, Seed: 7})
	const other = "con_2"
	b.more = map[string]tracker.Tracker{other: b.tr}
	b.tr = here
	b.write(func(tx *store.Tx) error {
		return tx.AddConnection(store.Connection{ID: other, Name: "Other", Kind: "jira", Doc: "{}", CreatedAt: b.Now()})
	})
	both := func() {
		t.Helper()
		for range 4 {
			b.settle()
			if _, err := b.e.Reconcile(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			b.Advance(time.Minute)
		}
	}
	both()
	first := b.link(forCM(0))
	if err := near.SetStatus(first.TicketKey, "Done", "", ""); err != nil {
		t.Fatal(err)
	}
	b.Advance(2 * time.Minute)
	b.poll()
	b.h.policy.Routes = []ticketing.Route{{Purpose: ticketing.ForVulnerability, Target: ticketing.Target{Connection: other, Project: "SEC", Type: "Task"}}}
	b.h.verdict(0, model.Fail, "parameter q")
	both()
	var vuln store.TicketLink
	b.read(func(tx *store.Tx) error {
		rows, err := tx.Links(store.LinkFilter{Connection: other})
		if len(rows) == 1 {
			vuln = rows[0]
		}
		return err
	})
	if vuln.TicketKey == "" {
		t.Fatalf("no vulnerability ticket in the other tracker; links %+v", b.links())
	}
	c, _ := near.Issue(first.TicketKey)
	v, _ := far.Issue(vuln.TicketKey)
	if got := c.RemoteLinks["threatloop:inst_1:"+other+"/"+vuln.TicketID]; got != vuln.URL {
		t.Errorf("the countermeasure's ticket has remote links %v, want %s", c.RemoteLinks, vuln.URL)
	}
	if got := v.RemoteLinks["threatloop:inst_1:"+connection+"/"+first.TicketID]; got != first.URL {
		t.Errorf("the vulnerability's ticket has remote links %v, want %s", v.RemoteLinks, first.URL)
	}
	count := func() string { return fmt.Sprint(near.Requests()["total"], far.Requests()["total"]) }
	before := count()
	both()
	if after := count(); after != before && !strings.HasPrefix(after, before) {
		t.Errorf("requests with nothing to do: %s, then %s", before, after)
	}
}
