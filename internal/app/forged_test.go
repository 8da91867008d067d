package app

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
)

// Deliveries that nobody signed are told of in the log, however many come only once in a while.
func TestForgedDeliveriesAreLogged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var log bytes.Buffer
	d.Logger = slog.New(slog.NewTextHandler(&log, nil))
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	d.Now = func() time.Time { return now }
	c, err := d.AddConnection(d.ctx, d.admin, ConnectionInput{
		Name: "Jira", Kind: "jira", Settings: ConnectionSettings{BaseURL: "https://jira.example.org", Flavour: "dc"}, Credential: &Credential{PAT: "p", WebhookSecret: identity.Secret(strings.Repeat("s", 32))},
	})
	if err != nil {
		t.Fatalf("AddConnection: %v", err)
	}
	deliver := func() {
		var f *fault.Error
		if err := d.Webhook(d.ctx, c.ID, http.Header{}, []byte(`{}`)); !errors.As(err, &f) || f.Code != "webhook.signature" {
			t.Fatalf("Webhook(unsigned) = %v, want webhook.signature", err)
		}
	}
	for range 50 {
		deliver()
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "refused=1") || !strings.Contains(log.String(), c.ID) {
		t.Errorf("50 forged deliveries log %q, want one line with the connection and refused=1", log.String())
	}
	log.Reset()
	now = now.Add(forgedEvery)
	deliver()
	if !strings.Contains(log.String(), "refused=50") {
		t.Errorf("a forged delivery %v later logs %q, want refused=50", forgedEvery, log.String())
	}
}
