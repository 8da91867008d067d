package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/threatloop/threatloop/internal/model"
)

// Fold returns the form of a text in which case, accents and width do not
// matter: what names are compared, sorted and searched by on both engines.
func Fold(s string) string {
	s = cases.Fold().String(norm.NFKD.String(s))
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s))
}

// maxTerm bounds a stored word, in bytes.
const maxTerm = 64

// Words returns the folded words (letters and digits) of the texts, each once, sorted.
func Words(texts ...string) []string {
	var out []string
	for _, t := range texts {
		for _, w := range strings.FieldsFunc(Fold(t), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			out = append(out, cut(w, maxTerm))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// ModelWords returns the words by which an object of a model is found: its name
// or title, its ref and CWE. It fits Save.Words.
func ModelWords(_ ObjectKey, value any) []string {
	switch v := value.(type) {
	case *model.Product:
		return Words(append([]string{v.Name, v.Owner}, v.Tags...)...)
	case *model.Asset:
		return Words(v.Name)
	case *model.Diagram:
		return Words(v.Title)
	case *model.Zone:
		return Words(v.Name)
	case *model.Component:
		return Words(append([]string{v.Name, v.Type}, v.Tags...)...)
	case *model.Flow:
		return Words(append([]string{v.Name, v.Protocol}, v.Tags...)...)
	case *model.Threat:
		return Words(v.Title, v.Ref)
	case *model.Weakness:
		if v.CWE != 0 {
			return Words(v.Title, v.Ref, fmt.Sprintf("CWE%d %d", v.CWE, v.CWE))
		}
		return Words(v.Title, v.Ref)
	case *model.Countermeasure:
		return Words(v.Title, v.Ref)
	}
	return nil
}

func (tx *Tx) indexObjects(m *model.Model, d difference, words func(ObjectKey, any) []string) error {
	changed := d.written
	if d.head {
		changed = append([]object{{key: ObjectKey{KindProduct, string(m.Product.ID)}, value: &m.Product}}, changed...)
	}
	var rows [][]any
	for _, o := range changed {
		found := words(o.key, o.value)
		if o.was != nil && slices.Equal(found, words(o.key, o.was)) {
			continue
		}
		if !d.created[o.key] {
			if _, err := tx.exec("DELETE FROM term WHERE product_id = $1 AND kind = $2 AND id = $3", string(m.Product.ID), o.key.Kind, o.key.ID); err != nil {
				return err
			}
		}
		for _, w := range found {
			rows = append(rows, []any{w, string(m.Product.ID), o.key.Kind, o.key.ID})
		}
	}
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return tx.bulk("term", []string{"term", "product_id", "kind", "id"}, "ON CONFLICT (term, product_id, kind, id) DO NOTHING", rows)
}

// Hit is an object that a search found.
type Hit struct {
	Product model.ProductID
	ObjectKey
}

// Search returns the objects that have, for every word of the text, a word that
// begins with it, in products that the user may see, ordered by product, kind
// and id, at most limit. A text without words finds nothing.
func (tx *Tx) Search(text string, visible Visible, limit int) ([]Hit, error) {
	words := Words(text)
	if len(words) == 0 {
		return nil, nil
	}
	var q conditions
	var from strings.Builder
	for i, w := range words {
		alias := fmt.Sprintf("t%d", i)
		if i == 0 {
			fmt.Fprintf(&from, "SELECT DISTINCT t0.product_id, t0.kind, t0.id FROM term t0")
		} else {
			fmt.Fprintf(&from, " JOIN term %[1]s ON %[1]s.product_id = t0.product_id AND %[1]s.kind = t0.kind AND %[1]s.id = t0.id", alias)
		}
		q.add(alias+".term >= ? AND "+alias+".term < ?", w, w+"\U0010ffff")
	}
	q.visible("t0.product_id", visible)
	hits, err := collect(tx, func(row func(...any) error) (h Hit, err error) {
		return h, row((*string)(&h.Product), &h.Kind, &h.ID)
	}, from.String()+q.where()+" ORDER BY t0.product_id, t0.kind, t0.id LIMIT "+q.arg(limit), q.args...)
	if err != nil {
		return nil, fmt.Errorf("store: search: %w", err)
	}
	return hits, nil
}
