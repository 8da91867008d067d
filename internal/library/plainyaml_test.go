package library

import (
	"io/fs"
	"strings"
	"testing"

	starter "github.com/threatloop/threatloop/library"
)

// sameAsOthers holds plainYAML to the parsers that other files are read with; it tells whether it read the text.
func sameAsOthers(t *testing.T, name, content string) bool {
	t.Helper()
	got := plainYAML(content)
	if got == nil {
		return false
	}
	want := quickYAML(content)
	if want == nil {
		want = fully(content)
	}
	if want == nil {
		t.Errorf("%s: plainYAML(%.80q) = %+v, the other parsers refuse it", name, content, got)
		return true
	}
	if d := firstDifference(want, got); d != "" {
		t.Errorf("%s: plainYAML(%.80q) has %s", name, content, d)
	}
	return true
}

// TestPlainYAMLReadsTheLibrary: every file of the library inside the program is read by plainYAML, and read right.
func TestPlainYAMLReadsTheLibrary(t *testing.T) {
	t.Parallel()
	err := fs.WalkDir(starter.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(starter.Files, name)
		if err == nil && !sameAsOthers(t, name, string(content)) {
			t.Errorf("%s is written in a way that only slower parsers read: each start of the program waits for it", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlainYAMLReadsAlike: what plainYAML reads, it reads like the others, and half of what is tricky it leaves to them.
func TestPlainYAMLReadsAlike(t *testing.T) {
	t.Parallel()
	read := 0
	for _, text := range tricky {
		if sameAsOthers(t, "tricky", text) {
			read++
		}
	}
	if read < len(tricky)/4 {
		t.Errorf("plainYAML reads %d of %d texts, want a quarter at least", read, len(tricky))
	}
}

// FuzzPlainYAML: no text is read by plainYAML in another way than by the others.
func FuzzPlainYAML(f *testing.F) {
	for _, text := range tricky {
		f.Add(text)
		f.Add(strings.ReplaceAll(text, "\n", "\n  "))
	}
	f.Fuzz(func(t *testing.T, text string) { sameAsOthers(t, "fuzz", text) })
}
