package cursor

import (
	"io"

	"github.com/threatloop/threatloop/internal/fault"
)

// maxScalar bounds a number or a word of JSON.
const maxScalar = 128

// clip filters JSON text so that a tokenizer behind it needs little memory:
// strings are cut to MaxToken bytes, runs of white space to one, control characters in strings
// become spaces; it refuses deep nesting and endless numbers. It checks no grammar.
type clip struct {
	r       io.Reader
	in      []byte
	buf     [32 << 10]byte
	line    int
	depth   int
	max     int
	n       int // bytes of the current string or scalar
	escape  int // bytes left of an escape sequence; -1: the byte after a backslash
	inText  bool
	drop    bool // the rest of this string
	spaced  bool
	pending error
}

func (c *clip) Read(p []byte) (int, error) {
	for {
		if len(c.in) == 0 {
			if c.pending != nil {
				return 0, c.pending
			}
			n, err := c.r.Read(c.buf[:min(len(c.buf), len(p))])
			c.in, c.pending = c.buf[:n], err
			continue
		}
		out, err := c.filter(p[:0], c.in)
		c.in = nil
		if err != nil {
			c.pending = err
		}
		if len(out) > 0 {
			return len(out), nil
		}
	}
}

func (c *clip) filter(out, in []byte) ([]byte, error) {
	for _, b := range in {
		if b == '\n' {
			c.line++
		}
		if c.inText {
			out = c.text(out, b)
			continue
		}
		switch b {
		case ' ', '\t', '\r', '\n':
			c.n = 0
			if c.spaced {
				continue
			}
			c.spaced = true
			out = append(out, b)
			continue
		case '"':
			c.inText, c.n = true, 0
		case '{', '[':
			if c.depth++; c.depth > c.max {
				return out, tooDeep(c.line, c.max)
			}
			c.n = 0
		case '}', ']':
			c.depth = max(0, c.depth-1)
			c.n = 0
		case ',', ':':
			c.n = 0
		default:
			if c.n++; c.n > maxScalar {
				return out, fault.New(fault.TooLarge, "evidence.number", "line %d: a number or word is longer than %d characters", c.line, maxScalar)
			}
		}
		c.spaced = false
		out = append(out, b)
	}
	return out, nil
}

// text handles a byte inside a string. What is over the bound is dropped from
// the start of a character on, so that no escape sequence is cut in two.
func (c *clip) text(out []byte, b byte) []byte {
	switch {
	case c.escape == -1:
		c.escape = 0
		if b == 'u' {
			c.escape = 4
		}
	case b == '"':
		c.inText, c.drop, c.escape, c.n = false, false, 0, 0
		return append(out, b)
	case c.escape > 0:
		c.escape--
	default:
		c.drop = c.drop || c.n >= MaxToken
		if b == '\\' {
			c.escape = -1
		}
	}
	c.n++
	if c.drop {
		return out
	}
	if b < 0x20 {
		b = ' '
	}
	return append(out, b)
}
