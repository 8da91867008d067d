package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// RunState is how far an uploaded report is.
type RunState string

// The states of a run.
const (
	RunQueued   RunState = "queued"   // stored, waits to be parsed
	RunParsing  RunState = "parsing"  // being read
	RunOpen     RunState = "open"     // read; more shards may follow
	RunDone     RunState = "done"     // its evidence is in
	RunRejected RunState = "rejected" // no report, or one we do not read
	RunFailed   RunState = "failed"   // our failure; can be run again
)

// Run is one uploaded report.
type Run struct {
	ID          string
	Product     model.ProductID
	Source      string
	Branch      string
	Environment string
	Format      string
	Tool        string
	Complete    bool
	Reasons     string // JSON: why it is incomplete
	Counts      string // JSON: results by verdict
	ClientKey   string // the client's idempotency key; unique in the product; "" is none
	ContentHash string
	State       RunState
	Error       string
	Blob        string // id of the spooled body; "" once it is not needed any more
	At          time.Time
	UpdatedAt   time.Time
	By          string
	Record      string // JSON of what is remembered of the whole run, see RunRecords; "" is none
	Doc         string // JSON of the evidence package's own; "" is {}
}

const runColumns = `id, product_id, source, branch, environment, format, tool, complete, reasons, counts, client_key, content_hash, state, error,
	blob_id, at, updated_at, by_actor, record, doc`

func scanRun(row func(...any) error) (r Run, err error) {
	return r, row(&r.ID, (*string)(&r.Product), &r.Source, &r.Branch, &r.Environment, &r.Format, &r.Tool, &r.Complete, &r.Reasons, &r.Counts, &r.ClientKey,
		&r.ContentHash, (*string)(&r.State), &r.Error, &r.Blob, (*stamp)(&r.At), (*stamp)(&r.UpdatedAt), &r.By, &r.Record, &r.Doc)
}

// AddRun stores a new run. If the product has one with the same client key
// already, that is returned and nothing is stored.
func (tx *Tx) AddRun(r Run) (existing *Run, err error) {
	n, err := tx.exec("INSERT INTO run ("+runColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT (product_id, client_key) WHERE client_key <> '' DO NOTHING`,
		r.ID, string(r.Product), r.Source, r.Branch, r.Environment, r.Format, r.Tool, r.Complete, orList(r.Reasons), orEmpty(r.Counts), r.ClientKey,
		r.ContentHash, string(r.State), r.Error, r.Blob, stamp(r.At), stamp(r.UpdatedAt), r.By, r.Record, orEmpty(r.Doc))
	if err != nil {
		return nil, fmt.Errorf("store: add run %s: %w", r.ID, err)
	}
	if n == 1 {
		return nil, nil
	}
	list, err := tx.runs("product_id = $1 AND client_key = $2", string(r.Product), r.ClientKey)
	if err != nil {
		return nil, fmt.Errorf("store: add run %s: %w", r.ID, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("store: add run %s: refused without a run of the same key", r.ID)
	}
	return &list[0], nil
}

func orList(doc string) string {
	if doc == "" {
		return "[]"
	}
	return doc
}

func (tx *Tx) runs(where string, args ...any) ([]Run, error) {
	return collect(tx, scanRun, "SELECT "+runColumns+" FROM run WHERE "+where, args...)
}

// SetRun stores everything of a run but its id, product, client key, time and
// author; fault.NotFound if there is none.
func (tx *Tx) SetRun(r Run) error {
	n, err := tx.exec(`UPDATE run SET source = $2, branch = $3, environment = $4, format = $5, tool = $6, complete = $7, reasons = $8, counts = $9,
		content_hash = $10, state = $11, error = $12, blob_id = $13, updated_at = $14, record = $15, doc = $16 WHERE id = $1`,
		r.ID, r.Source, r.Branch, r.Environment, r.Format, r.Tool, r.Complete, orList(r.Reasons), orEmpty(r.Counts),
		r.ContentHash, string(r.State), r.Error, r.Blob, stamp(r.UpdatedAt), r.Record, orEmpty(r.Doc))
	if err != nil {
		return fmt.Errorf("store: run %s: %w", r.ID, err)
	}
	if n == 0 {
		return noRun(r.ID)
	}
	return nil
}

// ForgetRunKey takes a run's client key away, so that the next upload with it is a new run.
func (tx *Tx) ForgetRunKey(id string) error {
	if _, err := tx.exec("UPDATE run SET client_key = '' WHERE id = $1", id); err != nil {
		return fmt.Errorf("store: key of run %s: %w", id, err)
	}
	return nil
}

func noRun(id string) error {
	return fault.New(fault.NotFound, "run.not_found", "there is no test run %s", id)
}

// Run returns a run; fault.NotFound if there is none.
func (tx *Tx) Run(id string) (Run, error) {
	list, err := tx.runs("id = $1", id)
	if err != nil {
		return Run{}, fmt.Errorf("store: run %s: %w", id, err)
	}
	if len(list) == 0 {
		return Run{}, noRun(id)
	}
	return list[0], nil
}

// RunsByID returns those of the runs that there are, in any order.
func (tx *Tx) RunsByID(ids ...string) ([]Run, error) {
	var out []Run
	for chunk := range slices.Chunk(ids, inChunk) {
		var c conditions
		c.among("id", chunk)
		list, err := tx.runs(strings.Join(c.parts, ""), c.args...)
		if err != nil {
			return nil, fmt.Errorf("store: runs by id: %w", err)
		}
		out = append(out, list...)
	}
	return out, nil
}

// RunQuery selects a page of runs, newest first; empty fields select all.
type RunQuery struct {
	Product     model.ProductID // "" is every product that is visible
	Visible     Visible
	Source      string
	Branch      string
	Environment string
	State       RunState
	ContentHash string
	After       *Run // the last row of the page before; only At and ID are used
	Limit       int  // 1..1000; 0 is 50
}

// Runs returns a page of runs.
func (tx *Tx) Runs(q RunQuery) ([]Run, error) {
	var c conditions
	for _, f := range []struct{ column, value string }{
		{"product_id", string(q.Product)}, {"source", q.Source}, {"branch", q.Branch}, {"environment", q.Environment}, {"state", string(q.State)}, {"content_hash", q.ContentHash},
	} {
		if f.value != "" {
			c.add(f.column+" = ?", f.value)
		}
	}
	c.visible("product_id", q.Visible)
	if q.After != nil {
		c.add("(at, id) < (?, ?)", stamp(q.After.At), q.After.ID)
	}
	list, err := collect(tx, scanRun, "SELECT "+runColumns+" FROM run"+c.where()+" ORDER BY at DESC, id DESC LIMIT "+c.arg(limit(q.Limit)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: runs: %w", err)
	}
	return list, nil
}

// RunRecords returns what is remembered of a product's runs that are done, newest
// first: their Record alone, since it is read with every look at the evidence and
// there is one for every upload there ever was. Of a run that an older program
// read, which kept it in Doc, that is returned instead.
func (tx *Tx) RunRecords(product model.ProductID) (records, docs []string, err error) {
	err = each(tx, func(row func(...any) error) error {
		var record, doc string
		if err := row(&record, &doc); err != nil {
			return err
		}
		if record != "" {
			records = append(records, record)
		} else {
			docs = append(docs, doc)
		}
		return nil
	}, "SELECT record, CASE WHEN record = '' THEN doc ELSE '' END FROM run WHERE product_id = $1 AND state = $2 ORDER BY at DESC, id DESC", string(product), string(RunDone))
	if err != nil {
		return nil, nil, fmt.Errorf("store: records of runs of product %s: %w", product, err)
	}
	return records, docs, nil
}
