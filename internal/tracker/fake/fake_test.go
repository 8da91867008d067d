package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// rig is a server with a clock of its own and a way to call it.
type rig struct {
	*Server
	t  *testing.T
	mu sync.Mutex
	at time.Time
}

func newRig(t *testing.T, opt Options) *rig {
	t.Helper()
	r := &rig{t: t, at: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	opt.Now = func() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.at }
	opt.Sleep = func(context.Context, time.Duration) {}
	r.Server = New(opt)
	return r
}

func (r *rig) advance(d time.Duration) { r.mu.Lock(); defer r.mu.Unlock(); r.at = r.at.Add(d) }

// call sends a request below the REST prefix and decodes the answer.
func (r *rig) call(method, path string, body any) (int, map[string]any) {
	r.t.Helper()
	prefix := "/rest/api/3"
	if r.opt.Flavour == DataCenter {
		prefix = "/rest/api/2"
	}
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			r.t.Fatal(err)
		}
	}
	req := httptest.NewRequest(method, prefix+path, bytes.NewReader(raw))
	req.SetBasicAuth(r.opt.Email, r.opt.Token)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	var out map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &out) // lists and empty bodies give nil
	return w.Code, out
}

func (r *rig) create(summary string, labels ...string) string {
	r.t.Helper()
	code, out := r.call("POST", "/issue", map[string]any{"fields": map[string]any{
		"project": map[string]any{"key": "SEC"}, "issuetype": map[string]any{"name": "Task"},
		"summary": summary, "labels": append([]string{}, labels...), "description": r.body("about " + summary),
	}})
	if code != http.StatusCreated {
		r.t.Fatalf("create %q = %d %v", summary, code, out)
	}
	return out["key"].(string)
}

// search returns the keys that a query finds, or the refusal's text.
func (r *rig) search(jql string) []string {
	r.t.Helper()
	path := "/search/jql"
	if r.opt.Flavour == DataCenter {
		path = "/search"
	}
	code, out := r.call("POST", path, map[string]any{"jql": jql, "fields": []string{"summary"}, "maxResults": 100})
	if code != http.StatusOK {
		return []string{fmt.Sprint(code, " ", out["errorMessages"])}
	}
	keys := []string{}
	for _, i := range out["issues"].([]any) {
		keys = append(keys, i.(map[string]any)["key"].(string))
	}
	return keys
}

func TestSearch(t *testing.T) {
	t.Parallel()
	for _, flavour := range []Flavour{Cloud, DataCenter} {
		r := newRig(t, Options{Flavour: flavour})
		r.create("one", "x", "threatloop")
		r.advance(time.Hour)
		r.create("two words here", "x")
		if err := r.SetStatus("SEC-2", "Done", "", ""); err != nil {
			t.Fatal(err)
		}
		for jql, want := range map[string]string{
			`labels = x ORDER BY created ASC`:                 "SEC-1 SEC-2",
			`labels = "x" order by key desc`:                  "SEC-2 SEC-1",
			`labels = "x" AND labels = threatloop`:            "SEC-1",
			`labels in (threatloop, other)`:                   "SEC-1",
			`project = SEC AND labels != threatloop`:          "SEC-2",
			`(labels = none AND project = SEC) OR id = 10001`: "SEC-1",
			`key in (SEC-1, "SEC-2") ORDER BY updated DESC`:   "SEC-2 SEC-1",
			`labels = x AND updated >= -30m`:                  "SEC-2",
			`labels = x AND updated >= -61m ORDER BY key`:     "SEC-1 SEC-2",
			`labels = x AND updated >= 1777640400000`:         "SEC-2", // 13:00 UTC
			`labels = x AND updated >= "2026-05-01 15:00"`:    "SEC-2", // in the account's zone, Berlin
			`labels = x AND updated < "2026-05-01 14:30"`:     "SEC-1",
			`status = Done`:                         "SEC-2",
			`statusCategory = done`:                 "SEC-2",
			`description ~ "two words"`:             "SEC-2",
			`description ~ "words two"`:             "",
			`summary ~ ONE`:                         "SEC-1",
			`color = red`:                           "400 [Field 'color' does not exist or you do not have permission to view it.]",
			`labels ~ x`:                            "400 [The operator '~' is not supported by the 'labels' field.]",
			`labels = x AND`:                        "400 [Error in the JQL Query: the query ends too early.]",
			`labels = x ORDER BY color`:             "400 [Not able to sort using field 'color'.]",
			`labels = x AND updated >= "yesterday"`: "400 [Date value 'yesterday' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', or a period format e.g. '-5d', '4w 2d'.]",
			`id = 999`:                              "400 [An issue with key '999' does not exist for field 'id'.]",
			`project = NONE`:                        "400 [The value 'NONE' does not exist for the field 'project'.]",
			`labels = x foo`:                        "400 [Error in the JQL Query: expecting either 'OR' or 'AND' but got 'foo'.]",
			`(labels = x`:                           "400 [Error in the JQL Query: expecting ')'.]",
			`labels in x`:                           "400 [Error in the JQL Query: expecting '(' after 'in'.]",
			`labels = "a\"b\\" OR id = 10001`:       "SEC-1",
		} {
			if got := strings.Join(r.search(jql), " "); got != want {
				t.Errorf("%s: %s = %q, want %q", flavour, jql, got, want)
			}
		}
	}
}

func TestUnboundedSearchIsACloudError(t *testing.T) {
	t.Parallel()
	for flavour, want := range map[Flavour]int{Cloud: 400, DataCenter: 200} {
		r := newRig(t, Options{Flavour: flavour})
		path := map[Flavour]string{Cloud: "/search/jql", DataCenter: "/search"}[flavour]
		if code, _ := r.call("POST", path, map[string]any{"jql": "ORDER BY key"}); code != want {
			t.Errorf("%s: unbounded search = %d, want %d", flavour, code, want)
		}
	}
}

func TestIndexLagsBehindTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Lag: 30 * time.Second})
	key := r.create("late", "x")
	if got := r.search("labels = x"); len(got) != 0 {
		t.Errorf("search at once = %v, want nothing", got)
	}
	if code, _ := r.call("GET", "/issue/"+key, nil); code != http.StatusOK {
		t.Errorf("GET at once = %d, want 200", code)
	}
	r.advance(30 * time.Second)
	if err := r.RemoveLabel(key, "x"); err != nil {
		t.Fatal(err)
	}
	if got := r.search("labels = x"); len(got) != 1 {
		t.Errorf("search after the lag = %v, want the issue with its old label", got)
	}
	r.advance(30 * time.Second)
	if got := r.search("labels = x"); len(got) != 0 {
		t.Errorf("search after another lag = %v, want nothing", got)
	}
	if err := r.Delete(key); err != nil {
		t.Fatal(err)
	}
	if got := r.search("project = SEC"); len(got) != 1 {
		t.Errorf("search after a deletion = %v, want the index to show it still", got)
	}
	r.SetLag(0)
	if got := r.search("project = SEC"); len(got) != 0 {
		t.Errorf("search without lag = %v, want nothing", got)
	}
}

func TestCreateIsChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for name, c := range map[string]struct {
		field string
		value any
		want  string
	}{
		"long summary":     {"summary", strings.Repeat("a", 256), "255"},
		"emoji count two":  {"summary", strings.Repeat("😀", 128), "255"},
		"two lines":        {"summary", "a\nb", "newline"},
		"no summary":       {"summary", " ", "specify a summary"},
		"label with space": {"labels", []string{"a b"}, "spaces"},
		"plain text body":  {"description", "text", "Atlassian Document"},
		"long body":        {"description", r.body(strings.Repeat("x", 32767)), "CONTENT_LIMIT_EXCEEDED"},
		"unknown field":    {"customfield_1", "x", "not on the appropriate screen"},
		"priority":         {"priority", map[string]any{"name": "Urgent"}, "invalid"},
		"project":          {"project", map[string]any{"key": "NONE"}, "valid project"},
		"type":             {"issuetype", map[string]any{"name": "None"}, "invalid"},
		"parent":           {"parent", map[string]any{"key": "SEC-99"}, "Could not find"},
	} {
		fields := map[string]any{"project": map[string]any{"key": "SEC"}, "issuetype": map[string]any{"name": "Task"}, "summary": "s", c.field: c.value}
		code, out := r.call("POST", "/issue", map[string]any{"fields": fields})
		errs, _ := out["errors"].(map[string]any)
		if problem, _ := errs[c.field].(string); code != http.StatusBadRequest || !strings.Contains(problem, c.want) {
			t.Errorf("%s: %d %v, want 400 with %q", name, code, out, c.want)
		}
	}
	if n := len(r.Issues()); n != 0 {
		t.Errorf("%d issues were made by refused requests", n)
	}
}

func TestMovedAndRenamedIssuesAnswerToOldKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.AddProject("OTHER", "Other")
	key := r.create("wanderer")
	moved, err := r.Move(key, "OTHER")
	if err != nil || moved != "OTHER-1" {
		t.Fatalf("Move() = %s, %v", moved, err)
	}
	if err := r.RenameProject("OTHER", "NEW"); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"SEC-1", "OTHER-1", "NEW-1", "10001"} {
		if _, out := r.call("GET", "/issue/"+k, nil); out["key"] != "NEW-1" {
			t.Errorf("GET %s = %v, want NEW-1", k, out["key"])
		}
	}
	if next := r.create("next"); next != "SEC-2" {
		t.Errorf("the next issue is %s, want SEC-2", next)
	}
}

func TestRepeatedLinkIsStoredOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	a, b := r.create("a"), r.create("b")
	for range 2 {
		code, _ := r.call("POST", "/issueLink", map[string]any{"type": map[string]any{"name": "Blocks"}, "inwardIssue": map[string]any{"key": a}, "outwardIssue": map[string]any{"key": b}})
		if code != http.StatusCreated {
			t.Errorf("link = %d, want 201", code)
		}
	}
	if i, _ := r.Issue(a); !slices.Equal(i.Links, []string{"blocks SEC-2"}) {
		t.Errorf("links = %v, want one", i.Links)
	}
	if i, _ := r.Issue(b); !slices.Equal(i.Links, []string{"is blocked by SEC-1"}) {
		t.Errorf("links of the other = %v, want one", i.Links)
	}
}

func TestCommitLateHappensByTheClock(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.Inject(Fault{Kind: CommitLate, Op: "createIssue", Delay: time.Minute, Times: 1})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the connection was not cut")
			}
		}()
		r.create("late")
	}()
	if n := len(r.Issues()); n != 0 {
		t.Errorf("%d issues before the time", n)
	}
	r.advance(time.Minute)
	if n := len(r.Issues()); n != 1 {
		t.Errorf("%d issues after the time, want 1", n)
	}
}

func TestFaultScript(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Seed: 3})
	r.Inject(Fault{Kind: Status, Code: 503, Op: "getCurrentUser", Skip: 1, Times: 2, RetryAfter: "7"})
	var got []int
	for range 5 {
		code, _ := r.call("GET", "/myself", nil)
		got = append(got, code)
	}
	if want := []int{200, 503, 503, 200, 200}; !slices.Equal(got, want) {
		t.Errorf("answers = %v, want %v", got, want)
	}
	if n := r.Requests(); n["getCurrentUser"] != 5 || n["total"] != 5 {
		t.Errorf("Requests() = %v, want 5", n)
	}
	r.Inject(Fault{Kind: Status, Code: 500, Probability: 0.3})
	bad := 0
	for range 200 {
		if code, _ := r.call("GET", "/myself", nil); code == 500 {
			bad++
		}
	}
	if bad < 35 || bad > 85 {
		t.Errorf("%d of 200 requests failed, want about 60", bad)
	}
	r.ClearFaults()
	if code, _ := r.call("GET", "/myself", nil); code != http.StatusOK {
		t.Errorf("after ClearFaults = %d, want 200", code)
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	type got struct{ id, retry, signature, event string }
	var mu sync.Mutex
	var all []got
	answers := []int{500, 503, 200}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var body bytes.Buffer
		_, _ = body.ReadFrom(req.Body)
		var e struct{ WebhookEvent string }
		_ = json.Unmarshal(body.Bytes(), &e)
		if want := Sign(body.Bytes(), "key"); req.Header.Get("X-Hub-Signature") != want {
			t.Errorf("signature = %s, want %s", req.Header.Get("X-Hub-Signature"), want)
		}
		all = append(all, got{id: req.Header.Get("X-Atlassian-Webhook-Identifier"), retry: req.Header.Get("X-Atlassian-Webhook-Retry"), event: e.WebhookEvent})
		if len(answers) > 0 {
			w.WriteHeader(answers[0])
			answers = answers[1:]
		}
	}))
	defer srv.Close()
	r := newRig(t, Options{})
	r.SetWebhook(srv.URL, "key")
	key := r.create("hooked")
	if err := r.SetStatus(key, "Done", "Duplicate", "why"); err != nil {
		t.Fatal(err)
	}
	if err := r.DeliverAll(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	want := []got{
		{"delivery-1", "", "", "jira:issue_created"},
		{"delivery-1", "1", "", "jira:issue_created"},
		{"delivery-1", "2", "", "jira:issue_created"},
		{"delivery-1", "", "", "jira:issue_created"},
		{"delivery-2", "", "", "jira:issue_updated"},
		{"delivery-2", "", "", "jira:issue_updated"},
	}
	if !slices.Equal(all, want) {
		t.Errorf("deliveries = %v, want %v", all, want)
	}
	if i, _ := r.Issue(key); i.Resolution != "Duplicate" || !slices.Equal(i.Comments, []string{"why"}) {
		t.Errorf("issue = %+v, want the resolution and comment of SetStatus", i)
	}
}

func TestDeliverLive(t *testing.T) {
	t.Parallel()
	arrived := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		arrived <- req.Header.Get("X-Atlassian-Webhook-Identifier")
	}))
	defer srv.Close()
	r := newRig(t, Options{})
	r.SetWebhook(srv.URL, "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.DeliverLive(ctx) }()
	r.create("live")
	select {
	case id := <-arrived:
		if id != "delivery-1" {
			t.Errorf("delivered %s, want delivery-1", id)
		}
	case <-time.After(10 * time.Second):
		t.Error("no delivery arrived")
	}
	cancel()
	<-done
}

func TestListenAndServe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- ListenAndServe(ctx, "127.0.0.1:0", New(Options{}), func(u string) { url <- u }) }()
	resp, err := http.Get(<-url + "/rest/api/2/serverInfo")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("serverInfo = %v, %v", resp, err)
	}
	if resp != nil {
		_ = resp.Body.Close()
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("ListenAndServe() = %v after its context ended, want nil", err)
	}
}

func TestArchivedProjectIsReadOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	key := r.create("frozen")
	if err := r.ArchiveProject("SEC", true); err != nil {
		t.Fatal(err)
	}
	if code, _ := r.call("PUT", "/issue/"+key, map[string]any{"fields": map[string]any{"summary": "x"}}); code != http.StatusForbidden {
		t.Errorf("edit = %d, want 403", code)
	}
	if got := r.search("labels = x OR project = SEC"); len(got) != 0 {
		t.Errorf("search = %v, want nothing", got)
	}
	if code, _ := r.call("GET", "/issue/"+key, nil); code != http.StatusOK {
		t.Errorf("GET = %d, want 200", code)
	}
}
