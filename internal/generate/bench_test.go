package generate_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
)

// bigModel has n components of all the starter's types, three flows from each, in ten zones.
func bigModel(t testing.TB, n int) *model.Model {
	lib := starterLibrary(t)
	m := &model.Model{Product: model.Product{ID: "p", Name: "Big"}}
	for i := range 10 {
		m.Zones = append(m.Zones, model.Zone{ID: model.ElementID(fmt.Sprintf("z%d", i)), Name: "Zone", Trust: i * 10})
		m.Assets = append(m.Assets, model.Asset{ID: model.AssetID(fmt.Sprintf("a%d", i)), Name: "Asset", Value: model.CIA{Confidentiality: i * 10, Integrity: 50, Availability: 20}})
	}
	for i := range n {
		typ := lib.Types[i%len(lib.Types)]
		m.Components = append(m.Components, model.Component{
			ID: model.ElementID(fmt.Sprintf("c%d", i)), Name: fmt.Sprintf("Component %d", i), Kind: typ.Kind, Type: typ.Ref,
			Zone: model.ElementID(fmt.Sprintf("z%d", i%10)), Stores: []model.AssetID{model.AssetID(fmt.Sprintf("a%d", i%10))},
		})
		for j := range 3 {
			m.Flows = append(m.Flows, model.Flow{
				ID: model.ElementID(fmt.Sprintf("f%d-%d", i, j)), Name: "Flow", From: model.ElementID(fmt.Sprintf("c%d", i)),
				To: model.ElementID(fmt.Sprintf("c%d", (i*7+j*13+1)%n)), Carries: []model.AssetID{model.AssetID(fmt.Sprintf("a%d", j))},
			})
		}
	}
	return m
}

// cpu returns the CPU time of the process, garbage collection included: wall time on
// a busy machine says little.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak returns the most memory, in MiB, that the process has held so far: what the
// library and the models of the benchmark take is in it, so run one size alone.
func peak() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Maxrss) / 1024
}

// BenchmarkGenerate: the promise is 0.5 s of CPU and 100 MiB for 1,000 components
// with 3 flows each, and growth in proportion to 5,000 (compare cpu-ns/component).
func BenchmarkGenerate(b *testing.B) {
	lib := starterLibrary(b)
	for _, n := range []int{1000, 5000} {
		m := bigModel(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			things, before := 0, cpu()
			for b.Loop() {
				r, err := generate.Desired(m, lib)
				if err != nil {
					b.Fatal(err)
				}
				things = len(r.Threats) + len(r.Weaknesses) + len(r.Countermeasures) + len(r.Links)
			}
			used := float64(cpu()-before) / float64(b.N)
			b.ReportMetric(used/1e6, "cpu-ms/op")
			b.ReportMetric(used/float64(n), "cpu-ns/component")
			b.ReportMetric(float64(things)/float64(n), "things/component")
			b.ReportMetric(peak(), "peak-MiB")
		})
	}
}

// BenchmarkChange evaluates again after one component, or one flow, of a large model
// changed: the promise is 20 ms for a component in 5,000. A changed zone reaches far.
func BenchmarkChange(b *testing.B) {
	lib := starterLibrary(b)
	for _, n := range []int{300, 5000} {
		for _, change := range []struct {
			name string
			do   func(m *model.Model, on bool)
		}{
			{"component", func(m *model.Model, on bool) { m.Components[n/2].Attributes = map[string]string{"encrypted": yes(on)} }},
			{"flow", func(m *model.Model, on bool) { m.Flows[n/2].Attributes = map[string]string{"encrypted": yes(on)} }},
			{"added", func(m *model.Model, on bool) {
				if m.Components = m.Components[:n]; on {
					m.Components = append(m.Components, model.Component{ID: "new", Name: "New", Kind: model.Process, Type: "web-application"})
				}
			}},
			{"zone", func(m *model.Model, on bool) { m.Zones[5].Trust = map[bool]int{true: 45, false: 50}[on] }},
		} {
			b.Run(fmt.Sprintf("%s/%d", change.name, n), func(b *testing.B) {
				m := bigModel(b, n)
				m.Components = slices.Clip(m.Components)
				memo := generate.NewMemo(lib)
				if _, err := memo.See(m); err != nil {
					b.Fatal(err)
				}
				on, places, before := false, 0, cpu()
				for b.Loop() {
					on = !on
					change.do(m, on)
					n, err := memo.See(m)
					if err != nil || n == 0 {
						b.Fatalf("See = %d places, %v", n, err)
					}
					places = n
				}
				b.ReportMetric(float64(cpu()-before)/float64(b.N)/1e6, "cpu-ms/op")
				b.ReportMetric(float64(places), "places")
			})
		}
	}
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

// BenchmarkPlan compares and applies a model that is already generated.
func BenchmarkPlan(b *testing.B) {
	lib := starterLibrary(b)
	m := bigModel(b, 1000)
	m = generated(b, m, lib)
	desired := want(b, m, lib)
	b.ReportAllocs()
	for b.Loop() {
		plan := generate.MakePlan(m, desired, nil)
		if len(plan.Items) > 0 {
			b.Fatalf("the plan has %d items, want none", len(plan.Items))
		}
		generate.Apply(m, plan, noon, nil)
	}
}

// TestGenerateGrowsLinearly counts allocations, which no busy machine distorts.
func TestGenerateGrowsLinearly(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	lib := starterLibrary(t)
	perComponent := func(n int) float64 {
		m := bigModel(t, n)
		return testing.AllocsPerRun(2, func() {
			if _, err := generate.Desired(m, lib); err != nil {
				t.Fatal(err)
			}
		}) / float64(n)
	}
	few, many := perComponent(200), perComponent(1000)
	if many > 1.2*few {
		t.Errorf("allocations per component = %.0f at 200 and %.0f at 1,000, want growth within 20 %%", few, many)
	}
}
