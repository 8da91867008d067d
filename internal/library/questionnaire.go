package library

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
)

// QuestionKind is the form of a question's answer.
type QuestionKind string

// The kinds of questions.
const (
	Choice  QuestionKind = "choice"
	Choices QuestionKind = "choices"
	YesNo   QuestionKind = "yes_no"
	Text    QuestionKind = "text"
	Number  QuestionKind = "number"
)

// Questionnaire describes a product without drawing, or the components of some types.
type Questionnaire struct {
	Ref         string   `json:"questionnaire"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Include     []string `json:"include,omitempty"` // questionnaires whose groups come first
	Types       []string `json:"types,omitempty"`   // of a component questionnaire: whose components it describes
	Groups      []Group  `json:"groups"`            // those of the included ones first
	At          Position `json:"-"`
	Layer       string   `json:"-"`
	included    int      // how many of the groups are those of others
}

// Group is a page of a questionnaire.
type Group struct {
	Ref       string     `json:"group"`
	Title     string     `json:"title"`
	Questions []Question `json:"questions"`
}

// Question is one question. Default is what a page offers; it is no answer.
type Question struct {
	Ref string `json:"question"` // of a component question the attribute
	// Attribute is what a component question asks for: the answer is the component's attribute.
	Attribute string       `json:"attribute,omitempty"`
	Title     string       `json:"title"`
	Help      string       `json:"help,omitempty"`
	Kind      QuestionKind `json:"kind"`
	Options   []Option     `json:"options,omitempty"`
	When      *Expr        `json:"when,omitempty"`  // shown, and its answer read, only where it holds; nil is always
	Asked     bool         `json:"asked,omitempty"` // shown only where a rule asks it
	Default   []string     `json:"default,omitempty"`
	At        Position     `json:"-"`
	level     int
}

// Option is one answer to choose.
type Option struct {
	Ref   string `json:"ref"`
	Title string `json:"title"`
}

// Questionnaire returns the questionnaire with the ref, or nil.
func (l *Library) Questionnaire(ref string) *Questionnaire {
	for i := range l.Questionnaires {
		if l.Questionnaires[i].Ref == ref {
			return &l.Questionnaires[i]
		}
	}
	return nil
}

func (r *raw) readQuestionnaire(d *document, body *node) {
	r.entry(d, body, EntryQuestionnaire, refForm, func(it *item) {
		q := Questionnaire{Layer: d.layer}
		required := []string{"questionnaire", "name", "groups"}
		if _, includes := keyAt(d, body, "include"); includes {
			required = required[:2]
		}
		q.At = d.fields(body, "questionnaire", map[string]func(*node){
			"questionnaire": d.pattern(&q.Ref, "questionnaire", refForm),
			"name":          d.text(&q.Name, "name"),
			"description":   d.text(&q.Description, "description"),
			"include":       r.refs(d, &q.Include, "questionnaire", "include"),
			"types":         r.refs(d, &q.Types, "type", "types"),
			"groups": func(n *node) {
				d.each(n, "groups", func(n *node) { q.Groups = append(q.Groups, r.readGroup(d, n)) })
			},
		}, required...)
		slices.Sort(q.Types)
		it.ref, it.at, it.add = q.Ref, q.At, func(l *Library) { l.Questionnaires = append(l.Questionnaires, q) }
	})
}

func (r *raw) readGroup(d *document, n *node) Group {
	var g Group
	d.fields(n, "group", map[string]func(*node){
		"group": d.pattern(&g.Ref, "group", refForm),
		"title": d.text(&g.Title, "title"),
		"questions": func(n *node) {
			d.each(n, "questions", func(n *node) {
				read := readQuestion
				if _, component := keyAt(d, n, "attribute"); component {
					read = r.readComponentQuestion
				}
				g.Questions = append(g.Questions, read(d, n))
			})
		},
	}, "group", "title", "questions")
	return g
}

func (q *Question) readOptions(d *document) func(*node) {
	return func(n *node) {
		d.each(n, "options", func(n *node) {
			var o Option
			d.fields(n, "option", map[string]func(*node){
				"ref": d.pattern(&o.Ref, "ref", optionForm), "title": d.text(&o.Title, "title"),
			}, "ref", "title")
			if slices.ContainsFunc(q.Options, func(p Option) bool { return p.Ref == o.Ref }) {
				d.add(d.at(n), "option %q is there twice", o.Ref)
			}
			q.Options = append(q.Options, o)
		})
	}
}

func readQuestion(d *document, n *node) Question {
	var q Question
	kind := ""
	q.At = d.fields(n, "question", map[string]func(*node){
		"question": d.pattern(&q.Ref, "question", wordForm),
		"title":    d.text(&q.Title, "title"),
		"help":     d.text(&q.Help, "help"),
		"kind":     d.oneOf(&kind, "kind", string(Choice), string(Choices), string(YesNo), string(Text), string(Number)),
		"options":  q.readOptions(d),
		"when":     d.expr(&q.When, "when", false),
		"asked":    d.yes(&q.Asked, "asked"),
		"default": func(n *node) {
			q.Default = d.answer(n, "default")
		},
	}, "question", "title", "kind")
	q.Kind = QuestionKind(kind)
	if choice := q.Kind == Choice || q.Kind == Choices; choice != (len(q.Options) > 0) && kind != "" {
		d.add(q.At, "question %q: options are for choice and choices, and these need some", q.Ref)
	}
	for _, v := range q.Default {
		if text := q.refuses(v); text != "" {
			d.add(q.At, "question %q: the default %s", q.Ref, text)
		}
	}
	return q
}

// readComponentQuestion reads a question whose answer is an attribute; kind and
// options come from the attribute, once that is known.
func (r *raw) readComponentQuestion(d *document, n *node) Question {
	var q Question
	q.At = d.fields(n, "question", map[string]func(*node){
		"attribute": d.pattern(&q.Attribute, "attribute", wordForm),
		"title":     d.text(&q.Title, "title"),
		"help":      d.text(&q.Help, "help"),
		"options":   q.readOptions(d),
		"when":      d.expr(&q.When, "when", false),
	}, "attribute", "title")
	if q.Ref = q.Attribute; q.Ref != "" {
		r.use("attribute", q.At, q.Ref, "attribute")
	}
	return q
}

func (l *Library) questionnaireRefs() []string {
	refs := make([]string, len(l.Questionnaires))
	for i, q := range l.Questionnaires {
		refs[i] = q.Ref
	}
	return refs
}

// own goes over the questions that the questionnaire itself asks.
func (q *Questionnaire) own() iter.Seq[*Question] {
	return func(yield func(*Question) bool) {
		for g := q.included; g < len(q.Groups); g++ {
			for i := range q.Groups[g].Questions {
				if !yield(&q.Groups[g].Questions[i]) {
					return
				}
			}
		}
	}
}

// parts returns the questionnaires whose groups it has, each once and those that
// are included first; the circle names what includes itself.
func (l *Library) parts(q *Questionnaire) (all []*Questionnaire, circle []string) {
	var path []string
	var visit func(q *Questionnaire)
	visit = func(q *Questionnaire) {
		if i := slices.Index(path, q.Ref); i >= 0 {
			circle = append(slices.Clone(path[i:]), q.Ref)
			return
		}
		path = append(path, q.Ref)
		for _, ref := range q.Include {
			if other := l.Questionnaire(ref); other != nil && !slices.Contains(all, other) {
				visit(other)
			}
		}
		path = path[:len(path)-1]
		all = append(all, q)
	}
	visit(q)
	return all, circle
}

// resolveQuestionnaires checks what questionnaires are made of, and gives the
// component questions kind and options of their attributes.
func (r *raw) resolveQuestionnaires(p *problems) {
	byType := map[string]*Questionnaire{}
	for i := range r.Questionnaires {
		q := &r.Questionnaires[i]
		for one := range q.own() {
			if one.Attribute != "" {
				one.take(r.attributes[one.Attribute], p)
			}
		}
		for _, ref := range q.Types {
			if first := byType[ref]; first != nil {
				p.add(q.At, "component type %q has a questionnaire already, %q at %s", ref, first.Ref, first.At)
			}
			byType[ref] = q
		}
		parts, circle := r.parts(q)
		if circle != nil {
			p.add(q.At, "questionnaires include each other: %s", strings.Join(circle, " -> "))
			continue
		}
		r.together(q, parts, p)
	}
}

// together checks what the groups of a questionnaire must have in common.
func (r *raw) together(q *Questionnaire, parts []*Questionnaire, p *problems) {
	groups := map[string]*Questionnaire{}
	asked := map[string]*Question{}
	component, product := len(q.Types) > 0, false
	for _, part := range parts {
		for _, g := range part.Groups {
			if other := groups[g.Ref]; other != nil && g.Ref != "" {
				p.add(q.At, "group %q is there twice, in questionnaires %q and %q", g.Ref, other.Ref, part.Ref)
			}
			groups[g.Ref] = part
		}
		for one := range part.own() {
			if one.Attribute == "" {
				product = true
				continue
			}
			component = true
			if other := asked[one.Attribute]; other != nil {
				p.add(one.At, "attribute %q is asked for twice, first at %s", one.Attribute, other.At)
			}
			asked[one.Attribute] = one
			a := r.attributes[one.Attribute]
			for _, ref := range q.Types {
				if t := r.types[ref]; t != nil && a != nil && !slices.Contains(a.For, string(t.Kind)) {
					p.add(one.At, "attribute %q is for %s, not for a %s such as the component type %q", a.Name, strings.Join(a.For, ", "), t.Kind, t.Ref)
				}
			}
		}
	}
	if component && product {
		p.add(q.At, "questionnaire %q asks of the product and of components; a component questionnaire has attributes only", q.Ref)
	}
}

// take gives a component question the form of its attribute; nil is an unknown one.
func (q *Question) take(a *Attribute, p *problems) {
	if a == nil {
		return
	}
	titled := q.Options
	values := slices.Sorted(slices.Values(a.Values))
	switch {
	case len(values) == 0 && len(titled) > 0:
		p.add(q.At, "attribute %q is free text and has no options", a.Name)
	case len(values) == 0:
		q.Kind = Text
	case len(titled) == 0 && slices.Equal(values, []string{"no", "yes"}):
		q.Kind = YesNo
	default:
		q.Kind, q.Options = Choice, nil
		for _, v := range a.Values {
			o := Option{Ref: v, Title: v}
			if i := slices.IndexFunc(titled, func(o Option) bool { return o.Ref == v }); i >= 0 {
				o = titled[i]
			} else if len(titled) > 0 {
				p.add(q.At, "attribute %q has the value %q, and no option gives it a title", a.Name, v)
			}
			q.Options = append(q.Options, o)
		}
		for _, o := range titled {
			if !slices.Contains(a.Values, o.Ref) {
				p.add(q.At, "option %q is no value of attribute %q%s", o.Ref, a.Name, nearest(o.Ref, slices.Clone(a.Values)))
			}
		}
	}
}

// compileComponentQuestions types the conditions of component questions.
func (r *raw) compileComponentQuestions(p *problems) {
	for i := range r.Questionnaires {
		edges := map[string][]string{}
		byRef := map[string]*Question{}
		for q := range r.Questionnaires[i].own() {
			if q.Attribute == "" {
				continue
			}
			byRef[q.Ref] = q
			if q.When == nil || !r.env.parse(q.When, ForComponentQuestion, p) {
				continue
			}
			if r.env.check(q.When, ForComponentQuestion, "when", cel.BoolType, p) {
				r.spell(q.When, p)
			}
			for _, path := range q.When.reads {
				if len(path.steps) > 2 && path.steps[0] == "component" && path.steps[1] == "attributes" {
					edges[q.Ref] = append(edges[q.Ref], path.steps[2])
				}
			}
		}
		if _, circle := levels(keysOf(byRef), edges); circle != nil {
			p.add(byRef[circle[0]].At, "the conditions of the questions for the attributes %s go round in a circle", strings.Join(circle, ", "))
		}
	}
}

// include puts the groups of other questionnaires first, once everything is checked.
func (l *Library) include() {
	expanded := make([][]Group, len(l.Questionnaires))
	for i := range l.Questionnaires {
		parts, _ := l.parts(&l.Questionnaires[i])
		for _, part := range parts {
			expanded[i] = append(expanded[i], part.Groups...)
		}
	}
	for i := range l.Questionnaires {
		q := &l.Questionnaires[i]
		q.included = len(expanded[i]) - len(q.Groups)
		q.Groups = expanded[i]
	}
}

// ComponentQuestionnaire returns the questionnaire about components of the type, or nil.
func (l *Library) ComponentQuestionnaire(typ string) *Questionnaire {
	for i := range l.Questionnaires {
		if slices.Contains(l.Questionnaires[i].Types, typ) {
			return &l.Questionnaires[i]
		}
	}
	return nil
}

// ComponentShown tells whether a component question is to be asked in the scope,
// which has the product, the answers and the component.
func (l *Library) ComponentShown(q *Question, s *Scope) (bool, error) {
	shown, err := q.When.Holds(s)
	if err != nil {
		return false, fmt.Errorf("condition of the question for attribute %s at %s: %w", q.Attribute, q.At, err)
	}
	return shown, nil
}
