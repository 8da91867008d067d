package store

import (
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// BoardTicket is a ticket of the built-in tracker.
type BoardTicket struct {
	ID      string // project and number: "SHOP-12"
	Project string
	Number  int64
	Marker  string
	Status  string
	Updated time.Time
	Doc     string // JSON of the rest
}

// BoardComment is a comment on a BoardTicket.
type BoardComment struct {
	Seq    int64 // 1, 2, ... per ticket
	Author string
	At     time.Time
	Text   string
}

const boardColumns = `id, project, number, marker, status, updated_at, doc`

func scanBoard(row func(dest ...any) error) (BoardTicket, error) {
	var b BoardTicket
	err := row(&b.ID, &b.Project, &b.Number, &b.Marker, &b.Status, (*stamp)(&b.Updated), &b.Doc)
	return b, err
}

// NextBoardNumber takes the next ticket number of a board's project.
func (tx *Tx) NextBoardNumber(connection, project string) (int64, error) {
	_, err := tx.exec(`INSERT INTO board_project (connection_id, project, last_number) VALUES ($1, $2, 1)
		ON CONFLICT (connection_id, project) DO UPDATE SET last_number = board_project.last_number + 1`, connection, project)
	if err != nil {
		return 0, fmt.Errorf("store: number in %s: %w", project, err)
	}
	return tx.LastBoardNumber(connection, project)
}

// LastBoardNumber returns the highest ticket number of a board's project, 0 for none.
func (tx *Tx) LastBoardNumber(connection, project string) (int64, error) {
	var n int64
	if _, err := tx.one(`SELECT last_number FROM board_project WHERE connection_id = $1 AND project = $2`, []any{connection, project}, &n); err != nil {
		return 0, fmt.Errorf("store: number in %s: %w", project, err)
	}
	return n, nil
}

// SaveBoardTicket adds or replaces a ticket of the built-in tracker.
func (tx *Tx) SaveBoardTicket(connection string, b BoardTicket) error {
	_, err := tx.exec(`INSERT INTO board_ticket (connection_id, `+boardColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (connection_id, id) DO UPDATE SET status = excluded.status, updated_at = excluded.updated_at, doc = excluded.doc`,
		connection, b.ID, b.Project, b.Number, b.Marker, b.Status, stamp(b.Updated), b.Doc)
	if err != nil {
		return fmt.Errorf("store: board ticket %s: %w", b.ID, err)
	}
	return nil
}

// DeleteBoardTicket deletes a ticket of the built-in tracker with its comments.
func (tx *Tx) DeleteBoardTicket(connection, id string) error {
	for _, q := range []string{
		`DELETE FROM board_comment WHERE connection_id = $1 AND ticket_id = $2`,
		`DELETE FROM board_ticket WHERE connection_id = $1 AND id = $2`,
	} {
		if _, err := tx.exec(q, connection, id); err != nil {
			return fmt.Errorf("store: delete board ticket %s: %w", id, err)
		}
	}
	return nil
}

// BoardTicket returns one ticket; fault.NotFound where there is none.
func (tx *Tx) BoardTicket(connection, id string) (BoardTicket, error) {
	out, err := collect(tx, scanBoard, `SELECT `+boardColumns+` FROM board_ticket WHERE connection_id = $1 AND id = $2`, connection, id)
	if err != nil {
		return BoardTicket{}, fmt.Errorf("store: board ticket %s: %w", id, err)
	}
	if len(out) == 0 {
		return BoardTicket{}, fault.New(fault.NotFound, "store.no_board_ticket", "there is no ticket %s", id)
	}
	return out[0], nil
}

// BoardFilter selects tickets of a board. Empty fields do not narrow.
type BoardFilter struct {
	Project      string
	Status       string
	Marker       string
	Above        int64     // numbers above
	UpdatedSince time.Time // updated at or after
	AfterUpdated time.Time // with AfterID: position in the order (updated, id)
	AfterID      string
	Limit        int
}

// BoardTickets returns the tickets of a board, oldest change first.
func (tx *Tx) BoardTickets(connection string, f BoardFilter) ([]BoardTicket, error) {
	c := &conditions{}
	c.add("connection_id = ?", connection)
	if f.Project != "" {
		c.add("project = ?", f.Project)
	}
	if f.Status != "" {
		c.add("status = ?", f.Status)
	}
	if f.Marker != "" {
		c.add("marker = ?", f.Marker)
	}
	if f.Above > 0 {
		c.add("number > ?", f.Above)
	}
	if !f.UpdatedSince.IsZero() {
		c.add("updated_at >= ?", stamp(f.UpdatedSince))
	}
	if f.AfterID != "" {
		c.add("(updated_at, id) > (?, ?)", stamp(f.AfterUpdated), f.AfterID)
	}
	q := `SELECT ` + boardColumns + ` FROM board_ticket` + c.where() + ` ORDER BY updated_at, id`
	if f.Limit > 0 {
		q += " LIMIT " + c.arg(f.Limit)
	}
	out, err := collect(tx, scanBoard, q, c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: list board tickets: %w", err)
	}
	return out, nil
}

// AddBoardComment adds a comment and returns it with its number.
func (tx *Tx) AddBoardComment(connection, ticket string, c BoardComment) (BoardComment, error) {
	// The ticket's row is taken first: of two comments at once the second waits for its number.
	if _, err := tx.exec(`UPDATE board_ticket SET id = id WHERE connection_id = $1 AND id = $2`, connection, ticket); err != nil {
		return c, fmt.Errorf("store: comment on %s: %w", ticket, err)
	}
	if _, err := tx.one(`SELECT coalesce(max(seq), 0) + 1 FROM board_comment WHERE connection_id = $1 AND ticket_id = $2`, []any{connection, ticket}, &c.Seq); err != nil {
		return c, fmt.Errorf("store: comment on %s: %w", ticket, err)
	}
	if _, err := tx.exec(`INSERT INTO board_comment (connection_id, ticket_id, seq, author, at, text) VALUES ($1, $2, $3, $4, $5, $6)`,
		connection, ticket, c.Seq, c.Author, stamp(c.At), c.Text); err != nil {
		return c, fmt.Errorf("store: comment on %s: %w", ticket, err)
	}
	return c, nil
}

// BoardComments returns a ticket's comments, oldest first.
func (tx *Tx) BoardComments(connection, ticket string) ([]BoardComment, error) {
	out, err := collect(tx, func(row func(dest ...any) error) (c BoardComment, err error) {
		return c, row(&c.Seq, &c.Author, (*stamp)(&c.At), &c.Text)
	}, `SELECT seq, author, at, text FROM board_comment WHERE connection_id = $1 AND ticket_id = $2 ORDER BY seq`, connection, ticket)
	if err != nil {
		return nil, fmt.Errorf("store: comments on %s: %w", ticket, err)
	}
	return out, nil
}
