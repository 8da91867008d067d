package app

import (
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/ticketing"
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
	if err := d.SetMember(d.ctx, d.admin, other, dev.User, policy.Viewer); err != nil {
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
