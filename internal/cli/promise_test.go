package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/library"
)

// keysIn are the keys of a type's JSON in the order of its fields; those that may be left out end in "?".
func keysIn(t reflect.Type) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			keys = append(keys, keysIn(f.Type))
			continue
		case name == "-" || !f.IsExported():
			continue
		case strings.Contains(options, "omitempty"), strings.Contains(options, "omitzero"):
			name += "?"
		}
		keys = append(keys, name)
	}
	return strings.Join(keys, " ")
}

// TestServerPromises holds the JSON of the commands that talk to a server to
// docs/json.md: a key may be added here, none renamed or removed.
func TestServerPromises(t *testing.T) {
	t.Parallel()
	field := func(of any, name string) reflect.Type {
		f, ok := reflect.TypeOf(of).FieldByName(name)
		if !ok {
			t.Fatalf("%T has no field %s", of, name)
		}
		return f.Type
	}
	for what, c := range map[string]struct {
		of   reflect.Type
		want string
	}{
		"plan":                  {reflect.TypeFor[planView](), "from? to version counts items questions? notes? tickets?"},
		"plan items":            {reflect.TypeFor[planItem](), "key action kind id where title fields? reason? why? text orphan?"},
		"plan tickets":          {field(planView{}, "Tickets"), "object purpose summary project?"},
		"apply":                 {reflect.TypeFor[applied](), "product stored import? plan? applied?"},
		"apply import":          {reflect.TypeFor[importView](), "format diagrams elements threats notes added changed removed kept conflicts waiting items? more?"},
		"apply import items":    {field(importView{}, "Items"), "action kind id title text? conflict? fields?"},
		"apply applied":         {reflect.TypeFor[steps](), "applied left"},
		"gate":                  {reflect.TypeFor[gateView](), "met product name highest over_tolerance vulnerabilities reasons"},
		"gate highest":          {field(gateView{}, "Highest"), "inherent verified current projected"},
		"results upload":        {reflect.TypeFor[runView](), "id run source format state error? complete reasons? repeat? counts diff?"},
		"results upload counts": {field(runView{}, "Counts"), "fail pass error not_run"},
		"doctor":                {reflect.TypeFor[doctorReport](), "ok checks"},
		"doctor checks":         {field(doctorReport{}, "Checks"), "step level text"},
		"library diff":          {reflect.TypeFor[libraryDiff](), "old new changes"},
		"library diff changes":  {field(libraryDiff{}, "Changes"), "kind ref title? what in? fields?"},
		"library diff in":       {field(library.Change{}, "In"), "kind ref"},
		"library diff fields":   {field(library.Change{}, "Fields"), "field old new"},
	} {
		if diff := cmp.Diff(c.want, keysIn(c.of)); diff != "" {
			t.Errorf("the keys of %s (-promised +got):\n%s", what, diff)
		}
	}
}

// TestDiffKinds holds docs/json.md to name every kind of thing that a difference between libraries can be about.
func TestDiffKinds(t *testing.T) {
	t.Parallel()
	full, err := loadLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "json.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(doc), "## `threatloop library diff")
	part, _, end := strings.Cut(part, "\n## ")
	if !ok || !end {
		t.Fatal("docs/json.md has no section about library diff")
	}
	// What comes with an entry is not listed by itself: these are what stands within entries.
	kinds := map[string]bool{"category": true, "threat": true, "weakness": true, "countermeasure": true, "test": true, "question": true, "clause": true}
	within := len(kinds)
	for _, c := range library.Diff(&library.Library{}, full) {
		kinds[c.Kind] = true
	}
	if len(kinds) < within+8 {
		t.Fatalf("kinds = %v, want the entries of a whole library among them", kinds)
	}
	for kind := range kinds {
		if !strings.Contains(part, "`"+kind+"`") {
			t.Errorf("docs/json.md does not name the kind %q of library diff", kind)
		}
	}
}
