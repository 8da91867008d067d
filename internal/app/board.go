package app

import (
	"context"
	"time"

	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/builtin"
)

// Card shows one ticket of a built-in tracker with its comments.
func (a *App) Card(ctx context.Context, c Caller, connection, id string) (builtin.Card, error) {
	return query(ctx, a, c, policy.ConnectionRead, "", func(tx *store.Tx) (builtin.Card, error) {
		if err := a.isBuiltin(tx, connection); err != nil {
			return builtin.Card{}, err
		}
		return builtin.Board{Tx: tx, Connection: connection}.Card(id)
	})
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
