package interchange_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// TestForeignModelsInOurYAML checks that models of other tools are known by their
// content and survive our own file format.
func TestForeignModelsInOurYAML(t *testing.T) {
	t.Parallel()
	for folder, format := range map[string]interchange.Format{"otm": imported.OTM, "tm7": imported.TM7} {
		files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "samples", folder), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			name := filepath.Base(path)
			if name == "SOURCES.md" || strings.Contains(name, "schema") || strings.Contains(name, "NEGATIVE") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				i := read(t, file(t, path))
				if i.Format != format {
					t.Errorf("format = %s, want %s", i.Format, format)
				}
				roundTrip(t, i.Model)
			})
		}
	}
}
