// Package junit reads JUnit XML in the dialects of its many writers: nested
// suites, suite-level errors, several outcomes in one case, flaky and rerun
// elements, and the property conventions of Xray, Testmo and ours.
package junit

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// Read maps every test case, and every failure or error of a suite itself, to
// a result. JUnit has no sign of completeness: only a broken file makes the run incomplete.
func Read(src *cursor.Source, run *result.Run) error {
	x, err := src.XML()
	if err != nil {
		return err
	}
	run.Summary.Format, run.Summary.Variant, run.Summary.Declarable, run.Summary.Tool = "junit", "xml", true, "JUnit"
	r := &reader{x: x, run: run, tree: cwe.Default()}
	for {
		kind, err := x.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch kind {
		case cursor.Start:
			err = r.start()
		case cursor.End:
			err = r.end()
		}
		if err != nil {
			return err
		}
	}
}

// suite is one open testsuites or testsuite element.
type suite struct {
	name  string
	file  string
	props props
	cases int
}

type reader struct {
	x      *cursor.XML
	run    *result.Run
	tree   *cwe.Tree
	suites []suite
}

func (r *reader) start() error {
	switch name := r.x.Name(); name {
	case "testsuites", "testsuite":
		r.open(name)
		return nil
	case "testcase":
		return r.testcase()
	case "properties":
		if n := len(r.suites); n > 0 {
			s := &r.suites[n-1]
			if s.cases > 0 {
				r.run.Note("properties that follow the test cases of suite %q were not applied to them", s.name)
			}
			return r.properties(&s.props)
		}
	case "failure", "error":
		return r.suiteOutcome(name)
	}
	return r.x.Skip()
}

func (r *reader) end() error {
	if n := len(r.suites); n > 0 && (r.x.Name() == "testsuite" || r.x.Name() == "testsuites") {
		r.suites = r.suites[:n-1]
	}
	return nil
}

func (r *reader) open(element string) {
	s := suite{name: r.x.Attr("name"), file: r.x.Attr("file")}
	if pkg := r.x.Attr("package"); pkg != "" && !strings.HasPrefix(s.name, pkg) && s.name != "" {
		s.name = pkg + "." + s.name
	}
	if n := len(r.suites); n > 0 {
		s.props = r.suites[n-1].props.inherit()
		r.suites[n-1].cases++
	} else if element == "testsuites" {
		r.run.Target(s.name)
	}
	if sum := &r.run.Summary; sum.StartedAt.IsZero() {
		sum.StartedAt = parseTime(r.x.Attr("timestamp"))
	}
	r.suites = append(r.suites, s)
}

// path returns the names of the open suites, without empty ones and without the root testsuites' own.
func (r *reader) path() []string {
	var out []string
	for i, s := range r.suites {
		if s.name != "" && (i > 0 || len(r.suites) == 1) {
			out = append(out, s.name)
		}
	}
	return out
}

func (r *reader) suiteOutcome(element string) error {
	out := outcome{verdict: verdictOf(element)}
	if err := r.detail(&out); err != nil {
		return err
	}
	path := r.path()
	id := strings.Join(path, " / ")
	if id == "" {
		id = "suite"
	}
	res := result.Result{
		Key: result.KeyOf("junit-suite", strings.Join(path, "\x01")), ID: id, Name: "set-up of the suite",
		Verdict: out.verdict, Suite: path, Detail: out.detail,
	}
	if n := len(r.suites); n > 0 {
		r.suites[n-1].cases++
		r.suites[n-1].props.apply(&res, r.tree)
	}
	return r.run.Emit(res)
}

// outcome is the worst of a case's children so far.
type outcome struct {
	verdict result.Verdict
	detail  string
}

// rank orders outcomes: a failure is conclusive and wins over a broken tear-down.
var rank = map[result.Verdict]int{result.Pass: 0, result.NotRun: 1, result.Error: 2, result.Fail: 3}

func (o *outcome) worse(other outcome) {
	if o.verdict == "" || rank[other.verdict] > rank[o.verdict] {
		*o = other
	}
}

func verdictOf(element string) result.Verdict {
	switch element {
	case "failure", "rerunFailure":
		return result.Fail
	case "error", "rerunError":
		return result.Error
	case "skipped":
		return result.NotRun
	}
	return result.Pass
}

func (r *reader) testcase() error {
	x := r.x
	class, name := x.Attr("classname"), x.Attr("name")
	loc := result.Location{URI: slashes(x.Attr("file"))}
	loc.Line, _ = strconv.Atoi(x.Attr("line"))
	status := strings.ToLower(x.Attr("status") + " " + x.Attr("result"))
	worst := outcome{verdict: result.Pass}
	if strings.Contains(status, "notrun") || strings.Contains(status, "disabled") || strings.Contains(status, "skipped") || strings.Contains(status, "suppressed") {
		worst.verdict = result.NotRun
	}
	var own props
	if n := len(r.suites); n > 0 {
		s := &r.suites[n-1]
		s.cases++
		own = s.props.inherit()
		if loc.URI == "" {
			loc.URI = slashes(s.file)
		}
	}
	var tags []string
	err := x.Children(func(child string) error {
		switch child {
		case "failure", "error", "skipped", "rerunFailure", "rerunError":
			out := outcome{verdict: verdictOf(child)}
			err := r.detail(&out)
			worst.worse(out)
			return err
		case "flakyFailure", "flakyError":
			tags = append(tags, "flaky")
			out := outcome{verdict: result.Pass}
			if err := r.detail(&out); err != nil {
				return err
			}
			if worst.verdict == result.Pass && worst.detail == "" {
				worst.detail = "passed after a retry: " + out.detail
			}
		case "properties":
			return r.properties(&own)
		case "system-out", "system-err":
			text, err := x.TextOf(cursor.MaxToken)
			own.fromOutput(text)
			return err
		}
		return nil
	})
	if err != nil && (cursor.AsBroken(err) == nil || rank[worst.verdict] < rank[result.Error]) {
		return err // where the file is cut off after a failure, that one is known all the same
	}
	if worst.verdict == result.Pass && len(tags) == 0 && (strings.Contains(status, "fail") || strings.Contains(status, "error")) {
		worst.verdict = result.Fail
	}
	path := r.path()
	res := result.Result{
		Key: result.KeyOf("junit", strings.Join(path, "\x01"), class, name),
		ID:  caseID(path, class, name), Name: name, Verdict: worst.verdict, Suite: path, Detail: worst.detail,
		Tags: tags, Refs: append(result.RefsInName(name), result.RefsInName(class)...),
		CWEs: append(r.tree.FindIDs(name), r.tree.FindIDs(class)...),
	}
	if loc == (result.Location{}) {
		loc.Method = class
	}
	if loc != (result.Location{}) {
		res.Locations = []result.Location{loc}
	}
	own.apply(&res, r.tree)
	return errors.Join(r.run.Emit(res), err)
}

// caseID is the full name of a test: its class, else the innermost suite, and its own name.
func caseID(path []string, class, name string) string {
	if class == "" && len(path) > 0 {
		class = path[len(path)-1]
	}
	switch {
	case class == "" || strings.HasPrefix(name, class):
		return name
	case name == "":
		return class
	}
	return class + "." + name
}

// detail reads an outcome element: its message, type and text.
func (r *reader) detail(out *outcome) error {
	message, kind := r.x.Attr("message"), r.x.Attr("type")
	text, err := r.x.TextOf(result.MaxDetail)
	if err != nil {
		out.detail = message
		return err
	}
	switch {
	case message == "":
		message = text
	case text != "" && !strings.HasPrefix(text, message):
		message += "\n" + text
	case text != "":
		message = text
	}
	if kind != "" && !strings.Contains(message, kind) {
		message = strings.TrimSpace(kind + ": " + message)
	}
	out.detail = message
	return nil
}

func slashes(path string) string { return strings.ReplaceAll(path, `\`, "/") }

// parseTime reads a suite's timestamp, in UTC where it names no zone; zero where it is no time.
func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1 {
			return t.UTC()
		}
	}
	return time.Time{}
}
