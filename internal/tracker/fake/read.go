package fake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// issueFields are all fields of an issue as an answer shows them.
func (s *Server) issueFields(x *exchange, i *issue) map[string]any {
	f := map[string]any{
		"summary": i.summary, "description": i.description, "labels": anyList(i.labels), "status": statusRef(x, i.status),
		"project": s.projectRef(x, i.project), "created": s.stamp(i.created), "updated": s.stamp(i.updated),
		"issuetype":  map[string]any{"self": x.base + "/issuetype/" + i.typ.id, "id": i.typ.id, "name": i.typ.name, "subtask": i.typ.subtask},
		"resolution": option(resolutions, i.resolution), "priority": option(priorities, i.priority), "assignee": nil,
		"timeoriginalestimate": nil, "reporter": s.user(x, "Threatloop Bot"), "issuelinks": s.linksOf(x, i),
	}
	if i.assignee != "" {
		u := s.user(x, i.assignee)
		f["assignee"] = u
	}
	if i.estimate > 0 {
		f["timeoriginalestimate"] = i.estimate
	}
	if p := s.issues[i.parent]; p != nil {
		f["parent"] = issueRef(x, p)
	}
	maps.Copy(f, i.custom)
	return f
}

func option(os []Option, id string) any {
	if id == "" {
		return nil
	}
	return map[string]any{"id": id, "name": nameOf(os, id)}
}

func (s *Server) getResolutions(x *exchange) answer {
	all := []any{}
	for _, r := range resolutions {
		all = append(all, map[string]any{"self": x.base + "/rest/api/2/resolution/" + r.ID, "id": r.ID, "name": r.Name, "description": ""})
	}
	return ok(all)
}

func anyList(ss []string) []any {
	out := []any{}
	for _, s := range ss {
		out = append(out, s)
	}
	return out
}

func issueRef(x *exchange, i *issue) map[string]any {
	id := fmt.Sprint(i.id)
	return map[string]any{
		"id": id, "key": i.key, "self": x.base + "/rest/issue/" + id,
		"fields": map[string]any{"summary": i.summary, "status": statusRef(x, i.status)},
	}
}

func (s *Server) linksOf(x *exchange, i *issue) []any {
	out := []any{}
	for _, l := range s.links {
		entry := map[string]any{"id": fmt.Sprint(l.id), "type": linkTypeRef(x, l.kind), "self": x.base + "/issueLink/" + fmt.Sprint(l.id)}
		switch i.id {
		case l.from:
			entry["outwardIssue"] = issueRef(x, s.issues[l.to])
		case l.to:
			entry["inwardIssue"] = issueRef(x, s.issues[l.from])
		default:
			continue
		}
		out = append(out, entry)
	}
	return out
}

// bean is an issue with the wanted fields and properties only.
func (s *Server) bean(x *exchange, i *issue, fields, properties []string) map[string]any {
	all := s.issueFields(x, i)
	shown := all
	if !slices.Contains(fields, "*all") && !slices.Contains(fields, "*navigable") {
		shown = map[string]any{}
		for _, f := range fields {
			if v, ok := all[f]; ok {
				shown[f] = v
			}
		}
	}
	id := fmt.Sprint(i.id)
	out := map[string]any{"id": id, "key": i.key, "self": x.base + "/rest/issue/" + id, "expand": "", "fields": shown}
	if len(properties) > 0 {
		props := map[string]any{}
		for _, p := range properties {
			if v, ok := i.props[p]; ok {
				props[p] = v
			}
		}
		out["properties"] = props
	}
	return out
}

func commaList(vs []string) []string {
	var out []string
	for _, v := range vs {
		for p := range strings.SplitSeq(v, ",") {
			if p = strings.TrimSpace(p); p != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

func bodyList(x *exchange, name string) []string {
	vs, _ := x.body[name].([]any)
	var out []string
	for _, v := range vs {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func (s *Server) getIssue(x *exchange, want string) answer {
	i := s.find(want)
	if i == nil {
		return notFound()
	}
	fields := commaList(x.URL.Query()["fields"])
	if len(fields) == 0 {
		fields = []string{"*all"}
	}
	return ok(s.bean(x, i, fields, commaList(x.URL.Query()["properties"])))
}

func (s *Server) bulkFetch(x *exchange) answer {
	ids := bodyList(x, "issueIdsOrKeys")
	if len(ids) == 0 || len(ids) > 100 {
		return failure(http.StatusBadRequest, "Between 1 and 100 issue ids or keys are expected.", nil)
	}
	issues, errs := []any{}, []any{}
	seen := map[int64]bool{}
	for _, id := range ids {
		i := s.find(id)
		switch {
		case i == nil:
			errs = append(errs, map[string]any{"id": id, "errorMessage": "Issue does not exist or you do not have permission to see it."})
		case !seen[i.id]:
			seen[i.id] = true
			fields := bodyList(x, "fields")
			if len(fields) == 0 {
				fields = []string{"*all"}
			}
			issues = append(issues, s.bean(x, i, fields, bodyList(x, "properties")))
		}
	}
	return ok(map[string]any{"issues": issues, "issueErrors": errs})
}

func number(x *exchange, name string, def int) int {
	if v, ok := x.body[name].(float64); ok {
		return int(v)
	}
	return def
}

func (s *Server) search(x *exchange) answer {
	text, _ := x.body["jql"].(string)
	q, err := parseJQL(text)
	if err != nil {
		return failure(http.StatusBadRequest, err.Error(), nil)
	}
	cloud := s.opt.Flavour == Cloud
	if cloud && q.where == nil {
		return failure(http.StatusBadRequest, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.", nil)
	}
	validate, given := x.body["validateQuery"].(bool)
	hits, err := s.run(q, !given || validate)
	if err != nil {
		return failure(http.StatusBadRequest, err.Error(), nil)
	}
	if s.blind || s.denied["BROWSE_PROJECTS"] {
		hits = nil
	}
	offset, size := number(x, "startAt", 0), min(number(x, "maxResults", 50), 100)
	fields := bodyList(x, "fields")
	if cloud {
		if token, _ := x.body["nextPageToken"].(string); token != "" {
			t, known := s.tokens[token]
			if !known || t.jql != text {
				return failure(http.StatusBadRequest, "The page token is invalid or has expired.", nil)
			}
			offset = t.offset
		}
		if len(fields) == 0 {
			fields = []string{"id"}
		}
	} else if len(fields) == 0 {
		fields = []string{"*navigable"}
	}
	offset = min(max(offset, 0), len(hits))
	end := min(offset+max(size, 0), len(hits))
	issues := []any{}
	for _, i := range hits[offset:end] {
		issues = append(issues, s.bean(x, i, fields, bodyList(x, "properties")))
	}
	if !cloud {
		return ok(map[string]any{"issues": issues, "startAt": offset, "maxResults": size, "total": len(hits)})
	}
	out := map[string]any{"issues": issues, "isLast": end == len(hits)}
	if end < len(hits) {
		token := "page-" + strconv.Itoa(len(s.tokens)+1)
		s.tokens[token] = pageToken{jql: text, offset: end}
		out["nextPageToken"] = token
	}
	return ok(out)
}

// ExpireTokens makes all page tokens of running searches invalid.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

func (s *Server) getTransitions(x *exchange, want string) answer {
	i := s.find(want)
	if i == nil {
		return notFound()
	}
	out := []any{}
	for _, t := range s.offered(i) {
		to, _ := i.project.status(t.To)
		m := map[string]any{"id": t.ID, "name": t.Name, "to": statusRef(x, to)}
		if s.opt.Flavour == Cloud {
			m["hasScreen"], m["isGlobal"], m["isInitial"], m["isConditional"], m["isAvailable"], m["looped"] = len(t.Screen) > 0, t.From == nil, false, false, true, false
		}
		if strings.Contains(x.query("expand"), "transitions.fields") {
			fields := map[string]any{}
			for _, f := range t.Screen {
				fields[f.ID] = s.fieldMeta(x, f, false)
			}
			m["fields"] = fields
		}
		out = append(out, m)
	}
	return ok(map[string]any{"expand": "transitions", "transitions": out})
}

// offered are the steps from the issue's status; none without the permission.
func (s *Server) offered(i *issue) []TransitionDef {
	if s.denied["TRANSITION_ISSUES"] || i.project.archived {
		return nil
	}
	var out []TransitionDef
	for _, t := range i.project.flow.Transitions {
		if t.From == nil && t.To != i.status.ID || slices.Contains(t.From, i.status.ID) {
			out = append(out, t)
		}
	}
	return out
}

func (s *Server) getComments(x *exchange, want string) answer {
	i := s.find(want)
	if i == nil {
		return notFound()
	}
	from, to, out := paging(x, len(i.comments), 100)
	list := []any{}
	for _, c := range i.comments[from:to] {
		list = append(list, s.commentBean(x, c))
	}
	out["comments"] = list
	return ok(out)
}

func (s *Server) commentBean(x *exchange, c comment) map[string]any {
	return map[string]any{"self": x.base + "/comment/" + c.id, "id": c.id, "author": s.user(x, c.author), "body": c.body, "created": s.stamp(c.created), "updated": s.stamp(c.created)}
}

func (s *Server) getProperty(_ *exchange, want, key string) answer {
	i := s.find(want)
	if i == nil {
		return notFound()
	}
	v, has := i.props[key]
	if !has {
		return failure(http.StatusNotFound, "The property with key '"+key+"' does not exist.", nil)
	}
	return ok(map[string]any{"key": key, "value": v})
}
