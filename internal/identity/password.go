package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/threatloop/threatloop/internal/fault"
)

// Limits of passwords. The lower one counts characters (NIST SP 800-63B asks for
// at least 8, we for more since nothing else is asked), the upper one bytes.
const (
	MinPassword = 12
	MaxPassword = 1024
)

// CheckPassword returns a fault.Invalid for a password that must not be set:
// shorter than 12 characters, longer than 1,024 bytes, not UTF-8, one character
// repeated, or one of the personal words (name, e-mail address). Every
// character is allowed, NUL included, and none is asked for.
func CheckPassword(password Secret, personal ...string) error {
	p := password.Reveal()
	weak := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "identity.password_weak", "the password cannot be taken").With("body.password", format, args...)
	}
	switch {
	case len(p) > MaxPassword:
		return weak("is longer than %d bytes", MaxPassword)
	case !utf8.ValidString(p):
		return weak("is not UTF-8 text")
	case utf8.RuneCountInString(p) < MinPassword:
		return weak("is shorter than %d characters", MinPassword)
	}
	if first, _ := utf8.DecodeRuneInString(p); strings.Trim(p, string(first)) == "" {
		return weak("is one character repeated")
	}
	for _, word := range personal {
		if word != "" && strings.EqualFold(strings.TrimSpace(p), strings.TrimSpace(word)) {
			return weak("is the account's own name or address")
		}
	}
	return nil
}

// parameters of argon2id; memory in KiB.
type parameters struct {
	memory, iterations uint32
	lanes              uint8
}

// today are the parameters of new hashes, the first choice of the OWASP password
// storage cheat sheet: 19 MiB, two passes, one lane; about 25 ms.
var today = parameters{memory: 19 * 1024, iterations: 2, lanes: 1}

// most bounds what a stored hash may ask for, so that a row cannot exhaust the process.
var most = parameters{memory: 256 * 1024, iterations: 16, lanes: 16}

const (
	saltBytes = 16
	hashBytes = 32
)

// Passwords hashes and verifies passwords, at most so many at a time: each takes
// 19 MiB for the time it runs. It is safe for concurrent use if its source of
// randomness is, as crypto/rand.Reader is.
type Passwords struct {
	random io.Reader
	slots  chan struct{}
	with   parameters
}

// NewPasswords returns a hasher that works on at most concurrent passwords at a
// time; below 1 is 1.
func NewPasswords(random io.Reader, concurrent int) *Passwords {
	return &Passwords{random: random, slots: make(chan struct{}, max(1, concurrent)), with: today}
}

// Hash returns the hash of a password as a PHC string
// ($argon2id$v=19$m=19456,t=2,p=1$salt$hash). It waits for a free slot and gives
// up with ctx. A password over 1,024 bytes is a fault.Invalid.
func (p *Passwords) Hash(ctx context.Context, password Secret) (string, error) {
	if len(password) > MaxPassword {
		return "", CheckPassword(password)
	}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(p.random, salt); err != nil {
		return "", fmt.Errorf("identity: salt of a password: %w", err)
	}
	sum, err := p.derive(ctx, password, salt, p.with, hashBytes)
	if err != nil {
		return "", err
	}
	return phc{p.with, salt, sum}.String(), nil
}

// Verify reports whether the password is that of the hash, in constant time,
// and whether the hash should be made anew because its parameters are not
// today's. The empty hash, of an account that is unknown or has no password,
// takes as long as any other and is never matched. The error is ctx's, or that
// of a stored hash that cannot be read.
func (p *Passwords) Verify(ctx context.Context, hash string, password Secret) (match, rehash bool, err error) {
	if len(password) > MaxPassword {
		return false, false, nil
	}
	if hash == "" {
		_, err := p.derive(ctx, password, make([]byte, saltBytes), p.with, hashBytes)
		return false, false, err
	}
	stored, err := parsePHC(hash)
	if err != nil {
		return false, false, err
	}
	sum, err := p.derive(ctx, password, stored.salt, stored.with, uint32(len(stored.sum)))
	if err != nil {
		return false, false, err
	}
	match = subtle.ConstantTimeCompare(sum, stored.sum) == 1
	return match, match && (stored.with != p.with || len(stored.sum) != hashBytes || len(stored.salt) != saltBytes), nil
}

func (p *Passwords) derive(ctx context.Context, password Secret, salt []byte, with parameters, size uint32) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("identity: wait for a password slot: %w", err)
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("identity: wait for a password slot: %w", ctx.Err())
	}
	defer func() { <-p.slots }()
	return argon2.IDKey([]byte(password), salt, with.iterations, with.memory, with.lanes, size), nil
}

// phc is a hash in the PHC string format
// (https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md).
type phc struct {
	with      parameters
	salt, sum []byte
}

func (h phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.with.memory, h.with.iterations, h.with.lanes,
		enc.EncodeToString(h.salt), enc.EncodeToString(h.sum))
}

var errHash = errors.New("identity: a stored password hash is not readable")

func parsePHC(text string) (phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errHash
	}
	var h phc
	var ok [3]bool
	settings := strings.Split(parts[3], ",")
	if len(settings) != 3 {
		return phc{}, errHash
	}
	var lanes uint32
	h.with.memory, ok[0] = setting(settings[0], "m=", most.memory)
	h.with.iterations, ok[1] = setting(settings[1], "t=", most.iterations)
	lanes, ok[2] = setting(settings[2], "p=", uint32(most.lanes))
	h.with.lanes = uint8(lanes)
	if !ok[0] || !ok[1] || !ok[2] {
		return phc{}, errHash
	}
	var errs [2]error
	h.salt, errs[0] = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	h.sum, errs[1] = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if errs[0] != nil || errs[1] != nil || len(h.salt) < 8 || len(h.sum) < 16 || len(h.sum) > 128 {
		return phc{}, errHash
	}
	return h, nil
}

func setting(text, name string, highest uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(text, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n >= 1 && n <= uint64(highest)
}
