package library_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/library"
	starter "github.com/threatloop/threatloop/library"
)

var update = flag.Bool("update", false, "write contents.yaml anew")

// contents lists everything that is in the library.
func contents(lib *library.Library) string {
	refs := map[string][]string{}
	for _, e := range lib.Entries() {
		refs[e.Kind] = append(refs[e.Kind], e.Ref)
	}
	var b strings.Builder
	b.WriteString("# What must be there, so that nothing gets lost unnoticed. `go test ./library -run TestContents -update` writes it anew.\ncontents:\n")
	for _, list := range []struct{ key, kind string }{
		{"types", library.EntryType},
		{"patterns", library.EntryPattern},
		{"rules", library.EntryRule},
		{"questionnaires", library.EntryQuestionnaire},
		{"standards", library.EntryStandard},
	} {
		fmt.Fprintf(&b, "  %s:\n", list.key)
		for _, ref := range refs[list.kind] {
			fmt.Fprintf(&b, "    - %s\n", ref)
		}
	}
	return b.String()
}

func TestContentsListEverything(t *testing.T) {
	t.Parallel()
	const file = "contents.yaml"
	lib, err := library.Load(library.Parse(starter.Files).With(library.Files{file: ""}))
	if err != nil {
		t.Fatal(err)
	}
	want := contents(lib)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s does not list what the library has (%v); run go test ./library -run TestContents -update", file, err)
	}
}
