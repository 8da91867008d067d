package library_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	starter "github.com/threatloop/threatloop/library"
)

// FuzzLoad: whatever a file holds, Load answers with a library or a fault that names places.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{head, types, pattern, questionnaire, rule("for: flow\nwhen: flow.exposure > 3 && answers.reach == 'internet'\napply: [inj]" + tail), "a: [[[{b: 1}]]]", "rules:\n- when: |\n   x\n  \t y"} {
		f.Add([]byte(text))
	}
	err := fs.WalkDir(starter.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(name, "rules/") {
			return err
		}
		data, err := fs.ReadFile(starter.Files, name)
		f.Add(data)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := files(nil)
		fsys["x.yaml"] = &fstest.MapFile{Data: data}
		_, err := library.Load(fsys)
		if err == nil {
			return
		}
		e := fault.As(err)
		if e == nil || e.Kind != fault.Invalid || len(e.Fields) == 0 {
			t.Fatalf("Load = %v, want a fault with fields", err)
		}
		for _, field := range e.Fields {
			if field.Where == "" || field.Text == "" {
				t.Errorf("field %+v names no place or no reason", field)
			}
		}
	})
}

func TestLoadBoundsHostileFiles(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"deep brackets", "a: " + strings.Repeat("[", 200_000), "nested deeper than 64"},
		{"deep blocks", func() string {
			var b strings.Builder
			for i := range 400 {
				b.WriteString(strings.Repeat(" ", i) + "a:\n")
			}
			return b.String()
		}(), "nested deeper than 64"},
		{"many keys", func() string {
			var b strings.Builder
			for i := range 100_000 {
				fmt.Fprintf(&b, "k%d: 1\n", i)
			}
			return b.String()
		}(), "x.yaml:2001:1: a mapping with more than 2000 keys"},
		{"marked keys", strings.Repeat("? a\n: b\n", 50_000), "x.yaml:1:1: keys marked by ? are not allowed"},
		{"large", "a: " + strings.Repeat("x", 6<<20), "at most 5242880 are read"},
		{"long expression", rule("for: flow\nwhen: " + strings.Repeat("true && ", 2000) + "true\napply: [inj]" + tail), "the expression is too long or its brackets too deep"},
		{"deep expression", rule("for: flow\nwhen: " + strings.Repeat("(", 3000) + "true" + strings.Repeat(")", 3000) + "\napply: [inj]" + tail), "the expression is too long or its brackets too deep"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := library.Load(files(map[string]string{"x.yaml": tc.text}))
			if f := fault.As(err); f == nil || len(f.Fields) == 0 || !strings.Contains(err.Error(), tc.want) {
				text := "no error"
				if err != nil {
					text = err.Error()
				}
				t.Errorf("Load(%s) = %.200s, want %q", tc.name, text, tc.want)
			}
		})
	}
}
