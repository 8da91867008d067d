package otm_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/otm"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

var (
	percent = rapid.IntRange(0, 100)
	word    = rapid.SampledFrom([]string{"", "Web shop", "a \"quoted\" text", "ünï <b>", "0.10", "true", "null", "{}", "threatloop.x"})
	name    = rapid.SampledFrom([]string{"Web shop", "Orders", "a \"quoted\" text", "ünï <b>", "0.10", "true"})
	place   = rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-4000, 4000).Draw(t, "x")) / 8 })
	tags    = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"pci", "a b", "x", "0"}), 0, 3, rapid.ID)
	origins = rapid.SampledFrom([]model.Origin{model.ByImport, model.ByRule, model.ByPerson})
)

func cia(t *rapid.T) model.CIA {
	return model.CIA{Confidentiality: percent.Draw(t, "c"), Integrity: percent.Draw(t, "i"), Availability: percent.Draw(t, "a")}
}

func boxed(t *rapid.T) *model.Box {
	if rapid.Bool().Draw(t, "no box") {
		return nil
	}
	return &model.Box{X: place.Draw(t, "x"), Y: place.Draw(t, "y"), W: float64(rapid.IntRange(1, 500).Draw(t, "w")), H: float64(rapid.IntRange(1, 500).Draw(t, "h")), Z: rapid.IntRange(-3, 3).Draw(t, "z")}
}

// models draws models that use what the model can hold.
func models(t *rapid.T) *model.Model {
	m := &model.Model{Product: model.Product{ID: "prd_1", Name: name.Draw(t, "product"), Description: word.Draw(t, "d"), Owner: word.Draw(t, "o"), Team: word.Draw(t, "team"), Tags: tags.Draw(t, "tags")}}
	if rapid.Bool().Draw(t, "value") {
		v := cia(t)
		m.Product.Value, m.Product.Custom = &v, map[string]string{"cost centre": word.Draw(t, "custom")}
		m.Answers = []model.Answer{{Question: "q1", Values: []string{"yes", word.Draw(t, "answer")}}}
		m.Extra = model.Extra{"threatdragon": json.RawMessage(`{"version":"2.0","n":[1,2.5]}`)}
	}
	diagrams := []model.DiagramID{""}
	for i := range rapid.IntRange(0, 2).Draw(t, "diagrams") {
		m.Diagrams = append(m.Diagrams, model.Diagram{ID: model.DiagramID(fmt.Sprint("d", i)), Title: name.Draw(t, "title"), Methodology: word.Draw(t, "m")})
		diagrams = append(diagrams, m.Diagrams[i].ID)
	}
	diagram := rapid.SampledFrom(diagrams)
	var assets []model.AssetID
	for i := range rapid.IntRange(0, 3).Draw(t, "assets") {
		assets = append(assets, model.AssetID(fmt.Sprint("a", i)))
		m.Assets = append(m.Assets, model.Asset{ID: assets[i], Name: name.Draw(t, "asset"), Value: cia(t)})
	}
	some := func() []model.AssetID {
		if len(assets) == 0 {
			return nil
		}
		return rapid.SliceOfNDistinct(rapid.SampledFrom(assets), 0, len(assets), rapid.ID).Draw(t, "some assets")
	}
	places := []model.ElementID{model.AtProduct}
	zones := []model.ElementID{""}
	for i := range rapid.IntRange(0, 3).Draw(t, "zones") {
		z := model.Zone{ID: model.ElementID(fmt.Sprint("z", i)), Name: name.Draw(t, "zone"), Trust: percent.Draw(t, "trust"), Guess: rapid.Bool().Draw(t, "guess"), Parent: rapid.SampledFrom(zones).Draw(t, "parent")}
		if z.Diagram = diagram.Draw(t, "diagram"); z.Diagram != "" {
			z.Box = boxed(t)
		}
		m.Zones, zones, places = append(m.Zones, z), append(zones, z.ID), append(places, z.ID)
	}
	ends := []model.ElementID{""}
	for i := range rapid.IntRange(0, 4).Draw(t, "components") {
		c := model.Component{
			ID: model.ElementID(fmt.Sprint("c", i)), Kind: rapid.SampledFrom([]model.Kind{model.Actor, model.Process, model.Store}).Draw(t, "kind"),
			Type: rapid.SampledFrom([]string{"", "web-application"}).Draw(t, "type"), Name: name.Draw(t, "component"), Description: word.Draw(t, "d"),
			Zone: rapid.SampledFrom(zones).Draw(t, "zone"), Tags: tags.Draw(t, "tags"), Stores: some(), Processes: some(), OutOfScope: rapid.Bool().Draw(t, "out"),
		}
		if c.Diagram = diagram.Draw(t, "diagram"); c.Diagram != "" {
			c.Box = boxed(t)
		}
		if rapid.Bool().Draw(t, "more") {
			trust := percent.Draw(t, "trust")
			c.Trust, c.Attributes, c.Locations = &trust, map[string]string{"encrypted": "yes"}, []string{"https://x/*"}
			c.Extra = model.Extra{"threatdragon": json.RawMessage(`{"id":"x"}`)}
		}
		if i > 0 && m.Components[i-1].Zone == c.Zone && rapid.Bool().Draw(t, "nested") {
			if c.Extra == nil {
				c.Extra = model.Extra{}
			}
			c.Extra[otm.Key] = json.RawMessage(fmt.Sprintf(`{"parent":{"component":%q}}`, m.Components[i-1].ID))
		}
		m.Components, ends, places = append(m.Components, c), append(ends, c.ID), append(places, c.ID)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "flows") {
		f := model.Flow{
			ID: model.ElementID(fmt.Sprint("f", i)), Name: name.Draw(t, "flow"), From: rapid.SampledFrom(ends).Draw(t, "from"), To: rapid.SampledFrom(ends).Draw(t, "to"),
			Diagram: diagram.Draw(t, "diagram"), Bidirectional: rapid.Bool().Draw(t, "both"), Protocol: word.Draw(t, "protocol"), Carries: some(), Tags: tags.Draw(t, "tags"),
		}
		if f.From == "" {
			f.FromPoint = &model.Point{X: 1, Y: 2.5}
		}
		m.Flows, places = append(m.Flows, f), append(places, f.ID)
	}
	if rapid.Bool().Draw(t, "curve") {
		m.Curves = []model.Curve{{ID: "k", Name: word.Draw(t, "curve"), Points: []model.Point{{X: 1, Y: 2}, {X: 3, Y: 4}}}}
		m.Texts = []model.TextBlock{{ID: "x", Text: word.Draw(t, "text")}}
		places = append(places, "k", "x")
	}
	risks(t, m, rapid.SampledFrom(places))
	return m
}

func risks(t *rapid.T, m *model.Model, at *rapid.Generator[model.ElementID]) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range rapid.IntRange(0, 4).Draw(t, "threats") {
		th := model.Threat{
			ID: model.ThreatID(fmt.Sprint("t", i)), Where: at.Draw(t, "where"), Ref: rapid.SampledFrom([]string{"sql/read", "otm/t", fmt.Sprint("otm/", i)}).Draw(t, "ref"),
			Title: name.Draw(t, "threat"), Categories: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"stride:tampering", "linddun:linking", "plot4ai:safety", "odd"}), 0, 3, rapid.ID).Draw(t, "categories"),
			Status: rapid.SampledFrom([]model.ThreatStatus{model.Open, model.Mitigated, model.NotApplicable, model.Accepted, model.Transferred, model.Avoided, model.Eliminated}).Draw(t, "status"),
			Origin: origins.Draw(t, "origin"), Number: rapid.IntRange(0, 9).Draw(t, "number"),
		}
		if rapid.Bool().Draw(t, "rated") {
			th.Impact, th.Ease, th.CAPEC = cia(t), percent.Draw(t, "ease"), []int{66}
		} else {
			th.Severity = rapid.SampledFrom([]string{"", "tbd", "low", "critical"}).Draw(t, "severity")
		}
		if rapid.Bool().Draw(t, "inherent") {
			f := float64(percent.Draw(t, "inherent")) / 3
			th.Inherent, th.Sets = &f, model.Sets{"inherent": {By: model.SetByPerson, At: when}}
		}
		if rapid.Bool().Draw(t, "retired") {
			th.Retired = &model.Retired{At: when, Reason: "gone"}
		}
		m.Threats = append(m.Threats, th)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "weaknesses") {
		w := model.Weakness{ID: model.WeaknessID(fmt.Sprint("w", i)), Where: at.Draw(t, "where"), Ref: "r", Title: name.Draw(t, "weakness"), CWE: rapid.SampledFrom([]int{0, 79, 89}).Draw(t, "cwe"), Origin: origins.Draw(t, "origin")}
		m.Weaknesses = append(m.Weaknesses, w)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "countermeasures") {
		m.Countermeasures = append(m.Countermeasures, model.Countermeasure{
			ID: model.CountermeasureID(fmt.Sprint("m", i)), Where: at.Draw(t, "where"), Ref: rapid.SampledFrom([]string{"r", "otm/m"}).Draw(t, "ref"), Title: name.Draw(t, "cure"),
			State:  rapid.SampledFrom([]model.State{model.Recommended, model.Required, model.Implemented, model.Rejected, model.StateNotApplicable}).Draw(t, "state"),
			Origin: origins.Draw(t, "origin"), Cost: &model.Cost{Amount: 2.5, Unit: "days"}, StateReason: word.Draw(t, "reason"),
		})
	}
	seen := map[string]bool{}
	for range rapid.IntRange(0, 6).Draw(t, "links") {
		if len(m.Threats) == 0 {
			break
		}
		l := model.Link{Threat: rapid.SampledFrom(m.Threats).Draw(t, "t").ID, Origin: origins.Draw(t, "origin")}
		if len(m.Weaknesses) > 0 && rapid.Bool().Draw(t, "weak") {
			l.Weakness = rapid.SampledFrom(m.Weaknesses).Draw(t, "w").ID
		}
		if len(m.Countermeasures) > 0 && rapid.Bool().Draw(t, "counter") {
			l.Countermeasure, l.Share = rapid.SampledFrom(m.Countermeasures).Draw(t, "m").ID, float64(percent.Draw(t, "share"))/2
		}
		key := fmt.Sprint(l.Threat, l.Weakness, l.Countermeasure)
		if l.Weakness == "" && l.Countermeasure == "" || seen[key] {
			continue
		}
		seen[key] = true
		m.Links = append(m.Links, l)
	}
	model.Sort(m)
}

func TestRoundTripOfAnyModel(t *testing.T) {
	t.Parallel()
	s := schema(t)
	rapid.Check(t, func(t *rapid.T) {
		m := models(t)
		if err := model.Validate(m); err != nil {
			t.Fatalf("the drawn model is not valid: %v", err)
		}
		first, _, err := otm.Write(m)
		if err != nil {
			t.Fatalf("Write = %v", err)
		}
		sameAfter(t, m, first)
		if err := fits(s, first); err != nil {
			t.Fatalf("the file does not fit the schema: %v", err)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, p := range []string{"testdata/problems.yaml", "testdata/nested.json"} {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	dir := os.Getenv("THREATLOOP_SHARED")
	if dir == "" {
		dir = filepath.Join(sharedtest.Root(f), "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(dir, "samples", "otm", "*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range files {
		if data, err := os.ReadFile(p); err == nil && len(data) < 12<<10 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := readFile(data, imported.Options{})
		if err != nil {
			if fault.As(err) == nil {
				t.Fatalf("Read = %v, want a fault", err)
			}
			return
		}
		if err := model.Validate(i.Model); err != nil {
			t.Fatalf("the model that Read returned is not valid: %v", err)
		}
		first, _, err := otm.Write(i.Model)
		if err != nil {
			t.Fatalf("Write = %v", err)
		}
		if _, err := readFile(first, imported.Options{}); err != nil {
			t.Fatalf("Read(Write(m)) = %v\n%s", err, first)
		}
	})
}
