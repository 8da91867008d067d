package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	shipped "github.com/threatloop/threatloop/library"
)

// server is an interface over a fresh SQLite file, on a real listener.
type server struct {
	t   *testing.T
	url string
	app *app.App
	api *API
	// admin is the first administrator's session as a Bearer token.
	admin caller
}

// shippedLibrary is read once for all servers: it never changes, and reading it takes half a second.
var shippedLibrary = sync.OnceValues(func() (*library.Library, error) { return library.Load(shipped.Files) })

type settings struct {
	work  bool  // run the background work
	limit int64 // of uploads; 0 is the default
	files fs.FS // of the built-in library; nil is the shipped one
}

const passphrase = "a long enough passphrase"

func serve(t *testing.T, o settings) *server {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	if o.files == nil {
		o.files = shipped.Files
	}
	load := func() (*library.Library, error) { return library.Load(o.files) }
	if o.files == fs.FS(shipped.Files) {
		load = shippedLibrary
	}
	lib, err := load()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeyRing(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := app.New(app.Options{
		DB: db, Library: lib, Files: o.files, Keys: keys, Now: time.Now, Random: rand.Reader, Fresh: 90 * 24 * time.Hour, Limit: o.limit,
		Tickets: ticketing.Options{PollEvery: 200 * time.Millisecond, Instance: "test"},
	})
	q, err := queue.New(ctx, db, queue.Options{Handlers: a.Handlers()})
	if err != nil {
		t.Fatal(err)
	}
	if o.work {
		if err := q.Start(ctx); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := q.Stop(ctx); err != nil {
				t.Errorf("stop the queue: %v", err)
			}
			if err := a.Close(ctx); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	var n atomic.Int64
	s := &server{t: t, app: a, api: New(a, Options{RequestID: func() string { return fmt.Sprintf("req-%d", n.Add(1)) }, EventEvery: 20 * time.Millisecond, Version: "test"})}
	h := httptest.NewServer(s.api.Handler())
	t.Cleanup(h.Close)
	s.url = h.URL
	in := s.as("").post("/setup", map[string]any{"email": "ada@example.org", "name": "Ada", "password": passphrase}).want(201)
	s.admin = s.as(in.text("token"))
	return s
}

// caller sends requests with one token; "" is nobody.
type caller struct {
	s     *server
	token string
	add   http.Header
}

func (s *server) as(token string) caller { return caller{s: s, token: token, add: http.Header{}} }

// with returns the caller with another header.
func (c caller) with(name, value string) caller {
	c.add = c.add.Clone()
	c.add.Set(name, value)
	return c
}

// answer is a response that was read whole.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
	doc    any // the body where it is JSON
}

func (c caller) get(path string) answer             { return c.send("GET", path, nil) }
func (c caller) post(path string, body any) answer  { return c.send("POST", path, body) }
func (c caller) put(path string, body any) answer   { return c.send("PUT", path, body) }
func (c caller) patch(path string, body any) answer { return c.send("PATCH", path, body) }
func (c caller) remove(path string) answer          { return c.send("DELETE", path, nil) }
func (c caller) upload(path, report string) answer  { return c.send("POST", path, []byte(report)) }
func (c caller) request(method, path string, body any) *http.Request {
	c.s.t.Helper()
	var r io.Reader
	kind := "application/json"
	switch body := body.(type) {
	case nil:
	case []byte:
		r, kind = bytes.NewReader(body), "application/octet-stream"
	case string:
		r = strings.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			c.s.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(c.s.t.Context(), method, c.s.url+Prefix+path, r)
	if err != nil {
		c.s.t.Fatal(err)
	}
	if r != nil {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, values := range c.add {
		req.Header[name] = values
	}
	return req
}

// send performs a request. A string is sent as it is and called JSON, bytes as they are.
func (c caller) send(method, path string, body any) answer {
	c.s.t.Helper()
	res, err := http.DefaultClient.Do(c.request(method, path, body))
	if err != nil {
		c.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	a := answer{t: c.s.t, what: method + " " + path, status: res.StatusCode, header: res.Header}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return a // it has no end
	}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		c.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(a.body, &a.doc); err != nil {
			c.s.t.Fatalf("%s %s: %v in %s", method, path, err, a.body)
		}
	}
	return a
}

// want fails the test where the status is another one.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s = %d %s, want %d", a.what, a.status, a.body, status)
	}
	if status >= 400 {
		if got := a.header.Get("Content-Type"); got != "application/problem+json" || a.text("request_id") != a.header.Get("X-Request-Id") || a.text("code") == "" || a.text("detail") == "" {
			a.t.Errorf("%s = %s %s, want a whole problem document", a.what, got, a.body)
		}
	}
	return a
}

// at returns what stands in the JSON answer at the keys and indices.
func (a answer) at(path ...any) any {
	v := a.doc
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (a answer) text(path ...any) string {
	s, _ := a.at(path...).(string)
	return s
}

func (a answer) list(path ...any) []any {
	l, _ := a.at(path...).([]any)
	return l
}

// product makes a product and returns its id.
func (c caller) product(name string) string {
	c.s.t.Helper()
	return c.post("/products", map[string]any{"name": name}).want(201).text("id")
}

// person makes an account and returns its id and a session of it.
func (s *server) person(name string) (id string, c caller) {
	s.t.Helper()
	email := strings.ToLower(name) + "@example.org"
	id = s.admin.post("/users", map[string]any{"email": email, "name": name, "password": passphrase}).want(201).text("id")
	in := s.as("").post("/session", map[string]any{"email": email, "password": passphrase}).want(201)
	return id, s.as(in.text("token"))
}
