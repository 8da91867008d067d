package iriusrisk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The library files are written by a few lines of our own, so that comments can
// stand in them and texts of several lines are blocks that people like to read.

// node is a mapping's key with its value: a string, a number, a list of strings,
// a list of mappings, or a mapping. What is empty is left out.
type node struct {
	key     string
	value   any
	comment []string // lines above the key
	always  bool     // written even if empty
}

// mapping is an ordered mapping; line asks for it on one line, inside brackets.
type mapping struct {
	nodes   []node
	line    bool
	comment []string // lines above it, where it is an item of a list
}

func (m *mapping) add(key string, value any) *mapping {
	m.nodes = append(m.nodes, node{key: key, value: value})
	return m
}

func (m *mapping) must(key string, value any) *mapping {
	m.nodes = append(m.nodes, node{key: key, value: value, always: true})
	return m
}

// write returns the mapping as a YAML document, with comment lines at its end.
func write(m *mapping, after ...string) string {
	var b strings.Builder
	m.emit(&b, 0, "")
	for _, line := range after {
		comment(&b, 0, line)
	}
	return b.String()
}

func comment(b *strings.Builder, indent int, line string) {
	b.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+"# "+oneLine(line), " ") + "\n")
}

// oneLine keeps a text inside its comment.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return ' '
		}
		return r
	}, s)
}

func (m *mapping) emit(b *strings.Builder, indent int, first string) {
	for _, n := range m.nodes {
		if !n.always && empty(n.value) {
			continue
		}
		for _, line := range n.comment {
			comment(b, indent, line)
		}
		lead := strings.Repeat(" ", indent)
		if first != "" {
			lead, first = first, ""
		}
		b.WriteString(lead + scalar(n.key) + ":")
		emit(b, n.value, indent)
	}
}

func emit(b *strings.Builder, value any, indent int) {
	switch v := value.(type) {
	case []string:
		items := make([]string, len(v))
		for i, s := range v {
			items[i] = scalar(s)
		}
		b.WriteString(" [" + strings.Join(items, ", ") + "]\n")
	case []*mapping:
		if len(v) == 0 {
			b.WriteString(" []\n")
			return
		}
		b.WriteByte('\n')
		for _, item := range v {
			for _, line := range item.comment {
				comment(b, indent+2, line)
			}
			lead := strings.Repeat(" ", indent+2) + "- "
			if item.line {
				b.WriteString(lead + item.inline() + "\n")
				continue
			}
			item.emit(b, indent+4, lead)
		}
	case *mapping:
		if v.line || len(v.nodes) == 0 {
			b.WriteString(" " + v.inline() + "\n")
			return
		}
		b.WriteByte('\n')
		v.emit(b, indent+2, "")
	case string:
		if block(v) {
			b.WriteString(" |-\n")
			for line := range strings.SplitSeq(v, "\n") {
				if line != "" {
					b.WriteString(strings.Repeat(" ", indent+2) + line)
				}
				b.WriteByte('\n')
			}
			return
		}
		b.WriteString(" " + scalar(v) + "\n")
	default: // a number, or raw
		fmt.Fprintf(b, " %v\n", v)
	}
}

func (m *mapping) inline() string {
	var parts []string
	for _, n := range m.nodes {
		if !n.always && empty(n.value) {
			continue
		}
		var b strings.Builder
		switch v := n.value.(type) {
		case string:
			b.WriteString(" " + scalar(v))
		case *mapping:
			b.WriteString(" " + v.inline())
		case []*mapping:
			items := make([]string, len(v))
			for i, item := range v {
				items[i] = item.inline()
			}
			b.WriteString(" [" + strings.Join(items, ", ") + "]")
		default:
			emit(&b, v, 0)
		}
		parts = append(parts, scalar(n.key)+":"+strings.TrimSuffix(b.String(), "\n"))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case []*mapping:
		return len(v) == 0
	case *mapping:
		return v == nil || len(v.nodes) == 0
	case int:
		return v == 0
	}
	return false
}

// block reports whether a text of several lines can stand as a literal block.
func block(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") || strings.HasSuffix(s, "\n") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if strings.TrimRight(line, " ") != line {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !printable(r) })
}

func printable(r rune) bool {
	return r >= 0x20 && r < 0x7f || r >= 0xa0 && r != 0x2028 && r != 0x2029 && r != 0xfeff && r < 0xfff0 || r > 0xffff
}

var words = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}

// scalar returns a string plain where it cannot be taken for anything else, else in double quotes.
func scalar(s string) string {
	plain := s != "" && !slices.Contains(words, strings.ToLower(s)) && !strings.HasSuffix(s, " ")
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if i == 0 && !letter || !letter && (r < '0' || r > '9') && !strings.ContainsRune(" -./()+", r) {
			plain = false
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case printable(r):
			b.WriteRune(r)
		default:
			b.WriteString(`\u` + fmt.Sprintf("%04x", min(r, 0xffff)))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoted is a text in a CEL expression.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", " ", "\r", " ").Replace(s) + "'"
}

// serial makes a ref for the nth of a name.
func serial(ref string, n int) string { return ref + "-" + strconv.Itoa(n) }
