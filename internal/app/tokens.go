package app

import (
	"context"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// TokenView is an API token without its secret.
type TokenView struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	Scopes  []string        `json:"scopes"`
	Product model.ProductID `json:"product,omitempty"`
	Created time.Time       `json:"created"`
	Expires *time.Time      `json:"expires,omitempty"`
	Used    *time.Time      `json:"used,omitempty"`
	Revoked *time.Time      `json:"revoked,omitempty"`
	Token   string          `json:"token,omitempty" doc:"The secret; shown once, when the token is made"`
}

func viewToken(t store.Token) TokenView {
	v := TokenView{ID: t.ID, Name: t.Name, Scopes: strings.Split(t.Scopes, ","), Product: t.Product, Created: t.CreatedAt}
	for _, p := range []struct {
		at  time.Time
		dst **time.Time
	}{{t.ExpiresAt, &v.Expires}, {t.UsedAt, &v.Used}, {t.RevokedAt, &v.Revoked}} {
		if !p.at.IsZero() {
			at := p.at
			*p.dst = &at
		}
	}
	return v
}

// TokenInput makes an API token.
type TokenInput struct {
	Name    string          `json:"name" minLength:"1" maxLength:"200" doc:"What uses it"`
	Scopes  []string        `json:"scopes" minItems:"1" doc:"upload, read, write, admin; they only narrow what you may"`
	Product model.ProductID `json:"product,omitempty" doc:"Only for this product"`
	Days    int             `json:"days,omitempty" minimum:"0" maximum:"3650" doc:"Until it expires; 0 is never"`
}

// AddToken makes an API token of the caller's own.
func (a *App) AddToken(ctx context.Context, c Caller, in TokenInput) (TokenView, error) {
	scopes, err := policy.ParseScopes(strings.Join(in.Scopes, ","))
	if err != nil {
		return TokenView{}, err
	}
	c.Key = "" // a secret is not kept for repetitions
	return change(ctx, a, c, policy.TokenOwn, "", Cause{}, func(ch *changing) (TokenView, error) {
		if in.Product != "" {
			if err := a.allow(ch.tx, c, policy.ProductRead, in.Product); err != nil {
				return TokenView{}, err
			}
		}
		secret, hash, err := identity.NewToken(identity.APIToken, a.randomReader())
		if err != nil {
			return TokenView{}, err
		}
		t := store.Token{ID: a.id("tok"), Hash: hash, Name: cleanLine(in.Name, 200), User: c.User, Scopes: scopes.String(), Product: in.Product, CreatedAt: ch.at}
		if in.Days > 0 {
			t.ExpiresAt = ch.at.AddDate(0, 0, in.Days)
		}
		if err := ch.tx.AddToken(t); err != nil {
			return TokenView{}, err
		}
		v := viewToken(t)
		if err := ch.record("token.add", "token/"+t.ID, nil, v); err != nil {
			return TokenView{}, err
		}
		v.Token = secret.Reveal()
		return v, nil
	})
}

// Tokens lists the caller's own tokens by id.
func (a *App) Tokens(ctx context.Context, c Caller, cursor string, limit int) (Page[TokenView], error) {
	return query(ctx, a, c, policy.TokenOwn, "", func(tx *store.Tx) (Page[TokenView], error) {
		list, err := tx.Tokens(c.User)
		if err != nil {
			return Page[TokenView]{}, err
		}
		views := make([]TokenView, 0, len(list))
		for _, t := range list {
			views = append(views, viewToken(t))
		}
		return paginate(views, func(v *TokenView) string { return v.ID }, cursor, limit)
	})
}

// RevokeToken ends a token: one's own, or anybody's for who manages tokens.
func (a *App) RevokeToken(ctx context.Context, c Caller, id string) error {
	_, err := change(ctx, a, c, policy.TokenOwn, "", Cause{}, func(ch *changing) (struct{}, error) {
		t, err := ch.tx.Token(id)
		if err != nil {
			return struct{}{}, err
		}
		if t.User != c.User {
			if err := a.allow(ch.tx, c, policy.TokenManage, ""); err != nil {
				return struct{}{}, notFound("token", id)
			}
		}
		if err := ch.tx.RevokeToken(id, ch.at); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("token.revoke", "token/"+id, nil, nil)
	})
	return err
}
