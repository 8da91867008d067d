package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// InstanceView is what an installation is and how much it takes.
type InstanceView struct {
	Version   string `json:"version"`
	Engine    string `json:"engine" enum:"sqlite,postgresql"`
	Library   string `json:"library" doc:"Name, version and content of the library that plans follow"`
	BaseURL   string `json:"base_url,omitempty" doc:"How people reach it; tickets link there"`
	Upload    int64  `json:"upload_limit" doc:"Largest report in bytes"`
	FreshDays int    `json:"fresh_days" doc:"How long a passing test verifies"`
}

// Instance shows what this installation is; the version is the caller's to add.
func (a *App) Instance(ctx context.Context, c Caller) (InstanceView, error) {
	if err := a.Check(ctx, c, policy.InstanceRead, ""); err != nil {
		return InstanceView{}, err
	}
	return InstanceView{Engine: a.DB.Engine(), Library: a.Library().Stamp(), BaseURL: a.BaseURL, Upload: a.Limit, FreshDays: int(a.Fresh.Hours() / 24)}, nil
}

// Check reports whether the caller may take the action on the product, or on the
// instance where product is "": nil, or the fault that says why not.
func (a *App) Check(ctx context.Context, c Caller, action policy.Action, product model.ProductID) error {
	_, err := query(ctx, a, c, action, product, func(*store.Tx) (struct{}, error) { return struct{}{}, nil })
	return err
}

// StreamProduct returns the product of a stream of Heads; "" is the instance's.
func StreamProduct(stream string) model.ProductID {
	id, _ := strings.CutPrefix(stream, store.ProductStream(""))
	if id == stream {
		return ""
	}
	return model.ProductID(id)
}

// Backup writes everything to a new file at path while the database is in use.
func (a *App) Backup(ctx context.Context, c Caller, path string) error {
	c.Key = "" // a file is not kept for repetitions
	if _, err := change(ctx, a, c, policy.BackupTake, "", Cause{}, func(ch *changing) (struct{}, error) {
		return struct{}{}, ch.record("backup.take", "instance", nil, nil)
	}); err != nil {
		return err
	}
	if err := a.DB.Backup(ctx, path); err != nil {
		return fmt.Errorf("app: backup: %w", err)
	}
	return nil
}

// LibraryView is the head of the library with its vocabulary.
type LibraryView struct {
	Ref            string              `json:"ref"`
	Name           string              `json:"name"`
	Version        string              `json:"version"`
	Description    string              `json:"description,omitempty"`
	Stamp          string              `json:"stamp" doc:"Names library, version and content; products show it as what they were generated from"`
	Digest         string              `json:"digest" doc:"SHA-256 of the content"`
	Tags           map[string]string   `json:"tags" doc:"Tags with their meaning"`
	Categories     map[string]string   `json:"categories" doc:"Categories of threats with their meaning"`
	Attributes     []library.Attribute `json:"attributes" doc:"What components and flows may say of themselves"`
	Types          int                 `json:"types"`
	Patterns       int                 `json:"patterns"`
	Rules          int                 `json:"rules"`
	Questionnaires int                 `json:"questionnaires"`
	Standards      int                 `json:"standards"`
	InForce        LibraryForce        `json:"in_force" doc:"The published version of the organisation's own layer, and whether all is well with it"`
}

// LibraryHead shows the library without its content.
func (a *App) LibraryHead(ctx context.Context, c Caller) (LibraryView, error) {
	return query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (LibraryView, error) {
		l := a.Library()
		return LibraryView{
			Standards: len(l.Standards), InForce: a.forceView(tx, c),
			Ref: l.Ref, Name: l.Name, Version: l.Version, Description: l.Description, Stamp: l.Stamp(), Digest: l.Digest,
			Tags: l.Tags, Categories: l.Categories, Attributes: l.Attributes,
			Types: len(l.Types), Patterns: len(l.Patterns), Rules: len(l.Rules), Questionnaires: len(l.Questionnaires),
		}, nil
	})
}

// ComponentTypes lists the library's component types by ref.
func (a *App) ComponentTypes(ctx context.Context, c Caller, cursor string, limit int) (Page[library.Type], error) {
	if err := a.Check(ctx, c, policy.LibraryRead, ""); err != nil {
		return Page[library.Type]{}, err
	}
	return paginate(a.Library().Types, func(t *library.Type) string { return t.Ref }, cursor, limit)
}

// PatternView is the head of a risk pattern.
type PatternView struct {
	Ref             string `json:"pattern"`
	Name            string `json:"name"`
	Description     string `json:"description,omitempty"`
	Threats         int    `json:"threats"`
	Weaknesses      int    `json:"weaknesses" doc:"Defined here; threats may use those of other patterns"`
	Countermeasures int    `json:"countermeasures" doc:"Defined here; threats may use those of other patterns"`
}

// Patterns lists the library's risk patterns by ref.
func (a *App) Patterns(ctx context.Context, c Caller, cursor string, limit int) (Page[PatternView], error) {
	if err := a.Check(ctx, c, policy.LibraryRead, ""); err != nil {
		return Page[PatternView]{}, err
	}
	views := make([]PatternView, 0, len(a.Library().Patterns))
	for _, p := range a.Library().Patterns {
		views = append(views, PatternView{Ref: p.Ref, Name: p.Name, Description: p.Description, Threats: len(p.Threats), Weaknesses: len(p.Weaknesses), Countermeasures: len(p.Countermeasures)})
	}
	return paginate(views, func(p *PatternView) string { return p.Ref }, cursor, limit)
}

// WholePattern is a risk pattern with what its threats use of other patterns.
type WholePattern struct {
	library.Pattern
	UsedWeaknesses      []library.Weakness       `json:"used_weaknesses,omitempty" doc:"Of other patterns, by ref"`
	UsedCountermeasures []library.Countermeasure `json:"used_countermeasures,omitempty" doc:"Of other patterns, by ref"`
}

// Pattern shows one risk pattern.
func (a *App) Pattern(ctx context.Context, c Caller, ref string) (WholePattern, error) {
	if err := a.Check(ctx, c, policy.LibraryRead, ""); err != nil {
		return WholePattern{}, err
	}
	l := a.Library()
	p := l.Pattern(ref)
	if p == nil {
		return WholePattern{}, notFound("pattern", ref)
	}
	weaknesses, countermeasures := map[string]*library.Weakness{}, map[string]*library.Countermeasure{}
	for _, t := range p.Threats {
		for _, w := range t.Weaknesses {
			weaknesses[w.Ref] = l.Weakness(w.Ref)
			for _, s := range w.Countermeasures {
				countermeasures[s.Ref] = l.Countermeasure(s.Ref)
			}
		}
	}
	for _, w := range p.Weaknesses {
		delete(weaknesses, w.Ref)
	}
	for _, m := range p.Countermeasures {
		delete(countermeasures, m.Ref)
	}
	v := WholePattern{Pattern: *p}
	for _, ref := range slices.Sorted(maps.Keys(weaknesses)) {
		if w := weaknesses[ref]; w != nil {
			v.UsedWeaknesses = append(v.UsedWeaknesses, *w)
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(countermeasures)) {
		if m := countermeasures[ref]; m != nil {
			v.UsedCountermeasures = append(v.UsedCountermeasures, *m)
		}
	}
	return v, nil
}

// QuestionnaireView is the head of a questionnaire.
type QuestionnaireView struct {
	Ref         string `json:"questionnaire"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Questions   int    `json:"questions"`
	Offered     int    `json:"offered,omitempty" doc:"Its place among the questionnaires that a new product may choose from, from 1; absent of one that is only a part of others"`
	// Types are those of a component questionnaire, which no product answers.
	Types []string `json:"types,omitempty" doc:"Component types that it asks about; absent of a questionnaire about products"`
}

// Questionnaires lists the library's questionnaires by ref.
func (a *App) Questionnaires(ctx context.Context, c Caller, cursor string, limit int) (Page[QuestionnaireView], error) {
	if err := a.Check(ctx, c, policy.LibraryRead, ""); err != nil {
		return Page[QuestionnaireView]{}, err
	}
	l := a.Library()
	views := make([]QuestionnaireView, 0, len(l.Questionnaires))
	offered := a.offered(l)
	for _, q := range l.Questionnaires {
		v := QuestionnaireView{Ref: q.Ref, Name: q.Name, Description: q.Description, Types: q.Types, Offered: 1 + slices.Index(offered, q.Ref)}
		for _, g := range q.Groups {
			v.Questions += len(g.Questions)
		}
		views = append(views, v)
	}
	return paginate(views, func(q *QuestionnaireView) string { return q.Ref }, cursor, limit)
}

// offered are the questionnaires that a new product may choose from: those that the
// head offers, and after them the organisation's own that are no part of others and
// that the head, written before them, does not name. None where the head names none.
func (a *App) offered(l *library.Library) []string {
	if len(l.Offer) == 0 {
		return nil
	}
	parts := map[string]bool{}
	for _, q := range l.Questionnaires {
		for _, ref := range q.Include {
			parts[ref] = true
		}
	}
	all := slices.Clone(l.Offer)
	for _, q := range l.Questionnaires {
		own := a.libraries.base.entry(library.EntryQuestionnaire, q.Ref) == nil && len(a.libraries.base.pieces) > 0
		if own && len(q.Types) == 0 && !parts[q.Ref] && !slices.Contains(all, q.Ref) {
			all = append(all, q.Ref)
		}
	}
	return all
}

// Questionnaire shows one questionnaire with its questions in the order in which they are asked.
func (a *App) Questionnaire(ctx context.Context, c Caller, ref string) (library.Questionnaire, error) {
	if err := a.Check(ctx, c, policy.LibraryRead, ""); err != nil {
		return library.Questionnaire{}, err
	}
	q := a.Library().Questionnaire(ref)
	if q == nil {
		return library.Questionnaire{}, notFound("questionnaire", ref)
	}
	return *q, nil
}
