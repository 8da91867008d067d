package store

import (
	"fmt"
	"slices"
	"sync"

	"github.com/threatloop/threatloop/internal/model"
)

// cachedObjects bounds what the cache of models holds, in objects of models; a
// model of more is not kept.
const cachedObjects = 120_000

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
// it again. In Write the product is locked as by LoadModel.
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
	if found, ok := tx.db.models.get(key); ok {
		return found.model, found.versions, nil
	}
	m, versions, err := tx.LoadModel(id)
	// What a write transaction sees may never be committed.
	if err == nil && !tx.writable {
		tx.db.models.put(cachedModel{key, m, versions})
	}
	return m, versions, err
}
