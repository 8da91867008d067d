package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/model"
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

// UserView is an account as others see it.
type UserView struct {
	ID       string    `json:"id"`
	Email    string    `json:"email" doc:"Empty but for oneself and for administrators of the installation"`
	Name     string    `json:"name"`
	Admin    bool      `json:"admin,omitempty" doc:"Administrator of the installation"`
	Disabled bool      `json:"disabled,omitempty"`
	Created  time.Time `json:"created"`
	Version  int64     `json:"version"`
}

// ETag returns the version of the account.
func (v UserView) ETag() int64 { return v.Version }

func viewUser(a store.Account) UserView {
	return UserView{ID: a.ID, Email: a.Email, Name: a.Name, Admin: a.Admin, Disabled: a.Disabled, Created: a.CreatedAt, Version: a.Version}
}

// SignedIn is a new session; Token is shown once.
type SignedIn struct {
	User    UserView        `json:"user"`
	Token   identity.Secret `json:"-"`
	Expires time.Time       `json:"expires"`
}

// AccountInput makes an account.
type AccountInput struct {
	Email    string          `json:"email" format:"email" maxLength:"200"`
	Name     string          `json:"name" maxLength:"200"`
	Password identity.Secret `json:"password" doc:"At least 12 characters"`
	Admin    bool            `json:"admin,omitempty" doc:"Administrator of the installation"`
}

// SetupInput makes the first account.
type SetupInput struct {
	AccountInput
	Token identity.Secret `json:"token,omitempty" doc:"That the server printed when it started, where it demands one"`
}

// SetupNeeded reports whether the first administrator is still to be made, and
// whether that needs the token of the setup.
func (a *App) SetupNeeded(ctx context.Context) (needed, token bool, err error) {
	var n int64
	err = a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		n, _, err = tx.CountAccounts()
		return err
	})
	needed = n == 0
	return needed, needed && a.SetupToken != "", err
}

var errSetupDone = fault.New(fault.Conflict, "setup.done", "this installation has its administrator already; sign in")

// Setup makes the first administrator and signs them in; a conflict once there is
// an account, forbidden without the token where one is needed.
func (a *App) Setup(ctx context.Context, c Caller, in SetupInput) (SignedIn, error) {
	needed, token, err := a.SetupNeeded(ctx)
	switch {
	case err != nil:
		return SignedIn{}, err
	case !needed:
		return SignedIn{}, errSetupDone
	case token && !identity.SameSecret(in.Token, a.SetupToken):
		return SignedIn{}, fault.New(fault.Forbidden, "setup.token", "the setup token is missing or wrong; the server prints it when it starts, or it was set as THREATLOOP_SETUP_TOKEN")
	}
	hash, err := a.newPassword(ctx, in.AccountInput)
	if err != nil {
		return SignedIn{}, err
	}
	var out SignedIn
	err = a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, _, err := tx.CountAccounts()
		if err != nil {
			return err
		}
		if n > 0 {
			return errSetupDone // two at once
		}
		in.Admin = true
		out, err = changeIn(ctx, a, tx, c, "", Cause{}, func(ch *changing) (SignedIn, error) {
			acc, err := ch.addAccount(in.AccountInput, hash)
			if err != nil {
				return SignedIn{}, err
			}
			return ch.signIn(acc)
		})
		return err
	})
	return out, err
}

func (a *App) newPassword(ctx context.Context, in AccountInput) (string, error) {
	if err := identity.CheckPassword(in.Password, in.Email, in.Name); err != nil {
		return "", err
	}
	return a.passwords.Hash(ctx, in.Password)
}

func (ch *changing) addAccount(in AccountInput, hash string) (store.Account, error) {
	acc := store.Account{ID: ch.app.id("usr"), Email: strings.TrimSpace(in.Email), Name: cleanLine(in.Name, 200), PasswordHash: hash, Admin: in.Admin, CreatedAt: ch.at, Version: 1}
	if acc.Name == "" {
		acc.Name, _, _ = strings.Cut(acc.Email, "@") // others see the name, and no address
	}
	if err := ch.tx.AddAccount(acc); err != nil {
		return acc, err
	}
	return acc, ch.record("user.add", "user/"+acc.ID, nil, viewUser(acc))
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
	if rehash {
		if acc.PasswordHash, err = a.passwords.Hash(ctx, password); err != nil {
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
			if rehash {
				if err := ch.tx.SetAccount(acc); err != nil {
					return SignedIn{}, err
				}
			}
			return ch.signIn(acc)
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

// SessionView is the caller's own account, and what they may do on the instance.
type SessionView struct {
	UserView
	Can []policy.Action `json:"can" doc:"What the caller may do on the installation, sorted"`
}

// Me shows the caller's own account with what they may do on the instance.
func (a *App) Me(ctx context.Context, c Caller) (SessionView, error) {
	return query(ctx, a, c, policy.AccountOwn, "", func(tx *store.Tx) (SessionView, error) {
		acc, err := tx.Account(c.User)
		if err != nil {
			return SessionView{}, err
		}
		_, can, err := rights(tx, c, "")
		return SessionView{UserView: viewUser(acc), Can: can}, err
	})
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

// SetPassword changes the caller's own password and ends all their other sessions.
func (a *App) SetPassword(ctx context.Context, c Caller, old, fresh identity.Secret) error {
	var acc store.Account
	if _, err := query(ctx, a, c, policy.TokenOwn, "", func(tx *store.Tx) (bool, error) {
		var err error
		acc, err = tx.Account(c.User)
		return true, err
	}); err != nil {
		return err
	}
	match, _, err := a.passwords.Verify(ctx, acc.PasswordHash, old)
	if err != nil {
		return err
	}
	if !match {
		return fault.New(fault.Invalid, "password.old", "the old password is wrong").With("body.old", "expected your current password")
	}
	if acc.PasswordHash, err = a.newPassword(ctx, AccountInput{Email: acc.Email, Name: acc.Name, Password: fresh}); err != nil {
		return err
	}
	_, err = change(ctx, a, c, policy.TokenOwn, "", Cause{}, func(ch *changing) (struct{}, error) {
		if err := ch.tx.SetAccount(acc); err != nil {
			return struct{}{}, err
		}
		if _, err := ch.tx.RemoveSessions(acc.ID, c.session); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("user.password", "user/"+acc.ID, nil, nil)
	})
	return err
}

// Users lists accounts: by e-mail address for administrators of the installation,
// by name for everybody else, who see no address but their own. Text is part of
// the address, for everybody else of the name.
func (a *App) Users(ctx context.Context, c Caller, text, cursor string, limit int) (Page[UserView], error) {
	return query(ctx, a, c, policy.UserRead, "", func(tx *store.Tx) (Page[UserView], error) {
		limit = clampLimit(limit)
		if !c.Admin {
			return usersByName(tx, c, text, cursor, limit)
		}
		page := Page[UserView]{Items: []UserView{}}
		after := ""
		if cursor != "" {
			if err := decodeCursor(cursor, &after); err != nil {
				return page, err
			}
		}
		list, err := tx.Accounts(text, after, limit)
		if err != nil {
			return page, err
		}
		for _, acc := range list {
			page.Items = append(page.Items, viewUser(acc))
		}
		if len(list) == limit {
			page.Next = encodeCursor(list[len(list)-1].Email)
		}
		return page, nil
	})
}

// usersByName lists accounts in a way that tells nothing of their addresses: not
// by their order, not by the cursor, not by what a search finds.
func usersByName(tx *store.Tx, c Caller, text, cursor string, limit int) (Page[UserView], error) {
	page := Page[UserView]{Items: []UserView{}}
	var after personKey
	if cursor != "" {
		if err := decodeCursor(cursor, &after); err != nil {
			return page, err
		}
	}
	type found struct {
		key personKey
		acc store.Account
	}
	var people []found
	text = store.Fold(strings.TrimSpace(text))
	const most = 1000 // accounts that the store gives at once
	for last := ""; ; {
		list, err := tx.Accounts("", last, most)
		if err != nil {
			return page, err
		}
		for _, acc := range list {
			key := personKey{store.Fold(acc.Name), acc.ID}
			if strings.Contains(key.Name, text) && (cursor == "" || comparePeople(key, after) > 0) {
				people = append(people, found{key, acc})
			}
		}
		if len(list) < most {
			break
		}
		last = list[len(list)-1].Email
	}
	slices.SortFunc(people, func(x, y found) int { return comparePeople(x.key, y.key) })
	if len(people) > limit {
		people = people[:limit]
		page.Next = encodeCursor(people[limit-1].key)
	}
	for _, p := range people {
		v := viewUser(p.acc)
		if v.ID != c.User {
			v.Email = ""
		}
		// An account that was made without a name is called by its address.
		if v.Email == "" && strings.Contains(v.Name, "@") && store.FoldEmail(v.Name) == store.FoldEmail(p.acc.Email) {
			v.Name, _, _ = strings.Cut(v.Name, "@")
		}
		page.Items = append(page.Items, v)
	}
	return page, nil
}

// AddUser makes an account.
func (a *App) AddUser(ctx context.Context, c Caller, in AccountInput) (UserView, error) {
	// Before the password is looked at: hashing is expensive, and a refusal says nothing of it.
	if err := a.Check(ctx, c, policy.UserManage, ""); err != nil {
		return UserView{}, err
	}
	hash, err := a.newPassword(ctx, in)
	if err != nil {
		return UserView{}, err
	}
	return change(ctx, a, c, policy.UserManage, "", Cause{}, func(ch *changing) (UserView, error) {
		acc, err := ch.addAccount(in, hash)
		return viewUser(acc), err
	})
}

// UserEdit is a change of an account; nil fields are left alone.
type UserEdit struct {
	Name     *string          `json:"name,omitempty" maxLength:"200"`
	Admin    *bool            `json:"admin,omitempty"`
	Disabled *bool            `json:"disabled,omitempty"`
	Password *identity.Secret `json:"password,omitempty"`
}

// EditUser changes an account; the last administrator stays one.
func (a *App) EditUser(ctx context.Context, c Caller, id string, version int64, in UserEdit) (UserView, error) {
	if err := a.Check(ctx, c, policy.UserManage, ""); err != nil {
		return UserView{}, err
	}
	hash := ""
	if in.Password != nil {
		acc, err := query(ctx, a, c, policy.UserManage, "", func(tx *store.Tx) (store.Account, error) { return tx.Account(id) })
		if err != nil {
			return UserView{}, err
		}
		if hash, err = a.newPassword(ctx, AccountInput{Email: acc.Email, Name: acc.Name, Password: *in.Password}); err != nil {
			return UserView{}, err
		}
	}
	return change(ctx, a, c, policy.UserManage, "", Cause{}, func(ch *changing) (UserView, error) {
		acc, err := ch.tx.Account(id)
		if err != nil {
			return UserView{}, err
		}
		before := viewUser(acc)
		if version != 0 && version != acc.Version {
			return UserView{}, fault.New(fault.Stale, "user.stale", "the account was changed meanwhile; look at it again")
		}
		if in.Name != nil {
			if acc.Name = cleanLine(*in.Name, 200); acc.Name == "" {
				return UserView{}, fault.New(fault.Invalid, "user.name", "an account needs a name").With("body.name", "expected a name")
			}
		}
		setIf(&acc.Admin, in.Admin)
		setIf(&acc.Disabled, in.Disabled)
		if hash != "" {
			acc.PasswordHash = hash
		}
		if err := ch.tx.SetAccount(acc); err != nil {
			return UserView{}, err
		}
		if _, admins, err := ch.tx.CountAccounts(); err != nil || admins == 0 {
			if err == nil {
				err = fault.New(fault.Conflict, "user.last_admin", "this is the last administrator; make another one first")
			}
			return UserView{}, err
		}
		if acc.Disabled || hash != "" {
			if _, err := ch.tx.RemoveSessions(id, ""); err != nil {
				return UserView{}, err
			}
		}
		if hash != "" {
			if err := ch.record("user.password", "user/"+id, nil, nil); err != nil {
				return UserView{}, err
			}
		}
		acc.Version++
		return viewUser(acc), ch.record("user.change", "user/"+id, before, viewUser(acc))
	})
}

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
