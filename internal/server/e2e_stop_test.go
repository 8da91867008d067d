package server_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// An event stream never ends by itself; a server that stops ends it, and does not wait for it.
func TestStopWithOpenStreams(t *testing.T) {
	t.Parallel()
	r := boot(t, quick(t)).setup()
	var bodies []io.ReadCloser
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), "GET", r.url+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+r.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		line, err := bufio.NewReader(res.Body).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, ":") || res.StatusCode != 200 {
			t.Fatalf("the stream began with %d %q, %v", res.StatusCode, line, err)
		}
		bodies = append(bodies, res.Body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := r.srv.Stop(ctx)
	r.srv = nil
	if err != nil || ctx.Err() != nil {
		t.Errorf("Stop with open streams = %v, %v, want it done within 5 s", err, ctx.Err())
	}
	for _, b := range bodies {
		if _, err := io.Copy(io.Discard, b); err != nil {
			t.Errorf("the stream was cut: %v, want its end", err)
		}
	}
}

// What was under way when the server stopped is done by the next one, once.
func TestStopInTheMiddle(t *testing.T) {
	t.Parallel()
	c := quick(t)
	r := boot(t, c).setup()
	s := openShop(t, r, fake.Cloud)
	s.jira.Inject(fake.Fault{Kind: fake.Delay, Op: "createIssue", Delay: 300 * time.Millisecond})
	s.publish(5)
	s.eventually("the first ticket is being made", func() bool { return s.jira.Requests()["createIssue"] > 0 })
	r.stop()
	next := boot(t, c)
	r.srv, r.url = next.srv, next.url
	next.srv = nil // r stops it
	t.Cleanup(r.stop)
	s.jira.ClearFaults()
	s.eventually("five tickets are open", func() bool { return s.open() == 5 })
	s.once(5)
}
