package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Save says who saves a model, when, and on which state the change is based.
type Save struct {
	By string    // the actor's id
	At time.Time // kept in microseconds
	// Expect is the version of the product that the change started from; 0 for a new product.
	Expect int64
	// Moved are objects that somebody put elsewhere in their list: they are written and
	// get the new version although what they say is the same.
	Moved []ObjectKey
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
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		for ids := range slices.Chunk(byKind[kind], inChunk) {
			args := append([]any{string(id), kind}, ids...)
			if _, err := tx.exec("DELETE FROM model_object WHERE product_id = $1 AND kind = $2 AND id IN ("+placeholders(3, len(ids))+")", args...); err != nil {
				return fmt.Errorf("remove %s: %w", kind, err)
			}
		}
	}
	return nil
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
	for _, key := range slices.SortedFunc(maps.Keys(moved), compareKeys) {
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
