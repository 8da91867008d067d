package interchange_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/threatdragon"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// samples are the public models beside the repository, with the counts of
// their SOURCES.md: diagrams, cells, threats.
var samples = []struct {
	file                     string
	format                   interchange.Format
	diagrams, cells, threats int
}{
	{"v1-demo.json", imported.ThreatDragon1, 1, 21, 14},
	{"v1-odo.json", imported.ThreatDragon1, 1, 9, 6},
	{"v1-juice-shop.json", imported.ThreatDragon1, 1, 31, 0},
	{"v1-ddf-catalogui.json", imported.ThreatDragon1, 1, 29, 132},
	{"v1-food-order.json", imported.ThreatDragon1, 4, 24, 10},
	{"v1-enter-the-dragon-3.json", imported.ThreatDragon1, 2, 9, 3},
	{"v2-demo.json", imported.ThreatDragon2, 1, 20, 14},
	{"v2-all-methodologies.json", imported.ThreatDragon2, 7, 39, 8},
	{"v2-eop-cia-tmbom.json", imported.ThreatDragon2, 4, 34, 15},
	{"v2-payments-66-threats.json", imported.ThreatDragon2, 1, 19, 66},
}

func read(t *testing.T, data []byte) *interchange.Import {
	t.Helper()
	i, err := interchange.Read(data, interchange.Options{Name: "in"})
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

func TestSamples(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "samples", "threat-dragon")
	for _, s := range samples {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			data := file(t, filepath.Join(dir, s.file))
			i := read(t, data)
			sum := interchange.Summarise(i)
			e := sum.Elements
			got := []any{sum.Format, sum.Diagrams, e.Actor + e.Process + e.Store + e.Flow + e.Boundary + e.Text, sum.Threats}
			want := []any{s.format, s.diagrams, s.cells, s.threats}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Summarise (-want +got):\n%s", diff)
			}
			if got := len(i.Model.Threats); got != s.threats {
				t.Errorf("model has %d threats, want %d", got, s.threats)
			}
			sameJSON(t, data, reassemble(t, i.Model))
			roundTrip(t, i.Model)
		})
	}
}

// reassemble puts the kept parts of a file together again from the ids that
// stand in their places.
func reassemble(t *testing.T, m *model.Model) json.RawMessage {
	t.Helper()
	parts := map[string]json.RawMessage{}
	keep := func(id string, e model.Extra) { parts[id] = e[threatdragon.Key] }
	for i := range m.Threats {
		keep(string(m.Threats[i].ID), m.Threats[i].Extra)
	}
	for i := range m.Zones {
		keep(string(m.Zones[i].ID), m.Zones[i].Extra)
	}
	for i := range m.Components {
		keep(string(m.Components[i].ID), m.Components[i].Extra)
	}
	for i := range m.Flows {
		keep(string(m.Flows[i].ID), m.Flows[i].Extra)
	}
	for i := range m.Curves {
		keep(string(m.Curves[i].ID), m.Curves[i].Extra)
	}
	for i := range m.Texts {
		keep(string(m.Texts[i].ID), m.Texts[i].Extra)
	}
	diagrams := map[string]json.RawMessage{}
	for i := range m.Diagrams {
		diagrams[string(m.Diagrams[i].ID)] = m.Diagrams[i].Extra[threatdragon.Key]
	}
	var fill func(key string, v any) any
	fill = func(key string, v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = fill(k, v[k])
			}
		case []any:
			from := parts
			if key == "diagrams" {
				from = diagrams
			}
			for i := range v {
				id, isID := v[i].(string)
				if raw, ok := from[id]; isID && ok && (key == "cells" || key == "threats" || key == "diagrams") {
					v[i] = decode(t, raw)
				}
				v[i] = fill("", v[i])
			}
		}
		return v
	}
	b, err := json.Marshal(fill("", decode(t, m.Extra[threatdragon.Key])))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %.60s: %v", data, err)
	}
	return v
}

func sameJSON(t *testing.T, want, got []byte) {
	t.Helper()
	if diff := cmp.Diff(decode(t, want), decode(t, got)); diff != "" {
		t.Errorf("the file put together again (-want +got):\n%s", diff)
	}
}

// roundTrip checks that the model survives YAML and that its bytes do.
func roundTrip(t *testing.T, m *model.Model) {
	t.Helper()
	first, err := interchange.Write(m)
	if err != nil {
		t.Fatalf("Write = %v", err)
	}
	i, err := interchange.Read(first, interchange.Options{Name: "own.yaml"})
	if err != nil {
		t.Fatalf("Read(Write(m)) = %v\n%.2000s", err, first)
	}
	if diff := cmp.Diff(m, i.Model, cmpopts.EquateEmpty(), cmp.Transformer("json", func(r json.RawMessage) any { return decode(t, r) })); diff != "" {
		t.Errorf("Read(Write(m)) (-want +got):\n%s", diff)
	}
	second, err := interchange.Write(i.Model)
	if err != nil {
		t.Fatalf("Write = %v", err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("Write(Read(Write(m))) differs from Write(m):\n%s", cmp.Diff(string(first), string(second)))
	}
}

func TestHybrid(t *testing.T) {
	t.Parallel()
	data := file(t, "testdata/hybrid.json")
	i := read(t, data)
	m := i.Model
	sameJSON(t, data, reassemble(t, m))
	roundTrip(t, m)

	sum := interchange.Summarise(i)
	want := interchange.Elements{Actor: 1, Process: 2, Store: 1, Flow: 4, Boundary: 3, Text: 1}
	if diff := cmp.Diff(want, sum.Elements); diff != "" {
		t.Errorf("elements (-want +got):\n%s", diff)
	}
	if m.Product.Name != "Hybrid shop" || sum.Diagrams != 2 || sum.Threats != 8 {
		t.Errorf("title %q, diagrams %d, threats %d, want Hybrid shop, 2, 8", m.Product.Name, sum.Diagrams, sum.Threats)
	}

	components := map[string]model.Component{}
	for _, c := range m.Components {
		components[c.Name] = c
	}
	if got := components["Desk"]; got.Zone != "zone" || got.Attributes["web_application"] != "yes" || got.Attributes["privilege_level"] != "low" {
		t.Errorf("Desk = %+v, want zone, web_application and privilege_level", got)
	}
	if got := components["Card index"]; got.Attributes["encrypted"] != "no" || got.Kind != model.Store {
		t.Errorf("Card index = %+v, want an unencrypted store", got)
	}
	trust := map[string]int{}
	for _, z := range m.Zones {
		trust[z.Name] = z.Trust
		if !z.Guess {
			t.Errorf("zone %s: trust is no guess", z.Name)
		}
	}
	if diff := cmp.Diff(map[string]int{"Office": 50, "Street": 0}, trust); diff != "" {
		t.Errorf("trust (-want +got):\n%s", diff)
	}

	flows := map[string]model.Flow{}
	for _, f := range m.Flows {
		flows[f.Name] = f
	}
	if f := flows["Hello"]; f.From != "a" || f.To != "p" || !f.Bidirectional || f.Protocol != "voice" || !cmp.Equal(f.Crosses, []model.ElementID{"c"}) || f.Attributes["public_network"] != "yes" {
		t.Errorf("flow Hello = %+v", f)
	}
	if f := flows["Lost"]; f.FromPoint == nil || f.To != "" || f.ToPoint != nil {
		t.Errorf("flow Lost = %+v, want two loose ends, one without a place", f)
	}
	if f, ok := flows["Desk to Card index"]; !ok || f.From != "p" {
		t.Errorf("the flow without a name = %+v, %v", f, ok)
	}
	if f := flows["by hand"]; f.From == "p" || f.From == "" || f.Attributes["encrypted"] != "yes" {
		t.Errorf("flow of version 1 = %+v, want one from the second p, whose id is new", f)
	}
}

func TestHybridThreats(t *testing.T) {
	t.Parallel()
	i := read(t, file(t, "testdata/hybrid.json"))
	m := i.Model
	type short struct {
		Category, Severity string
		Status             model.ThreatStatus
		State              model.State
		Reason             string
	}
	states := map[model.ThreatID]model.State{}
	for _, l := range m.Links {
		if l.Share != 100 || l.Weakness != "" {
			t.Errorf("link %+v, want share 100 without a weakness", l)
		}
		for _, c := range m.Countermeasures {
			if c.ID == l.Countermeasure {
				states[l.Threat] = c.State
			}
		}
	}
	got := map[string]short{}
	for _, th := range m.Threats {
		got[string(th.Where)+" "+th.Title+" "+th.Severity+" "+th.Ref[max(0, len(th.Ref)-2):]] = short{strings.Join(th.Categories, ","), th.Severity, th.Status, states[th.ID], th.StatusReason}
	}
	where := ""
	for _, c := range m.Components {
		if c.Name == "Old desk" {
			where = string(c.ID)
		}
	}
	want := map[string]short{
		"a Fake visitor high t1":    {"stride:spoofing", "high", model.Open, model.Recommended, ""},
		"p Fake visitor tbd t1":     {"stride:spoofing", "tbd", model.Mitigated, "", ""},
		"p Fake visitor low /2":     {"stride:repudiation", "low", model.NotApplicable, "", "no such case"},
		"p Done medium t6":          {"stride:tampering", "medium", model.Mitigated, model.Implemented, ""},
		"p Odd tbd t4":              {"", "tbd", model.Open, "", ""},
		"p On the cell critical t5": {"linddun:data-disclosure", "critical", model.Accepted, "", "we live with it"},
	}
	rest := 0
	for k, v := range got {
		if strings.HasPrefix(k, where+" ") {
			rest++
			if v.Category != "stride:tampering" {
				t.Errorf("threat without a category = %+v, want the one of its rule", v)
			}
			delete(got, k)
		}
	}
	if rest != 2 {
		t.Errorf("the old desk has %d threats, want 2", rest)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("threats (-want +got):\n%s", diff)
	}
	for _, want := range []struct{ level, text string }{
		{"guess", "a copy"},
		{"guess", "status \"Perhaps\""},
		{"guess", "severity \"Huge\""},
		{"kept", "Zauberei"},
		{"kept", "key \"ours\""},
		{"kept", "key \"custom\""},
		{"refused", "hexagon"},
		{"guess", "its target \"gone\" does not exist"},
		{"info", "version 1 cells"},
		{"guess", "does not say how"},
		{"guess", "names no owner"},
		{"guess", "only actors stand in it"},
		{"guess", "already taken"},
	} {
		found := false
		for _, n := range i.Notes {
			found = found || string(n.Level) == want.level && strings.Contains(n.Text, want.text)
		}
		if !found {
			t.Errorf("no note %s %q in %+v", want.level, want.text, i.Notes)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	for _, c := range []struct {
		name, in string
		kind     fault.Kind
		says     string
	}{
		{"empty", " \n", fault.Invalid, "empty"},
		{"cut off", "{\n \"summary\": {\"title\": \"x\"", fault.Invalid, "in:2:"},
		{"syntax", "{\n \"summary\": {},\n \"detail\": }", fault.Invalid, "in:3:12"},
		{"two values", `{"summary":{},"detail":{}} {}`, fault.Invalid, "in:1:28"},
		{"deep", deep, fault.Invalid, "deeper than 64"},
		{"deep yaml", "product:\n  name: x\n  extra:\n    a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), fault.Invalid, "deep"},
		{"other json", `{"version": "2.1.0", "runs": []}`, fault.Unsupported, "looks like a SARIF report"},
		{"no project", "otmVersion: 0.1.0\nproject: none\n", fault.Invalid, "in:2:10: the key project"},
		{"no version", "project: {name: a, id: b}\n", fault.Invalid, "in:1:1: the key otmVersion is missing"},
		{"xml", "<a/>", fault.Unsupported, "Threat Dragon"},
		{"no list", `{"summary":{},"detail":{"diagrams":7}}`, fault.Invalid, "detail.diagrams is no list"},
		{"no object", "{\"summary\":{},\"detail\":{\"diagrams\":[\n7]}}", fault.Invalid, "in:2:1"},
		{"yaml syntax", "product:\n  name: a: b", fault.Invalid, "in:2:10: is not YAML: mapping values"},
		{"yaml left open", "product: [a\n", fault.Invalid, "in:1:10: is not YAML: did not find expected ',' or ']'"},
		{"control character", "product:\n  name: a\x01b", fault.Invalid, "in:2:10: is not YAML: control characters are not allowed"},
		{"binary", "\x10\x02product\x00", fault.Unsupported, "these can: OWASP Threat Dragon"},
		{"yaml block", "product:\n  name: |x\n", fault.Invalid, "in:2:9: is not YAML: did not find expected comment or line break"},
		{"yaml text", "just text", fault.Invalid, "neither JSON nor XML, and no YAML mapping"},
		{"yaml alias", "product: &a\n  name: x\nanswers: *a\n", fault.Invalid, "aliases"},
		{"yaml key", "product:\n  name: x\n  colour: red\n", fault.Invalid, "in:3:3: unknown key \"colour\""},
		{"yaml twice", "product:\n  name: x\n  name: y\n", fault.Invalid, "in:3:3: key \"name\" is given twice"},
		{"yaml type", "product:\n  name: x\nzones:\n  - {id: z, name: Z, trust: much}\n", fault.Invalid, "in:4:29"},
		{"yaml version", "threatloop: 9\nproduct: {name: x}\n", fault.Unsupported, "expected 1"},
		{"yaml reference", "product: {name: x}\nflows:\n  - {id: f, name: F, from: nobody}\n", fault.Invalid, "nobody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := interchange.Read([]byte(c.in), interchange.Options{Name: "in"})
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Read = %v (%s), want %s with %q", err, fault.KindOf(err), c.kind, c.says)
			}
		})
	}
	if _, err := interchange.Detect(make([]byte, interchange.MaxBytes+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("Detect of a file over the limit = %v, want too_large", err)
	}
}

// TestDrawingLimits refuses drawings whose geometry would take minutes.
func TestDrawingLimits(t *testing.T) {
	t.Parallel()
	drawing := func(cells string) []byte {
		return []byte(`{"summary":{"title":"x"},"detail":{"diagrams":[{"id":0,"cells":[` + strings.TrimSuffix(cells, ",") + `]}]}}`)
	}
	box := `{"shape":"trust-boundary-box","position":{"x":0,"y":0},"size":{"width":9,"height":9}},`
	curve := `{"shape":"trust-boundary-curve","source":{"x":0,"y":0},"target":{"x":1,"y":1},"vertices":[` + strings.Repeat(`{"x":1,"y":2},`, 40_000) + `{"x":1,"y":2}]}`
	for _, c := range []struct {
		name, cells, says string
	}{
		{"cells", strings.Repeat(`{"shape":"process"},`, 25_001), "25000 elements"},
		{"boundaries", strings.Repeat(box, 2_001), "2000 boundaries"},
		{"points", curve, "40000 points"},
	} {
		if _, err := interchange.Read(drawing(c.cells), interchange.Options{}); !fault.Is(err, fault.TooLarge) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: Read = %v, want too_large with %q", c.name, err, c.says)
		}
	}
	if _, err := interchange.Read(drawing(strings.Repeat(box, 2_000)), interchange.Options{}); err != nil {
		t.Errorf("Read of 2000 boxes = %v", err)
	}
}

func TestGuessType(t *testing.T) {
	t.Parallel()
	i, err := interchange.Read(file(t, "testdata/hybrid.json"), interchange.Options{
		Product: "prd_1",
		GuessType: func(kind model.Kind, name string, attributes map[string]string) string {
			if kind == model.Process && attributes["web_application"] == "yes" {
				return "web-application"
			}
			return ""
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if i.Model.Product.ID != "prd_1" || len(i.TypeHints) != 3 {
		t.Errorf("product %s and %d hints, want prd_1 and 3", i.Model.Product.ID, len(i.TypeHints))
	}
	for _, c := range i.Model.Components {
		if (c.Type == "web-application") != (c.Name == "Desk") {
			t.Errorf("type of %s = %q", c.Name, c.Type)
		}
	}
}

// TestYAMLDrawnInside: what the file says of zones counts, and what its drawing shows beside it is told.
func TestYAMLDrawnInside(t *testing.T) {
	t.Parallel()
	i := read(t, []byte(`product: {name: Shop}
diagrams: [{id: d, title: D}]
zones:
  - {id: dmz, name: DMZ, trust: 20, diagram: d, box: {x: 0, y: 0, w: 300, h: 200}}
components:
  - {id: in, kind: process, name: In, zone: dmz, diagram: d, box: {x: 10, y: 10, w: 60, h: 40}}
  - {id: silent, kind: process, name: Silent, diagram: d, box: {x: 100, y: 10, w: 60, h: 40}}
  - {id: out, kind: process, name: Out, diagram: d, box: {x: 400, y: 10, w: 60, h: 40}}
flows:
  - {id: f, name: F, from: out, to: in, diagram: d}
`))
	var notes []string
	for _, n := range i.Notes {
		notes = append(notes, string(n.Level)+" "+n.At+" "+n.Where+" "+n.Text)
	}
	want := []string{"info in:7:5 component silent (Silent) is drawn in the zone dmz (DMZ) and is in none, because the file names none; `zone: dmz` puts it there"}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if got := i.Model.Components[1].Zone; got != "" {
		t.Errorf("the component is put in the zone %q, which its file does not say", got)
	}
}

func TestYAMLByHand(t *testing.T) {
	t.Parallel()
	i := read(t, []byte(`product: {name: Shop}
answers:
  internet_facing: yes
  data: [cards, names]
  users: 100
zones:
  - {id: dmz, name: DMZ, trust: 20}
components:
  - id: web
    kind: process
    name: Web
    zone: dmz
    attributes: {encrypted: yes}
`))
	want := []model.Answer{
		{Question: "internet_facing", Values: []string{"yes"}}, {Question: "data", Values: []string{"cards", "names"}}, {Question: "users", Values: []string{"100"}},
	}
	if diff := cmp.Diff(want, i.Model.Answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if got := i.Model.Components[0]; got.Attributes["encrypted"] != "yes" || got.Zone != "dmz" {
		t.Errorf("component = %+v", got)
	}
	out, err := interchange.Write(i.Model)
	if err != nil {
		t.Fatal(err)
	}
	wantText := `threatloop: 1
product:
  id: ` + string(i.Model.Product.ID) + `
  name: Shop
answers:
  data:
    - cards
    - names
  internet_facing: yes
  users: 100
zones:
  - id: dmz
    name: DMZ
    trust: 20
components:
  - id: web
    kind: process
    name: Web
    zone: dmz
    attributes:
      encrypted: "yes"
`
	if diff := cmp.Diff(wantText, string(out)); diff != "" {
		t.Errorf("Write (-want +got):\n%s", diff)
	}
}

// TestYAMLKeepsAnyText checks that no text, key or kept JSON is changed by our YAML.
func TestYAMLKeepsAnyText(t *testing.T) {
	t.Parallel()
	awkward := []string{
		"", " ", "yes", "null", "~", "1", "1e3", "0x10", "-", "- a", "a: b", "#", "a #b", "'", "\"", "\\", "\t", "a\nb", "a\nb\n", "a\n\nb", "\na", "a\n",
		" a\nb", "a \nb", "a\r\nb", "\u0085", "\u2028", "\ufeff", "\x07", "\U0001F600", "%", "@a", "`", "{}", "[", "!tag", "&a", "*a", "<<", "=", "2001-01-01", "a:", "?", "|", ">-", "...\n---",
	}
	word := rapid.OneOf(rapid.SampledFrom(awkward), rapid.String()).Filter(func(s string) bool { return utf8.ValidString(s) && !strings.ContainsAny(s, "\x00\uFFFD") })
	rapid.Check(t, func(t *rapid.T) {
		key := word.Draw(t, "key")
		raw, err := json.Marshal(map[string]any{word.Draw(t, "k"): []any{word.Draw(t, "v"), nil, true, 1.5, map[string]any{}, []any{}}, "k": word.Draw(t, "w")})
		if err != nil {
			t.Fatal(err)
		}
		m := &model.Model{
			Product: model.Product{ID: "p", Name: word.Draw(t, "name"), Description: word.Draw(t, "description"), Custom: map[string]string{key: word.Draw(t, "custom")}},
			Answers: []model.Answer{{Question: "q" + key, Values: []string{word.Draw(t, "answer")}}, {Question: "r", Values: []string{}}},
			Texts:   []model.TextBlock{{ID: "t", Text: word.Draw(t, "text"), Box: &model.Box{X: 0.1, Y: -3, W: 1e21, H: 5, Z: -1}}},
			Extra:   model.Extra{key: raw},
		}
		out, err := interchange.Write(m)
		if err != nil {
			t.Fatalf("Write = %v", err)
		}
		i, err := interchange.Read(out, interchange.Options{})
		if err != nil {
			t.Fatalf("Read(Write(m)) = %v\n%s", err, out)
		}
		opts := cmp.Options{cmpopts.EquateEmpty(), cmp.Transformer("json", func(r json.RawMessage) any {
			var v any
			if err := json.Unmarshal(r, &v); err != nil {
				t.Fatalf("kept JSON is broken: %v: %s", err, r)
			}
			return v
		})}
		if diff := cmp.Diff(m, i.Model, opts); diff != "" {
			t.Fatalf("Read(Write(m)) (-want +got):\n%s\n%s", diff, out)
		}
	})
}

func BenchmarkReadThreatDragon(b *testing.B) {
	var cells []string
	for i := range 1000 {
		cells = append(cells, fmt.Sprintf(`{"id":"p%d","shape":"process","zIndex":1,"position":{"x":%d,"y":%d},"size":{"width":60,"height":60},"data":{"type":"tm.Process","name":"Process %d","threats":[{"id":"t%d","title":"T","type":"Tampering","status":"Open","severity":"High","mitigation":"M"}]}}`, i, i%40*100, i/40*100, i, i),
			fmt.Sprintf(`{"id":"f%d","shape":"flow","zIndex":2,"source":{"cell":"p%d"},"target":{"cell":"p%d"},"data":{"type":"tm.Flow","name":"F"}}`, i, i, (i+1)%1000))
	}
	data := []byte(`{"version":"2.6.2","summary":{"title":"Large"},"detail":{"diagrams":[{"id":0,"title":"D","diagramType":"STRIDE","cells":[` + strings.Join(cells, ",") + `]}]}}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := interchange.Read(data, interchange.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// addSamples adds small real files as seeds, where they are at hand.
func addSamples(f *testing.F) {
	for _, data := range smallSamples(f) {
		f.Add(data)
	}
}

// smallSamples returns the small real files, none where they are not at hand.
func smallSamples(t testing.TB) [][]byte {
	t.Helper()
	dir := os.Getenv("THREATLOOP_SHARED")
	if dir == "" {
		dir = filepath.Join(sharedtest.Root(t), "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(dir, "samples", "threat-dragon", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, path := range files {
		if data, err := os.ReadFile(path); err == nil && len(data) < 50<<10 {
			all = append(all, data)
		}
	}
	return all
}

func FuzzThreatDragon(f *testing.F) {
	data, err := os.ReadFile("testdata/hybrid.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	addSamples(f)
	f.Fuzz(stable)
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("threatloop: 1\nproduct: {id: p, name: x, extra: {a: [1, 2.50, \"yes\", null, {b: |\n    x\n    y\n}]}}\n"))
	f.Add([]byte("product:\n  name: \"a\\tb\\u0085\"\nanswers: {q: [a, b], r: no}\nproduct2: 1\n"))
	f.Add([]byte("name: x\nanswers:\n  q: yes\n"))
	f.Add([]byte("product: {name: x}\nthreats:\n  - {id: t, where: product, ref: r, title: T, impact: {confidentiality: 1, integrity: 2, availability: 3}, ease: 4, status: open, origin: person}\n"))
	f.Fuzz(stable)
}

// stable checks that reading fails with a fault or gives a valid model that our YAML keeps.
func stable(t *testing.T, data []byte) {
	i, err := interchange.Read(data, interchange.Options{})
	if err != nil {
		if fault.As(err) == nil {
			t.Fatalf("Read = %v, want a fault", err)
		}
		return
	}
	if err := model.Validate(i.Model); err != nil {
		t.Fatalf("the model that Read returned is not valid: %v", err)
	}
	out, err := interchange.Write(i.Model)
	if err != nil {
		t.Fatalf("Write = %v", err)
	}
	again, err := interchange.Read(out, interchange.Options{})
	if err != nil {
		t.Fatalf("Read(Write(m)) = %v\n%s", err, out)
	}
	second, err := interchange.Write(again.Model)
	if err != nil || !bytes.Equal(out, second) {
		t.Fatalf("Write is not stable: %v\n%s\n%s", err, out, second)
	}
}
