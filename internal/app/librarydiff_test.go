package app

import (
	"errors"
	"slices"
	"testing"

	"github.com/threatloop/threatloop/internal/library"
)

// TestOlderVersionsAreKept: a version is loaded once while it is compared, and at most two are held.
func TestOlderVersionsAreKept(t *testing.T) {
	t.Parallel()
	var o olderVersions
	var loaded []string
	of := func(key string) *library.Library {
		lib, err := o.of(key, func() (*library.Library, error) {
			loaded = append(loaded, key)
			return &library.Library{Ref: key}, nil
		})
		if err != nil || lib.Ref != key {
			t.Errorf("of(%q) = %v, %v, want its library", key, lib, err)
		}
		return lib
	}
	first := of("1")
	of("2")
	if of("1") != first {
		t.Error("of(1) again = another library, want the one that is kept")
	}
	of("3") // 2 was not used for longest
	of("1")
	of("2")
	if want := []string{"1", "2", "3", "2"}; !slices.Equal(loaded, want) {
		t.Errorf("loaded %q, want %q", loaded, want)
	}
	broken := errors.New("broken")
	for range 2 {
		if _, err := o.of("4", func() (*library.Library, error) { loaded = append(loaded, "4"); return nil, broken }); !errors.Is(err, broken) {
			t.Errorf("of(4) = %v, want %v", err, broken)
		}
	}
	if got := loaded[len(loaded)-2:]; !slices.Equal(got, []string{"4", "4"}) {
		t.Errorf("what cannot be loaded was asked for as %q, want twice", got)
	}
}
