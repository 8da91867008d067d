// Package cwe knows the Common Weakness Enumeration: which identifiers exist,
// how they are spelt in reports, and which weakness is a kind of which other
// (ChildOf in view 1000, Research Concepts). The table is embedded, derived from
// MITRE's catalogue by tools/cwe. A Tree is immutable and safe for concurrent use.
package cwe

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed cwe.txt
var table string

// Kind is what a CWE identifier stands for.
type Kind string

// The kinds of entries. A category or a view is no weakness: a finding that
// carries one says where to look, not what is wrong.
const (
	Pillar   Kind = "pillar"
	Class    Kind = "class"
	Base     Kind = "base"
	Variant  Kind = "variant"
	Compound Kind = "compound"
	Category Kind = "category"
	View     Kind = "view"
)

// Usage is MITRE's advice on mapping a finding to an entry.
type Usage string

// MITRE's mapping usages. Categories and views are prohibited.
const (
	Allowed     Usage = "allowed"
	WithReview  Usage = "allowed_with_review"
	Discouraged Usage = "discouraged"
	Prohibited  Usage = "prohibited"
)

// Entry is one row of the catalogue.
type Entry struct {
	ID       int
	Name     string
	Kind     Kind
	Usage    Usage
	Parents  []int // ChildOf in view 1000, ascending
	Members  []int // of a category, ascending
	Replaced []int // of a deprecated weakness: what its description refers to
}

// Tree is one release of the catalogue.
type Tree struct {
	version, date string
	entries       map[int]Entry
	children      map[int][]int
}

// Default returns the embedded catalogue. It is parsed once, at the first call.
var Default = sync.OnceValue(func() *Tree {
	t, err := Parse(table)
	if err != nil {
		// The table is part of the binary and read by the tests: a damaged one cannot ship.
		return &Tree{entries: map[int]Entry{}, children: map[int][]int{}}
	}
	return t
})

// Parse reads a table in the format of cwe.txt, as tools/cwe writes it; the error names the line.
func Parse(text string) (*Tree, error) {
	t := &Tree{entries: map[int]Entry{}, children: map[int][]int{}}
	for n, row := range strings.Split(text, "\n") {
		if row == "" || row[0] == '#' {
			continue
		}
		f := strings.Split(row, "\t")
		if f[0] == "VERSION" && len(f) == 3 {
			t.version, t.date = f[1], f[2]
			continue
		}
		e, err := parseEntry(f)
		if err != nil {
			return nil, fmt.Errorf("cwe: line %d: %w", n+1, err)
		}
		t.entries[e.ID] = e
		for _, p := range e.Parents {
			t.children[p] = append(t.children[p], e.ID)
		}
	}
	return t, nil
}

func parseEntry(f []string) (Entry, error) {
	if len(f) < 3 {
		return Entry{}, fmt.Errorf("%d fields", len(f))
	}
	id, err := strconv.Atoi(f[1])
	if err != nil {
		return Entry{}, fmt.Errorf("id %q is not a number", f[1])
	}
	e := Entry{ID: id, Name: f[len(f)-1], Usage: Prohibited}
	switch {
	case f[0] == "V" && len(f) == 3:
		e.Kind = View
	case f[0] == "C" && len(f) == 5:
		e.Kind, e.Members = Category, parseList(f[3])
	case f[0] == "W" && len(f) == 7:
		e.Kind = map[string]Kind{"P": Pillar, "C": Class, "B": Base, "V": Variant, "X": Compound}[f[2]]
		e.Usage = map[string]Usage{"A": Allowed, "R": WithReview, "D": Discouraged, "P": Prohibited}[f[3]]
		e.Parents, e.Replaced = parseList(f[4]), parseList(f[5])
		if e.Kind == "" || e.Usage == "" {
			return Entry{}, fmt.Errorf("abstraction %q or usage %q is not known", f[2], f[3])
		}
	default:
		return Entry{}, fmt.Errorf("row %q with %d fields is not known", f[0], len(f))
	}
	return e, nil
}

func parseList(s string) []int {
	if s == "-" {
		return nil
	}
	var ids []int
	for part := range strings.SplitSeq(s, ",") {
		if id, err := strconv.Atoi(part); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// Version returns the release and its date, such as "4.15" and "2024-07-16".
func (t *Tree) Version() (version, date string) { return t.version, t.date }

// Lookup returns the entry with the id, and whether there is one.
func (t *Tree) Lookup(id int) (Entry, bool) {
	e, ok := t.entries[id]
	return e, ok
}

// Name returns the entry's name, or "" for an unknown id.
func (t *Tree) Name(id int) string { return t.entries[id].Name }

// Parents returns the ids of which id is a child in view 1000; nil for a root or an unknown id.
func (t *Tree) Parents(id int) []int { return t.entries[id].Parents }

// Children returns the direct children of id in view 1000, ascending.
func (t *Tree) Children(id int) []int { return t.children[id] }

// IDs returns every weakness (no category, no view), ascending.
func (t *Tree) IDs() []int {
	ids := make([]int, 0, len(t.entries))
	for id, e := range t.entries {
		if e.Kind != Category && e.Kind != View {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// MapsDown reports whether a finding below id may be taken as evidence about
// id: it must be a weakness, no pillar, and neither discouraged nor prohibited.
// "Improper neutralization" (707) covers half of the catalogue and proves nothing.
func (t *Tree) MapsDown(id int) bool {
	e, ok := t.entries[id]
	return ok && e.Kind != Pillar && (e.Usage == Allowed || e.Usage == WithReview)
}

// Ancestors returns what lies above id in view 1000 with the number of ChildOf
// steps by the shortest way, id itself at 0; empty for an unknown id.
func (t *Tree) Ancestors(id int) map[int]int {
	out := map[int]int{}
	if _, ok := t.entries[id]; !ok {
		return out
	}
	out[id] = 0
	for level := []int{id}; len(level) > 0; {
		var next []int
		for _, x := range level {
			for _, p := range t.entries[x].Parents {
				if _, seen := out[p]; !seen {
					out[p] = out[x] + 1
					next = append(next, p)
				}
			}
		}
		level = next
	}
	return out
}

// Distance returns how many ChildOf steps lead up from id to ancestor by the
// shortest way: 0 for itself, -1 where ancestor is not above it.
func (t *Tree) Distance(id, ancestor int) int {
	if d, ok := t.Ancestors(id)[ancestor]; ok {
		return d
	}
	return -1
}

// Aliases returns what stands for an entry that no finding should carry: the
// members of a category, the replacements of a deprecated weakness; else nil.
func (t *Tree) Aliases(id int) []int {
	e := t.entries[id]
	if e.Kind == Category {
		return e.Members
	}
	return e.Replaced
}
