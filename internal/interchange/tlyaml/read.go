// Package tlyaml reads and writes Threatloop's own model file: the complete
// model as YAML for people and git. Keys are the JSON names of package model;
// answers are a map from question to answer. A file that Write wrote reads back
// to the same model and is written again byte by byte.
//
// Keys that begin with "x-" are other programs' and are left alone. Aliases,
// anchors, other unknown keys, keys given twice and files over 32 MiB are refused.
package tlyaml

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/model"
)

// Version is the version of the file format that is written, and the highest that is read.
const Version = 1

const versionKey = "threatloop"

// maxFields bounds the errors that are reported at once.
const maxFields = 50

// Parse checks the syntax of a YAML document and returns its root mapping. The
// error is a fault.Invalid with the line.
func Parse(data []byte, opts imported.Options) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithUniqueKeys(false)); err != nil {
		return nil, syntaxFault(data, err, opts)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fault.New(fault.Invalid, "model.syntax", "the model file cannot be read").
			With(opts.At(max(1, doc.Line), 0), "the file is neither JSON nor XML, and no YAML mapping of keys and values")
	}
	return doc.Content[0], nil
}

// secondDocument returns the line on which the second document begins: the first
// "---" after something that is neither blank nor comment.
func secondDocument(data []byte) int {
	begun, line := false, 0
	for text := range bytes.Lines(data) {
		line++
		text = bytes.TrimSpace(text)
		switch {
		case bytes.HasPrefix(text, []byte("---")):
			if begun {
				return line
			}
			begun = len(text) > 3
		case len(text) > 0 && text[0] != '#':
			begun = true
		}
	}
	return 1
}

// lineOf finds the place in the library's texts: "... at L21.C19: ...", "... at
// L1.C8-L2.C1: ..." (from where to where) and "line 4: ...".
var lineOf = regexp.MustCompile(`^(?:.* at )?(?:L(\d+)\.C(\d+)(?:-[LC\d.]+)?|<unknown position>): |line (\d+): `)

func syntaxFault(data []byte, err error, opts imported.Options) error {
	if strings.Contains(err.Error(), "expected single document") {
		return fault.Wrap(err, fault.Invalid, "model.syntax", "the model file cannot be read").With(opts.At(secondDocument(data), 1), "a second YAML document begins here; a model file holds one")
	}
	line, column, text := Syntax(data, err)
	return fault.Wrap(err, fault.Invalid, "model.syntax", "the model file cannot be read").With(opts.At(line, column), "is not YAML: %s", text)
}

// Syntax takes an error of the YAML library about a file apart: the place, a column of 0 where it
// says none, and what is wrong there.
func Syntax(data []byte, err error) (line, column int, text string) {
	line = 1
	text, _, _ = strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "\n")
	if m := lineOf.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(cmp.Or(m[1], m[3], "0"))
		column, _ = strconv.Atoi(cmp.Or(m[2], "0"))
		if line == 0 {
			line, column = control(data)
		}
		text = strings.Replace(text, m[0], "", 1)
	}
	return line, column, text
}

// control returns the place of the first control character: of these alone the
// library does not say where they stand.
func control(data []byte) (line, column int) {
	line = 1
	for l := range bytes.Lines(data) {
		if i := bytes.IndexFunc(l, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }); i >= 0 {
			return line, i + 1
		}
		line++
	}
	return 1, 0
}

// Detect reports whether the mapping is a Threatloop model: it has the key
// "threatloop", or a product.
func Detect(root *yaml.Node) bool {
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, v := root.Content[i].Value, root.Content[i+1]
		if key == versionKey || key == "product" && v.Kind == yaml.MappingNode {
			return true
		}
	}
	return false
}

// Read returns the model of a root that Parse returned. Errors are a
// fault.Invalid with one field per place, all of the file's at once up to 50.
func Read(root *yaml.Node, opts imported.Options) (*imported.Import, error) {
	d := &decoder{opts: opts, fault: fault.New(fault.Invalid, "model.syntax", "the model file is not right")}
	if err := d.version(root); err != nil {
		return nil, err
	}
	m := &model.Model{}
	d.decode(root, reflect.ValueOf(m).Elem(), "", 0)
	if len(d.fault.Fields) > 0 {
		return nil, d.fault
	}
	if opts.Product != "" {
		m.Product.ID = opts.Product
	}
	if m.Product.ID == "" {
		m.Product.ID = model.ProductID(model.DeriveID("prd", m.Product.Name))
	}
	if err := model.Validate(m); err != nil {
		return nil, err
	}
	out := &imported.Import{Format: imported.Threatloop, Model: m, Counts: count(m), TypeHints: hints(m)}
	for _, k := range d.kept {
		out.AddAt(imported.Kept, opts.At(k.Line, k.Column), "file", "key %q is another program's: it stays where the file is written again, and is not stored", k.Value)
	}
	drawnInside(out, root, opts)
	out.Close()
	return out, nil
}

// drawnInside tells of components that the drawing shows in a zone and the file
// says nothing of it: what is written counts, and who sees the drawing would think otherwise.
func drawnInside(out *imported.Import, root *yaml.Node, opts imported.Options) {
	m := *out.Model
	m.Zones, m.Components, m.Flows = slices.Clone(m.Zones), slices.Clone(m.Components), slices.Clone(m.Flows)
	model.Place(&m)
	names := make(map[model.ElementID]string, len(m.Zones))
	for _, z := range m.Zones {
		names[z.ID] = z.Name
	}
	at := func(int) string { return "" }
	if list := under(root, "components"); list != nil && len(list.Content) == len(m.Components) {
		at = func(i int) string { return opts.At(list.Content[i].Line, list.Content[i].Column) }
	}
	for i, c := range out.Model.Components {
		if drawn := m.Components[i].Zone; c.Zone == "" && drawn != "" {
			out.AddAt(imported.Info, at(i), "component "+string(c.ID)+" ("+c.Name+")",
				"is drawn in the zone %s (%s) and is in none, because the file names none; `zone: %s` puts it there", drawn, names[drawn], drawn)
		}
	}
}

// under returns what stands under a key of a mapping; nil where the key is absent.
func under(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n != nil && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func count(m *model.Model) imported.Counts {
	c := imported.Counts{
		Diagrams: len(m.Diagrams), Flow: len(m.Flows), Boundary: len(m.Zones) + len(m.Curves),
		Text: len(m.Texts), Threats: len(m.Threats),
	}
	for i := range m.Components {
		switch m.Components[i].Kind {
		case model.Actor:
			c.Actor++
		case model.Process:
			c.Process++
		case model.Store:
			c.Store++
		}
	}
	return c
}

func hints(m *model.Model) []imported.TypeHint {
	var all []imported.TypeHint
	for i := range m.Components {
		if c := &m.Components[i]; c.Type == "" {
			all = append(all, imported.TypeHint{Element: c.ID, Kind: c.Kind, Words: strings.Fields(strings.ToLower(c.Name))})
		}
	}
	return all
}

type decoder struct {
	opts  imported.Options
	fault *fault.Error
	kept  []*yaml.Node // keys of other programs
}

func (d *decoder) add(n *yaml.Node, format string, args ...any) {
	if len(d.fault.Fields) < maxFields {
		d.fault.With(d.opts.At(n.Line, n.Column), format, args...)
	}
}

// version takes the format's version off the root.
func (d *decoder) version(root *yaml.Node) error {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != versionKey {
			continue
		}
		n := root.Content[i+1]
		if v, err := strconv.Atoi(n.Value); err != nil || v < 1 || v > Version {
			return fault.New(fault.Unsupported, "model.version", "the model file has a format this program does not know").
				With(d.opts.At(n.Line, n.Column), "threatloop: %s, expected %d", n.Value, Version)
		}
		root.Content = append(root.Content[:i:i], root.Content[i+2:]...)
		return nil
	}
	return nil
}

// decode sets v from the node; path names it for people.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string, depth int) {
	if !d.allowed(n, depth) {
		return
	}
	switch v.Type() {
	case timeType:
		d.time(n, v, path)
		return
	case rawType:
		var b bytes.Buffer
		if d.json(n, &b, depth) {
			v.SetBytes(b.Bytes())
		}
		return
	case answersType:
		d.answers(n, v, depth)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path, depth)
	case reflect.Slice:
		d.slice(n, v, path, depth)
	case reflect.Map:
		d.mapOf(n, v, path, depth)
	case reflect.Struct:
		d.structOf(n, v, path, depth)
	default:
		d.scalar(n, v, path)
	}
}

// allowed refuses what makes YAML dangerous.
func (d *decoder) allowed(n *yaml.Node, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.add(n, "anchors and aliases are not allowed")
	case depth > imported.MaxDepth:
		d.add(n, "is nested deeper than %d levels", imported.MaxDepth)
	default:
		return true
	}
	return false
}

func (d *decoder) slice(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.add(n, "%s must be a list", path)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.decode(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
	}
}

// pairs calls f for each key and value of a mapping and reports keys given twice.
func (d *decoder) pairs(n *yaml.Node, path string, f func(key string, k, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.add(n, "%s must be a mapping", path)
		return
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			d.add(k, "a key must be a plain text")
			continue
		}
		if seen[k.Value] {
			d.add(k, "key %q is given twice", k.Value)
			continue
		}
		seen[k.Value] = true
		f(k.Value, k, v)
	}
}

func (d *decoder) mapOf(n *yaml.Node, v reflect.Value, path string, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, path, func(key string, _, item *yaml.Node) {
		target := reflect.New(v.Type().Elem()).Elem()
		d.decode(item, target, path+"."+key, depth+1)
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), target)
	})
}

func (d *decoder) structOf(n *yaml.Node, v reflect.Value, path string, depth int) {
	fields := fieldsOf(v.Type())
	d.pairs(n, cmp.Or(path, "the file"), func(key string, k, item *yaml.Node) {
		for _, f := range fields {
			if f.name == key {
				d.decode(item, v.Field(f.index), strings.TrimPrefix(path+"."+key, "."), depth+1)
				return
			}
		}
		if strings.HasPrefix(key, "x-") {
			d.kept = append(d.kept, k)
			return
		}
		names := make([]string, 0, len(fields))
		for _, f := range fields {
			names = append(names, f.name)
		}
		d.add(k, "unknown key %q in %s, expected one of %s", key, cmp.Or(path, "the file"), strings.Join(names, ", "))
	})
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.add(n, "%s must be one value", path)
		return
	}
	switch v.Kind() {
	case reflect.String:
		if n.Tag == "!!null" {
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		switch n.Value {
		case "true", "yes":
			v.SetBool(true)
		case "false", "no":
		default:
			d.add(n, "%s is %q, expected true or false", path, n.Value)
		}
	case reflect.Int:
		i, err := strconv.Atoi(n.Value)
		if err != nil {
			d.add(n, "%s is %q, expected a whole number", path, n.Value)
			return
		}
		v.SetInt(int64(i))
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || f != f || f > 1e300 || f < -1e300 {
			d.add(n, "%s is %q, expected a number", path, n.Value)
			return
		}
		v.SetFloat(f)
	}
}

func (d *decoder) time(n *yaml.Node, v reflect.Value, path string) {
	t, err := time.Parse(time.RFC3339Nano, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || t.UTC().Year() < 0 || t.UTC().Year() > 9999 {
		d.add(n, "%s is %q, expected a time such as 2026-01-31T12:00:00Z", path, n.Value)
		return
	}
	v.Set(reflect.ValueOf(t.UTC()))
}

// answers reads the map form, and the list form of package model.
func (d *decoder) answers(n *yaml.Node, v reflect.Value, depth int) {
	var answers []model.Answer
	if n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			var a model.Answer
			d.decode(item, reflect.ValueOf(&a).Elem(), fmt.Sprintf("answers[%d]", i), depth+1)
			answers = append(answers, a)
		}
		v.Set(reflect.ValueOf(answers))
		return
	}
	d.pairs(n, "answers", func(key string, _, item *yaml.Node) {
		a := model.Answer{Question: key, Values: []string{}}
		if item.Kind == yaml.ScalarNode && d.allowed(item, depth) {
			a.Values = append(a.Values, item.Value)
		} else {
			d.decode(item, reflect.ValueOf(&a.Values).Elem(), "answers."+key, depth+1)
		}
		answers = append(answers, a)
	})
	v.Set(reflect.ValueOf(answers))
}

// number is what JSON accepts as one; YAML also has .5, 0x10 and 1_000, which stay text.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// json writes the node as JSON, for what is kept as written.
func (d *decoder) json(n *yaml.Node, b *bytes.Buffer, depth int) bool {
	if !d.allowed(n, depth) {
		return false
	}
	ok := true
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		first := true
		d.pairs(n, "extra", func(key string, _, item *yaml.Node) {
			if !first {
				b.WriteByte(',')
			}
			first = false
			quote(b, key)
			b.WriteByte(':')
			ok = d.json(item, b, depth+1) && ok
		})
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			ok = d.json(item, b, depth+1) && ok
		}
		b.WriteByte(']')
	default:
		plain := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
		switch {
		case plain && (n.Value == "true" || n.Value == "false" || n.Value == "null" || number.MatchString(n.Value)):
			b.WriteString(n.Value)
		case plain && n.Tag == "!!null":
			b.WriteString("null")
		default:
			quote(b, n.Value)
		}
	}
	return ok
}

func quote(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err == nil {
		b.Truncate(b.Len() - 1) // Encode ends the line
	}
}
