package richtext

import (
	"encoding/json"
	"net/url"
	"strings"
)

// ADF prints the document as an Atlassian document format tree (version 1),
// ready for encoding as JSON. The tree holds only nodes that the published
// schema allows: no empty text, no empty list, no empty table, headings 1 to 6.
// Text stays text: a mention, an emoji code or a macro is never made from it.
func ADF(d Doc) map[string]any {
	content := adfBlocks(d)
	return map[string]any{"type": "doc", "version": 1, "content": content}
}

func adfBlocks(d Doc) []any {
	out := []any{}
	for _, b := range d {
		if n := adfBlock(b); n != nil {
			out = append(out, n)
		}
	}
	return out
}

func adfBlock(b Block) map[string]any {
	switch b.Kind {
	case Paragraph:
		return adfParagraph(b.Spans)
	case Heading:
		return node("heading", map[string]any{"level": level(b)}, adfSpans(b.Spans))
	case Bullets:
		return adfList("bulletList", b.Items)
	case Numbers:
		return adfList("orderedList", b.Items)
	case Code:
		return adfCode(b)
	case Table:
		return adfTable(b.Rows)
	case Rule:
		return map[string]any{"type": "rule"}
	}
	return nil
}

func level(b Block) int { return max(1, min(6, b.Level)) }

func node(kind string, attrs map[string]any, content []any) map[string]any {
	n := map[string]any{"type": kind, "content": content}
	if attrs != nil {
		n["attrs"] = attrs
	}
	return n
}

func adfParagraph(spans []Span) map[string]any { return node("paragraph", nil, adfSpans(spans)) }

func adfList(kind string, items [][]Span) map[string]any {
	if len(items) == 0 {
		return nil
	}
	content := make([]any, 0, len(items))
	for _, it := range items {
		content = append(content, node("listItem", nil, []any{adfParagraph(it)}))
	}
	return node(kind, nil, content)
}

func adfCode(b Block) map[string]any {
	var attrs map[string]any
	if lang := word(b.Language); lang != "" {
		attrs = map[string]any{"language": lang}
	}
	content := []any{}
	if text := Clean(b.Text); text != "" {
		content = append(content, map[string]any{"type": "text", "text": text})
	}
	return node("codeBlock", attrs, content)
}

func adfTable(rows [][][]Span) map[string]any {
	width := columns(rows)
	if width == 0 {
		return nil
	}
	content := make([]any, 0, len(rows))
	for i, row := range rows {
		kind := "tableCell"
		if i == 0 {
			kind = "tableHeader"
		}
		cells := make([]any, 0, width)
		for j := range width {
			var spans []Span
			if j < len(row) {
				spans = row[j]
			}
			cells = append(cells, node(kind, map[string]any{}, []any{adfParagraph(spans)}))
		}
		content = append(content, node("tableRow", nil, cells))
	}
	return node("table", nil, content)
}

func columns(rows [][][]Span) int {
	n := 0
	for _, r := range rows {
		n = max(n, len(r))
	}
	return n
}

// adfSpans prints spans; line ends become hard breaks.
func adfSpans(spans []Span) []any {
	out := []any{}
	for _, s := range spans {
		for i, line := range strings.Split(Clean(s.Text), "\n") {
			if i > 0 {
				out = append(out, map[string]any{"type": "hardBreak"})
			}
			if line == "" {
				continue
			}
			n := map[string]any{"type": "text", "text": line}
			if marks := adfMarks(s); len(marks) > 0 {
				n["marks"] = marks
			}
			out = append(out, n)
		}
	}
	return out
}

func adfMarks(s Span) []any {
	var marks []any
	switch {
	case s.Mono: // the schema allows code beside a link only
		marks = append(marks, map[string]any{"type": "code"})
	case s.Bold:
		marks = append(marks, map[string]any{"type": "strong"})
	}
	if u := safeURL(s.Link); u != "" {
		marks = append(marks, map[string]any{"type": "link", "attrs": map[string]any{"href": u}})
	}
	return marks
}

// safeURL returns an absolute http or https URL in its escaped form, or "".
func safeURL(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(Clean(s))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return ""
	}
	out := u.String()
	// What no markup may take for its own delimiter.
	return strings.NewReplacer("|", "%7C", "[", "%5B", "]", "%5D", "{", "%7B", "}", "%7D", "(", "%28", ")", "%29",
		" ", "%20", "<", "%3C", ">", "%3E", "\"", "%22", "\\", "%5C", "^", "%5E", "`", "%60", "!", "%21", "*", "%2A").Replace(out)
}

// word keeps the characters a code block's language may have.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '+' || r == '#' {
			return r
		}
		return -1
	}, s)
}

// ADFSize is the length of the encoded tree, the measure that Jira Cloud limits.
func ADFSize(tree map[string]any) int {
	b, err := json.Marshal(tree)
	if err != nil {
		return 1 << 30
	}
	return Units(string(b))
}

// PlainADF reads the text of an ADF tree (as encoding/json decodes it): one
// line per block, list items with a bullet, cells separated by " | ". Nodes it
// does not know give the text inside them; nil gives "".
func PlainADF(tree any) string {
	var b strings.Builder
	plainADF(&b, tree, "", 0)
	return strings.TrimRight(b.String(), "\n")
}

const maxDepth = 200

func plainADF(b *strings.Builder, v any, bullet string, depth int) {
	n, ok := v.(map[string]any)
	if !ok || depth > maxDepth {
		return
	}
	kind, _ := n["type"].(string)
	attrs, _ := n["attrs"].(map[string]any)
	content, _ := n["content"].([]any)
	each := func() {
		for _, c := range content {
			plainADF(b, c, bullet, depth+1)
		}
	}
	switch kind {
	case "text":
		s, _ := n["text"].(string)
		b.WriteString(s)
	case "hardBreak":
		b.WriteByte('\n')
	case "mention", "emoji", "status", "placeholder":
		s, _ := attrs["text"].(string)
		b.WriteString(s)
	case "inlineCard", "blockCard", "embedCard":
		s, _ := attrs["url"].(string)
		b.WriteString(s)
	case "paragraph", "heading", "codeBlock", "caption":
		b.WriteString(bullet)
		bullet = ""
		each()
		b.WriteByte('\n')
	case "rule":
		b.WriteString("----\n")
	case "listItem", "taskItem", "decisionItem":
		bullet = "- "
		for i, c := range content {
			if i > 0 {
				bullet = "  "
			}
			plainADF(b, c, bullet, depth+1)
		}
		if kind != "listItem" {
			b.WriteByte('\n')
		}
	case "tableRow":
		cells := make([]string, len(content))
		for i, c := range content {
			cells[i] = strings.ReplaceAll(PlainADF(c), "\n", " ")
		}
		b.WriteString(strings.Join(cells, " | ") + "\n")
	default:
		each()
	}
}
