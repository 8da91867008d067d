package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/threatloop/threatloop/internal/model"
)

// cachedObjects bounds what the cache of models holds, in objects of models, of
// which most are links of some hundred bytes; a model of more is not kept.
const cachedObjects = 300_000

// modelCache keeps the models that were read last. A model is told by its
// product, when that was made and its version, which every change raises, so that
// what is found is what the database holds, whoever wrote it.
type modelCache struct {
	mu   sync.Mutex
	kept []cachedModel // used last at the end
}

type cachedModel struct {
	key      modelKey
	model    *model.Model
	versions Versions
}

type modelKey struct {
	id      model.ProductID
	created int64
	version int64
}

func (c *modelCache) get(key modelKey) (cachedModel, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.kept, func(x cachedModel) bool { return x.key == key })
	if i < 0 {
		return cachedModel{}, false
	}
	found := c.kept[i]
	c.kept = append(slices.Delete(c.kept, i, i+1), found)
	return found, true
}

func (c *modelCache) put(x cachedModel) {
	if len(x.versions.Objects) > cachedObjects {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	newer := func(y cachedModel) bool {
		return y.key.id == x.key.id && y.key.created == x.key.created && y.key.version > x.key.version
	}
	if slices.ContainsFunc(c.kept, newer) {
		return // a reader of an older state came late
	}
	c.kept = append(slices.DeleteFunc(c.kept, func(y cachedModel) bool { return y.key.id == x.key.id }), x)
	sum, from := 0, len(c.kept)
	for from > 0 && sum+len(c.kept[from-1].versions.Objects) <= cachedObjects {
		from--
		sum += len(c.kept[from].versions.Objects)
	}
	c.kept = slices.Delete(c.kept, 0, from)
}

// ReadModel is LoadModel for who does not change what it returns: readers share
// one model as long as its version is current, so that it costs nothing to read
// it again. In Write the product is locked as by LoadModel, and what SaveModel
// stored of a model that came from here is found here again.
func (tx *Tx) ReadModel(id model.ProductID) (*model.Model, Versions, error) {
	query := "SELECT created_at, version FROM product WHERE id = $1"
	if tx.pg != nil {
		query += " FOR UPDATE"
	}
	key := modelKey{id: id}
	ok, err := tx.one(query, []any{string(id)}, &key.created, &key.version)
	if err != nil {
		return nil, Versions{}, fmt.Errorf("store: load product %s: %w", id, err)
	}
	if !ok {
		return nil, Versions{}, noProduct(id)
	}
	found, ok := tx.models[id]
	if !ok || found.key != key {
		if found, ok = tx.db.models.get(key); !ok {
			m, versions, err := tx.LoadModel(id)
			if err != nil {
				return nil, Versions{}, err
			}
			shareTexts(m)
			found = cachedModel{key, m, versions}
			if !tx.writable {
				tx.db.models.put(found)
			}
		}
		if tx.writable {
			tx.remember(found) // shared once it is committed: what a write transaction sees may never be
		}
	}
	return found.model, found.versions, nil
}

// Stored returns what ReadModel would, where that is at hand: in Write, of a
// product that was read or saved in it. It must not be changed.
func (tx *Tx) Stored(id model.ProductID) (*model.Model, Versions, bool) {
	x, ok := tx.models[id]
	return x.model, x.versions, ok
}

// Writes reports whether the transaction can write.
func (tx *Tx) Writes() bool { return tx.writable }

func (tx *Tx) remember(x cachedModel) {
	if tx.models == nil {
		tx.models = map[model.ProductID]cachedModel{}
	}
	tx.models[x.key.id] = x
}

// share gives what a transaction that was committed read and stored to the readers.
func (tx *Tx) share() {
	for _, x := range tx.models {
		tx.db.models.put(x)
	}
}

// keptObjects bounds what is decoded again after it was saved; of a larger change
// the next reader loads the model.
const keptObjects = 2000

// keep makes the model that LoadModel would return now, where the old one came
// from ReadModel: what was not written is shared with it, what was written is
// decoded from what was stored, so that nobody who still holds next can change it.
func (tx *Tx) keep(old, next *model.Model, d difference, version int64) error {
	was, ok := tx.models[next.Product.ID]
	if !ok {
		return nil
	}
	delete(tx.models, next.Product.ID)
	if was.model != old || len(d.written) > keptObjects {
		return nil
	}
	k := keeper{written: make(map[ObjectKey][]byte, len(d.written))}
	for _, o := range d.written {
		k.written[o.key] = o.doc
	}
	m := &model.Model{Product: old.Product, Extra: old.Extra}
	if d.head {
		head, err := reread(&productDoc{next.Product, next.Extra})
		if err != nil {
			return err
		}
		m.Product, m.Extra = head.Product, head.Extra
	}
	m.Answers = keepList(&k, KindAnswer, old.Answers, next.Answers, answerID)
	m.Assets = keepList(&k, KindAsset, old.Assets, next.Assets, assetID)
	m.Diagrams = keepList(&k, KindDiagram, old.Diagrams, next.Diagrams, diagramID)
	m.Zones = keepList(&k, KindZone, old.Zones, next.Zones, zoneID)
	m.Components = keepList(&k, KindComponent, old.Components, next.Components, componentID)
	m.Flows = keepList(&k, KindFlow, old.Flows, next.Flows, flowID)
	m.Curves = keepList(&k, KindCurve, old.Curves, next.Curves, curveID)
	m.Texts = keepList(&k, KindText, old.Texts, next.Texts, textID)
	m.Threats = keepList(&k, KindThreat, old.Threats, next.Threats, threatID)
	m.Weaknesses = keepList(&k, KindWeakness, old.Weaknesses, next.Weaknesses, weaknessID)
	m.Countermeasures = keepList(&k, KindCountermeasure, old.Countermeasures, next.Countermeasures, countermeasureID)
	m.Links = keepList(&k, KindLink, old.Links, next.Links, linkID)
	if k.err != nil {
		return k.err
	}
	model.Sort(m)
	versions := Versions{Product: version, Objects: maps.Clone(was.versions.Objects)}
	for key := range k.written {
		versions.Objects[key] = version
	}
	for _, key := range d.removed {
		delete(versions.Objects, key)
	}
	was.key.version = version
	tx.remember(cachedModel{was.key, m, versions})
	return nil
}

// keeper holds the documents that were written.
type keeper struct {
	written map[ObjectKey][]byte
	err     error
}

func keepList[T any](k *keeper, kind string, old, next []T, id func(*T) string) []T {
	if sameList(old, next) {
		return old
	}
	find := finder(old, id)
	var list []T
	for i := range next {
		key := ObjectKey{kind, id(&next[i])}
		j := find(i, key.ID)
		doc, written := k.written[key]
		switch {
		case written:
			var v T
			if err := json.Unmarshal(doc, &v); err != nil {
				k.err = fmt.Errorf("%s %s: %w", kind, key.ID, err)
				return nil
			}
			list = append(list, v)
		case j >= 0:
			list = append(list, old[j])
		}
	}
	return list
}

// shareTexts makes equal texts of a model's risks one in memory: a library gives
// the same ones to every element of a type.
func shareTexts(m *model.Model) {
	texts := map[string]string{}
	one := func(s *string) {
		if known, ok := texts[*s]; ok {
			*s = known
		} else {
			texts[*s] = *s
		}
	}
	why := func(list []model.Why) {
		for i := range list {
			w := &list[i]
			one(&w.Rule)
			one(&w.Pattern)
			one(&w.Library)
			one(&w.Text)
		}
	}
	for i := range m.Threats {
		t := &m.Threats[i]
		one(&t.Ref)
		one(&t.Title)
		one(&t.Description)
		why(t.Why)
	}
	for i := range m.Weaknesses {
		w := &m.Weaknesses[i]
		one(&w.Ref)
		one(&w.Title)
		one(&w.Description)
		one(&w.Test)
		why(w.Why)
	}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		one(&c.Ref)
		one(&c.Title)
		one(&c.Description)
		one(&c.Test)
		why(c.Why)
	}
}

// reread returns a document as it is read when it is stored.
func reread(head *productDoc) (*productDoc, error) {
	doc, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	var out productDoc
	return &out, json.Unmarshal(doc, &out)
}
