package fortify

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/threatloop/threatloop/internal/evidence/readertest"
	"github.com/threatloop/threatloop/internal/evidence/result"
	"github.com/threatloop/threatloop/internal/fault"
)

// archive packs files of testdata into an FPR; names map to the paths in it.
func archive(t testing.TB, names map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, inside := range names {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(inside)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestFPR(t *testing.T) {
	t.Parallel()
	data := archive(t, map[string]string{"audit.fvdl": "audit.fvdl", "audit.xml": "audit.xml", "externalmetadata.xml": "ExternalMetadata/externalmetadata.xml"})
	got, sum, err := readertest.Read(ReadFPR, data)
	if err != nil || !sum.Complete {
		t.Fatalf("ReadFPR = %v, summary %+v, want a complete run", err, sum)
	}
	want := []result.Result{
		{
			ID: "R1", Name: "SQL Injection", Verdict: result.Fail, Severity: result.Critical, Confidence: "5.0", CWEs: []int{89, 564}, Fingerprint: "I1",
			Tags: []string{"Input", "dataflow", "analysis: 1 - Critical"}, Detail: "Untrusted data reaches SQL.",
			Locations: []result.Location{{URI: "src/Orders.cs", Line: 57, Method: "shop.Orders.find"}},
		},
		{
			ID: "R2", Name: "Path Manipulation: Zip Entry", Verdict: result.Fail, Severity: result.Low, Confidence: "5.0", CWEs: []int{22}, Fingerprint: "I2",
			Locations: []result.Location{{URI: "src/End.cs", Line: 82}},
		},
		{ // likelihood 4 x 1 x 4 / 25 = 0.6, impact 1 by its own group
			ID: "R1", Name: "SQL Injection", Verdict: result.Fail, Suppressed: true, Severity: result.Low, Confidence: "1.0", CWEs: []int{89, 564}, Fingerprint: "I3",
			Detail: "Untrusted data reaches SQL.", Locations: []result.Location{{URI: "Only.cs", Line: 9}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(result.Result{}, "Key"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("ReadFPR (-want +got):\n%s", diff)
	}
	if sum.RuleSet != "Core, Cloud; Core, Java" || sum.ToolVersion != "24.2" || !cmp.Equal(sum.Targets, []string{"shop"}) || sum.StartedAt.Year() != 2026 || sum.Variant != "fpr" {
		t.Errorf("summary %+v, want rule packs, version, build and date", sum)
	}
}

func TestPriority(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		impact, accuracy, confidence, probability float64
		want                                      result.Severity
	}{
		{5, 5, 5, 2.5, result.Critical}, {2.5, 5, 5, 2.45, result.Critical}, {2.5, 5, 5, 2.44, result.High}, {2.4, 5, 5, 5, result.Medium}, {2.4, 1, 1, 1, result.Low},
	} {
		if got := priority(c.impact, c.accuracy, c.confidence, c.probability); got != c.want {
			t.Errorf("priority(%v, %v, %v, %v) = %s, want %s", c.impact, c.accuracy, c.confidence, c.probability, got, c.want)
		}
	}
}

func TestReportSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/report.xml")
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := readertest.Read(ReadReport, data)
	if err != nil || len(got) != 1 {
		t.Fatalf("ReadReport = %d results, %v, want 1: the second section repeats it", len(got), err)
	}
	want := result.Result{
		ID: "R1", Name: "SQL Injection", Verdict: result.Fail, Suppressed: true, Severity: result.Critical, Fingerprint: "I1", Tags: []string{"analysis: Not an Issue"},
		Locations: []result.Location{{URI: "src/a.cs", Line: 5, Method: "f()"}},
	}
	if diff := cmp.Diff(want, got[0], cmpopts.IgnoreFields(result.Result{}, "Key")); diff != "" {
		t.Errorf("ReadReport (-want +got):\n%s", diff)
	}
	if sum.Complete || !strings.Contains(strings.Join(sum.Reasons, " "), "1 of 3 issues") {
		t.Errorf("summary %+v, want incomplete: 1 of 3 issues listed", sum)
	}
}

func TestWebInspect(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/webinspect.xml")
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := readertest.Read(ReadWebInspect, data)
	if err != nil || len(got) != 1 {
		t.Fatalf("ReadWebInspect = %d results, %v, want 1", len(got), err)
	}
	want := result.Result{
		ID: "5152", Name: "SQL Injection", Verdict: result.Fail, Severity: result.Critical, CWEs: []int{89}, Tags: []string{"Vulnerability"}, Detail: "Bad. CWE-89",
		Suite: []string{"https://shop.example:443"}, Locations: []result.Location{{URI: "https://shop.example:443/a?b=1", Method: "POST"}},
	}
	if diff := cmp.Diff(want, got[0], cmpopts.IgnoreFields(result.Result{}, "Key")); diff != "" || sum.RuleSet != "Standard" || sum.StartedAt.IsZero() {
		t.Errorf("ReadWebInspect, summary %+v (-want +got):\n%s", sum, diff)
	}
	if _, _, err := readertest.Read(ReadWebInspect, []byte("<Scan><Other/></Scan>")); !fault.Is(err, fault.Unsupported) {
		t.Errorf("ReadWebInspect(another <Scan>) = %v, want unsupported", err)
	}
}

func FuzzFPR(f *testing.F) {
	f.Add(archive(f, map[string]string{"audit.fvdl": "audit.fvdl", "audit.xml": "audit.xml"}))
	f.Add(archive(f, map[string]string{"webinspect.xml": "webinspect.xml"}))
	readertest.Fuzz(f, ReadFPR, true, "scans/fortify")
}
func FuzzFVDL(f *testing.F)       { readertest.Fuzz(f, ReadFVDL, false) }
func FuzzReport(f *testing.F)     { readertest.Fuzz(f, ReadReport, false) }
func FuzzWebInspect(f *testing.F) { readertest.Fuzz(f, ReadWebInspect, false) }
