package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// PreviewInput are answers to look at; any part of them may be missing.
type PreviewInput struct {
	Questionnaire string  `json:"questionnaire,omitempty" maxLength:"100" doc:"Ref of the questionnaire; left out, the one in the path or the product's"`
	Answers       Answers `json:"answers"`
}

// AnswersPreview is what answers show and bring in; nothing of it is stored.
type AnswersPreview struct {
	Visible  []string        `json:"visible" doc:"Refs of the questions that are to be asked, in order"`
	Problems []AnswerProblem `json:"problems" doc:"Answers that do not fit their questions; they are read as not given"`
	Missing  []AnswerProblem `json:"missing" doc:"Visible questions without an answer; they hinder nothing"`
	Groups   []GroupProgress `json:"groups"`
	Progress Progress        `json:"progress"`
	Brings   Brings          `json:"brings" doc:"What the answers bring in; of an existing product, what would be added to it"`
	Highest  RatingPair      `json:"highest" doc:"The highest ratings with everything accepted"`
	Before   *RatingPair     `json:"before,omitempty" doc:"The highest ratings of the product as it is stored"`
	Changes  map[string]int  `json:"changes,omitempty" doc:"Steps of the plan per action; of an existing product"`
}

// AnswerProblem is a question with what is to be said of its answer.
type AnswerProblem struct {
	Question string `json:"question"`
	Text     string `json:"text"`
}

// GroupProgress is how far a group of questions is answered.
type GroupProgress struct {
	Ref   string `json:"ref"`
	Title string `json:"title"`
	Progress
}

// Progress counts visible questions.
type Progress struct {
	Answered int `json:"answered"`
	Total    int `json:"total"`
}

// RatingPair is a highest inherent and a highest current rating, 0..100.
type RatingPair struct {
	Inherent int `json:"inherent"`
	Current  int `json:"current"`
}

// Brings counts and lists what comes in.
type Brings struct {
	Threats         int           `json:"threats"`
	Weaknesses      int           `json:"weaknesses"`
	Countermeasures int           `json:"countermeasures"`
	Items           []BroughtItem `json:"items" doc:"At most 100: threats by their rating, then weaknesses and countermeasures"`
	More            int           `json:"more" doc:"Items that are left out"`
}

// BroughtItem is one thing that comes in.
type BroughtItem struct {
	Kind      generate.Kind `json:"kind" enum:"threat,weakness,countermeasure"`
	Title     string        `json:"title"`
	WhereName string        `json:"where_name"`
	Pattern   string        `json:"pattern,omitempty" doc:"Ref of the risk pattern that brings it"`
	Band      risk.Band     `json:"band,omitempty" doc:"Of a threat"`
	Because   string        `json:"because" doc:"Why it comes, in a sentence"`
	rating    int
}

const broughtItems = 100

// PreviewAnswers tells what answers would bring into a new product. Nothing is stored.
func (a *App) PreviewAnswers(ctx context.Context, c Caller, ref string, in PreviewInput) (AnswersPreview, error) {
	if err := a.Check(ctx, c, policy.LibraryRead, ""); err != nil {
		return AnswersPreview{}, err
	}
	return a.previewBy(a.Library(), ref, in)
}

// previewBy tells what answers would bring into a new product by a library.
func (a *App) previewBy(lib *library.Library, ref string, in PreviewInput) (AnswersPreview, error) {
	given, err := in.Answers.list()
	if err != nil {
		return AnswersPreview{}, err
	}
	m := &model.Model{Product: model.Product{ID: "preview", Name: "the product", Questionnaire: ref}, Answers: given}
	v, err := readPreview(m, lib)
	if err != nil {
		return v, err
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

// PreviewProductAnswers tells what answers would change in a product. Nothing is stored.
func (a *App) PreviewProductAnswers(ctx context.Context, c Caller, id model.ProductID, in PreviewInput) (AnswersPreview, error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (AnswersPreview, error) {
		m, _, err := tx.LoadModel(id)
		if err != nil {
			return AnswersPreview{}, err
		}
		before, _, err := a.rate(tx, m, a.Now())
		if err != nil {
			return AnswersPreview{}, err
		}
		if m.Answers, err = in.Answers.list(); err != nil {
			return AnswersPreview{}, err
		}
		m.Product.Questionnaire = cmp.Or(in.Questionnaire, m.Product.Questionnaire)
		lib := a.Library()
		v, err := readPreview(m, lib)
		if err != nil {
			return v, err
		}
		touched, err := a.touched(tx, id)
		if err != nil {
			return v, err
		}
		plan, err := planOf(m, lib, touched)
		if err != nil {
			return v, err
		}
		all := generate.Apply(m, plan, a.Now(), nil)
		rated, _, err := a.rate(tx, all, a.Now())
		if err != nil {
			return v, err
		}
		v.Brings, v.Highest = brings(plan, all, rated), pairOf(rated)
		was := pairOf(before)
		v.Before, v.Changes = &was, map[string]int{}
		for _, action := range []generate.Action{generate.Add, generate.Change, generate.Keep, generate.Revive, generate.Retire, generate.Remove} {
			v.Changes[string(action)] = 0
		}
		for action, n := range plan.Counts() {
			v.Changes[string(action)] = n
		}
		return v, nil
	})
}

func planOf(m *model.Model, lib *library.Library, touched func(generate.Kind, string) bool) (*generate.Plan, error) {
	want, err := generate.Desired(m, lib)
	if err != nil {
		return nil, err
	}
	return generate.MakePlan(m, want, touched), nil
}

// readPreview reads the answers of a model as the questionnaire asks for them.
func readPreview(m *model.Model, lib *library.Library) (AnswersPreview, error) {
	v := AnswersPreview{Visible: []string{}, Problems: []AnswerProblem{}, Missing: []AnswerProblem{}, Groups: []GroupProgress{}}
	q := lib.Questionnaire(m.Product.Questionnaire)
	if q == nil {
		return v, notFound("questionnaire", m.Product.Questionnaire)
	}
	answers, problems, err := lib.ReadAnswers(m.Answers)
	if err != nil {
		return v, err
	}
	for _, p := range problems {
		v.Problems = append(v.Problems, AnswerProblem(p))
	}
	asked, err := askedByRules(m, lib)
	if err != nil {
		return v, err
	}
	for i := range q.Groups {
		g := &q.Groups[i]
		group := GroupProgress{Ref: g.Ref, Title: g.Title}
		for j := range g.Questions {
			question := &g.Questions[j]
			shown, err := isShown(lib, question, answers, asked)
			if err != nil {
				return v, err
			}
			if !shown {
				continue
			}
			v.Visible = append(v.Visible, question.Ref)
			group.Total++
			if answers.Answered(question.Ref) {
				group.Answered++
			} else {
				v.Missing = append(v.Missing, AnswerProblem{Question: question.Ref, Text: question.Title})
			}
		}
		v.Groups = append(v.Groups, group)
		v.Progress.Answered += group.Answered
		v.Progress.Total += group.Total
	}
	return v, nil
}

// askedByRules are the questions that rules ask of the model and nobody answered.
func askedByRules(m *model.Model, lib *library.Library) (map[string]bool, error) {
	want, err := generate.Desired(m, lib)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, q := range want.Questions {
		asked[q.Question] = true
	}
	return asked, nil
}

// isShown tells whether a question is to be asked: by its condition, or by a rule.
func isShown(lib *library.Library, q *library.Question, answers *library.Answers, asked map[string]bool) (bool, error) {
	if q.Asked {
		return asked[q.Ref] || answers.Answered(q.Ref), nil
	}
	return lib.Shown(q, answers)
}

func pairOf(r risk.Ratings) RatingPair {
	return RatingPair{Inherent: r.Summary.Open.Highest.Inherent, Current: r.Summary.Open.Highest.Current}
}

// brings lists what a plan adds to the model that comes of it.
func brings(plan *generate.Plan, all *model.Model, rated risk.Ratings) Brings {
	b := Brings{Items: []BroughtItem{}}
	names := elementNames(all)
	for i := range plan.Items {
		item := &plan.Items[i]
		if item.Action != generate.Add && item.Action != generate.Revive {
			continue
		}
		out := BroughtItem{Kind: item.Kind, Title: item.Title, WhereName: names[item.Where]}
		if len(item.Why) > 0 {
			out.Pattern, out.Because = item.Why[0].Pattern, item.Why[0].Text
		}
		switch item.Kind {
		case generate.KindThreat:
			b.Threats++
			if r, ok := rated.Threat(model.ThreatID(item.ID)); ok {
				out.Band, out.rating = r.Band, r.Current
			}
		case generate.KindWeakness:
			b.Weaknesses++
		case generate.KindCountermeasure:
			b.Countermeasures++
		default:
			continue
		}
		b.Items = append(b.Items, out)
	}
	order := []generate.Kind{generate.KindThreat, generate.KindWeakness, generate.KindCountermeasure}
	slices.SortStableFunc(b.Items, func(x, y BroughtItem) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Kind), slices.Index(order, y.Kind)), cmp.Compare(y.rating, x.rating), cmp.Compare(x.Title, y.Title), cmp.Compare(x.WhereName, y.WhereName))
	})
	if len(b.Items) > broughtItems {
		b.More = len(b.Items) - broughtItems
		b.Items = b.Items[:broughtItems]
	}
	return b
}

var errTemplateAnswers = fault.New(fault.Invalid, "product.template", "a copy has the answers of what it is copied from; copy first, then change them").
	With("body.answers", "leave it out together with from_template")
