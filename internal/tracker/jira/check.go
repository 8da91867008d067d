package jira

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/threatloop/threatloop/internal/tracker"
)

// permissions that the loop needs in a project, with what fails without them.
var permissions = []struct{ key, without string }{
	{"BROWSE_PROJECTS", "nothing can be read"},
	{"CREATE_ISSUES", "no ticket can be opened"},
	{"EDIT_ISSUES", "labels and our block in the description cannot be kept up to date"},
	{"TRANSITION_ISSUES", "tickets cannot be closed or reopened"},
	{"ADD_COMMENTS", "verdicts of tests cannot be noted"},
	{"LINK_ISSUES", "vulnerabilities cannot be linked to countermeasures"},
}

// Check implements tracker.Tracker. It changes nothing. Its error is not nil
// only where the context ended; everything else is a finding.
func (c *Client) Check(ctx context.Context, in tracker.Target) ([]tracker.Finding, error) {
	var out []tracker.Finding
	add := func(step string, level tracker.Level, format string, args ...any) {
		out = append(out, tracker.Finding{Step: step, Level: level, Text: fmt.Sprintf(format, args...)})
	}
	if _, _, err := c.api(ctx); err != nil {
		add("identity", tracker.Failed, "%s does not answer as a Jira: %s", c.site, tracker.AsError(err).Plain())
		return out, ctx.Err()
	}
	who, err := c.Identify(ctx)
	if err != nil {
		switch e := tracker.AsError(err); e.Kind {
		case tracker.KindAuth, tracker.KindPermission:
			add("identity", tracker.Failed, "Jira does not accept the credential: %s. Make a new token and enter it here", e.Plain())
		case tracker.KindProtocol, tracker.KindNotFound:
			add("identity", tracker.Failed, "%s does not answer as a Jira: %s. Check the address", c.site, e.Plain())
		default:
			add("identity", tracker.Failed, "%s cannot be reached: %s", c.site, e.Plain())
		}
		return out, ctx.Err()
	}
	add("identity", tracker.OK, "%s answers and takes us for %s", c.Capabilities().Name, who.Name)
	var project struct {
		named
		Archived bool `json:"archived"`
	}
	if err := c.get(ctx, "read project", "/project/"+url.PathEscape(in.Project), nil, &project); err != nil {
		add("project", tracker.Failed, "project %q cannot be read: %v. Check the key and the permission Browse Projects", in.Project, err)
		return out, ctx.Err()
	}
	if project.Archived {
		add("project", tracker.Failed, "project %s (%s) is archived and read-only", project.Key, project.Name)
	} else {
		add("project", tracker.OK, "project %s (%s) is there", project.Key, project.Name)
	}
	c.checkForm(ctx, in, add)
	c.checkPermissions(ctx, project.Key, add)
	c.checkStatuses(ctx, in, add)
	add("webhook", tracker.Warning, "Jira shows its webhooks to administrators only. Without one a change is seen at the next poll; with one within seconds")
	return out, ctx.Err()
}

type adder func(step string, level tracker.Level, format string, args ...any)

func (c *Client) checkForm(ctx context.Context, in tracker.Target, add adder) {
	f, err := c.readForm(ctx, in)
	if err != nil {
		add("type", tracker.Failed, "the create screen of %s in %s cannot be read: %v", in.Type, in.Project, err)
		return
	}
	add("type", tracker.OK, "issue type %s can be created in %s", in.Type, in.Project)
	ours := map[string]bool{"project": true, "issuetype": true, "summary": true, "description": true, "labels": true}
	level := tracker.OK
	for _, id := range sortedKeys(f.fields) {
		if m := f.fields[id]; m.demanded() && !ours[id] {
			level = tracker.Failed
			add("fields", tracker.Failed, "field %s: %s. Map a value to it", id, m.missing())
		}
	}
	for _, id := range []string{"labels", "description"} {
		if !f.has(id) {
			level = tracker.Warning
			add("fields", tracker.Warning, "%s is not on the create screen; without it a lost answer is harder to resolve. Put it on the screen", id)
		}
	}
	if level == tracker.OK {
		add("fields", tracker.OK, "all required fields have a value")
	}
}

func (c *Client) checkPermissions(ctx context.Context, project string, add adder) {
	cloud, _, err := c.api(ctx)
	if err != nil {
		add("permissions", tracker.Failed, "permissions cannot be read: %v", err)
		return
	}
	q := url.Values{"projectKey": {project}}
	if cloud {
		var keys []string
		for _, p := range permissions {
			keys = append(keys, p.key)
		}
		q.Set("permissions", strings.Join(keys, ","))
	}
	var out struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	if err := c.get(ctx, "read own permissions", "/mypermissions", q, &out); err != nil {
		add("permissions", tracker.Failed, "permissions cannot be read: %v", err)
		return
	}
	all := true
	for _, p := range permissions {
		if !out.Permissions[p.key].Have {
			all = false
			add("permissions", tracker.Failed, "the account lacks %s in %s: %s", p.key, project, p.without)
		}
	}
	if all {
		add("permissions", tracker.OK, "the account may read, create, edit, move, comment and link in %s", project)
	}
}

func (c *Client) checkStatuses(ctx context.Context, in tracker.Target, add adder) {
	var types []struct {
		named
		Statuses []status `json:"statuses"`
	}
	if err := c.get(ctx, "read statuses", "/project/"+url.PathEscape(in.Project)+"/statuses", nil, &types); err != nil {
		add("statuses", tracker.Warning, "the statuses of %s cannot be read: %v", in.Project, err)
		return
	}
	for _, t := range types {
		if t.ID != in.Type && !strings.EqualFold(t.Name, in.Type) {
			continue
		}
		var done, open []string
		for _, s := range t.Statuses {
			if s.category() == tracker.Done {
				done = append(done, s.Name)
			} else {
				open = append(open, s.Name)
			}
		}
		if len(done) == 0 || len(open) == 0 {
			add("statuses", tracker.Failed, "the workflow of %s has open statuses %q and done statuses %q; the loop needs both", t.Name, open, done)
			return
		}
		add("statuses", tracker.OK, "%s counts as done: %s; as open: %s", t.Name, strings.Join(done, ", "), strings.Join(open, ", "))
		return
	}
	add("statuses", tracker.Warning, "no workflow of issue type %s was found in %s", in.Type, in.Project)
}
