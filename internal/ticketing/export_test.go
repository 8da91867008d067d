package ticketing

import "github.com/threatloop/threatloop/internal/tracker/richtext"

// Digest is the digest of a block, for tests that make snapshots.
func Digest(d richtext.Doc) string { return digest(d) }
