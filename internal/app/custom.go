package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// CustomProblem is something about a custom field of a product that a person
// should settle; it hinders nothing.
type CustomProblem struct {
	Key  string `json:"key"`
	Kind string `json:"kind" enum:"missing,unfit,undefined" doc:"A required value is missing; a value does not fit the definition any more; the field is not defined, or no longer"`
	Text string `json:"text"`
}

// onlooker shows what products store in custom fields to one caller.
type onlooker struct {
	tx      *store.Tx
	caller  Caller
	fields  fieldSet
	names   actorNames
	roles   map[model.ProductID]policy.Role // nil until asked for
	persons func(id string) bool
}

func newOnlooker(tx *store.Tx, c Caller) (*onlooker, error) {
	fields, err := loadFields(tx)
	person, known := personIn(tx), map[string]bool{}
	return &onlooker{tx: tx, caller: c, fields: fields, names: actorNames{}, persons: func(id string) bool {
		is, asked := known[id]
		if !asked {
			is = person(id)
			known[id] = is
		}
		return is
	}}, err
}

// roleOn is the caller's role on a product; administrators of the installation
// and what works in the background have every role.
func roleOn(tx *store.Tx, c Caller, product model.ProductID) (policy.Role, error) {
	if c.Kind == "system" || c.Admin {
		return policy.Administrator, nil
	}
	role, err := tx.Role(c.User, product)
	return policy.Role(role), err
}

// role is the caller's on a product; all of theirs are read at the first question.
func (o *onlooker) role(product model.ProductID) (policy.Role, error) {
	if o.caller.Kind == "system" || o.caller.Admin {
		return policy.Administrator, nil
	}
	if o.roles == nil {
		list, err := o.tx.Memberships(o.caller.User)
		if err != nil {
			return "", err
		}
		o.roles = map[model.ProductID]policy.Role{}
		for _, m := range list {
			o.roles[m.Product] = policy.Role(m.Role)
		}
	}
	return o.roles[product], nil
}

// custom returns what the caller sees of what a product stores; nil is nothing.
func (o *onlooker) custom(product model.ProductID, stored map[string]string) (map[string]string, error) {
	if len(stored) == 0 {
		return nil, nil
	}
	role, err := o.role(product)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(stored)
	maps.DeleteFunc(out, func(key, _ string) bool { return !o.fields.sees(role, key) })
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// model is a model as the caller may see it: itself, or a copy without the custom
// fields that are not for them.
func (o *onlooker) model(m *model.Model) (*model.Model, error) {
	seen, err := o.custom(m.Product.ID, m.Product.Custom)
	if err != nil || len(seen) == len(m.Product.Custom) {
		return m, err
	}
	out := *m
	out.Product.Custom = seen
	return &out, nil
}

// show fills in what the caller sees of a product's custom fields, and what is to be said of them.
func (o *onlooker) show(v *ProductView, stored map[string]string) error {
	if len(stored) == 0 && len(o.fields.all) == 0 {
		return nil
	}
	role, err := o.role(v.ID)
	if err != nil {
		return err
	}
	if v.Custom, err = o.custom(v.ID, stored); err != nil {
		return err
	}
	tell := func(key, kind, format string, args ...any) {
		v.CustomProblems = append(v.CustomProblems, CustomProblem{Key: key, Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	for i := range o.fields.all {
		f := &o.fields.all[i]
		value := v.Custom[f.Key]
		if f.Type == FieldUser && value != "" {
			if name := o.names.of(o.tx, value); name != value {
				if v.CustomNames == nil {
					v.CustomNames = map[string]string{}
				}
				v.CustomNames[value] = name
			}
		}
		switch {
		case !role.AtLeast(f.VisibleTo):
		case f.Removed != nil && value != "":
			tell(f.Key, "undefined", "%s is no longer defined; what was stored is kept", f.Name)
		case f.Removed != nil:
		case value == "" && f.Required:
			tell(f.Key, "missing", "%s is required and has no value", f.Name)
		default:
			if _, wrong := f.read(value, o.persons); wrong != "" {
				tell(f.Key, "unfit", "%s: %s", f.Name, wrong)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.Custom)) {
		if o.fields.find(key) == nil {
			tell(key, "undefined", "%s is not defined as a field; what was stored is kept", key)
		}
	}
	return nil
}

// hide takes what the caller may not see out of a stored product's document.
func (o *onlooker) hide(product model.ProductID, doc json.RawMessage) (json.RawMessage, error) {
	var p map[string]json.RawMessage
	if len(doc) == 0 || json.Unmarshal(doc, &p) != nil || len(p["custom"]) == 0 {
		return doc, nil
	}
	var stored map[string]string
	if err := json.Unmarshal(p["custom"], &stored); err != nil {
		return nil, fmt.Errorf("app: custom fields of product %s: %w", product, err)
	}
	seen, err := o.custom(product, stored)
	if err != nil || len(seen) == len(stored) {
		return doc, err
	}
	if delete(p, "custom"); len(seen) > 0 {
		if p["custom"], err = json.Marshal(seen); err != nil {
			return nil, fmt.Errorf("app: custom fields of product %s: %w", product, err)
		}
	}
	return json.Marshal(p)
}

// hideCustom takes what the caller may not see out of the changes of a product's head.
func hideCustom(tx *store.Tx, c Caller, product model.ProductID, groups []HistoryGroup) error {
	looking, err := newOnlooker(tx, c)
	for _, g := range groups {
		for i := range g.Changes {
			change := &g.Changes[i]
			if change.Kind != store.KindProduct || err != nil {
				continue
			}
			if change.Old, err = looking.hide(product, change.Old); err == nil {
				change.New, err = looking.hide(product, change.New)
			}
		}
	}
	return err
}

// setCustom changes what the product stores in custom fields: each key that is
// given gets its value, "" takes it away, the others stay. A value that is the
// stored one passes whatever the definitions say by now. With demand a required
// field without a value is refused.
func (ch *changing) setCustom(role policy.Role, in map[string]string, demand bool) error {
	set, err := loadFields(ch.tx)
	if err != nil {
		return err
	}
	p := &ch.model.Product
	now := maps.Clone(p.Custom)
	if now == nil {
		now = map[string]string{}
	}
	bad := fault.New(fault.Invalid, "product.custom", "some custom fields do not fit")
	closed := fault.New(fault.Forbidden, "product.custom_role", "your role does not allow to change these custom fields")
	for _, key := range slices.Sorted(maps.Keys(in)) {
		value, f, where := strings.TrimSpace(in[key]), set.find(key), "body.custom."+key
		live := f != nil && f.Removed == nil
		switch {
		case f != nil && !role.AtLeast(f.EditableBy):
			if value != now[key] || !role.AtLeast(f.VisibleTo) {
				closed.With(where, "expected the role %s or more", f.EditableBy)
			}
		case value == now[key]:
		case value == "":
			if live && f.Required {
				bad.With(where, "%s is required; expected a value", f.Name)
			}
			delete(now, key)
		case !live:
			bad.With(where, "there is no such field; expected one that administrators have defined")
		default:
			stored, wrong := f.read(value, personIn(ch.tx))
			if wrong != "" {
				bad.With(where, "%s", wrong)
			}
			if now[key] = stored; stored == "" {
				delete(now, key)
			}
		}
	}
	if demand {
		for _, f := range set.live() {
			if f.Required && now[f.Key] == "" {
				bad.With("body.custom."+f.Key, "%s is required; expected a value", f.Name)
			}
		}
	}
	if len(closed.Fields) > 0 {
		return closed
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	if p.Custom = now; len(now) == 0 {
		p.Custom = nil
	}
	return nil
}

// FillCustom changes custom fields of a product: those that are given, "" takes a
// value away. Each field says which role may.
func (a *App) FillCustom(ctx context.Context, c Caller, id model.ProductID, version int64, in map[string]string) (ProductView, error) {
	cause := Cause{Kind: "edited", Text: "the product's custom fields were changed"}
	return change(ctx, a, c, policy.FieldFill, id, cause, func(ch *changing) (ProductView, error) {
		if err := ch.expect(store.KindProduct, string(id), version); err != nil {
			return ProductView{}, err
		}
		role, err := roleOn(ch.tx, c, id)
		if err != nil {
			return ProductView{}, err
		}
		if err := ch.setCustom(role, in, false); err != nil {
			return ProductView{}, err
		}
		return ch.saveAndView()
	})
}

// fieldFilters reads filters of the form KEY:value. Of one key any of the values
// will do; what the caller may not see of a product does not find it.
func fieldFilters(tx *store.Tx, filters []string) ([]store.FieldFilter, error) {
	if len(filters) == 0 {
		return nil, nil
	}
	set, err := loadFields(tx)
	if err != nil {
		return nil, err
	}
	var out []store.FieldFilter
	for _, text := range filters {
		key, value, ok := strings.Cut(text, ":")
		f := set.find(key)
		if !ok || f == nil {
			return nil, fault.New(fault.Invalid, "product.field", "products cannot be filtered by %q", text).With("query.field", "expected KEY:value with the key of a custom field")
		}
		i := slices.IndexFunc(out, func(x store.FieldFilter) bool { return x.Key == key })
		if i < 0 {
			out, i = append(out, store.FieldFilter{Key: key, Roles: rolesFrom(f.VisibleTo)}), len(out)
		}
		out[i].Values = append(out[i].Values, value)
	}
	return out, nil
}

// FieldFacet are the values that products store in a custom field, the most used first.
type FieldFacet struct {
	Key    string       `json:"key"`
	Name   string       `json:"name"`
	Values []FacetValue `json:"values"`
}

// FacetValue is a value of a custom field as people read it.
type FacetValue struct {
	Value    string `json:"value"`
	Text     string `json:"text"`
	Products int    `json:"products"`
}

// fieldFacets returns the values of choices and people, in the order of the fields.
func fieldFacets(tx *store.Tx, q store.ProductQuery) ([]FieldFacet, error) {
	out := []FieldFacet{}
	set, err := loadFields(tx)
	if err != nil {
		return out, err
	}
	names := actorNames{}
	for _, f := range set.live() {
		if f.Type != FieldChoice && f.Type != FieldUser {
			continue
		}
		list, err := tx.FieldFacet(q, f.Key, rolesFrom(f.VisibleTo))
		if err != nil {
			return out, err
		}
		facet := FieldFacet{Key: f.Key, Name: f.Name, Values: make([]FacetValue, len(list))}
		for i, v := range list {
			text := v.Value
			if at := slices.IndexFunc(f.Options, func(o FieldOption) bool { return o.Ref == v.Value }); at >= 0 {
				text = f.Options[at].Text
			} else if f.Type == FieldUser {
				text = names.of(tx, v.Value)
			}
			facet.Values[i] = FacetValue{Value: v.Value, Text: text, Products: int(v.Products)}
		}
		out = append(out, facet)
	}
	return out, nil
}
