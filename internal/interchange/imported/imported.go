// Package imported is what every reader of a model file returns: the model, what
// was counted in the file, and the notes that a person should see. Readers
// import it; it knows none of them.
package imported

import (
	"fmt"
	"io/fs"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// MaxBytes is the size of the largest model file that is read.
const MaxBytes = 32 << 20

// MaxDepth is how deep a model file may nest.
const MaxDepth = 64

// maxNotes bounds the notes of one level, so that a hostile file does not fill a page.
const maxNotes = 200

// Format names a model file's format. The names are part of the output promise.
type Format string

// The formats.
const (
	ThreatDragon1 Format = "threat-dragon-v1"
	ThreatDragon2 Format = "threat-dragon-v2"
	Threatloop    Format = "threatloop"
	Answers       Format = "threatloop-answers" // answers to a questionnaire, without a model
	Threagile     Format = "threagile"
	IriusRisk     Format = "iriusrisk" // a project or template, not a library
	PyTM          Format = "pytm"
	DrawIO        Format = "drawio"
	OTM           Format = "otm"    // the Open Threat Model
	TM7           Format = "tm7"    // of the Microsoft Threat Modeling Tool
	TMBOM         Format = "tm-bom" // OWASP Threat Model Library, and CycloneDX
)

// Level says what a note is about.
type Level string

// The levels of notes.
const (
	Info    Level = "info"    // something worth knowing
	Guess   Level = "guess"   // the file did not say; we chose, and a person should settle it
	Kept    Level = "kept"    // not understood, kept as written
	Refused Level = "refused" // not taken into the model
)

// Note is something about a file that a person should see.
type Note struct {
	Level Level  `json:"level"`
	Where string `json:"where"` // "diagram 0", "zone ID (name)", "file"
	// At is the place in the file, "name:line:column"; "" where it has none.
	At   string `json:"at,omitempty"`
	Text string `json:"text"`
}

// Counts is what the file holds, counted in the file and not in the model.
type Counts struct {
	Diagrams int
	Actor    int
	Process  int
	Store    int
	Flow     int
	Boundary int // boxes and curves
	Text     int
	Threats  int
}

// TypeHint is a component whose library type nobody named, with the words of its
// name and the attributes that hold, lower case, for a caller that knows the library.
type TypeHint struct {
	Element model.ElementID
	Kind    model.Kind
	Words   []string
}

// Import is the result of reading a model file. The model is valid (model.Validate).
type Import struct {
	Format    Format
	Model     *model.Model
	Notes     []Note
	Counts    Counts
	TypeHints []TypeHint

	dropped map[Level]int
}

// Add adds a note without a place in the file. After 200 of a level further ones are only counted.
func (i *Import) Add(level Level, where, format string, args ...any) {
	i.AddAt(level, "", where, format, args...)
}

// AddAt is Add for a note on one place of the file, "name:line:column" as Options.At makes it.
func (i *Import) AddAt(level Level, at, where, format string, args ...any) {
	n := 0
	for _, note := range i.Notes {
		if note.Level == level {
			n++
		}
	}
	if n >= maxNotes {
		if i.dropped == nil {
			i.dropped = map[Level]int{}
		}
		i.dropped[level]++
		return
	}
	i.Notes = append(i.Notes, Note{Level: level, Where: where, At: at, Text: fmt.Sprintf(format, args...)})
}

// Close adds the counts of the notes that were left out.
func (i *Import) Close() {
	for _, level := range []Level{Info, Guess, Kept, Refused} {
		if n := i.dropped[level]; n > 0 {
			i.Notes = append(i.Notes, Note{Level: level, Where: "file", Text: fmt.Sprintf("and %d more of this kind", n)})
		}
	}
	i.dropped = nil
}

// Options of a reader.
type Options struct {
	// Name is the file's name as it should stand in errors; "" is "file".
	Name string
	// Product is the id under which derived ids are made; "" takes the one in the
	// file, or one made from the title.
	Product model.ProductID
	// GuessType returns the library type of a component by its name and attributes,
	// or "". A type chosen so is noted as a guess. Nil guesses nothing.
	GuessType func(kind model.Kind, name string, attributes map[string]string) string
	// Files are those beside the model file, for formats that are spread over
	// several: slash-separated paths from the model file's folder. Readers ask for
	// nothing outside it and read at most MaxBytes of all together. Nil has none.
	Files fs.FS
}

// At returns the place of a line and column in the file, "name:line:column".
func (o Options) At(line, column int) string {
	name := o.Name
	if name == "" {
		name = "file"
	}
	if column == 0 {
		return fmt.Sprintf("%s:%d", name, line)
	}
	return fmt.Sprintf("%s:%d:%d", name, line, column)
}

// TooLarge is the refusal of a file over MaxBytes.
func TooLarge(n int) error {
	return fault.New(fault.TooLarge, "model.too_large", "the model file has %d bytes, at most %d (32 MiB) are read", n, MaxBytes)
}
