// Package sarif reads SARIF 2.1.0. The order of members is free, so a file is
// read twice: once for rules, taxonomies and artifacts, once for the results, which are never held.
package sarif

import (
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// maxPlaces is how many locations of one result become results of their own.
const maxPlaces = 1000

// Read maps every result, per physical location, to a result. A kind of "pass"
// is a pass, "fail" a failure, anything else not run; what a baseline calls absent is left out. The
// run is incomplete where an invocation failed or reported an error, or results are elsewhere.
func Read(src *cursor.Source, run *result.Run) error {
	run.Summary.Format, run.Summary.Variant = "sarif", "json"
	j, err := src.JSON()
	if err != nil {
		return err
	}
	c := &collector{j: j, run: run, tree: cwe.Default()}
	broken := j.Object(c.top)
	if broken == nil {
		broken = j.End()
	}
	if broken != nil && cursor.AsBroken(broken) == nil {
		return broken
	}
	names := []string{}
	for i := range c.runs {
		if n := c.runs[i].tool.name; n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
		run.Summary.ToolVersion = c.runs[0].version
	}
	run.Summary.Tool = strings.Join(names, ", ")
	if j, err = src.JSON(); err != nil {
		return err
	}
	r := &reader{j: j, run: run, tree: c.tree, runs: c.runs}
	if err := j.Object(r.top); err != nil {
		return err
	}
	return broken
}

// reader is the second pass.
type reader struct {
	j    *cursor.JSON
	run  *result.Run
	tree *cwe.Tree
	runs []skeleton
	s    *skeleton
	gone int
}

func (r *reader) top(key string) error {
	if key != "runs" {
		return nil
	}
	i := 0
	err := r.j.List(func() error {
		r.s = &skeleton{}
		if i < len(r.runs) {
			r.s = &r.runs[i]
		}
		i++
		return r.j.Object(func(key string) error {
			if key != "results" {
				return nil
			}
			return r.j.List(r.result)
		})
	})
	if r.gone > 0 {
		r.run.Note("%d results are marked absent against the baseline and were left out", r.gone)
	}
	return err
}

func (r *reader) result() error {
	f := finding{ruleIndex: -1, extension: -1, fingerprints: map[string]string{}}
	if err := r.j.Object(func(key string) error { return r.member(&f, key) }); err != nil {
		return err
	}
	if f.baseline == "absent" {
		r.gone++
		return nil
	}
	return r.emit(&f)
}

// rule finds the rule of a result: by index into the driver or an extension, by
// id anywhere, and for a hierarchical id (CA1000/1) by its parents.
func (r *reader) rule(f *finding) *rule {
	if c := r.s.component(f.extension); c != nil && f.ruleIndex >= 0 && f.ruleIndex < len(c.rules) {
		if got := &c.rules[f.ruleIndex]; f.ruleID == "" || got.id == f.ruleID || strings.HasPrefix(f.ruleID, got.id+"/") {
			return got
		}
	}
	for id := f.ruleID; id != ""; {
		for i := -1; i < len(r.s.extensions); i++ {
			c := r.s.component(i)
			if n, ok := c.byID[id]; ok {
				return &c.rules[n]
			}
		}
		id = id[:max(strings.LastIndexByte(id, '/'), 0)]
	}
	return &rule{}
}

func (r *reader) emit(f *finding) error {
	ru := r.rule(f)
	if f.ruleID == "" {
		f.ruleID = ru.id
	}
	text := f.message
	if text == "" {
		text = ru.messages[f.messageID]
		for i, a := range f.arguments {
			text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", a)
		}
	}
	if text == "" {
		text = ru.text
	}
	res := result.Result{
		ID: f.ruleID, Name: ru.name, Verdict: verdict(f.kind), Detail: text, Tags: append(slices.Clone(ru.tags), f.tags...),
		CWEs: append(slices.Clone(ru.cwes), f.cwes...), Suppressed: f.suppressed && !f.underReview,
	}
	if res.Name == "" {
		res.Name = ru.text
	}
	if res.ID == "" { // some secret scanners name no rule
		res.ID = result.Clean(text, 200)
	}
	for _, tag := range f.tags {
		res.CWEs = append(res.CWEs, r.tree.FindIDs(tag)...)
	}
	for _, t := range f.taxa {
		res.CWEs = append(res.CWEs, r.s.ids(t, r.tree)...)
	}
	for _, tag := range res.Tags {
		if rest, ok := strings.CutPrefix(result.Tag(tag), "threatloop:"); ok {
			res.Refs = append(res.Refs, rest)
		}
	}
	res.Severity, res.Score = r.severity(f, ru)
	res.Suppressed = res.Suppressed && res.Verdict == result.Fail
	keys := make([]string, 0, len(f.fingerprints))
	for k, v := range f.fingerprints {
		keys = append(keys, k+"="+v)
	}
	slices.Sort(keys)
	res.Fingerprint = strings.Join(keys, " ")
	if len(f.places) == 0 {
		f.places = []result.Location{{Method: f.logical}}
	}
	for _, at := range f.places {
		one := res
		one.CWEs, one.Tags, one.Refs = slices.Clone(res.CWEs), slices.Clone(res.Tags), slices.Clone(res.Refs)
		if at != (result.Location{}) {
			one.Locations = []result.Location{at}
		}
		name := ""
		if res.Fingerprint == "" {
			name = at.Method
		}
		one.Key = result.KeyOf("sarif", r.s.tool.name, f.ruleID, at.URI, name, res.Fingerprint)
		if err := r.run.Emit(one); err != nil {
			return err
		}
	}
	return nil
}

func verdict(kind string) result.Verdict {
	switch kind {
	case "", "fail":
		return result.Fail
	case "pass":
		return result.Pass
	}
	return result.NotRun // open, review, informational, notApplicable
}

func (r *reader) severity(f *finding, ru *rule) (result.Severity, float64) {
	for _, s := range []string{f.score, ru.score} {
		if s == "" {
			continue
		}
		score, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil:
			switch word := result.Severity(strings.ToLower(s)); word {
			case result.Critical, result.High, result.Medium, result.Low, result.Info:
				return word, 0
			}
		case score >= 9:
			return result.Critical, score
		case score >= 7:
			return result.High, score
		case score >= 4:
			return result.Medium, score
		case score > 0:
			return result.Low, score
		}
	}
	level := f.level
	if level == "" {
		level = r.s.overrides[f.ruleID]
	}
	if level == "" {
		level = ru.level
	}
	switch level {
	case "error":
		return result.High, 0
	case "note":
		return result.Low, 0
	case "none":
		return result.Info, 0
	}
	return result.Medium, 0
}
