package library

import (
	"slices"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/threatloop/threatloop/internal/model"
)

// words returns the words of a domain and how to call one; nil is free text.
func (l *Library) words(of domain) (known []string, noun string) {
	switch of {
	case kinds:
		return []string{string(model.Actor), string(model.Process), string(model.Store)}, "component kind"
	case componentTypes:
		return append(keysOf(l.types), ""), "component type"
	case tags:
		return append(keysOf(l.Tags), ""), "tag"
	}
	if name, ok := strings.CutPrefix(string(of), "attribute:"); ok && l.attributes[name] != nil {
		return l.attributes[name].Values, "value of attribute " + name
	}
	if ref, ok := strings.CutPrefix(string(of), "answer:"); ok && l.questions[ref] != nil {
		var options []string
		for _, o := range l.questions[ref].Options {
			options = append(options, o.Ref)
		}
		return options, "option of question " + ref
	}
	return nil, ""
}

// binding is what a variable of a comprehension ranges over.
type binding struct {
	words    domain
	literals []celast.Expr
}

// speller checks the text literals of one checked expression against the
// vocabulary. CEL's type checker knows fields, not the words that a text field may hold.
type speller struct {
	l *Library
	e *Expr
	p *problems
}

func (l *Library) spell(e *Expr, p *problems) {
	if e != nil && e.checked != nil {
		speller{l, e, p}.visit(e.checked.Expr(), nil)
	}
}

func (s speller) visit(e celast.Expr, bound map[string]binding) {
	switch e.Kind() {
	case celast.SelectKind:
		s.visit(e.AsSelect().Operand(), bound)
	case celast.ListKind:
		for _, el := range e.AsList().Elements() {
			s.visit(el, bound)
		}
	case celast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			s.visit(entry.AsMapEntry().Key(), bound)
			s.visit(entry.AsMapEntry().Value(), bound)
		}
	case celast.CallKind:
		c := e.AsCall()
		args := c.Args()
		if c.IsMemberFunction() {
			s.visit(c.Target(), bound)
		}
		switch c.FunctionName() {
		case operators.Equals, operators.NotEquals, operators.In, operators.OldIn:
			s.compare(args[0], args[1], bound)
			s.compare(args[1], args[0], bound)
		}
		for _, a := range args {
			s.visit(a, bound)
		}
	case celast.ComprehensionKind:
		c := e.AsComprehension()
		s.visit(c.IterRange(), bound)
		inner := map[string]binding{}
		for k, v := range bound {
			inner[k] = v
		}
		inner[c.IterVar()] = binding{words: s.domain(c.IterRange(), bound), literals: literals(c.IterRange(), bound)}
		delete(inner, c.AccuVar())
		s.visit(c.AccuInit(), bound)
		s.visit(c.LoopCondition(), inner)
		s.visit(c.LoopStep(), inner)
		s.visit(c.Result(), inner)
	}
}

// domain returns the words that a value, or each of a list, is taken from.
func (s speller) domain(e celast.Expr, bound map[string]binding) domain {
	switch e.Kind() {
	case celast.IdentKind:
		return bound[e.AsIdent()].words
	case celast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return ""
		}
		owner := s.e.checked.GetType(e.AsSelect().Operand().ID())
		return s.l.env.fields[owner.TypeName()][e.AsSelect().FieldName()].words
	case celast.CallKind:
		c := e.AsCall()
		switch c.FunctionName() {
		case operators.Index:
			return s.domain(c.Args()[0], bound)
		case operators.Conditional:
			if words := s.domain(c.Args()[1], bound); words != "" {
				return words
			}
			return s.domain(c.Args()[2], bound)
		}
	}
	return ""
}

func (s speller) compare(words, with celast.Expr, bound map[string]binding) {
	domain := s.domain(words, bound)
	if domain == "" {
		return
	}
	known, noun := s.l.words(domain)
	if known == nil {
		return
	}
	for _, lit := range literals(with, bound) {
		text, ok := lit.AsLiteral().(types.String)
		if !ok || text == "" || slices.Contains(known, string(text)) {
			continue
		}
		loc := s.e.checked.SourceInfo().GetStartLocation(lit.ID())
		s.p.add(s.e.locate(loc.Line(), loc.Column()), "unknown %s %q%s", noun, string(text), fitting(string(text), slices.DeleteFunc(slices.Clone(known), func(w string) bool { return w == "" })))
	}
}

// literals returns the literal, or those of a list, or those that a variable ranges over.
func literals(e celast.Expr, bound map[string]binding) []celast.Expr {
	switch e.Kind() {
	case celast.LiteralKind:
		return []celast.Expr{e}
	case celast.ListKind:
		var all []celast.Expr
		for _, el := range e.AsList().Elements() {
			all = append(all, literals(el, bound)...)
		}
		return all
	case celast.IdentKind:
		return bound[e.AsIdent()].literals
	case celast.CallKind:
		if c := e.AsCall(); c.FunctionName() == operators.Conditional {
			return append(literals(c.Args()[1], bound), literals(c.Args()[2], bound)...)
		}
	}
	return nil
}

// limit says which values a field has where a condition holds.
type limit struct {
	only   []string // one of these
	except []string // none of these
}

func (a limit) excludes(b limit) bool {
	apart := func(x, y limit) bool {
		for _, v := range x.only {
			if slices.Contains(y.only, v) || y.only == nil && !slices.Contains(y.except, v) {
				return false
			}
		}
		return x.only != nil
	}
	return apart(a, b) || apart(b, a)
}

// limits reads the parts of a condition that are joined by &&, by path.
func limits(e *Expr) map[string][]limit {
	found := map[string][]limit{}
	if e == nil || e.parsed == nil {
		return found
	}
	add := func(path celast.Expr, l limit) {
		if names := selection(path); names != nil {
			key := strings.Join(names, ".")
			found[key] = append(found[key], l)
		}
	}
	texts := func(e celast.Expr) []string {
		var all []string
		for _, lit := range literals(e, nil) {
			all = append(all, FormatValue(lit.AsLiteral()))
		}
		return all
	}
	var visit func(e celast.Expr)
	visit = func(e celast.Expr) {
		if e.Kind() != celast.CallKind {
			add(e, limit{only: []string{"true"}})
			return
		}
		c := e.AsCall()
		args := c.Args()
		switch c.FunctionName() {
		case operators.LogicalAnd:
			for _, a := range args {
				visit(a)
			}
		case operators.LogicalNot:
			add(args[0], limit{only: []string{"false"}})
		case operators.Equals, operators.NotEquals:
			for i, side := range args {
				if other := args[1-i]; other.Kind() == celast.LiteralKind {
					l := limit{only: texts(other)}
					if c.FunctionName() == operators.NotEquals {
						l = limit{except: texts(other)}
					}
					add(side, l)
				}
			}
		case operators.In, operators.OldIn:
			if args[1].Kind() == celast.ListKind {
				if all := texts(args[1]); len(all) == len(args[1].AsList().Elements()) {
					add(args[0], limit{only: all})
				}
			}
		}
	}
	visit(e.parsed.NativeRep().Expr())
	return found
}

// exclusive tells whether two rules cannot fire at one element, as far as their text shows.
func exclusive(a, b *Rule) bool {
	apart := func(x, y []string) bool {
		return len(x) > 0 && len(y) > 0 && !slices.ContainsFunc(x, func(v string) bool { return slices.Contains(y, v) })
	}
	if apart(a.Types, b.Types) || apart(kindTexts(a.Kinds), kindTexts(b.Kinds)) {
		return true
	}
	of := limits(b.When)
	for path, list := range limits(a.When) {
		for _, x := range list {
			if slices.ContainsFunc(of[path], x.excludes) {
				return true
			}
		}
	}
	return false
}

func kindTexts(kinds []model.Kind) []string {
	var all []string
	for _, k := range kinds {
		all = append(all, string(k))
	}
	return all
}
