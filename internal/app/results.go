package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
)

// WorkResults is the background work that reads one uploaded report.
const WorkResults queue.Kind = "bulk-results"

// contentKey begins the key of an upload whose client gave none.
const contentKey = "content:"

// UploadInput says what an uploaded report is about.
type UploadInput struct {
	Name        string // of the file, for messages
	Format      string // family to read it as; "" tells by content
	Source      string // tool, suite and configuration; "" is the format. A result replaces only what the same source said
	Branch      string
	Environment string
	Run         string    // id that several uploads of one run share; "" is a run of its own
	Build       string    // of the tested software; part of what makes an upload the same
	At          time.Time // when the tests ran; zero is the file's own word, or now
	Complete    bool      // the sender declares the run whole
	DryRun      bool
}

// RunView is an upload as people and pipelines see it.
type RunView struct {
	ID          string          `json:"id"`
	Run         string          `json:"run" doc:"Shared by the uploads of one run"`
	Product     model.ProductID `json:"product"`
	Name        string          `json:"name,omitempty"`
	Source      string          `json:"source"`
	Branch      string          `json:"branch,omitempty"`
	Environment string          `json:"environment,omitempty"`
	Format      string          `json:"format"`
	Tool        string          `json:"tool"`
	State       store.RunState  `json:"state" enum:"queued,parsing,open,done,rejected,failed"`
	Error       string          `json:"error,omitempty"`
	Code        string          `json:"code,omitempty" doc:"As what it was rejected: the code of a problem"`
	Complete    bool            `json:"complete"`
	Reasons     []string        `json:"reasons,omitempty" doc:"Why the run is not complete"`
	Notes       []string        `json:"notes,omitempty"`
	Counts      evidence.Counts `json:"counts"`
	At          time.Time       `json:"at"`
	By          string          `json:"by"`
	Diff        *evidence.Diff  `json:"diff,omitempty" doc:"What the upload changed; absent until it is read"`
	Repeat      bool            `json:"repeat,omitempty" doc:"The same upload was here before: this is its answer"`
	kind        fault.Kind
}

// Refusal returns the fault as which the upload was rejected, nil where it was not.
func (v RunView) Refusal() error {
	if v.State != store.RunRejected {
		return nil
	}
	if v.kind == "" {
		return fault.New(fault.Invalid, "results.rejected", "%s", v.Error)
	}
	return fault.New(v.kind, v.Code, "%s", v.Error)
}

func viewRun(r store.Run) (RunView, error) {
	v := RunView{
		ID: r.ID, Product: r.Product, Source: r.Source, Branch: r.Branch, Environment: r.Environment, Format: r.Format, Tool: r.Tool,
		State: r.State, Error: r.Error, Complete: r.Complete, At: r.At, By: r.By,
	}
	var doc uploadDoc
	for _, part := range []struct {
		doc string
		dst any
	}{{r.Reasons, &v.Reasons}, {r.Counts, &v.Counts}, {r.Doc, &doc}} {
		if part.doc == "" {
			continue
		}
		if err := json.Unmarshal([]byte(part.doc), part.dst); err != nil {
			return v, fmt.Errorf("app: run %s: %w", r.ID, err)
		}
	}
	v.Run, v.Name, v.Notes, v.Diff, v.Code, v.kind = doc.Run, doc.Name, doc.Notes, doc.Diff, doc.Code, doc.Kind
	return v, nil
}

// Upload takes a report. The body is spooled into the database in bounded
// memory and read by background work; the same content for the same target, or
// the same client key, is the same upload and gives the first one's answer.
func (a *App) Upload(ctx context.Context, c Caller, product model.ProductID, in UploadInput, body io.Reader) (RunView, error) {
	if _, err := query(ctx, a, c, policy.ResultsUpload, product, func(tx *store.Tx) (store.ProductRow, error) { return tx.Product(product, store.Everything()) }); err != nil {
		return RunView{}, err
	}
	blob := a.id("blb")
	hash := sha256.New()
	size, err := a.DB.WriteBlob(ctx, blob, io.TeeReader(body, hash), a.Limit)
	if err != nil {
		return RunView{}, err
	}
	drop := func() {
		// Best effort: what stays behind is removed as stale.
		_ = a.DB.RemoveBlob(context.WithoutCancel(ctx), blob)
	}
	if size == 0 {
		drop()
		return RunView{}, fault.New(fault.Invalid, "evidence.empty", "the upload is empty: there is no report in it")
	}
	content := hex.EncodeToString(hash.Sum(nil))
	if in.DryRun {
		defer drop()
		return a.dryRun(ctx, product, in, blob, content)
	}
	key := c.Key
	if key == "" {
		key = contentKey + HashRequest(content, in.Format, in.Source, in.Branch, in.Environment, in.Run, in.Build, fmt.Sprint(in.At.UnixMicro(), in.Complete))
	}
	c.Key = "" // the run's own key makes it idempotent
	view, err := attach(ctx, a, c, policy.ResultsUpload, product, func(ch *changing) (RunView, error) {
		run := store.Run{
			ID: a.id("run"), Product: product, Source: cleanLine(in.Source, 200), Branch: cleanLine(in.Branch, 200), Environment: cleanLine(in.Environment, 200),
			ClientKey: key, ContentHash: content, State: store.RunQueued, Blob: blob, At: ch.at, UpdatedAt: ch.at, By: c.Name,
		}
		doc, err := json.Marshal(uploadDoc{Run: cmp.Or(cleanLine(in.Run, 200), run.ID), Name: cleanLine(in.Name, 200), Build: cleanLine(in.Build, 200), As: in.Format, TookAt: in.At, Declared: in.Complete})
		if err != nil {
			return RunView{}, fmt.Errorf("app: new run: %w", err)
		}
		run.Doc = string(doc)
		existing, err := ch.tx.AddRun(run)
		if err != nil {
			return RunView{}, err
		}
		if existing != nil {
			if existing.ContentHash != content || existing.Branch != run.Branch || existing.Environment != run.Environment {
				return RunView{}, fault.New(fault.Conflict, "idempotency.reused", "the idempotency key was used for another report; take a new one")
			}
			v, err := viewRun(*existing)
			v.Repeat = true
			return v, err
		}
		if err := ch.record("results.upload", "run/"+run.ID, nil, map[string]any{"name": in.Name, "source": in.Source, "sha256": content, "bytes": size}); err != nil {
			return RunView{}, err
		}
		if err := queue.Due(ch.ctx, ch.tx, WorkResults, run.ID, time.Time{}); err != nil {
			return RunView{}, err
		}
		return viewRun(run)
	})
	if err != nil || view.Repeat {
		drop()
	}
	return view, err
}

// read opens a spooled report and observes it against the model as it is now.
func (a *App) read(ctx context.Context, product model.ProductID, blob string, doc uploadDoc) (evidence.Summary, []evidence.Observation, int64, error) {
	var m *evidence.Matcher
	var version int64
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error {
		mod, versions, err := tx.LoadModel(product)
		if err != nil {
			return err
		}
		version = versions.Product
		m, err = a.matcher(tx, mod)
		return err
	})
	if err != nil {
		return evidence.Summary{}, nil, 0, err
	}
	b, err := a.DB.OpenBlob(ctx, blob)
	if err != nil {
		return evidence.Summary{}, nil, 0, err
	}
	report, err := evidence.Open(b, b.Size(), evidence.Options{Name: doc.Name, Format: doc.As})
	if err != nil {
		return evidence.Summary{}, nil, 0, err
	}
	sum, seen, err := evidence.Observe(ctx, report, m)
	return sum, seen, version, err
}

// folding makes the run that is folded in.
func folding(product model.ProductID, in store.Run, doc uploadDoc, sum evidence.Summary, seen []evidence.Observation) evidence.Run {
	at := doc.TookAt
	if at.IsZero() {
		at = sum.StartedAt
	}
	if at.IsZero() || at.After(in.At) {
		at = in.At // a clock that runs ahead must not make later runs old
	}
	return evidence.Run{
		Scope: evidence.Scope{Product: product, Branch: in.Branch, Environment: in.Environment, Source: cmp.Or(in.Source, sum.Format)},
		ID:    doc.Run, Part: in.ContentHash, At: store.Truncate(at), Summary: sum, Observations: seen,
	}
}

// declared puts the sender's word that the run is whole into the ledger, and
// returns it where it is new. It holds for what this source sent: the run may have
// its id in common with those of other tools. A run that lists only what it ran
// closes nothing, whatever is said of it.
func declared(l *evidence.Ledger, run evidence.Run, doc uploadDoc, by string, at time.Time) (evidence.Decision, bool) {
	d := evidence.Decision{Kind: evidence.RunConfirmed, Source: run.Source, Run: run.ID, By: by, At: at, Reason: "declared whole by the sender"}
	if !doc.Declared || run.Summary.Declarable || slices.ContainsFunc(l.Decisions, func(x evidence.Decision) bool {
		return x.Kind == d.Kind && x.Source == d.Source && x.Run == d.Run
	}) {
		return d, false
	}
	l.Decisions = append(slices.Clip(l.Decisions), d)
	return d, true
}

func (a *App) dryRun(ctx context.Context, product model.ProductID, in UploadInput, blob, content string) (RunView, error) {
	doc := uploadDoc{Run: cmp.Or(in.Run, "dry-run"), Name: in.Name, As: in.Format, TookAt: in.At, Declared: in.Complete}
	sum, seen, _, err := a.read(ctx, product, blob, doc)
	if err != nil {
		return RunView{}, err
	}
	run := store.Run{ID: "dry-run", Product: product, Source: in.Source, Branch: in.Branch, Environment: in.Environment, ContentHash: content, At: store.Truncate(a.Now())}
	var diff evidence.Diff
	err = a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) error {
		l, err := ledger(tx, product)
		if err != nil {
			return err
		}
		dry := folding(product, run, doc, sum, seen)
		declared(&l, dry, doc, "", run.At)
		_, diff = evidence.Fold(l, dry)
		return nil
	})
	v := RunView{
		ID: "dry-run", Run: doc.Run, Product: product, Name: in.Name, Source: cmp.Or(in.Source, sum.Format), Branch: in.Branch, Environment: in.Environment,
		Format: sum.Format, Tool: sum.Tool, State: store.RunDone, Complete: sum.Complete, Reasons: sum.Reasons, Notes: sum.Notes, Counts: sum.Counts, At: run.At, Diff: &diff,
	}
	return v, err
}

// ReadRun is the work behind an upload: it reads the report and takes what it
// says into the evidence, the ratings and, by waking the reconciler, the
// tickets. Done runs are left alone, so that it can be repeated.
func (a *App) ReadRun(ctx context.Context, id string) error {
	var run store.Run
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		run, err = tx.Run(id)
		return err
	})
	if err != nil || run.State != store.RunQueued && run.State != store.RunParsing {
		if fault.Is(err, fault.NotFound) {
			return nil // the product was deleted meanwhile
		}
		return err
	}
	var doc uploadDoc
	if err := json.Unmarshal([]byte(run.Doc), &doc); err != nil {
		return fmt.Errorf("app: run %s: %w", id, err)
	}
	sum, seen, version, err := a.read(ctx, run.Product, run.Blob, doc)
	if f := fault.As(err); f != nil && f.Kind != fault.Unavailable && f.Kind != fault.Internal {
		return a.reject(ctx, run, f)
	}
	if err != nil {
		return fmt.Errorf("app: read run %s: %w", id, err)
	}
	err = a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Run(id)
		if err != nil || now.State == store.RunDone {
			return err
		}
		cause := Cause{Kind: "test", Text: fmt.Sprintf("%s: %d failed, %d passed", cmp.Or(run.Source, sum.Format), sum.Counts.Fail, sum.Counts.Pass), Ref: id, Actor: run.By}
		_, err = changeIn(ctx, a, tx, System("test"), run.Product, cause, func(ch *changing) (struct{}, error) {
			return struct{}{}, ch.fold(now, doc, sum, seen, version)
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("app: take run %s in: %w", id, err)
	}
	// The report itself is no longer needed; what it said is evidence. A blob
	// that a crash leaves behind here is removed as stale.
	return a.DB.RemoveBlob(ctx, run.Blob)
}

// fold takes a report that was read into the evidence.
func (ch *changing) fold(run store.Run, doc uploadDoc, sum evidence.Summary, seen []evidence.Observation, version int64) error {
	product := run.Product
	ch.tested = cmp.Or(run.Source, sum.Format)
	before, err := ledger(ch.tx, product)
	if err != nil {
		return err
	}
	if len(before.Rows) == 0 { // ledger reads runs only where there are rows
		if before.Runs, err = runRecords(ch.tx, product); err != nil {
			return err
		}
		if before.Decisions, _, err = decisions(ch.tx, product); err != nil {
			return err
		}
	}
	in := folding(product, run, doc, sum, seen)
	if d, ok := declared(&before, in, doc, run.By, ch.at); ok {
		if err := addDecision(ch.tx, product, d); err != nil {
			return err
		}
	}
	after, diff := evidence.Fold(before, in)
	if ch.versions.Product != version {
		// The model moved while the report was read.
		m, err := ch.app.matcher(ch.tx, ch.model)
		if err != nil {
			return err
		}
		after = evidence.Rematch(after, m)
	}
	if err := saveLedger(ch.tx, product, before, after); err != nil {
		return err
	}
	if i := slices.IndexFunc(after.Runs, func(r evidence.RunRecord) bool { return r.ID == in.ID && r.Scope == in.Scope }); i >= 0 {
		record, err := json.Marshal(&after.Runs[i])
		if err != nil {
			return fmt.Errorf("app: run %s: %w", run.ID, err)
		}
		run.Record, doc.Record = string(record), nil
	}
	doc.Diff, doc.Notes = &diff, sum.Notes
	run.Source, run.Format, run.Tool, run.Complete = in.Source, sum.Format, sum.Tool, sum.Complete
	run.State, run.Error, run.UpdatedAt, run.Blob = store.RunDone, "", ch.at, ""
	for _, part := range []struct {
		v   any
		dst *string
	}{{sum.Reasons, &run.Reasons}, {sum.Counts, &run.Counts}, {doc, &run.Doc}} {
		data, err := json.Marshal(part.v)
		if err != nil {
			return fmt.Errorf("app: run %s: %w", run.ID, err)
		}
		*part.dst = string(data)
	}
	if sum.Reasons == nil {
		run.Reasons = "[]"
	}
	if err := ch.tx.SetRun(run); err != nil {
		return err
	}
	ch.wake = true
	return ch.record("results.read", "run/"+run.ID, nil, map[string]any{
		"source": run.Source, "format": sum.Format, "complete": sum.Complete, "counts": sum.Counts, "new": len(diff.New), "passed_now": len(diff.PassedNow), "reopened": len(diff.Reopened),
	})
}

// reject records that an upload is no report that can be read.
func (a *App) reject(ctx context.Context, run store.Run, f *fault.Error) error {
	err := a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := changeIn(ctx, a, tx, System("test"), "", Cause{}, func(ch *changing) (struct{}, error) {
			blobless := run
			blobless.State, blobless.Error, blobless.UpdatedAt, blobless.Blob = store.RunRejected, cleanLine(f.Error(), 2000), ch.at, ""
			var doc uploadDoc
			if err := json.Unmarshal([]byte(run.Doc), &doc); err != nil {
				return struct{}{}, fmt.Errorf("app: run %s: %w", run.ID, err)
			}
			doc.Kind, doc.Code = f.Kind, f.Code
			data, err := json.Marshal(doc)
			if err != nil {
				return struct{}{}, fmt.Errorf("app: run %s: %w", run.ID, err)
			}
			blobless.Doc = string(data)
			if err := ch.tx.SetRun(blobless); err != nil {
				return struct{}{}, err
			}
			if strings.HasPrefix(run.ClientKey, contentKey) {
				// A later version may read it: sent again, it is looked at again.
				if err := ch.tx.ForgetRunKey(run.ID); err != nil {
					return struct{}{}, err
				}
			}
			ch.stream = run.Product
			return struct{}{}, ch.record("results.reject", "run/"+run.ID, nil, map[string]string{"error": blobless.Error})
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("app: reject run %s: %w", run.ID, err)
	}
	return a.DB.RemoveBlob(ctx, run.Blob)
}

// Run shows an upload.
func (a *App) Run(ctx context.Context, c Caller, product model.ProductID, id string) (RunView, error) {
	v, err := query(ctx, a, c, policy.JobRead, product, func(tx *store.Tx) (RunView, error) {
		r, err := tx.Run(id)
		if err != nil {
			return RunView{}, err
		}
		if r.Product != product {
			return RunView{}, notFound("run", id)
		}
		return viewRun(r)
	})
	return v, err
}

// Await returns an upload when it is read or the time is over.
func (a *App) Await(ctx context.Context, c Caller, product model.ProductID, id string, wait time.Duration) (RunView, error) {
	deadline := time.Now().Add(wait)
	for {
		v, err := a.Run(ctx, c, product, id)
		if err != nil || v.State != store.RunQueued && v.State != store.RunParsing || !time.Now().Before(deadline) {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, nil
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Runs lists a product's uploads, newest first.
func (a *App) Runs(ctx context.Context, c Caller, product model.ProductID, cursor string, limit int) (Page[RunView], error) {
	return query(ctx, a, c, policy.ResultsRead, product, func(tx *store.Tx) (Page[RunView], error) {
		page := Page[RunView]{Items: []RunView{}}
		q := store.RunQuery{Product: product, Visible: store.Everything(), Limit: clampLimit(limit)}
		if cursor != "" {
			q.After = &store.Run{}
			if err := decodeCursor(cursor, q.After); err != nil {
				return page, err
			}
		}
		runs, err := tx.Runs(q)
		if err != nil {
			return page, err
		}
		for _, r := range runs {
			v, err := viewRun(r)
			if err != nil {
				return page, err
			}
			v.Diff = nil // one by one only
			page.Items = append(page.Items, v)
		}
		if len(runs) == q.Limit {
			last := runs[len(runs)-1]
			page.Next = encodeCursor(store.Run{ID: last.ID, At: last.At})
		}
		return page, nil
	})
}

// FinishRun declares that every part of a run was uploaded: findings of scanners that
// the run lacks are gone. A test that it lacks keeps its verdict.
func (a *App) FinishRun(ctx context.Context, c Caller, product model.ProductID, run string, reason string) error {
	_, err := change(ctx, a, c, policy.ResultsUpload, product, Cause{Kind: "test", Text: "a test run was declared whole", Ref: run}, func(ch *changing) (struct{}, error) {
		records, err := runRecords(ch.tx, product)
		if err != nil {
			return struct{}{}, err
		}
		i := slices.IndexFunc(records, func(r evidence.RunRecord) bool { return r.ID == run })
		if i < 0 {
			return struct{}{}, fault.New(fault.NotFound, "run.not_found", "no upload of run %s was read yet", run)
		}
		ch.tested = records[i].Source
		return struct{}{}, ch.decide(evidence.Decision{Kind: evidence.RunConfirmed, Run: run, Reason: cmp.Or(reason, "declared whole by the sender")})
	})
	return err
}

// decide records a person's word about evidence.
func (ch *changing) decide(d evidence.Decision) error {
	d.By, d.At = ch.caller.Name, ch.at
	if err := addDecision(ch.tx, ch.before.Product.ID, d); err != nil {
		return err
	}
	ch.wake = true
	return ch.record("evidence.decide", "evidence/"+string(d.Kind), nil, d)
}
