package interchange_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/threatdragon"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// tdWrite writes a model as a Threat Dragon file.
func tdWrite(t require, m *model.Model) []byte {
	t.Helper()
	data, _, err := interchange.WriteAs("threat-dragon", m, nil)
	if err != nil {
		t.Fatalf("WriteAs(threat-dragon) = %v", err)
	}
	return data
}

type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

// tdSame compares models but for what the file says in its own words, and for
// the order of diagrams' elements among those of other diagrams.
func tdSame(want, got *model.Model) string {
	return cmp.Diff(plainJSON(want), plainJSON(got))
}

func plainJSON(m *model.Model) string {
	m = model.Clone(m)
	model.Sort(m)
	byID(m.Zones, func(z *model.Zone) (model.ElementID, *model.Extra) { return z.ID, &z.Extra })
	byID(m.Components, func(c *model.Component) (model.ElementID, *model.Extra) { return c.ID, &c.Extra })
	byID(m.Flows, func(f *model.Flow) (model.ElementID, *model.Extra) { return f.ID, &f.Extra })
	byID(m.Curves, func(c *model.Curve) (model.ElementID, *model.Extra) { return c.ID, &c.Extra })
	byID(m.Texts, func(t *model.TextBlock) (model.ElementID, *model.Extra) { return t.ID, &t.Extra })
	byID(m.Threats, func(t *model.Threat) (model.ThreatID, *model.Extra) { return t.ID, &t.Extra })
	for i := range m.Diagrams {
		strip(m.Diagrams[i].Extra)
	}
	strip(m.Extra)
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func byID[T any, ID ~string](list []T, part func(*T) (ID, *model.Extra)) {
	slices.SortStableFunc(list, func(a, b T) int {
		x, _ := part(&a)
		y, _ := part(&b)
		return strings.Compare(string(x), string(y))
	})
	for i := range list {
		_, e := part(&list[i])
		strip(*e)
	}
}

func strip(e model.Extra) {
	for k := range e {
		if strings.HasPrefix(k, threatdragon.Key) {
			delete(e, k)
		}
	}
}

func TestThreatDragonRoundTrip(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "samples", "threat-dragon")
	for _, s := range samples {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			data := file(t, filepath.Join(dir, s.file))
			m := read(t, data).Model
			stored := through(t, m)
			out := tdWrite(t, stored)
			if s.format == imported.ThreatDragon2 && !bytes.Equal(bytes.TrimSpace(data), out) {
				t.Errorf("the file that nobody changed was changed:\n%s", cmp.Diff(string(data), string(out)))
			}
			again, err := interchange.Read(out, interchange.Options{Product: m.Product.ID})
			if err != nil {
				t.Fatalf("Read(Write(m)) = %v", err)
			}
			if again.Format != imported.ThreatDragon2 {
				t.Errorf("written as %s, want version 2", again.Format)
			}
			if diff := tdSame(m, again.Model); diff != "" {
				t.Errorf("Read(Write(m)) (-want +got):\n%s", diff)
			}
			if second := tdWrite(t, again.Model); !bytes.Equal(out, second) {
				t.Errorf("Write(Read(Write(m))) differs:\n%s", cmp.Diff(string(out), string(second)))
			}
		})
	}
}

// through is what storing a model does to it.
func through(t require, m *model.Model) *model.Model {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatalf("Marshal = %v", err)
	}
	var out model.Model
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("Unmarshal = %v", err)
	}
	return &out
}

// TestThreatDragonEdits makes random changes and checks that the file has them all.
func TestThreatDragonEdits(t *testing.T) {
	t.Parallel()
	starts := append([][]byte{nil, file(t, "testdata/hybrid.json"), []byte(beside(besideNew)), []byte(beside(besideOld))}, smallSamples(t)...)
	schema := tdSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		whole := true
		m := &model.Model{Product: model.Product{ID: "prd_1", Name: "Fresh"}}
		if data := rapid.SampledFrom(starts).Draw(t, "start"); data != nil {
			i, err := interchange.Read(data, interchange.Options{Product: "prd_1"})
			if err != nil {
				t.Fatalf("Read = %v", err)
			}
			m = i.Model
			whole = tdOpens(schema, tdWrite(t, m)) == nil
		}
		edit(t, m)
		model.Sort(m)
		if err := model.Validate(m); err != nil {
			t.Fatalf("the edited model: %v", err)
		}
		out := tdWrite(t, through(t, m))
		if err := tdOpens(schema, out); err != nil && whole {
			t.Fatalf("Threat Dragon does not open it: %v\n%s", err, out)
		}
		i, err := interchange.Read(out, interchange.Options{Product: "prd_1"})
		if err != nil {
			t.Fatalf("Read(Write(m)) = %v", err)
		}
		if diff := tdSame(m, i.Model); diff != "" {
			t.Fatalf("Read(Write(m)) (-want +got):\n%s\n%s", diff, out)
		}
		if second := tdWrite(t, i.Model); !bytes.Equal(out, second) {
			t.Fatalf("Write(Read(Write(m))) differs:\n%s", cmp.Diff(string(out), string(second)))
		}
	})
}

// edit changes, adds and deletes as people, rules and trackers do.
func edit(t *rapid.T, m *model.Model) {
	word := rapid.OneOf(rapid.SampledFrom([]string{"Shop", "a\nb", "<x>", "Flow", "Ünï"}), rapid.StringN(1, 8, 30))
	id := func(prefix string) string { return prefix + "_" + rapid.StringMatching(`[a-z0-9]{8}`).Draw(t, "id") }
	number := rapid.Map(rapid.Float64Range(-1000, 1000), func(f float64) float64 { return f + 0 }) // -0 is 0 to everybody
	for range rapid.IntRange(0, 8).Draw(t, "edits") {
		switch rapid.IntRange(0, 13).Draw(t, "what") {
		case 0:
			m.Product.Name, m.Product.Owner, m.Product.Tags = word.Draw(t, "name"), word.Draw(t, "owner"), []string{"x"}
		case 1:
			if n := len(m.Components); n > 0 {
				c := &m.Components[rapid.IntRange(0, n-1).Draw(t, "n")]
				c.Name, c.Type, c.Tags = word.Draw(t, "name"), "web-application", []string{"a"}
				c.Kind = rapid.SampledFrom([]model.Kind{model.Actor, model.Process, model.Store}).Draw(t, "kind")
				c.Attributes = map[string]string{"encrypted": "yes", "other": word.Draw(t, "attribute")}
			}
		case 2:
			if n := len(m.Components); n > 0 {
				c := &m.Components[rapid.IntRange(0, n-1).Draw(t, "n")]
				c.Box = rapid.SampledFrom([]*model.Box{nil, {X: number.Draw(t, "x"), Y: 2, W: 3, H: 4, Z: 5}}).Draw(t, "box")
				c.OutOfScope, c.OutOfScopeReason, c.Description = true, word.Draw(t, "reason"), word.Draw(t, "description")
			}
		case 3:
			m.Diagrams = append(m.Diagrams, model.Diagram{ID: model.DiagramID(id("dgm")), Title: word.Draw(t, "title"), Methodology: "LINDDUN"})
		case 4:
			c := model.Component{ID: model.ElementID(id("cmp")), Kind: model.Store, Name: word.Draw(t, "name")}
			if len(m.Diagrams) > 0 && rapid.Bool().Draw(t, "drawn") {
				c.Diagram, c.Box = m.Diagrams[0].ID, &model.Box{X: 1, Y: 1, W: 10, H: 10}
			}
			m.Components = append(m.Components, c)
		case 5:
			if n := len(m.Components); n > 0 {
				f := model.Flow{ID: model.ElementID(id("flw")), Name: word.Draw(t, "name"), From: m.Components[0].ID, To: m.Components[n-1].ID, Bidirectional: true, Protocol: "https"}
				f.Diagram, f.Attributes = m.Components[0].Diagram, map[string]string{"encrypted": "no", "authenticated": "yes"}
				m.Flows = append(m.Flows, f)
			}
		case 6:
			if n := len(m.Flows); n > 0 {
				f := &m.Flows[rapid.IntRange(0, n-1).Draw(t, "n")]
				f.From, f.FromPoint, f.Vertices = "", &model.Point{X: number.Draw(t, "x"), Y: 1}, []model.Point{{X: 1, Y: number.Draw(t, "y")}}
			}
		case 7:
			where := model.AtProduct
			if n := len(m.Components); n > 0 && rapid.Bool().Draw(t, "at") {
				where = m.Components[rapid.IntRange(0, n-1).Draw(t, "n")].ID
			}
			x := model.Threat{
				ID: model.ThreatID(id("thr")), Where: where, Ref: "own/x", Title: word.Draw(t, "title"), Status: model.Open, Origin: model.ByPerson,
				Categories: []string{"stride:tampering", "linddun:linking"}, Impact: model.CIA{Integrity: 50}, Ease: 40,
			}
			m.Threats = append(m.Threats, x)
			c := model.Countermeasure{ID: model.CountermeasureID(id("cms")), Where: where, Ref: "own/y", Title: word.Draw(t, "measure"), State: model.Required, Origin: model.ByPerson}
			w := model.Weakness{ID: model.WeaknessID(id("wkn")), Where: where, Ref: "own/w", Title: "W", CWE: 89, Origin: model.ByRule}
			m.Countermeasures, m.Weaknesses = append(m.Countermeasures, c), append(m.Weaknesses, w)
			m.Links = append(m.Links, model.Link{Threat: x.ID, Weakness: w.ID, Countermeasure: c.ID, Share: 70, Origin: model.ByPerson})
		case 8:
			if n := len(m.Threats); n > 0 {
				x := &m.Threats[rapid.IntRange(0, n-1).Draw(t, "n")]
				x.Status = rapid.SampledFrom([]model.ThreatStatus{model.Open, model.Mitigated, model.Accepted, model.NotApplicable}).Draw(t, "status")
				x.StatusReason, x.Title = word.Draw(t, "reason"), word.Draw(t, "title")
				x.Sets = model.Sets{"status": {By: model.SetByPerson, Actor: "usr_1"}}
			}
		case 9:
			if n := len(m.Countermeasures); n > 0 {
				c := &m.Countermeasures[rapid.IntRange(0, n-1).Draw(t, "n")]
				c.State, c.Title, c.Cost = model.Implemented, word.Draw(t, "title"), &model.Cost{Amount: 1.5, Unit: "days"}
			}
		case 10:
			if n := len(m.Threats); n > 0 {
				i := rapid.IntRange(0, n-1).Draw(t, "n")
				gone := m.Threats[i].ID
				m.Threats = append(m.Threats[:i:i], m.Threats[i+1:]...)
				var kept []model.Link
				for _, l := range m.Links {
					if l.Threat != gone {
						kept = append(kept, l)
					}
				}
				m.Links = kept
			}
		case 11:
			if n := len(m.Components); n > 0 {
				remove(m, m.Components[rapid.IntRange(0, n-1).Draw(t, "n")].ID)
			}
		case 12:
			z := model.Zone{ID: model.ElementID(id("zon")), Name: word.Draw(t, "name"), Trust: 30}
			m.Zones = append(m.Zones, z)
			if len(m.Components) > 0 {
				m.Components[0].Zone = z.ID
			}
			m.Texts = append(m.Texts, model.TextBlock{ID: model.ElementID(id("txt")), Text: word.Draw(t, "text")})
			m.Curves = append(m.Curves, model.Curve{ID: model.ElementID(id("crv")), Name: word.Draw(t, "curve"), Points: []model.Point{{X: 1, Y: 2}, {X: 3, Y: 4}, {X: 5, Y: 6}}})
		case 13:
			m.Answers = []model.Answer{{Question: "q", Values: []string{word.Draw(t, "answer")}}}
			m.Assets = []model.Asset{{ID: "ast_1", Name: word.Draw(t, "asset"), Value: model.CIA{Confidentiality: 70}}}
			if len(m.Components) > 0 {
				m.Components[0].Stores = []model.AssetID{"ast_1"}
			}
			m.Extra = extraWith(m.Extra)
		}
	}
}

func extraWith(e model.Extra) model.Extra {
	out := model.Extra{"other": json.RawMessage(`{"a":1.50}`)}
	for k, v := range e {
		out[k] = v
	}
	return out
}

// remove deletes a component; its flows become loose and its threats retire.
func remove(m *model.Model, id model.ElementID) {
	var kept []model.Component
	for _, c := range m.Components {
		if c.ID != id {
			kept = append(kept, c)
		}
	}
	m.Components = kept
	for i := range m.Flows {
		f := &m.Flows[i]
		if f.From == id {
			f.From = ""
		}
		if f.To == id {
			f.To = ""
		}
	}
	for i := range m.Threats {
		if m.Threats[i].Where == id {
			m.Threats[i].Retired = &model.Retired{Reason: "deleted"}
		}
	}
	for i := range m.Weaknesses {
		if m.Weaknesses[i].Where == id {
			m.Weaknesses[i].Retired = &model.Retired{Reason: "deleted"}
		}
	}
	for i := range m.Countermeasures {
		if m.Countermeasures[i].Where == id {
			m.Countermeasures[i].Retired = &model.Retired{Reason: "deleted"}
		}
	}
}

// FuzzThreatDragonWrite writes what was read of any file and reads it again.
func FuzzThreatDragonWrite(f *testing.F) {
	data, err := os.ReadFile("testdata/hybrid.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for _, sample := range smallSamples(f) {
		if len(sample) < 12<<10 { // each is written, read and compared: a large one costs a second
			f.Add(sample)
		}
	}
	f.Add([]byte(beside(besideNew)))
	f.Add([]byte(beside(besideOld)))
	f.Add([]byte(`{"summary":{"title":"x"},"detail":{"diagrams":[{"id":0,"cells":[{"id":"a","shape":"process","zIndex":0,"data":{"name":"P","threatloop":{"id":"b","set":{"tags":["x"]}}}}]}]},"threatloop":{"product":"p","links":[{"id":"a//b","set":{}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := interchange.Read(data, interchange.Options{Product: "prd_1"})
		if err != nil {
			return
		}
		out := tdWrite(t, i.Model)
		again, err := interchange.Read(out, interchange.Options{Product: "prd_1"})
		if err != nil {
			t.Fatalf("Read(Write(m)) = %v\n%s", err, out)
		}
		if diff := tdSame(i.Model, again.Model); diff != "" {
			t.Fatalf("Read(Write(m)) (-want +got):\n%s\n%s", diff, out)
		}
	})
}

// TestEditedInThreatDragon changes a file of ours as Threat Dragon would: what is
// changed there holds, what it cannot say comes back, and a copy is a copy.
func TestEditedInThreatDragon(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Product:    model.Product{ID: "prd_1", Name: "Shop", Tags: []string{"x"}},
		Diagrams:   []model.Diagram{{ID: "0", Title: "Main", Methodology: "STRIDE"}},
		Components: []model.Component{{ID: "web", Diagram: "0", Kind: model.Process, Name: "Web", Type: "web-application", Box: &model.Box{X: 1, Y: 2, W: 3, H: 4}}},
		Threats: []model.Threat{
			{ID: "thr_1", Where: "web", Ref: "own/a", Title: "Forged", Impact: model.CIA{Integrity: 80}, Ease: 60, Status: model.Open, Origin: model.ByPerson},
			{ID: "thr_2", Where: "web", Ref: "own/b", Title: "Gone", Status: model.Open, Origin: model.ByPerson},
		},
		Countermeasures: []model.Countermeasure{{ID: "cms_1", Where: "web", Ref: "own/c", Title: "Sign", State: model.Required, Origin: model.ByPerson}},
		Links:           []model.Link{{Threat: "thr_1", Countermeasure: "cms_1", Share: 40, Origin: model.ByPerson}},
	}
	var doc map[string]any
	if err := json.Unmarshal(tdWrite(t, m), &doc); err != nil {
		t.Fatal(err)
	}
	diagram := doc["detail"].(map[string]any)["diagrams"].([]any)[0].(map[string]any)
	cell := diagram["cells"].([]any)[0].(map[string]any)
	data := cell["data"].(map[string]any)
	threats := data["threats"].([]any)
	threats[0].(map[string]any)["title"] = "Forged orders"
	threats[0].(map[string]any)["status"] = "Mitigated"
	data["threats"] = threats[:1]
	data["name"] = "Web front"
	copied, err := json.Marshal(cell)
	if err != nil {
		t.Fatal(err)
	}
	var second map[string]any
	if err := json.Unmarshal(copied, &second); err != nil {
		t.Fatal(err)
	}
	second["id"] = "copy"
	diagram["cells"] = []any{cell, second}
	edited, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	i, err := interchange.Read(edited, interchange.Options{Product: "prd_1"})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	got := i.Model
	if len(got.Components) != 2 || got.Components[0].ID != "web" || got.Components[0].Name != "Web front" || got.Components[0].Type != "web-application" || got.Components[1].ID != "copy" {
		t.Errorf("components = %+v", got.Components)
	}
	if len(got.Threats) != 2 {
		t.Fatalf("threats = %+v, want the edited one and its copy", got.Threats)
	}
	for _, x := range got.Threats {
		if x.Title != "Forged orders" || x.Status != model.Mitigated || x.Impact.Integrity != 80 || (x.ID == "thr_1") != (x.Where == "web") {
			t.Errorf("threat = %+v", x)
		}
	}
	if c := got.Countermeasures; len(c) == 0 || c[0].ID != "cms_1" || c[0].State != model.Required || got.Product.Tags[0] != "x" {
		t.Errorf("countermeasures = %+v, product %+v", c, got.Product)
	}
}

// TestNoDash: a line without a name gets no label, which Threat Dragon would draw as a dash.
func TestNoDash(t *testing.T) {
	t.Parallel()
	flow := func(id, text string) string {
		return `{"type": "tm.Flow", "id": "` + id + `", "z": 1, "source": {"id": "p"}, "target": {"id": "q"}, "vertices": [], "labels": [{"position": 0.5, "attrs": {"text": {"text": "` + text + `", "font-size": "small"}}}]}`
	}
	process := func(id string) string {
		return `{"type": "tm.Process", "id": "` + id + `", "z": 0, "size": {"width": 100, "height": 100}, "position": {"x": 1, "y": 2}, "attrs": {"text": {"text": "` + id + `"}}}`
	}
	data := `{"summary": {"title": "x"}, "detail": {"diagrams": [{"id": 0, "title": "d", "diagramJson": {"cells": [` +
		process("p") + `,` + process("q") + `,` + flow("a", "") + `,` + flow("b", "Order") + `]}}]}}`
	i, err := interchange.Read([]byte(data), interchange.Options{Product: "prd_1"})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	var out struct {
		Detail struct {
			Diagrams []struct {
				Cells []struct {
					ID     string `json:"id"`
					Labels []any  `json:"labels"`
				} `json:"cells"`
			} `json:"diagrams"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(tdWrite(t, i.Model), &out); err != nil {
		t.Fatal(err)
	}
	labels := map[string]int{}
	for _, c := range out.Detail.Diagrams[0].Cells {
		labels[c.ID] = len(c.Labels)
	}
	if diff := cmp.Diff(map[string]int{"p": 0, "q": 0, "a": 0, "b": 1}, labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}
