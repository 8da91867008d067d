package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/store"
)

const (
	scanReport = `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"lint","rules":[{"id":"r1","properties":{"tags":["external/cwe/cwe-89"]}}]}},
		"invocations":[{"executionSuccessful":true}],"results":[{"ruleId":"r1","level":"error","message":{"text":"x"}}]}]}`
	testReport = `<testsuite name="s" tests="1"><testcase classname="a" name="b"/></testsuite>`
)

// take uploads a report and reads it.
func (d desk) take(in UploadInput, report string) RunView {
	d.t.Helper()
	v, err := d.Upload(d.ctx, d.admin, d.product, in, strings.NewReader(report))
	if err != nil {
		d.t.Fatalf("Upload(%+v): %v", in, err)
	}
	if err := d.ReadRun(d.ctx, v.ID); err != nil {
		d.t.Fatalf("ReadRun(%+v): %v", in, err)
	}
	if v, err = d.Run(d.ctx, d.admin, d.product, v.ID); err != nil || v.State != store.RunDone {
		d.t.Fatalf("Run(%+v) = %s %s, %v, want it done", in, v.State, v.Error, err)
	}
	return v
}

func readIn[T any](d desk, fn func(*store.Tx) (T, error)) T {
	d.t.Helper()
	v, err := query(d.ctx, d.App, System("test"), "", d.product, fn)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// That a run is whole is said of what one source sent, once, and only where it can
// mean anything.
func TestDeclaredRuns(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, in := range []UploadInput{{Source: "sast", Run: "build-7", Complete: true}, {Source: "sast", Run: "build-7", Complete: true, Build: "2"}, {Source: "dast", Run: "build-7"}} {
		d.take(in, scanReport)
	}
	d.take(UploadInput{Source: "unit", Run: "build-7", Complete: true}, testReport)
	got := readIn(d, func(tx *store.Tx) ([]evidence.Decision, error) {
		list, _, err := decisions(tx, d.product)
		return list, err
	})
	if len(got) != 1 || got[0].Source != "sast" || got[0].Run != "build-7" || got[0].Kind != evidence.RunConfirmed || got[0].By != d.admin.Name {
		t.Errorf("decisions = %+v, want that %s confirmed the run of sast", got, d.admin.Name)
	}
}

// What is remembered of runs is read with every look at the evidence, and without
// what each upload changed; what an older program kept is read as well.
func TestRunRecords(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	run := d.take(UploadInput{Source: "sast"}, scanReport)
	d.take(UploadInput{Source: "unit"}, testReport)
	records := func() []evidence.RunRecord {
		return readIn(d, func(tx *store.Tx) ([]evidence.RunRecord, error) { return runRecords(tx, d.product) })
	}
	want := records()
	if len(want) != 2 {
		t.Fatalf("runRecords() = %+v, want two", want)
	}
	read := func() int {
		return readIn(d, func(tx *store.Tx) (int, error) {
			a, b, err := tx.RunRecords(d.product)
			return len(strings.Join(a, "")) + len(strings.Join(b, "")), err
		})
	}
	// The answer to an upload may be as large as its report.
	before := read()
	keep := func(change func(*store.Run, *uploadDoc)) {
		t.Helper()
		err := d.DB.Write(d.ctx, func(_ context.Context, tx *store.Tx) error {
			r, err := tx.Run(run.ID)
			if err != nil {
				return err
			}
			var doc uploadDoc
			if err := json.Unmarshal([]byte(r.Doc), &doc); err != nil {
				return err
			}
			change(&r, &doc)
			data, err := json.Marshal(doc)
			if err != nil {
				return err
			}
			r.Doc = string(data)
			return tx.SetRun(r)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	keep(func(_ *store.Run, doc *uploadDoc) { doc.Diff.Asks = []string{strings.Repeat("x", 100_000)} })
	if now := read(); now != before {
		t.Errorf("the records are %d bytes beside a large answer to an upload and were %d, want no more", now, before)
	}
	keep(func(r *store.Run, doc *uploadDoc) {
		doc.Record = &evidence.RunRecord{}
		if err := json.Unmarshal([]byte(r.Record), doc.Record); err != nil {
			t.Fatal(err)
		}
		r.Record = ""
	})
	byID := func(list []evidence.RunRecord) map[string]evidence.RunRecord {
		m := map[string]evidence.RunRecord{}
		for _, r := range list {
			m[r.ID] = r
		}
		return m
	}
	if diff := cmp.Diff(byID(want), byID(records())); diff != "" {
		t.Errorf("runRecords() of a run that an older program read (-want +got):\n%s", diff)
	}
}
