package evidence_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// read reads a whole report from memory.
func read(t testing.TB, data []byte, opts evidence.Options) ([]evidence.Result, evidence.Summary, error) {
	t.Helper()
	r, err := evidence.Open(bytes.NewReader(data), int64(len(data)), opts)
	if err != nil {
		return nil, evidence.Summary{}, err
	}
	var results []evidence.Result
	sum, err := r.Read(context.Background(), func(res evidence.Result) error {
		results = append(results, res)
		return nil
	})
	return results, sum, err
}

func file(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(sharedtest.Dir(t, append([]string{"samples"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The counts are those that the collection of samples states; see its SOURCES.md.
func TestSamples(t *testing.T) {
	t.Parallel()
	type counts = evidence.Counts
	cases := []struct {
		dir, name  string
		format     string
		want       counts
		suppressed int
	}{
		{"junit", "junit-report-nested-testsuites.xml", "junit", counts{Pass: 2, Error: 1}, 0},
		{"junit", "junit-report-with-properties.xml", "junit", counts{Fail: 1, Pass: 1}, 0},
		{"junit", "maven_surefire_flaky.xml", "junit", counts{Pass: 1}, 0},
		{"junit", "pytest_report.xml", "junit", counts{Pass: 1, Fail: 2}, 0},
		{"junit", "nextest_basic.xml", "junit", counts{Pass: 2, Fail: 1}, 0},
		{"junit", "junit.multiresult.xml", "junit", counts{Fail: 2, NotRun: 1, Pass: 1}, 0},
		{"junit", "gotestsum_report.xml", "junit", counts{Fail: 13, NotRun: 5, Pass: 42}, 0},
		{"junit", "TEST-io.olamy.FlakyTest.xml", "junit", counts{Pass: 1}, 0},
		{"cucumber", "happy_flow_v1.json", "cucumber", counts{Pass: 3}, 0},
		{"cucumber", "before-and-after-hook.json", "cucumber", counts{Pass: 1}, 0},
		{"cucumber", "ambiguous_scenarios_specified_v3.json", "cucumber", counts{NotRun: 1}, 0},
		{"cucumber", "skipped_scenarios.json", "cucumber", counts{NotRun: 3}, 0},
		{"cucumber", "minimal.ndjson", "cucumber", counts{Pass: 1}, 0},
		{"cucumber", "examples-tables.ndjson", "cucumber", counts{Pass: 5, Fail: 2}, 0},
		{"cucumber", "retry.ndjson", "cucumber", counts{Pass: 3, Fail: 1}, 0},
		{"cucumber", "rules.ndjson", "cucumber", counts{Pass: 3}, 0},
		{"cucumber", "all-statuses.ndjson", "cucumber", counts{Pass: 1, Fail: 1, NotRun: 4}, 0},
		{"zap", "some_2.9.0.xml", "zap", counts{Fail: 7}, 0},
		{"zap", "dvwa_baseline_dojo.xml", "zap", counts{Fail: 19}, 0},
		{"zap", "zap_2.16.1_with_req_resp.xml", "zap", counts{Fail: 4}, 0},
		{"zap", "empty_2.9.0.xml", "zap", counts{}, 0},
		{"zap", "basic-traditional-json.json", "zap", counts{Fail: 1}, 0},
		{"zap", "basic-traditional-json-plus.json", "zap", counts{Fail: 1}, 0},
		{"zap", "basic-traditional-xml-plus.xml", "zap", counts{Fail: 1}, 0},
		{"lifecycle", "0_zap_sample.xml", "zap", counts{Fail: 4}, 0},
		{"lifecycle", "1_zap_sample_0_and_new_absent.xml", "zap", counts{Fail: 4}, 0},
		{"lifecycle", "2_zap_sample_0_and_new_endpoint.xml", "zap", counts{Fail: 4}, 0},
		{"lifecycle", "3_zap_sampl_0_and_different_severities.xml", "zap", counts{Fail: 4}, 0},
		{"sarif", "flawfinder.sarif", "sarif", counts{Fail: 53, Pass: 1}, 0},
		{"sarif", "njsscan.sarif", "sarif", counts{Fail: 3}, 0},
		{"sarif", "taint-python-report.sarif", "sarif", counts{Fail: 11}, 0},
		{"sarif", "SuppressionTestCurrent.sarif", "sarif", counts{Fail: 4}, 3},
		{"sarif", "cxf-3.4.6.sarif", "sarif", counts{Fail: 22}, 0},
		{"fortify", "fortify_suppressed_with_comments.fpr", "fortify", counts{Fail: 4}, 1},
		{"fortify", "TwoResultsWithNodeRefs.fpr", "fortify", counts{Fail: 2}, 0},
		{"fortify", "FortifyTest.fpr", "fortify", counts{Fail: 3}, 0},
		{"fortify", "issue6260.xml", "fortify", counts{Fail: 16}, 0},
		{"fortify", "webinspect_4_2_many_findings.xml", "fortify", counts{Fail: 15}, 0},
		{"../bdd-security", "cucumber-all_tests.json", "cucumber", counts{Pass: 8, Fail: 2}, 0},
		{"../bdd-security", "junit-all_tests.xml", "junit", counts{Pass: 8, Fail: 2}, 0},
		{"../bdd-security", "zap-sql_injection.xml", "zap", counts{Fail: 2}, 0},
		{"../bdd-security", "zap-xss.xml", "zap", counts{Fail: 1}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			results, sum, err := read(t, file(t, "scans", c.dir, c.name), evidence.Options{Name: c.name})
			if err != nil {
				t.Fatalf("Read(%s) = %v", c.name, err)
			}
			if diff := cmp.Diff(c.want, sum.Counts); diff != "" {
				t.Errorf("Read(%s) counts (-want +got):\n%s", c.name, diff)
			}
			if sum.Format != c.format || !sum.Complete || sum.Suppressed != c.suppressed {
				t.Errorf("Read(%s) = format %q complete %v %v suppressed %d, want %q true %d", c.name, sum.Format, sum.Complete, sum.Reasons, sum.Suppressed, c.format, c.suppressed)
			}
			keys := map[string]bool{}
			for _, r := range results {
				if keys[r.Key] {
					t.Errorf("Read(%s): key %s of %q is not unique", c.name, r.Key, r.ID)
				}
				keys[r.Key] = true
			}
		})
	}
}

func TestForeignSamplesAreRefused(t *testing.T) {
	t.Parallel()
	for _, elem := range [][]string{
		{"scans", "burp", "one_finding.xml"},
		{"scans", "nuclei", "many_findings_new.json"},
		{"scans", "nuclei", "multiple_v3.json"},
		{"scans", "trivy", "kubernetes.json"},
		{"scans", "trivy", "scheme_2_many_vulns.json"},
		{"scans", "semgrep", "many_findings.json"},
		{"scans", "lifecycle", "iriusrisk_threats_export.csv"},
		{"otm", "otm-spec-example.json"},
	} {
		_, _, err := read(t, file(t, elem...), evidence.Options{Name: elem[len(elem)-1]})
		if !fault.Is(err, fault.Unsupported) {
			t.Errorf("Open(%s) = %v, want an unsupported fault", elem, err)
		} else {
			t.Log(err)
		}
	}
}

// These files say themselves that they are not the whole story.
func TestIncompleteSamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dir, name string
		want      evidence.Counts
		reason    string
	}{
		{"sarif", "appendix_k4.sarif", evidence.Counts{Fail: 1}, "the tool reported an error while it ran"},
		{"fortify", "fortify_few_findings.xml", evidence.Counts{Fail: 2}, "only issues that match"},
	} {
		_, sum, err := read(t, file(t, "scans", c.dir, c.name), evidence.Options{Name: c.name})
		if err != nil {
			t.Errorf("Read(%s) = %v", c.name, err)
			continue
		}
		if sum.Counts != c.want || sum.Complete || len(sum.Reasons) == 0 || !strings.HasPrefix(sum.Reasons[0], c.reason) {
			t.Errorf("Read(%s) = %+v complete %v %q, want %+v, incomplete because %q", c.name, sum.Counts, sum.Complete, sum.Reasons, c.want, c.reason)
		}
	}
}

// Which weaknesses, places and severities the samples name, where the reader has to join them.
func TestSampleDetails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		elem []string
		pick func(evidence.Result) bool
		want evidence.Result // of the fields below
	}{
		{
			[]string{"scans", "fortify", "TwoResultsWithNodeRefs.fpr"},
			func(r evidence.Result) bool { return strings.Contains(r.Name, "System Information") },
			evidence.Result{Severity: "high", Locations: []evidence.Location{{URI: "Helpers/Logger.cs", Line: 65, Method: "Helpers.Logger.WriteLog"}}},
		},
		{
			[]string{"scans", "sarif", "flawfinder.sarif"},
			func(r evidence.Result) bool { return r.ID == "FF1048" && r.Locations[0].Line == 29 },
			evidence.Result{CWEs: []int{327}, Severity: "high", Locations: []evidence.Location{{URI: "src/tree/param.cc", Line: 29}}},
		},
		{
			[]string{"scans", "sarif", "njsscan.sarif"},
			func(r evidence.Result) bool { return r.Locations[0].Line == 321 },
			evidence.Result{CWEs: []int{327}, Severity: "medium", Locations: []evidence.Location{{URI: "/src/index.js", Line: 321}}},
		},
	} {
		results, _, err := read(t, file(t, c.elem...), evidence.Options{})
		if err != nil {
			t.Errorf("Read(%s) = %v", c.elem, err)
			continue
		}
		found := false
		for _, r := range results {
			if !c.pick(r) || found {
				continue
			}
			found = true
			got := evidence.Result{CWEs: r.CWEs, Severity: r.Severity, Locations: r.Locations}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Read(%s) %s (-want +got):\n%s", c.elem, r.ID, diff)
			}
		}
		if !found {
			t.Errorf("Read(%s): the result looked for is not among %d", c.elem, len(results))
		}
	}
}

func TestBDDTagsAreReferences(t *testing.T) {
	t.Parallel()
	results, _, err := read(t, file(t, "bdd-security", "cucumber-all_tests.json"), evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cwes := 0
	for _, r := range results {
		if len(r.Refs) == 0 {
			t.Errorf("scenario %q: refs %q, want one from its @iriusrisk tag (tags %q)", r.Name, r.Refs, r.Tags)
		}
		cwes += len(r.CWEs)
	}
	if cwes == 0 {
		t.Error("no scenario has a CWE, want those of the @iriusrisk-cwe-N tags")
	}
}
