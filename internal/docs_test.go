package internal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNamedTests holds the tests and scripts that documents name as proof to those
// that there are.
func TestNamedTests(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+|Benchmark\w+|Fuzz\w+)\(`)
	for _, root := range []string{".", filepath.Join("..", "library"), filepath.Join("..", "cmd")} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir():
				return err
			case strings.HasSuffix(path, ".txtar"):
				there[filepath.Base(path)] = true
			case strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, filepath.Join("trackertest", "trackertest.go")):
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
					there[m[1]] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	named := regexp.MustCompile("`(Test[A-Z]\\w*|Benchmark[A-Z]\\w*|Fuzz[A-Z]\\w*|\\w+\\.txtar)(?:/[^`]*)?`")
	n := 0
	for _, pattern := range []string{"*.md", filepath.Join("decisions", "*.md")} {
		files, err := filepath.Glob(filepath.Join("..", "docs", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllStringSubmatch(string(text), -1) {
				if n++; !there[m[1]] {
					t.Errorf("%s names %s, which is not there", file, m[1])
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("documents name %d tests, want the tables found", n)
	}
}
