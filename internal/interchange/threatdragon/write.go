package threatdragon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// written is the version that new files and those of version 1 are given.
const written = "2.6.2"

// indent is that of the files that Threat Dragon writes.
const indent = "  "

// Write returns the model as a file of Threat Dragon 2, and notes on what it
// cannot show. What was read from such a file and not changed comes out as it
// was, byte by byte where Threat Dragon had written it. Reading the file gives
// the model again. The model is not changed. Standings are written with the
// threats, for readers of the file; nil is those that the file had that the model
// was read from.
func Write(m *model.Model, standings imported.Standings) ([]byte, []imported.Note, error) {
	w := newWriter(m)
	if w.standings = standings; standings == nil {
		w.standings = keptStandings(m)
	}
	doc, err := w.build()
	if err != nil {
		return nil, nil, err
	}
	again, err := w.identify(doc)
	if err != nil {
		return nil, nil, err
	}
	if err := w.note(doc, again); err != nil {
		return nil, nil, err
	}
	w.out.Close()
	return doc.Bytes(indent), w.out.Notes, nil
}

// writer builds the file of a model.
type writer struct {
	m     *model.Model // as it is
	drawn *model.Model // with a place for everything that has none
	out   *imported.Import

	old      bool // the file was of version 1
	made     map[model.DiagramID]bool
	inCell   map[model.ThreatID]bool // threats that stand in a cell
	threats  map[model.ElementID][]*model.Threat
	byID     map[string]*model.Threat
	measures map[model.ThreatID][]*model.Countermeasure
	bands    map[model.ThreatID]string // severities of threats that have none, by their rating
	number   int                       // the highest of a threat
	diagram  int                       // the id that the next diagram gets
	numbered bool
	added    bool // a diagram

	standings imported.Standings

	slots []slot
}

// slot is a place in the file where an object of the model stands.
type slot struct {
	kind string // "diagram/", "element/" or "threat/"
	id   string
	path string
	node *jsontree.Node
	own  own
}

func newWriter(m *model.Model) *writer {
	w := &writer{
		m: m, out: &imported.Import{}, made: map[model.DiagramID]bool{}, inCell: map[model.ThreatID]bool{},
		threats: map[model.ElementID][]*model.Threat{}, byID: make(map[string]*model.Threat, len(m.Threats)), measures: map[model.ThreatID][]*model.Countermeasure{},
	}
	for i := range m.Threats {
		t := &m.Threats[i]
		w.threats[t.Where] = append(w.threats[t.Where], t)
		w.byID[string(t.ID)] = t
		w.number = max(w.number, t.Number)
	}
	for _, list := range w.threats {
		slices.SortFunc(list, func(a, b *model.Threat) int {
			return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
		})
	}
	measures := make(map[model.CountermeasureID]*model.Countermeasure, len(m.Countermeasures))
	for i := range m.Countermeasures {
		measures[m.Countermeasures[i].ID] = &m.Countermeasures[i]
	}
	for i := range m.Links {
		l := &m.Links[i]
		c := measures[l.Countermeasure]
		if c == nil || c.Retired != nil || l.Retired != nil || slices.Contains(w.measures[l.Threat], c) {
			continue
		}
		w.measures[l.Threat] = append(w.measures[l.Threat], c)
	}
	w.lay()
	return w
}

// keptOf returns what a file said of an object.
func keptOf(e model.Extra) jsontree.Value {
	raw, ok := e[Key]
	if !ok {
		return jsontree.Value{}
	}
	v, err := jsontree.Parse(raw, imported.Options{})
	if err != nil || !v.Object() {
		return jsontree.Value{}
	}
	return v
}

// build returns the file as far as Threat Dragon can say it, without our own key.
func (w *writer) build() (*jsontree.Node, error) {
	kept := keptOf(w.m.Extra)
	doc := kept.Edit()
	if doc == nil {
		doc = jsontree.NewObject()
		doc.Set("version", jsontree.String(written))
	}
	for _, key := range []string{"summary", "detail"} {
		if !doc.Get(key).Object() {
			doc.Set(key, jsontree.NewObject())
		}
	}
	summary, detail := doc.Get("summary"), doc.Get("detail")
	kind, of := doc.Value(), 0
	for i := range w.drawn.Diagrams {
		d := keptOf(w.drawn.Diagrams[i].Extra)
		if v, _ := cellsOf(d); v > of {
			of = v
		}
		if n, err := strconv.Atoi(d.Get("id").Text()); err == nil && n < 1e9 {
			w.diagram = max(w.diagram, n+1)
		}
	}
	w.old = kept.Exists() && of < 2 && !kind.Get("detail", "diagramTop").Exists() && !strings.HasPrefix(strings.TrimPrefix(kind.Get("version").Text(), "v"), "2")
	if w.old {
		stripHash(doc)
		doc.SetFirst("version", jsontree.String(written))
	}
	p := &w.m.Product
	if base := cmp.Or(oneLine(summary.Get("title").Text()), "Untitled model"); !kept.Exists() || base != p.Name {
		summary.Set("title", jsontree.String(p.Name))
	}
	setText(summary, "owner", oneLine(summary.Get("owner").Text()), p.Owner)
	setText(summary, "description", summary.Get("description").Text(), p.Description)
	if n, err := strconv.Atoi(detail.Get("diagramTop").Text()); err == nil && len(w.made) == 0 {
		w.diagram = max(w.diagram, n)
	}
	if n, err := strconv.Atoi(detail.Get("threatTop").Text()); err == nil {
		w.number = max(w.number, n)
	}
	if !kept.Exists() || w.old {
		summary.Set("id", cmp.Or(summary.Get("id"), jsontree.Number(0)))
		for _, key := range []string{"owner", "description"} {
			summary.Set(key, cmp.Or(summary.Get(key), jsontree.String("")))
		}
		detail.Set("contributors", cmp.Or(detail.Get("contributors"), jsontree.NewList()))
		detail.Set("reviewer", cmp.Or(detail.Get("reviewer"), jsontree.String("")))
		w.numbered, w.added = true, true
	}
	diagrams := jsontree.NewList()
	for i := range w.drawn.Diagrams {
		d, err := w.diagramNode(&w.drawn.Diagrams[i], i)
		if err != nil {
			return nil, err
		}
		diagrams.Append(d)
	}
	if diagrams.Len() > 0 || detail.Get("diagrams").List() || !kept.Exists() {
		detail.Set("diagrams", diagrams)
	}
	if w.added {
		top, _ := strconv.Atoi(detail.Get("diagramTop").Text())
		detail.Set("diagramTop", jsontree.Number(float64(max(w.diagram, top))))
	}
	if w.numbered {
		detail.Set("threatTop", jsontree.Number(float64(w.number)))
	}
	return doc, nil
}

// setText sets a text of an object where it changed.
func setText(n *jsontree.Node, key, base, now string) {
	if base != now {
		n.Set(key, jsontree.String(now))
	}
}

// scratch returns a reader that reads parts of a file as Read does.
func (w *writer) scratch(d *model.Diagram) *diagramReader {
	r := &reader{
		out: &imported.Import{}, m: &model.Model{Product: model.Product{ID: w.m.Product.ID}}, elements: map[model.ElementID]bool{},
		threats: map[string]model.ElementID{}, ids: map[model.ThreatID]bool{}, unknown: map[string]*unknownKey{}, own: map[string]jsontree.Value{},
		drawn: map[string]jsontree.Value{},
	}
	return &diagramReader{reader: r, diagram: d, byID: map[string]model.ElementID{}, ends: map[model.ElementID]string{}}
}

// identify reads the file until every object is given the id that it has: where
// the reader would give another, ours is written down. It returns what was read.
func (w *writer) identify(doc *jsontree.Node) (*reader, error) {
	for try := range 4 {
		r := &reader{opts: imported.Options{Product: w.m.Product.ID}, placed: map[string]string{}}
		if err := r.read(doc.Value()); err != nil {
			return nil, fmt.Errorf("threat dragon: read again what was written: %w", err)
		}
		wrong := false
		for i := range w.slots {
			s := &w.slots[i]
			if r.placed[s.path] == s.id && try < 2 {
				continue
			}
			wrong = wrong || r.placed[s.path] != s.id
			s.own.ID = s.id
		}
		if !wrong {
			return r, nil
		}
		for i := range w.slots {
			if s := &w.slots[i]; s.own.ID != "" {
				s.holder().SetPath(jsontree.String(s.id), OwnKey, "id")
			}
		}
	}
	return nil, fmt.Errorf("threat dragon: the ids of the model cannot be written: two objects of it have one")
}

// holder is the object that takes our own key: of a cell its data, which Threat
// Dragon hands from one version of a cell to the next.
func (s *slot) holder() *jsontree.Node {
	if s.kind == "element/" {
		return dataOf(s.node)
	}
	return s.node
}

// note writes under our own key what reading the file would not give.
func (w *writer) note(doc *jsontree.Node, again *reader) error {
	now, then, err := parts(w.m, again.m)
	if err != nil {
		return err
	}
	used := false
	for i := range w.slots {
		s := &w.slots[i]
		key := s.kind + s.id
		if now[key] != nil { // a diagram that was made is not in the model
			s.own.change = differ(then[key], now[key])
		}
		if s.kind == "threat/" {
			s.own.Standing = w.standings[model.ThreatID(s.id)]
		}
		if s.own.ID == "" && !s.own.Made && s.own.change.empty() && !stands(s.own.Standing) {
			continue
		}
		used = true
		n, err := jsontree.From(s.own)
		if err != nil {
			return err
		}
		s.holder().Set(OwnKey, n)
	}
	root, err := w.root(again)
	if err != nil {
		return err
	}
	if !used && root.empty() {
		return nil
	}
	n, err := jsontree.From(root)
	if err != nil {
		return err
	}
	doc.Set(OwnKey, n)
	return nil
}

// parts returns the fields of everything that stands in a cell, by kind and id, of two models.
func parts(a, b *model.Model) (now, then map[string]fields, err error) {
	if now, err = partsOf(a); err != nil {
		return nil, nil, err
	}
	then, err = partsOf(b)
	return now, then, err
}

func partsOf(m *model.Model) (map[string]fields, error) {
	all := map[string]fields{}
	for _, err := range []error{
		addParts(all, "diagram/", m.Diagrams, diagramPart), addParts(all, "element/", m.Zones, zonePart),
		addParts(all, "element/", m.Components, componentPart), addParts(all, "element/", m.Flows, flowPart),
		addParts(all, "element/", m.Curves, curvePart), addParts(all, "element/", m.Texts, textPart), addParts(all, "threat/", m.Threats, threatPart),
	} {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func addParts[T any](all map[string]fields, kind string, list []T, part func(*T) (string, *model.Extra)) error {
	for i := range list {
		id, extra := part(&list[i])
		f, err := fieldsOf(list[i])
		if err != nil {
			return err
		}
		guess, guessed := (*extra)[guessKey]
		if _, drawn := (*extra)[Key]; kind == "element/" && f["kind"] != nil && f["type"] == nil && (guessed || !drawn) {
			f["type"] = json.RawMessage("null") // nobody chose one, and it is not to be guessed
		}
		if guessed && same(guess, f["type"]) && same(quoted(newCell(keptOf(*extra), 2).name()), f["name"]) {
			delete(f, "type") // it is guessed again
		}
		all[kind+id] = f
	}
	return nil
}

// root returns what the file notes of the model as a whole.
func (w *writer) root(again *reader) (ownRoot, error) {
	m := w.m
	root := ownRoot{Format: 1, Product: m.Product.ID, Answers: m.Answers, Assets: m.Assets, Weaknesses: m.Weaknesses}
	for key, raw := range m.Extra {
		if key != Key {
			if root.Extra == nil {
				root.Extra = model.Extra{}
			}
			root.Extra[key] = raw
		}
	}
	for i := range m.Threats {
		if !w.inCell[m.Threats[i].ID] {
			t := m.Threats[i]
			if _, kept := t.Extra[standingKey]; kept {
				t.Extra = maps.Clone(t.Extra)
				delete(t.Extra, standingKey)
			}
			root.Threats = append(root.Threats, t)
			if s := w.standings[t.ID]; stands(s) {
				if root.Standing == nil {
					root.Standing = imported.Standings{}
				}
				root.Standing[t.ID] = s
			}
		}
	}
	if n := len(root.Threats); n > 0 {
		w.out.Add(imported.Kept, "file", "%s no cell of Threat Dragon's to stand in; the key %q holds them", plural(n, "threat has", "threats have"), OwnKey)
	}
	now, err := fieldsOf(m.Product)
	if err != nil {
		return root, err
	}
	then, err := fieldsOf(again.m.Product)
	if err != nil {
		return root, err
	}
	delete(now, "id")
	delete(then, "id")
	root.change = differ(then, now)
	if root.Countermeasures, err = listDiffer(again.m.Countermeasures, m.Countermeasures, countermeasureKey); err != nil {
		return root, err
	}
	if root.Links, err = listDiffer(again.m.Links, m.Links, linkKey); err != nil {
		return root, err
	}
	for what, n := range map[string]int{"weaknesses": len(m.Weaknesses), "assets": len(m.Assets), "answers": len(m.Answers)} {
		if n > 0 {
			w.out.Add(imported.Kept, "file", "Threat Dragon knows no %s; the key %q holds %d", what, OwnKey, n)
		}
	}
	slices.SortFunc(w.out.Notes, func(a, b imported.Note) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Text, b.Text))
	})
	return root, nil
}

func (r *ownRoot) empty() bool {
	return r.change.empty() && len(r.Answers)+len(r.Assets)+len(r.Threats)+len(r.Weaknesses)+len(r.Countermeasures)+len(r.Links)+len(r.Extra) == 0
}

// listDiffer returns what makes one list of another.
func listDiffer[T any](from, to []T, key func(*T) string) ([]listed, error) {
	was := make(map[string]fields, len(from))
	for i := range from {
		f, err := fieldsOf(from[i])
		if err != nil {
			return nil, err
		}
		was[key(&from[i])] = f
	}
	var all []listed
	for i := range to {
		f, err := fieldsOf(to[i])
		if err != nil {
			return nil, err
		}
		id := key(&to[i])
		old, there := was[id]
		delete(was, id)
		if !there {
			all = append(all, listed{ID: id, change: change{Set: f}})
		} else if c := differ(old, f); !c.empty() {
			if len(c.Read) == 0 { // a change of something that is there always says what it was
				c.Read = fields{"id": json.RawMessage("null")}
			}
			all = append(all, listed{ID: id, change: c})
		}
	}
	for id, f := range was {
		all = append(all, listed{ID: id, change: change{Read: f}})
	}
	slices.SortFunc(all, func(a, b listed) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}
