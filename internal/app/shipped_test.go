package app

import (
	"sync"

	shipped "github.com/threatloop/threatloop/library"

	"github.com/threatloop/threatloop/internal/library"
)

// shippedLibrary is read once for all tests: it never changes, and reading it takes half a second.
var shippedLibrary = sync.OnceValues(func() (*library.Library, error) { return library.Load(shipped.Files) })
