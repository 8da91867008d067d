package generate_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// drawModel draws answers and a diagram over the small library's words.
func drawModel(rt *rapid.T) *model.Model {
	m := &model.Model{Product: model.Product{ID: "p", Name: "P"}}
	for _, q := range []struct{ ref, values string }{{"reach", "internet intranet"}, {"personal_data", "yes no"}, {"retention", "3 7"}} {
		if rapid.Bool().Draw(rt, q.ref) {
			m.Answers = append(m.Answers, model.Answer{Question: q.ref, Values: []string{rapid.SampledFrom(strings.Fields(q.values)).Draw(rt, q.ref+" answer")}})
		}
	}
	for i := range rapid.IntRange(0, 3).Draw(rt, "zones") {
		m.Zones = append(m.Zones, model.Zone{ID: model.ElementID(fmt.Sprintf("z%d", i)), Name: "Z", Trust: rapid.IntRange(0, 100).Draw(rt, "trust")})
	}
	for i := range 3 {
		m.Assets = append(m.Assets, model.Asset{ID: model.AssetID(fmt.Sprintf("a%d", i)), Name: fmt.Sprintf("A%d", i), Value: model.CIA{Confidentiality: i * 50}})
	}
	types := []struct {
		kind model.Kind
		ref  string
	}{{model.Process, "web"}, {model.Store, "database"}, {model.Actor, ""}, {model.Process, ""}}
	for i := range 6 {
		if !rapid.Bool().Draw(rt, "there") {
			continue
		}
		typ := rapid.SampledFrom(types).Draw(rt, "type")
		c := model.Component{ID: model.ElementID(fmt.Sprintf("c%d", i)), Name: fmt.Sprintf("C%d", i), Kind: typ.kind, Type: typ.ref}
		if len(m.Zones) > 0 && rapid.Bool().Draw(rt, "zoned") {
			c.Zone = rapid.SampledFrom(m.Zones).Draw(rt, "zone").ID
		}
		if rapid.Bool().Draw(rt, "tagged") {
			c.Tags = []string{"legacy"}
		}
		if rapid.Bool().Draw(rt, "stores") {
			c.Stores = []model.AssetID{rapid.SampledFrom(m.Assets).Draw(rt, "asset").ID}
		}
		c.OutOfScope = rapid.IntRange(0, 5).Draw(rt, "scope") == 0
		m.Components = append(m.Components, c)
	}
	if len(m.Components) > 0 {
		for i := range rapid.IntRange(0, 8).Draw(rt, "flows") {
			f := model.Flow{ID: model.ElementID(fmt.Sprintf("f%d", i)), Name: "F", Bidirectional: rapid.Bool().Draw(rt, "both")}
			if rapid.IntRange(0, 7).Draw(rt, "loose") > 0 {
				f.From = rapid.SampledFrom(m.Components).Draw(rt, "from").ID
			}
			f.To = rapid.SampledFrom(m.Components).Draw(rt, "to").ID
			if rapid.Bool().Draw(rt, "encrypted") {
				f.Attributes = map[string]string{"encrypted": "yes"}
			}
			m.Flows = append(m.Flows, f)
		}
	}
	return m
}

// reordered loads the small library with its rules in other files and another order.
func reordered(t testing.TB, r *rand.Rand) *library.Library {
	t.Helper()
	fsys := smallFiles(t)
	rules := strings.Split(strings.TrimPrefix(string(fsys["rules/rules.yaml"].Data), "rules:\n"), "  - rule:")[1:]
	delete(fsys, "rules/rules.yaml")
	r.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
	for i, text := range rules {
		name := fmt.Sprintf("x%d.yaml", i/2)
		if fsys[name] == nil {
			fsys[name] = &fstest.MapFile{Data: []byte("rules:\n")}
		}
		fsys[name].Data = append(fsys[name].Data, "  - rule:"+text...)
	}
	lib, err := library.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func TestOrderLeavesNoTrace(t *testing.T) {
	t.Parallel()
	lib := small(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		other := *m
		other.Answers, other.Zones, other.Components, other.Flows, other.Assets = slices.Clone(m.Answers), slices.Clone(m.Zones), slices.Clone(m.Components), slices.Clone(m.Flows), slices.Clone(m.Assets)
		r.Shuffle(len(other.Answers), func(i, j int) { other.Answers[i], other.Answers[j] = other.Answers[j], other.Answers[i] })
		r.Shuffle(len(other.Zones), func(i, j int) { other.Zones[i], other.Zones[j] = other.Zones[j], other.Zones[i] })
		r.Shuffle(len(other.Components), func(i, j int) {
			other.Components[i], other.Components[j] = other.Components[j], other.Components[i]
		})
		r.Shuffle(len(other.Flows), func(i, j int) { other.Flows[i], other.Flows[j] = other.Flows[j], other.Flows[i] })
		r.Shuffle(len(other.Assets), func(i, j int) { other.Assets[i], other.Assets[j] = other.Assets[j], other.Assets[i] })
		a, b := asJSON(t, want(t, m, lib)), asJSON(t, want(t, &other, reordered(t, r)))
		if a != b {
			rt.Fatalf("Desired depends on order:\n%s\n%s", a, b)
		}
	})
}

// withGenerated gives the next drawing what was generated for the last one.
func withGenerated(next, last *model.Model) *model.Model {
	next.Product = last.Product
	next.Threats, next.Weaknesses, next.Countermeasures, next.Links = last.Threats, last.Weaknesses, last.Countermeasures, last.Links
	return next
}

func generated(t testing.TB, m *model.Model, lib *library.Library) *model.Model {
	t.Helper()
	desired := want(t, m, lib)
	all := generate.Apply(m, generate.MakePlan(m, desired, nil), noon, nil)
	if d := cmp.Diff(all, generate.Fulfil(m, desired, noon)); d != "" {
		t.Fatalf("Fulfil differs from applying the whole plan (-plan +Fulfil):\n%s", d)
	}
	return all
}

func TestApplyingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	lib := small(t)
	rapid.Check(t, func(rt *rapid.T) {
		once := generated(t, drawModel(rt), lib)
		if err := model.Validate(once); err != nil {
			rt.Fatalf("Apply gave an invalid model: %v", err)
		}
		plan := generate.MakePlan(once, want(t, once, lib), nil)
		if len(plan.Items) > 0 {
			rt.Fatalf("the plan after applying has %v, want nothing", lines(plan))
		}
		edit(rt, once)
		next := generated(t, withGenerated(drawModel(rt), once), lib)
		twice := generated(t, next, lib)
		if a, b := asJSON(t, next), asJSON(t, twice); a != b {
			rt.Fatalf("applying twice gives\n%s\n%s", a, b)
		}
		if plan := generate.MakePlan(twice, want(t, twice, lib), nil); !plan.Empty() {
			rt.Fatalf("the plan after applying twice is not empty: %s", lines(plan))
		}
	})
}

// edit lets a person change random fields, and returns what must survive by id and field.
func edit(rt *rapid.T, m *model.Model) map[string]string {
	kept := map[string]string{}
	by := func(s *model.Sets, field string) {
		*s = maps.Clone(*s)
		if *s == nil {
			*s = model.Sets{}
		}
		(*s)[field] = model.Set{By: rapid.SampledFrom([]model.Setter{model.SetByPerson, model.SetByTracker, model.SetByTest}).Draw(rt, "by"), At: noon}
	}
	for i := range m.Threats {
		x := &m.Threats[i]
		switch rapid.IntRange(0, 5).Draw(rt, "edit threat") {
		case 0:
			x.Title = "mine"
			by(&x.Sets, "title")
			kept[string(x.ID)+" title"] = x.Title
		case 1:
			x.Status, x.Acceptance = model.Accepted, &model.Acceptance{Reason: "r", Owner: "o", By: "b", At: noon, Ends: noon}
			kept[string(x.ID)+" status"] = string(x.Status)
		}
	}
	for i := range m.Countermeasures {
		x := &m.Countermeasures[i]
		switch rapid.IntRange(0, 5).Draw(rt, "edit countermeasure") {
		case 0:
			x.State = rapid.SampledFrom([]model.State{model.Rejected, model.Implemented, model.Required, model.StateNotApplicable, model.Recommended}).Draw(rt, "state")
			by(&x.Sets, "state")
			kept[string(x.ID)+" state"] = string(x.State)
		case 1:
			x.Cost = &model.Cost{Amount: 99, Unit: "days"}
			by(&x.Sets, "cost")
			kept[string(x.ID)+" cost"] = "99"
		}
	}
	return kept
}

func fieldsOf(m *model.Model) map[string]string {
	all := map[string]string{}
	for i := range m.Threats {
		x := &m.Threats[i]
		all[string(x.ID)+" title"], all[string(x.ID)+" status"] = x.Title, string(x.Status)
	}
	for i := range m.Countermeasures {
		x := &m.Countermeasures[i]
		all[string(x.ID)+" state"] = string(x.State)
		if x.Cost != nil {
			all[string(x.ID)+" cost"] = fmt.Sprint(x.Cost.Amount)
		}
	}
	return all
}

func TestEditsSurviveAndNothingVanishesSilently(t *testing.T) {
	t.Parallel()
	lib, newer := small(t), edited(t, "Data is read by injection", "Data leaks by injection")
	rapid.Check(t, func(rt *rapid.T) {
		before := generated(t, drawModel(rt), lib)
		kept := edit(rt, before)
		ticketed := map[string]bool{}
		for i := range before.Countermeasures {
			if rapid.IntRange(0, 4).Draw(rt, "ticket") == 0 {
				ticketed[string(before.Countermeasures[i].ID)] = true
			}
		}
		next := withGenerated(drawModel(rt), before)
		untouched := asJSON(t, next)
		plan := generate.MakePlan(next, want(t, next, rapid.SampledFrom([]*library.Library{lib, newer}).Draw(rt, "library")), func(k generate.Kind, id string) bool { return ticketed[id] })
		after := generate.Apply(next, plan, noon, nil)
		if asJSON(t, next) != untouched {
			rt.Fatal("Apply changed the stored model")
		}
		if err := model.Validate(after); err != nil {
			rt.Fatalf("Apply gave an invalid model: %v", err)
		}
		got := fieldsOf(after)
		for field, value := range kept {
			if got[field] != value {
				rt.Fatalf("%s = %q after regeneration, want the person's %q", field, got[field], value)
			}
		}
		there := map[string]bool{}
		for i := range after.Countermeasures {
			there[string(after.Countermeasures[i].ID)] = true
			if r := after.Countermeasures[i].Retired; r != nil && r.Reason == "" {
				rt.Fatalf("%s is retired without a reason", after.Countermeasures[i].ID)
			}
		}
		reasons := map[string]string{}
		for _, i := range plan.Items {
			if i.Action == generate.Remove {
				reasons[i.ID] = i.Reason
			}
		}
		for i := range before.Countermeasures {
			id := string(before.Countermeasures[i].ID)
			if !there[id] && (ticketed[id] || reasons[id] == "") {
				rt.Fatalf("%s vanished (ticket: %t, reason: %q)", id, ticketed[id], reasons[id])
			}
		}
	})
}

func TestOneByOneEndsWhereAllAtOnceDoes(t *testing.T) {
	t.Parallel()
	lib := small(t)
	rapid.Check(t, func(rt *rapid.T) {
		before := generated(t, drawModel(rt), lib)
		edit(rt, before)
		next := withGenerated(drawModel(rt), before)
		all := generated(t, next, lib)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		step := next
		for range 500 {
			plan := generate.MakePlan(step, want(t, step, lib), nil)
			if plan.Empty() {
				step = generate.Apply(step, plan, noon, nil)
				break
			}
			pick := plan.Items[r.IntN(len(plan.Items))]
			step = generate.Apply(step, plan, noon, func(i generate.Item) bool { return i.Key() == pick.Key() })
			if err := model.Validate(step); err != nil {
				rt.Fatalf("after accepting %q alone: %v", pick.Text, err)
			}
		}
		if a, b := asJSON(t, all), asJSON(t, step); a != b {
			rt.Fatalf("all at once:\n%s\none by one:\n%s", a, b)
		}
	})
}
