package app

import (
	"cmp"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// judged is what the rows of a product's evidence say now, without the rows: to
// judge one takes all, to show a page takes only those on it. It is shared and
// never changed; nil is none.
type judged struct {
	rows    []judgedRow             // by id
	results map[string][]TestResult // by the id of the weakness or countermeasure, latest first, at most resultsShown
}

type judgedRow struct {
	id       string
	about    []string // ids of weaknesses and countermeasures
	waits    bool     // for a person, in triage
	place    string   // among those that wait: the most severe first
	standing evidence.Standing
	reason   string
}

// severities in the order in which what waits is listed.
var severities = []result.Severity{result.Critical, result.High, result.Medium, result.Low, result.Info, ""}

// judge judges all rows of a ledger.
func judge(l evidence.Ledger) *judged {
	j := &judged{rows: make([]judgedRow, len(l.Rows)), results: map[string][]TestResult{}}
	for i, says := range l.Judge() {
		r := &l.Rows[i]
		row := judgedRow{id: evidenceKey(r).ID(), standing: says.Standing, reason: says.Reason}
		row.waits = (r.State == evidence.Unmatched || r.State == evidence.Ambiguous) && says.Standing == evidence.Failing
		row.place = string(rune('a'+slices.Index(severities, r.Result.Severity))) + row.id
		v := TestResult{
			ID: row.id, Name: cmp.Or(r.Result.Name, r.Key), Tool: r.Tool, Source: r.Source,
			Verdict: r.Verdict, At: r.VerdictAt, Standing: says.Standing, Reason: says.Reason,
		}
		if v.Verdict == "" {
			v.Verdict, v.At = r.Attempt, r.AttemptAt
		}
		for _, m := range r.Matches {
			subject := cmp.Or(string(m.Weakness), string(m.Countermeasure))
			j.results[subject] = append(j.results[subject], v)
			row.about = append(row.about, subject)
		}
		j.rows[i] = row
	}
	slices.SortFunc(j.rows, func(x, y judgedRow) int { return strings.Compare(x.id, y.id) })
	for subject, list := range j.results {
		slices.SortStableFunc(list, func(x, y TestResult) int { return cmp.Or(y.At.Compare(x.At), cmp.Compare(x.ID, y.ID)) })
		j.results[subject] = slices.Clone(list[:min(len(list), resultsShown)])
	}
	return j
}

// of are the latest results about a weakness or countermeasure.
func (j *judged) of(subject string) []TestResult {
	if j == nil || j.results[subject] == nil {
		return []TestResult{}
	}
	return slices.Clone(j.results[subject])
}

// selected are the rows that a filter selects: those that wait by how severe they are, others by id.
func (j *judged) selected(f EvidenceFilter) []judgedRow {
	var out []judgedRow
	for _, r := range j.rows {
		if (!f.Triage || r.waits) && (f.Subject == "" || slices.Contains(r.about, f.Subject)) {
			if !f.Triage {
				r.place = r.id
			}
			out = append(out, r)
		}
	}
	if f.Triage {
		slices.SortFunc(out, func(x, y judgedRow) int { return strings.Compare(x.place, y.place) })
	}
	return out
}
