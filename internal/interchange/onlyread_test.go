package interchange_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// TestModelsThatAreOnlyRead checks that Threagile's, IriusRisk's, pytm's and
// draw.io's files are known by their content and survive our own file format.
func TestModelsThatAreOnlyRead(t *testing.T) {
	t.Parallel()
	var all []struct {
		path   string
		format interchange.Format
	}
	add := func(format interchange.Format, paths ...string) {
		for _, path := range paths {
			all = append(all, struct {
				path   string
				format interchange.Format
			}{path, format})
		}
	}
	add(imported.Threagile, filepath.Join("threagile", "testdata", "decisions.yaml"), filepath.Join("threagile", "testdata", "dialect-0.9.yaml"))
	add(imported.IriusRisk, filepath.Join("iriusrisk", "testdata", "project-2016.xml"))
	add(imported.PyTM, filepath.Join("pytm", "testdata", "shop.json"))
	add(imported.DrawIO, filepath.Join("drawio", "testdata", "shop.drawio"))
	models, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "samples", "threagile"), "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	add(imported.Threagile, models...)
	add(imported.Threagile, sharedtest.Dir(t, "samples", "threagile", "split-includes", "main.yaml"))
	add(imported.IriusRisk, sharedtest.Dir(t, "samples", "iriusrisk-library", "template-SaaS_Application_AWS.xml"))
	for _, c := range all {
		t.Run(filepath.Base(c.path), func(t *testing.T) {
			t.Parallel()
			i, err := interchange.Read(file(t, c.path), interchange.Options{Name: filepath.Base(c.path), Files: os.DirFS(filepath.Dir(c.path))})
			if err != nil {
				t.Fatalf("Read = %v", err)
			}
			if i.Format != c.format {
				t.Errorf("format = %s, want %s", i.Format, c.format)
			}
			roundTrip(t, i.Model)
		})
	}
}

func TestReadNamesAnIriusRiskLibrary(t *testing.T) {
	t.Parallel()
	_, err := interchange.Read([]byte(`<?xml version="1.0"?><library ref="a" name="b"></library>`), interchange.Options{})
	if err == nil || !strings.Contains(err.Error(), "IriusRisk library") {
		t.Errorf("Read(library) = %v, want a word on what it is", err)
	}
}
