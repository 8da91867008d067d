package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

func libraryVersions(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	state := func() (s store.LibraryState) {
		read(t, db, func(tx *store.Tx) (err error) {
			s, err = tx.LibraryState()
			return err
		})
		return s
	}
	if got := state(); got != (store.LibraryState{}) {
		t.Errorf("LibraryState() of a new database = %+v, want nothing", got)
	}
	one := store.LibraryEntry{Kind: "pattern", Ref: "own", At: at, By: "usr_1", Body: "pattern: own\n"}
	two := store.LibraryEntry{Kind: "head", Ref: "library", At: at, By: "usr_1", Body: "ref: house\n"}
	write(t, db, func(tx *store.Tx) error {
		var errs []error
		for _, e := range []*store.LibraryEntry{&one, &two} {
			v, err := tx.RaiseLibraryDraft()
			e.Version = v
			errs = append(errs, err, tx.SetLibraryEntry(*e))
		}
		return errors.Join(errs...)
	})
	entries := func(what string, want ...store.LibraryEntry) {
		t.Helper()
		read(t, db, func(tx *store.Tx) error {
			got, err := tx.LibraryEntries()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("LibraryEntries %s (-want +got):\n%s", what, diff)
			}
			return err
		})
	}
	entries("in order of kind and ref", two, one)
	if got := state(); got != (store.LibraryState{Draft: 2}) {
		t.Errorf("LibraryState() after two changes = %+v, want revision 2", got)
	}
	one.Body, one.Version, one.At = "pattern: own\nname: Own\n", 3, at.Add(time.Second)
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.SetLibraryEntry(one), tx.RemoveLibraryEntry("head", "library"), tx.RemoveLibraryEntry("head", "none"))
	})
	entries("after a change and a removal", one)

	want := []store.LibraryVersion{
		{Number: 1, Name: "First", Comment: "why", Digest: "d1", Base: "b", Entries: 1, At: at, By: "usr_1", Content: "[1]"},
		{Number: 2, Name: "Second", Digest: "d2", Base: "b", Entries: 2, At: at, By: "usr_2", Content: "[2]"},
	}
	for _, v := range want {
		write(t, db, func(tx *store.Tx) error {
			number, err := tx.PublishLibrary(v, []byte("base of "+v.Name))
			if number != v.Number {
				t.Errorf("PublishLibrary(%s) = %d, want %d", v.Name, number, v.Number)
			}
			return err
		})
	}
	if got := state(); got.Published != 2 {
		t.Errorf("LibraryState() after two publications = %+v, want 2", got)
	}
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.LibraryVersion(2)
		if diff := cmp.Diff(want[1], got); diff != "" {
			t.Errorf("LibraryVersion(2) (-want +got):\n%s", diff)
		}
		heads := []store.LibraryVersion{want[1], want[0]}
		heads[0].Content, heads[1].Content = "", ""
		all, err2 := tx.LibraryVersions(0, 0)
		if diff := cmp.Diff(heads, all); diff != "" {
			t.Errorf("LibraryVersions() (-want +got):\n%s", diff)
		}
		below, err3 := tx.LibraryVersions(2, 1)
		if diff := cmp.Diff(heads[1:], below); diff != "" {
			t.Errorf("LibraryVersions(below 2) (-want +got):\n%s", diff)
		}
		base, err4 := tx.LibraryBase("b")
		if string(base) != "base of First" {
			t.Errorf("LibraryBase = %q, want the first that was stored", base)
		}
		return errors.Join(err, err2, err3, err4)
	})
	expectKind(t, db, "LibraryVersion(3)", fault.NotFound, func(tx *store.Tx) error { _, err := tx.LibraryVersion(3); return err })
	expectKind(t, db, "LibraryBase(none)", fault.NotFound, func(tx *store.Tx) error { _, err := tx.LibraryBase("none"); return err })
}

// libraryUse: which products hold what follows their models.
func libraryUse(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	expect := func(what string, want map[store.Use]int64) {
		t.Helper()
		read(t, db, func(tx *store.Tx) error {
			got, err := tx.LibraryUse()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("LibraryUse() %s (-want +got):\n%s", what, diff)
			}
			return err
		})
	}
	why := []model.Why{{Rule: "r", Pattern: "p", Library: "l", Text: "t"}}
	m := &model.Model{
		Product:    model.Product{ID: "prd_1", Name: "P", Questionnaire: "web"},
		Components: []model.Component{{ID: "c", Kind: model.Process, Type: "api", Name: "C"}},
		Threats:    []model.Threat{{ID: "t1", Where: "c", Ref: "p/x", Title: "T", Status: model.Open, Origin: model.ByRule, Why: why}, {ID: "t2", Where: "c", Ref: "own/y", Title: "T", Status: model.Open, Origin: model.ByPerson}},
	}
	other := clone(t, m)
	other.Product.ID, other.Product.Questionnaire, other.Threats = "prd_2", "", nil
	save(t, db, nil, m, 0)
	save(t, db, nil, other, 0)
	expect("of two products", map[store.Use]int64{
		{Kind: store.UseQuestionnaire, Ref: "web"}: 1, {Kind: store.UseType, Ref: "api"}: 2, {Kind: store.UseRule, Ref: "r"}: 1, {Kind: store.UsePattern, Ref: "p"}: 1,
	})
	next := clone(t, m)
	next.Components[0].Type, next.Threats = "queue", next.Threats[1:]
	save(t, db, m, next, 1)
	expect("after a change", map[store.Use]int64{
		{Kind: store.UseQuestionnaire, Ref: "web"}: 1, {Kind: store.UseType, Ref: "api"}: 1, {Kind: store.UseType, Ref: "queue"}: 1,
	})
	write(t, db, func(tx *store.Tx) error { return tx.DeleteProduct("prd_1") })
	expect("after a deletion", map[store.Use]int64{{Kind: store.UseType, Ref: "api"}: 1})
}
