package store

import (
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Session is a signed-in browser.
type Session struct {
	Hash      string // of the secret token
	User      string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	UserAgent string
	IP        string
}

const sessionColumns = "hash, user_id, created_at, seen_at, expires_at, user_agent, ip"

func scanSession(row func(...any) error) (s Session, err error) {
	return s, row(&s.Hash, &s.User, (*stamp)(&s.CreatedAt), (*stamp)(&s.SeenAt), (*stamp)(&s.ExpiresAt), &s.UserAgent, &s.IP)
}

// AddSession stores a new session; fault.NotFound if its user does not exist.
func (tx *Tx) AddSession(s Session) error {
	_, err := tx.exec("INSERT INTO session ("+sessionColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7)",
		s.Hash, s.User, stamp(s.CreatedAt), stamp(s.SeenAt), stamp(s.ExpiresAt), s.UserAgent, s.IP)
	if err != nil {
		return fmt.Errorf("store: add session: %w", err)
	}
	return nil
}

// Session returns the session of a token's hash, expired or not; fault.NotFound if there is none.
func (tx *Tx) Session(hash string) (Session, error) {
	list, err := collect(tx, scanSession, "SELECT "+sessionColumns+" FROM session WHERE hash = $1", hash)
	if err != nil {
		return Session{}, fmt.Errorf("store: session: %w", err)
	}
	if len(list) == 0 {
		return Session{}, fault.New(fault.NotFound, "session.not_found", "there is no such session")
	}
	return list[0], nil
}

// Sessions returns a person's sessions, oldest first.
func (tx *Tx) Sessions(user string) ([]Session, error) {
	list, err := collect(tx, scanSession, "SELECT "+sessionColumns+" FROM session WHERE user_id = $1 ORDER BY created_at, hash", user)
	if err != nil {
		return nil, fmt.Errorf("store: sessions: %w", err)
	}
	return list, nil
}

// TouchSession notes that a session was used and when it ends now; an absent one is no error.
func (tx *Tx) TouchSession(hash string, seen, expires time.Time) error {
	if _, err := tx.exec("UPDATE session SET seen_at = $2, expires_at = $3 WHERE hash = $1", hash, stamp(seen), stamp(expires)); err != nil {
		return fmt.Errorf("store: session: %w", err)
	}
	return nil
}

// RemoveSession ends a session; an absent one is no error.
func (tx *Tx) RemoveSession(hash string) error {
	if _, err := tx.exec("DELETE FROM session WHERE hash = $1", hash); err != nil {
		return fmt.Errorf("store: session: %w", err)
	}
	return nil
}

// RemoveSessions ends all sessions of a person but the one with the hash except
// ("" spares none) and returns how many those were.
func (tx *Tx) RemoveSessions(user, except string) (int64, error) {
	n, err := tx.exec("DELETE FROM session WHERE user_id = $1 AND hash <> $2", user, except)
	if err != nil {
		return 0, fmt.Errorf("store: sessions: %w", err)
	}
	return n, nil
}

// RemoveExpired removes what is no longer of use at the time: expired sessions,
// answers kept for idempotency that are older than keep, and login throttles
// whose block ended that long ago. It returns how many rows those were.
func (tx *Tx) RemoveExpired(now time.Time, keep time.Duration) (int64, error) {
	var sum int64
	for _, s := range []struct {
		query string
		at    time.Time
	}{
		{"DELETE FROM session WHERE expires_at <= $1", now},
		{"DELETE FROM idempotency WHERE at <= $1", now.Add(-keep)},
		{"DELETE FROM login_throttle WHERE blocked_until <= $1 AND first_at <= $1", now.Add(-keep)},
	} {
		n, err := tx.exec(s.query, stamp(s.at))
		if err != nil {
			return 0, fmt.Errorf("store: remove expired: %w", err)
		}
		sum += n
	}
	return sum, nil
}

// Token is an API token.
type Token struct {
	ID        string
	Hash      string // of the secret
	Name      string
	User      string
	Scopes    string          // as the identity package writes them
	Product   model.ProductID // "" is every product of the user
	CreatedAt time.Time
	ExpiresAt time.Time // zero is never
	UsedAt    time.Time
	RevokedAt time.Time // zero is not revoked
}

const tokenColumns = "id, hash, name, user_id, scopes, product_id, created_at, expires_at, used_at, revoked_at"

func scanToken(row func(...any) error) (t Token, err error) {
	return t, row(&t.ID, &t.Hash, &t.Name, &t.User, &t.Scopes, (*string)(&t.Product), (*stamp)(&t.CreatedAt), (*stamp)(&t.ExpiresAt), (*stamp)(&t.UsedAt), (*stamp)(&t.RevokedAt))
}

// AddToken stores a new API token; fault.NotFound if its user does not exist.
func (tx *Tx) AddToken(t Token) error {
	_, err := tx.exec("INSERT INTO api_token ("+tokenColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		t.ID, t.Hash, t.Name, t.User, t.Scopes, string(t.Product), stamp(t.CreatedAt), stamp(t.ExpiresAt), stamp(t.UsedAt), stamp(t.RevokedAt))
	if err != nil {
		return fmt.Errorf("store: add token %s: %w", t.ID, err)
	}
	return nil
}

// TokenByHash returns the token with the hash, expired, revoked or not; fault.NotFound if there is none.
func (tx *Tx) TokenByHash(hash string) (Token, error) { return tx.token("hash", hash) }

// Token returns a token by its id; fault.NotFound if there is none.
func (tx *Tx) Token(id string) (Token, error) { return tx.token("id", id) }

func (tx *Tx) token(column, value string) (Token, error) {
	list, err := collect(tx, scanToken, "SELECT "+tokenColumns+" FROM api_token WHERE "+column+" = $1", value)
	if err != nil {
		return Token{}, fmt.Errorf("store: token: %w", err)
	}
	if len(list) == 0 {
		return Token{}, fault.New(fault.NotFound, "token.not_found", "there is no such token")
	}
	return list[0], nil
}

// Tokens returns a person's tokens by id.
func (tx *Tx) Tokens(user string) ([]Token, error) {
	list, err := collect(tx, scanToken, "SELECT "+tokenColumns+" FROM api_token WHERE user_id = $1 ORDER BY id", user)
	if err != nil {
		return nil, fmt.Errorf("store: tokens: %w", err)
	}
	return list, nil
}

// TouchToken notes when a token was used.
func (tx *Tx) TouchToken(id string, at time.Time) error {
	if _, err := tx.exec("UPDATE api_token SET used_at = $2 WHERE id = $1", id, stamp(at)); err != nil {
		return fmt.Errorf("store: token %s: %w", id, err)
	}
	return nil
}

// RevokeToken ends a token for good; fault.NotFound if there is none. Revoking
// again keeps the first time.
func (tx *Tx) RevokeToken(id string, at time.Time) error {
	n, err := tx.exec("UPDATE api_token SET revoked_at = CASE WHEN revoked_at = 0 THEN $2 ELSE revoked_at END WHERE id = $1", id, stamp(at))
	if err != nil {
		return fmt.Errorf("store: token %s: %w", id, err)
	}
	if n == 0 {
		return fault.New(fault.NotFound, "token.not_found", "there is no such token")
	}
	return nil
}

// Throttle counts failed logins of one key (an account or an address).
type Throttle struct {
	Key          string
	Failures     int64
	FirstAt      time.Time
	BlockedUntil time.Time
}

// Throttle returns the counter of a key; a zero one where there is none.
func (tx *Tx) Throttle(key string) (Throttle, error) {
	t := Throttle{Key: key}
	if _, err := tx.one("SELECT failures, first_at, blocked_until FROM login_throttle WHERE key = $1", []any{key}, &t.Failures, (*stamp)(&t.FirstAt), (*stamp)(&t.BlockedUntil)); err != nil {
		return Throttle{}, fmt.Errorf("store: login throttle: %w", err)
	}
	return t, nil
}

// AddFailure counts one failed login of a key and returns the counter after it.
// Failures before since are forgotten.
func (tx *Tx) AddFailure(key string, at, since time.Time) (Throttle, error) {
	t := Throttle{Key: key}
	_, err := tx.one(`INSERT INTO login_throttle (key, failures, first_at, blocked_until) VALUES ($1, 1, $2, 0)
		ON CONFLICT (key) DO UPDATE SET failures = CASE WHEN login_throttle.first_at < $3 THEN 1 ELSE login_throttle.failures + 1 END,
			first_at = CASE WHEN login_throttle.first_at < $3 THEN $2 ELSE login_throttle.first_at END
		RETURNING failures, first_at, blocked_until`, []any{key, stamp(at), stamp(since)}, &t.Failures, (*stamp)(&t.FirstAt), (*stamp)(&t.BlockedUntil))
	if err != nil {
		return Throttle{}, fmt.Errorf("store: login throttle: %w", err)
	}
	return t, nil
}

// Block refuses logins of a key until the time.
func (tx *Tx) Block(key string, until time.Time) error {
	if _, err := tx.exec("UPDATE login_throttle SET blocked_until = $2 WHERE key = $1", key, stamp(until)); err != nil {
		return fmt.Errorf("store: login throttle: %w", err)
	}
	return nil
}

// ClearFailures forgets the failed logins of a key.
func (tx *Tx) ClearFailures(key string) error {
	if _, err := tx.exec("DELETE FROM login_throttle WHERE key = $1", key); err != nil {
		return fmt.Errorf("store: login throttle: %w", err)
	}
	return nil
}
