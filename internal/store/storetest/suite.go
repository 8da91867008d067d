package storetest

import (
	"testing"

	"github.com/threatloop/threatloop/internal/store"
)

// Run is the conformance suite of a database; open gives a new empty one per call.
func Run(t *testing.T, open func(*testing.T) *store.DB) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func(*testing.T) *store.DB){
		"model round trip": modelRoundTrip,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}
