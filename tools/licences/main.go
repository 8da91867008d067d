// Command licences writes the licence texts of every module that the binary
// links, from the module cache, and of every package in the page, from
// web/node_modules:
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
	// Licence is what a package says of itself; some say it there alone.
	Licence string `json:"-"`
}

func main() {
	log.SetFlags(0)
	modules, err := linked()
	if err != nil {
		log.Fatal(err)
	}
	packages, err := inPage("web")
	if err != nil {
		log.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "Threatloop is licensed under the Apache License 2.0. It contains the Go standard library\n"+
		"and %d modules, under the licences that follow. River (github.com/riverqueue/river) is under the\n"+
		"Mozilla Public License 2.0; its source is at https://github.com/riverqueue/river and unchanged here.\n"+
		"The page contains %d packages. ELK (elkjs) is under the Eclipse Public License 2.0 and shipped unmodified\n"+
		"as its own file; its source is at https://github.com/kieler/elkjs.\n", len(modules), len(packages))
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		log.Fatalf("go env: %v", err)
	}
	std := module{Path: "The Go standard library", Dir: strings.TrimSpace(string(goroot))}
	seen := map[string]string{}
	for _, m := range slices.Concat([]module{std}, modules, packages) {
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

// inPage returns the packages of the page by its lock file, without those that
// only build or test it, sorted by name.
func inPage(dir string) ([]module, error) {
	data, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, License     string
			Dev, DevOptional     bool
			Optional, Extraneous bool
		}
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		return nil, fmt.Errorf("%s: package-lock.json: %w", dir, err)
	}
	var all []module
	for path, p := range lock.Packages {
		if path == "" || p.Dev || p.DevOptional || p.Optional || strings.Contains(path, "node_modules/@types/") {
			continue
		}
		_, name, _ := strings.Cut(path, "node_modules/")
		if i := strings.LastIndex(name, "node_modules/"); i >= 0 {
			name = name[i+len("node_modules/"):]
		}
		all = append(all, module{Path: "npm " + name, Version: p.Version, Dir: filepath.Join(dir, filepath.FromSlash(path)), Licence: p.License})
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path+a.Version, b.Path+b.Version) })
	return slices.CompactFunc(all, func(a, b module) bool { return a.Path == b.Path && a.Version == b.Version }), nil
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
	if !found && m.Licence != "" {
		fmt.Fprintf(out, "\nLicence: %s\n", m.Licence)
		return nil
	}
	if !found {
		return fmt.Errorf("%s: no licence file in the module", m.Path)
	}
	return nil
}
