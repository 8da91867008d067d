package jsontree

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
)

func parse(t *testing.T, text string) Value {
	t.Helper()
	v, err := Parse([]byte(text), imported.Options{Name: "f"})
	if err != nil {
		t.Fatalf("Parse(%s) = %v", text, err)
	}
	return v
}

func TestValue(t *testing.T) {
	t.Parallel()
	v := parse(t, " { \"a\\u0062\" : 80.0000000000004 , \"s\":\"x\\n\\u0000\", \"list\" : [ 1 , {\"k\":[]}, \"]\" ],\n\"b\":false,\"t\":\"true\",\"n\":null,\"twice\":1,\"twice\":2}")
	if got := string(v.Get("ab").Raw()); got != "80.0000000000004" {
		t.Errorf("Get(ab).Raw = %s, want the number as written", got)
	}
	if got := v.Get("s").Text(); got != "x\n\uFFFD" {
		t.Errorf("Get(s).Text = %q", got)
	}
	if got := len(v.Get("list").Items()); got != 3 {
		t.Errorf("list has %d items, want 3", got)
	}
	if got := v.Get("list").Items()[1].Get("k"); !got.Array() || len(got.Items()) != 0 {
		t.Errorf("k = %s, want an empty list", got.Raw())
	}
	if v.Get("b").Bool() || !v.Get("t").Bool() || !v.Get("n").Null() || !v.Get("n").Exists() || v.Get("none").Exists() {
		t.Error("truth, null or absence is wrong")
	}
	if got := v.Get("twice").Text(); got != "2" {
		t.Errorf("a key that is given twice = %s, want the last", got)
	}
	if n, ok := v.Get("twice").Number(); !ok || n != 2 {
		t.Errorf("Number = %v, %v, want 2", n, ok)
	}
	if err := v.Get("b").Fault("is %s", "wrong"); !strings.Contains(err.Error(), "f:2:5: is wrong") {
		t.Errorf("Fault = %v, want the place f:2:5", err)
	}
	got := v.Replace(map[string]json.RawMessage{"list": json.RawMessage("7"), "n": nil, "s": nil, "twice": nil})
	if want := `{"ab":80.0000000000004,"list":7,"b":false,"t":"true"}`; string(got) != want {
		t.Errorf("Replace = %s, want %s", got, want)
	}
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	v := parse(t, "{\"a\":1,\"b\":[{\"a\":\"a\"},{\"a\":{\"c\":\"{\\\"c\\\":\"},\n\"\\u0061\":[2]}],\"c\":{},\"a\" : \"x:\"}")
	var got []string
	for m := range v.Repeated() {
		got = append(got, m.Value.At()+" "+m.Key+" "+string(m.Value.Raw()))
	}
	want := []string{"f:2:10 a [2]", "f:2:29 a \"x:\""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Repeated (-want +got):\n%s", diff)
	}
	for _, once := range []Value{{}, parse(t, "\"a\""), parse(t, "[\"a\",\"a\",{\"a\":1},{\"a\":1}]")} {
		for m := range once.Repeated() {
			t.Errorf("Repeated of %s has %s", once.Raw(), m.Key)
		}
	}
	for range v.Repeated() {
		break
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, says string }{
		{"{", "cut off"},
		{"{}x", "f:1:3"},
		{"[1,]", "f:1:4"},
		{"", "cut off"},
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), "deeper than 64"},
		{"[" + strings.Repeat("0,", maxValues+1) + "0]", "holds more than"},
	} {
		if _, err := Parse([]byte(c.in), imported.Options{Name: "f"}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Parse(%.20s) = %v, want %q", c.in, err, c.says)
		}
	}
}

// TestReadsWhatJSONReads compares a walk over the levels with encoding/json.
func TestReadsWhatJSONReads(t *testing.T) {
	t.Parallel()
	var value *rapid.Generator[any]
	leaf := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return f }),
		rapid.Map(rapid.String().Filter(func(s string) bool { return !strings.ContainsAny(s, "\x00") }), func(s string) any { return strings.ToValidUTF8(s, "?") }),
	)
	value = rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 4).Draw(t, "form") {
		case 0:
			return rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 3).Draw(t, "list")
		case 1:
			return rapid.MapOfN(rapid.StringMatching(`[a-z"\\ {}]*`), rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 3).Draw(t, "object")
		}
		return leaf.Draw(t, "leaf")
	})
	var walk func(v Value) any
	walk = func(v Value) any {
		switch {
		case v.Object():
			m := map[string]any{}
			for _, member := range v.Members() {
				m[member.Key] = walk(member.Value)
			}
			return m
		case v.Array():
			l := []any{}
			for _, item := range v.Items() {
				l = append(l, walk(item))
			}
			return l
		}
		var x any
		if err := json.Unmarshal(v.Raw(), &x); err != nil {
			return err
		}
		return x
	}
	rapid.Check(t, func(t *rapid.T) {
		in := value.Draw(t, "value")
		text, err := json.MarshalIndent(in, "", rapid.SampledFrom([]string{"", " ", "\t"}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(text, imported.Options{})
		if err != nil {
			t.Fatalf("Parse(%s) = %v", text, err)
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, walk(root)); diff != "" {
			t.Fatalf("walk(%s) (-want +got):\n%s", text, diff)
		}
	})
}
