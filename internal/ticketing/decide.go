package ticketing

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// LinkState is the state of the bond between one of our objects and a ticket.
type LinkState string

// The states of a link. Only live ones are kept in agreement.
const (
	LinkLive     LinkState = "live"
	LinkDeleted  LinkState = "deleted"  // the ticket is deleted or hidden, seen twice
	LinkFollowed LinkState = "followed" // closed as a duplicate of a ticket that is linked instead
	LinkUndone   LinkState = "undone"   // its publication was undone
	LinkUnlinked LinkState = "unlinked" // a person let go of it
)

// Link is the bond between one of our objects and a ticket.
type Link struct {
	Key        Key
	Objects    []string // whose state follows the ticket
	Connection string
	TicketID   string
	TicketKey  string
	Marker     string // of the intent that made it; "" for a ticket linked by hand
	Own        bool   // made by us: we write its block and close it
	State      LinkState
	Snapshot   Snapshot
}

// Snapshot is the last agreement about a ticket: what the tracker said, and what
// we had asked for then. Whatever differs from it has been changed by somebody since.
type Snapshot struct {
	// What the tracker said.
	Project    string           `json:"project,omitempty"`
	Type       string           `json:"type,omitempty"`
	Summary    string           `json:"summary,omitempty"`
	Status     string           `json:"status,omitempty"`
	StatusID   string           `json:"status_id,omitempty"`
	Category   tracker.Category `json:"category,omitempty"`
	Resolution string           `json:"resolution,omitempty"`
	Duplicate  string           `json:"duplicate,omitempty"`
	Labels     []string         `json:"labels,omitempty"`
	Links      []string         `json:"links,omitempty"`
	Assignee   string           `json:"assignee,omitempty"`
	Estimate   tracker.Estimate `json:"estimate"`
	Meaning    Meaning          `json:"meaning,omitempty"`
	Updated    time.Time        `json:"updated,omitzero"`

	// What we had asked for.
	Sent    string    `json:"sent,omitempty"`    // summary; the present one is a person's where it differs, "" where nobody knows
	Block   string    `json:"block,omitempty"`   // digest of our block
	Written string    `json:"written,omitempty"` // digest of our block as it read back
	Band    string    `json:"band,omitempty"`    // of the block
	Ours    []string  `json:"ours,omitempty"`    // labels
	Related []string  `json:"related,omitempty"` // tickets we linked it to: ids, of another connection with that in front
	Back    bool      `json:"back,omitempty"`    // the link to our page is set
	Cause   string    `json:"cause,omitempty"`   // of the state
	Verdict string    `json:"verdict,omitempty"` // noted or known when it was last written about
	Episode int       `json:"episode,omitempty"` // changes of verdict or cause so far
	Acting  string    `json:"acting,omitempty"`  // a transition that is under way: "open" or "closed"
	BlockAt time.Time `json:"block_at,omitzero"` // when our block was last written

	// What follows from it.
	HumanAt  time.Time   `json:"human_at,omitzero"`  // when we last saw that somebody moved it
	Taken    bool        `json:"taken,omitempty"`    // somebody gave it another assignee
	Missing  time.Time   `json:"missing,omitzero"`   // since when the tracker does not show it
	Restored bool        `json:"restored,omitempty"` // our labels were put back once
	Frozen   string      `json:"frozen,omitempty"`   // why our block is not written any more
	Stuck    string      `json:"stuck,omitempty"`    // cause and status from which no way led to the wished state
	Noted    []time.Time `json:"noted,omitempty"`    // comments of the last day
}

// ActionKind is what is to be done about a link.
type ActionKind string

// The actions. The comment says which one may follow which.
const (
	ActCreate     ActionKind = "create"     // no ticket yet; alone
	ActRead       ActionKind = "read"       // something may be due: read the ticket, then decide again; alone
	ActFollow     ActionKind = "follow"     // the ticket moved: new key or project
	ActObserve    ActionKind = "observe"    // the tracker changed: tell the model; nothing of ours is sent before it answered
	ActRedirect   ActionKind = "redirect"   // closed as a duplicate: follow the other ticket
	ActNote       ActionKind = "note"       // add a comment, before a transition
	ActTransition ActionKind = "transition" // close or reopen, before an edit
	ActEdit       ActionKind = "edit"       // block, summary, labels
	ActFreeze     ActionKind = "freeze"     // somebody edited our block: do not write it again
	ActRelate     ActionKind = "relate"     // link to another ticket
	ActBackLink   ActionKind = "backlink"   // link to our page
	ActSuspect    ActionKind = "suspect"    // not shown by the tracker: look again later
	ActTombstone  ActionKind = "tombstone"  // not shown twice: deleted or hidden
	ActRelease    ActionKind = "release"    // publication undone, the ticket keeps what people did with it
	ActAgree      ActionKind = "agree"      // nothing to send; remember what was seen
)

// Action is one thing to do about a link.
type Action struct {
	Kind    ActionKind
	Why     string        // for people
	Meaning Meaning       // of ActObserve: what the ticket says now
	Wish    *tracker.Wish // of ActTransition
	Edit    *tracker.Edit // of ActEdit
	Note    *Note
	Ticket  string // of ActRelate and ActRedirect: the other ticket's id
	Afar    *Peer  // of ActRelate: the other ticket, where it is in another tracker
	State   LinkState
}

// Situation is all that Decide looks at.
type Situation struct {
	Want   *Want           // nil: nothing known, only the tracker's news matter
	Link   *Link           // nil: no ticket yet
	Seen   *tracker.Ticket // as just read; nil: not read
	Absent bool            // the tracker, asked with a healthy identity, did not show the ticket
	Table  StatusTable
	Policy Policy
	Caps   tracker.Capabilities
	Peers  map[Key][]string // ids of the tickets of other objects, on the same connection
	Afar   []Peer           // tickets on other connections that this one belongs to, or that belong to it
	Now    time.Time
}

// Peer is a ticket on another connection.
type Peer struct {
	Connection, ID, Key, URL string
}

// mark names a peer in Snapshot.Related.
func (p *Peer) mark() string { return p.Connection + "/" + p.ID }

const (
	blockEvery   = 24 * time.Hour
	confirmAfter = time.Hour
)

// Decide returns what to do about a link, in the order in which to do it; nil
// when everything agrees. It is pure. Without a fresh reading of an existing
// ticket it returns at most ActRead: we write only on what we have just seen.
func Decide(s Situation) []Action {
	if s.Link == nil {
		if s.Want != nil && s.Want.State == WantOpen {
			return []Action{{Kind: ActCreate, Why: "wanted: " + s.Want.Cause}}
		}
		return nil
	}
	republished := s.Link.State == LinkUndone && s.Want != nil && s.Want.State == WantOpen
	if s.Link.State != LinkLive && !republished {
		return nil
	}
	if s.Absent {
		return s.absent()
	}
	if s.Seen == nil {
		assumed := s.Link.Snapshot.ticket(s.Link)
		if s.Link.Snapshot.Acting == "" && len(s.decide(assumed)) == 0 {
			return nil
		}
		return []Action{{Kind: ActRead, Why: "something may be due"}}
	}
	return s.decide(*s.Seen)
}

func (s Situation) absent() []Action {
	missing := s.Link.Snapshot.Missing
	switch {
	case missing.IsZero():
		return []Action{{Kind: ActSuspect, Why: "the tracker does not show " + s.Link.TicketKey}}
	case s.Now.Sub(missing) >= confirmAfter:
		return []Action{{Kind: ActTombstone, Why: s.Link.TicketKey + " is deleted or hidden", Meaning: MeansDeleted, State: LinkDeleted}}
	}
	return nil
}

// ticket is the ticket as last agreed.
func (n Snapshot) ticket(l *Link) tracker.Ticket {
	return tracker.Ticket{
		ID: l.TicketID, Key: l.TicketKey, Project: n.Project, Type: n.Type, Summary: n.Summary, Status: n.Status, StatusID: n.StatusID,
		Category: n.Category, Resolution: n.Resolution, DuplicateOf: n.Duplicate, Labels: n.Labels, Links: n.Links,
		Assignee: n.Assignee, Estimate: n.Estimate, Updated: n.Updated,
	}
}

func (s Situation) decide(seen tracker.Ticket) []Action {
	var out []Action
	snap := s.Link.Snapshot
	if seen.Key != s.Link.TicketKey || seen.Project != snap.Project && snap.Project != "" {
		out = append(out, Action{Kind: ActFollow, Why: s.Link.TicketKey + " is now " + seen.Key})
	}
	news, told := s.news(seen)
	out = append(out, news...)
	if told {
		return out
	}
	if s.Want != nil {
		out = append(out, s.move(seen)...)
		if s.Link.Own {
			out = append(out, s.edit(seen)...)
		}
		out = append(out, s.relate(seen)...)
	}
	if len(out) == 0 && s.Seen != nil && !snap.agrees(s.settled(), seen, s.Table) {
		out = append(out, Action{Kind: ActAgree, Why: "remember what was seen"})
	}
	return out
}

// news returns what the tracker tells. told says that its state changed, so that
// nothing of ours may be decided before the model knows.
func (s Situation) news(seen tracker.Ticket) (out []Action, told bool) {
	snap := s.Link.Snapshot
	m := s.Table.Read(seen)
	ours := snap.Acting != "" && (snap.Acting == string(WantClosed)) == m.Closed()
	switch {
	case m == snap.Meaning || ours || snap.Meaning == "" && s.Link.Own:
	case m == MeansDuplicate:
		return []Action{{Kind: ActRedirect, Why: "closed as a duplicate", Ticket: seen.DuplicateOf, State: LinkFollowed}}, true
	default:
		return []Action{{Kind: ActObserve, Why: "now " + seen.Status, Meaning: m}}, true
	}
	if seen.Estimate != snap.Estimate && snap.Meaning != "" {
		out = append(out, Action{Kind: ActObserve, Why: "estimated", Meaning: m})
	}
	return out, false
}

// move returns the note and the transition that bring the ticket into the wanted state.
func (s Situation) move(seen tracker.Ticket) []Action {
	w, snap := s.Want, s.Link.Snapshot
	closed := s.Table.Read(seen).Closed()
	// A move of ours that was cut short was made for a cause that is not agreed upon.
	changed := w.Cause != snap.Cause || snap.Acting != ""
	// A person's move stands until something newer than it says otherwise.
	newer := snap.HumanAt.IsZero() || w.At.After(snap.HumanAt) || changed && w.At.IsZero()
	stuck := w.Cause + "|" + seen.StatusID
	var out []Action
	var wish *tracker.Wish
	switch {
	case !s.Link.Own && w.State == WantUndone:
		return nil
	case !s.Link.Own:
	case w.State == WantUndone && s.touched(seen):
		return []Action{{Kind: ActRelease, Why: "publication undone; people worked on the ticket, so it stays", State: LinkUndone}}
	case w.State == WantUndone && closed:
		return []Action{{Kind: ActRelease, Why: "publication undone", State: LinkUndone}}
	case w.State == WantUndone:
		out = append(out, Action{Kind: ActNote, Note: note("undone-"+itoa(snap.Episode+1), "Closed by Threatloop: its publication was undone.", "")})
		wish = s.close(true)
	case w.State == WantClosed && !closed && newer:
		wish = s.close(w.Rejects)
	case w.State == WantOpen && closed && changed && newer:
		wish = &tracker.Wish{Category: tracker.New, Statuses: s.Table.Reopen, Fields: s.Table.Fields, MaxHops: s.Table.MaxHops}
	}
	if s.notes() && s.mayNote() {
		out = append(out, Action{Kind: ActNote, Why: "say what changed", Note: w.Note})
	}
	if wish != nil && snap.Stuck != stuck {
		out = append(out, Action{Kind: ActTransition, Why: string(w.State) + ": " + w.Cause, Wish: wish})
	}
	if w.State == WantUndone {
		out = append(out, Action{Kind: ActRelease, Why: "publication undone", State: LinkUndone})
	}
	return out
}

func (s Situation) close(rejects bool) *tracker.Wish {
	w := &tracker.Wish{Category: tracker.Done, Statuses: s.Table.Done, Resolution: s.Table.Resolution, Fields: s.Table.Fields, MaxHops: s.Table.MaxHops}
	if rejects {
		w.Resolution = s.Table.RejectResolution
		if w.Resolution == "" {
			w.Resolution = "Won't Do"
		}
	}
	return w
}

// touched reports whether anybody did something with a ticket that we made.
func (s Situation) touched(seen tracker.Ticket) bool {
	snap := s.Link.Snapshot
	return seen.Category != tracker.New && seen.Category != tracker.Unknown && !s.Table.Read(seen).Closed() ||
		!snap.HumanAt.IsZero() || snap.Taken || seen.Assignee != snap.Assignee || seen.Estimate != (tracker.Estimate{}) || snap.Sent != "" && !snap.named(seen)
}

// named reports whether a ticket has the summary that we gave it, as trackers keep it.
func (n Snapshot) named(seen tracker.Ticket) bool {
	return n.Sent != "" && slices.Equal(strings.Fields(seen.Summary), strings.Fields(n.Sent))
}

// notes reports whether the want brings a comment that the ticket does not have.
func (s Situation) notes() bool {
	snap := s.Link.Snapshot
	return s.Want != nil && s.Want.Note != nil && (s.Want.Cause != snap.Cause || s.Want.Verdict != snap.Verdict)
}

// settled is the want as far as it can be agreed upon now: while its comment is
// held back, cause and verdict stay what the ticket was last told.
func (s Situation) settled() *Want {
	if !s.notes() || s.mayNote() {
		return s.Want
	}
	w := *s.Want
	w.Cause, w.Verdict = s.Link.Snapshot.Cause, s.Link.Snapshot.Verdict
	return &w
}

// mayNote bounds our comments per day, so that a flapping test does not become a nuisance.
func (s Situation) mayNote() bool {
	n := 0
	for _, t := range s.Link.Snapshot.Noted {
		if s.Now.Sub(t) < 24*time.Hour {
			n++
		}
	}
	return n < s.Policy.notesPerDay()
}

// edit returns the change of the fields that are ours: the block at most daily
// or on a change of band, the summary while nobody else changed it, our labels.
func (s Situation) edit(seen tracker.Ticket) []Action {
	w, snap := s.Want, s.Link.Snapshot
	e := tracker.Edit{Marker: s.Link.Marker}
	var why []string
	open := !s.Table.Read(seen).Closed()
	due := w.Band != snap.Band || s.Now.Sub(snap.BlockAt) >= blockEvery
	var out []Action
	if open && due && len(w.Body) > 0 && digest(w.Body) != snap.Block && snap.Frozen == "" {
		if reason := s.overwritten(seen); reason != "" {
			out = append(out, Action{Kind: ActFreeze, Why: reason})
		} else {
			e.Block = &w.Body
			why = append(why, "block")
		}
	}
	if open && due && w.Summary != "" && w.Summary != snap.Sent && snap.named(seen) {
		e.Summary = &w.Summary
		why = append(why, "summary")
	}
	for _, l := range w.Labels {
		asked := slices.Contains(snap.Ours, l)
		if !slices.Contains(seen.Labels, l) && (!asked || !snap.Restored) {
			e.AddLabels = append(e.AddLabels, l)
		}
	}
	for _, l := range snap.Ours {
		if !slices.Contains(w.Labels, l) && slices.Contains(seen.Labels, l) {
			e.RemoveLabels = append(e.RemoveLabels, l)
		}
	}
	if len(e.AddLabels)+len(e.RemoveLabels) > 0 {
		why = append(why, "labels")
	}
	if why != nil {
		out = append(out, Action{Kind: ActEdit, Why: strings.Join(why, ", "), Edit: &e})
	}
	return out
}

// overwritten says what a person did to our block, so that it is left alone.
func (s Situation) overwritten(seen tracker.Ticket) string {
	if seen.Body == "" {
		return ""
	}
	block, ok := blockOf(seen.Body, s.Link.Marker)
	switch {
	case !ok:
		return "somebody removed our part of the description"
	case s.Link.Snapshot.Written != "" && digestText(block) != s.Link.Snapshot.Written:
		return "somebody edited our part of the description"
	}
	return ""
}

// relate returns the links to other tickets and to our page that are missing.
// What was set once and removed by a person stays removed.
func (s Situation) relate(seen tracker.Ticket) []Action {
	var out []Action
	snap := s.Link.Snapshot
	if s.Caps.Links {
		for _, k := range s.Want.LinksTo {
			for _, id := range s.Peers[k] {
				if id != seen.ID && !slices.Contains(snap.Related, id) && !slices.Contains(seen.Links, id) &&
					!slices.ContainsFunc(out, func(a Action) bool { return a.Ticket == id }) {
					out = append(out, Action{Kind: ActRelate, Why: "belongs to it", Ticket: id})
				}
			}
		}
	}
	if s.Caps.BackLink {
		for i := range s.Afar {
			if p := &s.Afar[i]; !slices.Contains(snap.Related, p.mark()) && p.URL != "" {
				out = append(out, Action{Kind: ActRelate, Why: "belongs to " + p.Key + " in another tracker", Afar: p})
			}
		}
	}
	if s.Caps.BackLink && !snap.Back && s.Want.Page != "" {
		out = append(out, Action{Kind: ActBackLink, Why: "link to our page"})
	}
	return out
}

// agree returns the snapshot after everything was done: what the tracker says
// now, and what we asked for.
func (n Snapshot) agree(w *Want, seen tracker.Ticket, table StatusTable) Snapshot {
	n.Taken = n.Taken || n.Status != "" && seen.Assignee != n.Assignee
	n.Project, n.Type, n.Summary = seen.Project, seen.Type, seen.Summary
	n.Status, n.StatusID, n.Category = seen.Status, seen.StatusID, seen.Category
	n.Resolution, n.Duplicate, n.Assignee, n.Estimate, n.Updated = seen.Resolution, seen.DuplicateOf, seen.Assignee, seen.Estimate, seen.Updated
	n.Links = slices.Sorted(slices.Values(seen.Links))
	n.Labels = slices.Sorted(slices.Values(seen.Labels))
	n.Meaning = table.Read(seen)
	n.Missing, n.Acting = time.Time{}, ""
	if w == nil {
		return n
	}
	if w.Cause != n.Cause || w.Verdict != n.Verdict {
		if n.Cause != "" || n.Verdict != "" {
			n.Episode++
		}
		n.Cause, n.Verdict = w.Cause, w.Verdict
	}
	return n
}

// agrees reports whether agree would change nothing but times.
func (n Snapshot) agrees(w *Want, seen tracker.Ticket, table StatusTable) bool {
	o := n.agree(w, seen, table)
	o.Updated = n.Updated
	return encode(n) == encode(o)
}

// digest identifies a text.
func digest(d richtext.Doc) string { return digestText(richtext.Plain(d)) }

func digestText(s string) string {
	h := sha256.Sum256([]byte(strings.Join(strings.Fields(s), " ")))
	return hex.EncodeToString(h[:8])
}

// blockOf returns the text between our two marker lines of a description.
func blockOf(body, marker string) (string, bool) {
	f := richtext.NewFence(marker)
	_, rest, ok := strings.Cut(body, f.Begin)
	if !ok {
		return "", false
	}
	block, _, ok := strings.Cut(rest, f.End)
	return block, ok
}
