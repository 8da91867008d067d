package selfmodel_test

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/server"
	"github.com/threatloop/threatloop/internal/sharedtest"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

// TestHostileTextIsData saves text that would break out of a statement wherever
// a model can hold text, and reads, finds and lists it.
func TestHostileTextIsData(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	const hostile = `'); DROP TABLE products; -- " % _ \ $1 ?1 :a @b`
	m := &model.Model{
		Product:    model.Product{ID: "prd_1", Name: hostile, Description: hostile, Owner: hostile, Tags: []string{hostile}},
		Answers:    []model.Answer{{Question: hostile, Values: []string{hostile}}},
		Components: []model.Component{{ID: model.ElementID(hostile), Kind: model.Process, Name: hostile, Attributes: map[string]string{hostile: hostile}}},
		Threats:    []model.Threat{{ID: model.ThreatID(hostile), Where: model.ElementID(hostile), Ref: hostile, Title: hostile, Status: model.Open, Origin: model.ByPerson}},
	}
	err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
		_, err := tx.SaveModel(nil, m, store.Save{By: "usr_1", At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		return err
	})
	if err != nil {
		t.Fatalf("SaveModel: %v", err)
	}
	err = db.Read(t.Context(), func(_ context.Context, tx *store.Tx) error {
		got, _, err := tx.LoadModel("prd_1")
		if err != nil {
			return err
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("LoadModel (-want +got):\n%s", diff)
		}
		for _, text := range []string{hostile, `'`, `drop table`, `%`, `"`} {
			found, err := tx.Products(store.ProductQuery{Text: text, Visible: store.Everything()})
			if err != nil || len(found) != 1 {
				t.Errorf("Products(with %q in the name) = %d, %v, want what was saved", text, len(found), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

// TestPageHeaders asks a real server for the page as a browser on another site would.
func TestPageHeaders(t *testing.T) {
	t.Parallel()
	s, err := server.New(t.Context(), server.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}, "test")
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if err := s.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	for _, path := range []string{"/", "/products/prd_1", "/api/v1/openapi.json", "/api/v1/products"} {
		for _, origin := range []string{"https://other.example", "null", s.URL() + ".other.example"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Origin", origin)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("GET %s from %s allows the origin %q, want none", path, origin, got)
			}
			if got := res.Header.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("GET %s: X-Content-Type-Options = %q, want nosniff", path, got)
			}
			if strings.HasPrefix(path, "/api/") {
				continue
			}
			policy := strings.Split(res.Header.Get("Content-Security-Policy"), "; ")
			for _, want := range []string{"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"} {
				if !slices.Contains(policy, want) {
					t.Errorf("GET %s: Content-Security-Policy = %q, want %s in it", path, policy, want)
				}
			}
			for _, part := range policy {
				if strings.HasPrefix(part, "script-src") || strings.Contains(part, "unsafe") {
					t.Errorf("GET %s: Content-Security-Policy has %q, want scripts from here alone", path, part)
				}
			}
		}
	}
}

// lines gives every line of source below a folder of the repository.
func lines(t *testing.T, dir, suffix string, line func(place string, text []byte)) {
	t.Helper()
	root, files := sharedtest.Root(t), 0
	err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		place, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		for text := range bytes.Lines(data) {
			line(place, bytes.TrimSpace(text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 5 {
		t.Errorf("%s has %d files that end in %s, want the source", dir, files, suffix)
	}
}

var markup = regexp.MustCompile(`\b(innerHTML|outerHTML|insertAdjacentHTML|srcdoc|createContextualFragment|DOMParser|eval)\b|document\.write|new Function`)

// TestPageMakesNoMarkup finds the ways in which text could become markup or script in the page.
func TestPageMakesNoMarkup(t *testing.T) {
	t.Parallel()
	lines(t, "web/src", ".ts", func(place string, text []byte) {
		if markup.Match(text) {
			t.Errorf("%s makes markup from text: %s", place, text)
		}
	})
}

// TestCertificatesAreChecked finds the switches that turn the check of the other end off.
func TestCertificatesAreChecked(t *testing.T) {
	t.Parallel()
	weak := regexp.MustCompile(`InsecureSkipVerify|VersionTLS1[01]\b|VersionSSL`)
	lines(t, "internal", ".go", func(place string, text []byte) {
		if weak.Match(text) {
			t.Errorf("%s weakens TLS: %s", place, text)
		}
	})
}
