package app

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// Nobody learns of a ticket by linking it.
func TestLinkTicketOfOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	board, err := d.AddConnection(d.ctx, d.admin, ConnectionInput{Name: "Board", Kind: "builtin"})
	if err != nil {
		t.Fatal(err)
	}
	other := d.newProduct("Payroll")
	publish := func() TicketView {
		t.Helper()
		p := ticketing.Policy{Auto: true, AskAbove: -1, Default: ticketing.Target{Connection: board.ID, Project: "PAY"}}
		if _, err := d.SetTicketPolicy(d.ctx, d.admin, other, 0, p); err != nil {
			t.Fatal(err)
		}
		m, _, err := d.Model(d.ctx, d.admin, other)
		if err != nil {
			t.Fatal(err)
		}
		required := CountermeasureEdit{State: ptr(m.Countermeasures[0].State)}
		*required.State = "required"
		if _, err := d.EditCountermeasure(d.ctx, d.admin, other, m.Countermeasures[0].ID, 0, required); err != nil {
			t.Fatal(err)
		}
		if err := d.reconcile(d.ctx, board.ID); err != nil && !fault.Is(err, fault.NotFound) {
			t.Logf("reconcile: %v", err)
		}
		page, err := d.Tickets(d.ctx, d.admin, other, "", 0)
		if err != nil || len(page.Items) == 0 || page.Items[0].Key == "" {
			t.Fatalf("Tickets() = %+v, %v, want one that was made", page.Items, err)
		}
		return page.Items[0]
	}
	ticket := publish()
	dev := d.person("dev", policy.Developer)
	in := LinkTicketInput{Connection: board.ID, Object: string(d.model().Countermeasures[0].ID), Purpose: "countermeasure", Ticket: ticket.ID}
	if err := d.LinkTicket(d.ctx, dev, d.product, in); !fault.Is(err, fault.NotFound) {
		t.Errorf("LinkTicket(of a product that is not seen) = %v, want that there is none", err)
	}
	if _, err := d.Card(d.ctx, dev, board.ID, ticket.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("Card(of a product that is not seen) = %v, want that there is none", err)
	}
	if err := d.SetMember(d.ctx, d.admin, other, dev.User, 0, policy.Viewer); err != nil {
		t.Fatal(err)
	}
	if err := d.LinkTicket(d.ctx, dev, d.product, in); err != nil {
		t.Errorf("LinkTicket(of a product that is seen) = %v", err)
	}
	jira, err := d.AddConnection(d.ctx, d.admin, ConnectionInput{Name: "Theirs", Kind: "jira", Settings: ConnectionSettings{BaseURL: "https://jira.invalid", Flavour: "dc"}, Credential: &Credential{PAT: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	in.Connection, in.Ticket = jira.ID, "PAY-1"
	if err := d.LinkTicket(d.ctx, dev, d.product, in); !fault.Is(err, fault.NotFound) {
		t.Errorf("LinkTicket(in a tracker that no product of theirs uses) = %v, want that there is none", err)
	}
}

// A tracker shows our account more than it shows a developer, who links tickets of
// the product's projects only.
func TestLinkTicketOfOtherProjects(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.App.AllowPrivate = true
	site := fake.New(fake.Options{Flavour: fake.DataCenter, Now: d.Now})
	site.AddProject("HR", "People")
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	_, _, pat := site.Credential()
	conn, err := d.AddConnection(d.ctx, d.admin, ConnectionInput{Name: "Jira", Kind: "jira", Settings: ConnectionSettings{BaseURL: srv.URL, Flavour: "dc"}, Credential: &Credential{PAT: identity.Secret(pat)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.SetTicketPolicy(d.ctx, d.admin, d.product, 0, ticketing.Policy{Push: ticketing.PushManual, Default: ticketing.Target{Connection: conn.ID, Project: "SEC", Type: "Task"}}); err != nil {
		t.Fatal(err)
	}
	remote, err := d.Tracker(d.ctx, conn.ID)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i, project := range []string{"SEC", "HR"} {
		made, err := remote.Create(d.ctx, tracker.Draft{Target: tracker.Target{Project: project, Type: "Task"}, Marker: strings.Repeat("ab"[i:i+1], 26), Summary: "Salaries"})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, made.Key)
	}
	dev, modeller := d.person("dev", policy.Developer), d.person("modeller", policy.Modeller)
	in := LinkTicketInput{Connection: conn.ID, Object: string(d.model().Countermeasures[0].ID), Purpose: "countermeasure", Ticket: keys[1]}
	other, nowhere := d.LinkTicket(d.ctx, dev, d.product, in), in
	nowhere.Ticket = "HR-99"
	none := d.LinkTicket(d.ctx, dev, d.product, nowhere)
	if !fault.Is(other, fault.NotFound) || !fault.Is(none, fault.NotFound) || strings.ReplaceAll(other.Error(), keys[1], "HR-99") != none.Error() {
		t.Errorf("LinkTicket(of another project) = %v, of none %v, want no difference", other, none)
	}
	if err := d.LinkTicket(d.ctx, modeller, d.product, in); err != nil {
		t.Errorf("LinkTicket(by who says where tickets go) = %v", err)
	}
	in.Ticket = keys[0]
	if err := d.LinkTicket(d.ctx, dev, d.product, in); err != nil {
		t.Errorf("LinkTicket(of the product's project) = %v", err)
	}
	// The same key in another tracker is another ticket.
	wrong := in
	wrong.Connection = "con_other"
	if err := d.UnlinkTicket(d.ctx, dev, d.product, wrong); !fault.Is(err, fault.NotFound) {
		t.Errorf("UnlinkTicket(of another tracker) = %v, want that there is none", err)
	}
	if err := d.UnlinkTicket(d.ctx, dev, d.product, in); err != nil {
		t.Errorf("UnlinkTicket() = %v", err)
	}
}
