package imported

import "github.com/threatloop/threatloop/internal/model"

// Standing is what is known of one threat beside its model: in which tickets it
// is worked on, and how it is rated. A file can show it to its readers; it is
// never read back into a model.
type Standing struct {
	Tickets []Ticket `json:"tickets,omitempty"`
	Rating  *Rating  `json:"rating,omitempty"` // nil where the threat is not rated
}

// Ticket is a ticket about a threat.
type Ticket struct {
	Key    string `json:"key"`              // as its tracker shows it, such as SHOP-12
	URL    string `json:"url,omitempty"`    // where people see it
	For    string `json:"for"`              // what it is about: threat, countermeasure or vulnerability
	State  string `json:"state"`            // what Threatloop makes of it: open, implemented, rejected, closed, deleted
	Status string `json:"status,omitempty"` // in the words of the tracker
}

// Rating is how a threat is rated, 0 to 100.
type Rating struct {
	Inherent  int    `json:"inherent"`
	Verified  int    `json:"verified"`
	Current   int    `json:"current"`
	Projected int    `json:"projected"`
	Band      string `json:"band"` // of the current rating
}

// Standings are those of a model's threats; absent threats have none.
type Standings map[model.ThreatID]Standing
