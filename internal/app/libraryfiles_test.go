package app

import (
	"archive/zip"
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A zip may hold two files of one name, and files that say nothing: neither is
// passed over in silence.
func TestImportedEntriesTellEveryFile(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for _, f := range []struct{ name, text string }{
		{"patterns/a.yaml", tinyPattern("first")},
		{"patterns/a.yaml", tinyPattern("second")},
		{"note.yaml", "# later\n"},
		{"list.yaml", "contents:\n  patterns: [first]\n"},
	} {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write([]byte(f.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	items, err := importedEntries("ours.zip", packed.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, i := range items {
		got[i.File+" "+i.Ref] = i.Action + i.Text
	}
	want := map[string]string{
		"patterns/a.yaml first": "",
		"patterns/a.yaml ":      "refusedthe zip holds another file of this name, which is taken",
		"note.yaml ":            "refusedthe file is empty",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("importedEntries (-want +got):\n%s", diff)
	}
}
