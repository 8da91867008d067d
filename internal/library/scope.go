package library

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/threatloop/threatloop/internal/model"
)

// Scope is what an expression sees. Fields that do not belong to the rule's
// target stay nil.
type Scope struct {
	Product    *Product
	Answers    *Answers
	Component  *Component
	Flow       *Flow
	Components []*Component
	Flows      []*Flow
	Facts      *Facts

	components, flows elements
}

// elements is a list of the model as CEL sees it, and in text. Both are made when
// first asked for: many rules of the product walk over the same thousands.
type elements struct {
	list ref.Val
	text string
}

// ResolveName gives a variable to the CEL interpreter.
func (s *Scope) ResolveName(name string) (any, bool) {
	switch name {
	case "product":
		return s.Product, true
	case "answers":
		return s.Answers, true
	case "component":
		return s.Component, true
	case "zone":
		return s.Component.Zone, true
	case "flow":
		return s.Flow, true
	case "facts":
		return s.Facts, true
	case "components":
		return asList(&s.components, s.Components), true
	case "flows":
		return asList(&s.flows, s.Flows), true
	}
	return nil, false
}

func asList[T any](e *elements, values []*T) ref.Val {
	if e.list == nil {
		e.list = list(values)
	}
	return e.list
}

// format writes what a path from the variable leads to. A list has no fields, so that a path ends at it.
func (s *Scope) format(variable string, v any) string {
	switch variable {
	case "components":
		return s.components.format()
	case "flows":
		return s.flows.format()
	}
	return FormatValue(v)
}

func (e *elements) format() string {
	if e.text == "" {
		e.text = FormatValue(e.list)
	}
	return e.text
}

// Parent is nil: a scope stands alone.
func (s *Scope) Parent() cel.Activation { return nil }

// Product is what a rule sees of the product.
type Product struct {
	Name     string
	Tags     []string
	Custom   map[string]string
	Value    model.CIA
	Exposure int
}

// Zone is what a rule sees of a trust zone.
type Zone struct {
	ID, Name string
	Trust    int
}

// Component is what a rule sees of a component; docs/library-format.md says what each field means.
type Component struct {
	ID, Name          string
	Kind              model.Kind
	Type              string
	Tags              []string
	Attributes        Attributes
	Zone              *Zone // never nil
	Trust, Exposure   int
	InternetFacing    bool
	Inbound, Outbound int
	Max               model.CIA
	Stores, Processes []string // names of assets
	OutOfScope        bool
}

// Flow is what a rule sees of a flow.
type Flow struct {
	ID, Name, Protocol string
	Tags               []string
	Attributes         Attributes
	Bidirectional      bool
	CrossesBoundary    bool
	IntoMoreTrusted    bool
	Answer             bool
	Source, Target     *Component // never nil
	Exposure           int
	Max                model.CIA
	Carries            []string // names of assets
	OutOfScope         bool
}

// Attributes are an element's attributes by name.
type Attributes map[string]string

// Facts are concluded values by name: bool, int64, float64 or string. Those of an
// element stand on those of the product.
type Facts struct {
	Own    map[string]any
	Parent *Facts
}

// Value returns the value of the fact and whether it was concluded.
func (f *Facts) Value(name string) (any, bool) {
	for ; f != nil; f = f.Parent {
		if v, ok := f.Own[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// The names of the object types in messages of the type checker.
const (
	productType    = "a product"
	valueType      = "a value"
	answersType    = "the answers"
	componentType  = "a component"
	zoneType       = "a zone"
	flowType       = "a flow"
	attributesType = "the attributes"
)

func factsType(t Target) string {
	if t == "" {
		return "the facts"
	}
	return "the facts of " + string(t)
}

// object carries one of the Go values above through CEL.
type object struct {
	typ    *types.Type
	native any
}

func (o object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s cannot become %v", o.typ.TypeName(), t)
}

func (o object) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return o.typ
	}
	return types.NewErr("%s cannot become %s", o.typ.TypeName(), t.TypeName())
}

func (o object) Equal(other ref.Val) ref.Val {
	b, ok := other.(object)
	if _, isMap := o.native.(Attributes); isMap || !ok {
		return types.Bool(ok && reflect.DeepEqual(o.native, b.native))
	}
	return types.Bool(o.native == b.native)
}
func (o object) Type() ref.Type { return o.typ }
func (o object) Value() any     { return o.native }

// adapter brings the Go values above into CEL and leaves the rest to the standard one.
type adapter struct{ types.Adapter }

func (a adapter) NativeToValue(v any) ref.Val {
	if val, ok := v.(ref.Val); ok {
		return val
	}
	if typ := typeOf(v); typ != nil {
		return object{typ, v}
	}
	return a.Adapter.NativeToValue(v)
}

// objectTypes are the types of the Go values above; made once because rules meet them at every step.
var objectTypes = func() map[string]*types.Type {
	all := map[string]*types.Type{}
	for _, name := range []string{productType, valueType, answersType, componentType, zoneType, flowType, attributesType, factsType("")} {
		all[name] = cel.ObjectType(name)
	}
	return all
}()

// typeOf returns the CEL type of one of the Go values above, or nil.
func typeOf(v any) *types.Type {
	switch v.(type) {
	case *Product:
		return objectTypes[productType]
	case *model.CIA:
		return objectTypes[valueType]
	case *Answers:
		return objectTypes[answersType]
	case *Component:
		return objectTypes[componentType]
	case *Zone:
		return objectTypes[zoneType]
	case *Flow:
		return objectTypes[flowType]
	case Attributes:
		return objectTypes[attributesType]
	case *Facts:
		return objectTypes[factsType("")]
	}
	return nil
}

func list[T any](values []*T) ref.Val {
	vals := make([]ref.Val, len(values))
	a := adapter{types.DefaultTypeAdapter}
	for i, v := range values {
		vals[i] = a.NativeToValue(v)
	}
	return types.NewRefValList(a, vals)
}

// domain is the set of words that a field may hold; "" is none, anything goes.
// "attribute:x" and "answer:x" are those of one attribute or question.
type domain string

const (
	kinds          domain = "component kind"
	componentTypes domain = "component type"
	tags           domain = "tag"
)

// field is one field of an object in CEL.
type field struct {
	typ   *cel.Type
	words domain
	get   func(any) any
	set   func(any) bool // nil: always set
}

func fieldOf[T any](typ *cel.Type, get func(T) any) field {
	return field{typ: typ, get: func(v any) any { return get(v.(T)) }}
}

// textOf is a field of text. It gives CEL its own kind of text, which saves making one at every read.
func textOf[T any](get func(T) string) field {
	return field{typ: cel.StringType, get: func(v any) any { return types.String(get(v.(T))) }}
}

func (f field) of(words domain) field { f.words = words; return f }

func texts(values []string) any { return types.NewStringList(types.DefaultTypeAdapter, values) }
