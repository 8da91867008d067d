package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/server"
	"github.com/threatloop/threatloop/internal/store/pgtest"
	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// The kill test runs the whole loop against a server in a process of its own,
// which SIGKILLs itself at transaction borders and around external calls, and
// is started again until the loop is through. The tracker is a fake Jira that
// lives on. Afterwards nothing may be lost and nothing may be there twice.

func TestMain(m *testing.M) {
	if os.Getenv("KILL_CHILD") == "1" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child serves until it is told to stop or kills itself.
func child() error {
	sites, err := os.OpenFile(os.Getenv("KILL_SITES"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	targets := map[string]int{} // site -> occurrence at which to die
	if data, err := os.ReadFile(os.Getenv("KILL_TARGETS")); err == nil {
		if err := json.Unmarshal(data, &targets); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	seen := map[string]int{}
	point := func(name string) {
		site := name + " in " + cause()
		mu.Lock()
		defer mu.Unlock()
		seen[site]++
		if seen[site] == 1 {
			fmt.Fprintln(sites, "seen "+site)
		}
		if seen[site] == targets[site] {
			fmt.Fprintln(sites, "killed "+site)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := server.New(ctx, server.Config{
		Listen: os.Getenv("KILL_LISTEN"), Data: os.Getenv("KILL_DATA"), DatabaseURL: os.Getenv("KILL_DATABASE"), AllowPrivate: true,
		PollEvery: 150 * time.Millisecond, SweepEvery: 2 * time.Second, CallTimeout: time.Second, Settle: 400 * time.Millisecond, Rescue: 2 * time.Second, RetryCap: 200 * time.Millisecond,
		ResolveAfter: []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond, 300 * time.Millisecond}, LeaseAfter: 300 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Point: point,
	}, "test")
	if err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.Stop(end)
}

// cause names the function that wanted the transaction or call: the first of
// ours that is not part of the machinery that all of them share.
func cause() string {
	pcs := make([]uintptr, 60)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	last := "?"
	for {
		f, more := frames.Next()
		if _, name, ok := strings.Cut(f.Function, "/internal/"); ok {
			last = name
			shared := strings.HasPrefix(name, "store.") || strings.HasPrefix(name, "tracker/") || strings.HasPrefix(name, "app.change") || strings.HasPrefix(name, "app.attach") ||
				strings.HasPrefix(name, "app.query") || strings.HasPrefix(name, "ticketing.(*run).write") || strings.HasPrefix(name, "ticketing.(*run).point") || strings.HasPrefix(name, "server_test.")
			if !shared {
				return strings.TrimRight(strings.ReplaceAll(name, "[...]", ""), ".0123456789")
			}
		}
		if !more {
			return last
		}
	}
}

// process is the server under test, started again whenever it died.
type process struct {
	t        *testing.T
	rng      *rand.Rand
	base     string
	env      []string
	sites    string
	targets  string
	hits     map[string]int  // kills per site, over all scenarios
	seen     map[string]bool // sites of this scenario
	kills    int
	enough   int // kills until this scenario is left in peace
	goal     int // kills that all scenarios together are to have
	mu       sync.Mutex
	cmd      *exec.Cmd
	exited   chan struct{}
	stopping bool
}

func (p *process) start() {
	p.draw()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), p.env...), "KILL_CHILD=1", "KILL_SITES="+p.sites, "KILL_TARGETS="+p.targets)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		p.t.Errorf("start the server: %v", err)
		return
	}
	p.cmd, p.exited = cmd, make(chan struct{})
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		close(p.exited)
		if p.stopping {
			return
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			p.t.Errorf("the server ended by itself: %v\n%s", err, log.String())
			p.stopping = true
			return
		}
		p.kills++
		p.count()
		p.start()
	}()
}

// count reads which sites were seen and where the server died.
func (p *process) count() {
	f, err := os.Open(p.sites)
	if err != nil {
		return
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if site, ok := strings.CutPrefix(lines.Text(), "seen "); ok {
			p.hits[site] += 0
			p.seen[site] = true
		} else if site, ok := strings.CutPrefix(lines.Text(), "killed "); ok {
			p.hits[site]++
			p.t.Logf("killed %s", site)
		}
	}
	_ = os.Truncate(p.sites, 0) // read; the next server appends again
}

// draw chooses where the next server dies: at those sites that were hit least.
func (p *process) draw() {
	targets := map[string]int{}
	if p.kills < p.enough {
		sites := make([]string, 0, len(p.hits))
		for s := range p.hits {
			sites = append(sites, s)
		}
		slices.Sort(sites)
		slices.SortStableFunc(sites, func(a, b string) int { return p.hits[a] - p.hits[b] })
		if len(sites) > 0 {
			// Those hit least; at times also those hit less than most, since some of
			// the first are not come to any more in this loop. Once the server died
			// often enough only those are left that were never hit.
			most := p.hits[sites[0]]
			if p.kills < p.goal && p.rng.IntN(3) == 0 {
				most = p.hits[sites[len(sites)/2]]
			}
			for _, s := range sites {
				switch {
				case p.hits[s] == 0:
					targets[s] = 1 // it may come no second time
				case p.hits[s] <= most:
					targets[s] = 1 + p.rng.IntN(2)
				}
			}
		}
	}
	data, err := json.Marshal(targets)
	if err == nil {
		err = os.WriteFile(p.targets, data, 0o600)
	}
	if err != nil {
		p.t.Errorf("draw: %v", err)
	}
}

func (p *process) stop() {
	p.mu.Lock()
	p.stopping = true
	cmd, exited := p.cmd, p.exited
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may be dead already
	select {
	case <-exited:
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill()
		<-exited
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count()
}

// do performs a request again and again until the server answered it.
func (p *process) do(ctx context.Context, method, path, token, key string, in, out any) int {
	p.t.Helper()
	body, contentType := []byte(nil), "application/json"
	switch v := in.(type) {
	case nil:
	case []byte:
		body, contentType = v, "application/octet-stream"
	default:
		var err error
		if body, err = json.Marshal(in); err != nil {
			p.t.Fatal(err)
		}
	}
	for {
		if ctx.Err() != nil || p.t.Failed() {
			p.t.Fatalf("%s %s: never answered", method, path)
		}
		status, data, err := p.once(ctx, method, path, token, key, contentType, body)
		if err != nil || status >= 500 {
			if err == nil && status == 500 {
				p.t.Fatalf("%s %s = 500 %s", method, path, data)
			}
			pause(ctx, 20*time.Millisecond)
			continue
		}
		if out != nil && status < 300 {
			if err := json.Unmarshal(data, out); err != nil {
				p.t.Fatalf("%s %s: %v in %s", method, path, err, data)
			}
		}
		if status >= 400 && status != http.StatusConflict {
			p.t.Fatalf("%s %s = %d %s", method, path, status, data)
		}
		return status
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (p *process) once(ctx context.Context, method, path, token, key, contentType string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, data, err
}

const password = "correct horse battery staple"

// scenario runs the loop once and checks what came of it.
func scenario(ctx context.Context, t *testing.T, p *process, jira *fake.Server, jiraURL string) {
	call := func(method, path, token, key string, in, out any) int {
		t.Helper()
		return p.do(ctx, method, path, token, key, in, out)
	}
	deadline, _ := ctx.Deadline()
	token := signIn(ctx, t, p)
	var product struct{ ID string }
	call("POST", "/products", token, "product", map[string]any{"name": "Parcel desk", "questionnaire": "web-product", "answers": map[string]any{"database": []string{"sql"}, "reach": "internet"}}, &product)
	var plan struct {
		Left int `json:"left"`
	}
	call("POST", "/products/"+product.ID+"/plan", token, "plan", map[string]any{"all": true}, &plan)
	flavour, email, secret := jira.Credential()
	settings, credential := map[string]any{"base_url": jiraURL, "email": email}, map[string]any{"token": secret}
	if flavour != fake.Cloud {
		settings, credential = map[string]any{"base_url": jiraURL}, map[string]any{"pat": secret}
	}
	var conn struct{ ID string }
	call("POST", "/connections", token, "connection", map[string]any{"name": "Jira", "kind": "jira", "settings": settings, "credential": credential}, &conn)
	call("PUT", "/products/"+product.ID+"/tickets/policy", token, "", map[string]any{
		"push": "manual", "auto": true, "ask_above": -1,
		"vulnerabilities": map[string]any{"open": "contradicted", "close_on_pass": true, "reopen": true}, "default": map[string]any{"connection": conn.ID, "project": "SEC", "type": "Task"},
	}, nil)

	type countermeasure struct{ ID, Ref, State string }
	list := func() []countermeasure {
		var page struct{ Items []countermeasure }
		call("GET", "/products/"+product.ID+"/countermeasures?limit=1000", token, "", nil, &page)
		return page.Items
	}
	var wanted []string
	target := countermeasure{}
	for _, c := range list() {
		if c.Ref == "parameterised-queries" {
			target = c
			wanted = append(wanted, c.ID)
		} else if c.State == "required" && len(wanted) < 3 {
			wanted = append(wanted, c.ID)
		}
	}
	if target.ID == "" || !slices.Contains(wanted, target.ID) {
		t.Fatalf("the model has no parameterised queries: %v", list())
	}
	call("POST", "/products/"+product.ID+"/tickets/publish", token, "publish", map[string]any{"objects": wanted}, nil)

	type ticket struct{ Key, State, Purpose, Object, Note string }
	tickets := func() []ticket {
		var page struct{ Items []ticket }
		call("GET", "/products/"+product.ID+"/tickets?limit=1000", token, "", nil, &page)
		return page.Items
	}
	eventually := func(what string, ok func() bool) {
		t.Helper()
		for !ok() {
			if time.Until(deadline) < 10*time.Second || t.Failed() {
				var state any
				call("GET", "/connections", token, "", nil, &state)
				t.Fatalf("never happened: %s; tickets %+v; connections %v", what, tickets(), state)
			}
			pause(ctx, 40*time.Millisecond)
		}
	}
	has := func(purpose, state string) int {
		n := 0
		for _, k := range tickets() {
			if k.Purpose == purpose && (state == "" || k.State == state) {
				n++
			}
		}
		return n
	}
	eventually("all published tickets are linked", func() bool { return has("countermeasure", "open") == len(wanted) })

	key := ""
	for _, k := range tickets() {
		if k.Object == target.ID {
			key = k.Key
		}
	}
	if err := jira.SetStatus(key, "Done", "Done", "merged"); err != nil {
		t.Fatal(err)
	}
	state := func() string {
		for _, c := range list() {
			if c.ID == target.ID {
				return c.State
			}
		}
		return ""
	}
	eventually("the closed ticket implements the countermeasure", func() bool { return state() == "implemented" })

	report := func(failed bool) []byte {
		failure := ""
		if failed {
			failure = `<failure message="the answer holds rows of others"/>`
		}
		return []byte(`<testsuites><testsuite name="security"><testcase classname="orders" name="a quote in the search ends no query"><properties>` +
			`<property name="countermeasure" value="parameterised-queries"/></properties>` + failure + `</testcase></testsuite></testsuites>`)
	}
	upload := func(name string, failed bool) {
		t.Helper()
		var run struct{ ID, State, Error string }
		call("POST", "/products/"+product.ID+"/results?source=ci&name="+url.QueryEscape(name), token, name, report(failed), &run)
		eventually(name+" is read", func() bool {
			call("GET", "/products/"+product.ID+"/runs/"+run.ID, token, "", nil, &run)
			if run.State == "rejected" || run.State == "failed" {
				t.Fatalf("%s: %s %s", name, run.State, run.Error)
			}
			return run.State == "done"
		})
	}
	upload("failing", true)
	eventually("a vulnerability ticket opens", func() bool { return has("vulnerability", "open") == 1 })
	upload("passing", false)
	eventually("the vulnerability ticket closes", func() bool { return has("vulnerability", "closed") == 1 })

	// Nothing doubled, nothing lost.
	issues := jira.Issues()
	if want := len(wanted) + 1; len(issues) != want {
		t.Errorf("Jira has %d issues, want %d: one per published countermeasure and one vulnerability", len(issues), want)
	}
	for _, i := range issues {
		texts := map[string]int{}
		for _, c := range i.Comments {
			if texts[c]++; texts[c] > 1 {
				t.Errorf("%s has this comment twice: %s", i.Key, c)
			}
		}
	}
	var runs, products struct{ Items []struct{ ID string } }
	call("GET", "/products/"+product.ID+"/runs", token, "", nil, &runs)
	call("GET", "/products", token, "", nil, &products)
	if len(runs.Items) != 2 || len(products.Items) != 1 {
		t.Errorf("%d runs and %d products, want 2 and 1", len(runs.Items), len(products.Items))
	}
	for _, path := range []string{"/audit/check", "/products/" + product.ID + "/audit/check"} {
		var check struct {
			Whole bool
			Text  string
		}
		if call("GET", path, token, "", nil, &check); !check.Whole {
			t.Errorf("%s: %s", path, check.Text)
		}
	}
}

// signIn makes the administrator, or signs in where an earlier attempt that died made it.
func signIn(ctx context.Context, t *testing.T, p *process) string {
	t.Helper()
	for {
		body := map[string]any{"email": "ada@example.org", "name": "Ada", "password": password}
		p.do(ctx, "POST", "/setup", "", "", body, nil)
		req, err := json.Marshal(map[string]any{"email": "ada@example.org", "password": password})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(ctx, "POST", p.base+"/api/v1/session", bytes.NewReader(req))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			for _, c := range res.Cookies() {
				if c.Name == "threatloop_session" {
					return c.Value
				}
			}
		}
		if ctx.Err() != nil || t.Failed() {
			t.Fatal("could not sign in")
		}
		pause(ctx, 30*time.Millisecond)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// killsPerScenario bounds how often one loop is interrupted, so that many loops
// are interrupted at different depths.
const killsPerScenario = 15

// killed runs scenarios until the server died often enough and, if everywhere, at every site.
func killed(t *testing.T, enough int, everywhere bool, database func(t *testing.T) string) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("THREATLOOP_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("THREATLOOP_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("THREATLOOP_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	hits := map[string]int{}
	common := map[string]int{} // in how many scenarios a site was seen
	kills, scenarios := 0, 0
	// Sites that only some loops come to are given a few loops more. What a loop
	// hardly ever comes to (an answer that is lost by chance) is named, no more.
	unhit := func(least int) (list []string) {
		for site, n := range common {
			if n >= least && hits[site] == 0 {
				list = append(list, site)
			}
		}
		slices.Sort(list)
		return list
	}
	for scenarios < 50 && (kills < enough || everywhere && len(unhit(3)) > 0) {
		scenarios++
		flavour := fake.Cloud
		if scenarios%2 == 0 {
			flavour = fake.DataCenter
		}
		t.Run(fmt.Sprintf("%d-%s", scenarios, flavour), func(t *testing.T) {
			jira := fake.New(fake.Options{Flavour: flavour, Seed: seed, Project: "SEC"})
			site := httptest.NewServer(jira)
			defer site.Close()
			dir := t.TempDir()
			addr := freePort(t)
			env := []string{"KILL_LISTEN=" + addr, "KILL_DATA=" + dir}
			if database != nil {
				env = append(env, "KILL_DATABASE="+database(t))
			}
			p := &process{t: t, rng: rng, base: "http://" + addr, env: env, sites: filepath.Join(dir, "sites"), targets: filepath.Join(dir, "targets"), hits: hits, seen: map[string]bool{}, kills: kills, enough: kills + killsPerScenario, goal: enough}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			p.mu.Lock()
			p.start()
			p.mu.Unlock()
			defer func() {
				p.stop()
				kills = p.kills
				for site := range p.seen {
					common[site]++
				}
			}()
			scenario(ctx, t, p, jira, site.URL)
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills in %d scenarios at %d sites", kills, scenarios, len(hits))
	if kills < enough {
		t.Errorf("%d kills, want %d", kills, enough)
	}
	if list := unhit(1); len(list) > 0 {
		t.Logf("come to and not hit: %s", strings.Join(list, "; "))
	}
	if list := unhit(max(3, scenarios/3)); everywhere && len(list) > 0 {
		t.Errorf("%d sites were never hit: %s", len(list), strings.Join(list, "; "))
	}
}

func TestKilledOnSQLite(t *testing.T) { killed(t, 200, true, nil) }

func TestKilledOnPostgreSQL(t *testing.T) {
	killed(t, 50, false, func(t *testing.T) string { return pgtest.URL(t, "kill", nil) })
}
