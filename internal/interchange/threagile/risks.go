package threagile

import (
	"fmt"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// written is a risk that people wrote down: its id as Threagile makes it, and
// where its threat and countermeasure stand in the model.
type written struct {
	id             string
	threat         int
	countermeasure model.CountermeasureID // "" where the category says nothing of a mitigation
}

var categoryKeys = []string{
	"id", "title", "name", "description", "impact", "asvs", "cheat_sheet", "action", "mitigation", "check", "function", "stride", "detection_logic", "risk_assessment",
	"false_positives", "model_failure_possible_reason", "cwe", "risks_identified",
}

var riskKeys = []string{
	"title", "severity", "exploitation_likelihood", "exploitation_impact", "data_breach_probability", "data_breach_technical_assets", "most_relevant_data_asset",
	"most_relevant_technical_asset", "most_relevant_communication_link", "most_relevant_trust_boundary", "most_relevant_shared_runtime",
}

// categories reads the risks that people wrote down: a list of categories in
// newer files, a mapping in older ones.
func (r *reader) categories() error {
	for _, key := range []string{"custom_risk_categories", "individual_risk_categories"} {
		for _, e := range r.entries(key) {
			id := r.id(e, "risk category")
			r.known("risk category", e.value, categoryKeys...)
			risks := e.value.get("risks_identified")
			switch {
			case !risks.null() && !risks.isMap() && !risks.isList():
				r.Note(imported.Refused, risks.at(), "risks_identified is neither a mapping nor a list and is not read")
			case len(risks.pairs())+len(risks.items()) == 0:
				r.Note(imported.Kept, e.at, "the category has no risk; it is kept")
			}
			for _, p := range risks.pairs() {
				if err := r.risk(id, e, entry{name: p.key, at: p.at(), value: p.value}); err != nil {
					return err
				}
			}
			if !risks.isList() {
				continue
			}
			for _, item := range risks.items() {
				if err := r.risk(id, e, entry{name: item.first("title", "name", "id"), at: item.at(), value: item}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *reader) risk(category string, c, e entry) error {
	v := e.value.flat()
	r.about = "risk " + htmltext.Line(e.name)
	if !v.isMap() && !v.null() {
		r.Note(imported.Refused, e.at, "the risk %q is no mapping and is not read", e.name)
		return nil
	}
	if r.Out.Counts.Threats++; r.Out.Counts.Threats > reading.MaxThreats {
		return reading.TooMany("risks", reading.MaxThreats)
	}
	r.known("risk", v, riskKeys...)
	extra, err := r.keep(v)
	if err != nil {
		return err
	}
	where, id := r.where(category, v)
	title := htmltext.Line(e.name)
	if title == "" {
		title = htmltext.Line(c.name)
	}
	t := model.Threat{
		Where: where, Title: reading.Line(title), Description: paragraphs(c.value, "description", "impact", "risk_assessment"),
		Severity: r.severity(v, e.at), Status: model.Open, Extra: extra,
	}
	if s := c.value.get("stride"); !s.null() {
		if code := strides[norm(s.text())]; code != "" {
			t.Categories = []string{code}
		} else {
			r.Note(imported.Kept, s.at(), "the category %q is none of STRIDE and is kept as written", s.text())
		}
	}
	tid := r.Threat(t, id+"/"+model.Slug(title))
	var flaw model.WeaknessID
	if n := c.value.get("cwe"); reading.CWENumber(n.text()) > 0 {
		flaw = r.CWE(where, reading.CWENumber(n.text()))
		r.Link(tid, flaw, "", 0)
	} else if text := n.text(); text != "" && text != "0" {
		r.Note(imported.Kept, n.at(), "%q is no CWE number and is kept as written", text)
	}
	w := written{id: id, threat: len(r.Model.Threats) - 1}
	if m := r.mitigation(where, category, c); m != nil {
		w.countermeasure = m.ID
		r.Link(tid, flaw, m.ID, 100)
	}
	r.risks = append(r.risks, w)
	return nil
}

// paragraphs joins texts of an object.
func paragraphs(v value, keys ...string) string {
	var all []string
	for _, key := range keys {
		if text := htmltext.Markdown(v.get(key).text()); text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, "\n\n")
}

// mitigation makes what a category says of its mitigation a countermeasure of the place.
func (r *reader) mitigation(where model.ElementID, category string, c entry) *model.Countermeasure {
	text := paragraphs(c.value, "mitigation")
	title := htmltext.Line(c.value.get("action").text())
	if title == "" {
		title = reading.Title(text)
	}
	if title == "" {
		return nil
	}
	m, had := r.Countermeasure(where, category, reading.Line(title), text, model.Recommended)
	if !had {
		r.mitigations[m.ID] = len(r.Model.Countermeasures) - 1
	}
	m.Test = htmltext.Markdown(c.value.get("check").text())
	return m
}

// where returns the element that the risk is about, and its id as Threagile makes
// it: the category and the elements that it names, in Threagile's order.
func (r *reader) where(category string, v value) (model.ElementID, string) {
	where, id := model.AtProduct, category
	for _, part := range []struct{ key, kind string }{
		{"most_relevant_technical_asset", "asset"},
		{"most_relevant_communication_link", "link"},
		{"most_relevant_trust_boundary", "boundary"},
		{"most_relevant_shared_runtime", ""},
		{"most_relevant_data_asset", ""},
	} {
		named := v.get(part.key)
		if named.null() {
			continue
		}
		id += "@" + named.text()
		if part.kind == "" {
			continue
		}
		at, ok := r.meant(part.kind, named)
		switch {
		case !ok:
			r.Note(imported.Guess, named.at(), "%s %q does not exist; the risk stands elsewhere", strings.TrimPrefix(part.key, "most_relevant_"), named.text())
		case where == model.AtProduct:
			where = at
		}
	}
	return where, id
}

func (r *reader) severity(v value, at string) string {
	written := v.get("severity")
	word := norm(written.text())
	if word == "" {
		likelihood, impact := norm(v.get("exploitation_likelihood").text()), norm(v.get("exploitation_impact").text())
		if word = severityOf(likelihood, impact); word == "" {
			r.Note(imported.Guess, at, "the risk has no severity; it stays unrated")
			return "tbd"
		}
	}
	s, ok := severities[word]
	switch {
	case !ok:
		r.Note(imported.Guess, written.at(), "the severity %q is unknown; the risk stays unrated", written.text())
		return "tbd"
	case word == "elevated":
		if written.null() {
			r.Note(imported.Guess, at, "the severity is elevated by Threagile's table, a band between medium and high; high is taken")
		} else {
			r.Note(imported.Guess, written.at(), "the severity elevated is a band between medium and high; high is taken")
		}
	}
	return s
}

// statuses are what a tracked state means for the threat and for its countermeasure.
var statuses = map[string]struct {
	threat model.ThreatStatus
	state  model.State // "" leaves it
}{
	"unchecked": {model.Open, ""}, "in-discussion": {model.Open, ""}, "accepted": {model.Accepted, ""}, "in-progress": {model.Open, model.Required},
	"mitigated": {model.Mitigated, model.Implemented}, "false-positive": {model.NotApplicable, model.StateNotApplicable},
}

// tracking reads what was decided. An entry's key is the id of a risk, or a
// pattern in which * stands for anything between two @: it is matched whole, not
// as a beginning, so that a decision does not leak to ids that begin alike.
func (r *reader) tracking() error {
	var firm, loose []entry
	for _, e := range r.entries("risk_tracking") {
		if strings.Contains(e.name, "*") {
			loose = append(loose, e)
		} else {
			firm = append(firm, e)
		}
	}
	if len(loose)*len(r.risks) > maxMatches {
		return reading.TooMany("pairs of tracked patterns and risks", maxMatches)
	}
	exact := map[string][]int{}
	for i, w := range r.risks {
		key := strings.ToLower(w.id)
		exact[key] = append(exact[key], i)
	}
	tracked := map[int]bool{}
	for _, e := range firm { // an exact id counts before a pattern
		if err := r.track(e, exact[strings.ToLower(e.name)], tracked); err != nil {
			return err
		}
	}
	for _, e := range loose {
		var fit []int
		for i, w := range r.risks {
			if match(e.name, w.id) {
				fit = append(fit, i)
			}
		}
		if err := r.track(e, fit, tracked); err != nil {
			return err
		}
	}
	return nil
}

// maxMatches bounds the comparisons of patterns with risks.
const maxMatches = 10_000_000

// track gives the risks that an entry fits its decision; those that have one keep it.
func (r *reader) track(e entry, fit []int, tracked map[int]bool) error {
	v := e.value
	r.about = "risk tracking " + reading.Line(e.name)
	r.known("risk tracking", v, "status", "justification", "ticket", "date", "checked_by")
	s, ok := statuses[norm(v.get("status").text())]
	if !ok {
		s.threat = model.Open
		if !v.get("status").null() {
			r.Note(imported.Guess, v.get("status").at(), "the status %q is unknown; the risk counts as open", v.get("status").text())
		}
	}
	extra, err := r.keep(v)
	if err != nil {
		return err
	}
	reason := r.reason(v)
	matched := 0
	for _, i := range fit {
		if tracked[i] {
			continue
		}
		w := r.risks[i]
		tracked[i] = true
		matched++
		t := &r.Model.Threats[w.threat]
		t.Status, t.StatusReason = s.threat, reason
		t.Extra[Key+"_tracking"] = extra[Key]
		if i, ok := r.mitigations[w.countermeasure]; ok && s.state != "" {
			r.Model.Countermeasures[i].State = s.state
		}
	}
	switch {
	case matched > 0 && strings.Contains(e.name, "*"):
		r.Note(imported.Info, e.at, "the decision holds for %s of the file", reading.Plural(matched, "risk", "risks"))
	case matched == 0 && len(fit) > 0:
		r.Note(imported.Info, e.at, "every risk that it fits is decided by an entry that names it more closely")
	case matched == 0:
		if r.Out.Counts.Threats++; r.Out.Counts.Threats > reading.MaxThreats {
			return reading.TooMany("risks", reading.MaxThreats)
		}
		r.decided(e, s.threat, s.state, reason, extra)
	}
	if s.threat == model.Accepted {
		r.Note(imported.Guess, e.at, "the risk is accepted in the file, which names no end date; a person should say it")
	}
	return nil
}

// reason puts justification, person, date and ticket into one text.
func (r *reader) reason(v value) string {
	text := htmltext.Markdown(v.get("justification").text())
	var by []string
	for _, key := range []string{"checked_by", "date"} {
		if t := v.get(key).text(); t != "" {
			by = append(by, reading.Line(t))
		}
	}
	if t := v.get("ticket").text(); t != "" {
		by = append(by, "ticket "+reading.Line(t))
	}
	if norm(v.get("status").text()) == "in-discussion" {
		by = append([]string{"in discussion"}, by...)
	}
	if len(by) == 0 {
		return text
	}
	return strings.TrimSpace(fmt.Sprintf("%s (%s)", text, strings.Join(by, ", ")))
}

// decided makes a threat of a decision about a risk that Threagile finds and the
// file does not hold: at the element that its id names, else at the product.
func (r *reader) decided(e entry, status model.ThreatStatus, state model.State, reason string, extra model.Extra) {
	parts := strings.Split(e.name, "@")
	where, found := model.AtProduct, ""
	for _, kind := range []string{"asset", "link", "boundary"} {
		for _, part := range parts[1:] {
			if at, ok := r.element(kind, strings.TrimSpace(part)); ok && where == model.AtProduct {
				where, found = at, part
			}
		}
	}
	known, ok := rules[parts[0]]
	title := known.title
	if !ok {
		title = strings.ReplaceAll(parts[0], "-", " ")
	}
	t := model.Threat{
		Where: where, Title: reading.Line(title), Severity: "tbd", Status: status, StatusReason: reason,
		Description: fmt.Sprintf("A risk that Threagile finds, tracked as `%s`.", strings.ReplaceAll(e.name, "`", "'")), Extra: extra,
	}
	if known.stride != "" {
		t.Categories = []string{strides[known.stride]}
	}
	id := r.Threat(t, e.name)
	if known.cwe > 0 {
		r.Link(id, r.CWE(where, known.cwe), "", 0)
	}
	switch {
	case state == model.Required, state == model.Implemented:
		if text := htmltext.Markdown(e.value.get("justification").text()); text != "" {
			r.FreeText(id, where, e.name, text, state)
		}
	}
	r.placed(e, where, found, parts[1:])
}

// placed says where a decision was put, and why.
func (r *reader) placed(e entry, where model.ElementID, found string, parts []string) {
	stale := 0
	for _, p := range parts {
		if !strings.Contains(p, "*") && strings.TrimSpace(p) != "" {
			stale++
		}
	}
	switch {
	case where != model.AtProduct:
		r.Note(imported.Info, e.at, "the risk is found by Threagile and not written in the file; its decision stands at %s, unrated", found)
	case stale > 0:
		r.Note(imported.Guess, e.at, "the key names no element of the model; its decision stands at the product, unrated")
	default:
		r.Note(imported.Guess, e.at, "the key is for every element that fits; its decision stands at the product, unrated")
	}
}

// match reports whether a tracked key is the id, * standing for anything but @.
// A last part that is * alone stands for the elements that are left.
func match(pattern, id string) bool {
	p, parts := strings.Split(pattern, "@"), strings.Split(id, "@")
	if n := len(p); n > 1 && len(parts) > n && strings.TrimSpace(p[n-1]) == "*" {
		parts = parts[:n]
	}
	if len(p) != len(parts) {
		return false
	}
	for i := range p {
		if !glob(strings.TrimSpace(p[i]), parts[i]) {
			return false
		}
	}
	return true
}

// glob matches one part, ignoring case as 0.9 does.
func glob(pattern, s string) bool {
	pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	pieces := strings.Split(pattern, "*")
	if len(pieces) == 1 {
		return pattern == s
	}
	rest, ok := strings.CutPrefix(s, pieces[0])
	if !ok {
		return false
	}
	for _, piece := range pieces[1 : len(pieces)-1] {
		i := strings.Index(rest, piece)
		if i < 0 {
			return false
		}
		rest = rest[i+len(piece):]
	}
	return strings.HasSuffix(rest, pieces[len(pieces)-1])
}
