package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// PersonView is as much of an account as others need to name its person.
type PersonView struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty" doc:"For administrators of the installation only"`
}

// personKey is a person's place in the list.
type personKey struct {
	Name string `json:"n"`
	ID   string `json:"i"`
}

func comparePeople(a, b personKey) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}

// People lists who can be named as an owner, by name: where product is given its
// members and the administrators of the installation, else those with whom the
// caller shares a product, and everybody for administrators of the installation.
// Text is part of the name, case and accents aside; for administrators of the
// e-mail address too.
func (a *App) People(ctx context.Context, c Caller, product model.ProductID, text, cursor string, limit int) (Page[PersonView], error) {
	return query(ctx, a, c, policy.UserRead, "", func(tx *store.Tx) (Page[PersonView], error) {
		page := Page[PersonView]{Items: []PersonView{}}
		which := store.People{Product: product}
		if product != "" {
			if err := a.allow(tx, c, policy.RoleRead, product); err != nil {
				return page, err
			}
		} else if !c.Admin {
			which.With = c.User
		}
		list, err := tx.Names(which)
		if err != nil {
			return page, err
		}
		type found struct {
			key personKey
			acc store.Account
		}
		text = store.Fold(strings.TrimSpace(text))
		var people []found
		for _, acc := range list {
			name := store.Fold(acc.Name)
			if text == "" || strings.Contains(name, text) || c.Admin && strings.Contains(store.FoldEmail(acc.Email), text) {
				people = append(people, found{personKey{name, acc.ID}, acc})
			}
		}
		slices.SortFunc(people, func(x, y found) int { return comparePeople(x.key, y.key) })
		if cursor == "" {
			total := len(people)
			page.Total = &total
		} else {
			var after personKey
			if err := decodeCursor(cursor, &after); err != nil {
				return page, err
			}
			people = slices.DeleteFunc(people, func(p found) bool { return comparePeople(p.key, after) <= 0 })
		}
		if limit = clampLimit(limit); len(people) > limit {
			people = people[:limit]
			page.Next = encodeCursor(people[limit-1].key)
		}
		for _, p := range people {
			v := PersonView{ID: p.acc.ID, Name: p.acc.Name}
			if c.Admin {
				v.Email = p.acc.Email
			}
			page.Items = append(page.Items, v)
		}
		return page, nil
	})
}
