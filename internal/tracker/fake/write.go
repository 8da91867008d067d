package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

const (
	maxSummary = 255
	maxText    = 32767
)

func units(s string) int { return len(utf16.Encode([]rune(s))) }

func (s *Server) createIssue(x *exchange) answer {
	fields, _ := x.body["fields"].(map[string]any)
	if s.denied["CREATE_ISSUES"] {
		return failure(http.StatusBadRequest, "", map[string]string{"project": "You do not have permission to create issues in this project."})
	}
	p := s.project(refOf(fields["project"], "key"))
	if p == nil || p.archived {
		return failure(http.StatusBadRequest, "", map[string]string{"project": "valid project is required"})
	}
	var typ issueType
	for _, t := range p.types {
		if w := refOf(fields["issuetype"], "name"); t.id == w || strings.EqualFold(t.name, w) {
			typ = t
		}
	}
	if typ.id == "" {
		return failure(http.StatusBadRequest, "", map[string]string{"issuetype": "The issue type selected is invalid."})
	}
	i := &issue{project: p, typ: typ, priority: "3", custom: map[string]any{}, props: map[string]json.RawMessage{}, remote: map[string]remoteLink{}}
	i.status, _ = p.status(p.flow.Initial)
	if wrong := s.assign(i, fields, p.fields[typ.id], true); len(wrong) > 0 {
		return failure(http.StatusBadRequest, "", wrong)
	}
	if !s.opt.IgnoreCreateProperties {
		list, _ := x.body["properties"].([]any)
		for _, e := range list {
			m, _ := e.(map[string]any)
			key, _ := m["key"].(string)
			if b, err := json.Marshal(m["value"]); err == nil && key != "" {
				i.props[key] = b
			}
		}
	}
	s.add(i)
	id := fmt.Sprint(i.id)
	return answer{status: http.StatusCreated, body: map[string]any{"id": id, "key": i.key, "self": x.base + "/rest/issue/" + id}}
}

// refOf reads {"id": ...} or {key: ...}.
func refOf(v any, key string) string {
	m, _ := v.(map[string]any)
	if id, ok := m["id"].(string); ok {
		return id
	}
	s, _ := m[key].(string)
	return s
}

// assign sets fields that are on the screen and says what is wrong with others.
// Required fields are demanded on creation.
func (s *Server) assign(i *issue, fields map[string]any, screen []Field, create bool) map[string]string {
	wrong := map[string]string{}
	for _, f := range screen {
		if _, given := fields[f.ID]; create && f.Required && !f.HasDefault && !given {
			wrong[f.ID] = f.Name + " is required."
		}
	}
	for id, v := range fields {
		n := slices.IndexFunc(screen, func(f Field) bool { return f.ID == id })
		if n < 0 {
			wrong[id] = "Field '" + id + "' cannot be set. It is not on the appropriate screen, or unknown."
			continue
		}
		if problem := s.set(i, screen[n], v); problem != "" {
			wrong[id] = problem
		}
	}
	return wrong
}

// set sets one field; the answer is the problem, "" for none.
func (s *Server) set(i *issue, f Field, v any) string {
	switch f.ID {
	case "project", "issuetype", "reporter":
		return ""
	case "summary":
		t, isText := v.(string)
		switch {
		case !isText || strings.TrimSpace(t) == "":
			return "You must specify a summary of the issue."
		case units(t) > maxSummary:
			return "Summary can't exceed 255 characters."
		case strings.ContainsAny(t, "\n\r"):
			return "The summary is invalid because it contains newline characters."
		}
		i.summary = t
	case "description":
		if problem := s.checkText(v); problem != "" {
			return problem
		}
		i.description = v
	case "labels":
		return setLabels(i, v)
	case "priority":
		return choose(priorities, refOf(v, "name"), &i.priority, "The priority selected is invalid.")
	case "resolution":
		return choose(resolutions, refOf(v, "name"), &i.resolution, "The resolution selected is invalid.")
	case "assignee":
		key := "name"
		if s.opt.Flavour == Cloud {
			key = "accountId"
		}
		m, _ := v.(map[string]any)
		i.assignee, _ = m[key].(string)
	case "parent":
		p := s.find(refOf(v, "key"))
		if p == nil {
			return "Could not find issue by id or key."
		}
		i.parent = p.id
	default:
		return setCustom(i, f, v)
	}
	return ""
}

func setCustom(i *issue, f Field, v any) string {
	if len(f.Allowed) == 0 {
		if _, isText := v.(string); f.Type == "string" && !isText && !strings.HasSuffix(f.Custom, ":textarea") {
			return "Operation value must be a string"
		}
		i.custom[f.ID] = v
		return ""
	}
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	if isList != (f.Type == "array") {
		return "data was not of the expected shape"
	}
	for _, e := range list {
		var id string
		if problem := choose(f.Allowed, refOf(e, "value"), &id, "Specify a valid value for "+f.Name); problem != "" {
			return problem
		}
	}
	i.custom[f.ID] = v
	return ""
}

func choose(os []Option, want string, into *string, problem string) string {
	for _, o := range os {
		if o.ID == want || o.Name == want {
			*into = o.ID
			return ""
		}
	}
	return problem
}

func setLabels(i *issue, v any) string {
	list, isList := v.([]any)
	if !isList {
		return "data was not an array"
	}
	var out []string
	for _, e := range list {
		l, isText := e.(string)
		if problem := checkLabel(l, isText); problem != "" {
			return problem
		}
		out = append(out, l)
	}
	slices.Sort(out)
	i.labels = slices.Compact(out)
	return ""
}

func checkLabel(l string, isText bool) string {
	switch {
	case !isText || l == "":
		return "The label is empty."
	case strings.ContainsAny(l, " \t\n"):
		return "The label '" + l + "' contains spaces which is invalid."
	case units(l) > 255:
		return "The label exceeds 255 characters."
	}
	return ""
}

// checkText checks a description or comment: a string on Data Center, an ADF
// document on Cloud, both of at most 32,767 characters.
func (s *Server) checkText(v any) string {
	t, isText := v.(string)
	if s.opt.Flavour == Cloud {
		m, _ := v.(map[string]any)
		if m["type"] != "doc" || m["version"] != float64(1) {
			return "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
		}
		b, err := json.Marshal(v)
		if err != nil {
			return "INVALID_INPUT"
		}
		t, isText = string(b), true
	}
	switch {
	case !isText:
		return "Operation value must be a string"
	case units(t) > maxText:
		return "CONTENT_LIMIT_EXCEEDED: The entered text is too long. It exceeds the allowed limit of 32,767 characters."
	case strings.ContainsRune(t, 0):
		return "The text contains an invalid character."
	}
	return ""
}

// writable returns the issue for a write or the refusal.
func (s *Server) writable(want, permission string) (*issue, *answer) {
	i := s.find(want)
	if i == nil {
		a := notFound()
		return nil, &a
	}
	if s.denied[permission] || i.project.archived {
		a := failure(http.StatusForbidden, "You do not have the permission for this: "+permission, nil)
		return nil, &a
	}
	if a := s.throttle(i); a != nil {
		return nil, a
	}
	return i, nil
}

// throttle limits the writes per issue as Cloud does.
func (s *Server) throttle(i *issue) *answer {
	if s.opt.WritesPerIssue == 0 {
		return nil
	}
	now := s.now()
	recent := slices.DeleteFunc(s.writes[i.id], func(t time.Time) bool { return now.Sub(t) >= 2*time.Second })
	if len(recent) >= s.opt.WritesPerIssue {
		s.writes[i.id] = recent
		return &answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"2"}, "RateLimit-Reason": {"jira-per-issue-on-write"}}}
	}
	s.writes[i.id] = append(recent, now)
	return nil
}

func (s *Server) editIssue(x *exchange, want string) answer {
	i, refused := s.writable(want, "EDIT_ISSUES")
	if refused != nil {
		return *refused
	}
	fields, _ := x.body["fields"].(map[string]any)
	update, _ := x.body["update"].(map[string]any)
	draft := i.copy()
	wrong := s.assign(draft, fields, i.project.fields[i.typ.id], false)
	for id, v := range update {
		ops, _ := v.([]any)
		switch _, both := fields[id]; {
		case both:
			wrong[id] = "Field '" + id + "' cannot appear in both 'fields' and 'update'"
		case id != "labels":
			wrong[id] = "Field '" + id + "' has no such operation here."
		default:
			if problem := updateLabels(draft, ops); problem != "" {
				wrong[id] = problem
			}
		}
	}
	if len(wrong) > 0 {
		return failure(http.StatusBadRequest, "", wrong)
	}
	draft.index = i.index
	*i = *draft
	s.touch(i, "jira:issue_updated")
	return answer{status: http.StatusNoContent}
}

func updateLabels(i *issue, ops []any) string {
	for _, op := range ops {
		m, _ := op.(map[string]any)
		if v, adds := m["add"]; adds {
			l, isText := v.(string)
			if problem := checkLabel(l, isText); problem != "" {
				return problem
			}
			if !slices.Contains(i.labels, l) {
				i.labels = append(i.labels, l)
			}
		}
		if l, removes := m["remove"].(string); removes {
			i.labels = slices.DeleteFunc(i.labels, func(o string) bool { return o == l })
		}
	}
	slices.Sort(i.labels)
	return ""
}

func (s *Server) doTransition(x *exchange, want string) answer {
	i, refused := s.writable(want, "TRANSITION_ISSUES")
	if refused != nil {
		return *refused
	}
	id := refOf(x.body["transition"], "id")
	steps := s.offered(i)
	n := slices.IndexFunc(steps, func(t TransitionDef) bool { return t.ID == id })
	if n < 0 {
		return failure(http.StatusBadRequest, "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.", nil)
	}
	t := steps[n]
	fields, _ := x.body["fields"].(map[string]any)
	if fields == nil {
		fields = map[string]any{}
	}
	draft := i.copy()
	if t.ClearResolution {
		draft.resolution = ""
	}
	update, _ := x.body["update"].(map[string]any)
	remarks, _ := update["comment"].([]any)
	screen := slices.DeleteFunc(slices.Clone(t.Screen), func(f Field) bool { return f.ID == "comment" && len(remarks) > 0 })
	if wrong := s.assign(draft, fields, screen, true); len(wrong) > 0 {
		return failure(http.StatusBadRequest, "", wrong)
	}
	if t.Silent {
		return answer{status: http.StatusNoContent}
	}
	if _, given := fields["resolution"]; !given && t.SetResolution != "" {
		draft.resolution = t.SetResolution
	}
	draft.status, _ = i.project.status(t.To)
	draft.index = i.index
	*i = *draft
	for _, r := range remarks {
		m, _ := r.(map[string]any)
		add, _ := m["add"].(map[string]any)
		s.comment(i, "Threatloop Bot", add["body"])
	}
	s.touch(i, "jira:issue_updated")
	return answer{status: http.StatusNoContent}
}

func (s *Server) addComment(x *exchange, want string) answer {
	i, refused := s.writable(want, "ADD_COMMENTS")
	if refused != nil {
		return *refused
	}
	if problem := s.checkText(x.body["body"]); problem != "" {
		return failure(http.StatusBadRequest, "", map[string]string{"comment": problem})
	}
	c := s.comment(i, "Threatloop Bot", x.body["body"])
	s.touch(i, "comment_created")
	return answer{status: http.StatusCreated, body: s.commentBean(x, c)}
}

func (s *Server) linkIssues(x *exchange) answer {
	if s.denied["LINK_ISSUES"] {
		return failure(http.StatusUnauthorized, "No Link Issue Permission for issue", nil)
	}
	from, to := s.find(refOf(x.body["inwardIssue"], "key")), s.find(refOf(x.body["outwardIssue"], "key"))
	n := slices.IndexFunc(s.types, func(t LinkType) bool {
		w := refOf(x.body["type"], "name")
		return t.ID == w || t.Name == w
	})
	if from == nil || to == nil || n < 0 {
		return failure(http.StatusNotFound, "The issue link type or one of the issues does not exist or you have no permission to see it.", nil)
	}
	if a := s.throttle(from); a != nil {
		return *a
	}
	for _, l := range s.links {
		if l.from == from.id && l.to == to.id && l.kind.ID == s.types[n].ID {
			return answer{status: http.StatusCreated}
		}
	}
	s.nextSub++
	s.links = append(s.links, link{id: s.nextSub, kind: s.types[n], from: from.id, to: to.id})
	s.touch(from, "jira:issue_updated")
	s.touch(to, "jira:issue_updated")
	return answer{status: http.StatusCreated}
}

func (s *Server) setRemoteLink(x *exchange, want string) answer {
	i, refused := s.writable(want, "LINK_ISSUES")
	if refused != nil {
		return *refused
	}
	object, _ := x.body["object"].(map[string]any)
	url, _ := object["url"].(string)
	title, _ := object["title"].(string)
	global, _ := x.body["globalId"].(string)
	if url == "" || title == "" || units(global) > 255 {
		return failure(http.StatusBadRequest, "", map[string]string{"object": "'url' and 'title' are required."})
	}
	if global == "" {
		global = url
	}
	status := http.StatusOK
	r, exists := i.remote[global]
	if !exists {
		s.nextSub++
		r.id, status = s.nextSub, http.StatusCreated
	}
	if s.opt.Flavour == DataCenter {
		status = http.StatusOK
	}
	r.url, r.title = url, title
	i.remote[global] = r
	s.touch(i, "jira:issue_updated")
	return answer{status: status, body: map[string]any{"id": r.id, "self": fmt.Sprintf("%s/remotelink/%d", x.base, r.id)}}
}

func (s *Server) setProperty(x *exchange, want, key string) answer {
	i, refused := s.writable(want, "EDIT_ISSUES")
	if refused != nil {
		return *refused
	}
	if !json.Valid(x.raw) || len(x.raw) > 32768 || len(key) > 255 {
		return failure(http.StatusBadRequest, "The value is not JSON or too long.", nil)
	}
	_, exists := i.props[key]
	i.props[key] = slices.Clone(x.raw)
	s.touch(i, "jira:issue_updated")
	if exists {
		return answer{status: http.StatusOK}
	}
	return answer{status: http.StatusCreated}
}
