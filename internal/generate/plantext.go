package generate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// product plans the figures that rules set, and the library's version.
func (p *planner) product() {
	m, d := &p.stored.Product, p.desired
	item := Item{Action: Change, Kind: KindProduct, ID: string(m.ID), Where: model.AtProduct, Title: m.Name}
	keep := item
	keep.Action = Keep
	figure := func(field string, stored, wanted any, given, want bool) {
		diff := Difference{Field: field, Old: asJSON(stored), New: asJSON(wanted)}
		switch same := string(diff.Old) == string(diff.New); {
		case given && !setByRule(m.Sets, field):
			if want && (!same || len(m.Sets[field].Wanted) > 0) {
				diff.By = model.SetByPerson
				if by := m.Sets[field].By; by != "" {
					diff.By = by
				}
				keep.Fields = append(keep.Fields, diff)
			}
		case given != want || !same:
			item.Fields = append(item.Fields, diff)
		}
	}
	var value *model.CIA
	if d.Value != nil {
		value = &d.Value.Value
	}
	var exposure *int
	if d.Exposure != nil {
		exposure = &d.Exposure.Value
	}
	figure("value", m.Value, value, m.Value != nil, value != nil)
	figure("exposure", m.Exposure, exposure, m.Exposure != nil, exposure != nil)
	// A product that nothing is wanted of, and nothing was, has no use for a stamp: it would be a step to review that changes nothing.
	if m.Library != d.Library && (m.Library != "" || d.wantsAnything()) {
		item.Fields = append(item.Fields, Difference{Field: "library", Old: asJSON(m.Library), New: asJSON(d.Library)})
	}
	if len(item.Fields) > 0 {
		item.Text = p.say(item, differences(item.Fields))
		p.plan.Items = append(p.plan.Items, item)
	}
	if len(keep.Fields) > 0 {
		keep.Text = p.say(keep, keptText(keep.Fields))
		p.plan.Items = append(p.plan.Items, keep)
	}
}

// absent plans what no rule wants any more.
func (p *planner) absent(touched bool, item Item, ref string, why []model.Why) {
	item.Reason = p.gone(item, ref, why)
	_, there := p.names[item.Where]
	item.Orphan = !there
	if !touched {
		item.Action = Remove
	}
	item.Text = p.say(item, item.Reason)
	p.plan.Items = append(p.plan.Items, item)
}

// gone says why nothing wants the object any more.
func (p *planner) gone(item Item, ref string, why []model.Why) string {
	name, exists := p.names[item.Where]
	switch {
	case !exists:
		return fmt.Sprintf("its place %s is no longer in the model", item.Where)
	case p.out[item.Where]:
		return fmt.Sprintf("%s is out of scope", nameOr(name, item.Where))
	case !p.inLibrary(item.Kind, ref):
		return fmt.Sprintf("the library %s no longer has it", p.desired.Library)
	case item.Kind == KindLink:
		return "no pattern links them any more"
	}
	brought := rules(why)
	for i := range brought {
		brought[i] = fmt.Sprintf("%q", brought[i])
	}
	if len(brought) == 0 {
		return "no rule wants it any more"
	}
	return "no rule wants it any more; it was brought by " + strings.Join(brought, ", ")
}

func (p *planner) inLibrary(kind Kind, ref string) bool {
	lib := p.desired.library
	if lib == nil {
		return true
	}
	switch kind {
	case KindThreat:
		pattern, threat, _ := strings.Cut(ref, "/")
		found := lib.Pattern(pattern)
		if found == nil {
			return false
		}
		for i := range found.Threats {
			if found.Threats[i].Ref == threat {
				return true
			}
		}
		return false
	case KindWeakness:
		return lib.Weakness(ref) != nil
	case KindCountermeasure:
		return lib.Countermeasure(ref) != nil
	}
	return true
}

// say writes an item in one line.
func (p *planner) say(i Item, rest string) string {
	if p.bare {
		return ""
	}
	text := fmt.Sprintf("%s %s %q", i.Action, i.Kind, i.Title)
	if i.Kind == KindLink {
		text = fmt.Sprintf("%s link %s", i.Action, i.Title)
	}
	if i.Kind != KindProduct {
		if i.Where == model.AtProduct {
			text += " at the product"
		} else {
			text += fmt.Sprintf(" at %s", nameOr(p.names[i.Where], i.Where))
		}
	}
	if rest != "" {
		text += ": " + rest
	}
	return text
}

func nameOr(name string, id model.ElementID) string {
	if name == "" {
		return string(id)
	}
	return fmt.Sprintf("%s (%s)", name, id)
}

func because(list []model.Why) string {
	var texts []string
	for _, w := range list {
		if !slices.Contains(texts, w.Text) {
			texts = append(texts, w.Text)
		}
	}
	return strings.Join(texts, " ")
}

func differences(list []Difference) string {
	var parts []string
	for _, d := range list {
		parts = append(parts, fmt.Sprintf("%s %s -> %s", d.Field, short(d.Old), short(d.New)))
	}
	return strings.Join(parts, "; ")
}

func keptText(list []Difference) string {
	var parts []string
	for _, d := range list {
		if string(d.Old) == string(d.New) {
			parts = append(parts, fmt.Sprintf("%s %s, set by %s, is now what the rules want", d.Field, short(d.Old), d.By))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %s was set by %s, the rules want %s", d.Field, short(d.Old), d.By, short(d.New)))
	}
	return strings.Join(parts, "; ")
}

// short keeps a line readable; the whole value is in the difference.
func short(v json.RawMessage) string {
	const most = 60
	r := []rune(string(v))
	if len(r) > most {
		return string(r[:most]) + "..."
	}
	return string(r)
}

func threatTable() *table[model.Threat] {
	type T = model.Threat
	return &table[T]{
		kind: KindThreat, id: func(t *T) string { return string(t.ID) }, where: func(_ *planner, t *T) model.ElementID { return t.Where },
		title: func(_ *planner, t *T) string { return t.Title }, ref: func(t *T) string { return t.Ref },
		origin: func(t *T) model.Origin { return t.Origin }, sets: func(t *T) *model.Sets { return &t.Sets },
		retired: func(t *T) **model.Retired { return &t.Retired }, why: func(t *T) *[]model.Why { return &t.Why },
		touched: func(t *T) bool {
			return held(t.Sets) || t.Status != model.Open || t.StatusReason != "" || t.Acceptance != nil || t.Owner != "" || t.Number != 0 || t.Inherent != nil || len(t.Extra) > 0
		},
		columns: []column[T]{
			columnOf("title", func(t *T) *string { return &t.Title }),
			columnOf("description", func(t *T) *string { return &t.Description }),
			listOf("categories", func(t *T) *[]string { return &t.Categories }),
			listOf("capec", func(t *T) *[]int { return &t.CAPEC }),
			columnOf("impact", func(t *T) *model.CIA { return &t.Impact }),
			columnOf("ease", func(t *T) *int { return &t.Ease }),
		},
	}
}

func weaknessTable() *table[model.Weakness] {
	type T = model.Weakness
	return &table[T]{
		kind: KindWeakness, id: func(t *T) string { return string(t.ID) }, where: func(_ *planner, t *T) model.ElementID { return t.Where },
		title: func(_ *planner, t *T) string { return t.Title }, ref: func(t *T) string { return t.Ref },
		origin: func(t *T) model.Origin { return t.Origin }, sets: func(t *T) *model.Sets { return &t.Sets },
		retired: func(t *T) **model.Retired { return &t.Retired }, why: func(t *T) *[]model.Why { return &t.Why },
		touched: func(t *T) bool { return held(t.Sets) || t.Impact != 0 || len(t.Extra) > 0 },
		columns: []column[T]{
			columnOf("title", func(t *T) *string { return &t.Title }),
			columnOf("description", func(t *T) *string { return &t.Description }),
			columnOf("cwe", func(t *T) *int { return &t.CWE }),
			columnOf("test", func(t *T) *string { return &t.Test }),
		},
	}
}

func countermeasureTable() *table[model.Countermeasure] {
	type T = model.Countermeasure
	return &table[T]{
		kind: KindCountermeasure, id: func(t *T) string { return string(t.ID) }, where: func(_ *planner, t *T) model.ElementID { return t.Where },
		title: func(_ *planner, t *T) string { return t.Title }, ref: func(t *T) string { return t.Ref },
		origin: func(t *T) model.Origin { return t.Origin }, sets: func(t *T) *model.Sets { return &t.Sets },
		retired: func(t *T) **model.Retired { return &t.Retired }, why: func(t *T) *[]model.Why { return &t.Why },
		touched: func(t *T) bool {
			return held(t.Sets) || t.State != model.Recommended && t.State != model.Required || t.StateReason != "" || t.Owner != "" || len(t.Mandatory) > 0 || len(t.Extra) > 0
		},
		columns: []column[T]{
			columnOf("title", func(t *T) *string { return &t.Title }),
			columnOf("description", func(t *T) *string { return &t.Description }),
			columnOf("state", func(t *T) *model.State { return &t.State }),
			listOf("standards", func(t *T) *[]model.Clause { return &t.Standards }),
			columnWith("cost", func(t *T) **model.Cost { return &t.Cost }, func(a, b *model.Cost) bool {
				return a == b || a != nil && b != nil && *a == *b
			}),
			columnOf("test", func(t *T) *string { return &t.Test }),
		},
	}
}

func linkTable() *table[model.Link] {
	type T = model.Link
	return &table[T]{
		kind: KindLink, id: linkID, where: func(p *planner, t *T) model.ElementID { return p.places[string(t.Threat)] },
		title: func(p *planner, t *T) string {
			var parts []string
			for _, id := range []string{string(t.Threat), string(t.Weakness), string(t.Countermeasure)} {
				if id != "" {
					parts = append(parts, fmt.Sprintf("%q", p.titles[id]))
				}
			}
			return strings.Join(parts, " - ")
		},
		ref: func(*T) string { return "" }, origin: func(t *T) model.Origin { return t.Origin }, sets: func(t *T) *model.Sets { return &t.Sets },
		retired: func(t *T) **model.Retired { return &t.Retired },
		touched: func(t *T) bool { return held(t.Sets) },
		columns: []column[T]{columnOf("share", func(t *T) *float64 { return &t.Share })},
	}
}
