package result

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/threatloop/threatloop/internal/fault"
)

// maxNotes bounds Reasons and Notes of a summary.
const maxNotes = 50

// Run takes the results of one report while it is read. Make one with NewRun; it is not safe for concurrent use.
type Run struct {
	Summary Summary

	ctx   context.Context
	yield func(Result) error
	seen  occurrences
	limit int
}

// NewRun returns a run that hands every result to yield. More than limit results are a fault (too_large); 0 is no limit.
func NewRun(ctx context.Context, limit int, yield func(Result) error) *Run {
	return &Run{Summary: Summary{Complete: true}, ctx: ctx, yield: yield, limit: limit}
}

// Emit cleans and bounds a result, makes its key unique in the file, counts it
// and passes it on. It returns the consumer's error, or the context's.
func (r *Run) Emit(res Result) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.limit > 0 && r.Summary.Counts.Total() >= r.limit {
		return fault.New(fault.TooLarge, "evidence.too_many_results", "the report has more than %d results; split it", r.limit)
	}
	n, known := r.seen.next(res.Key)
	if n > 1 {
		res.Key += "-" + strconv.Itoa(n)
	}
	if !known {
		r.Note("more than %d different tests: repeated names among the rest are not told apart", maxKeys)
	}
	bound(&res)
	r.Summary.Counts.Add(res.Verdict)
	if res.Suppressed {
		r.Summary.Suppressed++
	}
	return r.yield(res)
}

// Target records what the run covered; at most 100 different ones are kept.
func (r *Run) Target(name string) {
	if name = Clean(name, MaxText); name != "" && len(r.Summary.Targets) < 2*maxNotes && !slices.Contains(r.Summary.Targets, name) {
		r.Summary.Targets = append(r.Summary.Targets, name)
	}
}

// Err returns the context's error: long stretches without a result check it.
func (r *Run) Err() error { return r.ctx.Err() }

// Incomplete records a sign that the report is not whole.
func (r *Run) Incomplete(format string, args ...any) {
	r.Summary.Complete = false
	add(&r.Summary.Reasons, fmt.Sprintf(format, args...))
}

// Note records something that a person should know; it changes nothing.
func (r *Run) Note(format string, args ...any) {
	add(&r.Summary.Notes, fmt.Sprintf(format, args...))
}

func add(list *[]string, text string) {
	text = Clean(text, MaxText)
	if len(*list) < maxNotes && !slices.Contains(*list, text) {
		*list = append(*list, text)
	}
}

func bound(r *Result) {
	for _, s := range []*string{&r.ID, &r.Name, &r.Confidence, &r.Fingerprint, &r.Component} {
		*s = Clean(*s, MaxText)
	}
	r.Detail = Clean(r.Detail, MaxDetail)
	if r.ID == "" {
		r.ID = r.Name
	}
	slices.Sort(r.CWEs)
	r.CWEs = cut(slices.Compact(r.CWEs), MaxList)
	r.Refs = texts(r.Refs)
	r.Tags = texts(r.Tags)
	r.Suite = cut(r.Suite, MaxList)
	for i := range r.Suite {
		r.Suite[i] = Clean(r.Suite[i], MaxText)
	}
	r.Locations = cut(r.Locations, MaxLocations)
	for i := range r.Locations {
		l := &r.Locations[i]
		l.URI, l.Param, l.Method = Clean(l.URI, MaxText), Clean(l.Param, MaxText), Clean(l.Method, MaxText)
		l.Line = max(l.Line, 0)
	}
	r.Score = min(max(r.Score, 0), 10)
}

// texts cleans a list, drops what is empty or repeated, and keeps the order.
func texts(list []string) []string {
	var out []string
	for _, s := range list {
		if s = Clean(s, MaxText); s != "" && len(out) < MaxList && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func cut[T any](list []T, n int) []T {
	if len(list) > n {
		return list[:n]
	}
	return list
}
