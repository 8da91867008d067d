package library

import (
	"slices"
	"strconv"

	"github.com/threatloop/threatloop/internal/model"
)

func (r *raw) readRules(d *document, body *node) {
	d.fields(body, "the file", map[string]func(*node){
		"rules": func(n *node) {
			sources := ruleSources(d, n)
			d.each(n, "rules", func(n *node) {
				r.readRule(d, n)
				r.current.source, sources = sources[0], sources[1:]
			})
		},
	})
}

func (r *raw) readRule(d *document, n *node) {
	r.entry(d, n, EntryRule, refForm, func(it *item) {
		rule := &Rule{Layer: d.layer}
		var target, end string
		var does []string
		doing := func(what string, read func(*node)) func(*node) {
			return func(n *node) {
				does = append(does, what)
				read(n)
			}
		}
		rule.Position = d.fields(n, "rule", map[string]func(*node){
			"rule":  d.pattern(&rule.Ref, "rule", refForm),
			"title": d.text(&rule.Title, "title"),
			"for":   d.oneOf(&target, "for", string(ForProduct), string(ForComponent), string(ForFlow)),
			"kinds": func(n *node) {
				d.each(n, "kinds", func(n *node) {
					var s string
					d.oneOf(&s, "kinds", "actor", "process", "store")(n)
					rule.Kinds = append(rule.Kinds, model.Kind(s))
				})
				slices.Sort(rule.Kinds)
			},
			"types":     r.refs(d, &rule.Types, "type", "types"),
			"when":      d.expr(&rule.When, "when", false),
			"at":        d.oneOf(&end, "at", string(AtSource), string(AtDest), string(AtConnection)),
			"apply":     doing("apply", r.refs(d, &rule.Apply, "pattern", "apply")),
			"require":   doing("require", r.refs(d, &rule.Require, "countermeasure", "require")),
			"recommend": doing("recommend", r.refs(d, &rule.Recommend, "countermeasure", "recommend")),
			"ask":       doing("ask", r.refs(d, &rule.Ask, "question", "ask")),
			"conclude": doing("conclude", func(n *node) {
				list, _ := d.entries(n, "conclude")
				for _, e := range list {
					c := Conclusion{Fact: e.key, At: e.at}
					if !wordForm.MatchString(e.key) || slices.Contains(reservedWord, e.key) {
						d.add(e.at, "conclude: %q is not of the form %s", e.key, wordForm)
						continue
					}
					if d.expr(&c.Value, e.key, true)(e.value); c.Value != nil {
						rule.Conclude = append(rule.Conclude, c)
					}
				}
			}),
			"set":    doing("set", func(n *node) { rule.Set = readValues(d, n, "set") }),
			"raise":  doing("raise", func(n *node) { rule.Raise = readValues(d, n, "raise") }),
			"reason": d.text(&rule.Reason, "reason"),
			"tests": func(n *node) {
				d.each(n, "tests", func(n *node) { rule.Tests = append(rule.Tests, r.readTest(d, n)) })
			},
		}, "rule", "title", "for", "reason", "tests")
		rule.For, rule.At = Target(target), End(end)
		for _, list := range [][]string{rule.Types, rule.Apply, rule.Require, rule.Recommend, rule.Ask} {
			slices.Sort(list)
		}
		slices.SortFunc(rule.Conclude, func(a, b Conclusion) int { return compareText(a.Fact, b.Fact) })
		what := "rule " + strconv.Quote(rule.Ref)
		switch {
		case len(does) == 0:
			d.add(rule.Position, "%s does nothing: it has none of apply, require, recommend, conclude, ask, set, raise", what)
		case rule.For != ForComponent && (rule.Kinds != nil || rule.Types != nil):
			d.add(rule.Position, "%s: kinds and types are for rules for component; here the condition can say flow.source.type", what)
		case rule.For != ForFlow && rule.At != AtTarget:
			d.add(rule.Position, "%s: at is for rules for flow", what)
		case rule.For != ForProduct && (rule.Set != nil || rule.Raise != nil):
			d.add(rule.Position, "%s: set and raise are for rules for product", what)
		}
		it.ref, it.at, it.add = rule.Ref, rule.Position, func(l *Library) { l.Rules = append(l.Rules, rule) }
	})
}

func readValues(d *document, n *node, what string) *Values {
	v := &Values{}
	d.fields(n, what, map[string]func(*node){
		"exposure": d.expr(&v.Exposure, "exposure", true),
		"value": func(n *node) {
			d.fields(n, "value", map[string]func(*node){
				"confidentiality": d.expr(&v.Confidentiality, "confidentiality", true),
				"integrity":       d.expr(&v.Integrity, "integrity", true),
				"availability":    d.expr(&v.Availability, "availability", true),
			})
		},
	})
	return v
}

func (r *raw) readTest(d *document, n *node) Test {
	t := Test{Model: &model.Model{Product: model.Product{ID: "test", Name: "test"}}}
	t.At = d.fields(n, "test", map[string]func(*node){
		"name":  d.text(&t.Name, "name"),
		"model": func(n *node) { r.readModel(d, t.Model, n) },
		"fires": func(n *node) {
			d.each(n, "fires", func(n *node) {
				if s, ok := d.word(n, "fires"); ok {
					t.Fires = append(t.Fires, model.ElementID(s))
				}
			})
		},
	}, "name", "model", "fires")
	slices.Sort(t.Fires)
	return t
}

func (r *raw) readModel(d *document, m *model.Model, n *node) {
	each := func(what string, read func(*node)) func(*node) {
		return func(n *node) { d.each(n, what, read) }
	}
	d.fields(n, "model", map[string]func(*node){
		"product":    func(n *node) { r.readProduct(d, &m.Product, n) },
		"answers":    func(n *node) { r.readAnswers(d, m, n) },
		"assets":     each("assets", func(n *node) { r.readAsset(d, m, n) }),
		"zones":      each("zones", func(n *node) { r.readZone(d, m, n) }),
		"components": each("components", func(n *node) { r.readComponent(d, m, n) }),
		"flows":      each("flows", func(n *node) { r.readFlow(d, m, n) }),
	})
	if err := model.Validate(m); err != nil {
		d.add(d.at(n), "%s", err)
	}
}

func (r *raw) readProduct(d *document, p *model.Product, n *node) {
	d.fields(n, "product", map[string]func(*node){
		"name":     d.text(&p.Name, "name"),
		"tags":     r.refs(d, &p.Tags, "tag", "tags"),
		"value":    func(n *node) { p.Value = &model.CIA{}; d.cia(p.Value, "value")(n) },
		"exposure": func(n *node) { p.Exposure = new(int); d.integer(p.Exposure, "exposure", 0, 100)(n) },
		"custom": func(n *node) {
			p.Custom = map[string]string{}
			list, _ := d.entries(n, "custom")
			for _, e := range list {
				if s, ok := d.word(e.value, e.key); ok {
					p.Custom[e.key] = s
				}
			}
		},
	})
}

func (r *raw) readAnswers(d *document, m *model.Model, n *node) {
	list, _ := d.entries(n, "answers")
	for _, e := range list {
		a := model.Answer{Question: e.key}
		r.use("question", e.at, e.key, "answers")
		a.Values = d.answer(e.value, e.key)
		for _, v := range a.Values {
			r.use("answer", d.at(e.value), e.key+"="+v, "")
		}
		m.Answers = append(m.Answers, a)
	}
}

// answer reads the values of an answer as the model keeps them: texts, yes_no as "yes" and "no".
func (d *document) answer(n *node, what string) []string {
	var values []string
	read := func(n *node) {
		switch n.form {
		case boolForm:
			values = append(values, map[bool]string{true: "yes", false: "no"}[n.yes])
		case integerForm:
			values = append(values, n.text)
		default:
			if s, ok := d.word(n, what); ok {
				values = append(values, s)
			}
		}
	}
	if n.form == listForm {
		d.each(n, what, read)
	} else {
		read(n)
	}
	return values
}

func (d *document) id(to *string) func(*node) { return d.text(to, "id") }

func (r *raw) readAsset(d *document, m *model.Model, n *node) {
	var a model.Asset
	d.fields(n, "asset", map[string]func(*node){
		"id": d.id((*string)(&a.ID)), "name": d.text(&a.Name, "name"), "value": d.cia(&a.Value, "value"),
	}, "id")
	m.Assets = append(m.Assets, a)
}

func (r *raw) readZone(d *document, m *model.Model, n *node) {
	var z model.Zone
	d.fields(n, "zone", map[string]func(*node){
		"id": d.id((*string)(&z.ID)), "name": d.text(&z.Name, "name"), "trust": d.integer(&z.Trust, "trust", 0, 100),
		"parent": d.text((*string)(&z.Parent), "parent"),
	}, "id", "trust")
	m.Zones = append(m.Zones, z)
}

func assets(d *document, to *[]model.AssetID, what string) func(*node) {
	return func(n *node) {
		var names []string
		d.texts(&names, what)(n)
		for _, name := range names {
			*to = append(*to, model.AssetID(name))
		}
	}
}

func (r *raw) readComponent(d *document, m *model.Model, n *node) {
	c := model.Component{Attributes: map[string]string{}}
	kind := ""
	d.fields(n, "component", map[string]func(*node){
		"id": d.id((*string)(&c.ID)), "name": d.text(&c.Name, "name"),
		"kind": d.oneOf(&kind, "kind", "actor", "process", "store"),
		"type": func(n *node) {
			if d.text(&c.Type, "type")(n); c.Type != "" {
				r.use("type", d.at(n), c.Type, "type")
			}
		},
		"zone":         d.text((*string)(&c.Zone), "zone"),
		"trust":        func(n *node) { c.Trust = new(int); d.integer(c.Trust, "trust", 0, 100)(n) },
		"tags":         r.refs(d, &c.Tags, "tag", "tags"),
		"attributes":   r.elementAttributes(d, c.Attributes, func() string { return "" }),
		"stores":       assets(d, &c.Stores, "stores"),
		"processes":    assets(d, &c.Processes, "processes"),
		"out_of_scope": d.yes(&c.OutOfScope, "out_of_scope"),
	}, "id")
	c.Kind = model.Kind(kind)
	if c.Kind == "" {
		c.Kind = model.Process
		if c.Type != "" {
			r.current.kindless = append(r.current.kindless, kindless{m, len(m.Components)})
		}
	}
	m.Components = append(m.Components, c)
}

func (r *raw) readFlow(d *document, m *model.Model, n *node) {
	f := model.Flow{Attributes: map[string]string{}}
	d.fields(n, "flow", map[string]func(*node){
		"id": d.id((*string)(&f.ID)), "name": d.text(&f.Name, "name"), "protocol": d.text(&f.Protocol, "protocol"),
		"from": d.text((*string)(&f.From), "from"), "to": d.text((*string)(&f.To), "to"),
		"tags":       r.refs(d, &f.Tags, "tag", "tags"),
		"attributes": r.elementAttributes(d, f.Attributes, func() string { return "flow" }),
		"carries":    assets(d, &f.Carries, "carries"),
		"crosses": func(n *node) {
			var names []string
			d.texts(&names, "crosses")(n)
			for _, name := range names {
				f.Crosses = append(f.Crosses, model.ElementID(name))
			}
		},
		"bidirectional": d.yes(&f.Bidirectional, "bidirectional"),
		"out_of_scope":  d.yes(&f.OutOfScope, "out_of_scope"),
	}, "id")
	m.Flows = append(m.Flows, f)
}
