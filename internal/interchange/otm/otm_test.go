package otm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/otm"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// readFile reads a document in JSON or YAML, as the dispatch does.
func readFile(data []byte, opts imported.Options) (*imported.Import, error) {
	if strings.HasPrefix(strings.TrimSpace(string(data)), "{") {
		root, err := jsontree.Parse(data, opts)
		if err != nil {
			return nil, err
		}
		if !otm.Detect(root) {
			return nil, fault.New(fault.Unsupported, "test", "is not detected")
		}
		return otm.Read(root, opts)
	}
	root, err := tlyaml.Parse(data, opts)
	if err != nil {
		return nil, err
	}
	if !otm.DetectYAML(root) {
		return nil, fault.New(fault.Unsupported, "test", "is not detected")
	}
	return otm.ReadYAML(root, opts)
}

func read(t *testing.T, data []byte) *imported.Import {
	t.Helper()
	i, err := readFile(data, imported.Options{Name: "in"})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	return i
}

func file(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// equal compares models as they are meant: no list is an empty list, JSON is what it says.
var equal = cmp.Options{cmpopts.EquateEmpty(), cmp.FilterValues(func(a, b json.RawMessage) bool { return len(a) > 0 && len(b) > 0 },
	cmp.Transformer("json", func(r json.RawMessage) any {
		var v any
		if json.Unmarshal(r, &v) != nil {
			return string(r)
		}
		return v
	}))}

// roundTrip checks that the model survives OTM, that the bytes do, and that the
// file fits the schema, where one is given.
func roundTrip(t *testing.T, m *model.Model, s *jsonschema.Schema) []byte {
	t.Helper()
	first, _, err := otm.Write(m)
	if err != nil {
		t.Fatalf("Write = %v", err)
	}
	sameAfter(t, m, first)
	if s != nil {
		if err := fits(s, first); err != nil {
			t.Fatalf("the file that Write wrote does not fit the schema: %v", err)
		}
	}
	return first
}

// sameAfter checks that a file that Write wrote reads back to the model, and is written again byte by byte.
func sameAfter(t interface {
	Fatalf(string, ...any)
	Helper()
}, m *model.Model, first []byte,
) {
	t.Helper()
	i, err := readFile(first, imported.Options{Name: "own.otm"})
	if err != nil {
		t.Fatalf("Read(Write(m)) = %v\n%.4000s", err, first)
	}
	if diff := cmp.Diff(m, i.Model, equal); diff != "" {
		t.Fatalf("Read(Write(m)) (-want +got):\n%s\n%.8000s", diff, first)
	}
	second, _, err := otm.Write(i.Model)
	if err != nil || string(first) != string(second) {
		t.Fatalf("Write(Read(Write(m))) differs from Write(m): %v\n%s", err, cmp.Diff(string(first), string(second)))
	}
}

func fits(s *jsonschema.Schema, data []byte) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data := file(t, sharedtest.Dir(t, "samples", "otm", "otm_schema-0.2.0.json"))
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("otm.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("otm.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// samples are the public models beside the repository, with what each holds:
// diagrams, zones, components, flows, assets, threats and mitigations as defined.
var samples = []struct {
	file                                                            string
	diagrams, zones, components, flows, assets, threats, reductions int
}{
	{"otm-spec-example.yaml", 1, 2, 4, 2, 2, 1, 2},
	{"otm-spec-example.json", 1, 2, 4, 2, 2, 1, 2},
	{"startleft-manual_threat_model.yaml", 0, 3, 3, 2, 0, 0, 0},
	{"startleft-tf_example.yaml", 0, 2, 29, 22, 0, 0, 0},
	{"startleft-mtmt_example.yaml", 1, 3, 4, 6, 0, 43, 43},
	{"startleft-lucid_example.yaml", 1, 3, 10, 8, 0, 0, 0},
	{"startleft-visio-nested-tzs-inside-component.otm", 1, 2, 2, 0, 0, 0, 0},
	{"startleft-tfplan-expected-official.otm", 0, 1, 8, 8, 0, 0, 0},
	{"threat-dragon-otm-test-model.json", 2, 2, 5, 2, 3, 4, 2},
}

func TestSamples(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "samples", "otm")
	s := schema(t)
	for _, want := range samples {
		t.Run(want.file, func(t *testing.T) {
			t.Parallel()
			i := read(t, file(t, filepath.Join(dir, want.file)))
			refs := map[string]bool{}
			for _, c := range i.Model.Countermeasures {
				refs[c.Ref] = true
			}
			c := i.Counts
			got := []int{c.Diagrams, c.Boundary, c.Actor + c.Process + c.Store, c.Flow, len(i.Model.Assets), c.Threats, len(refs)}
			if diff := cmp.Diff([]int{max(1, want.diagrams), want.zones, want.components, want.flows, want.assets, want.threats, want.reductions}, got); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if len(i.Model.Zones) != want.zones || len(i.Model.Components) != want.components || len(i.Model.Flows) != want.flows {
				t.Errorf("the model has %d zones, %d components, %d flows", len(i.Model.Zones), len(i.Model.Components), len(i.Model.Flows))
			}
			for _, n := range i.Notes {
				t.Logf("%-8s %-14s %s: %s", n.Level, n.At, n.Where, n.Text)
			}
			roundTrip(t, i.Model, s)
			again := read(t, file(t, filepath.Join(dir, want.file)))
			if diff := cmp.Diff(i, again, equal, cmpopts.IgnoreUnexported(imported.Import{})); diff != "" {
				t.Errorf("reading again (-first +second):\n%s", diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, at, text string }{
		"no version":    {"project:\n  name: No version\n  id: none\n", "in:1:1", "the key otmVersion is missing; expected otmVersion: 0.1.0 or 0.2.0 at the top of the file"},
		"other version": {"\notmVersion: 7.0.0\nproject: {id: a, name: b}\n", "in:2:13", `otmVersion is "7.0.0", expected 0.1.0 or 0.2.0`},
		"no project":    {"otmVersion: 0.1.0\nproject: yes\n", "in:2:10", "the key project is missing or no mapping; expected a project with a name and an id"},
		"no list":       {"otmVersion: 0.1.0\nproject: {id: a, name: b}\nthreats:\n  a: b\n", "in:4:3", "threats must be a list"},
		"alias":         {"otmVersion: 0.1.0\nproject: &p {id: a, name: b}\nextra: *p\n", "in:3:8", "aliases are not read: write the value out"},
		"deep json":     {`{"otmVersion": "0.1.0", "project": ` + strings.Repeat("[", 70), "in:1:99", "is nested deeper than 64 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readFile([]byte(c.file), imported.Options{Name: "in"})
			f := fault.As(err)
			if f == nil || len(f.Fields) != 1 {
				t.Fatalf("Read = %v, want one fault", err)
			}
			if f.Fields[0].Where != c.at || f.Fields[0].Text != c.text {
				t.Errorf("Read = %s: %s, want %s: %s", f.Fields[0].Where, f.Fields[0].Text, c.at, c.text)
			}
		})
	}
}

func TestNotDetected(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{"project: shop\n", "project: {key: x}\n", "project: {name: x}\nservices: []\n", `{"project": "x"}`, `{"project": {"name": "x"}, "runs": []}`} {
		if _, err := readFile([]byte(doc), imported.Options{}); !fault.Is(err, fault.Unsupported) {
			t.Errorf("Read(%q) = %v, want it not detected", doc, err)
		}
	}
}

func TestNegativeSample(t *testing.T) {
	t.Parallel()
	data := file(t, sharedtest.Dir(t, "samples", "otm", "startleft-NEGATIVE-otm_without_version.otm"))
	_, err := readFile(data, imported.Options{Name: "in"})
	if f := fault.As(err); f == nil || len(f.Fields) != 1 || f.Fields[0].Where != "in:1:1" || !strings.Contains(f.Fields[0].Text, "otmVersion is missing") {
		t.Errorf("Read = %v, want in:1:1 and the missing version", err)
	}
}

func TestDeepCheck(t *testing.T) {
	t.Parallel()
	i := read(t, file(t, "testdata/problems.yaml"))
	var got []string
	for _, n := range i.Notes {
		if n.Level != imported.Guess || !strings.Contains(n.Text, "by its words") {
			got = append(got, string(n.Level)+" "+strings.TrimPrefix(n.At, "in:")+" "+n.Where+": "+n.Text)
		}
	}
	want := strings.Split(strings.TrimSpace(string(file(t, "testdata/problems.txt"))), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notes (-want +got):\n%s\nall:\n%s", diff, strings.Join(got, "\n"))
	}
	roundTrip(t, i.Model, nil)
}

func TestNested(t *testing.T) {
	t.Parallel()
	i := read(t, file(t, "testdata/nested.json"))
	m := i.Model
	zones := map[model.ElementID]model.Zone{}
	for _, z := range m.Zones {
		zones[z.ID] = z
	}
	parts := map[model.ElementID]model.Component{}
	for _, c := range m.Components {
		parts[c.ID] = c
	}
	if z := zones["cell"]; z.Parent != "hall" || z.Trust != 90 || z.Box == nil || *z.Box != (model.Box{X: 150, Y: 130, W: 200, H: 150}) {
		t.Errorf("zone cell = %+v at %+v, want inside hall at 150,130", z, z.Box)
	}
	if z := zones["hall"]; z.Trust != 40 || z.Box == nil || z.Box.W != 600 {
		t.Errorf("zone hall = %+v at %+v, want trust 40 and a width of 600", z, z.Box)
	}
	if c := parts["robot"]; c.Zone != "hall" || !c.OutOfScope || c.OutOfScopeReason != "the maker's" || c.Attributes["encrypted"] != "yes" || c.Name != "Robot 🤖" {
		t.Errorf("component robot = %+v", c)
	}
	if c := parts["log"]; c.Zone != "cell" || c.Kind != model.Store || c.Box == nil || c.Box.X != 155 || !cmp.Equal(c.Tags, []string{"plc"}) {
		t.Errorf("component log = %+v at %+v, want a store in cell at 155", c, c.Box)
	}
	if c := parts["1"]; c.Kind != model.Actor || c.Zone != "hall" {
		t.Errorf("component 1 = %+v, want an actor in hall", c)
	}
	roundTrip(t, m, nil)
}

func TestAbsolutePositions(t *testing.T) {
	t.Parallel()
	i := read(t, []byte(`{"otmVersion": "0.2.0", "project": {"name": "P", "id": "p"},
 "representations": [{"id": "d", "name": "D", "type": "diagram", "size": {"width": 900, "height": 700}}],
 "trustZones": [{"id": "z", "name": "Z", "risk": {"trustRating": 40}, "representations": [{"representation": "d", "id": "zr", "position": {"x": 500, "y": 300}, "size": {"width": 200, "height": 100}}]}],
 "components": [{"id": "c", "name": "C", "type": "service", "parent": {"trustZone": "z"}, "representations": [{"representation": "d", "id": "cr", "position": {"x": 520, "y": 310}, "size": {"width": 80, "height": 50}}]}],
 "dataflows": []}`))
	if b := i.Model.Components[0].Box; b == nil || b.X != 520 || b.Y != 310 {
		t.Errorf("box = %+v, want 520,310: that lies in the zone, 1020,610 does not", b)
	}
}

func TestTypeOfTheFile(t *testing.T) {
	t.Parallel()
	const doc = `{"otmVersion": "0.2.0", "project": {"id": "p", "name": "P"}, "trustZones": [{"id": "z", "name": "Z", "risk": {"trustRating": 1}}],
 "components": [{"id": "a", "name": "A", "type": "rds", "parent": {"trustZone": "z"}}, {"id": "b", "name": "B", "type": "relational-database", "parent": {"trustZone": "z"}}], "dataflows": []}`
	root, err := jsontree.Parse([]byte(doc), imported.Options{})
	if err != nil {
		t.Fatal(err)
	}
	i, err := otm.Read(root, imported.Options{GuessType: func(model.Kind, string, map[string]string) string { return "relational-database" }})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range i.Model.Components {
		if c.Type != "relational-database" || c.Kind != model.Store {
			t.Errorf("component %+v, want a store of the guessed type", c)
		}
	}
	out := roundTrip(t, i.Model, nil)
	if !strings.Contains(string(out), `"type": "rds"`) {
		t.Errorf("Write(m) = %s, want the file's own type in it", out)
	}
}

func TestZoneByType(t *testing.T) {
	t.Parallel()
	i := read(t, []byte(`otmVersion: 0.1.0
project: {id: p, name: P}
trustzones: [{id: z1, name: Inside, type: private, risk: {trustRating: 90}}, {id: z2, name: Inside, type: public, risk: {trustRating: 10}}]
components:
  - {id: a, name: A, type: api, parent: {trustZone: public}}
  - {id: b, name: B, type: api, parent: {trustZone: Inside}}
`))
	if c := i.Model.Components; c[0].Zone != "z2" || c[1].Zone != "" {
		t.Errorf("zones = %q, %q, want z2 by its type, and none by a name that two have", c[0].Zone, c[1].Zone)
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	inner, err := json.Marshal("otmVersion: 0.2.0\nproject:\n  id: inside\n  name: Inside\ntrustZones: []\ncomponents: []\ndataflows: []\n")
	if err != nil {
		t.Fatal(err)
	}
	i := read(t, []byte(`{"id": "x", "otm": `+string(inner)+`}`))
	if i.Model.Product.ID != "inside" || i.Model.Product.Name != "Inside" {
		t.Errorf("product = %+v, want the one inside", i.Model.Product)
	}
}

// TestLikelihoodAlone: a likelihood without an impact rates nothing, and is not lost.
func TestLikelihoodAlone(t *testing.T) {
	t.Parallel()
	i := read(t, []byte(`otmVersion: 0.2.0
project: {id: p, name: P}
threats: [{id: t, name: T, risk: {likelihood: 50.5, impact: null, comment: why}}, {id: u, name: U, risk: {likelihood: 30}, severity: high}]
`))
	for n, want := range map[int]string{0: `{"risk":{"likelihood":50.5,"comment":"why"}}`, 1: `{"risk":{"likelihood":30},"severity":"high"}`} {
		var got, wanted any
		threat := i.Model.Threats[slices.IndexFunc(i.Model.Threats, func(t model.Threat) bool { return t.Title == [...]string{"T", "U"}[n] })]
		if err := errors.Join(json.Unmarshal(threat.Extra[otm.Key], &got), json.Unmarshal([]byte(want), &wanted)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("extra of %s (-want +got):\n%s", threat.Title, diff)
		}
		if threat.Inherent != nil || threat.Severity != [...]string{"tbd", "high"}[n] {
			t.Errorf("threat %+v, want no rating but the severity", threat)
		}
	}
	i.Model.Threats = slices.DeleteFunc(i.Model.Threats, func(t model.Threat) bool { return t.Title == "U" })
	if out := roundTrip(t, i.Model, nil); !strings.Contains(string(out), `"likelihood": 50.5`) {
		t.Errorf("Write(m) = %s, want the likelihood where it stood", out)
	}
}

// TestEarlyFile is refused for its missing version, not taken for a stranger.
func TestEarlyFile(t *testing.T) {
	t.Parallel()
	root, err := jsontree.Parse([]byte(`{"project": {"name": "ELB", "id": "elb"}, "representations": [], "trustzones": [{"id": "z", "name": "Z"}], "components": [], "dataflows": []}`), imported.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !otm.Detect(root) {
		t.Error("Detect = false, want true")
	}
	if _, err := otm.Read(root, imported.Options{}); err == nil || !strings.Contains(fault.As(err).Fields[0].Text, "otmVersion") {
		t.Errorf("Read = %v, want that otmVersion is missing", err)
	}
}

func TestRisk(t *testing.T) {
	t.Parallel()
	i := read(t, []byte(`otmVersion: 0.2.0
project: {id: p, name: P}
trustZones: [{id: z, name: Z, risk: {trustRating: 0}}]
components:
  - {id: a, name: A, type: api, parent: {trustZone: z}, threats: [{threat: t, state: mitigated, mitigations: [{mitigation: m, state: IMPLEMENTED}]}, {threat: u, state: Not Applicable}]}
  - {id: b, name: B, type: api, parent: {trustZone: z}, threats: [{threat: t, state: exposed, mitigations: [{mitigation: m, state: required}]}]}
dataflows: []
threats:
  - {id: t, name: T, cwes: [CWE-79], risk: {likelihood: 50, impact: 98}}
  - {id: u, name: U, risk: {likelihood: null, impact: 60}}
mitigations: [{id: m, name: M, riskReduction: 40}]
`))
	m := i.Model
	if len(m.Threats) != 3 || len(m.Weaknesses) != 2 || len(m.Countermeasures) != 2 || len(m.Links) != 4 {
		t.Fatalf("%d threats, %d weaknesses, %d countermeasures, %d links, want 3, 2, 2, 4", len(m.Threats), len(m.Weaknesses), len(m.Countermeasures), len(m.Links))
	}
	for _, th := range m.Threats {
		switch {
		case th.Title == "T" && (th.Inherent == nil || *th.Inherent != 70 || th.Ease != 50 || th.Impact.Integrity != 98):
			t.Errorf("threat T = %+v, want inherent 70", th)
		case th.Title == "U" && (th.Inherent != nil || th.Severity != "high" || th.Status != model.NotApplicable):
			t.Errorf("threat U = %+v, want high and not applicable", th)
		}
	}
	states := map[model.ElementID]model.State{}
	for _, c := range m.Countermeasures {
		states[c.Where] = c.State
	}
	if diff := cmp.Diff(map[model.ElementID]model.State{"a": model.Implemented, "b": model.Required}, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	out := roundTrip(t, m, nil)
	edited := strings.Replace(string(out), `"riskReduction": 40`, `"riskReduction": 60`, 1)
	edited = strings.Replace(edited, `"likelihood": 50`, `"likelihood": 60`, 1)
	again := read(t, []byte(edited)).Model
	shares := map[float64]int{}
	for _, l := range again.Links {
		if l.Countermeasure != "" {
			shares[l.Share]++
		}
	}
	if diff := cmp.Diff(map[float64]int{60: 1, 40: 1}, shares); diff != "" {
		t.Errorf("shares after an edit of the file (-want +got):\n%s", diff)
	}
}

// TestForms checks that nothing of another form than it must be goes without a
// note, and that words stand in for figures and names for ids.
func TestForms(t *testing.T) {
	t.Parallel()
	i := read(t, file(t, "testdata/forms.yaml"))
	var got []string
	for _, n := range i.Notes {
		_, at, _ := strings.Cut(n.At, ":")
		got = append(got, fmt.Sprintf("%s %s %s: %s", n.Level, at, n.Where, n.Text))
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"refused 3:34 project: owner is a list, expected a text; it is left out",
		"refused 3:59 project: description is a mapping, expected a text; it is left out",
		"guess 5:5 trust zone out (Outside): the file does not say how far the zone is trusted; 0 of 100 is set, for its name",
		`refused 6:78 trust zone in (Inside): the key "colour" in parent has no meaning here and is left out`,
		`refused 12:13 component shop (Shop): assets is "everything", expected a mapping; it is left out`,
		`guess 14:29 component shop (Shop): the state "3" of the threat t1 is unknown; it counts as open`,
		`guess 14:70 component shop (Shop): the state "42" of the mitigation m1 is unknown; it counts as recommended`,
		`refused 14:76 component shop (Shop): the key "note" in mitigations has no meaning here and is left out`,
		`refused 14:89 component shop (Shop): mitigations is a list, expected a mapping with the id of a mitigation; it is left out`,
		`guess 16:87 component db (Orders): the state "открыто" of the threat t1 is unknown; it counts as open`,
		`refused 16:34 component db (Orders): type is a list, expected a text; it is left out`,
		`guess 18:19 data flow f: its source "Shop" is no id but the name of the component shop; it is taken`,
		`refused 18:52 data flow f: bidirectional is "both", expected true or false; it is left out`,
		`guess 20:57 threat t1: impact is "Very high", expected a number from 0 to 100; 100 is taken`,
		`refused 21:30 threat t2: risk is "severe", expected a mapping; it is left out`,
		`guess 22:80 threat t3: its severity is told by the word "medium"`,
		"refused 24:37 mitigation m1: description is a list, expected a text; it is left out",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no note %q", want)
		}
	}
	if t.Failed() {
		t.Logf("notes:\n%s", all)
	}
	for _, threat := range i.Model.Threats {
		if threat.Ref == "otm/t3" && threat.Severity != "medium" {
			t.Errorf("severity of t3 = %q, want medium", threat.Severity)
		}
	}
	if f := i.Model.Flows[0]; f.From != "shop" || f.To != "db" {
		t.Errorf("flow joins %q and %q, want shop and db", f.From, f.To)
	}
}

// TestProperties: what components and flows have as properties, as StartLeft wrote
// attributes at first, are their attributes; a change made here holds against them.
func TestProperties(t *testing.T) {
	t.Parallel()
	data := []byte(`{"otmVersion": "0.1.0", "project": {"id": "shop", "name": "Shop"},
  "trustZones": [{"id": "in", "name": "Inside", "risk": {"trustRating": 10}, "properties": {"Name": "Inside"}}],
  "components": [
    {"id": "db", "name": "Orders", "type": "postgresql", "parent": {"trustZone": "in"}, "properties": {"Encrypted": "Yes", "Backup": "No", "Out Of Scope": "true"}},
    {"id": "web", "name": "Web", "type": "web-service", "parent": {"trustZone": "in"}, "attributes": {"Encrypted": "No"}}
  ],
  "dataflows": [{"id": "f", "name": "Query", "source": "web", "destination": "db", "properties": {"Out Of Scope": "true", "Reason For Out Of Scope": "a test"}}]}`)
	i := read(t, data)
	db, f := &i.Model.Components[0], &i.Model.Flows[0]
	if want := map[string]string{"encrypted": "yes", "backup": "no"}; !cmp.Equal(db.Attributes, want) || !db.OutOfScope {
		t.Errorf("attributes of the store = %v, out of scope %t, want %v, true", db.Attributes, db.OutOfScope, want)
	}
	if !f.OutOfScope || f.OutOfScopeReason != "a test" {
		t.Errorf("flow out of scope = %t (%s), want true (a test)", f.OutOfScope, f.OutOfScopeReason)
	}
	for _, n := range i.Notes {
		if strings.Contains(n.Text, "properties") {
			t.Errorf("note %q, want none", n.Text)
		}
	}
	db.Attributes["encrypted"], f.OutOfScope, f.OutOfScopeReason = "no", false, ""
	out, _, err := otm.Write(i.Model)
	if err != nil {
		t.Fatalf("Write = %v", err)
	}
	again := read(t, out).Model
	if got := again.Components[0].Attributes["encrypted"]; got != "no" || again.Flows[0].OutOfScope {
		t.Errorf("read again: encrypted %q, out of scope %t, want no, false", got, again.Flows[0].OutOfScope)
	}
}
