package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// ElementChange is one change of a batch.
type ElementChange struct {
	Kind    ElementKind     `json:"kind" enum:"assets,components,curves,diagrams,flows,texts,zones"`
	ID      string          `json:"id" minLength:"1" maxLength:"100" doc:"Given by the client; a new one has at most 60 letters, digits, dots, underscores and hyphens"`
	Op      string          `json:"op" enum:"put,delete"`
	Version int64           `json:"version,omitempty" minimum:"0" doc:"The element's version that the change is based on. 0: for put it must not be there yet, for delete whatever it is"`
	Element json.RawMessage `json:"element,omitempty" doc:"The whole element, for put; without the key zone (of a zone: parent) the drawing decides"`
	After   *string         `json:"after,omitempty" maxLength:"100" doc:"Of a diagram that is put: the diagram that it stands behind from now on, empty to be the first. Left out, it stays where it is, and a new one comes last"`
}

// ChangesInput is a batch of changes of a drawing.
type ChangesInput struct {
	Label   string          `json:"label,omitempty" maxLength:"200" doc:"What a person did, for the history: Move 3 elements"`
	Changes []ElementChange `json:"changes" minItems:"1" maxItems:"5000" doc:"In any order; each element at most once"`
}

// ElementRef names an element.
type ElementRef struct {
	Kind ElementKind `json:"kind" enum:"assets,components,curves,diagrams,flows,texts,zones"`
	ID   string      `json:"id"`
}

// ChangedElement is an element that is stored otherwise than the client knows.
type ChangedElement struct {
	ElementRef
	Version int64           `json:"version"`
	Element json.RawMessage `json:"element"`
}

// ChangesView is what a batch of changes did.
type ChangesView struct {
	Version  int64            `json:"version" doc:"Of the product"`
	Versions map[string]int64 `json:"versions" doc:"Of everything that was put or written, keyed as those of a drawing"`
	Removed  []ElementRef     `json:"removed" doc:"Everything that went, what was deleted included"`
	Also     []ChangedElement `json:"also" doc:"What followed: containment, crossing, lists of assets; and what was stored otherwise than it was put"`
	Facts    Facts            `json:"facts" doc:"Of the elements, of any diagram, whose facts are not what they were before"`
}

// ETag returns the version of the product.
func (v ChangesView) ETag() int64 { return v.Version }

// ElementConflict is an element that somebody else changed meanwhile.
type ElementConflict struct {
	ElementRef
	Version int64           `json:"version" doc:"Now; 0 where it was deleted"`
	Element json.RawMessage `json:"element" doc:"Now; null where it was deleted"`
	By      string          `json:"by,omitempty" doc:"Name of who changed it last"`
	ByID    string          `json:"by_id,omitempty"`
	At      *time.Time      `json:"at,omitempty"`
}

// Conflicted is the fault (fault.Stale) of a batch that is based on what others changed meanwhile.
type Conflicted struct {
	Fault     *fault.Error
	Conflicts []ElementConflict
}

// Error returns the text of the fault.
func (c *Conflicted) Error() string { return c.Fault.Error() }

// Unwrap returns the fault.
func (c *Conflicted) Unwrap() error { return c.Fault }

// ChangeDrawing carries out a batch of changes, all or nothing. The error is a
// Conflicted where an element is not at the version that its change names,
// fault.Stale where the product is not at version (0: not asked), and
// fault.Invalid where the model would not be consistent after all changes.
func (a *App) ChangeDrawing(ctx context.Context, c Caller, product model.ProductID, version int64, in ChangesInput) (ChangesView, error) {
	label := cleanLine(in.Label, 200)
	cause := edited("the drawing was edited")
	if label != "" {
		cause.Text += ": " + label
	}
	return redraw(ctx, a, c, product, cause, func(ch *changing) (ChangesView, error) {
		if err := ch.expect(store.KindProduct, string(product), version); err != nil {
			return ChangesView{}, err
		}
		b := newBatch(ch, in.Changes)
		if err := b.apply(); err != nil {
			return ChangesView{}, err
		}
		if label != "" {
			if err := ch.record(actionDrawing, batchObject(c.RequestID), nil, drawingNote{label, len(in.Changes)}); err != nil {
				return ChangesView{}, err
			}
		}
		before := ch.stands
		if err := ch.save(); err != nil {
			return ChangesView{}, err
		}
		ch.saved = true
		v := b.view()
		v.Facts = Facts{}
		if ch.stands != before {
			v.Facts = ch.stands.facts().differing(before.facts())
		}
		return v, nil
	})
}

// batch is a batch of changes under way.
type batch struct {
	ch      *changing
	changes []ElementChange
	puts    map[string]json.RawMessage // what was sent, as the model understands it, by label
	said    map[model.ElementID]bool   // whose zone or parent the batch sets
	names   actorNames
}

func newBatch(ch *changing, changes []ElementChange) *batch {
	return &batch{ch: ch, changes: changes, puts: map[string]json.RawMessage{}, said: map[model.ElementID]bool{}, names: actorNames{}}
}

// apply makes the changes to the model.
func (b *batch) apply() error {
	before := newElements(b.ch.before)
	if err := b.check(before); err != nil {
		return err
	}
	if err := b.conflicts(before); err != nil {
		return err
	}
	now := newElements(b.ch.model)
	bad := errDrawing()
	gone := removal{}
	for i := range b.changes {
		c := &b.changes[i]
		if c.Op == "delete" {
			gone.add(c.Kind, c.ID)
		} else if err := b.put(now, c); err != nil {
			fields(bad, i, err)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	gone.apply(b.ch.model)
	left := newElements(b.ch.model)
	for i := range b.changes {
		if c := &b.changes[i]; c.Op == "put" && left.at(c.Kind, c.ID) == nil {
			add(bad, i, "", "is put, and goes with something that is deleted")
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	if err := b.arrange(); err != nil {
		return err
	}
	b.settle()
	return nil
}

// settle makes what follows from the drawing follow what was put and taken out.
func (b *batch) settle() {
	follow(b.ch.before, b.ch.model, b.said)
	retireLost(b.ch.model, b.ch.at)
	reviveFound(b.ch.model)
}

func errDrawing() *fault.Error {
	return fault.New(fault.Invalid, "drawing.invalid", "some of the changes are not valid; nothing was changed")
}

// maxBad bounds the wrong fields that are listed.
const maxBad = 50

func add(bad *fault.Error, i int, field, format string, args ...any) {
	if len(bad.Fields) < maxBad {
		bad.With(fmt.Sprintf("body.changes[%d]%s", i, field), format, args...)
	}
}

// fields adds what is wrong with one element.
func fields(bad *fault.Error, i int, err error) {
	f := fault.As(err)
	if f == nil || len(f.Fields) == 0 {
		add(bad, i, ".element", "%s", err.Error())
		return
	}
	for _, field := range f.Fields {
		add(bad, i, ".element"+strings.TrimPrefix(field.Where, "body"), "%s", field.Text)
	}
}

// maxNewID bounds the ids that clients give, in bytes.
const maxNewID = 60

// check refuses what no state of the model would make valid.
func (b *batch) check(before *elements) error {
	bad := errDrawing()
	seen := make(map[string]bool, len(b.changes))
	for i := range b.changes {
		c := &b.changes[i]
		key := string(c.Kind) + "/" + c.ID
		switch {
		case !slices.Contains(ElementKinds(), c.Kind):
			add(bad, i, ".kind", "is %q, expected one of %v", c.Kind, ElementKinds())
		case seen[key]:
			add(bad, i, ".id", "is changed twice in this batch")
		case c.Op == "delete":
		case c.Op != "put":
			add(bad, i, ".op", "is %q, expected put or delete", c.Op)
		case len(c.Element) == 0:
			add(bad, i, ".element", "is missing")
		case before.at(c.Kind, c.ID) == nil && !usableID(c.ID):
			add(bad, i, ".id", "is not usable for a new element: expected at most %d letters, digits, dots, underscores and hyphens, with a letter or digit first", maxNewID)
		}
		seen[key] = true
	}
	b.checkAfter(bad)
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func usableID(id string) bool {
	if id == "" || len(id) > maxNewID || id == string(model.AtProduct) {
		return false
	}
	for i := range len(id) {
		c := id[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// conflicts refuses changes that are based on another version than the stored
// one. Taking out what is gone already, and putting what is there already, loses
// nobody's edit.
func (b *batch) conflicts(before *elements) error {
	list := b.lostPlaces(before)
	for i := range list {
		if err := b.whose(&list[i]); err != nil {
			return err
		}
	}
	for i := range b.changes {
		c := &b.changes[i]
		v := b.ch.versions.Of(c.Kind.stored(), c.ID)
		if v == c.Version || c.Op == "delete" && (c.Version == 0 || v == 0) {
			continue
		}
		conflict := ElementConflict{ElementRef: ElementRef{c.Kind, c.ID}, Version: v, Element: json.RawMessage("null")}
		if now := before.at(c.Kind, c.ID); now != nil {
			doc, err := json.Marshal(now)
			if err != nil {
				return fmt.Errorf("app: show %s %s: %w", c.Kind, c.ID, err)
			}
			if c.Op == "put" && sameElement(c, doc) && stays(b.ch.before, c) {
				continue
			}
			conflict.Element = doc
		}
		if err := b.whose(&conflict); err != nil {
			return err
		}
		list = append(list, conflict)
	}
	if len(list) == 0 {
		return nil
	}
	return &Conflicted{
		Fault:     fault.New(fault.Stale, "drawing.stale", "%d of the elements were changed by somebody else meanwhile; nothing was changed", len(list)),
		Conflicts: list,
	}
}

// whose fills in who changed the element last, and when.
func (b *batch) whose(c *ElementConflict) error {
	rows, err := b.ch.tx.AuditPage(store.AuditQuery{Stream: store.ProductStream(b.ch.model.Product.ID), Object: c.Kind.stored() + "/" + c.ID, Newest: true, Limit: 1})
	if err != nil || len(rows) == 0 {
		return err
	}
	at := rows[0].At
	c.ByID, c.By, c.At = rows[0].Actor, b.names.of(b.ch.tx, rows[0].Actor), &at
	return nil
}

// sameElement reports whether the change would leave the stored document as it is.
func sameElement(c *ElementChange, stored json.RawMessage) bool {
	sent, err := decodeElement(c.Kind, c.ID, c.Element)
	if err != nil {
		return false
	}
	doc, err := json.Marshal(sent)
	return err == nil && string(doc) == string(stored)
}

// put puts one element and notes what it says of its own place.
func (b *batch) put(now *elements, c *ElementChange) error {
	v, err := decodeElement(c.Kind, c.ID, c.Element)
	if err != nil {
		return err
	}
	sent, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("app: read %s %s: %w", c.Kind, c.ID, err)
	}
	b.puts[c.Kind.label(c.ID)] = sent
	var named struct {
		Zone    *model.ElementID   `json:"zone"`
		Parent  *model.ElementID   `json:"parent"`
		Crosses *[]model.ElementID `json:"crosses"`
		Extra   *json.RawMessage   `json:"extra"`
	}
	if err := json.Unmarshal(c.Element, &named); err != nil {
		return fmt.Errorf("app: read %s %s: %w", c.Kind, c.ID, err)
	}
	id := model.ElementID(c.ID)
	old := now.at(c.Kind, c.ID)
	if named.Extra == nil {
		keepExtra(v, old)
	}
	switch v := v.(type) {
	case *model.Component:
		was, _ := old.(*model.Component)
		b.place(id, named.Zone, &v.Zone, was != nil, func() model.ElementID { return was.Zone })
	case *model.Zone:
		was, _ := old.(*model.Zone)
		b.place(id, named.Parent, &v.Parent, was != nil, func() model.ElementID { return was.Parent })
	case *model.Flow:
		if was, ok := old.(*model.Flow); ok && named.Crosses == nil {
			v.Crosses = was.Crosses
		}
	}
	now.put(v)
	return nil
}

// keepExtra keeps what a file said of an element that is put by somebody who does
// not know it: without that the file could not be written as it was.
func keepExtra(v, old any) {
	switch v := v.(type) {
	case *model.Asset:
		if was, ok := old.(*model.Asset); ok {
			v.Extra = was.Extra
		}
	case *model.Diagram:
		if was, ok := old.(*model.Diagram); ok {
			v.Extra = was.Extra
		}
	case *model.Zone:
		if was, ok := old.(*model.Zone); ok {
			v.Extra = was.Extra
		}
	case *model.Component:
		if was, ok := old.(*model.Component); ok {
			v.Extra = was.Extra
		}
	case *model.Flow:
		if was, ok := old.(*model.Flow); ok {
			v.Extra = was.Extra
		}
	case *model.Curve:
		if was, ok := old.(*model.Curve); ok {
			v.Extra = was.Extra
		}
	case *model.TextBlock:
		if was, ok := old.(*model.TextBlock); ok {
			v.Extra = was.Extra
		}
	}
}

// place settles what a document says of where its element lies: nothing (it stays
// where it is until the drawing says otherwise), the same as is stored, or
// something that holds whatever the drawing says.
func (b *batch) place(id model.ElementID, named *model.ElementID, zone *model.ElementID, known bool, was func() model.ElementID) {
	switch {
	case named == nil && known:
		*zone = was()
	case named != nil && known && *named != was(), named != nil && !known && *named != "":
		b.said[id] = true
	}
}

// view tells what the batch did once it is saved.
func (b *batch) view() ChangesView {
	ch := b.ch
	before, now := newElements(ch.before), newElements(ch.model)
	v := ChangesView{Version: ch.versions.Product, Versions: make(map[string]int64, len(b.puts)), Removed: []ElementRef{}, Also: []ChangedElement{}}
	before.each(func(kind ElementKind, id string, _ any) {
		if now.at(kind, id) == nil {
			v.Removed = append(v.Removed, ElementRef{kind, id})
		}
	})
	now.each(func(kind ElementKind, id string, e any) {
		version := ch.versions.Of(kind.stored(), id)
		sent, put := b.puts[kind.label(id)]
		written := version == ch.versions.Product && !sameVersion(ch, kind, id, before, e)
		if !put && !written {
			return
		}
		v.Versions[kind.label(id)] = version
		doc, err := json.Marshal(e)
		if err != nil || put && string(doc) == string(sent) {
			return // what was just stored as JSON encodes again
		}
		v.Also = append(v.Also, ChangedElement{ElementRef{kind, id}, version, doc})
	})
	return v
}

// sameVersion reports whether an element is as it was before the change.
func sameVersion(ch *changing, kind ElementKind, id string, before *elements, now any) bool {
	was := before.at(kind, id)
	return was != nil && equal(was, now)
}
