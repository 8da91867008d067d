package app

import (
	"context"
	"errors"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// A repeated idempotency key gets the first answer and makes no second call.
func TestReachCallsOnce(t *testing.T) {
	t.Parallel()
	a, c := running(t)
	calls, noted := 0, 0
	var trouble error
	var during func()
	move := func(key, hash string) (string, error) {
		c := c
		c.Key, c.Hash = key, hash
		return reach(t.Context(), a, c, outside[string]{
			action: policy.ConnectionManage,
			look:   func(*store.Tx) error { return nil },
			call: func(context.Context) (string, error) {
				calls++
				if during != nil {
					during()
				}
				return "moved", trouble
			},
			note: func(*changing, string) error { noted++; return nil },
		})
	}
	want := func(what string, got string, err error, called, written int) {
		t.Helper()
		if err != nil || got != "moved" || calls != called || noted != written {
			t.Fatalf("%s = %q, %v after %d calls and %d notes, want moved after %d and %d", what, got, err, calls, noted, called, written)
		}
	}
	got, err := move("k1", "h")
	want("the first request", got, err, 1, 1)
	got, err = move("k1", "h")
	want("its repetition", got, err, 1, 1)
	if _, err := move("k1", "other"); fault.As(err) == nil || fault.As(err).Code != "idempotency.reused" {
		t.Errorf("another request with the key = %v, want idempotency.reused", err)
	}
	trouble = errors.New("the tracker is away")
	if _, err := move("k2", "h"); !errors.Is(err, trouble) {
		t.Errorf("a failed call = %v, want its error", err)
	}
	trouble = nil
	got, err = move("k2", "h")
	want("after a failed call", got, err, 3, 2)
	during = func() {
		during = nil
		if _, err := move("k3", "h"); fault.As(err) == nil || fault.As(err).Code != "idempotency.running" {
			t.Errorf("the same request at the same time = %v, want idempotency.running", err)
		}
	}
	got, err = move("k3", "h")
	want("while the same came again", got, err, 4, 3)
	got, err = move("", "")
	want("without a key", got, err, 5, 4)
}

func TestTicketPolicyTargets(t *testing.T) {
	t.Parallel()
	a, c := running(t)
	p, err := a.CreateProduct(t.Context(), c, ProductInput{Name: "Shop"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := a.AddConnection(t.Context(), c, ConnectionInput{
		Name: "Jira", Kind: "jira", Settings: ConnectionSettings{BaseURL: "https://jira.example", Flavour: "dc"}, Credential: &Credential{PAT: "secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	set := func(p2 ticketing.Policy) error {
		_, err := a.SetTicketPolicy(t.Context(), c, p.ID, 0, p2)
		return err
	}
	target := ticketing.Target{Connection: conn.ID, Project: "SEC"}
	for where, bad := range map[string]ticketing.Policy{
		"body.default.type":          {Default: target},
		"body.routes[0].target.type": {Routes: []ticketing.Route{{Tag: "web", Target: target}}},
		"body.default.connection":    {Default: ticketing.Target{Connection: "con_none"}},
	} {
		f := fault.As(set(bad))
		if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Where != where {
			t.Errorf("SetTicketPolicy = %+v, want a field error at %s", f, where)
		}
	}
	target.Type = "Task"
	if err := set(ticketing.Policy{Default: target, Routes: []ticketing.Route{{Tag: "web", Target: ticketing.Target{Connection: conn.ID}}}}); err != nil {
		t.Errorf("SetTicketPolicy with an issue type = %v, want it taken", err)
	}
}

// A repeated request gets the first answer only while its caller may still ask.
func TestKeyOfWhoMayNoMore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dev := d.person("dev", policy.Developer)
	dev.Key, dev.Hash = "k1", "h"
	in := CommentInput{Object: "product/" + string(d.product), Text: "Once"}
	first, err := d.AddComment(d.ctx, dev, d.product, in)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.AddComment(d.ctx, dev, d.product, in); err != nil || again.ID != first.ID {
		t.Errorf("AddComment(again) = %s, %v, want %s", again.ID, err, first.ID)
	}
	if err := d.SetMember(d.ctx, d.admin, d.product, dev.User, 0, ""); err != nil {
		t.Fatal(err)
	}
	if again, err := d.AddComment(d.ctx, dev, d.product, in); !fault.Is(err, fault.NotFound) {
		t.Errorf("AddComment(again, as a member no more) = %+v, %v, want not found", again, err)
	}
}
