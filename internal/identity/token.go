package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// TokenKind is what a token is for; it is the token's prefix, which lets secret
// scanners find a leaked one.
type TokenKind string

// The kinds of tokens.
const (
	APIToken     TokenKind = "tl_"
	SessionToken TokenKind = "tls_"
)

const tokenBytes = 32

// NewToken returns a new token, its prefix and 256 random bits, and its hash.
// Only the hash is to be stored; the token is shown once.
func NewToken(kind TokenKind, random io.Reader) (token Secret, hash string, err error) {
	b := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", "", fmt.Errorf("identity: random bytes of a token: %w", err)
	}
	token = Secret(string(kind) + base64.RawURLEncoding.EncodeToString(b))
	return token, hashOf(token), nil
}

// HashToken returns the hash by which a presented token is looked up: 64 lower
// case hex digits of its SHA-256. It is false for what is not shaped like a
// token of the kind, which nobody has to look up. No salt and no slow hash are
// needed, because a token cannot be guessed.
func HashToken(kind TokenKind, presented Secret) (hash string, ok bool) {
	body, ok := strings.CutPrefix(presented.Reveal(), string(kind))
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return "", false
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(body); err != nil {
		return "", false
	}
	return hashOf(presented), true
}

// KindOfToken tells the kind of a presented token by its prefix; false for none.
func KindOfToken(presented Secret) (TokenKind, bool) {
	for _, kind := range []TokenKind{APIToken, SessionToken} {
		if strings.HasPrefix(presented.Reveal(), string(kind)) {
			return kind, true
		}
	}
	return "", false
}

// SameHash compares two hashes in constant time.
func SameHash(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// SameSecret compares two secrets in a time that tells nothing of either.
func SameSecret(a, b Secret) bool { return SameHash(hashOf(a), hashOf(b)) }

func hashOf(token Secret) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
