package app

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// A connection follows its tracker to another address, and no further: after a move
// from Data Center to Cloud the same number is another ticket.
func TestConnectionToAnotherTracker(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.App.AllowPrivate = true
	site := fake.New(fake.Options{Flavour: fake.DataCenter, Now: d.Now})
	serve := func(s *fake.Server) string {
		srv := httptest.NewServer(s)
		t.Cleanup(srv.Close)
		return srv.URL
	}
	_, _, pat := site.Credential()
	in := ConnectionInput{Name: "Jira", Kind: "jira", Settings: ConnectionSettings{BaseURL: serve(site), Flavour: "dc"}, Credential: &Credential{PAT: identity.Secret(pat)}}
	conn, err := d.AddConnection(d.ctx, d.admin, in)
	if err != nil {
		t.Fatal(err)
	}
	p := ticketing.Policy{Auto: true, AskAbove: -1, Push: ticketing.PushManual, Default: ticketing.Target{Connection: conn.ID, Project: "SEC", Type: "Task"}}
	if _, err := d.SetTicketPolicy(d.ctx, d.admin, d.product, 0, p); err != nil {
		t.Fatal(err)
	}
	m := d.model()
	required := model.Required
	if _, err := d.EditCountermeasure(d.ctx, d.admin, d.product, m.Countermeasures[0].ID, 0, CountermeasureEdit{State: &required}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Publish(d.ctx, d.admin, d.product, PublishInput{Objects: []string{string(m.Countermeasures[0].ID)}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := d.reconcile(d.ctx, conn.ID); err != nil {
			t.Logf("reconcile: %v", err) // says when to call again
		}
	}
	if n := len(site.Issues()); n != 1 {
		t.Fatalf("%d tickets, want one", n)
	}

	// Whoever may change the address does not get the credential by it.
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the credential went to %s", r.URL) }))
	t.Cleanup(thief.Close)
	stolen := in
	stolen.Settings.BaseURL, stolen.Credential = thief.URL, nil
	if _, err := d.EditConnection(d.ctx, d.admin, conn.ID, 0, stolen); !fault.Is(err, fault.Invalid) || fault.As(err).Code != "connection.credential" {
		t.Errorf("EditConnection(to another address without a credential) = %v, want it refused", err)
	}

	in.Settings.BaseURL = serve(site) + "/"
	if _, err := d.EditConnection(d.ctx, d.admin, conn.ID, 0, in); err != nil {
		t.Errorf("EditConnection(another address of the same tracker) = %v", err)
	}
	// The other tracker has a ticket of somebody else under the number of ours.
	moved := fake.New(fake.Options{Flavour: fake.Cloud, Now: d.Now})
	_, email, token := moved.Credential()
	to := ConnectionInput{Name: "Jira", Kind: "jira", Settings: ConnectionSettings{BaseURL: serve(moved), Flavour: "cloud", Email: email}, Credential: &Credential{Token: identity.Secret(token)}}
	other, err := d.AddConnection(d.ctx, d.admin, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		prepare func()
	}{
		{"without our tickets", func() {}},
		{"with another ticket under the number", func() {
			p.Default.Connection = other.ID
			product := d.newProduct("Another")
			if _, err := d.SetTicketPolicy(d.ctx, d.admin, product, 0, p); err != nil {
				t.Fatal(err)
			}
			x, _, err := d.Model(d.ctx, d.admin, product)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.EditCountermeasure(d.ctx, d.admin, product, x.Countermeasures[0].ID, 0, CountermeasureEdit{State: &required}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Publish(d.ctx, d.admin, product, PublishInput{Objects: []string{string(x.Countermeasures[0].ID)}}); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				_ = d.reconcile(d.ctx, other.ID) // as above
			}
			if site.Issues()[0].ID != moved.Issues()[0].ID {
				t.Fatalf("the trackers have %s and %s, want the same number", site.Issues()[0].ID, moved.Issues()[0].ID)
			}
		}},
	} {
		c.prepare()
		if _, err := d.EditConnection(d.ctx, d.admin, conn.ID, 0, to); !fault.Is(err, fault.Conflict) || fault.As(err).Code != "connection.moved" {
			t.Errorf("EditConnection(to another tracker, %s) = %v, want a conflict", c.name, err)
		}
	}
	if now, err := d.Connection(d.ctx, d.admin, conn.ID); err != nil || now.Settings.BaseURL != in.Settings.BaseURL {
		t.Errorf("the connection is at %q, %v, want it where it was", now.Settings.BaseURL, err)
	}
	to.Credential.Token = "another"
	if _, err := d.EditConnection(d.ctx, d.admin, conn.ID, 0, to); !fault.Is(err, fault.Invalid) {
		t.Errorf("EditConnection(with a credential that does not hold there) = %v, want it refused", err)
	}
}
