// Package interchange reads and writes model files: Threatloop's own YAML and
// those of other tools. The format is told by the content, never by the name.
// Each format is a sub-package and a line in formats; all return an
// imported.Import, whose model is valid and whose notes say what was guessed,
// kept without being understood, or refused. Nothing here opens a file: callers
// give bytes.
package interchange

import (
	"bytes"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/threagile"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/model"
)

// The types of package imported, under the names that callers use.
type (
	Format    = imported.Format
	Import    = imported.Import
	Note      = imported.Note
	Level     = imported.Level
	Options   = imported.Options
	TypeHint  = imported.TypeHint
	Standing  = imported.Standing
	Standings = imported.Standings
	Ticket    = imported.Ticket
	Rating    = imported.Rating
)

// Threatloop is the format of our own files, which hold everything of a model.
const Threatloop = imported.Threatloop

// MaxBytes is the size of the largest model file that is read.
const MaxBytes = imported.MaxBytes

// Detect returns the format of a model file. The error is a fault: TooLarge,
// Invalid with the place for broken JSON or YAML, Unsupported for a sound file of another kind.
func Detect(data []byte) (Format, error) {
	f, _, err := open(data, Options{})
	if err != nil {
		return "", err
	}
	return f.Name, nil
}

// Read reads a model file of any known format. Errors are those of Detect, and
// Invalid with the places of everything wrong in it.
func Read(data []byte, opts Options) (*Import, error) {
	f, s, err := open(data, opts)
	if err != nil {
		return nil, err
	}
	return f.read(s)
}

// ReadAs is Read for a file that must be of the named format; another one is
// Invalid and named. Format "" is any.
func ReadAs(name Format, data []byte, opts Options) (*Import, error) {
	f, s, err := open(data, opts)
	if err != nil {
		return nil, err
	}
	if name != "" && name != f.Name && name != f.Family {
		return nil, fault.New(fault.Invalid, "model.format", "the file is no %s file", name).With("", "it is a file of the format %s", f.Name)
	}
	return f.read(s)
}

// read reads the file, and says what a reader of JSON cannot see: keys that are
// given again. YAML with such keys is refused before, or told by its reader.
func (f *format) read(s *source) (*Import, error) {
	in, err := f.Read(s)
	if err != nil || f.Name == imported.OTM {
		return in, err
	}
	for m := range s.json.Repeated() {
		in.AddAt(imported.Refused, m.Value.At(), "file", "the key %q is given twice; the last one counts", m.Key)
	}
	in.Close()
	return in, nil
}

// Write returns the model in Threatloop's own YAML, always the same bytes for the same model.
func Write(m *model.Model) ([]byte, error) { return tlyaml.Write(m) }

// WriteTo writes what Write returns piece by piece. After an error the text is cut off.
func WriteTo(w io.Writer, m *model.Model) error { return tlyaml.WriteTo(w, m) }

// WriteAs returns the model in a format that can be written (Written lists them),
// and notes on what the format cannot hold. Original is the file that the result
// will replace, or nil: what it says and the model does not know stays where the
// format allows. The error is a fault.Invalid for a format that is not written.
func WriteAs(name Format, m *model.Model, original []byte) ([]byte, []Note, error) {
	return write(name, m, extras{original: original})
}

// WriteShowing is WriteAs that also shows the tickets and ratings of the threats
// in the formats that have a place for them (Showing tells which). What the model
// kept of an earlier file's is replaced.
func WriteShowing(name Format, m *model.Model, standings Standings) ([]byte, []Note, error) {
	if standings == nil {
		standings = Standings{}
	}
	return write(name, m, extras{standings: standings})
}

// extras are what is written beside a model.
type extras struct {
	original  []byte
	standings Standings
}

func write(name Format, m *model.Model, with extras) ([]byte, []Note, error) {
	with.original = imported.Text(with.original)
	for i := range formats {
		if f := &formats[i]; f.Write != nil && (f.Name == name || f.Family == name) {
			return f.Write(m, with)
		}
	}
	bad := fault.New(fault.Invalid, "model.format", "models are not written in the format %q", name)
	for _, w := range Written() {
		bad.With("", "%s: %s", w.Name, w.Title)
	}
	return nil, nil, bad
}

// source is a file to be read, in the forms that the formats ask for.
type source struct {
	data []byte         // the whole file, in UTF-8 without byte order mark unless it is an archive
	head []byte         // its first 64 KiB without blanks before it
	json jsontree.Value // absent unless the file begins like JSON
	root *yaml.Node     // the root mapping of a file that is neither JSON nor XML nor an archive
	opts Options
}

// yaml returns the file as YAML, which JSON is too.
func (s *source) yaml() (*yaml.Node, error) {
	if s.root != nil {
		return s.root, nil
	}
	return tlyaml.Parse(s.data, s.opts)
}

// open parses the file by its first characters and finds its format.
func open(data []byte, opts Options) (*format, *source, error) {
	if len(data) > MaxBytes {
		return nil, nil, imported.TooLarge(len(data))
	}
	if packed(data) {
		if _, ok := threagile.OpenArchive(data); !ok {
			return openPacked(data, opts)
		}
	} else if data = imported.Text(data); len(data) > MaxBytes {
		return nil, nil, imported.TooLarge(len(data))
	}
	trimmed := bytes.TrimSpace(data)
	if len(trimmed) == 0 {
		return nil, nil, fault.New(fault.Invalid, "model.empty", "the model file is empty")
	}
	s := &source{data: data, head: trimmed[:min(len(trimmed), 64<<10)], opts: opts}
	var err error
	switch {
	case trimmed[0] == '{' || trimmed[0] == '[':
		s.json, err = jsontree.Parse(data, opts)
	case trimmed[0] == '<' || packed(data):
	default:
		s.root, err = tlyaml.Parse(data, opts)
	}
	if err != nil {
		if isProgram(s.head) || isBinary(s.head) {
			err = unknown(s.head)
		}
		return nil, nil, err
	}
	for i := range formats {
		if formats[i].Detect(s) {
			return &formats[i], s, nil
		}
	}
	return nil, nil, unknown(s.head)
}

// isBinary reports whether a file does not even begin like text.
func isBinary(head []byte) bool {
	head = head[:min(len(head), 16)]
	control := func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }
	return bytes.ContainsFunc(head, control) || len(head) > 0 && !utf8.RuneStart(head[0])
}
