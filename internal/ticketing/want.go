package ticketing

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// Label is on every ticket that we made, so that one query finds them wherever they were moved.
const Label = "threatloop"

// Purpose is what a ticket is for. An object has at most one ticket of ours per purpose.
type Purpose string

// The purposes of tickets.
const (
	ForCountermeasure Purpose = "countermeasure" // object: a countermeasure, or a requirement (GroupRequirement)
	ForThreat         Purpose = "threat"         // object: a threat
	ForVulnerability  Purpose = "vulnerability"  // object: a weakness or countermeasure
)

// Key names what a ticket is about.
type Key struct {
	Object  string
	Purpose Purpose
}

// WantState is the state a ticket should be in.
type WantState string

// The states. WantLeave is for what the tracker or a person decides.
const (
	WantOpen   WantState = "open"
	WantClosed WantState = "closed"
	WantLeave  WantState = "leave"
	WantUndone WantState = "undone" // close it if nobody touched it
)

// Want is a ticket that should exist, and how.
type Want struct {
	Product model.ProductID
	Key     Key
	Objects []string // whose state follows the ticket; Key.Object itself, or a requirement's countermeasures
	Target  Target
	Summary string
	Body    richtext.Doc
	Labels  []string
	// Priority is used at creation only.
	Priority string
	Band     string
	Fields   map[string]any
	State    WantState
	// Cause names why State is what it is ("required", "fail", "pass", ...); a
	// ticket is reopened only on a new cause. At is when the cause was last
	// confirmed, zero where nobody knows.
	Cause string
	At    time.Time
	// Rejects marks a closing that says "will not be done".
	Rejects bool
	Note    *Note // at most one comment per change of verdict or cause
	// Verdict is what tests say now ("fail", "pass", "gone" or ""); it is
	// remembered with the ticket so that only a change is noted.
	Verdict string
	LinksTo []Key // tickets to relate to
	Page    string
	Title   string // of the link to our page
}

// Note is a comment to be written once.
type Note struct {
	Key  string // unique among the ticket's notes
	Body richtext.Doc
}

// Rating is what a ticket says about a threat's risk.
type Rating struct {
	Current float64 // 0 to 100
	Band    string  // "low", "medium", "high", "critical"; "" where unrated
}

// Known is what stands in the trackers for a key.
type Known struct {
	Meaning Meaning // of all its tickets together
	Keys    []string
	Members []string // the objects whose state follows it
	Cause   string   // last agreed
	Verdict string   // last noted or agreed
	Episode int      // number of changes of verdict or cause so far
}

// Input is everything that Wants looks at.
type Input struct {
	Model    *model.Model
	Verdicts model.Verdicts
	Ratings  map[model.ThreatID]Rating
	Policy   Policy
	Known    map[Key]Known
	// Page returns the address of our page about an object of the kind
	// ("threat", "weakness", "countermeasure"); nil leaves links out.
	Page func(kind, id string) string
	Now  time.Time
}

// Wants returns the tickets that should exist now, and what should become of
// those that exist, sorted by purpose and object. It is pure: the same input
// gives the same wants.
func Wants(in Input) []Want {
	b := newWanting(in)
	b.countermeasures()
	b.threats()
	b.vulnerabilities()
	b.gone()
	slices.SortFunc(b.out, func(x, y Want) int {
		return cmp.Or(cmp.Compare(x.Key.Purpose, y.Key.Purpose), cmp.Compare(x.Key.Object, y.Key.Object))
	})
	return b.out
}

// RequirementID returns the object of the ticket that a requirement's places share.
func RequirementID(p model.ProductID, ref string) string {
	return model.DeriveID("req", string(p), ref)
}

type wanting struct {
	Input
	places     map[model.ElementID]place
	risks      map[model.ThreatID]*model.Threat
	weaknesses map[model.WeaknessID]*model.Weakness
	cms        map[model.CountermeasureID]*model.Countermeasure
	byCM       map[model.CountermeasureID][]model.Link
	byWeakness map[model.WeaknessID][]model.Link
	byThreat   map[model.ThreatID][]model.Link
	group      map[model.CountermeasureID]string // requirement that a countermeasure's ticket is shared by
	out        []Want
	done       map[Key]bool
}

// place is an element as a ticket names it.
type place struct {
	name, kind string
	tags       []string
	out        bool // of scope
}

func newWanting(in Input) *wanting {
	b := &wanting{
		Input: in, places: map[model.ElementID]place{}, risks: map[model.ThreatID]*model.Threat{},
		weaknesses: map[model.WeaknessID]*model.Weakness{}, cms: map[model.CountermeasureID]*model.Countermeasure{},
		byCM: map[model.CountermeasureID][]model.Link{}, byWeakness: map[model.WeaknessID][]model.Link{},
		byThreat: map[model.ThreatID][]model.Link{}, group: map[model.CountermeasureID]string{}, done: map[Key]bool{},
	}
	m := in.Model
	b.places[model.AtProduct] = place{name: m.Product.Name, kind: "product", tags: m.Product.Tags}
	for _, c := range m.Components {
		b.places[c.ID] = place{name: c.Name, kind: string(c.Kind), tags: slices.Concat(c.Tags, m.Product.Tags), out: c.OutOfScope}
	}
	for _, f := range m.Flows {
		b.places[f.ID] = place{name: f.Name, kind: "flow", tags: slices.Concat(f.Tags, m.Product.Tags), out: f.OutOfScope}
	}
	for i := range m.Threats {
		b.risks[m.Threats[i].ID] = &m.Threats[i]
	}
	for i := range m.Weaknesses {
		b.weaknesses[m.Weaknesses[i].ID] = &m.Weaknesses[i]
	}
	for i := range m.Countermeasures {
		b.cms[m.Countermeasures[i].ID] = &m.Countermeasures[i]
	}
	for _, l := range m.Links {
		if l.Retired != nil {
			continue
		}
		b.byThreat[l.Threat] = append(b.byThreat[l.Threat], l)
		if l.Weakness != "" {
			b.byWeakness[l.Weakness] = append(b.byWeakness[l.Weakness], l)
		}
		if l.Countermeasure != "" {
			b.byCM[l.Countermeasure] = append(b.byCM[l.Countermeasure], l)
		}
	}
	return b
}

// wanted reports whether policy pushes the object.
func (b *wanting) wanted(p Purpose, object string) bool {
	if b.Policy.Published[object] {
		return true
	}
	switch b.Policy.Push {
	case PushThreats:
		return p == ForThreat
	case PushBoth:
		return true
	case PushManual:
		return false
	}
	return p == ForCountermeasure
}

// add completes a want with what is common to all.
func (b *wanting) add(w Want, ref string, at model.ElementID) {
	b.done[w.Key] = true
	known, exists := b.Known[w.Key]
	if u, ok := b.Policy.Unwanted[w.Key.Object]; ok {
		if !exists {
			return
		}
		w.State, w.Cause, w.At, w.Note = WantUndone, "undone", u.At, nil
	}
	if !exists && w.State != WantOpen {
		return
	}
	w.Product = b.Model.Product.ID
	w.Target = b.Policy.Route(w.Key.Purpose, ref, at, b.places[at].tags)
	w.Labels = append([]string{Label}, b.Policy.Labels...)
	w.Priority = b.Policy.Priorities[w.Band]
	w.Fields = b.Policy.Fields
	if w.Objects == nil {
		w.Objects = []string{w.Key.Object}
	}
	if w.Note != nil {
		w.Note.Key += "-" + strconv.Itoa(known.Episode+1)
	}
	b.out = append(b.out, w)
}

func (b *wanting) countermeasures() {
	groups := map[string][]*model.Countermeasure{}
	for i := range b.Model.Countermeasures {
		c := &b.Model.Countermeasures[i]
		own := Key{string(c.ID), ForCountermeasure}
		req := RequirementID(b.Model.Product.ID, c.Ref)
		shared, grouped := b.Known[Key{req, ForCountermeasure}]
		_, alone := b.Known[own]
		member := grouped && slices.Contains(shared.Members, string(c.ID))
		// A countermeasure stays with the ticket it has, whatever grouping says now.
		if !alone && (member || b.Policy.Grouping == GroupRequirement && c.State == model.Required && c.Retired == nil) {
			groups[req] = append(groups[req], c)
			b.group[c.ID] = req
			continue
		}
		b.countermeasure(c, own)
	}
	for _, req := range slices.Sorted(maps.Keys(groups)) {
		b.requirement(req, groups[req])
	}
}

// stand is what a countermeasure's or threat's state means for its ticket.
type stand struct {
	state   WantState
	cause   string
	at      time.Time
	rejects bool
	reason  string
}

func (b *wanting) standOf(c *model.Countermeasure) stand {
	set := c.Sets["state"]
	s := stand{state: WantClosed, cause: string(c.State), at: set.At, reason: cmp.Or(c.StateReason, set.Reason)}
	switch {
	case c.Retired != nil:
		return stand{WantClosed, "retired", c.Retired.At, true, c.Retired.Reason}
	case b.places[c.Where].out:
		return stand{WantClosed, "out of scope", time.Time{}, true, "what it protects is out of scope"}
	case c.State == model.Required:
		s.state = WantOpen
	case set.By == model.SetByTracker:
		s.state = WantLeave
	case c.State != model.Implemented:
		s.rejects = true
	}
	return s
}

func (b *wanting) countermeasure(c *model.Countermeasure, key Key) {
	s := b.standOf(c)
	known, exists := b.Known[key]
	if !exists && (s.state != WantOpen || !b.wanted(ForCountermeasure, key.Object)) {
		return
	}
	w := Want{Key: key, State: s.state, Cause: s.cause, At: s.at, Rejects: s.rejects}
	w.Band = b.band(b.threatsOf(c))
	w.Summary = c.Title + at(b.places[c.Where])
	w.Body = b.countermeasureText(c)
	w.Page, w.Title = b.page("countermeasure", string(c.ID)), c.Title
	b.verdictNote(&w, known, exists, []*model.Countermeasure{c})
	b.stateNote(&w, known, s)
	b.add(w, c.Ref, c.Where)
}

// requirement is the one ticket of a requirement at several places.
func (b *wanting) requirement(req string, cs []*model.Countermeasure) {
	key := Key{req, ForCountermeasure}
	known, exists := b.Known[key]
	slices.SortFunc(cs, func(x, y *model.Countermeasure) int {
		return cmp.Or(cmp.Compare(b.places[x.Where].name, b.places[y.Where].name), cmp.Compare(x.ID, y.ID))
	})
	var all stand
	w := Want{Key: key}
	var open []string
	for i, c := range cs {
		s := b.standOf(c)
		w.Objects = append(w.Objects, string(c.ID))
		if s.state == WantOpen {
			open = append(open, string(c.ID))
		}
		if i == 0 || s.state == WantOpen || s.state == WantLeave && all.state == WantClosed || s.state == all.state && s.at.After(all.at) {
			all = s
		}
	}
	slices.Sort(w.Objects)
	if all.state == WantOpen {
		// A place that joins a finished requirement is a new cause to reopen its ticket.
		slices.Sort(open)
		all.cause += " " + model.DeriveID("at", open...)[:11]
	}
	published := slices.ContainsFunc(append(open, req), func(o string) bool { return b.wanted(ForCountermeasure, o) })
	if !exists && (all.state != WantOpen || !published) {
		return
	}
	var ts []*model.Threat
	for _, c := range cs {
		ts = append(ts, b.threatsOf(c)...)
	}
	w.State, w.Cause, w.At, w.Rejects = all.state, all.cause, all.at, all.rejects
	w.Band = b.band(ts)
	w.Summary = cs[0].Title + " (" + count(len(cs), "place") + ")"
	w.Body = b.requirementText(cs)
	w.Page, w.Title = b.page("countermeasure", string(cs[0].ID)), cs[0].Title
	b.verdictNote(&w, known, exists, cs)
	b.stateNote(&w, known, all)
	b.add(w, cs[0].Ref, cs[0].Where)
}

// verdictNote notes a change of what tests say about the countermeasures, where
// no vulnerability ticket says it instead.
func (b *wanting) verdictNote(w *Want, known Known, exists bool, cs []*model.Countermeasure) {
	verdict, text := b.verdict(cs)
	if verdict == "" && known.Verdict == string(model.Fail) {
		verdict, text = "gone", "The failure is no longer reported."
	}
	w.Verdict = verdict
	if verdict == "" {
		w.Verdict = known.Verdict
	}
	if !exists || verdict == "" || verdict == known.Verdict {
		return
	}
	if verdict == string(model.Fail) && !known.Meaning.Closed() || verdict == string(model.Fail) && !b.opens(cs) {
		w.Note = note("fail", "A security test of this countermeasure fails.", text)
	}
	if verdict == string(model.Pass) {
		w.Note = note("pass", "Verified: the security test of this countermeasure passes.", text)
	}
	if verdict == "gone" {
		w.Note = note("gone", text, "")
	}
}

// opens reports whether a failure of the countermeasures gets its own ticket.
func (b *wanting) opens(cs []*model.Countermeasure) bool {
	switch b.Policy.Vulnerabilities.Open {
	case OpenNever:
		return false
	case OpenAnyFail:
		return true
	}
	return slices.ContainsFunc(cs, func(c *model.Countermeasure) bool { return c.State == model.Implemented })
}

// verdict is the worst of what tests say about the countermeasures and the
// weaknesses they are for; a pass counts only on a countermeasure itself.
func (b *wanting) verdict(cs []*model.Countermeasure) (verdict, text string) {
	for _, c := range cs {
		if c.Retired != nil {
			continue
		}
		e := b.Verdicts.Countermeasures[c.ID]
		if e.Verdict == model.Fail {
			return string(model.Fail), e.Text
		}
		for _, l := range b.byCM[c.ID] {
			if e := b.Verdicts.Weaknesses[l.Weakness]; e.Verdict == model.Fail {
				return string(model.Fail), e.Text
			}
		}
		if e.Verdict == model.Pass && !e.Stale {
			verdict, text = string(model.Pass), e.Text
		}
	}
	return verdict, text
}

// stateNote says in the ticket why it is closed or reopened by us.
func (b *wanting) stateNote(w *Want, known Known, s stand) {
	if w.Note != nil || known.Cause == "" || known.Cause == s.cause || w.State == WantLeave {
		return
	}
	if w.State == WantClosed && !known.Meaning.Closed() {
		w.Note = note("closed", "Closed by Threatloop: "+closedText(s.cause)+".", s.reason)
	}
	if w.State == WantOpen && known.Meaning.Closed() {
		w.Note = note("open", "Reopened by Threatloop: this is required.", s.reason)
	}
}

func closedText(cause string) string {
	switch cause {
	case string(model.Implemented):
		return "the countermeasure was set to implemented"
	case "retired":
		return "the threat model no longer asks for it"
	}
	return "the threat model now says " + strings.ReplaceAll(cause, "_", " ")
}

func (b *wanting) threats() {
	for i := range b.Model.Threats {
		t := &b.Model.Threats[i]
		key := Key{string(t.ID), ForThreat}
		known, exists := b.Known[key]
		s := b.threatStand(t)
		if !exists && (s.state != WantOpen || !b.wanted(ForThreat, key.Object)) {
			continue
		}
		w := Want{Key: key, State: s.state, Cause: s.cause, At: s.at, Rejects: s.rejects}
		w.Band = b.band([]*model.Threat{t})
		w.Summary = "Threat without countermeasure: " + t.Title + at(b.places[t.Where])
		w.Body = b.threatText(t)
		w.Page, w.Title = b.page("threat", string(t.ID)), t.Title
		b.stateNote(&w, known, s)
		b.add(w, "", t.Where)
	}
}

func (b *wanting) threatStand(t *model.Threat) stand {
	set := t.Sets["status"]
	s := stand{state: WantClosed, cause: string(t.Status), at: set.At, reason: cmp.Or(t.StatusReason, set.Reason)}
	countered := slices.ContainsFunc(b.byThreat[t.ID], func(l model.Link) bool {
		c := b.cms[l.Countermeasure]
		return c != nil && c.Retired == nil
	})
	carried := t.Status == model.Accepted || t.Status == model.Transferred
	ended := carried && t.Acceptance != nil && !t.Acceptance.Ends.IsZero() && !b.Now.Before(t.Acceptance.Ends)
	switch {
	case t.Retired != nil:
		return stand{WantClosed, "retired", t.Retired.At, true, t.Retired.Reason}
	case b.places[t.Where].out:
		return stand{WantClosed, "out of scope", time.Time{}, true, "where it could happen is out of scope"}
	case (t.Status == model.Open || ended) && countered:
		s.state, s.cause = WantLeave, "countermeasure"
	case ended:
		return stand{state: WantOpen, cause: "acceptance ended", at: t.Acceptance.Ends, reason: "the acceptance ended"}
	case t.Status == model.Open:
		s.state = WantOpen
	case set.By == model.SetByTracker:
		s.state = WantLeave
	case t.Status != model.Mitigated && t.Status != model.Eliminated:
		s.rejects = true
	}
	return s
}

// gone closes the tickets whose object the model does not have any more.
func (b *wanting) gone() {
	for _, key := range slices.SortedFunc(maps.Keys(b.Known), func(x, y Key) int {
		return cmp.Or(cmp.Compare(x.Purpose, y.Purpose), cmp.Compare(x.Object, y.Object))
	}) {
		if b.done[key] {
			continue
		}
		known := b.Known[key]
		w := Want{Key: key, State: WantClosed, Cause: "removed", Rejects: true, Objects: known.Members}
		b.stateNote(&w, known, stand{state: WantClosed, cause: "removed"})
		b.add(w, "", model.AtProduct)
	}
}

func note(key, head, text string) *Note {
	n := &Note{Key: key, Body: richtext.Doc{richtext.P(richtext.Text(head))}}
	if text != "" {
		n.Body = append(n.Body, richtext.P(richtext.Text(text)))
	}
	return n
}
