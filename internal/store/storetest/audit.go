package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
)

func entry(action, object string) store.Audit {
	return store.Audit{At: at, Actor: "usr_1", ActorKind: "user", Source: "web", RequestID: "req_1", Action: action, Object: object, New: json.RawMessage(`{"a":1}`)}
}

func auditChain(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	stream := store.ProductStream("prd_1")
	for i := range 10 {
		write(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.Audit(stream, entry(fmt.Sprint("a", i), "x"), entry(fmt.Sprint("b", i), "y")), tx.Audit(store.InstanceStream, entry("c", "z")))
		})
	}
	for _, s := range []string{stream, store.InstanceStream, "none"} {
		if err := db.VerifyAudit(context.Background(), s); err != nil {
			t.Errorf("VerifyAudit(%s) = %v", s, err)
		}
	}
	read(t, db, func(tx *store.Tx) error {
		heads, err := tx.AuditHeads(stream, store.InstanceStream, "none")
		if diff := cmp.Diff(map[string]int64{stream: 20, store.InstanceStream: 10}, heads); diff != "" {
			t.Errorf("AuditHeads (-want +got):\n%s", diff)
		}
		newest, err2 := tx.AuditPage(store.AuditQuery{Stream: stream, Object: "x", Newest: true, After: 19, Limit: 2})
		want := []store.Audit{entry("a8", "x"), entry("a7", "x")}
		for i := range want {
			want[i].Stream, want[i].Seq = stream, int64(17-2*i)
		}
		if diff := cmp.Diff(want, newest, cmpopts.IgnoreFields(store.Audit{}, "Hash")); diff != "" {
			t.Errorf("AuditPage(newest) (-want +got):\n%s", diff)
		}
		oldest, err3 := tx.AuditPage(store.AuditQuery{Stream: stream, After: 18})
		if len(oldest) != 2 || oldest[0].Seq != 19 || len(oldest[0].Hash) != 64 {
			t.Errorf("AuditPage(after 18) = %+v, want rows 19 and 20 with hashes", oldest)
		}
		if err := tx.Audit(stream, entry("a", "x")); err == nil {
			t.Error("Audit in Read = nil, want an error")
		}
		return errors.Join(err, err2, err3)
	})
	err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
		e := entry("a", "x")
		e.Old = json.RawMessage("{")
		return tx.Audit(stream, e)
	})
	if err == nil {
		t.Error("Audit(broken JSON) = nil, want an error")
	}
}

// auditSelected narrows a stream, alone and by several things at once.
func auditSelected(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	stream := store.ProductStream("prd_1")
	write(t, db, func(tx *store.Tx) error {
		var rows []store.Audit
		for i := range 60 {
			e := entry([]string{"model.add", "model.change", "comment.add"}[i%3], fmt.Sprint([]string{"threat", "threatening", "flow"}[i%3], "/", i))
			e.Actor, e.Source, e.At = fmt.Sprint("usr_", i%4), []string{"web", "api"}[i%2], at.Add(time.Duration(i)*time.Minute)
			rows = append(rows, e)
		}
		return errors.Join(tx.Audit(stream, rows...), tx.Audit(store.InstanceStream, entry("user.add", "user/9")))
	})
	for _, c := range []struct {
		name string
		q    store.AuditQuery
		want []int64
	}{
		{"actor", store.AuditQuery{Actors: []string{"usr_3"}, Floor: 50}, []int64{60, 56, 52}},
		{"actors", store.AuditQuery{Actors: []string{"usr_3", "usr_0"}, Floor: 55}, []int64{60, 57, 56}},
		{"action and source", store.AuditQuery{Actions: []string{"comment.add"}, Sources: []string{"web"}, Floor: 40}, []int64{57, 51, 45}},
		{"kind alone", store.AuditQuery{Kind: "threat", After: 8}, []int64{7, 4, 1}},
		{"time", store.AuditQuery{From: at.Add(10 * time.Minute), Before: at.Add(13 * time.Minute)}, []int64{13, 12, 11}},
		{"nobody", store.AuditQuery{Actors: []string{"usr_9"}}, nil},
	} {
		c.q.Stream, c.q.Newest = stream, true
		read(t, db, func(tx *store.Tx) error {
			rows, err := tx.AuditPage(c.q)
			var got []int64
			for i := range rows {
				got = append(got, rows[i].Seq)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("AuditPage(%s) (-want +got):\n%s", c.name, diff)
			}
			return err
		})
	}
	read(t, db, func(tx *store.Tx) error {
		actors, actions, err := tx.AuditValues(stream)
		if diff := cmp.Diff([][]string{{"usr_0", "usr_1", "usr_2", "usr_3"}, {"comment.add", "model.add", "model.change"}}, [][]string{actors, actions}); diff != "" {
			t.Errorf("AuditValues (-want +got):\n%s", diff)
		}
		none, _, err2 := tx.AuditValues("none")
		if len(none) != 0 {
			t.Errorf("AuditValues(none) = %q, want none", none)
		}
		return errors.Join(err, err2)
	})
}

// auditTamper changes the rows behind the store's back.
func auditTamper(t *testing.T, open func(*testing.T) *store.DB) {
	for _, c := range []struct{ statement, want string }{
		{"UPDATE audit SET actor = 'usr_2' WHERE seq = 3", "row 3: its content was changed"},
		{"UPDATE audit SET new_doc = '{\"a\":2}' WHERE seq = 5", "row 5: its content was changed"},
		{"UPDATE audit SET at = at + 1 WHERE seq = 1", "row 1: its content was changed"},
		{"DELETE FROM audit WHERE seq = 2", "row 2: it is missing"},
		{"DELETE FROM audit WHERE seq = 5", "row 5: it is missing"},
		{"DELETE FROM audit", "row 1: it is missing"},
		{"UPDATE audit SET hash = prev_hash WHERE seq = 4", "row 4: its content was changed"},
		{"UPDATE audit SET prev_hash = '' WHERE seq = 4", "row 4: it does not follow"},
		{"UPDATE audit_head SET seq = 4", "row 5: the head"},
		{"UPDATE audit_head SET hash = ''", "row 5: the head"},
	} {
		db := open(t)
		for i := range 5 {
			write(t, db, func(tx *store.Tx) error { return tx.Audit("s", entry(fmt.Sprint("a", i), "x")) })
		}
		execute(t, db, c.statement)
		err := db.VerifyAudit(context.Background(), "s")
		if f := fault.As(err); f == nil || f.Code != "audit.broken" || !strings.Contains(f.Public, c.want) {
			t.Errorf("VerifyAudit after %s = %v, want %q", c.statement, err, c.want)
		}
		if f := fault.As(db.Check(context.Background())); f == nil || len(f.Fields) != 1 || !strings.Contains(f.Fields[0].Text, c.want) {
			t.Errorf("Check after %s = %v, want %q", c.statement, f, c.want)
		}
	}
}

// execute runs a statement past the store.
func execute(t testing.TB, db *store.DB, statement string) {
	t.Helper()
	write(t, db, func(tx *store.Tx) (err error) {
		if tx.Postgres() != nil {
			_, err = tx.Postgres().Exec(context.Background(), statement)
		} else {
			_, err = tx.SQLite().ExecContext(context.Background(), statement)
		}
		return err
	})
}

func auditConcurrent(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	streams := []string{"a", "b", "c"}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for j := range 10 {
				write(t, db, func(tx *store.Tx) error { // in changing order, which must not deadlock
					return errors.Join(tx.Audit(streams[(i+j)%3], entry("x", "x")), tx.Audit(streams[(i+j+1+i%2)%3], entry("y", "y")))
				})
			}
		})
	}
	all.Wait()
	sum := int64(0)
	read(t, db, func(tx *store.Tx) error {
		heads, err := tx.AuditHeads(streams...)
		for _, n := range heads {
			sum += n
		}
		return err
	})
	if sum != 120 {
		t.Errorf("rows in all = %d, want 120", sum)
	}
	for _, s := range streams {
		if err := db.VerifyAudit(context.Background(), s); err != nil {
			t.Errorf("VerifyAudit(%s) = %v", s, err)
		}
	}
}
