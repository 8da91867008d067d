package fake

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Issue is what a person sees of an issue.
type Issue struct {
	ID, Key, Project, Type, Summary string
	Description                     any    // string or ADF tree
	Text                            string // the description's text
	Labels                          []string
	Status, Category, Resolution    string
	Priority, Assignee              string
	Properties                      map[string]json.RawMessage
	Comments                        []string          // texts, oldest first
	Links                           []string          // "<outward name> <key>", sorted
	RemoteLinks                     map[string]string // global id -> URL
	Created, Updated                time.Time
}

func (s *Server) view(i *issue) Issue {
	v := Issue{
		ID: fmt.Sprint(i.id), Key: i.key, Project: i.project.key, Type: i.typ.name, Summary: i.summary, Description: i.description,
		Text: text(i.description), Labels: slices.Clone(i.labels), Status: i.status.Name, Category: i.status.Category,
		Resolution: nameOf(resolutions, i.resolution), Priority: nameOf(priorities, i.priority), Assignee: i.assignee,
		Properties: maps.Clone(i.props), RemoteLinks: map[string]string{}, Created: i.created, Updated: i.updated,
	}
	for _, c := range i.comments {
		v.Comments = append(v.Comments, text(c.body))
	}
	for _, l := range s.links {
		switch i.id {
		case l.from:
			v.Links = append(v.Links, l.kind.Outward+" "+s.issues[l.to].key)
		case l.to:
			v.Links = append(v.Links, l.kind.Inward+" "+s.issues[l.from].key)
		}
	}
	slices.Sort(v.Links)
	for id, r := range i.remote {
		v.RemoteLinks[id] = r.url
	}
	return v
}

func nameOf(os []Option, id string) string {
	for _, o := range os {
		if o.ID == id {
			return o.Name
		}
	}
	return ""
}

// Issues returns the issues that were not deleted, by id.
func (s *Server) Issues() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commitDue()
	var out []Issue
	for _, id := range s.order {
		if i := s.issues[id]; !i.deleted {
			out = append(out, s.view(i))
		}
	}
	return out
}

// Issue returns one issue by id or key; false where it was deleted or never was.
func (s *Server) Issue(key string) (Issue, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commitDue()
	i, err := s.lookup(key)
	if err != nil {
		return Issue{}, false
	}
	return s.view(i), true
}

func (s *Server) lookup(key string) (*issue, error) {
	for _, id := range s.order {
		i := s.issues[id]
		if !i.deleted && (i.key == key || fmt.Sprint(i.id) == key || s.byKey[key] == i.id) {
			return i, nil
		}
	}
	return nil, fmt.Errorf("fake: no issue %s", key)
}

// change runs f on an issue as a person's edit.
func (s *Server) change(key string, f func(*issue) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commitDue()
	i, err := s.lookup(key)
	if err != nil {
		return err
	}
	if err := f(i); err != nil {
		return err
	}
	event := "jira:issue_updated"
	if i.deleted {
		event = "jira:issue_deleted"
	}
	s.touch(i, event)
	return nil
}

// SetStatus moves an issue as a person with all rights does: to a status by
// name or id, with a resolution by name or id ("" clears it, or takes the first
// where the status is done), and with a comment where one is given.
func (s *Server) SetStatus(key, status, resolution, remark string) error {
	return s.change(key, func(i *issue) error {
		st, ok := i.project.status(status)
		if !ok {
			return fmt.Errorf("fake: no status %s in %s", status, i.project.key)
		}
		i.status, i.resolution = st, ""
		if resolution == "" && st.Category == "done" {
			resolution = resolutions[0].ID
		}
		for _, r := range resolutions {
			if resolution != "" && (r.ID == resolution || strings.EqualFold(r.Name, resolution)) {
				i.resolution = r.ID
			}
		}
		if resolution != "" && i.resolution == "" {
			return fmt.Errorf("fake: no resolution %s", resolution)
		}
		if remark != "" {
			s.comment(i, "Ada Human", s.body(remark))
		}
		return nil
	})
}

// body makes a description or comment of one paragraph.
func (s *Server) body(text string) any {
	if s.opt.Flavour == DataCenter {
		return text
	}
	var content []any
	for _, line := range strings.Split(text, "\n") {
		p := map[string]any{"type": "paragraph"}
		if line != "" {
			p["content"] = []any{map[string]any{"type": "text", "text": line}}
		}
		content = append(content, p)
	}
	return map[string]any{"type": "doc", "version": 1, "content": content}
}

func (s *Server) comment(i *issue, author string, body any) comment {
	s.nextSub++
	c := comment{id: fmt.Sprint(s.nextSub), author: author, body: body, created: s.now()}
	i.comments = append(i.comments, c)
	return c
}

// AddComment comments as a person.
func (s *Server) AddComment(key, text string) error {
	return s.change(key, func(i *issue) error { s.comment(i, "Ada Human", s.body(text)); return nil })
}

// EditSummary changes the summary as a person.
func (s *Server) EditSummary(key, summary string) error {
	return s.change(key, func(i *issue) error { i.summary = summary; return nil })
}

// SurroundDescription puts a person's lines before and after the description.
func (s *Server) SurroundDescription(key, before, after string) error {
	return s.change(key, func(i *issue) error {
		switch v := i.description.(type) {
		case map[string]any:
			head, _ := s.body(before).(map[string]any)["content"].([]any)
			tail, _ := s.body(after).(map[string]any)["content"].([]any)
			old, _ := v["content"].([]any)
			i.description = map[string]any{"type": "doc", "version": 1, "content": slices.Concat(head, old, tail)}
		case string:
			i.description = before + "\r\n" + v + "\r\n" + after
		default:
			i.description = s.body(before + "\n" + after)
		}
		return nil
	})
}

// SetDescription replaces the description; body is a string or an ADF tree.
func (s *Server) SetDescription(key string, body any) error {
	return s.change(key, func(i *issue) error { i.description = body; return nil })
}

// RemoveLabel takes a label away, "*" all of them.
func (s *Server) RemoveLabel(key, label string) error {
	return s.change(key, func(i *issue) error {
		i.labels = slices.DeleteFunc(i.labels, func(l string) bool { return label == "*" || l == label })
		return nil
	})
}

// RemoveProperty takes an entity property away.
func (s *Server) RemoveProperty(key, property string) error {
	return s.change(key, func(i *issue) error { delete(i.props, property); return nil })
}

// SetEstimate sets the original estimate in seconds and, where field is given,
// the story points.
func (s *Server) SetEstimate(key string, seconds int64, field string, points float64) error {
	return s.change(key, func(i *issue) error {
		i.estimate = seconds
		if field != "" {
			i.custom[field] = points
		}
		return nil
	})
}

// Delete deletes an issue for good.
func (s *Server) Delete(key string) error {
	return s.change(key, func(i *issue) error { i.deleted = true; return nil })
}

// Hide puts an issue behind a security level that the account has not, or back.
func (s *Server) Hide(key string, hidden bool) error {
	return s.change(key, func(i *issue) error { i.hidden = hidden; return nil })
}

// Move moves an issue to another project; it gets a new key and keeps its id.
func (s *Server) Move(key, to string) (newKey string, err error) {
	err = s.change(key, func(i *issue) error {
		p := s.project(to)
		if p == nil {
			return fmt.Errorf("fake: no project %s", to)
		}
		p.last++
		i.project = p
		if st, ok := p.status(i.status.Name); ok {
			i.status = st
		} else {
			i.status, _ = p.status(p.flow.Initial)
		}
		newKey = fmt.Sprintf("%s-%d", p.key, p.last)
		s.rekey(i, newKey)
		return nil
	})
	return newKey, err
}

// Clone copies an issue as a person's "Clone" does: labels and description, a
// cloners link, and the entity properties only if asked for.
func (s *Server) Clone(key string, properties bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.lookup(key)
	if err != nil {
		return "", err
	}
	c := i.copy()
	c.comments, c.remote = nil, map[string]remoteLink{}
	if !properties {
		c.props = map[string]json.RawMessage{}
	}
	c.summary = "CLONE - " + c.summary
	s.add(c)
	s.nextSub++
	s.links = append(s.links, link{id: s.nextSub, kind: s.types[1], from: c.id, to: i.id})
	return c.key, nil
}

// AddProject adds a project with five issue types and the simple workflow.
func (s *Server) AddProject(key, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &project{
		id: 10000 + int64(len(s.projects)), key: key, name: name, flow: SimpleWorkflow(), fields: map[string][]Field{},
		types: []issueType{{"10001", "Task", false}, {"10002", "Bug", false}, {"10003", "Story", false}, {"10004", "Epic", false}, {"10005", "Sub-task", true}},
	}
	for _, t := range p.types {
		p.fields[t.id] = createFields()
	}
	s.projects = append(s.projects, p)
}

// RenameProject gives a project a new key; all its issues get new keys and
// answer to the old ones.
func (s *Server) RenameProject(key, to string) error {
	return s.onProject(key, func(p *project) {
		p.old = append(p.old, p.key)
		p.key = to
		for _, id := range s.order {
			if i := s.issues[id]; i.project == p {
				s.rekey(i, to+i.key[strings.LastIndexByte(i.key, '-'):])
				s.touch(i, "jira:issue_updated")
			}
		}
	})
}

// DeleteProject deletes a project with its issues; nobody is told.
func (s *Server) DeleteProject(key string) error {
	return s.onProject(key, func(p *project) {
		for _, id := range s.order {
			if i := s.issues[id]; i.project == p && !i.deleted {
				i.deleted, i.updated = true, s.now()
				i.index = append(i.index, i.copy())
			}
		}
		s.projects = slices.DeleteFunc(s.projects, func(x *project) bool { return x == p })
	})
}

// ArchiveProject makes a project read-only and hides it from search.
func (s *Server) ArchiveProject(key string, archived bool) error {
	return s.onProject(key, func(p *project) { p.archived = archived })
}

// SetWorkflow replaces a project's workflow; issues keep their status.
func (s *Server) SetWorkflow(key string, w Workflow) error {
	return s.onProject(key, func(p *project) { p.flow = w })
}

// SetField adds a field to the create screens of a project or replaces the one
// with its id.
func (s *Server) SetField(key string, f Field) error {
	return s.onProject(key, func(p *project) {
		for t, fs := range p.fields {
			fs = slices.DeleteFunc(fs, func(o Field) bool { return o.ID == f.ID })
			p.fields[t] = append(fs, f)
		}
	})
}

// RemoveField takes a field off the create screens of a project.
func (s *Server) RemoveField(key, field string) error {
	return s.onProject(key, func(p *project) {
		for t, fs := range p.fields {
			p.fields[t] = slices.DeleteFunc(fs, func(o Field) bool { return o.ID == field })
		}
	})
}

func (s *Server) onProject(key string, f func(*project)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.project(key)
	if p == nil {
		return fmt.Errorf("fake: no project %s", key)
	}
	f(p)
	return nil
}

// SetLag sets how far the search index is behind.
func (s *Server) SetLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Lag = d
}

// SetBlind makes every search answer with an empty page, as during a reindex.
func (s *Server) SetBlind(blind bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = blind
}

// SetAuth sets how the credential is treated.
func (s *Server) SetAuth(m AuthMode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.auth = m
}

// Deny takes a permission (BROWSE_PROJECTS, CREATE_ISSUES, EDIT_ISSUES,
// TRANSITION_ISSUES, ADD_COMMENTS, LINK_ISSUES) from the account, or gives it back.
func (s *Server) Deny(permission string, denied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[permission] = denied
}

// SetLinkTypes replaces the link types; none switches linking off.
func (s *Server) SetLinkTypes(ts ...LinkType) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.types = ts
}

// Commit executes the late commits that are due by the clock.
func (s *Server) Commit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commitDue()
}

// Credential returns the credential and flavour a client needs.
func (s *Server) Credential() (flavour Flavour, email, token string) {
	return s.opt.Flavour, s.opt.Email, s.opt.Token
}
