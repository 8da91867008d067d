package library

import (
	"fmt"
	"slices"
	"strings"
)

// misread is the first place where an expression is no CEL; at counts characters from 0.
type misread struct {
	at   int
	text string
}

// misreading finds where text that CEL's parser refuses stops being an
// expression, and says what was expected there and what would fit. The parser
// itself tells in the words of its grammar. It is nil where only the parser knows better.
func misreading(source string) *misread {
	r := &reader{source: []rune(source)}
	r.tokens = celTokens(r.source)
	for r.i < len(r.tokens) && r.found == nil {
		if r.operand {
			r.after()
		} else {
			r.before()
		}
		r.i++
	}
	if r.found == nil {
		r.end()
	}
	return r.found
}

// reader goes through the tokens of an expression once. It stands before an
// operand, or after one.
type reader struct {
	source  []rune
	tokens  []celToken
	i       int
	operand bool      // the token before ends an operand
	open    []celOpen // brackets that are open
	found   *misread
}

// celOpen is an open bracket.
type celOpen struct {
	at       int // token
	text     string
	call     bool
	question int // conditions with ? whose : is still to come
}

func (r *reader) fail(at int, format string, args ...any) {
	if r.found == nil {
		r.found = &misread{at, fmt.Sprintf(format, args...)}
	}
}

// said are words of other languages, and what says the same here.
var said = map[string]string{
	"and": "&&", "or": "||", "not": "!", "is": "==", "equals": "==", "eq": "==", "ne": "!=", "neq": "!=", "isnt": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "xor": "!=",
}

// reserved are words that CEL keeps for itself.
var reserved = []string{"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"}

const conditional = "a choice is written: condition ? value : other value"

// before reads a token where a value is expected.
func (r *reader) before() {
	t := r.tokens[r.i]
	switch {
	case t.kind == textToken:
		r.text(t)
		r.operand = true
	case t.kind == numberToken:
		if strings.Count(t.text, ".") > 1 {
			r.fail(t.from, "%s is no number; a version is compared as text, between quotes: '%s'", t.text, t.text)
		}
		r.operand = true
	case t.kind == identToken && r.i+1 < len(r.tokens) && r.tokens[r.i+1].kind == textToken && r.tokens[r.i+1].from == t.to && strings.Trim(t.text, "rRbB") == "":
		// the letter before a raw text
	case t.kind == identToken:
		r.name(t)
	case is(r.tokens, r.i, ".") && r.i+1 < len(r.tokens) && r.tokens[r.i+1].kind == numberToken:
		// .5
	case is(r.tokens, r.i, "(", "[", "{"):
		r.open = append(r.open, celOpen{at: r.i, text: t.text})
	case is(r.tokens, r.i, "!", "-"):
		if t.text == "!" && is(r.tokens, r.i+1, "=") {
			r.fail(t.from, "expected a value before \"!=\", found none")
		}
	case is(r.tokens, r.i, ")", "]", "}"):
		r.empty(t)
	case is(r.tokens, r.i, ".") && r.i+1 < len(r.tokens) && r.tokens[r.i+1].kind == identToken:
		r.fail(t.from, "expected a name before the dot, found none; a field is written like answers.%s", r.tokens[r.i+1].text)
	default:
		r.sign(t)
		if r.i > 0 && r.binary(r.i-1) {
			r.fail(t.from, "two operators follow each other, %q and %q; expected a value between them", r.tokens[r.i-1].text, t.text)
		}
		r.fail(t.from, "expected a value before %q, found none", t.text)
	}
}

// name reads a word where a value is expected.
func (r *reader) name(t celToken) {
	r.operand = true
	word := strings.ToLower(t.text)
	known := is(r.tokens, r.i+1, ".", "(", "==", "!=", "in")
	switch {
	case t.text == "in":
		r.operand = false
		r.fail(t.from, "expected a value before \"in\", found none; it is written: 'word' in list")
	case word == "not" && !known:
		r.fail(t.from, "%q is written ! here, and around more than a name with brackets: !(a == b)", t.text)
	case slices.Contains([]string{"if", "else"}, t.text):
		r.fail(t.from, "there is no %q here; %s", t.text, conditional)
	case slices.Contains(reserved, t.text):
		r.fail(t.from, "%q is a word that the language keeps for itself and no name", t.text)
	}
}

// empty reads a closing bracket where a value is expected.
func (r *reader) empty(t celToken) {
	if r.i > 0 && len(r.open) > 0 && r.open[len(r.open)-1].at == r.i-1 && (r.open[len(r.open)-1].call || t.text != ")") {
		r.close(t)
		return
	}
	switch {
	case len(r.open) == 0:
		r.fail(t.from, "%q closes nothing; take it away, or open it before", t.text)
	case r.i > 0 && is(r.tokens, r.i-1, ","):
		r.fail(t.from, "expected a value after the comma, found %q", t.text)
	case r.i > 0 && r.binary(r.i-1):
		r.fail(t.from, "expected a value after %q, found %q", r.tokens[r.i-1].text, t.text)
	}
	r.fail(t.from, "expected a value between the brackets, found none")
}

// after reads a token behind a value, where an operator or the end is expected.
func (r *reader) after() {
	t := r.tokens[r.i]
	last := r.tokens[r.i-1]
	switch {
	case is(r.tokens, r.i, "."):
		r.member()
	case is(r.tokens, r.i, "("):
		if last.kind != identToken {
			r.fail(t.from, "expected an operator before \"(\", for example && or ||")
		}
		r.open = append(r.open, celOpen{at: r.i, text: "(", call: true})
		r.operand = false
	case is(r.tokens, r.i, "["):
		r.open = append(r.open, celOpen{at: r.i, text: "["})
		r.operand = false
	case is(r.tokens, r.i, ")", "]", "}"):
		r.close(t)
	case is(r.tokens, r.i, ","):
		if len(r.open) == 0 {
			r.fail(t.from, "a comma stands only between brackets; to ask for both write &&, for either ||")
		}
		r.operand = false
	case is(r.tokens, r.i, "?", ":"):
		r.choice(t)
	case r.binary(r.i):
		r.operand = false
		if t.text == "<" && is(r.tokens, r.i+1, ">") {
			r.fail(t.from, "\"<>\" is no operator; write != for “is not”")
		}
		if is(r.tokens, r.i+1, "=") && slices.Contains([]string{"==", "!="}, t.text) {
			r.fail(t.from, "\"%s=\" is no operator; write %s", t.text, t.text)
		}
	case t.kind == identToken:
		r.word(t)
	case t.kind == textToken || t.kind == numberToken:
		if t.kind == textToken && t.open {
			r.text(t)
		}
		r.fail(t.from, "expected an operator before %s, for example == to compare, && or || to join", r.written(t))
	default:
		r.sign(t)
		if t.text == "!" {
			r.fail(t.from, "expected an operator before \"!\", for example && or ||; “is not” is written !=")
		}
		r.fail(t.from, "expected an operator or the end, found %q", t.text)
	}
}

// member reads what follows a dot.
func (r *reader) member() {
	dot := r.tokens[r.i]
	if r.i+1 >= len(r.tokens) {
		r.fail(dot.to, "it ends too early: expected a name after the dot")
		return
	}
	next := r.tokens[r.i+1]
	switch {
	case next.kind == identToken && (next.text == "in" || next.text == "true" || next.text == "false"):
		r.fail(next.from, "%q is a word that the language keeps for itself and no name", next.text)
	case next.kind != identToken:
		r.fail(next.from, "expected a name after the dot, found %s", r.written(next))
	default:
		r.i++ // the name was looked at
	}
}

// word reads a word where an operator is expected.
func (r *reader) word(t celToken) {
	switch word := strings.ToLower(t.text); {
	case t.text == "in":
		r.operand = false
	case word == "in":
		r.fail(t.from, "%q is written in small letters: in", t.text)
	case word == "not" && r.i+1 < len(r.tokens) && strings.EqualFold(r.tokens[r.i+1].text, "in"):
		r.fail(t.from, "\"not in\" is written with ! before brackets: !(%s in ...)", r.written(r.tokens[r.i-1]))
	case word == "is" && r.i+1 < len(r.tokens) && strings.EqualFold(r.tokens[r.i+1].text, "not"):
		r.fail(t.from, "\"is not\" is written != here")
	case said[word] != "":
		r.fail(t.from, "%q is written %s here", t.text, said[word])
	case word == "contains" || word == "like" || word == "matches" || word == "startswith" || word == "endswith":
		r.fail(t.from, "%q is no operator; a part of a text is asked for with .contains('part'), a word of a list with: 'word' in list", t.text)
	case word == "then" || word == "else":
		r.fail(t.from, "there is no %q here; %s", t.text, conditional)
	}
	r.fail(t.from, "expected an operator before %q, for example == to compare, && or || to join%s", t.text, unquoted(r.tokens, r.i))
}

// unquoted says that words of texts need quotes, where one seems to be meant.
func unquoted(tokens []celToken, i int) string {
	if is(tokens, i-2, "==", "!=") && tokens[i-1].kind == identToken {
		return "; a text of several words stands between quotes"
	}
	return ""
}

// choice reads the parts of condition ? value : other.
func (r *reader) choice(t celToken) {
	r.operand = false
	if len(r.open) == 0 {
		r.open = append(r.open, celOpen{at: -1})
	}
	of := &r.open[len(r.open)-1]
	switch {
	case t.text == "?":
		of.question++
	case of.question > 0:
		of.question--
	case of.text != "{":
		r.fail(t.from, "\":\" belongs to a \"?\" before it; %s", conditional)
	}
	if of.at < 0 && of.question == 0 {
		r.open = r.open[:len(r.open)-1]
	}
}

// close reads a closing bracket after a value.
func (r *reader) close(t celToken) {
	r.operand = true
	pair := map[string]string{")": "(", "]": "[", "}": "{"}[t.text]
	if len(r.open) == 0 || r.open[len(r.open)-1].at < 0 {
		r.fail(t.from, "%q closes nothing; take it away, or open it before", t.text)
		return
	}
	last := r.open[len(r.open)-1]
	switch {
	case last.text != pair:
		r.fail(t.from, "%q cannot close the %q of %s; expected %q", t.text, last.text, r.place(last.at), closing(last.text))
	case last.question > 0:
		r.fail(t.from, "expected \":\" and another value; %s", conditional)
	}
	r.open = r.open[:len(r.open)-1]
}

// end looks at what is missing when everything was read.
func (r *reader) end() {
	n := len(r.source)
	for n > 0 && strings.ContainsRune(" \t\r\n", r.source[n-1]) {
		n--
	}
	switch {
	case len(r.tokens) == 0:
	case !r.operand:
		r.fail(n, "it ends too early: expected a value after %q", r.tokens[len(r.tokens)-1].text)
	case len(r.open) > 0 && (r.open[len(r.open)-1].question > 0 || r.open[len(r.open)-1].at < 0):
		r.fail(n, "it ends too early: expected \":\" and another value; %s", conditional)
	case len(r.open) > 0:
		last := r.open[len(r.open)-1]
		r.fail(n, "it ends too early: expected %q for the %q of %s", closing(last.text), last.text, r.place(last.at))
	}
}

// text looks at a text that may not end.
func (r *reader) text(t celToken) {
	if !t.open {
		return
	}
	quote := string(r.source[t.from])
	if other := map[string]string{"'": "\"", "\"": "'"}[quote]; strings.HasSuffix(t.text, other) {
		r.fail(t.from, "the text that begins here with %s ends with %s; expected the same quote at both ends", quote, other)
	}
	r.fail(t.from, "the text that begins here has no end; expected another %s", quote)
}

// sign looks at signs that are no operators.
func (r *reader) sign(t celToken) {
	switch t.text {
	case "=":
		if is(r.tokens, r.i+1, ">") {
			r.fail(t.from, "\"=>\" is no operator here; a condition over a list is written list.exists(c, condition), “at least” >=")
		}
		r.fail(t.from, "\"=\" is no operator; write == to compare")
	case "&", "|":
		r.fail(t.from, "%q is no operator; write %s%s", t.text, t.text, t.text)
	case "“", "”", "‘", "’", "„", "`", "´", "«", "»":
		r.fail(t.from, "%s is no quote here; expected a straight one, ' or \"", t.text)
	case ";":
		r.fail(t.from, "no semicolon ends an expression; take it away")
	case "#":
		r.fail(t.from, "a remark begins with // here")
	case "@", "$", "~", "^", "\\":
		r.fail(t.from, "%q means nothing here; take it away", t.text)
	}
}

// binary tells whether the token joins two values.
func (r *reader) binary(i int) bool {
	return is(r.tokens, i, "==", "!=", "<", ">", "<=", ">=", "&&", "||", "+", "-", "*", "/", "%", "in", "?", ":")
}

// written is a token as it stands in the expression.
func (r *reader) written(t celToken) string {
	text := string(r.source[t.from:t.to])
	if t.kind == textToken {
		return text
	}
	return `"` + text + `"`
}

func (r *reader) place(token int) string {
	line, column := lineOf(r.source, r.tokens[token].from)
	if line == 1 {
		return fmt.Sprintf("column %d", column+1)
	}
	return fmt.Sprintf("line %d", line)
}

func closing(open string) string { return map[string]string{"(": ")", "[": "]", "{": "}"}[open] }

// lineOf returns the line from 1 and the column from 0 of a character.
func lineOf(source []rune, at int) (line, column int) {
	line = 1
	for _, c := range source[:min(at, len(source))] {
		column++
		if c == '\n' {
			line, column = line+1, 0
		}
	}
	return line, column
}
