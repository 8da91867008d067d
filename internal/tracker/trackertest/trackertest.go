// Package trackertest holds the tests that every tracker adapter must pass. An
// adapter's test makes a Fixture and calls Run. What a fixture can do besides
// the least (delete a ticket, lose an answer, ...) it shows by implementing
// further interfaces; tests that need one it lacks are skipped by name.
package trackertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// Label is the label that the tests give to all their tickets.
const Label = "threatloop"

// Fixture is one empty tracker with a connection to it. Ids are ticket ids.
type Fixture interface {
	Tracker() tracker.Tracker
	Target() tracker.Target
	// Now is the tracker's clock; Advance moves it (a real clock may wait).
	Now() time.Time
	Advance(d time.Duration)
	// SetStatus moves a ticket as a person does.
	SetStatus(id string, to tracker.Category) error
}

// Deleter can delete a ticket as a person does.
type Deleter interface{ Delete(id string) error }

// Hider can take the sight of a ticket from the connection.
type Hider interface{ Hide(id string) error }

// Mover can move a ticket to another project.
type Mover interface{ Move(id string) error }

// Surrounder can write a person's text around a description.
type Surrounder interface {
	Surround(id, before, after string) error
}

// Loser can lose the answer to the next create, before or after it was done.
type Loser interface{ LoseCreate(done bool) }

// Revoker can make the credential invalid.
type Revoker interface{ Revoke() }

// Counter counts the requests that reached the tracker.
type Counter interface{ Requests() int }

// Lagger can let the tracker's search fall behind.
type Lagger interface{ SetLag(d time.Duration) }

// Estimator can set a ticket's estimate as a person does.
type Estimator interface {
	Estimate(id string, seconds int64) error
}

// Run runs the contract tests. open makes a fresh fixture for each.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"identify", identify},
		{"check", check},
		{"form", form},
		{"create", create},
		{"create refused", createRefused},
		{"long summary", longSummary},
		{"long body", longBody},
		{"foreign text", foreignText},
		{"get", get},
		{"find", find},
		{"probe", probe},
		{"high water", highWater},
		{"changed", changed},
		{"changed pages", changedPages},
		{"poll cost", pollCost},
		{"edit", edit},
		{"human text", humanText},
		{"transition", transition},
		{"comments", comments},
		{"links", links},
		{"back link", backLink},
		{"deleted", deleted},
		{"hidden", hidden},
		{"moved", moved},
		{"lost answer", lostAnswer},
		{"revoked", revoked},
		{"lag", lag},
		{"estimate", estimate},
		{"cancelled", cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			c.test(t, &bench{Fixture: f, tr: f.Tracker(), ctx: context.Background()})
		})
	}
}

// bench is a fixture with short cuts.
type bench struct {
	Fixture
	tr  tracker.Tracker
	ctx context.Context
	n   int
}

func need[T any](t *testing.T, b *bench) T {
	t.Helper()
	v, ok := b.Fixture.(T)
	if !ok {
		t.Skipf("the fixture is no %T", *new(T))
	}
	return v
}

func (b *bench) marker() string {
	b.n++
	return fmt.Sprintf("01TESTMARKER%014d", b.n)
}

func (b *bench) draft() tracker.Draft {
	m := b.marker()
	return tracker.Draft{
		Target: b.Target(), Marker: m, Object: "cm_" + m, Instance: "inst_1", Summary: "Use prepared statements",
		Body:   richtext.Doc{richtext.P(richtext.Text("Bind every parameter.")), richtext.List("first", "second")},
		Labels: []string{Label},
	}
}

func (b *bench) create(t *testing.T) tracker.Ticket {
	t.Helper()
	tk, err := b.tr.Create(b.ctx, b.draft())
	if err != nil {
		t.Fatalf("Create() = %v, want a ticket", err)
	}
	return tk
}

// read gets one ticket that must be there.
func (b *bench) read(t *testing.T, id string) tracker.Ticket {
	t.Helper()
	ts, err := b.tr.Get(b.ctx, []string{id})
	if err != nil || len(ts) != 1 {
		t.Fatalf("Get(%s) = %d tickets, %v, want 1", id, len(ts), err)
	}
	return ts[0]
}

func identify(t *testing.T, b *bench) {
	id, err := b.tr.Identify(b.ctx)
	if err != nil || id.ID == "" || id.Name == "" {
		t.Errorf("Identify() = %+v, %v, want an id and a name", id, err)
	}
	first, second := b.tr.Capabilities(), b.tr.Capabilities()
	if first != second {
		t.Errorf("Capabilities() = %+v, then %+v, want the same", first, second)
	}
}

func check(t *testing.T, b *bench) {
	fs, err := b.tr.Check(b.ctx, b.Target())
	if err != nil || len(fs) == 0 {
		t.Fatalf("Check() = %v, %v, want findings", fs, err)
	}
	for _, f := range fs {
		if f.Level == tracker.Failed || f.Step == "" || f.Text == "" {
			t.Errorf("Check(): finding %+v on a healthy connection", f)
		}
	}
	bad := b.Target()
	bad.Project = "NOSUCH"
	fs, err = b.tr.Check(b.ctx, bad)
	if err != nil || !slices.ContainsFunc(fs, func(f tracker.Finding) bool { return f.Level == tracker.Failed }) {
		t.Errorf("Check(no such project) = %v, %v, want a failed step", fs, err)
	}
}

func form(t *testing.T, b *bench) {
	f, err := b.tr.Form(b.ctx, b.Target())
	if err != nil || !slices.ContainsFunc(f.Fields, func(f tracker.FormField) bool { return f.ID == "summary" && f.Required }) {
		t.Errorf("Form() = %+v, %v, want a required summary", f, err)
	}
}

func create(t *testing.T, b *bench) {
	d := b.draft()
	got, err := b.tr.Create(b.ctx, d)
	if err != nil {
		t.Fatalf("Create() = %v", err)
	}
	if got.ID == "" || got.Key == "" || got.URL == "" || got.Category != tracker.New || got.Created.IsZero() || got.Updated.IsZero() {
		t.Errorf("Create() = %+v, want id, key, URL, category new and times", got)
	}
	read := b.read(t, got.ID)
	if diff := cmp.Diff(read, got); diff != "" {
		t.Errorf("Get after Create differs (-get +create):\n%s", diff)
	}
	if !slices.Equal(read.Markers, []string{d.Marker}) || !slices.Contains(read.Labels, Label) || read.Summary != d.Summary {
		t.Errorf("Get() = %+v, want marker %s, label %s, summary %q", read, d.Marker, Label, d.Summary)
	}
	if !strings.Contains(read.Body, "Bind every parameter.") || !strings.Contains(read.Body, "second") {
		t.Errorf("Get().Body = %q, want the text of the draft", read.Body)
	}
	if ts, err := b.tr.Get(b.ctx, []string{got.Key}); err != nil || len(ts) != 1 || ts[0].ID != got.ID {
		t.Errorf("Get(key) = %v, %v, want the ticket", ts, err)
	}
}

func createRefused(t *testing.T, b *bench) {
	d := b.draft()
	d.Target.Project = "NOSUCH"
	_, err := b.tr.Create(b.ctx, d)
	e := tracker.AsError(err)
	if err == nil || e.Outcome == tracker.Ambiguous {
		t.Fatalf("Create(no such project) = %v, want certainty that nothing was made", err)
	}
	if e.Kind != tracker.KindInvalid && e.Kind != tracker.KindNotFound {
		t.Errorf("Create(no such project).Kind = %s, want invalid or not_found", e.Kind)
	}
}

func longSummary(t *testing.T, b *bench) {
	for _, s := range []string{strings.Repeat("a", 255), strings.Repeat("a", 256), strings.Repeat("👩‍👩‍👧 ", 100), strings.Repeat("é", 300), "two\nlines\twith \x00 NUL and \xed\xa0\x80"} {
		d := b.draft()
		d.Summary = s
		tk, err := b.tr.Create(b.ctx, d)
		if err != nil {
			t.Errorf("Create(summary of %d bytes) = %v", len(s), err)
			continue
		}
		if n := utf8.RuneCountInString(tk.Summary); n == 0 || n > b.tr.Capabilities().SummaryMax || !utf8.ValidString(tk.Summary) || strings.ContainsAny(tk.Summary, "\n\x00") {
			t.Errorf("Create(%.20q).Summary = %q (%d runes), want one valid line within the limit", s, tk.Summary, n)
		}
	}
}

func longBody(t *testing.T, b *bench) {
	d := b.draft()
	d.Body = nil
	for range 400 {
		d.Body = append(d.Body, richtext.P(richtext.Text(strings.Repeat("word ", 60))))
	}
	tk, err := b.tr.Create(b.ctx, d)
	if err != nil {
		t.Fatalf("Create(long body) = %v", err)
	}
	if got := b.read(t, tk.ID); !strings.Contains(got.Body, "word word") || utf8.RuneCountInString(got.Body) > b.tr.Capabilities().BodyMax || !slices.Contains(got.Markers, d.Marker) {
		t.Errorf("Get().Body has %d bytes, markers %v, want it within the limit and marked", len(got.Body), got.Markers)
	}
}

// ForeignTexts are texts that markups would interpret.
var ForeignTexts = []string{
	"[~admin] and @alice, {user:x}", "{color:red}x{color} {noformat} {code}", "h1. not a heading", "* not * a - list", "# 1", "|a|b|", "||a||b||",
	"[text|http://evil.example]", "!http://evil.example/x.png!", "bq. quote", "---- ----- --", "a\\b \\\\ c", "_em_ *b* -s- +u+ ^s^ ~s~ ??c?? {{m}}",
	"<script>alert(1)</script> <img src=x onerror=y>", "](javascript:alert(1))", ":) (!) (y) :D", "&amp; &#92; &lt;", "SEC-1 #12 GH-3", "100% %20 %n",
	"`code` ```", "tab\tand\nline", "\u202egnp.exe", "a\u200db", "日本語 עברית", "{", "}", "[", "]", "\\", "'\"", "$(id) ${x} {{7*7}}",
}

func foreignText(t *testing.T, b *bench) {
	d := b.draft()
	d.Body = nil
	for _, s := range ForeignTexts {
		d.Body = append(d.Body, richtext.P(richtext.Text(s)))
	}
	tk, err := b.tr.Create(b.ctx, d)
	if err != nil {
		t.Fatalf("Create(foreign text) = %v", err)
	}
	body := words(b.read(t, tk.ID).Body)
	for _, s := range ForeignTexts {
		if want := words(richtext.Clean(s)); !strings.Contains(body, want) {
			t.Errorf("text %q does not read back from the description", s)
		}
	}
}

func words(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

func get(t *testing.T, b *bench) {
	var ids []string
	for range 3 {
		ids = append(ids, b.create(t).ID)
	}
	ts, err := b.tr.Get(b.ctx, append([]string{"999999"}, ids...))
	var got []string
	for _, tk := range ts {
		got = append(got, tk.ID)
	}
	slices.Sort(got)
	slices.Sort(ids)
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("Get() = %v, %v, want %v without the one that does not exist", got, err, ids)
	}
	if ts, err := b.tr.Get(b.ctx, nil); err != nil || len(ts) != 0 {
		t.Errorf("Get(none) = %v, %v, want nothing", ts, err)
	}
	if ts, err := b.tr.Get(b.ctx, []string{"999999"}); err != nil || len(ts) != 0 {
		t.Errorf("Get(unknown) = %v, %v, want nothing", ts, err)
	}
}

func find(t *testing.T, b *bench) {
	want := b.create(t)
	b.create(t)
	b.Advance(time.Minute)
	ts, err := b.tr.Find(b.ctx, want.Markers[0])
	if err != nil || len(ts) != 1 || ts[0].ID != want.ID {
		t.Errorf("Find() = %v, %v, want %s", ts, err, want.Key)
	}
	if ts, err := b.tr.Find(b.ctx, b.marker()); err != nil || len(ts) != 0 {
		t.Errorf("Find(unknown) = %v, %v, want nothing", ts, err)
	}
}

func probe(t *testing.T, b *bench) {
	if !b.tr.Capabilities().Probe {
		t.Skip("the tracker has no numbers to probe")
	}
	b.create(t)
	b.Advance(time.Minute)
	hw, err := b.tr.HighWater(b.ctx, b.Target().Project)
	if err != nil {
		t.Fatalf("HighWater() = %v", err)
	}
	b.create(t)
	want := b.create(t)
	ts, err := b.tr.Probe(b.ctx, b.Target().Project, hw, want.Markers[0])
	if err != nil || len(ts) != 1 || ts[0].ID != want.ID {
		t.Errorf("Probe(above %d) = %v, %v, want %s", hw, ts, err, want.Key)
	}
	if ts, err := b.tr.Probe(b.ctx, b.Target().Project, hw, b.marker()); err != nil || len(ts) != 0 {
		t.Errorf("Probe(unknown marker) = %v, %v, want nothing", ts, err)
	}
}

func highWater(t *testing.T, b *bench) {
	first, err := b.tr.HighWater(b.ctx, b.Target().Project)
	if err != nil || first != 0 {
		t.Errorf("HighWater(empty) = %d, %v, want 0", first, err)
	}
	b.create(t)
	b.create(t)
	b.Advance(time.Minute)
	second, err := b.tr.HighWater(b.ctx, b.Target().Project)
	if want := map[bool]int64{true: 2}[b.tr.Capabilities().Probe]; err != nil || second != want {
		t.Errorf("HighWater() = %d, %v, want %d", second, err, want)
	}
}
