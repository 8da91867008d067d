package app

import (
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// fieldReset gives a field back to the rules.
type fieldReset[T any] struct {
	// rule takes the value that the rules want; nil for fields that they never set.
	rule func(o, want *T)
	// empty takes the value of a field that nobody has set; nil where it must have one.
	empty func(*T)
}

var threatResets = map[string]fieldReset[model.Threat]{
	"title":         {rule: func(o, w *model.Threat) { o.Title = w.Title }},
	"description":   {rule: func(o, w *model.Threat) { o.Description = w.Description }, empty: func(o *model.Threat) { o.Description = "" }},
	"categories":    {rule: func(o, w *model.Threat) { o.Categories = w.Categories }, empty: func(o *model.Threat) { o.Categories = nil }},
	"capec":         {rule: func(o, w *model.Threat) { o.CAPEC = w.CAPEC }, empty: func(o *model.Threat) { o.CAPEC = nil }},
	"impact":        {rule: func(o, w *model.Threat) { o.Impact = w.Impact }},
	"ease":          {rule: func(o, w *model.Threat) { o.Ease = w.Ease }},
	"inherent":      {empty: func(o *model.Threat) { o.Inherent = nil }},
	"status":        {empty: func(o *model.Threat) { o.Status, o.Acceptance = model.Open, nil }},
	"status_reason": {empty: func(o *model.Threat) { o.StatusReason = "" }},
	"owner":         {empty: func(o *model.Threat) { o.Owner = "" }},
	"retired":       {rule: func(o, _ *model.Threat) { o.Retired = nil }, empty: func(o *model.Threat) { o.Retired = nil }},
}

var weaknessResets = map[string]fieldReset[model.Weakness]{
	"title":       {rule: func(o, w *model.Weakness) { o.Title = w.Title }},
	"description": {rule: func(o, w *model.Weakness) { o.Description = w.Description }, empty: func(o *model.Weakness) { o.Description = "" }},
	"cwe":         {rule: func(o, w *model.Weakness) { o.CWE = w.CWE }, empty: func(o *model.Weakness) { o.CWE = 0 }},
	"test":        {rule: func(o, w *model.Weakness) { o.Test = w.Test }, empty: func(o *model.Weakness) { o.Test = "" }},
	"impact":      {empty: func(o *model.Weakness) { o.Impact = 0 }},
	"retired":     {rule: func(o, _ *model.Weakness) { o.Retired = nil }, empty: func(o *model.Weakness) { o.Retired = nil }},
}

var countermeasureResets = map[string]fieldReset[model.Countermeasure]{
	"title":        {rule: func(o, w *model.Countermeasure) { o.Title = w.Title }},
	"description":  {rule: func(o, w *model.Countermeasure) { o.Description = w.Description }, empty: func(o *model.Countermeasure) { o.Description = "" }},
	"state":        {rule: func(o, w *model.Countermeasure) { o.State = w.State }},
	"state_reason": {empty: func(o *model.Countermeasure) { o.StateReason = "" }},
	"standards":    {rule: func(o, w *model.Countermeasure) { o.Standards = w.Standards }, empty: func(o *model.Countermeasure) { o.Standards = nil }},
	"cost":         {rule: func(o, w *model.Countermeasure) { o.Cost = w.Cost }, empty: func(o *model.Countermeasure) { o.Cost = nil }},
	"test":         {rule: func(o, w *model.Countermeasure) { o.Test = w.Test }, empty: func(o *model.Countermeasure) { o.Test = "" }},
	"mandatory":    {empty: func(o *model.Countermeasure) { o.Mandatory = nil }},
	"owner":        {empty: func(o *model.Countermeasure) { o.Owner = "" }},
	"retired":      {rule: func(o, _ *model.Countermeasure) { o.Retired = nil }, empty: func(o *model.Countermeasure) { o.Retired = nil }},
}

var linkResets = map[string]fieldReset[model.Link]{
	"share":   {rule: func(o, w *model.Link) { o.Share = w.Share }},
	"retired": {rule: func(o, _ *model.Link) { o.Retired = nil }, empty: func(o *model.Link) { o.Retired = nil }},
}

func (e *editor) resetThreat(t *model.Threat, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	want, err := e.wanted()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(want.Threats, func(x model.Threat) bool { return x.ID == t.ID })
	return resetFields(t, &t.Sets, t.Origin, at(want.Threats, i), fields, threatResets)
}

func (e *editor) resetWeakness(w *model.Weakness, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	want, err := e.wanted()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(want.Weaknesses, func(x model.Weakness) bool { return x.ID == w.ID })
	return resetFields(w, &w.Sets, w.Origin, at(want.Weaknesses, i), fields, weaknessResets)
}

func (e *editor) resetCountermeasure(c *model.Countermeasure, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	want, err := e.wanted()
	if err != nil {
		return err
	}
	if slices.Contains(fields, "state") && !slices.Contains(fields, "state_reason") {
		fields = append(slices.Clone(fields), "state_reason") // the reason was that state's
	}
	i := slices.IndexFunc(want.Countermeasures, func(x model.Countermeasure) bool { return x.ID == c.ID })
	return resetFields(c, &c.Sets, c.Origin, at(want.Countermeasures, i), fields, countermeasureResets)
}

func (e *editor) resetLink(l *model.Link, fields []string) error {
	want, err := e.wanted()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(want.Links, func(x model.Link) bool { return store.LinkID(x) == store.LinkID(*l) })
	return resetFields(l, &l.Sets, l.Origin, at(want.Links, i), fields, linkResets)
}

func at[T any](list []T, i int) *T {
	if i < 0 {
		return nil
	}
	return &list[i]
}

// resetFields gives fields back to the rules, which follow them again from then
// on: each takes what the rules want now, or is emptied where they set nothing.
// Want is nil where no rule wants the object.
func resetFields[T any](o *T, sets *model.Sets, origin model.Origin, want *T, fields []string, table map[string]fieldReset[T]) error {
	for _, field := range fields {
		r, ok := table[field]
		switch {
		case !ok:
			return fault.New(fault.Invalid, "reset.field", "there is no field %q to reset", field).With("body.reset", "expected fields that rules set or people fill in")
		case origin == model.ByRule && want != nil && r.rule != nil:
			r.rule(o, want)
		case r.empty != nil && (origin != model.ByRule || r.rule == nil):
			r.empty(o)
		case field == "retired": // no rule wants it: the next plan retires it
		default:
			return fault.New(fault.Conflict, "reset.nothing", "no rule says what %s should be here", field).With("body.reset", "%s has no value to go back to", field)
		}
		delete(*sets, field)
	}
	return nil
}
