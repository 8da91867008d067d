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
	g, err := newGenerator(m, lib)
	if err != nil {
		return nil, err
	}
	if trace {
		g.res.fired = map[string][]model.ElementID{}
	}
	g.unknownTypes()
	if err := g.productRules(); err != nil {
		return nil, err
	}
	if err := g.componentRules(); err != nil {
		return nil, err
	}
	if err := g.flowRules(); err != nil {
		return nil, err
	}
	g.keepStandards()
	g.finish()
	return g.res, nil
}

func newGenerator(m *model.Model, lib *library.Library) (*generator, error) {
	g := &generator{
		m: m, lib: lib, stamp: lib.Stamp(), res: &Result{Library: lib.Stamp(), model: m, library: lib},
		sites: make(map[model.ElementID]*site, len(m.Components)), prepared: prepare(lib), questions: map[string]*asked{}, candidates: map[kindAndType][]*library.Rule{}, grounds: map[place][]model.Fact{},
	}
	answers, problems, err := lib.ReadAnswers(m.Answers)
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		g.res.Notes = append(g.res.Notes, Note{"answers." + p.Question, p.Text})
	}
	g.answers = answers
	g.views = newViews(m, lib)
	return g, nil
}

type kindAndType struct {
	kind model.Kind
	typ  string
}

// generator is one run of Desired.
type generator struct {
	m       *model.Model
	lib     *library.Library
	stamp   string
	res     *Result
	answers *library.Answers
	views   *views
	facts   *library.Facts // of the product

	sites      map[model.ElementID]*site
	order      []*site // as they came up, which is the order of elements
	prepared   map[*library.Threat]prepared
	questions  map[string]*asked
	candidates map[kindAndType][]*library.Rule
	grounds    map[place][]model.Fact // what the rule of a fact at an element looked at
}

func (g *generator) unknownTypes() {
	for _, v := range g.views.components {
		if v.Type != "" && g.lib.Type(v.Type) == nil && !v.OutOfScope {
			g.res.Notes = append(g.res.Notes, Note{v.ID, "the library has no component type " + v.Type + "; only rules for its kind apply"})
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
	scope := &library.Scope{Product: g.views.product, Answers: g.answers, Facts: g.facts, Components: g.views.components, Flows: g.views.flows}
	rules := byLevel(g.lib, library.ForProduct)
	last := -1 // level of the last rule that sets a figure of the product
	for _, r := range rules {
		if r.Set != nil || r.Raise != nil {
			last = max(last, r.Level)
		}
	}
	figures := newFigures()
	settled := false
	for _, r := range rules {
		if r.Level > last && !settled {
			settled = true
			g.settle(figures)
		}
		why, fires, err := g.ask(r, scope, model.AtProduct, model.AtProduct)
		if err != nil {
			return err
		}
		if fires {
			if err := figures.take(r, scope, why); err != nil {
				return err
			}
		}
	}
	if !settled {
		g.settle(figures)
	}
	return nil
}

func (g *generator) componentRules() error {
	rules := byLevel(g.lib, library.ForComponent)
	for _, v := range g.views.components {
		if v.OutOfScope {
			continue
		}
		at := model.ElementID(v.ID)
		if t := g.lib.Type(v.Type); t != nil {
			g.fromType(t, at)
		}
		scope := &library.Scope{Product: g.views.product, Answers: g.answers, Component: v, Facts: &library.Facts{Own: map[string]any{}, Parent: g.facts}}
		for _, r := range g.forComponent(rules, v.Kind, v.Type) {
			if _, _, err := g.ask(r, scope, at, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *generator) flowRules() error {
	rules := byLevel(g.lib, library.ForFlow)
	for _, v := range g.views.flows {
		if v.OutOfScope {
			continue
		}
		scope := &library.Scope{Product: g.views.product, Answers: g.answers, Flow: v, Facts: &library.Facts{Own: map[string]any{}, Parent: g.facts}}
		for _, r := range rules {
			where := model.ElementID(v.ID)
			switch r.At {
			case library.AtSource:
				where = g.views.inScope(v.Source)
			case library.AtDest:
				where = g.views.inScope(v.Target)
			}
			if _, _, err := g.ask(r, scope, model.ElementID(v.ID), where); err != nil {
				return err
			}
		}
	}
	return nil
}
