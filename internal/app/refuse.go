package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// Refusal is a person's decision that something the library wants is not to come.
// The plan does not offer it again until the refusal is undone.
type Refusal struct {
	Key       string          `json:"key" doc:"Send it as unrefuse to undo the refusal"`
	Kind      generate.Kind   `json:"kind" enum:"threat,weakness,countermeasure"`
	ID        string          `json:"id"`
	Title     string          `json:"title"`
	Where     model.ElementID `json:"where"`
	WhereName string          `json:"where_name"`
	Ref       string          `json:"-"`
	Reason    string          `json:"reason"`
	By        string          `json:"by_name" doc:"Who refused it"`
	At        time.Time       `json:"at"`
}

// storedRefusal is a refusal as it is kept.
type storedRefusal struct {
	Refusal
	Path string `json:"ref,omitempty"` // ref in the library, of which a copy of the product derives the id anew
}

// RefuseInput refuses a step of the plan.
type RefuseInput struct {
	Key    string `json:"key" maxLength:"200" doc:"Of a step that adds a threat, weakness or countermeasure"`
	Reason string `json:"reason" minLength:"3" maxLength:"2000"`
}

func refusalsKey(product model.ProductID) string { return "plan.refused/" + string(product) }

// refusals returns what was refused in a product, with the version of the list.
func refusals(tx *store.Tx, product model.ProductID) ([]Refusal, int64, error) {
	s, err := tx.Setting(refusalsKey(product))
	if err != nil || s.Version == 0 {
		return nil, 0, err
	}
	var kept []storedRefusal
	if err := json.Unmarshal([]byte(s.Doc), &kept); err != nil {
		return nil, 0, fmt.Errorf("app: refusals of product %s: %w", product, err)
	}
	list := make([]Refusal, len(kept))
	for i, k := range kept {
		list[i] = k.Refusal
		list[i].Ref = k.Path
	}
	return list, s.Version, nil
}

func saveRefusals(tx *store.Tx, product model.ProductID, version int64, list []Refusal, at time.Time) error {
	kept := make([]storedRefusal, len(list))
	for i, r := range list {
		kept[i] = storedRefusal{Refusal: r, Path: r.Ref}
	}
	doc, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("app: refusals of product %s: %w", product, err)
	}
	return tx.SetSetting(store.Setting{Key: refusalsKey(product), Version: version, At: at, Doc: string(doc)})
}

// refuses tells whether a step adds what was refused, or a link to it.
func refuses(list []Refusal) func(generate.Item) bool {
	ids := make(map[string]bool, len(list))
	for _, r := range list {
		ids[r.ID] = true
	}
	return func(i generate.Item) bool {
		if i.Action != generate.Add && i.Action != generate.Revive {
			return false
		}
		if i.Kind == generate.KindLink {
			return slices.ContainsFunc(strings.Split(i.ID, "/"), func(id string) bool { return ids[id] })
		}
		return ids[i.ID]
	}
}

// refuse takes refusals, and their undoing, into the product's list.
func (ch *changing) refuse(plan *generate.Plan, want *generate.Result, in PlanInput) ([]Refusal, error) {
	product := ch.model.Product.ID
	list, version, err := refusals(ch.tx, product)
	if err != nil || len(in.Refuse)+len(in.Unrefuse) == 0 {
		return list, err
	}
	before := slices.Clone(list)
	bad := fault.New(fault.Invalid, "plan.refuse", "some steps cannot be refused or taken back")
	refs := refsOf(want)
	names := elementNames(ch.model)
	steps := make(map[string]int, len(plan.Items))
	for i := range plan.Items {
		steps[plan.Items[i].Key()] = i
	}
	for n, r := range in.Refuse {
		i, ok := steps[r.Key]
		if !ok {
			bad.With("body.refuse["+itoa(n)+"].key", "%q is no step of the plan", r.Key)
			continue
		}
		item := &plan.Items[i]
		if item.Action != generate.Add && item.Action != generate.Revive || item.Kind == generate.KindLink || item.Kind == generate.KindProduct {
			bad.With("body.refuse["+itoa(n)+"].key", "only what would be added can be refused: a threat, weakness or countermeasure; edit the object instead, which the library leaves alone then")
			continue
		}
		list = slices.DeleteFunc(list, func(x Refusal) bool { return x.ID == item.ID })
		list = append(list, Refusal{
			Key: r.Key, Kind: item.Kind, ID: item.ID, Title: item.Title, Where: item.Where, WhereName: names[item.Where], Ref: refs[item.ID],
			Reason: strings.TrimSpace(r.Reason), By: ch.caller.Name, At: ch.at,
		})
	}
	for n, key := range in.Unrefuse {
		i := slices.IndexFunc(list, func(x Refusal) bool { return x.Key == key })
		if i < 0 {
			bad.With("body.unrefuse["+itoa(n)+"]", "%q was not refused", key)
			continue
		}
		list = slices.Delete(list, i, i+1)
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	slices.SortFunc(list, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.WhereName, b.WhereName), cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID))
	})
	if err := saveRefusals(ch.tx, product, version, list, ch.at); err != nil {
		return nil, err
	}
	return list, ch.record("plan.refuse", "product/"+string(product), before, list)
}

func refsOf(want *generate.Result) map[string]string {
	refs := map[string]string{}
	for i := range want.Threats {
		refs[string(want.Threats[i].ID)] = want.Threats[i].Ref
	}
	for i := range want.Weaknesses {
		refs[string(want.Weaknesses[i].ID)] = want.Weaknesses[i].Ref
	}
	for i := range want.Countermeasures {
		refs[string(want.Countermeasures[i].ID)] = want.Countermeasures[i].Ref
	}
	return refs
}

// refusals derives the refused ids anew for the copy of the product.
func (c *copier) refusals(list []Refusal) []Refusal {
	out := slices.Clone(list)
	for i := range out {
		r := &out[i]
		old := r.ID
		switch r.Kind {
		case generate.KindThreat:
			r.ID = string(model.NewThreatID(c.to, r.Where, r.Ref))
		case generate.KindWeakness:
			r.ID = string(model.NewWeaknessID(c.to, r.Where, r.Ref))
		default:
			r.ID = string(model.NewCountermeasureID(c.to, r.Where, r.Ref))
		}
		r.Key = strings.Replace(r.Key, old, r.ID, 1)
	}
	return out
}
