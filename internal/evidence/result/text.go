package result

import (
	"strings"
	"unicode/utf8"
)

// Clean returns text as valid UTF-8 without control characters except tab and
// newline, trimmed, and cut to max bytes at a rune border with an ellipsis.
func Clean(s string, max int) string {
	s = strings.TrimSpace(s)
	if len(s) > 4*max {
		s = s[:4*max]
	}
	if !plain(s) {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\n' || r == '\t':
				return r
			case r == '\r':
				return -1
			case r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\ufffe' || r == '\uffff':
				return -1
			// Direction marks let a name from a report look like another one on the page.
			case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, "\ufffd"))
		s = strings.TrimSpace(s)
	}
	if len(s) <= max {
		return s
	}
	const mark = "…"
	i := max - len(mark)
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	return s[:i] + mark
}

func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f {
			return false
		}
	}
	return true
}

// Tag returns a tag without its leading "@" and spaces.
func Tag(s string) string { return strings.TrimLeft(strings.TrimSpace(s), "@") }

// refPrefixes start a tag that the author of a test set to name what it proves.
var refPrefixes = []string{"threatloop:", "threatloop-", "iriusrisk-", "iriusriskcwe-", "cwe-", "id-", "ref:", "ref-"}

// RefOfTag returns the explicit reference in a tag that a person wrote at a
// test: "@threatloop:REF" gives REF, "@iriusrisk-cwe-89" and "@cwe-89" give
// cwe-89, with any suffix kept ("cwe-693-clickjack"); another tag gives "".
func RefOfTag(tag string) string {
	tag = Tag(tag)
	low := strings.ToLower(tag)
	for _, p := range refPrefixes {
		if !strings.HasPrefix(low, p) || len(tag) == len(p) {
			continue
		}
		switch p {
		case "cwe-":
			return tag
		case "iriusriskcwe-":
			return "cwe-" + tag[len(p):]
		}
		return tag[len(p):]
	}
	return ""
}

// RefsInName returns the references that a test's name carries as words that
// start with "@", such as "rejects forged tokens @threatloop:CM-12".
func RefsInName(name string) []string {
	if !strings.Contains(name, "@") {
		return nil
	}
	var refs []string
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" \t\n,;()[]\"'", r) }) {
		if i := strings.IndexByte(word, '@'); i == 0 {
			if ref := RefOfTag(word); ref != "" {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// SplitList splits a comma- or newline-joined value into trimmed, non-empty parts.
func SplitList(s string) []string {
	var out []string
	for _, p := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
