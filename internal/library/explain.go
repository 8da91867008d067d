package library

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// unparsed says in our words why CEL's parser refuses an expression.
func unparsed(source string, issues *cel.Issues) []misread {
	if m := misreading(source); m != nil {
		return []misread{*m}
	}
	runes := []rune(source)
	var all []misread
	for _, one := range issues.Errors() {
		at := offsetOf(runes, one.Location.Line(), one.Location.Column())
		text, last := refused(one.Message, runes, at)
		if last {
			return []misread{{at, text}}
		}
		all = append(all, misread{at, text})
	}
	return all
}

// refused puts a message of the parser into our words. last tells that the parser
// lost the thread there, so that what it says of the rest means nothing.
func refused(message string, source []rune, at int) (text string, last bool) {
	switch {
	case strings.Contains(message, "simple name"):
		return "expected a name for what is looked at, found something else; it is written like components.exists(c, c.kind == 'store')", false
	case strings.Contains(message, "has() macro"):
		return "has asks whether a field has a value; expected one between the brackets, like has(answers.x)", false
	case strings.Contains(message, "recursion limit"), strings.Contains(message, "exceeds limit"):
		return "the expression is too long or its brackets too deep; conclude a part of it as a fact in a rule of its own", true
	case strings.Contains(message, "reserved identifier: "):
		_, word, _ := strings.Cut(message, "reserved identifier: ")
		return fmt.Sprintf("%q is a word that the language keeps for itself and no name", word), true
	}
	rest := strings.TrimSpace(string(source[min(at, len(source)):]))
	if rest == "" {
		return "it ends too early: something is expected here", true
	}
	if (rest[0] == '\'' || rest[0] == '"') && strings.Contains(rest, `\`) {
		return `the text that begins here has a \ before a sign that needs none; a \ itself is written \\`, true
	}
	if first, _, more := strings.Cut(rest, " "); more {
		rest = first
	}
	return fmt.Sprintf("it cannot be read from %q on; expected a value, an operator or the end", rest), true
}

// offsetOf returns the place of a line, from 1, and a column, from 0, in characters.
func offsetOf(source []rune, line, column int) int {
	at := 0
	for ; line > 1 && at < len(source); at++ {
		if source[at] == '\n' {
			line--
		}
	}
	return max(0, min(at+column, len(source)))
}

// explainer puts what the type checker says about one expression into our words.
type explainer struct {
	v      *environment
	e      *Expr
	t      Target
	byID   map[int64]celast.Expr
	parent map[int64]celast.Expr
}

func (v *environment) explainer(e *Expr, t Target) *explainer {
	x := &explainer{v: v, e: e, t: t, byID: map[int64]celast.Expr{}, parent: map[int64]celast.Expr{}}
	celast.PreOrderVisit(e.parsed.NativeRep().Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		x.byID[e.ID()] = e
		if e.Kind() == celast.CallKind {
			for _, a := range e.AsCall().Args() {
				x.parent[a.ID()] = e
			}
		}
		if e.Kind() == celast.ListKind {
			for _, a := range e.AsList().Elements() {
				x.parent[a.ID()] = e
			}
		}
	}))
	return x
}

// problems reports the issues; of what only follows from another nothing is said.
func (x *explainer) problems(issues *cel.Issues, p *problems) {
	all := issues.Errors()
	unknown := func(one *cel.Error) bool {
		return x.call(one.ExprID) != nil && strings.HasPrefix(one.Message, "undeclared reference")
	}
	lost := slices.ContainsFunc(all, unknown)
	said := 0
	for i, one := range all {
		follows := strings.Contains(one.Message, "!error!") || lost && !unknown(one) && strings.HasPrefix(one.Message, "undeclared reference") && x.within(one.ExprID)
		if follows && (said > 0 || i+1 < len(all)) {
			continue
		}
		said++
		at := x.e.At
		if one.Location.Line() > 0 {
			column := one.Location.Column()
			if strings.HasPrefix(one.Message, "undefined field") || strings.Contains(one.Message, "field selection") {
				column++ // CEL points at the dot
			}
			at = x.e.locate(one.Location.Line(), column)
		}
		p.add(at, "%s", x.explain(one.Message, one.ExprID))
	}
}

// within tells whether an expression stands somewhere in a call of an unknown function.
func (x *explainer) within(id int64) bool {
	for _, e := range x.byID {
		if e.Kind() != celast.CallKind || known(e.AsCall()) {
			continue
		}
		inside := false
		for _, a := range e.AsCall().Args() {
			celast.PreOrderVisit(a, celast.NewExprVisitor(func(e celast.Expr) { inside = inside || e.ID() == id }))
		}
		if inside {
			return true
		}
	}
	return false
}

// known tells whether a call is that of an operator or function that there is.
func known(c celast.CallExpr) bool {
	name := c.FunctionName()
	_, operator := operators.FindReverse(name)
	return operator || name == operators.NotStrictlyFalse || slices.Contains(functions(), name) && macros[name] == ""
}

// functions are the names that may be called.
func functions() []string {
	return append(append(keysOf(macros), keysOf(textFunctions)...), "has")
}

func (x *explainer) call(id int64) celast.CallExpr {
	if e, ok := x.byID[id]; ok && e.Kind() == celast.CallKind {
		return e.AsCall()
	}
	return nil
}

// explain puts one message of the type checker into the words of the library.
func (x *explainer) explain(message string, id int64) string {
	if word, ok := between(message, "undeclared reference to '", "'"); ok {
		if c := x.call(id); c != nil {
			return x.unknownFunction(word, c)
		}
		return x.unknownName(word, id)
	}
	if word, ok := between(message, "undefined field '", "'"); ok {
		return x.unknownField(word, id)
	}
	if name, ok := between(message, "overload for '", "'"); ok {
		_, applied, _ := strings.Cut(message, "applied to '")
		return x.misapplied(name, strings.TrimSuffix(applied, "'"), id)
	}
	if found, ok := between(message, "but found '", "'"); ok {
		if want, _ := between(message, "expected type '", "'"); want != "bool" {
			return fmt.Sprintf("expected %s, found %s", kindName(want), x.described(id, found))
		}
		return fmt.Sprintf("expected true or false, found %s%s", x.described(id, found), asked(x.show(id), found))
	}
	if typ, ok := between(message, "type '", "' does not support field selection"); ok {
		return x.unselectable(typ, id)
	}
	if typ, ok := between(message, "expression of type '", "' cannot be range"); ok {
		return fmt.Sprintf("exists, all, filter and map go through a list, found %s", kindName(typ))
	}
	return "it is not understood: " + message
}

// unknownName explains a name that is no variable.
func (x *explainer) unknownName(word string, id int64) string {
	roots := keysOf(x.v.roots[x.t])
	here := "; known here: " + strings.Join(roots, ", ")
	switch {
	case strings.EqualFold(word, "true"), strings.EqualFold(word, "false"):
		return fmt.Sprintf("unknown name %q; it is written %s, in small letters", word, strings.ToLower(word))
	case strings.EqualFold(word, "null"), word == "nil", word == "None", word == "undefined":
		return fmt.Sprintf("unknown name %q; whether something has a value is asked with has(answers.x)", word)
	}
	for _, t := range []Target{ForComponent, ForFlow, ForProduct} {
		if _, there := x.v.roots[t][word]; there && x.t != t {
			text := fmt.Sprintf("%q is known in rules for %s and not here", word, t)
			if _, list := x.v.roots[x.t][word+"s"]; list {
				return text + fmt.Sprintf("; over all of them it is written %ss.exists(x, ...)", word)
			}
			return text + here
		}
	}
	if near := nearest(word, roots); near != "" {
		return fmt.Sprintf("unknown name %q%s", word, near)
	}
	if c := x.parent[id]; c != nil && c.Kind() == celast.CallKind && c.AsCall().FunctionName() == operators.Subtract && c.AsCall().Args()[0].Kind() == celast.SelectKind {
		return fmt.Sprintf("unknown name %q; \"-\" takes away, a name is joined with _: %s_%s", word, x.shown(c.AsCall().Args()[0]), word)
	}
	if e := x.parent[id]; e != nil && (e.Kind() == celast.ListKind || slices.Contains([]string{operators.Equals, operators.NotEquals, operators.In}, e.AsCall().FunctionName())) {
		return fmt.Sprintf("unknown name %q; a word stands between quotes: '%s'", word, word)
	}
	return fmt.Sprintf("unknown name %q%s", word, here)
}

// called are functions of other languages, and what does the same here.
var called = map[string]string{
	"any": "exists(x, condition)", "some": "exists(x, condition)", "every": "all(x, condition)", "where": "filter(x, condition)", "find": "filter(x, condition)",
	"len": "size()", "length": "size()", "count": "size()", "isEmpty": "size() == 0", "empty": "size() == 0",
	"includes": "in: 'word' in list", "indexOf": "in: 'word' in list", "containsAny": "exists(x, x in ['a', 'b'])", "startswith": "startsWith(part)", "endswith": "endsWith(part)", "match": "matches(pattern)", "test": "matches(pattern)",
	"lower": "matches('(?i)word')", "upper": "matches('(?i)word')", "toLowerCase": "matches('(?i)word')", "toUpperCase": "matches('(?i)word')", "lowerAscii": "matches('(?i)word')", "equalsIgnoreCase": "matches('(?i)^word$')",
}

// unknownFunction explains a call of something that cannot be called, or not so.
func (x *explainer) unknownFunction(word string, c celast.CallExpr) string {
	if text := macros[word]; text != "" {
		if !c.IsMemberFunction() {
			return fmt.Sprintf("%s is asked of a list, like components.%s(x, condition)", word, word)
		}
		return fmt.Sprintf("%s takes a name and what is asked of it, found %s: %s", word, counted(len(c.Args())), text)
	}
	if word == "has" {
		return "has asks for one field: has(answers.x)"
	}
	if text := called[word]; text != "" {
		return fmt.Sprintf("there is no function %q; write %s", word, text)
	}
	if near := nearest(word, functions()); near != "" {
		return fmt.Sprintf("there is no function %q%s", word, near)
	}
	known := functions()
	slices.Sort(known)
	return fmt.Sprintf("there is no function %q; known: %s", word, strings.Join(slices.Compact(known), ", "))
}

func counted(n int) string {
	if n == 1 {
		return "one part"
	}
	return fmt.Sprintf("%d parts", n)
}

// unknownField explains a field that an object has not.
func (x *explainer) unknownField(word string, id int64) string {
	owner := x.v.owner(x.e.parsed.NativeRep(), id, x.t)
	known := keysOf(x.v.fields[owner])
	switch owner {
	case "":
		all := map[string]bool{}
		for _, fields := range x.v.fields {
			for name := range fields {
				all[name] = true
			}
		}
		return fmt.Sprintf("unknown field %q%s", word, nearest(word, keysOf(all)))
	case answersType:
		return fmt.Sprintf("unknown question %q%s", word, fitting(word, known))
	case attributesType:
		return fmt.Sprintf("unknown attribute %q%s", word, fitting(word, known))
	case factsType(x.t):
		of := "product"
		if x.t != ForProduct {
			of = string(x.t) + " or product"
		}
		return fmt.Sprintf("no rule for %s concludes the fact %q%s", of, word, fitting(word, known))
	}
	return fmt.Sprintf("%s has no field %q%s", owner, word, fitting(word, known))
}

// unselectable explains a dot behind what has no fields.
func (x *explainer) unselectable(typ string, id int64) string {
	field, of := "", ""
	if e, ok := x.byID[id]; ok && e.Kind() == celast.SelectKind {
		field, of = e.AsSelect().FieldName(), x.shown(e.AsSelect().Operand())
	}
	if textFunctions[field] != "" || macros[field] != "" {
		return fmt.Sprintf("%s is a function and needs brackets: %s.%s", field, of, strings.SplitN(textFunctions[field]+macros[field], ":", 2)[0])
	}
	if text := called[field]; text != "" {
		return fmt.Sprintf("there is no %q; write %s.%s", field, of, text)
	}
	if strings.HasPrefix(typ, "list(") {
		return fmt.Sprintf("a list has no field %q; of what is in it, it is asked with %s.exists(x, x.%s ...)", field, of, field)
	}
	return fmt.Sprintf("%s has no fields, found %q", kindName(typ), field)
}

// asked says how a value of the kind is asked for what is true or false.
func asked(shown, typ string) string {
	if shown == "" {
		shown = "it"
	}
	switch {
	case typ == "string":
		return fmt.Sprintf("; compare %s, like %s == 'word'", shown, shown)
	case typ == "int", typ == "double":
		return fmt.Sprintf("; compare %s, like %s > 0", shown, shown)
	case typ == "list(string)":
		return fmt.Sprintf("; ask for a word with: 'word' in %s, whether there is any with %s.size() > 0", shown, shown)
	case strings.HasPrefix(typ, "list("):
		return fmt.Sprintf("; ask with %s.exists(x, condition), whether there is any with %s.size() > 0", shown, shown)
	}
	return ""
}

// described is the value with the id as it stands in the expression, and its kind.
func (x *explainer) described(id int64, typ string) string {
	if shown := x.show(id); shown != "" {
		return fmt.Sprintf("%s, which is %s", shown, kindName(typ))
	}
	return kindName(typ)
}

// show is how the expression with the id is written, "" for what is no name and no plain value.
func (x *explainer) show(id int64) string {
	if e, ok := x.byID[id]; ok {
		return x.shown(e)
	}
	return ""
}

func (x *explainer) shown(e celast.Expr) string {
	if path := selection(e); path != nil {
		return strings.Join(path, ".")
	}
	if e.Kind() == celast.LiteralKind {
		if text, ok := e.AsLiteral().(types.String); ok {
			return "'" + string(text) + "'"
		}
		return FormatValue(e.AsLiteral())
	}
	return ""
}

// badPatterns reports regular expressions that cannot be used, at their place.
func (e *Expr) badPatterns(p *problems) bool {
	good := true
	celast.PreOrderVisit(e.parsed.NativeRep().Expr(), celast.NewExprVisitor(func(x celast.Expr) {
		if x.Kind() != celast.CallKind || x.AsCall().FunctionName() != "matches" {
			return
		}
		args := x.AsCall().Args()
		if len(args) == 0 || args[len(args)-1].Kind() != celast.LiteralKind {
			return
		}
		lit := args[len(args)-1]
		pattern, ok := lit.AsLiteral().(types.String)
		if !ok {
			return
		}
		if _, err := syntax.Parse(string(pattern), syntax.Perl); err != nil {
			why := err.Error()
			var se *syntax.Error
			if errors.As(err, &se) {
				why = se.Code.String()
			}
			loc := e.parsed.NativeRep().SourceInfo().GetStartLocation(lit.ID())
			p.add(e.locate(loc.Line(), loc.Column()), "'%s' is no regular expression: %s", pattern, why)
			good = false
		}
	}))
	return good
}
