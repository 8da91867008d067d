package ticketing_test

import (
	"context"
	"testing"

	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
)

// A person mends what the tracker refused while the run that met the refusal is
// still at it: the run must not put off for a day what the person asked for.
func TestAskedDuringARefusal(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4)
	refuse := true
	b.mem.fail = func(op string) (string, *tracker.Error) {
		if op != "create" || !refuse {
			return "", nil
		}
		refuse = false
		b.write(func(tx *store.Tx) error {
			_, err := ticketing.Retry(tx, "", b.h.m.Product.ID)
			return err
		})
		return "refuse", refusal(tracker.KindInvalid, 400)
	}
	b.reconcile()
	if n := len(b.mem.issues); n != 4 {
		t.Errorf("tickets after the run = %d, want all 4", n)
	}
	for n := range 4 {
		if i := b.intent(forCM(n)); i.State != store.IntentLinked {
			t.Errorf("intent %d is %s (%s), want it linked", n, i.State, i.Reason)
		}
	}
}

// The same while the run is between two tickets: what the first was refused for is
// no reason to put off the others once it is mended.
func TestAskedAfterARefusal(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4)
	mended := false
	b.mem.fail = func(op string) (string, *tracker.Error) {
		switch {
		case op == "create" && !mended:
			// News of another ticket: the run looks once more after this one.
			if _, err := b.e.Inbox(context.Background(), connection, tracker.Hint{Delivery: "d1", Tickets: []string{"77"}}); err != nil {
				t.Errorf("Inbox() = %v", err)
			}
			e := refusal(tracker.KindInvalid, 400)
			e.Fields = map[string]string{"customfield_7": "Team is required."}
			return "refuse", e
		case op == "get" && !mended:
			mended = true
			b.write(func(tx *store.Tx) error {
				_, err := ticketing.Retry(tx, "", b.h.m.Product.ID)
				return err
			})
		}
		return "", nil
	}
	b.reconcile()
	if !mended {
		t.Fatal("the news were not read between two tickets")
	}
	for n := range 4 {
		if i := b.intent(forCM(n)); i.State != store.IntentLinked {
			t.Errorf("intent %d is %s (%s), want it linked", n, i.State, i.Reason)
		}
	}
}

// A ticket that is refused for its own text keeps no later one from being made.
func TestRefusedTextIsItsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	e := refusal(tracker.KindInvalid, 400)
	e.Fields = map[string]string{"summary": "is too long"}
	b.mem.fail = func(op string) (string, *tracker.Error) {
		if op == "create" && b.mem.calls["create"] <= 1 {
			return "refuse", e
		}
		return "", nil
	}
	b.reconcile()
	if i := b.intent(forCM(0)); i.State != store.IntentFailed {
		t.Fatalf("the first intent is %s, want it failed", i.State)
	}
	b.h.add(1)
	b.reconcile()
	if i := b.intent(forCM(1)); i.State != store.IntentLinked {
		t.Errorf("the next intent is %s (%s), want it linked", i.State, i.Reason)
	}
}

// What a person publishes while a run works out what is wanted is not held for them to publish.
func TestPublishedWhileWePlan(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.h.policy.Auto = false
	b.h.planned = func() {
		b.h.planned = nil
		b.h.policy.Published = map[string]bool{string(cm(0)): true}
		b.write(func(tx *store.Tx) error {
			_, err := ticketing.Release(tx, product, forCM(0))
			return err
		})
	}
	b.reconcile()
	for n, want := range []string{store.IntentLinked, store.IntentHeld} {
		if i := b.intent(forCM(n)); i.State != want {
			t.Errorf("intent %d is %s (%s), want it %s", n, i.State, i.Reason, want)
		}
	}
}
