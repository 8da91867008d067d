package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// limits puts back what a file decides and the caller may not: which risks are
// carried, the tolerance, and custom fields of other roles. A file is no way around
// a role. What was put back is told among the items of the report.
type limits struct {
	before, merged *model.Model
	report         *update.Report
}

// withhold applies the limits of the caller to a model that a file was merged into.
func (a *App) withhold(tx *store.Tx, c Caller, before, merged *model.Model, report *update.Report) error {
	product := before.Product.ID
	l := limits{before, merged, report}
	if a.allow(tx, c, policy.ThreatAccept, product) != nil {
		l.carried()
	}
	if a.allow(tx, c, policy.ProductTolerance, product) != nil && !samePointer(before.Product.Tolerance, merged.Product.Tolerance) {
		l.tell(update.Product, string(product), before.Product.Name, "the tolerance takes the role approver", "tolerance", before.Product.Tolerance, merged.Product.Tolerance)
		merged.Product.Tolerance = before.Product.Tolerance
	}
	if maps.Equal(before.Product.Custom, merged.Product.Custom) && !slices.ContainsFunc(report.Items, isAboutFields) {
		return nil
	}
	role, err := roleOn(tx, c, product)
	if err != nil {
		return err
	}
	fields, err := loadFields(tx)
	if err != nil {
		return err
	}
	l.custom(role, fields)
	return nil
}

// isCarried reports whether somebody decided to live with a threat.
func isCarried(t *model.Threat) bool {
	return t.Acceptance != nil || t.Status == model.Accepted || t.Status == model.Transferred
}

// carried keeps the decisions about carrying risks as they were.
func (l *limits) carried() {
	was := make(map[model.ThreatID]*model.Threat, len(l.before.Threats))
	for i := range l.before.Threats {
		was[l.before.Threats[i].ID] = &l.before.Threats[i]
	}
	for i := range l.merged.Threats {
		t := &l.merged.Threats[i]
		old := was[t.ID]
		if old == nil {
			old = &model.Threat{Status: model.Open}
		}
		if !isCarried(t) && !isCarried(old) || t.Status == old.Status && equal(t.Acceptance, old.Acceptance) {
			continue
		}
		l.tell(update.Threat, string(t.ID), t.Title, "to accept or transfer a risk takes the role approver", "status", old.Status, t.Status)
		t.Status, t.StatusReason, t.Acceptance, t.Sets = old.Status, old.StatusReason, old.Acceptance, copySets(t.Sets)
		for _, field := range []string{"status", "status_reason"} {
			if set, ok := old.Sets[field]; ok {
				t.Sets[field] = set
			} else {
				delete(t.Sets, field)
			}
		}
		if len(t.Sets) == 0 {
			t.Sets = nil
		}
	}
}

// custom keeps the values of fields that the role may not change.
func (l *limits) custom(role policy.Role, fields fieldSet) {
	old, now := l.before.Product.Custom, maps.Clone(l.merged.Product.Custom)
	if now == nil {
		now = map[string]string{}
	}
	for i := range fields.all {
		f := &fields.all[i]
		if role.AtLeast(f.EditableBy) || old[f.Key] == now[f.Key] {
			continue
		}
		text := fmt.Sprintf("the field %s takes the role %s", f.Name, f.EditableBy)
		if role.AtLeast(f.VisibleTo) {
			l.tell(update.Product, string(l.before.Product.ID), l.before.Product.Name, text, customPrefix+f.Key, old[f.Key], now[f.Key])
		} else {
			l.tell(update.Product, string(l.before.Product.ID), l.before.Product.Name, text, customPrefix+f.Key, nil, nil)
		}
		if value, ok := old[f.Key]; ok {
			now[f.Key] = value
		} else {
			delete(now, f.Key)
		}
	}
	if l.merged.Product.Custom = now; len(now) == 0 {
		l.merged.Product.Custom = nil
	}
	l.hide(role, fields)
}

// isAboutFields reports whether an item tells of custom fields.
func isAboutFields(i update.Item) bool {
	return slices.ContainsFunc(i.Fields, func(f update.Field) bool { return strings.HasPrefix(f.Field, customPrefix) })
}

// customPrefix begins the name of a custom field among the fields of an item.
const customPrefix = "custom."

// hide takes the values out of the report that the role may not see.
func (l *limits) hide(role policy.Role, fields fieldSet) {
	for n := range l.report.Items {
		i := &l.report.Items[n]
		if i.Kind != update.Product {
			continue
		}
		for j := range i.Fields {
			f := &i.Fields[j]
			key, ok := strings.CutPrefix(f.Field, customPrefix)
			if at := fields.index(key); ok && at >= 0 && !role.AtLeast(fields.all[at].VisibleTo) {
				f.Ours, f.File = nil, nil
			}
		}
	}
}

// tell says that a field stays, and takes out of the report that it changes.
func (l *limits) tell(kind update.Kind, id, title, why, field string, ours, file any) {
	r := l.report
	for n := range r.Items {
		i := &r.Items[n]
		if i.Kind != kind || i.ID != id || i.Action == update.Add {
			continue
		}
		i.Fields = slices.DeleteFunc(i.Fields, func(f update.Field) bool {
			return f.Field == field || kind == update.Threat && (f.Field == "status_reason" || f.Field == "acceptance")
		})
		i.Conflict = slices.ContainsFunc(i.Fields, func(f update.Field) bool { return !f.Taken }) || i.Conflict && len(i.Fields) == 0 && i.Action == update.Keep
		if i.Action == update.Change && !slices.ContainsFunc(i.Fields, func(f update.Field) bool { return f.Taken }) {
			i.Action = update.Keep
			r.Changed--
		}
	}
	r.Items = slices.DeleteFunc(r.Items, func(i update.Item) bool {
		return i.Kind == kind && i.ID == id && i.Action == update.Keep && len(i.Fields) == 0
	})
	r.Conflicts++
	r.Items = append(r.Items, update.Item{
		Action: update.Keep, Kind: kind, ID: id, Title: title, Text: why + "; what the file says of it is left out",
		Fields: []update.Field{{Field: field, Ours: raw(ours), File: raw(file)}},
	})
}

// raw is a value as the items of a merge show it; nil where there is none.
func raw(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil || string(data) == "null" || string(data) == `""` {
		return nil
	}
	return data
}
