package cursor

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/threatloop/threatloop/internal/fault"
	"pgregory.net/rapid"
)

// events writes an XML stream as one line per event.
func events(t testing.TB, r io.Reader) []string {
	t.Helper()
	decoded, err := Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	x := NewXML(decoded, 50)
	var out []string
	for {
		kind, err := x.Next()
		switch {
		case err == io.EOF:
			return out
		case err != nil:
			return append(out, "error "+err.Error())
		case kind == Start:
			s := "<" + x.Name()
			for _, a := range x.attrs {
				s += " " + a.name + "=" + a.value
			}
			out = append(out, s)
		case kind == End:
			out = append(out, "/"+x.Name())
		default:
			out = append(out, x.Data())
		}
	}
}

func TestXML(t *testing.T) {
	t.Parallel()
	text := "<?xml version='1.0'?>\n<!-- <no/> -- --><a:r x:p='1' q=\"a&lt;b&#10;&#x41;&amp;&nbsp;&\"  bare><e/>t&gt;<![CDATA[<c>]]x]]>\x01é\n<f></f ></a:r>\n<!-- end -->"
	want := []string{"<r p=1 q=a<b\nA&&nbsp;&", "<e", "/e", "t>", "<c>]]x", "é\n", "<f", "/f", "/r"}
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)), "data with error": iotest.DataErrReader(strings.NewReader(text)),
	} {
		if diff := cmp.Diff(want, events(t, r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestXMLErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<a>\n<b": "error line 2: the file ends inside <a>", "<a>text": "error line 1: the file ends inside <a>", "": "error line 1: the file holds no element",
		"<a></b>": "error line 1: </b> where </a> was expected", "</a>": "error line 1: </a> where the end of the file was expected",
		"<a/><b/>": "error line 1: <b> after the end of the document", "<a><![CDATA[x": "error line 1: the file ends inside <a>", "<a b='": "error line 1: the file ends inside the prologue",
		"<a><!--": "error line 1: the file ends inside <a>",
	} {
		got := events(t, strings.NewReader(text))
		if len(got) == 0 || got[len(got)-1] != want {
			t.Errorf("events(%q) = %q, want the last to be %q", text, got, want)
		}
	}
	broken := errors.New("disk on fire")
	got := events(t, io.MultiReader(strings.NewReader("<a><b/>"), iotest.ErrReader(broken)))
	if want := "disk on fire"; !strings.Contains(got[len(got)-1], want) {
		t.Errorf("events(failing stream) = %q, want %q in the last", got, want)
	}
}

func TestLongTokensAreCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*MaxToken)
	got := events(t, strings.NewReader("<a p='"+long+"'>"+long+"<![CDATA["+long+"]]><!--"+long+"--><?"+long+"?><b/></a>"))
	want := []string{"<a p=" + long[:MaxToken], long[:MaxToken], long[:MaxToken], "<b", "/b", "/a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("long tokens (-want +got):\n%.500s", diff)
	}
}

func TestJSONStringsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pad := rapid.IntRange(MaxToken-20, MaxToken+20).Draw(t, "pad")
		escape := rapid.SampledFrom([]string{`\n`, `\"`, `\\`, `\u00e9`, `\ud83d\ude00`, `é`, ``}).Draw(t, "escape")
		text := fmt.Sprintf(`{"a":"%s%s","b":[1, 2]}`, strings.Repeat("x", pad), escape)
		j := NewJSON(iotest.HalfReader(strings.NewReader(text)), 10)
		var a string
		var b []string
		err := j.Object(func(key string) (err error) {
			switch key {
			case "a":
				return j.Into(&a)
			case "b":
				b, err = j.Strings()
			}
			return err
		})
		if err != nil || len(a) > MaxToken+12 || len(a) < min(pad, MaxToken) || !cmp.Equal(b, []string{"1", "2"}) {
			t.Fatalf("a string of %d and %s: %d bytes, then %q, %v", pad, escape, len(a), b, err)
		}
	})
}

func TestJSONIsTolerant(t *testing.T) {
	t.Parallel()
	text := "{\"a\": 1, \"a\": \"2\", \"list\": {\"x\": \"\xff\"}, \"none\": null, \"wrong\": [1], \"n\": \"12\", \"t\": \"TRUE\"}"
	j := NewJSON(strings.NewReader(text), 10)
	got := map[string]string{}
	err := j.Object(func(key string) error {
		switch key {
		case "list", "none":
			return j.List(func() error {
				return j.Object(func(inner string) error {
					s, err := j.String()
					got[key+"."+inner] += s
					return err
				})
			})
		case "n":
			n, err := j.Int()
			got[key] = fmt.Sprint(n)
			return err
		case "t":
			b, err := j.Bool()
			got[key] = fmt.Sprint(b)
			return err
		}
		s, err := j.String()
		got[key] += s
		return err
	})
	want := map[string]string{"a": "12", "list.x": "\ufffd", "wrong": "", "n": "12", "t": "true"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := j.End(); err != nil {
		t.Errorf("End() = %v, want nil", err)
	}
}

func TestJSONBroken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"a": `, `{"a": [1, 2`, `{"a": "b`, `{"a" 1}`, `[1, 2]]`, `{"a": 1} x`, `{"a": "b"c"}`} {
		j := NewJSON(strings.NewReader(text), 10)
		err := j.List(j.Skip)
		if err == nil {
			err = j.End()
		}
		if AsBroken(err) == nil {
			t.Errorf("reading %q = %v, want a Broken", text, err)
		}
	}
	j := NewJSON(strings.NewReader(strings.Repeat("[", 12)), 10)
	if err := j.Skip(); !fault.Is(err, fault.TooLarge) {
		t.Errorf("deep nesting = %v, want too_large", err)
	}
}

func TestDecodeNeverStalls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		for _, size := range []int{1, 2, 3, 5, 64} {
			r, err := Decode(strings.NewReader(string(data)))
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, size)
			total := 0
			for n := 0; ; n++ {
				k, err := r.Read(buf)
				total += k
				if err == io.EOF {
					break
				}
				if err != nil || n > 4*len(data)+8 {
					t.Fatalf("Read %d of %d bytes in pieces of %d = %v", n, len(data), size, err)
				}
			}
			if total > 4*len(data)+4 {
				t.Fatalf("%d bytes became %d", len(data), total)
			}
		}
	})
}
