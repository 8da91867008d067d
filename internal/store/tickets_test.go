package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

func TestTickets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.DB) {
		db := open(t)
		at := time.Date(2026, 3, 2, 9, 0, 0, 1000, time.UTC)
		write := func(fn func(*store.Tx) error) {
			t.Helper()
			if err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return fn(tx) }); err != nil {
				t.Fatalf("write: %v", err)
			}
		}
		write(func(tx *store.Tx) error {
			return tx.AddConnection(store.Connection{ID: "con_1", Name: "Jira", Kind: "jira", Doc: "{}", Credential: "sealed", CreatedAt: at})
		})
		intent := store.Intent{Product: "prd_1", Object: "cms_1", Purpose: "countermeasure", Connection: "con_1", Marker: "m1", State: store.IntentReady, CreatedAt: at}
		link := store.TicketLink{
			Connection: "con_1", TicketID: "10001", Product: "prd_1", Object: "cms_1", Purpose: "countermeasure", TicketKey: "SEC-1", Marker: "m1", Own: true,
			State: "live", Objects: []string{"cms_1", "cms_2"}, Snapshot: `{"meaning":"required"}`, CreatedAt: at, UpdatedAt: at,
		}
		write(func(tx *store.Tx) error {
			for _, want := range []bool{true, false} {
				added, err := tx.AddIntent(intent)
				if err != nil || added != want {
					t.Errorf("AddIntent() = %v, %v, want %v: one intent per object and purpose", added, err, want)
				}
			}
			intent.State, intent.Attempts, intent.SentAt, intent.HighWater = store.IntentSent, 1, at, 41
			if err := tx.SaveIntent(intent); err != nil {
				return err
			}
			got, err := tx.Intent("prd_1", "cms_1", "countermeasure")
			if diff := cmp.Diff(intent, got); diff != "" {
				t.Errorf("Intent() (-want +got):\n%s", diff)
			}
			if err != nil {
				return err
			}
			for range 2 {
				if err := tx.SaveLink(link); err != nil {
					return err
				}
			}
			links, err := tx.Links(store.LinkFilter{Connection: "con_1", TicketID: "10001", State: "live"})
			if diff := cmp.Diff([]store.TicketLink{link}, links); diff != "" {
				t.Errorf("Links() (-want +got):\n%s", diff)
			}
			return err
		})
		write(func(tx *store.Tx) error {
			if last, err := tx.LastDelivery("con_1"); err != nil || !last.IsZero() {
				t.Errorf("LastDelivery() before any = %v, %v, want zero", last, err)
			}
			for i, want := range []bool{true, false} {
				fresh, err := tx.ReceiveDelivery("con_1", "d1", []string{"10001", "10002"}, at)
				if err != nil || fresh != want {
					t.Errorf("ReceiveDelivery() %d = %v, %v, want %v", i, fresh, err, want)
				}
			}
			if last, err := tx.LastDelivery("con_1"); err != nil || !last.Equal(at) {
				t.Errorf("LastDelivery() = %v, %v, want %v", last, err, at)
			}
			inbox, err := tx.InboxTickets("con_1", 10)
			if diff := cmp.Diff([]string{"10001", "10002"}, inbox); diff != "" {
				t.Errorf("InboxTickets() (-want +got):\n%s", diff)
			}
			if err != nil {
				return err
			}
			if done, sent, err := tx.StartNote("con_1", "10001", "fail-1", at); err != nil || done || !sent.IsZero() {
				t.Errorf("StartNote(first) = %v, %v, %v, want fresh", done, sent, err)
			}
			if done, sent, err := tx.StartNote("con_1", "10001", "fail-1", at.Add(time.Hour)); err != nil || done || !sent.Equal(at) {
				t.Errorf("StartNote(unanswered) = %v, %v, %v, want the first attempt's time", done, sent, err)
			}
			if err := tx.EndNote("con_1", "10001", "fail-1", true); err != nil {
				return err
			}
			if done, _, err := tx.StartNote("con_1", "10001", "fail-1", at); err != nil || !done {
				t.Errorf("StartNote(done) = %v, %v, want done", done, err)
			}
			counts, err := tx.CountTickets("con_1")
			if counts.Intents[store.IntentSent] != 1 || counts.Links["live"] != 1 || !counts.Oldest.Equal(at) {
				t.Errorf("CountTickets() = %+v, want one sent and one live", counts)
			}
			products, e := tx.TicketProducts("con_1")
			if len(products) != 1 || products[0] != "prd_1" {
				t.Errorf("TicketProducts() = %v, want prd_1", products)
			}
			return errors.Join(err, e)
		})
		write(func(tx *store.Tx) error {
			c, err := tx.Connection("con_1")
			if err != nil {
				return err
			}
			if !c.Adopt || c.State != "active" || c.Version != 1 {
				t.Errorf("Connection() = %+v, want it active and in adopt mode", c)
			}
			c.State, c.Reason, c.PausedUntil, c.Adopt = "paused", "limits", at, false
			if err := tx.SetConnectionStatus(c); err != nil {
				return err
			}
			c.Name = "Jira Cloud"
			if err := tx.EditConnection(c); err != nil {
				return err
			}
			if err := tx.EditConnection(c); !fault.Is(err, fault.Stale) {
				t.Errorf("EditConnection(old version) = %v, want stale", err)
			}
			list, err := tx.Connections()
			if len(list) != 1 || list[0].State != "active" || list[0].Name != "Jira Cloud" || list[0].Credential != "sealed" || list[0].Adopt {
				t.Errorf("Connections() = %+v, want it edited, resumed and past adoption", list)
			}
			return err
		})
		write(func(tx *store.Tx) error {
			if err := tx.DeleteConnection("con_1"); err != nil {
				return err
			}
			if _, err := tx.Connection("con_1"); !fault.Is(err, fault.NotFound) {
				t.Errorf("Connection(deleted) = %v, want not found", err)
			}
			links, err := tx.Links(store.LinkFilter{})
			if len(links) != 0 {
				t.Errorf("Links() after the connection was deleted = %v", links)
			}
			return err
		})
	})
}

func TestBoardNumbers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.DB) {
		db := open(t)
		at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
			for want := int64(1); want <= 3; want++ {
				n, err := tx.NextBoardNumber("con_1", "SHOP")
				if err != nil || n != want {
					t.Errorf("NextBoardNumber() = %d, %v, want %d", n, err, want)
				}
				row := store.BoardTicket{ID: "SHOP-" + string('0'+rune(n)), Project: "SHOP", Number: n, Status: "To do", Updated: at.Add(time.Duration(n) * time.Second), Doc: "{}"}
				if err := tx.SaveBoardTicket("con_1", row); err != nil {
					return err
				}
			}
			got, err := tx.BoardTickets("con_1", store.BoardFilter{Project: "SHOP", Above: 1, AfterUpdated: at.Add(2 * time.Second), AfterID: "SHOP-2"})
			if len(got) != 1 || got[0].ID != "SHOP-3" {
				t.Errorf("BoardTickets(after SHOP-2) = %v, want SHOP-3", got)
			}
			if err != nil {
				return err
			}
			c, err := tx.AddBoardComment("con_1", "SHOP-1", store.BoardComment{Author: "ann", At: at, Text: "hm"})
			if err != nil || c.Seq != 1 {
				t.Errorf("AddBoardComment() = %d, %v, want 1", c.Seq, err)
			}
			if err := tx.DeleteBoardTicket("con_1", "SHOP-1"); err != nil {
				return err
			}
			if _, err := tx.BoardTicket("con_1", "SHOP-1"); !fault.Is(err, fault.NotFound) {
				t.Errorf("BoardTicket(deleted) = %v, want not found", err)
			}
			rest, err := tx.BoardComments("con_1", "SHOP-1")
			if len(rest) != 0 {
				t.Errorf("BoardComments(deleted) = %v", rest)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestBoardCommentsAtOnce: comments written at the same time each get a number.
func TestBoardCommentsAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.DB) {
		db := open(t)
		at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
			return tx.SaveBoardTicket("con_1", store.BoardTicket{ID: "SHOP-1", Project: "SHOP", Number: 1, Status: "To do", Updated: at, Doc: "{}"})
		})
		if err != nil {
			t.Fatal(err)
		}
		const writers = 12
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
					_, err := tx.AddBoardComment("con_1", "SHOP-1", store.BoardComment{Author: "ann", At: at, Text: "hm"})
					return err
				})
				if err != nil {
					t.Errorf("AddBoardComment() = %v", err)
				}
			})
		}
		group.Wait()
		err = db.Read(context.Background(), func(_ context.Context, tx *store.Tx) error {
			list, err := tx.BoardComments("con_1", "SHOP-1")
			if len(list) != writers || list[writers-1].Seq != writers {
				t.Errorf("BoardComments() = %d comments, want %d, numbered", len(list), writers)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
