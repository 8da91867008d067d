package update

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

// diagramOrder is the id of the one item of the kind Order.
const diagramOrder = "diagrams"

// order makes the diagrams stand as they do in the file, where the file moved
// them and nobody here did; what the file adds comes where the file has it. It is
// called when the diagrams are merged; was is ours before that.
func (u *merger) order(base, was, m, theirs []model.Diagram) error {
	here, file, before := idsIn(was), idsIn(theirs), idsIn(base)
	o, t := only(here, file), only(file, here)
	if slices.Equal(o, t) {
		arrange(m, file)
		return nil
	}
	if u.based && slices.Equal(only(t, before), only(before, t)) {
		return nil // only people here moved them
	}
	k := key(Order, diagramOrder)
	ours := u.based && !slices.Equal(only(o, before), only(before, o)) && !u.wants(Order, diagramOrder)
	if u.opts.Take != nil && !u.opts.Take(k) && !u.follows[k] {
		return nil
	}
	f := Field{Field: "order", Taken: !ours}
	var err error
	if f.Ours, err = titles(was); err != nil {
		return err
	}
	if f.File, err = titles(theirs); err != nil {
		return err
	}
	item := Item{Action: Change, Kind: Order, ID: diagramOrder, Title: "Order of the diagrams", Fields: []Field{f}}
	if ours {
		item.Action, item.Conflict, item.Text = Keep, true, "the diagrams were moved here and in the file; they stay where they are here"
		u.report.Conflicts++
	} else {
		arrange(m, file)
	}
	u.add(item)
	return nil
}

func idsIn(list []model.Diagram) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = string(list[i].ID)
	}
	return ids
}

// only returns the ids that are among others too, in their own order.
func only(ids, others []string) []string {
	var out []string
	for _, id := range ids {
		if slices.Contains(others, id) {
			out = append(out, id)
		}
	}
	return out
}

// arrange sorts the diagrams that are named by the names' order; all others keep
// the place that they have.
func arrange(list []model.Diagram, names []string) {
	at := map[string]int{}
	for i := range list {
		at[string(list[i].ID)] = i
	}
	was := slices.Clone(list)
	named := only(names, idsIn(list))
	for i, next := 0, 0; i < len(was) && next < len(named); i++ {
		if slices.Contains(named, string(was[i].ID)) {
			list[i] = was[at[named[next]]]
			next++
		}
	}
}

func titles(list []model.Diagram) (json.RawMessage, error) {
	all := make([]string, len(list))
	for i := range list {
		all[i] = list[i].Title
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("update: order of the diagrams as JSON: %w", err)
	}
	return raw, nil
}

// composeOrder puts the diagrams of a file back into the order that was left.
func composeOrder(m *model.Model, left Left) error {
	raw, ok := left[key(Order, diagramOrder)]
	if !ok {
		return nil
	}
	var ids []string
	if err := json.Unmarshal(raw, &ids); err != nil { // null is none
		return fmt.Errorf("update: order of the diagrams as it was: %w", err)
	}
	arrange(m.Diagrams, ids)
	return nil
}
