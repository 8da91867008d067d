package iriusrisk

import (
	"regexp"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// standardRef turns a standard's ref into the form of ours: "PCI-DSS-v3.2.1" is pci-dss-v3.2.1.
func standardRef(ref string) string {
	parts := strings.Split(ref, ".")
	for i := range parts {
		parts[i] = model.Slug(parts[i])
	}
	s := strings.Join(parts, ".")
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return "std-" + s
	}
	return s
}

var (
	clauseWord = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._()-]*?)[:.,]?(?:\s+[-:]?\s*(.*))?$`)
	notClause  = regexp.MustCompile(`[^A-Za-z0-9._()-]+`)
)

// clauseOf splits what a file has for a clause, "AU-11 Audit Record Retention",
// into the id and the title. ok is false where no id can be made of it.
func clauseOf(text string) (id, title string, ok bool) {
	text = strings.Join(strings.Fields(text), " ")
	m := clauseWord.FindStringSubmatch(text)
	if m != nil && (m[2] == "" || strings.ContainsAny(m[1], "0123456789")) {
		return m[1], m[2], true
	}
	id = strings.Trim(notClause.ReplaceAllString(text, "-"), "-._()")
	if id == "" {
		return text, "", false
	}
	if len(id) > 80 {
		id = strings.TrimRight(id[:80], "-._(")
	}
	return id, text, true
}
