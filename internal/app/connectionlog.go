package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
)

// ConnectionProblem is a ticket of any product that does not get on by itself.
type ConnectionProblem struct {
	TicketView
	Product     model.ProductID `json:"product"`
	ProductName string          `json:"product_name"`
	Since       time.Time       `json:"since" doc:"When it was planned, or last agreed with the tracker"`
	Attempts    int64           `json:"attempts" doc:"How often it was sent"`
	Until       *time.Time      `json:"until,omitempty" doc:"When it is decided (ambiguous) or tried again"`
}

// maxProblems is how many problems of a connection are shown; who has more looks at the first.
const maxProblems = 200

// ConnectionProblems lists what a connection's tickets wait or failed for, over
// all products: held, waiting, ambiguous and failed ones, latest first, then
// tickets with something that a person has to know. At most 200.
func (a *App) ConnectionProblems(ctx context.Context, c Caller, id string) (Page[ConnectionProblem], error) {
	return query(ctx, a, c, policy.ConnectionRead, "", func(tx *store.Tx) (Page[ConnectionProblem], error) {
		page := Page[ConnectionProblem]{Items: []ConnectionProblem{}}
		if _, err := tx.Connection(id); err != nil {
			return page, err
		}
		intents, err := tx.Intents(store.IntentFilter{Connection: id, Open: true})
		if err != nil {
			return page, err
		}
		links, err := tx.Links(store.LinkFilter{Connection: id})
		if err != nil {
			return page, err
		}
		for _, i := range intents {
			page.Items = append(page.Items, problemOfIntent(i))
		}
		for _, l := range links {
			if l.State == "unlinked" || l.Reason == "" && l.State == "live" {
				continue
			}
			p, err := problemOfLink(l)
			if err != nil {
				return page, err
			}
			page.Items = append(page.Items, p)
		}
		slices.SortStableFunc(page.Items, func(x, y ConnectionProblem) int {
			return cmp.Or(cmp.Compare(urgency(y.State), urgency(x.State)), y.Since.Compare(x.Since))
		})
		page.Items = page.Items[:min(len(page.Items), maxProblems)]
		return page, nameProblems(tx, page.Items)
	})
}

func urgency(state string) int {
	return slices.Index([]string{"pending", "held", "ambiguous", "failed"}, state)
}

func problemOfIntent(i store.Intent) ConnectionProblem {
	p := ConnectionProblem{
		TicketView: TicketView{TicketRef: TicketRef{State: intentStates[i.State], Purpose: i.Purpose, Note: i.Reason}, Connection: i.Connection, Object: i.Object},
		Product:    i.Product, Since: i.CreatedAt, Attempts: i.Attempts,
	}
	until := i.DueAt
	if i.State == store.IntentAmbiguous {
		until = i.SettleAt
	}
	if !until.IsZero() {
		p.Until = &until
	}
	return p
}

func problemOfLink(l store.TicketLink) (ConnectionProblem, error) {
	var s ticketing.Snapshot
	if err := json.Unmarshal([]byte(l.Snapshot), &s); err != nil {
		return ConnectionProblem{}, fmt.Errorf("app: ticket %s: %w", l.TicketKey, err)
	}
	return ConnectionProblem{
		TicketView: TicketView{
			TicketRef: TicketRef{Key: l.TicketKey, URL: l.URL, Status: s.Status, State: linkState(l, s), Purpose: l.Purpose, Note: l.Reason, Estimate: estimateOf(s.Estimate)},
			ID:        l.TicketID, Connection: l.Connection, Object: l.Object, Summary: s.Summary,
		},
		Product: l.Product, Since: s.Updated,
	}, nil
}

// nameProblems adds the names of products and objects.
func nameProblems(tx *store.Tx, items []ConnectionProblem) error {
	type names struct {
		product string
		titles  map[string]string
	}
	known := map[model.ProductID]names{}
	for i := range items {
		p := &items[i]
		n, ok := known[p.Product]
		if !ok {
			m, _, err := tx.ReadModel(p.Product)
			if err != nil {
				return err
			}
			n = names{m.Product.Name, objectTitles(m)}
			known[p.Product] = n
		}
		p.ProductName, p.Summary = n.product, cmp.Or(p.Summary, n.titles[p.Object])
	}
	return nil
}

// VocabularyView is what a tracker calls its statuses and resolutions.
type VocabularyView struct {
	tracker.Vocabulary
	Source string `json:"source" enum:"tracker,seen" doc:"tracker: it said so itself. seen: collected from the tickets that we know"`
	Note   string `json:"note,omitempty" doc:"Why the tracker did not say it"`
}

// Vocabulary asks a connection's tracker what it calls things in a project; where
// it does not say, what was seen in our tickets is returned. Without a project
// the one of our tickets is taken.
func (a *App) Vocabulary(ctx context.Context, c Caller, id string, target tracker.Target) (VocabularyView, error) {
	seen, err := query(ctx, a, c, policy.ConnectionManage, "", func(tx *store.Tx) (VocabularyView, error) {
		v := VocabularyView{Source: "seen", Vocabulary: tracker.Vocabulary{Statuses: []tracker.StatusName{}, Resolutions: []string{}}}
		if _, err := tx.Connection(id); err != nil {
			return v, err
		}
		links, err := tx.Links(store.LinkFilter{Connection: id})
		for _, l := range links {
			var s ticketing.Snapshot
			if err := json.Unmarshal([]byte(l.Snapshot), &s); err != nil {
				return v, fmt.Errorf("app: ticket %s: %w", l.TicketKey, err)
			}
			if target.Project == "" {
				target.Project = s.Project
			}
			if name := (tracker.StatusName{Name: s.Status, Category: s.Category}); s.Status != "" && !slices.Contains(v.Statuses, name) {
				v.Statuses = append(v.Statuses, name)
			}
			if s.Resolution != "" && !slices.Contains(v.Resolutions, s.Resolution) {
				v.Resolutions = append(v.Resolutions, s.Resolution)
			}
		}
		return v, err
	})
	if err != nil {
		return seen, err
	}
	t, err := a.Tracker(ctx, id)
	if err != nil {
		return seen, err
	}
	s, ok := t.(tracker.Speaker)
	if !ok {
		return seen, nil
	}
	v, err := s.Vocabulary(ctx, target)
	if err != nil {
		seen.Note = tracker.AsError(err).Error()
		return seen, ctx.Err()
	}
	return VocabularyView{Vocabulary: v, Source: "tracker"}, nil
}
