package app

import (
	"regexp"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// usedBy lists the entries of a library that go by one of them, by kind and ref.
func usedBy(l *library.Library, kind, ref string) []EntryUse {
	out := []EntryUse{}
	add := func(kind, ref, title, how string, does bool) {
		if does {
			out = append(out, EntryUse{kind, ref, title, how})
		}
	}
	rule := func(r *library.Rule, how string, does bool) { add(library.EntryRule, r.Ref, r.Title, how, does) }
	switch kind {
	case library.EntryType:
		for _, r := range l.Rules {
			rule(r, "for", slices.Contains(r.Types, ref))
		}
		for i := range l.Questionnaires {
			q := &l.Questionnaires[i]
			add(library.EntryQuestionnaire, q.Ref, q.Name, "for", slices.Contains(q.Types, ref))
		}
	case library.EntryPattern:
		for i := range l.Types {
			t := &l.Types[i]
			add(library.EntryType, t.Ref, t.Name, "brings", slices.Contains(t.Patterns, ref))
		}
		has := defined(l.Pattern(ref))
		for i := range l.Patterns {
			p := &l.Patterns[i]
			add(library.EntryPattern, p.Ref, p.Name, "uses", p.Ref != ref && uses(p, has))
		}
		for _, r := range l.Rules {
			rule(r, "brings", slices.Contains(r.Apply, ref))
			rule(r, "uses", slices.ContainsFunc(slices.Concat(r.Require, r.Recommend), func(c string) bool { return has["countermeasure "+c] }))
		}
	case library.EntryRule:
		i := slices.IndexFunc(l.Rules, func(r *library.Rule) bool { return r.Ref == ref })
		if i < 0 {
			break
		}
		var facts []string
		for _, c := range l.Rules[i].Conclude {
			facts = append(facts, c.Fact)
		}
		reads := readsAny("facts", facts)
		for _, r := range l.Rules {
			rule(r, "reads", r.Ref != ref && reads(r))
		}
	case library.EntryQuestionnaire:
		q := l.Questionnaire(ref)
		if q == nil {
			break
		}
		var asked []string
		for _, g := range q.Groups {
			for _, one := range g.Questions {
				asked = append(asked, one.Ref)
			}
		}
		for i := range l.Questionnaires {
			other := &l.Questionnaires[i]
			add(library.EntryQuestionnaire, other.Ref, other.Name, "includes", slices.Contains(other.Include, ref))
		}
		if len(q.Types) > 0 {
			break // its answers are attributes, which belong to nobody
		}
		reads := readsAny("answers", asked)
		for _, r := range l.Rules {
			rule(r, "asks", slices.ContainsFunc(r.Ask, func(question string) bool { return slices.Contains(asked, question) }))
			rule(r, "reads", reads(r))
		}
	case library.EntryStandard:
		for i := range l.Patterns {
			p := &l.Patterns[i]
			add(library.EntryPattern, p.Ref, p.Name, "serves", slices.ContainsFunc(p.Countermeasures, func(c library.Countermeasure) bool {
				return slices.ContainsFunc(c.Standards, func(s model.Clause) bool { return s.Standard == ref })
			}))
		}
	}
	return out
}

// named lists the entries of a library that one of them goes by: what usedBy tells,
// from the other side, but for the rules whose facts it reads.
func named(l *library.Library, kind, ref string) []EntryUse {
	out := []EntryUse{}
	look := func(of, by, title string) {
		for _, u := range usedBy(l, of, by) {
			if u.Kind == kind && u.Ref == ref {
				out = append(out, EntryUse{of, by, title, u.How})
			}
		}
	}
	if kind == library.EntryRule || kind == library.EntryQuestionnaire {
		for i := range l.Types {
			look(library.EntryType, l.Types[i].Ref, l.Types[i].Name)
		}
		for i := range l.Questionnaires {
			look(library.EntryQuestionnaire, l.Questionnaires[i].Ref, l.Questionnaires[i].Name)
		}
	}
	for i := range l.Patterns {
		look(library.EntryPattern, l.Patterns[i].Ref, l.Patterns[i].Name)
	}
	if kind == library.EntryPattern {
		for i := range l.Standards {
			look(library.EntryStandard, l.Standards[i].Ref, l.Standards[i].Name)
		}
	}
	return out
}

// defined are the weaknesses and countermeasures that a pattern defines, as "weakness REF"; nil has none.
func defined(p *library.Pattern) map[string]bool {
	has := map[string]bool{}
	if p == nil {
		return has
	}
	for i := range p.Weaknesses {
		has["weakness "+p.Weaknesses[i].Ref] = true
	}
	for i := range p.Countermeasures {
		has["countermeasure "+p.Countermeasures[i].Ref] = true
	}
	return has
}

// uses tells whether the threats of a pattern name one of what another defines.
func uses(p *library.Pattern, has map[string]bool) bool {
	for i := range p.Threats {
		for _, w := range p.Threats[i].Weaknesses {
			if has["weakness "+w.Ref] || slices.ContainsFunc(w.Countermeasures, func(s library.Share) bool { return has["countermeasure "+s.Ref] }) {
				return true
			}
		}
	}
	return false
}

// readsAny returns what tells whether an expression of a rule reads one of the fields of a variable.
func readsAny(variable string, fields []string) func(*library.Rule) bool {
	if len(fields) == 0 {
		return func(*library.Rule) bool { return false }
	}
	for i := range fields {
		fields[i] = regexp.QuoteMeta(fields[i])
	}
	reads := regexp.MustCompile(`\b` + variable + `\.(` + strings.Join(fields, "|") + `)\b`)
	return func(r *library.Rule) bool {
		all := []*library.Expr{r.When}
		for i := range r.Conclude {
			all = append(all, r.Conclude[i].Value)
		}
		for _, v := range []*library.Values{r.Set, r.Raise} {
			if v != nil {
				all = append(all, v.Exposure, v.Confidentiality, v.Integrity, v.Availability)
			}
		}
		return slices.ContainsFunc(all, func(e *library.Expr) bool { return e != nil && reads.MatchString(e.Source) })
	}
}
