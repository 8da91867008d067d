package library

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// limitError refuses a file before it is parsed.
type limitError struct {
	line int
	text string
}

func (e *limitError) Error() string { return e.text }

// full reads a document that quickYAML leaves alone, or says what is wrong with it; nil after adding the problem.
func (d *document) full(content string) *node {
	file, err := parse(content)
	if err != nil {
		top := d.place(1, 1)
		if e, ok := err.(yaml.Error); ok {
			at := tokenNode(e.GetToken())
			d.add(d.at(&at), "%s", e.GetMessage())
		} else if limit := (*limitError)(nil); errors.As(err, &limit) {
			top.Line = limit.line
			d.add(top, "%s", limit.text)
		} else {
			d.add(top, "%s", err)
		}
		return nil
	}
	var body *node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		n := nodeOf(doc.Body)
		if body != nil {
			d.add(d.at(&n), "a second YAML document is not read; use another file")
			continue
		}
		body = &n
	}
	if body == nil {
		d.add(d.place(1, 1), "the file is empty")
	}
	return body
}

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

// tokenNode is a node without form at the token's place, with its text.
func tokenNode(t *token.Token) node {
	if t == nil || t.Position == nil {
		return node{line: 1, column: 1}
	}
	return node{line: int32(t.Position.Line), column: int32(max(1, t.Position.Column)), text: t.Value}
}

// nodeOf turns the parser's tree into ours.
func nodeOf(from ast.Node) node {
	if from == nil {
		return node{form: nullForm, line: 1, column: 1}
	}
	n := tokenNode(from.GetToken())
	switch from := from.(type) {
	case *ast.MappingNode:
		n.form, n.flow, n.text = mappingForm, from.IsFlowStyle, ""
		n.items = make([]node, 0, 2*len(from.Values))
		for _, v := range from.Values {
			n.items = append(n.items, keyOf(v.Key), nodeOf(v.Value))
		}
		if !n.flow && len(n.items) > 0 {
			n.line, n.column = n.items[0].line, n.items[0].column
		}
	case *ast.MappingValueNode:
		key := keyOf(from.Key)
		n = node{form: mappingForm, line: key.line, column: key.column, items: []node{key, nodeOf(from.Value)}}
	case *ast.SequenceNode:
		n.form, n.flow, n.text = listForm, from.IsFlowStyle, ""
		n.items = make([]node, len(from.Values))
		for i, v := range from.Values {
			n.items[i] = nodeOf(v)
		}
	case *ast.StringNode:
		n.form, n.text = textForm, from.Value
	case *ast.LiteralNode:
		n = tokenNode(from.Start)
		n.form, n.text = blockForm, from.Value.Value
	case *ast.IntegerNode, *ast.FloatNode:
		n.form = integerForm
	case *ast.InfinityNode, *ast.NanNode:
		n.form, n.text = infiniteForm, ""
	case *ast.BoolNode:
		n.form, n.yes, n.text = boolForm, from.Value, ""
	case *ast.NullNode:
		n.form, n.text = nullForm, ""
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode:
		n.form, n.text = aliasForm, ""
	case *ast.TagNode:
		n.form, n.text = tagForm, ""
	}
	return n
}

// keyOf is a key with the text of its token, whatever that would be as a value.
func keyOf(from ast.MapKeyNode) node {
	n := nodeOf(from)
	if t := from.GetToken(); t != nil {
		n.text = t.Value
	}
	if n.form != aliasForm && n.form != tagForm {
		n.form, n.yes = textForm, false
	}
	return n
}

// flowTexts returns each item of the list under a file's key as the parser writes it.
func flowTexts(content, key string) []string {
	file, err := parse(content)
	if err != nil {
		return nil
	}
	for _, doc := range file.Docs {
		var values []*ast.MappingValueNode
		switch body := doc.Body.(type) {
		case *ast.MappingNode:
			values = body.Values
		case *ast.MappingValueNode:
			values = []*ast.MappingValueNode{body}
		}
		for _, v := range values {
			list, ok := v.Value.(*ast.SequenceNode)
			if !ok || v.Key.GetToken().Value != key {
				continue
			}
			var texts []string
			for _, item := range list.Values {
				texts = append(texts, item.String())
			}
			return texts
		}
	}
	return nil
}
