package app

import (
	"context"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// VisitView is when the caller looked at a product.
type VisitView struct {
	At     time.Time  `json:"at"`
	Before *time.Time `json:"before,omitempty" doc:"The visit before this one"`
}

// SinceView is what happened in a product since a time.
type SinceView struct {
	Since   *time.Time  `json:"since,omitempty" doc:"The caller's last visit, or the time asked for; absent for who was never here: the last seven days are shown"`
	Items   []SinceItem `json:"items" doc:"Newest first, at most 50"`
	More    bool        `json:"more"`
	Ratings ThenAndNow  `json:"ratings" doc:"The highest ratings of open threats"`
}

// SinceItem is one thing that happened, in a sentence.
type SinceItem struct {
	At        time.Time `json:"at"`
	Kind      string    `json:"kind" enum:"rating,plan,model,ticket,test,acceptance,product,people"`
	Text      string    `json:"text"`
	ActorName string    `json:"actor_name"`
	Object    string    `json:"object,omitempty" doc:"What it is about: threat/ID, countermeasure/ID, run/ID, ..."`
}

// ThenAndNow are ratings at two times.
type ThenAndNow struct {
	Then risk.Figures `json:"then"`
	Now  risk.Figures `json:"now"`
}

const (
	sinceItems  = 50
	sinceRows   = 1000 // of the audit trail and of the history that are looked at
	sinceNobody = 7 * 24 * time.Hour
)

// Visit marks that the caller looks at a product now.
func (a *App) Visit(ctx context.Context, c Caller, id model.ProductID) (VisitView, error) {
	return attach(ctx, a, c, policy.ProductRead, id, func(ch *changing) (VisitView, error) {
		v := VisitView{At: ch.at}
		if c.User == "" {
			return v, nil
		}
		before, err := ch.tx.Visit(c.User, id, ch.at)
		if !before.IsZero() {
			v.Before = &before
		}
		return v, err
	})
}

// Since tells what happened in a product since a time; the zero time is the caller's last visit.
func (a *App) Since(ctx context.Context, c Caller, id model.ProductID, from time.Time) (SinceView, error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (SinceView, error) {
		v := SinceView{Items: []SinceItem{}}
		if from.IsZero() && c.User != "" {
			var err error
			if from, err = tx.Visited(c.User, id); err != nil {
				return v, err
			}
		}
		if !from.IsZero() {
			since := from
			v.Since = &since
		} else {
			from = a.Now().Add(-sinceNobody)
		}
		row, err := tx.Product(id, store.Everything())
		if err != nil {
			return v, err
		}
		s := row.Summary
		v.Ratings.Now = shown(store.Ratings{Inherent: s.InherentMax, Verified: s.VerifiedMax, Current: s.CurrentMax, Projected: s.ProjectedMax})
		then, had, err := tx.RatingAt(id, from)
		if err != nil {
			return v, err
		}
		if had {
			v.Ratings.Then = shown(store.Ratings{Inherent: then.InherentMax, Verified: then.VerifiedMax, Current: then.CurrentMax, Projected: then.ProjectedMax})
		}
		m, _, err := tx.ReadModel(id)
		if err != nil {
			return v, err
		}
		t := newTeller(tx, m, from)
		if err := t.ratings(id); err != nil {
			return v, err
		}
		if err := t.trail(id); err != nil {
			return v, err
		}
		v.Items, v.More = t.newest(sinceItems)
		return v, nil
	})
}
