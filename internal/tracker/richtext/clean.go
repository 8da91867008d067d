package richtext

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Clean returns the text as a tracker can store it: valid UTF-8 (a lone
// surrogate or a broken byte becomes U+FFFD), line ends as \n, and without
// control characters, bidirectional overrides and noncharacters.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r):
			return -1
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			return -1
		case r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef:
			return -1
		}
		return r
	}, s)
}

// OneLine returns the cleaned text on one line of at most limit UTF-16 units
// (hence at most limit runes), cut between visible characters and marked with
// an ellipsis where it was longer.
func OneLine(s string, limit int) string {
	return cutText(strings.Join(strings.Fields(Clean(s)), " "), limit)
}

// Units is the length of a text in UTF-16 units, which is how Java and
// JavaScript trackers count characters.
func Units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cutText shortens to limit UTF-16 units with an ellipsis.
func cutText(s string, limit int) string {
	if Units(s) <= limit {
		return s
	}
	if limit < 1 {
		return ""
	}
	return strings.TrimRight(prefix(s, limit-1), " \t\n") + "…"
}

// prefix returns the longest beginning of at most limit UTF-16 units that does
// not end inside a visible character (combining marks, joined emoji).
func prefix(s string, limit int) string {
	units, end := 0, len(s)
	for i, r := range s {
		if units += utf16.RuneLen(r); units > limit {
			end = i
			break
		}
	}
	// Bounded: a text of combining marks only must not be cut to nothing.
	for i := 0; end > 0 && end < len(s) && i < 32; i++ {
		next, _ := utf8.DecodeRuneInString(s[end:])
		last, size := utf8.DecodeLastRuneInString(s[:end])
		if !joins(next) && last != 0x200d {
			break
		}
		end -= size
	}
	return s[:end]
}

// joins reports whether the rune continues the character before it.
func joins(r rune) bool {
	return r == 0x200d || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) ||
		(r >= 0xfe00 && r <= 0xfe0f) || (r >= 0x1f3fb && r <= 0x1f3ff) || (r >= 0xe0020 && r <= 0xe007f)
}

// Shorten returns the document cut so that size does not exceed limit, at the
// border of a block, list item, table row or character, with the last block
// saying that it was cut. size must not fall when content is added. A document
// that fits is returned as it is.
func Shorten(d Doc, limit int, size func(Doc) int) Doc {
	if size(d) <= limit {
		return d
	}
	cut := P(Text("… (shortened)"))
	fits := func(d Doc) bool { return size(append(d[:len(d):len(d)], cut)) <= limit }
	n := largest(len(d), func(n int) bool { return fits(d[:n]) })
	out := append(Doc{}, d[:max(n, 0)]...)
	if n >= 0 && n < len(d) {
		part := largest(length(d[n]), func(k int) bool { return k == 0 || fits(append(out[:len(out):len(out)], head(d[n], k))) })
		if part > 0 {
			out = append(out, head(d[n], part))
		}
	}
	if n < 0 {
		return nil
	}
	return append(out, cut)
}

// largest returns the greatest n in 0..limit for which ok holds, -1 for none.
// ok must be monotone.
func largest(limit int, ok func(int) bool) int {
	lo, hi := -1, limit
	for lo < hi {
		mid := lo + (hi-lo+1)/2
		if ok(mid) {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// length is the number of pieces a block can be cut into.
func length(b Block) int {
	switch b.Kind {
	case Bullets, Numbers:
		return len(b.Items)
	case Table:
		return len(b.Rows)
	case Code:
		return len(b.Text)
	case Paragraph, Heading:
		n := 0
		for _, s := range b.Spans {
			n += len(s.Text)
		}
		return n
	}
	return 0
}

// head returns a block's first n pieces.
func head(b Block, n int) Block {
	switch b.Kind {
	case Bullets, Numbers:
		b.Items = b.Items[:n]
	case Table:
		b.Rows = b.Rows[:n]
	case Code:
		b.Text = headBytes(b.Text, n)
	case Paragraph, Heading:
		var spans []Span
		for _, s := range b.Spans {
			if n <= 0 {
				break
			}
			if len(s.Text) > n {
				s.Text = headBytes(s.Text, n)
			}
			n -= len(s.Text)
			if s.Text == "" {
				break
			}
			spans = append(spans, s)
		}
		b.Spans = spans
	}
	return b
}

func headBytes(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return prefix(s, Units(s[:n]))
}
