package update_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
)

// disputed are edits of file here that newer contradicts in every way there is.
func disputed() *model.Model {
	m := file()
	m.Product.Owner = "Carol"
	m.Product.Sets = model.Sets{"owner": {By: model.SetByPerson, Actor: "carol"}}
	m.Components[0].Name = "Guest" // newer has it no more
	m.Components[1].Description = "Serves everything"
	m.Zones = nil
	return m
}

// zoned is file with a zone that newer changes.
func zoned() *model.Model {
	m := file()
	m.Zones = []model.Zone{{ID: "z", Diagram: "0", Name: "Inner", Trust: 50}}
	return m
}

// TestTheirs: a conflict is kept, or settled for the file by a person, and is settled either way.
func TestTheirs(t *testing.T) {
	t.Parallel()
	conflicts := []string{"component/a", "component/p", "product/prd_1", "zone/z"}
	_, report := merge(t, zoned(), disputed(), newer(), update.Options{})
	if diff := cmp.Diff(conflicts, contested(report.Items)); diff != "" {
		t.Fatalf("conflicts (-want +got):\n%s", diff)
	}
	for name, c := range map[string]struct {
		theirs  []string
		want    map[string]string // what some field is then
		changed []string          // choosable beside what newer changes anyway
	}{
		"ours everywhere": {nil, map[string]string{"owner": "Carol", "a": "Guest", "p": "Serves everything", "z": ""}, nil},
		"the product":     {[]string{"product/prd_1"}, map[string]string{"owner": "Bob", "a": "Guest", "p": "Serves everything", "z": ""}, []string{"product/prd_1"}},
		"what is gone":    {[]string{"component/a"}, map[string]string{"owner": "Carol", "a": "", "p": "Serves everything", "z": ""}, []string{"component/a"}},
		"a field":         {[]string{"component/p"}, map[string]string{"owner": "Carol", "a": "Guest", "p": "Serves pages", "z": ""}, []string{"component/p"}},
		"what was deleted": {
			[]string{"zone/z"}, map[string]string{"owner": "Carol", "a": "Guest", "p": "Serves everything", "z": "Inner"}, []string{"zone/z"},
		},
		"all": {conflicts, map[string]string{"owner": "Bob", "a": "", "p": "Serves pages", "z": "Inner"}, conflicts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, report := merge(t, zoned(), disputed(), newer(), update.Options{Theirs: taking(c.theirs...)})
			got := map[string]string{"owner": m.Product.Owner, "a": "", "p": "", "z": ""}
			for _, x := range m.Components {
				switch x.ID {
				case "a":
					got["a"] = x.Name
				case "p":
					got["p"] = x.Description
				}
			}
			for _, z := range m.Zones {
				got[string(z.ID)] = z.Name
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("the model (-want +got):\n%s", diff)
			}
			left := slices.DeleteFunc(slices.Clone(conflicts), func(k string) bool { return slices.Contains(c.theirs, k) })
			if diff := cmp.Diff(left, contested(report.Items), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("still conflicts (-want +got):\n%s", diff)
			}
			come := choosable(report.Items)
			for _, k := range c.changed {
				if !slices.Contains(come, k) {
					t.Errorf("%s is not among what changes: %v", k, come)
				}
			}
			_, again := merge(t, newer(), m, newer(), update.Options{})
			if got := contested(again.Items); len(got) > 0 || len(choosable(again.Items)) > 0 {
				t.Errorf("the same file again: conflicts %v, changes %v, want none", got, choosable(again.Items))
			}
		})
	}
	m, _ := merge(t, zoned(), disputed(), newer(), update.Options{Theirs: taking("product/prd_1")})
	if set, ok := m.Product.Sets["owner"]; ok {
		t.Errorf("who set what the file says now = %+v, want nobody of this place", set)
	}
}

// TestTheirsLeft: a conflict that is left out of what is taken is asked about again.
func TestTheirsLeft(t *testing.T) {
	t.Parallel()
	ours := disputed()
	ours.Components[1].Name = "Shop front"
	file := newer()
	file.Components[0].Tags = []string{"x"} // beside the description, which both changed
	_, report := merge(t, zoned(), ours, file, update.Options{Take: taking()})
	base, err := update.Compose(file, report.Left)
	if err != nil {
		t.Fatal(err)
	}
	_, again := merge(t, base, ours, file, update.Options{})
	if got := contested(again.Items); !slices.Contains(got, "component/p") {
		t.Errorf("conflicts later = %v, want component/p among them", got)
	}
	m, _ := merge(t, base, ours, file, update.Options{Take: taking("component/p"), Theirs: taking("component/p")})
	if i := slices.IndexFunc(m.Components, func(c model.Component) bool { return c.ID == "p" }); m.Components[i].Description != "Serves pages" || m.Components[i].Name != "Shop front" {
		t.Errorf("taken alone = %+v, want the file's description and our name", m.Components[i])
	}
}

// TestTheirsBringsFlows: a component that comes back brings the flows that went with it.
func TestTheirsBringsFlows(t *testing.T) {
	t.Parallel()
	ours := file()
	ours.Components, ours.Flows = ours.Components[1:], nil
	theirs := file()
	theirs.Components[0].Description = "Anybody"
	for name, opts := range map[string]update.Options{
		"all":   {Theirs: taking("component/a")},
		"alone": {Theirs: taking("component/a"), Take: taking("component/a")},
	} {
		m, report := merge(t, file(), ours, theirs, opts)
		if len(m.Components) != 2 || len(m.Flows) != 1 || m.Flows[0].From != "a" {
			t.Errorf("%s: components %+v, flows %+v, want both back", name, m.Components, m.Flows)
		}
		if diff := cmp.Diff([]string{"component/a", "flow/f"}, choosable(report.Items)); diff != "" {
			t.Errorf("%s: changes (-want +got):\n%s", name, diff)
		}
	}
	if m, _ := merge(t, file(), ours, theirs, update.Options{}); len(m.Components) != 1 || len(m.Flows) != 0 {
		t.Errorf("ours = %+v, want both gone", m)
	}
}

// TestKeysOfTexts: each key of texts by key is a difference of its own.
func TestKeysOfTexts(t *testing.T) {
	t.Parallel()
	with := func(attributes map[string]string) *model.Model {
		m := file()
		m.Components[1].Attributes = attributes
		return m
	}
	base := with(map[string]string{"a": "1", "b": "1", "c": "1", "d": "1"})
	ours := with(map[string]string{"a": "2", "b": "1", "d": "1", "e": "1"})
	theirs := with(map[string]string{"a": "3", "b": "2", "c": "2", "f": "1"})
	m, report := merge(t, base, ours, theirs, update.Options{})
	if diff := cmp.Diff(map[string]string{"a": "2", "b": "2", "e": "1", "f": "1"}, m.Components[1].Attributes); diff != "" {
		t.Errorf("ours first (-want +got):\n%s", diff)
	}
	want := []update.Field{
		{Field: "attributes.a", Ours: []byte(`"2"`), File: []byte(`"3"`)},
		{Field: "attributes.b", Ours: []byte(`"1"`), File: []byte(`"2"`), Taken: true},
		{Field: "attributes.c", File: []byte(`"2"`)},
		{Field: "attributes.d", Ours: []byte(`"1"`), Taken: true},
		{Field: "attributes.f", File: []byte(`"1"`), Taken: true},
	}
	if diff := cmp.Diff(want, report.Items[0].Fields, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	m, _ = merge(t, base, ours, theirs, update.Options{Theirs: taking("component/p")})
	if diff := cmp.Diff(map[string]string{"a": "3", "b": "2", "c": "2", "e": "1", "f": "1"}, m.Components[1].Attributes); diff != "" {
		t.Errorf("the file's (-want +got):\n%s", diff)
	}
}

// TestShareConflict: the share of a link is a conflict that a person sees, by the titles of its ends.
func TestShareConflict(t *testing.T) {
	t.Parallel()
	with := func(share float64) *model.Model {
		m := file()
		m.Links[0].Share = share
		return m
	}
	_, report := merge(t, with(10), with(20), with(30), update.Options{})
	if len(report.Items) != 1 || report.Items[0].Title != "Sign against Forged order" || !report.Items[0].Conflict || report.Conflicts != 1 {
		t.Fatalf("items = %+v, want the link", report.Items)
	}
	key := report.Items[0].Key()
	for _, opts := range []update.Options{{Theirs: taking(key)}, {Theirs: taking(key), Take: taking(key)}} {
		if m, _ := merge(t, with(10), with(20), with(30), opts); m.Links[0].Share != 30 {
			t.Errorf("share = %v, want the file's", m.Links[0].Share)
		}
	}
}

// contested are the keys of the items that are conflicts.
func contested(items []update.Item) []string {
	var keys []string
	for _, i := range items {
		if i.Conflict {
			keys = append(keys, i.Key())
		}
	}
	slices.Sort(keys)
	return keys
}
