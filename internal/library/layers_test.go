package library_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
)

// layer makes a layer of files by name.
func layer(name string, texts map[string]string) library.Layer {
	fsys := fstest.MapFS{}
	for file, text := range texts {
		fsys[file] = &fstest.MapFile{Data: []byte(text)}
	}
	return library.Layer{Name: name, Files: fsys}
}

func base() library.Layer {
	return library.Layer{Name: "built-in", Files: files(map[string]string{"rules/r.yaml": rule("for: flow\napply: [inj]" + tail)})}
}

func TestLayersReplaceAddAndRemove(t *testing.T) {
	t.Parallel()
	l, err := library.LoadLayers(base(),
		layer("group", map[string]string{
			"library.yaml": "version: 1-group\nvocabulary:\n  tags: {gdpr: people}\n  attributes:\n    note: {values: [long, short, plain], for: [process], text: Shorter}\n",
			"web.yaml":     strings.Replace(types, "Web application", "Our pages", 1),
			"mail.yaml":    "type: mail\nname: Mail\nkind: process\n",
			"r.yaml":       "rules:\n  - {rule: r, remove: true}\n",
		}),
		layer("team", map[string]string{"mail.yaml": "type: mail\nremove: true\n", "r.yaml": rule("for: component\nrequire: [bind]" + tail)}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Type("web"); got.Name != "Our pages" || got.Layer != "group" || l.TypeFor("Web application", "") != "" {
		t.Errorf("type web = %+v, want that of the group", got)
	}
	if l.Type("mail") != nil || l.Pattern("inj").Layer != "built-in" {
		t.Errorf("types = %v, pattern inj of %s; want no mail, and inj built-in", l.Types, l.Pattern("inj").Layer)
	}
	if l.Ref != "t" || l.Version != "1-group" || l.Name != "T" || l.Tags["gdpr"] == "" || l.Tags["pci"] == "" || len(l.Attribute("note").Values) != 3 {
		t.Errorf("head = %s@%s %s %v %v, want the group's additions", l.Ref, l.Version, l.Name, l.Tags, l.Attribute("note"))
	}
	if len(l.Rules) != 1 || l.Rules[0].For != library.ForComponent {
		t.Errorf("rules = %v, want that of the team", l.Rules)
	}
	var got []string
	for _, e := range l.Entries() {
		got = append(got, fmt.Sprintf("%s %s %q %s over %q %t removed %t", e.Kind, e.Ref, e.Title, e.At, e.Over, e.IsOver, e.Removed))
	}
	want := []string{
		`type mail "" team/mail.yaml:1:1 over "group" true removed true`,
		`type web "Our pages" group/web.yaml:1:1 over "built-in" true removed false`,
		`pattern inj "Injection" built-in/patterns/inj.yaml:1:1 over "" false removed false`,
		`rule r "R" team/r.yaml:2:5 over "" false removed false`,
		`questionnaire q "Q" built-in/questionnaires/q.yaml:1:1 over "" false removed false`,
		`standard asvs-5.0 "ASVS" built-in/standards/asvs.yaml:1:1 over "" false removed false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Entries() differs (-want +got):\n%s", diff)
	}
	if at, file, text := l.Source("type", "web"); at != "group" || file != "web.yaml" || !strings.Contains(text, "Our pages") {
		t.Errorf("Source(type, web) = %s, %s, %q", at, file, text)
	}
	if _, file, _ := l.Source("type", "mail"); file != "" {
		t.Errorf("Source(type, mail) is in %s, want nowhere", file)
	}
}

func TestLayersRefuse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"misspelt", map[string]string{"x.yaml": strings.Replace(types, "kind:", "knd: x\nkind:", 1)}, []string{`own/x.yaml:3:1: component type: unknown key "knd"; did you mean "kind"?`}},
		{"removes nothing", map[string]string{"x.yaml": "type: wbe\nremove: true\n"}, []string{`own/x.yaml:1:1: remove: no layer below has the component type "wbe"; did you mean "web"?`}},
		{"remove and more", map[string]string{"x.yaml": "type: web\nname: W\nremove: true\n"}, []string{`own/x.yaml:2:1: component type to remove: unknown key "name"`}},
		{"remove false", map[string]string{"x.yaml": "type: web\nremove: false\n"}, []string{`own/x.yaml:2:1: remove: only true has a meaning`}},
		{"removes what is used", map[string]string{"x.yaml": "pattern: inj\nremove: true\n"}, []string{
			`built-in/rules/r.yaml:4:13: apply: unknown pattern "inj"; own/x.yaml:1:1 removes the pattern "inj" that had it`,
			`built-in/types/web.yaml:4:12: patterns: unknown pattern "inj"; own/x.yaml:1:1 removes the pattern "inj" that had it`,
		}},
		{"replaces what is used", map[string]string{"x.yaml": "pattern: inj\nname: I\nthreats: []\n", "r.yaml": rule("for: flow\nrequire: [bind]" + tail)}, []string{
			`own/r.yaml:4:15: require: unknown countermeasure "bind"; own/x.yaml:1:1 replaces the pattern "inj" that had it`,
		}},
		{"twice in a layer", map[string]string{"x.yaml": types, "y.yaml": types}, []string{`own/y.yaml:1:1: component type "web" is there twice, first at own/x.yaml:1:1`}},
		{"another's countermeasure", map[string]string{"x.yaml": strings.Replace(pattern, "pattern: inj", "pattern: two", 1)}, []string{
			`own/x.yaml:4:5: weakness "unbound" is there twice, first at built-in/patterns/inj.yaml:4:5`,
			`own/x.yaml:6:5: countermeasure "bind" is there twice, first at built-in/patterns/inj.yaml:6:5`,
		}},
		{"two heads", map[string]string{"x.yaml": "version: a\n", "y.yaml": "version: b\n"}, []string{`own/y.yaml:1:1: the library has a head already, in own/x.yaml:1:1`}},
		{"cel", map[string]string{"r.yaml": rule("for: flow\nwhen: flow.nme == ''\napply: [inj]" + tail)}, []string{`own/r.yaml:4:16: a flow has no field "nme"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := library.LoadLayers(base(), layer("own", tc.files))
			f := fault.As(err)
			if f == nil || f.Code != "library.invalid" {
				t.Fatalf("LoadLayers(%s) = %v, want a fault library.invalid", tc.name, err)
			}
			var got []string
			for _, one := range f.Fields {
				got = append(got, one.Where+": "+one.Text)
			}
			if len(got) != len(tc.want) {
				t.Errorf("LoadLayers(%s) has %d errors, want %d: %v", tc.name, len(got), len(tc.want), got)
			}
			for i, w := range tc.want {
				if i < len(got) && !strings.HasPrefix(got[i], w) {
					t.Errorf("LoadLayers(%s) error %d = %s, want %s", tc.name, i, got[i], w)
				}
			}
		})
	}
	if _, err := library.Load(files(map[string]string{"x.yaml": "type: web\nremove: true\n"})); err == nil || !strings.Contains(err.Error(), "no layer is below") {
		t.Errorf("Load(remove in the base) = %v, want a refusal", err)
	}
	if _, err := library.LoadLayers(base(), base()); err == nil || fault.As(err) != nil {
		t.Errorf("LoadLayers(same name twice) = %v, want an error that is not the user's", err)
	}
	if _, err := library.LoadLayers(); err == nil {
		t.Error("LoadLayers() = nil, want an error")
	}
}

// TestLayersEqualTheMergedFolder: whatever a pile of layers replaces, adds and
// removes, it is the library of the folder with what stands in the end.
func TestLayersEqualTheMergedFolder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		write := func(kind, ref string, version int) string {
			if kind == "type" {
				return fmt.Sprintf("type: %s\nname: %s %d\nkind: store\n", ref, ref, version)
			}
			return strings.ReplaceAll(rule(fmt.Sprintf("for: product\nconclude: {%s: %d}", ref, version)+tail), "rule: r", "rule: "+ref)
		}
		merged := files(nil)
		layers := []library.Layer{{Name: "0", Files: files(nil)}}
		for i := range rapid.IntRange(1, 4).Draw(t, "layers") {
			texts := map[string]string{}
			for range rapid.IntRange(0, 6).Draw(t, "entries") {
				kind := rapid.SampledFrom([]string{"type", "rule"}).Draw(t, "kind")
				ref := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "ref")
				file := kind + ref + ".yaml"
				if texts[file] != "" {
					continue
				}
				texts[file] = write(kind, ref, rapid.IntRange(0, 9).Draw(t, "version"))
				if merged[file] != nil && rapid.Bool().Draw(t, "remove") {
					texts[file] = map[string]string{"type": "type: " + ref + "\nremove: true\n", "rule": "rules: [{rule: " + ref + ", remove: true}]\n"}[kind]
				}
			}
			for file, text := range texts {
				if delete(merged, file); !strings.Contains(text, "remove") {
					merged[file] = &fstest.MapFile{Data: []byte(text)}
				}
			}
			layers = append(layers, layer(fmt.Sprint(i+1), texts))
		}
		got, err := library.LoadLayers(layers...)
		if err != nil {
			t.Fatalf("LoadLayers: %v", err)
		}
		want, err := library.Load(merged)
		if err != nil {
			t.Fatalf("Load(merged): %v", err)
		}
		if got.Digest != want.Digest {
			t.Errorf("LoadLayers has the digest %s, the merged folder %s", got.Digest, want.Digest)
		}
	})
}

// TestSourceOfEverything: what Source gives for each entry of the starter library is a file
// of the library that holds that entry alone, and replacing it by itself changes nothing.
func TestSourceOfEverything(t *testing.T) {
	t.Parallel()
	l := starterLibrary(t)
	own := fstest.MapFS{}
	for i, e := range l.Entries() {
		_, file, text := l.Source(e.Kind, e.Ref)
		if file != e.At.File || text == "" {
			t.Errorf("Source(%s, %s) = %s, %d bytes; want %s", e.Kind, e.Ref, file, len(text), e.At.File)
		}
		own[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	again, err := library.LoadLayers(library.Layer{Name: "built-in", Files: starterFiles()}, library.Layer{Name: "own", Files: own})
	if err != nil {
		t.Fatalf("LoadLayers(every entry over itself) = %v", err)
	}
	if again.Digest != l.Digest || len(again.Entries()) != len(l.Entries()) {
		t.Errorf("replaced by itself the library has the digest %s and %d entries, want %s and %d", again.Digest, len(again.Entries()), l.Digest, len(l.Entries()))
	}
	for _, e := range again.Entries() {
		if e.Layer != "own" || e.Over != "built-in" {
			t.Errorf("entry %s %s is in %s over %s, want own over built-in", e.Kind, e.Ref, e.Layer, e.Over)
		}
	}
}

func TestSourceOfRulesAmongOthers(t *testing.T) {
	t.Parallel()
	const r = "title: T\n    for: product\n    conclude: {%s: true}\n    reason: b\n    tests: []\n"
	block := "# of the file\nrules:\n  # about a\n  - rule: a\n    " + fmt.Sprintf(r, "a") + "\n  # about b\n  -\n    rule: b\n    " + fmt.Sprintf(r, "b") + "\n"
	flow := "rules: [{rule: c, title: T, for: product, conclude: {c: true}, reason: b, tests: []}, {rule: d, title: T, for: product, conclude: {d: true}, reason: b, tests: []}]\n"
	l, err := library.Load(files(map[string]string{"block.yaml": block, "flow.yaml": flow}))
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"a": "rules:\n  # about a\n  - rule: a\n    " + fmt.Sprintf(r, "a"),
		"b": "rules:\n  # about b\n  -\n    rule: b\n    " + fmt.Sprintf(r, "b"),
		"d": "rules:\n  - {rule: d, title: T, for: product, conclude: {d: true}, reason: b, tests: []}\n",
	} {
		if _, _, got := l.Source("rule", ref); got != want {
			t.Errorf("Source(rule, %s) = %q, want %q", ref, got, want)
		}
	}
}

// FuzzLayers: whatever a layer holds, it gives a library or a fault that names places in a layer.
func FuzzLayers(f *testing.F) {
	for _, text := range []string{"type: web\nremove: true", "rules: [{rule: r, remove: true}]", "version: 2", "vocabulary: {tags: {x: y}}", types, pattern, questionnaire, standard, "pattern: inj\nremove: true\nremove: true", "rules:\n-\n- rule: r"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := library.LoadLayers(base(), library.Layer{Name: "own", Files: fstest.MapFS{"x.yaml": &fstest.MapFile{Data: data}}})
		if err == nil {
			for _, e := range l.Entries() {
				if _, file, text := l.Source(e.Kind, e.Ref); !e.Removed && (file == "" || text == "") {
					t.Errorf("entry %s %s has no source", e.Kind, e.Ref)
				}
			}
			return
		}
		for _, field := range fault.As(err).Fields {
			if !slices.ContainsFunc([]string{"built-in/", "own/"}, func(name string) bool { return strings.HasPrefix(field.Where, name) }) || field.Text == "" {
				t.Errorf("field %+v names no layer or no reason", field)
			}
		}
	})
}
