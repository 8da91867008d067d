// Package builtin is the tracker inside Threatloop: a plain board with three
// statuses, kept in our own database, so that the whole loop works with nothing
// else installed. Tracker is its adapter; Board is how people use it. It knows
// nothing of threat models.
package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

const (
	pageSize   = 200
	summaryMax = 255
	bodyMax    = 1 << 16
	// Author is the name under which Threatloop writes on the board.
	Author = "Threatloop"
)

// Options configure a Tracker.
type Options struct {
	DB         *store.DB
	Connection string // id of the connection whose board this is
	Clock      func() time.Time
	// Projects are those that the board has; nil is any that is named properly.
	Projects []string
	// URL returns the address of a ticket's page; nil leaves addresses empty.
	URL func(id string) string
}

// Tracker is the adapter of the built-in tracker.
type Tracker struct{ o Options }

var _ tracker.Tracker = (*Tracker)(nil)

// New returns the adapter of a connection's board.
func New(o Options) *Tracker {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Tracker{o: o}
}

func (t *Tracker) now() time.Time { return store.Truncate(t.o.Clock()) }

// Capabilities of the board: it reads its own database, so nothing lags, and a
// create that failed in this process is not executed later.
func (t *Tracker) Capabilities() tracker.Capabilities {
	return tracker.Capabilities{
		Name: "Built-in tracker", Probe: true, Links: true, BackLink: true, SummaryMax: summaryMax, BodyMax: bodyMax, Immediate: true, LabelPrefix: "tl-",
	}
}

// Identify returns the board's own identity.
func (t *Tracker) Identify(ctx context.Context) (tracker.Identity, error) {
	if err := t.o.DB.Ping(ctx); err != nil {
		return tracker.Identity{}, failure("identify", err)
	}
	return tracker.Identity{ID: "threatloop", Name: Author, TimeZone: "UTC"}, nil
}

// Check finds that a board needs nothing but a project's name.
func (t *Tracker) Check(_ context.Context, in tracker.Target) ([]tracker.Finding, error) {
	out := []tracker.Finding{{Step: "identity", Level: tracker.OK, Text: "the built-in tracker needs no account"}}
	if err := t.project(in.Project); err != nil {
		return append(out, tracker.Finding{Step: "project", Level: tracker.Failed, Text: err.Reason}), nil
	}
	return append(out, tracker.Finding{Step: "project", Level: tracker.OK, Text: "tickets are numbered " + in.Project + "-1, " + in.Project + "-2, ..."}), nil
}

// Form of a board demands a summary only.
func (t *Tracker) Form(_ context.Context, in tracker.Target) (tracker.Form, error) {
	if err := t.project(in.Project); err != nil {
		return tracker.Form{}, err
	}
	return tracker.Form{Fields: []tracker.FormField{
		{ID: "summary", Name: "Summary", Required: true, Type: "string"},
		{ID: "description", Name: "Description", Type: "text"},
		{ID: "priority", Name: "Priority", Type: "string"},
	}}, nil
}

// HighWater returns the project's last ticket number.
func (t *Tracker) HighWater(ctx context.Context, project string) (n int64, err error) {
	err = t.read(ctx, "high water", func(tx *store.Tx) error {
		n, err = tx.LastBoardNumber(t.o.Connection, project)
		return err
	})
	return n, err
}

// Create adds a ticket to the board. Our own board can do what no other tracker
// does: a second create with the same marker finds the first one's ticket.
func (t *Tracker) Create(ctx context.Context, d tracker.Draft) (out tracker.Ticket, err error) {
	if err := t.project(d.Target.Project); err != nil {
		return out, err
	}
	if strings.TrimSpace(d.Summary) == "" {
		return out, &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindInvalid, Op: "create ticket", Reason: "the summary is empty", Fields: map[string]string{"summary": "must not be empty"}}
	}
	now := t.now()
	err = t.write(ctx, "create ticket", func(tx *store.Tx) error {
		if d.Marker != "" {
			made, err := tx.BoardTickets(t.o.Connection, store.BoardFilter{Marker: d.Marker})
			if err != nil {
				return err
			}
			if len(made) > 0 {
				again, err := t.append(nil, made[0])
				if err == nil {
					out = again[0]
				}
				return err
			}
		}
		n, err := tx.NextBoardNumber(t.o.Connection, d.Target.Project)
		if err != nil {
			return err
		}
		c := card{
			Summary: richtext.OneLine(d.Summary, summaryMax), Body: block("", d.Marker, d.Body), Labels: sortedUnion(d.Labels, nil),
			Priority: d.Priority, Assignee: d.Assignee, Type: d.Target.Type, Parent: d.Target.Parent, Object: d.Object, Instance: d.Instance, Created: now,
		}
		row := store.BoardTicket{
			ID: d.Target.Project + "-" + strconv.FormatInt(n, 10), Project: d.Target.Project, Number: n, Marker: d.Marker, Status: ToDo, Updated: now,
		}
		if err := save(tx, t.o.Connection, &row, c, now); err != nil {
			return err
		}
		out = t.ticket(row, c)
		return nil
	})
	return out, err
}

// Get reads tickets by id.
func (t *Tracker) Get(ctx context.Context, ids []string) (out []tracker.Ticket, err error) {
	err = t.read(ctx, "get tickets", func(tx *store.Tx) error {
		for _, id := range ids {
			row, err := tx.BoardTicket(t.o.Connection, id)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if out, err = t.append(out, row); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Find reads the tickets with a marker.
func (t *Tracker) Find(ctx context.Context, marker string) ([]tracker.Ticket, error) {
	return t.list(ctx, "find marker", store.BoardFilter{Marker: marker})
}

// Probe is Find, narrowed to numbers above the high water.
func (t *Tracker) Probe(ctx context.Context, project string, highWater int64, marker string) ([]tracker.Ticket, error) {
	return t.list(ctx, "probe", store.BoardFilter{Project: project, Above: highWater, Marker: marker})
}

// Changed reads the tickets that changed since, oldest change first.
func (t *Tracker) Changed(ctx context.Context, q tracker.ChangeQuery) (page tracker.Page, err error) {
	f := store.BoardFilter{UpdatedSince: q.Since, Limit: pageSize}
	if q.Cursor != "" {
		at, id, ok := strings.Cut(q.Cursor, " ")
		n, e := strconv.ParseInt(at, 10, 64)
		if !ok || e != nil {
			return page, &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindInvalid, Op: "list changes", Reason: "the cursor is not one of ours"}
		}
		f.AfterUpdated, f.AfterID = time.UnixMicro(n), id
	}
	err = t.read(ctx, "list changes", func(tx *store.Tx) error {
		rows, err := tx.BoardTickets(t.o.Connection, f)
		if err != nil {
			return err
		}
		if len(rows) == pageSize {
			last := rows[len(rows)-1]
			page.Next = strconv.FormatInt(last.Updated.UnixMicro(), 10) + " " + last.ID
		}
		known := q.Known != "" && q.Cursor == ""
		for _, row := range rows {
			known = known && row.ID != q.Known
			if page.Tickets, err = t.append(page.Tickets, row); err != nil {
				return err
			}
		}
		page.Tickets = slices.DeleteFunc(page.Tickets, func(k tracker.Ticket) bool {
			return q.Label != "" && k.ID != q.Known && !slices.Contains(k.Labels, q.Label)
		})
		if !known {
			return nil
		}
		row, err := tx.BoardTicket(t.o.Connection, q.Known)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		// It changed before everything else here, or it would be among them.
		first, err := t.append(nil, row)
		page.Tickets = append(first, page.Tickets...)
		return err
	})
	return page, err
}

// Edit changes fields of a ticket.
func (t *Tracker) Edit(ctx context.Context, id string, e tracker.Edit) error {
	return t.change(ctx, "edit ticket", id, func(_ *store.Tx, _ *store.BoardTicket, c *card) error {
		if e.Summary != nil {
			c.Summary = richtext.OneLine(*e.Summary, summaryMax)
		}
		if e.Block != nil {
			c.Body = block(c.Body, e.Marker, *e.Block)
		}
		c.Labels = sortedUnion(c.Labels, e.AddLabels)
		c.Labels = slices.DeleteFunc(c.Labels, func(l string) bool { return slices.Contains(e.RemoveLabels, l) })
		return nil
	})
}

// Transition moves a ticket. Every status is reachable from every other.
func (t *Tracker) Transition(ctx context.Context, id string, w tracker.Wish) (out tracker.Ticket, err error) {
	err = t.change(ctx, "move ticket", id, func(_ *store.Tx, row *store.BoardTicket, c *card) error {
		status := byCategory[w.Category]
		for _, s := range w.Statuses {
			if name := statusNamed(s); name != "" && category[name] == w.Category {
				status = name
				break
			}
		}
		if status == "" {
			return &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindNoTransition, Op: "move ticket", Reason: "the board has no status for " + string(w.Category)}
		}
		move(row, c, status, w.Resolution, w.DuplicateOf)
		out = t.ticket(*row, *c)
		return nil
	})
	if err == nil {
		out.Updated = t.now()
	}
	return out, err
}

// Comments lists a ticket's comments.
func (t *Tracker) Comments(ctx context.Context, id string) (out []tracker.Comment, err error) {
	err = t.read(ctx, "list comments", func(tx *store.Tx) error {
		if _, err := tx.BoardTicket(t.o.Connection, id); err != nil {
			return err
		}
		out, err = comments(tx, t.o.Connection, id)
		return err
	})
	return out, err
}

// Comment adds a comment.
func (t *Tracker) Comment(ctx context.Context, id string, body richtext.Doc) (out tracker.Comment, err error) {
	err = t.change(ctx, "comment", id, func(tx *store.Tx, _ *store.BoardTicket, _ *card) error {
		out, err = addComment(tx, t.o.Connection, id, Author, richtext.Plain(body), t.now())
		return err
	})
	return out, err
}

// Link relates two tickets, in both.
func (t *Tracker) Link(ctx context.Context, from, to string) error {
	return t.write(ctx, "link tickets", func(tx *store.Tx) error {
		for _, pair := range [][2]string{{from, to}, {to, from}} {
			row, c, err := load(tx, t.o.Connection, pair[0])
			if err != nil {
				return err
			}
			if slices.Contains(c.Links, pair[1]) {
				continue
			}
			c.Links = sortedUnion(c.Links, []string{pair[1]})
			if err := save(tx, t.o.Connection, &row, c, t.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetBackLink puts a link to our page into the ticket.
func (t *Tracker) SetBackLink(ctx context.Context, id, globalID, url, title string) error {
	return t.change(ctx, "set link", id, func(_ *store.Tx, _ *store.BoardTicket, c *card) error {
		for i, l := range c.Pages {
			if l.ID == globalID {
				c.Pages[i] = Page{ID: globalID, URL: url, Title: title}
				return nil
			}
		}
		c.Pages = append(c.Pages, Page{ID: globalID, URL: url, Title: title})
		return nil
	})
}

// Hint refuses: the board is in this process and sends no webhooks.
func (t *Tracker) Hint(http.Header, []byte, string) (tracker.Hint, error) {
	return tracker.Hint{}, &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindForged, Op: "read webhook", Reason: "the built-in tracker sends no webhooks"}
}

// block returns a description with our block replaced, cut to what a ticket holds.
func block(old, marker string, d richtext.Doc) string {
	f := richtext.NewFence(marker)
	return f.Plain(old, richtext.Shorten(d, bodyMax-len(f.Plain(old, nil)), func(d richtext.Doc) int { return len(f.Plain("", d)) }))
}

func (t *Tracker) list(ctx context.Context, op string, f store.BoardFilter) (out []tracker.Ticket, err error) {
	err = t.read(ctx, op, func(tx *store.Tx) error {
		rows, err := tx.BoardTickets(t.o.Connection, f)
		for _, row := range rows {
			if out, err = t.append(out, row); err != nil {
				return err
			}
		}
		return err
	})
	return out, err
}

func (t *Tracker) append(out []tracker.Ticket, row store.BoardTicket) ([]tracker.Ticket, error) {
	var c card
	if err := json.Unmarshal([]byte(row.Doc), &c); err != nil {
		return out, fmt.Errorf("board ticket %s: %w", row.ID, err)
	}
	return append(out, t.ticket(row, c)), nil
}

func (t *Tracker) ticket(row store.BoardTicket, c card) tracker.Ticket {
	out := c.ticket(row)
	if t.o.URL != nil {
		out.URL = t.o.URL(row.ID)
	}
	return out
}

func (t *Tracker) read(ctx context.Context, op string, fn func(*store.Tx) error) error {
	return failure(op, t.o.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error { return fn(tx) }))
}

func (t *Tracker) write(ctx context.Context, op string, fn func(*store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindUnavailable, Op: op, Err: err}
	}
	return failure(op, t.o.DB.Write(ctx, func(_ context.Context, tx *store.Tx) error { return fn(tx) }))
}

func (t *Tracker) change(ctx context.Context, op, id string, fn func(*store.Tx, *store.BoardTicket, *card) error) error {
	return t.write(ctx, op, func(tx *store.Tx) error {
		row, c, err := load(tx, t.o.Connection, id)
		if err != nil {
			return err
		}
		if err := fn(tx, &row, &c); err != nil {
			return err
		}
		return save(tx, t.o.Connection, &row, c, t.now())
	})
}

// failure turns an error of the store into the tracker's. A commit may have
// arrived although its answer did not.
func failure(op string, err error) error {
	var known *tracker.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case fault.Is(err, fault.NotFound):
		return &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindNotFound, Op: op, Err: err}
	case fault.Is(err, fault.Invalid):
		return &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindInvalid, Op: op, Err: err}
	}
	return &tracker.Error{Outcome: tracker.Ambiguous, Kind: tracker.KindUnavailable, Op: op, Err: err}
}

func (t *Tracker) project(p string) *tracker.Error {
	if t.o.Projects != nil && !slices.Contains(t.o.Projects, p) {
		return &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindInvalid, Op: "project", Reason: fmt.Sprintf("the board has no project %q", p)}
	}

	ok := p != "" && len(p) <= 20
	for _, r := range p {
		ok = ok && (r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	}
	if ok {
		return nil
	}
	return &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindInvalid, Op: "project", Reason: "a project of the built-in tracker is named by 1 to 20 capital letters, digits or underscores"}
}
