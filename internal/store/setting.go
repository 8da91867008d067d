package store

import (
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// SetSecret stores sealed bytes under their address ("table|column|row").
func (tx *Tx) SetSecret(address string, sealed []byte, at time.Time) error {
	_, err := tx.exec("INSERT INTO secret (address, sealed, at) VALUES ($1, $2, $3) ON CONFLICT (address) DO UPDATE SET sealed = $2, at = $3", address, sealed, stamp(at))
	if err != nil {
		return fmt.Errorf("store: secret %s: %w", address, err)
	}
	return nil
}

// Secret returns the sealed bytes at an address; fault.NotFound if there are none.
func (tx *Tx) Secret(address string) (sealed []byte, err error) {
	ok, err := tx.one("SELECT sealed FROM secret WHERE address = $1", []any{address}, &sealed)
	if err != nil {
		return nil, fmt.Errorf("store: secret %s: %w", address, err)
	}
	if !ok {
		return nil, fault.New(fault.NotFound, "secret.not_found", "there is no secret for this")
	}
	return sealed, nil
}

// SecretAddresses returns the addresses of all secrets, sorted: what a change of
// the key seals anew.
func (tx *Tx) SecretAddresses() ([]string, error) {
	list, err := collect(tx, func(row func(...any) error) (a string, err error) { return a, row(&a) }, "SELECT address FROM secret ORDER BY address")
	if err != nil {
		return nil, fmt.Errorf("store: secrets: %w", err)
	}
	return list, nil
}

// RemoveSecret removes a secret; an absent one is no error.
func (tx *Tx) RemoveSecret(address string) error {
	if _, err := tx.exec("DELETE FROM secret WHERE address = $1", address); err != nil {
		return fmt.Errorf("store: secret %s: %w", address, err)
	}
	return nil
}

// Setting is a JSON document under a key.
type Setting struct {
	Key     string
	Version int64 // 0 is not stored
	At      time.Time
	Doc     string
}

// Setting returns the setting of a key; one of version 0 without a document where there is none.
func (tx *Tx) Setting(key string) (Setting, error) {
	s := Setting{Key: key}
	if _, err := tx.one("SELECT version, at, doc FROM setting WHERE key = $1", []any{key}, &s.Version, (*stamp)(&s.At), &s.Doc); err != nil {
		return Setting{}, fmt.Errorf("store: setting %s: %w", key, err)
	}
	return s, nil
}

// SetSetting stores a setting if the stored one is at s.Version (0: there is
// none), and raises the version; otherwise fault.Stale.
func (tx *Tx) SetSetting(s Setting) error {
	query, args := "UPDATE setting SET version = version + 1, at = $2, doc = $3 WHERE key = $1 AND version = $4", []any{s.Key, stamp(s.At), s.Doc, s.Version}
	if s.Version == 0 {
		query, args = "INSERT INTO setting (key, version, at, doc) VALUES ($1, 1, $2, $3) ON CONFLICT (key) DO NOTHING", args[:3]
	}
	n, err := tx.exec(query, args...)
	if err != nil {
		return fmt.Errorf("store: setting %s: %w", s.Key, err)
	}
	if n == 0 {
		return fault.New(fault.Stale, "setting.stale", "the setting %s was changed in the meantime; load it again", s.Key)
	}
	return nil
}

// Settings returns the settings whose key begins with the prefix, by key.
func (tx *Tx) Settings(prefix string) ([]Setting, error) {
	list, err := collect(tx, func(row func(...any) error) (s Setting, err error) {
		return s, row(&s.Key, &s.Version, (*stamp)(&s.At), &s.Doc)
	}, "SELECT key, version, at, doc FROM setting WHERE key >= $1 AND key < $2 ORDER BY key", prefix, prefix+"\U0010ffff")
	if err != nil {
		return nil, fmt.Errorf("store: settings %s: %w", prefix, err)
	}
	return list, nil
}

// RaiseSetting stores a setting whatever is stored, in a higher version. Where
// there is none, the version begins at the time in microseconds, so that one that
// was removed never comes back.
func (tx *Tx) RaiseSetting(key, doc string, at time.Time) error {
	_, err := tx.exec("INSERT INTO setting (key, version, at, doc) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO UPDATE SET version = setting.version + 1, at = $3, doc = $4",
		key, at.UnixMicro(), stamp(at), doc)
	if err != nil {
		return fmt.Errorf("store: setting %s: %w", key, err)
	}
	return nil
}

// RemoveSettingAt removes a setting if it is at the version; otherwise it does nothing.
func (tx *Tx) RemoveSettingAt(key string, version int64) error {
	if _, err := tx.exec("DELETE FROM setting WHERE key = $1 AND version = $2", key, version); err != nil {
		return fmt.Errorf("store: setting %s: %w", key, err)
	}
	return nil
}

// RemoveSetting removes a setting; an absent one is no error.
func (tx *Tx) RemoveSetting(key string) error {
	if _, err := tx.exec("DELETE FROM setting WHERE key = $1", key); err != nil {
		return fmt.Errorf("store: setting %s: %w", key, err)
	}
	return nil
}

// Answered is a request with an idempotency key and the answer it got.
type Answered struct {
	Actor, Key  string
	RequestHash string
	Status      int    // HTTP status; 0 while the first request is still being worked
	Headers     string // JSON
	Body        []byte
	At          time.Time
}

// ClaimIdempotency notes that the request with the key is being worked (status
// 0). If the key is there already, claimed is false and before is what is
// stored, the request's hash included, which the caller compares.
func (tx *Tx) ClaimIdempotency(a Answered) (before Answered, claimed bool, err error) {
	n, err := tx.exec("INSERT INTO idempotency (actor, key, request_hash, status, headers, body, at) VALUES ($1, $2, $3, 0, '{}', $4, $5) ON CONFLICT (actor, key) DO NOTHING",
		a.Actor, a.Key, a.RequestHash, []byte{}, stamp(a.At))
	if err != nil {
		return Answered{}, false, fmt.Errorf("store: idempotency key: %w", err)
	}
	if n == 1 {
		return Answered{}, true, nil
	}
	b := Answered{Actor: a.Actor, Key: a.Key}
	_, err = tx.one("SELECT request_hash, status, headers, body, at FROM idempotency WHERE actor = $1 AND key = $2", []any{a.Actor, a.Key},
		&b.RequestHash, &b.Status, &b.Headers, &b.Body, (*stamp)(&b.At))
	if err != nil {
		return Answered{}, false, fmt.Errorf("store: idempotency key: %w", err)
	}
	return b, false, nil
}

// AnswerIdempotency stores the answer to a claimed request.
func (tx *Tx) AnswerIdempotency(a Answered) error {
	if a.Body == nil {
		a.Body = []byte{}
	}
	if _, err := tx.exec("UPDATE idempotency SET status = $3, headers = $4, body = $5 WHERE actor = $1 AND key = $2", a.Actor, a.Key, a.Status, orEmpty(a.Headers), a.Body); err != nil {
		return fmt.Errorf("store: idempotency key: %w", err)
	}
	return nil
}

// ReleaseIdempotency forgets a claimed request that got no answer worth keeping,
// so that it can be sent again.
func (tx *Tx) ReleaseIdempotency(actor, key string) error {
	if _, err := tx.exec("DELETE FROM idempotency WHERE actor = $1 AND key = $2 AND status = 0", actor, key); err != nil {
		return fmt.Errorf("store: idempotency key: %w", err)
	}
	return nil
}
