package library

import (
	"cmp"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
)

const (
	maxFile     = 5 << 20 // bytes
	maxDepth    = 64      // nested brackets and blocks
	maxKeys     = 2000    // of one mapping: the parser recurses over them, in quadratic time
	maxProblems = 50
)

type problem struct {
	at   Position
	text string
}

// problems collects everything that is wrong with a library.
type problems struct {
	list   []problem
	layers []string // in their order
}

func (p *problems) add(at Position, format string, args ...any) {
	p.list = append(p.list, problem{at, fmt.Sprintf(format, args...)})
}

// sort puts the problems in order of place, each once.
func (p *problems) sort() {
	slices.SortFunc(p.list, func(a, b problem) int {
		return cmp.Or(cmp.Compare(slices.Index(p.layers, a.at.Layer), slices.Index(p.layers, b.at.Layer)), cmp.Compare(a.at.File, b.at.File), cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.at.Column, b.at.Column), cmp.Compare(a.text, b.text))
	})
	p.list = slices.Compact(p.list)
}

// err returns nil or the fault with the first problems in order of place.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	p.sort()
	noun := "errors"
	if len(p.list) == 1 {
		noun = "error"
	}
	f := fault.New(fault.Invalid, "library.invalid", "the library has %d %s", len(p.list), noun)
	for i, one := range p.list {
		if i == maxProblems {
			break
		}
		f.With(one.at.String(), "%s", one.text)
	}
	return f
}

// document is one YAML file while it is read.
type document struct {
	*problems
	layer, file string
	lines       []string
}

// place is a place in the document.
func (d *document) place(line, column int) Position {
	return Position{Layer: d.layer, File: d.file, Line: line, Column: column}
}

// at returns where a node begins; of a mapping that is its first key.
func (d *document) at(n *node) Position { return d.place(int(n.line), int(n.column)) }

// plain refuses aliases, anchors and tags wherever they stand.
func (d *document) plain(n *node) bool {
	switch n.form {
	case aliasForm:
		d.add(d.at(n), "anchors, aliases and merge keys are not allowed: write it out")
		return false
	case tagForm:
		d.add(d.at(n), "YAML tags are not allowed")
		return false
	}
	return true
}

// entry is a key with its value, in file order.
type entry struct {
	key   string
	at    Position
	value *node
}

// entries returns a mapping's entries; duplicates are added as problems and left out.
func (d *document) entries(n *node, what string) ([]entry, bool) {
	if !d.plain(n) {
		return nil, false
	}
	if n.form != mappingForm {
		d.add(d.at(n), "%s: expected a mapping, found %s", what, n.form.words())
		return nil, false
	}
	list := make([]entry, 0, len(n.items)/2)
	first := firstEntry(cap(list))
	for i := 0; i < len(n.items); i += 2 {
		key := &n.items[i]
		if !d.plain(key) {
			continue
		}
		e := entry{key: key.text, at: d.at(key), value: &n.items[i+1]}
		if known := first(list, e.key); known >= 0 {
			d.add(e.at, "key %q is there twice, first in line %d", e.key, list[known].at.Line)
			continue
		}
		list = append(list, e)
	}
	return list, true
}

// firstEntry returns what finds a key among the entries before it, -1 where it is
// new; it is asked once for each entry. Most mappings are so short that looking through them is quicker than a map.
func firstEntry(most int) func(list []entry, key string) int {
	if most <= 32 {
		return func(list []entry, key string) int {
			return slices.IndexFunc(list, func(e entry) bool { return e.key == key })
		}
	}
	seen := make(map[string]int, most)
	return func(list []entry, key string) int {
		known, ok := seen[key]
		if !ok {
			seen[key], known = len(list), -1
		}
		return known
	}
}

// fields reads the mapping of a known shape: every key has its reader, the required ones must be there.
func (d *document) fields(n *node, what string, readers map[string]func(*node), required ...string) Position {
	at := d.at(n)
	list, ok := d.entries(n, what)
	if !ok {
		return at
	}
	for _, e := range list {
		read := readers[e.key]
		if read == nil {
			d.add(e.at, "%s: unknown key %q%s", what, e.key, nearest(e.key, keysOf(readers)))
			continue
		}
		read(e.value)
	}
	for _, key := range required {
		if !slices.ContainsFunc(list, func(e entry) bool { return e.key == key }) {
			d.add(at, "%s: %q is missing", what, key)
		}
	}
	return at
}

func (d *document) each(n *node, what string, read func(*node)) {
	if !d.plain(n) {
		return
	}
	if n.form != listForm {
		d.add(d.at(n), "%s: expected a list, found %s", what, n.form.words())
		return
	}
	for i := range n.items {
		read(&n.items[i])
	}
}

// word returns the text of a scalar; numbers and booleans are refused unless quoted.
func (d *document) word(n *node, what string) (string, bool) {
	if !d.plain(n) {
		return "", false
	}
	if n.form == textForm || n.form == blockForm {
		return n.text, true
	}
	d.add(d.at(n), "%s: expected text, found %s", what, n.form.words())
	return "", false
}

func (d *document) text(to *string, what string) func(*node) {
	return func(n *node) {
		if s, ok := d.word(n, what); ok {
			*to = strings.TrimSpace(s)
			if *to == "" {
				d.add(d.at(n), "%s: expected text, found nothing", what)
			}
		}
	}
}

func (d *document) texts(to *[]string, what string) func(*node) {
	return func(n *node) {
		d.each(n, what, func(n *node) {
			if s, ok := d.word(n, what); ok {
				*to = append(*to, s)
			}
		})
	}
}

func (d *document) yes(to *bool, what string) func(*node) {
	return func(n *node) {
		if n.form == boolForm {
			*to = n.yes
			return
		}
		if d.plain(n) {
			d.add(d.at(n), "%s: expected true or false, found %s", what, n.form.words())
		}
	}
}

// number reads a number from low to high.
func (d *document) number(to *float64, what string, low, high float64) func(*node) {
	return func(n *node) {
		if !d.plain(n) {
			return
		}
		if n.form != integerForm {
			d.add(d.at(n), "%s: expected a number, found %s", what, n.form.words())
			return
		}
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil || f < low || f > high {
			d.add(d.at(n), "%s: expected a number from %g to %g, found %s", what, low, high, n.text)
			return
		}
		*to = f
	}
}

func (d *document) integer(to *int, what string, low, high int) func(*node) {
	return func(n *node) {
		f := math.Inf(-1)
		d.number(&f, what, float64(low), float64(high))(n)
		if math.IsInf(f, -1) {
			return
		}
		if f != math.Trunc(f) {
			d.add(d.at(n), "%s: expected a whole number, found %s", what, n.text)
			return
		}
		*to = int(f)
	}
}

// yamlFiles lists the library's files, sorted.
func yamlFiles(fsys fs.FS, layer string, p *problems) []string {
	if kept, ok := fsys.(*Parsed); ok {
		return keysOf(kept.files)
	}
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != "." && strings.HasPrefix(path.Base(name), "."):
			return fs.SkipDir
		case !e.IsDir() && (path.Ext(name) == ".yaml" || path.Ext(name) == ".yml"):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		p.add(Position{Layer: layer, File: "."}, "the folder cannot be read")
	}
	slices.Sort(names)
	return names
}
