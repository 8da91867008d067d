package model_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
)

// fill sets every field that v leads to to something that is not its zero value;
// lists and maps get two elements.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(int64(*n), 0).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key, n)
			fill(t, value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n%250 + 1))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 2)
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("a model holds a %s; teach Clone and this test how to copy it", v.Type())
	}
}

// shared reports every pointer, slice and map that a and b, which are equal, have in common.
func shared(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	if a.Type() == reflect.TypeFor[time.Time]() {
		return // immutable
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if a.Pointer() == b.Pointer() {
			t.Errorf("Clone shares %s", path)
		}
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			shared(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice:
		for i := range a.Len() {
			shared(t, fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
		}
	case reflect.Map:
		for _, key := range a.MapKeys() {
			shared(t, fmt.Sprintf("%s[%v]", path, key), a.MapIndex(key), b.MapIndex(key))
		}
	case reflect.Pointer:
		shared(t, path, a.Elem(), b.Elem())
	}
}

func TestCloneSharesAndForgetsNothing(t *testing.T) {
	t.Parallel()
	var m model.Model
	n := 0
	fill(t, reflect.ValueOf(&m).Elem(), &n)
	got := model.Clone(&m)
	if diff := cmp.Diff(&m, got); diff != "" {
		t.Fatalf("Clone (-want +got):\n%s", diff)
	}
	shared(t, "Model", reflect.ValueOf(&m), reflect.ValueOf(got))
}

func TestCloneKeepsNilAndEmpty(t *testing.T) {
	t.Parallel()
	for _, m := range []*model.Model{
		{},
		{
			Product: model.Product{Tags: []string{}, Custom: map[string]string{}, Sets: model.Sets{}},
			Threats: []model.Threat{}, Countermeasures: []model.Countermeasure{{Mandatory: []string{}, Why: []model.Why{{Facts: []model.Fact{}}}}}, Extra: model.Extra{"x": nil, "y": {}},
		},
	} {
		if diff := cmp.Diff(m, model.Clone(m)); diff != "" {
			t.Errorf("Clone (-want +got):\n%s", diff)
		}
	}
}
