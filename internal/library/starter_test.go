package library_test

import (
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	starter "github.com/threatloop/threatloop/library"
)

// TestStarter loads the library that is shipped.
func TestStarter(t *testing.T) {
	t.Parallel()
	l, err := library.Load(starter.Files)
	if err != nil {
		for _, f := range fault.As(err).Fields {
			t.Errorf("%s: %s", f.Where, f.Text)
		}
		t.FailNow()
	}
	for _, w := range l.Warnings {
		t.Logf("%s: %s", w.At, w.Text)
	}
}
