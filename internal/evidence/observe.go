package evidence

import (
	"context"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/result"
)

// maxObserved bounds the observations of one upload that are kept: failures, and what names something.
const maxObserved = 200_000

// keptDetail is how much of a result's text is kept as evidence.
const keptDetail = 600

// Observe reads a report and matches its results. Passing tests that name no CWE, reference or pinned
// rule are counted in the summary and not kept, so that memory follows the findings, not the file. A test that fails only
// because a test inside it fails (Go's subtests) is left out.
func Observe(ctx context.Context, r *Report, m *Matcher) (Summary, []Observation, error) {
	var kept []Observation
	dropped := 0
	var run *result.Run
	run = result.NewRun(ctx, r.limits.Results, func(res Result) error {
		o := m.Match(run.Summary.Tool, res)
		if res.Verdict != Fail && len(o.Matches) == 0 && len(res.CWEs) == 0 && len(res.Refs) == 0 {
			return nil
		}
		if len(kept) == maxObserved {
			dropped++
			return nil
		}
		o.Result.Detail = result.Clean(o.Result.Detail, keptDetail)
		kept = append(kept, o)
		return nil
	})
	sum, err := r.read(run)
	if err != nil {
		return sum, nil, err
	}
	if dropped > 0 {
		sum.Complete = false
		sum.Reasons = append(sum.Reasons, "more findings than are kept of one upload: split it")
	}
	return sum, withoutParents(kept), nil
}

// withoutParents leaves out failures named "A" beside failures named "A/b" in
// the same suite and class, unless the parent itself refers to something.
func withoutParents(list []Observation) []Observation {
	place := func(r *Result) string {
		return strings.TrimSuffix(r.ID, r.Name) + "\x00" + strings.Join(r.Suite, "\x00") + "\x00"
	}
	parents := map[string]bool{}
	for i := range list {
		r := &list[i].Result
		if r.Verdict != Fail {
			continue
		}
		for n := strings.LastIndexByte(r.Name, '/'); n > 0; n = strings.LastIndexByte(r.Name[:n], '/') {
			parents[place(r)+r.Name[:n]] = true
		}
	}
	return slices.DeleteFunc(list, func(o Observation) bool {
		r := &o.Result
		return r.Verdict == Fail && len(r.Refs) == 0 && parents[place(r)+r.Name]
	})
}
