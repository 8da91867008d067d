package richtext_test

import (
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/sharedtest"
	"github.com/threatloop/threatloop/internal/tracker/fake/validate"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

var compiled struct {
	once   sync.Once
	schema *jsonschema.Schema
	err    error
}

// schema compiles the published schema of Atlassian documents once.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	path := sharedtest.Dir(t, "openapi", "adf-schema-full.json")
	compiled.once.Do(func() { compiled.schema, compiled.err = validate.ADFSchema(path) })
	if compiled.err != nil {
		t.Fatalf("compile schema: %v", compiled.err)
	}
	return compiled.schema
}

func spans(t *rapid.T) []richtext.Span {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) richtext.Span {
		return richtext.Span{
			Text: rapid.String().Draw(t, "text"), Bold: rapid.Bool().Draw(t, "bold"), Mono: rapid.Bool().Draw(t, "mono"),
			Link: rapid.SampledFrom([]string{"", "https://e.org/a b", "javascript:x", "::"}).Draw(t, "link"),
		}
	}), 0, 4).Draw(t, "spans")
}

func document(t *rapid.T) richtext.Doc {
	kinds := []richtext.Kind{richtext.Paragraph, richtext.Heading, richtext.Bullets, richtext.Numbers, richtext.Code, richtext.Table, richtext.Rule, "odd"}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) richtext.Block {
		b := richtext.Block{
			Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Level: rapid.IntRange(-1, 9).Draw(t, "level"), Spans: spans(t),
			Text: rapid.String().Draw(t, "code"), Language: rapid.String().Draw(t, "language"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			b.Items = append(b.Items, spans(t))
			row := [][]richtext.Span{}
			for range rapid.IntRange(0, 3).Draw(t, "cells") {
				row = append(row, spans(t))
			}
			b.Rows = append(b.Rows, row)
		}
		return b
	}), 0, 5).Draw(t, "doc")
}

func TestEveryDocumentIsValidADF(t *testing.T) {
	t.Parallel()
	s := schema(t)
	rapid.Check(t, func(t *rapid.T) {
		d := document(t)
		fence := richtext.NewFence("01ABCDEFGHJKMNPQRSTVWXYZ00")
		short := richtext.Shorten(d, 500, func(d richtext.Doc) int { return richtext.ADFSize(richtext.ADF(d)) })
		for name, tree := range map[string]map[string]any{"ADF": richtext.ADF(d), "fenced": fence.ADF(nil, d), "shortened": richtext.ADF(short)} {
			if err := validate.CheckADF(s, tree); err != nil {
				t.Fatalf("%s of %#v is invalid: %v", name, d, err)
			}
		}
	})
}

func FuzzADF(f *testing.F) {
	s := schema(f)
	f.Add("text", "sql", "https://example.org", 2)
	f.Add("", "", "", 0)
	f.Add("a\n\nb\x00\xed\xa0\x80", "{", "https://a|b", 9)
	f.Fuzz(func(t *testing.T, text, language, link string, level int) {
		span := richtext.Span{Text: text, Link: link, Bold: level%2 == 0, Mono: level%3 == 0}
		d := richtext.Doc{
			richtext.P(span), richtext.H(level, text), richtext.List(text, link),
			{Kind: richtext.Code, Text: text, Language: language},
			{Kind: richtext.Table, Rows: [][][]richtext.Span{{{span}, {}}, {{span}}}},
		}
		if err := validate.CheckADF(s, richtext.ADF(d)); err != nil {
			t.Fatalf("ADF(%q, %q, %q, %d) is invalid: %v", text, language, link, level, err)
		}
	})
}

func FuzzWiki(f *testing.F) {
	for _, s := range []string{"{code}x{code}", "h1. a\n|b||c|\n* d", "[x|y]\\[", "&#1114112; &amp;", "||", "\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		richtext.PlainWiki(s)
		fence := richtext.NewFence("01ABCDEFGHJKMNPQRSTVWXYZ00")
		d := richtext.Doc{richtext.P(richtext.Text(s))}
		once := fence.Wiki("", d)
		if got := richtext.Markers(richtext.PlainWiki(once)); len(got) != 1 || got[0] != fence.Marker {
			t.Fatalf("Markers(block of %q) = %v, want ours only", s, got)
		}
		if twice := fence.Wiki(once, d); twice != once {
			t.Fatalf("Wiki(%q) twice = %q, want %q", s, twice, once)
		}
	})
}
