package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// PlanView is what applying the library would change.
type PlanView struct {
	From      string               `json:"from,omitempty" doc:"Library that the generated part stands at"`
	To        string               `json:"to" doc:"Library that the plan follows"`
	Version   int64                `json:"version" doc:"Of the product; send it as If-Match when applying"`
	Items     []PlanItem           `json:"items"`
	Counts    map[string]int       `json:"counts" doc:"Items per action"`
	Questions []generate.Question  `json:"questions,omitempty" doc:"Asked by rules and not answered yet"`
	Notes     []generate.Note      `json:"notes,omitempty" doc:"What a person should settle"`
	Facts     []generate.Concluded `json:"facts,omitempty" doc:"What rules concluded"`
	Tickets   []PlannedTicket      `json:"tickets,omitempty" doc:"Tickets that would be created, by the product's ticket policy"`
	Places    []PlanPlace          `json:"places" doc:"The steps by place: the product first, then by name"`
	Refused   []Refusal            `json:"refused" doc:"What the library wants and a person refused; not among the items"`
	Reasons   map[string]string    `json:"reasons" doc:"Titles of the rules, component types and standards that the steps name as their reason, by what names them there"`
}

// PlanItem is one step with its key.
type PlanItem struct {
	Key       string      `json:"key" doc:"Names the step when accepting one by one"`
	WhereName string      `json:"where_name"`
	Fields    []PlanField `json:"fields,omitempty" doc:"What changes, field by field"`
	generate.Item
}

// PlanField is one field's stored and wanted value, and who set the stored one.
type PlanField struct {
	generate.Difference
	ByName string     `json:"by_name,omitempty" doc:"Who set the stored value, where it is not the library's"`
	At     *time.Time `json:"at,omitempty"`
}

// PlanPlace groups the steps of one place.
type PlanPlace struct {
	Where     model.ElementID `json:"where"`
	WhereName string          `json:"where_name"`
	Keys      []string        `json:"keys"`
	Counts    map[string]int  `json:"counts" doc:"Steps per action"`
}

// ETag returns the version of the product that the plan is based on.
func (v PlanView) ETag() int64 { return v.Version }

// makePlan compares what is stored with what the library wants.
func (a *App) makePlan(tx *store.Tx, m *model.Model) (*generate.Plan, *generate.Result, error) {
	return a.makePlanBy(tx, m, a.Library())
}

// makePlanBy is makePlan by any library.
func (a *App) makePlanBy(tx *store.Tx, m *model.Model, lib *library.Library) (*generate.Plan, *generate.Result, error) {
	want, err := a.desired(m, lib)
	if err != nil {
		return nil, nil, err
	}
	touched, err := a.touched(tx, m.Product.ID)
	if err != nil {
		return nil, nil, err
	}
	return generate.MakePlan(m, want, touched), want, nil
}

// touched tells which objects have evidence or tickets.
func (a *App) touched(tx *store.Tx, product model.ProductID) (func(generate.Kind, string) bool, error) {
	ids := map[string]bool{}
	rows, err := tx.MatchedEvidence(product, "", "")
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		for _, t := range r.Matches {
			ids[t.ID] = true
		}
	}
	ticketed, err := a.ticketedObjects(tx, product)
	if err != nil {
		return nil, err
	}
	for id := range ticketed {
		ids[id] = true
	}
	return func(_ generate.Kind, id string) bool { return ids[id] }, nil
}

func (a *App) planView(tx *store.Tx, m *model.Model, version int64) (PlanView, *generate.Plan, error) {
	return a.planViewBy(tx, m, version, a.Library())
}

// planViewBy is planView by any library.
func (a *App) planViewBy(tx *store.Tx, m *model.Model, version int64, lib *library.Library) (PlanView, *generate.Plan, error) {
	plan, want, err := a.makePlanBy(tx, m, lib)
	if err != nil {
		return PlanView{}, nil, err
	}
	v := PlanView{
		From: plan.From, To: plan.To, Version: version, Items: []PlanItem{}, Counts: map[string]int{}, Questions: want.Questions, Notes: want.Notes, Facts: want.Facts,
		Refused: []Refusal{},
	}
	refused, _, err := refusals(tx, m.Product.ID)
	if err != nil {
		return v, nil, err
	}
	v.Refused = append(v.Refused, refused...)
	left := refuses(refused)
	names, sets := elementNames(m), setsOf(m)
	for _, i := range plan.Items {
		if left(i) {
			continue
		}
		v.Counts[string(i.Action)]++
		item := PlanItem{Key: i.Key(), WhereName: names[i.Where], Item: i}
		for _, d := range i.Fields {
			f := PlanField{Difference: d}
			if set, ok := sets[string(i.Kind)+" "+i.ID][d.Field]; ok {
				f.By, f.ByName, f.At = set.By, set.Actor, &set.At
			}
			item.Fields = append(item.Fields, f)
		}
		v.Items = append(v.Items, item)
	}
	v.Places = places(v.Items)
	v.Reasons = reasonTitles(lib, v.Items, want.Facts)
	all := generate.Apply(m, plan, a.Now(), func(i generate.Item) bool { return !left(i) })
	v.Tickets, err = a.plannedTickets(tx, all)
	return v, plan, err
}

// reasonTitles names what steps and conclusions give as their reason, as far as the library has it.
func reasonTitles(lib *library.Library, items []PlanItem, facts []generate.Concluded) map[string]string {
	out := map[string]string{}
	titles := map[string]string{}
	for _, r := range lib.Rules {
		titles[r.Ref] = r.Title
	}
	name := func(ref string) {
		if _, known := out[ref]; known {
			return
		}
		standard, isStandard := strings.CutPrefix(ref, "standard ")
		switch {
		case titles[ref] != "":
			out[ref] = titles[ref]
		case isStandard && lib.Standard(standard) != nil:
			out[ref] = lib.Standard(standard).Name
		case lib.Type(ref) != nil:
			out[ref] = lib.Type(ref).Name
		}
	}
	for i := range items {
		for _, w := range items[i].Why {
			name(w.Rule)
		}
		for _, f := range items[i].Fields {
			if f.Field != "why" {
				continue
			}
			for _, side := range []json.RawMessage{f.Old, f.New} {
				var refs []string
				if json.Unmarshal(side, &refs) == nil {
					for _, ref := range refs {
						name(ref)
					}
				}
			}
		}
	}
	for _, f := range facts {
		for _, w := range f.Why {
			name(w.Rule)
		}
	}
	return out
}

// places groups steps by their place, the product's first, then by name.
func places(items []PlanItem) []PlanPlace {
	out := []PlanPlace{}
	at := map[model.ElementID]int{}
	for i := range items {
		item := &items[i]
		n, ok := at[item.Where]
		if !ok {
			n = len(out)
			at[item.Where] = n
			out = append(out, PlanPlace{Where: item.Where, WhereName: item.WhereName, Counts: map[string]int{}})
		}
		out[n].Keys = append(out[n].Keys, item.Key)
		out[n].Counts[string(item.Action)]++
	}
	slices.SortStableFunc(out, func(a, b PlanPlace) int {
		if (a.Where == model.AtProduct) != (b.Where == model.AtProduct) {
			if a.Where == model.AtProduct {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.WhereName, b.WhereName), cmp.Compare(a.Where, b.Where))
	})
	return out
}

// setsOf are the setters of the fields of what a plan is about, by kind and id.
func setsOf(m *model.Model) map[string]model.Sets {
	out := map[string]model.Sets{string(generate.KindProduct) + " " + string(m.Product.ID): m.Product.Sets}
	for i := range m.Threats {
		out[string(generate.KindThreat)+" "+string(m.Threats[i].ID)] = m.Threats[i].Sets
	}
	for i := range m.Weaknesses {
		out[string(generate.KindWeakness)+" "+string(m.Weaknesses[i].ID)] = m.Weaknesses[i].Sets
	}
	for i := range m.Countermeasures {
		out[string(generate.KindCountermeasure)+" "+string(m.Countermeasures[i].ID)] = m.Countermeasures[i].Sets
	}
	for i := range m.Links {
		l := &m.Links[i]
		out[string(generate.KindLink)+" "+string(l.Threat)+"/"+string(l.Weakness)+"/"+string(l.Countermeasure)] = l.Sets
	}
	return out
}

// Plan shows what applying the library would change, and which tickets would follow.
func (a *App) Plan(ctx context.Context, c Caller, product model.ProductID) (PlanView, error) {
	return query(ctx, a, c, policy.PlanRead, product, func(tx *store.Tx) (PlanView, error) {
		m, versions, err := tx.LoadModel(product)
		if err != nil {
			return PlanView{}, err
		}
		v, _, err := a.planView(tx, m, versions.Product)
		return v, err
	})
}

// PlanInput says what of a plan is accepted.
type PlanInput struct {
	All    bool     `json:"all,omitempty" doc:"Everything"`
	Accept []string `json:"accept,omitempty" maxItems:"20000" doc:"Keys of the accepted steps"`
	// Refuse keeps what would be added away for good, until it is taken back.
	Refuse   []RefuseInput `json:"refuse,omitempty" maxItems:"1000" doc:"What is not to come, and is not offered again; also all leaves it out"`
	Unrefuse []string      `json:"unrefuse,omitempty" maxItems:"1000" doc:"Keys of refusals that are taken back"`
}

// AppliedView is what applying a plan did.
type AppliedView struct {
	Applied int            `json:"applied" doc:"Steps that were accepted"`
	Left    int            `json:"left" doc:"Steps that still wait"`
	Refused int            `json:"refused" doc:"What is refused in the product now"`
	Counts  map[string]int `json:"counts"`
	Product ProductView    `json:"product"`
}

// ETag returns the version of the product.
func (v AppliedView) ETag() int64 { return v.Product.Version }

// ApplyPlan applies a plan, all of it or the accepted steps. Applying again changes nothing.
func (a *App) ApplyPlan(ctx context.Context, c Caller, product model.ProductID, version int64, in PlanInput) (AppliedView, error) {
	cause := Cause{Kind: "generated", Text: "the plan was applied"}
	return change(ctx, a, c, policy.PlanApply, product, cause, func(ch *changing) (AppliedView, error) {
		if err := ch.expect(store.KindProduct, string(product), version); err != nil {
			return AppliedView{}, err
		}
		if err := a.plannable(); err != nil {
			return AppliedView{}, err
		}
		plan, want, err := a.makePlan(ch.tx, ch.model)
		if err != nil {
			return AppliedView{}, err
		}
		refused, err := ch.refuse(plan, want, in)
		if err != nil {
			return AppliedView{}, err
		}
		left := refuses(refused)
		if !in.All {
			offered := make(map[string]bool, len(plan.Items))
			for _, i := range plan.Items {
				offered[i.Key()] = !left(i)
			}
			bad := fault.New(fault.Invalid, "plan.key", "some of the accepted steps are not in the plan any more; look at it again")
			for n, key := range in.Accept {
				if !offered[key] && len(bad.Fields) < maxBad {
					bad.With("body.accept["+itoa(n)+"]", "%q is no step of the plan", key)
				}
			}
			if len(bad.Fields) > 0 {
				return AppliedView{}, bad
			}
		}
		v := AppliedView{Counts: map[string]int{}, Refused: len(refused)}
		named, accepted := map[string]bool{}, map[string]bool{}
		for _, key := range in.Accept {
			named[key] = true
		}
		for _, i := range plan.Items {
			taken := !left(i) && (in.All || named[i.Key()])
			accepted[i.Key()] = taken
			if taken && i.Action != generate.Keep {
				v.Counts[string(i.Action)]++
				v.Applied++
			}
		}
		ch.cause.Ref = plan.To
		ch.model = generate.Apply(ch.model, plan, ch.at, func(i generate.Item) bool { return accepted[i.Key()] })
		if v.Product, err = ch.saveAndView(); err != nil {
			return AppliedView{}, err
		}
		again, _, err := a.makePlan(ch.tx, ch.model)
		if err != nil {
			return AppliedView{}, err
		}
		for _, i := range again.Items {
			if i.Action != generate.Keep && !left(i) {
				v.Left++
			}
		}
		return v, ch.record("plan.apply", "product/"+string(product), nil, map[string]any{"library": plan.To, "counts": v.Counts})
	})
}
