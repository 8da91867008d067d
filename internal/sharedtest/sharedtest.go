// Package sharedtest finds the real-world samples and published standards that
// live beside the repository and are never copied into it. Only tests use it.
package sharedtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the path of an existing file or folder under the shared material:
// $THREATLOOP_SHARED, or "../shared" beside the repository's root. Where it is
// absent the test is skipped, or failed if THREATLOOP_REQUIRE_SHARED=1.
func Dir(t testing.TB, elem ...string) string {
	t.Helper()
	base := os.Getenv("THREATLOOP_SHARED")
	if base == "" {
		base = filepath.Join(Root(t), "..", "shared")
	} else if !filepath.IsAbs(base) {
		base = filepath.Join(Root(t), base)
	}
	path := filepath.Join(append([]string{base}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("THREATLOOP_REQUIRE_SHARED") == "1" {
			t.Fatalf("shared material is required and absent: %s", path)
		}
		t.Skipf("shared material is absent: %s", path)
	}
	return path
}

// Root returns the repository's root: the nearest parent folder with a go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("working directory: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}
