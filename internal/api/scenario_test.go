package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/policy"
)

func TestSetupOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	if got := s.as("").get("/setup").want(200).at("needed"); got != false {
		t.Errorf("needed = %v after the setup, want false", got)
	}
	again := s.as("").post("/setup", map[string]any{"email": "eve@example.org", "name": "Eve", "password": passphrase}).want(409)
	if got := again.text("code"); got != "setup.done" {
		t.Errorf("a second setup has the code %q, want setup.done", got)
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	in := map[string]any{"email": "ada@example.org", "password": passphrase}
	signed := s.as("").with("Origin", s.url).post("/session", in).want(201)
	if signed.text("token") != "" {
		t.Error("a page got the session's token, want it in the cookie only")
	}
	cookie := signed.header.Get("Set-Cookie")
	for _, part := range []string{sessionCookie + "=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("Set-Cookie = %q, want %s in it", cookie, part)
		}
	}
	if strings.Contains(cookie, "Secure") {
		t.Errorf("Set-Cookie = %q, want it to work without HTTPS here", cookie)
	}
	value, _, _ := strings.Cut(cookie, ";")
	page := s.as("").with("Cookie", value)
	if got := page.get("/session").want(200).text("email"); got != "ada@example.org" {
		t.Errorf("the session is of %q, want ada@example.org", got)
	}
	out := page.remove("/session").want(204)
	if got := out.header.Get("Set-Cookie"); !strings.Contains(got, "Max-Age=0") {
		t.Errorf("signing out set the cookie %q, want it ended", got)
	}
	page.get("/session").want(401)

	// An old cookie does not stand in the way of signing in.
	page.post("/session", in).want(201)

	// With HTTPS the cookie is for HTTPS.
	if c := (&API{o: Options{Secure: true}}).cookie("x"); !c.Secure {
		t.Error("the cookie of a secure server may travel without HTTPS")
	}
}

func TestPasswordAndTokens(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	_, c := s.person("bob")
	c.put("/session/password", map[string]any{"old": "not the old one", "new": "another good passphrase"}).want(422)
	c.put("/session/password", map[string]any{"old": passphrase, "new": "another good passphrase"}).want(204)
	s.as("").post("/session", map[string]any{"email": "bob@example.org", "password": passphrase}).want(401)
	s.as("").post("/session", map[string]any{"email": "bob@example.org", "password": "another good passphrase"}).want(201)

	made := c.post("/tokens", map[string]any{"name": "pipeline", "scopes": []string{"read"}}).want(201)
	token := s.as(made.text("token"))
	token.get("/products").want(200)
	token.post("/products", map[string]any{"name": "X"}).want(403)
	listed := c.get("/tokens").want(200)
	if got := listed.at("items", 0, "token"); got != nil {
		t.Errorf("the list shows the secret %v of a token", got)
	}
	c.remove("/tokens/" + made.text("id")).want(204)
	token.get("/products").want(401)
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	c := s.admin.with("Idempotency-Key", "key-1")
	first := c.post("/products", map[string]any{"name": "Parcel desk"}).want(201)
	again := c.post("/products", map[string]any{"name": "Parcel desk"}).want(201)
	if first.text("id") != again.text("id") || first.header.Get("ETag") != again.header.Get("ETag") {
		t.Errorf("the same request gave %s, then %s; want one answer", first.body, again.body)
	}
	if got := c.post("/products", map[string]any{"name": "Another"}).want(409).text("code"); got != "idempotency.reused" {
		t.Errorf("another request with the key has the code %q, want idempotency.reused", got)
	}
	if got := len(s.admin.get("/products").want(200).list("items")); got != 1 {
		t.Errorf("there are %d products, want 1", got)
	}
	// The key of a raw body is bound to it too.
	path := "/products/" + first.text("id") + "/imports?name=m"
	model := `{"version":"2.0","summary":{"title":"M"},"detail":{"contributors":[],"diagrams":[],"diagramTop":0,"reviewer":"","threatTop":0}}`
	c = s.admin.with("Idempotency-Key", "key-2")
	c.upload(path, model).want(200)
	c.upload(path, model).want(200)
	c.upload(path, strings.Replace(model, `"M"`, `"N"`, 1)).want(409)
	s.admin.with("Idempotency-Key", strings.Repeat("k", 201)).post("/products", map[string]any{"name": "X"}).want(422)
}

func TestStaleChangeIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	path := "/products/" + s.admin.product("Parcel desk")
	tag := s.admin.get(path).want(200).header.Get("ETag")
	if tag == "" {
		t.Fatal("a product has no ETag")
	}
	changed := s.admin.with("If-Match", tag).patch(path, map[string]any{"owner": "Ada"}).want(200)
	if changed.header.Get("ETag") == tag {
		t.Errorf("the ETag is %s before and after a change", tag)
	}
	s.admin.with("If-Match", tag).patch(path, map[string]any{"owner": "Eve"}).want(412)
	if got := s.admin.get(path).want(200).text("owner"); got != "Ada" {
		t.Errorf("owner = %q after a refused change, want Ada", got)
	}
	s.admin.with("If-Match", `"nonsense"`).patch(path, map[string]any{"owner": "Eve"}).want(422)
	if got := s.admin.get("/products").want(200).header.Get("ETag"); got != "" {
		t.Errorf("a list has the ETag %s, want none", got)
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	want := []string{"A", "B", "C", "D", "E"}
	for _, name := range want {
		s.admin.product(name)
	}
	var got []string
	cursor := ""
	for range len(want) {
		page := s.admin.get("/products?limit=2" + cursor).want(200)
		for i := range page.list("items") {
			got = append(got, page.text("items", i, "name"))
		}
		next := page.text("next")
		if next == "" {
			break
		}
		cursor = "&cursor=" + next
	}
	if !slices.Equal(got, want) {
		t.Errorf("the pages show %v, want %v", got, want)
	}
	bad := s.admin.get("/products?cursor=nonsense").want(422)
	if got := bad.text("errors", 0, "where"); got != "query.cursor" {
		t.Errorf("a bad cursor is told at %q, want query.cursor", got)
	}
	for path, field := range map[string]string{"/products?limit=0": "query.limit", "/products?colour=red": "query.colour", "/events?colour=red": "query.colour"} {
		if got := s.admin.get(path).want(422).text("errors", 0, "where"); got != field {
			t.Errorf("GET %s names %q, want %s", path, got, field)
		}
	}
}

// Whatever is wrong with a request, the answer does not repeat its secrets.
func TestProblemsDoNotEcho(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	const secret = "hunter2sEcret"
	for name, a := range map[string]answer{
		"wrong password":           s.as("").post("/session", map[string]any{"email": "ada@example.org", "password": secret}),
		"password of another type": s.as("").send("POST", "/session", `{"email":"ada@example.org","password":["`+secret+`"]}`),
		"unknown key":              s.as("").post("/session", map[string]any{"email": "ada@example.org", "passwort": secret}),
		"broken JSON":              s.as("").send("POST", "/session", `{"email":"ada@example.org","password":"`+secret),
		"e-mail too long":          s.as("").post("/session", map[string]any{"email": secret + strings.Repeat("x", 300), "password": secret}),
		"weak password":            s.admin.post("/users", map[string]any{"email": "b@example.org", "name": "B", "password": secret[:11]}),
		"no e-mail":                s.admin.post("/users", map[string]any{"email": secret, "name": "B", "password": secret}),
		"token":                    s.as("tl_" + secret).get("/products"),
		"session":                  s.as("tls_" + secret).get("/products"),
		"scheme":                   s.as("").with("Authorization", "Basic "+secret).get("/products"),
		"query":                    s.admin.get("/products?token=" + secret),
		"number":                   s.admin.get("/products?limit=" + secret),
		"path":                     s.admin.get("/" + secret),
		"method":                   s.admin.send(secret, "/products", nil),
		"credential": s.admin.post("/connections", map[string]any{
			"name": "J", "kind": "jira", "settings": map[string]any{"base_url": "no address"},
			"credential": map[string]any{"token": []string{secret}},
		}),
	} {
		if a.status < 400 || a.status >= 500 {
			t.Errorf("%s = %d %s, want it refused", name, a.status, a.body)
		}
		a.want(a.status)
		if strings.Contains(string(a.body), secret[:11]) {
			t.Errorf("%s: the problem repeats the secret: %s", name, a.body)
		}
	}
}

func TestCredentialsAreNotShown(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	const secret = "a-credential-of-a-tracker"
	made := s.admin.post("/connections", map[string]any{
		"name": "Jira", "kind": "jira", "settings": map[string]any{"base_url": "https://jira.example.org", "flavour": "dc"},
		"credential": map[string]any{"pat": secret, "webhook_secret": secret + "-2"},
	}).want(201)
	path := "/connections/" + made.text("id")
	if made.at("has_credential") != true || made.at("has_webhook") != true {
		t.Errorf("the connection does not say that it has its credential: %s", made.body)
	}
	edited := s.admin.with("If-Match", made.header.Get("ETag")).put(path, map[string]any{"name": "Jira 2", "kind": "jira", "settings": map[string]any{"base_url": "https://jira.example.org"}}).want(200)
	if edited.at("has_credential") != true {
		t.Error("a change without a credential took the credential away")
	}
	s.admin.with("If-Match", made.header.Get("ETag")).put(path, map[string]any{"name": "Jira 3", "kind": "jira", "settings": map[string]any{"base_url": "https://jira.example.org"}}).want(412)
	for _, a := range []answer{made, edited, s.admin.get(path).want(200), s.admin.get("/connections").want(200), s.admin.get("/audit").want(200), s.admin.post("/backup", nil).want(200)} {
		if strings.Contains(string(a.body), secret) {
			t.Errorf("%s shows the credential", a.what)
		}
	}
	// Deliveries are taken by their signature alone.
	hook := s.as("").send("POST", path+"/webhook", `{"issue":{"id":"1"}}`)
	if got := hook.want(401).text("code"); got != "webhook.signature" {
		t.Errorf("an unsigned delivery has the code %q, want webhook.signature", got)
	}
	s.admin.remove(path).want(204)
	s.admin.get(path).want(404)
}

func TestPagesOfOtherSites(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	page := s.as("").with("Cookie", sessionCookie+"="+s.admin.token)
	body := map[string]any{"name": "Forged"}
	if got := page.with("Sec-Fetch-Site", "cross-site").post("/products", body).want(403).text("code"); got != "request.cross_origin" {
		t.Errorf("a page of another site gets the code %q, want request.cross_origin", got)
	}
	page.with("Origin", "https://evil.example").post("/products", body).want(403)
	page.with("Origin", s.url).with("Sec-Fetch-Site", "same-origin").post("/products", body).want(201)
	page.with("Sec-Fetch-Site", "cross-site").get("/products").want(200)
	// Signing a browser in as somebody else is an attack too; a token is never sent by itself.
	s.as("").with("Sec-Fetch-Site", "cross-site").post("/session", map[string]any{"email": "ada@example.org", "password": passphrase}).want(403)
	s.admin.with("Sec-Fetch-Site", "cross-site").post("/products", body).want(201)
}

func TestUnknownPathsAreProblems(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	for _, path := range []string{"/nothing", "", "/", "//products", "/products/", "/products/../instance"} {
		if got := s.admin.get(path).want(404).text("code"); got != "request.path" {
			t.Errorf("GET %s has the code %q, want request.path", path, got)
		}
	}
	a := s.admin.remove("/products").want(405)
	if got := a.header.Get("Allow"); !strings.Contains(got, "GET") || !strings.Contains(got, "POST") {
		t.Errorf("Allow = %q, want GET and POST", got)
	}
	s.admin.with("Content-Type", "text/plain").post("/products", map[string]any{"name": "X"}).want(415)
	s.admin.post("/products", map[string]any{"name": strings.Repeat("x", 2<<20)}).want(413)
}

// What is ours to fix is told with a request id and nothing else.
func TestInternalErrorsAreHidden(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	type nothing struct{}
	const text = "dial tcp 10.0.0.1:5432: password authentication failed"
	register(s.api, op{method: http.MethodGet, path: "/broken", id: "broken", tag: "Test", summary: "Fails", action: policy.InstanceRead},
		func(context.Context, app.Caller, *nothing) (nothing, error) { return nothing{}, errors.New(text) })
	register(s.api, op{method: http.MethodGet, path: "/panics", id: "panics", tag: "Test", summary: "Panics", action: policy.InstanceRead},
		func(context.Context, app.Caller, *nothing) (nothing, error) { panic(text) })
	for _, path := range []string{"/broken", "/panics"} {
		a := s.admin.get(path).want(500)
		if strings.Contains(string(a.body), "10.0.0.1") || a.text("code") != "internal" {
			t.Errorf("GET %s = %s, want nothing of the cause", path, a.body)
		}
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	a := s.admin.post("/backup", nil).want(200)
	if !strings.HasPrefix(string(a.body), "SQLite format 3\x00") {
		t.Errorf("the backup begins with %q, want an SQLite file", a.body[:min(16, len(a.body))])
	}
}

func TestInstance(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{limit: 4096})
	v := s.admin.get("/instance").want(200)
	if v.text("engine") != "sqlite" || v.text("version") != "test" || v.at("upload_limit") != 4096.0 {
		t.Errorf("instance = %s", v.body)
	}
	if n := len(s.admin.get("/actions").want(200).list("items")); n != len(policy.Actions()) {
		t.Errorf("%d actions are listed, want %d", n, len(policy.Actions()))
	}
	doc := s.as("").get("/openapi.json").want(200)
	if got := doc.text("openapi"); !strings.HasPrefix(got, "3.1") {
		t.Errorf("the description is of OpenAPI %q, want 3.1", got)
	}
}
