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

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

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

// limitError refuses a file before it is parsed.
type limitError struct {
	line int
	text string
}

func (e *limitError) Error() string { return e.text }

// parse keeps the parser's own panics and deep nesting inside.
func parse(content string) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, fmt.Errorf("the file is not YAML")
		}
	}()
	if bracketDepth(content) > 16*maxDepth {
		return nil, &limitError{1, fmt.Sprintf("nested deeper than %d", maxDepth)}
	}
	depth, line := 0, 0
	keys := map[int]int{} // of the open block mappings, by their column
	tokens := lexer.Tokenize(content)
	for _, t := range tokens {
		if t.Position != nil && t.Position.Line > line {
			line = t.Position.Line
			for column := range keys {
				if column > t.Position.Column {
					delete(keys, column)
				}
			}
		}
		if t.Type == token.MappingValueType && depth == 0 && t.Prev != nil && t.Prev.Position != nil {
			if keys[t.Prev.Position.Column]++; keys[t.Prev.Position.Column] > maxKeys {
				return nil, &limitError{line, fmt.Sprintf("a mapping with more than %d keys", maxKeys)}
			}
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.MappingKeyType:
			return nil, &limitError{line, "keys marked by ? are not allowed"}
		}
		if depth > maxDepth || t.Position != nil && t.Position.IndentLevel > maxDepth {
			return nil, &limitError{line, fmt.Sprintf("nested deeper than %d", maxDepth)}
		}
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// bracketDepth is a rough look before the lexer's, whose time grows with the square of
// the depth: text may hold a few unmatched brackets, not hundreds.
func bracketDepth(content string) int {
	depth, deepest := 0, 0
	for i := range len(content) {
		switch content[i] {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return deepest
}

func (d *document) tokenAt(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{Layer: d.layer, File: d.file, Line: 1, Column: 1}
	}
	return Position{Layer: d.layer, File: d.file, Line: t.Position.Line, Column: max(1, t.Position.Column)}
}

// at returns where a node begins; of a mapping that is its first key.
func (d *document) at(n ast.Node) Position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return d.at(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return d.at(n.Key)
	case *ast.LiteralNode:
		return d.tokenAt(n.Start)
	}
	return d.tokenAt(n.GetToken())
}

// form says in words what a node is, for "expected text, found a list".
func form(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode:
		return "an alias"
	case *ast.TagNode:
		return "a tag"
	}
	return "text"
}

// plain refuses aliases, anchors and tags wherever they stand.
func (d *document) plain(n ast.Node) bool {
	switch n.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode:
		d.add(d.at(n), "anchors, aliases and merge keys are not allowed: write it out")
		return false
	case *ast.TagNode:
		d.add(d.at(n), "YAML tags are not allowed")
		return false
	}
	return true
}

// entry is a key with its value, in file order.
type entry struct {
	key   string
	at    Position
	value ast.Node
}

// entries returns a mapping's entries; duplicates are added as problems and left out.
func (d *document) entries(n ast.Node, what string) ([]entry, bool) {
	if !d.plain(n) {
		return nil, false
	}
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		d.add(d.at(n), "%s: expected a mapping, found %s", what, form(n))
		return nil, false
	}
	seen := map[string]Position{}
	list := make([]entry, 0, len(values))
	for _, v := range values {
		if !d.plain(v.Key) {
			continue
		}
		e := entry{key: v.Key.GetToken().Value, at: d.at(v.Key), value: v.Value}
		if first, ok := seen[e.key]; ok {
			d.add(e.at, "key %q is there twice, first in line %d", e.key, first.Line)
			continue
		}
		seen[e.key] = e.at
		list = append(list, e)
	}
	return list, true
}

// fields reads the mapping of a known shape: every key has its reader, the required ones must be there.
func (d *document) fields(n ast.Node, what string, readers map[string]func(ast.Node), required ...string) Position {
	at := d.at(n)
	list, ok := d.entries(n, what)
	if !ok {
		return at
	}
	seen := map[string]bool{}
	for _, e := range list {
		read := readers[e.key]
		if read == nil {
			d.add(e.at, "%s: unknown key %q%s", what, e.key, nearest(e.key, keysOf(readers)))
			continue
		}
		seen[e.key] = true
		read(e.value)
	}
	for _, key := range required {
		if !seen[key] {
			d.add(at, "%s: %q is missing", what, key)
		}
	}
	return at
}

func (d *document) each(n ast.Node, what string, read func(ast.Node)) {
	if !d.plain(n) {
		return
	}
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.add(d.at(n), "%s: expected a list, found %s", what, form(n))
		return
	}
	for _, v := range s.Values {
		read(v)
	}
}

// word returns the text of a scalar; numbers and booleans are refused unless quoted.
func (d *document) word(n ast.Node, what string) (string, bool) {
	if !d.plain(n) {
		return "", false
	}
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	d.add(d.at(n), "%s: expected text, found %s", what, form(n))
	return "", false
}

func (d *document) text(to *string, what string) func(ast.Node) {
	return func(n ast.Node) {
		if s, ok := d.word(n, what); ok {
			*to = strings.TrimSpace(s)
			if *to == "" {
				d.add(d.at(n), "%s: expected text, found nothing", what)
			}
		}
	}
}

func (d *document) texts(to *[]string, what string) func(ast.Node) {
	return func(n ast.Node) {
		d.each(n, what, func(n ast.Node) {
			if s, ok := d.word(n, what); ok {
				*to = append(*to, s)
			}
		})
	}
}

func (d *document) yes(to *bool, what string) func(ast.Node) {
	return func(n ast.Node) {
		if b, ok := n.(*ast.BoolNode); ok {
			*to = b.Value
			return
		}
		if d.plain(n) {
			d.add(d.at(n), "%s: expected true or false, found %s", what, form(n))
		}
	}
}

// number reads a number from low to high.
func (d *document) number(to *float64, what string, low, high float64) func(ast.Node) {
	return func(n ast.Node) {
		if !d.plain(n) {
			return
		}
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
		default:
			d.add(d.at(n), "%s: expected a number, found %s", what, form(n))
			return
		}
		f, err := strconv.ParseFloat(n.GetToken().Value, 64)
		if err != nil || f < low || f > high {
			d.add(d.at(n), "%s: expected a number from %g to %g, found %s", what, low, high, n.GetToken().Value)
			return
		}
		*to = f
	}
}

func (d *document) integer(to *int, what string, low, high int) func(ast.Node) {
	return func(n ast.Node) {
		f := math.Inf(-1)
		d.number(&f, what, float64(low), float64(high))(n)
		if math.IsInf(f, -1) {
			return
		}
		if f != math.Trunc(f) {
			d.add(d.at(n), "%s: expected a whole number, found %s", what, n.GetToken().Value)
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
