package iriusrisk

import (
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
)

// separator parts the values of conditions and actions.
const separator = "_::_"

// rule is a rule as the file has it.
type rule struct {
	el           *xmltree.Element
	name, module string
	any          bool // one condition is enough
	conditions   []step
	actions      []step
}

// step is a condition or an action.
type step struct {
	el      *xmltree.Element
	name    string
	project string
	parts   []string
}

func (s step) part(i int) string {
	if i < len(s.parts) {
		return s.parts[i]
	}
	return ""
}

// String is the step as a comment shows it.
func (s step) String() string {
	text := s.name + " " + strings.Join(s.parts, " | ")
	if s.project != "" {
		text += " (of " + s.project + ")"
	}
	return strings.TrimSpace(text)
}

// group is a question with the answers that can be ticked. Of a component each
// answer is an attribute, of a product an option.
type group struct {
	ref, name, text, help string
	component             bool
	inserted              []*rule // the rules that show it
	answers               []*answer
	word                  string // of a product's question
}

type answer struct {
	group            *group
	ref, title, help string
	word             string // attribute, or option
}

// ruleBook is what rules refer to beyond patterns: questions and conclusions.
type ruleBook struct {
	rules     []*rule
	groups    []*group
	byGroup   map[string]*group  // "component ref" and "product ref"
	byAnswer  map[string]*answer // the same
	facts     map[string]string  // words of conclusions, by "component id" and "product id"
	concluded map[string][]*rule // the rules that draw a conclusion
}

func kindOf(component bool) string {
	if component {
		return "component "
	}
	return "product "
}

// readRules reads all rules, and from their actions what questions and conclusions
// there are and which threats are brought alone.
func (c *converter) readRules() {
	b := &ruleBook{byGroup: map[string]*group{}, byAnswer: map[string]*answer{}, facts: map[string]string{}, concluded: map[string][]*rule{}}
	c.book = b
	for _, e := range c.root.All("rules", "rule") {
		c.counts.Rules++
		r := &rule{el: e, name: ruleName(e), module: strings.ToLower(e.Attr("module")), any: e.Attr("matchesAllConditions") == "false"}
		for _, s := range e.All("conditions", "condition") {
			c.counts.Conditions++
			r.conditions = append(r.conditions, newStep(s))
		}
		for _, s := range e.All("actions", "action") {
			c.counts.Actions++
			r.actions = append(r.actions, newStep(s))
		}
		b.rules = append(b.rules, r)
	}
	for _, r := range b.rules {
		for _, a := range r.actions {
			c.index(r, a)
		}
	}
	for _, r := range b.rules { // answers come after all groups are known
		for _, a := range r.actions {
			c.indexAnswer(r, a)
		}
	}
	for _, p := range c.patternList {
		c.split(p)
	}
}

func ruleName(e *xmltree.Element) string {
	if name := htmltext.Line(e.Attr("name")); name != "" {
		return name
	}
	return "Rule without a name"
}

func newStep(e *xmltree.Element) step {
	s := step{el: e, name: strings.TrimSpace(e.Attr("name")), project: strings.TrimSpace(e.Attr("project"))}
	for part := range strings.SplitSeq(e.Attr("value"), separator) {
		s.parts = append(s.parts, strings.TrimSpace(part))
	}
	return s
}

func (c *converter) index(r *rule, a step) {
	b := c.book
	switch a.name {
	case "INSERT_QUESTION_GROUP", "INSERT_COMPONENT_QUESTION_GROUP":
		component := a.name == "INSERT_COMPONENT_QUESTION_GROUP"
		key := kindOf(component) + a.part(0)
		g := b.byGroup[key]
		if g == nil {
			g = &group{ref: a.part(0), name: htmltext.Line(a.part(1)), text: htmltext.Line(a.part(2)), help: prose(a.part(6)), component: component}
			b.byGroup[key] = g
			b.groups = append(b.groups, g)
		}
		g.inserted = append(g.inserted, r)
	case "INSERT_CONCLUSION", "INSERT_COMPONENT_CONCLUSION":
		key := kindOf(a.name == "INSERT_COMPONENT_CONCLUSION") + a.part(1)
		if b.facts[key] == "" {
			b.facts[key] = c.names.word("fact", a.part(1))
		}
		b.concluded[key] = append(b.concluded[key], r)
	case "IMPORT_SPECIFIC_UC", "IMPORT_SPECIFIC_RISK":
		if p := c.own(a); p != nil {
			p.alone[strings.Join(a.parts[2:], "/")] = true
		}
	}
}

// own returns the pattern of this library that an action names, or nil.
func (c *converter) own(a step) *pattern {
	if len(a.parts) < 2 {
		return nil
	}
	if lib := a.part(0); lib != "" && !strings.EqualFold(lib, c.root.Attr("ref")) {
		return nil
	}
	return c.patterns[a.part(1)]
}

// indexAnswer puts an answer into the group that its rule asks for, or shows.
func (c *converter) indexAnswer(r *rule, a step) {
	component := a.name == "INSERT_COMPONENT_QUESTION"
	if !component && a.name != "INSERT_QUESTION" {
		return
	}
	b := c.book
	var g *group
	for _, s := range r.conditions {
		if strings.HasSuffix(s.name, "QUESTION_GROUP_EXISTS") && b.byGroup[kindOf(component)+s.part(0)] != nil {
			g = b.byGroup[kindOf(component)+s.part(0)]
		}
	}
	for _, s := range r.actions {
		if g == nil && strings.HasSuffix(s.name, "QUESTION_GROUP") {
			g = b.byGroup[kindOf(component)+s.part(0)]
		}
	}
	key := kindOf(component) + a.part(0)
	if b.byAnswer[key] != nil {
		return
	}
	if g == nil {
		g = &group{ref: r.name, name: r.name, text: r.name, component: component, inserted: []*rule{r}}
		b.groups = append(b.groups, g)
	}
	one := &answer{group: g, ref: a.part(0), title: htmltext.Line(a.part(1)), help: prose(a.part(2))}
	if one.title == "" {
		one.title = one.ref
	}
	if one.title == "" {
		one.title = "Yes"
	}
	g.answers = append(g.answers, one)
	b.byAnswer[key] = one
}

// keep puts a rule, or what of it is not understood, into the comments.
func (c *converter) keep(r *rule, why string, actions []step) {
	c.counts.RulesKept++
	c.kept = append(c.kept, "", "Rule "+r.name+" ("+r.module+"), kept: "+why)
	for _, s := range r.conditions {
		c.kept = append(c.kept, "  if "+s.String())
	}
	for _, s := range actions {
		c.kept = append(c.kept, "  do "+s.String())
	}
	if text := r.el.Child("content").Text(); text != "" {
		for line := range strings.SplitSeq(text, "\n") {
			c.kept = append(c.kept, "  | "+line)
		}
	}
	c.note(imported.Kept, r.el, "rule "+r.name, "%s; it is kept as a comment", why)
}

func (c *converter) writeRules() {
	if !contains(c.dropped, "*") {
		c.writeQuestions()
	}
	for _, r := range c.book.rules {
		c.rule(r)
	}
	if len(c.rules) > 0 {
		c.entries[rulesFile] = (&mapping{}).must("rules", c.rules)
		c.after[rulesFile] = c.kept
	}
}

// effect is what a rule of ours does at one place.
type effect struct {
	at               string // of flow rules: "", source, target
	apply, require   []string
	recommend, facts []string
}

func (c *converter) rule(r *rule) {
	targets := map[string]string{"component": "component", "main": "product", "dataflow": "flow"}
	target, known := targets[r.module]
	dropAll := contains(c.dropped, "*")
	switch {
	case r.el.Child("content").Text() != "" && len(r.conditions)+len(r.actions) == 0:
		c.keep(r, "it is written by hand in the rule language of IriusRisk", r.actions)
		return
	case len(r.conditions) > maxSteps || len(r.actions) > maxSteps:
		c.keep(r, "it has more conditions or actions than are read", r.actions)
		return
	case !known:
		c.keep(r, "rules of the module "+r.module+" have no counterpart", r.actions)
		return
	case dropAll:
		c.keep(r, "it cannot be brought into a form whose tests come out", r.actions)
		return
	}
	var effects []*effect
	var left []step
	for _, a := range r.actions {
		if !c.action(target, a, &effects) {
			left = append(left, a)
		}
	}
	if len(effects) == 0 {
		if len(left) > 0 {
			c.keep(r, "nothing here does what it does: "+names(left), left)
		}
		return
	}
	cond := c.condition(target, r)
	if cond.unknown != "" {
		c.keep(r, cond.unknown, r.actions)
		return
	}
	made := 0
	for _, e := range effects {
		ref := c.names.ref("rule", r.name)
		if e.at != "" && len(effects) > 1 {
			delete(c.names.used, "rule "+ref)
			ref = c.names.ref("rule", r.name+" "+e.at)
		}
		if !contains(c.dropped, ref) {
			c.rules = append(c.rules, c.compose(r, ref, target, cond, e))
			c.ruleNames[ref] = true
			made++
		}
	}
	switch {
	case made < len(effects):
		c.keep(r, "its tests do not come out here", r.actions)
	case len(left) > 0:
		c.keep(r, "nothing here does some of what it does: "+names(left), left)
	}
}

// names are the names of steps, each once.
func names(steps []step) string {
	var all []string
	for _, s := range steps {
		name := s.name
		if name == "MARK_CONTROL_AS" {
			name += " " + s.part(1)
		}
		if s.project != "" {
			name += " of " + s.project
		}
		add(&all, name)
	}
	if len(all) > 4 {
		all = append(all[:4], "…")
	}
	return strings.Join(all, ", ")
}

func contains(list []string, one string) bool {
	for _, s := range list {
		if s == one {
			return true
		}
	}
	return false
}

// compose writes a rule of ours with its tests.
func (c *converter) compose(r *rule, ref, target string, cond *condition, e *effect) *mapping {
	m := (&mapping{}).must("rule", ref).must("title", r.name).must("for", target)
	m.add("when", cond.expr()).add("at", e.at).add("apply", e.apply).add("require", e.require).add("recommend", e.recommend)
	if len(e.facts) > 0 {
		facts := &mapping{line: true}
		for _, f := range e.facts {
			facts.must(f, raw("true"))
		}
		m.add("conclude", facts)
	}
	m.must("reason", cond.reason())
	m.must("tests", []*mapping{
		(&mapping{line: true}).must("name", "fires").must("model", cond.fires.model(target)).must("fires", []string{placeOf[target]}),
		(&mapping{line: true}).must("name", "stays silent").must("model", cond.silent().model(target)).must("fires", raw("[]")),
	})
	return m
}

// placeOf is the id of what a rule fires at in its test.
var placeOf = map[string]string{"component": "c", "product": "product", "flow": "f"}
