package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// EvidenceKey is what one row of evidence is about. There is one row per product and key.
type EvidenceKey struct {
	Branch      string
	Environment string
	Source      string
	Test        string // test or rule id
	Component   model.ElementID
	Location    string
}

// ID returns the id of the row, which is derived from the key.
func (k EvidenceKey) ID() string {
	return model.DeriveID("evd", k.Branch, k.Environment, k.Source, k.Test, string(k.Component), k.Location)
}

// Target is a weakness or countermeasure.
type Target struct {
	Kind string // KindWeakness or KindCountermeasure
	ID   string
}

// Evidence is one row of evidence. Its last conclusive verdict and its last
// attempt are apart, since an error or a test that was not run replaces no verdict.
type Evidence struct {
	EvidenceKey
	Name        string
	Verdict     string // "pass", "fail" or "" (never conclusive)
	VerdictAt   time.Time
	VerdictRun  string
	Attempt     string // the last verdict of any kind
	AttemptAt   time.Time
	AttemptRun  string
	Fingerprint string
	Matches     []Target // sorted by PutEvidence
	MatchReason string
	Triage      string // "matched", "unmatched", "ambiguous", "dismissed", ... as the evidence package names it
	Retired     bool
	Doc         string // JSON of the evidence package's own; "" is {}
}

var evidenceColumns = []string{
	"product_id", "id", "branch", "environment", "source", "test", "component", "location", "name", "verdict", "verdict_at",
	"verdict_run", "attempt", "attempt_at", "attempt_run", "fingerprint", "match_reason", "triage", "retired", "doc",
}

func scanEvidence(row func(...any) error) (e Evidence, err error) {
	var product, id string
	return e, row(&product, &id, &e.Branch, &e.Environment, &e.Source, &e.Test, (*string)(&e.Component), &e.Location, &e.Name, &e.Verdict, (*stamp)(&e.VerdictAt),
		&e.VerdictRun, &e.Attempt, (*stamp)(&e.AttemptAt), &e.AttemptRun, &e.Fingerprint, &e.MatchReason, &e.Triage, &e.Retired, &e.Doc)
}

// PutEvidence stores rows of a product, each in place of the one with its key.
// Two rows of one key in the same call are fault.Invalid.
func (tx *Tx) PutEvidence(product model.ProductID, list []Evidence) error {
	rows := make([][]any, 0, len(list))
	ids := make([]any, 0, len(list))
	var matches [][]any
	seen := make(map[string]bool, len(list))
	for i := range list {
		e := &list[i]
		id := e.ID()
		if seen[id] {
			return fault.New(fault.Invalid, "evidence.twice", "test %s of %s is there twice at one place", e.Test, e.Source)
		}
		seen[id] = true
		ids = append(ids, id)
		rows = append(rows, []any{
			string(product), id, e.Branch, e.Environment, e.Source, e.Test, string(e.Component), e.Location, e.Name, e.Verdict, stamp(e.VerdictAt),
			e.VerdictRun, e.Attempt, stamp(e.AttemptAt), e.AttemptRun, e.Fingerprint, e.MatchReason, e.Triage, e.Retired, orEmpty(e.Doc),
		})
		for _, t := range e.Matches {
			matches = append(matches, []any{string(product), id, t.Kind, t.ID})
		}
	}
	set := make([]string, 0, len(evidenceColumns))
	for _, c := range evidenceColumns[8:] {
		set = append(set, c+" = excluded."+c)
	}
	err := tx.bulk("evidence", evidenceColumns, "ON CONFLICT (product_id, id) DO UPDATE SET "+strings.Join(set, ", "), rows)
	if err != nil {
		return fmt.Errorf("store: evidence of product %s: %w", product, err)
	}
	for chunk := range slices.Chunk(ids, inChunk) {
		args := append([]any{string(product)}, chunk...)
		if _, err := tx.exec("DELETE FROM evidence_match WHERE product_id = $1 AND evidence_id IN ("+placeholders(2, len(chunk))+")", args...); err != nil {
			return fmt.Errorf("store: evidence of product %s: %w", product, err)
		}
	}
	err = tx.bulk("evidence_match", []string{"product_id", "evidence_id", "kind", "target_id"}, "ON CONFLICT (product_id, evidence_id, kind, target_id) DO NOTHING", matches)
	if err != nil {
		return fmt.Errorf("store: evidence of product %s: %w", product, err)
	}
	return nil
}

// EvidenceQuery selects a page of a product's evidence by id; empty fields select all.
type EvidenceQuery struct {
	Product model.ProductID
	// Branch and Environment select exactly that one, "" included, where not nil.
	Branch, Environment *string
	Source              string
	Triage              string
	Verdict             string
	Target              *Target // attached to this weakness or countermeasure
	Retired             *bool
	After               string // id of the last row of the page before
	Limit               int    // 1..1000; 0 is 50
}

// Evidence returns a page of evidence.
func (tx *Tx) Evidence(q EvidenceQuery) ([]Evidence, error) {
	var c conditions
	c.add("e.product_id = ?", string(q.Product))
	for _, f := range []struct {
		column string
		value  *string
	}{{"branch", q.Branch}, {"environment", q.Environment}, {"source", set(q.Source)}, {"triage", set(q.Triage)}, {"verdict", set(q.Verdict)}} {
		if f.value != nil {
			c.add("e."+f.column+" = ?", *f.value)
		}
	}
	if q.Retired != nil {
		c.add("e.retired = ?", *q.Retired)
	}
	if q.Target != nil {
		c.add("e.id IN (SELECT m.evidence_id FROM evidence_match m WHERE m.product_id = ? AND m.kind = ? AND m.target_id = ?)", string(q.Product), q.Target.Kind, q.Target.ID)
	}
	c.add("e.id > ?", q.After)
	return tx.evidence(q.Product, c.where()+" ORDER BY e.id LIMIT "+c.arg(limit(q.Limit)), c.args)
}

func set(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (tx *Tx) evidence(product model.ProductID, rest string, args []any) ([]Evidence, error) {
	list, err := collect(tx, scanEvidence, "SELECT e."+strings.Join(evidenceColumns, ", e.")+" FROM evidence e"+rest, args...)
	if err == nil {
		err = tx.addMatches(product, list)
	}
	if err != nil {
		return nil, fmt.Errorf("store: evidence of product %s: %w", product, err)
	}
	return list, nil
}

func (tx *Tx) addMatches(product model.ProductID, list []Evidence) error {
	at := make(map[string]int, len(list))
	ids := make([]any, len(list))
	for i := range list {
		id := list[i].ID()
		at[id], ids[i] = i, id
	}
	for chunk := range slices.Chunk(ids, inChunk) {
		err := each(tx, func(row func(...any) error) error {
			var id string
			var t Target
			if err := row(&id, &t.Kind, &t.ID); err != nil {
				return err
			}
			list[at[id]].Matches = append(list[at[id]].Matches, t)
			return nil
		}, "SELECT evidence_id, kind, target_id FROM evidence_match WHERE product_id = $1 AND evidence_id IN ("+placeholders(2, len(chunk))+
			") ORDER BY evidence_id, kind, target_id", append([]any{string(product)}, chunk...)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// EvidenceByID returns the rows of a product that have one of the ids, by id.
func (tx *Tx) EvidenceByID(product model.ProductID, ids ...string) ([]Evidence, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var out []Evidence
	for chunk := range slices.Chunk(slices.Compact(ids), inChunk) {
		args := []any{string(product)}
		for _, id := range chunk {
			args = append(args, id)
		}
		list, err := tx.evidence(product, " WHERE e.product_id = $1 AND e.id IN ("+placeholders(2, len(chunk))+") ORDER BY e.id", args)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// MatchedEvidence returns every row of a branch and environment ("" is any) that
// is attached to something and not retired, by id: what the verdicts of a product follow from.
func (tx *Tx) MatchedEvidence(product model.ProductID, branch, environment string) ([]Evidence, error) {
	var c conditions
	c.add("e.product_id = ?", string(product))
	if branch != "" {
		c.add("e.branch = ?", branch)
	}
	if environment != "" {
		c.add("e.environment = ?", environment)
	}
	c.add("e.retired = ?", false)
	c.add("EXISTS (SELECT 1 FROM evidence_match m WHERE m.product_id = e.product_id AND m.evidence_id = e.id)")
	return tx.evidence(product, c.where()+" ORDER BY e.id", c.args)
}

// CountTriage returns how many rows of a product are in each triage state.
func (tx *Tx) CountTriage(product model.ProductID) (map[string]int64, error) {
	counts := map[string]int64{}
	err := each(tx, func(row func(...any) error) error {
		var triage string
		var n int64
		err := row(&triage, &n)
		counts[triage] = n
		return err
	}, "SELECT triage, count(*) FROM evidence WHERE product_id = $1 AND NOT retired GROUP BY triage", string(product))
	if err != nil {
		return nil, fmt.Errorf("store: triage of product %s: %w", product, err)
	}
	return counts, nil
}

// Pin is a person's decision on a match, once and for all.
type Pin struct {
	ID       string
	Product  model.ProductID // "" is every product
	Tool     string
	Rule     string
	Target   Target // Kind and the library's ref or the object's id; both "" for a decision on the rule as such
	Decision string // "match", "refuse", "dismiss", ... as the evidence package names it
	Reason   string
	By       string
	At       time.Time
}

// PutPin stores a pin in place of the one for the same product, tool, rule and target.
func (tx *Tx) PutPin(p Pin) error {
	_, err := tx.exec(`INSERT INTO pin (id, product_id, tool, rule, kind, target, decision, reason, by_actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (product_id, tool, rule, kind, target) DO UPDATE SET decision = excluded.decision, reason = excluded.reason, by_actor = excluded.by_actor, at = excluded.at`,
		p.ID, string(p.Product), p.Tool, p.Rule, p.Target.Kind, p.Target.ID, p.Decision, p.Reason, p.By, stamp(p.At))
	if err != nil {
		return fmt.Errorf("store: pin %s: %w", p.ID, err)
	}
	return nil
}

// Pins returns the pins that hold in a product, those of every product included,
// ordered by product, tool, rule and target.
func (tx *Tx) Pins(product model.ProductID) ([]Pin, error) {
	list, err := collect(tx, func(row func(...any) error) (p Pin, err error) {
		return p, row(&p.ID, (*string)(&p.Product), &p.Tool, &p.Rule, &p.Target.Kind, &p.Target.ID, &p.Decision, &p.Reason, &p.By, (*stamp)(&p.At))
	}, `SELECT id, product_id, tool, rule, kind, target, decision, reason, by_actor, at FROM pin WHERE product_id = $1 OR product_id = ''
		ORDER BY product_id, tool, rule, kind, target`, string(product))
	if err != nil {
		return nil, fmt.Errorf("store: pins of product %s: %w", product, err)
	}
	return list, nil
}

// RemovePin removes a pin of a product; fault.NotFound if there is none.
func (tx *Tx) RemovePin(product model.ProductID, id string) error {
	n, err := tx.exec("DELETE FROM pin WHERE product_id = $1 AND id = $2", string(product), id)
	if err != nil {
		return fmt.Errorf("store: pin %s: %w", id, err)
	}
	if n == 0 {
		return fault.New(fault.NotFound, "pin.not_found", "there is no such decision")
	}
	return nil
}

// RemoveEvidence removes rows of a product by id, with what they match; absent ones are no error.
func (tx *Tx) RemoveEvidence(product model.ProductID, ids ...string) error {
	for chunk := range slices.Chunk(ids, inChunk) {
		args := []any{string(product)}
		for _, id := range chunk {
			args = append(args, id)
		}
		if _, err := tx.exec("DELETE FROM evidence WHERE product_id = $1 AND id IN ("+placeholders(2, len(chunk))+")", args...); err != nil {
			return fmt.Errorf("store: evidence of product %s: %w", product, err)
		}
	}
	return nil
}
