package library_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/sharedtest"
)

// TestCoverageNamesWhatExists holds docs/rule-coverage.md to the library: every ref that a row names
// exists, every row answers, and no check of the tools compared is left out.
func TestCoverageNamesWhatExists(t *testing.T) {
	t.Parallel()
	lib := load(t)
	known := map[string]bool{}
	for _, typ := range lib.Types {
		known[typ.Ref] = true
	}
	for _, r := range lib.Rules {
		known[r.Ref] = true
	}
	for _, p := range lib.Patterns {
		known[p.Ref] = true
		for _, c := range p.Countermeasures {
			known[c.Ref] = true
		}
		for _, threat := range p.Threats {
			known[threat.Ref] = true
		}
	}
	page, err := os.ReadFile(filepath.Join(sharedtest.Root(t), "docs", "rule-coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	code, ref := regexp.MustCompile("`([^`]+)`"), regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	section, rows := "", map[string]int{}
	for _, line := range strings.Split(string(page), "\n") {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = title
		}
		cells := strings.Split(line, "|")
		if len(cells) < 4 || section == "" || strings.Contains(cells[1], "---") {
			continue
		}
		theirs, ours := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		if ours == "ours" {
			continue
		}
		rows[section]++
		if ours == "" {
			t.Errorf("%s: %s has no answer", section, theirs)
		}
		for _, m := range code.FindAllStringSubmatch(ours, -1) {
			if ref.MatchString(m[1]) && !known[m[1]] {
				t.Errorf("%s: %s names `%s`, which the library does not have", section, theirs, m[1])
			}
		}
	}
	for section, want := range map[string]int{
		"Threat Dragon, suggestions by element":  20,
		"Threat Dragon, suggestions by context":  25,
		"Threagile, the 42 checks":               42,
		"IriusRisk, the questionnaire by STRIDE": 44,
	} {
		if got := rows[section]; got < want {
			t.Errorf("%q has %d rows, want %d or more", section, got, want)
		}
	}
}
