// Package identity is how somebody proves who they are, and how secrets are
// kept: passwords (argon2id), session and API tokens, the throttling of
// logins, and the key ring that seals secrets at rest.
//
// It stores nothing: what it makes is handed to the caller as values, and
// randomness and time come in as arguments. No error and no formatted value of
// this package holds secret material.
package identity

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a Secret prints as.
const Redacted = "[redacted]"

// Secret is a string that does not show itself: every verb of fmt, JSON, text,
// YAML and slog give Redacted. It can be read from JSON like any string. Do not
// use it as the key of a map: encoding/json writes string keys as they are.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns Redacted.
func (Secret) String() string { return Redacted }

// GoString returns Redacted.
func (Secret) GoString() string { return Redacted }

// Format writes Redacted for every verb, %x and %d included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalJSON returns Redacted as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText returns Redacted; it covers XML and other text encodings.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalYAML returns Redacted.
func (Secret) MarshalYAML() (any, error) { return Redacted, nil }

// LogValue returns Redacted.
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }
