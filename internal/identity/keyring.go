package identity

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
)

const (
	keyBytes   = 32 // AES-256
	keyIDBytes = 5
	nonceBytes = 12
	sealedV1   = 1 // first byte of sealed bytes: the format
	maxKeyID   = 32
)

// Address is where a secret is stored. It is bound into the sealed bytes, so
// that they open nowhere else.
type Address struct{ Table, Column, Row string }

// String returns "table|column|row".
func (a Address) String() string { return a.Table + "|" + a.Column + "|" + a.Row }

func (a Address) check() error {
	if a.Table == "" || a.Column == "" || a.Row == "" || strings.ContainsRune(a.Table+a.Column, '|') {
		return fmt.Errorf("identity: %q is not an address of a secret", a)
	}
	return nil
}

// KeyRing seals secrets with its first key and opens them with any. It does not
// change and is safe for concurrent use. Its text is one key per line (or
// separated by commas, for an environment variable): an id, a colon and 32 bytes in
// base64; # begins a comment line.
type KeyRing struct{ keys []ringKey }

type ringKey struct {
	id   string
	key  [keyBytes]byte
	aead cipher.AEAD
}

// NewKeyRing returns a ring with one new key.
func NewKeyRing(random io.Reader) (*KeyRing, error) { return (&KeyRing{}).Rotated(random) }

// Rotated returns a ring with a new first key before the keys of this one, which
// go on opening what they sealed. Seal anew what Stale reports, then drop the
// old keys with Only.
func (r *KeyRing) Rotated(random io.Reader) (*KeyRing, error) {
	var id [keyIDBytes]byte
	var key [keyBytes]byte
	for _, b := range [][]byte{id[:], key[:]} {
		if _, err := io.ReadFull(random, b); err != nil {
			return nil, fmt.Errorf("identity: random bytes of a key: %w", err)
		}
	}
	k, err := newRingKey(fmt.Sprintf("k%x", id), key[:])
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(r.keys, func(o ringKey) bool { return o.id == k.id }) {
		return nil, fmt.Errorf("identity: a new key has the id %q of an old one", k.id)
	}
	return &KeyRing{keys: append([]ringKey{k}, r.keys...)}, nil
}

// Only returns a ring with the first key alone.
func (r *KeyRing) Only() *KeyRing { return &KeyRing{keys: r.keys[:1:1]} }

func newRingKey(id string, key []byte) (ringKey, error) {
	k := ringKey{id: id}
	copy(k.key[:], key)
	block, err := aes.NewCipher(k.key[:])
	if err != nil {
		return ringKey{}, fmt.Errorf("identity: key %q: %w", id, err)
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return ringKey{}, fmt.Errorf("identity: key %q: %w", id, err)
	}
	return k, nil
}

// ParseKeyRing reads the text of a ring. The error is a fault.Invalid that names
// the entry by its number, never its content.
func ParseKeyRing(text Secret) (*KeyRing, error) {
	bad := func(n int, what string) error {
		return fault.New(fault.Invalid, "identity.keyring_invalid", "entry %d of the key ring %s; an entry is an id, a colon and 32 bytes in base64", n, what)
	}
	r := &KeyRing{}
	n := 0
	for _, line := range strings.FieldsFunc(text.Reveal(), func(c rune) bool { return c == '\n' || c == '\r' }) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for entry := range strings.SplitSeq(line, ",") {
			n++
			id, encoded, ok := strings.Cut(strings.TrimSpace(entry), ":")
			if !ok || !keyID(id) {
				return nil, bad(n, "has no id of letters and digits")
			}
			key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
			if err != nil || len(key) != keyBytes {
				return nil, bad(n, "has no key of 32 bytes")
			}
			if bytes.Equal(key, make([]byte, keyBytes)) {
				return nil, bad(n, "has a key of zeros")
			}
			if slices.ContainsFunc(r.keys, func(o ringKey) bool { return o.id == id }) {
				return nil, bad(n, "has the id of an entry before it")
			}
			k, err := newRingKey(id, key)
			if err != nil {
				return nil, err
			}
			r.keys = append(r.keys, k)
		}
	}
	if len(r.keys) == 0 {
		return nil, fault.New(fault.Invalid, "identity.keyring_empty", "the key ring has no key")
	}
	return r, nil
}

func keyID(id string) bool {
	return id != "" && len(id) <= maxKeyID && strings.IndexFunc(id, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) < 0
}

// Text returns the ring as ParseKeyRing reads it. It holds the keys.
func (r *KeyRing) Text() Secret {
	var b strings.Builder
	for _, k := range r.keys {
		b.WriteString(k.id + ":" + base64.StdEncoding.EncodeToString(k.key[:]) + "\n")
	}
	return Secret(b.String())
}

// IDs returns the ids of the keys, the sealing one first.
func (r *KeyRing) IDs() []string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// String names the keys by id and does not show them.
func (r KeyRing) String() string { return "key ring " + strings.Join(r.IDs(), " ") }

// GoString is String.
func (r KeyRing) GoString() string { return r.String() }

// Format writes String for every verb.
func (r KeyRing) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalJSON returns Redacted as a JSON string.
func (r KeyRing) MarshalJSON() ([]byte, error) { return Secret("").MarshalJSON() }

// Seal encrypts a secret for its address, with AES-256-GCM and a random nonce.
// The result is: 1, the length of the key's id, the id, nonce, ciphertext and tag.
func (r *KeyRing) Seal(random io.Reader, at Address, plain []byte) ([]byte, error) {
	if err := at.check(); err != nil {
		return nil, err
	}
	if len(r.keys) == 0 {
		return nil, fmt.Errorf("identity: seal %s: the key ring has no key", at)
	}
	k := r.keys[0]
	head := append([]byte{sealedV1, byte(len(k.id))}, k.id...)
	nonce := make([]byte, nonceBytes)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("identity: seal %s: nonce: %w", at, err)
	}
	out := append(slices.Clone(head), nonce...)
	return k.aead.Seal(out, nonce, plain, additional(head, at)), nil
}

// additional binds format, key id and address: the head has its length in it
// and table and column no bar, so no two of them give the same bytes.
func additional(head []byte, at Address) []byte {
	return append(slices.Clone(head), at.String()...)
}

// ErrSealed is that sealed bytes do not open: changed, moved from another
// address, or not sealed by this ring. It is wrapped with the address.
var ErrSealed = errors.New("the secret was changed, moved, or sealed with another key")

// ErrNoKey is that the ring lacks the key that sealed the secret. It is wrapped
// with the address and the key's id.
var ErrNoKey = errors.New("the key that sealed the secret is not in the key ring")

// Open decrypts what Seal returned for the same address.
func (r *KeyRing) Open(at Address, sealed []byte) ([]byte, error) {
	if err := at.check(); err != nil {
		return nil, err
	}
	id, head, rest, ok := split(sealed)
	if !ok {
		return nil, fmt.Errorf("identity: open %s: %w", at, ErrSealed)
	}
	i := slices.IndexFunc(r.keys, func(k ringKey) bool { return k.id == id })
	if i < 0 {
		return nil, fmt.Errorf("identity: open %s: key %q: %w", at, id, ErrNoKey)
	}
	plain, err := r.keys[i].aead.Open(nil, rest[:nonceBytes], rest[nonceBytes:], additional(head, at))
	if err != nil {
		return nil, fmt.Errorf("identity: open %s: %w", at, ErrSealed)
	}
	return plain, nil
}

// Stale reports whether the sealed bytes should be sealed anew: they are not
// sealed with the first key.
func (r *KeyRing) Stale(sealed []byte) bool {
	id, _, _, ok := split(sealed)
	return !ok || len(r.keys) == 0 || id != r.keys[0].id
}

func split(sealed []byte) (id string, head, rest []byte, ok bool) {
	if len(sealed) < 2 || sealed[0] != sealedV1 {
		return "", nil, nil, false
	}
	n := 2 + int(sealed[1])
	if len(sealed) < n+nonceBytes+16 || !keyID(string(sealed[2:n])) {
		return "", nil, nil, false
	}
	return string(sealed[2:n]), sealed[:n], sealed[n:], true
}

// LoadKeyRing reads a ring from a file. A file that is absent is an error that
// is fs.ErrNotExist.
func LoadKeyRing(path string) (*KeyRing, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("identity: read the key ring: %w", err)
	}
	r, err := ParseKeyRing(Secret(text))
	if err != nil {
		return nil, fmt.Errorf("identity: key ring %s: %w", path, err)
	}
	return r, nil
}

// OpenKeyRing reads the ring of the file, or makes one with a new key where the
// file is absent, readable and writable by its owner only. Two processes that
// start at once end with the same ring.
func OpenKeyRing(path string, random io.Reader) (r *KeyRing, created bool, err error) {
	r, err = LoadKeyRing(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, false, err
	}
	if r, err = NewKeyRing(random); err != nil {
		return nil, false, err
	}
	temp, err := writeBeside(path, r)
	if err != nil {
		return nil, false, err
	}
	defer os.Remove(temp)
	// A link fails where the file exists and the content is whole when it appears.
	switch err := os.Link(temp, path); {
	case err == nil:
		return r, true, nil
	case errors.Is(err, fs.ErrExist):
		r, err = LoadKeyRing(path)
		return r, false, err
	}
	return r, true, createAlone(path, r)
}

// createAlone is for file systems without links: a process that starts at the
// same moment may then find half a file and has to be started again.
func createAlone(path string, r *KeyRing) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("identity: create the key ring: %w", err)
	}
	if err := fill(f, r); err != nil {
		return fmt.Errorf("identity: create the key ring: %w", err)
	}
	return nil
}

// Save replaces the file by the ring in one step, readable and writable by its
// owner only.
func (r *KeyRing) Save(path string) error {
	temp, err := writeBeside(path, r)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return fmt.Errorf("identity: replace the key ring: %w", err)
	}
	return nil
}

// writeBeside writes the ring to a new file in the folder of path. CreateTemp
// gives mode 0600.
func writeBeside(path string, r *KeyRing) (temp string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".keyring-*")
	if err != nil {
		return "", fmt.Errorf("identity: write the key ring: %w", err)
	}
	if err = fill(f, r); err != nil {
		_ = os.Remove(f.Name())
		return "", fmt.Errorf("identity: write the key ring: %w", err)
	}
	return f.Name(), nil
}

// fill writes the ring to the file, makes sure it is on disk, and closes the file.
func fill(f *os.File, r *KeyRing) error {
	_, err := io.WriteString(f, "# Keys that seal stored credentials. Without this file they cannot be read: keep a copy, apart from the database.\n"+r.Text().Reveal())
	return errors.Join(err, f.Sync(), f.Close())
}
