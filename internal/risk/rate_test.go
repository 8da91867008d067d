package risk

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
)

// site is a browser on the Internet and components ever deeper, one boundary each.
func site(depth int) *model.Model {
	m := &model.Model{
		Product:    model.Product{ID: "p", Name: "Shop"},
		Assets:     []model.Asset{{ID: "cards", Name: "Card data", Value: model.CIA{Confidentiality: 100, Integrity: 80, Availability: 20}}},
		Zones:      []model.Zone{{ID: "internet", Name: "Internet"}},
		Components: []model.Component{{ID: "c0", Kind: model.Actor, Name: "Browser", Zone: "internet"}},
	}
	for i := 1; i <= depth; i++ {
		id := model.ElementID('0' + rune(i))
		m.Zones = append(m.Zones, model.Zone{ID: "z" + id, Trust: 30 * i})
		m.Components = append(m.Components, model.Component{ID: "c" + id, Kind: model.Process, Zone: "z" + id, Stores: []model.AssetID{"cards"}})
		m.Flows = append(m.Flows, model.Flow{ID: "f" + id, From: m.Components[i-1].ID, To: m.Components[i].ID})
	}
	return m
}

func threatAt(where model.ElementID, impact, ease int) model.Threat {
	return model.Threat{
		ID: "t", Where: where, Ref: "t", Title: "SQL injection", Status: model.Open,
		Impact: model.CIA{Confidentiality: impact}, Ease: ease,
	}
}

// guarded is a site whose threat t has the weakness w and the countermeasure of the state.
func guarded(state model.State, share float64) *model.Model {
	m := site(1)
	m.Threats = []model.Threat{threatAt("c1", 90, 75)}
	m.Weaknesses = []model.Weakness{{ID: "w", Where: "c1", Title: "Unchecked query", CWE: 89}}
	m.Countermeasures = []model.Countermeasure{{ID: "cm", Where: "c1", Title: "Bind parameters", State: state}}
	m.Links = []model.Link{{Threat: "t", Weakness: "w", Countermeasure: "cm", Share: share}}
	return m
}

func passing(ids ...model.CountermeasureID) model.Verdicts {
	v := model.Verdicts{Countermeasures: map[model.CountermeasureID]model.Evidence{}}
	for _, id := range ids {
		v.Countermeasures[id] = model.Evidence{Verdict: model.Pass}
	}
	return v
}

func figures(t *testing.T, m *model.Model, v model.Verdicts, s Settings) Figures {
	t.Helper()
	r, ok := Rate(m, v, s).Threat("t")
	if !ok {
		t.Fatalf("Rate(...).Threat(t) is missing")
	}
	return r.Figures
}

func TestInherentOfTheWorkedExamples(t *testing.T) {
	t.Parallel()
	brochure := site(1)
	brochure.Components[1].Stores = nil
	brochure.Product.Value = &model.CIA{Confidentiality: 20, Integrity: 10, Availability: 10}
	cases := []struct {
		name   string
		model  *model.Model
		threat model.Threat
		want   int
		band   Band
	}{
		{"SQL injection over one boundary", site(1), threatAt("c1", 90, 75), 73, High},
		{"the same, easily exploited", site(1), threatAt("c1", 90, 100), 85, Critical},
		{"admin tool three boundaries in", site(3), threatAt("c3", 75, 50), 44, Medium},
		{"brochure site", brochure, threatAt("c1", 75, 75), 30, Medium},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.model.Threats = []model.Threat{c.threat}
			got, _ := Rate(c.model, model.Verdicts{}, Settings{}).Threat("t")
			if got.Inherent != c.want || got.InherentIn != c.band {
				t.Errorf("Rate(%s) inherent = %d %s, want %d %s", c.name, got.Inherent, got.InherentIn, c.want, c.band)
			}
		})
	}
}

func TestWhichStateAndVerdictCountsWhere(t *testing.T) {
	t.Parallel()
	fail := model.Verdicts{Countermeasures: map[model.CountermeasureID]model.Evidence{"cm": {Verdict: model.Fail}}}
	present := model.Verdicts{Weaknesses: map[model.WeaknessID]model.Evidence{"w": {Verdict: model.Fail, Stale: true}}}
	stale := model.Verdicts{Countermeasures: map[model.CountermeasureID]model.Evidence{"cm": {Verdict: model.Pass, Stale: true}}}
	both := passing("cm")
	both.Weaknesses = present.Weaknesses
	cases := []struct {
		name     string
		state    model.State
		verdicts model.Verdicts
		want     Figures
	}{
		{"recommended", model.Recommended, model.Verdicts{}, Figures{73, 73, 73, 73}},
		{"required", model.Required, model.Verdicts{}, Figures{73, 73, 73, 37}},
		{"implemented", model.Implemented, model.Verdicts{}, Figures{73, 73, 37, 37}},
		{"implemented and passed", model.Implemented, passing("cm"), Figures{73, 37, 37, 37}},
		{"recommended and passed", model.Recommended, passing("cm"), Figures{73, 37, 37, 37}},
		{"implemented, stale pass", model.Implemented, stale, Figures{73, 73, 37, 37}},
		{"implemented, fails", model.Implemented, fail, Figures{73, 73, 73, 37}},
		{"implemented, weakness fails however old", model.Implemented, present, Figures{73, 73, 73, 37}},
		{"passed, weakness fails", model.Required, both, Figures{73, 73, 73, 37}},
		{"rejected and passed", model.Rejected, passing("cm"), Figures{73, 73, 73, 73}},
		{"not applicable and passed", model.StateNotApplicable, passing("cm"), Figures{73, 73, 73, 73}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, figures(t, guarded(c.state, 50), c.verdicts, Settings{})); diff != "" {
				t.Errorf("Rate(%s) (-want +got):\n%s", c.name, diff)
			}
		})
	}
}

func TestContradictionWithdrawsAllLinksOfTheCountermeasureOnly(t *testing.T) {
	t.Parallel()
	m := guarded(model.Implemented, 30)
	m.Weaknesses = append(m.Weaknesses, model.Weakness{ID: "w2", Where: "c1"})
	m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: "other", Where: "c1", State: model.Implemented})
	m.Links = append(m.Links,
		model.Link{Threat: "t", Weakness: "w2", Countermeasure: "cm", Share: 20},
		model.Link{Threat: "t", Countermeasure: "cm", Share: 10},
		model.Link{Threat: "t", Weakness: "w2", Countermeasure: "other", Share: 25})
	v := model.Verdicts{Weaknesses: map[model.WeaknessID]model.Evidence{"w": {Verdict: model.Fail}}}
	if got, want := figures(t, m, model.Verdicts{}, Settings{}).Current, 11; got != want {
		t.Errorf("current with 85 percent = %d, want %d", got, want)
	}
	if got, want := figures(t, m, v, Settings{}).Current, 55; got != want {
		t.Errorf("current with a fail on w = %d, want %d: only 25 percent are left", got, want)
	}
	if got, want := figures(t, m, v, Settings{RestoreThreat: true}).Current, 73; got != want {
		t.Errorf("current with RestoreThreat = %d, want %d", got, want)
	}
}

func TestFlagsWhereEvidenceAndDecisionsDisagree(t *testing.T) {
	t.Parallel()
	fails := model.Verdicts{Countermeasures: map[model.CountermeasureID]model.Evidence{"cm": {Verdict: model.Fail}}}
	elsewhere := model.Verdicts{Weaknesses: map[model.WeaknessID]model.Evidence{"w2": {Verdict: model.Fail}}}
	cases := []struct {
		name     string
		state    model.State
		status   model.ThreatStatus
		verdicts model.Verdicts
		want     []Flag
	}{
		{"implemented and fails", model.Implemented, model.Open, fails, []Flag{Contradiction}},
		{"required and fails: nothing was claimed", model.Required, model.Open, fails, nil},
		{"rejected and fails", model.Rejected, model.Open, fails, []Flag{Reopened}},
		{"not applicable and fails", model.StateNotApplicable, model.Open, fails, []Flag{Reopened}},
		{"rejected, another weakness fails", model.Rejected, model.Open, elsewhere, nil},
		{"threat not applicable, and a weakness of its fails", model.Recommended, model.NotApplicable, elsewhere, []Flag{Reopened}},
	}
	for _, c := range cases {
		m := guarded(c.state, 50)
		m.Threats[0].Status = c.status
		m.Weaknesses = append(m.Weaknesses, model.Weakness{ID: "w2", Where: "c1"})
		m.Links = append(m.Links, model.Link{Threat: "t", Weakness: "w2"})
		for _, restore := range []bool{false, true} {
			got, _ := Rate(m, c.verdicts, Settings{RestoreThreat: restore}).Threat("t")
			if diff := cmp.Diff(c.want, got.Flags); diff != "" {
				t.Errorf("Rate(%s, restore threat %v) flags (-want +got):\n%s", c.name, restore, diff)
			}
		}
	}
}

func TestStandings(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	until := func(at time.Time) *model.Acceptance { return &model.Acceptance{Reason: "r", Owner: "o", Ends: at} }
	cases := []struct {
		name       string
		status     model.ThreatStatus
		acceptance *model.Acceptance
		want       Standing
		current    int
		flag       Flag
	}{
		{"open", model.Open, nil, StandsOpen, 73, ""},
		{"mitigated without countermeasure", model.Mitigated, nil, StandsOpen, 73, ClaimedMitigated},
		{"not applicable", model.NotApplicable, nil, StandsClosed, 0, ""},
		{"avoided", model.Avoided, nil, StandsClosed, 0, ""},
		{"eliminated", model.Eliminated, nil, StandsClosed, 0, ""},
		{"accepted", model.Accepted, until(now.Add(time.Second)), StandsCarried, 73, ""},
		{"accepted until now", model.Accepted, until(now), StandsOpen, 73, AcceptanceEnded},
		{"transferred without an end", model.Transferred, nil, StandsCarried, 73, NoEnd},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := site(1)
			threat := threatAt("c1", 90, 75)
			threat.Status, threat.Acceptance = c.status, c.acceptance
			m.Threats = []model.Threat{threat}
			ratings := Rate(m, model.Verdicts{}, Settings{Now: now})
			got := ratings.Threats[0]
			if got.Standing != c.want || got.Current != c.current {
				t.Errorf("Rate(%s) = %s %d, want %s %d", c.name, got.Standing, got.Current, c.want, c.current)
			}
			if c.flag != "" && !cmp.Equal(got.Flags, []Flag{c.flag}) {
				t.Errorf("Rate(%s) flags = %v, want [%s]", c.name, got.Flags, c.flag)
			}
			counted := ratings.Summary.Open.Threats == 1
			if counted != (c.want == StandsOpen) {
				t.Errorf("Rate(%s) counts it as open: %v", c.name, counted)
			}
		})
	}
}

func TestImportedSeverities(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]int{"Low": 15, "medium": 40, "HIGH": 65, " Critical ": 88, "TBD": 0, "": 0} {
		m := site(1)
		m.Threats = []model.Threat{{ID: "t", Where: "c1", Severity: word, Status: model.Open}}
		got := Rate(m, model.Verdicts{}, Settings{}).Threats[0]
		if got.Inherent != want || got.Unrated != (want == 0) {
			t.Errorf("Rate(severity %q) = %d, unrated %v, want %d", word, got.Inherent, got.Unrated, want)
		}
	}
	given := 61.5
	m := site(1)
	m.Threats = []model.Threat{{ID: "t", Where: "c1", Severity: "low", Inherent: &given, Impact: model.CIA{Integrity: 1}, Ease: 1, Status: model.Open}}
	if got := Rate(m, model.Verdicts{}, Settings{}).Threats[0]; got.Inherent != 62 || !cmp.Equal(got.Flags, []Flag{SetByHand}) {
		t.Errorf("Rate(inherent 61.5 given) = %d %v, want 62 [inherent_set]", got.Inherent, got.Flags)
	}
}

func TestSummaryHoldsOpenThreatsAndTolerance(t *testing.T) {
	t.Parallel()
	m := site(1)
	limit := 72.0
	m.Product.Tolerance = &limit
	for i, ease := range []int{75, 10, 100} {
		threat := threatAt("c1", 90, ease)
		threat.ID = model.ThreatID('a' + rune(i))
		m.Threats = append(m.Threats, threat)
	}
	m.Threats[2].Status = model.Transferred
	m.Threats[1].Categories = []string{"stride:tampering"}
	got := Rate(m, model.Verdicts{}, Settings{CategoryTolerance: map[string]float64{"stride:tampering": 20}}).Summary
	want := Summary{
		Open:    Tally{Threats: 2, Highest: Figures{73, 73, 73, 73}, Sum: Figures{100, 100, 100, 100}, Bands: map[Band]int{Low: 0, Medium: 1, High: 1, Critical: 0, Unrated: 0}},
		Carried: Tally{Threats: 1, Highest: Figures{85, 85, 85, 85}, Sum: Figures{85, 85, 85, 85}, Bands: map[Band]int{Low: 0, Medium: 0, High: 0, Critical: 1, Unrated: 0}},
		Outside: newTally(), OverTolerance: 2, Highest: 73, Band: High, Tolerance: 72,
	}
	exact := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".SumExact" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, exact); diff != "" {
		t.Errorf("Summary (-want +got):\n%s", diff)
	}
}

func TestDiffNamesWhatCameWentAndChanged(t *testing.T) {
	t.Parallel()
	before, after := guarded(model.Required, 50), guarded(model.Implemented, 50)
	gone := threatAt("c1", 90, 100)
	gone.ID = "a"
	before.Threats = append(before.Threats, gone)
	got := Diff(Rate(before, model.Verdicts{}, Settings{}), Rate(after, model.Verdicts{}, Settings{}))
	want := []Change{
		{Threat: "a", Before: &Point{Figures{85, 85, 85, 85}, Critical, StandsOpen}},
		{Threat: "t", Before: &Point{Figures{73, 73, 73, 37}, High, StandsOpen}, After: &Point{Figures{73, 73, 37, 37}, Medium, StandsOpen}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
	if got := Diff(Rate(after, model.Verdicts{}, Settings{}), Rate(after, model.Verdicts{}, Settings{})); got != nil {
		t.Errorf("Diff of the same = %v, want none", got)
	}
}
