package iriusrisk

import (
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// action adds what an action does to the effects, and reports whether it is
// understood. Questions are: they become questionnaires.
func (c *converter) action(target string, a step, effects *[]*effect) bool {
	name, at := a.name, ""
	for suffix, end := range map[string]string{"_ORIGIN": "source", "_DESTINATION": "target"} {
		if rest, ok := strings.CutSuffix(name, suffix); ok && target == "flow" {
			name, at = rest, end
		}
	}
	here := func() *effect {
		for _, e := range *effects {
			if e.at == at {
				return e
			}
		}
		*effects = append(*effects, &effect{at: at})
		return (*effects)[len(*effects)-1]
	}
	switch name {
	case "INSERT_QUESTION_GROUP", "INSERT_QUESTION":
		return target == "product" || c.asks(a, false)
	case "INSERT_COMPONENT_QUESTION_GROUP", "INSERT_COMPONENT_QUESTION":
		return target == "component" || c.asks(a, true)
	case "IMPORT_RISK_PATTERN", "IMPORT_SPECIFIC_UC", "IMPORT_SPECIFIC_RISK":
		a.name = name
		refs := c.patternsOf(a)
		for _, ref := range refs {
			add(&here().apply, ref)
		}
		return len(refs) > 0
	case "APPLY_CONTROL":
		ref := c.countermeasureOf(a)
		if ref != "" {
			add(&here().require, ref)
		}
		return ref != ""
	case "MARK_CONTROL_AS":
		ref, state := c.countermeasureOf(a), states[reading.Letters(a.part(1))]
		switch {
		case ref == "":
		case state == model.Required:
			add(&here().require, ref)
			return true
		case state == model.Recommended:
			add(&here().recommend, ref)
			return true
		}
	case "INSERT_CONCLUSION", "INSERT_COMPONENT_CONCLUSION":
		component := name == "INSERT_COMPONENT_CONCLUSION"
		if fact := c.book.facts[kindOf(component)+a.part(1)]; fact != "" && at == "" && (component && target == "component" || !component && target == "product") {
			add(&here().facts, fact)
			return true
		}
	}
	return false
}

// asks reports whether the question of an action is asked by some questionnaire.
func (c *converter) asks(a step, component bool) bool {
	return c.book.byGroup[kindOf(component)+a.part(0)] != nil || c.book.byAnswer[kindOf(component)+a.part(0)] != nil
}

// patternsOf returns the patterns that an import brings, none where it names what is not here.
func (c *converter) patternsOf(a step) []string {
	p := c.own(a)
	if p == nil {
		if base := c.opts.Base; base != nil && a.name == "IMPORT_RISK_PATTERN" && base.Pattern(model.Slug(a.part(1))) != nil {
			return []string{model.Slug(a.part(1))}
		}
		return nil
	}
	switch a.name {
	case "IMPORT_RISK_PATTERN":
		return p.refsOf()
	case "IMPORT_SPECIFIC_UC":
		var refs []string
		for _, part := range p.parts {
			if part.useCase == a.part(2) {
				refs = append(refs, part.ref)
			}
		}
		return refs
	}
	for _, part := range p.parts {
		if len(part.threats) == 1 && part.threats[0].useCase == a.part(2) && part.threats[0].id == a.part(3) {
			return []string{part.ref}
		}
	}
	return nil
}

// countermeasureOf returns the countermeasure that an action names, here or in the base.
func (c *converter) countermeasureOf(a step) string {
	if a.project == "" || strings.EqualFold(a.project, c.root.Attr("ref")) {
		if ref, ok := c.refOf(nil, "countermeasure", a.part(0)); ok {
			return ref
		}
	}
	if base := c.opts.Base; base != nil && base.Countermeasure(model.Slug(a.part(0))) != nil {
		return model.Slug(a.part(0))
	}
	return ""
}
