package update

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// Left are the changes of a file that were not taken, by the key of the thing: what
// the file said of it before, or null where it said nothing. A base in which they
// stand instead of what the file says now offers the changes again.
type Left map[string]json.RawMessage

// Key names an item among those of one merge: "component/ID".
func (i Item) Key() string { return key(i.Kind, i.ID) }

func key(kind Kind, id string) string { return string(kind) + "/" + id }

// Choosable reports whether a person can leave the item out: it changes something.
func (i Item) Choosable() bool { return i.Action != Keep }

// Compose returns what a file says, with what was left in the place of what it says
// of these things. The file is not changed.
func Compose(file *model.Model, left Left) (*model.Model, error) {
	m := model.Clone(file)
	if len(left) == 0 {
		return m, nil
	}
	if raw, ok := left[key(Product, string(m.Product.ID))]; ok {
		m.Product = model.Product{ID: m.Product.ID}
		if err := json.Unmarshal(raw, &m.Product); err != nil { // null changes nothing
			return nil, fmt.Errorf("update: product as it was: %w", err)
		}
	}
	for _, step := range []func() error{
		func() error { return compose(Answer, &m.Answers, left, answerOf) },
		func() error { return compose(Asset, &m.Assets, left, assetOf) },
		func() error { return compose(Diagram, &m.Diagrams, left, diagramOf) },
		func() error { return compose(Zone, &m.Zones, left, zoneOf) },
		func() error { return compose(Component, &m.Components, left, componentOf) },
		func() error { return compose(Curve, &m.Curves, left, curveOf) },
		func() error { return compose(Text, &m.Texts, left, textOf) },
		func() error { return compose(Flow, &m.Flows, left, flowOf) },
		func() error { return compose(Threat, &m.Threats, left, threatOf) },
		func() error { return compose(Weakness, &m.Weaknesses, left, weaknessOf) },
		func() error { return compose(Countermeasure, &m.Countermeasures, left, countermeasureOf) },
		func() error { return compose(Link, &m.Links, left, linkOf) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if err := composeOrder(m, left); err != nil {
		return nil, err
	}
	model.Sort(m)
	return m, nil
}

func compose[T any](kind Kind, list *[]T, left Left, of func(*T) part) error {
	stood := map[string]int{}
	for i := range *list {
		stood[key(kind, of(&(*list)[i]).id)] = i
	}
	gone := map[int]bool{}
	for _, k := range slices.Sorted(maps.Keys(left)) {
		if !strings.HasPrefix(k, string(kind)+"/") {
			continue
		}
		i, here := stood[k]
		if string(left[k]) == "null" {
			if here {
				gone[i] = true
			}
			continue
		}
		var t T
		if err := json.Unmarshal(left[k], &t); err != nil {
			return fmt.Errorf("update: %s as it was: %w", k, err)
		}
		if here {
			(*list)[i] = t
		} else {
			*list = append(*list, t)
		}
	}
	i := -1
	*list = slices.DeleteFunc(*list, func(T) bool {
		i++
		return gone[i]
	})
	return nil
}

// chosen returns what the file would say if it had only the changes that are
// taken, and what was left: changes that nobody chose, and those that cannot be
// without them. All are the items of a merge of everything.
func chosen(base, ours, theirs *model.Model, all []Item, take func(key string) bool) (*model.Model, Left, error) {
	waits, action := map[string]bool{}, map[string]Action{}
	for _, i := range all {
		if i.Choosable() {
			action[i.Key()] = i.Action
			waits[i.Key()] = !take(i.Key())
		}
	}
	have := needsOf(ours)
	was := needsOf(base)
	needs := needsOf(theirs)
	for k := range needs {
		if _, here := have[k]; !here && strings.HasPrefix(k, string(Link)+"/") {
			action[k] = Add // links are no items
		}
	}
	for again := true; again; {
		again = false
		wait := func(k string) {
			waits[k], again = true, true
		}
		for k, list := range needs { // what is new waits for what it needs
			if !waits[k] && action[k] != "" && slices.ContainsFunc(list, func(need string) bool { return waits[need] && action[need] == Add }) {
				wait(k)
			}
		}
		for k, list := range was { // what something needs goes only after it
			if !waits[k] || action[k] == Add {
				continue
			}
			for _, need := range list {
				if !waits[need] && action[need] == Remove {
					wait(need)
				}
			}
		}
	}
	before, err := objectsOf(base)
	if err != nil {
		return nil, nil, err
	}
	if len(base.Diagrams) == 0 { // what nobody chose is to be offered again
		stands, err := objectsOf(&model.Model{Diagrams: ours.Diagrams})
		if err != nil {
			return nil, nil, err
		}
		before[key(Order, diagramOrder)] = stands[key(Order, diagramOrder)]
	}
	left := Left{}
	for k, waiting := range waits {
		if !waiting {
			continue
		}
		if left[k] = before[k]; left[k] == nil {
			left[k] = json.RawMessage("null")
		}
	}
	restricted, err := Compose(theirs, left)
	return restricted, left, err
}

// needsOf tells of everything in a model what it stands in, joins or is about.
func needsOf(m *model.Model) map[string][]string {
	kinds := map[model.ElementID]Kind{}
	for i := range m.Zones {
		kinds[m.Zones[i].ID] = Zone
	}
	for i := range m.Components {
		kinds[m.Components[i].ID] = Component
	}
	for i := range m.Flows {
		kinds[m.Flows[i].ID] = Flow
	}
	for i := range m.Curves {
		kinds[m.Curves[i].ID] = Curve
	}
	for i := range m.Texts {
		kinds[m.Texts[i].ID] = Text
	}
	all := map[string][]string{}
	diagram := func(k string, d model.DiagramID) { all[k] = append(all[k], key(Diagram, string(d))) }
	elements := func(k string, ids ...model.ElementID) {
		for _, id := range ids {
			if kind, ok := kinds[id]; ok {
				all[k] = append(all[k], key(kind, string(id)))
			}
		}
	}
	assets := func(k string, ids []model.AssetID) {
		for _, id := range ids {
			all[k] = append(all[k], key(Asset, string(id)))
		}
	}
	for i := range m.Zones {
		z := &m.Zones[i]
		k := key(Zone, string(z.ID))
		diagram(k, z.Diagram)
		elements(k, z.Parent)
	}
	for i := range m.Components {
		c := &m.Components[i]
		k := key(Component, string(c.ID))
		diagram(k, c.Diagram)
		elements(k, c.Zone)
		assets(k, c.Stores)
		assets(k, c.Processes)
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		k := key(Flow, string(f.ID))
		diagram(k, f.Diagram)
		elements(k, f.From, f.To)
		elements(k, f.Crosses...)
		assets(k, f.Carries)
	}
	for i := range m.Curves {
		diagram(key(Curve, string(m.Curves[i].ID)), m.Curves[i].Diagram)
	}
	for i := range m.Texts {
		diagram(key(Text, string(m.Texts[i].ID)), m.Texts[i].Diagram)
	}
	for i := range m.Threats {
		elements(key(Threat, string(m.Threats[i].ID)), m.Threats[i].Where)
	}
	for i := range m.Weaknesses {
		elements(key(Weakness, string(m.Weaknesses[i].ID)), m.Weaknesses[i].Where)
	}
	for i := range m.Countermeasures {
		elements(key(Countermeasure, string(m.Countermeasures[i].ID)), m.Countermeasures[i].Where)
	}
	for i := range m.Links {
		l := &m.Links[i]
		k := key(Link, linkOf(l).id)
		all[k] = []string{key(Threat, string(l.Threat)), key(Weakness, string(l.Weakness)), key(Countermeasure, string(l.Countermeasure))}
	}
	return all
}

// objectsOf returns the JSON of everything in a model by its key.
func objectsOf(m *model.Model) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	product := []model.Product{m.Product}
	for _, err := range []error{
		objects(all, Product, product, func(p *model.Product) part { return part{id: string(p.ID)} }),
		objects(all, Answer, m.Answers, answerOf), objects(all, Asset, m.Assets, assetOf), objects(all, Diagram, m.Diagrams, diagramOf),
		objects(all, Zone, m.Zones, zoneOf), objects(all, Component, m.Components, componentOf), objects(all, Curve, m.Curves, curveOf),
		objects(all, Text, m.Texts, textOf), objects(all, Flow, m.Flows, flowOf), objects(all, Threat, m.Threats, threatOf),
		objects(all, Weakness, m.Weaknesses, weaknessOf), objects(all, Countermeasure, m.Countermeasures, countermeasureOf), objects(all, Link, m.Links, linkOf),
	} {
		if err != nil {
			return nil, err
		}
	}
	order, err := json.Marshal(idsIn(m.Diagrams))
	if err != nil {
		return nil, fmt.Errorf("update: order of the diagrams as JSON: %w", err)
	}
	all[key(Order, diagramOrder)] = order
	return all, nil
}

func objects[T any](all map[string]json.RawMessage, kind Kind, list []T, of func(*T) part) error {
	for i := range list {
		raw, err := json.Marshal(&list[i])
		if err != nil {
			return fmt.Errorf("update: %s as JSON: %w", kind, err)
		}
		all[key(kind, of(&list[i]).id)] = raw
	}
	return nil
}
