package fake

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type handler func(*exchange) answer

// route finds the operation and its handler; nil where there is none.
func (s *Server) route(r *http.Request) (string, handler) {
	path := r.URL.EscapedPath()
	if strings.HasPrefix(path, "/ex/jira/") { // the gateway of scoped tokens
		_, rest, _ := strings.Cut(strings.TrimPrefix(path, "/ex/jira/"), "/")
		path = "/" + rest
	}
	prefix := "/rest/api/3/"
	if s.opt.Flavour == DataCenter {
		prefix = "/rest/api/2/"
	}
	if path == "/rest/api/2/serverInfo" {
		path = prefix + "serverInfo"
	}
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return "unknown", nil
	}
	parts := strings.Split(rest, "/")
	for i := range parts {
		parts[i], _ = url.PathUnescape(parts[i])
	}
	op, h := s.operation(r.Method, parts)
	if h == nil {
		return "unknown", nil
	}
	return op, h
}

func (s *Server) operation(method string, p []string) (string, handler) {
	on := func(n int) string {
		if n < len(p) {
			return p[n]
		}
		return ""
	}
	arg := func(h func(*exchange, string) answer) handler { return func(x *exchange) answer { return h(x, on(1)) } }
	cloud := s.opt.Flavour == Cloud
	switch shape := method + " " + shapeOf(p); {
	case shape == "GET serverInfo":
		return "getServerInfo", s.serverInfo
	case shape == "GET myself":
		return "getCurrentUser", s.myself
	case shape == "GET mypermissions":
		return "getMyPermissions", s.myPermissions
	case shape == "GET project/*":
		return "getProject", arg(s.getProject)
	case shape == "GET project/*/statuses":
		return "getAllStatuses", arg(s.getStatuses)
	case shape == "GET issue/createmeta/*/issuetypes":
		return "getCreateTypes", func(x *exchange) answer { return s.createTypes(x, on(2)) }
	case shape == "GET issue/createmeta/*/issuetypes/*":
		return "getCreateFields", func(x *exchange) answer { return s.createFields(x, on(2), on(4)) }
	case shape == "POST issue":
		return "createIssue", s.createIssue
	case shape == "POST issue/bulkfetch" && cloud:
		return "bulkFetchIssues", s.bulkFetch
	case shape == "POST search/jql" && cloud, shape == "POST search" && !cloud:
		return "search", s.search
	case shape == "GET issue/*":
		return "getIssue", arg(s.getIssue)
	case shape == "PUT issue/*":
		return "editIssue", arg(s.editIssue)
	case shape == "GET issue/*/transitions":
		return "getTransitions", arg(s.getTransitions)
	case shape == "POST issue/*/transitions":
		return "doTransition", arg(s.doTransition)
	case shape == "GET issue/*/comment":
		return "getComments", arg(s.getComments)
	case shape == "POST issue/*/comment":
		return "addComment", arg(s.addComment)
	case shape == "POST issue/*/remotelink":
		return "setRemoteLink", arg(s.setRemoteLink)
	case shape == "GET issue/*/properties/*":
		return "getIssueProperty", func(x *exchange) answer { return s.getProperty(x, on(1), on(3)) }
	case shape == "PUT issue/*/properties/*":
		return "setIssueProperty", func(x *exchange) answer { return s.setProperty(x, on(1), on(3)) }
	case shape == "GET resolution":
		return "getResolutions", s.getResolutions
	case shape == "POST issueLink":
		return "linkIssues", s.linkIssues
	case shape == "GET issueLinkType":
		return "getIssueLinkTypes", s.getLinkTypes
	}
	return "", nil
}

// shapeOf replaces the parts of a path that are arguments by "*".
func shapeOf(p []string) string {
	p = slices.Clone(p)
	for i, prev := range p {
		if i+1 == len(p) {
			break
		}
		switch {
		case prev == "issue" && !slices.Contains([]string{"createmeta", "bulkfetch"}, p[i+1]),
			prev == "project", prev == "createmeta", prev == "properties", prev == "issuetypes":
			p[i+1] = "*"
		}
	}
	return strings.Join(p, "/")
}

func (s *Server) serverInfo(x *exchange) answer {
	if s.opt.Flavour == Cloud {
		return ok(map[string]any{
			"baseUrl": x.base, "version": "1001.0.0-SNAPSHOT", "versionNumbers": []any{1001, 0, 0}, "deploymentType": "Cloud",
			"buildNumber": 100300, "serverTitle": "Jira", "serverTime": s.stamp(s.now()),
		})
	}
	return ok(map[string]any{
		"baseUrl": x.base, "version": "10.3.24", "versionNumbers": []any{10, 3, 24}, "deploymentType": "Server",
		"buildNumber": 10030024, "serverTitle": "Jira", "serverTime": s.stamp(s.now()),
	})
}

func (s *Server) myself(x *exchange) answer {
	u := s.user(x, "Threatloop Bot")
	u["timeZone"], u["emailAddress"], u["locale"] = s.opt.TimeZone, s.opt.Email, "en_GB"
	return ok(u)
}

func (s *Server) user(x *exchange, name string) map[string]any {
	id := strings.ToLower(strings.ReplaceAll(name, " ", "-"))
	u := map[string]any{"self": x.base + "/user/" + id, "displayName": name, "active": true}
	if s.opt.Flavour == Cloud {
		u["accountId"], u["accountType"] = "5b10a2844c20165700ede21g:"+id, "atlassian"
	} else {
		u["name"], u["key"] = id, "JIRAUSER-"+id
	}
	return u
}

func (s *Server) myPermissions(x *exchange) answer {
	if key := x.query("projectKey"); key != "" && s.project(key) == nil {
		return failure(http.StatusNotFound, "No project could be found with key '"+key+"'.", nil)
	}
	all := []string{"BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS", "LINK_ISSUES", "DELETE_ISSUES"}
	asked := all
	if s.opt.Flavour == Cloud {
		if asked = strings.Split(x.query("permissions"), ","); x.query("permissions") == "" {
			return failure(http.StatusBadRequest, "The 'permissions' query parameter is required.", nil)
		}
	}
	out := map[string]any{}
	for _, p := range asked {
		if !slices.Contains(all, p) {
			return failure(http.StatusBadRequest, "Unrecognized permission: "+p, nil)
		}
		out[p] = map[string]any{"id": "1", "key": p, "name": p, "type": "PROJECT", "description": p, "havePermission": !s.denied[p]}
	}
	return ok(map[string]any{"permissions": out})
}

func (s *Server) getProject(x *exchange, want string) answer {
	p := s.project(want)
	if p == nil || s.denied["BROWSE_PROJECTS"] {
		return failure(http.StatusNotFound, "No project could be found with key '"+want+"'.", nil)
	}
	out := s.projectRef(x, p)
	if p.archived {
		out["archived"] = true
	}
	return ok(out)
}

func (s *Server) projectRef(x *exchange, p *project) map[string]any {
	return map[string]any{"self": x.base + "/project/" + p.key, "id": fmt.Sprint(p.id), "key": p.key, "name": p.name}
}

func (s *Server) getStatuses(x *exchange, want string) answer {
	p := s.project(want)
	if p == nil {
		return failure(http.StatusNotFound, "No project could be found with key '"+want+"'.", nil)
	}
	out := []any{}
	for _, t := range p.types {
		sts := []any{}
		for _, st := range p.flow.Statuses {
			sts = append(sts, statusRef(x, st))
		}
		out = append(out, map[string]any{"self": x.base + "/issuetype/" + t.id, "id": t.id, "name": t.name, "subtask": t.subtask, "statuses": sts})
	}
	return ok(out)
}

// paging cuts a list as Jira does and returns the shared members of a page.
func paging(x *exchange, n, most int) (from, to int, out map[string]any) {
	from, _ = strconv.Atoi(x.query("startAt"))
	size, err := strconv.Atoi(x.query("maxResults"))
	if err != nil || size <= 0 || size > most {
		size = most
	}
	from = min(max(from, 0), n)
	to = min(from+size, n)
	return from, to, map[string]any{"startAt": from, "maxResults": size, "total": n}
}

func (s *Server) createTypes(x *exchange, want string) answer {
	p := s.project(want)
	if p == nil || s.denied["CREATE_ISSUES"] || s.denied["BROWSE_PROJECTS"] {
		return failure(http.StatusNotFound, "No project could be found with key '"+want+"'.", nil)
	}
	list := []any{}
	for _, t := range p.types {
		list = append(list, map[string]any{"self": x.base + "/issuetype/" + t.id, "id": t.id, "name": t.name, "subtask": t.subtask, "description": t.name})
	}
	from, to, out := paging(x, len(list), 50)
	if s.opt.Flavour == Cloud {
		out["issueTypes"] = list[from:to]
	} else {
		out["values"], out["isLast"] = list[from:to], to == len(list)
	}
	return ok(out)
}

func (s *Server) createFields(x *exchange, want, typ string) answer {
	p := s.project(want)
	if p == nil || p.fields[typ] == nil || s.denied["CREATE_ISSUES"] {
		return failure(http.StatusNotFound, "The issue type is not valid.", nil)
	}
	list := []any{}
	for _, f := range p.fields[typ] {
		list = append(list, s.fieldMeta(x, f, true))
	}
	from, to, out := paging(x, len(list), 50)
	if s.opt.Flavour == Cloud {
		out["fields"] = list[from:to]
	} else {
		out["values"], out["isLast"] = list[from:to], to == len(list)
	}
	return ok(out)
}

// fieldMeta describes a field of a create screen (with its id) or of a
// transition screen.
func (s *Server) fieldMeta(x *exchange, f Field, create bool) map[string]any {
	schema := map[string]any{"type": f.Type}
	switch {
	case f.Custom != "":
		n, _ := strconv.Atoi(strings.TrimPrefix(f.ID, "customfield_"))
		schema["custom"], schema["customId"] = f.Custom, n
	default:
		schema["system"] = f.ID
	}
	if f.Items != "" {
		schema["items"] = f.Items
	}
	m := map[string]any{"required": f.Required, "schema": schema, "name": f.Name, "hasDefaultValue": f.HasDefault, "operations": []any{"set"}}
	if create || s.opt.Flavour == DataCenter {
		m["fieldId"] = f.ID
	}
	if s.opt.Flavour == Cloud {
		m["key"] = f.ID
	}
	if len(f.Allowed) > 0 {
		var vs []any
		for _, o := range f.Allowed {
			v := map[string]any{"self": x.base + "/option/" + o.ID, "id": o.ID}
			if f.Custom != "" {
				v["value"] = o.Name
			} else {
				v["name"] = o.Name
			}
			vs = append(vs, v)
		}
		m["allowedValues"] = vs
	}
	return m
}

func (s *Server) getLinkTypes(x *exchange) answer {
	if len(s.types) == 0 {
		return failure(http.StatusNotFound, "Issue linking is currently disabled.", nil)
	}
	out := []any{}
	for _, t := range s.types {
		out = append(out, linkTypeRef(x, t))
	}
	return ok(map[string]any{"issueLinkTypes": out})
}

func linkTypeRef(x *exchange, t LinkType) map[string]any {
	return map[string]any{"id": t.ID, "name": t.Name, "inward": t.Inward, "outward": t.Outward, "self": x.base + "/issueLinkType/" + t.ID}
}

func statusRef(x *exchange, st StatusDef) map[string]any {
	id := map[string]int{"new": 2, "indeterminate": 4, "done": 3}[st.Category]
	return map[string]any{
		"self": x.base + "/status/" + st.ID, "id": st.ID, "name": st.Name, "description": "",
		"statusCategory": map[string]any{"self": x.base + "/statuscategory/" + strconv.Itoa(id), "id": id, "key": st.Category, "name": st.Category, "colorName": "blue-gray"},
	}
}
