package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

func engines(b *testing.B, bench func(b *testing.B, db *store.DB)) {
	b.Run("sqlite", func(b *testing.B) { bench(b, storetest.SQLite(b)) })
	b.Run("postgresql", func(b *testing.B) { bench(b, storetest.Postgres(b)) })
}

// BenchmarkNewModel stores a model of 50,000 objects per iteration.
func BenchmarkNewModel(b *testing.B) {
	engines(b, func(b *testing.B, db *store.DB) {
		const n = 50_000
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			m := &model.Model{Product: model.Product{ID: model.ProductID(fmt.Sprint("prd_", i)), Name: "Bench"}}
			for j := range n {
				ref := fmt.Sprint("ref-", j)
				m.Countermeasures = append(m.Countermeasures, model.Countermeasure{
					ID: model.NewCountermeasureID(m.Product.ID, model.AtProduct, ref), Where: model.AtProduct, Ref: ref,
					Title: "Bind parameters instead of joining text into a statement", State: model.Required, Origin: model.ByRule,
					Why: []model.Why{{Rule: "web/sql", Library: "1.4.0", Text: "The component stores data and is reached over HTTP."}},
				})
			}
			b.StartTimer()
			err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
				_, err := tx.SaveModel(nil, m, store.Save{By: "bench", At: time.Unix(1, 0)})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

// BenchmarkLoadModel loads a model of 2,500 objects, and changes one of them.
func BenchmarkLoadModel(b *testing.B) {
	engines(b, func(b *testing.B, db *store.DB) {
		m := &model.Model{Product: model.Product{ID: "prd_1", Name: "Bench"}}
		for j := range 2500 {
			ref := fmt.Sprint("ref-", j)
			m.Countermeasures = append(m.Countermeasures, model.Countermeasure{
				ID: model.NewCountermeasureID("prd_1", model.AtProduct, ref), Where: model.AtProduct, Ref: ref, Title: "Bind parameters", State: model.Required, Origin: model.ByRule,
			})
		}
		model.Sort(m)
		save := func(old, m *model.Model, expect int64) {
			err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
				_, err := tx.SaveModel(old, m, store.Save{By: "bench", At: time.Unix(1, 0), Expect: expect})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		save(nil, m, 0)
		for b.Loop() {
			err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
				old, v, err := tx.LoadModel("prd_1")
				if err != nil {
					return err
				}
				next := *old
				next.Countermeasures = append([]model.Countermeasure(nil), old.Countermeasures...)
				next.Countermeasures[7].Owner = fmt.Sprint("owner ", v.Product)
				_, err = tx.SaveModel(old, &next, store.Save{By: "bench", At: time.Unix(1, 0), Expect: v.Product})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
