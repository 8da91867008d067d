package library_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/library"
)

func TestCompareClauses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"1.2.4", "1.2.10", -1},
		{"1.10.1", "1.9.9", 1},
		{"1.2", "1.2.1", -1},
		{"AC-2", "AC-17", -1},
		{"AC-2", "AU-1", -1},
		{"API1", "API10", -1},
		{"1.2.4", "1.2.4", 0},
		{"01", "1", -1},
		{"A", "1", 1},
		{"MASVS-CODE-1", "MASVS-AUTH-3", 1},
	} {
		if got := library.CompareClauses(tc.a, tc.b); sign(got) != tc.want {
			t.Errorf("CompareClauses(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

func TestCompareClausesIsAnOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[A-B0-2][A-B0-2.-]{0,5}`)
		a, b, c := id.Draw(t, "a"), id.Draw(t, "b"), id.Draw(t, "c")
		if ab, ba := sign(library.CompareClauses(a, b)), sign(library.CompareClauses(b, a)); ab != -ba || (ab == 0) != (a == b) {
			t.Errorf("CompareClauses(%q, %q) = %d and %d the other way", a, b, ab, ba)
		}
		if library.CompareClauses(a, b) < 0 && library.CompareClauses(b, c) < 0 && library.CompareClauses(a, c) >= 0 {
			t.Errorf("%q < %q < %q, but not the first before the last", a, b, c)
		}
	})
}

func TestStandardIsRead(t *testing.T) {
	t.Parallel()
	l, err := library.Load(files(nil))
	if err != nil {
		t.Fatal(err)
	}
	s := l.Standard("asvs-5.0")
	if s == nil || s.Clauses[0].ID != "1.2.4" || s.Clause("1.2.10").Title != "Last" || s.Clause("1.2.1") != nil {
		t.Errorf("Standard(asvs-5.0) = %+v, want two clauses in order", s)
	}
	if got := s.Levels(); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("Levels() = %v, want [1 3]", got)
	}
}
