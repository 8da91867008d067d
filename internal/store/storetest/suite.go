package storetest

import (
	"testing"

	"github.com/threatloop/threatloop/internal/store"
)

// Run is the conformance suite of a database; open gives a new empty one per call.
func Run(t *testing.T, open func(*testing.T) *store.DB) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, func(*testing.T) *store.DB)
	}{
		{"rollback on error", rollback},
		{"panic is raised again", panics},
		{"cancellation inside a transaction", cancellation},
		{"cancellation while waiting", cancelledWait},
		{"write inside write", nested},
		{"reads see one state", snapshot},
		{"concurrent writers", concurrentWriters},
		{"NUL and invalid UTF-8 are refused", refusedText},
		{"references to nothing", references},
		{"model round trip", modelRoundTrip},
		{"model saves are equivalent", modelProperty},
		{"one of many savers wins", savers},
		{"sorting by bytes of the folded name", sorting},
		{"paging of products", productPages},
		{"ratings", ratings},
		{"runs", runs},
		{"evidence", evidence},
		{"pins", pins},
		{"audit chain", auditChain},
		{"audit is narrowed", auditSelected},
		{"audit finds tampering", auditTamper},
		{"audit of many streams at once", auditConcurrent},
		{"accounts and memberships", accounts},
		{"sessions, tokens and throttles", sessions},
		{"settings, secrets and idempotency", settings},
		{"owners", owned},
		{"names of people", names},
		{"comments", comments},
		{"shared models", sharedModels},
		{"library's draft and versions", libraryVersions},
		{"use of the library", libraryUse},
		{"files of products", sources},
		{"lease is taken over and fences", leases},
		{"lease under contention", leaseContention},
		{"work", work},
		{"blob round trip", blobs},
		{"blob that fails leaves nothing", failedBlobs},
		{"check", check},
		{"backup while writing", backup},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open)
		})
	}
}
