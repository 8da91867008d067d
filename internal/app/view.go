package app

import (
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/tracker"
)

// ProductView is a product as its people see it.
type ProductView struct {
	ID            model.ProductID `json:"id"`
	Name          string          `json:"name"`
	Description   string          `json:"description,omitempty"`
	Owner         string          `json:"owner,omitempty"`
	Team          string          `json:"team,omitempty"`
	Tags          []string        `json:"tags,omitempty"`
	Template      bool            `json:"template,omitempty" doc:"Made to be copied: no part of the portfolio, no tickets"`
	Archived      bool            `json:"archived,omitempty"`
	Version       int64           `json:"version" doc:"The ETag's number"`
	Created       time.Time       `json:"created"`
	Updated       time.Time       `json:"updated"`
	Questionnaire string          `json:"questionnaire,omitempty"`
	Standards     []string        `json:"standards,omitempty" doc:"Refs of the standards that it keeps, with the level after a colon where not all of it"`
	Library       string          `json:"library,omitempty" doc:"Library version that the generated part stands at"`
	Branch        string          `json:"branch,omitempty"`
	Environment   string          `json:"environment,omitempty"`
	Method        string          `json:"method,omitempty"`
	Tolerance     *float64        `json:"tolerance,omitempty"`
	Value         *model.CIA      `json:"value,omitempty"`
	Exposure      *int            `json:"exposure,omitempty"`
	// Custom are the values of custom fields that the caller may see.
	Custom         map[string]string `json:"custom,omitempty" doc:"Values of custom fields by key, those that the caller may see"`
	CustomNames    map[string]string `json:"custom_names,omitempty" doc:"Names of the people in custom, by the id of their account"`
	CustomProblems []CustomProblem   `json:"custom_problems,omitempty" doc:"What is missing, no longer fits or is no longer defined"`
	Risk           risk.Summary      `json:"risk"`
	// Vulnerabilities counts weaknesses and countermeasures that a test contradicts.
	Vulnerabilities int `json:"vulnerabilities"`
	// Trend is what the product's highest ratings were, oldest first, each from its
	// time on; at most 30 points over 90 days, the last is now.
	Trend []TrendPoint      `json:"trend"`
	Bands map[risk.Band]int `json:"bands" doc:"Open threats by band of their current rating: low, medium, high, critical, unrated"`
	// Exceeds counts threats above tolerance without a decision.
	Exceeds int `json:"exceeds"`
	// TicketsBehind counts tickets that are not made yet, failed or are out of step.
	TicketsBehind int `json:"tickets_behind"`
	// Waiting counts held tickets and test results that wait for a person.
	Waiting  int        `json:"waiting"`
	LastTest *time.Time `json:"last_test,omitempty" doc:"Of the last complete test run"`
	// Role and Can tell what the caller may do; lists of products leave them out.
	Role policy.Role     `json:"role,omitempty" enum:"viewer,developer,modeller,approver,administrator" doc:"The caller's on this product"`
	Can  []policy.Action `json:"can,omitempty" doc:"What the caller may do with this product, sorted"`
}

// TrendPoint is what a product's highest ratings were from a time on, 0..100.
type TrendPoint struct {
	At       time.Time `json:"at"`
	Current  int       `json:"current"`
	Verified int       `json:"verified"`
}

// Evidence is the verdict of tests on a weakness or countermeasure.
type Evidence struct {
	Verdict model.Verdict `json:"verdict" enum:"untested,pass,fail"`
	Stale   bool          `json:"stale,omitempty"`
	At      *time.Time    `json:"at,omitempty"`
	Text    string        `json:"text,omitempty"`
}

// TicketRef is a ticket of an object.
type TicketRef struct {
	Key     string `json:"key"`
	URL     string `json:"url,omitempty"`
	Status  string `json:"status" doc:"The tracker's own word"`
	State   string `json:"state" doc:"What Threatloop makes of it: open, implemented, rejected, closed, pending, held, ambiguous, failed, deleted"`
	Purpose string `json:"purpose" enum:"countermeasure,threat,vulnerability"`
	Note    string `json:"note,omitempty" doc:"Why it waits or failed, and what to do"`
	// Estimate is the team's, as the tracker has it; without one it is absent.
	Estimate *tracker.Estimate `json:"estimate,omitempty" doc:"The team's own estimate, as the tracker has it"`
}

// estimateOf returns an estimate that says something, else nil.
func estimateOf(e tracker.Estimate) *tracker.Estimate {
	if e == (tracker.Estimate{}) {
		return nil
	}
	return &e
}

// ThreatView is a threat with its ratings and what hangs on it.
type ThreatView struct {
	model.Threat
	WhereName       string                   `json:"where_name"`
	OwnerName       string                   `json:"owner_name,omitempty" doc:"Name of the owner's account, or the text that stands for one"`
	Rating          risk.Rating              `json:"rating"`
	Weaknesses      []model.WeaknessID       `json:"weaknesses,omitempty"`
	Countermeasures []model.CountermeasureID `json:"countermeasures,omitempty"`
	Tickets         []TicketRef              `json:"tickets,omitempty"`
	Comments        int                      `json:"comments" doc:"How many"`
	Version         int64                    `json:"version"`
}

// WeaknessView is a weakness with its evidence.
type WeaknessView struct {
	model.Weakness
	WhereName string           `json:"where_name"`
	Evidence  Evidence         `json:"evidence"`
	Threats   []model.ThreatID `json:"threats,omitempty"`
	Current   int              `json:"current" doc:"Highest current rating of the threats that it makes possible"`
	Band      risk.Band        `json:"band" doc:"Of Current"`
	Tickets   []TicketRef      `json:"tickets,omitempty"`
	Comments  int              `json:"comments" doc:"How many"`
	Version   int64            `json:"version"`
}

// CountermeasureView is a countermeasure with its evidence, tickets and effect.
type CountermeasureView struct {
	model.Countermeasure
	WhereName  string             `json:"where_name"`
	OwnerName  string             `json:"owner_name,omitempty" doc:"Name of the owner's account, or the text that stands for one"`
	Evidence   Evidence           `json:"evidence"`
	Weaknesses []model.WeaknessID `json:"weaknesses,omitempty"`
	Threats    []model.ThreatID   `json:"threats,omitempty"`
	Current    int                `json:"current" doc:"Highest current rating of the threats that it serves"`
	Band       risk.Band          `json:"band" doc:"Of Current"`
	Takes      int                `json:"takes" doc:"What it takes, or would take, off the summed current rating"`
	Tickets    []TicketRef        `json:"tickets,omitempty"`
	Comments   int                `json:"comments" doc:"How many"`
	Version    int64              `json:"version"`
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	Total *int   `json:"total,omitempty" doc:"How many there are in all; on the first page of lists that count"`
}

// RatingChange is one change of a threat's or the product's rating, with its cause.
type RatingChange struct {
	At     time.Time    `json:"at"`
	Threat string       `json:"threat,omitempty" doc:"Absent for the product's own figures"`
	Title  string       `json:"title,omitempty"`
	Before risk.Figures `json:"before"`
	After  risk.Figures `json:"after"`
	Cause  Cause        `json:"cause"`
}

// Cause is what moved a rating.
type Cause struct {
	Kind  string `json:"kind" enum:"generated,edited,ticket,test,acceptance,expiry,import,library"`
	Text  string `json:"text"`
	Ref   string `json:"ref,omitempty" doc:"Id of the run, ticket or object"`
	Actor string `json:"actor,omitempty"`
}

// ETag returns the version of the product.
func (v ProductView) ETag() int64 { return v.Version }

// ETag returns the version of the threat.
func (v ThreatView) ETag() int64 { return v.Version }

// ETag returns the version of the weakness.
func (v WeaknessView) ETag() int64 { return v.Version }

// ETag returns the version of the countermeasure.
func (v CountermeasureView) ETag() int64 { return v.Version }

// ETag returns the version of the element.
func (v ElementView) ETag() int64 { return v.Version }

// ETag returns the version of the product that the answers belong to.
func (v AnswersView) ETag() int64 { return v.Version }
