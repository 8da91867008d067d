package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// says waits until the connection's or a ticket's state holds the text, and
// returns everything that a person is told then.
func (s *shop) says(text string) string {
	s.t.Helper()
	var told string
	s.eventually("a state that says "+text, func() bool {
		c := s.connection()
		told = c.State + ": " + c.Reason
		for _, k := range s.tickets() {
			if k.Note != "" {
				told += "; " + k.State + ": " + k.Note
			}
		}
		return strings.Contains(told, text)
	})
	return told
}

func (s *shop) retry() {
	s.t.Helper()
	s.want(200, "POST", "/connections/"+s.conn+"/retry", map[string]any{}, nil)
}

// setPolicy changes the ticket policy's fields.
func (s *shop) setPolicy(with map[string]any) {
	s.t.Helper()
	for k, v := range with {
		s.policy[k] = v
	}
	s.want(200, "PUT", "/products/"+s.product+"/tickets/policy", s.policy, nil)
}

// Whatever Jira answers, a person is told what to do, and once it is done
// everything arrives, and nothing twice.
func TestRefusalsAreToldAndMended(t *testing.T) {
	t.Parallel()
	fault := func(f fake.Fault) func(*shop) { return func(s *shop) { s.jira.Inject(f) } }
	// What may have been made is looked for at once: the tracker does not say until it is mended, so that the doubt lasts.
	doubt := func(k fake.FaultKind) func(*shop) {
		return func(s *shop) {
			s.jira.Inject(fake.Fault{Kind: fake.Status, Code: 503, Op: "getIssue"})
			s.jira.Inject(fake.Fault{Kind: k, Op: "createIssue"})
		}
	}
	target := func(s *shop, project string) {
		s.setPolicy(map[string]any{"default": map[string]any{"connection": s.conn, "project": project, "type": "Task"}})
	}
	for name, c := range map[string]struct {
		fail func(*shop)
		says string
		mend func(*shop) // nil: it passes by itself
	}{
		"credential revoked": {func(s *shop) { s.jira.SetAuth(fake.AuthRefused) }, "enter a new one", func(s *shop) {
			s.jira.SetAuth(fake.AuthOK)
			_, _, secret := s.jira.Credential()
			s.want(200, "PUT", "/connections/"+s.conn, s.connectionInput(secret), nil)
		}},
		"no permission anywhere": {func(s *shop) { s.jira.SetAuth(fake.AuthForbidden) }, "permission", func(s *shop) { s.jira.SetAuth(fake.AuthOK); s.retry() }},
		"no right to create": {func(s *shop) { s.jira.Deny("CREATE_ISSUES", true) }, "permission to create", func(s *shop) {
			// What is refused only after it was asked for again waits for a person once more.
			s.eventually("nothing is on its way", func() bool {
				return !slices.ContainsFunc(s.tickets(), func(k ticket) bool { return k.State == "pending" })
			})
			s.jira.Deny("CREATE_ISSUES", false)
			s.retry()
		}},
		"no such project":      {func(s *shop) { target(s, "NOPE") }, "NOPE", func(s *shop) { target(s, "SEC") }},
		"limit with a time":    {fault(fake.Fault{Kind: fake.RateLimit, Op: "createIssue", Times: 2, RetryAfter: "1"}), "limits requests", nil},
		"limit without a time": {fault(fake.Fault{Kind: fake.RateLimit, Times: 1}), "limits requests", nil},
		"out of service":       {fault(fake.Fault{Kind: fake.Status, Code: 503}), "503", func(s *shop) { s.jira.ClearFaults(); s.retry() }},
		"a web page":           {fault(fake.Fault{Kind: fake.HTML}), "a login page, a proxy or a wrong address", func(s *shop) { s.jira.ClearFaults(); s.retry() }},
		"a web page, but done": {doubt(fake.HTMLDone), "ambiguous", func(s *shop) { s.jira.ClearFaults(); s.retry() }},
		"half an answer":       {doubt(fake.CutJSON), "ambiguous", func(s *shop) { s.jira.ClearFaults(); s.retry() }},
		"a new required field": {func(s *shop) {
			if err := s.jira.SetField("SEC", fake.Field{ID: "customfield_10700", Name: "Cost centre", Required: true, Type: "string"}); err != nil {
				s.t.Fatal(err)
			}
		}, "Cost centre", func(s *shop) { s.setPolicy(map[string]any{"fields": map[string]any{"customfield_10700": "4711"}}) }},
	} {
		for _, flavour := range []fake.Flavour{fake.Cloud, fake.DataCenter} {
			t.Run(name+" on "+string(flavour), func(t *testing.T) {
				t.Parallel()
				s := openShop(t, boot(t, quick(t)).setup(), flavour)
				s.published(1)
				c.fail(s)
				s.publish(4)
				t.Logf("told: %s", s.says(c.says))
				for _, k := range s.tickets() {
					if k.State == "failed" && k.Note == "" {
						t.Errorf("%s failed and nobody is told why", k.Object)
					}
				}
				if c.mend != nil {
					c.mend(s)
				}
				s.eventually("four tickets are open", func() bool { return s.open() == 4 })
				s.eventually("the connection is well again", func() bool { return s.connection().State == "active" && s.connection().Reason == "" })
				s.once(4)
			})
		}
	}
}

// A credential that is refused is not tried again until a person acts: more
// tries may lock the account out.
func TestRefusedCredentialIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, flavour := range []fake.Flavour{fake.Cloud, fake.DataCenter} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			s := openShop(t, boot(t, quick(t)).setup(), flavour)
			s.want(200, "PUT", "/connections/"+s.conn, s.connectionInput("not the token"), nil)
			s.quiet()
			refused := func() int {
				n := s.jira.Requests()
				return n["total"] - n["getServerInfo"] // which needs no credential
			}
			before := refused()
			s.publish(3)
			s.says("enter a new one")
			s.quiet() // several polls long
			if got := refused() - before; got > 2 {
				t.Errorf("a refused credential was sent %d times, want at most 2: %v", got, s.jira.Requests())
			}
			shown := fmt.Sprintf("%+v %+v", s.connection(), s.tickets())
			if strings.Contains(shown, "not the token") {
				t.Errorf("the credential is shown: %s", shown)
			}
			_, _, secret := s.jira.Credential()
			s.want(200, "PUT", "/connections/"+s.conn, s.connectionInput(secret), nil)
			s.eventually("three tickets are open", func() bool { return s.open() == 3 })
			s.once(3)
		})
	}
}
