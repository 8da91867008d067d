package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// running is an application with its background work on a fresh SQLite file.
func running(t *testing.T) (*App, Caller) {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	lib, err := shippedLibrary()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeyRing(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{
		DB: db, Library: lib, Keys: keys, Now: time.Now, Random: rand.Reader, Fresh: 90 * 24 * time.Hour, BaseURL: "http://localhost",
		Tickets: ticketing.Options{PollEvery: 200 * time.Millisecond, Instance: "test"},
	})
	q, err := queue.New(ctx, db, queue.Options{Handlers: a.Handlers(), Periodic: a.Periodic(300*time.Millisecond, time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Errorf("stop the queue: %v", err)
		}
		if err := a.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	in, err := a.Setup(ctx, Caller{Source: "test"}, SetupInput{AccountInput: AccountInput{Email: "ada@example.org", Name: "Ada", Password: "a long enough passphrase"}})
	if err != nil {
		t.Fatalf("Setup: %v", err)
	}
	c, err := a.AuthenticateSession(ctx, Caller{Source: "test"}, in.Token.Reveal())
	if err != nil {
		t.Fatalf("AuthenticateSession: %v", err)
	}
	return a, c
}

// eventually polls until ok: background work runs beside the test. Five minutes are no
// measure of speed, only sooner than the whole package's limit and with a name.
func eventually(t *testing.T, what string, ok func() bool) {
	start := time.Now()
	defer func() { t.Logf("%s after %s", what, time.Since(start).Round(time.Millisecond)) }()
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-tick.C
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "demo", "data", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestLoop(t *testing.T) {
	t.Parallel()
	a, c := running(t)
	ctx := t.Context()

	var answers struct {
		Questionnaire string  `json:"questionnaire"`
		Answers       Answers `json:"answers"`
	}
	if err := json.Unmarshal(read(t, "answers.json"), &answers); err != nil {
		t.Fatal(err)
	}
	p, err := a.CreateProduct(ctx, c, ProductInput{Name: "Parcel desk", Questionnaire: answers.Questionnaire, Answers: answers.Answers})
	if err != nil {
		t.Fatalf("CreateProduct: %v", err)
	}
	imported, err := a.Import(ctx, c, p.ID, 0, "diagram.json", read(t, "diagram.json"), false)
	if err != nil || imported.Added == 0 {
		t.Fatalf("Import = %+v, %v", imported, err)
	}
	plan, err := a.Plan(ctx, c, p.ID)
	if err != nil || plan.Counts["add"] < 50 {
		t.Fatalf("Plan counts = %v, %v, want at least 50 additions", plan.Counts, err)
	}
	applied, err := a.ApplyPlan(ctx, c, p.ID, plan.Version, PlanInput{All: true})
	if err != nil || applied.Left != 0 {
		t.Fatalf("ApplyPlan = %d left, %v", applied.Left, err)
	}

	conn, err := a.AddConnection(ctx, c, ConnectionInput{Name: "Board", Kind: "builtin"})
	if err != nil {
		t.Fatalf("AddConnection: %v", err)
	}
	_, err = a.SetTicketPolicy(ctx, c, p.ID, 0, ticketing.Policy{
		Push: ticketing.PushBoth, Auto: true, AskAbove: -1,
		Vulnerabilities: ticketing.VulnerabilityPolicy{ClosePass: true, Reopen: true}, Default: ticketing.Target{Connection: conn.ID, Project: "SHOP"},
	})
	if err != nil {
		t.Fatalf("SetTicketPolicy: %v", err)
	}
	find := func(ref string) CountermeasureView {
		t.Helper()
		page, err := a.Countermeasures(ctx, c, p.ID, RiskFilter{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Items {
			if m.Ref == ref {
				return m
			}
		}
		t.Fatalf("no countermeasure %s", ref)
		return CountermeasureView{}
	}
	threat := func() ThreatView {
		t.Helper()
		page, err := a.Threats(ctx, c, p.ID, RiskFilter{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Items {
			if x.Ref == "sql-injection/read-other-customers-data" {
				return x
			}
		}
		t.Fatal("no SQL injection")
		return ThreatView{}
	}
	tickets := func() []TicketView {
		t.Helper()
		page, err := a.Tickets(ctx, c, p.ID, "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		return page.Items
	}
	eventually(t, "every wanted ticket is linked", func() bool {
		if len(tickets()) < 10 {
			return false
		}
		for _, k := range tickets() {
			if k.State != "open" {
				return false
			}
		}
		return true
	})
	before := threat().Rating

	var key string
	for _, k := range find("parameterised-queries").Tickets {
		key = k.Key
	}
	shows := func(state string) {
		t.Helper()
		f, err := a.ExportModel(ctx, c, p.ID, "threat-dragon")
		if err != nil {
			t.Fatalf("ExportModel: %v", err)
		}
		var doc any
		if err := json.Unmarshal(f.Data, &doc); err != nil {
			t.Fatalf("the export is no JSON: %v", err)
		}
		if now, own := threat(), standingIn(doc, key); own["state"] != state || own["current"] != float64(now.Rating.Current) || own["band"] != string(now.Rating.Band) {
			t.Errorf("the exported threat has the ticket %s as %v, want %s with the rating %d", key, own, state, now.Rating.Current)
		}
		back, err := a.Import(ctx, c, p.ID, 0, "diagram.json", f.Data, true)
		if err != nil || back.Added+back.Changed+back.Removed+back.Conflicts != 0 {
			t.Errorf("our own export again = %+v, %v, want no difference", back, err)
		}
	}
	shows("open")
	if _, err := a.MoveTicket(ctx, c, conn.ID, key, MoveInput{Status: "Done", Comment: "merged"}); err != nil {
		t.Fatalf("MoveTicket: %v", err)
	}
	eventually(t, "the closed ticket implements the countermeasure", func() bool { return find("parameterised-queries").State == model.Implemented })
	claimed := threat().Rating
	shows("implemented")
	if claimed.Current >= before.Current || claimed.Verified != before.Verified {
		t.Errorf("rating after the claim = %+v, want current below %d, verified still %d", claimed.Figures, before.Current, before.Verified)
	}

	upload := func(name string) RunView {
		t.Helper()
		run, err := a.Upload(ctx, c, p.ID, UploadInput{Name: name, Source: strings.TrimSuffix(strings.TrimSuffix(name, "-fail.xml"), "-pass.xml")}, strings.NewReader(string(read(t, name))))
		if err != nil {
			t.Fatalf("Upload(%s): %v", name, err)
		}
		run, err = a.Await(ctx, c, p.ID, run.ID, 15*time.Second)
		if err != nil || run.State != store.RunDone {
			t.Fatalf("run of %s = %s %s, %v", name, run.State, run.Error, err)
		}
		return run
	}
	run := upload("junit-fail.xml")
	if len(run.Diff.New) == 0 {
		t.Fatalf("the failing report changed nothing: %+v", run.Diff)
	}
	if got := threat().Rating; got.Figures != before.Figures {
		t.Errorf("rating after the failing test = %+v, want exactly what it was: %+v", got.Figures, before.Figures)
	}
	vulnerability := func() TicketView {
		for _, k := range tickets() {
			if k.Purpose == "vulnerability" {
				return k
			}
		}
		return TicketView{}
	}
	eventually(t, "a vulnerability ticket opens", func() bool { return vulnerability().State == "open" })

	again, err := a.Upload(ctx, c, p.ID, UploadInput{Name: "junit-fail.xml", Source: "junit"}, strings.NewReader(string(read(t, "junit-fail.xml"))))
	if err != nil || !again.Repeat || again.ID != run.ID {
		t.Errorf("Upload of the same file = %s repeat %v, %v, want the first run's answer", again.ID, again.Repeat, err)
	}

	upload("junit-pass.xml")
	proven := threat().Rating
	if proven.Verified >= before.Verified || proven.Current != proven.Verified && proven.Current > claimed.Current {
		t.Errorf("rating after the passing test = %+v, want verified below %d", proven.Figures, before.Verified)
	}
	moves, err := a.RatingHistory(ctx, c, p.ID, threat().ID, "", 2)
	if err != nil || len(moves.Items) != 2 {
		t.Fatalf("RatingHistory() = %d moves, %v, want 2", len(moves.Items), err)
	}
	bind, flaw := find("parameterised-queries").Title, "SQL statements are built from input"
	for i, want := range []string{"junit: “" + bind + "” is proven", "junit: “" + flaw + "” was found"} {
		if got := moves.Items[i].Cause.Text; got != want {
			t.Errorf("the cause of move %d = %q, want %q", i, got, want)
		}
	}
	eventually(t, "the vulnerability ticket closes", func() bool { return vulnerability().State == "closed" })

	for _, product := range []model.ProductID{"", p.ID} {
		if check, err := a.VerifyAudit(ctx, c, product); err != nil || !check.Whole || check.Rows == 0 {
			t.Errorf("VerifyAudit(%q) = %+v, %v", product, check, err)
		}
	}
	e, err := a.Explain(ctx, c, p.ID, threat().ID)
	if err != nil || len(e.Lines) == 0 {
		t.Errorf("Explain = %d lines, %v", len(e.Lines), err)
	}
}

// standingIn looks a Threat Dragon file through for the SQL injection and returns what
// it shows of its rating and the ticket.
func standingIn(v any, key string) map[string]any {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if found := standingIn(x, key); found != nil {
				return found
			}
		}
	case map[string]any:
		own, _ := v["threatloop"].(map[string]any)
		set, _ := own["set"].(map[string]any)
		if set["ref"] == "sql-injection/read-other-customers-data" {
			rating, _ := own["rating"].(map[string]any)
			tickets, _ := own["tickets"].([]any)
			for _, x := range tickets {
				if x := x.(map[string]any); x["key"] == key {
					return map[string]any{"state": x["state"], "current": rating["current"], "band": rating["band"]}
				}
			}
		}
		for _, x := range v {
			if found := standingIn(x, key); found != nil {
				return found
			}
		}
	}
	return nil
}
