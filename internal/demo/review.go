package demo

import (
	"fmt"
	"net/url"
	"time"
)

type auditRow struct {
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	ActorName string    `json:"actor_name"`
	Source    string    `json:"source"`
	Action    string    `json:"action"`
	Object    string    `json:"object"`
}

type ratingChange struct {
	At     time.Time `json:"at"`
	Before figures   `json:"before"`
	After  figures   `json:"after"`
	Cause  struct {
		Kind string `json:"kind"`
		Text string `json:"text"`
	} `json:"cause"`
}

// shownRows is how many entries of the audit trail are printed.
const shownRows = 8

// review is step 7: what moved the rating, the audit trail, and where to click.
func (t *tour) review() error {
	var history page[ratingChange]
	if err := t.get(t.at("/ratings/history?limit=100&threat="+url.QueryEscape(t.threatID)), &history); err != nil {
		return err
	}
	causes := map[string]bool{}
	t.p.line("what moved the rating of the SQL injection, newest first")
	for _, c := range history.Items {
		causes[c.Cause.Kind] = true
		t.p.reason("verified %g → %g, current %g → %g: %s", c.Before.Verified, c.After.Verified, c.Before.Current, c.After.Current, c.Cause.Text)
	}
	if !causes["ticket"] || !causes["test"] {
		return expected("a ticket and a test among what moved the rating", "the history has %d changes without one of them", len(history.Items))
	}

	var trail page[auditRow]
	if err := t.get(t.at(fmt.Sprintf("/audit?limit=%d", shownRows)), &trail); err != nil {
		return err
	}
	var check struct {
		Whole bool   `json:"whole"`
		Rows  int64  `json:"rows"`
		Text  string `json:"text"`
	}
	if err := t.get(t.at("/audit/check"), &check); err != nil {
		return err
	}
	if !check.Whole || len(trail.Items) == 0 || check.Rows < trail.Items[0].Seq {
		return expected("an audit trail whose hash chain holds", "it has %d rows: %s", check.Rows, check.Text)
	}
	t.p.line("the audit trail has %d rows and its hash chain holds; the last ones", check.Rows)
	for _, r := range trail.Items {
		t.p.reason("%5d  %s  %-14s %-8s %s %s", r.Seq, r.At.Local().Format(time.TimeOnly), r.ActorName, r.Source, r.Action, r.Object)
	}
	if t.Page == "" {
		return nil
	}
	t.p.gap()
	t.p.line("Look around:")
	t.p.line("  the product    %s", t.link("/products/"+t.product))
	t.p.line("  this threat    %s", t.link("/products/"+t.product+"/threats?open="+t.threatID))
	if t.Tracker.Kind == "builtin" {
		t.p.line("  the board      %s", t.link("/board/"+t.connection))
	}
	if t.Sign != "" {
		t.p.line("  sign in        %s", t.Sign)
	}
	return nil
}
