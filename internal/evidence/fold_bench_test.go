package evidence_test

import (
	"fmt"
	"testing"

	"github.com/threatloop/threatloop/internal/evidence"
)

// BenchmarkFold folds the second of two scans of 30,000 findings, and concludes.
func BenchmarkFold(b *testing.B) {
	var findings []string
	for i := range 30_000 {
		findings = append(findings, fmt.Sprintf("f%d %s cwe-89", i, []string{"fail", "pass"}[i%2]))
	}
	l, _ := fold(evidence.Ledger{}, runOn(1, false, true, findings...))
	next := runOn(2, false, true, findings[:20_000]...)
	b.ReportAllocs()
	for b.Loop() {
		folded, d := evidence.Fold(l, next)
		if len(d.NotTestedNow)+len(d.PassedNow) == 0 {
			b.Fatal("nothing is missing from the smaller run")
		}
		evidence.Verdicts(shop(), folded, day(3), evidence.Policy{})
	}
}
