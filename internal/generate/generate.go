// Package generate decides what a product's threat model should contain: a pure
// function of its answers, diagrams, custom fields and a library (Desired). What
// it wants and what is stored give a plan (MakePlan), and a plan, as far as a
// person accepts it, gives the next model (Apply). What a person, a tracker or a
// test set is never overwritten, and what they touched is retired, not deleted.
//
// The order of rules, files, elements and answers leaves no trace in any result.
// Nothing here reads a clock, a file or a database.
package generate

import (
	"cmp"
	"iter"
	"slices"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// Result is what the library wants of a product. Lists are in the order of model.Sort.
type Result struct {
	Library         string                 `json:"library"` // the library's stamp
	Threats         []model.Threat         `json:"threats,omitempty"`
	Weaknesses      []model.Weakness       `json:"weaknesses,omitempty"`
	Countermeasures []model.Countermeasure `json:"countermeasures,omitempty"`
	Links           []model.Link           `json:"links,omitempty"`
	Questions       []Question             `json:"questions,omitempty"` // asked by rules and not answered
	Facts           []Concluded            `json:"facts,omitempty"`
	Value           *Setting[model.CIA]    `json:"value,omitempty"`    // of the product, where rules set it
	Exposure        *Setting[int]          `json:"exposure,omitempty"` // of the product, where rules set it
	Notes           []Note                 `json:"notes,omitempty"`

	model   *model.Model
	library *library.Library
	fired   map[string][]model.ElementID // by rule; filled for the tests of rules only
}

func (r *Result) wantsAnything() bool {
	return len(r.Threats)+len(r.Weaknesses)+len(r.Countermeasures) > 0 || r.Value != nil || r.Exposure != nil
}

// Question is a question of the library that rules ask.
type Question struct {
	Question string            `json:"question"`
	Title    string            `json:"title"`
	Where    []model.ElementID `json:"where"`
	Why      []model.Why       `json:"why"`
}

// Concluded is a fact with the rules that conclude it.
type Concluded struct {
	Where model.ElementID `json:"where"`
	Fact  string          `json:"fact"`
	Value string          `json:"value"` // as CEL prints it
	Why   []model.Why     `json:"why"`
}

// Setting is a figure of the product that rules set.
type Setting[T any] struct {
	Value T           `json:"value"`
	Why   []model.Why `json:"why"`
}

// Note is something that a person should settle; nothing was generated from it.
type Note struct {
	Where string `json:"where"` // an element id, or "answers.question"
	Text  string `json:"text"`
}

// Desired evaluates the library for the model. It depends on nothing else, and
// not on what was generated before. The error is a fault.Invalid that names the
// rule and the element whose evaluation failed: no rule is ever skipped.
func Desired(m *model.Model, lib *library.Library) (*Result, error) {
	return desired(m, lib, false)
}

func desired(m *model.Model, lib *library.Library, trace bool) (*Result, error) {
	g := newGenerator(m, lib)
	g.trace = trace
	if err := g.start(); err != nil {
		return nil, err
	}
	if err := g.evaluateAll(); err != nil {
		return nil, err
	}
	return g.result(m), nil
}

func newGenerator(m *model.Model, lib *library.Library) *generator {
	return &generator{
		m: m, lib: lib, stamp: lib.Stamp(), prepared: prepare(lib), candidates: map[kindAndType][]*library.Rule{},
		ofProduct: byLevel(lib, library.ForProduct), ofComponents: byLevel(lib, library.ForComponent), ofFlows: byLevel(lib, library.ForFlow),
		found: make(map[model.ElementID]*found, len(m.Components)+len(m.Flows)), sites: make(map[model.ElementID]*site, len(m.Components)),
		serving: map[*library.Countermeasure][]model.Why{},
	}
}

type kindAndType struct {
	kind model.Kind
	typ  string
}

// generator evaluates a library for a model: each element by itself (found), then
// what they want at each place (sites), then all of it as a Result.
type generator struct {
	m     *model.Model
	lib   *library.Library
	stamp string
	trace bool // keep which rules fire, for the tests of rules
	owned bool // what is found is kept after a result is given away

	ofProduct, ofComponents, ofFlows []*library.Rule // by level
	candidates                       map[kindAndType][]*library.Rule
	prepared                         map[*library.Threat]prepared

	answers *library.Answers
	notes   []Note // on answers and standards
	views   *views
	product *found
	scope   *library.Scope // of the rules of the product
	facts   *library.Facts // of the product
	figures *figures
	found   map[model.ElementID]*found // by component and flow
	sites   map[model.ElementID]*site
	kept    []applied // standards
	serving map[*library.Countermeasure][]model.Why
}

// start reads what all elements see, and evaluates the rules of the product.
func (g *generator) start() error {
	answers, problems, err := g.lib.ReadAnswers(g.m.Answers)
	if err != nil {
		return err
	}
	g.answers, g.notes = answers, nil
	for _, p := range problems {
		g.notes = append(g.notes, Note{"answers." + p.Question, p.Text})
	}
	g.kept = g.standards()
	g.views = newViews(g.m, g.lib)
	return g.productRules()
}

func (g *generator) evaluateAll() error {
	for _, c := range g.views.components {
		f, err := g.component(c)
		if err != nil {
			return err
		}
		g.found[f.element] = f
	}
	for _, v := range g.views.flows {
		f, err := g.flow(v)
		if err != nil {
			return err
		}
		g.found[f.element] = f
	}
	for f := range g.inOrder() {
		for i := range f.wants {
			if w := &f.wants[i]; w.where != "" {
				s := g.site(w.where)
				s.heard(f)
				g.take(s, w)
			}
		}
		if !g.owned {
			f.wants = nil // the sites have them; in a large model they are a tenth of all that lives
		}
	}
	for _, s := range g.sites {
		g.carryOut(s)
		g.keepStandards(s)
	}
	return nil
}

// inOrder yields what was found at the product, then at components, then at flows, each in order of ids.
func (g *generator) inOrder() iter.Seq[*found] {
	return func(yield func(*found) bool) {
		if !yield(g.product) {
			return
		}
		for _, c := range g.views.components {
			if !yield(g.found[model.ElementID(c.ID)]) {
				return
			}
		}
		for _, f := range g.views.flows {
			if !yield(g.found[model.ElementID(f.ID)]) {
				return
			}
		}
	}
}

// byLevel returns the rules for the target so that facts are concluded before
// they are read; circles were refused at load, so one pass reaches the fixed point.
func byLevel(lib *library.Library, target library.Target) []*library.Rule {
	var rules []*library.Rule
	for _, r := range lib.Rules {
		if r.For == target {
			rules = append(rules, r)
		}
	}
	slices.SortFunc(rules, func(a, b *library.Rule) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Ref, b.Ref))
	})
	return rules
}

// forComponent returns the candidates for a kind and type: the index that saves most evaluations.
func (g *generator) forComponent(all []*library.Rule, kind model.Kind, typ string) []*library.Rule {
	key := kindAndType{kind, typ}
	if list, ok := g.candidates[key]; ok {
		return list
	}
	var list []*library.Rule
	for _, r := range all {
		if (len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind)) && (len(r.Types) == 0 || slices.Contains(r.Types, typ)) {
			list = append(list, r)
		}
	}
	g.candidates[key] = list
	return list
}

func (g *generator) productRules() error {
	g.facts = &library.Facts{Own: map[string]any{}}
	g.product = &found{element: model.AtProduct}
	if g.scope == nil {
		g.scope = &library.Scope{Product: g.views.product, Answers: g.answers, Components: g.views.components, Flows: g.views.flows}
	}
	scope := g.scope
	scope.Facts = g.facts
	last := -1 // level of the last rule that sets a figure of the product
	for _, r := range g.ofProduct {
		if r.Set != nil || r.Raise != nil {
			last = max(last, r.Level)
		}
	}
	g.figures = newFigures()
	settled := false
	for _, r := range g.ofProduct {
		if r.Level > last && !settled {
			settled = true
			g.settle(g.figures)
		}
		why, fires, err := g.ask(r, scope, g.product, model.AtProduct)
		if err != nil {
			return err
		}
		if fires {
			if err := g.figures.take(r, scope, why); err != nil {
				return err
			}
		}
	}
	if !settled {
		g.settle(g.figures)
	}
	return nil
}

// component evaluates the rules for a component. Elements out of scope give rise to nothing.
func (g *generator) component(v *library.Component) (*found, error) {
	f := &found{element: model.ElementID(v.ID), class: ofComponent}
	if v.OutOfScope {
		return f, nil
	}
	if t := g.lib.Type(v.Type); t != nil {
		f.wants = append(f.wants, want{typ: t, where: f.element, why: g.becauseOfType(t)})
	}
	scope := &library.Scope{Product: g.views.product, Answers: g.answers, Component: v, Facts: &library.Facts{Parent: g.facts}}
	for _, r := range g.forComponent(g.ofComponents, v.Kind, v.Type) {
		if _, _, err := g.ask(r, scope, f, f.element); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// flow evaluates the rules for a flow, which may want things at one of its ends.
func (g *generator) flow(v *library.Flow) (*found, error) {
	f := &found{element: model.ElementID(v.ID), class: ofFlow}
	if v.OutOfScope {
		return f, nil
	}
	scope := &library.Scope{Product: g.views.product, Answers: g.answers, Flow: v, Facts: &library.Facts{Parent: g.facts}}
	for _, r := range g.ofFlows {
		where := f.element
		switch r.At {
		case library.AtSource:
			where = g.views.inScope(v.Source)
		case library.AtDest:
			where = g.views.inScope(v.Target)
		case library.AtConnection:
			where = g.views.leading(v)
		}
		if _, _, err := g.ask(r, scope, f, where); err != nil {
			return nil, err
		}
	}
	return f, nil
}
