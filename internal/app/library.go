package app

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// The layers of the library.
const (
	BuiltInLayer = "built-in" // what this program brings along
	OwnLayer     = "own"      // what the organisation adds, changes and removes
)

// LibraryCondition is how the library in force came about.
type LibraryCondition string

// The conditions of the library in force.
const (
	LibraryCurrent LibraryCondition = "current" // this program's built-in library with the published layer
	LibraryKept    LibraryCondition = "kept"    // the published layer does not go with this program's built-in library; the one it was published on stays in force
	LibraryWithout LibraryCondition = "without" // the published layer cannot be read by this program; the built-in library stands alone and plans are not applied
)

// libraryInForce is the library that everything follows, with how it came about. It never changes.
type libraryInForce struct {
	*library.Library
	number    int64 // of the published version; 0 is the built-in library alone
	condition LibraryCondition
	problem   error // why the condition is not current
}

// libraries holds the library in force.
type libraries struct {
	mu    sync.Mutex // held while a version is taken up
	now   atomic.Pointer[libraryInForce]
	base  builtIn
	draft checkedDrafts
	older olderVersions
}

// builtIn are the files of the built-in library.
type builtIn struct {
	files  library.Files
	parsed *library.Parsed // the same files, read once for every layer that is tried on them
	digest string
	pieces []library.Piece // by kind and ref, each with the file in At
}

// entry returns the built-in entry of a ref; nil where there is none.
func (b *builtIn) entry(kind, ref string) *library.Piece {
	i := slices.IndexFunc(b.pieces, func(p library.Piece) bool { return p.Kind == kind && p.Ref == ref })
	if i < 0 {
		return nil
	}
	return &b.pieces[i]
}

// at returns the built-in entry in a line of a file; nil where there is none.
func (b *builtIn) at(file string, line int) *library.Piece {
	var found *library.Piece
	for i := range b.pieces {
		if at := b.pieces[i].At; at.File == file && at.Line <= max(line, 1) && (found == nil || at.Line > found.At.Line) {
			found = &b.pieces[i]
		}
	}
	return found
}

// readBuiltIn reads the files of the built-in library, which has been loaded already.
func readBuiltIn(files fs.FS) (builtIn, error) {
	b := builtIn{files: library.Files{}}
	if files == nil {
		return b, nil
	}
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		content, err := fs.ReadFile(files, name)
		b.files[name] = string(content)
		return err
	})
	if err != nil {
		return b, fmt.Errorf("app: read the built-in library: %w", err)
	}
	b.parsed = library.Parse(files)
	h := sha256.New()
	for _, name := range sortedNames(b.files) {
		fmt.Fprintf(h, "%d:%s%d:%s", len(name), name, len(b.files[name]), b.files[name])
		pieces, err := b.parsed.Split(name)
		if err != nil {
			return b, fmt.Errorf("app: read the built-in library: %w", err)
		}
		b.pieces = append(b.pieces, pieces...)
	}
	b.digest = hex.EncodeToString(h.Sum(nil))
	slices.SortStableFunc(b.pieces, func(x, y library.Piece) int { return compareEntries(x.Kind, x.Ref, y.Kind, y.Ref) })
	return b, nil
}

func sortedNames(files library.Files) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Library returns the library in force: the built-in one with the layer that was
// published last. It is immutable; the next call may return another one.
func (a *App) Library() *library.Library { return a.libraries.now.Load().Library }

// follow takes up what another replica published. It is asked in every
// transaction of a use case, so that nobody plans by what is in force no longer.
func (a *App) follow(tx *store.Tx) error {
	s, err := tx.LibraryState()
	if err != nil || s.Published <= a.libraries.now.Load().number {
		return err // a transaction may see an older state than that which is in force
	}
	a.libraries.mu.Lock()
	defer a.libraries.mu.Unlock()
	if s.Published <= a.libraries.now.Load().number {
		return nil
	}
	v, err := tx.LibraryVersion(s.Published)
	if err != nil {
		return err
	}
	next, err := a.enforce(tx, v)
	if err != nil {
		return err
	}
	a.libraries.now.Store(next)
	return nil
}

// putInForce makes a library the one in force, unless a newer one is already.
func (a *App) putInForce(next *libraryInForce) {
	a.libraries.mu.Lock()
	defer a.libraries.mu.Unlock()
	if next.number > a.libraries.now.Load().number {
		a.libraries.now.Store(next)
	}
}

// enforce makes a library of a published version. Where this program's built-in
// library does not carry it, the one stays in force that it was published on.
func (a *App) enforce(tx *store.Tx, v store.LibraryVersion) (*libraryInForce, error) {
	next := &libraryInForce{number: v.Number, condition: LibraryCurrent}
	layer, err := readLayer(v.Content)
	if err == nil {
		err = a.authoring() // without the files of the built-in library nothing can be laid over it
	}
	if err == nil {
		next.Library, err = a.load(a.libraries.base.parsed, layer)
	}
	if err == nil {
		return next, nil
	}
	next.condition, next.problem = LibraryKept, err
	old, err := tx.LibraryBase(v.Base)
	if err != nil {
		return nil, err
	}
	files, err := unzip(old)
	if err == nil {
		next.Library, err = a.load(files, layer)
	}
	if err != nil {
		next.condition, next.Library = LibraryWithout, a.Options.Library
	}
	a.log().Error("the published layer of the library does not go with this version of the program", "version", v.Number, "in force", next.condition, "error", next.problem)
	return next, nil
}

func (a *App) load(base fs.FS, own layer) (*library.Library, error) {
	return library.LoadLayers(library.Layer{Name: BuiltInLayer, Files: base}, library.Layer{Name: OwnLayer, Files: own.files()})
}

// authoring refuses what needs the files of the built-in library where there are none.
func (a *App) authoring() error {
	if len(a.libraries.base.files) == 0 {
		return fault.New(fault.Unsupported, "library.fixed", "the library of this installation cannot be changed")
	}
	return nil
}

// layer is the organisation's own layer, by kind and ref.
type layer []layerEntry

// layerEntry is an entry of the own layer.
type layerEntry struct {
	Kind string `json:"kind"`
	Ref  string `json:"ref"`
	Text string `json:"text"` // YAML
}

// readLayer reads the content of a published version; fault.Invalid where it is none.
func readLayer(content string) (layer, error) {
	var l layer
	if err := json.Unmarshal([]byte(content), &l); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "library.unreadable", "the version is not one that this program can read")
	}
	return l, nil
}

func (l layer) content() (string, error) {
	if l == nil {
		l = layer{}
	}
	data, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("app: write a version of the library: %w", err)
	}
	return string(data), nil
}

func (l layer) files() library.Files {
	files := library.Files{}
	for _, e := range l {
		files[library.EntryFile(e.Kind, e.Ref)] = e.Text
	}
	return files
}

// text returns what the layer says of an entry.
func (l layer) text(kind, ref string) (string, bool) {
	i := slices.IndexFunc(l, func(e layerEntry) bool { return e.Kind == kind && e.Ref == ref })
	if i < 0 {
		return "", false
	}
	return l[i].Text, true
}

// entryOf is the entry of a file of the own layer; "" where it is none.
func entryOf(file string) (kind, ref string) {
	ref = strings.TrimSuffix(path.Base(file), ".yaml")
	for _, kind := range entryKinds {
		if library.EntryFile(kind, ref) == file {
			return kind, ref
		}
	}
	return "", ""
}

var entryKinds = []string{library.EntryHead, library.EntryType, library.EntryPattern, library.EntryRule, library.EntryQuestionnaire, library.EntryStandard}

func compareEntries(kind, ref, otherKind, otherRef string) int {
	if d := slices.Index(entryKinds, kind) - slices.Index(entryKinds, otherKind); d != 0 {
		return d
	}
	return strings.Compare(ref, otherRef)
}

// zipped packs files; the same files give the same bytes.
func zipped(files library.Files) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range sortedNames(files) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err == nil {
			_, err = io.WriteString(w, files[name])
		}
		if err != nil {
			return nil, fmt.Errorf("app: pack %s: %w", name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("app: pack a library: %w", err)
	}
	return out.Bytes(), nil
}

// unzip unpacks what zipped packed.
func unzip(data []byte) (library.Files, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("app: unpack a library: %w", err)
	}
	files := library.Files{}
	for _, f := range z.File {
		content, err := fs.ReadFile(z, f.Name)
		if err != nil {
			return nil, fmt.Errorf("app: unpack %s: %w", f.Name, err)
		}
		files[f.Name] = string(content)
	}
	return files, nil
}

// LibraryForce is the library in force, with what administrators should know of it.
type LibraryForce struct {
	Number    int64            `json:"number" doc:"Of the published version; 0 is the built-in library alone"`
	Stamp     string           `json:"stamp"`
	Condition LibraryCondition `json:"condition" enum:"current,kept,without" doc:"current: all is well. kept: the published layer does not go with the built-in library of this program; the one that it was published on stays in force. without: it cannot be read at all; the built-in library stands alone, and plans are not applied"`
	Problems  []LibraryProblem `json:"problems" doc:"Why it is not current; for those who may change the library"`
}

// forceView shows the library in force; the problems only to who can do something about them.
func (a *App) forceView(tx *store.Tx, c Caller) LibraryForce {
	now := a.libraries.now.Load()
	v := LibraryForce{Number: now.number, Stamp: now.Stamp(), Condition: now.condition, Problems: []LibraryProblem{}}
	if now.problem != nil && a.allow(tx, c, policy.LibraryEdit, "") == nil {
		v.Problems = a.problemsOf(now.problem)
	}
	return v
}

// plannable refuses plans by a library that lacks what the organisation published:
// they would take out everything that it brought.
func (a *App) plannable() error {
	if a.libraries.now.Load().condition != LibraryWithout {
		return nil
	}
	return fault.New(fault.Conflict, "library.without", "the published layer of the library cannot be read by this version of the program; plans are not applied until an administrator has published one that can")
}

// Follow takes up the library that was published last, as every use case does. A
// server calls it once at its start, so that what is wrong with it is logged then.
func (a *App) Follow(ctx context.Context) error {
	return a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error { return a.follow(tx) })
}
