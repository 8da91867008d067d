package library

import (
	"regexp"
	"slices"
	"strings"
)

var (
	standardForm = regexp.MustCompile(`^[a-z][a-z0-9]*([.-][a-z0-9]+)*$`)
	clauseID     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._()-]*$`)
	clauseForm   = regexp.MustCompile(`^([a-z][a-z0-9.-]*):([A-Za-z0-9][A-Za-z0-9._()-]*)$`)
)

// Standard is a published catalogue of requirements that countermeasures serve.
type Standard struct {
	Ref     string           `json:"standard"` // "asvs-5.0"
	Name    string           `json:"name"`
	Version string           `json:"version,omitempty"`
	URL     string           `json:"url,omitempty"`
	Clauses []StandardClause `json:"clauses"` // sorted by CompareClauses
	At      Position         `json:"-"`
	Layer   string           `json:"-"`
}

// StandardClause is one requirement: its published id and a title in our own words.
type StandardClause struct {
	ID    string   `json:"id"` // "1.2.4"
	Title string   `json:"title"`
	Level int      `json:"level,omitempty"` // 1 is the least demanding; 0 where the standard has no levels
	At    Position `json:"-"`
}

// Clause returns the clause with the id, or nil.
func (s *Standard) Clause(id string) *StandardClause {
	if i, found := slices.BinarySearchFunc(s.Clauses, id, func(c StandardClause, id string) int { return CompareClauses(c.ID, id) }); found {
		return &s.Clauses[i]
	}
	return nil
}

// Levels returns the levels that the clauses have, sorted; none where the standard has no levels.
func (s *Standard) Levels() []int {
	var all []int
	for _, c := range s.Clauses {
		if c.Level > 0 && !slices.Contains(all, c.Level) {
			all = append(all, c.Level)
		}
	}
	slices.Sort(all)
	return all
}

// CompareClauses orders clause ids as people count: digits by their number, all else by character.
func CompareClauses(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		n, m := digits(x), digits(y)
		if n == 0 || m == 0 {
			if x[0] != y[0] {
				return int(x[0]) - int(y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		p, q := strings.TrimLeft(x[:n], "0"), strings.TrimLeft(y[:m], "0")
		if len(p) != len(q) {
			return len(p) - len(q)
		}
		if p != q {
			return strings.Compare(p, q)
		}
		x, y = x[n:], y[m:]
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(a, b) // "01" and "1" count the same
}

// digits returns how many digits the text begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func (r *raw) readStandard(d *document, body *node) {
	r.entry(d, body, EntryStandard, standardForm, func(it *item) {
		s := Standard{Layer: d.layer}
		s.At = d.fields(body, "standard", map[string]func(*node){
			"standard": d.pattern(&s.Ref, "standard", standardForm),
			"name":     d.text(&s.Name, "name"),
			"version":  d.text(&s.Version, "version"),
			"url": func(n *node) {
				if d.text(&s.URL, "url")(n); s.URL != "" && !strings.HasPrefix(s.URL, "https://") {
					d.add(d.at(n), "url: %q does not begin with https://", s.URL)
				}
			},
			"clauses": func(n *node) {
				first := map[string]Position{}
				d.each(n, "clauses", func(n *node) {
					c := readStandardClause(d, n)
					if at, twice := first[c.ID]; twice && c.ID != "" {
						d.add(c.At, "clause %q is there twice, first in line %d", c.ID, at.Line)
						return
					}
					first[c.ID] = c.At
					s.Clauses = append(s.Clauses, c)
				})
			},
		}, "standard", "name", "clauses")
		it.ref, it.at, it.add = s.Ref, s.At, func(l *Library) { l.Standards = append(l.Standards, s) }
	})
}

func readStandardClause(d *document, n *node) StandardClause {
	var c StandardClause
	c.At = d.fields(n, "clause", map[string]func(*node){
		"id":    d.pattern(&c.ID, "id", clauseID),
		"title": d.text(&c.Title, "title"),
		"level": d.integer(&c.Level, "level", 1, 9),
	}, "id", "title")
	return c
}

// resolveClauses checks that each clause that a countermeasure serves is declared.
func (r *raw) resolveClauses(p *problems) {
	for _, u := range r.uses["clause"] {
		ref, id, _ := strings.Cut(u.ref, ":")
		s := r.standards[ref]
		if s == nil {
			p.add(u.at, "%s: unknown standard %q%s", u.what, ref, nearest(ref, keysOf(r.standards)))
			continue
		}
		if s.Clause(id) == nil {
			known := make([]string, len(s.Clauses))
			for i, c := range s.Clauses {
				known[i] = c.ID
			}
			p.add(u.at, "%s: %s has no clause %q%s", u.what, ref, id, nearest(id, known))
		}
	}
}

// clause reads "standard:clause".
func (r *raw) clause(d *document, n *node, what string) (standard, id string, ok bool) {
	s, ok := d.word(n, what)
	if !ok {
		return "", "", false
	}
	parts := clauseForm.FindStringSubmatch(s)
	if parts == nil {
		d.add(d.at(n), "%s: %q is not of the form standard:clause, such as asvs-5.0:1.2.4", what, s)
		return "", "", false
	}
	r.use("clause", d.at(n), s, what)
	return parts[1], parts[2], true
}
