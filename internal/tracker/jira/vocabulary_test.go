package jira_test

import (
	"slices"
	"testing"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/fake"
)

func TestVocabulary(t *testing.T) {
	t.Parallel()
	for _, flavour := range both {
		s := open(t, fake.Options{Flavour: flavour})
		v, err := s.client.Vocabulary(t.Context(), tracker.Target{Project: "SEC", Type: "Task"})
		if err != nil {
			t.Fatalf("Vocabulary(%s) = %v", flavour, err)
		}
		done := 0
		for _, st := range v.Statuses {
			if st.Category == tracker.Done {
				done++
			}
		}
		if done == 0 || done == len(v.Statuses) {
			t.Errorf("Vocabulary(%s) = %+v, want open and done statuses", flavour, v.Statuses)
		}
		if want := []string{"Done", "Won't Do", "Duplicate", "Cannot Reproduce"}; !slices.Equal(v.Resolutions, want) {
			t.Errorf("Vocabulary(%s).Resolutions = %q, want %q", flavour, v.Resolutions, want)
		}
		if _, err := s.client.Vocabulary(t.Context(), tracker.Target{Project: "NONE"}); err == nil {
			t.Errorf("Vocabulary(%s) of an unknown project = nil, want an error", flavour)
		}
	}
}
