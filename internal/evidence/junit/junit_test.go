package junit

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/threatloop/threatloop/internal/evidence/readertest"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

func TestDialects(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/dialects.xml")
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := readertest.Read(Read, data)
	if err != nil || !sum.Complete || !sum.Declarable {
		t.Fatalf("Read = %v, summary %+v, want a complete, declarable run", err, sum)
	}
	at := func(class string) []result.Location { return []result.Location{{Method: class}} }
	inherited := result.Result{CWEs: []int{89, 564}, Refs: []string{"REQ-7"}, Suite: []string{"outer"}, Component: "Order API", Locations: at("outer.A")}
	want := make([]result.Result, 0, len(got))
	add := func(change func(*result.Result)) {
		r := inherited
		change(&r)
		want = append(want, r)
	}
	add(func(r *result.Result) { r.ID, r.Name, r.Verdict = "outer.A.passes", "passes", result.Pass })
	add(func(r *result.Result) { r.ID, r.Name, r.Verdict = "outer.A.passes", "passes", result.Pass })
	add(func(r *result.Result) {
		r.ID, r.Name, r.Verdict, r.Detail = "outer.A.worst wins", "worst wins", result.Fail, "AssertionError: expected 403\nat line 7"
	})
	add(func(r *result.Result) {
		r.ID, r.Name, r.Verdict, r.Detail = "outer.A.broken", "broken", result.Error, "boom"
	})
	add(func(r *result.Result) {
		r.ID, r.Name, r.Verdict = "outer.A.disabled by its state", "disabled by its state", result.NotRun
	})
	add(func(r *result.Result) {
		r.ID, r.Name, r.Verdict, r.Tags, r.Detail = "outer.A.flaky", "flaky", result.Pass, []string{"flaky"}, "passed after a retry: once\nx"
	})
	add(func(r *result.Result) {
		r.ID, r.Name, r.Verdict, r.Detail = "outer.A.rerun", "rerun", result.Fail, "1"
	})
	add(func(r *result.Result) {
		r.ID, r.Name, r.Verdict = "outer.A.properties last", "properties last", result.Fail
		r.Refs, r.Tags = []string{"REQ-7", "sql-injection", "XR-1", "CM-3"}, []string{"threatloop:CM-3", "slow"}
	})
	add(func(r *result.Result) {
		name := "rejects @iriusrisk-cwe-79-reflected CWE-80"
		r.ID, r.Name, r.Verdict = "outer.A."+name, name, result.Pass
		r.CWEs, r.Refs = []int{79, 80, 89, 564}, []string{"cwe-79-reflected", "REQ-7", "TM-9"}
	})
	add(func(r *result.Result) {
		r.ID, r.Name, r.Verdict, r.Detail = "outer / inner", "set-up of the suite", result.Error, "set-up failed"
		r.Suite, r.Locations = []string{"outer", "inner"}, nil
	})
	add(func(r *result.Result) {
		r.ID, r.Name, r.Verdict = "outer.no class", "no class", result.Pass
		r.Locations = []result.Location{{URI: "src/a.py", Line: 12}}
	})
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(result.Result{}, "Key")); diff != "" {
		t.Errorf("Read(dialects.xml) (-want +got):\n%s", diff)
	}
	if got[0].Key == got[1].Key || got[1].Key != got[0].Key+"-2" {
		t.Errorf("keys of a repeated name = %s, %s, want the second marked", got[0].Key, got[1].Key)
	}
	if want := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC); !sum.StartedAt.Equal(want) {
		t.Errorf("StartedAt = %v, want %v", sum.StartedAt, want)
	}
}

// Whatever a file breaks off in, the finished cases are read and the run is not complete.
func TestTruncation(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/dialects.xml")
	if err != nil {
		t.Fatal(err)
	}
	whole, _, _ := readertest.Read(Read, data)
	last := 0
	for n := range data[:len(data)-2] {
		got, sum, err := readertest.Read(Read, data[:n])
		if err != nil || sum.Complete || len(sum.Reasons) == 0 {
			t.Fatalf("Read(first %d bytes) = %v, complete %v, want incomplete with a reason", n, err, sum.Complete)
		}
		if len(got) < last || len(got) > len(whole) {
			t.Fatalf("Read(first %d bytes) = %d results, want between %d and %d", n, len(got), last, len(whole))
		}
		last = len(got)
	}
	if last != len(whole) {
		t.Errorf("Read(all but the end tag) = %d results, want %d", last, len(whole))
	}
}

// A case that had failed before the file broke off has failed; one that had not is not told.
func TestCutOffInACase(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`<testsuite><testcase name="a"/><testcase name="b"><failure message="no">text</failure><system-out>lo`: "a pass , b fail no\ntext",
		`<testsuite><testcase name="b"><failure message="no">te`:                                               "b fail no",
		`<testsuite><testcase name="b"><error/><prop`:                                                          "b error ",
		`<testsuite><testcase name="b"><skipped>`:                                                              "",
		`<testsuite><testcase name="b"><system-out>lo`:                                                         "",
	} {
		got, sum, err := readertest.Read(Read, []byte(text))
		var all []string
		for _, r := range got {
			all = append(all, r.Name+" "+string(r.Verdict)+" "+r.Detail)
		}
		if err != nil || sum.Complete || strings.Join(all, ", ") != want {
			t.Errorf("Read(%s) = %q, complete %v, %v, want %q, incomplete", text, all, sum.Complete, err, want)
		}
	}
}

func TestIdentityIsStable(t *testing.T) {
	t.Parallel()
	keys := func(text string) map[string]string {
		got, _, err := readertest.Read(Read, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, r := range got {
			out[r.Name] = r.Key
		}
		return out
	}
	one := keys(`<testsuite name="s"><testcase classname="c" name="a" time="1"><failure message="x"/></testcase><testcase classname="c" name="b"/></testsuite>`)
	two := keys(`<testsuite name="s" tests="3"><testcase classname="c" name="new"/><testcase classname="c" name="b" line="9"/><testcase classname="c" name="a" time="2"/></testsuite>`)
	for _, name := range []string{"a", "b"} {
		if one[name] != two[name] {
			t.Errorf("key of %q = %s, then %s: order, time, line and outcome are no part of it", name, one[name], two[name])
		}
	}
	other := keys(strings.ReplaceAll(`<testsuite name="other"><testcase classname="c" name="a"/></testsuite>`, "\n", ""))
	if one["a"] == other["a"] {
		t.Errorf("the same case in another suite has the same key %s", one["a"])
	}
}

func FuzzRead(f *testing.F) { readertest.Fuzz(f, Read, false, "scans/junit", "bdd-security") }
