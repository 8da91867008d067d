package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/evidence/result"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// fill puts n of everything that is listed into the database: threats of the product,
// which are all the administrator's, with a ticket each; runs, results that wait,
// comments on one threat, accounts, products, and rows of the audit trail.
func (d desk) fill(n int) {
	d.t.Helper()
	d.large(n)
	then := d.Now().Add(-100 * time.Hour)
	d.trail(n, then, nil)
	err := d.DB.Write(d.ctx, func(_ context.Context, tx *store.Tx) error {
		old, versions, err := tx.LoadModel(d.product)
		if err != nil {
			return err
		}
		mine := *old
		mine.Threats = append([]model.Threat(nil), old.Threats...)
		for i := range mine.Threats {
			mine.Threats[i].Owner = d.admin.User
		}
		if _, err := tx.SaveModel(old, &mine, store.Save{By: "u", At: then, Expect: versions.Product}); err != nil {
			return err
		}
		waits := make([]store.Evidence, n)
		for i := range n {
			at := then.Add(time.Duration(i) * time.Second)
			waits[i] = d.waiting(i, at)
			run := store.Run{
				ID: fmt.Sprintf("run_%05d", i), Product: d.product, Source: fmt.Sprint("source ", i%7), Branch: "main", Format: "junit", Tool: "JUnit", Complete: true, Reasons: "[]",
				Counts: `{"pass":3,"fail":1}`, ContentHash: fmt.Sprint(i), State: store.RunDone, At: at, UpdatedAt: at, By: "Ada",
				Record: fmt.Sprintf(`{"source":"source %d","id":"build-%d","at":%q,"tool":"JUnit"}`, i%7, i, at.UTC().Format(time.RFC3339)),
				Doc:    fmt.Sprintf(`{"run":"build-%d","name":"report-%d.xml"}`, i, i),
			}
			_, err1 := tx.AddRun(run)
			err2 := tx.SaveLink(store.TicketLink{
				Connection: "con_bench", TicketID: fmt.Sprint(i), Product: d.product, Object: fmt.Sprintf("thr_%05d", i), Purpose: "threat", TicketKey: fmt.Sprint("WORK-", i), Own: true,
				State: "live", Snapshot: fmt.Sprintf(`{"summary":"Order %d","status":"To do"}`, i), CreatedAt: at, UpdatedAt: at,
			})
			err3 := tx.AddComment(store.Comment{ID: fmt.Sprintf("cmt_%05d", i), Product: d.product, Object: "threat/thr_00001", Author: d.admin.User, Text: fmt.Sprint("Said ", i), At: at})
			err4 := tx.AddAccount(store.Account{ID: fmt.Sprintf("usr_%05d", i), Email: fmt.Sprintf("person%05d@example.org", i), Name: fmt.Sprint("Person ", i), CreatedAt: at})
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				return err
			}
		}
		return tx.PutEvidence(d.product, waits)
	})
	if err != nil {
		d.t.Fatalf("fill: %v", err)
	}
	for from := 0; from < n; from += 500 {
		err := d.DB.Write(d.ctx, func(_ context.Context, tx *store.Tx) error {
			for i := from; i < min(n, from+500); i++ {
				p := model.Product{ID: model.ProductID(fmt.Sprintf("prd_%05d", i)), Name: fmt.Sprintf("Product %05d", i*7919%n), Team: fmt.Sprint("Team ", i%20), Tags: []string{"filled"}}
				if _, err := tx.SaveModel(nil, &model.Model{Product: p}, store.Save{By: "u", At: then}); err != nil {
					return err
				}
				if err := tx.SetSummary(p.ID, store.Summary{CurrentMax: float64(i % 100), High: int64(i % 9), At: then}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			d.t.Fatalf("fill with products: %v", err)
		}
	}
}

// waiting is a failure that fits nothing.
func (d desk) waiting(i int, at time.Time) store.Evidence {
	d.t.Helper()
	row := evidence.Row{
		Scope: evidence.Scope{Source: "scanner", Branch: "main"}, Key: fmt.Sprint("finding-", i), Tool: "Scanner", FirstAt: at, Verdict: evidence.Fail, VerdictAt: at, VerdictRun: "build-1",
		Attempt: evidence.Fail, AttemptAt: at, AttemptRun: "build-1", State: evidence.Unmatched, Reason: "nothing in the model has this weakness",
		Result: evidence.Result{ID: fmt.Sprint("finding-", i), Name: fmt.Sprintf("Finding %d of the scanner", i*7919%100_000), Severity: []result.Severity{result.Low, result.Medium, result.High}[i%3]},
	}
	doc, err := json.Marshal(row)
	if err != nil {
		d.t.Fatal(err)
	}
	return store.Evidence{
		EvidenceKey: store.EvidenceKey{Branch: row.Branch, Source: row.Source, Test: row.Key}, Name: row.Result.Name, Verdict: string(row.Verdict), VerdictAt: at, VerdictRun: row.VerdictRun,
		Attempt: string(row.Attempt), AttemptAt: at, AttemptRun: row.AttemptRun, Triage: string(row.State), Doc: string(doc),
	}
}

// pager reads a page of a list at a cursor; it gives its length and the next cursor.
type pager func(cursor string, limit int) (int, string, error)

func pages[T any](read func(cursor string, limit int) (Page[T], error)) pager {
	return func(cursor string, limit int) (int, string, error) {
		page, err := read(cursor, limit)
		return len(page.Items), page.Next, err
	}
}

// lists are all lists that people page through.
func (d desk) lists() map[string]pager {
	return map[string]pager{
		"threats": pages(func(cursor string, limit int) (Page[ThreatView], error) {
			return d.Threats(d.ctx, d.admin, d.product, RiskFilter{Sort: "-rating", Brief: true, Cursor: cursor, Limit: limit})
		}),
		"countermeasures": pages(func(cursor string, limit int) (Page[CountermeasureView], error) {
			return d.Countermeasures(d.ctx, d.admin, d.product, RiskFilter{Sort: "-rating", Brief: true, Cursor: cursor, Limit: limit})
		}),
		"products": pages(func(cursor string, limit int) (Page[ProductView], error) {
			return d.Products(d.ctx, d.admin, ProductFilter{Sort: string(store.SortByRating), Cursor: cursor, Limit: limit})
		}),
		"triage": pages(func(cursor string, limit int) (Page[EvidenceView], error) {
			return d.Evidence(d.ctx, d.admin, d.product, EvidenceFilter{Triage: true, Cursor: cursor, Limit: limit})
		}),
		"runs": pages(func(cursor string, limit int) (Page[RunView], error) {
			return d.Runs(d.ctx, d.admin, d.product, cursor, limit)
		}),
		"tickets": pages(func(cursor string, limit int) (Page[TicketView], error) {
			return d.Tickets(d.ctx, d.admin, d.product, cursor, limit)
		}),
		"people": pages(func(cursor string, limit int) (Page[UserView], error) {
			return d.Users(d.ctx, d.admin, "", cursor, limit)
		}),
		"assigned": pages(func(cursor string, limit int) (Page[AssignedView], error) {
			return d.Assigned(d.ctx, d.admin, cursor, limit)
		}),
		"comments": pages(func(cursor string, limit int) (Page[CommentView], error) {
			return d.Comments(d.ctx, d.admin, d.product, "threat/thr_00001", cursor, limit)
		}),
		"audit": pages(func(cursor string, limit int) (Page[AuditView], error) {
			return d.Audit(d.ctx, d.admin, d.product, AuditFilter{Cursor: cursor, Limit: limit})
		}),
		"audit search": pages(func(cursor string, limit int) (Page[AuditView], error) {
			return d.Audit(d.ctx, d.admin, d.product, AuditFilter{Text: "consignment read", Cursor: cursor, Limit: limit})
		}),
		"history": pages(func(cursor string, limit int) (Page[HistoryGroup], error) {
			return d.History(d.ctx, d.admin, d.product, HistoryFilter{Cursor: cursor, Limit: limit})
		}),
	}
}

// BenchmarkPages measures the first page of 100 of each list where there are 10,000 of
// everything, and one far into it, which is to cost the same.
func BenchmarkPages(b *testing.B) {
	d := newDesk(b)
	d.fill(10_000)
	for name, read := range d.lists() {
		far := ""
		for range 5 {
			_, next, err := read(far, 1000)
			if err != nil {
				b.Fatalf("%s: %v", name, err)
			}
			if next == "" {
				break
			}
			far = next
		}
		for at, cursor := range map[string]string{"first": "", "far": far} {
			b.Run(name+"/"+at, func(b *testing.B) {
				begin, sent := cpuTime(), d.DB.Statements()
				for b.Loop() {
					if _, _, err := read(cursor, 100); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((cpuTime()-begin).Microseconds())/1000/float64(b.N), "cpu-ms/op")
				b.ReportMetric(float64(d.DB.Statements()-sent)/float64(b.N), "statements/op")
			})
		}
	}
}
