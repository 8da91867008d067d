package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/pgtest"
)

// beforeLists is the newest schema of the version before owners and lists had columns.
const beforeLists = 2

// databases are a new database without any schema per engine.
func databases(t *testing.T, test func(t *testing.T, o store.Options)) {
	for name, target := range map[string]func(*testing.T) store.Options{
		"sqlite":     func(t *testing.T) store.Options { return store.Options{Path: filepath.Join(t.TempDir(), "test.db")} },
		"postgresql": func(t *testing.T) store.Options { return store.Options{DatabaseURL: pgtest.URL(t, "", nil)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, target(t))
		})
	}
}

func run(t *testing.T, db *store.DB, statements ...string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, s := range statements {
			var err error
			if tx.Postgres() != nil {
				_, err = tx.Postgres().Exec(ctx, s)
			} else {
				_, err = tx.SQLite().ExecContext(ctx, s)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// older makes a database as the version before left it: prd_00000 with owners, a
// trend and test runs, and n-1 products with little in them.
func older(t *testing.T, o store.Options, n int) {
	t.Helper()
	db, err := store.OpenAt(t.Context(), o, beforeLists)
	if err != nil {
		t.Fatal(err)
	}
	product := func(i int, doc string) []string {
		id, at := fmt.Sprintf("prd_%05d", i), day0.Add(time.Duration(i)*time.Second).UnixMicro()
		return []string{
			fmt.Sprintf(`INSERT INTO product (id, name, folded, version, created_at, created_by, updated_at, updated_by, doc)
				VALUES ('%s', 'Product', 'product', 1, %d, 'u', %d, 'u', '{"product":{"id":"%s","name":"Product"%s}}')`, id, at, at, id, doc),
			fmt.Sprintf("INSERT INTO product_summary (product_id, current_max, at) VALUES ('%s', 40, %d)", id, at),
		}
	}
	statements := product(0, `,"tags":["web","web","pci"],"team":"Shop"`)
	object := func(kind, id, doc string) {
		statements = append(statements, fmt.Sprintf("INSERT INTO model_object (product_id, kind, id, pos, version, doc) VALUES ('prd_00000', '%s', '%s', 0, 1, '%s')", kind, id, doc))
	}
	const own = `"where":"product","ref":"r","title":"T","impact":{"confidentiality":1,"integrity":1,"availability":1},"ease":1,"status":"open","origin":"person"`
	const decided = `"acceptance":{"reason":"r","owner":"usr_2","by":"u","at":"2030-01-01T00:00:00Z","ends":"2031-01-01T00:00:00Z"}`
	object("threat", "thr_1", `{"id":"thr_1",`+own+`,`+decided+`,"owner":"usr_1"}`)
	object("threat", "thr_2", `{"id":"thr_2",`+own+`,`+decided+`}`)
	object("countermeasure", "cms_1", `{"id":"cms_1","where":"product","ref":"c","title":"\"owner\":\"usr_1\"","state":"required","origin":"person"}`)
	object("countermeasure", "cms_2", `{"id":"cms_2","where":"product","ref":"d","title":"T","state":"required","owner":"usr_1","origin":"person"}`)
	object("zone", "z", `{"id":"z","name":"Z","trust":1,"extra":{"owner":"usr_1"}}`)
	for _, id := range []string{"usr_1", "usr_2"} {
		statements = append(statements, fmt.Sprintf("INSERT INTO account (id, email, folded, name, password_hash, admin, disabled, created_at, version, doc) VALUES ('%s', '%s', '%s', 'N', '', FALSE, FALSE, 0, 1, '{}')", id, id, id))
	}
	// More ratings than one page of them, one before the span of the trend.
	rating := func(seq int, at time.Time, current float64) {
		statements = append(statements, fmt.Sprintf(`INSERT INTO product_rating (product_id, seq, at, inherent_max, verified_max, current_max, projected_max, current_sum, low, medium, high, critical, vulnerabilities)
			VALUES ('prd_00000', %d, %d, 90, 80, %g, 10, 0, 0, 0, 0, 0, 0)`, seq, at.UnixMicro(), current))
	}
	rating(1, day0.AddDate(-2, 0, 0), 70)
	rating(2, day0.AddDate(-1, 0, 0), 60)
	for i := range 1100 {
		rating(3+i, day0.Add(time.Duration(i)*time.Minute), 50)
	}
	rating(1103, day0.AddDate(0, 0, 1), 30)
	for i, r := range []struct {
		state    string
		complete bool
	}{{"done", true}, {"done", false}, {"failed", true}} {
		statements = append(statements, fmt.Sprintf(`INSERT INTO run (id, product_id, source, branch, environment, format, tool, complete, reasons, counts, client_key, content_hash, state, error, blob_id, at, updated_at, by_actor, doc)
			VALUES ('run_%d', 'prd_00000', 's', '', '', '', '', %t, '', '', '', '', '%s', '', '', %d, 0, 'u', '{}')`, i, r.complete, r.state, day0.AddDate(0, 0, i).UnixMicro()))
	}
	for i := 1; i < n; i++ {
		statements = append(statements, product(i, fmt.Sprintf(`,"tags":["all"],"team":"Team %d"`, i%5))...)
	}
	run(t, db, statements...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestUpgradeFillsColumns opens what an older program wrote: owners and what lists
// show are there, once and for all.
func TestUpgradeFillsColumns(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, o store.Options) {
		older(t, o, 60)
		db := open(t, o)
		owned := func(user string) []model.ProductID {
			return read(t, db, func(tx *store.Tx) ([]model.ProductID, error) { return tx.OwnedProducts(user, store.Everything()) })
		}
		if diff := cmp.Diff([]model.ProductID{"prd_00000"}, owned("usr_1")); diff != "" {
			t.Errorf("OwnedProducts(usr_1) (-want +got):\n%s", diff)
		}
		if got := owned("usr_2"); len(got) > 0 {
			t.Errorf("OwnedProducts(usr_2) = %v, want none: who answers for an acceptance owns no threat", got)
		}
		all := store.ProductQuery{Visible: store.Everything(), Limit: 1000}
		tagged, team := all, all
		tagged.Tag, team.Team = "web", "Team 2"
		for _, c := range []struct {
			q    store.ProductQuery
			want int64
		}{{all, 60}, {tagged, 1}, {team, 12}} {
			if got := read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountProducts(c.q) }); got != c.want {
				t.Errorf("CountProducts(%+v) = %d, want %d", c.q, got, c.want)
			}
		}
		row := read(t, db, func(tx *store.Tx) (store.ProductRow, error) { return tx.Product("prd_00000", store.Everything()) })
		want := []store.TrendPoint{{At: day0.AddDate(-1, 0, 0), Current: 60, Verified: 80}, {At: day0, Current: 50, Verified: 80}, {At: day0.AddDate(0, 0, 1), Current: 30, Verified: 80}}
		if diff := cmp.Diff(want, row.Trend); diff != "" {
			t.Errorf("trend (-want +got):\n%s", diff)
		}
		if !row.LastTest.Equal(day0) || row.Head.Team != "Shop" {
			t.Errorf("Product = last test %v, team %q, want %v of the complete run that was read, Shop", row.LastTest, row.Head.Team, day0)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Errorf("Check = %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		o.Point = func(name string) { t.Errorf("the second start came to %s, want no write", name) }
		open(t, o)
	})
}

// TestUpgradeIsCutOff ends the program after its first transaction of many.
func TestUpgradeIsCutOff(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, o store.Options) {
		older(t, o, 130)
		for _, point := range []string{"tx.begin", "tx.commit", "tx.committed"} {
			if code, out := startChild(t, "open", o.Path+o.DatabaseURL, point); code != 42 {
				t.Fatalf("child = exit %d, %q, want 42", code, out)
			}
		}
		teamsOf(t, open(t, o), 130)
	})
}

func teamsOf(t *testing.T, db *store.DB, products int64) {
	t.Helper()
	teams := read(t, db, func(tx *store.Tx) ([]store.Facet, error) {
		teams, _, _, err := tx.Facets(store.ProductQuery{Visible: store.Everything()})
		return teams, err
	})
	got := int64(0)
	for _, f := range teams {
		got += f.Products
	}
	if got != products {
		t.Errorf("%d products have a team, want %d", got, products)
	}
}

// TestReplicasUpgradeAtOnce starts three programs on the same older database while
// a fourth changes a product.
func TestReplicasUpgradeAtOnce(t *testing.T) {
	t.Parallel()
	o := store.Options{DatabaseURL: pgtest.URL(t, "", nil)}
	older(t, o, 130)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			db, err := store.Open(context.Background(), o)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			defer db.Close()
			err = db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
				m, v, err := tx.LoadModel("prd_00129")
				if err != nil {
					return err
				}
				next := *m
				next.Product.Team = strings.Repeat("x", int(v.Product))
				next.Product.Tags = []string{next.Product.Team}
				_, err = tx.SaveModel(m, &next, store.Save{By: "u", At: day0, Expect: v.Product})
				return err
			})
			if err != nil {
				t.Errorf("SaveModel while others start: %v", err)
			}
		})
	}
	all.Wait()
	db := open(t, o)
	teamsOf(t, db, 130)
	q := store.ProductQuery{Visible: store.Everything(), Team: "xxx", Tag: "xxx"}
	if n := read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountProducts(q) }); n != 1 {
		t.Errorf("%d products have what was written last, want 1", n)
	}
}
