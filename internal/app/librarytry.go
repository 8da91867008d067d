package app

import (
	"context"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// TriedPlan is what a product's plan would be by the draft.
type TriedPlan struct {
	Counts PlanCounts `json:"counts"`
	Plan   PlanView   `json:"plan"`
}

// TryPlan tells what a product's plan would be by the draft. Nothing is stored.
func (a *App) TryPlan(ctx context.Context, c Caller, product model.ProductID) (TriedPlan, error) {
	return query(ctx, a, c, policy.LibraryEdit, "", func(tx *store.Tx) (TriedPlan, error) {
		noProduct := fault.New(fault.Invalid, "library.product", "there is no product %s", product).With("body.product", "expected the id of a product whose plan you may see")
		if err := a.allow(tx, c, policy.PlanRead, product); fault.Is(err, fault.NotFound) {
			return TriedPlan{}, noProduct
		} else if err != nil {
			return TriedPlan{}, err
		}
		d, err := a.readDraft(tx)
		if err != nil {
			return TriedPlan{}, err
		}
		lib, err := a.drafted(d)
		if err != nil {
			return TriedPlan{}, err
		}
		m, versions, err := tx.LoadModel(product)
		if fault.Is(err, fault.NotFound) {
			return TriedPlan{}, noProduct
		}
		if err != nil {
			return TriedPlan{}, err
		}
		view, plan, err := a.planViewBy(tx, m, versions.Product, lib)
		if err != nil {
			return TriedPlan{}, err
		}
		v := TriedPlan{Plan: view}
		plan.Items = slices.DeleteFunc(plan.Items, refuses(view.Refused))
		for _, item := range planItems(m, plan) {
			v.Counts.add(item)
		}
		return v, nil
	})
}

// TriedQuestionnaire is a questionnaire of the draft with what answers show and bring.
type TriedQuestionnaire struct {
	Questionnaire library.Questionnaire `json:"questionnaire"`
	Preview       AnswersPreview        `json:"preview"`
}

// TryQuestionnaire tells what answers to a questionnaire of the draft would show and
// bring into a new product. Nothing is stored.
func (a *App) TryQuestionnaire(ctx context.Context, c Caller, ref string, in PreviewInput) (TriedQuestionnaire, error) {
	return query(ctx, a, c, policy.LibraryEdit, "", func(tx *store.Tx) (TriedQuestionnaire, error) {
		d, err := a.readDraft(tx)
		if err != nil {
			return TriedQuestionnaire{}, err
		}
		lib, err := a.drafted(d)
		if err != nil {
			return TriedQuestionnaire{}, err
		}
		q := lib.Questionnaire(ref)
		if q == nil {
			return TriedQuestionnaire{}, notFound("questionnaire", ref)
		}
		preview := a.previewBy
		if len(q.Types) > 0 {
			preview = a.previewComponent
		}
		v, err := preview(lib, ref, in)
		return TriedQuestionnaire{*q, v}, err
	})
}

// previewComponent tells what answers to a component questionnaire would show and
// bring to a component of its first type, which is all there is in the model.
func (a *App) previewComponent(lib *library.Library, ref string, in PreviewInput) (AnswersPreview, error) {
	v := AnswersPreview{Visible: []string{}, Problems: []AnswerProblem{}, Missing: []AnswerProblem{}, Groups: []GroupProgress{}}
	given, err := in.Answers.list()
	if err != nil {
		return v, err
	}
	q := lib.Questionnaire(ref)
	t := lib.Type(q.Types[0])
	c := model.Component{ID: "preview", Kind: t.Kind, Type: t.Ref, Name: t.Name, Attributes: map[string]string{}}
	for _, one := range given {
		attribute := lib.Attribute(one.Question)
		switch {
		case attribute == nil:
			v.Problems = append(v.Problems, AnswerProblem{one.Question, "the library has no such attribute"})
		case len(one.Values) != 1 || len(attribute.Values) > 0 && !slices.Contains(attribute.Values, one.Values[0]):
			v.Problems = append(v.Problems, AnswerProblem{one.Question, "the answer is none of " + strings.Join(attribute.Values, ", ")})
		default:
			c.Attributes[one.Question] = one.Values[0]
		}
	}
	m := &model.Model{Product: model.Product{ID: "preview", Name: "the product"}, Components: []model.Component{c}}
	groups, err := generate.ComponentQuestions(m, lib, c.ID)
	if err != nil {
		return v, err
	}
	for _, g := range groups {
		group := GroupProgress{Ref: g.Ref, Title: g.Title, Progress: Progress{Total: len(g.Questions)}}
		for _, one := range g.Questions {
			v.Visible = append(v.Visible, one.Ref)
			if c.Attributes[one.Attribute] != "" {
				group.Answered++
			} else {
				v.Missing = append(v.Missing, AnswerProblem{Question: one.Ref, Text: one.Title})
			}
		}
		v.Groups = append(v.Groups, group)
		v.Progress.Answered += group.Answered
		v.Progress.Total += group.Total
	}
	plan, err := planOf(m, lib, nil)
	if err != nil {
		return v, err
	}
	all := generate.Apply(m, plan, a.Now(), nil)
	rated := risk.Rate(all, model.Verdicts{}, a.settings(a.Now()))
	v.Brings, v.Highest = brings(plan, all, rated), pairOf(rated)
	return v, nil
}
