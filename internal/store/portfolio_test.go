package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

var day0 = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// portfolio stores n products in five teams, each with a rating and some trend.
func portfolio(tb testing.TB, db *store.DB, n int) {
	tb.Helper()
	for from := 0; from < n; from += 500 {
		err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
			for i := from; i < min(n, from+500); i++ {
				m := &model.Model{Product: model.Product{
					ID: model.ProductID(fmt.Sprintf("prd_%05d", i)), Name: fmt.Sprintf("Product %05d", i), Team: fmt.Sprintf("Team %d", i%5),
					Tags: []string{"all", fmt.Sprintf("tag %d", i%50)}, Owner: "Ann", Template: i%10 == 9,
				}}
				if _, err := tx.SaveModel(nil, m, store.Save{By: "t", At: day0.Add(time.Duration(i) * time.Second)}); err != nil {
					return err
				}
				for d := range 3 {
					r := store.ProductRating{At: day0.AddDate(0, 0, d), CurrentMax: float64((i + d) % 100), VerifiedMax: float64(min(100, i%100+d))}
					if err := tx.AddProductRating(m.Product.ID, r); err != nil {
						return err
					}
				}
				s := store.Summary{CurrentMax: float64(i % 100), Low: 1, High: int64(i % 3), Vulnerabilities: int64(i % 7), Exceeding: int64(i % 2), At: day0}
				if err := tx.SetSummary(m.Product.ID, s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func read[T any](tb testing.TB, db *store.DB, fn func(*store.Tx) (T, error)) T {
	tb.Helper()
	var out T
	err := db.Read(context.Background(), func(_ context.Context, tx *store.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestPortfolioOfManyProducts(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) *store.DB{"sqlite": storetest.SQLite, "postgresql": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			portfolio(t, db, 100)
			all := store.ProductQuery{Visible: store.Everything(), Limit: 1000}
			totals := read(t, db, func(tx *store.Tx) (store.PortfolioTotals, error) { return tx.PortfolioTotals(all, [3]int{25, 50, 75}) })
			if totals.Products != 90 || totals.Low != 90 || totals.Untested != 90 || totals.CurrentMax != 98 {
				t.Errorf("PortfolioTotals = %+v, want 90 products without the templates", totals)
			}
			if got := totals.ProductBands[0] + totals.ProductBands[1] + totals.ProductBands[2] + totals.ProductBands[3]; got != totals.Products {
				t.Errorf("the bands hold %d products, want %d", got, totals.Products)
			}
			type page struct {
				rows []store.HeatRow
				all  int64
			}
			teams := read(t, db, func(tx *store.Tx) (p page, err error) {
				p.rows, p.all, err = tx.HeatMap(all, store.HeatByTeam, 3)
				return p, err
			})
			if teams.all != 5 || len(teams.rows) != 3 || teams.rows[0].CurrentMax != 98 {
				t.Errorf("HeatMap by team = %+v, want the worst three of five", teams)
			}
			tags := read(t, db, func(tx *store.Tx) ([]store.Facet, error) {
				_, tags, _, err := tx.Facets(all)
				return tags, err
			})
			if len(tags) == 0 || tags[0] != (store.Facet{Value: "all", Products: 90}) {
				t.Errorf("Facets = %v, want the tag of all products first", tags)
			}
			narrow := all
			narrow.Team, narrow.Tag, narrow.Rated = "Team 0", "tag 0", &store.RatedFrom{From: 50, Below: 75}
			rows := read(t, db, func(tx *store.Tx) ([]store.ProductRow, error) { return tx.Products(narrow) })
			if len(rows) != 1 || rows[0].ID != "prd_00050" || rows[0].Head.Team != "Team 0" {
				t.Errorf("Products(%+v) = %v, want prd_00050", narrow, rows)
			}
			want := []store.TrendPoint{{day0, 50, 50}, {day0.AddDate(0, 0, 1), 51, 51}, {day0.AddDate(0, 0, 2), 52, 52}}
			if diff := cmp.Diff(want, rows[0].Trend); diff != "" {
				t.Errorf("trend (-want +got):\n%s", diff)
			}
		})
	}
}

// The kept trend stays short, ends with what was added last and drops what says least.
func TestTrendStaysShort(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	portfolio(t, db, 1)
	add := func(at time.Time, current float64) {
		err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
			return tx.AddProductRating("prd_00000", store.ProductRating{At: at, CurrentMax: current})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		current := float64(40 + i%2)
		if i == 100 {
			current = 90
		}
		add(day0.AddDate(0, 0, 5).Add(time.Duration(i)*time.Hour), current)
	}
	trend := read(t, db, func(tx *store.Tx) ([]store.TrendPoint, error) {
		row, err := tx.Product("prd_00000", store.Everything())
		return row.Trend, err
	})
	peak := false
	for i, p := range trend {
		peak = peak || p.Current == 90
		if i > 0 && !p.At.After(trend[i-1].At) {
			t.Fatalf("the trend is out of order at %d: %v", i, trend)
		}
	}
	if len(trend) > 29 || !peak || trend[len(trend)-1].Current != 41 {
		t.Errorf("the trend = %v, want at most 29 points with the peak and the last", trend)
	}
}

func TestVisits(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) *store.DB{"sqlite": storetest.SQLite, "postgresql": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			portfolio(t, db, 1)
			err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
				if err := tx.AddAccount(store.Account{ID: "usr_1", Email: "a@example.org", Name: "A", CreatedAt: day0}); err != nil {
					return err
				}
				for i, want := range []time.Time{{}, day0, day0.Add(time.Hour)} {
					before, err := tx.Visit("usr_1", "prd_00000", day0.Add(time.Duration(i)*time.Hour))
					if err != nil {
						return err
					}
					if !before.Equal(want) {
						t.Errorf("the visit before number %d = %v, want %v", i, before, want)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// BenchmarkPortfolio reads a page of 100 products, all pages, and the head of a portfolio of 10,000.
func BenchmarkPortfolio(b *testing.B) {
	engines(b, func(b *testing.B, db *store.DB) {
		portfolio(b, db, 10_000)
		for _, sort := range []store.ProductSort{store.SortByName, store.SortByRating} {
			q := store.ProductQuery{Visible: store.Everything(), Sort: sort, Limit: 100}
			b.Run("page by "+string(sort), func(b *testing.B) {
				for b.Loop() {
					read(b, db, func(tx *store.Tx) (int64, error) {
						page(b, tx, q)
						return tx.CountProducts(q)
					})
				}
			})
			b.Run("walk by "+string(sort), func(b *testing.B) {
				for b.Loop() {
					next := q
					for {
						rows := read(b, db, func(tx *store.Tx) ([]store.ProductRow, error) { return page(b, tx, next), nil })
						if len(rows) < q.Limit {
							break
						}
						next.After = &rows[len(rows)-1]
					}
				}
			})
		}
		b.Run("head", func(b *testing.B) {
			q := store.ProductQuery{Visible: store.Everything()}
			for b.Loop() {
				read(b, db, func(tx *store.Tx) (int64, error) {
					if _, err := tx.PortfolioTotals(q, [3]int{25, 50, 75}); err != nil {
						return 0, err
					}
					if _, _, _, err := tx.Facets(q); err != nil {
						return 0, err
					}
					_, all, err := tx.HeatMap(q, store.HeatByTeam, 100)
					return all, err
				})
			}
		})
	})
}

// page reads what a page of the list shows.
func page(b *testing.B, tx *store.Tx, q store.ProductQuery) []store.ProductRow {
	rows, err := tx.Products(q)
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]model.ProductID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	if _, err := tx.Waiting(ids...); err != nil {
		b.Fatal(err)
	}
	return rows
}
