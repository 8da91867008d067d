package iriusrisk

import (
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// maxWords bounds the attributes that answers may become: one mapping holds them.
const maxWords = 1500

func (g *group) title() string {
	for _, t := range []string{g.text, g.name, g.ref} {
		if t != "" {
			return t
		}
	}
	return "Question"
}

// nameWords gives questions, options and attributes their names. It runs before
// any rule is translated.
func (c *converter) nameWords() {
	for _, g := range c.book.groups {
		taken := map[string]bool{}
		for _, a := range g.answers {
			if g.component {
				a.word = c.names.word("attribute", a.ref)
				continue
			}
			a.word = model.Slug(a.ref)
			for n := 2; taken[a.word]; n++ {
				a.word = serial(model.Slug(a.ref), n)
			}
			taken[a.word] = true
		}
		if !g.component && len(g.answers) > 0 {
			g.word = c.names.word("question", g.ref)
		}
	}
}

// writeQuestions writes two questionnaires: one about the product, and one about
// components, whose answers are attributes.
func (c *converter) writeQuestions() {
	var product, component []*mapping
	names := namer{prefix: "group", used: map[string]bool{}}
	for _, g := range c.book.groups {
		if len(g.answers) == 0 {
			c.note(imported.Kept, g.inserted[0].el, "question "+g.title(), "the question has no answers in this library and is left out")
			continue
		}
		if !g.component {
			product = append(product, c.productQuestion(g, &names))
			continue
		}
		if len(c.attributes)+len(g.answers) > maxWords {
			c.note(imported.Refused, g.inserted[0].el, "question "+g.title(), "the library asks too much of components; at most %d answers are taken", maxWords)
			continue
		}
		component = append(component, c.componentQuestions(g, &names))
	}
	name := htmltext.Line(c.root.Attr("name"))
	if len(product) > 0 {
		ref := c.names.ref("questionnaire", c.ref)
		c.entries["questionnaires/"+ref+".yaml"] = (&mapping{}).must("questionnaire", ref).must("name", name).must("groups", product)
	}
	if len(component) > 0 {
		ref := c.names.ref("questionnaire", c.ref+"-components")
		var types []string
		for _, t := range slices.Sorted(maps.Values(c.types)) {
			add(&types, t)
		}
		m := (&mapping{}).must("questionnaire", ref).must("name", name+": components").add("types", types).must("groups", component)
		if len(types) == 0 {
			m.nodes[0].comment = []string{"Shown at no component yet: give it types, or include it in the questionnaire of one."}
			c.note(imported.Info, nil, "questionnaire "+ref, "it asks about components of any type; give it the types at which it is to be shown, or include it")
		}
		c.entries["questionnaires/"+ref+".yaml"] = m
	}
}

func (c *converter) productQuestion(g *group, names *namer) *mapping {
	var options []*mapping
	help := []string{g.help}
	for _, a := range g.answers {
		options = append(options, (&mapping{line: true}).must("ref", a.word).must("title", a.title))
		if a.help != "" {
			help = append(help, "**"+a.title+"**: "+a.help)
		}
	}
	q := (&mapping{}).must("question", g.word).must("title", g.title()).add("help", paragraphs(help...)).must("kind", "choices").must("options", options)
	q.add("when", c.when(g))
	return (&mapping{}).must("group", names.ref("group", g.ref)).must("title", shortTitle(g)).must("questions", []*mapping{q})
}

func (c *converter) componentQuestions(g *group, names *namer) *mapping {
	when := c.when(g)
	var questions []*mapping
	for _, a := range g.answers {
		c.attrNames = append(c.attrNames, a.word)
		c.attributes = append(c.attributes, (&mapping{line: true}).must("values", []string{"yes", "no"}).must("for", []string{"actor", "process", "store"}).must("text", g.title()+" "+a.title))
		questions = append(questions, (&mapping{}).must("attribute", a.word).must("title", a.title).add("help", a.help).add("when", when))
	}
	m := (&mapping{}).must("group", names.ref("group", g.ref)).must("title", shortTitle(g)).must("questions", questions)
	if g.text != "" && g.text != shortTitle(g) {
		m.comment = append(m.comment, g.text)
	}
	return m
}

func shortTitle(g *group) string {
	if g.name != "" {
		return g.name
	}
	return g.title()
}

// when is the condition under which a question is shown, as far as a question can
// read it: of the product answers only, of a component no conclusions.
func (c *converter) when(g *group) string {
	literals := c.shown(g, 0)
	var parts []string
	for _, l := range literals {
		if l.facts || !g.component && (l.component || !strings.Contains(l.expr, "answers.")) {
			c.note(imported.Guess, g.inserted[0].el, "question "+g.title(), "it depends on what a question cannot read; it is always shown")
			return ""
		}
		parts = append(parts, l.expr)
	}
	if len(parts) == 0 && slices.ContainsFunc(g.inserted, func(r *rule) bool { return len(r.conditions) > 0 }) {
		c.note(imported.Guess, g.inserted[0].el, "question "+g.title(), "when it is shown is not understood; it is always shown")
	}
	return strings.Join(parts, " && ")
}

// componentType makes a component type of a definition.
func (c *converter) componentType(e *xmltree.Element) {
	written := e.Attr("ref")
	if written == "" || c.types[written] != "" {
		return
	}
	name := htmltext.Line(e.Attr("name"))
	words := definitionWords(written)
	if name == "" {
		name = words
	}
	ref := c.names.ref("type", words)
	c.types[written] = ref
	c.definitions = append(c.definitions, definition{ref, name, e})
}

type definition struct {
	ref, name string
	el        *xmltree.Element
}

func (c *converter) writeTypes() {
	for _, d := range c.definitions {
		kind := reading.KindOf(d.name)
		if kind == "" {
			kind = reading.KindOf(strings.ReplaceAll(d.ref, "-", " "))
		}
		if kind == "" {
			kind = model.Process
		}
		c.note(imported.Guess, d.el, "component type "+d.name, "is taken as a %s, by its words", kind)
		var refs []string
		for _, p := range d.el.All("riskPatterns", "riskPattern") {
			own := c.patterns[p.Attr("ref")]
			if own == nil {
				c.note(imported.Kept, p, "component type "+d.name, "the risk pattern %q is not in this library", p.Attr("ref"))
				continue
			}
			for _, ref := range own.refsOf() {
				add(&refs, ref)
			}
		}
		m := (&mapping{}).must("type", d.ref).must("name", d.name).must("kind", string(kind)).add("description", prose(d.el.Attr("desc"))).add("patterns", refs)
		if alias := strings.ToLower(d.name); model.Slug(alias) != d.ref && c.freeAlias(alias) {
			m.add("aliases", []string{alias})
		}
		c.entries["types/"+d.ref+".yaml"] = m
	}
}

// freeAlias reports whether no type is called so yet, and takes the word.
func (c *converter) freeAlias(word string) bool {
	slug := model.Slug(word)
	if slug == "x" || c.names.used["alias "+slug] || c.names.used["type "+slug] {
		return false
	}
	if c.opts.Base != nil {
		for _, kind := range []model.Kind{model.Actor, model.Process, model.Store} {
			if c.opts.Base.TypeFor(word, kind) != "" {
				return false
			}
		}
	}
	c.names.used["alias "+slug] = true
	return true
}

// typeOf returns the component type for a definition's ref: this library's, or one
// of the base that its words name.
func (c *converter) typeOf(definition string) string {
	if ref := c.types[definition]; ref != "" {
		return ref
	}
	if c.opts.Base != nil {
		for _, kind := range []model.Kind{model.Process, model.Store, model.Actor} {
			if ref := c.opts.Base.TypeFor(definitionWords(definition), kind); ref != "" {
				return ref
			}
		}
	}
	return ""
}
