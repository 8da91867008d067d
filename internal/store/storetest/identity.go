package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
)

func kindOf(t testing.TB, db *store.DB, fn func(*store.Tx) error) fault.Kind {
	t.Helper()
	return fault.KindOf(db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return fn(tx) }))
}

func expectKind(t testing.TB, db *store.DB, what string, want fault.Kind, fn func(*store.Tx) error) {
	t.Helper()
	if got := kindOf(t, db, fn); got != want {
		t.Errorf("%s = %q, want %q", what, got, want)
	}
}

func accounts(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	addProduct(t, db, "prd_1", "P", 0)
	ann := store.Account{ID: "usr_1", Email: "Ann@Example.org", Name: "Ann", PasswordHash: "argon2id$", Admin: true, CreatedAt: at, Doc: "{}"}
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.AddAccount(ann), tx.AddAccount(store.Account{ID: "usr_2", Email: "bob@example.org", CreatedAt: at, Disabled: true, Admin: true}))
	})
	expectKind(t, db, "AddAccount(same e-mail in capitals)", fault.Conflict, func(tx *store.Tx) error {
		return tx.AddAccount(store.Account{ID: "usr_3", Email: " ANN@example.org "})
	})
	ann.Version = 1
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.AccountByEmail("ann@example.ORG")
		if diff := cmp.Diff(ann, got); diff != "" {
			t.Errorf("AccountByEmail (-want +got):\n%s", diff)
		}
		all, admins, err2 := tx.CountAccounts()
		if all != 2 || admins != 1 {
			t.Errorf("CountAccounts = %d, %d, want 2, 1", all, admins)
		}
		page, err3 := tx.Accounts("", "ann@example.org", 10)
		if len(page) != 1 || page[0].ID != "usr_2" {
			t.Errorf("Accounts(after ann) = %+v, want bob", page)
		}
		return errors.Join(err, err2, err3)
	})
	ann.Name = "Anna"
	write(t, db, func(tx *store.Tx) error { return tx.SetAccount(ann) })
	expectKind(t, db, "SetAccount(old version)", fault.Stale, func(tx *store.Tx) error { return tx.SetAccount(ann) })
	ann.Version, ann.Email = 2, "BOB@example.org"
	expectKind(t, db, "SetAccount(another's e-mail)", fault.Conflict, func(tx *store.Tx) error { return tx.SetAccount(ann) })
	expectKind(t, db, "SetAccount(of nobody)", fault.NotFound, func(tx *store.Tx) error {
		return tx.SetAccount(store.Account{ID: "none", Email: "x@example.org", Version: 1})
	})

	member := store.Membership{User: "usr_1", Product: "prd_1", Role: "viewer"}
	write(t, db, func(tx *store.Tx) error { return tx.SetMembership(member) })
	member.Role = "modeller"
	write(t, db, func(tx *store.Tx) error { return tx.SetMembership(member) })
	read(t, db, func(tx *store.Tx) error {
		role, err := tx.Role("usr_1", "prd_1")
		none, err2 := tx.Role("usr_2", "prd_1")
		if role != "modeller" || none != "" {
			t.Errorf("Role = %q and %q, want modeller and none", role, none)
		}
		of, err3 := tx.Memberships("usr_1")
		in, err4 := tx.Members("prd_1")
		if diff := cmp.Diff([]store.Membership{member}, of); diff != "" || !cmp.Equal(of, in) {
			t.Errorf("Memberships, Members = %v, %v, want the one", of, in)
		}
		return errors.Join(err, err2, err3, err4)
	})
	write(t, db, func(tx *store.Tx) error { return tx.RemoveMembership("usr_1", "prd_1") })
}

func sessions(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	write(t, db, func(tx *store.Tx) error { return tx.AddAccount(store.Account{ID: "usr_1", Email: "a@example.org"}) })
	s := store.Session{Hash: "h1", User: "usr_1", CreatedAt: at, SeenAt: at, ExpiresAt: at.Add(time.Hour), UserAgent: "Firefox", IP: "127.0.0.1"}
	other, old := s, s
	other.Hash, old.Hash, old.ExpiresAt = "h2", "h3", at
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.AddSession(s), tx.AddSession(other), tx.AddSession(old))
	})
	write(t, db, func(tx *store.Tx) error {
		n, err := tx.RemoveExpired(at, time.Hour)
		if n != 1 {
			t.Errorf("RemoveExpired = %d, want 1", n)
		}
		s.SeenAt, s.ExpiresAt = at.Add(time.Minute), at.Add(2*time.Hour)
		return errors.Join(err, tx.TouchSession("h1", s.SeenAt, s.ExpiresAt))
	})
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.Sessions("usr_1")
		if diff := cmp.Diff([]store.Session{s, other}, got); diff != "" {
			t.Errorf("Sessions (-want +got):\n%s", diff)
		}
		return err
	})
	write(t, db, func(tx *store.Tx) error {
		n, err := tx.RemoveSessions("usr_1", "h1")
		if n != 1 {
			t.Errorf("RemoveSessions(all but h1) = %d, want 1", n)
		}
		return errors.Join(err, tx.RemoveSession("h1"))
	})
	expectKind(t, db, "Session(removed)", fault.NotFound, func(tx *store.Tx) error { _, err := tx.Session("h1"); return err })

	token := store.Token{ID: "tok_1", Hash: "secret", Name: "CI", User: "usr_1", Scopes: "upload", Product: "prd_1", CreatedAt: at}
	write(t, db, func(tx *store.Tx) error { return tx.AddToken(token) })
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.TouchToken("tok_1", at), tx.RevokeToken("tok_1", at), tx.RevokeToken("tok_1", at.Add(time.Hour)))
	})
	token.UsedAt, token.RevokedAt = at, at
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.TokenByHash("secret")
		if diff := cmp.Diff(token, got); diff != "" {
			t.Errorf("TokenByHash (-want +got):\n%s", diff)
		}
		list, err2 := tx.Tokens("usr_1")
		if len(list) != 1 {
			t.Errorf("Tokens = %d, want 1", len(list))
		}
		return errors.Join(err, err2)
	})
	expectKind(t, db, "RevokeToken(none)", fault.NotFound, func(tx *store.Tx) error { return tx.RevokeToken("none", at) })

	write(t, db, func(tx *store.Tx) error {
		for want := int64(1); want <= 3; want++ {
			got, err := tx.AddFailure("k", at, at.Add(-time.Hour))
			if err != nil || got.Failures != want {
				t.Errorf("AddFailure = %+v, %v, want %d failures", got, err, want)
			}
		}
		got, err := tx.AddFailure("k", at.Add(2*time.Hour), at.Add(time.Hour))
		if got.Failures != 1 {
			t.Errorf("AddFailure(long after) = %+v, want 1 failure", got)
		}
		return errors.Join(err, tx.Block("k", at.Add(3*time.Hour)))
	})
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.Throttle("k")
		if diff := cmp.Diff(store.Throttle{Key: "k", Failures: 1, FirstAt: at.Add(2 * time.Hour), BlockedUntil: at.Add(3 * time.Hour)}, got); diff != "" {
			t.Errorf("Throttle (-want +got):\n%s", diff)
		}
		return err
	})
	write(t, db, func(tx *store.Tx) error { return tx.ClearFailures("k") })
}

func settings(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	addProduct(t, db, "prd_1", "P", 0)
	write(t, db, func(tx *store.Tx) error { return put(tx, "tracker/1", "{}") })
	expectKind(t, db, "SetSetting(made twice)", fault.Stale, func(tx *store.Tx) error { return put(tx, "tracker/1", "{}") })
	expectKind(t, db, "SetSetting(old version)", fault.Stale, func(tx *store.Tx) error {
		return tx.SetSetting(store.Setting{Key: "tracker/1", Version: 7})
	})
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.SetSetting(store.Setting{Key: "tracker/1", Version: 1, Doc: `{"a":1}`, At: at}), put(tx, "trackers", "{}"))
	})
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.Settings("tracker/")
		if diff := cmp.Diff([]store.Setting{{Key: "tracker/1", Version: 2, Doc: `{"a":1}`, At: at}}, got); diff != "" {
			t.Errorf("Settings (-want +got):\n%s", diff)
		}
		return err
	})
	write(t, db, func(tx *store.Tx) error { return tx.RemoveSetting("tracker/1") })

	sealed := []byte{0, 255, 1, 0}
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.SetSecret("tracker|token|1", []byte("old"), at), tx.SetSecret("tracker|token|1", sealed, at))
	})
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.Secret("tracker|token|1")
		list, err2 := tx.SecretAddresses()
		if !cmp.Equal(sealed, got) || !cmp.Equal([]string{"tracker|token|1"}, list) {
			t.Errorf("Secret, SecretAddresses = %v, %v, want %v", got, list, sealed)
		}
		return errors.Join(err, err2)
	})
	write(t, db, func(tx *store.Tx) error { return tx.RemoveSecret("tracker|token|1") })
	expectKind(t, db, "Secret(removed)", fault.NotFound, func(tx *store.Tx) error { _, err := tx.Secret("tracker|token|1"); return err })

	request := store.Answered{Actor: "usr_1", Key: "k", RequestHash: "h", At: at}
	claim := func() (before store.Answered, claimed bool) {
		write(t, db, func(tx *store.Tx) (err error) {
			before, claimed, err = tx.ClaimIdempotency(request)
			return err
		})
		return before, claimed
	}
	if _, claimed := claim(); !claimed {
		t.Error("ClaimIdempotency(first) = false, want true")
	}
	write(t, db, func(tx *store.Tx) error { return tx.ReleaseIdempotency("usr_1", "k") })
	if _, claimed := claim(); !claimed {
		t.Error("ClaimIdempotency(released) = false, want true")
	}
	if before, claimed := claim(); claimed || before.Status != 0 || before.RequestHash != "h" {
		t.Errorf("ClaimIdempotency(second) = %+v, %v, want the first, unanswered", before, claimed)
	}
	request.Status, request.Headers, request.Body = 201, `{"Location":"/x"}`, []byte("{}")
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.AnswerIdempotency(request), tx.ReleaseIdempotency("usr_1", "k"))
	})
	if before, _ := claim(); !cmp.Equal(request, before) {
		t.Errorf("ClaimIdempotency(answered) = %+v, want %+v", before, request)
	}
}
