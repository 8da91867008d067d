package library

import (
	"io/fs"
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// Parsed is a folder whose YAML files were read and parsed once, for a layer that is
// loaded again and again under others. It does not follow the folder's changes. It is immutable, and safe
// for concurrent use.
type Parsed struct {
	fs.FS // only what was not parsed is read from it
	files map[string]*parsedFile
}

// Parse reads and parses the YAML files under fsys. What is wrong in them LoadLayers
// says. What is parsed already is returned as it is.
func Parse(fsys fs.FS) *Parsed {
	if kept, ok := fsys.(*Parsed); ok {
		return kept
	}
	names := yamlFiles(fsys, "", &problems{})
	return &Parsed{fsys, parseFiles(fsys, names)}
}

// parseFiles parses files, as many at a time as there are processors.
func parseFiles(fsys fs.FS, names []string) map[string]*parsedFile {
	files := make([]*parsedFile, len(names))
	var taken atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		group.Go(func() {
			for i := taken.Add(1) - 1; i < int64(len(names)); i = taken.Add(1) - 1 {
				files[i] = parseFile(fsys, names[i])
			}
		})
	}
	group.Wait()
	all := make(map[string]*parsedFile, len(names))
	for i, name := range names {
		all[name] = files[i]
	}
	return all
}

// With returns the folder with other files in the place of its own, or beside them; "" takes a file out.
func (p *Parsed) With(files Files) *Parsed {
	all := maps.Clone(p.files)
	for name, text := range files {
		if delete(all, name); text != "" {
			all[name] = parseFile(files, name)
		}
	}
	return &Parsed{p.FS, all}
}

// parsedFile is one file as far as it needs no layer.
type parsedFile struct {
	lines    []string
	body     *node     // nil where there is none
	problems []problem // with places without a layer
}

// document returns the file as a part of a layer, and its body, nil where there is none, with the file's problems among the others.
func (f *parsedFile) document(layer, name string, p *problems) (*document, *node) {
	for _, one := range f.problems {
		one.at.Layer = layer
		p.list = append(p.list, one)
	}
	return &document{problems: p, layer: layer, file: name, lines: f.lines}, f.body
}

func parseFile(fsys fs.FS, name string) *parsedFile {
	p := &problems{}
	d := &document{problems: p, file: name}
	body := d.parse(fsys)
	return &parsedFile{d.lines, body, p.list}
}

// parse reads the document's file.
func (d *document) parse(fsys fs.FS) *node {
	info, err := fs.Stat(fsys, d.file)
	if err == nil && info.Size() > maxFile {
		d.add(d.place(1, 1), "the file has %d bytes, at most %d are read", info.Size(), maxFile)
		return nil
	}
	data, err := fs.ReadFile(fsys, d.file)
	if err != nil {
		d.add(Position{File: d.file}, "the file cannot be read")
		return nil
	}
	content := string(data)
	d.lines = strings.Split(content, "\n")
	if body := quickYAML(content); body != nil {
		return body
	}
	return d.full(content)
}
