package ticketing

import (
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/tracker"
)

// Meaning is what a ticket's state says about our object.
type Meaning string

// The meanings. MeansInProgress and MeansRequired both leave a countermeasure required.
const (
	MeansRequired    Meaning = "required"
	MeansInProgress  Meaning = "in_progress"
	MeansImplemented Meaning = "implemented"
	MeansRejected    Meaning = "rejected"
	MeansDuplicate   Meaning = "duplicate"
	MeansDeleted     Meaning = "deleted" // the ticket is deleted or hidden from us
)

// Closed reports whether the meaning is that of a finished ticket.
func (m Meaning) Closed() bool {
	return m == MeansImplemented || m == MeansRejected || m == MeansDuplicate
}

// StatusTable translates a tracker's states for one connection. Statuses win
// over the category, resolutions classify what is done. Names are compared
// without case; ids as they are.
type StatusTable struct {
	Statuses    map[string]Meaning `json:"statuses,omitempty"`    // status id or name
	Resolutions map[string]Meaning `json:"resolutions,omitempty"` // resolution id or name
	// Done and Reopen name the statuses that we move a ticket to, in order of
	// preference; the category decides where none fits.
	Done   []string `json:"done,omitempty"`
	Reopen []string `json:"reopen,omitempty"`
	// Resolution is set where a closing transition asks for one.
	Resolution string `json:"resolution,omitempty"`
	// RejectResolution is set instead where the ticket is closed because it will
	// not be done; "" is "Won't Do".
	RejectResolution string `json:"reject_resolution,omitempty"`
	// DuplicateResolution is set when a duplicate is merged.
	DuplicateResolution string `json:"duplicate_resolution,omitempty"`
	// Fields are values for the fields that a transition's screen demands, by field id.
	Fields map[string]any `json:"fields,omitempty"`
	// MaxHops is how many transitions may be chained; 0 means 1, at most 3.
	MaxHops int `json:"max_hops,omitempty"`
}

// usual is what the common names of resolutions mean.
var usual = map[string]Meaning{
	"won't do": MeansRejected, "wont do": MeansRejected, "won't fix": MeansRejected, "wontfix": MeansRejected,
	"won’t do": MeansRejected, "won’t fix": MeansRejected,
	"declined": MeansRejected, "invalid": MeansRejected, "rejected": MeansRejected, "not a bug": MeansRejected,
	"not planned": MeansRejected, "not_planned": MeansRejected, "cannot reproduce": MeansRejected,
	"incomplete": MeansRejected, "obsolete": MeansRejected, "abandoned": MeansRejected,
	"duplicate": MeansDuplicate,
}

// Read returns what the ticket's state means. Category first, resolution only
// to classify a done ticket: workflows exist that keep a resolution after
// reopening or set one at creation.
//
// A duplicate of nothing that is named is a rejection.
func (t StatusTable) Read(k tracker.Ticket) Meaning {
	m := t.read(k)
	if m == MeansDuplicate && (k.DuplicateOf == "" || k.DuplicateOf == k.ID) {
		return MeansRejected
	}
	return m
}

func (t StatusTable) read(k tracker.Ticket) Meaning {
	if m, ok := look(t.Statuses, k.StatusID, k.Status); ok {
		return m
	}
	switch k.Category {
	case tracker.Done:
		if m, ok := look(t.Resolutions, k.ResolutionID, k.Resolution); ok {
			return m
		}
		if m, ok := usual[strings.ToLower(strings.TrimSpace(k.Resolution))]; ok {
			return m
		}
		if k.DuplicateOf != "" {
			return MeansDuplicate
		}
		return MeansImplemented
	case tracker.InProgress:
		return MeansInProgress
	}
	return MeansRequired
}

func look(table map[string]Meaning, id, name string) (Meaning, bool) {
	if m, ok := table[id]; ok && id != "" {
		return m, true
	}
	for k, m := range table {
		if name != "" && strings.EqualFold(k, name) {
			return m, true
		}
	}
	return "", false
}

// Validate checks a table before it is saved.
func (t StatusTable) Validate() error {
	err := fault.New(fault.Invalid, "ticket.status_table", "the status table is not valid")
	allowed := []Meaning{MeansRequired, MeansInProgress, MeansImplemented, MeansRejected, MeansDuplicate}
	check := func(where string, table map[string]Meaning) {
		for _, k := range slices.Sorted(maps.Keys(table)) {
			if m := table[k]; !slices.Contains(allowed, m) {
				err.With(where+"."+k, "%q is not one of required, in_progress, implemented, rejected, duplicate", m)
			}
		}
	}
	check("statuses", t.Statuses)
	check("resolutions", t.Resolutions)
	if t.MaxHops < 0 || t.MaxHops > 3 {
		err.With("max_hops", "must be 0 to 3")
	}
	if len(err.Fields) > 0 {
		return err
	}
	return nil
}

// Together returns what several tickets of one object mean: in progress or
// required while one of them is open, implemented when all are closed and at
// least one as implemented, rejected when all are closed otherwise. Deleted
// tickets and duplicates do not count; only duplicates is rejected, none at all
// is deleted.
func Together(ms []Meaning) Meaning {
	has := func(m Meaning) bool { return slices.Contains(ms, m) }
	switch {
	case has(MeansInProgress):
		return MeansInProgress
	case has(MeansRequired), has(""): // not read yet
		return MeansRequired
	case has(MeansImplemented):
		return MeansImplemented
	case has(MeansRejected), has(MeansDuplicate):
		return MeansRejected
	}
	return MeansDeleted
}
