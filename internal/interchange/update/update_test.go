package update_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
)

// file is what a file says: a shop with two components, a flow and a threat with its countermeasure.
func file() *model.Model {
	return &model.Model{
		Product:    model.Product{ID: "prd_1", Name: "Shop", Owner: "Ann"},
		Diagrams:   []model.Diagram{{ID: "0", Title: "Main"}},
		Components: []model.Component{{ID: "a", Diagram: "0", Kind: model.Actor, Name: "Visitor"}, {ID: "p", Diagram: "0", Kind: model.Process, Name: "Web", Attributes: map[string]string{"encrypted": "no"}}},
		Flows:      []model.Flow{{ID: "f", Diagram: "0", Name: "Order", From: "a", To: "p"}},
		Threats: []model.Threat{{
			ID: "thr_1", Where: "p", Ref: "file/1", Title: "Forged order", Severity: "high", Status: model.Open, Origin: model.ByImport,
		}},
		Countermeasures: []model.Countermeasure{{ID: "cms_1", Where: "p", Ref: "file/1", Title: "Sign", State: model.Recommended, Origin: model.ByImport}},
		Links:           []model.Link{{Threat: "thr_1", Countermeasure: "cms_1", Share: 100, Origin: model.ByImport}},
	}
}

func merge(t testingT, base, ours, theirs *model.Model, opts update.Options) (*model.Model, update.Report) {
	t.Helper()
	before := fmt.Sprintf("%+v", model.Clone(ours))
	m, report, err := update.Merge(base, ours, theirs, opts)
	if err != nil {
		t.Fatalf("Merge = %v", err)
	}
	if got := fmt.Sprintf("%+v", model.Clone(ours)); got != before {
		t.Fatalf("Merge changed its argument")
	}
	if err := model.Validate(m); err != nil {
		t.Fatalf("the merged model: %v", err)
	}
	return m, report
}

type testingT interface {
	Helper()
	Fatalf(format string, args ...any)
}

func TestSameFileAgain(t *testing.T) {
	t.Parallel()
	for _, base := range []*model.Model{file(), nil} {
		m, report := merge(t, base, file(), file(), update.Options{})
		if diff := cmp.Diff(file(), m, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Merge of the same (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(update.Report{}, report); diff != "" {
			t.Errorf("report of the same (-want +got):\n%s", diff)
		}
	}
}

func TestThreeWay(t *testing.T) {
	t.Parallel()
	ours, theirs := file(), file()
	// Here: renamed, decided, and the actor deleted.
	ours.Components[1].Name = "Web shop"
	ours.Threats[0].Status, ours.Threats[0].Sets = model.Accepted, model.Sets{"status": {By: model.SetByPerson}}
	ours.Components[1].Attributes = map[string]string{"encrypted": "no", "log": "yes"}
	// In the file: renamed otherwise, described, a new component and flow; the threat is gone.
	theirs.Components[1].Name, theirs.Components[1].Description = "Web front", "Serves pages"
	theirs.Components[1].Attributes = map[string]string{"encrypted": "yes"}
	theirs.Components = append(theirs.Components, model.Component{ID: "s", Diagram: "0", Kind: model.Store, Name: "Orders"})
	theirs.Flows = append(theirs.Flows, model.Flow{ID: "g", Diagram: "0", Name: "Store", From: "p", To: "s"})
	theirs.Threats, theirs.Countermeasures, theirs.Links = nil, nil, nil
	theirs.Product.Owner = "Bob"

	m, report := merge(t, file(), ours, theirs, update.Options{})
	c := m.Components[1]
	if c.Name != "Web shop" || c.Description != "Serves pages" || c.Attributes["encrypted"] != "yes" || c.Attributes["log"] != "yes" {
		t.Errorf("component = %+v, want our name, the file's description and both attributes", c)
	}
	if len(m.Threats) != 1 || m.Product.Owner != "Bob" || len(m.Components) != 3 || len(m.Flows) != 2 {
		t.Errorf("merged: %d threats, owner %q, %d components, %d flows, want 1, Bob, 3, 2", len(m.Threats), m.Product.Owner, len(m.Components), len(m.Flows))
	}
	got := []int{report.Added, report.Changed, report.Removed, report.Kept, report.Conflicts}
	if diff := cmp.Diff([]int{2, 2, 1, 1, 1}, got); diff != "" {
		t.Errorf("added, changed, removed, kept, conflicts (-want +got):\n%s\n%+v", diff, report.Items)
	}
	for _, i := range report.Items {
		if i.Kind == update.Component && i.ID == "p" {
			want := []update.Field{
				{Field: "attributes.encrypted", Ours: []byte(`"no"`), File: []byte(`"yes"`), Taken: true},
				{Field: "description", File: []byte(`"Serves pages"`), Taken: true},
				{Field: "name", Ours: []byte(`"Web shop"`), File: []byte(`"Web front"`)},
			}
			if diff := cmp.Diff(want, i.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		}
	}
}

func TestDeletedHereStaysDeleted(t *testing.T) {
	t.Parallel()
	ours, theirs := file(), file()
	ours.Components, ours.Flows = ours.Components[:1], nil
	ours.Threats, ours.Countermeasures, ours.Links = nil, nil, nil
	theirs.Components[1].Description = "more"
	theirs.Flows = append(theirs.Flows, model.Flow{ID: "g", Diagram: "0", Name: "Answer", From: "p", To: "a"})
	theirs.Threats = append(theirs.Threats, model.Threat{ID: "thr_2", Where: "p", Ref: "file/2", Title: "New", Status: model.Open, Origin: model.ByImport})
	m, report := merge(t, file(), ours, theirs, update.Options{})
	if len(m.Components) != 1 || len(m.Threats) != 0 || len(m.Flows) != 1 || m.Flows[0].From != "" || m.Flows[0].To != "a" {
		t.Errorf("merged: %+v, %+v, %+v, want the component deleted and the new flow loose at its end", m.Components, m.Flows, m.Threats)
	}
	if report.Added != 1 {
		t.Errorf("added %d, want 1: %+v", report.Added, report.Items)
	}
}

func TestTouchedIsNotRemoved(t *testing.T) {
	t.Parallel()
	theirs := file()
	theirs.Threats, theirs.Countermeasures, theirs.Links = nil, nil, nil
	m, report := merge(t, file(), file(), theirs, update.Options{Touched: func(_ update.Kind, id string) bool { return id == "cms_1" }})
	if len(m.Countermeasures) != 1 || len(m.Threats) != 0 || report.Removed != 1 || report.Kept != 1 {
		t.Errorf("merged: %d countermeasures, %d threats, report %+v", len(m.Countermeasures), len(m.Threats), report)
	}
}

// TestNewIds is a file whose program gave flows and threats new ids.
func TestNewIds(t *testing.T) {
	t.Parallel()
	theirs := file()
	theirs.Flows[0].ID = "new"
	theirs.Threats[0].ID, theirs.Threats[0].Ref = "thr_new", "file/new"
	theirs.Countermeasures[0].ID, theirs.Countermeasures[0].Ref = "cms_new", "file/new"
	theirs.Links[0].Threat, theirs.Links[0].Countermeasure = "thr_new", "cms_new"
	theirs.Threats = append(theirs.Threats, model.Threat{ID: "thr_f", Where: "new", Ref: "file/f", Title: "On the flow", Status: model.Open, Origin: model.ByImport})
	for _, base := range []*model.Model{file(), nil} {
		m, report := merge(t, base, file(), theirs, update.Options{})
		if len(m.Flows) != 1 || len(m.Threats) != 2 || len(m.Countermeasures) != 1 || len(m.Links) != 1 || m.Threats[1].Where != "f" || report.Added != 1 {
			t.Errorf("merged: %+v, %+v, report %+v, want nothing twice", m.Flows, m.Threats, report)
		}
	}
}

// TestWithoutBase takes what the file says but for what somebody set.
func TestWithoutBase(t *testing.T) {
	t.Parallel()
	ours, theirs := file(), file()
	ours.Components[1].Type, ours.Components[1].Tags = "web-application", []string{"mine"}
	ours.Threats[0].Title, ours.Threats[0].Sets = "Faked order", model.Sets{"title": {By: model.SetByPerson}}
	theirs.Components[1].Type, theirs.Components[1].Name = "guessed", "Front"
	theirs.Product.Name = "Another"
	m, report := merge(t, nil, ours, theirs, update.Options{})
	c := m.Components[1]
	if c.Name != "Front" || c.Type != "web-application" || len(c.Tags) != 1 || m.Threats[0].Title != "Faked order" || m.Product.Name != "Shop" {
		t.Errorf("merged: %+v, %+v, %q", c, m.Threats[0], m.Product.Name)
	}
	if report.Removed != 0 || report.Changed != 1 {
		t.Errorf("report = %+v", report)
	}
}

// What the rules made is not missed in a file.
func TestMergeCountsWhatWasKept(t *testing.T) {
	t.Parallel()
	ours := file()
	ours.Threats = append(ours.Threats, model.Threat{ID: "thr_r", Where: "p", Status: model.Open, Origin: model.ByRule}, model.Threat{ID: "thr_i", Where: "p", Status: model.Open, Origin: model.ByImport})
	if _, report := merge(t, nil, ours, file(), update.Options{}); report.Kept != 1 {
		t.Errorf("kept %d, want 1: the imported one", report.Kept)
	}
}

// TestMergeLaws: what only one side changed is as that side says, and the same
// file a second time changes nothing.
func TestMergeLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ours, theirs := file(), file()
		edit := func(m *model.Model, prefix string) {
			for range rapid.IntRange(0, 4).Draw(t, prefix) {
				switch rapid.IntRange(0, 5).Draw(t, "what") {
				case 0:
					if len(m.Components) > 1 {
						m.Components[1].Name = rapid.SampledFrom([]string{"A", "B"}).Draw(t, "name")
					}
				case 1:
					m.Components = append(m.Components, model.Component{ID: model.ElementID(prefix + fmt.Sprint(len(m.Components))), Kind: model.Store, Name: prefix})
				case 2:
					m.Flows = nil
				case 3:
					m.Threats, m.Links = nil, nil
				case 4:
					if len(m.Threats) > 0 {
						m.Threats[0].Status = model.Mitigated
					}
				case 5:
					m.Answers = []model.Answer{{Question: "q", Values: []string{prefix}}}
				}
			}
		}
		edit(ours, "ours")
		edit(theirs, "theirs")
		alone, _ := merge(t, file(), file(), theirs, update.Options{})
		want := model.Clone(theirs)
		model.Sort(want)
		if diff := cmp.Diff(want, alone, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("Merge of what only the file changed (-want +got):\n%s", diff)
		}
		kept, report := merge(t, file(), ours, file(), update.Options{})
		want = model.Clone(ours)
		model.Sort(want)
		if diff := cmp.Diff(want, kept, cmpopts.EquateEmpty()); diff != "" || report.Added+report.Changed+report.Removed+report.Conflicts > 0 {
			t.Fatalf("Merge of what only was changed here (-want +got):\n%s\n%+v", diff, report)
		}
		once, _ := merge(t, file(), ours, theirs, update.Options{})
		again, report := merge(t, theirs, once, theirs, update.Options{})
		if diff := cmp.Diff(once, again, cmpopts.EquateEmpty()); diff != "" || report.Added+report.Changed+report.Removed > 0 {
			t.Fatalf("Merge a second time (-want +got):\n%s\n%+v", diff, report)
		}
	})
}

// diagrams is a model of nothing but diagrams.
func diagrams(ids ...model.DiagramID) *model.Model {
	m := &model.Model{Product: model.Product{ID: "prd_1", Name: "Shop"}}
	for _, id := range ids {
		m.Diagrams = append(m.Diagrams, model.Diagram{ID: id, Title: "Diagram " + string(id)})
	}
	return m
}

func orderOf(m *model.Model) string {
	s := ""
	for _, d := range m.Diagrams {
		s += string(d.ID)
	}
	return s
}

func TestOrderOfDiagrams(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name               string
		base, ours, theirs *model.Model
		want               string
		action             update.Action
	}{
		{"the file moved one", diagrams("a", "b", "c"), diagrams("a", "b", "c"), diagrams("c", "a", "b"), "cab", update.Change},
		{"the file has a new one between", diagrams("a", "b"), diagrams("a", "b"), diagrams("a", "n", "b"), "anb", ""},
		{"one was moved here", diagrams("a", "b", "c"), diagrams("c", "a", "b"), diagrams("a", "b", "c"), "cab", ""},
		{"moved here, a new one in the file", diagrams("a", "b"), diagrams("b", "a"), diagrams("a", "n", "b"), "ban", ""},
		{"moved here and in the file", diagrams("a", "b", "c"), diagrams("c", "a", "b"), diagrams("b", "a", "c"), "cab", update.Keep},
		{"moved alike", diagrams("a", "b", "c"), diagrams("c", "a", "b"), diagrams("c", "a", "b"), "cab", ""},
		{"one of our own stays between", diagrams("a", "b"), diagrams("a", "x", "b"), diagrams("b", "a"), "bxa", update.Change},
		{"removed and moved", diagrams("a", "b", "c"), diagrams("a", "b", "c"), diagrams("c", "b"), "cb", update.Change},
		{"nobody knows what the file said", nil, diagrams("a", "b"), diagrams("b", "a"), "ba", update.Change},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, report := merge(t, c.base, c.ours, c.theirs, update.Options{})
			if got := orderOf(m); got != c.want {
				t.Errorf("Merge = %s, want %s", got, c.want)
			}
			var got update.Action
			for _, i := range report.Items {
				if i.Kind == update.Order {
					got = i.Action
				}
			}
			if got != c.action {
				t.Errorf("action = %q, want %q; items %+v", got, c.action, report.Items)
			}
		})
	}
}

// TestOrderTheirs: where both moved diagrams, a person can have the file's order.
func TestOrderTheirs(t *testing.T) {
	t.Parallel()
	base, ours, theirs := diagrams("a", "b", "c"), diagrams("c", "a", "b"), diagrams("b", "a", "c")
	_, report := merge(t, base, ours, theirs, update.Options{})
	if len(report.Items) != 1 || !report.Items[0].Conflict || report.Items[0].Key() != "order/diagrams" {
		t.Fatalf("items = %+v, want the order as a conflict", report.Items)
	}
	prefers := func(key string) bool { return key == "order/diagrams" }
	for _, opts := range []update.Options{{Theirs: prefers}, {Theirs: prefers, Take: func(string) bool { return false }}} {
		if m, _ := merge(t, base, ours, theirs, opts); orderOf(m) != "bac" {
			t.Errorf("Merge for the file = %s, want bac", orderOf(m))
		}
	}
}

// TestOrderLeft: an order that was not taken is offered again, and stays ours until then.
func TestOrderLeft(t *testing.T) {
	t.Parallel()
	theirs := diagrams("c", "a", "b")
	for _, base := range []*model.Model{diagrams("a", "b", "c"), nil} {
		m, report := merge(t, base, diagrams("a", "b", "c"), theirs, update.Options{Take: func(string) bool { return false }})
		if got := orderOf(m); got != "abc" || report.Waiting != 1 {
			t.Fatalf("Merge = %s, %d waiting, want abc, 1", got, report.Waiting)
		}
		next, err := update.Compose(theirs, report.Left)
		if err != nil {
			t.Fatal(err)
		}
		m, _ = merge(t, next, m, theirs, update.Options{Take: func(key string) bool { return key == "order/diagrams" }})
		if got := orderOf(m); got != "cab" {
			t.Errorf("Merge when it is chosen = %s, want cab", got)
		}
	}
}

// TestComposeKeepsPlaces: what was left stands where it stood, so that no order changes by it.
func TestComposeKeepsPlaces(t *testing.T) {
	t.Parallel()
	m, err := update.Compose(diagrams("a", "b", "c"), update.Left{
		"diagram/a": []byte(`{"id":"a","title":"Old"}`), "diagram/b": []byte("null"), "diagram/z": []byte(`{"id":"z","title":"Z"}`), "diagram/y": []byte("null"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := orderOf(m); got != "acz" || m.Diagrams[0].Title != "Old" {
		t.Errorf("Compose = %s, first %q, want acz, Old", got, m.Diagrams[0].Title)
	}
}
