package store

import (
	"fmt"
	"math"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// LibraryState is how far the organisation's own layer of the library is.
type LibraryState struct {
	Draft     int64 // revision of the draft; raised by every change, 0 before the first
	Published int64 // number of the version in force; 0 is none
}

// LibraryEntry is an entry of the own layer as it is being written.
type LibraryEntry struct {
	Kind    string // "pattern", "rule", ...
	Ref     string
	Version int64 // for If-Match: the draft's revision at which it was written
	At      time.Time
	By      string
	Body    string // YAML
}

// LibraryVersion is a published version of the own layer.
type LibraryVersion struct {
	Number  int64 // 1, 2, 3 ...; set by the store
	Name    string
	Comment string
	Digest  string // of Content
	Base    string // digest of the built-in library that it was published on
	Entries int64
	At      time.Time
	By      string
	Content string // JSON of the application's own; "" where only the head was asked for
}

// LibraryState returns how far the own layer is. It is read with every
// transaction of the application, by which all replicas follow.
func (tx *Tx) LibraryState() (s LibraryState, err error) {
	if _, err := tx.one("SELECT draft, published FROM library_state WHERE id = 1", nil, &s.Draft, &s.Published); err != nil {
		return s, fmt.Errorf("store: state of the library: %w", err)
	}
	return s, nil
}

// RaiseLibraryDraft raises the draft's revision and returns it. Who has raised it
// is alone with the draft until the transaction ends.
func (tx *Tx) RaiseLibraryDraft() (revision int64, err error) {
	ok, err := tx.one("INSERT INTO library_state (id, draft, published) VALUES (1, 1, 0) ON CONFLICT (id) DO UPDATE SET draft = library_state.draft + 1 RETURNING draft", nil, &revision)
	if err == nil && !ok {
		err = fmt.Errorf("no revision")
	}
	if err != nil {
		return 0, fmt.Errorf("store: revision of the library's draft: %w", err)
	}
	return revision, nil
}

const libraryEntryColumns = "kind, ref, version, at, by_actor, body"

func scanLibraryEntry(row func(...any) error) (e LibraryEntry, err error) {
	return e, row(&e.Kind, &e.Ref, &e.Version, (*stamp)(&e.At), &e.By, &e.Body)
}

// LibraryEntries returns the draft, by kind and ref.
func (tx *Tx) LibraryEntries() ([]LibraryEntry, error) {
	list, err := collect(tx, scanLibraryEntry, "SELECT "+libraryEntryColumns+" FROM library_entry ORDER BY kind, ref")
	if err != nil {
		return nil, fmt.Errorf("store: library's draft: %w", err)
	}
	return list, nil
}

// SetLibraryEntry stores an entry of the draft with everything that it says, its version too.
func (tx *Tx) SetLibraryEntry(e LibraryEntry) error {
	_, err := tx.exec("INSERT INTO library_entry ("+libraryEntryColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (kind, ref) DO UPDATE SET version = $3, at = $4, by_actor = $5, body = $6`, e.Kind, e.Ref, e.Version, stamp(e.At), e.By, e.Body)
	if err != nil {
		return fmt.Errorf("store: library's draft of %s %s: %w", e.Kind, e.Ref, err)
	}
	return nil
}

// RemoveLibraryEntry takes an entry out of the draft; an absent one is no error.
func (tx *Tx) RemoveLibraryEntry(kind, ref string) error {
	if _, err := tx.exec("DELETE FROM library_entry WHERE kind = $1 AND ref = $2", kind, ref); err != nil {
		return fmt.Errorf("store: library's draft of %s %s: %w", kind, ref, err)
	}
	return nil
}

const libraryVersionColumns = "number, name, remark, digest, base, entries, at, by_actor"

func scanLibraryVersion(row func(...any) error) (v LibraryVersion, err error) {
	return v, row(&v.Number, &v.Name, &v.Comment, &v.Digest, &v.Base, &v.Entries, (*stamp)(&v.At), &v.By)
}

// PublishLibrary stores a version under the next number, which it returns, puts
// it in force and keeps the content of the built-in library under v.Base. The
// transaction must have raised the draft.
func (tx *Tx) PublishLibrary(v LibraryVersion, base []byte) (number int64, err error) {
	ok, err := tx.one("UPDATE library_state SET published = published + 1 WHERE id = 1 RETURNING published", nil, &number)
	if err == nil && !ok {
		err = fmt.Errorf("the draft was not raised")
	}
	if err == nil {
		_, err = tx.exec("INSERT INTO library_version ("+libraryVersionColumns+", content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			number, v.Name, v.Comment, v.Digest, v.Base, v.Entries, stamp(v.At), v.By, v.Content)
	}
	if err == nil {
		_, err = tx.exec("INSERT INTO library_base (digest, content) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING", v.Base, base)
	}
	if err != nil {
		return 0, fmt.Errorf("store: publish the library: %w", err)
	}
	return number, nil
}

// LibraryVersion returns a published version with its content; fault.NotFound if there is none.
func (tx *Tx) LibraryVersion(number int64) (v LibraryVersion, err error) {
	ok, err := tx.one("SELECT "+libraryVersionColumns+", content FROM library_version WHERE number = $1", []any{number},
		&v.Number, &v.Name, &v.Comment, &v.Digest, &v.Base, &v.Entries, (*stamp)(&v.At), &v.By, &v.Content)
	if err != nil {
		return v, fmt.Errorf("store: version %d of the library: %w", number, err)
	}
	if !ok {
		return v, fault.New(fault.NotFound, "library.version_not_found", "there is no version %d of the library", number)
	}
	return v, nil
}

// LibraryVersions returns a page of the published versions without their content,
// the newest first, below the number (0: from the newest); max is 1..1000, 0 is 50.
func (tx *Tx) LibraryVersions(below int64, max int) ([]LibraryVersion, error) {
	if below <= 0 {
		below = math.MaxInt64
	}
	list, err := collect(tx, scanLibraryVersion, "SELECT "+libraryVersionColumns+" FROM library_version WHERE number < $1 ORDER BY number DESC LIMIT $2", below, limit(max))
	if err != nil {
		return nil, fmt.Errorf("store: versions of the library: %w", err)
	}
	return list, nil
}

// LibraryBase returns the built-in library on which a version was published; fault.NotFound if there is none.
func (tx *Tx) LibraryBase(digest string) (content []byte, err error) {
	ok, err := tx.one("SELECT content FROM library_base WHERE digest = $1", []any{digest}, &content)
	if err != nil {
		return nil, fmt.Errorf("store: base of the library: %w", err)
	}
	if !ok {
		return nil, fault.New(fault.NotFound, "library.base_not_found", "the built-in library of that version is not stored")
	}
	return content, nil
}
