package interchange

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
)

// What is looked for in an archive: it is bounded as one file is, unpacked.
const (
	maxEntries    = 5000 // files in it
	maxCandidates = 200  // files that are looked into
)

// packed reports whether the file is a zip archive.
func packed(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK\x03\x04")) || bytes.HasPrefix(data, []byte("PK\x05\x06")) // the second is an empty one
}

// openPacked finds the one model in a zip archive, of any format that is a single
// file. Nothing is unpacked to disk, and archives inside are not opened.
func openPacked(data []byte, opts Options) (*format, *source, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "model.archive", "the zip archive cannot be read").With(opts.At(1, 0), "%v", err)
	}
	if len(r.File) > maxEntries {
		return nil, nil, fault.New(fault.TooLarge, "model.too_large", "the archive holds %d files, at most %d are read", len(r.File), maxEntries)
	}
	var (
		found   *format
		in      *source
		names   []string
		refused error
		looked  int
		left    = int64(imported.MaxBytes)
	)
	for _, f := range r.File {
		if !f.Mode().IsRegular() || !fs.ValidPath(f.Name) || strings.HasPrefix(path.Base(f.Name), ".") || strings.HasPrefix(f.Name, "__MACOSX/") {
			continue
		}
		if looked++; looked > maxCandidates {
			return nil, nil, fault.New(fault.TooLarge, "model.too_large", "the archive holds more than %d files; put the model alone into one", maxCandidates)
		}
		text, err := unpack(f, left)
		if err != nil {
			return nil, nil, err
		}
		left -= int64(len(text))
		if packed(text) {
			continue
		}
		inner := opts
		inner.Name = f.Name
		format, s, err := open(text, inner)
		switch {
		case err == nil:
			found, in, names = format, s, append(names, f.Name)
		case !fault.Is(err, fault.Unsupported):
			refused = err
		}
	}
	switch {
	case len(names) == 1:
		return found, in, nil
	case len(names) > 1:
		bad := fault.New(fault.Invalid, "model.archive", "the archive holds %d models; put one into each", len(names))
		for _, n := range names[:min(len(names), 20)] {
			bad.With(n, "is a model")
		}
		return nil, nil, bad
	case looked == 1 && refused != nil:
		return nil, nil, refused
	}
	return nil, nil, unknown(nil)
}

// unpack returns a file of an archive that has at most limit bytes, whatever the archive says of it.
func unpack(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, broken(f, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err = errors.Join(err, r.Close()); int64(len(data)) > limit {
		return nil, fault.New(fault.TooLarge, "model.too_large", "the archive holds more than %d bytes (32 MiB), unpacked", imported.MaxBytes)
	} else if err != nil {
		return nil, broken(f, err)
	}
	return data, nil
}

func broken(f *zip.File, err error) error {
	return fault.New(fault.Invalid, "model.archive", "the zip archive cannot be read").With(f.Name, "%v", err)
}
