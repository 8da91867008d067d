package generate

import (
	"cmp"
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

// place is where a thing of the library stands: the key of its identity.
type place struct {
	where model.ElementID
	ref   string
}

type linkKey struct {
	threat         model.ThreatID
	weakness       model.WeaknessID
	countermeasure model.CountermeasureID
}

type wanted[T any] struct {
	thing T
	why   []model.Why
}

func (w *wanted[T]) because(why model.Why) {
	same := 0
	for i := range w.why {
		if w.why[i].Rule == why.Rule && w.why[i].Pattern == why.Pattern {
			if same++; same == maxReasons || slices.Equal(w.why[i].Facts, why.Facts) {
				return
			}
		}
	}
	w.why = append(w.why, why)
}

type asked struct {
	where map[model.ElementID]bool
	wanted[struct{}]
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
		g.countermeasure(g.lib.Countermeasure(ref), where, model.Required, why)
	}
	for _, ref := range r.Recommend {
		g.countermeasure(g.lib.Countermeasure(ref), where, model.Recommended, why)
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
	q.because(why)
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

func (g *generator) apply(p *library.Pattern, where model.ElementID, why model.Why) {
	for i := range p.Threats {
		t := &p.Threats[i]
		threat := g.threat(p, t, where, why)
		for _, w := range t.Weaknesses {
			weakness := g.weakness(g.lib.Weakness(w.Ref), where, why)
			if len(w.Countermeasures) == 0 {
				g.link(linkKey{threat, weakness, ""}, 0)
			}
			for _, s := range w.Countermeasures {
				c := g.lib.Countermeasure(s.Ref)
				g.link(linkKey{threat, weakness, g.countermeasure(c, where, c.Default, why)}, s.Share)
			}
		}
	}
}

func (g *generator) threat(p *library.Pattern, t *library.Threat, where model.ElementID, why model.Why) model.ThreatID {
	key := place{where, p.Ref + "/" + t.Ref}
	w := g.threats[key]
	if w == nil {
		description := t.Description
		if t.Because != "" && description != "" {
			description += "\n\n"
		}
		w = &wanted[model.Threat]{thing: model.Threat{
			ID: model.NewThreatID(g.m.Product.ID, where, key.ref), Where: where, Ref: key.ref, Title: t.Title, Description: description + t.Because,
			Categories: t.Categories, CAPEC: t.CAPEC, Impact: t.Impact, Ease: t.Ease, Status: model.Open, Origin: model.ByRule,
		}}
		g.threats[key] = w
	}
	w.because(why)
	return w.thing.ID
}

func (g *generator) weakness(l *library.Weakness, where model.ElementID, why model.Why) model.WeaknessID {
	key := place{where, l.Ref}
	w := g.weaknesses[key]
	if w == nil {
		w = &wanted[model.Weakness]{thing: model.Weakness{
			ID: model.NewWeaknessID(g.m.Product.ID, where, l.Ref), Where: where, Ref: l.Ref, Title: l.Title, Description: l.Description,
			CWE: l.CWE, Test: l.Test, Origin: model.ByRule,
		}}
		g.weaknesses[key] = w
	}
	w.because(why)
	return w.thing.ID
}

// countermeasure joins what rules say of one countermeasure: required beats recommended.
func (g *generator) countermeasure(l *library.Countermeasure, where model.ElementID, state model.State, why model.Why) model.CountermeasureID {
	key := place{where, l.Ref}
	w := g.countermeasures[key]
	if w == nil {
		w = &wanted[model.Countermeasure]{thing: model.Countermeasure{
			ID: model.NewCountermeasureID(g.m.Product.ID, where, l.Ref), Where: where, Ref: l.Ref, Title: l.Title, Description: l.Description,
			State: state, Standards: l.Standards, Cost: l.Cost, Test: l.Test, Origin: model.ByRule,
		}}
		g.countermeasures[key] = w
	}
	if state == model.Required {
		w.thing.State = model.Required
	}
	w.because(why)
	return w.thing.ID
}

// link joins the shares of patterns that say it twice: the larger one.
func (g *generator) link(key linkKey, share float64) {
	g.links[key] = max(g.links[key], share)
}

// finish puts what was collected into the result, in order of ids.
func (g *generator) finish() {
	r := g.res
	for _, w := range g.threats {
		w.thing.Why = ordered(w.why)
		r.Threats = append(r.Threats, w.thing)
	}
	for _, w := range g.weaknesses {
		w.thing.Why = ordered(w.why)
		r.Weaknesses = append(r.Weaknesses, w.thing)
	}
	for _, w := range g.countermeasures {
		w.thing.Why = ordered(w.why)
		r.Countermeasures = append(r.Countermeasures, w.thing)
	}
	for key, share := range g.links {
		r.Links = append(r.Links, model.Link{Threat: key.threat, Weakness: key.weakness, Countermeasure: key.countermeasure, Share: share, Origin: model.ByRule})
	}
	sorted := &model.Model{Threats: r.Threats, Weaknesses: r.Weaknesses, Countermeasures: r.Countermeasures, Links: r.Links}
	model.Sort(sorted)
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

func ordered(list []model.Why) []model.Why {
	slices.SortStableFunc(list, func(a, b model.Why) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Pattern, b.Pattern))
	})
	return slices.Clip(list)
}
