package library_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/library"
)

// mistakes are expressions as people type them who do not know CEL, and what they are told.
var mistakes = []struct {
	source string
	want   []string // "line:column text"
}{
	// Signs and words of other languages.
	{`answers.reach = 'internet'`, []string{`1:15 "=" is no operator; write == to compare`}},
	{`answers.reach === 'internet'`, []string{`1:15 "===" is no operator; write ==`}},
	{`answers.reach <> 'internet'`, []string{`1:15 "<>" is no operator; write != for “is not”`}},
	{`answers.reach == 'internet' & true`, []string{`1:29 "&" is no operator; write &&`}},
	{`answers.reach == 'internet' and true`, []string{`1:29 "and" is written && here`}},
	{`answers.reach == 'internet' OR true`, []string{`1:29 "OR" is written || here`}},
	{`not true`, []string{`1:1 "not" is written ! here, and around more than a name with brackets: !(a == b)`}},
	{`answers.reach is 'internet'`, []string{`1:15 "is" is written == here`}},
	{`answers.reach is not 'internet'`, []string{`1:15 "is not" is written != here`}},
	{`answers.reach like 'in%'`, []string{`1:15 "like" is no operator; a part of a text is asked for with .contains('part'), a word of a list with: 'word' in list`}},
	{`'health' not in answers.data`, []string{`1:10 "not in" is written with ! before brackets: !('health' in ...)`}},
	{`if true then false`, []string{`1:1 there is no "if" here; a choice is written: condition ? value : other value`}},
	{`True`, []string{`1:1 unknown name "True"; it is written true, in small letters`}},
	{`answers.reach == null`, []string{`1:15 "==" compares values of one kind, found text (answers.reach) and null; whether it has a value is asked with has(answers.reach)`}},
	{`components.exists(c => c.kind == 'store')`, []string{`1:21 "=>" is no operator here; a condition over a list is written list.exists(c, condition), “at least” >=`}},
	{`answers['reach'] == 'internet'`, []string{`1:8 a field is written with a dot: answers.reach`}},
	{`# who reaches it`, []string{`1:1 a remark begins with // here`}},
	// What is missing, or too much.
	{`answers.reach ==`, []string{`1:17 it ends too early: expected a value after "=="`}},
	{"true &&\n  true ||  ", []string{`2:10 it ends too early: expected a value after "||"`}},
	{`&& true`, []string{`1:1 expected a value before "&&", found none`}},
	{`answers.reach 'internet'`, []string{`1:15 expected an operator before 'internet', for example == to compare, && or || to join`}},
	{`answers.reach != == 'x'`, []string{`1:18 two operators follow each other, "!=" and "=="; expected a value between them`}},
	{`(answers.reach == 'internet'`, []string{`1:29 it ends too early: expected ")" for the "(" of column 1`}},
	{"(true &&\n (true)", []string{`2:8 it ends too early: expected ")" for the "(" of column 1`}},
	{`answers.reach == 'internet')`, []string{`1:28 ")" closes nothing; take it away, or open it before`}},
	{`(true]`, []string{`1:6 "]" cannot close the "(" of column 1; expected ")"`}},
	{`true ? false`, []string{`1:13 it ends too early: expected ":" and another value; a choice is written: condition ? value : other value`}},
	{`true, false`, []string{`1:5 a comma stands only between brackets; to ask for both write &&, for either ||`}},
	{`answers..reach == 'x'`, []string{`1:9 expected a name after the dot, found "."`}},
	{`answers.reach == 'internet';`, []string{`1:28 no semicolon ends an expression; take it away`}},
	// Texts.
	{`answers.reach == 'internet`, []string{`1:18 the text that begins here has no end; expected another '`}},
	{`answers.reach == "internet'`, []string{`1:18 the text that begins here with " ends with '; expected the same quote at both ends`}},
	{`answers.reach == “internet”`, []string{`1:18 “ is no quote here; expected a straight one, ' or "`}},
	{`answers.reach == internet`, []string{`1:18 unknown name "internet"; a word stands between quotes: 'internet'`}},
	{`answers.reach == 'a\q'`, []string{`1:18 the text that begins here has a \ before a sign that needs none; a \ itself is written \\`}},
	{`answers.reach.matches('(')`, []string{`1:23 '(' is no regular expression: missing closing )`}},
	// Names.
	{`Answers.reach == 'internet'`, []string{`1:1 unknown name "Answers"; did you mean "answers"?`}},
	{`answers.reac == 'internet'`, []string{`1:9 unknown question "reac"; did you mean "reach"?`}},
	{`answers.size == 'internet'`, []string{`1:9 unknown question "size"; known: data, reach, users, web`}},
	{`answers.data-class == 'x'`, []string{`1:14 unknown name "class"; "-" takes away, a name is joined with _: answers.data_class`}},
	{`product.nam == 'x'`, []string{`1:9 a product has no field "nam"; did you mean "name"?`}},
	{`component.kind == 'store'`, []string{`1:1 "component" is known in rules for component and not here; over all of them it is written components.exists(x, ...)`}},
	{`answers.reach == 'Internet'`, []string{`1:18 unknown option of question reach "Internet"; did you mean "internet"?`}},
	{`answers.reach == 'everywhere'`, []string{`1:18 unknown option of question reach "everywhere"; known: internet, intranet`}},
	{`answers.for == 'x'`, []string{`1:9 unknown question "for"; known: data, reach, users, web`}},
	// Functions.
	{`components.any(c, c.kind == 'store')`, []string{`1:15 there is no function "any"; write exists(x, condition)`}},
	{`len(components) > 3`, []string{`1:4 there is no function "len"; write size()`}},
	{`components.size > 3`, []string{`1:12 size is a function and needs brackets: components.size()`}},
	{`answers.reach.startWith('in')`, []string{`1:24 there is no function "startWith"; did you mean "startsWith"?`}},
	{`components.exists(c.kind == 'store')`, []string{`1:18 exists takes a name and what is asked of it, found one part: exists(x, condition): whether one fulfils it`}},
	{`components.exists('c', true)`, []string{`1:19 expected a name for what is looked at, found something else; it is written like components.exists(c, c.kind == 'store')`}},
	{`has(answers)`, []string{`1:5 has asks whether a field has a value; expected one between the brackets, like has(answers.x)`}},
	{`answers.data.contains('health')`, []string{`1:22 contains asks for a part of a text, and answers.data is a list of texts; a word of a list is asked for with: 'health' in answers.data`}},
	{`size()`, []string{`1:5 size needs something between the brackets; size(): how many characters`}},
	// Kinds.
	{`answers.data == 'health'`, []string{`1:14 "==" compares values of one kind, found a list of texts (answers.data) and text ('health'); a word of a list is asked for with: 'health' in answers.data`}},
	{`answers.reach == 3`, []string{`1:15 "==" compares values of one kind, found text (answers.reach) and a whole number (3); what is kept as text is compared with a word between quotes: '3'`}},
	{`answers.reach > 3`, []string{`1:15 ">" compares two numbers or two texts, found text (answers.reach) and a whole number (3)`}},
	{`answers.reach in 'internet'`, []string{`1:15 "in" looks for what stands before it in the list behind it, found text (answers.reach) and text ('internet'); for one word write answers.reach == 'internet', for several: answers.reach in ['a', 'b']`}},
	{`!'health' in answers.data`, []string{`1:1 ! turns true or false round, found text ('health'); brackets belong around the whole: !('health' in answers.data)`}},
	{`answers.reach && true`, []string{`1:8 expected true or false, found answers.reach, which is text; compare answers.reach, like answers.reach == 'word'`}},
	{`answers.data`, []string{`1:1 expression: expected true or false, found a list of texts; ask for a word with: 'word' in answers.data, whether there is any with answers.data.size() > 0`}},
	{`components.kind == 'store'`, []string{`1:12 a list has no field "kind"; of what is in it, it is asked with components.exists(x, x.kind ...)`}},
	{`answers.reach.exists(x, x == 'a')`, []string{`1:8 exists, all, filter and map go through a list, found text`}},
	{`true ? 1 : 'x'`, []string{`1:6 both values of a choice are of one kind, found a whole number (1) and text ('x')`}},
	{`answers.reach + 3 == 'x'`, []string{`1:15 "+" needs two numbers or two texts, found text (answers.reach) and a whole number (3)`}},
}

func told(found []library.ExpressionProblem) []string {
	var all []string
	for _, f := range found {
		all = append(all, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Text))
	}
	return all
}

func TestMistakesInExpressions(t *testing.T) {
	t.Parallel()
	l := completing(t)
	for _, tc := range mistakes {
		_, found := library.CheckExpression(l, library.ForProduct, "bool", tc.source)
		if diff := cmp.Diff(tc.want, told(found)); diff != "" {
			t.Errorf("CheckExpression(%s) problems (-want +got):\n%s", tc.source, diff)
		}
	}
}

// raw are words of the parser and the type checker of CEL.
var raw = regexp.MustCompile(`viable|mismatched|extraneous|token recognition|overload|undeclared|undefined|_[^ ]+_|<EOF>|list\(|!error!|comprehension|NULL_VALUE|Syntax error|not understood`)

// TestNoRawWords: wherever a letter is lost or the end is cut off, what people are told is ours and lies within the text.
func TestNoRawWords(t *testing.T) {
	t.Parallel()
	l := completing(t)
	right := []string{
		`answers.reach == 'internet' && !('health' in answers.data) // a remark`, `components.exists(c, c.kind == 'store' && c.type in ['web', "database"]) ? 1 > 2 : flows.size() >= 3`,
		`has(answers.reach) || components.filter(c, c.name.matches(r'^a.*')).size() > 2.5 && facts == facts`,
	}
	for _, tc := range mistakes {
		right = append(right, tc.source)
	}
	for _, source := range right {
		runes := []rune(source)
		for i := range runes {
			for _, text := range []string{string(runes[:i]), string(runes[:i]) + string(runes[i+1:])} {
				_, found := library.CheckExpression(l, library.ForProduct, "bool", text)
				lines := strings.Split(text, "\n")
				for _, f := range found {
					if hit := raw.FindString(f.Text); hit != "" && !strings.Contains(text, hit) {
						t.Errorf("CheckExpression(%s) says %q, want no %q", text, f.Text, hit)
					}
					if f.Line < 1 || f.Line > len(lines) || f.Column < 1 || f.Column > len([]rune(lines[f.Line-1]))+1 {
						t.Errorf("CheckExpression(%s) is at %d:%d", text, f.Line, f.Column)
					}
				}
			}
		}
	}
}
