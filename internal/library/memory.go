package library

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Files is a folder in memory: content by path, with slashes.
type Files map[string]string

var (
	_ fs.ReadDirFS  = Files{}
	_ fs.ReadFileFS = Files{}
	_ fs.StatFS     = Files{}
)

// Open opens a file or a folder.
func (f Files) Open(name string) (fs.File, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		list, err := f.ReadDir(name)
		return &openFolder{info, list}, err
	}
	return &openFile{info, strings.NewReader(f[name])}, nil
}

// ReadFile returns the content of a file.
func (f Files) ReadFile(name string) ([]byte, error) {
	content, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(content), nil
}

// Stat tells whether a path is a file or a folder, and how long a file is.
func (f Files) Stat(name string) (fs.FileInfo, error) {
	if content, ok := f[name]; ok {
		return memoryInfo{path.Base(name), int64(len(content)), false}, nil
	}
	if name == "." {
		return memoryInfo{name, 0, true}, nil
	}
	for file := range f {
		if strings.HasPrefix(file, name+"/") {
			return memoryInfo{path.Base(name), 0, true}, nil
		}
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// ReadDir lists a folder by name.
func (f Files) ReadDir(name string) ([]fs.DirEntry, error) {
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	found := map[string]memoryInfo{}
	for file, content := range f {
		rest, ok := strings.CutPrefix(file, prefix)
		if !ok {
			continue
		}
		if first, _, deeper := strings.Cut(rest, "/"); deeper {
			found[first] = memoryInfo{first, 0, true}
		} else {
			found[first] = memoryInfo{first, int64(len(content)), false}
		}
	}
	if len(found) == 0 && name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	list := make([]fs.DirEntry, 0, len(found))
	for _, key := range keysOf(found) {
		list = append(list, fs.FileInfoToDirEntry(found[key]))
	}
	return list, nil
}

type memoryInfo struct {
	name   string
	size   int64
	folder bool
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) IsDir() bool        { return i.folder }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) Sys() any           { return nil }
func (i memoryInfo) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type openFile struct {
	memoryInfo fs.FileInfo
	*strings.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.memoryInfo, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	memoryInfo fs.FileInfo
	left       []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.memoryInfo, nil }
func (f *openFolder) Close() error               { return nil }
func (f *openFolder) Read([]byte) (int, error)   { return 0, fs.ErrInvalid }

// ReadDir gives the next n entries, all that are left where n is not positive.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.left)
	} else if len(f.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.left))
	list := slices.Clone(f.left[:n])
	f.left = f.left[n:]
	return list, nil
}
