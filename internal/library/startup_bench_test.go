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
