package library

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/threatloop/threatloop/internal/model"
)

// fixedFields returns the fields that every library has; those of answers,
// attributes and facts come from its own words.
func fixedFields() map[string]map[string]field {
	text, flag, whole, words := cel.StringType, cel.BoolType, cel.IntType, cel.ListType(cel.StringType)
	return map[string]map[string]field{
		productType: {
			"name":     textOf(func(p *Product) string { return p.Name }),
			"tags":     fieldOf(words, func(p *Product) any { return texts(p.Tags) }).of(tags),
			"custom":   fieldOf(cel.MapType(text, text), func(p *Product) any { return customFields(p.Custom) }),
			"value":    fieldOf(cel.ObjectType(valueType), func(p *Product) any { return &p.Value }),
			"exposure": fieldOf(whole, func(p *Product) any { return p.Exposure }),
		},
		valueType: {
			"confidentiality": fieldOf(whole, func(v *model.CIA) any { return v.Confidentiality }),
			"integrity":       fieldOf(whole, func(v *model.CIA) any { return v.Integrity }),
			"availability":    fieldOf(whole, func(v *model.CIA) any { return v.Availability }),
		},
		zoneType: {
			"id":    textOf(func(z *Zone) string { return z.ID }),
			"name":  textOf(func(z *Zone) string { return z.Name }),
			"trust": fieldOf(whole, func(z *Zone) any { return z.Trust }),
		},
		componentType: {
			"id":              textOf(func(c *Component) string { return c.ID }),
			"name":            textOf(func(c *Component) string { return c.Name }),
			"kind":            textOf(func(c *Component) string { return string(c.Kind) }).of(kinds),
			"type":            textOf(func(c *Component) string { return c.Type }).of(componentTypes),
			"tags":            fieldOf(words, func(c *Component) any { return texts(c.Tags) }).of(tags),
			"attributes":      fieldOf(cel.ObjectType(attributesType), func(c *Component) any { return c.Attributes }),
			"zone":            fieldOf(cel.ObjectType(zoneType), func(c *Component) any { return c.Zone }),
			"trust":           fieldOf(whole, func(c *Component) any { return c.Trust }),
			"exposure":        fieldOf(whole, func(c *Component) any { return c.Exposure }),
			"internet_facing": fieldOf(flag, func(c *Component) any { return c.InternetFacing }),
			"inbound":         fieldOf(whole, func(c *Component) any { return c.Inbound }),
			"outbound":        fieldOf(whole, func(c *Component) any { return c.Outbound }),
			"max":             fieldOf(cel.ObjectType(valueType), func(c *Component) any { return &c.Max }),
			"stores":          fieldOf(words, func(c *Component) any { return texts(c.Stores) }),
			"processes":       fieldOf(words, func(c *Component) any { return texts(c.Processes) }),
			"out_of_scope":    fieldOf(flag, func(c *Component) any { return c.OutOfScope }),
		},
		flowType: {
			"id":                textOf(func(f *Flow) string { return f.ID }),
			"name":              textOf(func(f *Flow) string { return f.Name }),
			"protocol":          textOf(func(f *Flow) string { return f.Protocol }),
			"tags":              fieldOf(words, func(f *Flow) any { return texts(f.Tags) }).of(tags),
			"attributes":        fieldOf(cel.ObjectType(attributesType), func(f *Flow) any { return f.Attributes }),
			"bidirectional":     fieldOf(flag, func(f *Flow) any { return f.Bidirectional }),
			"crosses_boundary":  fieldOf(flag, func(f *Flow) any { return f.CrossesBoundary }),
			"answer":            fieldOf(flag, func(f *Flow) any { return f.Answer }),
			"into_more_trusted": fieldOf(flag, func(f *Flow) any { return f.IntoMoreTrusted }),
			"source":            fieldOf(cel.ObjectType(componentType), func(f *Flow) any { return f.Source }),
			"target":            fieldOf(cel.ObjectType(componentType), func(f *Flow) any { return f.Target }),
			"exposure":          fieldOf(whole, func(f *Flow) any { return f.Exposure }),
			"max":               fieldOf(cel.ObjectType(valueType), func(f *Flow) any { return &f.Max }),
			"carries":           fieldOf(words, func(f *Flow) any { return texts(f.Carries) }),
			"out_of_scope":      fieldOf(flag, func(f *Flow) any { return f.OutOfScope }),
		},
	}
}

// provider tells CEL the library's types. Its fields are complete before the
// library is handed out, and only read then.
type provider struct {
	types.Provider
	fields map[string]map[string]field
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.fields[name]; ok {
		return types.NewTypeTypeWithParam(cel.ObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if fields, ok := p.fields[name]; ok {
		return keysOf(fields), true
	}
	return p.Provider.FindStructFieldNames(name)
}

func (p *provider) FindStructFieldType(name, key string) (*types.FieldType, bool) {
	fields, ours := p.fields[name]
	if !ours {
		return p.Provider.FindStructFieldType(name, key)
	}
	f, ok := fields[key]
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:    f.typ,
		IsSet:   func(v any) bool { return f.set == nil || f.set(v) },
		GetFrom: func(v any) (any, error) { return f.get(v), nil },
	}, true
}

func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ours := p.fields[name]; ours {
		return types.NewErr("%s cannot be made in an expression", name)
	}
	return p.Provider.NewValue(name, fields)
}

// zero is what an unset value of the type reads as.
func zero(t *cel.Type) any {
	switch t.Kind() {
	case types.BoolKind:
		return false
	case types.IntKind:
		return int64(0)
	case types.DoubleKind:
		return 0.0
	case types.ListKind:
		return texts(nil)
	}
	return ""
}

// attributeField reads an attribute; absent is "".
func attributeField(name string) field {
	return field{
		typ: cel.StringType, words: domain("attribute:" + name),
		get: func(v any) any { return types.String(v.(Attributes)[name]) },
		set: func(v any) bool { return v.(Attributes)[name] != "" },
	}
}

// answerField reads an answer; absent is the zero value.
func answerField(q *Question) field {
	f := field{
		typ: map[QuestionKind]*cel.Type{YesNo: cel.BoolType, Choice: cel.StringType, Choices: cel.ListType(cel.StringType), Number: cel.DoubleType, Text: cel.StringType}[q.Kind],
		set: func(v any) bool { return v.(*Answers).values[q.Ref] != nil },
	}
	if q.Kind == Choice || q.Kind == Choices {
		f.words = domain("answer:" + q.Ref)
	}
	none := zero(f.typ)
	f.get = func(v any) any {
		if given := v.(*Answers).values[q.Ref]; given != nil {
			return given
		}
		return none
	}
	return f
}

// factField reads a fact; unconcluded is the zero value.
func factField(name string, t *cel.Type) field {
	none := zero(t)
	return field{
		typ: t,
		get: func(v any) any {
			if value, ok := v.(*Facts).Value(name); ok {
				return value
			}
			return none
		},
		set: func(v any) bool { _, ok := v.(*Facts).Value(name); return ok },
	}
}
