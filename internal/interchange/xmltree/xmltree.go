// Package xmltree reads an XML document into a tree in which everything knows its
// line and column: what an import report by line needs. It is made for files
// from strangers: no document type, no entities but the characters of XML and HTML, bounds on
// depth, elements, attributes and text.
package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
)

const (
	maxElements   = 400_000
	maxAttributes = 200 // of one element
)

// Element is one element of a document. The nil *Element is an absent one: every
// question about it answers "", nil or 0.
type Element struct {
	Name     string // local name: prefixes and namespaces are taken off
	Attrs    []Attr
	Children []*Element
	Line     int // where it opens, from 1
	Column   int

	text string
}

// Attr is an attribute by its local name.
type Attr struct{ Name, Value string }

// Parse reads the whole document and returns its root. The error is a
// fault.Invalid with the place, or TooLarge.
func Parse(data []byte, opts imported.Options) (*Element, error) {
	if len(data) > imported.MaxBytes {
		return nil, imported.TooLarge(len(data))
	}
	data = imported.Text(data)
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = charset
	d.Entity = xml.HTMLEntity // single characters, as &nbsp; in text that was HTML
	p := parser{d: d, opts: opts}
	for {
		line, column := d.InputPos()
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, column = d.InputPos()
			return nil, p.fault(line, column, "%s", words(err))
		}
		if err := p.token(token, line, column); err != nil {
			return nil, err
		}
	}
	if p.root == nil {
		return nil, p.fault(1, 1, "the file holds no XML element")
	}
	return p.root, nil
}

// Root returns the root of a document without what is in it, from the first bytes
// of the file; nil where they open no element. It is for telling formats apart.
func Root(head []byte) *Element {
	d := xml.NewDecoder(bytes.NewReader(imported.Text(head)))
	d.CharsetReader = charset
	for {
		line, column := d.InputPos()
		token, err := d.Token()
		if err != nil {
			return nil
		}
		if t, ok := token.(xml.StartElement); ok {
			p := parser{d: d}
			if p.start(t, line, column) != nil {
				return nil
			}
			return p.root
		}
	}
}

type parser struct {
	d     *xml.Decoder
	opts  imported.Options
	root  *Element
	open  []*Element
	texts [][]byte // of the open elements
	count int
}

func (p *parser) fault(line, column int, format string, args ...any) error {
	return fault.New(fault.Invalid, "model.syntax", "the model file cannot be read").
		With(p.opts.At(line, column), format, args...)
}

// words takes the place off the decoder's text, which the fault has already.
func words(err error) string {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		if strings.Contains(syntax.Msg, "unexpected EOF") {
			return "the file ends in the middle: it is cut off"
		}
		return "is not XML: " + syntax.Msg
	}
	return "is not XML: " + err.Error()
}

func (p *parser) token(token xml.Token, line, column int) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t, line, column)
	case xml.EndElement:
		n := len(p.open) - 1
		p.open[n].text = string(bytes.ToValidUTF8(p.texts[n], []byte("\uFFFD")))
		p.open, p.texts = p.open[:n], p.texts[:n]
	case xml.CharData:
		if n := len(p.open) - 1; n >= 0 {
			p.texts[n] = append(p.texts[n], t...)
		}
	case xml.Directive:
		return p.fault(line, column, "a document type (<!%s…>) is not read: it could define entities", firstWord(string(t)))
	}
	return nil
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

func (p *parser) start(t xml.StartElement, line, column int) error {
	if p.count++; p.count > maxElements {
		return fault.New(fault.TooLarge, "model.too_large", "the model file holds more than %d XML elements", maxElements)
	}
	if len(p.open) >= imported.MaxDepth {
		return p.fault(line, column, "is nested deeper than %d levels", imported.MaxDepth)
	}
	if len(t.Attr) > maxAttributes {
		return p.fault(line, column, "has more than %d attributes", maxAttributes)
	}
	e := &Element{Name: t.Name.Local, Line: line, Column: column}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		e.Attrs = append(e.Attrs, Attr{a.Name.Local, strings.ReplaceAll(a.Value, "\x00", "\uFFFD")})
	}
	if n := len(p.open) - 1; n >= 0 {
		p.open[n].Children = append(p.open[n].Children, e)
	} else if p.root != nil {
		return p.fault(line, column, "a second root element <%s>", e.Name)
	} else {
		p.root = e
	}
	p.open = append(p.open, e)
	p.texts = append(p.texts, nil)
	return nil
}

// Is reports whether the element is there and has the name.
func (e *Element) Is(name string) bool { return e != nil && e.Name == name }

// Attr returns an attribute's value; "" where there is none.
func (e *Element) Attr(name string) string {
	v, _ := e.Lookup(name)
	return v
}

// Lookup returns an attribute's value and whether it is there.
func (e *Element) Lookup(name string) (string, bool) {
	if e != nil {
		for _, a := range e.Attrs {
			if a.Name == name {
				return a.Value, true
			}
		}
	}
	return "", false
}

// Text returns the characters directly in the element, without the blanks around them.
func (e *Element) Text() string {
	if e == nil {
		return ""
	}
	return strings.TrimSpace(e.text)
}

// Child returns the first child of the name, or nil.
func (e *Element) Child(path ...string) *Element {
	for _, name := range path {
		if e == nil {
			return nil
		}
		var found *Element
		for _, c := range e.Children {
			if c.Name == name {
				found = c
				break
			}
		}
		e = found
	}
	return e
}

// All returns the elements that the path leads to, in document order: each name
// is looked up in all children found by the one before.
func (e *Element) All(path ...string) []*Element {
	if e == nil {
		return nil
	}
	at := []*Element{e}
	for _, name := range path {
		var next []*Element
		for _, parent := range at {
			for _, c := range parent.Children {
				if c.Name == name {
					next = append(next, c)
				}
			}
		}
		at = next
	}
	return at
}

// At returns the element's place in words, "name:line:column".
func (e *Element) At(opts imported.Options) string {
	if e == nil {
		return opts.At(1, 0)
	}
	return opts.At(e.Line, e.Column)
}

// Fault returns a fault.Invalid that names the element's place.
func (e *Element) Fault(opts imported.Options, format string, args ...any) error {
	return fault.New(fault.Invalid, "model.syntax", "the model file cannot be read").With(e.At(opts), format, args...)
}

// charset reads the encodings of eight bits that old tools declare; all others are
// refused. What says to be UTF-16 has been made UTF-8 before, or could not be read so far.
func charset(label string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", "unicode":
		return input, nil
	case "iso-8859-1", "latin1", "windows-1252", "cp1252":
		return &latin1{r: input}, nil
	}
	return nil, fmt.Errorf("the encoding %q is not read; save the file as UTF-8", label)
}

// latin1 turns bytes into the characters of the same number.
type latin1 struct {
	r    io.Reader
	rest []byte
	buf  [512]byte
}

func (l *latin1) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		n, err := l.r.Read(l.buf[:])
		if n == 0 {
			return 0, err
		}
		l.rest = l.rest[:0]
		for _, b := range l.buf[:n] {
			l.rest = utf8.AppendRune(l.rest, rune(b))
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
