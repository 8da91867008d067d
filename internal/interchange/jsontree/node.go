package jsontree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/interchange/imported"
)

// Node is a JSON value that can be changed. Keys keep their order, numbers their
// spelling; what is not changed is written as it was read. A nil Node is an
// absent value: it has no members and reads as "".
type Node struct {
	raw     []byte // of what is neither an object nor a list
	object  bool
	list    bool
	members []nodeMember
	items   []*Node
}

type nodeMember struct {
	key   []byte // as written, with its quotes
	value *Node
}

// Edit returns a copy of the value that can be changed; nil for an absent value.
func (v Value) Edit() *Node {
	switch {
	case !v.Exists():
		return nil
	case v.Object():
		n := &Node{object: true}
		v.each(func(name []byte, value Value) { n.members = append(n.members, nodeMember{name, value.Edit()}) })
		return n
	case v.Array():
		n := &Node{list: true}
		for _, item := range v.Items() {
			n.items = append(n.items, item.Edit())
		}
		return n
	}
	return &Node{raw: v.raw}
}

// NewObject returns an object without keys.
func NewObject() *Node { return &Node{object: true} }

// NewList returns a list of the nodes.
func NewList(items ...*Node) *Node { return &Node{list: true, items: items} }

// String returns a text.
func String(s string) *Node { return &Node{raw: quote(s)} }

// Number returns a number as JSON and JavaScript write it; what is no finite number is 0.
func Number(f float64) *Node {
	b, err := json.Marshal(f)
	if err != nil {
		b = []byte("0")
	}
	return &Node{raw: b}
}

// Bool returns true or false.
func Bool(b bool) *Node { return &Node{raw: strconv.AppendBool(nil, b)} }

// Null returns null.
func Null() *Node { return &Node{raw: []byte("null")} }

// From returns the JSON of a Go value as encoding/json sees it.
func From(v any) (*Node, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("jsontree: encode: %w", err)
	}
	value, err := Parse(b, imported.Options{})
	if err != nil {
		return nil, err
	}
	return value.Edit(), nil
}

// Object reports whether the node is an object.
func (n *Node) Object() bool { return n != nil && n.object }

// List reports whether the node is a list.
func (n *Node) List() bool { return n != nil && n.list }

// Text is Value.Text.
func (n *Node) Text() string {
	if n == nil || n.object || n.list {
		return ""
	}
	return Value{raw: n.raw}.Text()
}

// IsText reports whether the node is a string.
func (n *Node) IsText() bool { return n != nil && len(n.raw) > 0 && n.raw[0] == '"' }

// Items returns the parts of a list, which may be changed; nil for anything else.
func (n *Node) Items() []*Node {
	if n == nil {
		return nil
	}
	return n.items
}

// Append adds to a list.
func (n *Node) Append(items ...*Node) { n.items = append(n.items, items...) }

// SetItem replaces a part of a list.
func (n *Node) SetItem(i int, item *Node) { n.items[i] = item }

// Len returns how many members or items the node has.
func (n *Node) Len() int {
	if n == nil {
		return 0
	}
	return len(n.members) + len(n.items)
}

// Get returns the last value of the key, nil if there is none; further keys lead into the objects below.
func (n *Node) Get(keys ...string) *Node {
	for _, key := range keys {
		if n == nil {
			return nil
		}
		n = n.get(key)
	}
	return n
}

func (n *Node) get(key string) *Node {
	for i := len(n.members) - 1; i >= 0; i-- {
		if keyIs(n.members[i].key, key) {
			return n.members[i].value
		}
	}
	return nil
}

// Set sets the value of a key at its place, or as the last one; of a key that is
// there several times the last, which is the one that counts.
func (n *Node) Set(key string, value *Node) {
	for i := len(n.members) - 1; i >= 0; i-- {
		if keyIs(n.members[i].key, key) {
			n.members[i].value = value
			return
		}
	}
	n.members = append(n.members, nodeMember{quote(key), value})
}

// SetFirst is Set that puts a new key before all others.
func (n *Node) SetFirst(key string, value *Node) {
	if n.get(key) != nil {
		n.Set(key, value)
		return
	}
	n.members = append([]nodeMember{{quote(key), value}}, n.members...)
}

// SetPath sets a value in objects below, which are made where they are missing or no objects.
func (n *Node) SetPath(value *Node, keys ...string) {
	for _, key := range keys[:len(keys)-1] {
		next := n.get(key)
		if !next.Object() {
			next = NewObject()
			n.Set(key, next)
		}
		n = next
	}
	n.Set(keys[len(keys)-1], value)
}

// Delete takes out every member of the key.
func (n *Node) Delete(key string) {
	if n == nil {
		return
	}
	kept := n.members[:0]
	for _, m := range n.members {
		if !keyIs(m.key, key) {
			kept = append(kept, m)
		}
	}
	n.members = kept
}

// Keys returns the keys of an object in their order.
func (n *Node) Keys() []string {
	if n == nil {
		return nil
	}
	keys := make([]string, len(n.members))
	for i, m := range n.members {
		keys[i] = Value{raw: m.key}.Text()
	}
	return keys
}

// Value returns the node as a document of its own.
func (n *Node) Value() Value {
	if n == nil {
		return Value{}
	}
	b := n.Bytes("")
	return Value{doc: &document{data: b}, raw: b}
}

// Bytes writes the node as JavaScript's JSON.stringify does, so that a file of a
// program written in it comes out byte for byte: characters are escaped only
// where they must be, with "" everything is on one line, without a line end.
func (n *Node) Bytes(indent string) []byte {
	var b bytes.Buffer
	n.write(&b, indent, "\n")
	return b.Bytes()
}

func (n *Node) write(b *bytes.Buffer, indent, line string) {
	switch {
	case n == nil:
		b.WriteString("null")
	case n.object:
		b.WriteByte('{')
		for i, m := range n.members {
			n.separate(b, i, indent, line)
			stringify(b, m.key)
			b.WriteByte(':')
			if indent != "" {
				b.WriteByte(' ')
			}
			m.value.write(b, indent, line+indent)
		}
		n.end(b, len(n.members), indent, line, '}')
	case n.list:
		b.WriteByte('[')
		for i, item := range n.items {
			n.separate(b, i, indent, line)
			item.write(b, indent, line+indent)
		}
		n.end(b, len(n.items), indent, line, ']')
	case len(n.raw) > 0 && n.raw[0] == '"':
		stringify(b, n.raw)
	default:
		b.Write(n.raw)
	}
}

func (n *Node) separate(b *bytes.Buffer, i int, indent, line string) {
	if i > 0 {
		b.WriteByte(',')
	}
	if indent != "" {
		b.WriteString(line + indent)
	}
}

func (n *Node) end(b *bytes.Buffer, parts int, indent, line string, close byte) {
	if parts > 0 && indent != "" {
		b.WriteString(line)
	}
	b.WriteByte(close)
}

// short are the escapes that JSON.stringify writes with one letter.
var short = map[rune]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

// stringify writes a string literal with the escapes that JSON.stringify would use.
func stringify(b *bytes.Buffer, literal []byte) {
	b.WriteByte('"')
	for i := 1; i < len(literal)-1; {
		r, size := utf8.DecodeRune(literal[i:])
		if r == '\\' {
			r, size = escaped(literal[i:])
		}
		i += size
		switch c, ok := short[r]; {
		case ok:
			b.WriteByte('\\')
			b.WriteByte(c)
		case r < 0x20 || utf16.IsSurrogate(r):
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// escaped returns the character of the escape at the begin of s, and its length.
// Half of a surrogate pair stays what it is.
func escaped(s []byte) (rune, int) {
	switch s[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r := hex(s)
		if utf16.IsSurrogate(r) && len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			if whole := utf16.DecodeRune(r, hex(s[6:])); whole != utf8.RuneError {
				return whole, 12
			}
		}
		return r, 6
	}
	return rune(s[1]), 2
}

// hex returns the number of \uXXXX.
func hex(s []byte) rune {
	n, err := strconv.ParseUint(string(s[2:6]), 16, 32)
	if err != nil {
		return utf8.RuneError // the document was checked: there are four digits
	}
	return rune(n)
}
