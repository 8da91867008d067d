package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/threatloop/threatloop/internal/fault"
)

func TestPasswordsRoundTrip(t *testing.T) {
	t.Parallel()
	p := NewPasswords(rand.Reader, 1)
	ctx := t.Context()
	salts := map[string]bool{}
	for _, password := range []Secret{"nul\x00in the middle", "пароль из слов", Secret(strings.Repeat("ab", 512))} {
		hash, err := p.Hash(ctx, password)
		if err != nil {
			t.Fatalf("Hash: %v", err)
		}
		if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("Hash = %q, want the PHC form with today's parameters", hash)
		}
		if match, rehash, err := p.Verify(ctx, hash, password); !match || rehash || err != nil {
			t.Errorf("Verify(own hash) = %v, %v, %v, want true, false, nil", match, rehash, err)
		}
		for _, other := range []Secret{"nul", password[:len(password)-1]} {
			if match, rehash, err := p.Verify(ctx, hash, other); match || rehash || err != nil {
				t.Errorf("Verify(another password of %d bytes) = %v, %v, %v, want false, false, nil", len(other), match, rehash, err)
			}
		}
		if salts[strings.Split(hash, "$")[4]] {
			t.Error("Hash uses a salt twice")
		}
		salts[strings.Split(hash, "$")[4]] = true
	}
	if match, _, err := p.Verify(ctx, "", "correct horse battery"); match || err != nil {
		t.Errorf("Verify(no hash) = %v, %v, want false", match, err)
	}
}

// The vector is the reference implementation's (phc-winner-argon2, test.c):
// version 19, t=2, m=64 MiB, p=1, "password", "somesalt".
func TestVerifyReferenceVectorAndAskForRehash(t *testing.T) {
	t.Parallel()
	const vector = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	p := NewPasswords(rand.Reader, 1)
	if match, rehash, err := p.Verify(t.Context(), vector, "password"); !match || !rehash || err != nil {
		t.Errorf("Verify(reference vector) = %v, %v, %v, want true, true, nil", match, rehash, err)
	}
	if match, rehash, err := p.Verify(t.Context(), vector, "passwore"); match || rehash || err != nil {
		t.Errorf("Verify(reference vector, wrong password) = %v, %v, %v, want false, false, nil", match, rehash, err)
	}
}

func TestVerifyRefusesUnreadableHashesWithoutShowingThem(t *testing.T) {
	t.Parallel()
	p := NewPasswords(rand.Reader, 1)
	for _, hash := range []string{
		"plain", "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=18$m=64,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=2,p=300$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$", "$argon2id$v=19$m=64,t=2,p=1$!!$AAAA",
	} {
		match, _, err := p.Verify(t.Context(), hash, "whatever it is")
		if match || err == nil {
			t.Errorf("Verify(%q) = %v, %v, want an error", hash, match, err)
			continue
		}
		if strings.Contains(err.Error(), hash) || strings.Contains(err.Error(), "c29tZXNhbHQ") {
			t.Errorf("Verify(%q) error shows the hash: %v", hash, err)
		}
	}
}

func TestPasswordsWaitForASlotOnlyAsLongAsTheContext(t *testing.T) {
	t.Parallel()
	p := NewPasswords(rand.Reader, 1)
	p.slots <- struct{}{} // somebody is at work
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Hash(ctx, "correct horse battery"); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash with a cancelled context = %v, want context.Canceled", err)
	}
	if _, _, err := p.Verify(ctx, "", "correct horse battery"); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify with a cancelled context = %v, want context.Canceled", err)
	}
	<-p.slots
	if _, err := NewPasswords(iotest.ErrReader(errors.New("dry")), 0).Hash(t.Context(), "correct horse battery"); err == nil {
		t.Error("Hash without randomness = nil error, want one")
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	cases := []struct {
		password Secret
		ok       bool
	}{
		{"correct horse", true},
		{"twelve chars", true},
		{"eleven char", false},
		{"пароль12букв", true},
		{"парольбукв", false},
		{"with\x00nul inside", true},
		{"aaaaaaaaaaaaaaaa", false},
		{"ada@example.com", false},
		{"ADA@example.com ", false},
		{Secret(strings.Repeat("ab", 512)), true},
		{Secret(strings.Repeat("ab", 512) + "c"), false},
		{"not utf-8 \xff\xfe\xfd", false},
		{"", false},
	}
	for _, c := range cases {
		err := CheckPassword(c.password, "Ada", "ada@example.com", "")
		if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("CheckPassword(%q) = %v, want ok %v", c.password.Reveal(), err, c.ok)
		}
		if err != nil && len(c.password) > 0 && strings.Contains(err.Error(), c.password.Reveal()) {
			t.Errorf("CheckPassword(%q) shows the password: %v", c.password.Reveal(), err)
		}
	}
	if _, err := NewPasswords(rand.Reader, 1).Hash(t.Context(), Secret(bytes.Repeat([]byte("a"), MaxPassword+1))); !fault.Is(err, fault.Invalid) {
		t.Errorf("Hash(1025 bytes) = %v, want a fault of kind invalid", err)
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parsePHC(text)
		if err != nil {
			return
		}
		if h.with.memory > most.memory || h.with.iterations > most.iterations || h.with.lanes > most.lanes {
			t.Errorf("parsePHC(%q) lets %+v through", text, h.with)
		}
		if again, err := parsePHC(h.String()); err != nil || again.String() != h.String() {
			t.Errorf("parsePHC(%q) does not survive being written: %v", text, err)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	p := NewPasswords(rand.Reader, 1)
	for b.Loop() {
		if _, err := p.Hash(b.Context(), "correct horse battery"); err != nil {
			b.Fatal(err)
		}
	}
}
