package richtext

import (
	"regexp"
	"strings"
)

// Fence is the pair of lines between which a ticket's description is ours. What
// stands outside belongs to people and is never changed. The lines hold no
// character that any markup interprets, so they read back as they were written.
type Fence struct {
	Begin, End string
	// Marker is the marker both lines name.
	Marker string
}

// NewFence returns the fence of a marker (letters and digits).
func NewFence(marker string) Fence {
	return Fence{
		Marker: marker,
		Begin:  "Threatloop keeps the text from here up to date: " + marker,
		End:    "Threatloop block ends here: " + marker,
	}
}

var (
	fenceLine = regexp.MustCompile(`(?m)^\s*Threatloop (?:keeps the text from here up to date|block ends here): ([0-9A-Za-z]{6,64})\s*$`)
	fenceText = regexp.MustCompile(`Threatloop (?:keeps the text from here|block ends here)`)
)

// defuse returns the document with every block that contains a fence line
// changed so that no line of it reads as one: a report's text must neither end
// our block nor claim another ticket's marker.
func defuse(d Doc) Doc {
	out := append(Doc{}, d...)
	for i, b := range out {
		if !fenceText.MatchString(oneLine(Plain(Doc{b}))) {
			continue
		}
		b.Text = defuseText(b.Text)
		b.Spans = defuseSpans(b.Spans)
		items := make([][]Span, len(b.Items))
		for j, it := range b.Items {
			items[j] = defuseSpans(it)
		}
		rows := make([][][]Span, len(b.Rows))
		for j, row := range b.Rows {
			rows[j] = make([][]Span, len(row))
			for k, cell := range row {
				rows[j][k] = defuseSpans(cell)
			}
		}
		b.Items, b.Rows = items, rows
		out[i] = b
	}
	return out
}

func defuseSpans(spans []Span) []Span {
	out := append([]Span{}, spans...)
	for i := range out {
		out[i].Text = defuseText(out[i].Text)
	}
	return out
}

// defuseText puts a word joiner, which is no space and cannot be seen, before
// every line.
func defuseText(s string) string {
	if s == "" {
		return s
	}
	return "\u2060" + strings.ReplaceAll(Clean(s), "\n", "\n\u2060")
}

// Wiki returns old, a description in wiki markup, with our block replaced.
func (f Fence) Wiki(old string, d Doc) string { return f.text(old, Wiki(defuse(d))) }

// Markdown returns old, a description in Markdown, with our block replaced.
func (f Fence) Markdown(old string, d Doc) string { return f.text(old, Markdown(defuse(d))) }

// Plain returns old, a description without markup, with our block replaced.
func (f Fence) Plain(old string, d Doc) string { return f.text(old, Plain(defuse(d))) }

// Markers returns the markers that fence lines of a plain text name, each once,
// in the order of appearance.
func Markers(plain string) []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range fenceLine.FindAllStringSubmatch(plain, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			out = append(out, m[1])
		}
	}
	return out
}

// text returns old with the block between the fence lines replaced by printed.
// Where old has no complete block one is added at the end.
func (f Fence) text(old, printed string) string {
	block := f.Begin + "\n\n" + printed + "\n\n" + f.End
	old = strings.ReplaceAll(old, "\r\n", "\n")
	lines := strings.Split(old, "\n")
	begin, end := f.find(len(lines), func(i int) string { return lines[i] })
	if begin < 0 {
		if strings.TrimSpace(old) == "" {
			return block
		}
		return strings.TrimRight(old, "\n") + "\n\n" + block
	}
	parts := append(append([]string{}, lines[:begin]...), block)
	return strings.Join(append(parts, lines[end+1:]...), "\n")
}

// ADF returns old (a decoded ADF document, nil for none) with the nodes between
// the fence paragraphs replaced by the document's. Nodes outside are kept as
// they are, whatever they are. Where old has no complete block one is added at
// the end. old is not changed.
func (f Fence) ADF(old map[string]any, d Doc) map[string]any {
	block := append([]any{adfParagraph([]Span{Text(f.Begin)})}, adfBlocks(defuse(d))...)
	block = append(block, adfParagraph([]Span{Text(f.End)}))
	content, _ := old["content"].([]any)
	begin, end := f.find(len(content), func(i int) string {
		if n, ok := content[i].(map[string]any); ok && n["type"] == "paragraph" {
			return PlainADF(n)
		}
		return ""
	})
	var out []any
	if begin < 0 {
		out = append(append(out, content...), block...)
	} else {
		out = append(append(out, content[:begin]...), block...)
		out = append(out, content[end+1:]...)
	}
	tree := map[string]any{"type": "doc", "version": 1, "content": out}
	if v, ok := old["version"]; ok {
		tree["version"] = v
	}
	return tree
}

// find returns the positions of the last complete block: the last end line and
// the nearest begin line above it. -1, -1 where there is none.
func (f Fence) find(n int, line func(int) string) (int, int) {
	end := -1
	for i := n - 1; i >= 0; i-- {
		switch strings.TrimSpace(line(i)) {
		case f.End:
			if end < 0 {
				end = i
			}
		case f.Begin:
			if end >= 0 {
				return i, end
			}
		}
	}
	return -1, -1
}
