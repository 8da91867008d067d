package jira

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// issue is an issue as Jira sends it; both flavours use these shapes.
type issue struct {
	ID         string                     `json:"id"`
	Key        string                     `json:"key"`
	Fields     map[string]json.RawMessage `json:"fields"`
	Properties map[string]json.RawMessage `json:"properties"`
}

type named struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Key         string `json:"key"`
	AccountID   string `json:"accountId"`
	DisplayName string `json:"displayName"`
}

type status struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Category struct {
		Key string `json:"key"`
	} `json:"statusCategory"`
}

func (s status) category() tracker.Category {
	switch s.Category.Key {
	case "new":
		return tracker.New
	case "indeterminate":
		return tracker.InProgress
	case "done":
		return tracker.Done
	}
	return tracker.Unknown
}

type linkType struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Inward  string `json:"inward"`
	Outward string `json:"outward"`
}

type issueLink struct {
	Type    linkType `json:"type"`
	Inward  *named   `json:"inwardIssue"`
	Outward *named   `json:"outwardIssue"`
}

// syncProperty is the content of our entity property.
type syncProperty struct {
	Marker   string `json:"marker"`
	Object   string `json:"object"`
	Instance string `json:"instance"`
}

// ticketFields are the fields that a ticket is made of.
func (c *Client) ticketFields() []string {
	f := []string{
		"summary", "description", "status", "resolution", "labels", "issuetype", "project", "parent", "assignee",
		"priority", "timeoriginalestimate", "issuelinks", "created", "updated",
	}
	if c.cfg.StoryPoints != "" {
		f = append(f, c.cfg.StoryPoints)
	}
	return f
}

// field decodes one field; an absent, null or strange one stays zero.
func (i issue) field(name string, out any) {
	if raw, ok := i.Fields[name]; ok && !bytes.Equal(raw, []byte("null")) {
		_ = json.Unmarshal(raw, out) // a field of another shape than Jira's own counts as absent
	}
}

// ticket converts an issue and remembers its number.
func (c *Client) ticket(i issue) tracker.Ticket {
	t := tracker.Ticket{ID: i.ID, Key: i.Key, URL: c.browse(i.Key)}
	var project, kind, resolution, parent, assignee, priority named
	var st status
	var links []issueLink
	var created, updated string
	i.field("summary", &t.Summary)
	i.field("labels", &t.Labels)
	i.field("project", &project)
	i.field("issuetype", &kind)
	i.field("status", &st)
	i.field("resolution", &resolution)
	i.field("parent", &parent)
	i.field("assignee", &assignee)
	i.field("priority", &priority)
	i.field("timeoriginalestimate", &t.Estimate.Seconds)
	if c.cfg.StoryPoints != "" {
		i.field(c.cfg.StoryPoints, &t.Estimate.Points)
	}
	i.field("issuelinks", &links)
	i.field("created", &created)
	i.field("updated", &updated)
	t.Body = plainBody(i.Fields["description"])
	t.Project, t.Type, t.Parent, t.Priority = project.Key, kind.Name, parent.Key, priority.Name
	if t.Project == "" {
		t.Project, _ = splitKey(i.Key)
	}
	t.Status, t.StatusID, t.Category = st.Name, st.ID, st.category()
	t.Resolution, t.ResolutionID = resolution.Name, resolution.ID
	t.Assignee = first(assignee.DisplayName, assignee.Name, assignee.AccountID)
	t.Created, t.Updated = parseTime(created), parseTime(updated)
	slices.Sort(t.Labels)
	for _, l := range links {
		for _, other := range []*named{l.Inward, l.Outward} {
			if other != nil {
				t.Links = append(t.Links, other.ID)
			}
		}
		if l.Outward != nil && strings.EqualFold(l.Type.Name, c.cfg.DuplicateLinkType) {
			t.DuplicateOf = l.Outward.ID
		}
	}
	slices.Sort(t.Links)
	t.Links = slices.Compact(t.Links)
	var own syncProperty
	if raw, ok := i.Properties[PropertyKey]; ok {
		_ = json.Unmarshal(raw, &own) // a property that somebody else overwrote names no marker
	}
	t.PropertyMarker = own.Marker
	t.Markers = markersOf(own.Marker, t.Labels, t.Body)
	c.remember(i.Key)
	return t
}

func markersOf(property string, labels []string, body string) []string {
	var out []string
	add := func(m string) {
		if markers.MatchString(m) && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	add(property)
	for _, l := range labels {
		if m, ok := strings.CutPrefix(l, LabelPrefix); ok {
			add(m)
		}
	}
	for _, m := range richtext.Markers(body) {
		add(m)
	}
	return out
}

// plainBody reads a description: a string (wiki markup) or an ADF tree.
func plainBody(raw json.RawMessage) string {
	switch v := decodeBody(raw).(type) {
	case string:
		return richtext.PlainWiki(v)
	case map[string]any:
		return richtext.PlainADF(v)
	}
	return ""
}

// decodeBody keeps numbers as they were written, so that a tree can be sent back unchanged.
func decodeBody(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

func (c *Client) browse(key string) string { return c.site + "/browse/" + key }

// parseTime reads Jira's times, which carry the offset of the caller's zone.
func parseTime(s string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339Nano, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// splitKey splits "SEC-12"; 0 where the key is none.
func splitKey(key string) (string, int64) {
	i := strings.LastIndexByte(key, '-')
	if i < 0 {
		return "", 0
	}
	n, err := strconv.ParseInt(key[i+1:], 10, 64)
	if err != nil {
		return "", 0
	}
	return key[:i], n
}

func (c *Client) remember(key string) {
	project, n := splitKey(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[project] = max(c.seen[project], n)
}

func first(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
