package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// AssignedView is a piece of work of the caller's.
type AssignedView struct {
	Kind        string          `json:"kind" enum:"threat,countermeasure"`
	ID          string          `json:"id"`
	Title       string          `json:"title"`
	Product     model.ProductID `json:"product"`
	ProductName string          `json:"product_name"`
	Where       model.ElementID `json:"where"`
	WhereName   string          `json:"where_name"`
	State       string          `json:"state" doc:"Status of a threat, state of a countermeasure"`
	Current     int             `json:"current" doc:"Current rating of the threat; of a countermeasure, the highest of those it serves"`
	Band        risk.Band       `json:"band"`
	Tickets     []TicketRef     `json:"tickets,omitempty"`
	Version     int64           `json:"version"`
	exact       float64
}

// assignedKey is the place of a piece of work in the list: highest rating first.
type assignedKey struct {
	Exact   float64 `json:"e"`
	Product string  `json:"p"`
	Kind    string  `json:"k"`
	ID      string  `json:"i"`
}

func (v *AssignedView) key() assignedKey {
	return assignedKey{v.exact, string(v.Product), v.Kind, v.ID}
}

func compareAssigned(a, b assignedKey) int {
	return cmp.Or(cmp.Compare(b.Exact, a.Exact), cmp.Compare(a.Product, b.Product), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// Assigned lists what the caller owns and is not done, over all products that
// they may see and that are not archived: open threats, and countermeasures that
// are recommended or required. The highest current rating comes first.
func (a *App) Assigned(ctx context.Context, c Caller, cursor string, limit int) (Page[AssignedView], error) {
	return query(ctx, a, c, policy.ProductList, "", func(tx *store.Tx) (Page[AssignedView], error) {
		page := Page[AssignedView]{Items: []AssignedView{}}
		products, err := tx.OwnedProducts(c.User, c.visible())
		if err != nil {
			return page, err
		}
		var all []AssignedView
		for _, id := range products {
			if c.Product != "" && id != c.Product {
				continue
			}
			p, err := a.picture(tx, id)
			if err != nil {
				return page, err
			}
			all = append(all, p.assigned(c.User)...)
		}
		slices.SortFunc(all, func(x, y AssignedView) int { return compareAssigned(x.key(), y.key()) })
		if cursor == "" {
			total := len(all)
			page.Total = &total
		} else {
			var after assignedKey
			if err := decodeCursor(cursor, &after); err != nil {
				return page, err
			}
			all = slices.DeleteFunc(all, func(v AssignedView) bool { return compareAssigned(v.key(), after) <= 0 })
		}
		if limit = clampLimit(limit); len(all) > limit {
			all = all[:limit]
			page.Next = encodeCursor(all[limit-1].key())
		}
		page.Items = append(page.Items, all...)
		return page, nil
	})
}

// assigned are a person's open pieces of work in one product.
func (p *picture) assigned(owner string) []AssignedView {
	var out []AssignedView
	add := func(kind, id, title string, where model.ElementID, state string) *AssignedView {
		out = append(out, AssignedView{
			Kind: kind, ID: id, Title: title, Product: p.m.Product.ID, ProductName: p.m.Product.Name, Where: where, WhereName: p.names[where],
			State: state, Tickets: p.tickets[id], Version: p.versions.Of(kind, id),
		})
		return &out[len(out)-1]
	}
	for i := range p.m.Threats {
		t := &p.m.Threats[i]
		r, rated := p.ratings.Threat(t.ID)
		// An acceptance that has ended leaves the threat open, whatever its status still says.
		if t.Owner != owner || !rated || r.Standing != risk.StandsOpen && t.Status != model.Open {
			continue
		}
		v := add(store.KindThreat, string(t.ID), t.Title, t.Where, string(t.Status))
		v.Current, v.Band, v.exact = r.Current, r.Band, r.Exact.Current
		if r.Unrated {
			v.exact = -1
		}
	}
	for i := range p.m.Countermeasures {
		m := &p.m.Countermeasures[i]
		if m.Owner != owner || m.Retired != nil || m.State != model.Recommended && m.State != model.Required {
			continue
		}
		v := add(store.KindCountermeasure, string(m.ID), m.Title, m.Where, string(m.State))
		v.exact, v.Current, v.Band = p.highest(p.ofCountermeasure[m.ID])
	}
	return out
}
