// Package evidence turns uploaded security-test reports into evidence: it
// detects a report's format from its content, streams its results in bounded
// memory, matches them to weaknesses and countermeasures, folds a run into the
// evidence rows of a product, and concludes verdicts. All of it is pure: files, clock and
// storage are the caller's. Readers live in sub-packages, one per format; what
// they share is in result (what a result is), cursor (XML, JSON and zip as bounded streams) and cwe.
package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/result"
	"github.com/threatloop/threatloop/internal/fault"
)

// The vocabulary of results, for callers that only import this package.
type (
	// Result is one line of a report.
	Result = result.Result
	// Location is where a result was observed.
	Location = result.Location
	// Summary is what a report says about itself.
	Summary = result.Summary
	// Counts is the number of results per verdict.
	Counts = result.Counts
	// Limits bound what one report may cost.
	Limits = cursor.Limits
	// Outcome is what a test or rule said: pass, fail, error, not_run.
	Outcome = result.Verdict
)

// The outcomes of a test or rule.
const (
	Pass   = result.Pass
	Fail   = result.Fail
	Error  = result.Error
	NotRun = result.NotRun
)

// DefaultLimits admit a 1 GB report.
func DefaultLimits() Limits { return cursor.DefaultLimits() }

// Options for Open.
type Options struct {
	Name   string // of the file, for messages only: the format is told by content
	Format string // family to read it as, such as "junit", where the content alone does not tell; "" detects
	Limits Limits // zero fields take the defaults
}

// Report is an opened upload: one report, or a zip with several.
type Report struct {
	parts  []part
	limits Limits
	notes  []string // members of an archive that are no reports
	broken []string // members that may have been
}

type part struct {
	src    *cursor.Source
	format format
}

// Open detects the format of the size bytes in src, which may be packed with
// gzip, or a zip of several reports. Random access is needed because some formats are read in
// two passes and archives by their directory: a caller with a stream spools it to a file. The
// faults are invalid (evidence.empty, evidence.zip, evidence.dtd), unsupported (evidence.format,
// naming what was seen) and too_large. Open reads little; Read does the work.
func Open(src io.ReaderAt, size int64, opts Options) (*Report, error) {
	r := &Report{limits: withDefaults(opts.Limits)}
	if size == 0 {
		return nil, fault.New(fault.Invalid, "evidence.empty", "%s is empty: there is no report in it", nameOf(opts.Name))
	}
	if opts.Format != "" && !knownFamily(opts.Format) {
		return nil, fault.New(fault.Unsupported, "evidence.format", "format %q is not known; use one of %s", result.Clean(opts.Format, 40), families())
	}
	head := make([]byte, 4)
	n, err := src.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("evidence: read %s: %w", nameOf(opts.Name), err)
	}
	if string(head[:n]) == "PK\x03\x04" || string(head[:n]) == "PK\x05\x06" {
		return r, r.openZip(src, size, opts)
	}
	s := &cursor.Source{Name: opts.Name, Limits: r.limits, Open: func() (io.Reader, error) {
		return plain(io.NewSectionReader(src, 0, size), r.limits)
	}}
	f, err := detect(s, opts.Format)
	if err != nil {
		return nil, err
	}
	r.parts = []part{{s, f}}
	return r, nil
}

// plain returns a stream as UTF-8, inflated if it is packed with gzip.
func plain(r io.Reader, limits Limits) (io.Reader, error) {
	head := make([]byte, 2)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	if string(head[:n]) != "\x1f\x8b" {
		return cursor.Decode(cursor.Bound(r, limits.Bytes, nil, 0))
	}
	packed := &cursor.Counter{R: r}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "evidence.gzip", "the gzip stream is damaged")
	}
	return cursor.Decode(cursor.Bound(z, limits.Bytes, func() int64 { return packed.N }, limits.Ratio))
}

func (r *Report) openZip(src io.ReaderAt, size int64, opts Options) error {
	z, err := cursor.OpenZip(src, size, r.limits)
	if err != nil {
		return err
	}
	if z.Find("audit.fvdl") != "" || z.Find("webinspect.xml") != "" {
		r.parts = []part{{&cursor.Source{Name: opts.Name, Limits: r.limits, Zip: z}, fprFormat()}}
		return nil
	}
	names := z.Names()
	if len(names) > r.limits.Entries {
		return fault.New(fault.TooLarge, "evidence.zip_entries", "the zip archive has %d files; at most %d are read as reports", len(names), r.limits.Entries)
	}
	if z.Total() > r.limits.Bytes {
		return fault.New(fault.TooLarge, "evidence.too_large", "the zip archive holds more than %d MiB of reports", r.limits.Bytes>>20)
	}
	var last error
	for _, name := range names {
		s := z.Source(name)
		f, err := detect(s, opts.Format)
		if err != nil {
			if fault.Is(err, fault.TooLarge) {
				return err
			}
			last = err
			if fault.Is(err, fault.Invalid) {
				r.broken = append(r.broken, fmt.Sprintf("%s could not be read: %s", name, err))
			} else {
				r.notes = append(r.notes, fmt.Sprintf("%s was left out: %s", name, err))
			}
			continue
		}
		r.parts = append(r.parts, part{s, f})
	}
	if len(r.parts) == 0 {
		f := fault.Wrap(last, fault.Unsupported, "evidence.format", "none of the %d files in the zip archive is a report that is read here", len(names))
		for _, n := range append(r.broken, r.notes...)[:min(len(names), 5)] {
			f.With("", "%s", n)
		}
		return f
	}
	return nil
}

// Format returns the family of the report: junit, cucumber, zap, sarif or
// fortify, or "mixed" for a zip of several.
func (r *Report) Format() string {
	family := r.parts[0].format.family
	for _, p := range r.parts {
		if p.format.family != family {
			return "mixed"
		}
	}
	return family
}

// Read streams the results in file order to yield and returns what the report
// says about itself. A file that breaks off or is damaged half-way gives what was read with Complete
// false and no error. An error is a limit (too_large), refused content (invalid), the
// context's, or yield's own; the summary then holds what had been read. Read may be called again.
func (r *Report) Read(ctx context.Context, yield func(Result) error) (Summary, error) {
	return r.read(result.NewRun(ctx, r.limits.Results, yield))
}

func (r *Report) read(run *result.Run) (Summary, error) {
	for _, n := range r.broken {
		run.Incomplete("%s", n)
	}
	for _, n := range r.notes {
		run.Note("%s", n)
	}
	for _, p := range r.parts {
		err := p.format.read(p.src, run)
		if b := cursor.AsBroken(err); b != nil {
			if len(r.parts) > 1 {
				run.Incomplete("%s: %s", p.src.Name, b)
			} else {
				run.Incomplete("%s", b)
			}
			continue
		}
		if err != nil {
			return run.Summary, fmt.Errorf("evidence: read %s: %w", nameOf(p.src.Name), err)
		}
	}
	if len(r.parts) > 1 {
		run.Summary.Format, run.Summary.Variant = r.Format(), "zip"
	}
	return run.Summary, nil
}

func withDefaults(l Limits) Limits {
	d := cursor.DefaultLimits()
	if l.Bytes > 0 {
		d.Bytes = l.Bytes
	}
	if l.Ratio > 0 {
		d.Ratio = l.Ratio
	}
	if l.Depth > 0 {
		d.Depth = l.Depth
	}
	if l.Results > 0 {
		d.Results = l.Results
	}
	if l.Entries > 0 {
		d.Entries = l.Entries
	}
	return d
}

func nameOf(name string) string {
	if name == "" {
		return "the report"
	}
	return result.Clean(name, 200)
}
