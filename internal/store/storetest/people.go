package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// owned: the owner that stands beside an object follows its document.
func owned(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	write(t, db, func(tx *store.Tx) error { return tx.AddAccount(store.Account{ID: "usr_1", Email: "a@example.org"}) })
	products := func(owner string, v store.Visible) (ids []model.ProductID) {
		read(t, db, func(tx *store.Tx) (err error) {
			ids, err = tx.OwnedProducts(owner, v)
			return err
		})
		return ids
	}
	want := func(what string, got []model.ProductID, want ...model.ProductID) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("OwnedProducts %s (-want +got):\n%s", what, diff)
		}
	}
	one, two := sample("prd_1", 2), sample("prd_2", 2)
	one.Countermeasures[1].Owner = "usr_1"
	save(t, db, nil, one, 0)
	save(t, db, nil, two, 0)
	want("of a countermeasure that was added", products("usr_1", store.Everything()), "prd_1")

	next := clone(t, two)
	next.Threats[0].Owner = "usr_1"
	save(t, db, two, next, 1)
	want("of a threat that was changed", products("usr_1", store.Everything()), "prd_1", "prd_2")
	want("of nobody", products("", store.Everything()))
	want("of another", products("usr_2", store.Everything()))
	want("as somebody else", products("usr_1", store.MemberOf("usr_1")))
	write(t, db, func(tx *store.Tx) error {
		return tx.SetMembership(store.Membership{User: "usr_1", Product: "prd_2", Role: "viewer"})
	})
	want("as a member", products("usr_1", store.MemberOf("usr_1")), "prd_2")

	write(t, db, func(tx *store.Tx) error {
		return tx.ArchiveProduct("prd_1", true, store.Save{By: "u", At: at, Expect: 1})
	})
	want("without an archived one", products("usr_1", store.Everything()), "prd_2")
	save(t, db, next, two, 2)
	want("after it was taken away", products("usr_1", store.Everything()))

	read(t, db, func(tx *store.Tx) error {
		for _, c := range []struct {
			key  store.ObjectKey
			want bool
		}{
			{store.ObjectKey{Kind: store.KindThreat, ID: string(two.Threats[0].ID)}, true},
			{store.ObjectKey{Kind: store.KindThreat, ID: "none"}, false},
			{store.ObjectKey{Kind: store.KindWeakness, ID: string(two.Threats[0].ID)}, false},
			{store.ObjectKey{Kind: store.KindProduct, ID: "prd_2"}, true},
			{store.ObjectKey{Kind: store.KindProduct, ID: "prd_1"}, false},
		} {
			if got, err := tx.HasObject("prd_2", c.key); got != c.want || err != nil {
				t.Errorf("HasObject(%v) = %v, %v, want %v", c.key, got, err, c.want)
			}
		}
		return nil
	})
}

func names(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	addProduct(t, db, "prd_1", "P", 0)
	addProduct(t, db, "prd_2", "Q", 0)
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(
			tx.AddAccount(store.Account{ID: "usr_admin", Email: "admin@example.org", Name: "Root", Admin: true, PasswordHash: "secret"}),
			tx.AddAccount(store.Account{ID: "usr_ann", Email: "ann@example.org", Name: "Ann"}),
			tx.AddAccount(store.Account{ID: "usr_bob", Email: "bob@example.org", Name: "Bob"}),
			tx.AddAccount(store.Account{ID: "usr_eve", Email: "eve@example.org", Name: "Eve"}),
			tx.AddAccount(store.Account{ID: "usr_gone", Email: "gone@example.org", Name: "Gone", Disabled: true}),
			tx.SetMembership(store.Membership{User: "usr_ann", Product: "prd_1", Role: "viewer"}),
			tx.SetMembership(store.Membership{User: "usr_bob", Product: "prd_1", Role: "viewer"}),
			tx.SetMembership(store.Membership{User: "usr_gone", Product: "prd_1", Role: "viewer"}),
			tx.SetMembership(store.Membership{User: "usr_eve", Product: "prd_2", Role: "viewer"}),
		)
	})
	for _, c := range []struct {
		name string
		ask  store.People
		want []string
	}{
		{"all", store.People{}, []string{"usr_admin", "usr_ann", "usr_bob", "usr_eve"}},
		{"of a product", store.People{Product: "prd_1"}, []string{"usr_admin", "usr_ann", "usr_bob"}},
		{"who share one", store.People{With: "usr_ann"}, []string{"usr_ann", "usr_bob"}},
		{"alone", store.People{With: "usr_admin"}, []string{"usr_admin"}},
		{"by id", store.People{IDs: []string{"usr_gone", "usr_ann", "none"}}, []string{"usr_ann", "usr_gone"}},
		{"by no id", store.People{IDs: []string{}}, nil},
	} {
		read(t, db, func(tx *store.Tx) error {
			list, err := tx.Names(c.ask)
			var got []string
			for _, a := range list {
				got = append(got, a.ID)
				if a.PasswordHash != "" || a.Name == "" || a.Email == "" {
					t.Errorf("Names(%s) = %+v, want a name, an e-mail and no password", c.name, a)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Names(%s) (-want +got):\n%s", c.name, diff)
			}
			return err
		})
	}
}

func comments(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	addProduct(t, db, "prd_1", "P", 0)
	addProduct(t, db, "prd_2", "Q", 0)
	first := store.Comment{ID: "c1", Product: "prd_1", Object: "threat/t", Author: "usr_1", Text: "Is this so?", At: at, Version: 1}
	second, third := first, first
	second.ID, second.Text, second.At = "c2", "Yes.", at.Add(time.Second)
	third.ID, third.Object = "c3", "flow/f"
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.AddComment(second), tx.AddComment(first), tx.AddComment(third))
	})
	list := func(object string, after *store.Comment) (got []store.Comment) {
		read(t, db, func(tx *store.Tx) (err error) {
			got, err = tx.Comments("prd_1", object, after, 10)
			return err
		})
		return got
	}
	for _, c := range []struct {
		what string
		got  []store.Comment
		want []store.Comment
	}{
		{"on a threat", list("threat/t", nil), []store.Comment{first, second}},
		{"after the first", list("threat/t", &first), []store.Comment{second}},
		{"on the product", list("", nil), []store.Comment{first, third, second}},
		{"on nothing", list("threat/x", nil), nil},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("Comments %s (-want +got):\n%s", c.what, diff)
		}
	}
	edited := first
	edited.Text, edited.EditedAt = "Is that so?", at.Add(time.Minute)
	write(t, db, func(tx *store.Tx) error { return tx.EditComment(edited) })
	edited.Version = 2
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.Comment("prd_1", "c1")
		if diff := cmp.Diff(edited, got); diff != "" {
			t.Errorf("Comment(edited) (-want +got):\n%s", diff)
		}
		counts, err2 := tx.CountComments("prd_1")
		if diff := cmp.Diff(map[string]int{"threat/t": 2, "flow/f": 1}, counts); diff != "" {
			t.Errorf("CountComments (-want +got):\n%s", diff)
		}
		return errors.Join(err, err2)
	})
	expectKind(t, db, "EditComment(old version)", fault.Stale, func(tx *store.Tx) error { return tx.EditComment(first) })
	expectKind(t, db, "EditComment(of another product)", fault.NotFound, func(tx *store.Tx) error {
		other := edited
		other.Product = "prd_2"
		return tx.EditComment(other)
	})
	expectKind(t, db, "Comment(of another product)", fault.NotFound, func(tx *store.Tx) error {
		_, err := tx.Comment("prd_2", "c1")
		return err
	})
	write(t, db, func(tx *store.Tx) error { return tx.RemoveComment("prd_1", "c1") })
	expectKind(t, db, "RemoveComment(again)", fault.NotFound, func(tx *store.Tx) error { return tx.RemoveComment("prd_1", "c1") })
	write(t, db, func(tx *store.Tx) error { return tx.AddComment(edited) })
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.Comment("prd_1", "c1")
		if diff := cmp.Diff(edited, got); diff != "" {
			t.Errorf("Comment(brought back) (-want +got):\n%s", diff)
		}
		return err
	})
	expectKind(t, db, "AddComment(that is there)", fault.Conflict, func(tx *store.Tx) error { return tx.AddComment(edited) })
}

// sharedModels: what is read is what is stored, whoever wrote it and whatever was rolled back.
func sharedModels(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	one := sample("prd_1", 2)
	save(t, db, nil, one, 0)
	expect := func(what string, want *model.Model, version int64) *model.Model {
		t.Helper()
		var got *model.Model
		read(t, db, func(tx *store.Tx) error {
			m, v, err := tx.ReadModel("prd_1")
			if diff := cmp.Diff(want, m); diff != "" {
				t.Errorf("ReadModel %s (-want +got):\n%s", what, diff)
			}
			if v.Product != version {
				t.Errorf("ReadModel %s is at version %d, want %d", what, v.Product, version)
			}
			got = m
			return err
		})
		return got
	}
	if a, b := expect("once", one, 1), expect("again", one, 1); a != b {
		t.Error("ReadModel read an unchanged model twice, want it shared")
	}
	next := clone(t, one)
	next.Threats[0].Title = "Changed"
	back := errors.New("back")
	err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
		if _, err := tx.SaveModel(one, next, store.Save{By: "u", At: at, Expect: 1}); err != nil {
			return err
		}
		m, v, err := tx.ReadModel("prd_1")
		if err != nil || v.Product != 2 || m.Threats[0].Title != "Changed" {
			t.Errorf("ReadModel in a write = %q at %d, %v, want what it wrote", m.Threats[0].Title, v.Product, err)
		}
		return back
	})
	if !errors.Is(err, back) {
		t.Fatal(err)
	}
	expect("after a rollback", one, 1)
	other := clone(t, one)
	other.Threats[0].Title = "Changed otherwise"
	save(t, db, one, other, 1)
	expect("after another change", other, 2)
	write(t, db, func(tx *store.Tx) error { return tx.DeleteProduct("prd_1") })
	expectKind(t, db, "ReadModel(deleted)", fault.NotFound, func(tx *store.Tx) error { _, _, err := tx.ReadModel("prd_1"); return err })
}
