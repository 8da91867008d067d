// Package update brings a newer version of a model file into a model that came
// of an older one: a three-way merge of what the file said then (base), what the
// model says now (ours) and what the file says today (theirs). Things are the
// same where their ids are. What people, trackers and tests changed here stays,
// and every difference that was decided is told.
//
// Merge is pure and changes none of its arguments.
package update

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// Kind names what an item is about, as the interface names it.
type Kind string

// The kinds.
const (
	Product        Kind = "product"
	Answer         Kind = "answer"
	Asset          Kind = "asset"
	Diagram        Kind = "diagram"
	Zone           Kind = "zone"
	Component      Kind = "component"
	Flow           Kind = "flow"
	Curve          Kind = "curve"
	Text           Kind = "text"
	Threat         Kind = "threat"
	Weakness       Kind = "weakness"
	Countermeasure Kind = "countermeasure"
	Link           Kind = "link"
	Order          Kind = "order" // of the diagrams; one item, with the id "diagrams"
)

// Action says what happens to a thing.
type Action string

// The actions. A thing that nothing happens to and that the file has is not listed.
const (
	Add    Action = "add"
	Change Action = "change"
	Remove Action = "remove" // the file has it no more, and nobody touched it here
	Keep   Action = "keep"   // the file says otherwise, or has it no more, and the edit made here stays
)

// Item is what happens to one thing.
type Item struct {
	Action Action `json:"action" enum:"add,change,remove,keep"`
	Kind   Kind   `json:"kind"`
	ID     string `json:"id"`
	Title  string `json:"title"`
	Text   string `json:"text,omitempty"` // why, where the action does not say it
	// Conflict says that both sides changed the thing and what is here stays, while
	// a person can have what the file says instead: Options.Theirs.
	Conflict bool    `json:"conflict,omitempty" doc:"Changed or deleted here and changed in the file: what is so here stays, unless the file's side is asked for"`
	Fields   []Field `json:"fields,omitempty"`
}

// Field is one field on which the file and the model differ; of texts by key it is
// one key, as "attributes.encrypted". Values are JSON; absent is none.
type Field struct {
	Field string          `json:"field"`
	Ours  json.RawMessage `json:"ours,omitempty"` // before the merge
	File  json.RawMessage `json:"file,omitempty"`
	Taken bool            `json:"taken"` // the file's value; else ours stays, because it was changed here
}

// Report is what a merge does, in the order of kinds above and then of the file.
type Report struct {
	Added, Changed, Removed, Kept int // Kept counts what the file has no more and stays
	Conflicts                     int // fields that were changed on both sides; ours stay
	Items                         []Item
	// Waiting counts the items that were left out by Options.Take, and Left is what
	// the base of the next merge has to say of them.
	Waiting int
	Left    Left
}

// Options of a merge.
type Options struct {
	// Complete says that the file can hold all of a model (our own format), so that
	// what it leaves out is meant. Others leave out what they have no words for.
	Complete bool
	// Take tells which changes are wanted, by the keys of the items of a merge of
	// everything; what needs one that is not wanted waits with it. Nil wants all.
	Take func(key string) bool
	// Theirs tells of an item that is a conflict, by its key, whether what the file
	// says is to hold and not what was done here; it is wanted, whatever Take says of
	// it. Nil keeps ours everywhere.
	Theirs func(key string) bool
	// Touched tells what has evidence or tickets and is therefore never removed.
	Touched func(kind Kind, id string) bool
}

type merger struct {
	opts   Options
	report Report
	based  bool // there is a base
	// restored has what was deleted here and comes back because a person prefers the
	// file's side, here what a flow can join, and follows what is therefore wanted:
	// what a person prefers, and the flows that went with what comes back.
	restored, here, follows map[string]bool
}

// Merge returns the model that comes of ours. Base is nil where nobody knows what
// the file said before: then the file's values are taken but for those that
// somebody set here, and nothing is removed. With Options.Take only what is wanted
// is merged.
func Merge(base, ours, theirs *model.Model, opts Options) (*model.Model, Report, error) {
	theirs = model.Clone(theirs)
	if base != nil {
		align(base, theirs)
	} else {
		align(ours, theirs)
	}
	every := opts
	every.Take = nil
	m, whole, err := merged(base, ours, theirs, every)
	all := whole.report
	if err != nil || opts.Take == nil {
		return m, all, err
	}
	old := base
	if old == nil {
		old = &model.Model{}
	}
	wanted, left, err := chosen(old, ours, theirs, all.Items, func(key string) bool { return opts.Take(key) || whole.follows[key] })
	if err != nil {
		return nil, all, err
	}
	m, part, err := merged(base, ours, wanted, opts)
	report := part.report
	report.Left = left
	for _, i := range all.Items {
		if _, waits := left[i.Key()]; waits && i.Choosable() {
			report.Waiting++
		}
	}
	return m, report, err
}

// merged merges models whose things have the same ids.
func merged(base, ours, theirs *model.Model, opts Options) (*model.Model, *merger, error) {
	theirs = model.Clone(theirs)
	u := &merger{opts: opts, based: base != nil, restored: map[string]bool{}, here: map[string]bool{"": true}, follows: map[string]bool{}}
	if base == nil {
		base = &model.Model{}
	}
	m := model.Clone(ours)
	if err := u.product(base, m, theirs); err != nil {
		return nil, u, err
	}
	for _, step := range []func() error{
		func() error {
			return merge(u, Answer, base.Answers, &m.Answers, theirs.Answers, answerOf)
		},
		func() error { return merge(u, Asset, base.Assets, &m.Assets, theirs.Assets, assetOf) },
		func() error { return merge(u, Diagram, base.Diagrams, &m.Diagrams, theirs.Diagrams, diagramOf) },
		func() error { return u.order(base.Diagrams, ours.Diagrams, m.Diagrams, theirs.Diagrams) },
		func() error { return merge(u, Zone, base.Zones, &m.Zones, theirs.Zones, zoneOf) },
		func() error {
			return merge(u, Component, base.Components, &m.Components, theirs.Components, componentOf)
		},
		func() error { return merge(u, Curve, base.Curves, &m.Curves, theirs.Curves, curveOf) },
		func() error { return merge(u, Text, base.Texts, &m.Texts, theirs.Texts, textOf) },
		func() error { return merge(u, Flow, base.Flows, &m.Flows, theirs.Flows, flowOf) },
		func() error { return merge(u, Threat, base.Threats, &m.Threats, theirs.Threats, threatOf) },
		func() error {
			return merge(u, Weakness, base.Weaknesses, &m.Weaknesses, theirs.Weaknesses, weaknessOf)
		},
		func() error {
			return merge(u, Countermeasure, base.Countermeasures, &m.Countermeasures, theirs.Countermeasures, countermeasureOf)
		},
		func() error { return merge(u, Link, base.Links, &m.Links, theirs.Links, linkOf) },
	} {
		if err := step(); err != nil {
			return nil, u, err
		}
	}
	for key, raw := range theirs.Extra {
		if m.Extra == nil {
			m.Extra = model.Extra{}
		}
		m.Extra[key] = raw
	}
	u.settle(m)
	u.nameLinks(m)
	model.Sort(m)
	return m, u, nil
}

// part names an object: its id, a title for people, and whether a file can be
// expected to have it, as opposed to what rules and people brought here.
type part struct {
	id, title string
	filed     bool
}

func productOf(p *model.Product) part { return part{string(p.ID), p.Name, true} }
func answerOf(a *model.Answer) part   { return part{a.Question, a.Question, true} }
func assetOf(a *model.Asset) part     { return part{string(a.ID), a.Name, true} }
func diagramOf(d *model.Diagram) part { return part{string(d.ID), d.Title, true} }
func zoneOf(z *model.Zone) part       { return part{string(z.ID), z.Name, true} }
func componentOf(c *model.Component) part {
	return part{string(c.ID), c.Name, true}
}
func flowOf(f *model.Flow) part      { return part{string(f.ID), f.Name, true} }
func curveOf(c *model.Curve) part    { return part{string(c.ID), cmp.Or(c.Name, "boundary"), true} }
func textOf(t *model.TextBlock) part { return part{string(t.ID), firstLine(t.Text), true} }
func threatOf(t *model.Threat) part {
	return part{string(t.ID), t.Title, t.Origin == model.ByImport}
}

func weaknessOf(w *model.Weakness) part {
	return part{string(w.ID), w.Title, w.Origin == model.ByImport}
}

func countermeasureOf(c *model.Countermeasure) part {
	return part{string(c.ID), c.Title, c.Origin == model.ByImport}
}

func linkOf(l *model.Link) part {
	return part{string(l.Threat) + "/" + string(l.Weakness) + "/" + string(l.Countermeasure), "", l.Origin == model.ByImport}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func merge[T any](u *merger, kind Kind, base []T, ours *[]T, theirs []T, of func(*T) part) error {
	was, at, inFile := map[string]*T{}, map[string]int{}, map[string]bool{}
	for i := range base {
		was[of(&base[i]).id] = &base[i]
	}
	for i := range *ours {
		at[of(&(*ours)[i]).id] = i
	}
	for i := range theirs {
		t := &theirs[i]
		p := of(t)
		inFile[p.id] = true
		b := was[p.id]
		j, here := at[p.id]
		switch {
		case here:
			if err := mergeOne(u, kind, p, b, &(*ours)[j], t, of); err != nil {
				return err
			}
		case b == nil, u.went(t), !equal(b, t) && u.wants(kind, p.id):
			u.restored[p.id] = b != nil
			u.follows[key(kind, p.id)] = u.follows[key(kind, p.id)] || b != nil && u.went(t)
			at[p.id] = len(*ours)
			*ours = append(*ours, *t)
			u.add(Item{Action: Add, Kind: kind, ID: p.id, Title: p.title})
		case !equal(b, t):
			u.add(Item{Action: Keep, Kind: kind, ID: p.id, Title: p.title, Text: "it was deleted here and changed in the file; it stays deleted", Conflict: true})
		}
	}
	*ours = slices.DeleteFunc(*ours, func(o T) bool {
		p := of(&o)
		b := was[p.id]
		if inFile[p.id] || b == nil {
			if !inFile[p.id] && p.filed && kind != Link && kind != Answer {
				u.report.Kept++
			}
			return false
		}
		item := Item{Action: Keep, Kind: kind, ID: p.id, Title: p.title}
		switch touched := u.opts.Touched != nil && u.opts.Touched(kind, p.id); {
		case touched:
			item.Text = "the file has it no more, and it has tickets or test results here; it stays"
		case equal(b, &o), u.wants(kind, p.id):
			item.Action = Remove
			u.add(item)
			return true
		default:
			item.Text, item.Conflict = "the file has it no more, and it was changed here; it stays", true
		}
		u.report.Kept++
		u.add(item)
		return false
	})
	for i := range *ours {
		u.here[of(&(*ours)[i]).id] = true
	}
	return nil
}

// wants reports whether a person prefers what the file says of a conflict.
func (u *merger) wants(kind Kind, id string) bool {
	k := key(kind, id)
	prefers := u.opts.Theirs != nil && u.opts.Theirs(k)
	u.follows[k] = u.follows[k] || prefers
	return prefers
}

// went reports whether a thing of the file is a flow that was deleted here with an
// end that comes back, and can join both its ends again.
func (u *merger) went(thing any) bool {
	f, ok := thing.(*model.Flow)
	return ok && (u.restored[string(f.From)] || u.restored[string(f.To)]) && u.here[string(f.From)] && u.here[string(f.To)]
}

// add lists an item. A link says nothing to people that its ends do not, but where
// it is to be decided.
func (u *merger) add(i Item) {
	if i.Kind == Link && !i.Conflict {
		return
	}
	switch i.Action {
	case Add:
		u.report.Added++
	case Change:
		u.report.Changed++
	case Remove:
		u.report.Removed++
	}
	u.report.Items = append(u.report.Items, i)
}

// nameLinks gives the links that are listed the titles of what they join.
func (u *merger) nameLinks(m *model.Model) {
	for n := range u.report.Items {
		item := &u.report.Items[n]
		for i := range m.Links {
			if l := &m.Links[i]; item.Kind == Link && linkOf(l).id == item.ID {
				item.Title = titleOf(m.Countermeasures, l.Countermeasure, func(c *model.Countermeasure) (model.CountermeasureID, string) { return c.ID, c.Title }) +
					" against " + titleOf(m.Threats, l.Threat, func(t *model.Threat) (model.ThreatID, string) { return t.ID, t.Title })
			}
		}
	}
}

func titleOf[T any, ID comparable](list []T, id ID, of func(*T) (ID, string)) string {
	for i := range list {
		if got, title := of(&list[i]); got == id {
			return title
		}
	}
	return ""
}

// product merges what the file says of the product itself.
func (u *merger) product(base, m, theirs *model.Model) error {
	var b *model.Product
	if u.based {
		b = &base.Product
	}
	t := theirs.Product
	t.ID, t.Library, t.Sets, t.Template = m.Product.ID, m.Product.Library, m.Product.Sets, m.Product.Template
	if !u.based {
		// The product was here before the file: only what it does not say of itself is taken.
		t.Name, t.Owner, t.Description = m.Product.Name, cmp.Or(m.Product.Owner, t.Owner), cmp.Or(m.Product.Description, t.Description)
	}
	return mergeOne(u, Product, productOf(&t), b, &m.Product, &t, productOf)
}

// settle takes out what was added to something that is not here, and lets go of
// things that were removed.
func (u *merger) settle(m *model.Model) {
	zones, ends := map[model.ElementID]bool{"": true}, map[model.ElementID]bool{"": true}
	diagrams, assets := map[model.DiagramID]bool{"": true}, map[model.AssetID]bool{}
	for i := range m.Diagrams {
		diagrams[m.Diagrams[i].ID] = true
	}
	for i := range m.Assets {
		assets[m.Assets[i].ID] = true
	}
	lost := func(kind Kind, id, title string, gone bool) bool {
		if gone {
			u.report.Items = slices.DeleteFunc(u.report.Items, func(i Item) bool {
				if i.Kind == kind && i.ID == id && i.Action == Add {
					u.report.Added--
					return true
				}
				return false
			})
			u.add(Item{Action: Keep, Kind: kind, ID: id, Title: title, Text: "what it belongs to was deleted here; it is left out"})
		}
		return gone
	}
	m.Zones = slices.DeleteFunc(m.Zones, func(z model.Zone) bool { return lost(Zone, string(z.ID), z.Name, !diagrams[z.Diagram]) })
	for i := range m.Zones {
		zones[m.Zones[i].ID], ends[m.Zones[i].ID] = true, true
	}
	for i := range m.Zones {
		if !zones[m.Zones[i].Parent] {
			m.Zones[i].Parent = ""
		}
	}
	m.Components = slices.DeleteFunc(m.Components, func(c model.Component) bool {
		return lost(Component, string(c.ID), c.Name, !diagrams[c.Diagram])
	})
	unknown := func(id model.AssetID) bool { return !assets[id] }
	for i := range m.Components {
		c := &m.Components[i]
		ends[c.ID] = true
		if !zones[c.Zone] {
			c.Zone = ""
		}
		c.Stores, c.Processes = slices.DeleteFunc(c.Stores, unknown), slices.DeleteFunc(c.Processes, unknown)
	}
	m.Curves = slices.DeleteFunc(m.Curves, func(c model.Curve) bool { return lost(Curve, string(c.ID), c.Name, !diagrams[c.Diagram]) })
	for i := range m.Curves {
		ends[m.Curves[i].ID] = true
	}
	m.Texts = slices.DeleteFunc(m.Texts, func(t model.TextBlock) bool {
		return lost(Text, string(t.ID), firstLine(t.Text), !diagrams[t.Diagram])
	})
	m.Flows = slices.DeleteFunc(m.Flows, func(f model.Flow) bool { return lost(Flow, string(f.ID), f.Name, !diagrams[f.Diagram]) })
	places := map[model.ElementID]bool{model.AtProduct: true}
	for id := range ends {
		places[id] = id != ""
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		places[f.ID] = true
		if !ends[f.From] {
			f.From = ""
		}
		if !ends[f.To] {
			f.To = ""
		}
		f.Carries = slices.DeleteFunc(f.Carries, unknown)
		f.Crosses = slices.DeleteFunc(f.Crosses, func(id model.ElementID) bool { return !ends[id] })
	}
	for i := range m.Texts {
		places[m.Texts[i].ID] = true
	}
	u.settleRisks(m, places)
}

// settleRisks leaves out risks that the file brings to places that were deleted
// here. What was here before stays: the caller retires it with its place.
func (u *merger) settleRisks(m *model.Model, places map[model.ElementID]bool) {
	added := map[string]bool{}
	for _, i := range u.report.Items {
		if i.Action == Add {
			added[string(i.Kind)+i.ID] = true
		}
	}
	left := 0
	leave := func(kind Kind, id string, where model.ElementID) bool {
		if places[where] || !added[string(kind)+id] {
			return false
		}
		left++
		u.report.Items = slices.DeleteFunc(u.report.Items, func(i Item) bool { return i.Kind == kind && i.ID == id })
		u.report.Added--
		return true
	}
	m.Threats = slices.DeleteFunc(m.Threats, func(t model.Threat) bool { return leave(Threat, string(t.ID), t.Where) })
	m.Weaknesses = slices.DeleteFunc(m.Weaknesses, func(w model.Weakness) bool { return leave(Weakness, string(w.ID), w.Where) })
	m.Countermeasures = slices.DeleteFunc(m.Countermeasures, func(c model.Countermeasure) bool {
		return leave(Countermeasure, string(c.ID), c.Where)
	})
	if left > 0 {
		u.report.Items = append(u.report.Items, Item{Action: Keep, Kind: Threat, Title: fmt.Sprintf("%d risks", left), Text: "their elements were deleted here; they are left out"})
	}
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
