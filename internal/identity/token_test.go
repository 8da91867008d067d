package identity

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range []TokenKind{APIToken, SessionToken} {
		token, hash, err := NewToken(kind, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(token.Reveal(), string(kind)) || len(token) != len(kind)+43 || len(hash) != 64 || seen[hash] {
			t.Errorf("NewToken(%s) = %d characters, hash %q", kind, len(token), hash)
		}
		seen[hash] = true
		if got, ok := HashToken(kind, token); !ok || !SameHash(got, hash) {
			t.Errorf("HashToken(%s, its token) = %q, %v, want %q", kind, got, ok, hash)
		}
		if got, ok := KindOfToken(token); !ok || got != kind {
			t.Errorf("KindOfToken = %q, %v, want %q", got, ok, kind)
		}
		other := APIToken
		if kind == APIToken {
			other = SessionToken
		}
		for _, bad := range []Secret{"", Secret(kind), token[1:], token + "A", token[:len(token)-1], token[:len(token)-1] + "!", " " + token} {
			if _, ok := HashToken(kind, bad); ok {
				t.Errorf("HashToken(%s, %q) = true, want false", kind, bad.Reveal())
			}
		}
		if _, ok := HashToken(other, token); ok {
			t.Errorf("HashToken(%s) takes a token of the kind %s", other, kind)
		}
	}
	if _, ok := KindOfToken("Basic abc"); ok {
		t.Error("KindOfToken(Basic abc) = true, want false")
	}
	if SameHash("a", "b") || SameHash("a", "") || !SameHash("ab", "ab") {
		t.Error("SameHash does not compare")
	}
	if _, _, err := NewToken(APIToken, bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("NewToken with 31 random bytes = nil error, want one")
	}
	if _, _, err := NewToken(APIToken, iotest.ErrReader(errors.New("dry"))); err == nil {
		t.Error("NewToken without randomness = nil error, want one")
	}
}

func TestDelayGrows(t *testing.T) {
	t.Parallel()
	l := LoginLimits("Ada@example.com ", "192.0.2.7")[0]
	for failures, want := range map[int64]time.Duration{1: 0, 4: 0, 5: time.Second, 6: 2 * time.Second, 8: 8 * time.Second, 18: 15 * time.Minute, 1 << 60: l.Longest} {
		if got := l.Delay(failures); got != want {
			t.Errorf("Delay(%d) = %s, want %s", failures, got, want)
		}
	}
}

func TestLoginLimitsKeys(t *testing.T) {
	t.Parallel()
	keys := func(account, address string) (k []string) {
		for _, l := range LoginLimits(account, address) {
			k = append(k, l.Key)
		}
		return k
	}
	a, b := keys("Ada@example.com", "2001:db8::1"), keys(" ada@EXAMPLE.com", "2001:db8::ffff:2")
	for i := range a {
		if a[i] != b[i] {
			t.Errorf("key %q differs for the same account and network: %q", a[i], b[i])
		}
		if strings.Contains(a[i], "ada") || strings.Contains(a[i], "2001") {
			t.Errorf("key %q shows who or where", a[i])
		}
	}
	c := keys("ada@example.com", "2001:db8:0:1::1")
	if c[0] == a[0] || c[1] == a[1] || c[2] != a[2] {
		t.Errorf("keys from another network = %v, want another pair and address than %v", c, a)
	}
	if x, y := keys("a", "::ffff:192.0.2.1"), keys("a", "192.0.2.1"); x[1] != y[1] {
		t.Errorf("a mapped IPv4 address has the key %q, the plain one %q", x[1], y[1])
	}
	if x := keys("a", "no address"); x[1] == keys("a", "")[1] {
		t.Error("what is no address shares the key of none")
	}
}
