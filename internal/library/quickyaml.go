package library

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// What quickYAML takes at most; full has words for what is more.
const (
	quickDepth = 32
	quickKeys  = 1000 // of one mapping
)

// decimal is a number that every reader of YAML takes for one.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?$`)

// quickYAML reads a document with a parser that takes a fifth of the other one's time:
// a program that reads its library at each start waits for it. It is nil for what is not YAML and for what libraries
// do without (anchors, tags, numbers in other bases, a second document): full reads that, or says in
// good words and at the right column what is wrong.
func quickYAML(content string) *node {
	// Columns behind a tab or a broken line are told differently by the two.
	for _, odd := range []string{"\t", "\r", "\u0085", "\u2028", "\u2029", "\ufeff"} {
		if strings.Contains(content, odd) {
			return nil
		}
	}
	if explicitKey(content) {
		return nil
	}
	var docs struct{ first, second yaml.Node }
	dec := yaml.NewDecoder(strings.NewReader(content))
	if err := dec.Decode(&docs.first); err != nil || len(docs.first.Content) != 1 {
		return nil
	}
	if dec.Decode(&docs.second) == nil || docs.second.Kind != 0 {
		return nil
	}
	body, ok := quickNode(docs.first.Content[0], 1)
	if !ok {
		return nil
	}
	return &body
}

// explicitKey tells whether a line may begin with a key marked by ?, which libraries may not have.
func explicitKey(content string) bool {
	for from := 0; ; {
		i := strings.IndexByte(content[from:], '?')
		if i < 0 {
			return false
		}
		mark := from + i
		from = mark + 1
		if from < len(content) && !strings.ContainsRune(" \n\f", rune(content[from])) {
			continue
		}
		before := strings.TrimRight(content[:mark], "- ")
		if before == "" || before[len(before)-1] == '\n' {
			return true
		}
	}
}

// quickNode turns the parser's tree into ours, or tells that it cannot.
func quickNode(from *yaml.Node, depth int) (node, bool) {
	n := node{line: int32(from.Line), column: int32(from.Column), flow: from.Style&yaml.FlowStyle != 0}
	if from.Anchor != "" || from.Style&yaml.TaggedStyle != 0 || depth > quickDepth || len(from.Content) > 2*quickKeys {
		return n, false
	}
	switch from.Kind {
	case yaml.MappingNode:
		n.form = mappingForm
	case yaml.SequenceNode:
		n.form = listForm
	case yaml.ScalarNode:
		return n, quickScalar(from, &n)
	default:
		return n, false
	}
	if len(from.Content) > 0 {
		n.items = make([]node, len(from.Content))
	}
	for i, one := range from.Content {
		item, ok := quickNode(one, depth+1)
		if !ok {
			return n, false
		}
		if n.form == mappingForm && i%2 == 0 {
			if item.form != textForm {
				return n, false
			}
		}
		n.items[i] = item
	}
	return n, true
}

// quickScalar reads text, a number or a truth value.
func quickScalar(from *yaml.Node, n *node) bool {
	n.text = from.Value
	switch {
	case from.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.form = blockForm
	case from.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		n.form = textForm
	default:
		switch from.ShortTag() {
		case "!!str", "!!timestamp":
			n.form = textForm
		case "!!bool":
			n.form, n.yes, n.text = boolForm, strings.EqualFold(from.Value, "true"), ""
		case "!!int", "!!float":
			n.form = integerForm
			return decimal.MatchString(from.Value)
		default:
			return false
		}
	}
	return true
}
