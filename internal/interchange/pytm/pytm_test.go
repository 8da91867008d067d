package pytm_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/pytm"
	"github.com/threatloop/threatloop/internal/model"
)

func shop(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRead(t *testing.T) {
	t.Parallel()
	opts := imported.Options{Name: "shop.json"}
	root, err := jsontree.Parse(shop(t), opts)
	if err != nil || !pytm.Detect(root) {
		t.Fatalf("Parse = %v, want a pytm model", err)
	}
	got, err := pytm.Read(root, opts)
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	m := got.Model
	if want := (imported.Counts{Diagrams: 1, Actor: 1, Process: 2, Store: 1, Flow: 3, Boundary: 3, Threats: 4}); got.Counts != want {
		t.Errorf("counts = %+v, want %+v", got.Counts, want)
	}
	components := map[model.ElementID]string{}
	for _, c := range m.Components {
		components[c.ID] = strings.Join([]string{string(c.Kind), string(c.Zone), c.Attributes["encrypted"], join(c.Stores), join(c.Processes)}, "|")
	}
	want := map[model.ElementID]string{"user": "actor|internet|||", "web-server": "process||||orders", "sql-database": "store|server-db|yes|orders|", "arm": "process||||"}
	if diff := cmp.Diff(want, components); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	if !m.Components[2].OutOfScope {
		t.Error("the database is in scope, want it out of scope")
	}
	flows := map[model.ElementID]string{}
	for _, f := range m.Flows {
		flows[f.ID] = strings.Join([]string{string(f.From), string(f.To), f.Protocol, f.Attributes["encrypted"], f.Attributes["authenticated"], join(f.Carries)}, "|")
	}
	wantFlows := map[model.ElementID]string{
		"request": "user|web-server|https|yes||cookie", "insert": "web-server|sql-database||yes|yes|orders", "lost": "web-server|||||",
	}
	if diff := cmp.Diff(wantFlows, flows); diff != "" {
		t.Errorf("flows (-want +got):\n%s", diff)
	}
	threats := map[string]string{}
	for _, x := range m.Threats {
		threats[x.Ref] = strings.Join([]string{string(x.Where), x.Severity, string(x.Status), x.StatusReason}, "|")
	}
	wantThreats := map[string]string{
		"pytm/Web Server/INP01": "web-server|high|mitigated|mitigated by bounds",
		"pytm/Web Server/AA01":  "web-server|critical|open|suggested by pytm; nobody has judged it yet",
		"pytm/Web Server/INP02": "web-server|tbd|accepted|accepted, it is old",
		"pytm/Request/DE01":     "request|tbd|not_applicable|excluded by an assumption: TLS everywhere",
	}
	if diff := cmp.Diff(wantThreats, threats); diff != "" {
		t.Errorf("threats (-want +got):\n%s", diff)
	}
	if len(m.Weaknesses) != 2 || len(m.Countermeasures) != 1 || m.Countermeasures[0].State != model.Implemented || m.Countermeasures[0].Title != "Do not expose variables" {
		t.Errorf("weaknesses %+v, countermeasures %+v", m.Weaknesses, m.Countermeasures)
	}
	for _, want := range []struct {
		level     imported.Level
		at, words string
	}{
		{imported.Refused, "shop.json:6:", "contain itself"},
		{imported.Refused, "shop.json:21:", `"Nowhere" does not exist`},
		{imported.Guess, "shop.json:21:", `"Robot" is unknown`},
		{imported.Guess, "shop.json:26:", `"Void" does not exist`},
		{imported.Kept, "shop.json:13:", `"usesXMLParser"`},
		{imported.Kept, "shop.json:20:", `"isHardened"`},
		{imported.Guess, "shop.json:30:", `"Odd" is unknown`},
	} {
		found := false
		for _, n := range got.Notes {
			found = found || n.Level == want.level && strings.HasPrefix(n.At, want.at) && strings.Contains(n.Text, want.words)
		}
		if !found {
			t.Errorf("no note %s at %s with %q in %+v", want.level, want.at, want.words, got.Notes)
		}
	}
}

func join(ids []model.AssetID) string {
	var all []string
	for _, id := range ids {
		all = append(all, string(id))
	}
	return strings.Join(all, ",")
}

// TestMisshapen checks that what is of another form than it must be is noted at its place.
func TestMisshapen(t *testing.T) {
	t.Parallel()
	root, err := jsontree.Parse([]byte(`{"name": "a", "isOrdered": true, "flows": [7], "findings": {"0": {}}, "elements": [
{"__class__": "Server", "name": "Web", "findings": "none", "overrides": [null, {"threat_id": "X1", "response": "accepted"}]}]}`), imported.Options{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := pytm.Read(root, imported.Options{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	var notes []string
	for _, n := range got.Notes {
		if n.Level == imported.Refused {
			notes = append(notes, n.At+" "+n.Where+": "+n.Text)
		}
	}
	want := []string{
		"f:1:44 file: an entry of flows is no object and is not read",
		"f:2:52 element Web: findings is no list and is not read",
		"f:2:74 element Web: an entry of overrides is no object and is not read",
		"f:1:60 file: findings is no list and is not read",
	}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if got.Counts.Threats != 1 || got.Counts.Process != 1 {
		t.Errorf("counts = %+v, want one process with one threat", got.Counts)
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"name": "a", "isOrdered": true, "elements": [], "flows": []}`:                           true,
		`{"name": "a", "elements": [{"__class__": "Actor", "name": "b"}], "flows": []}`:           true,
		`{"name": "a", "elements": [], "flows": []}`:                                              false,
		`{"summary": {"title": "a"}, "detail": {"diagrams": []}}`:                                 false,
		`{"otmVersion": "0.2.0", "project": {"name": "a", "id": "b"}, "assets": [], "flows": []}`: false,
	} {
		root, err := jsontree.Parse([]byte(text), imported.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := pytm.Detect(root); got != want {
			t.Errorf("Detect(%s) = %t, want %t", text, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(shop(f))
	f.Add([]byte(`{"name":"","isOrdered":0,"boundaries":[{"name":"a","inBoundary":"a"},{}],"elements":[{},{"name":"\u00e9"}],"flows":[{},[]],"findings":[{},1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := jsontree.Parse(data, imported.Options{})
		if err != nil || !pytm.Detect(root) {
			return
		}
		got, err := pytm.Read(root, imported.Options{})
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

// TestForms reads the two forms of old: the template of a model, and the list.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"template": `{"name": "Shop", "elements": [{"name": "User", "type": "Actor"}, {"name": "Web", "type": "Server"}, {"name": "Orders", "type": "Datastore"}],
			"flows": [{"source": "User", "target": "Web"}, {"name": "Insert", "source": "Web", "target": "Orders"}]}`,
		"list": `[{"Element": "TM", "name": "Shop"}, {"Element": "Boundary", "id": "net", "name": "Internet"},
			{"Element": "Actor", "id": "u", "name": "User", "inBoundary": {"$ref": "net"}}, {"Element": "Server", "id": "w", "name": "Web"}, {"Element": "Datastore", "id": "o", "name": "Orders"},
			{"Element": "Dataflow", "source": {"$ref": "u"}, "sink": {"$ref": "w"}, "protocol": "HTTP"}, {"Element": "Dataflow", "name": "Insert", "source": {"$ref": "w"}, "sink": {"$ref": "o"}, "data": "Order"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, err := jsontree.Parse([]byte(file), imported.Options{Name: "tm.json"})
			if err != nil || !pytm.Detect(root) {
				t.Fatalf("Parse = %v, want a pytm model", err)
			}
			got, err := pytm.Read(root, imported.Options{})
			if err != nil {
				t.Fatalf("Read = %v", err)
			}
			m := got.Model
			if m.Product.Name != "Shop" || got.Counts.Actor != 1 || got.Counts.Process != 1 || got.Counts.Store != 1 || got.Counts.Flow != 2 {
				t.Errorf("model %q with %+v, want Shop with one of each and two flows", m.Product.Name, got.Counts)
			}
			for i, want := range []string{"User to Web|user|web", "Insert|web|orders"} {
				if f := m.Flows[i]; f.Name+"|"+string(f.From)+"|"+string(f.To) != want {
					t.Errorf("flow %d = %s|%s|%s, want %s", i, f.Name, f.From, f.To, want)
				}
			}
			if name == "list" && (len(m.Zones) != 1 || m.Components[2].Zone != m.Zones[0].ID && m.Components[1].Zone != m.Zones[0].ID && m.Components[0].Zone != m.Zones[0].ID || len(m.Assets) != 1) {
				t.Errorf("zones %+v, components %+v, assets %+v, want the user in the one zone and the order carried", m.Zones, m.Components, m.Assets)
			}
		})
	}
	for _, other := range []string{
		`{"name": "x", "elements": [], "flows": []}`,
		`{"name": "x", "elements": [{"name": "a", "type": "widget"}], "flows": []}`,
		`{"name": "x", "elements": [{"name": "a", "type": "Actor"}], "flows": [{"source": "a", "target": "b"}]}`,
		`[{"Element": "Actor", "name": "a"}]`, `[{"Element": "TM"}, {"Element": "widget"}]`, `[]`, `[1]`,
	} {
		root, err := jsontree.Parse([]byte(other), imported.Options{})
		if err != nil || pytm.Detect(root) {
			t.Errorf("Detect(%s) = true, %v, want false", other, err)
		}
	}
}
