package jsontree_test

import (
	"encoding/json"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
)

func TestNodeWritesAsJavaScript(t *testing.T) {
	t.Parallel()
	// As a database gives it back: < > & and the line separator escaped, on one line.
	stored := "{\"a\":\"\\u003cb\\u003e \\u0026 \\u2028 \\/ \\u00e9 \\ud83d\\ude00 \\ud83d \\u001F \\\"\\\\\\n\",\"n\":80.0000000000004,\"e\":{},\"l\":[],\"m\":[1,{\"x\":null}]}"
	want := "{\n  \"a\": \"<b> & \u2028 / é 😀 \\ud83d \\u001f \\\"\\\\\\n\",\n  \"n\": 80.0000000000004,\n  \"e\": {},\n  \"l\": [],\n  \"m\": [\n    1,\n    {\n      \"x\": null\n    }\n  ]\n}"
	v, err := jsontree.Parse([]byte(stored), imported.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(v.Edit().Bytes("  ")); got != want {
		t.Errorf("Bytes =\n%s\nwant\n%s", got, want)
	}
}

func TestNodeChanges(t *testing.T) {
	t.Parallel()
	v, err := jsontree.Parse([]byte(`{"a":1,"b":{"c":"x"},"a":2,"l":["s",{"k":1}]}`), imported.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := v.Edit()
	n.Set("a", jsontree.Number(3))
	n.SetPath(jsontree.Bool(true), "b", "d", "e")
	n.SetFirst("z", jsontree.String("é"))
	n.Get("l").SetItem(0, jsontree.Null())
	n.Get("l").Append(jsontree.NewList())
	n.Delete("none")
	if got, want := string(n.Bytes("")), `{"z":"é","a":1,"b":{"c":"x","d":{"e":true}},"a":3,"l":[null,{"k":1},[]]}`; got != want {
		t.Errorf("changed = %s, want %s", got, want)
	}
	if n.Get("b", "c").Text() != "x" || n.Get("b", "none", "c") != nil || !n.Get("b").Object() || n.Get("none").Len() != 0 {
		t.Error("Get reads something else than was set")
	}
	if !json.Valid(n.Value().Raw()) || n.Value().Get("a").Text() != "3" {
		t.Errorf("Value = %s", n.Value().Raw())
	}
	n.Delete("a")
	if got := string(n.Bytes("")); got != `{"z":"é","b":{"c":"x","d":{"e":true}},"l":[null,{"k":1},[]]}` {
		t.Errorf("without a = %s", got)
	}
}
