package iriusrisk

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// place is a component while its risks are read.
type place struct {
	id              model.ElementID
	weaknesses      map[string]model.WeaknessID // by ref, lower case
	countermeasures map[string]model.CountermeasureID
}

// children returns the elements of a list under any of the names that versions give it.
func children(e *xmltree.Element, paths ...[2]string) []*xmltree.Element {
	var all []*xmltree.Element
	for _, p := range paths {
		all = append(all, e.All(p[0], p[1])...)
	}
	return all
}

func countermeasures(e *xmltree.Element) []*xmltree.Element {
	return children(e, [2]string{"countermeasures", "countermeasure"}, [2]string{"controls", "control"})
}

func (r *reader) risks(e *xmltree.Element, id model.ElementID) error {
	p := &place{id: id, weaknesses: map[string]model.WeaknessID{}, countermeasures: map[string]model.CountermeasureID{}}
	for _, w := range e.All("weaknesses", "weakness") {
		r.weakness(p, w)
	}
	for _, c := range countermeasures(e) {
		r.countermeasure(p, c)
	}
	for _, u := range e.All("usecases", "usecase") {
		for _, t := range u.All("threats", "threat") {
			if r.threats++; r.threats > reading.MaxThreats {
				return reading.TooMany("threats", reading.MaxThreats)
			}
			r.threat(p, u, t)
		}
	}
	return nil
}

var (
	cweRef   = regexp.MustCompile(`(?i)^cwe[-_ ]?([0-9]{1,5})`)
	cweTitle = regexp.MustCompile(`(?im)^\s*cwe[-_ ]?[0-9]{1,5}\s*[:-]\s*(\S.*)$`)
	capec    = regexp.MustCompile(`(?i)capec[-_ ]?([0-9]{1,4})|capec\.mitre\.org/data/definitions/([0-9]{1,4})`)
)

// cweOf returns the CWE number that a ref or name begins with, or 0.
func cweOf(texts ...string) int {
	for _, t := range texts {
		if m := cweRef.FindStringSubmatch(strings.TrimSpace(t)); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				return n
			}
		}
	}
	return 0
}

// weaknessTitle is the name, or the words behind the number where the name is one only.
func weaknessTitle(name, ref, text string) string {
	name = htmltext.Line(name)
	if name == "" {
		name = ref
	}
	if reading.CWENumber(name) > 0 {
		if m := cweTitle.FindStringSubmatch(text); m != nil {
			return reading.Line(m[1])
		}
	}
	return name
}

func (r *reader) weakness(p *place, e *xmltree.Element) {
	ref := strings.TrimSpace(e.Attr("ref"))
	r.about = "weakness " + ref
	if ref == "" {
		r.Note(imported.Refused, e.At(r.Opts), "a weakness has no ref and is not read")
		return
	}
	if _, twice := p.weaknesses[strings.ToLower(ref)]; twice {
		r.Note(imported.Guess, e.At(r.Opts), "the weakness is in the component twice; the first one counts")
		return
	}
	text := prose(e.Child("desc").Text())
	w := model.Weakness{
		ID: model.NewWeaknessID(r.Model.Product.ID, p.id, ref), Where: p.id, Ref: ref, Title: weaknessTitle(e.Attr("name"), ref, text),
		Description: text, CWE: cweOf(ref, e.Attr("name")), Test: r.test(e), Origin: model.ByImport,
	}
	w.Impact, _ = r.percent(e, "impact", 0)
	r.extra(e, &w.Extra)
	p.weaknesses[strings.ToLower(ref)] = w.ID
	r.Model.Weaknesses = append(r.Model.Weaknesses, w)
}

// test returns what to do to test a weakness or countermeasure, and counts its result.
func (r *reader) test(e *xmltree.Element) string {
	t := e.Child("test")
	if result := strings.ToLower(strings.TrimSpace(t.Child("source").Attr("result"))); result != "" {
		r.results[result]++
	}
	if t == nil {
		return ""
	}
	return paragraphs(prose(t.Child("steps").Text()), prose(t.Child("notes").Text()), references(t))
}

// extra keeps what the model has no field for: states and results as written, the risk, tickets, custom fields.
func (r *reader) extra(e *xmltree.Element, to *model.Extra) {
	if e.Attr("issueId")+e.Attr("issueLink") != "" {
		r.tickets++
	}
	if raw := r.scrub.keep(e, "ref", "name", "desc", "standards", "references", "weaknesses", "countermeasures", "controls", "implementations", "riskRating"); raw != nil {
		*to = model.Extra{Key: raw}
	}
}

// states are the states of countermeasures by their letters.
var states = map[string]model.State{
	"recommended": model.Recommended, "required": model.Required, "implemented": model.Implemented, "rejected": model.Rejected,
	"na": model.StateNotApplicable, "notapplicable": model.StateNotApplicable,
}

var costs = map[string]float64{"0": 1, "1": 4, "2": 10, "low": 1, "medium": 4, "high": 10}

func (r *reader) countermeasure(p *place, e *xmltree.Element) {
	ref := strings.TrimSpace(e.Attr("ref"))
	r.about = "countermeasure " + ref
	if ref == "" {
		r.Note(imported.Refused, e.At(r.Opts), "a countermeasure has no ref and is not read")
		return
	}
	if _, twice := p.countermeasures[strings.ToLower(ref)]; twice {
		r.Note(imported.Guess, e.At(r.Opts), "the countermeasure is in the component twice; the first one counts")
		return
	}
	state, ok := states[reading.Letters(e.Attr("state"))]
	if !ok {
		state = model.Recommended
		if e.Attr("state") != "" {
			r.Note(imported.Guess, e.At(r.Opts), "the state %q is unknown; recommended is taken", e.Attr("state"))
		}
	}
	title := htmltext.Line(e.Attr("name"))
	if title == "" {
		title = ref
	}
	c := model.Countermeasure{
		ID: model.NewCountermeasureID(r.Model.Product.ID, p.id, ref), Where: p.id, Ref: ref, Title: title, Description: description(e),
		State: state, StateReason: stateReason(e), Test: r.test(e), Owner: reading.Line(e.Attr("owner")), Origin: model.ByImport,
	}
	if days, ok := costs[strings.ToLower(e.Attr("cost"))]; ok {
		c.Cost = &model.Cost{Amount: days, Unit: "days"}
		r.costs = true
	}
	served := map[model.Clause]bool{}
	for _, s := range e.All("standards", "standard") {
		id, _, _ := clauseOf(s.Attr("ref"))
		if clause := (model.Clause{Standard: standardRef(s.Attr("supportedStandardRef")), Clause: id}); !served[clause] {
			served[clause] = true
			c.Standards = append(c.Standards, clause)
		}
	}
	if (state == model.Rejected || state == model.StateNotApplicable) && c.StateReason == "" {
		r.Note(imported.Guess, e.At(r.Opts), "is %s in the file, which gives no reason; a person should say it", strings.ToLower(e.Attr("state")))
	}
	r.extra(e, &c.Extra)
	p.countermeasures[strings.ToLower(ref)] = c.ID
	r.Model.Countermeasures = append(r.Model.Countermeasures, c)
}

// description is a countermeasure's text with how to do it by platform, and its references.
func description(e *xmltree.Element) string {
	text := prose(e.Child("desc").Text())
	for _, i := range e.All("implementations", "implementation") {
		how := prose(i.Child("desc").Text())
		if how == "" {
			how = prose(i.Text())
		}
		if how == "" {
			continue
		}
		if platform := htmltext.Line(i.Attr("platform")); platform != "" {
			how = "### " + platform + "\n\n" + how
		}
		text = paragraphs(text, how)
	}
	return paragraphs(text, references(e))
}

// stateReason returns the reason of a state under the names that versions give it.
func stateReason(e *xmltree.Element) string {
	for _, name := range []string{"stateReason", "reason", "stateChangeReason", "rejectReason"} {
		if t := e.Attr(name); t != "" {
			return htmltext.Markdown(t)
		}
		if t := e.Child(name).Text(); t != "" {
			return htmltext.Markdown(t)
		}
	}
	return ""
}

// statuses are the states of threats by their letters.
var statuses = map[string]model.ThreatStatus{
	"expose": model.Open, "exposed": model.Open, "open": model.Open, "partlymitigate": model.Open, "partlymitigated": model.Open,
	"mitigate": model.Mitigated, "mitigated": model.Mitigated, "accept": model.Accepted, "accepted": model.Accepted, "transfer": model.Transferred,
	"notapplicable": model.NotApplicable, "na": model.NotApplicable, "hidden": model.NotApplicable, "hide": model.NotApplicable,
}

func (r *reader) threat(p *place, u, e *xmltree.Element) {
	r.Out.Counts.Threats++
	ref := strings.TrimSpace(e.Attr("ref"))
	title := htmltext.Line(e.Attr("name"))
	r.about = "threat " + title
	if title == "" {
		title = ref
	}
	t := model.Threat{
		Where: p.id, Title: title, Description: paragraphs(prose(e.Child("desc").Text()), references(e)), Categories: categories(u, e), CAPEC: capecs(e),
		Owner: reading.Line(e.Attr("owner")), StatusReason: stateReason(e),
	}
	var ok bool
	if t.Status, ok = statuses[reading.Letters(e.Attr("state"))]; !ok {
		t.Status = model.Open
		if e.Attr("state") != "" {
			r.Note(imported.Guess, e.At(r.Opts), "the state %q is unknown; the threat counts as open", e.Attr("state"))
		}
	}
	if t.Status == model.Accepted {
		r.Note(imported.Guess, e.At(r.Opts), "is accepted in the file, which names no end date; a person should say it")
	}
	if rating := e.Child("riskRating"); rating != nil {
		t.Impact.Confidentiality, _ = r.percent(rating, "confidentiality", 0)
		t.Impact.Integrity, _ = r.percent(rating, "integrity", 0)
		t.Impact.Availability, _ = r.percent(rating, "availability", 0)
		t.Ease, _ = r.percent(rating, "easeOfExploitation", 0)
	} else {
		t.Severity = "tbd"
		r.Note(imported.Guess, e.At(r.Opts), "the threat has no rating; it stays unrated")
	}
	r.extra(e, &t.Extra)
	id := r.Threat(t, u.Attr("ref")+"/"+ref)
	r.connect(p, id, e)
}

// connect joins the threat with its weaknesses and countermeasures. A file gives
// each countermeasure under its weakness and again flat; it counts once.
func (r *reader) connect(p *place, id model.ThreatID, e *xmltree.Element) {
	through := map[model.CountermeasureID]bool{}
	direct := countermeasures(e)
	for _, w := range e.All("weaknesses", "weakness") {
		flaw, ok := p.weaknesses[strings.ToLower(strings.TrimSpace(w.Attr("ref")))]
		if !ok {
			r.Note(imported.Refused, w.At(r.Opts), "the weakness %q is not defined in the component", w.Attr("ref"))
			continue
		}
		linked := false
		list := countermeasures(w)
		for _, c := range list {
			if m, share, ok := r.share(p, c, list, direct); ok {
				r.Link(id, flaw, m, share)
				through[m], linked = true, true
			}
		}
		if !linked {
			r.Link(id, flaw, "", 0)
		}
	}
	for _, c := range direct {
		if m, share, ok := r.share(p, c, direct, nil); ok && !through[m] {
			r.Link(id, "", m, share)
		}
	}
}

// share returns the countermeasure that an element refers to and how much it
// takes. Old files do not say it: then all of the threat take the same.
func (r *reader) share(p *place, e *xmltree.Element, list, all []*xmltree.Element) (model.CountermeasureID, float64, bool) {
	id, ok := p.countermeasures[strings.ToLower(strings.TrimSpace(e.Attr("ref")))]
	if !ok {
		r.Note(imported.Refused, e.At(r.Opts), "the countermeasure %q is not defined in the component", e.Attr("ref"))
		return "", 0, false
	}
	if e.Attr("mitigation") == "" {
		return id, float64(100 / max(len(list), len(all), 1)), true
	}
	n, _ := r.percent(e, "mitigation", 0)
	return id, float64(n), true
}

// categories are told by the use case, which default content names after STRIDE,
// or by the custom field that says so.
func categories(u, e *xmltree.Element) []string {
	var all []string
	words := []string{u.Attr("name")}
	for _, f := range e.All("customFields", "customField") {
		if strings.Contains(strings.ToUpper(f.Attr("ref")), "STRIDE") {
			words = append(words, strings.FieldsFunc(f.Attr("value"), func(r rune) bool { return r == ',' || r == ';' })...)
		}
	}
	for _, w := range words {
		if code, ok := reading.Category(w); ok {
			add(&all, code)
		}
	}
	return all
}

// capecs are the CAPEC numbers of a threat's ref, name and references.
func capecs(e *xmltree.Element) []int {
	var all []int
	texts := []string{e.Attr("ref"), e.Attr("name")}
	for _, ref := range e.All("references", "reference") {
		texts = append(texts, ref.Attr("name"), ref.Attr("url"))
	}
	for _, text := range texts {
		for _, m := range capec.FindAllStringSubmatch(text, -1) {
			if n, err := strconv.Atoi(m[1] + m[2]); err == nil && n > 0 {
				add(&all, n)
			}
		}
	}
	return all
}
