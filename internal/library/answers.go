package library

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// Answers are a product's answers as expressions see them.
type Answers struct{ values map[string]any }

// AnswerProblem is an answer that the library cannot take; it reads as unanswered.
type AnswerProblem struct {
	Question string
	Text     string
}

// Answered tells whether the question has an answer that counts.
func (a *Answers) Answered(question string) bool { return a.values[question] != nil }

// ReadAnswers types the answers by the library's questions. An answer to a
// question whose condition does not hold is not read; an answer to an unknown question
// or with an unknown option is not read either and reported, in order of questions.
// The error is that of a condition that cannot be evaluated.
func (l *Library) ReadAnswers(given []model.Answer) (*Answers, []AnswerProblem, error) {
	a := &Answers{values: map[string]any{}}
	var problems []AnswerProblem
	values := map[string][]string{}
	for _, one := range given {
		if l.questions[one.Question] == nil {
			problems = append(problems, AnswerProblem{one.Question, "the library has no such question" + nearest(one.Question, keysOf(l.questions))})
			continue
		}
		values[one.Question] = one.Values
	}
	scope := &Scope{Answers: a}
	for _, q := range l.inOrder() {
		if len(values[q.Ref]) == 0 {
			continue
		}
		shown, err := q.When.Holds(scope)
		if err != nil {
			return nil, nil, fmt.Errorf("condition of question %s at %s: %w", q.Ref, q.At, err)
		}
		if !shown {
			continue
		}
		value, text := q.read(values[q.Ref])
		if text != "" {
			problems = append(problems, AnswerProblem{q.Ref, "the answer " + text})
			continue
		}
		a.values[q.Ref] = value
	}
	slices.SortFunc(problems, func(a, b AnswerProblem) int { return compareText(a.Question, b.Question) })
	return a, problems, nil
}

// Shown tells whether a question is to be asked: its condition holds and it does not wait for a rule.
func (l *Library) Shown(q *Question, a *Answers) (bool, error) {
	if q.Asked {
		return false, nil
	}
	return q.When.Holds(&Scope{Answers: a})
}

// inOrder returns the questions so that conditions read what is already answered.
func (l *Library) inOrder() []*Question {
	all := make([]*Question, 0, len(l.questions))
	for _, ref := range keysOf(l.questions) {
		all = append(all, l.questions[ref])
	}
	slices.SortStableFunc(all, func(a, b *Question) int { return a.level - b.level })
	return all
}

// read types an answer; text says what is wrong with it.
func (q *Question) read(values []string) (value any, text string) {
	if q.Kind != Choices && len(values) != 1 {
		return nil, "has several values, the question takes one"
	}
	for _, v := range values {
		if text := q.refuses(v); text != "" {
			return nil, text
		}
	}
	switch q.Kind {
	case YesNo:
		return values[0] == "yes" || values[0] == "true", ""
	case Number:
		f, _ := strconv.ParseFloat(values[0], 64)
		return f, ""
	case Choices:
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		return texts(slices.Compact(sorted)), ""
	}
	return values[0], ""
}

// refuses says why a value is no answer; "" when it is one.
func (q *Question) refuses(v string) string {
	switch q.Kind {
	case YesNo:
		if !slices.Contains([]string{"yes", "no", "true", "false"}, v) {
			return fmt.Sprintf("%q is neither yes nor no", v)
		}
	case Number:
		if f, err := strconv.ParseFloat(v, 64); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Sprintf("%q is no number", v)
		}
	case Choice, Choices:
		var options []string
		for _, o := range q.Options {
			options = append(options, o.Ref)
		}
		if !slices.Contains(options, v) {
			return fmt.Sprintf("%q is no option of the question%s", v, nearest(v, options))
		}
	}
	return ""
}

func compareText(a, b string) int { return strings.Compare(a, b) }
