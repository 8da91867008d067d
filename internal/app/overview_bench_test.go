package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/store"
)

// BenchmarkOverview measures the overview of a product of 500 threats, and what
// happened since a time that lies before 1,000 edits.
func BenchmarkOverview(b *testing.B) {
	d := newDesk(b)
	d.large(500)
	from := d.Now()
	states := []string{`{"state":"implemented"}`, `{"state":"required"}`}
	for i := range 10 {
		in := EditsInput{}
		for k := range 100 {
			in.Edits = append(in.Edits, OneEdit{Kind: store.KindCountermeasure, ID: fmt.Sprintf("cms_%05d_0", k), Set: []byte(states[i%2])})
		}
		if _, err := d.Edits(d.ctx, d.admin, d.product, in); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("overview", func(b *testing.B) {
		begin := cpuTime()
		for b.Loop() {
			if _, err := d.Overview(d.ctx, d.admin, d.product); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((cpuTime()-begin).Milliseconds())/float64(b.N), "cpu-ms/op")
	})
	for name, at := range map[string]time.Time{"since": from, "ever": time.Unix(1, 0)} {
		b.Run(name, func(b *testing.B) {
			begin := cpuTime()
			for b.Loop() {
				if _, err := d.Since(d.ctx, d.admin, d.product, at); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-begin).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
