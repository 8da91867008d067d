package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

func TestProductsByCustomField(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 500)
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.DB) {
		db := open(t)
		save := func(id model.ProductID, custom map[string]string) {
			t.Helper()
			err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
				var old *model.Model
				var version int64
				if m, versions, err := tx.LoadModel(id); err == nil {
					old, version = m, versions.Product
				}
				_, err := tx.SaveModel(old, &model.Model{Product: model.Product{ID: id, Name: string(id), Custom: custom}}, store.Save{By: "t", At: day0, Expect: version})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		save("a", map[string]string{"class": "secret", "duties": `["gdpr","pci"]`})
		save("b", map[string]string{"class": "public", "duties": `["pci"]`, "note": long})
		save("c", map[string]string{"class": "secret"})
		save("c", map[string]string{"class": "public", "empty": ""})
		save("d", nil)
		if err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
			if err := tx.AddAccount(store.Account{ID: "usr_1", Email: "u@example.org", Name: "U", CreatedAt: day0, Version: 1}); err != nil {
				return err
			}
			for id, role := range map[model.ProductID]string{"a": "viewer", "b": "modeller"} {
				if err := tx.SetMembership(store.Membership{User: "usr_1", Product: id, Role: role}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		all, one := store.Everything(), store.MemberOf("usr_1")
		for _, tc := range []struct {
			name    string
			visible store.Visible
			fields  []store.FieldFilter
			want    []model.ProductID
		}{
			{"one value", all, []store.FieldFilter{{Key: "class", Values: []string{"public"}}}, []model.ProductID{"b", "c"}},
			{"any of two", all, []store.FieldFilter{{Key: "class", Values: []string{"public", "secret"}}}, []model.ProductID{"a", "b", "c"}},
			{"one of several options", all, []store.FieldFilter{{Key: "duties", Values: []string{"pci"}}}, []model.ProductID{"a", "b"}},
			{"two fields", all, []store.FieldFilter{{Key: "duties", Values: []string{"pci"}}, {Key: "class", Values: []string{"secret"}}}, []model.ProductID{"a"}},
			{"a long text", all, []store.FieldFilter{{Key: "note", Values: []string{long}}}, []model.ProductID{"b"}},
			{"another's value", all, []store.FieldFilter{{Key: "class", Values: []string{"pci"}}}, nil},
			{"a member", one, []store.FieldFilter{{Key: "duties", Values: []string{"pci"}}}, []model.ProductID{"a", "b"}},
			{"a member's roles", one, []store.FieldFilter{{Key: "duties", Values: []string{"pci"}, Roles: []string{"modeller", "approver"}}}, []model.ProductID{"b"}},
			{"everybody has the roles who sees all", all, []store.FieldFilter{{Key: "class", Values: []string{"secret"}, Roles: []string{"approver"}}}, []model.ProductID{"a"}},
		} {
			q := store.ProductQuery{Visible: tc.visible, Fields: tc.fields}
			var got []model.ProductID
			for _, row := range read(t, db, func(tx *store.Tx) ([]store.ProductRow, error) { return tx.Products(q) }) {
				got = append(got, row.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Products by %s (-want +got):\n%s", tc.name, diff)
			}
			if n := read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountProducts(q) }); n != int64(len(tc.want)) {
				t.Errorf("CountProducts by %s = %d, want %d", tc.name, n, len(tc.want))
			}
		}
		facet := func(v store.Visible, key string, roles ...string) []store.Facet {
			return read(t, db, func(tx *store.Tx) ([]store.Facet, error) {
				return tx.FieldFacet(store.ProductQuery{Visible: v}, key, roles)
			})
		}
		if diff := cmp.Diff([]store.Facet{{Value: "pci", Products: 2}, {Value: "gdpr", Products: 1}}, facet(all, "duties")); diff != "" {
			t.Errorf("FieldFacet (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]store.Facet{{Value: "pci", Products: 1}}, facet(one, "duties", "modeller")); diff != "" {
			t.Errorf("FieldFacet of a member (-want +got):\n%s", diff)
		}
		use := read(t, db, func(tx *store.Tx) (map[string]int64, error) { return tx.FieldUse() })
		if diff := cmp.Diff(map[string]int64{"class": 3, "duties": 2, "note": 1}, use); diff != "" {
			t.Errorf("FieldUse (-want +got):\n%s", diff)
		}
	})
}
