package iriusrisk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// LibraryOptions say how a library is converted.
type LibraryOptions struct {
	// Name is the file's name as it stands in places; "" is "file".
	Name string
	// Base is the library that the result will stand on as a layer: refs that it
	// has are not taken again, its standards and countermeasures can be named, and
	// the head is left to it. Nil makes a library that stands alone.
	Base *library.Library
}

// LibraryCounts are what an IriusRisk library holds, counted in the file.
type LibraryCounts struct {
	Patterns        int `json:"patterns"`
	UseCases        int `json:"use_cases"`
	Threats         int `json:"threats"`
	Weaknesses      int `json:"weaknesses"`
	WeaknessLinks   int `json:"weakness_links"`
	Countermeasures int `json:"countermeasures"`
	Definitions     int `json:"component_definitions"`
	Standards       int `json:"standards"`
	Rules           int `json:"rules"`
	Conditions      int `json:"conditions"`
	Actions         int `json:"actions"`
	// RulesKept are the rules of which something could not be understood; it stands as a comment in the files.
	RulesKept int `json:"rules_kept"`
}

// LibraryImport is an IriusRisk library in our library format.
type LibraryImport struct {
	Ref, Name string
	// Files are the entries by path; library.Load reads them, over a base
	// library.LoadLayers.
	Files  library.Files
	Counts LibraryCounts
	Notes  []imported.Note
}

// What a library may hold, and how much work its rules may make: the largest that
// is known has some thousand rules.
const (
	maxEntries = 20_000
	maxWork    = 1_000_000
	maxSteps   = 2_000 // conditions or actions of one rule
)

// DetectLibrary reports whether the bytes are an IriusRisk library.
func DetectLibrary(data []byte) bool {
	root := xmltree.Root(data[:min(len(data), 64<<10)])
	if root == nil || root.Name != "library" {
		return false
	}
	_, ref := root.Lookup("ref")
	return ref
}

// ConvertLibrary turns an IriusRisk library into files of our library format: one
// pattern a file with its threats, weaknesses, countermeasures and standards,
// component definitions as types, and the rules whose conditions and actions are
// understood, each with a test in which it fires and one in which it stays
// silent, with the questions they ask as questionnaires. What a rule does beyond
// that is kept as comments and noted by line. The files have been loaded and
// their tests run before they are returned. The error is a fault.Invalid with the
// place for a file that is no library.
func ConvertLibrary(data []byte, opts LibraryOptions) (*LibraryImport, error) {
	root, err := xmltree.Parse(data, imported.Options{Name: opts.Name})
	if err != nil {
		return nil, err
	}
	if root.Name != "library" || root.Attr("ref") == "" {
		return nil, root.Fault(imported.Options{Name: opts.Name}, "is no IriusRisk library: the root must be <library> with a ref")
	}
	for _, limit := range []struct {
		what string
		n    int
	}{
		{"risk patterns", len(root.All("riskPatterns", "riskPattern"))},
		{"rules", len(root.All("rules", "rule"))},
		{"component definitions", len(root.All("componentDefinitions", "componentDefinition"))},
		{"threats", len(root.All("riskPatterns", "riskPattern", "usecases", "usecase", "threats", "threat"))},
	} {
		if limit.n > maxEntries {
			return nil, reading.TooMany(limit.what, maxEntries)
		}
	}
	var dropped []string // rules whose tests do not come out
	for range 4 {
		c := newConverter(root, opts, dropped)
		c.convert()
		lib, err := c.load()
		if err != nil {
			if len(c.entries) == 0 || slices.Contains(dropped, "*") {
				return nil, fmt.Errorf("iriusrisk: the converted library does not load: %w", err)
			}
			bad := c.culprits(err)
			if len(bad) == 0 {
				bad = []string{"*"} // without rules and questionnaires, the rest of the library is still worth having
			}
			dropped = append(dropped, bad...)
			continue
		}
		var failed []string
		if len(c.rules) > 0 {
			failed = c.failing(lib)
		}
		if len(failed) == 0 {
			return c.result(), nil
		}
		dropped = append(dropped, failed...)
	}
	c := newConverter(root, opts, []string{"*"})
	c.convert()
	if _, err := c.load(); err != nil {
		return nil, fmt.Errorf("iriusrisk: the converted library does not load: %w", err)
	}
	return c.result(), nil
}

func (c *converter) load() (*library.Library, error) {
	own := library.Layer{Name: "converted", Files: c.files()}
	if c.opts.Base == nil {
		return library.LoadLayers(own)
	}
	below, err := c.opts.Base.Export()
	if err != nil {
		return nil, err
	}
	return library.LoadLayers(library.Layer{Name: "base", Files: below}, own)
}

// culprits returns the rules that the places of an error point at.
func (c *converter) culprits(err error) []string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	files := c.files()
	lines := strings.Split(files[rulesFile], "\n")
	var refs []string
	for _, field := range f.Fields {
		line := 0
		if n, err := fmt.Sscanf(field.Where, "converted/"+rulesFile+":%d:", &line); n != 1 || err != nil || line > len(lines) {
			return nil
		}
		for i := line - 1; i >= 0; i-- {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(lines[i]), "- rule: "); ok {
				refs = append(refs, rest)
				break
			}
		}
	}
	return refs
}

func (c *converter) failing(lib *library.Library) []string {
	// The base has tested its own; a copy with the converted rules only is enough,
	// because they and the base's do not read each other's facts.
	own := *lib
	own.Rules = nil
	for _, r := range lib.Rules {
		if c.ruleNames[r.Ref] {
			own.Rules = append(own.Rules, r)
		}
	}
	var refs []string
	for _, failure := range generate.Test(&own).Failures {
		if c.ruleNames[failure.Rule] {
			add(&refs, failure.Rule)
		}
	}
	return refs
}

// converter turns one library into entries.
type converter struct {
	root    *xmltree.Element
	opts    LibraryOptions
	ref     string // the library's, as a ref of ours
	out     *imported.Import
	counts  LibraryCounts
	names   namer
	dropped []string
	costs   bool

	attributes []*mapping
	attrNames  []string
	tags       []string
	entries    map[string]*mapping // files
	after      map[string][]string // comments at the end of files

	patterns      map[string]*pattern // by ref in the file
	patternList   []*pattern
	bodies        map[string][]body // weaknesses and countermeasures by "kind ref" of the file
	types         map[string]string // component definitions
	definitions   []definition
	standards     map[string]*standard
	standardNames map[string]string // by ref in the file, the name

	rules     []*mapping
	ruleNames map[string]bool
	work      int // conditions that were looked at
	book      *ruleBook
	kept      []string // comments: what rules do that is not understood
}

type standard struct {
	ref, name string
	clauses   map[string]string // titles by id
}

func newConverter(root *xmltree.Element, opts LibraryOptions, dropped []string) *converter {
	c := &converter{
		root: root, opts: opts, ref: model.Slug(root.Attr("ref")), out: &imported.Import{}, dropped: dropped, entries: map[string]*mapping{}, after: map[string][]string{},
		patterns: map[string]*pattern{}, bodies: map[string][]body{}, types: map[string]string{},
		standards: map[string]*standard{}, standardNames: map[string]string{}, ruleNames: map[string]bool{},
	}
	c.names = namer{prefix: c.ref, base: opts.Base, used: map[string]bool{}}
	return c
}

func (c *converter) note(level imported.Level, e *xmltree.Element, where, format string, args ...any) {
	at := ""
	if e != nil {
		at = e.At(imported.Options{Name: c.opts.Name})
	}
	c.out.AddAt(level, at, where, format, args...)
}

func (c *converter) convert() {
	for _, s := range c.root.All("supportedStandards", "supportedStandard") {
		c.counts.Standards++
		c.standardNames[s.Attr("ref")] = htmltext.Line(s.Attr("name"))
	}
	for _, p := range c.root.All("riskPatterns", "riskPattern") {
		c.pattern(p)
	}
	for _, d := range c.root.All("componentDefinitions", "componentDefinition") {
		c.counts.Definitions++
		c.componentType(d)
	}
	c.readRules()
	c.nameWords()
	c.writePatterns()
	c.writeTypes()
	c.writeRules()
	c.writeStandards()
	c.writeHead()
	for _, child := range c.root.Children {
		switch child.Name {
		case "desc", "categoryComponents", "componentDefinitions", "supportedStandards", "riskPatterns", "rules":
		default:
			c.note(imported.Kept, child, "library", "the part %q is not understood and is left out", child.Name)
		}
	}
	if c.costs {
		c.note(imported.Guess, nil, "library", "costs are low, medium or high in the file; 1, 4 and 10 days are taken")
	}
}

const (
	headFile  = "library.yaml"
	rulesFile = "rules/rules.yaml"
)

func (c *converter) writeHead() {
	m := &mapping{}
	name := htmltext.Line(c.root.Attr("name"))
	if name == "" {
		name = c.ref
	}
	if c.opts.Base == nil {
		version := strings.TrimSpace(c.root.Attr("revision"))
		if version == "" {
			version = "1"
		}
		m.must("ref", c.ref).must("version", version).must("name", name).add("description", prose(c.root.Child("desc").Text()))
	}
	v := &mapping{}
	if len(c.tags) > 0 {
		tags := &mapping{}
		for _, t := range c.tags {
			tags.must(t, "a tag of the library "+name)
		}
		v.add("tags", tags)
	}
	if len(c.attributes) > 0 {
		all := &mapping{}
		for i, a := range c.attributes {
			all.must(c.attrNames[i], a)
		}
		v.add("attributes", all)
	}
	if len(v.nodes) > 0 {
		m.add("vocabulary", v)
	}
	var after []string
	if c.entries[rulesFile] == nil {
		after = c.kept
	}
	if len(m.nodes) == 0 && (len(after) > 0 || len(c.entries) == 0) {
		m.must("vocabulary", (&mapping{}).must("tags", &mapping{}))
	}
	if len(m.nodes) > 0 {
		if len(m.nodes) > 0 && c.opts.Base != nil {
			m.nodes[0].comment = append(m.nodes[0].comment, "From the IriusRisk library "+name+" ("+c.root.Attr("ref")+").")
		}
		c.entries[headFile] = m
		c.after[headFile] = after
	}
}

// files returns the entries as text.
func (c *converter) files() library.Files {
	files := library.Files{}
	for name, m := range c.entries {
		files[name] = write(m, c.after[name]...)
	}
	return files
}

func (c *converter) result() *LibraryImport {
	c.out.Close()
	return &LibraryImport{Ref: c.ref, Name: htmltext.Line(c.root.Attr("name")), Files: c.files(), Counts: c.counts, Notes: c.out.Notes}
}

// namer gives refs that nothing else has, in the library and in the base.
type namer struct {
	prefix string
	base   *library.Library
	used   map[string]bool // "kind ref"
	last   map[string]int  // the highest number given, by "kind ref"
}

// number returns the number to try after i for a name that is taken.
func (n *namer) number(kind, slug string, i int) int {
	if n.last == nil {
		n.last = map[string]int{}
	}
	key := kind + " " + slug
	if i > 1 && n.last[key] >= i {
		i = n.last[key] + 1
	}
	n.last[key] = i
	return i
}

// ref returns a free ref made of a text: the text's own words if they are free,
// else with the library's ref before it, else numbered.
func (n *namer) ref(kind, text string) string {
	slug := model.Slug(text)
	candidate := slug
	for i := 1; n.taken(kind, candidate); i++ {
		if i = n.number(kind, slug, i); i > 1 {
			candidate = serial(n.prefix+"-"+slug, i)
		} else {
			candidate = n.prefix + "-" + slug
		}
	}
	n.used[kind+" "+candidate] = true
	return candidate
}

// word is ref for what is a word of CEL: facts, attributes and questions.
func (n *namer) word(kind, text string) string {
	slug := strings.ReplaceAll(model.Slug(text), "-", "_")
	prefix := strings.ReplaceAll(n.prefix, "-", "_")
	if prefix[0] < 'a' || prefix[0] > 'z' {
		prefix = "lib_" + prefix
	}
	candidate := slug
	if slug[0] < 'a' || slug[0] > 'z' || slices.Contains(reserved, slug) {
		candidate = prefix + "_" + slug
	}
	for i := 1; n.taken(kind, candidate); i++ {
		if i = n.number(kind, slug, i); i > 1 {
			candidate = fmt.Sprintf("%s_%s_%d", prefix, slug, i)
		} else {
			candidate = prefix + "_" + slug
		}
	}
	n.used[kind+" "+candidate] = true
	return candidate
}

var reserved = []string{"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while"}

func (n *namer) taken(kind, ref string) bool {
	if n.used[kind+" "+ref] {
		return true
	}
	b := n.base
	if b == nil {
		return false
	}
	switch kind {
	case "pattern":
		return b.Pattern(ref) != nil
	case "weakness":
		return b.Weakness(ref) != nil
	case "countermeasure":
		return b.Countermeasure(ref) != nil
	case "type":
		return b.Type(ref) != nil
	case "attribute":
		return b.Attribute(ref) != nil
	case "question":
		return b.Question(ref) != nil
	case "standard":
		return b.Standard(ref) != nil
	case "questionnaire":
		return b.Questionnaire(ref) != nil
	case "rule":
		return slices.ContainsFunc(b.Rules, func(r *library.Rule) bool { return r.Ref == ref })
	case "fact":
		return slices.ContainsFunc(b.Rules, func(r *library.Rule) bool {
			return slices.ContainsFunc(r.Conclude, func(c library.Conclusion) bool { return c.Fact == ref })
		})
	}
	return false
}
