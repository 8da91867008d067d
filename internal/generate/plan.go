package generate

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// Kind is what an item of a plan is about.
type Kind string

// The kinds, in the order in which a plan lists them.
const (
	KindProduct        Kind = "product"
	KindThreat         Kind = "threat"
	KindWeakness       Kind = "weakness"
	KindCountermeasure Kind = "countermeasure"
	KindLink           Kind = "link"
)

// Action is what an item does.
type Action string

// The actions.
const (
	Add    Action = "add"
	Change Action = "change" // fields that the rules own
	Keep   Action = "keep"   // a value that somebody else set and the rules see otherwise: nothing changes
	Revive Action = "revive" // retired, and wanted again
	Retire Action = "retire" // wanted no more, but somebody touched it
	Remove Action = "remove" // wanted no more, and nobody touched it
)

// Plan is the difference between what is stored and what the rules want.
type Plan struct {
	From  string `json:"from,omitempty"` // stamp of the library that the stored part stands at
	To    string `json:"to"`
	Items []Item `json:"items"`

	desired *Result
}

// Item is one step of a plan. Kind, ID and Action identify it: the same
// difference has the same key in the next plan.
type Item struct {
	Action Action          `json:"action"`
	Kind   Kind            `json:"kind"`
	ID     string          `json:"id"` // of a link "threat/weakness/countermeasure"; of the product its id
	Where  model.ElementID `json:"where"`
	Title  string          `json:"title"`
	Fields []Difference    `json:"fields,omitempty"`
	Reason string          `json:"reason,omitempty"` // of retire and remove
	Why    []model.Why     `json:"why,omitempty"`    // of add and revive
	Text   string          `json:"text"`             // one line for people
	// Orphan: the place was taken out of the model. Whoever did that has decided;
	// Apply carries the item out whatever else is accepted, so that no model refers to nothing.
	Orphan bool `json:"orphan,omitempty"`
}

// Difference is one field's stored and wanted value, as JSON by the model's names.
type Difference struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old"`
	New   json.RawMessage `json:"new"`
	By    model.Setter    `json:"by,omitempty"` // of keep: who set the stored value
}

// Key identifies the item over plans: "change threat thr_...".
func (i Item) Key() string { return string(i.Action) + " " + string(i.Kind) + " " + i.ID }

// Empty tells whether applying the plan changes anything but notes of what the rules would have set.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.Items, func(i Item) bool { return i.Action != Keep })
}

// Counts returns the number of items per action.
func (p *Plan) Counts() map[Action]int {
	counts := map[Action]int{}
	for _, i := range p.Items {
		counts[i.Action]++
	}
	return counts
}

// MakePlan compares the stored model with what the rules want of it. Only objects
// of rules are planned; fields that somebody else set stay as they are. Touched
// tells what has a ticket or evidence, which the model itself does not know; nil is nothing.
func MakePlan(stored *model.Model, desired *Result, touched func(kind Kind, id string) bool) *Plan {
	p := newPlan(stored, desired, touched, false)
	slices.SortStableFunc(p.Items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(kindOrder[a.Kind], kindOrder[b.Kind]), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID))
	})
	return p
}

// kindOrder is the order of a plan's items.
var kindOrder = map[Kind]int{KindProduct: 0, KindThreat: 1, KindWeakness: 2, KindCountermeasure: 3, KindLink: 4}

// newPlan makes a plan in no order. A bare one is for Fulfil alone: it has no items for what is added and no texts.
func newPlan(stored *model.Model, desired *Result, touched func(Kind, string) bool, bare bool) *Plan {
	if touched == nil {
		touched = func(Kind, string) bool { return false }
	}
	p := &planner{
		stored: stored, desired: desired, touched: touched, bare: bare,
		plan: &Plan{From: stored.Product.Library, To: desired.Library, Items: []Item{}, desired: desired},
	}
	p.index()
	p.product()
	compare(p, threatTable(), stored.Threats, desired.Threats)
	compare(p, weaknessTable(), stored.Weaknesses, desired.Weaknesses)
	compare(p, countermeasureTable(), stored.Countermeasures, desired.Countermeasures)
	compare(p, linkTable(), stored.Links, desired.Links)
	return p.plan
}

type planner struct {
	stored  *model.Model
	desired *Result
	touched func(Kind, string) bool
	plan    *Plan
	bare    bool // see newPlan

	names  map[model.ElementID]string
	out    map[model.ElementID]bool
	titles map[string]string // of threats, weaknesses and countermeasures by id
	places map[string]model.ElementID
	held   map[string]bool // ids at links that somebody touched
}

func (p *planner) index() {
	p.names = map[model.ElementID]string{model.AtProduct: "the product"}
	p.out = map[model.ElementID]bool{}
	m := p.stored
	for _, z := range m.Zones {
		p.names[z.ID] = z.Name
	}
	for i := range m.Components {
		p.names[m.Components[i].ID], p.out[m.Components[i].ID] = m.Components[i].Name, m.Components[i].OutOfScope
	}
	for i := range m.Flows {
		p.names[m.Flows[i].ID], p.out[m.Flows[i].ID] = m.Flows[i].Name, m.Flows[i].OutOfScope
	}
	p.titles, p.places, p.held = map[string]string{}, map[string]model.ElementID{}, map[string]bool{}
	d := p.desired
	if p.bare {
		d = &Result{} // what is added has no item that must say where
	}
	for _, list := range [][]model.Threat{m.Threats, d.Threats} {
		for i := range list {
			p.titles[string(list[i].ID)], p.places[string(list[i].ID)] = list[i].Title, list[i].Where
		}
	}
	for _, list := range [][]model.Weakness{m.Weaknesses, d.Weaknesses} {
		for i := range list {
			p.titles[string(list[i].ID)], p.places[string(list[i].ID)] = list[i].Title, list[i].Where
		}
	}
	for _, list := range [][]model.Countermeasure{m.Countermeasures, d.Countermeasures} {
		for i := range list {
			p.titles[string(list[i].ID)], p.places[string(list[i].ID)] = list[i].Title, list[i].Where
		}
	}
	for i := range m.Links {
		if l := &m.Links[i]; l.Origin != model.ByRule || held(l.Sets) || p.touched(KindLink, linkID(l)) {
			for _, id := range []string{string(l.Threat), string(l.Weakness), string(l.Countermeasure)} {
				p.held[id] = true
			}
		}
	}
}

// held tells whether somebody other than the rules set a field.
func held(s model.Sets) bool {
	for _, set := range s {
		if set.By != model.SetByRule {
			return true
		}
	}
	return false
}

func linkID(l *model.Link) string {
	return string(l.Threat) + "/" + string(l.Weakness) + "/" + string(l.Countermeasure)
}

// column is one field that rules set: how to compare, show and copy it.
type column[T any] struct {
	name  string
	equal func(stored, desired *T) bool
	value func(*T) json.RawMessage
	copy  func(to, from *T)
}

func columnOf[T any, V comparable](name string, at func(*T) *V) column[T] {
	return columnWith(name, at, func(a, b V) bool { return a == b })
}

// listOf is a column of a list; nil and empty are the same, as in a file.
func listOf[T any, E comparable](name string, at func(*T) *[]E) column[T] {
	return columnWith(name, at, slices.Equal[[]E])
}

func columnWith[T, V any](name string, at func(*T) *V, equal func(a, b V) bool) column[T] {
	return column[T]{
		name:  name,
		equal: func(a, b *T) bool { return equal(*at(a), *at(b)) },
		value: func(t *T) json.RawMessage { return asJSON(at(t)) },
		copy:  func(to, from *T) { *at(to) = *at(from) },
	}
}

func asJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil { // the model's fields are plain values and floats that Validate has checked
		return json.RawMessage("null")
	}
	return b
}

// table is all that a plan needs to know of one kind of object.
type table[T any] struct {
	kind    Kind
	id      func(*T) string
	where   func(p *planner, t *T) model.ElementID
	title   func(p *planner, t *T) string
	ref     func(*T) string
	origin  func(*T) model.Origin
	sets    func(*T) *model.Sets
	retired func(*T) **model.Retired
	why     func(*T) *[]model.Why // nil: the object keeps none
	touched func(*T) bool         // by what the object itself says
	columns []column[T]
}

// holds tells whether somebody other than the rules decides on the field.
func (t *table[T]) holds(o *T, field string) bool {
	s, listed := (*t.sets(o))[field]
	if listed {
		return s.By != model.SetByRule
	}
	if c, ok := any(o).(*model.Countermeasure); ok && field == "state" {
		return c.State != model.Recommended && c.State != model.Required
	}
	return false
}

func compare[T any](p *planner, t *table[T], stored, desired []T) {
	if p.bare && len(stored) == 0 {
		return
	}
	wanted := make(map[string]*T, len(desired))
	for i := range desired {
		wanted[t.id(&desired[i])] = &desired[i]
	}
	seen := make(map[string]bool, len(stored))
	for i := range stored {
		o := &stored[i]
		seen[t.id(o)] = true
		if t.origin(o) == model.ByRule {
			planOne(p, t, o, wanted[t.id(o)])
		}
	}
	if p.bare {
		return
	}
	for i := range desired {
		if d := &desired[i]; !seen[t.id(d)] {
			item := newItem(p, t, Add, d)
			if t.why != nil {
				item.Why = *t.why(d)
			}
			item.Text = p.say(item, because(item.Why))
			p.plan.Items = append(p.plan.Items, item)
		}
	}
}

func newItem[T any](p *planner, t *table[T], a Action, o *T) Item {
	return Item{Action: a, Kind: t.kind, ID: t.id(o), Where: t.where(p, o), Title: t.title(p, o)}
}

func planOne[T any](p *planner, t *table[T], o, d *T) {
	if d == nil {
		_, there := p.names[t.where(p, o)]
		if *t.retired(o) == nil && !(t.holds(o, "retired") && there) { // who brought it back decides, where it has a place
			p.absent(t.touched(o) || p.touched(t.kind, t.id(o)) || t.kind != KindLink && p.held[t.id(o)], newItem(p, t, Retire, o), t.ref(o), whyOf(t, o))
		}
		return
	}
	var changed, kept []Difference
	for _, c := range t.columns {
		set, same := (*t.sets(o))[c.name], c.equal(o, d)
		if same && len(set.Wanted) == 0 {
			continue
		}
		diff := Difference{Field: c.name, Old: c.value(o), New: c.value(d)}
		switch {
		case !t.holds(o, c.name):
			if !same {
				changed = append(changed, diff)
			}
		case same || contradicts(c.name, diff):
			diff.By = cmp.Or(set.By, model.SetByPerson)
			kept = append(kept, diff)
		}
	}
	if t.why != nil && !sameWhy(*t.why(o), *t.why(d)) {
		changed = append(changed, Difference{Field: "why", Old: asJSON(rules(*t.why(o))), New: asJSON(rules(*t.why(d)))})
	}
	retired := *t.retired(o) != nil && !t.holds(o, "retired") // what a person retired stays retired
	if len(changed) > 0 || retired {
		item := newItem(p, t, Change, o)
		if retired {
			item.Action, item.Why = Revive, whyOf(t, d)
		}
		item.Fields = changed
		item.Text = p.say(item, differences(changed))
		p.plan.Items = append(p.plan.Items, item)
	}
	if len(kept) > 0 {
		item := newItem(p, t, Keep, o)
		item.Fields = kept
		item.Text = p.say(item, keptText(kept))
		p.plan.Items = append(p.plan.Items, item)
	}
}

func whyOf[T any](t *table[T], o *T) []model.Why {
	if t.why == nil {
		return nil
	}
	return *t.why(o)
}

// contradicts is false where what somebody decided is an answer to what the rules
// want: done instead of wanted, or a recommendation turned down.
func contradicts(field string, d Difference) bool {
	if field != "state" {
		return true
	}
	stored := model.State(strings.Trim(string(d.Old), `"`))
	if string(d.New) == `"required"` {
		return stored != model.Implemented
	}
	return stored == model.Required
}

// sameWhy compares reasons without the library's version, which the product's item moves.
func sameWhy(a, b []model.Why) bool {
	return slices.EqualFunc(a, b, func(x, y model.Why) bool {
		return x.Rule == y.Rule && x.Pattern == y.Pattern && x.Text == y.Text && slices.Equal(x.Facts, y.Facts)
	})
}

func rules(list []model.Why) []string {
	names := []string{}
	for _, w := range list {
		names = append(names, w.Rule)
	}
	return slices.Compact(names)
}
