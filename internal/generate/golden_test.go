package generate_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2020, 1, 2, 12, 0, 0, 0, time.UTC)

// smallFiles are the files of testdata/library.txtar.
func smallFiles(t testing.TB) fstest.MapFS {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/library.txtar")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, f := range archive.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys
}

// edited loads the small library with a text replaced everywhere.
func edited(t testing.TB, old, text string) *library.Library {
	t.Helper()
	return rewritten(t, old, text)
}

// rewritten loads the small library with texts replaced everywhere: pairs of old and new.
func rewritten(t testing.TB, pairs ...string) *library.Library {
	t.Helper()
	fsys := smallFiles(t)
	r := strings.NewReplacer(pairs...)
	for _, f := range fsys {
		f.Data = []byte(r.Replace(string(f.Data)))
	}
	lib, err := library.Load(fsys)
	if err != nil {
		t.Fatalf("Load(small library) = %v", err)
	}
	return lib
}

func small(t testing.TB) *library.Library { return edited(t, "\x00", "") }

func readModel(t testing.TB, data []byte) *model.Model {
	t.Helper()
	converted, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(converted))
	d.DisallowUnknownFields()
	m := &model.Model{}
	if err := d.Decode(m); err != nil {
		t.Fatal(err)
	}
	return m
}

func want(t testing.TB, m *model.Model, lib *library.Library) *generate.Result {
	t.Helper()
	r, err := generate.Desired(m, lib)
	if err != nil {
		t.Fatalf("Desired(%s) = %v", m.Product.Name, err)
	}
	return r
}

// TestGolden prints what the small library wants of each case's model and, where
// the case has a second model, the plan from the first to the second.
func TestGolden(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]*txtar.File{}
			for i := range archive.Files {
				files[archive.Files[i].Name] = &archive.Files[i]
			}
			lib := small(t)
			m := readModel(t, files["model.yaml"].Data)
			r := want(t, m, lib)
			got := map[string]string{"desired.txt": show(r)}
			plan := generate.MakePlan(m, r, nil)
			got["plan.txt"] = lines(plan)
			if after := files["after.yaml"]; after != nil {
				m = generate.Apply(m, plan, noon, nil)
				next := readModel(t, after.Data)
				next.Product.Library, next.Product.Value, next.Product.Exposure, next.Product.Sets = m.Product.Library, m.Product.Value, m.Product.Exposure, m.Product.Sets
				next.Threats, next.Weaknesses, next.Countermeasures, next.Links = m.Threats, m.Weaknesses, m.Countermeasures, m.Links
				r = want(t, next, lib)
				got["after.txt"] = show(r)
				got["next-plan.txt"] = lines(generate.MakePlan(next, r, nil))
			}
			for _, name := range []string{"desired.txt", "plan.txt", "after.txt", "next-plan.txt"} {
				text := strings.ReplaceAll(got[name], lib.Stamp(), "STAMP")
				switch {
				case text == "":
				case *update && files[name] == nil:
					archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(text)})
				case *update:
					files[name].Data = []byte(text)
				case files[name] == nil:
					t.Errorf("%s has no %s; run with -update", path, name)
				default:
					if diff := cmp.Diff(string(files[name].Data), text); diff != "" {
						t.Errorf("%s %s differs (-want +got):\n%s", path, name, diff)
					}
				}
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func lines(p *generate.Plan) string {
	var b strings.Builder
	for _, i := range p.Items {
		fmt.Fprintln(&b, i.Text)
	}
	return b.String()
}

// show prints a result, places and refs first.
func show(r *generate.Result) string {
	var b strings.Builder
	names := map[string]string{"": "-"}
	whys := func(list []model.Why) {
		for _, w := range list {
			fmt.Fprintf(&b, "  because %s", w.Rule)
			if w.Pattern != "" {
				fmt.Fprintf(&b, " brings %s", w.Pattern)
			}
			for _, f := range w.Facts {
				fmt.Fprintf(&b, ", %s = %s", f.Name, f.Value)
			}
			b.WriteByte('\n')
		}
	}
	for _, t := range r.Threats {
		names[string(t.ID)] = string(t.Where) + " " + t.Ref
		fmt.Fprintf(&b, "threat %s %s %v ease %d\n", t.Where, t.Ref, t.Impact, t.Ease)
		whys(t.Why)
	}
	for _, w := range r.Weaknesses {
		names[string(w.ID)] = w.Ref
		fmt.Fprintf(&b, "weakness %s %s CWE-%d\n", w.Where, w.Ref, w.CWE)
		whys(w.Why)
	}
	for _, c := range r.Countermeasures {
		names[string(c.ID)] = c.Ref
		fmt.Fprintf(&b, "countermeasure %s %s %s\n", c.Where, c.Ref, c.State)
		whys(c.Why)
	}
	for _, l := range r.Links {
		fmt.Fprintf(&b, "link %s: %s, %s takes %g\n", names[string(l.Threat)], names[string(l.Weakness)], names[string(l.Countermeasure)], l.Share)
	}
	for _, q := range r.Questions {
		fmt.Fprintf(&b, "question %s at %v\n", q.Question, q.Where)
		whys(q.Why)
	}
	for _, f := range r.Facts {
		fmt.Fprintf(&b, "fact %s %s = %s\n", f.Where, f.Fact, f.Value)
		whys(f.Why)
	}
	if r.Value != nil {
		fmt.Fprintf(&b, "value %v\n", r.Value.Value)
		whys(r.Value.Why)
	}
	if r.Exposure != nil {
		fmt.Fprintf(&b, "exposure %d\n", r.Exposure.Value)
		whys(r.Exposure.Why)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note %s: %s\n", n.Where, n.Text)
	}
	return b.String()
}
