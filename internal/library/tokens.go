package library

import (
	"slices"
	"strings"
)

// tokenKind tells the parts of CEL apart as far as completion needs it.
type tokenKind int

const (
	identToken tokenKind = iota
	numberToken
	textToken
	signToken // an operator, a bracket, a comma or a dot
)

// celToken is a part of an expression; from and to count characters.
type celToken struct {
	kind     tokenKind
	text     string // of a text what stands between the quotes, as written
	from, to int
	open     bool // a text without its end
}

// celTokens takes text apart that need not be CEL yet: every character that
// is no space and no remark belongs to one token, whatever is wrong.
func celTokens(source []rune) []celToken {
	var all []celToken
	add := func(kind tokenKind, from, to int) {
		all = append(all, celToken{kind: kind, text: string(source[from:to]), from: from, to: to})
	}
	for i := 0; i < len(source); {
		c := source[i]
		from := i
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '/' && i+1 < len(source) && source[i+1] == '/':
			for i < len(source) && source[i] != '\n' {
				i++
			}
		case wordStart(c):
			for i < len(source) && wordPart(source[i]) {
				i++
			}
			add(identToken, from, i)
		case c >= '0' && c <= '9':
			for i < len(source) && (wordPart(source[i]) || source[i] == '.') {
				i++
			}
			add(numberToken, from, i)
		case c == '\'' || c == '"':
			for i++; i < len(source) && source[i] != c; i++ {
				if source[i] == '\\' {
					i++
				}
			}
			end := min(i, len(source))
			t := celToken{kind: textToken, text: string(source[from+1 : end]), from: from, to: end, open: end == len(source)}
			if !t.open {
				t.to++
			}
			all = append(all, t)
			i = t.to
		default:
			i++
			if i < len(source) && slices.Contains([]string{"==", "!=", "<=", ">=", "&&", "||"}, string(source[from:i+1])) {
				i++
			}
			add(signToken, from, i)
		}
	}
	return all
}

func wordStart(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func wordPart(c rune) bool  { return wordStart(c) || c >= '0' && c <= '9' }

// macros are the functions of lists that bind a variable, with what they tell.
var macros = map[string]string{
	"all":        "all(x, condition): whether every one fulfils it",
	"exists":     "exists(x, condition): whether one fulfils it",
	"exists_one": "exists_one(x, condition): whether exactly one fulfils it",
	"filter":     "filter(x, condition): those that fulfil it",
	"map":        "map(x, value): what becomes of each",
}

// texts that a value of text, and those that any value, may be asked for.
var textFunctions = map[string]string{
	"contains":   "contains(part): whether the text has the part",
	"endsWith":   "endsWith(part): whether the text ends so",
	"matches":    "matches(pattern): whether a regular expression fits a part of the text",
	"size":       "size(): how many characters",
	"startsWith": "startsWith(part): whether the text begins so",
}

// is tells whether the token at i is the sign or word.
func is(tokens []celToken, i int, texts ...string) bool {
	return i >= 0 && i < len(tokens) && tokens[i].kind != textToken && slices.Contains(texts, tokens[i].text)
}

// pathTo returns the chain of names, joined by dots, that ends with the token at i; nil where there is none.
func pathTo(tokens []celToken, i int) []string {
	if i < 0 || i >= len(tokens) || tokens[i].kind != identToken || is(tokens, i, "in", "true", "false") {
		return nil
	}
	path := []string{tokens[i].text}
	for is(tokens, i-1, ".") {
		if i -= 2; i < 0 || tokens[i].kind != identToken {
			return nil
		}
		path = append([]string{tokens[i].text}, path...)
	}
	return path
}

// pathFrom returns the chain of names that begins with the token at i; nil where there is none.
func pathFrom(tokens []celToken, i int) []string {
	for is(tokens, i+1, ".") {
		i += 2
	}
	if is(tokens, i+1, "(") {
		return nil
	}
	return pathTo(tokens, min(i, len(tokens)-1))
}

// bound returns the variables of the macros that are open before the token at end, with
// the path of what each ranges over; inner ones last.
func bound(tokens []celToken, end int) []boundVariable {
	var stack []boundVariable
	for i := range min(end, len(tokens)) {
		switch {
		case is(tokens, i, "(", "[", "{"):
			var v boundVariable
			if _, macro := macros[before(tokens, i)]; macro && is(tokens, i-2, ".") && is(tokens, i+2, ",") && tokens[i+1].kind == identToken {
				v = boundVariable{name: tokens[i+1].text, over: pathTo(tokens, i-3)}
			}
			stack = append(stack, v)
		case is(tokens, i, ")", "]", "}"):
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
		}
	}
	return slices.DeleteFunc(stack, func(v boundVariable) bool { return v.name == "" })
}

type boundVariable struct {
	name string
	over []string
}

func before(tokens []celToken, i int) string {
	if i > 0 && tokens[i-1].kind == identToken {
		return tokens[i-1].text
	}
	return ""
}

// begins tells whether a word begins as the person typed, whatever the case.
func begins(word, typed string) bool {
	return strings.HasPrefix(strings.ToLower(word), strings.ToLower(typed))
}
