package library

import (
	"fmt"
	"slices"
	"strings"
)

// nearest returns `; did you mean "x"?` for the closest known word, or "" when none is near.
func nearest(word string, known []string) string {
	known = slices.Sorted(slices.Values(known))
	best, distance := "", max(1, len(word)/3)+1
	for _, k := range known {
		if strings.EqualFold(word, k) {
			return fmt.Sprintf("; did you mean %q?", k)
		}
		if n := editDistance(word, k, distance); n < distance {
			best, distance = k, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// fitting is nearest, and where none is near the known words if they are few.
func fitting(word string, known []string) string {
	if near := nearest(word, known); near != "" || len(known) == 0 || len(known) > 8 {
		return near
	}
	return "; known: " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours that turn a into b, up to limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
