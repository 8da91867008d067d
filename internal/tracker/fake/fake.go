// Package fake is a Jira made for tests: Cloud (REST v3) and Data Center (REST
// v2) personalities over one store, a search index that lags behind it,
// workflows, required fields, permissions, webhooks, and faults on demand: lost
// answers before and after the commit, late commits, rate limits, pages instead
// of JSON. It was written against the published API descriptions and knows
// nothing of the adapter that it tests. Server is the main type; its methods
// that are no handlers are what an administrator or another person does.
package fake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Flavour is a personality.
type Flavour string

// The personalities.
const (
	Cloud      Flavour = "cloud"
	DataCenter Flavour = "dc"
)

// Options configure a Server.
type Options struct {
	Flavour  Flavour
	Email    string                                     // Basic user on Cloud; "" is bot@example.org
	Token    string                                     // API token or personal access token; "" is fake-token-1234
	TimeZone string                                     // of the account; "" is Europe/Berlin
	Seed     uint64                                     // of the faults' randomness
	Lag      time.Duration                              // of the search index
	Now      func() time.Time                           // nil: the system clock
	Sleep    func(ctx context.Context, d time.Duration) // of delay faults; nil: a timer
	// IgnoreCreateProperties makes a create drop entity properties, as an old Data Center does.
	IgnoreCreateProperties bool
	// WritesPerIssue is the number of writes per issue and two seconds before a 429; 0 is no limit.
	WritesPerIssue int
	// Project is the key of the project that exists from the start; "" is SEC.
	Project string
}

// AuthMode is how the server treats the credential.
type AuthMode string

// The ways to treat the credential.
const (
	AuthOK        AuthMode = ""
	AuthRefused   AuthMode = "401"       // expired or revoked
	AuthForbidden AuthMode = "403"       // permission lost everywhere
	AuthCaptcha   AuthMode = "captcha"   // 403 with the headers of a locked-out user
	AuthAnonymous AuthMode = "anonymous" // taken for a visitor: empty answers, no error
)

// Server is a fake Jira. It is safe for concurrent use.
type Server struct {
	opt  Options
	zone *time.Location

	mu       sync.Mutex
	rand     *rand.Rand
	auth     AuthMode
	denied   map[string]bool
	projects []*project
	issues   map[int64]*issue
	byKey    map[string]int64
	order    []int64
	links    []link
	types    []LinkType
	nextID   int64
	nextSub  int64
	blind    bool
	faults   []*Fault
	due      []dueCommit
	counts   map[string]int
	writes   map[int64][]time.Time
	tokens   map[string]pageToken
	hook     webhook
}

// dueCommit is a request that is executed later than its client gave up.
type dueCommit struct {
	at  time.Time
	run func()
}

type pageToken struct {
	jql    string
	offset int
}

// New returns a server with one project of five issue types and a simple workflow.
func New(opt Options) *Server {
	if opt.Flavour == "" {
		opt.Flavour = Cloud
	}
	if opt.Email == "" {
		opt.Email = "bot@example.org"
	}
	if opt.Token == "" {
		opt.Token = "fake-token-1234"
	}
	if opt.TimeZone == "" {
		opt.TimeZone = "Europe/Berlin"
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Sleep == nil {
		opt.Sleep = wait
	}
	if opt.Project == "" {
		opt.Project = "SEC"
	}
	zone, err := time.LoadLocation(opt.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	s := &Server{
		opt: opt, zone: zone, rand: rand.New(rand.NewPCG(opt.Seed, 1)), denied: map[string]bool{}, issues: map[int64]*issue{},
		byKey: map[string]int64{}, nextID: 10000, nextSub: 100, counts: map[string]int{}, writes: map[int64][]time.Time{}, tokens: map[string]pageToken{},
		types: []LinkType{
			{"10000", "Blocks", "is blocked by", "blocks"},
			{"10001", "Cloners", "is cloned by", "clones"},
			{"10002", "Duplicate", "is duplicated by", "duplicates"},
			{"10003", "Relates", "relates to", "relates to"},
		},
	}
	s.AddProject(opt.Project, "Security")
	return s
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// ListenAndServe serves on the address (port 0 for any) until the context ends.
// ready is called with the base URL once the port is open.
func ListenAndServe(ctx context.Context, addr string, h http.Handler, ready func(url string)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("fake: listen on %s: %w", addr, err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if ready != nil {
		ready("http://" + l.Addr().String())
	}
	if err := srv.Serve(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("fake: serve: %w", err)
	}
	return nil
}

// answer is what a handler decides; a nil body is an empty one.
type answer struct {
	status int
	body   any
	header http.Header
}

// exchange is one request as a handler sees it.
type exchange struct {
	*http.Request
	op   string
	body map[string]any
	raw  []byte
	base string // of self links
}

func (x *exchange) query(name string) string { return x.URL.Query().Get(name) }

// FaultHeader marks an answer that a fault made, for validators that must not
// hold it to the published description.
const FaultHeader = "X-Fake-Fault"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return
	}
	x := &exchange{Request: r, raw: raw, base: "http://" + r.Host}
	if len(raw) > 0 && json.Unmarshal(raw, &x.body) != nil {
		x.body = nil
	}
	op, handle := s.route(r)
	x.op = op
	f := s.begin(op, r)
	if f != nil && f.Before != nil {
		f.Before(s)
	}
	if f != nil && s.early(w, r, f, func() { s.execute(x, handle) }) {
		return
	}
	a := s.execute(x, handle)
	if f != nil && s.late(w, r, f, a) {
		return
	}
	a.write(w)
}

// execute runs a handler under the lock and queues what webhooks say about it.
func (s *Server) execute(x *exchange, handle handler) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commitDue()
	if a, refused := s.refuse(x); refused {
		return a
	}
	if handle == nil {
		return failure(http.StatusNotFound, "no such resource: "+x.Method+" "+x.URL.Path, nil)
	}
	return handle(x)
}

// refuse checks the credential.
func (s *Server) refuse(x *exchange) (answer, bool) {
	if x.op == "getServerInfo" {
		return answer{}, false
	}
	unauthorized := answer{
		status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": {`OAuth realm="https%3A%2F%2Fjira"`}},
		body: map[string]any{"errorMessages": []any{"Client must be authenticated to access this resource."}, "errors": map[string]any{}},
	}
	switch s.auth {
	case AuthRefused:
		return unauthorized, true
	case AuthForbidden:
		return failure(http.StatusForbidden, "You do not have permission.", nil), true
	case AuthCaptcha:
		a := failure(http.StatusForbidden, "CAPTCHA_CHALLENGE", nil)
		a.header = http.Header{"X-Seraph-Loginreason": {"AUTHENTICATION_DENIED"}, "X-Authentication-Denied-Reason": {"CAPTCHA_CHALLENGE; login-url=https://jira/login.jsp"}}
		return a, true
	case AuthAnonymous:
		return s.anonymous(x, unauthorized)
	}
	user, password, basic := x.BasicAuth()
	bearer, _ := strings.CutPrefix(x.Header.Get("Authorization"), "Bearer ")
	if basic && user == s.opt.Email && password == s.opt.Token || s.opt.Flavour == DataCenter && bearer == s.opt.Token {
		return answer{}, false
	}
	return unauthorized, true
}

// anonymous answers as to a visitor who may see nothing.
func (s *Server) anonymous(x *exchange, unauthorized answer) (answer, bool) {
	switch x.op {
	case "search":
		if s.opt.Flavour == Cloud {
			return answer{status: http.StatusOK, body: map[string]any{"issues": []any{}, "isLast": true}}, true
		}
		return answer{status: http.StatusOK, body: map[string]any{"issues": []any{}, "startAt": 0, "maxResults": 50, "total": 0}}, true
	case "bulkFetchIssues":
		return answer{status: http.StatusOK, body: map[string]any{"issues": []any{}, "issueErrors": []any{}}}, true
	case "getIssue":
		return notFound(), true
	}
	return unauthorized, true
}

func (a answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // a client that went away is its own affair
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// failure is Jira's error body.
func failure(status int, message string, fields map[string]string) answer {
	messages := []any{}
	if message != "" {
		messages = append(messages, message)
	}
	errs := map[string]any{}
	for k, v := range fields {
		errs[k] = v
	}
	return answer{status: status, body: map[string]any{"errorMessages": messages, "errors": errs}}
}

func notFound() answer {
	return failure(http.StatusNotFound, "Issue does not exist or you do not have permission to see it.", nil)
}

// now is the server's clock; the lock need not be held.
func (s *Server) now() time.Time { return s.opt.Now() }

// stamp prints a time as Jira does, in the account's time zone.
func (s *Server) stamp(t time.Time) string {
	return t.In(s.zone).Format("2006-01-02T15:04:05.000-0700")
}

func (s *Server) commitDue() {
	now := s.now()
	var rest, run []dueCommit
	for _, d := range s.due {
		if d.at.After(now) {
			rest = append(rest, d)
		} else {
			run = append(run, d)
		}
	}
	s.due = rest
	for _, d := range run {
		d.run()
	}
}
