package update

import (
	"fmt"
	"maps"

	"github.com/threatloop/threatloop/internal/model"
)

// align gives things of the file the ids that they had before where the program
// that wrote it gave them new ones: Threat Dragon does so with flows, curves and
// threats when it brings a file of version 1 to version 2. A thing is taken for
// one that has vanished where both are the only ones of their name in their place.
func align(before, file *model.Model) { alignWith(before, file, nil) }

// Align gives things of a file's older version the ids that they have in the
// model, as the merge does that it went through, and those of the newer version
// the same ids.
func Align(ours, older, newer *model.Model) { alignWith(ours, older, newer) }

// alignWith aligns a file, and another version of it in the same way.
func alignWith(before, file, version *model.Model) {
	pair := func(old, new map[string][]model.ElementID) {
		moved := map[model.ElementID]model.ElementID{}
		for name, list := range new {
			if match := old[name]; len(list) == 1 && len(match) == 1 && list[0] != match[0] {
				moved[list[0]] = match[0]
			}
		}
		rename(file, moved)
		if version != nil {
			there := elementsOf(version)
			maps.DeleteFunc(moved, func(_, to model.ElementID) bool { return there[to] })
			rename(version, moved)
		}
	}
	known, now := elementsOf(before), elementsOf(file)
	pair(named(before, now), named(file, known))
	known, now = elementsOf(before), elementsOf(file)
	pair(flowsOf(before, now), flowsOf(file, known))
	risks := alignThreats(before, file)
	risks.apply(file)
	if version != nil {
		risks.apply(version)
	}
}

func elementsOf(m *model.Model) map[model.ElementID]bool {
	all := map[model.ElementID]bool{}
	for i := range m.Zones {
		all[m.Zones[i].ID] = true
	}
	for i := range m.Components {
		all[m.Components[i].ID] = true
	}
	for i := range m.Flows {
		all[m.Flows[i].ID] = true
	}
	for i := range m.Curves {
		all[m.Curves[i].ID] = true
	}
	for i := range m.Texts {
		all[m.Texts[i].ID] = true
	}
	return all
}

// named returns zones, components and curves that the other model has not, by what people call them.
func named(m *model.Model, other map[model.ElementID]bool) map[string][]model.ElementID {
	all := map[string][]model.ElementID{}
	add := func(id model.ElementID, parts ...any) {
		if !other[id] {
			key := fmt.Sprintf("%q", parts)
			all[key] = append(all[key], id)
		}
	}
	for i := range m.Zones {
		add(m.Zones[i].ID, "zone", m.Zones[i].Diagram, m.Zones[i].Name)
	}
	for i := range m.Components {
		c := &m.Components[i]
		add(c.ID, "component", c.Diagram, c.Kind, c.Name)
	}
	for i := range m.Curves {
		add(m.Curves[i].ID, "curve", m.Curves[i].Diagram, m.Curves[i].Name, fmt.Sprint(m.Curves[i].Points))
	}
	return all
}

// flowsOf returns the flows that the other model has not, by name and ends.
func flowsOf(m *model.Model, other map[model.ElementID]bool) map[string][]model.ElementID {
	all := map[string][]model.ElementID{}
	for i := range m.Flows {
		f := &m.Flows[i]
		if !other[f.ID] {
			key := fmt.Sprintf("%q", []any{f.Diagram, f.Name, f.From, f.To})
			all[key] = append(all[key], f.ID)
		}
	}
	return all
}

// rename gives elements other ids, and all that refers to them.
func rename(m *model.Model, moved map[model.ElementID]model.ElementID) {
	if len(moved) == 0 {
		return
	}
	to := func(ids ...*model.ElementID) {
		for _, id := range ids {
			if other, ok := moved[*id]; ok {
				*id = other
			}
		}
	}
	for i := range m.Zones {
		to(&m.Zones[i].ID, &m.Zones[i].Parent)
	}
	for i := range m.Components {
		to(&m.Components[i].ID, &m.Components[i].Zone)
	}
	for i := range m.Curves {
		to(&m.Curves[i].ID)
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		to(&f.ID, &f.From, &f.To)
		for j := range f.Crosses {
			to(&f.Crosses[j])
		}
	}
	for i := range m.Threats {
		to(&m.Threats[i].Where)
	}
	for i := range m.Weaknesses {
		to(&m.Weaknesses[i].Where)
	}
	for i := range m.Countermeasures {
		to(&m.Countermeasures[i].Where)
	}
}

// moves are the ids that threats get, and the countermeasures that the file's text
// of their mitigation is.
type moves struct {
	threats  map[model.ThreatID]*model.Threat // what has the id and the ref
	measures map[model.CountermeasureID]model.CountermeasureID
	refs     map[model.CountermeasureID]string
}

// alignThreats finds the same for threats.
func alignThreats(before, file *model.Model) moves {
	known, now := map[model.ThreatID]bool{}, map[model.ThreatID]bool{}
	for i := range before.Threats {
		known[before.Threats[i].ID] = true
	}
	for i := range file.Threats {
		now[file.Threats[i].ID] = true
	}
	key := func(t *model.Threat) string { return fmt.Sprintf("%q", []any{t.Where, t.Title}) }
	old, new := map[string][]*model.Threat{}, map[string][]*model.Threat{}
	for i := range before.Threats {
		if t := &before.Threats[i]; !now[t.ID] && t.Origin == model.ByImport {
			old[key(t)] = append(old[key(t)], t)
		}
	}
	for i := range file.Threats {
		if t := &file.Threats[i]; !known[t.ID] {
			new[key(t)] = append(new[key(t)], t)
		}
	}
	out := moves{map[model.ThreatID]*model.Threat{}, map[model.CountermeasureID]model.CountermeasureID{}, map[model.CountermeasureID]string{}}
	for name, list := range new {
		match := old[name]
		if len(list) != 1 || len(match) != 1 {
			continue
		}
		t, was := list[0], match[0]
		c := model.NewCountermeasureID(file.Product.ID, t.Where, t.Ref)
		for i := range file.Countermeasures {
			if x := &file.Countermeasures[i]; x.Ref == t.Ref && x.Where == t.Where {
				c = x.ID
			}
		}
		id := model.NewCountermeasureID(before.Product.ID, was.Where, was.Ref)
		for i := range before.Countermeasures {
			if x := &before.Countermeasures[i]; x.Ref == was.Ref && x.Where == was.Where {
				id = x.ID
			}
		}
		out.threats[t.ID], out.measures[c], out.refs[c] = was, id, was.Ref
	}
	return out
}

// apply gives the things of a model their ids. One whose id is there already keeps its own.
func (v moves) apply(m *model.Model) {
	threats, measures := map[model.ThreatID]bool{}, map[model.CountermeasureID]bool{}
	for i := range m.Threats {
		threats[m.Threats[i].ID] = true
	}
	for i := range m.Countermeasures {
		measures[m.Countermeasures[i].ID] = true
	}
	now := map[model.ThreatID]model.ThreatID{}
	for i := range m.Threats {
		t := &m.Threats[i]
		if was := v.threats[t.ID]; was != nil && !threats[was.ID] {
			now[t.ID] = was.ID
			t.ID, t.Ref = was.ID, was.Ref
		}
	}
	other := map[model.CountermeasureID]model.CountermeasureID{}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		if id, ok := v.measures[c.ID]; ok && !measures[id] {
			other[c.ID] = id
			c.Ref = v.refs[c.ID]
			c.ID = id
		}
	}
	for i := range m.Links {
		l := &m.Links[i]
		if id, ok := now[l.Threat]; ok {
			l.Threat = id
		}
		if id, ok := other[l.Countermeasure]; ok {
			l.Countermeasure = id
		}
	}
}
