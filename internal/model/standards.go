package model

import "strings"

// ParseStandard reads a standard that a product keeps: a ref of lower case letters,
// digits, points and hyphens, and after a colon the highest level that counts, 1..9.
// Level 0 is the whole standard.
func ParseStandard(s string) (ref string, level int, ok bool) {
	ref, digit, levelled := strings.Cut(s, ":")
	if levelled {
		if len(digit) != 1 || digit[0] < '1' || digit[0] > '9' {
			return "", 0, false
		}
		level = int(digit[0] - '0')
	}
	for i, r := range ref {
		letter := r >= 'a' && r <= 'z'
		if !letter && (i == 0 || !(r >= '0' && r <= '9') && r != '.' && r != '-') {
			return "", 0, false
		}
	}
	if ref == "" || len(ref) > 100 {
		return "", 0, false
	}
	return ref, level, true
}
