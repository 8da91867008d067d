package otm

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/model"
)

// prefix is that of our attributes: what OTM has no words for, by the JSON name
// of package model. A text stands as it is, all else as JSON.
const prefix = "threatloop."

// ownModel is what the project's attributes hold of the model beside the product.
type ownModel struct {
	Answers    []model.Answer    `json:"answers,omitempty"`
	Curves     []model.Curve     `json:"curves,omitempty"`
	Texts      []model.TextBlock `json:"texts,omitempty"`
	Flows      []model.Flow      `json:"flows,omitempty"`      // those with a loose end
	FlowOrder  []model.ElementID `json:"flow_order,omitempty"` // of all flows, where those of the line above do not come last
	Weaknesses []model.Weakness  `json:"weaknesses,omitempty"`
	Links      []model.Link      `json:"links,omitempty"`
	ModelExtra model.Extra       `json:"model_extra,omitempty"`
}

// overlay fills v, a pointer to a struct of package model, with what our
// attributes say, and reports whether there are any.
func (r *reader) overlay(where string, attributes *node, v any) bool {
	had := false
	if !attributes.is(object) {
		return false
	}
	t := reflect.TypeOf(v).Elem()
	for _, m := range attributes.members {
		name, ok := strings.CutPrefix(m.key, prefix)
		if !ok {
			continue
		}
		had = true
		if !hasField(t, name) {
			continue
		}
		var b bytes.Buffer
		b.WriteByte('{')
		quote(&b, name)
		b.WriteByte(':')
		switch text := m.value.str(); {
		case m.value.is(scalar), isText(t, name):
			if isText(t, name) {
				quote(&b, text)
			} else {
				b.WriteString(text)
			}
		case m.value.is(words):
			b.WriteString(text)
		default:
			m.value.write(&b)
		}
		b.WriteByte('}')
		d := json.NewDecoder(&b)
		if err := d.Decode(v); err != nil {
			r.Note(imported.Refused, m.place(), where, "the attribute %q does not hold what is written under it; it is left out", m.key)
		}
	}
	return had
}

func hasField(t reflect.Type, name string) bool {
	for i := range t.NumField() {
		if n, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); n == name {
			return true
		}
	}
	return false
}

// isText reports whether the struct's field of the JSON name holds a text.
func isText(t reflect.Type, name string) bool {
	for i := range t.NumField() {
		if n, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); n == name {
			return t.Field(i).Type.Kind() == reflect.String
		}
	}
	return false
}

// ours reports whether the attributes hold any of ours.
func ours(attributes *node) bool {
	if attributes.is(object) {
		for _, m := range attributes.members {
			if strings.HasPrefix(m.key, prefix) {
				return true
			}
		}
	}
	return false
}

// leftover returns what of an object is not in known and not ours: what is kept
// under Key. nil when there is nothing.
func leftover(n *node, known ...string) *node {
	left := &node{kind: object}
	for _, m := range n.members {
		if m.value.none() || isOneOf(m.key, known) {
			continue
		}
		if same(m.key, "attributes") && m.value.is(object) {
			kept := &node{kind: object}
			for _, a := range m.value.members {
				if !strings.HasPrefix(a.key, prefix) {
					kept.members = append(kept.members, a)
				}
			}
			if len(kept.members) == 0 {
				continue
			}
			m.value = kept
		}
		left.members = append(left.members, m)
	}
	if len(left.members) == 0 {
		return nil
	}
	return left
}

func isOneOf(key string, list []string) bool {
	for _, k := range list {
		if same(key, k) {
			return true
		}
	}
	return false
}

// keep adds a leftover to an object's Extra.
func keep(e model.Extra, left *node) model.Extra {
	if left == nil {
		return e
	}
	if e == nil {
		e = model.Extra{}
	}
	e[Key] = left.raw()
	return e
}

// rest returns as attributes what of a model's object OTM has no words for: all
// fields but the native ones. Extra goes without what came from an OTM file,
// which is written where it stood.
func rest(v any, extra model.Extra, native ...string) map[string]string {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil // a model holds nothing that JSON cannot hold
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	delete(fields, "extra")
	for _, n := range native {
		delete(fields, n)
	}
	others := model.Extra{}
	for k, v := range extra {
		if k != Key {
			others[k] = v
		}
	}
	if len(others) > 0 {
		if raw, err := json.Marshal(others); err == nil {
			fields["extra"] = raw
		}
	}
	all := make(map[string]string, len(fields))
	for k, raw := range fields {
		text := string(raw)
		if raw[0] == '"' && json.Unmarshal(raw, &text) != nil {
			continue
		}
		all[prefix+k] = text
	}
	return all
}

// flaw is a CWE of a threat.
type flaw struct {
	threat model.ThreatID
	cwe    int
}

// indexOwn prepares what our own links say of weaknesses.
func (r *reader) indexOwn() {
	cwes := map[model.WeaknessID]int{}
	for i := range r.own.Weaknesses {
		cwes[r.own.Weaknesses[i].ID] = r.own.Weaknesses[i].CWE
	}
	r.ownFlaws = map[flaw]bool{}
	for i := range r.own.Links {
		if l := &r.own.Links[i]; cwes[l.Weakness] > 0 {
			r.ownFlaws[flaw{l.Threat, cwes[l.Weakness]}] = true
		}
	}
}

// finishOwn adds what our attributes hold of the model, as far as the file still
// has what it refers to: somebody may have edited the file.
func (r *reader) finishOwn() {
	m := r.Model
	diagram := func(d model.DiagramID) model.DiagramID {
		if d == "" || r.hasDiagram(d) {
			return d
		}
		return ""
	}
	for _, c := range r.own.Curves {
		if c.ID != "" && !r.Has(c.ID) {
			c.ID, c.Diagram = r.Element("curve", string(c.ID), 0, ""), diagram(c.Diagram)
			m.Curves = append(m.Curves, c)
			r.Out.Counts.Boundary++
		}
	}
	for _, f := range r.own.Flows {
		if f.ID == "" || r.Has(f.ID) || f.From != "" && !r.Has(f.From) || f.To != "" && !r.Has(f.To) {
			continue
		}
		f.ID, f.Diagram = r.Element("data flow", string(f.ID), 0, ""), diagram(f.Diagram)
		m.Flows = append(m.Flows, f)
		r.Out.Counts.Flow++
	}
	if order := r.own.FlowOrder; len(order) > 0 {
		index := make(map[model.ElementID]int, len(order))
		for i, id := range order {
			index[id] = i
		}
		slices.SortStableFunc(m.Flows, func(a, b model.Flow) int {
			x, knownX := index[a.ID]
			y, knownY := index[b.ID]
			switch {
			case knownX && knownY:
				return x - y
			case knownX:
				return -1 // flows that somebody added to the file come last
			case knownY:
				return 1
			}
			return 0
		})
	}
	for _, t := range r.own.Texts {
		if t.ID != "" && !r.Has(t.ID) {
			t.ID, t.Diagram = r.Element("text", string(t.ID), 0, ""), diagram(t.Diagram)
			m.Texts = append(m.Texts, t)
			r.Out.Counts.Text++
		}
	}
}

// finishLinks merges our own links with those that the file's mitigations and
// CWEs tell. A mitigation that somebody took off a threat stays off; one whose
// share was changed in the file has the new share.
func (r *reader) finishLinks() {
	for _, w := range r.own.Weaknesses {
		if w.ID != "" && (w.Retired != nil || r.Has(w.Where)) {
			r.AdoptWeakness(w)
		}
	}
	type pair struct {
		threat         model.ThreatID
		countermeasure model.CountermeasureID
	}
	told := map[pair]float64{}
	for _, l := range r.Model.Links {
		if l.Countermeasure != "" {
			told[pair{l.Threat, l.Countermeasure}] = l.Share
		}
	}
	wrote := map[model.CountermeasureID]float64{}
	for _, l := range r.own.Links {
		wrote[l.Countermeasure] = max(wrote[l.Countermeasure], l.Share)
	}
	replaced := map[pair]bool{}
	var links []model.Link
	for _, l := range r.own.Links {
		if !r.HasThreat(l.Threat) || l.Weakness != "" && !r.HasWeakness(l.Weakness) || l.Weakness == "" && l.Countermeasure == "" {
			continue
		}
		if l.Countermeasure != "" {
			p := pair{l.Threat, l.Countermeasure}
			share, still := told[p]
			if !still && r.named[l.Threat] {
				continue // taken off in the file
			}
			if c := r.CountermeasureByID(l.Countermeasure); c == nil {
				continue
			}
			if still && share != wrote[l.Countermeasure] { // riskReduction was the highest of them
				l.Share = share
			}
			replaced[p] = true
		}
		links = append(links, l)
	}
	for _, l := range r.Model.Links {
		if l.Countermeasure == "" || !replaced[pair{l.Threat, l.Countermeasure}] {
			links = append(links, l)
		}
	}
	r.Model.Links = links
}
