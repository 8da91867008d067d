// Package readertest runs one report reader in tests: over text, over files,
// and as a fuzz target with the laws that every reader keeps. Only tests import it.
package readertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/result"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// Reader is the signature that all readers share.
type Reader func(*cursor.Source, *result.Run) error

// Source returns data as a source, decoded as evidence.Open does.
func Source(data []byte) *cursor.Source {
	limits := cursor.DefaultLimits()
	s := &cursor.Source{Name: "report", Limits: limits, Open: func() (io.Reader, error) { return cursor.Decode(bytes.NewReader(data)) }}
	if z, err := cursor.OpenZip(bytes.NewReader(data), int64(len(data)), limits); err == nil {
		s.Zip = z
	}
	return s
}

// Read reads data to its end. A Broken becomes a reason, as evidence.Report.Read makes it one.
func Read(read Reader, data []byte) ([]result.Result, result.Summary, error) {
	var out []result.Result
	run := result.NewRun(context.Background(), 0, func(r result.Result) error {
		out = append(out, r)
		return nil
	})
	err := read(Source(data), run)
	if b := cursor.AsBroken(err); b != nil {
		run.Incomplete("%s", b)
		err = nil
	}
	return out, run.Summary, err
}

// Fuzz seeds f with the package's testdata and the shared samples in the folders, and checks the laws: no
// panic, an end, either a fault or bounded and unique results, the same again from the same bytes, and never "complete" for a cut file
// that is not also complete.
func Fuzz(f *testing.F, read Reader, zip bool, folders ...string) {
	seeds, err := filepath.Glob("testdata/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, folder := range folders {
		samples := filepath.Join(sharedtest.Root(f), "..", "shared", "samples", folder)
		if dir := os.Getenv("THREATLOOP_SHARED"); dir != "" {
			samples = filepath.Join(dir, "samples", folder)
		}
		more, _ := filepath.Glob(filepath.Join(samples, "*"))
		seeds = append(seeds, more...)
	}
	for _, name := range seeds {
		if info, err := os.Stat(name); err != nil || info.IsDir() || info.Size() > 100<<10 || strings.HasSuffix(name, ".md") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if zip && Source(data).Zip == nil {
			t.Skip("no archive")
		}
		got, sum, err := Read(read, data)
		if err != nil && fault.As(err) == nil && !errors.Is(err, io.EOF) {
			t.Fatalf("Read = %v, want a fault", err)
		}
		seen := map[string]bool{}
		for _, r := range got {
			check(t, r)
			if seen[r.Key] {
				t.Fatalf("key %s of %q is not unique", r.Key, r.ID)
			}
			seen[r.Key] = true
		}
		if sum.Counts.Total() != len(got) || !sum.Complete && len(sum.Reasons) == 0 {
			t.Fatalf("summary %+v for %d results, want their number, and reasons if incomplete", sum, len(got))
		}
		again, _, _ := Read(read, data)
		if len(again) != len(got) {
			t.Fatalf("%d results, then %d from the same bytes", len(got), len(again))
		}
	})
}

func check(t *testing.T, r result.Result) {
	switch r.Verdict {
	case result.Pass, result.Fail, result.Error, result.NotRun:
	default:
		t.Fatalf("verdict %q of %q", r.Verdict, r.ID)
	}
	texts := append([]string{r.ID, r.Name, r.Fingerprint, r.Component, r.Confidence}, r.Refs...)
	texts = append(append(texts, r.Tags...), r.Suite...)
	for _, l := range r.Locations {
		texts = append(texts, l.URI, l.Param, l.Method)
		if l.Line < 0 {
			t.Fatalf("line %d of %q", l.Line, r.ID)
		}
	}
	for _, s := range append(texts, r.Detail) {
		if len(s) > result.MaxDetail || !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\x07\x1b\x7f") {
			t.Fatalf("text of %d bytes in %q is too long or not clean: %.80q", len(s), r.ID, s)
		}
	}
	if len(r.CWEs) > result.MaxList || len(r.Refs) > result.MaxList || len(r.Tags) > result.MaxList || len(r.Locations) > result.MaxLocations {
		t.Fatalf("lists of %q are over their bounds", r.ID)
	}
}
