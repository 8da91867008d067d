package tlyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/model"
)

// WriteOver returns the model as Write does, with what a person wrote into the
// file that it replaces: comments, blank lines and keys that are not ours stay
// with what they stood at, those of things that are gone go with them. A file
// that says what the model says stays byte by byte. One that is no such file is
// replaced whole.
func WriteOver(m *model.Model, original []byte) ([]byte, error) {
	root, err := Parse(original, imported.Options{})
	if err != nil || !Detect(root) {
		return Write(m)
	}
	says, err := saysSame(m, original)
	if err != nil || says {
		return original, err
	}
	lines := strings.ReplaceAll(strings.TrimPrefix(string(original), "\xef\xbb\xbf"), "\r\n", "\n")
	if strings.ContainsAny(lines, "\r\u0085\u2028\u2029") {
		return Write(m) // what is a line in it depends on who counts
	}
	doc, err := tree(m)
	if err != nil {
		return nil, err
	}
	c := &comments{lines: strings.Split(lines, "\n"), gaps: map[int]string{}}
	c.find(root)
	top := c.take(c.first)
	c.mapping(doc, root, reflect.TypeFor[model.Model]())
	var b bytes.Buffer
	b.WriteString(top)
	c.merged.pairs(&b, 0, "")
	b.WriteString(c.tail)
	if !holds(m, b.Bytes()) {
		return Write(m)
	}
	return b.Bytes(), nil
}

// holds reports whether what was written is read as the model; a file with keys
// that nobody knows must at least be whole.
func holds(m *model.Model, data []byte) bool {
	root, err := Parse(data, imported.Options{})
	if err != nil {
		return false
	}
	if _, err := Read(root, imported.Options{}); err != nil {
		return true
	}
	says, err := saysSame(m, data)
	return err == nil && says
}

// saysSame reports whether a file is read as the model.
func saysSame(m *model.Model, original []byte) (bool, error) {
	root, err := Parse(original, imported.Options{})
	if err != nil {
		return false, err
	}
	i, err := Read(root, imported.Options{})
	if err != nil {
		return false, nil //nolint:nilerr // it says something else, or nothing that can be read
	}
	ours, theirs := model.Clone(m), i.Model
	model.Sort(ours)
	model.Sort(theirs)
	a, err := json.Marshal(ours)
	if err != nil {
		return false, fmt.Errorf("yaml: compare product %s: %w", m.Product.ID, err)
	}
	b, err := json.Marshal(theirs)
	if err != nil {
		return false, fmt.Errorf("yaml: compare product %s: %w", m.Product.ID, err)
	}
	return bytes.Equal(a, b), nil
}

// comments are what a person wrote between and behind the lines of a file.
type comments struct {
	lines  []string
	gaps   map[int]string // whole lines of comments and blanks, by the line of what follows
	first  int            // line of the first key
	tail   string         // what stands after the last value
	merged mapping        // of the root
}

// span is where a key or an item begins, and how its value is written.
type span struct {
	line, column int
	block        bool // a literal or folded text
}

// find collects the gaps: lines that belong to no value.
func (c *comments) find(root *yaml.Node) {
	var spans []span
	collect(root, &spans)
	slices.SortStableFunc(spans, func(a, b span) int { return a.line - b.line })
	if len(spans) == 0 {
		return
	}
	c.first = spans[0].line
	c.gaps[c.first] = c.text(1, c.first)
	for i := 0; i < len(spans); {
		s := spans[i]
		for i++; i < len(spans) && spans[i].line == s.line; i++ { // on one line the last key holds the value
			s.block = s.block || spans[i].block
			if !spans[i].block {
				continue
			}
			s.column = spans[i].column
		}
		next := len(c.lines) + 1
		if i < len(spans) {
			next = spans[i].line
		}
		from := c.end(s, next)
		if i < len(spans) {
			c.gaps[next] = c.text(from, next)
		} else {
			c.tail = strings.TrimRight(c.text(from, next), "\n")
			if c.tail != "" {
				c.tail += "\n"
			}
		}
	}
}

func collect(n *yaml.Node, spans *[]span) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			*spans = append(*spans, span{k.Line, k.Column, isBlock(v)})
			collect(v, spans)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			*spans = append(*spans, span{item.Line, item.Column - 2, isBlock(item)})
			collect(item, spans)
		}
	}
}

func isBlock(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// end returns the first line after the value of s that belongs to no value.
func (c *comments) end(s span, next int) int {
	last := s.line
	for line := s.line + 1; line < next; line++ {
		if line > len(c.lines) {
			break
		}
		text := c.lines[line-1]
		trimmed := strings.TrimSpace(text)
		if trimmed == "" {
			continue
		}
		if s.block && len(text)-len(strings.TrimLeft(text, " ")) >= max(s.column, 1) || !s.block && trimmed[0] != '#' {
			last = line
		}
	}
	return last + 1
}

// text returns the lines from one up to another, whole.
func (c *comments) text(from, to int) string {
	if to = min(to, len(c.lines)+1); from >= to {
		return ""
	}
	return strings.Join(c.lines[from-1:to-1], "\n") + "\n"
}

// take returns the gap before a line, once: to the outermost thing that begins there.
func (c *comments) take(line int) string {
	gap := c.gaps[line]
	delete(c.gaps, line)
	if strings.TrimSpace(gap) == "" && strings.Count(gap, "\n") > 1 {
		return "\n"
	}
	return gap
}

// behind returns the comment at the end of a line, with the blanks before it.
func (c *comments) behind(line int, nodes ...*yaml.Node) string {
	for _, n := range nodes {
		comment := n.LineComment
		if comment == "" || strings.Contains(comment, "\n") {
			continue
		}
		if line > len(c.lines) {
			continue
		}
		text := c.lines[line-1]
		if at := len(text) - len(comment); at > 0 && text[at:] == comment {
			return text[len(strings.TrimRight(text[:at], " \t")):]
		}
		return " " + comment
	}
	return ""
}

// mapping puts the notes of a node on the pairs of the same keys, and adds the
// node's pairs that are not ours. t is the struct that the mapping is of, nil for
// texts by key.
func (c *comments) mapping(m mapping, n *yaml.Node, t reflect.Type) {
	c.merged = c.merge(m, n, t)
}

func (c *comments) merge(m mapping, n *yaml.Node, t reflect.Type) mapping {
	if n.Kind != yaml.MappingNode {
		return m
	}
	m = slices.Clone(m)
	known := map[string]reflect.Type{versionKey: nil}
	if t != nil {
		for _, f := range fieldsOf(t) {
			known[f.name] = element(t.Field(f.index).Type)
		}
	}
	last := -1 // the farthest pair of the keys before; a key that is not ours stays behind it, or comes to the end
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(m, func(p pair) bool { return p.key == k.Value })
		if at < 0 {
			if _, ours := known[k.Value]; ours || t == nil {
				continue // it is empty now
			}
			if at = len(m); last >= 0 {
				last++
				at = last
			}
			m = slices.Insert(m, at, pair{key: k.Value, value: fromNode(v)})
		} else {
			last = max(last, at)
		}
		p := &m[at]
		p.before = c.take(k.Line)
		if after := c.behind(k.Line, k, v); after != "" { // else what stood behind the whole, where that was on one line
			p.after = after
		}
		p.value = c.value(p.value, v, known[k.Value])
	}
	return m
}

// element returns the struct that a field holds, or holds a list of; nil for anything else.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType {
		return nil
	}
	return t
}

func (c *comments) value(v value, n *yaml.Node, t reflect.Type) value {
	switch x := v.(type) {
	case mapping:
		return c.merge(x, n, t)
	case list:
		return c.list(x, n, t)
	}
	return v
}

func (c *comments) list(l list, n *yaml.Node, t reflect.Type) value {
	if n.Kind != yaml.SequenceNode {
		return l
	}
	at := map[string]*yaml.Node{}
	for _, item := range n.Content {
		if name := nameOfNode(item); name != "" && at[name] == nil {
			at[name] = item
		}
	}
	out := make(list, len(l))
	for i, v := range l {
		out[i] = v
		item := at[nameOf(v)]
		if item == nil {
			continue
		}
		delete(at, nameOf(v))
		around := notes{before: c.take(item.Line)}
		if item.Kind != yaml.MappingNode || item.Style&yaml.FlowStyle != 0 {
			around.after = c.behind(item.Line, item)
		}
		if m, ok := v.(mapping); ok && around.after != "" && len(m) > 0 {
			m = slices.Clone(m)
			m[0].after, around.after = around.after, "" // it was on one line and is on several now
			v = m
		}
		out[i] = noted{c.value(v, item, t), around}
	}
	return out
}

// identities are the keys that tell the items of a list apart.
var identities = []string{"id", "threat", "weakness", "countermeasure", "question", "standard", "clause"}

// nameOf tells an item of a list apart from the others.
func nameOf(v value) string {
	switch x := v.(type) {
	case text:
		return string(x)
	case scalar:
		return string(x)
	case mapping:
		name := ""
		for _, key := range identities {
			for _, p := range x {
				if s, ok := p.value.(text); ok && p.key == key {
					name += key + "=" + string(s) + "\n"
				}
			}
		}
		return name
	}
	return ""
}

func nameOfNode(n *yaml.Node) string {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value
	case yaml.MappingNode:
		name := ""
		for _, key := range identities {
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == key && n.Content[i+1].Kind == yaml.ScalarNode {
					name += key + "=" + n.Content[i+1].Value + "\n"
				}
			}
		}
		return name
	}
	return ""
}

// fromNode returns what a file says under a key that is not ours.
func fromNode(n *yaml.Node) value {
	switch n.Kind {
	case yaml.MappingNode:
		m := mapping{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m = append(m, pair{key: n.Content[i].Value, value: fromNode(n.Content[i+1])})
		}
		return m
	case yaml.SequenceNode:
		l := list{}
		for _, item := range n.Content {
			l = append(l, fromNode(item))
		}
		return l
	}
	plain := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if plain && (n.Tag != "!!str" || reserved[strings.ToLower(n.Value)] || number.MatchString(n.Value)) && !strings.ContainsAny(n.Value, "\n") {
		if n.Value == "" {
			return scalar("null")
		}
		return scalar(n.Value)
	}
	return text(n.Value)
}
