package fake

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StatusDef is a status of a workflow.
type StatusDef struct {
	ID, Name string
	Category string // "new", "indeterminate" or "done"
}

// TransitionDef is a step of a workflow.
type TransitionDef struct {
	ID, Name        string
	From            []string // status ids; nil is any
	To              string
	Screen          []Field // fields on the step's screen
	SetResolution   string  // resolution id set where the request names none
	ClearResolution bool
	Silent          bool // accepted without any effect
}

// Workflow is the statuses and steps of a project.
type Workflow struct {
	Statuses    []StatusDef
	Initial     string
	Transitions []TransitionDef
}

// Field is a field of a screen.
type Field struct {
	ID, Name   string
	Type       string // "string", "option", "array", "number", "user", ...
	Items      string
	Custom     string // type of a custom field
	Required   bool
	HasDefault bool
	Allowed    []Option
}

// Option is an allowed value.
type Option struct{ ID, Name string }

// LinkType is a type of issue links.
type LinkType struct{ ID, Name, Inward, Outward string }

type issueType struct {
	id, name string
	subtask  bool
}

type project struct {
	id       int64
	key      string
	old      []string
	name     string
	last     int64
	archived bool
	flow     Workflow
	types    []issueType
	fields   map[string][]Field // by issue type id
}

type issue struct {
	id          int64
	key         string
	project     *project
	typ         issueType
	summary     string
	description any
	labels      []string
	status      StatusDef
	resolution  string
	priority    string
	assignee    string
	parent      int64
	estimate    int64
	custom      map[string]any
	props       map[string]json.RawMessage
	comments    []comment
	remote      map[string]remoteLink
	created     time.Time
	updated     time.Time
	deleted     bool
	hidden      bool
	index       []*issue // what the index may show, oldest first
}

type comment struct {
	id      string
	author  string
	body    any
	created time.Time
}

type remoteLink struct {
	id         int64
	url, title string
}

type link struct {
	id       int64
	kind     LinkType
	from, to int64
}

var resolutions = []Option{{"10000", "Done"}, {"10001", "Won't Do"}, {"10002", "Duplicate"}, {"10003", "Cannot Reproduce"}}

var priorities = []Option{{"1", "Highest"}, {"2", "High"}, {"3", "Medium"}, {"4", "Low"}, {"5", "Lowest"}}

// ResolutionField is the resolution as a screen field.
func ResolutionField(required bool) Field {
	return Field{ID: "resolution", Name: "Resolution", Type: "resolution", Required: required, Allowed: slices.Clone(resolutions)}
}

// SimpleWorkflow is To Do, In Progress, Done with a step from each to each.
func SimpleWorkflow() Workflow {
	return Workflow{
		Statuses: []StatusDef{{"10000", "To Do", "new"}, {"10001", "In Progress", "indeterminate"}, {"10002", "Done", "done"}},
		Initial:  "10000",
		Transitions: []TransitionDef{
			{ID: "11", Name: "Back to the list", To: "10000", ClearResolution: true},
			{ID: "21", Name: "Start", To: "10001", ClearResolution: true},
			{ID: "31", Name: "Finish", To: "10002", SetResolution: "10000", Screen: []Field{ResolutionField(false)}},
		},
	}
}

func createFields() []Field {
	return []Field{
		{ID: "project", Name: "Project", Type: "project", Required: true},
		{ID: "issuetype", Name: "Issue Type", Type: "issuetype", Required: true},
		{ID: "summary", Name: "Summary", Type: "string", Required: true},
		{ID: "reporter", Name: "Reporter", Type: "user", Required: true, HasDefault: true},
		{ID: "description", Name: "Description", Type: "string"},
		{ID: "labels", Name: "Labels", Type: "array", Items: "string"},
		{ID: "priority", Name: "Priority", Type: "priority", HasDefault: true, Allowed: slices.Clone(priorities)},
		{ID: "assignee", Name: "Assignee", Type: "user"},
		{ID: "parent", Name: "Parent", Type: "issuelink"},
	}
}

func (p *project) status(want string) (StatusDef, bool) {
	for _, st := range p.flow.Statuses {
		if st.ID == want || strings.EqualFold(st.Name, want) {
			return st, true
		}
	}
	return StatusDef{}, false
}

func (s *Server) project(want string) *project {
	for _, p := range s.projects {
		if p.key == want || strconv.FormatInt(p.id, 10) == want || slices.Contains(p.old, want) {
			return p
		}
	}
	return nil
}

// find returns an issue by id or by any key it ever had, as long as people can
// see it.
func (s *Server) find(want string) *issue {
	id, ok := s.byKey[want]
	if !ok {
		id, _ = strconv.ParseInt(want, 10, 64)
	}
	i := s.issues[id]
	if i == nil || i.deleted || i.hidden || s.denied["BROWSE_PROJECTS"] {
		return nil
	}
	return i
}

// add stores a new issue and gives it the next number.
func (s *Server) add(i *issue) {
	s.nextID++
	i.project.last++
	i.id = s.nextID
	i.key = fmt.Sprintf("%s-%d", i.project.key, i.project.last)
	i.created = s.now()
	s.issues[i.id] = i
	s.order = append(s.order, i.id)
	s.byKey[i.key] = i.id
	s.touch(i, "jira:issue_created")
}

// touch marks a change: time, index entry, webhook.
func (s *Server) touch(i *issue, event string) {
	i.updated = s.now()
	// What no index with the present lag can show any more is dropped.
	for len(i.index) > 1 && !i.index[1].updated.After(i.updated.Add(-s.opt.Lag)) {
		i.index = i.index[1:]
	}
	i.index = append(i.index, i.copy())
	s.queueEvent(event, i)
}

func (i *issue) copy() *issue {
	c := *i
	c.index = nil
	c.labels = slices.Clone(i.labels)
	c.custom = maps.Clone(i.custom)
	c.props = maps.Clone(i.props)
	c.comments = slices.Clone(i.comments)
	c.remote = maps.Clone(i.remote)
	return &c
}

// indexed returns the issues as the search index shows them now.
func (s *Server) indexed() []*issue {
	seen := s.now().Add(-s.opt.Lag)
	var out []*issue
	for _, id := range s.order {
		i := s.issues[id]
		var shown *issue
		for _, v := range i.index {
			if !v.updated.After(seen) {
				shown = v
			}
		}
		if shown != nil && !shown.deleted && !i.hidden && !i.project.archived {
			out = append(out, shown)
		}
	}
	return out
}

// rekey gives an issue a new key; the old one stays an alias.
func (s *Server) rekey(i *issue, key string) {
	i.key = key
	s.byKey[key] = i.id
}

// text is everything a person would read in a description or comment.
func text(body any) string {
	switch v := body.(type) {
	case string:
		return v
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, text(e))
		}
		return strings.Join(parts, "\n")
	case map[string]any:
		if t, ok := v["text"].(string); ok {
			return t
		}
		return text(v["content"])
	}
	return ""
}
