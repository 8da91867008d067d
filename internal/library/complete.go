package library

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Completion is something that an expression may go on with.
type Completion struct {
	Label  string `json:"label"`
	Kind   string `json:"kind"`             // CompleteVariable, CompleteField, CompleteFunction or CompleteWord
	Detail string `json:"detail,omitempty"` // what it is, in a few words
	Insert string `json:"insert"`           // the text that takes the place of From to To
	From   int    `json:"from"`             // in characters of the expression, from 0
	To     int    `json:"to"`
}

// The kinds of completions.
const (
	CompleteVariable = "variable"
	CompleteField    = "field"
	CompleteFunction = "function"
	CompleteWord     = "word"
)

// Complete tells how a CEL expression for the target may go on at the offset, in
// characters from 0: variables, fields, functions, and in a comparison with a
// field of known words these words. The expression need not be finished, nor right. What
// cannot be told gives none. The order is that in which a person reads: words as declared, else by name, functions last.
func Complete(l *Library, target Target, source string, offset int) []Completion {
	runes := []rune(source)
	offset = max(0, min(offset, len(runes)))
	c := &completer{l: l, target: target, runes: runes, tokens: celTokens(runes), offset: offset, to: offset}
	for c.to < len(runes) && wordPart(runes[c.to]) {
		c.to++
	}
	for i, t := range c.tokens {
		if t.kind == textToken && t.from < offset && (offset < t.to || t.open) {
			return c.inText(i)
		}
	}
	c.at = len(c.tokens)
	for i, t := range c.tokens {
		if t.to >= offset && (t.kind == identToken && t.from < offset || t.from >= offset) {
			c.at = i
			break
		}
	}
	c.from = offset
	if c.at < len(c.tokens) && c.tokens[c.at].from < offset {
		c.from = c.tokens[c.at].from
	}
	c.typed = string(runes[c.from:offset])
	switch {
	case is(c.tokens, c.at-1, "."):
		c.fields(pathTo(c.tokens, c.at-2))
	case c.at > 0 && c.endsValue(c.at-1):
		// an operator comes next
	default:
		if words := c.compared(c.at); words != "" {
			c.words(words, "'", "'")
		}
		c.variables()
	}
	return c.found
}

// completer is one run of Complete.
type completer struct {
	l        *Library
	target   Target
	runes    []rune
	tokens   []celToken
	offset   int
	at       int // the token that is typed, or before which one would be
	from, to int // what is replaced
	typed    string
	found    []Completion
}

// value is what a path leads to.
type value struct {
	typ   *cel.Type
	words domain
}

func (c *completer) add(kind, label, insert, detail string) {
	if begins(label, c.typed) {
		c.found = append(c.found, Completion{Label: label, Kind: kind, Detail: detail, Insert: insert, From: c.from, To: c.to})
	}
}

// endsValue tells whether the token is the end of an operand.
func (c *completer) endsValue(i int) bool {
	t := c.tokens[i]
	return t.kind == numberToken || t.kind == textToken || t.kind == identToken && t.text != "in" || is(c.tokens, i, ")", "]", "}")
}

// inText completes the text at the token i, from its quote to the end of the word that the cursor is in.
func (c *completer) inText(i int) []Completion {
	t := c.tokens[i]
	c.at = i
	quote := string(c.runes[t.from])
	end := c.offset
	for end < len(c.runes) && (wordPart(c.runes[end]) || c.runes[end] == '-') {
		end++
	}
	c.from, c.to = t.from+1, end
	c.typed = string(c.runes[c.from:c.offset])
	after := ""
	if end >= len(c.runes) || string(c.runes[end]) != quote {
		after = quote
	}
	words := c.compared(i)
	if words == "" && is(c.tokens, i+1, "in", "==", "!=") {
		if v, ok := c.resolve(pathFrom(c.tokens, i+2)); ok {
			words = v.words
		}
	}
	if words != "" {
		c.words(words, "", after)
	}
	return c.found
}

// compared returns the words of the field that is compared with what stands at the token.
func (c *completer) compared(i int) domain {
	switch {
	case is(c.tokens, i-1, "==", "!="):
		i -= 2
	case is(c.tokens, i-1, "[", ","):
		for i--; is(c.tokens, i, ",") && i > 0 && c.tokens[i-1].kind == textToken; {
			i -= 2
		}
		if !is(c.tokens, i, "[") || !is(c.tokens, i-1, "in") {
			return ""
		}
		i -= 2
	default:
		return ""
	}
	v, ok := c.resolve(pathTo(c.tokens, i))
	if !ok {
		return ""
	}
	return v.words
}

// resolve follows a path from a variable or from what a macro binds.
func (c *completer) resolve(path []string) (value, bool) {
	return c.follow(path, bound(c.tokens, c.at))
}

func (c *completer) follow(path []string, variables []boundVariable) (value, bool) {
	if len(path) == 0 {
		return value{}, false
	}
	var v value
	i := len(variables) - 1
	for i >= 0 && variables[i].name != path[0] {
		i--
	}
	if i >= 0 {
		over, ok := c.follow(variables[i].over, variables[:i])
		if !ok || over.typ.Kind() != types.ListKind {
			return value{}, false
		}
		v = value{over.typ.Parameters()[0], over.words}
	} else if v.typ = c.root(path[0]); v.typ == nil {
		return value{}, false
	}
	for _, step := range path[1:] {
		f, ok := c.l.env.fields[v.typ.TypeName()][step]
		if !ok {
			return value{}, false
		}
		v = value{f.typ, f.words}
	}
	return v, true
}

// root returns the type of a variable, or nil.
func (c *completer) root(name string) *cel.Type {
	object, ok := c.l.env.roots[c.target][name]
	switch {
	case !ok:
		return nil
	case name == "components":
		return cel.ListType(cel.ObjectType(componentType))
	case name == "flows":
		return cel.ListType(cel.ObjectType(flowType))
	}
	return cel.ObjectType(object)
}

// words adds the words of a domain, between quotes.
func (c *completer) words(of domain, before, after string) {
	known, _ := c.l.words(of)
	for _, word := range known {
		if word != "" {
			quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`).Replace(word)
			c.add(CompleteWord, word, before+quoted+after, c.l.meaning(of, word))
		}
	}
}

// meaning says what a word of a domain stands for.
func (l *Library) meaning(of domain, word string) string {
	switch of {
	case componentTypes:
		return l.types[word].Name
	case tags:
		return l.Tags[word]
	}
	if ref, ok := strings.CutPrefix(string(of), "answer:"); ok {
		for _, o := range l.questions[ref].Options {
			if o.Ref == word {
				return o.Title
			}
		}
	}
	return ""
}

// fields adds what may come after the dot behind a path.
func (c *completer) fields(path []string) {
	v, ok := c.resolve(path)
	if !ok {
		return
	}
	owner := v.typ.TypeName()
	for _, name := range keysOf(c.l.env.fields[owner]) {
		c.add(CompleteField, name, name, c.l.describe(owner, name))
	}
	functions := map[string]string{}
	switch v.typ.Kind() {
	case types.ListKind:
		functions = macros
	case types.StringKind:
		functions = textFunctions
	}
	for _, name := range keysOf(functions) {
		c.add(CompleteFunction, name, name+"(", functions[name])
	}
	if v.typ.Kind() == types.ListKind {
		c.add(CompleteFunction, "size", "size(", "size(): how many")
	}
}

// describe says what a field of an object is.
func (l *Library) describe(owner, name string) string {
	switch owner {
	case answersType:
		return l.questions[name].Title
	case attributesType:
		return l.attributes[name].Text
	}
	return typeText(l.env.fields[owner][name].typ)
}

// typeText calls a type of CEL by a word of people.
func typeText(t *cel.Type) string {
	switch t.Kind() {
	case types.BoolKind:
		return "true or false"
	case types.IntKind:
		return "whole number"
	case types.DoubleKind:
		return "number"
	case types.StringKind:
		return "text"
	case types.MapKind:
		return "texts by name"
	case types.ListKind:
		if t.Parameters()[0].Kind() == types.StringKind {
			return "list of texts"
		}
		return "list, each " + t.Parameters()[0].TypeName()
	}
	return t.TypeName()
}

// variables adds what an operand may begin with.
func (c *completer) variables() {
	var names []string
	for _, v := range bound(c.tokens, c.at) {
		names = append(names, v.name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		detail := ""
		if v, ok := c.resolve([]string{name}); ok {
			detail = typeText(v.typ)
		}
		c.add(CompleteVariable, name, name, detail)
	}
	for _, name := range keysOf(c.l.env.roots[c.target]) {
		if !slices.Contains(names, name) {
			c.add(CompleteVariable, name, name, typeText(c.root(name)))
		}
	}
	c.add(CompleteFunction, "has", "has(", "has(answers.x): whether it is answered, set or concluded")
	c.add(CompleteWord, "true", "true", "")
	c.add(CompleteWord, "false", "false", "")
}

// ExpressionProblem is what is wrong in an expression; line and column count characters from 1.
type ExpressionProblem struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

// CheckExpression compiles an expression for the target with the library's words.
// Expect is "bool", "int" or "" for any plain value. It returns the type, bool, int, double
// or string, and what is wrong, in order of place; with a problem the type is "".
func CheckExpression(l *Library, target Target, expect, source string) (typ string, found []ExpressionProblem) {
	lines := strings.Split(source, "\n")
	p := &problems{}
	e := &Expr{Source: source, At: Position{Line: 1, Column: 1}, locate: func(line, column int) Position {
		line = max(1, min(line, len(lines)))
		return Position{Line: line, Column: min(column, len([]rune(lines[line-1]))) + 1}
	}}
	want := map[string]*cel.Type{"bool": cel.BoolType, "int": cel.IntType}[expect]
	switch {
	case l.env.roots[target] == nil:
		p.add(e.At, "there are no expressions for %q", target)
	case strings.TrimSpace(source) == "":
		p.add(e.At, "expected CEL, found nothing")
	case l.env.parse(e, target, p) && l.env.check(e, target, "expression", want, p):
		l.spell(e, p)
	}
	if len(p.list) == 0 {
		return e.typ.TypeName(), nil
	}
	p.sort()
	for _, one := range p.list[:min(len(p.list), maxProblems)] {
		found = append(found, ExpressionProblem{one.at.Line, one.at.Column, one.text})
	}
	return "", found
}
