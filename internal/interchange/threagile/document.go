package threagile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
)

// What a model may be made of. Threagile's own example has 19 files on two levels.
const (
	maxFiles  = 200
	maxLevels = 8
	maxMerges = 16 // how deep mappings may take over from each other with <<
)

// maxAliased bounds what is read through aliases, over all of them: a small file
// can stand for a huge one.
const maxAliased = 2_000_000

// origin is the file that a node is from.
type origin struct {
	opts    imported.Options // with the file's name
	aliased *int             // nodes read through aliases, in all files
}

// value is a node of one of the files. Aliases are followed and merge keys
// resolved where they are read. The zero value is an absent one.
type value struct {
	n *yaml.Node
	o *origin
}

type pair struct {
	key   string
	name  value // the key's node, for its place
	value value
}

// own are the keys by which an entry of a list says its name.
func (p pair) own() []string {
	if p.name.n != nil && p.name.n == p.value.n {
		return []string{"title", "name", "id"}
	}
	return nil
}

func (v value) follow() value {
	if v.n == nil || v.n.Kind != yaml.AliasNode {
		return v
	}
	for i := 0; v.n != nil && v.n.Kind == yaml.AliasNode && i < maxMerges; i++ {
		v.n = v.n.Alias
	}
	if v.n != nil && v.o != nil {
		if *v.o.aliased += len(v.n.Content); *v.o.aliased > maxAliased {
			return value{} // load or Read says why
		}
	}
	return v
}

func (v value) at() string {
	if v.n == nil || v.o == nil {
		return ""
	}
	return v.o.opts.At(v.n.Line, v.n.Column)
}

func (v value) null() bool {
	v = v.follow()
	return v.n == nil || v.n.Kind == yaml.ScalarNode && (v.n.Tag == "!!null" || v.n.Value == "")
}

func (v value) isMap() bool { v = v.follow(); return v.n != nil && v.n.Kind == yaml.MappingNode }

func (v value) isList() bool { v = v.follow(); return v.n != nil && v.n.Kind == yaml.SequenceNode }

// text returns a scalar's text without the blanks around it.
func (v value) text() string {
	v = v.follow()
	if v.n == nil || v.n.Kind != yaml.ScalarNode || v.n.Tag == "!!null" {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(v.n.Value, "\x00", "\uFFFD"))
}

func (v value) yes() bool {
	switch strings.ToLower(v.text()) {
	case "true", "yes", "on":
		return true
	}
	return false
}

// pairs returns the keys of a mapping with their values: its own, then those it
// takes over from others with <<. A key of its own wins, and so does the first of two.
func (v value) pairs() []pair {
	var all []pair
	v.collect(&all, map[string]bool{}, 0)
	return all
}

func (v value) collect(all *[]pair, seen map[string]bool, depth int) {
	v = v.follow()
	if v.n == nil || v.n.Kind != yaml.MappingNode || depth > maxMerges {
		return
	}
	var bases []value
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		k, item := v.n.Content[i], value{v.n.Content[i+1], v.o}
		if k.Kind != yaml.ScalarNode {
			continue
		}
		if k.Value == "<<" && k.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
			if base := item.follow(); base.isList() {
				bases = append(bases, base.items()...)
			} else {
				bases = append(bases, base)
			}
			continue
		}
		if seen[k.Value] {
			continue
		}
		seen[k.Value] = true
		*all = append(*all, pair{k.Value, value{k, v.o}, item})
	}
	for _, base := range bases {
		base.collect(all, seen, depth+1)
	}
}

// flat returns a mapping with what it takes over from others written into it, so
// that reading its keys one by one follows aliases once.
func (v value) flat() value {
	f := v.follow()
	if f.n == nil || f.n.Kind != yaml.MappingNode {
		return v
	}
	merges := false
	for i := 0; i+1 < len(f.n.Content); i += 2 {
		merges = merges || f.n.Content[i].Value == "<<"
	}
	if !merges {
		return f
	}
	n := *f.n
	n.Content = nil
	for _, p := range f.pairs() {
		n.Content = append(n.Content, p.name.n, p.value.n)
	}
	return value{&n, f.o}
}

// at is the place of the key.
func (p pair) at() string { return p.name.at() }

// get returns the value of a key of a mapping.
func (v value) get(key string) value {
	for _, p := range v.pairs() {
		if p.key == key {
			return p.value
		}
	}
	return value{}
}

// any is the value of the first of the keys that is there.
func (v value) any(keys ...string) value {
	for _, key := range keys {
		if got := v.get(key); !got.null() {
			return got
		}
	}
	return value{}
}

// items returns the parts of a list, or one text as a list of one.
func (v value) items() []value {
	v = v.follow()
	if v.n == nil {
		return nil
	}
	if v.n.Kind != yaml.SequenceNode {
		if v.n.Kind == yaml.ScalarNode && !v.null() {
			return []value{v}
		}
		return nil
	}
	items := make([]value, len(v.n.Content))
	for i, n := range v.n.Content {
		items[i] = value{n, v.o}
	}
	return items
}

// first returns the first text under one of the keys.
func (v value) first(keys ...string) string {
	for _, key := range keys {
		if t := v.get(key).text(); t != "" {
			return t
		}
	}
	return ""
}

// or returns the first of the values that is there.
func (v value) or(others ...value) value {
	for _, o := range others {
		if v.null() {
			v = o
		}
	}
	return v
}

// file is the root of one of the model's files.
type file struct {
	name string // slash-separated, in the folder of the first
	root value
}

// loader reads the files that a model includes.
type loader struct {
	opts  imported.Options
	spent int // nodes read through aliases
	files []file
	seen  map[string]bool
	bytes int64
	out   *imported.Import
}

// load returns the model's files in the order in which they are included. The
// error is a fault.Invalid with the place of each include that cannot be read.
func (l *loader) load(root *yaml.Node) ([]file, error) {
	l.seen = map[string]bool{}
	if err := l.add("", value{root, &origin{l.opts, &l.spent}}, 0); err != nil {
		return nil, err
	}
	return l.files, nil
}

func (l *loader) add(name string, root value, level int) error {
	l.files = append(l.files, file{name, root})
	bad := fault.New(fault.Invalid, "model.includes", "the model includes files that cannot be read")
	for _, item := range root.get("includes").items() {
		next, problem := l.include(name, item, level)
		if problem != "" {
			bad.With(item.at(), "%s", problem)
			continue
		}
		if next == "" {
			continue
		}
		data, err := l.read(next)
		if err != nil {
			if tooLarge := (*fault.Error)(nil); errors.As(err, &tooLarge) {
				return err
			}
			bad.With(item.at(), "include %q: %v", item.text(), reason(err))
			continue
		}
		if blank(data) {
			continue // all of it is comment
		}
		opts := l.opts
		opts.Name = next
		parsed, err := tlyaml.Parse(data, opts)
		if err != nil {
			return err
		}
		if err := l.add(next, value{parsed, &origin{opts, &l.spent}}, level+1); err != nil {
			return err
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// blank reports whether a file holds nothing but blanks and comments.
func blank(data []byte) bool {
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

var drive = regexp.MustCompile(`^[a-zA-Z]:`)

// include returns the path of an included file, "" for one that was read
// already, or what is wrong with it.
func (l *loader) include(from string, item value, level int) (name, problem string) {
	written := strings.ReplaceAll(item.text(), `\`, "/")
	name = path.Join(path.Dir(from), written)
	switch {
	case written == "":
		return "", "an include must be the path of a file"
	case path.IsAbs(written), drive.MatchString(written), !fs.ValidPath(name), name == ".":
		return "", "include " + item.text() + " leads out of the model's folder"
	case l.opts.Files == nil:
		return "", "include " + item.text() + " was not given; give the whole folder (a zip file of it, or the path of the file in it)"
	case level >= maxLevels:
		return "", "includes are nested too deep"
	case len(l.files) >= maxFiles:
		return "", "too many files are included"
	case l.seen[name]:
		l.out.AddAt(imported.Info, item.at(), "file", "%s is included twice and is read once", name)
		return "", ""
	}
	l.seen[name] = true
	return name, ""
}

func (l *loader) read(name string) ([]byte, error) {
	data, err := readLimited(l.opts.Files, name, imported.MaxBytes-l.bytes)
	l.bytes += int64(len(data))
	return data, err
}

// reason leaves out the path that an error of a file system begins with: the field names it.
func reason(err error) string {
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.As(err, &p):
		return p.Err.Error()
	}
	return err.Error()
}

// keeper writes nodes as JSON for Extra. Aliases are written out, so that what
// is kept is bounded: a small file can stand for a huge one.
type keeper struct{ left int }

var errTooMuch = fault.New(fault.TooLarge, "model.too_large", "the model stands for more than can be kept: its aliases multiply")

var number = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?$`)

// keep returns the value as JSON, mappings without the given keys.
func (k *keeper) keep(v value, without ...string) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := k.write(&b, v, 0, without); err != nil {
		return nil, err
	}
	if k.left -= b.Len(); k.left < 0 {
		return nil, errTooMuch
	}
	return b.Bytes(), nil
}

func (k *keeper) write(b *bytes.Buffer, v value, depth int, without []string) error {
	if b.Len() > k.left || depth > imported.MaxDepth {
		return errTooMuch
	}
	v = v.follow()
	switch {
	case v.isMap():
		b.WriteByte('{')
		first := true
	pairs:
		for _, p := range v.pairs() {
			for _, w := range without {
				if p.key == w {
					continue pairs
				}
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			quote(b, p.key)
			b.WriteByte(':')
			if err := k.write(b, p.value, depth+1, nil); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case v.isList():
		b.WriteByte('[')
		for i, item := range v.items() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := k.write(b, item, depth+1, nil); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case v.n == nil || v.n.Kind != yaml.ScalarNode || v.n.Tag == "!!null":
		b.WriteString("null")
	case v.n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 &&
		(v.n.Value == "true" || v.n.Value == "false" || number.MatchString(v.n.Value)):
		b.WriteString(v.n.Value)
	default:
		quote(b, v.n.Value)
	}
	return nil
}

// quote writes a JSON string.
func quote(b *bytes.Buffer, s string) {
	if plain(s) {
		b.WriteByte('"')
		b.WriteString(s)
		b.WriteByte('"')
		return
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(strings.ReplaceAll(s, "\x00", "\uFFFD")); err == nil {
		b.Truncate(b.Len() - 1) // Encode ends the line
	}
}

// plain reports whether a string stands for itself between quotes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
