package richtext

import (
	"regexp"
	"strings"
)

// Wiki prints the document as Jira wiki markup. Every character that the
// markup would interpret is escaped, mentions ([~name], @name) and macros ({...})
// included.
func Wiki(d Doc) string {
	blocks := make([]string, 0, len(d))
	for _, b := range d {
		if s := wikiBlock(b); s != "" {
			blocks = append(blocks, s)
		}
	}
	return strings.Join(blocks, "\n\n")
}

func wikiBlock(b Block) string {
	switch b.Kind {
	case Paragraph:
		return wikiSpans(b.Spans, true)
	case Heading:
		return "h" + string(rune('0'+level(b))) + ". " + oneLine(wikiSpans(b.Spans, false))
	case Bullets:
		return wikiList("* ", b.Items)
	case Numbers:
		return wikiList("# ", b.Items)
	case Code:
		return wikiCode(b)
	case Table:
		return wikiTable(b.Rows)
	case Rule:
		return "----"
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func wikiList(bullet string, items [][]Span) string {
	lines := make([]string, len(items))
	for i, it := range items {
		lines[i] = bullet + oneLine(wikiSpans(it, false))
	}
	return strings.Join(lines, "\n")
}

// wikiCode prints a code block. Its end marker cannot be escaped inside it, so
// a zero-width space is put where the text would name it.
func wikiCode(b Block) string {
	text := strings.NewReplacer("{code", "{\u200bcode", "{noformat", "{\u200bnoformat").Replace(Clean(b.Text))
	if lang := word(b.Language); lang != "" {
		return "{code:" + lang + "}\n" + text + "\n{code}"
	}
	return "{noformat}\n" + text + "\n{noformat}"
}

func wikiTable(rows [][][]Span) string {
	width := columns(rows)
	var lines []string
	for i, row := range rows {
		if width == 0 {
			break
		}
		bar := "|"
		if i == 0 {
			bar = "||"
		}
		var b strings.Builder
		for j := range width {
			cell := ""
			if j < len(row) {
				cell = oneLine(wikiSpans(row[j], false))
			}
			if cell == "" {
				cell = " "
			}
			b.WriteString(bar + cell)
		}
		lines = append(lines, b.String()+bar)
	}
	return strings.Join(lines, "\n")
}

func wikiSpans(spans []Span, lines bool) string {
	var b strings.Builder
	for _, s := range spans {
		text := wikiEscape(Clean(s.Text))
		if !lines {
			text = strings.ReplaceAll(text, "\n", " ")
		}
		core := strings.TrimSpace(text)
		if core == "" {
			b.WriteString(text)
			continue
		}
		before, after, _ := strings.Cut(text, core)
		// A style does not reach over a line end.
		styled := !strings.Contains(core, "\n")
		if s.Mono && styled {
			core = "{{" + core + "}}"
		}
		if s.Bold && styled {
			core = "{*}" + core + "{*}"
		}
		if u := safeURL(s.Link); u != "" && styled {
			core = "[" + core + "|" + u + "]"
		}
		b.WriteString(before + core + after)
	}
	if !lines {
		return b.String()
	}
	return wikiLines(b.String())
}

// wikiSpecial are the characters with a meaning in wiki markup. A colon and a
// parenthesis make emoticons; "@" and "~" make mentions.
const wikiSpecial = `\{}[]*_-#|!~^+?@&%`

func wikiEscape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r < 0x80 && strings.ContainsRune(wikiSpecial, r):
			// A backslash pair is a line break, so a backslash becomes an entity;
			// likewise those that keep a meaning behind a backslash.
			switch r {
			case '\\', '@', '&', '%', '~':
				b.WriteString(entity[r])
			default:
				b.WriteByte('\\')
				b.WriteRune(r)
			}
		case (r == '(' || r == ')' || r == ':' || r == ';') && emoticon(s[i:]):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

var entity = map[rune]string{'\\': "&#92;", '@': "&#64;", '&': "&amp;", '%': "&#37;", '~': "&#126;"}

// emoticon reports whether the text begins like one of Jira's emoticons.
func emoticon(s string) bool {
	for _, e := range []string{":)", ":(", ":P", ":D", ";)", "(y)", "(n)", "(i)", "(/)", "(x)", "(!)", "(+)", "(-)", "(?)", "(on)", "(off)", "(*", "(flag)", "(flagoff)"} {
		if strings.HasPrefix(s, e) {
			return true
		}
	}
	return false
}

var wikiLineStart = regexp.MustCompile(`(?m)^(\s*)(h[1-6]\.|bq\.)`)

// wikiLines keeps a paragraph's lines from becoming headings or quotes.
func wikiLines(s string) string {
	s = wikiLineStart.ReplaceAllStringFunc(s, func(m string) string {
		i := strings.LastIndexByte(m, '.')
		return m[:i] + "&#46;"
	})
	// An empty line ends a paragraph; inside one it is kept as a forced break.
	return regexpBlank.ReplaceAllString(s, "\n")
}

var (
	regexpBlank = regexp.MustCompile(`\n[ \t]*\n+`)
	wikiHeading = regexp.MustCompile(`^\s*h[1-6]\.\s+`)
	wikiBullet  = regexp.MustCompile(`^\s*[*#-]+\s+`)
	wikiMacro   = regexp.MustCompile(`^\s*\{(code|noformat|quote|panel|color)(:[^}]*)?\}\s*$`)
	wikiLink    = regexp.MustCompile(`\[([^\[\]|~]*)\|([^\[\]|]+)(?:\|[^\[\]]*)?\]`)
	wikiEntity  = regexp.MustCompile(`&(?:#(\d{1,6})|amp|lt|gt|quot);`)
	wikiInline  = regexp.MustCompile(`\{\*\}|\{\{|\}\}`)
	wikiEscaped = regexp.MustCompile(`\\[^\sA-Za-z0-9\\]|\x{e000}`)
)

const escapedHolder = rune(0xe000) // private use: stands for a character that must not be read again

// PlainWiki reads the text of wiki markup: escapes undone, markers of headings
// and code removed, lists with "- ", cells separated by " | ".
func PlainWiki(s string) string {
	var out []string
	code := false
	for _, line := range strings.Split(Clean(s), "\n") {
		if m := wikiMacro.FindStringSubmatch(line); m != nil {
			if m[1] == "code" || m[1] == "noformat" {
				code = !code
			}
			continue
		}
		if !code {
			line = plainWikiLine(line)
		} else {
			line = strings.ReplaceAll(line, "{\u200b", "{")
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

func plainWikiLine(line string) string {
	var held []rune
	line = wikiEscaped.ReplaceAllStringFunc(line, func(m string) string {
		r := []rune(m)
		held = append(held, r[len(r)-1]) // the escaped character, or a holder that was in the text itself
		return string(escapedHolder)
	})
	switch {
	case wikiHeading.MatchString(line):
		line = wikiHeading.ReplaceAllString(line, "")
	case wikiBullet.MatchString(line):
		line = "- " + wikiBullet.ReplaceAllString(line, "")
	}
	line = wikiLink.ReplaceAllString(line, "$1")
	if strings.HasPrefix(line, "|") {
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, "||", "|"), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		line = strings.Join(cells, " | ")
	}
	line = wikiInline.ReplaceAllString(line, "")
	i := 0
	line = strings.Map(func(r rune) rune {
		if r == escapedHolder && i < len(held) {
			i++
			return held[i-1]
		}
		return r
	}, line)
	return wikiEntity.ReplaceAllStringFunc(line, unentity)
}

func unentity(m string) string {
	switch m {
	case "&amp;":
		return "&"
	case "&lt;":
		return "<"
	case "&gt;":
		return ">"
	case "&quot;":
		return `"`
	}
	n := 0
	for _, r := range m[2 : len(m)-1] {
		n = n*10 + int(r-'0')
	}
	if n < 32 || n > 0x10ffff {
		return m
	}
	return Clean(string(rune(n)))
}
