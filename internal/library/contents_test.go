package library_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
)

const contents = "contents:\n  types: [web]\n  rules: [r]\n"

func TestContents(t *testing.T) {
	t.Parallel()
	r := rule("for: flow\napply: [inj]" + tail)
	for _, tc := range []struct {
		name     string
		files    map[string]string
		own      map[string]string
		want     string
		warnings []string
	}{
		{"all there", map[string]string{"r.yaml": r, "contents.yaml": contents}, nil, "", nil},
		{"a lost rule", map[string]string{"contents.yaml": contents}, nil, `base/contents.yaml:3:11: contents: no file has the rule "r"`, nil},
		{"a misspelt entry", map[string]string{"r.yaml": strings.Replace(r, "rule: r", "rule: rr", 1), "contents.yaml": contents}, nil, `base/contents.yaml:3:11: contents: no file has the rule "r"; did you mean "rr"?`, nil},
		{"one more", map[string]string{"r.yaml": r, "contents.yaml": contents, "x.yaml": "type: x\nname: X\nkind: store\n"}, nil, "", []string{`base/x.yaml:1:1: component type "x" is not in the contents at base/contents.yaml:2:10`}},
		{"taken out above", map[string]string{"r.yaml": r, "contents.yaml": contents}, map[string]string{"r.yaml": "rules: [{rule: r, remove: true}]\n"}, "", nil},
		{"more above", map[string]string{"r.yaml": r, "contents.yaml": contents}, map[string]string{"x.yaml": "type: x\nname: X\nkind: store\n"}, "", nil},
		{"lost above", map[string]string{"r.yaml": r}, map[string]string{"c.yaml": "contents: {types: [web]}\n"}, `own/c.yaml:1:20: contents: no file has the component type "web"`, nil},
		{"listed twice", map[string]string{"r.yaml": r, "contents.yaml": strings.Replace(contents, "[r]", "[r, r]", 1)}, nil, `base/contents.yaml:3:14: rules: "r" is listed twice`, nil},
		{"another list", map[string]string{"contents.yaml": "contents: {typs: [web]}\n"}, nil, `base/contents.yaml:1:12: contents: unknown key "typs"; did you mean "types"?`, nil},
	} {
		layers := []library.Layer{{Name: "base", Files: files(tc.files)}}
		if tc.own != nil {
			layers = append(layers, layer("own", tc.own))
		}
		l, err := library.LoadLayers(layers...)
		if tc.want != "" {
			if f := fault.As(err); f == nil || len(f.Fields) != 1 || !strings.HasPrefix(f.Fields[0].Where+": "+f.Fields[0].Text, tc.want) {
				t.Errorf("%s: LoadLayers = %v, want %s", tc.name, err, tc.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: LoadLayers = %v, want no error", tc.name, err)
			continue
		}
		var got []string
		for _, w := range l.Warnings {
			if !strings.Contains(w.Text, "brought by no rule") {
				got = append(got, w.At.String()+": "+w.Text)
			}
		}
		if diff := cmp.Diff(tc.warnings, got); diff != "" {
			t.Errorf("%s: warnings differ (-want +got):\n%s", tc.name, diff)
		}
	}
}

// TestParsedIsTheSame: a folder parsed once loads as if it were read, right or wrong.
func TestParsedIsTheSame(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]map[string]string{
		"right": nil, "wrong": {"types/web.yaml": "type: web\nkind: process\n", "x.yaml": "a: [", "y.yaml": "", "z.yaml": "a: 1\n---\nb: 2\n"},
	} {
		parsed := library.Parse(files(over))
		want, wantErr := library.LoadLayers(library.Layer{Name: "base", Files: files(over)})
		for range 2 { // what one load does leaves no trace for the next
			got, err := library.LoadLayers(library.Layer{Name: "base", Files: parsed})
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%s: LoadLayers(Parse) = %v, want %v", name, err, wantErr)
			}
			if err == nil && got.Digest != want.Digest {
				t.Errorf("%s: LoadLayers(Parse) has the digest %s, want %s", name, got.Digest, want.Digest)
			}
		}
	}
	parsed := library.Parse(files(nil))
	more, err := library.Load(parsed.With(library.Files{"types/web.yaml": "", "x.yaml": "type: x\nname: X\nkind: store\n"}))
	if err != nil || more.Type("x") == nil || more.Type("web") != nil {
		t.Errorf("Load(With) = %v, want x in the place of web", err)
	}
	if same, err := library.Load(parsed); err != nil || same.Type("web") == nil || same.Type("x") != nil {
		t.Errorf("Load = %v, want what was there before With", err)
	}
}

// TestSplitOfWhatIsNoEntry: a later layer's head may have no ref, and contents are a list.
func TestSplitOfWhatIsNoEntry(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"vocabulary: {tags: {x: y}}\n": "head library", "version: 2\n": "head library", contents: "",
		"version: 1\nstandard: s\nname: S\nclauses: []\n": "standard s",
	} {
		pieces, err := library.Split("x.yaml", text)
		got := ""
		for _, p := range pieces {
			got += p.Kind + " " + p.Ref
		}
		if err != nil || got != want {
			t.Errorf("Split(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
}
