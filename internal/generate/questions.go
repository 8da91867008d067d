package generate

import (
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// ComponentQuestions returns what the library asks about a component, by groups and
// in the order of its questionnaire: the questions whose conditions hold, in the groups that have any. The
// answers are the component's attributes. Nil where the library has no questionnaire for its type. The
// error is a fault.Invalid where a condition cannot be evaluated.
func ComponentQuestions(m *model.Model, lib *library.Library, id model.ElementID) ([]library.Group, error) {
	g := newGenerator(m, lib)
	if err := g.start(); err != nil { // the rules of the product give it its value and exposure
		return nil, err
	}
	c := g.views.byID[string(id)]
	if c == nil {
		return nil, nil
	}
	q := lib.ComponentQuestionnaire(c.Type)
	if q == nil {
		return nil, nil
	}
	scope := &library.Scope{Product: g.views.product, Answers: g.answers, Component: c}
	var groups []library.Group
	for _, group := range q.Groups {
		shown := library.Group{Ref: group.Ref, Title: group.Title}
		for i := range group.Questions {
			holds, err := lib.ComponentShown(&group.Questions[i], scope)
			if err != nil {
				return nil, fault.Wrap(err, fault.Invalid, "generate.condition_failed", "%v", err)
			}
			if holds {
				shown.Questions = append(shown.Questions, group.Questions[i])
			}
		}
		if len(shown.Questions) > 0 {
			groups = append(groups, shown)
		}
	}
	return groups, nil
}
