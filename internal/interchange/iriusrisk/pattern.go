package iriusrisk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// pattern is a risk pattern on its way. Our rules bring whole patterns, those of
// IriusRisk also a single use case or threat: what a rule brings alone becomes a
// pattern of its own, and who brings the whole brings all of its parts.
type pattern struct {
	ref, name, description string
	weaknesses             []*mapping
	countermeasures        []*mapping
	refs                   map[string]string // ours by "kind ref" of the file, lower case
	threats                []*threat
	alone                  map[string]bool // use cases ("uc") and threats ("uc/threat") that rules bring by themselves
	parts                  []part          // set by split
}

type threat struct {
	useCase, id string // as in the file
	ref, title  string
	m           *mapping
}

// part is a pattern that is written: the whole, or what is brought alone.
type part struct {
	ref     string
	useCase string // "" is not of one use case
	threats []*threat
}

func (c *converter) pattern(e *xmltree.Element) {
	c.counts.Patterns++
	p := &pattern{ref: c.names.ref("pattern", e.Attr("ref")), name: htmltext.Line(e.Attr("name")), description: prose(e.Attr("desc")), alone: map[string]bool{}, refs: map[string]string{}}
	if p.name == "" {
		p.name = p.ref
	}
	if p.description == "" {
		p.description = prose(e.Child("desc").Text())
	}
	for _, w := range e.All("weaknesses", "weakness") {
		c.counts.Weaknesses++
		c.libraryWeakness(p, w)
	}
	for _, m := range countermeasures(e) {
		c.counts.Countermeasures++
		c.libraryCountermeasure(p, m)
	}
	seen := map[string]int{} // by ref the highest number that was given
	for _, u := range e.All("usecases", "usecase") {
		c.counts.UseCases++
		for _, t := range u.All("threats", "threat") {
			c.counts.Threats++
			c.libraryThreat(p, u, t, seen)
		}
	}
	if _, twice := c.patterns[e.Attr("ref")]; twice {
		c.note(imported.Guess, e, "pattern "+p.name, "the ref %q is used by two patterns; this one is called %s here", e.Attr("ref"), p.ref)
	} else {
		c.patterns[e.Attr("ref")] = p
	}
	c.patternList = append(c.patternList, p)
}

// body is what was defined under a ref, to tell whether another pattern defines the same.
type body struct{ ref, text string }

// define gives what a pattern defines under a ref its ref here. Several patterns
// may define the same thing, which is written once, or different things under one
// ref, which each get a ref of their own. It reports whether it is to be written.
func (c *converter) define(p *pattern, kind, written string, m *mapping) bool {
	key := kind + " " + strings.ToLower(written)
	text := write(m)
	for _, b := range c.bodies[key] {
		if b.text == text {
			p.refs[key] = b.ref
			return false
		}
	}
	ref := ""
	if len(c.bodies[key]) == 0 {
		ref = c.names.ref(kind, written)
	} else {
		ref = c.names.ref(kind, p.ref+"-"+written)
	}
	c.bodies[key] = append(c.bodies[key], body{ref, text})
	p.refs[key] = ref
	m.nodes = slices.Insert(m.nodes, 0, node{key: "ref", value: ref, always: true})
	return true
}

// refOf returns the ref here for one of the file: the pattern's own, or the first that has it.
func (c *converter) refOf(p *pattern, kind, written string) (string, bool) {
	key := kind + " " + strings.ToLower(strings.TrimSpace(written))
	if p != nil && p.refs[key] != "" {
		return p.refs[key], true
	}
	if list := c.bodies[key]; len(list) > 0 {
		return list[0].ref, true
	}
	return "", false
}

func (c *converter) libraryWeakness(p *pattern, e *xmltree.Element) {
	written := strings.TrimSpace(e.Attr("ref"))
	if written == "" || p.refs["weakness "+strings.ToLower(written)] != "" {
		return
	}
	text := prose(e.Child("desc").Text())
	m := (&mapping{}).must("title", weaknessTitle(e.Attr("name"), written, text)).add("description", text)
	if n := cweOf(written, e.Attr("name")); n > 0 {
		m.add("cwe", n)
	}
	m.add("test", c.testOf(e))
	if impact := strings.TrimSpace(e.Attr("impact")); impact != "" && impact != "100" {
		m.comment = append(m.comment, "impact "+impact+" in IriusRisk")
	}
	if c.define(p, "weakness", written, m) {
		p.weaknesses = append(p.weaknesses, m)
	}
}

func (c *converter) testOf(e *xmltree.Element) string {
	t := e.Child("test")
	if t == nil {
		return ""
	}
	return paragraphs(prose(t.Child("steps").Text()), prose(t.Child("notes").Text()), references(t))
}

func (c *converter) libraryCountermeasure(p *pattern, e *xmltree.Element) {
	written := strings.TrimSpace(e.Attr("ref"))
	if written == "" || p.refs["countermeasure "+strings.ToLower(written)] != "" {
		return
	}
	title := htmltext.Line(e.Attr("name"))
	if title == "" {
		title = written
	}
	m := (&mapping{}).must("title", title).add("description", description(e))
	var clauses []string
	for _, s := range e.All("standards", "standard") {
		if clause := c.clause(e, s); clause != "" {
			add(&clauses, clause)
		}
	}
	m.add("standards", clauses)
	if days, ok := costs[strings.ToLower(e.Attr("cost"))]; ok {
		m.add("cost", (&mapping{line: true}).must("amount", days).must("unit", "days"))
		c.costs = true
	}
	switch states[reading.Letters(e.Attr("state"))] {
	case model.Required:
		m.add("default", string(model.Required))
	case model.Implemented, model.Rejected, model.StateNotApplicable:
		m.comment = append(m.comment, "state "+e.Attr("state")+" in IriusRisk")
		c.note(imported.Kept, e, "countermeasure "+written, "the state %q is a product's, not a library's; it stands as a comment", e.Attr("state"))
	}
	m.add("test", c.testOf(e))
	if platform := htmltext.Line(e.Attr("platform")); platform != "" {
		m.comment = append(m.comment, "platform "+platform)
	}
	if c.define(p, "countermeasure", written, m) {
		p.countermeasures = append(p.countermeasures, m)
	}
}

// clause returns "standard:clause" and declares both, unless the base has them.
func (c *converter) clause(e, s *xmltree.Element) string {
	id, title, ok := clauseOf(s.Attr("ref"))
	written := s.Attr("supportedStandardRef")
	if !ok || written == "" {
		c.note(imported.Refused, s, "countermeasure "+e.Attr("ref"), "%q of %q is no clause", s.Attr("ref"), written)
		return ""
	}
	ref := standardRef(written)
	if c.opts.Base != nil {
		if known := c.opts.Base.Standard(ref); known != nil && known.Clause(id) != nil {
			return ref + ":" + id
		}
	}
	d := c.standards[ref]
	if d == nil {
		d = &standard{ref: ref, name: c.standardNames[written], clauses: map[string]string{}}
		if d.name == "" {
			d.name = written
		}
		for c.opts.Base != nil && c.opts.Base.Standard(d.ref) != nil { // the base's has other clauses and must not be replaced
			d.ref += "-" + c.ref
		}
		c.standards[ref] = d
	}
	if title == "" {
		title = htmltext.Line(s.Attr("name"))
	}
	if have, there := d.clauses[id]; !there || have == "" {
		d.clauses[id] = title
	}
	return d.ref + ":" + id
}

func (c *converter) writeStandards() {
	for _, key := range slices.Sorted(maps.Keys(c.standards)) {
		s := c.standards[key]
		var clauses []*mapping
		for _, id := range slices.Sorted(maps.Keys(s.clauses)) {
			title := s.clauses[id]
			if title == "" {
				title = "Clause " + id
			}
			clauses = append(clauses, (&mapping{line: true}).must("id", id).must("title", title))
		}
		m := (&mapping{}).must("standard", s.ref).must("name", s.name).must("clauses", clauses)
		m.nodes[0].comment = []string{"Only the clauses that countermeasures of this library name; declare the others before you look for gaps."}
		c.entries["standards/"+s.ref+".yaml"] = m
	}
}

func (c *converter) libraryThreat(p *pattern, u, e *xmltree.Element, seen map[string]int) {
	ref := model.Slug(e.Attr("ref"))
	for n := max(2, seen[ref]+1); seen[ref] > 0; n++ {
		seen[model.Slug(e.Attr("ref"))] = n
		ref = serial(model.Slug(e.Attr("ref")), n)
	}
	seen[ref] = max(1, seen[ref])
	t := &threat{useCase: u.Attr("ref"), id: e.Attr("ref"), ref: ref, title: htmltext.Line(e.Attr("name"))}
	if t.title == "" {
		t.title = ref
	}
	m := (&mapping{}).must("ref", ref).must("title", t.title).add("description", paragraphs(prose(e.Child("desc").Text()), references(e)))
	m.add("categories", categories(u, e))
	var numbers []string
	for _, n := range capecs(e) {
		numbers = append(numbers, fmt.Sprint(n))
	}
	if len(numbers) > 0 {
		m.add("capec", raw("["+strings.Join(numbers, ", ")+"]"))
	}
	rating := e.Child("riskRating")
	figure := func(name string) int { return c.percent(rating, name, "threat "+t.title) }
	m.must("impact", (&mapping{line: true}).must("confidentiality", figure("confidentiality")).must("integrity", figure("integrity")).must("availability", figure("availability")))
	m.must("ease", figure("easeOfExploitation"))
	if rating == nil {
		c.note(imported.Guess, e, "threat "+t.title, "the threat has no rating; 0 is written")
	}
	if name := htmltext.Line(u.Attr("name")); name != "" {
		m.comment = append(m.comment, "use case "+name)
	}
	m.must("weaknesses", c.threatWeaknesses(p, t, e))
	t.m = m
	p.threats = append(p.threats, t)
}

// raw is YAML as it is to be written.
type raw string

func (c *converter) percent(e *xmltree.Element, name, where string) int {
	r := reader{Builder: reading.New("", "", imported.Options{Name: c.opts.Name}), about: where}
	r.scrub.note = r.Note
	n := 0
	if e != nil {
		n, _ = r.percent(e, name, 0)
	}
	for _, note := range r.Out.Notes {
		c.out.AddAt(note.Level, note.At, where, "%s", note.Text)
	}
	return n
}

// threatWeaknesses returns a threat's links. Countermeasures that hang at the
// threat itself get a weakness that says so: here they serve weaknesses only.
func (c *converter) threatWeaknesses(p *pattern, t *threat, e *xmltree.Element) []*mapping {
	all := []*mapping{}
	through := map[string]bool{}
	at := map[string]bool{}
	direct := countermeasures(e)
	for _, w := range e.All("weaknesses", "weakness") {
		c.counts.WeaknessLinks++
		ref, ok := c.refOf(p, "weakness", w.Attr("ref"))
		switch {
		case !ok:
			c.note(imported.Refused, w, "threat "+t.title, "the weakness %q is not defined", w.Attr("ref"))
			continue
		case at[ref]:
			continue
		}
		at[ref] = true
		all = append(all, (&mapping{line: true}).must("ref", ref).add("countermeasures", c.shares(p, t, countermeasures(w), direct, through)))
	}
	var rest []*xmltree.Element
	for _, m := range direct {
		if ref, ok := c.refOf(p, "countermeasure", m.Attr("ref")); !ok || !through[ref] {
			rest = append(rest, m)
		}
	}
	if shares := c.shares(p, t, rest, nil, through); len(shares) > 0 {
		ref := c.names.ref("weakness", p.ref+"-"+t.ref+"-open")
		p.weaknesses = append(p.weaknesses, (&mapping{}).must("ref", ref).must("title", "Nothing stands against: "+t.title))
		all = append(all, (&mapping{line: true}).must("ref", ref).add("countermeasures", shares))
		c.note(imported.Guess, e, "threat "+t.title, "has countermeasures without a weakness; they serve one that is made up, %s", ref)
	}
	return all
}

func (c *converter) shares(p *pattern, t *threat, list, all []*xmltree.Element, through map[string]bool) []*mapping {
	var shares []*mapping
	seen := map[string]bool{}
	for _, m := range list {
		ref, ok := c.refOf(p, "countermeasure", m.Attr("ref"))
		if !ok {
			if c.opts.Base != nil && c.opts.Base.Countermeasure(model.Slug(m.Attr("ref"))) != nil {
				ref = model.Slug(m.Attr("ref"))
			} else {
				c.note(imported.Refused, m, "threat "+t.title, "the countermeasure %q is not defined", m.Attr("ref"))
				continue
			}
		}
		if seen[ref] {
			continue
		}
		seen[ref], through[ref] = true, true
		share := 100 / max(len(list), len(all), 1)
		if m.Attr("mitigation") != "" {
			share = c.percent(m, "mitigation", "threat "+t.title)
		}
		shares = append(shares, (&mapping{line: true}).must("ref", ref).must("share", share))
	}
	return shares
}

// split parts the pattern by what rules bring alone.
func (c *converter) split(p *pattern) {
	whole := part{ref: p.ref}
	cases := map[string]*part{}
	var order []string
	var single []part
	for _, t := range p.threats {
		switch {
		case p.alone[t.useCase+"/"+t.id]:
			ref := c.names.ref("pattern", p.ref+"-"+t.ref)
			single = append(single, part{ref: ref, useCase: t.useCase, threats: []*threat{t}})
		case p.alone[t.useCase]:
			if cases[t.useCase] == nil {
				cases[t.useCase] = &part{ref: c.names.ref("pattern", p.ref+"-"+t.useCase), useCase: t.useCase}
				order = append(order, t.useCase)
			}
			cases[t.useCase].threats = append(cases[t.useCase].threats, t)
		default:
			whole.threats = append(whole.threats, t)
		}
	}
	if len(whole.threats) > 0 || len(single)+len(order) == 0 {
		p.parts = append(p.parts, whole)
	}
	for _, u := range order {
		p.parts = append(p.parts, *cases[u])
	}
	p.parts = append(p.parts, single...)
}

func (c *converter) writePatterns() {
	for _, p := range c.patternList {
		if len(p.parts) > 1 || len(p.parts) == 1 && p.parts[0].ref != p.ref {
			c.note(imported.Info, nil, "pattern "+p.name, "rules bring single threats of it; it is parted into %s", reading.Plural(len(p.parts), "pattern", "patterns"))
		}
		for i, part := range p.parts {
			name, text := p.name, p.description
			if part.ref != p.ref {
				if name = p.name + ": " + part.useCase; len(part.threats) == 1 {
					name = p.name + ": " + part.threats[0].title
				}
				text = ""
			}
			m := (&mapping{}).must("pattern", part.ref).must("name", name).add("description", text)
			if i == 0 { // weaknesses and countermeasures are defined once and used by ref anywhere
				m.add("weaknesses", p.weaknesses).add("countermeasures", p.countermeasures)
			}
			threats := []*mapping{}
			for _, t := range part.threats {
				threats = append(threats, t.m)
			}
			m.must("threats", threats)
			c.entries["patterns/"+part.ref+".yaml"] = m
		}
	}
}

// refsOf returns the patterns that stand for the whole of a pattern.
func (p *pattern) refsOf() []string {
	var refs []string
	for _, part := range p.parts {
		refs = append(refs, part.ref)
	}
	return refs
}
