package generate

import (
	"maps"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// Apply returns the stored model with the accepted items of its plan carried out;
// accept nil takes all, and orphans are always taken. Stored is not changed. What is left out stays pending: the
// next plan has it again. A link is only there where both its ends are, whatever was
// accepted. At is the time written into what is retired.
func Apply(stored *model.Model, plan *Plan, at time.Time, accept func(Item) bool) *model.Model {
	return apply(stored, plan, &applier{at: at}, accept)
}

// Fulfil returns the model as the whole plan would leave it: Apply of MakePlan with
// nothing touched and everything accepted, without the cost of telling a person about each item.
// The model may hold the lists of desired, which serves no more afterwards.
func Fulfil(stored *model.Model, desired *Result, at time.Time) *model.Model {
	return apply(stored, newPlan(stored, desired, nil, true), &applier{at: at, adds: true}, nil)
}

func apply(stored *model.Model, plan *Plan, a *applier, accept func(Item) bool) *model.Model {
	a.items = map[Kind]map[string][]Item{}
	for _, i := range plan.Items {
		if i.Orphan || accept == nil || accept(i) {
			if a.items[i.Kind] == nil {
				a.items[i.Kind] = map[string][]Item{}
			}
			a.items[i.Kind][i.ID] = append(a.items[i.Kind][i.ID], i)
		}
	}
	m := *stored
	d := plan.desired
	a.product(&m, d)
	m.Answers, m.Assets = slices.Clone(m.Answers), slices.Clone(m.Assets)
	if a.adds && len(m.Threats)+len(m.Weaknesses)+len(m.Countermeasures)+len(m.Links) == 0 {
		m.Threats, m.Weaknesses, m.Countermeasures, m.Links = d.Threats, d.Weaknesses, d.Countermeasures, d.Links
	} else {
		m.Threats = applyTo(a, threatTable(), stored.Threats, d.Threats)
		m.Weaknesses = applyTo(a, weaknessTable(), stored.Weaknesses, d.Weaknesses)
		m.Countermeasures = applyTo(a, countermeasureTable(), stored.Countermeasures, d.Countermeasures)
		m.Links = applyTo(a, linkTable(), stored.Links, d.Links)
		joined(&m)
	}
	if a.restamp {
		restamp(&m, d.Library)
	}
	model.Sort(&m)
	return &m
}

type applier struct {
	at      time.Time
	items   map[Kind]map[string][]Item
	adds    bool // whatever is new is added, without items that say so
	restamp bool
}

func (a *applier) product(m *model.Model, d *Result) {
	p := &m.Product
	p.Sets = maps.Clone(p.Sets)
	for _, item := range a.items[KindProduct][string(p.ID)] {
		for _, f := range item.Fields {
			switch {
			case f.Field == "library":
				p.Library, a.restamp = d.Library, true
			case item.Action == Keep:
				a.note(&p.Sets, f)
			case f.Field == "value":
				p.Value = nil
				if d.Value != nil {
					value := d.Value.Value
					p.Value = &value
				}
				a.figure(p, f.Field, p.Value != nil)
			case f.Field == "exposure":
				p.Exposure = nil
				if d.Exposure != nil {
					value := d.Exposure.Value
					p.Exposure = &value
				}
				a.figure(p, f.Field, p.Exposure != nil)
			}
		}
	}
}

// figure marks a figure of the product as the rules', so that they may change it again.
func (a *applier) figure(p *model.Product, field string, set bool) {
	delete(p.Sets, field)
	if set {
		if p.Sets == nil {
			p.Sets = model.Sets{}
		}
		p.Sets[field] = model.Set{By: model.SetByRule, At: a.at}
	}
	if len(p.Sets) == 0 {
		p.Sets = nil
	}
}

// note writes beside a kept value what the rules want, or strikes it out where they agree.
func (a *applier) note(sets *model.Sets, f Difference) {
	set, listed := (*sets)[f.Field]
	if !listed {
		set = model.Set{By: f.By, At: a.at}
	}
	set.Wanted = f.New
	if string(f.Old) == string(f.New) {
		set.Wanted = nil
	}
	if *sets == nil {
		*sets = model.Sets{}
	}
	(*sets)[f.Field] = set
}

func applyTo[T any](a *applier, t *table[T], stored, desired []T) []T {
	wanted := make(map[string]*T, len(desired))
	for i := range desired {
		wanted[t.id(&desired[i])] = &desired[i]
	}
	out := make([]T, 0, len(stored)+len(desired))
	seen := make(map[string]bool, len(stored))
	for i := range stored {
		o := stored[i]
		seen[t.id(&o)] = true
		gone := false
		for _, item := range a.items[t.kind][t.id(&o)] {
			gone = gone || item.Action == Remove
			carryOut(a, t, item, &o, wanted[t.id(&o)])
		}
		if !gone {
			out = append(out, o)
		}
	}
	for i := range desired {
		d := desired[i]
		if a.adds && !seen[t.id(&d)] {
			out = append(out, d)
		}
		for _, item := range a.items[t.kind][t.id(&d)] {
			if item.Action == Add {
				out = append(out, d)
			}
		}
	}
	return out
}

func carryOut[T any](a *applier, t *table[T], item Item, o, d *T) {
	switch item.Action {
	case Retire:
		*t.retired(o) = &model.Retired{At: a.at, Reason: item.Reason}
	case Keep:
		sets := maps.Clone(*t.sets(o))
		for _, f := range item.Fields {
			a.note(&sets, f)
		}
		*t.sets(o) = sets
	case Change, Revive:
		if item.Action == Revive {
			*t.retired(o) = nil
			if t.why != nil {
				*t.why(o) = *t.why(d)
			}
		}
		for _, f := range item.Fields {
			if f.Field == "why" {
				*t.why(o) = *t.why(d)
			}
			for _, c := range t.columns {
				if c.name == f.Field {
					c.copy(o, d)
				}
			}
		}
	}
}

// joined drops links without their ends.
func joined(m *model.Model) {
	threats, weaknesses, countermeasures := map[model.ThreatID]bool{}, map[model.WeaknessID]bool{"": true}, map[model.CountermeasureID]bool{"": true}
	for i := range m.Threats {
		threats[m.Threats[i].ID] = true
	}
	for i := range m.Weaknesses {
		weaknesses[m.Weaknesses[i].ID] = true
	}
	for i := range m.Countermeasures {
		countermeasures[m.Countermeasures[i].ID] = true
	}
	m.Links = slices.DeleteFunc(m.Links, func(l model.Link) bool {
		return !threats[l.Threat] || !weaknesses[l.Weakness] || !countermeasures[l.Countermeasure]
	})
}

// restamp moves the reasons of everything that lives to the library's version. The
// lists of reasons are shared with stored, so they are copied.
func restamp(m *model.Model, stamp string) {
	move := func(list []model.Why, origin model.Origin, retired *model.Retired) []model.Why {
		if origin != model.ByRule || retired != nil || !slices.ContainsFunc(list, func(w model.Why) bool { return w.Library != stamp }) {
			return list
		}
		list = slices.Clone(list)
		for i := range list {
			list[i].Library = stamp
		}
		return list
	}
	for i := range m.Threats {
		m.Threats[i].Why = move(m.Threats[i].Why, m.Threats[i].Origin, m.Threats[i].Retired)
	}
	for i := range m.Weaknesses {
		m.Weaknesses[i].Why = move(m.Weaknesses[i].Why, m.Weaknesses[i].Origin, m.Weaknesses[i].Retired)
	}
	for i := range m.Countermeasures {
		m.Countermeasures[i].Why = move(m.Countermeasures[i].Why, m.Countermeasures[i].Origin, m.Countermeasures[i].Retired)
	}
}
