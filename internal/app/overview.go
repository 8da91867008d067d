package app

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// OverviewView is a product at one glance.
type OverviewView struct {
	Product ProductView  `json:"product"`
	Highest risk.Figures `json:"highest" doc:"The highest ratings of open threats"`
	Sum     risk.Figures `json:"sum" doc:"Of the ratings of open threats"`
	// Gap is what is claimed and not proven: summed verified less summed current.
	Gap             int               `json:"assurance_gap"`
	GapHighest      int               `json:"assurance_gap_highest" doc:"The same of the highest ratings"`
	Tolerance       *float64          `json:"tolerance,omitempty"`
	Exceeds         []ExceedingThreat `json:"exceeds" doc:"Threats above tolerance without a decision, the highest first, at most 20"`
	ExceedsCount    int               `json:"exceeds_count"`
	Bands           map[risk.Band]int `json:"bands"`
	Matrix          RiskMatrix        `json:"matrix"`
	Top             []TopThreat       `json:"top" doc:"The ten highest current ratings"`
	Countermeasures CountermeasureSum `json:"countermeasures"`
	Evidence        EvidenceSum       `json:"evidence" doc:"Of countermeasures and weaknesses"`
	Tickets         TicketSum         `json:"tickets"`
	Guesses         []Guess           `json:"guesses" doc:"What a person should settle, at most 50"`
	GuessesMore     int               `json:"guesses_more"`
}

// ETag returns the version of the product.
func (v OverviewView) ETag() int64 { return v.Product.Version }

// ExceedingThreat is a threat above tolerance.
type ExceedingThreat struct {
	ID        model.ThreatID `json:"id"`
	Title     string         `json:"title"`
	WhereName string         `json:"where_name"`
	Current   int            `json:"current"`
}

// TopThreat is a threat with its figures.
type TopThreat struct {
	ID        model.ThreatID `json:"id"`
	Title     string         `json:"title"`
	WhereName string         `json:"where_name"`
	Rating    risk.Figures   `json:"rating"`
	Band      risk.Band      `json:"band"`
}

// RiskMatrix counts open threats by inherent likelihood and impact.
type RiskMatrix struct {
	Likelihood []string     `json:"likelihood" doc:"Ranges of the rows, from low to high"`
	Impact     []string     `json:"impact" doc:"Ranges of the columns, from low to high"`
	Cells      []MatrixCell `json:"cells" doc:"Only those with threats"`
	Apart      int          `json:"apart" doc:"Open threats whose rating did not come from likelihood and impact"`
}

// MatrixCell is a cell of the matrix.
type MatrixCell struct {
	L       int              `json:"l" doc:"Index into likelihood"`
	I       int              `json:"i" doc:"Index into impact"`
	Count   int              `json:"count"`
	Band    risk.Band        `json:"band" doc:"Of the highest current rating in the cell"`
	Threats []model.ThreatID `json:"threats" doc:"The highest current ratings first, at most 20"`
	highest int
}

// CountermeasureSum counts countermeasures and their costs by state.
type CountermeasureSum struct {
	States      map[model.State]int `json:"states"`
	Costs       []CostSum           `json:"costs" doc:"By state and unit"`
	WithoutCost int                 `json:"without_cost"`
}

// CostSum is the summed cost of the countermeasures in a state.
type CostSum struct {
	State  model.State `json:"state"`
	Unit   string      `json:"unit"`
	Amount float64     `json:"amount"`
}

// EvidenceSum counts verdicts; stale passes are not among the passes.
type EvidenceSum struct {
	Pass     int `json:"pass"`
	Fail     int `json:"fail"`
	Untested int `json:"untested"`
	Stale    int `json:"stale"`
}

// TicketSum counts tickets.
type TicketSum struct {
	Open    int `json:"open"`
	Done    int `json:"done"`
	Behind  int `json:"behind" doc:"Not made yet, failed or ambiguous"`
	Waiting int `json:"waiting" doc:"Held until a person publishes them"`
	Total   int `json:"total"`
}

// Guess is an assumption that a person should settle.
type Guess struct {
	Kind   string `json:"kind" enum:"trust,value,type,question"`
	Object string `json:"object" doc:"zones/ID, components/ID, product or answers/QUESTION"`
	Name   string `json:"name"`
	Text   string `json:"text"`
}

const (
	matrixSize    = 5
	cellThreats   = 20
	shownExceeds  = 20
	shownTop      = 10
	shownGuesses  = 50
	trustUnstated = "nobody said how far it is trusted"
)

// Overview shows a product at one glance.
func (a *App) Overview(ctx context.Context, c Caller, id model.ProductID) (OverviewView, error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (OverviewView, error) {
		m, _, err := tx.ReadModel(id)
		if err != nil {
			return OverviewView{}, err
		}
		stands, _, err := a.standing(tx, m, a.Now())
		if err != nil {
			return OverviewView{}, err
		}
		verdicts, rated := stands.verdicts, stands.ratings
		s := &rated.Summary
		v := OverviewView{
			Highest: s.Open.Highest, Sum: s.Open.Sum, Gap: s.Gap, GapHighest: s.Open.Highest.Verified - s.Open.Highest.Current,
			Tolerance: m.Product.Tolerance, ExceedsCount: s.OverTolerance, Bands: s.Open.Bands,
			Countermeasures: sumCountermeasures(m), Evidence: sumEvidence(m, verdicts),
		}
		if v.Product, err = a.productOf(tx, c, id); err != nil {
			return v, err
		}
		if v.Product.Role, v.Product.Can, err = rights(tx, c, id); err != nil {
			return v, err
		}
		v.threats(m, rated, a.Risk.Bands)
		tickets, err := a.ticketViews(tx, m)
		if err != nil {
			return v, err
		}
		for i := range tickets {
			v.Tickets.add(tickets[i].State)
		}
		guesses, err := a.guesses(m)
		if err != nil {
			return v, err
		}
		v.Guesses = guesses[:min(len(guesses), shownGuesses)]
		v.GuessesMore = len(guesses) - len(v.Guesses)
		return v, nil
	})
}

// threats fills in what is shown of single threats.
func (v *OverviewView) threats(m *model.Model, rated risk.Ratings, bands risk.Bands) {
	names := elementNames(m)
	byID := make(map[model.ThreatID]*model.Threat, len(m.Threats))
	for i := range m.Threats {
		byID[m.Threats[i].ID] = &m.Threats[i]
	}
	open := make([]*risk.Rating, 0, len(rated.Threats))
	for i := range rated.Threats {
		if r := &rated.Threats[i]; r.Standing == risk.StandsOpen {
			open = append(open, r)
		}
	}
	slices.SortFunc(open, func(a, b *risk.Rating) int {
		return cmp.Or(cmp.Compare(b.Exact.Current, a.Exact.Current), cmp.Compare(b.Exact.Inherent, a.Exact.Inherent), cmp.Compare(a.Threat, b.Threat))
	})
	v.Exceeds, v.Top = []ExceedingThreat{}, []TopThreat{}
	v.Matrix = RiskMatrix{Likelihood: ranges(), Impact: ranges(), Cells: []MatrixCell{}}
	cells := map[[2]int]*MatrixCell{}
	for _, r := range open {
		t := byID[r.Threat]
		if r.OverTolerance && len(v.Exceeds) < shownExceeds {
			v.Exceeds = append(v.Exceeds, ExceedingThreat{ID: t.ID, Title: t.Title, WhereName: names[t.Where], Current: r.Current})
		}
		if len(v.Top) < shownTop {
			v.Top = append(v.Top, TopThreat{ID: t.ID, Title: t.Title, WhereName: names[t.Where], Rating: r.Figures, Band: r.Band})
		}
		if r.Impact == 0 && r.Likelihood == 0 {
			v.Matrix.Apart++
			continue
		}
		at := [2]int{fifth(r.Likelihood), fifth(r.Impact)}
		cell := cells[at]
		if cell == nil {
			cell = &MatrixCell{L: at[0], I: at[1], Threats: []model.ThreatID{}}
			cells[at] = cell
		}
		cell.Count++
		cell.highest = max(cell.highest, r.Current)
		if len(cell.Threats) < cellThreats {
			cell.Threats = append(cell.Threats, t.ID)
		}
	}
	for _, cell := range cells {
		cell.Band = bands.Of(cell.highest)
		v.Matrix.Cells = append(v.Matrix.Cells, *cell)
	}
	slices.SortFunc(v.Matrix.Cells, func(a, b MatrixCell) int { return cmp.Or(cmp.Compare(a.L, b.L), cmp.Compare(a.I, b.I)) })
}

// fifth is the index of a figure of 0..100 in ranges.
func fifth(x float64) int {
	return min(matrixSize-1, max(0, int(math.Floor(x*matrixSize/100))))
}

func ranges() []string {
	out := make([]string, matrixSize)
	for i := range out {
		from, to := i*100/matrixSize, (i+1)*100/matrixSize-1
		if i == matrixSize-1 {
			to = 100
		}
		out[i] = fmt.Sprintf("%d-%d", from, to)
	}
	return out
}

func sumCountermeasures(m *model.Model) CountermeasureSum {
	s := CountermeasureSum{States: map[model.State]int{}, Costs: []CostSum{}}
	states := []model.State{model.Recommended, model.Required, model.Implemented, model.Rejected, model.StateNotApplicable}
	for _, state := range states {
		s.States[state] = 0
	}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		if c.Retired != nil {
			continue
		}
		s.States[c.State]++
		if c.Cost == nil {
			s.WithoutCost++
			continue
		}
		n := slices.IndexFunc(s.Costs, func(x CostSum) bool { return x.State == c.State && x.Unit == c.Cost.Unit })
		if n < 0 {
			n = len(s.Costs)
			s.Costs = append(s.Costs, CostSum{State: c.State, Unit: c.Cost.Unit})
		}
		s.Costs[n].Amount += c.Cost.Amount
	}
	slices.SortFunc(s.Costs, func(a, b CostSum) int {
		return cmp.Or(cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State)), cmp.Compare(a.Unit, b.Unit))
	})
	return s
}

func sumEvidence(m *model.Model, v model.Verdicts) EvidenceSum {
	var s EvidenceSum
	add := func(e model.Evidence) {
		switch {
		case e.Verdict == model.Fail:
			s.Fail++
		case e.Verdict == model.Pass && e.Stale:
			s.Stale++
		case e.Verdict == model.Pass:
			s.Pass++
		default:
			s.Untested++
		}
	}
	for i := range m.Weaknesses {
		if w := &m.Weaknesses[i]; w.Retired == nil {
			add(v.Weaknesses[w.ID])
		}
	}
	for i := range m.Countermeasures {
		if c := &m.Countermeasures[i]; c.Retired == nil {
			add(v.Countermeasures[c.ID])
		}
	}
	return s
}

func (s *TicketSum) add(state string) {
	s.Total++
	switch state {
	case "open":
		s.Open++
	case "implemented", "rejected", "closed":
		s.Done++
	case "held":
		s.Waiting++
	default:
		s.Behind++
	}
}

// guesses lists what somebody should settle, so that ratings rest on something.
func (a *App) guesses(m *model.Model) ([]Guess, error) {
	out := []Guess{}
	for i := range m.Zones {
		if z := &m.Zones[i]; z.Guess {
			out = append(out, Guess{Kind: "trust", Object: "zones/" + string(z.ID), Name: z.Name, Text: trustUnstated})
		}
	}
	for i := range m.Components {
		c := &m.Components[i]
		if c.OutOfScope {
			continue
		}
		object := "components/" + string(c.ID)
		if c.Zone == "" && c.Trust == nil && c.Kind != model.Actor {
			out = append(out, Guess{Kind: "trust", Object: object, Name: c.Name, Text: "it is in no trust zone, and " + trustUnstated})
		}
		if c.Type == "" {
			out = append(out, Guess{Kind: "type", Object: object, Name: c.Name, Text: "it has no component type, so that only rules for its kind bring threats"})
		}
	}
	if m.Product.Value == nil && len(m.Assets) == 0 {
		out = append(out, Guess{Kind: "value", Object: "product", Name: m.Product.Name, Text: "nobody said what the product is worth, and no asset is modelled: 50 is taken"})
	}
	want, err := a.desired(m, a.Library())
	if err != nil {
		return nil, err
	}
	for _, q := range want.Questions {
		out = append(out, Guess{Kind: "question", Object: "answers/" + q.Question, Name: q.Title, Text: "rules ask this, and nobody answered"})
	}
	return out, nil
}
