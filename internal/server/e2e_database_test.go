package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/server"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/pgtest"
	"github.com/threatloop/threatloop/internal/store/storetest"
	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// limitPages lets the SQLite file grow to the number of pages at most; SQLite
// raises it to the present size.
func (r *rig) limitPages(n int) {
	r.t.Helper()
	if _, err := r.srv.DB().SQLite().Exec(fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
		r.t.Fatal(err)
	}
}

// On a full disk every change is refused as a whole, with words that say so,
// reading goes on, and once there is space everything works again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	r := boot(t, quick(t)).setup()
	s := openShop(t, r, fake.Cloud)
	s.published(2)
	var fresh struct{ ID string }
	s.want(201, "POST", "/products", map[string]any{"name": "Second", "questionnaire": "web-product", "answers": map[string]any{"database": []string{"sql"}, "reach": "internet"}}, &fresh)
	plan := "/products/" + fresh.ID + "/plan"
	full := func(what string, status int, data []byte, err error) {
		t.Helper()
		var p problem
		if err == nil {
			err = json.Unmarshal(data, &p)
		}
		if err != nil || status != 503 || p.Code != "store.full" || p.Detail == "" {
			t.Errorf("%s on a full disk = %d %s, %v, want 503 store.full", what, status, data, err)
		}
	}
	r.limitPages(1)
	big := append(bytes.TrimSuffix(junit(true), []byte("</testsuites>")), bytes.Repeat([]byte(" "), 6<<20)...)
	big = append(big, "</testsuites>"...)
	upload := "/products/" + s.product + "/results?source=ci&wait=30&name=" + url.QueryEscape("big.xml")
	status, data, err := s.send("POST", upload, big, "Idempotency-Key", "big")
	full("an upload", status, data, err)
	status, data, err = s.send("POST", plan, map[string]any{"all": true})
	full("applying a plan", status, data, err)
	if err := s.jira.SetStatus(s.key(s.target), "Done", "Done", ""); err != nil {
		t.Fatal(err)
	}
	var page struct{ Items []map[string]any }
	s.want(200, "GET", "/products/"+s.product+"/runs", nil, &page)
	if len(page.Items) != 0 {
		t.Errorf("the refused upload left %v", page.Items)
	}
	s.want(200, "GET", "/products/"+fresh.ID+"/countermeasures", nil, &page)
	if len(page.Items) != 0 {
		t.Errorf("the refused plan left %d countermeasures", len(page.Items))
	}

	r.limitPages(1 << 30)
	if status, v, p := s.upload("big.xml", big, "Idempotency-Key", "big"); status != 200 || v.State != "done" || v.Repeat {
		t.Errorf("the upload with space again = %d %+v %s, want it done", status, v, p.Detail)
	}
	var applied struct{ Left int }
	s.want(200, "POST", plan, map[string]any{"all": true}, &applied)
	s.want(200, "GET", "/products/"+fresh.ID+"/countermeasures", nil, &page)
	if applied.Left != 0 || len(page.Items) == 0 {
		t.Errorf("the plan with space again left %d steps and made %d countermeasures", applied.Left, len(page.Items))
	}
	s.eventually("what happened in Jira meanwhile is known", func() bool { return s.state(s.target) == "implemented" })
	for _, path := range []string{"/audit/check", "/products/" + s.product + "/audit/check", "/products/" + fresh.ID + "/audit/check"} {
		var check struct{ Whole bool }
		if s.want(200, "GET", path, nil, &check); !check.Whole {
			t.Errorf("%s: the audit trail is broken", path)
		}
	}
}

// onPostgres is a configuration on a new PostgreSQL database.
func onPostgres(t *testing.T) server.Config {
	t.Helper()
	c := quick(t)
	c.DatabaseURL = storetest.PostgresURL(t)
	c.KeyFile = filepath.Join(c.Data, "keys")
	return c
}

// terminate ends every connection with the database, as a restart of it does.
func terminate(t *testing.T, c server.Config) {
	t.Helper()
	u, err := url.Parse(c.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Admin(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+u.Path[1:]+"'")
}

// A database that goes away in the middle of the work costs time and nothing else.
func TestPostgresGoesAway(t *testing.T) {
	t.Parallel()
	c := onPostgres(t)
	s := openShop(t, boot(t, c).setup(), fake.Cloud)
	s.steadfast = true
	s.jira.Inject(fake.Fault{Kind: fake.Delay, Op: "createIssue", Delay: 100 * time.Millisecond})
	s.publish(5)
	for n := range 3 {
		s.eventually(fmt.Sprintf("ticket %d is being made", n+1), func() bool { return s.jira.Requests()["createIssue"] > n })
		terminate(t, c)
	}
	s.eventually("five tickets are open", func() bool { return s.open() == 5 })
	if err := s.jira.SetStatus(s.key(s.target), "Done", "Done", ""); err != nil {
		t.Fatal(err)
	}
	terminate(t, c)
	s.eventually("the closed ticket implements the countermeasure", func() bool { return s.state(s.target) == "implemented" })
	var r run
	s.want(202, "POST", "/products/"+s.product+"/results?source=ci", junit(true), &r, "Idempotency-Key", "once")
	terminate(t, c)
	s.eventually("the report is read", func() bool {
		s.want(200, "GET", "/products/"+s.product+"/runs/"+r.ID, nil, &r)
		return r.State == "done"
	})
	s.eventually("a vulnerability ticket opens", func() bool { return len(s.jira.Issues()) == 6 && s.open() == 5 })
	s.once(6)
}

// Two servers on one database are one Threatloop.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	c := onPostgres(t)
	first := boot(t, c).setup()
	other := boot(t, c)
	other.token = first.token
	s := openShop(t, first, fake.Cloud)
	both := []*rig{first, other}
	// Both are asked, and both work.
	for i, id := range s.wanted[:5] {
		both[i%2].want(200, "POST", "/products/"+s.product+"/tickets/publish", map[string]any{"objects": []string{id}}, nil)
	}
	s.eventually("five tickets are open", func() bool { return s.open() == 5 })
	if err := s.jira.SetStatus(s.key(s.target), "Done", "Done", ""); err != nil {
		t.Fatal(err)
	}
	s.eventually("the closed ticket implements the countermeasure", func() bool { return s.state(s.target) == "implemented" })
	for _, r := range both {
		var v run
		status, data, err := r.send("POST", "/products/"+s.product+"/results?source=ci&wait=30", junit(true))
		if err == nil {
			err = json.Unmarshal(data, &v)
		}
		if err != nil || status != 200 || v.State != "done" || v.Repeat != (r == other) {
			t.Errorf("upload = %d %s, %v, want one run for both servers", status, data, err)
		}
	}
	s.eventually("a vulnerability ticket opens", func() bool { return len(s.jira.Issues()) == 6 })
	s.once(6)

	// One goes, the other goes on.
	first.stop()
	s.rig = other
	key := s.key(s.target)
	if err := s.jira.SetStatus(key, "To Do", "", ""); err != nil {
		t.Fatal(err)
	}
	s.eventually("the reopened ticket requires the countermeasure", func() bool { return s.state(s.target) == "required" })
	s.once(6)
}

// A webhook is seen long before the next poll by whichever server it reaches, although only one of
// them holds the connection.
func TestWebhookAtEitherServer(t *testing.T) {
	t.Parallel()
	c := onPostgres(t)
	c.PollEvery = time.Hour
	first := boot(t, c).setup()
	other := boot(t, c)
	other.token = first.token
	s := openShop(t, first, fake.Cloud)
	s.published(1)
	s.withWebhook()
	for i, step := range []struct{ status, resolution, want string }{{"Done", "Done", "implemented"}, {"To Do", "", "required"}, {"Done", "Done", "implemented"}, {"To Do", "", "required"}, {"Done", "Done", "implemented"}, {"To Do", "", "required"}} {
		r := []*rig{first, other}[i%2]
		s.jira.SetWebhook(r.url+"/api/v1/connections/"+s.conn+"/webhook", webhookSecret)
		if err := s.jira.SetStatus(s.key(s.target), step.status, step.resolution, ""); err != nil {
			t.Fatal(err)
		}
		if err := s.jira.DeliverAll(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		// Where the other server is at work on the connection it takes a moment more.
		within(t, patience, step.status+" in Jira means "+step.want, func() bool { return s.state(s.target) == step.want })
	}
}

// The connection of a process that died is taken over, and what that process
// still wants to write when it comes back is refused.
func TestConnectionOfADeadServerIsTakenOver(t *testing.T) {
	t.Parallel()
	c := onPostgres(t)
	s := openShop(t, boot(t, c).setup(), fake.Cloud)
	s.published(1)
	s.stop()
	db, err := store.Open(t.Context(), store.Options{DatabaseURL: c.DatabaseURL})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	dead := db.NewLease("tracker/"+s.conn, store.LeaseOptions{Holder: "dead", After: c.LeaseAfter, Token: func() string { return "token of the dead" }})
	token, err := dead.Try(t.Context())
	if err != nil || token == "" {
		t.Fatalf("the connection is not free although its server stopped: %q, %v", token, err)
	}
	next := boot(t, c)
	next.token, s.rig = s.token, next
	s.publish(4)
	s.eventually("four tickets are open", func() bool { return s.open() == 4 })
	s.once(4)
	err = db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error { return tx.Fence("tracker/"+s.conn, token) })
	if !errors.Is(err, store.ErrFenced) {
		t.Errorf("a write of the dead server = %v, want it fenced off", err)
	}
}
