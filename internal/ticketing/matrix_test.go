package ticketing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/builtin"
)

// once makes the nth call of an operation fail.
func once(op, how string, e *tracker.Error) func(string) (string, *tracker.Error) {
	done := false
	return func(o string) (string, *tracker.Error) {
		if done || o != op {
			return "", nil
		}
		done = true
		return how, e
	}
}

func always(op string, e *tracker.Error) func(string) (string, *tracker.Error) {
	return func(o string) (string, *tracker.Error) {
		if o != op && op != "" {
			return "", nil
		}
		return "refuse", e
	}
}

func refusal(kind tracker.ErrorKind, status int) *tracker.Error {
	return &tracker.Error{Outcome: tracker.Rejected, Kind: kind, Op: "test", Status: status}
}

// Rows 1 to 3 of the failure matrix, with and without a lagging search and a key probe.
func TestUnansweredCreate(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"before", "after", "late"} {
		for _, lag := range []time.Duration{0, 30 * time.Second, 5 * time.Minute} {
			for _, probe := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s lag %s probe %v", how, lag, probe), func(t *testing.T) {
					t.Parallel()
					b := newBench(t, 1)
					b.mem.caps.Probe, b.mem.lag = probe, lag
					b.mem.fail = once("create", how, nil)
					b.reconcile()
					i := b.intent(forCM(0))
					if i.State == store.IntentLinked && how != "after" {
						t.Fatalf("intent = %s at once, want it ambiguous", i.State)
					}
					start := b.Now()
					b.settle()
					if n, posts := len(b.mem.issues), b.mem.calls["create"]; n != 1 || how != "before" && posts != 1 || how == "before" && posts != 2 {
						t.Errorf("%d tickets after %d posts, want 1", n, posts)
					}
					if took := b.Now().Sub(start); how == "before" && (took < 5*time.Minute || !probe && took < 15*time.Minute) {
						t.Errorf("sent again after %v, want the settle time kept", took)
					}
					b.link(forCM(0))
				})
			}
		}
	}
}

// A create that is executed after the settle time is merged by the sweep.
func TestSweepMergesWhatCameLater(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.mem.fail = once("create", "late", nil)
	b.reconcile()
	lost := b.mem.late
	b.mem.late = nil
	b.settle()
	if len(b.mem.issues) != 1 || b.mem.calls["create"] != 2 {
		t.Fatalf("%d tickets after %d posts, want one by the second", len(b.mem.issues), b.mem.calls["create"])
	}
	b.Advance(time.Minute)
	lost[0].do()
	b.Advance(11 * time.Minute)
	b.sweep()
	marker := b.intent(forCM(0)).Marker
	if n := b.mem.open(marker); n != 1 {
		t.Fatalf("open tickets with the marker after the sweep = %d, want 1", n)
	}
	first, second := b.mem.issues[0], b.mem.issues[1]
	if first.Category == tracker.Done || second.DuplicateOf != first.ID || b.link(forCM(0)).TicketID != first.ID {
		t.Errorf("kept %+v, closed %+v, want the lowest id kept and linked", first, second)
	}
	if got := b.notes(second.ID); len(got) != 1 || !strings.HasPrefix(got[0], "Created twice") {
		t.Errorf("notes on the duplicate = %q", got)
	}
	// Swept again, polled again: nothing more.
	comments := b.mem.calls["comment"]
	for range 3 {
		b.Advance(2 * time.Hour)
		b.sweep()
		b.poll()
		b.reconcile()
	}
	if b.mem.calls["comment"] != comments || b.h.cm(0).State != model.Required {
		t.Errorf("comments %d, want %d; countermeasure %s, want required", b.mem.calls["comment"], comments, b.h.cm(0).State)
	}
}

// Rows 6, 7, 10, 11 and 13.
func TestRefusalsAreStates(t *testing.T) {
	t.Parallel()
	t.Run("429 waits for its time", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, 3)
		e := refusal(tracker.KindRateLimited, 429)
		e.RetryAfter = 90 * time.Second
		b.mem.fail = once("create", "refuse", e)
		next := b.reconcile()
		if want := b.Now().Add(90 * time.Second); !next.Equal(want) || b.conn().State != "paused" || !b.conn().PausedUntil.Equal(want) {
			t.Fatalf("next = %v, connection %+v, want paused until %v", next, b.conn(), want)
		}
		calls := b.mem.calls["total"]
		b.Advance(89 * time.Second)
		b.reconcile()
		b.poll()
		b.sweep()
		if n := b.mem.calls["total"] - calls; n != 0 {
			t.Errorf("%d requests before the time", n)
		}
		b.Advance(2 * time.Second)
		b.settle()
		if n := len(b.mem.issues); n != 3 || b.conn().State != "active" {
			t.Errorf("%d tickets, connection %s, want 3 and active", n, b.conn().State)
		}
	})
	t.Run("401 stops at once", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, 3)
		b.mem.fail = always("", refusal(tracker.KindAuth, 401))
		for range 5 {
			b.reconcile()
			b.poll()
			b.Advance(time.Hour)
		}
		if n := b.mem.calls["total"]; n > 2 {
			t.Errorf("%d requests with a refused credential, want at most 2", n)
		}
		if c := b.conn(); c.State != "paused" || !strings.Contains(c.Reason, "credential") {
			t.Errorf("connection = %s %q, want paused because of the credential", c.State, c.Reason)
		}
		b.mem.fail = nil
		b.write(func(tx *store.Tx) error {
			c, err := tx.Connection(connection)
			if err != nil {
				return err
			}
			c.Credential = "new"
			return tx.EditConnection(c)
		})
		b.settle()
		if n := len(b.mem.issues); n != 3 {
			t.Errorf("tickets after a new credential = %d, want 3", n)
		}
	})
	t.Run("503 for two hours", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, 50)
		b.mem.fail = always("", &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindUnavailable, Op: "test", Status: 503})
		end := b.Now().Add(2 * time.Hour)
		for b.Now().Before(end) {
			next := b.reconcile()
			if next.IsZero() {
				t.Fatal("nothing is due although nothing was sent")
			}
			b.Advance(max(time.Second, next.Sub(b.Now())))
		}
		if n := b.mem.calls["total"]; n > 60 {
			t.Errorf("%d requests in two hours of maintenance, want about one per five minutes", n)
		}
		b.mem.fail = nil
		b.settle()
		var order []string
		for _, i := range b.mem.issues {
			order = append(order, i.Summary)
		}
		if len(order) != 50 || !slices.IsSortedFunc(order, func(x, y string) int { return cmpNumber(x, y) }) {
			t.Errorf("tickets = %d in order %v, want all 50 in order", len(order), order)
		}
	})
	t.Run("403 on the project is asked once", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, 50)
		b.mem.fail = always("create", refusal(tracker.KindPermission, 403))
		b.reconcile()
		b.reconcile()
		if n := b.mem.calls["create"]; n != 1 {
			t.Errorf("creates = %d, want 1 for 50 tickets", n)
		}
		if i := b.intent(forCM(7)); i.State != store.IntentFailed || !strings.Contains(i.Reason, "permission") {
			t.Errorf("intent = %s %q, want failed because of the permission", i.State, i.Reason)
		}
		b.mem.fail = nil
		b.Advance(25 * time.Hour)
		b.settle()
		if n := len(b.mem.issues); n != 50 {
			t.Errorf("tickets a day later = %d, want 50", n)
		}
	})
}

func cmpNumber(x, y string) int {
	var a, b int
	fmt.Sscanf(x, "Measure %d", &a)
	fmt.Sscanf(y, "Measure %d", &b)
	return a - b
}

// Row 20: the field is named, one mapping resumes the whole batch.
func TestNewRequiredField(t *testing.T) {
	t.Parallel()
	b := newBench(t, 50)
	e := refusal(tracker.KindInvalid, 400)
	e.Fields = map[string]string{"customfield_7": "Team is required."}
	b.mem.fail = func(op string) (string, *tracker.Error) {
		if op == "create" && b.h.policy.Fields["customfield_7"] == nil {
			b.mem.required = "customfield_7"
			return "refuse", e
		}
		return "", nil
	}
	b.reconcile()
	b.Advance(time.Hour)
	b.reconcile()
	if n := b.mem.calls["create"]; n != 1 {
		t.Errorf("creates before the mapping = %d, want exactly 1", n)
	}
	if i := b.intent(forCM(3)); i.State != store.IntentFailed || !strings.Contains(i.Reason, "customfield_7") {
		t.Errorf("intent = %s %q, want failed with the field's name", i.State, i.Reason)
	}
	b.h.policy.Fields = map[string]any{"customfield_7": "Blue"}
	b.write(func(tx *store.Tx) error {
		n, err := ticketing.Retry(tx, connection, "")
		if n != 50 {
			t.Errorf("Retry() = %d, want 50", n)
		}
		return err
	})
	b.settle()
	if n := len(b.mem.issues); n != 50 {
		t.Errorf("tickets after the mapping = %d, want 50", n)
	}
}

// Rows 12, 14, 15 and 35.
func TestDeletions(t *testing.T) {
	t.Parallel()
	t.Run("confirmed twice an hour apart", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, 12)
		b.reconcile()
		gone := b.link(forCM(4)).TicketID
		b.mem.hide[gone] = true
		b.Advance(2 * time.Hour)
		b.sweep()
		b.Advance(30 * time.Minute)
		b.sweep()
		if got := b.h.last[string(cm(4))].State; got == ticketing.MeansDeleted {
			t.Fatal("deleted after half an hour, want it confirmed after an hour")
		}
		b.Advance(2 * time.Hour)
		b.sweep()
		if got := b.h.last[string(cm(4))]; got.State != ticketing.MeansDeleted {
			t.Errorf("observation = %+v, want deleted", got)
		}
		b.reconcile()
		if n := len(b.mem.issues); n != 12 {
			t.Errorf("tickets = %d, want none made again without being asked", n)
		}
		old := b.intent(forCM(4)).Marker
		b.write(func(tx *store.Tx) error { return b.e.Recreate(tx, product, forCM(4)) })
		b.settle()
		if l := b.link(forCM(4)); l.TicketID == gone || l.Marker == old {
			t.Errorf("link after Recreate = %+v, want another ticket and marker", l)
		}
	})
	t.Run("seen again", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, 12)
		b.reconcile()
		id := b.link(forCM(4)).TicketID
		for range 3 {
			b.mem.hide[id] = true
			b.Advance(2 * time.Hour)
			b.sweep()
			b.mem.hide[id] = false
			b.Advance(2 * time.Hour)
			b.sweep()
		}
		b.link(forCM(4))
	})
	t.Run("all hidden means blind", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, 12)
		b.reconcile()
		b.poll()
		for _, i := range b.mem.issues {
			b.mem.hide[i.ID] = true
		}
		for range 5 {
			b.Advance(2 * time.Hour)
			b.sweep()
			b.poll()
			b.reconcile()
		}
		for _, l := range b.links() {
			if l.State != "live" {
				t.Errorf("link %s = %s, want live: nothing can be concluded from an empty view", l.TicketKey, l.State)
			}
		}
		if c := b.conn(); c.Reason == "" {
			t.Error("the connection gives no reason although it shows nothing")
		}
	})
	t.Run("wrong identity creates nothing", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, 2)
		b.h.m.Countermeasures = b.h.m.Countermeasures[:1]
		b.reconcile()
		b.h.add(2)
		b.mem.fail = once("create", "after", nil)
		b.reconcile()
		// From now on the tracker shows nothing at all.
		for _, i := range b.mem.issues {
			b.mem.hide[i.ID] = true
		}
		for range 20 {
			b.Advance(5 * time.Minute)
			b.reconcile()
		}
		if n := b.mem.calls["create"]; n != 2 {
			t.Errorf("creates = %d, want no second attempt while absence means nothing", n)
		}
		for _, i := range b.mem.issues {
			b.mem.hide[i.ID] = false
		}
		b.Advance(10 * time.Minute)
		b.settle()
		if n := len(b.mem.issues); n != 2 {
			t.Errorf("tickets = %d, want 2", n)
		}
	})
}

// Row 17: a moved ticket is followed.
func TestMovedTicketIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.Advance(time.Minute)
	i := b.ticket(forCM(0))
	i.Key, i.Project, i.Updated = "OPS-7", "OPS", b.Now()
	b.poll()
	if got := b.link(forCM(0)).TicketKey; got != "OPS-7" {
		t.Errorf("key = %s, want OPS-7", got)
	}
	b.quiet()
}

// Rows 46 and 47, and item 37 of the list: a person's text is theirs.
func TestHumanTextIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	i := b.ticket(forCM(0))
	i.Body = "Ask Bob first.\n\n" + i.Body + "\n\nSee the wiki."
	i.Summary = "Bob: bind values"
	b.h.cm(0).Title, b.h.cm(0).Description = "Measure zero", "Use prepared statements."
	b.reconcile()
	if strings.Contains(i.Body, "prepared") {
		t.Error("the block changed within a day without a change of band")
	}
	b.Advance(25 * time.Hour)
	b.reconcile()
	if !strings.HasPrefix(i.Body, "Ask Bob first.") || !strings.HasSuffix(i.Body, "See the wiki.") || !strings.Contains(i.Body, "Use prepared statements.") {
		t.Errorf("body = %q, want our block changed and theirs kept", i.Body)
	}
	if i.Summary != "Bob: bind values" {
		t.Errorf("summary = %q, want the person's", i.Summary)
	}
	b.quiet()
	// Inside our block: ours is not written over it any more, and says so.
	i.Body = strings.Replace(i.Body, "Use prepared statements.", "We did it otherwise.", 1)
	b.h.cm(0).Description = "Third text."
	b.Advance(25 * time.Hour)
	b.reconcile()
	if !strings.Contains(i.Body, "We did it otherwise.") || strings.Contains(i.Body, "Third text.") {
		t.Errorf("body = %q, want the person's edit kept", i.Body)
	}
	if l := b.link(forCM(0)); !strings.Contains(l.Reason, "edited our part") {
		t.Errorf("reason = %q, want the drift shown", l.Reason)
	}
	// Our label is put back once, then its removal is respected.
	for n, want := range []bool{true, false, false} {
		i.Labels = nil
		b.Advance(25 * time.Hour)
		b.reconcile()
		b.sweep()
		b.reconcile()
		if got := slices.Contains(i.Labels, ticketing.Label); got != want {
			t.Errorf("label after removal %d: there = %v, want %v", n+1, got, want)
		}
	}
}

// Row 49: a duplicate is followed.
func TestDuplicateIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.reconcile()
	b.Advance(time.Minute)
	one, two := b.ticket(forCM(0)), b.ticket(forCM(1))
	b.mem.human(one.ID, tracker.Done, "Duplicate", "")
	one.DuplicateOf = two.ID
	b.poll()
	b.reconcile()
	if got := b.link(forCM(0)).TicketID; got != two.ID || b.h.cm(0).State != model.Required {
		t.Errorf("linked to %s, countermeasure %s, want %s and required", got, b.h.cm(0).State, two.ID)
	}
	b.Advance(time.Minute)
	b.mem.human(two.ID, tracker.Done, "", "")
	b.poll()
	if a, c := b.h.cm(0).State, b.h.cm(1).State; a != model.Implemented || c != model.Implemented {
		t.Errorf("states = %s, %s, want both implemented by the one ticket", a, c)
	}
	b.quiet()
}

// Rows 23 and 24: where no way leads, a person is asked, once.
func TestNoWayLeadsThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.mem.fail = always("transition", refusal(tracker.KindNoTransition, 400))
	b.h.set(0, model.StateNotApplicable)
	for range 4 {
		b.Advance(time.Hour)
		b.reconcile()
	}
	l := b.link(forCM(0))
	if b.mem.calls["transition"] != 1 || !strings.Contains(l.Reason, "needs a hand") {
		t.Errorf("transitions %d, reason %q, want one attempt and a plea", b.mem.calls["transition"], l.Reason)
	}
	if got := b.notes(l.TicketID); len(got) != 2 || !strings.Contains(got[1], "Please move it by hand") {
		t.Errorf("notes = %q, want why it should be closed and the plea, once", got)
	}
	b.Advance(time.Hour)
	b.mem.human(l.TicketID, tracker.Done, "Won't Do", "")
	b.poll()
	b.reconcile()
	b.quiet()
}

// Row 25: a conflict is read again.
func TestConflictIsReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.h.set(0, model.StateNotApplicable)
	b.Advance(time.Minute)
	b.mem.fail = once("transition", "refuse", refusal(tracker.KindConflict, 409))
	b.reconcile()
	if got := b.ticket(forCM(0)).Category; got != tracker.Done {
		t.Errorf("ticket after a conflict = %s, want done", got)
	}
}

// Lost answers of moves and comments: no echo, no second comment.
func TestLostAnswersOfChanges(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"comment", "transition", "edit", "link"} {
		for _, how := range []string{"before", "after"} {
			t.Run(op+" "+how, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, 1)
				b.reconcile()
				b.mem.human(b.link(forCM(0)).TicketID, tracker.Done, "", "")
				b.Advance(time.Minute)
				b.poll()
				b.h.verdict(0, model.Fail, "q")
				b.settle()
				vuln := b.ticket(forWeakness(0))
				b.Advance(25 * time.Hour)
				b.h.m.Weaknesses[0].Description = "A longer text."
				b.mem.fail = once(op, how, nil)
				b.h.verdict(0, model.Pass, "run 2")
				b.settle()
				b.poll()
				b.settle()
				if vuln.Category != tracker.Done || b.h.cm(0).State != model.Implemented {
					t.Errorf("ticket %s, countermeasure %s, want done and implemented", vuln.Category, b.h.cm(0).State)
				}
				if diff := cmp.Diff([]string{"The test passes now."}, b.notes(vuln.ID)); diff != "" {
					t.Errorf("notes (-want +got):\n%s", diff)
				}
				b.quiet()
			})
		}
	}
}

// A crash between our move and its storing must not look like a person's move.
func TestOwnMoveIsNotNews(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.Advance(time.Minute)
	b.h.set(0, model.StateNotApplicable)
	b.hit = func(point string) {
		if point == "ticketing.transitioned" {
			panic(killed{point})
		}
	}
	if _, dead := survive(func() error { _, err := b.e.Reconcile(context.Background(), connection); return err }); !dead {
		t.Fatal("the process was not killed at the transition")
	}
	b.hit = nil
	b.restart()
	b.settle()
	b.Advance(time.Minute)
	b.poll()
	b.settle()
	if got := b.h.cm(0).State; got != model.StateNotApplicable {
		t.Errorf("state = %s, want what the person set: closing the ticket was ours", got)
	}
}

// Rows 40 and 59: a connection that is added again, or a restored backup, adopts.
func TestAdopt(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.reconcile()
	b.Advance(time.Hour)
	b.mem.human(b.link(forCM(3)).TicketID, tracker.Done, "", "")
	b.write(func(tx *store.Tx) error {
		if err := tx.DeleteConnection(connection); err != nil {
			return err
		}
		return tx.AddConnection(store.Connection{ID: connection, Name: "Again", Kind: "memory", Doc: "{}", CreatedAt: b.Now()})
	})
	creates := b.mem.calls["create"]
	b.settle()
	if n := b.mem.calls["create"] - creates; n != 0 || len(b.links()) != 30 {
		t.Errorf("%d creates and %d links after adding the connection again, want 0 and 30", n, len(b.links()))
	}
	if got := b.h.cm(3).State; got != model.Implemented {
		t.Errorf("state of what was done meanwhile = %s, want implemented", got)
	}
	b.quiet()
}

// Row 57: a person's clone is theirs.
func TestCloneIsNotAdopted(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.Advance(time.Hour)
	c := *b.ticket(forCM(0))
	c.ID, c.Key, c.PropertyMarker, c.Created, c.Updated = "19999", "SEC-99", "", b.Now(), b.Now()
	b.mem.issues = append(b.mem.issues, &c)
	for range 3 {
		b.Advance(2 * time.Hour)
		b.poll()
		b.sweep()
		b.reconcile()
	}
	if c.Category == tracker.Done || len(b.links()) != 1 || b.mem.comments[c.ID] != nil {
		t.Errorf("clone = %s with comments %v, links %d; want it left alone", c.Category, b.mem.comments[c.ID], len(b.links()))
	}
}

// Rows 11, 37 and 38: one process works, another takes over, a late writer changes nothing.
func TestLeaseIsFenced(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	first := b.e
	b.reconcile()
	b.h.add(3)
	b.restart()
	calls := b.mem.calls["total"]
	if next := b.reconcile(); !next.Equal(b.Now().Add(5*time.Second)) || b.mem.calls["total"] != calls {
		t.Fatalf("the second process made %d calls, next %v, want it passive", b.mem.calls["total"]-calls, next)
	}
	b.Advance(16 * time.Second)
	second := b.e
	b.hit = func(point string) {
		if point != "ticketing.created" {
			return
		}
		// While the first waits for its answer, the second takes over.
		b.hit = nil
		for range 2 {
			b.Advance(16 * time.Second)
			if _, err := second.Reconcile(context.Background(), connection); err != nil {
				t.Errorf("second.Reconcile() = %v", err)
			}
		}
	}
	if _, err := first.Reconcile(context.Background(), connection); err == nil || !strings.Contains(err.Error(), "lease") {
		t.Errorf("first.Reconcile() = %v, want it to find its lease lost", err)
	}
	b.e = second
	b.settle()
	if n := len(b.mem.issues); n != 4 {
		t.Errorf("tickets = %d, want 4", n)
	}
	b.link(forCM(3))
}

// The whole loop on the built-in tracker, in the same database.
func TestLoopOnTheBoard(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.tr = builtin.New(builtin.Options{DB: b.db, Connection: connection, Clock: b.Now})
	b.settle()
	b.poll()
	key := b.link(forCM(0)).TicketID
	b.Advance(time.Second)
	move := func(id string, m builtin.Move) {
		m.At = b.Now()
		b.write(func(tx *store.Tx) error {
			_, err := builtin.Board{Tx: tx, Connection: connection}.Move(id, m)
			return err
		})
	}
	move(key, builtin.Move{Status: builtin.Done, Actor: "ann"})
	b.poll()
	if got := b.h.cm(0).State; got != model.Implemented {
		t.Fatalf("state = %s, want implemented", got)
	}
	b.h.verdict(0, model.Fail, "q")
	b.settle()
	vuln := b.link(forWeakness(0)).TicketID
	b.Advance(time.Minute)
	b.h.verdict(0, model.Pass, "run 2")
	b.settle()
	b.read(func(tx *store.Tx) error {
		card, err := builtin.Board{Tx: tx, Connection: connection}.Card(vuln)
		if err == nil && (card.Status != builtin.Done || len(card.Comments) != 1 || !slices.Contains(card.Links, key) || len(card.Pages) != 1) {
			t.Errorf("vulnerability card = %+v, want done with one comment, linked to %s and to our page", card, key)
		}
		return err
	})
	if got := b.h.cm(1).State; got != model.Required {
		t.Errorf("the other countermeasure = %s, want required", got)
	}
}

// A person's summary stays theirs however often we look and whatever changes here.
func TestHumanSummaryStays(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	i := b.ticket(forCM(0))
	b.Advance(time.Minute)
	i.Summary, i.Updated = "Bob: bind values", b.Now()
	b.poll()
	for _, title := range []string{"Measure one", "Measure two"} {
		b.h.cm(0).Title = title
		b.Advance(25 * time.Hour)
		b.settle()
		b.poll()
		if i.Summary != "Bob: bind values" {
			t.Errorf("summary after the title became %q = %q, want the person's", title, i.Summary)
		}
	}
	b.quiet()
}

// What a person writes into a ticket after we read it, and before we write into it, stays.
func TestPersonWritesWhileWeWrite(t *testing.T) {
	t.Parallel()
	for at, more := 0, true; more; at++ {
		b := newBench(t, 1)
		b.reconcile()
		i := b.ticket(forCM(0))
		b.Advance(25 * time.Hour)
		b.h.cm(0).Title, b.h.cm(0).Description = "Measure one", "Another text."
		n, when := 0, ""
		b.hit = func(point string) {
			if n++; n == at+1 {
				when = point
				i.Summary, i.Body = "Bob: bind values", strings.Replace(i.Body, "Weakness 0", "Bob's words", 1)
				i.Updated = b.Now()
			}
		}
		b.settle()
		b.Advance(25 * time.Hour)
		b.poll()
		b.settle()
		b.hit = nil
		switch more = when != ""; {
		case !more && at < 4:
			t.Fatalf("the tracker was asked %d times, want two readings, an edit and a reading", at)
		case more && when != "ticketing.edit" && (i.Summary != "Bob: bind values" || !strings.Contains(i.Body, "Bob's words")):
			t.Errorf("at point %d (%s): %q\n%s", at, when, i.Summary, i.Body)
		}
		b.quiet()
	}
}
