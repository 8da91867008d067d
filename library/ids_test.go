package library_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// idLines returns the lines of a list of published ids, without its comments, as fields.
func idLines(t *testing.T, name string) [][]string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(body)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			out = append(out, fields)
		}
	}
	return out
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// nistIDs returns the ids of NIST SP 800-53 that are in use, controls ("AC-6") and enhancements
// ("AC-6(5)"), and checks that their numbers are those the published catalogue counts.
func nistIDs(t *testing.T) map[string]int {
	t.Helper()
	ids := map[string]int{}
	var family string
	var want, got [4]int
	check := func() {
		if got != want {
			t.Errorf("family %s has %v controls, enhancements, withdrawn controls and withdrawn enhancements, the catalogue counts %v", family, got, want)
		}
	}
	for _, f := range idLines(t, "nist-800-53-r5.txt") {
		if f[0] == "family" {
			if family != "" {
				check()
			}
			family, got = f[1], [4]int{}
			for i := range want {
				want[i] = number(t, f[2+i])
			}
			continue
		}
		withdrawn := []string{}
		if len(f) > 2 {
			withdrawn = strings.Split(strings.TrimPrefix(f[2], "-"), ",")
		}
		got[0]++
		for n := range number(t, f[1]) + 1 {
			id := f[0]
			if n > 0 {
				got[1]++
				id = fmt.Sprintf("%s(%d)", f[0], n)
			}
			switch gone := slices.Contains(withdrawn, strconv.Itoa(n)); {
			case gone && n == 0:
				got[2]++
			case gone:
				got[3]++
			default:
				ids[id] = 0
			}
		}
	}
	check()
	return ids
}

// cisIDs returns the safeguards of the CIS controls with their implementation groups.
func cisIDs(t *testing.T) map[string]int {
	t.Helper()
	ids, groups := map[string]int{}, [4]int{}
	for _, f := range idLines(t, "cis-8.txt") {
		second, third := number(t, f[2]), number(t, f[3])
		for n := 1; n <= number(t, f[1]); n++ {
			group := 1
			if second > 0 && n >= second {
				group = 2
			}
			if third > 0 && n >= third {
				group = 3
			}
			groups[group]++
			ids[f[0]+"."+strconv.Itoa(n)] = group
		}
	}
	if want := [4]int{0, 56, 74, 23}; groups != want {
		t.Errorf("cis-8.txt has %v safeguards by group, want %v", groups, want)
	}
	return ids
}

// TestPublishedIDs holds the declared clauses of the standards that are not at hand as a whole to lists
// of their published ids: none that does not exist or was withdrawn, and none of the standard left out.
func TestPublishedIDs(t *testing.T) {
	t.Parallel()
	pci := map[string]int{}
	for _, f := range idLines(t, "pci-dss-4.txt") {
		for _, id := range f {
			pci[id] = 0
		}
	}
	top := func(format string) map[string]int {
		ids := map[string]int{}
		for n := range 10 {
			ids[fmt.Sprintf(format, n+1)] = 0
		}
		return ids
	}
	lib := load(t)
	for _, tt := range []struct {
		standard  string
		published map[string]int
		leftOut   []string // prefixes of what a system cannot serve
	}{
		{"nist-800-53-r5", nistIDs(t), []string{"AT-", "PE-", "PL-", "PM-", "PS-"}},
		{"cis-8", cisIDs(t), nil},
		{"pci-dss-4", pci, nil},
		{"api-top-10-2023", top("API%d"), nil},
		{"llm-top-10-2025", top("LLM%02d"), nil},
	} {
		declared := map[string]bool{}
		for _, c := range lib.Standard(tt.standard).Clauses {
			declared[c.ID] = true
			if level, ok := tt.published[c.ID]; !ok {
				t.Errorf("%s: %s:%s is not published, or withdrawn", c.At, tt.standard, c.ID)
			} else if level != c.Level {
				t.Errorf("%s: %s:%s has level %d, published is %d", c.At, tt.standard, c.ID, c.Level, level)
			}
		}
		for id := range tt.published {
			out := strings.Contains(id, "(") || slices.ContainsFunc(tt.leftOut, func(p string) bool { return strings.HasPrefix(id, p) })
			if !declared[id] && !out {
				t.Errorf("%s:%s is published and not declared: a gap nobody declares is a gap nobody sees", tt.standard, id)
			}
		}
	}
}
