package app

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// LibraryDiff is a page of the difference between two libraries.
type LibraryDiff struct {
	Page[LibraryChange]
	From    string `json:"from" doc:"Stamp"`
	To      string `json:"to" doc:"Stamp"`
	Total   int    `json:"total" doc:"Entries that differ"`
	Added   int    `json:"added"`
	Changed int    `json:"changed"`
	Removed int    `json:"removed"`
}

// LibraryChange is an entry that differs.
type LibraryChange struct {
	Kind    string                `json:"kind" enum:"head,type,pattern,rule,questionnaire,standard"`
	Ref     string                `json:"ref"`
	Title   string                `json:"title"`
	What    library.What          `json:"what" enum:"added,removed,changed"`
	Fields  []library.FieldChange `json:"fields" doc:"Of the entry itself; none where it was added or removed"`
	Parts   []LibraryPart         `json:"parts" doc:"What the entry defines and differs: words of the vocabulary, threats, weaknesses, countermeasures, tests of rules, questions, clauses"`
	OldText string                `json:"old_text,omitempty" doc:"YAML"`
	NewText string                `json:"new_text,omitempty" doc:"YAML"`
}

// LibraryPart is something that an entry defines and that differs.
type LibraryPart struct {
	Kind   string                `json:"kind" enum:"tag,category,attribute,threat,weakness,countermeasure,test,question,clause"`
	Ref    string                `json:"ref"`
	Title  string                `json:"title"`
	What   library.What          `json:"what" enum:"added,removed,changed"`
	Fields []library.FieldChange `json:"fields"`
}

// side returns a library by the name that a request gives it: built-in, in-force,
// draft, or the number of a version, which stands on what it was published on.
func (a *App) side(tx *store.Tx, name, where string) (*library.Library, error) {
	switch name {
	case BuiltInLayer:
		return a.Options.Library, nil
	case "in-force":
		return a.Library(), nil
	case "draft":
		d, err := a.readDraft(tx)
		if err != nil {
			return nil, err
		}
		return a.drafted(d)
	}
	number, err := strconv.ParseInt(name, 10, 64)
	if err != nil || number < 1 {
		return nil, fault.New(fault.Invalid, "library.side", "%q names no library", name).With(where, "expected built-in, in-force, draft or the number of a version")
	}
	v, err := tx.LibraryVersion(number)
	if err != nil {
		return nil, err
	}
	return a.libraries.older.of(v.Digest+" on "+v.Base, func() (*library.Library, error) {
		l, err := readLayer(v.Content)
		if err != nil {
			return nil, err
		}
		if v.Base == a.libraries.base.digest {
			return a.load(a.libraries.base.parsed, l)
		}
		packed, err := tx.LibraryBase(v.Base)
		if err != nil {
			return nil, err
		}
		files, err := unzip(packed)
		if err != nil {
			return nil, err
		}
		return a.load(files, l)
	})
}

// olderVersions keeps the two libraries that were compared last: each page of a
// difference asks for both again. The zero value is ready; it is safe for concurrent use.
type olderVersions struct {
	mu   sync.Mutex
	kept []olderVersion // the last used at the end
}

type olderVersion struct {
	key string
	lib *library.Library
}

// of returns the library of the key, which load makes where it is not kept. What cannot be loaded is not kept.
func (o *olderVersions) of(key string, load func() (*library.Library, error)) (*library.Library, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.IndexFunc(o.kept, func(v olderVersion) bool { return v.key == key }); i >= 0 {
		v := o.kept[i]
		o.kept = append(slices.Delete(o.kept, i, i+1), v)
		return v.lib, nil
	}
	lib, err := load()
	if err != nil {
		return nil, err
	}
	o.kept = append(o.kept, olderVersion{key, lib})
	o.kept = slices.Clone(o.kept[max(0, len(o.kept)-2):])
	return lib, nil
}

// DiffLibraries tells what differs between two libraries, by kind and ref.
func (a *App) DiffLibraries(ctx context.Context, c Caller, from, to, cursor string, limit int) (LibraryDiff, error) {
	return query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (LibraryDiff, error) {
		v := LibraryDiff{}
		old, err := a.side(tx, from, "query.from")
		if err != nil {
			return v, err
		}
		now, err := a.side(tx, to, "query.to")
		if err != nil {
			return v, err
		}
		v.From, v.To = old.Stamp(), now.Stamp()
		all := byEntry(old, now)
		for i := range all {
			switch all[i].What {
			case library.Added:
				v.Added++
			case library.Removed:
				v.Removed++
			default:
				v.Changed++
			}
		}
		v.Total = len(all)
		v.Page, err = paginate(all, func(c *LibraryChange) string { return itoa(slices.Index(entryKinds, c.Kind)) + c.Ref }, cursor, limit)
		for i := range v.Items {
			one := &v.Items[i]
			_, _, one.OldText = old.Source(one.Kind, one.Ref)
			_, _, one.NewText = now.Source(one.Kind, one.Ref)
		}
		return v, err
	})
}

// byEntry tells what differs entry by entry.
func byEntry(old, now *library.Library) []LibraryChange {
	found := map[library.EntryName]*LibraryChange{}
	entry := func(name library.EntryName) *LibraryChange {
		if found[name] == nil {
			found[name] = &LibraryChange{Kind: name.Kind, Ref: name.Ref, What: library.Changed, Fields: []library.FieldChange{}, Parts: []LibraryPart{}}
		}
		return found[name]
	}
	for _, d := range library.Diff(old, now) {
		fields := slices.Concat([]library.FieldChange{}, d.Fields)
		if slices.Contains(entryKinds, d.Kind) {
			e := entry(library.EntryName{Kind: d.Kind, Ref: d.Ref})
			e.Title, e.What, e.Fields = d.Title, d.What, fields
			continue
		}
		in := library.EntryName{Kind: library.EntryHead, Ref: library.HeadRef} // where the vocabulary stands
		if d.In != nil {
			in = *d.In
		}
		e := entry(in)
		e.Parts = append(e.Parts, LibraryPart{Kind: d.Kind, Ref: d.Ref, Title: d.Title, What: d.What, Fields: fields})
	}
	titles := map[library.EntryName]string{{Kind: library.EntryHead, Ref: library.HeadRef}: now.Name}
	for _, l := range []*library.Library{old, now} {
		for _, e := range l.Entries() {
			titles[library.EntryName{Kind: e.Kind, Ref: e.Ref}] = e.Title
		}
	}
	all := make([]LibraryChange, 0, len(found))
	for name, e := range found {
		if e.Title == "" {
			e.Title = titles[name]
		}
		all = append(all, *e)
	}
	slices.SortFunc(all, func(x, y LibraryChange) int { return compareEntries(x.Kind, x.Ref, y.Kind, y.Ref) })
	return all
}

// CompletionInput is an expression that is being written.
type CompletionInput struct {
	For    library.Target `json:"for" enum:"product,component,flow,question,component-question" doc:"What the rule or question is for"`
	Text   string         `json:"text" maxLength:"10000" doc:"CEL"`
	Offset int            `json:"offset" minimum:"0" doc:"Of the cursor, in characters from 0"`
}

// Completions are what an expression may go on with.
type Completions struct {
	Items []library.Completion `json:"items"`
}

// Complete tells how an expression may go on, with the words of the draft where
// that loads and of what is in force where it does not.
func (a *App) Complete(ctx context.Context, c Caller, in CompletionInput) (Completions, error) {
	return query(ctx, a, c, policy.LibraryEdit, "", func(tx *store.Tx) (Completions, error) {
		l, err := a.vocabulary(tx)
		if err != nil {
			return Completions{}, err
		}
		return Completions{Items: slices.Concat([]library.Completion{}, library.Complete(l, in.For, in.Text, in.Offset))}, nil
	})
}

// ExpressionInput is an expression to be checked.
type ExpressionInput struct {
	For    library.Target `json:"for" enum:"product,component,flow,question,component-question" doc:"What the rule or question is for"`
	Expect string         `json:"expect,omitempty" enum:"bool,int,any" doc:"The type that its place takes; any plain value unless said"`
	Text   string         `json:"text" maxLength:"10000" doc:"CEL"`
}

// ExpressionCheck is what a check of an expression found.
type ExpressionCheck struct {
	OK       bool                        `json:"ok"`
	Type     string                      `json:"type,omitempty" doc:"bool, int, double or string; absent where there are problems"`
	Problems []library.ExpressionProblem `json:"problems"`
}

// CheckExpression tells what is wrong with one expression, with the words that Complete goes by.
func (a *App) CheckExpression(ctx context.Context, c Caller, in ExpressionInput) (ExpressionCheck, error) {
	return query(ctx, a, c, policy.LibraryEdit, "", func(tx *store.Tx) (ExpressionCheck, error) {
		l, err := a.vocabulary(tx)
		if err != nil {
			return ExpressionCheck{}, err
		}
		expect := in.Expect
		if expect == "any" {
			expect = ""
		}
		typ, found := library.CheckExpression(l, in.For, expect, strings.ReplaceAll(in.Text, "\r\n", "\n"))
		return ExpressionCheck{OK: len(found) == 0, Type: typ, Problems: slices.Concat([]library.ExpressionProblem{}, found)}, nil
	})
}

// vocabulary is the library whose words expressions may use while they are written.
func (a *App) vocabulary(tx *store.Tx) (*library.Library, error) {
	d, err := a.readDraft(tx)
	if err != nil {
		return nil, err
	}
	if k := a.checked(d); k.lib != nil {
		return k.lib, nil
	}
	return a.Library(), nil
}
