package app

import (
	"cmp"
	"encoding/json"
	"slices"
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
	actors map[string]string
	folded map[string]string // of texts that search looks into
}

// namesFor prepares to name the objects in the trail of a product, or of the
// installation where product is "". Of a deleted product only the rows say what was
// called how; fault.NotFound if there never was one.
func (a *App) namesFor(tx *store.Tx, product model.ProductID) (*auditNames, error) {
	n := &auditNames{tx: tx, lib: a.Library(), known: map[string]string{}, actors: map[string]string{}, folded: map[string]string{}}
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

// prepare reads what rows name and what is not known yet: a statement for each kind
// of thing, however many rows there are.
func (n *auditNames) prepare(rows []store.Audit) error {
	var users []string
	missing := map[string][]string{}
	for i := range rows {
		r := &rows[i]
		if _, ok := n.actors[r.Actor]; !ok {
			n.actors[r.Actor] = cmp.Or(byItself[r.Actor], r.Actor)
			users = append(users, r.Actor)
		}
		kind, id, _ := strings.Cut(r.Object, "/")
		if _, ok := n.known[r.Object]; ok || !slices.Contains([]string{"user", "product", "connection", "run"}, kind) {
			continue
		}
		n.known[r.Object] = ""
		missing[kind] = append(missing[kind], id)
	}
	accounts, err := accountNames(n.tx, append(users, missing["user"]...))
	if err != nil {
		return err
	}
	for _, id := range users {
		n.actors[id] = cmp.Or(accounts[id], n.actors[id])
	}
	for _, id := range missing["user"] {
		n.known["user/"+id] = accounts[id]
	}
	products, err := n.tx.ProductNames(missing["product"]...)
	if err != nil {
		return err
	}
	for id, name := range products {
		n.known["product/"+string(id)] = name
	}
	if len(missing["connection"]) > 0 {
		list, err := n.tx.Connections()
		if err != nil {
			return err
		}
		for i := range list {
			n.known["connection/"+list[i].ID] = list[i].Name
		}
	}
	runs, err := n.tx.RunsByID(missing["run"]...)
	for i := range runs {
		n.known["run/"+runs[i].ID] = runName(&runs[i])
	}
	return err
}

// actor names who acted in a row that was prepared.
func (n *auditNames) actor(r *store.Audit) string { return n.actors[r.Actor] }

// has reports whether what a row says has each of the words, folded, in it.
func (n *auditNames) has(r *store.Audit, words []string) bool {
	for _, w := range words {
		if !strings.Contains(n.fold(r.Action), w) && !strings.Contains(n.fold(r.Object), w) &&
			!strings.Contains(n.fold(n.actor(r)), w) && !strings.Contains(n.fold(n.of(r)), w) {
			return false
		}
	}
	return true
}

// fold is store.Fold, of which most texts come again and again.
func (n *auditNames) fold(text string) string {
	folded, ok := n.folded[text]
	if !ok {
		folded = store.Fold(text)
		n.folded[text] = folded
	}
	return folded
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
