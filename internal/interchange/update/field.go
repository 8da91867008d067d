package update

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

type fields map[string]json.RawMessage

func fieldsOf(object any) (fields, error) {
	b, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("update: %T as JSON: %w", object, err)
	}
	var f fields
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("update: %T as JSON: %w", object, err)
	}
	return f, nil
}

// standing are the fields that the model keeps for itself.
var standing = map[string]bool{"sets": true, "why": true, "origin": true, "retired": true, "extra": true, "ref": true, "where": true, "id": true, "number": true}

// equal compares what two states of one thing say; what a file wrote around it does not count.
func equal[T any](a, b *T) bool {
	x, errX := fieldsOf(a)
	y, errY := fieldsOf(b)
	if errX != nil || errY != nil {
		return false
	}
	delete(x, "extra")
	delete(y, "extra")
	return maps.EqualFunc(x, y, same)
}

func same(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return len(a) > 0 && len(b) > 0 && json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// mergeOne merges one thing that is here and in the file; base is nil where the
// file did not have it before, or nobody knows.
func mergeOne[T any](u *merger, kind Kind, p part, base, ours, theirs *T, of func(*T) part) error {
	o, err := fieldsOf(ours)
	if err != nil {
		return err
	}
	t, err := fieldsOf(theirs)
	if err != nil {
		return err
	}
	var b fields
	if base != nil {
		if b, err = fieldsOf(base); err != nil {
			return err
		}
	}
	before := maps.Clone(o)
	var sets model.Sets
	if raw := o["sets"]; raw != nil {
		if err := json.Unmarshal(raw, &sets); err != nil {
			return fmt.Errorf("update: setters of %s %s: %w", kind, p.id, err)
		}
	}
	item := Item{Kind: kind, ID: p.id}
	settled := false
	keys := map[string]bool{}
	for key := range o {
		keys[key] = true
	}
	for key := range t {
		keys[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if standing[key] || same(o[key], t[key]) {
			continue
		}
		if kind == Component && key == "type" && t[key] == nil && !u.opts.Complete {
			continue // nothing was guessed from a name this time
		}
		if key == "attributes" || key == "custom" {
			m := byKey{based: base != nil, theirs: func() bool { return u.wants(kind, p.id) }}
			value, err := m.merge(b[key], o[key], t[key])
			if err != nil {
				return err
			}
			for _, f := range m.fields {
				f.Field = key + "." + f.Field
				item.Fields = append(item.Fields, f)
			}
			put(o, key, value)
			continue
		}
		field := Field{Field: key, Ours: before[key], File: t[key], Taken: u.take(kind, key, b, o, t, sets, base != nil)}
		if !field.Taken {
			if base == nil && t[key] == nil || base != nil && same(b[key], t[key]) {
				continue // the file says nothing new
			}
			if field.Taken = u.wants(kind, p.id); field.Taken {
				delete(sets, key) // it is as the file has it, and no decision of this place any more
				settled = true
			}
		}
		if field.Taken {
			put(o, key, t[key])
		}
		item.Fields = append(item.Fields, field)
	}
	if settled {
		var raw json.RawMessage
		if len(sets) > 0 {
			if raw, err = json.Marshal(sets); err != nil {
				return fmt.Errorf("update: setters of %s %s: %w", kind, p.id, err)
			}
		}
		put(o, "sets", raw)
	}
	for _, f := range item.Fields {
		if !f.Taken {
			item.Conflict = true
			u.report.Conflicts++
		}
	}
	changed := slices.ContainsFunc(item.Fields, func(f Field) bool { return f.Taken })
	if err := followFile(o, t); err != nil {
		return err
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("update: %s %s: %w", kind, p.id, err)
	}
	var merged T
	if err := json.Unmarshal(raw, &merged); err != nil {
		return fmt.Errorf("update: %s %s: %w", kind, p.id, err)
	}
	*ours = merged
	item.Title = of(ours).title
	switch {
	case changed:
		item.Action = Change
		u.add(item)
	case len(item.Fields) > 0:
		item.Action, item.Text = Keep, "it was changed here and in the file; what was changed here stays"
		u.add(item)
	}
	return nil
}

// take decides whether a field that differs becomes what the file says.
func (u *merger) take(kind Kind, key string, b, o, t fields, sets model.Sets, based bool) bool {
	if set, ok := sets[key]; ok && set.By != model.SetByImport {
		return false
	}
	if based {
		return same(o[key], b[key])
	}
	switch {
	case t[key] == nil:
		return false
	case kind == Component && key == "type" && o[key] != nil && !u.opts.Complete:
		return false // it is only guessed from names in such files
	case kind == Zone && (key == "trust" || key == "guess") && string(t["guess"]) == "true":
		return string(o["guess"]) == "true"
	case kind == Product:
		return o[key] == nil
	case kind == Answer:
		return false
	}
	return true
}

// put sets a field, or takes it out where there is no value.
func put(o fields, key string, value json.RawMessage) {
	if value == nil {
		delete(o, key)
	} else {
		o[key] = value
	}
}

// byKey merges texts by key: where the base is unknown, keys of both stay and the
// file's values win.
type byKey struct {
	based  bool
	theirs func() bool // asked where both sides changed a key
	fields []Field     // the keys on which they differ, in order
}

func (m *byKey) merge(base, ours, theirs json.RawMessage) (json.RawMessage, error) {
	var b, o, t map[string]string
	for _, x := range []struct {
		raw  json.RawMessage
		into *map[string]string
	}{{base, &b}, {ours, &o}, {theirs, &t}} {
		if x.raw == nil {
			continue
		}
		if err := json.Unmarshal(x.raw, x.into); err != nil {
			return nil, fmt.Errorf("update: texts by key: %w", err)
		}
	}
	keys := maps.Clone(o)
	if keys == nil {
		keys = map[string]string{}
	}
	out := maps.Clone(keys)
	maps.Copy(keys, t)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		was, had := b[key]
		mine, have := o[key]
		file, says := t[key]
		if have == says && mine == file || !m.based && !says || m.based && had == says && was == file {
			continue // they agree, or the file says nothing new
		}
		f := Field{Field: key, Taken: !m.based || had == have && was == mine || m.theirs()}
		if have {
			f.Ours, _ = json.Marshal(mine)
		}
		if says {
			f.File, _ = json.Marshal(file)
		}
		m.fields = append(m.fields, f)
		switch {
		case f.Taken && says:
			out[key] = file
		case f.Taken:
			delete(out, key)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("update: texts by key: %w", err)
	}
	return raw, nil
}

// followFile takes over how the file writes a thing, so that it can be written
// back in the file's own words, and what only a file gives: its number.
func followFile(o, t fields) error {
	if n, ok := t["number"]; ok {
		o["number"] = n
	}
	if t["extra"] == nil {
		return nil
	}
	var mine, file model.Extra
	if o["extra"] != nil {
		if err := json.Unmarshal(o["extra"], &mine); err != nil {
			return fmt.Errorf("update: extra: %w", err)
		}
	}
	if err := json.Unmarshal(t["extra"], &file); err != nil {
		return fmt.Errorf("update: extra: %w", err)
	}
	if mine == nil {
		mine = model.Extra{}
	}
	maps.Copy(mine, file)
	raw, err := json.Marshal(mine)
	if err != nil {
		return fmt.Errorf("update: extra: %w", err)
	}
	o["extra"] = raw
	return nil
}
