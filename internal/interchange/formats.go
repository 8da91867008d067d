package interchange

import (
	"bytes"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/cyclonedx"
	"github.com/threatloop/threatloop/internal/interchange/drawio"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/iriusrisk"
	"github.com/threatloop/threatloop/internal/interchange/otm"
	"github.com/threatloop/threatloop/internal/interchange/pytm"
	"github.com/threatloop/threatloop/internal/interchange/threagile"
	"github.com/threatloop/threatloop/internal/interchange/threatdragon"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/interchange/tm7"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// format is one kind of model file.
type format struct {
	Name Format
	// Family is a second name, under which several versions of one format are
	// asked for; "" is none. The member that has Write is the one that is written.
	Family Format
	// Title names the format for people, with how its files look: "Threatloop (YAML)".
	Title string
	// Extension, with its dot, and MediaType are of the files that Write makes.
	Extension, MediaType string
	// Detect reports whether the file is one. It must be cheap and must not guess:
	// the first format of the table that says yes reads the file.
	Detect func(s *source) bool
	Read   func(s *source) (*Import, error)
	// Write is as WriteAs; nil where the format is only read.
	Write func(m *model.Model, with extras) ([]byte, []Note, error)
	// Shows says that the format has a place for standings.
	Shows bool
}

// formats are all that can be read, in the order in which they are asked.
var formats = []format{
	{
		Name: imported.ThreatDragon2, Family: "threat-dragon", Title: "OWASP Threat Dragon 2 (JSON)", Extension: ".json", MediaType: "application/json",
		Detect: func(s *source) bool { f, ok := threatdragon.Detect(s.json); return ok && f == imported.ThreatDragon2 },
		Read:   func(s *source) (*Import, error) { return threatdragon.Read(s.json, s.opts) },
		Write: func(m *model.Model, with extras) ([]byte, []Note, error) {
			return threatdragon.Write(m, with.standings)
		},
		Shows: true,
	},
	{
		Name: imported.ThreatDragon1, Family: "threat-dragon", Title: "OWASP Threat Dragon 1 (JSON)",
		Detect: func(s *source) bool { f, ok := threatdragon.Detect(s.json); return ok && f == imported.ThreatDragon1 },
		Read:   func(s *source) (*Import, error) { return threatdragon.Read(s.json, s.opts) },
	},
	{
		Name: imported.Threagile, Title: "Threagile (YAML, or a zip file of its folder)",
		Detect: func(s *source) bool {
			if s.root != nil {
				return threagile.Detect(s.root)
			}
			_, ok := threagile.OpenArchive(s.data)
			return ok || s.json.Get("threagile_version").Exists()
		},
		Read: func(s *source) (*Import, error) {
			if a, ok := threagile.OpenArchive(s.data); ok {
				return a.Read(s.opts)
			}
			root, err := s.yaml()
			if err != nil {
				return nil, err
			}
			return threagile.Read(root, s.opts)
		},
	},
	{
		Name: imported.PyTM, Title: "OWASP pytm (JSON)",
		Detect: func(s *source) bool { return pytm.Detect(s.json) },
		Read:   func(s *source) (*Import, error) { return pytm.Read(s.json, s.opts) },
	},
	{
		Name: imported.DrawIO, Title: "draw.io drawings (XML)",
		Detect: func(s *source) bool { return drawio.Detect(s.xmlRoot()) },
		Read:   func(s *source) (*Import, error) { return s.readXML(drawio.Read) },
	},
	{
		Name: imported.OTM, Title: "Open Threat Model (YAML, JSON)", Extension: ".otm", MediaType: "application/json",
		Detect: func(s *source) bool { return otm.Detect(s.json) || otm.DetectYAML(s.root) },
		Read: func(s *source) (*Import, error) {
			if s.root != nil {
				return otm.ReadYAML(s.root, s.opts)
			}
			return otm.Read(s.json, s.opts)
		},
		Write: func(m *model.Model, _ extras) ([]byte, []Note, error) { return otm.Write(m) },
	},
	{
		Name: imported.TM7, Title: "Microsoft Threat Modeling Tool (.tm7)",
		Detect: func(s *source) bool { return tm7.Detect(s.head) },
		Read:   func(s *source) (*Import, error) { return tm7.Read(s.data, s.opts) },
	},
	{
		Name: imported.IriusRisk, Title: "IriusRisk projects and templates (XML)",
		Detect: func(s *source) bool { return iriusrisk.Detect(s.xmlRoot()) },
		Read:   func(s *source) (*Import, error) { return s.readXML(iriusrisk.Read) },
	},
	{
		Name: imported.TMBOM, Title: "OWASP Threat Model Library (JSON), CycloneDX TM-BOM (JSON, XML)",
		Detect: func(s *source) bool { return cyclonedx.Detect(s.json) || cyclonedx.DetectXML(s.head) },
		Read: func(s *source) (*Import, error) {
			if s.json.Exists() {
				return cyclonedx.Read(s.json, s.opts)
			}
			return cyclonedx.ReadXML(s.data, s.opts)
		},
	},
	{
		Name: imported.Answers, Title: "answers to a questionnaire (JSON, YAML)",
		Detect: func(s *source) bool { return isAnswers(s) },
		Read: func(s *source) (*Import, error) {
			root, err := s.yaml()
			if err != nil {
				return nil, err
			}
			return tlyaml.ReadAnswers(root, s.opts)
		},
	},
	{
		Name: imported.Threatloop, Title: "Threatloop (YAML)", Extension: ".yaml", MediaType: "application/yaml",
		Detect: isThreatloop,
		Read: func(s *source) (*Import, error) {
			root, err := s.yaml()
			if err != nil {
				return nil, err
			}
			return tlyaml.Read(root, s.opts)
		},
		Write: func(m *model.Model, with extras) ([]byte, []Note, error) {
			data, err := tlyaml.WriteOver(m, with.original)
			return data, nil, err
		},
	},
}

// xmlRoot returns the root element of a file in XML without its content, else nil.
func (s *source) xmlRoot() *xmltree.Element {
	if len(s.head) == 0 || s.head[0] != '<' {
		return nil
	}
	return xmltree.Root(s.head)
}

// readXML parses the file and has it read.
func (s *source) readXML(read func(*xmltree.Element, Options) (*Import, error)) (*Import, error) {
	root, err := xmltree.Parse(s.data, s.opts)
	if err != nil {
		return nil, err
	}
	return read(root, s.opts)
}

// isThreatloop knows our own files, and the model as the interface has it in JSON.
func isThreatloop(s *source) bool {
	return s.json.Get("product").Object() || s.root != nil && tlyaml.Detect(s.root)
}

func isAnswers(s *source) bool {
	answers := s.json.Get("answers")
	return !isThreatloop(s) && (answers.Object() || answers.Array() || s.root != nil && tlyaml.DetectAnswers(s.root))
}

// Writable is a format that models can be written in.
type Writable struct {
	Name      Format `json:"name"`
	Title     string `json:"title"`     // for people
	Extension string `json:"extension"` // of the file, with its dot
	MediaType string `json:"media_type"`
}

// Written lists the formats that models can be written in, in the order of
// their names. A format of several versions goes by the name of all.
func Written() []Writable {
	var all []Writable
	for i := range formats {
		if f := &formats[i]; f.Write != nil {
			w := Writable{Name: f.Name, Title: f.Title, Extension: f.Extension, MediaType: f.MediaType}
			if f.Family != "" {
				w.Name = f.Family
			}
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b Writable) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}

// Showing reports whether files of the format show tickets and ratings.
func Showing(name Format) bool {
	return slices.ContainsFunc(formats, func(f format) bool { return f.Shows && (f.Name == name || f.Family == name) })
}

// DropStanding takes out of a model what it kept of the tickets and ratings that
// its file shows, for a caller that knows its own.
func DropStanding(m *model.Model) { threatdragon.DropStanding(m) }

// Readable is a format that models can be read from.
type Readable struct {
	Name  Format
	Title string // for people, with how its files look
	Write Format // the name to have models written in it; "" where it is only read
}

// Readables lists what Read reads, in the order of the table.
func Readables() []Readable {
	all := make([]Readable, 0, len(formats))
	for i := range formats {
		f := &formats[i]
		r := Readable{Name: f.Name, Title: f.Title}
		if f.Write != nil {
			r.Write = Family(f.Name)
		}
		all = append(all, r)
	}
	return all
}

// Family returns the name under which all versions of a format go; an unknown one is its own.
func Family(name Format) Format {
	for i := range formats {
		if f := &formats[i]; f.Name == name && f.Family != "" {
			return f.Family
		}
	}
	return name
}

// ReadableTitles lists for people what Read reads, in the order of the table.
func ReadableTitles() []string {
	all := make([]string, 0, len(formats))
	for i := range formats {
		all = append(all, formats[i].Title)
	}
	return all
}

// strangers are the marks of files that are no models, or of models that no
// format above reads, to name what was given.
var strangers = []struct{ mark, name string }{
	{"bomFormat", "a CycloneDX document without services and without a threat model"},
	{"<library ", "an IriusRisk library: see library import"},
	{"<testsuite", "a JUnit report: see results show"},
	{"<OWASPZAPReport", "a ZAP report: see results show"},
	{`"runs"`, "a SARIF report: see results show"},
	{"<KnowledgeBase", "a template of the Microsoft Threat Modeling Tool, which holds no model"},
	{"<mxlibrary", "a draw.io library of shapes, which holds no drawing"},
	{`"applicationInfo"`, "a workspace of AWS Threat Composer, whose threats belong to no component and which draws nothing that a program can read"},
	{`"Likelihood Of Attack"`, "a library of threats of OWASP pytm, which holds no model"},
	{`"potential threats"`, "a report of OWASP pytm: give what the model prints with --json"},
	{`"inBoundary"`, "a model of OWASP pytm in another form than pytm.load reads: a name, elements with their __class__, flows"},
	{`"diagramTop"`, "an OWASP Threat Dragon model without the object detail, in which its diagrams stand"},
	{`"diagramJson"`, "an OWASP Threat Dragon model without the object detail, in which its diagrams stand"},
}

// programs are the marks of texts that make models or reports, and are none.
var programs = []struct{ mark, name string }{
	{"from pytm import", "a program of OWASP pytm: run it with --json (tm.py --json model.json) and give what that writes"},
	{"import pytm", "a program of OWASP pytm: run it with --json (tm.py --json model.json) and give what that writes"},
	{"{findings:repeat:", "a template for reports of OWASP pytm: give what the model's program writes with --json"},
	{"{elements:repeat:", "a template for reports of OWASP pytm: give what the model's program writes with --json"},
}

func isProgram(head []byte) bool {
	return slices.ContainsFunc(programs, func(p struct{ mark, name string }) bool { return bytes.Contains(head, []byte(p.mark)) })
}

// unknown is the refusal of a sound file that no format knows.
func unknown(head []byte) error {
	f := fault.New(fault.Unsupported, "model.unknown_format",
		"the file is no threat model that can be read here; these can: %s", strings.Join(ReadableTitles(), ", "))
	for _, s := range slices.Concat(programs, strangers) {
		if bytes.Contains(head, []byte(s.mark)) {
			return f.With("", "it looks like %s", s.name)
		}
	}
	return f
}
