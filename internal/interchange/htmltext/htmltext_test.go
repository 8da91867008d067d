package htmltext_test

import (
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ html, want string }{
		{"plain text", "plain text"},
		{"a < b && c > d", "a < b && c > d"},
		{"<b>bold</b> and <i>slanted</i>", "**bold** and *slanted*"},
		{"<p>one</p>\n\n<p>two</p>", "one\n\ntwo"},
		{"<ul>\n  <li>one</li>\n  <li>two <b>x</b>\n    more</li>\n</ul>\nend", "- one\n- two **x** more\n\nend"},
		{"<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"},
		{`<a href="https://e.org/a b">e</a>`, "[e](https://e.org/a%20b)"},
		{`<a href="javascript:alert(1)">e</a>`, "e"},
		{"&lt;script&gt; &amp; more", "<script> & more"},
		{"<script>alert(1)</script>text", "text"},
		{"<T> stays", "<T> stays"},
		{"line<br/>break", "line\nbreak"},
	} {
		if got := htmltext.Markdown(c.html); got != c.want {
			t.Errorf("Markdown(%q) = %q, want %q", c.html, got, c.want)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ html, want string }{
		{"<b>Example</b> at <b>Database</b>", "Example at Database"},
		{"one<br>two\nthree", "one two three"},
		{"List<T> &amp; more", "List<T> & more"},
	} {
		if got := htmltext.Line(c.html); got != c.want {
			t.Errorf("Line(%q) = %q, want %q", c.html, got, c.want)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("<ul><li>a</ul></ul><a href='https://x'>y")
	f.Fuzz(func(t *testing.T, s string) {
		if got := htmltext.Markdown(s); len(got) > 20*len(s)+100 || strings.TrimSpace(got) != got {
			t.Errorf("Markdown(%q) = %q: too long or not trimmed", s, got)
		}
	})
}
