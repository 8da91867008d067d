package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// EvidenceView is one row of evidence.
type EvidenceView struct {
	ID          string            `json:"id"`
	Source      string            `json:"source"`
	Branch      string            `json:"branch,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Tool        string            `json:"tool"`
	Key         string            `json:"key"`
	Component   model.ElementID   `json:"component,omitempty"`
	Result      evidence.Result   `json:"result"`
	Verdict     evidence.Outcome  `json:"verdict,omitempty" doc:"Last conclusive verdict"`
	VerdictAt   *time.Time        `json:"verdict_at,omitempty"`
	Attempt     evidence.Outcome  `json:"attempt" doc:"Last attempt of any kind"`
	AttemptAt   time.Time         `json:"attempt_at"`
	Standing    evidence.Standing `json:"standing" doc:"What the row says now"`
	Reason      string            `json:"reason" doc:"Why it says so"`
	State       evidence.State    `json:"state" enum:"matched,unmatched,ambiguous,refused"`
	StateReason string            `json:"state_reason,omitempty"`
	Matches     []evidence.Match  `json:"matches,omitempty"`
	Proposed    []evidence.Match  `json:"proposed,omitempty"`
}

// EvidenceFilter selects rows of evidence; empty fields select all.
type EvidenceFilter struct {
	Triage  bool   // only failures that wait for a person
	Subject string // id of a weakness or countermeasure
	Cursor  string
	Limit   int
}

// Evidence lists a product's evidence, or what of it waits in triage; on its first
// page with their total. Only what is on the page is read.
func (a *App) Evidence(ctx context.Context, c Caller, product model.ProductID, f EvidenceFilter) (Page[EvidenceView], error) {
	return query(ctx, a, c, policy.ResultsRead, product, func(tx *store.Tx) (Page[EvidenceView], error) {
		m, _, err := tx.ReadModel(product)
		if err != nil {
			return Page[EvidenceView]{}, err
		}
		stands, _, err := a.standing(tx, m, a.Now())
		if err != nil {
			return Page[EvidenceView]{}, err
		}
		selected := stands.evidence.selected(f)
		rows, err := paginate(selected, func(r *judgedRow) string { return r.place }, f.Cursor, f.Limit)
		if err != nil {
			return Page[EvidenceView]{}, err
		}
		page := Page[EvidenceView]{Items: make([]EvidenceView, 0, len(rows.Items)), Next: rows.Next}
		if f.Cursor == "" {
			total := len(selected)
			page.Total = &total
		}
		ids := make([]string, len(rows.Items))
		says := make(map[string]*judgedRow, len(rows.Items))
		for i := range rows.Items {
			ids[i] = rows.Items[i].id
			says[ids[i]] = &rows.Items[i]
		}
		stored, err := tx.EvidenceByID(product, ids...)
		if err != nil {
			return Page[EvidenceView]{}, err
		}
		read := make(map[string]*store.Evidence, len(stored))
		for i := range stored {
			read[stored[i].ID()] = &stored[i]
		}
		for _, id := range ids {
			if read[id] == nil {
				continue // it went since the judgement that is kept
			}
			v, err := evidenceRow(product, read[id], says[id])
			if err != nil {
				return Page[EvidenceView]{}, err
			}
			page.Items = append(page.Items, v)
		}
		return page, nil
	})
}

func evidenceRow(product model.ProductID, e *store.Evidence, says *judgedRow) (EvidenceView, error) {
	var r evidence.Row
	if err := json.Unmarshal([]byte(e.Doc), &r); err != nil {
		return EvidenceView{}, fmt.Errorf("app: evidence of product %s: %w", product, err)
	}
	v := EvidenceView{
		ID: says.id, Source: r.Source, Branch: r.Branch, Environment: r.Environment, Tool: r.Tool, Key: r.Key, Component: r.Component,
		Result: r.Result, Verdict: r.Verdict, Attempt: r.Attempt, AttemptAt: r.AttemptAt, Standing: says.standing, Reason: says.reason,
		State: r.State, StateReason: r.Reason, Matches: r.Matches, Proposed: r.Proposed,
	}
	if !r.VerdictAt.IsZero() {
		v.VerdictAt = &r.VerdictAt
	}
	return v, nil
}

// TriageInput decides about a result that waits, once and for all results of its rule.
type TriageInput struct {
	Evidence string          `json:"evidence" doc:"Id of the row of evidence"`
	Decision string          `json:"decision" enum:"match,refuse,dismiss,retest" doc:"match: it is evidence about the subject. refuse: it is not about the subject. dismiss: it is evidence of nothing here. retest: looked at again and fixed"`
	Subject  string          `json:"subject,omitempty" doc:"Id or ref of a weakness or countermeasure, for match and refuse"`
	Where    model.ElementID `json:"where,omitempty" doc:"Only at this component"`
	Reason   string          `json:"reason" minLength:"3" maxLength:"2000"`
}

// Triage records a decision about a result and matches the evidence anew.
func (a *App) Triage(ctx context.Context, c Caller, product model.ProductID, in TriageInput) error {
	_, err := change(ctx, a, c, policy.ResultsTriage, product, Cause{Kind: "test", Text: "triage: " + in.Reason, Ref: in.Evidence}, func(ch *changing) (struct{}, error) {
		l, err := ledger(ch.tx, product)
		if err != nil {
			return struct{}{}, err
		}
		i := slices.IndexFunc(l.Rows, func(r evidence.Row) bool { return evidenceKey(&r).ID() == in.Evidence })
		if i < 0 {
			return struct{}{}, notFound("evidence", in.Evidence)
		}
		row := l.Rows[i]
		if in.Decision == "retest" {
			return struct{}{}, ch.decide(evidence.Decision{Kind: evidence.Retested, Key: row.Key, Component: row.Component, Reason: in.Reason})
		}
		if in.Decision != "dismiss" {
			known := slices.ContainsFunc(ch.model.Weaknesses, func(w model.Weakness) bool { return string(w.ID) == in.Subject || w.Ref == in.Subject }) ||
				slices.ContainsFunc(ch.model.Countermeasures, func(m model.Countermeasure) bool { return string(m.ID) == in.Subject || m.Ref == in.Subject })
			if !known {
				return struct{}{}, fault.New(fault.Invalid, "triage.subject", "there is no weakness or countermeasure %q in the model", in.Subject).With("body.subject", "expected an id or a ref")
			}
		} else {
			in.Subject = ""
		}
		if err := ch.pin(&row, in); err != nil {
			return struct{}{}, err
		}
		ch.wake = true
		return struct{}{}, ch.rematch()
	})
	return err
}

// DismissInput dismisses several results for one reason, each with all results of its rule.
type DismissInput struct {
	Evidence []string `json:"evidence" minItems:"1" maxItems:"1000" doc:"Ids of rows of evidence"`
	Reason   string   `json:"reason" minLength:"3" maxLength:"2000"`
}

// Dismiss records that results are evidence of nothing in the product, all of them or,
// where one is not there, none, and matches the evidence anew once.
func (a *App) Dismiss(ctx context.Context, c Caller, product model.ProductID, in DismissInput) error {
	if len(in.Evidence) == 0 {
		return fault.New(fault.Invalid, "triage.evidence", "nothing is named to dismiss").With("body.evidence", "expected ids of rows of evidence")
	}
	cause := Cause{Kind: "test", Text: "triage: " + in.Reason, Ref: in.Evidence[0]}
	_, err := change(ctx, a, c, policy.ResultsTriage, product, cause, func(ch *changing) (struct{}, error) {
		l, err := ledger(ch.tx, product)
		if err != nil {
			return struct{}{}, err
		}
		rows := make(map[string]*evidence.Row, len(l.Rows))
		for i := range l.Rows {
			rows[evidenceKey(&l.Rows[i]).ID()] = &l.Rows[i]
		}
		gone := fault.New(fault.NotFound, "evidence.not_found", "some of these results are not there any more; nothing was done: look at them again and repeat")
		for i, id := range in.Evidence {
			if rows[id] == nil {
				gone.With(fmt.Sprintf("body.evidence[%d]", i), "there is no evidence %q", id)
			}
		}
		if len(gone.Fields) > 0 {
			return struct{}{}, gone
		}
		type rule struct{ tool, id string }
		decided := map[rule]bool{}
		for _, id := range in.Evidence {
			row := rows[id]
			if r := (rule{row.Tool, row.Result.ID}); !decided[r] {
				decided[r] = true
				if err := ch.pin(row, TriageInput{Evidence: id, Decision: "dismiss", Reason: in.Reason}); err != nil {
					return struct{}{}, err
				}
			}
		}
		ch.wake = true
		return struct{}{}, ch.rematch()
	})
	return err
}

// pin records what a person decided about a row and all results of its rule.
func (ch *changing) pin(row *evidence.Row, in TriageInput) error {
	decision := "match"
	if in.Decision != "match" {
		decision = "refuse"
	}
	pin := store.Pin{
		ID: ch.app.id("pin"), Product: ch.model.Product.ID, Tool: row.Tool, Rule: row.Result.ID, Target: store.Target{Kind: string(in.Where), ID: in.Subject},
		Decision: decision, Reason: in.Reason, By: ch.caller.Name, At: ch.at,
	}
	if err := ch.tx.PutPin(pin); err != nil {
		return err
	}
	return ch.record("evidence.pin", "evidence/"+in.Evidence, nil, in)
}
