package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// Use names something of the library.
type Use struct{ Kind, Ref string }

// The kinds of Use.
const (
	UseType          = "type"
	UsePattern       = "pattern"
	UseRule          = "rule"
	UseQuestionnaire = "questionnaire"
	UseStandard      = "standard"
)

// uses are what a product holds of the library.
type uses map[Use]bool

func (u uses) head(p *model.Product) {
	if p.Questionnaire != "" {
		u[Use{UseQuestionnaire, p.Questionnaire}] = true
	}
	for _, as := range p.Standards {
		if ref, _, ok := model.ParseStandard(as); ok {
			u[Use{UseStandard, ref}] = true
		}
	}
}

func (u uses) component(typ string) {
	if typ != "" {
		u[Use{UseType, typ}] = true
	}
}

// generated notes what brought a threat or countermeasure; ref is a threat's.
func (u uses) generated(ref string, why []model.Why) {
	for _, w := range why {
		if w.Rule != "" {
			u[Use{UseRule, w.Rule}] = true
		}
		if w.Pattern != "" {
			u[Use{UsePattern, w.Pattern}] = true
		}
	}
	if pattern, _, ok := strings.Cut(ref, "/"); ok && len(why) > 0 {
		u[Use{UsePattern, pattern}] = true
	}
}

// usesOf is what a model holds of the library, as far as objects of the kinds say.
func usesOf(m *model.Model, kinds map[string]bool) uses {
	u := uses{}
	if m == nil {
		return u
	}
	if kinds[KindProduct] {
		u.head(&m.Product)
	}
	if kinds[KindComponent] {
		for i := range m.Components {
			u.component(m.Components[i].Type)
		}
	}
	if kinds[KindThreat] || kinds[KindCountermeasure] {
		for i := range m.Threats {
			u.generated(m.Threats[i].Ref, m.Threats[i].Why)
		}
		for i := range m.Countermeasures {
			u.generated("", m.Countermeasures[i].Why)
		}
	}
	return u
}

// saveUses notes what a saved model holds of the library and did not before.
func (tx *Tx) saveUses(old, next *model.Model, saved Saved) error {
	kinds := map[string]bool{}
	for _, list := range [][]ObjectKey{saved.Written, saved.Removed} {
		for _, k := range list {
			kinds[k.Kind] = true
		}
	}
	return tx.writeUses(next.Product.ID, usesOf(old, kinds), usesOf(next, kinds))
}

func (tx *Tx) writeUses(id model.ProductID, was, now uses) error {
	byName := func(a, b Use) int { return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Ref, b.Ref)) }
	var rows [][]any
	for _, u := range slices.SortedFunc(maps.Keys(now), byName) {
		if !was[u] {
			rows = append(rows, []any{u.Kind, u.Ref, string(id)})
		}
	}
	for _, u := range slices.SortedFunc(maps.Keys(was), byName) {
		if now[u] {
			continue
		}
		if _, err := tx.exec("DELETE FROM product_use WHERE kind = $1 AND ref = $2 AND product_id = $3", u.Kind, u.Ref, string(id)); err != nil {
			return err
		}
	}
	return tx.bulk("product_use", []string{"kind", "ref", "product_id"}, "ON CONFLICT (kind, ref, product_id) DO NOTHING", rows)
}

// listUses takes what a product holds of the library from its documents.
func (tx *Tx) listUses(p *model.Product) error {
	now := uses{}
	now.head(p)
	err := each(tx, func(row func(...any) error) error {
		var kind, id string
		var doc []byte
		if err := row(&kind, &id, &doc); err != nil {
			return err
		}
		var o struct {
			Type string      `json:"type"`
			Ref  string      `json:"ref"`
			Why  []model.Why `json:"why"`
		}
		if err := json.Unmarshal(doc, &o); err != nil {
			tx.db.log.WarnContext(tx.ctx, "an object cannot be read", "product", p.ID, "kind", kind, "id", id, "cause", err)
			return nil
		}
		if kind == KindComponent {
			now.component(o.Type)
		} else {
			now.generated(o.Ref, o.Why)
		}
		return nil
	}, "SELECT kind, id, doc FROM model_object WHERE product_id = $1 AND kind IN ($2, $3, $4)", string(p.ID), KindComponent, KindThreat, KindCountermeasure)
	if err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM product_use WHERE product_id = $1", string(p.ID)); err != nil {
		return err
	}
	return tx.writeUses(p.ID, nil, now)
}

// LibraryUse returns how many products hold each thing of the library, templates and archived ones too.
func (tx *Tx) LibraryUse() (map[Use]int64, error) {
	out := map[Use]int64{}
	err := each(tx, func(row func(...any) error) error {
		var u Use
		var n int64
		err := row(&u.Kind, &u.Ref, &n)
		out[u] = n
		return err
	}, "SELECT kind, ref, count(*) FROM product_use GROUP BY kind, ref")
	if err != nil {
		return nil, fmt.Errorf("store: use of the library: %w", err)
	}
	return out, nil
}
