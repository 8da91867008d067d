package ticketing

import (
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Push says which objects get a ticket.
type Push string

// What can be pushed. The zero value is PushRequired.
const (
	PushRequired Push = "required" // required countermeasures
	PushThreats  Push = "threats"  // open threats that have no countermeasure
	PushBoth     Push = "both"
	PushManual   Push = "manual" // only what a person publishes
)

// Open says when a vulnerability ticket opens by itself.
type Open string

// When vulnerability tickets open. The zero value is OpenContradicted.
const (
	OpenContradicted Open = "contradicted" // a countermeasure is claimed as implemented and a test fails
	OpenAnyFail      Open = "any_fail"     // any failing test on a weakness or countermeasure
	OpenNever        Open = "never"
)

// Grouping says how required countermeasures become tickets.
type Grouping string

// The groupings. The zero value is GroupComponent.
const (
	GroupComponent   Grouping = "component"   // one ticket per countermeasure at a place
	GroupRequirement Grouping = "requirement" // one ticket per requirement, its places as a list
)

// Policy is a product's standing decision about its tickets. The zero value
// pushes required countermeasures once a person released them.
type Policy struct {
	Push Push `json:"push,omitempty"`
	// Auto publishes new wants without asking, except where AskAbove holds them.
	Auto bool `json:"auto,omitempty"`
	// AskAbove is the number of new tickets at once above which a person is
	// asked even with Auto; 0 means 20, a negative number never asks.
	AskAbove        int                  `json:"ask_above,omitempty"`
	Vulnerabilities VulnerabilityPolicy  `json:"vulnerabilities"`
	Grouping        Grouping             `json:"grouping,omitempty"`
	Routes          []Route              `json:"routes,omitempty"`
	Default         Target               `json:"default"`
	Priorities      map[string]string    `json:"priorities,omitempty"` // band -> the tracker's priority name or id
	Labels          []string             `json:"labels,omitempty"`     // added to every ticket, besides Label
	Fields          map[string]any       `json:"fields,omitempty"`     // values of required custom fields, by field id
	NotesPerDay     int                  `json:"notes_per_day,omitempty"`
	Published       map[string]bool      `json:"published,omitempty"` // objects a person published, for PushManual
	Unwanted        map[string]Unpublish `json:"unwanted,omitempty"`  // objects whose publication a person undid
}

// Connections returns the connections that the policy sends tickets to, sorted.
func (p Policy) Connections() []string {
	var ids []string
	for _, r := range append([]Route{{Target: p.Default}}, p.Routes...) {
		if r.Target.Connection != "" {
			ids = append(ids, r.Target.Connection)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Projects returns the projects on a connection that the policy sends tickets to, sorted.
func (p Policy) Projects(connection string) []string {
	var out []string
	for _, r := range append([]Route{{}}, p.Routes...) {
		t := r.Target
		t.fill(p.Default)
		if t.Connection == connection && t.Project != "" {
			out = append(out, t.Project)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Unpublish is a person's decision that an object's ticket is not wanted.
type Unpublish struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// VulnerabilityPolicy is the part of a policy that concerns vulnerability tickets.
type VulnerabilityPolicy struct {
	Open Open `json:"open,omitempty"`
	// ClosePass closes the ticket once the failure is gone.
	ClosePass bool `json:"close_on_pass,omitempty"`
	// CloseAfter is for how many seconds the pass must have stood before the ticket
	// closes, so that a flapping test does not flap the ticket.
	CloseAfter int64 `json:"close_after,omitempty" doc:"Seconds for which the pass must have stood"`
	// Reopen reopens the ticket on a regression.
	Reopen bool `json:"reopen,omitempty"`
}

// maxCloseAfter is ten years in seconds.
const maxCloseAfter = 10 * 365 * 24 * 3600

// Target is where a ticket belongs; empty fields are filled from a less
// specific route, at last from the policy's default.
type Target struct {
	Connection string `json:"connection,omitempty"` // id of one of our connections
	Project    string `json:"project,omitempty"`
	Type       string `json:"type,omitempty"`
	Parent     string `json:"parent,omitempty"`
	Assignee   string `json:"assignee,omitempty"`
}

// Route sends matching wants to a target. Every given condition must hold.
type Route struct {
	Countermeasure string          `json:"countermeasure,omitempty"` // the countermeasure's ref
	Component      model.ElementID `json:"component,omitempty"`
	Tag            string          `json:"tag,omitempty"` // a tag of the component, flow or product
	Purpose        Purpose         `json:"purpose,omitempty"`
	Target         Target          `json:"target"`
}

// rank orders routes: countermeasure before component before tag before the rest.
func (r Route) rank() int {
	n := 0
	if r.Countermeasure != "" {
		n += 8
	}
	if r.Component != "" {
		n += 4
	}
	if r.Tag != "" {
		n += 2
	}
	if r.Purpose != "" {
		n++
	}
	return n
}

// Route returns the target of a want: each field comes from the most specific
// route that gives it, then from the default. Of equally specific routes the
// first listed wins.
func (p Policy) Route(purpose Purpose, ref string, at model.ElementID, tags []string) Target {
	var hits []Route
	for _, r := range p.Routes {
		if r.Countermeasure != "" && r.Countermeasure != ref ||
			r.Component != "" && r.Component != at ||
			r.Tag != "" && !slices.Contains(tags, r.Tag) ||
			r.Purpose != "" && r.Purpose != purpose {
			continue
		}
		hits = append(hits, r)
	}
	slices.SortStableFunc(hits, func(a, b Route) int { return b.rank() - a.rank() })
	var t Target
	for _, r := range append(hits, Route{Target: p.Default}) {
		t.fill(r.Target)
	}
	return t
}

// fill takes what t lacks from a less specific target. A project, type or
// parent belongs to its connection: it is not taken over from another one's.
func (t *Target) fill(o Target) {
	if t.Connection != "" && o.Connection != "" && t.Connection != o.Connection {
		return
	}
	if t.Project != "" && o.Project != "" && t.Project != o.Project {
		o.Type, o.Parent = "", ""
	}
	pick := func(dst *string, src string) {
		if *dst == "" {
			*dst = src
		}
	}
	pick(&t.Connection, o.Connection)
	pick(&t.Project, o.Project)
	pick(&t.Type, o.Type)
	pick(&t.Parent, o.Parent)
	pick(&t.Assignee, o.Assignee)
}

// Validate checks a policy before it is saved.
func (p Policy) Validate() error {
	err := fault.New(fault.Invalid, "ticket.policy", "the ticket policy is not valid")
	oneOf := func(where, got string, allowed ...string) {
		if got != "" && !slices.Contains(allowed, got) {
			err.With(where, "%q is not one of %s", got, strings.Join(allowed, ", "))
		}
	}
	oneOf("push", string(p.Push), string(PushRequired), string(PushThreats), string(PushBoth), string(PushManual))
	oneOf("vulnerabilities.open", string(p.Vulnerabilities.Open), string(OpenContradicted), string(OpenAnyFail), string(OpenNever))
	oneOf("grouping", string(p.Grouping), string(GroupComponent), string(GroupRequirement))
	if s := p.Vulnerabilities.CloseAfter; s < 0 || s > maxCloseAfter {
		err.With("vulnerabilities.close_after", "%d is not a number of seconds from 0 to %d", s, maxCloseAfter)
	}
	for _, l := range p.Labels {
		if l == "" || strings.ContainsAny(l, " \t\n") {
			err.With("labels", "%q: a label must not be empty and must not contain spaces", l)
		}
	}
	if len(err.Fields) > 0 {
		return err
	}
	return nil
}

// askAbove returns the effective limit; negative is none.
func (p Policy) askAbove() int {
	if p.AskAbove == 0 {
		return 20
	}
	return p.AskAbove
}

// notesPerDay returns how many comments a ticket gets from us within 24 hours at most.
func (p Policy) notesPerDay() int {
	if p.NotesPerDay <= 0 {
		return 6
	}
	return p.NotesPerDay
}
