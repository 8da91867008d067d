package demo

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// printer writes the demo's story. The first write error is kept and ends the writing.
type printer struct {
	w     io.Writer
	color bool
	err   error
	last  ratings
	shown bool
}

// The terminal's ways to write.
const (
	bold  = "1"
	faint = "2"
	green = "32"
	red   = "31"
)

func (p *printer) write(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}

func (p *printer) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) heading(n int, title string) {
	before := "\n"
	if n == 1 {
		before = ""
	}
	p.write(before + p.paint(bold, fmt.Sprintf("%d  %s", n, title)) + "\n")
}

// line writes a sentence about what was done.
func (p *printer) line(format string, args ...any) {
	p.write("   " + clean(fmt.Sprintf(format, args...)) + "\n")
}

func (p *printer) gap() { p.write("\n") }

// count writes a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return strconv.Itoa(n) + " " + many
}

// reason writes a remark below a line.
func (p *printer) reason(format string, args ...any) {
	p.write("     " + p.paint(faint, clean(fmt.Sprintf(format, args...))) + "\n")
}

// clean takes out control characters: texts may come from a tracker.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// ratings prints a table of the figures, with what they were where they moved.
func (p *printer) ratings(r ratings) {
	const column = 14
	cell := func(was, is float64, moved bool) string {
		text, code := strconv.FormatFloat(is, 'f', -1, 64), ""
		if moved && was != is {
			text = strconv.FormatFloat(was, 'f', -1, 64) + " → " + text
			code = red
			if is < was {
				code = green
			}
		}
		pad := strings.Repeat(" ", max(0, column-utf8.RuneCountInString(text)))
		if code != "" {
			text = p.paint(code, text)
		}
		return pad + text
	}
	row := func(name string, was, is figures, moved bool) {
		p.write(fmt.Sprintf("   %-20s", name) + cell(was.Inherent, is.Inherent, moved) + cell(was.Verified, is.Verified, moved) +
			cell(was.Current, is.Current, moved) + cell(was.Projected, is.Projected, moved) + "\n")
	}
	p.write("\n" + p.paint(faint, fmt.Sprintf("   %-20s%*s%*s%*s%*s", "ratings, 0 to 100", column, "inherent", column, "verified", column, "current", column, "projected")) + "\n")
	row("product, highest", p.last.highest, r.highest, p.shown)
	row("product, sum", p.last.sum, r.sum, p.shown)
	if r.rated {
		row("SQL injection", p.last.threat, r.threat, p.last.rated)
	}
	p.last, p.shown = r, true
}
