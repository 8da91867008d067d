package richtext

import (
	"strconv"
	"strings"
)

// Markdown prints the document as CommonMark with GitHub tables. Every ASCII
// punctuation with a meaning is escaped; a zero-width joiner after "@" and "#"
// keeps names and numbers from becoming mentions and references.
func Markdown(d Doc) string {
	blocks := make([]string, 0, len(d))
	for _, b := range d {
		if s := mdBlock(b); s != "" {
			blocks = append(blocks, s)
		}
	}
	return strings.Join(blocks, "\n\n")
}

func mdBlock(b Block) string {
	switch b.Kind {
	case Paragraph:
		return strings.ReplaceAll(regexpBlank.ReplaceAllString(strings.TrimSpace(mdSpans(b.Spans)), "\n"), "\n", "\\\n")
	case Heading:
		return strings.Repeat("#", level(b)) + " " + oneLine(mdSpans(b.Spans))
	case Bullets, Numbers:
		lines := make([]string, len(b.Items))
		for i, it := range b.Items {
			bullet := "- "
			if b.Kind == Numbers {
				bullet = strconv.Itoa(i+1) + ". "
			}
			lines[i] = bullet + oneLine(mdSpans(it))
		}
		return strings.Join(lines, "\n")
	case Code:
		text := Clean(b.Text)
		fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
		return fence + word(b.Language) + "\n" + text + "\n" + fence
	case Table:
		return mdTable(b.Rows)
	case Rule:
		return "---"
	}
	return ""
}

func mdTable(rows [][][]Span) string {
	width := columns(rows)
	if width == 0 {
		return ""
	}
	var lines []string
	for i, row := range rows {
		var b strings.Builder
		for j := range width {
			cell := ""
			if j < len(row) {
				cell = oneLine(mdSpans(row[j]))
			}
			b.WriteString("| " + cell + " ")
		}
		lines = append(lines, b.String()+"|")
		if i == 0 {
			lines = append(lines, strings.Repeat("| --- ", width)+"|")
		}
	}
	return strings.Join(lines, "\n")
}

func mdSpans(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		text := Clean(s.Text)
		core := strings.TrimSpace(text)
		if core == "" {
			b.WriteString(text)
			continue
		}
		before, after, _ := strings.Cut(text, core)
		switch {
		case s.Mono:
			core = mdCode(core)
		default:
			core = mdEscape(core)
		}
		if s.Bold {
			core = "**" + core + "**"
		}
		if u := safeURL(s.Link); u != "" {
			core = "[" + core + "](" + u + ")"
		}
		b.WriteString(before + core + after)
	}
	return b.String()
}

func mdCode(s string) string {
	s = strings.ReplaceAll(oneLine(s), "|", "¦")
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

func longestRun(s string, c byte) int {
	best, n := 0, 0
	for i := range len(s) {
		if s[i] == c {
			n++
			best = max(best, n)
		} else {
			n = 0
		}
	}
	return best
}

func mdEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#':
			b.WriteByte('\\')
			b.WriteRune(r)
			b.WriteRune('\u2060')
		case strings.ContainsRune("\\`*_{}[]()+-.!|~^$=:", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Plain prints the document as text without markup: one line per paragraph,
// "- " and "1. " before items, " | " between cells.
func Plain(d Doc) string {
	var lines []string
	for _, b := range d {
		switch b.Kind {
		case Paragraph, Heading:
			lines = append(lines, plainSpans(b.Spans))
		case Bullets, Numbers:
			for i, it := range b.Items {
				bullet := "- "
				if b.Kind == Numbers {
					bullet = strconv.Itoa(i+1) + ". "
				}
				lines = append(lines, bullet+oneLine(plainSpans(it)))
			}
		case Code:
			lines = append(lines, Clean(b.Text))
		case Table:
			for _, row := range b.Rows {
				cells := make([]string, len(row))
				for i, c := range row {
					cells[i] = oneLine(plainSpans(c))
				}
				lines = append(lines, strings.Join(cells, " | "))
			}
		case Rule:
			lines = append(lines, "----")
		}
	}
	return strings.Join(lines, "\n")
}

func plainSpans(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(Clean(s.Text))
		if u := safeURL(s.Link); u != "" && u != s.Text {
			b.WriteString(" (" + u + ")")
		}
	}
	return b.String()
}
