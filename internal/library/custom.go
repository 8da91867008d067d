package library

import (
	"fmt"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// customFields are a product's custom fields in CEL: a map of text in which what
// is absent reads as "", since no rule can know which fields a product fills in.
// It has no Find, by which the interpreter would notice absence and fail.
type customFields map[string]string

var (
	_ traits.Indexer     = customFields{}
	_ traits.FieldTester = customFields{}
	_ traits.Container   = customFields{}
	_ traits.Iterable    = customFields{}
	_ traits.Sizer       = customFields{}
)

// Get returns the value of a field; "" where it has none.
func (f customFields) Get(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key)
	}
	return types.String(f[string(name)])
}

// IsSet tells has() whether a field has a value.
func (f customFields) IsSet(key ref.Val) ref.Val { return f.Contains(key) }

// Contains tells whether a field has a value.
func (f customFields) Contains(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key)
	}
	_, found := f[string(name)]
	return types.Bool(found)
}

// Iterator goes over the keys in their order, so that every run costs the same.
func (f customFields) Iterator() traits.Iterator {
	keys := keysOf(f)
	slices.Sort(keys)
	return types.NewStringList(types.DefaultTypeAdapter, keys).(traits.Iterable).Iterator()
}

// Size counts the fields with a value.
func (f customFields) Size() ref.Val { return types.Int(len(f)) }

// Equal compares with the custom fields of a product only.
func (f customFields) Equal(other ref.Val) ref.Val {
	o, ok := other.(customFields)
	return types.Bool(ok && reflect.DeepEqual(map[string]string(f), map[string]string(o)))
}

// ConvertToNative refuses: no function of the library takes a map.
func (f customFields) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("custom fields cannot become %v", t)
}

// ConvertToType knows the type itself only.
func (f customFields) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return types.MapType
	}
	return types.NewErr("custom fields cannot become %s", t.TypeName())
}

// Type is that of maps.
func (f customFields) Type() ref.Type { return types.MapType }

// Value returns the fields as a map.
func (f customFields) Value() any { return map[string]string(f) }
