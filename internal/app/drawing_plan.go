package app

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// PlanSummary is what the rules would add, change and retire now, without the detail of a plan.
type PlanSummary struct {
	Version int64             `json:"version" doc:"Of the product; send it as If-Match when applying"`
	Counts  PlanCounts        `json:"counts"`
	Items   []PlanSummaryItem `json:"items" doc:"Sorted by op, kind, place and title; at most 200. Links are left to the plan"`
	More    int               `json:"more" doc:"How many items were left out"`
}

// ETag returns the version of the product that the plan is based on.
func (v PlanSummary) ETag() int64 { return v.Version }

// PlanCounts counts the steps of a plan.
type PlanCounts struct {
	Add    AddCounts `json:"add" doc:"New, or wanted again"`
	Change int       `json:"change"`
	Retire int       `json:"retire" doc:"Wanted no more, whether it is kept as retired or removed"`
	Links  int       `json:"links" doc:"Links that come, change or go by themselves, and not with what they link; not among the items"`
}

// AddCounts counts what a plan adds.
type AddCounts struct {
	Threats         int `json:"threats"`
	Weaknesses      int `json:"weaknesses"`
	Countermeasures int `json:"countermeasures"`
}

// PlanSummaryItem is one step of a plan.
type PlanSummaryItem struct {
	Op        string          `json:"op" enum:"add,change,retire"`
	Kind      generate.Kind   `json:"kind" enum:"product,threat,weakness,countermeasure"`
	Title     string          `json:"title"`
	Where     model.ElementID `json:"where"`
	WhereName string          `json:"where_name"`
	Key       string          `json:"key" doc:"Names the step when accepting one by one"`
}

// maxPlanItems bounds the items of a summary.
const maxPlanItems = 200

// PlanSummary sums up what applying the library would change, at one place where
// it is given. A page may ask for it after every change of a drawing.
func (a *App) PlanSummary(ctx context.Context, c Caller, product model.ProductID, where model.ElementID) (PlanSummary, error) {
	return query(ctx, a, c, policy.PlanRead, product, func(tx *store.Tx) (PlanSummary, error) {
		stream := store.ProductStream(product)
		heads, err := tx.AuditHeads(stream)
		if err != nil {
			return PlanSummary{}, err
		}
		p, ok := a.summaries.get(product, heads[stream])
		if !ok || p.library != a.Library() {
			m, versions, err := tx.ReadModel(product)
			if err != nil {
				return PlanSummary{}, err
			}
			follows := a.Library()
			plan, _, err := a.makePlan(tx, m)
			if err != nil {
				return PlanSummary{}, err
			}
			refused, _, err := refusals(tx, product)
			if err != nil {
				return PlanSummary{}, err
			}
			plan.Items = slices.DeleteFunc(plan.Items, refuses(refused))
			p = summedPlan{library: follows, head: heads[stream], version: versions.Product, items: planItems(m, plan)}
			a.summaries.put(product, p)
		}
		v := PlanSummary{Version: p.version, Items: []PlanSummaryItem{}}
		for _, i := range p.items {
			if where != "" && i.Where != where {
				continue
			}
			v.Counts.add(i)
			switch {
			case i.Kind == generate.KindLink:
			case len(v.Items) < maxPlanItems:
				v.Items = append(v.Items, i)
			default:
				v.More++
			}
		}
		return v, nil
	})
}

func (c *PlanCounts) add(i PlanSummaryItem) {
	switch {
	case i.Kind == generate.KindLink:
		c.Links++
	case i.Op == "change":
		c.Change++
	case i.Op == "retire":
		c.Retire++
	case i.Kind == generate.KindThreat:
		c.Add.Threats++
	case i.Kind == generate.KindWeakness:
		c.Add.Weaknesses++
	case i.Kind == generate.KindCountermeasure:
		c.Add.Countermeasures++
	}
}

// planOp tells what a step does, in the words of a summary; "" for one that waits for nobody.
func planOp(a generate.Action) string {
	switch a {
	case generate.Add, generate.Revive:
		return "add"
	case generate.Change:
		return "change"
	case generate.Retire, generate.Remove:
		return "retire"
	}
	return ""
}

// planItems lists the steps that a summary counts, in its order: those that wait
// for a person, and of the links those that do not come or go with one of their ends.
func planItems(m *model.Model, plan *generate.Plan) []PlanSummaryItem {
	names := elementNames(m)
	items := make([]PlanSummaryItem, 0, len(plan.Items))
	moving := map[string]string{}
	for i := range plan.Items {
		if step := &plan.Items[i]; step.Kind != generate.KindLink && step.Action != generate.Change {
			moving[step.ID] = planOp(step.Action)
		}
	}
	follows := func(step *generate.Item, op string) bool {
		return step.Kind == generate.KindLink && slices.ContainsFunc(strings.Split(step.ID, "/"), func(end string) bool { return moving[end] == op })
	}
	for i := range plan.Items {
		step := &plan.Items[i]
		op := planOp(step.Action)
		if op == "" || follows(step, op) {
			continue
		}
		items = append(items, PlanSummaryItem{Op: op, Kind: step.Kind, Title: step.Title, Where: step.Where, WhereName: names[step.Where], Key: step.Key()})
	}
	slices.SortFunc(items, func(x, y PlanSummaryItem) int {
		return cmp.Or(cmp.Compare(x.Op, y.Op), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Where, y.Where), cmp.Compare(x.Title, y.Title), cmp.Compare(x.Key, y.Key))
	})
	return items
}

// summedPlan is the plan of a product as it was at a row of its audit trail, in
// which everything shows that a plan depends on but the library.
type summedPlan struct {
	library *library.Library
	head    int64
	version int64
	items   []PlanSummaryItem
}

// summaries keeps the last plans, so that several readers after one change cost
// one plan. The zero value is ready; it is safe for concurrent use.
type summaries struct {
	mu    sync.Mutex
	plans map[model.ProductID]summedPlan
	order []model.ProductID // the one that was put first in front
}

// maxSummaries bounds the products whose plan is kept.
const maxSummaries = 32

func (s *summaries) get(product model.ProductID, head int64) (summedPlan, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.plans[product]
	return p, ok && p.head == head && head > 0
}

func (s *summaries) put(product model.ProductID, p summedPlan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plans == nil {
		s.plans = map[model.ProductID]summedPlan{}
	}
	s.order = append(slices.DeleteFunc(s.order, func(id model.ProductID) bool { return id == product }), product)
	s.plans[product] = p
	if len(s.order) > maxSummaries {
		delete(s.plans, s.order[0])
		s.order = s.order[1:]
	}
}
