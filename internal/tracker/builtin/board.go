package builtin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// The statuses of a board, in the order of its columns.
const (
	ToDo       = "To do"
	InProgress = "In progress"
	Done       = "Done"
)

// The resolutions of a done ticket.
const (
	ResolvedDone      = "Done"
	ResolvedWontDo    = "Won't do"
	ResolvedDuplicate = "Duplicate"
)

var (
	category    = map[string]tracker.Category{ToDo: tracker.New, InProgress: tracker.InProgress, Done: tracker.Done}
	byCategory  = map[tracker.Category]string{tracker.New: ToDo, tracker.InProgress: InProgress, tracker.Done: Done}
	statusIDs   = map[string]string{ToDo: "todo", InProgress: "doing", Done: "done"}
	resolutions = []string{ResolvedDone, ResolvedWontDo, ResolvedDuplicate}
)

// Page is a link from a ticket to one of our pages.
type Page struct {
	ID    string `json:"id"`
	URL   string `json:"url"`
	Title string `json:"title"`
}

// card is what a board ticket's document holds.
type card struct {
	Summary     string           `json:"summary"`
	Body        string           `json:"body"`
	Labels      []string         `json:"labels,omitempty"`
	Resolution  string           `json:"resolution,omitempty"`
	Priority    string           `json:"priority,omitempty"`
	Assignee    string           `json:"assignee,omitempty"`
	Estimate    tracker.Estimate `json:"estimate"`
	Type        string           `json:"type,omitempty"`
	Parent      string           `json:"parent,omitempty"`
	Links       []string         `json:"links,omitempty"`
	DuplicateOf string           `json:"duplicate_of,omitempty"`
	Object      string           `json:"object,omitempty"`
	Instance    string           `json:"instance,omitempty"`
	Pages       []Page           `json:"pages,omitempty"`
	Created     time.Time        `json:"created"`
}

// ticket is the neutral form. Nobody but us writes the marker, so it needs no text.
func (c card) ticket(row store.BoardTicket) tracker.Ticket {
	t := tracker.Ticket{
		ID: row.ID, Key: row.ID, Project: row.Project, Type: c.Type, Summary: c.Summary, Body: c.Body, Labels: c.Labels,
		Status: row.Status, StatusID: statusIDs[row.Status], Category: category[row.Status],
		Resolution: c.Resolution, ResolutionID: c.Resolution, Assignee: c.Assignee, Priority: c.Priority, Estimate: c.Estimate, Parent: c.Parent,
		Links: c.Links, DuplicateOf: c.DuplicateOf, Created: c.Created, Updated: row.Updated,
	}
	if row.Marker != "" {
		t.Markers, t.PropertyMarker = []string{row.Marker}, row.Marker
	}
	return t
}

// Board is a connection's board inside a transaction, as people use it. Every
// change also tells the reconciler to look at the ticket now.
type Board struct {
	Tx         *store.Tx
	Connection string
}

// Card is a ticket with what its page shows.
type Card struct {
	tracker.Ticket
	Pages    []Page            `json:"pages,omitempty"`
	Comments []tracker.Comment `json:"comments"`
}

// List returns the tickets of a project, of all where it is "", in the status,
// any where it is "": open ones first by number, then done ones, latest first.
func (b Board) List(project, status string) ([]tracker.Ticket, error) {
	rows, err := b.Tx.BoardTickets(b.Connection, store.BoardFilter{Project: project, Status: status})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(x, y store.BoardTicket) int {
		switch xd, yd := x.Status == Done, y.Status == Done; {
		case xd && yd:
			return y.Updated.Compare(x.Updated)
		case xd:
			return 1
		case yd:
			return -1
		case x.Project != y.Project:
			return strings.Compare(x.Project, y.Project)
		}
		return int(x.Number - y.Number)
	})
	out := make([]tracker.Ticket, 0, len(rows))
	for _, row := range rows {
		var c card
		if err := json.Unmarshal([]byte(row.Doc), &c); err != nil {
			return nil, fmt.Errorf("builtin: ticket %s: %w", row.ID, err)
		}
		out = append(out, c.ticket(row))
	}
	return out, nil
}

// Card returns one ticket with its comments; fault.NotFound where there is none.
func (b Board) Card(id string) (Card, error) {
	row, c, err := load(b.Tx, b.Connection, id)
	if err != nil {
		return Card{}, err
	}
	list, err := comments(b.Tx, b.Connection, id)
	return Card{Ticket: c.ticket(row), Pages: c.Pages, Comments: list}, err
}

// Move is a person's move of a ticket.
type Move struct {
	Status      string // ToDo, InProgress or Done
	Resolution  string // of Done; "" is ResolvedDone
	DuplicateOf string // id of the other ticket, with ResolvedDuplicate
	Comment     string // written before the move; the reason of a ResolvedWontDo
	Actor       string
	At          time.Time
}

// Move moves a ticket to another column. fault.Invalid for a status or
// resolution that the board does not have.
func (b Board) Move(id string, m Move) (tracker.Ticket, error) {
	status := statusNamed(m.Status)
	if status == "" {
		return tracker.Ticket{}, fault.New(fault.Invalid, "board.status", "the board has the statuses To do, In progress and Done").With("status", "%q is none of them", m.Status)
	}
	if m.Resolution != "" && !slices.Contains(resolutions, m.Resolution) {
		return tracker.Ticket{}, fault.New(fault.Invalid, "board.resolution", "a ticket is done as Done, Won't do or Duplicate").With("resolution", "%q is none of them", m.Resolution)
	}
	if m.Resolution == ResolvedDuplicate {
		if _, err := b.Tx.BoardTicket(b.Connection, m.DuplicateOf); err != nil || m.DuplicateOf == id {
			return tracker.Ticket{}, fault.Wrap(err, fault.Invalid, "board.duplicate", "name the ticket that this one duplicates").With("duplicate_of", "%q is not another ticket of this board", m.DuplicateOf)
		}
	}
	return b.change(id, m.At, func(row *store.BoardTicket, c *card) error {
		if strings.TrimSpace(m.Comment) != "" {
			if _, err := addComment(b.Tx, b.Connection, id, m.Actor, m.Comment, m.At); err != nil {
				return err
			}
		}
		move(row, c, status, m.Resolution, m.DuplicateOf)
		return nil
	})
}

// Patch is a person's change of a ticket; nil fields are left alone.
type Patch struct {
	Summary  *string
	Body     *string
	Assignee *string
	Estimate *tracker.Estimate
	Labels   *[]string
	At       time.Time
}

// Patch changes a ticket's fields.
func (b Board) Patch(id string, p Patch) (tracker.Ticket, error) {
	if p.Summary != nil && strings.TrimSpace(*p.Summary) == "" {
		return tracker.Ticket{}, fault.New(fault.Invalid, "board.summary", "a ticket needs a summary").With("summary", "must not be empty")
	}
	return b.change(id, p.At, func(_ *store.BoardTicket, c *card) error {
		if p.Summary != nil {
			c.Summary = richtext.OneLine(*p.Summary, summaryMax)
		}
		if p.Body != nil {
			c.Body = richtext.Clean(*p.Body)
		}
		if p.Assignee != nil {
			c.Assignee = *p.Assignee
		}
		if p.Estimate != nil {
			c.Estimate = *p.Estimate
		}
		if p.Labels != nil {
			c.Labels = sortedUnion(*p.Labels, nil)
		}
		return nil
	})
}

// Comment adds a person's comment.
func (b Board) Comment(id, actor, text string, at time.Time) (out tracker.Comment, err error) {
	_, err = b.change(id, at, func(*store.BoardTicket, *card) error {
		out, err = addComment(b.Tx, b.Connection, id, actor, text, at)
		return err
	})
	return out, err
}

// Delete deletes a ticket for good.
func (b Board) Delete(id string, at time.Time) error {
	if _, err := b.Tx.BoardTicket(b.Connection, id); err != nil {
		return err
	}
	if err := b.Tx.DeleteBoardTicket(b.Connection, id); err != nil {
		return err
	}
	_, err := b.Tx.ReceiveDelivery(b.Connection, "", []string{id}, at)
	return err
}

func (b Board) change(id string, at time.Time, fn func(*store.BoardTicket, *card) error) (tracker.Ticket, error) {
	row, c, err := load(b.Tx, b.Connection, id)
	if err != nil {
		return tracker.Ticket{}, err
	}
	if err := fn(&row, &c); err != nil {
		return tracker.Ticket{}, err
	}
	if err := save(b.Tx, b.Connection, &row, c, store.Truncate(at)); err != nil {
		return tracker.Ticket{}, err
	}
	if _, err := b.Tx.ReceiveDelivery(b.Connection, "", []string{id}, at); err != nil {
		return tracker.Ticket{}, err
	}
	return c.ticket(row), nil
}

// move sets a status and what follows from it.
func move(row *store.BoardTicket, c *card, status, resolution, duplicateOf string) {
	row.Status, c.Resolution, c.DuplicateOf = status, "", ""
	if status != Done {
		return
	}
	c.Resolution = ResolvedDone
	for _, r := range resolutions {
		if strings.EqualFold(r, resolution) {
			c.Resolution = r
		}
	}
	if c.Resolution == ResolvedDuplicate {
		c.DuplicateOf = duplicateOf
	}
}

func statusNamed(s string) string {
	for name, id := range statusIDs {
		if strings.EqualFold(name, s) || id == s {
			return name
		}
	}
	return ""
}

func load(tx *store.Tx, connection, id string) (store.BoardTicket, card, error) {
	var c card
	row, err := tx.BoardTicket(connection, id)
	if err == nil {
		err = json.Unmarshal([]byte(row.Doc), &c)
	}
	if err != nil {
		return row, c, fmt.Errorf("builtin: ticket %s: %w", id, err)
	}
	return row, c, nil
}

func save(tx *store.Tx, connection string, row *store.BoardTicket, c card, at time.Time) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("builtin: ticket %s: %w", row.ID, err)
	}
	row.Doc, row.Updated = string(doc), at
	return tx.SaveBoardTicket(connection, *row)
}

func addComment(tx *store.Tx, connection, id, author, text string, at time.Time) (tracker.Comment, error) {
	c, err := tx.AddBoardComment(connection, id, store.BoardComment{Author: author, Text: richtext.Clean(text), At: at})
	return neutral(c), err
}

func comments(tx *store.Tx, connection, id string) ([]tracker.Comment, error) {
	rows, err := tx.BoardComments(connection, id)
	out := make([]tracker.Comment, 0, len(rows))
	for _, c := range rows {
		out = append(out, neutral(c))
	}
	return out, err
}

func neutral(c store.BoardComment) tracker.Comment {
	return tracker.Comment{ID: fmt.Sprint(c.Seq), Author: c.Author, Text: c.Text, Created: c.At}
}

func sortedUnion(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
