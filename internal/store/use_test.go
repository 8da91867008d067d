package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

// beforeUses is the newest schema of the version before what products hold of the library was kept.
const beforeUses = 5

// TestUpgradeFindsUses opens what an older program wrote: what its products hold of
// the library is known, and of what cannot be read nothing.
func TestUpgradeFindsUses(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, o store.Options) {
		old, err := store.OpenAt(t.Context(), o, beforeUses)
		if err != nil {
			t.Fatal(err)
		}
		at := day0.UnixMicro()
		statements := []string{
			fmt.Sprintf(`INSERT INTO product (id, name, folded, version, created_at, created_by, updated_at, updated_by, doc, team, template, listed)
			VALUES ('prd_1', 'P', 'p', 1, %d, 'u', %d, 'u', '{"product":{"id":"prd_1","name":"P","questionnaire":"web","standards":["asvs-5.0:2"]}}', '', FALSE, TRUE)`, at, at),
			fmt.Sprintf("INSERT INTO product_summary (product_id, at) VALUES ('prd_1', %d)", at),
		}
		for i, o := range []struct{ kind, doc string }{
			{"component", `{"id":"c","type":"web-api"}`},
			{"component", `{"id":"d"}`},
			{"threat", `{"id":"t","ref":"injection/read","why":[{"rule":"web-api","pattern":"injection","library":"l","text":"t"}]}`},
			{"threat", `{"id":"own","ref":"mine/read"}`},
			{"countermeasure", `{"id":"m","ref":"bind","why":[{"rule":"all-of-them","library":"l","text":"t"}]}`},
			{"countermeasure", `no document`},
		} {
			statements = append(statements, fmt.Sprintf("INSERT INTO model_object (product_id, kind, id, pos, version, doc) VALUES ('prd_1', '%s', '%d', 0, 1, '%s')", o.kind, i, o.doc))
		}
		run(t, old, statements...)
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		db := open(t, o)
		want := map[store.Use]int64{
			{Kind: store.UseQuestionnaire, Ref: "web"}: 1, {Kind: store.UseStandard, Ref: "asvs-5.0"}: 1, {Kind: store.UseType, Ref: "web-api"}: 1,
			{Kind: store.UsePattern, Ref: "injection"}: 1, {Kind: store.UseRule, Ref: "web-api"}: 1, {Kind: store.UseRule, Ref: "all-of-them"}: 1,
		}
		got := read(t, db, func(tx *store.Tx) (map[store.Use]int64, error) { return tx.LibraryUse() })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("LibraryUse() after the upgrade (-want +got):\n%s", diff)
		}
	})
}

// BenchmarkLibraryState is what following the library costs each transaction.
func BenchmarkLibraryState(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *store.DB{"sqlite": storetest.SQLite, "postgresql": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			read := func(times int) {
				err := db.Read(b.Context(), func(_ context.Context, tx *store.Tx) error {
					for range times {
						if _, err := tx.LibraryState(); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			read(b.N)
		})
	}
}
