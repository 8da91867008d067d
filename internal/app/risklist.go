package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// RiskFilter selects, orders and cuts a list of threats, weaknesses or
// countermeasures of a product; empty fields select all, by id. Where a field
// holds several values, one of them has to fit.
type RiskFilter struct {
	Text       string // in the title, the place's name or the owner's, case and accents aside
	Where      model.ElementID
	States     []string // statuses of threats, states of countermeasures, verdicts on weaknesses
	Bands      []string // of the current rating; of what serves threats, of the highest of those
	Origins    []string // rule, person, import
	Categories []string // of threats: "tampering" is short for "stride:tampering"
	Owner      string   // an account id, "me" or "none"; weaknesses have none
	Ticket     string   // "none", "open" (open, pending or held) or "problem" (failed, ambiguous or deleted)
	Retired    bool     // retired ones instead of the others
	Sort       string   // rating, title, where, state, owner, updated or, of countermeasures, takes; with "-" in front descending
	Brief      bool     // without the long fields: for tables
	Cursor     string
	Limit      int
}

// The states that lists can be filtered by, in the order in which they sort.
var (
	threatStates         = []string{"open", "mitigated", "accepted", "transferred", "avoided", "eliminated", "not_applicable"}
	countermeasureStates = []string{"recommended", "required", "implemented", "rejected", "not_applicable"}
	weaknessStates       = []string{"fail", "untested", "pass"}
)

// The fields that every list can be sorted by, and that of countermeasures.
var (
	riskSorts           = []string{"rating", "title", "where", "state", "owner", "updated"}
	countermeasureSorts = append(slices.Clone(riskSorts), "takes")
)

// check refuses what the list cannot be filtered or sorted by.
func (f *RiskFilter) check(states, sorts []string) error {
	bad := fault.New(fault.Invalid, "request.invalid", "the list cannot be selected or sorted like that")
	in := func(where string, got, known []string) {
		for _, v := range got {
			if !slices.Contains(known, v) {
				bad.With("query."+where, "expected one of %s", strings.Join(known, ", "))
			}
		}
	}
	in("state", f.States, states)
	in("band", f.Bands, []string{"low", "medium", "high", "critical", "unrated"})
	in("origin", f.Origins, []string{"rule", "person", "import"})
	if f.Ticket != "" {
		in("ticket", []string{f.Ticket}, []string{"none", "open", "problem"})
	}
	if f.Sort != "" {
		in("sort", []string{strings.TrimPrefix(f.Sort, "-")}, sorts)
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// riskRow is what lists select and sort an object by.
type riskRow struct {
	id         string
	title      string
	where      model.ElementID
	state      string
	origin     model.Origin
	owner      string
	categories []string
	current    float64 // exact; -1 is unrated
	band       risk.Band
	takes      int // off the summed current rating; of countermeasures
	retired    bool
	version    int64
}

func (p *picture) threatRow(t *model.Threat) riskRow {
	row := riskRow{
		id: string(t.ID), title: t.Title, where: t.Where, state: string(t.Status), origin: t.Origin, owner: t.Owner, categories: t.Categories,
		current: -1, band: risk.Unrated, retired: t.Retired != nil, version: p.versions.Of(store.KindThreat, string(t.ID)),
	}
	if r, ok := p.ratings.Threat(t.ID); ok && !r.Unrated {
		row.current, row.band = r.Exact.Current, r.Band
	}
	return row
}

func (p *picture) weaknessRow(w *model.Weakness) riskRow {
	row := riskRow{
		id: string(w.ID), title: w.Title, where: w.Where, state: string(cmp.Or(p.verdicts.Weaknesses[w.ID].Verdict, model.Untested)), origin: w.Origin,
		retired: w.Retired != nil, version: p.versions.Of(store.KindWeakness, string(w.ID)),
	}
	row.current, _, row.band = p.highest(p.ofWeakness[w.ID])
	return row
}

func (p *picture) countermeasureRow(c *model.Countermeasure) riskRow {
	row := riskRow{
		id: string(c.ID), title: c.Title, where: c.Where, state: string(c.State), origin: c.Origin, owner: c.Owner,
		retired: c.Retired != nil, version: p.versions.Of(store.KindCountermeasure, string(c.ID)),
	}
	row.current, _, row.band = p.highest(p.ofCountermeasure[c.ID])
	row.takes = p.takes(c.ID)
	return row
}

// matcher returns whether a row is selected. What costs most is asked last.
func (f *RiskFilter) matcher(p *picture, me string) func(*riskRow) bool {
	text := store.Fold(f.Text)
	owner := f.Owner
	if owner == "me" {
		owner = me
	}
	oneOf := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	has := func(s string) bool { return strings.Contains(store.Fold(s), text) }
	return func(r *riskRow) bool {
		switch {
		case r.retired != f.Retired, f.Where != "" && f.Where != r.where,
			!oneOf(f.States, r.state), !oneOf(f.Bands, string(r.band)), !oneOf(f.Origins, string(r.origin)),
			f.Owner == "none" && r.owner != "", f.Owner != "" && f.Owner != "none" && r.owner != owner,
			len(f.Categories) > 0 && !slices.ContainsFunc(f.Categories, func(c string) bool { return inCategory(r.categories, c) }),
			f.Ticket != "" && !ticketIs(p.tickets[r.id], f.Ticket):
			return false
		}
		return text == "" || has(r.title) || has(p.names[r.where]) || has(p.ownerName(r.owner))
	}
}

func inCategory(list []string, wanted string) bool {
	if !strings.Contains(wanted, ":") {
		wanted = "stride:" + wanted
	}
	return slices.ContainsFunc(list, func(c string) bool { return strings.EqualFold(c, wanted) })
}

// ticketIs reports whether an object's tickets are none, open or in trouble.
func ticketIs(tickets []TicketRef, wanted string) bool {
	if wanted == "none" {
		return len(tickets) == 0
	}
	states := []string{"open", "pending", "held"}
	if wanted == "problem" {
		states = []string{"failed", "ambiguous", "deleted"}
	}
	return slices.ContainsFunc(tickets, func(t TicketRef) bool { return slices.Contains(states, t.State) })
}

// riskKey is a row's place in a sorted list; a cursor is the key of a page's
// last row, so that a page follows on wherever rows went in the meantime.
type riskKey struct {
	Sort   string  `json:"s,omitempty"`
	Number float64 `json:"n,omitempty"`
	Text   string  `json:"t,omitempty"`
	Title  string  `json:"l,omitempty"` // folded; orders what is equal
	ID     string  `json:"i"`

	title string // as it is written, until it is folded
}

// fold sets Title. Folding costs more than all else, and few rows need it.
func (k *riskKey) fold() string {
	if k.title != "" {
		k.Title, k.title = store.Fold(k.title), ""
	}
	return k.Title
}

func (p *picture) key(r *riskRow, sort string, states []string) riskKey {
	k := riskKey{Sort: sort, ID: r.id}
	switch strings.TrimPrefix(sort, "-") {
	case "":
		return k
	case "rating":
		k.Number = r.current
	case "takes":
		k.Number = float64(r.takes)
	case "title":
		k.Text = store.Fold(r.title)
		return k
	case "where":
		k.Text = store.Fold(p.names[r.where])
	case "state":
		k.Number = float64(slices.Index(states, r.state))
	case "owner":
		k.Text = store.Fold(p.ownerName(r.owner))
	case "updated":
		k.Number = float64(r.version)
		return k
	}
	k.title = r.title
	return k
}

// compareKeys orders two keys of one sort; only what is sorted by descends.
func compareKeys(a, b *riskKey) int {
	c := cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Text, b.Text))
	if strings.HasPrefix(a.Sort, "-") {
		c = -c
	}
	if c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.fold(), b.fold()), cmp.Compare(a.ID, b.ID))
}

// riskPage selects, sorts and cuts a list; only what is on the page is viewed.
func riskPage[T, V any](p *picture, me string, f RiskFilter, states, sorts []string, list []T, row func(*T) riskRow, view func(*T) V) (Page[V], error) {
	page := Page[V]{Items: []V{}}
	if err := f.check(states, sorts); err != nil {
		return page, err
	}
	var after *riskKey
	if f.Cursor != "" {
		after = &riskKey{}
		if err := decodeCursor(f.Cursor, after); err != nil {
			return page, err
		}
		if after.Sort != f.Sort {
			return page, fault.New(fault.Invalid, "page.cursor", "the cursor is of a list in another order").With("query.cursor", "expected the value of \"next\" with the same sort")
		}
	}
	type found struct {
		key riskKey
		at  int
	}
	matches := f.matcher(p, me)
	all := make([]found, 0, len(list))
	rows := make([]*found, 0, len(list)) // of all, which does not grow: what is sorted is small
	for i := range list {
		if r := row(&list[i]); matches(&r) {
			all = append(all, found{p.key(&r, f.Sort, states), i})
			if x := &all[len(all)-1]; after == nil || compareKeys(&x.key, after) > 0 {
				rows = append(rows, x)
			}
		}
	}
	if after == nil {
		total := len(all)
		page.Total = &total
	}
	slices.SortFunc(rows, func(a, b *found) int { return compareKeys(&a.key, &b.key) })
	if limit := clampLimit(f.Limit); len(rows) > limit {
		rows = rows[:limit]
		end := &rows[limit-1].key
		end.fold()
		page.Next = encodeCursor(end)
	}
	for _, r := range rows {
		page.Items = append(page.Items, view(&list[r.at]))
	}
	return page, nil
}

// Threats lists a product's threats; on its first page with their total.
func (a *App) Threats(ctx context.Context, c Caller, id model.ProductID, f RiskFilter) (Page[ThreatView], error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (Page[ThreatView], error) {
		p, err := a.picture(tx, id)
		if err != nil {
			return Page[ThreatView]{}, err
		}
		return riskPage(p, c.User, f, threatStates, riskSorts, p.m.Threats, p.threatRow, func(t *model.Threat) ThreatView {
			v := p.threat(t)
			if f.Brief {
				v.Description, v.CAPEC, v.Why, v.Sets, v.Extra = "", nil, nil, nil, nil
			}
			return v
		})
	})
}

// Weaknesses lists a product's weaknesses; on its first page with their total.
func (a *App) Weaknesses(ctx context.Context, c Caller, id model.ProductID, f RiskFilter) (Page[WeaknessView], error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (Page[WeaknessView], error) {
		p, err := a.picture(tx, id)
		if err != nil {
			return Page[WeaknessView]{}, err
		}
		return riskPage(p, c.User, f, weaknessStates, riskSorts, p.m.Weaknesses, p.weaknessRow, func(w *model.Weakness) WeaknessView {
			v := p.weakness(w)
			if f.Brief {
				v.Description, v.Test, v.Why, v.Sets, v.Extra = "", "", nil, nil, nil
			}
			return v
		})
	})
}

// Countermeasures lists a product's countermeasures; on its first page with their total.
func (a *App) Countermeasures(ctx context.Context, c Caller, id model.ProductID, f RiskFilter) (Page[CountermeasureView], error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (Page[CountermeasureView], error) {
		p, err := a.picture(tx, id)
		if err != nil {
			return Page[CountermeasureView]{}, err
		}
		return riskPage(p, c.User, f, countermeasureStates, countermeasureSorts, p.m.Countermeasures, p.countermeasureRow, func(m *model.Countermeasure) CountermeasureView {
			v := p.countermeasure(m)
			if f.Brief {
				v.Description, v.Test, v.Standards, v.Why, v.Sets, v.Extra = "", "", nil, nil, nil, nil
			}
			return v
		})
	})
}
