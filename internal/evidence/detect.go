package evidence

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cucumber"
	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/fortify"
	"github.com/threatloop/threatloop/internal/evidence/junit"
	"github.com/threatloop/threatloop/internal/evidence/result"
	"github.com/threatloop/threatloop/internal/evidence/sarif"
	"github.com/threatloop/threatloop/internal/evidence/zap"
	"github.com/threatloop/threatloop/internal/fault"
)

// format is a family with the function that reads one shape of it.
type format struct {
	family string
	read   func(*cursor.Source, *result.Run) error
}

func fprFormat() format { return format{"fortify", fortify.ReadFPR} }

// xmlRoots tells formats by the name of the root element.
var xmlRoots = map[string]format{
	"testsuites":       {"junit", junit.Read},
	"testsuite":        {"junit", junit.Read},
	"OWASPZAPReport":   {"zap", zap.ReadXML},
	"FVDL":             {"fortify", fortify.ReadFVDL},
	"ReportDefinition": {"fortify", fortify.ReadReport},
	"Scan":             {"fortify", fortify.ReadWebInspect},
}

// foreignRoots names what we recognise and do not read.
var foreignRoots = map[string]string{
	"issues": "a Burp Suite report", "CxXMLResults": "a Checkmarx report", "NessusClientData_v2": "a Nessus report",
	"analysis": "a Dependency-Check report", "assemblies": "an xUnit.net report", "test-run": "an NUnit report",
	"testng-results": "a TestNG report", "TestRun": "a Visual Studio test report", "html": "an HTML page",
	"ThreatModel": "a Microsoft Threat Modeling Tool file", "bom": "a CycloneDX document",
}

// jsonKeys tells formats by the first decisive member of a top-level object.
var jsonKeys = map[string]format{
	"runs": {"sarif", sarif.Read}, "inlineExternalProperties": {"sarif", sarif.Read},
	"site": {"zap", zap.ReadJSON}, "@programName": {"zap", zap.ReadJSON},
	"meta": {"cucumber", cucumber.ReadMessages}, "source": {"cucumber", cucumber.ReadMessages},
	"gherkinDocument": {"cucumber", cucumber.ReadMessages}, "pickle": {"cucumber", cucumber.ReadMessages},
	"testRunStarted": {"cucumber", cucumber.ReadMessages}, "testCaseStarted": {"cucumber", cucumber.ReadMessages},
	"stepDefinition": {"cucumber", cucumber.ReadMessages}, "testRunFinished": {"cucumber", cucumber.ReadMessages},
}

// listKeys tells formats by the members of the first object of a top-level array.
var listKeys = map[string]format{"elements": {"cucumber", cucumber.ReadJSON}}

var foreignKeys = map[string]string{
	"template-id": "a Nuclei report", "templateID": "a Nuclei report", "matched-at": "a Nuclei report",
	"SchemaVersion": "a Trivy report", "ArtifactName": "a Trivy report", "Target": "a Trivy report", "ClusterName": "a Trivy report",
	"paths": "a Semgrep report", "results": "a Semgrep or similar report", "Issues": "a gosec report",
	"bomFormat": "a CycloneDX document", "statements": "an OpenVEX document", "issues": "a SonarQube report",
	"otmVersion": "an Open Threat Model file", "detail": "a Threat Dragon model", "openapi": "an OpenAPI document",
}

func families() string { return "junit, cucumber, zap, sarif, fortify" }

func knownFamily(name string) bool { return slices.Contains(strings.Split(families(), ", "), name) }

func unsupported(name, seen string) error {
	return fault.New(fault.Unsupported, "evidence.format", "%s looks like %s, which is not a report that is read here (%s)", nameOf(name), seen, families())
}

// errFound stops a walk once it has met what it was looking for.
var errFound = errors.New("found")

// detect tells the format of a source from its first bytes, its root element or its first decisive member.
func detect(s *cursor.Source, forced string) (format, error) {
	r, err := s.Open()
	if cursor.AsBroken(err) != nil {
		return format{}, fault.Wrap(err, fault.Invalid, "evidence.broken", "%s is damaged: nothing in it can be read", nameOf(s.Name))
	}
	if err != nil {
		return format{}, err
	}
	head := make([]byte, 4096)
	n, err := io.ReadFull(r, head)
	if err != nil && fault.As(err) != nil {
		return format{}, err
	}
	head = bytes.TrimLeft(head[:n], " \t\r\n\x00")
	if len(head) == 0 {
		return format{}, fault.New(fault.Invalid, "evidence.empty", "%s is empty: there is no report in it", nameOf(s.Name))
	}
	var f format
	switch head[0] {
	case '<':
		f, err = detectXML(s)
	case '{', '[':
		f, err = detectJSON(s, head[0] == '[', forced)
	default:
		err = unsupported(s.Name, seenText(head))
	}
	if err == nil && forced != "" && f.family != forced {
		err = fault.New(fault.Unsupported, "evidence.format", "%s was announced as %s and looks like %s", nameOf(s.Name), forced, f.family)
	}
	return f, err
}

func seenText(head []byte) string {
	if bytes.HasPrefix(head, []byte("%PDF")) {
		return "a PDF document"
	}
	for _, b := range head[:min(len(head), 64)] {
		if b < 0x20 && b != '\n' && b != '\r' && b != '\t' {
			return "binary data"
		}
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return "text that begins with \"" + result.Clean(string(line), 40) + "\""
}

func detectXML(s *cursor.Source) (format, error) {
	x, err := s.XML()
	if err != nil {
		return format{}, err
	}
	root, err := x.Root()
	if b := cursor.AsBroken(err); b != nil || err == io.EOF {
		return format{}, fault.Wrap(err, fault.Invalid, "evidence.broken", "%s begins like XML and has no element that can be read", nameOf(s.Name))
	}
	if err != nil {
		return format{}, err
	}
	if f, ok := xmlRoots[root]; ok {
		return f, nil
	}
	if what, ok := foreignRoots[root]; ok {
		return format{}, unsupported(s.Name, what)
	}
	return format{}, unsupported(s.Name, "XML with the root element <"+result.Clean(root, 60)+">")
}

func detectJSON(s *cursor.Source, list bool, forced string) (format, error) {
	j, err := s.JSON()
	if err != nil {
		return format{}, err
	}
	keys := jsonKeys
	if list {
		keys = listKeys
	}
	var f format
	var seen []string
	foreign, objects := "", 0
	var keyword, place bool // as a feature without a scenario has them
	object := func() error {
		objects++
		return j.Object(func(key string) error {
			keyword, place = keyword || key == "keyword", place || key == "uri" || key == "location"
			if got, ok := keys[key]; ok {
				f = got
				return errFound
			}
			if what, ok := foreignKeys[key]; ok && foreign == "" {
				foreign = what
				return errFound
			}
			if len(seen) < 6 {
				seen = append(seen, result.Clean(key, 40))
			}
			if key == "$schema" || key == "version" {
				text, err := j.String()
				if strings.Contains(strings.ToLower(text), "sarif") {
					f = format{"sarif", sarif.Read}
					return errFound
				}
				return err
			}
			return nil
		})
	}
	if list {
		err = j.List(object)
	} else {
		err = object()
	}
	switch {
	case f.read != nil:
		return f, nil
	case foreign != "":
		return format{}, unsupported(s.Name, foreign)
	case fault.As(err) != nil:
		return format{}, err
	case list && keyword && place && err == nil:
		return format{"cucumber", cucumber.ReadJSON}, nil
	case list && objects == 0 && err == nil:
		if forced == "cucumber" {
			return format{"cucumber", cucumber.ReadJSON}, nil
		}
		return format{}, fault.New(fault.Unsupported, "evidence.format", "%s is an empty JSON list: nothing in it tells its format; name the format", nameOf(s.Name))
	case err != nil:
		return format{}, fault.Wrap(err, fault.Invalid, "evidence.broken", "%s begins like JSON and breaks off before anything tells its format", nameOf(s.Name))
	}
	return format{}, unsupported(s.Name, "JSON with the members "+strings.Join(seen, ", "))
}
