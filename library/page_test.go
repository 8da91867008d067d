package library_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// ruleSections are the headings of the page under which the rules of each file stand.
var ruleSections = map[string]string{
	"What the answers are worth":                                              "value",
	"What answers bring to a product that is not drawn":                       "product",
	"What the product does, by answers or by the diagram":                     "features",
	"What surrounds a component":                                              "components",
	"What a flow says":                                                        "flows",
	"Interfaces and pages":                                                    "interfaces",
	"Cloud, platform and network":                                             "platform",
	"Data stores, search and analysis":                                        "data",
	"What the answers on an architecture bring":                               "architecture",
	"How the code is made":                                                    "code",
	"Language models and agents":                                              "llm",
	"Apps on people's devices":                                                "clients",
	"Devices, machines and vehicles":                                          "devices",
	"Payment and business processes":                                          "commerce",
	"People and their data":                                                   "people",
	"People who use it and people who work for it":                            "actors",
	"Services of others":                                                      "services",
	"Messages, files and services of others":                                  "exchange",
	"What the questionnaires of a style bring to a product that is not drawn": "styles",
}

// TestPageTables holds the tables of docs/library-content.md to the library; with -update it writes
// them. The prose between them is a person's.
func TestPageTables(t *testing.T) {
	t.Parallel()
	lib := load(t)
	tables := map[string]string{"Component types": typeTable(lib), "Risk patterns": patternTable(lib), "About a component": questionnaireTable(lib)}
	rules := ruleTables(lib)
	for heading, file := range ruleSections {
		tables[heading] = rules[file]
		delete(rules, file)
	}
	for file := range rules {
		t.Errorf("the rules of rules/%s.yaml have no heading on the page: add it to ruleSections and to the page", file)
	}
	name := filepath.Join(sharedtest.Root(t), "docs", "library-content.md")
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := string(page)
	for _, heading := range slices.Sorted(maps.Keys(tables)) {
		if want, err = withTable(want, heading, tables[heading]); err != nil {
			t.Errorf("docs/library-content.md: %v", err)
		}
	}
	switch {
	case want == string(page):
	case *update:
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the tables of docs/library-content.md are not those of the library; run go test ./library -run TestPageTables -update")
	}
}

// withTable returns the page with the first table after the heading ("## x" or "**x**...") replaced.
func withTable(page, heading, table string) (string, error) {
	at := strings.Index(page, "\n## "+heading+"\n")
	if at < 0 {
		at = strings.Index(page, "\n**"+heading+"**")
	}
	if at < 0 {
		return page, fmt.Errorf("no heading %q", heading)
	}
	from := strings.Index(page[at:], "\n|")
	if from < 0 {
		return page, fmt.Errorf("no table under %q", heading)
	}
	from += at + 1
	to := from
	for strings.HasPrefix(page[to:], "|") {
		to += strings.IndexByte(page[to:], '\n') + 1
	}
	return page[:from] + table + page[to:], nil
}

// tableOf lays out rows under a head.
func tableOf(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(row)) + "\n")
		}
	}
	return b.String()
}

// code lists refs as code.
func code(refs []string) string {
	if len(refs) == 0 {
		return ""
	}
	return "`" + strings.Join(refs, "`, `") + "`"
}

func typeTable(lib *library.Library) string {
	rows := [][]string{{"type", "drawn as", "patterns that always come"}}
	for _, typ := range lib.Types {
		rows = append(rows, []string{"`" + typ.Ref + "` " + typ.Name, string(typ.Kind), cmp.Or(code(typ.Patterns), "none: rules bring what fits")})
	}
	return tableOf(rows)
}

func patternTable(lib *library.Library) string {
	rows := [][]string{{"pattern", "threats", "CWE", "comes with"}}
	for _, p := range lib.Patterns {
		var cwes []int
		for _, w := range p.Weaknesses {
			if w.CWE != 0 {
				cwes = append(cwes, w.CWE)
			}
		}
		slices.Sort(cwes)
		var ids []string
		for _, n := range slices.Compact(cwes) {
			ids = append(ids, strconv.Itoa(n))
		}
		var with []string
		var types, rules []string
		for _, typ := range lib.Types {
			if slices.Contains(typ.Patterns, p.Ref) {
				types = append(types, typ.Ref)
			}
		}
		for _, r := range lib.Rules {
			if slices.Contains(r.Apply, p.Ref) {
				rules = append(rules, r.Ref)
			}
		}
		slices.Sort(rules)
		if len(types) > 0 {
			with = append(with, "types "+strings.Join(types, ", "))
		}
		if len(rules) > 0 {
			with = append(with, "rules "+strings.Join(rules, ", "))
		}
		rows = append(rows, []string{"`" + p.Ref + "` " + p.Name, strconv.Itoa(len(p.Threats)), cmp.Or(strings.Join(ids, ", "), "none"), strings.Join(with, "; ")})
	}
	return tableOf(rows)
}

func questionnaireTable(lib *library.Library) string {
	rows := [][]string{{"questionnaire", "for components of the types", "asks"}}
	for _, q := range lib.Questionnaires {
		if len(q.Types) == 0 {
			continue
		}
		var asks []string
		for _, g := range q.Groups {
			for _, question := range g.Questions {
				asks = append(asks, question.Attribute)
			}
		}
		rows = append(rows, []string{"`" + q.Ref + "` " + q.Name, strings.Join(q.Types, ", "), strings.Join(asks, ", ")})
	}
	return tableOf(rows)
}

// ruleTables returns the table of the rules of each file in rules/, in the order of the file.
func ruleTables(lib *library.Library) map[string]string {
	byFile := map[string][]*library.Rule{}
	for _, r := range lib.Rules {
		file := strings.TrimSuffix(filepath.Base(r.Position.File), ".yaml")
		byFile[file] = append(byFile[file], r)
	}
	out := map[string]string{}
	for file, rules := range byFile {
		slices.SortFunc(rules, func(a, b *library.Rule) int { return cmp.Compare(a.Position.Line, b.Position.Line) })
		rows := [][]string{{"rule", "for", "does", "why"}}
		for _, r := range rules {
			rows = append(rows, []string{"`" + r.Ref + "`", string(r.For), does(r), r.Reason})
		}
		out[file] = tableOf(rows)
	}
	return out
}

// does says in a few words what a rule does.
func does(r *library.Rule) string {
	var parts []string
	if len(r.Apply) > 0 {
		where := ""
		if r.At != "" {
			where = " at the " + string(r.At)
		}
		parts = append(parts, code(r.Apply)+where)
	}
	for _, list := range []struct {
		verb string
		refs []string
	}{{"requires", r.Require}, {"recommends", r.Recommend}, {"asks", r.Ask}} {
		if len(list.refs) > 0 {
			parts = append(parts, list.verb+" "+code(list.refs))
		}
	}
	for _, c := range r.Conclude {
		parts = append(parts, "concludes `"+c.Fact+"`")
	}
	for _, list := range []struct {
		verb   string
		values *library.Values
	}{{"sets", r.Set}, {"raises", r.Raise}} {
		if list.values == nil {
			continue
		}
		var names []string
		for _, v := range []struct {
			name string
			expr *library.Expr
		}{
			{"exposure", list.values.Exposure},
			{"confidentiality", list.values.Confidentiality},
			{"integrity", list.values.Integrity},
			{"availability", list.values.Availability},
		} {
			if v.expr != nil {
				names = append(names, v.name)
			}
		}
		parts = append(parts, list.verb+" "+strings.Join(names, ", "))
	}
	return strings.Join(parts, "; ")
}
