package library

import (
	"cmp"
	"slices"
	"strings"
)

// Entry is one entry of a library, or its removal, and where it comes from.
type Entry struct {
	Kind    string // EntryType, EntryPattern, EntryRule, EntryQuestionnaire, EntryStandard
	Ref     string
	Title   string // "" of a removal
	Layer   string // the layer that has it
	At      Position
	Over    string // the layer below whose entry it replaces or removes
	IsOver  bool   // whether it replaces or removes one
	Removed bool
}

// Entries returns what stands in the library and what the topmost layer that
// speaks of it took out, in order of kinds and refs.
func (l *Library) Entries() []Entry { return slices.Clone(l.entries) }

// Source tells where an entry comes from and how it is written there: a whole file
// of the library, comments included, which of a rule holds that rule only. The file is "" where the
// library has no such entry.
func (l *Library) Source(kind, ref string) (layer, file, text string) {
	s, ok := l.sources[kind+" "+ref]
	if !ok {
		return "", "", ""
	}
	return s.doc.layer, s.doc.file, s.text()
}

// source is an entry in its file.
type source struct {
	doc         *document
	first, last int    // lines of a rule among others, from 1; 0 is the whole file
	flow        string // a rule among others that shares its lines
}

func (s source) text() string {
	switch {
	case s.flow != "":
		return "rules:\n  - " + s.flow + "\n"
	case s.first == 0:
		return strings.Join(s.doc.lines, "\n")
	}
	return "rules:\n" + strings.TrimRight(strings.Join(s.doc.lines[s.first-1:s.last], "\n"), " \t\r\n") + "\n"
}

// ruleSources tells which lines each rule of a file takes, with the comment above it.
func ruleSources(d *document, n *node) []source {
	if n.form != listForm || len(n.items) == 1 {
		return []source{{doc: d}}
	}
	trimmed := func(line int) string { return strings.TrimSpace(d.lines[line-1]) }
	all := make([]source, len(n.items))
	var flow []string
	if n.flow {
		flow = flowTexts(strings.Join(d.lines, "\n"), "rules")
	}
	for i := range n.items {
		if i < len(flow) {
			all[i] = source{doc: d, flow: flow[i]}
			continue
		}
		line := min(d.at(&n.items[i]).Line, len(d.lines))
		for line > 1 && !strings.HasPrefix(trimmed(line), "-") {
			line--
		}
		for line > 1 && strings.HasPrefix(trimmed(line-1), "#") {
			line--
		}
		all[i] = source{doc: d, first: line}
	}
	for i := range all {
		all[i].last = len(d.lines)
		if i+1 < len(all) {
			all[i].last = max(all[i].first, all[i+1].first-1)
		}
	}
	return all
}

// trace keeps where everything comes from.
func (r *raw) trace() {
	r.sources = map[string]source{}
	titles := map[string]string{}
	for _, t := range r.Types {
		titles[EntryType+" "+t.Ref] = t.Name
	}
	for _, p := range r.Patterns {
		titles[EntryPattern+" "+p.Ref] = p.Name
	}
	for _, rule := range r.Rules {
		titles[EntryRule+" "+rule.Ref] = rule.Title
	}
	for _, q := range r.Questionnaires {
		titles[EntryQuestionnaire+" "+q.Ref] = q.Name
	}
	for _, s := range r.Standards {
		titles[EntryStandard+" "+s.Ref] = s.Name
	}
	for _, it := range r.items {
		if it.above != nil || it.kind == "" { // the head is no entry
			continue
		}
		key := it.kind + " " + it.ref
		e := Entry{Kind: it.kind, Ref: it.ref, Title: titles[key], Layer: it.at.Layer, At: it.at, Removed: it.remove}
		if it.below != nil && !it.below.remove {
			e.Over, e.IsOver = it.below.at.Layer, true
		}
		if !it.remove {
			r.sources[key] = it.source
		}
		r.entries = append(r.entries, e)
	}
	order := []string{EntryType, EntryPattern, EntryRule, EntryQuestionnaire, EntryStandard}
	slices.SortFunc(r.entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)), cmp.Compare(a.Ref, b.Ref))
	})
}
