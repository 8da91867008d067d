package cursor

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{1,40})["']`)

// Decode returns r as UTF-8 without byte order mark. The encoding comes from a
// byte order mark, the pattern of zero bytes of UTF-16, or the XML declaration; bytes that
// are not UTF-8 in a file said to be UTF-8 are read as Windows-1252, which is what they are in practice.
func Decode(r io.Reader) (io.Reader, error) {
	b := newBuffer(r)
	head, err := b.Peek(512)
	if err != nil && len(head) == 0 {
		if err == io.EOF {
			return b, nil
		}
		return nil, readError(0, "its packed form", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = b.Discard(3)
		return &decoder{src: b, next: utf8Rune, utf8: true}, nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		_, _ = b.Discard(2)
		return &decoder{src: b, next: utf16Rune(1)}, nil
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		_, _ = b.Discard(2)
		return &decoder{src: b, next: utf16Rune(0)}, nil
	case len(head) >= 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return &decoder{src: b, next: utf16Rune(1)}, nil
	case len(head) >= 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return &decoder{src: b, next: utf16Rune(0)}, nil
	}
	if m := xmlEncoding.FindSubmatch(head); m != nil {
		switch strings.ToLower(string(m[1])) {
		case "windows-1252", "cp1252", "iso-8859-1", "latin1", "latin-1", "iso8859-1", "iso_8859-1", "iso-8859-15":
			return &decoder{src: b, next: singleByte}, nil
		}
	}
	return &decoder{src: b, next: utf8Rune, utf8: true}, nil
}

// peeker is the part of bufio.Reader that the decoders use.
type peeker interface {
	Peek(n int) ([]byte, error)
	Discard(n int) (int, error)
}

// decoder transforms a stream rune by rune, with a fast path over ASCII.
type decoder struct {
	src  peeker
	next func(b []byte, more bool) (r rune, size int) // size 0: needs more bytes
	utf8 bool
	tail []byte
	err  error
}

func (d *decoder) Read(p []byte) (int, error) {
	n := copy(p, d.tail)
	d.tail = d.tail[n:]
	for n == 0 && d.err == nil {
		in, err := d.src.Peek(4)
		if len(in) == 0 {
			d.err = err
			break
		}
		if buf, ok := d.src.(interface{ Buffered() int }); ok {
			in, _ = d.src.Peek(max(len(in), buf.Buffered()))
		}
		if d.utf8 {
			if n = copyValid(p, in); n > 0 {
				_, _ = d.src.Discard(n)
				break
			}
		}
		used := 0
		out := p[:0]
		for used < len(in) {
			r, size := d.next(in[used:], err == nil && len(in)-used < 4)
			if size == 0 {
				break
			}
			if utf8.UTFMax > len(p)-len(out) {
				if len(out) == 0 { // p is shorter than a rune
					d.tail = utf8.AppendRune(nil, r)
					used += size
					n = copy(p, d.tail)
					d.tail = d.tail[n:]
				}
				break
			}
			if r < utf8.RuneSelf {
				out = append(out, byte(r))
			} else {
				out = utf8.AppendRune(out, r)
			}
			used += size
		}
		if used == 0 { // an incomplete rune at the end of the stream
			used = len(in)
			if len(p) >= 3 {
				out = append(out, "\ufffd"...)
			}
		}
		_, _ = d.src.Discard(used)
		n += len(out)
	}
	if n > 0 {
		return n, nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	return 0, d.err
}

// copyValid copies what fits of in if it is valid UTF-8 up to an incomplete last rune, else nothing.
func copyValid(p, in []byte) int {
	in = in[:min(len(in), len(p))]
	for cut := 0; cut < utf8.UTFMax && cut < len(in); cut++ {
		if part := in[:len(in)-cut]; cut == 0 || !utf8.FullRune(in[len(in)-cut:]) {
			if utf8.Valid(part) {
				return copy(p, part)
			}
		}
	}
	return 0
}

func utf8Rune(b []byte, more bool) (rune, int) {
	if b[0] < utf8.RuneSelf {
		return rune(b[0]), 1
	}
	if r, size := utf8.DecodeRune(b); r != utf8.RuneError || size > 1 {
		return r, size
	}
	if more && !utf8.FullRune(b) {
		return 0, 0
	}
	return singleByte(b, more)
}

// utf16Rune reads UTF-16 whose high byte is at index high of each unit: 1 for little endian.
func utf16Rune(high int) func([]byte, bool) (rune, int) {
	unit := func(b []byte) rune { return rune(b[high])<<8 | rune(b[1-high]) }
	return func(b []byte, more bool) (rune, int) {
		if len(b) < 2 {
			return 0, 0
		}
		r := unit(b)
		if !utf16.IsSurrogate(r) {
			return r, 2
		}
		if len(b) < 4 {
			if more {
				return 0, 0
			}
			return utf8.RuneError, 2
		}
		if full := utf16.DecodeRune(r, unit(b[2:])); full != utf8.RuneError {
			return full, 4
		}
		return utf8.RuneError, 2
	}
}

// cp1252 holds the code points of 0x80 to 0x9f in Windows-1252; the rest equals ISO 8859-1.
var cp1252 = [32]rune{
	0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
}

func singleByte(b []byte, _ bool) (rune, int) {
	if c := b[0]; c >= 0x80 && c < 0xa0 {
		return cp1252[c-0x80], 1
	}
	return rune(b[0]), 1
}
