package ticketing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// show prints actions as the table below writes them.
func show(actions []ticketing.Action) string {
	var out []string
	for _, a := range actions {
		s := string(a.Kind)
		switch {
		case a.Note != nil:
			s += " " + a.Note.Key
		case a.Wish != nil:
			s += strings.TrimRight(fmt.Sprintf(" %s %s", a.Wish.Category, a.Wish.Resolution), " ")
		case a.Kind == ticketing.ActObserve:
			s += " " + string(a.Meaning)
		case a.Ticket != "":
			s += " " + a.Ticket
		case a.Kind == ticketing.ActEdit, a.Kind == ticketing.ActFreeze:
			s += " (" + a.Why + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	body := richtext.Doc{richtext.P(richtext.Text("Bind values."))}
	fence := richtext.NewFence("m00000000000000000000000001")
	type state struct {
		want ticketing.Want
		link ticketing.Link
		seen tracker.Ticket
		s    ticketing.Situation
	}
	fresh := func() *state {
		seen := tracker.Ticket{ID: "1", Key: "SEC-1", Project: "SEC", Summary: "Do it", Status: "To Do", StatusID: "10", Category: tracker.New, Labels: []string{"threatloop"}, Body: fence.Plain("", body)}
		return &state{
			want: ticketing.Want{Key: forCM(0), Objects: []string{"cms_0000"}, State: ticketing.WantOpen, Cause: "required", Summary: "Do it", Body: body, Band: "high", Labels: []string{"threatloop"}},
			link: ticketing.Link{Key: forCM(0), TicketID: "1", TicketKey: "SEC-1", Marker: fence.Marker, Own: true, State: ticketing.LinkLive, Snapshot: ticketing.Snapshot{
				Project: "SEC", Summary: "Do it", Sent: "Do it", Status: "To Do", StatusID: "10", Category: tracker.New, Meaning: ticketing.MeansRequired,
				Labels: []string{"threatloop"}, Ours: []string{"threatloop"}, Band: "high", Cause: "required", Block: "", BlockAt: now.Add(-2 * time.Hour),
			}},
			seen: seen,
			s:    ticketing.Situation{Now: now, Caps: tracker.Capabilities{Links: true, BackLink: true}, Peers: map[ticketing.Key][]string{forCM(1): {"7"}}},
		}
	}
	done := func(resolution string) func(*state) {
		return func(c *state) {
			c.seen.Status, c.seen.StatusID, c.seen.Category, c.seen.Resolution = "Done", "30", tracker.Done, resolution
		}
	}
	agreedDone := func(c *state) {
		done("Done")(c)
		n := &c.link.Snapshot
		n.Status, n.StatusID, n.Category, n.Resolution, n.Meaning = "Done", "30", tracker.Done, "Done", ticketing.MeansImplemented
	}
	for _, c := range []struct {
		name  string
		setup []func(*state)
		want  string
	}{
		{"all agrees", nil, ""},
		{"nothing linked", []func(*state){func(c *state) { c.s.Link = nil; c.link.State = "none" }}, "create"},
		{"done by a person", []func(*state){done("Done")}, "observe implemented"},
		{"won't do", []func(*state){done("Won't Do")}, "observe rejected"},
		{"cannot reproduce is a rejection", []func(*state){done("Cannot Reproduce")}, "observe rejected"},
		{"duplicate of another", []func(*state){done("Duplicate"), func(c *state) { c.seen.DuplicateOf = "9" }}, "redirect 9"},
		{"duplicate of nothing", []func(*state){done("Duplicate")}, "observe rejected"},
		{"done with a leftover resolution while open", []func(*state){func(c *state) { c.seen.Resolution = "Done" }}, "agree"},
		{"status table wins over the category", []func(*state){func(c *state) {
			c.seen.Status = "Verified by QA"
			c.s.Table.Statuses = map[string]ticketing.Meaning{"verified by qa": ticketing.MeansImplemented}
		}}, "observe implemented"},
		{"resolution by id", []func(*state){done("Erledigt"), func(c *state) {
			c.seen.ResolutionID = "10100"
			c.s.Table.Resolutions = map[string]ticketing.Meaning{"10100": ticketing.MeansRejected}
		}}, "observe rejected"},
		{"reopened by a person", []func(*state){agreedDone, func(c *state) { c.seen.Category, c.seen.Status, c.seen.StatusID = tracker.InProgress, "Doing", "20" }}, "observe in_progress"},
		{"news come before anything of ours", []func(*state){done("Done"), func(c *state) {
			c.want.State, c.want.Cause, c.want.Note = ticketing.WantClosed, "retired", &ticketing.Note{Key: "closed-1"}
		}}, "observe implemented"},
		{"estimated", []func(*state){func(c *state) { c.seen.Estimate.Seconds = 3600 }}, "observe required"},
		{"moved", []func(*state){func(c *state) { c.seen.Key, c.seen.Project = "OPS-3", "OPS" }}, "follow"},
		{"retired", []func(*state){func(c *state) {
			c.want.State, c.want.Cause, c.want.Rejects, c.want.Note = ticketing.WantClosed, "retired", true, &ticketing.Note{Key: "closed-1"}
		}}, "note closed-1; transition done Won't Do"},
		{"wanted closed and already closed", []func(*state){agreedDone, func(c *state) { c.want.State, c.want.Cause = ticketing.WantClosed, "implemented" }}, "agree"},
		{"required again", []func(*state){agreedDone, func(c *state) { c.link.Snapshot.Cause = "implemented" }}, "transition new"},
		{"closed by hand, same cause", []func(*state){agreedDone}, ""},
		{"a person's move is newer than the cause", []func(*state){func(c *state) {
			c.want.State, c.want.Cause, c.want.At = ticketing.WantClosed, "pass", now.Add(-2*time.Hour)
			c.link.Snapshot.Cause, c.link.Snapshot.HumanAt = "pass", now.Add(-time.Hour)
		}}, ""},
		{"a newer pass closes again", []func(*state){func(c *state) {
			c.want.State, c.want.Cause, c.want.At = ticketing.WantClosed, "pass", now.Add(-30*time.Minute)
			c.link.Snapshot.Cause, c.link.Snapshot.HumanAt = "pass", now.Add(-time.Hour)
		}}, "transition done"},
		{"stuck stays stuck", []func(*state){func(c *state) {
			c.want.State, c.want.Cause, c.link.Snapshot.Cause, c.link.Snapshot.Stuck = ticketing.WantClosed, "retired", "retired", "retired|10"
		}}, ""},
		{"our own move came back", []func(*state){done("Won't Do"), func(c *state) {
			c.link.Snapshot.Acting, c.want.State, c.want.Cause = "closed", ticketing.WantClosed, "retired"
		}}, "agree"},
		{"our own move came back, the mind was changed meanwhile", []func(*state){done("Won't Do"), func(c *state) { c.link.Snapshot.Acting = "closed" }}, "transition new"},
		{"change of verdict", []func(*state){func(c *state) { c.want.Verdict, c.want.Note = "fail", &ticketing.Note{Key: "fail-1"} }}, "note fail-1"},
		{"same verdict", []func(*state){func(c *state) {
			c.want.Verdict, c.want.Note, c.link.Snapshot.Verdict = "fail", &ticketing.Note{Key: "fail-1"}, "fail"
		}}, ""},
		{"too many notes today", []func(*state){func(c *state) {
			c.want.Verdict, c.want.Note = "fail", &ticketing.Note{Key: "fail-9"}
			c.link.Snapshot.Noted = slices.Repeat([]time.Time{now.Add(-time.Hour)}, 6)
		}}, ""},
		{"text changed today", []func(*state){func(c *state) { c.want.Body = richtext.Doc{richtext.P(richtext.Text("New."))} }}, ""},
		{"text changed, other band", []func(*state){func(c *state) { c.want.Body, c.want.Band = richtext.Doc{richtext.P(richtext.Text("New."))}, "critical" }}, "edit (block)"},
		{"text changed yesterday", []func(*state){func(c *state) {
			c.want.Body, c.link.Snapshot.BlockAt = richtext.Doc{richtext.P(richtext.Text("New."))}, now.Add(-25*time.Hour)
		}}, "edit (block)"},
		{"our block was removed", []func(*state){func(c *state) {
			c.want.Body, c.want.Band, c.seen.Body = richtext.Doc{richtext.P(richtext.Text("New."))}, "critical", "mine"
		}}, "freeze (somebody removed our part of the description)"},
		{"title changed, nobody touched it", []func(*state){func(c *state) { c.want.Summary, c.want.Band = "Do this", "low" }}, "edit (summary)"},
		{"title changed on both sides", []func(*state){func(c *state) { c.want.Summary, c.want.Band, c.seen.Summary = "Do this", "low", "Theirs" }}, "agree"},
		{"label removed", []func(*state){func(c *state) { c.seen.Labels = nil }}, "edit (labels)"},
		{"label removed again", []func(*state){func(c *state) { c.seen.Labels, c.link.Snapshot.Restored = nil, true }}, "agree"},
		{"link to another ticket", []func(*state){func(c *state) { c.want.LinksTo = []ticketing.Key{forCM(1)} }}, "relate 7"},
		{"linked by a person already", []func(*state){func(c *state) { c.want.LinksTo, c.seen.Links = []ticketing.Key{forCM(1)}, []string{"7"} }}, "agree"},
		{"link removed by a person", []func(*state){func(c *state) { c.want.LinksTo, c.link.Snapshot.Related = []ticketing.Key{forCM(1)}, []string{"7"} }}, ""},
		{"page", []func(*state){func(c *state) { c.want.Page = "https://tl.example/1" }}, "backlink"},
		{"linked by hand: never moved, never edited", []func(*state){func(c *state) {
			c.link.Own, c.want.State, c.want.Cause, c.want.Summary = false, ticketing.WantClosed, "retired", "Ours"
		}}, "agree"},
		{"undone, untouched", []func(*state){func(c *state) { c.want.State, c.want.Cause = ticketing.WantUndone, "undone" }}, "note undone-1; transition done Won't Do; release"},
		{"undone, somebody works on it", []func(*state){func(c *state) { c.want.State, c.want.Cause, c.seen.Assignee = ticketing.WantUndone, "undone", "ann" }}, "release"},
		{"unlinked", []func(*state){done("Done"), func(c *state) { c.link.State = ticketing.LinkUnlinked }}, ""},
		{"absent", []func(*state){func(c *state) { c.s.Absent = true }}, "suspect"},
		{"absent for half an hour", []func(*state){func(c *state) { c.s.Absent, c.link.Snapshot.Missing = true, now.Add(-30*time.Minute) }}, ""},
		{"absent for an hour", []func(*state){func(c *state) { c.s.Absent, c.link.Snapshot.Missing = true, now.Add(-time.Hour) }}, "tombstone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := fresh()
			// The block as agreed is the one that stands there.
			st.link.Snapshot.Block = ticketing.Digest(body)
			for _, f := range c.setup {
				f(st)
			}
			st.s.Want = &st.want
			if st.link.State != "none" {
				st.s.Link = &st.link
			}
			if !st.s.Absent {
				st.s.Seen = &st.seen
			}
			if diff := cmp.Diff(c.want, show(ticketing.Decide(st.s))); diff != "" {
				t.Errorf("Decide() (-want +got):\n%s", diff)
			}
			if st.s.Link == nil || st.s.Absent {
				return
			}
			// Unread, it never does more than read.
			st.s.Seen = nil
			if got := show(ticketing.Decide(st.s)); got != "" && got != "read" {
				t.Errorf("Decide(not read) = %q, want read or nothing", got)
			}
		})
	}
}
