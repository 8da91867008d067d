package threatdragon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// maxTitle is how many characters of a mitigation become its countermeasure's title.
const maxTitle = 80

func (r *diagramReader) threatsOf(list jsontree.Value, c cell, in string, at model.ElementID, name string) json.RawMessage {
	items := list.Items()
	ids := make([]json.RawMessage, 0, len(items))
	for i, raw := range items {
		if !raw.Object() {
			ids = append(ids, raw.Raw())
			r.note(imported.Refused, raw, place(at, name), "a threat is no object; it is kept in the file and is not in the model")
			continue
		}
		id := r.threat(raw, c, at, name)
		r.sited(string(id), r.index, ".", c.index, in, i)
		ids = append(ids, quoted(string(id)))
	}
	return joined(ids)
}

// placeKeys are the keys by which threats that stand beside the cells name their
// own: Threat Dragon writes no such threats, but generators of its files do.
var placeKeys = []string{"cell", "cellId", "element", "elementId", "component", "componentId", "associatedComponent", "associatedElement", "target", "affected"}

// threatsBeside reads the threats that stand in the diagram and in no cell: at the
// element that each names, else at the product.
func (r *diagramReader) threatsBeside(list jsontree.Value) json.RawMessage {
	items := list.Items()
	ids := make([]json.RawMessage, 0, len(items))
	for i, raw := range items {
		if !raw.Object() {
			ids = append(ids, raw.Raw())
			r.note(imported.Refused, raw, r.where(), "a threat is no object; it is kept in the file and is not in the model")
			continue
		}
		at, key := r.elementOf(raw)
		name := "the product"
		if at != model.AtProduct {
			name = cmp.Or(r.ends[at], string(at))
		}
		id := r.threat(raw, cell{}, at, name)
		if u := r.unknown["threat "+key]; u != nil { // it has a meaning here
			if u.times--; u.times == 0 {
				delete(r.unknown, "threat "+key)
			}
		}
		r.note(imported.Guess, raw, r.where(), "the threat %s stands beside the cells, where Threat Dragon does not look; it is taken as one of %s", id, name)
		r.sited(string(id), r.index, besideCells, i)
		ids = append(ids, quoted(string(id)))
	}
	return joined(ids)
}

// besideCells marks the paths of threats that stand in a diagram and in no cell.
const besideCells = ".threats."

// elementOf returns the element that a threat beside the cells names, by its id or
// its name, and by which key.
func (r *diagramReader) elementOf(raw jsontree.Value) (at model.ElementID, key string) {
	for _, key := range placeKeys {
		word := oneLine(raw.Get(key).Text())
		if word == "" {
			continue
		}
		if id, ok := r.byID[word]; ok {
			return id, key
		}
		var named []model.ElementID
		for id, name := range r.ends {
			if strings.EqualFold(name, word) {
				named = append(named, id)
			}
		}
		if len(named) == 1 {
			return named[0], key
		}
	}
	return model.AtProduct, ""
}

func place(at model.ElementID, name string) string {
	return fmt.Sprintf("element %s (%s)", at, name)
}

func (r *diagramReader) threat(raw jsontree.Value, c cell, at model.ElementID, name string) model.ThreatID {
	r.out.Counts.Threats++
	r.unknownKeys("threat", raw, "id", "number", "title", "description", "mitigation", "type", "modelType", "status", "severity",
		"score", "new", "cardSuit", "cardNumber", "eopGameId", "threatId", "ruleId")
	r.wordless(raw, place(at, name), "title", "description", "mitigation", "type", "modelType", "status", "severity")
	t := model.Threat{
		Where: at, Title: oneLine(raw.Get("title").Text()), Description: raw.Get("description").Text(),
		Origin: model.ByImport, Extra: model.Extra{Key: raw.Replace(map[string]json.RawMessage{OwnKey: nil})},
	}
	if t.Title == "" {
		t.Title = "Untitled threat"
		r.note(imported.Guess, raw, place(at, name), "a threat has no title")
	}
	var copied bool
	t.ID, t.Ref, copied = r.identify(raw, at, name)
	if n, ok := raw.Get("number").Number(); ok && n >= 0 && n < 1e9 {
		t.Number = int(n)
	}
	r.categorise(&t, raw)
	r.severity(&t, raw)
	mitigation := strings.TrimSpace(raw.Get("mitigation").Text())
	if placeholders[strings.ToLower(oneLine(mitigation))] {
		mitigation = ""
	}
	r.status(&t, raw, mitigation)
	r.m.Threats = append(r.m.Threats, t)
	if own := raw.Get(OwnKey); own.Object() {
		r.own["threat/"+string(t.ID)] = own
		if !copied { // the tickets of a copy are those of what it was copied from
			r.standing(&r.m.Threats[len(r.m.Threats)-1], own)
		}
	}
	switch {
	case t.Status == model.Mitigated && mitigation == "":
		r.note(imported.Guess, raw.Get("status"), "threat "+string(t.ID), "is mitigated in the file, which does not say how: nothing lowers its rating until a person names the countermeasure")
	case t.Status == model.Mitigated || t.Status == model.Open && mitigation != "":
		r.countermeasure(&t, mitigation)
	}
	return t.ID
}

// identify derives the threat's id from the product, its element and the file's
// id of the threat. That one is not unique: copying an element copies its
// threats with their ids; each copy gets its own id here, and a note. Version 1
// has no id: there the rule that made the threat and its text stand in.
func (r *diagramReader) identify(raw jsontree.Value, at model.ElementID, name string) (_ model.ThreatID, ref string, copied bool) {
	own := raw.Get("id").Text()
	if own == "" {
		own = raw.Get("threatId").Text()
	}
	ref = "threat-dragon/" + own
	if own == "" {
		ref = "threat-dragon/" + model.DeriveID("v1", raw.Get("ruleId").Text(), raw.Get("type").Text(), raw.Get("title").Text())
	}
	first, seen := r.threats[own]
	base := ref
	id := model.NewThreatID(r.m.Product.ID, at, ref)
	given := model.ThreatID(raw.Get(OwnKey, "id").Text())
	if given != "" && !r.ids[given] {
		r.ids[given] = true
		if own != "" && !seen {
			r.threats[own] = at
		}
		return given, ref, false
	}
	for n := 2; r.ids[id]; n++ {
		ref = fmt.Sprintf("%s/%d", base, n)
		id = model.NewThreatID(r.m.Product.ID, at, ref)
	}
	r.ids[id] = true
	if own == "" {
		return id, ref, given != ""
	}
	if copied = seen || given != ""; copied {
		r.note(imported.Guess, raw.Get("id"), place(at, name), "the threat id %s is also used at element %s: a copy; it is a threat of its own here, %s", own, first, id)
	} else {
		r.threats[own] = at
	}
	return id, ref, copied
}

func (r *diagramReader) categorise(t *model.Threat, raw jsontree.Value) {
	written := oneLine(raw.Get("type").Text())
	if code, ok := category(written, raw.Get("modelType").Text(), r.diagram.Methodology); ok {
		t.Categories = []string{code}
		return
	}
	if suit := raw.Get("cardSuit").Text(); suit != "" {
		t.Categories = []string{"eop:" + model.Slug(suit)}
		return
	}
	if rule := raw.Get("ruleId").Text(); len(rule) >= 8 && ruleCategories[rule[:8]] != "" {
		t.Categories = []string{ruleCategories[rule[:8]]}
		return
	}
	if written != "" && !strings.EqualFold(written, "generic") {
		r.note(imported.Kept, raw.Get("type"), "threat "+string(t.ID), "the category %q is of no methodology known here and is kept as written", written)
	}
}

func (r *diagramReader) severity(t *model.Threat, raw jsontree.Value) {
	written := strings.TrimSpace(raw.Get("severity").Text())
	switch s := strings.ToLower(written); s {
	case "low", "medium", "high", "critical":
		t.Severity = s
	default:
		t.Severity = "tbd"
		if s != "tbd" && s != "tba" && s != "" {
			r.note(imported.Guess, raw.Get("severity"), "threat "+string(t.ID), "the severity %q is unknown; the threat stays unrated", written)
		}
	}
}

var statuses = map[string]model.ThreatStatus{
	"open": model.Open, "mitigated": model.Mitigated, "notapplicable": model.NotApplicable, "n/a": model.NotApplicable,
	"accepted": model.Accepted, "transferred": model.Transferred, "avoided": model.Avoided, "eliminated": model.Eliminated,
}

func (r *diagramReader) status(t *model.Threat, raw jsontree.Value, mitigation string) {
	written := raw.Get("status").Text()
	s, ok := statuses[strings.ToLower(strings.Join(strings.Fields(written), ""))]
	if !ok {
		s = model.Open
		if written != "" {
			r.note(imported.Guess, raw.Get("status"), "threat "+string(t.ID), "the status %q is unknown; the threat counts as open", written)
		}
	}
	t.Status = s
	switch s {
	case model.Open, model.Mitigated:
	case model.Accepted, model.Transferred:
		t.StatusReason = mitigation
		r.note(imported.Guess, raw.Get("status"), "threat "+string(t.ID), "is %s in the file, which names no owner and no end date; a person should say both", s)
	default:
		t.StatusReason = mitigation
	}
}

// countermeasure turns the text box "mitigation" into a countermeasure that takes
// the whole risk: implemented where the file says Mitigated, else recommended.
func (r *diagramReader) countermeasure(t *model.Threat, mitigation string) {
	c := model.Countermeasure{
		ID:    model.NewCountermeasureID(r.m.Product.ID, t.Where, t.Ref),
		Where: t.Where, Ref: t.Ref, State: model.Recommended, Origin: model.ByImport,
		Title: title(mitigation), Description: mitigation,
	}
	if t.Status == model.Mitigated {
		c.State = model.Implemented
	}
	r.m.Countermeasures = append(r.m.Countermeasures, c)
	r.m.Links = append(r.m.Links, model.Link{Threat: t.ID, Countermeasure: c.ID, Share: 100, Origin: model.ByImport})
}

// title returns the first line or sentence of a text, cut at a word.
func title(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if sentence, _, ok := strings.Cut(line, ". "); ok {
		line = sentence
	}
	line = strings.TrimSuffix(oneLine(line), ".")
	if utf8.RuneCountInString(line) <= maxTitle {
		return line
	}
	short := string([]rune(line)[:maxTitle])
	if i := strings.LastIndexByte(short, ' '); i > maxTitle/2 {
		short = short[:i]
	}
	return short + "…"
}
