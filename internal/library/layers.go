package library

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// Layer is a folder of library files that stands on the layers before it.
type Layer struct {
	Name  string // unique among the layers, part of every place that an error names; "" where there is one layer only
	Files fs.FS
}

// The kinds of entries, as the key that begins one.
const (
	EntryType          = "type"
	EntryPattern       = "pattern"
	EntryRule          = "rule"
	EntryQuestionnaire = "questionnaire"
	EntryStandard      = "standard"
)

// nouns are the kinds of entries in messages.
var nouns = map[string]string{
	EntryType: "component type", EntryPattern: "pattern", EntryRule: "rule", EntryQuestionnaire: "questionnaire", EntryStandard: "standard",
}

// LoadLayers reads a library from layers; the first is the base, which has the head
// and stands alone. An entry of a later layer replaces the one of the same kind and
// ref below it, `remove: true` takes that out, and a later head adds words to the
// vocabulary and may give ref, name, version and description anew. The result is that of Load on
// one folder with the entries that stand in the end. The error is a fault.Invalid
// (code library.invalid) with all that is wrong, at most 50 fields, each with
// layer/file:line:column and in that order.
func LoadLayers(layers ...Layer) (*Library, error) {
	p := &problems{}
	r := &raw{Library: &Library{Tags: map[string]string{}, Categories: map[string]string{}}, uses: map[string][]use{}}
	for i, layer := range layers {
		if slices.Contains(p.layers, layer.Name) {
			return nil, fmt.Errorf("library: two layers have the name %q", layer.Name)
		}
		p.layers = append(p.layers, layer.Name)
		r.layer, r.base = layer.Name, i == 0
		r.read(layer.Files, p)
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("library: no layer is given")
	}
	return r.build(p)
}

// Load reads a library of one layer: every .yaml file under fsys. The error is a
// fault.Invalid (code library.invalid) with all that is wrong, at most 50 fields, each
// with file:line:column and in that order.
func Load(fsys fs.FS) (*Library, error) { return LoadLayers(Layer{Files: fsys}) }

// item is one entry, or the removal of one, where it is written.
type item struct {
	kind, ref string
	at        Position
	remove    bool
	below     *item // what it replaces or takes out; nil where it is new
	above     *item // what replaces it or takes it out; nil where it stands
	source    source
	uses      []namedUse
	kindless  []kindless
	add       func(l *Library) // nil where the entry could not be read
}

type namedUse struct {
	kind string
	use
}

// read reads the files of one layer.
func (r *raw) read(fsys fs.FS, p *problems) {
	names := yamlFiles(fsys, r.layer, p)
	before := len(p.list)
	r.head = nil
	var files map[string]*parsedFile
	if kept, ok := fsys.(*Parsed); ok {
		files = kept.files
	} else {
		files = parseFiles(fsys, names)
	}
	for _, name := range names {
		if d, body := files[name].document(r.layer, name, p); body != nil {
			r.file(d, body)
		}
	}
	root := Position{Layer: r.layer, File: "."}
	if r.base && len(names) == 0 && len(p.list) == 0 {
		p.add(root, "no YAML file is there")
	}
	for _, at := range r.head[min(1, len(r.head)):] {
		p.add(at, "the library has a head already, in %s", r.head[0])
	}
	if r.base && len(r.head) == 0 && len(p.list) == before {
		p.add(root, "no file has the library's ref, name and version")
	}
}

// entry reads one entry, or its removal where it says so.
func (r *raw) entry(d *document, n *node, kind string, form *regexp.Regexp, read func(*item)) {
	it := &item{kind: kind, at: d.at(n), source: source{doc: d}}
	r.items, r.current = append(r.items, it), it
	at, removal := keyAt(d, n, "remove")
	if !removal {
		read(it)
		return
	}
	it.remove = true
	yes := false
	it.at = d.fields(n, nouns[kind]+" to remove", map[string]func(*node){
		kind: d.pattern(&it.ref, kind, form), "remove": d.yes(&yes, "remove"),
	}, kind)
	switch {
	case r.base:
		d.add(at, "remove: no layer is below this one")
	case !yes:
		d.add(at, "remove: only true has a meaning")
	}
}

// keyAt returns where a mapping has the key.
func keyAt(d *document, n *node, key string) (Position, bool) {
	if n.form == mappingForm {
		for i := 0; i < len(n.items); i += 2 {
			if n.items[i].text == key {
				return d.at(&n.items[i]), true
			}
		}
	}
	return Position{}, false
}

// merge lets the entries of later layers take the place of those below and adds
// what stands in the end to the library.
func (r *raw) merge(p *problems) {
	type key struct{ kind, ref string }
	top := map[key]*item{}
	for _, it := range r.items {
		if it.ref == "" {
			continue // refused already
		}
		k := key{it.kind, it.ref}
		below := top[k]
		switch {
		case below != nil && below.at.Layer == it.at.Layer:
			p.add(it.at, "%s %q is there twice, first at %s", nouns[it.kind], it.ref, below.at)
			it.above = below
			continue
		case it.remove && (below == nil || below.remove):
			var known []string
			for other, one := range top {
				if other.kind == it.kind && !one.remove {
					known = append(known, other.ref)
				}
			}
			p.add(it.at, "remove: no layer below has the %s %q%s", nouns[it.kind], it.ref, nearest(it.ref, known))
		case below != nil:
			below.above, it.below = it, below
		}
		top[k] = it
	}
	for _, it := range r.items {
		if it.above != nil || it.add == nil {
			continue
		}
		it.add(r.Library)
		for _, u := range it.uses {
			r.uses[u.kind] = append(r.uses[u.kind], u.use)
		}
		r.kindless = append(r.kindless, it.kindless...)
	}
}

// lost says which layer took something out that is named nevertheless; "" when none did.
func (r *raw) lost(kind, ref string) string {
	for _, it := range r.items {
		if it.above == nil || it.add == nil {
			continue
		}
		var l Library
		it.add(&l)
		l.seal()
		gone := kind == it.kind && ref == it.ref || kind == "weakness" && l.weaknesses[ref] != nil ||
			kind == "countermeasure" && l.countermeasures[ref] != nil || kind == "question" && l.questions[ref] != nil
		if gone && it.above.at.Layer != it.at.Layer {
			does := "replaces"
			if it.above.remove {
				does = "removes"
			}
			return fmt.Sprintf("; %s %s the %s %q that had it", it.above.at, does, nouns[it.kind], it.ref)
		}
	}
	return ""
}
