package policy

import (
	"cmp"
	"slices"
)

// Row is an action with who may take it.
type Row struct {
	Action Action `json:"action"`
	Text   string `json:"text" doc:"One line for people"`
	// Role is the least role on a product; "" is no action on a product.
	Role Role `json:"role,omitempty" doc:"The least role on a product; absent: not an action on a product"`
	// Instance is who may take it on the installation; "" is no action there.
	Instance string       `json:"instance,omitempty" enum:"everybody,administrators" doc:"Who may take it on the installation; absent: not an action there"`
	Scopes   []TokenScope `json:"scopes" doc:"Scopes of tokens that allow it"`
}

// Table returns all actions with who may take them, sorted by name.
func Table() []Row {
	list := make([]Row, 0, len(table))
	for a, r := range table {
		row := Row{Action: a, Text: r.text, Role: r.product, Scopes: []TokenScope{}}
		switch r.instance {
		case anyone:
			row.Instance = "everybody"
		case admins:
			row.Instance = "administrators"
		}
		for _, s := range []TokenScope{ScopeUpload, ScopeRead, ScopeWrite, ScopeAdmin} {
			if slices.Contains(allowedBy[s], r.class) {
				row.Scopes = append(row.Scopes, s)
			}
		}
		list = append(list, row)
	}
	slices.SortFunc(list, func(a, b Row) int { return cmp.Compare(a.Action, b.Action) })
	return list
}
