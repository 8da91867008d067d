package app

import (
	"context"
	"encoding/json"
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

// Audit lists the audit trail of a product, or of the installation where product is "", newest first.
// That of a deleted product stays for administrators of the installation.
func (a *App) Audit(ctx context.Context, c Caller, product model.ProductID, object, cursor string, limit int) (Page[AuditView], error) {
	return query(ctx, a, c, policy.AuditRead, product, func(tx *store.Tx) (Page[AuditView], error) {
		page := Page[AuditView]{Items: []AuditView{}}
		q := store.AuditQuery{Stream: streamOf(product), Object: object, Newest: true, Limit: clampLimit(limit)}
		if cursor != "" {
			if err := decodeCursor(cursor, &q.After); err != nil {
				return page, err
			}
		}
		rows, err := tx.AuditPage(q)
		if err != nil {
			return page, err
		}
		names := actorNames{}
		objects, err := a.namesFor(tx, product)
		if err != nil {
			return page, err
		}
		for i := range rows {
			r := &rows[i]
			page.Items = append(page.Items, AuditView{
				Seq: r.Seq, At: r.At, Actor: r.Actor, ActorName: names.of(tx, r.Actor), ActorKind: r.ActorKind, Source: r.Source, RequestID: r.RequestID,
				Action: r.Action, Object: r.Object, Named: objects.of(r), Old: r.Old, New: r.New, Hash: r.Hash,
			})
		}
		if len(rows) == q.Limit {
			page.Next = encodeCursor(rows[len(rows)-1].Seq)
		}
		return page, nil
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
