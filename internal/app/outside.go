package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// claimFor is for how long a request with an idempotency key counts as being
// worked: beyond any call to a tracker. After that its process is dead.
const claimFor = 2 * time.Minute

// outside is a change that calls a tracker, which no transaction can hold.
type outside[T any] struct {
	action  policy.Action
	product model.ProductID // "" is the instance
	cause   Cause
	look    func(*store.Tx) error            // refuses before anything is called
	call    func(context.Context) (T, error) // what is done in the tracker
	note    func(ch *changing, done T) error // what the model and the audit trail say of it
}

// reach checks, calls and notes. With an idempotency key the call is claimed
// first: a repetition gets the first answer, and while the first is still being
// worked it is refused, so that neither calls again. Where the process died in
// the call, the next repetition makes it anew: nobody knows whether it happened.
func reach[T any](ctx context.Context, a *App, c Caller, o outside[T]) (T, error) {
	var out T
	answered := false
	err := a.DB.Write(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		if err := a.allow(tx, c, o.action, o.product); err != nil {
			return err
		}
		if err := alive(tx, c, o.action, o.product); err != nil {
			return err
		}
		if c.Key != "" {
			if answered, err = a.claim(tx, c, &out); err != nil || answered {
				return err
			}
		}
		return o.look(tx)
	})
	if err != nil || answered {
		return out, err
	}
	key := c.Key
	c.Key = "" // it is claimed already
	out, err = o.call(ctx)
	if err == nil {
		_, err = change(ctx, a, c, o.action, o.product, o.cause, func(ch *changing) (struct{}, error) {
			if err := o.note(ch, out); err != nil || key == "" {
				return struct{}{}, err
			}
			body, err := json.Marshal(out)
			if err != nil {
				return struct{}{}, fmt.Errorf("app: keep the answer for key %s: %w", key, err)
			}
			return struct{}{}, ch.tx.AnswerIdempotency(store.Answered{Actor: c.actor(), Key: key, Status: 200, Body: body})
		})
		return out, err
	}
	if key == "" {
		return out, err
	}
	// An error is no answer: the request may be sent again.
	release := a.DB.Write(context.WithoutCancel(ctx), func(_ context.Context, tx *store.Tx) error { return tx.ReleaseIdempotency(c.actor(), key) })
	if release != nil && a.Logger != nil {
		a.Logger.WarnContext(ctx, "an idempotency key stays claimed for a while", "error", release)
	}
	return out, err
}

// claim notes that the caller's request is being worked; true if it has its
// answer already, which is read into out.
func (a *App) claim(tx *store.Tx, c Caller, out any) (answered bool, err error) {
	now := a.Now()
	mine := store.Answered{Actor: c.actor(), Key: c.Key, RequestHash: c.Hash, At: now}
	before, claimed, err := tx.ClaimIdempotency(mine)
	switch {
	case err != nil || claimed:
		return false, err
	case before.RequestHash != c.Hash:
		return false, errKeyReused
	case before.Status != 0:
		return true, json.Unmarshal(before.Body, out)
	case now.Sub(before.At) < claimFor:
		return false, fault.New(fault.Conflict, "idempotency.running", "the first request with this idempotency key is still being worked; try again in a moment")
	}
	if err := tx.ReleaseIdempotency(c.actor(), c.Key); err != nil {
		return false, err
	}
	_, _, err = tx.ClaimIdempotency(mine)
	return false, err
}
