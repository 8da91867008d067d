package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/iriusrisk"
	"github.com/threatloop/threatloop/internal/library"
)

type libraryImportCmd struct {
	From     string `arg:"" help:"What to read: a folder, a zip or a YAML file with entries of a library, or an IriusRisk library (XML)."`
	To       string `arg:"" optional:"" help:"Folder, new or empty, or FILE.zip, for the layer; without it the report only."`
	Over     string `help:"What the layer stands on: a folder, a zip, or a pile." default:"built-in" placeholder:"LIBRARY"`
	Complete bool   `help:"It is a whole library: take out of the layer below what it does not have."`
	JSON     bool   `help:"Print JSON." name:"json"`
}

// libraryImport is what `library import --json` prints.
type libraryImport struct {
	Library string          `json:"library"` // ref@version+digest of the library with the layer
	Over    string          `json:"over"`    // and without it
	To      string          `json:"to,omitempty"`
	Entries []importedEntry `json:"entries"` // in order of files, then what is taken out
	Added   int             `json:"added"`
	Changed int             `json:"changed"`
	Removed int             `json:"removed"`
	Same    int             `json:"same"` // as below, and left out of the layer
	// Notes tell what of another tool's library was guessed, or kept and not understood.
	Notes []interchange.Note `json:"notes,omitempty"`
}

type importedEntry struct {
	Kind   string `json:"kind"`
	Ref    string `json:"ref"`
	Title  string `json:"title,omitempty"`
	Action string `json:"action"`         // added, changed, removed, same
	At     string `json:"at,omitempty"`   // file:line:column in what was read
	File   string `json:"file,omitempty"` // in the layer
	text   string
}

// Run checks what it reads over the library below, and writes as a layer what differs from that. Whatever is wrong
// refuses the whole, exit code 3, and nothing is written.
func (c *libraryImportCmd) Run(_ context.Context, env *Env) error {
	below, err := libraryLayers(c.Over)
	if err != nil {
		return err
	}
	base, err := library.LoadLayers(below...)
	if err != nil {
		return err
	}
	given, notes, err := readEntries(c.From, base)
	if err != nil {
		return err
	}
	// Read as they are first, so that errors name the files that the person has.
	whole, err := library.LoadLayers(append(slices.Clip(below), library.Layer{Name: layerName(c.From, below), Files: given})...)
	if err != nil {
		return err
	}
	r := libraryImport{Over: base.Stamp(), To: c.To, Entries: []importedEntry{}, Notes: notes}
	if err := r.compare(base, whole, given, c.Complete); err != nil {
		return err
	}
	files := library.Files{}
	for _, e := range r.Entries {
		if e.File != "" {
			files[e.File] = e.text
		}
	}
	if len(files) > 0 {
		if whole, err = library.LoadLayers(append(slices.Clip(below), library.Layer{Name: "layer", Files: files})...); err != nil {
			return err
		}
	} else {
		whole = base
	}
	r.Library = whole.Stamp()
	if c.To != "" && len(files) > 0 {
		if err := writeLibrary(c.To, files); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(env.Stdout, r)
	}
	return r.print(env)
}

// readEntries reads what is to come in as files of ours: another tool's library is converted over the base.
func readEntries(from string, base *library.Library) (library.Files, []interchange.Note, error) {
	if info, err := os.Stat(from); err == nil && info.Mode().IsRegular() {
		data, err := readLimited(from, maxLibraryBytes)
		if err != nil {
			return nil, nil, err
		}
		if iriusrisk.DetectLibrary(data) {
			converted, err := iriusrisk.ConvertLibrary(data, iriusrisk.LibraryOptions{Name: filepath.Base(from), Base: base})
			if err != nil {
				return nil, nil, err
			}
			return converted.Files, converted.Notes, nil
		}
		files, err := unpacked(from, data)
		if e := fault.As(err); e != nil && e.Code == "library.form" {
			if model := modelNotLibrary(from, data); model != nil {
				err = model
			}
		}
		return withoutContents(files), nil, err
	}
	source, err := libraryFiles(from)
	if err != nil {
		return nil, nil, err
	}
	files, err := yamlOf(source)
	return withoutContents(files), nil, err
}

// modelNotLibrary refuses a file that holds a threat model, and says where that is read; nil where it holds none.
func modelNotLibrary(from string, data []byte) error {
	format, err := interchange.Detect(data)
	if err != nil {
		return nil
	}
	what, library := "a threat model ("+string(format)+")", ""
	if format == imported.IriusRisk {
		what = "an IriusRisk project or project template, which is a model of one product"
		library = " What IriusRisk exports as a library (XML that begins with <library>) is read here."
	}
	return fault.New(fault.Invalid, "library.model", "%s is %s, and no library. \"threatloop generate %s\" shows what its model holds and gets, and \"threatloop plan\" brings it into a product.%s", from, what, from, library)
}

// withoutContents leaves the list of contents out: it is for the library that it came with.
func withoutContents(files library.Files) library.Files {
	for name, text := range files {
		if pieces, err := library.Split(name, text); err == nil && len(pieces) == 0 {
			delete(files, name)
		}
	}
	return files
}

// compare says of each entry that was read what it is to the library below.
func (r *libraryImport) compare(base, whole *library.Library, given library.Files, complete bool) error {
	head := false // whether the head changes anything
	for _, change := range library.Diff(base, whole) {
		switch change.Kind {
		case library.EntryHead, "tag", "category", "attribute":
			head = true
		}
	}
	there := map[string]bool{}
	for _, name := range sortedKeys(given) {
		pieces, err := library.Split(name, given[name])
		if err != nil {
			return err
		}
		for _, p := range pieces {
			there[p.Kind+" "+p.Ref] = true
			e := importedEntry{Kind: p.Kind, Ref: p.Ref, Title: p.Title, At: p.At.String(), File: library.EntryFile(p.Kind, p.Ref), text: p.Text}
			_, _, known := base.Source(p.Kind, p.Ref)
			switch {
			case p.Kind == library.EntryHead && head, known != "" && !sameText(known, p.Text) && !p.Removed:
				e.Action = "changed"
				r.Changed++
			case p.Kind == library.EntryHead || known != "" && !p.Removed:
				e.Action, e.File = "same", ""
				r.Same++
			case p.Removed:
				e.Action = "removed"
				r.Removed++
			default:
				e.Action = "added"
				r.Added++
			}
			r.Entries = append(r.Entries, e)
		}
	}
	if complete {
		for _, e := range base.Entries() {
			if e.Removed || there[e.Kind+" "+e.Ref] {
				continue
			}
			text := fmt.Sprintf("%s: %s\nremove: true\n", e.Kind, e.Ref)
			if e.Kind == library.EntryRule {
				text = fmt.Sprintf("rules:\n  - {rule: %s, remove: true}\n", e.Ref)
			}
			r.Entries = append(r.Entries, importedEntry{Kind: e.Kind, Ref: e.Ref, Title: e.Title, Action: "removed", File: library.EntryFile(e.Kind, e.Ref), text: text})
			r.Removed++
		}
	}
	if len(r.Entries) == 0 {
		return fault.New(fault.Invalid, "library.import", "no entry of a library is there")
	}
	return nil
}

// sameText compares without the white space at the ends of lines.
func sameText(a, b string) bool {
	clean := func(s string) string {
		lines := strings.Split(s, "\n")
		for i, line := range lines {
			lines[i] = strings.TrimRight(line, " \t\r")
		}
		return strings.TrimRight(strings.Join(lines, "\n"), "\n")
	}
	return clean(a) == clean(b)
}

func (r *libraryImport) print(env *Env) error {
	for _, e := range r.Entries {
		if e.Action == "same" {
			continue
		}
		if _, err := fmt.Fprintln(env.Stdout, printable(fmt.Sprintf("%-8s%s %s: %s", e.Action, e.Kind, e.Ref, e.Title))); err != nil {
			return err
		}
	}
	to := ""
	if r.To != "" && r.Added+r.Changed+r.Removed > 0 {
		to = ", written to " + r.To
	}
	if err := printNotes(env.Stdout, r.Notes); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "%s over %s: %d added, %d changed, %d removed, %d the same%s\n", r.Library, r.Over, r.Added, r.Changed, r.Removed, r.Same, to)
	return err
}
