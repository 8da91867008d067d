package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// ProductInput defines a product.
type ProductInput struct {
	Name          string            `json:"name" minLength:"1" maxLength:"200" example:"Parcel desk"`
	Description   string            `json:"description,omitempty" maxLength:"20000"`
	Owner         string            `json:"owner,omitempty" maxLength:"200"`
	Team          string            `json:"team,omitempty" maxLength:"200" doc:"Who works on it"`
	Tags          []string          `json:"tags,omitempty" maxItems:"50"`
	Template      bool              `json:"template,omitempty" doc:"Made to be copied: no part of the portfolio, no tickets"`
	FromTemplate  model.ProductID   `json:"from_template,omitempty" maxLength:"60" doc:"Copies a product; what is said here replaces what it says"`
	Questionnaire string            `json:"questionnaire,omitempty" doc:"Ref of the questionnaire that Answers answer"`
	Answers       Answers           `json:"answers,omitempty"`
	Branch        string            `json:"branch,omitempty" maxLength:"200" doc:"Only tests of this branch move the ratings"`
	Environment   string            `json:"environment,omitempty" maxLength:"200"`
	Standards     []string          `json:"standards,omitempty" maxItems:"50" doc:"Refs of the standards that it keeps, with the level after a colon where not all of it: asvs-5.0:2"`
	Custom        map[string]string `json:"custom,omitempty" doc:"Values of custom fields by key; required ones are demanded unless it is a template"`
}

// Answers are answers by question: a text, a number, true or false, or a list of option refs.
type Answers map[string]any

// list turns answers into the model's form, sorted by question.
func (a Answers) list() ([]model.Answer, error) {
	var out []model.Answer
	for q, v := range a {
		values, err := answerValues(v)
		if err != nil {
			return nil, fault.New(fault.Invalid, "answers.invalid", "an answer has a form that no question takes").With("body.answers."+q, "%s", err.Error())
		}
		if len(values) > 0 {
			out = append(out, model.Answer{Question: q, Values: values})
		}
	}
	slices.SortFunc(out, func(x, y model.Answer) int { return strings.Compare(x.Question, y.Question) })
	return out, nil
}

func answerValues(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case bool:
		if v {
			return []string{"yes"}, nil
		}
		return []string{"no"}, nil
	case float64, int:
		data, err := json.Marshal(v)
		return []string{string(data)}, err
	case []any:
		var out []string
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("a list holds option refs only, got %T", e)
			}
			out = append(out, s)
		}
		return out, nil
	case []string:
		return v, nil
	default:
		return nil, fmt.Errorf("is %T, expected a text, a number, true, false or a list of option refs", v)
	}
}

// CreateProduct defines a product; its creator becomes its administrator. What
// the answers bring in is seen in the plan and comes only when that is applied.
func (a *App) CreateProduct(ctx context.Context, c Caller, in ProductInput) (ProductView, error) {
	cause := Cause{Kind: "edited", Text: "the product was defined"}
	return change(ctx, a, c, policy.ProductCreate, "", cause, func(ch *changing) (ProductView, error) {
		if in.FromTemplate != "" {
			return ch.copyWith(in)
		}
		answers, err := in.Answers.list()
		if err != nil {
			return ProductView{}, err
		}
		id := model.ProductID(a.id("prd"))
		ch.model = &model.Model{Product: model.Product{
			ID: id, Name: strings.TrimSpace(in.Name), Description: in.Description, Owner: in.Owner, Team: strings.TrimSpace(in.Team), Tags: in.Tags, Template: in.Template,
			Questionnaire: in.Questionnaire, Branch: in.Branch, Environment: in.Environment,
		}, Answers: answers}
		if err := a.checkAnswers(ch.model); err != nil {
			return ProductView{}, err
		}
		if err := a.applyStandards(&ch.model.Product, in.Standards); err != nil {
			return ProductView{}, err
		}
		if err := ch.setCustom(policy.Administrator, in.Custom, !in.Template); err != nil {
			return ProductView{}, err
		}
		return ch.created()
	})
}

// created stores a new product and makes its creator its administrator.
func (ch *changing) created() (ProductView, error) {
	if err := ch.save(); err != nil {
		return ProductView{}, err
	}
	ch.saved = true
	if ch.caller.User != "" {
		m := store.Membership{User: ch.caller.User, Product: ch.model.Product.ID, Role: string(policy.Administrator)}
		if err := ch.tx.SetMembership(m); err != nil {
			return ProductView{}, err
		}
	}
	return ch.productView()
}

// checkAnswers refuses an unknown questionnaire, question or option.
func (a *App) checkAnswers(m *model.Model) error {
	if m.Product.Questionnaire == "" {
		if len(m.Answers) > 0 {
			return fault.New(fault.Invalid, "answers.questionnaire", "answers need the questionnaire that they answer").With("body.questionnaire", "expected the ref of a questionnaire")
		}
		return nil
	}
	if q := a.Library().Questionnaire(m.Product.Questionnaire); q == nil || len(q.Types) > 0 {
		return fault.New(fault.Invalid, "answers.questionnaire", "there is no questionnaire %q", m.Product.Questionnaire).With("body.questionnaire", "expected one of the library's")
	}
	_, problems, err := a.Library().ReadAnswers(m.Answers)
	if err != nil || len(problems) == 0 {
		return err
	}
	bad := fault.New(fault.Invalid, "answers.invalid", "some answers do not fit their questions")
	for _, p := range problems {
		bad.With("body.answers."+p.Question, "%s", p.Text)
	}
	return bad
}

// ProductEdit is a change of a product; nil fields are left alone.
type ProductEdit struct {
	Name        *string            `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Description *string            `json:"description,omitempty" maxLength:"20000"`
	Owner       *string            `json:"owner,omitempty" maxLength:"200"`
	Team        *string            `json:"team,omitempty" maxLength:"200"`
	Tags        *[]string          `json:"tags,omitempty" maxItems:"50"`
	Template    *bool              `json:"template,omitempty" doc:"Refused while the product has tickets or a tracker to publish to"`
	Value       *model.CIA         `json:"value,omitempty" doc:"What the product is worth where no asset is modelled"`
	Exposure    *int               `json:"exposure,omitempty" minimum:"0" maximum:"100"`
	Branch      *string            `json:"branch,omitempty" maxLength:"200"`
	Environment *string            `json:"environment,omitempty" maxLength:"200"`
	Method      *string            `json:"method,omitempty" enum:"threatloop,iriusrisk"`
	Tolerance   *float64           `json:"tolerance,omitempty" minimum:"0" maximum:"100"`
	Standards   *[]string          `json:"standards,omitempty" maxItems:"50" doc:"Refs of the standards that it keeps, with the level after a colon where not all of it: asvs-5.0:2. What serves their clauses is required from the next plan on"`
	Custom      *map[string]string `json:"custom,omitempty" doc:"Values of custom fields by key; empty text takes a value away, what is left out stays"`
}

// EditProduct changes a product's head.
func (a *App) EditProduct(ctx context.Context, c Caller, id model.ProductID, version int64, in ProductEdit) (ProductView, error) {
	return change(ctx, a, c, policy.ProductEdit, id, Cause{Kind: "edited", Text: "the product's settings were changed"}, func(ch *changing) (ProductView, error) {
		if err := ch.expect(store.KindProduct, string(id), version); err != nil {
			return ProductView{}, err
		}
		if in.Tolerance != nil {
			if err := ch.also(policy.ProductTolerance); err != nil {
				return ProductView{}, err
			}
		}
		p := &ch.model.Product
		setIf(&p.Name, in.Name)
		setIf(&p.Description, in.Description)
		setIf(&p.Owner, in.Owner)
		setIf(&p.Team, in.Team)
		setIf(&p.Tags, in.Tags)
		if in.Template != nil && *in.Template && !p.Template {
			if err := ch.noTickets(); err != nil {
				return ProductView{}, err
			}
		}
		setIf(&p.Template, in.Template)
		setIf(&p.Branch, in.Branch)
		setIf(&p.Environment, in.Environment)
		setIf(&p.Method, in.Method)
		if in.Standards != nil {
			if err := a.applyStandards(p, *in.Standards); err != nil {
				return ProductView{}, err
			}
		}
		if in.Custom != nil {
			role, err := roleOn(ch.tx, c, id)
			if err != nil {
				return ProductView{}, err
			}
			if err := ch.setCustom(role, *in.Custom, false); err != nil {
				return ProductView{}, err
			}
		}
		if in.Value != nil {
			p.Value = in.Value
		}
		if in.Exposure != nil {
			p.Exposure = in.Exposure
		}
		if in.Tolerance != nil {
			p.Tolerance = in.Tolerance
		}
		return ch.saveAndView()
	})
}

func (ch *changing) saveAndView() (ProductView, error) {
	if err := ch.save(); err != nil {
		return ProductView{}, err
	}
	ch.saved = true
	return ch.productView()
}

func setIf[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

// ArchiveProduct hides a product from lists, or brings it back.
func (a *App) ArchiveProduct(ctx context.Context, c Caller, id model.ProductID, version int64, archived bool) (ProductView, error) {
	text := "the product was archived"
	if !archived {
		text = "the product was brought back"
	}
	return change(ctx, a, c, policy.ProductArchive, id, Cause{Kind: "edited", Text: text}, func(ch *changing) (ProductView, error) {
		if err := ch.expect(store.KindProduct, string(id), version); err != nil {
			return ProductView{}, err
		}
		if err := ch.tx.ArchiveProduct(id, archived, store.Save{By: c.actor(), At: ch.at, Expect: ch.versions.Product}); err != nil {
			return ProductView{}, err
		}
		ch.saved = true
		if err := ch.record("product.archive", "product/"+string(id), nil, map[string]bool{"archived": archived}); err != nil {
			return ProductView{}, err
		}
		return ch.productView()
	})
}

// Answers returns a product's answers.
func (a *App) Answers(ctx context.Context, c Caller, id model.ProductID) (AnswersView, error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (AnswersView, error) {
		m, versions, err := tx.LoadModel(id)
		if err != nil {
			return AnswersView{}, err
		}
		return answersView(m, versions.Product), nil
	})
}

// AnswersView are a product's answers, each as a list of texts or option refs.
type AnswersView struct {
	Questionnaire string              `json:"questionnaire"`
	Answers       map[string][]string `json:"answers"`
	Version       int64               `json:"version"`
}

func answersView(m *model.Model, version int64) AnswersView {
	v := AnswersView{Questionnaire: m.Product.Questionnaire, Answers: map[string][]string{}, Version: version}
	for _, x := range m.Answers {
		v.Answers[x.Question] = x.Values
	}
	return v
}

// AnswersInput replaces a product's answers.
type AnswersInput struct {
	Questionnaire string  `json:"questionnaire" minLength:"1"`
	Answers       Answers `json:"answers"`
}

// SetAnswers replaces a product's answers; the plan shows what follows.
func (a *App) SetAnswers(ctx context.Context, c Caller, id model.ProductID, version int64, in AnswersInput) (AnswersView, error) {
	return change(ctx, a, c, policy.ModelEdit, id, Cause{Kind: "edited", Text: "answers were changed"}, func(ch *changing) (AnswersView, error) {
		if err := ch.expect(store.KindProduct, string(id), version); err != nil {
			return AnswersView{}, err
		}
		answers, err := in.Answers.list()
		if err != nil {
			return AnswersView{}, err
		}
		ch.model.Product.Questionnaire, ch.model.Answers = in.Questionnaire, answers
		if err := a.checkAnswers(ch.model); err != nil {
			return AnswersView{}, err
		}
		if err := ch.save(); err != nil {
			return AnswersView{}, err
		}
		ch.saved = true
		return answersView(ch.model, ch.versions.Product), nil
	})
}

// noTickets refuses a change of a product that has tickets, or a tracker to publish to.
func (ch *changing) noTickets() error {
	id := ch.model.Product.ID
	p, _, err := ticketPolicy(ch.tx, id)
	if err != nil {
		return err
	}
	links, err := ch.tx.Links(store.LinkFilter{Product: id, State: "live", Limit: 1})
	if err != nil {
		return err
	}
	intents, err := ch.tx.Intents(store.IntentFilter{Product: id, Open: true, Limit: 1})
	if err != nil {
		return err
	}
	if p.Default.Connection != "" || len(p.Routes) > 0 || len(links)+len(intents) > 0 {
		return fault.New(fault.Conflict, "product.tickets", "the product has tickets or a tracker to publish to, which a template has not; clone it and make the clone a template")
	}
	return nil
}
