package store

import (
	"encoding/json"
	"fmt"

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

// readable reports whether a stored object can be decoded.
func readable(kind string, doc []byte) error { return addObject(&model.Model{}, kind, doc) }
