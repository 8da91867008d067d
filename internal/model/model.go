// Package model is what a threat model is: a product, its answers and diagrams,
// and the threats, weaknesses and countermeasures with the links between them.
// It holds types, ids and validation; it knows nothing of rules, ratings,
// files, trackers or databases.
//
// Invariants (Validate): ids are unique in a model, references exist, trust,
// impact, ease and shares are 0..100, zones do not contain themselves.
package model

import (
	"encoding/json"
	"time"
)

// Ids are opaque strings. Those of generated things are derived (see DeriveID);
// those of drawn or hand-made things are random and given by the caller.
type (
	ProductID        string
	DiagramID        string
	ElementID        string // a component, flow, zone, curve or text; AtProduct for the product itself
	AssetID          string
	ThreatID         string
	WeaknessID       string
	CountermeasureID string
)

// AtProduct is the place of what concerns the product as a whole.
const AtProduct ElementID = "product"

// Extra keeps what a file says that we do not understand, by key, as written.
type Extra map[string]json.RawMessage

// Model is one product's complete threat model. Slices are in drawing or id
// order; Sort brings them into the canonical order.
type Model struct {
	Product         Product          `json:"product"`
	Answers         []Answer         `json:"answers,omitempty"`
	Assets          []Asset          `json:"assets,omitempty"`
	Diagrams        []Diagram        `json:"diagrams,omitempty"`
	Zones           []Zone           `json:"zones,omitempty"`
	Components      []Component      `json:"components,omitempty"`
	Flows           []Flow           `json:"flows,omitempty"`
	Curves          []Curve          `json:"curves,omitempty"`
	Texts           []TextBlock      `json:"texts,omitempty"`
	Threats         []Threat         `json:"threats,omitempty"`
	Weaknesses      []Weakness       `json:"weaknesses,omitempty"`
	Countermeasures []Countermeasure `json:"countermeasures,omitempty"`
	Links           []Link           `json:"links,omitempty"`
	Extra           Extra            `json:"extra,omitempty"`
}

// CIA is a value per security property, each 0..100.
type CIA struct {
	Confidentiality int `json:"confidentiality"`
	Integrity       int `json:"integrity"`
	Availability    int `json:"availability"`
}

// Product is what is being modelled.
type Product struct {
	ID          ProductID `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Owner       string    `json:"owner,omitempty"`
	Tags        []string  `json:"tags,omitempty"`
	Team        string    `json:"team,omitempty"`     // who works on it, in free text
	Template    bool      `json:"template,omitempty"` // made to be copied: no part of the portfolio, no tickets
	// Value is what the product is worth where no asset is modelled; nil is unknown (50, flagged).
	Value *CIA `json:"value,omitempty"`
	// Exposure is how near the product is to an untrusted zone, 0..100, where no
	// component is modelled; nil is unknown.
	Exposure      *int   `json:"exposure,omitempty"`
	Questionnaire string `json:"questionnaire,omitempty"` // ref of the questionnaire that is answered
	// Standards are those that the product keeps: "asvs-5.0", or "asvs-5.0:2" up to level 2
	// (see ParseStandard). What serves their clauses is required.
	Standards []string `json:"standards,omitempty"`
	// Library is the version of the library that the generated part stands at.
	Library string `json:"library,omitempty"`
	// Branch and Environment name the only evidence that moves the ratings; "" is any.
	Branch      string            `json:"branch,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Method      string            `json:"method,omitempty"`    // rating method: "" or "threatloop", or "iriusrisk"
	Tolerance   *float64          `json:"tolerance,omitempty"` // highest rating carried without a decision, 0..100
	Custom      map[string]string `json:"custom,omitempty"`    // custom fields by name
	// Sets tells for "value" and "exposure" that the library's rules set them;
	// what is not listed is a person's and stays.
	Sets  Sets  `json:"sets,omitempty"`
	Extra Extra `json:"extra,omitempty"`
}

// Answer is the answer to one question; Values holds option refs of a choice, or
// one text.
type Answer struct {
	Question string   `json:"question"`
	Values   []string `json:"values"`
}

// Asset is something of value that is stored, processed or carried.
type Asset struct {
	ID          AssetID `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Value       CIA     `json:"value"`
	Extra       Extra   `json:"extra,omitempty"`
}

// Diagram is one data-flow diagram of the model.
type Diagram struct {
	ID          DiagramID `json:"id"`
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	Methodology string    `json:"methodology,omitempty"` // STRIDE, LINDDUN, CIA, ...
	Extra       Extra     `json:"extra,omitempty"`
}

// Box is the place of an element in its diagram, in pixels; Z orders drawing.
type Box struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
	Z int     `json:"z,omitempty"`
}

// Point is a point in a diagram, in pixels.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Kind is the kind of a component.
type Kind string

// The kinds of components of a data-flow diagram.
const (
	Actor   Kind = "actor"
	Process Kind = "process"
	Store   Kind = "store"
)

// Zone is a trust zone; its border is a trust boundary.
type Zone struct {
	ID          ElementID `json:"id"`
	Diagram     DiagramID `json:"diagram,omitempty"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Trust       int       `json:"trust"`            // 0 (anyone) .. 100 (fully trusted)
	Guess       bool      `json:"guess,omitempty"`  // Trust was not said by anybody and waits for a person
	Parent      ElementID `json:"parent,omitempty"` // the zone around this one
	Box         *Box      `json:"box,omitempty"`
	Extra       Extra     `json:"extra,omitempty"`
}

// Component is an actor, process or store.
type Component struct {
	ID          ElementID `json:"id"`
	Diagram     DiagramID `json:"diagram,omitempty"`
	Kind        Kind      `json:"kind"`
	Type        string    `json:"type,omitempty"` // component type's ref in the library
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Zone        ElementID `json:"zone,omitempty"` // innermost trust zone; "" is none
	// Trust overrides the zone's for a component outside every zone; nil is the default (actors 0, everything else 50, a guess).
	Trust      *int              `json:"trust,omitempty"`
	Tags       []string          `json:"tags,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"` // by the library's vocabulary: "encrypted": "yes"
	Stores     []AssetID         `json:"stores,omitempty"`
	Processes  []AssetID         `json:"processes,omitempty"`
	// Locations narrow test results to this component: URL prefixes and path globs.
	Locations        []string `json:"locations,omitempty"`
	OutOfScope       bool     `json:"out_of_scope,omitempty"`
	OutOfScopeReason string   `json:"out_of_scope_reason,omitempty"`
	Box              *Box     `json:"box,omitempty"`
	Extra            Extra    `json:"extra,omitempty"`
}

// Flow carries data from one component to another.
type Flow struct {
	ID               ElementID         `json:"id"`
	Diagram          DiagramID         `json:"diagram,omitempty"`
	Name             string            `json:"name"`
	Description      string            `json:"description,omitempty"`
	From             ElementID         `json:"from,omitempty"` // "" is a loose end at FromPoint
	To               ElementID         `json:"to,omitempty"`   // "" is a loose end at ToPoint
	FromPoint        *Point            `json:"from_point,omitempty"`
	ToPoint          *Point            `json:"to_point,omitempty"`
	Vertices         []Point           `json:"vertices,omitempty"`
	Bidirectional    bool              `json:"bidirectional,omitempty"`
	Protocol         string            `json:"protocol,omitempty"`
	Tags             []string          `json:"tags,omitempty"`
	Attributes       map[string]string `json:"attributes,omitempty"` // "encrypted", "authenticated", "public_network": "yes"|"no"
	Carries          []AssetID         `json:"carries,omitempty"`
	Crosses          []ElementID       `json:"crosses,omitempty"` // boundary curves it crosses, derived from the drawing; zone borders follow from the ends
	OutOfScope       bool              `json:"out_of_scope,omitempty"`
	OutOfScopeReason string            `json:"out_of_scope_reason,omitempty"`
	Extra            Extra             `json:"extra,omitempty"`
}

// Curve is a boundary curve: a line that only marks what crosses it.
type Curve struct {
	ID          ElementID `json:"id"`
	Diagram     DiagramID `json:"diagram,omitempty"`
	Name        string    `json:"name,omitempty"`
	Description string    `json:"description,omitempty"`
	Points      []Point   `json:"points,omitempty"`
	Extra       Extra     `json:"extra,omitempty"`
}

// TextBlock is free text in a diagram.
type TextBlock struct {
	ID      ElementID `json:"id"`
	Diagram DiagramID `json:"diagram,omitempty"`
	Text    string    `json:"text"`
	Box     *Box      `json:"box,omitempty"`
	Extra   Extra     `json:"extra,omitempty"`
}

// Origin tells where an object comes from.
type Origin string

// The origins of an object.
const (
	ByRule   Origin = "rule"   // generated; regeneration may change or retire it
	ByPerson Origin = "person" // added by hand; regeneration leaves it alone
	ByImport Origin = "import" // from a file; regeneration leaves it alone
)

// Setter is who set a field last.
type Setter string

// Who can set a field.
const (
	SetByRule    Setter = "rule"
	SetByPerson  Setter = "person"
	SetByTracker Setter = "tracker"
	SetByTest    Setter = "test"
	SetByImport  Setter = "import"
)

// Set records who set a field, when and why.
type Set struct {
	By     Setter    `json:"by"`
	Actor  string    `json:"actor,omitempty"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	// Wanted is what the rules would have set, as JSON, where they disagree.
	Wanted json.RawMessage `json:"wanted,omitempty"`
}

// Sets holds the setter per field (by JSON name) where it is not the origin's.
// A field listed here is never overwritten by regeneration.
type Sets map[string]Set

// Why is the reason a generated thing is there: each rule or pattern that
// brought it, with what made the rule fire.
type Why struct {
	Rule    string `json:"rule"`              // rule or component type ref
	Pattern string `json:"pattern,omitempty"` // risk pattern ref
	Library string `json:"library"`           // library version
	Facts   []Fact `json:"facts,omitempty"`   // the answers, properties and facts that the rule looked at
	Text    string `json:"text"`              // one sentence for people
}

// Fact is a value that a rule looked at.
type Fact struct {
	Name  string `json:"name"`  // "answers.internet_facing", "flow.crosses_boundary"
	Value string `json:"value"` // as CEL prints it
}

// Retired marks what no rule wants any more but a person, ticket or evidence
// touched: it is kept, counts nowhere, and comes back when a rule wants it again.
type Retired struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// ThreatStatus is the state of a threat.
type ThreatStatus string

// The states of a threat. Whether an open threat is mitigated is not a state but its rating.
const (
	Open          ThreatStatus = "open"
	Mitigated     ThreatStatus = "mitigated" // declared so by a file or a ticket
	NotApplicable ThreatStatus = "not_applicable"
	Accepted      ThreatStatus = "accepted"
	Transferred   ThreatStatus = "transferred"
	Avoided       ThreatStatus = "avoided"
	Eliminated    ThreatStatus = "eliminated"
)

// Acceptance is a person's decision to carry a risk until an end date.
type Acceptance struct {
	Reason string    `json:"reason"`
	Owner  string    `json:"owner"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Ends   time.Time `json:"ends"`
}

// Threat is what could go wrong at a component, a flow or the product.
type Threat struct {
	ID          ThreatID  `json:"id"`
	Where       ElementID `json:"where"`
	Ref         string    `json:"ref"` // path in the library: "sql-injection/read-other-customers-data"; for others a ref of their own
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	Categories  []string  `json:"categories,omitempty"` // "stride:tampering", "linddun:linking", ...
	CAPEC       []int     `json:"capec,omitempty"`
	Impact      CIA       `json:"impact"`
	Ease        int       `json:"ease"` // ease of exploitation 0..100
	// Severity is a file's word for it (low, medium, high, critical, tbd); with
	// no impact and ease given it decides the inherent rating.
	Severity string `json:"severity,omitempty"`
	// Inherent overrides the computed inherent rating, 0..100; nil computes it.
	Inherent     *float64     `json:"inherent,omitempty"`
	Status       ThreatStatus `json:"status"`
	StatusReason string       `json:"status_reason,omitempty"`
	Acceptance   *Acceptance  `json:"acceptance,omitempty"`
	Owner        string       `json:"owner,omitempty"`
	Number       int          `json:"number,omitempty"` // a file's number, never reused
	Origin       Origin       `json:"origin"`
	Why          []Why        `json:"why,omitempty"`
	Sets         Sets         `json:"sets,omitempty"`
	Retired      *Retired     `json:"retired,omitempty"`
	Extra        Extra        `json:"extra,omitempty"`
}

// Weakness is the flaw that makes a threat possible; one per place and ref,
// shared by the threats there.
type Weakness struct {
	ID          WeaknessID `json:"id"`
	Where       ElementID  `json:"where"`
	Ref         string     `json:"ref"`
	Title       string     `json:"title"`
	Description string     `json:"description,omitempty"`
	CWE         int        `json:"cwe,omitempty"`    // 0 is none
	Impact      int        `json:"impact,omitempty"` // 0..100, used by the iriusrisk method only; 0 is unset (100)
	Test        string     `json:"test,omitempty"`   // what a test would show
	Origin      Origin     `json:"origin"`
	Why         []Why      `json:"why,omitempty"`
	Sets        Sets       `json:"sets,omitempty"`
	Retired     *Retired   `json:"retired,omitempty"`
	Extra       Extra      `json:"extra,omitempty"`
}

// State is the state of a countermeasure.
type State string

// The states of a countermeasure.
const (
	Recommended        State = "recommended"
	Required           State = "required"
	Implemented        State = "implemented"
	Rejected           State = "rejected"
	StateNotApplicable State = "not_applicable"
)

// Cost of a countermeasure; the unit is "days" or a currency code.
type Cost struct {
	Amount float64 `json:"amount"`
	Unit   string  `json:"unit"`
}

// Clause is a clause of a standard that a countermeasure serves.
type Clause struct {
	Standard string `json:"standard"` // "asvs-5.0"
	Clause   string `json:"clause"`   // "v5.0.0-1.2.4"
}

// Countermeasure is what is done about weaknesses; one per place and ref.
type Countermeasure struct {
	ID          CountermeasureID `json:"id"`
	Where       ElementID        `json:"where"`
	Ref         string           `json:"ref"`
	Title       string           `json:"title"`
	Description string           `json:"description,omitempty"`
	State       State            `json:"state"`
	StateReason string           `json:"state_reason,omitempty"`
	Standards   []Clause         `json:"standards,omitempty"`
	Cost        *Cost            `json:"cost,omitempty"`
	Test        string           `json:"test,omitempty"`      // what a passing test would show
	Mandatory   []string         `json:"mandatory,omitempty"` // refs of tests that must pass before it counts as passed
	Owner       string           `json:"owner,omitempty"`
	Origin      Origin           `json:"origin"`
	Why         []Why            `json:"why,omitempty"`
	Sets        Sets             `json:"sets,omitempty"`
	Retired     *Retired         `json:"retired,omitempty"`
	Extra       Extra            `json:"extra,omitempty"`
}

// Link says that a weakness makes a threat possible and, where Countermeasure is
// given, that the countermeasure takes Share (0..100) off the threat's risk.
// Weakness "" is a countermeasure that serves the threat directly.
type Link struct {
	Threat         ThreatID         `json:"threat"`
	Weakness       WeaknessID       `json:"weakness,omitempty"`
	Countermeasure CountermeasureID `json:"countermeasure,omitempty"`
	Share          float64          `json:"share,omitempty"`
	Origin         Origin           `json:"origin"`
	Sets           Sets             `json:"sets,omitempty"`
	Retired        *Retired         `json:"retired,omitempty"`
}

// Verdict is what evidence says of a weakness or countermeasure.
type Verdict string

// The verdicts.
const (
	Untested Verdict = "untested"
	Pass     Verdict = "pass"
	Fail     Verdict = "fail"
)

// Evidence is the verdict on one weakness or countermeasure. A fail holds
// however old it is; a stale pass no longer verifies.
type Evidence struct {
	Verdict Verdict   `json:"verdict"`
	Stale   bool      `json:"stale,omitempty"`
	At      time.Time `json:"at"`
	Text    string    `json:"text,omitempty"` // which test or rule, in which run
}

// Verdicts holds the evidence by weakness or countermeasure id; absent is untested.
type Verdicts struct {
	Weaknesses      map[WeaknessID]Evidence
	Countermeasures map[CountermeasureID]Evidence
}
