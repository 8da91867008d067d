package builtin_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/builtin"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
	"github.com/threatloop/threatloop/internal/tracker/trackertest"
)

// desk is a board as the contract tests use it.
type desk struct {
	mu sync.Mutex
	at time.Time
	db *store.DB
	tr *builtin.Tracker
}

func open(t *testing.T) *desk {
	d := &desk{at: time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC), db: storetest.SQLite(t)}
	d.tr = builtin.New(builtin.Options{DB: d.db, Connection: "con_1", Clock: d.Now, Projects: []string{"SEC", "SHOP"}, URL: func(id string) string { return "https://tl.example/board/" + id }})
	return d
}

func (d *desk) Tracker() tracker.Tracker { return d.tr }
func (d *desk) Target() tracker.Target   { return tracker.Target{Project: "SEC", Type: "Task"} }
func (d *desk) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) Advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func (d *desk) board(fn func(builtin.Board) error) error {
	return d.db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
		return fn(builtin.Board{Tx: tx, Connection: "con_1"})
	})
}

func (d *desk) SetStatus(id string, to tracker.Category) error {
	status := map[tracker.Category]string{tracker.New: builtin.ToDo, tracker.InProgress: builtin.InProgress, tracker.Done: builtin.Done}[to]
	return d.board(func(b builtin.Board) error {
		_, err := b.Move(id, builtin.Move{Status: status, Actor: "ann", At: d.Now()})
		return err
	})
}

func (d *desk) Delete(id string) error {
	return d.board(func(b builtin.Board) error { return b.Delete(id, d.Now()) })
}

func (d *desk) Estimate(id string, seconds int64) error {
	return d.board(func(b builtin.Board) error {
		_, err := b.Patch(id, builtin.Patch{Estimate: &tracker.Estimate{Seconds: seconds}, At: d.Now()})
		return err
	})
}

func (d *desk) Surround(id, before, after string) error {
	return d.board(func(b builtin.Board) error {
		card, err := b.Card(id)
		if err != nil {
			return err
		}
		body := before + "\n\n" + card.Body + "\n\n" + after
		_, err = b.Patch(id, builtin.Patch{Body: &body, At: d.Now()})
		return err
	})
}

func TestContract(t *testing.T) {
	t.Parallel()
	trackertest.Run(t, func(t *testing.T) trackertest.Fixture { return open(t) })
}

func draft(marker string) tracker.Draft {
	return tracker.Draft{
		Target: tracker.Target{Project: "SHOP"}, Marker: marker, Summary: "Validate input", Labels: []string{"threatloop"},
		Body: richtext.Doc{richtext.P(richtext.Text("Do it."))},
	}
}

func TestBoardMoves(t *testing.T) {
	t.Parallel()
	d := open(t)
	ctx := context.Background()
	one, err := d.tr.Create(ctx, draft("m00000000000000000000000001"))
	if err != nil {
		t.Fatalf("Create() = %v", err)
	}
	two, err := d.tr.Create(ctx, draft("m00000000000000000000000002"))
	if err != nil {
		t.Fatalf("Create() = %v", err)
	}
	if again, err := d.tr.Create(ctx, draft("m00000000000000000000000002")); err != nil || again.ID != two.ID {
		t.Errorf("Create(same marker) = %s, %v, want %s", again.ID, err, two.ID)
	}
	if one.Key != "SHOP-1" || two.Key != "SHOP-2" {
		t.Errorf("Create() keys = %s, %s, want SHOP-1, SHOP-2", one.Key, two.Key)
	}
	d.Advance(time.Minute)
	err = d.board(func(b builtin.Board) error {
		_, err := b.Move(one.ID, builtin.Move{Status: builtin.Done, Resolution: builtin.ResolvedWontDo, Comment: "The page goes away.", Actor: "ann", At: d.Now()})
		if err != nil {
			return err
		}
		if _, err := b.Move(two.ID, builtin.Move{Status: builtin.Done, Resolution: builtin.ResolvedDuplicate, DuplicateOf: one.ID, At: d.Now()}); err != nil {
			return err
		}
		card, err := b.Card(one.ID)
		if err != nil {
			return err
		}
		if card.Resolution != builtin.ResolvedWontDo || len(card.Comments) != 1 || card.Comments[0].Text != "The page goes away." || card.Comments[0].Author != "ann" {
			t.Errorf("Card(%s) = %q, %v, want won't do with the comment", one.ID, card.Resolution, card.Comments)
		}
		inbox, err := b.Tx.InboxTickets("con_1", 10)
		if diff := cmp.Diff([]string{one.ID, two.ID}, inbox); diff != "" {
			t.Errorf("InboxTickets() after moves (-want +got):\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatalf("move: %v", err)
	}
	got, err := d.tr.Get(ctx, []string{two.ID})
	if err != nil || len(got) != 1 || got[0].DuplicateOf != one.ID || got[0].Category != tracker.Done {
		t.Errorf("Get(%s) = %+v, %v, want done as a duplicate of %s", two.ID, got, err, one.ID)
	}
	if _, err := d.tr.Transition(ctx, two.ID, tracker.Wish{Category: tracker.New}); err != nil {
		t.Fatalf("Transition() = %v", err)
	}
	err = d.db.Read(ctx, func(_ context.Context, tx *store.Tx) error {
		list, err := builtin.Board{Tx: tx, Connection: "con_1"}.List("SHOP", "")
		if err == nil && (len(list) != 2 || list[0].ID != two.ID || list[0].Resolution != "" || list[0].DuplicateOf != "") {
			t.Errorf("List() = %+v, want %s first, open and without a resolution", list, two.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBoardRefuses(t *testing.T) {
	t.Parallel()
	d := open(t)
	one, err := d.tr.Create(context.Background(), draft("m00000000000000000000000001"))
	if err != nil {
		t.Fatalf("Create() = %v", err)
	}
	empty := " "
	for name, c := range map[string]struct {
		fn   func(builtin.Board) error
		kind fault.Kind
	}{
		"unknown status": {func(b builtin.Board) error { _, err := b.Move(one.ID, builtin.Move{Status: "Parked"}); return err }, fault.Invalid},
		"unknown resolution": {func(b builtin.Board) error {
			_, err := b.Move(one.ID, builtin.Move{Status: "Done", Resolution: "Perhaps"})
			return err
		}, fault.Invalid},
		"duplicate of itself": {func(b builtin.Board) error {
			_, err := b.Move(one.ID, builtin.Move{Status: "Done", Resolution: builtin.ResolvedDuplicate, DuplicateOf: one.ID})
			return err
		}, fault.Invalid},
		"no such ticket": {func(b builtin.Board) error { _, err := b.Move("SHOP-9", builtin.Move{Status: "Done"}); return err }, fault.NotFound},
		"empty summary":  {func(b builtin.Board) error { _, err := b.Patch(one.ID, builtin.Patch{Summary: &empty}); return err }, fault.Invalid},
	} {
		if err := d.board(c.fn); !fault.Is(err, c.kind) {
			t.Errorf("%s: error = %v, want kind %s", name, err, c.kind)
		}
	}
}
