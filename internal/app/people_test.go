package app

import (
	"context"
	"encoding/base64"
	"io"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// Whoever guesses many passwords at the same time gets as few answers as one who
// guesses one after the other.
func TestGuessesAtTheSameTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.Now()
	d.App.Now = func() time.Time { return at } // no block ends meanwhile
	free := identity.LoginLimits("ada@example.org", "192.0.2.1")[0].Free
	guesser := Caller{Source: "test", IP: "192.0.2.1"}
	const guesses = 24
	kinds := make([]fault.Kind, guesses)
	var wg sync.WaitGroup
	for i := range kinds {
		wg.Go(func() {
			_, err := d.SignIn(d.ctx, guesser, "ada@example.org", "not the passphrase")
			if f := fault.As(err); f != nil {
				kinds[i] = f.Kind
			}
		})
	}
	wg.Wait()
	count := map[fault.Kind]int{}
	for _, k := range kinds {
		count[k]++
	}
	if int64(count[fault.Unauthenticated]) != free || count[fault.RateLimited] != guesses-int(free) {
		t.Errorf("%d guesses at once were answered %v, want %d looked at and the others put off", guesses, count, free)
	}
	if _, err := d.SignIn(d.ctx, guesser, "ada@example.org", "a long enough passphrase"); !fault.Is(err, fault.RateLimited) {
		t.Errorf("SignIn(right, while blocked) = %v, want it put off", err)
	}
	at = at.Add(time.Hour)
	if _, err := d.SignIn(d.ctx, guesser, "ada@example.org", "a long enough passphrase"); err != nil {
		t.Errorf("SignIn(right, an hour later) = %v", err)
	}
}

func TestEditUserIsAudited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	bob := d.person("bob", "")
	if _, err := d.EditUser(d.ctx, d.admin, bob.User, 0, UserEdit{Name: ptr("  Bob\n the\tbuilder "), Password: ptr(identity.Secret("another good passphrase"))}); err != nil {
		t.Fatal(err)
	}
	rows, err := d.Audit(d.ctx, d.admin, "", AuditFilter{Object: "user/" + bob.User})
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, r := range rows.Items {
		actions = append(actions, r.Action)
	}
	if len(actions) != 3 || actions[0] != "user.change" || actions[1] != "user.password" {
		t.Errorf("the trail of an account whose password was set says %v, want the change and the password", actions)
	}
	for _, in := range []UserEdit{{Name: ptr(" \n")}, {Password: ptr(identity.Secret("bob@example.org"))}} {
		if _, err := d.EditUser(d.ctx, d.admin, bob.User, 0, in); !fault.Is(err, fault.Invalid) {
			t.Errorf("EditUser(%v) = %v, want it refused", in, err)
		}
	}
	users, err := d.Users(d.ctx, d.admin, "bob", "", 0)
	if err != nil || len(users.Items) != 1 || users.Items[0].Name != "Bob the builder" {
		t.Errorf("Users(bob) = %+v, %v, want one line for the name", users.Items, err)
	}
}

func TestAddressesOfMembers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dev := d.person("dev", policy.Developer)
	nameless, err := d.AddUser(d.ctx, d.admin, AccountInput{Email: "eve@example.org", Password: "a long enough passphrase"})
	if err != nil || nameless.Name != "eve" {
		t.Fatalf("AddUser(without a name) = %+v, %v, want it called by the first part of its address", nameless, err)
	}
	addresses := func(c Caller) (out []string) {
		t.Helper()
		page, err := d.Members(d.ctx, c, d.product, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Items {
			if m.Email != "" {
				out = append(out, m.Name)
			}
		}
		return out
	}
	if got := addresses(dev); len(got) != 1 || got[0] != "dev" {
		t.Errorf("a member sees the addresses of %v, want their own only", got)
	}
	if got := addresses(d.admin); len(got) != 2 {
		t.Errorf("an administrator sees the addresses of %v, want all", got)
	}
}

// Two who change a role at the same time do not undo each other unseen.
func TestRoleOfMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dev := d.person("dev", policy.Developer)
	version := func() int64 {
		t.Helper()
		page, err := d.Members(d.ctx, d.admin, d.product, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Items {
			if m.User == dev.User {
				return m.Version
			}
		}
		return 0
	}
	seen := version()
	if err := d.SetMember(d.ctx, d.admin, d.product, dev.User, seen, policy.Viewer); err != nil {
		t.Fatalf("SetMember(as seen) = %v", err)
	}
	for _, role := range []policy.Role{policy.Approver, ""} {
		if err := d.SetMember(d.ctx, d.admin, d.product, dev.User, seen, role); !fault.Is(err, fault.Stale) {
			t.Errorf("SetMember(%q, as it was seen before) = %v, want stale", role, err)
		}
	}
	if err := d.SetMember(d.ctx, d.admin, d.product, dev.User, version(), ""); err != nil {
		t.Errorf("SetMember(taken, as seen) = %v", err)
	}
	if err := d.SetMember(d.ctx, d.admin, d.product, dev.User, seen, policy.Viewer); !fault.Is(err, fault.Stale) {
		t.Errorf("SetMember(who was taken out meanwhile) = %v, want stale", err)
	}
}

// meanwhile does something once, when the next random bytes are asked for.
type meanwhile struct {
	io.Reader
	once sync.Once
	do   func()
}

func (m *meanwhile) Read(p []byte) (int, error) {
	m.once.Do(m.do)
	return m.Reader.Read(p)
}

// Comparing a password takes its time: an account that is disabled, or whose password
// is changed, before the session starts, gets none.
func TestSignInOfMeanwhile(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*store.Account){
		"nothing":  func(*store.Account) {},
		"name":     func(a *store.Account) { a.Name = "Robert" },
		"password": func(a *store.Account) { a.PasswordHash += "x" },
		"disabled": func(a *store.Account) { a.Disabled = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			bob := d.person("bob", "")
			change := func(fn func(*store.Account)) (acc store.Account) {
				t.Helper()
				err := d.DB.Write(d.ctx, func(_ context.Context, tx *store.Tx) (err error) {
					if acc, err = tx.Account(bob.User); err != nil {
						return err
					}
					fn(&acc)
					return tx.SetAccount(acc)
				})
				if err != nil {
					t.Fatal(err)
				}
				return acc
			}
			// A hash of former parameters is made anew, and its salt comes between comparison and session.
			salt := []byte("sixteen bytes...")
			sum := argon2.IDKey([]byte("a long enough passphrase"), salt, 1, 1024, 1, 32)
			b64 := base64.RawStdEncoding.EncodeToString
			acc := change(func(a *store.Account) { a.PasswordHash = "$argon2id$v=19$m=1024,t=1,p=1$" + b64(salt) + "$" + b64(sum) })
			d.App.Random = &meanwhile{Reader: d.App.Random, do: func() { change(edit) }}
			_, err := d.SignIn(d.ctx, Caller{Source: "test", IP: "192.0.2.9"}, acc.Email, "a long enough passphrase")
			if refused := name == "password" || name == "disabled"; fault.Is(err, fault.Conflict) != refused || !refused && err != nil {
				t.Errorf("SignIn() = %v, want refused %v", err, refused)
			}
			if now := change(func(*store.Account) {}); name == "name" && (now.Name != "Robert" || now.PasswordHash == acc.PasswordHash) {
				t.Errorf("account = %+v, want the new name kept and the hash made anew", now)
			}
		})
	}
}

// What is published is remembered: an id that the product does not have is refused.
func TestPublishUnknown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.Publish(d.ctx, d.admin, d.product, PublishInput{Objects: []string{"cms_none"}})
	if f := fault.As(err); f == nil || f.Code != "publish.object" {
		t.Errorf("Publish(unknown) = %v, want it refused", err)
	}
	if err := d.Unpublish(d.ctx, d.admin, d.product, []string{"cms_none"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("Unpublish(unknown) = %v, want it refused", err)
	}
}
