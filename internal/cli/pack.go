package cli

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange"
)

// packed returns what is sent to a server for a model file: the file itself, or a
// zip archive of it and of the files that it includes, always the same for the
// same files. Name is how the server shall call it.
func packed(path string, data []byte) (name string, out []byte, err error) {
	name = filepath.Base(label(path))
	opts, done := modelOptions(path)
	defer done()
	if opts.Files == nil || bytes.HasPrefix(data, []byte("PK")) {
		return name, data, nil
	}
	seen := &seenFS{FS: opts.Files}
	opts.Files = seen
	if _, err := interchange.Read(data, opts); err != nil || len(seen.names) == 0 {
		return name, data, nil // the server says what is wrong with it
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name string, data []byte) error {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(data)
		}
		return err
	}
	err = add(name, data)
	slices.Sort(seen.names)
	for _, n := range slices.Compact(seen.names) {
		var text []byte
		if err == nil && n != name {
			if text, err = fs.ReadFile(seen.FS, n); err == nil {
				err = add(n, text)
			}
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", nil, fmt.Errorf("pack %s with the files that it includes: %w", label(path), err)
	}
	return strings.TrimSuffix(name, filepath.Ext(name)) + ".zip", b.Bytes(), nil
}

// seenFS remembers which files were opened.
type seenFS struct {
	fs.FS
	names []string
}

// Open implements fs.FS.
func (s *seenFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err == nil {
		s.names = append(s.names, name)
	}
	return f, err
}
