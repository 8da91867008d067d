// Package jsontree reads JSON one level at a time from the bytes it stands in,
// so that keys keep their order, numbers their spelling, and everything its
// place: what a lossless round trip and an error with a line need.
package jsontree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sort"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
)

// maxValues bounds the values of a document: a list of millions of zeros is no model.
const maxValues = 2 << 20

// Value is one JSON value in a checked document. The zero Value is an absent one:
// every question about it answers no, "", or nothing.
type Value struct {
	doc *document
	raw []byte
	off int
}

type document struct {
	data  []byte
	opts  imported.Options
	lines []int // offsets at which lines begin, built when first asked for
	// places are those in the file that the document was made of, by offset; nil
	// where it is the file itself.
	places []Place
}

// Place says where what stands from an offset of a document on stood in the file
// that it was made of.
type Place struct {
	Offset, Line, Column int
}

// Member is one key of an object with its value.
type Member struct {
	Key   string
	Value Value
}

// Parse checks the whole document (syntax, depth, one value) and returns its root.
// Invalid UTF-8 is replaced by U+FFFD. The error is a fault.Invalid with the place.
func Parse(data []byte, opts imported.Options) (Value, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	d := &document{data: data, opts: opts}
	if err := d.limits(); err != nil {
		return Value{}, err
	}
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			text := syntax.Error()
			if strings.Contains(text, "unexpected end") {
				text = "the file ends in the middle: it is cut off"
			}
			return Value{}, d.fault(int(syntax.Offset)-1, "%s", text)
		}
		return Value{}, d.fault(0, "is not JSON: %v", err)
	}
	start := skipSpace(data, 0)
	return Value{doc: d, raw: bytes.TrimSpace(data), off: start}, nil
}

// ParseFrom is Parse for a document that was made of a file in another notation:
// what it says of places is of that file. The places are in the order of their offsets.
func ParseFrom(data []byte, places []Place, opts imported.Options) (Value, error) {
	v, err := Parse(data, opts)
	if err == nil && len(places) > 0 {
		v.doc.places = places
	}
	return v, err
}

// limits refuses what is too deep or has too many values. It needs no valid JSON.
func (d *document) limits() error {
	depth, values := 0, 0
	for i := 0; i < len(d.data); i++ {
		switch d.data[i] {
		case '"':
			i = stringEnd(d.data, i) - 1
		case '{', '[':
			if depth++; depth > imported.MaxDepth {
				return d.fault(i, "is nested deeper than %d levels", imported.MaxDepth)
			}
		case '}', ']':
			depth--
		case ',':
			if values++; values > maxValues {
				return d.fault(i, "holds more than %d values", maxValues)
			}
		}
	}
	return nil
}

func (d *document) fault(off int, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "model.syntax", "the model file cannot be read").
		With(d.at(off), format, args...)
}

// at returns the place of an offset, "name:line:column"; columns count bytes.
func (d *document) at(off int) string {
	off = max(0, min(off, len(d.data)))
	if d.places != nil {
		i := sort.Search(len(d.places), func(i int) bool { return d.places[i].Offset > off })
		p := d.places[max(i-1, 0)]
		return d.opts.At(p.Line, p.Column)
	}
	if d.lines == nil {
		d.lines = []int{0}
		for i, b := range d.data {
			if b == '\n' {
				d.lines = append(d.lines, i+1)
			}
		}
	}
	line := sort.SearchInts(d.lines, off+1)
	return d.opts.At(line, 1+off-d.lines[line-1])
}

// At returns the place of the value in the file, "name:line:column"; "" for an absent value.
func (v Value) At() string {
	if v.doc == nil {
		return ""
	}
	return v.doc.at(v.off)
}

// Fault returns a fault.Invalid that names the place of the value.
func (v Value) Fault(format string, args ...any) error {
	if v.doc == nil {
		return fault.New(fault.Invalid, "model.syntax", "the model file cannot be read").With("file", format, args...)
	}
	return v.doc.fault(v.off, format, args...)
}

// Exists reports whether the value is there; null is.
func (v Value) Exists() bool { return len(v.raw) > 0 }

// Null reports whether the value is absent or null.
func (v Value) Null() bool { return len(v.raw) == 0 || v.raw[0] == 'n' }

// Object reports whether the value is an object.
func (v Value) Object() bool { return len(v.raw) > 0 && v.raw[0] == '{' }

// Array reports whether the value is a list.
func (v Value) Array() bool { return len(v.raw) > 0 && v.raw[0] == '[' }

// Words reports whether the value is a string.
func (v Value) Words() bool { return len(v.raw) > 0 && v.raw[0] == '"' }

// Raw returns the value as written, without blanks around its parts.
func (v Value) Raw() json.RawMessage {
	var b bytes.Buffer
	if len(v.raw) == 0 || json.Compact(&b, v.raw) != nil {
		return nil
	}
	return b.Bytes()
}

// Text returns a string's text, and a number or true as written; "" for
// everything else. NUL, which a database refuses, becomes U+FFFD.
func (v Value) Text() string {
	switch {
	case len(v.raw) == 0:
		return ""
	case v.raw[0] == '"' && !bytes.Contains(v.raw, []byte{'\\'}):
		return string(v.raw[1 : len(v.raw)-1]) // as it stands: the document is checked
	case v.raw[0] == '"':
		var s string
		if json.Unmarshal(v.raw, &s) != nil {
			return ""
		}
		return strings.ReplaceAll(s, "\x00", "\uFFFD")
	case v.raw[0] == '{', v.raw[0] == '[', v.raw[0] == 'n', v.raw[0] == 'f':
		return ""
	}
	return string(v.raw)
}

// Number returns a number, also one written as a string, and whether it is one.
func (v Value) Number() (float64, bool) {
	var f float64
	text := v.Text()
	if text == "" || json.Unmarshal([]byte(text), &f) != nil {
		return 0, false
	}
	return f, true
}

// Bool returns whether the value is true, or "true" as text.
func (v Value) Bool() bool { return v.Text() == "true" }

// Get returns the last value of the key; the zero Value when there is none.
// Further keys lead into the objects below.
func (v Value) Get(keys ...string) Value {
	for _, key := range keys {
		found := Value{}
		v.each(func(name []byte, value Value) {
			if keyIs(name, key) {
				found = value
			}
		})
		v = found
	}
	return v
}

// keyIs compares a key as written with a name; only one with an escape has to be decoded.
func keyIs(written []byte, name string) bool {
	if bytes.IndexByte(written, '\\') < 0 {
		return string(written[1:len(written)-1]) == name
	}
	return Value{raw: written}.Text() == name
}

// Members returns the keys of an object in their order; nil for anything else.
func (v Value) Members() []Member {
	var members []Member
	v.each(func(name []byte, value Value) {
		members = append(members, Member{Key: Value{raw: name}.Text(), Value: value})
	})
	return members
}

// each calls f for every key, as written with its quotes, and its value.
func (v Value) each(f func(name []byte, value Value)) {
	if !v.Object() {
		return
	}
	i := skipSpace(v.raw, 1)
	for i < len(v.raw) && v.raw[i] != '}' {
		end := stringEnd(v.raw, i)
		name := v.raw[i:end]
		i = skipSpace(v.raw, skipSpace(v.raw, end)+1)
		end = valueEnd(v.raw, i)
		f(name, Value{doc: v.doc, raw: v.raw[i:end], off: v.off + i})
		if i = skipSpace(v.raw, end); i < len(v.raw) && v.raw[i] == ',' {
			i = skipSpace(v.raw, i+1)
		}
	}
}

// Repeated returns the keys that an object in the value gives again, with what
// they hold there, in the order of the file. Get answers with the last of them.
func (v Value) Repeated() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		var keys []map[string]bool // of the objects that are open, by depth; emptied for the next
		depth := 0
		for i := 0; i < len(v.raw); i++ {
			switch v.raw[i] {
			case '{', '[':
				if depth++; depth > len(keys) {
					keys = append(keys, map[string]bool{})
				}
				clear(keys[depth-1])
			case '}', ']':
				depth--
			case '"':
				end := stringEnd(v.raw, i)
				colon := skipSpace(v.raw, end)
				if colon < len(v.raw) && v.raw[colon] == ':' {
					key := Value{raw: v.raw[i:end]}.Text()
					from := skipSpace(v.raw, colon+1)
					value := Value{doc: v.doc, raw: v.raw[from:valueEnd(v.raw, from)], off: v.off + from}
					if keys[depth-1][key] && !yield(Member{key, value}) {
						return
					}
					keys[depth-1][key] = true
				}
				i = end - 1
			}
		}
	}
}

// Items returns the parts of a list; nil for anything else.
func (v Value) Items() []Value {
	if !v.Array() {
		return nil
	}
	var items []Value
	i := skipSpace(v.raw, 1)
	for i < len(v.raw) && v.raw[i] != ']' {
		end := valueEnd(v.raw, i)
		items = append(items, Value{doc: v.doc, raw: v.raw[i:end], off: v.off + i})
		if i = skipSpace(v.raw, end); i < len(v.raw) && v.raw[i] == ',' {
			i = skipSpace(v.raw, i+1)
		}
	}
	return items
}

// Replace returns the object as written, with the value of the given keys
// replaced and the keys whose replacement is nil left out.
func (v Value) Replace(with map[string]json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, m := range v.Members() {
		raw, replaced := with[m.Key]
		if !replaced {
			raw = m.Value.Raw()
		}
		if raw == nil {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(quote(m.Key))
		b.WriteByte(':')
		b.Write(raw)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("jsontree: a string cannot be written: %v", err)) // json.Marshal never fails on a string
	}
	return b
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the string that opens at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// valueEnd returns the index after the value that begins at i.
func valueEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			end := stringEnd(b, i)
			if depth == 0 {
				return end
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}
