package library

import (
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"strings"
	"testing"

	starter "github.com/threatloop/threatloop/library"
)

// firstDifference names the first place where two trees are not the same; "" is nowhere.
func firstDifference(want, got *node) string {
	if a, b := *want, *got; true {
		a.items, b.items = nil, nil
		if !reflect.DeepEqual(a, b) || len(want.items) != len(got.items) {
			return fmt.Sprintf("%+v with %d items, want %+v with %d", b, len(got.items), a, len(want.items))
		}
	}
	for i := range want.items {
		if d := firstDifference(&want.items[i], &got.items[i]); d != "" {
			return d
		}
	}
	return ""
}

// fully reads a text as the whole parser does; nil where that refuses it.
func fully(content string) *node {
	d := &document{problems: &problems{}}
	body := d.full(content)
	if len(d.list) > 0 {
		return nil
	}
	return body
}

// sameAsFull holds quickYAML to the whole parser; it tells whether it read the text.
func sameAsFull(t *testing.T, name, content string) bool {
	t.Helper()
	got := quickYAML(content)
	if got == nil {
		return false
	}
	want := fully(content)
	if want == nil {
		t.Errorf("%s: quickYAML(%q) = %+v, the whole parser refuses it", name, content, got)
		return true
	}
	if d := firstDifference(want, got); d != "" {
		t.Errorf("%s: quickYAML(%.80q) has %s", name, content, d)
	}
	return true
}

// TestQuickYAMLReadsTheLibrary: the library inside the program has no file for the whole parser.
func TestQuickYAMLReadsTheLibrary(t *testing.T) {
	t.Parallel()
	err := fs.WalkDir(starter.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(starter.Files, name)
		if err == nil && !sameAsFull(t, name, string(content)) {
			t.Errorf("%s is written in a way that only the whole parser reads: each start of the program waits for it", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tricky are texts near the border of what quickYAML reads.
var tricky = []string{
	"a: 1\n", "a: -1\nb: +1\nc: 0x1f\nd: 1e3\ne: 1.5\nf: 1_000\ng: 007\nh: 5.0.0\n", "a: 123456789012345678901234567890\n", "a: 12:30\nb: 2024-01-01\n", "a: ~\nb: null\nc:\n", "a: yes\nb: True\nc: .inf\n",
	"a: it's # a comment\nb: x#y\nc: 'q' # z\n", "a: b: c\n", "a: b:\n", "a: b\n c\n", "a: b\n\n  c\n", "a: [x, y\n  , z]\n", "a: [x,]\n", "a: [,]\n", "a: {b: c, d: [e, {f: g}], h: {}, i: []}\n", "a: {b:c}\n", "a: {b}\n",
	"a: [b c, d:e, f'g, h\"i]\n", "a: [x] y\n", "a: \"x\" y\n", "a: \"x\\n\"\n", "a: 'x''y'\n", "a: \"x\n  y\"\n", "a: &b c\nd: *b\n", "a: !t b\n", "a: |\n  x\n\n  y\n", "a: |\n  x\n\n\nb: c\n", "a: |-\n  x\n   y\nb: >\n  x\n  y\n\n  z\n", "a: >\n  x\n   y\n", "a: |\n x\n  \nb: y\n", "a: |+\n  x\n\n",
	"a: |\n\n  x\n", "a: |\nb: c\n", "a: | # c\n  x\n", "a: |\n  # text\n# none\n", "a:\n- b\n- c\nd: e\n", "a:\n  - b: c\n    d: e\n  - f\n", "a:\n  - - b\n", "a:\n  -\n    b: c\n", "a:\n  - b:\n    - c\n    d: e\n", "- a\n- b\n", "a:\n  b: c\n d: e\n", "a:\n  b: c\n# x\n   # y\n  d: e\n", "---\na: b\n", "a: b\n---\nc: d\n",
	"a: b\n...\n", "a: b", " a: b\n", "a: \u00fcber\nb: [\u00fc, {c: \u00fc, d: e}]\n", "\u00fc: a\n", "a:\tb\n", "a: b\r\n", "? a\n: b\n", "a: -\n", "a: - b\n", "a: @b\n", "a: `b`\n", "a: %b\n", "a: b %\n", "a: /b\nc: (d)\n", "<<: {a: b}\n", "a: b\na: c\n", "true: x\n1: y\n1.0: z\n", "a : b\n", "a/b: c\n", "a: {\"b\": c}\n", "a: [-1, - b]\n", "a: -b\n",
	"a: >-\n  x\n  - y\n  z: w\n", "a:\n  - |\n    x\n  - >-\n    y\n", "a:\n  - b: |\n      x\n    c: d\n", "a:\n- |\n x\n", "a: x\nb: y # \n", "a: [ b , c ] # d\n", "a: [b#c, d #e]\n", "a:   # c\n  b: d\n", "a: b\n#c\n\n\n", "a: 'b' 'c'\n", "a: {b: 'c', d: \"e\"}\n", "a: {b: , c: d}\n", "a: b ? c\n", "a: b, c\n", "a: 0b11\nb: 0o7\nc: -0x1\n", "a: 1 2\nb: 1-2\nc: 3/4\n",
	"a: no-b\nb: a.b\nc: a&b\nd: a*b\ne: a!b\nf: a|b\ng: a>b\nh: a%b\ni: a@b\nj: a`b\nk: a=b\n", "a: [a&b, c*d, e!f, g|h, i>j, k%l, m@n, o`p, q?r, s=t]\n", "a: x:y\nb: x::y\nc: http://x/y\n", "a: [x:y, x::y, http://x/y, x:]\n",
}

// TestQuickYAMLReadsAlike: what quickYAML reads, it reads like the whole parser, and most of what is usual it reads.
func TestQuickYAMLReadsAlike(t *testing.T) {
	t.Parallel()
	read := 0
	for _, text := range tricky {
		if sameAsFull(t, "tricky", text) {
			read++
		}
	}
	if read < len(tricky)/3 {
		t.Errorf("quickYAML reads %d of %d texts, want a third at least", read, len(tricky))
	}
}

// TestExplicitKey holds the quick look for marked keys to what it stands for.
func TestExplicitKey(t *testing.T) {
	t.Parallel()
	marked := regexp.MustCompile(`(?m)^[- ]*\?\s`)
	for text, want := range map[string]bool{
		"? a\n: b\n": true, "a:\n  ? b\n": true, "- ? a\n": true, "a: b\n- - ?\n": true, "a?\n? b\n": true,
		"": false, "?": true, "a: why?\n": false, "a: why? b\n": false, "a ?\n": false, "?a: b\n": false, "a:\n  why? ? no\n": false, "a: -? b\n": false,
	} {
		if got := explicitKey(text); got != want || text != "?" && got != marked.MatchString(text) {
			t.Errorf("explicitKey(%q) = %t, want %t", text, got, want)
		}
	}
}

// FuzzQuickYAML: no text breaks the reader, and what it reads has places in the text.
func FuzzQuickYAML(f *testing.F) {
	for _, text := range tricky {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := int32(strings.Count(text, "\n") + 1)
		var walk func(n *node)
		walk = func(n *node) {
			if n.line < 1 || n.line > lines || n.column < 1 {
				t.Errorf("quickYAML(%q) has a node at %d:%d, of %d lines", text, n.line, n.column, lines)
			}
			for i := range n.items {
				walk(&n.items[i])
			}
		}
		if body := quickYAML(text); body != nil {
			walk(body)
		}
	})
}
