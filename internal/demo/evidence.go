package demo

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// sources are the suites whose reports the demo uploads, each by a format of its own.
var sources = []struct{ source, failing, passing string }{
	{"unit-tests", "junit-fail.xml", "junit-pass.xml"},
	{"acceptance-tests", "cucumber-fail.json", "cucumber-pass.json"},
	{"zap-scan", "zap-fail.xml", "zap-pass.xml"},
}

type run struct {
	State  string `json:"state"`
	Error  string `json:"error"`
	Format string `json:"format"`
	Counts struct {
		Fail int `json:"fail"`
		Pass int `json:"pass"`
	} `json:"counts"`
	Diff struct {
		New          []any `json:"new"`
		StillFailing []any `json:"still_failing"`
		PassedNow    []any `json:"passed_now"`
		Reopened     []any `json:"reopened"`
		Unmatched    []any `json:"unmatched"`
		Ambiguous    []any `json:"ambiguous"`
	} `json:"diff"`
	ID string `json:"id"`
}

// upload sends a report and waits until it is read.
func (t *tour) upload(source, name string) (run, error) {
	data, err := File(name)
	if err != nil {
		return run{}, err
	}
	var r run
	query := url.Values{"name": {name}, "source": {source}, "wait": {"1"}}
	if err := t.Client.Upload(t.ctx, t.at("/results?"+query.Encode()), "application/octet-stream", bytes.NewReader(data), nil, &r); err != nil {
		return r, err
	}
	err = t.until(name+" to be read", func() (bool, string, error) {
		if r.State != "queued" && r.State != "parsing" {
			return true, "", nil
		}
		err := t.get(t.at("/runs/"+url.PathEscape(r.ID)), &r)
		return r.State != "queued" && r.State != "parsing", "it is " + r.State, err
	})
	if err != nil {
		return r, err
	}
	if r.State != "done" && r.State != "open" {
		return r, expected(name+" to be read", "it is %s: %s", r.State, r.Error)
	}
	t.p.line("%-19s %-14s %d failed, %d passed: %s", name, r.Format, r.Counts.Fail, r.Counts.Pass, r.changes())
	return r, nil
}

// changes says what an upload changed.
func (r run) changes() string {
	var out []string
	for _, c := range []struct {
		n    int
		text string
	}{
		{len(r.Diff.New), "new"},
		{len(r.Diff.Reopened), "failing again"},
		{len(r.Diff.StillFailing), "still failing"},
		{len(r.Diff.PassedNow), "passing now"},
		{len(r.Diff.Unmatched), "about nothing in the model"},
		{len(r.Diff.Ambiguous), "for a person to place"},
	} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", c.n, c.text))
		}
	}
	if len(out) == 0 {
		return "no change"
	}
	return strings.Join(out, ", ")
}

// fail is step 5: failing reports withdraw the claim.
func (t *tour) fail() error {
	for _, s := range sources {
		r, err := t.upload(s.source, s.failing)
		if err != nil {
			return err
		}
		if len(r.Diff.New) == 0 {
			return expected("failures in "+s.failing+" about what the model knows", "%s", r.changes())
		}
	}
	r, err := t.show()
	if err != nil {
		return err
	}
	if r.threatExact != t.planned.threatExact || r.sumExact != t.planned.sumExact {
		return expected(fmt.Sprintf("exactly the ratings from before the ticket was closed, current %.3f and %.3f in sum", t.planned.threatExact.Current, t.planned.sumExact.Current),
			"current is %.3f and %.3f in sum", r.threatExact.Current, r.sumExact.Current)
	}
	t.p.gap()
	t.p.line("what was claimed is withdrawn: the ratings are exactly what they were")
	err = t.until("one open vulnerability ticket", func() (bool, string, error) {
		k, n, err := t.findVulnerability()
		t.vulnerability = k
		return n == 1 && k.Key != "" && k.State == "open", fmt.Sprintf("there are %d, the last is %q%s", n, k.State, t.paused()), err
	})
	if err != nil {
		return err
	}
	err = t.until("the vulnerability ticket to be linked to "+t.ticket.Key, func() (bool, string, error) {
		c, err := t.card(t.vulnerability)
		return slices.Contains(c.Links, t.ticket.ID) || slices.Contains(c.Links, t.ticket.Key), fmt.Sprintf("%s is linked to %q%s", t.vulnerability.Key, c.Links, t.paused()), err
	})
	if err != nil {
		return err
	}
	t.p.line("%s opened: %s", t.vulnerability.Key, t.vulnerability.Summary)
	t.p.reason("linked to %s", t.ticket.Key)
	return nil
}

// pass is step 6: passing reports prove the countermeasure.
func (t *tour) pass() error {
	for _, s := range sources {
		r, err := t.upload(s.source, s.passing)
		if err != nil {
			return err
		}
		if len(r.Diff.PassedNow) == 0 {
			return expected("failures that "+s.passing+" ends", "%s", r.changes())
		}
	}
	var err error
	if t.proven, err = t.show(); err != nil {
		return err
	}
	was, is := t.planned.threatExact, t.proven.threatExact
	if is.Verified >= was.Verified || is.Current != t.claimed.threatExact.Current {
		return expected("the verified rating to fall and the current one to fall to what was claimed",
			"verified went from %.1f to %.1f, current is %.1f, claimed were %.1f", was.Verified, is.Verified, is.Current, t.claimed.threatExact.Current)
	}
	t.p.gap()
	err = t.until("the vulnerability ticket to close", func() (bool, string, error) {
		k, n, err := t.findVulnerability()
		return n == 1 && k.State == "closed", fmt.Sprintf("%s is %s, %s%s", k.Key, k.State, k.Status, t.paused()), err
	})
	if err != nil {
		return err
	}
	c, err := t.card(t.vulnerability)
	if err != nil {
		return err
	}
	if c.Category != "done" {
		return expected(t.vulnerability.Key+" to be done in the tracker", "it is %s there", c.Status)
	}
	t.p.line("%s is closed: the tests pass", t.vulnerability.Key)
	said, err := t.says(t.ticket, "the countermeasure's ticket to say that it is verified", "Verified")
	if err != nil {
		return err
	}
	t.p.line("%s says: %s", t.ticket.Key, said)
	return nil
}
