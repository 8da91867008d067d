package otm

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
)

// maxValues bounds the values of a document.
const maxValues = 1 << 20

type kind int

const (
	absent kind = iota
	null
	scalar // a number or a truth value, as written
	words
	list
	object
)

// node is one value of the document, whether it was written in JSON or in YAML.
// The nil *node is an absent one: every question about it answers no, "" or nothing.
type node struct {
	kind    kind
	text    string
	items   []*node
	members []member
	place   func() string
}

type member struct {
	key   string
	value *node
	place func() string
}

// fromJSON takes over a checked JSON document.
func fromJSON(v jsontree.Value) *node {
	n := &node{place: v.At}
	switch {
	case !v.Exists():
		return nil
	case v.Null():
		n.kind = null
	case v.Object():
		n.kind = object
		members := v.Members()
		n.members = make([]member, 0, len(members))
		for _, m := range members {
			value := fromJSON(m.Value)
			n.members = append(n.members, member{key: m.Key, value: value, place: value.place})
		}
	case v.Array():
		n.kind = list
		items := v.Items()
		n.items = make([]*node, 0, len(items))
		for _, item := range items {
			n.items = append(n.items, fromJSON(item))
		}
	case v.Words():
		n.kind, n.text = words, v.Text()
	default:
		n.kind, n.text = scalar, string(v.Raw())
	}
	return n
}

type yamlReader struct {
	opts imported.Options
	left int
}

// fromYAML takes over a YAML document, without what makes YAML dangerous.
func fromYAML(y *yaml.Node, opts imported.Options) (*node, error) {
	r := yamlReader{opts: opts, left: maxValues}
	return r.node(y, 0)
}

func (r *yamlReader) fault(y *yaml.Node, format string, args ...any) error {
	return fault.New(fault.Invalid, "model.syntax", "the model file cannot be read").With(r.opts.At(y.Line, y.Column), format, args...)
}

// normal brings attributes that are no mapping, against the schema, into one: a
// list of pairs becomes their mapping, all else stands under "value".
func (n *node) normal() {
	if n == nil {
		return
	}
	for i := range n.members {
		m := &n.members[i]
		if same(m.key, "attributes") && !m.value.none() && m.value.kind != object {
			all := &node{kind: object, place: m.value.place}
			for _, item := range m.value.each() {
				if item.is(object) {
					all.members = append(all.members, item.members...)
				} else {
					all.members = append(all.members, member{key: "value", value: item, place: item.place})
				}
			}
			m.value = all
		}
		m.value.normal()
	}
	for _, item := range n.items {
		item.normal()
	}
}

// number is what JSON accepts as one.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func (r *yamlReader) node(y *yaml.Node, depth int) (*node, error) {
	at := func() string { return r.opts.At(y.Line, y.Column) }
	n := &node{place: at}
	if r.left--; r.left < 0 {
		return nil, r.fault(y, "holds more than %d values", maxValues)
	}
	switch {
	case y.Kind == yaml.AliasNode:
		return nil, r.fault(y, "aliases are not read: write the value out")
	case depth > imported.MaxDepth:
		return nil, r.fault(y, "is nested deeper than %d levels", imported.MaxDepth)
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = object
		for i := 0; i+1 < len(y.Content); i += 2 {
			k := y.Content[i]
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
				return nil, r.fault(k, "a key must be a plain text")
			}
			v, err := r.node(y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			n.members = append(n.members, member{key: k.Value, value: v, place: func() string { return r.opts.At(k.Line, k.Column) }})
		}
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			v, err := r.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, v)
		}
	default:
		n.text = strings.ReplaceAll(y.Value, "\x00", "\uFFFD")
		plain := y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
		switch {
		case plain && y.Tag == "!!null":
			n.kind, n.text = null, ""
		case plain && (n.text == "true" || n.text == "false" || number.MatchString(n.text)):
			n.kind = scalar
		default:
			n.kind = words
		}
	}
	return n, nil
}

// at returns the place of the value; that of a missing one is its owner's, which callers give.
func (n *node) at() string {
	if n == nil || n.place == nil {
		return ""
	}
	return n.place()
}

// is reports whether the value is there and of the kind.
func (n *node) is(k kind) bool { return n != nil && n.kind == k }

// none reports whether the value is absent or null.
func (n *node) none() bool { return n == nil || n.kind == null }

// get returns the last value of the first of the keys that is there, compared
// without regard to case, '_' and '-'.
func (n *node) get(keys ...string) *node {
	if n == nil {
		return nil
	}
	for _, key := range keys {
		for i := len(n.members) - 1; i >= 0; i-- {
			if same(n.members[i].key, key) {
				return n.members[i].value
			}
		}
	}
	return nil
}

var plain = strings.NewReplacer("_", "", "-", "")

// same compares keys without regard to case, '_' and '-'. It is asked for each key of
// each object, so that what differs in plain letters is told without rewriting both.
func same(a, b string) bool {
	if a == b {
		return true
	}
	for i, j := 0, 0; ; i, j = i+1, j+1 {
		for i < len(a) && (a[i] == '_' || a[i] == '-') {
			i++
		}
		for j < len(b) && (b[j] == '_' || b[j] == '-') {
			j++
		}
		switch {
		case i == len(a) || j == len(b):
			return i == len(a) && j == len(b)
		case a[i] >= utf8.RuneSelf || b[j] >= utf8.RuneSelf:
			return strings.EqualFold(plain.Replace(a[i:]), plain.Replace(b[j:]))
		case lower(a[i]) != lower(b[j]):
			return false
		}
	}
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// str returns a text, and a number or truth value as written; "" for all else.
func (n *node) str() string {
	if n.is(scalar) || n.is(words) {
		return n.text
	}
	return ""
}

func (n *node) number() (float64, bool) {
	if n == nil || n.kind != scalar && n.kind != words {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(n.text), "%"), 64)
	if err != nil || f != f || f > 1e9 || f < -1e9 {
		return 0, false
	}
	return f, true
}

func (n *node) truth() bool {
	return strings.EqualFold(n.str(), "true") || strings.EqualFold(n.str(), "yes")
}

// each returns the values of a list, a single value as a list of one, and nothing for null.
func (n *node) each() []*node {
	switch {
	case n.none():
		return nil
	case n.kind == list:
		return n.items
	}
	return []*node{n}
}

// raw returns the value as JSON.
func (n *node) raw() json.RawMessage {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

func (n *node) write(b *bytes.Buffer) {
	switch {
	case n.none():
		b.WriteString("null")
	case n.kind == scalar:
		b.WriteString(n.text)
	case n.kind == words:
		quote(b, n.text)
	case n.kind == list:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	default:
		writeMembers(b, n.members)
	}
}

func writeMembers(b *bytes.Buffer, members []member) {
	last := make(map[string]int, len(members)) // of a key given twice the last counts
	for i, m := range members {
		last[m.key] = i
	}
	b.WriteByte('{')
	first := true
	for i, m := range members {
		if last[m.key] != i {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		quote(b, m.key)
		b.WriteByte(':')
		m.value.write(b)
	}
	b.WriteByte('}')
}

func quote(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err == nil {
		b.Truncate(b.Len() - 1) // Encode ends the line
	}
}
