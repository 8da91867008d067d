package ticketing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
)

func TestLoop(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.DB) { loop(t, benchOn(t, open(t), 2)) })
}

// loop goes the whole way round once.
func loop(t *testing.T, b *bench) {
	t.Helper()
	b.reconcile()
	if n := len(b.mem.issues); n != 2 {
		t.Fatalf("tickets after the first reconcile = %d, want 2", n)
	}
	one := b.ticket(forCM(0))
	if one.Summary != "Measure 0 — Web shop" || !slices.Contains(one.Labels, ticketing.Label) || !strings.Contains(one.Body, "CWE-89: Weakness 0") {
		t.Errorf("ticket = %q, %v, %q, want summary, our label and the weakness", one.Summary, one.Labels, one.Body)
	}
	b.quiet()

	// A developer closes it: the countermeasure is implemented.
	b.Advance(time.Minute)
	b.mem.human(one.ID, tracker.Done, "", "")
	b.poll()
	if got := b.h.cm(0).State; got != model.Implemented {
		t.Fatalf("state after the ticket was done = %s, want implemented", got)
	}
	b.quiet()

	// A test fails: the claim is contradicted.
	b.Advance(time.Hour)
	b.h.verdict(0, model.Fail, "login form, parameter q")
	b.reconcile()
	vuln := b.ticket(forWeakness(0))
	if !strings.HasPrefix(vuln.Summary, "Vulnerability: Weakness 0") || !slices.Contains(vuln.Links, one.ID) || !strings.Contains(vuln.Body, "login form, parameter q") {
		t.Errorf("vulnerability ticket = %q, links %v, want it linked to %s", vuln.Summary, vuln.Links, one.ID)
	}
	if one.Category != tracker.Done {
		t.Errorf("the countermeasure's ticket is %s, want it left done", one.Category)
	}
	b.quiet()

	// Still failing every night: nothing new.
	for range 3 {
		b.Advance(24 * time.Hour)
		b.h.verdict(0, model.Fail, "login form, parameter q")
		b.reconcile()
	}
	if got := b.notes(vuln.ID); got != nil {
		t.Errorf("notes while it goes on failing = %q, want none", got)
	}

	// It passes: noted once, closed.
	b.h.verdict(0, model.Pass, "run 7")
	b.h.verdicts.Countermeasures[cm(0)] = model.Evidence{Verdict: model.Pass, At: b.Now(), Text: "run 7"}
	b.reconcile()
	if vuln.Category != tracker.Done {
		t.Errorf("vulnerability ticket after the pass = %s, want done", vuln.Category)
	}
	if diff := cmp.Diff([]string{"The test passes now."}, b.notes(vuln.ID)); diff != "" {
		t.Errorf("notes after the pass (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Verified: the security test of this countermeasure passes."}, b.notes(one.ID)); diff != "" {
		t.Errorf("notes on the countermeasure's ticket (-want +got):\n%s", diff)
	}
	b.quiet()

	// A regression reopens it.
	b.Advance(24 * time.Hour)
	b.h.verdict(0, model.Fail, "again")
	b.h.verdicts.Countermeasures[cm(0)] = model.Evidence{}
	b.reconcile()
	if vuln.Category == tracker.Done {
		t.Error("the vulnerability ticket stayed done after a regression, want it reopened")
	}
	if n := len(b.mem.issues); n != 3 {
		t.Errorf("tickets = %d, want 3", n)
	}
	b.quiet()
}

func TestFailureIsNotedWhileTheOwnTicketIsOpen(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.h.verdict(0, model.Fail, "parameter q")
	b.reconcile()
	if n := len(b.mem.issues); n != 1 {
		t.Fatalf("tickets = %d, want the failure noted in the one that is open", n)
	}
	id := b.link(forCM(0)).TicketID
	if diff := cmp.Diff([]string{"A security test of this countermeasure fails."}, b.notes(id)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	b.quiet()
	// Done in spite of it: now the claim is contradicted.
	b.Advance(time.Minute)
	b.mem.human(id, tracker.Done, "", "")
	b.poll()
	b.reconcile()
	if n := len(b.mem.issues); n != 2 {
		t.Errorf("tickets after the claim = %d, want a vulnerability ticket too", n)
	}
	b.quiet()
}

func TestWontDoBringsItsReason(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.Advance(time.Minute)
	id := b.link(forCM(0)).TicketID
	b.mem.issue(id).Estimate = tracker.Estimate{Seconds: 7200}
	b.mem.human(id, tracker.Done, "Won't Do", "The page goes away in May.")
	b.poll()
	got := b.h.last[string(cm(0))]
	if got.State != ticketing.MeansRejected || got.Reason != "The page goes away in May." || got.Actor != "Ann" || got.Estimate.Seconds != 7200 {
		t.Errorf("observation = %+v, want rejected with Ann's reason and the estimate", got)
	}
	b.quiet()
	b.Advance(time.Minute)
	b.mem.human(id, tracker.InProgress, "", "")
	b.poll()
	if got := b.h.cm(0).State; got != model.Required {
		t.Errorf("state after reopening = %s, want required", got)
	}
	b.quiet()
}

func TestHumanReopensAfterOurClose(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.Advance(time.Minute)
	b.mem.human(b.link(forCM(0)).TicketID, tracker.Done, "", "")
	b.poll()
	b.h.verdict(0, model.Fail, "q")
	b.reconcile()
	vuln := b.ticket(forWeakness(0))
	b.Advance(time.Hour)
	b.h.verdict(0, model.Pass, "run 1")
	b.reconcile()
	if vuln.Category != tracker.Done {
		t.Fatalf("vulnerability ticket = %s, want done after a pass", vuln.Category)
	}
	b.Advance(time.Hour)
	b.mem.human(vuln.ID, tracker.InProgress, "", "")
	b.poll()
	b.reconcile()
	if vuln.Category == tracker.Done {
		t.Fatal("closed again although a person reopened it and no newer test passed")
	}
	b.Advance(time.Hour)
	b.h.verdict(0, model.Pass, "run 2")
	b.reconcile()
	if vuln.Category != tracker.Done {
		t.Error("not closed although a newer test passed")
	}
	if n := len(b.notes(vuln.ID)); n != 1 {
		t.Errorf("notes = %q, want one: the verdict changed once", b.notes(vuln.ID))
	}
}

func TestClosedByHandWithoutAPassStaysClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.h.set(0, model.Implemented)
	b.h.verdict(0, model.Fail, "q")
	b.reconcile()
	vuln := b.ticket(forWeakness(0))
	b.Advance(time.Hour)
	b.mem.human(vuln.ID, tracker.Done, "", "")
	b.poll()
	b.Advance(time.Hour)
	b.h.verdict(0, model.Fail, "q")
	b.reconcile()
	if vuln.Category != tracker.Done || b.h.cm(0).State != model.Implemented {
		t.Errorf("ticket %s, countermeasure %s; want the person's move respected and no state changed by it", vuln.Category, b.h.cm(0).State)
	}
	b.quiet()
}

func TestHoldsAndRelease(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.h.policy.Auto = false
	b.reconcile()
	if n := b.mem.calls["create"]; n != 0 {
		t.Fatalf("creates before release = %d, want 0", n)
	}
	if i := b.intent(forCM(0)); i.State != store.IntentHeld || i.Reason != "waits to be published" {
		t.Errorf("intent = %s %q, want held", i.State, i.Reason)
	}
	b.write(func(tx *store.Tx) error {
		n, err := ticketing.Release(tx, product, forCM(0), forCM(2))
		if n != 2 {
			t.Errorf("Release() = %d, want 2", n)
		}
		return err
	})
	b.reconcile()
	if n := len(b.mem.issues); n != 2 {
		t.Errorf("tickets after release = %d, want 2", n)
	}
	// What is not wanted any more leaves the queue without a trace.
	b.h.set(1, model.StateNotApplicable)
	b.reconcile()
	b.read(func(tx *store.Tx) error {
		if _, err := tx.Intent(product, string(cm(1)), string(ticketing.ForCountermeasure)); err == nil {
			t.Error("the intent of what is not wanted any more is still there")
		}
		return nil
	})
}

func TestManyAtOnceAsk(t *testing.T) {
	t.Parallel()
	b := newBench(t, 21)
	b.h.policy.AskAbove = 20
	b.reconcile()
	if i := b.intent(forCM(0)); i.State != store.IntentHeld || i.Reason != "21 new tickets at once: release those that are wanted" {
		t.Errorf("intent = %s %q, want held because of the number", i.State, i.Reason)
	}
	b.h.policy.AskAbove = -1
	b.h.first = true
	for i := range 21 {
		b.h.set(i, model.Implemented)
	}
	b.h.verdict(0, model.Fail, "q")
	b.reconcile()
	if i := b.intent(forWeakness(0)); i.State != store.IntentReady && i.State != store.IntentLinked {
		t.Errorf("vulnerability intent = %s %q, want it to go out when policy never asks", i.State, i.Reason)
	}
}

func TestPollCostsOneRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.reconcile()
	b.poll()
	b.Advance(time.Hour)
	b.poll()
	before := b.mem.calls["total"]
	b.Advance(time.Minute)
	b.poll()
	if n := b.mem.calls["total"] - before; n != 1 {
		t.Errorf("a poll with nothing changed cost %d requests, want 1", n)
	}
}

func TestWebhookIsAHint(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.reconcile()
	b.poll()
	b.Advance(time.Second)
	id := b.link(forCM(0)).TicketID
	b.mem.human(id, tracker.Done, "", "")
	b.mem.lag = time.Hour // the search would not show it
	for i := range 10 {
		fresh, err := b.e.Inbox(context.Background(), connection, tracker.Hint{Delivery: "d1", Tickets: []string{id, "777"}})
		if err != nil || fresh != (i == 0) {
			t.Fatalf("Inbox() delivery %d = %v, %v, want fresh only once", i, fresh, err)
		}
	}
	before := b.mem.calls["total"]
	b.poll()
	if got := b.h.cm(0).State; got != model.Implemented {
		t.Errorf("state after the hint = %s, want implemented", got)
	}
	if n := b.mem.calls["total"] - before; n != 1 {
		t.Errorf("ten deliveries cost %d requests, want 1", n)
	}
}

func TestLinkExistingTicketByKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.h.policy.Auto = false
	for range 2 {
		if _, err := b.mem.Create(context.Background(), tracker.Draft{Target: tracker.Target{Project: "SEC"}, Marker: "x", Summary: "theirs"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []string{"SEC-1", "SEC-2"} {
		if err := b.e.LinkTicket(context.Background(), connection, product, forCM(0), nil, k, nil); err != nil {
			t.Fatalf("LinkTicket(%s) = %v", k, err)
		}
	}
	if err := b.e.LinkTicket(context.Background(), connection, product, forCM(0), nil, "SEC-9", nil); err == nil {
		t.Error("LinkTicket(SEC-9) = nil, want not found")
	}
	b.mem.fail = func(op string) (string, *tracker.Error) {
		if op != "get" {
			return "", nil
		}
		return "refuse", refusal(tracker.KindUnavailable, 503)
	}
	if err := b.e.LinkTicket(context.Background(), connection, product, forCM(0), nil, "SEC-1", nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("LinkTicket(while the tracker is down) = %v, want a fault that says so", err)
	}
	b.mem.fail = nil
	b.h.policy.Auto = true
	b.reconcile()
	if n := len(b.mem.issues); n != 2 {
		t.Fatalf("tickets = %d, want none of ours besides the two linked by hand", n)
	}
	// Implemented when all are done.
	for i, want := range []model.State{model.Required, model.Implemented} {
		b.Advance(time.Minute)
		b.mem.human(b.mem.issues[i].ID, tracker.Done, "", "")
		if _, err := b.e.Inbox(context.Background(), connection, tracker.Hint{Tickets: []string{b.mem.issues[i].ID}}); err != nil {
			t.Fatal(err)
		}
		b.poll()
		if got := b.h.cm(0).State; got != want {
			t.Errorf("state after %d of 2 are done = %s, want %s", i+1, got, want)
		}
	}
	if b.mem.issues[0].Summary != "theirs" || b.mem.calls["edit"] != 0 || b.mem.calls["transition"] != 0 {
		t.Error("a ticket linked by hand was edited or moved by us")
	}
}

// What becomes of a ticket that somebody linked by hand is seen by the next poll, at
// the cost of one request, and however many there are each has its turn.
func TestLinkedTicketIsPolled(t *testing.T) {
	t.Parallel()
	const n = 130
	b := newBench(t, n)
	b.h.policy.Auto = false
	for i := range n {
		made, err := b.mem.Create(context.Background(), tracker.Draft{Target: tracker.Target{Project: "SEC"}, Marker: "x", Summary: "theirs"})
		if err != nil {
			t.Fatal(err)
		}
		b.mem.issue(made.ID).Labels = nil // nobody gave it our label
		if err := b.e.LinkTicket(context.Background(), connection, product, forCM(i), nil, made.ID, nil); err != nil {
			t.Fatal(err)
		}
	}
	b.Advance(2 * time.Minute)
	b.poll()
	b.Advance(2 * time.Minute)
	before := b.mem.calls["total"]
	b.poll()
	if got := b.mem.calls["total"] - before; got > 2 {
		t.Errorf("a poll with linked tickets costs %d requests, want 2", got)
	}
	for _, i := range b.mem.issues {
		b.mem.human(i.ID, tracker.Done, "", "")
	}
	for range 2 {
		b.Advance(2 * time.Minute)
		b.poll()
	}
	for i := range n {
		if got := b.h.cm(i).State; got != model.Implemented {
			t.Fatalf("countermeasure %d = %s after two polls, want implemented", i, got)
		}
	}
}

func TestUndoPublication(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4)
	b.reconcile()
	b.Advance(time.Minute)
	touched, taken, renamed := b.ticket(forCM(1)), b.ticket(forCM(2)), b.ticket(forCM(3))
	b.mem.human(touched.ID, tracker.InProgress, "", "")
	taken.Assignee, taken.Updated = "bob", b.Now()
	renamed.Summary, renamed.Updated = "Mine", b.Now()
	b.poll()
	b.h.policy.Unwanted = map[string]ticketing.Unpublish{}
	for n := range 4 {
		b.h.policy.Unwanted[string(cm(n))] = ticketing.Unpublish{By: "ann", At: b.Now()}
	}
	untouched := b.ticket(forCM(0))
	b.reconcile()
	if untouched.Category != tracker.Done || touched.Category != tracker.InProgress {
		t.Errorf("after undo: untouched %s, touched %s; want done and left alone", untouched.Category, touched.Category)
	}
	if taken.Category != tracker.New || renamed.Category != tracker.New {
		t.Errorf("after undo: taken %s, renamed %s; want both left alone", taken.Category, renamed.Category)
	}
	if b.h.cm(0).State != model.Required {
		t.Errorf("countermeasure = %s, want required: undoing a publication decides nothing", b.h.cm(0).State)
	}
	b.quiet()
	b.h.policy.Unwanted = nil
	b.reconcile()
	if untouched.Category == tracker.Done || len(b.mem.issues) != 4 {
		t.Errorf("after publishing again: %s, %d tickets; want the same one reopened", untouched.Category, len(b.mem.issues))
	}
	b.quiet()
}

func TestHintIsNotKeptWaitingByAnImport(t *testing.T) {
	t.Parallel()
	b := newBench(t, 8)
	made := 0
	b.hit = func(point string) {
		if point != "ticketing.created" {
			return
		}
		if made++; made != 2 {
			return
		}
		// While the second is made, a developer finishes the first.
		b.mem.human(b.mem.issues[0].ID, tracker.Done, "", "")
		if _, err := b.e.Inbox(context.Background(), connection, tracker.Hint{Delivery: "d1", Tickets: []string{b.mem.issues[0].ID}}); err != nil {
			t.Errorf("Inbox() = %v", err)
		}
	}
	b.settle()
	done := slices.Index(b.h.log, "countermeasure cms_0000 implemented SEC-1")
	last := slices.Index(b.h.log, "countermeasure cms_0007 linked SEC-8")
	if done < 0 || last < 0 || done > last {
		t.Errorf("log = %q, want the news before the import's end, and all eight linked", b.h.log)
	}
	b.quiet()
}

// Whenever a person lets go of a ticket while we work on it, it stays let go of.
func TestUnlinkWhileWeWrite(t *testing.T) {
	t.Parallel()
	for at, more := 0, true; more; at++ {
		b := newBench(t, 1)
		b.reconcile()
		b.Advance(25 * time.Hour)
		b.h.cm(0).Description = "Another text."
		id, n := b.link(forCM(0)).TicketID, 0
		b.mem.human(id, tracker.InProgress, "", "")
		more = false
		var when string
		b.hit = func(point string) {
			if n++; n != at+1 {
				return
			}
			more, when = true, point
			b.write(func(tx *store.Tx) error { return ticketing.Unlink(tx, connection, product, forCM(0), id, b.Now()) })
		}
		b.settle()
		b.poll()
		b.settle()
		b.hit = nil
		if !more {
			if at < 4 {
				t.Fatalf("the tracker was asked %d times, want a reading, an edit, a reading and a poll", at)
			}
			break
		}
		if got := b.links(); len(got) != 1 || got[0].State != string(ticketing.LinkUnlinked) {
			t.Errorf("at point %d (%s): links %+v, want the one let go of", at, when, got)
		}
		b.quiet()
	}
}

// Whenever a person moves or estimates a ticket while we write into it, the model
// hears of it: what we read back after our own change is not taken as told.
func TestPersonActsWhileWeWrite(t *testing.T) {
	t.Parallel()
	acts := map[string]func(*bench, string){
		"rejects":   func(b *bench, id string) { b.mem.human(id, tracker.Done, "Won't Do", "Not ours.") },
		"finishes":  func(b *bench, id string) { b.mem.human(id, tracker.Done, "", "") },
		"estimates": func(b *bench, id string) { b.mem.issue(id).Estimate = tracker.Estimate{Seconds: 3600} },
	}
	heard := map[string]func(*bench) bool{
		"rejects":  func(b *bench) bool { return b.h.cm(0).State == model.Rejected && b.h.cm(0).StateReason == "Not ours." },
		"finishes": func(b *bench) bool { return b.h.cm(0).State == model.Implemented },
		"estimates": func(b *bench) bool {
			return b.h.last[string(cm(0))].Estimate.Seconds == 3600
		},
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at, more := 0, true; more; at++ {
				b := newBench(t, 1)
				b.reconcile()
				b.Advance(25 * time.Hour)
				b.h.cm(0).Description = "Another text."
				id, n := b.link(forCM(0)).TicketID, 0
				more = false
				var when string
				b.hit = func(point string) {
					if n == at {
						act(b, id)
						b.mem.issue(id).Updated = b.Now()
						more, when = true, point
					}
					n++
				}
				b.settle()
				b.hit = nil
				if !more {
					if at < 3 {
						t.Fatalf("the tracker was asked %d times, want a reading, an edit and a reading", at)
					}
					break
				}
				b.Advance(time.Minute)
				b.poll()
				b.settle()
				if !heard[name](b) {
					t.Errorf("at point %d (%s): state %s (%s), last told %+v", at, when, b.h.cm(0).State, b.h.cm(0).StateReason, b.h.last[string(cm(0))])
				}
				b.quiet()
			}
		})
	}
}

// A person who moves a ticket that we are about to move has the last word: only what
// happens while our move is under way in the tracker itself cannot be told from before it.
func TestPersonMovesWhatWeMove(t *testing.T) {
	t.Parallel()
	acts := map[string]struct {
		category   tracker.Category
		resolution string
	}{"works on it": {tracker.InProgress, ""}, "rejects it": {tracker.Done, "Won't Do"}}
	for _, reopens := range []bool{false, true} {
		for name, act := range acts {
			t.Run(fmt.Sprintf("%s, reopens %v", name, reopens), func(t *testing.T) {
				t.Parallel()
				for at, more := 0, true; more; at++ {
					b := newBench(t, 1)
					b.h.set(0, model.Implemented)
					b.h.verdict(0, model.Fail, "run 1")
					b.settle()
					vuln := b.ticket(forWeakness(0))
					b.Advance(time.Hour)
					b.h.verdict(0, model.Pass, "run 2")
					notes := 1
					if reopens {
						b.settle()
						b.Advance(time.Hour)
						b.h.verdict(0, model.Fail, "run 3")
						notes = 2
					}
					n, when := 0, ""
					b.hit = func(point string) {
						if n++; n == at+1 {
							when = point
							b.mem.human(vuln.ID, act.category, act.resolution, "")
						}
					}
					for range 2 {
						b.settle()
						b.Advance(time.Minute)
						b.poll()
					}
					b.hit = nil
					switch more = when != ""; {
					case !more && at < 5:
						t.Fatalf("the tracker was asked %d times, want a reading, a comment, a reading and a move", at)
					case more && when != "ticketing.transition" && vuln.Category != act.category:
						t.Errorf("at point %d (%s): ticket %s, want it %s as the person left it", at, when, vuln.Category, act.category)
					case len(b.notes(vuln.ID)) != notes:
						t.Errorf("at point %d (%s): notes %q, want %d", at, when, b.notes(vuln.ID), notes)
					}
					b.quiet()
				}
			})
		}
	}
}
