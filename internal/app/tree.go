package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// resultsShown is how many rows of evidence a tree shows of one subject.
const resultsShown = 10

// TestResult is a row of evidence as a tree shows it.
type TestResult struct {
	ID       string            `json:"id" doc:"Of the row of evidence"`
	Name     string            `json:"name"`
	Tool     string            `json:"tool"`
	Source   string            `json:"source"`
	Verdict  evidence.Outcome  `json:"verdict" doc:"Last conclusive verdict, or the last attempt where there is none"`
	At       time.Time         `json:"at"`
	Standing evidence.Standing `json:"standing" doc:"What the row says now"`
	Reason   string            `json:"reason" doc:"Why it says so"`
}

// Branch is a countermeasure under a threat or one of its weaknesses.
type Branch struct {
	CountermeasureView
	Share      float64      `json:"share" doc:"Percent of the threat's risk that it takes off here"`
	Link       int64        `json:"link_version" doc:"Version of the link; send it with a change of the share"`
	LinkOrigin model.Origin `json:"link_origin" enum:"rule,person,import"`
	LinkSets   model.Sets   `json:"link_sets,omitempty" doc:"Who set the share, where it is not the origin"`
	Results    []TestResult `json:"results" doc:"Latest first, at most 10"`
}

// WeaknessBranch is a weakness with its evidence and, under a threat, its countermeasures.
type WeaknessBranch struct {
	WeaknessView
	Countermeasures []Branch     `json:"countermeasures"`
	Results         []TestResult `json:"results" doc:"Latest first, at most 10"`
}

// ThreatTree is a threat with everything that hangs on it.
type ThreatTree struct {
	Threat          ThreatView       `json:"threat"`
	Explanation     risk.Explanation `json:"explanation"`
	Weaknesses      []WeaknessBranch `json:"weaknesses"`
	Countermeasures []Branch         `json:"countermeasures" doc:"Linked with the threat directly"`
}

// ETag returns the version of the threat.
func (v ThreatTree) ETag() int64 { return v.Threat.Version }

// ServedThreat is a threat that a countermeasure serves.
type ServedThreat struct {
	ThreatView
	Share   float64            `json:"share" doc:"Percent of the threat's risk that the countermeasure takes off, over all links"`
	Through []model.WeaknessID `json:"through,omitempty" doc:"The weaknesses through which it serves the threat"`
}

// CountermeasureTree is a countermeasure with what it serves.
type CountermeasureTree struct {
	Countermeasure CountermeasureView `json:"countermeasure"`
	Results        []TestResult       `json:"results" doc:"Latest first, at most 10"`
	Threats        []ServedThreat     `json:"threats" doc:"Highest current rating first"`
	Weaknesses     []WeaknessBranch   `json:"weaknesses"`
}

// ETag returns the version of the countermeasure.
func (v CountermeasureTree) ETag() int64 { return v.Countermeasure.Version }

// ThreatTree shows a threat with its weaknesses, countermeasures, evidence and explanation.
func (a *App) ThreatTree(ctx context.Context, c Caller, product model.ProductID, id model.ThreatID) (ThreatTree, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (ThreatTree, error) {
		p, err := a.picture(tx, product)
		if err != nil {
			return ThreatTree{}, err
		}
		v := ThreatTree{Weaknesses: []WeaknessBranch{}, Countermeasures: []Branch{}}
		if v.Threat, err = p.threatByID(id); err != nil {
			return ThreatTree{}, err
		}
		if v.Explanation, err = risk.Explain(p.m, p.verdicts, p.settings, id); err != nil {
			return ThreatTree{}, err
		}
		results := p.evidence
		at := map[model.WeaknessID]int{}
		for _, l := range p.ofThreat[id] {
			if _, seen := at[l.Weakness]; l.Weakness == "" || seen {
				continue
			}
			if w := p.weaknessAt(l.Weakness); w != nil {
				at[w.ID] = len(v.Weaknesses)
				v.Weaknesses = append(v.Weaknesses, WeaknessBranch{WeaknessView: p.weakness(w), Countermeasures: []Branch{}, Results: results.of(string(w.ID))})
			}
		}
		for _, l := range p.ofThreat[id] {
			m := p.countermeasureAt(l.Countermeasure)
			if m == nil {
				continue
			}
			b := Branch{CountermeasureView: p.countermeasure(m), Share: l.Share, Link: p.versions.Of(store.KindLink, store.LinkID(*l)), LinkOrigin: l.Origin, LinkSets: l.Sets, Results: results.of(string(m.ID))}
			if i, ok := at[l.Weakness]; ok {
				v.Weaknesses[i].Countermeasures = append(v.Weaknesses[i].Countermeasures, b)
			} else {
				v.Countermeasures = append(v.Countermeasures, b)
			}
		}
		return v, nil
	})
}

// CountermeasureTree shows a countermeasure with the threats and weaknesses that it serves, and its evidence.
func (a *App) CountermeasureTree(ctx context.Context, c Caller, product model.ProductID, id model.CountermeasureID) (CountermeasureTree, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (CountermeasureTree, error) {
		p, err := a.picture(tx, product)
		if err != nil {
			return CountermeasureTree{}, err
		}
		v := CountermeasureTree{Threats: []ServedThreat{}, Weaknesses: []WeaknessBranch{}}
		if v.Countermeasure, err = p.countermeasureByID(id); err != nil {
			return CountermeasureTree{}, err
		}
		results := p.evidence
		v.Results = results.of(string(id))
		at := map[model.ThreatID]int{}
		seen := map[model.WeaknessID]bool{}
		for _, l := range p.ofCountermeasure[id] {
			i, known := at[l.Threat]
			if t := p.threatAt(l.Threat); !known && t != nil {
				i = len(v.Threats)
				at[l.Threat] = i
				v.Threats = append(v.Threats, ServedThreat{ThreatView: p.threat(t)})
			}
			v.Threats[i].Share = min(100, v.Threats[i].Share+l.Share)
			w := p.weaknessAt(l.Weakness)
			if w == nil {
				continue
			}
			v.Threats[i].Through = append(v.Threats[i].Through, w.ID)
			if !seen[w.ID] {
				seen[w.ID] = true
				v.Weaknesses = append(v.Weaknesses, WeaknessBranch{WeaknessView: p.weakness(w), Countermeasures: []Branch{}, Results: results.of(string(w.ID))})
			}
		}
		slices.SortStableFunc(v.Threats, func(x, y ServedThreat) int { return cmp.Compare(y.Rating.Exact.Current, x.Rating.Exact.Current) })
		return v, nil
	})
}
