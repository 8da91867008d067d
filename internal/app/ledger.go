package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// uploadDoc is what a run keeps besides its columns.
type uploadDoc struct {
	Run    string    `json:"run"` // groups the uploads of one run
	Name   string    `json:"name,omitempty"`
	Build  string    `json:"build,omitempty"`
	As     string    `json:"format,omitempty"` // format that the sender named
	TookAt time.Time `json:"took_at,omitzero"` // when the tests ran, where the sender or the file says so
	// Record is what an older program kept here of the whole run; now it has a column.
	Record *evidence.RunRecord `json:"record,omitempty"`
	// Declared says that the sender declared the run whole.
	Declared bool           `json:"declared,omitempty"`
	Diff     *evidence.Diff `json:"diff,omitempty"`
	Notes    []string       `json:"notes,omitempty"`
	// Kind and Code say as what fault the upload was rejected.
	Kind fault.Kind `json:"kind,omitempty"`
	Code string     `json:"code,omitempty"`
}

// evidencePolicy says which evidence counts for the product.
func (a *App) evidencePolicy(m *model.Model) evidence.Policy {
	return evidence.Policy{Branch: m.Product.Branch, Environment: m.Product.Environment, Fresh: a.Fresh}
}

// verdicts concludes what the stored evidence says about a model.
func (a *App) verdicts(tx *store.Tx, m *model.Model, at time.Time) (model.Verdicts, error) {
	l, err := ledger(tx, m.Product.ID)
	return a.verdictsOf(m, l, at), err
}

func (a *App) verdictsOf(m *model.Model, l evidence.Ledger, at time.Time) model.Verdicts {
	if len(l.Rows) == 0 {
		return model.Verdicts{}
	}
	return evidence.Verdicts(m, l, at, a.evidencePolicy(m))
}

// ledger reads the evidence of a product.
func ledger(tx *store.Tx, product model.ProductID) (evidence.Ledger, error) {
	var l evidence.Ledger
	q := store.EvidenceQuery{Product: product, Limit: 1000}
	for {
		rows, err := tx.Evidence(q)
		if err != nil {
			return l, err
		}
		for _, r := range rows {
			var row evidence.Row
			if err := json.Unmarshal([]byte(r.Doc), &row); err != nil {
				return l, fmt.Errorf("app: evidence of product %s: %w", product, err)
			}
			l.Rows = append(l.Rows, row)
		}
		if len(rows) < q.Limit {
			break
		}
		q.After = rows[len(rows)-1].ID()
	}
	if len(l.Rows) == 0 {
		return l, nil
	}
	runs, err := runRecords(tx, product)
	if err != nil {
		return l, err
	}
	l.Runs = runs
	l.Decisions, _, err = decisions(tx, product)
	return l, err
}

// runRecords returns what is remembered of a product's runs, one per run.
func runRecords(tx *store.Tx, product model.ProductID) ([]evidence.RunRecord, error) {
	records, docs, err := tx.RunRecords(product)
	if err != nil {
		return nil, err
	}
	out := make([]evidence.RunRecord, len(records), len(records)+len(docs))
	for i, text := range records {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			return nil, fmt.Errorf("app: records of runs of product %s: %w", product, err)
		}
	}
	for _, text := range docs {
		var doc struct {
			Record *evidence.RunRecord `json:"record"`
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			return nil, fmt.Errorf("app: records of runs of product %s: %w", product, err)
		}
		if doc.Record != nil {
			out = append(out, *doc.Record)
		}
	}
	// Several uploads of one run each keep the record as it was after them; the fullest is the last.
	slices.SortStableFunc(out, func(x, y evidence.RunRecord) int { return len(y.Parts) - len(x.Parts) })
	type key struct {
		scope evidence.Scope
		id    string
	}
	seen := map[key]bool{}
	out = slices.DeleteFunc(out, func(r evidence.RunRecord) bool {
		k := key{r.Scope, r.ID}
		if seen[k] {
			return true
		}
		seen[k] = true
		return false
	})
	return out, nil
}

func decisionsKey(product model.ProductID) string { return "evidence.decisions/" + string(product) }

// decisions are people's words about evidence, oldest first, with the version of the list.
func decisions(tx *store.Tx, product model.ProductID) ([]evidence.Decision, int64, error) {
	s, err := tx.Setting(decisionsKey(product))
	if err != nil || s.Version == 0 {
		return nil, 0, err
	}
	var out []evidence.Decision
	if err := json.Unmarshal([]byte(s.Doc), &out); err != nil {
		return nil, 0, fmt.Errorf("app: decisions of product %s: %w", product, err)
	}
	return out, s.Version, nil
}

func addDecision(tx *store.Tx, product model.ProductID, d evidence.Decision) error {
	list, version, err := decisions(tx, product)
	if err != nil {
		return err
	}
	data, err := json.Marshal(append(list, d))
	if err != nil {
		return fmt.Errorf("app: decision on product %s: %w", product, err)
	}
	return tx.SetSetting(store.Setting{Key: decisionsKey(product), Version: version, At: d.At, Doc: string(data)})
}

// pins are people's decisions about rules that hold in the product.
func pins(tx *store.Tx, product model.ProductID) ([]evidence.Pin, error) {
	rows, err := tx.Pins(product)
	if err != nil {
		return nil, err
	}
	out := make([]evidence.Pin, 0, len(rows))
	for _, p := range rows {
		out = append(out, evidence.Pin{Tool: p.Tool, Rule: p.Rule, Ref: p.Target.ID, Where: model.ElementID(p.Target.Kind), Refuse: p.Decision == "refuse", Reason: p.Reason})
	}
	return out, nil
}

// matcher returns what matches results to the model as it is. What the library in force says of copies
// holds: a test that names an original reaches its copy.
func (a *App) matcher(tx *store.Tx, m *model.Model) (*evidence.Matcher, error) {
	if a.Without["matcher"] {
		return evidence.NewMatcher(&model.Model{}, nil, nil), nil
	}
	p, err := pins(tx, m.Product.ID)
	if err != nil {
		return nil, err
	}
	lib := a.Library()
	return evidence.NewMatcherOf(m, p, nil, evidence.Originals{Weaknesses: lib.WeaknessOriginals, Countermeasures: lib.Originals}), nil
}

// saveLedger stores the rows that differ from before; a row whose component
// changed is another row, and the old one goes with the run's product data.
func saveLedger(tx *store.Tx, product model.ProductID, before, after evidence.Ledger) error {
	old := make(map[string]string, len(before.Rows))
	for i := range before.Rows {
		data, err := json.Marshal(&before.Rows[i])
		if err != nil {
			return fmt.Errorf("app: evidence of product %s: %w", product, err)
		}
		old[evidenceKey(&before.Rows[i]).ID()] = string(data)
	}
	var changed []store.Evidence
	for i := range after.Rows {
		r := &after.Rows[i]
		data, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("app: evidence of product %s: %w", product, err)
		}
		key := evidenceKey(r)
		id := key.ID()
		same := old[id] == string(data)
		delete(old, id)
		if same {
			continue
		}
		e := store.Evidence{
			EvidenceKey: key, Name: r.Result.Name, Verdict: string(r.Verdict), VerdictAt: r.VerdictAt, VerdictRun: r.VerdictRun,
			Attempt: string(r.Attempt), AttemptAt: r.AttemptAt, AttemptRun: r.AttemptRun, Fingerprint: r.Result.Fingerprint,
			MatchReason: r.Reason, Triage: string(r.State), Doc: string(data),
		}
		for _, m := range r.Matches {
			if m.Weakness != "" {
				e.Matches = append(e.Matches, store.Target{Kind: store.KindWeakness, ID: string(m.Weakness)})
			} else {
				e.Matches = append(e.Matches, store.Target{Kind: store.KindCountermeasure, ID: string(m.Countermeasure)})
			}
		}
		changed = append(changed, e)
	}
	gone := make([]string, 0, len(old))
	for id := range old {
		gone = append(gone, id)
	}
	slices.Sort(gone)
	if err := tx.RemoveEvidence(product, gone...); err != nil {
		return err
	}
	return tx.PutEvidence(product, changed)
}

func evidenceKey(r *evidence.Row) store.EvidenceKey {
	return store.EvidenceKey{Branch: r.Branch, Environment: r.Environment, Source: r.Source, Test: r.Key, Component: r.Component}
}

// rematch matches the evidence that is there anew, after the model or a pin changed.
func (ch *changing) rematch() error {
	before, err := ledger(ch.tx, ch.model.Product.ID)
	if err != nil || len(before.Rows) == 0 {
		return err
	}
	m, err := ch.app.matcher(ch.tx, ch.model)
	if err != nil {
		return err
	}
	return saveLedger(ch.tx, ch.model.Product.ID, before, evidence.Rematch(before, m))
}

// matters reports whether a stored change can change what results match.
func matters(saved store.Saved) bool {
	kinds := []string{store.KindWeakness, store.KindCountermeasure, store.KindComponent, store.KindLink}
	return slices.ContainsFunc(slices.Concat(saved.Written, saved.Removed), func(k store.ObjectKey) bool { return slices.Contains(kinds, k.Kind) })
}

func cleanLine(s string, max int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "?")), " ")
	if r := []rune(s); len(r) > max {
		s = string(r[:max])
	}
	return s
}
