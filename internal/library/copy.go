package library

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
)

// Copy returns the text of an entry under another ref and with the name given ("" keeps
// the name of the original). What a library may say only
// once the copy has under a ref of its own, or not at all: the weaknesses and
// countermeasures that a pattern defines begin with the ref of the copy in it, so that
// whoever edits the copy leaves the original alone, and its first lines name
// what it goes on to share; each of them stands for the original's, so
// that rules asking for that one and tests naming it reach it; of a type the words of other tools are left out.
// The copy of a questionnaire includes the questions instead of asking them a second
// time. The error is a fault.Invalid where the text is not one entry of the kind.
func Copy(kind, text, to, name string) (string, error) {
	pieces, err := Split("entry.yaml", text)
	if err != nil {
		return "", err
	}
	if len(pieces) != 1 || pieces[0].Kind != kind || pieces[0].Removed {
		return "", fault.New(fault.Invalid, "library.copy", "the text is not one %s, which could be copied", kind)
	}
	if kind == EntryQuestionnaire {
		return "questionnaire: " + plainWord(to) + "\nname: " + quoted(cmp.Or(name, pieces[0].Title)) + "\ninclude: [" + pieces[0].Ref + "]\n", nil
	}
	p := &problems{}
	d, body := parseFile(Files{"entry.yaml": text}, "entry.yaml").document("", "entry.yaml", p)
	if body == nil {
		return "", p.err()
	}
	if kind == EntryRule {
		list, _ := d.entries(body, "rules")
		if seq := list[0].value; seq.form == listForm && len(seq.items) == 1 {
			body = &seq.items[0]
		}
	}
	list, _ := d.entries(body, kind)
	lines := slices.Clone(d.lines)
	flow := body.flow
	title := "name"
	if kind == EntryRule {
		title = "title"
	}
	named := name == "" || slices.ContainsFunc(list, func(e entry) bool { return e.key == title })
	for i := len(list) - 1; i >= 0; i-- { // from the end, so that lines keep their numbers
		e := list[i]
		switch {
		case e.key == kind:
			at := d.at(e.value)
			lines[at.Line-1] = reworded(lines[at.Line-1], at.Column, plainWord(to))
			if !named && !flow {
				lines = slices.Insert(lines, at.Line, strings.Repeat(" ", e.at.Column-1)+title+": "+quoted(name))
			}
		case e.key == title && name != "":
			lines = retitled(lines, e, flow, quoted(name))
		case kind == EntryType && e.key == "aliases" && !flow:
			end := len(lines)
			if i+1 < len(list) {
				end = list[i+1].at.Line - 1
			}
			lines = slices.Delete(lines, e.at.Line-1, end)
		}
	}
	out := strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
	if kind != EntryPattern {
		return out, nil
	}
	return ownedCopy(out, pieces[0].Ref, to), nil
}

// ownedCopy gives what a copied pattern defines refs of its own, there and where its threats name it.
func ownedCopy(text, from, to string) string {
	d, body := parseFile(Files{"entry.yaml": text}, "entry.yaml").document("", "entry.yaml", &problems{})
	if body == nil {
		return text
	}
	owned := map[string]map[string]bool{"weaknesses": {}, "countermeasures": {}}
	var places []*node            // of refs that change
	standIns := map[*node]*node{} // the mapping that each ref of a weakness or countermeasure begins
	becomes := func(ref *node) string { return plainWord(to + "-" + ref.text) }
	reference := map[*node]string{} // what is written at a place that names the original
	for list, refs := range owned {
		for _, one := range itemsOf(body, list) {
			ref := valueOf(one, "ref")
			if ref == nil || ref.form != textForm {
				continue
			}
			refs[ref.text] = true
			places = append(places, ref)
			if old := valueOf(one, "stands_for"); old != nil {
				reference[old] = plainWord(ref.text)
				places = append(places, old)
			} else {
				standIns[ref] = one
			}
		}
	}
	shared := map[string]bool{}
	name := func(list string, ref *node) {
		switch {
		case ref == nil || ref.form != textForm:
		case owned[list][ref.text]:
			places = append(places, ref)
		default:
			shared[ref.text] = true
		}
	}
	for _, threat := range itemsOf(body, "threats") {
		for _, weakness := range itemsOf(threat, "weaknesses") {
			name("weaknesses", valueOf(weakness, "ref"))
			for _, c := range itemsOf(weakness, "countermeasures") {
				name("countermeasures", valueOf(c, "ref"))
			}
		}
	}
	// From the end, so that places before keep theirs.
	slices.SortFunc(places, func(a, b *node) int { return cmp.Or(cmp.Compare(b.line, a.line), cmp.Compare(b.column, a.column)) })
	for _, n := range places {
		line := &d.lines[n.line-1]
		switch one := standIns[n]; {
		case reference[n] != "":
			*line = reworded(*line, int(n.column), reference[n])
		case one == nil:
			*line = reworded(*line, int(n.column), becomes(n))
		case one.flow:
			*line = reworded(*line, int(n.column), becomes(n)+", stands_for: "+plainWord(n.text))
		default:
			*line = reworded(*line, int(n.column), becomes(n))
			d.lines = slices.Insert(d.lines, int(n.line), strings.Repeat(" ", int(one.column)-1)+"stands_for: "+plainWord(n.text))
		}
	}
	head := "# A copy of " + from + ". Its weaknesses and countermeasures are its own.\n"
	if len(shared) > 0 {
		head = "# A copy of " + from + ". What it defines is its own. It shares with other patterns, where these are edited:\n# " + strings.Join(keysOf(shared), ", ") + "\n"
	}
	return head + strings.Join(d.lines, "\n")
}

// valueOf returns what a mapping has under a key; nil where it has nothing, or is none.
func valueOf(n *node, key string) *node {
	if n.form == mappingForm {
		for i := 0; i < len(n.items); i += 2 {
			if n.items[i].text == key {
				return &n.items[i+1]
			}
		}
	}
	return nil
}

// itemsOf returns the items of the list that a mapping has under a key.
func itemsOf(n *node, key string) []*node {
	list := valueOf(n, key)
	if list == nil || list.form != listForm {
		return nil
	}
	items := make([]*node, len(list.items))
	for i := range list.items {
		items[i] = &list.items[i]
	}
	return items
}

// retitled replaces the text that a key has, which may go on over lines below where the mapping has no brackets.
func retitled(lines []string, e entry, flow bool, title string) []string {
	at := e.at.Line - 1
	runes := []rune(lines[at])
	if int(e.value.line) == e.at.Line && int(e.value.column) <= len(runes) {
		before, rest := string(runes[:e.value.column-1]), string(runes[e.value.column-1:])
		if m := quotedStart.FindString(rest); m != "" {
			lines[at] = before + title + rest[len(m):]
			return lines
		}
		if after, ok := strings.CutPrefix(rest, e.value.text); ok && e.value.text != "" && (flow || after == "" || plainEnd.MatchString(after)) {
			lines[at] = before + title + after
			return lines
		}
	}
	if flow {
		return lines
	}
	end := at + 1
	for end < len(lines) && (strings.TrimSpace(lines[end]) == "" || len(lines[end])-len(strings.TrimLeft(lines[end], " ")) >= e.at.Column) {
		end++
	}
	lines[at] = string(runes[:e.at.Column-1]) + e.key + ": " + title
	return slices.Delete(lines, at+1, end)
}

var (
	quotedStart = regexp.MustCompile(`^("([^"\\]|\\.)*"|'([^']|'')*')`)
	plainEnd    = regexp.MustCompile(`^\s*(#.*)?$`)
)

var scalarStart = regexp.MustCompile(`^("[^"]*"|'[^']*'|[A-Za-z0-9._-]+)`)

// reworded replaces the word that begins in a column, from 1, of a line.
func reworded(line string, column int, word string) string {
	runes := []rune(line)
	column = min(column-1, len(runes))
	return string(runes[:column]) + scalarStart.ReplaceAllLiteralString(string(runes[column:]), word)
}

var notText = regexp.MustCompile(`^([0-9._+-]+|[0-9.]+e[0-9]+|0x[0-9a-f]+|0o[0-7]+|true|false|yes|no|on|off|null|y|n)$`)

// plainWord writes a ref so that YAML reads text.
func plainWord(ref string) string {
	if notText.MatchString(ref) {
		return `"` + ref + `"`
	}
	return ref
}

// quoted writes any text on one line.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(s) + `"`
}
