package app

import (
	"context"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/builtin"
)

// Card shows one ticket with its comments. What another tracker than the
// built-in one shows of any ticket to our account is for who manages the connection.
func (a *App) Card(ctx context.Context, c Caller, connection, id string) (builtin.Card, error) {
	foreign := false
	card, err := query(ctx, a, c, policy.BoardRead, "", func(tx *store.Tx) (builtin.Card, error) {
		conn, err := tx.Connection(connection)
		if err != nil {
			return builtin.Card{}, err
		}
		if foreign = conn.Kind != "builtin"; foreign {
			return builtin.Card{}, nil
		}
		card, err := builtin.Board{Tx: tx, Connection: connection}.Card(id)
		if err != nil {
			return builtin.Card{}, err
		}
		return card, a.allowCard(tx, c, policy.TicketsRead, connection, card.ID)
	})
	if err != nil || !foreign {
		return card, err
	}
	if err := a.Check(ctx, c, policy.ConnectionManage, ""); err != nil {
		return builtin.Card{}, err
	}
	return a.foreignCard(ctx, connection, id)
}

// foreignCard reads a ticket from a tracker that is not ours.
func (a *App) foreignCard(ctx context.Context, connection, id string) (builtin.Card, error) {
	t, err := a.Tracker(ctx, connection)
	if err != nil {
		return builtin.Card{}, err
	}
	unread := func(err error) error {
		return fault.Wrap(err, fault.Unavailable, "ticket.unread", "the tracker did not show %s: %s", id, tracker.AsError(err).Error())
	}
	found, err := t.Get(ctx, []string{id})
	if err != nil {
		return builtin.Card{}, unread(err)
	}
	if len(found) == 0 {
		return builtin.Card{}, notFound("ticket", id)
	}
	comments, err := t.Comments(ctx, found[0].ID)
	if err != nil {
		return builtin.Card{}, unread(err)
	}
	return builtin.Card{Ticket: found[0], Comments: comments}, nil
}

// allowCard checks that the caller may take the action on a product to which a
// ticket of the built-in tracker belongs. One that belongs to no product, and one
// of products that the caller does not see, does not exist but for administrators.
func (a *App) allowCard(tx *store.Tx, c Caller, action policy.Action, connection, ticket string) error {
	if a.allow(tx, c, policy.ConnectionManage, "") == nil {
		return nil
	}
	own, err := tx.TicketsOf(connection, c.visible())
	if err != nil {
		return err
	}
	refused := notFound("ticket", ticket)
	for _, product := range own[ticket] {
		if refused = a.allow(tx, c, action, product); refused == nil {
			return nil
		}
	}
	return refused
}

// workOn is a change of a ticket of the built-in tracker by who may work on it.
func workOn[T any](ctx context.Context, a *App, c Caller, connection, id string, fn func(*changing, builtin.Board) (T, error)) (T, error) {
	return change(ctx, a, c, policy.BoardWork, "", Cause{}, func(ch *changing) (T, error) {
		var zero T
		if err := a.isBuiltin(ch.tx, connection); err != nil {
			return zero, err
		}
		board := builtin.Board{Tx: ch.tx, Connection: connection}
		card, err := board.Card(id)
		if err != nil {
			return zero, err
		}
		if err := a.allowCard(ch.tx, c, policy.TicketsEdit, connection, card.ID); err != nil {
			return zero, err
		}
		return fn(ch, board)
	})
}

// CommentTicket writes a person's comment on a ticket of a built-in tracker.
func (a *App) CommentTicket(ctx context.Context, c Caller, connection, id, text string) (tracker.Comment, error) {
	return workOn(ctx, a, c, connection, id, func(ch *changing, board builtin.Board) (tracker.Comment, error) {
		comment, err := board.Comment(id, c.Name, text, ch.at)
		if err != nil {
			return comment, err
		}
		if err := queue.Due(ch.ctx, ch.tx, WorkPoll, connection, time.Time{}); err != nil {
			return comment, err
		}
		return comment, ch.record("ticket.comment", "ticket/"+id, nil, map[string]string{"text": text})
	})
}

// Board lists the tickets of a built-in tracker: all for administrators, for
// others those of their products.
func (a *App) Board(ctx context.Context, c Caller, connection, project, status string) (Page[tracker.Ticket], error) {
	return query(ctx, a, c, policy.BoardRead, "", func(tx *store.Tx) (Page[tracker.Ticket], error) {
		if err := a.isBuiltin(tx, connection); err != nil {
			return Page[tracker.Ticket]{}, err
		}
		list, err := builtin.Board{Tx: tx, Connection: connection}.List(project, status)
		if err != nil {
			return Page[tracker.Ticket]{}, err
		}
		if a.allow(tx, c, policy.ConnectionManage, "") != nil {
			own, err := tx.TicketsOf(connection, c.visible())
			if err != nil {
				return Page[tracker.Ticket]{}, err
			}
			list = slices.DeleteFunc(list, func(t tracker.Ticket) bool { return len(own[t.ID]) == 0 })
		}
		if list == nil {
			list = []tracker.Ticket{}
		}
		return Page[tracker.Ticket]{Items: list}, nil
	})
}

func (a *App) isBuiltin(tx *store.Tx, connection string) error {
	conn, err := tx.Connection(connection)
	if err == nil && conn.Kind != "builtin" {
		err = fault.New(fault.Conflict, "board.foreign", "%s is not the built-in tracker; work in the tracker itself", conn.Name)
	}
	return err
}

// MoveInput moves a ticket as a person would.
type MoveInput struct {
	Status      string `json:"status" doc:"Of the built-in tracker: To do, In progress, Done. Of others: a status name or id, or the category new, indeterminate, done"`
	Resolution  string `json:"resolution,omitempty" doc:"Of a done ticket"`
	DuplicateOf string `json:"duplicate_of,omitempty"`
	Comment     string `json:"comment,omitempty" maxLength:"10000"`
}

// MoveTicket moves a ticket in its tracker as a person would; the model follows
// as it follows any move there.
func (a *App) MoveTicket(ctx context.Context, c Caller, connection, id string, in MoveInput) (tracker.Ticket, error) {
	conn, err := query(ctx, a, c, policy.BoardWork, "", func(tx *store.Tx) (store.Connection, error) { return tx.Connection(connection) })
	if err != nil {
		return tracker.Ticket{}, err
	}
	if conn.Kind != "builtin" {
		return a.moveForeign(ctx, c, connection, id, in)
	}
	return workOn(ctx, a, c, connection, id, func(ch *changing, board builtin.Board) (tracker.Ticket, error) {
		t, err := board.Move(id, builtin.Move{
			Status: in.Status, Resolution: in.Resolution, DuplicateOf: in.DuplicateOf,
			Comment: in.Comment, Actor: c.Name, At: ch.at,
		})
		if err != nil {
			return t, err
		}
		if err := queue.Due(ch.ctx, ch.tx, WorkPoll, connection, time.Time{}); err != nil {
			return t, err
		}
		return t, ch.record("ticket.move", "ticket/"+id, nil, in)
	})
}

func (a *App) moveForeign(ctx context.Context, c Caller, connection, id string, in MoveInput) (tracker.Ticket, error) {
	t, err := a.Tracker(ctx, connection)
	if err != nil {
		return tracker.Ticket{}, err
	}
	wish := tracker.Wish{Resolution: in.Resolution, DuplicateOf: in.DuplicateOf, MaxHops: 3}
	switch cat := tracker.Category(in.Status); cat {
	case tracker.New, tracker.InProgress, tracker.Done:
		wish.Category = cat
	default:
		wish.Category, wish.Statuses = tracker.Unknown, []string{in.Status}
		if in.Resolution != "" {
			wish.Category = tracker.Done
		}
	}
	return reach(ctx, a, c, outside[tracker.Ticket]{
		action: policy.ConnectionManage,
		look:   func(*store.Tx) error { return nil },
		call: func(ctx context.Context) (tracker.Ticket, error) {
			moved, err := t.Transition(ctx, id, wish)
			if err != nil {
				return moved, fault.Wrap(err, fault.Conflict, "ticket.move", "the tracker did not move %s: %s", id, tracker.AsError(err).Error())
			}
			return moved, nil
		},
		note: func(ch *changing, _ tracker.Ticket) error {
			if _, err := ch.tx.ReceiveDelivery(connection, "", []string{id}, ch.at); err != nil {
				return err
			}
			if err := queue.Due(ch.ctx, ch.tx, WorkPoll, connection, time.Time{}); err != nil {
				return err
			}
			return ch.record("ticket.move", "ticket/"+id, nil, in)
		},
	})
}
