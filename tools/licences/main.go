// Command licences writes the licence texts of every module that the binary
// links, from the module cache:
//
//	go run tools/licences/main.go > internal/licences/notices.txt
//
// Run it in the repository's root (it belongs to neither module: it
// uses the standard library only). It fails when a module has no licence file.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

type module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *module
}

func main() {
	log.SetFlags(0)
	modules, err := linked()
	if err != nil {
		log.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "Threatloop is licensed under the Apache License 2.0. It contains the Go standard library\n"+
		"and %d modules, under the licences that follow. River (github.com/riverqueue/river) is under the\n"+
		"Mozilla Public License 2.0; its source is at https://github.com/riverqueue/river and unchanged here.\n", len(modules))
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		log.Fatalf("go env: %v", err)
	}
	std := module{Path: "The Go standard library", Dir: strings.TrimSpace(string(goroot))}
	seen := map[string]string{}
	for _, m := range append([]module{std}, modules...) {
		if err := write(&out, m, seen); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := os.Stdout.Write(out.Bytes()); err != nil {
		log.Fatal(err)
	}
}

// linked returns the modules of the packages that the program needs, sorted by
// path. -e: a package that does not compile hides no licence.
func linked() ([]module, error) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=Module", "./cmd/threatloop", "./internal/server")
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	seen := map[string]module{}
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var p struct{ Module *module }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if m := p.Module; m != nil && !m.Main {
			if m.Replace != nil {
				m.Dir = m.Replace.Dir
			}
			seen[m.Path] = *m
		}
	}
	all := make([]module, 0, len(seen))
	for _, m := range seen {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-._].*)?$`)

// write adds the texts of a module. One that was there already is only referred
// to; seen holds where each text stands first.
func write(out *bytes.Buffer, m module, seen map[string]string) error {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	fmt.Fprintf(out, "\n%s\n%s\n", strings.Repeat("=", 80), strings.TrimSpace(m.Path+" "+m.Version))
	found := false
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		found = true
		words := strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))
		if first := seen[words]; first != "" {
			fmt.Fprintf(out, "\n%s: the same text as that of %s above.\n", e.Name(), first)
			continue
		}
		seen[words] = m.Path
		fmt.Fprintf(out, "\n%s\n", words)
	}
	if !found {
		return fmt.Errorf("%s: no licence file in the module", m.Path)
	}
	return nil
}
