package model_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
)

// TestSorted: it answers what Sort leaves, changes nothing, and shares what is in order.
func TestSorted(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Answers: []model.Answer{{Question: "b"}, {Question: "a"}}, Assets: []model.Asset{{ID: "2"}, {ID: "1"}},
		Threats: []model.Threat{{ID: "1"}, {ID: "2"}}, Weaknesses: []model.Weakness{{ID: "2"}, {ID: "1"}},
		Countermeasures: []model.Countermeasure{{ID: "2"}, {ID: "1"}}, Links: []model.Link{{Threat: "2"}, {Threat: "1"}},
	}
	before, want := model.Clone(m), model.Clone(m)
	model.Sort(want)
	got := model.Sorted(m)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Sorted differs from Sort (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, m); diff != "" {
		t.Errorf("Sorted changed its argument (-before +after):\n%s", diff)
	}
	if &got.Threats[0] != &m.Threats[0] {
		t.Error("Sorted copied a list that is in order")
	}
}
