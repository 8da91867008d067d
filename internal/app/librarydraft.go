package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// LibraryProblem is what is wrong with, or to be looked at in, a place of a library.
type LibraryProblem struct {
	Layer  string `json:"layer" enum:"built-in,own,"`
	Kind   string `json:"kind,omitempty" enum:"head,type,pattern,rule,questionnaire,standard" doc:"Of the entry; absent where it is in no entry"`
	Ref    string `json:"ref,omitempty"`
	File   string `json:"file,omitempty" doc:"In its layer"`
	Line   int    `json:"line,omitempty" doc:"From 1; in the text of an own entry"`
	Column int    `json:"column,omitempty" doc:"From 1, in characters"`
	Text   string `json:"text"`
	// Warning is set where nothing is wrong: a person should look at it, and the library can be published as it is.
	Warning bool `json:"warning,omitempty" doc:"Nothing forbids it; a person should look at it"`
}

func (p *LibraryProblem) is(kind, ref string) bool { return p.Kind == kind && p.Ref == ref }

// problemsOf takes a refusal of a library apart.
func (a *App) problemsOf(err error) []LibraryProblem {
	out := []LibraryProblem{}
	f := fault.As(err)
	if f == nil || len(f.Fields) == 0 {
		if err != nil {
			out = append(out, LibraryProblem{Text: err.Error()})
		}
		return out
	}
	for _, field := range f.Fields {
		out = append(out, a.problemAt(field.Where, field.Text))
	}
	return out
}

// problemAt finds the entry of a place that the library names.
func (a *App) problemAt(where, text string) LibraryProblem {
	p := LibraryProblem{Text: text}
	layerName, rest, ok := strings.Cut(where, "/")
	if !ok || layerName != BuiltInLayer && layerName != OwnLayer {
		// The built-in library alone has no layers.
		if file, _, _ := placeIn(where); a.libraries.base.files[file] == "" {
			p.File = where
			return p
		}
		layerName, rest = BuiltInLayer, where
	}
	p.Layer = layerName
	p.File, p.Line, p.Column = placeIn(rest)
	if p.Layer == OwnLayer {
		p.Kind, p.Ref = entryOf(p.File)
	} else if e := a.libraries.base.at(p.File, p.Line); e != nil {
		p.Kind, p.Ref = e.Kind, e.Ref
	}
	return p
}

// placeIn takes "file:line:column" apart; a place without a line is a whole file.
func placeIn(where string) (file string, line, column int) {
	parts := strings.Split(where, ":")
	n := len(parts)
	if n < 3 {
		return where, 0, 0
	}
	line, err := strconv.Atoi(parts[n-2])
	column, err2 := strconv.Atoi(parts[n-1])
	if err != nil || err2 != nil {
		return where, 0, 0
	}
	return strings.Join(parts[:n-2], ":"), line, column
}

// draft is the own layer as it is being written.
type draft struct {
	store.LibraryState
	entries []store.LibraryEntry // by kind and ref
	inForce layer                // of the published version
}

// readDraft reads the draft and the layer that is published.
func (a *App) readDraft(tx *store.Tx) (*draft, error) {
	if err := a.authoring(); err != nil {
		return nil, err
	}
	state, err := tx.LibraryState()
	if err != nil {
		return nil, err
	}
	d := &draft{LibraryState: state}
	if d.entries, err = tx.LibraryEntries(); err != nil {
		return nil, err
	}
	slices.SortFunc(d.entries, func(x, y store.LibraryEntry) int { return compareEntries(x.Kind, x.Ref, y.Kind, y.Ref) })
	// What cannot be read must not keep anybody from mending it.
	if d.inForce, err = publishedLayer(tx, state.Published); fault.Is(err, fault.Invalid) {
		err = nil
	}
	return d, err
}

// publishedLayer returns the layer of a version; that of 0 is empty.
func publishedLayer(tx *store.Tx, number int64) (layer, error) {
	if number == 0 {
		return nil, nil
	}
	v, err := tx.LibraryVersion(number)
	if err != nil {
		return nil, err
	}
	return readLayer(v.Content)
}

// layer is what the draft would be as a version.
func (d *draft) layer() layer {
	l := make(layer, len(d.entries))
	for i, e := range d.entries {
		l[i] = layerEntry{e.Kind, e.Ref, e.Body}
	}
	return l
}

func (d *draft) entry(kind, ref string) *store.LibraryEntry {
	i := slices.IndexFunc(d.entries, func(e store.LibraryEntry) bool { return e.Kind == kind && e.Ref == ref })
	if i < 0 {
		return nil
	}
	return &d.entries[i]
}

// checkedDraft is what is known of a draft. It never changes.
type checkedDraft struct {
	content  string           // of the layer
	lib      *library.Library // nil where there are problems
	problems []LibraryProblem
	tested   func() generate.Report // runs the tests when first asked for
}

// checkedDrafts keeps what is known of the last draft, which several readers ask
// for. The zero value is ready; it is safe for concurrent use.
type checkedDrafts struct {
	mu   sync.Mutex
	last *checkedDraft
}

// checked tells what is wrong with a draft.
func (a *App) checked(d *draft) *checkedDraft {
	kept, own := &a.libraries.draft, d.layer()
	// By content: a revision is only what it seems once its transaction is committed.
	content, err := own.content()
	if err != nil {
		return &checkedDraft{problems: a.problemsOf(err)}
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.last != nil && kept.last.content == content {
		return kept.last
	}
	before, err := d.inForce.content()
	if now := a.libraries.now.Load(); err == nil && before == content && now.number == d.Published && now.condition == LibraryCurrent {
		kept.last = sound(now.Library) // it was checked when it was published
	} else {
		kept.last = a.check(own)
	}
	kept.last.content = content
	return kept.last
}

// check tells what is wrong with a layer on the built-in library.
func (a *App) check(l layer) *checkedDraft {
	c := &checkedDraft{problems: []LibraryProblem{}}
	named := make(layer, 0, len(l))
	for _, e := range l {
		if p := misnamed(e); p != nil {
			c.problems = append(c.problems, *p)
		} else {
			named = append(named, e)
		}
	}
	lib, err := a.load(a.libraries.base.parsed, named)
	if err != nil {
		c.problems = append(c.problems, a.problemsOf(err)...)
	}
	if len(c.problems) > 0 {
		return c
	}
	return sound(lib)
}

// sound is what is known of a draft that loads.
func sound(lib *library.Library) *checkedDraft {
	return &checkedDraft{lib: lib, problems: []LibraryProblem{}, tested: sync.OnceValue(func() generate.Report { return generate.Test(lib) })}
}

// misnamed tells what is wrong with a text that is not what its entry is called: it
// would stand for another one. What is no YAML at all, the library says.
func misnamed(e layerEntry) *LibraryProblem {
	file := library.EntryFile(e.Kind, e.Ref)
	pieces, err := library.Split(file, e.Text)
	if err != nil {
		return nil
	}
	p := &LibraryProblem{Layer: OwnLayer, Kind: e.Kind, Ref: e.Ref, File: file, Line: 1, Column: 1}
	switch {
	case len(pieces) == 0:
		p.Text = fmt.Sprintf("expected the %s %q, found none", e.Kind, e.Ref)
	case len(pieces) > 1:
		p.Line, p.Column, p.Text = pieces[1].At.Line, pieces[1].At.Column, fmt.Sprintf("expected one entry, the %s %q; another one needs an entry of its own", e.Kind, e.Ref)
	case pieces[0].Kind != e.Kind || pieces[0].Ref != e.Ref:
		p.Line, p.Column = pieces[0].At.Line, pieces[0].At.Column
		p.Text = fmt.Sprintf("expected the %s %q, found the %s %q; a ref cannot be changed, only copied under another one", e.Kind, e.Ref, pieces[0].Kind, pieces[0].Ref)
	default:
		return nil
	}
	return p
}

// DraftView is the draft of the own layer at one glance.
type DraftView struct {
	Revision int64        `json:"revision" doc:"Raised by every change of the draft; send it as If-Match when publishing or discarding"`
	InForce  LibraryForce `json:"in_force"`
	Entries  int          `json:"entries" doc:"Of the own layer"`
	Changed  int          `json:"changed" doc:"Entries that publishing would add, change or remove"`
	Problems int          `json:"problems" doc:"What keeps the draft from being published; the tests of the rules come on top, see the check"`
}

// ETag returns the draft's revision.
func (v DraftView) ETag() int64 { return v.Revision }

// Draft shows how far the draft is.
func (a *App) Draft(ctx context.Context, c Caller) (DraftView, error) {
	return query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (DraftView, error) {
		d, err := a.readDraft(tx)
		if err != nil {
			return DraftView{}, err
		}
		return a.draftView(tx, c, d), nil
	})
}

func (a *App) draftView(tx *store.Tx, c Caller, d *draft) DraftView {
	v := DraftView{Revision: d.Draft, InForce: a.forceView(tx, c), Entries: len(d.entries), Problems: len(a.checked(d).problems)}
	for _, row := range a.rows(d) {
		if row.Draft != "" {
			v.Changed++
		}
	}
	return v
}

// DraftCheck is everything that a check of the draft found.
type DraftCheck struct {
	Revision int64             `json:"revision"`
	Passes   bool              `json:"passes" doc:"It can be published"`
	Stamp    string            `json:"stamp,omitempty" doc:"Of the library that it would be; absent where there are problems"`
	Problems []LibraryProblem  `json:"problems" doc:"What keeps the library from being loaded, at most about 50; the tests are run once there are none"`
	Warnings []LibraryProblem  `json:"warnings"`
	Rules    int               `json:"rules"`
	Tests    int               `json:"tests"`
	Failures []RuleTestFailure `json:"failures" doc:"Tests that do not come out as they say, and rules without a test in which they fire or stay silent"`
}

// ETag returns the draft's revision.
func (v DraftCheck) ETag() int64 { return v.Revision }

// RuleTestFailure is a test of a rule that fails, or a rule that lacks one.
type RuleTestFailure struct {
	LibraryProblem
	Rule string `json:"rule"`
	Test string `json:"test,omitempty" doc:"Absent where a test is missing"`
}

// CheckDraft checks the draft and runs the tests of all rules.
func (a *App) CheckDraft(ctx context.Context, c Caller) (DraftCheck, error) {
	return query(ctx, a, c, policy.LibraryEdit, "", func(tx *store.Tx) (DraftCheck, error) {
		d, err := a.readDraft(tx)
		if err != nil {
			return DraftCheck{}, err
		}
		return a.draftCheck(d), nil
	})
}

func (a *App) draftCheck(d *draft) DraftCheck {
	k := a.checked(d)
	v := DraftCheck{Revision: d.Draft, Problems: k.problems, Warnings: []LibraryProblem{}, Failures: []RuleTestFailure{}}
	if k.lib == nil {
		return v
	}
	v.Stamp = k.lib.Stamp()
	r := k.tested()
	v.Rules, v.Tests, v.Passes = r.Rules, r.Tests, len(r.Failures) == 0
	for _, f := range r.Failures {
		v.Failures = append(v.Failures, RuleTestFailure{LibraryProblem: a.problemAt(f.At, f.Text), Rule: f.Rule, Test: f.Test})
	}
	for _, w := range r.Warnings {
		p := a.problemAt(w.At, w.Text)
		p.Warning = true
		v.Warnings = append(v.Warnings, p)
	}
	return v
}

// counts says how many problems and failing tests there are, each only where there are some.
func (v DraftCheck) counts() []string {
	var out []string
	for _, c := range []struct {
		n         int
		one, many string
	}{{len(v.Problems), "problem", "problems"}, {len(v.Failures), "failing test", "failing tests"}} {
		switch c.n {
		case 0:
		case 1:
			out = append(out, "1 "+c.one)
		default:
			out = append(out, fmt.Sprintf("%d %s", c.n, c.many))
		}
	}
	return out
}

// refusal is the fault that says everything for which a draft cannot be published; nil where it can.
func (v DraftCheck) refusal() error {
	if v.Passes {
		return nil
	}
	bad := fault.New(fault.Invalid, "library.draft", "the draft is not sound: %s", strings.Join(v.counts(), " and "))
	where := func(p *LibraryProblem) string {
		if p.Line == 0 {
			return p.Layer + "/" + p.File
		}
		return fmt.Sprintf("%s/%s:%d:%d", p.Layer, p.File, p.Line, p.Column)
	}
	for i := range v.Problems {
		bad.With(where(&v.Problems[i]), "%s", v.Problems[i].Text)
	}
	for i := range v.Failures {
		f := &v.Failures[i]
		text := f.Text
		if f.Test != "" {
			text = fmt.Sprintf("test %q: %s", f.Test, text)
		}
		bad.With(where(&f.LibraryProblem), "rule %s: %s", f.Rule, text)
	}
	return bad
}

// drafted is the library that the draft would be; a fault where it cannot be one.
func (a *App) drafted(d *draft) (*library.Library, error) {
	k := a.checked(d)
	if k.lib == nil {
		return nil, DraftCheck{Problems: k.problems}.refusal()
	}
	return k.lib, nil
}
