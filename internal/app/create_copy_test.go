package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/model"
)

// drawModel draws a model with threats, weaknesses, countermeasures and links at a
// product, made by rules and by hand, some retired, owned, decided about.
func drawModel(t *rapid.T) *model.Model {
	const id = model.ProductID("prd_1")
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	m := &model.Model{
		Product:    model.Product{ID: id, Name: "P", Owner: "Ann", Tags: []string{"a"}, Custom: map[string]string{"k": "v"}, Template: rapid.Bool().Draw(t, "template")},
		Components: []model.Component{{ID: "shop", Kind: model.Process, Name: "Shop"}},
		Diagrams:   []model.Diagram{{ID: "d", Title: "D"}},
	}
	where := rapid.SampledFrom([]model.ElementID{"shop", model.AtProduct})
	derived, owner, retired := rapid.Bool(), rapid.SampledFrom([]string{"", "usr_1", "Bob"}), rapid.Map(rapid.IntRange(0, 4), func(n int) *model.Retired {
		if n > 0 {
			return nil
		}
		return &model.Retired{At: at, Reason: "r"}
	})
	sets := func(owned string, more ...string) model.Sets {
		s := model.Sets{}
		for _, f := range append(more, "title") {
			if rapid.Bool().Draw(t, "set "+f) {
				s[f] = model.Set{By: model.SetByPerson, Actor: "Ann", At: at}
			}
		}
		if owned != "" {
			s["owner"] = model.Set{By: model.SetByPerson, Actor: "Ann", At: at}
		}
		if len(s) == 0 {
			return nil
		}
		return s
	}
	origin := func(rule bool) model.Origin {
		if rule {
			return model.ByRule
		}
		return model.ByPerson
	}
	n := rapid.IntRange(0, 5)
	for i := range n.Draw(t, "threats") {
		x := model.Threat{Where: where.Draw(t, "where"), Ref: fmt.Sprint("t", i), Title: "T", Owner: owner.Draw(t, "owner"), Retired: retired.Draw(t, "retired")}
		x.Status = rapid.SampledFrom([]model.ThreatStatus{model.Open, model.Accepted, model.Transferred, model.Avoided}).Draw(t, "status")
		if x.Status == model.Accepted {
			x.Acceptance = &model.Acceptance{Reason: "r", Owner: "o", By: "b", At: at, Ends: at.AddDate(1, 0, 0)}
		}
		rule := derived.Draw(t, "by rule")
		x.Origin, x.Sets = origin(rule), sets(x.Owner, "status", "status_reason")
		if x.ID = model.ThreatID(fmt.Sprint("thr_own", i)); rule {
			x.ID = model.NewThreatID(id, x.Where, x.Ref)
		}
		m.Threats = append(m.Threats, x)
	}
	for i := range n.Draw(t, "weaknesses") {
		x := model.Weakness{Where: where.Draw(t, "where"), Ref: fmt.Sprint("w", i), Title: "W", Retired: retired.Draw(t, "retired")}
		rule := derived.Draw(t, "by rule")
		x.Origin, x.Sets = origin(rule), sets("")
		if x.ID = model.WeaknessID(fmt.Sprint("wkn_own", i)); rule {
			x.ID = model.NewWeaknessID(id, x.Where, x.Ref)
		}
		m.Weaknesses = append(m.Weaknesses, x)
	}
	for i := range n.Draw(t, "countermeasures") {
		x := model.Countermeasure{Where: where.Draw(t, "where"), Ref: fmt.Sprint("c", i), Title: "C", Owner: owner.Draw(t, "owner"), Retired: retired.Draw(t, "retired"), Cost: &model.Cost{Amount: 1, Unit: "days"}}
		x.State = rapid.SampledFrom([]model.State{model.Recommended, model.Required, model.Implemented, model.Rejected, model.StateNotApplicable}).Draw(t, "state")
		rule := derived.Draw(t, "by rule")
		x.Origin, x.Sets = origin(rule), sets(x.Owner, "state", "state_reason")
		if x.ID = model.CountermeasureID(fmt.Sprint("cms_own", i)); rule {
			x.ID = model.NewCountermeasureID(id, x.Where, x.Ref)
		}
		m.Countermeasures = append(m.Countermeasures, x)
	}
	for _, x := range m.Threats {
		for i := -1; i < len(m.Weaknesses); i++ {
			for k := -1; k < len(m.Countermeasures); k++ {
				if i < 0 && k < 0 || rapid.IntRange(0, 3).Draw(t, "linked") > 0 {
					continue
				}
				l := model.Link{Threat: x.ID, Origin: model.ByPerson, Retired: retired.Draw(t, "retired")}
				if i >= 0 {
					l.Weakness = m.Weaknesses[i].ID
				}
				if k >= 0 {
					l.Countermeasure, l.Share = m.Countermeasures[k].ID, 40
				}
				m.Links = append(m.Links, l)
			}
		}
	}
	model.Sort(m)
	return m
}

// expectedCopy is what a copy of a model has but for the ids: written down once
// more, without sharing code with what is tested.
func expectedCopy(m *model.Model, include CloneInclude) *model.Model {
	out := model.Clone(m)
	drop := func(s *model.Sets, fields ...string) {
		for _, f := range fields {
			delete(*s, f)
		}
	}
	gone := map[string]bool{}
	out.Threats = slices.DeleteFunc(out.Threats, func(x model.Threat) bool { gone[string(x.ID)] = x.Retired != nil; return x.Retired != nil })
	out.Weaknesses = slices.DeleteFunc(out.Weaknesses, func(x model.Weakness) bool { gone[string(x.ID)] = x.Retired != nil; return x.Retired != nil })
	out.Countermeasures = slices.DeleteFunc(out.Countermeasures, func(x model.Countermeasure) bool { gone[string(x.ID)] = x.Retired != nil; return x.Retired != nil })
	out.Links = slices.DeleteFunc(out.Links, func(l model.Link) bool {
		return l.Retired != nil || gone[string(l.Threat)] || gone[string(l.Weakness)] || gone[string(l.Countermeasure)]
	})
	for i := range out.Threats {
		x := &out.Threats[i]
		if x.Status == model.Accepted || x.Status == model.Transferred || !include.States {
			x.Status = model.Open
			drop(&x.Sets, "status", "status_reason")
		}
		x.Acceptance = nil
		if !include.Owners {
			x.Owner = ""
			drop(&x.Sets, "owner")
		}
	}
	for i := range out.Countermeasures {
		x := &out.Countermeasures[i]
		if !include.States {
			if x.State != model.Recommended {
				x.State = model.Required
			}
			drop(&x.Sets, "state", "state_reason")
		}
		if !include.Owners {
			x.Owner = ""
			drop(&x.Sets, "owner")
		}
	}
	if !include.Owners {
		out.Product.Owner = ""
	}
	return out
}

// nameless puts in place of every id what it stands for, in the order of that.
func nameless(m *model.Model) *model.Model {
	out := model.Clone(m)
	names := map[string]string{}
	out.Product.ID = ""
	for i := range out.Threats {
		x := &out.Threats[i]
		names[string(x.ID)] = x.Ref
		x.ID = ""
	}
	for i := range out.Weaknesses {
		x := &out.Weaknesses[i]
		names[string(x.ID)] = x.Ref
		x.ID = ""
	}
	for i := range out.Countermeasures {
		x := &out.Countermeasures[i]
		names[string(x.ID)] = x.Ref
		x.ID = ""
	}
	for i := range out.Links {
		l := &out.Links[i]
		l.Threat, l.Weakness, l.Countermeasure = model.ThreatID(names[string(l.Threat)]), model.WeaknessID(names[string(l.Weakness)]), model.CountermeasureID(names[string(l.Countermeasure)])
	}
	slices.SortFunc(out.Threats, func(a, b model.Threat) int { return strings.Compare(a.Ref, b.Ref) })
	slices.SortFunc(out.Weaknesses, func(a, b model.Weakness) int { return strings.Compare(a.Ref, b.Ref) })
	slices.SortFunc(out.Countermeasures, func(a, b model.Countermeasure) int { return strings.Compare(a.Ref, b.Ref) })
	slices.SortFunc(out.Links, func(a, b model.Link) int { return slices.Compare(ends(a), ends(b)) })
	return out
}

func ends(l model.Link) []string {
	return []string{string(l.Threat), string(l.Weakness), string(l.Countermeasure)}
}

// A copy of any model is that model under other ids, and a sound one.
func TestCopyIsTheSameButForIDs(t *testing.T) {
	t.Parallel()
	a := newDesk(t).App
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		if err := model.Validate(m); err != nil {
			t.Fatalf("the drawn model is not valid: %v", err)
		}
		include := CloneInclude{States: rapid.Bool().Draw(t, "states"), Owners: rapid.Bool().Draw(t, "owners")}
		next := 0
		c := copier{m: model.Clone(m), from: m.Product.ID, to: "prd_2", include: include, random: func(prefix string) string {
			next++
			return fmt.Sprint(prefix, "_new", next)
		}}
		if err := c.run(a); err != nil {
			t.Fatalf("copier.run: %v", err)
		}
		model.Sort(c.m)
		if err := model.Validate(c.m); err != nil {
			t.Fatalf("the copy is not valid: %v", err)
		}
		if diff := cmp.Diff(nameless(expectedCopy(m, include)), nameless(c.m), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("copy (-want +got):\n%s", diff)
		}
		old := map[string]bool{}
		for _, x := range m.Threats {
			old[string(x.ID)] = true
		}
		for _, x := range c.m.Threats {
			if want := model.NewThreatID("prd_2", x.Where, x.Ref); old[string(x.ID)] || x.Origin == model.ByRule && x.ID != want {
				t.Errorf("the copied threat %s has id %s, want %s where a rule made it, and none of the original's", x.Ref, x.ID, want)
			}
		}
	})
}
