package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// actionDrawing is the audit row that carries the label of a batch of changes; it
// stands before the rows of what the batch changed, with the same request.
const actionDrawing = "drawing.change"

// batchObject is the object of that row, by which history finds it.
func batchObject(request string) string { return "batch/" + request }

// drawingNote is the document of that row.
type drawingNote struct {
	Label   string `json:"label"`
	Changes int    `json:"changes"`
}

// actorNames are the names of accounts that were asked for already.
type actorNames map[string]string

// byItself names what acts without a person, by the id that its audit rows have.
var byItself = map[string]string{"system": "Threatloop", "test": "Test results", "tracker": "The tracker", "api": "Not signed in"}

// of returns the name of an account or of what acts by itself, else the id.
func (n actorNames) of(tx *store.Tx, id string) string {
	name, ok := n[id]
	if !ok {
		name = cmp.Or(byItself[id], id)
		if acc, err := tx.Account(id); err == nil {
			name = acc.Name
		}
		n[id] = name
	}
	return name
}

// Touched is who changed what in a stretch of an audit trail.
type Touched struct {
	// Actor, ActorName and RequestID are absent where several had a part in it.
	Actor     string   `json:"actor,omitempty"`
	ActorName string   `json:"actor_name,omitempty"`
	RequestID string   `json:"request_id,omitempty"`
	Objects   []string `json:"objects,omitempty"` // "component/cmp_...", in order, each once; absent where there are more than maxTouched
	To        int64    `json:"-"`                 // number of the last row of the stretch
}

// maxTouched bounds the objects that are named.
const maxTouched = 50

// Touched tells who changed what in the audit trail of a product after the row with
// the number after, up to the row with the number to, oldest first: one stretch for
// each request, so that what two people did at once still has both their names. Where
// there are too many rows to read it is one stretch, without what they do not share.
// Of the installation's own trail it tells nothing but how far it has come.
func (a *App) Touched(ctx context.Context, c Caller, stream string, after, to int64) ([]Touched, error) {
	product := StreamProduct(stream)
	if product == "" {
		return []Touched{{To: to}}, nil
	}
	return query(ctx, a, c, policy.EventsRead, product, func(tx *store.Tx) ([]Touched, error) {
		rows, err := tx.AuditPage(store.AuditQuery{Stream: stream, After: after, Limit: maxTouched + 2, Bare: true}) // with the row of a batch's label
		if err != nil {
			return nil, err
		}
		if len(rows) == maxTouched+2 {
			last, err := tx.AuditPage(store.AuditQuery{Stream: stream, Newest: true, Limit: 1, Bare: true})
			if err != nil {
				return nil, err
			}
			t := Touched{To: to}
			// The rows of one request stand together: where the first and the last are of
			// the same, all are.
			if len(last) == 1 && last[0].Actor == rows[0].Actor && last[0].RequestID == rows[0].RequestID {
				t.Actor, t.ActorName, t.RequestID = rows[0].Actor, actorNames{}.of(tx, rows[0].Actor), rows[0].RequestID
			}
			return []Touched{t}, nil
		}
		names := actorNames{}
		var all []Touched
		for _, r := range rows {
			if r.Seq > to {
				break // told with what comes next
			}
			if n := len(all); n == 0 || all[n-1].Actor != r.Actor || all[n-1].RequestID != r.RequestID {
				all = append(all, Touched{Actor: r.Actor, ActorName: names.of(tx, r.Actor), RequestID: r.RequestID})
			}
			t := &all[len(all)-1]
			t.To = r.Seq
			if r.Action != actionDrawing {
				t.Objects = append(t.Objects, r.Object)
			}
		}
		for i := range all {
			slices.Sort(all[i].Objects)
			if all[i].Objects = slices.Compact(all[i].Objects); len(all[i].Objects) > maxTouched {
				all[i].Objects = nil
			}
		}
		return all, nil
	})
}

// HistoryFilter selects a part of a product's history; empty fields select all.
type HistoryFilter struct {
	Object  string          // "component/cmp_..."
	Diagram model.DiagramID // what is drawn in it, and itself
	Actors  []string        // account ids, or what acted by itself
	Kinds   []string        // changes of things of these kinds
	// From and Before bound the time; zero is no bound.
	From, Before time.Time
	// Text is words that are all in what the person did, or in the kind, id and name of one thing.
	Text   string
	Cursor string
	Limit  int // groups, 1..100; 0 is 20
}

// HistoryGroup is what one request changed.
type HistoryGroup struct {
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor" doc:"Account id, or what acted by itself"`
	ActorName string          `json:"actor_name"`
	Source    string          `json:"source" doc:"api, web, webhook, tracker, test, system"`
	RequestID string          `json:"request_id,omitempty"`
	Label     string          `json:"label,omitempty" doc:"What the person did, as the editor called it"`
	Changes   []HistoryChange `json:"changes" doc:"In the order in which they were stored, at most 50"`
	More      int             `json:"more,omitempty" doc:"How many changes were left out"`
}

// HistoryChange is one changed object with its whole document before and after.
type HistoryChange struct {
	Action string          `json:"action" enum:"model.add,model.change,model.remove,model.move,model.import,plan.apply"`
	Kind   string          `json:"kind" doc:"component, flow, zone, curve, text, diagram, asset, threat, weakness, countermeasure, link, answer, product"`
	ID     string          `json:"id"`
	Name   string          `json:"name,omitempty"`
	Old    json.RawMessage `json:"old,omitempty" doc:"Absent where it was added"`
	New    json.RawMessage `json:"new,omitempty" doc:"Absent where it was removed"`
}

const (
	inlined     = 50    // changes of a group
	historyScan = 20000 // rows of the audit trail that one page looks at, at most
)

// History lists what changed in a product's model, newest first, request by request.
func (a *App) History(ctx context.Context, c Caller, product model.ProductID, f HistoryFilter) (Page[HistoryGroup], error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (Page[HistoryGroup], error) {
		h := &historian{tx: tx, filter: f, words: strings.Fields(store.Fold(f.Text)), stream: store.ProductStream(product), names: actorNames{}}
		limit := 20
		if f.Limit > 0 {
			limit = min(f.Limit, 100)
		}
		var after int64
		if f.Cursor != "" {
			if err := decodeCursor(f.Cursor, &after); err != nil {
				return Page[HistoryGroup]{}, err
			}
		}
		out, err := h.page(after, limit)
		if err != nil {
			return out, err
		}
		return out, hideCustom(tx, c, product, out.Items)
	})
}

type historian struct {
	tx     *store.Tx
	filter HistoryFilter
	words  []string // of the filter's text, folded
	stream string
	names  actorNames
	groups []HistoryGroup
	texts  []string // what the changes of the last group say, folded, where words are looked for
}

// page reads rows from the newest on until the groups are complete, which the
// first row of the next request shows.
func (h *historian) page(after int64, limit int) (Page[HistoryGroup], error) {
	out := Page[HistoryGroup]{}
	for scanned := 0; ; {
		rows, err := h.tx.AuditPage(store.AuditQuery{
			Stream: h.stream, Object: h.filter.Object, Actors: h.filter.Actors, From: h.filter.From, Before: h.filter.Before, Newest: true, After: after, Limit: 500,
		})
		if err != nil {
			return out, err
		}
		for i := range rows {
			if h.begins(&rows[i]) {
				if h.settle(); len(h.groups) == limit {
					out.Next = encodeCursor(after)
					return h.finish(out)
				}
			}
			h.take(&rows[i])
			after = rows[i].Seq
		}
		scanned += len(rows)
		if len(rows) < 500 {
			return h.finish(out)
		}
		if scanned >= historyScan {
			out.Next = encodeCursor(after)
			return h.finish(out)
		}
	}
}

// shown reports whether a row belongs to the history that is asked for.
func (h *historian) shown(r *store.Audit) bool {
	if r.Action == actionDrawing || r.Action != "plan.apply" && !strings.HasPrefix(r.Action, "model.") {
		return false
	}
	if kind, _, _ := strings.Cut(r.Object, "/"); len(h.filter.Kinds) > 0 && !slices.Contains(h.filter.Kinds, kind) {
		return false
	}
	if h.filter.Diagram == "" {
		return true
	}
	if r.Object == "diagram/"+string(h.filter.Diagram) {
		return true
	}
	for _, doc := range []json.RawMessage{r.Old, r.New} {
		var in struct {
			Diagram model.DiagramID `json:"diagram"`
		}
		if json.Unmarshal(doc, &in) == nil && in.Diagram == h.filter.Diagram {
			return true
		}
	}
	return false
}

// begins reports whether a row is the newest of a group that is not listed yet.
func (h *historian) begins(r *store.Audit) bool {
	if !h.shown(r) {
		return false
	}
	n := len(h.groups)
	return n == 0 || r.RequestID == "" || h.groups[n-1].RequestID != r.RequestID
}

func (h *historian) take(r *store.Audit) {
	if h.begins(r) {
		h.groups = append(h.groups, HistoryGroup{
			At: r.At, Actor: r.Actor, ActorName: h.names.of(h.tx, r.Actor), Source: r.Source, RequestID: r.RequestID, Changes: []HistoryChange{},
		})
	}
	if len(h.groups) == 0 {
		return
	}
	g := &h.groups[len(h.groups)-1]
	if r.Action == actionDrawing && r.RequestID == g.RequestID {
		g.label(r.New)
	}
	if !h.shown(r) {
		return
	}
	kind, id, _ := strings.Cut(r.Object, "/")
	doc := r.New
	if len(doc) == 0 {
		doc = r.Old
	}
	if len(h.words) > 0 {
		h.texts = append(h.texts, store.Fold(kind+" "+id+" "+nameIn(doc)))
	}
	if len(g.Changes) == inlined {
		g.More++
		return
	}
	g.Changes = append(g.Changes, HistoryChange{Action: r.Action, Kind: kind, ID: id, Name: nameIn(doc), Old: r.Old, New: r.New})
}

func (g *HistoryGroup) label(doc json.RawMessage) {
	var note drawingNote
	if json.Unmarshal(doc, &note) == nil {
		g.Label = note.Label
	}
}

// nameIn is what people call the object of a document; "" where it has no name.
func nameIn(doc json.RawMessage) string {
	var named struct {
		Name  string `json:"name"`
		Title string `json:"title"`
		Text  string `json:"text"`
	}
	if json.Unmarshal(doc, &named) != nil {
		return ""
	}
	for _, s := range []string{named.Name, named.Title, named.Text} {
		if s != "" {
			return cleanLine(s, 200)
		}
	}
	return ""
}

// settle drops the last group, which is complete, where it has not the words.
func (h *historian) settle() {
	n := len(h.groups) - 1
	if n < 0 || len(h.words) == 0 {
		return
	}
	label := store.Fold(h.groups[n].Label)
	has := func(text string) bool {
		return !slices.ContainsFunc(h.words, func(w string) bool { return !strings.Contains(label, w) && !strings.Contains(text, w) })
	}
	// What was settled before has no texts any more.
	if len(h.texts) > 0 && !slices.ContainsFunc(h.texts, has) {
		h.groups = h.groups[:n]
	}
	h.texts = nil
}

// finish puts the changes of each group into the order in which they were stored
// and finds the labels that the filter left out.
func (h *historian) finish(out Page[HistoryGroup]) (Page[HistoryGroup], error) {
	h.settle()
	out.Items = h.groups
	if out.Items == nil {
		out.Items = []HistoryGroup{}
	}
	for i := range out.Items {
		g := &out.Items[i]
		slices.Reverse(g.Changes)
		if g.Label != "" || g.RequestID == "" || h.filter.Object == "" {
			continue
		}
		rows, err := h.tx.AuditPage(store.AuditQuery{Stream: h.stream, Object: batchObject(g.RequestID), Limit: 1})
		if err != nil {
			return out, err
		}
		if len(rows) > 0 {
			g.label(rows[0].New)
		}
	}
	return out, nil
}
