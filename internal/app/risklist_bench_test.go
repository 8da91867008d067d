package app

import (
	"context"
	"fmt"
	"testing"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// large puts a model of n threats, each with a weakness and two countermeasures, in
// place of the product's.
func (d desk) large(n int) {
	d.t.Helper()
	old, versions, err := (*model.Model)(nil), store.Versions{}, error(nil)
	err = d.DB.Read(d.ctx, func(_ context.Context, tx *store.Tx) error {
		old, versions, err = tx.LoadModel(d.product)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	m := &model.Model{Product: old.Product, Components: old.Components}
	why := []model.Why{{Rule: "web-application", Pattern: "sql-injection", Library: "1", Text: "the component is a web application that is reached from the Internet"}}
	for i := range n {
		t, w := model.ThreatID(fmt.Sprintf("thr_%05d", i)), model.WeaknessID(fmt.Sprintf("wkn_%05d", i))
		m.Threats = append(m.Threats, model.Threat{
			ID: t, Where: "shop", Ref: fmt.Sprint("p/", i), Title: fmt.Sprintf("Somebody reads what is of another %d", i*7919%n), Description: "A paragraph on what can happen here and to whom.",
			Categories: []string{"stride:tampering"}, Impact: model.CIA{Confidentiality: i % 101, Integrity: 50}, Ease: 75, Status: model.Open, Origin: model.ByRule, Why: why,
		})
		m.Weaknesses = append(m.Weaknesses, model.Weakness{ID: w, Where: "shop", Ref: fmt.Sprint("w-", i), Title: "A flaw", CWE: 89, Origin: model.ByRule, Why: why})
		for k := range 2 {
			c := model.CountermeasureID(fmt.Sprintf("cms_%05d_%d", i, k))
			m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: c, Where: "shop", Ref: fmt.Sprint("c-", i, "-", k), Title: "What is done about it", State: model.Required, Origin: model.ByRule, Why: why})
			m.Links = append(m.Links, model.Link{Threat: t, Weakness: w, Countermeasure: c, Share: 40, Origin: model.ByRule})
		}
	}
	err = d.DB.Write(d.ctx, func(_ context.Context, tx *store.Tx) error {
		_, err := tx.SaveModel(old, m, store.Save{By: "u", At: d.Now(), Expect: versions.Product})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// BenchmarkLists measures a page of 100, the whole list in pages of 1,000, and
// what edits of many cost, in a product of 10,000 threats.
func BenchmarkLists(b *testing.B) {
	d := newDesk(b)
	d.large(10_000)
	// Time on the wall says little on a machine that does other things.
	measure := func(b *testing.B) func() {
		begin := cpuTime()
		return func() { b.ReportMetric(float64((cpuTime()-begin).Milliseconds())/float64(b.N), "cpu-ms/op") }
	}
	whole := func(b *testing.B, f RiskFilter) {
		defer measure(b)()
		for b.Loop() {
			f.Cursor, f.Limit = "", 1000
			n := 0
			for {
				page, err := d.Threats(d.ctx, d.admin, d.product, f)
				if err != nil {
					b.Fatal(err)
				}
				n += len(page.Items)
				if f.Cursor = page.Next; f.Cursor == "" {
					break
				}
			}
			if n != 10_000 {
				b.Fatalf("%d threats, want 10,000", n)
			}
		}
	}
	b.Run("page", func(b *testing.B) {
		defer measure(b)()
		for b.Loop() {
			if _, err := d.Threats(d.ctx, d.admin, d.product, RiskFilter{Sort: "-rating", Limit: 100}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("countermeasures", func(b *testing.B) {
		defer measure(b)()
		for b.Loop() {
			if _, err := d.Countermeasures(d.ctx, d.admin, d.product, RiskFilter{Sort: "-rating", Limit: 1000}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("whole", func(b *testing.B) { whole(b, RiskFilter{Sort: "-rating"}) })
	b.Run("tree", func(b *testing.B) {
		defer measure(b)()
		for b.Loop() {
			if _, err := d.ThreatTree(d.ctx, d.admin, d.product, "thr_00007"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("edits", func(b *testing.B) {
		defer measure(b)()
		states := []string{`{"state":"implemented"}`, `{"state":"required"}`}
		for i := 0; b.Loop(); i++ {
			in := EditsInput{}
			for k := range 1000 {
				in.Edits = append(in.Edits, OneEdit{Kind: store.KindCountermeasure, ID: fmt.Sprintf("cms_%05d_0", k), Set: []byte(states[i%2])})
			}
			if _, err := d.Edits(d.ctx, d.admin, d.product, in); err != nil {
				b.Fatal(err)
			}
		}
	})
}
