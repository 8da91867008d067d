package iriusrisk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// condition is a rule's condition in CEL, with a model in which it holds.
type condition struct {
	any      bool
	literals []literal
	seen     map[string]bool // their expressions
	fires    *setup
	unknown  string // why it is not understood; "" is that it is
}

// literal is one part of a condition.
type literal struct {
	expr, why string
	holds     func(*setup) // makes it hold
	negative  bool         // it holds where nothing is said
	facts     bool         // it reads a conclusion, which a question cannot
	component bool         // it reads the component
}

// everyProduct holds for all products but one that is called "-".
const everyProduct = "product.name != '-'"

// setup is a test's model in the making.
type setup struct {
	attributes, custom map[string]string
	answers            map[string][]string
	typ, zone          string
	tags               []string
	crosses            bool
	outOfScope         bool
	noName             bool
}

func newSetup() *setup {
	return &setup{attributes: map[string]string{}, custom: map[string]string{}, answers: map[string][]string{}}
}

// condition translates the conditions of a rule.
func (c *converter) condition(target string, r *rule) *condition {
	cond := &condition{any: r.any && len(r.conditions) > 1, fires: newSetup()}
	c.collect(target, r, cond, 0)
	if len(cond.literals) == 0 && target == "product" && cond.unknown == "" {
		// A product rule without a condition could not be tested: it would never stay silent.
		cond.literals = []literal{{expr: everyProduct, why: "Holds for every product", holds: func(*setup) {}}}
	}
	for i, l := range cond.literals {
		if l.holds != nil && (!cond.any || i == 0) {
			l.holds(cond.fires)
		}
	}
	return cond
}

// maxChain bounds how questions may depend on each other.
const maxChain = 20

func (c *converter) collect(target string, r *rule, cond *condition, depth int) {
	if depth > maxChain {
		cond.unknown = "its questions depend on each other in a circle"
		return
	}
	for _, s := range r.conditions {
		if c.work++; c.work > maxWork {
			cond.unknown = "its questions depend on each other in too many ways"
			return
		}
		l, more, ok := c.literal(target, s, depth)
		if !ok {
			cond.unknown = "the condition " + s.String() + " is not understood"
			return
		}
		for _, one := range append(l, more...) {
			if cond.seen == nil {
				cond.seen = map[string]bool{}
			}
			if !cond.seen[one.expr] {
				cond.seen[one.expr] = true
				cond.literals = append(cond.literals, one)
			}
		}
	}
}

// literal translates one condition. Those that hold by themselves give none.
func (c *converter) literal(target string, s step, depth int) (own, more []literal, ok bool) {
	component := strings.Contains(s.name, "COMPONENT")
	switch s.name {
	case "CONDITION_QUESTION", "CONDITION_COMPONENT_QUESTION":
		a := c.book.byAnswer[kindOf(component)+s.part(0)]
		if a == nil || component && target != "component" {
			return nil, nil, false
		}
		return []literal{answered(a)}, nil, true
	case "CONDITION_QUESTION_GROUP_EXISTS", "CONDITION_COMPONENT_QUESTION_GROUP_EXISTS":
		g := c.book.byGroup[kindOf(component)+s.part(0)]
		if g == nil || component && target != "component" {
			return nil, nil, false
		}
		return nil, c.shown(g, depth), true
	case "CONDITION_QUESTION_NOT_ANSWERED", "CONDITION_COMPONENT_QUESTION_NOT_ANSWERED":
		return c.unanswered(target, s, component)
	case "CONDITION_CONCLUSION_EXISTS", "CONDITION_CONCLUSION_COMPONENT_EXISTS", "CONDITION_CONCLUSION_NOT_EXISTS", "CONDITION_CONCLUSION_COMPONENT_NOT_EXISTS":
		return c.concluded(target, s, component, depth)
	case "CONDITION_COMPONENT_DEFINITION":
		ref := c.typeOf(s.part(0))
		if ref == "" || target != "component" {
			return nil, nil, false
		}
		return []literal{{expr: "component.type == " + quoted(ref), why: "The component is a " + ref, component: true, holds: func(t *setup) { t.typ = ref }}}, nil, true
	case "CONDITION_DATAFLOW_CROSS_TRUST_BOUNDARY":
		return []literal{{expr: "flow.crosses_boundary", why: "The flow crosses a trust boundary", holds: func(t *setup) { t.crosses = true }}}, nil, target == "flow"
	case "CONDITION_DATAFLOW_CONTAINS_TAG":
		tag := s.part(0)
		if tag == "" || target != "flow" {
			return nil, nil, false
		}
		if c.opts.Base == nil || c.opts.Base.Tags[tag] == "" {
			add(&c.tags, tag)
		}
		return []literal{{expr: quoted(tag) + " in flow.tags", why: "The flow has the tag " + tag, holds: func(t *setup) { t.tags = append(t.tags, tag) }}}, nil, true
	case "CONDITION_IS_IN_TRUSTZONE":
		name := zoneName(s.part(1))
		if name == "" || target != "component" {
			return nil, nil, false
		}
		return []literal{{expr: "zone.name == " + quoted(name), why: "The component stands in the zone " + name, component: true, holds: func(t *setup) { t.zone = name }}}, nil, true
	case "CONDITION_USER_DEFINED_FIELD":
		return customField(s)
	}
	return nil, nil, false
}

func answered(a *answer) literal {
	why := fmt.Sprintf("“%s” was answered with “%s”", a.group.title(), a.title)
	if a.group.component {
		return literal{expr: "component.attributes." + a.word + " == 'yes'", why: why, component: true, holds: func(t *setup) { t.attributes[a.word] = "yes" }}
	}
	return literal{expr: quoted(a.word) + " in answers." + a.group.word, why: why, holds: func(t *setup) {
		if q := a.group.word; !slices.Contains(t.answers[q], a.word) {
			t.answers[q] = append(t.answers[q], a.word)
		}
	}}
}

// shown returns when a group is shown: where one of the rules that insert it fires.
func (c *converter) shown(g *group, depth int) []literal {
	var alternatives [][]literal
	for _, r := range g.inserted {
		target := "product"
		if g.component {
			target = "component"
		}
		cond := &condition{}
		c.collect(target, r, cond, depth+1)
		if cond.unknown != "" || len(cond.literals) == 0 {
			return nil // shown anyway, as far as can be told
		}
		alternatives = append(alternatives, cond.literals)
	}
	if len(alternatives) == 0 {
		return nil
	}
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	first := alternatives[0]
	joined := literal{why: first[0].why}
	var all []string
	for _, literals := range alternatives {
		var parts []string
		for _, l := range literals {
			parts = append(parts, l.expr)
			joined.facts = joined.facts || l.facts
			joined.component = joined.component || l.component
		}
		all = append(all, "("+strings.Join(parts, " && ")+")")
	}
	joined.expr = "(" + strings.Join(all, " || ") + ")"
	joined.holds = func(t *setup) {
		for _, l := range first {
			if l.holds != nil {
				l.holds(t)
			}
		}
	}
	return []literal{joined}
}

func (c *converter) unanswered(target string, s step, component bool) (own, more []literal, ok bool) {
	g := c.book.byGroup[kindOf(component)+s.part(0)]
	if a := c.book.byAnswer[kindOf(component)+s.part(0)]; g == nil && a != nil {
		g = a.group
	}
	if g == nil || component && target != "component" {
		return nil, nil, false
	}
	why := fmt.Sprintf("“%s” is not answered", g.title())
	if !component {
		return []literal{{expr: "!has(answers." + g.word + ")", why: why, negative: true}}, nil, true
	}
	for _, a := range g.answers {
		own = append(own, literal{expr: "component.attributes." + a.word + " == ''", why: why, negative: true, component: true})
	}
	return own, nil, len(own) > 0
}

func (c *converter) concluded(target string, s step, component bool, depth int) (own, more []literal, ok bool) {
	key := kindOf(component) + s.part(0)
	fact := c.book.facts[key]
	if fact == "" || component && target != "component" || depth > maxChain || len(c.book.concluded[key]) == 0 {
		return nil, nil, false
	}
	from := "product"
	if component {
		from = "component"
	}
	first := c.book.concluded[key][0]
	l := literal{expr: "facts." + fact, why: "It was concluded that " + strings.ReplaceAll(s.part(0), "-", " "), facts: true, component: component}
	if strings.HasSuffix(s.name, "_NOT_EXISTS") {
		l.expr, l.why, l.negative = "!"+l.expr, "It was not concluded that "+strings.ReplaceAll(s.part(0), "-", " "), true
		return []literal{l}, nil, true
	}
	cond := &condition{}
	c.collect(from, first, cond, depth+1)
	if cond.unknown != "" {
		return nil, nil, false // nothing here can draw the conclusion
	}
	l.holds = func(t *setup) {
		for _, one := range cond.literals {
			if one.holds != nil {
				one.holds(t)
			}
		}
	}
	return []literal{l}, nil, true
}

// zones are the names of the trust zones that every IriusRisk has, by ref.
var zones = map[string]string{
	"internet": "Internet", "public": "Public", "public-cloud": "Public Cloud", "trusted-partner": "Trusted Partner", "private-secured": "Private Secured",
}

func zoneName(ref string) string { return zones[model.Slug(ref)] }

// customField reads "Project_::_field_::_operator_::_value".
func customField(s step) (own, more []literal, ok bool) {
	field, operator, value := s.part(1), strings.ToUpper(s.part(2)), s.part(3)
	if !strings.EqualFold(s.part(0), "project") || field == "" {
		return nil, nil, false
	}
	read := "product.custom[\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(field) + "\"]"
	switch operator {
	case "EQUALS", "EQUAL", "IS", "==", "=":
		return []literal{{expr: read + " == " + quoted(value), why: "The field " + field + " is " + value, holds: func(t *setup) { t.custom[field] = value }}}, nil, true
	case "NOT_EQUALS", "NOT_EQUAL", "IS_NOT", "!=":
		return []literal{{expr: read + " != " + quoted(value), why: "The field " + field + " is not " + value, negative: true, holds: func(*setup) {}}}, nil, true
	}
	return nil, nil, false
}

// expr is the whole condition; "" holds always.
func (cond *condition) expr() string {
	parts := make([]string, len(cond.literals))
	for i, l := range cond.literals {
		parts[i] = l.expr
	}
	if cond.any {
		return strings.Join(parts, " || ")
	}
	return strings.Join(parts, " && ")
}

// reason is a sentence for people.
func (cond *condition) reason() string {
	var parts []string
	for _, l := range cond.literals {
		why := l.why
		if len(parts) > 0 {
			why = strings.ToLower(why[:1]) + why[1:]
		}
		if !slices.Contains(parts, why) {
			parts = append(parts, why)
		}
	}
	if len(parts) == 0 {
		return "Holds everywhere."
	}
	join := " and "
	if cond.any {
		join = " or "
	}
	return oneLine(strings.Join(parts, join)) + "."
}

// silent is a model in which the condition does not hold.
func (cond *condition) silent() *setup {
	t := newSetup()
	positive := false
	for _, l := range cond.literals {
		positive = positive || !l.negative
		t.noName = t.noName || l.expr == everyProduct
	}
	t.outOfScope = !positive // nothing happens at what is out of scope
	return t
}

// model writes the setup as a test's model.
func (t *setup) model(target string) *mapping {
	m := &mapping{line: true}
	product := &mapping{line: true}
	if t.noName {
		product.must("name", "-")
	}
	if len(t.custom) > 0 {
		product.must("custom", texts(t.custom))
	}
	m.add("product", product)
	if len(t.answers) > 0 {
		all := &mapping{line: true}
		for _, q := range slices.Sorted(maps.Keys(t.answers)) {
			all.must(q, t.answers[q])
		}
		m.add("answers", all)
	}
	if target == "product" {
		return m
	}
	thing := &mapping{line: true}
	thing.must("id", placeOf[target])
	switch target {
	case "component":
		if thing.add("type", t.typ); t.typ == "" {
			thing.must("kind", "process")
		}
		if t.zone != "" {
			m.must("zones", []*mapping{(&mapping{line: true}).must("id", "z").must("name", t.zone).must("trust", 1)})
			thing.must("zone", "z")
		}
		thing.add("attributes", texts(t.attributes))
		t.scope(thing)
		m.must("components", []*mapping{thing})
	case "flow":
		source, sink := (&mapping{line: true}).must("id", "a").must("kind", "process"), (&mapping{line: true}).must("id", "b").must("kind", "process")
		if t.crosses {
			m.must("zones", []*mapping{(&mapping{line: true}).must("id", "out").must("trust", 10), (&mapping{line: true}).must("id", "in").must("trust", 60)})
			source.must("zone", "out")
			sink.must("zone", "in")
		}
		m.must("components", []*mapping{source, sink})
		thing.must("from", "a").must("to", "b").add("tags", t.tags)
		t.scope(thing)
		m.must("flows", []*mapping{thing})
	}
	return m
}

func (t *setup) scope(thing *mapping) {
	if t.outOfScope {
		thing.must("out_of_scope", raw("true"))
	}
}

func texts(values map[string]string) *mapping {
	m := &mapping{line: true}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		m.must(key, values[key])
	}
	return m
}
