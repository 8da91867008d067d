package app

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/store"
)

// trail adds n rows to the product's audit trail, of which the i-th is about the
// threat i at i seconds after then.
func (d desk) trail(n int, then time.Time, change func(i int, row *store.Audit)) {
	d.t.Helper()
	err := d.DB.Write(d.ctx, func(_ context.Context, tx *store.Tx) error {
		rows := make([]store.Audit, n)
		for i := range rows {
			rows[i] = store.Audit{
				At: then.Add(time.Duration(i) * time.Second), Actor: d.admin.User, ActorKind: "person", Source: "web", RequestID: fmt.Sprint("req_", i/5),
				Action: "model.change", Object: fmt.Sprintf("threat/thr_%05d", i), New: json.RawMessage(fmt.Sprintf(`{"title":"Consignment %d is read"}`, i)),
			}
			if change != nil {
				change(i, &rows[i])
			}
		}
		return tx.Audit(store.ProductStream(d.product), rows...)
	})
	if err != nil {
		d.t.Fatalf("write a trail: %v", err)
	}
}

// found reads all pages of a search, and tells how many there were.
func (d desk) found(f AuditFilter) (rows []AuditView, pages int) {
	d.t.Helper()
	for {
		page, err := d.Audit(d.ctx, d.admin, d.product, f)
		if err != nil {
			d.t.Fatalf("Audit(%+v): %v", f, err)
		}
		rows, pages = append(rows, page.Items...), pages+1
		if f.Cursor = page.Next; f.Cursor == "" {
			return rows, pages
		}
		if pages > 1000 {
			d.t.Fatalf("Audit(%+v) has no last page", f)
		}
	}
}

// What is looked for lies deeper than any page, and deeper than what one page looks at.
func TestAuditSearch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const n = 12_000
	then := d.Now().Add(-72 * time.Hour)
	d.trail(n, then, func(i int, row *store.Audit) {
		switch i {
		case 3:
			row.New = json.RawMessage(`{"title":"The straße is dug up"}`)
		case 5, 11_000:
			row.Actor, row.ActorKind, row.Source, row.Action = "tracker", "system", "tracker", "tickets.news"
		case 7:
			row.Object = "flow/flw_lost"
		}
	})
	for _, c := range []struct {
		name string
		f    AuditFilter
		want int
	}{
		{"text of a name, whatever its case", AuditFilter{Text: "STRASSE dug"}, 1},
		{"text of an id", AuditFilter{Text: "thr_00009"}, 1},
		{"text of an action and of who acted", AuditFilter{Text: "news tracker"}, 2},
		{"actor", AuditFilter{Actors: []string{"tracker"}}, 2},
		{"action", AuditFilter{Actions: []string{"tickets.news", "tickets.none"}}, 2},
		{"source and kind", AuditFilter{Sources: []string{"tracker"}, Kind: "threat"}, 2},
		{"object", AuditFilter{Object: "flow/flw_lost"}, 1},
		{"time", AuditFilter{From: then.Add(10 * time.Second), Before: then.Add(20 * time.Second)}, 10},
		{"time and text", AuditFilter{From: then.Add(10 * time.Second), Text: "consignment"}, n - 10},
		{"nothing", AuditFilter{Text: "nobody wrote this"}, 0},
	} {
		c.f.Limit = 1000
		if rows, _ := d.found(c.f); len(rows) != c.want {
			t.Errorf("Audit(%s) = %d rows, want %d", c.name, len(rows), c.want)
		}
	}
	// One page looks at so much and no more, and says that it is not the last.
	page, err := d.Audit(d.ctx, d.admin, d.product, AuditFilter{Text: "straße"})
	if err != nil || len(page.Items) != 0 || page.Next == "" {
		t.Errorf("Audit(deep) = %d rows, next %q, %v, want none and a next page", len(page.Items), page.Next, err)
	}
	// What is old enough is not looked through.
	if _, pages := d.found(AuditFilter{From: d.Now().Add(time.Hour), Text: "consignment"}); pages != 1 {
		t.Errorf("Audit(from the future) has %d pages, want 1", pages)
	}
	whole, err := d.Audit(d.ctx, d.admin, d.product, AuditFilter{Limit: 10})
	if err != nil || whole.Total == nil || *whole.Total < n || len(whole.Items) != 10 {
		t.Errorf("Audit(all) = %d rows, total %v, %v, want 10 of at least %d", len(whole.Items), whole.Total, err, n)
	}
	values, err := d.AuditValues(d.ctx, d.admin, d.product)
	if err != nil {
		t.Fatalf("AuditValues: %v", err)
	}
	named := map[string]string{}
	for _, a := range values.Actors {
		named[a.ID] = a.Name
	}
	if named["tracker"] != "The tracker" || named[d.admin.User] != "Ada" {
		t.Errorf("AuditValues() has the actors %v, want The tracker and Ada", named)
	}
}

// A page costs the same number of statements, however many things its rows name.
func TestAuditStatements(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.trail(300, d.Now(), func(i int, row *store.Audit) {
		row.Object, row.New = fmt.Sprint([]string{"user/", "product/", "run/", "connection/"}[i%4], i), nil
		row.Actor = fmt.Sprint("usr_", i)
	})
	count := func(limit int) int64 {
		before := d.DB.Statements()
		if _, err := d.Audit(d.ctx, d.admin, d.product, AuditFilter{Limit: limit}); err != nil {
			t.Fatalf("Audit: %v", err)
		}
		return d.DB.Statements() - before
	}
	count(4)
	if few, many := count(4), count(300); many > few {
		t.Errorf("Audit(300 rows) sends %d statements, want no more than the %d of 4 rows", many, few)
	}
}

// History is looked through on the server too: by what people did, and by what it was done to.
func TestHistorySearch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	then := d.Now().Add(-72 * time.Hour)
	d.trail(600, then, func(i int, row *store.Audit) {
		switch i {
		case 2:
			row.New = json.RawMessage(`{"title":"The straße is dug up"}`)
		case 4:
			row.Actor = "tracker"
		case 5: // a request of its own, with what the person called it
			row.Action, row.New = actionDrawing, json.RawMessage(`{"label":"Tidied the depot"}`)
		}
	})
	for _, c := range []struct {
		name   string
		f      HistoryFilter
		groups int
	}{
		{"text of a name", HistoryFilter{Text: "STRASSE dug"}, 1},
		{"text of what was done and of an id", HistoryFilter{Text: "tidied thr_00007"}, 1},
		{"words of two things", HistoryFilter{Text: "straße thr_00003"}, 0},
		{"actor", HistoryFilter{Actors: []string{"tracker"}}, 1},
		{"kind and time", HistoryFilter{Kinds: []string{"threat"}, From: then.Add(5 * time.Second), Before: then.Add(20 * time.Second)}, 3},
		{"kind", HistoryFilter{Kinds: []string{"zone"}}, 0},
	} {
		n := 0
		for c.f.Limit = 100; ; {
			page, err := d.History(d.ctx, d.admin, d.product, c.f)
			if err != nil {
				t.Fatalf("History(%s): %v", c.name, err)
			}
			n += len(page.Items)
			if c.f.Cursor = page.Next; c.f.Cursor == "" {
				break
			}
		}
		if n != c.groups {
			t.Errorf("History(%s) = %d groups, want %d", c.name, n, c.groups)
		}
	}
}
