package tlyaml

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The writer emits a small subset of YAML: block mappings and lists indented by
// two, flow mappings for points and boxes, plain or double-quoted scalars, and
// literal blocks for texts of several lines. It is our own so that the bytes in
// a repository do not change with a library's version.

type value interface {
	emit(b *bytes.Buffer, indent int)
}

// scalar is one that needs no quotes: a number, true, false, null.
type scalar string

// text is a string, quoted where it must be.
type text string

type pair struct {
	key   string
	value value
	notes
}

// notes are what a person wrote around a value, as it stood in the file: the
// lines of comments and blanks before it, and a comment at the end of its line.
type notes struct {
	before string // whole lines
	after  string // with the blanks before it
}

type (
	mapping []pair
	flow    []pair // a mapping on one line
	list    []value
)

// noted is an item of a list with what a person wrote around it.
type noted struct {
	value
	notes
}

// write writes a value with the comment at the end of its first line.
func (n notes) write(b *bytes.Buffer, v value, indent int) {
	if n.after == "" {
		v.emit(b, indent)
		return
	}
	var whole bytes.Buffer
	v.emit(&whole, indent)
	first, rest, _ := strings.Cut(whole.String(), "\n")
	b.WriteString(first + n.after + "\n" + rest)
}

func (s scalar) emit(b *bytes.Buffer, _ int) { b.WriteString(" " + string(s) + "\n") }

func (t text) emit(b *bytes.Buffer, indent int) {
	s := string(t)
	if header, ok := literal(s); ok {
		b.WriteString(" " + header + "\n")
		for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
			if line != "" {
				b.WriteString(strings.Repeat(" ", indent) + line)
			}
			b.WriteByte('\n')
		}
		return
	}
	b.WriteString(" " + scalarText(s) + "\n")
}

func (m mapping) emit(b *bytes.Buffer, indent int) {
	if len(m) == 0 {
		b.WriteString(" {}\n")
		return
	}
	b.WriteByte('\n')
	m.pairs(b, indent, strings.Repeat(" ", indent))
}

func (m mapping) pairs(b *bytes.Buffer, indent int, first string) {
	for i, p := range m {
		b.WriteString(p.before)
		if i == 0 {
			b.WriteString(first)
		} else {
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString(scalarText(p.key) + ":")
		p.write(b, p.value, indent+2)
	}
}

func (f flow) emit(b *bytes.Buffer, _ int) {
	b.WriteString(" {")
	for i, p := range f {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(scalarText(p.key) + ":")
		var one bytes.Buffer
		p.value.emit(&one, 0)
		b.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
	}
	b.WriteString("}\n")
}

func (l list) emit(b *bytes.Buffer, indent int) {
	if len(l) == 0 {
		b.WriteString(" []\n")
		return
	}
	b.WriteByte('\n')
	for _, v := range l {
		emitItem(b, v, indent)
	}
}

func emitItem(b *bytes.Buffer, v value, indent int) {
	var around notes
	if n, ok := v.(noted); ok {
		v, around = n.value, n.notes
	}
	b.WriteString(around.before)
	lead := strings.Repeat(" ", indent) + "-"
	if m, ok := v.(mapping); ok && len(m) > 0 {
		m.pairs(b, indent+2, lead+" ")
		return
	}
	b.WriteString(lead)
	around.write(b, v, indent+2)
}

// literal reports whether the string can stand as a literal block, and its header.
func literal(s string) (header string, ok bool) {
	body, header := s, "|-"
	if strings.HasSuffix(s, "\n") {
		body, header = s[:len(s)-1], "|"
	}
	if !strings.Contains(body, "\n") || strings.HasSuffix(body, "\n") || strings.HasPrefix(body, "\n") {
		return "", false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") || strings.TrimRight(line, " \t") != line {
			return "", false
		}
	}
	for _, r := range body {
		if r != '\n' && !printable(r) {
			return "", false
		}
	}
	return header, true
}

// printable is the part of YAML's printable characters that no editor changes.
func printable(r rune) bool {
	switch {
	case r < 0x20, r == 0x7f, r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r >= 0xfff0 && r <= 0xffff, r == utf8.RuneError:
		return false
	}
	return true
}

// scalarText returns the string plain, where every YAML version reads it back as
// the same string, or in double quotes.
func scalarText(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == utf8.RuneError:
			b.WriteString(`\uFFFD`)
		case !printable(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// reserved are the plain words that some YAML reads as something else than a string.
var reserved = map[string]bool{
	"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true,
	"null": true, "nan": true, "inf": true,
}

const longestReserved = len("false")

func plain(s string) bool {
	if s == "" || strings.HasSuffix(s, " ") || len(s) <= longestReserved && reserved[strings.ToLower(s)] {
		return false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if i == 0 && !letter {
			return false
		}
		if !letter && !(r >= '0' && r <= '9') && !strings.ContainsRune(" -./()+", r) {
			return false
		}
	}
	if !strings.ContainsRune("iInN", rune(s[0])) {
		return true // of what begins with a letter, only infinity and nan are numbers
	}
	_, err := strconv.ParseFloat(s, 64)
	return err != nil
}
