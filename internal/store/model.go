package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// The kinds of objects of a model, as they are stored and versioned.
const (
	KindProduct        = "product"
	KindAnswer         = "answer"
	KindAsset          = "asset"
	KindDiagram        = "diagram"
	KindZone           = "zone"
	KindComponent      = "component"
	KindFlow           = "flow"
	KindCurve          = "curve"
	KindText           = "text"
	KindThreat         = "threat"
	KindWeakness       = "weakness"
	KindCountermeasure = "countermeasure"
	KindLink           = "link"
)

// ObjectKey names one object of a product's model. The id of an answer is its
// question, that of a link is LinkID; that of the product is its own.
type ObjectKey struct {
	Kind string
	ID   string
}

// LinkID returns the key of a link: its three ids, joined by the unit separator
// (U+001F), which no id holds.
func LinkID(l model.Link) string {
	return string(l.Threat) + "\x1f" + string(l.Weakness) + "\x1f" + string(l.Countermeasure)
}

// Versions tells at which version of the product each object changed last. An
// object that is removed and made again has a higher version than before, so the
// numbers serve as ETags.
type Versions struct {
	Product int64
	Objects map[ObjectKey]int64
}

// Of returns the version of an object; the product's own for KindProduct, 0 for
// what does not exist.
func (v Versions) Of(kind, id string) int64 {
	if kind == KindProduct {
		return v.Product
	}
	return v.Objects[ObjectKey{kind, id}]
}

// productDoc is the document of a product's row.
type productDoc struct {
	Product model.Product `json:"product"`
	Extra   model.Extra   `json:"extra,omitempty"`
}

// object is one element of a model in its stored form. Value points into the model.
type object struct {
	key   ObjectKey
	value any
	was   any    // the element as it was, into the old model; nil for a new one
	doc   []byte // of the value, once it is written
}

// drawn kinds keep the order in which they were drawn; all others are sorted by id.
var drawn = map[string]bool{KindDiagram: true, KindZone: true, KindComponent: true, KindFlow: true, KindCurve: true, KindText: true}

func objects(m *model.Model) []object {
	if m == nil {
		return nil
	}
	out := make([]object, 0, len(m.Answers)+len(m.Assets)+len(m.Diagrams)+len(m.Zones)+len(m.Components)+len(m.Flows)+
		len(m.Curves)+len(m.Texts)+len(m.Threats)+len(m.Weaknesses)+len(m.Countermeasures)+len(m.Links))
	out = appendObjects(out, KindAnswer, m.Answers, answerID)
	out = appendObjects(out, KindAsset, m.Assets, assetID)
	out = appendObjects(out, KindDiagram, m.Diagrams, diagramID)
	out = appendObjects(out, KindZone, m.Zones, zoneID)
	out = appendObjects(out, KindComponent, m.Components, componentID)
	out = appendObjects(out, KindFlow, m.Flows, flowID)
	out = appendObjects(out, KindCurve, m.Curves, curveID)
	out = appendObjects(out, KindText, m.Texts, textID)
	out = appendObjects(out, KindThreat, m.Threats, threatID)
	out = appendObjects(out, KindWeakness, m.Weaknesses, weaknessID)
	out = appendObjects(out, KindCountermeasure, m.Countermeasures, countermeasureID)
	return appendObjects(out, KindLink, m.Links, linkID)
}

func answerID(v *model.Answer) string                 { return v.Question }
func assetID(v *model.Asset) string                   { return string(v.ID) }
func diagramID(v *model.Diagram) string               { return string(v.ID) }
func zoneID(v *model.Zone) string                     { return string(v.ID) }
func componentID(v *model.Component) string           { return string(v.ID) }
func flowID(v *model.Flow) string                     { return string(v.ID) }
func curveID(v *model.Curve) string                   { return string(v.ID) }
func textID(v *model.TextBlock) string                { return string(v.ID) }
func threatID(v *model.Threat) string                 { return string(v.ID) }
func weaknessID(v *model.Weakness) string             { return string(v.ID) }
func countermeasureID(v *model.Countermeasure) string { return string(v.ID) }
func linkID(v *model.Link) string                     { return LinkID(*v) }

func appendObjects[T any](out []object, kind string, list []T, id func(*T) string) []object {
	for i := range list {
		out = append(out, object{key: ObjectKey{kind, id(&list[i])}, value: &list[i]})
	}
	return out
}

// addObject decodes a stored object into its list.
func addObject(m *model.Model, kind string, doc []byte) error {
	switch kind {
	case KindAnswer:
		return decodeInto(&m.Answers, doc)
	case KindAsset:
		return decodeInto(&m.Assets, doc)
	case KindDiagram:
		return decodeInto(&m.Diagrams, doc)
	case KindZone:
		return decodeInto(&m.Zones, doc)
	case KindComponent:
		return decodeInto(&m.Components, doc)
	case KindFlow:
		return decodeInto(&m.Flows, doc)
	case KindCurve:
		return decodeInto(&m.Curves, doc)
	case KindText:
		return decodeInto(&m.Texts, doc)
	case KindThreat:
		return decodeInto(&m.Threats, doc)
	case KindWeakness:
		return decodeInto(&m.Weaknesses, doc)
	case KindCountermeasure:
		return decodeInto(&m.Countermeasures, doc)
	case KindLink:
		return decodeInto(&m.Links, doc)
	}
	return fmt.Errorf("unknown kind %q", kind)
}

func decodeInto[T any](list *[]T, doc []byte) error {
	var v T
	if err := json.Unmarshal(doc, &v); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// LoadModel returns a product's complete model in canonical order (model.Sort;
// what is drawn in drawing order) and the versions of its objects. In Write the
// product stays locked until the end of the transaction, so that what is saved
// follows from what was loaded. fault.NotFound if there is no such product.
func (tx *Tx) LoadModel(id model.ProductID) (*model.Model, Versions, error) {
	query := "SELECT version, doc FROM product WHERE id = $1"
	if tx.pg != nil {
		query += " FOR UPDATE" // SQLite's write transactions are alone anyway
	}
	var versions Versions
	var doc string
	ok, err := tx.one(query, []any{string(id)}, &versions.Product, &doc)
	if err != nil {
		return nil, Versions{}, fmt.Errorf("store: load product %s: %w", id, err)
	}
	if !ok {
		return nil, Versions{}, noProduct(id)
	}
	var head productDoc
	if err := json.Unmarshal([]byte(doc), &head); err != nil {
		return nil, Versions{}, fmt.Errorf("store: load product %s: %w", id, err)
	}
	m := &model.Model{Product: head.Product, Extra: head.Extra}
	versions.Objects = map[ObjectKey]int64{}
	err = each(tx, func(row func(...any) error) error {
		var key ObjectKey
		var version int64
		var doc []byte
		if err := row(&key.Kind, &key.ID, &version, &doc); err != nil {
			return err
		}
		versions.Objects[key] = version
		if err := addObject(m, key.Kind, doc); err != nil {
			return fmt.Errorf("%s %s: %w", key.Kind, key.ID, err)
		}
		return nil
	}, "SELECT kind, id, version, doc FROM model_object WHERE product_id = $1 ORDER BY kind, pos, id", string(id))
	if err != nil {
		return nil, Versions{}, fmt.Errorf("store: load product %s: %w", id, err)
	}
	model.Sort(m)
	return m, versions, nil
}

func noProduct(id model.ProductID) error {
	return fault.New(fault.NotFound, "product.not_found", "there is no product %s", id)
}

// Save says who saves a model, when, and on which state the change is based.
type Save struct {
	By string    // the actor's id
	At time.Time // kept in microseconds
	// Expect is the version of the product that the change started from; 0 for a new product.
	Expect int64
	// Moved are objects that somebody put elsewhere in their list: they are written and
	// get the new version although what they say is the same.
	Moved []ObjectKey
	// Words returns the words by which an object is found; nil keeps the index of words as it is.
	Words func(key ObjectKey, value any) []string
}

// Saved says what SaveModel wrote.
type Saved struct {
	Version int64       // of the product now
	Written []ObjectKey // new and changed objects, in model order; the product itself first if it changed
	Removed []ObjectKey // in model order of the old model
}

// SaveModel makes the stored model, which is old (nil: there is none yet), equal
// to next by writing only the objects that differ. A change of anything raises
// the product's version by one and gives it to what was written; without a
// difference nothing is written. It is fault.Stale if the product is not at
// Save.Expect, fault.Conflict if a new product's id is taken.
func (tx *Tx) SaveModel(old, next *model.Model, s Save) (Saved, error) {
	id := next.Product.ID
	saved, err := tx.saveModel(old, next, s)
	if err != nil {
		return Saved{}, fmt.Errorf("store: save product %s: %w", id, err)
	}
	return saved, nil
}

func (tx *Tx) saveModel(old, next *model.Model, s Save) (Saved, error) {
	if old != nil && old.Product.ID != next.Product.ID {
		return Saved{}, fmt.Errorf("the old model is of product %s", old.Product.ID)
	}
	d, err := compareModels(old, next)
	if err != nil {
		return Saved{}, err
	}
	d.writeAlso(old, next, s.Moved)
	saved := Saved{Version: s.Expect, Removed: d.removed}
	if old != nil && !d.head && len(d.written) == 0 && len(d.removed) == 0 && len(d.reordered) == 0 {
		return saved, tx.expectVersion(next.Product.ID, s.Expect)
	}
	saved.Version = s.Expect + 1
	if d.head {
		saved.Written = append(saved.Written, ObjectKey{KindProduct, string(next.Product.ID)})
	}
	for _, w := range d.written {
		saved.Written = append(saved.Written, w.key)
	}
	if err := tx.saveHead(old == nil, next, saved.Version, s); err != nil {
		return Saved{}, err
	}
	if d.head {
		if err := tx.setTags(next.Product.ID, next.Product.Tags); err != nil {
			return Saved{}, err
		}
		if err := tx.setFields(next.Product.ID, next.Product.Custom); err != nil {
			return Saved{}, err
		}
	}
	if err := tx.removeObjects(next.Product.ID, d.removed); err != nil {
		return Saved{}, err
	}
	if err := tx.writeObjects(next, d, saved.Version); err != nil {
		return Saved{}, err
	}
	if err := tx.saveUses(old, next, saved); err != nil {
		return Saved{}, err
	}
	if s.Words != nil {
		if err := tx.indexObjects(next, d, s.Words); err != nil {
			return Saved{}, err
		}
	}
	return saved, tx.keep(old, next, d, saved.Version)
}

func (tx *Tx) expectVersion(id model.ProductID, expect int64) error {
	var version int64
	ok, err := tx.one("SELECT version FROM product WHERE id = $1", []any{string(id)}, &version)
	switch {
	case err != nil:
		return err
	case !ok:
		return noProduct(id)
	case version != expect:
		return stale(id)
	}
	return nil
}

func stale(id model.ProductID) error {
	return fault.New(fault.Stale, "product.stale", "product %s was changed by somebody else in the meantime; load it again", id)
}

func (tx *Tx) saveHead(create bool, m *model.Model, version int64, s Save) error {
	p := &m.Product
	doc, err := json.Marshal(productDoc{m.Product, m.Extra})
	if err != nil {
		return err
	}
	at := stamp(s.At)
	if create {
		n, err := tx.exec(`INSERT INTO product (id, name, folded, owner, archived, version, created_at, created_by, updated_at, updated_by, doc, team, template, listed)
			VALUES ($1, $2, $3, $4, FALSE, $5, $6, $7, $6, $7, $8, $9, $10, TRUE) ON CONFLICT (id) DO NOTHING`,
			string(p.ID), p.Name, Fold(p.Name), p.Owner, version, at, s.By, string(doc), p.Team, p.Template)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "product.exists", "there is a product %s already", p.ID)
		}
		_, err = tx.exec("INSERT INTO product_summary (product_id, at) VALUES ($1, $2)", string(p.ID), at)
		return err
	}
	n, err := tx.exec(`UPDATE product SET name = $2, folded = $3, owner = $4, version = $5, updated_at = $6, updated_by = $7, doc = $8,
		team = $10, template = $11, listed = TRUE WHERE id = $1 AND version = $9`,
		string(p.ID), p.Name, Fold(p.Name), p.Owner, version, at, s.By, string(doc), s.Expect, p.Team, p.Template)
	if err != nil {
		return err
	}
	if n == 0 {
		if err := tx.expectVersion(p.ID, s.Expect); err != nil {
			return err
		}
		return stale(p.ID)
	}
	return nil
}

func (tx *Tx) removeObjects(id model.ProductID, keys []ObjectKey) error {
	byKind := map[string][]any{}
	for _, k := range keys {
		byKind[k.Kind] = append(byKind[k.Kind], k.ID)
	}
	for _, kind := range slices.Sorted(mapKeys(byKind)) {
		for ids := range slices.Chunk(byKind[kind], inChunk) {
			args := append([]any{string(id), kind}, ids...)
			in := " WHERE product_id = $1 AND kind = $2 AND id IN (" + placeholders(3, len(ids)) + ")"
			for _, table := range []string{"model_object", "term"} {
				if _, err := tx.exec("DELETE FROM "+table+in, args...); err != nil {
					return fmt.Errorf("remove %s: %w", kind, err)
				}
			}
		}
	}
	return nil
}

// difference is what has to be written to make old equal to new.
type difference struct {
	head      bool // the product itself or the model's extra keys
	written   []object
	removed   []ObjectKey
	reordered map[string]bool // drawn kinds whose order or membership changed
	created   map[ObjectKey]bool
}

func compareModels(old, next *model.Model) (difference, error) {
	d := difference{reordered: map[string]bool{}, created: map[ObjectKey]bool{}}
	if old == nil {
		d.head = true
	} else {
		same, err := sameDoc(&productDoc{old.Product, old.Extra}, &productDoc{next.Product, next.Extra})
		if err != nil {
			return d, err
		}
		d.head = !same
	}
	var none model.Model
	if old == nil {
		old = &none
	}
	return d, errors.Join(
		compareList(&d, KindAnswer, old.Answers, next.Answers, answerID),
		compareList(&d, KindAsset, old.Assets, next.Assets, assetID),
		compareList(&d, KindDiagram, old.Diagrams, next.Diagrams, diagramID),
		compareList(&d, KindZone, old.Zones, next.Zones, zoneID),
		compareList(&d, KindComponent, old.Components, next.Components, componentID),
		compareList(&d, KindFlow, old.Flows, next.Flows, flowID),
		compareList(&d, KindCurve, old.Curves, next.Curves, curveID),
		compareList(&d, KindText, old.Texts, next.Texts, textID),
		compareList(&d, KindThreat, old.Threats, next.Threats, threatID),
		compareList(&d, KindWeakness, old.Weaknesses, next.Weaknesses, weaknessID),
		compareList(&d, KindCountermeasure, old.Countermeasures, next.Countermeasures, countermeasureID),
		compareList(&d, KindLink, old.Links, next.Links, linkID),
	)
}

// writeAlso notes objects as written that are the same in both models.
func (d *difference) writeAlso(old, next *model.Model, keys []ObjectKey) {
	if len(keys) == 0 || old == nil {
		return
	}
	was := map[ObjectKey]any{}
	for _, o := range objects(old) {
		if slices.Contains(keys, o.key) {
			was[o.key] = o.value
		}
	}
	for _, o := range d.written {
		delete(was, o.key)
	}
	for _, o := range objects(next) {
		if o.was = was[o.key]; o.was != nil {
			d.written = append(d.written, o)
		}
	}
}

// compareList notes what differs between two lists of one kind. Lists that are
// one in memory are not looked at: whoever changes a model copies a list before.
func compareList[T any](d *difference, kind string, old, next []T, id func(*T) string) error {
	if sameList(old, next) {
		return nil
	}
	find, used, fresh, last := finder(old, id), make([]bool, len(old)), map[string]bool{}, -1
	for i := range next {
		v := &next[i]
		key := ObjectKey{kind, id(v)}
		j := find(i, key.ID)
		if j >= 0 && used[j] || fresh[key.ID] {
			return fault.New(fault.Invalid, "model.invalid", "the model is not consistent").With(kind+" "+key.ID, "is there twice")
		}
		if j < 0 {
			fresh[key.ID] = true
			d.written = append(d.written, object{key: key, value: v})
			d.created[key] = true
			if drawn[kind] {
				d.reordered[kind] = true
			}
			continue
		}
		used[j] = true
		// Removing the last or any other element leaves the order of the rest.
		if j < last && drawn[kind] {
			d.reordered[kind] = true
		}
		last = j
		same, err := sameDoc(&old[j], v)
		if err != nil {
			return fmt.Errorf("%s %s: %w", kind, key.ID, err)
		}
		if !same {
			d.written = append(d.written, object{key: key, value: v, was: &old[j]})
		}
	}
	for j := range old {
		if !used[j] {
			d.removed = append(d.removed, ObjectKey{kind, id(&old[j])})
		}
	}
	return nil
}

// sameList reports whether two lists are one in memory.
func sameList[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// finder returns what finds the place of an id in the list, -1 for none. It is
// asked for the ids of another list in their order with their place there; as
// long as the two agree it needs no index.
func finder[T any](list []T, id func(*T) string) func(i int, wanted string) int {
	var index map[string]int
	return func(i int, wanted string) int {
		if index == nil {
			if i < len(list) && id(&list[i]) == wanted {
				return i
			}
			index = make(map[string]int, len(list))
			for j := range list {
				index[id(&list[j])] = j
			}
		}
		if j, ok := index[wanted]; ok {
			return j
		}
		return -1
	}
}

// sameDoc reports whether two objects have the same stored form; nil and empty
// lists do.
func sameDoc(a, b any) (bool, error) {
	if reflect.DeepEqual(a, b) {
		return true, nil
	}
	x, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b)
	return bytes.Equal(x, y), err
}

// writeObjects writes what differs. A drawn object's position is stored with
// gaps, so that one that is put between two others moves no third.
func (tx *Tx) writeObjects(m *model.Model, d difference, version int64) error {
	pos := map[ObjectKey]int64{}
	moved := map[ObjectKey]bool{}
	if len(d.reordered) > 0 {
		if err := tx.place(m, d, pos, moved); err != nil {
			return err
		}
	}
	var insert [][]any
	for i := range d.written {
		o := &d.written[i]
		doc, err := json.Marshal(o.value)
		if err != nil {
			return fmt.Errorf("%s %s: %w", o.key.Kind, o.key.ID, err)
		}
		o.doc = doc
		if !d.created[o.key] {
			if _, err := tx.exec("UPDATE model_object SET version = $4, doc = $5, owner = $6 WHERE product_id = $1 AND kind = $2 AND id = $3",
				string(m.Product.ID), o.key.Kind, o.key.ID, version, string(doc), ownerOf(o.value)); err != nil {
				return err
			}
			continue
		}
		delete(moved, o.key)
		insert = append(insert, []any{string(m.Product.ID), o.key.Kind, o.key.ID, pos[o.key], version, string(doc), ownerOf(o.value)})
	}
	slices.SortFunc(insert, func(a, b []any) int { // in the order of the key, which is the cheapest for both engines
		return cmp.Or(cmp.Compare(a[1].(string), b[1].(string)), cmp.Compare(a[2].(string), b[2].(string)))
	})
	for _, key := range slices.SortedFunc(mapKeys(moved), compareKeys) {
		if _, err := tx.exec("UPDATE model_object SET pos = $4 WHERE product_id = $1 AND kind = $2 AND id = $3",
			string(m.Product.ID), key.Kind, key.ID, pos[key]); err != nil {
			return err
		}
	}
	return tx.bulk("model_object", []string{"product_id", "kind", "id", "pos", "version", "doc", "owner"}, "", insert)
}

func compareKeys(a, b ObjectKey) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// gap is the distance between the stored positions of neighbours.
const gap = 1 << 20

// place gives every object of the reordered kinds a position that follows the
// order of the model, keeping stored ones where that is possible; moved has those
// whose position is not the stored one.
func (tx *Tx) place(m *model.Model, d difference, pos map[ObjectKey]int64, moved map[ObjectKey]bool) error {
	stored := map[ObjectKey]int64{}
	err := each(tx, func(row func(...any) error) error {
		var key ObjectKey
		var p int64
		err := row(&key.Kind, &key.ID, &p)
		stored[key] = p
		return err
	}, "SELECT kind, id, pos FROM model_object WHERE product_id = $1 AND kind IN ($2, $3, $4, $5, $6, $7)",
		string(m.Product.ID), KindDiagram, KindZone, KindComponent, KindFlow, KindCurve, KindText)
	if err != nil {
		return err
	}
	byKind := map[string][]ObjectKey{}
	for _, o := range objects(m) {
		if d.reordered[o.key.Kind] {
			byKind[o.key.Kind] = append(byKind[o.key.Kind], o.key)
		}
	}
	for _, keys := range byKind {
		for i, p := range positions(keys, stored) {
			pos[keys[i]] = p
			if was, ok := stored[keys[i]]; !ok || was != p {
				moved[keys[i]] = true
			}
		}
	}
	return nil
}

// positions returns a rising position per key. A stored position stays if it is
// above the one before and leaves room; when there is no room all are dealt anew.
func positions(keys []ObjectKey, stored map[ObjectKey]int64) []int64 {
	out := make([]int64, len(keys))
	last := int64(0)
	for i, k := range keys {
		if p, ok := stored[k]; ok && p > last {
			out[i], last = p, p
			continue
		}
		// Up to the next position that can stay.
		next := int64(-1)
		run := int64(1)
		for _, n := range keys[i+1:] {
			if p, ok := stored[n]; ok && p > last {
				next = p
				break
			}
			run++
		}
		p := last + gap
		if next >= 0 {
			p = last + (next-last)/(run+1)
		}
		if p <= last {
			for j := range keys {
				out[j] = int64(j+1) * gap
			}
			return out
		}
		out[i], last = p, p
	}
	return out
}

// readable reports whether a stored object can be decoded.
func readable(kind string, doc []byte) error { return addObject(&model.Model{}, kind, doc) }
