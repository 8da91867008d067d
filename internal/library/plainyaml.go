package library

import (
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// What plainYAML reads at most; the other parsers and their limits take over where that is too little.
const (
	plainDepth = 32
	plainKeys  = 1000 // of one mapping
)

// plainYAML reads the part of YAML that the library inside the program is written in: blocks of
// mappings and lists, lists and mappings in brackets on one line, words, text in quotes on one line
// and text blocks. It is nil for everything else, and for whatever is not surely YAML. It takes a
// fifth of quickYAML's time and a third of its memory, and each start of the program waits for it. Only files
// inside the program are read with it: a test reads each of them with the other parsers too.
func plainYAML(content string) *node {
	if !plainText(content) {
		return nil
	}
	p := &plainParser{text: content}
	if !p.begin() || p.indent != 0 {
		return nil
	}
	body, ok := p.mapping(0, 1)
	if !ok || p.pos < len(content) {
		return nil
	}
	return &body
}

// plainText tells whether the text has whole lines of ordinary characters.
func plainText(content string) bool {
	if !strings.HasSuffix(content, "\n") {
		return false
	}
	for i := 0; i < len(content); {
		c := content[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(content[i:])
		if r == utf8.RuneError || r < 0xa1 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return false
		}
		i += size
	}
	return true
}

// plainParser stands at a line's first character that is no space, or behind one in the line.
type plainParser struct {
	text   string
	pos    int
	start  int // of the line
	line   int // from 1; 0 before the first
	indent int // spaces before the line's first character
	stack  []node
}

// begin goes to the next line, from a line's start, that is neither blank nor a comment; at the end of the text pos is behind it.
func (p *plainParser) begin() bool {
	for p.pos < len(p.text) {
		p.start = p.pos
		p.line++
		for p.text[p.pos] == ' ' {
			p.pos++
		}
		if c := p.text[p.pos]; c != '\n' && c != '#' {
			p.indent = p.pos - p.start
			// Marks of documents, directives and the like begin a line.
			return p.indent > 0 || c != '-' && c != '.' && c != '%' || strings.HasPrefix(p.text[p.pos:], "- ")
		}
		p.skipLine()
	}
	p.indent = -1
	return true
}

// skipLine goes behind the line's end.
func (p *plainParser) skipLine() { p.pos += strings.IndexByte(p.text[p.pos:], '\n') + 1 }

// end leaves a line behind what was read in it; only a comment may follow there.
func (p *plainParser) end() bool {
	from := p.pos
	p.spaces()
	if c := p.text[p.pos]; c != '\n' && (c != '#' || p.pos == from) {
		return false
	}
	p.skipLine()
	return p.begin()
}

func (p *plainParser) spaces() {
	for p.text[p.pos] == ' ' {
		p.pos++
	}
}

// at is a node that begins here.
func (p *plainParser) at(f form) node {
	return node{form: f, line: int32(p.line), column: int32(utf8.RuneCountInString(p.text[p.start:p.pos]) + 1)}
}

// take makes the items of a node of what is on the stack since it had the height.
func (p *plainParser) take(height int) []node {
	items := make([]node, len(p.stack)-height)
	copy(items, p.stack[height:])
	p.stack = p.stack[:height]
	return items
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// key reads a word with its colon, and not what follows.
func (p *plainParser) key() (node, bool) {
	to := p.pos
	for c := p.text[to]; wordByte(c) || to > p.pos && (c == '_' || c == '-' || c == '.' || c == '/'); c = p.text[to] {
		to++
	}
	if to == p.pos || p.text[to] != ':' || p.text[to+1] != ' ' && p.text[to+1] != '\n' {
		return node{}, false
	}
	n := p.at(textForm)
	n.text = p.text[p.pos:to]
	p.pos = to + 1
	return n, true
}

// mapping reads a block whose keys stand in the column indent, from 0, from its first key on.
func (p *plainParser) mapping(indent, depth int) (node, bool) {
	n := p.at(mappingForm)
	height := len(p.stack)
	for {
		key, ok := p.key()
		if !ok || depth > plainDepth || len(p.stack)-height > 2*plainKeys {
			return n, false
		}
		p.stack = append(p.stack, key)
		value, ok := p.value(indent, depth)
		if !ok || p.indent > indent {
			return n, false
		}
		if p.stack = append(p.stack, value); p.indent < indent {
			break
		}
	}
	n.items = p.take(height)
	return n, true
}

// value reads what stands behind a key, in its line or below it.
func (p *plainParser) value(indent, depth int) (node, bool) {
	p.spaces()
	if c := p.text[p.pos]; c != '\n' && c != '#' {
		return p.inLine(indent, depth)
	}
	if !p.end() {
		return node{}, false
	}
	list := p.indent >= 0 && strings.HasPrefix(p.text[p.pos:], "- ")
	switch {
	case list && p.indent >= indent:
		return p.list(p.indent, depth+1)
	case p.indent > indent:
		return p.mapping(p.indent, depth+1)
	}
	return node{}, false
}

// list reads a block whose dashes stand in the column indent, from its first dash on.
func (p *plainParser) list(indent, depth int) (node, bool) {
	n := p.at(listForm)
	height := len(p.stack)
	for {
		if depth > plainDepth || !strings.HasPrefix(p.text[p.pos:], "- ") {
			return n, false
		}
		p.pos++
		p.spaces()
		column := p.pos - p.start
		var item node
		from := p.pos
		_, ok := p.key()
		if p.pos = from; ok {
			item, ok = p.mapping(column, depth+1)
		} else {
			item, ok = p.inLine(indent, depth)
		}
		if !ok || p.indent > indent {
			return n, false
		}
		p.stack = append(p.stack, item)
		// A list may stand in the column of its key, so what follows in it need not be an item.
		if p.indent < indent || !strings.HasPrefix(p.text[p.pos:], "- ") {
			break
		}
	}
	n.items = p.take(height)
	return n, true
}

// inLine reads a value that begins in the line of its key or dash, and the rest of the
// line; what stands in the column indent or before it is no part of the value.
func (p *plainParser) inLine(indent, depth int) (node, bool) {
	var n node
	ok := false
	switch c := p.text[p.pos]; c {
	case '|', '>':
		return p.block(indent)
	case '[', '{':
		n, ok = p.brackets(depth + 1)
	case '"', '\'':
		n, ok = p.quoted()
	default:
		n, ok = p.word(false)
	}
	// Words go on in lines further in, which is for the other parsers.
	return n, ok && p.end() && p.indent <= indent
}

// quoted reads text in quotes that ends in the line and holds nothing special but quotes and backslashes.
func (p *plainParser) quoted() (node, bool) {
	n := p.at(textForm)
	quote := p.text[p.pos]
	special := false
	for to := p.pos + 1; p.text[to] != '\n'; to++ {
		c, next := p.text[to], p.text[to+1:]
		switch {
		case c == '\\' && quote == '"':
			if next[0] != '\\' && next[0] != '"' {
				return n, false
			}
			special = true
			to++
		case c == quote && quote == '\'' && next[0] == quote:
			special = true
			to++
		case c == quote:
			n.text = p.text[p.pos+1 : to]
			if special {
				n.text = quotedSigns[quote].Replace(n.text)
			}
			p.pos = to + 1
			return n, true
		}
	}
	return n, false
}

// quotedSigns are the signs that a text in quotes writes in another way, by its quote.
var quotedSigns = map[byte]*strings.Replacer{'"': strings.NewReplacer(`\\`, `\`, `\"`, `"`), '\'': strings.NewReplacer(`''`, `'`)}

// word reads text without quotes; in brackets it ends at their signs as well.
func (p *plainParser) word(inBrackets bool) (node, bool) {
	n := p.at(textForm)
	c := p.text[p.pos]
	if !wordByte(c) && c != '(' && (c != '-' || !wordByte(p.text[p.pos+1])) && c != '/' {
		return n, false
	}
	to, last := p.pos, p.pos
	for ; p.text[to] != '\n'; to++ {
		c := p.text[to]
		if c == '#' && p.text[to-1] == ' ' {
			break
		}
		if c == ':' && (p.text[to+1] == ' ' || p.text[to+1] == '\n') {
			return n, false
		}
		if inBrackets {
			if c == ',' || c == ']' || c == '}' {
				break
			}
			if c == '[' || c == '{' || c == ':' && strings.IndexByte(",[]{}\"'", p.text[to+1]) >= 0 {
				return n, false
			}
		}
		if c != ' ' {
			last = to
		}
	}
	if p.text[to] == '\n' && to > last+1 {
		return n, false // the places of the others are others after spaces at the end
	}
	n.text = p.text[p.pos : last+1]
	if p.pos = to; p.text[to] == '#' {
		p.pos-- // the space before it makes it a comment
	}
	switch n.text {
	case "null", "Null", "NULL":
		n.form, n.text = nullForm, ""
	case "true", "True", "TRUE":
		n.form, n.yes, n.text = boolForm, true, ""
	case "false", "False", "FALSE":
		n.form, n.text = boolForm, ""
	default:
		if c := n.text[0]; c == '-' || c >= '0' && c <= '9' {
			if len(n.text) > 15 && strings.IndexByte(n.text, ' ') < 0 {
				return n, false // might be a number too large for one
			}
			if token.ToNumber(n.text) != nil {
				n.form = integerForm
			}
		}
	}
	return n, true
}

// brackets reads a list or mapping in brackets that ends in the line.
func (p *plainParser) brackets(depth int) (node, bool) {
	n := p.at(listForm)
	n.flow = true
	height := len(p.stack)
	closing := byte(']')
	if p.text[p.pos] == '{' {
		n.form, closing = mappingForm, '}'
	}
	if depth > plainDepth {
		return n, false
	}
	p.pos++
	p.spaces()
	if p.text[p.pos] == closing {
		p.pos++
		return n, true
	}
	for {
		if closing == '}' {
			key, ok := p.key()
			if !ok || len(p.stack)-height > 2*plainKeys {
				return n, false
			}
			p.stack = append(p.stack, key)
			p.spaces()
		}
		var item node
		var ok bool
		switch p.text[p.pos] {
		case '[', '{':
			item, ok = p.brackets(depth + 1)
		case '"', '\'':
			item, ok = p.quoted()
		default:
			item, ok = p.word(true)
		}
		if !ok {
			return n, false
		}
		p.stack = append(p.stack, item)
		p.spaces()
		switch p.text[p.pos] {
		case ',':
			p.pos++
			p.spaces()
		case closing:
			p.pos++
			n.items = p.take(height)
			return n, true
		default:
			return n, false
		}
	}
}

// block reads text in lines of its own, which are further in than the column indent.
func (p *plainParser) block(indent int) (node, bool) {
	n := p.at(blockForm)
	fold := p.text[p.pos] == '>'
	p.pos++
	strip := p.text[p.pos] == '-'
	if strip {
		p.pos++
	}
	if p.text[p.pos] != '\n' {
		return n, false
	}
	p.pos++
	column := -1
	var text strings.Builder
	blanks := 0
	for p.pos < len(p.text) {
		from := p.pos
		end := from + strings.IndexByte(p.text[from:], '\n')
		first := from
		for p.text[first] == ' ' {
			first++
		}
		if first == end {
			if first > from || column < 0 {
				return n, false // spaces that may belong to the text
			}
			blanks++
			p.line++
			p.pos = end + 1
			continue
		}
		in := first - from
		if column < 0 {
			if column = in; in <= indent {
				return n, false
			}
		}
		if in < column {
			if in > indent {
				return n, false
			}
			break
		}
		if fold && in > column || p.text[end-1] == ' ' {
			return n, false // lines that are not folded
		}
		switch {
		case text.Len() == 0:
		case !fold:
			text.WriteString(strings.Repeat("\n", blanks+1))
		case blanks > 0:
			text.WriteString(strings.Repeat("\n", blanks))
		default:
			text.WriteByte(' ')
		}
		blanks = 0
		text.WriteString(p.text[from+column : end])
		p.line++
		p.pos = end + 1
	}
	if column < 0 {
		return n, false
	}
	if !strip {
		text.WriteByte('\n')
	}
	n.text = text.String()
	return n, p.begin() && p.indent <= indent
}
