package cli

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	starter "github.com/threatloop/threatloop/library"
)

// builtIn is how the library inside the program is called.
const builtIn = "built-in"

// What a zip or a folder of a library may hold.
const (
	maxLibraryBytes = 64 << 20
	maxLibraryFiles = 20_000
)

// loadLibrary reads a library: "" or "built-in" is the one inside the program, else
// a folder or a zip, or a pile of these joined by +, the lowest first.
func loadLibrary(name string) (*library.Library, error) {
	layers, err := libraryLayers(name)
	if err != nil {
		return nil, err
	}
	if len(layers) == 1 {
		layers[0].Name = "" // places need no name
	}
	return library.LoadLayers(layers...)
}

// libraryLayers returns the layers of a pile, each under the name that it was given by.
func libraryLayers(pile string) ([]library.Layer, error) {
	names := strings.Split(pile, "+")
	if _, err := os.Stat(pile); err == nil {
		names = []string{pile} // the + belongs to a file's name
	}
	var layers []library.Layer
	for _, name := range names {
		if name == "" && len(names) > 1 {
			return nil, fault.New(fault.Invalid, "library.pile", "%q: a pile of libraries is one or more names joined by +, such as built-in+ours", pile)
		}
		files, err := libraryFiles(name)
		if err != nil {
			return nil, err
		}
		layer := library.Layer{Name: layerName(name, layers), Files: files}
		for _, other := range layers {
			if other.Name == layer.Name {
				return nil, fault.New(fault.Invalid, "library.pile", "%q: %s is there twice", pile, layer.Name)
			}
		}
		layers = append(layers, layer)
	}
	return layers, nil
}

// layerName returns what places in a layer over others begin with: its folder or zip,
// and for one that is a file alone the folder of that, where no other has it.
func layerName(name string, below []library.Layer) string {
	if name == "" {
		return builtIn
	}
	whole := filepath.ToSlash(filepath.Clean(name))
	if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
		return whole
	}
	if info, err := os.Stat(name); err != nil || info.IsDir() {
		return whole
	}
	folder := path.Dir(whole)
	if slices.ContainsFunc(below, func(l library.Layer) bool { return l.Name == folder }) {
		return whole
	}
	return folder
}

// libraryFiles returns the files of one library or layer.
func libraryFiles(name string) (fs.FS, error) {
	if name == "" || name == builtIn {
		return starter.Files, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fileFault(err)
	}
	if info.IsDir() {
		return os.DirFS(name), nil
	}
	data, err := readLimited(name, maxLibraryBytes)
	if err != nil {
		return nil, err
	}
	return unpacked(name, data)
}

// unpacked reads a zip into memory; one file of YAML is a library of one file.
func unpacked(name string, data []byte) (library.Files, error) {
	if !bytes.HasPrefix(data, []byte("PK")) {
		if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" {
			return library.Files{filepath.Base(name): string(data)}, nil
		}
		return nil, fault.New(fault.Invalid, "library.form", "%s is no folder, no zip and no YAML file", name)
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "library.zip", "%s is no zip that can be read", name)
	}
	if len(archive.File) > maxLibraryFiles {
		return nil, fault.New(fault.TooLarge, "library.too_large", "%s holds more than %d files", name, maxLibraryFiles)
	}
	out, left := library.Files{}, int64(maxLibraryBytes)
	for _, f := range archive.File {
		ext := path.Ext(f.Name)
		if f.FileInfo().IsDir() || ext != ".yaml" && ext != ".yml" {
			continue
		}
		if !fs.ValidPath(f.Name) {
			return nil, fault.New(fault.Invalid, "library.zip", "%s: %q is no path inside a folder", name, f.Name)
		}
		content, err := readZipped(f, left)
		if errors.Is(err, errTooLarge) {
			return nil, fault.New(fault.TooLarge, "library.too_large", "%s unpacks to more than %d bytes", name, maxLibraryBytes)
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "library.zip", "%s: %s cannot be unpacked", name, f.Name)
		}
		left -= int64(len(content))
		out[f.Name] = string(content)
	}
	return out, nil
}

var errTooLarge = errors.New("too large")

func readZipped(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = errTooLarge
	}
	return content, err
}

// writeLibrary writes files into a zip or a new or empty folder.
func writeLibrary(to string, files library.Files) error {
	if path.Ext(to) == ".zip" {
		return writeZip(to, files)
	}
	list, err := os.ReadDir(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileFault(err)
	}
	if len(list) > 0 {
		return fault.New(fault.Conflict, "library.folder", "%s is not empty; nothing was written", to)
	}
	for _, name := range sortedKeys(files) {
		file := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fileFault(err)
		}
		if err := os.WriteFile(file, []byte(files[name]), 0o644); err != nil {
			return fileFault(err)
		}
	}
	return nil
}

// writeZip writes the same bytes for the same files: sorted, without times.
func writeZip(to string, files library.Files) error {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range sortedKeys(files) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, files[name]); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "library.exists", "%s is there already; nothing was written", to)
	}
	if err != nil {
		return fileFault(err)
	}
	if _, err := f.Write(b.Bytes()); err != nil {
		_ = f.Close()
		return fileFault(err)
	}
	return f.Close()
}
