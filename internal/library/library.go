// Package library reads the reusable knowledge of Threatloop: component types,
// risk patterns with their threats, weaknesses and countermeasures, rules in
// CEL, and questionnaires. A library is a folder of YAML files in the format of
// docs/library-format.md. Load refuses, with file, line and column, whatever is
// unknown, misspelt, doubled, dangling or contradictory, so that a loaded
// library has no dead rule in it. The package knows what a rule sees (Scope) and
// how to ask it; which elements it is asked for is the business of generate.
//
// A Library is immutable after Load and safe for concurrent use.
package library

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// Position is a place in a library's file; lines and columns count from 1, columns in characters.
type Position struct {
	Layer        string // "" where the library has one layer only
	File         string
	Line, Column int
}

// String returns "file:line:column", or "layer/file:line:column"; of a whole file without line and column.
func (p Position) String() string {
	file := p.File
	switch {
	case p.File == ".":
		file = cmp.Or(p.Layer, "the library")
	case p.Layer != "":
		file = p.Layer + "/" + p.File
	}
	if p.Line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}

// Library is one loaded library. Its lists are sorted by ref; the order of
// files, and of entries in a file, leaves no trace.
type Library struct {
	Ref         string `json:"ref"`
	Name        string `json:"name"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
	// Offer are the questionnaires that a new product may choose from, the usual one first; empty offers all about products.
	Offer      []string          `json:"offer,omitempty"`
	Tags       map[string]string `json:"tags"` // declared tags with their meaning
	Categories map[string]string `json:"categories"`
	Attributes []Attribute       `json:"attributes"`
	Types      []Type            `json:"types"`
	Patterns   []Pattern         `json:"patterns"`
	Standards  []Standard        `json:"standards,omitempty"`
	Rules      []*Rule           `json:"rules"`
	// Questionnaires keep their questions in the order in which they are asked.
	Questionnaires []Questionnaire `json:"questionnaires"`
	// Warnings are what a person should look at and no rule forbids: a pattern that nothing brings.
	Warnings []Warning `json:"-"`
	// Digest is the SHA-256 of the content, in hexadecimal; comments, file names and order do not move it.
	Digest string `json:"-"`

	types           map[string]*Type
	aliases         map[string]string
	patterns        map[string]*Pattern
	weaknesses      map[string]*Weakness
	countermeasures map[string]*Countermeasure
	questions       map[string]*Question
	attributes      map[string]*Attribute
	standards       map[string]*Standard
	facts           map[string]*factDecl
	env             *environment
	entries         []Entry
	sources         map[string]source // by kind and ref
}

// Warning is a finding that does not refuse the library.
type Warning struct {
	At   Position
	Text string
}

// Attribute is a word of the vocabulary that components or flows may carry.
type Attribute struct {
	Name   string   `json:"name"`
	Values []string `json:"values,omitempty"` // empty is free text
	For    []string `json:"for"`              // actor, process, store, flow
	Text   string   `json:"text"`
	At     Position `json:"-"`
}

// Type is a component type.
type Type struct {
	Ref         string            `json:"type"`
	Name        string            `json:"name"`
	Kind        model.Kind        `json:"kind"`
	Description string            `json:"description,omitempty"`
	Patterns    []string          `json:"patterns,omitempty"`   // always brought by a component of the type
	Attributes  map[string]string `json:"attributes,omitempty"` // read where the component does not say
	Aliases     []string          `json:"aliases,omitempty"`    // words of other tools, for importers
	At          Position          `json:"-"`
	Layer       string            `json:"-"`
}

// Pattern is a risk pattern: threats with their weaknesses and countermeasures.
type Pattern struct {
	Ref             string           `json:"pattern"`
	Name            string           `json:"name"`
	Description     string           `json:"description,omitempty"`
	Weaknesses      []Weakness       `json:"weaknesses,omitempty"`
	Countermeasures []Countermeasure `json:"countermeasures,omitempty"`
	Threats         []Threat         `json:"threats"`
	At              Position         `json:"-"`
	Layer           string           `json:"-"`
}

// Weakness is defined once in a library and used by any pattern.
type Weakness struct {
	Ref string `json:"ref"`
	// StandsFor is the weakness whose part this one plays: what a test says of that one
	// it says of this one where only this one stands; "" where it stands for itself.
	StandsFor   string   `json:"stands_for,omitempty"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	CWE         int      `json:"cwe,omitempty"`
	Test        string   `json:"test,omitempty"`
	At          Position `json:"-"`
}

// Countermeasure is defined once in a library and used by any pattern.
type Countermeasure struct {
	Ref string `json:"ref"`
	// StandsFor is the countermeasure whose part this one plays: a rule that asks for
	// that one asks for this one where this one stands; "" where it stands for itself.
	StandsFor   string         `json:"stands_for,omitempty"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	Standards   []model.Clause `json:"standards,omitempty"`
	Cost        *model.Cost    `json:"cost,omitempty"`
	Default     model.State    `json:"default"` // recommended or required
	Test        string         `json:"test,omitempty"`
	At          Position       `json:"-"`
}

// Threat is a threat of a pattern; its ref path is "pattern/threat".
type Threat struct {
	Ref         string           `json:"ref"`
	Title       string           `json:"title"`
	Description string           `json:"description,omitempty"`
	Categories  []string         `json:"categories,omitempty"`
	CAPEC       []int            `json:"capec,omitempty"`
	Impact      model.CIA        `json:"impact"`
	Ease        int              `json:"ease"`
	Because     string           `json:"because,omitempty"`
	Weaknesses  []ThreatWeakness `json:"weaknesses"`
	At          Position         `json:"-"`
}

// ThreatWeakness is a weakness that makes the threat possible, with what helps against it.
type ThreatWeakness struct {
	Ref             string  `json:"ref"`
	Countermeasures []Share `json:"countermeasures,omitempty"`
}

// Share is the part of the threat's risk, 0..100, that a countermeasure takes off.
type Share struct {
	Ref   string  `json:"ref"`
	Share float64 `json:"share"`
}

// Target is what a rule is asked for.
type Target string

// The targets of rules.
const (
	ForProduct   Target = "product"
	ForComponent Target = "component"
	ForFlow      Target = "flow"
)

// End is where a flow's rule puts what it brings.
type End string

// The ends of a flow's rule.
const (
	AtTarget End = ""       // at the element that the rule is asked for
	AtSource End = "source" // at the component that the flow leaves
	AtDest   End = "target" // at the component that the flow enters
	// AtConnection: at one flow for all between the same two elements over the same
	// channel (protocol and encryption), so that a request and its answer, or ten calls
	// of one service, have one finding.
	AtConnection End = "connection"
)

// Rule says when patterns, countermeasures, facts, questions and product values are wanted.
type Rule struct {
	Ref       string       `json:"rule"`
	Title     string       `json:"title"`
	For       Target       `json:"for"`
	Kinds     []model.Kind `json:"kinds,omitempty"` // of the component; empty is any
	Types     []string     `json:"types,omitempty"` // of the component; empty is any
	When      *Expr        `json:"when,omitempty"`  // nil is always
	At        End          `json:"at,omitempty"`
	Apply     []string     `json:"apply,omitempty"`
	Require   []string     `json:"require,omitempty"`
	Recommend []string     `json:"recommend,omitempty"`
	Conclude  []Conclusion `json:"conclude,omitempty"`
	Ask       []string     `json:"ask,omitempty"`
	Set       *Values      `json:"set,omitempty"`
	Raise     *Values      `json:"raise,omitempty"`
	Reason    string       `json:"reason"`
	Tests     []Test       `json:"-"`
	Position  Position     `json:"-"`
	Layer     string       `json:"-"`
	// Level orders rules so that a fact is concluded before it is read.
	Level int `json:"-"`
}

// Conclusion gives a fact a value.
type Conclusion struct {
	Fact  string   `json:"fact"`
	Value *Expr    `json:"value"`
	At    Position `json:"-"`
}

// Values are what a rule says about the product; nil is nothing.
type Values struct {
	Exposure        *Expr `json:"exposure,omitempty"`
	Confidentiality *Expr `json:"confidentiality,omitempty"`
	Integrity       *Expr `json:"integrity,omitempty"`
	Availability    *Expr `json:"availability,omitempty"`
}

// each calls f for every value that is there, by its name.
func (v *Values) each(f func(name string, e *Expr)) {
	if v == nil {
		return
	}
	for _, s := range []struct {
		name string
		e    *Expr
	}{{"exposure", v.Exposure}, {"value.confidentiality", v.Confidentiality}, {"value.integrity", v.Integrity}, {"value.availability", v.Availability}} {
		if s.e != nil {
			f(s.name, s.e)
		}
	}
}

// Test is a small model with the targets at which the rule must fire.
type Test struct {
	Name  string
	Model *model.Model
	Fires []model.ElementID // empty: must stay silent
	At    Position
}

// Stamp names the library, its version and its content: "starter@1+0a1b2c3d".
func (l *Library) Stamp() string { return l.Ref + "@" + l.Version + "+" + l.Digest[:8] }

// Type returns the component type with the ref, or nil.
func (l *Library) Type(ref string) *Type { return l.types[ref] }

// Pattern returns the risk pattern with the ref, or nil.
func (l *Library) Pattern(ref string) *Pattern { return l.patterns[ref] }

// StandsFor tells whether the countermeasure is the one with the ref or stands for it, over however many copies.
func (l *Library) StandsFor(c *Countermeasure, ref string) bool {
	for range len(l.countermeasures) + 1 { // a circle is refused at load, after this was asked
		if c == nil || c.Ref == ref {
			return c != nil
		}
		c = l.countermeasures[c.StandsFor]
	}
	return false
}

// Originals names the countermeasures whose part the one with the ref plays, over however many copies, the nearest
// first; nil for one that stands for none or that the library does not have.
func (l *Library) Originals(ref string) []string {
	var refs []string
	for c := l.countermeasures[ref]; c != nil && c.StandsFor != ""; c = l.countermeasures[c.StandsFor] { // a circle is refused at load
		refs = append(refs, c.StandsFor)
	}
	return refs
}

// WeaknessOriginals is Originals for weaknesses.
func (l *Library) WeaknessOriginals(ref string) []string {
	var refs []string
	for w := l.weaknesses[ref]; w != nil && w.StandsFor != ""; w = l.weaknesses[w.StandsFor] { // a circle is refused at load
		refs = append(refs, w.StandsFor)
	}
	return refs
}

// Weakness returns the weakness with the ref, or nil.
func (l *Library) Weakness(ref string) *Weakness { return l.weaknesses[ref] }

// Countermeasure returns the countermeasure with the ref, or nil.
func (l *Library) Countermeasure(ref string) *Countermeasure { return l.countermeasures[ref] }

// Question returns the question with the ref, or nil.
func (l *Library) Question(ref string) *Question { return l.questions[ref] }

// Attribute returns the attribute with the name, or nil.
func (l *Library) Attribute(name string) *Attribute { return l.attributes[name] }

// Standard returns the standard with the ref, or nil.
func (l *Library) Standard(ref string) *Standard { return l.standards[ref] }

// TypeFor returns the ref of the component type of that kind with the word as
// its ref, name or alias, ignoring case and punctuation; "" when there is none.
// An empty kind fits every type.
func (l *Library) TypeFor(word string, kind model.Kind) string {
	ref := l.aliases[model.Slug(word)]
	if t := l.types[ref]; t != nil && (kind == "" || t.Kind == kind) {
		return ref
	}
	return ""
}

// seal sorts the lists, fills the look-ups and computes the digest.
func (l *Library) seal() {
	byRef := func(a, b string) int { return strings.Compare(a, b) }
	slices.SortFunc(l.Types, func(a, b Type) int { return byRef(a.Ref, b.Ref) })
	slices.SortFunc(l.Attributes, func(a, b Attribute) int { return byRef(a.Name, b.Name) })
	slices.SortFunc(l.Patterns, func(a, b Pattern) int { return byRef(a.Ref, b.Ref) })
	slices.SortFunc(l.Rules, func(a, b *Rule) int { return byRef(a.Ref, b.Ref) })
	slices.SortFunc(l.Questionnaires, func(a, b Questionnaire) int { return byRef(a.Ref, b.Ref) })
	slices.SortFunc(l.Standards, func(a, b Standard) int { return byRef(a.Ref, b.Ref) })
	l.standards = map[string]*Standard{}
	for i := range l.Standards {
		s := &l.Standards[i]
		slices.SortStableFunc(s.Clauses, func(a, b StandardClause) int { return CompareClauses(a.ID, b.ID) })
		l.standards[s.Ref] = s
	}
	for i := range l.Patterns {
		p := &l.Patterns[i]
		slices.SortFunc(p.Threats, func(a, b Threat) int { return byRef(a.Ref, b.Ref) })
		slices.SortFunc(p.Weaknesses, func(a, b Weakness) int { return byRef(a.Ref, b.Ref) })
		slices.SortFunc(p.Countermeasures, func(a, b Countermeasure) int { return byRef(a.Ref, b.Ref) })
	}
	l.types, l.patterns = map[string]*Type{}, map[string]*Pattern{}
	l.weaknesses, l.countermeasures = map[string]*Weakness{}, map[string]*Countermeasure{}
	l.questions, l.attributes, l.aliases = map[string]*Question{}, map[string]*Attribute{}, map[string]string{}
	for i := range l.Attributes {
		l.attributes[l.Attributes[i].Name] = &l.Attributes[i]
	}
	for i := range l.Types {
		t := &l.Types[i]
		l.types[t.Ref] = t
		for _, word := range append([]string{t.Ref, t.Name}, t.Aliases...) {
			if _, taken := l.aliases[model.Slug(word)]; !taken {
				l.aliases[model.Slug(word)] = t.Ref
			}
		}
	}
	for i := range l.Patterns {
		p := &l.Patterns[i]
		l.patterns[p.Ref] = p
		for j := range p.Weaknesses {
			l.weaknesses[p.Weaknesses[j].Ref] = &p.Weaknesses[j]
		}
		for j := range p.Countermeasures {
			l.countermeasures[p.Countermeasures[j].Ref] = &p.Countermeasures[j]
		}
	}
	for i := range l.Questionnaires {
		for q := range l.Questionnaires[i].own() {
			if q.Attribute == "" {
				l.questions[q.Ref] = q
			}
		}
	}
}

// digest is taken over the content as JSON: maps are sorted by key and lists by ref.
func (l *Library) digest() (string, error) {
	content, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("library: digest of %s: %w", l.Ref, err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}
