package library

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// Change is one difference between two libraries.
type Change struct {
	// Kind is that of an entry, or head, tag, category, attribute, weakness,
	// countermeasure, threat, test, question or clause: what stands within entries is compared by itself.
	Kind string `json:"kind"`
	// Ref is the ref; of a threat "pattern/threat", of a test "rule/name", of a clause "standard:clause", of a
	// component question "questionnaire/attribute", of the head "library".
	Ref    string        `json:"ref"`
	Title  string        `json:"title,omitempty"` // in the newer library, or in the older where it is gone
	What   What          `json:"what"`
	In     *EntryName    `json:"in,omitempty"`     // the entry that defines it; nil where it is an entry itself, or of the head
	Fields []FieldChange `json:"fields,omitempty"` // of what changed, in order of names
}

// EntryName names an entry of a library.
type EntryName struct {
	Kind string `json:"kind"`
	Ref  string `json:"ref"`
}

// What says how something differs.
type What string

// The ways to differ.
const (
	Added   What = "added"
	Removed What = "removed"
	Changed What = "changed"
)

// FieldChange is a field of the files with its value as JSON before and after; null is none.
type FieldChange struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old"`
	New   json.RawMessage `json:"new"`
}

// thing is what Diff compares: its fields as JSON.
type thing struct {
	kind, ref, title string
	within           *EntryName // that has it; what comes or goes with that is not told twice
	fields           map[string]json.RawMessage
}

func (n EntryName) key() string { return n.Kind + " " + n.Ref }

// alone tells whether the thing came or went without the entry that has it; other is the library that lacks the thing.
func (t *thing) alone(other map[string]*thing) bool {
	return t.within == nil || other[t.within.key()] != nil
}

// testKind is the kind of a change of a rule's test.
const testKind = "test"

// OfTest tells whether only a test of a rule differs, which changes nothing for any product.
func (c Change) OfTest() bool { return c.Kind == testKind }

// kindOrder is the order of changes.
var kindOrder = []string{EntryHead, "tag", "category", "attribute", EntryType, EntryPattern, "threat", "weakness", "countermeasure", EntryRule, testKind, EntryQuestionnaire, "question", EntryStandard, "clause"}

// Diff tells what makes newer of older, sorted by kinds and refs. What an entry that
// was added or removed defines is not told again. Libraries of one digest differ in
// tests at most (Change.OfTest).
func Diff(older, newer *Library) []Change {
	was, is := older.things(), newer.things()
	var changes []Change
	for key, n := range is {
		o := was[key]
		if o == nil {
			if n.alone(was) {
				changes = append(changes, Change{Kind: n.kind, Ref: n.ref, Title: n.title, What: Added, In: n.within})
			}
			continue
		}
		if fields := fieldChanges(o.fields, n.fields); fields != nil {
			changes = append(changes, Change{Kind: n.kind, Ref: n.ref, Title: n.title, What: Changed, In: n.within, Fields: fields})
		}
	}
	for key, o := range was {
		if is[key] == nil && o.alone(is) {
			changes = append(changes, Change{Kind: o.kind, Ref: o.ref, Title: o.title, What: Removed, In: o.within})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(slices.Index(kindOrder, a.Kind), slices.Index(kindOrder, b.Kind)), CompareClauses(a.Ref, b.Ref))
	})
	return changes
}

func fieldChanges(older, newer map[string]json.RawMessage) []FieldChange {
	names := map[string]bool{}
	for name := range older {
		names[name] = true
	}
	for name := range newer {
		names[name] = true
	}
	value := func(raw json.RawMessage) json.RawMessage {
		if raw == nil {
			return json.RawMessage("null")
		}
		return raw
	}
	var fields []FieldChange
	for _, name := range keysOf(names) {
		if o, n := value(older[name]), value(newer[name]); !bytes.Equal(o, n) {
			fields = append(fields, FieldChange{name, o, n})
		}
	}
	return fields
}

// things takes the library apart into what can change by itself, by kind and ref.
func (l *Library) things() map[string]*thing {
	all := map[string]*thing{}
	add := func(kind, ref, title string, within *EntryName, v any, without ...string) *thing {
		t := &thing{kind: kind, ref: ref, title: title, within: within, fields: fieldsOf(v)}
		for _, name := range append(without, kind) { // the ref itself is no field
			delete(t.fields, name)
		}
		all[EntryName{kind, ref}.key()] = t
		return t
	}
	add(EntryHead, HeadRef, l.Name, nil, map[string]any{"ref": l.Ref, "name": l.Name, "version": l.Version, "description": l.Description, "offer": l.Offer})
	for word, text := range l.Tags {
		add("tag", word, text, nil, map[string]string{"text": text})
	}
	for word, text := range l.Categories {
		add("category", word, text, nil, map[string]string{"text": text})
	}
	for _, a := range l.Attributes {
		add("attribute", a.Name, a.Text, nil, a, "name")
	}
	for _, t := range l.Types {
		add(EntryType, t.Ref, t.Name, nil, t)
	}
	for _, r := range l.Rules {
		add(EntryRule, r.Ref, r.Title, nil, r)
		for _, t := range r.Tests {
			add(testKind, r.Ref+"/"+t.Name, t.Name, &EntryName{EntryRule, r.Ref}, writtenTest{t.Model, t.Fires})
		}
	}
	for i := range l.Patterns {
		l.Patterns[i].things(add)
	}
	for i := range l.Questionnaires {
		l.Questionnaires[i].things(add)
	}
	for _, s := range l.Standards {
		within := &EntryName{EntryStandard, s.Ref}
		add(EntryStandard, s.Ref, s.Name, nil, s, "clauses")
		for _, c := range s.Clauses {
			add("clause", s.Ref+":"+c.ID, c.Title, within, c, "id")
		}
	}
	return all
}

// writtenTest is a test of a rule as a difference shows it.
type writtenTest struct {
	Model *model.Model      `json:"model"`
	Fires []model.ElementID `json:"fires"`
}

type adder func(kind, ref, title string, within *EntryName, v any, without ...string) *thing

func (p *Pattern) things(add adder) {
	within := &EntryName{EntryPattern, p.Ref}
	add(EntryPattern, p.Ref, p.Name, nil, p, "threats", "weaknesses", "countermeasures")
	home := asJSON(p.Ref)
	for _, t := range p.Threats {
		add("threat", p.Ref+"/"+t.Ref, t.Title, within, t, "ref")
	}
	for _, w := range p.Weaknesses {
		add("weakness", w.Ref, w.Title, within, w, "ref").fields["pattern"] = home
	}
	for _, c := range p.Countermeasures {
		add("countermeasure", c.Ref, c.Title, within, c, "ref").fields["pattern"] = home
	}
}

func (q *Questionnaire) things(add adder) {
	within := &EntryName{EntryQuestionnaire, q.Ref}
	one := add(EntryQuestionnaire, q.Ref, q.Name, nil, q, "groups")
	type group struct {
		Ref       string   `json:"group"`
		Title     string   `json:"title"`
		Questions []string `json:"questions"`
	}
	var groups []group
	for _, g := range q.Groups[q.included:] {
		short := group{g.Ref, g.Title, []string{}}
		for _, question := range g.Questions {
			short.Questions = append(short.Questions, question.Ref)
			ref := question.Ref
			if question.Attribute != "" {
				ref = q.Ref + "/" + question.Ref
			}
			add("question", ref, question.Title, within, question).fields["questionnaire"] = asJSON(q.Ref)
		}
		groups = append(groups, short)
	}
	one.fields["groups"] = asJSON(groups)
}

// fieldsOf returns the fields of a value that JSON writes.
func fieldsOf(v any) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(asJSON(v), &fields); err != nil {
		panic(fmt.Sprintf("library: %T is no object: %v", v, err)) // a mistake in this package
	}
	return fields
}

func asJSON(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("library: %T: %v", v, err)) // a mistake in this package
	}
	return bytes.TrimSpace(b.Bytes())
}

// Text says a change in a line for people: "pattern phishing changed: name, description".
func (c Change) Text() string {
	text := fmt.Sprintf("%s %s %s", c.Kind, c.Ref, c.What)
	if len(c.Fields) == 0 {
		return text
	}
	names := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		names[i] = f.Field
	}
	return text + ": " + strings.Join(names, ", ")
}
