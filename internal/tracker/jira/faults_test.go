package jira_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/fake"
	"github.com/threatloop/threatloop/internal/tracker/jira"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

var both = []fake.Flavour{fake.Cloud, fake.DataCenter}

func draft(n int) tracker.Draft {
	return tracker.Draft{
		Target: tracker.Target{Project: "SEC", Type: "Task"}, Marker: fmt.Sprintf("01FAULT%019d", n), Object: "cm_1", Instance: "inst_1",
		Summary: "Summary", Body: richtext.Doc{richtext.P(richtext.Text("Body"))}, Labels: []string{"threatloop"},
	}
}

func create(t *testing.T, s *site, n int) tracker.Ticket {
	t.Helper()
	tk, err := s.client.Create(t.Context(), draft(n))
	if err != nil {
		t.Fatalf("Create() = %v", err)
	}
	return tk
}

func kindOf(err error) tracker.ErrorKind {
	if err == nil {
		return ""
	}
	return tracker.AsError(err).Kind
}

func TestCreateFaults(t *testing.T) {
	t.Parallel()
	type want struct {
		outcome tracker.Outcome
		kind    tracker.ErrorKind
		made    int
	}
	for name, c := range map[string]struct {
		fault fake.Fault
		want  want
	}{
		"lost before commit": {fake.Fault{Kind: fake.DropBefore}, want{tracker.Ambiguous, tracker.KindUnavailable, 0}},
		"lost after commit":  {fake.Fault{Kind: fake.DropAfter}, want{tracker.Ambiguous, tracker.KindUnavailable, 1}},
		"hangs before":       {fake.Fault{Kind: fake.HangBefore}, want{tracker.Ambiguous, tracker.KindUnavailable, 0}},
		"hangs after":        {fake.Fault{Kind: fake.HangAfter}, want{tracker.Ambiguous, tracker.KindUnavailable, 1}},
		"html":               {fake.Fault{Kind: fake.HTML}, want{tracker.Ambiguous, tracker.KindProtocol, 0}},
		"html after commit":  {fake.Fault{Kind: fake.HTMLDone}, want{tracker.Ambiguous, tracker.KindProtocol, 1}},
		"cut json":           {fake.Fault{Kind: fake.CutJSON}, want{tracker.Ambiguous, tracker.KindProtocol, 1}},
		"big answer":         {fake.Fault{Kind: fake.BigBody}, want{tracker.Ambiguous, tracker.KindProtocol, 1}},
		"500":                {fake.Fault{Kind: fake.Status, Code: 500}, want{tracker.Ambiguous, tracker.KindUnavailable, 0}},
		"502 after commit":   {fake.Fault{Kind: fake.StatusDone, Code: 502}, want{tracker.Ambiguous, tracker.KindUnavailable, 1}},
		"503":                {fake.Fault{Kind: fake.Status, Code: 503, RetryAfter: "120"}, want{tracker.Ambiguous, tracker.KindUnavailable, 0}},
		"413":                {fake.Fault{Kind: fake.Status, Code: 413}, want{tracker.Rejected, tracker.KindInvalid, 0}},
		"422":                {fake.Fault{Kind: fake.Status, Code: 422}, want{tracker.Rejected, tracker.KindInvalid, 0}},
		"429":                {fake.Fault{Kind: fake.RateLimit}, want{tracker.Rejected, tracker.KindRateLimited, 0}},
		"redirect":           {fake.Fault{Kind: fake.Redirect, Location: "http://127.0.0.2/"}, want{tracker.Ambiguous, tracker.KindProtocol, 0}},
	} {
		for _, flavour := range both {
			t.Run(name+" "+string(flavour), func(t *testing.T) {
				t.Parallel()
				s := open(t, fake.Options{Flavour: flavour})
				if _, err := s.client.Form(t.Context(), s.Target()); err != nil {
					t.Fatal(err)
				}
				f := c.fault
				f.Op, f.Times = "createIssue", 1
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if strings.HasPrefix(string(f.Kind), "hang") {
					f.Before = func(*fake.Server) { cancel() } // the client gives up once the request has arrived
				}
				s.fake.Inject(f)
				_, err := s.client.Create(ctx, draft(1))
				e := tracker.AsError(err)
				if err == nil || e.Outcome != c.want.outcome || e.Kind != c.want.kind {
					t.Fatalf("Create() = %v (%+v), want %s, %s", err, e, c.want.outcome, c.want.kind)
				}
				if n := s.fake.Requests()["createIssue"]; n != 1 {
					t.Errorf("the create was sent %d times, want once", n)
				}
				s.stop() // waits until the fake has finished what its client gave up
				if n := len(s.fake.Issues()); n != c.want.made {
					t.Errorf("%d issues exist, want %d", n, c.want.made)
				}
			})
		}
	}
}

func TestLateCommit(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{})
	s.fake.Inject(fake.Fault{Kind: fake.CommitLate, Op: "createIssue", Times: 1, Delay: 4 * time.Minute})
	_, err := s.client.Create(t.Context(), draft(1))
	if err == nil || tracker.AsError(err).Outcome != tracker.Ambiguous {
		t.Fatalf("Create() = %v, want ambiguous", err)
	}
	for _, want := range []int{0, 1} {
		ts, err := s.client.Probe(t.Context(), "SEC", 0, draft(1).Marker)
		if err != nil || len(ts) != want {
			t.Fatalf("Probe() = %v, %v, want %d", ts, err, want)
		}
		s.Advance(5 * time.Minute)
	}
}

func TestRateLimitsStopTraffic(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"jira-quota-global-based", "jira-quota-tenant-based", "jira-burst-based"} {
		s := open(t, fake.Options{})
		create(t, s, 1)
		s.fake.Inject(fake.Fault{Kind: fake.RateLimit, Times: 1, Reason: reason, RetryAfter: "60"})
		if _, err := s.client.Identify(t.Context()); kindOf(err) != tracker.KindRateLimited || tracker.AsError(err).RetryAfter != time.Minute {
			t.Fatalf("Identify() = %v, want rate_limited for a minute", err)
		}
		before := s.Requests()
		_, err := s.client.Create(t.Context(), draft(2))
		if e := tracker.AsError(err); err == nil || e.Kind != tracker.KindRateLimited || e.Outcome != tracker.NotSent {
			t.Errorf("%s: Create() in the pause = %v, want rate_limited, not_sent", reason, err)
		}
		s.Advance(59 * time.Second)
		_, _ = s.client.Identify(t.Context()) // one second before: it waits for that second instead of asking early
		if n := s.Requests() - before; n > 1 {
			t.Errorf("%s: %d requests in the pause", reason, n)
		}
		s.Advance(time.Second)
		create(t, s, 2)
	}
}

func TestPerIssueWriteLimit(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{WritesPerIssue: 3})
	tk, other := create(t, s, 1), create(t, s, 2)
	var limited error
	for i := range 5 {
		if limited = s.client.Edit(t.Context(), tk.ID, tracker.Edit{AddLabels: []string{fmt.Sprintf("l%d", i)}}); limited != nil {
			break
		}
	}
	if kindOf(limited) != tracker.KindRateLimited {
		t.Fatalf("Edit() beyond the limit = %v, want rate_limited", limited)
	}
	if err := s.client.Edit(t.Context(), other.ID, tracker.Edit{AddLabels: []string{"x"}}); err != nil {
		t.Errorf("Edit(another issue) = %v, want it to pass", err)
	}
	s.Advance(2 * time.Second)
	if err := s.client.Edit(t.Context(), tk.ID, tracker.Edit{AddLabels: []string{"y"}}); err != nil {
		t.Errorf("Edit() after the time = %v", err)
	}
}

func TestCredentialFaults(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		tk := create(t, s, 1)
		for mode, want := range map[fake.AuthMode]tracker.ErrorKind{fake.AuthRefused: tracker.KindAuth, fake.AuthForbidden: tracker.KindPermission, fake.AuthCaptcha: tracker.KindAuth, fake.AuthAnonymous: tracker.KindAuth} {
			s.fake.SetAuth(mode)
			if _, err := s.client.Identify(t.Context()); kindOf(err) != want {
				t.Errorf("%s %s: Identify() = %v, want %s", flavour, mode, err, want)
			}
			_, err := s.client.Create(t.Context(), draft(2))
			if e := tracker.AsError(err); err == nil || e.Outcome == tracker.Ambiguous {
				t.Errorf("%s %s: Create() = %v, want certainty", flavour, mode, err)
			}
			fs, err := s.client.Check(t.Context(), s.Target())
			if err != nil || len(fs) == 0 || fs[len(fs)-1].Level != tracker.Failed {
				t.Errorf("%s %s: Check() = %v, %v, want a failed step", flavour, mode, fs, err)
			}
		}
		// The trap that Identify guards against: an empty answer without an error.
		s.fake.SetAuth(fake.AuthAnonymous)
		page, err := s.client.Changed(t.Context(), tracker.ChangeQuery{Label: "threatloop", Now: s.Now(), Known: tk.ID})
		if err != nil || len(page.Tickets) != 0 {
			t.Errorf("%s: Changed(anonymous) = %v, %v, want an empty page", flavour, page, err)
		}
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	const token = "very-secret-token-42"
	s := open(t, fake.Options{Token: token})
	cfg := jira.Config{BaseURL: s.url, Email: "a@b.c", Token: token, PAT: ""}
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v %#v %s", cfg, cfg, cfg.LogValue()), fmt.Sprintf("%+v", &cfg)} {
		if strings.Contains(text, token) {
			t.Errorf("the configuration shows the token: %s", text)
		}
	}
	s.fake.SetAuth(fake.AuthRefused)
	_, err := s.client.Identify(t.Context())
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), token) {
		t.Errorf("Identify() = %v, want an error without the token", err)
	}
}

func TestConcurrentCreatesWithLostAnswers(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour, Seed: 7})
		create(t, s, 0)
		s.fake.Inject(fake.Fault{Kind: fake.DropAfter, Op: "createIssue", Probability: 0.2})
		const n = 40
		var mu sync.Mutex
		linked := map[string]string{}
		var unknown []string
		var wg sync.WaitGroup
		for i := 1; i <= n; i++ {
			wg.Go(func() {
				d := draft(i)
				tk, err := s.client.Create(context.Background(), d)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					linked[d.Marker] = tk.ID
				case tracker.AsError(err).Outcome == tracker.Ambiguous:
					unknown = append(unknown, d.Marker)
				default:
					t.Errorf("Create(%d) = %v, want success or ambiguity", i, err)
				}
			})
		}
		wg.Wait()
		if len(unknown) == 0 {
			t.Fatal("no answer was lost")
		}
		for _, m := range unknown {
			ts, err := s.client.Probe(t.Context(), "SEC", 0, m)
			if err != nil || len(ts) != 1 {
				t.Fatalf("Probe(%s) = %v, %v, want the ticket whose answer was lost", m, ts, err)
			}
			linked[m] = ts[0].ID
		}
		if made := len(s.fake.Issues()); made != n+1 || len(linked) != n || s.fake.Requests()["createIssue"] != n+1 {
			t.Errorf("%s: %d issues, %d linked, %d creates sent, want %d of each and one", flavour, made, len(linked), s.fake.Requests()["createIssue"], n)
		}
	}
}
