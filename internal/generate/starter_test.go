package generate_test

import (
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	starter "github.com/threatloop/threatloop/library"
)

func starterLibrary(t testing.TB) *library.Library {
	t.Helper()
	lib, err := library.Load(starter.Files)
	if err != nil {
		for _, f := range fault.As(err).Fields {
			t.Errorf("%s: %s", f.Where, f.Text)
		}
		t.FailNow()
	}
	return lib
}

// TestStarterRules runs the tests of the shipped rules.
func TestStarterRules(t *testing.T) {
	t.Parallel()
	report := generate.Test(starterLibrary(t))
	for _, f := range report.Failures {
		t.Errorf("%s: rule %q, test %q: %s", f.At, f.Rule, f.Test, f.Text)
	}
	for _, w := range report.Warnings {
		t.Errorf("%s: %s", w.At, w.Text)
	}
	t.Logf("%d rules, %d tests", report.Rules, report.Tests)
}
