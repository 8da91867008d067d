package model

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// DeriveID returns the id of a generated thing: the prefix, "_" and 20
// characters of a hash over the parts. The same parts give the same id on every
// machine and at every time; parts cannot run into each other.
func DeriveID(prefix string, parts ...string) string {
	// A large model has a hundred thousand ids: only the result is put on the heap.
	in := make([]byte, 0, 256)
	for _, p := range parts {
		in = binary.BigEndian.AppendUint32(in, uint32(len(p)))
		in = append(in, p...)
	}
	sum := sha256.Sum256(in)
	id := append(append(make([]byte, 0, 64), prefix...), '_')
	return string(idEncoding.AppendEncode(id, sum[:])[:len(prefix)+1+20])
}

// RandomID returns a new id made of the prefix and 100 bits of the 16 given random bytes.
func RandomID(prefix string, random [16]byte) string {
	return prefix + "_" + idEncoding.EncodeToString(random[:])[:20]
}

// Slug turns a name into a ref: lower case ASCII letters, digits and single hyphens; "x" when nothing is left.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := strings.TrimSuffix(b.String(), "-")
	if s == "" {
		return "x"
	}
	return s
}

// Ids of generated things: product, where and ref path; never order or time.

// NewThreatID returns the id of the threat with the ref at the place.
func NewThreatID(p ProductID, where ElementID, ref string) ThreatID {
	return ThreatID(DeriveID("thr", string(p), string(where), ref))
}

// NewWeaknessID returns the id of the weakness with the ref at the place.
func NewWeaknessID(p ProductID, where ElementID, ref string) WeaknessID {
	return WeaknessID(DeriveID("wkn", string(p), string(where), ref))
}

// NewCountermeasureID returns the id of the countermeasure with the ref at the place.
func NewCountermeasureID(p ProductID, where ElementID, ref string) CountermeasureID {
	return CountermeasureID(DeriveID("cms", string(p), string(where), ref))
}
