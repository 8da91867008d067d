package app

import (
	"context"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// How long a session lasts without use, and at the longest.
const (
	sessionIdle = 12 * time.Hour
	sessionMax  = 14 * 24 * time.Hour
	// A session's last use is written at most this often.
	sessionTouch = time.Minute
)

// SignedIn is a new session; Token is shown once.
type SignedIn struct {
	User    UserView        `json:"user"`
	Token   identity.Secret `json:"-"`
	Expires time.Time       `json:"expires"`
}

func (ch *changing) signIn(acc store.Account) (SignedIn, error) {
	token, hash, err := identity.NewToken(identity.SessionToken, ch.app.randomReader())
	if err != nil {
		return SignedIn{}, err
	}
	expires := ch.at.Add(sessionIdle)
	s := store.Session{Hash: hash, User: acc.ID, CreatedAt: ch.at, SeenAt: ch.at, ExpiresAt: expires, UserAgent: cleanLine(ch.caller.UserAgent, 300), IP: ch.caller.IP}
	if err := ch.tx.AddSession(s); err != nil {
		return SignedIn{}, err
	}
	ch.caller.User, ch.caller.Name, ch.caller.Kind = acc.ID, acc.Name, "person"
	return SignedIn{User: viewUser(acc), Token: token, Expires: expires}, ch.record("session.start", "user/"+acc.ID, nil, map[string]string{"ip": ch.caller.IP})
}

var errLogin = fault.New(fault.Unauthenticated, "session.refused", "the e-mail address or the password is wrong")

// SignIn starts a session. Failures are slowed down per account and address,
// and say the same whether the account exists or not.
func (a *App) SignIn(ctx context.Context, c Caller, email string, password identity.Secret) (SignedIn, error) {
	limits := identity.LoginLimits(store.FoldEmail(email), c.IP)
	var acc store.Account
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error {
		if err := throttled(tx, limits, a.Now()); err != nil {
			return err
		}
		var err error
		acc, err = tx.AccountByEmail(email)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	// An unknown account costs the same time: Verify of "" compares with a decoy.
	match, rehash, err := a.passwords.Verify(ctx, acc.PasswordHash, password)
	if err != nil {
		return SignedIn{}, err
	}
	if !match || acc.Disabled || acc.ID == "" {
		if err := a.failedLogin(ctx, c, limits, acc.ID); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, errLogin
	}
	hash := acc.PasswordHash
	if rehash {
		if hash, err = a.passwords.Hash(ctx, password); err != nil {
			return SignedIn{}, err
		}
	}
	var out SignedIn
	err = a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		out, err = changeIn(ctx, a, tx, c, "", Cause{}, func(ch *changing) (SignedIn, error) {
			// Again, for those who guessed at the same time as others that failed.
			if err := throttled(ch.tx, limits, ch.at); err != nil {
				return SignedIn{}, err
			}
			if err := ch.tx.ClearFailures(limits[0].Key); err != nil {
				return SignedIn{}, err
			}
			// Comparing took its time: a password changed or an account disabled meanwhile ended its sessions.
			now, err := ch.tx.Account(acc.ID)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return SignedIn{}, err
			}
			if err != nil || now.Disabled || now.PasswordHash != acc.PasswordHash {
				return SignedIn{}, fault.New(fault.Conflict, "session.changed", "the account was changed at this moment; sign in again")
			}
			if rehash {
				now.PasswordHash = hash
				if err := ch.tx.SetAccount(now); err != nil {
					return SignedIn{}, err
				}
			}
			return ch.signIn(now)
		})
		return err
	})
	return out, err
}

// throttled refuses a login while one of its limits blocks it.
func throttled(tx *store.Tx, limits []identity.Limit, now time.Time) error {
	for _, l := range limits {
		t, err := tx.Throttle(l.Key)
		if err != nil {
			return err
		}
		if wait := t.BlockedUntil.Sub(now); wait > 0 {
			return fault.New(fault.RateLimited, "session.throttled", "too many failed attempts; try again in %s", max(wait, time.Second).Round(time.Second))
		}
	}
	return nil
}

// failedLogin counts a failure. Where another one has blocked the login meanwhile,
// it says that instead: nobody learns more by guessing at the same time.
func (a *App) failedLogin(ctx context.Context, c Caller, limits []identity.Limit, user string) error {
	return a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := changeIn(ctx, a, tx, c, "", Cause{}, func(ch *changing) (struct{}, error) {
			now := ch.at
			if err := throttled(ch.tx, limits, now); err != nil {
				return struct{}{}, err
			}
			for _, l := range limits {
				t, err := ch.tx.AddFailure(l.Key, now, now.Add(-identity.ThrottleWindow))
				if err != nil {
					return struct{}{}, err
				}
				if d := l.Delay(t.Failures); d > 0 {
					if err := ch.tx.Block(l.Key, now.Add(d)); err != nil {
						return struct{}{}, err
					}
				}
			}
			if user == "" {
				return struct{}{}, nil
			}
			return struct{}{}, ch.record("session.refuse", "user/"+user, nil, map[string]string{"ip": c.IP})
		})
		return err
	})
}

// AuthenticateSession returns the caller of a session token; fault.Unauthenticated where it does not hold.
func (a *App) AuthenticateSession(ctx context.Context, base Caller, token string) (Caller, error) {
	hash, ok := identity.HashToken(identity.SessionToken, identity.Secret(token))
	if !ok {
		return base, fault.New(fault.Unauthenticated, "session.invalid", "the session is over; sign in again")
	}
	now := store.Truncate(a.Now())
	var s store.Session
	var acc store.Account
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		if s, err = tx.Session(hash); err == nil {
			acc, err = tx.Account(s.User)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) || err == nil && (!now.Before(s.ExpiresAt) || acc.Disabled || now.Sub(s.CreatedAt) > sessionMax) {
		return base, fault.New(fault.Unauthenticated, "session.invalid", "the session is over; sign in again")
	}
	if err != nil {
		return base, err
	}
	if now.Sub(s.SeenAt) > sessionTouch {
		err := a.DB.Write(ctx, func(_ context.Context, tx *store.Tx) error { return tx.TouchSession(hash, now, now.Add(sessionIdle)) })
		if err != nil {
			return base, err
		}
	}
	base.User, base.Name, base.Kind, base.Admin, base.session = acc.ID, acc.Name, "person", acc.Admin, hash
	return base, nil
}

// AuthenticateToken returns the caller of an API or session token; fault.Unauthenticated where it does not hold.
func (a *App) AuthenticateToken(ctx context.Context, base Caller, token string) (Caller, error) {
	if kind, ok := identity.KindOfToken(identity.Secret(token)); ok && kind == identity.SessionToken {
		return a.AuthenticateSession(ctx, base, token)
	}
	invalid := fault.New(fault.Unauthenticated, "token.invalid", "the token is unknown, expired or revoked")
	hash, ok := identity.HashToken(identity.APIToken, identity.Secret(token))
	if !ok {
		return base, invalid
	}
	now := store.Truncate(a.Now())
	var t store.Token
	var acc store.Account
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		if t, err = tx.TokenByHash(hash); err == nil {
			acc, err = tx.Account(t.User)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) || err == nil && (!t.RevokedAt.IsZero() || !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) || acc.Disabled) {
		return base, invalid
	}
	if err != nil {
		return base, err
	}
	scopes, err := policy.ParseScopes(t.Scopes)
	if err != nil {
		return base, invalid
	}
	if now.Sub(t.UsedAt) > sessionTouch {
		err := a.DB.Write(ctx, func(_ context.Context, tx *store.Tx) error { return tx.TouchToken(t.ID, now) })
		if err != nil {
			return base, err
		}
	}
	base.User, base.Name, base.Kind, base.Admin, base.Scopes, base.Product = acc.ID, acc.Name+" ("+t.Name+")", "token", acc.Admin, scopes, t.Product
	return base, nil
}

// SignOut ends the caller's session.
func (a *App) SignOut(ctx context.Context, c Caller) error {
	_, err := change(ctx, a, c, policy.AccountOwn, "", Cause{}, func(ch *changing) (struct{}, error) {
		if c.session == "" {
			return struct{}{}, fault.New(fault.Invalid, "session.none", "a token has no session to end")
		}
		if err := ch.tx.RemoveSession(c.session); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("session.end", "user/"+c.User, nil, nil)
	})
	return err
}
