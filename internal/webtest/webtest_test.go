// Package webtest walks the stories of web/test/stories through the page, in
// headless Chromium against real servers.
package webtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/demo"
	"github.com/threatloop/threatloop/internal/server"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

const (
	email    = "ada@example.org"
	password = "a long enough passphrase"
)

// serve starts a server on a folder of data, an empty one for a fresh start, and returns its address.
func serve(t *testing.T, data string) string {
	t.Helper()
	return start(t, server.Config{Data: data, PollEvery: 500 * time.Millisecond})
}

// start starts a server, set as told, for as long as the test lasts, and returns its address.
func start(t *testing.T, c server.Config) string {
	t.Helper()
	url, stop, err := run(t.Context(), c)
	if err != nil {
		t.Fatalf("a server: %v", err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return url
}

// run starts a server, set as told, and returns its address and what stops it.
func run(ctx context.Context, c server.Config) (url string, stop func() error, err error) {
	c.Listen, c.Logger = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	s, err := server.New(ctx, c, "test")
	if err != nil {
		return "", nil, err
	}
	if err := s.Start(context.WithoutCancel(ctx)); err != nil {
		return "", nil, err
	}
	return s.URL(), func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		return s.Stop(ctx)
	}, nil
}

// looped is a folder of data whose product went once round the loop, and the product's id.
type looped struct{ data, product string }

// once sends a product round the loop, and leaves all of it stored with no server on it.
// What was made names an address where nobody listens any more; the page knows its own
// board by the path.
func once(ctx context.Context, data string) (_ looped, err error) {
	url, stop, err := run(ctx, server.Config{Data: data, PollEvery: 500 * time.Millisecond})
	if err != nil {
		return looped{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	anybody, err := client.New(url, "")
	if err != nil {
		return looped{}, err
	}
	admin, err := anybody.SetUp(ctx, client.Account{Email: email, Name: "Ada", Password: password})
	if err != nil {
		return looped{}, err
	}
	if err := demo.Run(ctx, demo.Options{Client: admin, Out: io.Discard}); err != nil {
		return looped{}, err
	}
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := admin.Get(ctx, "/products", &list); err != nil {
		return looped{}, err
	}
	if len(list.Items) != 1 {
		return looped{}, fmt.Errorf("GET /products = %v, want one product", list)
	}
	return looped{data, list.Items[0].ID}, nil
}

// serve starts a server on a copy of the folder and returns its address.
func (l looped) serve(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	if err := os.CopyFS(data, os.DirFS(l.data)); err != nil {
		t.Fatal(err)
	}
	return serve(t, data)
}

// absent ends a test that cannot run here: skipped, or failed where everything must run.
func absent(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("THREATLOOP_REQUIRE_SHARED") == "1" {
		t.Fatalf("%s is required and absent", what)
	}
	t.Skipf("%s is absent", what)
}

// files writes the input files of the demo and returns their folder. The reports
// differ from the demo's own, whose content the server has seen.
func files(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"diagram.json", "junit-fail.xml", "junit-pass.xml"} {
		b, err := demo.File(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".xml") {
			b = append(b, "<!-- another run -->\n"...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// wanted reads which server a story wants from its first line: "// server: fresh"
// has nothing in it, "// server: demo" a product that went round the loop, and
// "// server: jira" nothing, but a Jira stands beside it.
func wanted(t *testing.T, story string) string {
	t.Helper()
	f, err := os.Open(story)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", story, err)
	}
	kind, ok := strings.CutPrefix(strings.TrimSpace(line), "// server: ")
	if !ok || !slices.Contains([]string{"fresh", "demo", "jira"}, kind) {
		t.Fatalf("%s: the first line is %q, want // server: fresh, demo or jira", story, line)
	}
	return kind
}

// atOnce is how many stories are walked at the same time. A story waits for its page
// nearly as often as it works: three on two cores leave none idle. None of them counts
// on being fast.
const atOnce = 2

// TestStories walks every story, each on a server of its own.
// THREATLOOP_SCREENSHOTS names a folder to keep pictures of the places in.
func TestStories(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser is not short")
	}
	browser := ""
	for _, name := range []string{"google-chrome", "chromium-browser", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
		}
	}
	if browser == "" {
		absent(t, "chromium")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		absent(t, "node")
	}
	web := filepath.Join(sharedtest.Root(t), "web")
	for _, built := range []string{"node_modules/playwright-core", "dist/index.html"} {
		if _, err := os.Stat(filepath.Join(web, built)); err != nil {
			absent(t, "web/"+built+" (made by make build)")
		}
	}
	stories, err := filepath.Glob(filepath.Join(web, "test", "stories", "*.mjs"))
	if err != nil || len(stories) == 0 {
		t.Fatalf("stories: %v, %v", stories, err)
	}
	// Walked once for all stories that want it, when the first of them does.
	data := t.TempDir()
	demo := sync.OnceValues(func() (looped, error) { return once(t.Context(), data) })
	// The long ones first: the last to begin should not be the last to end.
	long := func(story string) int {
		if strings.HasPrefix(filepath.Base(story), "places-") {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(stories, func(a, b string) int { return long(a) - long(b) })
	queue := make(chan string, len(stories))
	for _, story := range stories {
		queue <- story
	}
	close(queue)
	// Not by t.Parallel, which promises no order.
	var walkers sync.WaitGroup
	for range atOnce {
		walkers.Go(func() {
			for story := range queue {
				name := strings.TrimSuffix(filepath.Base(story), ".mjs")
				t.Run(name, func(t *testing.T) { walk(t, demo, node, browser, web, name) })
			}
		})
	}
	walkers.Wait()
}

// walk walks one story with a server, a browser and folders of its own.
func walk(t *testing.T, demo func() (looped, error), node, browser, web, name string) {
	t.Helper()
	env := []string{
		"CHROMIUM=" + browser, "STORY_FILES=" + files(t), "STORY_EMAIL=" + email, "STORY_PASSWORD=" + password,
		"HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(),
	}
	switch wanted(t, filepath.Join(web, "test", "stories", name+".mjs")) {
	case "demo":
		l, err := demo()
		if err != nil {
			t.Fatalf("a product that went round the loop: %v", err)
		}
		env = append(env, "STORY_URL="+l.serve(t), "STORY_PRODUCT="+l.product)
	case "jira":
		env = append(env, beside(t)...)
	default:
		env = append(env, "STORY_URL="+serve(t, t.TempDir()))
	}
	ctx := t.Context()
	if end, ok := t.Deadline(); ok {
		// In time to tell where it stood.
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Minute))
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, node, filepath.Join("test", "story.mjs"), "stories/"+name+".mjs")
	cmd.Dir = web
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 10 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the story ended early: %v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
}
