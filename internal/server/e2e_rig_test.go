package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/server"
	"github.com/threatloop/threatloop/internal/tracker/fake"
	"github.com/threatloop/threatloop/internal/tracker/fake/validate"
)

// patience bounds every wait for background work; it is far above what any needs.
const patience = 30 * time.Second

// rig is a real server in this process, with an administrator who is signed in.
type rig struct {
	t     *testing.T
	srv   *server.Server
	url   string
	token string
	// steadfast requests are sent again while the database is away, as a client would.
	steadfast bool
}

// quick is a configuration with short intervals on SQLite.
func quick(t *testing.T) server.Config {
	t.Helper()
	return server.Config{
		Listen: "127.0.0.1:0", Data: t.TempDir(), AllowPrivate: true, PollEvery: 200 * time.Millisecond, SweepEvery: time.Hour, CallTimeout: 2 * time.Second,
		Settle: 400 * time.Millisecond, ResolveAfter: []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond}, LeaseAfter: 600 * time.Millisecond,
		Rescue: 2 * time.Second, RetryCap: 200 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}
}

// boot starts a server and stops it when the test ends.
func boot(t *testing.T, c server.Config) *rig {
	t.Helper()
	s, err := server.New(t.Context(), c, "test")
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if err := s.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatalf("Start: %v", err)
	}
	r := &rig{t: t, srv: s, url: s.URL()}
	t.Cleanup(r.stop)
	return r
}

// stop ends the server; a second call does nothing.
func (r *rig) stop() {
	r.t.Helper()
	if r.srv == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := r.srv.Stop(ctx); err != nil {
		r.t.Errorf("Stop: %v", err)
	}
	r.srv = nil
}

// setup makes the administrator and signs in.
func (r *rig) setup() *rig {
	r.t.Helper()
	var in struct{ Token string }
	r.want(201, "POST", "/setup", map[string]any{"email": "ada@example.org", "name": "Ada", "password": passphrase}, &in)
	r.token = in.Token
	return r
}

// passphrase is the administrator's.
const passphrase = "a long enough passphrase"

// problem is an error's body.
type problem struct{ Code, Detail string }

// send performs a request: bytes go as they are, a reader as a stream, anything
// else as JSON. Headers are pairs of name and value.
func (r *rig) send(method, path string, in any, headers ...string) (int, []byte, error) {
	var body io.Reader
	kind := "application/json"
	switch v := in.(type) {
	case nil:
	case []byte:
		body, kind = bytes.NewReader(v), "application/octet-stream"
	case io.Reader:
		body, kind = v, "application/octet-stream"
	default:
		data, err := json.Marshal(in)
		if err != nil {
			return 0, nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+"/api/v1"+path, body)
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, data, err
}

// want performs a request, fails the test where the status is another one, and reads the answer.
func (r *rig) want(status int, method, path string, in, out any, headers ...string) {
	r.t.Helper()
	got, data, err := r.send(method, path, in, headers...)
	for began := time.Now(); r.steadfast && err == nil && got == http.StatusServiceUnavailable && time.Since(began) < patience; {
		got, data, err = r.send(method, path, in, headers...)
	}
	if err != nil || got != status {
		r.t.Fatalf("%s %s = %d %s, %v, want %d", method, path, got, data, err, status)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(data, out); err != nil {
		r.t.Fatalf("%s %s: %v in %s", method, path, err, data)
	}
}

// within polls until ok, or fails the test once the limit is over.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen within %s: %s", limit, what)
		}
		<-tick.C
	}
}

// countermeasure, ticket and connection are what the tests read of the server's answers.
type countermeasure struct{ ID, Ref, Title, State string }

type ticket struct{ Key, State, Purpose, Object, Note, Connection string }

type connection struct {
	ID, State, Reason, Name string
	PausedUntil             *time.Time `json:"paused_until"`
	LastPoll                *time.Time `json:"last_poll"`
	Queue                   map[string]int
	Links                   map[string]int
	Version                 int
}

// shop is a rig with a product whose plan was applied, connected with a fake Jira.
type shop struct {
	*rig
	jira    *fake.Server
	jiraURL string
	product string
	conn    string
	policy  map[string]any
	wanted  []string // objects for which tickets may be published
	target  string   // of them, the one that the reports name
}

// openShop makes a product and connects it with a fake Jira of the flavour whose
// exchanges are held to the published descriptions. Nothing is published yet.
func openShop(t *testing.T, r *rig, flavour fake.Flavour) *shop {
	t.Helper()
	s := &shop{rig: r, jira: fake.New(fake.Options{Flavour: flavour, Seed: 7})}
	site := httptest.NewServer(validate.Handler(t, s.jira))
	t.Cleanup(site.Close)
	s.jiraURL = site.URL
	s.newProduct()
	_, _, secret := s.jira.Credential()
	var conn connection
	r.want(201, "POST", "/connections", s.connectionInput(secret), &conn)
	s.conn = conn.ID
	s.policy = map[string]any{
		"push": "manual", "auto": true, "ask_above": -1,
		"vulnerabilities": map[string]any{"open": "contradicted", "close_on_pass": true, "reopen": true}, "default": map[string]any{"connection": s.conn, "project": "SEC", "type": "Task"},
	}
	r.want(200, "PUT", "/products/"+s.product+"/tickets/policy", s.policy, nil)
	for _, c := range s.countermeasures() {
		if c.Ref == "parameterised-queries" {
			s.target = c.ID
			s.wanted = slices.Insert(s.wanted, 0, c.ID)
		} else if c.State == "required" {
			s.wanted = append(s.wanted, c.ID)
		}
	}
	if s.target == "" || len(s.wanted) < 5 {
		t.Fatalf("the model has %d required countermeasures, parameterised queries: %q; want 5 with it", len(s.wanted), s.target)
	}
	return s
}

// newProduct makes a product and applies its plan.
func (s *shop) newProduct() {
	s.t.Helper()
	var made struct{ ID string }
	s.want(201, "POST", "/products", map[string]any{"name": "Parcel desk", "questionnaire": "web-product", "answers": map[string]any{"database": []string{"sql"}, "reach": "internet"}}, &made)
	s.product = made.ID
	s.want(200, "POST", "/products/"+s.product+"/plan", map[string]any{"all": true}, nil)
}

// connectionInput is what makes or changes the connection with the fake.
func (s *shop) connectionInput(secret string) map[string]any {
	flavour, email, _ := s.jira.Credential()
	settings, credential := map[string]any{"base_url": s.jiraURL, "email": email}, map[string]any{"token": secret}
	if flavour == fake.DataCenter {
		settings, credential = map[string]any{"base_url": s.jiraURL}, map[string]any{"pat": secret}
	}
	return map[string]any{"name": "Jira", "kind": "jira", "settings": settings, "credential": credential}
}

// publish lets the first n tickets go out.
func (s *shop) publish(n int) {
	s.t.Helper()
	s.want(200, "POST", "/products/"+s.product+"/tickets/publish", map[string]any{"objects": s.wanted[:n]}, nil)
}

// published publishes n tickets and waits until they are there.
func (s *shop) published(n int) {
	s.t.Helper()
	s.publish(n)
	s.eventually(fmt.Sprintf("%d tickets are open", n), func() bool { return s.open() == n })
}

func (s *shop) countermeasures() []countermeasure {
	s.t.Helper()
	var page struct{ Items []countermeasure }
	s.want(200, "GET", "/products/"+s.product+"/countermeasures?limit=1000", nil, &page)
	return page.Items
}

// state is the state of the countermeasure with the id.
func (s *shop) state(id string) string {
	s.t.Helper()
	for _, c := range s.countermeasures() {
		if c.ID == id {
			return c.State
		}
	}
	return ""
}

func (s *shop) tickets() []ticket {
	s.t.Helper()
	var page struct{ Items []ticket }
	s.want(200, "GET", "/products/"+s.product+"/tickets?limit=1000", nil, &page)
	return page.Items
}

// open counts the tickets that are open.
func (s *shop) open() int { return s.count("open") }

func (s *shop) count(state string) int {
	s.t.Helper()
	n := 0
	for _, k := range s.tickets() {
		if k.State == state {
			n++
		}
	}
	return n
}

// key is the key of the ticket for the object's work.
func (s *shop) key(object string) string {
	s.t.Helper()
	for _, k := range s.tickets() {
		if k.Object == object && k.Key != "" && k.Purpose != "vulnerability" {
			return k.Key
		}
	}
	s.t.Fatalf("%s has no ticket: %+v", object, s.tickets())
	return ""
}

// connection is the connection as the list of all shows it.
func (s *shop) connection() connection {
	s.t.Helper()
	var page struct{ Items []connection }
	s.want(200, "GET", "/connections", nil, &page)
	for _, c := range page.Items {
		if c.ID == s.conn {
			return c
		}
	}
	s.t.Fatalf("the connection is gone: %+v", page.Items)
	return connection{}
}

// eventually waits for background work; what it waits for is told with the state of everything where it does not come.
func (s *shop) eventually(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			s.t.Fatalf("did not happen within %s: %s; tickets %+v; connection %+v; requests %v", patience, what, s.tickets(), s.connection(), s.jira.Requests())
		}
		<-tick.C
	}
}

// once fails the test unless Jira has exactly n issues, each made for another
// object, and none with the same comment twice.
func (s *shop) once(n int) {
	s.t.Helper()
	issues := s.jira.Issues()
	if len(issues) != n {
		s.t.Errorf("Jira has %d issues, want %d", len(issues), n)
	}
	seen := map[string]string{}
	for _, i := range issues {
		for _, l := range i.Labels {
			if other, ok := seen[l]; ok && strings.HasPrefix(l, "threatloop-") {
				s.t.Errorf("%s and %s have the same marker %s", other, i.Key, l)
			}
			seen[l] = i.Key
		}
		texts := map[string]bool{}
		for _, c := range i.Comments {
			if texts[c] {
				s.t.Errorf("%s has this comment twice: %s", i.Key, c)
			}
			texts[c] = true
		}
	}
}

// junit is a report of one test of the target, failing or not.
func junit(failed bool) []byte {
	failure := ""
	if failed {
		failure = `<failure message="the answer holds rows of others"/>`
	}
	return []byte(`<testsuites><testsuite name="security"><testcase classname="orders" name="a quote in the search ends no query"><properties>` +
		`<property name="countermeasure" value="parameterised-queries"/></properties>` + failure + `</testcase></testsuite></testsuites>`)
}

// run is an upload as the tests read it.
type run struct {
	ID, State, Error, Code, Format string
	Complete, Repeat               bool
	Reasons                        []string
	Counts                         map[string]int
}

// upload sends a report and returns the status and the run or the problem.
func (s *shop) upload(name string, body any, headers ...string) (int, run, problem) {
	s.t.Helper()
	status, data, err := s.send("POST", "/products/"+s.product+"/results?source=ci&wait=30&name="+url.QueryEscape(name), body, headers...)
	if err != nil {
		s.t.Fatalf("upload %s: %v", name, err)
	}
	var v run
	var p problem
	for _, dst := range []any{&v, &p} {
		if err := json.Unmarshal(data, dst); err != nil {
			s.t.Fatalf("upload %s: %v in %s", name, err, data)
		}
	}
	return status, v, p
}
