package fortify

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// ReadFVDL reads a bare audit.fvdl, without an audit.
func ReadFVDL(src *cursor.Source, run *result.Run) error {
	return readFVDL(src, run, &joined{})
}

// readFVDL reads the file twice, because a rule's CWE and impact and a trace's
// nodes stand behind the findings that refer to them.
func readFVDL(src *cursor.Source, run *result.Run, join *joined) error {
	run.Summary.Format, run.Summary.Variant, run.Summary.Tool = "fortify", "fvdl", "Fortify"
	x, err := src.XML()
	if err != nil {
		return err
	}
	d := &document{x: x, run: run, join: join, tree: cwe.Default(), rules: map[string]meta{}, nodes: map[string]place{}, paths: map[string]string{}, texts: map[string]string{}}
	_, broken := x.Root()
	if broken == nil {
		broken = x.Children(d.surroundings)
	}
	if broken != nil && cursor.AsBroken(broken) == nil {
		return broken
	}
	slices.Sort(d.packs)
	run.Summary.RuleSet = result.Clean(strings.Join(slices.Compact(d.packs), "; "), result.MaxText)
	if d.errors > 0 {
		run.Incomplete("the analysis reported %d errors, the first: %s", d.errors, d.firstError)
	}
	if d.filtered > 0 {
		run.Note("%d categories were filtered out of the file", d.filtered)
	}
	if d.x, err = src.XML(); err != nil {
		return err
	}
	if _, err = d.x.Root(); err != nil {
		return err
	}
	err = d.x.Children(func(name string) error {
		if name != "Vulnerabilities" {
			return nil
		}
		return d.x.Children(func(name string) error {
			if name != "Vulnerability" {
				return nil
			}
			return d.vulnerability()
		})
	})
	if err != nil {
		return err
	}
	return broken
}

// meta is what a rule's groups say; zero where absent.
type meta struct {
	impact, accuracy, probability float64
	cwes                          []int
	known                         bool
}

type place struct {
	path string
	line int
}

// document holds what the second pass joins.
type document struct {
	x          *cursor.XML
	run        *result.Run
	join       *joined
	tree       *cwe.Tree
	base       string
	rules      map[string]meta
	nodes      map[string]place
	paths      map[string]string // interned
	texts      map[string]string // class id -> abstract
	packs      []string
	errors     int
	firstError string
	filtered   int
}

func (d *document) surroundings(name string) error {
	x := d.x
	switch name {
	case "CreatedTS":
		if t, err := time.Parse("2006-01-02T15:04:05", x.Attr("date")+"T"+x.Attr("time")); err == nil {
			d.run.Summary.StartedAt = t
		}
	case "Build":
		return x.Children(func(name string) (err error) {
			text := ""
			switch name {
			case "BuildID":
				text, err = x.TextOf(result.MaxText)
				d.run.Target(text)
			case "SourceBasePath":
				d.base, err = x.TextOf(4096)
			}
			return err
		})
	case "UnifiedNodePool":
		return x.Children(func(name string) error {
			if name != "Node" {
				return nil
			}
			id, at := x.Attr("id"), place{}
			err := x.Children(func(name string) error {
				if name == "SourceLocation" {
					at = d.place()
				}
				return nil
			})
			if len(d.nodes) < maxNodes {
				d.nodes[id] = at
			}
			return err
		})
	case "Description":
		class := x.Attr("classID")
		return x.Children(func(name string) error {
			if name != "Abstract" {
				return nil
			}
			text, err := x.TextOf(2 * result.MaxText)
			if len(d.texts) < maxRules {
				d.texts[class] = result.Clean(plain(text), result.MaxText)
			}
			return err
		})
	case "EngineData":
		return x.Children(d.engine)
	}
	return nil
}

func (d *document) engine(name string) error {
	x := d.x
	switch name {
	case "EngineVersion":
		text, err := x.TextOf(100)
		d.run.Summary.ToolVersion = text
		return err
	case "RulePacks":
		return x.Children(func(string) error {
			return x.Children(func(name string) error {
				if name != "Name" {
					return nil
				}
				text, err := x.TextOf(200)
				if len(d.packs) < 500 {
					d.packs = append(d.packs, text)
				}
				return err
			})
		})
	case "Errors":
		return x.Children(func(string) error {
			text, err := x.TextOf(300)
			if d.errors++; d.errors == 1 {
				d.firstError = text
			}
			return err
		})
	case "FilterResult":
		return x.Children(func(name string) error {
			if name == "Category" {
				d.filtered++
			}
			return nil
		})
	case "RuleInfo":
		return x.Children(func(name string) error {
			if name != "Rule" {
				return nil
			}
			id, m := x.Attr("id"), meta{known: true}
			err := x.Children(func(string) error { return d.groups(&m) })
			if len(d.rules) < maxRules {
				d.rules[id] = m
			}
			return err
		})
	}
	return nil
}

// groups reads MetaInfo: of a rule, or of an instance that overrides it.
func (d *document) groups(m *meta) error {
	return d.x.Children(func(string) error {
		key := d.x.Attr("name")
		text, err := d.x.TextOf(1000)
		switch key {
		case "Impact":
			m.impact = number(text)
		case "Accuracy":
			m.accuracy = number(text)
		case "Probability":
			m.probability = number(text)
		case "altcategoryCWE":
			m.cwes = d.tree.ParseIDs(text)
		}
		return err
	})
}

func (d *document) place() place {
	file := result.Clean(relative(d.x.Attr("path"), d.base), result.MaxText)
	if known, ok := d.paths[file]; ok {
		file = known
	} else if len(d.paths) < maxNodes {
		d.paths[file] = file
	}
	line, _ := strconv.Atoi(d.x.Attr("line"))
	return place{file, line}
}

// finding is one Vulnerability.
type finding struct {
	class, kind, subtype, kingdom, analyzer string
	instance, severity, confidence          string
	override                                meta
	function                                string
	at, last, defined                       place
	hasDefault, traced                      bool
}

func (d *document) vulnerability() error {
	x := d.x
	var f finding
	err := x.Children(func(name string) error {
		switch name {
		case "ClassInfo":
			return d.texted(map[string]*string{"ClassID": &f.class, "Type": &f.kind, "Subtype": &f.subtype, "Kingdom": &f.kingdom, "AnalyzerName": &f.analyzer}, nil)
		case "InstanceInfo":
			return d.texted(map[string]*string{"InstanceID": &f.instance, "InstanceSeverity": &f.severity, "Confidence": &f.confidence}, &f.override)
		case "AnalysisInfo":
			return x.Children(func(string) error { return x.Children(func(name string) error { return d.unified(&f, name) }) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.emit(&f)
}

func (d *document) texted(fields map[string]*string, override *meta) error {
	return d.x.Children(func(name string) error {
		if p, ok := fields[name]; ok {
			text, err := d.x.TextOf(result.MaxText)
			*p = text
			return err
		}
		if name == "MetaInfo" && override != nil {
			return d.groups(override)
		}
		return nil
	})
}

func (d *document) unified(f *finding, name string) error {
	x := d.x
	switch name {
	case "Context":
		return x.Children(func(name string) error {
			if name == "Function" {
				parts := []string{x.Attr("namespace"), x.Attr("enclosingClass"), x.Attr("name")}
				f.function = strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ".")
			}
			return nil
		})
	case "ReplacementDefinitions":
		return x.Children(func(name string) error {
			if name != "Def" {
				return nil
			}
			switch x.Attr("key") {
			case "PrimaryLocation.file":
				f.defined.path = relative(x.Attr("value"), d.base)
			case "PrimaryLocation.line":
				f.defined.line, _ = strconv.Atoi(x.Attr("value"))
			}
			return nil
		})
	case "Trace":
		if f.traced {
			return nil
		}
		f.traced = true
		return x.Children(func(string) error { // Primary
			return x.Children(func(string) error { // Entry
				return x.Children(func(name string) error { return d.node(f, name) })
			})
		})
	}
	return nil
}

func (d *document) node(f *finding, name string) error {
	x := d.x
	switch name {
	case "NodeRef":
		if at, ok := d.nodes[x.Attr("id")]; ok {
			f.last = at
		}
	case "Node":
		isDefault := x.Attr("isDefault") == "true" && !f.hasDefault
		return x.Children(func(name string) error {
			if name == "SourceLocation" {
				f.last = d.place()
				if isDefault {
					f.at, f.hasDefault = f.last, true
				}
			}
			return nil
		})
	}
	return nil
}

func (d *document) emit(f *finding) error {
	m := d.rules[f.class]
	if o := f.override; o.impact > 0 {
		m.impact, m.known = o.impact, true
	}
	if f.override.accuracy > 0 {
		m.accuracy = f.override.accuracy
	}
	if f.override.probability > 0 {
		m.probability = f.override.probability
	}
	if !f.hasDefault {
		f.at = f.last
	}
	if f.at.path == "" {
		f.at = f.defined
	}
	category := f.kind
	if f.subtype != "" {
		category += ": " + f.subtype
	}
	if len(m.cwes) == 0 {
		m.cwes = d.join.categories[category]
	}
	res := result.Result{
		ID: f.class, Name: category, Verdict: result.Fail, CWEs: slices.Clone(m.cwes), Fingerprint: f.instance,
		Confidence: f.confidence, Detail: d.texts[f.class], Tags: []string{f.kingdom, f.analyzer},
		Locations: []result.Location{{URI: f.at.path, Line: f.at.line, Method: f.function}},
	}
	if m.known && m.impact > 0 {
		res.Severity = priority(m.impact, m.accuracy, number(f.confidence), m.probability)
	} else { // the rule is not in the file: only the instance's own severity is known
		res.Severity = priority(number(f.severity), 0, 0, 0)
	}
	if a, ok := d.join.audits[f.instance]; ok {
		res.Suppressed = a.setAside()
		if a.analysis != "" {
			res.Tags = append(res.Tags, "analysis: "+a.analysis)
		}
	}
	res.Key = result.KeyOf("fortify", f.instance)
	if f.instance == "" {
		res.Key = result.KeyOf("fortify", f.class, f.at.path, f.function)
	}
	return d.run.Emit(res)
}

// plain drops the markup of Fortify's descriptions, which arrives escaped.
func plain(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "<")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, found = strings.Cut(rest, ">")
		if !found {
			return b.String()
		}
	}
}
