package library

import (
	"cmp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/threatloop/threatloop/internal/model"
)

// build makes the library of what was read.
func (r *raw) build(p *problems) (*Library, error) {
	r.merge(p)
	r.complete(p)
	r.unique(p)
	r.seal()
	r.resolve(p)
	env, err := newEnvironment()
	if err != nil {
		return nil, err
	}
	r.env = env
	r.compile(p)
	if err := p.err(); err != nil {
		return nil, err
	}
	r.forget()
	r.warn()
	r.unlisted()
	r.trace()
	if r.Digest, err = r.digest(); err != nil {
		return nil, err
	}
	r.include()
	return r.Library, nil
}

// unique refuses refs that are there twice; those of entries are merge's business.
func (r *raw) unique(p *problems) {
	seen := map[string]Position{}
	once := func(kind, ref string, at Position) {
		if ref == "" {
			return
		}
		if first, twice := seen[kind+" "+ref]; twice {
			p.add(at, "%s %q is there twice, first at %s", kind, ref, first)
			return
		}
		seen[kind+" "+ref] = at
	}
	for _, a := range r.Attributes {
		once("attribute", a.Name, a.At)
	}
	for _, t := range r.Types {
		for _, word := range t.Aliases {
			if model.Slug(word) != t.Ref {
				once("alias", model.Slug(word), t.At)
			}
		}
	}
	for _, pattern := range r.Patterns {
		for _, w := range pattern.Weaknesses {
			once("weakness", w.Ref, w.At)
		}
		for _, c := range pattern.Countermeasures {
			once("countermeasure", c.Ref, c.At)
		}
		for _, t := range pattern.Threats {
			once("threat", pattern.Ref+"/"+t.Ref, t.At)
		}
	}
	for _, rule := range r.Rules {
		for _, t := range rule.Tests {
			once("test", rule.Ref+"/"+t.Name, t.At)
		}
	}
	for i := range r.Questionnaires {
		for q := range r.Questionnaires[i].own() {
			if q.Attribute == "" {
				once("question", q.Ref, q.At)
			}
		}
	}
}

// resolveStandIns refuses weaknesses and countermeasures that stand for themselves in the end.
func (r *raw) resolveStandIns(p *problems) {
	for _, pattern := range r.Patterns {
		for i := range pattern.Weaknesses {
			w := &pattern.Weaknesses[i]
			at := r.weaknesses[w.StandsFor]
			for range r.weaknesses { // a circle that this one is not part of ends too
				if at != nil && at.Ref != w.Ref {
					at = r.weaknesses[at.StandsFor]
				}
			}
			if at != nil && at.Ref == w.Ref {
				p.add(w.At, "stands_for: the weakness %q stands for itself", w.Ref)
			}
		}
		for i := range pattern.Countermeasures {
			c := &pattern.Countermeasures[i]
			if c.StandsFor != "" && r.StandsFor(r.countermeasures[c.StandsFor], c.Ref) {
				p.add(c.At, "stands_for: the countermeasure %q stands for itself", c.Ref)
			}
		}
	}
}

var builtinCategories = []string{
	"stride:spoofing", "stride:tampering", "stride:repudiation", "stride:information-disclosure", "stride:denial-of-service", "stride:elevation-of-privilege",
	"linddun:linking", "linddun:identifying", "linddun:non-repudiation", "linddun:detecting", "linddun:data-disclosure", "linddun:unawareness", "linddun:non-compliance",
	"cia:confidentiality", "cia:integrity", "cia:availability",
}

// resolve checks that everything that is named exists.
func (r *raw) resolve(p *problems) {
	for kind, known := range map[string][]string{
		"pattern": keysOf(r.patterns), "type": keysOf(r.types), "weakness": keysOf(r.weaknesses), "countermeasure": keysOf(r.countermeasures),
		"question": keysOf(r.questions), "questionnaire": r.questionnaireRefs(), "attribute": keysOf(r.attributes), "tag": keysOf(r.Tags),
		"category": append(keysOf(r.Categories), builtinCategories...),
	} {
		there := make(map[string]bool, len(known))
		for _, ref := range known {
			there[ref] = true
		}
		for _, u := range r.uses[kind] {
			if !there[u.ref] {
				p.add(u.at, "%s: unknown %s %q%s", u.what, kind, u.ref, cmp.Or(r.lost(kind, u.ref), nearest(u.ref, known)))
			}
		}
	}
	r.resolveClauses(p)
	r.resolveStandIns(p)
	r.resolveQuestionnaires(p)
	for _, u := range r.uses["value"] {
		name, value, _ := strings.Cut(u.ref, "=")
		a := r.attributes[name]
		if a == nil {
			continue
		}
		if len(a.Values) > 0 && !slices.Contains(a.Values, value) {
			p.add(u.at, "attribute %q: %q is not one of %s%s", name, value, strings.Join(a.Values, ", "), nearest(value, slices.Clone(a.Values)))
		}
		if u.what != "" && !slices.Contains(a.For, u.what) {
			p.add(u.at, "attribute %q is for %s, not for a %s", name, strings.Join(a.For, ", "), u.what)
		}
	}
	for _, u := range r.uses["answer"] {
		ref, value, _ := strings.Cut(u.ref, "=")
		if q := r.questions[ref]; q != nil {
			if text := q.refuses(value); text != "" {
				p.add(u.at, "question %q: %s", ref, text)
			}
		}
	}
	for _, rule := range r.Rules {
		for _, ref := range rule.Types {
			if t := r.types[ref]; t != nil && len(rule.Kinds) > 0 && !slices.Contains(rule.Kinds, t.Kind) {
				p.add(rule.Position, "rule %q never fires for the type %q, which is of the kind %s: the rule is for %s", rule.Ref, ref, t.Kind, strings.Join(kindTexts(rule.Kinds), ", "))
			}
		}
	}
	for _, k := range r.kindless {
		if t := r.types[k.model.Components[k.index].Type]; t != nil {
			k.model.Components[k.index].Kind = t.Kind
		}
	}
}

// compile types every expression, facts in the order in which they read each other.
func (r *raw) compile(p *problems) {
	for name := range r.attributes {
		r.env.fields[attributesType][name] = attributeField(name)
	}
	for ref, q := range r.questions {
		if q.Kind != "" {
			r.env.fields[answersType][ref] = answerField(q)
		}
	}
	r.compileQuestions(p)
	r.compileComponentQuestions(p)
	if !r.order(p) {
		return // the types of facts in a circle would be read before they are known
	}
	r.compileFacts(p)
	for _, rule := range r.Rules {
		if rule.For == "" {
			continue
		}
		if rule.When != nil && r.env.check(rule.When, rule.For, "when", cel.BoolType, p) {
			r.spell(rule.When, p)
		}
		for _, v := range []*Values{rule.Set, rule.Raise} {
			v.each(func(name string, e *Expr) {
				if e.constant == nil {
					if r.env.check(e, rule.For, name, cel.IntType, p) {
						r.spell(e, p)
					}
				} else if n, whole := e.constant.(int64); !whole || n < 0 || n > 100 {
					p.add(e.At, "%s: expected a whole number from 0 to 100 or CEL, found %s", name, e.Source)
				}
			})
		}
	}
	r.conflicts(p)
}

// forget lets go of what only the checks of expressions need, a quarter of the parts that a library is kept in.
func (r *raw) forget() {
	for _, rule := range r.Rules {
		for _, e := range rule.exprs() {
			e.parsed, e.checked, e.locate = nil, nil, nil
		}
	}
	for i := range r.Questionnaires {
		for q := range r.Questionnaires[i].own() {
			if e := q.When; e != nil {
				e.parsed, e.checked, e.locate = nil, nil, nil
			}
		}
	}
}

func (r *raw) compileQuestions(p *problems) {
	list := r.inOrder()
	for _, q := range list {
		if q.When != nil && r.env.parse(q.When, ForQuestion, p) && r.env.check(q.When, ForQuestion, "when", cel.BoolType, p) {
			r.spell(q.When, p)
		}
	}
	edges := map[string][]string{}
	for _, q := range list {
		if q.When != nil {
			for _, path := range q.When.reads {
				if len(path.steps) > 1 && r.questions[path.steps[1]] != nil {
					edges[q.Ref] = append(edges[q.Ref], path.steps[1])
				}
			}
		}
	}
	levels, circle := levels(keysOf(r.questions), edges)
	if circle != nil {
		p.add(r.questions[circle[0]].At, "the conditions of the questions %s go round in a circle", strings.Join(circle, ", "))
	}
	for _, q := range list {
		q.level = levels[q.Ref]
	}
}

// factDecl is a fact with the rules' target that concludes it.
type factDecl struct {
	target Target
	typ    *cel.Type
	first  Conclusion
	rule   string
}

// compileFacts types the concluded values in order of levels, so that what they read is typed already.
func (r *raw) compileFacts(p *problems) {
	r.facts = map[string]*factDecl{}
	todo := []*Rule{}
	for _, rule := range r.Rules {
		if rule.For != "" && len(rule.Conclude) > 0 {
			todo = append(todo, rule)
		}
	}
	slices.SortStableFunc(todo, func(a, b *Rule) int { return a.Level - b.Level })
	for _, rule := range todo {
		for i := range rule.Conclude {
			c := &rule.Conclude[i]
			var typ *cel.Type
			switch c.Value.constant.(type) {
			case bool:
				typ = cel.BoolType
			case int64:
				typ = cel.IntType
			case float64:
				typ = cel.DoubleType
			default:
				if !r.env.check(c.Value, rule.For, c.Fact, nil, p) {
					continue
				}
				r.spell(c.Value, p)
				typ = c.Value.typ
			}
			r.declare(rule, c, typ, p)
		}
	}
}

func (r *raw) declare(rule *Rule, c *Conclusion, typ *cel.Type, p *problems) {
	if d := r.facts[c.Fact]; d != nil {
		if d.target != rule.For {
			p.add(c.At, "fact %q is concluded for %s by rule %q and for %s by rule %q; a fact belongs to one", c.Fact, d.target, d.rule, rule.For, rule.Ref)
		} else if !d.typ.IsExactType(typ) {
			p.add(c.At, "fact %q is %s in rule %q and %s in rule %q", c.Fact, d.typ, d.rule, typ, rule.Ref)
		}
		return
	}
	r.facts[c.Fact] = &factDecl{target: rule.For, typ: typ, first: *c, rule: rule.Ref}
	for _, t := range []Target{ForProduct, ForComponent, ForFlow, ""} {
		if rule.For == ForProduct || t == rule.For || t == "" {
			r.env.fields[factsType(t)][c.Fact] = factField(c.Fact, typ)
		}
	}
}
