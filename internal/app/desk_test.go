package app

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// desk is an application without background work, its administrator, and a
// product whose threats the library brought.
type desk struct {
	*App
	t       testing.TB
	ctx     context.Context
	admin   Caller
	product model.ProductID
}

func newDesk(t testing.TB) desk {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	lib, err := shippedLibrary()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeyRing(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{DB: db, Library: lib, Keys: keys, Now: time.Now, Random: rand.Reader, Fresh: 90 * 24 * time.Hour, Tickets: ticketing.Options{Instance: "test"}})
	if _, err := queue.New(ctx, db, queue.Options{Handlers: a.Handlers()}); err != nil { // makes the tables of the queue
		t.Fatal(err)
	}
	in, err := a.Setup(ctx, Caller{Source: "test"}, SetupInput{AccountInput: AccountInput{Email: "ada@example.org", Name: "Ada", Password: "a long enough passphrase"}})
	if err != nil {
		t.Fatalf("Setup: %v", err)
	}
	c, err := a.AuthenticateSession(ctx, Caller{Source: "test"}, in.Token.Reveal())
	if err != nil {
		t.Fatalf("AuthenticateSession: %v", err)
	}
	d := desk{App: a, t: t, ctx: ctx, admin: c}
	d.product = d.newProduct("Parcel desk")
	return d
}

// newProduct makes a product with a web application and what the library says of it.
func (d desk) newProduct(name string) model.ProductID {
	d.t.Helper()
	p, err := d.CreateProduct(d.ctx, d.admin, ProductInput{Name: name})
	if err != nil {
		d.t.Fatalf("CreateProduct: %v", err)
	}
	for id, doc := range map[string]string{
		"shop": `{"kind":"process","type":"web-application","name":"Shop"}`,
		"data": `{"kind":"store","type":"relational-database","name":"Orders"}`,
	} {
		if _, err := d.PutElement(d.ctx, d.admin, p.ID, KindComponents, id, 0, []byte(doc)); err != nil {
			d.t.Fatalf("PutElement(%s): %v", id, err)
		}
	}
	d.apply(p.ID)
	return p.ID
}

// apply applies the whole plan.
func (d desk) apply(product model.ProductID) {
	d.t.Helper()
	if _, err := d.ApplyPlan(d.ctx, d.admin, product, 0, PlanInput{All: true}); err != nil {
		d.t.Fatalf("ApplyPlan: %v", err)
	}
}

// person makes an account with a role on the product; "" is none.
func (d desk) person(name string, role policy.Role) Caller {
	d.t.Helper()
	u, err := d.AddUser(d.ctx, d.admin, AccountInput{Email: name + "@example.org", Name: name, Password: "a long enough passphrase"})
	if err != nil {
		d.t.Fatalf("AddUser(%s): %v", name, err)
	}
	if role != "" {
		if err := d.SetMember(d.ctx, d.admin, d.product, u.ID, 0, role); err != nil {
			d.t.Fatalf("SetMember(%s): %v", name, err)
		}
	}
	return Caller{User: u.ID, Name: name, Kind: "person", Source: "test"}
}

// model reads the product's model.
func (d desk) model() *model.Model {
	d.t.Helper()
	m, _, err := d.Model(d.ctx, d.admin, d.product)
	if err != nil {
		d.t.Fatalf("Model: %v", err)
	}
	return m
}

func ptr[T any](v T) *T { return &v }
