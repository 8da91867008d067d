package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
)

func runs(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	addProduct(t, db, "prd_1", "P", 0)
	run := func(id, key string) store.Run {
		return store.Run{
			ID: id, Product: "prd_1", Source: "zap", Branch: "main", Format: "sarif", Tool: "ZAP", Complete: true, Reasons: "[]", Counts: `{"fail":2}`,
			ClientKey: key, ContentHash: "h" + id, State: store.RunQueued, Blob: "blb_" + id, At: at, UpdatedAt: at, By: "tok_1", Doc: "{}",
		}
	}
	for i := range 5 {
		write(t, db, func(tx *store.Tx) error {
			existing, err := tx.AddRun(run(fmt.Sprint("run_", i), ""))
			if existing != nil {
				t.Errorf("AddRun(no key) = %v, want nothing existing", existing.ID)
			}
			return err
		})
	}
	first := run("run_a", "key")
	write(t, db, func(tx *store.Tx) error { _, err := tx.AddRun(first); return err })
	write(t, db, func(tx *store.Tx) error {
		existing, err := tx.AddRun(run("run_b", "key"))
		if diff := cmp.Diff(&first, existing); diff != "" {
			t.Errorf("AddRun(same key) (-want +got):\n%s", diff)
		}
		return err
	})
	first.State, first.Error, first.Blob = store.RunDone, "none", ""
	write(t, db, func(tx *store.Tx) error { return tx.SetRun(first) })
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.Run("run_a")
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("Run (-want +got):\n%s", diff)
		}
		q := store.RunQuery{Product: "prd_1", Visible: store.Everything(), State: store.RunQueued, Limit: 2}
		var ids []string
		for {
			page, err := tx.Runs(q)
			if err != nil || len(page) == 0 {
				break
			}
			for _, r := range page {
				ids = append(ids, r.ID)
			}
			q.After = &page[len(page)-1]
		}
		if diff := cmp.Diff([]string{"run_4", "run_3", "run_2", "run_1", "run_0"}, ids); diff != "" {
			t.Errorf("Runs (-want +got):\n%s", diff)
		}
		same, err2 := tx.Runs(store.RunQuery{Visible: store.Everything(), ContentHash: "hrun_2"})
		if len(same) != 1 {
			t.Errorf("Runs(content) = %d, want 1", len(same))
		}
		hidden, err3 := tx.Runs(store.RunQuery{Visible: store.MemberOf("nobody")})
		if len(hidden) != 0 {
			t.Errorf("Runs(not a member) = %d, want 0", len(hidden))
		}
		return errors.Join(err, err2, err3)
	})
	read(t, db, func(tx *store.Tx) error {
		list, err := tx.RunsByID("run_1", "run_3", "run_gone")
		slices.SortFunc(list, func(a, b store.Run) int { return strings.Compare(a.ID, b.ID) })
		if len(list) != 2 || list[0].ID != "run_1" || list[1].ID != "run_3" {
			t.Errorf("RunsByID = %+v, want run_1 and run_3", list)
		}
		return err
	})
}

func evidence(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	addProduct(t, db, "prd_1", "P", 0)
	var rows []store.Evidence
	for i := range 700 { // more than an IN list holds
		e := store.Evidence{
			EvidenceKey: store.EvidenceKey{Branch: "main", Source: "zap", Test: fmt.Sprint("rule-", i), Location: "/x"},
			Name:        "SQL injection", Verdict: "fail", VerdictAt: at, VerdictRun: "run_1", Attempt: "error", AttemptAt: at, AttemptRun: "run_2", Triage: "unmatched", Doc: "{}",
		}
		if i%2 == 0 {
			e.Triage, e.MatchReason = "matched", "same CWE"
			e.Matches = []store.Target{{Kind: store.KindCountermeasure, ID: "cms_1"}, {Kind: store.KindWeakness, ID: fmt.Sprint("wkn_", i%4)}}
		}
		rows = append(rows, e)
	}
	write(t, db, func(tx *store.Tx) error { return tx.PutEvidence("prd_1", rows) })
	ids := make([]string, len(rows))
	byID := map[string]store.Evidence{}
	for i, e := range rows {
		ids[i] = e.ID()
		byID[e.ID()] = e
	}
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.EvidenceByID("prd_1", append(ids, "none")...)
		if len(got) != len(rows) {
			t.Errorf("EvidenceByID = %d rows, want %d", len(got), len(rows))
		}
		for _, e := range got {
			if diff := cmp.Diff(byID[e.ID()], e); diff != "" {
				t.Fatalf("EvidenceByID (-want +got):\n%s", diff)
			}
		}
		counts, err2 := tx.CountTriage("prd_1")
		if diff := cmp.Diff(map[string]int64{"matched": 350, "unmatched": 350}, counts); diff != "" {
			t.Errorf("CountTriage (-want +got):\n%s", diff)
		}
		target := store.Target{Kind: store.KindWeakness, ID: "wkn_2"}
		q, n, last := store.EvidenceQuery{Product: "prd_1", Triage: "matched", Target: &target, Limit: 50}, 0, ""
		for {
			page, err := tx.Evidence(q)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				if e.ID() <= last {
					t.Errorf("Evidence: %s after %s, want rising ids", e.ID(), last)
				}
				last = e.ID()
				n++
			}
			q.After = last
		}
		if n != 175 {
			t.Errorf("Evidence(wkn_2) = %d rows, want 175", n)
		}
		matched, err3 := tx.MatchedEvidence("prd_1", "main", "")
		other, err4 := tx.MatchedEvidence("prd_1", "other", "")
		if len(matched) != 350 || len(other) != 0 {
			t.Errorf("MatchedEvidence = %d on main and %d elsewhere, want 350 and 0", len(matched), len(other))
		}
		return errors.Join(err, err2, err3, err4)
	})
	// A row is replaced, its matches too.
	changed := rows[0]
	changed.Verdict, changed.Matches = "pass", []store.Target{{Kind: store.KindWeakness, ID: "wkn_9"}}
	write(t, db, func(tx *store.Tx) error { return tx.PutEvidence("prd_1", []store.Evidence{changed}) })
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.EvidenceByID("prd_1", changed.ID())
		if diff := cmp.Diff([]store.Evidence{changed}, got); diff != "" {
			t.Errorf("EvidenceByID after a change (-want +got):\n%s", diff)
		}
		return err
	})
	err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
		return tx.PutEvidence("prd_1", []store.Evidence{changed, changed})
	})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("PutEvidence(twice) = %v, want invalid", err)
	}
}

func pins(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	pin := store.Pin{ID: "pin_1", Product: "prd_1", Tool: "zap", Rule: "40018", Target: store.Target{Kind: store.KindWeakness, ID: "sqli/cwe-89"}, Decision: "match", Reason: "checked", By: "usr_1", At: at}
	everywhere := store.Pin{ID: "pin_2", Tool: "zap", Rule: "10020", Decision: "dismiss", By: "usr_1", At: at}
	foreign := store.Pin{ID: "pin_3", Product: "prd_2", Tool: "zap", Rule: "40018", Decision: "refuse", By: "usr_1", At: at}
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(tx.PutPin(pin), tx.PutPin(everywhere), tx.PutPin(foreign))
	})
	again := pin
	again.ID, again.Decision = "pin_4", "refuse"
	write(t, db, func(tx *store.Tx) error { return tx.PutPin(again) })
	again.ID = "pin_1"
	read(t, db, func(tx *store.Tx) error {
		got, err := tx.Pins("prd_1")
		if diff := cmp.Diff([]store.Pin{everywhere, again}, got); diff != "" {
			t.Errorf("Pins (-want +got):\n%s", diff)
		}
		return err
	})
	write(t, db, func(tx *store.Tx) error { return tx.RemovePin("prd_1", "pin_1") })
	err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return tx.RemovePin("prd_1", "pin_3") })
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("RemovePin(of another product) = %v, want not_found", err)
	}
}
