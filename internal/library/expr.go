package library

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/threatloop/threatloop/internal/model"
)

// Costs in CEL's units (about one per comparison) after which a run stops. Rules
// of the product may walk over all elements, others see one.
const (
	elementCost = 100_000
	productCost = 10_000_000
)

// Expr is a CEL expression of a library, or a plain value in its place.
type Expr struct {
	Source string
	At     Position

	constant any // bool, int64, float64 or string where the file holds a plain value
	program  cel.Program
	typ      *cel.Type
	reads    []read
	fields   map[string]map[string]field

	// For the checks at load; see forget.
	locate  func(line, column int) Position
	parsed  *cel.Ast
	checked *celast.AST
}

// MarshalJSON writes the source.
func (e *Expr) MarshalJSON() ([]byte, error) { return json.Marshal(e.Source) }

// Eval returns the value in the scope: bool, int64, float64 or string. The error
// does not name the rule.
func (e *Expr) Eval(s *Scope) (any, error) {
	if e.constant != nil {
		return e.constant, nil
	}
	out, _, err := e.program.Eval(s)
	if err != nil {
		return nil, err
	}
	return out.Value(), nil
}

// Holds returns the value of a condition; a nil condition holds.
func (e *Expr) Holds(s *Scope) (bool, error) {
	if e == nil {
		return true, nil
	}
	v, err := e.Eval(s)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("is %T, not bool", v)
	}
	return b, nil
}

// Facts returns what the expression looks at, with the values in the scope, in order of names.
func (e *Expr) Facts(s *Scope) []model.Fact {
	if e == nil || len(e.reads) == 0 {
		return nil
	}
	facts := make([]model.Fact, 0, len(e.reads))
	for _, path := range e.reads {
		if value, ok := e.resolve(s, path.steps); ok {
			facts = append(facts, model.Fact{Name: path.name, Value: value})
		}
	}
	return facts
}

func (e *Expr) resolve(s *Scope, path []string) (string, bool) {
	v, ok := s.ResolveName(path[0])
	for _, step := range path[1:] {
		typ := typeOf(v)
		if !ok || typ == nil {
			return "", false
		}
		f, known := e.fields[typ.TypeName()][step]
		if !known {
			return "", false
		}
		v = f.get(v)
	}
	return s.format(path[0], v), ok
}

// FormatValue writes a value as CEL does: text in quotes, lists in brackets.
func FormatValue(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case map[string]string:
		parts := []string{}
		for _, k := range keysOf(v) {
			parts = append(parts, strconv.Quote(k)+": "+strconv.Quote(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case Attributes:
		return FormatValue(map[string]string(v))
	case *Component:
		return strconv.Quote(v.ID)
	case *Flow:
		return strconv.Quote(v.ID)
	case *Zone:
		return strconv.Quote(v.ID)
	case *model.CIA:
		return fmt.Sprintf("{%d, %d, %d}", v.Confidentiality, v.Integrity, v.Availability)
	case traits.Lister:
		parts := []string{}
		for i := range int64(v.Size().(types.Int)) {
			parts = append(parts, FormatValue(v.Get(types.Int(i)).Value()))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case ref.Val:
		return FormatValue(v.Value())
	}
	return fmt.Sprint(v)
}

// environment compiles the expressions of one library.
type environment struct {
	fields map[string]map[string]field
	envs   map[Target]*cel.Env
	roots  map[Target]map[string]string // variable -> object type, "" for lists
}

// The conditions of questions are no rules and see less.
const (
	ForQuestion          Target = "question"           // a question of the product
	ForComponentQuestion Target = "component-question" // a question about a component
)

func newEnvironment() (*environment, error) {
	e := &environment{fields: fixedFields(), envs: map[Target]*cel.Env{}, roots: map[Target]map[string]string{
		ForQuestion:          {"answers": answersType},
		ForComponentQuestion: {"answers": answersType, "product": productType, "component": componentType, "zone": zoneType},
		ForProduct:           {"answers": answersType, "product": productType, "facts": factsType(ForProduct), "components": "", "flows": ""},
		ForComponent:         {"answers": answersType, "product": productType, "facts": factsType(ForComponent), "component": componentType, "zone": zoneType},
		ForFlow:              {"answers": answersType, "product": productType, "facts": factsType(ForFlow), "flow": flowType},
	}}
	for _, name := range []string{answersType, attributesType, factsType(""), factsType(ForProduct), factsType(ForComponent), factsType(ForFlow)} {
		e.fields[name] = map[string]field{}
	}
	registry := types.NewEmptyRegistry()
	for target, roots := range e.roots {
		opts := []cel.EnvOption{
			cel.CustomTypeProvider(&provider{Provider: registry, fields: e.fields}),
			cel.CustomTypeAdapter(adapter{registry}),
			cel.CrossTypeNumericComparisons(true),
			cel.ParserExpressionSizeLimit(10_000),
			cel.ParserRecursionLimit(50),
		}
		for _, name := range keysOf(roots) {
			typ := cel.ObjectType(roots[name])
			switch name {
			case "components":
				typ = cel.ListType(cel.ObjectType(componentType))
			case "flows":
				typ = cel.ListType(cel.ObjectType(flowType))
			}
			opts = append(opts, cel.Variable(name, typ))
		}
		env, err := cel.NewEnv(opts...)
		if err != nil {
			return nil, fmt.Errorf("library: expressions for %s: %w", target, err)
		}
		e.envs[target] = env
	}
	return e, nil
}

// parse checks the syntax only, so that the reads are known before the types are.
func (v *environment) parse(e *Expr, t Target, p *problems) bool {
	if e == nil || e.constant != nil {
		return e != nil
	}
	parsed, issues := v.envs[t].Parse(e.Source)
	if issues.Err() != nil {
		for _, m := range unparsed(e.Source, issues) {
			line, column := lineOf([]rune(e.Source), m.at)
			p.add(e.locate(line, column), "%s", m.text)
		}
		return false
	}
	e.parsed, e.fields = parsed, v.fields
	e.reads = reads(parsed.NativeRep().Expr(), v.roots[t])
	return true
}

// check type-checks what parse has read and prepares it for evaluation. Want nil takes any plain type.
func (v *environment) check(e *Expr, t Target, what string, want *cel.Type, p *problems) bool {
	if e.parsed == nil {
		return false
	}
	checked, issues := v.envs[t].Check(e.parsed)
	if issues.Err() != nil {
		v.explainer(e, t).problems(issues, p)
		return false
	}
	out := checked.OutputType()
	switch {
	case want != nil && !out.IsExactType(want):
		shown := v.explainer(e, t).show(e.parsed.NativeRep().Expr().ID())
		hint := ""
		if want.IsExactType(cel.BoolType) {
			hint = asked(shown, out.String())
		}
		p.add(e.At, "%s: expected %s, found %s%s", what, kindName(want.String()), kindName(out.String()), hint)
		return false
	case want == nil && !slices.ContainsFunc([]*cel.Type{cel.BoolType, cel.IntType, cel.DoubleType, cel.StringType}, out.IsExactType):
		p.add(e.At, "%s: expected true or false, a number or text, found %s", what, kindName(out.String()))
		return false
	}
	if !e.badPatterns(p) {
		return false
	}
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	switch {
	case !costly(checked.NativeRep().Expr()):
	case t == ForProduct:
		opts = append(opts, cel.CostLimit(productCost))
	default:
		opts = append(opts, cel.CostLimit(elementCost))
	}
	program, err := v.envs[t].Program(checked, opts...)
	if err != nil {
		p.add(e.At, "%s: %s", what, err)
		return false
	}
	e.checked, e.program, e.typ = checked.NativeRep(), program, out
	return true
}

// costly tells whether a run may cost more than the expression is long, times the
// elements of the model at most: it loops in a loop, over something made, or calls something besides the
// operators. Counting costs doubles the time of all others.
func costly(root celast.Expr) bool {
	found := false
	celast.PreOrderVisit(root, celast.NewExprVisitor(func(e celast.Expr) {
		switch e.Kind() {
		case celast.ComprehensionKind:
			c := e.AsComprehension()
			found = found || c.IterRange().Kind() != celast.IdentKind || loops(c.LoopStep()) || loops(c.LoopCondition())
		case celast.CallKind:
			name := e.AsCall().FunctionName()
			_, operator := operators.FindReverse(name)
			found = found || !operator && name != operators.NotStrictlyFalse || name == operators.Add || name == operators.Multiply
		}
	}))
	return found
}

func loops(root celast.Expr) bool {
	found := false
	celast.PreOrderVisit(root, celast.NewExprVisitor(func(e celast.Expr) { found = found || e.Kind() == celast.ComprehensionKind }))
	return found
}

func between(s, before, after string) (string, bool) {
	_, s, ok := strings.Cut(s, before)
	if !ok {
		return "", false
	}
	s, _, ok = strings.Cut(s, after)
	return s, ok
}

// owner returns the type of the object whose field the select expression with the id names, where it hangs on a variable.
func (v *environment) owner(a *celast.AST, id int64, t Target) string {
	owner := ""
	celast.PreOrderVisit(a.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.ID() != id || e.Kind() != celast.SelectKind {
			return
		}
		path := selection(e.AsSelect().Operand())
		if len(path) == 0 {
			return
		}
		owner = v.roots[t][path[0]]
		for _, step := range path[1:] {
			f, ok := v.fields[owner][step]
			if !ok {
				owner = ""
				return
			}
			owner = f.typ.TypeName()
		}
	}))
	if _, ours := v.fields[owner]; !ours {
		return ""
	}
	return owner
}

// selection returns the names of a chain of selections, variable first; nil for anything else.
func selection(e celast.Expr) []string {
	switch e.Kind() {
	case celast.IdentKind:
		return []string{e.AsIdent()}
	case celast.SelectKind:
		if path := selection(e.AsSelect().Operand()); path != nil {
			return append(path, e.AsSelect().FieldName())
		}
	}
	return nil
}

// read is a chain of selections on a variable, and its name in one piece.
type read struct {
	steps []string
	name  string
}

// reads returns what an expression reads, sorted, each once.
func reads(root celast.Expr, roots map[string]string) []read {
	var paths [][]string
	var visit func(e celast.Expr, bound map[string]bool)
	visit = func(e celast.Expr, bound map[string]bool) {
		switch e.Kind() {
		case celast.SelectKind:
			path := selection(e)
			if path == nil {
				visit(e.AsSelect().Operand(), bound)
			} else if _, known := roots[path[0]]; known && !bound[path[0]] {
				paths = append(paths, path)
			}
		case celast.IdentKind:
			if _, known := roots[e.AsIdent()]; known && !bound[e.AsIdent()] {
				paths = append(paths, []string{e.AsIdent()})
			}
		case celast.CallKind:
			c := e.AsCall()
			if c.IsMemberFunction() {
				visit(c.Target(), bound)
			}
			for _, a := range c.Args() {
				visit(a, bound)
			}
		case celast.ListKind:
			for _, el := range e.AsList().Elements() {
				visit(el, bound)
			}
		case celast.MapKind:
			for _, entry := range e.AsMap().Entries() {
				visit(entry.AsMapEntry().Key(), bound)
				visit(entry.AsMapEntry().Value(), bound)
			}
		case celast.StructKind:
			for _, f := range e.AsStruct().Fields() {
				visit(f.AsStructField().Value(), bound)
			}
		case celast.ComprehensionKind:
			c := e.AsComprehension()
			visit(c.IterRange(), bound)
			visit(c.AccuInit(), bound)
			inner := map[string]bool{c.IterVar(): true, c.IterVar2(): true, c.AccuVar(): true}
			for name := range bound {
				inner[name] = true
			}
			visit(c.LoopCondition(), inner)
			visit(c.LoopStep(), inner)
			visit(c.Result(), inner)
		}
	}
	visit(root, nil)
	slices.SortFunc(paths, slices.Compare)
	var all []read
	for _, path := range slices.CompactFunc(paths, slices.Equal) {
		all = append(all, read{path, strings.Join(path, ".")})
	}
	return all
}
