package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// At is a fixed time for tests.
var at = time.Date(2025, 3, 4, 5, 6, 7, 8000, time.UTC)

// sample returns a consistent model with n components and as many flows,
// threats, weaknesses, countermeasures and links.
func sample(id model.ProductID, n int) *model.Model {
	m := &model.Model{Product: model.Product{ID: id, Name: "Shop " + string(id), Owner: "ann", Tags: []string{"web"}}}
	m.Answers = []model.Answer{{Question: "internet", Values: []string{"yes"}}}
	m.Assets = []model.Asset{{ID: "a1", Name: "Cards", Value: model.CIA{Confidentiality: 90}}}
	m.Diagrams = []model.Diagram{{ID: "d1", Title: "Context"}}
	m.Zones = []model.Zone{{ID: "z1", Diagram: "d1", Name: "Inside", Trust: 80}}
	for i := range n {
		c := model.ElementID(fmt.Sprintf("c%05d", n-i))
		m.Components = append(m.Components, model.Component{ID: c, Diagram: "d1", Kind: model.Process, Name: fmt.Sprintf("Part %d", i), Zone: "z1"})
		m.Flows = append(m.Flows, model.Flow{ID: "f" + c, Name: "calls", From: c, To: c})
		th, w, cm := model.NewThreatID(id, c, "sqli"), model.NewWeaknessID(id, c, "cwe-89"), model.NewCountermeasureID(id, c, "params")
		m.Threats = append(m.Threats, model.Threat{ID: th, Where: c, Ref: "sqli", Title: "Reads other customers' data", Ease: 75, Status: model.Open, Origin: model.ByRule})
		m.Weaknesses = append(m.Weaknesses, model.Weakness{ID: w, Where: c, Ref: "cwe-89", Title: "SQL injection", CWE: 89, Origin: model.ByRule})
		m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: cm, Where: c, Ref: "params", Title: "Bound parameters", State: model.Required, Origin: model.ByRule})
		m.Links = append(m.Links, model.Link{Threat: th, Weakness: w, Countermeasure: cm, Share: 80, Origin: model.ByRule})
	}
	model.Sort(m)
	return m
}

func clone(t testing.TB, m *model.Model) *model.Model {
	t.Helper()
	out := *m
	out.Components = append([]model.Component(nil), m.Components...)
	out.Threats = append([]model.Threat(nil), m.Threats...)
	out.Countermeasures = append([]model.Countermeasure(nil), m.Countermeasures...)
	out.Answers = append([]model.Answer(nil), m.Answers...)
	return &out
}

func save(t testing.TB, db *store.DB, old, m *model.Model, expect int64) store.Saved {
	t.Helper()
	var saved store.Saved
	write(t, db, func(tx *store.Tx) (err error) {
		saved, err = tx.SaveModel(old, m, store.Save{By: "usr_1", At: at, Expect: expect})
		return err
	})
	return saved
}

func write(t testing.TB, db *store.DB, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return fn(tx) }); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func read(t testing.TB, db *store.DB, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.Read(context.Background(), func(_ context.Context, tx *store.Tx) error { return fn(tx) }); err != nil {
		t.Fatalf("read: %v", err)
	}
}

func load(t testing.TB, db *store.DB, id model.ProductID) (m *model.Model, v store.Versions) {
	t.Helper()
	read(t, db, func(tx *store.Tx) (err error) {
		m, v, err = tx.LoadModel(id)
		return err
	})
	return m, v
}

func modelRoundTrip(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	m := sample("prd_1", 30)
	if got := save(t, db, nil, m, 0); got.Version != 1 {
		t.Errorf("SaveModel(new).Version = %d, want 1", got.Version)
	}
	got, versions := load(t, db, "prd_1")
	if diff := cmp.Diff(m, got); diff != "" {
		t.Fatalf("LoadModel differs from what was saved (-want +got):\n%s", diff)
	}
	if versions.Product != 1 || versions.Of(store.KindThreat, string(m.Threats[0].ID)) != 1 {
		t.Errorf("versions = product %d, threat %d, want 1, 1", versions.Product, versions.Of(store.KindThreat, string(m.Threats[0].ID)))
	}

	next := clone(t, m)
	next.Threats[3].Title = "Renamed"
	next.Components = append(next.Components[:5:5], append([]model.Component{{ID: "new", Kind: model.Store, Name: "DB"}}, next.Components[6:]...)...)
	saved := save(t, db, m, next, 1)
	want := store.Saved{
		Version: 2,
		Written: []store.ObjectKey{{Kind: store.KindComponent, ID: "new"}, {Kind: store.KindThreat, ID: string(m.Threats[3].ID)}},
		Removed: []store.ObjectKey{{Kind: store.KindComponent, ID: string(m.Components[5].ID)}},
	}
	if diff := cmp.Diff(want, saved); diff != "" {
		t.Errorf("SaveModel differs (-want +got):\n%s", diff)
	}
	got, versions = load(t, db, "prd_1")
	if diff := cmp.Diff(next, got); diff != "" {
		t.Errorf("LoadModel after a change (-want +got):\n%s", diff)
	}
	if a, b := versions.Of(store.KindThreat, string(m.Threats[3].ID)), versions.Of(store.KindThreat, string(m.Threats[4].ID)); a != 2 || b != 1 {
		t.Errorf("versions of the changed and another threat = %d, %d, want 2, 1", a, b)
	}
	if again := save(t, db, next, got, 2); again.Version != 2 || len(again.Written) != 0 {
		t.Errorf("SaveModel(nothing changed) = %+v, want version 2 and nothing written", again)
	}
	err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
		_, err := tx.SaveModel(m, next, store.Save{By: "usr_1", At: at, Expect: 1})
		return err
	})
	if !fault.Is(err, fault.Stale) {
		t.Errorf("SaveModel(old version) = %v, want a stale fault", err)
	}
	err = db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
		_, err := tx.SaveModel(nil, next, store.Save{By: "usr_1", At: at})
		return err
	})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("SaveModel(taken id) = %v, want a conflict fault", err)
	}
}
