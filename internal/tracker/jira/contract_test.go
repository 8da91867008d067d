package jira_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/fake"
	"github.com/threatloop/threatloop/internal/tracker/fake/validate"
	"github.com/threatloop/threatloop/internal/tracker/httpcore"
	"github.com/threatloop/threatloop/internal/tracker/jira"
	"github.com/threatloop/threatloop/internal/tracker/trackertest"
)

// clock is a virtual clock shared by the fake and the client.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// site is a fake Jira behind the validator with a client for it.
type site struct {
	*clock
	fake   *fake.Server
	client *jira.Client
	url    string
	stop   func() // closes the fake's port after its last request
}

func open(t *testing.T, opt fake.Options, change ...func(*jira.Config)) *site {
	t.Helper()
	s := &site{clock: newClock()}
	opt.Now = s.Now
	opt.Sleep = func(context.Context, time.Duration) {}
	s.fake = fake.New(opt)
	s.fake.AddProject("MOVE", "Elsewhere")
	srv := httptest.NewServer(validate.Handler(t, s.fake))
	t.Cleanup(srv.Close)
	s.url, s.stop = srv.URL, srv.Close
	flavour, email, token := s.fake.Credential()
	cfg := jira.Config{BaseURL: srv.URL, Email: email, Token: token}
	if flavour == fake.DataCenter {
		cfg = jira.Config{BaseURL: srv.URL, PAT: token}
	}
	n := 0
	var mu sync.Mutex
	cfg.HTTP = httpcore.Config{
		AllowPrivate: true, Now: s.Now, Timeout: 60 * time.Second,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		NewID: func() string { mu.Lock(); defer mu.Unlock(); n++; return fmt.Sprintf("req-%d", n) },
	}
	for _, f := range change {
		f(&cfg)
	}
	client, err := jira.New(cfg)
	if err != nil {
		t.Fatalf("jira.New() = %v", err)
	}
	t.Cleanup(client.Close)
	s.client = client
	return s
}

func (s *site) Tracker() tracker.Tracker { return s.client }
func (s *site) Target() tracker.Target   { return tracker.Target{Project: "SEC", Type: "Task"} }

func (s *site) SetStatus(id string, to tracker.Category) error {
	name := map[tracker.Category]string{tracker.New: "To Do", tracker.InProgress: "In Progress", tracker.Done: "Done"}[to]
	return s.fake.SetStatus(id, name, "", "")
}
func (s *site) Delete(id string) error { return s.fake.Delete(id) }
func (s *site) Hide(id string) error   { return s.fake.Hide(id, true) }
func (s *site) Move(id string) error   { _, err := s.fake.Move(id, "MOVE"); return err }
func (s *site) Surround(id, before, after string) error {
	return s.fake.SurroundDescription(id, before, after)
}
func (s *site) Revoke()                           { s.fake.SetAuth(fake.AuthRefused) }
func (s *site) Requests() int                     { return s.fake.Requests()["total"] }
func (s *site) SetLag(d time.Duration)            { s.fake.SetLag(d) }
func (s *site) Estimate(id string, n int64) error { return s.fake.SetEstimate(id, n, "", 0) }

func (s *site) LoseCreate(done bool) {
	kind := fake.DropBefore
	if done {
		kind = fake.DropAfter
	}
	s.fake.Inject(fake.Fault{Kind: kind, Op: "createIssue", Times: 1})
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]fake.Options{
		"cloud":                           {Flavour: fake.Cloud},
		"dc":                              {Flavour: fake.DataCenter},
		"dc without properties in create": {Flavour: fake.DataCenter, IgnoreCreateProperties: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trackertest.Run(t, func(t *testing.T) trackertest.Fixture { return open(t, opt) })
		})
	}
}
