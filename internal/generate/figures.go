package generate

import (
	"fmt"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// figures joins what rules say about the product: set, and raise above it.
type figures struct {
	said map[string]int
	why  map[string][]model.Why
}

func newFigures() *figures {
	return &figures{said: map[string]int{}, why: map[string][]model.Why{}}
}

// take joins what a rule says that fires.
func (f *figures) take(r *library.Rule, scope *library.Scope, why model.Why) error {
	for _, v := range []*library.Values{r.Set, r.Raise} {
		if v == nil {
			continue
		}
		for _, figure := range []struct {
			name string
			e    *library.Expr
		}{{"exposure", v.Exposure}, {"confidentiality", v.Confidentiality}, {"integrity", v.Integrity}, {"availability", v.Availability}} {
			if figure.e == nil {
				continue
			}
			name := figure.name
			value, err := figure.e.Eval(scope)
			if err != nil {
				return evaluation(r, model.AtProduct, err)
			}
			n, ok := value.(int64)
			if !ok || n < 0 || n > 100 {
				return evaluation(r, model.AtProduct, fmt.Errorf("%s is %v, expected 0 to 100", name, value))
			}
			// Two rules that set it say the same, or one of them does not fire: the largest is also what was set.
			f.said[name] = max(f.said[name], int(n))
			f.why[name] = append(f.why[name], why)
		}
	}
	return nil
}

func (f *figures) exposure() *Setting[int] {
	if len(f.why["exposure"]) == 0 {
		return nil
	}
	return &Setting[int]{Value: f.said["exposure"], Why: ordered(f.why["exposure"])}
}

// value is nil where no rule says anything; a property that no rule speaks of is unknown.
func (f *figures) value() *Setting[model.CIA] {
	var all reasons
	one := func(name string) int {
		if len(f.why[name]) == 0 {
			return unknown
		}
		for _, why := range f.why[name] {
			all.because(why)
		}
		return f.said[name]
	}
	v := model.CIA{Confidentiality: one("confidentiality"), Integrity: one("integrity"), Availability: one("availability")}
	if len(all) == 0 {
		return nil
	}
	return &Setting[model.CIA]{Value: v, Why: ordered(all)}
}
