package api

import (
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/policy"
)

// bodies are valid requests for the operations that take one: whoever may not do
// it must be told so, not that something is wrong with the request.
var bodies = map[string]any{
	"setup":                   map[string]any{"email": "b@example.org", "name": "B", "password": passphrase},
	"sign-in":                 map[string]any{"email": "nobody@example.org", "password": "wrong"},
	"set-password":            map[string]any{"old": "wrong", "new": passphrase},
	"add-user":                map[string]any{"email": "ada@example.org", "name": "A", "password": "short"},
	"edit-user":               map[string]any{"name": "C"},
	"add-token":               map[string]any{"name": "t", "scopes": []string{"read"}},
	"set-member":              map[string]any{"role": "viewer"},
	"create-product":          map[string]any{"name": "Another"},
	"edit-product":            map[string]any{},
	"archive-product":         map[string]any{"archived": false},
	"import-product":          []byte("not a model"),
	"create-sample":           map[string]any{},
	"clone-product":           map[string]any{"name": "Copy"},
	"delete-product":          map[string]any{"name": "none"},
	"preview-answers":         map[string]any{"answers": map[string]any{}},
	"preview-product-answers": map[string]any{"answers": map[string]any{}},
	"set-field":               map[string]any{"name": "F", "type": "text"},
	"order-fields":            map[string]any{"keys": []string{"none"}},
	"try-field":               map[string]any{"field": map[string]any{"name": "F", "type": "text"}, "value": "x"},
	"fill-custom":             map[string]any{"custom": map[string]any{}},
	"set-answers":             map[string]any{"questionnaire": "none", "answers": map[string]any{}},
	"change-drawing":          map[string]any{"changes": []any{map[string]any{"kind": "texts", "id": "none", "op": "delete"}}},
	"put-element":             map[string]any{"name": "X"},
	"add-threat":              map[string]any{"title": "T", "where": "product", "impact": map[string]any{"confidentiality": 1, "integrity": 1, "availability": 1}, "ease": 50},
	"edit-threat":             map[string]any{},
	"accept-threat":           map[string]any{"reason": "it is carried", "owner": "Ada", "ends": "2999-01-01T00:00:00Z"},
	"add-weakness":            map[string]any{"threat": "none", "title": "W"},
	"edit-weakness":           map[string]any{},
	"add-countermeasure":      map[string]any{"threat": "none", "title": "C", "share": 50},
	"edit-countermeasure": map[string]any{
		"state": "implemented",
	},
	"add-comment":       map[string]any{"object": "threat/none", "text": "T"},
	"edit-comment":      map[string]any{"text": "T"},
	"make-edits":        map[string]any{"edits": []any{map[string]any{"kind": "countermeasure", "id": "none", "set": map[string]any{"state": "implemented"}}}},
	"set-link":          map[string]any{"threat": "none", "share": 50},
	"remove-link":       map[string]any{"threat": "none"},
	"apply-plan":        map[string]any{},
	"import-model":      []byte("not a model"),
	"upload-results":    []byte("<testsuites/>"),
	"finish-run":        map[string]any{"run": "none"},
	"triage":            map[string]any{"evidence": "none", "decision": "dismiss", "reason": "a test"},
	"dismiss":           map[string]any{"evidence": []string{"none"}, "reason": "a test"},
	"add-connection":    map[string]any{"name": "Board", "kind": "builtin", "settings": map[string]any{}},
	"set-connection":    map[string]any{"name": "Board", "kind": "builtin", "settings": map[string]any{}},
	"check-connection":  map[string]any{"project": "P"},
	"set-ticket-policy": map[string]any{},
	"publish-tickets":   map[string]any{},
	"unpublish-tickets": map[string]any{"objects": []string{"none"}},
	"link-ticket":       map[string]any{"connection": "none", "object": "none", "purpose": "threat", "ticket": "X-1"},
	"unlink-ticket":     map[string]any{"connection": "none", "object": "none", "purpose": "threat", "ticket": "X-1"},
	"recreate-ticket":   map[string]any{"object": "none", "purpose": "threat"},
	"move-ticket":       map[string]any{"status": "Done"},
	"comment-ticket":    map[string]any{"text": "T"},
	"deliver-webhook":   "{}",

	"put-library-entry":         map[string]any{"text": "pattern: none"},
	"copy-library-entry":        map[string]any{"ref": "other"},
	"publish-library":           map[string]any{"name": "V"},
	"import-library":            []byte("not a library"),
	"try-library-plan":          map[string]any{"product": "none"},
	"complete-expression":       map[string]any{"for": "flow", "text": "flow.", "offset": 5},
	"check-expression":          map[string]any{"for": "flow", "text": "flow."},
	"try-library-questionnaire": map[string]any{"answers": map[string]any{}},
}

// queries are those without which an operation is not understood.
var queries = map[string]string{"spend-budget": "?amount=1"}

// TestEveryRouteWithEveryRole asks every operation of the description as
// everybody, and compares the answer with policy.Can.
func TestEveryRouteWithEveryRole(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of requests, one after the other")
	}
	t.Parallel()
	s := serve(t, settings{})
	product, other := s.admin.product("Parcel desk"), s.admin.product("Other")

	type actor struct {
		name string
		c    caller
		is   policy.Actor
	}
	actors := []actor{{"nobody", s.as(""), policy.Actor{}}}
	_, outsider := s.person("outsider")
	actors = append(actors, actor{"outsider", outsider, policy.Actor{SignedIn: true}})
	for _, role := range policy.Roles() {
		id, c := s.person(string(role))
		s.admin.put("/products/"+product+"/members/"+id, map[string]any{"role": role}).want(204)
		actors = append(actors, actor{string(role), c, policy.Actor{SignedIn: true, Role: role}})
	}
	admin := policy.Actor{SignedIn: true, Admin: true, Role: policy.Administrator}
	token := func(name, product string, scopes ...policy.TokenScope) actor {
		made := s.admin.post("/tokens", map[string]any{"name": name, "scopes": scopes, "product": product}).want(201)
		is := admin
		is.Token, is.Scopes, is.Product = true, scopes, product
		return actor{name, s.as(made.text("token")), is}
	}
	actors = append(actors,
		token("upload token", "", policy.ScopeUpload), token("read token", "", policy.ScopeRead), token("write token", "", policy.ScopeWrite),
		token("bound token", product, policy.ScopeWrite), token("token bound to another product", other, policy.ScopeAdmin),
		actor{"instance administrator", s.admin, admin})

	path := strings.NewReplacer("/library/entries/{kind}", "/library/entries/pattern", "{number}", "1", "{product}", product, "{kind}", "components", "{id}", "none", "{connection}", "con_none", "{user}", "usr_none", "{ref}", "none", "{key}", "none",
		"{threat}", "none", "{weakness}", "none", "{countermeasure}", "none", "{run}", "none", "{token}", "tok_none", "{ticket}", "none", "{comment}", "cmt_none")
	all := operations(t)
	known := map[policy.Action]bool{}
	for _, a := range policy.Actions() {
		known[a.Action] = true
	}
	for _, a := range actors {
		for _, o := range all {
			if o.ID == "sign-out" {
				continue // ends the session that the others need; TestSession has it
			}
			if o.ID == "clone-product" {
				continue // takes two permissions in two scopes; TestClone has it
			}
			if o.Open == "" && !known[policy.Action(o.Action)] {
				t.Fatalf("%s declares the action %q, which policy does not know", o.ID, o.Action)
			}
			body, ok := bodies[o.ID]
			if o.RequestBody != nil && !ok {
				t.Fatalf("%s takes a body; add one to bodies", o.ID)
			}
			got := a.c.send(o.Method, path.Replace(o.Path)+queries[o.ID], body)
			code := got.text("code")
			refused := got.status == 403 || got.status == 404 && code == "product.not_found"
			where := policy.Scope{}
			if strings.Contains(o.Path, "{product}") {
				where.Product = product
			}
			switch {
			case got.status >= 500 || got.status == 405 || got.status == 404 && code == "request.path":
				t.Errorf("%s as %s = %d %s", o.ID, a.name, got.status, got.body)
			case o.Open != "":
				if refused || code == "session.none" {
					t.Errorf("%s as %s = %d %s, want it open", o.ID, a.name, got.status, code)
				}
			case !a.is.SignedIn:
				if got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s as %s = %d %s, want 401 with a challenge", o.ID, a.name, got.status, code)
				}
			case policy.Can(a.is, policy.Action(o.Action), where):
				if refused || got.status == 401 {
					t.Errorf("%s (%s) as %s = %d %s, want it allowed", o.ID, o.Action, a.name, got.status, code)
				}
			case !refused:
				t.Errorf("%s (%s) as %s = %d %s, want it refused", o.ID, o.Action, a.name, got.status, code)
			}
		}
	}
}
