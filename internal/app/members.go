package app

import (
	"context"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// MemberView is a person's role on a product.
type MemberView struct {
	User  string      `json:"user"`
	Name  string      `json:"name"`
	Email string      `json:"email" doc:"Empty but for oneself and for administrators of the installation"`
	Role  policy.Role `json:"role" enum:"viewer,developer,modeller,approver,administrator"`
	// Version follows from the role, which is all that can be changed.
	Version int64 `json:"version" doc:"Send it as If-Match with a change of the role"`
}

// memberVersion is the version of a membership with the role; 0 is no membership.
func memberVersion(role policy.Role) int64 { return int64(slices.Index(policy.Roles(), role) + 1) }

// Members lists who has which role on a product, by account id.
func (a *App) Members(ctx context.Context, c Caller, product model.ProductID, cursor string, limit int) (Page[MemberView], error) {
	return query(ctx, a, c, policy.RoleRead, product, func(tx *store.Tx) (Page[MemberView], error) {
		list, err := tx.Members(product)
		if err != nil {
			return Page[MemberView]{}, err
		}
		cut, err := paginate(list, func(m *store.Membership) string { return m.User }, cursor, limit)
		page := Page[MemberView]{Items: []MemberView{}, Next: cut.Next}
		if err != nil || len(cut.Items) == 0 {
			return page, err
		}
		ids := make([]string, len(cut.Items))
		for i, m := range cut.Items {
			ids[i] = m.User
		}
		accounts, err := tx.Names(store.People{IDs: ids})
		if err != nil {
			return page, err
		}
		for i, m := range cut.Items { // both by account id, and no membership outlives its account
			v := MemberView{User: m.User, Name: accounts[i].Name, Role: policy.Role(m.Role), Version: memberVersion(policy.Role(m.Role))}
			if c.Admin || m.User == c.User {
				v.Email = accounts[i].Email
			}
			page.Items = append(page.Items, v)
		}
		return page, nil
	})
}

// SetMember gives a person a role on a product; "" takes it. It is refused
// (fault.Stale) where the role is not that of the version any more.
func (a *App) SetMember(ctx context.Context, c Caller, product model.ProductID, user string, version int64, role policy.Role) error {
	if role != "" {
		if _, err := policy.ParseRole(string(role)); err != nil {
			return err
		}
	}
	_, err := attach(ctx, a, c, policy.RoleManage, product, func(ch *changing) (struct{}, error) {
		if _, err := ch.tx.Account(user); err != nil {
			return struct{}{}, err
		}
		old, err := ch.tx.Role(user, product)
		if err != nil {
			return struct{}{}, err
		}
		if now := memberVersion(policy.Role(old)); version != 0 && version != now {
			return struct{}{}, fault.New(fault.Stale, "role.stale", "the role was changed meanwhile; look at it again and repeat the change").With("header.If-Match", "is %d, now %d", version, now)
		}
		if role == "" {
			err = ch.tx.RemoveMembership(user, product)
		} else {
			err = ch.tx.SetMembership(store.Membership{User: user, Product: product, Role: string(role)})
		}
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("role.set", "user/"+user, old, role)
	})
	return err
}
