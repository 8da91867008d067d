// Package tracker is the neutral contract with issue trackers. An adapter
// (builtin, jira, ...) translates calls and errors, nothing more: retries,
// limits, ambiguity, merging and marker blocks live once, in internal/ticketing
// and in this package's HTTP core. What a tracker can or cannot do is a
// Capabilities value, never a type switch. The package knows nothing of threat
// models: it sees markers, texts, labels and states.
package tracker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// Tracker is one connection to one tracker with one set of credentials.
// Implementations are safe for concurrent use. Every error is an *Error.
// No method repeats a request that may have changed something.
type Tracker interface {
	// Capabilities says what this tracker can do; constant for a connection.
	Capabilities() Capabilities

	// Identify asks the tracker who we are. It is the guard in front of every
	// conclusion from absence: a wrong credential may look like an empty view.
	Identify(ctx context.Context) (Identity, error)

	// Check walks the connection's check list (identity, project, type, fields,
	// permissions, webhook) without changing anything, for doctor and the page.
	Check(ctx context.Context, in Target) ([]Finding, error)

	// Form returns what the tracker demands and offers when a ticket is created there.
	Form(ctx context.Context, in Target) (Form, error)

	// HighWater returns the highest ticket number known in the project, 0 when
	// it has none or the tracker has no per-project numbers.
	HighWater(ctx context.Context, project string) (int64, error)

	// Create makes one ticket. The draft's marker is written into the ticket in
	// the same call. An *Error's Outcome tells whether a ticket may exist.
	Create(ctx context.Context, d Draft) (Ticket, error)

	// Get reads tickets by id or key, following moves. Those that the tracker
	// does not show are absent from the answer (deleted, hidden or no permission).
	Get(ctx context.Context, ids []string) ([]Ticket, error)

	// Find searches for a marker (label, property, text). The answer may lag
	// behind: absence proves nothing. Every hit is verified in its body.
	Find(ctx context.Context, marker string) ([]Ticket, error)

	// Probe reads the tickets with numbers above highWater in the project
	// without an index, as far as consecutive pages exist, and returns those
	// that carry the marker. Only where Capabilities.Probe.
	Probe(ctx context.Context, project string, highWater int64, marker string) ([]Ticket, error)

	// Changed returns one page of the tickets carrying the label that changed
	// since the time (tracker lag and clock skew are the caller's: it passes an
	// overlapping time). known is one ticket id that must be part of the answer
	// whether it changed or not, so that an empty answer means blind, not idle;
	// "" where none is known. Unchanged state costs exactly one request.
	Changed(ctx context.Context, q ChangeQuery) (Page, error)

	// Edit changes fields of a ticket; nil fields are left alone.
	Edit(ctx context.Context, id string, e Edit) error

	// Transition moves a ticket into a status of the wished category. It returns
	// the ticket as it is afterwards: an accepted request proves nothing. Where
	// no way leads there the error's Kind is KindNoTransition.
	Transition(ctx context.Context, id string, w Wish) (Ticket, error)

	// Comments lists a ticket's comments, oldest first.
	Comments(ctx context.Context, id string) ([]Comment, error)

	// Comment adds a comment. Not idempotent: the caller puts a reference line
	// into the text and looks for it before it sends again.
	Comment(ctx context.Context, id string, body richtext.Doc) (Comment, error)

	// Link relates two tickets; relating them again is no error and changes nothing.
	Link(ctx context.Context, from, to string) error

	// SetBackLink puts (or replaces, by its global id) a link from the ticket to
	// our page. A no-op where Capabilities.BackLink is false.
	SetBackLink(ctx context.Context, id, globalID, url, title string) error

	// Hint reads a webhook delivery that was received for this connection and
	// verifies it with the secret. Its content is only a hint to look now.
	Hint(h http.Header, body []byte, secret string) (Hint, error)
}

// Capabilities are facts about a tracker that decisions depend on.
type Capabilities struct {
	Name        string        // "Jira Cloud 1001.0"
	Probe       bool          // tickets have per-project numbers that can be read directly
	Links       bool          // tickets can be linked
	BackLink    bool          // a ticket can carry a link to our page besides its text
	SubTasks    bool          // a ticket can have sub-tasks
	Webhooks    bool          // deliveries are signed with a secret
	SummaryMax  int           // runes of a summary
	BodyMax     int           // characters of a printed description
	SearchLag   time.Duration // expected delay of Find and Changed; 0 when they read the database
	Immediate   bool          // true when a create cannot be executed after its call failed (same process)
	LabelPrefix string        // prefix of a marker label, e.g. "tm-"
}

// Identity is who the tracker takes us for.
type Identity struct {
	ID       string
	Name     string
	TimeZone string // IANA name, "" where unknown
}

// Target is the place where a ticket is to be created.
type Target struct {
	Project string // key or id in the tracker
	Type    string // issue type's id or name
	Parent  string // epic or parent ticket's key, "" for none
}

// Level says how bad a Finding is.
type Level string

// The levels of a check list entry.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Failed  Level = "failed"
)

// Finding is one entry of a connection's check list.
type Finding struct {
	Step  string `json:"step"` // "identity", "project", "type", "fields", "permissions", "statuses", "webhook"
	Level Level  `json:"level"`
	Text  string `json:"text"` // what was found and what to do
}

// Form is what a tracker's create screen demands and offers.
type Form struct {
	Fields []FormField
}

// FormField is a field of a create screen.
type FormField struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Required bool     `json:"required"` // and without a default
	Type     string   `json:"type"`     // the tracker's own type name
	Allowed  []Option `json:"allowed,omitempty"`
}

// Option is an allowed value.
type Option struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Draft is a ticket to be made.
type Draft struct {
	Target   Target
	Marker   string // 26 characters, unique to the intent
	Object   string // our object's id, kept in the tracker's hidden property where it has one
	Instance string // our installation's id, likewise
	Summary  string // one line; shortened by the adapter at a character boundary
	Body     richtext.Doc
	Labels   []string       // ours, without the marker label
	Priority string         // tracker priority name or id, "" for the tracker's default
	Assignee string         // account id or name, "" for the tracker's default
	Fields   map[string]any // mapped values of required custom fields, by field id
}

// Category is the neutral state of a ticket.
type Category string

// The categories a tracker's statuses are reduced to.
const (
	New        Category = "new"
	InProgress Category = "indeterminate"
	Done       Category = "done"
	Unknown    Category = "undefined"
)

// Ticket is an issue as read from a tracker.
type Ticket struct {
	ID         string   `json:"id"` // stable, numeric where the tracker has one
	Key        string   `json:"key"`
	URL        string   `json:"url"`
	Project    string   `json:"project"`
	Type       string   `json:"type"`
	Summary    string   `json:"summary"`
	Body       string   `json:"body,omitempty"` // plain text of the description
	Labels     []string `json:"labels,omitempty"`
	Status     string   `json:"status"` // the tracker's own name
	StatusID   string   `json:"status_id"`
	Category   Category `json:"category"`
	Resolution string   `json:"resolution,omitempty"`
	// ResolutionID is the tracker's id of the resolution.
	ResolutionID string   `json:"resolution_id,omitempty"`
	Assignee     string   `json:"assignee,omitempty"`
	Priority     string   `json:"priority,omitempty"`
	Estimate     Estimate `json:"estimate"`
	Parent       string   `json:"parent,omitempty"`
	Links        []string `json:"links,omitempty"`        // ids of linked tickets, sorted
	DuplicateOf  string   `json:"duplicate_of,omitempty"` // id of the ticket this one duplicates
	Markers      []string `json:"markers,omitempty"`      // from property, label and text, property first
	// PropertyMarker is the marker in the tracker's hidden property; "" where it
	// has none or the answer did not include it. A copy that a person makes of
	// our ticket carries label and text, but not the property.
	PropertyMarker string    `json:"property_marker,omitempty"`
	Created        time.Time `json:"created"`
	Updated        time.Time `json:"updated"`
}

// Estimate is the team's own estimate of a ticket; zero values are absent.
type Estimate struct {
	Seconds int64   `json:"seconds,omitempty"`
	Points  float64 `json:"points,omitempty"`
}

// ChangeQuery asks for changed tickets.
type ChangeQuery struct {
	Label  string
	Since  time.Time // zero: everything
	Now    time.Time // the caller's clock, to make the time relative
	Known  string
	Cursor string // of the page before
}

// Page is one page of changed tickets, oldest change first.
type Page struct {
	Tickets []Ticket
	Next    string // "" on the last page
}

// Edit is a change of a ticket's fields.
type Edit struct {
	Summary      *string
	Block        *richtext.Doc // replaces what stands between our two marker lines in the description; a human's text around it is kept
	AddLabels    []string
	RemoveLabels []string
	Marker       string // of the block's marker lines
}

// Wish is a state that a ticket should get.
type Wish struct {
	Category    Category
	Statuses    []string       // preferred statuses by id or name, in order; the category decides otherwise
	Resolution  string         // wanted resolution name or id where the transition asks for one
	Fields      map[string]any // values for required fields of the transition screen
	MaxHops     int            // transitions that may be chained; 0 means 1
	DuplicateOf string         // id of the ticket to name where the resolution is "duplicate"
}

// Comment is a comment on a ticket.
type Comment struct {
	ID      string    `json:"id"`
	Author  string    `json:"author"`
	Text    string    `json:"text"`
	Created time.Time `json:"created"`
}

// Hint is what a webhook delivery says: look at these tickets now.
type Hint struct {
	Delivery string   // stable over redeliveries; "" where the tracker has none
	Tickets  []string // ids
}

// Outcome tells whether a request that failed may have changed something.
type Outcome string

// The three outcomes of a failed request.
const (
	NotSent   Outcome = "not_sent"  // no byte of the request can have been executed
	Rejected  Outcome = "rejected"  // the tracker answered that it did not do it
	Ambiguous Outcome = "ambiguous" // it may have been executed, now or later
)

// ErrorKind is the class of a tracker error.
type ErrorKind string

// The classes of tracker errors.
const (
	KindAuth         ErrorKind = "auth"          // 401, CAPTCHA, expired token: stop at once
	KindPermission   ErrorKind = "permission"    // 403
	KindNotFound     ErrorKind = "not_found"     // 404: deleted or hidden
	KindInvalid      ErrorKind = "invalid"       // 400, 422: Fields says what
	KindConflict     ErrorKind = "conflict"      // 409
	KindRateLimited  ErrorKind = "rate_limited"  // 429; RetryAfter
	KindUnavailable  ErrorKind = "unavailable"   // 5xx, network; RetryAfter where given
	KindProtocol     ErrorKind = "protocol"      // an answer that is not what the tracker's API says (HTML, cut JSON, too big)
	KindNoTransition ErrorKind = "no_transition" // no way leads to the wished state
	KindUnsupported  ErrorKind = "unsupported"   // the tracker has it not, or has it switched off
	KindForged       ErrorKind = "forged"        // a webhook whose signature does not hold
)

// Error is a failed call to a tracker. Its text names the call and the place;
// it never holds a credential or a request body.
type Error struct {
	Outcome    Outcome
	Kind       ErrorKind
	Op         string            // "create issue"
	Status     int               // HTTP status, 0 without an answer
	RetryAfter time.Duration     // 0 where the tracker gave none
	Reason     string            // the tracker's own reason, bounded
	Fields     map[string]string // field id -> text, on KindInvalid
	RequestID  string
	Err        error
}

// Error returns the text of the failure.
func (e *Error) Error() string {
	s := "tracker: " + e.Op + ": " + string(e.Kind)
	if e.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	} else if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Plain returns what went wrong for people: the tracker's own reason or what
// the network said, without the call and the class.
func (e *Error) Plain() string {
	s := e.Reason
	if s == "" && e.Err != nil {
		s = plain(e.Err)
	}
	if e.Status != 0 {
		s = strings.TrimSuffix(fmt.Sprintf("it answered HTTP %d: %s", e.Status, s), ": ")
	}
	if s == "" {
		s = string(e.Kind)
	}
	return s
}

func plain(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no host " + dns.Name
	case errors.As(err, &op) && op.Err != nil:
		return op.Err.Error()
	}
	return err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError returns the first *Error in err's chain; for any other error an
// ambiguous KindUnavailable one, because an unknown failure must never be
// taken for "nothing happened". nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Outcome: Ambiguous, Kind: KindUnavailable, Op: "call", Err: err}
}
