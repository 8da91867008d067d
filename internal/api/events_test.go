package api

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stream is a subscription that is being read.
type stream struct {
	t      *testing.T
	events chan map[string]string
}

// follow subscribes; the stream is closed with the test.
func (c caller) follow(path, last string) *stream {
	c.s.t.Helper()
	if last != "" {
		c = c.with("Last-Event-ID", last)
	}
	ctx, cancel := context.WithCancel(c.s.t.Context())
	c.s.t.Cleanup(cancel)
	res, err := http.DefaultClient.Do(c.request("GET", path, nil).WithContext(ctx))
	if err != nil {
		c.s.t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/event-stream" {
		c.s.t.Fatalf("GET %s = %d %s, want an event stream", path, res.StatusCode, got)
	}
	s := &stream{t: c.s.t, events: make(chan map[string]string)}
	go func() {
		defer res.Body.Close()
		defer close(s.events)
		event := map[string]string{}
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case lines.Text() == "":
				if event["event"] == "" {
					continue // a comment
				}
				select {
				case s.events <- event:
				case <-ctx.Done():
					return
				}
				event = map[string]string{}
			case name != "":
				event[name] = value
			}
		}
	}()
	return s
}

// next returns the next event; within 2 s, as somebody who looks at a page expects.
func (s *stream) next() map[string]string {
	s.t.Helper()
	select {
	case e, ok := <-s.events:
		if !ok {
			s.t.Fatal("the stream ended")
		}
		return e
	case <-time.After(2 * time.Second):
		s.t.Fatal("no event within 2 s")
		return nil
	}
}

// ended takes what is left of the stream; the test fails where it goes on.
func (s *stream) ended() {
	s.t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case _, ok := <-s.events:
			if !ok {
				return
			}
		case <-late:
			s.t.Fatal("the stream goes on")
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	one, two := s.admin.product("One"), s.admin.product("Two")
	all, only := s.admin.follow("/events", ""), s.admin.follow("/events?product="+two, "")

	s.admin.patch("/products/"+one, map[string]any{"owner": "Ada"}).want(200)
	if got := all.next(); got["event"] != "change" || !strings.Contains(got["data"], `"product":"`+one+`"`) {
		t.Errorf("the event of a change of %s is %v", one, got)
	}
	s.admin.patch("/products/"+two, map[string]any{"owner": "Ada"}).want(200)
	if got := all.next(); !strings.Contains(got["data"], two) {
		t.Errorf("the event of a change of %s is %v", two, got)
	}
	first := only.next()
	if !strings.Contains(first["data"], two) || first["id"] == "" {
		t.Errorf("a subscriber of %s got %v first, want its own change with an id", two, first)
	}

	// What happened while nobody listened is told to who comes back.
	s.admin.patch("/products/"+two, map[string]any{"owner": "Bob"}).want(200)
	if got := s.admin.follow("/events?product="+two, first["id"]).next(); got["id"] == first["id"] || !strings.Contains(got["data"], two) {
		t.Errorf("a subscriber that came back got %v, want what it missed after %v", got, first)
	}
	if got := s.admin.follow("/events", first["id"]).next(); got["event"] != "resync" {
		t.Errorf("a subscriber of everything that came back got %v, want to be told to read again", got)
	}
	s.admin.with("Last-Event-ID", "nonsense").get("/events").want(422)

	// A server that stops ends them all.
	s.api.EndStreams()
	s.api.EndStreams()
	only.ended()
}

func TestEventsOfOthersAreNotTold(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	id, bob := s.person("bob")
	his, other := s.admin.product("His"), s.admin.product("Other")
	s.admin.put("/products/"+his+"/members/"+id, map[string]any{"role": "viewer"}).want(204)
	follow := bob.follow("/events", "")
	s.admin.patch("/products/"+other, map[string]any{"owner": "Ada"}).want(200)
	s.admin.patch("/products/"+his, map[string]any{"owner": "Ada"}).want(200)
	if got := follow.next(); !strings.Contains(got["data"], his) {
		t.Errorf("the first event is %v, want that of the product that may be read", got)
	}
	bob.get("/events?product=" + other).want(404)

	// The stream ends with the session.
	bob.remove("/session").want(204)
	follow.ended()
}
