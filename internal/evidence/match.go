package evidence

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/model"
)

// Basis is why a result is evidence about a weakness or countermeasure, in falling strength.
type Basis string

// The bases of a match. Only the first two let a pass verify anything.
const (
	ByPin        Basis = "pinned"     // a person said so for this tool and rule
	ByReference  Basis = "reference"  // the test names it
	ByRule       Basis = "rule"       // the table of well-known rules
	ByCWE        Basis = "cwe"        // the same CWE
	ByDescendant Basis = "descendant" // the finding's CWE is a kind of the weakness's
	ByAncestor   Basis = "ancestor"   // the other way round: only ever proposed
)

// Explicit reports whether somebody named the subject.
func (b Basis) Explicit() bool { return b == ByPin || b == ByReference }

// Subject is what evidence is about: exactly one of the two is set.
type Subject struct {
	Weakness       model.WeaknessID       `json:"weakness,omitempty"`
	Countermeasure model.CountermeasureID `json:"countermeasure,omitempty"`
}

// Match says that a result is evidence about a subject.
type Match struct {
	Subject
	Where  model.ElementID `json:"where"`
	Basis  Basis           `json:"basis"`
	Reason string          `json:"reason"` // one sentence
}

// State is what became of a result.
type State string

// The states of a result after matching.
const (
	Matched   State = "matched"
	Unmatched State = "unmatched" // nothing in the model fits: triage
	Ambiguous State = "ambiguous" // it fits several places and names none: triage
	Refused   State = "refused"   // a person said that the rule is no evidence here
)

// Observation is a result with what it is evidence of.
type Observation struct {
	Result   Result  `json:"result"`
	State    State   `json:"state"`
	Reason   string  `json:"reason,omitempty"` // why it is not matched
	Matches  []Match `json:"matches,omitempty"`
	Proposed []Match `json:"proposed,omitempty"` // candidates for a person: ancestors, or the places of an ambiguous one
}

// Pin is a person's decision about a rule, made once and for all.
type Pin struct {
	Tool   string          `json:"tool"`            // as the report names it, case ignored
	Rule   string          `json:"rule"`            // Result.ID
	Ref    string          `json:"ref"`             // id or ref of a weakness or countermeasure; "" with Refuse is all
	Where  model.ElementID `json:"where,omitempty"` // only there; "" is everywhere
	Refuse bool            `json:"refuse,omitempty"`
	Reason string          `json:"reason,omitempty"`
}

// maxProposed bounds the proposals of one observation.
const maxProposed = 10

// Matcher matches results against one model. Make one with NewMatcher; it is
// immutable, safe for concurrent use, and deterministic.
type Matcher struct {
	tree     *cwe.Tree
	places   *places
	subjects []subject
	byRef    map[string][]int // lower-case id, ref, or mandatory test -> subjects
	playing  map[string][]int // lower-case ref of a weakness or countermeasure -> subjects that play its part
	byCWE    map[int][]int
	below    map[int][]int // CWE -> those of the model that lie under it, ascending
	pins     map[[2]string][]Pin
}

// subject is a weakness or countermeasure that is not retired.
type subject struct {
	Subject
	where      model.ElementID
	ref, title string
	cwe        int
	originals  []string // the weaknesses or countermeasures whose part it plays
}

// NewMatcher indexes a model's weaknesses and countermeasures. tree nil is the embedded CWE catalogue.
func NewMatcher(m *model.Model, pins []Pin, tree *cwe.Tree) *Matcher {
	return NewMatcherOf(m, pins, tree, Originals{})
}

// Originals tells of weaknesses and countermeasures that play the part of others, such as of what they were copied
// from: each function names those whose part the one with the ref plays, nearest first. A nil function knows of none.
type Originals struct {
	Weaknesses, Countermeasures func(ref string) []string
}

// NewMatcherOf is NewMatcher where weaknesses and countermeasures play the part of others. They answer to
// the refs of those, in tests and in what people decided, at every place where the original itself does not stand.
func NewMatcherOf(m *model.Model, pins []Pin, tree *cwe.Tree, originals Originals) *Matcher {
	if tree == nil {
		tree = cwe.Default()
	}
	mt := &Matcher{tree: tree, places: newPlaces(m), byRef: map[string][]int{}, playing: map[string][]int{}, byCWE: map[int][]int{}, below: map[int][]int{}, pins: map[[2]string][]Pin{}}
	for _, w := range m.Weaknesses {
		if w.Retired == nil {
			mt.add(subject{Subject: Subject{Weakness: w.ID}, where: w.Where, ref: w.Ref, title: w.Title, cwe: w.CWE}, originals.Weaknesses, string(w.ID), w.Ref)
		}
	}
	for _, c := range m.Countermeasures {
		if c.Retired == nil {
			mt.add(subject{Subject: Subject{Countermeasure: c.ID}, where: c.Where, ref: c.Ref, title: c.Title}, originals.Countermeasures, append([]string{string(c.ID), c.Ref}, c.Mandatory...)...)
		}
	}
	for _, id := range mt.sortedCWEs() {
		for above, d := range tree.Ancestors(id) {
			if d > 0 {
				mt.below[above] = append(mt.below[above], id)
			}
		}
	}
	for _, p := range pins {
		k := pinKey(p.Tool, p.Rule)
		mt.pins[k] = append(mt.pins[k], p)
	}
	return mt
}

func (m *Matcher) add(s subject, originals func(ref string) []string, keys ...string) {
	i := len(m.subjects)
	if originals != nil {
		s.originals = originals(s.ref)
	}
	for _, ref := range s.originals {
		ref = strings.ToLower(ref)
		m.playing[ref] = append(m.playing[ref], i)
	}
	m.subjects = append(m.subjects, s)
	for _, k := range keys {
		if k = strings.ToLower(k); k != "" && !slices.Contains(m.byRef[k], i) {
			m.byRef[k] = append(m.byRef[k], i)
		}
	}
	if s.cwe > 0 {
		m.byCWE[s.cwe] = append(m.byCWE[s.cwe], i)
	}
}

// named finds the subjects with the id, ref or mandatory test, and those that play the part of
// the weakness or countermeasure with the ref where it does not stand itself.
func (m *Matcher) named(ref string) []int {
	ref = strings.ToLower(ref)
	own := m.byRef[ref]
	if len(m.playing[ref]) == 0 {
		return own
	}
	out := slices.Clone(own)
	for _, i := range m.playing[ref] {
		s := &m.subjects[i]
		if !slices.ContainsFunc(own, func(j int) bool {
			o := &m.subjects[j] // a weakness and a countermeasure may have one ref
			return o.where == s.where && (o.Weakness != "") == (s.Weakness != "")
		}) {
			out = append(out, i)
		}
	}
	return out
}

func pinKey(tool, rule string) [2]string { return [2]string{strings.ToLower(tool), rule} }

// candidate is a subject that fits for a reason.
type candidate struct {
	index  int
	basis  Basis
	reason string
}

// Match finds what a result of the tool is evidence of. The first basis wins
// that has a candidate at the places where the result was observed. A result that is no
// failure matches only explicitly.
func (m *Matcher) Match(tool string, r Result) Observation {
	o := Observation{Result: r, State: Unmatched}
	pins := m.pins[pinKey(tool, r.ID)]
	for _, p := range pins {
		if p.Refuse && p.Ref == "" && p.Where == "" {
			o.State, o.Reason = Refused, because("results of this rule are refused", p.Reason)
			return o
		}
	}
	hits := m.places.hits(&r)
	levels := []func() []candidate{
		func() []candidate { return m.pinned(pins) },
		func() []candidate { return m.referenced(&r) },
	}
	if r.Verdict == Fail {
		levels = append(levels,
			func() []candidate { return m.sameCWE(ruleCWEs(tool, r.ID), ByRule, "rule "+r.ID+" is known to show ") },
			func() []candidate { return m.sameCWE(m.current(r.CWEs), ByCWE, "the finding carries ") },
			func() []candidate { return m.descendants(m.current(r.CWEs)) },
		)
	}
	elsewhere, refused := 0, ""
	for _, level := range levels {
		var fit []candidate
		for _, c := range level() {
			s := &m.subjects[c.index]
			if p, no := refusal(pins, s); no {
				refused = because(fmt.Sprintf("%q is refused for this rule", s.title), p.Reason)
				continue
			}
			if len(hits) > 0 && c.basis != ByPin && !m.places.near(s.where, hits) {
				elsewhere++
				continue
			}
			fit = append(fit, c)
		}
		if len(fit) == 0 {
			continue
		}
		matches := m.matches(fit)
		if len(hits) == 0 && several(matches) && fit[0].basis != ByPin {
			o.State, o.Proposed = Ambiguous, matches[:min(len(matches), maxProposed)]
			o.Reason = fmt.Sprintf("it fits %d places and names no location that tells which", countPlaces(matches))
			return o
		}
		o.State, o.Matches = Matched, matches
		return o
	}
	switch {
	case refused != "":
		o.State, o.Reason = Refused, refused
	case elsewhere > 0:
		o.Reason = fmt.Sprintf("it was observed at %s, where nothing fits; %d candidates are elsewhere", joinIDs(hits), elsewhere)
	case r.Verdict != Fail:
		o.Reason = "the test names no weakness and no countermeasure of the model"
	case len(r.CWEs) == 0 && len(r.Refs) == 0:
		o.Reason = "the finding carries no CWE and no reference"
	default:
		o.Reason = "nothing in the model has its CWE or its reference"
	}
	if r.Verdict == Fail && o.State == Unmatched {
		o.Proposed = m.ancestors(m.current(append(slices.Clone(r.CWEs), ruleCWEs(tool, r.ID)...)), hits)
	}
	return o
}

func (m *Matcher) pinned(pins []Pin) (out []candidate) {
	for _, p := range pins {
		if p.Refuse {
			continue
		}
		for _, i := range m.named(p.Ref) {
			if p.Where == "" || m.subjects[i].where == p.Where {
				out = append(out, candidate{i, ByPin, because("mapped by a person", p.Reason)})
			}
		}
	}
	return out
}

func refusal(pins []Pin, s *subject) (Pin, bool) {
	for _, p := range pins {
		if !p.Refuse || p.Where != "" && p.Where != s.where {
			continue
		}
		if p.Ref == "" || strings.EqualFold(p.Ref, s.ref) || p.Ref == string(s.Weakness)+string(s.Countermeasure) ||
			slices.ContainsFunc(s.originals, func(ref string) bool { return strings.EqualFold(p.Ref, ref) }) {
			return p, true
		}
	}
	return Pin{}, false
}

// referenced finds what a test names: by id or ref, by "cwe-N" with any suffix
// in a tag, by its own id where it is a mandatory test, or by a known ref among the words of its name.
func (m *Matcher) referenced(r *Result) (out []candidate) {
	for _, ref := range r.Refs {
		low := strings.ToLower(ref)
		if found := m.named(ref); len(found) > 0 {
			for _, i := range found {
				out = append(out, candidate{i, ByReference, fmt.Sprintf("the test refers to %q", ref)})
			}
			continue
		}
		if rest, ok := strings.CutPrefix(low, "cwe-"); ok {
			digits, _, _ := strings.Cut(rest, "-")
			if id, err := strconv.Atoi(digits); err == nil {
				for _, i := range m.byCWE[id] {
					out = append(out, candidate{i, ByReference, fmt.Sprintf("the test is tagged %q", ref)})
				}
			}
		}
	}
	for _, i := range m.byRef[strings.ToLower(r.ID)] {
		out = append(out, candidate{i, ByReference, "the test is named as one that must pass"})
	}
	if len(out) > 0 || len(r.Refs) > 0 {
		return out
	}
	for _, word := range strings.FieldsFunc(r.Name, func(c rune) bool { return strings.ContainsRune(" \t\n,;:()[]{}\"'", c) }) {
		// A word must look like an identifier: "authentication" may well be the ref of something.
		if len(word) < 4 || !strings.ContainsAny(word, "-_/.") || !strings.ContainsAny(word, "0123456789") || strings.HasPrefix(strings.ToLower(word), "cwe") {
			continue
		}
		for _, i := range m.named(word) {
			out = append(out, candidate{i, ByReference, fmt.Sprintf("the test's name contains %q", word)})
		}
	}
	return out
}

// current replaces deprecated CWEs by the single one that took their place.
func (m *Matcher) current(ids []int) []int {
	out := slices.Clone(ids)
	for i, id := range out {
		if e, ok := m.tree.Lookup(id); ok && e.Kind != cwe.Category && len(e.Replaced) == 1 {
			out[i] = e.Replaced[0]
		}
	}
	return out
}

func (m *Matcher) sameCWE(ids []int, basis Basis, text string) (out []candidate) {
	for _, id := range ids {
		for _, i := range m.byCWE[id] {
			out = append(out, candidate{i, basis, fmt.Sprintf("%sCWE-%d", text, id)})
		}
	}
	return out
}

// descendants finds the weaknesses of which the finding's CWE is a kind, at the least distance.
func (m *Matcher) descendants(ids []int) (out []candidate) {
	best := 0
	for _, id := range ids {
		up := m.tree.Ancestors(id)
		for _, above := range slices.Sorted(maps.Keys(up)) {
			d := up[above]
			if d == 0 || best > 0 && d > best || len(m.byCWE[above]) == 0 || !m.tree.MapsDown(above) {
				continue
			}
			if best == 0 || d < best {
				best, out = d, nil
			}
			for _, i := range m.byCWE[above] {
				out = append(out, candidate{i, ByDescendant, fmt.Sprintf("CWE-%d is a kind of CWE-%d (%d below it)", id, above, d)})
			}
		}
	}
	return out
}

// ancestors proposes weaknesses below the finding's CWE, and members of a category that it carries.
func (m *Matcher) ancestors(ids []int, hits []model.ElementID) []Match {
	var out []candidate
	propose := func(below int, reason string) {
		for _, i := range m.byCWE[below] {
			if len(hits) == 0 || m.places.near(m.subjects[i].where, hits) {
				out = append(out, candidate{i, ByAncestor, reason})
			}
		}
	}
	for _, id := range ids {
		for _, below := range m.below[id] {
			propose(below, fmt.Sprintf("CWE-%d is wider than CWE-%d", id, below))
		}
		for _, below := range m.tree.Aliases(id) {
			propose(below, fmt.Sprintf("CWE-%d (%s) includes CWE-%d", id, m.tree.Name(id), below))
		}
	}
	matches := m.matches(out)
	return matches[:min(len(matches), maxProposed)]
}

func (m *Matcher) sortedCWEs() []int {
	return slices.Sorted(maps.Keys(m.byCWE))
}

// matches turns candidates into matches: one per subject, sorted by place and subject.
func (m *Matcher) matches(list []candidate) []Match {
	var out []Match
	for _, c := range list {
		s := &m.subjects[c.index]
		if !slices.ContainsFunc(out, func(x Match) bool { return x.Subject == s.Subject }) {
			out = append(out, Match{Subject: s.Subject, Where: s.where, Basis: c.basis, Reason: c.reason})
		}
	}
	slices.SortFunc(out, compareMatches)
	return out
}

func compareMatches(a, b Match) int {
	return strings.Compare(string(a.Where)+"\x00"+string(a.Weakness)+"\x00"+string(a.Countermeasure), string(b.Where)+"\x00"+string(b.Weakness)+"\x00"+string(b.Countermeasure))
}

func countPlaces(list []Match) int {
	seen := map[model.ElementID]bool{}
	for _, x := range list {
		seen[x.Where] = true
	}
	return len(seen)
}

func several(list []Match) bool { return countPlaces(list) > 1 }

func because(text, reason string) string {
	if reason == "" {
		return text
	}
	return text + ": " + reason
}

func joinIDs(ids []model.ElementID) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = string(id)
	}
	return strings.Join(parts, ", ")
}
