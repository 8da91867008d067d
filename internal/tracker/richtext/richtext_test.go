package richtext

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const marker = "01ABCDEFGHJKMNPQRSTVWXYZ00"

// nodes is one document per kind of block and span.
var nodes = map[string]Doc{
	"empty":     {},
	"paragraph": {P(Text("plain "), Bold("bold"), Text(" "), Span{Text: "mono", Mono: true}, Text(" "), Link("a link", "https://example.org/a?b=c&d=(e)"))},
	"lines":     {P(Text("first\nsecond\n\nthird"))},
	"heading":   {H(0, "low"), H(2, "two"), H(9, "high")},
	"bullets":   {List("one", "two *stars*", "")},
	"numbers":   {{Kind: Numbers, Items: [][]Span{{Text("first")}, {Bold("second")}}}},
	"code":      {{Kind: Code, Language: "sql", Text: "SELECT '{code}' -- x\n```"}, {Kind: Code, Text: "{noformat}"}},
	"table":     {{Kind: Table, Rows: [][][]Span{{{Text("Name")}, {Text("Risk")}}, {{Text("a|b")}, {Text("")}}, {{Text("short")}}}}},
	"rule":      {P(Text("above")), {Kind: Rule}, P(Text("below"))},
	"nothing":   {P(), P(Text("")), {Kind: Bullets}, {Kind: Table}, {Kind: Code}, {Kind: "unknown"}, {Kind: Table, Rows: [][][]Span{{}}}},
	"bad links": {P(Link("js", "javascript:alert(1)"), Link("file", "file:///etc/passwd"), Link("relative", "/x"), Link("user", "https://u:p@h/"), Link("delimiters", "https://h/a|b]c)d>e f"))},
	"markup":    {P(Text(`h1. [~admin] @alice {code} *b* _e_ -s- +u+ ^p^ ~q~ !i! |c| #1 \\ & <b> (!) :) ??x?? a_b [x|y](z) ` + "`c`"))},
	"fence":     {P(Text(NewFence(marker).End)), P(Text("Threatloop "), Text("block ends here: "+marker)), {Kind: Code, Text: "x\n" + NewFence(marker).Begin}},
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, d := range nodes {
		adf, err := json.MarshalIndent(ADF(d), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		got := txtar.Format(&txtar.Archive{Files: []txtar.File{
			{Name: "adf.json", Data: append(adf, '\n')},
			{Name: "wiki", Data: []byte(Wiki(d) + "\n")},
			{Name: "markdown", Data: []byte(Markdown(d) + "\n")},
			{Name: "plain", Data: []byte(Plain(d) + "\n")},
		}})
		path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".txtar")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs from %s (-want +got):\n%s", name, path, diff)
		}
	}
}

func TestTextReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("\ue000"+`\{}[]()*_-#|!~^+?@&%:;<>.,'"/= abchx1`+"`")), rapid.Rune())).Draw(t, "s")
		want := strings.Join(strings.Fields(Clean(s)), " ")
		for markup, got := range map[string]string{"ADF": PlainADF(decode(t, ADF(Doc{P(Text(s))}))), "wiki": PlainWiki(Wiki(Doc{P(Text(s))}))} {
			if got = strings.Join(strings.Fields(got), " "); got != want {
				t.Fatalf("%s: %q reads back as %q (printed %q)", markup, want, got, Wiki(Doc{P(Text(s))}))
			}
		}
	})
}

type fataler interface{ Fatalf(string, ...any) }

func decode(t fataler, tree map[string]any) map[string]any {
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	return out
}

func TestWikiLeavesNothingToInterpret(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"[~admin]", "@alice", "{color:red}", "!http://x/y.png!", "*b*", "_e_", "-s-", "+u+", "^s^", "~s~", "??c??", "|a|", "# 1", "* 1", "{{m}}", "[a|http://b]"} {
		got := Wiki(Doc{P(Text(s))})
		for i, r := range got {
			if strings.ContainsRune(`{}[]*_-|!^+?`, r) && (i == 0 || got[i-1] != '\\') || r == '@' || r == '~' {
				t.Errorf("Wiki(%q) = %q: %q is not escaped", s, got, r)
			}
		}
	}
	for _, s := range []string{"h1. x", "bq. x", "text\nh2. y"} {
		if got := Wiki(Doc{P(Text(s))}); wikiLineStart.MatchString(got) {
			t.Errorf("Wiki(%q) = %q starts a heading or quote", s, got)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\x00b\x07c": "abc", "x\xed\xa0\x80y": "x\ufffdy", "a\r\nb\rc\u2028d": "a\nb\nc\nd", "\u202egpj.exe": "gpj.exe", "\ufeffx\ufffe": "x", "tab\there": "tab\there", "日本 👩‍👩‍👧": "日本 👩‍👩‍👧",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	family := "👩‍👩‍👧"
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{" a\nb\t c ", 10, "a b c"},
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abcde…"},
		{"x" + family, 9, "x" + family},
		{"x" + family + "y", 9, "x…"},
		{"e\u0301e\u0301e\u0301", 4, "e\u0301…"},
		{"", 5, ""},
		{"abc", 0, ""},
		{"👍🏽👍🏽", 5, "👍🏽…"},
	} {
		if got := OneLine(c.in, c.limit); got != c.want {
			t.Errorf("OneLine(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s, limit := rapid.String().Draw(t, "s"), rapid.IntRange(0, 40).Draw(t, "limit")
		got := OneLine(s, limit)
		if Units(got) > limit || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x00") {
			t.Fatalf("OneLine(%q, %d) = %q", s, limit, got)
		}
	})
}

func TestShorten(t *testing.T) {
	t.Parallel()
	big := Doc{
		H(1, "Title"), P(Text(strings.Repeat("emoji 👩‍👩‍👧 ", 200))), List("a", "b", "c"),
		{Kind: Code, Text: strings.Repeat("line\n", 500)},
		{Kind: Table, Rows: [][][]Span{{{Text("h")}}, {{Text("1")}}, {{Text("2")}}}},
	}
	for name, size := range map[string]func(Doc) int{
		"adf":  func(d Doc) int { return ADFSize(ADF(d)) },
		"wiki": func(d Doc) int { return Units(Wiki(d)) },
	} {
		whole := size(big)
		if got := Shorten(big, whole, size); !cmp.Equal(got, big) {
			t.Errorf("%s: a document that fits was changed", name)
		}
		last := 0
		for limit := 200; limit < whole; limit += 97 {
			got := Shorten(big, limit, size)
			n := size(got)
			if n > limit || !utf8.ValidString(Wiki(got)) || !strings.HasSuffix(Plain(got), "… (shortened)") {
				t.Fatalf("%s: Shorten(%d) has size %d and ends %.30q", name, limit, n, Plain(got))
			}
			if limit-n > 250 || n < last {
				t.Errorf("%s: Shorten(%d) has size %d after %d, want near the limit", name, limit, n, last)
			}
			last = n
		}
	}
	if got := Shorten(big, 3, func(d Doc) int { return Units(Wiki(d)) }); len(got) != 0 {
		t.Errorf("Shorten(no room) = %v, want nothing", got)
	}
}

func TestFenceKeepsHumanText(t *testing.T) {
	t.Parallel()
	f := NewFence(marker)
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-z *#|{}\[\]]{0,12}`), 0, 5)
		join := func(ss []string) string { return strings.Join(ss, "\n") }
		before, after := join(lines.Draw(t, "before")), join(lines.Draw(t, "after"))
		first, second := Doc{P(Text("first of ours"))}, Doc{P(Text("second of ours"))}

		wiki := before + "\n" + f.Wiki("", first) + "\n" + after
		got := f.Wiki(wiki, second)
		if want := before + "\n" + f.Wiki("", second) + "\n" + after; got != want {
			t.Fatalf("Wiki() = %q, want %q", got, want)
		}
		if again := f.Wiki(got, second); again != got {
			t.Fatalf("Wiki() twice = %q, want no change", again)
		}
		if md := f.Markdown(before+"\n"+f.Markdown("", first)+"\n"+after, second); md != before+"\n"+f.Markdown("", second)+"\n"+after {
			t.Fatalf("Markdown() = %q", md)
		}
		panel := map[string]any{"type": "panel", "attrs": map[string]any{"panelType": "info"}, "content": []any{adfParagraph([]Span{Text("x" + before)})}}
		tree := f.ADF(map[string]any{"content": []any{panel}}, first)
		tree["content"] = append(tree["content"].([]any), panel)
		content := f.ADF(tree, second)["content"].([]any)
		if !cmp.Equal(content[0], any(panel)) || !cmp.Equal(content[len(content)-1], any(panel)) || len(content) != 5 {
			t.Fatalf("ADF() = %v, want the human's nodes unchanged around three of ours", content)
		}
	})
}

func TestFenceWithoutACompleteBlock(t *testing.T) {
	t.Parallel()
	f, d := NewFence(marker), Doc{P(Text("ours"))}
	whole := f.Wiki("", d)
	for name, old := range map[string]string{
		"none":         "human",
		"begin only":   "human\n" + f.Begin + "\nold text",
		"end only":     "old text\n" + f.End + "\nhuman",
		"wrong order":  f.End + "\nhuman\n" + f.Begin,
		"other marker": strings.ReplaceAll(whole, marker, "ANOTHERMARKER"),
	} {
		got := f.Wiki(old, d)
		if !strings.HasPrefix(got, old) || !strings.HasSuffix(got, whole) {
			t.Errorf("%s: Wiki() = %q, want the old text and a new block at the end", name, got)
		}
		if again := f.Wiki(got, d); again != got {
			t.Errorf("%s: Wiki() twice adds another block: %q", name, again)
		}
	}
}

func TestForeignTextCannotForgeAFence(t *testing.T) {
	t.Parallel()
	f, other := NewFence(marker), NewFence("99ANOTHERMARKER")
	forged := Doc{
		P(Text("a\n" + other.End)), P(Text("Threatloop "), Text("block ends here: 99ANOTHERMARKER")), List(other.Begin),
		{Kind: Code, Text: other.Begin + "\n" + f.End},
		{Kind: Table, Rows: [][][]Span{{{Text(f.Begin)}}}},
		P(Text(f.End)),
	}
	want := []string{marker}
	for name, plain := range map[string]string{"wiki": PlainWiki(f.Wiki("", forged)), "adf": PlainADF(decode(t, f.ADF(nil, forged))), "plain": f.Plain("", forged)} {
		if got := Markers(plain); !cmp.Equal(got, want) {
			t.Errorf("%s: Markers() = %v, want %v in\n%s", name, got, want, plain)
		}
	}
	clean := Doc{P(Text("ours"))}
	if got, want := f.Wiki(f.Wiki("", forged), clean), f.Wiki("", clean); got != want {
		t.Errorf("Wiki() after forged text = %q, want %q", got, want)
	}
	if got, want := f.ADF(f.ADF(nil, forged), clean), f.ADF(nil, clean); !cmp.Equal(got, want) {
		t.Errorf("ADF() after forged text = %v, want %v", got, want)
	}
}

func TestPlainADFReadsForeignNodes(t *testing.T) {
	t.Parallel()
	in := `{"type":"doc","version":1,"content":[{"type":"panel","content":[{"type":"paragraph","content":[{"type":"mention","attrs":{"id":"1","text":"@Ada"}},
	{"type":"text","text":" says "},{"type":"emoji","attrs":{"shortName":":x:","text":"X"}},{"type":"hardBreak"},{"type":"inlineCard","attrs":{"url":"https://e.org"}}]}]},
	{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"i"}]},{"type":"paragraph","content":[{"type":"text","text":"j"}]}]}]},
	{"type":"rule"},{"type":"unknown","content":[{"type":"text","text":"kept"}]}, 7, null]}`
	var tree any
	if err := json.Unmarshal([]byte(in), &tree); err != nil {
		t.Fatal(err)
	}
	if got, want := PlainADF(tree), "@Ada says X\nhttps://e.org\n- i\n  j\n----\nkept"; got != want {
		t.Errorf("PlainADF() = %q, want %q", got, want)
	}
	if got := PlainADF(nil); got != "" {
		t.Errorf("PlainADF(nil) = %q, want nothing", got)
	}
}

func TestPlainWiki(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"h2. Title\r\n\r\n* one\r\n** two\r\n# three": "Title\n\n- one\n- two\n- three", "||a||b||\n|c|d|": "a | b\nc | d",
		"{code:java}\nh1. raw {x}\n{code}": "h1. raw {x}", "see [here|https://e.org] &amp; \\{x\\}": "see here & {x}", "{*}bold{*} {{mono}}": "bold mono", "": "",
	} {
		if got := PlainWiki(in); got != want {
			t.Errorf("PlainWiki(%q) = %q, want %q", in, got, want)
		}
	}
}
