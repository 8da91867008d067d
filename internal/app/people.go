package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
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
// by name for everybody else, who see no address but their own. The first page of
// all of them tells administrators how many there are. Text is part of
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
		if cursor == "" && text == "" {
			all, _, err := tx.CountAccounts()
			if err != nil {
				return page, err
			}
			total := int(all)
			page.Total = &total
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
