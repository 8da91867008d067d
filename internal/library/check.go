package library

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// order parses the rules' expressions and gives each rule its level: above every
// rule that concludes what it reads. Circles are refused; it tells whether there is none.
func (r *raw) order(p *problems) bool {
	makers := map[string][]string{}
	add := func(name, rule string) { makers[name] = append(makers[name], rule) }
	byRef := map[string]*Rule{}
	for _, rule := range r.Rules {
		byRef[rule.Ref] = rule
		for _, c := range rule.Conclude {
			add("facts."+c.Fact, rule.Ref)
		}
		if rule.Set != nil || rule.Raise != nil {
			add("product", rule.Ref)
		}
	}
	edges := map[string][]string{}
	for _, rule := range r.Rules {
		if rule.For == "" {
			continue
		}
		for _, e := range rule.exprs() {
			if !r.env.parse(e, rule.For, p) {
				continue
			}
			for _, path := range e.reads {
				for _, name := range dependsOn(path.steps) {
					edges[rule.Ref] = append(edges[rule.Ref], makers[name]...)
				}
			}
		}
	}
	levels, circle := levels(keysOf(byRef), edges)
	if circle != nil {
		quoted := make([]string, len(circle))
		for i, ref := range circle {
			quoted[i] = strconv.Quote(ref)
		}
		p.add(byRef[circle[0]].Position, "rules go round in a circle, each reads what another concludes: %s", strings.Join(quoted, " -> "))
	}
	for _, rule := range r.Rules {
		rule.Level = levels[rule.Ref]
	}
	return circle == nil
}

// dependsOn names what must be concluded before the path is read: a fact, or the
// product's value and exposure, which elements without assets take over.
func dependsOn(path []string) []string {
	switch path[0] {
	case "facts":
		if len(path) > 1 {
			return []string{"facts." + path[1]}
		}
	case "components", "flows":
		return []string{"product"}
	case "product":
		if len(path) > 1 && (path[1] == "value" || path[1] == "exposure") {
			return []string{"product"}
		}
	}
	return nil
}

// exprs returns the rule's expressions.
func (r *Rule) exprs() []*Expr {
	var all []*Expr
	if r.When != nil {
		all = append(all, r.When)
	}
	for _, c := range r.Conclude {
		all = append(all, c.Value)
	}
	for _, v := range []*Values{r.Set, r.Raise} {
		v.each(func(_ string, e *Expr) { all = append(all, e) })
	}
	return all
}

// levels returns for each node the length of its longest chain of edges, and a
// circle in order of its edges if there is one.
func levels(nodes []string, edges map[string][]string) (map[string]int, []string) {
	level := map[string]int{}
	var circle, path []string
	var visit func(n string) int
	visit = func(n string) int {
		if l, done := level[n]; done {
			return l
		}
		if i := slices.Index(path, n); i >= 0 {
			if circle == nil {
				circle = append(slices.Clone(path[i:]), n)
			}
			return 0
		}
		path = append(path, n)
		l := 0
		for _, next := range slices.Compact(slices.Sorted(slices.Values(edges[n]))) {
			l = max(l, visit(next)+1)
		}
		path = path[:len(path)-1]
		level[n] = l
		return l
	}
	for _, n := range nodes {
		visit(n)
	}
	return level, circle
}

// conflicts refuses two rules that set one thing to different values and do not
// visibly exclude each other.
func (r *raw) conflicts(p *problems) {
	type setting struct {
		rule *Rule
		e    *Expr
		at   Position
	}
	settings := map[string][]setting{}
	for _, rule := range r.Rules {
		for _, c := range rule.Conclude {
			settings["fact "+c.Fact] = append(settings["fact "+c.Fact], setting{rule, c.Value, c.At})
		}
		rule.Set.each(func(name string, e *Expr) {
			settings[name] = append(settings[name], setting{rule, e, e.At})
		})
	}
	for _, name := range keysOf(settings) {
		list := settings[name]
		slices.SortFunc(list, func(a, b setting) int { return cmp.Compare(a.rule.Ref, b.rule.Ref) })
		for i, b := range list {
			for _, a := range list[:i] {
				if a.rule != b.rule && a.e.Source != b.e.Source && !exclusive(a.rule, b.rule) {
					p.add(b.at, "rules %q and %q set %s to different values (%s, %s) and can both fire", a.rule.Ref, b.rule.Ref, name, a.e.Source, b.e.Source)
				}
			}
		}
	}
}

// warn lists patterns that no type and no rule brings, and rules without a firing or a silent test.
func (r *raw) warn() {
	brought := map[string]bool{}
	for _, t := range r.Types {
		for _, ref := range t.Patterns {
			brought[ref] = true
		}
	}
	for _, rule := range r.Rules {
		for _, ref := range rule.Apply {
			brought[ref] = true
		}
	}
	for _, p := range r.Patterns {
		if !brought[p.Ref] {
			r.Warnings = append(r.Warnings, Warning{p.At, fmt.Sprintf("pattern %q is brought by no rule and no component type", p.Ref)})
		}
	}
}
