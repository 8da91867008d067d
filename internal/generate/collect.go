package generate

import (
	"cmp"
	"encoding/binary"
	"fmt"
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

// place is a fact, or another named thing, at an element.
type place struct {
	where model.ElementID
	ref   string
}

// site is what is wanted at one element. The lists are short, so that a walk finds
// a ref sooner than a map over the whole model would.
type site struct {
	where           model.ElementID
	threats         []*threat
	weaknesses      []*weakness
	countermeasures []*countermeasure
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

type asked struct {
	where map[model.ElementID]bool
	why   reasons
}

// ask evaluates a rule for an element and, where it fires, collects what it
// wants at the place. An empty place takes nothing but facts and questions.
func (g *generator) ask(r *library.Rule, scope *library.Scope, element, where model.ElementID) (model.Why, bool, error) {
	fires, err := r.When.Holds(scope)
	if err != nil {
		return model.Why{}, false, evaluation(r, element, err)
	}
	if !fires {
		return model.Why{}, false, nil
	}
	if g.res.fired != nil {
		g.res.fired[r.Ref] = append(g.res.fired[r.Ref], element)
	}
	why := model.Why{Rule: r.Ref, Library: g.stamp, Facts: g.looked(r, scope, element, where), Text: r.Reason}
	for _, c := range r.Conclude {
		value, err := c.Value.Eval(scope)
		if err != nil {
			return why, false, evaluation(r, element, err)
		}
		g.conclude(scope, element, c.Fact, value, why)
	}
	for _, ref := range r.Ask {
		if !g.answers.Answered(ref) {
			g.question(ref, element, why)
		}
	}
	if where == "" {
		return why, true, nil
	}
	for _, ref := range r.Apply {
		why := why
		why.Pattern = ref
		g.apply(g.lib.Pattern(ref), where, why)
	}
	for _, ref := range r.Require {
		g.countermeasure(g.site(where), g.lib.Countermeasure(ref), model.Required).why.because(why)
	}
	for _, ref := range r.Recommend {
		g.countermeasure(g.site(where), g.lib.Countermeasure(ref), model.Recommended).why.because(why)
	}
	return why, true, nil
}

func evaluation(r *library.Rule, element model.ElementID, err error) error {
	return fault.Wrap(err, fault.Invalid, "generate.rule_failed", "rule %q (%s) cannot be evaluated at %s: %v", r.Ref, r.Position, element, err)
}

// looked lists what made the rule fire, beginning with what its index and its place say.
func (g *generator) looked(r *library.Rule, scope *library.Scope, element, where model.ElementID) []model.Fact {
	var facts []model.Fact
	if where != element {
		facts = append(facts, model.Fact{Name: "flow.id", Value: library.FormatValue(string(element))})
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
		below := g.grounds[place{element, name}]
		if below == nil {
			below = g.grounds[place{model.AtProduct, name}]
		}
		for _, b := range below {
			if !slices.ContainsFunc(facts, func(f model.Fact) bool { return f.Name == b.Name }) {
				facts = append(facts, b)
			}
		}
	}
	return facts
}

func (g *generator) conclude(scope *library.Scope, where model.ElementID, name string, value any, why model.Why) {
	if _, known := scope.Facts.Own[name]; known {
		// The facts of one element stand together at the end.
		for i := len(g.res.Facts) - 1; i >= 0 && g.res.Facts[i].Where == where; i-- {
			if f := &g.res.Facts[i]; f.Fact == name {
				f.Why = append(f.Why, why)
			}
		}
		return
	}
	scope.Facts.Own[name] = value
	g.grounds[place{where, name}] = why.Facts
	g.res.Facts = append(g.res.Facts, Concluded{Where: where, Fact: name, Value: library.FormatValue(value), Why: []model.Why{why}})
}

func (g *generator) question(ref string, where model.ElementID, why model.Why) {
	q := g.questions[ref]
	if q == nil {
		q = &asked{where: map[model.ElementID]bool{}}
		g.questions[ref] = q
	}
	q.where[where] = true
	q.why.because(why)
}

// fromType applies the patterns that a component of the type always brings.
func (g *generator) fromType(t *library.Type, where model.ElementID) {
	facts := []model.Fact{{Name: "component.type", Value: library.FormatValue(t.Ref)}}
	for _, ref := range t.Patterns {
		g.apply(g.lib.Pattern(ref), where, model.Why{
			Rule: t.Ref, Pattern: ref, Library: g.stamp, Facts: facts,
			Text: fmt.Sprintf("Every component of the type %s brings this.", t.Name),
		})
	}
}

func (g *generator) site(where model.ElementID) *site {
	s := g.sites[where]
	if s == nil {
		s = &site{where: where}
		g.sites[where] = s
		g.order = append(g.order, s)
	}
	return s
}

func (g *generator) apply(p *library.Pattern, where model.ElementID, why model.Why) {
	s := g.site(where)
	for i := range p.Threats {
		l := &p.Threats[i]
		t := g.threat(s, l)
		t.why.because(why)
		for _, tw := range l.Weaknesses {
			w := g.weakness(s, g.lib.Weakness(tw.Ref))
			w.why.because(why)
			if len(tw.Countermeasures) == 0 {
				t.link(link{weakness: w})
			}
			for _, share := range tw.Countermeasures {
				help := g.lib.Countermeasure(share.Ref)
				c := g.countermeasure(s, help, help.Default)
				c.why.because(why)
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

// finish puts what was collected into the result, in order of ids.
func (g *generator) finish() {
	r := g.res
	var threats byID[threat]
	var weaknesses byID[weakness]
	var countermeasures byID[countermeasure]
	links := 0
	for _, s := range g.order {
		for _, t := range s.threats {
			threats.add(string(t.id), t)
			links += len(t.links)
		}
		for _, w := range s.weaknesses {
			weaknesses.add(string(w.id), w)
		}
		for _, c := range s.countermeasures {
			countermeasures.add(string(c.id), c)
		}
	}
	r.Threats, r.Links = make([]model.Threat, len(threats)), make([]model.Link, 0, links)
	for i, k := range threats.sorted() {
		t, l := k.of, k.of.lib
		r.Threats[i] = model.Threat{
			ID: t.id, Where: t.where, Ref: g.prepared[l].path, Title: l.Title, Description: g.prepared[l].description,
			Categories: l.Categories, CAPEC: l.CAPEC, Impact: l.Impact, Ease: l.Ease, Status: model.Open, Origin: model.ByRule, Why: ordered(t.why),
		}
		from := len(r.Links)
		for _, l := range t.links {
			one := model.Link{Threat: t.id, Weakness: l.weakness.id, Share: l.share, Origin: model.ByRule}
			if l.countermeasure != nil {
				one.Countermeasure = l.countermeasure.id
			}
			r.Links = append(r.Links, one)
		}
		slices.SortFunc(r.Links[from:], model.CompareLinks)
	}
	r.Weaknesses = make([]model.Weakness, len(weaknesses))
	for i, k := range weaknesses.sorted() {
		w, l := k.of, k.of.lib
		r.Weaknesses[i] = model.Weakness{
			ID: w.id, Where: w.where, Ref: l.Ref, Title: l.Title, Description: l.Description, CWE: l.CWE, Test: l.Test,
			Origin: model.ByRule, Why: ordered(w.why),
		}
	}
	r.Countermeasures = make([]model.Countermeasure, len(countermeasures))
	for i, k := range countermeasures.sorted() {
		c, l := k.of, k.of.lib
		r.Countermeasures[i] = model.Countermeasure{
			ID: c.id, Where: c.where, Ref: l.Ref, Title: l.Title, Description: l.Description, State: c.state, Standards: l.Standards,
			Cost: l.Cost, Test: l.Test, Origin: model.ByRule, Why: ordered(c.why),
		}
	}
	for ref, q := range g.questions {
		r.Questions = append(r.Questions, Question{Question: ref, Title: g.lib.Question(ref).Title, Where: slices.Sorted(maps.Keys(q.where)), Why: ordered(q.why)})
	}
	slices.SortFunc(r.Questions, func(a, b Question) int { return cmp.Compare(a.Question, b.Question) })
	slices.SortFunc(r.Facts, func(a, b Concluded) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Fact, b.Fact)) })
	for i := range r.Facts {
		r.Facts[i].Why = ordered(r.Facts[i].Why)
	}
	slices.SortFunc(r.Notes, func(a, b Note) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Text, b.Text)) })
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

func (b byID[T]) sorted() byID[T] {
	slices.SortFunc(b, func(x, y keyed[T]) int {
		if x.key != y.key {
			return cmp.Compare(x.key, y.key)
		}
		return cmp.Compare(x.id, y.id)
	})
	return b
}

func ordered(list []model.Why) []model.Why {
	slices.SortStableFunc(list, func(a, b model.Why) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Pattern, b.Pattern))
	})
	return slices.Clip(list)
}
