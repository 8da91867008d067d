package update_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
)

// newer is a version of file with changes of every kind.
func newer() *model.Model {
	m := file()
	m.Product.Owner = "Bob"
	m.Components[1].Description = "Serves pages"
	m.Components = append(m.Components[1:], model.Component{ID: "s", Diagram: "0", Kind: model.Store, Name: "Orders", Zone: "z", Stores: []model.AssetID{"ast"}})
	m.Zones = []model.Zone{{ID: "z", Diagram: "0", Name: "Inner", Trust: 80}}
	m.Assets = []model.Asset{{ID: "ast", Name: "Orders"}}
	m.Flows = []model.Flow{{ID: "g", Diagram: "0", Name: "Store", From: "p", To: "s", Carries: []model.AssetID{"ast"}}}
	m.Threats = append(m.Threats, model.Threat{ID: "thr_2", Where: "s", Ref: "file/2", Title: "Read", Status: model.Open, Origin: model.ByImport})
	m.Countermeasures = append(m.Countermeasures, model.Countermeasure{ID: "cms_2", Where: "s", Ref: "file/2", Title: "Encrypt", State: model.Required, Origin: model.ByImport})
	m.Links = append(m.Links, model.Link{Threat: "thr_2", Countermeasure: "cms_2", Share: 100, Origin: model.ByImport})
	model.Sort(m)
	return m
}

func choosable(items []update.Item) []string {
	var keys []string
	for _, i := range items {
		if i.Choosable() {
			keys = append(keys, i.Key())
		}
	}
	slices.Sort(keys)
	return keys
}

func taking(keys ...string) func(string) bool {
	return func(k string) bool { return slices.Contains(keys, k) }
}

// TestTakeSome: what is taken comes, what it needs is waited for, and the rest is offered again.
func TestTakeSome(t *testing.T) {
	t.Parallel()
	all := []string{
		"asset/ast", "component/a", "component/p", "component/s", "countermeasure/cms_2", "flow/f", "flow/g", "product/prd_1", "threat/thr_2", "zone/z",
	}
	_, report := merge(t, file(), file(), newer(), update.Options{})
	if diff := cmp.Diff(all, choosable(report.Items)); diff != "" {
		t.Fatalf("the changes (-want +got):\n%s", diff)
	}
	for name, c := range map[string]struct{ take, comes []string }{
		"nothing":                    {nil, nil},
		"one that stands alone":      {[]string{"component/p", "zone/z"}, []string{"component/p", "zone/z"}},
		"a flow without its end":     {[]string{"flow/g", "asset/ast", "zone/z", "threat/thr_2", "countermeasure/cms_2"}, []string{"asset/ast", "zone/z"}},
		"a component without a zone": {[]string{"component/s", "asset/ast"}, []string{"asset/ast"}},
		"an end before its flow":     {[]string{"component/a"}, nil},
		"an end with its flow":       {[]string{"component/a", "flow/f"}, []string{"component/a", "flow/f"}},
		"everything":                 {all, all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, report := merge(t, file(), file(), newer(), update.Options{Take: taking(c.take...)})
			if diff := cmp.Diff(c.comes, choosable(report.Items), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("what comes (-want +got):\n%s", diff)
			}
			if want := len(all) - len(c.comes); report.Waiting != want {
				t.Errorf("%d wait, want %d", report.Waiting, want)
			}
			base, err := update.Compose(newer(), report.Left)
			if err != nil {
				t.Fatalf("Compose = %v", err)
			}
			again, rest := merge(t, base, m, newer(), update.Options{})
			left := slices.DeleteFunc(slices.Clone(all), func(k string) bool { return slices.Contains(c.comes, k) })
			if diff := cmp.Diff(left, choosable(rest.Items), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("offered again (-want +got):\n%s", diff)
			}
			want, _ := merge(t, file(), file(), newer(), update.Options{})
			if diff := cmp.Diff(want, again, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("taken in two steps (-at once +got):\n%s", diff)
			}
		})
	}
}

// TestTakeWithoutBase: a file that was never imported here can be taken in parts, too.
func TestTakeWithoutBase(t *testing.T) {
	t.Parallel()
	ours := &model.Model{Product: model.Product{ID: "prd_1", Name: "Shop"}, Diagrams: []model.Diagram{{ID: "0", Title: "Main"}}, Components: []model.Component{{ID: "p", Diagram: "0", Kind: model.Process, Name: "Old"}}}
	m, report := merge(t, nil, ours, file(), update.Options{Take: taking("component/a")})
	if len(m.Components) != 2 || m.Components[1].Name == "Web" || m.Product.Owner != "" || len(m.Threats) != 0 {
		t.Errorf("model = %+v, want only the actor to come", m)
	}
	base, err := update.Compose(file(), report.Left)
	if err != nil {
		t.Fatal(err)
	}
	_, rest := merge(t, base, m, file(), update.Options{})
	want := []string{"component/p", "countermeasure/cms_1", "flow/f", "product/prd_1", "threat/thr_1"}
	if diff := cmp.Diff(want, choosable(rest.Items)); diff != "" {
		t.Errorf("offered again (-want +got):\n%s", diff)
	}
}

// TestTakeLaws: whatever is chosen, in whatever order, taking the rest gives what taking all would have.
func TestTakeLaws(t *testing.T) {
	t.Parallel()
	want, whole, err := update.Merge(file(), file(), newer(), update.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys := choosable(whole.Items)
	rapid.Check(t, func(t *rapid.T) {
		base, ours := file(), file()
		for range rapid.IntRange(1, 4).Draw(t, "times") {
			some := rapid.SliceOfDistinct(rapid.SampledFrom(keys), func(k string) string { return k }).Draw(t, "taken")
			m, report := merge(t, base, ours, newer(), update.Options{Take: taking(some...)})
			for k := range report.Left {
				if i := slices.IndexFunc(report.Items, func(i update.Item) bool { return i.Key() == k && i.Choosable() }); i >= 0 {
					t.Fatalf("%s came and waits", k)
				}
			}
			raw, err := json.Marshal(report.Left)
			if err != nil {
				t.Fatal(err)
			}
			var left update.Left
			if err := json.Unmarshal(raw, &left); err != nil {
				t.Fatal(err)
			}
			if base, err = update.Compose(newer(), left); err != nil {
				t.Fatal(err)
			}
			ours = m
		}
		got, rest := merge(t, base, ours, newer(), update.Options{})
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("in parts (-at once +got):\n%s", diff)
		}
		for _, i := range rest.Items {
			if i.Action == update.Keep && !strings.HasPrefix(i.Key(), "link/") {
				t.Fatalf("%s is kept: %s", i.Key(), i.Text)
			}
		}
	})
}
