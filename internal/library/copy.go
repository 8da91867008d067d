package library

import (
	"regexp"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
)

// Copy returns the text of an entry under another ref. What a library may say only
// once is left out: of a pattern what it defines, which the copy goes on to
// name, of a type the words of other tools. The copy of a questionnaire
// includes the questions instead of asking them a second time. The error is a
// fault.Invalid where the text is not one entry of the kind.
func Copy(kind, text, to string) (string, error) {
	pieces, err := Split("entry.yaml", text)
	if err != nil {
		return "", err
	}
	if len(pieces) != 1 || pieces[0].Kind != kind || pieces[0].Removed {
		return "", fault.New(fault.Invalid, "library.copy", "the text is not one %s, which could be copied", kind)
	}
	if kind == EntryQuestionnaire {
		return "questionnaire: " + plainWord(to) + "\nname: " + quoted(pieces[0].Title) + "\ninclude: [" + pieces[0].Ref + "]\n", nil
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
	once := map[string][]string{EntryPattern: {"weaknesses", "countermeasures"}, EntryType: {"aliases"}}[kind]
	for i := len(list) - 1; i >= 0; i-- { // from the end, so that lines keep their numbers
		e := list[i]
		switch {
		case e.key == kind:
			at := d.at(e.value)
			lines[at.Line-1] = reworded(lines[at.Line-1], at.Column, plainWord(to))
		case slices.Contains(once, e.key) && !flow:
			end := len(lines)
			if i+1 < len(list) {
				end = list[i+1].at.Line - 1
			}
			lines = slices.Delete(lines, e.at.Line-1, end)
		}
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n", nil
}

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
