package app

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
)

// TestSampleIsWhole: whatever is decided about the sample product is about something in it.
func TestSampleIsWhole(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p, err := d.CreateSample(d.ctx, d.admin, "")
	if err != nil {
		t.Fatalf("CreateSample: %v", err)
	}
	d.product = p.ID
	m := d.model()
	refs, zones := map[string]bool{}, map[string]int{}
	for _, c := range m.Countermeasures {
		want, ok := sampleStates[c.Ref]
		if !ok {
			continue
		}
		refs[c.Ref] = true
		if c.State != want.state || c.StateReason != want.reason || c.Sets["state"].By != model.SetByPerson {
			t.Errorf("%s at %s is %s (%s), set by %s, want %s, %s, by a person", c.Ref, c.Where, c.State, c.StateReason, c.Sets["state"].By, want.state, want.reason)
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(sampleStates)) {
		if !refs[ref] {
			t.Errorf("sampleStates has %s, which the sample product does not have", ref)
		}
	}
	for _, z := range m.Zones {
		if z.Guess {
			t.Errorf("nobody said how far the zone %s is trusted", z.Name)
		}
		zones[z.Name] = z.Trust
	}
	if diff := cmp.Diff(sampleTrust, zones); diff != "" {
		t.Errorf("trust of the zones (-want +got):\n%s", diff)
	}
}

// TestSampleIsDrawnWell holds the layout of the first diagram that a person sees.
func TestSampleIsDrawnWell(t *testing.T) {
	t.Parallel()
	m, err := newDesk(t).sampleModel("prd_1", "")
	if err != nil {
		t.Fatal(err)
	}
	const width, height, room = 160, 64, 80
	gap := func(a, b *model.Box) float64 {
		return max(math.Max(a.X-b.X-b.W, b.X-a.X-a.W), math.Max(a.Y-b.Y-b.H, b.Y-a.Y-a.H))
	}
	boxes := map[model.ElementID]*model.Box{}
	for i := range m.Components {
		c := &m.Components[i]
		if c.Box == nil || c.Box.W != width || c.Box.H != height {
			t.Fatalf("%s is drawn as %v, want %d by %d", c.Name, c.Box, width, height)
		}
		for id, other := range boxes {
			if got := gap(c.Box, other); got < room {
				t.Errorf("%s is %v from %s, want %d or more", c.Name, got, id, room)
			}
		}
		boxes[c.ID] = c.Box
	}
	for i := range m.Zones {
		z := &m.Zones[i]
		inside := 0
		for _, c := range m.Components {
			if c.Zone == z.ID {
				inside++
			} else if gap(z.Box, c.Box) < room {
				t.Errorf("%s is near the zone %s or on its border, and not in it", c.Name, z.Name)
			}
		}
		if inside == 0 {
			t.Errorf("the zone %s is empty", z.Name)
		}
		if i > 0 && (m.Zones[i-1].Box.X+m.Zones[i-1].Box.W+room > z.Box.X || m.Zones[i-1].Trust >= z.Trust) {
			t.Errorf("the zone %s is not to the right of the less trusted %s", z.Name, m.Zones[i-1].Name)
		}
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		if a, b := boxes[f.From], boxes[f.To]; len(f.Vertices) == 0 && a.Y != b.Y {
			t.Errorf("the flow %s is not straight", f.Name)
		}
	}
}
