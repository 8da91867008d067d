package app

import (
	"slices"
	"sync"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// Bounds of what is remembered of evaluations: some 50 KiB per element of a model.
const (
	maxMemos        = 16
	maxMemoElements = 10_000
)

// memos remember what the library wanted of the products that are worked on, so
// that a change is evaluated at the cost of the change.
type memos struct {
	mu   sync.Mutex
	list []*memoOf // the last used one last
}

type memoOf struct {
	product  model.ProductID
	elements int
	mu       sync.Mutex // a memo answers one at a time
	memo     *generate.Memo
}

// desired is generate.Desired, for a product that may be asked for again soon.
func (a *App) desired(m *model.Model, lib *library.Library) (*generate.Result, error) {
	if lib != a.Library() {
		return generate.Desired(m, lib) // a draft that is tried out
	}
	of := a.memos.of(m, lib)
	if of == nil || !of.mu.TryLock() {
		return generate.Desired(m, lib) // as quick as to wait
	}
	defer of.mu.Unlock()
	return of.memo.Desired(m)
}

// of returns the product's memo, or nil for a product that is too large to be remembered.
func (s *memos) of(m *model.Model, lib *library.Library) *memoOf {
	n := len(m.Components) + len(m.Flows)
	s.mu.Lock()
	defer s.mu.Unlock()
	var found *memoOf
	s.list = slices.DeleteFunc(s.list, func(o *memoOf) bool {
		same := o.product == m.Product.ID
		if same && o.memo.Library() == lib {
			found = o
		}
		return same || o.memo.Library() != lib
	})
	if n > maxMemoElements || m.Product.ID == "" {
		return nil
	}
	if found == nil {
		found = &memoOf{product: m.Product.ID, memo: generate.NewMemo(lib)}
	}
	found.elements = n
	s.list = append(s.list, found)
	total := 0
	for i := len(s.list) - 1; i >= 0; i-- {
		if total += s.list[i].elements; total > maxMemoElements && i < len(s.list)-1 || len(s.list)-i > maxMemos {
			s.list = slices.Delete(s.list, 0, i+1)
			break
		}
	}
	return found
}
