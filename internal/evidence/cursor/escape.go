package cursor

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// unescape appends raw text with the five predefined entities and character
// references resolved; other entities stay as written.
func unescape(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '&')
		if i < 0 {
			return appendClean(dst, raw)
		}
		dst = appendClean(dst, raw[:i])
		raw = raw[i:]
		end := bytes.IndexByte(raw[:min(len(raw), 12)], ';')
		if end < 0 {
			dst, raw = append(dst, '&'), raw[1:]
			continue
		}
		if r, ok := entity(string(raw[1:end])); ok {
			if r >= 0x20 || r == '\n' || r == '\t' || r == '\r' {
				dst = utf8.AppendRune(dst, r)
			}
		} else {
			dst = append(dst, raw[:end+1]...)
		}
		raw = raw[end+1:]
	}
}

func entity(s string) (rune, bool) {
	switch s {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(s) < 2 || s[0] != '#' {
		return 0, false
	}
	base, digits := 10, s[1:]
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(n), err == nil && n <= utf8.MaxRune
}

// appendClean appends text without control characters other than tab, newline and return.
func appendClean(dst, raw []byte) []byte {
	for len(raw) > 0 {
		i := 0
		for i < len(raw) && (raw[i] >= 0x20 || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
			i++
		}
		dst = append(dst, raw[:i]...)
		for i < len(raw) && raw[i] < 0x20 && raw[i] != '\n' && raw[i] != '\t' && raw[i] != '\r' {
			i++
		}
		raw = raw[i:]
	}
	return dst
}
