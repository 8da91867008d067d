package cursor

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
)

// Kind is what an XML cursor stands on.
type Kind int

// The events of an XML stream.
const (
	Start Kind = iota + 1 // an element begins; Name and Attr are valid until the next call
	End                   // the element Name ends; follows Start at once for <a/>
	Text                  // character data or CDATA, cut to MaxToken bytes
)

// MaxToken is how much of one text, attribute value or JSON string is kept.
const MaxToken = 64 << 10

const (
	maxAttrs  = 128
	maxName   = 256
	maxIntern = 1024
)

// XML is a pull parser that stays in bounded memory whatever the length of a
// text or an attribute: what is over MaxToken is read and dropped. Namespace
// prefixes are removed from names. It accepts what reporters write in
// practice (control characters, stray ampersands, quotes inside attribute values, unknown
// entities kept as written) and refuses entity declarations and external DTDs. An
// end tag without its start, or an early end of the file, is a Broken.
type XML struct {
	r        *bufio.Reader
	line     int
	depthMax int
	stack    []string
	names    map[string]string
	name     string
	attrs    []attr
	text     []byte
	raw      []byte
	closing  bool // the element just begun was <a/>: its End is next
	rooted   bool
}

type attr struct {
	name  string
	value string
}

// NewXML returns a cursor over UTF-8 text that refuses elements nested deeper than depth.
func NewXML(r io.Reader, depth int) *XML {
	return &XML{r: newBuffer(r), line: 1, depthMax: depth, names: map[string]string{}}
}

// Name returns the local name of the element that the last Start or End is about.
func (x *XML) Name() string { return x.name }

// Line returns the current line, from 1.
func (x *XML) Line() int { return x.line }

// Depth returns the number of open elements, the one just begun included.
func (x *XML) Depth() int { return len(x.stack) }

// Data returns the text of the last Text event.
func (x *XML) Data() string { return string(x.text) }

// Attr returns the value of an attribute of the element just begun, by local name, or "".
func (x *XML) Attr(name string) string {
	for _, a := range x.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// Has reports whether the element just begun carries the attribute.
func (x *XML) Has(name string) bool {
	for _, a := range x.attrs {
		if a.name == name {
			return true
		}
	}
	return false
}

// Next returns the next event. At the end of a whole document it returns
// io.EOF; a file that ends early or is not well-formed gives a Broken.
func (x *XML) Next() (Kind, error) {
	if x.closing {
		x.closing = false
		return x.pop(x.stack[len(x.stack)-1])
	}
	for {
		found, err := x.readText()
		if err != nil {
			return 0, x.atEnd(err)
		}
		if found {
			return Text, nil
		}
		kind, err := x.markup()
		if err != nil || kind != 0 {
			return kind, err
		}
	}
}

func (x *XML) atEnd(err error) error {
	if err == io.EOF && len(x.stack) == 0 {
		if !x.rooted {
			return &Broken{Line: x.line, Reason: "the file holds no element"}
		}
		return io.EOF
	}
	inside := "the prologue"
	if n := len(x.stack); n > 0 {
		inside = "<" + x.stack[n-1] + ">"
	}
	return readError(x.line, inside, err)
}

// broke is atEnd inside a construct, where no end is a good one.
func (x *XML) broke(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return x.atEnd(err)
}

// readText reads up to and including the next '<'. It reports whether there was text worth an event.
func (x *XML) readText() (bool, error) {
	x.raw = x.raw[:0]
	for {
		chunk, err := x.r.ReadSlice('<')
		x.line += bytes.Count(chunk, []byte{'\n'})
		if err == nil {
			chunk = chunk[:len(chunk)-1]
		}
		x.keep(chunk)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return false, err
		}
		break
	}
	if len(x.stack) == 0 || len(bytes.TrimSpace(x.raw)) == 0 {
		return false, x.r.UnreadByte()
	}
	x.text = unescape(x.text[:0], x.raw)
	return true, x.r.UnreadByte()
}

func (x *XML) keep(chunk []byte) {
	if room := MaxToken - len(x.raw); room > 0 {
		x.raw = append(x.raw, chunk[:min(room, len(chunk))]...)
	}
}

// markup reads one construct that begins with '<'; kind 0 means it was of no interest.
func (x *XML) markup() (Kind, error) {
	if _, err := x.r.Discard(1); err != nil {
		return 0, x.broke(err)
	}
	c, err := x.r.ReadByte()
	if err != nil {
		return 0, x.broke(err)
	}
	switch c {
	case '?':
		return 0, x.skipPast("?>", false)
	case '/':
		return x.endTag()
	case '!':
		head, _ := x.r.Peek(7)
		switch {
		case bytes.HasPrefix(head, []byte("--")):
			_, _ = x.r.Discard(2)
			return 0, x.skipPast("-->", false)
		case bytes.Equal(head, []byte("[CDATA[")):
			_, _ = x.r.Discard(7)
			if err := x.skipPast("]]>", true); err != nil {
				return 0, err
			}
			if len(x.stack) == 0 {
				return 0, nil
			}
			x.text = appendClean(x.text[:0], x.raw)
			return Text, nil
		}
		return 0, x.docType()
	}
	return x.startTag(c)
}

// skipPast reads through the mark; with keep, what comes before it is in raw, cut to MaxToken.
func (x *XML) skipPast(mark string, keep bool) error {
	last := mark[len(mark)-1]
	x.raw = x.raw[:0]
	var tail []byte // the last bytes before the current chunk
	for {
		chunk, err := x.r.ReadSlice(last)
		x.line += bytes.Count(chunk, []byte{'\n'})
		if keep {
			x.keep(chunk)
		}
		if err != nil && err != bufio.ErrBufferFull {
			return x.broke(err)
		}
		tail = append(tail, chunk[max(0, len(chunk)-len(mark)):]...)
		if len(tail) > len(mark) {
			tail = append(tail[:0], tail[len(tail)-len(mark):]...)
		}
		if err == nil && string(tail) == mark {
			x.raw = bytes.TrimSuffix(x.raw, []byte(mark))
			return nil
		}
	}
}

// docType skips a DTD that only declares elements, as Burp and WebInspect write
// it, and refuses one that declares entities or names an outside file.
func (x *XML) docType() error {
	var text []byte
	for depth := 1; depth > 0; {
		c, err := x.r.ReadByte()
		if err != nil {
			return x.broke(err)
		}
		switch c {
		case '<':
			depth++
		case '>':
			depth--
		case '\n':
			x.line++
		}
		if text = append(text, c); len(text) > MaxToken {
			return fault.New(fault.TooLarge, "evidence.dtd", "line %d: the document type declaration is longer than %d KiB", x.line, MaxToken>>10)
		}
	}
	up := strings.ToUpper(string(text))
	outside, _, _ := strings.Cut(up, "[")
	if strings.Contains(up, "<!ENTITY") || strings.Contains(up, "%") || strings.Contains(outside, " SYSTEM") || strings.Contains(outside, " PUBLIC") {
		return fault.New(fault.Invalid, "evidence.dtd", "line %d: the report declares entities or an outside document type; this is refused", x.line)
	}
	return nil
}

func (x *XML) endTag() (Kind, error) {
	name, c, err := x.readName(nil)
	for err == nil && c != '>' {
		c, err = x.r.ReadByte()
	}
	if err != nil {
		return 0, x.broke(err)
	}
	return x.pop(name)
}

func (x *XML) pop(name string) (Kind, error) {
	n := len(x.stack)
	if n == 0 || x.stack[n-1] != name {
		want := "the end of the file"
		if n > 0 {
			want = "</" + x.stack[n-1] + ">"
		}
		return 0, &Broken{Line: x.line, Reason: "</" + name + "> where " + want + " was expected"}
	}
	x.stack = x.stack[:n-1]
	x.name, x.attrs = name, x.attrs[:0]
	return End, nil
}

func (x *XML) startTag(first byte) (Kind, error) {
	if !nameByte(first) {
		// A stray '<' in text: reporters that forget to escape it are not worth losing the file for.
		return 0, x.r.UnreadByte()
	}
	name, c, err := x.readName([]byte{first})
	if err != nil {
		return 0, x.broke(err)
	}
	x.attrs = x.attrs[:0]
	selfClosed := false
	for c != '>' {
		switch {
		case c == '/':
			selfClosed = true
			c, err = x.r.ReadByte()
		case nameByte(c):
			selfClosed = false
			c, err = x.attribute(c)
		default: // spaces, and what a badly escaped value left behind
			if c == '\n' {
				x.line++
			}
			c, err = x.r.ReadByte()
		}
		if err != nil {
			return 0, x.broke(err)
		}
	}
	if len(x.stack) >= x.depthMax {
		return 0, tooDeep(x.line, x.depthMax)
	}
	if len(x.stack) == 0 && x.rooted {
		return 0, &Broken{Line: x.line, Reason: "<" + name + "> after the end of the document"}
	}
	x.rooted = true
	x.stack = append(x.stack, name)
	x.name, x.closing = name, selfClosed
	return Start, nil
}

// attribute reads name and value; it returns the byte after them.
func (x *XML) attribute(first byte) (byte, error) {
	name, c, err := x.readName([]byte{first})
	for err == nil && space(c) {
		if c == '\n' {
			x.line++
		}
		c, err = x.r.ReadByte()
	}
	if err != nil || c != '=' {
		return c, err
	}
	for c, err = x.r.ReadByte(); err == nil && space(c); c, err = x.r.ReadByte() {
		if c == '\n' {
			x.line++
		}
	}
	if err != nil || (c != '"' && c != '\'') {
		return c, err
	}
	x.raw = x.raw[:0]
	for {
		chunk, err := x.r.ReadSlice(c)
		x.line += bytes.Count(chunk, []byte{'\n'})
		if err == nil {
			chunk = chunk[:len(chunk)-1]
		}
		x.keep(chunk)
		if err == nil {
			break
		}
		if err != bufio.ErrBufferFull {
			return 0, err
		}
	}
	if len(x.attrs) < maxAttrs {
		x.text = unescape(x.text[:0], x.raw)
		x.attrs = append(x.attrs, attr{name, string(x.text)})
	}
	return x.r.ReadByte()
}

// readName reads a name after its first bytes; it returns the local name and the byte behind it.
func (x *XML) readName(name []byte) (string, byte, error) {
	var room [maxName]byte
	b := append(room[:0], name...)
	for {
		c, err := x.r.ReadByte()
		if err != nil {
			return "", 0, err
		}
		if !nameByte(c) {
			if c == '\n' {
				x.line++
			}
			if i := bytes.LastIndexByte(b, ':'); i >= 0 {
				b = b[i+1:]
			}
			return x.intern(b), c, nil
		}
		if len(b) < maxName {
			b = append(b, c)
		}
	}
}

func (x *XML) intern(b []byte) string {
	if s, ok := x.names[string(b)]; ok {
		return s
	}
	s := strings.ToValidUTF8(string(b), "?")
	if len(x.names) < maxIntern {
		x.names[s] = s
	}
	return s
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == ':' || c == '-' || c == '.' || c >= 0x80
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
