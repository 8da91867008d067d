package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// FieldType is what a custom field holds. Values are text whatever the type: a
// number in decimal digits, a date as 2006-01-02, a person as the id of their
// account, an option as its ref, several options as a JSON array of refs.
type FieldType string

// The types of custom fields.
const (
	FieldText   FieldType = "text"
	FieldNumber FieldType = "number"
	FieldChoice FieldType = "choice"
	FieldUser   FieldType = "user"
	FieldDate   FieldType = "date"
	FieldLink   FieldType = "link"
)

// FieldOption is an option of a choice.
type FieldOption struct {
	Ref  string `json:"ref" minLength:"1" maxLength:"60" doc:"What is stored: letters, digits, _, - and ."`
	Text string `json:"text" minLength:"1" maxLength:"200" doc:"What people read"`
}

// FieldInput defines a custom field of products.
type FieldInput struct {
	Name       string        `json:"name" minLength:"1" maxLength:"100" example:"Data class"`
	Help       string        `json:"help,omitempty" maxLength:"500" doc:"Stands below the field where it is filled in"`
	Type       FieldType     `json:"type" enum:"text,number,choice,user,date,link"`
	Required   bool          `json:"required,omitempty" doc:"A new product needs a value; of others it is told that it is missing"`
	Pattern    string        `json:"pattern,omitempty" maxLength:"500" doc:"RE2 expression that the whole of a text must match"`
	Options    []FieldOption `json:"options,omitempty" maxItems:"200" doc:"Of a choice"`
	Multiple   bool          `json:"multiple,omitempty" doc:"Several options of a choice may be taken"`
	Min        *float64      `json:"min,omitempty" doc:"Least number"`
	Max        *float64      `json:"max,omitempty" doc:"Greatest number"`
	VisibleTo  policy.Role   `json:"visible_to,omitempty" enum:"viewer,developer,modeller,approver,administrator" doc:"Least role on the product that sees the value; viewer where it is left out"`
	EditableBy policy.Role   `json:"editable_by,omitempty" enum:"viewer,developer,modeller,approver,administrator" doc:"Least role on the product that changes the value; modeller where it is left out"`
}

// FieldView is a custom field as it is defined.
type FieldView struct {
	Key string `json:"key"`
	FieldInput
	Version  int64      `json:"version"`
	Removed  *time.Time `json:"removed,omitempty" doc:"Since when it is no longer defined"`
	Products *int64     `json:"products,omitempty" doc:"How many store a value; for who manages fields only"`
}

// ETag returns the version of the field.
func (v FieldView) ETag() int64 { return v.Version }

// FieldList are the custom fields of products, in the order in which they are filled in.
type FieldList struct {
	Items   []FieldView `json:"items"`
	Removed []FieldView `json:"removed" doc:"What is no longer defined; products keep what they store in it"`
	Version int64       `json:"version" doc:"Of the whole list"`
}

// ETag returns the version of the list; 0 while no field was ever defined.
func (v FieldList) ETag() int64 { return v.Version }

const (
	// settingFields is where the fields are stored.
	settingFields = "fields"
	// fieldStream stands for the fields in the heads of Heads, for those whom
	// the installation's audit trail does not concern.
	fieldStream = "fields"
	maxFields   = 100 // defined at a time
)

// loadFields reads the custom fields as they are stored, the removed ones included.
func loadFields(tx *store.Tx) (fieldSet, error) {
	s, err := tx.Setting(settingFields)
	if err != nil || s.Version == 0 {
		return fieldSet{}, err
	}
	set := fieldSet{version: s.Version}
	if err := json.Unmarshal([]byte(s.Doc), &set.all); err != nil {
		return set, fmt.Errorf("app: custom fields: %w", err)
	}
	return set, nil
}

func (ch *changing) saveFields(set fieldSet) error {
	doc, err := json.Marshal(set.all)
	if err != nil {
		return fmt.Errorf("app: custom fields: %w", err)
	}
	err = ch.tx.SetSetting(store.Setting{Key: settingFields, Version: set.version, At: ch.at, Doc: string(doc)})
	if fault.Is(err, fault.Stale) {
		return fault.Wrap(err, fault.Stale, "field.stale", "the custom fields were changed meanwhile; look at them again and repeat the change")
	}
	return err
}

// Fields lists the custom fields of products.
func (a *App) Fields(ctx context.Context, c Caller) (FieldList, error) {
	return query(ctx, a, c, policy.ProductList, "", func(tx *store.Tx) (FieldList, error) {
		set, err := loadFields(tx)
		if err != nil {
			return FieldList{}, err
		}
		v := set.list()
		actor, err := actorOn(tx, c, "")
		if err != nil || !policy.Can(actor, policy.FieldManage, policy.Scope{}) {
			return v, err
		}
		used, err := tx.FieldUse()
		if err != nil {
			return v, err
		}
		for _, list := range [][]FieldView{v.Items, v.Removed} {
			for i := range list {
				n := used[list[i].Key]
				list[i].Products = &n
			}
		}
		return v, nil
	})
}

// PutField defines a custom field, or changes or brings back what is defined under
// the key. With create it refuses a key that is taken (fault.Conflict). What
// products store stays as it is, also where it no longer fits.
func (a *App) PutField(ctx context.Context, c Caller, key string, version int64, create bool, in FieldInput) (FieldView, error) {
	return change(ctx, a, c, policy.FieldManage, "", Cause{}, func(ch *changing) (FieldView, error) {
		set, err := loadFields(ch.tx)
		if err != nil {
			return FieldView{}, err
		}
		before := set.find(key)
		switch live := before != nil && before.Removed == nil; {
		case create && live:
			return FieldView{}, fault.New(fault.Conflict, "field.exists", "there is a field with the key %q already", key).With("path.key", "expected one that is not taken")
		case live:
			if err := before.expect(version); err != nil {
				return FieldView{}, err
			}
		case version != 0:
			return FieldView{}, notFound("field", key)
		case len(set.live()) >= maxFields:
			return FieldView{}, fault.New(fault.Conflict, "field.many", "there are %d custom fields, which is as many as there can be", maxFields)
		}
		if err := in.check(key, set, "body."); err != nil {
			return FieldView{}, err
		}
		now := FieldView{Key: key, FieldInput: in, Version: set.version + 1}
		var old any
		if before != nil {
			old = before.FieldInput
		}
		set.all = slices.Clone(set.all)
		if i := set.index(key); i >= 0 {
			set.all[i] = now
		} else {
			set.all = append(set.all, now)
		}
		if err := ch.saveFields(set); err != nil {
			return FieldView{}, err
		}
		return now, ch.record("field.set", "field/"+key, old, in)
	})
}

// RemoveField ends the definition of a custom field. Products keep what they store in it.
func (a *App) RemoveField(ctx context.Context, c Caller, key string, version int64) error {
	_, err := change(ctx, a, c, policy.FieldManage, "", Cause{}, func(ch *changing) (struct{}, error) {
		set, err := loadFields(ch.tx)
		if err != nil {
			return struct{}{}, err
		}
		f := set.find(key)
		if f == nil || f.Removed != nil {
			return struct{}{}, notFound("field", key)
		}
		if err := f.expect(version); err != nil {
			return struct{}{}, err
		}
		gone := *f
		gone.Removed, gone.Version = &ch.at, set.version+1
		set.all = slices.Clone(set.all)
		set.all[set.index(key)] = gone
		if err := ch.saveFields(set); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("field.remove", "field/"+key, f.FieldInput, nil)
	})
	return err
}

// OrderFields puts the custom fields in the order of the keys, which name each
// defined field once. Version is that of the list.
func (a *App) OrderFields(ctx context.Context, c Caller, version int64, keys []string) (FieldList, error) {
	return change(ctx, a, c, policy.FieldManage, "", Cause{}, func(ch *changing) (FieldList, error) {
		set, err := loadFields(ch.tx)
		if err != nil {
			return FieldList{}, err
		}
		if version != 0 && version != set.version {
			return FieldList{}, fault.New(fault.Stale, "field.stale", "the custom fields were changed meanwhile; look at them again and repeat the change").With("header.If-Match", "is %d, now %d", version, set.version)
		}
		var was []string
		for _, f := range set.live() {
			was = append(was, f.Key)
		}
		if !slices.Equal(slices.Sorted(slices.Values(was)), slices.Sorted(slices.Values(keys))) {
			return FieldList{}, fault.New(fault.Invalid, "field.order", "the order does not name each custom field once").With("body.keys", "expected %v in any order", was)
		}
		if slices.Equal(was, keys) {
			return set.list(), nil
		}
		next := fieldSet{version: set.version}
		for _, key := range keys {
			next.all = append(next.all, *set.find(key))
		}
		for _, f := range set.all {
			if f.Removed != nil {
				next.all = append(next.all, f)
			}
		}
		if err := ch.saveFields(next); err != nil {
			return FieldList{}, err
		}
		next.version++
		return next.list(), ch.record("field.order", "fields", was, keys)
	})
}

// FieldTry is a value to be held against a definition that need not be stored.
type FieldTry struct {
	Field FieldInput `json:"field"`
	Value string     `json:"value" maxLength:"2000"`
}

// FieldTried says whether a value fits.
type FieldTried struct {
	Fits  bool   `json:"fits"`
	Text  string `json:"text,omitempty" doc:"What is wrong with it and what is expected"`
	Value string `json:"value,omitempty" doc:"As it would be stored"`
}

// TryField tells whether a value fits a definition. Nothing is stored.
func (a *App) TryField(ctx context.Context, c Caller, in FieldTry) (FieldTried, error) {
	return query(ctx, a, c, policy.FieldManage, "", func(tx *store.Tx) (FieldTried, error) {
		if err := in.Field.check("try", fieldSet{}, "body.field."); err != nil {
			return FieldTried{}, err
		}
		value, text := in.Field.read(in.Value, personIn(tx))
		return FieldTried{Fits: text == "", Text: text, Value: value}, nil
	})
}

// personIn tells whether an id is that of somebody who may sign in.
func personIn(tx *store.Tx) func(id string) bool {
	return func(id string) bool {
		acc, err := tx.Account(id)
		return err == nil && !acc.Disabled
	}
}
