package cwe

import (
	"slices"
	"strings"
)

// ParseIDs reads the identifiers in a field that is meant to hold CWEs, in any
// spelling seen in reports: "CWE-79", "cwe-079", "79", "CWE ID 79,CWE ID 80",
// "external/cwe/cwe-079", "CWE-79: text", ".../definitions/79.html", lists. Only ids of the
// catalogue are returned, ascending and without repeats; -1, 0, "None" and text give nil.
func (t *Tree) ParseIDs(field string) []int {
	var ids []int
	for _, part := range strings.FieldsFunc(field, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if found := t.FindIDs(part); len(found) > 0 {
			ids = append(ids, found...)
			continue
		}
		if i := strings.LastIndex(part, "/definitions/"); i >= 0 {
			part = strings.TrimSuffix(part[i+len("/definitions/"):], ".html")
		}
		ids = append(ids, t.numbers(part)...)
	}
	return normal(ids)
}

// numbers reads a part that consists of nothing but numbers; prose with a number in it gives nil.
func (t *Tree) numbers(part string) []int {
	var ids []int
	for _, word := range strings.Fields(part) {
		id, n := leadingNumber(word)
		if n == 0 || n < len(word) {
			return nil
		}
		ids = t.add(ids, id)
	}
	return ids
}

// FindIDs reads the identifiers that are spelt with the letters CWE anywhere in
// free text, such as a test's name or a tag; bare numbers are not taken.
func (t *Tree) FindIDs(text string) []int {
	var ids []int
	for i := 0; i+4 <= len(text); i++ {
		if !strings.EqualFold(text[i:i+3], "cwe") {
			continue
		}
		rest := text[i+3:]
		rest = strings.TrimLeft(rest, "-_ :#/")
		if len(rest) >= 2 && strings.EqualFold(rest[:2], "id") {
			rest = strings.TrimLeft(rest[2:], "-_ :#")
		}
		if len(text)-i-3-len(rest) > 8 {
			continue
		}
		if strings.HasPrefix(strings.ToLower(rest), "definitions/") {
			rest = rest[len("definitions/"):]
		}
		if id, n := leadingNumber(rest); n > 0 {
			ids = t.add(ids, id)
			// "CWE-89, 90" is not a list of CWEs in prose; "CWE-79/80" is.
			for rest = rest[n:]; len(rest) > 1 && rest[0] == '/'; rest = rest[n:] {
				if id, n = leadingNumber(rest[1:]); n == 0 {
					break
				}
				n++
				ids = t.add(ids, id)
			}
		}
	}
	return normal(ids)
}

func (t *Tree) add(ids []int, id int) []int {
	if _, ok := t.entries[id]; ok {
		return append(ids, id)
	}
	return ids
}

func leadingNumber(s string) (id, n int) {
	for n < len(s) && n < 6 && s[n] >= '0' && s[n] <= '9' {
		id = id*10 + int(s[n]-'0')
		n++
	}
	if n < len(s) && s[n] >= '0' && s[n] <= '9' {
		return 0, 0
	}
	return id, n
}

func normal(ids []int) []int {
	slices.Sort(ids)
	return slices.Compact(ids)
}
