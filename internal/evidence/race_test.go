//go:build race

package evidence_test

// The race detector's own memory is several times the program's.
func init() { raced = true }
