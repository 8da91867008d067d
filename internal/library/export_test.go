package library_test

import (
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/library"
)

// TestExportIsTheSameLibrary: of one layer, of a pile and of the starter library.
func TestExportIsTheSameLibrary(t *testing.T) {
	t.Parallel()
	pile, err := library.LoadLayers(base(), layer("own", map[string]string{
		"library.yaml": "version: \"2.0\"\ndescription: |\n  Two\n  lines: with a colon\nvocabulary:\n  tags: {\"no\": \"yes\", x: 'a # b'}\n  categories: {\"house:fraud\": ours}\n  attributes: {level: {values: [\"1\", \"true\", low], for: [flow], text: \"How: much?\"}}\n",
		"web.yaml":     "# ours\n" + types, "r.yaml": "rules: [{rule: r, remove: true}]\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*library.Library{"one layer": loadOver(t, nil), "a pile": pile, "the starter library": starterLibrary(t)} {
		files, err := l.Export()
		if err != nil {
			t.Fatal(err)
		}
		again, err := library.Load(files)
		if err != nil {
			t.Fatalf("Load(Export(%s)) = %v", name, err)
		}
		if got, want := again.Stamp(), l.Stamp(); got != want {
			t.Errorf("%s: exported it is %s, want %s: %v", name, got, want, described(library.Diff(l, again)))
		}
	}
	files, err := pile.Export()
	if err != nil || !strings.HasPrefix(files["types/web.yaml"], "# ours\n") || files["rules/r.yaml"] != "" {
		t.Errorf("Export of the pile has %q and the rule %q (%v), want the comment kept and the rule gone", files["types/web.yaml"], files["rules/r.yaml"], err)
	}
}
