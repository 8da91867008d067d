package library_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	starter "github.com/threatloop/threatloop/library"
)

// parsedOnce is the library for those who change it over and over.
var parsedOnce = sync.OnceValue(func() *library.Parsed { return library.Parse(starter.Files) })

// caught returns by what `library check` or `library test` notices that something is wrong; "" is nothing.
func caught(files library.Files) string {
	lib, err := library.Load(parsedOnce().With(files))
	if err != nil {
		if f := fault.As(err); f != nil && len(f.Fields) > 0 {
			return f.Fields[0].Where + ": " + f.Fields[0].Text
		}
		return err.Error()
	}
	if failures := generate.Test(lib).Failures; len(failures) > 0 {
		return failures[0].Text
	}
	return ""
}

// sampled takes at most n of a list, evenly.
func sampled[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	var out []T
	for i := range n {
		out = append(out, list[i*len(list)/n])
	}
	return out
}

func readStarter(t *testing.T, name string) string {
	t.Helper()
	text, err := starter.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// without returns the file of a rule without that rule.
func without(t *testing.T, file, ref string) string {
	t.Helper()
	pieces, err := library.Split(file, readStarter(t, file))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range pieces {
		if p.Ref != ref {
			b.WriteString(strings.TrimPrefix(p.Text, "rules:\n"))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "rules:\n" + b.String()
}

// TestALostRuleIsNoticed drops rules, each alone.
func TestALostRuleIsNoticed(t *testing.T) {
	t.Parallel()
	lib := load(t)
	for _, rule := range sampled(lib.Rules, 16) {
		_, file, _ := lib.Source(library.EntryRule, rule.Ref)
		if by := caught(library.Files{file: without(t, file, rule.Ref)}); by == "" {
			t.Errorf("nothing notices that rule %s is gone", rule.Ref)
		}
	}
}

// TestALostEntryIsNoticed takes out whole files.
func TestALostEntryIsNoticed(t *testing.T) {
	t.Parallel()
	lib := load(t)
	var entries []library.Entry
	for _, e := range lib.Entries() {
		if e.Kind != library.EntryRule {
			entries = append(entries, e)
		}
	}
	for _, e := range sampled(entries, 10) {
		if by := caught(library.Files{e.At.File: ""}); by == "" {
			t.Errorf("nothing notices that %s %s is gone", e.Kind, e.Ref)
		}
	}
}

// spot is a word of the vocabulary where a file uses it.
type spot struct {
	file, what, word string
	at               int // byte in the file
}

// uses finds words of the vocabulary in the conditions and lists of rules, and in what
// patterns and types name.
var uses = []*regexp.Regexp{
	regexp.MustCompile(`\b(answers\.)([a-z][a-z0-9_]*)`),
	regexp.MustCompile(`\b(facts\.)([a-z][a-z0-9_]*)`),
	regexp.MustCompile(`\b(attributes\.)([a-z][a-z0-9_]*)`),
	regexp.MustCompile(`\b(?:attributes|answers)(\.[a-z][a-z0-9_]* [!=]= ')([^']+)'`),
	regexp.MustCompile(`(\.(?:type|kind) [!=]= ')([^']+)'`),
	regexp.MustCompile(`(\.type in \[')([^']+)'`),
	regexp.MustCompile(`(')([a-z-]+)' in (?:answers\.|[a-z.]+\.tags)`),
	regexp.MustCompile(`\n\s*(apply: \[)([a-z0-9-]+)`),
	regexp.MustCompile(`\n\s*(require: \[)([a-z0-9-]+)`),
	regexp.MustCompile(`\n\s*(recommend: \[)([a-z0-9-]+)`),
	regexp.MustCompile(`\n\s*(types: \[)([a-z0-9-]+)`),
	regexp.MustCompile(`\n\s*(kinds: \[)([a-z]+)`),
	regexp.MustCompile(`\n(patterns: \[)([a-z0-9-]+)`),
	regexp.MustCompile(`\n\s*- (ref: )([a-z0-9-]+)\n\s*countermeasures:`),
	regexp.MustCompile(`(\{ref: )([a-z0-9-]+), share`),
	regexp.MustCompile(`(categories: \["?)([a-z-]+:[a-z-]+)`),
	regexp.MustCompile(`(standards: \["?)([a-z0-9.-]+:[A-Za-z0-9.()-]+)`),
}

// spots finds where the library uses words, each word of each form once.
func spots(t *testing.T, lib *library.Library) []spot {
	t.Helper()
	files := map[string]bool{}
	for _, e := range lib.Entries() {
		if e.Kind == library.EntryRule || e.Kind == library.EntryPattern || e.Kind == library.EntryType {
			files[e.At.File] = true
		}
	}
	names := []string{}
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	byForm := make([][]spot, len(uses))
	seen := map[string]bool{}
	for _, name := range names {
		text := readStarter(t, name)
		for form, use := range uses {
			for _, m := range use.FindAllStringSubmatchIndex(text, -1) {
				word := text[m[4]:m[5]]
				if key := fmt.Sprint(form, " ", word); !seen[key] {
					seen[key] = true
					byForm[form] = append(byForm[form], spot{name, text[m[2]:m[3]], word, m[4]})
				}
			}
		}
	}
	var all []spot
	for _, list := range byForm {
		all = append(all, sampled(list, 3)...)
	}
	return all
}

// TestAMisspeltWordIsNoticed leaves a letter out of a word, one word at a time.
func TestAMisspeltWordIsNoticed(t *testing.T) {
	t.Parallel()
	lib := load(t)
	list := spots(t, lib)
	if len(list) < 2*len(uses) {
		t.Errorf("%d uses of words are tried, want %d or more", len(list), 2*len(uses))
	}
	for _, s := range list {
		text := readStarter(t, s.file)
		middle := s.at + len(s.word)/2
		wrong := text[:middle] + text[middle+1:]
		if by := caught(library.Files{s.file: wrong}); by == "" {
			t.Errorf("%s: nothing notices that %s%s lacks a letter", s.file, s.what, s.word)
		}
	}
}

// TestAMisspeltDeclarationIsNoticed leaves a letter out of the words where they are declared.
func TestAMisspeltDeclarationIsNoticed(t *testing.T) {
	t.Parallel()
	lib := load(t)
	const head = "library.yaml"
	text := readStarter(t, head)
	used := slices.DeleteFunc(slices.Clone(lib.Attributes), func(a library.Attribute) bool { return !attributeUsed(t, lib, a.Name) })
	for _, a := range sampled(used, 8) {
		at := strings.Index(text, "\n    "+a.Name+": {")
		if at < 0 {
			t.Errorf("attribute %s is not where it is looked for", a.Name)
			continue
		}
		middle := at + 5 + len(a.Name)/2
		if by := caught(library.Files{head: text[:middle] + text[middle+1:]}); by == "" {
			t.Errorf("nothing notices that the attribute %s lacks a letter", a.Name)
		}
	}
}

// attributeUsed tells whether a rule reads the attribute, a type has it or a question asks for it. Some are words for what
// diagrams of other tools say, and no more.
func attributeUsed(t *testing.T, lib *library.Library, name string) bool {
	t.Helper()
	word := regexp.MustCompile(`(attributes\.|attribute: |attributes: \{[^}]*|\n  )` + name + `\b`)
	for _, e := range lib.Entries() {
		if _, _, text := lib.Source(e.Kind, e.Ref); word.MatchString(text) {
			return true
		}
	}
	return false
}
