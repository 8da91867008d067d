package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

// ofProducts returns the tables with a column product_id, each with its columns and their types.
func ofProducts(t *testing.T, db *store.DB) map[string][][2]string {
	t.Helper()
	query := `SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid`
	if db.Engine() == "postgresql" {
		query = `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`
	}
	tables := map[string][][2]string{}
	for _, r := range rowsOf(t, db, query) {
		tables[r[0]] = append(tables[r[0]], [2]string{r[1], strings.ToLower(r[2])})
	}
	for table, columns := range tables {
		if !slices.ContainsFunc(columns, func(c [2]string) bool { return c[0] == "product_id" }) {
			delete(tables, table)
		}
	}
	return tables
}

// rowsOf returns what a query finds, as texts.
func rowsOf(t *testing.T, db *store.DB, query string) (out [][3]string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var next func(dest ...any) (bool, error)
		if tx.Postgres() != nil {
			rows, err := tx.Postgres().Query(ctx, query)
			if err != nil {
				return err
			}
			defer rows.Close()
			next = func(dest ...any) (bool, error) {
				if !rows.Next() {
					return false, rows.Err()
				}
				return true, rows.Scan(dest...)
			}
		} else {
			rows, err := tx.SQLite().QueryContext(ctx, query)
			if err != nil {
				return err
			}
			defer rows.Close()
			next = scanner(rows)
		}
		for {
			var r [3]string
			ok, err := next(&r[0], &r[1], &r[2])
			if !ok || err != nil {
				return err
			}
			out = append(out, r)
		}
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

func scanner(rows *sql.Rows) func(dest ...any) (bool, error) {
	return func(dest ...any) (bool, error) {
		if !rows.Next() {
			return false, rows.Err()
		}
		return true, rows.Scan(dest...)
	}
}

// TestDeletedProductLeavesNothing puts a row of two products into every table that
// knows products, and deletes one of them.
func TestDeletedProductLeavesNothing(t *testing.T) {
	t.Parallel()
	// What a token was limited to is no row of the product: it ends with its account, and opens nothing now.
	stays := []string{"api_token"}
	storetest.Each(t, func(t *testing.T, fresh func(*testing.T) *store.DB) {
		db := fresh(t)
		portfolio(t, db, 2)
		run(t, db, "INSERT INTO account (id, email, folded, name, password_hash, admin, disabled, created_at, version, doc) VALUES ('usr_1', 'a', 'a', 'A', '', FALSE, FALSE, 0, 1, '{}')")
		tables := ofProducts(t, db)
		for _, table := range []string{"model_object", "comment", "visit", "membership", "product_rating", "run", "evidence", "evidence_match", "ticket_link", "ticket_intent", "pin", "term", "product_tag"} {
			if tables[table] == nil {
				t.Fatalf("the table %s has no product_id", table)
			}
		}
		order := []string{"evidence"} // evidence_match refers to it
		for table := range tables {
			if table != "evidence" {
				order = append(order, table)
			}
		}
		ids := []string{"prd_00000", "prd_00001"}
		for _, table := range order {
			for _, id := range ids {
				if len(rowsOf(t, db, fmt.Sprintf("SELECT product_id, '', '' FROM %s WHERE product_id = '%s'", table, id))) > 0 {
					continue
				}
				var columns, values []string
				for _, c := range tables[table] {
					value := "'x " + id + "'"
					switch {
					case c[0] == "product_id":
						value = "'" + id + "'"
					case c[0] == "user_id":
						value = "'usr_1'"
					case c[1] == "boolean":
						value = "TRUE"
					case c[1] == "bytea":
					case c[1] != "text":
						value = fmt.Sprint(len(ids) + slices.Index(ids, id))
					}
					columns, values = append(columns, c[0]), append(values, value)
				}
				run(t, db, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(values, ", ")+")")
			}
		}
		for _, id := range ids {
			run(t, db, "INSERT INTO setting (key, doc, at, version) VALUES ('tickets.look/con_1/"+id+"', '{}', 0, 1)")
		}
		tickets := int64(0)
		err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) (err error) {
			if tickets, err = tx.ForgetTickets(model.ProductID(ids[0])); err != nil {
				return err
			}
			return tx.DeleteProduct(model.ProductID(ids[0]))
		})
		if err != nil || tickets != 1 {
			t.Fatalf("ForgetTickets and DeleteProduct = %d tickets, %v, want 1", tickets, err)
		}
		left := map[string]string{}
		for table := range tables {
			for _, r := range rowsOf(t, db, "SELECT DISTINCT product_id, '', '' FROM "+table+" ORDER BY 1") {
				left[table] += r[0] + " "
			}
			want := ids[1] + " "
			if slices.Contains(stays, table) {
				want = ids[0] + " " + want
			}
			if diff := cmp.Diff(want, left[table]); diff != "" {
				t.Errorf("products in %s (-want +got):\n%s", table, diff)
			}
		}
		if diff := cmp.Diff([][3]string{{"tickets.look/con_1/" + ids[1]}}, rowsOf(t, db, "SELECT key, '', '' FROM setting WHERE key LIKE 'tickets.look/%' ORDER BY 1")); diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
	})
}
