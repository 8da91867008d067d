package demo

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// connect makes the connection with the tracker.
func (t *tour) connect() error {
	settings := map[string]any{"status": map[string]any{}}
	in := map[string]any{"name": map[string]string{"builtin": "Board", "jira": "Jira"}[t.Tracker.Kind], "kind": t.Tracker.Kind, "settings": settings}
	if t.Tracker.Kind == "jira" {
		settings["base_url"], settings["email"] = t.Tracker.URL, t.Tracker.Email
		in["credential"] = map[string]string{"token": t.Tracker.Token, "pat": t.Tracker.PAT}
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := t.post("/connections", in, &made); err != nil {
		return err
	}
	t.connection = made.ID
	var list page[struct {
		Step  string `json:"step"`
		Level string `json:"level"`
		Text  string `json:"text"`
	}]
	if err := t.post(t.on("/check"), map[string]string{"project": t.Tracker.Project, "type": t.Tracker.Type}, &list); err != nil {
		return err
	}
	for _, f := range list.Items {
		if f.Level == "failed" {
			return expected("a tracker in which tickets can be made", "%s: %s", f.Step, f.Text)
		}
	}
	t.p.line("connected with the %s tracker, project %s: %d checks passed", t.Tracker.Kind, t.Tracker.Project, len(list.Items))
	return nil
}

// publish is step 3: a ticket per required countermeasure and per open threat without one.
func (t *tour) publish() error {
	if err := t.connect(); err != nil {
		return err
	}
	policy := map[string]any{
		"push": "both", "auto": true, "ask_above": -1,
		"vulnerabilities": map[string]any{"open": "contradicted", "close_on_pass": true, "reopen": true},
		"default":         map[string]string{"connection": t.connection, "project": t.Tracker.Project, "type": t.Tracker.Type},
	}
	if err := t.put(t.at("/tickets/policy"), policy, nil); err != nil {
		return err
	}
	if err := t.post(t.at("/tickets/publish"), map[string]bool{"all": true}, nil); err != nil {
		return err
	}
	cms, err := t.countermeasures()
	if err != nil {
		return err
	}
	threats, err := t.threats()
	if err != nil {
		return err
	}
	want := map[string]string{} // object -> purpose
	for _, c := range cms {
		if c.State == "required" {
			want[c.ID] = "countermeasure"
		}
	}
	required := len(want)
	for _, x := range threats {
		if x.Status == "open" && len(x.Countermeasures) == 0 {
			want[x.ID] = "threat"
		}
	}
	if required == 0 || len(want) == required {
		return expected("required countermeasures and an open threat without one", "there are %d and %d", required, len(want)-required)
	}
	if err := t.ticketed(want); err != nil {
		return err
	}
	t.p.line("%d tickets: one for each of %d required countermeasures, %d for open threats that have none", len(want), required, len(want)-required)
	c, err := t.countermeasure()
	if err != nil {
		return err
	}
	t.ticket, err = t.own(c)
	if err != nil {
		return err
	}
	t.p.line("%s: %s (%s)", t.ticket.Key, c.Title, c.WhereName)
	if t.ticket.URL != "" {
		t.p.reason("%s", t.ticket.URL)
	}

	next, ok := recommended(cms)
	if !ok {
		return expected("a recommended countermeasure to require", "there is none")
	}
	if err := t.patch(t.at("/countermeasures/"+url.PathEscape(next.ID)), map[string]string{"state": "required"}, nil); err != nil {
		return err
	}
	want[next.ID] = "countermeasure"
	if err := t.ticketed(want); err != nil {
		return err
	}
	t.p.line("then one more was required, %q, and the policy published its ticket by itself", next.Title)
	if t.planned, err = t.show(); err != nil {
		return err
	}
	return nil
}

// ticketed waits until exactly the wanted tickets are there.
func (t *tour) ticketed(want map[string]string) error {
	return t.until(fmt.Sprintf("exactly %d tickets, each linked", len(want)), func() (bool, string, error) {
		list, err := t.tickets()
		if err != nil {
			return false, "", err
		}
		linked, other, note := map[string]bool{}, 0, ""
		for _, k := range list {
			switch {
			case k.Key == "":
				if k.Note != "" {
					note = "; " + k.State + ": " + k.Note
				}
			case want[k.Object] == k.Purpose && !linked[k.Object] && k.State == "open":
				linked[k.Object] = true
			default:
				other++
			}
		}
		return len(linked) == len(want) && len(list) == len(want), fmt.Sprintf("%d are linked, %d tickets are not what was wanted%s%s", len(linked), other, note, t.paused()), nil
	})
}

// paused says why the connection stands still, if it does.
func (t *tour) paused() string {
	var c struct {
		State  string `json:"state"`
		Reason string `json:"reason"`
	}
	if err := t.get(t.on(""), &c); err != nil || c.Reason == "" {
		return ""
	}
	return "; the connection is " + c.State + ": " + c.Reason
}

// own returns the ticket of a countermeasure itself.
func (t *tour) own(c countermeasure) (ticket, error) {
	list, err := t.tickets()
	if err != nil {
		return ticket{}, err
	}
	i := slices.IndexFunc(list, func(k ticket) bool { return k.Object == c.ID && k.Purpose == "countermeasure" && k.Key != "" })
	if i < 0 {
		return ticket{}, expected("a ticket of "+c.Title, "it has none")
	}
	return list[i], nil
}

// close is step 4: the countermeasure's ticket is done, so it counts as implemented.
func (t *tour) close() error {
	done := "Done"
	if t.Tracker.Kind != "builtin" {
		done = "done"
	}
	if err := t.post(t.on("/tickets/"+url.PathEscape(t.ticket.ID)+"/move"), map[string]string{"status": done}, nil); err != nil {
		return err
	}
	err := t.until("the countermeasure to become implemented through its ticket", func() (bool, string, error) {
		c, err := t.countermeasure()
		return c.State == "implemented" && c.Sets["state"].By == "tracker", fmt.Sprintf("it is %s, set by %s%s", c.State, c.Sets["state"].By, t.paused()), err
	})
	if err != nil {
		return err
	}
	t.p.line("%s is done, so the countermeasure counts as implemented: a claim, until a test proves it", t.ticket.Key)
	if t.claimed, err = t.show(); err != nil {
		return err
	}
	was, is := t.planned.threatExact, t.claimed.threatExact
	if is.Current >= was.Current || is.Verified != was.Verified || is.Inherent != was.Inherent {
		return expected("the current rating to fall and the verified one to stay", "current went from %.1f to %.1f, verified from %.1f to %.1f", was.Current, is.Current, was.Verified, is.Verified)
	}
	if s, n := t.planned.sumExact, t.claimed.sumExact; n.Current >= s.Current {
		return expected("the product's current rating to fall", "its sum went from %.1f to %.1f", s.Current, n.Current)
	}
	return nil
}

// findVulnerability returns the product's vulnerability ticket; its key is "" while there is none.
func (t *tour) findVulnerability() (found ticket, n int, err error) {
	list, err := t.tickets()
	for _, k := range list {
		if k.Purpose == "vulnerability" {
			found = k
			n++
		}
	}
	return found, n, err
}

// says waits until a ticket's comments contain a text.
func (t *tour) says(k ticket, what, text string) (string, error) {
	var said string
	err := t.until(what, func() (bool, string, error) {
		c, err := t.card(k)
		for _, comment := range c.Comments {
			if strings.Contains(comment.Text, text) {
				said = firstLine(comment.Text)
			}
		}
		return said != "", fmt.Sprintf("%s has %d comments and none says %q%s", k.Key, len(c.Comments), text, t.paused()), err
	})
	return said, err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
