package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// StandardHead is a standard of the library without its clauses.
type StandardHead struct {
	Ref      string `json:"ref"`
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	URL      string `json:"url,omitempty"`
	Clauses  int    `json:"clauses"`
	Levels   []int  `json:"levels" doc:"That it can be applied up to; none where it has no levels"`
	Served   int    `json:"served" doc:"Clauses that a countermeasure of the library serves"`
	Products int64  `json:"products" doc:"That keep it"`
}

// StandardView is a standard with its clauses.
type StandardView struct {
	StandardHead
	List []StandardClause `json:"list" doc:"The clauses in their order"`
}

// StandardClause is a clause with what the library has for it.
type StandardClause struct {
	library.StandardClause
	Countermeasures []ClauseServer `json:"countermeasures" doc:"Of the library that serve it"`
}

// ClauseServer is a countermeasure of the library that serves a clause.
type ClauseServer struct {
	Ref     string `json:"ref"`
	Title   string `json:"title"`
	Pattern string `json:"pattern" doc:"Ref of the pattern that defines it"`
}

// serving are the library's countermeasures by the clause that they serve.
func serving(l *library.Library, standard string) map[string][]ClauseServer {
	out := map[string][]ClauseServer{}
	for i := range l.Patterns {
		p := &l.Patterns[i]
		for j := range p.Countermeasures {
			c := &p.Countermeasures[j]
			for _, s := range c.Standards {
				if s.Standard == standard {
					out[s.Clause] = append(out[s.Clause], ClauseServer{c.Ref, c.Title, p.Ref})
				}
			}
		}
	}
	return out
}

func standardHead(l *library.Library, s *library.Standard, use map[store.Use]int64) StandardHead {
	return StandardHead{
		Ref: s.Ref, Name: s.Name, Version: s.Version, URL: s.URL, Clauses: len(s.Clauses), Levels: slices.Concat([]int{}, s.Levels()),
		Served: len(serving(l, s.Ref)), Products: use[store.Use{Kind: store.UseStandard, Ref: s.Ref}],
	}
}

// Standards lists the library's standards by ref.
func (a *App) Standards(ctx context.Context, c Caller) (Page[StandardHead], error) {
	return query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (Page[StandardHead], error) {
		page, l := Page[StandardHead]{Items: []StandardHead{}}, a.Library()
		use, err := tx.LibraryUse()
		for i := range l.Standards {
			page.Items = append(page.Items, standardHead(l, &l.Standards[i], use))
		}
		return page, err
	})
}

// Standard shows a standard with its clauses.
func (a *App) Standard(ctx context.Context, c Caller, ref string) (StandardView, error) {
	return query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (StandardView, error) {
		l := a.Library()
		s := l.Standard(ref)
		if s == nil {
			return StandardView{}, notFound("standard", ref)
		}
		use, err := tx.LibraryUse()
		if err != nil {
			return StandardView{}, err
		}
		v := StandardView{StandardHead: standardHead(l, s, use), List: make([]StandardClause, 0, len(s.Clauses))}
		by := serving(l, ref)
		for _, one := range s.Clauses {
			v.List = append(v.List, StandardClause{one, slices.Concat([]ClauseServer{}, by[one.ID])})
		}
		return v, nil
	})
}

// applyStandards makes a product keep standards, and refuses what the library does
// not have; one that the product keeps already may stay.
func (a *App) applyStandards(p *model.Product, want []string) error {
	bad := fault.New(fault.Invalid, "product.standards", "not all of these standards can be applied")
	seen := map[string]bool{}
	for i, as := range want {
		where := fmt.Sprintf("body.standards[%d]", i)
		ref, level, ok := model.ParseStandard(as)
		s := a.Library().Standard(ref)
		switch {
		case !ok:
			bad.With(where, "%q is no standard; expected one as asvs-5.0, or asvs-5.0:2 for its level 2", as)
		case seen[ref]:
			bad.With(where, "%q is there twice; expected each standard once", ref)
		case slices.Contains(p.Standards, as):
		case s == nil:
			bad.With(where, "the library has no standard %q", ref)
		case level > 0 && !slices.Contains(s.Levels(), level):
			bad.With(where, "%s has no level %d; expected one of %v", ref, level, s.Levels())
		}
		seen[ref] = true
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	p.Standards = slices.Clone(want)
	return nil
}

// ProductStandards are the standards of a product with how far it keeps them.
type ProductStandards struct {
	Items   []ProductStandard `json:"items" doc:"Those that it keeps first, then those of which its countermeasures serve clauses, then the others"`
	Unknown []string          `json:"unknown" doc:"That the product keeps and the library does not have"`
	Version int64             `json:"version" doc:"Of the product; send it as If-Match when changing its standards"`
}

// ETag returns the version of the product.
func (v ProductStandards) ETag() int64 { return v.Version }

// ProductStandard is how far a product keeps a standard.
type ProductStandard struct {
	Standard string                  `json:"standard"`
	Name     string                  `json:"name"`
	Version  string                  `json:"version,omitempty"`
	Levels   []int                   `json:"levels"`
	Level    int                     `json:"level,omitempty" doc:"Up to which it is applied and counted; absent for all of it"`
	Applied  bool                    `json:"applied"`
	Counts   generate.CoverageTotals `json:"counts" doc:"Clauses per status"`
	Served   int                     `json:"served" doc:"Clauses that countermeasures of the product serve"`
}

// ProductStandards tells how far a product keeps the library's standards.
func (a *App) ProductStandards(ctx context.Context, c Caller, product model.ProductID) (ProductStandards, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (ProductStandards, error) {
		v := ProductStandards{Items: []ProductStandard{}, Unknown: []string{}}
		m, versions, err := tx.ReadModel(product)
		if err != nil {
			return v, err
		}
		v.Version = versions.Product
		stands, _, err := a.standing(tx, m, a.Now())
		if err != nil {
			return v, err
		}
		l, rank := a.Library(), func(s ProductStandard) int {
			switch {
			case s.Applied:
				return 0
			case s.Served > 0:
				return 1
			}
			return 2
		}
		for i := range l.Standards {
			s := &l.Standards[i]
			level := appliedLevel(&m.Product, s.Ref)
			cover := generate.Coverage(l, m, s.Ref, level, stands.verdicts)
			one := ProductStandard{Standard: s.Ref, Name: s.Name, Version: s.Version, Levels: slices.Concat([]int{}, s.Levels()), Level: level, Applied: cover.Applied, Counts: cover.Totals}
			for j := range cover.Clauses {
				if len(cover.Clauses[j].Countermeasures) > 0 {
					one.Served++
				}
			}
			v.Items = append(v.Items, one)
		}
		slices.SortStableFunc(v.Items, func(x, y ProductStandard) int { return rank(x) - rank(y) })
		for _, as := range m.Product.Standards {
			if ref, _, _ := model.ParseStandard(as); l.Standard(ref) == nil {
				v.Unknown = append(v.Unknown, as)
			}
		}
		return v, nil
	})
}

// appliedLevel is the level up to which a product keeps a standard; 0 is all of it, or not at all.
func appliedLevel(p *model.Product, standard string) int {
	for _, as := range p.Standards {
		if ref, level, _ := model.ParseStandard(as); ref == standard {
			return level
		}
	}
	return 0
}

// CoverageFilter selects clauses.
type CoverageFilter struct {
	Level    *int // up to this; nil is the one that is applied, 0 all
	Statuses []string
	Search   string
	Cursor   string
	Limit    int
}

// CoverageView is a page of the clauses of a standard with how far a product keeps them.
type CoverageView struct {
	Page[CoveredClause]
	Standard   string                  `json:"standard"`
	Name       string                  `json:"name"`
	Level      int                     `json:"level,omitempty" doc:"Clauses above it are left out"`
	Applied    bool                    `json:"applied"`
	Counts     generate.CoverageTotals `json:"counts" doc:"Of all clauses up to the level"`
	Total      int                     `json:"total" doc:"Clauses that the filter finds"`
	Undeclared []string                `json:"undeclared" doc:"Clauses that countermeasures of the product name and the standard does not have"`
}

// CoveredClause is a clause with what serves it in the product.
type CoveredClause struct {
	ID              string                  `json:"id"`
	Title           string                  `json:"title"`
	Level           int                     `json:"level,omitempty"`
	Status          generate.CoverageStatus `json:"status" enum:"gap,planned,implemented,proven,not-applicable" doc:"gap: nothing serves it, or only what is recommended or rejected. planned: required and not done, or said to be done and contradicted by evidence. implemented: said to be done. proven: shown by fresh evidence. not-applicable: a person said so of all that serves it"`
	Countermeasures []CoveringMeasure       `json:"countermeasures"`
	Library         []ClauseServer          `json:"library" doc:"Countermeasures of the library that serve it: what could fill a gap"`
}

// CoveringMeasure is a countermeasure of the product that serves a clause.
type CoveringMeasure struct {
	generate.CountermeasureCoverage
	WhereName string `json:"where_name"`
}

// Coverage tells clause by clause how far a product keeps a standard.
func (a *App) Coverage(ctx context.Context, c Caller, product model.ProductID, standard string, f CoverageFilter) (CoverageView, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (CoverageView, error) {
		m, _, err := tx.ReadModel(product)
		if err != nil {
			return CoverageView{}, err
		}
		l := a.Library()
		if l.Standard(standard) == nil {
			return CoverageView{}, notFound("standard", standard)
		}
		stands, _, err := a.standing(tx, m, a.Now())
		if err != nil {
			return CoverageView{}, err
		}
		level := appliedLevel(&m.Product, standard)
		if f.Level != nil {
			level = *f.Level
		}
		cover := generate.Coverage(l, m, standard, level, stands.verdicts)
		v := CoverageView{
			Standard: cover.Standard, Name: cover.Name, Level: level, Applied: cover.Applied, Counts: cover.Totals, Undeclared: slices.Concat([]string{}, cover.Undeclared),
		}
		names, by, words := elementNames(m), serving(l, standard), strings.Fields(store.Fold(f.Search))
		list := []CoveredClause{}
		for i := range cover.Clauses {
			k := &cover.Clauses[i]
			in := store.Fold(k.ID + " " + k.Title)
			if len(f.Statuses) > 0 && !slices.Contains(f.Statuses, string(k.Status)) || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(in, w) }) {
				continue
			}
			one := CoveredClause{ID: k.ID, Title: k.Title, Level: k.Level, Status: k.Status, Countermeasures: []CoveringMeasure{}, Library: slices.Concat([]ClauseServer{}, by[k.ID])}
			for _, m := range k.Countermeasures {
				one.Countermeasures = append(one.Countermeasures, CoveringMeasure{m, names[m.Where]})
			}
			list = append(list, one)
		}
		v.Total = len(list)
		v.Page, err = pageOf(list, f.Cursor, f.Limit)
		return v, err
	})
}

// pageOf cuts a page out of a list that has an order of its own.
func pageOf[T any](list []T, cursor string, limit int) (Page[T], error) {
	start := 0
	if cursor != "" {
		if err := decodeCursor(cursor, &start); err != nil {
			return Page[T]{}, err
		}
	}
	start = max(0, min(start, len(list)))
	end := min(start+clampLimit(limit), len(list))
	page := Page[T]{Items: slices.Concat([]T{}, list[start:end])}
	if end < len(list) {
		page.Next = encodeCursor(end)
	}
	return page, nil
}

// ComponentQuestions are the questions about a component with the answers, which are its attributes.
type ComponentQuestions struct {
	Component     model.ElementID  `json:"component"`
	Type          string           `json:"type,omitempty"`
	Questionnaire string           `json:"questionnaire,omitempty" doc:"Absent where the library asks nothing about components of the type"`
	Name          string           `json:"name,omitempty"`
	Groups        []ComponentGroup `json:"groups"`
	Progress      Progress         `json:"progress"`
	Version       int64            `json:"version" doc:"Of the component"`
}

// ETag returns the version of the component.
func (v ComponentQuestions) ETag() int64 { return v.Version }

// ComponentGroup is a group of questions that are to be asked.
type ComponentGroup struct {
	Ref       string              `json:"group"`
	Title     string              `json:"title"`
	Questions []ComponentQuestion `json:"questions"`
}

// ComponentQuestion is a question about a component.
type ComponentQuestion struct {
	Attribute string               `json:"attribute" doc:"The answer is this attribute of the component"`
	Title     string               `json:"title"`
	Help      string               `json:"help,omitempty"`
	Kind      library.QuestionKind `json:"kind" enum:"choice,yes_no,text"`
	Options   []library.Option     `json:"options" doc:"Of a choice"`
	Value     string               `json:"value,omitempty" doc:"What the component says; yes or no of yes_no"`
	Inherited string               `json:"inherited,omitempty" doc:"What is read while the component does not say: its type's"`
}

// ComponentQuestions shows what is to be asked about a component. It is answered
// by changing the component's attributes in the drawing.
func (a *App) ComponentQuestions(ctx context.Context, c Caller, product model.ProductID, id model.ElementID) (ComponentQuestions, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (ComponentQuestions, error) {
		v := ComponentQuestions{Component: id, Groups: []ComponentGroup{}}
		m, versions, err := tx.ReadModel(product)
		if err != nil {
			return v, err
		}
		i := slices.IndexFunc(m.Components, func(x model.Component) bool { return x.ID == id })
		if i < 0 {
			return v, notFound("component", string(id))
		}
		component, l := &m.Components[i], a.Library()
		v.Type, v.Version = component.Type, versions.Of(store.KindComponent, string(id))
		q := l.ComponentQuestionnaire(component.Type)
		if q == nil {
			return v, nil
		}
		v.Questionnaire, v.Name = q.Ref, q.Name
		groups, err := generate.ComponentQuestions(m, l, id)
		if err != nil {
			return v, err
		}
		inherited := l.Type(component.Type).Attributes
		for _, g := range groups {
			group := ComponentGroup{Ref: g.Ref, Title: g.Title, Questions: []ComponentQuestion{}}
			for _, one := range g.Questions {
				value := component.Attributes[one.Attribute]
				group.Questions = append(group.Questions, ComponentQuestion{
					Attribute: one.Attribute, Title: one.Title, Help: one.Help, Kind: one.Kind, Options: slices.Concat([]library.Option{}, one.Options),
					Value: value, Inherited: inherited[one.Attribute],
				})
				v.Progress.Total++
				if value != "" {
					v.Progress.Answered++
				}
			}
			v.Groups = append(v.Groups, group)
		}
		return v, nil
	})
}
