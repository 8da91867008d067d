package licences_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/licences"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// The notices name what is inside at the version that is inside: the modules of
// the program and the packages of the page. `make notices` writes them anew.
func TestNoticesNameEverything(t *testing.T) {
	t.Parallel()
	root := sharedtest.Root(t)
	have := map[string]bool{}
	for line := range strings.Lines(licences.Notices()) {
		have[strings.TrimSpace(line)] = true
	}
	n := 0
	want := func(name string) {
		n++
		if !have[name] {
			t.Errorf("the notices lack %s; run make notices", name)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/threatloop")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if m := strings.TrimSpace(line); m != "" && !seen[m] {
			seen[m] = true
			want(m)
		}
	}
	data, err := os.ReadFile(filepath.Join(root, "web", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct {
			Version                    string
			Dev, DevOptional, Optional bool
		}
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	for path, p := range lock.Packages {
		if path == "" || p.Dev || p.DevOptional || p.Optional || strings.Contains(path, "/@types/") {
			continue
		}
		want("npm " + path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):] + " " + p.Version)
	}
	if n < 100 {
		t.Errorf("%d modules and packages were looked for, expected more than 100", n)
	}
}
