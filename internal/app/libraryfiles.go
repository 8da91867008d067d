package app

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// ExportLibrary packs a library as YAML files: of "effective" all that is in force,
// of "own" the published layer of the organisation, of "draft" that layer as it
// is being written. It returns a zip file and a name for it.
func (a *App) ExportLibrary(ctx context.Context, c Caller, of string) (name string, data []byte, err error) {
	_, err = query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (struct{}, error) {
		d, err := a.readDraft(tx)
		if err != nil {
			return struct{}{}, err
		}
		var files library.Files
		switch of {
		case "own":
			files, name = d.inForce.files(), fmt.Sprintf("library-own-%d", d.Published)
		case "draft":
			files, name = d.layer().files(), fmt.Sprintf("library-draft-%d", d.Draft)
		default:
			name = fmt.Sprintf("library-%d", d.Published)
			if files, err = a.Library().Export(); err != nil {
				return struct{}{}, err
			}
		}
		data, err = zipped(files)
		return struct{}{}, err
	})
	return name + ".zip", data, err
}

// LibraryImport is what became, or would become, of a file of library entries.
type LibraryImport struct {
	Applied  bool             `json:"applied" doc:"False for a preview: nothing was stored"`
	Revision int64            `json:"revision" doc:"Of the draft"`
	Items    []ImportedEntry  `json:"items"`
	Added    int              `json:"added"`
	Changed  int              `json:"changed"`
	Same     int              `json:"same"`
	Refused  int              `json:"refused"`
	Problems []LibraryProblem `json:"problems" doc:"What is wrong with the draft when this is in it"`
}

// ETag returns the draft's revision.
func (v LibraryImport) ETag() int64 { return v.Revision }

// ImportedEntry is an entry of the file, or a place in it that cannot be taken.
type ImportedEntry struct {
	File   string `json:"file"`
	Line   int    `json:"line" doc:"From 1; 0 is the whole file"`
	Kind   string `json:"kind,omitempty" enum:"head,type,pattern,rule,questionnaire,standard"`
	Ref    string `json:"ref,omitempty"`
	Title  string `json:"title,omitempty"`
	Action string `json:"action" enum:"added,changed,same,refused" doc:"To the draft"`
	Text   string `json:"text,omitempty" doc:"Why it is refused"`
	body   string
}

// Bounds of an imported library.
const (
	maxImportFiles = 5000
	maxImportBytes = 32 << 20 // unpacked
	maxEntryBytes  = 256 << 10
)

// ImportLibrary takes YAML files, one or a zip of them, into the draft. What cannot
// be taken is refused at its place, and the rest comes in. With preview nothing is stored.
func (a *App) ImportLibrary(ctx context.Context, c Caller, revision int64, name string, data []byte, preview bool) (LibraryImport, error) {
	if err := a.Check(ctx, c, policy.LibraryEdit, ""); err != nil {
		return LibraryImport{}, err
	}
	items, err := importedEntries(name, data)
	if err != nil {
		return LibraryImport{}, err
	}
	if preview {
		return query(ctx, a, c, policy.LibraryEdit, "", func(tx *store.Tx) (LibraryImport, error) {
			d, err := a.readDraft(tx)
			if err != nil {
				return LibraryImport{}, err
			}
			v, l := a.merged(d, items)
			v.Revision, v.Problems = d.Draft, a.check(l).problems
			return v, nil
		})
	}
	return draftChange(ctx, a, c, func(d *drafting) (LibraryImport, error) {
		if err := d.expectDraft(revision); err != nil {
			return LibraryImport{}, err
		}
		v, l := a.merged(d.draft, items)
		if err := d.replace(l); err != nil {
			return LibraryImport{}, err
		}
		v.Applied, v.Revision, v.Problems = true, d.draft.Draft, a.checked(d.draft).problems
		return v, d.record("library.import", "library", nil, map[string]any{"name": cleanLine(name, 200), "added": v.Added, "changed": v.Changed, "refused": v.Refused})
	})
}

// merged is the draft's layer with what was imported.
func (a *App) merged(d *draft, items []ImportedEntry) (LibraryImport, layer) {
	v, l := LibraryImport{Items: slices.Clone(items)}, d.layer()
	for i := range v.Items {
		e := &v.Items[i]
		if e.Action == "refused" {
			v.Refused++
			continue
		}
		text, own := l.text(e.Kind, e.Ref)
		base := a.libraries.base.entry(e.Kind, e.Ref)
		switch {
		case own && sameText(text, e.body), !own && base != nil && sameText(base.Text, e.body):
			e.Action = "same"
			v.Same++
			continue
		case own || base != nil:
			e.Action = "changed"
			v.Changed++
		default:
			e.Action = "added"
			v.Added++
		}
		l = slices.DeleteFunc(l, func(x layerEntry) bool { return x.Kind == e.Kind && x.Ref == e.Ref })
		l = append(l, layerEntry{e.Kind, e.Ref, e.body})
	}
	slices.SortFunc(l, func(x, y layerEntry) int { return compareEntries(x.Kind, x.Ref, y.Kind, y.Ref) })
	return v, l
}

// sameText compares texts without what an editor changes unseen.
func sameText(a, b string) bool {
	clean := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return clean(a) == clean(b)
}

// importedEntries takes what was uploaded apart, in order of files and lines.
func importedEntries(name string, data []byte) ([]ImportedEntry, error) {
	files := library.Files{}
	var items []ImportedEntry
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) || bytes.HasPrefix(data, []byte("PK\x05\x06")) {
		var err error
		if items, err = unpacked(data, files); err != nil {
			return nil, err
		}
	} else {
		files[cmp.Or(cleanLine(name, 200), "entry.yaml")] = string(data)
	}
	first := map[[2]string]string{}
	for _, file := range sortedNames(files) {
		items = append(items, entriesIn(file, files[file], first)...)
	}
	if len(items) == 0 {
		return nil, fault.New(fault.Invalid, "library.import_empty", "there is no YAML file in it")
	}
	slices.SortStableFunc(items, func(x, y ImportedEntry) int { return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line)) })
	return items, nil
}

// unpacked reads the YAML files of a zip file, and refuses those that cannot be read.
func unpacked(data []byte, files library.Files) ([]ImportedEntry, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "library.import_zip", "the file is not a whole zip file")
	}
	var items []ImportedEntry
	left := int64(maxImportBytes)
	for _, f := range z.File {
		ext := path.Ext(f.Name)
		if f.FileInfo().IsDir() || ext != ".yaml" && ext != ".yml" || strings.HasPrefix(path.Base(f.Name), ".") {
			continue
		}
		if len(files) >= maxImportFiles {
			return nil, fault.New(fault.TooLarge, "library.import_large", "the file holds more than %d YAML files", maxImportFiles)
		}
		r, err := f.Open()
		var content []byte
		if err == nil {
			content, err = io.ReadAll(io.LimitReader(r, left+1))
			r.Close()
		}
		if left -= int64(len(content)); left < 0 {
			return nil, fault.New(fault.TooLarge, "library.import_large", "the file holds more than %d MiB of YAML", maxImportBytes>>20)
		}
		if err != nil {
			items = append(items, ImportedEntry{File: cleanLine(f.Name, 300), Action: "refused", Text: "the file cannot be unpacked"})
			continue
		}
		name := cleanLine(f.Name, 300)
		if _, twice := files[name]; twice {
			items = append(items, ImportedEntry{File: name, Action: "refused", Text: "the zip holds another file of this name, which is taken"})
			continue
		}
		files[name] = string(content)
	}
	return items, nil
}

// entriesIn takes a file apart; first tells in which file an entry was met first.
func entriesIn(file, content string, first map[[2]string]string) []ImportedEntry {
	if !utf8.ValidString(content) || strings.ContainsRune(content, 0) {
		return []ImportedEntry{{File: file, Action: "refused", Text: "the file is not text in UTF-8"}}
	}
	pieces, err := library.Split(file, content)
	if err != nil {
		var out []ImportedEntry
		for _, field := range fault.As(err).Fields {
			_, line, _ := placeIn(field.Where)
			out = append(out, ImportedEntry{File: file, Line: line, Action: "refused", Text: field.Text})
		}
		return out
	}
	out := make([]ImportedEntry, 0, len(pieces))
	for _, p := range pieces {
		e := ImportedEntry{File: file, Line: p.At.Line, Kind: p.Kind, Ref: p.Ref, Title: p.Title, body: p.Text}
		key := [2]string{p.Kind, p.Ref}
		switch err := checkRef(p.Kind, p.Ref, ""); {
		case p.Ref == "":
			e.Action, e.Text = "refused", "it does not say its ref"
		case err != nil:
			e.Action, e.Text = "refused", fault.As(err).Public
		case first[key] != "":
			e.Action, e.Text = "refused", fmt.Sprintf("the %s %q is there twice, first in %s", p.Kind, p.Ref, first[key])
		case len(p.Text) > maxEntryBytes:
			e.Action, e.Text = "refused", fmt.Sprintf("the entry has more than %d KiB", maxEntryBytes>>10)
		default:
			first[key] = file
		}
		out = append(out, e)
	}
	return out
}
