package cli

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPrintColumns prints the same rows as a table does, byte for byte.
func TestPrintColumns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "columns")
		cell := rapid.StringOf(rapid.RuneFrom([]rune("ab \t\n\u0007é漢")))
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, n, n), 0, 6).Draw(t, "rows")
		var want, got bytes.Buffer
		tab := newTable(&want)
		for _, row := range rows {
			cells := make([]any, n)
			for i, c := range row {
				cells[i] = c
			}
			tab.row(cells...)
		}
		if err := tab.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := printColumns(&got, slices.Values(rows)); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("printColumns(%q) = %q, want %q", rows, got.String(), want.String())
		}
	})
}
