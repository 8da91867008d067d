package library

import (
	"testing"

	starter "github.com/threatloop/threatloop/library"
)

// TestLoadForgets: a loaded library holds no syntax trees, only what evaluates them.
func TestLoadForgets(t *testing.T) {
	t.Parallel()
	l, err := Load(starter.Files)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	check := func(what string, e *Expr) {
		if e == nil || e.constant != nil {
			return
		}
		if seen++; e.program == nil || e.parsed != nil || e.checked != nil || e.locate != nil {
			t.Errorf("%s: %q has program %t, syntax %t and %t, places %t; want the program alone", what, e.Source, e.program != nil, e.parsed != nil, e.checked != nil, e.locate != nil)
		}
	}
	for _, rule := range l.Rules {
		for _, e := range rule.exprs() {
			check("rule "+rule.Ref, e)
		}
	}
	for i := range l.Questionnaires {
		for _, g := range l.Questionnaires[i].Groups {
			for j := range g.Questions {
				check("question "+g.Questions[j].Ref, g.Questions[j].When)
			}
		}
	}
	if seen < 300 {
		t.Errorf("%d expressions were looked at, want those of all rules and questions", seen)
	}
}
