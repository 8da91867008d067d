package ticketing_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// clock is a virtual clock.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// memory is a tracker in memory whose calls can fail in every way.
type memory struct {
	*clock
	issues   []*tracker.Ticket
	comments map[string][]tracker.Comment
	back     map[string]string
	late     []lateCommit
	calls    map[string]int
	index    map[string]time.Time // when the search sees an issue
	lag      time.Duration
	// fail is asked before each call; nil or an answer "" lets it pass. "before"
	// loses it unexecuted, "after" executed, "late" executes a create five seconds later.
	fail func(op string) (string, *tracker.Error)
	caps tracker.Capabilities
	hide map[string]bool
	// required is a field that Form demands, and form switches Form off.
	required string
}

type lateCommit struct {
	at time.Time
	do func()
}

func newMemory(c *clock) *memory {
	return &memory{
		clock: c, comments: map[string][]tracker.Comment{}, back: map[string]string{}, calls: map[string]int{}, index: map[string]time.Time{}, hide: map[string]bool{},
		caps: tracker.Capabilities{Name: "memory", Probe: true, Links: true, BackLink: true, SummaryMax: 255, BodyMax: 30000, LabelPrefix: "tl-"},
	}
}

func (m *memory) Capabilities() tracker.Capabilities { return m.caps }

var errLost = fmt.Errorf("connection reset")

// do runs a call under its fault.
func (m *memory) do(op string, call func() error) error {
	for i := 0; i < len(m.late); i++ {
		if !m.Now().Before(m.late[i].at) {
			do := m.late[i].do
			m.late = slices.Delete(m.late, i, i+1)
			do()
			i--
		}
	}
	m.calls[op]++
	m.calls["total"]++
	if m.fail != nil {
		switch how, err := m.fail(op); how {
		case "refuse":
			return err
		case "before":
			return &tracker.Error{Outcome: tracker.Ambiguous, Kind: tracker.KindUnavailable, Op: op, Err: errLost}
		case "late":
			m.late = append(m.late, lateCommit{m.Now().Add(5 * time.Second), func() { _ = call() }})
			return &tracker.Error{Outcome: tracker.Ambiguous, Kind: tracker.KindUnavailable, Op: op, Err: errLost}
		case "after":
			if err := call(); err != nil {
				return err
			}
			return &tracker.Error{Outcome: tracker.Ambiguous, Kind: tracker.KindUnavailable, Op: op, Err: errLost}
		}
	}
	return call()
}

func (m *memory) Identify(context.Context) (tracker.Identity, error) {
	return tracker.Identity{ID: "bot", Name: "Bot"}, m.do("identify", func() error { return nil })
}

func (m *memory) Check(context.Context, tracker.Target) ([]tracker.Finding, error) { return nil, nil }

func (m *memory) Form(context.Context, tracker.Target) (f tracker.Form, err error) {
	err = m.do("form", func() error {
		f.Fields = []tracker.FormField{{ID: "summary", Name: "Summary", Required: true}}
		if m.required != "" {
			f.Fields = append(f.Fields, tracker.FormField{ID: m.required, Name: "Team", Required: true})
		}
		return nil
	})
	return f, err
}

func (m *memory) HighWater(context.Context, string) (n int64, err error) {
	return n, m.do("highwater", func() error { n = int64(len(m.issues)); return nil })
}

func (m *memory) Create(_ context.Context, d tracker.Draft) (out tracker.Ticket, err error) {
	err = m.do("create", func() error {
		n := len(m.issues) + 1
		t := &tracker.Ticket{
			ID: strconv.Itoa(10000 + n), Key: d.Target.Project + "-" + strconv.Itoa(n), Project: d.Target.Project, Type: d.Target.Type, Summary: d.Summary,
			Body: richtext.NewFence(d.Marker).Plain("", d.Body), Labels: slices.Sorted(slices.Values(d.Labels)), Status: "To Do", StatusID: "1", Category: tracker.New,
			Markers: []string{d.Marker}, PropertyMarker: d.Marker, Created: m.Now(), Updated: m.Now(), Priority: d.Priority,
		}
		m.issues = append(m.issues, t)
		m.index[t.ID] = m.Now().Add(m.lag)
		out = *t
		return nil
	})
	if err != nil {
		out = tracker.Ticket{}
	}
	return out, err
}

func (m *memory) issue(id string) *tracker.Ticket {
	for _, t := range m.issues {
		if t.ID == id || t.Key == id {
			return t
		}
	}
	return nil
}

func (m *memory) Get(_ context.Context, ids []string) (out []tracker.Ticket, err error) {
	err = m.do("get", func() error {
		for _, t := range m.issues {
			if (slices.Contains(ids, t.ID) || slices.Contains(ids, t.Key)) && !m.hide[t.ID] {
				out = append(out, *t)
			}
		}
		return nil
	})
	return out, err
}

func (m *memory) Find(_ context.Context, marker string) (out []tracker.Ticket, err error) {
	return out, m.do("find", func() error {
		for _, t := range m.issues {
			if slices.Contains(t.Markers, marker) && !m.hide[t.ID] && !m.Now().Before(m.index[t.ID]) {
				out = append(out, *t)
			}
		}
		return nil
	})
}

func (m *memory) Probe(_ context.Context, _ string, above int64, marker string) (out []tracker.Ticket, err error) {
	return out, m.do("probe", func() error {
		for i, t := range m.issues {
			if int64(i+1) > above && slices.Contains(t.Markers, marker) && !m.hide[t.ID] {
				out = append(out, *t)
			}
		}
		return nil
	})
}

func (m *memory) Changed(_ context.Context, q tracker.ChangeQuery) (p tracker.Page, err error) {
	return p, m.do("changed", func() error {
		for _, t := range m.issues {
			due := !t.Updated.Before(q.Since) && slices.Contains(t.Labels, q.Label) && !m.Now().Before(m.index[t.ID])
			if (due || t.ID == q.Known) && !m.hide[t.ID] {
				p.Tickets = append(p.Tickets, *t)
			}
		}
		return nil
	})
}

func (m *memory) change(op, id string, fn func(*tracker.Ticket)) error {
	return m.do(op, func() error {
		t := m.issue(id)
		if t == nil || m.hide[t.ID] {
			return &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindNotFound, Op: op, Status: 404}
		}
		fn(t)
		t.Updated = m.Now()
		return nil
	})
}

func (m *memory) Edit(_ context.Context, id string, e tracker.Edit) error {
	return m.change("edit", id, func(t *tracker.Ticket) {
		if e.Summary != nil {
			t.Summary = *e.Summary
		}
		if e.Block != nil {
			t.Body = richtext.NewFence(e.Marker).Plain(t.Body, *e.Block)
		}
		t.Labels = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(t.Labels), e.AddLabels...))))
		t.Labels = slices.DeleteFunc(t.Labels, func(l string) bool { return slices.Contains(e.RemoveLabels, l) })
	})
}

func (m *memory) Transition(_ context.Context, id string, w tracker.Wish) (out tracker.Ticket, err error) {
	err = m.change("transition", id, func(t *tracker.Ticket) {
		setStatus(t, w.Category, w.Resolution)
		if strings.EqualFold(w.Resolution, "duplicate") {
			t.DuplicateOf = w.DuplicateOf
		}
		out = *t
	})
	return out, err
}

func setStatus(t *tracker.Ticket, c tracker.Category, resolution string) {
	names := map[tracker.Category]string{tracker.New: "To Do", tracker.InProgress: "In Progress", tracker.Done: "Done"}
	ids := map[tracker.Category]string{tracker.New: "1", tracker.InProgress: "2", tracker.Done: "3"}
	t.Status, t.StatusID, t.Category, t.Resolution, t.DuplicateOf = names[c], ids[c], c, "", ""
	if c == tracker.Done {
		t.Resolution = resolution
		if resolution == "" {
			t.Resolution = "Done"
		}
	}
}

func (m *memory) Comments(_ context.Context, id string) (out []tracker.Comment, err error) {
	return out, m.do("comments", func() error { out = slices.Clone(m.comments[id]); return nil })
}

func (m *memory) Comment(_ context.Context, id string, body richtext.Doc) (out tracker.Comment, err error) {
	err = m.change("comment", id, func(t *tracker.Ticket) {
		out = tracker.Comment{ID: strconv.Itoa(len(m.comments[t.ID]) + 1), Author: "Bot", Text: richtext.Plain(body), Created: m.Now()}
		m.comments[t.ID] = append(m.comments[t.ID], out)
	})
	return out, err
}

func (m *memory) Link(_ context.Context, from, to string) error {
	return m.change("link", from, func(t *tracker.Ticket) {
		o := m.issue(to)
		t.Links = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(t.Links), o.ID))))
		o.Links = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(o.Links), t.ID))))
	})
}

func (m *memory) SetBackLink(_ context.Context, id, _, url, _ string) error {
	return m.change("backlink", id, func(*tracker.Ticket) { m.back[id] = url })
}

func (m *memory) Hint(http.Header, []byte, string) (tracker.Hint, error) { return tracker.Hint{}, nil }

// human moves a ticket as a person does.
func (m *memory) human(id string, c tracker.Category, resolution, comment string) {
	t := m.issue(id)
	if comment != "" {
		m.comments[t.ID] = append(m.comments[t.ID], tracker.Comment{ID: "h", Author: "Ann", Text: comment, Created: m.Now()})
	}
	setStatus(t, c, resolution)
	t.Updated = m.Now()
}

// open returns the open tickets with the marker.
func (m *memory) open(marker string) (n int) {
	for _, t := range m.issues {
		if t.PropertyMarker == marker && t.Category != tracker.Done && !m.hide[t.ID] {
			n++
		}
	}
	return n
}
