// Package policy says who may do what: Can(actor, action, scope). It is one
// table of actions, each with the least role that may take it, and a few rules
// around it; testdata/matrix.txt holds the whole answer, and a test compares.
//
// Everything is denied unless the table allows it: an unknown action or role, an
// action asked in a scope it does not have, nobody. The package stands alone:
// it knows no accounts, no products and no storage. Who an actor is and which
// role they have on a product is for the caller to find out.
package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
)

// Role is what somebody is on one product. Each may do what the one before may.
type Role string

// The roles, from least to most.
const (
	Viewer        Role = "viewer"        // reads everything of the product
	Developer     Role = "developer"     // says what is done, uploads results, works on tickets
	Modeller      Role = "modeller"      // changes the model, plans, publishes tickets, triages
	Approver      Role = "approver"      // decides what risk is carried
	Administrator Role = "administrator" // settings, people and trackers of the product
)

// Roles returns the roles from least to most.
func Roles() []Role { return []Role{Viewer, Developer, Modeller, Approver, Administrator} }

// ParseRole returns the role of the name; the error is a fault.Invalid.
func ParseRole(name string) (Role, error) {
	if r := Role(name); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", fault.New(fault.Invalid, "policy.role_unknown", "the role %q does not exist; the roles are viewer, developer, modeller, approver and administrator", name)
}

// AtLeast reports whether the role may do what the other may; no role is less than any.
func (r Role) AtLeast(other Role) bool { return rank(r) >= rank(other) }

// TokenScope narrows what an API token may do of what its owner may.
type TokenScope string

// The scopes of tokens.
const (
	ScopeUpload TokenScope = "upload" // upload results and follow the upload, nothing else
	ScopeRead   TokenScope = "read"   // read
	ScopeWrite  TokenScope = "write"  // read, upload and change products
	ScopeAdmin  TokenScope = "admin"  // everything that the owner may
)

// Scopes are the scopes of one token. None allow nothing.
type Scopes []TokenScope

// ParseScopes reads scopes separated by commas or spaces, as String writes them;
// the error is a fault.Invalid, also for none.
func ParseScopes(text string) (Scopes, error) {
	var scopes Scopes
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		s := TokenScope(word)
		if _, ok := allowedBy[s]; !ok {
			return nil, fault.New(fault.Invalid, "policy.scope_unknown", "the scope %q does not exist; the scopes are upload, read, write and admin", word)
		}
		scopes = append(scopes, s)
	}
	if len(scopes) == 0 {
		return nil, fault.New(fault.Invalid, "policy.scope_missing", "a token needs at least one scope: upload, read, write or admin")
	}
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

// String writes the scopes sorted and separated by commas.
func (s Scopes) String() string {
	words := make([]string, len(s))
	for i, x := range s {
		words[i] = string(x)
	}
	slices.Sort(words)
	return strings.Join(words, ",")
}

// Actor is who acts, as far as it decides anything. The zero Actor is nobody.
type Actor struct {
	SignedIn bool // a session or token of an account that is not disabled
	Admin    bool // administrator of the instance: every role on every product
	Role     Role // on the product that is asked about; "" is none
	// Token says that an API token acts: Scopes and Product narrow what its
	// owner may.
	Token   bool
	Scopes  Scopes
	Product string // the only product of a bound token; "" is not bound
}

// Scope is where an action is taken: on a product, or on the instance where Product is "".
type Scope struct {
	Product string
}

// Can reports whether the actor may take the action there.
func Can(a Actor, action Action, in Scope) bool {
	rule, ok := table[action]
	if !ok || !a.SignedIn || a.Token && !a.tokenAllows(action, rule, in) {
		return false
	}
	if in.Product == "" {
		switch rule.instance {
		case anyone:
			return true
		case admins:
			return a.Admin
		}
		return false
	}
	if rule.product == "" {
		return false
	}
	return a.Admin || rank(a.Role) >= rank(rule.product)
}

// Allowed returns the actions that the actor may take there, sorted by name; never nil.
func Allowed(a Actor, in Scope) []Action {
	list := make([]Action, 0, len(table))
	for action := range table {
		if Can(a, action, in) {
			list = append(list, action)
		}
	}
	slices.Sort(list)
	return list
}

// rank is 0 for what is no role, so that it is below every rule's.
func rank(r Role) int { return slices.Index(Roles(), r) + 1 }

func (a Actor) tokenAllows(action Action, rule rule, in Scope) bool {
	if a.Product != "" && in.Product != a.Product && !(in.Product == "" && slices.Contains(unbound, action)) {
		return false
	}
	return slices.ContainsFunc(a.Scopes, func(s TokenScope) bool { return slices.Contains(allowedBy[s], rule.class) })
}

// class groups actions for the scopes of tokens.
type class string

const (
	reads   class = "read"
	follows class = "follow" // what an uploader needs to see of its upload
	uploads class = "upload"
	writes  class = "write"
	manages class = "admin"
)

var allowedBy = map[TokenScope][]class{
	ScopeUpload: {follows, uploads},
	ScopeRead:   {follows, reads},
	ScopeWrite:  {follows, reads, uploads, writes},
	ScopeAdmin:  {follows, reads, uploads, writes, manages},
}

// unbound are the actions on the instance that a token bound to a product keeps:
// without them no client can find its way. The list of products shows it only its own.
var unbound = []Action{InstanceRead, ProductList, LibraryRead, JobRead, AccountOwn}

// whole is who may take an action on the instance.
type whole int

const (
	nobody whole = iota
	anyone       // every account
	admins       // administrators of the instance
)

type rule struct {
	product  Role // the least role on the product; "" is not an action on a product
	instance whole
	class    class
	text     string
}

// Described is an action with its meaning.
type Described struct {
	Action Action `json:"action"`
	Text   string `json:"text"` // one line for people
}

// Actions returns all actions, sorted by name.
func Actions() []Described {
	list := make([]Described, 0, len(table))
	for a, r := range table {
		list = append(list, Described{Action: a, Text: r.text})
	}
	slices.SortFunc(list, func(a, b Described) int { return cmp.Compare(a.Action, b.Action) })
	return list
}
