package risk

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/model"
)

// The fast spread agrees with the formula iterated until nothing changes.
func TestExposureIsTheFixpointOfItsFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, _, s := drawn(t)
		n := model.Derive(m, s.K)
		want := make([]float64, len(m.Components))
		for i := range want {
			want[i] = n.Own(i)
		}
		for range len(want) + 1 {
			for _, f := range m.Flows {
				from, to := n.Ends(&f)
				if from < 0 || to < 0 {
					continue
				}
				carry := func(a, b int) {
					e := want[a]
					below, _ := n.Trust(a)
					if above, _ := n.Trust(b); above > below {
						e *= s.K
					}
					want[b] = max(want[b], e)
				}
				carry(from, to)
				if f.Bidirectional {
					carry(to, from)
				}
			}
		}
		got := make([]float64, len(want))
		for i := range got {
			got[i] = n.Exposure(i)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("exposure (-fixpoint +got):\n%s", diff)
		}
	})
}

func TestExposureOfPlaces(t *testing.T) {
	t.Parallel()
	stated := 35
	cases := []struct {
		name   string
		where  model.ElementID
		change func(*model.Model)
		want   float64
		flags  []Flag
	}{
		{"component", "c2", nil, 64, nil},
		{"flow: its more exposed end", "f2", nil, 80, []Flag{GuessedValue}},
		{"zone: its most exposed component", "z2", nil, 64, nil},
		{"zone around a zone", "z2", func(m *model.Model) { m.Zones[1].Parent = "z2" }, 80, nil},
		{"empty zone: its own", "dmz", func(m *model.Model) { m.Zones = append(m.Zones, model.Zone{ID: "dmz", Trust: 30, Guess: true}) }, 70, []Flag{GuessedTrust, GuessedValue}},
		{"curve: the flows that cross it", "b", func(m *model.Model) {
			m.Curves = []model.Curve{{ID: "b"}}
			m.Flows[1].Crosses = []model.ElementID{"b"}
		}, 80, []Flag{GuessedValue}},
		{"product: most exposed component that is no actor", model.AtProduct, nil, 80, nil},
		{"product: as stated", model.AtProduct, func(m *model.Model) { m.Product.Exposure = &stated }, 35, nil},
		{"product with nothing drawn", model.AtProduct, func(m *model.Model) { m.Components, m.Flows = nil, nil }, 50, []Flag{GuessedExposure}},
		{"text: as the product", "x", func(m *model.Model) { m.Texts = []model.TextBlock{{ID: "x"}} }, 80, nil},
		{"not in the model", "gone", nil, 80, []Flag{UnknownPlace}},
		{"loose flow: as the product", "loose", func(m *model.Model) { m.Flows = append(m.Flows, model.Flow{ID: "loose"}) }, 80, []Flag{GuessedValue}},
		{"bidirectional flow brings it back", "c1", func(m *model.Model) {
			m.Zones[1].Trust, m.Zones[2].Trust = 60, 0
			m.Flows[1].Bidirectional = true
		}, 80, nil},
		{"no zone: a guess", "c1", func(m *model.Model) { m.Components[1].Zone = "" }, 80, []Flag{GuessedTrust}},
		{"never below 5", "deep", func(m *model.Model) {
			full := 100
			m.Components = append(m.Components, model.Component{ID: "deep", Kind: model.Store, Trust: &full, Stores: []model.AssetID{"cards"}})
		}, 5, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := site(2)
			if c.change != nil {
				c.change(m)
			}
			m.Threats = []model.Threat{threatAt(c.where, 90, 75)}
			got := Rate(m, model.Verdicts{}, Settings{}).Threats[0]
			if got.Exposure != c.want || !cmp.Equal(got.Flags, c.flags) {
				t.Errorf("Rate(at %s) exposure = %g %v, want %g %v", c.where, got.Exposure, got.Flags, c.want, c.flags)
			}
		})
	}
}

func TestOutOfScopeIsShownApartAndStillCarriesExposure(t *testing.T) {
	t.Parallel()
	m := site(2)
	m.Components[1].OutOfScope = true
	inside, outside := threatAt("c2", 90, 75), threatAt("c1", 90, 75)
	outside.ID = "o"
	m.Threats = []model.Threat{inside, outside}
	r := Rate(m, model.Verdicts{}, Settings{})
	if got, _ := r.Threat("t"); got.Exposure != 64 {
		t.Errorf("exposure behind what is out of scope = %g, want 64", got.Exposure)
	}
	if got, _ := r.Threat("o"); got.Standing != StandsOutside || got.Current != 73 {
		t.Errorf("threat out of scope = %s %d, want %s 73", got.Standing, got.Current, StandsOutside)
	}
	if r.Summary.Open.Threats != 1 || r.Summary.Outside.Threats != 1 {
		t.Errorf("summary counts %d open, %d outside, want 1 and 1", r.Summary.Open.Threats, r.Summary.Outside.Threats)
	}
}

// ladder is a model of n components with three flows, three threats and a
// countermeasure each.
func ladder(n int) (*model.Model, model.Verdicts) {
	m := &model.Model{Product: model.Product{ID: "p"}, Assets: []model.Asset{{ID: "a", Value: model.CIA{Confidentiality: 80, Integrity: 60, Availability: 40}}}}
	for i := range 10 {
		m.Zones = append(m.Zones, model.Zone{ID: model.ElementID(fmt.Sprint("z", i)), Trust: i * 10})
	}
	v := model.Verdicts{Countermeasures: map[model.CountermeasureID]model.Evidence{}}
	id := func(kind string, i int) string { return fmt.Sprintf("%s%06d", kind, i) }
	for i := range n {
		c := model.ElementID(id("c", i))
		m.Components = append(m.Components, model.Component{ID: c, Kind: model.Process, Zone: m.Zones[i*7%10].ID, Stores: []model.AssetID{"a"}})
		w, cm := model.WeaknessID(id("w", i)), model.CountermeasureID(id("m", i))
		m.Weaknesses = append(m.Weaknesses, model.Weakness{ID: w, Where: c})
		m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: cm, Where: c, State: states[i%3], Cost: &model.Cost{Amount: float64(i%7 + 1), Unit: "days"}})
		v.Countermeasures[cm] = model.Evidence{Verdict: verdicts[i/3%3]}
		for j, step := range []int{1, 17, 101} {
			k := 3*i + j
			m.Flows = append(m.Flows, model.Flow{ID: model.ElementID(id("f", k)), From: c, To: model.ElementID(id("c", (i+step)%n)), Bidirectional: k%5 == 0})
			th := model.ThreatID(id("t", k))
			m.Threats = append(m.Threats, model.Threat{ID: th, Where: c, Impact: model.CIA{Integrity: 30 + k%70}, Ease: 25 + k%75, Status: model.Open})
			m.Links = append(m.Links, model.Link{Threat: th, Weakness: w, Countermeasure: cm, Share: 60})
		}
	}
	return m, v
}

func BenchmarkRate(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		m, v := ladder(n)
		b.Run(fmt.Sprintf("components=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Rate(m, v, Settings{})
			}
		})
	}
}

func BenchmarkGains(b *testing.B) {
	m, v := ladder(5000)
	for b.Loop() {
		Gains(m, v, Settings{})
	}
}

func BenchmarkProposeGreedy(b *testing.B) {
	m, v := ladder(5000)
	for b.Loop() {
		Propose(m, v, Settings{}, Budget{Amount: 1000, Unit: "days"})
	}
}

func BenchmarkProposeExact(b *testing.B) {
	m, v := ladder(27)
	if p := Propose(m, v, Settings{}, Budget{Amount: 30, Unit: "days"}); !p.Exact {
		b.Fatal("the benchmark's model is too large for an exact answer")
	}
	for b.Loop() {
		Propose(m, v, Settings{}, Budget{Amount: 30, Unit: "days"})
	}
}
