package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// bigDrawing makes a product of n components in zones of ten, each with a flow to
// the next and one to another zone, and applies the library to it.
func bigDrawing(b *testing.B, n int) (*App, Caller, model.ProductID) {
	b.Helper()
	ctx := b.Context()
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(b.TempDir(), "t.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() }) // the folder goes with the test
	lib, err := shippedLibrary()
	if err != nil {
		b.Fatal(err)
	}
	keys, err := identity.NewKeyRing(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	a := New(Options{DB: db, Library: lib, Keys: keys, Now: time.Now, Random: rand.Reader})
	c := System("bench")
	product := model.ProductID("prd_bench")
	m := &model.Model{Product: model.Product{ID: product, Name: "Bench"}, Diagrams: []model.Diagram{{ID: "d", Title: "D"}}}
	m.Assets = []model.Asset{{ID: "a", Name: "Data", Value: model.CIA{Confidentiality: 80, Integrity: 60, Availability: 40}}}
	for i := range n {
		x, y := float64(i%60)*200, float64(i/60)*150
		if i%10 == 0 {
			m.Zones = append(m.Zones, model.Zone{ID: model.ElementID(fmt.Sprint("z", i/10)), Diagram: "d", Name: "Zone", Trust: i / 10 * 7 % 100, Box: &model.Box{X: x - 20, Y: y - 20, W: 1990, H: 140}})
		}
		id := model.ElementID(fmt.Sprint("c", i))
		m.Components = append(m.Components, model.Component{ID: id, Diagram: "d", Kind: model.Process, Type: "web-application", Name: fmt.Sprint("Service ", i), Stores: []model.AssetID{"a"}, Box: &model.Box{X: x, Y: y, W: 120, H: 60}})
		m.Flows = append(m.Flows, model.Flow{ID: model.ElementID(fmt.Sprint("f", i)), Diagram: "d", Name: "calls", From: id, To: model.ElementID(fmt.Sprint("c", (i+1)%n)), Carries: []model.AssetID{"a"}})
	}
	model.Place(m)
	err = db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		_, err := tx.SaveModel(nil, m, store.Save{By: "bench", At: time.Unix(1, 0)})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := a.ApplyPlan(ctx, c, product, 0, PlanInput{All: true}); err != nil {
		b.Fatal(err)
	}
	return a, c, product
}

// BenchmarkDrawing opens, changes and plans a drawing with the risks of the shipped library on it.
func BenchmarkDrawing(b *testing.B) {
	for _, n := range []int{300, 1430} { // 1,430 components, their flows and zones are 3,000 elements
		b.Run(fmt.Sprintf("components=%d", n), func(b *testing.B) { benchmarkDrawing(b, n) })
	}
}

func benchmarkDrawing(b *testing.B, n int) {
	a, c, product := bigDrawing(b, n)
	ctx := b.Context()
	m, _, err := a.Model(ctx, c, product)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d threats, %d weaknesses, %d countermeasures, %d links", len(m.Threats), len(m.Weaknesses), len(m.Countermeasures), len(m.Links))
	run := func(name string, fn func() error) {
		b.Run(name, func(b *testing.B) {
			before := cpuTime()
			for b.Loop() {
				if err := fn(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
	run("open", func() error {
		d, err := a.Drawing(ctx, c, product, "")
		if err == nil && len(d.Comps) != n {
			err = fmt.Errorf("shows %d components", len(d.Comps))
		}
		return err
	})
	doc := func(x, y int, attributes string) json.RawMessage {
		return fmt.Appendf(nil, `{"diagram":"d","kind":"process","type":"web-application","name":"Service 7","stores":["a"],"box":{"x":%d,"y":%d,"w":120,"h":60}%s}`, x, y, attributes)
	}
	v, err := a.Element(ctx, c, product, KindComponents, "c7")
	if err != nil {
		b.Fatal(err)
	}
	version, step := v.Version, 0
	put := func(doc json.RawMessage) error {
		v, err := a.ChangeDrawing(ctx, c, product, 0, ChangesInput{Changes: []ElementChange{{Kind: KindComponents, ID: "c7", Op: "put", Version: version, Element: doc}}})
		version = v.Versions["c7"]
		return err
	}
	run("move", func() error {
		step++
		return put(doc(1400+step%20, 0, ""))
	})
	run("move-and-plan", func() error {
		step++
		if err := put(doc(1400+step%20, 0, "")); err != nil {
			return err
		}
		_, err := a.PlanSummary(ctx, c, product, "")
		return err
	})
	run("move-out-of-zone", func() error {
		step++
		return put(doc(1400, step%2*5000, ""))
	})
	run("attribute", func() error {
		step++
		return put(doc(1400, 0, fmt.Sprintf(`,"attributes":{"encrypted":%q}`, []string{"yes", "no"}[step%2])))
	})
	run("attribute-and-plan", func() error {
		step++
		if err := put(doc(1400, 0, fmt.Sprintf(`,"attributes":{"encrypted":%q}`, []string{"yes", "no"}[step%2]))); err != nil {
			return err
		}
		_, err := a.PlanSummary(ctx, c, product, "")
		return err
	})
	run("plan-again", func() error {
		_, err := a.PlanSummary(ctx, c, product, "")
		return err
	})
}
