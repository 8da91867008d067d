package tlyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// Write returns the model as YAML: lists without an order of their own sorted by
// id, keys in a fixed order, the same bytes for the same model. The model is not
// changed. Empty fields are left out.
func Write(m *model.Model) ([]byte, error) {
	var b bytes.Buffer
	err := WriteTo(&b, m)
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// chunk is about how many bytes WriteTo holds before it hands them on.
const chunk = 64 << 10

// WriteTo writes what Write returns, one item of the model's lists after the other:
// the text of a large model is many times its size. After an error the text is cut off.
func WriteTo(w io.Writer, m *model.Model) error {
	var b bytes.Buffer
	flush := func(above int) error {
		if b.Len() <= above {
			return nil
		}
		_, err := b.WriteTo(w)
		return err
	}
	mapping{version()}.pairs(&b, 0, "")
	v := reflect.ValueOf(*model.Sorted(m))
	for _, f := range written(v) {
		fv := v.Field(f.index)
		if fv.Kind() != reflect.Slice || fv.Type().Elem().Kind() != reflect.Struct || fv.Type() == answersType || fv.Len() == 0 {
			item, err := encode(fv)
			if err != nil {
				return notWritten(m, err)
			}
			mapping{{key: f.name, value: item}}.pairs(&b, 0, "")
			continue
		}
		b.WriteString(scalarText(f.name) + ":\n")
		for i := range fv.Len() {
			item, err := encode(fv.Index(i))
			if err != nil {
				return notWritten(m, err)
			}
			emitItem(&b, item, 2)
			if err := flush(chunk); err != nil {
				return err
			}
		}
	}
	return flush(0)
}

func version() pair { return pair{key: versionKey, value: scalar(strconv.Itoa(Version))} }

func notWritten(m *model.Model, err error) error {
	return fmt.Errorf("yaml: write product %s: %w", m.Product.ID, err)
}

// tree returns the model as it is to be written.
func tree(m *model.Model) (mapping, error) {
	doc, err := encode(reflect.ValueOf(*model.Sorted(m)))
	if err != nil {
		return nil, notWritten(m, err)
	}
	return append(mapping{version()}, doc.(mapping)...), nil
}

// onOneLine are the types that are written as a flow mapping.
var onOneLine = map[reflect.Type]bool{
	reflect.TypeFor[model.Point](): true, reflect.TypeFor[model.Box](): true, reflect.TypeFor[model.CIA](): true,
	reflect.TypeFor[model.Cost](): true,
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	rawType     = reflect.TypeFor[json.RawMessage]()
	answersType = reflect.TypeFor[[]model.Answer]()
)

// field is a field of a struct as its JSON tag describes it.
type field struct {
	name      string
	omitEmpty bool
	index     int
}

// fieldsOf is worked out once per type: a model has hundreds of thousands of structs.
func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldsByType.Load(t); ok {
		return known.([]field)
	}
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if name == "" || name == "-" {
			continue
		}
		fields = append(fields, field{name: name, omitEmpty: strings.Contains(options, "omitempty"), index: i})
	}
	fieldsByType.Store(t, fields)
	return fields
}

var fieldsByType sync.Map // of []field by reflect.Type

// written returns the fields of a struct that are written: those that are not empty, or must be there.
func written(v reflect.Value) []field {
	all := fieldsOf(v.Type())
	fields := make([]field, 0, len(all))
	for _, f := range all {
		fv := v.Field(f.index)
		if f.omitEmpty && empty(fv) || fv.Kind() == reflect.Pointer && fv.IsNil() {
			continue
		}
		fields = append(fields, f)
	}
	return fields
}

func encode(v reflect.Value) (value, error) {
	switch v.Type() {
	case timeType:
		return text(v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)), nil
	case rawType:
		return encodeRaw(v.Bytes())
	case answersType:
		return encodeAnswers(v.Interface().([]model.Answer)), nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		return encode(v.Elem())
	case reflect.String:
		return text(v.String()), nil
	case reflect.Bool:
		return scalar(strconv.FormatBool(v.Bool())), nil
	case reflect.Int:
		return scalar(strconv.FormatInt(v.Int(), 10)), nil
	case reflect.Float64:
		b, err := json.Marshal(v.Float()) // refuses what is no number
		return scalar(b), err
	case reflect.Slice:
		l := make(list, 0, v.Len())
		for i := range v.Len() {
			item, err := encode(v.Index(i))
			if err != nil {
				return nil, err
			}
			l = append(l, item)
		}
		return l, nil
	case reflect.Map:
		m := make(mapping, 0, v.Len())
		for _, key := range v.MapKeys() {
			item, err := encode(v.MapIndex(key))
			if err != nil {
				return nil, err
			}
			m = append(m, pair{key: key.String(), value: item})
		}
		slices.SortFunc(m, func(a, b pair) int { return strings.Compare(a.key, b.key) })
		return m, nil
	case reflect.Struct:
		return encodeStruct(v)
	}
	return nil, fmt.Errorf("type %s has no YAML form", v.Type())
}

func encodeStruct(v reflect.Value) (value, error) {
	fields := written(v)
	m := make(mapping, 0, len(fields))
	for _, f := range fields {
		item, err := encode(v.Field(f.index))
		if err != nil {
			return nil, err
		}
		m = append(m, pair{key: f.name, value: item})
	}
	if onOneLine[v.Type()] {
		return flow(m), nil
	}
	return m, nil
}

// empty follows encoding/json: a struct is never empty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// encodeAnswers writes the answers as a map from question to its value, or to a
// list where there is not exactly one.
func encodeAnswers(answers []model.Answer) value {
	m := make(mapping, 0, len(answers))
	for _, a := range answers {
		if len(a.Values) == 1 {
			m = append(m, pair{key: a.Question, value: answerText(a.Values[0])})
			continue
		}
		l := make(list, 0, len(a.Values))
		for _, v := range a.Values {
			l = append(l, answerText(v))
		}
		m = append(m, pair{key: a.Question, value: l})
	}
	return m
}

// answerText leaves yes, no and numbers bare, as a person writes them: an answer is read as text whatever it looks like.
func answerText(s string) value {
	if reserved[strings.ToLower(s)] && strings.ToLower(s) != "null" {
		return scalar(s)
	}
	if n, err := strconv.Atoi(s); err == nil && strconv.Itoa(n) == s {
		return scalar(s)
	}
	return text(s)
}

// encodeRaw writes kept JSON as YAML of the same shape, numbers spelt as they were.
func encodeRaw(raw json.RawMessage) (value, error) {
	root, err := jsontree.Parse(raw, imported.Options{Name: "extra"})
	if err != nil {
		return nil, err
	}
	return fromJSON(root), nil
}

func fromJSON(v jsontree.Value) value {
	switch raw := v.Raw(); {
	case v.Object():
		m, at := mapping{}, map[string]int{}
		for _, member := range v.Members() {
			p := pair{key: member.Key, value: fromJSON(member.Value)}
			if i, twice := at[p.key]; twice { // YAML allows a key once; of JSON's, every reader takes the last
				m[i] = p
				continue
			}
			at[p.key] = len(m)
			m = append(m, p)
		}
		return m
	case v.Array():
		l := list{}
		for _, item := range v.Items() {
			l = append(l, fromJSON(item))
		}
		return l
	case len(raw) > 0 && raw[0] == '"':
		return text(v.Text())
	default:
		return scalar(raw)
	}
}
