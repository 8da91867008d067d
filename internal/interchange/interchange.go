// Package interchange reads and writes model files: Threatloop's own YAML and
// those of other tools. The format is told by the content, never by the name.
// Each format is a sub-package; all return an imported.Import, whose model is
// valid and whose notes say what was guessed, kept without being understood, or
// refused. Nothing here opens a file: callers give bytes.
package interchange

import (
	"bytes"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/threatdragon"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/model"
)

// The types of package imported, under the names that callers use.
type (
	Format   = imported.Format
	Import   = imported.Import
	Note     = imported.Note
	Level    = imported.Level
	Options  = imported.Options
	TypeHint = imported.TypeHint
)

// Threatloop is the format of our own files, which hold everything of a model.
const Threatloop = imported.Threatloop

// MaxBytes is the size of the largest model file that is read.
const MaxBytes = imported.MaxBytes

// Detect returns the format of a model file. The error is a fault: TooLarge,
// Invalid with the place for broken JSON or YAML, Unsupported for a sound file of another kind.
func Detect(data []byte) (Format, error) {
	f, _, err := open(data, Options{})
	return f, err
}

// Read reads a model file of any known format. Errors are those of Detect, and
// Invalid with the places of everything wrong in it.
func Read(data []byte, opts Options) (*Import, error) {
	_, read, err := open(data, opts)
	if err != nil {
		return nil, err
	}
	return read()
}

// Write returns the model in Threatloop's own YAML, always the same bytes for the same model.
func Write(m *model.Model) ([]byte, error) { return tlyaml.Write(m) }

func open(data []byte, opts Options) (Format, func() (*Import, error), error) {
	if len(data) > MaxBytes {
		return "", nil, imported.TooLarge(len(data))
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if len(trimmed) == 0 {
		return "", nil, fault.New(fault.Invalid, "model.empty", "the model file is empty")
	}
	if trimmed[0] == '{' || trimmed[0] == '[' {
		root, err := jsontree.Parse(data, opts)
		if err != nil {
			return "", nil, err
		}
		if f, ok := threatdragon.Detect(root); ok {
			return f, func() (*Import, error) { return threatdragon.Read(root, opts) }, nil
		}
		if root.Get("product").Object() || root.Get("answers").Object() || root.Get("answers").Array() {
			return openYAML(data, opts) // JSON is YAML: the model or the answers as the interface has them
		}
		return "", nil, unknown(data)
	}
	if trimmed[0] == '<' || bytes.HasPrefix(trimmed, []byte("PK\x03\x04")) {
		return "", nil, unknown(data)
	}
	return openYAML(data, opts)
}

func openYAML(data []byte, opts Options) (Format, func() (*Import, error), error) {
	root, err := tlyaml.Parse(data, opts)
	if err != nil {
		return "", nil, err
	}
	if tlyaml.DetectAnswers(root) {
		return imported.Answers, func() (*Import, error) { return tlyaml.ReadAnswers(root, opts) }, nil
	}
	if !tlyaml.Detect(root) {
		return "", nil, unknown(data)
	}
	return imported.Threatloop, func() (*Import, error) { return tlyaml.Read(root, opts) }, nil
}

// strangers are the marks of other tools' files, to name what was given.
var strangers = []struct{ mark, name string }{
	{"otmVersion", "an Open Threat Model file"},
	{"threagile_version", "a Threagile model"},
	{"schemas.datacontract.org/2004/07/ThreatModeling", "a model of the Microsoft Threat Modeling Tool"},
	{"bomFormat", "a CycloneDX document"},
	{"<testsuite", "a JUnit report: see results show"},
	{"<OWASPZAPReport", "a ZAP report: see results show"},
	{`"runs"`, "a SARIF report: see results show"},
}

func unknown(data []byte) error {
	f := fault.New(fault.Unsupported, "model.unknown_format",
		"the file is no threat model that can be read here; these can: Threat Dragon 1 and 2 (JSON), Threatloop (YAML), answers to a questionnaire (JSON, YAML)")
	head := data[:min(len(data), 64<<10)]
	for _, s := range strangers {
		if bytes.Contains(head, []byte(s.mark)) {
			return f.With("", "it looks like %s", s.name)
		}
	}
	return f
}
