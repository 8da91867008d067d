package threatdragon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
)

// threatsOf writes the threats of a cell: those that it had where they stood, new
// ones after them. Boundaries and texts cannot have threats in Threat Dragon.
func (w *writer) threatsOf(t *thing, path string) {
	here := map[string]*model.Threat{}
	for _, threat := range w.threats[t.id] {
		here[string(threat.ID)] = threat
	}
	open, changed := false, false
	put := func(threat *model.Threat, path string) *jsontree.Node {
		n, differs := w.threatNode(t, threat)
		w.inCell[threat.ID] = true
		changed = changed || differs
		w.slots = append(w.slots, slot{kind: "threat/", id: string(threat.ID), path: path, node: n})
		return n
	}
	fill := func(list *jsontree.Node, in string) *jsontree.Node {
		if !list.List() {
			return list
		}
		filled := jsontree.NewList()
		for _, entry := range list.Items() {
			threat := here[entry.Text()]
			switch {
			case !entry.IsText():
				filled.Append(entry) // what is no threat
			case threat != nil && !w.inCell[threat.ID]:
				filled.Append(put(threat, path+in+fmt.Sprint(filled.Len())))
			case threat == nil && strings.HasPrefix(entry.Text(), "thr_"):
				changed = true // deleted, or at another element now
			default:
				filled.Append(entry)
			}
		}
		return filled
	}
	if list := t.node.Get("data", "threats"); list.List() {
		t.node.Get("data").Set("threats", fill(list, ".data."))
	}
	if list := t.node.Get("threats"); list.List() {
		t.node.Set("threats", fill(list, "."))
	}
	k := t.kind()
	for _, threat := range w.threats[t.id] {
		open = open || threat.Status == model.Open && threat.Retired == nil
		if w.inCell[threat.ID] || threat.Retired != nil || k == box || k == curve || k == text {
			continue
		}
		data := dataOf(t.node)
		if !data.Get("threats").List() {
			data.Set("threats", jsontree.NewList())
		}
		list := data.Get("threats")
		list.Append(put(threat, path+".data."+fmt.Sprint(list.Len())))
	}
	if changed {
		dataOf(t.node).Set("hasOpenThreats", jsontree.Bool(open))
	}
}

// threatsBeside writes the threats that stand in a diagram and in no cell where
// they stood. A file of version 1 is made a new one: there those of an element go
// into its cell, where Threat Dragon shows them.
func (w *writer) threatsBeside(n *jsontree.Node, things []*thing, index int, old bool) {
	list := n.Get("threats")
	if !list.List() {
		return
	}
	at := make(map[model.ElementID]*thing, len(things))
	for _, t := range things {
		at[t.id] = t
	}
	filled := jsontree.NewList()
	for _, entry := range list.Items() {
		threat := w.byID[entry.Text()]
		switch {
		case !entry.IsText() || threat == nil && !strings.HasPrefix(entry.Text(), "thr_"):
			filled.Append(entry) // what is no threat
		case threat == nil || w.inCell[threat.ID] || old && at[threat.Where] != nil:
			// deleted, written before, or on its way into a cell
		default:
			t := at[threat.Where]
			if t == nil {
				t = &thing{id: threat.Where, diagram: w.drawn.Diagrams[index].ID}
			}
			path := fmt.Sprint(index, besideCells, filled.Len())
			node, _ := w.threatNode(t, threat)
			w.inCell[threat.ID] = true
			w.slots = append(w.slots, slot{kind: "threat/", id: string(threat.ID), path: path, node: node})
			filled.Append(node)
		}
	}
	if old && filled.Len() == 0 {
		n.Delete("threats")
		return
	}
	n.Set("threats", filled)
}

// statusWords are the words of Threat Dragon for the states of a threat.
var statusWords = map[model.ThreatStatus]string{
	model.Open: "Open", model.Mitigated: "Mitigated", model.NotApplicable: "NotApplicable", model.Accepted: "Accepted",
	model.Transferred: "Transferred", model.Avoided: "Avoided", model.Eliminated: "Eliminated",
}

// threatNode returns a threat as Threat Dragon has it, and whether it is new or changed.
func (w *writer) threatNode(at *thing, t *model.Threat) (n *jsontree.Node, changed bool) {
	kept := keptOf(t.Extra)
	d := model.Diagram{}
	if i := slices.IndexFunc(w.drawn.Diagrams, func(x model.Diagram) bool { return x.ID == w.diagramOf(at) }); i >= 0 {
		d = w.drawn.Diagrams[i]
	}
	n = kept.Edit()
	fresh := n == nil
	if fresh {
		n = object("id", string(t.ID), "title", t.Title, "status", "Open", "severity", "TBD", "type", "", "description", t.Description,
			"mitigation", "", "modelType", methodologyOf(d.Methodology), "new", false, "number", float64(w.nextNumber(t)), "score", "")
	} else if w.old {
		w.convertThreat(n, t, d.Methodology)
	}
	r := w.scratch(&d)
	r.threat(n.Value(), cell{}, at.id, "")
	base := r.m.Threats[0]
	said := ""
	if len(r.m.Countermeasures) > 0 {
		said = r.m.Countermeasures[0].Description
	}
	set := func(key, was, now string) {
		if was != now {
			n.Set(key, jsontree.String(now))
			changed = true
		}
	}
	set("title", base.Title, t.Title)
	set("description", base.Description, t.Description)
	status := t.Status
	if t.Retired != nil {
		status = model.NotApplicable
	}
	if base.Status != status {
		set("status", "", statusWords[status])
	}
	switch {
	case base.Severity == t.Severity:
	case t.Severity != "":
		set("severity", "", severityWord(t.Severity))
	default:
		set("severity", severityWord(base.Severity), severityWord(w.band(t.ID)))
	}
	if len(t.Categories) > 0 && !slices.Equal(base.Categories, t.Categories) {
		word, methodology := categoryWord(t.Categories, d.Methodology)
		set("type", "", word)
		set("modelType", n.Get("modelType").Text(), methodology)
	}
	if t.Number > 0 && t.Number != base.Number {
		n.Set("number", jsontree.Number(float64(t.Number)))
		changed = true
	}
	text := n.Get("mitigation").Text()
	set("mitigation", text, w.mitigation(t, &base, said, text, status))
	return n, changed || fresh
}

// diagramOf returns the diagram that a thing is drawn in.
func (w *writer) diagramOf(t *thing) model.DiagramID {
	switch {
	case t.zone != nil:
		return t.zone.Diagram
	case t.component != nil:
		return t.component.Diagram
	case t.flow != nil:
		return t.flow.Diagram
	case t.curve != nil:
		return t.curve.Diagram
	case t.text != nil:
		return t.text.Diagram
	}
	return t.diagram
}

// nextNumber returns a number that no threat of the file had.
func (w *writer) nextNumber(t *model.Threat) int {
	w.numbered = true
	if t.Number > 0 {
		return t.Number
	}
	w.number++
	return w.number
}

// convertThreat adds to a threat of version 1 what version 2 cannot do without.
func (w *writer) convertThreat(n *jsontree.Node, t *model.Threat, methodology string) {
	stripHash(n)
	if n.Get("id").Text() == "" {
		id := n.Get("threatId").Text()
		if id == "" {
			id = string(t.ID)
		}
		n.SetFirst("id", jsontree.String(id))
	}
	for _, key := range []string{"description", "mitigation"} {
		if n.Get(key) == nil {
			n.Set(key, jsontree.String(""))
		}
	}
	if n.Get("modelType") == nil {
		n.Set("modelType", jsontree.String(methodologyOf(methodology)))
	}
	if n.Get("number") == nil {
		n.Set("number", jsontree.Number(float64(w.nextNumber(t))))
	}
}

// mitigation returns the text of a threat's mitigation: as it is written where it
// still says what is so, else the countermeasures, or why the threat is no open one.
func (w *writer) mitigation(t, base *model.Threat, said, written string, status model.ThreatStatus) string {
	if status != model.Open && status != model.Mitigated {
		if base.Status == status && base.StatusReason == t.StatusReason || t.StatusReason == "" && t.Retired != nil {
			return written
		}
		return t.StatusReason
	}
	list := w.measures[t.ID]
	own := len(list) == 1 && list[0].Ref == t.Ref && list[0].Origin == model.ByImport
	switch {
	case len(list) == 0 && base.StatusReason != "":
		return "" // it gave the reason for another state
	case len(list) == 0 && said == "":
		return written
	case own && list[0].Description == said:
		return written
	case own && list[0].Description != "":
		return list[0].Description
	}
	lines := make([]string, 0, len(list))
	for _, c := range list {
		state := strings.ReplaceAll(string(c.State), "_", " ")
		lines = append(lines, "- "+c.Title+" ("+state+")")
	}
	return strings.Join(lines, "\n")
}

func severityWord(s string) string {
	switch s = strings.ToLower(s); s {
	case "low", "medium", "high", "critical":
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return "TBD"
}

// band returns the band of a threat's inherent rating; "" where it has none.
func (w *writer) band(id model.ThreatID) string {
	if w.bands == nil {
		w.bands = map[model.ThreatID]string{}
		for _, r := range risk.Rate(w.m, model.Verdicts{}, risk.Settings{}).Threats {
			if !r.Unrated {
				w.bands[r.Threat] = string(r.InherentIn)
			}
		}
	}
	return w.bands[id]
}

// methodologies are the names of the methodologies of categories.
var methodologies = map[string]string{"stride": "STRIDE", "linddun": "LINDDUN", "cia": "CIA", "die": "CIADIE", "plot4ai": "PLOT4ai", "eop": "EOP"}

// methodologyOf returns what stands as the methodology of a threat in a diagram of the methodology.
func methodologyOf(diagram string) string {
	if diagram == "" {
		return "STRIDE"
	}
	return diagram
}

// categoryWords are the English words of categories that are not their code with blanks.
var categoryWords = map[string]string{
	"linddun:linking": "Linkability", "linddun:identifying": "Identifiability", "linddun:non-repudiation": "Non-repudiation",
	"linddun:detecting": "Detectability", "linddun:data-disclosure": "Disclosure of information", "linddun:non-compliance": "Non-compliance",
	"plot4ai:technique-processes": "Technique & Processes", "plot4ai:identifiability-linkability": "Identifiability & Linkability",
	"plot4ai:ethics-human-rights": "Ethics & Human Rights", "plot4ai:non-compliance": "Non-compliance",
	"eop:data-validation-encoding": "Data validation & encoding",
}

// categoryWord returns the word and the methodology of the first category that
// goes with the diagram's methodology, or of the first.
func categoryWord(categories []string, diagram string) (word, methodology string) {
	chosen := categories[0]
	for _, c := range categories {
		name, _, _ := strings.Cut(c, ":")
		if slices.Contains(vocabulariesOf(diagram), name) {
			chosen = c
			break
		}
	}
	name, code, ok := strings.Cut(chosen, ":")
	if !ok {
		name, code = "", chosen
	}
	if word = categoryWords[chosen]; word == "" && code != "" {
		word = strings.ReplaceAll(code, "-", " ")
		word = strings.ToUpper(word[:1]) + word[1:]
	}
	if methodology = methodologies[name]; methodology == "" {
		methodology = methodologyOf(diagram)
	}
	return word, methodology
}
