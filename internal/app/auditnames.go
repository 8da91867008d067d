package app

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// auditNames finds what people call the objects of an audit trail.
type auditNames struct {
	tx     *store.Tx
	lib    *library.Library
	places map[model.ElementID]string // of the product; nil for the installation
	known  map[string]string          // by "kind/id"
}

// namesFor prepares to name the objects in the trail of a product, or of the
// installation where product is "". Of a deleted product only the rows say what was
// called how; fault.NotFound if there never was one.
func (a *App) namesFor(tx *store.Tx, product model.ProductID) (*auditNames, error) {
	n := &auditNames{tx: tx, lib: a.Library(), known: map[string]string{}}
	if product == "" {
		return n, nil
	}
	m, _, err := tx.ReadModel(product)
	if fault.Is(err, fault.NotFound) {
		heads, other := tx.AuditHeads(store.ProductStream(product))
		if other != nil {
			return nil, other
		}
		if len(heads) > 0 {
			return n, nil
		}
	}
	if err != nil {
		return nil, err
	}
	n.places = elementNames(m)
	n.known["product/"+string(product)] = m.Product.Name
	for i := range m.Threats {
		n.known["threat/"+string(m.Threats[i].ID)] = n.at(m.Threats[i].Title, m.Threats[i].Where)
	}
	for i := range m.Weaknesses {
		n.known["weakness/"+string(m.Weaknesses[i].ID)] = n.at(m.Weaknesses[i].Title, m.Weaknesses[i].Where)
	}
	for i := range m.Countermeasures {
		n.known["countermeasure/"+string(m.Countermeasures[i].ID)] = n.at(m.Countermeasures[i].Title, m.Countermeasures[i].Where)
	}
	return n, nil
}

// at is a title with the place that it is at, which tells it from its like elsewhere.
func (n *auditNames) at(title string, where model.ElementID) string {
	if place := n.places[where]; where != model.AtProduct && place != "" {
		return title + " on " + place
	}
	return title
}

// of names the object of a row: as it is called now, else as the row itself says
// it was called; "" where it has no other name than its id.
func (n *auditNames) of(r *store.Audit) string {
	kind, id, _ := strings.Cut(r.Object, "/")
	if kind == "link" {
		return n.link(id)
	}
	if name, ok := n.known[r.Object]; ok {
		return cmp.Or(name, n.said(r))
	}
	name := ""
	switch kind {
	case "user":
		if acc, err := n.tx.Account(id); err == nil {
			name = acc.Name
		}
	case "product":
		if row, err := n.tx.Product(model.ProductID(id), store.Everything()); err == nil {
			name = row.Name
		}
	case "connection":
		if c, err := n.tx.Connection(id); err == nil {
			name = c.Name
		}
	case "run":
		if run, err := n.tx.Run(id); err == nil {
			name = runName(&run)
		}
	case "answer":
		if q := n.lib.Question(id); q != nil {
			name = q.Title
		}
	case "library":
		name = n.entry(id)
	case "ticket":
		name = id
	default:
		name = n.places[model.ElementID(id)]
	}
	n.known[r.Object] = name
	return cmp.Or(name, n.said(r))
}

// runName is the file that a run came from, with the source it is of.
func runName(run *store.Run) string {
	var doc uploadDoc
	_ = json.Unmarshal([]byte(run.Doc), &doc) // without it the source is the name
	if doc.Name != "" && run.Source != "" && run.Source != doc.Name {
		return doc.Name + " (" + run.Source + ")"
	}
	return cmp.Or(doc.Name, run.Source, run.Format)
}

// link names what a link joins, "threat/weakness/countermeasure": the threat and
// what stands against it.
func (n *auditNames) link(id string) string {
	parts := strings.Split(id, "/")
	var names []string
	for i, kind := range []string{"threat", "weakness", "countermeasure"} {
		if i < len(parts) && n.known[kind+"/"+parts[i]] != "" && (kind != "weakness" || len(parts) < 3 || parts[2] == "") {
			names = append(names, n.known[kind+"/"+parts[i]])
		}
	}
	return strings.Join(names, " – ")
}

// entry names an entry of the library, "pattern/ref".
func (n *auditNames) entry(id string) string {
	kind, ref, _ := strings.Cut(id, "/")
	switch kind {
	case library.EntryPattern:
		if p := n.lib.Pattern(ref); p != nil {
			return p.Name
		}
	case library.EntryQuestionnaire:
		if q := n.lib.Questionnaire(ref); q != nil {
			return q.Name
		}
	case "version":
		return "Version " + ref
	}
	return ref
}

// said is the name that the row itself has of its object.
func (n *auditNames) said(r *store.Audit) string {
	for _, doc := range []json.RawMessage{r.New, r.Old} {
		var named struct {
			Name  string          `json:"name"`
			Title string          `json:"title"`
			Email string          `json:"email"`
			Where model.ElementID `json:"where"`
		}
		if len(doc) == 0 || doc[0] != '{' {
			continue
		}
		if json.Unmarshal(doc, &named) != nil {
			continue // something else is called so; the id stays the name
		}
		if name := cmp.Or(named.Title, named.Name, named.Email); name != "" {
			return n.at(name, named.Where)
		}
	}
	return ""
}
