package otm

import (
	"maps"
	"math"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// threat is a threat as the file defines it, for all the places that name it.
type threat struct {
	id     string
	n      *node
	t      model.Threat // what all places share
	cwes   []int
	own    bool // has an id of ours: it stands at one place
	placed bool
}

// mitigation is a mitigation as the file defines it.
type mitigation struct {
	id     string
	n      *node
	c      model.Countermeasure
	share  float64
	own    bool
	placed bool
}

// instance is a threat of the file at one place.
type instance struct {
	at model.ElementID
	id string
}

func (r *reader) definitions(root *node) {
	r.indexOwn()
	for _, n := range root.get("threats").each() {
		id := strings.TrimSpace(n.get("id").str())
		where := "threat " + id
		switch {
		case !n.is(object):
			r.Note(imported.Refused, n.at(), where, "is no mapping")
			continue
		case id == "":
			id = called(r.threats, n)
			where += id
			r.Note(imported.Guess, n.at(), "threat", "has no id; it is called %s here", id)
		}
		if r.threats[id] != nil {
			r.Note(imported.Refused, n.at(), where, "the id is used by two threats; the first one counts")
			continue
		}
		r.threats[id] = r.define(id, where, n)
		r.defined = append(r.defined, r.threats[id])
		r.Out.Counts.Threats++
	}
	for _, n := range root.get("mitigations").each() {
		id := strings.TrimSpace(n.get("id").str())
		where := "mitigation " + id
		switch {
		case !n.is(object):
			r.Note(imported.Refused, n.at(), where, "is no mapping")
			continue
		case id == "":
			id = called(r.cures, n)
			where += id
			r.Note(imported.Guess, n.at(), "mitigation", "has no id; it is called %s here", id)
		}
		if r.cures[id] != nil {
			r.Note(imported.Refused, n.at(), where, "the id is used by two mitigations; the first one counts")
			continue
		}
		m := &mitigation{id: id, n: n}
		m.c = model.Countermeasure{Title: reading.Line(n.get("name").str()), Description: n.get("description").str(), State: model.Recommended}
		m.own = r.overlay(where, n.get("attributes"), &m.c) && m.c.ID != ""
		if m.c.Title == "" {
			m.c.Title = cmpOr(reading.Title(m.c.Description), id)
			r.Note(imported.Guess, n.at(), where, "has no name")
		}
		if share, ok := n.get("riskReduction").number(); ok && m.own {
			m.share = min(max(share, 0), 100)
		} else if share, ok := r.percent(where, "riskReduction", n.get("riskReduction"), n); ok {
			m.share = float64(share)
		}
		known := []string{"id", "name", "description", "riskReduction"}
		m.c.Extra = keep(m.c.Extra, leftover(n, known...))
		r.form(where, "mitigation", n, mitigationForm)
		if !m.own {
			known = append(known, "state", "status")
			if state, ok := mitigationStates[reading.Letters(m.said().str())]; ok {
				m.c.State = state
			}
		}
		r.unknown("mitigation", n, append(known, "attributes")...)
		r.cures[id] = m
		r.remedies = append(r.remedies, m)
	}
}

// called returns an id for what has none, after its words; one that is not taken.
func called[T any](taken map[string]T, n *node) string {
	id := model.Slug(cmpOr(reading.Line(n.get("name").str()), reading.Title(n.get("description").str())))
	for i := 1; ; i++ {
		more := id
		if i > 1 {
			more += "-" + strconv.Itoa(i)
		}
		if _, ok := taken[more]; !ok {
			return more
		}
	}
}

func (r *reader) define(id, where string, n *node) *threat {
	d := &threat{id: id, n: n}
	d.t = model.Threat{Title: reading.Line(n.get("name").str()), Description: n.get("description").str(), Status: model.Open}
	d.own = r.overlay(where, n.get("attributes"), &d.t) && d.t.ID != ""
	if d.t.Title == "" {
		d.t.Title = cmpOr(reading.Title(d.t.Description), id)
		r.Note(imported.Guess, n.at(), where, "has no name")
	}
	var strange []*node
	exact := len(d.t.Categories) > 0 // words would not give these back
	for _, c := range n.get("categories").each() {
		if exact {
			break
		}
		if code, ok := reading.Category(c.str()); ok {
			d.t.Categories = append(d.t.Categories, code)
		} else if c.str() != "" {
			strange = append(strange, c)
			r.Note(imported.Kept, c.at(), where, "the category %q is of no methodology known here and is kept as written", c.str())
		}
	}
	for _, c := range n.get("cwes").each() {
		if cwe := reading.CWENumber(c.str()); cwe > 0 {
			d.cwes = append(d.cwes, cwe)
		} else if !c.none() {
			r.Note(imported.Refused, c.at(), where, "%q is no CWE number, expected CWE-79 or the like", c.str())
		}
	}
	figures := []string{"likelihood", "impact"}
	if !r.risk(d, where) {
		figures = figures[1:]
	}
	known := []string{"id", "name", "description", "categories", "cwes", "risk"}
	if !d.own {
		known = append(known, "mitigations", "componentIds")
	}
	left := leftover(n, known...)
	left = withRisk(left, n.get("risk"), figures...)
	if len(strange) > 0 {
		if left == nil {
			left = &node{kind: object}
		}
		left.members = append(left.members, member{key: "categories", value: &node{kind: list, items: strange}})
	}
	d.t.Extra = keep(d.t.Extra, left)
	r.form(where, "threat", n, threatForm)
	r.unknown("threat", n, append(known, "tags", "attributes")...)
	return d
}

// risk takes over likelihood and impact: they are the file's whole rating, which
// no exposure or asset of ours changes until a person says so. It reports whether
// nothing is left of the likelihood: without an impact it rates nothing.
func (r *reader) risk(d *threat, where string) bool {
	risk := d.n.get("risk")
	t := &d.t
	likelihood, impact := risk.get("likelihood"), risk.get("impact")
	if l, i := riskOf(t); d.own {
		fl, okL := likelihood.number()
		fi, _ := impact.number()
		idle := okL && l == nil && i == 0 // a likelihood that stays beside an impact nobody knows
		if (okL == (l != nil) && (l == nil || *l == fl) || idle) && fi == i {
			return !idle // as we wrote it: ours says more
		}
		t.Impact, t.Ease, t.Inherent, t.Severity = model.CIA{}, 0, nil, ""
	}
	i, okI := r.percent(where, "impact", impact, cmpNode(risk, d.n))
	l, okL := 0, false
	if likelihood.none() {
		r.Note(imported.Guess, cmpNode(likelihood, cmpNode(risk, d.n)).at(), where, "has no likelihood; its severity is told by its impact alone")
	} else {
		l, okL = r.percent(where, "likelihood", likelihood, cmpNode(risk, d.n))
	}
	switch {
	case !okI:
		t.Severity = r.saidSeverity(d.n, where)
		if okL {
			r.Note(imported.Kept, likelihood.at(), where, "its likelihood rates nothing without an impact and is kept as written")
		}
		return !okL
	case !okL:
		t.Severity = reading.Severity(float64(i))
	default:
		t.Impact, t.Ease = model.CIA{Confidentiality: i, Integrity: i, Availability: i}, l
		inherent := math.Sqrt(float64(i) * float64(l))
		t.Inherent = &inherent
	}
	return true
}

// saidSeverity returns the severity that a threat without figures has in words,
// where some writers put it; "tbd" where it has none.
func (r *reader) saidSeverity(n *node, where string) string {
	for _, word := range []*node{n.get("risk").get("severity", "level"), n.get("attributes").get("severity"), n.get("severity")} {
		switch s := reading.Letters(word.str()); s {
		case "low", "medium", "high", "critical":
			r.Note(imported.Guess, word.at(), where, "its severity is told by the word %q", word.str())
			return s
		}
	}
	return "tbd"
}

// threatStates are the words for a threat's state: those of the specification's
// example, of IriusRisk and of the Microsoft tool, by their letters.
var threatStates = map[string]model.ThreatStatus{
	"": model.Open, "open": model.Open, "expose": model.Open, "exposed": model.Open, "partlymitigate": model.Open, "partlymitigated": model.Open,
	"autogenerated": model.Open, "needsinvestigation": model.Open, "notstarted": model.Open, "new": model.Open, "identified": model.Open,
	"mitigate": model.Mitigated, "mitigated": model.Mitigated, "closed": model.Mitigated, "mitigationimplemented": model.Mitigated,
	"accept": model.Accepted, "accepted": model.Accepted, "notapplicable": model.NotApplicable, "na": model.NotApplicable, "hidden": model.NotApplicable,
	"transfer": model.Transferred, "transferred": model.Transferred, "avoid": model.Avoided, "avoided": model.Avoided,
	"eliminate": model.Eliminated, "eliminated": model.Eliminated,
}

// mitigationStates are the words for a mitigation's state.
var mitigationStates = map[string]model.State{
	"": model.Recommended, "recommended": model.Recommended, "proposed": model.Recommended, "suggested": model.Recommended,
	"required": model.Required, "planned": model.Required, "approved": model.Required, "inprogress": model.Required, "accepted": model.Required,
	"implemented": model.Implemented, "done": model.Implemented, "active": model.Implemented, "mitigated": model.Implemented, "completed": model.Implemented,
	"rejected": model.Rejected, "wontdo": model.Rejected, "notapplicable": model.StateNotApplicable, "na": model.StateNotApplicable,
}

// reach orders states by what they claim, the least first.
var reach = map[model.State]int{model.StateNotApplicable: 0, model.Rejected: 1, model.Recommended: 2, model.Required: 3, model.Implemented: 4}

// instances reads the threats that components, data flows and (against the
// schema) trust zones name.
func (r *reader) instances() error {
	for _, p := range r.places {
		for _, n := range p.n.get("threats").each() {
			if err := r.instance(p, n); err != nil {
				return err
			}
		}
	}
	for _, d := range r.defined {
		if err := r.sayPlaces(d); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) instance(p placed, n *node) error {
	ref := cmpNode(n.get(threatKeys...), n)
	id := strings.TrimSpace(n.get(threatKeys...).str())
	if n.is(words) {
		id = strings.TrimSpace(n.str())
	}
	d := r.threats[id]
	if d == nil {
		r.Note(imported.Refused, ref.at(), p.where, "the threat %q does not exist in the file", id)
		return nil
	}
	if _, twice := r.cases[instance{p.id, id}]; twice {
		r.Note(imported.Refused, ref.at(), p.where, "names the threat %q twice; the first one counts", id)
		return nil
	}
	if len(r.Model.Threats) >= reading.MaxThreats || len(r.Model.Links) >= 4*reading.MaxThreats {
		return reading.TooMany("threats", reading.MaxThreats)
	}
	status, ok := threatStates[reading.Letters(n.get("state").str())]
	if !ok {
		status = model.Open
		r.Note(imported.Guess, n.get("state").at(), p.where, "the state %q of the threat %s is unknown; it counts as open", n.get("state").str(), id)
	} else if n.get("state").none() {
		r.Note(imported.Guess, n.at(), p.where, "the threat %s has no state; it counts as open", id)
	}
	t := r.place(d, p.id, status)
	if reading.Letters(n.get("state").str()) == "autogenerated" && t.StatusReason == "" {
		t.StatusReason = "suggested by the tool that wrote the file; nobody has judged it yet"
	}
	tid := t.ID
	r.named[tid] = true
	r.cases[instance{p.id, id}] = tid
	if !d.own && (status == model.Accepted || status == model.Transferred) {
		r.Note(imported.Guess, n.at(), p.where, "the threat %s is %s in the file, which names no owner and no end date; a person should say both", id, status)
	}
	total, cures := 0.0, n.get("mitigations").each()
	if len(cures) == 0 {
		cures = d.cures()
	}
	for _, m := range cures {
		total += r.mitigate(p, d, tid, m)
	}
	if total > 100 && !d.own {
		r.Note(imported.Info, n.at(), p.where, "the mitigations of the threat %s take %g of 100 off its risk; together they count as 100", id, total)
	}
	return nil
}

// cures are the mitigations that a foreign file names with the threat itself,
// for all the places of it.
func (d *threat) cures() []*node {
	if d.own {
		return nil
	}
	return d.n.get("mitigations").each()
}

// said is the state that a foreign file gives a mitigation itself, for all the places of it.
func (m *mitigation) said() *node {
	if m.own {
		return nil
	}
	if word := m.n.get("state", "status"); !word.none() {
		return word
	}
	return m.n.get("attributes").get("state", "status")
}

// sayPlaces puts a threat of a foreign file where it says itself.
func (r *reader) sayPlaces(d *threat) error {
	if d.own {
		return nil
	}
	for _, ref := range d.n.get("componentIds").each() {
		e := r.parts[strings.TrimSpace(ref.str())]
		if e == nil {
			r.Note(imported.Refused, ref.at(), "threat "+d.id, "the component %q does not exist in the file", ref.str())
			continue
		}
		if _, there := r.cases[instance{e.id, d.id}]; there {
			continue
		}
		id, named := *ref, *ref // they stand in the file where the component is named
		id.kind, id.text = words, d.id
		named.kind, named.members = object, []member{{key: "threat", value: &id}, {key: "state", value: d.n.get("state", "status")}}
		if err := r.instance(placed{id: e.id, where: e.where, n: e.n}, &named); err != nil {
			return err
		}
	}
	return nil
}

// scale notes figures that look like those of a scale of 1 to 5.
func (r *reader) scale() {
	var first *node
	rated, most := 0, 0.0
	for _, d := range r.defined {
		risk := d.n.get("risk")
		l, okL := risk.get("likelihood").number()
		i, okI := risk.get("impact").number()
		if !okL || !okI || d.own {
			continue
		}
		rated++
		first = cmpNode(first, risk)
		most = max(most, l, i)
	}
	if rated > 1 && most > 1 && most <= 5 {
		r.Note(imported.Guess, first.at(), "file", "no likelihood and no impact is above %g: all are taken as of 100, as OTM says; on a scale of 1 to 5 they would be far higher", most)
	}
}

// place puts a threat at a place.
func (r *reader) place(d *threat, at model.ElementID, status model.ThreatStatus) *model.Threat {
	t := d.t
	t.Where, t.Status = at, status
	d.placed = true
	t.Extra = maps.Clone(t.Extra)
	if d.own && !r.HasThreat(t.ID) {
		if t.Origin == "" {
			t.Origin = model.ByImport
		}
		r.Adopt(t)
	} else {
		t.Categories = append([]string(nil), t.Categories...)
		r.Builder.Threat(t, d.id)
	}
	added := &r.Model.Threats[len(r.Model.Threats)-1]
	for _, cwe := range d.cwes {
		if r.ownFlaws[flaw{added.ID, cwe}] {
			continue
		}
		r.Link(added.ID, r.CWE(at, cwe), "", 0)
	}
	return added
}

// mitigate joins a threat with a mitigation that is named with it and returns its share.
func (r *reader) mitigate(p placed, d *threat, t model.ThreatID, n *node) float64 {
	ref, id := cmpNode(n.get(mitigationKeys...), n), strings.TrimSpace(n.get(mitigationKeys...).str())
	if n.is(words) {
		id = strings.TrimSpace(n.str())
	}
	m := r.cures[id]
	if m == nil {
		if id != "" {
			r.Note(imported.Refused, ref.at(), p.where, "the mitigation %q does not exist in the file", id)
		}
		return 0
	}
	word := n.get("state")
	if word.none() {
		word = m.said()
	}
	state, ok := mitigationStates[reading.Letters(word.str())]
	if !ok {
		state = model.Recommended
		r.Note(imported.Guess, word.at(), p.where, "the state %q of the mitigation %s is unknown; it counts as recommended", word.str(), id)
	}
	c, had := r.counter(m, p.id, state)
	if !r.Link(t, "", c.ID, m.share) {
		r.Note(imported.Refused, ref.at(), p.where, "names the mitigation %q twice for the threat %s; the first one counts", id, d.id)
		return 0
	}
	if had && c.State != state && !m.own {
		least := c.State
		if reach[state] < reach[least] {
			least = state
		}
		r.Note(imported.Guess, cmpNode(word, n).at(), p.where, "the mitigation %s is %s for one threat and %s for another; the lesser, %s, is taken", id, c.State, state, least)
		c.State = least
	}
	return m.share
}

// counter returns the countermeasure that a mitigation is at a place.
func (r *reader) counter(m *mitigation, at model.ElementID, state model.State) (*model.Countermeasure, bool) {
	if m.own {
		had := m.placed
		m.placed = true
		if !had {
			c := m.c
			c.State = state
			if c.Where == "" || c.Retired == nil && !r.Has(c.Where) {
				c.Where = at
			}
			if c.Origin == "" {
				c.Origin = model.ByImport
			}
			r.AdoptCountermeasure(c)
		}
		return r.CountermeasureByID(m.c.ID), had
	}
	m.placed = true
	c, had := r.Countermeasure(at, m.id, m.c.Title, m.c.Description, state)
	if !had {
		c.Extra = maps.Clone(m.c.Extra)
	}
	return c, had
}

// unused puts what no place names at the product: a threat or mitigation that
// somebody wrote down is not lost.
func (r *reader) unused() {
	for _, d := range r.defined {
		if d.placed {
			continue
		}
		at := model.AtProduct
		if d.own && d.t.Where != "" && (d.t.Retired != nil || r.Has(d.t.Where)) {
			at = d.t.Where
		} else if !d.own {
			r.Note(imported.Guess, d.n.at(), "threat "+d.id, "no component and no data flow names it; it stands at the product")
		}
		t := r.place(d, at, d.t.Status).ID
		for _, m := range d.cures() {
			r.mitigate(placed{id: at, where: "threat " + d.id, n: d.n}, d, t, m)
		}
	}
	linked := map[model.CountermeasureID]bool{"": false}
	for i := range r.own.Links {
		if c := r.own.Links[i].Countermeasure; c != "" {
			linked[c] = true
		}
	}
	for _, m := range r.remedies {
		if m.placed {
			continue
		}
		at := model.AtProduct
		if !m.own {
			r.Note(imported.Guess, m.n.at(), "mitigation "+m.id, "no threat names it; it stands at the product")
		}
		if said := m.n.get("riskReduction"); !said.none() && m.share != 100 && !linked[m.c.ID] { // no link holds it
			left := &node{kind: object, members: []member{{key: "riskReduction", value: said}}}
			if kept := leftover(m.n, "id", "name", "description", "riskReduction"); kept != nil {
				left.members = append(left.members, kept.members...)
			}
			m.c.Extra = keep(m.c.Extra, left)
		}
		r.counter(m, at, m.c.State)
	}
}
