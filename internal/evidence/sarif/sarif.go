// Package sarif reads SARIF 2.1.0. The order of members is free, so a file is
// read twice: once for rules, taxonomies and artifacts, once for the results, which are never held.
package sarif

import (
	"net/url"
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

// finding is one result object.
type finding struct {
	ruleID, kind, level, baseline string
	ruleIndex, extension          int
	message, messageID            string
	arguments                     []string
	places                        []result.Location
	logical                       string
	fingerprints                  map[string]string
	partial                       bool
	cwes                          []int
	tags                          []string
	taxa                          []target
	suppressed, underReview       bool
	score                         string
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

func (r *reader) member(f *finding, key string) error {
	j := r.j
	switch key {
	case "ruleId":
		return j.Into(&f.ruleID)
	case "ruleIndex":
		n, err := j.Int()
		f.ruleIndex = n
		return err
	case "rule":
		t, err := readTarget(j)
		if f.ruleID == "" {
			f.ruleID = t.id
		}
		if t.index >= 0 {
			f.ruleIndex, f.extension = t.index, t.comp
		}
		return err
	case "kind":
		return j.Into(&f.kind)
	case "level":
		return j.Into(&f.level)
	case "baselineState":
		return j.Into(&f.baseline)
	case "message":
		return j.Object(func(key string) error {
			switch key {
			case "text":
				return j.Into(&f.message)
			case "id":
				return j.Into(&f.messageID)
			case "arguments":
				args, err := j.Strings()
				f.arguments = args
				return err
			}
			return nil
		})
	case "locations":
		return j.List(func() error { return r.location(f) })
	case "fingerprints", "partialFingerprints":
		return r.fingerprints(f, key == "partialFingerprints")
	case "correlationGuid":
		text, err := j.String()
		if len(f.fingerprints) == 0 && text != "" {
			f.fingerprints["correlationGuid"], f.partial = text, true
		}
		return err
	case "taxa":
		return j.List(func() error {
			t, err := readTarget(j)
			if len(f.taxa) < result.MaxList {
				f.taxa = append(f.taxa, t)
			}
			return err
		})
	case "suppressions":
		return j.List(func() error {
			f.suppressed = true
			return j.Object(func(key string) error {
				if key != "status" {
					return nil
				}
				status, err := j.String()
				f.underReview = f.underReview || status == "underReview" || status == "rejected"
				return err
			})
		})
	case "properties":
		return r.properties(f)
	}
	return nil
}

func (r *reader) properties(f *finding) error {
	return r.j.Object(func(key string) error {
		switch strings.ToLower(key) {
		case "cwe", "cwes", "cwe_id", "cwe-id":
			ids, err := r.j.Strings()
			for _, id := range ids {
				f.cwes = append(f.cwes, r.tree.ParseIDs(id)...)
			}
			return err
		case "tags":
			tags, err := r.j.Strings()
			f.tags = append(f.tags, tags[:min(len(tags), result.MaxList)]...)
			return err
		case "security-severity":
			return r.j.Into(&f.score)
		}
		return nil
	})
}

// fingerprints keeps the values that are texts; whole ones win over partial ones.
func (r *reader) fingerprints(f *finding, partial bool) error {
	return r.j.Object(func(key string) error {
		value, err := r.j.String()
		if err != nil || value == "" || partial && len(f.fingerprints) > 0 && !f.partial {
			return err
		}
		if !partial && f.partial {
			clear(f.fingerprints)
		}
		f.partial = partial
		if len(f.fingerprints) < result.MaxList {
			f.fingerprints[result.Clean(key, 100)] = result.Clean(value, 200)
		}
		return nil
	})
}

func (r *reader) location(f *finding) error {
	j := r.j
	var at result.Location
	artifact, found := -1, false
	err := j.Object(func(key string) error {
		switch key {
		case "physicalLocation":
			found = true
			return j.Object(func(key string) error {
				switch key {
				case "artifactLocation":
					return j.Object(func(key string) error {
						switch key {
						case "uri":
							return j.Into(&at.URI)
						case "index":
							n, err := j.Int()
							artifact = n
							return err
						}
						return nil
					})
				case "region":
					return j.Object(func(key string) error {
						if key != "startLine" {
							return nil
						}
						n, err := j.Int()
						at.Line = n
						return err
					})
				}
				return nil
			})
		case "logicalLocations":
			return j.List(func() error {
				return j.Object(func(key string) error {
					if key != "fullyQualifiedName" || at.Method != "" {
						return nil
					}
					return j.Into(&at.Method)
				})
			})
		}
		return nil
	})
	if at.URI == "" && artifact >= 0 && artifact < len(r.s.artifacts) {
		at.URI = r.s.artifacts[artifact]
	}
	at.URI, at.Method = result.Clean(cleanURI(at.URI), result.MaxText), result.Clean(at.Method, result.MaxText)
	if f.logical == "" {
		f.logical = at.Method
	}
	if found && len(f.places) < maxPlaces {
		f.places = append(f.places, at)
	}
	return err
}

// cleanURI decodes a percent-encoded URI and drops what names the machine: a
// file scheme, and base placeholders such as %SRCROOT%.
func cleanURI(uri string) string {
	if rest, ok := strings.CutPrefix(uri, "%SRCROOT%"); ok {
		uri = strings.TrimLeft(rest, `/\`)
	}
	if rest, ok := strings.CutPrefix(uri, "file://"); ok {
		uri = rest
		if len(uri) > 2 && uri[0] == '/' && uri[2] == ':' {
			uri = uri[1:]
		}
	}
	if !strings.Contains(uri, "://") {
		if plain, err := url.PathUnescape(uri); err == nil {
			uri = plain
		}
		uri = strings.TrimPrefix(strings.ReplaceAll(uri, `\`, "/"), "./")
	}
	return uri
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
