package app

import (
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// allow checks that the caller may take the action on the product, or on the
// instance where product is "". A product that the caller may not even read
// does not exist for them.
func (a *App) allow(tx *store.Tx, c Caller, action policy.Action, product model.ProductID) error {
	if c.Kind == "system" {
		return nil
	}
	if c.User == "" {
		return fault.New(fault.Unauthenticated, "session.none", "sign in, or send an API token as Authorization: Bearer")
	}
	actor, err := actorOn(tx, c, product)
	if err != nil {
		return err
	}
	scope := policy.Scope{Product: string(product)}
	if policy.Can(actor, action, scope) {
		return nil
	}
	if product != "" && !c.Admin && actor.Role == "" || c.Product != "" && product != "" && product != c.Product {
		return fault.New(fault.NotFound, "product.not_found", "there is no product %s", product)
	}
	if c.Kind == "token" {
		return fault.New(fault.Forbidden, "permission.token", "this token may not do that (%s); its scopes are %s", action, c.Scopes)
	}
	return fault.New(fault.Forbidden, "permission.role", "your role does not allow this (%s); ask an administrator of the product", action)
}

// actorOn is the caller as the policy sees it on the product, or on the instance where product is "".
func actorOn(tx *store.Tx, c Caller, product model.ProductID) (policy.Actor, error) {
	actor := policy.Actor{SignedIn: c.User != "", Admin: c.Admin, Token: c.Kind == "token", Scopes: c.Scopes, Product: string(c.Product)}
	if product == "" || c.User == "" {
		return actor, nil
	}
	role, err := tx.Role(c.User, product)
	actor.Role = policy.Role(role)
	return actor, err
}

// rights are the caller's role on a product, which instance administrators have
// without being a member, and what they may do there.
func rights(tx *store.Tx, c Caller, product model.ProductID) (policy.Role, []policy.Action, error) {
	actor, err := actorOn(tx, c, product)
	if err != nil {
		return "", nil, err
	}
	role := actor.Role
	if actor.Admin {
		role = policy.Administrator
	}
	return role, policy.Allowed(actor, policy.Scope{Product: string(product)}), nil
}

// also checks a further action of the change under way, for what takes more than its first.
func (ch *changing) also(action policy.Action) error {
	return ch.app.allow(ch.tx, ch.caller, action, ch.before.Product.ID)
}

// visible are the products that lists show the caller.
func (c Caller) visible() store.Visible {
	if c.Kind == "system" || c.Admin && c.Kind != "token" || c.Admin && c.Product == "" {
		return store.Everything()
	}
	return store.MemberOf(c.User)
}
