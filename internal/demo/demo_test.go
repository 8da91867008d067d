package demo_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/demo"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/server"
	"github.com/threatloop/threatloop/internal/store/pgtest"
	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// patient is how long what must happen may take: the race detector on a busy
// machine makes the database many times slower.
const patient = 5 * time.Minute

// long skips a test that goes round the whole loop once more where time is short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("goes round the whole loop once more")
	}
}

// start starts a server, on a fresh SQLite file where the configuration names no database, and returns its address.
func start(t *testing.T, c server.Config) string {
	t.Helper()
	ctx := t.Context()
	c.Listen, c.Data, c.Logger = "127.0.0.1:0", t.TempDir(), slog.New(slog.DiscardHandler)
	c.PollEvery = 500 * time.Millisecond
	s, err := server.New(ctx, c, "test")
	if err != nil {
		t.Fatalf("server.New: %v", err)
	}
	if err := s.Start(context.WithoutCancel(ctx)); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return s.URL()
}

// serve starts a server and returns its administrator's client.
func serve(t *testing.T, c server.Config) *client.Client {
	t.Helper()
	anybody, err := client.New(start(t, c), "")
	if err != nil {
		t.Fatal(err)
	}
	admin, err := anybody.SetUp(t.Context(), client.Account{Email: "ada@example.org", Name: "Ada", Password: "a long enough passphrase"})
	if err != nil {
		t.Fatalf("SetUp: %v", err)
	}
	return admin
}

func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := demo.Run(t.Context(), demo.Options{Client: serve(t, server.Config{}), Out: &out, Patience: patient, Page: "http://127.0.0.1:8080", Sign: "ada@example.org"}); err != nil {
		t.Fatalf("Run() = %v, after\n%s", err, out.String())
	}
	for _, want := range []string{"1  Define", "7  Look back", "because: ", "SQL injection", "/products/prd_", "/board/con_", "says: Verified", " → "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("Run() printed no %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("Run() without Color printed terminal codes:\n%q", out.String())
	}
}

func TestDemoOnPostgreSQL(t *testing.T) {
	t.Parallel()
	long(t)
	keys, err := identity.NewKeyRing(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := server.Config{DatabaseURL: pgtest.URL(t, "", nil), Keys: keys.Text().Reveal()}
	var out bytes.Buffer
	if err := demo.Run(t.Context(), demo.Options{Client: serve(t, c), Out: &out, Patience: patient}); err != nil {
		t.Fatalf("Run() = %v, after\n%s", err, out.String())
	}
}

// TestDemoNoticesWhatDoesNotWork takes a part out of the loop: the demo must fail, and say in which step.
func TestDemoNoticesWhatDoesNotWork(t *testing.T) {
	t.Parallel()
	long(t)
	for without, want := range map[string]string{
		"worker":     "step 3 (Publish",
		"reconciler": "step 3 (Publish",
		"matcher":    "step 5 (Tests fail",
	} {
		t.Run(without, func(t *testing.T) {
			t.Parallel()
			patience := 3 * time.Second
			if without == "matcher" {
				patience = patient // the steps before it work
			}
			var out bytes.Buffer
			err := demo.Run(t.Context(), demo.Options{Client: serve(t, server.Config{Without: map[string]bool{without: true}}), Out: &out, Patience: patience})
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "expected") {
				t.Errorf("Run() without the %s = %v, want a failure in %s...) that says what was expected; it printed\n%s", without, err, want, out.String())
			}
		})
	}
}

func TestDemoOnJira(t *testing.T) {
	t.Parallel()
	long(t)
	for _, flavour := range []fake.Flavour{fake.Cloud, fake.DataCenter} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			site := fake.New(fake.Options{Flavour: flavour, Project: "SHOP"})
			srv := httptest.NewServer(site)
			t.Cleanup(srv.Close)
			_, email, token := site.Credential()
			tracker := demo.Tracker{Kind: "jira", URL: srv.URL, Email: email, Token: token, Project: "SHOP"}
			if flavour == fake.DataCenter {
				tracker.Email, tracker.Token, tracker.PAT = "", "", token
			}
			var out bytes.Buffer
			if err := demo.Run(t.Context(), demo.Options{Client: serve(t, server.Config{AllowPrivate: true}), Out: &out, Patience: patient, Tracker: tracker}); err != nil {
				t.Fatalf("Run() on Jira = %v, after\n%s", err, out.String())
			}
			t.Logf("%d issues, requests %v", len(site.Issues()), site.Requests())
			if len(site.Issues()) < 30 {
				t.Errorf("the site has %d issues, want one per ticket", len(site.Issues()))
			}
		})
	}
}
