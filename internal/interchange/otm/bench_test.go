package otm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/otm"
)

// BenchmarkRead reads and writes a model of 3,000 components with 3 flows and 2 threats each.
func BenchmarkRead(b *testing.B) {
	const n = 3000
	var parts, flows, threats, cures []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`{"id": "c%d", "name": "Service %d", "type": "service", "parent": {"trustZone": "z%d"}, "threats": [{"threat": "t%d", "state": "exposed", "mitigations": [{"mitigation": "m%d", "state": "required"}]}, {"threat": "t%d", "state": "mitigated"}]}`, i, i, i%50, i, i, (i+1)%n))
		threats = append(threats, fmt.Sprintf(`{"id": "t%d", "name": "Threat %d", "cwes": ["CWE-79"], "risk": {"likelihood": 50, "impact": 60}}`, i, i))
		cures = append(cures, fmt.Sprintf(`{"id": "m%d", "name": "Mitigation %d", "riskReduction": 50}`, i, i))
		for k := range 3 {
			flows = append(flows, fmt.Sprintf(`{"id": "f%d-%d", "name": "Flow", "source": "c%d", "destination": "c%d"}`, i, k, i, (i+k+1)%n))
		}
	}
	var zones []string
	for i := range 50 {
		zones = append(zones, fmt.Sprintf(`{"id": "z%d", "name": "Zone %d", "risk": {"trustRating": %d}}`, i, i, i))
	}
	data := []byte(`{"otmVersion": "0.2.0", "project": {"id": "p", "name": "Large"}, "trustZones": [` + strings.Join(zones, ",") + `], "components": [` + strings.Join(parts, ",\n") +
		`], "dataflows": [` + strings.Join(flows, ",\n") + `], "threats": [` + strings.Join(threats, ",\n") + `], "mitigations": [` + strings.Join(cures, ",\n") + `]}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		i, err := readFile(data, imported.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := otm.Write(i.Model); err != nil {
			b.Fatal(err)
		}
	}
}
