package library

import (
	"slices"
)

// listed is an entry that a layer's contents say is there.
type listed struct {
	layer, kind, ref string
	at               Position
}

// contentKeys are the lists of the contents by the kind of their entries.
var contentKeys = map[string]string{
	"types": EntryType, "patterns": EntryPattern, "rules": EntryRule, "questionnaires": EntryQuestionnaire, "standards": EntryStandard,
}

// readContents reads the list of what the layer's files must hold: a lost file or
// rule leaves no other trace where nothing names it.
func (r *raw) readContents(d *document, body *node) {
	lists := map[string]func(*node){}
	for key, kind := range contentKeys {
		lists[key] = func(n *node) {
			d.each(n, key, func(n *node) {
				ref, ok := d.word(n, key)
				if !ok {
					return
				}
				one := listed{d.layer, kind, ref, d.at(n)}
				if slices.ContainsFunc(r.listed, func(l listed) bool { return l.layer == one.layer && l.kind == kind && l.ref == ref }) {
					d.add(one.at, "%s: %q is listed twice", key, ref)
					return
				}
				r.listed = append(r.listed, one)
			})
			r.lists = append(r.lists, listed{layer: d.layer, kind: kind, at: d.at(n)})
		}
	}
	d.fields(body, "the file", map[string]func(*node){
		"contents": func(n *node) { d.fields(n, "contents", lists) },
	})
}

// complete refuses what the contents of a layer list and its files do not have.
func (r *raw) complete(p *problems) {
	type key struct{ layer, kind, ref string }
	there := map[key]bool{}
	known := map[string][]string{}
	for _, it := range r.items {
		if !it.remove {
			there[key{it.at.Layer, it.kind, it.ref}] = true
			known[it.kind] = append(known[it.kind], it.ref)
		}
	}
	for _, l := range r.listed {
		if !there[key{l.layer, l.kind, l.ref}] {
			p.add(l.at, "contents: no file has the %s %q%s", nouns[l.kind], l.ref, nearest(l.ref, known[l.kind]))
		}
	}
}

// unlisted warns of what the files of a layer have and its contents do not list.
func (r *raw) unlisted() {
	for _, list := range r.lists {
		for _, it := range r.items {
			same := func(l listed) bool { return l.layer == it.at.Layer && l.kind == it.kind && l.ref == it.ref }
			if it.at.Layer == list.layer && it.kind == list.kind && !it.remove && !slices.ContainsFunc(r.listed, same) {
				r.Warnings = append(r.Warnings, Warning{it.at, nouns[it.kind] + " \"" + it.ref + "\" is not in the contents at " + list.at.String()})
			}
		}
	}
}
