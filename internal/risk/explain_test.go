package risk

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

func explained(t *testing.T, m *model.Model, v model.Verdicts, s Settings) Explanation {
	t.Helper()
	e, err := Explain(m, v, s, "t")
	if err != nil {
		t.Fatalf("Explain(t): %v", err)
	}
	return e
}

func TestExplainNamesEveryStep(t *testing.T) {
	t.Parallel()
	m := guarded(model.Implemented, 50)
	m.Components[1].Name = "Web shop"
	m.Flows[0].Name = "HTTPS"
	m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: "no", Title: "Filter", State: model.Rejected},
		model.Countermeasure{ID: "old", Title: "Review", State: model.Required})
	m.Links = append(m.Links, model.Link{Threat: "t", Weakness: "w", Countermeasure: "no", Share: 30}, model.Link{Threat: "t", Countermeasure: "old", Share: 10})
	v := model.Verdicts{
		Weaknesses:      map[model.WeaknessID]model.Evidence{"w": {Verdict: model.Fail, Text: "zap rule 40018"}},
		Countermeasures: map[model.CountermeasureID]model.Evidence{"old": {Verdict: model.Pass, Stale: true}},
	}
	got := explained(t, m, v, Settings{})
	want := []string{
		`the threat hurts confidentiality 90 with a value of 100 (asset "Card data"), integrity 0 with a value of 80 (asset "Card data"), availability 0 with a value of 20 (asset "Card data")`,
		`impact = confidentiality 90 * value 100 / 100 = 90`,
		`exposure = max(5, 100 - trust 0) * 0.8 ^ 1 = 80, by way of Browser > HTTPS > Web shop`,
		`inherent = sqrt(impact 90 * exposure 80 * ease 75 / 100) = 73.48`,
		`countermeasure "Review", share 10 percent, counts in projected: it is required; its passing test is too old to verify`,
		`countermeasure "Bind parameters" against weakness "Unchecked query", share 50 percent, counts in projected: it is implemented; a test fails on weakness w`,
		`countermeasure "Filter" against weakness "Unchecked query", share 30 percent, counts nowhere: rejected`,
		`verified = 73.48 * (1 - 0 / 100) = 73.48`,
		`current = 73.48 * (1 - 0 / 100) = 73.48`,
		`projected = 73.48 * (1 - 60 / 100) = 29.39`,
		`shown: inherent 73, verified 73, current 73 (high), projected 29`,
		`note: a test fails on what was claimed: its reduction is withdrawn`,
		`note: a test fails on what was called not applicable or rejected: decide again`,
	}
	if diff := cmp.Diff(want, got.Lines); diff != "" {
		t.Errorf("Explain(t).Lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]model.ElementID{"c0", "f1", "c1"}, got.Exposure.Path); diff != "" {
		t.Errorf("Explain(t).Exposure.Path (-want +got):\n%s", diff)
	}
	if got.Links[1].Evidence != "zap rule 40018" || got.Links[1].ContradictedBy != "weakness w" {
		t.Errorf("Explain(t).Links[1] = %+v, want the evidence that contradicts it", got.Links[1])
	}
	if _, err := json.Marshal(got); err != nil {
		t.Errorf("marshal the explanation: %v", err)
	}
}

func TestExplainOfWhatIsNotComputed(t *testing.T) {
	t.Parallel()
	ends := time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)
	given := 61.5
	cases := []struct {
		name   string
		change func(*model.Threat)
		want   string
	}{
		{"severity", func(t *model.Threat) { t.Ease, t.Severity = 0, "High" }, `inherent = 65, for the severity "High"`},
		{"by hand", func(t *model.Threat) { t.Inherent = &given }, "inherent = 61.5, given by hand"},
		{"unrated", func(t *model.Threat) { t.Ease, t.Impact = 0, model.CIA{} }, "inherent = 0: the threat is not rated"},
		{"not applicable", func(t *model.Threat) { t.Status = model.NotApplicable }, "current = 0: the threat is not_applicable"},
		{"retired", func(t *model.Threat) { t.Retired = &model.Retired{} }, "current = 0: the threat is retired"},
		{"accepted", func(t *model.Threat) { t.Status, t.Acceptance = model.Accepted, &model.Acceptance{Ends: ends} }, "shown apart: accepted until 2027-01-02"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := guarded(model.Required, 50)
			c.change(&m.Threats[0])
			got := strings.Join(explained(t, m, model.Verdicts{}, Settings{}).Lines, "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("Explain(%s) does not say %q:\n%s", c.name, c.want, got)
			}
		})
	}
}

func TestExplainNamesGuessesOnTheWay(t *testing.T) {
	t.Parallel()
	m := site(2)
	m.Zones[0].Guess = true
	m.Threats = []model.Threat{threatAt("c2", 90, 75)}
	got := explained(t, m, model.Verdicts{}, Settings{})
	const want = "exposure = max(5, 100 - trust 0) * 0.8 ^ 2 = 64, by way of Browser > f1 > c1 > f2 > c2; the trust of Browser is a guess"
	if got.Lines[2] != want {
		t.Errorf("Explain(t).Lines[2] = %q, want %q", got.Lines[2], want)
	}
}

func TestExplainIriusRisk(t *testing.T) {
	t.Parallel()
	m := guarded(model.Implemented, 33)
	m.Weaknesses[0].Impact = 75
	got := explained(t, m, model.Verdicts{}, Settings{Method: IriusRisk})
	want := []string{
		`the threat hurts confidentiality 90 with a value of 100 (asset "Card data"), integrity 0 with a value of 80 (asset "Card data"), availability 0 with a value of 20 (asset "Card data")`,
		`impact = floor((1 * business 83 * weakness 75 / 100 + 1 * assets 66) / 2) = 64`,
		`probability = floor((1 * exposure 70 + 1 * ease 75) / 2) = 72`,
		`inherent = round(sqrt(impact 64 * probability 72)) = 68`,
		`countermeasure "Bind parameters" against weakness "Unchecked query", share 33 percent, counts in current, projected: it is implemented; no passing test verifies it`,
		`verified = 68 - 0 + 0 = 68`,
		`current = 68 - 23 + 0 = 45`,
		`projected = 68 - 23 + 0 = 45`,
		`shown: inherent 68, verified 68, current 45 (medium), projected 45`,
	}
	if diff := cmp.Diff(want, got.Lines); diff != "" {
		t.Errorf("Explain(t).Lines (-want +got):\n%s", diff)
	}
}

func TestExplainUnknownThreat(t *testing.T) {
	t.Parallel()
	if _, err := Explain(site(1), model.Verdicts{}, Settings{}, "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("Explain(none) = %v, want a fault of kind not_found", err)
	}
}

// The explanation's own figures lead to the ratings that Rate gives.
func TestExplainAgreesWithRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, v, s := drawn(t)
		s.Method = rapid.SampledFrom([]Method{Threatloop, IriusRisk}).Draw(t, "method")
		for _, want := range Rate(m, v, s).Threats {
			e, err := Explain(m, v, s, want.Threat)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, e.Rating); diff != "" {
				t.Fatalf("Explain(%s).Rating (-Rate +Explain):\n%s", want.Threat, diff)
			}
			if e.Exposure == nil || s.Method == IriusRisk || len(e.Exposure.Path) == 0 {
				continue
			}
			along := e.Exposure.Own
			for range e.Exposure.Climbs {
				along *= e.Exposure.K
			}
			if math.Abs(along-want.Exposure) > 1e-9 {
				t.Fatalf("the path %v gives %g, the exposure is %g", e.Exposure.Path, along, want.Exposure)
			}
		}
	})
}

// Models that Validate refuses are rated all the same.
func TestRateIsTotal(t *testing.T) {
	t.Parallel()
	nan, huge := math.NaN(), math.Inf(1)
	full := 900
	m := &model.Model{
		Product:    model.Product{Value: &model.CIA{Confidentiality: 400, Integrity: -3}, Exposure: &full, Tolerance: &nan},
		Zones:      []model.Zone{{ID: "z", Parent: "y", Trust: -5}, {ID: "y", Parent: "z", Trust: 500}, {ID: "z"}},
		Components: []model.Component{{ID: "c", Zone: "z", Stores: []model.AssetID{"none"}}, {ID: "c", Zone: "gone"}, {}},
		Flows:      []model.Flow{{ID: "f", From: "c", To: "c"}, {ID: "g", From: "gone", To: "c", Bidirectional: true}},
		Threats: []model.Threat{
			{ID: "t", Where: "c", Ease: 1000, Impact: model.CIA{Integrity: 400}, Status: "unheard"},
			{ID: "t", Where: "z", Inherent: &nan},
			{ID: "u", Where: "y", Inherent: &huge, Status: model.Accepted},
			{Where: "", Severity: "?"},
		},
		Weaknesses:      []model.Weakness{{ID: "w", Impact: -4}},
		Countermeasures: []model.Countermeasure{{ID: "m", State: "odd", Cost: &model.Cost{Amount: nan, Unit: "days"}}, {ID: "i", State: model.Implemented, Cost: &model.Cost{Amount: huge, Unit: "days"}}},
		Links: []model.Link{
			{},
			{Threat: "t", Weakness: "w", Countermeasure: "m", Share: nan},
			{Threat: "t", Countermeasure: "i", Share: huge},
			{Threat: "t", Countermeasure: "i", Share: -3},
			{Threat: "gone", Weakness: "gone"},
			{Threat: "u", Weakness: "w"},
		},
	}
	for _, method := range []Method{"", IriusRisk, "unheard"} {
		for _, s := range []Settings{{Method: method}, {Method: method, K: nan, Weights: Weights{Asset: huge, Ease: nan, VulnerabilityFound: huge}, RestoreThreat: true}, {Method: method, K: -3}} {
			for _, r := range Rate(m, model.Verdicts{}, s).Threats {
				for _, x := range []float64{r.Exact.Inherent, r.Exact.Verified, r.Exact.Current, r.Exact.Projected} {
					if !(x >= 0 && x <= 100) {
						t.Errorf("Rate(%q) threat %q = %+v, want 0 to 100", method, r.Threat, r.Exact)
					}
				}
				if _, err := Explain(m, model.Verdicts{}, s, r.Threat); err != nil {
					t.Errorf("Explain(%q) = %v", r.Threat, err)
				}
			}
			Gains(m, model.Verdicts{}, s)
			for _, amount := range []float64{0, -1, nan, huge} {
				Propose(m, model.Verdicts{}, s, Budget{Amount: amount, Unit: "days"})
			}
		}
	}
	Rate(&model.Model{}, model.Verdicts{}, Settings{})
}

func TestBands(t *testing.T) {
	t.Parallel()
	for rating, want := range map[int]Band{0: Low, 24: Low, 25: Medium, 49: Medium, 50: High, 74: High, 75: Critical, 100: Critical} {
		if got := (Bands{}).Of(rating); got != want {
			t.Errorf("Bands{}.Of(%d) = %s, want %s", rating, got, want)
		}
		if upper := (Bands{}).Upper(want); upper < rating || (Bands{}).Of(upper) != want {
			t.Errorf("Bands{}.Upper(%s) = %d, want the highest of its band", want, upper)
		}
	}
	if got := (Bands{Medium: 20, High: 40, Critical: 60}).Of(60); got != Critical {
		t.Errorf("Bands{20, 40, 60}.Of(60) = %s, want critical", got)
	}
}
