package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

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
	same := map[ObjectKey]bool{}
	for _, o := range objects(old) {
		if slices.Contains(keys, o.key) {
			same[o.key] = true
		}
	}
	for _, o := range d.written {
		delete(same, o.key)
	}
	for _, o := range objects(next) {
		if same[o.key] {
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
			d.written = append(d.written, object{key: key, value: v})
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
