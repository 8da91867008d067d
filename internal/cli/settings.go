package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
)

// maxSettings is the size of the largest settings file that is read.
const maxSettings = 1 << 20

// settings gives kong the values of flags that are not on the command line.
type settings struct {
	lookup func(string) (string, bool)
	file   map[string]string // by flag name
}

// Validate implements kong.Resolver.
func (*settings) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver: environment, then file for secrets, then the
// settings file. An empty variable counts as not set.
func (s *settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if v, ok := s.lookup(name); ok && v != "" {
			return v, nil
		}
		path, ok := s.lookup(name + "_FILE")
		if !ok || path == "" || !flag.Tag.Has("secret") {
			continue
		}
		secret, err := readLimited(path, maxSettings)
		if err != nil {
			return nil, fmt.Errorf("%s_FILE: %w", name, err)
		}
		return strings.TrimRight(string(secret), "\r\n"), nil
	}
	if v, ok := s.file[flag.Name]; ok {
		return v, nil
	}
	if flag.HasDefault {
		return flag.Default, nil // kong has taken an empty variable for a value
	}
	return nil, nil //nolint:nilnil // kong's contract for "no value here"
}

// load reads the settings file that the arguments or the environment name.
func (s *settings) load(app *kong.Application, args []string) error {
	path := configPath(args)
	if path == "" {
		path, _ = s.lookup("THREATLOOP_CONFIG")
	}
	if path == "" {
		return nil
	}
	data, err := readLimited(path, maxSettings)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	s.file, err = parseSettings(path, data, knownSettings(app))
	return err
}

func configPath(args []string) string {
	for i, a := range args {
		switch {
		case a == "--":
			return ""
		case strings.HasPrefix(a, "--config="):
			return strings.TrimPrefix(a, "--config=")
		case a == "--config" && i+1 < len(args):
			return args[i+1]
		}
	}
	return ""
}

// knownSettings returns the names of the flags that are settings, sorted.
func knownSettings(app *kong.Application) []string {
	var names []string
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, f := range n.Flags {
			if len(f.Envs) > 0 && f.Name != "config" {
				names = append(names, f.Name)
			}
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(app.Node)
	slices.Sort(names)
	return slices.Compact(names)
}

// parseSettings reads a mapping from flag names to values; a list becomes the
// comma-separated form of a flag. Underscores in keys stand for dashes.
func parseSettings(path string, data []byte, known []string) (map[string]string, error) {
	bad := fault.New(fault.Invalid, "settings.invalid", "the settings file cannot be read")
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		line, column, text := tlyaml.Syntax(data, err)
		return nil, bad.With(imported.Options{Name: path}.At(line, column), "is not YAML: %s", text)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, bad.With(path, "is no YAML mapping of settings")
	}
	values := map[string]string{}
	pairs := doc.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		key, value := pairs[i], pairs[i+1]
		where := fmt.Sprintf("%s:%d:%d", path, key.Line, key.Column)
		name := strings.ReplaceAll(key.Value, "_", "-")
		if !slices.Contains(known, name) {
			bad.With(where, "unknown setting %q, expected one of %s", key.Value, strings.Join(known, ", "))
			continue
		}
		switch value.Kind {
		case yaml.ScalarNode:
			values[name] = value.Value
		case yaml.SequenceNode:
			parts := make([]string, 0, len(value.Content))
			for _, item := range value.Content {
				parts = append(parts, item.Value)
			}
			values[name] = strings.Join(parts, ",")
		default:
			bad.With(where, "setting %q must be one value or a list", key.Value)
		}
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	return values, nil
}

// readLimited reads a whole file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileFault(err)
	}
	defer func() { _ = f.Close() }()
	return readAll(f, path, limit)
}

// fileFault says what a person can do about a file that cannot be opened.
func fileFault(err error) error {
	var path *os.PathError
	if !errors.As(err, &path) {
		return err
	}
	if errors.Is(err, os.ErrNotExist) {
		return fault.Wrap(err, fault.NotFound, "file.not_found", "%s: there is no such file", path.Path)
	}
	if errors.Is(err, syscall.EISDIR) {
		return fault.Wrap(err, fault.Invalid, "file.folder", "%s: is a folder", path.Path)
	}
	return fault.Wrap(err, fault.Unavailable, "file.unreadable", "%s: %v", path.Path, path.Err)
}

// inFile says which file an error is about, where it does not begin with that itself.
func inFile(name string, err error) error {
	text := err.Error()
	if f := fault.As(err); f != nil {
		text = f.Public
	}
	if strings.HasPrefix(text, name) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}
