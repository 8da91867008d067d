package library

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// plain is a number, true or false between quotes.
var plain = regexp.MustCompile(`^'(\d+(\.\d+)?|true|false)'$`)

// kindName calls a type, as CEL writes it, by words of people.
func kindName(typ string) string {
	switch typ {
	case "string":
		return "text"
	case "bool":
		return "true or false"
	case "int", "uint":
		return "a whole number"
	case "double":
		return "a number"
	case "null", "null_type":
		return "null"
	case "dyn":
		return "anything"
	case "list(string)":
		return "a list of texts"
	}
	if of, ok := between(typ, "list(", ")"); ok {
		if _, noun, ok := strings.Cut(of, "a "); ok {
			return "a list of " + noun + "s"
		}
		return "a list"
	}
	if strings.HasPrefix(typ, "map(") {
		return "values by name"
	}
	return typ
}

// applied takes "string.(int)" or "(list(string), string)" apart: the kinds of what it is applied to.
func applied(text string) []string {
	var all []string
	if on, rest, member := strings.Cut(text, ".("); member {
		all = append(all, on)
		text = "(" + rest
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "("), ")")
	depth, from := 0, 0
	for i, c := range text {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			all = append(all, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	if last := strings.TrimSpace(text[from:]); last != "" {
		all = append(all, last)
	}
	return all
}

// misapplied explains an operator or function that is given what it cannot take.
func (x *explainer) misapplied(name, to string, id int64) string {
	kinds := applied(to)
	var args []celast.Expr
	if c := x.call(id); c != nil {
		if c.IsMemberFunction() {
			args = append(args, c.Target())
		}
		args = append(args, c.Args()...)
	}
	if len(args) != len(kinds) {
		return fmt.Sprintf("%s cannot be used so%s", sign(name), usage(name))
	}
	shown := make([]string, len(args))
	for i, a := range args {
		shown[i] = x.shown(a)
	}
	switch name {
	case operators.Equals, operators.NotEquals:
		return compared(sign(name), kinds, shown)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return fmt.Sprintf("%s compares two numbers or two texts, found %s and %s%s", sign(name), named(kinds[0], shown[0]), named(kinds[1], shown[1]), sized(kinds, shown))
	case operators.In, operators.OldIn:
		return contained(kinds, shown)
	case operators.LogicalNot:
		text := fmt.Sprintf("! turns true or false round, found %s", named(kinds[0], shown[0]))
		if e := x.parent[id]; e != nil && e.Kind() == celast.CallKind && len(e.AsCall().Args()) == 2 {
			other := e.AsCall().Args()[1]
			return text + fmt.Sprintf("; brackets belong around the whole: !(%s %s %s)", orDots(shown[0]), strings.Trim(sign(e.AsCall().FunctionName()), `"`), orDots(x.shown(other)))
		}
		return text + asked(shown[0], kinds[0])
	case operators.Negate:
		return fmt.Sprintf("expected a number after \"-\", found %s", named(kinds[0], shown[0]))
	case operators.Index, operators.OptIndex:
		return indexed(kinds, shown)
	case operators.Conditional:
		return fmt.Sprintf("both values of a choice are of one kind, found %s and %s", named(kinds[1], shown[1]), named(kinds[2], shown[2]))
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		what := "two numbers"
		if name == operators.Add {
			what = "two numbers or two texts"
		}
		return fmt.Sprintf("%s needs %s, found %s and %s", sign(name), what, named(kinds[0], shown[0]), named(kinds[1], shown[1]))
	}
	return unfit(name, kinds, shown)
}

// unfit explains a function that is given what it cannot take.
func unfit(name string, kinds, shown []string) string {
	if len(kinds) == 0 {
		return fmt.Sprintf("%s needs something between the brackets%s", name, usage(name))
	}
	if strings.HasPrefix(kinds[0], "list(") && slices.Contains([]string{"contains", "startsWith", "endsWith", "matches"}, name) {
		word := "'word'"
		if len(shown) > 1 && shown[1] != "" {
			word = shown[1]
		}
		if name == "contains" {
			return fmt.Sprintf("contains asks for a part of a text, and %s is %s; a word of a list is asked for with: %s in %s", orThis(shown[0]), kindName(kinds[0]), word, orDots(shown[0]))
		}
		return fmt.Sprintf("%s asks a text, and %s is %s; of what is in it, it is asked with %s.exists(x, x.%s(%s))", name, orThis(shown[0]), kindName(kinds[0]), orDots(shown[0]), name, word)
	}
	var found []string
	for i := range kinds {
		found = append(found, named(kinds[i], shown[i]))
	}
	return fmt.Sprintf("%s cannot be used with %s%s", name, strings.Join(found, " and "), usage(name))
}

// compared explains == and != between values of two kinds.
func compared(op string, kinds, shown []string) string {
	text := fmt.Sprintf("%s compares values of one kind, found %s and %s", op, named(kinds[0], shown[0]), named(kinds[1], shown[1]))
	for i := range kinds {
		a, b, mine, other := kinds[i], kinds[1-i], shown[i], shown[1-i]
		switch {
		case a == "list(string)" && b == "string":
			return text + fmt.Sprintf("; a word of a list is asked for with: %s in %s", orWord(other), orDots(mine))
		case a == "string" && (b == "int" || b == "double" || b == "bool") && !strings.HasPrefix(mine, "'"):
			return text + fmt.Sprintf("; what is kept as text is compared with a word between quotes: '%s'", orDots(other))
		case (a == "int" || a == "double" || a == "bool") && b == "string" && plain.MatchString(other):
			return text + "; take the quotes away: " + strings.Trim(other, "'")
		case b == "null" || b == "null_type":
			return text + fmt.Sprintf("; whether it has a value is asked with has(%s)", orDots(mine))
		}
	}
	return text
}

// contained explains "in" where the right side is no list.
func contained(kinds, shown []string) string {
	text := fmt.Sprintf("\"in\" looks for what stands before it in the list behind it, found %s and %s", named(kinds[0], shown[0]), named(kinds[1], shown[1]))
	switch {
	case strings.HasPrefix(kinds[0], "list(") && kinds[1] == "string":
		return text + fmt.Sprintf("; the other way round: %s in %s", orWord(shown[1]), orDots(shown[0]))
	case strings.HasPrefix(kinds[0], "list(") && strings.HasPrefix(kinds[1], "list("):
		return text + fmt.Sprintf("; whether they share one is asked with %s.exists(x, x in %s)", orDots(shown[0]), orDots(shown[1]))
	case kinds[1] == "string":
		return text + fmt.Sprintf("; for one word write %s == %s, for several: %s in ['a', 'b']", orDots(shown[0]), orWord(shown[1]), orDots(shown[0]))
	}
	return text
}

// indexed explains square brackets behind what has no parts by number or name.
func indexed(kinds, shown []string) string {
	switch {
	case strings.HasPrefix(kinds[0], "list("):
		return fmt.Sprintf("a list is asked by number, from 0, found %s; of what is in it, it is asked with %s.exists(x, condition)", named(kinds[1], shown[1]), orDots(shown[0]))
	case strings.HasPrefix(shown[1], "'") && kinds[0] != "string":
		return fmt.Sprintf("a field is written with a dot: %s.%s", orDots(shown[0]), strings.Trim(shown[1], "'"))
	}
	return fmt.Sprintf("square brackets stand behind a list, found %s", named(kinds[0], shown[0]))
}

// sized adds how a list is counted where one is compared with a number.
func sized(kinds, shown []string) string {
	for i, k := range kinds {
		if strings.HasPrefix(k, "list(") {
			return fmt.Sprintf("; what is in a list is counted with %s.size()", orDots(shown[i]))
		}
	}
	return ""
}

// named is a kind, and what is of that kind where it can be written shortly.
func named(kind, shown string) string {
	if shown == "" || strings.HasPrefix(kind, "null") {
		return kindName(kind)
	}
	return fmt.Sprintf("%s (%s)", kindName(kind), shown)
}

// sign is an operator as it is written.
func sign(name string) string {
	if op, ok := operators.FindReverse(name); ok && op != "" {
		return `"` + op + `"`
	}
	if name == operators.Conditional {
		return `"?:"`
	}
	return name
}

// usage says what a function takes.
func usage(name string) string {
	if text := textFunctions[name] + macros[name]; text != "" {
		return "; " + text
	}
	return ""
}

func orDots(text string) string { return orElse(text, "...") }
func orWord(text string) string { return orElse(text, "'word'") }
func orThis(text string) string { return orElse(text, "this") }

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
