package cyclonedx_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/cyclonedx"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

func file(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(t *testing.T, data []byte) *imported.Import {
	t.Helper()
	root, err := jsontree.Parse(data, imported.Options{Name: "in"})
	if err != nil {
		t.Fatalf("Parse = %v", err)
	}
	if !cyclonedx.Detect(root) {
		t.Fatal("Detect = false, want true")
	}
	i, err := cyclonedx.Read(root, imported.Options{Name: "in"})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	again, err := cyclonedx.Read(root, imported.Options{Name: "in"})
	if err != nil {
		t.Fatalf("Read again = %v", err)
	}
	if diff := cmp.Diff(i, again, cmpopts.IgnoreUnexported(imported.Import{})); diff != "" {
		t.Errorf("reading again (-first +second):\n%s", diff)
	}
	return i
}

// notes returns the notes of a level as "line:column where: text".
func notes(i *imported.Import, levels ...imported.Level) []string {
	var all []string
	for _, n := range i.Notes {
		for _, l := range levels {
			if n.Level == l {
				all = append(all, strings.TrimPrefix(n.At, "in:")+" "+n.Where+": "+n.Text)
			}
		}
	}
	return all
}

// drawn describes what is drawn, a line each.
func drawn(m *model.Model) []string {
	var all []string
	for _, z := range m.Zones {
		all = append(all, fmt.Sprintf("zone %s in %q trust %d guess %v", z.Name, z.Parent, z.Trust, z.Guess))
	}
	for _, c := range m.Components {
		all = append(all, fmt.Sprintf("%s %s in %q stores %d handles %d %v out %v", c.Kind, c.Name, c.Zone, len(c.Stores), len(c.Processes), c.Attributes, c.OutOfScope))
	}
	for _, f := range m.Flows {
		all = append(all, fmt.Sprintf("flow %s %v->%v %s %v carries %d", f.Name, f.From != "", f.To != "", f.Protocol, f.Attributes, len(f.Carries)))
	}
	return all
}

// risked describes the threats with their countermeasures, each as often as it is there.
func risked(m *model.Model) map[string]int {
	cures := map[model.ThreatID][]string{}
	for _, l := range m.Links {
		for _, c := range m.Countermeasures {
			if c.ID == l.Countermeasure {
				cures[l.Threat] = append(cures[l.Threat], fmt.Sprintf("%s %s %g", c.Title, c.State, l.Share))
			}
		}
		for _, w := range m.Weaknesses {
			if w.ID == l.Weakness {
				cures[l.Threat] = append(cures[l.Threat], w.Title)
			}
		}
	}
	all := map[string]int{}
	for _, t := range m.Threats {
		list := slices.Sorted(slices.Values(cures[t.ID]))
		all[fmt.Sprintf("%s at %s, %s %v %v: %s", t.Title, t.Where, t.Severity, t.Categories, t.CAPEC, strings.Join(list, ", "))]++
	}
	return all
}

func TestLibrary(t *testing.T) {
	t.Parallel()
	i := read(t, file(t, "testdata/library.json"))
	m := i.Model
	if m.Product.Name != "Bakery" || m.Product.Value == nil || *m.Product.Value != (model.CIA{Confidentiality: 75, Integrity: 75, Availability: 75}) {
		t.Errorf("product = %+v, want Bakery with a value of 75", m.Product)
	}
	want := []string{
		`zone Street in "" trust 0 guess true`, `zone Kitchen in "" trust 50 guess true`,
		`process Web shop in "kitchen" stores 0 handles 0 map[] out false`, `process Till in "kitchen" stores 0 handles 0 map[] out false`,
		`process Loop in "" stores 0 handles 0 map[] out false`, `store Orders in "" stores 1 handles 0 map[encrypted:yes] out false`,
		`actor Guest in "street" stores 0 handles 0 map[] out false`,
		`flow Buy true->true  map[encrypted:yes] carries 0`, `flow Keep true->true  map[encrypted:no] carries 0`, `flow Lost false->true  map[encrypted:no] carries 0`,
	}
	if diff := cmp.Diff(want, drawn(m)); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
	if f := m.Flows[1]; f.To == "shop" || f.From != "till" {
		t.Errorf("flow Keep = %+v, want one to the store, not to the component of the same name", f)
	}
	cures := "CWE-89, Escape queries implemented 50, Watch the log required 50"
	if diff := cmp.Diff(map[string]int{
		"Steal orders at shop, critical [] [66]: " + cures: 1, "Steal orders at till, critical [] [66]: " + cures: 1, "Flood at product, tbd [] []: ": 1,
	}, risked(m)); diff != "" {
		t.Errorf("threats (-want +got):\n%s", diff)
	}
	for _, want := range []string{`the data store "attic" does not exist`, `the threat "burn" does not exist`, `its trust zone "cellar" does not exist`, `its source "oven" does not exist`, "contains itself"} {
		if !strings.Contains(strings.Join(notes(i, imported.Refused), "\n"), want) {
			t.Errorf("refused = %s, want one with %q", strings.Join(notes(i, imported.Refused), "\n"), want)
		}
	}
	if i.Counts != (imported.Counts{Diagrams: 1, Actor: 1, Process: 3, Store: 1, Flow: 3, Boundary: 2, Threats: 2}) {
		t.Errorf("counts = %+v", i.Counts)
	}
	var kept map[string]json.RawMessage
	if err := json.Unmarshal(m.Extra[cyclonedx.Key], &kept); err != nil || kept["risks"] == nil || kept["trust_boundaries"] == nil || kept["threats"] != nil {
		t.Errorf("kept = %s, want the risks and boundaries and no threats", m.Extra[cyclonedx.Key])
	}
}

func TestBlueprint(t *testing.T) {
	t.Parallel()
	i := read(t, file(t, "testdata/blueprint.json"))
	m := i.Model
	want := []string{
		`zone Internet in "" trust 0 guess false`, `zone Inside in "" trust 100 guess false`, `zone Records in "in" trust 50 guess true`,
		`zone X1 in "x2" trust 50 guess true`, `zone X2 in "" trust 50 guess true`,
		`actor Patient in "net" stores 0 handles 0 map[] out false`, `process Booking API in "in" stores 0 handles 0 map[] out false`,
		`process Sign-in in "net" stores 0 handles 0 map[] out true`, `store Records in "db" stores 1 handles 0 map[] out false`,
		`flow Book true->true HTTPS map[authenticated:yes encrypted:yes] carries 0`, `flow Write true->true  map[authenticated:no encrypted:no] carries 1`,
	}
	if diff := cmp.Diff(want, drawn(m)); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{
		"A neighbour books at f1, high [stride:spoofing] [94]: CWE-287, Sign in implemented 60":    1,
		"A bot books at product, critical [stride:spoofing] [94]: CWE-287, Sign in implemented 60": 1,
		"Records leak at store, tbd [linddun:linking maestro:data-operations] []: ":                1,
		"Records leak at f2, tbd [linddun:linking maestro:data-operations] []: ":                   1,
	}, risked(m)); diff != "" {
		t.Errorf("threats (-want +got):\n%s", diff)
	}
	if len(m.Assets) != 1 || m.Assets[0].Value.Confidentiality != 90 {
		t.Errorf("assets = %+v, want one of 90", m.Assets)
	}
	if diff := cmp.Diff([]string{
		"10:115 trust zone in: acme:trust-level is 170, expected 0 to 100; 100 is taken",
		"13:66 trust zone x2: contains itself by way of its parents; its parent is left out",
		`37:207 threat t2: what it affects, "gone", does not exist in the file`,
	}, notes(i, imported.Refused)); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	m := read(t, file(t, "testdata/services.json")).Model
	want := []string{
		`zone dmz in "" trust 50 guess true`, `zone inner in "" trust 50 guess true`,
		`process Web in "dmz" stores 0 handles 1 map[provides_authentication:yes] out false`,
		`process Shipping in "inner" stores 0 handles 1 map[provides_authentication:no] out false`,
		`process Mail in "" stores 0 handles 0 map[] out false`,
		`flow Addresses true->true  map[] carries 1`, `flow Shipping to Mail true->true  map[] carries 0`,
	}
	if diff := cmp.Diff(want, drawn(m)); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
	if len(m.Assets) != 1 || m.Assets[0].Value.Confidentiality != 75 {
		t.Errorf("assets = %+v, want one of 75", m.Assets)
	}
}

func TestAttached(t *testing.T) {
	t.Parallel()
	inner := "otmVersion: 0.2.0\nproject: {id: inside, name: Inside}\ntrustZones: []\ncomponents: []\ndataflows: []\n"
	i := read(t, []byte(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "data", "name": "tm", "data": [{"contents": {"attachment": {"contentType": "application/yaml", "encoding": "base64", "content": "`+
		base64.StdEncoding.EncodeToString([]byte(inner))+`"}}}]}]}`))
	if i.Format != imported.OTM || i.Model.Product.Name != "Inside" {
		t.Errorf("format %s, product %+v, want the Open Threat Model inside", i.Format, i.Model.Product)
	}
}

func TestAttachedInPlace(t *testing.T) {
	t.Parallel()
	i := read(t, []byte(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"name": "x"}}, "components": [
		{"type": "data", "data": [{"contents": {"attachment": {"contentType": "text/plain", "content": "just text"}}},
		 {"contents": {"attachment": {"contentType": "application/json", "content": {"otmVersion": "0.1.0", "project": {"id": "in", "name": "In place"}}}}},
		 {"contents": {"attachment": {"contentType": "application/json", "content": {"otmVersion": "0.1.0", "project": {"id": "two", "name": "Second"}}}}}]}]}`))
	if i.Model.Product.ID != "in" || len(notes(i, imported.Refused)) != 1 {
		t.Errorf("product %s, refused %v, want the first model and a note on the second", i.Model.Product.ID, notes(i, imported.Refused))
	}
}

func TestNoThreatModel(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"type": "library", "name": "x"}]}`,
		`{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"type": "library", "name": "x", "licenses": [{"license": {"text": {"contentType": "text/plain", "content": "` + strings.Repeat("Permission is granted. ", 20) + `"}}}]}]}`,
		`{"specFormat": "CycloneDX", "specVersion": "2.0"}`, `{"scope": {"title": "x"}}`, `[]`,
	} {
		root, err := jsontree.Parse([]byte(doc), imported.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if cyclonedx.Detect(root) {
			t.Errorf("Detect(%s) = true, want false", doc)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, p := range []string{"library", "blueprint", "services"} {
		f.Add(file(f, "testdata/"+p+".json"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := jsontree.Parse(data, imported.Options{})
		if err != nil || !cyclonedx.Detect(root) {
			return
		}
		i, err := cyclonedx.Read(root, imported.Options{})
		if err != nil {
			if fault.As(err) == nil {
				t.Fatalf("Read = %v, want a fault", err)
			}
			return
		}
		if err := model.Validate(i.Model); err != nil {
			t.Fatalf("the model that Read returned is not valid: %v", err)
		}
	})
}
