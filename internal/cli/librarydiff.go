package cli

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

type libraryDiffCmd struct {
	Old      string `arg:"" help:"The older library: a folder, a zip, built-in, or a pile such as built-in+ours."`
	New      string `arg:"" help:"The newer library."`
	ExitCode bool   `help:"Exit with 1 where they differ."`
	JSON     bool   `help:"Print JSON." name:"json"`
}

// libraryDiff is what `library diff --json` prints.
type libraryDiff struct {
	Old     string           `json:"old"` // ref@version+digest
	New     string           `json:"new"`
	Changes []library.Change `json:"changes"`
}

// Run tells two libraries apart.
func (c *libraryDiffCmd) Run(_ context.Context, env *Env) error {
	older, err := loadLibrary(c.Old)
	if err != nil {
		return err
	}
	newer, err := loadLibrary(c.New)
	if err != nil {
		return err
	}
	d := libraryDiff{Old: older.Stamp(), New: newer.Stamp(), Changes: library.Diff(older, newer)}
	if d.Changes == nil {
		d.Changes = []library.Change{}
	}
	if c.JSON {
		err = printJSON(env.Stdout, d)
	} else {
		err = d.print(env)
	}
	if err == nil && c.ExitCode && len(d.Changes) > 0 {
		return notMet("the libraries differ in %d places", len(d.Changes))
	}
	return err
}

func (d *libraryDiff) print(env *Env) error {
	counts := map[library.What]int{}
	for _, c := range d.Changes {
		counts[c.What]++
		text := fmt.Sprintf("%-8s%s %s: %s", c.What, c.Kind, c.Ref, c.Title)
		if _, err := fmt.Fprintln(env.Stdout, printable(text)); err != nil {
			return err
		}
		for _, f := range c.Fields {
			if _, err := fmt.Fprintln(env.Stdout, printable(fmt.Sprintf("        %s: %s -> %s", f.Field, f.Old, f.New))); err != nil {
				return err
			}
		}
	}
	if _, err := fmt.Fprintf(env.Stdout, "%s -> %s: %d added, %d removed, %d changed\n", d.Old, d.New, counts[library.Added], counts[library.Removed], counts[library.Changed]); err != nil {
		return err
	}
	if len(d.Changes) == 0 || slices.ContainsFunc(d.Changes, func(c library.Change) bool { return !c.OfTest() }) {
		return nil
	}
	_, err := fmt.Fprintln(env.Stdout, "only tests of rules differ: for products it is the same library")
	return err
}

type libraryExportCmd struct {
	To      string `arg:"" help:"Folder, new or empty, or FILE.zip."`
	Library string `arg:"" optional:"" help:"What to write: a folder, a zip, or a pile such as built-in+ours, which becomes one library; without it the one inside this program."`
	JSON    bool   `help:"Print JSON." name:"json"`
}

// libraryExport is what `library export --json` prints.
type libraryExport struct {
	Library string   `json:"library"` // ref@version+digest
	To      string   `json:"to"`
	Files   []string `json:"files"`
}

// Run writes a library as files: as they are, of a pile one for each entry that stands.
func (c *libraryExportCmd) Run(_ context.Context, env *Env) error {
	layers, err := libraryLayers(c.Library)
	if err != nil {
		return err
	}
	l, err := loadLibrary(c.Library)
	if err != nil {
		return err
	}
	var files library.Files
	if len(layers) == 1 {
		files, err = yamlOf(layers[0].Files)
	} else {
		files, err = l.Export()
	}
	if err != nil {
		return err
	}
	if err := writeLibrary(c.To, files); err != nil {
		return err
	}
	x := libraryExport{Library: l.Stamp(), To: c.To, Files: sortedKeys(files)}
	if c.JSON {
		return printJSON(env.Stdout, x)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: %d files written to %s\n", x.Library, len(x.Files), x.To)
	return err
}

// yamlOf reads the YAML files of a folder into memory.
func yamlOf(fsys fs.FS) (library.Files, error) {
	out, left := library.Files{}, maxLibraryBytes
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			if err == nil && e.IsDir() && name != "." && path.Base(name)[0] == '.' {
				return fs.SkipDir
			}
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if left -= len(content); left < 0 || len(out) == maxLibraryFiles {
			return fault.New(fault.TooLarge, "library.too_large", "the library has more than %d bytes or %d files", maxLibraryBytes, maxLibraryFiles)
		}
		out[name] = string(content)
		return nil
	})
	if err != nil {
		return nil, fileFault(err)
	}
	return out, nil
}
