package jira

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// Create implements tracker.Tracker. Label, description lines and entity
// property carry the marker in the one request that creates. What the create
// screen demands is checked before; what it does not offer is left out. The
// ticket is read back afterwards; where that fails the answer holds what is
// known, with Category Unknown. A Data Center that drops the property from the
// create gets it by a second request, whose failure is not an error: label and
// description carry the marker as well.
func (c *Client) Create(ctx context.Context, d tracker.Draft) (tracker.Ticket, error) {
	const op = "create issue"
	if !markers.MatchString(d.Marker) {
		return tracker.Ticket{}, invalid(op, "the marker must consist of letters and digits", nil)
	}
	cloud, _, err := c.api(ctx)
	if err != nil {
		return tracker.Ticket{}, err
	}
	f, err := c.cachedFormOf(ctx, d.Target)
	if err != nil {
		return tracker.Ticket{}, before(err)
	}
	fields, terr := draftFields(d, f, cloud)
	if terr != nil {
		c.forgetForm(d.Target) // an administrator's repair must be seen at the next try
		return tracker.Ticket{}, terr
	}
	own := syncProperty{Marker: d.Marker, Object: d.Object, Instance: d.Instance}
	body := map[string]any{"fields": fields, "properties": []any{map[string]any{"key": PropertyKey, "value": own}}}
	var made struct {
		ID  string `json:"id"`
		Key string `json:"key"`
	}
	if err := c.do(ctx, call{op: op, method: http.MethodPost, path: "/issue", body: body, out: &made}); err != nil {
		if tracker.AsError(err).Kind == tracker.KindInvalid {
			c.forgetForm(d.Target)
		}
		return tracker.Ticket{}, err
	}
	if !digits.MatchString(made.ID) || made.Key == "" {
		return tracker.Ticket{}, &tracker.Error{Outcome: tracker.Ambiguous, Kind: tracker.KindProtocol, Op: op, Reason: "the answer names no issue"}
	}
	c.remember(made.Key)
	project, _ := splitKey(made.Key)
	t := tracker.Ticket{
		ID: made.ID, Key: made.Key, URL: c.browse(made.Key), Project: project, Type: d.Target.Type, Category: tracker.Unknown,
		Summary: richtext.OneLine(d.Summary, summaryMax), Labels: labels(d), Markers: []string{d.Marker},
	}
	if i, err := c.one(ctx, made.ID); err == nil && i != nil {
		t = c.ticket(*i)
	}
	if !cloud && t.PropertyMarker == "" {
		if c.setProperty(ctx, made.ID, own) == nil {
			t.PropertyMarker = d.Marker
		}
	}
	return t, nil
}

func (c *Client) setProperty(ctx context.Context, id string, own syncProperty) error {
	return c.do(ctx, call{op: "set issue property", method: http.MethodPut, path: ticketPath(id) + "/properties/" + PropertyKey, body: own, scope: id})
}

// labels are the draft's labels as Jira takes them, with the marker's.
func labels(d tracker.Draft) []string {
	out := []string{LabelPrefix + d.Marker}
	for _, l := range d.Labels {
		if l = cleanLabel(l); l != "" {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cleanLabel makes a label without spaces of at most 255 characters.
func cleanLabel(s string) string {
	s = strings.Join(strings.Fields(richtext.Clean(s)), "-")
	return strings.TrimSuffix(richtext.OneLine(s, 255), "…")
}

// draftFields makes the fields of the create request.
func draftFields(d tracker.Draft, f form, cloud bool) (map[string]any, *tracker.Error) {
	out := map[string]any{
		"project":   ref(d.Target.Project, "key"),
		"issuetype": map[string]any{"id": f.typeID},
		"summary":   summary(d.Summary),
	}
	wrong := map[string]string{}
	set := func(id string, v any) {
		if f.has(id) {
			out[id] = v
		}
	}
	body, ok := printBody(nil, richtext.NewFence(d.Marker), d.Body, cloud)
	if !ok {
		wrong["description"] = "does not fit"
	}
	set("description", body)
	set("labels", labels(d))
	if m := f.fields["priority"]; d.Priority != "" && len(m.Allowed) > 0 {
		// A priority that is gone is no reason to have no ticket.
		if a, ok := m.pick(d.Priority); ok {
			out["priority"] = map[string]any{"id": a.ID}
		}
	}
	if d.Assignee != "" {
		key := "name"
		if cloud {
			key = "accountId"
		}
		set("assignee", map[string]any{key: d.Assignee})
	}
	if d.Target.Parent != "" {
		setParent(out, f, d.Target.Parent)
	}
	for _, id := range sortedKeys(d.Fields) {
		m, ok := f.fields[id]
		switch {
		case !ok && id == "security":
			// A vulnerability made public is worse than a missing ticket.
			wrong[id] = "the configured security level is not offered on the create screen"
			continue
		case !ok:
			continue
		}
		v, err := m.value(d.Fields[id], cloud)
		if err != nil {
			wrong[id] = m.Name + ": " + err.Error()
			continue
		}
		out[id] = v
	}
	for id, m := range f.fields {
		if _, given := out[id]; m.demanded() && !given && wrong[id] == "" {
			wrong[id] = m.missing()
		}
	}
	if len(wrong) > 0 {
		return nil, invalid("create issue", reason(wrong), wrong)
	}
	return out, nil
}

// setParent names the parent: the parent field where the screen has it, else
// the epic link, found by its type because its id and name differ by site.
func setParent(out map[string]any, f form, parent string) {
	if f.has("parent") {
		out["parent"] = ref(parent, "key")
		return
	}
	for _, id := range sortedKeys(f.fields) {
		if f.fields[id].Schema.Custom == epicLink {
			out[id] = parent
			return
		}
	}
}

func ref(s, key string) map[string]any {
	if digits.MatchString(s) {
		key = "id"
	}
	return map[string]any{key: s}
}

func summary(s string) string {
	if s = richtext.OneLine(s, summaryMax); s == "" {
		return "(no summary)"
	}
	return s
}

func reason(wrong map[string]string) string {
	var parts []string
	for _, k := range sortedKeys(wrong) {
		parts = append(parts, wrong[k])
	}
	return strings.Join(parts, "; ")
}

// printBody prints a document into the fence of an existing description (nil,
// string or tree) in the flavour's markup, shortened so that the whole fits;
// ok is false where the text around it leaves no room.
func printBody(old any, fence richtext.Fence, d richtext.Doc, cloud bool) (any, bool) {
	if cloud {
		tree, _ := old.(map[string]any)
		size := func(d richtext.Doc) int { return richtext.ADFSize(fence.ADF(tree, d)) }
		d = richtext.Shorten(d, bodyMax, size)
		return fence.ADF(tree, d), size(d) <= bodyMax
	}
	text, _ := old.(string)
	size := func(d richtext.Doc) int { return richtext.Units(fence.Wiki(text, d)) }
	d = richtext.Shorten(d, bodyMax, size)
	return fence.Wiki(text, d), size(d) <= bodyMax
}
