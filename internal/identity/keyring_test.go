package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
)

var here = Address{Table: "connection", Column: "credential", Row: "con_1"}

func newRing(t testing.TB) *KeyRing {
	t.Helper()
	r, err := NewKeyRing(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func seal(t testing.TB, r *KeyRing, plain string) []byte {
	t.Helper()
	sealed, err := r.Seal(rand.Reader, here, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealedSecretsOpenAtTheirAddressOnly(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	for _, plain := range []string{"", "a token", strings.Repeat("long ", 10000)} {
		sealed := seal(t, r, plain)
		if got, err := r.Open(here, sealed); err != nil || string(got) != plain {
			t.Errorf("Open(Seal(%d bytes)) = %d bytes, %v", len(plain), len(got), err)
		}
		if plain != "" && bytes.Contains(sealed, []byte(plain)) {
			t.Error("the sealed bytes hold the secret")
		}
		if bytes.Equal(sealed, seal(t, r, plain)) {
			t.Error("sealing twice gives the same bytes: the nonce is not random")
		}
		for _, moved := range []Address{{"connection", "credential", "con_2"}, {"connection", "webhook", "con_1"}, {"oidc", "credential", "con_1"}} {
			if _, err := r.Open(moved, sealed); !errors.Is(err, ErrSealed) {
				t.Errorf("Open(moved to %s) = %v, want ErrSealed", moved, err)
			}
		}
	}
	for _, bad := range []Address{{}, {"a|b", "c", "d"}, {"a", "b|c", "d"}, {"a", "b", ""}} {
		if _, err := r.Seal(rand.Reader, bad, nil); err == nil {
			t.Errorf("Seal(%q) = nil error, want one", bad)
		}
		if _, err := r.Open(bad, seal(t, r, "x")); err == nil {
			t.Errorf("Open(%q) = nil error, want one", bad)
		}
	}
}

func TestEveryChangedBitIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	sealed := seal(t, r, material)
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			plain, err := r.Open(here, changed)
			if err == nil || plain != nil {
				t.Fatalf("bit %d of byte %d was changed and the secret opens", bit, i)
			}
			if strings.Contains(err.Error(), material) {
				t.Fatalf("the error shows the secret: %v", err)
			}
		}
	}
	for n := range sealed {
		if _, err := r.Open(here, sealed[:n]); err == nil {
			t.Fatalf("the first %d bytes open", n)
		}
	}
	if _, err := r.Open(here, append(bytes.Clone(sealed), 0)); !errors.Is(err, ErrSealed) {
		t.Errorf("Open(with a byte more) = %v, want ErrSealed", err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old := newRing(t)
	sealed := seal(t, old, material)
	ring, err := old.Rotated(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if len(ring.IDs()) != 2 || ring.IDs()[1] != old.IDs()[0] {
		t.Fatalf("IDs after a rotation = %v, want a new one before %v", ring.IDs(), old.IDs())
	}
	if got, err := ring.Open(here, sealed); err != nil || string(got) != material {
		t.Errorf("Open(sealed before the rotation) = %v", err)
	}
	if old.Stale(sealed) || !ring.Stale(sealed) {
		t.Errorf("Stale = %v before and %v after the rotation, want false and true", old.Stale(sealed), ring.Stale(sealed))
	}
	again := seal(t, ring, material)
	if ring.Stale(again) {
		t.Error("Stale(sealed anew) = true, want false")
	}
	only := ring.Only()
	if _, err := only.Open(here, sealed); !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), old.IDs()[0]) {
		t.Errorf("Open without the old key = %v, want ErrNoKey naming the key", err)
	}
	if _, err := only.Open(here, again); err != nil {
		t.Errorf("Open(sealed anew) without the old key = %v", err)
	}
	parsed, err := ParseKeyRing(ring.Text())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ring.IDs(), parsed.IDs()); diff != "" {
		t.Errorf("ParseKeyRing(Text()) (-want +got):\n%s", diff)
	}
	if got, err := parsed.Open(here, sealed); err != nil || string(got) != material {
		t.Errorf("Open with the parsed ring = %v", err)
	}
}

func TestParseKeyRing(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789ABCDEF"))
	for _, good := range []string{"k1:" + key, " k1:" + key + " , k2:" + key + "\n", "# comment, with a comma\r\n\r\nk1:" + key + "\r\n"} {
		if r, err := ParseKeyRing(Secret(good)); err != nil || r.IDs()[0] != "k1" {
			t.Errorf("ParseKeyRing(%q) = %v, %v", good, r, err)
		}
	}
	for _, bad := range []string{
		"", "# nothing", key, ":" + key, "a b:" + key, "k1:" + key[:40], "k1:" + key + "AAAA", "k1:!", "k1:" + key + ",k1:" + key,
		"k1:" + key + ",", "k1:" + base64.StdEncoding.EncodeToString(make([]byte, 32)), strings.Repeat("k", 33) + ":" + key,
	} {
		_, err := ParseKeyRing(Secret(bad))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("ParseKeyRing(%q) error = %v, want a fault of kind invalid", bad, err)
			continue
		}
		if strings.Contains(err.Error(), key[:10]) {
			t.Errorf("ParseKeyRing(%q) error shows the key: %v", bad, err)
		}
	}
}

func TestKeyRingNeverShowsItsKeys(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	_, encoded, _ := strings.Cut(strings.TrimSpace(r.Text().Reveal()), ":")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%v %+v %#v %s %x %v %+v %#v", r, r, r, r, r, *r, *r, struct{ R *KeyRing }{r})
	data, err := json.Marshal(map[string]any{"pointer": r, "value": *r})
	if err != nil {
		t.Fatal(err)
	}
	out += string(data)
	for _, leak := range []string{encoded, string(raw), fmt.Sprintf("%x", raw), fmt.Sprint(raw), fmt.Sprintf("%v", [32]byte(raw))} {
		if strings.Contains(out, leak) {
			t.Errorf("the key ring shows its key: %s", out)
		}
	}
}

func TestKeyRingFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	if _, err := LoadKeyRing(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("LoadKeyRing(absent) = %v, want fs.ErrNotExist", err)
	}
	r, created, err := OpenKeyRing(path, rand.Reader)
	if err != nil || !created {
		t.Fatalf("OpenKeyRing(absent) = created %v, %v", created, err)
	}
	private := func() {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); runtime.GOOS != "windows" && got != 0o600 {
			t.Errorf("mode of the key ring = %o, want 600", got)
		}
	}
	private()
	again, created, err := OpenKeyRing(path, rand.Reader)
	if err != nil || created {
		t.Fatalf("OpenKeyRing(present) = created %v, %v", created, err)
	}
	if got, err := again.Open(here, seal(t, r, material)); err != nil || string(got) != material {
		t.Errorf("the ring of the file does not open what the first one sealed: %v", err)
	}
	rotated, err := again.Rotated(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := rotated.Save(path); err != nil {
		t.Fatalf("Save: %v", err)
	}
	private()
	loaded, err := LoadKeyRing(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rotated.IDs(), loaded.IDs()); diff != "" {
		t.Errorf("LoadKeyRing after Save (-want +got):\n%s", diff)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("files beside the key ring: %v, %v, want none", entries, err)
	}
	if _, _, err := OpenKeyRing(filepath.Join(path, "no", "folder"), rand.Reader); err == nil {
		t.Error("OpenKeyRing in a folder that is absent = nil error, want one")
	}
	if err := os.WriteFile(path, []byte("k1:"+material), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenKeyRing(path, rand.Reader); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), material) {
		t.Errorf("OpenKeyRing(damaged) = %v, want a fault that does not show the content", err)
	}
}

func TestProcessesThatStartAtOnceShareOneRing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	var wg sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wg.Go(func() {
			r, _, err := OpenKeyRing(path, rand.Reader)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = r.IDs()[0]
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("rings that were opened at once have the keys %v, want one", ids)
		}
	}
}

func FuzzOpen(f *testing.F) {
	r := newRing(f)
	f.Add(seal(f, r, "x"))
	f.Add([]byte{1, 255})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		r.Stale(sealed)
		if plain, err := r.Open(here, sealed); err == nil && string(plain) != "x" {
			t.Errorf("Open(%x) = %x, nothing but the seed was sealed", sealed, plain)
		}
	})
}
