package threagile

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
)

// maxEntries bounds the files of an archive, maxCandidates those that are looked into.
const (
	maxEntries    = 5000
	maxCandidates = 200
)

// mark is the key that the first file of a model has.
const mark = "threagile_version"

// Archive is a model that was given as a zip file of its folder.
type Archive struct {
	name string
	data []byte
	root fs.FS
}

// OpenArchive finds the model in a zip file: of the YAML files that begin a
// Threagile model the one nearest to the root, of several there the first by
// name. It reports false for anything that holds none. Nothing is unpacked to
// disk; what Read reads of it is bounded as all files of a model are.
func OpenArchive(data []byte) (*Archive, bool) {
	if !bytes.HasPrefix(data, []byte("PK")) {
		return nil, false
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(r.File) > maxEntries {
		return nil, false
	}
	var names []string
	for _, f := range r.File {
		ext := strings.ToLower(path.Ext(f.Name))
		if (ext == ".yaml" || ext == ".yml") && fs.ValidPath(f.Name) && !strings.HasPrefix(f.Name, "__MACOSX/") {
			names = append(names, f.Name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := strings.Count(a, "/") - strings.Count(b, "/"); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	left := int64(imported.MaxBytes)
	for _, name := range names[:min(len(names), maxCandidates)] {
		text, err := readLimited(r, name, left)
		if err != nil {
			continue
		}
		left -= int64(len(text))
		if !begins(text) {
			continue
		}
		folder, err := fs.Sub(r, path.Dir(name))
		if err != nil {
			continue
		}
		return &Archive{name: name, data: text, root: folder}, true
	}
	return nil, false
}

// begins reports whether a line of the file opens with the mark.
func begins(text []byte) bool {
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), []byte(mark)) {
			return true
		}
	}
	return false
}

func readLimited(files fs.FS, name string, limit int64) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = imported.TooLarge(len(data))
	}
	return data, err
}

// Read is Read for the model in the archive. Places are given by the paths in it.
func (a *Archive) Read(opts imported.Options) (*imported.Import, error) {
	opts.Name, opts.Files = path.Base(a.name), a.root
	root, err := tlyaml.Parse(a.data, opts)
	if err != nil {
		return nil, err
	}
	if root == nil || root.Kind != yaml.MappingNode || !Detect(root) {
		return nil, fault.New(fault.Invalid, "model.syntax", "the archive holds no Threagile model").With(a.name, "is no Threagile model")
	}
	return Read(root, opts)
}
