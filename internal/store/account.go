package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Account is a person who can sign in.
type Account struct {
	ID           string
	Email        string // unique, case and accents aside
	Name         string
	PasswordHash string // "" cannot sign in by password
	Admin        bool   // administrator of the instance
	Disabled     bool
	CreatedAt    time.Time
	Version      int64  // for If-Match; set by the store
	Doc          string // JSON of the identity package's own; "" is {}
}

const accountColumns = "id, email, name, password_hash, admin, disabled, created_at, version, doc"

func scanAccount(row func(...any) error) (a Account, err error) {
	return a, row(&a.ID, &a.Email, &a.Name, &a.PasswordHash, &a.Admin, &a.Disabled, (*stamp)(&a.CreatedAt), &a.Version, &a.Doc)
}

// FoldEmail returns the form in which e-mail addresses are unique.
func FoldEmail(email string) string { return strings.TrimSpace(Fold(email)) }

// AddAccount stores a new account at version 1; fault.Conflict if its id or e-mail is taken.
func (tx *Tx) AddAccount(a Account) error {
	n, err := tx.exec(`INSERT INTO account (id, email, folded, name, password_hash, admin, disabled, created_at, version, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9) ON CONFLICT DO NOTHING`,
		a.ID, a.Email, FoldEmail(a.Email), a.Name, a.PasswordHash, a.Admin, a.Disabled, stamp(a.CreatedAt), orEmpty(a.Doc))
	if err != nil {
		return fmt.Errorf("store: add account %s: %w", a.ID, err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "account.exists", "there is an account with this e-mail address already")
	}
	return nil
}

func orEmpty(doc string) string {
	if doc == "" {
		return "{}"
	}
	return doc
}

// SetAccount stores everything of an account but its id and creation, and raises
// its version; fault.Stale if it is not at a.Version, fault.Conflict if the
// e-mail is another's.
func (tx *Tx) SetAccount(a Account) error {
	var other string
	taken, err := tx.one("SELECT id FROM account WHERE folded = $1 AND id <> $2", []any{FoldEmail(a.Email), a.ID}, &other)
	if err != nil {
		return fmt.Errorf("store: account %s: %w", a.ID, err)
	}
	if taken {
		return fault.New(fault.Conflict, "account.exists", "there is an account with this e-mail address already")
	}
	n, err := tx.exec(`UPDATE account SET email = $2, folded = $3, name = $4, password_hash = $5, admin = $6, disabled = $7, doc = $8, version = version + 1
		WHERE id = $1 AND version = $9`, a.ID, a.Email, FoldEmail(a.Email), a.Name, a.PasswordHash, a.Admin, a.Disabled, orEmpty(a.Doc), a.Version)
	if err != nil {
		return fmt.Errorf("store: account %s: %w", a.ID, err)
	}
	if n == 0 {
		if _, err := tx.Account(a.ID); err != nil {
			return err
		}
		return fault.New(fault.Stale, "account.stale", "the account was changed in the meantime; load it again")
	}
	return nil
}

// Account returns an account; fault.NotFound if there is none.
func (tx *Tx) Account(id string) (Account, error) { return tx.account("id", id) }

// AccountByEmail returns the account with the e-mail address, case and accents
// aside; fault.NotFound if there is none.
func (tx *Tx) AccountByEmail(email string) (Account, error) {
	return tx.account("folded", FoldEmail(email))
}

func (tx *Tx) account(column, value string) (Account, error) {
	list, err := collect(tx, scanAccount, "SELECT "+accountColumns+" FROM account WHERE "+column+" = $1", value)
	if err != nil {
		return Account{}, fmt.Errorf("store: account: %w", err)
	}
	if len(list) == 0 {
		return Account{}, fault.New(fault.NotFound, "account.not_found", "there is no such account")
	}
	return list[0], nil
}

// Accounts returns a page of accounts by e-mail, after the given e-mail ("" is
// the first page); text is part of the e-mail.
func (tx *Tx) Accounts(text, after string, max int) ([]Account, error) {
	var c conditions
	if text != "" {
		escape := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)
		c.add(`folded LIKE ? ESCAPE '\'`, "%"+escape.Replace(Fold(text))+"%")
	}
	c.add("folded > ?", FoldEmail(after))
	list, err := collect(tx, scanAccount, "SELECT "+accountColumns+" FROM account"+c.where()+" ORDER BY folded LIMIT "+c.arg(limit(max)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: accounts: %w", err)
	}
	return list, nil
}

// People selects accounts that may sign in. The zero value selects all of them.
type People struct {
	// Product leaves its members and the administrators of the instance; "" does not ask.
	Product model.ProductID
	// With leaves the person and those with whom they share a product; "" does not ask.
	With string
	// IDs leaves the accounts with these ids, disabled ones too; nil does not ask.
	IDs []string
}

// Names returns the accounts that are selected, by id, with nothing but their
// id, name, e-mail and rights filled.
func (tx *Tx) Names(p People) ([]Account, error) {
	scan := func(row func(...any) error) (a Account, err error) {
		return a, row(&a.ID, &a.Email, &a.Name, &a.Admin, &a.Disabled)
	}
	const from = "SELECT id, email, name, admin, disabled FROM account"
	if p.IDs != nil {
		var out []Account
		for chunk := range slices.Chunk(p.IDs, inChunk) {
			args := make([]any, len(chunk))
			for i, id := range chunk {
				args[i] = id
			}
			list, err := collect(tx, scan, from+" WHERE id IN ("+placeholders(1, len(chunk))+")", args...)
			if err != nil {
				return nil, fmt.Errorf("store: names of people: %w", err)
			}
			out = append(out, list...)
		}
		slices.SortFunc(out, func(a, b Account) int { return strings.Compare(a.ID, b.ID) })
		return out, nil
	}
	var c conditions
	c.add("disabled = ?", false)
	if p.Product != "" {
		c.add("(admin = ? OR id IN (SELECT user_id FROM membership WHERE product_id = ?))", true, string(p.Product))
	}
	if p.With != "" {
		c.add("(id = ? OR id IN (SELECT o.user_id FROM membership m JOIN membership o ON o.product_id = m.product_id WHERE m.user_id = ?))", p.With, p.With)
	}
	list, err := collect(tx, scan, from+c.where()+" ORDER BY id", c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: names of people: %w", err)
	}
	return list, nil
}

// CountAccounts returns how many accounts there are and how many administrators
// of them can sign in.
func (tx *Tx) CountAccounts() (all, admins int64, err error) {
	if _, err := tx.one("SELECT count(*), count(*) FILTER (WHERE admin AND NOT disabled) FROM account", nil, &all, &admins); err != nil {
		return 0, 0, fmt.Errorf("store: accounts: %w", err)
	}
	return all, admins, nil
}

// Membership is a person's role in a product.
type Membership struct {
	User    string
	Product model.ProductID
	Role    string
}

// SetMembership gives a person a role in a product, in place of the one before.
// fault.NotFound if there is no such person or product.
func (tx *Tx) SetMembership(m Membership) error {
	_, err := tx.exec("INSERT INTO membership (user_id, product_id, role) VALUES ($1, $2, $3) ON CONFLICT (user_id, product_id) DO UPDATE SET role = $3",
		m.User, string(m.Product), m.Role)
	if err != nil {
		return fmt.Errorf("store: membership of %s in %s: %w", m.User, m.Product, err)
	}
	return nil
}

// RemoveMembership ends a membership; absent ones are no error.
func (tx *Tx) RemoveMembership(user string, product model.ProductID) error {
	if _, err := tx.exec("DELETE FROM membership WHERE user_id = $1 AND product_id = $2", user, string(product)); err != nil {
		return fmt.Errorf("store: membership of %s in %s: %w", user, product, err)
	}
	return nil
}

// Role returns a person's role in a product, "" for none.
func (tx *Tx) Role(user string, product model.ProductID) (role string, err error) {
	if _, err := tx.one("SELECT role FROM membership WHERE user_id = $1 AND product_id = $2", []any{user, string(product)}, &role); err != nil {
		return "", fmt.Errorf("store: role of %s in %s: %w", user, product, err)
	}
	return role, nil
}

// Memberships returns a person's memberships by product.
func (tx *Tx) Memberships(user string) ([]Membership, error) {
	return tx.memberships("user_id = $1 ORDER BY product_id", user)
}

// Members returns a product's memberships by person.
func (tx *Tx) Members(product model.ProductID) ([]Membership, error) {
	return tx.memberships("product_id = $1 ORDER BY user_id", string(product))
}

func (tx *Tx) memberships(where, value string) ([]Membership, error) {
	list, err := collect(tx, func(row func(...any) error) (m Membership, err error) {
		return m, row(&m.User, (*string)(&m.Product), &m.Role)
	}, "SELECT user_id, product_id, role FROM membership WHERE "+where, value)
	if err != nil {
		return nil, fmt.Errorf("store: memberships: %w", err)
	}
	return list, nil
}
