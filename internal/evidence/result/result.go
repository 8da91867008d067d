// Package result says what a line of a security-test report is, whatever tool
// wrote it, and collects a run: every reader maps its format to a Result and
// hands it to a Run, which bounds, identifies and counts it and passes it on.
// Nothing is accumulated. The package knows no format and no model.
package result

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Verdict is what a test or a rule said.
type Verdict string

// The verdicts. Pass and Fail are conclusive; Error (the test itself broke) and
// NotRun (skipped, undefined, pending, disabled) say nothing about the product.
const (
	Pass   Verdict = "pass"
	Fail   Verdict = "fail"
	Error  Verdict = "error"
	NotRun Verdict = "not_run"
)

// Conclusive reports whether the verdict says something about the product.
func (v Verdict) Conclusive() bool { return v == Pass || v == Fail }

// Severity is the neutral grade of a finding; "" where the format has none.
type Severity string

// The severities, highest first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Location is where a result was observed. All fields are optional.
type Location struct {
	URI    string `json:"uri,omitempty"`    // URL, or path relative to the source root with forward slashes
	Line   int    `json:"line,omitempty"`   // from 1
	Param  string `json:"param,omitempty"`  // request parameter, header or cookie
	Method string `json:"method,omitempty"` // HTTP method, or the function's full name for code
}

// Result is one line of a report: a test with its outcome, or a finding of a rule.
type Result struct {
	// Key identifies the same test or finding in every later report of the same
	// source: 32 hex digits, and "-n" for the n-th repeat (from 2) within one file.
	// It holds no severity, no CWE, no text and no line, which change by themselves.
	Key         string     `json:"key"`
	ID          string     `json:"id"` // the test's full name or the rule's id
	Name        string     `json:"name,omitempty"`
	Verdict     Verdict    `json:"verdict"`
	Suppressed  bool       `json:"suppressed,omitempty"` // a finding that the tool or its auditor set aside
	Severity    Severity   `json:"severity,omitempty"`
	Score       float64    `json:"score,omitempty"`      // 0.0 to 10.0 where the tool gives one
	Confidence  string     `json:"confidence,omitempty"` // the tool's word
	CWEs        []int      `json:"cwes,omitempty"`       // ids of the catalogue, ascending
	Refs        []string   `json:"refs,omitempty"`       // explicit references set by the test's author, without "@"
	Tags        []string   `json:"tags,omitempty"`       // without "@"
	Suite       []string   `json:"suite,omitempty"`      // path of suites, the feature, or the scanned site
	Component   string     `json:"component,omitempty"`  // as the report names it
	Locations   []Location `json:"locations,omitempty"`  // the first is the primary one; at most MaxLocations
	Fingerprint string     `json:"fingerprint,omitempty"`
	Detail      string     `json:"detail,omitempty"` // plain text, at most MaxDetail bytes
}

// Location returns the primary location, or a zero one.
func (r *Result) Location() Location {
	if len(r.Locations) == 0 {
		return Location{}
	}
	return r.Locations[0]
}

// Bounds of one result; what is longer is cut at a rune border.
const (
	MaxText      = 1 << 10 // an id, a name, a tag, a URI
	MaxDetail    = 2 << 10
	MaxList      = 64 // CWEs, references, tags, suites
	MaxLocations = 100
)

// KeyOf derives a result's key from the parts that identify it, in order.
func KeyOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Counts is the number of results per verdict. A suppressed finding counts as a failure.
type Counts struct {
	Fail   int `json:"fail"`
	Pass   int `json:"pass"`
	Error  int `json:"error"`
	NotRun int `json:"not_run"`
}

// Total returns the number of results.
func (c Counts) Total() int { return c.Fail + c.Pass + c.Error + c.NotRun }

// Add adds one result of the verdict.
func (c *Counts) Add(v Verdict) {
	switch v {
	case Fail:
		c.Fail++
	case Pass:
		c.Pass++
	case Error:
		c.Error++
	default:
		c.NotRun++
	}
}

// Summary is what a report says about itself, known in full only after its last result.
type Summary struct {
	Format      string    `json:"format"`            // junit, cucumber, zap, sarif, fortify
	Variant     string    `json:"variant,omitempty"` // xml, json, messages, fpr, fvdl, report, webinspect
	Tool        string    `json:"tool"`              // as the report names it, or ""
	ToolVersion string    `json:"tool_version,omitempty"`
	RuleSet     string    `json:"rule_set,omitempty"` // policy, rule packs or category; runs compare only within one
	Targets     []string  `json:"targets,omitempty"`  // what was scanned: sites, a build; runs compare only within one
	StartedAt   time.Time `json:"started_at,omitzero"`
	// Complete is false where the file itself shows that something is missing;
	// Reasons says what. Readers of test runs (Declarable) cannot know whether more
	// tests exist elsewhere: their run is complete only if the sender says so too.
	Complete   bool     `json:"complete"`
	Declarable bool     `json:"declarable"`
	Reasons    []string `json:"reasons,omitempty"`
	Counts     Counts   `json:"counts"`
	Suppressed int      `json:"suppressed,omitempty"` // how many of the failures are set aside
	Notes      []string `json:"notes,omitempty"`
}
