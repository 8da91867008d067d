package app

import (
	"context"
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
	card, err := query(ctx, a, c, policy.ConnectionRead, "", func(tx *store.Tx) (builtin.Card, error) {
		conn, err := tx.Connection(connection)
		if err != nil {
			return builtin.Card{}, err
		}
		if foreign = conn.Kind != "builtin"; foreign {
			return builtin.Card{}, nil
		}
		return builtin.Board{Tx: tx, Connection: connection}.Card(id)
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

// CommentTicket writes a person's comment on a ticket of a built-in tracker.
func (a *App) CommentTicket(ctx context.Context, c Caller, connection, id, text string) (tracker.Comment, error) {
	return change(ctx, a, c, policy.ConnectionManage, "", Cause{}, func(ch *changing) (tracker.Comment, error) {
		if err := a.isBuiltin(ch.tx, connection); err != nil {
			return tracker.Comment{}, err
		}
		comment, err := builtin.Board{Tx: ch.tx, Connection: connection}.Comment(id, c.Name, text, ch.at)
		if err != nil {
			return comment, err
		}
		if err := queue.Due(ch.ctx, ch.tx, WorkPoll, connection, time.Time{}); err != nil {
			return comment, err
		}
		return comment, ch.record("ticket.comment", "ticket/"+id, nil, map[string]string{"text": text})
	})
}
