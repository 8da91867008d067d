package trackertest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// poll reads all pages.
func (b *bench) poll(t *testing.T, q tracker.ChangeQuery) []string {
	t.Helper()
	var ids []string
	for range 100 {
		p, err := b.tr.Changed(b.ctx, q)
		if err != nil {
			t.Fatalf("Changed() = %v", err)
		}
		for _, tk := range p.Tickets {
			if !slices.Contains(ids, tk.ID) {
				ids = append(ids, tk.ID)
			}
		}
		if q.Cursor = p.Next; p.Next == "" {
			return ids
		}
	}
	t.Fatal("Changed(): more than 100 pages")
	return nil
}

func changed(t *testing.T, b *bench) {
	known, other := b.create(t), b.create(t)
	d := b.draft()
	d.Labels = []string{"another"}
	if _, err := b.tr.Create(b.ctx, d); err != nil {
		t.Fatalf("Create() = %v", err)
	}
	b.Advance(time.Hour)
	q := tracker.ChangeQuery{Label: Label, Now: b.Now(), Since: b.Now().Add(-10 * time.Minute), Known: known.ID}
	if got := b.poll(t, q); !slices.Equal(got, []string{known.ID}) {
		t.Errorf("Changed(nothing changed) = %v, want the known ticket %s only", got, known.ID)
	}
	if err := b.SetStatus(other.ID, tracker.Done); err != nil {
		t.Fatal(err)
	}
	b.Advance(time.Minute)
	q.Now = b.Now()
	if got := b.poll(t, q); !slices.Equal(got, []string{known.ID, other.ID}) {
		t.Errorf("Changed() = %v, want %v, oldest change first", got, []string{known.ID, other.ID})
	}
	if got := b.poll(t, tracker.ChangeQuery{Label: Label, Now: b.Now()}); len(got) != 2 {
		t.Errorf("Changed(since ever) = %v, want the two with the label", got)
	}
	if tk := b.read(t, other.ID); tk.Category != tracker.Done || tk.Resolution == "" {
		t.Errorf("Get() = %s %q, want done with a resolution", tk.Category, tk.Resolution)
	}
}

func changedPages(t *testing.T, b *bench) {
	var want []string
	for range 120 {
		want = append(want, b.create(t).ID)
	}
	b.Advance(time.Minute)
	got := b.poll(t, tracker.ChangeQuery{Label: Label, Now: b.Now(), Since: b.Now().Add(-time.Hour), Known: want[0]})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("Changed() over pages = %d tickets, want %d", len(got), len(want))
	}
	if _, err := b.tr.Changed(b.ctx, tracker.ChangeQuery{Label: Label, Now: b.Now(), Cursor: "nonsense"}); err == nil {
		t.Error("Changed(foreign cursor) = nil, want an error")
	}
}

func pollCost(t *testing.T, b *bench) {
	c := need[Counter](t, b)
	known := b.create(t)
	b.Advance(time.Hour)
	before := c.Requests()
	b.poll(t, tracker.ChangeQuery{Label: Label, Now: b.Now(), Since: b.Now().Add(-6 * time.Minute), Known: known.ID})
	if n := c.Requests() - before; n != 1 {
		t.Errorf("Changed(nothing changed) cost %d requests, want 1", n)
	}
}

func edit(t *testing.T, b *bench) {
	tk := b.create(t)
	title := "A new title"
	block := richtext.Doc{richtext.P(richtext.Text("The second text."))}
	e := tracker.Edit{Summary: &title, Block: &block, Marker: tk.Markers[0], AddLabels: []string{"risk-high", "risk-high"}, RemoveLabels: []string{"absent"}}
	if err := b.tr.Edit(b.ctx, tk.ID, e); err != nil {
		t.Fatalf("Edit() = %v", err)
	}
	got := b.read(t, tk.ID)
	if got.Summary != title || !strings.Contains(got.Body, "The second text.") || strings.Contains(got.Body, "Bind every") {
		t.Errorf("Get after Edit = %q, %q, want the new title and text only", got.Summary, got.Body)
	}
	if !slices.Equal(got.Markers, tk.Markers) || !slices.Contains(got.Labels, "risk-high") || !slices.Contains(got.Labels, Label) {
		t.Errorf("Get after Edit: markers %v, labels %v, want the old ones and risk-high", got.Markers, got.Labels)
	}
	if err := b.tr.Edit(b.ctx, tk.ID, tracker.Edit{RemoveLabels: []string{"risk-high"}}); err != nil {
		t.Fatalf("Edit() = %v", err)
	}
	if got := b.read(t, tk.ID); slices.Contains(got.Labels, "risk-high") || got.Summary != title {
		t.Errorf("Get after Edit = %v, %q, want the label gone and the title kept", got.Labels, got.Summary)
	}
	if err := b.tr.Edit(b.ctx, "999999", tracker.Edit{Summary: &title}); err == nil || tracker.AsError(err).Kind != tracker.KindNotFound {
		t.Errorf("Edit(unknown) = %v, want not_found", err)
	}
}

func humanText(t *testing.T, b *bench) {
	s := need[Surrounder](t, b)
	tk := b.create(t)
	if err := s.Surround(tk.ID, "Ask Ada first.", "Seen by Bob: ok"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"second text", "third text"} {
		block := richtext.Doc{richtext.P(richtext.Text("The " + text))}
		if err := b.tr.Edit(b.ctx, tk.ID, tracker.Edit{Block: &block, Marker: tk.Markers[0]}); err != nil {
			t.Fatalf("Edit() = %v", err)
		}
		got := b.read(t, tk.ID).Body
		for _, want := range []string{"Ask Ada first.", "Seen by Bob: ok", "The " + text} {
			if strings.Count(got, want) != 1 {
				t.Errorf("Body after Edit = %q, want %q once", got, want)
			}
		}
		if strings.Contains(got, "Bind every") || strings.Index(got, "Ada") > strings.Index(got, text) || strings.Index(got, "Bob") < strings.Index(got, text) {
			t.Errorf("Body after Edit = %q, want the human's text around ours", got)
		}
	}
}

func transition(t *testing.T, b *bench) {
	tk := b.create(t)
	for _, to := range []tracker.Category{tracker.Done, tracker.Done, tracker.New} {
		got, err := b.tr.Transition(b.ctx, tk.ID, tracker.Wish{Category: to, MaxHops: 3})
		if err != nil || got.Category != to {
			t.Fatalf("Transition(%s) = %s %q, %v", to, got.Category, got.Status, err)
		}
		if read := b.read(t, tk.ID); read.Category != to {
			t.Errorf("Get after Transition(%s) = %s", to, read.Category)
		}
	}
	if _, err := b.tr.Transition(b.ctx, "999999", tracker.Wish{Category: tracker.Done}); err == nil || tracker.AsError(err).Kind != tracker.KindNotFound {
		t.Errorf("Transition(unknown) = %v, want not_found", err)
	}
}

func comments(t *testing.T, b *bench) {
	tk := b.create(t)
	for _, s := range []string{"first [~admin] {x}", "second"} {
		b.Advance(time.Second)
		if c, err := b.tr.Comment(b.ctx, tk.ID, richtext.Doc{richtext.P(richtext.Text(s))}); err != nil || c.ID == "" || !strings.Contains(c.Text, s) {
			t.Fatalf("Comment(%q) = %+v, %v", s, c, err)
		}
	}
	cs, err := b.tr.Comments(b.ctx, tk.ID)
	if err != nil || len(cs) != 2 || cs[0].Text != "first [~admin] {x}" || cs[1].Text != "second" || cs[0].Author == "" {
		t.Errorf("Comments() = %+v, %v, want first and second with their author", cs, err)
	}
}

func links(t *testing.T, b *bench) {
	if !b.tr.Capabilities().Links {
		t.Skip("the tracker has no links")
	}
	from, to := b.create(t), b.create(t)
	for range 2 {
		if err := b.tr.Link(b.ctx, from.ID, to.ID); err != nil {
			t.Fatalf("Link() = %v", err)
		}
	}
	if got := b.read(t, from.ID).Links; !slices.Equal(got, []string{to.ID}) {
		t.Errorf("Links = %v, want %s once", got, to.ID)
	}
	if got := b.read(t, to.ID).Links; !slices.Equal(got, []string{from.ID}) {
		t.Errorf("Links of the other = %v, want %s", got, from.ID)
	}
}

func backLink(t *testing.T, b *bench) {
	tk := b.create(t)
	for _, title := range []string{"one", "two"} {
		if err := b.tr.SetBackLink(b.ctx, tk.ID, "threatloop:cm_1", "https://threatloop.example.org/cm_1", title); err != nil {
			t.Errorf("SetBackLink(%s) = %v", title, err)
		}
	}
}

func deleted(t *testing.T, b *bench) {
	d := need[Deleter](t, b)
	tk, known := b.create(t), b.create(t)
	if err := d.Delete(tk.ID); err != nil {
		t.Fatal(err)
	}
	b.gone(t, tk.ID, known.ID)
	b.Advance(time.Minute)
	q := tracker.ChangeQuery{Label: Label, Now: b.Now(), Since: b.Now().Add(-time.Hour), Known: tk.ID}
	if got := b.poll(t, q); !slices.Equal(got, []string{known.ID}) {
		t.Errorf("Changed(known was deleted) = %v, want %s only", got, known.ID)
	}
}

func (b *bench) gone(t *testing.T, id, other string) {
	t.Helper()
	ts, err := b.tr.Get(b.ctx, []string{id, other})
	if err != nil || len(ts) != 1 || ts[0].ID != other {
		t.Errorf("Get(gone, other) = %v, %v, want the other only", ts, err)
	}
	if ts, err := b.tr.Get(b.ctx, []string{id}); err != nil || len(ts) != 0 {
		t.Errorf("Get(gone) = %v, %v, want nothing", ts, err)
	}
}

func hidden(t *testing.T, b *bench) {
	h := need[Hider](t, b)
	tk, other := b.create(t), b.create(t)
	if err := h.Hide(tk.ID); err != nil {
		t.Fatal(err)
	}
	b.gone(t, tk.ID, other.ID)
}

func moved(t *testing.T, b *bench) {
	m := need[Mover](t, b)
	tk := b.create(t)
	if err := m.Move(tk.ID); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{tk.ID, tk.Key} {
		if got := b.read(t, id); got.ID != tk.ID || got.Key == tk.Key || got.Project == tk.Project {
			t.Errorf("Get(%s) = %s in %s, want the same id under a new key", id, got.Key, got.Project)
		}
	}
	ts, err := b.tr.Probe(b.ctx, b.Target().Project, 0, tk.Markers[0])
	if b.tr.Capabilities().Probe && (err != nil || len(ts) != 1) {
		t.Errorf("Probe() = %v, %v, want the moved ticket by its old number", ts, err)
	}
}

func lostAnswer(t *testing.T, b *bench) {
	l := need[Loser](t, b)
	b.create(t) // so that what is read before a create is known
	for _, done := range []bool{true, false} {
		d := b.draft()
		l.LoseCreate(done)
		_, err := b.tr.Create(b.ctx, d)
		if e := tracker.AsError(err); err == nil || e.Outcome != tracker.Ambiguous {
			t.Fatalf("Create(answer lost, done %v) = %v, want an ambiguous error", done, err)
		}
		b.Advance(time.Minute)
		ts, err := b.tr.Find(b.ctx, d.Marker)
		if want := map[bool]int{true: 1}[done]; err != nil || len(ts) != want {
			t.Errorf("Find(answer lost, done %v) = %v, %v, want %d", done, ts, err, want)
		}
	}
}

func revoked(t *testing.T, b *bench) {
	r := need[Revoker](t, b)
	tk := b.create(t)
	r.Revoke()
	if _, err := b.tr.Identify(b.ctx); err == nil || tracker.AsError(err).Kind != tracker.KindAuth {
		t.Errorf("Identify(revoked) = %v, want auth", err)
	}
	_, err := b.tr.Create(b.ctx, b.draft())
	if e := tracker.AsError(err); err == nil || e.Kind != tracker.KindAuth || e.Outcome == tracker.Ambiguous {
		t.Errorf("Create(revoked) = %v, want auth and nothing made", err)
	}
	if _, err := b.tr.Get(b.ctx, []string{tk.ID}); err == nil || tracker.AsError(err).Kind != tracker.KindAuth {
		t.Errorf("Get(revoked) = %v, want auth, not an absent ticket", err)
	}
}

func lag(t *testing.T, b *bench) {
	l := need[Lagger](t, b)
	l.SetLag(5 * time.Minute)
	tk := b.create(t)
	if ts, err := b.tr.Find(b.ctx, tk.Markers[0]); err != nil || len(ts) != 0 {
		t.Errorf("Find within the lag = %v, %v, want nothing yet", ts, err)
	}
	if b.tr.Capabilities().Probe {
		if ts, err := b.tr.Probe(b.ctx, b.Target().Project, 0, tk.Markers[0]); err != nil || len(ts) != 1 {
			t.Errorf("Probe within the lag = %v, %v, want the ticket", ts, err)
		}
	}
	b.Advance(6 * time.Minute)
	if ts, err := b.tr.Find(b.ctx, tk.Markers[0]); err != nil || len(ts) != 1 {
		t.Errorf("Find after the lag = %v, %v, want the ticket", ts, err)
	}
}

func estimate(t *testing.T, b *bench) {
	e := need[Estimator](t, b)
	tk := b.create(t)
	if err := e.Estimate(tk.ID, 7200); err != nil {
		t.Fatal(err)
	}
	if got := b.read(t, tk.ID).Estimate.Seconds; got != 7200 {
		t.Errorf("Estimate.Seconds = %d, want 7200", got)
	}
}

func cancelled(t *testing.T, b *bench) {
	tk := b.create(t)
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err := b.tr.Create(ctx, b.draft())
	if e := tracker.AsError(err); err == nil || e.Outcome != tracker.NotSent {
		t.Errorf("Create(cancelled) = %v, want not_sent", err)
	}
	if _, err := b.tr.Get(ctx, []string{tk.ID}); err == nil {
		t.Error("Get(cancelled) = nil, want an error")
	}
}
