package ticketing

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// refPrefix begins the last line of our comments, by which a comment whose
// answer was lost is found.
const refPrefix = "Threatloop note "

// note writes a comment once, however often it is asked to.
func (r *run) note(ctx context.Context, b *bond, n Note) error {
	if err := r.comment(ctx, b.seen.ID, n, &b.wait); err != nil {
		return err
	}
	if b.wait.IsZero() && !slices.Contains(b.Link.Snapshot.Noted, r.now()) {
		b.Link.Snapshot.Noted = append(b.Link.Snapshot.Noted, r.now())
	}
	return nil
}

// comment writes a comment once. wait is set when an earlier attempt may still turn up.
func (r *run) comment(ctx context.Context, ticket string, n Note, wait *time.Time) error {
	var done bool
	var sent time.Time
	err := r.write(ctx, func(tx *store.Tx) (err error) {
		done, sent, err = tx.StartNote(r.id, ticket, n.Key, r.now())
		return err
	})
	if err != nil || done {
		return err
	}
	ref := refPrefix + hex.EncodeToString(hash(r.id, ticket, n.Key)[:6])
	if !sent.IsZero() {
		r.point("comments")
		comments, err := r.tr.Comments(ctx, ticket)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(comments, func(c tracker.Comment) bool { return strings.Contains(c.Text, ref) }) {
			return r.noted(ctx, ticket, n.Key, true)
		}
		if until := sent.Add(r.settleTime()); r.now().Before(until) {
			*wait = until
			return nil
		}
	}
	r.point("comment")
	_, err = r.tr.Comment(ctx, ticket, append(slices.Clone(n.Body), richtext.P(richtext.Text(ref))))
	r.point("commented")
	if err == nil {
		r.ok()
		return r.noted(ctx, ticket, n.Key, true)
	}
	if tracker.AsError(err).Outcome != tracker.Ambiguous {
		if e := r.noted(ctx, ticket, n.Key, false); e != nil {
			return e
		}
	}
	return err
}

func (r *run) noted(ctx context.Context, ticket, key string, done bool) error {
	return r.write(ctx, func(tx *store.Tx) error { return tx.EndNote(r.id, ticket, key, done) })
}
