package xmltree_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
)

func TestParse(t *testing.T) {
	t.Parallel()
	root, err := xmltree.Parse([]byte("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<a xmlns:x=\"u\">\n  <b n=\"1\">x &amp; <x:c x:k=\"v\"/>y&nbsp;z</b>\n  <b n=\"2\"/>\n</a>"), imported.Options{Name: "f.xml"})
	if err != nil {
		t.Fatalf("Parse = %v", err)
	}
	b := root.Child("b")
	for _, c := range []struct{ what, got, want string }{
		{"root", root.Name, "a"},
		{"attribute", b.Attr("n"), "1"},
		{"text", b.Text(), "x & y\u00a0z"},
		{"prefix taken off", b.Child("c").Attr("k"), "v"},
		{"place", b.At(imported.Options{Name: "f.xml"}), "f.xml:3:3"},
		{"absent", root.Child("no", "way").Attr("n"), ""},
		{"second", root.All("b")[1].Attr("n"), "2"},
	} {
		if c.got != c.want {
			t.Errorf("%s = %q, want %q", c.what, c.got, c.want)
		}
	}
	if n := len(root.Attrs); n != 0 {
		t.Errorf("root has %d attributes, want none: a namespace is no attribute", n)
	}
}

func TestParseLatin1(t *testing.T) {
	t.Parallel()
	root, err := xmltree.Parse([]byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a n=\"M\xfcller\"/>"), imported.Options{})
	if err != nil || root.Attr("n") != "Müller" {
		t.Errorf("Parse = %v, %v, want Müller", root, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, at, words string }{
		{"entities", "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY b \"c\">]>\n<a>&b;</a>", "f.xml:2:1", "document type"},
		{"an unknown entity", "<a>\n&b;</a>", "f.xml:2", "entity"},
		{"a cut file", "<a>\n <b>", "f.xml:2", "cut off"},
		{"a wrong end", "<a>\n</b>", "f.xml:2", "closed by"},
		{"two roots", "<a/>\n<b/>", "f.xml:2:1", "second root"},
		{"depth", strings.Repeat("<a>", 70), "f.xml:1", "deeper"},
		{"no element", "  ", "f.xml:1:1", "no XML"},
		{"an encoding", "<?xml version=\"1.0\" encoding=\"EBCDIC\"?><a/>", "f.xml:1", "encoding"},
		{"attributes", "<a" + manyAttributes() + "/>", "f.xml:1:1", "attributes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := xmltree.Parse([]byte(c.text), imported.Options{Name: "f.xml"})
			var f *fault.Error
			if !errors.As(err, &f) || len(f.Fields) != 1 || !strings.HasPrefix(f.Fields[0].Where, c.at) || !strings.Contains(f.Fields[0].Text, c.words) {
				t.Errorf("Parse = %+v, want a fault at %s with %q", err, c.at, c.words)
			}
		})
	}
}

func manyAttributes() string {
	var b strings.Builder
	for i := range 300 {
		b.WriteString(" a")
		b.WriteString(strings.Repeat("x", i))
		b.WriteString("=''")
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<a b='c'>d<e/></a>"))
	f.Add([]byte("<?xml version=\"1.0\" encoding=\"latin1\"?><a>\xff</a>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := xmltree.Parse(data, imported.Options{})
		if (root == nil) == (err == nil) {
			t.Fatalf("Parse(%q) = %v, %v, want one of both", data, root, err)
		}
	})
}
