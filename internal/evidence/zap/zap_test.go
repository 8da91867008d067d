package zap

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

func injection(detail string) result.Result {
	return result.Result{
		ID: "40018", Name: "SQL Injection", Verdict: result.Fail, Severity: result.High, Confidence: "medium", CWEs: []int{89, 564},
		Tags: []string{"CWE-564", "OWASP_2021_A03"}, Suite: []string{"https://shop.example"}, Detail: detail,
		Locations: []result.Location{
			{URI: "https://shop.example/api/orders?id=1", Method: "GET", Param: "id"}, {URI: "https://shop.example/cart", Method: "POST", Param: "q"},
		},
	}
}

func TestXML(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/plus.xml")
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := readertest.Read(ReadXML, data)
	if err != nil {
		t.Fatal(err)
	}
	want := []result.Result{
		injection("2 places\nevidence: syntax error\nSQL injection may be possible: 1 < 2."),
		{
			ID: "10010", Name: "Cookie", Verdict: result.Fail, Suppressed: true, Severity: result.Low, Confidence: "false positive",
			Suite: []string{"https://shop.example"}, Locations: []result.Location{{URI: "https://shop.example/old", Param: "sid"}},
		},
		{ID: "40018", Name: "SQL Injection", Verdict: result.Fail, Severity: result.High, Confidence: "confirmed", Suite: []string{"https://shop.example:8443"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(result.Result{}, "Key"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("ReadXML(plus.xml) (-want +got):\n%s", diff)
	}
	if got[0].Key == got[2].Key {
		t.Errorf("the same rule at two sites has one key %s", got[0].Key)
	}
	if sum.Complete || !strings.Contains(strings.Join(sum.Reasons, " "), "too many errors") || len(sum.Targets) != 2 || sum.ToolVersion != "2.16.1" {
		t.Errorf("summary %+v, want stopped early, two targets, version 2.16.1", sum)
	}
	if want := time.Date(2025, 6, 22, 4, 4, 14, 5e8, time.UTC); !sum.StartedAt.Equal(want) {
		t.Errorf("StartedAt = %v, want %v", sum.StartedAt, want)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/plus.json")
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := readertest.Read(ReadJSON, data)
	if err != nil || len(got) != 3 {
		t.Fatalf("ReadJSON = %d results, %v, want 3", len(got), err)
	}
	if diff := cmp.Diff(injection("2 places\nSQL"), got[0], cmpopts.IgnoreFields(result.Result{}, "Key")); diff != "" {
		t.Errorf("ReadJSON alert (-want +got):\n%s", diff)
	}
	xml, err := os.ReadFile("testdata/plus.xml")
	if err != nil {
		t.Fatal(err)
	}
	if fromXML, _, _ := readertest.Read(ReadXML, xml); fromXML[0].Key != got[0].Key {
		t.Errorf("key from JSON = %s, from XML = %s: the same alert", got[0].Key, fromXML[0].Key)
	}
	if got[1].Verdict != result.Pass || got[2].Verdict != result.Fail || got[2].Detail != "403" || !cmp.Equal(got[1].Refs, []string{"CM-2"}) {
		t.Errorf("ReadJSON sequence = %+v, %+v, want a pass and a fail that refer to CM-2", got[1], got[2])
	}
	if sum.Complete || !strings.Contains(strings.Join(sum.Reasons, " "), "job spider failed") || len(sum.Notes) == 0 {
		t.Errorf("summary %+v, want incomplete because the plan failed, and the warning noted", sum)
	}
}

// A changed risk, CWE, text or set of pages is still the same alert.
func TestIdentity(t *testing.T) {
	t.Parallel()
	key := func(old, replaced string) string {
		data, err := os.ReadFile("testdata/plus.xml")
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := readertest.Read(ReadXML, []byte(strings.Replace(string(data), old, replaced, 1)))
		if err != nil || len(got) == 0 {
			t.Fatalf("ReadXML = %d results, %v", len(got), err)
		}
		return got[0].Key
	}
	want := key("", "")
	for old, replaced := range map[string]string{
		"<riskcode>3": "<riskcode>2", "<cweid>89": "<cweid>943", "SQL &lt;b&gt;": "other text ", "/api/orders?id=1": "/api/other",
		"<name>SQL Injection": "<name>SQLi",
	} {
		if got := key(old, replaced); got != want {
			t.Errorf("with %q for %q the key is %s, want %s", replaced, old, got, want)
		}
	}
	if got := key("40018-1", "40018-2"); got == want {
		t.Errorf("another variant of the rule has the same key %s", got)
	}
}

func FuzzXML(f *testing.F)  { readertest.Fuzz(f, ReadXML, false, "scans/zap", "scans/lifecycle") }
func FuzzJSON(f *testing.F) { readertest.Fuzz(f, ReadJSON, false, "scans/zap") }
