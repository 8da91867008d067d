package app

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// settings are the rating settings as of a time.
func (a *App) settings(at time.Time) risk.Settings {
	s := a.Risk
	s.Now = at
	return s
}

// rate rates a model with the evidence that stands in the transaction, and
// counts what evidence contradicts.
func (a *App) rate(tx *store.Tx, m *model.Model, at time.Time) (risk.Ratings, int, error) {
	v, err := a.verdicts(tx, m, at)
	if err != nil {
		return risk.Ratings{}, 0, err
	}
	return risk.Rate(m, v, a.settings(at)), vulnerabilities(m, v), nil
}

// vulnerabilities counts the weaknesses that evidence shows to be present, and
// the countermeasures that fail without one of theirs failing.
func vulnerabilities(m *model.Model, v model.Verdicts) int {
	n := 0
	failing := map[model.WeaknessID]bool{}
	for i := range m.Weaknesses {
		w := &m.Weaknesses[i]
		if w.Retired == nil && v.Weaknesses[w.ID].Verdict == model.Fail {
			failing[w.ID] = true
			n++
		}
	}
	covered := map[model.CountermeasureID]bool{}
	for _, l := range m.Links {
		if failing[l.Weakness] {
			covered[l.Countermeasure] = true
		}
	}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		if c.Retired == nil && !covered[c.ID] && v.Countermeasures[c.ID].Verdict == model.Fail {
			n++
		}
	}
	return n
}

// rerate rates the model as it is now, and keeps every change of a rating with
// the cause of the change under way.
func (ch *changing) rerate() error {
	stands, err := ch.app.standingOf(ch.tx, ch.model, ch.at)
	if err != nil {
		return err
	}
	was := &standing{}
	if ch.stands != nil {
		was = ch.stands
	}
	after := stands.ratings
	product := ch.model.Product.ID
	why := ch.movedBy(was.verdicts, stands.verdicts)
	var changes []store.RatingChange
	add := func(threat model.ThreatID, before, after risk.Figures) {
		if before != after {
			changes = append(changes, store.RatingChange{
				Threat: threat, At: ch.at, Before: stored(before), After: stored(after),
				CauseKind: ch.cause.Kind, CauseText: why(before, after), CauseRef: ch.cause.Ref,
			})
		}
	}
	add("", was.ratings.Summary.Open.Highest, after.Summary.Open.Highest)
	for _, c := range risk.Diff(was.ratings, after) {
		var before, now risk.Figures
		if c.Before != nil {
			before = c.Before.Figures
		}
		if c.After != nil {
			now = c.After.Figures
		}
		add(c.Threat, before, now)
	}
	if err := ch.tx.AddRatingChanges(product, changes...); err != nil {
		return err
	}
	summary, err := summaryOf(after, stands.vulns, ch.at, stands.until)
	if err != nil {
		return err
	}
	if len(changes) > 0 || ch.before == nil || was.vulns != stands.vulns {
		err := ch.tx.AddProductRating(product, store.ProductRating{
			At: ch.at, InherentMax: summary.InherentMax, VerifiedMax: summary.VerifiedMax,
			CurrentMax: summary.CurrentMax, ProjectedMax: summary.ProjectedMax, CurrentSum: summary.CurrentSum,
			Low: summary.Low, Medium: summary.Medium, High: summary.High, Critical: summary.Critical, Vulnerabilities: summary.Vulnerabilities,
		})
		if err != nil {
			return err
		}
	}
	ch.stands = stands
	return ch.tx.SetSummary(product, summary)
}

func stored(f risk.Figures) store.Ratings {
	return store.Ratings{Inherent: float64(f.Inherent), Verified: float64(f.Verified), Current: float64(f.Current), Projected: float64(f.Projected)}
}

func shown(r store.Ratings) risk.Figures {
	return risk.Figures{Inherent: int(r.Inherent), Verified: int(r.Verified), Current: int(r.Current), Projected: int(r.Projected)}
}

func summaryOf(r risk.Ratings, vulns int, at, next time.Time) (store.Summary, error) {
	doc, err := json.Marshal(r.Summary)
	if err != nil {
		return store.Summary{}, fmt.Errorf("app: encode summary: %w", err)
	}
	open := r.Summary.Open
	return store.Summary{
		InherentMax: float64(open.Highest.Inherent), VerifiedMax: float64(open.Highest.Verified),
		CurrentMax: float64(open.Highest.Current), ProjectedMax: float64(open.Highest.Projected),
		CurrentSum: open.SumExact.Current,
		Low:        int64(open.Bands[risk.Low]), Medium: int64(open.Bands[risk.Medium]), High: int64(open.Bands[risk.High]),
		Critical: int64(open.Bands[risk.Critical]), Unrated: int64(open.Bands[risk.Unrated]),
		Exceeding: int64(r.Summary.OverTolerance), Vulnerabilities: int64(vulns),
		At: at, RecomputeAt: next, Doc: string(doc),
	}, nil
}

// nextLook is when a rating changes by the passing of time alone: the first
// acceptance that ends, or the first pass that gets stale; zero is never.
func nextLook(m *model.Model, v model.Verdicts, at time.Time, fresh time.Duration) time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if t.After(at) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for i := range m.Threats {
		if a := m.Threats[i].Acceptance; a != nil && m.Threats[i].Retired == nil {
			consider(a.Ends)
		}
	}
	for _, e := range v.Countermeasures {
		if e.Verdict == model.Pass && !e.Stale {
			consider(e.At.Add(fresh))
		}
	}
	for _, e := range v.Weaknesses {
		if e.Verdict == model.Pass && !e.Stale {
			consider(e.At.Add(fresh))
		}
	}
	return next
}
