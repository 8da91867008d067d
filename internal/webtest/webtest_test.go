// Package webtest drives the page in headless Chromium against real servers.
package webtest_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
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

// serve starts a server with an empty database and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	s, err := server.New(ctx, server.Config{
		Listen: "127.0.0.1:0", Data: t.TempDir(), PollEvery: 500 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}, "test")
	if err != nil {
		t.Fatalf("server.New: %v", err)
	}
	if err := s.Start(context.WithoutCancel(ctx)); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return s.URL()
}

// looped starts a server whose product went once round the loop, and returns its address and the product's id.
func looped(t *testing.T) (url, product string) {
	t.Helper()
	url = serve(t)
	anybody, err := client.New(url, "")
	if err != nil {
		t.Fatal(err)
	}
	admin, err := anybody.SetUp(t.Context(), client.Account{Email: email, Name: "Ada", Password: password})
	if err != nil {
		t.Fatalf("SetUp: %v", err)
	}
	if err := demo.Run(t.Context(), demo.Options{Client: admin, Out: io.Discard}); err != nil {
		t.Fatalf("data for the page: %v", err)
	}
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := admin.Get(t.Context(), "/products", &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("GET /products = %v, %v, want one product", list, err)
	}
	return url, list.Items[0].ID
}

// absent ends a test that cannot run here: skipped, or failed where everything must run.
func absent(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("THREATLOOP_REQUIRE_SHARED") == "1" {
		t.Fatalf("%s is required and absent", what)
	}
	t.Skipf("%s is absent", what)
}

// file writes an input file of the demo, with an addition, and returns its path.
func file(t *testing.T, name, addition string) string {
	t.Helper()
	b, err := demo.File(name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, append(b, addition...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPage walks web/test/journey.mjs. THREATLOOP_SCREENSHOTS names a folder to
// keep pictures of every place in.
func TestPage(t *testing.T) {
	t.Parallel()
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
	url, product := looped(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, filepath.Join("test", "journey.mjs"))
	cmd.Dir = web
	cmd.Env = append(os.Environ(),
		"CHROMIUM="+browser, "FRESH_URL="+serve(t), "DEMO_URL="+url, "DEMO_PRODUCT="+product, "DEMO_EMAIL="+email, "DEMO_PASSWORD="+password,
		"DIAGRAM="+file(t, "diagram.json", ""), "REPORT="+file(t, "junit-fail.xml", "<!-- another run -->\n"),
		"HOME="+t.TempDir(), "TMPDIR="+t.TempDir())
	if dir := os.Getenv("THREATLOOP_SCREENSHOTS"); dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd.WaitDelay = 10 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the journey ended early: %v\n%s", err, out)
	}
}
