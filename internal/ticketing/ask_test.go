package ticketing_test

import (
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
