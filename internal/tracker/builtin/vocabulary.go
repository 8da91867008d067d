package builtin

import (
	"context"
	"slices"

	"github.com/threatloop/threatloop/internal/tracker"
)

// Vocabulary implements tracker.Speaker: the columns of every board and its resolutions.
func (*Tracker) Vocabulary(context.Context, tracker.Target) (tracker.Vocabulary, error) {
	v := tracker.Vocabulary{Resolutions: slices.Clone(resolutions)}
	for _, name := range []string{ToDo, InProgress, Done} {
		v.Statuses = append(v.Statuses, tracker.StatusName{Name: name, Category: category[name]})
	}
	return v, nil
}
