package library_test

import (
	"sync"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	starter "github.com/threatloop/threatloop/library"
)

// What is shipped is read once for all tests: it is immutable.
var (
	starterFiles = sync.OnceValue(func() *library.Parsed { return library.Parse(starter.Files) })
	loadStarter  = sync.OnceValues(func() (*library.Library, error) { return library.Load(starterFiles()) })
)

// starterLibrary is the library that is shipped.
func starterLibrary(t testing.TB) *library.Library {
	t.Helper()
	l, err := loadStarter()
	if err != nil {
		for _, f := range fault.As(err).Fields {
			t.Errorf("%s: %s", f.Where, f.Text)
		}
		t.FailNow()
	}
	return l
}

func TestStarter(t *testing.T) {
	t.Parallel()
	l := starterLibrary(t)
	for _, w := range l.Warnings {
		t.Errorf("%s: %s", w.At, w.Text)
	}
	if len(l.Types) < 15 || len(l.Patterns) < 12 || len(l.Questionnaires) < 1 {
		t.Errorf("the starter has %d types, %d patterns and %d questionnaires, want 15, 12 and 1", len(l.Types), len(l.Patterns), len(l.Questionnaires))
	}
}
