// Package htmltext turns the HTML of other tools' descriptions into Markdown.
// Text that is no HTML comes back as it is: only tags that are known are
// touched, so that "a < b" survives.
package htmltext

import (
	"html"
	"regexp"
	"strconv"
	"strings"
)

// tag is one tag of HTML with its name and attributes.
var tag = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z-]+(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))?)*)\s*/?>`)

var (
	href    = regexp.MustCompile(`(?i)\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`)
	blanks  = regexp.MustCompile(`[ \t]+`)
	newline = regexp.MustCompile(` *\n *`)
	gaps    = regexp.MustCompile(`\n{3,}`)
)

// inline are the tags whose content stands between two marks.
var inline = map[string]string{"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`", "tt": "`"}

// dropped are tags that go and leave their content.
var dropped = map[string]bool{"u": true, "span": true, "font": true, "small": true, "sub": true, "sup": true, "s": true, "label": true, "tbody": true, "thead": true, "table": true, "center": true}

// blocks are tags that begin a paragraph.
var blocks = map[string]bool{"p": true, "div": true, "section": true, "article": true, "tr": true, "blockquote": true}

// silent are tags whose content is no text for people.
var silent = map[string]bool{"script": true, "style": true, "head": true, "title": true}

// Markdown returns the text with the HTML in it as Markdown. Unknown tags stay as written.
func Markdown(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	places := tag.FindAllStringSubmatchIndex(s, -1)
	known := false
	for _, p := range places {
		known = known || isKnown(strings.ToLower(s[p[4]:p[5]]))
	}
	if !known {
		return strings.TrimSpace(entities(s))
	}
	w := writer{}
	at := 0
	for _, p := range places {
		name := strings.ToLower(s[p[4]:p[5]])
		if !isKnown(name) {
			continue
		}
		w.text(s[at:p[0]])
		w.tag(name, p[3] > p[2], s[p[6]:p[7]])
		at = p[1]
	}
	w.text(s[at:])
	return w.String()
}

// Line returns the text on one line without any mark, for titles.
func Line(s string) string {
	s = tag.ReplaceAllStringFunc(s, func(t string) string {
		m := tag.FindStringSubmatch(t)
		name := strings.ToLower(m[2])
		if !isKnown(name) {
			return t
		}
		if inline[name] != "" || dropped[name] || name == "a" {
			return ""
		}
		return " "
	})
	return strings.Join(strings.Fields(entities(s)), " ")
}

// entities resolves entities where there are any, and takes the no-break blanks that stand for blanks.
func entities(s string) string {
	if strings.Contains(s, "&") {
		s = html.UnescapeString(s)
	}
	return strings.ReplaceAll(s, "\u00a0", " ")
}

func isKnown(name string) bool {
	if inline[name] != "" || dropped[name] || blocks[name] || silent[name] {
		return true
	}
	switch name {
	case "br", "hr", "ul", "ol", "li", "a", "pre", "img", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6":
		return true
	}
	return false
}

type list struct {
	ordered bool
	n       int
}

type writer struct {
	b      strings.Builder
	lists  []list
	link   string
	pre    bool
	silent int
}

func (w *writer) text(s string) {
	if w.silent > 0 || s == "" {
		return
	}
	s = entities(s)
	if !w.pre {
		s = newline.ReplaceAllString(blanks.ReplaceAllString(s, " "), "\n")
		if len(w.lists) > 0 { // a line break in a list's source is a blank
			s = strings.ReplaceAll(s, "\n", " ")
			if strings.TrimSpace(s) == "" {
				return
			}
			s = blanks.ReplaceAllString(s, " ")
			if w.fresh() {
				s = strings.TrimLeft(s, " ")
			}
		}
	}
	w.b.WriteString(s)
}

// fresh reports whether nothing stands on the line yet but its mark.
func (w *writer) fresh() bool {
	s := w.b.String()
	return s == "" || strings.HasSuffix(s, "\n") || strings.HasSuffix(s, " ")
}

func (w *writer) paragraph() {
	if w.b.Len() > 0 {
		w.b.WriteString("\n\n")
	}
}

func (w *writer) tag(name string, closing bool, attributes string) {
	switch {
	case silent[name]:
		if closing {
			w.silent = max(0, w.silent-1)
		} else {
			w.silent++
		}
	case w.silent > 0, dropped[name]:
	case inline[name] != "":
		w.b.WriteString(inline[name])
	case blocks[name]:
		if len(w.lists) == 0 {
			w.paragraph()
		}
	default:
		w.other(name, closing, attributes)
	}
}

func (w *writer) other(name string, closing bool, attributes string) {
	switch name {
	case "br":
		if len(w.lists) > 0 {
			w.b.WriteString("\n" + strings.Repeat("  ", len(w.lists)))
			return
		}
		w.b.WriteString("\n")
	case "hr":
		w.paragraph()
		w.b.WriteString("---\n\n")
	case "ul", "ol":
		if !closing {
			w.lists = append(w.lists, list{ordered: name == "ol"})
			if len(w.lists) == 1 {
				w.paragraph()
			}
			return
		}
		if n := len(w.lists); n > 0 {
			w.lists = w.lists[:n-1]
		}
		if len(w.lists) == 0 {
			w.paragraph()
		}
	case "li":
		if !closing {
			w.item()
		}
	case "a":
		w.anchor(closing, attributes)
	case "pre":
		w.pre = !closing
		w.b.WriteString("\n```\n")
	case "td", "th":
		if closing {
			w.b.WriteString(" ")
		}
	case "img":
	default: // h1 to h6
		w.paragraph()
		if !closing {
			w.b.WriteString("### ")
		}
	}
}

func (w *writer) item() {
	n := len(w.lists)
	if n == 0 {
		w.lists = append(w.lists, list{})
		n = 1
	}
	l := &w.lists[n-1]
	l.n++
	if s := w.b.String(); s != "" && !strings.HasSuffix(s, "\n") {
		w.b.WriteString("\n")
	}
	mark := "- "
	if l.ordered {
		mark = strconv.Itoa(l.n) + ". "
	}
	w.b.WriteString(strings.Repeat("  ", n-1) + mark)
}

func (w *writer) anchor(closing bool, attributes string) {
	if !closing {
		m := href.FindStringSubmatch(attributes)
		if m == nil {
			return
		}
		target := html.UnescapeString(m[1] + m[2] + m[3])
		if !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "https://") && !strings.HasPrefix(target, "mailto:") {
			return // a script or a place in another tool
		}
		w.link = strings.NewReplacer(" ", "%20", "(", "%28", ")", "%29", "<", "%3C", ">", "%3E").Replace(target)
		w.b.WriteString("[")
		return
	}
	if w.link != "" {
		w.b.WriteString("](" + w.link + ")")
		w.link = ""
	}
}

// String returns what was written, tidied: no blanks at the ends of lines, no
// gaps of several lines, no empty marks.
func (w *writer) String() string {
	if w.link != "" {
		w.b.WriteString("](" + w.link + ")")
	}
	lines := strings.Split(w.b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.TrimSpace(gaps.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}
