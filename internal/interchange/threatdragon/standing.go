package threatdragon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// stands reports whether there is anything to say of a threat.
func stands(s imported.Standing) bool { return len(s.Tickets) > 0 || s.Rating != nil }

// standing keeps what our own key says of a threat's tickets and ratings. A part
// that is not as we write it is left out: it decides nothing.
func (r *reader) standing(t *model.Threat, own jsontree.Value) {
	var s imported.Standing
	if json.Unmarshal(own.Raw(), &s) != nil {
		return
	}
	keepStanding(t, s)
	for _, x := range s.Tickets {
		if x.Key != "" && !slices.Contains(r.tickets, x.Key) {
			r.tickets = append(r.tickets, x.Key)
		}
	}
}

// maxTicketKeys is how many tickets a note names.
const maxTicketKeys = 10

// noteTickets says which tickets the file shows.
func (r *reader) noteTickets() {
	if len(r.tickets) == 0 {
		return
	}
	keys := r.tickets[:min(len(r.tickets), maxTicketKeys)]
	more := ""
	if n := len(r.tickets) - len(keys); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	r.out.Add(imported.Info, "file", "the threats have tickets already: %s%s; the file shows them, and an import links none", oneLine(strings.Join(keys, ", ")), more)
}

func keepStanding(t *model.Threat, s imported.Standing) {
	if !stands(s) {
		return
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return // texts and numbers: it cannot happen
	}
	if t.Extra == nil {
		t.Extra = model.Extra{}
	}
	t.Extra[standingKey] = raw
}

// keptStandings are what the model kept of the file that it was read from.
func keptStandings(m *model.Model) imported.Standings {
	all := imported.Standings{}
	for i := range m.Threats {
		var s imported.Standing
		if raw, ok := m.Threats[i].Extra[standingKey]; ok && json.Unmarshal(raw, &s) == nil {
			all[m.Threats[i].ID] = s
		}
	}
	return all
}

// DropStanding takes what the file showed of tickets and ratings out of the model.
func DropStanding(m *model.Model) {
	for i := range m.Threats {
		delete(m.Threats[i].Extra, standingKey)
	}
}
