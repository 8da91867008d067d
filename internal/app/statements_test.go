package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/store"
)

// TestStatementsDoNotGrow holds what people look at to a number of statements that
// is the same for a product of 20 threats and of 1,000.
func TestStatementsDoNotGrow(t *testing.T) {
	t.Parallel()
	small, large := statementsOf(t, 20), statementsOf(t, 1000)
	const most = 20
	for name, n := range large {
		if n != small[name] || n > most {
			t.Errorf("%s sends %d statements for 1,000 threats and %d for 20, want the same and at most %d", name, n, small[name], most)
		}
	}
}

// statementsOf counts the statements of each use case on a product of n threats,
// of which every tenth has a comment, once its model was read.
func statementsOf(t *testing.T, n int) map[string]int64 {
	d := newDesk(t)
	d.large(n)
	for i := 0; i < n; i += 10 {
		object := fmt.Sprintf("threat/thr_%05d", i)
		if _, err := d.AddComment(d.ctx, d.admin, d.product, CommentInput{Object: object, Text: "Looked at."}); err != nil {
			t.Fatalf("AddComment(%s): %v", object, err)
		}
	}
	if _, err := d.Threats(d.ctx, d.admin, d.product, RiskFilter{}); err != nil {
		t.Fatal(err)
	}
	f := RiskFilter{Limit: 1000, Sort: "-rating"}
	out := map[string]int64{}
	for name, ask := range map[string]func() error{
		"Threats":         func() error { _, err := d.Threats(d.ctx, d.admin, d.product, f); return err },
		"Weaknesses":      func() error { _, err := d.Weaknesses(d.ctx, d.admin, d.product, f); return err },
		"Countermeasures": func() error { _, err := d.Countermeasures(d.ctx, d.admin, d.product, f); return err },
		"ThreatTree":      func() error { _, err := d.ThreatTree(d.ctx, d.admin, d.product, "thr_00001"); return err },
		"Overview":        func() error { _, err := d.Overview(d.ctx, d.admin, d.product); return err },
		"Drawing":         func() error { _, err := d.Drawing(d.ctx, d.admin, d.product, ""); return err },
		"Plan":            func() error { _, err := d.Plan(d.ctx, d.admin, d.product); return err },
		"PlanSummary":     func() error { _, err := d.PlanSummary(d.ctx, d.admin, d.product, ""); return err },
		"Tickets":         func() error { _, err := d.Tickets(d.ctx, d.admin, d.product, "", 1000); return err },
		"Evidence":        func() error { _, err := d.Evidence(d.ctx, d.admin, d.product, EvidenceFilter{}); return err },
		"Comments":        func() error { _, err := d.Comments(d.ctx, d.admin, d.product, "", "", 1000); return err },
		"RatingHistory":   func() error { _, err := d.RatingHistory(d.ctx, d.admin, d.product, "", "", 1000); return err },
		"Audit":           func() error { _, err := d.Audit(d.ctx, d.admin, d.product, AuditFilter{Limit: 1000}); return err },
		"Since":           func() error { _, err := d.Since(d.ctx, d.admin, d.product, d.Now().Add(-time.Hour)); return err },
		"Assigned":        func() error { _, err := d.Assigned(d.ctx, d.admin, "", 1000); return err },
		"Standards":       func() error { _, err := d.ProductStandards(d.ctx, d.admin, d.product); return err },
		"Export":          func() error { _, err := d.ExportModel(d.ctx, d.admin, d.product, ""); return err },
	} {
		// What others did counts too: nothing else is at work on this database.
		before := d.DB.Statements()
		if err := ask(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = d.DB.Statements() - before
	}
	return out
}

// A page of products and the portfolio cost the same however many products there are.
func TestStatementsOfThePortfolio(t *testing.T) {
	t.Parallel()
	count := func(products int) (list, sums int64) {
		d := newDesk(t)
		for i := range products {
			if _, err := d.CreateProduct(d.ctx, d.admin, ProductInput{Name: fmt.Sprint("Product ", i)}); err != nil {
				t.Fatal(err)
			}
		}
		before := d.DB.Statements()
		if _, err := d.Products(d.ctx, d.admin, ProductFilter{Sort: string(store.SortByRating)}); err != nil {
			t.Fatal(err)
		}
		list = d.DB.Statements() - before
		if _, err := d.Portfolio(d.ctx, d.admin, ProductFilter{}, ""); err != nil {
			t.Fatal(err)
		}
		return list, d.DB.Statements() - before - list
	}
	fewList, fewSums := count(2)
	manyList, manySums := count(30)
	if fewList != manyList || fewSums != manySums {
		t.Errorf("a list and the portfolio of 30 products take %d and %d statements, of 2 products %d and %d", manyList, manySums, fewList, fewSums)
	}
}
