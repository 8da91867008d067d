package otm

import (
	"strings"
	"testing"
)

// TestSame holds the quick comparison of keys to what it stands for, over all pairs of words.
func TestSame(t *testing.T) {
	t.Parallel()
	words := []string{
		"", "_", "-", "_-", "trustZones", "trust_zones", "TRUST-ZONES", "trustzone", "trustZonesX", "trust_zones_", "_trustZones", "Out Of Scope", "outOfScope", "out-of_scope",
		"key", "\u212aey", "s", "\u017f", "ä", "Ä", "a_ä", "A-Ä", "aÄ_", "ä_b", "äB", "\xff", "\xfe", "a\xff",
	}
	for _, a := range words {
		for _, b := range words {
			want := a == b || strings.EqualFold(plain.Replace(a), plain.Replace(b))
			if got := same(a, b); got != want {
				t.Errorf("same(%q, %q) = %t, want %t", a, b, got, want)
			}
		}
	}
}
