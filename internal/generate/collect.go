package generate

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// maxReasons bounds the reasons kept per rule and pattern at one thing: a component
// that a thousand flows enter has the same reason a thousand times.
const maxReasons = 3

// found is what one element gives rise to.
type found struct {
	element model.ElementID
	class   class
	wants   []want
	facts   []Concluded
	asks    []asked
	fired   []string // rules; filled for the tests of rules only
}

// grounds returns what the first rule that concluded a fact here looked at; nil where none did.
func (f *found) grounds(fact string) []model.Fact {
	for i := range f.facts {
		if c := &f.facts[i]; c.Fact == fact {
			return c.Why[0].Facts
		}
	}
	return nil
}

// class orders elements of different kinds.
type class int

const (
	ofProduct class = iota
	ofComponent
	ofFlow
)

// want is what a rule that fires, or a component's type, wants at a place; "" takes nothing.
type want struct {
	rule  *library.Rule
	typ   *library.Type
	where model.ElementID
	why   model.Why
}

type asked struct {
	question string
	why      model.Why
}

// source names an element that wants something at a site.
type source struct {
	class   class
	element model.ElementID
}

func (s source) compare(o source) int {
	return cmp.Or(cmp.Compare(s.class, o.class), cmp.Compare(s.element, o.element))
}

// site is what is wanted at one element. The lists are short, so that a walk finds
// a ref sooner than a map over the whole model would.
type site struct {
	where           model.ElementID
	from            []source // in order
	threats         []*threat
	weaknesses      []*weakness
	countermeasures []*countermeasure
	orders          []order
}

// order is what a rule says of a countermeasure, whatever brings that one here.
type order struct {
	of    *library.Countermeasure
	state model.State
	why   model.Why
}

// heard notes that an element wants something here; elements come in order.
func (s *site) heard(f *found) {
	if n := len(s.from); n == 0 || s.from[n-1].element != f.element {
		s.from = append(s.from, source{f.class, f.element})
	}
}

// The things at a site point into the library; finish makes the model's of them.
type (
	threat struct {
		id    model.ThreatID
		where model.ElementID
		lib   *library.Threat
		why   reasons
		links []link
	}
	weakness struct {
		id    model.WeaknessID
		where model.ElementID
		lib   *library.Weakness
		why   reasons
	}
	countermeasure struct {
		id    model.CountermeasureID
		where model.ElementID
		lib   *library.Countermeasure
		state model.State
		why   reasons
	}
	link struct {
		weakness       *weakness
		countermeasure *countermeasure // nil: none helps
		share          float64
	}
)

// prepared is what all threats made of one in the library have in common.
type prepared struct{ path, description string }

func prepare(lib *library.Library) map[*library.Threat]prepared {
	all := map[*library.Threat]prepared{}
	for i := range lib.Patterns {
		p := &lib.Patterns[i]
		for j := range p.Threats {
			t := &p.Threats[j]
			text := t.Description
			if t.Because != "" && text != "" {
				text += "\n\n"
			}
			all[t] = prepared{p.Ref + "/" + t.Ref, text + t.Because}
		}
	}
	return all
}

type reasons []model.Why

// share takes a reason over as because does, without a copy where it is the first.
// One is a list of that reason alone, which many things may have.
func (r *reasons) share(one reasons) {
	if len(*r) == 0 {
		*r = slices.Clip(one)
		return
	}
	r.because(one[0])
}

func (r *reasons) because(why model.Why) {
	same := 0
	for i := range *r {
		if w := &(*r)[i]; w.Rule == why.Rule && w.Pattern == why.Pattern {
			if same++; same == maxReasons || slices.Equal(w.Facts, why.Facts) {
				return
			}
		}
	}
	*r = append(*r, why)
}

// ask evaluates a rule for an element and, where it fires, notes what it wants at
// the place. An empty place takes nothing but facts and questions.
func (g *generator) ask(r *library.Rule, scope *library.Scope, f *found, where model.ElementID) (model.Why, bool, error) {
	fires, err := r.When.Holds(scope)
	if err != nil {
		return model.Why{}, false, evaluation(r, f.element, err)
	}
	if !fires {
		return model.Why{}, false, nil
	}
	if g.trace {
		f.fired = append(f.fired, r.Ref)
	}
	why := model.Why{Rule: r.Ref, Library: g.stamp, Facts: g.looked(r, scope, f, where), Text: r.Reason}
	for _, c := range r.Conclude {
		value, err := c.Value.Eval(scope)
		if err != nil {
			return why, false, evaluation(r, f.element, err)
		}
		f.conclude(scope, c.Fact, value, why)
	}
	for _, ref := range r.Ask {
		if !g.answers.Answered(ref) {
			f.asks = append(f.asks, asked{ref, why})
		}
	}
	if where != "" && len(r.Apply)+len(r.Require)+len(r.Recommend) > 0 {
		f.wants = append(f.wants, want{rule: r, where: where, why: why})
	}
	return why, true, nil
}

// take puts what is wanted into its site.
func (g *generator) take(s *site, w *want) {
	if w.typ != nil {
		g.applyAll(s, w.typ.Patterns, w.why)
		return
	}
	g.applyAll(s, w.rule.Apply, w.why)
	for _, ref := range w.rule.Require {
		s.orders = append(s.orders, order{g.lib.Countermeasure(ref), model.Required, w.why})
	}
	for _, ref := range w.rule.Recommend {
		s.orders = append(s.orders, order{g.lib.Countermeasure(ref), model.Recommended, w.why})
	}
}

// carryOut carries out what rules say of countermeasures once the patterns of the
// site are known: the countermeasure itself and all that stand for it are meant
// where patterns bring them, and where none does it stands here by itself.
func (g *generator) carryOut(s *site) {
	brought := slices.Clone(s.countermeasures)
	for _, o := range s.orders {
		meant := false
		for _, c := range brought {
			if g.lib.StandsFor(c.lib, o.of.Ref) {
				g.countermeasure(s, c.lib, o.state).why.because(o.why)
				meant = true
			}
		}
		if !meant {
			g.countermeasure(s, o.of, o.state).why.because(o.why)
		}
	}
	s.orders = nil
}

func (g *generator) applyAll(s *site, patterns []string, why model.Why) {
	for _, ref := range patterns {
		why.Pattern = ref
		g.apply(s, g.lib.Pattern(ref), why)
	}
}

func evaluation(r *library.Rule, element model.ElementID, err error) error {
	return fault.Wrap(err, fault.Invalid, "generate.rule_failed", "rule %q (%s) cannot be evaluated at %s: %v", r.Ref, r.Position, element, err)
}

// looked lists what made the rule fire, beginning with what its index and its place say.
func (g *generator) looked(r *library.Rule, scope *library.Scope, of *found, where model.ElementID) []model.Fact {
	var facts []model.Fact
	if where != of.element {
		facts = append(facts, model.Fact{Name: "flow.id", Value: library.FormatValue(string(of.element))})
	}
	if len(r.Kinds) > 0 {
		facts = append(facts, model.Fact{Name: "component.kind", Value: library.FormatValue(string(scope.Component.Kind))})
	}
	if len(r.Types) > 0 {
		facts = append(facts, model.Fact{Name: "component.type", Value: library.FormatValue(scope.Component.Type)})
	}
	facts = append(facts, r.When.Facts(scope)...)
	// What a fact stands on is as much a reason as the fact.
	for _, f := range facts {
		name, isFact := strings.CutPrefix(f.Name, "facts.")
		if !isFact {
			continue
		}
		below := of.grounds(name)
		if below == nil {
			below = g.product.grounds(name)
		}
		for _, b := range below {
			if !slices.ContainsFunc(facts, func(f model.Fact) bool { return f.Name == b.Name }) {
				facts = append(facts, b)
			}
		}
	}
	return facts
}

func (f *found) conclude(scope *library.Scope, name string, value any, why model.Why) {
	if _, known := scope.Facts.Own[name]; known {
		for i := range f.facts {
			if c := &f.facts[i]; c.Fact == name {
				c.Why = append(c.Why, why)
			}
		}
		return
	}
	if scope.Facts.Own == nil {
		scope.Facts.Own = map[string]any{} // most elements have no facts
	}
	scope.Facts.Own[name] = value
	f.facts = append(f.facts, Concluded{Where: f.element, Fact: name, Value: library.FormatValue(value), Why: []model.Why{why}})
}

// becauseOfType is the reason of the patterns that a component of the type always brings.
func (g *generator) becauseOfType(t *library.Type) model.Why {
	return model.Why{
		Rule: t.Ref, Library: g.stamp, Facts: []model.Fact{{Name: "component.type", Value: library.FormatValue(t.Ref)}},
		Text: fmt.Sprintf("Every component of the type %s brings this.", t.Name),
	}
}

func (g *generator) site(where model.ElementID) *site {
	s := g.sites[where]
	if s == nil {
		s = &site{where: where}
		g.sites[where] = s
	}
	return s
}

func (g *generator) apply(s *site, p *library.Pattern, why model.Why) {
	one := reasons{why}
	for i := range p.Threats {
		l := &p.Threats[i]
		t := g.threat(s, l)
		t.why.share(one)
		for _, tw := range l.Weaknesses {
			w := g.weakness(s, g.lib.Weakness(tw.Ref))
			w.why.share(one)
			if len(tw.Countermeasures) == 0 {
				t.link(link{weakness: w})
			}
			for _, share := range tw.Countermeasures {
				help := g.lib.Countermeasure(share.Ref)
				c := g.countermeasure(s, help, help.Default)
				c.why.share(one)
				t.link(link{w, c, share.Share})
			}
		}
	}
}

func (g *generator) threat(s *site, l *library.Threat) *threat {
	for _, t := range s.threats {
		if t.lib == l {
			return t
		}
	}
	t := &threat{id: model.NewThreatID(g.m.Product.ID, s.where, g.prepared[l].path), where: s.where, lib: l}
	s.threats = append(s.threats, t)
	return t
}

func (g *generator) weakness(s *site, l *library.Weakness) *weakness {
	for _, w := range s.weaknesses {
		if w.lib == l {
			return w
		}
	}
	w := &weakness{id: model.NewWeaknessID(g.m.Product.ID, s.where, l.Ref), where: s.where, lib: l}
	s.weaknesses = append(s.weaknesses, w)
	return w
}

// countermeasure joins what rules say of one countermeasure: required beats recommended.
func (g *generator) countermeasure(s *site, l *library.Countermeasure, state model.State) *countermeasure {
	for _, c := range s.countermeasures {
		if c.lib == l {
			if state == model.Required {
				c.state = model.Required
			}
			return c
		}
	}
	c := &countermeasure{id: model.NewCountermeasureID(g.m.Product.ID, s.where, l.Ref), where: s.where, lib: l, state: state}
	s.countermeasures = append(s.countermeasures, c)
	return c
}

// link joins the shares of patterns that say it twice: the larger one.
func (t *threat) link(l link) {
	for i := range t.links {
		if known := &t.links[i]; known.weakness == l.weakness && known.countermeasure == l.countermeasure {
			known.share = max(known.share, l.share)
			return
		}
	}
	t.links = append(t.links, l)
}

// result makes the model's things of what was found, in order of ids. Where nobody
// keeps what was found, each part of it is let go as soon as it is made: both in
// whole are more than all else that a large model takes.
func (g *generator) result(m *model.Model) *Result {
	r := &Result{Library: g.stamp, Value: g.figures.value(), Exposure: g.figures.exposure(), model: m, library: g.lib}
	g.tell(r)
	ts, ws, cs, links := 0, 0, 0, 0
	for _, s := range g.sites {
		ts, ws, cs = ts+len(s.threats), ws+len(s.weaknesses), cs+len(s.countermeasures)
		for _, t := range s.threats {
			links += len(t.links)
		}
	}
	threats, weaknesses, countermeasures := make(byID[threat], 0, ts), make(byID[weakness], 0, ws), make(byID[countermeasure], 0, cs)
	for _, s := range g.sites {
		for _, t := range s.threats {
			threats.add(string(t.id), t)
		}
		for _, w := range s.weaknesses {
			weaknesses.add(string(w.id), w)
		}
		for _, c := range s.countermeasures {
			countermeasures.add(string(c.id), c)
		}
	}
	if !g.owned {
		g.found, g.sites, g.views, g.scope = nil, nil, nil, nil
	}
	r.Threats, r.Links = make([]model.Threat, 0, len(threats)), make([]model.Link, 0, links)
	for t := range threats.inOrder() {
		r.Threats = append(r.Threats, g.asThreat(t))
		r.Links = t.asLinks(r.Links)
	}
	r.Weaknesses = make([]model.Weakness, 0, len(weaknesses))
	for w := range weaknesses.inOrder() {
		r.Weaknesses = append(r.Weaknesses, g.asWeakness(w))
	}
	r.Countermeasures = make([]model.Countermeasure, 0, len(countermeasures))
	for c := range countermeasures.inOrder() {
		r.Countermeasures = append(r.Countermeasures, g.asCountermeasure(c))
	}
	return r
}

// tell adds facts, questions and notes.
func (g *generator) tell(r *Result) {
	type question struct {
		where map[model.ElementID]bool
		why   reasons
	}
	questions := map[string]*question{}
	if g.trace {
		r.fired = map[string][]model.ElementID{}
	}
	for f := range g.inOrder() {
		for _, rule := range f.fired {
			r.fired[rule] = append(r.fired[rule], f.element)
		}
		for _, fact := range f.facts {
			fact.Why = g.ordered(fact.Why)
			r.Facts = append(r.Facts, fact)
		}
		for _, a := range f.asks {
			q := questions[a.question]
			if q == nil {
				q = &question{where: map[model.ElementID]bool{}}
				questions[a.question] = q
			}
			q.where[f.element] = true
			q.why.because(a.why)
		}
	}
	for ref, q := range questions {
		r.Questions = append(r.Questions, Question{Question: ref, Title: g.lib.Question(ref).Title, Where: slices.Sorted(maps.Keys(q.where)), Why: ordered(q.why)})
	}
	slices.SortFunc(r.Questions, func(a, b Question) int { return cmp.Compare(a.Question, b.Question) })
	slices.SortFunc(r.Facts, func(a, b Concluded) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Fact, b.Fact)) })
	r.Notes = slices.Clone(g.notes)
	for _, v := range g.views.components {
		if v.Type != "" && g.lib.Type(v.Type) == nil && !v.OutOfScope {
			r.Notes = append(r.Notes, Note{v.ID, "the library has no component type " + v.Type + "; only rules for its kind apply"})
		}
	}
	slices.SortFunc(r.Notes, func(a, b Note) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Text, b.Text)) })
}

func (g *generator) asThreat(t *threat) model.Threat {
	l := t.lib
	return model.Threat{
		ID: t.id, Where: t.where, Ref: g.prepared[l].path, Title: l.Title, Description: g.prepared[l].description,
		Categories: l.Categories, CAPEC: l.CAPEC, Impact: l.Impact, Ease: l.Ease, Status: model.Open, Origin: model.ByRule, Why: g.ordered(t.why),
	}
}

// asLinks appends the links of the threat, in order.
func (t *threat) asLinks(list []model.Link) []model.Link {
	from := len(list)
	for _, l := range t.links {
		one := model.Link{Threat: t.id, Weakness: l.weakness.id, Share: l.share, Origin: model.ByRule}
		if l.countermeasure != nil {
			one.Countermeasure = l.countermeasure.id
		}
		list = append(list, one)
	}
	slices.SortFunc(list[from:], model.CompareLinks)
	return list
}

func (g *generator) asWeakness(w *weakness) model.Weakness {
	l := w.lib
	return model.Weakness{
		ID: w.id, Where: w.where, Ref: l.Ref, Title: l.Title, Description: l.Description, CWE: l.CWE, Test: l.Test,
		Origin: model.ByRule, Why: g.ordered(w.why),
	}
}

func (g *generator) asCountermeasure(c *countermeasure) model.Countermeasure {
	l := c.lib
	return model.Countermeasure{
		ID: c.id, Where: c.where, Ref: l.Ref, Title: l.Title, Description: l.Description, State: c.state, Standards: l.Standards,
		Cost: l.Cost, Test: l.Test, Origin: model.ByRule, Why: g.ordered(c.why),
	}
}

// ordered returns the reasons in order; a copy where they are kept for the next result.
func (g *generator) ordered(list []model.Why) []model.Why {
	if g.owned {
		list = slices.Clone(list)
	}
	return ordered(list)
}

// byID sorts things by id. The first characters of the hash stand beside the
// pointer, so that sorting hardly ever looks at the things, which are spread over the memory.
type byID[T any] []keyed[T]

type keyed[T any] struct {
	key uint64
	id  string
	of  *T
}

func (b *byID[T]) add(id string, of *T) {
	const prefix = 4 // "thr_"
	var key [8]byte
	copy(key[:], id[min(prefix, len(id)):])
	*b = append(*b, keyed[T]{binary.BigEndian.Uint64(key[:]), id, of})
}

// inOrder yields each thing once, and points at it no longer.
func (b byID[T]) inOrder() iter.Seq[*T] {
	slices.SortFunc(b, func(x, y keyed[T]) int {
		if x.key != y.key {
			return cmp.Compare(x.key, y.key)
		}
		return cmp.Compare(x.id, y.id)
	})
	return func(yield func(*T) bool) {
		for i := range b {
			of := b[i].of
			if b[i].of = nil; !yield(of) {
				return
			}
		}
	}
}

func ordered(list []model.Why) []model.Why {
	slices.SortStableFunc(list, func(a, b model.Why) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Pattern, b.Pattern))
	})
	return slices.Clip(list)
}
