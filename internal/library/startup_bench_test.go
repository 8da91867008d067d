package library_test

import (
	"testing"

	"github.com/threatloop/threatloop/internal/library"
	shipped "github.com/threatloop/threatloop/library"
)

// BenchmarkLoad reads the library inside the program as each start of it does.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := library.Load(shipped.Files); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoadDraft checks a layer over the library inside the program, which was parsed before.
func BenchmarkLoadDraft(b *testing.B) {
	own := library.Files{"types/web.yaml": "type: own-web\nname: Our web\nkind: process\n"}
	base := library.Parse(shipped.Files)
	for b.Loop() {
		if _, err := library.LoadLayers(library.Layer{Name: "base", Files: base}, library.Layer{Name: "own", Files: own}); err != nil {
			b.Fatal(err)
		}
	}
}
