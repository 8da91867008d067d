package iriusrisk_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/iriusrisk"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

func read(t testing.TB, path string) *imported.Import {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opts := imported.Options{Name: filepath.Base(path)}
	root, err := xmltree.Parse(data, opts)
	if err != nil {
		t.Fatalf("Parse(%s) = %v", path, err)
	}
	if !iriusrisk.Detect(root) {
		t.Fatalf("Detect(%s) = false, want true", path)
	}
	got, err := iriusrisk.Read(root, opts)
	if err != nil {
		t.Fatalf("Read(%s) = %v", path, err)
	}
	if err := model.Validate(got.Model); err != nil {
		t.Fatalf("Read(%s) gives a model that is not valid: %v", path, err)
	}
	return got
}

func TestSampleTemplate(t *testing.T) {
	t.Parallel()
	got := read(t, sharedtest.Dir(t, "samples", "iriusrisk-library", "template-SaaS_Application_AWS.xml"))
	m := got.Model
	type figures struct{ Components, Zones, Assets, Flows, Threats, Weaknesses, Countermeasures, Links, Clauses, Placed int }
	counted := figures{len(m.Components), len(m.Zones), len(m.Assets), len(m.Flows), len(m.Threats), len(m.Weaknesses), len(m.Countermeasures), len(m.Links), 0, 0}
	for _, c := range m.Countermeasures {
		counted.Clauses += len(c.Standards)
	}
	for _, c := range m.Components {
		if c.Box != nil && c.Zone != "" {
			counted.Placed++
		}
	}
	want := figures{Components: 10, Zones: 2, Assets: 3, Flows: 8, Threats: 80, Weaknesses: 107, Countermeasures: 151, Links: 165, Clauses: 2585, Placed: 10}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
	for _, n := range got.Notes {
		if n.Level == imported.Refused {
			t.Errorf("Read refuses %s %s: %s", n.At, n.Where, n.Text)
		}
	}
}

// The figures that the file has for its countermeasures come out of the model
// that was read: nothing that counts was lost on the way.
func TestSampleTemplateRatesAsInTheFile(t *testing.T) {
	t.Parallel()
	m := read(t, sharedtest.Dir(t, "samples", "iriusrisk-library", "template-SaaS_Application_AWS.xml")).Model
	m.Product.Method = string(risk.IriusRisk)
	current := map[model.ThreatID]int{}
	for _, rating := range risk.Rate(m, model.Verdicts{}, risk.Settings{}).Threats {
		current[rating.Threat] = rating.Current
	}
	highest := map[model.CountermeasureID]int{}
	for _, l := range m.Links {
		if l.Countermeasure != "" {
			highest[l.Countermeasure] = max(highest[l.Countermeasure], current[l.Threat])
		}
	}
	f, err := os.Open(sharedtest.Dir(t, "samples", "iriusrisk-library", "template-SaaS_Application_AWS.risk-oracle.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 152 {
		t.Fatalf("oracle: %d rows, %v, want 152", len(rows), err)
	}
	for _, row := range rows[1:] {
		id := model.NewCountermeasureID(m.Product.ID, model.ElementID(row[1]), row[2])
		want, err := strconv.Atoi(row[5])
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := highest[id]; !ok || got != want {
			t.Errorf("highest current rating of %s at %s = %d (there: %t), want %d", row[2], row[0], got, ok, want)
		}
	}
}

func TestOldProject(t *testing.T) {
	t.Parallel()
	got := read(t, filepath.Join("testdata", "project-2016.xml"))
	m := got.Model
	web, db := m.Components[0], m.Components[1]
	if web.Zone != "internet" || !cmp.Equal(web.Stores, []model.AssetID{"cards"}) || !cmp.Equal(web.Processes, []model.AssetID{"cards"}) {
		t.Errorf("web = %+v, want the least trusted zone, cards stored and received", web)
	}
	if db.Zone != "internet" || db.Kind != model.Store {
		t.Errorf("db = %+v, want a store in its parent's zone", db)
	}
	if z := m.Zones[1]; z.Trust != 100 {
		t.Errorf("trust of %s = %d, want 100", z.Name, z.Trust)
	}
	if f := m.Flows[0]; f.Name != "Web Application to Orders database" || f.Protocol != "https" || f.Attributes["encrypted"] != "yes" {
		t.Errorf("flow = %+v", f)
	}
	if !cmp.Equal(m.Product.Tags, []string{"legacy", "shop"}) || m.Product.Description != "An **old** export" {
		t.Errorf("product = %+v", m.Product)
	}
	threat := m.Threats[0]
	if threat.Title != "Listening & repeating" {
		threat = m.Threats[1]
	}
	if threat.Ref != "iriusrisk/UC/CAPEC-94" || threat.Status != model.Open || threat.Ease != 75 || !cmp.Equal(threat.CAPEC, []int{94, 117}) ||
		!cmp.Equal(threat.Categories, []string{"stride:spoofing"}) || threat.Impact != (model.CIA{Confidentiality: 100, Integrity: 50, Availability: 1}) {
		t.Errorf("threat = %+v", threat)
	}
	rows := map[string]string{}
	for _, c := range m.Countermeasures {
		rows[c.Ref] = strings.Join([]string{string(c.State), c.Description, c.Test}, "|")
		if c.Ref == "TLS" && !cmp.Equal(c.Standards, []model.Clause{{Standard: "nist-800-53", Clause: "AU-11"}, {Standard: "pci-dss-v3.2.1", Clause: "4.1"}}) {
			t.Errorf("clauses = %+v", c.Standards)
		}
	}
	want := map[string]string{
		"TLS":  "implemented|Encrypt.\n\n### Java\n\nUse the library of the platform and its defaults.\n\n- [Guide](https://example.org/tls)\n- Bad|",
		"LOCK": "not_applicable||",
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("countermeasures (-want +got):\n%s", diff)
	}
	links := map[string]float64{}
	for _, l := range m.Links {
		links[refOf(m, string(l.Weakness))+">"+refOf(m, string(l.Countermeasure))] = l.Share
	}
	if diff := cmp.Diff(map[string]float64{"CWE-319-AUTH>TLS": 50, "NO-LOCK>": 0, ">LOCK": 50}, links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	for _, w := range m.Weaknesses {
		if w.Ref == "CWE-319-AUTH" && (w.CWE != 319 || w.Impact != 75 || w.Test != "Look at the wire.") {
			t.Errorf("weakness = %+v", w)
		}
	}
	for _, want := range []struct {
		level     imported.Level
		at, words string
	}{
		{imported.Refused, "project-2016.xml:16:", "jira.username"},
		{imported.Refused, "project-2016.xml:17:", "jira.password"},
		{imported.Refused, "project-2016.xml:18:", "threadfix.key"},
		{imported.Refused, "project-2016.xml:14:", "name or password"},
		{imported.Guess, "project-2016.xml:11:", "cut to 0 to 100"},
		{imported.Refused, "project-2016.xml:28:", `"Ghost" does not exist`},
		{imported.Refused, "project-2016.xml:", `"UNDEFINED" is not defined`},
		{imported.Guess, "project-2016.xml:", `"Expected" is unknown`},
		{imported.Guess, "project-2016.xml:", "gives no reason"},
		{imported.Kept, "project-2016.xml:", `"wonder"`},
		{imported.Kept, "", "1 test is passed"},
		{imported.Kept, "", "1 test is failed"},
		{imported.Kept, "", "names a ticket"},
		{imported.Guess, "project-2016.xml:", `"gone" does not exist`},
	} {
		if !noted(got.Notes, want.level, want.at, want.words) {
			t.Errorf("no note %s at %s with %q", want.level, want.at, want.words)
		}
	}
}

// No credential of the file may come out, wherever it is kept.
func TestCredentialsAreDropped(t *testing.T) {
	t.Parallel()
	got := read(t, filepath.Join("testdata", "project-2016.xml"))
	all, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"hunter2", "abcdef", "joe:pw", `"joe"`} {
		if strings.Contains(string(all), word) {
			t.Errorf("the import holds %q of the file", word)
		}
	}
	for _, word := range []string{"SHOP-1", "jira.example.org", "seen", `"5"`} {
		if !strings.Contains(string(all), word) {
			t.Errorf("the import lost %q of the file", word)
		}
	}
}

func noted(notes []imported.Note, level imported.Level, at, words string) bool {
	for _, n := range notes {
		if n.Level == level && strings.HasPrefix(n.At, at) && strings.Contains(n.Text, words) {
			return true
		}
	}
	return false
}

func refOf(m *model.Model, id string) string {
	for _, w := range m.Weaknesses {
		if string(w.ID) == id {
			return w.Ref
		}
	}
	for _, c := range m.Countermeasures {
		if string(c.ID) == id {
			return c.Ref
		}
	}
	return ""
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"<project ref='a' name='b'/>": true, "<template ref='a' name='b'/>": true,
		"<project xmlns='http://maven.apache.org/POM/4.0.0'/>": false, "<library ref='a' name='b'/>": false,
	} {
		if got := iriusrisk.Detect(xmltree.Root([]byte(text))); got != want {
			t.Errorf("Detect(%s) = %t, want %t", text, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "project-2016.xml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("<template ref='' name=''><components><component ref='' parentComponentRef=''><usecases><usecase><threats><threat/></threats></usecase></usecases></component></components></template>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := xmltree.Parse(data, imported.Options{})
		if err != nil || !iriusrisk.Detect(root) {
			return
		}
		got, err := iriusrisk.Read(root, imported.Options{})
		if err != nil {
			if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Code == "model.invalid" {
				t.Fatalf("Read = %v, want a fault of the file", err)
			}
			return
		}
		if err := model.Validate(got.Model); err != nil {
			t.Fatalf("Read gives a model that is not valid: %v", err)
		}
	})
}
