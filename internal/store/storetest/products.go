package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// modelProperty: whatever the changes, what is loaded is what was saved last.
func modelProperty(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	var n atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		id := model.ProductID(fmt.Sprint("prd_", n.Add(1)))
		var old *model.Model
		version := int64(0)
		for range rapid.IntRange(1, 4).Draw(rt, "saves") {
			next := drawModel(rt, id)
			var saved store.Saved
			err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) (err error) {
				saved, err = tx.SaveModel(old, next, store.Save{By: "u", At: at, Expect: version})
				return err
			})
			if err != nil {
				rt.Fatalf("SaveModel: %v", err)
			}
			var got *model.Model
			var versions store.Versions
			err = db.Read(context.Background(), func(_ context.Context, tx *store.Tx) (err error) {
				got, versions, err = tx.LoadModel(id)
				return err
			})
			if err != nil {
				rt.Fatalf("LoadModel: %v", err)
			}
			if diff := cmp.Diff(next, got); diff != "" {
				rt.Fatalf("LoadModel (-want +got):\n%s", diff)
			}
			if versions.Product != saved.Version {
				rt.Fatalf("version = %d, want %d", versions.Product, saved.Version)
			}
			for _, k := range saved.Written {
				if v := versions.Of(k.Kind, k.ID); v != saved.Version {
					rt.Fatalf("version of written %v = %d, want %d", k, v, saved.Version)
				}
			}
			old, version = next, saved.Version
		}
	})
}

func drawModel(rt *rapid.T, id model.ProductID) *model.Model {
	m := &model.Model{Product: model.Product{ID: id, Name: rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "name")}}
	letters := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"}), rapid.ID)
	name := rapid.SampledFrom([]string{"x", "y"})
	for _, l := range letters.Draw(rt, "components") {
		m.Components = append(m.Components, model.Component{ID: model.ElementID(l), Kind: model.Process, Name: name.Draw(rt, "component")})
	}
	for _, l := range letters.Draw(rt, "zones") {
		m.Zones = append(m.Zones, model.Zone{ID: model.ElementID(l), Name: name.Draw(rt, "zone")})
	}
	for _, l := range letters.Draw(rt, "threats") {
		m.Threats = append(m.Threats, model.Threat{ID: model.ThreatID(l), Title: name.Draw(rt, "threat")})
	}
	for _, l := range letters.Draw(rt, "links") {
		m.Links = append(m.Links, model.Link{Threat: model.ThreatID(l), Countermeasure: "c", Share: float64(rapid.IntRange(0, 1).Draw(rt, "share"))})
	}
	model.Sort(m)
	return m
}

func savers(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	m := sample("prd_1", 2)
	save(t, db, nil, m, 0)
	var won, stale atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			next := clone(t, m)
			next.Threats[0].Title = fmt.Sprint("by ", i)
			err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
				_, err := tx.SaveModel(m, next, store.Save{By: "u", At: at, Expect: 1})
				return err
			})
			switch {
			case err == nil:
				won.Add(1)
			case fault.Is(err, fault.Stale):
				stale.Add(1)
			default:
				t.Errorf("SaveModel: %v", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || stale.Load() != 7 {
		t.Errorf("won, stale = %d, %d, want 1, 7", won.Load(), stale.Load())
	}
}

func addProduct(t testing.TB, db *store.DB, id model.ProductID, name string, rating float64) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		_, err := tx.SaveModel(nil, &model.Model{Product: model.Product{ID: id, Name: name}}, store.Save{By: "u", At: at})
		return errors.Join(err, tx.SetSummary(id, store.Summary{CurrentMax: rating, CurrentSum: rating, High: 1, At: at}))
	})
}

func list(t testing.TB, db *store.DB, q store.ProductQuery) []string {
	t.Helper()
	var names []string
	for {
		var page []store.ProductRow
		read(t, db, func(tx *store.Tx) (err error) {
			page, err = tx.Products(q)
			return err
		})
		if len(page) == 0 {
			return names
		}
		for _, p := range page {
			names = append(names, p.Name)
		}
		q.After = &page[len(page)-1]
	}
}

func sorting(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	names := []string{"zebra", "Äpfel", "apple", "Zoo", "b-1", "B 2", "_x", "Éclair", "straße", "STRASSEN", "10", "9", "日本", "a_b", "a%b"}
	for i, n := range names {
		addProduct(t, db, model.ProductID(fmt.Sprintf("prd_%02d", i)), n, 0)
	}
	want := slices.Clone(names)
	slices.SortFunc(want, func(a, b string) int {
		if store.Fold(a) < store.Fold(b) {
			return -1
		}
		return 1
	})
	for _, limit := range []int{1, 4, 100} {
		if diff := cmp.Diff(want, list(t, db, store.ProductQuery{Visible: store.Everything(), Limit: limit})); diff != "" {
			t.Errorf("Products by name, pages of %d (-want +got):\n%s", limit, diff)
		}
	}
	for text, want := range map[string][]string{
		"STRASSE": {"straße", "STRASSEN"}, "e": {"apple", "Äpfel", "Éclair", "straße", "STRASSEN", "zebra"}, "a_": {"a_b"}, "%": {"a%b"}, "ecl": {"Éclair"}, "本": {"日本"},
	} {
		got := list(t, db, store.ProductQuery{Visible: store.Everything(), Text: text})
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Products(text %q) (-want +got):\n%s", text, diff)
		}
	}
}

func productPages(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	write(t, db, func(tx *store.Tx) error { return tx.AddAccount(store.Account{ID: "usr_1", Email: "a@example.org"}) })
	for i := range 12 {
		id := model.ProductID(fmt.Sprintf("prd_%02d", i))
		addProduct(t, db, id, fmt.Sprintf("P%02d", i), float64(i/3)) // ratings repeat
		if i%2 == 0 {
			write(t, db, func(tx *store.Tx) error {
				return tx.SetMembership(store.Membership{User: "usr_1", Product: id, Role: "viewer"})
			})
		}
	}
	byRating := []string{"P11", "P10", "P09", "P08", "P07", "P06", "P05", "P04", "P03", "P02", "P01", "P00"}
	got := list(t, db, store.ProductQuery{Visible: store.Everything(), Sort: store.SortByRating, Limit: 2})
	if diff := cmp.Diff(byRating, got); diff != "" {
		t.Errorf("Products by rating (-want +got):\n%s", diff)
	}
	mine := []string{"P00", "P02", "P04", "P06", "P08", "P10"}
	if diff := cmp.Diff(mine, list(t, db, store.ProductQuery{Visible: store.MemberOf("usr_1"), Limit: 4})); diff != "" {
		t.Errorf("Products of a member (-want +got):\n%s", diff)
	}
	if got := list(t, db, store.ProductQuery{Visible: store.MemberOf("usr_2")}); len(got) != 0 {
		t.Errorf("Products of a stranger = %v, want none", got)
	}
	write(t, db, func(tx *store.Tx) error {
		return tx.ArchiveProduct("prd_00", true, store.Save{By: "u", At: at, Expect: 1})
	})
	read(t, db, func(tx *store.Tx) error {
		n, err := tx.CountProducts(store.ProductQuery{Visible: store.MemberOf("usr_1")})
		if n != 5 {
			t.Errorf("CountProducts = %d, want 5", n)
		}
		s, products, err2 := tx.Portfolio(store.Everything())
		if products != 11 || s.CurrentMax != 3 || s.High != 11 || s.CurrentSum != 18 {
			t.Errorf("Portfolio = %+v of %d, want highest 3, sum 18, 11 high, of 11", s, products)
		}
		_, err3 := tx.Product("prd_01", store.MemberOf("usr_1"))
		if !fault.Is(err3, fault.NotFound) {
			t.Errorf("Product(not visible) = %v, want not_found", err3)
		}
		row, err4 := tx.Product("prd_00", store.MemberOf("usr_1"))
		if !row.Archived || row.Version != 2 || !row.UpdatedAt.Equal(at) {
			t.Errorf("Product(archived) = %+v, want archived at version 2", row)
		}
		_, err5 := tx.Products(store.ProductQuery{Visible: store.Everything(), Sort: "colour"})
		if !fault.Is(err5, fault.Invalid) {
			t.Errorf("Products(sort colour) = %v, want invalid", err5)
		}
		return errors.Join(err, err2, err4)
	})
	err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
		return tx.ArchiveProduct("prd_00", false, store.Save{By: "u", At: at, Expect: 1})
	})
	if !fault.Is(err, fault.Stale) {
		t.Errorf("ArchiveProduct(old version) = %v, want stale", err)
	}
	write(t, db, func(tx *store.Tx) error { return tx.DeleteProduct("prd_02") })
	if got := list(t, db, store.ProductQuery{Visible: store.MemberOf("usr_1")}); slices.Contains(got, "P02") {
		t.Errorf("Products after DeleteProduct = %v, want none of P02", got)
	}
}

func ratings(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	addProduct(t, db, "prd_1", "P", 0)
	change := func(threat model.ThreatID, after float64) store.RatingChange {
		return store.RatingChange{
			Threat: threat, At: at, Before: store.Ratings{Inherent: 80, Verified: 80, Current: 80, Projected: 80},
			After: store.Ratings{Inherent: 80, Verified: 80, Current: after, Projected: after}, CauseKind: "edit", CauseText: "implemented", CauseRef: "req_1",
		}
	}
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.AddRatingChanges("prd_1", change("a", 20), change("b", 30)), tx.AddRatingChanges("prd_1", change("a", 10)),
			tx.AddProductRating("prd_1", store.ProductRating{At: at, CurrentMax: 30, High: 2}),
			tx.AddProductRating("prd_1", store.ProductRating{At: at.Add(time.Hour), CurrentMax: 40}))
	})
	read(t, db, func(tx *store.Tx) error {
		first, err := tx.RatingChanges("prd_1", "", 0, 2)
		if err != nil || len(first) != 2 {
			t.Fatalf("RatingChanges = %v, %v, want 2", first, err)
		}
		rest, err := tx.RatingChanges("prd_1", "", first[1].Seq, 2)
		want := change("a", 20)
		want.Seq = 1
		if diff := cmp.Diff([]store.RatingChange{want}, rest); diff != "" {
			t.Errorf("RatingChanges, second page (-want +got):\n%s", diff)
		}
		ofA, err2 := tx.RatingChanges("prd_1", "a", 0, 0)
		if len(ofA) != 2 || ofA[0].After.Current != 10 {
			t.Errorf("RatingChanges(a) = %+v, want 2, the newest first", ofA)
		}
		trend, err3 := tx.ProductRatings("prd_1", at, at.Add(time.Minute), 0)
		if len(trend) != 1 || trend[0].CurrentMax != 30 || !trend[0].At.Equal(at) {
			t.Errorf("ProductRatings = %+v, want the first", trend)
		}
		return errors.Join(err, err2, err3)
	})
	write(t, db, func(tx *store.Tx) error {
		return tx.SetSummary("prd_1", store.Summary{CurrentMax: 7, At: at, RecomputeAt: at.Add(time.Hour)})
	})
	read(t, db, func(tx *store.Tx) error {
		early, err := tx.DueRecompute(at, 10)
		late, err2 := tx.DueRecompute(at.Add(time.Hour), 10)
		if len(early) != 0 || !slices.Equal(late, []model.ProductID{"prd_1"}) {
			t.Errorf("DueRecompute = %v before and %v at the time, want none and prd_1", early, late)
		}
		return errors.Join(err, err2)
	})
}
