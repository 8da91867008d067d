package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// Fence makes the transaction fail unless the lease of the subject is still held
// by the token. It is the first statement of a transaction: from then on nobody
// can take the lease over before the transaction ends. A lost lease is ErrFenced.
func (tx *Tx) Fence(subject, token string) error {
	// A SELECT would not fence under READ COMMITTED.
	n, err := tx.exec("UPDATE lease SET beat = beat + 1 WHERE subject = $1 AND token = $2", subject, token)
	if err != nil {
		return fmt.Errorf("store: lease %s: %w", subject, err)
	}
	if n == 0 {
		return fmt.Errorf("lease %s: %w", subject, ErrFenced)
	}
	return nil
}

// LeaseOptions configure a Lease.
type LeaseOptions struct {
	Holder string        // names this process to people
	After  time.Duration // a lease whose beat did not move for so long is taken over; 0 is 15 s
	Token  func() string // a new random token
	// Now is the taker's own monotonic clock; nil is time.Now.
	Now func() time.Time
}

// Lease is one process's claim on a subject that only one may work at a time.
// It is safe for concurrent use.
type Lease struct {
	db      *DB
	subject string
	o       LeaseOptions

	mu    sync.Mutex
	token string // "" is not held
	seen  struct {
		token string
		beat  int64
		since time.Time // on our own clock: nobody's wall clocks are compared
	}
}

// NewLease returns a lease that is not held yet.
func (db *DB) NewLease(subject string, o LeaseOptions) *Lease {
	if o.After == 0 {
		o.After = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Lease{db: db, subject: subject, o: o}
}

// Try beats if the lease is held, and otherwise tries to get it: at once where it
// is free, or when its holder's beat did not move between calls for the time of
// the options. Call it every few seconds; it reports the token under which the
// lease is held now, "" if it is another's.
func (l *Lease) Try(ctx context.Context) (token string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.db.Write(ctx, func(_ context.Context, tx *Tx) error {
		token = ""
		if l.token != "" {
			n, err := tx.exec("UPDATE lease SET beat = beat + 1 WHERE subject = $1 AND token = $2", l.subject, l.token)
			if err != nil || n == 1 {
				token = l.token
				return err
			}
		}
		return l.take(tx, &token)
	})
	if err != nil {
		// Whether the commit arrived is unknown. The lease counts as not held; a new
		// token that did arrive is taken over like another's.
		return "", fmt.Errorf("store: lease %s: %w", l.subject, err)
	}
	l.token = token
	return token, nil
}

func (l *Lease) take(tx *Tx, token *string) error {
	fresh := l.o.Token()
	n, err := tx.exec("INSERT INTO lease (subject, token, beat, holder) VALUES ($1, $2, 1, $3) ON CONFLICT (subject) DO NOTHING", l.subject, fresh, l.o.Holder)
	if err != nil {
		return err
	}
	if n == 1 {
		*token = fresh
		return nil
	}
	var held string
	var beat int64
	if _, err := tx.one("SELECT token, beat FROM lease WHERE subject = $1", []any{l.subject}, &held, &beat); err != nil {
		return err
	}
	now := l.o.Now()
	if held != l.seen.token || beat != l.seen.beat {
		l.seen.token, l.seen.beat, l.seen.since = held, beat, now
		return nil
	}
	if now.Sub(l.seen.since) < l.o.After {
		return nil
	}
	n, err = tx.exec("UPDATE lease SET token = $4, beat = beat + 1, holder = $5 WHERE subject = $1 AND token = $2 AND beat = $3", l.subject, held, beat, fresh, l.o.Holder)
	if err == nil && n == 1 {
		*token = fresh
	}
	return err
}

// Token returns the token under which the lease was held at the last Try; "" is not held.
func (l *Lease) Token() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token
}

// Release gives the lease up, so that another can have it at once.
func (l *Lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token == "" {
		return nil
	}
	err := l.db.Write(ctx, func(_ context.Context, tx *Tx) error {
		_, err := tx.exec("DELETE FROM lease WHERE subject = $1 AND token = $2", l.subject, l.token)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: lease %s: %w", l.subject, err)
	}
	l.token = ""
	return nil
}

// LeaseHolder returns who holds the lease of a subject; fault.NotFound if nobody does.
func (tx *Tx) LeaseHolder(subject string) (holder string, err error) {
	ok, err := tx.one("SELECT holder FROM lease WHERE subject = $1", []any{subject}, &holder)
	if err != nil {
		return "", fmt.Errorf("store: lease %s: %w", subject, err)
	}
	if !ok {
		return "", fault.New(fault.NotFound, "lease.not_found", "nobody works on %s", subject)
	}
	return holder, nil
}
