package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// EntryInput is what the own layer is to say of an entry: a text, or that it is taken out.
type EntryInput struct {
	Text    string `json:"text,omitempty" maxLength:"262144" doc:"YAML. It is kept whatever is wrong with it, and what is wrong is told"`
	Removed bool   `json:"removed,omitempty" doc:"Takes a built-in entry out, instead of a text"`
}

var (
	entryRef    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	standardRef = regexp.MustCompile(`^[a-z][a-z0-9]*([.-][a-z0-9]+)*$`)
)

// maxEntries bounds the own layer.
const maxEntries = 5000

// checkRef refuses what cannot be the kind and ref of an entry.
func checkRef(kind, ref, where string) error {
	if !slices.Contains(entryKinds, kind) {
		return unknownKind(kind)
	}
	ok := entryRef.MatchString(ref)
	switch kind {
	case library.EntryHead:
		ok = ref == library.HeadRef
	case library.EntryStandard:
		ok = standardRef.MatchString(ref)
	}
	if !ok || len(ref) > 100 {
		return fault.New(fault.Invalid, "entry.ref", "%q cannot be the ref of a %s", ref, kind).With(where, "expected small letters and digits in words joined by -, at most 100; of the head %q", library.HeadRef)
	}
	return nil
}

// drafting is a change of the draft under way.
type drafting struct {
	*changing
	draft *draft
}

// draftChange carries out a change of the draft, alone with it. It gets its next revision.
func draftChange[T any](ctx context.Context, a *App, c Caller, fn func(*drafting) (T, error)) (T, error) {
	return change(ctx, a, c, policy.LibraryEdit, "", Cause{}, func(ch *changing) (T, error) {
		var zero T
		if _, err := ch.tx.RaiseLibraryDraft(); err != nil {
			return zero, err
		}
		d, err := a.readDraft(ch.tx)
		if err != nil {
			return zero, err
		}
		return fn(&drafting{ch, d})
	})
}

// set makes the draft say a text of an entry; "" says nothing of it any more.
func (d *drafting) set(kind, ref, text string) error {
	var old, now any
	if e := d.draft.entry(kind, ref); e != nil {
		if e.Body == text {
			return nil
		}
		old = map[string]string{"text": e.Body}
	} else if text == "" {
		return nil
	}
	d.draft.entries = slices.DeleteFunc(d.draft.entries, func(e store.LibraryEntry) bool { return e.Kind == kind && e.Ref == ref })
	if text == "" {
		if err := d.tx.RemoveLibraryEntry(kind, ref); err != nil {
			return err
		}
	} else {
		e := store.LibraryEntry{Kind: kind, Ref: ref, Version: d.draft.Draft, At: d.at, By: d.caller.actor(), Body: text}
		if err := d.tx.SetLibraryEntry(e); err != nil {
			return err
		}
		if len(d.draft.entries) >= maxEntries {
			return fault.New(fault.Conflict, "library.many", "the own layer has %d entries, which is as many as there can be", maxEntries)
		}
		i, _ := slices.BinarySearchFunc(d.draft.entries, e, func(x, y store.LibraryEntry) int { return compareEntries(x.Kind, x.Ref, y.Kind, y.Ref) })
		d.draft.entries = slices.Insert(d.draft.entries, i, e)
		now = map[string]string{"text": text}
	}
	return d.record("library.edit", "library/"+kind+"/"+ref, old, now)
}

// expectEntry refuses a change that was based on another version of an entry; 0 does not ask.
func (d *drafting) expectEntry(kind, ref string, version int64) error {
	if version == 0 {
		return nil
	}
	now := int64(0)
	if e := d.draft.entry(kind, ref); e != nil {
		now = e.Version
	}
	if now == version {
		return nil
	}
	return fault.New(fault.Stale, "entry.stale", "the entry was changed meanwhile; look at it again and repeat the change").With("header.If-Match", "is %d, now %d", version, now)
}

// view shows an entry as it is after the change.
func (d *drafting) view(kind, ref string) (EntryView, error) {
	return d.app.entryView(d.tx, d.draft, kind, ref)
}

// PutEntry makes the draft say something of an entry. With create it refuses one
// of which the own layer speaks already.
func (a *App) PutEntry(ctx context.Context, c Caller, kind, ref string, version int64, create bool, in EntryInput) (EntryView, error) {
	return draftChange(ctx, a, c, func(d *drafting) (EntryView, error) {
		if err := checkRef(kind, ref, "path.ref"); err != nil {
			return EntryView{}, err
		}
		if create && d.draft.entry(kind, ref) != nil {
			return EntryView{}, fault.New(fault.Conflict, "entry.exists", "the own layer has the %s %q already", kind, ref).With("path.ref", "expected one of which it does not speak")
		}
		if err := d.expectEntry(kind, ref, version); err != nil {
			return EntryView{}, err
		}
		text := in.Text
		switch base := a.libraries.base.entry(kind, ref); {
		case in.Removed && (base == nil || kind == library.EntryHead):
			return EntryView{}, fault.New(fault.Invalid, "entry.remove", "only a built-in entry can be taken out; an own one is deleted").With("body.removed", "expected for a built-in entry only")
		case in.Removed:
			text = takeOut(kind, ref)
		case strings.TrimSpace(text) == "":
			return EntryView{}, fault.New(fault.Invalid, "entry.empty", "the text is empty; an entry is deleted to take it away").With("body.text", "expected YAML")
		}
		if err := d.set(kind, ref, text); err != nil {
			return EntryView{}, err
		}
		return d.view(kind, ref)
	})
}

// takeOut is the text that takes an entry out.
func takeOut(kind, ref string) string {
	if kind == library.EntryRule {
		return "rules:\n  - rule: " + ref + "\n    remove: true\n"
	}
	return kind + ": " + ref + "\nremove: true\n"
}

// DeleteEntry makes the draft say nothing of an entry any more: a built-in one is
// as it is built in again, an own one is gone.
func (a *App) DeleteEntry(ctx context.Context, c Caller, kind, ref string, version int64) error {
	_, err := draftChange(ctx, a, c, func(d *drafting) (struct{}, error) {
		if d.draft.entry(kind, ref) == nil {
			return struct{}{}, notFound("entry", kind+"/"+ref)
		}
		if err := d.expectEntry(kind, ref, version); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, d.set(kind, ref, "")
	})
	return err
}

// RevertEntry makes the draft say of an entry what is published.
func (a *App) RevertEntry(ctx context.Context, c Caller, kind, ref string, version int64) (EntryView, error) {
	return draftChange(ctx, a, c, func(d *drafting) (EntryView, error) {
		text, published := d.draft.inForce.text(kind, ref)
		if d.draft.entry(kind, ref) == nil && !published {
			return EntryView{}, notFound("entry", kind+"/"+ref)
		}
		if err := d.expectEntry(kind, ref, version); err != nil {
			return EntryView{}, err
		}
		if err := d.set(kind, ref, text); err != nil {
			return EntryView{}, err
		}
		if text == "" && a.libraries.base.entry(kind, ref) == nil {
			return EntryView{EntryRow: EntryRow{Kind: kind, Ref: ref, Title: ref, Layer: OwnLayer}, Found: []LibraryProblem{}, UsedBy: []EntryUse{}, Names: []EntryUse{}, Revision: d.draft.Draft}, nil
		}
		return d.view(kind, ref)
	})
}

// CopyEntry makes an own entry under another ref of what the draft says of one. Without
// a name it has that of the original and says that it is a copy.
func (a *App) CopyEntry(ctx context.Context, c Caller, kind, ref, to, name string) (EntryView, error) {
	return draftChange(ctx, a, c, func(d *drafting) (EntryView, error) {
		if kind == library.EntryHead {
			return EntryView{}, fault.New(fault.Invalid, "entry.copy", "a library has one head, which cannot be copied")
		}
		if err := checkRef(kind, to, "body.ref"); err != nil {
			return EntryView{}, err
		}
		from, err := d.view(kind, ref)
		if err != nil {
			return EntryView{}, err
		}
		if d.draft.entry(kind, to) != nil || a.libraries.base.entry(kind, to) != nil {
			return EntryView{}, fault.New(fault.Conflict, "entry.exists", "there is a %s %q already", kind, to).With("body.ref", "expected one that is not taken")
		}
		text, err := library.Copy(kind, from.Text, to, cmp.Or(strings.TrimSpace(name), from.Title+" (copy)"))
		if err != nil {
			return EntryView{}, err
		}
		if err := d.set(kind, to, text); err != nil {
			return EntryView{}, err
		}
		return d.view(kind, to)
	})
}

// replace makes the draft say what a layer says, and nothing else.
func (d *drafting) replace(l layer) error {
	for _, e := range slices.Clone(d.draft.entries) {
		if _, ok := l.text(e.Kind, e.Ref); !ok {
			if err := d.set(e.Kind, e.Ref, ""); err != nil {
				return err
			}
		}
	}
	for _, e := range l {
		if err := d.set(e.Kind, e.Ref, e.Text); err != nil {
			return err
		}
	}
	return nil
}

// expectDraft refuses a change that was based on another revision of the draft; 0
// does not ask. The change under way has raised it by one.
func (d *drafting) expectDraft(revision int64) error {
	if now := d.draft.Draft - 1; revision != 0 && now != revision {
		return fault.New(fault.Stale, "draft.stale", "the draft was changed meanwhile; look at it again and repeat this").With("header.If-Match", "is %d, now %d", revision, now)
	}
	return nil
}

// DiscardDraft makes the draft what is published.
func (a *App) DiscardDraft(ctx context.Context, c Caller, revision int64) error {
	_, err := draftChange(ctx, a, c, func(d *drafting) (struct{}, error) {
		if err := d.expectDraft(revision); err != nil {
			return struct{}{}, err
		}
		if err := d.replace(d.draft.inForce); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, d.record("library.discard", "library", nil, map[string]int64{"published": d.draft.Published})
	})
	return err
}

// RestoreVersion makes the draft what an older version was.
func (a *App) RestoreVersion(ctx context.Context, c Caller, revision, number int64) (DraftView, error) {
	return draftChange(ctx, a, c, func(d *drafting) (DraftView, error) {
		if err := d.expectDraft(revision); err != nil {
			return DraftView{}, err
		}
		l, err := publishedLayer(d.tx, number)
		if err != nil {
			return DraftView{}, err
		}
		if err := d.replace(l); err != nil {
			return DraftView{}, err
		}
		return a.draftView(d.tx, c, d.draft), d.record("library.restore", "library", nil, map[string]int64{"version": number})
	})
}

// VersionInput names a version.
type VersionInput struct {
	Name    string `json:"name" minLength:"1" maxLength:"100" example:"2030 spring"`
	Comment string `json:"comment,omitempty" maxLength:"5000" doc:"What changed and why, for those who plan by it"`
}

// VersionView is a published version of the own layer.
type VersionView struct {
	Number  int64     `json:"number"`
	Name    string    `json:"name"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
	ByName  string    `json:"by_name"`
	Entries int64     `json:"entries" doc:"Of the own layer"`
	Digest  string    `json:"digest" doc:"SHA-256 of the own layer"`
	InForce bool      `json:"in_force"`
}

func versionView(v *store.LibraryVersion, state store.LibraryState, name string) VersionView {
	return VersionView{
		Number: v.Number, Name: v.Name, Comment: v.Comment, At: v.At, ByName: name,
		Entries: v.Entries, Digest: v.Digest, InForce: v.Number == state.Published,
	}
}

// PublishLibrary puts the draft in force. What does not check, or whose tests fail, is
// refused with everything that is wrong.
func (a *App) PublishLibrary(ctx context.Context, c Caller, revision int64, in VersionInput) (VersionView, error) {
	// Before anything is locked: the tests of all rules take their time.
	if _, err := a.CheckDraft(ctx, c); err != nil {
		return VersionView{}, err
	}
	return draftChange(ctx, a, c, func(d *drafting) (VersionView, error) {
		if err := d.expectDraft(revision); err != nil {
			return VersionView{}, err
		}
		own := d.draft.layer()
		k := a.checked(d.draft)
		if err := a.draftCheck(d.draft).refusal(); err != nil {
			return VersionView{}, err
		}
		content, err := own.content()
		if err != nil {
			return VersionView{}, err
		}
		before, err := d.draft.inForce.content()
		if err != nil {
			return VersionView{}, err
		}
		if content == before && a.libraries.now.Load().condition == LibraryCurrent {
			return VersionView{}, fault.New(fault.Conflict, "library.same", "the draft is what is in force; there is nothing to publish")
		}
		base, err := zipped(a.libraries.base.files)
		if err != nil {
			return VersionView{}, err
		}
		sum := sha256.Sum256([]byte(content))
		v := store.LibraryVersion{
			Name: cleanLine(in.Name, 100), Comment: strings.TrimSpace(in.Comment), Digest: hex.EncodeToString(sum[:]), Base: a.libraries.base.digest,
			Entries: int64(len(own)), At: d.at, By: c.actor(), Content: content,
		}
		if v.Name == "" {
			return VersionView{}, fault.New(fault.Invalid, "library.name", "a version needs a name").With("body.name", "expected a name")
		}
		if v.Number, err = d.tx.PublishLibrary(v, base); err != nil {
			return VersionView{}, err
		}
		next := &libraryInForce{Library: k.lib, number: v.Number, condition: LibraryCurrent}
		d.tx.AfterCommit(func() { a.putInForce(next) })
		view := versionView(&v, store.LibraryState{Published: v.Number}, cmp.Or(c.Name, c.actor()))
		return view, d.record("library.publish", fmt.Sprintf("library/version/%d", v.Number), nil, map[string]any{"name": v.Name, "comment": v.Comment, "digest": v.Digest, "library": k.lib.Stamp()})
	})
}

// Versions lists the published versions, the newest first.
func (a *App) Versions(ctx context.Context, c Caller, cursor string, limit int) (Page[VersionView], error) {
	return query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (Page[VersionView], error) {
		page := Page[VersionView]{Items: []VersionView{}}
		var below int64
		if cursor != "" {
			if err := decodeCursor(cursor, &below); err != nil {
				return page, err
			}
		}
		state, err := tx.LibraryState()
		if err != nil {
			return page, err
		}
		limit = clampLimit(limit)
		list, err := tx.LibraryVersions(below, limit)
		if err != nil {
			return page, err
		}
		if n := len(list); n == limit && list[n-1].Number > 1 { // they are numbered from 1 without gaps
			page.Next = encodeCursor(list[n-1].Number)
		}
		names := actorNames{}
		for i := range list {
			page.Items = append(page.Items, versionView(&list[i], state, names.of(tx, list[i].By)))
		}
		return page, nil
	})
}
