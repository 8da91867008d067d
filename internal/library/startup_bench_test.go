package library_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/library"
	shipped "github.com/threatloop/threatloop/library"
)

// reportCPU adds the processor time of a turn, garbage collection included: files are
// parsed several at a time, so the time that passes says little.
func reportCPU(b *testing.B, run func()) {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	b.ReportAllocs()
	before := used()
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(used()-before)/float64(b.N)/1e6, "cpu-ms/op")
}

// BenchmarkLoad reads the library inside the program as each start of it does.
func BenchmarkLoad(b *testing.B) {
	reportCPU(b, func() {
		if _, err := library.Load(shipped.Files); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkParse is the part of BenchmarkLoad that reads YAML.
func BenchmarkParse(b *testing.B) {
	reportCPU(b, func() { library.Parse(shipped.Files) })
}

// BenchmarkLoadDraft checks a layer over the library inside the program, which was parsed before.
func BenchmarkLoadDraft(b *testing.B) {
	own := library.Files{"types/web.yaml": "type: own-web\nname: Our web\nkind: process\n"}
	base := library.Parse(shipped.Files)
	reportCPU(b, func() {
		if _, err := library.LoadLayers(library.Layer{Name: "base", Files: base}, library.Layer{Name: "own", Files: own}); err != nil {
			b.Fatal(err)
		}
	})
}
