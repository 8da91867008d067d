package otm

import (
	"github.com/threatloop/threatloop/internal/interchange/imported"
)

// How a threat and a mitigation are named where they are said to be.
var threatKeys, mitigationKeys = []string{"threat", "ref", "id"}, []string{"mitigation", "ref", "id"}

// form is what a value must be for the reader to take it in. What is of another
// form, or stands where nothing is looked for, is noted: a file may say anything,
// and nothing of it goes without a word.
type form struct {
	name string // for people: "a text"
	fits func(*node) bool
	keys map[string]*form // of a mapping; a nil form is anything
	only bool             // keys beside these have no place in the model
	item *form            // of a list, or of what stands in its place
}

var (
	textForm  = &form{name: "a text", fits: func(n *node) bool { return n.is(words) || n.is(scalar) }}
	truthForm = &form{name: "true or false", fits: func(n *node) bool { return isOneOf(n.str(), []string{"true", "false", "yes", "no"}) }}
	pointForm = &form{name: "a mapping", fits: isMapping, only: true, keys: map[string]*form{"x": numberForm, "y": numberForm}}
	sizeForm  = &form{name: "a mapping", fits: isMapping, only: true, keys: map[string]*form{"width": numberForm, "with": nil, "height": numberForm}}

	numberForm = &form{name: "a number", fits: func(n *node) bool { _, ok := n.number(); return ok }}

	placesForm = &form{item: &form{name: "a mapping", fits: isMapping, keys: map[string]*form{
		"representation": textForm, "position": pointForm, "postion": pointForm, "size": sizeForm,
	}}}
	refsForm = &form{item: &form{name: "the id of an asset", fits: func(n *node) bool {
		return textForm.fits(n) || n.get("asset", "id").str() != ""
	}}}
	threatsForm = &form{item: &form{
		name: "a mapping with the id of a threat", only: true,
		fits: func(n *node) bool { return n.is(words) || n.get(threatKeys...).str() != "" },
		keys: map[string]*form{"threat": nil, "ref": nil, "id": nil, "state": textForm, "mitigations": {item: &form{
			name: "a mapping with the id of a mitigation", only: true,
			fits: func(n *node) bool { return n.is(words) || n.get(mitigationKeys...).str() != "" },
			keys: map[string]*form{"mitigation": nil, "ref": nil, "id": nil, "state": textForm},
		}}},
	}}
	parentForm = &form{
		name: "a mapping", only: true, fits: func(n *node) bool { return n.is(object) || n.is(words) },
		keys: map[string]*form{"trustZone": textForm, "component": textForm, "id": textForm, "type": textForm},
	}

	projectForm   = &form{keys: map[string]*form{"id": textForm, "name": textForm, "description": textForm, "owner": textForm}}
	diagramForm   = &form{keys: map[string]*form{"name": textForm, "description": textForm}}
	assetForm     = &form{keys: map[string]*form{"name": textForm, "description": textForm, "risk": {name: "a mapping", fits: isMapping}}}
	zoneForm      = &form{keys: map[string]*form{"id": textForm, "name": textForm, "description": textForm, "parent": parentForm, "representations": placesForm, "risk": {name: "a mapping", fits: isMapping}, "threats": threatsForm}}
	componentForm = &form{keys: map[string]*form{
		"id": textForm, "name": textForm, "description": textForm, "type": textForm, "parent": parentForm, "representations": placesForm, "threats": threatsForm,
		"assets": {
			name: "a mapping", fits: func(n *node) bool { return n.is(object) || n.is(list) },
			keys: map[string]*form{"processed": refsForm, "stored": refsForm}, item: refsForm.item,
		},
	}}
	flowForm = &form{keys: map[string]*form{
		"id": textForm, "name": textForm, "description": textForm, "bidirectional": truthForm, "source": textForm, "from": textForm, "destination": textForm,
		"target": textForm, "to": textForm, "assets": refsForm, "threats": threatsForm,
	}}
	threatForm     = &form{keys: map[string]*form{"id": textForm, "name": textForm, "description": textForm, "categories": {item: textForm}, "risk": {name: "a mapping", fits: isMapping}}}
	mitigationForm = &form{keys: map[string]*form{"id": textForm, "name": textForm, "description": textForm}}
)

func isMapping(n *node) bool { return n.is(object) }

// form notes what in a value is not of the form and so is not taken over.
func (r *reader) form(where, key string, n *node, f *form) {
	switch {
	case n.none() || f == nil:
	case n.is(list) && f.item != nil:
		for _, item := range n.items {
			r.form(where, key, item, f.item)
		}
	case f.fits != nil && !f.fits(n):
		r.Note(imported.Refused, n.at(), where, "%s is %s, expected %s; it is left out", key, n.what(), f.name)
	case n.is(object) && f.keys != nil:
		for _, m := range n.members {
			known, ok := f.key(m.key)
			switch {
			case ok:
				r.form(where, m.key, m.value, known)
			case f.only && !m.value.none():
				r.Note(imported.Refused, m.place(), where, "the key %q in %s has no meaning here and is left out", m.key, key)
			}
		}
	case f.fits == nil && f.item != nil:
		r.form(where, key, n, f.item)
	}
}

func (f *form) key(name string) (*form, bool) {
	for key, known := range f.keys {
		if same(key, name) {
			return known, true
		}
	}
	return nil, false
}

// what says for people what form a value has.
func (n *node) what() string {
	switch n.kind {
	case object:
		return "a mapping"
	case list:
		return "a list"
	case words:
		return `"` + n.text + `"`
	}
	return n.text
}
