package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/tracker/fake"
)

const webhookSecret = "a secret that only the tracker knows"

// withWebhook gives the connection a webhook secret and registers the address in Jira.
func (s *shop) withWebhook() string {
	s.t.Helper()
	_, _, secret := s.jira.Credential()
	in := s.connectionInput(secret)
	in["credential"] = map[string]any{"webhook_secret": webhookSecret}
	s.want(200, "PUT", "/connections/"+s.conn, in, nil)
	address := s.url + "/api/v1/connections/" + s.conn + "/webhook"
	s.jira.SetWebhook(address, webhookSecret)
	return address
}

// quiet waits until no request reaches Jira any more.
func (s *shop) quiet() {
	s.t.Helper()
	last, since := -1, time.Now()
	s.eventually("Jira is left alone", func() bool {
		if n := s.jira.Requests()["total"]; n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 300*time.Millisecond
	})
}

// A change in Jira is in the model within two seconds although the next poll is an hour away.
func TestWebhookIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	for _, flavour := range []fake.Flavour{fake.Cloud, fake.DataCenter} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			c := quick(t)
			c.PollEvery = time.Hour
			s := openShop(t, boot(t, c).setup(), flavour)
			s.published(3)
			s.withWebhook()
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { s.jira.DeliverLive(ctx) })
			defer wg.Wait()
			defer stop()
			s.quiet()
			for _, step := range []struct{ status, resolution, want string }{{"Done", "Done", "implemented"}, {"To Do", "", "required"}} {
				if err := s.jira.SetStatus(s.key(s.target), step.status, step.resolution, ""); err != nil {
					t.Fatal(err)
				}
				within(t, 2*time.Second, step.status+" in Jira means "+step.want, func() bool { return s.state(s.target) == step.want })
			}
			s.once(3)
		})
	}
}

// Nobody who does not know the secret makes the server do anything, and nobody
// makes it do the same twice.
func TestWebhookOfAStranger(t *testing.T) {
	t.Parallel()
	c := quick(t)
	c.PollEvery = time.Hour
	s := openShop(t, boot(t, c).setup(), fake.Cloud)
	s.published(1)
	address := s.url + "/api/v1/connections/" + s.conn + "/webhook"
	issue := s.jira.Issues()[0]
	body := []byte(fmt.Sprintf(`{"timestamp":1792000000000,"webhookEvent":"jira:issue_updated","issue":{"id":%q,"key":%q}}`, issue.ID, issue.Key))
	deliver := func(to, id, signature string, body []byte) (int, problem) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "POST", to, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Atlassian-Webhook-Identifier", id)
		if signature != "" {
			req.Header.Set("X-Hub-Signature", signature)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var p problem
		data, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode >= 400 {
			err = json.Unmarshal(data, &p)
		}
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, p
	}
	if got, p := deliver(address, "1", fake.Sign(body, ""), body); got != 401 || p.Code != "webhook.signature" {
		t.Errorf("delivery where no secret is configured = %d %s, want 401 webhook.signature", got, p.Code)
	}
	s.withWebhook()
	s.quiet() // the change of the connection made it look once
	before := s.jira.Requests()["total"]
	tampered := bytes.Replace(body, []byte("updated"), []byte("deleted"), 1)
	for name, d := range map[string]struct {
		signature string
		body      []byte
	}{
		"unsigned":          {"", body},
		"wrong secret":      {fake.Sign(body, "guess"), body},
		"empty secret":      {fake.Sign(body, ""), body},
		"changed body":      {fake.Sign(body, webhookSecret), tampered},
		"other algorithm":   {strings.Replace(fake.Sign(body, webhookSecret), "sha256=", "sha1=", 1), body},
		"cut signature":     {fake.Sign(body, webhookSecret)[:40], body},
		"not a signature":   {"sha256=zz", body},
		"empty, not signed": {"", nil},
	} {
		if got, p := deliver(address, "2", d.signature, d.body); got != 401 || p.Code != "webhook.signature" {
			t.Errorf("delivery %s = %d %s, want 401 webhook.signature", name, got, p.Code)
		}
	}
	if got, _ := deliver(strings.Replace(address, s.conn, "con_nobody", 1), "3", fake.Sign(body, webhookSecret), body); got != 404 && got != 401 {
		t.Errorf("delivery to a connection that is not = %d, want it refused", got)
	}
	s.quiet()
	if got := s.jira.Requests()["total"]; got != before {
		t.Errorf("refused deliveries caused %d requests, want none", got-before)
	}
	// Jira repeats what it does not know to have arrived: the answer to a
	// repetition is the same, and nothing is read for it.
	if got, _ := deliver(address, "4", fake.Sign(body, webhookSecret), body); got != 204 {
		t.Errorf("signed delivery = %d, want 204", got)
	}
	s.eventually("the issue is read", func() bool { return s.jira.Requests()["total"] > before })
	s.quiet()
	before = s.jira.Requests()["total"]
	if got, _ := deliver(address, "4", fake.Sign(body, webhookSecret), body); got != 204 {
		t.Errorf("repeated delivery = %d, want 204", got)
	}
	// The identifier is not signed: whoever recorded a delivery can change it.
	if got, _ := deliver(address, "5", fake.Sign(body, webhookSecret), body); got != 204 {
		t.Errorf("recorded delivery under another identifier = %d, want 204", got)
	}
	s.quiet()
	if got := s.jira.Requests()["total"]; got != before {
		t.Errorf("repeated deliveries caused %d requests, want none", got-before)
	}
	if strings.Contains(fmt.Sprint(s.connection()), webhookSecret) {
		t.Error("the connection shows the webhook's secret")
	}
}

// wire is a proxy before the fake that keeps what was asked.
type wire struct {
	mu   sync.Mutex
	seen []string
}

func (w *wire) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		w.seen = append(w.seen, r.Method+" "+r.URL.String()+" "+string(body))
		w.mu.Unlock()
		next.ServeHTTP(rw, r)
	})
}

func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// Where nothing changed, a poll is one request, and a ticket that we know is in
// its answer, so that an empty answer means something.
func TestPollIsOneRequest(t *testing.T) {
	t.Parallel()
	for _, flavour := range []fake.Flavour{fake.Cloud, fake.DataCenter} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			c := quick(t)
			c.PollEvery = 250 * time.Millisecond
			s := openShop(t, boot(t, c).setup(), flavour)
			s.published(2)
			// The identity is asked again each minute at most; a poll needs none.
			polls := func() *time.Time { return s.connection().LastPoll }
			var w wire
			proxy := httptest.NewServer(w.handler(s.jira))
			defer proxy.Close()
			_, _, secret := s.jira.Credential()
			s.jiraURL = proxy.URL
			s.want(200, "PUT", "/connections/"+s.conn, s.connectionInput(secret), nil)
			// The new adapter asks once who it is talking with; count after that.
			for range 2 {
				at := polls()
				s.eventually("a poll", func() bool { p := polls(); return p != nil && (at == nil || p.After(*at)) })
			}
			w.take()
			seen := map[time.Time]bool{}
			s.eventually("four polls", func() bool {
				if p := polls(); p != nil {
					seen[*p] = true
				}
				return len(seen) >= 5
			})
			asked := w.take()
			if len(asked) < len(seen)-1 || len(asked) > len(seen)+1 {
				t.Errorf("%d polls made %d requests, want one each:\n%s", len(seen), len(asked), strings.Join(asked, "\n"))
			}
			known := s.jira.Issues()
			for _, a := range asked {
				if !strings.Contains(a, "search") || !strings.Contains(a, known[0].ID) && !strings.Contains(a, known[1].ID) {
					t.Errorf("a poll asked %s, want a search that names an issue we know (%s, %s)", a, known[0].ID, known[1].ID)
				}
			}
		})
	}
}

// A Jira that shows nothing is blind, whatever the reason: nothing is taken for
// deleted, nothing is made again, the connection says so, and it passes.
func TestBlindTracker(t *testing.T) {
	t.Parallel()
	for name, blind := range map[string]func(s *fake.Server, on bool){
		"search shows nothing": func(s *fake.Server, on bool) { s.SetBlind(on) },
		"taken for a visitor": func(s *fake.Server, on bool) {
			mode := fake.AuthOK
			if on {
				mode = fake.AuthAnonymous
			}
			s.SetAuth(mode)
		},
		"no right to browse": func(s *fake.Server, on bool) { s.Deny("BROWSE_PROJECTS", on) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := quick(t)
			c.SweepEvery = 300 * time.Millisecond
			s := openShop(t, boot(t, c).setup(), fake.Cloud)
			s.published(3)
			blind(s.jira, true)
			s.eventually("the connection says that it sees nothing", func() bool { return s.connection().Reason != "" })
			t.Logf("reason: %s", s.connection().Reason)
			// Several polls and sweeps later everything is as it was.
			before := s.jira.Requests()["total"]
			s.publish(4)
			s.eventually("the tracker is asked again, or is paused", func() bool { return s.jira.Requests()["total"] > before+10 || s.connection().State == "paused" })
			for _, k := range s.tickets() {
				if k.State == "deleted" || k.State == "hidden" {
					t.Errorf("%s is %s although the tracker only shows nothing", k.Key, k.State)
				}
			}
			if got := s.state(s.target); got != "required" {
				t.Errorf("the countermeasure became %s, want it left alone", got)
			}
			blind(s.jira, false)
			s.want(200, "POST", "/connections/"+s.conn+"/retry", map[string]any{}, nil)
			s.eventually("four tickets are open", func() bool { return s.open() == 4 })
			s.once(4)
		})
	}
}
