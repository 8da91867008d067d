package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// fieldMeta describes a field of a create or transition screen.
type fieldMeta struct {
	FieldID    string         `json:"fieldId"`
	Name       string         `json:"name"`
	Required   bool           `json:"required"`
	HasDefault bool           `json:"hasDefaultValue"`
	Schema     fieldSchema    `json:"schema"`
	Allowed    []allowedValue `json:"allowedValues"`
}

type fieldSchema struct {
	Type   string `json:"type"`
	Items  string `json:"items"`
	Custom string `json:"custom"`
	System string `json:"system"`
}

type allowedValue struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// UnmarshalJSON accepts whatever a site's fields offer: an entry of another
// shape has no id and is never picked.
func (a *allowedValue) UnmarshalJSON(b []byte) error {
	var v struct {
		ID    any    `json:"id"`
		Name  string `json:"name"`
		Value any    `json:"value"`
	}
	if json.Unmarshal(b, &v) != nil {
		return nil
	}
	a.Name = v.Name
	a.ID, _ = v.ID.(string)
	a.Value, _ = v.Value.(string)
	return nil
}

func (a allowedValue) label() string { return first(a.Name, a.Value, a.ID) }

const epicLink = "com.pyxis.greenhopper.jira:gh-epic-link"

// pick finds an allowed value by id or, without regard to case, by name.
func (f fieldMeta) pick(want string) (allowedValue, bool) {
	for _, a := range f.Allowed {
		if a.ID != "" && a.ID == want {
			return a, true
		}
	}
	for _, a := range f.Allowed {
		if a.ID != "" && strings.EqualFold(a.label(), want) {
			return a, true
		}
	}
	return allowedValue{}, false
}

// value turns a mapped value into what the field takes: a text becomes the id
// of an allowed value, a list of them, or a document for a text area on Cloud.
func (f fieldMeta) value(v any, cloud bool) (any, error) {
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	if len(f.Allowed) > 0 {
		a, ok := f.pick(s)
		if !ok {
			return nil, fmt.Errorf("%q is not allowed; allowed: %s", s, f.offers())
		}
		if f.Schema.Type == "array" {
			return []any{map[string]any{"id": a.ID}}, nil
		}
		return map[string]any{"id": a.ID}, nil
	}
	if f.Schema.Type == "array" {
		return []any{s}, nil
	}
	if cloud && strings.HasSuffix(f.Schema.Custom, ":textarea") {
		return richtext.ADF(richtext.Doc{richtext.P(richtext.Text(s))}), nil
	}
	if f.Schema.Type == "number" {
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return n, nil
		}
	}
	return s, nil
}

func (f fieldMeta) offers() string {
	var names []string
	for i, a := range f.Allowed {
		if i == 10 {
			names = append(names, "...")
			break
		}
		names = append(names, a.label())
	}
	return strings.Join(names, ", ")
}

// demanded reports whether a create without the field is refused. Jira takes the
// caller as reporter although its form says that one is required.
func (f fieldMeta) demanded() bool { return f.Required && !f.HasDefault && f.FieldID != "reporter" }

// missing is the text for a required field without a value.
func (f fieldMeta) missing() string {
	s := fmt.Sprintf("%s (%s) is required and no value is mapped", f.Name, first(f.Schema.Custom, f.Schema.Type))
	if len(f.Allowed) > 0 {
		s += "; allowed: " + f.offers()
	}
	return s
}

// form is a create screen.
type form struct {
	typeID string
	fields map[string]fieldMeta
}

type cachedForm struct {
	form
	at time.Time
}

// cachedKey is the key of a project, as it was at the time.
type cachedKey struct {
	key string
	at  time.Time
}

func (f form) has(id string) bool { _, ok := f.fields[id]; return ok }

// Form implements tracker.Tracker. It always asks Jira.
func (c *Client) Form(ctx context.Context, in tracker.Target) (tracker.Form, error) {
	f, err := c.readForm(ctx, in)
	if err != nil {
		return tracker.Form{}, err
	}
	var out tracker.Form
	for _, id := range sortedKeys(f.fields) {
		m := f.fields[id]
		ff := tracker.FormField{ID: id, Name: m.Name, Required: m.demanded(), Type: first(m.Schema.Custom, m.Schema.Type)}
		for _, a := range m.Allowed {
			ff.Allowed = append(ff.Allowed, tracker.Option{ID: a.ID, Name: a.label()})
		}
		out.Fields = append(out.Fields, ff)
	}
	return out, nil
}

// cachedFormOf returns the create screen, at most ten minutes old.
func (c *Client) cachedFormOf(ctx context.Context, in tracker.Target) (form, error) {
	key := tracker.Target{Project: in.Project, Type: in.Type}
	c.mu.Lock()
	f, ok := c.forms[key]
	c.mu.Unlock()
	if ok && c.cfg.HTTP.Now().Sub(f.at) < formAge {
		return f.form, nil
	}
	return c.readForm(ctx, in)
}

func (c *Client) forgetForm(in tracker.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.forms, tracker.Target{Project: in.Project, Type: in.Type})
}

func (c *Client) readForm(ctx context.Context, in tracker.Target) (form, error) {
	types, err := c.issueTypes(ctx, in.Project)
	if err != nil {
		return form{}, err
	}
	f := form{fields: map[string]fieldMeta{}}
	var names []string
	for _, t := range types {
		names = append(names, t.Name)
		if t.ID == in.Type || f.typeID == "" && strings.EqualFold(t.Name, in.Type) {
			f.typeID = t.ID
		}
	}
	if f.typeID == "" {
		return form{}, invalid("read create form", fmt.Sprintf("project %s offers no issue type %q to us; it offers: %s", in.Project, in.Type, strings.Join(names, ", ")),
			map[string]string{"issuetype": "not offered"})
	}
	path := "/issue/createmeta/" + url.PathEscape(in.Project) + "/issuetypes/" + url.PathEscape(f.typeID)
	for start := 0; ; {
		var page struct {
			Fields []fieldMeta `json:"fields"`
			Values []fieldMeta `json:"values"` // Data Center's name for the same list
			Total  int         `json:"total"`
		}
		if err := c.get(ctx, "read create form", path, pageQuery(start), &page); err != nil {
			return form{}, err
		}
		all := append(page.Fields, page.Values...)
		for _, m := range all {
			f.fields[m.FieldID] = m
		}
		if start += len(all); len(all) == 0 || start >= page.Total {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forms[tracker.Target{Project: in.Project, Type: in.Type}] = cachedForm{form: f, at: c.cfg.HTTP.Now()}
	return f, nil
}

func (c *Client) issueTypes(ctx context.Context, project string) ([]named, error) {
	if !word.MatchString(project) {
		return nil, invalid("read create form", fmt.Sprintf("%q is not a project key or id", project), map[string]string{"project": "not a key"})
	}
	path := "/issue/createmeta/" + url.PathEscape(project) + "/issuetypes"
	var out []named
	for {
		var page struct {
			Types  []named `json:"issueTypes"`
			Values []named `json:"values"`
			Total  int     `json:"total"`
		}
		if err := c.get(ctx, "read issue types", path, pageQuery(len(out)), &page); err != nil {
			return nil, err
		}
		got := append(page.Types, page.Values...)
		out = append(out, got...)
		if len(got) == 0 || len(out) >= page.Total {
			return out, nil
		}
	}
}

func pageQuery(start int) url.Values {
	return url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {"200"}}
}
