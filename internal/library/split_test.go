package library

import (
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	starter "github.com/threatloop/threatloop/library"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, content string
		want          []Piece
	}{
		{"head", "ref: x\nname: X\nversion: \"1\"\n", []Piece{{Kind: EntryHead, Ref: HeadRef, Title: "X"}}},
		{"pattern", "# about\npattern: p\nname: P\nthreats: nonsense\n", []Piece{{Kind: EntryPattern, Ref: "p", Title: "P"}}},
		{"removal", "{pattern: p, remove: true}\n", []Piece{{Kind: EntryPattern, Ref: "p", Removed: true}}},
		{"rules", "rules:\n    # first\n    - rule: a\n      title: A\n\n    # second\n    -\n      rule: b\n", []Piece{
			{Kind: EntryRule, Ref: "a", Title: "A", Text: "rules:\n    # first\n    - rule: a\n      title: A\n"},
			{Kind: EntryRule, Ref: "b", Text: "rules:\n    # second\n    -\n      rule: b\n"},
		}},
		{"rules at the margin", "rules:\n- rule: a\n  title: |\n    A\n\n    B\n- rule: b\n", []Piece{
			{Kind: EntryRule, Ref: "a", Title: "A\n\nB", Text: "rules:\n- rule: a\n  title: |\n    A\n\n    B\n"},
			{Kind: EntryRule, Ref: "b", Text: "rules:\n- rule: b\n"},
		}},
	} {
		got, err := Split("f.yaml", tt.content)
		if err != nil {
			t.Errorf("Split(%s) = %v", tt.name, err)
			continue
		}
		for i := range got {
			got[i].At = Position{}
			if got[i].Kind != EntryRule {
				got[i].Text = ""
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Split(%s) (-want +got):\n%s", tt.name, diff)
		}
	}
	for _, content := range []string{"", "- a\n", "title: x\n", "pattern: [\n", "rules: 3\n", "rules: [3]\n"} {
		if got, err := Split("f.yaml", content); err == nil {
			t.Errorf("Split(%q) = %v, want it refused", content, got)
		}
	}
}

// TestSplitKeepsEverything: a library in pieces is the same library.
func TestSplitKeepsEverything(t *testing.T) {
	t.Parallel()
	whole, err := Load(starter.Files)
	if err != nil {
		t.Fatal(err)
	}
	pieces := Files{}
	err = fs.WalkDir(starter.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		content, err := fs.ReadFile(starter.Files, name)
		if err != nil {
			return err
		}
		list, err := Split(name, string(content))
		for _, one := range list {
			pieces[one.Kind+"/"+one.Ref+".yaml"] = one.Text
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(pieces, "head/library.yaml", "rule/untyped-web-application.yaml"); err != nil {
		t.Error(err)
	}
	got, err := Load(pieces)
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != whole.Digest {
		t.Error("the library in pieces has another digest than the whole")
	}
}
