package ticketing_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
)

// A product that cannot be read is told of, and the tickets of the others go on.
func TestProductThatCannotBeRead(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.h.others = []model.ProductID{"prd_a", "prd_z"}
	if _, err := b.e.Reconcile(context.Background(), connection); err == nil || !strings.Contains(err.Error(), "prd_a") || !strings.Contains(err.Error(), "prd_z") {
		t.Errorf("Reconcile() = %v, want both products named", err)
	}
	if n := len(b.links()); n != 2 {
		t.Errorf("%d tickets linked, want the two of the product that can be read", n)
	}
}

// News that cannot be taken in wait for the next poll or hint, those of other tickets do not.
func TestNewsThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	for name, hint := range map[string]bool{"poll": false, "webhook": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3)
			b.settle()
			b.poll()
			b.Advance(10 * time.Minute)
			ctx := context.Background()
			for i := range 3 {
				id := b.link(forCM(i)).TicketID
				b.mem.human(id, tracker.Done, "done", "")
				if hint {
					if _, err := b.e.Inbox(ctx, connection, tracker.Hint{Delivery: id, Tickets: []string{id}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			b.h.deaf = string(cm(1))
			if _, err := b.e.Poll(ctx, connection); err == nil || !strings.Contains(err.Error(), string(cm(1))) {
				t.Errorf("Poll() = %v, want what cannot be read named", err)
			}
			for i, want := range []model.State{model.Implemented, model.Required, model.Implemented} {
				if got := b.h.cm(i).State; got != want {
					t.Errorf("countermeasure %d = %s, want %s", i, got, want)
				}
			}
			b.h.deaf = ""
			b.Advance(time.Hour)
			b.poll()
			if got := b.h.cm(1).State; got != model.Implemented {
				t.Errorf("countermeasure 1 = %s after the next poll, want what was missed", got)
			}
			if l := b.link(ticketing.Key{Object: string(cm(1)), Purpose: ticketing.ForCountermeasure}); l.Failures != 0 {
				t.Errorf("link = %+v, want no failure of the tracker's", l)
			}
		})
	}
}
