package risk

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// lone is a component of the trust with one threat t, weakness of the impact
// and, if given, assets.
func lone(cia [3]int, ease, weakness, trust int, assets ...model.CIA) *model.Model {
	m := &model.Model{
		Product:    model.Product{ID: "p", Method: string(IriusRisk)},
		Zones:      []model.Zone{{ID: "z", Trust: trust}},
		Components: []model.Component{{ID: "c", Kind: model.Process, Zone: "z"}},
		Weaknesses: []model.Weakness{{ID: "w", Where: "c", Impact: weakness}},
		Threats: []model.Threat{{
			ID: "t", Where: "c", Status: model.Open, Ease: ease,
			Impact: model.CIA{Confidentiality: cia[0], Integrity: cia[1], Availability: cia[2]},
		}},
		Links: []model.Link{{Threat: "t", Weakness: "w"}},
	}
	for i, a := range assets {
		id := model.AssetID(fmt.Sprint("a", i))
		m.Assets = append(m.Assets, model.Asset{ID: id, Value: a})
		m.Components[0].Stores = append(m.Components[0].Stores, id)
	}
	return m
}

func TestIriusRiskWorkedTable(t *testing.T) {
	t.Parallel()
	cases := []struct {
		cia                                              [3]int
		ease, weakness, trust, impact, likelihood, rates int
	}{
		{[3]int{75, 100, 75}, 100, 100, 100, 62, 50, 56},
		{[3]int{50, 75, 100}, 75, 100, 100, 62, 38, 49},
		{[3]int{100, 100, 75}, 50, 75, 1, 48, 74, 60},
		{[3]int{75, 75, 50}, 50, 75, 1, 44, 74, 57},
		{[3]int{75, 100, 75}, 100, 100, 1, 62, 99, 78},
		{[3]int{100, 100, 100}, 100, 100, 60, 62, 70, 66},
		{[3]int{1, 1, 100}, 1, 100, 1, 62, 50, 56},
	}
	for _, c := range cases {
		got := Rate(lone(c.cia, c.ease, c.weakness, c.trust), model.Verdicts{}, Settings{}).Threats[0]
		if got.Impact != float64(c.impact) || got.Likelihood != float64(c.likelihood) || got.Inherent != c.rates {
			t.Errorf("Rate(%+v) = impact %g, probability %g, inherent %d", c, got.Impact, got.Likelihood, got.Inherent)
		}
	}
}

func TestIriusRiskLookupTable(t *testing.T) {
	t.Parallel()
	want := map[[2]int][4]int{
		{100, 100}: {78, 66, 61, 56}, {75, 100}: {73, 59, 54, 49}, {50, 100}: {68, 53, 47, 39},
		{50, 75}: {60, 46, 41, 35}, {25, 75}: {55, 39, 32, 25}, {1, 100}: {56, 35, 25, 8},
	}
	for in, row := range want {
		for i, trust := range []int{1, 60, 80, 100} {
			m := lone([3]int{1, 100, 1}, in[0], in[1], trust)
			if got := Rate(m, model.Verdicts{}, Settings{}).Threats[0].Inherent; got != row[i] {
				t.Errorf("Rate(ease %d, weakness %d, trust %d) = %d, want %d", in[0], in[1], trust, got, row[i])
			}
		}
	}
}

// Current ratings seen in that tool's exports.
func TestIriusRiskReductionsRoundUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ inherent, share, want float64 }{{45, 34, 29}, {56, 33, 37}, {47, 50, 23}} {
		m := lone([3]int{50, 50, 50}, 50, 100, 1)
		m.Threats[0].Inherent = &c.inherent
		m.Countermeasures = []model.Countermeasure{{ID: "m", State: model.Implemented}}
		m.Links[0].Countermeasure, m.Links[0].Share = "m", c.share
		if got := Rate(m, model.Verdicts{}, Settings{}).Threats[0].Exact.Current; got != c.want {
			t.Errorf("Rate(inherent %g, %g percent) current = %g, want %g", c.inherent, c.share, got, c.want)
		}
	}
}

// The vendor's own example, in which projected is worse than current.
func TestIriusRiskVendorsExample(t *testing.T) {
	t.Parallel()
	m := lone([3]int{100, 100, 100}, 25, 100, 1, model.CIA{Confidentiality: 100, Integrity: 100, Availability: 30}, model.CIA{Confidentiality: 80, Integrity: 80, Availability: 20})
	for i, c := range []struct {
		state model.State
		share float64
	}{{model.Required, 33}, {model.Implemented, 33}, {model.Recommended, 34}} {
		id := model.CountermeasureID(fmt.Sprint("m", i))
		m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: id, State: c.state})
		m.Links = append(m.Links, model.Link{Threat: "t", Weakness: "w", Countermeasure: id, Share: c.share})
	}
	s := Settings{Weights: Weights{BusinessImpact: 8, Asset: 1}}
	got := Rate(m, passing("m2"), s).Threats[0]
	if want := (Figures{Inherent: 78, Verified: 51, Current: 25, Projected: 26}); got.Figures != want || got.Impact != 97 || got.Likelihood != 62 {
		t.Errorf("Rate(vendor's example) = %+v, impact %g, probability %g, want %+v, 97, 62", got.Figures, got.Impact, got.Likelihood, want)
	}
	v := passing("m2")
	v.Countermeasures["m1"] = model.Evidence{Verdict: model.Fail}
	if got := Rate(m, v, s).Threats[0].Current; got != 51 {
		t.Errorf("current with a failed test of m1 = %d, want 51", got)
	}
	v.Weaknesses = map[model.WeaknessID]model.Evidence{"w": {Verdict: model.Fail}}
	if got := Rate(m, v, s).Threats[0].Current; got != 51 {
		t.Errorf("current with a failed weakness and no factor = %d, want 51", got)
	}
	s.Weights.VulnerabilityFound = 0.5
	if got := Rate(m, v, s).Threats[0].Current; got != 90 {
		t.Errorf("current with a failed weakness and factor 0.5 = %d, want 51 + 39", got)
	}
}

// template is the part of an IriusRisk template that its figures depend on.
type template struct {
	Zones []struct {
		Ref   string `xml:"ref,attr"`
		Trust int    `xml:"trustRating,attr"`
	} `xml:"trustZones>trustZone"`
	Assets []struct {
		Name  string `xml:"name,attr"`
		Class struct {
			C int `xml:"confidentiality,attr"`
			I int `xml:"integrity,attr"`
			A int `xml:"availability,attr"`
		} `xml:"classification"`
	} `xml:"assets>asset"`
	Flows []struct {
		Ref    string `xml:"ref,attr"`
		Source string `xml:"source,attr"`
		Target string `xml:"target,attr"`
		Assets []struct {
			Name string `xml:"name,attr"`
		} `xml:"assets>asset"`
	} `xml:"dataflows>dataflow"`
	Components []struct {
		Ref   string `xml:"ref,attr"`
		Zones []struct {
			Ref string `xml:"ref,attr"`
		} `xml:"trustZones>trustZone"`
		Weaknesses []struct {
			Ref    string `xml:"ref,attr"`
			Impact int    `xml:"impact,attr"`
		} `xml:"weaknesses>weakness"`
		Countermeasures []struct {
			Ref   string `xml:"ref,attr"`
			State string `xml:"state,attr"`
		} `xml:"countermeasures>countermeasure"`
		Threats []struct {
			Ref    string `xml:"ref,attr"`
			State  string `xml:"state,attr"`
			Rating struct {
				C    int `xml:"confidentiality,attr"`
				I    int `xml:"integrity,attr"`
				A    int `xml:"availability,attr"`
				Ease int `xml:"easeOfExploitation,attr"`
			} `xml:"riskRating"`
			Weaknesses []struct {
				Ref             string `xml:"ref,attr"`
				Countermeasures []struct {
					Ref        string  `xml:"ref,attr"`
					Mitigation float64 `xml:"mitigation,attr"`
				} `xml:"countermeasures>countermeasure"`
			} `xml:"weaknesses>weakness"`
		} `xml:"usecases>usecase>threats>threat"`
	} `xml:"components>component"`
}

func readTemplate(t *testing.T, path string) *model.Model {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var in template
	if err := xml.Unmarshal(data, &in); err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	states := map[string]model.State{
		"Recommended": model.Recommended, "Required": model.Required, "Implemented": model.Implemented,
		"Rejected": model.Rejected, "N/A": model.StateNotApplicable,
	}
	m := &model.Model{Product: model.Product{ID: "p", Method: string(IriusRisk)}}
	for _, z := range in.Zones {
		m.Zones = append(m.Zones, model.Zone{ID: model.ElementID(z.Ref), Trust: z.Trust})
	}
	for _, a := range in.Assets {
		m.Assets = append(m.Assets, model.Asset{ID: model.AssetID(a.Name), Value: model.CIA{Confidentiality: a.Class.C, Integrity: a.Class.I, Availability: a.Class.A}})
	}
	for _, f := range in.Flows {
		flow := model.Flow{ID: model.ElementID(f.Ref), From: model.ElementID(f.Source), To: model.ElementID(f.Target)}
		for _, a := range f.Assets {
			flow.Carries = append(flow.Carries, model.AssetID(a.Name))
		}
		m.Flows = append(m.Flows, flow)
	}
	for _, c := range in.Components {
		where := model.ElementID(c.Ref)
		m.Components = append(m.Components, model.Component{ID: where, Kind: model.Process, Zone: model.ElementID(c.Zones[0].Ref)})
		for _, w := range c.Weaknesses {
			m.Weaknesses = append(m.Weaknesses, model.Weakness{ID: model.NewWeaknessID("p", where, w.Ref), Where: where, Impact: w.Impact})
		}
		for _, x := range c.Countermeasures {
			state, ok := states[x.State]
			if !ok {
				t.Fatalf("countermeasure %s has the state %q", x.Ref, x.State)
			}
			m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: model.NewCountermeasureID("p", where, x.Ref), Where: where, State: state})
		}
		for _, th := range c.Threats {
			id := model.NewThreatID("p", where, th.Ref)
			status := model.Open
			if th.State == "Not Applicable" {
				status = model.NotApplicable
			}
			m.Threats = append(m.Threats, model.Threat{
				ID: id, Where: where, Ref: th.Ref, Status: status, Ease: th.Rating.Ease,
				Impact: model.CIA{Confidentiality: th.Rating.C, Integrity: th.Rating.I, Availability: th.Rating.A},
			})
			for _, w := range th.Weaknesses {
				wid := model.NewWeaknessID("p", where, w.Ref)
				if len(w.Countermeasures) == 0 {
					m.Links = append(m.Links, model.Link{Threat: id, Weakness: wid})
				}
				for _, x := range w.Countermeasures {
					m.Links = append(m.Links, model.Link{Threat: id, Weakness: wid, Countermeasure: model.NewCountermeasureID("p", where, x.Ref), Share: x.Mitigation})
				}
			}
		}
	}
	return m
}

// Every row of the oracle: its threat's figures, and as the file's own figure
// the highest current rating among the threats that the countermeasure serves.
func TestIriusRiskOracle(t *testing.T) {
	t.Parallel()
	m := readTemplate(t, sharedtest.Dir(t, "samples", "iriusrisk-library", "template-SaaS_Application_AWS.xml"))
	file, err := os.Open(sharedtest.Dir(t, "samples", "iriusrisk-library", "template-SaaS_Application_AWS.risk-oracle.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	ratings := Rate(m, model.Verdicts{}, Settings{})
	served := map[model.CountermeasureID]int{}
	for _, l := range m.Links {
		r, ok := ratings.Threat(l.Threat)
		if !ok {
			t.Fatalf("threat %s is not rated", l.Threat)
		}
		served[l.Countermeasure] = max(served[l.Countermeasure], r.Current)
	}
	agree := 0
	for _, row := range rows[1:] {
		cell := func(name string) string {
			for i, h := range rows[0] {
				if h == name {
					return row[i]
				}
			}
			t.Fatalf("the oracle has no column %q", name)
			return ""
		}
		where := model.ElementID(cell("component_ref"))
		r, ok := ratings.Threat(model.NewThreatID("p", where, cell("threat")))
		if !ok {
			t.Errorf("threat %s at %s is not rated", cell("threat"), where)
			continue
		}
		got := fmt.Sprint(served[model.NewCountermeasureID("p", where, cell("countermeasure"))], r.Impact, r.Likelihood, r.Inherent, r.Current)
		want := strings.Join([]string{cell("file_risk"), cell("impact"), cell("probability"), cell("inherent"), cell("current")}, " ")
		if got != want {
			t.Errorf("countermeasure %s, threat %s: risk, impact, probability, inherent, current = %s, want %s", cell("countermeasure"), cell("threat"), got, want)
			continue
		}
		agree++
	}
	if agree != 151 {
		t.Errorf("%s of 151 rows agree", strconv.Itoa(agree))
	}
}
