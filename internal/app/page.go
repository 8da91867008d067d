package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// clampLimit bounds the size of a page; 0 is 100.
func clampLimit(n int) int {
	if n <= 0 {
		return 100
	}
	return min(n, 1000)
}

// encodeCursor makes a cursor of the last row of a page. Cursors are opaque to clients.
func encodeCursor(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return "" // rows consist of texts and numbers
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func decodeCursor(s string, v any) error {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "page.cursor", "the cursor is not one that a page gave").With("query.cursor", "expected the value of \"next\"")
	}
	return nil
}

// paginate cuts a page out of a list that is sorted by id.
func paginate[T any](list []T, id func(*T) string, cursor string, limit int) (Page[T], error) {
	limit = clampLimit(limit)
	start := 0
	if cursor != "" {
		var after string
		if err := decodeCursor(cursor, &after); err != nil {
			return Page[T]{}, err
		}
		for start < len(list) && id(&list[start]) <= after {
			start++
		}
	}
	end := min(start+limit, len(list))
	page := Page[T]{Items: list[start:end]}
	if page.Items == nil {
		page.Items = []T{}
	}
	if end < len(list) {
		page.Next = encodeCursor(id(&list[end-1]))
	}
	return page, nil
}

// decodeStrict decodes JSON and refuses unknown keys and what follows the document.
func decodeStrict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}

// modelObjects returns the objects of a model that are named, by their stored
// key; a nil model has none.
func modelObjects(m *model.Model, lists ...[]store.ObjectKey) map[store.ObjectKey]any {
	p := picked{wanted: map[store.ObjectKey]bool{}, kinds: map[string]bool{}, objects: map[store.ObjectKey]any{}}
	for _, list := range lists {
		for _, key := range list {
			p.wanted[key], p.kinds[key.Kind] = true, true
		}
	}
	if m == nil {
		return p.objects
	}
	if key := (store.ObjectKey{Kind: store.KindProduct, ID: string(m.Product.ID)}); p.wanted[key] {
		p.objects[key] = m.Product
	}
	pick(&p, store.KindAnswer, m.Answers, func(x *model.Answer) string { return x.Question })
	pick(&p, store.KindAsset, m.Assets, func(x *model.Asset) string { return string(x.ID) })
	pick(&p, store.KindDiagram, m.Diagrams, func(x *model.Diagram) string { return string(x.ID) })
	pick(&p, store.KindZone, m.Zones, func(x *model.Zone) string { return string(x.ID) })
	pick(&p, store.KindComponent, m.Components, func(x *model.Component) string { return string(x.ID) })
	pick(&p, store.KindFlow, m.Flows, func(x *model.Flow) string { return string(x.ID) })
	pick(&p, store.KindCurve, m.Curves, func(x *model.Curve) string { return string(x.ID) })
	pick(&p, store.KindText, m.Texts, func(x *model.TextBlock) string { return string(x.ID) })
	pick(&p, store.KindThreat, m.Threats, func(x *model.Threat) string { return string(x.ID) })
	pick(&p, store.KindWeakness, m.Weaknesses, func(x *model.Weakness) string { return string(x.ID) })
	pick(&p, store.KindCountermeasure, m.Countermeasures, func(x *model.Countermeasure) string { return string(x.ID) })
	pick(&p, store.KindLink, m.Links, func(x *model.Link) string { return store.LinkID(*x) })
	return p.objects
}

type picked struct {
	wanted  map[store.ObjectKey]bool
	kinds   map[string]bool
	objects map[store.ObjectKey]any
}

func pick[T any](p *picked, kind string, list []T, id func(*T) string) {
	if !p.kinds[kind] {
		return
	}
	for i := range list {
		if key := (store.ObjectKey{Kind: kind, ID: id(&list[i])}); p.wanted[key] {
			p.objects[key] = list[i]
		}
	}
}

// auditID writes an object's id for people: a link's parts joined by slashes.
func auditID(key store.ObjectKey) string { return strings.ReplaceAll(key.ID, "\x1f", "/") }

// equal compares two documents as they would be stored.
func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func itoa(n int) string { return strconv.Itoa(n) }
