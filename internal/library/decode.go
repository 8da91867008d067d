package library

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

var (
	refForm      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	optionForm   = regexp.MustCompile(`^[a-z0-9]+([-_][a-z0-9]+)*$`)
	wordForm     = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	unitForm     = regexp.MustCompile(`^(days|[A-Z]{3})$`)
	reservedWord = []string{"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while"}
)

// use is a ref where it is written, to be resolved when everything is read.
type use struct {
	at   Position
	ref  string
	what string
}

// raw is everything that the files say, before it is checked.
type raw struct {
	*Library
	layer   string // that is read
	base    bool
	head    []Position // of the layer
	items   []*item    // of all layers, in their order
	current *item
	listed  []listed         // by the contents of the layers
	lists   []listed         // which kinds a layer's contents list, without ref
	uses    map[string][]use // of what stands, by kind of what is named: pattern, type, weakness, ...
	// kindless are components of tests that take over the kind of their type.
	kindless []kindless
}

type kindless struct {
	model *model.Model
	index int
}

func (r *raw) use(kind string, at Position, ref, what string) {
	r.current.uses = append(r.current.uses, namedUse{kind, use{at, ref, what}})
}

// file reads one file by the key that says what it is.
func (r *raw) file(d *document, body *node) {
	list, ok := d.entries(body, "the file")
	if !ok {
		return
	}
	readers := map[string]func(*document, *node){
		"ref": r.readHead, "rules": r.readRules, "contents": r.readContents,
		EntryType: r.readType, EntryPattern: r.readPattern, EntryQuestionnaire: r.readQuestionnaire, EntryStandard: r.readStandard,
	}
	if !r.base {
		readers["vocabulary"], readers["version"] = r.readHead, r.readHead
	}
	// A head has keys of others, so it is asked last.
	for _, head := range []bool{false, true} {
		for _, e := range list {
			if read := readers[e.key]; read != nil && head == slices.Contains([]string{"ref", "vocabulary", "version"}, e.key) {
				read(d, body)
				return
			}
		}
	}
	d.add(d.at(body), "the file has none of the keys %s: it is no part of a library", strings.Join(keysOf(readers), ", "))
}

func (d *document) pattern(to *string, what string, form *regexp.Regexp) func(*node) {
	return func(n *node) {
		s, ok := d.word(n, what)
		if !ok {
			return
		}
		if !form.MatchString(s) || form == wordForm && slices.Contains(reservedWord, s) {
			d.add(d.at(n), "%s: %q is not of the form %s", what, s, form)
			return
		}
		*to = s
	}
}

func (d *document) oneOf(to *string, what string, allowed ...string) func(*node) {
	return func(n *node) {
		s, ok := d.word(n, what)
		if !ok {
			return
		}
		if !slices.Contains(allowed, s) {
			d.add(d.at(n), "%s: %q is not one of %s%s", what, s, strings.Join(allowed, ", "), nearest(s, slices.Clone(allowed)))
			return
		}
		*to = s
	}
}

// refs reads a list of names that must exist in the library.
func (r *raw) refs(d *document, to *[]string, kind, what string) func(*node) {
	return func(n *node) {
		d.each(n, what, func(n *node) {
			s, ok := d.word(n, what)
			if !ok {
				return
			}
			if slices.Contains(*to, s) {
				d.add(d.at(n), "%s: %q is named twice", what, s)
				return
			}
			*to = append(*to, s)
			r.use(kind, d.at(n), s, what)
		})
	}
}

func (d *document) cia(to *model.CIA, what string) func(*node) {
	return func(n *node) {
		d.fields(n, what, map[string]func(*node){
			"confidentiality": d.integer(&to.Confidentiality, "confidentiality", 0, 100),
			"integrity":       d.integer(&to.Integrity, "integrity", 0, 100),
			"availability":    d.integer(&to.Availability, "availability", 0, 100),
		})
	}
}

// expr reads CEL text; with plain, a number or true and false stand for themselves.
func (d *document) expr(to **Expr, what string, plain bool) func(*node) {
	return func(n *node) {
		switch n.form {
		case boolForm:
			if plain {
				*to = &Expr{Source: strconv.FormatBool(n.yes), At: d.at(n), constant: n.yes}
				return
			}
		case integerForm:
			if text := n.text; plain {
				if i, err := strconv.ParseInt(text, 10, 64); err == nil {
					*to = &Expr{Source: text, At: d.at(n), constant: i}
				} else if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) {
					*to = &Expr{Source: text, At: d.at(n), constant: f}
				} else {
					d.add(d.at(n), "%s: %q is no number", what, text)
				}
				return
			}
		}
		s, ok := d.word(n, what)
		if !ok {
			return
		}
		if strings.TrimSpace(s) == "" {
			d.add(d.at(n), "%s: expected CEL, found nothing", what)
			return
		}
		*to = &Expr{Source: s, At: d.at(n), locate: d.locator(n, s)}
	}
}

// locator maps a line (from 1) and column (from 0) of a scalar's value to the
// file. Folding and quoting change white space and quotes only, so walking the value
// and the file side by side finds each character again.
func (d *document) locator(n *node, value string) func(line, column int) Position {
	start := d.at(n)
	if n.form == blockForm {
		start.Line, start.Column = start.Line+1, 1
	}
	return func(line, column int) Position {
		offset := 0
		runes := []rune(value)
		for ; line > 1 && offset < len(runes); offset++ {
			if runes[offset] == '\n' {
				line--
			}
		}
		offset = min(offset+column, len(runes))
		at := start
		var text []rune
		known := 0 // the line that text holds
		next := func() rune {
			if at.Line > len(d.lines) {
				return 0
			}
			if known != at.Line {
				known, text = at.Line, []rune(strings.TrimSuffix(d.lines[at.Line-1], "\r"))
			}
			if at.Column > len(text) {
				return '\n'
			}
			return text[at.Column-1]
		}
		advance := func() {
			if next() == '\n' {
				at.Line, at.Column = at.Line+1, 1
			} else {
				at.Column++
			}
		}
		blank := func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' }
		for i, r := range runes {
			if !blank(r) {
				for c := next(); c != 0 && c != r; c = next() {
					advance()
				}
			}
			if i == offset {
				return at
			}
			if !blank(r) {
				advance()
			} else if blank(next()) {
				for blank(next()) {
					advance()
				}
			}
		}
		return at
	}
}

// readHead reads what names the library, and its words; one of a later layer may say a part of it.
func (r *raw) readHead(d *document, body *node) {
	h := Library{Tags: map[string]string{}, Categories: map[string]string{}}
	it := &item{at: d.at(body)}
	r.items, r.current = append(r.items, it), it
	meanings := func(to map[string]string, what string) func(*node) {
		return func(n *node) {
			list, _ := d.entries(n, what)
			for _, e := range list {
				var text string
				d.text(&text, e.key)(e.value)
				to[e.key] = text
			}
		}
	}
	required := []string{"ref", "name", "version"}
	if !r.base {
		required = nil
	}
	at := d.fields(body, "library", map[string]func(*node){
		"ref":         d.pattern(&h.Ref, "ref", refForm),
		"name":        d.text(&h.Name, "name"),
		"version":     d.text(&h.Version, "version"),
		"description": d.text(&h.Description, "description"),
		"offer":       r.refs(d, &h.Offer, "questionnaire", "offer"),
		"vocabulary": func(n *node) {
			d.fields(n, "vocabulary", map[string]func(*node){
				"tags":       meanings(h.Tags, "tags"),
				"categories": meanings(h.Categories, "categories"),
				"attributes": func(n *node) { h.Attributes = readAttributes(d, n) },
			})
		},
	}, required...)
	r.head = append(r.head, at)
	it.add = func(l *Library) {
		l.Ref, l.Name = cmp.Or(h.Ref, l.Ref), cmp.Or(h.Name, l.Name)
		l.Version, l.Description = cmp.Or(h.Version, l.Version), cmp.Or(h.Description, l.Description)
		if len(h.Offer) > 0 {
			l.Offer = h.Offer
		}
		maps.Copy(l.Tags, h.Tags)
		maps.Copy(l.Categories, h.Categories)
		for _, a := range h.Attributes {
			l.Attributes = slices.DeleteFunc(l.Attributes, func(b Attribute) bool { return a.Name == b.Name })
			l.Attributes = append(l.Attributes, a)
		}
	}
}

func readAttributes(d *document, n *node) []Attribute {
	var all []Attribute
	list, _ := d.entries(n, "attributes")
	for _, e := range list {
		a := Attribute{Name: e.key, At: e.at}
		if !wordForm.MatchString(e.key) {
			d.add(e.at, "attribute: %q is not of the form %s", e.key, wordForm)
		}
		d.fields(e.value, "attribute", map[string]func(*node){
			"values": d.texts(&a.Values, "values"),
			"text":   d.text(&a.Text, "text"),
			"for": func(n *node) {
				d.each(n, "for", func(n *node) {
					var s string
					d.oneOf(&s, "for", "actor", "process", "store", "flow")(n)
					a.For = append(a.For, s)
				})
			},
		}, "for", "text")
		all = append(all, a)
	}
	return all
}

func (r *raw) readType(d *document, body *node) {
	r.entry(d, body, EntryType, refForm, func(it *item) {
		t := Type{Attributes: map[string]string{}, Layer: d.layer}
		kind := ""
		t.At = d.fields(body, "component type", map[string]func(*node){
			"type":        d.pattern(&t.Ref, "type", refForm),
			"name":        d.text(&t.Name, "name"),
			"kind":        d.oneOf(&kind, "kind", "actor", "process", "store"),
			"description": d.text(&t.Description, "description"),
			"patterns":    r.refs(d, &t.Patterns, "pattern", "patterns"),
			"aliases":     d.texts(&t.Aliases, "aliases"),
			"attributes":  r.elementAttributes(d, t.Attributes, func() string { return kind }),
		}, "type", "name", "kind")
		t.Kind = model.Kind(kind)
		it.ref, it.at, it.add = t.Ref, t.At, func(l *Library) { l.Types = append(l.Types, t) }
	})
}

// elementAttributes reads an element's attributes; kind is known when everything is read.
func (r *raw) elementAttributes(d *document, to map[string]string, kind func() string) func(*node) {
	return func(n *node) {
		list, _ := d.entries(n, "attributes")
		for _, e := range list {
			if s, ok := d.word(e.value, e.key); ok {
				to[e.key] = s
				r.use("attribute", e.at, e.key, "attributes")
				r.use("value", d.at(e.value), e.key+"="+s, kind())
			}
		}
	}
}

func (r *raw) readPattern(d *document, body *node) {
	r.entry(d, body, EntryPattern, refForm, func(it *item) {
		p := Pattern{Layer: d.layer}
		p.At = d.fields(body, "pattern", map[string]func(*node){
			"pattern":     d.pattern(&p.Ref, "pattern", refForm),
			"name":        d.text(&p.Name, "name"),
			"description": d.text(&p.Description, "description"),
			"weaknesses": func(n *node) {
				d.each(n, "weaknesses", func(n *node) { p.Weaknesses = append(p.Weaknesses, r.readWeakness(d, n)) })
			},
			"countermeasures": func(n *node) {
				d.each(n, "countermeasures", func(n *node) { p.Countermeasures = append(p.Countermeasures, r.readCountermeasure(d, n)) })
			},
			"threats": func(n *node) {
				d.each(n, "threats", func(n *node) { p.Threats = append(p.Threats, r.readThreat(d, n)) })
			},
		}, "pattern", "name", "threats")
		it.ref, it.at, it.add = p.Ref, p.At, func(l *Library) { l.Patterns = append(l.Patterns, p) }
	})
}

func (r *raw) readWeakness(d *document, n *node) Weakness {
	var w Weakness
	w.At = d.fields(n, "weakness", map[string]func(*node){
		"ref":         d.pattern(&w.Ref, "ref", refForm),
		"stands_for":  r.standsFor(d, "weakness", &w.StandsFor),
		"title":       d.text(&w.Title, "title"),
		"description": d.text(&w.Description, "description"),
		"cwe":         d.integer(&w.CWE, "cwe", 1, 99999),
		"test":        d.text(&w.Test, "test"),
	}, "ref", "title")
	return w
}

// standsFor reads the ref of another weakness or countermeasure whose part one plays.
func (r *raw) standsFor(d *document, kind string, to *string) func(*node) {
	return func(n *node) {
		if d.pattern(to, "stands_for", refForm)(n); *to != "" {
			r.use(kind, d.at(n), *to, "stands_for")
		}
	}
}

func (r *raw) readCountermeasure(d *document, n *node) Countermeasure {
	var c Countermeasure
	state := string(model.Recommended)
	c.At = d.fields(n, "countermeasure", map[string]func(*node){
		"ref":         d.pattern(&c.Ref, "ref", refForm),
		"stands_for":  r.standsFor(d, "countermeasure", &c.StandsFor),
		"title":       d.text(&c.Title, "title"),
		"description": d.text(&c.Description, "description"),
		"standards": func(n *node) {
			d.each(n, "standards", func(n *node) {
				if standard, id, ok := r.clause(d, n, "standards"); ok {
					c.Standards = append(c.Standards, model.Clause{Standard: standard, Clause: id})
				}
			})
		},
		"cost": func(n *node) {
			c.Cost = &model.Cost{}
			d.fields(n, "cost", map[string]func(*node){
				"amount": d.number(&c.Cost.Amount, "amount", 0, 1e9),
				"unit":   d.pattern(&c.Cost.Unit, "unit", unitForm),
			}, "amount", "unit")
		},
		"default": d.oneOf(&state, "default", string(model.Recommended), string(model.Required)),
		"test":    d.text(&c.Test, "test"),
	}, "ref", "title")
	c.Default = model.State(state)
	return c
}

func (r *raw) readThreat(d *document, n *node) Threat {
	var t Threat
	t.At = d.fields(n, "threat", map[string]func(*node){
		"ref":         d.pattern(&t.Ref, "ref", refForm),
		"title":       d.text(&t.Title, "title"),
		"description": d.text(&t.Description, "description"),
		"categories":  r.refs(d, &t.Categories, "category", "categories"),
		"capec": func(n *node) {
			d.each(n, "capec", func(n *node) {
				id := 0
				d.integer(&id, "capec", 1, 9999)(n)
				t.CAPEC = append(t.CAPEC, id)
			})
		},
		"impact":  d.cia(&t.Impact, "impact"),
		"ease":    d.integer(&t.Ease, "ease", 0, 100),
		"because": d.text(&t.Because, "because"),
		"weaknesses": func(n *node) {
			seen := map[string]bool{}
			d.each(n, "weaknesses", func(n *node) {
				w := r.readThreatWeakness(d, n)
				if seen[w.Ref] {
					d.add(d.at(n), "weakness %q is in this threat twice", w.Ref)
				}
				seen[w.Ref] = true
				t.Weaknesses = append(t.Weaknesses, w)
			})
		},
	}, "ref", "title", "impact", "ease", "weaknesses")
	return t
}

func (r *raw) readThreatWeakness(d *document, n *node) ThreatWeakness {
	var w ThreatWeakness
	named := func(to *string, kind string) func(*node) {
		return func(n *node) {
			if s, ok := d.word(n, "ref"); ok {
				*to = s
				r.use(kind, d.at(n), s, "ref")
			}
		}
	}
	seen := map[string]bool{}
	d.fields(n, "weakness of the threat", map[string]func(*node){
		"ref": named(&w.Ref, "weakness"),
		"countermeasures": func(n *node) {
			d.each(n, "countermeasures", func(n *node) {
				var s Share
				d.fields(n, "countermeasure of the weakness", map[string]func(*node){
					"ref":   named(&s.Ref, "countermeasure"),
					"share": d.number(&s.Share, "share", 0, 100),
				}, "ref", "share")
				if seen[s.Ref] {
					d.add(d.at(n), "countermeasure %q is in this weakness twice", s.Ref)
				}
				seen[s.Ref] = true
				w.Countermeasures = append(w.Countermeasures, s)
			})
		},
	}, "ref")
	return w
}
