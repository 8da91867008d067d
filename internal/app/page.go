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

// modelObjects lists the objects of a model by their stored key.
func modelObjects(m *model.Model) map[store.ObjectKey]any {
	out := map[store.ObjectKey]any{}
	if m == nil {
		return out
	}
	out[store.ObjectKey{Kind: store.KindProduct, ID: string(m.Product.ID)}] = m.Product
	for _, x := range m.Answers {
		out[store.ObjectKey{Kind: store.KindAnswer, ID: x.Question}] = x
	}
	for _, x := range m.Assets {
		out[store.ObjectKey{Kind: store.KindAsset, ID: string(x.ID)}] = x
	}
	for _, x := range m.Diagrams {
		out[store.ObjectKey{Kind: store.KindDiagram, ID: string(x.ID)}] = x
	}
	for _, x := range m.Zones {
		out[store.ObjectKey{Kind: store.KindZone, ID: string(x.ID)}] = x
	}
	for _, x := range m.Components {
		out[store.ObjectKey{Kind: store.KindComponent, ID: string(x.ID)}] = x
	}
	for _, x := range m.Flows {
		out[store.ObjectKey{Kind: store.KindFlow, ID: string(x.ID)}] = x
	}
	for _, x := range m.Curves {
		out[store.ObjectKey{Kind: store.KindCurve, ID: string(x.ID)}] = x
	}
	for _, x := range m.Texts {
		out[store.ObjectKey{Kind: store.KindText, ID: string(x.ID)}] = x
	}
	for _, x := range m.Threats {
		out[store.ObjectKey{Kind: store.KindThreat, ID: string(x.ID)}] = x
	}
	for _, x := range m.Weaknesses {
		out[store.ObjectKey{Kind: store.KindWeakness, ID: string(x.ID)}] = x
	}
	for _, x := range m.Countermeasures {
		out[store.ObjectKey{Kind: store.KindCountermeasure, ID: string(x.ID)}] = x
	}
	for _, x := range m.Links {
		out[store.ObjectKey{Kind: store.KindLink, ID: store.LinkID(x)}] = x
	}
	return out
}

// auditID writes an object's id for people: a link's parts joined by slashes.
func auditID(key store.ObjectKey) string { return strings.ReplaceAll(key.ID, "\x1f", "/") }

// words are the words by which search finds an object: those of its title and name.
func words(key store.ObjectKey, value any) []string {
	switch v := value.(type) {
	case *model.Threat:
		return strings.Fields(v.Title)
	case *model.Weakness:
		return strings.Fields(v.Title)
	case *model.Countermeasure:
		return strings.Fields(v.Title)
	case *model.Component:
		return strings.Fields(v.Name)
	case *model.Flow:
		return strings.Fields(v.Name)
	case *model.Asset:
		return strings.Fields(v.Name)
	default:
		return nil
	}
}

// equal compares two documents as they would be stored.
func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func itoa(n int) string { return strconv.Itoa(n) }
