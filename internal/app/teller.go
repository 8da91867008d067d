package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// teller writes what happened in a product as sentences.
type teller struct {
	tx    *store.Tx
	from  time.Time
	names map[string]string // of what sentences name, by "kind/id"
	who   actorNames
	items []SinceItem
	cut   bool // there was more than was looked at
}

func newTeller(tx *store.Tx, m *model.Model, from time.Time) *teller {
	t := &teller{tx: tx, from: from, names: map[string]string{}, who: actorNames{}}
	places := elementNames(m)
	at := func(title string, where model.ElementID) string {
		if where == model.AtProduct || places[where] == "" {
			return title
		}
		return title + " on " + places[where]
	}
	for i := range m.Threats {
		x := &m.Threats[i]
		t.names["threat/"+string(x.ID)] = at(x.Title, x.Where)
	}
	for i := range m.Weaknesses {
		x := &m.Weaknesses[i]
		t.names["weakness/"+string(x.ID)] = at(x.Title, x.Where)
	}
	for i := range m.Countermeasures {
		x := &m.Countermeasures[i]
		t.names["countermeasure/"+string(x.ID)] = at(x.Title, x.Where)
	}
	return t
}

func (t *teller) add(at time.Time, kind, actor, object, text string) {
	t.items = append(t.items, SinceItem{At: at, Kind: kind, Text: text, ActorName: actor, Object: object})
}

// ratings tells what moved the ratings of threats. Changes of many threats by one
// cause are one sentence.
func (t *teller) ratings(id model.ProductID) error {
	rows, err := t.tx.RatingChanges(id, "", 0, sinceRows)
	if err != nil {
		return err
	}
	t.cut = len(rows) == sinceRows && rows[len(rows)-1].At.After(t.from)
	for len(rows) > 0 && rows[0].At.After(t.from) {
		n := 1
		for n < len(rows) && rows[n].At.Equal(rows[0].At) && rows[n].CauseText == rows[0].CauseText {
			n++
		}
		t.moved(rows[:n])
		rows = rows[n:]
	}
	return nil
}

// few is how many threats that one cause moved get a sentence each.
const few = 4

func (t *teller) moved(rows []store.RatingChange) {
	var threats []store.RatingChange
	down, up, came := 0, 0, 0
	for _, r := range rows {
		if r.Threat == "" || r.Before.Current == r.After.Current && r.Before.Verified == r.After.Verified {
			continue
		}
		threats = append(threats, r)
		switch {
		case r.Before == store.Ratings{}:
			came++
		case r.After.Current > r.Before.Current:
			up++
		default:
			down++
		}
	}
	if len(threats) <= few {
		for _, r := range threats {
			object := "threat/" + string(r.Threat)
			t.add(r.At, kindOfCause(r.CauseKind), "", object, t.sentence(&r)+byCause(r.CauseText))
		}
		return
	}
	var parts []string
	for _, p := range []struct {
		n    int
		text string
	}{{came, "%d threats came"}, {down, "%d threats fell"}, {up, "%d threats rose"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf(p.text, p.n))
		}
	}
	r := rows[0]
	t.add(r.At, kindOfCause(r.CauseKind), "", "", strings.Join(parts, ", ")+byCause(r.CauseText))
}

func byCause(cause string) string {
	if cause == "" {
		return ""
	}
	return ": " + cause
}

func kindOfCause(kind string) string {
	switch kind {
	case "ticket", "test", "acceptance":
		return kind
	}
	return "rating"
}

func (t *teller) sentence(r *store.RatingChange) string {
	name := cmp.Or(t.names["threat/"+string(r.Threat)], "A threat that is gone")
	switch {
	case r.Before == store.Ratings{}:
		return fmt.Sprintf("%s came with %.0f", name, r.After.Current)
	case r.Before.Current != r.After.Current:
		return fmt.Sprintf("%s went from %.0f to %.0f", name, r.Before.Current, r.After.Current)
	}
	return fmt.Sprintf("%s went from %.0f to %.0f in what is proven", name, r.Before.Verified, r.After.Verified)
}

// trail tells what the audit trail has. Changes of many objects of a kind by one
// person in one request are one sentence.
func (t *teller) trail(id model.ProductID) error {
	rows, err := t.tx.AuditPage(store.AuditQuery{Stream: store.ProductStream(id), Newest: true, Limit: sinceRows})
	if err != nil {
		return err
	}
	t.cut = t.cut || len(rows) == sinceRows && rows[len(rows)-1].At.After(t.from)
	for len(rows) > 0 && rows[0].At.After(t.from) {
		n := 1
		for n < len(rows) && rows[n].At.Equal(rows[0].At) && rows[n].Actor == rows[0].Actor {
			n++
		}
		t.together(rows[:n])
		rows = rows[n:]
	}
	return nil
}

// together tells what one change did.
func (t *teller) together(rows []store.Audit) {
	type what struct{ action, kind string }
	counts := map[what][]string{}
	var order []what
	for i := range rows {
		r := &rows[i]
		if t.single(r) {
			continue
		}
		kind, _, _ := strings.Cut(r.Object, "/")
		key := what{r.Action, kind}
		if counts[key] == nil {
			order = append(order, key)
		}
		counts[key] = append(counts[key], r.Object)
	}
	// What the library or a file brought is told by its own sentence.
	if slices.ContainsFunc(rows, func(r store.Audit) bool {
		return r.Action == "plan.apply" || r.Action == "model.import" || r.Action == "product.clone"
	}) {
		return
	}
	verbs := map[string]string{"model.add": "added", "model.change": "changed", "model.remove": "removed", "model.move": "moved"}
	for _, key := range order {
		verb := verbs[key.action]
		noun := nouns[key.kind]
		if verb == "" || noun[0] == "" {
			continue
		}
		objects := counts[key]
		actor := t.who.of(t.tx, rows[0].Actor)
		object, text := "", fmt.Sprintf("%s %s %d %s", actor, verb, len(objects), noun[1])
		if len(objects) == 1 {
			object = objects[0]
			text = fmt.Sprintf("%s %s %s", actor, verb, noun[0])
			if name := t.names[object]; name != "" {
				text = fmt.Sprintf("%s %s %s", actor, verb, name)
			}
		}
		t.add(rows[0].At, "model", actor, object, text)
	}
}

// nouns name kinds of objects, one and many. Links go with what they join.
var nouns = map[string][2]string{
	"threat": {"a threat", "threats"}, "weakness": {"a weakness", "weaknesses"}, "countermeasure": {"a countermeasure", "countermeasures"},
	"component": {"a component", "components"}, "flow": {"a flow", "flows"}, "zone": {"a trust zone", "trust zones"}, "curve": {"a boundary", "boundaries"},
	"diagram": {"a diagram", "diagrams"}, "asset": {"an asset", "assets"}, "answer": {"an answer", "answers"}, "text": {"a text", "texts"}, "product": {"the settings", "settings"},
}

// single tells of what has a sentence of its own; false where it has none.
func (t *teller) single(r *store.Audit) bool {
	actor := t.who.of(t.tx, r.Actor)
	say := func(kind, format string, args ...any) bool {
		t.add(r.At, kind, actor, r.Object, fmt.Sprintf(format, args...))
		return true
	}
	switch r.Action {
	case "plan.apply":
		var done struct {
			Counts map[string]int `json:"counts"`
		}
		_ = json.Unmarshal(r.New, &done) // without counts the sentence says less
		return say("plan", "%s applied the plan%s", actor, countsText(done.Counts))
	case "plan.refuse":
		return say("plan", "%s decided what the library is not to bring", actor)
	case "model.import":
		var done struct {
			Name string `json:"name"`
		}
		_ = json.Unmarshal(r.New, &done) // as above
		return say("model", "%s imported %s", actor, cmp.Or(done.Name, "a model file"))
	case "product.archive":
		var done struct {
			Archived bool `json:"archived"`
		}
		_ = json.Unmarshal(r.New, &done) // as above
		if done.Archived {
			return say("product", "%s archived the product", actor)
		}
		return say("product", "%s brought the product back", actor)
	case "product.clone":
		return say("product", "%s made the product as a copy", actor)
	case "tickets.publish":
		return say("ticket", "%s published tickets", actor)
	case "tickets.unpublish":
		return say("ticket", "%s took the publication of tickets back", actor)
	case "tickets.policy":
		return say("ticket", "%s changed what is published by itself", actor)
	case "results.read":
		var done struct {
			Source    string `json:"source"`
			New       int    `json:"new"`
			PassedNow int    `json:"passed_now"`
			Reopened  int    `json:"reopened"`
		}
		_ = json.Unmarshal(r.New, &done) // as above
		results := "Test results"
		if done.Source != "" {
			results += " of " + done.Source
		}
		var parts []string
		for _, p := range []struct {
			n    int
			text string
		}{{done.New, "%d failing for the first time"}, {done.Reopened, "%d failing again"}, {done.PassedNow, "%d passed now"}} {
			if p.n > 0 {
				parts = append(parts, fmt.Sprintf(p.text, p.n))
			}
		}
		if len(parts) == 0 {
			return say("test", "%s came in and changed nothing", results)
		}
		return say("test", "%s came in: %s", results, strings.Join(parts, ", "))
	}
	return false
}

func countsText(counts map[string]int) string {
	var parts []string
	for _, p := range []struct{ action, text string }{
		{"add", "%d added"}, {"change", "%d changed"}, {"revive", "%d brought back"}, {"retire", "%d retired"}, {"remove", "%d removed"},
	} {
		if n := counts[p.action]; n > 0 {
			parts = append(parts, fmt.Sprintf(p.text, n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// newest returns at most max items, newest first, and whether there were more.
func (t *teller) newest(max int) ([]SinceItem, bool) {
	slices.SortStableFunc(t.items, func(a, b SinceItem) int { return b.At.Compare(a.At) })
	out := t.items[:min(len(t.items), max)]
	if out == nil {
		out = []SinceItem{}
	}
	return out, t.cut || len(t.items) > max
}
