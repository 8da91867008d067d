package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// AuditView is one row of an audit trail.
type AuditView struct {
	Seq       int64           `json:"seq"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor" doc:"Account id, or what acted by itself"`
	ActorName string          `json:"actor_name"`
	ActorKind string          `json:"actor_kind" enum:"person,token,system"`
	Source    string          `json:"source" doc:"api, web, webhook, tracker, test, system"`
	RequestID string          `json:"request_id,omitempty"`
	Action    string          `json:"action"`
	Object    string          `json:"object" doc:"Kind and id"`
	Named     string          `json:"object_name,omitempty" doc:"What people call the object, as it is now, else as it was then"`
	Old       json.RawMessage `json:"old,omitempty"`
	New       json.RawMessage `json:"new,omitempty"`
	Hash      string          `json:"hash" doc:"SHA-256 over the row before and this one"`
}

func streamOf(product model.ProductID) string {
	if product == "" {
		return store.InstanceStream
	}
	return store.ProductStream(product)
}

// AuditFilter selects a part of an audit trail; empty fields select all.
type AuditFilter struct {
	Object  string   // exactly this object, "threat/thr_..."
	Kind    string   // objects of this kind, "threat"
	Actors  []string // account ids, or what acted by itself
	Actions []string // "threat.accept"
	Sources []string // "web", "api", ...
	// From and Before bound the time; zero is no bound.
	From, Before time.Time
	// Text is words that are all in what a row says: its action, its object's id and
	// name, and who did it.
	Text   string
	Cursor string
	Limit  int // 1..1000; 0 is 100
}

func (f *AuditFilter) narrows() bool {
	return f.Object != "" || f.Kind != "" || f.Text != "" || len(f.Actors)+len(f.Actions)+len(f.Sources) > 0 || !f.From.IsZero() || !f.Before.IsZero()
}

// How many rows of a trail one page looks at, at most: where few of many are looked
// for, a page says how far it came, with what it found. Text is compared here, which
// costs more than what the database compares.
const (
	auditWindow     = 100_000
	auditTextWindow = 10_000
)

// clocksApart is by how much the times of neighbouring rows may contradict their
// order, since several servers write them.
const clocksApart = 24 * time.Hour

// Audit lists the audit trail of a product, or of the installation where product is
// "", newest first. That of a deleted product stays for administrators of the
// installation. A page may hold fewer rows than asked for, or none, and still not be the last.
func (a *App) Audit(ctx context.Context, c Caller, product model.ProductID, f AuditFilter) (Page[AuditView], error) {
	return query(ctx, a, c, policy.AuditRead, product, func(tx *store.Tx) (Page[AuditView], error) {
		page := Page[AuditView]{Items: []AuditView{}}
		q := store.AuditQuery{
			Stream: streamOf(product), Object: f.Object, Kind: f.Kind, Actors: f.Actors, Actions: f.Actions, Sources: f.Sources,
			From: f.From, Before: f.Before, Newest: true, Limit: clampLimit(f.Limit),
		}
		if f.Cursor != "" {
			if err := decodeCursor(f.Cursor, &q.After); err != nil {
				return page, err
			}
		} else {
			heads, err := tx.AuditHeads(q.Stream)
			if err != nil {
				return page, err
			}
			q.After = heads[q.Stream] + 1
			if !f.narrows() {
				total := int(heads[q.Stream])
				page.Total = &total
			}
		}
		names, err := a.namesFor(tx, product)
		if err != nil {
			return page, err
		}
		rows, reached, err := auditRows(tx, q, strings.Fields(store.Fold(f.Text)), names)
		if err != nil {
			return page, err
		}
		for i := range rows {
			r := &rows[i]
			page.Items = append(page.Items, AuditView{
				Seq: r.Seq, At: r.At, Actor: r.Actor, ActorName: names.actor(r), ActorKind: r.ActorKind, Source: r.Source, RequestID: r.RequestID,
				Action: r.Action, Object: r.Object, Named: names.of(r), Old: r.Old, New: r.New, Hash: r.Hash,
			})
		}
		if reached > 1 {
			page.Next = encodeCursor(reached)
		}
		return page, nil
	})
}

// auditRows returns the rows of a page that have all the words, and the sequence
// number above the rows that were not looked at; at most 1 where there are none.
func auditRows(tx *store.Tx, q store.AuditQuery, words []string, names *auditNames) (rows []store.Audit, reached int64, err error) {
	want, window := q.Limit, int64(auditWindow)
	if len(words) > 0 {
		window, q.Limit = auditTextWindow, 1000
	}
	q.Floor = max(1, q.After-window)
	for {
		batch, err := tx.AuditPage(q)
		if err == nil {
			err = names.prepare(batch)
		}
		if err != nil {
			return nil, 0, err
		}
		for i := range batch {
			q.After = batch[i].Seq
			if !names.has(&batch[i], words) {
				continue
			}
			if rows = append(rows, batch[i]); len(rows) == want {
				return rows, q.After, nil
			}
		}
		if len(batch) < q.Limit {
			break
		}
	}
	if q.From.IsZero() || q.Floor == 1 {
		return rows, q.Floor, nil
	}
	// Nothing older is that new any more.
	last, err := tx.AuditPage(store.AuditQuery{Stream: q.Stream, After: q.Floor - 1, Limit: 1, Bare: true})
	if err == nil && len(last) == 1 && last[0].At.Before(q.From.Add(-clocksApart)) {
		return rows, 0, nil
	}
	return rows, q.Floor, err
}

// AuditValues are what an audit trail can be narrowed to.
type AuditValues struct {
	Actors  []AuditActor `json:"actors"`
	Actions []string     `json:"actions"`
}

// AuditActor is who acted.
type AuditActor struct {
	ID   string `json:"id" doc:"Account id, or what acted by itself"`
	Name string `json:"name"`
}

// AuditValues tells who acted in an audit trail, and how.
func (a *App) AuditValues(ctx context.Context, c Caller, product model.ProductID) (AuditValues, error) {
	return query(ctx, a, c, policy.AuditRead, product, func(tx *store.Tx) (AuditValues, error) {
		v := AuditValues{Actors: []AuditActor{}, Actions: []string{}}
		actors, actions, err := tx.AuditValues(streamOf(product))
		if err != nil {
			return v, err
		}
		names, err := accountNames(tx, slices.Clone(actors))
		for _, id := range actors {
			v.Actors = append(v.Actors, AuditActor{ID: id, Name: cmp.Or(names[id], byItself[id], id)})
		}
		v.Actions = append(v.Actions, actions...)
		return v, err
	})
}

// AuditCheck says whether an audit trail is whole.
type AuditCheck struct {
	Whole bool   `json:"whole"`
	Rows  int64  `json:"rows"`
	Text  string `json:"text,omitempty" doc:"The first row that does not fit"`
}

// VerifyAudit checks the hash chain of an audit trail.
func (a *App) VerifyAudit(ctx context.Context, c Caller, product model.ProductID) (AuditCheck, error) {
	stream := streamOf(product)
	out, err := query(ctx, a, c, policy.AuditRead, product, func(tx *store.Tx) (AuditCheck, error) {
		heads, err := tx.AuditHeads(stream)
		return AuditCheck{Whole: true, Rows: heads[stream]}, err
	})
	if err != nil {
		return out, err
	}
	return verified(out, a.DB.VerifyAudit(ctx, stream))
}

// verified says what a check of a trail found; a check that could not be made is an error.
func verified(out AuditCheck, err error) (AuditCheck, error) {
	if f := fault.As(err); f != nil && f.Code == "audit.broken" {
		out.Whole, out.Text = false, f.Public
		return out, nil
	}
	return out, err
}

// Heads returns how far the audit trails of the products that the caller may
// read have come, by stream; only of product where it is given. A subscriber compares them.
func (a *App) Heads(ctx context.Context, c Caller, product model.ProductID) (map[string]int64, error) {
	return query(ctx, a, c, policy.EventsRead, product, func(tx *store.Tx) (map[string]int64, error) {
		if product != "" {
			return tx.AuditHeads(store.ProductStream(product))
		}
		if c.visible().All && c.Product == "" {
			return tx.AllAuditHeads()
		}
		roles, err := tx.Memberships(c.User)
		if err != nil {
			return nil, err
		}
		var streams []string
		for _, m := range roles {
			if c.Product == "" || c.Product == m.Product {
				streams = append(streams, store.ProductStream(m.Product))
			}
		}
		heads, err := tx.AuditHeads(streams...)
		if err != nil || c.Product != "" {
			return heads, err
		}
		fields, err := tx.Setting(settingFields)
		heads[fieldStream] = fields.Version
		return heads, err
	})
}
