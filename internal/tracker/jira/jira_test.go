package jira_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/fake"
	"github.com/threatloop/threatloop/internal/tracker/jira"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

func TestNew(t *testing.T) {
	t.Parallel()
	good := jira.Config{BaseURL: "https://example.atlassian.net/", Email: "a@b.c", Token: "t"}
	if c, err := jira.New(good); err != nil || c.Capabilities().Name != "Jira Cloud" {
		t.Errorf("New(cloud) = %v", err)
	}
	if c, err := jira.New(jira.Config{BaseURL: "https://jira.example.org/jira", PAT: "t"}); err != nil || c.Capabilities().Name != "Jira Data Center" {
		t.Errorf("New(dc) = %v", err)
	}
	for name, change := range map[string]func(*jira.Config){
		"no address":         func(c *jira.Config) { c.BaseURL = "" },
		"no credential":      func(c *jira.Config) { c.Token = "" },
		"no user":            func(c *jira.Config) { c.Email = "" },
		"two credentials":    func(c *jira.Config) { c.PAT = "x" },
		"unknown flavour":    func(c *jira.Config) { c.Flavour = "server" },
		"credential in URL":  func(c *jira.Config) { c.BaseURL = "https://u:p@example.org" },
		"cloud id is a path": func(c *jira.Config) { c.CloudID = "../x" },
	} {
		c := good
		change(&c)
		if _, err := jira.New(c); err == nil {
			t.Errorf("New(%s) = nil, want an error", name)
		}
	}
}

func TestFlavourIsDetectedOnce(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		for range 3 {
			if _, err := s.client.Identify(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got, version, err := s.client.Detect(t.Context())
		if err != nil || string(got) != string(flavour) || version == "" || s.fake.Requests()["getServerInfo"] != 1 {
			t.Errorf("Detect() = %s, %s, %v after %d requests, want %s after 1", got, version, err, s.fake.Requests()["getServerInfo"], flavour)
		}
	}
}

func TestScopedTokenUsesTheGateway(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{}, func(c *jira.Config) {
		c.GatewayURL, c.CloudID = c.BaseURL, "11111111-2222-3333-4444-555555555555"
		c.BaseURL = "https://example.atlassian.net"
	})
	if tk := create(t, s, 1); tk.URL != "https://example.atlassian.net/browse/SEC-1" {
		t.Errorf("Create().URL = %s, want the site's, not the gateway's", tk.URL)
	}
}

func TestMarkerIsInTheCreateItself(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		s.fake.Inject(fake.Fault{Kind: fake.DropAfter, Op: "createIssue", Times: 1})
		d := draft(1)
		if _, err := s.client.Create(t.Context(), d); err == nil {
			t.Fatal("Create() = nil, want the lost answer")
		}
		i, _ := s.fake.Issue("SEC-1")
		var own struct{ Marker, Object, Instance string }
		if err := json.Unmarshal(i.Properties[jira.PropertyKey], &own); err != nil || own.Marker != d.Marker || own.Object != d.Object || own.Instance != d.Instance {
			t.Errorf("%s: property = %s, %v", flavour, i.Properties[jira.PropertyKey], err)
		}
		if !slices.Contains(i.Labels, "tm-"+d.Marker) {
			t.Errorf("%s: labels = %v, want the marker's", flavour, i.Labels)
		}
		lines := strings.Split(strings.TrimSpace(i.Text), "\n")
		if last := lines[len(lines)-1]; !strings.Contains(last, d.Marker) {
			t.Errorf("%s: last line = %q, want the marker", flavour, last)
		}
	}
}

func TestMarkerSurvivesWhatPeopleRemove(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		tk := create(t, s, 1)
		for _, remove := range []func() error{
			func() error { return s.fake.RemoveLabel(tk.ID, "*") },
			func() error { return s.fake.RemoveProperty(tk.ID, jira.PropertyKey) },
		} {
			if err := remove(); err != nil {
				t.Fatal(err)
			}
			s.Advance(time.Minute)
			if ts, err := s.client.Find(t.Context(), tk.Markers[0]); err != nil || len(ts) != 1 {
				t.Errorf("%s: Find() = %v, %v, want the ticket by what is left", flavour, ts, err)
			}
		}
	}
}

func TestCloneHasNoProperty(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{})
	tk := create(t, s, 1)
	copyKey, err := s.fake.Clone(tk.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	ts, err := s.client.Get(t.Context(), []string{tk.ID, copyKey})
	if err != nil || len(ts) != 2 || ts[0].PropertyMarker != tk.Markers[0] || ts[1].PropertyMarker != "" || len(ts[1].Markers) != 1 {
		t.Errorf("Get(original, clone) = %+v, %v, want the property on the original only", ts, err)
	}
}

func TestRequiredFieldAppears(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		create(t, s, 1)
		team := fake.Field{
			ID: "customfield_10042", Name: "Team", Type: "option", Custom: "com.atlassian.jira.plugin.system.customfieldtypes:select", Required: true,
			Allowed: []fake.Option{{ID: "1", Name: "Red"}, {ID: "2", Name: "Blue"}},
		}
		if err := s.fake.SetField("SEC", team); err != nil {
			t.Fatal(err)
		}
		for i, wantSent := range []int{2, 2, 2} { // the first is refused by Jira, the next ones before they are sent
			_, err := s.client.Create(t.Context(), draft(2+i))
			e := tracker.AsError(err)
			if err == nil || e.Kind != tracker.KindInvalid || !strings.Contains(e.Fields["customfield_10042"], "Team") || e.Outcome == tracker.Ambiguous {
				t.Fatalf("%s: Create(%d) = %v %v, want invalid naming Team", flavour, i, err, e.Fields)
			}
			if n := s.fake.Requests()["createIssue"]; n != wantSent {
				t.Errorf("%s: %d creates were sent, want %d", flavour, n, wantSent)
			}
		}
		d := draft(9)
		d.Fields = map[string]any{"customfield_10042": "blue"}
		if _, err := s.client.Create(t.Context(), d); err != nil {
			t.Errorf("%s: Create(mapped) = %v", flavour, err)
		}
		d = draft(10)
		d.Fields = map[string]any{"customfield_10042": "green"}
		if _, err := s.client.Create(t.Context(), d); kindOf(err) != tracker.KindInvalid || !strings.Contains(err.Error(), "Red, Blue") {
			t.Errorf("%s: Create(no such option) = %v, want the allowed ones named", flavour, err)
		}
	}
}

func TestFieldsNotOnTheScreen(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{})
	for _, f := range []string{"labels", "priority", "assignee"} {
		if err := s.fake.RemoveField("SEC", f); err != nil {
			t.Fatal(err)
		}
	}
	d := draft(1)
	d.Priority, d.Assignee, d.Fields = "High", "acc-1", map[string]any{"customfield_1": "x"}
	tk, err := s.client.Create(t.Context(), d)
	if err != nil || !slices.Equal(tk.Markers, []string{d.Marker}) {
		t.Errorf("Create() = %+v, %v, want a ticket without what is not on the screen", tk, err)
	}
	d = draft(2)
	d.Fields = map[string]any{"security": "Internal"}
	if _, err := s.client.Create(t.Context(), d); kindOf(err) != tracker.KindInvalid || tracker.AsError(err).Outcome != tracker.NotSent {
		t.Errorf("Create(security level not offered) = %v, want no ticket", err)
	}
}

func TestPriorityParentAssignee(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{})
	epic := create(t, s, 1)
	d := draft(2)
	d.Priority, d.Assignee, d.Target.Parent = "high", "acc-1", epic.Key
	tk, err := s.client.Create(t.Context(), d)
	if err != nil || tk.Priority != "High" || tk.Assignee == "" || tk.Parent != epic.Key {
		t.Errorf("Create() = %+v, %v, want priority High, an assignee and the parent", tk, err)
	}
	d = draft(3)
	d.Priority = "Gone"
	if tk, err := s.client.Create(t.Context(), d); err != nil || tk.Priority != "Medium" {
		t.Errorf("Create(priority that is gone) = %s, %v, want the default", tk.Priority, err)
	}
}

func TestPollInEveryTimeZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "America/St_Johns", "UTC"} {
		for _, flavour := range both {
			s := open(t, fake.Options{Flavour: flavour, TimeZone: zone})
			known, other := create(t, s, 1), create(t, s, 2)
			// Over the night in which Berlin's clocks go forward.
			for hour := range 4 {
				s.Advance(time.Hour)
				if err := s.SetStatus(other.ID, []tracker.Category{tracker.Done, tracker.New}[hour%2]); err != nil {
					t.Fatal(err)
				}
				changed := s.Now()
				s.Advance(3 * time.Minute)
				q := tracker.ChangeQuery{Label: "threatloop", Now: s.Now().Add(10 * time.Minute), Since: s.Now().Add(5 * time.Minute), Known: known.ID} // our clock is ahead
				page, err := s.client.Changed(t.Context(), q)
				if err != nil || len(page.Tickets) != 2 || !page.Tickets[1].Updated.Equal(changed) {
					t.Errorf("%s %s: Changed() = %+v, %v, want the change of %s", zone, flavour, page.Tickets, err, changed)
				}
			}
		}
	}
}

func TestStoryPoints(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{}, func(c *jira.Config) { c.StoryPoints = "customfield_10016" })
	tk := create(t, s, 1)
	if err := s.fake.SetEstimate(tk.ID, 3600, "customfield_10016", 5); err != nil {
		t.Fatal(err)
	}
	ts, err := s.client.Get(t.Context(), []string{tk.ID})
	if err != nil || ts[0].Estimate != (tracker.Estimate{Seconds: 3600, Points: 5}) {
		t.Errorf("Get().Estimate = %+v, %v", ts[0].Estimate, err)
	}
}

func TestProjectRenameAndRequestCosts(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		var ids []string
		for i := range 15 {
			ids = append(ids, create(t, s, i).ID)
		}
		if err := s.fake.RenameProject("SEC", "SAFE"); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Minute)
		s.fake.ResetRequests()
		ts, err := s.client.Get(t.Context(), ids)
		if err != nil || len(ts) != 15 || ts[0].Key != "SAFE-1" || ts[0].Project != "SAFE" {
			t.Errorf("%s: Get(15 renamed) = %d, %v", flavour, len(ts), err)
		}
		if n := s.Requests(); n != 1 {
			t.Errorf("%s: Get(15) cost %d requests, want 1", flavour, n)
		}
		if err := s.fake.Delete(ids[0]); err != nil {
			t.Fatal(err)
		}
		s.fake.SetBlind(true) // a reindex: the search shows nothing, the issues are there
		if ts, err := s.client.Get(t.Context(), ids); err != nil || len(ts) != 14 {
			t.Errorf("%s: Get(15, one deleted) during a reindex = %d, %v, want 14", flavour, len(ts), err)
		}
	}
}

// rigid is a workflow without short cuts, with a required resolution at its end.
func rigid() fake.Workflow {
	return fake.Workflow{
		Statuses: []fake.StatusDef{
			{ID: "1", Name: "Offen", Category: "new"},
			{ID: "2", Name: "In Arbeit", Category: "indeterminate"},
			{ID: "3", Name: "Prüfung", Category: "indeterminate"},
			{ID: "4", Name: "Erledigt", Category: "done"},
			{ID: "5", Name: "Abgelehnt", Category: "done"},
		},
		Initial: "1",
		Transitions: []fake.TransitionDef{
			{ID: "10", Name: "Done", From: []string{"1"}, To: "2"}, // a name that misleads
			{ID: "20", Name: "Weiter", From: []string{"2"}, To: "3"},
			{ID: "21", Name: "Zurück", From: []string{"2", "3"}, To: "1"},
			{ID: "30", Name: "Fertig", From: []string{"3"}, To: "4", Screen: []fake.Field{fake.ResolutionField(true)}},
			{ID: "31", Name: "Nein", From: []string{"3"}, To: "5", Screen: []fake.Field{fake.ResolutionField(true)}},
			{ID: "40", Name: "Wieder auf", From: []string{"4", "5"}, To: "1", ClearResolution: true},
		},
	}
}

func TestTransitionThroughARigidWorkflow(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		if err := s.fake.SetWorkflow("SEC", rigid()); err != nil {
			t.Fatal(err)
		}
		tk := create(t, s, 1)
		if _, err := s.client.Transition(t.Context(), tk.ID, tracker.Wish{Category: tracker.Done}); kindOf(err) != tracker.KindNoTransition || !strings.Contains(err.Error(), "In Arbeit") {
			t.Errorf("%s: Transition(one hop) = %v, want no_transition naming what is offered", flavour, err)
		}
		if i, _ := s.fake.Issue(tk.ID); i.Status != "Offen" {
			t.Errorf("%s: the issue moved to %s though nobody opted in", flavour, i.Status)
		}
		got, err := s.client.Transition(t.Context(), tk.ID, tracker.Wish{Category: tracker.Done, MaxHops: 3, Resolution: "won't do", Statuses: []string{"Abgelehnt"}})
		if err != nil || got.Status != "Abgelehnt" || got.Resolution != "Won't Do" {
			t.Errorf("%s: Transition(three hops) = %s, %s, %v, want Abgelehnt, Won't Do", flavour, got.Status, got.Resolution, err)
		}
		if got, err := s.client.Transition(t.Context(), tk.ID, tracker.Wish{Category: tracker.New}); err != nil || got.Status != "Offen" || got.Resolution != "" {
			t.Errorf("%s: Transition(reopen) = %s, %v", flavour, got.Status, err)
		}
		got, err = s.client.Transition(t.Context(), tk.ID, tracker.Wish{Category: tracker.Done, MaxHops: 3})
		if e := tracker.AsError(err); err == nil || e.Kind != tracker.KindNoTransition || !strings.Contains(e.Fields["resolution"], "Resolution") || got.Status != "Prüfung" {
			t.Errorf("%s: Transition(no resolution given) = %s, %v, want no_transition naming the field", flavour, got.Status, err)
		}
	}
}

func TestTransitionTraps(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{})
	tk, target := create(t, s, 1), create(t, s, 2)

	s.fake.Deny("TRANSITION_ISSUES", true)
	if _, err := s.client.Transition(t.Context(), tk.ID, tracker.Wish{Category: tracker.Done}); kindOf(err) != tracker.KindNoTransition || !strings.Contains(err.Error(), "permission") {
		t.Errorf("Transition(no permission) = %v, want a reason that names it", err)
	}
	s.fake.Deny("TRANSITION_ISSUES", false)

	w := fake.SimpleWorkflow()
	w.Transitions[2].Silent = true
	if err := s.fake.SetWorkflow("SEC", w); err != nil {
		t.Fatal(err)
	}
	if got, err := s.client.Transition(t.Context(), tk.ID, tracker.Wish{Category: tracker.Done}); kindOf(err) != tracker.KindNoTransition || got.Category != tracker.New || !strings.Contains(err.Error(), "accepted") {
		t.Errorf("Transition(accepted and not done) = %s, %v, want no_transition", got.Category, err)
	}

	w = fake.SimpleWorkflow()
	w.Transitions[2].Screen = []fake.Field{
		fake.ResolutionField(true),
		{ID: "comment", Name: "Comment", Type: "comments-page", Required: true},
		{ID: "customfield_7", Name: "Only", Type: "option", Custom: "c:select", Required: true, Allowed: []fake.Option{{ID: "70", Name: "One"}}},
	}
	if err := s.fake.SetWorkflow("SEC", w); err != nil {
		t.Fatal(err)
	}
	wish := tracker.Wish{Category: tracker.Done, Resolution: "Duplicate", DuplicateOf: target.ID, Fields: map[string]any{"comment": "Same as the other."}}
	got, err := s.client.Transition(t.Context(), tk.ID, wish)
	if err != nil || got.Resolution != "Duplicate" || got.DuplicateOf != target.ID {
		t.Errorf("Transition(duplicate) = %+v, %v, want it to name the other", got, err)
	}
	if i, _ := s.fake.Issue(tk.ID); !slices.Equal(i.Comments, []string{"Same as the other."}) || !slices.Equal(i.Links, []string{"duplicates SEC-2"}) {
		t.Errorf("issue has comments %v, links %v", i.Comments, i.Links)
	}
}

func TestLinkTypeFallsBack(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{}, func(c *jira.Config) { c.LinkType = "Blocks" })
	a, b, c := create(t, s, 1), create(t, s, 2), create(t, s, 3)
	if err := s.client.Link(t.Context(), a.ID, b.ID); err != nil {
		t.Fatal(err)
	}
	s.fake.SetLinkTypes(fake.LinkType{ID: "10003", Name: "Relates", Inward: "relates to", Outward: "relates to"})
	first := s.client.Link(t.Context(), a.ID, c.ID) // the type is gone: refused once, then asked anew
	second := s.client.Link(t.Context(), a.ID, c.ID)
	if kindOf(first) != tracker.KindNotFound || second != nil {
		t.Errorf("Link() after a removed type = %v, then %v, want not_found, then the fallback", first, second)
	}
	if i, _ := s.fake.Issue(a.ID); !slices.Equal(i.Links, []string{"blocks SEC-2", "relates to SEC-3"}) {
		t.Errorf("links = %v", i.Links)
	}
}

func TestMissingLinkPermissionIsNoBadCredential(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		a, b := create(t, s, 1), create(t, s, 2)
		s.fake.Deny("LINK_ISSUES", true) // answered with 401
		if err := s.client.Link(t.Context(), a.ID, b.ID); kindOf(err) != tracker.KindPermission {
			t.Errorf("%s: Link(no permission) = %v, want permission", flavour, err)
		}
		s.fake.SetAuth(fake.AuthRefused)
		if err := s.client.Link(t.Context(), a.ID, b.ID); kindOf(err) != tracker.KindAuth {
			t.Errorf("%s: Link(revoked) = %v, want auth", flavour, err)
		}
	}
}

func TestBackLinkIsReplaced(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{})
	tk := create(t, s, 1)
	for _, u := range []string{"https://tl.example/1", "https://tl.example/2"} {
		if err := s.client.SetBackLink(t.Context(), tk.ID, "threatloop:cm_1", u, "Countermeasure"); err != nil {
			t.Fatal(err)
		}
	}
	if i, _ := s.fake.Issue(tk.ID); len(i.RemoteLinks) != 1 || i.RemoteLinks["threatloop:cm_1"] != "https://tl.example/2" {
		t.Errorf("remote links = %v, want one, the last", i.RemoteLinks)
	}
}

func TestEditSendsNothingWhereNothingChanges(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		d := draft(1)
		tk := create(t, s, 1)
		if err := s.client.Edit(t.Context(), tk.ID, tracker.Edit{Block: &d.Body, Marker: d.Marker}); err != nil {
			t.Fatal(err)
		}
		if n := s.fake.Requests()["editIssue"]; n != 0 {
			t.Errorf("%s: an edit without a change was sent", flavour)
		}
		big := richtext.Doc{}
		for range 300 {
			big = append(big, richtext.P(richtext.Text(strings.Repeat("long ", 100))))
		}
		if err := s.fake.SurroundDescription(tk.ID, "head", "tail"); err != nil {
			t.Fatal(err)
		}
		if err := s.client.Edit(t.Context(), tk.ID, tracker.Edit{Block: &big, Marker: d.Marker}); err != nil {
			t.Errorf("%s: Edit(too long) = %v, want it shortened", flavour, err)
		}
		if i, _ := s.fake.Issue(tk.ID); !strings.HasPrefix(i.Text, "head") || !strings.HasSuffix(i.Text, "tail") || !strings.Contains(i.Text, "shortened") {
			t.Errorf("%s: description starts %.20q, want the human's text around a shortened block", flavour, i.Text)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		s.fake.Deny("LINK_ISSUES", true)
		if err := s.fake.SetField("SEC", fake.Field{ID: "customfield_9", Name: "Cost centre", Type: "string", Custom: "c:textfield", Required: true}); err != nil {
			t.Fatal(err)
		}
		if err := s.fake.RemoveField("SEC", "labels"); err != nil {
			t.Fatal(err)
		}
		w := fake.SimpleWorkflow()
		w.Statuses = w.Statuses[:2]
		if err := s.fake.SetWorkflow("SEC", w); err != nil {
			t.Fatal(err)
		}
		fs, err := s.client.Check(t.Context(), s.Target())
		if err != nil {
			t.Fatal(err)
		}
		for step, text := range map[string]string{"fields": "Cost centre", "permissions": "LINK_ISSUES", "statuses": "done"} {
			if !slices.ContainsFunc(fs, func(f tracker.Finding) bool {
				return f.Step == step && f.Level == tracker.Failed && strings.Contains(f.Text, text)
			}) {
				t.Errorf("%s: Check() = %+v, want a failed %s naming %s", flavour, fs, step, text)
			}
		}
		before := s.fake.Issues()
		if len(before) != 0 {
			t.Errorf("%s: Check() changed something", flavour)
		}
		fs, err = s.client.Check(t.Context(), tracker.Target{Project: "SEC", Type: "Wish"})
		if err != nil || !slices.ContainsFunc(fs, func(f tracker.Finding) bool { return f.Step == "type" && strings.Contains(f.Text, "Task") }) {
			t.Errorf("%s: Check(no such type) = %+v, %v, want the offered ones named", flavour, fs, err)
		}
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	s := open(t, fake.Options{})
	body := []byte(`{"webhookEvent":"jira:issue_updated","issue":{"id":"10001","key":"SEC-1"}}`)
	signed := func(b []byte, secret string) http.Header {
		return http.Header{"X-Hub-Signature": {fake.Sign(b, secret)}, "X-Atlassian-Webhook-Identifier": {"d-1"}}
	}
	got, err := s.client.Hint(signed(body, "key"), body, "key")
	if err != nil || got.Delivery != "d-1" || !slices.Equal(got.Tickets, []string{"10001"}) {
		t.Errorf("Hint() = %+v, %v", got, err)
	}
	for _, b := range []string{`{"issue":{"id":10001}}`, `{"issueLink":{"sourceIssueId":10001,"destinationIssueId":10001}}`} {
		if got, err := s.client.Hint(signed([]byte(b), "key"), []byte(b), "key"); err != nil || !slices.Equal(got.Tickets, []string{"10001"}) {
			t.Errorf("Hint(%s) = %+v, %v", b, got, err)
		}
	}
	timed := []byte(`{"timestamp":1700000000000,"issue":{"id":"10001"}}`)
	one, err1 := s.client.Hint(signed(timed, "key"), timed, "key")
	again := signed(timed, "key")
	again.Set("X-Atlassian-Webhook-Identifier", "d-2")
	two, err2 := s.client.Hint(again, timed, "key")
	if err1 != nil || err2 != nil || one.Delivery == "" || one.Delivery != two.Delivery || one.Delivery == got.Delivery {
		t.Errorf("Hint() of one body under two identifiers = %q, %v, and %q, %v, want the same delivery", one.Delivery, err1, two.Delivery, err2)
	}
	for name, c := range map[string]struct {
		h      http.Header
		body   string
		secret string
		want   tracker.ErrorKind
	}{
		"other secret": {signed(body, "other"), string(body), "key", tracker.KindForged}, "altered body": {signed(body, "key"), string(body) + " ", "key", tracker.KindForged},
		"no signature": {http.Header{}, string(body), "key", tracker.KindForged}, "empty secret": {signed(body, ""), string(body), "", tracker.KindForged},
		"sha1":    {http.Header{"X-Hub-Signature": {"sha1=00"}}, string(body), "key", tracker.KindForged},
		"not hex": {http.Header{"X-Hub-Signature": {"sha256=zz"}}, string(body), "key", tracker.KindForged},
		"short":   {http.Header{"X-Hub-Signature": {"sha256="}}, string(body), "key", tracker.KindForged},
		"no JSON": {signed([]byte("<"), "key"), "<", "key", tracker.KindProtocol},
	} {
		if _, err := s.client.Hint(c.h, []byte(c.body), c.secret); kindOf(err) != c.want {
			t.Errorf("Hint(%s) = %v, want %s", name, err, c.want)
		}
	}
}
