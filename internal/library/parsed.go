package library

import (
	"io/fs"
	"maps"
	"runtime"
	"strings"
	"sync"
)

// Parsed is a folder whose YAML files were read and parsed once, for a layer that is
// loaded again and again under others. It does not follow the folder's changes. It is immutable, and safe
// for concurrent use.
type Parsed struct {
	fs.FS // only what was not parsed is read from it
	files map[string]*parsedFile
}

// Parse reads and parses the YAML files under fsys. What is wrong in them LoadLayers says.
func Parse(fsys fs.FS) *Parsed {
	p := &Parsed{fsys, map[string]*parsedFile{}}
	names := yamlFiles(fsys, "", &problems{})
	files := make([]*parsedFile, len(names))
	var next sync.Mutex
	taken := 0
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		group.Go(func() {
			for {
				next.Lock()
				i := taken
				taken++
				next.Unlock()
				if i >= len(names) {
					return
				}
				files[i] = parseFile(fsys, names[i])
			}
		})
	}
	group.Wait()
	for i, name := range names {
		p.files[name] = files[i]
	}
	return p
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

// readFile returns a file's one document, or nil after adding the problem.
func readFile(fsys fs.FS, layer, name string, p *problems) (*document, *node) {
	var f *parsedFile
	if kept, ok := fsys.(*Parsed); ok {
		f = kept.files[name]
	}
	if f == nil {
		f = parseFile(fsys, name)
	}
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
	content, err := fs.ReadFile(fsys, d.file)
	if err != nil {
		d.add(Position{File: d.file}, "the file cannot be read")
		return nil
	}
	d.lines = strings.Split(string(content), "\n")
	if body := plainYAML(string(content)); body != nil {
		return body
	}
	return d.full(string(content))
}
