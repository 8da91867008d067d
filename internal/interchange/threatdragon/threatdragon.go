// Package threatdragon reads and writes the models of OWASP Threat Dragon, versions 1 and 2
// and what lies between, and keeps everything that it does not understand.
//
// A file is read diagram by diagram: one with cells is version 2, one with
// diagramJson.cells version 1, whatever the file says of itself. Every object's
// Extra[Key] holds the object as the file has it; where it contains other
// objects of the model (diagrams, cells, threats) their ids stand in their
// places, so that the writer finds order, unknown keys and spelling again.
//
// Write merges what was changed into the objects as they were read; what Threat
// Dragon cannot say goes under OwnKey, one key per object.
//
// Format: td.vue/src/assets/schema of OWASP/threat-dragon, and real files where they differ.
package threatdragon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which objects are kept as written.
const Key = "threatdragon"

// Detect reports whether the document is a Threat Dragon model, and which version.
func Detect(root jsontree.Value) (imported.Format, bool) {
	detail := root.Get("detail")
	if !root.Object() || !detail.Object() {
		return "", false
	}
	version := 0
	for _, d := range detail.Get("diagrams").Items() {
		if v, _ := cellsOf(d); v > version {
			version = v
		}
	}
	if version == 0 && !root.Get("summary").Object() {
		return "", false // neither a drawing nor what Threat Dragon says of every model
	}
	if version == 0 && (detail.Get("diagramTop").Exists() || strings.HasPrefix(strings.TrimPrefix(root.Get("version").Text(), "v"), "2")) {
		version = 2
	}
	if version == 2 {
		return imported.ThreatDragon2, true
	}
	return imported.ThreatDragon1, true
}

// cellsOf returns the cells of a diagram and the version they are written in: the
// side of a hybrid that is not empty. The version is 0 when there are none.
func cellsOf(diagram jsontree.Value) (version int, cells []jsontree.Value) {
	if cells := diagram.Get("cells").Items(); len(cells) > 0 {
		return 2, cells
	}
	if cells := diagram.Get("diagramJson", "cells").Items(); len(cells) > 0 {
		return 1, cells
	}
	return 0, nil
}

// What a file may draw. Placing elements in boxes and finding what crosses which
// curve takes time by the product of two of these; the largest drawing that a
// person can use has some thousands of cells.
const (
	maxCells      = 25_000
	maxBoundaries = 2_000
	maxPoints     = 40_000 // on the ways of flows and curves
)

type reader struct {
	opts     imported.Options
	out      *imported.Import
	m        *model.Model
	elements map[model.ElementID]bool
	diagrams map[model.DiagramID]bool
	threats  map[string]model.ElementID // where a threat id of the file was first seen
	ids      map[model.ThreatID]bool
	unknown  map[string]*unknownKey    // keys that are kept, by "level key"
	drawn    map[string]jsontree.Value // where diagrams and elements stand in the file, by "diagram/" or "element/" and id
	own      map[string]jsontree.Value // what stands under OwnKey, by kind and id
	made     map[model.DiagramID]bool  // diagrams that the writer made to show what no diagram draws
	placed   map[string]string         // id given to what stands at a path, for the writer; nil otherwise
	tickets  []string                  // keys that our own key names, as they come
}

// unknownKey counts a key that has no meaning here.
type unknownKey struct {
	times int
	at    string // of the first
}

// Read returns the model of the file. The root must be one that Detect knows.
func Read(root jsontree.Value, opts imported.Options) (*imported.Import, error) {
	r, err := read(root, opts)
	if err != nil {
		return nil, err
	}
	if len(r.own) > 0 {
		refused := r.restore()
		if refused == nil {
			refused = model.Validate(r.m)
		}
		if refused != nil {
			if r, err = read(root, opts); err != nil {
				return nil, err
			}
			r.note(imported.Refused, root.Get(OwnKey), "file", "what Threatloop noted in the file does not go with it any more, and the file is read without: %v", refused)
		}
	}
	if opts.Product != "" {
		r.m.Product.ID = opts.Product
	}
	r.kept()
	model.Sort(r.m)
	if err := model.Validate(r.m); err != nil {
		return nil, fmt.Errorf("threat dragon: the model that was read: %w", err)
	}
	return r.out, nil
}

// read reads what Threat Dragon says; what stands under OwnKey is only collected, but for ids.
func read(root jsontree.Value, opts imported.Options) (*reader, error) {
	r := &reader{opts: opts}
	return r, r.read(root)
}

func (r *reader) read(root jsontree.Value) error {
	format, ok := Detect(root)
	if !ok {
		return root.Fault("is no Threat Dragon model: it needs the object detail, with diagrams in it or a summary beside it")
	}
	list := root.Get("detail", "diagrams")
	if list.Exists() && !list.Null() && !list.Array() {
		return list.Fault("detail.diagrams is no list")
	}
	r.out, r.m = &imported.Import{Format: format}, &model.Model{}
	r.elements, r.diagrams = map[model.ElementID]bool{model.AtProduct: true}, map[model.DiagramID]bool{}
	r.threats, r.ids = map[string]model.ElementID{}, map[model.ThreatID]bool{}
	r.drawn = map[string]jsontree.Value{}
	r.tickets = nil
	r.unknown, r.own, r.made = map[string]*unknownKey{}, map[string]jsontree.Value{}, map[model.DiagramID]bool{}
	r.out.Model = r.m
	r.product(root)
	ids := make([]json.RawMessage, 0, len(list.Items()))
	total := 0
	for i, d := range list.Items() {
		if !d.Object() {
			return d.Fault("diagram %d is no object", i)
		}
		_, cells := cellsOf(d)
		if total += len(cells); total > maxCells {
			return tooMany("elements", maxCells)
		}
		ids = append(ids, quoted(string(r.diagram(d, i))))
	}
	with := map[string]json.RawMessage{OwnKey: nil}
	if list.Array() {
		with["detail"] = root.Get("detail").Replace(map[string]json.RawMessage{"diagrams": joined(ids)})
	}
	r.m.Extra = model.Extra{Key: root.Replace(with)}
	points := 0
	for i := range r.m.Flows {
		points += len(r.m.Flows[i].Vertices)
	}
	for i := range r.m.Curves {
		points += len(r.m.Curves[i].Points)
	}
	switch {
	case r.out.Counts.Boundary > maxBoundaries:
		return tooMany("boundaries", maxBoundaries)
	case points > maxPoints:
		return tooMany("points on flows and curves", maxPoints)
	}
	r.place()
	return nil
}

// note adds a note on a value of the file.
func (r *reader) note(level imported.Level, v jsontree.Value, where, format string, args ...any) {
	r.out.AddAt(level, v.At(), where, format, args...)
}

func tooMany(what string, limit int) error {
	return fault.New(fault.TooLarge, "model.too_large", "the model draws more than %d %s", limit, what)
}

func (r *reader) product(root jsontree.Value) {
	summary := root.Get("summary")
	p := &r.m.Product
	p.Name = oneLine(summary.Get("title").Text())
	if p.Name == "" {
		p.Name = "Untitled model"
		r.note(imported.Guess, summary, "file", "the model has no title")
	}
	if v := root.Get("version"); reading.Strange(v.Text(), "0", "1", "2") {
		r.note(imported.Info, v, "file", "the file has the version %s; 1 and 2 are known", oneLine(v.Text()))
	}
	p.Description = summary.Get("description").Text()
	p.Owner = oneLine(summary.Get("owner").Text())
	// Ids are derived under the product that the file was written from, so that they are the same again.
	own := root.Get(OwnKey)
	if own.Object() {
		r.own["file"] = own
	}
	p.ID = cmp.Or(model.ProductID(own.Get("product").Text()), r.opts.Product)
	if p.ID == "" {
		p.ID = model.ProductID(model.DeriveID("prd", p.Name))
	}
	r.misshapen(root, "summary", "an object", jsontree.Value.Object, "file")
	r.unknownKeys("file", root, "version", "summary", "detail", "release_version", "released_at", "threats")
	r.wordless(summary, "file", "title", "owner", "description")
	r.unknownKeys("summary", summary, "title", "owner", "description", "id")
	r.unknownKeys("detail", root.Get("detail"), "contributors", "diagrams", "diagramTop", "reviewer", "threatTop", "threats")
	for _, list := range []jsontree.Value{root.Get("threats"), root.Get("detail", "threats")} {
		if n := len(list.Items()); n > 0 {
			r.note(imported.Refused, list, "file", "%s in no diagram: kept in the file, and not in the model", plural(n, "threat stands", "threats stand"))
		}
	}
}

func (r *reader) diagram(raw jsontree.Value, index int) model.DiagramID {
	version, cells := cellsOf(raw)
	own := raw.Get(OwnKey)
	id := model.DiagramID(cmp.Or(own.Get("id").Text(), raw.Get("id").Text()))
	if id == "" || r.diagrams[id] {
		fresh := model.DiagramID(fmt.Sprintf("%d", index))
		for n := 2; r.diagrams[fresh]; n++ {
			fresh = model.DiagramID(fmt.Sprintf("%d-%d", index, n))
		}
		if id != "" {
			r.note(imported.Guess, raw.Get("id"), "diagram "+string(id), "the id is used by two diagrams; the later one is called %s here", fresh)
		}
		id = fresh
	}
	r.diagrams[id] = true
	r.sited(string(id), index)
	r.drawn["diagram/"+string(id)] = raw
	if own.Object() {
		r.own["diagram/"+string(id)] = own
		r.made[id] = own.Get("made").Bool()
	}
	d := model.Diagram{
		ID: id, Title: oneLine(raw.Get("title").Text()), Description: raw.Get("description").Text(),
		Methodology: raw.Get("diagramType").Text(),
	}
	where := "diagram " + string(id)
	if d.Title == "" {
		d.Title = "Diagram " + string(id)
	}
	if d.Methodology == "" {
		d.Methodology = "STRIDE"
		r.note(imported.Guess, raw, where, "the diagram names no methodology; STRIDE is assumed, as in the versions that wrote it")
	}
	if version == 1 && raw.Get("cells").Array() {
		r.note(imported.Info, raw.Get("diagramJson"), where, "the diagram is empty in version 2 and full in version 1: its version 1 cells are read")
	}
	r.unknownKeys("diagram", raw, "id", "title", "diagramType", "description", "placeholder", "thumbnail", "version", "cells", "diagramJson", "size", "threats")
	r.out.Counts.Diagrams++

	r.wordless(raw, where, "title", "description", "diagramType")
	r.misshapen(raw, "cells", "a list", jsontree.Value.Array, where)
	r.misshapen(raw, "diagramJson", "an object", jsontree.Value.Object, where)
	r.misshapen(raw.Get("diagramJson"), "cells", "a list", jsontree.Value.Array, where)
	dr := &diagramReader{reader: r, diagram: &d, index: index, byID: map[string]model.ElementID{}, ends: map[model.ElementID]string{}}
	ids := dr.cells(cells, version)
	with := map[string]json.RawMessage{OwnKey: nil}
	r.misshapen(raw, "threats", "a list", jsontree.Value.Array, where)
	if threats := raw.Get("threats"); threats.Array() {
		with["threats"] = dr.threatsBeside(threats)
	}
	switch version {
	case 2:
		with["cells"] = ids
	case 1:
		with["diagramJson"] = raw.Get("diagramJson").Replace(map[string]json.RawMessage{"cells": ids})
	}
	d.Extra = model.Extra{Key: raw.Replace(with)}
	r.m.Diagrams = append(r.m.Diagrams, d)
	return id
}

// place derives zones and crossings from the drawing and says what it guessed.
func (r *reader) place() {
	unclear := model.Place(r.m)
	names := map[model.ElementID]string{}
	members, actors, outside := map[model.ElementID]int{}, map[model.ElementID]int{}, map[model.DiagramID]int{}
	for i := range r.m.Components {
		c := &r.m.Components[i]
		names[c.ID] = c.Name
		if c.Zone == "" {
			outside[c.Diagram]++
			continue
		}
		members[c.Zone]++
		if c.Kind == model.Actor {
			actors[c.Zone]++
		}
	}
	for i := range r.m.Zones {
		z := &r.m.Zones[i]
		z.Trust, z.Guess = 50, true
		why := ""
		switch {
		case members[z.ID] > 0 && members[z.ID] == actors[z.ID]:
			z.Trust, why = 0, ", because only actors stand in it"
		case reading.Untrusted(z.Name):
			z.Trust, why = 0, ", for its name"
		}
		r.note(imported.Guess, r.drawn["element/"+string(z.ID)], fmt.Sprintf("zone %s (%s)", z.ID, z.Name), "the file does not say how far the zone is trusted; %d of 100 is set%s", z.Trust, why)
	}
	for _, d := range r.m.Diagrams {
		if n := outside[d.ID]; n > 0 {
			r.note(imported.Guess, r.drawn["diagram/"+string(d.ID)], "diagram "+string(d.ID), "%s outside every trust boundary box: actors count as trusted 0 of 100, everything else 50", plural(n, "component stands", "components stand"))
		}
	}
	for _, id := range unclear {
		r.note(imported.Guess, r.drawn["element/"+string(id)], fmt.Sprintf("component %s (%s)", id, names[id]), "stands in boxes that overlap; the smallest is taken as its zone")
	}
}

// misshapen notes a value that is there and not of the form that it must have to be read.
func (r *reader) misshapen(in jsontree.Value, key, form string, has func(jsontree.Value) bool, where string) {
	if v := in.Get(key); v.Exists() && !v.Null() && !has(v) {
		r.note(imported.Refused, v, where, "%s is not %s; it is kept in the file and nothing of it is in the model", key, form)
	}
}

// wordless notes lists and objects where a text is read.
func (r *reader) wordless(in jsontree.Value, where string, keys ...string) {
	for _, key := range keys {
		r.misshapen(in, key, "a text", func(v jsontree.Value) bool { return !v.Object() && !v.Array() }, where)
	}
}

// unknownKeys counts the keys that are not known here; they are kept as written.
func (r *reader) unknownKeys(level string, v jsontree.Value, known ...string) {
	for _, m := range v.Members() {
		if slices.Contains(known, m.Key) || m.Key == "$$hashKey" || m.Key == OwnKey {
			continue
		}
		u := r.unknown[level+" "+m.Key]
		if u == nil {
			u = &unknownKey{at: m.Value.At()}
			r.unknown[level+" "+m.Key] = u
		}
		u.times++
	}
}

func (r *reader) kept() {
	for _, k := range slices.Sorted(maps.Keys(r.unknown)) {
		level, key, _ := strings.Cut(k, " ")
		u := r.unknown[k]
		r.out.AddAt(imported.Kept, u.at, level, "key %q has no meaning here and is kept as written (%s)", key, plural(u.times, "time", "times"))
	}
	r.noteTickets()
	r.out.Close()
}

// sited notes for the writer which id was given to what stands at a path of indexes.
func (r *reader) sited(id string, path ...any) {
	if r.placed != nil {
		r.placed[fmt.Sprint(path...)] = id
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func quoted(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return b
}

func joined(parts []json.RawMessage) json.RawMessage {
	b := []byte{'['}
	for i, p := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p...)
	}
	return append(b, ']')
}
